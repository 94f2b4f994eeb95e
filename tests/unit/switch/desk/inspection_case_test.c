/* A failed inspection opens one case, and not a second while it is open. */
#include "switch/desk/inspection_case.h"

#include "switch/desk/inspection_book.h"

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

static void put_merchant(struct scene *scene, const char *id, uint8_t risk_level, int32_t since)
{
    struct merchant_registration merchant = {.name = "Tea",
                                             .risk_level = risk_level,
                                             .contract_from_day = since,
                                             .state = MERCHANT_STATE_ACTIVE};
    snprintf(merchant.merchant_id, sizeof(merchant.merchant_id), "%s", id);
    assert_int_equal(registry_put(scene->desk, REGISTRY_MERCHANT, &merchant, &scene->ann),
                     STATUS_OK);
}

static uint32_t visits_at(struct scene *scene, int32_t today, uint32_t count_max)
{
    struct inspection_rules rules;
    struct desk_actor by = {"calendar", SCENE_NOW + (int64_t)(today - 20515) * SCENE_DAY_US};
    uint32_t count = 99;
    inspection_rules_default(&rules);
    assert_int_equal(inspection_case_visits(scene->desk, &rules, today, &by, count_max, &count),
                     STATUS_OK);
    return count;
}

static void test_visits_are_opened_once_the_highest_risk_first(void **state)
{
    struct scene *scene = *state;
    put_merchant(scene, "M1", 1, 20000);
    put_merchant(scene, "M2", 3, 20100);
    put_merchant(scene, "M3", 3, 20050);
    put_merchant(scene, "M4", 3, 20515); /* new: its first inspection is not near */
    assert_int_equal(visits_at(scene, 20515, 2), 2);
    assert_int_equal(scene_number(scene, "SELECT count(*) FROM service_case WHERE cause = 'VISIT'"
                                         " AND kind = 'SERVICE' AND subject_id IN ('M2', 'M3')"),
                     2);
    assert_int_equal(visits_at(scene, 20515, 9), 1);
    assert_int_equal(visits_at(scene, 20516, 9), 0); /* they are open */
    assert_string_equal(scene_sql(scene, "UPDATE service_case SET state = 'CLOSED'"), "");
    assert_int_equal(visits_at(scene, 20517, 9), 0); /* opened since they came near */
    struct inspection inspection = {
        .merchant_id = "M3", .day = 20518, .inspector = "li", .is_on_site = true};
    struct inspection_result result;
    memset(inspection.marks, INSPECTION_GOOD, sizeof(inspection.marks));
    assert_int_equal(inspection_book_add(scene->desk, &inspection, &result), STATUS_OK);
    assert_int_equal(visits_at(scene, 20519, 9), 0);
    /* three months later it is due again; meanwhile M4, which is new, is, too */
    assert_int_equal(visits_at(scene, 20518 + 92, 9), 2);
    assert_int_equal(
        scene_number(scene, "SELECT count(*) FROM service_case WHERE subject_id = 'M3'"), 2);
    struct service_case it;
    assert_int_equal(case_book_find(scene->desk, 1, &it), STATUS_OK);
    assert_string_equal(it.subject_id, "M3"); /* overdue for longer than M2 */
    assert_int_equal(it.severity, 2);
    /* the merchant's agent reads why, and what risk thinks of the merchant is not his */
    assert_int_equal(scene_number(scene, "SELECT count(*) FROM case_entry WHERE kind = 'OPEN'"
                                         " AND reason LIKE 'an inspection is due by ____-__-__'"),
                     scene_number(scene, "SELECT count(*) FROM service_case"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_what_is_bad_becomes_a_case_once, scene_set,
                                        scene_strike),
        cmocka_unit_test_setup_teardown(test_the_term_is_that_of_the_rules, scene_set,
                                        scene_strike),
        cmocka_unit_test_setup_teardown(test_visits_are_opened_once_the_highest_risk_first,
                                        scene_set, scene_strike),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
