/* What a clerk does between flags: what it sees, what time it is, what others did, what must be
 * done outside. */
#include <sys/wait.h>

#include "switch/desk/effect_book.h"
#include "tests/unit/switch/followup/clerk_scene.h"

/* --- effects --------------------------------------------------------------------------------- */

/* Killed between the commit and the telling: the next process tells it. */
static void test_what_was_committed_and_not_told_is_told_after_a_crash(void **state)
{
    struct office *office = *state;
    struct scene *scene = office->scene;
    clerk_destroy(office->clerk);
    office->clerk = NULL;
    desk_close(scene->desk);
    scene->desk = NULL;
    pid_t child = fork();
    assert_true(child >= 0);
    if (child == 0) {
        scene->desk = scene_second(scene);
        office->answer = CLERK_LATER;
        office_open(office);
        office_take(office, office_flag(SIGNAL_WRONG_PINS, 100, SCENE_NOW));
        _exit(office_told(office, CASE_EFFECT_ASK_STATUS) == 1 ? 7 : 1);
    }
    int result = 0;
    assert_int_equal(waitpid(child, &result, 0), child);
    assert_int_equal(WEXITSTATUS(result), 7);
    scene->desk = scene_second(scene);
    office_open(office);
    assert_int_equal(office->told_count, 0);
    office_time(office, SCENE_NOW + 1);
    assert_int_equal(office_told(office, CASE_EFFECT_ASK_STATUS), 1);
    assert_int_equal(office_told(office, CASE_EFFECT_HOLD), 1);
    office_restart(office);
    office->told_count = 0;
    office_time(office, SCENE_NOW + 2);
    assert_int_equal(office->told_count, 0); /* done is done */
}

/* The last one of a kind that was told. */
static const struct office_told *last_told(const struct office *office, enum case_effect_kind kind)
{
    uint32_t i = office->told_count;
    while (i > 0 && office->told[i - 1].kind != kind) {
        i--;
    }
    assert_true(i > 0);
    return &office->told[i - 1];
}

static void settle(struct office *office, uint64_t number, enum clerk_end end)
{
    const struct clerk_outcome outcome = {number, end, "as many as may"};
    assert_int_equal(clerk_settle(office->clerk, &outcome), STATUS_OK);
}

static void test_an_order_waits_for_the_one_before_it(void **state)
{
    struct office *office = *state;
    office->answer = CLERK_LATER;
    office_take(office, office_flag(SIGNAL_WRONG_PINS, 100, SCENE_NOW));
    assert_int_equal(office_told(office, CASE_EFFECT_ASK_STATUS), 1);
    assert_int_equal(office_told(office, CASE_EFFECT_HOLD), 0);
    uint64_t first = office->told[0].number;
    assert_int_equal(office->told[0].kind, CASE_EFFECT_ASK_STATUS);
    office->told_count = 0;
    office_time(office, SCENE_NOW + CLERK_RETRY_US - 1);
    assert_int_equal(office->told_count, 0); /* nobody is pressed */
    office_time(office, SCENE_NOW + CLERK_RETRY_US);
    assert_int_equal(office_told(office, CASE_EFFECT_ASK_STATUS), 1);
    assert_int_equal(office->told[0].number, first);
    settle(office, first, CLERK_CARRIED_OUT);
    settle(office, first, CLERK_CARRIED_OUT);
    office->told_count = 0;
    office_time(office, SCENE_NOW + CLERK_RETRY_US + 1);
    assert_int_equal(office_told(office, CASE_EFFECT_HOLD), 1);
    assert_int_equal(office_told(office, CASE_EFFECT_ASK_STATUS), 0);
    office->answer = CLERK_DONE;
    office_time(office, SCENE_NOW + 3 * CLERK_RETRY_US);
    assert_int_equal(office_number(office, "SELECT count(*) FROM case_effect"), 0);
}

/* What was told while the clock was ahead by a year is told again as soon as anything else. */
/* What only asks must not keep the case's hold waiting; the hold itself is tried until there is
 * room, and one that cannot be is for a person. */
static void test_what_the_switch_refuses_is_tried_again_or_told_to_a_person(void **state)
{
    struct office *office = *state;
    office->answer = CLERK_LATER;
    office_take(office, office_flag(SIGNAL_WRONG_PINS, 100, SCENE_NOW));
    assert_int_equal(office->told[0].kind, CASE_EFFECT_ASK_STATUS);
    uint64_t asks = office->told[0].number;
    office->told_count = 0;
    settle(office, asks, CLERK_NO_ROOM);
    settle(office, asks, CLERK_NO_ROOM); /* it is out already */
    office_time(office, SCENE_NOW + 1);
    assert_int_equal(office_told(office, CASE_EFFECT_TELL_DISPATCHER), 1);
    assert_int_equal(office_told(office, CASE_EFFECT_HOLD), 1);
    assert_non_null(strstr(last_told(office, CASE_EFFECT_TELL_DISPATCHER)->text, "as many as may"));
    uint64_t hold = last_told(office, CASE_EFFECT_HOLD)->number;
    settle(office, hold, CLERK_NO_ROOM);
    office->told_count = 0;
    office_time(office, SCENE_NOW + 2 * CLERK_RETRY_US);
    assert_int_equal(last_told(office, CASE_EFFECT_HOLD)->number, hold);
    office->told_count = 0;
    settle(office, hold, CLERK_REFUSED);
    office_time(office, SCENE_NOW + 2 * CLERK_RETRY_US + 1);
    assert_non_null(strstr(last_told(office, CASE_EFFECT_TELL_DISPATCHER)->text, "HOLD not done"));
    office->told_count = 0;
    office_time(office, SCENE_NOW + 9 * CLERK_RETRY_US);
    assert_int_equal(office_told(office, CASE_EFFECT_HOLD), 0);
}

static void test_what_only_asks_is_tried_again_where_nothing_waits_behind_it(void **state)
{
    struct office *office = *state;
    const struct case_effects asks = {.count = 1, .items = {{.kind = CASE_EFFECT_ASK_STATUS}}};
    uint64_t id = office_take(office, office_flag(SIGNAL_FALLBACK, 100, SCENE_NOW)).case_id;
    office->answer = CLERK_LATER;
    office->told_count = 0;
    assert_int_equal(desk_begin(office->scene->desk), STATUS_OK);
    assert_int_equal(
        desk_end(office->scene->desk, effect_book_add(office->scene->desk, id, SCENE_NOW, &asks)),
        STATUS_OK);
    office_time(office, SCENE_NOW + 2 * CLERK_RETRY_US);
    uint64_t number = last_told(office, CASE_EFFECT_ASK_STATUS)->number;
    settle(office, number, CLERK_NO_ROOM);
    office->told_count = 0;
    office_time(office, SCENE_NOW + 4 * CLERK_RETRY_US);
    assert_int_equal(last_told(office, CASE_EFFECT_ASK_STATUS)->number, number);
    assert_int_equal(office_told(office, CASE_EFFECT_TELL_DISPATCHER), 0);
    settle(office, number, CLERK_CARRIED_OUT);
    assert_int_equal(office_number(office, "SELECT count(*) FROM case_effect"), 0);
}

static void test_a_clock_that_jumps_holds_nothing_up(void **state)
{
    struct office *office = *state;
    const int64_t ahead_us = SCENE_NOW + 365 * SCENE_DAY_US;
    const uint64_t retry_ns = (uint64_t)CLERK_RETRY_US * 1000;
    office->answer = CLERK_LATER;
    office_clocks(office, ahead_us, 1000);
    office_take(office, office_flag(SIGNAL_WRONG_PINS, 100, ahead_us));
    assert_int_equal(office_told(office, CASE_EFFECT_ASK_STATUS), 1);
    office->told_count = 0;
    office_clocks(office, SCENE_NOW, retry_ns + 999);
    assert_int_equal(office->told_count, 0);
    office_clocks(office, SCENE_NOW, retry_ns + 1000);
    assert_int_equal(office_told(office, CASE_EFFECT_ASK_STATUS), 1);
    office->told_count = 0;
    office_clocks(office, ahead_us + SCENE_DAY_US, retry_ns + 1001); /* and presses nobody */
    assert_int_equal(office_told(office, CASE_EFFECT_ASK_STATUS), 0);
}

/* What version is asked of a terminal that has 1.0.0; "-": no update is asked for. */
static const char *asked_version(struct office *office)
{
    struct case_event step = scene_event(CASE_EVENT_FIRST_STEP, CASE_ROLE_STAFF, SCENE_NOW + 1);
    uint64_t id = office_take(office, office_flag(SIGNAL_SILENT, 100, SCENE_NOW)).case_id;
    step.step = 1;
    step.result = CASE_STEP_DONE;
    office->told_count = 0;
    office_person(office, id, step);
    office_time(office, SCENE_NOW + 2);
    for (uint32_t i = 0; i < office->told_count; i++) {
        if (office->told[i].kind == CASE_EFFECT_ASK_UPDATE) {
            return office->told[i].firmware;
        }
    }
    return "-";
}

static void expect_asked(void **state, const char *lowest, const char *latest, const char *asked)
{
    struct office *office = *state;
    struct scene *scene = office->scene;
    struct device_model model = scene_model();
    memcpy(model.brand, "PAX", sizeof("PAX"));
    memcpy(model.model, "A920", sizeof("A920"));
    snprintf(model.firmware_min, sizeof(model.firmware_min), "%s", lowest);
    snprintf(model.firmware_latest, sizeof(model.firmware_latest), "%s", latest);
    assert_int_equal(registry_put(scene->desk, REGISTRY_DEVICE_MODEL, &model, &scene->ann),
                     STATUS_OK);
    assert_string_equal(asked_version(office), asked);
}

static void test_an_update_asks_for_the_lowest_version_that_is_well(void **state)
{
    expect_asked(state, "1.2.0", "1.4.0", "1.2.0");
}

static void test_an_update_of_what_is_well_asks_for_the_latest_version(void **state)
{
    expect_asked(state, "1.0.0", "1.4.0", "1.4.0");
}

static void test_an_update_of_the_latest_asks_for_any_other(void **state)
{
    expect_asked(state, "1.0.0", "1.0.0", "");
}

/* More cases than a page, each with orders behind one another. */
static void test_many_effects_are_all_told(void **state)
{
    struct office *office = *state;
    for (uint64_t i = 0; i < 50; i++) {
        struct flag flag = office_flag(SIGNAL_WRONG_PINS, 100 + i, SCENE_NOW);
        snprintf(flag.terminal_id, sizeof(flag.terminal_id), "3%07u", (unsigned)i);
        snprintf(flag.subject_id, sizeof(flag.subject_id), "%s", flag.terminal_id);
        office->answer = CLERK_LATER;
        office_take(office, flag);
        office->told_count = 0;
    }
    office_restart(office);
    office->answer = CLERK_DONE;
    office_time(office, SCENE_NOW);
    assert_int_equal(office_told(office, CASE_EFFECT_ASK_STATUS), 50);
    assert_int_equal(office_told(office, CASE_EFFECT_HOLD), 50);
    assert_int_equal(office_number(office, "SELECT count(*) FROM case_effect"), 0);
}

static void test_what_people_ask_for_is_told_as_well(void **state)
{
    struct office *office = *state;
    uint64_t id = office_take(office, office_flag(SIGNAL_ROUND_AMOUNTS, 100, SCENE_NOW)).case_id;
    office->told_count = 0;
    office_time(office, SCENE_NOW + 1);
    assert_int_equal(office->told_count, 0);
    office_person(office, id, scene_event(CASE_EVENT_HOLD, CASE_ROLE_MANAGER, SCENE_NOW + 2));
    office_time(office, SCENE_NOW + 3);
    assert_int_equal(office_told(office, CASE_EFFECT_HOLD), 1);
    assert_true(office->told[0].due_us > SCENE_NOW);
}

/* --- two cases that ask for the same ---------------------------------------------------------- */

static void test_a_case_does_not_take_back_what_another_one_asked_for(void **state)
{
    struct office *office = *state;
    uint64_t first =
        office_take(office, office_flag(SIGNAL_SERIAL_DIFFERS, 100, SCENE_NOW)).case_id;
    uint64_t other = office_take(office, office_flag(SIGNAL_KEYS_LOST, 101, SCENE_NOW)).case_id;
    assert_int_not_equal(first, other);
    assert_true(office_case(office, first).is_stopped && office_case(office, other).is_stopped);
    office->told_count = 0;
    office_person(office, first, scene_event(CASE_EVENT_CLEAR, CASE_ROLE_STAFF, SCENE_NOW + 1));
    office_time(office, SCENE_NOW + 2);
    assert_int_equal(office_told(office, CASE_EFFECT_RESUME), 0);
    assert_int_equal(office_told(office, CASE_EFFECT_TELL_DISPATCHER), 1);
    assert_non_null(strstr(office->told[office->told_count - 1].text, "RESUME not done"));
    office_person(office, other, scene_event(CASE_EVENT_DISPATCH, CASE_ROLE_STAFF, SCENE_NOW + 3));
    office_person(office, other, scene_event(CASE_EVENT_FIX, CASE_ROLE_STAFF, SCENE_NOW + 4));
    office_time(office, SCENE_NOW + 5);
    assert_int_equal(office_told(office, CASE_EFFECT_RESUME), 1); /* now nobody stops it */
    assert_int_equal(office_number(office, "SELECT count(*) FROM case_effect"), 0);
}

static void test_a_cashier_is_told_nothing_else_while_another_case_stops_the_terminal(void **state)
{
    struct office *office = *state;
    uint64_t stop = office_take(office, office_flag(SIGNAL_SERIAL_DIFFERS, 100, SCENE_NOW)).case_id;
    assert_int_equal(office_told(office, CASE_EFFECT_TELL_CASHIER), 1);
    office->told_count = 0;
    office_take(office, office_flag(SIGNAL_FALLBACK, 101, SCENE_NOW)); /* "try another card" */
    assert_int_equal(office_told(office, CASE_EFFECT_TELL_CASHIER), 0);
    office_person(office, stop, scene_event(CASE_EVENT_CLEAR, CASE_ROLE_STAFF, SCENE_NOW + 1));
    office_time(office, SCENE_NOW + 2);
    assert_int_equal(office_told(office, CASE_EFFECT_RESUME), 1);
    assert_int_equal(office_told(office, CASE_EFFECT_TELL_CASHIER), 1); /* it works again */
    assert_int_equal(office_number(office, "SELECT count(*) FROM case_effect"), 0);
}

/* The merchant's money, held by a case of each of two terminals. */
static void test_a_hold_is_neither_ended_nor_shortened_by_another_case(void **state)
{
    struct office *office = *state;
    struct flag late = office_flag(SIGNAL_WRONG_PINS, 101, SCENE_NOW + SCENE_DAY_US);
    memcpy(late.terminal_id, "10000002", 9);
    memcpy(late.subject_id, "10000002", 9);
    uint64_t other = office_take(office, late).case_id;
    int64_t until_us = office_case(office, other).hold_until_us;
    office->told_count = 0;
    uint64_t first = office_take(office, office_flag(SIGNAL_WRONG_PINS, 100, SCENE_NOW)).case_id;
    assert_true(office_case(office, first).hold_until_us < until_us);
    assert_int_equal(office_told(office, CASE_EFFECT_HOLD), 1);
    for (uint32_t i = 0; i < office->told_count; i++) {
        assert_true(office->told[i].kind != CASE_EFFECT_HOLD || office->told[i].due_us == until_us);
    }
    office_time(office, office_case(office, first).hold_until_us);
    assert_false(office_case(office, first).is_held);
    assert_int_equal(office_told(office, CASE_EFFECT_RELEASE), 0);
    office_time(office, until_us);
    assert_int_equal(office_told(office, CASE_EFFECT_RELEASE), 1);
}

/* --- a swap ---------------------------------------------------------------------------------- */

static void test_a_swap_binds_the_new_serial_number_and_its_signon_verifies(void **state)
{
    struct office *office = *state;
    uint64_t id = office_take(office, office_flag(SIGNAL_KEYS_LOST, 100, SCENE_NOW)).case_id;
    office_person(office, id, scene_event(CASE_EVENT_DISPATCH, CASE_ROLE_STAFF, SCENE_NOW + 1));
    struct case_event swap = scene_event(CASE_EVENT_SWAP, CASE_ROLE_ENGINEER, SCENE_NOW + 2);
    snprintf(swap.serial, sizeof(swap.serial), "SN-2");
    office_person(office, id, swap);
    office_time(office, SCENE_NOW + 3);
    assert_int_equal(office_told(office, CASE_EFFECT_BIND), 1);
    assert_int_equal(office_told(office, CASE_EFFECT_DESTROY_KEYS), 1);
    assert_int_equal(office_told(office, CASE_EFFECT_RESUME), 1);
    struct registry_binding binding;
    assert_int_equal(registry_binding_in_force(office->scene->desk, "10000001", &binding),
                     STATUS_OK);
    assert_string_equal(binding.serial, "SN-2");
    assert_string_equal(binding.binding.merchant_id, "M1");
    assert_string_equal(binding.binding.work_order, "case 1");
    assert_int_equal(office_number(office, "SELECT count(*) FROM registry_binding"), 2);
    struct observation seen = {.kind = OBSERVATION_SIGNED_ON,
                               .terminal_id = "10000001",
                               .serial = "SN-1",
                               .wall_us = SCENE_NOW + 4};
    office_see(office, seen); /* the old one */
    seen.serial[0] = '\0';
    office_see(office, seen); /* which one? */
    assert_int_equal(office_case(office, id).state, CASE_STATE_SWAPPED);
    memcpy(seen.serial, "SN-2", 5);
    office_see(office, seen);
    assert_int_equal(office_case(office, id).state, CASE_STATE_VERIFIED);
    assert_int_equal(clerk_waiting_count(office->clerk), 0);
}

static void test_a_serial_number_that_is_bound_elsewhere_is_for_a_person(void **state)
{
    struct office *office = *state;
    office_register(office, "10000002", "SN-2");
    uint64_t id = office_take(office, office_flag(SIGNAL_KEYS_LOST, 100, SCENE_NOW)).case_id;
    office_person(office, id, scene_event(CASE_EVENT_DISPATCH, CASE_ROLE_STAFF, SCENE_NOW + 1));
    struct case_event swap = scene_event(CASE_EVENT_SWAP, CASE_ROLE_ENGINEER, SCENE_NOW + 2);
    snprintf(swap.serial, sizeof(swap.serial), "SN-2");
    office_person(office, id, swap);
    office->told_count = 0;
    office_time(office, SCENE_NOW + 3);
    uint32_t asked = 0;
    for (uint32_t i = 0; i < office->told_count; i++) {
        asked += office->told[i].kind == CASE_EFFECT_TELL_DISPATCHER &&
                 strstr(office->told[i].text, "BIND not done") != NULL;
    }
    assert_int_equal(asked, 1);
    struct registry_binding binding;
    assert_int_equal(registry_binding_in_force(office->scene->desk, "10000001", &binding),
                     STATUS_OK);
    assert_string_equal(binding.serial, "SN-1"); /* as before */
    assert_int_equal(office_number(office, "SELECT count(*) FROM case_effect"), 0);
}

/* --- what is seen ---------------------------------------------------------------------------- */

static void test_a_payment_after_the_repair_verifies_it(void **state)
{
    struct office *office = *state;
    uint64_t id = office_take(office, office_flag(SIGNAL_FALLBACK, 100, SCENE_NOW)).case_id;
    int64_t fixed_us = office_fix(office, id, SCENE_NOW + OFFICE_MINUTE_US);
    office_time(office, fixed_us);
    assert_int_equal(clerk_waiting_count(office->clerk), 1);
    struct observation seen = {.kind = OBSERVATION_ENDED,
                               .detail = OBSERVED_APPROVED,
                               .terminal_id = "10000001",
                               .wall_us = fixed_us};
    office_see(office, seen); /* not after it */
    seen.wall_us = fixed_us + 1;
    seen.detail = OBSERVED_DECLINED;
    office_see(office, seen);
    seen.detail = OBSERVED_APPROVED;
    memcpy(seen.terminal_id, "10000009", 9);
    office_see(office, seen);
    memcpy(seen.terminal_id, "10000001", 9);
    memcpy(seen.serial, "SN-9", 5);
    office_see(office, seen);
    assert_int_equal(office_case(office, id).state, CASE_STATE_FIXED);
    seen.serial[0] = '\0'; /* it does not always tell */
    office_see(office, seen);
    struct service_case it = office_case(office, id);
    assert_int_equal(it.state, CASE_STATE_VERIFIED);
    assert_int_equal(it.verified_us, fixed_us + 1);
    assert_int_equal(clerk_waiting_count(office->clerk), 0);
    office_see(office, seen);
    assert_int_equal(office_case(office, id).event_count, it.event_count);
}

/* Not noticed by memory alone: that is what the look at the version is for. */
static void test_a_case_that_another_connection_changed_is_noticed(void **state)
{
    struct office *office = *state;
    uint64_t id = office_take(office, office_flag(SIGNAL_FALLBACK, 100, SCENE_NOW)).case_id;
    int64_t fixed_us = office_fix(office, id, SCENE_NOW + OFFICE_MINUTE_US);
    assert_int_equal(clerk_waiting_count(office->clerk), 0);
    office_time(office, fixed_us + 1);
    assert_int_equal(clerk_waiting_count(office->clerk), 1);
    /* and taken further before the clerk has looked: nothing breaks */
    office_person(office, id,
                  scene_event(CASE_EVENT_DISPATCH, CASE_ROLE_STAFF, fixed_us + OFFICE_MINUTE_US));
    office_see(office, (struct observation){.kind = OBSERVATION_SIGNED_ON,
                                            .terminal_id = "10000001",
                                            .serial = "SN-1",
                                            .wall_us = fixed_us + 2});
    assert_int_equal(office_case(office, id).state, CASE_STATE_DISPATCHED);
    office_time(office, fixed_us + OFFICE_MINUTE_US);
    assert_int_equal(clerk_waiting_count(office->clerk), 0);
}

static void test_the_terminals_state_ends_the_first_step_that_asked_for_it(void **state)
{
    struct office *office = *state;
    uint64_t id = office_take(office, office_flag(SIGNAL_DECLINES, 100, SCENE_NOW)).case_id;
    assert_int_equal(office_told(office, CASE_EFFECT_ASK_STATUS), 1);
    assert_int_equal(clerk_waiting_count(office->clerk), 1);
    assert_int_equal(office_case(office, id).steps[0], CASE_STEP_OPEN);
    struct observation seen = {
        .kind = OBSERVATION_STATUS, .terminal_id = "10000001", .faulty = 2, .wall_us = SCENE_NOW};
    office_see(office, seen); /* told before it was asked */
    assert_int_equal(office_case(office, id).steps[0], CASE_STEP_OPEN);
    seen.wall_us = SCENE_NOW + 1;
    office_see(office, seen);
    struct service_case it = office_case(office, id);
    assert_int_equal(it.steps[0], CASE_STEP_DONE);
    assert_int_equal(it.steps[1], CASE_STEP_DONE); /* by the register, at once */
    assert_int_equal(clerk_waiting_count(office->clerk), 0);
    assert_int_equal(office_number(office, "SELECT count(*) FROM case_entry"
                                           " WHERE reason LIKE '%parts are faulty'"),
                     1);
}

static void test_who_was_seen_is_written_once_a_minute(void **state)
{
    struct office *office = *state;
    int64_t minute_us = SCENE_NOW / OFFICE_MINUTE_US * OFFICE_MINUTE_US;
    struct observation seen = {.kind = OBSERVATION_ENDED, .terminal_id = "10000001"};
    for (int64_t i = 0; i < 50; i++) {
        seen.wall_us = minute_us + i * 1000000;
        memcpy(seen.firmware, i == 7 ? "1.2.3" : "", i == 7 ? 6 : 1);
        office_see(office, seen);
    }
    assert_int_equal(office_number(office, "SELECT count(*) FROM terminal_seen"), 0);
    office_time(office, minute_us + OFFICE_MINUTE_US);
    assert_int_equal(office_number(office, "SELECT count(*) FROM terminal_seen"
                                           " WHERE firmware = '1.2.3'"),
                     1);
    assert_int_equal(office_number(office, "SELECT max(seen_us) FROM terminal_seen"),
                     minute_us + 49 * 1000000);
    /* who only says who it is is nobody */
    seen.kind = OBSERVATION_SIGHTING;
    memcpy(seen.terminal_id, "66666666", 9);
    office_see(office, seen);
    assert_int_equal(clerk_flush(office->clerk), STATUS_OK);
    assert_int_equal(office_number(office, "SELECT count(*) FROM terminal_seen"), 1);
    /* a case knows the software that was told last */
    uint64_t id = office_take(office, office_flag(SIGNAL_FIRMWARE_OLD, 100, SCENE_NOW)).case_id;
    assert_string_equal(office_case(office, id).firmware, "1.2.3");
}

/* --- time ------------------------------------------------------------------------------------ */

static void test_half_most_and_all_of_the_time_are_told(void **state)
{
    struct office *office = *state;
    uint64_t id = office_take(office, office_flag(SIGNAL_TIMEOUTS, 100, SCENE_NOW)).case_id;
    struct service_case it = office_case(office, id);
    int64_t budget_us = it.repair.budget_us; /* working time, of which the whole is today's */
    assert_int_equal(budget_us, 240 * OFFICE_MINUTE_US);
    static const struct {
        int64_t percent;
        enum case_effect_kind whom;
    } STEPS[] = {{50, CASE_EFFECT_TELL_ENGINEER},
                 {80, CASE_EFFECT_TELL_DISPATCHER},
                 {100, CASE_EFFECT_TELL_MANAGER}};
    for (uint32_t i = 0; i < COUNT_OF(STEPS); i++) {
        int64_t at_us = SCENE_NOW + budget_us / 100 * STEPS[i].percent;
        office->told_count = 0;
        office_time(office, at_us - OFFICE_MINUTE_US);
        assert_int_equal(office->told_count, 0);
        office_time(office, at_us + OFFICE_MINUTE_US);
        assert_int_equal(office_told(office, STEPS[i].whom), 1);
        assert_int_equal(office->told_count, 1);
    }
    office->told_count = 0;
    office_time(office, SCENE_NOW + 2 * SCENE_DAY_US);
    assert_int_equal(office->told_count, 0);
    /* what was slept through is told at once, after a restart too */
    office_take(office, office_flag(SIGNAL_TOTALS_DIFFER, 200, SCENE_NOW + 2 * SCENE_DAY_US));
    office_restart(office);
    office->told_count = 0;
    office_time(office, SCENE_NOW + 4 * SCENE_DAY_US);
    assert_int_equal(office->told_count, 3);
}

static void test_a_hold_ends_by_itself(void **state)
{
    struct office *office = *state;
    uint64_t id = office_take(office, office_flag(SIGNAL_WRONG_PINS, 100, SCENE_NOW)).case_id;
    struct service_case it = office_case(office, id);
    assert_int_equal(it.state, CASE_STATE_HELD);
    office_time(office, it.hold_until_us - 1);
    assert_int_equal(office_told(office, CASE_EFFECT_RELEASE), 0);
    office_time(office, it.hold_until_us);
    assert_int_equal(office_told(office, CASE_EFFECT_RELEASE), 1);
    it = office_case(office, id);
    assert_int_equal(it.state, CASE_STATE_INVESTIGATING);
    assert_false(it.is_held);
}

static void test_more_cases_than_a_page_are_woken(void **state)
{
    struct office *office = *state;
    for (uint64_t i = 0; i < 150; i++) {
        struct flag flag = office_flag(SIGNAL_WRONG_PINS, 100 + i, SCENE_NOW);
        snprintf(flag.terminal_id, sizeof(flag.terminal_id), "3%07u", (unsigned)i);
        snprintf(flag.subject_id, sizeof(flag.subject_id), "%s", flag.terminal_id);
        office->told_count = 0;
        office_take(office, flag);
    }
    office->told_count = 0;
    assert_int_equal(office_number(office, "SELECT count(*) FROM service_case WHERE is_held ="
                                           " 'yes'"),
                     150);
    office_time(office, SCENE_NOW + 30 * SCENE_DAY_US);
    assert_int_equal(office_number(office, "SELECT count(*) FROM service_case WHERE is_held ="
                                           " 'yes'"),
                     0);
    assert_int_equal(office_told(office, CASE_EFFECT_RELEASE), 150);
}

static void test_a_fleet_that_stays_calm_is_verified(void **state)
{
    struct office *office = *state;
    struct flag flag = office_flag(SIGNAL_COHORT, 0, SCENE_NOW);
    flag.subject = FLAG_OF_COHORT;
    flag.cohort = COHORT_BRAND;
    flag.terminal_id[0] = flag.merchant_id[0] = '\0';
    snprintf(flag.subject_id, sizeof(flag.subject_id), "PAX");
    uint64_t id = office_take(office, flag).case_id;
    assert_string_equal(office_case(office, id).brand, "PAX");
    int64_t fixed_us = office_fix(office, id, SCENE_NOW + OFFICE_MINUTE_US);
    struct flag late = office_flag(SIGNAL_MALFORMED, 100, fixed_us + OFFICE_MINUTE_US);
    late.is_fleet_linked = true;
    assert_int_equal(office_take(office, late).case_id, id);
    office_time(office, fixed_us + SCENE_DAY_US);
    assert_int_equal(office_case(office, id).state, CASE_STATE_FIXED);
    office_time(office, fixed_us + SCENE_DAY_US + 61 * OFFICE_MINUTE_US);
    assert_int_equal(office_case(office, id).state, CASE_STATE_VERIFIED);
}

/* Another writer holds the file: nothing is lost, the next turn does it. */
static void test_a_file_that_others_hold_is_tried_again(void **state)
{
    struct office *office = *state;
    struct desk *other = scene_second(office->scene);
    sqlite3 *held = NULL;
    assert_int_equal(sqlite3_open(office->scene->path, &held), SQLITE_OK);
    assert_int_equal(sqlite3_exec(held, "BEGIN IMMEDIATE", NULL, NULL, NULL), SQLITE_OK);
    struct flag flag = office_flag(SIGNAL_TIMEOUTS, 100, SCENE_NOW);
    assert_int_equal(clerk_take(office->clerk, &flag, NULL), STATUS_EXPIRED);
    assert_non_null(strstr(clerk_reason(office->clerk), "try again"));
    sqlite3_exec(held, "ROLLBACK", NULL, NULL, NULL);
    sqlite3_close(held);
    desk_close(other);
    assert_int_equal(office_take(office, flag).verdict, MERGE_OPEN);
}

#define STORY(test) cmocka_unit_test_setup_teardown(test, office_set, office_strike)

int main(void)
{
    const struct CMUnitTest tests[] = {
        STORY(test_what_was_committed_and_not_told_is_told_after_a_crash),
        STORY(test_an_order_waits_for_the_one_before_it),
        STORY(test_what_the_switch_refuses_is_tried_again_or_told_to_a_person),
        STORY(test_what_only_asks_is_tried_again_where_nothing_waits_behind_it),
        STORY(test_a_clock_that_jumps_holds_nothing_up),
        STORY(test_an_update_asks_for_the_lowest_version_that_is_well),
        STORY(test_an_update_of_what_is_well_asks_for_the_latest_version),
        STORY(test_an_update_of_the_latest_asks_for_any_other),
        STORY(test_many_effects_are_all_told),
        STORY(test_what_people_ask_for_is_told_as_well),
        STORY(test_a_case_does_not_take_back_what_another_one_asked_for),
        STORY(test_a_cashier_is_told_nothing_else_while_another_case_stops_the_terminal),
        STORY(test_a_hold_is_neither_ended_nor_shortened_by_another_case),
        STORY(test_a_swap_binds_the_new_serial_number_and_its_signon_verifies),
        STORY(test_a_serial_number_that_is_bound_elsewhere_is_for_a_person),
        STORY(test_a_payment_after_the_repair_verifies_it),
        STORY(test_a_case_that_another_connection_changed_is_noticed),
        STORY(test_the_terminals_state_ends_the_first_step_that_asked_for_it),
        STORY(test_who_was_seen_is_written_once_a_minute),
        STORY(test_half_most_and_all_of_the_time_are_told),
        STORY(test_a_hold_ends_by_itself),
        STORY(test_more_cases_than_a_page_are_woken),
        STORY(test_a_fleet_that_stays_calm_is_verified),
        STORY(test_a_file_that_others_hold_is_tried_again),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
