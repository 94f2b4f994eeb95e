/* What a chip card adds to a message: field 55 as BER-TLV, written into the writer of a draft
 * (unionpay-pos section 6). No issuer key stands behind the cryptograms; the simulated bank does
 * not check them.
 */
#pragma once

#include "loadtest/pos_draft.h"

/* All mandatory tags of a request and the usual optional ones. `is_offline`: the card decided by
 * itself (8A, 9F74). */
void pos_chip_put_request(struct pos_writer *writer, const struct pos_identity *identity,
                          const struct pos_request *request);
/* What the card said last: of a reversal, and with the issuer script's result (DF31) of that. */
void pos_chip_put_last(struct pos_writer *writer, const struct pos_identity *identity,
                       const struct pos_request *request);
