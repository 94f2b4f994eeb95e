/* Orders as the admin port takes and tells them. */
#include <stdlib.h>
#include <string.h>

#include "switch/admin/order_call.h"
#include "tests/unit/unit_test.h"

struct parameters {
    const char *pairs[16]; /* name, value, ...; ends with NULL */
};

static const char *find(void *connection, const char *name)
{
    const struct parameters *parameters = connection;
    for (size_t i = 0; parameters->pairs[i] != NULL; i += 2) {
        if (strcmp(parameters->pairs[i], name) == 0) {
            return parameters->pairs[i + 1];
        }
    }
    return NULL;
}

static struct call call_of(enum endpoint endpoint, const char *kind, struct parameters *parameters)
{
    return (struct call){.endpoint = endpoint,
                         .parameter = kind,
                         .operator_name = "ann",
                         .control_socket = "/nowhere/control.sock",
                         .option = find,
                         .connection = parameters};
}

static void expect(enum endpoint endpoint, const char *kind, struct parameters parameters,
                   unsigned code, const char *words)
{
    struct answer answer = {0};
    struct call call = call_of(endpoint, kind, &parameters);
    order_call_serve(&call, &answer);
    if (answer.code != code || strstr(answer.detail, words) == NULL) {
        fail_msg("%s: %u %s", kind, answer.code, answer.detail);
    }
    free(answer.body);
}

static void test_what_an_order_lacks_is_named(void **state)
{
    (void)state;
    static const struct {
        const char *kind;
        struct parameters parameters;
        const char *words;
    } SERVICE[] = {
        {"ask_signon", {{"terminal", "10000001"}}, "reason: expected why"},
        {"ask_signon", {{"terminal", "10000001", "reason", ""}}, "reason: expected why"},
        {"ask_signon", {{"reason", "MAC errors"}}, "terminal: expected"},
        {"ask_signon", {{"merchant", "898", "reason", "r"}}, "terminal: expected"},
        {"ask_signon", {{"terminal", "1", "reason", "r", "for", "3w"}}, "for: expected"},
        {"ask_signon",
         {{"terminal", "1", "reason", "r", "until", "1999-01-01"}},
         "until: expected"},
        {"ask_signon",
         {{"terminal", "1", "reason", "r", "until", "2999-01-01"}},
         "until: expected"},
        {"ask_signon",
         {{"terminal", "1", "reason", "r", "until", "2999-01-01", "for", "1d"}},
         "for: expected"},
        {"ask_signon", {{"terminal", "1", "reason", "r", "case", "x"}}, "case: expected"},
        {"withdraw", {{"terminal", "1", "reason", "r", "for", "1d"}}, "for: expected"},
        {"tell", {{"terminal", "1", "reason", "r"}}, "text: expected"},
        {"tell", {{"terminal", "1", "reason", "r", "text", "x", "times", "10"}}, "times: expected"},
    };
    for (size_t i = 0; i < COUNT_OF(SERVICE); i++) {
        expect(ENDPOINT_ORDER_SERVICE, SERVICE[i].kind, SERVICE[i].parameters, 400,
               SERVICE[i].words);
    }
    static const struct parameters HOLD = {{"terminal", "1", "reason", "r"}};
    expect(ENDPOINT_ORDER_RISK, "hold", HOLD, 400, "merchant: expected");
    static const struct parameters BOTH = {{"terminal", "1", "merchant", "2", "reason", "r"}};
    expect(ENDPOINT_ORDER_RISK, "stop", BOTH, 400, "terminal: expected");
    static const struct parameters AMOUNTS[] = {
        {{"terminal", "1", "reason", "r"}},
        {{"terminal", "1", "reason", "r", "amount", "0"}},
        {{"terminal", "1", "reason", "r", "amount", "-1"}},
        {{"terminal", "1", "reason", "r", "amount", "12.345"}},
    };
    for (size_t i = 0; i < COUNT_OF(AMOUNTS); i++) {
        expect(ENDPOINT_ORDER_RISK, "limit", AMOUNTS[i], 400, "amount: expected");
    }
    static const struct parameters CURRENCY = {
        {"terminal", "1", "reason", "r", "amount", "1", "currency", "1000"}};
    expect(ENDPOINT_ORDER_RISK, "limit", CURRENCY, 400, "currency: expected");
}

/* The path decides who may give it, so a kind must not come by the other one. */
static void test_each_kind_has_one_path(void **state)
{
    (void)state;
    static const struct parameters GOOD = {{"terminal", "10000001", "reason", "r", "text", "x"}};
    static const char *const SERVICE[] = {"ask_signon", "ask_download", "ask_status",
                                          "ask_update", "tell",         "withdraw"};
    static const char *const RISK[] = {"limit", "hold", "release", "stop", "resume"};
    for (size_t i = 0; i < COUNT_OF(SERVICE); i++) {
        expect(ENDPOINT_ORDER_RISK, SERVICE[i], GOOD, 404, "by this path");
        expect(ENDPOINT_ORDER_SERVICE, SERVICE[i], GOOD, 503, ""); /* good, and no switch there */
    }
    for (size_t i = 0; i < COUNT_OF(RISK); i++) {
        expect(ENDPOINT_ORDER_SERVICE, RISK[i], GOOD, 404, "by this path");
    }
    expect(ENDPOINT_ORDER_SERVICE, "sell", GOOD, 404, "by this path");
    assert_int_equal(endpoint_roles(ENDPOINT_ORDER_RISK), ROLE_SET_OF_RISK);
    assert_int_equal(endpoint_roles(ENDPOINT_ORDER_SERVICE), ROLE_SET_OF_DESK);
    assert_true(endpoint_has_effect(ENDPOINT_ORDER_RISK));
    assert_true(endpoint_has_effect(ENDPOINT_ORDER_SERVICE));
}

static void test_spans_are_read_with_their_unit(void **state)
{
    (void)state;
    int64_t span_us = 0;
    assert_true(order_call_span("3d", &span_us));
    assert_int_equal(span_us, INT64_C(3) * 86400 * 1000000);
    assert_true(order_call_span("12h", &span_us));
    assert_int_equal(span_us, INT64_C(12) * 3600 * 1000000);
    assert_true(order_call_span("90m", &span_us));
    assert_int_equal(span_us, INT64_C(90) * 60 * 1000000);
    assert_true(order_call_span("366d", &span_us));
    static const char *const WRONG[] = {"",    "d",    "3",   "0d",     "367d",
                                        "-1d", "1.5h", "3 d", "999999d"};
    for (size_t i = 0; i < COUNT_OF(WRONG); i++) {
        assert_false(order_call_span(WRONG[i], &span_us));
    }
}

static void test_the_audit_file_keeps_whom_and_why(void **state)
{
    (void)state;
    char note[ORDER_NOTE_SIZE];
    struct parameters parameters = {{"terminal", "10000001", "reason", "cloned, says the shop",
                                     "case", "77", "amount", "500", "text", "停用"}};
    struct call call = call_of(ENDPOINT_ORDER_RISK, "limit", &parameters);
    assert_string_equal(order_call_note(&call, note), "terminal 10000001, case 77, amount 500, "
                                                      "text 停用: cloned, says the shop");
    parameters = (struct parameters){{"merchant", "898290054110000", "reason", "r"}};
    assert_string_equal(order_call_note(&call, note), "merchant 898290054110000: r");
    parameters =
        (struct parameters){{"terminal", "10000001", "reason", "card 6222021234567894 copied",
                             "text", "4111 1111 1111 1111"}};
    assert_string_equal(
        order_call_note(&call, note),
        "terminal 10000001, text 4111 11** **** 1111: card 622202******7894 copied");
    parameters = (struct parameters){{NULL}};
    assert_string_equal(order_call_note(&call, note), "merchant : no reason");
    call.endpoint = ENDPOINT_RELOAD;
    assert_null(order_call_note(&call, note));
}

static void test_an_order_in_force_is_told_with_what_it_has(void **state)
{
    (void)state;
    Control__Orders orders = CONTROL__ORDERS__INIT;
    Control__Order one = CONTROL__ORDER__INIT, other = CONTROL__ORDER__INIT;
    Control__Order *places[] = {&one, &other};
    orders.orders = places;
    orders.n_orders = 2;
    orders.is_cut = true;
    one.kind = (char *)(uintptr_t) "limit";
    one.terminal_id = (char *)(uintptr_t) "10000001";
    one.by = (char *)(uintptr_t) "ann";
    one.has_limit_minor = one.has_currency = one.has_case_id = true;
    one.limit_minor = 50000;
    one.currency = 156;
    one.case_id = 77;
    other.kind = (char *)(uintptr_t) "tell";
    other.by = (char *)(uintptr_t) "bob";
    other.has_until_wall_us = other.has_times = true;
    other.until_wall_us = 1764057600000000;
    other.times = 2;
    other.text_local = (char *)(uintptr_t) "签到";
    json_t *json = order_list_json(&orders);
    const json_t *items = json_object_get(json, "items");
    assert_int_equal(json_array_size(items), 2);
    assert_true(json_is_true(json_object_get(json, "is_cut")));
    const json_t *item = json_array_get(items, 0);
    assert_string_equal(json_string_value(json_object_get(item, "terminal")), "10000001");
    assert_int_equal(json_integer_value(json_object_get(item, "amount_minor")), 50000);
    assert_int_equal(json_integer_value(json_object_get(item, "case")), 77);
    assert_null(json_object_get(item, "until"));
    assert_null(json_object_get(item, "text"));
    item = json_array_get(items, 1);
    assert_string_equal(json_string_value(json_object_get(item, "text")), "签到");
    assert_string_equal(json_string_value(json_object_get(item, "until")),
                        "2025-11-25T08:00:00.000000Z");
    assert_int_equal(json_integer_value(json_object_get(item, "times_left")), 2);
    assert_null(json_object_get(item, "case"));
    json_decref(json);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_what_an_order_lacks_is_named),
        cmocka_unit_test(test_each_kind_has_one_path),
        cmocka_unit_test(test_spans_are_read_with_their_unit),
        cmocka_unit_test(test_the_audit_file_keeps_whom_and_why),
        cmocka_unit_test(test_an_order_in_force_is_told_with_what_it_has),
    };
    return cmocka_run_group_tests_name("admin/order_call", tests, NULL, NULL);
}
