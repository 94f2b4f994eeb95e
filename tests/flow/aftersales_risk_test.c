/* Risk: a terminal that wanders, holds that end, and what may stop it. */
#include "tests/flow/aftersales_stage.h"

#include <stdio.h>
#include <string.h>

#include "switch/aftersales/inspection.h"

static struct case_event stop_by_switch(const struct desk *desk)
{
    struct case_event event = desk_event(desk, CASE_EVENT_STOP, CASE_ROLE_SWITCH);
    event.is_stop_permitted = desk->merged.is_stop_permitted;
    return event;
}

static void test_a_moved_terminal_is_held_then_stopped_by_a_second_opinion(void **state)
{
    (void)state;
    static struct desk desk;
    desk_open(&desk);
    struct service_case *it = desk_flag(&desk, SIGNAL_OUTSIDE_FENCE);
    assert_int_equal(it->kind, CASE_RISK);
    assert_true(desk_followed(&desk, CASE_EFFECT_TELL_MANAGER));
    desk_wait(&desk, 2 * DESK_DAY_US); /* Wednesday before National Day */
    desk_do(&desk, it, CASE_EVENT_HOLD, CASE_ROLE_SWITCH);
    assert_true(desk_followed(&desk, CASE_EFFECT_HOLD));
    assert_int_equal(work_calendar_day(&desk.rules.calendar, it->hold_until_us),
                     desk_day("2026-10-12")); /* 8, 9, and Monday */
    desk_wait(&desk, 11 * DESK_DAY_US);
    assert_true(it->is_held);
    desk_wait(&desk, DESK_DAY_US);
    assert_false(it->is_held);
    assert_int_equal(it->state, CASE_STATE_INVESTIGATING);
    assert_true(desk.effects.has_record);
    assert_true(desk_followed(&desk, CASE_EFFECT_RELEASE));

    /* it travels: the same cause, more severe, and still for a person to stop */
    assert_ptr_equal(desk_flag(&desk, SIGNAL_TRAVEL), it);
    assert_int_equal(it->severity, 4);
    assert_true(desk.merged.is_person_asked);
    assert_int_equal(desk.merged.follow, FOLLOW_UP_HOLD);
    desk_refuse(&desk, it, stop_by_switch(&desk), "two independent flags");

    /* a listed card at it is another thing that says so */
    struct service_case *card = desk_flag(&desk, SIGNAL_CARD_LISTED);
    assert_ptr_not_equal(card, it);
    assert_true(desk.merged.is_stop_permitted);
    desk_tell(&desk, card, stop_by_switch(&desk));
    assert_true(desk_followed(&desk, CASE_EFFECT_STOP));
    desk_do(&desk, card, CASE_EVENT_RECOVER, CASE_ROLE_ENGINEER);
    desk_do(&desk, card, CASE_EVENT_REPORT, CASE_ROLE_STAFF);
    assert_true(desk_followed(&desk, CASE_EFFECT_REPORT));
    desk_close(&desk, card, CASE_ROLE_STAFF, CASE_OUTCOME_CONFIRMED);
    assert_true(card->is_stopped); /* confirmed: it stays so */
    desk_do(&desk, it, CASE_EVENT_CONFIRM, CASE_ROLE_MANAGER);
    desk_close(&desk, it, CASE_ROLE_MANAGER, CASE_OUTCOME_CONFIRMED);
}

static void test_a_wrong_stop_is_taken_back(void **state)
{
    (void)state;
    static struct desk desk;
    desk_open(&desk);
    struct service_case *it = desk_flag(&desk, SIGNAL_SERIAL_DIFFERS);
    desk_tell(&desk, it, stop_by_switch(&desk));
    desk_do(&desk, it, CASE_EVENT_CLEAR, CASE_ROLE_STAFF); /* a swap that nobody had registered */
    assert_true(desk_followed(&desk, CASE_EFFECT_RESUME));
    desk_close(&desk, it, CASE_ROLE_STAFF, CASE_OUTCOME_BENIGN);
    assert_false(it->is_stopped);
    /* severity 4 is never quiet */
    assert_ptr_not_equal(desk_flag(&desk, SIGNAL_SERIAL_DIFFERS), it);
    assert_int_equal(desk.case_count, 2);
}

static void test_a_hold_that_is_cleared_pays_at_once(void **state)
{
    (void)state;
    static struct desk desk;
    desk_open(&desk);
    struct service_case *it = desk_flag(&desk, SIGNAL_CASH_OUT);
    desk_do(&desk, it, CASE_EVENT_HOLD, CASE_ROLE_SWITCH);
    desk_refuse(&desk, it, desk_event(&desk, CASE_EVENT_CLEAR, CASE_ROLE_STAFF), "CHECK_NETWORK");
    desk_try(&desk, it, 1, CASE_STEP_DONE);
    desk_try(&desk, it, 2, CASE_STEP_DONE);
    desk_do(&desk, it, CASE_EVENT_CLEAR, CASE_ROLE_STAFF);
    assert_true(desk_followed(&desk, CASE_EFFECT_RELEASE));
    desk_close(&desk, it, CASE_ROLE_STAFF, CASE_OUTCOME_BENIGN);
    assert_false(desk_followed(&desk, CASE_EFFECT_RELEASE)); /* once */
}

static void test_an_inspection_finds_what_no_signal_told(void **state)
{
    (void)state;
    static struct desk desk;
    desk_open(&desk);
    desk.merchant.contract_from_day = desk_day("2025-06-01");
    struct inspection_rules rules;
    inspection_rules_default(&rules);
    struct inspection_due due;
    inspection_next(&rules, &desk.merchant, 2, desk_day("2025-09-30"), desk_today(&desk), &due);
    assert_true(due.is_near && !due.is_overdue);
    struct inspection visit = {.serial = "PAX-9999", .day = desk_today(&desk), .is_on_site = true};
    memset(visit.marks, INSPECTION_GOOD, sizeof(visit.marks));
    struct inspection_result result;
    inspection_judge(&visit, &desk.merchant, &desk.terminal, &result);
    assert_true(result.needs_case);
    struct service_case *it = desk_call(&desk, result.kind, result.reason);
    it->severity = result.severity;
    desk_do(&desk, it, CASE_EVENT_STOP, CASE_ROLE_MANAGER); /* a person may, alone */
    desk_do(&desk, it, CASE_EVENT_RECOVER, CASE_ROLE_STAFF);
    desk_close(&desk, it, CASE_ROLE_STAFF, CASE_OUTCOME_CONFIRMED);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_moved_terminal_is_held_then_stopped_by_a_second_opinion),
        cmocka_unit_test(test_a_wrong_stop_is_taken_back),
        cmocka_unit_test(test_a_hold_that_is_cleared_pays_at_once),
        cmocka_unit_test(test_an_inspection_finds_what_no_signal_told),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
