/* Pauses double, are drawn between one half and the whole, and are never shorter than asked for. */
#include "switch/admin/webhook_pause.h"

#include "tests/unit/unit_test.h"

static uint64_t pause_of(uint32_t attempts, uint64_t asked_s, uint32_t random)
{
    const struct webhook_pause pause = {1000, 60000, attempts, asked_s, random};
    return webhook_pause_ms(&pause);
}

static void test_pauses_double_up_to_the_longest(void **state)
{
    (void)state;
    static const uint64_t WHOLE[] = {1000, 2000, 4000, 8000, 16000, 32000, 60000, 60000};
    for (uint32_t i = 0; i < COUNT_OF(WHOLE); i++) {
        assert_int_equal(pause_of(i + 1, 0, 0), WHOLE[i] / 2);
        assert_int_equal(pause_of(i + 1, 0, (uint32_t)WHOLE[i] / 2), WHOLE[i]);
        for (uint32_t j = 0; j < 100; j++) {
            uint64_t drawn = pause_of(i + 1, 0, j * 42949673u);
            assert_true(drawn >= WHOLE[i] / 2 && drawn <= WHOLE[i]);
        }
    }
    assert_int_equal(pause_of(UINT32_MAX, 0, 30000), 60000);
    const struct webhook_pause least = {1, 1, 9, 0, UINT32_MAX};
    assert_int_equal(webhook_pause_ms(&least), 1);
}

static void test_what_is_asked_for_counts_up_to_a_day(void **state)
{
    (void)state;
    assert_int_equal(pause_of(1, 7, 0), 7000);
    assert_int_equal(pause_of(7, 7, 0), 30000);
    assert_int_equal(pause_of(1, UINT64_MAX, 0), 86400000);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_pauses_double_up_to_the_longest),
        cmocka_unit_test(test_what_is_asked_for_counts_up_to_a_day),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
