/* What one option says about another: pairs that do not go together, names given twice. Checked
 * when each option by itself is right. */
#pragma once

#include "config/server_options.h"

/* Faults go into the document that the options were read from. REQUIREs that it has none yet. */
void option_check(struct document *document, const struct server_options *options);
