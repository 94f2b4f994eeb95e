/* The calendar of inspections, and what was found. */
#include "switch/aftersales/inspection.h"

#include <string.h>

#include "routing/civil_date.h"
#include "tests/unit/unit_test.h"

static int32_t day(const char *text)
{
    int64_t days = 0;
    assert_true(civil_date_parse(&days, text));
    return (int32_t)days;
}

static struct merchant_registration merchant(uint8_t risk_level)
{
    return (struct merchant_registration){.merchant_id = "898310000000001",
                                          .risk_level = risk_level,
                                          .contract_from_day = day("2025-11-30")};
}

static struct inspection_due next(uint8_t risk_level, uint32_t passed_count, const char *passed,
                                  const char *today)
{
    struct inspection_rules rules;
    inspection_rules_default(&rules);
    struct merchant_registration row = merchant(risk_level);
    struct inspection_due due;
    inspection_next(&rules, &row, passed_count, passed_count == 0 ? 0 : day(passed), day(today),
                    &due);
    return due;
}

static void test_a_new_merchant_is_seen_within_thirty_days_and_after_three_months(void **state)
{
    (void)state;
    assert_int_equal(next(1, 0, "", "2025-12-01").due_day, day("2025-12-30"));
    assert_int_equal(next(1, 1, "2025-12-20", "2025-12-21").due_day, day("2026-02-28"));
    assert_int_equal(next(1, 2, "2026-02-28", "2026-03-01").due_day, day("2027-02-28"));
    /* the first one late, after the second was due: it counts as both */
    assert_int_equal(next(1, 1, "2026-03-10", "2026-03-11").due_day, day("2027-03-10"));
}

static void test_risk_decides_how_often(void **state)
{
    (void)state;
    assert_int_equal(next(1, 5, "2026-08-31", "2026-09-01").due_day, day("2027-08-31"));
    assert_int_equal(next(2, 5, "2026-08-31", "2026-09-01").due_day, day("2027-02-28"));
    assert_int_equal(next(3, 5, "2026-08-31", "2026-09-01").due_day, day("2026-11-30"));
}

static void test_near_and_overdue(void **state)
{
    (void)state;
    struct inspection_due due = next(3, 5, "2026-08-31", "2026-11-15");
    assert_true(!due.is_near && !due.is_overdue);
    assert_true(next(3, 5, "2026-08-31", "2026-11-16").is_near);
    due = next(3, 5, "2026-08-31", "2026-11-30");
    assert_true(due.is_near && !due.is_overdue);
    due = next(3, 5, "2026-08-31", "2026-12-03");
    assert_true(due.is_overdue && due.is_near);
    assert_int_equal(due.overdue_days, 3);
}

static struct inspection visit(void)
{
    struct inspection inspection = {.serial = "N900-1", .is_on_site = true};
    memset(inspection.marks, INSPECTION_GOOD, sizeof(inspection.marks));
    return inspection;
}

static struct inspection_result judge(const struct inspection *inspection)
{
    struct merchant_registration row = merchant(1);
    struct terminal_registration terminal = {.serial = "N900-1"};
    struct inspection_result result;
    inspection_judge(inspection, &row, &terminal, &result);
    return result;
}

static void test_all_good_passes(void **state)
{
    (void)state;
    struct inspection inspection = visit();
    struct inspection_result result = judge(&inspection);
    assert_int_equal(result.verdict, INSPECTION_PASSED);
    assert_false(result.needs_case);
}

static void test_what_was_not_seen_does_not_count(void **state)
{
    (void)state;
    struct inspection inspection = visit();
    inspection.marks[INSPECTION_SLIPS] = INSPECTION_NOT_SEEN;
    struct inspection_result result = judge(&inspection);
    assert_int_equal(result.verdict, INSPECTION_INCOMPLETE);
    assert_string_equal(result.reason, "inspection: not seen: slips are kept");
    inspection = visit();
    inspection.is_on_site = false;
    assert_int_equal(judge(&inspection).verdict, INSPECTION_INCOMPLETE);
    struct merchant_registration mobile = merchant(1);
    mobile.is_mobile = true;
    inspection_judge(&inspection, &mobile, NULL, &result);
    assert_int_equal(result.verdict, INSPECTION_PASSED);
}

static void test_another_serial_number_is_bad_whatever_was_marked(void **state)
{
    (void)state;
    struct inspection inspection = visit();
    memcpy(inspection.serial, "N900-2", 7);
    struct inspection_result result = judge(&inspection);
    assert_int_equal(result.verdict, INSPECTION_FAILED);
    assert_int_equal(result.item, INSPECTION_SERIAL);
    assert_int_equal(result.severity, 4);
    assert_int_equal(result.kind, CASE_RISK);
}

static void test_the_worst_finding_makes_the_case(void **state)
{
    (void)state;
    struct inspection inspection = visit();
    inspection.marks[INSPECTION_SHOP_FRONT] = INSPECTION_BAD;
    inspection.marks[INSPECTION_OVERLAY] = INSPECTION_BAD;
    inspection.marks[INSPECTION_SLIPS] = INSPECTION_NOT_SEEN;
    struct inspection_result result = judge(&inspection);
    assert_int_equal(result.bad_count, 2);
    assert_int_equal(result.item, INSPECTION_OVERLAY);
    assert_int_equal(result.severity, 4);
    inspection = visit();
    inspection.marks[INSPECTION_TEST_PAYMENT] = INSPECTION_BAD;
    result = judge(&inspection);
    assert_int_equal(result.kind, CASE_FAULT);
    assert_int_equal(result.severity, 2);
    inspection.marks[INSPECTION_STORAGE] = INSPECTION_BAD;
    assert_int_equal(judge(&inspection).severity, 3);
    assert_string_equal(inspection_item_name(INSPECTION_SEAL), "SEAL");
    assert_string_equal(inspection_item_text(INSPECTION_SEAL, true), "封签完好");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_new_merchant_is_seen_within_thirty_days_and_after_three_months),
        cmocka_unit_test(test_risk_decides_how_often),
        cmocka_unit_test(test_near_and_overdue),
        cmocka_unit_test(test_all_good_passes),
        cmocka_unit_test(test_what_was_not_seen_does_not_count),
        cmocka_unit_test(test_another_serial_number_is_bad_whatever_was_marked),
        cmocka_unit_test(test_the_worst_finding_makes_the_case),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
