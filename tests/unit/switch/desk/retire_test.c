/* What is old is deleted by class, with a line that says so; what a court waits for stays. */
#include "switch/desk/retire.h"

#include "switch/desk/inspection_book.h"
#include "tests/unit/switch/desk/case_scene.h"

static struct retire_counts retire_after(struct scene *scene, int64_t days)
{
    struct retire_rules rules;
    struct retire_counts counts;
    bool has_more = true;
    const struct desk_actor night = {"night", SCENE_NOW + days * SCENE_DAY_US};
    retire_rules_default(&rules);
    assert_int_equal(desk_retire(scene->desk, &rules, &night, &counts, &has_more), STATUS_OK);
    return counts;
}

static void test_cases_go_after_three_years_and_what_is_held_stays(void **state)
{
    struct scene *scene = *state;
    uint64_t flag_id;
    uint64_t count = 0;
    bool is_new;
    uint64_t old = scene_case(scene, CASE_FAULT, "10000001");
    uint64_t held = scene_case(scene, CASE_FAULT, "10000002");
    uint64_t open = scene_case(scene, CASE_FAULT, "10000003");
    struct flag flag = scene_flag(SIGNAL_TIMEOUTS, "10000001", 7);
    struct flag loose = scene_flag(SIGNAL_TIMEOUTS, "10000002", 8);
    struct flag other = scene_flag(SIGNAL_TIMEOUTS, "10000005", 9);
    assert_int_equal(flag_book_add(scene->desk, &flag, &flag_id, &is_new), STATUS_OK);
    assert_int_equal(case_book_link_flag(scene->desk, old, flag_id), STATUS_OK);
    assert_int_equal(flag_book_add(scene->desk, &loose, &flag_id, &is_new), STATUS_OK);
    assert_int_equal(flag_book_add(scene->desk, &other, &flag_id, &is_new), STATUS_OK);
    scene_close(scene, old, CASE_OUTCOME_BENIGN);
    scene_close(scene, held, CASE_OUTCOME_BENIGN);
    assert_int_equal(case_book_keep(scene->desk, held, &scene->ann, "court 7"), STATUS_OK);
    assert_int_equal(case_book_keep(scene->desk, held, &scene->ann, "again"), STATUS_DENIED);
    assert_true(scene_number(scene, "SELECT count(*) FROM case_effect WHERE case_id = 1") > 0);
    struct retire_counts counts = retire_after(scene, 1095);
    assert_int_equal(counts.cases + counts.flags, 0);
    counts = retire_after(scene, 1098);
    assert_int_equal(scene_number(scene, "SELECT count(*) FROM case_effect WHERE case_id = 1"), 0);
    assert_true(scene_number(scene, "SELECT count(*) FROM case_effect") > 0);
    assert_int_equal(counts.cases, 1);
    assert_int_equal(counts.flags, 1); /* of 10000005: that of the held terminal stays */
    struct service_case it;
    assert_int_equal(case_book_find(scene->desk, old, &it), STATUS_NOT_FOUND);
    assert_int_equal(case_book_find(scene->desk, held, &it), STATUS_OK);
    assert_int_equal(case_book_find(scene->desk, open, &it), STATUS_OK);
    assert_int_equal(case_book_verify(scene->desk, &count), STATUS_OK);
    assert_int_equal(scene_number(scene, "SELECT count(*) FROM flag_evidence"), 2);
    assert_int_equal(scene_number(scene, "SELECT count(*) FROM retired WHERE class = 'case' AND"
                                         " key_1 = '1' AND detail LIKE 'events %, last hash %'"),
                     1);
    assert_non_null(strstr(scene_sql(scene, "DELETE FROM service_case WHERE id = 2"), "stays"));
    assert_non_null(strstr(scene_sql(scene, "DELETE FROM service_case WHERE id = 3"), "stays"));
    assert_non_null(strstr(scene_sql(scene, "DELETE FROM retired"), "only added to"));
    assert_int_equal(case_book_unkeep(scene->desk, held, &scene->ann), STATUS_OK);
    assert_int_equal(case_book_unkeep(scene->desk, held, &scene->ann), STATUS_DENIED);
    counts = retire_after(scene, 1098);
    assert_int_equal(counts.cases, 1);
    assert_int_equal(counts.flags, 1);
    assert_int_not_equal(scene_case(scene, CASE_FAULT, "10000001"), old); /* never used twice */
}

static void test_places_become_the_city_after_a_year(void **state)
{
    struct scene *scene = *state;
    struct registry_binding ended = scene_binding("10000001", "SN-1");
    struct registry_binding held = scene_binding("10000002", "SN-2");
    struct registry_binding active = scene_binding("10000003", "SN-3");
    ended.binding.valid_to_day = held.binding.valid_to_day = 20515;
    assert_int_equal(registry_put(scene->desk, REGISTRY_BINDING, &ended, &scene->ann), STATUS_OK);
    assert_int_equal(registry_put(scene->desk, REGISTRY_BINDING, &held, &scene->ann), STATUS_OK);
    assert_int_equal(registry_put(scene->desk, REGISTRY_BINDING, &active, &scene->ann), STATUS_OK);
    uint64_t case_id = scene_case(scene, CASE_RISK, "10000002");
    assert_int_equal(case_book_keep(scene->desk, case_id, &scene->ann, "court 7"), STATUS_OK);
    assert_int_equal(retire_after(scene, 365).places, 0);
    assert_int_equal(retire_after(scene, 366).places, 1);
    assert_int_equal(retire_after(scene, 366).places, 0);
    assert_int_equal(registry_find(scene->desk, REGISTRY_BINDING, &ended), STATUS_OK);
    assert_int_equal(ended.binding.latitude_e3, 0);
    assert_int_equal(ended.binding.area_code, 310100);
    assert_string_equal(ended.binding.address, "");
    assert_false(ended.binding.has_place);
    assert_string_equal(ended.binding.merchant_id, "M1");
    assert_int_equal(registry_find(scene->desk, REGISTRY_BINDING, &held), STATUS_OK);
    assert_int_equal(held.binding.latitude_e3, 31230);
    assert_int_equal(registry_find(scene->desk, REGISTRY_BINDING, &active), STATUS_OK);
    assert_int_equal(active.binding.latitude_e3, 31230);
    assert_int_equal(scene_number(scene, "SELECT count(*) FROM history WHERE row_key LIKE"
                                         " '10000001%' AND after IN ('31230', '121473')"),
                     0);
    assert_int_equal(scene_number(scene, "SELECT count(*) FROM history WHERE row_key LIKE"
                                         " '10000002%' AND after IN ('31230', '121473')"),
                     2);
}

static void test_inspections_stay_until_two_newer_ones_are_there(void **state)
{
    struct scene *scene = *state;
    struct merchant_registration merchant = {.merchant_id = "M1", .name = "Tea", .risk_level = 1};
    assert_int_equal(registry_put(scene->desk, REGISTRY_MERCHANT, &merchant, &scene->ann),
                     STATUS_OK);
    for (int32_t i = 0; i < 3; i++) {
        struct inspection inspection = {
            .merchant_id = "M1", .inspector = "li", .is_on_site = true, .day = 20000 + i};
        struct inspection_result result;
        assert_int_equal(inspection_book_add(scene->desk, &inspection, &result), STATUS_OK);
    }
    assert_int_equal(retire_after(scene, 0).inspections, 0);
    assert_int_equal(retire_after(scene, 4000).inspections, 1);
    assert_int_equal(scene_number(scene, "SELECT min(day) = '2024-10-05' FROM inspection_entry"),
                     1);
}

static void put_merchant(struct scene *scene, const char *id, enum merchant_state state,
                         int32_t contract_to_day)
{
    struct merchant_registration merchant = {.name = "Tea",
                                             .risk_level = 1,
                                             .contract_from_day = 20000,
                                             .contract_to_day = contract_to_day,
                                             .contact = "Wang",
                                             .state = state};
    snprintf(merchant.merchant_id, sizeof(merchant.merchant_id), "%s", id);
    assert_int_equal(registry_put(scene->desk, REGISTRY_MERCHANT, &merchant, &scene->ann),
                     STATUS_OK);
}

static void test_the_file_of_a_merchant_goes_three_years_after_its_contract(void **state)
{
    struct scene *scene = *state;
    struct registry_binding bound = scene_binding("10000001", "SN-1");
    struct registry_binding other = scene_binding("10000002", "SN-2");
    bound.binding.valid_to_day = 20515;
    snprintf(other.binding.merchant_id, sizeof(other.binding.merchant_id), "M2");
    put_merchant(scene, "M1", MERCHANT_STATE_LEFT, 20515);
    put_merchant(scene, "M2", MERCHANT_STATE_LEFT, 20515); /* a terminal stands there still */
    put_merchant(scene, "M3", MERCHANT_STATE_ACTIVE, 20515);
    put_merchant(scene, "M4", MERCHANT_STATE_LEFT, 0);
    assert_int_equal(registry_put(scene->desk, REGISTRY_BINDING, &bound, &scene->ann), STATUS_OK);
    assert_int_equal(registry_put(scene->desk, REGISTRY_BINDING, &other, &scene->ann), STATUS_OK);
    assert_int_equal(retire_after(scene, 1096).merchants, 0);
    uint64_t case_id = scene_case(scene, CASE_RISK, "10000009"); /* of M1, open */
    assert_int_equal(retire_after(scene, 1097).merchants, 0);
    assert_string_equal(
        scene_sql(scene, "UPDATE service_case SET state = 'CLOSED', closed_us = 9e15"), "");
    assert_int_equal(case_book_keep(scene->desk, case_id, &scene->ann, "court 7"), STATUS_OK);
    assert_int_equal(retire_after(scene, 1097).merchants, 0);
    assert_int_equal(case_book_unkeep(scene->desk, case_id, &scene->ann), STATUS_OK);
    assert_int_equal(retire_after(scene, 1097).merchants, 1);
    assert_int_equal(retire_after(scene, 1097).merchants, 0);
    assert_int_equal(scene_number(scene, "SELECT count(*) FROM merchant_registration"), 3);
    assert_int_equal(scene_number(scene, "SELECT count(*) FROM registry_binding"), 1);
    assert_int_equal(scene_number(scene, "SELECT count(*) FROM history WHERE after = 'Wang'"), 3);
    assert_int_equal(
        scene_number(scene, "SELECT count(*) FROM history WHERE row_key LIKE '%SN-1%'"), 0);
    assert_int_equal(scene_number(scene, "SELECT count(*) FROM retired WHERE class = 'merchant' AND"
                                         " key_1 = 'M1' AND detail LIKE 'contract ended 2026-%'"),
                     1);
    assert_non_null(strstr(scene_sql(scene, "DELETE FROM history"), "only added to"));
    assert_non_null(strstr(scene_sql(scene, "DELETE FROM registry_binding"), "ended"));
}

static void test_a_call_ends_after_its_count(void **state)
{
    struct scene *scene = *state;
    struct retire_rules rules;
    struct retire_counts counts;
    bool has_more = false;
    const struct desk_actor night = {"night", SCENE_NOW + 1200 * SCENE_DAY_US};
    for (int i = 1; i <= 3; i++) {
        char id[16];
        snprintf(id, sizeof(id), "M%d", i);
        put_merchant(scene, id, MERCHANT_STATE_LEFT, 20515);
    }
    retire_rules_default(&rules);
    rules.count_max = 2;
    assert_int_equal(desk_retire(scene->desk, &rules, &night, &counts, &has_more), STATUS_OK);
    assert_int_equal(counts.merchants, 2);
    assert_true(has_more);
    assert_int_equal(desk_retire(scene->desk, &rules, &night, &counts, &has_more), STATUS_OK);
    assert_int_equal(counts.merchants, 1);
    assert_false(has_more);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(
            test_the_file_of_a_merchant_goes_three_years_after_its_contract, scene_set,
            scene_strike),
        cmocka_unit_test_setup_teardown(test_a_call_ends_after_its_count, scene_set, scene_strike),
        cmocka_unit_test_setup_teardown(test_cases_go_after_three_years_and_what_is_held_stays,
                                        scene_set, scene_strike),
        cmocka_unit_test_setup_teardown(test_places_become_the_city_after_a_year, scene_set,
                                        scene_strike),
        cmocka_unit_test_setup_teardown(test_inspections_stay_until_two_newer_ones_are_there,
                                        scene_set, scene_strike),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
