/* The open batch of a terminal, as transactions change it: its totals, and the highest trace number
 * seen.
 *
 * A transaction counts once, in the batch that was open when it asked, from the record that
 * approves it to the one that undoes it; each such record carries the totals after it, so that a
 * replay sets them from there and adds nothing up anew.
 */
#pragma once

#include "switch/engine/engine_state.h"

/* Counts the transaction, whose approval `record` writes. Nothing happens where its kind counts
 * nowhere, where it counts already, or where its batch is no longer the open one. */
void batch_add(struct engine *engine, struct txn *txn, struct record *record);
/* The opposite, at the record that undoes it. */
void batch_take_back(struct engine *engine, struct txn *txn, struct record *record);
/* Puts the terminal's totals into a record that changed them. */
void batch_put_totals(const struct terminal_state *terminal, struct record *record);

/* A request of that batch and trace number is remembered from now on. */
void batch_see_stan(struct engine *engine, uint32_t terminal, uint32_t batch, uint32_t stan);
/* Whether a request with that trace number has surely never been here: above the highest one of
 * the terminal's open batch. */
bool batch_is_stan_new(const struct engine *engine, uint32_t terminal, uint32_t batch,
                       uint32_t stan);
/* Something that counts begins in a batch that may have been settled already: what was compared
 * then holds no more, and the terminal has to settle again before it can end the batch. */
void batch_on_begun(struct engine *engine, uint32_t terminal, const struct record *record);
/* Another batch begins: no totals, no trace number seen. */
void batch_begin(struct terminal_state *terminal, uint32_t batch);

/* Replay: what a record of a transaction tells of its terminal's batch. */
void batch_replay(struct engine *engine, const struct record *record);
