/* Secrets: wiped to the last byte and not one further; compared whole. */
#include "tests/unit/unit_test.h"

#include <string.h>

#include "protocols/base/secret.h"

static void test_a_wipe_clears_all_and_no_more(void **state)
{
    (void)state;
    uint8_t bytes[10];
    memset(bytes, 0xAA, sizeof(bytes));
    secret_wipe(bytes + 1, 8);
    assert_int_equal(bytes[0], 0xAA);
    assert_memory_equal(bytes + 1, "\0\0\0\0\0\0\0\0", 8);
    assert_int_equal(bytes[9], 0xAA);
    secret_wipe(bytes, 0);
    assert_int_equal(bytes[0], 0xAA);
}

static void test_any_different_byte_makes_a_difference(void **state)
{
    (void)state;
    uint8_t left[16] = {0};
    for (uint32_t at = 0; at < sizeof(left); at++) {
        for (int bit = 0; bit < 8; bit++) {
            uint8_t right[16] = {0};
            right[at] = (uint8_t)(1 << bit);
            assert_int_not_equal(secret_compare(left, right, sizeof(left)), 0);
            assert_int_equal(secret_compare(left, right, at), 0);
        }
    }
    assert_int_equal(secret_compare(left, left, sizeof(left)), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_wipe_clears_all_and_no_more),
        cmocka_unit_test(test_any_different_byte_makes_a_difference),
    };
    return cmocka_run_group_tests_name("protocols/base/secret", tests, NULL, NULL);
}
