/* The section `cases`: what it changes, and what is said where it is wrong. */
#include "switch/aftersales/case_read.h"

#include <stdio.h>
#include <string.h>

#include "config/yaml_file.h"
#include "tests/unit/unit_test.h"

static struct document *document_of(const char *text)
{
    struct document *document = yaml_file_parse("anomalies.yaml", text, (uint32_t)strlen(text));
    assert_non_null(document);
    return document;
}

static struct case_rules read_good(const char *text)
{
    struct case_rules rules;
    struct document *document = document_of(text);
    memset(&rules, 0, sizeof(rules));
    if (!case_rules_read(&rules, document)) {
        fail_msg("%s", document_fault_text(document, 0));
    }
    document_destroy(document);
    return rules;
}

static void test_what_is_said_is_read_and_the_rest_stays(void **state)
{
    (void)state;
    struct case_rules fallback;
    case_rules_default(&fallback);
    struct case_rules rules = read_good("T5: {count_min: 5}\n"
                                        "cases:\n"
                                        "  weekdays: [saturday, sunday]\n"
                                        "  hours: 08:30-24:00\n"
                                        "  utc_offset_hours: -3\n"
                                        "  holidays: [2026-10-01, 2026-10-02]\n"
                                        "  make_up_days: [2026-10-10]\n"
                                        "  P2: {answer: 90m, remote: 3wh, swap: 5wd}\n"
                                        "  P3: {remote: 45wm}\n"
                                        "  escalation_percent: [10, 20, 30]\n"
                                        "  hold_work_days: 5\n"
                                        "  score_reopens_max: 0\n");
    assert_int_equal(rules.calendar.weekdays, 0x60);
    assert_int_equal(rules.calendar.opens_minute, 510);
    assert_int_equal(rules.calendar.closes_minute, 1440);
    assert_int_equal(rules.calendar.utc_offset_s, -10800);
    assert_int_equal(rules.calendar.holiday_count, 2);
    assert_int_equal(rules.calendar.holidays[1], 20728);
    assert_int_equal(rules.calendar.make_up_count, 1);
    assert_null(work_calendar_fault(&rules.calendar));
    assert_int_equal(rules.terms.answer[SERVICE_P2].count, 90);
    assert_int_equal(rules.terms.answer[SERVICE_P2].unit, TERM_MINUTES);
    assert_int_equal(rules.terms.fix[SERVICE_P2][SERVICE_REMOTE].count, 180);
    assert_int_equal(rules.terms.fix[SERVICE_P2][SERVICE_REMOTE].unit, TERM_WORK_MINUTES);
    assert_int_equal(rules.terms.fix[SERVICE_P2][SERVICE_SWAP].count, 5);
    assert_int_equal(rules.terms.fix[SERVICE_P2][SERVICE_SITE_FAR].count, 3); /* not said */
    assert_int_equal(rules.terms.fix[SERVICE_P3][SERVICE_REMOTE].count, 45);
    assert_int_equal(rules.terms.answer[SERVICE_P1].count, 30);
    assert_int_equal(rules.terms.escalation_percent[2], 30);
    assert_int_equal(rules.hold_work_days, 5);
    assert_int_equal(rules.reopen_days, fallback.reopen_days);
    assert_int_equal(rules.score_reopens_max, 0);
}

static void test_without_the_section_nothing_changes(void **state)
{
    (void)state;
    struct case_rules fallback;
    case_rules_default(&fallback);
    struct case_rules rules = read_good("");
    assert_memory_equal(&rules.terms, &fallback.terms, sizeof(rules.terms));
    assert_int_equal(rules.reopen_days, 7);
    rules = read_good("cases: {hours: 00:00-24:00}\n");
    assert_int_equal(rules.calendar.opens_minute, 0);
    assert_int_equal(rules.calendar.closes_minute, 0); /* the whole day */
    rules = read_good("cases: {P3: {remote: 0wd}}\n");
    assert_int_equal(rules.terms.fix[SERVICE_P3][SERVICE_REMOTE].count, 0); /* the same day */
}

static void test_what_is_wrong_is_told_with_its_place(void **state)
{
    (void)state;
    static const struct {
        const char *text, *says;
    } FAULTS[] = {
        {"cases: 5\n", "expected a section"},
        {"cases: {reopen_day: 5}\n", "reopen_days"},
        {"cases: {reopen_days: 400}\n", "366"},
        {"cases: {score_reopens_max: 6}\n", "5"},
        {"cases: {hours: 9-18}\n", "09:00-18:00"},
        {"cases: {hours: 18:00-09:00}\n", "within one day"},
        {"cases: {hours: 09:00-24:01}\n", "within one day"},
        {"cases: {hours: 09:60-18:00}\n", "within one day"},
        {"cases: {weekdays: [moonday]}\n", "monday to sunday"},
        {"cases: {weekdays: []}\n", "at least one"},
        {"cases: {weekdays: monday}\n", "a list"},
        {"cases: {holidays: [2026-02-30]}\n", "2026-02-30"},
        {"cases: {holidays: {a: 1}}\n", "a list"},
        {"cases: {P1: 5}\n", "expected terms"},
        {"cases: {P1: {answer: 30}}\n", "expected minutes or hours"},
        {"cases: {P1: {answer: 0m}}\n", "expected minutes or hours"},
        {"cases: {P1: {answer: 9999999m}}\n", "expected minutes or hours"},
        {"cases: {P1: {answer: 30d}}\n", "\"30d\""},
        {"cases: {P1: {site_town: 1wd}}\n", "site_"},
        {"cases: {escalation_percent: [50, 80]}\n", "three rising numbers"},
        {"cases: {escalation_percent: [80, 50, 100]}\n", "three rising numbers"},
        {"cases: {escalation_percent: [50, 80, 101]}\n", "three rising numbers"},
        {"cases: {escalation_percent: [1, 2, 3, 4]}\n", "three rising numbers"},
        {"cases: {utc_offset_hours: 15}\n", "14"},
    };
    for (unsigned i = 0; i < COUNT_OF(FAULTS); i++) {
        struct case_rules rules;
        memset(&rules, 0x5A, sizeof(rules));
        const struct case_rules before = rules;
        struct document *document = document_of(FAULTS[i].text);
        if (case_rules_read(&rules, document)) {
            fail_msg("no fault in %s", FAULTS[i].text);
        }
        const char *said = document_fault_text(document, 0);
        assert_memory_equal(said, "anomalies.yaml:1:", 17);
        if (strstr(said, FAULTS[i].says) == NULL) {
            fail_msg("\"%s\" is not in: %s", FAULTS[i].says, said);
        }
        assert_memory_equal(&rules, &before, sizeof(rules));
        document_destroy(document);
    }
}

static void test_there_is_a_limit_to_days(void **state)
{
    (void)state;
    char text[2048];
    int length = snprintf(text, sizeof(text), "cases: {make_up_days: [");
    for (int i = 0; i <= CALENDAR_MAKE_UP_COUNT_MAX; i++) {
        length += snprintf(text + length, sizeof(text) - (size_t)length, "%s2026-%02d-%02d",
                           i == 0 ? "" : ", ", i / 28 + 1, i % 28 + 1);
    }
    snprintf(text + length, sizeof(text) - (size_t)length, "]}\n");
    struct case_rules rules;
    struct document *document = document_of(text);
    assert_false(case_rules_read(&rules, document));
    assert_non_null(strstr(document_fault_text(document, 0), "at most 32 days"));
    document_destroy(document);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_what_is_said_is_read_and_the_rest_stays),
        cmocka_unit_test(test_without_the_section_nothing_changes),
        cmocka_unit_test(test_what_is_wrong_is_told_with_its_place),
        cmocka_unit_test(test_there_is_a_limit_to_days),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
