/* See batch.h. */
#include "switch/engine/batch.h"

#include <string.h>

#include "protocols/base/require.h"
#include "switch/engine/original.h"
#include "switch/engine/payment_rule.h"
#include "switch/engine/planted_bug.h"

/* --- totals ------------------------------------------------------------------------------- */

void batch_put_totals(const struct terminal_state *terminal, struct record *record)
{
    batch_totals_format(record->totals, &terminal->totals);
    if (record->totals[0] == '\0') {
        record->totals[0] = '0'; /* empty would say "not changed" */
    }
}

/* Moves the transaction's amount, an adjustment's difference, into its sum or out of it. */
static void move_amount(struct engine *engine, struct txn *txn, struct record *record, bool is_in)
{
    struct terminal_state *terminal = &engine->terminals.states[txn->terminal];
    enum batch_side side = payment_rule_of((enum payment_kind)txn->kind)->side;
    struct batch_sum *sum = batch_totals_sum(&terminal->totals, side, txn->is_foreign);
    bool is_open = txn->terminal != 0 && terminal->batch == txn->batch;
    if (sum == NULL || !is_open || txn->is_in_totals == is_in) {
        return;
    }
    bool is_difference = original_is_adjustment(engine, txn);
    int64_t minor = is_difference ? txn_detail(&engine->slab, txn)->difference : txn->amount.minor;
    sum->minor += is_in ? minor : -minor;
    if (!is_difference) {
        REQUIRE(is_in || sum->count > 0);
        sum->count = is_in ? sum->count + 1 : sum->count - 1;
    }
    txn->is_in_totals = is_in;
    batch_put_totals(terminal, record);
}

void batch_add(struct engine *engine, struct txn *txn, struct record *record)
{
    move_amount(engine, txn, record, true);
}

void batch_take_back(struct engine *engine, struct txn *txn, struct record *record)
{
    if (PLANTED_BUG(12)) {
        return;
    }
    move_amount(engine, txn, record, false);
}

/* --- trace numbers ------------------------------------------------------------------------ */

void batch_see_stan(struct engine *engine, uint32_t terminal, uint32_t batch, uint32_t stan)
{
    struct terminal_state *state = &engine->terminals.states[terminal];
    if (terminal != 0 && state->batch == batch && state->stan_highest < stan) {
        state->stan_highest = stan;
    }
}

bool batch_is_stan_new(const struct engine *engine, uint32_t terminal, uint32_t batch,
                       uint32_t stan)
{
    const struct terminal_state *state = &engine->terminals.states[terminal];
    return terminal != 0 && state->batch == batch && stan > state->stan_highest;
}

void batch_on_begun(struct engine *engine, uint32_t terminal, const struct record *record)
{
    struct terminal_state *state = &engine->terminals.states[terminal];
    bool is_begun = terminal != 0 && state->batch == record->batch &&
                    record_kind_begins(record->kind, record->payment_kind, record->attempt);
    if (is_begun && payment_rule_of(record->payment_kind)->side != BATCH_NEITHER) {
        state->settled_as = BATCH_ASKED;
    }
}

void batch_begin(struct terminal_state *terminal, uint32_t batch)
{
    REQUIRE(batch != 0);
    terminal->batch = batch;
    terminal->stan_highest = 0;
    terminal->settled_as = BATCH_ASKED;
    memset(&terminal->totals, 0, sizeof(terminal->totals));
}

/* --- replay ------------------------------------------------------------------------------- */

/* Whether the record tells of a request that was remembered under its key. */
static bool record_tells_stan(const struct record *record)
{
    return record->kind == RECORD_INTENT || record->kind == RECORD_ADVICE ||
           record->kind == RECORD_TOMBSTONE ||
           (record->kind == RECORD_REFUSED && record->state == TXN_DECLINED);
}

/* A row that counts a transaction names the batch that was open then; it may be all that is read
 * of an earlier part of the log. */
static void replay_totals(struct engine *engine, const struct record *record)
{
    uint32_t place =
        terminal_set_enroll(&engine->terminals, record->terminal_id, record->merchant_id);
    if (place == 0) {
        return; /* fewer terminals are allowed now */
    }
    struct terminal_state *terminal = &engine->terminals.states[place];
    if (terminal->batch != record->batch) {
        batch_begin(terminal, record->batch);
    }
    enum status status = batch_totals_parse(&terminal->totals, record->totals);
    REQUIRE(status == STATUS_OK); /* the store has checked the row */
}

/* Of a log that is read in part, the row with the highest trace number of a terminal's last batch
 * is read (store/log_carry.h), and it may come before the sign-on that names the batch. */
static void replay_stan(struct engine *engine, const struct record *record)
{
    uint32_t place =
        terminal_set_enroll(&engine->terminals, record->terminal_id, record->merchant_id);
    bool was_open = record_kind_begins(record->kind, record->payment_kind, record->attempt);
    if (place != 0 && was_open && engine->terminals.states[place].batch != record->batch) {
        batch_begin(&engine->terminals.states[place], record->batch);
    }
    batch_see_stan(engine, place, record->batch, record->stan);
    batch_on_begun(engine, place, record);
}

void batch_replay(struct engine *engine, const struct record *record)
{
    if (record->totals[0] != '\0' && record->batch != 0) {
        replay_totals(engine, record);
    }
    if (record_tells_stan(record)) {
        replay_stan(engine, record);
    }
}
