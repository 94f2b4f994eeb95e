/* Shares: reversals, time-outs, declines, slow round trips, beside the terminal's peers. */
#include "tests/unit/switch/aftersales/watch_scene.h"

#define ONE 10000001u
#define PEER_COUNT 30u

static void scene_of_peers(struct scene *scene)
{
    scene_open(scene, 64);
    for (uint32_t i = 0; i <= PEER_COUNT; i++) {
        struct terminal_facts facts = facts_of(ONE + i);
        scene_learn(scene, &facts);
    }
}

/* All but the first pay `count` times; every `nth` ends with `outcome`, the others are approved. */
static void peers_pay(struct scene *scene, uint32_t count, uint32_t nth,
                      enum observation_detail outcome)
{
    for (uint32_t i = 1; i <= count * PEER_COUNT; i++) {
        scene_pay(scene, ONE + 1 + i % PEER_COUNT, i % nth == 0 ? outcome : OBSERVED_APPROVED,
                  SECOND_US / 4);
    }
}

static uint32_t flags_of_one(const struct scene *scene, enum signal_code signal)
{
    uint32_t count = 0;
    for (uint32_t i = 0; i < scene->flag_count; i++) {
        bool is_one = strcmp(scene->flags[i].subject_id, "10000001") == 0;
        count += is_one && scene->flags[i].signal == signal ? 1 : 0;
    }
    return count;
}

static void test_reversals_are_a_share_where_there_are_many_requests(void **state)
{
    (void)state;
    static struct scene scene;
    scene_of_peers(&scene);
    for (int i = 0; i < 120; i++) {
        scene_pay(&scene, ONE, OBSERVED_APPROVED, SECOND_US);
    }
    for (int i = 0; i < 6; i++) {
        scene_see(&scene, ONE, OBSERVATION_REVERSED, OBSERVED_BY_TERMINAL);
    }
    assert_int_equal(scene_count(&scene, SIGNAL_REVERSALS), 0);
    scene_see(&scene, ONE, OBSERVATION_REVERSED, OBSERVED_BY_TERMINAL);
    assert_int_equal(scene_count(&scene, SIGNAL_REVERSALS), 1);
    scene_close(&scene);
}

static void test_what_the_switch_reverses_is_not_the_terminal_s(void **state)
{
    (void)state;
    static struct scene scene;
    scene_of_peers(&scene);
    for (int i = 0; i < 20; i++) {
        scene_see(&scene, ONE, OBSERVATION_REVERSED, OBSERVED_BY_SWITCH);
    }
    assert_int_equal(scene.flag_count, 0);
    scene_close(&scene);
}

static void test_three_timeouts_while_its_peers_are_well(void **state)
{
    (void)state;
    static struct scene scene;
    scene_of_peers(&scene);
    peers_pay(&scene, 4, 100, OBSERVED_UNKNOWN);
    for (int i = 0; i < 3; i++) {
        assert_int_equal(scene_count(&scene, SIGNAL_TIMEOUTS), 0);
        scene_pay(&scene, ONE, OBSERVED_UNKNOWN, SECOND_US);
    }
    assert_int_equal(flags_of_one(&scene, SIGNAL_TIMEOUTS), 1);
    scene_close(&scene);
}

static void test_timeouts_of_an_ill_channel_are_nobody_s(void **state)
{
    (void)state;
    static struct scene scene;
    scene_of_peers(&scene);
    peers_pay(&scene, 4, 4, OBSERVED_UNKNOWN);
    for (int i = 0; i < 8; i++) {
        scene_pay(&scene, ONE, OBSERVED_UNKNOWN, SECOND_US);
    }
    assert_int_equal(scene_count(&scene, SIGNAL_TIMEOUTS), 0);
    scene_close(&scene);
}

static void test_a_few_timeouts_of_a_busy_terminal_are_chance(void **state)
{
    (void)state;
    static struct scene scene;
    scene_of_peers(&scene);
    peers_pay(&scene, 10, 61, OBSERVED_UNKNOWN);
    for (int i = 1; i <= 300; i++) {
        scene_pay(&scene, ONE, i % 60 == 0 ? OBSERVED_UNKNOWN : OBSERVED_APPROVED, SECOND_US / 4);
    }
    assert_int_equal(scene_count(&scene, SIGNAL_TIMEOUTS), 0);
    scene_close(&scene);
}

static void test_declines_far_above_its_peers(void **state)
{
    (void)state;
    static struct scene scene;
    scene_of_peers(&scene);
    peers_pay(&scene, 6, 20, OBSERVED_DECLINED);
    for (int i = 0; i < 9; i++) {
        scene_pay(&scene, ONE, OBSERVED_DECLINED, SECOND_US / 4);
    }
    assert_int_equal(flags_of_one(&scene, SIGNAL_DECLINES), 0);
    scene_pay(&scene, ONE, OBSERVED_DECLINED, SECOND_US / 4);
    assert_int_equal(flags_of_one(&scene, SIGNAL_DECLINES), 1);
    assert_int_equal(scene_count(&scene, SIGNAL_DECLINES), 1);
    scene_close(&scene);
}

/* A shop where every third card is declined has always been so. */
static void test_declines_that_are_its_own_usual_ones(void **state)
{
    (void)state;
    static struct scene scene;
    scene_of_peers(&scene);
    scene.rules.items[SIGNAL_DECLINES].is_on = false;
    watcher_set_rules(scene.watcher, &scene.rules);
    for (int i = 1; i <= 600; i++) {
        scene_pay(&scene, ONE, i % 3 == 0 ? OBSERVED_DECLINED : OBSERVED_APPROVED, MINUTE_US);
    }
    scene.rules.items[SIGNAL_DECLINES].is_on = true;
    watcher_set_rules(scene.watcher, &scene.rules);
    for (int i = 1; i <= 600; i++) {
        scene_pay(&scene, ONE, i % 3 == 0 ? OBSERVED_DECLINED : OBSERVED_APPROVED, MINUTE_US);
    }
    assert_int_equal(scene_count(&scene, SIGNAL_DECLINES), 0);
    scene_close(&scene);
}

static void test_round_trips_slower_than_those_of_its_peers(void **state)
{
    (void)state;
    static struct scene scene;
    scene_of_peers(&scene);
    peers_pay(&scene, 30, 1000, OBSERVED_APPROVED);
    for (int i = 0; i < 4; i++) {
        scene_pay(&scene, ONE, OBSERVED_APPROVED, 3 * SECOND_US);
    }
    assert_int_equal(scene_count(&scene, SIGNAL_SLOW), 0);
    scene_pay(&scene, ONE, OBSERVED_APPROVED, 3 * SECOND_US);
    assert_int_equal(flags_of_one(&scene, SIGNAL_SLOW), 1);
    scene_close(&scene);
}

/* More than one in twenty, of a hundred: chance at first, four more are not. */
static void test_a_few_slow_answers_among_many_are_chance(void **state)
{
    (void)state;
    static struct scene scene;
    scene_of_peers(&scene);
    peers_pay(&scene, 30, 1000, OBSERVED_APPROVED);
    for (int i = 0; i < 100; i++) {
        scene_pay(&scene, ONE, OBSERVED_APPROVED, i >= 94 ? 3 * SECOND_US : SECOND_US / 2);
    }
    assert_int_equal(scene_count(&scene, SIGNAL_SLOW), 0);
    for (int i = 0; i < 4; i++) {
        scene_pay(&scene, ONE, OBSERVED_APPROVED, 3 * SECOND_US);
    }
    assert_int_equal(flags_of_one(&scene, SIGNAL_SLOW), 1);
    scene_close(&scene);
}

static void test_a_channel_that_becomes_slow_is_no_slow_terminal(void **state)
{
    (void)state;
    static struct scene scene;
    scene_of_peers(&scene);
    peers_pay(&scene, 30, 1000, OBSERVED_APPROVED);
    for (uint32_t i = 0; i < 20 * PEER_COUNT; i++) {
        scene_pay(&scene, ONE + i % PEER_COUNT, OBSERVED_APPROVED, 2 * SECOND_US);
    }
    assert_int_equal(scene_count(&scene, SIGNAL_SLOW), 0);
    scene_close(&scene);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_reversals_are_a_share_where_there_are_many_requests),
        cmocka_unit_test(test_what_the_switch_reverses_is_not_the_terminal_s),
        cmocka_unit_test(test_three_timeouts_while_its_peers_are_well),
        cmocka_unit_test(test_timeouts_of_an_ill_channel_are_nobody_s),
        cmocka_unit_test(test_a_few_timeouts_of_a_busy_terminal_are_chance),
        cmocka_unit_test(test_declines_far_above_its_peers),
        cmocka_unit_test(test_declines_that_are_its_own_usual_ones),
        cmocka_unit_test(test_round_trips_slower_than_those_of_its_peers),
        cmocka_unit_test(test_a_few_slow_answers_among_many_are_chance),
        cmocka_unit_test(test_a_channel_that_becomes_slow_is_no_slow_terminal),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
