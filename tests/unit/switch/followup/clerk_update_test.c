/* A campaign of updates as the clerk carries it out: wave after wave, until it is done or a fault
 * stops it. */
#include "switch/desk/inspection_book.h"
#include "switch/desk/update_turn.h"
#include "tests/unit/switch/followup/clerk_scene.h"

#define HOUR_US INT64_C(3600000000)
#define FLEET 20 /* waves of 1, 4 and 15 */

static void fleet_register(struct office *office, uint32_t count)
{
    const struct device_model model = scene_model();
    struct scene *scene = office->scene;
    assert_int_equal(registry_put(scene->desk, REGISTRY_DEVICE_MODEL, &model, &scene->ann),
                     STATUS_OK);
    assert_int_equal(desk_begin(scene->desk), STATUS_OK);
    for (uint32_t i = 1; i < count; i++) { /* the first stands there */
        char terminal_id[9], serial[16];
        snprintf(terminal_id, sizeof(terminal_id), "1%07u", (i + 1) % 10000000);
        snprintf(serial, sizeof(serial), "SN-%u", i + 1);
        office_register(office, terminal_id, serial);
    }
    assert_int_equal(desk_end(scene->desk, STATUS_OK), STATUS_OK);
}

/* By somebody at tillway-admin. */
static uint64_t campaign_make(struct office *office)
{
    struct update_campaign wanted = {.brand = "PAX", .model = "A920", .settle_us = 24 * HOUR_US};
    uint64_t id = 0;
    struct desk *desk = scene_second(office->scene);
    assert_true(update_waves_parse(&wanted.waves, UPDATE_WAVES_FALLBACK));
    enum status status = update_book_make(desk, &wanted, &office->scene->ann, &id);
    if (status != STATUS_OK) {
        fail_msg("%s", desk_reason(desk));
    }
    desk_close(desk);
    return id;
}

static struct update_campaign campaign_of(struct office *office, uint64_t id)
{
    struct update_campaign campaign;
    assert_int_equal(update_book_find(office->scene->desk, id, &campaign), STATUS_OK);
    return campaign;
}

static uint32_t count_of(struct office *office, uint64_t id, enum update_target target)
{
    struct update_counts counts;
    uint32_t sum = 0;
    assert_int_equal(update_book_counts(office->scene->desk, id, &counts), STATUS_OK);
    for (uint32_t wave = 0; wave < UPDATE_WAVE_COUNT_MAX; wave++) {
        sum += counts.of_wave[wave][target];
    }
    return sum;
}

/* Terminals whose orders the switch has, from `first` on, now tell a version. */
static void tell(struct office *office, uint32_t first, uint32_t count, const char *firmware,
                 int64_t at_us)
{
    for (uint32_t i = first; i < first + count; i++) {
        struct observation seen = {.kind = OBSERVATION_SIGNED_ON, .wall_us = at_us};
        assert_int_equal(office->told[i].kind, CASE_EFFECT_ASK_UPDATE);
        snprintf(seen.terminal_id, sizeof(seen.terminal_id), "%s", office->told[i].terminal_id);
        snprintf(seen.firmware, sizeof(seen.firmware), "%s", firmware);
        office_see(office, seen);
    }
    assert_int_equal(clerk_flush(office->clerk), STATUS_OK);
}

static struct flag cohort_flag(enum cohort_kind cohort, const char *name, int64_t at_us)
{
    struct flag flag = {.signal = SIGNAL_COHORT,
                        .subject = FLAG_OF_COHORT,
                        .cohort = cohort,
                        .severity = 2,
                        .window_begin_us = at_us - 24 * HOUR_US,
                        .window_end_us = at_us,
                        .value = 400,
                        .threshold = 300};
    snprintf(flag.subject_id, sizeof(flag.subject_id), "%s", name);
    return flag;
}

static void test_a_fleet_is_updated_wave_after_wave(void **state)
{
    struct office *office = *state;
    int64_t at_us = SCENE_NOW + OFFICE_MINUTE_US;
    fleet_register(office, FLEET);
    uint64_t id = campaign_make(office);
    office_time(office, at_us);
    assert_int_equal(office->told_count, 1);
    assert_int_equal(office->told[0].kind, CASE_EFFECT_ASK_UPDATE);
    assert_int_equal(office->told[0].case_id, 0);
    assert_int_equal(office->told[0].due_us, at_us + 24 * HOUR_US);
    assert_int_equal(office->told[0].campaign_id, id);
    assert_string_equal(office->told[0].firmware, "1.2.0");
    tell(office, 0, 1, "1.2.0", at_us + 1);
    office_time(office, at_us + 24 * HOUR_US - OFFICE_MINUTE_US); /* done, and still looked at */
    assert_int_equal(office->told_count, 1);
    assert_int_equal(count_of(office, id, UPDATE_TARGET_DONE), 1);
    office_time(office, at_us += 24 * HOUR_US);
    assert_int_equal(office->told_count, 5);
    tell(office, 1, 4, "1.10.0", at_us + 1); /* newer will do */
    office_time(office, at_us += 24 * HOUR_US);
    assert_int_equal(office->told_count, FLEET);
    tell(office, 5, 10, "1.2.0", at_us + 1);
    office_time(office, at_us += 24 * HOUR_US);
    assert_int_equal(campaign_of(office, id).state, UPDATE_FINISHED);
    assert_int_equal(count_of(office, id, UPDATE_TARGET_DONE), 15);
    assert_int_equal(count_of(office, id, UPDATE_TARGET_FAILED), 5);
    for (uint32_t i = 0; i < FLEET; i++) {
        for (uint32_t other = 0; other < i; other++) {
            assert_string_not_equal(office->told[i].terminal_id, office->told[other].terminal_id);
        }
    }
    office_time(office, at_us + 24 * HOUR_US);
    assert_int_equal(office->told_count, FLEET);
    assert_int_equal(office_number(office, "SELECT count(*) FROM case_effect"), 0);
}

static void test_a_fault_of_the_new_version_stops_it_and_a_person_resumes(void **state)
{
    struct office *office = *state;
    int64_t at_us = SCENE_NOW + OFFICE_MINUTE_US;
    fleet_register(office, FLEET);
    office_take(office, cohort_flag(COHORT_MODEL, "PAX A920", SCENE_NOW)); /* before it begins */
    uint64_t id = campaign_make(office);
    office->told_count = 0;
    office_time(office, at_us);
    assert_int_equal(office->told_count, 1);
    tell(office, 0, 1, "1.2.0", at_us + 1);
    office_take(office, cohort_flag(COHORT_FIRMWARE, "PAX A920 1.0.0", at_us + HOUR_US));
    office_time(office, at_us + 2 * HOUR_US);
    assert_int_equal(campaign_of(office, id).state, UPDATE_GOING); /* the old one */
    office_take(office, cohort_flag(COHORT_FIRMWARE, "PAX A920 1.2.0", at_us + 3 * HOUR_US));
    office->told_count = 0;
    office_time(office, at_us += 24 * HOUR_US); /* when the second wave would begin */
    assert_int_equal(office_told(office, CASE_EFFECT_ASK_UPDATE), 0);
    struct update_campaign campaign = campaign_of(office, id);
    assert_int_equal(campaign.state, UPDATE_STOPPED);
    assert_string_equal(campaign.changed_by, UPDATE_ACTOR);
    assert_non_null(strstr(campaign.reason, "T15: PAX A920 1.2.0 fails more"));
    office_time(office, at_us += 24 * HOUR_US);
    assert_int_equal(office_told(office, CASE_EFFECT_ASK_UPDATE), 0);
    struct desk *desk = scene_second(office->scene);
    const struct desk_actor bob = {"bob", at_us};
    assert_int_equal(update_book_resume(desk, id, "the maker mended it", &bob), STATUS_OK);
    assert_int_equal(update_book_resume(desk, id, "again", &bob), STATUS_DENIED);
    desk_close(desk);
    office_time(office, at_us += OFFICE_MINUTE_US); /* that flag is known to who resumed */
    assert_int_equal(campaign_of(office, id).state, UPDATE_GOING);
    assert_int_equal(office_told(office, CASE_EFFECT_ASK_UPDATE), 4);
    assert_int_equal(office_number(office, "SELECT count(*) FROM history WHERE row_kind ="
                                           " 'update_campaign' AND row_key = '1'"),
                     3);
}

static void test_a_wave_of_which_too_few_update_is_the_last(void **state)
{
    struct office *office = *state;
    int64_t at_us = SCENE_NOW + OFFICE_MINUTE_US;
    fleet_register(office, FLEET);
    uint64_t id = campaign_make(office);
    office_time(office, at_us);
    tell(office, 0, 1, "1.1.9", at_us + 1); /* another version, and too old */
    office_time(office, at_us += 24 * HOUR_US);
    assert_int_equal(campaign_of(office, id).state, UPDATE_STOPPED);
    assert_non_null(strstr(campaign_of(office, id).reason, "wave 1: 0 of 1 terminals tell 1.2.0"));
    assert_int_equal(office->told_count, 1);
    struct desk *desk = scene_second(office->scene);
    const struct desk_actor bob = {"bob", at_us};
    assert_int_equal(update_book_resume(desk, id, "try again", &bob), STATUS_OK);
    desk_close(desk);
    office_time(office, at_us += OFFICE_MINUTE_US);
    assert_int_equal(office->told_count, 2);
    assert_string_equal(office->told[1].terminal_id, office->told[0].terminal_id);
}

/* Killed after the terminals were noted as asked and before, while and after they are told. */
static void test_a_restart_asks_nobody_twice(void **state)
{
    struct office *office = *state;
    int64_t at_us = SCENE_NOW + OFFICE_MINUTE_US;
    bool is_any = false;
    fleet_register(office, FLEET);
    uint64_t id = campaign_make(office);
    assert_int_equal(update_turn(office->scene->desk, at_us, &is_any), STATUS_OK);
    assert_true(is_any);
    office_restart(office);
    assert_int_equal(office->told_count, 0);
    office_time(office, at_us + 1);
    assert_int_equal(office->told_count, 1);
    office_restart(office);
    office_time(office, at_us + 2);
    assert_int_equal(office->told_count, 1);
    tell(office, 0, 1, "1.2.0", at_us + 3);
    office_restart(office);
    at_us += 24 * HOUR_US;
    assert_int_equal(update_turn(office->scene->desk, at_us, &is_any), STATUS_OK);
    office_restart(office);
    for (uint32_t i = 0; i < 5; i++) {
        office_time(office, at_us + i * OFFICE_MINUTE_US);
        office_restart(office);
    }
    assert_int_equal(office->told_count, 5);
    assert_int_equal(count_of(office, id, UPDATE_TARGET_ASKED), 4);
    assert_int_equal(office_number(office, "SELECT count(*) FROM case_effect"), 0);
}

/* The switch takes none for a while: what was not told is taken back, and asked when it goes on. */
static void test_a_stop_takes_back_what_was_not_told(void **state)
{
    struct office *office = *state;
    int64_t at_us = SCENE_NOW + OFFICE_MINUTE_US;
    fleet_register(office, FLEET);
    uint64_t id = campaign_make(office);
    office->answer = CLERK_LATER;
    office_time(office, at_us);
    assert_int_equal(office->told_count, 1);
    assert_int_equal(count_of(office, id, UPDATE_TARGET_ASKED), 1);
    struct desk *desk = scene_second(office->scene);
    const struct desk_actor bob = {"bob", at_us};
    assert_int_equal(update_book_stop(desk, id, "wait", &bob), STATUS_OK);
    office_time(office, at_us + 24 * HOUR_US);
    assert_int_equal(office->told_count, 1);
    assert_int_equal(count_of(office, id, UPDATE_TARGET_WAITING), FLEET);
    assert_int_equal(office_number(office, "SELECT count(*) FROM case_effect"), 0);
    assert_int_equal(update_book_resume(desk, id, "go on", &bob), STATUS_OK);
    desk_close(desk);
    office->answer = CLERK_DONE;
    office_time(office, at_us + 25 * HOUR_US);
    assert_int_equal(office->told_count, 2);
}

static void settle(struct office *office, uint64_t number, enum clerk_end end)
{
    const struct clerk_outcome outcome = {number, end, "as many as may"};
    assert_int_equal(clerk_settle(office->clerk, &outcome), STATUS_OK);
}

/* Nobody is told of a single terminal: the campaign counts it. */
static void test_what_the_switch_refuses_has_failed_and_what_has_no_room_waits(void **state)
{
    struct office *office = *state;
    int64_t at_us = SCENE_NOW + OFFICE_MINUTE_US;
    fleet_register(office, FLEET);
    uint64_t id = campaign_make(office);
    office_time(office, at_us);
    tell(office, 0, 1, "1.2.0", at_us + 1);
    office->answer = CLERK_LATER;
    office_time(office, at_us += 24 * HOUR_US);
    assert_int_equal(office->told_count, 5);
    settle(office, office->told[1].number, CLERK_NO_ROOM); /* others stand behind it */
    settle(office, office->told[2].number, CLERK_REFUSED);
    settle(office, office->told[3].number, CLERK_CARRIED_OUT);
    assert_int_equal(count_of(office, id, UPDATE_TARGET_ASKED), 3);
    assert_int_equal(count_of(office, id, UPDATE_TARGET_FAILED), 1);
    uint64_t waits = office->told[1].number;
    office->told_count = 0;
    office_time(office, at_us + 2 * UPDATE_TURN_US);
    assert_int_equal(office->told_count, 2);
    assert_int_equal(office->told[0].number, waits);
    assert_int_equal(office_told(office, CASE_EFFECT_ASK_UPDATE), 2);
    assert_int_equal(office_number(office, "SELECT count(*) FROM case_effect"), 2);
}

static void test_who_has_it_already_is_not_asked(void **state)
{
    struct office *office = *state;
    int64_t at_us = SCENE_NOW + OFFICE_MINUTE_US;
    fleet_register(office, FLEET);
    uint64_t id = campaign_make(office);
    assert_string_equal(scene_sql(office->scene,
                                  "INSERT INTO terminal_seen SELECT terminal_id, 1, '1.2.0'"
                                  " FROM update_target WHERE wave = 0"),
                        "");
    office_time(office, at_us);
    assert_int_equal(office->told_count, 0);
    assert_int_equal(count_of(office, id, UPDATE_TARGET_DONE), 1);
    office_time(office, at_us + 24 * HOUR_US);
    assert_int_equal(office->told_count, 4);
    office_time(office, at_us + 48 * HOUR_US - 1);
    office_time(office, at_us + 48 * HOUR_US);
    assert_int_equal(campaign_of(office, id).state, UPDATE_STOPPED);
    assert_int_equal(count_of(office, id, UPDATE_TARGET_FAILED), 4);
}

static void test_many_are_asked_some_at_a_time(void **state)
{
    struct office *office = *state;
    int64_t at_us = SCENE_NOW + OFFICE_MINUTE_US;
    fleet_register(office, 2100);
    campaign_make(office); /* 105 in its first wave */
    office_time(office, at_us);
    assert_int_equal(office->told_count, UPDATE_TURN_ASKED_MAX);
    office_time(office, at_us + 1); /* no turn is due */
    assert_int_equal(office->told_count, UPDATE_TURN_ASKED_MAX);
    office->answer = CLERK_LATER;
    office_time(office, at_us + UPDATE_TURN_US);
    assert_int_equal(office->told_count, 2 * UPDATE_TURN_ASKED_MAX);
    office_time(office, at_us + 2 * UPDATE_TURN_US); /* these again, and no others */
    assert_int_equal(office_number(office, "SELECT count(*) FROM case_effect"),
                     UPDATE_TURN_ASKED_MAX);
    office->answer = CLERK_DONE;
    office_time(office, at_us + 4 * UPDATE_TURN_US);
    office_time(office, at_us + 5 * UPDATE_TURN_US);
    assert_int_equal(office_number(office, "SELECT count(*) FROM update_target"
                                           " WHERE state = 'asked'"),
                     105);
}

int main(void)
{
#define STORY(test) cmocka_unit_test_setup_teardown(test, office_set, office_strike)
    const struct CMUnitTest tests[] = {
        STORY(test_a_fleet_is_updated_wave_after_wave),
        STORY(test_a_fault_of_the_new_version_stops_it_and_a_person_resumes),
        STORY(test_a_wave_of_which_too_few_update_is_the_last),
        STORY(test_a_restart_asks_nobody_twice),
        STORY(test_a_stop_takes_back_what_was_not_told),
        STORY(test_what_the_switch_refuses_has_failed_and_what_has_no_room_waits),
        STORY(test_who_has_it_already_is_not_asked),
        STORY(test_many_are_asked_some_at_a_time),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
