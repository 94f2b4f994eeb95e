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
        cmocka_unit_test(test_a_file_keeps_its_lines),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
