/* Sign-on, and the errands of errand.h. A batch that the centre has closed while our last message
 * or its answer was lost shows at the next sign-on: its number is one higher. */
#include "loadtest/load/terminal_parts.h"

#include <stdio.h>
#include <string.h>

#include "protocols/base/require.h"

#define SIGN_ON_TIMEOUT_NS UINT64_C(15000000000)
#define BATCH_MAX 999999
#define DOWNLOAD_REFUSALS_MAX 3 /* then it is let be: payments need no parameters */
#define SETTLE_REFUSALS_MAX 60  /* then the merchant calls; the receipt tells it */

static const char *const SIGN_ON_CODES[] = {"003", "004", "001"};

/* A terminal has one kind of key for life. */
static const char *sign_on_code(const struct terminal *terminal)
{
    const uint32_t *weights = terminal->world->sign_on_weights;
    uint64_t sum = (uint64_t)weights[0] + weights[1] + weights[2];
    uint64_t at = sum == 0 ? 0 : draw_mix(terminal->index) % sum;
    unsigned which = 0;
    while (which < 2 && sum > 0 && at >= weights[which]) {
        at -= weights[which++];
    }
    return SIGN_ON_CODES[which];
}

void terminal_sign_on_send(struct terminal *terminal, uint64_t now_ns)
{
    terminal_state_set(terminal, TERMINAL_SIGNING_ON, now_ns + SIGN_ON_TIMEOUT_NS);
    terminal->sign_on_stan = terminal_stan_next(terminal);
    terminal_send(terminal, pos_build_sign_on(terminal->world->writer, &terminal->identity,
                                              terminal->sign_on_stan, sign_on_code(terminal)));
}

static uint32_t batch_after(uint32_t batch)
{
    return batch % BATCH_MAX + 1;
}

static void settlement_close(struct terminal *terminal, bool is_ended)
{
    struct settlement *settlement = &terminal->errand.settlement;
    struct pos_identity identity = terminal->identity;
    identity.batch = settlement->batch;
    receipts_put_settlement(terminal->world->receipts, &identity, settlement, is_ended);
    terminal_counts(terminal)->settlements += is_ended;
    terminal_counts(terminal)->settlements_different +=
        is_ended && !settlement_is_equal(settlement);
    if (is_ended) {
        terminal->identity.batch = batch_after(settlement->batch);
        journal_begin_batch(&terminal->journal, terminal->identity.batch);
    }
}

static void errand_close(struct terminal *terminal, bool is_done)
{
    enum errand_kind kind = terminal->errand.kind;
    if (kind == ERRAND_SETTLE) {
        settlement_close(terminal, is_done);
    }
    terminal_counts(terminal)->errands += is_done;
    terminal_counts(terminal)->errands_refused += !is_done;
    terminal->has_keys &= kind != ERRAND_SIGN_OFF || !is_done;
    errand_end(&terminal->errand);
    terminal->has_errand = false;
    terminal->orders &= ~(1U << kind);
    terminal->world->order_count--;
}

/* The batch that the centre says is open. */
static void batch_take(struct terminal *terminal, uint32_t batch)
{
    struct journal *journal = &terminal->journal;
    bool is_settling = terminal->has_errand && terminal->errand.kind == ERRAND_SETTLE &&
                       terminal->errand.settlement.stage == SETTLEMENT_LAST;
    if (is_settling && batch == batch_after(terminal->errand.settlement.batch)) {
        errand_close(terminal, true);
    }
    terminal->identity.batch = batch;
    if (journal->batch != batch) {
        terminal_counts(terminal)->batch_jumps += journal->batch != 0;
        journal_begin_batch(journal, batch);
    }
}

bool terminal_sign_on_take(struct terminal *terminal, const struct pos_answer *answer,
                           uint64_t now_ns)
{
    char name[32];
    struct tdes_key master;
    if (terminal->state != TERMINAL_SIGNING_ON || strcmp(answer->mti, "0810") != 0 ||
        answer->stan != terminal->sign_on_stan) {
        return false;
    }
    snprintf(name, sizeof name, "term:%s:tmk", terminal->identity.terminal_id);
    fleet_tdes_key(terminal->world->fleet, name, &master);
    bool is_done = strcmp(answer->response_code, "00") == 0 &&
                   pos_keys_open(terminal->world->writer, &master, answer->custom_62,
                                 &terminal->identity) == STATUS_OK;
    if (!is_done) {
        terminal_counts(terminal)->sign_ons_refused++;
        terminal_pause(terminal, now_ns);
        return true;
    }
    terminal_counts(terminal)->sign_ons++;
    batch_take(terminal, answer->batch);
    terminal->has_keys = true;
    terminal->wants_sign_on = false;
    terminal->connect_failures = 0;
    if (terminal->orders & 1U << ERRAND_SIGN_ON) {
        terminal->orders &= ~(1U << ERRAND_SIGN_ON);
        terminal->world->order_count--;
    }
    terminal_next(terminal, now_ns);
    return true;
}

void terminal_order(struct terminal *terminal, enum errand_kind kind, uint64_t now_ns)
{
    if (terminal->orders & 1U << kind) {
        return;
    }
    terminal->orders |= 1U << kind;
    terminal->world->order_count++;
    terminal->wants_sign_on |= kind == ERRAND_SIGN_ON;
    if (terminal->state == TERMINAL_FREE) {
        terminal_next(terminal, now_ns);
    }
}

/* However few terminals there are, a phase that asks for mismatches has one: the first that can. */
static enum settlement_deviation deviation_draw(struct terminal *terminal)
{
    struct terminal_world *world = terminal->world;
    if (world->mismatch_percent <= 0 ||
        (!draw_hits(&world->draw, world->mismatch_percent) && !world->is_mismatch_owed)) {
        return SETTLEMENT_NONE;
    }
    return draw_below(&world->draw, 2) == 0 ? SETTLEMENT_FORGOTTEN : SETTLEMENT_DECLINED;
}

bool terminal_errand_begin(struct terminal *terminal)
{
    unsigned kind = 0;
    while (kind < ERRAND_COUNT && !(terminal->orders & 1U << kind)) {
        kind++;
    }
    if (kind == ERRAND_COUNT) {
        return false;
    }
    enum settlement_deviation deviation =
        kind == ERRAND_SETTLE ? deviation_draw(terminal) : SETTLEMENT_NONE;
    REQUIRE(errand_begin(&terminal->errand, (enum errand_kind)kind, &terminal->journal,
                         deviation) == STATUS_OK);
    if (kind == ERRAND_SETTLE && terminal->errand.settlement.deviation != SETTLEMENT_NONE) {
        terminal->world->is_mismatch_owed = false;
    }
    terminal->has_errand = true;
    return true;
}

void terminal_errand_send(struct terminal *terminal, uint64_t now_ns)
{
    struct terminal_world *world = terminal->world;
    uint32_t stan = terminal->stan % 999999 + 1;
    bool is_stan_used;
    struct byte_view frame =
        errand_build(&terminal->errand, world->writer, &terminal->identity, stan, &is_stan_used);
    if (is_stan_used) {
        terminal->stan = stan;
    }
    terminal_state_set(terminal, TERMINAL_ON_ERRAND, now_ns + world->answer_timeout_ns);
    terminal_send(terminal, frame);
}

/* Whether a refused errand is given up; a settlement is not, soon. */
static bool errand_is_hopeless(const struct errand *errand)
{
    uint32_t most = errand->kind == ERRAND_SETTLE ? SETTLE_REFUSALS_MAX : DOWNLOAD_REFUSALS_MAX;
    return errand->refusals >= most;
}

bool terminal_errand_take(struct terminal *terminal, const struct pos_answer *answer,
                          uint64_t now_ns)
{
    if (terminal->state != TERMINAL_ON_ERRAND || !terminal->has_errand ||
        !errand_is_answer(&terminal->errand, answer)) {
        return false;
    }
    terminal->connect_failures = 0;
    enum status status = errand_take(&terminal->errand, answer);
    if (status == STATUS_OK) {
        if (terminal->errand.stage == ERRAND_OVER) {
            errand_close(terminal, true);
        }
        terminal_next(terminal, now_ns);
        return true;
    }
    terminal->wants_sign_on |= terminal_code_wants_sign_on(answer->response_code);
    if (errand_is_hopeless(&terminal->errand)) {
        fprintf(stderr, "tillway-load: terminal %s gives up errand %d: answered \"%s\"\n",
                terminal->identity.terminal_id, (int)terminal->errand.kind, answer->response_code);
        errand_close(terminal, false);
    }
    terminal_pause(terminal, now_ns);
    return true;
}

void terminal_errand_abandon(struct terminal *terminal)
{
    if (terminal->has_errand) {
        errand_close(terminal, false);
    }
}
