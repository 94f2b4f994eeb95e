/* The wheel calls each deadline once, never early, at most two ticks late, whatever the stalls. */
#include "tests/unit/unit_test.h"

#include "switch/net/deadline.h"

#define START_NS UINT64_C(1000000000000)
#define LATE_NS (2 * DEADLINE_TICK_NS)

static uint64_t clock_ns;

struct entry {
    struct deadline deadline;
    uint64_t called_ns;
    uint32_t call_count;
    struct entry *victim;
};

static void on_due(struct deadline *deadline)
{
    struct entry *entry = (struct entry *)deadline;
    entry->called_ns = clock_ns;
    entry->call_count++;
    if (entry->victim != NULL) {
        deadline_cancel(&entry->victim->deadline);
    }
}

static void run_until(struct deadline_wheel *wheel, uint64_t end_ns, uint64_t step_ns)
{
    while (clock_ns < end_ns) {
        clock_ns += step_ns;
        deadline_wheel_advance(wheel, clock_ns);
    }
}

static void test_deadlines_near_and_far_come_in_time(void **state)
{
    (void)state;
    static struct deadline_wheel wheel;
    static struct entry entries[500];
    clock_ns = START_NS;
    deadline_wheel_init(&wheel, clock_ns);
    for (uint64_t i = 0; i < COUNT_OF(entries); i++) {
        deadline_init(&entries[i].deadline, on_due);
        deadline_arm(&wheel, &entries[i].deadline, START_NS + i * UINT64_C(397000000));
    }
    run_until(&wheel, START_NS + UINT64_C(210000000000), DEADLINE_TICK_NS);
    for (uint64_t i = 0; i < COUNT_OF(entries); i++) {
        uint64_t due_ns = START_NS + i * UINT64_C(397000000);
        assert_int_equal(entries[i].call_count, 1);
        assert_true(entries[i].called_ns >= due_ns && entries[i].called_ns <= due_ns + LATE_NS);
    }
}

static void test_moved_deadline_comes_at_its_new_time_only(void **state)
{
    (void)state;
    static struct deadline_wheel wheel;
    struct entry entry = {.call_count = 0};
    clock_ns = START_NS;
    deadline_wheel_init(&wheel, clock_ns);
    deadline_init(&entry.deadline, on_due);
    for (uint64_t i = 0; i < 100; i++) { /* pushed away again and again, then pulled back */
        deadline_arm(&wheel, &entry.deadline, clock_ns + UINT64_C(3000000000));
        run_until(&wheel, clock_ns + UINT64_C(500000000), DEADLINE_TICK_NS);
    }
    assert_int_equal(entry.call_count, 0);
    uint64_t due_ns = clock_ns + UINT64_C(100000000);
    deadline_arm(&wheel, &entry.deadline, due_ns);
    run_until(&wheel, clock_ns + UINT64_C(5000000000), DEADLINE_TICK_NS);
    assert_int_equal(entry.call_count, 1);
    assert_true(entry.called_ns >= due_ns && entry.called_ns <= due_ns + LATE_NS);
}

static void test_disarmed_and_cancelled_deadlines_are_not_called(void **state)
{
    (void)state;
    static struct deadline_wheel wheel;
    struct entry disarmed = {.call_count = 0}, victim = {.call_count = 0};
    struct entry killer = {.victim = &victim};
    clock_ns = START_NS;
    deadline_wheel_init(&wheel, clock_ns);
    deadline_init(&disarmed.deadline, on_due);
    deadline_init(&killer.deadline, on_due);
    deadline_init(&victim.deadline, on_due);
    deadline_arm(&wheel, &disarmed.deadline, START_NS + 1);
    deadline_arm(&wheel, &killer.deadline, START_NS + 1);
    deadline_arm(&wheel, &victim.deadline, START_NS + 1);
    deadline_disarm(&disarmed.deadline);
    run_until(&wheel, START_NS + UINT64_C(1000000000), DEADLINE_TICK_NS);
    assert_int_equal(disarmed.call_count, 0);
    assert_int_equal(killer.call_count, 1);
    assert_int_equal(victim.call_count, 0);
}

static void test_long_stall_loses_no_deadline(void **state)
{
    (void)state;
    static struct deadline_wheel wheel;
    static struct entry entries[100];
    clock_ns = START_NS;
    deadline_wheel_init(&wheel, clock_ns);
    for (uint64_t i = 0; i < COUNT_OF(entries); i++) {
        deadline_init(&entries[i].deadline, on_due);
        deadline_arm(&wheel, &entries[i].deadline, START_NS + i * UINT64_C(3000000000));
    }
    clock_ns = START_NS + UINT64_C(150000000000);
    deadline_wheel_advance(&wheel, clock_ns);
    for (uint64_t i = 0; i <= 49; i++) {
        assert_int_equal(entries[i].call_count, 1);
    }
    run_until(&wheel, START_NS + UINT64_C(310000000000), DEADLINE_TICK_NS);
    for (uint64_t i = 51; i < COUNT_OF(entries); i++) {
        uint64_t due_ns = START_NS + i * UINT64_C(3000000000);
        assert_int_equal(entries[i].call_count, 1);
        assert_true(entries[i].called_ns >= due_ns && entries[i].called_ns <= due_ns + LATE_NS);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_deadlines_near_and_far_come_in_time),
        cmocka_unit_test(test_moved_deadline_comes_at_its_new_time_only),
        cmocka_unit_test(test_disarmed_and_cancelled_deadlines_are_not_called),
        cmocka_unit_test(test_long_stall_loses_no_deadline),
    };
    return cmocka_run_group_tests_name("switch/net/deadline", tests, NULL, NULL);
}
