/* The judge of limits and of the black list (I25): what merchants, terminals and cards have taken
 * is added up anew each time from what the log says of each line of the journals, never read from
 * the switch's own counters. A payment in doubt counts until it is certain that it does not stand.
 */
#include <string.h>

#include "tests/sim/world.h"

#define CHINA_US INT64_C(28800000000)
#define DAY_US INT64_C(86400000000)

static uint64_t bit(enum payment_kind kind)
{
    return UINT64_C(1) << kind;
}

static bool is_debit(const struct attempt *attempt)
{
    return sim_kind_of(attempt->kind)->side == SIDE_DEBIT;
}

static bool is_void(const struct attempt *attempt)
{
    return sim_kind_of(attempt->kind)->side == SIDE_CREDIT && attempt->kind != PAYMENT_REFUND;
}

/* What takes money now, and what holds some for later. Completions were authorised, advices have
 * happened, what gives back undoes. */
static bool is_limited(const struct attempt *attempt)
{
    const uint64_t KINDS = bit(PAYMENT_PURCHASE) | bit(PAYMENT_OTHER_SALE) | bit(PAYMENT_PREAUTH) |
                           bit(PAYMENT_PREAUTH_INCREMENT);
    return (KINDS >> attempt->kind & 1) != 0;
}

static bool is_listed(const struct attempt *attempt)
{
    const uint64_t OTHERS =
        bit(PAYMENT_BALANCE) | bit(PAYMENT_OTHER_QUERY) | bit(PAYMENT_CASH_LOAD);
    return attempt->is_foreign && (is_limited(attempt) || (OTHERS >> attempt->kind & 1) != 0);
}

int64_t oracle_day_of(int64_t wall_us)
{
    return (wall_us + CHINA_US) / DAY_US;
}

/* --- what was taken ----------------------------------------------------------------------- */

struct taken {
    int64_t minor, count;
};

enum whose { OF_TERMINAL, OF_MERCHANT, OF_CARD };

static bool is_same(const struct world *world, const struct attempt *one,
                    const struct attempt *other, enum whose whose)
{
    switch (whose) {
    case OF_TERMINAL:
        return one->terminal == other->terminal;
    case OF_MERCHANT:
        return strcmp(world->terminals[one->terminal].merchant_id,
                      world->terminals[other->terminal].merchant_id) == 0;
    case OF_CARD:
        return one->is_foreign == other->is_foreign;
    }
    return false;
}

/* On that day, by all but the attempt itself. A void gives back once it is certain, on its
 * original's day. */
static struct taken add_up(const struct world *world, const struct attempt *attempt,
                           enum whose whose, int64_t day)
{
    struct taken taken = {0, 0};
    for (uint32_t i = 0; i < world->attempt_count; i++) {
        const struct attempt *other = &world->attempts[i];
        if (other == attempt || other->is_impostor || !is_same(world, attempt, other, whose)) {
            continue;
        }
        if (is_debit(other) && attempt_may_stand(other) && other->taken_day == day) {
            taken.minor += other->amount;
            taken.count++;
        } else if (is_void(other) && other->log_word == LOG_APPROVED &&
                   world->attempts[other->original].taken_day == day) {
            taken.minor -= other->amount;
            taken.count--;
        }
    }
    return taken;
}

/* --- the rules ---------------------------------------------------------------------------- */

/* Why a payment of that moment is refused; TXN_REASON_NONE: it has room everywhere. In the order of
 * the rules; `reached` is where it would bring the one that it breaks. */
static enum txn_reason breach_of(const struct world *world, const struct attempt *attempt,
                                 int64_t day, int64_t *reached)
{
    const struct rules_limits *limits = rules_limits(world->rules + 1);
    if (!is_limited(attempt)) {
        return TXN_REASON_NONE;
    }
    *reached = attempt->amount;
    if (*reached > limits->one_max) {
        return TXN_REASON_LIMIT_AMOUNT;
    }
    *reached = add_up(world, attempt, OF_TERMINAL, day).minor + attempt->amount;
    if (*reached > limits->terminal_day_max) {
        return TXN_REASON_LIMIT_DAY_AMOUNT;
    }
    *reached = add_up(world, attempt, OF_MERCHANT, day).count + 1;
    if (*reached > limits->merchant_day_count) {
        return TXN_REASON_LIMIT_DAY_COUNT;
    }
    *reached = add_up(world, attempt, OF_CARD, day).minor + attempt->amount;
    if (*reached > limits->card_day_max) {
        return TXN_REASON_LIMIT_DAY_AMOUNT;
    }
    return TXN_REASON_NONE;
}

static void check_begun(struct world *world, const struct attempt *attempt,
                        const struct record *record)
{
    int64_t reached = 0;
    bool has_list = rules_limits(world->rules + 1)->lists_foreign;
    enum txn_reason reason = breach_of(world, attempt, oracle_day_of(record->wall_us), &reached);
    if (has_list && is_listed(attempt)) {
        world_fail(world, SIM_I25, "%s STAN %06u goes, and its card is on the black list",
                   payment_kind_name(attempt->kind), attempt->stan);
    } else if (reason != TXN_REASON_NONE) {
        world_fail(world, SIM_I25, "%s STAN %06u goes, and brings %s to %lld",
                   payment_kind_name(attempt->kind), attempt->stan, txn_reason_name(reason),
                   (long long)reached);
    }
    if (has_list && attempt->is_foreign) {
        world_mark(world, MARK_LISTED_FOLLOWS);
    }
}

static void check_refused(struct world *world, const struct attempt *attempt,
                          const struct record *record)
{
    int64_t reached = 0;
    bool is_of_list = record->reason == TXN_REASON_CARD_LISTED;
    bool is_of_limit = record->reason == TXN_REASON_LIMIT_AMOUNT ||
                       record->reason == TXN_REASON_LIMIT_DAY_AMOUNT ||
                       record->reason == TXN_REASON_LIMIT_DAY_COUNT;
    enum txn_reason reason = breach_of(world, attempt, oracle_day_of(record->wall_us), &reached);
    if (is_of_list && !(rules_limits(world->rules + 1)->lists_foreign && is_listed(attempt))) {
        world_fail(world, SIM_I25, "%s STAN %06u was refused for a black list without cause",
                   payment_kind_name(attempt->kind), attempt->stan);
    } else if (is_of_limit && record->reason != reason) {
        world_fail(world, SIM_I25, "%s STAN %06u was refused: %s; expected: %s",
                   payment_kind_name(attempt->kind), attempt->stan,
                   txn_reason_name((enum txn_reason)record->reason), txn_reason_name(reason));
    }
    if (is_of_list) {
        world_mark(world, MARK_LISTED_REFUSED);
    } else if (is_of_limit) {
        world_mark(world, record->reason == TXN_REASON_LIMIT_AMOUNT      ? MARK_LIMIT_ONE
                          : record->reason == TXN_REASON_LIMIT_DAY_COUNT ? MARK_LIMIT_COUNT
                                                                         : MARK_LIMIT_AMOUNT);
    }
}

/* --- what the world calls ----------------------------------------------------------------- */

/* A counter keeps two days; a clock that has shown more than two tells nothing certain. */
static bool is_day_certain(struct world *world, int64_t day)
{
    for (uint32_t i = 0; i < world->day_count && i < SIM_DAY_COUNT_MAX; i++) {
        if (world->days[i] == day) {
            return world->day_count <= SIM_DAY_COUNT_MAX;
        }
    }
    if (world->day_count >= SIM_DAY_COUNT_MAX) {
        world->day_count = SIM_DAY_COUNT_MAX + 1;
        return false;
    }
    world->days[world->day_count++] = day;
    return true;
}

void oracle_limits_on_append(struct world *world, const struct record *record,
                             const struct attempt *attempt)
{
    if (rules_limits(world->rules + 1) == NULL ||
        !is_day_certain(world, oracle_day_of(record->wall_us))) {
        return;
    }
    if (record->kind == RECORD_INTENT && record->attempt == 1) {
        check_begun(world, attempt, record);
    } else if (record->kind == RECORD_REFUSED) {
        check_refused(world, attempt, record);
    }
}
