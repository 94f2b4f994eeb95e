/* The judges. They look at the world: what left the switch, what lies on the disk, what the banks
 * posted, what the terminals hold. */
#include <stdio.h>
#include <string.h>

#include "tests/sim/world.h"

static bool record_is_of(const struct record *record, const struct world *world,
                         const struct attempt *attempt)
{
    return record->stan == attempt->stan && record->batch == attempt->batch &&
           strcmp(record->terminal_id, world->terminals[attempt->terminal].terminal_id) == 0;
}

/* Whether a durable record of this kind speaks of the attempt. */
static bool disk_has(const struct world *world, enum record_kind kind,
                     const struct attempt *attempt)
{
    for (uint32_t i = world->durable_count; i > 0; i--) {
        const struct record *record = &world->records[i - 1];
        if (record->kind == kind && record_is_of(record, world, attempt)) {
            return true;
        }
    }
    return false;
}

static bool disk_has_intent(const struct world *world, const char *rrn)
{
    for (uint32_t i = world->durable_count; i > 0; i--) {
        if (world->records[i - 1].kind == RECORD_INTENT &&
            strcmp(world->records[i - 1].rrn, rrn) == 0) {
            return true;
        }
    }
    return false;
}

static bool disk_has_approval(const struct world *world, const struct attempt *attempt)
{
    for (uint32_t i = world->durable_count; i > 0; i--) {
        const struct record *record = &world->records[i - 1];
        if (record->kind == RECORD_RESULT && record_is_of(record, world, attempt) &&
            payment_is_approval(record->response_code)) {
            return true;
        }
    }
    return false;
}

static bool disk_has_decline(const struct world *world, const struct attempt *attempt)
{
    return disk_has(world, RECORD_RESULT, attempt) && !disk_has_approval(world, attempt);
}

static struct attempt *attempt_of_record(struct world *world, const struct record *record)
{
    for (uint32_t i = 0; i < world->attempt_count; i++) {
        struct attempt *attempt = &world->attempts[i];
        if (!attempt->is_impostor && record_is_of(record, world, attempt)) {
            return attempt;
        }
    }
    return NULL;
}

static void on_reversal_record(struct world *world, struct attempt *attempt)
{
    if (attempt->approval_told && !attempt->reversal_arrived) {
        world_fail(
            world, SIM_I6,
            "STAN %06u was told approved and is being reversed, but its terminal never asked",
            attempt->stan);
    }
    attempt->reversal_on_log = true;
}

void oracle_on_append(struct world *world, const struct record *record)
{
    if (world->record_count > 0 &&
        record->position != world->records[world->record_count - 1].position + 1) {
        world_fail(world, SIM_I5, "record at position %llu follows %llu",
                   (unsigned long long)record->position,
                   (unsigned long long)world->records[world->record_count - 1].position);
    }
    struct attempt *attempt = attempt_of_record(world, record);
    if (attempt == NULL) {
        return;
    }
    if (record->kind == RECORD_REVERSAL) {
        on_reversal_record(world, attempt);
    }
    if (record->kind == RECORD_REVERSAL_DONE && strcmp(attempt->reversal_code, "25") == 0 &&
        world->now_ns - attempt->left_ns < world->limits.inflight_life_ns) {
        world_fail(world, SIM_I9,
                   "STAN %06u: reversal closed by code 25 only %llu ms after the original left",
                   attempt->stan,
                   (unsigned long long)((world->now_ns - attempt->left_ns) / SIM_MS));
    }
}

static void check_references(struct world *world, const struct payment *payment)
{
    for (uint32_t i = 0; i < world->posting_count; i++) {
        if (strcmp(world->postings[i].rrn, payment->rrn) == 0 &&
            world->postings[i].amount != payment->amount.minor) {
            world_fail(world, SIM_I24, "RRN %s names two purchases", payment->rrn);
        }
    }
}

static void on_purchase_forward(struct world *world, const struct engine_effect *effect)
{
    const struct payment *payment = effect->payment;
    struct attempt *attempt = attempt_by_amount(world, payment->amount.minor);
    if (attempt == NULL) {
        world_fail(world, SIM_I13, "%lld fen was forwarded, which no terminal asked for",
                   (long long)payment->amount.minor);
        return;
    }
    if (attempt->is_impostor) {
        world_fail(world, SIM_I14, "STAN %06u with other content was forwarded", attempt->stan);
    }
    if (!disk_has_intent(world, payment->rrn)) {
        world_fail(world, SIM_I5, "STAN %06u left before its intent was durable", attempt->stan);
    }
    if (attempt->forward_count > 0) {
        world_fail(world, SIM_I4, "STAN %06u was forwarded twice", attempt->stan);
    }
    attempt->forward_count++;
    attempt->left_ns = world->now_ns;
    check_references(world, payment);
}

static struct attempt *attempt_of_rrn(struct world *world, const char *rrn)
{
    for (uint32_t i = 0; i < world->record_count; i++) {
        if (world->records[i].kind == RECORD_INTENT && strcmp(world->records[i].rrn, rrn) == 0) {
            return attempt_of_record(world, &world->records[i]);
        }
    }
    return NULL;
}

void oracle_on_forward(struct world *world, const struct engine_effect *effect)
{
    const struct payment *payment = effect->payment;
    if (world->has_failed_sync) {
        world_fail(world, SIM_I22, "a %s left after a failed sync",
                   payment_kind_name(payment->kind));
    }
    if (payment->kind != PAYMENT_REVERSAL) {
        on_purchase_forward(world, effect);
        return;
    }
    struct attempt *attempt = attempt_of_rrn(
        world, payment->original.rrn[0] != '\0' ? payment->original.rrn : payment->rrn);
    if (attempt == NULL) {
        world_fail(world, SIM_I8, "a reversal of %s left, which was never forwarded",
                   payment->original.rrn);
        return;
    }
    if (!disk_has(world, RECORD_REVERSAL, attempt)) {
        world_fail(world, SIM_I5, "the reversal of STAN %06u left before it was durable",
                   attempt->stan);
    }
    if (attempt->reversal_count > 0 && !payment->is_repeat) {
        world_fail(world, SIM_I8, "reversal %u of STAN %06u left without the repeat message type",
                   attempt->reversal_count + 1, attempt->stan);
    }
    attempt->reversal_count++;
}

static bool bank_approved(const struct world *world, const struct attempt *attempt, const char *rrn)
{
    for (uint32_t i = 0; i < world->posting_count; i++) {
        const struct posting *posting = &world->postings[i];
        if (&world->attempts[posting->attempt] == attempt && strcmp(posting->rrn, rrn) == 0) {
            return true;
        }
    }
    return false;
}

static void on_approval(struct world *world, const struct engine_effect *effect,
                        struct attempt *attempt)
{
    const struct payment *payment = effect->payment;
    if (attempt->reversal_answered) {
        world_fail(world, SIM_I12,
                   "STAN %06u was told approved after its reversal had been answered",
                   attempt->stan);
    }
    if (attempt->reversal_on_log && !attempt->reversal_arrived) {
        world_fail(world, SIM_I10,
                   "STAN %06u was told approved while its reversal stands on the log",
                   attempt->stan);
    }
    if (!disk_has_approval(world, attempt)) {
        world_fail(world, SIM_I5, "STAN %06u was told approved before its result was durable",
                   attempt->stan);
    }
    if (payment->amount.minor != attempt->amount) {
        world_fail(world, SIM_I13, "STAN %06u asked %lld fen and was told %lld", attempt->stan,
                   (long long)attempt->amount, (long long)payment->amount.minor);
    }
    if (!bank_approved(world, attempt, payment->rrn)) {
        world_fail(world, SIM_I11,
                   "STAN %06u was told approved under %s, which no bank approved for it",
                   attempt->stan, payment->rrn);
    }
    attempt->approval_told = true;
}

static void on_reversal_answer(struct world *world, const struct payment *payment,
                               struct attempt *attempt)
{
    bool is_done = strcmp(payment->response_code, "00") == 0;
    bool is_unknown = strcmp(payment->response_code, "25") == 0;
    bool must_be_durable =
        is_done && attempt->forward_count > 0 && !disk_has_decline(world, attempt);
    if (must_be_durable && !disk_has(world, RECORD_REVERSAL, attempt)) {
        world_fail(world, SIM_I5,
                   "the reversal of STAN %06u was acknowledged before it was durable",
                   attempt->stan);
    }
    if (is_unknown && attempt->forward_count > 0) {
        world_fail(world, SIM_I7,
                   "the reversal of STAN %06u was answered 25 although the original had left",
                   attempt->stan);
    }
    attempt->reversal_answered = attempt->reversal_answered || is_done || is_unknown;
}

void oracle_on_reply(struct world *world, const struct engine_effect *effect)
{
    const struct payment *payment = effect->payment;
    if (world->has_failed_sync && effect->after > 0) {
        world_fail(world, SIM_I22, "an answer was given after a failed sync");
    }
    uint32_t terminal = effect->conn.slot;
    if (terminal >= world->terminal_count ||
        strcmp(world->terminals[terminal].terminal_id, payment->terminal_id) != 0) {
        world_fail(world, SIM_I11, "an answer for terminal %s went to connection slot %u",
                   payment->terminal_id, terminal);
        return;
    }
    struct attempt *attempt = attempt_by_key(world, payment);
    if (attempt == NULL || payment->kind == PAYMENT_SIGNON) {
        return;
    }
    if (payment->kind == PAYMENT_REVERSAL) {
        on_reversal_answer(world, payment, attempt);
    } else if (payment_is_approval(payment->response_code)) {
        on_approval(world, effect, attempt);
    } else {
        bool is_unknown = strcmp(payment->response_code, "98") == 0;
        if (is_unknown && attempt->forward_count > 0 &&
            !disk_has(world, RECORD_REVERSAL, attempt)) {
            world_fail(world, SIM_I5, "STAN %06u was told unknown before its reversal was durable",
                       attempt->stan);
        }
    }
}

void oracle_on_response(struct world *world, const struct payment *response)
{
    if (response->kind != PAYMENT_REVERSAL) {
        return;
    }
    struct attempt *attempt = attempt_of_rrn(
        world, response->original.rrn[0] != '\0' ? response->original.rrn : response->rrn);
    if (attempt != NULL) {
        memcpy(attempt->reversal_code, response->response_code, sizeof(attempt->reversal_code));
    }
}

static void check_attempt(struct world *world, uint32_t index)
{
    const struct attempt *attempt = &world->attempts[index];
    const char *terminal_id = world->terminals[attempt->terminal].terminal_id;
    uint32_t live = 0;
    for (uint32_t i = 0; i < world->posting_count; i++) {
        const struct posting *posting = &world->postings[i];
        live += posting->attempt == index && posting->is_live;
        if (posting->attempt == index && posting->reversal_count > 1) {
            world_fail(world, SIM_I8, "terminal %s STAN %06u was reversed %u times", terminal_id,
                       attempt->stan, posting->reversal_count);
        }
    }
    if (attempt->outcome == ATTEMPT_APPROVED && live != 1) {
        world_fail(world, SIM_I2,
                   "terminal %s STAN %06u of %lld fen has a receipt and %u live postings",
                   terminal_id, attempt->stan, (long long)attempt->amount, live);
    }
    if (attempt->outcome != ATTEMPT_APPROVED && live != 0) {
        world_fail(world, SIM_I1, "terminal %s STAN %06u of %lld fen is posted and has no receipt",
                   terminal_id, attempt->stan, (long long)attempt->amount);
    }
    if (attempt->outcome == ATTEMPT_UNKNOWN || attempt->outcome == ATTEMPT_OPEN) {
        world_fail(world, SIM_DRAIN, "terminal %s STAN %06u is still open at the end", terminal_id,
                   attempt->stan);
    }
}

/* The last word of the log on each attempt must be the terminal's. */
static void check_log(struct world *world, uint32_t index)
{
    const struct attempt *attempt = &world->attempts[index];
    bool is_approved = false;
    bool is_reversal_open = false;
    for (uint32_t i = 0; i < world->durable_count; i++) {
        const struct record *record = &world->records[i];
        if (!record_is_of(record, world, attempt) || attempt->is_impostor) {
            continue;
        }
        if (record->kind == RECORD_RESULT) {
            is_approved = payment_is_approval(record->response_code);
        } else if (record->kind == RECORD_REVERSAL) {
            is_approved = false;
            is_reversal_open = true;
        } else if (record->kind == RECORD_REVERSAL_DONE || record->kind == RECORD_REVERSAL_CASE) {
            is_reversal_open = false;
        }
    }
    if (is_reversal_open) {
        world_fail(world, SIM_I7, "the reversal of STAN %06u never ended", attempt->stan);
    }
    if (!attempt->is_impostor && is_approved != (attempt->outcome == ATTEMPT_APPROVED)) {
        world_fail(world, SIM_I15, "STAN %06u: the log says %s, the terminal %s", attempt->stan,
                   is_approved ? "approved" : "not approved",
                   attempt->outcome == ATTEMPT_APPROVED ? "approved" : "not approved");
    }
}

/* Replays the whole disk into a second engine and compares (I21). Its extra records, if any, are
 * dropped. */
static void check_replay(struct world *world)
{
    struct engine *twin = engine_create(&world->limits);
    struct engine_effects effects;
    struct engine_event event = {.kind = ENGINE_RULESET,
                                 .now_ns = world->now_ns,
                                 .wall_us = world->wall_us,
                                 .ruleset = world->ruleset};
    engine_step(twin, &event, &effects);
    for (uint32_t i = 0; i < world->durable_count; i++) {
        event.kind = ENGINE_REPLAY;
        event.record = &world->records[i];
        engine_step(twin, &event, &effects);
    }
    if (engine_state_hash(twin) != engine_state_hash(world->engine)) {
        world_fail(world, SIM_I21,
                   "state after replaying %u records differs from the state that wrote them",
                   world->durable_count);
    }
    engine_destroy(twin);
}

void oracle_at_quiescence(struct world *world)
{
    for (uint32_t i = 0; i < world->attempt_count; i++) {
        check_attempt(world, i);
        check_log(world, i);
    }
    struct engine_counts counts;
    engine_count(world->engine, &counts);
    if (counts.reversals_pending > 0) {
        world_fail(world, SIM_I7, "%u reversals are still pending at the end",
                   counts.reversals_pending);
    }
    if (counts.txn_in_flight > 0) {
        world_fail(world, SIM_DRAIN, "%u transactions are still in flight at the end",
                   counts.txn_in_flight);
    }
    check_replay(world);
}
