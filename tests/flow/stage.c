/* See stage.h. */
#include "tests/flow/stage.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "config/yaml_file.h"

#define HELD_COUNT_MAX 512
#define WALL_US INT64_C(1764057600000000) /* 2025-11-25 08:00:00 UTC: 16:00 in China */

static const char ROUTES[] = "routes:\n"
                             "  - channels: [bank_a, bank_b]\n";
static const char FEES[] = "plans:\n"
                           "  plain:\n"
                           "    rules:\n"
                           "      - rate: 0.60%\n"
                           "cost:\n"
                           "  - issuer_fee: {rate: 0.45%}\n"
                           "    scheme_fee: {rate: 0.05%}\n";

/* --- the rules ---------------------------------------------------------------------------- */

static void compile(struct ruleset *ruleset, const char *text,
                    void (*into)(struct ruleset *ruleset, struct document *document))
{
    struct document *document = yaml_file_parse("stage.yaml", text, (uint32_t)strlen(text));
    assert_non_null(document);
    into(ruleset, document);
    if (document_fault_count(document) > 0) {
        fail_msg("%s", document_fault_text(document, 0));
    }
    document_destroy(document);
}

static void add_terminal(struct ruleset *ruleset, const char *terminal_id, bool is_active)
{
    struct terminal_row row = {.is_active = is_active};
    memcpy(row.terminal_id, terminal_id, 8);
    memcpy(row.merchant_id, MERCHANT, 15);
    assert_int_equal(terminal_table_add(ruleset_terminals(ruleset), &row), STATUS_OK);
}

/* What the channels of the rules made next are. */
static bool are_wallets;

static struct ruleset *make_ruleset(const struct stage_rules *rules, uint64_t kinds)
{
    struct ruleset_limits limits = {8, 8, 8};
    struct ruleset *ruleset = ruleset_create(7, &limits);
    assert_non_null(ruleset);
    struct bin_rule bin = {.prefix = 62,
                           .digit_count = 2,
                           .scheme = CARD_SCHEME_UNIONPAY,
                           .card_type = CARD_TYPE_DEBIT,
                           .issuer = 1};
    assert_int_equal(bin_table_add(ruleset_bins(ruleset), &bin), STATUS_OK);
    struct bin_rule visa = {.prefix = 4,
                            .digit_count = 1,
                            .scheme = CARD_SCHEME_VISA,
                            .card_type = CARD_TYPE_CREDIT,
                            .issuer = 2,
                            .group = bin_table_group(ruleset_bins(ruleset), "visa")};
    assert_int_equal(bin_table_add(ruleset_bins(ruleset), &visa), STATUS_OK);
    struct merchant_row merchant = {
        .mcc = "5311", .name = "Tea House", .plan = "plain", .is_active = true};
    memcpy(merchant.merchant_id, MERCHANT, 15);
    assert_int_equal(merchant_table_add(ruleset_merchants(ruleset), &merchant), STATUS_OK);
    add_terminal(ruleset, TERMINAL_A, true);
    add_terminal(ruleset, TERMINAL_B, true);
    add_terminal(ruleset, TERMINAL_STOPPED, false);
    struct channel_row channels[] = {{"bank_a", kinds, are_wallets},
                                     {"bank_b", kinds, are_wallets}};
    for (uint32_t i = 0; i < 2; i++) {
        assert_int_equal(channel_table_add(ruleset_channels(ruleset), &channels[i]), STATUS_OK);
    }
    compile(ruleset, rules->routes != NULL ? rules->routes : ROUTES, ruleset_compile_routes);
    compile(ruleset, rules->fees != NULL ? rules->fees : FEES, ruleset_compile_fees);
    if (rules->limits != NULL) {
        compile(ruleset, rules->limits, ruleset_compile_limits);
    }
    if (rules->black_list != NULL) {
        ruleset_take_black_list(ruleset, rules->black_list);
    }
    ruleset_take_downloads(ruleset, rules->downloads);
    char reason[160];
    assert_int_equal(ruleset_freeze(ruleset, reason), STATUS_OK);
    return ruleset;
}

static void put_in_force(struct stage *stage, struct ruleset *ruleset)
{
    struct ruleset *older = stage->ruleset;
    stage->ruleset = ruleset;
    stage_step(stage, (struct engine_event){.kind = ENGINE_RULESET, .ruleset = stage->ruleset});
    ruleset_destroy(older);
}

void stage_set_kinds(struct stage *stage, uint64_t kinds)
{
    put_in_force(stage, make_ruleset(&(struct stage_rules){0}, kinds));
}

void stage_use_rules(struct stage *stage, const struct stage_rules *rules)
{
    put_in_force(stage, make_ruleset(rules, UINT64_MAX));
}

void stage_use_wallets(struct stage *stage)
{
    are_wallets = true;
    stage_set_kinds(stage, UINT64_MAX);
    are_wallets = false;
}

void stage_use_routes(struct stage *stage, const char *routes)
{
    stage_use_rules(stage, &(struct stage_rules){.routes = routes});
}

/* --- the rim ------------------------------------------------------------------------------ */

static void on_append(void *argument, const struct record *record)
{
    struct stage *stage = argument;
    assert_true(stage->record_count < STAGE_RECORD_COUNT_MAX);
    assert_int_equal(record->position, stage->record_count + 1);
    stage->records[stage->record_count++] = *record;
}

static void keep(struct stage_effect *list, uint32_t *count, const struct engine_effect *effect)
{
    assert_true(*count < STAGE_EFFECT_COUNT_MAX);
    struct stage_effect *kept = &list[(*count)++];
    kept->effect = *effect;
    if (effect->payment != NULL) {
        payment_copy(&kept->payment, effect->payment);
        kept->effect.payment = &kept->payment;
    }
}

static void on_forward(void *argument, const struct engine_effect *effect)
{
    struct stage *stage = argument;
    keep(stage->forwards, &stage->forward_count, effect);
}

static void on_reply(void *argument, const struct engine_effect *effect)
{
    struct stage *stage = argument;
    keep(stage->replies, &stage->reply_count, effect);
}

static void on_make_keys(void *argument, const struct engine_effect *effect)
{
    struct stage *stage = argument;
    keep(stage->keys, &stage->keys_count, effect);
}

static void on_ordered(void *argument, const struct engine_effect *effect)
{
    struct stage *stage = argument;
    assert_true(stage->ordered_count < STAGE_EFFECT_COUNT_MAX);
    stage->ordered[stage->ordered_count++] = *effect;
}

static void on_notice(void *argument, const struct engine_effect *effect)
{
    struct stage *stage = argument;
    keep(stage->notices, &stage->notice_count, effect);
}

static void on_lookup(void *argument, const struct engine_effect *effect)
{
    struct stage *stage = argument;
    assert_true(stage->lookup_count < STAGE_EFFECT_COUNT_MAX);
    stage->lookups[stage->lookup_count++] = *effect;
}

static void start_engine(struct stage *stage)
{
    stage->engine = engine_create(&stage->limits);
    assert_non_null(stage->engine);
    struct driver_rim rim = {.append = on_append,
                             .forward = on_forward,
                             .reply = on_reply,
                             .make_keys = on_make_keys,
                             .lookup = on_lookup,
                             .ordered = on_ordered,
                             .notice = on_notice,
                             .argument = stage};
    stage->driver = driver_create(stage->engine, &rim, HELD_COUNT_MAX);
    assert_non_null(stage->driver);
    stage_step(stage, (struct engine_event){.kind = ENGINE_RULESET, .ruleset = stage->ruleset});
}

static void stop_engine(struct stage *stage)
{
    driver_destroy(stage->driver);
    engine_destroy(stage->engine);
}

static void begin(struct stage *stage)
{
    stage_step(stage, (struct engine_event){.kind = ENGINE_REPLAY_END});
    stage_set_channel(stage, BANK_A, true);
    stage_set_channel(stage, BANK_B, true);
}

int stage_set_up_with(void **state, struct stage_size size)
{
    struct stage *stage = calloc(1, sizeof(*stage));
    assert_non_null(stage);
    stage->limits = (struct engine_limits){
        .txn_count_max = size.txn_count_max,
        .terminal_count_max = size.terminal_count_max,
        .response_timeout_ns = 45 * SECOND_NS,
        .inflight_life_ns = 180 * SECOND_NS,
        .saf_retry_min_ns = 5 * SECOND_NS,
        .saf_retry_max_ns = 60 * SECOND_NS,
        .saf_life_ns = 86400 * SECOND_NS,
        .duplicate_window_ns = 3600 * SECOND_NS,
        .pin_guard = {3600 * SECOND_NS, 3},
        .clock_off_max_s = 300,
        .signon_timeout_ns = 5 * SECOND_NS,
        .lookup_timeout_ns = 5 * SECOND_NS,
        .capture_ceiling_percent = 115,
        .tip_ceiling_percent = 120,
        .saf_window = 2,
        .node = 1,
        .acquirer_id = "48021000",
    };
    stage->is_prompt = true;
    stage->now_ns = 1000 * SECOND_NS;
    stage->wall_us = WALL_US;
    stage->ruleset = make_ruleset(&(struct stage_rules){0}, UINT64_MAX);
    start_engine(stage);
    begin(stage);
    stage_sign_on(stage, TERMINAL_A);
    stage_sign_on(stage, TERMINAL_B);
    *state = stage;
    return 0;
}

int stage_set_up(void **state)
{
    return stage_set_up_with(state, (struct stage_size){64, 8});
}

int stage_set_up_small(void **state)
{
    return stage_set_up_with(state, (struct stage_size){8, 8});
}

int stage_tear_down(void **state)
{
    struct stage *stage = *state;
    stop_engine(stage);
    ruleset_destroy(stage->ruleset);
    free(stage);
    return 0;
}

/* As the store tells it: what rows told so far, sums tell whole; months, then days. */
static void replay_usage(struct stage *stage, uint32_t count)
{
    stage_step(stage, (struct engine_event){.kind = ENGINE_USAGE});
    for (uint32_t i = 0; i < 2 * count; i++) {
        const struct record *record = &stage->records[i % count];
        bool is_day = i >= count;
        struct usage_sum sum = {.period = is_day ? record->usage_day : record->usage_day / 100,
                                .count = record->usage_count,
                                .minor = record->usage_minor};
        memcpy(sum.merchant_id, record->merchant_id, sizeof(sum.merchant_id));
        memcpy(sum.terminal_id, record->terminal_id, sizeof(sum.terminal_id));
        if (is_day) {
            sum.pan_hash = record->pan_hash;
        }
        if (sum.count != 0 || sum.minor != 0) {
            stage_step(stage, (struct engine_event){.kind = ENGINE_USAGE, .usage = &sum});
        }
    }
}

void stage_restart(struct stage *stage)
{
    uint32_t durable = (uint32_t)driver_durable_position(stage->driver);
    bool is_prompt = stage->is_prompt;
    stage->is_prompt = false;
    stop_engine(stage);
    stage->record_count = durable;
    start_engine(stage);
    for (uint32_t i = 0; i < durable; i++) {
        enum record_kind kind = stage->records[i].kind;
        if (i == stage->replay_from && i > 0) {
            replay_usage(stage, i);
        }
        if (i >= stage->replay_from || kind == RECORD_SIGNON || kind == RECORD_EPOCH) {
            struct engine_event event = {.kind = ENGINE_REPLAY, .record = &stage->records[i]};
            stage_step(stage, event);
        }
    }
    stage->is_prompt = is_prompt;
    begin(stage);
    stage_pass(stage, 0);
}

/* --- the log searched --------------------------------------------------------------------- */

static bool begins(const struct record *record)
{
    return record->kind == RECORD_INTENT || record->kind == RECORD_ADVICE ||
           record->kind == RECORD_TOMBSTONE ||
           (record->kind == RECORD_REFUSED && record->state == TXN_DECLINED);
}

static bool record_fits(const struct record *record, const struct lookup_query *query)
{
    if (query->kind == LOOKUP_BY_KEY) {
        return begins(record) && record->batch == query->batch && record->stan == query->stan &&
               strcmp(record->terminal_id, query->terminal_id) == 0;
    }
    if (query->kind == LOOKUP_BY_RRN) {
        return begins(record) && strcmp(record->rrn, query->rrn) == 0;
    }
    return record->kind == RECORD_RESULT && record->payment_kind == PAYMENT_PREAUTH &&
           record->state == TXN_APPROVED && strcmp(record->auth_code, query->auth_code) == 0 &&
           memcmp(&record->pan_hash, &query->pan_hash, sizeof(query->pan_hash)) == 0;
}

static bool is_same(struct txn_reference left, struct txn_reference right)
{
    return left.seq != 0 && left.epoch == right.epoch && left.seq == right.seq;
}

/* Its own records, what follows it, and what follows these. */
static bool belongs(const struct stage *stage, const struct record *record,
                    struct txn_reference reference)
{
    if (is_same(record->txn, reference) || is_same(record->original, reference)) {
        return true;
    }
    for (uint32_t i = 0; i < stage->record_count && record->original.seq != 0; i++) {
        if (is_same(stage->records[i].original, reference) &&
            is_same(stage->records[i].txn, record->original)) {
            return true;
        }
    }
    return false;
}

static uint32_t search_log(struct stage *stage, const struct lookup_query *query)
{
    struct txn_reference reference = {0, 0};
    uint32_t durable = (uint32_t)driver_durable_position(stage->driver), count = 0;
    bool is_certain = false;
    for (uint32_t i = durable; i > 0 && !is_certain; i--) {
        const struct record *record = &stage->records[i - 1];
        if (record_fits(record, query)) {
            is_certain = query->kind != LOOKUP_BY_KEY || !record_is_blind_refusal(record);
            reference = is_certain || reference.seq == 0 ? record->txn : reference;
        }
    }
    for (uint32_t i = 0; i < durable && reference.seq != 0; i++) {
        if (belongs(stage, &stage->records[i], reference)) {
            assert_true(count < LOOKUP_RECORD_COUNT_MAX);
            stage->found[count++] = stage->records[i];
        }
    }
    return count;
}

static void answer_lookups(struct stage *stage, bool is_failed)
{
    while (stage->answered_count < stage->lookup_count) {
        const struct engine_effect *lookup = &stage->lookups[stage->answered_count++];
        struct engine_event event = {.kind = ENGINE_FOUND};
        event.found.txn = lookup->txn;
        event.found.is_failed = is_failed;
        event.found.records = stage->found;
        event.found.count = is_failed ? 0 : search_log(stage, &lookup->lookup);
        stage_step(stage, event);
    }
}

void stage_answer_lookups(struct stage *stage)
{
    answer_lookups(stage, false);
}

void stage_fail_lookups(struct stage *stage)
{
    answer_lookups(stage, true);
}

/* --- events ------------------------------------------------------------------------------- */

void stage_step(struct stage *stage, struct engine_event event)
{
    event.now_ns = stage->now_ns;
    event.wall_us = stage->wall_us;
    event.random = UINT64_C(0x9E3779B97F4A7C15) * stage->record_count;
    driver_step(stage->driver, &event);
    if (stage->is_prompt) {
        stage_sync(stage);
    }
    if (!stage->is_log_slow) {
        stage_answer_lookups(stage);
    }
}

void stage_sync(struct stage *stage)
{
    driver_durable(stage->driver, stage->record_count);
}

void stage_pass(struct stage *stage, uint64_t duration_ns)
{
    uint64_t end_ns = stage->now_ns + duration_ns;
    uint64_t due_ns = engine_deadline_ns(stage->engine);
    for (uint32_t steps = 0; due_ns <= end_ns; steps++) {
        assert_true(steps < 100000); /* it does not spin */
        uint64_t from_ns = stage->now_ns;
        stage->now_ns = due_ns > stage->now_ns ? due_ns : stage->now_ns;
        stage->wall_us += (int64_t)((stage->now_ns - from_ns) / 1000);
        stage_step(stage, (struct engine_event){.kind = ENGINE_TICK});
        due_ns = engine_deadline_ns(stage->engine);
    }
    stage->wall_us += (int64_t)((end_ns - stage->now_ns) / 1000);
    stage->now_ns = end_ns;
}

void stage_cut_over(struct stage *stage, uint16_t channel, uint32_t settlement_day)
{
    struct engine_event event = {.kind = ENGINE_CUT_OVER};
    event.cut_over.channel = channel;
    event.cut_over.settlement_day = settlement_day;
    stage_step(stage, event);
}

void stage_use_downloads(struct stage *stage, struct download_table *downloads)
{
    stage_use_rules(stage, &(struct stage_rules){.downloads = downloads});
}

void stage_order(struct stage *stage, struct order order)
{
    struct engine_event event = {.kind = ENGINE_ORDER};
    if (order.actor[0] == '\0') {
        snprintf(order.actor, sizeof(order.actor), "alice");
    }
    event.order.order = &order;
    event.order.ticket = stage->ordered_count + 1;
    stage_step(stage, event);
}

void stage_set_channel(struct stage *stage, uint16_t channel, bool is_up)
{
    struct engine_event event = {.kind = ENGINE_CHANNEL};
    event.channel.channel = channel;
    event.channel.is_up = is_up;
    stage_step(stage, event);
}

struct payment stage_payment(enum payment_kind kind, const char *terminal, uint32_t stan)
{
    struct payment payment;
    payment_clear(&payment);
    payment.kind = kind;
    payment.leg = PAYMENT_REQUEST;
    payment.stan = stan;
    payment.batch = 1;
    memcpy(payment.terminal_id, terminal, sizeof(payment.terminal_id));
    memcpy(payment.merchant_id, MERCHANT, sizeof(payment.merchant_id));
    return payment;
}

void stage_set_card(struct payment *payment, const char *digits)
{
    assert_int_equal(pan_parse(&payment->pan, digits, strlen(digits)), STATUS_OK);
    memcpy(payment->pan_hash.bytes, digits, sizeof(payment->pan_hash.bytes));
    payment->pan_sealed.length = 3;
    memcpy(payment->pan_sealed.bytes, "xyz", 3);
}

struct payment stage_purchase(const char *terminal, uint32_t stan)
{
    struct payment payment = stage_payment(PAYMENT_PURCHASE, terminal, stan);
    payment.amount = (struct money){12345, MONEY_CNY};
    memcpy(payment.processing_code, "000000", 7);
    memcpy(payment.condition_code, "00", 3);
    memcpy(payment.type_code, "22", 3);
    memcpy(payment.entry_mode, "051", 4);
    stage_set_card(&payment, CARD);
    payment.pin = (struct pin_block){.bytes = {1, 2, 3}, .length = 8};
    payment.track2 = (struct track2){.characters = CARD "=3012", .count = 21};
    return payment;
}

struct payment stage_reversal(const struct payment *purchase)
{
    struct payment payment = *purchase;
    payment.kind = PAYMENT_REVERSAL;
    payment.original_kind = purchase->kind;
    memcpy(payment.reversal_reason, "98", 3);
    payment.pin.length = 0;
    payment.track2.count = 0;
    return payment;
}

struct payment stage_follow_up(const struct stage *stage, enum payment_kind kind, uint32_t index,
                               uint32_t stan)
{
    const struct payment *reply = &stage->replies[index].payment;
    struct payment payment = stage_purchase(reply->terminal_id, stan);
    payment.kind = kind;
    payment.batch = reply->batch;
    payment.amount = reply->amount;
    memcpy(payment.original.rrn, reply->rrn, sizeof(payment.original.rrn));
    memcpy(payment.original.auth_code, reply->auth_code, sizeof(payment.original.auth_code));
    payment.original.batch = reply->batch;
    payment.original.stan = reply->stan;
    return payment;
}

uint32_t stage_approved(struct stage *stage, enum payment_kind kind, uint32_t stan)
{
    struct payment payment = stage_purchase(TERMINAL_A, stan);
    payment.kind = kind;
    stage_expect_answer(stage, &payment, "00");
    return stage->reply_count - 1;
}

void stage_expect_answer(struct stage *stage, const struct payment *payment, const char *code)
{
    uint32_t forwards = stage->forward_count, replies = stage->reply_count;
    stage_ask(stage, payment);
    assert_int_equal(stage->forward_count, forwards + 1);
    assert_int_equal(stage->forwards[forwards].payment.kind, payment->kind);
    stage_respond(stage, forwards, code);
    stage_expect_reply(stage, replies + 1, code);
}

void stage_expect_refusal(struct stage *stage, const struct payment *payment, const char *code)
{
    uint32_t forwards = stage->forward_count, replies = stage->reply_count;
    stage_ask(stage, payment);
    assert_int_equal(stage->forward_count, forwards);
    stage_expect_reply(stage, replies + 1, code);
}

void stage_expect_totals(const struct stage *stage, const char *totals)
{
    for (uint32_t i = stage->record_count; i > 0; i--) {
        if (stage->records[i - 1].totals[0] != 0) {
            assert_string_equal(stage->records[i - 1].totals, totals);
            return;
        }
    }
    fail_msg("no record tells totals");
}

void stage_expect_same_after_restart(struct stage *stage)
{
    uint64_t before = engine_state_hash(stage->engine), day_before = 0, day_after = 0;
    bool is_whole = engine_usage_hash_before(stage->engine, &day_before);
    stage_restart(stage);
    assert_int_equal(before, engine_state_hash(stage->engine));
    if (engine_usage_hash_before(stage->engine, &day_after) && is_whole) {
        assert_int_equal(day_before, day_after);
    }
}

uint32_t stage_ask(struct stage *stage, const struct payment *payment)
{
    static uint32_t slot;
    struct engine_event event = {.kind = ENGINE_REQUEST};
    event.request.conn = (struct conn_handle){.worker = 1, .slot = ++slot, .generation = 1};
    event.request.payment = payment;
    event.request.is_log_short = stage->is_log_short;
    stage_step(stage, event);
    return slot;
}

void stage_sign_on(struct stage *stage, const char *terminal)
{
    struct payment payment = stage_payment(PAYMENT_SIGNON, terminal, 1);
    memcpy(payment.management_code, "003", 4);
    stage_ask(stage, &payment);
    struct engine_event event = {.kind = ENGINE_KEYS};
    event.keys.txn = stage->keys[stage->keys_count - 1].effect.txn;
    event.keys.is_made = true;
    event.keys.field_62 = (struct byte_view){(const uint8_t *)"for the terminal", 16};
    event.keys.records = (struct byte_view){(const uint8_t *)"for the log", 11};
    stage_step(stage, event);
}

struct payment stage_response(const struct stage *stage, uint32_t index, const char *code)
{
    assert_true(index < stage->forward_count);
    struct payment response = stage->forwards[index].payment;
    response.leg = PAYMENT_RESPONSE;
    memcpy(response.response_code, code, 3);
    if (payment_is_approval(response.response_code)) {
        memcpy(response.auth_code, "A12345", 7);
    }
    memcpy(response.settlement_date, "1126", 5);
    return response;
}

void stage_give(struct stage *stage, uint16_t channel, const struct payment *response)
{
    struct engine_event event = {.kind = ENGINE_RESPONSE};
    event.response.channel = channel;
    event.response.payment = response;
    stage_step(stage, event);
}

void stage_respond(struct stage *stage, uint32_t index, const char *code)
{
    struct payment response = stage_response(stage, index, code);
    stage_give(stage, stage->forwards[index].effect.channel, &response);
}

void stage_unsent(struct stage *stage, uint32_t index, enum txn_reason reason)
{
    assert_true(index < stage->forward_count);
    struct engine_event event = {.kind = ENGINE_UNSENT};
    event.unsent.txn = stage->forwards[index].effect.txn;
    event.unsent.attempt = stage->forwards[index].effect.attempt;
    event.unsent.is_reversal = stage->forwards[index].payment.kind == PAYMENT_REVERSAL;
    event.unsent.reason = reason;
    stage_step(stage, event);
}

/* --- looking ------------------------------------------------------------------------------ */

const struct stage_effect *stage_last_reply(const struct stage *stage)
{
    assert_true(stage->reply_count > 0);
    return &stage->replies[stage->reply_count - 1];
}

void stage_expect_reply(const struct stage *stage, uint32_t reply_count, const char *code)
{
    assert_int_equal(stage->reply_count, reply_count);
    assert_string_equal(stage_last_reply(stage)->payment.response_code, code);
}

uint32_t stage_count_records(const struct stage *stage, enum record_kind kind)
{
    uint32_t count = 0;
    for (uint32_t i = 0; i < stage->record_count; i++) {
        count += stage->records[i].kind == kind ? 1 : 0;
    }
    return count;
}

const struct record *stage_last_record(const struct stage *stage, enum record_kind kind)
{
    for (uint32_t i = stage->record_count; i > 0; i--) {
        if (stage->records[i - 1].kind == kind) {
            return &stage->records[i - 1];
        }
    }
    fail_msg("no record of kind %s", record_kind_name(kind));
    return NULL;
}

struct engine_counts stage_counts(const struct stage *stage)
{
    struct engine_counts counts;
    engine_count(stage->engine, &counts);
    return counts;
}
