/* A terminal's totals compared with ours, and the batch that ends after it (unionpay-pos 8).
 *
 *   0500/201   SETTLEMENT record; result 1 equal, 2 different with our totals, 3 malformed
 *
 * What follows is batch_upload.h's: 0320/207 where totals were equal; else details and 0320/202.
 * Either ends the batch by a BATCH_END record.
 *
 * Totals are what is known at the moment: a transaction in doubt is told to its terminal as failed
 * (98), so it counts on neither side. The row says how many reversals of the terminal are pending.
 */
#pragma once

#include "switch/engine/engine_state.h"

#define BATCH_MAX 999999

uint32_t settlement_next_batch(uint32_t batch);

void settlement_on_request(struct engine *engine, const struct request *request);

/* Whether the terminal is signed on and speaks of its open batch, or of the next one after a
 * settlement that was equal (settlement_roll). Else it has been refused. */
bool settlement_is_of_open_batch(struct engine *engine, const struct request *request,
                                 uint32_t terminal);
/* A request of the next batch after a settlement that was equal: the end message was lost, so the
 * old batch is closed here. True: it was, and the request's batch is the open one now. Takes one
 * record, and an epoch's where the references end. */
bool settlement_roll(struct engine *engine, uint32_t terminal, const struct payment *payment);
/* Ends the terminal's open batch by a record, `how` in its first line. */
struct record *settlement_end_batch(struct engine *engine, uint32_t terminal,
                                    const struct payment *payment, const char *how);

/* Replay, behind batch_replay(). */
void settlement_replay(struct engine *engine, const struct record *record);
