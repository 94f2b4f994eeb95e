/* Campaigns of updates in the database: who is in them, in which wave, and what is refused. */
#include "switch/desk/update_book.h"

#include "switch/desk/inspection_book.h"
#include "tests/unit/switch/desk/desk_scene.h"

#define HOUR_US INT64_C(3600000000)

static void put_terminal(struct scene *scene, const char *id, const char *firmware,
                         enum terminal_state registered)
{
    struct terminal_registration terminal = {.brand = "PAX", .model = "A920", .state = registered};
    snprintf(terminal.terminal_id, sizeof(terminal.terminal_id), "%s", id);
    snprintf(terminal.serial, sizeof(terminal.serial), "SN-%s", id);
    snprintf(terminal.firmware, sizeof(terminal.firmware), "%s", firmware);
    assert_int_equal(registry_put(scene->desk, REGISTRY_TERMINAL, &terminal, &scene->ann),
                     STATUS_OK);
}

static void see(struct scene *scene, const char *id, const char *firmware, int64_t seen_us)
{
    struct terminal_sighting sighting = {.seen_us = seen_us};
    snprintf(sighting.terminal_id, sizeof(sighting.terminal_id), "%s", id);
    snprintf(sighting.firmware, sizeof(sighting.firmware), "%s", firmware);
    assert_int_equal(inspection_book_seen(scene->desk, &sighting, 1), STATUS_OK);
}

static struct update_campaign wish(const char *firmware)
{
    struct update_campaign wanted = {.brand = "PAX", .model = "A920", .settle_us = HOUR_US};
    snprintf(wanted.firmware, sizeof(wanted.firmware), "%s", firmware);
    assert_true(update_waves_parse(&wanted.waves, "50 100"));
    return wanted;
}

static enum status make(struct scene *scene, const char *firmware, uint64_t *id)
{
    const struct update_campaign wanted = wish(firmware);
    return update_book_make(scene->desk, &wanted, &scene->ann, id);
}

static void put_model(struct scene *scene, const char *firmware_min)
{
    struct device_model model = scene_model();
    snprintf(model.firmware_min, sizeof(model.firmware_min), "%s", firmware_min);
    assert_int_equal(registry_put(scene->desk, REGISTRY_DEVICE_MODEL, &model, &scene->ann),
                     STATUS_OK);
}

static void test_active_terminals_below_the_version_are_in_it_the_silent_last(void **state)
{
    struct scene *scene = *state;
    struct update_campaign campaign;
    struct update_counts counts;
    uint64_t id = 0;
    put_model(scene, "1.2.0");
    put_terminal(scene, "10000001", "1.1.0", TERMINAL_STATE_ACTIVE); /* never heard of */
    put_terminal(scene, "10000002", "1.1.0", TERMINAL_STATE_ACTIVE);
    see(scene, "10000002", "", SCENE_NOW - SCENE_DAY_US);
    put_terminal(scene, "10000003", "1.2.0", TERMINAL_STATE_ACTIVE);
    see(scene, "10000003", "1.1.5", SCENE_NOW - SCENE_DAY_US); /* what it told counts */
    put_terminal(scene, "10000004", "1.1.0", TERMINAL_STATE_ACTIVE);
    see(scene, "10000004", "1.1.0", SCENE_NOW - 8 * SCENE_DAY_US);
    put_terminal(scene, "10000005", "1.1.0", TERMINAL_STATE_ACTIVE);
    see(scene, "10000005", "1.2.0", SCENE_NOW);
    put_terminal(scene, "10000006", "", TERMINAL_STATE_ACTIVE); /* not known */
    put_terminal(scene, "10000007", "1.1.0", TERMINAL_STATE_STOPPED);
    assert_int_equal(make(scene, "", &id), STATUS_OK);
    assert_int_equal(update_book_find(scene->desk, id, &campaign), STATUS_OK);
    assert_string_equal(campaign.firmware, "1.2.0");
    assert_string_equal(campaign.made_by, "ann");
    assert_int_equal(campaign.made_us, SCENE_NOW);
    assert_int_equal(campaign.state, UPDATE_GOING);
    assert_int_equal(update_book_counts(scene->desk, id, &counts), STATUS_OK);
    assert_int_equal(counts.of_wave[0][UPDATE_TARGET_WAITING], 2);
    assert_int_equal(counts.of_wave[1][UPDATE_TARGET_WAITING], 2);
    assert_int_equal(scene_number(scene, "SELECT count(*) FROM update_target WHERE wave = 0"
                                         " AND terminal_id IN ('10000002', '10000003')"),
                     2);
    assert_int_equal(scene_number(scene, "SELECT count(*) FROM update_target WHERE wave = 1"
                                         " AND terminal_id IN ('10000001', '10000004')"),
                     2);
}

static void test_what_cannot_be_is_refused_and_leaves_nothing(void **state)
{
    struct scene *scene = *state;
    uint64_t id = 0;
    assert_int_equal(make(scene, "1.2.0", &id), STATUS_NOT_FOUND);
    put_model(scene, "");
    assert_int_equal(make(scene, "", &id), STATUS_BAD_VALUE);
    assert_int_equal(make(scene, "V2 1", &id), STATUS_BAD_VALUE); /* no order can say it */
    assert_non_null(strstr(desk_reason(scene->desk), "without a blank, got \"V2 1\""));
    assert_int_equal(make(scene, "V\xe4", &id), STATUS_BAD_VALUE);
    assert_int_equal(make(scene, "1.2.0", &id), STATUS_DENIED); /* none is below it */
    put_terminal(scene, "10000001", "1.1.0", TERMINAL_STATE_ACTIVE);
    assert_int_equal(make(scene, "1.1.0", &id), STATUS_DENIED);
    assert_int_equal(scene_number(scene, "SELECT count(*) FROM update_campaign"), 0);
    assert_int_equal(scene_number(scene, "SELECT count(*) FROM history"
                                         " WHERE row_kind = 'update_campaign'"),
                     0);
    assert_int_equal(make(scene, "1.2.0", &id), STATUS_OK);
    assert_int_equal(make(scene, "1.3.0", &id), STATUS_DENIED); /* another one goes */
    assert_non_null(strstr(desk_reason(scene->desk), "campaign 1 of PAX A920 goes"));
    struct update_campaign campaign;
    assert_int_equal(update_book_find(scene->desk, 9, &campaign), STATUS_NOT_FOUND);
}

static void test_a_person_stops_and_resumes_with_a_reason(void **state)
{
    struct scene *scene = *state;
    struct update_campaign campaigns[4];
    const struct desk_actor bob = {"bob", SCENE_NOW + 1};
    uint64_t first = 0, second = 0;
    uint32_t count = 0;
    put_model(scene, "1.2.0");
    put_terminal(scene, "10000001", "1.1.0", TERMINAL_STATE_ACTIVE);
    assert_int_equal(make(scene, "", &first), STATUS_OK);
    assert_int_equal(update_book_resume(scene->desk, first, "x", &bob), STATUS_DENIED);
    assert_int_equal(
        update_book_stop(scene->desk, first, "he read 6222021234567890128 aloud", &bob), STATUS_OK);
    assert_int_equal(update_book_stop(scene->desk, first, "x", &bob), STATUS_DENIED);
    assert_int_equal(make(scene, "1.3.0", &second), STATUS_OK);
    assert_int_equal(update_book_resume(scene->desk, first, "x", &bob), STATUS_DENIED);
    assert_int_equal(update_book_list(scene->desk, campaigns, COUNT_OF(campaigns), &count),
                     STATUS_OK);
    assert_int_equal(count, 2);
    assert_int_equal(campaigns[0].id, second);
    assert_int_equal(campaigns[1].state, UPDATE_STOPPED);
    assert_string_equal(campaigns[1].changed_by, "bob");
    assert_string_equal(campaigns[1].reason, "he read 622202*********0128 aloud");
    assert_int_equal(scene_number(scene, "SELECT count(*) FROM history WHERE row_kind ="
                                         " 'update_campaign' AND row_key = '1' AND actor = 'bob'"
                                         " AND before = 'going' AND after LIKE 'stopped: he %'"),
                     1);
}

int main(void)
{
#define STORY(test) cmocka_unit_test_setup_teardown(test, scene_set, scene_strike)
    const struct CMUnitTest tests[] = {
        STORY(test_active_terminals_below_the_version_are_in_it_the_silent_last),
        STORY(test_what_cannot_be_is_refused_and_leaves_nothing),
        STORY(test_a_person_stops_and_resumes_with_a_reason),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
