/* Text that is cut off between characters only. */
#include "switch/aftersales/speech.h"

#include <string.h>

#include "tests/unit/unit_test.h"

static void test_pieces_are_joined(void **state)
{
    (void)state;
    char text[32];
    struct speech speech;
    speech_begin(&speech, text, sizeof(text));
    assert_string_equal(text, "");
    speech_say(&speech, "费率 %u", 60);
    speech_say(&speech, "%s", " bp");
    assert_string_equal(text, "费率 60 bp");
    assert_int_equal(speech.used, strlen(text));
}

static void test_no_character_is_cut_in_two(void **state)
{
    (void)state;
    static const char WORDS[] = "a费é€😀率";
    static const uint32_t ENDS[] = {0, 1, 4, 6, 9, 13, 16};
    for (uint32_t size = 1; size <= sizeof(WORDS); size++) {
        char text[sizeof(WORDS) + 1];
        struct speech speech;
        speech_begin(&speech, text, size);
        speech_say(&speech, "%s", WORDS);
        uint32_t whole = 0;
        for (unsigned i = 0; i < COUNT_OF(ENDS); i++) {
            whole = ENDS[i] < size ? ENDS[i] : whole;
        }
        assert_int_equal(strlen(text), whole);
        assert_int_equal(speech.used, whole);
        assert_memory_equal(text, WORDS, whole);
    }
}

static void test_after_a_cut_nothing_follows(void **state)
{
    (void)state;
    char text[6];
    struct speech speech;
    speech_begin(&speech, text, sizeof(text));
    speech_say(&speech, "费率");
    speech_say(&speech, "ab");
    assert_string_equal(text, "费");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_pieces_are_joined),
        cmocka_unit_test(test_no_character_is_cut_in_two),
        cmocka_unit_test(test_after_a_cut_nothing_follows),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
