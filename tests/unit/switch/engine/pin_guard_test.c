/* Wrong PINs of a terminal in a sliding window. */
#include "tests/unit/unit_test.h"

#include "switch/engine/pin_guard.h"

#define SECOND_NS UINT64_C(1000000000)
static const struct pin_guard_limit LIMIT = {3600 * SECOND_NS, 3};

static void test_the_limit_is_told_once_and_holds(void **state)
{
    (void)state;
    struct pin_guard guard = {0};
    uint64_t now_ns = 5000 * SECOND_NS;
    assert_false(pin_guard_add(&guard, LIMIT, now_ns));
    assert_false(pin_guard_add(&guard, LIMIT, now_ns));
    assert_false(pin_guard_is_shut(&guard, LIMIT, now_ns));
    assert_true(pin_guard_add(&guard, LIMIT, now_ns));
    assert_true(pin_guard_is_shut(&guard, LIMIT, now_ns));
    assert_false(pin_guard_add(&guard, LIMIT, now_ns));
}

static void test_it_opens_again_as_the_window_passes(void **state)
{
    (void)state;
    struct pin_guard guard = {0};
    uint64_t now_ns = 36000 * SECOND_NS; /* a bucket begins here */
    for (int i = 0; i < 3; i++) {
        pin_guard_add(&guard, LIMIT, now_ns);
    }
    assert_true(pin_guard_is_shut(&guard, LIMIT, now_ns + 3599 * SECOND_NS));
    assert_false(pin_guard_is_shut(&guard, LIMIT, now_ns + 5400 * SECOND_NS));
    /* Two more in the second bucket weigh on top of what is left of the first. */
    pin_guard_add(&guard, LIMIT, now_ns + 4000 * SECOND_NS);
    assert_true(pin_guard_is_shut(&guard, LIMIT, now_ns + 4000 * SECOND_NS));
    assert_false(pin_guard_is_shut(&guard, LIMIT, now_ns + 9 * 3600 * SECOND_NS));
}

static void test_without_a_limit_it_never_shuts(void **state)
{
    (void)state;
    struct pin_guard guard = {0};
    const struct pin_guard_limit none = {3600 * SECOND_NS, 0};
    for (int i = 0; i < 100; i++) {
        assert_false(pin_guard_add(&guard, none, SECOND_NS));
    }
    assert_false(pin_guard_is_shut(&guard, none, SECOND_NS));
}

static void test_only_codes_of_wrong_pins_count(void **state)
{
    (void)state;
    assert_true(pin_guard_is_wrong("55"));
    assert_true(pin_guard_is_wrong("38"));
    assert_true(pin_guard_is_wrong("75"));
    assert_false(pin_guard_is_wrong("51"));
    assert_false(pin_guard_is_wrong("00"));
    const char none[3] = "";
    assert_false(pin_guard_is_wrong(none));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_the_limit_is_told_once_and_holds),
        cmocka_unit_test(test_it_opens_again_as_the_window_passes),
        cmocka_unit_test(test_without_a_limit_it_never_shuts),
        cmocka_unit_test(test_only_codes_of_wrong_pins_count),
    };
    return cmocka_run_group_tests_name("engine/pin_guard", tests, NULL, NULL);
}
