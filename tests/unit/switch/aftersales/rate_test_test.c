/* The two tests of chance, against tails computed elsewhere. */
#include "switch/aftersales/rate_test.h"

#include "tests/unit/unit_test.h"

static void test_poisson_tails_are_those_of_the_tables(void **state)
{
    (void)state;
    /* P(X >= 3 | 0.3) = 0.003599; P(X >= 10 | 2) = 0.0000465; P(X >= 130 | 100) = 0.00228 */
    assert_false(rate_is_rare(3, 300000, 3500));
    assert_true(rate_is_rare(3, 300000, 3700));
    assert_false(rate_is_rare(10, 2000000, 46));
    assert_true(rate_is_rare(10, 2000000, 47));
    assert_false(rate_is_rare(130, 100000000, 2200));
    assert_true(rate_is_rare(130, 100000000, 2350));
}

static void test_what_is_expected_is_never_rare(void **state)
{
    (void)state;
    assert_false(rate_is_rare(0, 0, 100000));
    assert_false(rate_is_rare(5, 5000000, 100000));
    assert_false(rate_is_rare(20000, UINT64_C(20000000000), 100000));
    assert_true(rate_is_rare(21000, UINT64_C(20000000000), 1));
    assert_true(rate_is_rare(1, 0, 1));
}

static void test_two_rates_are_compared_by_the_binomial_tail(void **state)
{
    (void)state;
    /* 8 and 2 of 10 failures with equal trials: P(X >= 8 | 10, 1/2) = 0.0546875 */
    struct rate own = {1000, 8}, peers = {1000, 2};
    assert_false(rate_is_above(own, peers, 54000));
    assert_true(rate_is_above(own, peers, 55000));
    /* 5 of 7 with a tenth of the trials: P(X >= 5 | 7, 1/11) = 0.0001119 */
    own = (struct rate){100, 5};
    peers = (struct rate){1000, 2};
    assert_false(rate_is_above(own, peers, 110));
    assert_true(rate_is_above(own, peers, 114));
}

static void test_equal_rates_are_chance_whatever_their_size(void **state)
{
    (void)state;
    for (uint64_t scale = 1; scale < 10000000; scale *= 7) {
        struct rate own = {100 * scale, 3 * scale}, peers = {1000 * scale, 30 * scale};
        assert_false(rate_is_above(own, peers, 100000));
    }
}

static void test_a_rate_five_times_as_high_is_seen_in_large_fleets(void **state)
{
    (void)state;
    for (uint64_t scale = 10; scale < 10000000; scale *= 7) {
        struct rate own = {100 * scale, 15 * scale}, peers = {1000 * scale, 30 * scale};
        assert_true(rate_is_above(own, peers, 1));
    }
}

static void test_without_trials_nothing_is_said(void **state)
{
    (void)state;
    assert_false(rate_is_above((struct rate){0, 0}, (struct rate){10, 0}, 100000));
    assert_false(rate_is_above((struct rate){10, 10}, (struct rate){0, 0}, 100000));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_poisson_tails_are_those_of_the_tables),
        cmocka_unit_test(test_what_is_expected_is_never_rare),
        cmocka_unit_test(test_two_rates_are_compared_by_the_binomial_tail),
        cmocka_unit_test(test_equal_rates_are_chance_whatever_their_size),
        cmocka_unit_test(test_a_rate_five_times_as_high_is_seen_in_large_fleets),
        cmocka_unit_test(test_without_trials_nothing_is_said),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
