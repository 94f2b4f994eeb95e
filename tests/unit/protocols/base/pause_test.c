/* Pause points call who asked for it, in its own thread, now and then. */
#include "tests/unit/unit_test.h"

#include <pthread.h>

#include "protocols/base/pause.h"

static unsigned call_count;

static void on_pause(void)
{
    call_count++;
}

static void pass(unsigned count)
{
    for (unsigned i = 0; i < count; i++) {
        pause_point();
    }
}

static void *pass_elsewhere(void *argument)
{
    pass(10 * PAUSE_POINTS);
    return argument;
}

static void test_a_thread_that_has_not_asked_is_not_called(void **state)
{
    (void)state;
    call_count = 0;
    pass(10 * PAUSE_POINTS);
    assert_int_equal(call_count, 0);
}

static void test_who_has_asked_is_called_at_each_so_manyth_point(void **state)
{
    (void)state;
    pthread_t other;
    call_count = 0;
    pause_set(on_pause);
    pass(PAUSE_POINTS - 1);
    assert_int_equal(call_count, 0);
    pass(1);
    assert_int_equal(call_count, 1);
    pass(3 * PAUSE_POINTS);
    assert_int_equal(call_count, 4);
    assert_int_equal(pthread_create(&other, NULL, pass_elsewhere, NULL), 0);
    assert_int_equal(pthread_join(other, NULL), 0);
    assert_int_equal(call_count, 4);
    pause_set(NULL);
    pass(10 * PAUSE_POINTS);
    assert_int_equal(call_count, 4);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_thread_that_has_not_asked_is_not_called),
        cmocka_unit_test(test_who_has_asked_is_called_at_each_so_manyth_point),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
