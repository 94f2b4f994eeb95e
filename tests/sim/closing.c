/* The end of a terminal's batch, as the paper has it (unionpay-pos 8): totals of its own journal,
 * details where they differ, the end, and the next batch. */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "protocols/base/require.h"
#include "tests/sim/world.h"

#define DETAIL_COUNT_MAX 8
#define FIELD_48_DIGITS 62
#define RESULT_DOMESTIC 30

struct journal_sums {
    int64_t minor[2][2]; /* foreign or not, credit or not */
    uint32_t count[2][2];
};

static bool is_of_batch(const struct world *world, uint32_t index, uint32_t at)
{
    const struct attempt *attempt = &world->attempts[at];
    return !attempt->is_impostor && attempt->terminal == index &&
           attempt->batch == world->terminals[index].batch;
}

/* A tip counts as what it adds to the sum before, and as no transaction of its own. */
static int64_t counted_amount(const struct world *world, uint32_t at)
{
    const struct attempt *attempt = &world->attempts[at];
    if (attempt->kind != PAYMENT_OFFLINE_ADVICE) {
        return attempt->amount;
    }
    int64_t before = world->attempts[attempt->original].amount;
    for (uint32_t i = 0; i < at; i++) {
        const struct attempt *other = &world->attempts[i];
        if (other->kind == PAYMENT_OFFLINE_ADVICE && other->original == attempt->original &&
            other->outcome == ATTEMPT_APPROVED) {
            before = other->amount;
        }
    }
    return attempt->amount - before;
}

static void add_up(const struct world *world, uint32_t index, struct journal_sums *sums)
{
    *sums = (struct journal_sums){0};
    for (uint32_t i = 0; i < world->attempt_count; i++) {
        const struct attempt *attempt = &world->attempts[i];
        const struct sim_kind *row = sim_kind_of(attempt->kind);
        if (!is_of_batch(world, index, i) || attempt->outcome != ATTEMPT_APPROVED ||
            row->side == SIDE_NEITHER) {
            continue;
        }
        bool is_credit = row->side == SIDE_CREDIT;
        sums->minor[attempt->is_foreign][is_credit] += counted_amount(world, i);
        sums->count[attempt->is_foreign][is_credit] += attempt->kind != PAYMENT_OFFLINE_ADVICE;
    }
}

static void put_field_48(struct payment *payment, const char *digits)
{
    enum status status =
        payment_set_cargo(payment, PAYMENT_CARGO_ADDITIONAL,
                          (struct byte_view){(const uint8_t *)digits, (uint32_t)strlen(digits)});
    REQUIRE(status == STATUS_OK);
}

static void fill(struct world *world, uint32_t index, enum payment_kind kind, const char *code,
                 struct payment *payment)
{
    struct terminal_model *terminal = &world->terminals[index];
    terminal_fill(world, index, kind, payment);
    if (terminal->closing_stan == 0) {
        terminal->closing_stan = terminal_next_trace(world, index);
    }
    payment->stan = terminal->closing_stan;
    memcpy(payment->management_code, code, 4);
}

static void send_totals(struct world *world, uint32_t index)
{
    struct terminal_model *terminal = &world->terminals[index];
    bool is_new = terminal->closing_stan == 0;
    struct payment payment;
    fill(world, index, PAYMENT_SETTLEMENT, "201", &payment);
    if (is_new) {
        terminal->is_totals_wrong = world_draw(world, FAULT_TOTALS_WRONG);
    }
    struct journal_sums sums;
    add_up(world, index, &sums);
    sums.minor[0][0] += terminal->is_totals_wrong;
    char digits[2 * FIELD_48_DIGITS];
    snprintf(digits, sizeof(digits),
             "%012" PRId64 "%03u%012" PRId64 "%03u0%012" PRId64 "%03u%012" PRId64 "%03u0",
             sums.minor[0][0], sums.count[0][0], sums.minor[0][1], sums.count[0][1],
             sums.minor[1][0], sums.count[1][0], sums.minor[1][1], sums.count[1][1]);
    put_field_48(&payment, digits);
    world_trace(world, "terminal %s: totals %s", terminal->terminal_id, digits);
    terminal_begin_wait(world, index, WAIT_SETTLEMENT);
    terminal_send(world, index, &payment, terminal_network_delay(world));
}

/* One message of up to eight approved lines from `detail_next` on; false: none is left. */
static bool put_details(const struct world *world, uint32_t index, struct payment *payment)
{
    char digits[2 + 40 * DETAIL_COUNT_MAX + 1] = "00";
    uint32_t count = 0;
    uint32_t length = 2;
    for (uint32_t i = world->terminals[index].detail_next;
         i < world->attempt_count && count < DETAIL_COUNT_MAX; i++) {
        const struct attempt *attempt = &world->attempts[i];
        bool is_counted = sim_kind_of(attempt->kind)->side != SIDE_NEITHER;
        if (is_of_batch(world, index, i) && attempt->outcome == ATTEMPT_APPROVED && is_counted) {
            length += (uint32_t)snprintf(
                digits + length, sizeof(digits) - length, "%02u%06u%020" PRIu64 "%012" PRId64,
                attempt->is_foreign, attempt->stan, UINT64_C(6222021234567890128), attempt->amount);
            count++;
        }
    }
    digits[1] = (char)('0' + count);
    if (count > 0) {
        put_field_48(payment, digits);
    }
    return count > 0;
}

static void send_details(struct world *world, uint32_t index)
{
    struct payment payment;
    fill(world, index, PAYMENT_BATCH_UPLOAD, "201", &payment);
    if (!put_details(world, index, &payment)) {
        world->terminals[index].closing = CLOSING_END;
        closing_act(world, index); /* under the same trace number, which nobody has seen */
        return;
    }
    terminal_begin_wait(world, index, WAIT_DETAILS);
    terminal_send(world, index, &payment, terminal_network_delay(world));
}

static uint32_t detail_count(const struct world *world, uint32_t index)
{
    uint32_t count = 0;
    for (uint32_t i = 0; i < world->attempt_count; i++) {
        const struct attempt *attempt = &world->attempts[i];
        count += is_of_batch(world, index, i) && attempt->outcome == ATTEMPT_APPROVED &&
                 sim_kind_of(attempt->kind)->side != SIDE_NEITHER;
    }
    return count;
}

static void send_end(struct world *world, uint32_t index)
{
    struct payment payment;
    fill(world, index, PAYMENT_BATCH_UPLOAD, world->terminals[index].is_equal ? "207" : "202",
         &payment);
    char digits[12];
    snprintf(digits, sizeof(digits), "%04u", detail_count(world, index));
    put_field_48(&payment, digits);
    terminal_begin_wait(world, index, WAIT_BATCH_END);
    terminal_send(world, index, &payment, terminal_network_delay(world));
}

bool closing_is_due(const struct world *world, uint32_t index)
{
    const struct terminal_model *terminal = &world->terminals[index];
    if (terminal->closing != CLOSING_NOT) {
        return true;
    }
    return world->has_settlements && terminal->is_signed_on &&
           terminal->transactions_of_batch >= SIM_BATCH_TRANSACTION_COUNT;
}

void closing_act(struct world *world, uint32_t index)
{
    struct terminal_model *terminal = &world->terminals[index];
    switch (terminal->closing) {
    case CLOSING_NOT:
        terminal->closing = CLOSING_TOTALS;
        terminal->closing_stan = terminal->detail_next = 0;
        send_totals(world, index);
        break;
    case CLOSING_TOTALS:
        send_totals(world, index);
        break;
    case CLOSING_DETAILS:
        send_details(world, index);
        break;
    case CLOSING_END:
        send_end(world, index);
        break;
    }
}

static bool is_disputed(const struct world *world, uint32_t index)
{
    for (uint32_t i = 0; i < world->attempt_count; i++) {
        if (is_of_batch(world, index, i) && world->attempts[i].outcome == ATTEMPT_DISPUTED) {
            return true;
        }
    }
    return false;
}

static void next_batch(struct world *world, uint32_t index)
{
    struct terminal_model *terminal = &world->terminals[index];
    terminal->batch = terminal->batch == 999999 ? 1 : terminal->batch + 1;
    terminal->closing = CLOSING_NOT;
    terminal->transactions_of_batch = 0;
    world_mark(world, MARK_BATCH_ENDED);
}

static void on_totals(struct world *world, uint32_t index, const struct payment *reply)
{
    struct terminal_model *terminal = &world->terminals[index];
    struct byte_view field = payment_cargo(reply, PAYMENT_CARGO_ADDITIONAL);
    if (field.length != FIELD_48_DIGITS || field.bytes[RESULT_DOMESTIC] == '3') {
        world_trace(world, "terminal %s: not settled now", terminal->terminal_id);
        terminal->is_signed_on = strcmp(reply->response_code, "77") != 0;
        terminal->closing_stan = 0;
        return;
    }
    terminal->is_equal =
        field.bytes[RESULT_DOMESTIC] == '1' && field.bytes[FIELD_48_DIGITS - 1] == '1';
    if (terminal->is_equal == terminal->is_totals_wrong && !is_disputed(world, index)) {
        world_fail(world, SIM_I15,
                   "terminal %s batch %u: the journal's totals%s were answered %.62s",
                   terminal->terminal_id, terminal->batch,
                   terminal->is_totals_wrong ? ", one fen off," : "", (const char *)field.bytes);
    }
    world_mark(world, terminal->is_equal ? MARK_TOTALS_EQUAL : MARK_TOTALS_DIFFER);
    terminal->closing = terminal->is_equal ? CLOSING_END : CLOSING_DETAILS;
    terminal->closing_stan = 0;
    bool is_skipped = world_draw(world, FAULT_BATCH_END_SKIPPED);
    if (is_skipped && terminal->is_equal) {
        world_mark(world, MARK_BATCH_ROLLED);
        next_batch(world, index);
    }
}

/* Moves on behind the lines of the message that was taken. */
static void details_taken(struct world *world, uint32_t index)
{
    struct terminal_model *terminal = &world->terminals[index];
    uint32_t count = 0;
    while (terminal->detail_next < world->attempt_count && count < DETAIL_COUNT_MAX) {
        const struct attempt *attempt = &world->attempts[terminal->detail_next];
        count += is_of_batch(world, index, terminal->detail_next) &&
                 attempt->outcome == ATTEMPT_APPROVED &&
                 sim_kind_of(attempt->kind)->side != SIDE_NEITHER;
        terminal->detail_next++;
    }
    terminal->closing_stan = 0;
}

void closing_on_reply(struct world *world, uint32_t index, const struct payment *reply)
{
    struct terminal_model *terminal = &world->terminals[index];
    if (terminal->wait == WAIT_SETTLEMENT) {
        on_totals(world, index, reply);
    } else if (strcmp(reply->response_code, "00") != 0) {
        world_trace(world, "terminal %s: %s in closing", terminal->terminal_id,
                    reply->response_code);
        terminal->is_signed_on = strcmp(reply->response_code, "77") != 0;
        terminal->closing_stan = 0;
    } else if (terminal->wait == WAIT_DETAILS) {
        details_taken(world, index);
    } else {
        next_batch(world, index);
    }
}
