/* What a queue is narrowed by. */
#include <string.h>

#include "switch/admin/case_filter.h"
#include "tests/unit/unit_test.h"

static void test_each_parameter_narrows_the_queue(void **state)
{
    (void)state;
    static const char *const GIVEN[][2] = {{"kind", "FEE"},
                                           {"severity", "3"},
                                           {"due_before", "2026-03-04"},
                                           {"terminal", "10000001"},
                                           {"merchant", "898290054110000"},
                                           {"agent", "A17"},
                                           {"point", "P3"},
                                           {"state", "closed"},
                                           {"limit", "200"}};
    struct case_filter filter;
    char reason[CASE_FILTER_REASON_SIZE] = "";
    case_filter_init(&filter);
    assert_int_equal(filter.limit, CASE_FILTER_LIMIT);
    for (size_t i = 0; i < COUNT_OF(GIVEN); i++) {
        assert_true(case_filter_put(&filter, GIVEN[i][0], GIVEN[i][1], reason));
    }
    assert_true(filter.query.has_kind && filter.query.kind == CASE_FEE);
    assert_int_equal(filter.query.severity_min, 3);
    assert_int_equal(filter.query.due_before_us, INT64_C(1772582400000000));
    assert_string_equal(filter.query.terminal_id, "10000001");
    assert_string_equal(filter.query.agent_id, "A17");
    assert_string_equal(filter.query.point_id, "P3");
    assert_true(filter.query.is_closed_only && !filter.query.is_closed_too);
    assert_int_equal(filter.limit, 200);
    assert_true(case_filter_put(&filter, "state", "all", reason));
    assert_true(filter.query.is_closed_too && !filter.query.is_closed_only);
    assert_true(case_filter_put(&filter, "state", "open", reason));
    assert_false(filter.query.is_closed_too || filter.query.is_closed_only);
}

static void test_what_is_wrong_is_named_with_what_was_expected(void **state)
{
    (void)state;
    static const char *const WRONG[][3] = {
        {"kind", "fault", "kind: expected FAULT, TRANSACTION"},
        {"severity", "5", "severity: expected the least severity, 1 to 4, got \"5\""},
        {"severity", "0", "got \"0\""},
        {"severity", "", "got \"\""},
        {"due_before", "tomorrow", "due_before: expected a time"},
        {"terminal", "1000001", "terminal: expected the 8 characters"},
        {"merchant", "1234567890123456", "merchant: expected"},
        {"agent", "123456789012", "agent: expected"},
        {"state", "new", "state: expected open, closed or all"},
        {"limit", "201", "limit: expected 1 to 200"},
        {"limit", "0", "limit: expected"},
        {"limit", "1e2", "limit: expected"},
        {"cursor", "1.2", "cursor: expected"},
        {"cursor", "5.0.1", "cursor: expected"},
        {"cursor", "2.0.0", "cursor: expected"},
        {"cursor", "2.-1.3", "cursor: expected"},
        {"cursor", "2.99999999999999999999.3", "cursor: expected"},
    };
    for (size_t i = 0; i < COUNT_OF(WRONG); i++) {
        struct case_filter filter;
        char reason[CASE_FILTER_REASON_SIZE] = "";
        case_filter_init(&filter);
        assert_false(case_filter_put(&filter, WRONG[i][0], WRONG[i][1], reason));
        assert_non_null(strstr(reason, WRONG[i][2]));
    }
}

static void test_a_cursor_leads_behind_the_line_it_was_made_of(void **state)
{
    (void)state;
    const struct case_line line = {.id = 17, .severity = 2, .due_us = INT64_C(1772450000000000)};
    struct case_filter filter;
    char cursor[CASE_FILTER_CURSOR_SIZE], reason[CASE_FILTER_REASON_SIZE] = "";
    case_filter_init(&filter);
    case_filter_cursor(cursor, &line);
    assert_true(case_filter_put(&filter, "cursor", cursor, reason));
    assert_int_equal(filter.query.after.id, 17);
    assert_int_equal(filter.query.after.severity, 2);
    assert_int_equal(filter.query.after.due_us, line.due_us);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_each_parameter_narrows_the_queue),
        cmocka_unit_test(test_what_is_wrong_is_named_with_what_was_expected),
        cmocka_unit_test(test_a_cursor_leads_behind_the_line_it_was_made_of),
    };
    return cmocka_run_group_tests_name("switch/admin/case_filter", tests, NULL, NULL);
}
