/* What becomes of a flag: a case, a part of one, or a note. */
#include "tests/unit/switch/followup/clerk_scene.h"

static void test_a_flag_opens_a_case_with_its_likely_cause(void **state)
{
    struct office *office = *state;
    struct flag flag = office_flag(SIGNAL_SILENT, 0, SCENE_NOW);
    struct clerk_taken taken = office_take(office, flag);
    assert_true(taken.is_new);
    assert_int_equal(taken.verdict, MERGE_OPEN);
    struct service_case it = office_case(office, taken.case_id);
    assert_int_equal(it.kind, CASE_FAULT);
    assert_int_equal(it.state, CASE_STATE_SELF_HELP);
    assert_string_equal(it.cause, "N1");
    assert_string_equal(it.fault, "N1");
    assert_string_equal(it.serial, "SN-1"); /* the flag told none */
    assert_string_equal(it.brand, "PAX");
    assert_string_equal(it.model, "A920");
    assert_string_equal(it.firmware, "1.0.0");
    assert_string_equal(it.merchant_id, "M1");
    assert_int_equal(it.obtained, OBTAINED_AGENT);
    assert_int_equal(office_number(office, "SELECT count(*) FROM case_entry"), 3);
    assert_int_equal(office_number(office,
                                   "SELECT count(*) FROM case_entry WHERE kind = 'TRIAGE'"
                                   " AND reason LIKE 'likely N1%T8%ruled out, others of its brand%'"
                                   " AND actor = 'tillwayd' AND role = 'SWITCH'"),
                     1);
    assert_int_equal(office_number(office, "SELECT case_id FROM flag"), taken.case_id);
    /* the last word to the cashier is the fault's own */
    assert_int_equal(office_told(office, CASE_EFFECT_TELL_CASHIER), 2);
    assert_non_null(strstr(office->told[1].text, "SIM"));
    assert_int_equal(office_number(office, "SELECT count(*) FROM case_effect"), 0);
}

static void test_the_log_read_again_adds_nothing(void **state)
{
    struct office *office = *state;
    struct flag flags[] = {office_flag(SIGNAL_FALLBACK, 100, SCENE_NOW),
                           office_flag(SIGNAL_FALLBACK, 101, SCENE_NOW + 1),
                           office_flag(SIGNAL_SILENT, 0, SCENE_NOW + 2)};
    for (uint32_t i = 0; i < COUNT_OF(flags); i++) {
        assert_true(office_take(office, flags[i]).is_new);
    }
    int64_t entries = office_number(office, "SELECT count(*) FROM case_entry");
    uint32_t told = office->told_count;
    office_restart(office);
    for (uint32_t i = 0; i < COUNT_OF(flags); i++) {
        struct clerk_taken again = office_take(office, flags[i]);
        assert_false(again.is_new);
        assert_int_equal(again.case_id, 0);
    }
    office_time(office, SCENE_NOW + 3);
    assert_int_equal(office_number(office, "SELECT count(*) FROM case_entry"), entries);
    assert_int_equal(office_number(office, "SELECT count(*) FROM service_case"), 2);
    assert_int_equal(office_number(office, "SELECT count(*) FROM flag"), 3);
    assert_int_equal(office->told_count, told);
}

static void test_further_flags_join_the_open_case(void **state)
{
    struct office *office = *state;
    uint64_t id = office_take(office, office_flag(SIGNAL_MAC_FAILURES, 100, SCENE_NOW)).case_id;
    struct clerk_taken taken = office_take(office, office_flag(SIGNAL_NO_SIGNON, 102, SCENE_NOW));
    assert_int_equal(taken.verdict, MERGE_JOIN);
    assert_int_equal(taken.case_id, id);
    assert_int_equal(office_case(office, id).flag_count, 2);
    assert_int_equal(office_number(office, "SELECT count(*) FROM flag WHERE case_id = 1"), 2);
    assert_int_equal(office_number(office, "SELECT count(*) FROM case_txn"), 4); /* 99 to 102 */
    assert_int_equal(office_number(office, "SELECT count(*) FROM case_entry WHERE kind = 'JOIN'"
                                           " AND reason LIKE 'T18 %: 12 against 10'"),
                     1);
}

static void test_a_watched_rule_opens_nothing(void **state)
{
    struct office *office = *state;
    struct flag flag = office_flag(SIGNAL_TIMEOUTS, 100, SCENE_NOW);
    flag.is_watched_only = true;
    assert_int_equal(office_take(office, flag).verdict, MERGE_NOTHING);
    assert_int_equal(office_number(office, "SELECT count(*) FROM flag WHERE case_id = 0"), 1);
    assert_int_equal(office_number(office, "SELECT count(*) FROM service_case"), 0);
    assert_int_equal(office->told_count, 0);
}

static struct flag cohort_flag(void)
{
    struct flag flag = office_flag(SIGNAL_COHORT, 0, SCENE_NOW);
    flag.subject = FLAG_OF_COHORT;
    flag.cohort = COHORT_FIRMWARE;
    flag.terminal_id[0] = flag.merchant_id[0] = '\0';
    snprintf(flag.subject_id, sizeof(flag.subject_id), "PAX A920 1.0.0");
    return flag;
}

static void test_a_fleet_is_one_case_and_its_terminals_flags_are_linked(void **state)
{
    struct office *office = *state;
    struct device_model model = scene_model();
    assert_int_equal(
        registry_put(office->scene->desk, REGISTRY_DEVICE_MODEL, &model, &office->scene->ann),
        STATUS_OK);
    uint64_t id = office_take(office, cohort_flag()).case_id;
    struct service_case it = office_case(office, id);
    assert_true(it.is_makers);
    assert_string_equal(it.brand, "PAX");
    assert_string_equal(it.model, "A920");
    assert_string_equal(it.firmware, "1.0.0");
    assert_string_equal(it.fault, "A1"); /* what they have in common is software */
    assert_int_equal(office_told(office, CASE_EFFECT_TELL_MAKER), 1);
    assert_int_equal(office_told(office, CASE_EFFECT_TELL_CASHIER), 0);
    for (uint64_t i = 0; i < 3; i++) {
        struct flag flag = office_flag(SIGNAL_MALFORMED, 100 + i, SCENE_NOW + 1);
        flag.is_fleet_linked = true;
        struct clerk_taken taken = office_take(office, flag);
        assert_int_equal(taken.verdict, MERGE_LINK);
        assert_int_equal(taken.case_id, id);
    }
    assert_int_equal(office_number(office, "SELECT count(*) FROM flag WHERE case_id = 1"), 4);
    assert_int_equal(office_number(office, "SELECT count(*) FROM service_case"), 1);
    /* of another brand: its own cohort's case is not there, the flag is noted only */
    struct terminal_registration other = {.terminal_id = "20000002",
                                          .brand = "LANDI",
                                          .model = "A8",
                                          .serial = "L-1",
                                          .state = TERMINAL_STATE_ACTIVE};
    assert_int_equal(
        registry_put(office->scene->desk, REGISTRY_TERMINAL, &other, &office->scene->ann),
        STATUS_OK);
    struct flag elsewhere = office_flag(SIGNAL_MALFORMED, 200, SCENE_NOW + 1);
    elsewhere.is_fleet_linked = true;
    memcpy(elsewhere.terminal_id, "20000002", 9);
    memcpy(elsewhere.subject_id, "20000002", 9);
    struct clerk_taken taken = office_take(office, elsewhere);
    assert_int_equal(taken.verdict, MERGE_LINK);
    assert_int_equal(taken.case_id, 0);
}

static uint64_t closed_case(struct office *office, int64_t at_us, enum case_outcome outcome)
{
    uint64_t id = office_take(office, office_flag(SIGNAL_TIMEOUTS, 100, SCENE_NOW)).case_id;
    at_us = office_fix(office, id, at_us) + OFFICE_MINUTE_US;
    office_time(office, at_us);
    office_see(office, (struct observation){.kind = OBSERVATION_SIGNED_ON,
                                            .terminal_id = "10000001",
                                            .serial = "SN-1",
                                            .wall_us = at_us});
    assert_int_equal(office_case(office, id).state, CASE_STATE_VERIFIED);
    struct case_event close =
        scene_event(CASE_EVENT_CLOSE, CASE_ROLE_STAFF, at_us + OFFICE_MINUTE_US);
    close.outcome = outcome;
    office_person(office, id, close);
    return id;
}

static void test_a_repair_that_did_not_hold_opens_its_case_again(void **state)
{
    struct office *office = *state;
    uint64_t id = closed_case(office, SCENE_NOW + OFFICE_MINUTE_US, CASE_OUTCOME_CONFIRMED);
    int64_t at_us = office_case(office, id).closed_us;
    /* what was counted lies partly before the repair: it says nothing about it */
    struct flag early = office_flag(SIGNAL_TIMEOUTS, 110, at_us + 1);
    early.window_begin_us = SCENE_NOW;
    struct clerk_taken taken = office_take(office, early);
    assert_int_equal(taken.verdict, MERGE_NOTHING);
    assert_int_equal(office_case(office, id).state, CASE_STATE_CLOSED);
    office->told_count = 0;
    taken = office_take(office, office_flag(SIGNAL_TIMEOUTS, 120, at_us + SCENE_DAY_US));
    assert_true(taken.is_reopened);
    assert_int_equal(taken.verdict, MERGE_JOIN);
    assert_int_equal(taken.case_id, id);
    struct service_case it = office_case(office, id);
    assert_int_equal(it.state, CASE_STATE_REOPENED);
    assert_int_equal(it.reopen_count, 1);
    assert_int_equal(it.flag_count, 2);
    assert_int_equal(office_told(office, CASE_EFFECT_TELL_DISPATCHER), 1);
    /* the next ones join it */
    taken = office_take(office, office_flag(SIGNAL_SLOW, 121, at_us + SCENE_DAY_US + 1));
    assert_int_equal(taken.case_id, id);
    assert_false(taken.is_reopened);
}

static void test_another_rule_of_the_same_cause_opens_it_again_too(void **state)
{
    struct office *office = *state;
    uint64_t id = closed_case(office, SCENE_NOW + OFFICE_MINUTE_US, CASE_OUTCOME_CONFIRMED);
    int64_t at_us = office_case(office, id).closed_us;
    struct clerk_taken taken =
        office_take(office, office_flag(SIGNAL_REVERSALS, 120, at_us + SCENE_DAY_US));
    assert_true(taken.is_reopened);
    assert_int_equal(taken.case_id, id);
}

static void test_a_case_that_was_nothing_stays_quiet_for_its_days(void **state)
{
    struct office *office = *state;
    uint64_t id = closed_case(office, SCENE_NOW + OFFICE_MINUTE_US, CASE_OUTCOME_BENIGN);
    int64_t at_us = office_case(office, id).closed_us;
    struct clerk_taken taken =
        office_take(office, office_flag(SIGNAL_TIMEOUTS, 120, at_us + 6 * SCENE_DAY_US));
    assert_int_equal(taken.verdict, MERGE_NOTHING);
    assert_int_equal(office_number(office, "SELECT count(*) FROM service_case"), 1);
    taken = office_take(office, office_flag(SIGNAL_TIMEOUTS, 130, at_us + 8 * SCENE_DAY_US));
    assert_int_equal(taken.verdict, MERGE_OPEN);
    assert_int_not_equal(taken.case_id, id);
}

/* A position that was missing, mended; that the terminal stands elsewhere now is risk's. */
static void test_a_risk_opens_no_repair_again(void **state)
{
    struct office *office = *state;
    uint64_t id = closed_case(office, SCENE_NOW + OFFICE_MINUTE_US, CASE_OUTCOME_CONFIRMED);
    assert_string_equal(
        scene_sql(office->scene, "UPDATE service_case SET cause = 'L1', fault = 'L1'"), "");
    int64_t at_us = office_case(office, id).closed_us + SCENE_DAY_US;
    struct clerk_taken taken = office_take(office, office_flag(SIGNAL_OUTSIDE_FENCE, 120, at_us));
    assert_false(taken.is_reopened);
    assert_int_equal(taken.verdict, MERGE_OPEN);
    assert_int_equal(office_case(office, taken.case_id).kind, CASE_RISK);
    taken = office_take(office, office_flag(SIGNAL_POSITION_BAD, 121, at_us + SCENE_DAY_US));
    assert_true(taken.is_reopened);
    assert_int_equal(taken.case_id, id);
}

/* Who stands by the terminal asks for service, and calls it what a risk is called. */
static void test_a_request_by_the_name_of_a_risk_takes_none_in(void **state)
{
    struct office *office = *state;
    uint64_t request = scene_case(office->scene, CASE_SERVICE, "10000001");
    assert_string_equal(
        scene_sql(office->scene, "UPDATE service_case SET cause = 'X2', fault = 'X2'"), "");
    struct clerk_taken taken =
        office_take(office, office_flag(SIGNAL_SERIAL_DIFFERS, 100, SCENE_NOW));
    assert_int_equal(taken.verdict, MERGE_OPEN);
    assert_int_not_equal(taken.case_id, request);
    assert_int_equal(office_case(office, taken.case_id).kind, CASE_RISK);
    assert_true(office_case(office, taken.case_id).is_stopped);
    assert_int_equal(office_told(office, CASE_EFFECT_STOP), 1);
}

static void test_after_the_days_for_it_nothing_is_opened_again(void **state)
{
    struct office *office = *state;
    uint64_t id = closed_case(office, SCENE_NOW + OFFICE_MINUTE_US, CASE_OUTCOME_CONFIRMED);
    int64_t at_us = office_case(office, id).closed_us + 8 * SCENE_DAY_US;
    struct clerk_taken taken = office_take(office, office_flag(SIGNAL_TIMEOUTS, 120, at_us));
    assert_int_equal(taken.verdict, MERGE_OPEN);
    assert_int_not_equal(taken.case_id, id);
    assert_int_equal(office_case(office, id).state, CASE_STATE_CLOSED);
}

static void test_the_days_for_it_are_those_of_the_rules(void **state)
{
    struct office *office = *state;
    uint64_t id = closed_case(office, SCENE_NOW + OFFICE_MINUTE_US, CASE_OUTCOME_CONFIRMED);
    int64_t at_us = office_case(office, id).closed_us;
    office->rules.reopen_days = 3; /* fewer than the quiet ones */
    clerk_set_rules(office->clerk, &office->rules);
    struct clerk_taken taken =
        office_take(office, office_flag(SIGNAL_TIMEOUTS, 120, at_us + 4 * SCENE_DAY_US));
    assert_int_equal(taken.verdict, MERGE_NOTHING);
    assert_int_equal(office_case(office, id).state, CASE_STATE_CLOSED);
    office->rules.reopen_days = 10; /* more */
    clerk_set_rules(office->clerk, &office->rules);
    taken = office_take(office, office_flag(SIGNAL_TIMEOUTS, 121, at_us + 9 * SCENE_DAY_US));
    assert_true(taken.is_reopened);
}

/* A merchant's case names the terminal of its first flag: that one is not stopped for another. */
static void test_a_terminal_is_not_stopped_for_another_one(void **state)
{
    struct office *office = *state;
    struct flag listed = office_flag(SIGNAL_CARD_LISTED, 100, SCENE_NOW);
    listed.subject = FLAG_OF_MERCHANT;
    snprintf(listed.subject_id, sizeof(listed.subject_id), "M1");
    uint64_t id = office_take(office, listed).case_id;
    assert_false(office_case(office, id).is_stopped);
    struct flag travel = office_flag(SIGNAL_TRAVEL, 101, SCENE_NOW);
    memcpy(travel.terminal_id, "10000002", 9);
    memcpy(travel.subject_id, "10000002", 9);
    office_take(office, travel);
    listed.position = 102;
    memcpy(listed.terminal_id, "10000002", 9); /* of this one two things say so */
    assert_int_equal(office_take(office, listed).case_id, id);
    assert_string_equal(office_case(office, id).terminal_id, "10000001");
    assert_false(office_case(office, id).is_stopped);
    assert_int_equal(office_told(office, CASE_EFFECT_STOP), 0);
}

static void test_a_serial_number_that_differs_stops_the_terminal_at_once(void **state)
{
    struct office *office = *state;
    struct flag flag = office_flag(SIGNAL_SERIAL_DIFFERS, 100, SCENE_NOW);
    uint64_t id = office_take(office, flag).case_id;
    struct service_case it = office_case(office, id);
    assert_int_equal(it.state, CASE_STATE_STOPPED);
    assert_true(it.is_stopped);
    assert_string_equal(it.fault, "X2");
    assert_int_equal(office_told(office, CASE_EFFECT_STOP), 1);
    assert_int_equal(it.steps[1], CASE_STEP_DONE); /* the register says who the merchant is */
    flag.position = 101;
    assert_int_equal(office_take(office, flag).verdict, MERGE_JOIN);
    assert_int_equal(office_told(office, CASE_EFFECT_STOP), 1); /* once */
    /* severity 4 is never quiet */
    office_person(office, id, scene_event(CASE_EVENT_CLEAR, CASE_ROLE_STAFF, SCENE_NOW + 1));
    struct case_event close = scene_event(CASE_EVENT_CLOSE, CASE_ROLE_STAFF, SCENE_NOW + 2);
    close.outcome = CASE_OUTCOME_BENIGN;
    office_person(office, id, close);
    struct clerk_taken taken =
        office_take(office, office_flag(SIGNAL_SERIAL_DIFFERS, 102, SCENE_NOW + 3));
    assert_int_equal(taken.verdict, MERGE_OPEN);
    assert_int_not_equal(taken.case_id, id);
}

static void test_tampering_stops_the_terminal_within_its_system_fault(void **state)
{
    struct office *office = *state;
    uint64_t id = office_take(office, office_flag(SIGNAL_KEYS_LOST, 100, SCENE_NOW)).case_id;
    struct service_case it = office_case(office, id);
    assert_int_equal(it.kind, CASE_FAULT);
    assert_int_equal(it.state, CASE_STATE_SELF_HELP);
    assert_true(it.is_stopped);
    assert_int_equal(office_told(office, CASE_EFFECT_STOP), 1);
}

/* The last that the cashier is told. */
static const char *last_words(const struct office *office)
{
    for (uint32_t i = office->told_count; i > 0; i--) {
        if (office->told[i - 1].kind == CASE_EFFECT_TELL_CASHIER) {
            return office->told[i - 1].text;
        }
    }
    return "";
}

/* One row is both: wrong MACs, and keys that a sign-on did not bring back. */
static void test_wrong_macs_make_one_case_and_its_last_word_is_the_stops(void **state)
{
    struct office *office = *state;
    office->answer = CLERK_LATER; /* so that nothing is done between */
    uint64_t id = office_take(office, office_flag(SIGNAL_MAC_FAILURES, 100, SCENE_NOW)).case_id;
    assert_string_equal(office_case(office, id).fault, "K1");
    struct clerk_taken taken = office_take(office, office_flag(SIGNAL_KEYS_LOST, 100, SCENE_NOW));
    assert_int_equal(taken.verdict, MERGE_JOIN);
    assert_int_equal(taken.case_id, id);
    struct service_case it = office_case(office, id);
    assert_string_equal(it.cause, "K1");
    assert_string_equal(it.fault, "K2");
    assert_true(it.is_stopped);
    office->answer = CLERK_DONE;
    office_time(office, SCENE_NOW + 2 * CLERK_RETRY_US);
    assert_int_equal(office_told(office, CASE_EFFECT_STOP), 1);
    assert_int_equal(office->told[office->told_count - 1].kind, CASE_EFFECT_TELL_CASHIER);
    assert_non_null(strstr(last_words(office), "请停用"));
    assert_int_equal(office_number(office, "SELECT count(*) FROM case_effect"), 0);
}

/* A sign-on seemed to help: what comes after it belongs to the same case. */
static void test_lost_keys_open_the_case_of_stale_ones_again(void **state)
{
    struct office *office = *state;
    uint64_t id = office_take(office, office_flag(SIGNAL_MAC_FAILURES, 100, SCENE_NOW)).case_id;
    int64_t at_us = office_fix(office, id, SCENE_NOW + OFFICE_MINUTE_US);
    office_time(office, at_us);
    office_see(office, (struct observation){.kind = OBSERVATION_SIGNED_ON,
                                            .terminal_id = "10000001",
                                            .wall_us = at_us + 1});
    office_person(office, id, scene_event(CASE_EVENT_CLOSE, CASE_ROLE_STAFF, at_us + 2));
    struct clerk_taken taken =
        office_take(office, office_flag(SIGNAL_KEYS_LOST, 101, at_us + 2 * OFFICE_MINUTE_US));
    assert_true(taken.is_reopened);
    assert_int_equal(taken.case_id, id);
    assert_string_equal(office_case(office, id).fault, "K2");
    assert_true(office_case(office, id).is_stopped);
    assert_int_equal(office_number(office, "SELECT count(*) FROM service_case"), 1);
}

static void test_what_may_not_be_stopped_is_held_and_a_person_asked(void **state)
{
    struct office *office = *state;
    uint64_t id = office_take(office, office_flag(SIGNAL_TRAVEL, 100, SCENE_NOW)).case_id;
    struct service_case it = office_case(office, id);
    assert_int_equal(it.state, CASE_STATE_HELD);
    assert_false(it.is_stopped);
    assert_int_equal(office_told(office, CASE_EFFECT_HOLD), 1);
    assert_int_equal(office_number(office, "SELECT count(*) FROM case_entry WHERE kind = 'HOLD'"
                                           " AND reason LIKE '%a person decides%'"),
                     1);
    /* a person lifts it; the next flag does not overrule that */
    office_person(office, id, scene_event(CASE_EVENT_INVESTIGATE, CASE_ROLE_STAFF, SCENE_NOW + 1));
    office_take(office, office_flag(SIGNAL_TRAVEL, 101, SCENE_NOW + 2));
    assert_int_equal(office_case(office, id).state, CASE_STATE_INVESTIGATING);
    /* another thing of severity 4 that says so: now it is stopped */
    struct flag listed = office_flag(SIGNAL_CARD_LISTED, 102, SCENE_NOW + 3);
    listed.subject = FLAG_OF_MERCHANT;
    snprintf(listed.subject_id, sizeof(listed.subject_id), "M1");
    uint64_t other = office_take(office, listed).case_id;
    assert_int_not_equal(other, id);
    assert_int_equal(office_case(office, other).state, CASE_STATE_STOPPED);
}

/* The rows of money are cases of their own. */
static void test_each_row_of_money_is_a_case(void **state)
{
    struct office *office = *state;
    uint64_t first = office_take(office, office_flag(SIGNAL_LATE_APPROVAL, 100, SCENE_NOW)).case_id;
    uint64_t other = office_take(office, office_flag(SIGNAL_LATE_APPROVAL, 101, SCENE_NOW)).case_id;
    assert_int_not_equal(first, other);
    assert_int_equal(office_told(office, CASE_EFFECT_ASK_STATUS), 2);
}

/* However many of them there are. */
static void test_cases_of_money_hide_no_other_case(void **state)
{
    struct office *office = *state;
    uint64_t id = office_take(office, office_flag(SIGNAL_TIMEOUTS, 1000, SCENE_NOW)).case_id;
    for (uint64_t i = 0; i < 80; i++) {
        office->told_count = 0;
        office_take(office, office_flag(SIGNAL_LATE_APPROVAL, 100 + i, SCENE_NOW));
    }
    struct clerk_taken taken = office_take(office, office_flag(SIGNAL_SLOW, 1001, SCENE_NOW));
    assert_int_equal(taken.verdict, MERGE_JOIN);
    assert_int_equal(taken.case_id, id);
}

static void test_a_bad_flag_is_refused_and_leaves_nothing(void **state)
{
    struct office *office = *state;
    struct flag flag = office_flag(SIGNAL_TIMEOUTS, 100, SCENE_NOW);
    flag.severity = 9;
    assert_int_equal(clerk_take(office->clerk, &flag, NULL), STATUS_BAD_VALUE);
    assert_non_null(strstr(clerk_reason(office->clerk), "severity"));
    assert_int_equal(office_number(office, "SELECT count(*) FROM flag"), 0);
    /* and it works on */
    assert_int_equal(office_take(office, office_flag(SIGNAL_TIMEOUTS, 100, SCENE_NOW)).verdict,
                     MERGE_OPEN);
    assert_string_equal(clerk_reason(office->clerk), "");
}

/* All or nothing: a disk that refuses the case keeps no flag either. */
static void test_a_flag_whose_case_cannot_be_written_is_not_taken(void **state)
{
    struct office *office = *state;
    scene_sql(office->scene, "CREATE TRIGGER full BEFORE INSERT ON service_case BEGIN"
                             " SELECT RAISE(ABORT, 'no space'); END");
    struct flag flag = office_flag(SIGNAL_TIMEOUTS, 100, SCENE_NOW);
    struct clerk_taken taken;
    assert_int_equal(clerk_take(office->clerk, &flag, &taken), STATUS_BROKEN);
    assert_non_null(strstr(clerk_reason(office->clerk), "no space"));
    assert_false(taken.is_new);
    assert_int_equal(office_number(office, "SELECT count(*) FROM flag"), 0);
    assert_int_equal(office->told_count, 0);
    scene_sql(office->scene, "DROP TRIGGER full");
    assert_int_equal(office_take(office, flag).verdict, MERGE_OPEN);
}

#define STORY(test) cmocka_unit_test_setup_teardown(test, office_set, office_strike)

int main(void)
{
    const struct CMUnitTest tests[] = {
        STORY(test_a_flag_opens_a_case_with_its_likely_cause),
        STORY(test_the_log_read_again_adds_nothing),
        STORY(test_further_flags_join_the_open_case),
        STORY(test_a_watched_rule_opens_nothing),
        STORY(test_a_fleet_is_one_case_and_its_terminals_flags_are_linked),
        STORY(test_a_repair_that_did_not_hold_opens_its_case_again),
        STORY(test_another_rule_of_the_same_cause_opens_it_again_too),
        STORY(test_a_case_that_was_nothing_stays_quiet_for_its_days),
        STORY(test_a_risk_opens_no_repair_again),
        STORY(test_a_request_by_the_name_of_a_risk_takes_none_in),
        STORY(test_after_the_days_for_it_nothing_is_opened_again),
        STORY(test_the_days_for_it_are_those_of_the_rules),
        STORY(test_a_terminal_is_not_stopped_for_another_one),
        STORY(test_a_serial_number_that_differs_stops_the_terminal_at_once),
        STORY(test_tampering_stops_the_terminal_within_its_system_fault),
        STORY(test_wrong_macs_make_one_case_and_its_last_word_is_the_stops),
        STORY(test_lost_keys_open_the_case_of_stale_ones_again),
        STORY(test_what_may_not_be_stopped_is_held_and_a_person_asked),
        STORY(test_each_row_of_money_is_a_case),
        STORY(test_cases_of_money_hide_no_other_case),
        STORY(test_a_bad_flag_is_refused_and_leaves_nothing),
        STORY(test_a_flag_whose_case_cannot_be_written_is_not_taken),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
