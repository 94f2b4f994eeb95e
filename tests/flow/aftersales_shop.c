/* See aftersales_shop.h. */
#include "tests/flow/aftersales_shop.h"

#include <iconv.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "config/file_text.h"
#include "protocols/iso8583/message.h"
#include "switch/case_order.h"
#include "switch/store/observe.h"

#define MESSAGE_BYTES_MAX 2048
#define HEADER_BYTES 6
#define SHOP_STAN_FIRST 301
#define WALL_DAY 20417 /* 2025-11-25 */

/* --- the registry -------------------------------------------------------------------------- */

static void put(struct shop *shop, enum registry_kind kind, const void *row)
{
    assert_int_equal(registry_put(shop->scene->desk, kind, row, &shop->scene->ann), STATUS_OK);
}

static void register_shop(struct shop *shop)
{
    struct terminal_registration terminal = {.terminal_id = TERMINAL_A,
                                             .serial = SHOP_SERIAL,
                                             .brand = "PAX",
                                             .model = "A920",
                                             .firmware = "1.0.0",
                                             .obtained = OBTAINED_AGENT,
                                             .obtained_from = "A17",
                                             .sold_day = WALL_DAY - 100,
                                             .state = TERMINAL_STATE_ACTIVE};
    struct merchant_registration merchant = {.merchant_id = MERCHANT,
                                             .name = "Tea House",
                                             .mcc = "5311",
                                             .risk_level = 1,
                                             .contract_from_day = WALL_DAY - 300,
                                             .state = MERCHANT_STATE_ACTIVE};
    struct registry_binding binding = scene_binding(TERMINAL_A, SHOP_SERIAL);
    memcpy(binding.binding.merchant_id, MERCHANT, sizeof(MERCHANT));
    put(shop, REGISTRY_TERMINAL, &terminal);
    put(shop, REGISTRY_MERCHANT, &merchant);
    put(shop, REGISTRY_BINDING, &binding);
}

static void register_service(struct shop *shop)
{
    static const struct {
        const char *id;
        int32_t longitude_e3;
    } POINTS[] = {{"minhang", 121573}, {"pudong", 121483}};
    struct warranty terms = {.brand = "PAX",
                             .part = PART_WHOLE,
                             .months = 12,
                             .from = WARRANTY_FROM_SOLD,
                             .swap_after_repairs = 3,
                             .verified_day = WALL_DAY - 10};
    for (unsigned i = 0; i < COUNT_OF(POINTS); i++) {
        struct service_point point = {.name = "Shop",
                                      .brands = {"PAX"},
                                      .repairs = (1u << PART_COUNT) - 1,
                                      .area_code = 310115,
                                      .latitude_e3 = 31230,
                                      .longitude_e3 = POINTS[i].longitude_e3,
                                      .weekdays = 0x7F,
                                      .is_open = true,
                                      .verified_day = WALL_DAY - 10};
        snprintf(point.point_id, sizeof(point.point_id), "%s", POINTS[i].id);
        put(shop, REGISTRY_SERVICE_POINT, &point);
    }
    put(shop, REGISTRY_WARRANTY, &terms);
}

/* --- life ---------------------------------------------------------------------------------- */

/* An order that a case asks for is in force when the engine has written it; the rest is for people.
 */
static enum clerk_answer on_effect(void *argument, const struct clerk_effect *effect)
{
    struct shop *shop = argument;
    struct order order;
    if (case_order_of(&order, effect)) {
        stage_order(shop->stage, order);
    } else {
        assert_true(shop->told_count < SHOP_TOLD_COUNT_MAX);
        shop->told[shop->told_count++] = effect->effect->kind;
    }
    return CLERK_DONE;
}

static struct dialect *dialect_of(const char *name)
{
    char path[512];
    snprintf(path, sizeof(path), "%s/config/specs/%s.yaml", TILLWAY_SOURCE_DIR, name);
    struct document *document = file_text_load_yaml(path);
    assert_non_null(document);
    struct dialect *dialect = dialect_compile(document);
    document_destroy(document);
    assert_non_null(dialect);
    return dialect;
}

/* What is registered now, so that a swap that is bound is no stranger. */
static void learn(struct shop *shop)
{
    struct terminal_facts facts = {.terminal_id = TERMINAL_A,
                                   .merchant_id = MERCHANT,
                                   .brand = "PAX",
                                   .model = "A920",
                                   .area_code = 310115,
                                   .is_active = true};
    struct registry_binding binding;
    assert_int_equal(registry_binding_in_force(shop->scene->desk, TERMINAL_A, &binding), STATUS_OK);
    memcpy(facts.serial, binding.serial, sizeof(facts.serial));
    assert_true(watcher_learn_terminal(shop->watcher, &facts));
}

static struct watcher *watcher_of(void)
{
    static struct watch_rules rules;
    struct watcher *watcher = watcher_create(&(struct watch_limits){16, 16, 64, 64});
    const struct merchant_facts merchant = {.merchant_id = MERCHANT, .mcc = "5311"};
    assert_non_null(watcher);
    watch_rules_default(&rules);
    rules.version = 1;
    watcher_set_rules(watcher, &rules);
    assert_true(watcher_learn_merchant(watcher, &merchant));
    return watcher;
}

int shop_set(void **state)
{
    struct shop *shop = calloc(1, sizeof(*shop));
    void *stage = NULL, *scene = NULL;
    assert_non_null(shop);
    if (stage_set_up(&stage) != 0 || scene_set(&scene) != 0) {
        return 1;
    }
    shop->stage = stage;
    shop->scene = scene;
    shop->scene->ann.wall_us = shop->stage->wall_us;
    register_shop(shop);
    register_service(shop);
    shop->dialect = dialect_of("unionpay-pos");
    shop->watcher = watcher_of();
    shop->stan = SHOP_STAN_FIRST - 1;
    case_rules_default(&shop->rules);
    const struct clerk_setup setup = {shop->scene->desk, &shop->rules, on_effect, shop};
    assert_int_equal(clerk_create(&shop->clerk, &setup, shop->scene->reason), STATUS_OK);
    *state = shop;
    return 0;
}

int shop_strike(void **state)
{
    struct shop *shop = *state;
    void *stage = shop->stage, *scene = shop->scene;
    clerk_destroy(shop->clerk);
    watcher_destroy(shop->watcher);
    dialect_destroy(shop->dialect);
    free(shop);
    return stage_tear_down(&stage) + scene_strike(&scene);
}

/* --- after-sales follows the log ----------------------------------------------------------- */

static void must(const struct shop *shop, enum status status)
{
    if (status != STATUS_OK) {
        fail_msg("%s", clerk_reason(shop->clerk));
    }
}

static void take_flags(struct shop *shop, const struct observation *seen)
{
    struct watch_output output;
    do {
        watcher_step(shop->watcher, seen, &output);
        for (uint32_t i = 0; i < output.count; i++) {
            assert_true(shop->flag_count < SHOP_FLAG_COUNT_MAX);
            shop->flags[shop->flag_count++] = output.flags[i];
            must(shop, clerk_take(shop->clerk, &output.flags[i], NULL));
        }
    } while (output.has_more);
}

static void take_hours(struct shop *shop, int64_t until_us)
{
    struct observation time;
    while (watcher_time_due(shop->watcher, until_us, &time)) {
        take_flags(shop, &time);
    }
}

static void follow(struct shop *shop)
{
    struct observation seen;
    learn(shop);
    while (shop->seen_count < shop->stage->record_count) {
        const struct record *record = &shop->stage->records[shop->seen_count++];
        if (observation_of_record(record, &seen)) {
            take_hours(shop, seen.wall_us);
            must(shop, clerk_observe(shop->clerk, &seen));
            take_flags(shop, &seen);
        }
    }
    must(shop, clerk_time(shop->clerk, shop_now_us(shop), shop->stage->now_ns));
}

int64_t shop_now_us(const struct shop *shop)
{
    return shop->stage->wall_us;
}

void shop_pass(struct shop *shop, int64_t us)
{
    stage_pass(shop->stage, (uint64_t)us * 1000);
    follow(shop);
    take_hours(shop, shop_now_us(shop));
    follow(shop);
}

/* --- at the terminal ----------------------------------------------------------------------- */

/* The customers of a shop are not one and the same, nor do they buy the same. */
static void set_customer(struct shop *shop, struct message_draft *draft, char texts[3][48])
{
    const char *card = ++shop->stan % 2 == 1 ? CARD : OTHER_CARD;
    uint32_t amount = 12345 + (shop->stan - SHOP_STAN_FIRST) * 100;
    snprintf(texts[0], sizeof(texts[0]), "%012u", (unsigned)amount);
    snprintf(texts[1], sizeof(texts[1]), "%06u", (unsigned)(shop->stan % 1000000));
    snprintf(texts[2], sizeof(texts[2]), "%s=30122010000000000000", card);
    message_draft_set_text(draft, 4, texts[0]);
    message_draft_set_text(draft, 11, texts[1]);
    message_draft_set_text(draft, 35, texts[2]);
}

/* The 0200 as a terminal writes it, read as the rim reads it. */
static void write_sale(struct shop *shop)
{
    static const uint8_t header[HEADER_BYTES] = {0x60, 0x22, 0x00};
    static const struct {
        unsigned field;
        const char *text;
    } FIELDS[] = {{3, "000000"},         {22, "021"},    {25, "00"},
                  {41, TERMINAL_A},      {42, MERCHANT}, {49, "156"},
                  {60, "22000001000500"}};
    uint8_t bytes[MESSAGE_BYTES_MAX];
    char texts[3][48];
    struct message_draft draft;
    struct message_fault fault;
    struct dialect_fault dialect_fault;
    struct byte_writer writer;
    struct byte_view scope;
    struct message message;
    message_draft_init(&draft, dialect_spec(shop->dialect), "0200");
    draft.header = (struct byte_view){header, sizeof(header)};
    for (unsigned i = 0; i < COUNT_OF(FIELDS); i++) {
        message_draft_set_text(&draft, FIELDS[i].field, FIELDS[i].text);
    }
    set_customer(shop, &draft, texts);
    byte_writer_init(&writer, bytes, sizeof(bytes));
    assert_int_equal(message_build(&draft, &writer, &scope, &fault), STATUS_OK);
    struct byte_view whole = {bytes, writer.position};
    assert_int_equal(message_parse(&message, dialect_spec(shop->dialect), whole, &fault),
                     STATUS_OK);
    assert_int_equal(dialect_read(shop->dialect, &message, &shop->payment, &dialect_fault),
                     STATUS_OK);
    /* what the rim does with it: hashed, and sealed */
    stage_set_card(&shop->payment, shop->stan % 2 == 1 ? CARD : OTHER_CARD);
}

/* GBK, as the terminal's display has it. */
static void read_words(struct shop_screen *screen, struct byte_view field)
{
    char *in = (char *)(uintptr_t)field.bytes + PAYMENT_WORDS_AT;
    char *out = screen->text;
    size_t in_left = field.length > PAYMENT_WORDS_AT ? field.length - PAYMENT_WORDS_AT : 0;
    size_t out_left = sizeof(screen->text) - 1;
    if (in_left > 0) {
        iconv_t way = iconv_open("UTF-8", "GBK");
        assert_true(way != (iconv_t)-1);
        assert_int_equal(iconv(way, &in, &in_left, &out, &out_left), 0);
        iconv_close(way);
    }
    *out = '\0';
}

/* The answer as bytes, read as a terminal reads it. */
static void read_answer(struct shop *shop)
{
    const struct stage_effect *reply = stage_last_reply(shop->stage);
    const uint8_t header[HEADER_BYTES] = {0x60, 0x22,
                                          (uint8_t)(reply->effect.terminal_request & 0x0F)};
    struct dialect_build_how how = {.with_mac = dialect_has_mac(shop->dialect, &reply->payment),
                                    .header = {header, sizeof(header)}};
    uint8_t bytes[MESSAGE_BYTES_MAX];
    struct byte_writer writer;
    struct byte_view scope;
    struct dialect_fault dialect_fault = {.reason = ""};
    struct message_fault fault;
    struct message message;
    byte_writer_init(&writer, bytes, sizeof(bytes));
    enum status status =
        dialect_build(shop->dialect, &reply->payment, &how, &writer, &scope, &dialect_fault);
    assert_string_equal(dialect_fault.reason, "");
    assert_int_equal(status, STATUS_OK);
    struct byte_view whole = {bytes, writer.position};
    assert_int_equal(message_parse(&message, dialect_spec(shop->dialect), whole, &fault),
                     STATUS_OK);
    shop->screen.asked = (char)('0' + (bytes[2] & 0x0F));
    (void)message_text(&message, 39, shop->screen.code, sizeof(shop->screen.code));
    read_words(&shop->screen, message_raw(&message, 63));
}

void shop_sell_with(struct shop *shop, const char *code, const char *serial)
{
    uint32_t forwards = shop->stage->forward_count;
    write_sale(shop);
    shop->payment.device.is_told = true;
    snprintf(shop->payment.device.serial, sizeof(shop->payment.device.serial), "%s", serial);
    stage_ask(shop->stage, &shop->payment);
    if (code == NULL) {
        stage_pass(shop->stage, shop->stage->limits.response_timeout_ns);
    } else if (code[0] != '\0') {
        stage_respond(shop->stage, forwards, code);
    } else {
        assert_int_equal(shop->stage->forward_count, forwards);
    }
    read_answer(shop);
    shop_pass(shop, SHOP_MINUTE_US);
}

void shop_sell(struct shop *shop, const char *code)
{
    shop_sell_with(shop, code, SHOP_SERIAL);
}

void shop_sign_on(struct shop *shop, const char *serial)
{
    struct payment payment = stage_payment(PAYMENT_SIGNON, TERMINAL_A, ++shop->stan);
    memcpy(payment.management_code, "003", 4);
    payment.device.is_told = true;
    snprintf(payment.device.serial, sizeof(payment.device.serial), "%s", serial);
    stage_ask(shop->stage, &payment);
    struct engine_event event = {.kind = ENGINE_KEYS};
    event.keys.txn = shop->stage->keys[shop->stage->keys_count - 1].effect.txn;
    event.keys.is_made = true;
    event.keys.field_62 = (struct byte_view){(const uint8_t *)"for the terminal", 16};
    event.keys.records = (struct byte_view){(const uint8_t *)"for the log", 11};
    stage_step(shop->stage, event);
    read_answer(shop);
    assert_string_equal(shop->screen.code, "00");
    shop_pass(shop, SHOP_MINUTE_US);
}

void shop_send_wrong_macs(struct shop *shop, uint32_t count)
{
    for (uint32_t i = 0; i < count; i++) {
        struct engine_event event = {.kind = ENGINE_SIGHTING};
        memcpy(event.sighting.terminal_id, TERMINAL_A, sizeof(event.sighting.terminal_id));
        event.sighting.reason = TXN_REASON_MAC_FAILED;
        event.sighting.count = 1;
        stage_step(shop->stage, event);
        shop_pass(shop, SHOP_MINUTE_US);
    }
}

void shop_expect_screen(const struct shop *shop, const char *code, const char *text)
{
    assert_string_equal(shop->screen.code, code);
    assert_string_equal(shop->screen.text, text);
}

/* --- at the desk --------------------------------------------------------------------------- */

uint32_t shop_flags(const struct shop *shop, enum signal_code signal)
{
    uint32_t count = 0;
    for (uint32_t i = 0; i < shop->flag_count; i++) {
        count += shop->flags[i].signal == signal;
    }
    return count;
}

uint32_t shop_told(const struct shop *shop, enum case_effect_kind kind)
{
    uint32_t count = 0;
    for (uint32_t i = 0; i < shop->told_count; i++) {
        count += shop->told[i] == kind;
    }
    return count;
}

uint32_t shop_case_count(struct shop *shop)
{
    return (uint32_t)scene_number(shop->scene, "SELECT count(*) FROM service_case");
}

struct service_case shop_case(struct shop *shop, uint64_t id)
{
    struct service_case it;
    assert_int_equal(case_book_find(shop->scene->desk, id, &it), STATUS_OK);
    return it;
}

void shop_expect_state(struct shop *shop, uint64_t id, enum case_state state)
{
    assert_string_equal(case_state_name(shop_case(shop, id).state), case_state_name(state));
}

struct case_event shop_event(enum case_event_kind kind, enum case_role role)
{
    struct case_event event = {.kind = kind, .role = role, .terminal_id = TERMINAL_A};
    snprintf(event.actor, sizeof(event.actor), "%s 1", case_role_name(role));
    snprintf(event.reason, sizeof(event.reason), "%s", case_event_text(kind));
    return event;
}

uint64_t shop_call(struct shop *shop, enum case_kind kind, const char *reason)
{
    struct service_case it = {.kind = kind,
                              .source = CASE_SOURCE_HOTLINE,
                              .subject = FLAG_OF_MERCHANT,
                              .subject_id = MERCHANT,
                              .terminal_id = TERMINAL_A,
                              .serial = SHOP_SERIAL,
                              .merchant_id = MERCHANT,
                              .severity = 1,
                              .service_class = SERVICE_P3,
                              .obtained = OBTAINED_AGENT};
    struct case_effects effects;
    struct case_event event = shop_event(CASE_EVENT_OPEN, CASE_ROLE_MERCHANT);
    snprintf(event.reason, sizeof(event.reason), "%s", reason);
    event.wall_us = shop_now_us(shop);
    assert_int_equal(case_book_open(shop->scene->desk, &it, &event, &shop->rules, &effects),
                     STATUS_OK);
    shop_pass(shop, SHOP_MINUTE_US);
    return it.id;
}

static bool act(struct shop *shop, uint64_t id, struct case_event event)
{
    struct desk *desk = scene_second(shop->scene);
    shop_pass(shop, SHOP_MINUTE_US);
    event.wall_us = shop_now_us(shop);
    bool is_permitted = scene_step(shop->scene, desk, id, event);
    desk_close(desk);
    shop_pass(shop, SHOP_MINUTE_US);
    return is_permitted;
}

void shop_act(struct shop *shop, uint64_t id, struct case_event event)
{
    if (!act(shop, id, event)) {
        fail_msg("%s: %s", case_event_name(event.kind), shop->scene->reason);
    }
}

void shop_do(struct shop *shop, uint64_t id, enum case_event_kind kind, enum case_role role)
{
    shop_act(shop, id, shop_event(kind, role));
}

void shop_try(struct shop *shop, uint64_t id, uint8_t step, enum case_step_result result)
{
    struct case_event event = shop_event(CASE_EVENT_FIRST_STEP, CASE_ROLE_STAFF);
    event.step = step;
    event.result = result;
    shop_act(shop, id, event);
}

void shop_close(struct shop *shop, uint64_t id, enum case_role role, enum case_outcome outcome)
{
    struct case_event event = shop_event(CASE_EVENT_CLOSE, role);
    event.outcome = outcome;
    shop_act(shop, id, event);
}

void shop_refuse(struct shop *shop, uint64_t id, struct case_event event)
{
    struct service_case before = shop_case(shop, id);
    assert_false(act(shop, id, event));
    struct service_case after = shop_case(shop, id);
    assert_memory_equal(&before, &after, sizeof(before));
    assert_non_null(strstr(shop->scene->reason, "is not permitted in state"));
}

bool shop_is_ordered(const struct shop *shop, enum order_kind kind)
{
    struct order_standing standing;
    for (uint32_t at = engine_orders(shop->stage->engine, 0, &standing); at != 0;
         at = engine_orders(shop->stage->engine, at, &standing)) {
        if (standing.order.kind == kind) {
            return true;
        }
    }
    return false;
}
