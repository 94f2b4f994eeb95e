/* Cohorts: one fault of the fleet is found once, and explains what its terminals show. */
#include "tests/unit/switch/aftersales/watch_scene.h"

#define FLEET 150u
#define FIRST 10000000u

static uint64_t seed;

/* A number below `bound`, the same in every run. */
static uint32_t chance(uint32_t bound)
{
    seed = seed * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
    return (uint32_t)(seed >> 33) % bound;
}

/* Three brands of two models each, 25 terminals a model; three agents and five cities across. */
static void fleet_open(struct scene *scene)
{
    seed = 7;
    scene_open(scene, FLEET);
    for (uint32_t i = 0; i < FLEET; i++) {
        static const char *const BRANDS[] = {"PAX", "LANDI", "NEXGO"};
        struct terminal_facts facts = facts_of(FIRST + i);
        snprintf(facts.brand, sizeof(facts.brand), "%s", BRANDS[i % 3]);
        snprintf(facts.model, sizeof(facts.model), "M%u", (unsigned)(i / 3 % 2));
        snprintf(facts.agent, sizeof(facts.agent), "AGENT%u", (unsigned)(i / 7 % 3));
        facts.area_code = 310100 + 100 * (i / 11 % 5);
        scene_learn(scene, &facts);
    }
}

static bool is_of_model(uint32_t i)
{
    return i % 3 == 1 && i / 3 % 2 == 1; /* LANDI M1 */
}

/* An hour in which each terminal pays on its channel; `percent_ill` of those of the model, and one
 * of a hundred of all others, have a wrong MAC. */
static void hour(struct scene *scene, uint32_t percent_ill)
{
    for (uint32_t i = 0; i < FLEET; i++) {
        scene_pay(scene, FIRST + i, OBSERVED_APPROVED, SECOND_US / 4);
        if (chance(100) < (is_of_model(i) ? percent_ill : 1)) {
            scene_see(scene, FIRST + i, OBSERVATION_SIGHTING, OBSERVED_MAC_FAILED);
        }
    }
    scene_wait(scene, HOUR_US - scene->now_us % HOUR_US);
}

static void test_a_healthy_fleet_has_no_outstanding_cohort(void **state)
{
    (void)state;
    static struct scene scene;
    fleet_open(&scene);
    for (int i = 0; i < 24 * 14; i++) {
        hour(&scene, 1);
    }
    assert_int_equal(scene_count(&scene, SIGNAL_COHORT), 0);
    scene_close(&scene);
}

static void test_a_model_that_fails_is_one_flag_and_its_own(void **state)
{
    (void)state;
    static struct scene scene;
    fleet_open(&scene);
    for (int i = 0; i < 12; i++) {
        hour(&scene, 1);
    }
    assert_int_equal(scene_count(&scene, SIGNAL_COHORT), 0);
    for (int i = 0; i < 24; i++) {
        hour(&scene, 30);
    }
    assert_int_equal(scene_count(&scene, SIGNAL_COHORT), 1);
    const struct flag *flag = scene_flag(&scene, SIGNAL_COHORT);
    assert_int_equal(flag->subject, FLAG_OF_COHORT);
    assert_int_equal(flag->cohort, COHORT_MODEL);
    assert_string_equal(flag->subject_id, "LANDI M1");
    assert_string_equal(flag->terminal_id, "");
    assert_true(flag->value >= flag->threshold);
    assert_int_equal(flag->evidence_count, FLAG_EVIDENCE_COUNT_MAX);
    scene_close(&scene);
}

static void test_single_faults_are_linked_while_it_stands_and_not_after(void **state)
{
    (void)state;
    static struct scene scene;
    fleet_open(&scene);
    for (int i = 0; i < 24 && scene_count(&scene, SIGNAL_COHORT) == 0; i++) {
        hour(&scene, 60);
    }
    assert_int_equal(scene_count(&scene, SIGNAL_COHORT), 1);
    struct observation ill = row_of(FIRST + 4, OBSERVATION_SIGHTING, OBSERVED_MALFORMED);
    struct observation well = row_of(FIRST + 3, OBSERVATION_SIGHTING, OBSERVED_MALFORMED);
    ill.count = well.count = 10;
    scene_row(&scene, ill);
    assert_true(scene_flag(&scene, SIGNAL_MALFORMED)->is_fleet_linked);
    scene_row(&scene, well);
    assert_false(scene_flag(&scene, SIGNAL_MALFORMED)->is_fleet_linked);
    for (int i = 0; i < 24 * 3; i++) {
        hour(&scene, 1); /* repaired: it stands a day longer than its rate is high */
    }
    scene_row(&scene, ill);
    assert_false(scene_flag(&scene, SIGNAL_MALFORMED)->is_fleet_linked);
    assert_int_equal(scene_count(&scene, SIGNAL_COHORT), 1);
    scene_close(&scene);
}

static void test_two_terminals_that_fail_all_day_are_no_cohort(void **state)
{
    (void)state;
    static struct scene scene;
    fleet_open(&scene);
    for (int i = 0; i < 48; i++) {
        for (int times = 0; times < 20; times++) {
            scene_see(&scene, FIRST + 4, OBSERVATION_SIGHTING, OBSERVED_MAC_FAILED);
            scene_see(&scene, FIRST + 10, OBSERVATION_SIGHTING, OBSERVED_MAC_FAILED);
        }
        hour(&scene, 1);
    }
    assert_int_equal(scene_count(&scene, SIGNAL_COHORT), 0);
    scene_close(&scene);
}

static void test_fewer_terminals_than_the_rule_asks_say_nothing(void **state)
{
    (void)state;
    static struct scene scene;
    fleet_open(&scene);
    scene.rules.cohort.terminal_count_min = 26;
    watcher_set_rules(scene.watcher, &scene.rules);
    for (int i = 0; i < 12; i++) {
        hour(&scene, 30);
    }
    for (uint32_t i = 0; i < scene.flag_count; i++) {
        assert_string_not_equal(scene.flags[i].subject_id, "LANDI M1");
    }
    scene_close(&scene);
}

static void test_software_is_a_cohort_from_when_it_is_told(void **state)
{
    (void)state;
    static struct scene scene;
    fleet_open(&scene);
    scene.rules.cohort.terminal_count_min = 12;
    watcher_set_rules(scene.watcher, &scene.rules);
    for (uint32_t i = 0; i < FLEET; i++) {
        struct observation seen = row_of(FIRST + i, OBSERVATION_SIGNED_ON, OBSERVED_NONE);
        memcpy(seen.firmware, i % 6 == 0 && i < 75 ? "2.0" : "1.0", 4);
        scene_row(&scene, seen);
    }
    for (int at = 0; at < 12; at++) {
        for (uint32_t i = 0; i < FLEET; i++) {
            scene_pay(&scene, FIRST + i, OBSERVED_APPROVED, SECOND_US / 4);
            if (chance(100) < (i % 6 == 0 && i < 75 ? 40 : 1)) {
                scene_see(&scene, FIRST + i, OBSERVATION_REVERSED, OBSERVED_BY_TERMINAL);
            }
        }
        scene_wait(&scene, HOUR_US - scene.now_us % HOUR_US);
    }
    assert_int_equal(scene_count(&scene, SIGNAL_COHORT), 1);
    assert_int_equal(scene_flag(&scene, SIGNAL_COHORT)->cohort, COHORT_FIRMWARE);
    assert_string_equal(scene_flag(&scene, SIGNAL_COHORT)->subject_id, "PAX M0 2.0");
    scene_close(&scene);
}

/* LANDI M1, 25 terminals: `count` of them have software 2.0, the others 1.0. */
static bool is_of_software(uint32_t i, uint32_t count)
{
    return is_of_model(i) && i / 6 < count;
}

static void software_tell(struct scene *scene, uint32_t count)
{
    for (uint32_t i = 0; i < FLEET; i++) {
        struct observation seen = row_of(FIRST + i, OBSERVATION_SIGNED_ON, OBSERVED_NONE);
        memcpy(seen.firmware, is_of_software(i, count) ? "2.0" : "1.0", 4);
        scene_row(scene, seen);
    }
}

/* Per cent of terminals that fail within an hour: with the software, and of the rest of the model.
 */
struct illness {
    uint32_t software, rest;
};

static void half_day_of_software(struct scene *scene, uint32_t count, struct illness percent)
{
    for (int at = 0; at < 12; at++) {
        for (uint32_t i = 0; i < FLEET; i++) {
            uint32_t ill = is_of_software(i, count) ? percent.software
                           : is_of_model(i)         ? percent.rest
                                                    : 1;
            scene_pay(scene, FIRST + i, OBSERVED_APPROVED, SECOND_US / 4);
            if (chance(100) < ill) {
                scene_see(scene, FIRST + i, OBSERVATION_SIGHTING, OBSERVED_MALFORMED);
            }
        }
        scene_wait(scene, HOUR_US - scene->now_us % HOUR_US);
    }
}

/* Most of a model, and fewer than the rule asks of a cohort: the rest of the model is well. */
static void test_software_that_explains_its_models_failures_is_flagged(void **state)
{
    (void)state;
    static const uint32_t COUNTS[] = {24, 19, 13, 8};
    for (uint32_t row = 0; row < sizeof(COUNTS) / sizeof(COUNTS[0]); row++) {
        static struct scene scene;
        fleet_open(&scene);
        software_tell(&scene, COUNTS[row]);
        half_day_of_software(&scene, COUNTS[row], (struct illness){50, 1});
        assert_int_equal(scene_count(&scene, SIGNAL_COHORT), 1);
        const struct flag *flag = scene_flag(&scene, SIGNAL_COHORT);
        assert_int_equal(flag->cohort, COHORT_FIRMWARE);
        assert_string_equal(flag->subject_id, "LANDI M1 2.0");
        assert_true(flag->value >= flag->threshold);
        assert_true(flag->evidence_count > 0);
        scene_close(&scene);
    }
}

/* Whatever software it has: chance gives one of them the higher ratio. */
static void test_a_model_that_fails_with_all_software_is_flagged(void **state)
{
    (void)state;
    static const uint32_t COUNTS[] = {21, 15, 12, 8, 4};
    for (uint32_t row = 0; row < sizeof(COUNTS) / sizeof(COUNTS[0]); row++) {
        static struct scene scene;
        fleet_open(&scene);
        seed = 300 + row;
        software_tell(&scene, COUNTS[row]);
        half_day_of_software(&scene, COUNTS[row], (struct illness){50, 50});
        assert_int_equal(scene_count(&scene, SIGNAL_COHORT), 1);
        assert_int_equal(scene_flag(&scene, SIGNAL_COHORT)->cohort, COHORT_MODEL);
        assert_string_equal(scene_flag(&scene, SIGNAL_COHORT)->subject_id, "LANDI M1");
        scene_close(&scene);
    }
}

/* No model speaks for it, and it is too rare to speak for itself. */
static void test_rare_software_of_a_healthy_model_says_nothing(void **state)
{
    (void)state;
    static struct scene scene;
    fleet_open(&scene);
    software_tell(&scene, 3);
    half_day_of_software(&scene, 3, (struct illness){40, 1});
    assert_int_equal(scene_count(&scene, SIGNAL_COHORT), 0);
    scene_close(&scene);
}

static void pay_at(struct scene *scene, uint32_t terminal, const char *channel,
                   enum observation_detail outcome)
{
    struct observation seen = row_of(terminal, OBSERVATION_ASKED, OBSERVED_NONE);
    snprintf(seen.channel, sizeof(seen.channel), "%s", channel);
    seen.stan = ++scene->stan;
    scene_row(scene, seen);
    scene->now_us += SECOND_US / 8;
    seen.kind = OBSERVATION_ENDED;
    seen.detail = outcome;
    scene_row(scene, seen);
}

/* A bank is away for some hours: one flag of the channel, none of the terminals. */
static void test_a_channel_that_is_down_rules_its_terminals_out(void **state)
{
    (void)state;
    static struct scene scene;
    fleet_open(&scene);
    for (int at = 0; at < 12; at++) {
        bool is_down = at >= 6;
        for (uint32_t i = 0; i < FLEET * 2; i++) {
            bool is_bank = i % 2 == 0;
            pay_at(&scene, FIRST + i / 2, is_bank ? "BANK_A" : "BANK_B",
                   is_down && is_bank && chance(10) < 8 ? OBSERVED_UNKNOWN : OBSERVED_APPROVED);
        }
        scene_wait(&scene, HOUR_US - scene.now_us % HOUR_US);
    }
    assert_int_equal(scene_count(&scene, SIGNAL_COHORT), 1);
    assert_int_equal(scene_flag(&scene, SIGNAL_COHORT)->cohort, COHORT_CHANNEL);
    assert_string_equal(scene_flag(&scene, SIGNAL_COHORT)->subject_id, "BANK_A");
    for (int i = 0; i < 12; i++) {
        pay_at(&scene, FIRST, "BANK_A", OBSERVED_UNKNOWN);
        pay_at(&scene, FIRST + 1, "BANK_A", OBSERVED_DECLINED);
    }
    assert_int_equal(scene.flag_count, 1);
    scene_close(&scene);
}

/* A bad line fails all day; beside it a few others once, as happens any day. */
static void test_one_terminal_that_times_out_all_day_is_no_channel(void **state)
{
    (void)state;
    static struct scene scene;
    fleet_open(&scene);
    for (int at = 0; at < 14; at++) {
        for (uint32_t i = 0; i < FLEET; i++) {
            bool is_late = i == 0 || (at == 6 && i % 36 == 0);
            pay_at(&scene, FIRST + i, i % 3 == 0 ? "BANK_A" : "BANK_B",
                   is_late ? OBSERVED_UNKNOWN : OBSERVED_APPROVED);
        }
        scene_wait(&scene, HOUR_US - scene.now_us % HOUR_US);
    }
    assert_int_equal(scene_count(&scene, SIGNAL_COHORT), 0);
    scene_close(&scene);
}

static void test_a_watched_cohort_explains_nothing(void **state)
{
    (void)state;
    static struct scene scene;
    fleet_open(&scene);
    scene.rules.items[SIGNAL_COHORT].is_watched_only = true;
    watcher_set_rules(scene.watcher, &scene.rules);
    for (int i = 0; i < 12; i++) {
        hour(&scene, 60);
    }
    assert_int_equal(scene_count(&scene, SIGNAL_COHORT), 1);
    assert_true(scene_flag(&scene, SIGNAL_COHORT)->is_watched_only);
    struct observation ill = row_of(FIRST + 4, OBSERVATION_SIGHTING, OBSERVED_MALFORMED);
    ill.count = 10;
    scene_row(&scene, ill);
    assert_false(scene_flag(&scene, SIGNAL_MALFORMED)->is_fleet_linked);
    scene_close(&scene);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_healthy_fleet_has_no_outstanding_cohort),
        cmocka_unit_test(test_a_model_that_fails_is_one_flag_and_its_own),
        cmocka_unit_test(test_single_faults_are_linked_while_it_stands_and_not_after),
        cmocka_unit_test(test_two_terminals_that_fail_all_day_are_no_cohort),
        cmocka_unit_test(test_fewer_terminals_than_the_rule_asks_say_nothing),
        cmocka_unit_test(test_software_is_a_cohort_from_when_it_is_told),
        cmocka_unit_test(test_software_that_explains_its_models_failures_is_flagged),
        cmocka_unit_test(test_a_model_that_fails_with_all_software_is_flagged),
        cmocka_unit_test(test_rare_software_of_a_healthy_model_says_nothing),
        cmocka_unit_test(test_a_channel_that_is_down_rules_its_terminals_out),
        cmocka_unit_test(test_one_terminal_that_times_out_all_day_is_no_channel),
        cmocka_unit_test(test_a_watched_cohort_explains_nothing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
