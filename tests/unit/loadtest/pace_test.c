/* The open loop's schedule: it never slows down for anybody. */
#include "tests/unit/unit_test.h"

#include "loadtest/pace.h"

#define SECOND UINT64_C(1000000000)

static void test_times_do_not_drift(void **state)
{
    (void)state;
    struct pace pace;
    pace_start(&pace, 3.0, 1000, 1000 + 100 * SECOND);
    for (uint64_t i = 0; i < 300; i++) {
        uint64_t exact = 1000 + i * SECOND / 3;
        assert_true(pace.next_ns + 1 >= exact && pace.next_ns <= exact + 1);
        assert_false(pace_is_due(&pace, pace.next_ns - 1));
        assert_true(pace_is_due(&pace, pace.next_ns));
        pace_begun(&pace);
    }
    assert_false(pace_is_due(&pace, UINT64_MAX)); /* the hundred seconds are over */
}

static void test_a_stall_moves_nobodys_time(void **state)
{
    (void)state;
    struct pace pace;
    pace_start(&pace, 10.0, 0, 10 * SECOND);
    pace_begun(&pace);
    assert_true(pace_is_due(&pace, 5 * SECOND));
    assert_int_equal(pace.next_ns, SECOND / 10);
    assert_true(pace_stalled(&pace));
    assert_false(pace_stalled(&pace)); /* the same one is counted late once */
    pace_begun(&pace);
    assert_int_equal(pace.next_ns, 2 * SECOND / 10);
    assert_true(pace_stalled(&pace));
}

static void test_what_never_began_is_called_for(void **state)
{
    (void)state;
    struct pace pace;
    pace_start(&pace, 100.0, 0, 2 * SECOND);
    assert_int_equal(pace_called_for(&pace, 10 * SECOND), 200);
    pace_begun(&pace);
    assert_int_equal(pace_called_for(&pace, 10 * SECOND), 200);
    assert_int_equal(pace_called_for(&pace, SECOND), 100); /* a run that was broken off */
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_times_do_not_drift),
        cmocka_unit_test(test_a_stall_moves_nobodys_time),
        cmocka_unit_test(test_what_never_began_is_called_for),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
