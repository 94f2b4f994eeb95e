/* anomalies.yaml: what it changes, and what is said where it is wrong. */
#include "switch/aftersales/watch_read.h"

#include <stdio.h>
#include <string.h>

#include "config/yaml_file.h"
#include "switch/aftersales/watch_moment.h"
#include "tests/unit/unit_test.h"

static struct document *document_of(const char *text)
{
    struct document *document = yaml_file_parse("anomalies.yaml", text, (uint32_t)strlen(text));
    assert_non_null(document);
    return document;
}

static void test_what_is_said_is_read_and_the_rest_stays(void **state)
{
    (void)state;
    struct watch_rules rules = {.version = 9}, fallback;
    watch_rules_default(&fallback);
    struct document *document = document_of("utc_offset_hours: 0\n"
                                            "holidays: [1970-01-01, 2024-02-29, 2026-05-01]\n"
                                            "T5: {count_min: 5, window: 2h, severity: 3, "
                                            "follow_up: visit, quiet: 7d}\n"
                                            "C4: {mode: watch}\n"
                                            "L3: {mode: off}\n"
                                            "M1: {quiet: 0s}\n"
                                            "cohort: {terminal_count_min: 30, times_percent: 400,"
                                            " level_ppm: 10, quiet: 12h, severity: 3}\n");
    assert_true(watch_rules_read(&rules, document));
    const struct watch_rule *rule = &rules.items[SIGNAL_TIMEOUTS];
    assert_int_equal(rules.version, 9);
    assert_int_equal(rules.utc_offset_s, 0);
    assert_int_equal(rules.holiday_count, 3);
    assert_int_equal(rules.holidays[0], 0);
    assert_int_equal(rules.holidays[1], 19782);
    assert_int_equal(rules.holidays[2], 20574);
    assert_int_equal(rule->numbers[NUMBER_TIMEOUTS_COUNT_MIN], 5);
    assert_int_equal(rule->numbers[NUMBER_TIMEOUTS_WINDOW], 7200);
    assert_int_equal(rule->numbers[NUMBER_TIMEOUTS_PEER_PER_MILLE], 100);
    assert_int_equal(rule->severity, 3);
    assert_int_equal(rule->follow, FOLLOW_UP_VISIT);
    assert_int_equal(rule->quiet_s, 7 * 86400);
    assert_true(rules.items[SIGNAL_ROUND_AMOUNTS].is_on);
    assert_true(rules.items[SIGNAL_ROUND_AMOUNTS].is_watched_only);
    assert_false(rules.items[SIGNAL_POSITION_BAD].is_on);
    assert_int_equal(rules.cohort.terminal_count_min, 30);
    assert_int_equal(rules.cohort.times_percent, 400);
    assert_int_equal(rules.cohort.level_ppm, 10);
    assert_int_equal(rules.cohort.quiet_s, 43200);
    assert_int_equal(rules.items[SIGNAL_COHORT].severity, 3);
    assert_memory_equal(&rules.items[SIGNAL_MAC_FAILURES], &fallback.items[SIGNAL_MAC_FAILURES],
                        sizeof(struct watch_rule));
    document_destroy(document);
}

static void test_a_cohort_that_is_off_is_off(void **state)
{
    (void)state;
    struct watch_rules rules = {0};
    struct document *document = document_of("cohort: {mode: off}\n");
    assert_true(watch_rules_read(&rules, document));
    assert_false(rules.cohort.is_on);
    document_destroy(document);
}

static void test_faults_say_where_what_was_expected_and_the_nearest_word(void **state)
{
    (void)state;
    static const struct {
        const char *text, *fault;
    } ROWS[] = {
        {"T5: {count_mim: 3}\n",
         "anomalies.yaml:1:6: \"count_mim\" is not known here; did you mean \"count_min\"?"},
        {"\nTT5: {}\n", "anomalies.yaml:2:1: \"TT5\" is not known here; did you mean \"T5\"?"},
        {"cohorts: {}\n",
         "anomalies.yaml:1:1: \"cohorts\" is not known here; did you mean \"cohort\"?"},
        {"T5: {window: 1w}\n", "anomalies.yaml:1:6: window: expected a duration from 1m to 1d, as "
                               "90s, 5m, 1h or 7d, got \"1w\""},
        {"T5: {window: 59s}\n", "anomalies.yaml:1:6: window: expected a duration from 1m to 1d, as "
                                "90s, 5m, 1h or 7d, got \"59s\""},
        {"T5: {window: 3600}\n", "anomalies.yaml:1:6: window: expected a duration from 1m to 1d, "
                                 "as 90s, 5m, 1h or 7d, got \"3600\""},
        {"T9: {window: 1h}\n", "anomalies.yaml:1:6: \"window\" is not known here"},
        {"T5: [3]\n", "anomalies.yaml:1:1: T5: expected a section, as {severity: 2, quiet: 1d}"},
        {"T15: {severity: 3}\n",
         "anomalies.yaml:1:1: T15: expected in the section `cohort`, with its numbers"},
        {"T8: {hours_min: 80}\n",
         "anomalies.yaml:1:6: T8: hours_min: expected at most hours_long, 72, got 80"},
        {"L10: {days_min: 365}\n", "anomalies.yaml:1:1: days_min: expected fewer days for L10 than "
                                   "for L11, got 365 and 365"},
        {"- T5\n", "anomalies.yaml:1:1: expected signals by their codes, as `T5: {count_min: 3}`"},
        {"cohort: 3\n", "anomalies.yaml:1:1: cohort: expected a section, as {times_percent: 300}"},
    };
    for (unsigned i = 0; i < sizeof(ROWS) / sizeof(ROWS[0]); i++) {
        struct watch_rules rules = {.version = 4};
        struct document *document = document_of(ROWS[i].text);
        assert_false(watch_rules_read(&rules, document));
        assert_int_equal(document_fault_count(document), 1);
        assert_string_equal(document_fault_text(document, 0), ROWS[i].fault);
        assert_int_equal(rules.version, 4);
        assert_false(rules.items[SIGNAL_TIMEOUTS].is_on); /* untouched */
        document_destroy(document);
    }
}

static void test_words_and_numbers_out_of_range_are_each_a_fault(void **state)
{
    (void)state;
    static const char *const TEXTS[] = {
        "T5: {mode: of}\n",         "T5: {severity: 5}\n",      "T5: {follow_up: services}\n",
        "T5: {quiet: 400d}\n",      "T5: {count_min: 0}\n",     "T5: {count_min: x}\n",
        "utc_offset_hours: 15\n",   "holidays: 2026-05-01\n",   "holidays: [2026-02-29]\n",
        "holidays: [2026-5-1]\n",   "holidays: [2026-13-01]\n", "cohort: {times_percent: 100}\n",
        "cohort: {level_ppm: 0}\n", "T5: {window: h}\n",        "T5: {window: 1234567890s}\n",
    };
    for (unsigned i = 0; i < sizeof(TEXTS) / sizeof(TEXTS[0]); i++) {
        struct watch_rules rules = {0};
        struct document *document = document_of(TEXTS[i]);
        assert_false(watch_rules_read(&rules, document));
        assert_int_equal(document_fault_count(document), 1);
        document_destroy(document);
    }
}

static void test_all_faults_of_a_file_are_told(void **state)
{
    (void)state;
    struct watch_rules rules = {0};
    struct document *document =
        document_of("T5: {mode: of, count_min: 0}\nT4: {windows: 1h}\nX: {}\n");
    assert_false(watch_rules_read(&rules, document));
    assert_int_equal(document_fault_count(document), 4);
    document_destroy(document);
}

/* Each number may be written as its own fallback, least and most, and is read as that. */
static void test_every_number_of_the_table_can_be_written(void **state)
{
    (void)state;
    for (unsigned i = 0; i < SIGNAL_COUNT; i++) {
        enum signal_code signal = (enum signal_code)i;
        for (unsigned slot = 0; watch_number_form(signal, slot) != NULL; slot++) {
            const struct watch_number_form *form = watch_number_form(signal, slot);
            char text[128];
            struct watch_rules rules = {0};
            snprintf(text, sizeof(text), "%s: {%s: %lld%s}\n", signal_code_text(signal), form->key,
                     (long long)form->fallback, form->unit == WATCH_UNIT_SECONDS ? "s" : "");
            struct document *document = document_of(text);
            assert_true(watch_rules_read(&rules, document));
            assert_true(rules.items[i].numbers[slot] == form->fallback);
            assert_true(strlen(form->text) > 3 && strlen(watch_unit_text(form->unit)) > 2);
            document_destroy(document);
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_what_is_said_is_read_and_the_rest_stays),
        cmocka_unit_test(test_a_cohort_that_is_off_is_off),
        cmocka_unit_test(test_faults_say_where_what_was_expected_and_the_nearest_word),
        cmocka_unit_test(test_words_and_numbers_out_of_range_are_each_a_fault),
        cmocka_unit_test(test_all_faults_of_a_file_are_told),
        cmocka_unit_test(test_every_number_of_the_table_can_be_written),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
