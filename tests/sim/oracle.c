/* The judges of each step. They look at the world: what left the switch, what lies on the disk,
 * what the banks posted, what the terminals hold. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "protocols/base/require.h"
#include "tests/sim/world.h"

/* The engine counts from when it gave an effect, the line from when the slowest disk let it out. */
#define HELD_NS (20 * SIM_S)
#define TERMINAL_PATIENCE_NS (65 * SIM_S)

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

static bool disk_has_beginning(const struct world *world, const char *rrn)
{
    for (uint32_t i = world->durable_count; i > 0; i--) {
        const struct record *record = &world->records[i - 1];
        bool is_beginning = record->kind == RECORD_INTENT || record->kind == RECORD_ADVICE;
        if (is_beginning && strcmp(record->rrn, rrn) == 0) {
            return true;
        }
    }
    return false;
}

/* A channel's approval, or an advice taken. */
static bool disk_has_approval(const struct world *world, const struct attempt *attempt)
{
    for (uint32_t i = world->durable_count; i > 0; i--) {
        const struct record *record = &world->records[i - 1];
        bool is_outcome = record->kind == RECORD_RESULT || record->kind == RECORD_ADVICE_DONE;
        bool is_taken = record->kind == RECORD_ADVICE && attempt->kind != PAYMENT_REFUND;
        if (record_is_of(record, world, attempt) &&
            (is_taken || (is_outcome && payment_is_approval(record->response_code)))) {
            return true;
        }
    }
    return false;
}

static bool disk_has_decline(const struct world *world, const struct attempt *attempt)
{
    return disk_has(world, RECORD_RESULT, attempt) && !disk_has_approval(world, attempt);
}

struct attempt *attempt_of_record(struct world *world, const struct record *record)
{
    for (uint32_t i = 0; i < world->attempt_count; i++) {
        struct attempt *attempt = &world->attempts[i];
        if (!attempt->is_impostor && record_is_of(record, world, attempt)) {
            return attempt;
        }
    }
    return NULL;
}

struct attempt *attempt_of_rrn(struct world *world, const char *rrn)
{
    for (uint32_t i = world->record_count; i > 0; i--) {
        const struct record *record = &world->records[i - 1];
        bool is_beginning = record->kind == RECORD_INTENT || record->kind == RECORD_ADVICE;
        if (is_beginning && strcmp(record->rrn, rrn) == 0) {
            return attempt_of_record(world, record);
        }
    }
    return NULL;
}

bool attempt_may_stand(const struct attempt *attempt)
{
    return attempt->log_word == LOG_ASKED || attempt->log_word == LOG_APPROVED ||
           attempt->log_word == LOG_UNSURE || attempt->log_word == LOG_UNDONE;
}

/* --- what is written ---------------------------------------------------------------------- */

static enum log_word word_after(const struct attempt *attempt, const struct record *record)
{
    bool is_approval = payment_is_approval(record->response_code);
    switch ((unsigned)record->kind) {
    case RECORD_INTENT:
        return LOG_ASKED;
    case RECORD_REFUSED:
        return attempt->log_word == LOG_NOTHING ? LOG_REFUSED : attempt->log_word;
    case RECORD_RESULT:
        return is_approval ? LOG_APPROVED : LOG_DECLINED;
    case RECORD_ADVICE:
        return attempt->kind == PAYMENT_REFUND ? LOG_UNSURE : LOG_APPROVED;
    case RECORD_ADVICE_DONE:
        return attempt->kind == PAYMENT_REFUND && !is_approval ? LOG_DECLINED : LOG_APPROVED;
    case RECORD_REVERSAL:
        return LOG_UNDONE;
    case RECORD_REVERSAL_DONE:
        return LOG_GONE;
    default:
        return attempt->log_word;
    }
}

/* Whose shares add up, and come to what the terms give, never above the margin. */
static void check_agents(struct world *world, const struct record *record, bool is_sale)
{
    int64_t margin = record->merchant_fee - record->issuer_fee - record->scheme_fee;
    int64_t expected = is_sale ? rules_agent_fee(record->merchant_id, record->amount.minor,
                                                 record->merchant_fee, margin)
                               : record->agent_fee;
    int64_t told = 0;
    /* Each share is what stands behind the last colon of its word. */
    for (const char *word = record->agent_shares; word != NULL && *word != '\0';) {
        const char *next = strchr(word, ' ');
        const char *end = next == NULL ? word + strlen(word) : next;
        while (end > word && end[-1] != ':') {
            end--;
        }
        told += strtoll(end, NULL, 10);
        word = next == NULL ? NULL : next + 1;
    }
    if (record->agent_fee != expected || told != record->agent_fee) {
        world_fail(world, SIM_I16, "agents get %lld of a margin of %lld, told %lld, expected %lld",
                   (long long)record->agent_fee, (long long)margin, (long long)told,
                   (long long)expected);
    }
}

/* The fees are those of the beginning, to the end. */
static void check_fees(struct world *world, struct attempt *attempt, const struct record *record)
{
    bool is_beginning = record->kind == RECORD_INTENT || record->kind == RECORD_ADVICE;
    if (is_beginning && !attempt->fees.is_known) {
        int64_t expected = rules_merchant_fee(record->ruleset_version, record->amount.minor);
        bool is_sale = attempt->kind == PAYMENT_PURCHASE || attempt->kind == PAYMENT_OTHER_SALE;
        if (is_sale && record->merchant_fee != expected) {
            world_fail(world, SIM_I16, "%lld fen by rules %u cost %lld, they say %lld",
                       (long long)record->amount.minor, record->ruleset_version,
                       (long long)record->merchant_fee, (long long)expected);
        }
        check_agents(world, record, is_sale);
    } else if (record->kind == RECORD_RESULT && attempt->fees.is_known &&
               payment_is_approval(record->response_code) &&
               (record->merchant_fee != attempt->fees.merchant_fee ||
                record->issuer_fee != attempt->fees.issuer_fee ||
                record->scheme_fee != attempt->fees.scheme_fee ||
                record->agent_fee != attempt->fees.agent_fee ||
                record->ruleset_version != attempt->fees.ruleset_version)) {
        world_fail(
            world, SIM_I16, "STAN %06u began with fee %lld by rules %u, its result says %lld by %u",
            attempt->stan, (long long)attempt->fees.merchant_fee, attempt->fees.ruleset_version,
            (long long)record->merchant_fee, record->ruleset_version);
    }
}

static void on_reversal_record(struct world *world, struct attempt *attempt,
                               const struct record *record)
{
    if (attempt->approval_told && !attempt->reversal_arrived) {
        world_fail(
            world, SIM_I6,
            "STAN %06u was told approved and is being reversed, but its terminal never asked",
            attempt->stan);
    }
    bool is_of_terminal = record->reason == TXN_REASON_TERMINAL_REVERSED;
    if (attempt->log_word == LOG_APPROVED && is_of_terminal && attempt->settlement_day != 0 &&
        attempt->settlement_day < world->told_day[attempt->channel]) {
        world_fail(world, SIM_I18, "STAN %06u of day %u was reversed on day %u", attempt->stan,
                   attempt->settlement_day, world->told_day[attempt->channel]);
    }
}

/* What the log says of the attempt from this record on; also when a crash has cut the log. */
static void apply_record(struct attempt *attempt, const struct record *record)
{
    if (record->kind == RECORD_RESULT && record->settlement_day != 0) {
        attempt->settlement_day = record->settlement_day;
    }
    if (record->kind == RECORD_REVERSAL_CASE || record->kind == RECORD_ADVICE_CASE) {
        attempt->has_case = true;
    }
    attempt->log_word = word_after(attempt, record);
    if (record->kind == RECORD_INTENT || record->kind == RECORD_ADVICE) {
        memcpy(attempt->log_rrn, record->rrn, sizeof(attempt->log_rrn));
        if (!attempt->fees.is_known) {
            attempt->taken_day = oracle_day_of(record->wall_us);
            attempt->fees = (struct record_fees){record->merchant_fee,    record->issuer_fee,
                                                 record->scheme_fee,      record->agent_fee,
                                                 record->ruleset_version, true};
        }
    }
}

static void apply_channel(struct world *world, const struct record *record)
{
    if (record->kind == RECORD_CUT_OVER) {
        world->told_day[strcmp(record->channel, "bank_b") == 0 ? 1 : 0] = record->settlement_day;
    }
}

static void check_position(struct world *world, const struct record *record)
{
    if (world->record_count > 0 &&
        record->position != world->records[world->record_count - 1].position + 1) {
        world_fail(world, SIM_I5, "record at position %llu follows %llu",
                   (unsigned long long)record->position,
                   (unsigned long long)world->records[world->record_count - 1].position);
    }
}

/* A reference is given once, to one request of one terminal; a new epoch is above all before it. */
static void check_reference(struct world *world, const struct record *record)
{
    for (uint32_t i = world->record_count; i > 0 && record->kind != RECORD_ANOMALY; i--) {
        const struct record *other = &world->records[i - 1];
        if (other->kind == RECORD_ANOMALY) {
            continue; /* tells of an answer, under whatever number that came */
        }
        bool is_same_epoch = other->txn.epoch == record->txn.epoch;
        bool is_same_key = other->stan == record->stan && other->batch == record->batch &&
                           strcmp(other->terminal_id, record->terminal_id) == 0;
        if (record->kind == RECORD_EPOCH ? other->txn.epoch >= record->txn.epoch
                                         : record->txn.seq != 0 && is_same_epoch &&
                                               other->txn.seq == record->txn.seq && !is_same_key) {
            world_fail(world, SIM_I24, "reference %u/%u names STAN %06u and STAN %06u",
                       record->txn.epoch, record->txn.seq, other->stan, record->stan);
            return;
        }
    }
}

static void check_case(struct world *world, const struct record *record)
{
    bool is_case = record->kind == RECORD_ANOMALY || record->kind == RECORD_REVERSAL_CASE ||
                   record->kind == RECORD_ADVICE_CASE;
    world->anomaly_count += is_case;
    if (is_case && world->is_calm) {
        world_fail(world, SIM_I31, "nothing went wrong, and the log has a case: %s, %s",
                   record_kind_name(record->kind),
                   txn_reason_text((enum txn_reason)record->reason));
    }
}

void oracle_on_append(struct world *world, const struct record *record)
{
    check_position(world, record);
    check_case(world, record);
    check_reference(world, record);
    apply_channel(world, record);
    struct attempt *attempt = attempt_of_record(world, record);
    mark_on_append(world, record, attempt);
    oracle_orders_on_append(world, record, attempt);
    if (attempt == NULL || record->kind == RECORD_ANOMALY) {
        return;
    }
    if (record->kind == RECORD_REVERSAL) {
        on_reversal_record(world, attempt, record);
    }
    oracle_routes_on_append(world, record, attempt);
    oracle_limits_on_append(world, record, attempt);
    check_fees(world, attempt, record);
    bool is_first = attempt->log_word == LOG_NOTHING || attempt->log_word == LOG_REFUSED;
    apply_record(attempt, record);
    if (is_first && attempt_may_stand(attempt)) {
        oracle_on_follow_up(world, attempt);
    }
    if (record->kind == RECORD_REVERSAL_DONE && strcmp(attempt->reversal_code, "25") == 0 &&
        world->now_ns - attempt->left_ns < world->limits.inflight_life_ns) {
        world_fail(world, SIM_I9,
                   "STAN %06u: reversal closed by code 25 only %llu ms after the original left",
                   attempt->stan,
                   (unsigned long long)((world->now_ns - attempt->left_ns) / SIM_MS));
    }
}

void oracle_on_log_short(struct world *world, uint32_t record_count_before)
{
    for (uint32_t i = record_count_before; i < world->record_count; i++) {
        if (world->records[i].kind == RECORD_INTENT || world->records[i].kind == RECORD_ADVICE) {
            world_fail(world, SIM_I23, "STAN %06u was begun while the disk is nearly full",
                       world->records[i].stan);
        }
    }
}

/* What the log lost, nobody may go on from. */
void oracle_on_crash(struct world *world, bool has_lost_records)
{
    for (uint32_t i = 0; i < world->attempt_count; i++) {
        world->attempts[i].log_word = LOG_NOTHING;
        world->attempts[i].has_case = false;
        world->attempts[i].fees.is_known = false;
        world->attempts[i].approval_arrived =
            world->attempts[i].approval_arrived && !has_lost_records;
    }
    memset(world->told_day, 0, sizeof(world->told_day));
    oracle_routes_on_crash(world);
    oracle_orders_on_crash(world);
    for (uint32_t i = 0; i < world->durable_count; i++) {
        struct attempt *attempt = attempt_of_record(world, &world->records[i]);
        apply_channel(world, &world->records[i]);
        if (attempt != NULL) {
            apply_record(attempt, &world->records[i]);
        }
    }
    memset(world->unanswered_count, 0, sizeof(world->unanswered_count));
}

/* --- what leaves for a bank --------------------------------------------------------------- */

static void unanswered_remove(struct world *world, uint32_t channel, uint32_t at)
{
    world->unanswered[channel][at] = world->unanswered[channel][--world->unanswered_count[channel]];
}

/* How many reversals and deliveries a bank has not answered and has time to answer (I25). */
static void unanswered_add(struct world *world, uint32_t channel, uint32_t stan)
{
    for (uint32_t i = world->unanswered_count[channel]; i > 0; i--) {
        const struct unanswered *one = &world->unanswered[channel][i - 1];
        bool is_over = one->left_ns + world->limits.response_timeout_ns <= world->now_ns + HELD_NS;
        if (is_over || one->stan == stan) {
            unanswered_remove(world, channel, i - 1);
        }
    }
    REQUIRE(world->unanswered_count[channel] < SIM_UNANSWERED_COUNT_MAX);
    world->unanswered[channel][world->unanswered_count[channel]++] =
        (struct unanswered){.stan = stan, .left_ns = world->now_ns};
    if (world->unanswered_count[channel] == world->limits.saf_window) {
        world_mark(world, MARK_WINDOW_FULL);
    } else if (world->unanswered_count[channel] > world->limits.saf_window) {
        world_fail(world, SIM_I25, "%u messages are unanswered at bank %u, its window is %u",
                   world->unanswered_count[channel], channel, world->limits.saf_window);
    }
}

static void check_first(struct world *world, const struct engine_effect *effect,
                        struct attempt *attempt)
{
    const struct payment *payment = effect->payment;
    bool is_sent_again = sim_kind_of(attempt->kind)->silence == SILENCE_SENDS_AGAIN;
    if (attempt->forward_count == 0) {
        attempt->left_ns = world->now_ns;
        attempt->channel = effect->channel;
        attempt->channel_stan = payment->stan;
        memcpy(attempt->sent_at, payment->sent_at, sizeof(attempt->sent_at));
    } else if (!is_sent_again) {
        world_fail(world, SIM_I4, "STAN %06u was forwarded twice", attempt->stan);
    } else if (!payment->is_repeat || attempt->channel_stan != payment->stan ||
               attempt->channel != effect->channel ||
               strcmp(attempt->sent_at, payment->sent_at) != 0) {
        world_fail(world, SIM_I8,
                   "STAN %06u was sent again with other data, or not as a repeat: bank %u %06u %s",
                   attempt->stan, effect->channel, payment->stan, payment->sent_at);
    }
    attempt->forward_count++;
    bool is_delivery = attempt->kind != PAYMENT_REFUND || attempt->forward_count > 1;
    if (is_sent_again && is_delivery) {
        unanswered_add(world, effect->channel, payment->stan);
    }
}

static void on_transaction_forward(struct world *world, const struct engine_effect *effect)
{
    const struct payment *payment = effect->payment;
    struct attempt *attempt = attempt_of_rrn(world, payment->rrn);
    if (attempt == NULL) {
        world_fail(world, SIM_I5, "%s left, of which the log knows nothing", payment->rrn);
        return;
    }
    if (!disk_has_beginning(world, payment->rrn)) {
        world_fail(world, SIM_I5, "STAN %06u left before its intent was durable", attempt->stan);
    }
    if (strcmp(attempt->log_rrn, payment->rrn) != 0) {
        world_fail(world, SIM_I4, "STAN %06u was forwarded as %s and as %s", attempt->stan,
                   attempt->log_rrn, payment->rrn);
    }
    if (payment->kind != attempt->kind || payment->amount.minor != attempt->amount) {
        world_fail(world, SIM_I14, "STAN %06u asked for %lld fen, %lld were forwarded",
                   attempt->stan, (long long)attempt->amount, (long long)payment->amount.minor);
    }
    check_first(world, effect, attempt);
    oracle_on_quote(world, effect, attempt);
    mark_on_forward(world, effect, attempt);
}

static void on_reversal_forward(struct world *world, const struct engine_effect *effect)
{
    const struct payment *payment = effect->payment;
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
    if (attempt->reversal_count == 0 && payment->is_repeat && !attempt->may_repeat) {
        world_fail(world, SIM_I8, "the first reversal of STAN %06u is marked as a repeat",
                   attempt->stan);
    }
    if (strcmp(payment->original.mti, sim_kind_of(attempt->kind)->mti) != 0) {
        world_fail(world, SIM_I8, "the reversal of STAN %06u says it undoes a %s, it was a %s",
                   attempt->stan, payment->original.mti, sim_kind_of(attempt->kind)->mti);
    }
    attempt->reversal_count++;
    unanswered_add(world, effect->channel, payment->stan);
    mark_on_forward(world, effect, attempt);
}

void oracle_on_forward(struct world *world, const struct engine_effect *effect)
{
    if (world->has_failed_sync) {
        world_fail(world, SIM_I22, "a %s left after a failed sync",
                   payment_kind_name(effect->payment->kind));
    }
    if (effect->payment->kind == PAYMENT_REVERSAL) {
        on_reversal_forward(world, effect);
    } else {
        on_transaction_forward(world, effect);
    }
}

void oracle_on_unsent(struct world *world, const struct engine_effect *effect,
                      enum txn_reason reason)
{
    const struct payment *payment = effect->payment;
    bool is_reversal = payment->kind == PAYMENT_REVERSAL;
    struct attempt *attempt = attempt_of_rrn(world, is_reversal && payment->original.rrn[0] != '\0'
                                                        ? payment->original.rrn
                                                        : payment->rrn);
    if (attempt == NULL) {
        return;
    }
    bool is_full = reason == TXN_REASON_CHANNEL_FULL;
    if (!is_reversal) {
        attempt->unsent_count++;
        attempt->is_kept_back = is_full;
    } else if (is_full) {
        world_mark(world, MARK_REVERSAL_KEPT_BACK);
    } else {
        attempt->may_repeat = true; /* perhaps it is marked so at its first leaving */
    }
}

void oracle_on_link_down(struct world *world, uint32_t channel)
{
    mark_on_link_down(world, channel);
    for (uint32_t i = 0; i < world->attempt_count; i++) {
        world->attempts[i].may_repeat = true; /* whether its attempt had left is not asked then */
    }
    world->unanswered_count[channel] = 0;
}

/* --- what a terminal is told -------------------------------------------------------------- */

static bool bank_approved(const struct world *world, const struct attempt *attempt, const char *rrn)
{
    for (uint32_t i = 0; i < world->posting_count; i++) {
        const struct posting *posting = &world->postings[i];
        if (&world->attempts[posting->attempt] == attempt &&
            payment_is_approval(posting->response_code) && strcmp(posting->rrn, rrn) == 0) {
            return true;
        }
    }
    return false;
}

static bool is_advice(const struct attempt *attempt)
{
    return sim_kind_of(attempt->kind)->silence == SILENCE_SENDS_AGAIN &&
           attempt->kind != PAYMENT_REFUND;
}

/* A repeat of what was approved is given the same answer, byte for byte. */
static void check_same_answer(struct world *world, const struct payment *payment,
                              struct attempt *attempt)
{
    struct payment told;
    payment_copy(&told, payment);
    told.sent_at[0] = '\0'; /* fields 7, 61 and 90 are in no answer to a terminal (6) */
    told.original = (struct payment_original){0};
    struct trace_hash hash;
    trace_hash_begin(&hash, 0);
    trace_hash_payment(&hash, &told);
    uint64_t value = trace_hash_end(&hash);
    if (attempt->approval_told && attempt->answer_hash != value) {
        world_fail(world, SIM_REPEAT, "STAN %06u was told approved again, in other words",
                   attempt->stan);
    }
    attempt->answer_hash = value;
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
    bool is_undone = attempt->log_word == LOG_UNDONE || attempt->log_word == LOG_GONE;
    if (is_undone && !attempt->reversal_arrived) {
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
    if (!is_advice(attempt) && !bank_approved(world, attempt, payment->rrn)) {
        world_fail(world, SIM_I11,
                   "STAN %06u was told approved under %s, which no bank approved for it",
                   attempt->stan, payment->rrn);
    }
    check_same_answer(world, payment, attempt);
    attempt->approval_told = true;
}

static void on_reversal_answer(struct world *world, const struct engine_effect *effect,
                               struct attempt *attempt)
{
    const struct payment *payment = effect->payment;
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
    if (effect->reason == TXN_REASON_LOG_SHORT) {
        world_fail(world, SIM_I23, "the reversal of STAN %06u was refused for want of space",
                   attempt->stan);
    }
    attempt->reversal_answered = attempt->reversal_answered || is_done || is_unknown;
}

static void on_failure(struct world *world, const struct engine_effect *effect,
                       struct attempt *attempt)
{
    const struct payment *payment = effect->payment;
    if (effect->reason == TXN_REASON_FOLLOWED_STATE && !attempt->refusal_told) {
        oracle_on_follow_up_refused(world, attempt);
    }
    attempt->refusal_told = true;
    bool is_unknown = strcmp(payment->response_code, "98") == 0;
    if (is_unknown && attempt->forward_count > 0 &&
        sim_kind_of(attempt->kind)->silence == SILENCE_UNDOES &&
        !disk_has(world, RECORD_REVERSAL, attempt)) {
        world_fail(world, SIM_I5, "STAN %06u was told unknown before its reversal was durable",
                   attempt->stan);
    }
}

/* Where and when the answer goes. */
static void check_delivery(struct world *world, const struct engine_effect *effect)
{
    if (world->has_failed_sync && effect->after > 0) {
        world_fail(world, SIM_I22, "an answer was given after a failed sync");
    }
    uint32_t terminal = effect->conn.slot;
    if (terminal >= world->terminal_count ||
        strcmp(world->terminals[terminal].terminal_id, effect->payment->terminal_id) != 0) {
        world_fail(world, SIM_I11, "an answer for terminal %s went to connection slot %u",
                   effect->payment->terminal_id, terminal);
        return;
    }
    uint64_t arrived_ns =
        world->terminals[terminal].arrived_ns[effect->conn.generation % CONN_COUNT_MAX];
    if (world->now_ns - arrived_ns > TERMINAL_PATIENCE_NS) {
        world_fail(world, SIM_I27, "STAN %06u was answered after %llu s", effect->payment->stan,
                   (unsigned long long)((world->now_ns - arrived_ns) / SIM_S));
    }
}

void oracle_on_reply(struct world *world, const struct engine_effect *effect)
{
    const struct payment *payment = effect->payment;
    check_delivery(world, effect);
    struct attempt *attempt = attempt_by_key(world, payment);
    mark_on_reply(world, effect, attempt);
    bool is_transaction = payment->kind == PAYMENT_REVERSAL || sim_kind_of(payment->kind) != NULL;
    if (attempt == NULL || !is_transaction || world->failure.invariant != SIM_NONE) {
        return;
    }
    if (payment->kind == PAYMENT_REVERSAL) {
        on_reversal_answer(world, effect, attempt);
    } else if (payment_is_approval(payment->response_code)) {
        on_approval(world, effect, attempt);
    } else {
        on_failure(world, effect, attempt);
    }
}

/* --- what a bank says --------------------------------------------------------------------- */

/* An approval that says what was posted, unspoiled. */
static bool is_whole_approval(const struct world *world, uint32_t channel,
                              const struct payment *response)
{
    for (uint32_t i = 0; i < world->posting_count; i++) {
        const struct posting *posting = &world->postings[i];
        if (posting->channel == channel && strcmp(posting->rrn, response->rrn) == 0) {
            return posting->stan == response->stan && posting->amount == response->amount.minor &&
                   strcmp(posting->terminal_id, response->terminal_id) == 0 &&
                   payment_is_approval(response->response_code);
        }
    }
    return false;
}

void oracle_on_response(struct world *world, uint32_t channel, const struct payment *response)
{
    for (uint32_t i = world->unanswered_count[channel]; i > 0; i--) {
        if (world->unanswered[channel][i - 1].stan == response->stan) {
            unanswered_remove(world, channel, i - 1);
        }
    }
    if (response->kind != PAYMENT_REVERSAL) {
        struct attempt *original = attempt_of_rrn(world, response->rrn);
        mark_on_response(world, response, original);
        if (original != NULL && is_whole_approval(world, channel, response)) {
            original->approval_arrived = true;
        }
        return;
    }
    struct attempt *attempt = attempt_of_rrn(
        world, response->original.rrn[0] != '\0' ? response->original.rrn : response->rrn);
    if (attempt != NULL) {
        memcpy(attempt->reversal_code, response->response_code, sizeof(attempt->reversal_code));
    }
}
