/* What an approver sees of a line: no control byte, and a mark where it was cut. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "switch/admin/ctl/shown_text.h"
#include "tests/unit/unit_test.h"

static void test_no_control_byte_is_obeyed_and_a_cut_is_marked(void **state)
{
    static const struct {
        const char *text;
        size_t max;
        const char *told;
    } cases[] = {
        {"rate: 0.60%", 200, "rate: 0.60%"},
        {"rate: 9%\rrate: 1%\x1B[2K\x7F\tx", 200, "rate: 9%?rate: 1%?[2K?\tx"},
        {"abcdef", 4, "abcd \xE2\x80\xA6 (2 bytes more)"},
        {"ab\xE5\xBC\xA0z", 4, "ab \xE2\x80\xA6 (4 bytes more)"},
    };
    (void)state;
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        char *told = NULL;
        size_t length = 0;
        FILE *to = open_memstream(&told, &length);
        assert_non_null(to);
        shown_text_write(to, cases[i].text, strlen(cases[i].text), cases[i].max);
        assert_int_equal(fclose(to), 0);
        assert_string_equal(told, cases[i].told);
        free(told);
    }
}

static void show(const char *text, const char *expected)
{
    char *told = NULL;
    size_t length = 0;
    FILE *to = open_memstream(&told, &length);
    assert_non_null(to);
    shown_text_write(to, text, strlen(text), 200);
    assert_int_equal(fclose(to), 0);
    assert_string_equal(told, expected);
    free(told);
}

static void test_nothing_turns_the_direction_or_hides(void **state)
{
    (void)state;
    show("a\xC2\x85z", "a?z"); /* U+0085, next line */
    show("a\xC2\x9B"
         "2Kz",
         "a?2Kz");                                   /* U+009B, what ESC [ is in one */
    show("a\xC2\xA0z", "a\xC2\xA0z");                /* U+00A0 stays */
    show("0.60% \xE2\x80\xAE%06.0", "0.60% ?%06.0"); /* U+202E, from right to left */
    show("\xE2\x81\xA6x\xE2\x81\xA9", "?x?");        /* U+2066, U+2069: isolates */
    show("\xD8\x9Cx\xE2\x80\x8F", "?x?");            /* U+061C, U+200F: marks */
    show("a\xE2\x80\xA8z", "a?z");                   /* U+2028, end of a line */
    show("a\xEF\xBB\xBFz\xE2\x80\x8B", "a?z?");      /* U+FEFF, U+200B: of no width */
    show("\xE5\xBC\xA0\xE4\xB8\x89 \xF0\x9F\x98\x80", "\xE5\xBC\xA0\xE4\xB8\x89 \xF0\x9F\x98\x80");
}

static void test_bytes_that_are_no_text_are_not_passed_on(void **state)
{
    (void)state;
    show("a\x9B"
         "2Kz",
         "a?2Kz");                         /* C1 as one byte, which some consoles obey */
    show("a\xE2\x80", "a??");              /* cut off */
    show("\xC0\x9B\xE0\x82\x9B", "?????"); /* written longer than need be */
    show("\xED\xA0\x80", "???");           /* half a pair of UTF-16 */
    show("\xF4\x90\x80\x80", "????");      /* above U+10FFFF */
}

static void test_a_short_text_is_cleaned_in_its_place(void **state)
{
    static const struct {
        const char *text, *told;
    } cases[] = {
        {"", ""},
        {"costs rose \xC3\xA9", "costs rose \xC3\xA9"},
        {"a\xE2\x80\xAE"
         "b\x1B[2J\xC2\x85\xE5\xBC\xA0",
         "a?b?[2J?\xE5\xBC\xA0"},
        {"cut \xE5\xBC", "cut ??"},
    };
    (void)state;
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        char text[64];
        snprintf(text, sizeof(text), "%s", cases[i].text);
        shown_text_clean(text);
        assert_string_equal(text, cases[i].told);
    }
}

static void test_a_file_keeps_its_lines(void **state)
{
    char *told = NULL;
    size_t length = 0;
    FILE *to = open_memstream(&told, &length);
    (void)state;
    assert_non_null(to);
    shown_text_write_file(to, "a\r\n\nb");
    assert_int_equal(fclose(to), 0);
    assert_string_equal(told, "a?\n\nb");
    free(told);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_no_control_byte_is_obeyed_and_a_cut_is_marked),
        cmocka_unit_test(test_nothing_turns_the_direction_or_hides),
        cmocka_unit_test(test_bytes_that_are_no_text_are_not_passed_on),
        cmocka_unit_test(test_a_short_text_is_cleaned_in_its_place),
        cmocka_unit_test(test_a_file_keeps_its_lines),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
