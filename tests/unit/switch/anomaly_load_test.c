/* The file that `aftersales.rules` names, and the two that Tillway comes with. */
#include "tests/unit/unit_test.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "config/file_text.h"
#include "switch/aftersales/watch_moment.h"
#include "switch/anomaly_load.h"

#define PRODUCTION TILLWAY_SOURCE_DIR "/config/production/anomalies.yaml"
#define DEMO TILLWAY_SOURCE_DIR "/config/demo/anomalies.yaml"

static char said[2048];

static bool load(struct watch_rules *rules, const char *path)
{
    struct byte_writer faults;
    byte_writer_init(&faults, said, sizeof(said) - 1);
    bool is_good = anomaly_load(rules, path, &faults);
    said[faults.position] = 0;
    return is_good;
}

static void write_file(char path[32], const char *text)
{
    snprintf(path, 32, "/tmp/anomalyXXXXXX");
    int descriptor = mkstemp(path);
    assert_true(descriptor >= 0);
    assert_int_equal(write(descriptor, text, strlen(text)), (long)strlen(text));
    assert_int_equal(close(descriptor), 0);
}

static void test_without_a_file_the_numbers_are_those_that_tillway_comes_with(void **state)
{
    (void)state;
    struct watch_rules rules, fallback;
    watch_rules_default(&fallback);
    assert_true(load(&rules, ""));
    assert_memory_equal(&rules, &fallback, sizeof(rules));
    assert_int_equal(rules.version, 0);
}

static void test_the_same_text_is_the_same_version(void **state)
{
    (void)state;
    struct watch_rules first, second, other;
    char path[32];
    write_file(path, "T5: {count_min: 4}\n");
    assert_true(load(&first, path));
    assert_true(load(&second, path));
    assert_int_equal(unlink(path), 0);
    write_file(path, "T5: {count_min: 5}\n");
    assert_true(load(&other, path));
    assert_int_equal(unlink(path), 0);
    assert_int_not_equal(first.version, 0);
    assert_int_equal(first.version, second.version);
    assert_int_not_equal(first.version, other.version);
    assert_int_equal(first.items[SIGNAL_TIMEOUTS].numbers[NUMBER_TIMEOUTS_COUNT_MIN], 4);
    assert_int_equal(other.items[SIGNAL_TIMEOUTS].numbers[NUMBER_TIMEOUTS_COUNT_MIN], 5);
}

static void test_a_faulty_file_is_told_with_its_line_and_gives_no_number(void **state)
{
    (void)state;
    struct watch_rules rules, fallback;
    char path[32], expected[128];
    watch_rules_default(&fallback);
    write_file(path, "T5: {count_min: 4}\nT6: {count_min: none}\n");
    assert_false(load(&rules, path));
    assert_int_equal(unlink(path), 0);
    snprintf(expected, sizeof(expected), "%s:2:6: ", path);
    assert_memory_equal(said, expected, strlen(expected));
    assert_memory_equal(&rules, &fallback, sizeof(rules));
    assert_false(load(&rules, path)); /* it is gone */
    assert_non_null(strstr(said, "no such file"));
}

/* Every number of every signal, with what holds where a file says nothing: who copies a line
 * changes nothing. */
static void test_the_file_of_production_names_every_signal_and_every_number(void **state)
{
    (void)state;
    static const char *const COMMON[] = {"mode", "severity", "follow_up", "quiet"};
    struct watch_rules rules, fallback;
    watch_rules_default(&fallback);
    assert_true(load(&rules, PRODUCTION));
    fallback.version = rules.version;
    assert_memory_equal(&rules, &fallback, sizeof(rules));
    struct document *document = file_text_load_yaml(PRODUCTION);
    assert_non_null(document);
    for (unsigned i = 0; i < SIGNAL_COUNT; i++) {
        enum signal_code signal = (enum signal_code)i;
        const char *code = signal == SIGNAL_COHORT ? "cohort" : signal_code_text(signal);
        const struct document_node *section = document_member(document_root(document), code);
        assert_non_null(section);
        for (unsigned c = 0; c < COUNT_OF(COMMON); c++) {
            assert_non_null(document_member(section, COMMON[c]));
        }
        for (unsigned slot = 0; watch_number_form(signal, slot) != NULL; slot++) {
            assert_non_null(document_member(section, watch_number_form(signal, slot)->key));
        }
    }
    static const char *const REST[] = {"utc_offset_hours", "holidays", "cases"};
    static const char *const OF_COHORT[] = {"terminal_count_min", "times_percent", "level_ppm"};
    for (unsigned i = 0; i < COUNT_OF(REST); i++) {
        assert_non_null(document_member(document_root(document), REST[i]));
    }
    for (unsigned i = 0; i < COUNT_OF(OF_COHORT); i++) {
        assert_non_null(
            document_member(document_member(document_root(document), "cohort"), OF_COHORT[i]));
    }
    document_destroy(document);
}

static void test_the_file_of_the_demo_is_good(void **state)
{
    (void)state;
    struct watch_rules rules;
    assert_true(load(&rules, DEMO));
    assert_true(rules.items[SIGNAL_SAME_CARD].is_watched_only);
    assert_false(rules.items[SIGNAL_MAC_FAILURES].is_watched_only);
}

static bool load_cases(struct case_rules *rules, const char *path)
{
    struct byte_writer faults;
    byte_writer_init(&faults, said, sizeof(said) - 1);
    bool is_good = case_rules_load(rules, path, &faults);
    said[faults.position] = 0;
    return is_good;
}

/* Structs of plain values, made by the same steps. */
static void test_the_cases_of_production_live_as_those_without_a_file(void **state)
{
    (void)state;
    static const char *const NAMES[] = {"weekdays",
                                        "hours",
                                        "utc_offset_hours",
                                        "holidays",
                                        "make_up_days",
                                        "P1",
                                        "P2",
                                        "P3",
                                        "escalation_percent",
                                        "reopen_days",
                                        "quiet_days",
                                        "hold_work_days",
                                        "report_work_days",
                                        "score_reopens_max"};
    static struct case_rules rules, fallback;
    case_rules_default(&fallback);
    assert_true(load_cases(&rules, ""));
    assert_memory_equal(&rules, &fallback, sizeof(rules));
    assert_true(load_cases(&rules, PRODUCTION));
    assert_memory_equal(&rules, &fallback, sizeof(rules));
    struct document *document = file_text_load_yaml(PRODUCTION);
    assert_non_null(document);
    for (unsigned i = 0; i < COUNT_OF(NAMES); i++) {
        assert_non_null(
            document_member(document_member(document_root(document), "cases"), NAMES[i]));
    }
    document_destroy(document);
}

static void test_cases_take_what_their_file_says_of_signals_too(void **state)
{
    (void)state;
    static struct case_rules rules, fallback;
    char path[32];
    case_rules_default(&fallback);
    write_file(path, "T5: {follow_up: visit}\ncases: {reopen_days: 3}\n");
    assert_true(load_cases(&rules, path));
    assert_int_equal(unlink(path), 0);
    assert_int_equal(rules.reopen_days, 3);
    assert_int_equal(rules.follow_ups[SIGNAL_TIMEOUTS], FOLLOW_UP_VISIT);
    assert_int_equal(rules.follow_ups[SIGNAL_SILENT], fallback.follow_ups[SIGNAL_SILENT]);
    write_file(path, "cases: {reopen_days: 3}\nT5: {follow_up: dance}\n");
    assert_false(load_cases(&rules, path));
    assert_int_equal(unlink(path), 0);
    assert_non_null(strstr(said, ":2:"));
    assert_int_equal(rules.reopen_days, fallback.reopen_days);
    assert_false(load_cases(&rules, path));
    assert_true(said[0] != 0); /* it is gone */
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_without_a_file_the_numbers_are_those_that_tillway_comes_with),
        cmocka_unit_test(test_the_same_text_is_the_same_version),
        cmocka_unit_test(test_a_faulty_file_is_told_with_its_line_and_gives_no_number),
        cmocka_unit_test(test_the_file_of_production_names_every_signal_and_every_number),
        cmocka_unit_test(test_the_file_of_the_demo_is_good),
        cmocka_unit_test(test_the_cases_of_production_live_as_those_without_a_file),
        cmocka_unit_test(test_cases_take_what_their_file_says_of_signals_too),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
