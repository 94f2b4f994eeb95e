/* The window counts what waits, no more than it may, and forgets what is too old. */
#include "tests/unit/unit_test.h"

#include "switch/channel/stan_window.h"

#define LIFE 1000

static void test_numbers_wait_until_they_are_taken(void **state)
{
    (void)state;
    struct stan_window *window = stan_window_create(3, LIFE);
    assert_true(stan_window_put(window, 1, 0));
    assert_true(stan_window_put(window, 5, 1)); /* the same bucket */
    assert_true(stan_window_put(window, 9, 2));
    assert_false(stan_window_put(window, 13, 3));
    assert_true(stan_window_take(window, 5));
    assert_false(stan_window_take(window, 5));
    assert_false(stan_window_take(window, 77));
    assert_true(stan_window_put(window, 13, 3));
    assert_int_equal(stan_window_count(window, 4), 3);
    stan_window_destroy(window);
}

static void test_a_number_put_again_lives_anew(void **state)
{
    (void)state;
    struct stan_window *window = stan_window_create(2, LIFE);
    assert_true(stan_window_put(window, 1, 0));
    assert_true(stan_window_put(window, 2, 1));
    assert_true(stan_window_put(window, 1, 500));
    assert_int_equal(stan_window_count(window, 1001), 1); /* 2 is over, 1 is not */
    assert_int_equal(stan_window_count(window, 1499), 1);
    assert_int_equal(stan_window_count(window, 1500), 0);
    stan_window_destroy(window);
}

/* Against a plain array, over many random steps. */
static void test_it_does_what_an_array_does(void **state)
{
    (void)state;
    enum { COUNT = 16, STANS = 64 };
    struct stan_window *window = stan_window_create(COUNT, LIFE);
    uint64_t put_ns[STANS] = {0}; /* 0: does not wait */
    uint32_t chance = 1;
    for (uint64_t now = 1; now < 20000; now++) {
        uint32_t count = 0;
        chance = chance * 1664525 + 1013904223;
        uint32_t stan = (chance >> 16) % STANS;
        for (uint32_t i = 0; i < STANS; i++) {
            put_ns[i] = put_ns[i] != 0 && now - put_ns[i] >= LIFE ? 0 : put_ns[i];
            count += put_ns[i] != 0;
        }
        assert_int_equal(stan_window_count(window, now), count);
        if ((chance >> 8) % 3 == 0) {
            assert_true(stan_window_take(window, stan) == (put_ns[stan] != 0));
            put_ns[stan] = 0;
        } else {
            bool has_room = count < COUNT || put_ns[stan] != 0;
            assert_true(stan_window_put(window, stan, now) == has_room);
            put_ns[stan] = has_room ? now : put_ns[stan];
        }
    }
    stan_window_clear(window);
    assert_int_equal(stan_window_count(window, 20000), 0);
    stan_window_destroy(window);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_numbers_wait_until_they_are_taken),
        cmocka_unit_test(test_a_number_put_again_lives_anew),
        cmocka_unit_test(test_it_does_what_an_array_does),
    };
    return cmocka_run_group_tests_name("switch/channel/stan_window", tests, NULL, NULL);
}
