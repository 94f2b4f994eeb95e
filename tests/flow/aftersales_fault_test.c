/* System faults, from the first flag to the closed case. */
#include "tests/flow/aftersales_stage.h"

#include <stdio.h>
#include <string.h>

static struct warranty terms(void)
{
    return (struct warranty){.brand = "PAX",
                             .part = PART_READER,
                             .months = 12,
                             .from = WARRANTY_FROM_SOLD,
                             .swap_after_repairs = 3,
                             .labour_minor = 5000,
                             .part_minor = 12000,
                             .key_loading_minor = 3000};
}

static struct warranty_answer decide(const struct desk *desk, const struct warranty *contract,
                                     enum damage damage)
{
    struct warranty_question question = {.terminal = &desk->terminal,
                                         .terms = contract,
                                         .term_count = 1,
                                         .part = PART_READER,
                                         .damage = damage,
                                         .today = desk_today(desk)};
    struct warranty_answer answer;
    warranty_decide(&question, &answer);
    return answer;
}

/* Expects that the terminal's good sign-on verifies the repair. */
static void sign_on(struct desk *desk, struct service_case *it, const char *serial)
{
    struct case_event seen = desk_event(desk, CASE_EVENT_OBSERVED, CASE_ROLE_SWITCH);
    snprintf(seen.serial, sizeof(seen.serial), "%s", serial);
    seen.is_good = true;
    desk_tell(desk, it, seen);
}

/* Flags of two rules become one case, and its likely fault is the reader. */
static struct service_case *reader_case(struct desk *desk)
{
    struct service_case *it = desk_flag(desk, SIGNAL_FALLBACK);
    assert_non_null(it);
    assert_int_equal(it->kind, CASE_FAULT);
    assert_true(desk_followed(desk, CASE_EFFECT_TELL_CASHIER));
    assert_ptr_equal(desk_flag(desk, SIGNAL_FALLBACK), it);
    assert_int_equal(it->flag_count, 2);
    struct cause_question question = {.flags = desk->flags,
                                      .flag_count = desk->flag_count,
                                      .channel = "bank_a",
                                      .merchant = &desk->merchant,
                                      .today = desk_today(desk)};
    struct cause_answer answer;
    cause_find(&question, &answer);
    assert_int_equal(answer.ranks[0].fault, FAULT_READER);
    assert_int_equal(answer.place, CAUSE_AT_TERMINAL);
    struct case_event triage = desk_event(desk, CASE_EVENT_TRIAGE, CASE_ROLE_STAFF);
    snprintf(triage.fault, sizeof(triage.fault), "%s", fault_code(answer.ranks[0].fault));
    triage.service_class = fault_service_class(answer.ranks[0].fault);
    desk_tell(desk, it, triage);
    return it;
}

static void test_a_worn_reader_is_mended_at_the_merchants_cost_and_verified(void **state)
{
    (void)state;
    static struct desk desk;
    desk_open(&desk);
    struct service_case *it = reader_case(&desk);
    assert_string_equal(it->fault, "C1");
    desk_refuse(&desk, it, desk_event(&desk, CASE_EVENT_DISPATCH, CASE_ROLE_STAFF), "RESTART");
    desk_do(&desk, it, CASE_EVENT_ADVISE, CASE_ROLE_STAFF);
    desk_try(&desk, it, 1, CASE_STEP_DONE);
    assert_true(desk_followed(&desk, CASE_EFFECT_ASK_UPDATE));
    desk_try(&desk, it, 2, CASE_STEP_IMPOSSIBLE);

    /* one day out of warranty: a price, and the clock stands still over National Day */
    struct warranty contract = terms();
    struct warranty_answer answer = decide(&desk, &contract, DAMAGE_WEAR);
    assert_int_equal(answer.verdict, WARRANTY_VERDICT_EXPIRED);
    assert_int_equal(answer.ends_day + 1, desk_today(&desk));
    assert_true(answer.needs_acceptance);
    struct case_event quote = desk_event(&desk, CASE_EVENT_QUOTE, CASE_ROLE_STAFF);
    quote.cost_minor = answer.cost_minor;
    desk_tell(&desk, it, quote);
    assert_int_equal(it->cost_minor, 20000);
    assert_int_equal(desk_wait(&desk, 3 * DESK_DAY_US), 0);
    desk_refuse(&desk, it, desk_event(&desk, CASE_EVENT_FIX, CASE_ROLE_STAFF), "merchant's word");
    desk_do(&desk, it, CASE_EVENT_QUOTE_ACCEPT, CASE_ROLE_MERCHANT);

    /* Thursday 1 October: the points are shut, the nearest is named all the same */
    struct serve_stage stage = {desk.points, 4, NULL, 0};
    struct serve_question where = desk_place(&desk, PART_READER);
    struct serve_point found[SERVE_POINT_COUNT_MAX];
    assert_int_equal(serve_points(&where, &stage, found), 3);
    assert_string_equal(found[0].point->point_id, "pudong");
    assert_string_equal(found[2].point->point_id, "baoshan");
    struct serve_channel channels[SERVE_CHANNEL_COUNT_MAX];
    assert_int_equal(serve_channels(&where, desk.channels, 3, channels), 2);
    assert_string_equal(channels[0].channel->channel_id, "shop");
    assert_int_equal(serve_order(it->obtained).servers[0], SERVER_AGENT);

    struct case_event dispatch = desk_event(&desk, CASE_EVENT_DISPATCH, CASE_ROLE_STAFF);
    dispatch.place = SERVICE_SITE_CITY;
    snprintf(dispatch.point_id, sizeof(dispatch.point_id), "%s", found[0].point->point_id);
    desk_tell(&desk, it, dispatch);
    assert_int_equal(work_calendar_day(&desk.rules.calendar,
                                       service_clock_due(&it->repair, &desk.rules.calendar)),
                     desk_day("2026-10-08"));
    desk_do(&desk, it, CASE_EVENT_ACCEPT, CASE_ROLE_ENGINEER);
    assert_int_equal(desk_wait(&desk, 7 * DESK_DAY_US), 0); /* nobody works, nothing escalates */
    desk_do(&desk, it, CASE_EVENT_ARRIVE, CASE_ROLE_ENGINEER);
    desk_do(&desk, it, CASE_EVENT_FIX, CASE_ROLE_ENGINEER);
    assert_true(desk_followed(&desk, CASE_EFFECT_ASK_SIGNON));
    desk_refuse(&desk, it, desk_event(&desk, CASE_EVENT_OBSERVED, CASE_ROLE_ENGINEER),
                "may not be done by ENGINEER");
    sign_on(&desk, it, DESK_SERIAL);
    assert_int_equal(it->state, CASE_STATE_VERIFIED);
    desk_close(&desk, it, CASE_ROLE_STAFF, CASE_OUTCOME_CONFIRMED);
    assert_null(desk_flag(&desk, SIGNAL_FALLBACK)); /* quiet for a week */
    desk_wait(&desk, 7 * DESK_DAY_US);
    assert_ptr_not_equal(desk_flag(&desk, SIGNAL_FALLBACK), it);
    assert_int_equal(desk.case_count, 2);
}

static struct service_case *mended(struct desk *desk)
{
    struct service_case *it = reader_case(desk);
    desk_try(desk, it, 1, CASE_STEP_DONE);
    desk_try(desk, it, 2, CASE_STEP_DONE);
    desk_do(desk, it, CASE_EVENT_DISPATCH, CASE_ROLE_STAFF);
    desk_do(desk, it, CASE_EVENT_ACCEPT, CASE_ROLE_ENGINEER);
    desk_do(desk, it, CASE_EVENT_ARRIVE, CASE_ROLE_ENGINEER);
    desk_do(desk, it, CASE_EVENT_FIX, CASE_ROLE_ENGINEER);
    sign_on(desk, it, DESK_SERIAL);
    desk_close(desk, it, CASE_ROLE_STAFF, CASE_OUTCOME_CONFIRMED);
    return it;
}

static void test_a_merchant_who_is_not_content_gets_another_device(void **state)
{
    (void)state;
    static struct desk desk;
    desk_open(&desk);
    desk.terminal.sold_day = desk_day("2026-01-01");
    struct service_case *it = mended(&desk);
    desk_wait(&desk, 2 * DESK_DAY_US);
    struct case_event score = desk_event(&desk, CASE_EVENT_SCORE, CASE_ROLE_MERCHANT);
    score.score = 1;
    desk_tell(&desk, it, score);
    assert_int_equal(it->state, CASE_STATE_REOPENED);
    assert_true(it->is_at_manager);
    assert_true(desk_followed(&desk, CASE_EFFECT_TELL_MANAGER));

    desk.terminal.repair_count = 3; /* in warranty, repaired often enough */
    struct warranty contract = terms();
    struct warranty_answer answer = decide(&desk, &contract, DAMAGE_WEAR);
    assert_true(answer.is_free);
    assert_int_equal(answer.way, REPAIR_WAY_SWAP);
    struct case_event dispatch = desk_event(&desk, CASE_EVENT_DISPATCH, CASE_ROLE_MANAGER);
    dispatch.place = SERVICE_SWAP;
    desk_tell(&desk, it, dispatch);
    struct case_event swap = desk_event(&desk, CASE_EVENT_SWAP, CASE_ROLE_ENGINEER);
    snprintf(swap.serial, sizeof(swap.serial), "PAX-0002");
    desk_tell(&desk, it, swap);
    assert_true(desk_followed(&desk, CASE_EFFECT_BIND));
    assert_true(desk_followed(&desk, CASE_EFFECT_DESTROY_KEYS));
    struct case_event old = desk_event(&desk, CASE_EVENT_OBSERVED, CASE_ROLE_SWITCH);
    snprintf(old.serial, sizeof(old.serial), DESK_SERIAL);
    old.is_good = true;
    desk.now_us += DESK_MINUTE_US;
    desk_refuse(&desk, it, old, "not from the serial number");
    sign_on(&desk, it, "PAX-0002");
    struct case_event close = desk_event(&desk, CASE_EVENT_CLOSE, CASE_ROLE_STAFF);
    close.outcome = CASE_OUTCOME_CONFIRMED;
    desk_refuse(&desk, it, close, "the manager's");
    desk_close(&desk, it, CASE_ROLE_MANAGER, CASE_OUTCOME_CONFIRMED);
    assert_int_equal(it->reopen_count, 1);
}

static void test_a_restart_that_helps_ends_it_without_a_visit(void **state)
{
    (void)state;
    static struct desk desk;
    desk_open(&desk);
    struct service_case *it = desk_flag(&desk, SIGNAL_MAC_FAILURES);
    assert_string_equal(it->cause, "K1");
    assert_ptr_equal(desk_flag(&desk, SIGNAL_NO_SIGNON), it);
    desk_do(&desk, it, CASE_EVENT_TRIAGE, CASE_ROLE_SWITCH);
    desk_do(&desk, it, CASE_EVENT_ADVISE, CASE_ROLE_SWITCH);
    assert_true(desk_followed(&desk, CASE_EFFECT_TELL_CASHIER));
    desk_try(&desk, it, 1, CASE_STEP_HELPED);
    desk_do(&desk, it, CASE_EVENT_FIX, CASE_ROLE_SWITCH);
    sign_on(&desk, it, DESK_SERIAL);
    desk_close(&desk, it, CASE_ROLE_STAFF, CASE_OUTCOME_CONFIRMED);
}

static void test_tampering_is_stopped_at_once_and_always_swapped(void **state)
{
    (void)state;
    static struct desk desk;
    desk_open(&desk);
    struct service_case *it = desk_flag(&desk, SIGNAL_KEYS_LOST);
    assert_true(desk.merged.is_stop_permitted);
    assert_int_equal(desk.merged.follow, FOLLOW_UP_STOP);
    struct warranty contract = terms();
    assert_int_equal(decide(&desk, &contract, DAMAGE_TAMPER).way, REPAIR_WAY_SWAP);
    struct case_event stop = desk_event(&desk, CASE_EVENT_STOP, CASE_ROLE_SWITCH);
    stop.is_stop_permitted = desk.merged.is_stop_permitted;
    desk_tell(&desk, it, stop);
    assert_true(desk_followed(&desk, CASE_EFFECT_STOP));
    /* severity 4: nobody waits for first steps */
    desk_do(&desk, it, CASE_EVENT_TRIAGE, CASE_ROLE_STAFF);
    desk_do(&desk, it, CASE_EVENT_DISPATCH, CASE_ROLE_STAFF);
    struct case_event swap = desk_event(&desk, CASE_EVENT_SWAP, CASE_ROLE_ENGINEER);
    snprintf(swap.serial, sizeof(swap.serial), "PAX-0003");
    desk_tell(&desk, it, swap);
    assert_true(desk_followed(&desk, CASE_EFFECT_RESUME));
    sign_on(&desk, it, "PAX-0003");
    desk_close(&desk, it, CASE_ROLE_STAFF, CASE_OUTCOME_CONFIRMED);
}

static void test_a_bad_release_is_one_case_with_the_maker(void **state)
{
    (void)state;
    static struct desk desk;
    desk_open(&desk);
    struct flag cohort = desk_flag_of(&desk, SIGNAL_MALFORMED);
    cohort.subject = FLAG_OF_COHORT;
    cohort.cohort = COHORT_FIRMWARE;
    cohort.terminal_id[0] = cohort.merchant_id[0] = cohort.serial[0] = '\0';
    snprintf(cohort.subject_id, sizeof(cohort.subject_id), "PAX A920 1.2.3");
    struct service_case *it = desk_raise(&desk, cohort);
    assert_non_null(it);
    assert_true(desk_followed(&desk, CASE_EFFECT_TELL_MAKER));
    assert_false(desk_followed(&desk, CASE_EFFECT_TELL_CASHIER)); /* there is none to tell */
    for (unsigned i = 0; i < 40; i++) {
        struct flag flag = desk_flag_of(&desk, SIGNAL_MALFORMED);
        snprintf(flag.terminal_id, sizeof(flag.terminal_id), "2%07u", i);
        snprintf(flag.subject_id, sizeof(flag.subject_id), "%s", flag.terminal_id);
        flag.is_fleet_linked = true;
        assert_null(desk_raise(&desk, flag));
        assert_int_equal(desk.merged.verdict, MERGE_LINK);
        assert_int_equal(desk.merged.case_id, it->id);
    }
    assert_int_equal(desk.case_count, 1);
    struct cause_question question = {.flags = &desk.flags[1], .flag_count = 1, .cohort = &cohort};
    struct cause_answer answer;
    cause_find(&question, &answer);
    assert_int_equal(answer.place, CAUSE_AT_COHORT);

    desk_do(&desk, it, CASE_EVENT_TRIAGE, CASE_ROLE_STAFF);
    desk_try(&desk, it, 1, CASE_STEP_IMPOSSIBLE);
    desk_try(&desk, it, 2, CASE_STEP_IMPOSSIBLE);
    desk_do(&desk, it, CASE_EVENT_GO_REMOTE, CASE_ROLE_STAFF);
    desk_do(&desk, it, CASE_EVENT_ESCALATE, CASE_ROLE_STAFF);
    desk_do(&desk, it, CASE_EVENT_FIX, CASE_ROLE_MAKER);
    struct case_event well = desk_event(&desk, CASE_EVENT_OBSERVED, CASE_ROLE_SWITCH);
    well.is_good = true;
    well.terminal_id[0] = '\0'; /* the fleet does as well as its peers again */
    desk_tell(&desk, it, well);
    desk_close(&desk, it, CASE_ROLE_STAFF, CASE_OUTCOME_CONFIRMED);
}

static void test_what_nobody_takes_up_escalates_to_the_manager(void **state)
{
    (void)state;
    static struct desk desk;
    desk_open(&desk);
    struct service_case *it = desk_flag(&desk, SIGNAL_TOTALS_DIFFER);
    assert_int_equal(it->service_class, SERVICE_P2);
    desk_wait(&desk, 61 * DESK_MINUTE_US);
    assert_true(desk_followed(&desk, CASE_EFFECT_TELL_ENGINEER));
    desk_wait(&desk, 35 * DESK_MINUTE_US);
    assert_true(desk_followed(&desk, CASE_EFFECT_TELL_DISPATCHER));
    desk_wait(&desk, 25 * DESK_MINUTE_US);
    assert_true(desk_followed(&desk, CASE_EFFECT_TELL_MANAGER));
    assert_int_equal(desk_wait(&desk, DESK_DAY_US), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_worn_reader_is_mended_at_the_merchants_cost_and_verified),
        cmocka_unit_test(test_a_merchant_who_is_not_content_gets_another_device),
        cmocka_unit_test(test_a_restart_that_helps_ends_it_without_a_visit),
        cmocka_unit_test(test_tampering_is_stopped_at_once_and_always_swapped),
        cmocka_unit_test(test_a_bad_release_is_one_case_with_the_maker),
        cmocka_unit_test(test_what_nobody_takes_up_escalates_to_the_manager),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
