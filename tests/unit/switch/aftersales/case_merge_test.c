/* Flags become few cases: joining, quiet days, fleets, and when the switch may stop a terminal. */
#include "switch/aftersales/case_merge.h"

#include <stdio.h>
#include <string.h>

#include "tests/unit/unit_test.h"

#define DAY_US INT64_C(86400000000)
static const int64_t NOW = INT64_C(1772416800000000);

static struct flag flag_of(enum signal_code signal, uint64_t position)
{
    struct flag flag = {.signal = signal,
                        .subject = FLAG_OF_TERMINAL,
                        .subject_id = "10000001",
                        .terminal_id = "10000001",
                        .severity = signal_severity(signal),
                        .window_end_us = NOW,
                        .value = 5,
                        .threshold = 3,
                        .position = position};
    return flag;
}

/* A case as it would stand when it was opened by that flag. */
static struct case_brief brief_of(const struct flag *flag, uint64_t id)
{
    struct case_brief brief = {
        .id = id, .subject = flag->subject, .is_open = true, .flag_count = 1};
    brief.kind = signal_case_kind(flag->signal);
    snprintf(brief.subject_id, sizeof(brief.subject_id), "%s", flag->subject_id);
    snprintf(brief.terminal_id, sizeof(brief.terminal_id), "%s", flag->terminal_id);
    case_cause(brief.cause, flag);
    brief.flags[0] = (struct case_brief_flag){flag->signal, flag->severity, flag->position};
    return brief;
}

static struct merge_answer ask(const struct flag *flag, const struct case_brief *briefs,
                               uint32_t count)
{
    struct case_rules rules;
    case_rules_default(&rules);
    struct merge_answer answer;
    case_merge(flag, briefs, count, &rules, &answer);
    assert_true(answer.reason[0] != '\0');
    return answer;
}

static void test_the_first_flag_opens_a_case_and_says_why(void **state)
{
    (void)state;
    struct flag flag = flag_of(SIGNAL_TIMEOUTS, 100);
    struct merge_answer answer = ask(&flag, NULL, 0);
    assert_int_equal(answer.verdict, MERGE_OPEN);
    assert_int_equal(answer.kind, CASE_FAULT);
    assert_string_equal(answer.cause, "N2");
    assert_non_null(strstr(answer.reason, "T5"));
    assert_non_null(strstr(answer.reason, "5 against 3"));
    assert_int_equal(answer.follow, FOLLOW_UP_SERVICE);
}

static void test_further_flags_of_the_cause_join_and_others_do_not(void **state)
{
    (void)state;
    struct flag first = flag_of(SIGNAL_TIMEOUTS, 100);
    struct case_brief open = brief_of(&first, 7);
    struct flag reversals = flag_of(SIGNAL_REVERSALS, 101);
    struct merge_answer answer = ask(&reversals, &open, 1);
    assert_int_equal(answer.verdict, MERGE_JOIN);
    assert_int_equal(answer.case_id, 7);
    struct flag clock = flag_of(SIGNAL_CLOCK_OFF, 102);
    assert_int_equal(ask(&clock, &open, 1).verdict, MERGE_OPEN);
    struct flag elsewhere = flag_of(SIGNAL_REVERSALS, 103);
    snprintf(elsewhere.subject_id, sizeof(elsewhere.subject_id), "10000002");
    assert_int_equal(ask(&elsewhere, &open, 1).verdict, MERGE_OPEN);
}

/* Whoever opens a case names its cause, and may name the one that a risk has. */
static void test_a_risk_joins_no_case_that_permits_no_stop_and_no_hold(void **state)
{
    (void)state;
    struct flag serial = flag_of(SIGNAL_SERIAL_DIFFERS, 100);
    struct case_brief open = brief_of(&serial, 7);
    open.flag_count = 0;
    for (enum case_kind kind = CASE_FAULT; kind <= CASE_FEE; kind++) {
        bool is_risks = kind == CASE_RISK || kind == CASE_TRANSACTION;
        open.kind = kind;
        struct merge_answer answer = ask(&serial, &open, 1);
        assert_int_equal(answer.verdict, is_risks ? MERGE_JOIN : MERGE_OPEN);
        assert_true(answer.is_stop_permitted);
    }
    struct flag cash = flag_of(SIGNAL_CASH_OUT, 101);
    cash.subject = FLAG_OF_MERCHANT;
    open = brief_of(&cash, 8);
    open.kind = CASE_SERVICE;
    cash.position = 102;
    assert_int_equal(ask(&cash, &open, 1).verdict, MERGE_OPEN);
    /* A system fault by its own signals: the position is missing, then it is elsewhere. */
    struct flag missing = flag_of(SIGNAL_POSITION_BAD, 102);
    struct flag outside = flag_of(SIGNAL_OUTSIDE_FENCE, 103);
    open = brief_of(&missing, 9);
    assert_int_equal(ask(&outside, &open, 1).verdict, MERGE_OPEN);
}

/* The same rows: stale keys, and keys that a sign-on did not bring back. */
static void test_wrong_macs_are_one_cause_before_and_after_a_signon(void **state)
{
    (void)state;
    struct flag wrong = flag_of(SIGNAL_MAC_FAILURES, 100);
    struct flag lost = flag_of(SIGNAL_KEYS_LOST, 100);
    struct case_brief open = brief_of(&wrong, 7);
    struct merge_answer answer = ask(&lost, &open, 1);
    assert_int_equal(answer.verdict, MERGE_JOIN);
    assert_int_equal(answer.case_id, 7);
    assert_string_equal(answer.cause, "K2");
    assert_true(answer.is_stop_permitted);
    open = brief_of(&lost, 8);
    answer = ask(&wrong, &open, 1);
    assert_int_equal(answer.verdict, MERGE_JOIN);
    assert_int_equal(answer.case_id, 8);
    assert_true(case_cause_is_same("K1", "K2") && case_cause_is_same("N1", "N1"));
    assert_false(case_cause_is_same("K1", "N1") || case_cause_is_same("X2", "K2"));
}

static void test_the_same_flag_again_changes_nothing(void **state)
{
    (void)state;
    struct flag flag = flag_of(SIGNAL_SERIAL_DIFFERS, 100);
    struct case_brief open = brief_of(&flag, 7);
    struct merge_answer answer = ask(&flag, &open, 1);
    assert_int_equal(answer.verdict, MERGE_NOTHING);
    assert_false(answer.is_stop_permitted);
    open.is_open = false;
    assert_int_equal(ask(&flag, &open, 1).verdict, MERGE_NOTHING);
}

static void test_after_closing_the_rule_is_quiet_for_seven_days_but_at_severity_four(void **state)
{
    (void)state;
    struct flag before = flag_of(SIGNAL_TIMEOUTS, 100);
    struct case_brief closed = brief_of(&before, 7);
    closed.is_open = false;
    closed.closed_us = NOW - 7 * DAY_US + 1;
    struct flag flag = flag_of(SIGNAL_TIMEOUTS, 200);
    assert_int_equal(ask(&flag, &closed, 1).verdict, MERGE_NOTHING);
    flag.severity = 4;
    assert_int_equal(ask(&flag, &closed, 1).verdict, MERGE_OPEN);
    flag.severity = 2;
    closed.closed_us = NOW - 7 * DAY_US;
    assert_int_equal(ask(&flag, &closed, 1).verdict, MERGE_OPEN);
    closed.closed_us = NOW - DAY_US;
    struct flag other_rule = flag_of(SIGNAL_REVERSALS, 201);
    assert_int_equal(ask(&other_rule, &closed, 1).verdict, MERGE_OPEN);
}

static void test_a_closed_request_silences_no_risk(void **state)
{
    (void)state;
    struct flag before = flag_of(SIGNAL_SERIAL_UNPROVEN, 100);
    struct case_brief closed = brief_of(&before, 7);
    closed.is_open = false;
    closed.closed_us = NOW - DAY_US;
    struct flag flag = flag_of(SIGNAL_SERIAL_UNPROVEN, 200);
    assert_int_equal(ask(&flag, &closed, 1).verdict, MERGE_NOTHING);
    closed.kind = CASE_SERVICE;
    assert_int_equal(ask(&flag, &closed, 1).verdict, MERGE_OPEN);
}

static void test_each_row_of_money_is_a_case_of_its_own(void **state)
{
    (void)state;
    struct flag first = flag_of(SIGNAL_LATE_APPROVAL, 100);
    struct case_brief briefs[2] = {brief_of(&first, 7), brief_of(&first, 6)};
    struct flag second = flag_of(SIGNAL_LATE_APPROVAL, 101);
    assert_int_equal(ask(&second, briefs, 1).verdict, MERGE_OPEN);
    assert_string_equal(ask(&second, briefs, 1).cause, "M1:101");
    briefs[0].is_open = false;
    briefs[0].closed_us = NOW - 1;
    assert_int_equal(ask(&second, briefs, 1).verdict, MERGE_OPEN);
    assert_int_equal(ask(&first, briefs, 1).verdict, MERGE_NOTHING);
    struct flag longest = flag_of(SIGNAL_UNDELIVERED, UINT64_MAX);
    assert_string_equal(ask(&longest, NULL, 0).cause, "M5:18446744073709551615");
}

static void test_what_is_only_watched_opens_nothing(void **state)
{
    (void)state;
    struct flag flag = flag_of(SIGNAL_SERIAL_DIFFERS, 100);
    flag.is_watched_only = true;
    struct merge_answer answer = ask(&flag, NULL, 0);
    assert_int_equal(answer.verdict, MERGE_NOTHING);
    assert_false(answer.is_stop_permitted || answer.is_person_asked);
}

static void test_a_cohort_has_one_case_with_the_maker_and_its_terminals_none(void **state)
{
    (void)state;
    struct flag cohort = flag_of(SIGNAL_TIMEOUTS, 100);
    cohort.subject = FLAG_OF_COHORT;
    cohort.cohort = COHORT_FIRMWARE;
    cohort.terminal_id[0] = '\0';
    snprintf(cohort.subject_id, sizeof(cohort.subject_id), "PAX A920 1.2.3");
    struct merge_answer answer = ask(&cohort, NULL, 0);
    assert_int_equal(answer.verdict, MERGE_OPEN);
    assert_true(answer.is_makers);
    assert_string_equal(answer.cause, "FIRMWARE");
    cohort.cohort = COHORT_REGION;
    assert_false(ask(&cohort, NULL, 0).is_makers);
    cohort.cohort = COHORT_FIRMWARE;
    struct case_brief open = brief_of(&cohort, 9);
    cohort.position = 150;
    assert_int_equal(ask(&cohort, &open, 1).verdict, MERGE_JOIN);
    struct flag linked = flag_of(SIGNAL_TIMEOUTS, 200);
    linked.is_fleet_linked = true;
    answer = ask(&linked, &open, 1);
    assert_int_equal(answer.verdict, MERGE_LINK);
    assert_int_equal(answer.case_id, 9);
    assert_int_equal(ask(&linked, NULL, 0).verdict, MERGE_LINK);
    linked.severity = 4; /* nothing explains that away */
    assert_int_equal(ask(&linked, &open, 1).verdict, MERGE_OPEN);
}

static void test_four_signals_stop_alone(void **state)
{
    (void)state;
    for (unsigned i = 0; i < SIGNAL_COUNT; i++) {
        struct flag flag = flag_of((enum signal_code)i, 100);
        flag.severity = 4;
        const char *code = signal_code_text((enum signal_code)i);
        bool is_alone = strcmp(code, "L5") == 0 || strcmp(code, "L7") == 0 ||
                        strcmp(code, "L8") == 0 || strcmp(code, "T10") == 0;
        assert_int_equal(ask(&flag, NULL, 0).is_stop_permitted, is_alone);
        flag.severity = 3;
        assert_false(ask(&flag, NULL, 0).is_stop_permitted);
    }
}

static void test_others_stop_by_two_that_are_independent_or_by_a_person(void **state)
{
    (void)state;
    struct flag travel = flag_of(SIGNAL_TRAVEL, 100);
    struct merge_answer answer = ask(&travel, NULL, 0);
    assert_int_equal(answer.follow, FOLLOW_UP_HOLD);
    assert_true(answer.is_person_asked);
    struct flag listed = flag_of(SIGNAL_CARD_LISTED, 90);
    listed.subject = FLAG_OF_MERCHANT;
    struct case_brief other = brief_of(&listed, 5);
    answer = ask(&travel, &other, 1);
    assert_true(answer.is_stop_permitted);
    assert_int_equal(answer.follow, FOLLOW_UP_STOP);
    other.flags[0].position = 100; /* completed by the very same row */
    assert_false(ask(&travel, &other, 1).is_stop_permitted);
    other.flags[0].position = 90;
    other.flags[0].severity = 3;
    assert_false(ask(&travel, &other, 1).is_stop_permitted);
    other.flags[0].severity = 4;
    snprintf(other.terminal_id, sizeof(other.terminal_id), "10000002");
    assert_false(ask(&travel, &other, 1).is_stop_permitted);
    snprintf(other.terminal_id, sizeof(other.terminal_id), "10000001");
    other.is_open = false;
    assert_false(ask(&travel, &other, 1).is_stop_permitted);
    struct flag city = flag_of(SIGNAL_CITY_CHANGED, 90); /* of the same cause: not independent */
    city.severity = 4;
    struct case_brief place = brief_of(&city, 6);
    assert_false(ask(&travel, &place, 1).is_stop_permitted);
}

static void test_severity_gives_the_service_class(void **state)
{
    (void)state;
    assert_int_equal(case_service_class(4), SERVICE_P1);
    assert_int_equal(case_service_class(3), SERVICE_P1);
    assert_int_equal(case_service_class(2), SERVICE_P2);
    assert_int_equal(case_service_class(1), SERVICE_P3);
}

/* What the file says of a signal holds, not what Tillway comes with. */
static void test_what_should_follow_is_what_the_rules_say(void **state)
{
    (void)state;
    struct case_rules rules;
    struct merge_answer answer;
    struct flag flag = flag_of(SIGNAL_SAME_CARD, 100);
    case_rules_default(&rules);
    rules.follow_ups[SIGNAL_SAME_CARD] = FOLLOW_UP_HOLD;
    case_merge(&flag, NULL, 0, &rules, &answer);
    assert_int_equal(answer.follow, FOLLOW_UP_HOLD);
    rules.follow_ups[SIGNAL_SAME_CARD] = FOLLOW_UP_STOP; /* alone it may not */
    case_merge(&flag, NULL, 0, &rules, &answer);
    assert_int_equal(answer.follow, FOLLOW_UP_HOLD);
    assert_true(answer.is_person_asked);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_what_should_follow_is_what_the_rules_say),
        cmocka_unit_test(test_the_first_flag_opens_a_case_and_says_why),
        cmocka_unit_test(test_further_flags_of_the_cause_join_and_others_do_not),
        cmocka_unit_test(test_a_risk_joins_no_case_that_permits_no_stop_and_no_hold),
        cmocka_unit_test(test_a_closed_request_silences_no_risk),
        cmocka_unit_test(test_wrong_macs_are_one_cause_before_and_after_a_signon),
        cmocka_unit_test(test_the_same_flag_again_changes_nothing),
        cmocka_unit_test(test_after_closing_the_rule_is_quiet_for_seven_days_but_at_severity_four),
        cmocka_unit_test(test_each_row_of_money_is_a_case_of_its_own),
        cmocka_unit_test(test_what_is_only_watched_opens_nothing),
        cmocka_unit_test(test_a_cohort_has_one_case_with_the_maker_and_its_terminals_none),
        cmocka_unit_test(test_four_signals_stop_alone),
        cmocka_unit_test(test_others_stop_by_two_that_are_independent_or_by_a_person),
        cmocka_unit_test(test_severity_gives_the_service_class),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
