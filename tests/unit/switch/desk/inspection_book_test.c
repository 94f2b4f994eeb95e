/* Inspections: judged as registered, due by risk; terminals that are silent or out of date. */
#include "switch/desk/inspection_book.h"

#include "tests/unit/switch/desk/desk_scene.h"

#define TODAY 20515 /* 2026-03-03 */

static void put_merchant(struct scene *scene, const char *id, uint8_t risk, int32_t since)
{
    struct merchant_registration merchant = {.name = "Tea",
                                             .risk_level = risk,
                                             .contract_from_day = since,
                                             .state = MERCHANT_STATE_ACTIVE};
    snprintf(merchant.merchant_id, sizeof(merchant.merchant_id), "%s", id);
    assert_int_equal(registry_put(scene->desk, REGISTRY_MERCHANT, &merchant, &scene->ann),
                     STATUS_OK);
}

static void put_terminal(struct scene *scene, const char *id, const char *firmware, int32_t ends)
{
    struct terminal_registration terminal = {.serial = "SN-1",
                                             .brand = "PAX",
                                             .model = "A920",
                                             .certificate_ends_day = ends,
                                             .state = TERMINAL_STATE_ACTIVE};
    snprintf(terminal.terminal_id, sizeof(terminal.terminal_id), "%s", id);
    snprintf(terminal.firmware, sizeof(terminal.firmware), "%s", firmware);
    assert_int_equal(registry_put(scene->desk, REGISTRY_TERMINAL, &terminal, &scene->ann),
                     STATUS_OK);
}

static struct inspection good(const char *merchant_id, int32_t day)
{
    struct inspection inspection = {.day = day, .inspector = "li", .is_on_site = true};
    snprintf(inspection.merchant_id, sizeof(inspection.merchant_id), "%s", merchant_id);
    memset(inspection.marks, INSPECTION_GOOD, sizeof(inspection.marks));
    return inspection;
}

static void test_an_inspection_is_judged_as_registered_and_kept(void **state)
{
    struct scene *scene = *state;
    struct inspection_result result;
    struct inspection_entry entries[4];
    uint32_t count = 0;
    struct inspection inspection = good("M1", TODAY);
    snprintf(inspection.remark, sizeof(inspection.remark),
             "a slip with 6222021234567890128 lay there");
    assert_int_equal(inspection_book_add(scene->desk, &inspection, &result), STATUS_NOT_FOUND);
    put_merchant(scene, "M1", 3, 20000);
    put_terminal(scene, "10000001", "1.3.0", 0);
    assert_int_equal(inspection_book_add(scene->desk, &inspection, &result), STATUS_OK);
    assert_int_equal(result.verdict, INSPECTION_PASSED);
    assert_int_equal(inspection_book_add(scene->desk, &inspection, &result), STATUS_DUPLICATE);
    snprintf(inspection.terminal_id, sizeof(inspection.terminal_id), "10000001");
    snprintf(inspection.serial, sizeof(inspection.serial), "SN-OTHER");
    assert_int_equal(inspection_book_add(scene->desk, &inspection, &result), STATUS_OK);
    assert_int_equal(result.verdict, INSPECTION_FAILED);
    assert_int_equal(result.item, INSPECTION_SERIAL);
    assert_int_equal(result.severity, 4);
    assert_int_equal(inspection_book_list(scene->desk, "M1", entries, 4, &count), STATUS_OK);
    assert_int_equal(count, 2);
    assert_null(strstr(entries[0].inspection.remark, "123456789"));
    assert_non_null(strstr(entries[0].inspection.remark, "622202"));
    assert_int_equal(entries[0].result.verdict, INSPECTION_PASSED);
    assert_string_equal(entries[1].inspection.serial, "SN-OTHER");
    assert_int_equal(entries[1].inspection.marks[INSPECTION_SEAL], INSPECTION_GOOD);
}

static void note_due(void *argument, const struct merchant_registration *merchant,
                     const struct inspection_due *due)
{
    struct scene *scene = argument;
    snprintf(scene->faults[scene->fault_count++], sizeof(scene->faults[0]), "%s %s %d",
             merchant->merchant_id, due->is_overdue ? "overdue" : "near", due->overdue_days);
}

static void test_the_riskier_is_due_the_sooner(void **state)
{
    struct scene *scene = *state;
    struct inspection_rules rules;
    struct inspection_result result;
    inspection_rules_default(&rules);
    static const char *const ids[] = {"M1", "M2", "M3", "M4"};
    for (uint8_t i = 0; i < 4; i++) {
        put_merchant(scene, ids[i], i < 3 ? (uint8_t)(i + 1) : 1, i < 3 ? 19000 : TODAY - 20);
        struct inspection inspection = good(ids[i], TODAY - 200);
        if (i < 3) {
            assert_int_equal(inspection_book_add(scene->desk, &inspection, &result), STATUS_OK);
        }
    }
    const struct inspection_sink sink = {note_due, scene};
    assert_int_equal(inspection_book_due(scene->desk, &rules, TODAY, &sink), STATUS_OK);
    assert_int_equal(scene->fault_count, 3);
    assert_non_null(strstr(scene->faults[0], "M2 overdue"));
    assert_non_null(strstr(scene->faults[1], "M3 overdue"));
    assert_string_equal(scene->faults[2], "M4 near 0");
}

static void note_lack(void *argument, const struct terminal_lack_line *line)
{
    struct scene *scene = argument;
    snprintf(scene->faults[scene->fault_count++], sizeof(scene->faults[0]), "%s %s %s",
             line->terminal_id, terminal_lack_name(line->lack), line->firmware);
}

static void test_silent_and_outdated_terminals_are_listed(void **state)
{
    struct scene *scene = *state;
    struct device_model model = scene_model(); /* at least 1.2.0, newest 1.4.0 */
    assert_int_equal(registry_put(scene->desk, REGISTRY_DEVICE_MODEL, &model, &scene->ann),
                     STATUS_OK);
    put_terminal(scene, "10000001", "1.1.9", 0);
    put_terminal(scene, "10000002", "1.10.0", TODAY + 5);
    put_terminal(scene, "10000003", "1.1.0", 0);
    const struct terminal_sighting seen[] = {{"10000001", "", SCENE_NOW},
                                             {"10000002", "", SCENE_NOW - 5 * SCENE_DAY_US},
                                             {"10000003", "1.3.0", SCENE_NOW},
                                             {"10000003", "1.0.0", SCENE_NOW - 1}};
    assert_int_equal(inspection_book_seen(scene->desk, seen, 4), STATUS_OK);
    struct terminal_sighting last;
    assert_int_equal(inspection_book_sighting(scene->desk, "10000003", &last), STATUS_OK);
    assert_string_equal(last.firmware, "1.3.0");
    assert_int_equal(last.seen_us, SCENE_NOW);
    assert_int_equal(inspection_book_sighting(scene->desk, "99999999", &last), STATUS_NOT_FOUND);
    const struct terminal_lack_query query = {.silent_since_us = SCENE_NOW - SCENE_DAY_US,
                                              .ends_before_day = TODAY + 30,
                                              .has_latest = true};
    const struct terminal_lack_sink sink = {note_lack, scene};
    assert_int_equal(inspection_book_lacks(scene->desk, &query, &sink), STATUS_OK);
    assert_int_equal(scene->fault_count, 4);
    assert_string_equal(scene->faults[0], "10000001 FIRMWARE_MIN 1.1.9");
    assert_string_equal(scene->faults[1], "10000002 SILENT 1.10.0");
    assert_string_equal(scene->faults[2], "10000002 CERTIFICATE 1.10.0");
    assert_string_equal(scene->faults[3], "10000003 FIRMWARE_LATEST 1.3.0");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_an_inspection_is_judged_as_registered_and_kept,
                                        scene_set, scene_strike),
        cmocka_unit_test_setup_teardown(test_the_riskier_is_due_the_sooner, scene_set,
                                        scene_strike),
        cmocka_unit_test_setup_teardown(test_silent_and_outdated_terminals_are_listed, scene_set,
                                        scene_strike),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
