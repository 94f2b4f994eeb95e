/* The judge of orders: what is in force is kept anew from what each row says was given, done or
 * over, never from what a row says is in force behind it, which is what the switch itself reads
 * after a restart. */
#include <string.h>

#include "tests/sim/world.h"

#define BIT(kind) (UINT64_C(1) << (kind))
#define NS_PER_US 1000

/* The place of a subject: terminals first, then the two merchants; SIM_ORDER_SUBJECT_COUNT: none.
 */
static uint32_t subject_of(const struct world *world, const struct record *record)
{
    for (uint32_t i = 0; i < world->terminal_count; i++) {
        const struct terminal_model *terminal = &world->terminals[i];
        if (record->terminal_id[0] != '\0' &&
            strcmp(record->terminal_id, terminal->terminal_id) == 0) {
            return i;
        }
        if (record->terminal_id[0] == '\0' &&
            strcmp(record->merchant_id, terminal->merchant_id) == 0) {
            return SIM_TERMINAL_COUNT_MAX + i % 2;
        }
    }
    return SIM_ORDER_SUBJECT_COUNT;
}

static bool is_of_orders(const struct record *record)
{
    return record->kind == RECORD_ORDER || record->kind == RECORD_ORDER_DONE ||
           record->kind == RECORD_ORDER_OVER;
}

static void set_deadline(const struct world *world, struct sim_order *order)
{
    uint64_t left_us =
        order->until_us > world->wall_us ? (uint64_t)(order->until_us - world->wall_us) : 0;
    order->deadline_ns = order->until_us == 0 ? UINT64_MAX : world->now_ns + left_us * NS_PER_US;
}

#define ASKED                                                                                      \
    (BIT(ORDER_ASK_SIGNON) | BIT(ORDER_ASK_DOWNLOAD) | BIT(ORDER_ASK_STATUS) |                     \
     BIT(ORDER_ASK_UPDATE))

/* What people ordered, a case does not lift. */
static void lift(struct sim_order orders[ORDER_ORIGIN_COUNT][ORDER_STANDING_COUNT],
                 enum order_origin by, uint64_t kinds)
{
    for (uint32_t origin = by; origin < ORDER_ORIGIN_COUNT; origin++) {
        for (uint32_t kind = 0; kind < ORDER_STANDING_COUNT; kind++) {
            orders[origin][kind].is_in_force &= (kinds >> kind & 1) == 0;
        }
    }
}

static bool is_stopped(struct sim_order orders[ORDER_ORIGIN_COUNT][ORDER_STANDING_COUNT])
{
    return orders[ORDER_OF_PERSON][ORDER_STOP].is_in_force ||
           orders[ORDER_OF_CASE][ORDER_STOP].is_in_force;
}

static void on_given(const struct world *world,
                     struct sim_order orders[ORDER_ORIGIN_COUNT][ORDER_STANDING_COUNT],
                     const struct order *given)
{
    struct sim_order *order = NULL;
    switch ((unsigned)given->kind) {
    case ORDER_RELEASE:
        lift(orders, given->origin, BIT(ORDER_HOLD));
        break;
    case ORDER_RESUME:
        lift(orders, given->origin, BIT(ORDER_STOP) | BIT(ORDER_LIMIT));
        break;
    case ORDER_WITHDRAW:
        lift(orders, given->origin, ASKED | BIT(ORDER_TELL));
        break;
    default:
        order = &orders[given->origin][given->kind];
        *order = (struct sim_order){.is_in_force = true,
                                    .until_us = given->until_us,
                                    .limit = given->limit.minor,
                                    .times = given->times};
        set_deadline(world, order);
        break;
    }
}

/* What a case has told fits the terminal that works or the one that is stopped. */
static void on_row(const struct world *world,
                   struct sim_order orders[ORDER_ORIGIN_COUNT][ORDER_STANDING_COUNT],
                   const struct order *given)
{
    bool was_stopped = is_stopped(orders);
    on_given(world, orders, given);
    if (given->kind == ORDER_STOP || (was_stopped && !is_stopped(orders))) {
        orders[ORDER_OF_CASE][ORDER_TELL].is_in_force = false;
    }
}

/* What a terminal has done is done, whoever asked for it. */
static void on_done(struct sim_order orders[ORDER_ORIGIN_COUNT][ORDER_STANDING_COUNT],
                    const struct order *done)
{
    struct sim_order *order = &orders[done->origin][done->kind];
    if (done->kind == ORDER_TELL && done->times < order->times) { /* told, and to be told again */
        order->times--;
    } else if (done->kind == ORDER_TELL) {
        order->is_in_force = false;
    } else {
        lift(orders, ORDER_OF_PERSON, BIT(done->kind));
    }
}

static void apply(struct world *world, const struct record *record)
{
    struct byte_reader reader;
    struct order_standing told;
    uint32_t subject = subject_of(world, record);
    byte_reader_init(&reader, record->payload, record->payload_length);
    if (subject == SIM_ORDER_SUBJECT_COUNT || order_note_read(&reader, &told) != STATUS_OK) {
        world_fail(world, SIM_ORDER, "a row of orders tells no order of anybody here");
        return;
    }
    if (record->kind == RECORD_ORDER) {
        on_row(world, world->orders[subject], &told.order);
    } else if (record->kind == RECORD_ORDER_DONE) {
        on_done(world->orders[subject], &told.order);
    } else {
        world->orders[subject][told.order.origin][told.order.kind].is_in_force = false;
    }
}

/* Whose order a row of its end names; NULL: nobody's. */
static const struct sim_order *ended(const struct world *world, uint32_t subject,
                                     const struct record *record)
{
    struct byte_reader reader;
    struct order_standing told;
    byte_reader_init(&reader, record->payload, record->payload_length);
    bool is_told = order_note_read(&reader, &told) == STATUS_OK &&
                   (unsigned)told.order.kind < ORDER_STANDING_COUNT;
    return is_told ? &world->orders[subject][told.order.origin][told.order.kind] : NULL;
}

/* What ends must have been in force, and must not end before its time. */
static void check_end(struct world *world, const struct record *record)
{
    uint32_t kind = (uint32_t)record->reason - TXN_REASON_ORDER_ASK_SIGNON;
    uint32_t subject = subject_of(world, record);
    if (record->kind == RECORD_ORDER || subject == SIM_ORDER_SUBJECT_COUNT) {
        return;
    }
    const struct sim_order *order = ended(world, subject, record);
    if (order == NULL || !order->is_in_force) {
        world_fail(world, SIM_ORDER, "%s of %s%s ends, and was not in force",
                   txn_reason_name((enum txn_reason)record->reason), record->terminal_id,
                   record->merchant_id);
    } else if (record->kind == RECORD_ORDER_OVER && world->now_ns < order->deadline_ns) {
        world_fail(world, SIM_ORDER, "%s of %s%s is over %llu ms too early",
                   txn_reason_name((enum txn_reason)record->reason), record->terminal_id,
                   record->merchant_id,
                   (unsigned long long)((order->deadline_ns - world->now_ns) / SIM_MS));
    }
    if (record->kind == RECORD_ORDER_OVER) {
        world_mark(world, MARK_ORDER_OVER);
    } else {
        world_mark(world, kind == ORDER_TELL ? MARK_CASHIER_TOLD : MARK_ORDER_DONE);
    }
}

/* --- what they forbid --------------------------------------------------------------------- */

/* In force of the terminal, or of its merchant, by whomever. */
static bool is_in_force(const struct world *world, uint32_t terminal, enum order_kind kind)
{
    uint32_t merchant = SIM_TERMINAL_COUNT_MAX + terminal % 2;
    bool is_one = false;
    for (uint32_t origin = 0; origin < ORDER_ORIGIN_COUNT; origin++) {
        is_one = is_one || world->orders[terminal][origin][kind].is_in_force ||
                 world->orders[merchant][origin][kind].is_in_force;
    }
    return is_one;
}

static bool is_above(const struct world *world, uint32_t subject, const struct attempt *attempt)
{
    bool is_one = false;
    for (uint32_t origin = 0; origin < ORDER_ORIGIN_COUNT; origin++) {
        const struct sim_order *limit = &world->orders[subject][origin][ORDER_LIMIT];
        is_one = is_one || (limit->is_in_force && attempt->amount > limit->limit);
    }
    return is_one;
}

/* What undoes a payment is served; what takes or reserves money anew is limited. */
static void check_begin(struct world *world, const struct attempt *attempt)
{
    const uint64_t UNDOING = BIT(PAYMENT_VOID) | BIT(PAYMENT_OTHER_VOID) |
                             BIT(PAYMENT_PREAUTH_VOID) | BIT(PAYMENT_CAPTURE_VOID);
    const uint64_t LIMITED = BIT(PAYMENT_PURCHASE) | BIT(PAYMENT_OTHER_SALE) |
                             BIT(PAYMENT_PREAUTH) | BIT(PAYMENT_PREAUTH_INCREMENT);
    uint32_t merchant = SIM_TERMINAL_COUNT_MAX + attempt->terminal % 2;
    bool is_limited =
        (LIMITED >> attempt->kind & 1) != 0 &&
        (is_above(world, attempt->terminal, attempt) || is_above(world, merchant, attempt));
    if ((UNDOING >> attempt->kind & 1) == 0 && is_in_force(world, attempt->terminal, ORDER_STOP)) {
        world_fail(world, SIM_ORDER, "STAN %06u begins at a terminal that is stopped",
                   attempt->stan);
    } else if (is_limited) {
        world_fail(world, SIM_ORDER, "STAN %06u of %lld begins above what was ordered",
                   attempt->stan, (long long)attempt->amount);
    }
}

static void check_refused(struct world *world, const struct record *record,
                          const struct attempt *attempt)
{
    bool is_stop = record->reason == TXN_REASON_ORDER_STOP;
    if (!is_stop && record->reason != TXN_REASON_ORDER_LIMIT) {
        return;
    }
    world_mark(world, is_stop ? MARK_STOPPED_REFUSED : MARK_ORDER_LIMITED);
    if (!is_in_force(world, attempt->terminal, is_stop ? ORDER_STOP : ORDER_LIMIT)) {
        world_fail(world, SIM_ORDER, "STAN %06u is refused by an order that is not in force",
                   attempt->stan);
    }
}

void oracle_orders_on_append(struct world *world, const struct record *record,
                             const struct attempt *attempt)
{
    if (is_of_orders(record)) {
        check_end(world, record);
        apply(world, record);
    } else if (attempt != NULL && record->kind == RECORD_INTENT && record->attempt <= 1) {
        check_begin(world, attempt);
    } else if (attempt != NULL && record->kind == RECORD_REFUSED) {
        check_refused(world, record, attempt);
    }
}

/* --- a restart ---------------------------------------------------------------------------- */

void oracle_orders_on_crash(struct world *world)
{
    memset(world->orders, 0, sizeof(world->orders));
    for (uint32_t i = 0; i < world->durable_count; i++) {
        if (is_of_orders(&world->records[i])) {
            apply(world, &world->records[i]);
        }
    }
}

/* Whether the switch holds an order just as the rows say. */
static bool is_same(struct world *world, const struct order_standing *standing)
{
    struct record of = {.kind = RECORD_ORDER};
    memcpy(of.terminal_id, standing->order.terminal_id, sizeof(of.terminal_id));
    memcpy(of.merchant_id, standing->order.merchant_id, sizeof(of.merchant_id));
    uint32_t subject = subject_of(world, &of);
    if (subject == SIM_ORDER_SUBJECT_COUNT) {
        return false;
    }
    const struct sim_order *order =
        &world->orders[subject][standing->order.origin][standing->order.kind];
    return order->is_in_force && order->until_us == standing->order.until_us &&
           order->limit == standing->order.limit.minor && order->times == standing->order.times;
}

void oracle_orders_on_start(struct world *world)
{
    struct order_standing standing;
    uint32_t expected = 0;
    const uint32_t of_each = ORDER_ORIGIN_COUNT * ORDER_STANDING_COUNT;
    for (uint32_t i = 0; i < SIM_ORDER_SUBJECT_COUNT * of_each; i++) {
        struct sim_order *order = &world->orders[i / of_each][i % of_each / ORDER_STANDING_COUNT]
                                                [i % ORDER_STANDING_COUNT];
        expected += order->is_in_force;
        set_deadline(world, order);
    }
    uint32_t found = 0;
    for (uint32_t at = engine_orders(world->engine, 0, &standing); at != 0;
         at = engine_orders(world->engine, at, &standing)) {
        found++;
        if (!is_same(world, &standing)) {
            world_fail(world, SIM_ORDER, "the switch comes back with %s of %s%s, which is not so",
                       order_kind_name(standing.order.kind), standing.order.terminal_id,
                       standing.order.merchant_id);
        }
    }
    if (found != expected) {
        world_fail(world, SIM_ORDER, "%u orders were in force, the switch comes back with %u",
                   expected, found);
    }
    if (expected > 0) {
        world_mark(world, MARK_RESTART_WITH_ORDERS);
    }
}
