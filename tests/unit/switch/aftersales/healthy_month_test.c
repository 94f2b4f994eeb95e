/* Fifty honest merchants and their terminals live a month before the whole watcher: one flag in a
 * thousand days of a terminal at most, and whoever reads the month again remembers the same. */
#include "switch/aftersales/watcher.h"

#include "tests/unit/switch/aftersales/healthy_town.h"
#include "tests/unit/unit_test.h"

#define SEED 20260301
#define FLAGS_PER_1000_DAYS 1

struct watched {
    struct town town;
    struct watcher *watcher;
    uint32_t flag_count, row_count, terminal_days;
};

static void take_flags(struct watched *watched, const struct watch_output *output)
{
    for (uint32_t i = 0; i < output->count; i++) {
        const struct flag *flag = &output->flags[i];
        watched->flag_count++;
        print_message("%s of %s: %lld against %lld at row %llu\n", signal_code_text(flag->signal),
                      flag->subject_id, (long long)flag->value, (long long)flag->threshold,
                      (unsigned long long)flag->position);
    }
}

static void on_row(void *arg, const struct observation *seen, int32_t day, uint16_t minute)
{
    (void)day;
    (void)minute;
    struct watched *watched = arg;
    struct watch_output output;
    watched->row_count += seen->kind != OBSERVATION_TIME;
    do {
        watcher_step(watched->watcher, seen, &output);
        take_flags(watched, &output);
    } while (output.has_more);
}

static void learn(struct watched *watched)
{
    for (uint32_t i = 0; i < TOWN_MERCHANT_COUNT; i++) {
        const struct town_merchant *merchant = &watched->town.merchants[i];
        assert_true(watcher_learn_merchant(watched->watcher, &merchant->facts));
        for (uint32_t place = 0; place < merchant->terminal_count; place++) {
            const struct terminal_facts facts = town_terminal(&watched->town, i, place);
            assert_true(watcher_learn_terminal(watched->watcher, &facts));
            watched->terminal_days += TOWN_DAY_COUNT;
        }
    }
}

static void live(struct watched *watched, uint64_t seed, int32_t day_count)
{
    const struct watch_limits limits = {.terminal_count_max = 256,
                                        .merchant_count_max = 64,
                                        .card_count_max = TOWN_CARD_COUNT,
                                        .cohort_count_max = 256};
    memset(watched, 0, sizeof(*watched));
    town_begin(&watched->town, seed);
    watched->town.emit = on_row;
    watched->town.arg = watched;
    watched->watcher = watcher_create(&limits);
    assert_non_null(watched->watcher);
    learn(watched);
    for (int32_t day = 0; day < day_count; day++) {
        for (uint16_t minute = 0; minute < 1440; minute++) {
            town_pass_minute(&watched->town, (struct town_minute){TOWN_FIRST_DAY + day, minute});
        }
    }
}

static void test_an_honest_month_hardly_raises_a_flag(void **state)
{
    (void)state;
    struct watched watched;
    live(&watched, SEED, TOWN_DAY_COUNT);
    print_message("%u rows, %u days of terminals, %u flags\n", watched.row_count,
                  watched.terminal_days, watched.flag_count);
    assert_true(watched.row_count > 200000);
    assert_true(watched.flag_count * 1000 <= FLAGS_PER_1000_DAYS * watched.terminal_days);
    watcher_destroy(watched.watcher);
}

static void test_the_same_days_leave_the_same_memory(void **state)
{
    (void)state;
    struct watched first, second;
    live(&first, SEED + 1, 3);
    live(&second, SEED + 1, 3);
    assert_true(watcher_state_hash(first.watcher) == watcher_state_hash(second.watcher));
    assert_true(watcher_position(first.watcher) == first.town.position);
    watcher_destroy(first.watcher);
    watcher_destroy(second.watcher);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_an_honest_month_hardly_raises_a_flag),
        cmocka_unit_test(test_the_same_days_leave_the_same_memory),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
