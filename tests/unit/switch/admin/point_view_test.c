/* What people of a service point, who are not ours, see of cases and do in them. */
#include "tests/unit/switch/admin/case_call_stage.h"

/* With all that a merchant's row can say. */
static void put_whole_shop(struct stage *stage)
{
    struct scene *scene = stage->scene;
    const struct merchant_registration merchant = {
        .merchant_id = "M1",
        .name = "shop",
        .mcc = "5812",
        .licence = "91310000MA1FL1AB2C",
        .credit_code_hash = "00112233445566778899aabbccddeeff",
        .owner_hash = "00112233445566778899aabbccddeeff",
        .account_hash = "00112233445566778899aabbccddeeff",
        .opens_minute = 540,
        .closes_minute = 1320,
        .month_max_minor = 5000000,
        .plan = "standard",
        .agent_id = "A17",
        .contact = "Li 13812345678",
        .risk_level = 3,
        .state = MERCHANT_STATE_ACTIVE};
    const struct warranty terms = {.brand = "PAX",
                                   .part = PART_WHOLE,
                                   .months = 12,
                                   .from = WARRANTY_FROM_INSTALLED,
                                   .visit_minor = 8000,
                                   .verified_day = 20500};
    put_shop(stage);
    assert_int_equal(registry_put(scene->desk, REGISTRY_MERCHANT, &merchant, &scene->ann),
                     STATUS_OK);
    assert_int_equal(registry_put(scene->desk, REGISTRY_WARRANTY, &terms, &scene->ann), STATUS_OK);
}

/* As our own people: a case of the shop is sent to that point. */
static void send_to(struct stage *stage, const char *path, const char *point_id)
{
    char body[160];
    stage->holder = (struct token_holder){.name = "eva", .role = ROLE_AFTER_SALES};
    snprintf(body, sizeof(body),
             "{\"place\": \"site_city\", \"engineer\": \"pat\", \"point_id\": \"%s\","
             " \"reason\": \"the owner owes us\"}",
             point_id);
    assert_int_equal(ask(stage, ENDPOINT_CASE_STEP, path, body), 200);
}

static void be_point(struct stage *stage, const char *point_id)
{
    stage->holder = (struct token_holder){.name = "pat", .role = ROLE_AFTER_SALES};
    snprintf(stage->holder.scope.point_id, sizeof(stage->holder.scope.point_id), "%s", point_id);
}

static void open_and_send(struct stage *stage, const char *point_id)
{
    put_whole_shop(stage);
    assert_int_equal(ask(stage, ENDPOINT_CASE_OPEN, "",
                         "{\"kind\": \"FAULT\", \"terminal_id\": \"10000001\", \"fault\": \"P1\","
                         " \"reason\": \"no paper\"}"),
                     200);
    uint64_t flag = add_flag(stage, SIGNAL_TIMEOUTS, 50);
    assert_int_equal(case_book_link_flag(stage->scene->desk, 1, flag), STATUS_OK);
    assert_int_equal(case_book_link_txn(stage->scene->desk, 1, 77), STATUS_OK);
    assert_int_equal(
        ask(stage, ENDPOINT_CASE_STEP, "1/FIRST_STEP", "{\"step\": 1, \"result\": \"done\"}"), 200);
    assert_int_equal(
        ask(stage, ENDPOINT_CASE_STEP, "1/FIRST_STEP", "{\"step\": 2, \"result\": \"done\"}"), 200);
    assert_int_equal(
        ask(stage, ENDPOINT_CASE_STEP, "1/TRIAGE", "{\"reason\": \"P1\", \"fault\": \"P1\"}"), 200);
    send_to(stage, "1/DISPATCH", point_id);
}

#define KEYS_SIZE 4096
#define SHA "00112233445566778899aabbccddeeff00112233445566778899aabbccddeeff"

/* " case.id" for each member, in the order of the answer; of lists the members of what is in them,
 * each once. */
static void list_keys(const json_t *json, const char *before, char *keys)
{
    const char *name;
    size_t index;
    json_t *value;
    const json_t *item;
    json_array_foreach(json, index, item)
    {
        list_keys(item, before, keys);
    }
    json_object_foreach((json_t *)(uintptr_t)json, name, value)
    {
        char path[96], word[100];
        snprintf(path, sizeof(path), "%s%s%s", before, before[0] == '\0' ? "" : ".", name);
        snprintf(word, sizeof(word), " %s ", path);
        if (strstr(keys, word) == NULL) {
            size_t used = strlen(keys);
            assert_true(used + strlen(word) < KEYS_SIZE);
            snprintf(keys + used, KEYS_SIZE - used, "%s", used == 0 ? word : word + 1);
        }
        list_keys(value, path, keys);
    }
}

/* Exactly those: none is missing, none more. */
static void has_keys(const struct stage *stage, const char *const *wanted, size_t count)
{
    char keys[KEYS_SIZE] = "";
    size_t found = 0;
    list_keys(stage->json, "", keys);
    for (size_t i = 0; i < count; i++) {
        char word[100];
        snprintf(word, sizeof(word), " %s ", wanted[i]);
        if (strstr(keys, word) == NULL) {
            fail_msg("%s is missing among%s", wanted[i], keys);
        }
    }
    for (const char *at = keys; *at != '\0'; at++) {
        found += *at == ' ' && at[1] != '\0';
    }
    if (found != count) {
        fail_msg("%zu fields, expected %zu:%s", found, count, keys);
    }
}

/* All that it is told: whatever is added elsewhere stays out until it is named here. */
static const char *const LINE_FIELDS[] = {
    "items",          "cursor",         "items.id",       "items.kind",       "items.severity",
    "items.state",    "items.state_zh", "items.state_en", "items.fault",      "items.fault_zh",
    "items.fault_en", "items.due",      "items.is_late",  "items.terminal_id"};
static const char *const CASE_FIELDS[] = {"due",
                                          "case",
                                          "case.id",
                                          "case.kind",
                                          "case.severity",
                                          "case.state",
                                          "case.state_zh",
                                          "case.state_en",
                                          "case.fault",
                                          "case.fault_zh",
                                          "case.fault_en",
                                          "case.terminal_id",
                                          "case.brand",
                                          "case.model",
                                          "case.serial",
                                          "case.firmware",
                                          "place",
                                          "place.address",
                                          "place.area_code",
                                          "place.latitude_e3",
                                          "place.longitude_e3",
                                          "hours",
                                          "hours.opens",
                                          "hours.closes",
                                          "first_steps",
                                          "first_steps.step",
                                          "first_steps.name",
                                          "first_steps.zh",
                                          "first_steps.en",
                                          "first_steps.result",
                                          "self_help",
                                          "self_help.fault",
                                          "self_help.zh",
                                          "self_help.en",
                                          "self_help.cashier",
                                          "self_help.is_of_model",
                                          "self_help.steps",
                                          "self_help.steps.zh",
                                          "self_help.steps.en",
                                          "warranty",
                                          "warranty.part",
                                          "warranty.damage",
                                          "warranty.verdict_zh",
                                          "warranty.verdict_en",
                                          "warranty.is_free",
                                          "warranty.way",
                                          "warranty.why",
                                          "warranty.ends",
                                          "warranty.is_stale",
                                          "warranty.cost_minor",
                                          "warranty.needs_acceptance",
                                          "warranty.way_there_paid_by",
                                          "warranty.way_back_paid_by",
                                          "quote",
                                          "quote.state",
                                          "quote.cost_minor",
                                          "permitted",
                                          "permitted.event",
                                          "permitted.sentence",
                                          "permitted.as",
                                          "permitted.needs",
                                          "permitted.members",
                                          "parts",
                                          "photos",
                                          /* of a part: where it has some */ "parts.part",
                                          "parts.part_zh",
                                          "parts.part_en",
                                          "parts.quantity",
                                          "parts.serial_before",
                                          "parts.serial_after",
                                          "parts.cost_minor",
                                          "parts.paid_by"};
#define PART_FIELD_COUNT 8
static const char *const STEP_FIELDS[] = {"id",
                                          "event",
                                          "from",
                                          "state",
                                          "state_zh",
                                          "permitted",
                                          "permitted.event",
                                          "permitted.sentence",
                                          "permitted.as",
                                          "permitted.needs",
                                          "permitted.members"};

static void test_a_service_point_is_shown_the_fields_that_a_repair_needs(void **state)
{
    struct stage *stage = *state;
    open_and_send(stage, "P3");
    be_point(stage, "P3");
    assert_int_equal(ask(stage, ENDPOINT_CASE_LIST, "", NULL), 200);
    assert_int_equal(items(stage), 1);
    has_keys(stage, LINE_FIELDS, COUNT_OF(LINE_FIELDS));
    assert_int_equal(ask(stage, ENDPOINT_CASE_SHOW, "1", NULL), 200);
    has_keys(stage, CASE_FIELDS, COUNT_OF(CASE_FIELDS) - PART_FIELD_COUNT);
    const json_t *hours = json_object_get(stage->json, "hours");
    assert_string_equal(json_string_value(json_object_get(hours, "opens")), "09:00");
    /* not even in another field's words */
    static const char *const SECRETS[] = {"M1", "A17", "owes", "Li 138", "5812", "standard", "eva"};
    for (size_t i = 0; i < COUNT_OF(SECRETS); i++) {
        char quoted[32];
        snprintf(quoted, sizeof(quoted), "\"%s", SECRETS[i]);
        assert_null(strstr(stage->answer.body, quoted));
    }
    /* once as a line, once whole: as of everybody's */
    assert_int_equal(number(stage, "SELECT count(*) FROM reading WHERE actor = 'pat'"), 2);
}

/* What it did, and not what another point did before. */
static void test_a_service_point_is_shown_its_own_parts(void **state)
{
    struct stage *stage = *state;
    static const char FIX[] =
        "{\"reason\": \"new head\", \"photos\": [\"" SHA "\"], \"parts\": [{\"part\": "
        "\"printer\", \"paid_by\": \"warranty\", \"serial_after\": \"H-2\"}]}";
    open_and_send(stage, "P3");
    be_point(stage, "P3");
    assert_int_equal(ask(stage, ENDPOINT_CASE_STEP, "1/FIX", FIX), 200);
    assert_int_equal(ask(stage, ENDPOINT_CASE_SHOW, "1", NULL), 200);
    has_keys(stage, CASE_FIELDS, COUNT_OF(CASE_FIELDS));
    assert_string_equal(
        json_string_value(json_array_get(json_object_get(stage->json, "photos"), 0)), SHA);
    stage->holder = (struct token_holder){.name = "eva", .role = ROLE_AFTER_SALES};
    assert_int_equal(ask(stage, ENDPOINT_CASE_SHOW, "1", NULL), 200);
    const json_t *events = json_object_get(stage->json, "events");
    const json_t *parts =
        json_object_get(json_array_get(events, json_array_size(events) - 1), "parts");
    assert_string_equal(json_string_value(json_object_get(json_array_get(parts, 0), "part_en")),
                        "printer");
    send_to(stage, "1/DISPATCH", "P4");
    be_point(stage, "P4");
    assert_int_equal(ask(stage, ENDPOINT_CASE_SHOW, "1", NULL), 200);
    assert_int_equal(json_array_size(json_object_get(stage->json, "parts")), 0);
    assert_int_equal(json_array_size(json_object_get(stage->json, "photos")), 0);
    struct device_model model = scene_model(); /* with a screen and a printer */
    assert_int_equal(
        registry_put(stage->scene->desk, REGISTRY_DEVICE_MODEL, &model, &stage->scene->ann),
        STATUS_OK);
    assert_int_equal(ask(stage, ENDPOINT_CASE_STEP, "1/FIX",
                         "{\"reason\": \"x\", \"parts\": [{\"part\": \"battery\", \"paid_by\": "
                         "\"warranty\"}]}"),
                     409);
    says(stage, "PAX A920 does not have: battery; it has whole screen printer consumable");
}

static void test_a_service_point_sees_no_case_but_its_own(void **state)
{
    struct stage *stage = *state;
    open_and_send(stage, "P3");
    scene_case(stage->scene, CASE_FAULT, "10000002"); /* sent to nobody */
    be_point(stage, "P4");
    assert_int_equal(ask(stage, ENDPOINT_CASE_LIST, "", NULL), 200);
    assert_int_equal(items(stage), 0);
    assert_int_equal(ask(stage, ENDPOINT_CASE_SHOW, "1", NULL), 404);
    assert_int_equal(ask(stage, ENDPOINT_CASE_SHOW, "2", NULL), 404);
    assert_int_equal(ask(stage, ENDPOINT_CASE_STEP, "1/ACCEPT", NULL), 404);
    be_point(stage, "P3");
    assert_int_equal(ask(stage, ENDPOINT_CASE_STEP, "2/ACCEPT", NULL), 404);
    /* a filter would tell whose it is */
    with(stage, "merchant", "M1");
    assert_int_equal(ask(stage, ENDPOINT_CASE_LIST, "", NULL), 403);
    with(stage, "agent", "A17");
    assert_int_equal(ask(stage, ENDPOINT_CASE_LIST, "", NULL), 403);
    with(stage, "terminal", "10000001");
    assert_int_equal(ask(stage, ENDPOINT_CASE_LIST, "", NULL), 200);
    assert_int_equal(items(stage), 1);
    assert_int_equal(ask(stage, ENDPOINT_CASE_STEP, "1/ACCEPT", NULL), 200);
    send_to(stage, "1/DISPATCH", "P4"); /* and then it is another's */
    be_point(stage, "P3");
    assert_int_equal(ask(stage, ENDPOINT_CASE_SHOW, "1", NULL), 404);
    assert_int_equal(number(stage, "SELECT count(*) FROM reading WHERE case_id = 2"), 0);
}

/* Its own steps, and of what is permitted and asked only what is its own. */
static void test_a_service_point_takes_an_engineers_steps(void **state)
{
    struct stage *stage = *state;
    open_and_send(stage, "P3");
    be_point(stage, "P3");
    stage->holder.scope.position = SCOPE_POSITION_MANAGER; /* of no use here */
    assert_int_equal(ask(stage, ENDPOINT_CASE_STEP, "1/ACCEPT", NULL), 200);
    has_keys(stage, STEP_FIELDS, COUNT_OF(STEP_FIELDS));
    assert_int_equal(ask(stage, ENDPOINT_CASE_STEP, "1/ARRIVE", NULL), 200);
    assert_int_equal(ask(stage, ENDPOINT_CASE_STEP, "1/ARRIVE", "{\"as\": \"STAFF\"}"), 400);
    assert_int_equal(
        ask(stage, ENDPOINT_CASE_STEP, "1/CLOSE", "{\"reason\": \"x\", \"outcome\": \"benign\"}"),
        409);
    const json_t *permitted = json_object_get(stage->json, "permitted");
    for (size_t i = 0; i < json_array_size(permitted); i++) {
        const json_t *as = json_object_get(json_array_get(permitted, i), "as");
        assert_int_equal(json_array_size(as), 1);
        assert_string_equal(json_string_value(json_array_get(as, 0)), "ENGINEER");
    }
    assert_int_equal(ask(stage, ENDPOINT_CASE_STEP, "1/QUOTE",
                         "{\"cost_minor\": 12000, \"reason\": \"print head\"}"),
                     200);
    assert_int_equal(ask(stage, ENDPOINT_CASE_SHOW, "1", NULL), 200);
    const json_t *quote = json_object_get(stage->json, "quote");
    assert_string_equal(json_string_value(json_object_get(quote, "state")), "asked");
    assert_int_equal(json_integer_value(json_object_get(quote, "cost_minor")), 12000);
    assert_int_equal(ask(stage, ENDPOINT_CASE_STEP, "1/QUOTE_ACCEPT", NULL), 409);
    send_to(stage, "1/DISPATCH", "P4"); /* who comes after is not told another's price */
    be_point(stage, "P4");
    assert_int_equal(ask(stage, ENDPOINT_CASE_SHOW, "1", NULL), 200);
    quote = json_object_get(stage->json, "quote");
    assert_string_equal(json_string_value(json_object_get(quote, "state")), "none");
    assert_int_equal(json_integer_value(json_object_get(quote, "cost_minor")), 0);
}

int main(void)
{
#define STAGE(test) cmocka_unit_test_setup_teardown(test, stage_set, stage_strike)
    const struct CMUnitTest tests[] = {
        STAGE(test_a_service_point_is_shown_the_fields_that_a_repair_needs),
        STAGE(test_a_service_point_is_shown_its_own_parts),
        STAGE(test_a_service_point_sees_no_case_but_its_own),
        STAGE(test_a_service_point_takes_an_engineers_steps),
    };
    return cmocka_run_group_tests_name("switch/admin/point_view", tests, NULL, NULL);
}
