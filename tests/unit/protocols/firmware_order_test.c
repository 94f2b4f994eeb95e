/* Versions in the order in which people read them. */
#include "protocols/firmware_order.h"

#include "tests/unit/unit_test.h"

static void test_digits_are_numbers(void **state)
{
    (void)state;
    assert_true(firmware_order("1.9", "1.10") < 0);
    assert_true(firmware_order("1.10", "1.9") > 0);
    assert_int_equal(firmware_order("1.02", "1.2"), 0);
    assert_true(firmware_order("1.2", "1.2.1") < 0);
    assert_true(firmware_order("A1", "B0") < 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_digits_are_numbers)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
