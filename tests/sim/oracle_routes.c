/* The judge of where payments go: the rules' order, breakers, and which version of the rules it was
 * (I30). From the words of routing/README.md and what the world has seen; see breaker_book.h. */
#include <string.h>

#include "tests/sim/world.h"

/* After that long without faults everything that failed before has ended, and so has every pause.
 */
#define SETTLED_NS (200 * SIM_S)

static const struct rules_routing *routing_now(const struct world *world)
{
    return rules_routing(world->rules + 1);
}

static struct breaker_book *book_of(struct world *world, uint32_t channel,
                                    const struct attempt *attempt)
{
    return &world->books[channel][attempt->is_foreign];
}

static uint32_t bank_of(const struct record *record)
{
    return strcmp(record->channel, "bank_b") == 0 ? 1 : 0;
}

static bool lets(struct world *world, uint32_t channel, const struct attempt *attempt)
{
    return !routing_now(world)->has_breakers ||
           breaker_book_lets(book_of(world, channel, attempt), rules_breaker(channel),
                             world->now_ns);
}

/* Bit set of the banks that are up and whose breaker lets it through. */
static uint32_t banks_that_may(struct world *world, const struct attempt *attempt)
{
    uint32_t banks = 0;
    for (uint32_t i = 0; i < SIM_CHANNEL_COUNT; i++) {
        banks |= (uint32_t)(world->is_link_up[i] && lets(world, i, attempt)) << i;
    }
    return banks;
}

/* --- the first attempt's outcome ---------------------------------------------------------- */

static void end_out(struct world *world, struct attempt *attempt, enum sim_ill ill)
{
    if (!attempt->is_out) {
        return;
    }
    attempt->is_out = false;
    if (attempt->is_probe && ill != ILL_COUNT) {
        world_mark(world, MARK_PROBE_FAILED);
    }
    breaker_book_end(book_of(world, attempt->out_channel, attempt), attempt->is_probe, ill,
                     world->now_ns);
}

/* It told nothing of the bank: a full window is a limit of ours. */
static void drop_out(struct world *world, struct attempt *attempt)
{
    attempt->is_out = false;
    breaker_book_drop(book_of(world, attempt->out_channel, attempt), attempt->is_probe);
}

static enum sim_ill ill_of_answer(const struct world *world, const struct attempt *attempt,
                                  const struct record *record)
{
    uint64_t latency_ns = world->now_ns - attempt->out_ns;
    if (rules_is_ill_code(record->response_code)) {
        return ILL_CODE;
    }
    return latency_ns > rules_breaker(attempt->out_channel)->latency_ms * SIM_MS ? ILL_LATENCY
                                                                                 : ILL_COUNT;
}

/* RESULT, REVERSAL, or ADVICE of a refund: the request is over, for that reason. */
static void on_end(struct world *world, struct attempt *attempt, const struct record *record)
{
    bool is_result = record->kind == RECORD_RESULT;
    if (is_result && record->reason == TXN_REASON_CHANNEL_ANSWERED) {
        end_out(world, attempt, ill_of_answer(world, attempt, record));
    } else if (record->reason == TXN_REASON_NO_ANSWER) {
        end_out(world, attempt, ILL_TIMEOUT);
    } else if (is_result && record->reason == TXN_REASON_UNSENT) {
        if (attempt->is_out && (attempt->banks_of_choice & banks_that_may(world, attempt)) != 0) {
            world_fail(world, SIM_ROUTE,
                       "STAN %06u could not be sent to bank %u, and the other was not tried",
                       attempt->stan, attempt->out_channel);
        }
        end_out(world, attempt, ILL_CONNECT);
    } else if (attempt->is_out) {
        drop_out(world, attempt);
    }
}

/* --- the choice --------------------------------------------------------------------------- */

static void check_cheapest(struct world *world, const struct attempt *attempt, uint32_t channel)
{
    uint32_t other = 1 - channel;
    uint32_t version = world->rules + 1;
    bool is_sale = attempt->kind == PAYMENT_PURCHASE || attempt->kind == PAYMENT_OTHER_SALE;
    int64_t cost = rules_cost(version, channel, attempt->is_foreign, attempt->amount);
    int64_t least = rules_cost(version, other, attempt->is_foreign, attempt->amount);
    if (is_sale && least < cost) {
        world_fail(world, SIM_ROUTE, "STAN %06u went to bank %u for %lld fen, %u takes %lld",
                   attempt->stan, channel, (long long)cost, other, (long long)least);
    }
    if (channel == 1) {
        world_mark(world, MARK_CHEAPEST_SECOND);
    }
}

static void check_healthiest(struct world *world, const struct attempt *attempt, uint32_t channel)
{
    uint32_t other = 1 - channel;
    uint32_t ours[2], theirs[2];
    const struct breaker_book *book = book_of(world, channel, attempt);
    const struct breaker_book *next = book_of(world, other, attempt);
    if (book->word != BREAKER_CLOSED || next->word != BREAKER_CLOSED) {
        return; /* what was counted before it opened is not spoken of */
    }
    breaker_book_steps(book, rules_breaker(channel), world->now_ns, ours);
    breaker_book_steps(next, rules_breaker(other), world->now_ns, theirs);
    if (ours[0] > theirs[1]) {
        world_fail(world, SIM_ROUTE,
                   "STAN %06u went to bank %u with %u steps of faults, the other has %u",
                   attempt->stan, channel, ours[0], theirs[1]);
    }
    if (channel == 1) {
        world_mark(world, MARK_HEALTHIEST_SECOND);
    }
}

/* Both may take it: which is first? */
static void check_order(struct world *world, const struct attempt *attempt, uint32_t channel)
{
    const struct rules_routing *routing = routing_now(world);
    uint32_t first = routing->first[attempt->terminal % 2];
    switch (routing->strategy) {
    case RULES_ORDERED:
        if (channel != first) {
            world_fail(world, SIM_ROUTE, "STAN %06u went to bank %u, %u comes first and may",
                       attempt->stan, channel, first);
        }
        break;
    case RULES_WEIGHTED: /* any; a repeat is never decided again (I4) */
        world_mark(world, channel == first ? MARK_WEIGHTED_FIRST : MARK_WEIGHTED_SECOND);
        break;
    case RULES_CHEAPEST:
        check_cheapest(world, attempt, channel);
        break;
    case RULES_HEALTHIEST:
        check_healthiest(world, attempt, channel);
        break;
    }
}

static void check_choice(struct world *world, struct attempt *attempt, uint32_t channel)
{
    uint32_t may = banks_that_may(world, attempt);
    attempt->banks_of_choice = may;
    for (uint32_t i = 0; i < SIM_CHANNEL_COUNT; i++) {
        attempt->banks_of_choice |= (uint32_t)!world->is_link_up[i] << i; /* asked last */
    }
    if ((may >> channel & 1) == 0) {
        world_fail(world, SIM_ROUTE, "STAN %06u is for bank %u, whose %s", attempt->stan, channel,
                   world->is_link_up[channel] ? "breaker does not let it through" : "link is down");
    } else if (may == (1U << SIM_CHANNEL_COUNT) - 1) {
        check_order(world, attempt, channel);
    }
}

/* The bank before could not be reached: no byte has left (I4), so the next one may be asked. */
static void check_next(struct world *world, const struct attempt *attempt, uint32_t channel)
{
    if ((attempt->banks_of_choice & banks_that_may(world, attempt) & 1U << channel) == 0) {
        world_fail(world, SIM_ROUTE, "STAN %06u is next for bank %u, which may not be asked",
                   attempt->stan, channel);
    }
}

static void check_version(struct world *world, const struct attempt *attempt,
                          const struct record *record)
{
    uint32_t expected = record->attempt > 1 && attempt->fees.is_known
                            ? attempt->fees.ruleset_version
                            : world->rules + 1;
    if (record->ruleset_version != expected) {
        world_fail(world, SIM_I30, "STAN %06u is decided by rules %u, expected %u", attempt->stan,
                   record->ruleset_version, expected);
    }
}

static void begin_out(struct world *world, struct attempt *attempt, uint32_t channel)
{
    attempt->is_out = true;
    attempt->is_probe = false;
    attempt->out_channel = channel;
    attempt->banks_of_choice &= ~(1U << channel);
    attempt->out_ns = world->now_ns;
    if (routing_now(world)->has_breakers) {
        attempt->is_probe = breaker_book_begin(book_of(world, channel, attempt),
                                               rules_breaker(channel), world->now_ns);
    }
    if (attempt->is_probe) {
        world_mark(world, MARK_PROBE_SENT);
    }
}

static void on_intent(struct world *world, struct attempt *attempt, const struct record *record)
{
    uint32_t channel = bank_of(record);
    bool is_next = attempt->is_out;
    if (is_next && attempt->is_kept_back) {
        drop_out(world, attempt);
    } else if (is_next) {
        end_out(world, attempt, ILL_CONNECT);
    }
    if (attempt->original != NO_ATTEMPT) {
        if (!lets(world, channel, attempt)) {
            world_mark(world, MARK_FOLLOWED_WHILE_OPEN);
        }
    } else if (is_next) {
        check_next(world, attempt, channel);
    } else {
        check_choice(world, attempt, channel);
    }
    check_version(world, attempt, record);
    begin_out(world, attempt, channel);
}

/* --- refusals ----------------------------------------------------------------------------- */

/* What follows an original goes where that went: only a link that is down can stop it. */
static void check_follow_up_refused(struct world *world, const struct attempt *attempt)
{
    const struct attempt *original = &world->attempts[attempt->original];
    if (original->forward_count > 0 && world->is_link_up[original->channel]) {
        world_fail(world, SIM_ROUTE, "%s STAN %06u was refused, its original's bank %u is up",
                   payment_kind_name(attempt->kind), attempt->stan, original->channel);
    }
}

static void on_refused(struct world *world, const struct attempt *attempt,
                       const struct record *record)
{
    bool is_tripped = record->reason == TXN_REASON_CHANNEL_TRIPPED;
    if (!is_tripped && record->reason != TXN_REASON_CHANNEL_DOWN) {
        return;
    }
    bool is_advice = sim_kind_of(attempt->kind)->silence == SILENCE_SENDS_AGAIN &&
                     attempt->kind != PAYMENT_REFUND;
    if (attempt->original != NO_ATTEMPT) {
        check_follow_up_refused(world, attempt);
    } else if (is_advice) {
        world_fail(world, SIM_ROUTE, "%s STAN %06u tells what has happened, and was refused: %s",
                   payment_kind_name(attempt->kind), attempt->stan,
                   txn_reason_name((enum txn_reason)record->reason));
    } else if (banks_that_may(world, attempt) != 0) {
        world_fail(world, SIM_ROUTE, "STAN %06u was refused (%s), and a bank may take it",
                   attempt->stan, txn_reason_name((enum txn_reason)record->reason));
    } else if (is_tripped && world->is_healing && world->now_ns > world->healed_ns + SETTLED_NS) {
        world_fail(world, SIM_BREAKER, "STAN %06u was refused long after all had healed",
                   attempt->stan);
    }
    if (is_tripped) {
        world_mark(world, MARK_ALL_TRIPPED);
    }
}

/* --- what the world calls ----------------------------------------------------------------- */

void oracle_routes_on_append(struct world *world, const struct record *record,
                             struct attempt *attempt)
{
    switch ((unsigned)record->kind) {
    case RECORD_INTENT:
        on_intent(world, attempt, record);
        break;
    case RECORD_RESULT:
    case RECORD_REVERSAL:
    case RECORD_ADVICE:
        if (record->kind == RECORD_REVERSAL && attempt->out_ns != 0 &&
            !lets(world, attempt->channel, attempt)) {
            world_mark(world, MARK_REVERSED_WHILE_OPEN);
        }
        on_end(world, attempt, record);
        break;
    case RECORD_REFUSED:
        on_refused(world, attempt, record);
        break;
    default:
        break;
    }
}

void oracle_routes_on_notice(struct world *world, const struct engine_effect *effect)
{
    bool is_open = effect->reason == TXN_REASON_BREAKER_OPENED;
    if (!is_open && effect->reason != TXN_REASON_BREAKER_CLOSED) {
        return;
    }
    world_mark(world, is_open ? MARK_BREAKER_OPENED : MARK_BREAKER_CLOSED);
    if (effect->channel >= SIM_CHANNEL_COUNT || effect->breaker.group >= SIM_GROUP_COUNT) {
        world_fail(world, SIM_BREAKER, "a breaker of bank %u, group %u, which there is not",
                   effect->channel, effect->breaker.group);
        return;
    }
    struct breaker_book *book = &world->books[effect->channel][effect->breaker.group];
    book->is_told_open = book->is_told_open || is_open;
    book->is_told_closed = book->is_told_closed || !is_open;
    book->told_ill = is_open ? (enum sim_ill)effect->breaker.fault : book->told_ill;
}

void oracle_routes_after_step(struct world *world)
{
    if (!routing_now(world)->has_breakers) {
        return;
    }
    for (uint32_t i = 0; i < SIM_CHANNEL_COUNT * SIM_GROUP_COUNT; i++) {
        uint32_t channel = i / SIM_GROUP_COUNT;
        struct breaker_book *book = &world->books[channel][i % SIM_GROUP_COUNT];
        bool is_told_open = book->is_told_open;
        const char *fault = breaker_book_judge(book, rules_breaker(channel), world->now_ns);
        if (fault != NULL) {
            world_fail(world, SIM_BREAKER, "bank %u, group %u: %s", channel, i % SIM_GROUP_COUNT,
                       fault);
        } else if (is_told_open && world->is_healing &&
                   world->now_ns > world->healed_ns + SETTLED_NS) {
            world_fail(world, SIM_BREAKER, "bank %u, group %u: it opened long after all had healed",
                       channel, i % SIM_GROUP_COUNT);
        }
    }
}

/* What breakers knew is not on the log: all are closed, and what is under way from before is not
 * counted. */
void oracle_routes_on_crash(struct world *world)
{
    memset(world->books, 0, sizeof(world->books));
    for (uint32_t i = 0; i < world->attempt_count; i++) {
        world->attempts[i].is_out = world->attempts[i].is_probe = false;
        world->attempts[i].may_repeat = true;
    }
}

void oracle_routes_at_quiescence(struct world *world)
{
    for (uint32_t i = 0; i < SIM_CHANNEL_COUNT * SIM_GROUP_COUNT; i++) {
        const struct breaker_book *book = &world->books[i / SIM_GROUP_COUNT][i % SIM_GROUP_COUNT];
        if (book->probes > 0) {
            world_fail(world, SIM_BREAKER, "bank %u, group %u: %u probes never ended",
                       i / SIM_GROUP_COUNT, i % SIM_GROUP_COUNT, book->probes);
        }
    }
}
