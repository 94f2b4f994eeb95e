/* Which lines differ: what stays is not told, the rest goes and comes in order. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "switch/admin/ctl/line_diff.h"
#include "tests/unit/unit_test.h"

#define SEEN_SIZE 4096

struct seen {
    char text[SEEN_SIZE];
    size_t length, count;
};

static void on_line(void *argument, const struct line_diff_line *line)
{
    struct seen *seen = argument;
    int length = snprintf(seen->text + seen->length, SEEN_SIZE - seen->length, "%c%u%.*s ",
                          line->sign, line->number, (int)line->length, line->text);
    seen->length += seen->length + (size_t)length < SEEN_SIZE ? (size_t)length : 0;
    seen->count++;
}

static void test_what_differs_is_told_with_its_lines(void **state)
{
    static const struct {
        const char *before, *after, *told;
    } cases[] = {
        {"a\nb\nc\n", "a\nb\nc\n", ""},
        {"a\nb\nc\n", "a\nx\nc\n", "-2b +2x "},
        {"a\nb\n", "a\nb\nc\n", "+3c "},
        {"a\nb\nc\n", "b\nc\n", "-1a "},
        {"", "a\nb", "+1a +2b "},
        {"a\n", "", "-1a "},
        {"a\nb\nc\nd\n", "a\nc\nb\nd\n", "-2b +3b "},
        {"a\na\n", "a\n", "-2a "},
        {"a\n\nb\n", "a\nb\n", "-2 "},
    };
    (void)state;
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        struct seen seen = {.length = 0};
        assert_true(line_diff(cases[i].before, cases[i].after, on_line, &seen));
        assert_string_equal(seen.text, cases[i].told);
    }
}

/* 6,000 lines against 6,000 others are more than are compared one by one. */
static void test_very_long_differences_go_and_come_whole(void **state)
{
    enum { LINES = 6000, SIZE = LINES * 8 };
    char *texts[2] = {calloc(1, SIZE), calloc(1, SIZE)};
    struct seen seen = {.length = 0};
    (void)state;
    for (int i = 0; i < LINES; i++) {
        size_t length = strlen(texts[0]); /* of both */
        snprintf(texts[0] + length, SIZE - length, "a%d\n", i);
        snprintf(texts[1] + length, SIZE - length, "b%d\n", i);
    }
    assert_true(line_diff(texts[0], texts[1], on_line, &seen));
    assert_int_equal(seen.count, 2 * LINES);
    free(texts[0]);
    free(texts[1]);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_what_differs_is_told_with_its_lines),
        cmocka_unit_test(test_very_long_differences_go_and_come_whole),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
