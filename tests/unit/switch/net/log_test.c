/* The log writes whole lines that nothing from outside can forge, masked, and never loses one
 * silently. */
#include "tests/unit/unit_test.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "switch/net/log.h"
#include "switch/net/log_line.h"

#define WALL_US INT64_C(1795620994123456) /* 2026-11-25T15:36:34.123456Z */

static const char *line_of(bool is_plain, const struct log_field *fields, uint32_t count)
{
    static char line[LOG_LINE_SIZE + 1];
    struct log_line_source source = {LOG_WARN, "conn_closed", WALL_US, is_plain};
    uint32_t length = log_line_format(line, &source, fields, count);
    assert_true(length <= LOG_LINE_SIZE);
    line[length] = 0;
    return line;
}

static void test_json_line_has_time_level_event_and_fields(void **state)
{
    (void)state;
    struct log_field fields[] = {LOG_TEXT("reason", "half_message"), LOG_NUMBER("bytes", -17),
                                 LOG_TEXT("absent", NULL)};
    assert_string_equal(line_of(false, fields, 3),
                        "{\"time\":\"2026-11-25T15:36:34.123456Z\",\"level\":\"warn\","
                        "\"event\":\"conn_closed\",\"reason\":\"half_message\",\"bytes\":-17}\n");
}

static void test_plain_line_quotes_only_what_needs_it(void **state)
{
    (void)state;
    struct log_field fields[] = {LOG_TEXT("reason", "idle"), LOG_TEXT("text", "no message")};
    assert_string_equal(line_of(true, fields, 2), "2026-11-25T15:36:34.123456Z warn conn_closed "
                                                  "reason=idle text=\"no message\"\n");
}

static void test_hostile_text_cannot_begin_a_line_of_its_own(void **state)
{
    (void)state;
    struct log_field fields[] = {LOG_TEXT("text", "a\"\n{\\\x1b\xff")};
    const char *line = line_of(false, fields, 1);
    assert_non_null(strstr(line, "\"a\\\"\\u000a{\\\\\\u001b\\u00ff\""));
    assert_ptr_equal(strchr(line, '\n'), line + strlen(line) - 1);
}

static void test_card_number_is_masked(void **state)
{
    (void)state;
    struct pan pan;
    assert_int_equal(pan_parse(&pan, "6212345678901232", 16), STATUS_OK);
    struct log_field fields[] = {LOG_PAN("pan", &pan)};
    const char *line = line_of(false, fields, 1);
    assert_null(strstr(line, "6212345678901232"));
    assert_non_null(strstr(line, "\"pan\":\"621234******1232\""));
}

static void test_long_line_is_cut_between_fields_and_says_so(void **state)
{
    (void)state;
    char text[900];
    memset(text, 'x', sizeof(text) - 1);
    text[sizeof(text) - 1] = 0;
    struct log_field fields[] = {LOG_TEXT("a", "1"), LOG_TEXT("b", text), LOG_TEXT("c", text)};
    const char *line = line_of(false, fields, 3);
    assert_non_null(strstr(line, "\"b\":\"xxx"));
    assert_null(strstr(line, "\"c\":"));
    assert_string_equal(line + strlen(line) - 15, ",\"cut\":\"true\"}\n");
}

static void test_lines_written_or_counted_as_dropped(void **state)
{
    (void)state;
    enum { LINE_COUNT = 20000 };
    char path[] = "/tmp/tillway-log-XXXXXX";
    int descriptor = mkstemp(path);
    struct log_setup setup = {.descriptor = descriptor, .level_min = LOG_INFO};
    assert_int_equal(log_open(&setup), STATUS_OK);
    for (int i = 0; i < LINE_COUNT; i++) {
        LOG(LOG_INFO, "counted", LOG_NUMBER("number", i));
        LOG(LOG_DEBUG, "too_low", LOG_NUMBER("number", i));
    }
    log_drain();
    uint64_t dropped = log_dropped_count();
    log_close();
    FILE *file = fopen(path, "r");
    char line[LOG_LINE_SIZE];
    uint64_t lines = 0;
    while (fgets(line, sizeof(line), file) != NULL) {
        assert_non_null(strstr(line, "\"event\":\"counted\""));
        lines++;
    }
    assert_int_equal(lines + dropped, LINE_COUNT);
    assert_true(lines > 0);
    fclose(file);
    close(descriptor);
    unlink(path);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_json_line_has_time_level_event_and_fields),
        cmocka_unit_test(test_plain_line_quotes_only_what_needs_it),
        cmocka_unit_test(test_hostile_text_cannot_begin_a_line_of_its_own),
        cmocka_unit_test(test_card_number_is_masked),
        cmocka_unit_test(test_long_line_is_cut_between_fields_and_says_so),
        cmocka_unit_test(test_lines_written_or_counted_as_dropped),
    };
    return cmocka_run_group_tests_name("switch/net/log", tests, NULL, NULL);
}
