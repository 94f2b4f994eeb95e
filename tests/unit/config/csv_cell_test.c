/* Texts that a spreadsheet would carry out go out marked, and come back as they were. */
#include "config/csv_cell.h"

#include <stdio.h>
#include <string.h>

#include "tests/unit/unit_test.h"

static void test_what_a_spreadsheet_would_carry_out_is_marked(void **state)
{
    (void)state;
    static const char *const FORMULAS[] = {"=1+1", "+86 21 5555", "-1",   "@SUM(A1)", "\tx",
                                           "\rx",  "'=1+1",       "''@x", "=",        "-"};
    static const char *const OTHERS[] = {"",         "1+1",  " =1+1", "'",  "''",
                                         "'quoted'", "o'=x", "茶",    "a@b"};
    for (size_t i = 0; i < COUNT_OF(FORMULAS); i++) {
        assert_true(csv_cell_needs_mark(FORMULAS[i]));
    }
    for (size_t i = 0; i < COUNT_OF(OTHERS); i++) {
        assert_false(csv_cell_needs_mark(OTHERS[i]));
        assert_string_equal(csv_cell_text(OTHERS[i]), OTHERS[i]);
    }
}

static void test_what_was_marked_comes_back_as_it_was(void **state)
{
    (void)state;
    static const char *const TEXTS[] = {"=1+1", "'=1+1", "''=1+1", "-", "plain", "'", "'x"};
    for (size_t i = 0; i < COUNT_OF(TEXTS); i++) {
        char field[32];
        snprintf(field, sizeof(field), "%s%s", csv_cell_needs_mark(TEXTS[i]) ? "'" : "", TEXTS[i]);
        assert_string_equal(csv_cell_text(field), TEXTS[i]);
    }
    assert_string_equal(csv_cell_text("=1+1"), "=1+1"); /* written by hand */
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_what_a_spreadsheet_would_carry_out_is_marked),
        cmocka_unit_test(test_what_was_marked_comes_back_as_it_was),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
