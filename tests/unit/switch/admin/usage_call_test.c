/* What was used of limits, as the API tells it. */
#include <stdlib.h>
#include <string.h>

#include "switch/admin/usage_call.h"
#include "tests/unit/unit_test.h"

static json_int_t number_of(const json_t *json, const char *name)
{
    const json_t *value = json_object_get(json, name);
    assert_true(json_is_integer(value));
    return json_integer_value(value);
}

static void test_what_is_left_of_a_limit_is_never_below_nothing(void **state)
{
    Control__Usage usage = CONTROL__USAGE__INIT;
    Control__UsageLimit limits[2] = {CONTROL__USAGE_LIMIT__INIT, CONTROL__USAGE_LIMIT__INIT};
    Control__UsageLimit *places[2] = {&limits[0], &limits[1]};
    (void)state;
    for (int i = 0; i < 2; i++) {
        limits[i].name = (char *)(uintptr_t) "shops";
        limits[i].bound = (char *)(uintptr_t) "day_amount_max";
        limits[i].line = 4;
        limits[i].max = 50000;
        limits[i].used = i == 0 ? 45000 : 60000; /* limits may have been lowered since */
    }
    usage.is_counted = true;
    usage.day = 20260921;
    usage.currency = 156;
    usage.day_count = 7;
    usage.day_minor = 45000;
    usage.month_minor = 120000;
    usage.n_limits = 2;
    usage.limits = places;
    json_t *json = usage_call_json("merchant", "898290054110000", &usage);
    assert_non_null(json);
    assert_int_equal(number_of(json, "day"), 20260921);
    assert_int_equal(number_of(json, "month"), 202609);
    assert_int_equal(number_of(json, "day_count"), 7);
    assert_int_equal(number_of(json, "day_amount"), 45000);
    assert_int_equal(number_of(json, "month_amount"), 120000);
    const json_t *told = json_object_get(json, "limits");
    assert_int_equal(json_array_size(told), 2);
    assert_int_equal(number_of(json_array_get(told, 0), "left"), 5000);
    assert_int_equal(number_of(json_array_get(told, 1), "left"), 0);
    assert_int_equal(number_of(json_array_get(told, 1), "used"), 60000);
    json_decref(json);
}

static void refuse(const char *parameter)
{
    const struct call call = {.endpoint = ENDPOINT_USAGE, .parameter = parameter};
    struct answer answer = {0};
    usage_call_serve(&call, &answer);
    assert_int_equal(answer.code, 400);
    assert_non_null(strstr(answer.detail, "merchant:ID"));
    free(answer.body);
}

static void test_whose_usage_must_be_said(void **state)
{
    (void)state;
    refuse("898290054110000");
    refuse(":898290054110000");
    refuse("merchant:");
    refuse("merchantmerchantmerchant:1");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_what_is_left_of_a_limit_is_never_below_nothing),
        cmocka_unit_test(test_whose_usage_must_be_said),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
