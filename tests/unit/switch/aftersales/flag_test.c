/* The table of signals: each has its own code, and says what it means in both languages. */
#include "switch/aftersales/flag.h"

#include <string.h>

#include "tests/unit/unit_test.h"

static bool has_chinese(const char *text)
{
    for (; *text != '\0'; text++) {
        if ((*text & 0x80) != 0) {
            return true;
        }
    }
    return false;
}

static void test_each_signal_says_what_it_means_in_both_languages(void **state)
{
    (void)state;
    for (unsigned i = 0; i < SIGNAL_COUNT; i++) {
        const char *zh = signal_text((enum signal_code)i, true);
        const char *en = signal_text((enum signal_code)i, false);
        assert_true(has_chinese(zh));
        assert_false(has_chinese(en));
        assert_int_equal(signal_from_code(signal_code_text((enum signal_code)i)), i);
        for (unsigned other = 0; other < i; other++) { /* none was copied from its neighbour */
            assert_string_not_equal(zh, signal_text((enum signal_code)other, true));
            assert_string_not_equal(en, signal_text((enum signal_code)other, false));
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_each_signal_says_what_it_means_in_both_languages),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
