/* A terminal's own reversal (0400): the terminal had no answer, or could not use it.
 *
 *   original approved or in flight     reversed: 00 once RECORD_REVERSAL is durable
 *   being reversed, reversed, a case   00 again
 *   declined                           00: there is nothing to undo
 *   unknown                            25 once the tombstone is durable: it is refused from then on
 *   other amount or card               94, recorded; nothing is undone
 *
 * It carries batch and trace of its original (unionpay 5), so the key finds that; the reversal
 * needs no key of its own, and a repeat finds the same state and gets the same answer.
 */
#pragma once

#include "switch/engine/engine_state.h"

/* The same once the log was searched: the original in memory by now, or NULL: there is none. */
void reversal_on_original(struct engine *engine, const struct request *request, struct txn *txn,
                          uint32_t terminal);
void reversal_on_request(struct engine *engine, const struct request *request);
