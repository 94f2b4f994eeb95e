/* A text that was cut within a character, or never was UTF-8, still becomes JSON. */
#include <stdlib.h>
#include <string.h>

#include "switch/admin/answer.h"
#include "switch/admin/text_json.h"
#include "tests/unit/unit_test.h"

static void test_each_byte_of_no_whole_character_is_shown_as_a_question_mark(void **state)
{
    static const struct {
        const char *text, *told;
    } cases[] = {
        {"fees.yaml", "fees.yaml"},
        {"\xE5\xBC\xA0\xE4\xB8\x89", "\xE5\xBC\xA0\xE4\xB8\x89"},
        {"\xE5\xBC\xA0\xE4\xB8", "\xE5\xBC\xA0??"}, /* cut within the second */
        {"\xBC\xA0 x", "?? x"},
        {"\xC0\xAF\xED\xA0\x80\xF4\x90\x80\x80", "?????????"},
        {"\xF0\x9F\x98\x80", "\xF0\x9F\x98\x80"},
        {"\xFF", "?"},
    };
    (void)state;
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        json_t *string = text_json(cases[i].text);
        assert_non_null(string);
        assert_string_equal(json_string_value(string), cases[i].told);
        json_decref(string);
    }
    assert_null(text_json(NULL));
}

static void test_a_problem_with_half_a_name_is_told(void **state)
{
    struct answer answer = {0};
    (void)state;
    answer_problem(&answer, 422, "merchants.csv:2: \xE5\xBC\xA0\xE4: expected another");
    assert_int_equal(answer.code, 422);
    assert_non_null(strstr(answer.body, "\xE5\xBC\xA0?: expected another"));
    free(answer.body);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_each_byte_of_no_whole_character_is_shown_as_a_question_mark),
        cmocka_unit_test(test_a_problem_with_half_a_name_is_told),
    };
    return cmocka_run_group_tests_name("switch/admin/text_json", tests, NULL, NULL);
}
