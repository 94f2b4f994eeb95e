/* A failed inspection opens one case, and not a second while it is open. */
#include "switch/desk/inspection_case.h"

#include "tests/unit/switch/desk/case_scene.h"

static void test_what_is_bad_becomes_a_case_once(void **state)
{
    struct scene *scene = *state;
    const struct inspection inspection = {
        .merchant_id = "M1", .terminal_id = "10000001", .day = 20515, .inspector = "li"};
    struct inspection_result result = {.verdict = INSPECTION_FAILED,
                                       .item = INSPECTION_OVERLAY,
                                       .needs_case = true,
                                       .kind = CASE_RISK,
                                       .severity = 4,
                                       .reason = "inspection: bad: no overlay"};
    const struct terminal_registration terminal = {
        .terminal_id = "10000001", .serial = "SN-1", .brand = "PAX", .model = "A920"};
    struct service_case it;
    uint64_t first = 0;
    uint64_t second = 0;
    bool is_new = false;
    assert_int_equal(
        inspection_case_open(scene->desk, &inspection, &result, &scene->ann, &first, &is_new),
        STATUS_NOT_FOUND);
    assert_int_equal(registry_put(scene->desk, REGISTRY_TERMINAL, &terminal, &scene->ann),
                     STATUS_OK);
    assert_int_equal(
        inspection_case_open(scene->desk, &inspection, &result, &scene->ann, &first, &is_new),
        STATUS_OK);
    assert_true(is_new);
    assert_int_equal(case_book_find(scene->desk, first, &it), STATUS_OK);
    assert_int_equal(it.subject, FLAG_OF_MERCHANT);
    assert_string_equal(it.subject_id, "M1");
    assert_string_equal(it.brand, "PAX");
    assert_int_equal(it.source, CASE_SOURCE_INSPECTION);
    assert_int_equal(it.severity, 4);
    assert_int_equal(
        inspection_case_open(scene->desk, &inspection, &result, &scene->ann, &second, &is_new),
        STATUS_OK);
    assert_false(is_new);
    assert_int_equal(second, first);
    result.kind = CASE_FAULT; /* of the terminal, whose test payment failed */
    assert_int_equal(
        inspection_case_open(scene->desk, &inspection, &result, &scene->ann, &second, &is_new),
        STATUS_OK);
    assert_true(is_new);
    assert_int_equal(case_book_find(scene->desk, second, &it), STATUS_OK);
    assert_string_equal(it.subject_id, "10000001");
    assert_string_equal(
        scene_sql(scene, "UPDATE service_case SET state = 'CLOSED', closed_us = 1 WHERE id = 1"),
        "");
    assert_int_equal(
        inspection_case_open(scene->desk, &inspection, &result, &scene->ann, &first, &is_new),
        STATUS_OK);
    assert_false(is_new); /* that of the terminal is open still */
    result.kind = CASE_RISK;
    assert_int_equal(
        inspection_case_open(scene->desk, &inspection, &result, &scene->ann, &first, &is_new),
        STATUS_OK);
    assert_true(is_new);
}

static void test_the_term_is_that_of_the_rules(void **state)
{
    struct scene *scene = *state;
    struct case_rules rules;
    struct service_case it;
    uint64_t id = 0;
    bool is_new = false;
    const struct inspection inspection = {.merchant_id = "M1", .day = 20515, .inspector = "li"};
    const struct inspection_result result = {.verdict = INSPECTION_FAILED,
                                             .needs_case = true,
                                             .kind = CASE_RISK,
                                             .severity = 2,
                                             .reason = "inspection: bad"};
    rules = *desk_case_rules(scene->desk);
    assert_int_equal(rules.terms.answer[SERVICE_P3].count, 240);
    rules.terms.answer[SERVICE_P3] = (struct service_term){7, TERM_MINUTES};
    desk_set_case_rules(scene->desk, &rules);
    assert_int_equal(
        inspection_case_open(scene->desk, &inspection, &result, &scene->ann, &id, &is_new),
        STATUS_OK);
    assert_int_equal(case_book_find(scene->desk, id, &it), STATUS_OK);
    assert_int_equal(it.answer.budget_us, INT64_C(7) * 60000000);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_what_is_bad_becomes_a_case_once, scene_set,
                                        scene_strike),
        cmocka_unit_test_setup_teardown(test_the_term_is_that_of_the_rules, scene_set,
                                        scene_strike),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
