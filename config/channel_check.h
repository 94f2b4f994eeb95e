/* What one item of `channels` must have, which depends on what it is: a bank or a wallet.
 */
#pragma once

#include "config/server_options.h"

/* Reports what is missing in `item`, or fits it badly, as faults of the document. */
void channel_check(struct document *document, const struct document_node *item,
                   const struct channel_options *channel);
