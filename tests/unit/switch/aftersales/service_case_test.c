/* The life of a case: what is permitted, what is refused and with which words, what must follow. */
#include "switch/aftersales/service_case.h"

#include <stdio.h>
#include <string.h>

#include "routing/civil_date.h"
#include "switch/aftersales/case_table.h"
#include "switch/aftersales/cause.h"
#include "tests/unit/unit_test.h"

#define MINUTE_US INT64_C(60000000)
#define HOUR_US (60 * MINUTE_US)
#define DAY_US (24 * HOUR_US)

struct desk {
    struct service_case it;
    struct case_rules rules;
    struct case_effects effects;
    int64_t now;
};

/* Monday 2026-03-02, 10:00 in China. */
static int64_t monday(void)
{
    int64_t days = 0;
    assert_true(civil_date_parse(&days, "2026-03-02"));
    return days * DAY_US + 2 * HOUR_US;
}

static struct case_event event_of(enum case_event_kind kind, enum case_role role)
{
    struct case_event event = {
        .kind = kind, .role = role, .terminal_id = "10000001", .serial = "N900-1", .is_good = true};
    snprintf(event.actor, sizeof(event.actor), "%s-1", case_role_name(role));
    snprintf(event.reason, sizeof(event.reason), "because of %s", case_event_name(kind));
    return event;
}

static bool tell(struct desk *desk, struct case_event event)
{
    desk->now += MINUTE_US;
    event.wall_us = event.wall_us != 0 ? event.wall_us : desk->now;
    service_case_step(&desk->it, &event, &desk->rules, &desk->effects);
    return desk->effects.is_permitted;
}

static bool does(struct desk *desk, enum case_event_kind kind, enum case_role role)
{
    return tell(desk, event_of(kind, role));
}

static bool tries(struct desk *desk, uint8_t step, enum case_step_result result)
{
    struct case_event event = event_of(CASE_EVENT_FIRST_STEP, CASE_ROLE_STAFF);
    event.step = step;
    event.result = result;
    return tell(desk, event);
}

static bool closes(struct desk *desk, enum case_role role, enum case_outcome outcome)
{
    struct case_event event = event_of(CASE_EVENT_CLOSE, role);
    event.outcome = outcome;
    return tell(desk, event);
}

static bool follows(const struct desk *desk, enum case_effect_kind kind)
{
    for (uint32_t i = 0; i < desk->effects.count; i++) {
        if (desk->effects.items[i].kind == kind) {
            return true;
        }
    }
    return false;
}

static void expect_refusal(const struct desk *desk, const char *words)
{
    assert_false(desk->effects.is_permitted);
    if (strstr(desk->effects.refusal, words) == NULL) {
        fail_msg("\"%s\" is not in: %s", words, desk->effects.refusal);
    }
}

static struct desk opened(enum case_kind kind, uint8_t severity)
{
    struct desk desk = {.now = monday()};
    case_rules_default(&desk.rules);
    desk.it = (struct service_case){.id = 7,
                                    .kind = kind,
                                    .severity = severity,
                                    .terminal_id = "10000001",
                                    .serial = "N900-1",
                                    .merchant_id = "898310000000001",
                                    .service_class = SERVICE_P2};
    assert_true(does(&desk, CASE_EVENT_OPEN, CASE_ROLE_SWITCH));
    return desk;
}

static struct desk fixed(void)
{
    struct desk desk = opened(CASE_FAULT, 2);
    assert_true(tries(&desk, 1, CASE_STEP_DONE));
    assert_true(tries(&desk, 2, CASE_STEP_IMPOSSIBLE));
    assert_true(does(&desk, CASE_EVENT_TRIAGE, CASE_ROLE_STAFF));
    assert_true(does(&desk, CASE_EVENT_DISPATCH, CASE_ROLE_STAFF));
    assert_true(does(&desk, CASE_EVENT_ACCEPT, CASE_ROLE_ENGINEER));
    assert_true(does(&desk, CASE_EVENT_ARRIVE, CASE_ROLE_ENGINEER));
    assert_true(does(&desk, CASE_EVENT_FIX, CASE_ROLE_ENGINEER));
    return desk;
}

static struct desk closed(void)
{
    struct desk desk = fixed();
    assert_true(does(&desk, CASE_EVENT_OBSERVED, CASE_ROLE_SWITCH));
    assert_true(closes(&desk, CASE_ROLE_STAFF, CASE_OUTCOME_CONFIRMED));
    return desk;
}

/* Every pair of state and event: it moves where the table says, or is refused and nothing changes.
 */
static void test_what_the_table_does_not_permit_is_refused_everywhere(void **state)
{
    (void)state;
    static const enum case_kind KINDS[] = {CASE_FAULT, CASE_RISK, CASE_SERVICE, CASE_FEE};
    uint32_t refused = 0;
    for (unsigned k = 0; k < COUNT_OF(KINDS); k++) {
        struct desk desk = opened(KINDS[k], 4);
        for (unsigned s = 0; s < CASE_STATE_COUNT; s++) {
            for (unsigned e = 0; e < CASE_EVENT_COUNT; e++) {
                struct desk copy = desk;
                copy.it.state = (enum case_state)s;
                struct service_case before = copy.it;
                bool may = (service_case_permitted(&copy.it) >> e & 1) != 0;
                for (unsigned r = 0; r < CASE_ROLE_COUNT && !may; r++) {
                    assert_false(does(&copy, (enum case_event_kind)e, (enum case_role)r));
                    expect_refusal(&copy, "is not permitted in state");
                    assert_memory_equal(&before, &copy.it, sizeof(before));
                    refused++;
                }
            }
        }
    }
    assert_true(refused > 1000);
}

static void test_of_each_state_and_event_there_is_one_follower_at_most(void **state)
{
    (void)state;
    for (unsigned from = 0; from < CASE_STATE_COUNT; from++) {
        for (unsigned e = 0; e < CASE_EVENT_COUNT; e++) {
            for (unsigned life = 1; life <= CASE_LIFE_FEE; life *= 2) {
                unsigned found = 0;
                for (unsigned to = 0; to < CASE_STATE_COUNT; to++) {
                    const struct case_state_row *row = case_state_row((enum case_state)to);
                    found += (case_state_row((enum case_state)from)->followers >> to & 1) != 0 &&
                             (row->enters >> e & 1) != 0 && (row->lives & life) != 0;
                }
                assert_true(found <= 1);
            }
        }
    }
}

static void test_every_state_can_be_left_and_reached(void **state)
{
    (void)state;
    uint32_t reached = 1u << CASE_STATE_NEW;
    for (unsigned s = 0; s < CASE_STATE_COUNT; s++) {
        reached |= case_state_row((enum case_state)s)->followers;
        assert_true(case_state_row((enum case_state)s)->followers != 0);
    }
    assert_int_equal(reached, (1u << CASE_STATE_COUNT) - 1);
}

static void test_a_refusal_names_what_would_be_permitted(void **state)
{
    (void)state;
    struct desk desk = opened(CASE_FAULT, 2);
    assert_false(does(&desk, CASE_EVENT_FIX, CASE_ROLE_ENGINEER));
    expect_refusal(&desk, "FIX is not permitted in state NEW of a FAULT case; permitted:");
    expect_refusal(&desk, "TRIAGE");
    expect_refusal(&desk, " FIRST_STEP");
    assert_null(strstr(desk.effects.refusal, " TIME")); /* that the switch alone says */
    assert_null(strstr(desk.effects.refusal, " QUOTE_ACCEPT"));
    assert_null(strstr(desk.effects.refusal, " GO_ON"));
    assert_true(tries(&desk, 1, CASE_STEP_DONE));
    assert_true(tries(&desk, 2, CASE_STEP_DONE));
    assert_false(does(&desk, CASE_EVENT_FIX, CASE_ROLE_ENGINEER));
    assert_null(strstr(desk.effects.refusal, " FIRST_STEP")); /* all are behind it */
    assert_false(does(&desk, CASE_EVENT_FIX, CASE_ROLE_SWITCH));
    expect_refusal(&desk, " TIME");
    assert_false(does(&desk, CASE_EVENT_TRIAGE, CASE_ROLE_ENGINEER));
    expect_refusal(&desk,
                   "TRIAGE may not be done by ENGINEER (ENGINEER-1); permitted: SWITCH STAFF");
    struct case_event event = event_of(CASE_EVENT_TRIAGE, CASE_ROLE_STAFF);
    event.reason[0] = '\0';
    assert_false(tell(&desk, event));
    expect_refusal(&desk, "needs a reason");
    event = event_of(CASE_EVENT_TRIAGE, CASE_ROLE_STAFF);
    event.actor[0] = '\0';
    assert_false(tell(&desk, event));
    expect_refusal(&desk, "without an actor");
    event = event_of(CASE_EVENT_TRIAGE, CASE_ROLE_STAFF);
    event.wall_us = desk.it.changed_us - 1;
    assert_false(tell(&desk, event));
    expect_refusal(&desk, "before the last event");
}

static void test_first_steps_cannot_be_skipped(void **state)
{
    (void)state;
    struct desk desk = opened(CASE_FAULT, 3);
    assert_true(follows(&desk, CASE_EFFECT_TELL_CASHIER));
    assert_true(does(&desk, CASE_EVENT_TRIAGE, CASE_ROLE_STAFF));
    assert_false(does(&desk, CASE_EVENT_DISPATCH, CASE_ROLE_STAFF));
    expect_refusal(&desk, "first step 1 (RESTART");
    assert_true(tries(&desk, 1, CASE_STEP_DONE));
    assert_true(follows(&desk, CASE_EFFECT_ASK_UPDATE));
    assert_false(does(&desk, CASE_EVENT_DISPATCH, CASE_ROLE_STAFF));
    expect_refusal(&desk, "first step 2 (UPDATE");
    assert_false(closes(&desk, CASE_ROLE_STAFF, CASE_OUTCOME_BENIGN));
    expect_refusal(&desk, "first step 2 (UPDATE");
    assert_false(tries(&desk, 3, CASE_STEP_DONE));
    assert_false(tries(&desk, 2, CASE_STEP_OPEN));
    assert_true(tries(&desk, 2, CASE_STEP_IMPOSSIBLE));
    assert_true(does(&desk, CASE_EVENT_DISPATCH, CASE_ROLE_STAFF));
}

static void test_the_cashier_is_told_what_the_fault_is(void **state)
{
    (void)state;
    struct desk desk = opened(CASE_FAULT, 2);
    struct case_event triage = event_of(CASE_EVENT_TRIAGE, CASE_ROLE_SWITCH);
    snprintf(triage.fault, sizeof(triage.fault), "Z9");
    assert_false(tell(&desk, triage));
    expect_refusal(&desk, "TRIAGE names no fault");
    snprintf(triage.fault, sizeof(triage.fault), "K1");
    assert_true(tell(&desk, triage));
    assert_true(follows(&desk, CASE_EFFECT_TELL_CASHIER));
    assert_string_equal(desk.effects.items[0].text, "密钥失效:请重新签到后再交易");
    assert_true(follows(&desk, CASE_EFFECT_ASK_SIGNON));
    assert_string_equal(desk.it.fault, "K1");
}

/* The text behind the order, or NULL: nobody is told anything behind it. */
static const char *told_behind(const struct desk *desk, enum case_effect_kind order)
{
    bool is_behind = false;
    for (uint32_t i = 0; i < desk->effects.count; i++) {
        if (is_behind && desk->effects.items[i].kind == CASE_EFFECT_TELL_CASHIER) {
            return desk->effects.items[i].text;
        }
        is_behind = is_behind || desk->effects.items[i].kind == order;
    }
    return NULL;
}

static void test_the_cashier_is_told_what_holds_of_a_terminal_that_is_stopped(void **state)
{
    (void)state;
    struct desk desk = opened(CASE_FAULT, 3);
    struct case_event join = event_of(CASE_EVENT_JOIN, CASE_ROLE_SWITCH);
    join.severity = 4;
    snprintf(join.fault, sizeof(join.fault), "Z9");
    assert_false(tell(&desk, join));
    expect_refusal(&desk, "JOIN names no fault");
    snprintf(join.fault, sizeof(join.fault), "K2");
    assert_true(tell(&desk, join));
    assert_string_equal(desk.it.fault, "K2");
    assert_string_equal(told_behind(&desk, CASE_EFFECT_TELL_MANAGER),
                        fault_cashier_text(FAULT_KEYS_LOST));
    struct case_event stop = event_of(CASE_EVENT_STOP, CASE_ROLE_SWITCH);
    stop.is_stop_permitted = true;
    assert_true(tell(&desk, stop));
    assert_string_equal(told_behind(&desk, CASE_EFFECT_STOP), fault_cashier_text(FAULT_KEYS_LOST));
    struct case_event triage = event_of(CASE_EVENT_TRIAGE, CASE_ROLE_STAFF);
    snprintf(triage.fault, sizeof(triage.fault), "K1"); /* "sign on" would be wrong now */
    assert_true(tell(&desk, triage));
    assert_string_equal(desk.effects.items[0].text, fault_cashier_text(FAULT_IDENTITY));
    assert_false(follows(&desk, CASE_EFFECT_ASK_SIGNON));
    assert_true(does(&desk, CASE_EVENT_ADVISE, CASE_ROLE_STAFF));
    assert_false(follows(&desk, CASE_EFFECT_TELL_CASHIER)); /* nor is "restart" of any use */
    assert_true(does(&desk, CASE_EVENT_DISPATCH, CASE_ROLE_STAFF));
    assert_true(does(&desk, CASE_EVENT_FIX, CASE_ROLE_ENGINEER));
    assert_non_null(strstr(told_behind(&desk, CASE_EFFECT_RESUME), "恢复"));
}

/* As of a case that was severe before, or of a signal that the rules make less so. */
static void test_stale_keys_turn_out_to_be_lost_ones_at_any_severity(void **state)
{
    (void)state;
    struct desk desk = opened(CASE_FAULT, 4);
    struct case_event triage = event_of(CASE_EVENT_TRIAGE, CASE_ROLE_SWITCH);
    snprintf(triage.fault, sizeof(triage.fault), "K1");
    assert_true(tell(&desk, triage));
    struct case_event join = event_of(CASE_EVENT_JOIN, CASE_ROLE_SWITCH);
    join.severity = 4;
    snprintf(join.fault, sizeof(join.fault), "K2");
    assert_true(tell(&desk, join));
    assert_string_equal(desk.it.fault, "K2");
    assert_int_equal(desk.effects.count, 1);
    assert_string_equal(desk.effects.items[0].text, fault_cashier_text(FAULT_KEYS_LOST));
    assert_true(tell(&desk, join)); /* told once */
    assert_int_equal(desk.effects.count, 0);
    snprintf(join.fault, sizeof(join.fault), "K1"); /* nor does it become less than that */
    assert_true(tell(&desk, join));
    assert_string_equal(desk.it.fault, "K2");
    assert_int_equal(desk.effects.count, 0);
    join.fault[0] = '\0';
    assert_true(tell(&desk, join));
    assert_string_equal(desk.it.fault, "K2");
}

static void test_at_the_counter_a_payment_is_spoken_of_and_a_risk_is_not(void **state)
{
    (void)state;
    for (unsigned kind = CASE_FAULT; kind <= CASE_FEE; kind++) {
        struct desk desk = {.now = monday()};
        case_rules_default(&desk.rules);
        desk.it = (struct service_case){.kind = (enum case_kind)kind,
                                        .severity = 2,
                                        .terminal_id = "10000001",
                                        .fault = "X4",
                                        .service_class = SERVICE_P2};
        assert_true(does(&desk, CASE_EVENT_OPEN, CASE_ROLE_SWITCH));
        bool is_told = follows(&desk, CASE_EFFECT_TELL_CASHIER);
        assert_int_equal(is_told, kind == CASE_FAULT || kind == CASE_TRANSACTION);
    }
}

static void test_severity_four_leaves_no_time_for_first_steps(void **state)
{
    (void)state;
    struct desk desk = opened(CASE_FAULT, 3);
    assert_true(does(&desk, CASE_EVENT_TRIAGE, CASE_ROLE_STAFF));
    struct case_event join = event_of(CASE_EVENT_JOIN, CASE_ROLE_SWITCH);
    join.severity = 4;
    assert_true(tell(&desk, join));
    assert_int_equal(desk.it.flag_count, 2 - (desk.it.source != CASE_SOURCE_RULE));
    assert_true(does(&desk, CASE_EVENT_DISPATCH, CASE_ROLE_STAFF));
    join.severity = 1;
    assert_true(tell(&desk, join));
    assert_int_equal(desk.it.severity, 4);
}

static void test_what_helped_ends_the_search(void **state)
{
    (void)state;
    struct desk desk = opened(CASE_FAULT, 2);
    assert_true(does(&desk, CASE_EVENT_TRIAGE, CASE_ROLE_SWITCH));
    assert_true(does(&desk, CASE_EVENT_ADVISE, CASE_ROLE_SWITCH));
    assert_false(does(&desk, CASE_EVENT_FIX, CASE_ROLE_MERCHANT));
    expect_refusal(&desk, "only when a first step has helped");
    assert_true(tries(&desk, 1, CASE_STEP_HELPED));
    assert_true(does(&desk, CASE_EVENT_FIX, CASE_ROLE_MERCHANT));
    assert_true(follows(&desk, CASE_EFFECT_ASK_SIGNON));
    assert_int_equal(desk.it.state, CASE_STATE_FIXED);
}

static void test_only_the_switch_verifies_and_only_what_it_saw_there_afterwards(void **state)
{
    (void)state;
    struct desk desk = fixed();
    for (unsigned role = CASE_ROLE_MERCHANT; role < CASE_ROLE_COUNT; role++) {
        assert_false(does(&desk, CASE_EVENT_OBSERVED, (enum case_role)role));
        expect_refusal(&desk, "may not be done by");
    }
    struct case_event seen = event_of(CASE_EVENT_OBSERVED, CASE_ROLE_SWITCH);
    seen.wall_us = desk.it.repaired_us;
    assert_false(tell(&desk, seen));
    expect_refusal(&desk, "before the repair");
    seen = event_of(CASE_EVENT_OBSERVED, CASE_ROLE_SWITCH);
    seen.is_good = false;
    assert_false(tell(&desk, seen));
    expect_refusal(&desk, "no good sign-on");
    seen = event_of(CASE_EVENT_OBSERVED, CASE_ROLE_SWITCH);
    snprintf(seen.serial, sizeof(seen.serial), "N900-2");
    assert_false(tell(&desk, seen));
    expect_refusal(&desk, "serial number");
    seen = event_of(CASE_EVENT_OBSERVED, CASE_ROLE_SWITCH);
    snprintf(seen.terminal_id, sizeof(seen.terminal_id), "10000002");
    assert_false(tell(&desk, seen));
    expect_refusal(&desk, "another terminal");
    assert_false(closes(&desk, CASE_ROLE_STAFF, CASE_OUTCOME_CONFIRMED));
    expect_refusal(&desk, "needs VERIFIED first");
    seen = event_of(CASE_EVENT_OBSERVED, CASE_ROLE_SWITCH);
    seen.serial[0] = '\0'; /* tells none: the terminal id has to do */
    assert_true(tell(&desk, seen));
    assert_int_equal(desk.it.state, CASE_STATE_VERIFIED);
    assert_true(closes(&desk, CASE_ROLE_STAFF, CASE_OUTCOME_CONFIRMED));
    assert_true(follows(&desk, CASE_EFFECT_ASK_SCORE));
}

static void test_a_verification_told_late_still_counts(void **state)
{
    (void)state;
    struct desk desk = fixed();
    int64_t seen_us = desk.it.repaired_us + 1;
    assert_true(does(&desk, CASE_EVENT_WAIT, CASE_ROLE_STAFF));
    int64_t changed_us = desk.it.changed_us;
    struct case_event seen = event_of(CASE_EVENT_OBSERVED, CASE_ROLE_SWITCH);
    seen.wall_us = seen_us;
    assert_true(tell(&desk, seen));
    assert_int_equal(desk.it.changed_us, changed_us);
    assert_int_equal(desk.it.verified_us, seen_us);
}

static void test_after_a_swap_the_new_serial_number_must_be_seen(void **state)
{
    (void)state;
    struct desk desk = fixed();
    assert_true(does(&desk, CASE_EVENT_DISPATCH, CASE_ROLE_STAFF));
    struct case_event swap = event_of(CASE_EVENT_SWAP, CASE_ROLE_ENGINEER);
    swap.serial[0] = '\0';
    assert_false(tell(&desk, swap));
    expect_refusal(&desk, "needs the serial number");
    snprintf(swap.serial, sizeof(swap.serial), "N910-9");
    assert_true(tell(&desk, swap));
    assert_true(follows(&desk, CASE_EFFECT_BIND) && follows(&desk, CASE_EFFECT_DESTROY_KEYS));
    assert_string_equal(desk.it.serial_before, "N900-1");
    assert_false(does(&desk, CASE_EVENT_OBSERVED, CASE_ROLE_SWITCH)); /* the old one */
    struct case_event seen = event_of(CASE_EVENT_OBSERVED, CASE_ROLE_SWITCH);
    seen.serial[0] = '\0';
    assert_false(tell(&desk, seen));
    snprintf(seen.serial, sizeof(seen.serial), "N910-9");
    assert_true(tell(&desk, seen));
}

static void test_closing_wants_an_outcome_that_fits(void **state)
{
    (void)state;
    struct desk desk = opened(CASE_RISK, 3);
    assert_true(tries(&desk, 1, CASE_STEP_DONE));
    assert_true(tries(&desk, 2, CASE_STEP_DONE));
    assert_true(does(&desk, CASE_EVENT_INVESTIGATE, CASE_ROLE_STAFF));
    assert_false(closes(&desk, CASE_ROLE_STAFF, CASE_OUTCOME_BENIGN));
    expect_refusal(&desk, "not permitted");
    assert_true(does(&desk, CASE_EVENT_CLEAR, CASE_ROLE_STAFF));
    assert_false(closes(&desk, CASE_ROLE_STAFF, CASE_OUTCOME_NONE));
    expect_refusal(&desk, "needs an outcome");
    assert_false(closes(&desk, CASE_ROLE_STAFF, CASE_OUTCOME_CONFIRMED));
    expect_refusal(&desk, "expects the outcome benign");
    assert_true(closes(&desk, CASE_ROLE_STAFF, CASE_OUTCOME_BENIGN));
}

static void test_what_was_not_verified_is_written_off_by_two(void **state)
{
    (void)state;
    struct desk desk = fixed();
    struct case_event close = event_of(CASE_EVENT_CLOSE, CASE_ROLE_MANAGER);
    close.outcome = CASE_OUTCOME_CONFIRMED;
    snprintf(close.second_actor, sizeof(close.second_actor), "%s", close.actor);
    assert_false(tell(&desk, close));
    snprintf(close.second_actor, sizeof(close.second_actor), "other");
    assert_true(tell(&desk, close));
}

static void test_it_may_be_reopened_for_seven_days(void **state)
{
    (void)state;
    struct desk desk = closed();
    int64_t closed_us = desk.it.closed_us;
    struct case_event event = event_of(CASE_EVENT_REOPEN, CASE_ROLE_MERCHANT);
    event.wall_us = closed_us + 7 * DAY_US + 1;
    assert_false(tell(&desk, event));
    expect_refusal(&desk, "open a new case");
    event.wall_us = closed_us + 7 * DAY_US;
    assert_true(tell(&desk, event));
    assert_int_equal(desk.it.state, CASE_STATE_REOPENED);
    assert_int_equal(desk.it.outcome, CASE_OUTCOME_NONE);
    assert_int_equal(desk.it.reopen_count, 1);
    assert_true(service_case_is_open(&desk.it));
    desk.now = event.wall_us;
    assert_true(does(&desk, CASE_EVENT_DISPATCH, CASE_ROLE_STAFF)); /* steps were done before */
}

static void test_a_bad_score_reopens_at_a_manager(void **state)
{
    (void)state;
    struct desk desk = closed();
    struct case_event score = event_of(CASE_EVENT_SCORE, CASE_ROLE_MERCHANT);
    score.score = 6;
    assert_false(tell(&desk, score));
    score.score = 2;
    score.reason[0] = '\0';
    assert_true(tell(&desk, score));
    assert_int_equal(desk.effects.from, CASE_STATE_CLOSED);
    assert_int_equal(desk.effects.to, CASE_STATE_REOPENED);
    assert_true(follows(&desk, CASE_EFFECT_TELL_MANAGER));
    assert_string_equal(desk.effects.record_reason, "the merchant gave 2 of 5");
    assert_false(closes(&desk, CASE_ROLE_STAFF, CASE_OUTCOME_BENIGN));
    expect_refusal(&desk, "is the manager's");
    assert_true(closes(&desk, CASE_ROLE_MANAGER, CASE_OUTCOME_BENIGN));
}

/* As long as a reason may be. */
static void test_what_the_merchant_says_with_a_score_is_told_whole(void **state)
{
    (void)state;
    struct desk desk = closed();
    struct case_event score = event_of(CASE_EVENT_SCORE, CASE_ROLE_MERCHANT);
    score.score = 1;
    memset(score.reason, 'r', CASE_REASON_SIZE - 1);
    score.reason[CASE_REASON_SIZE - 1] = '\0';
    assert_true(tell(&desk, score));
    assert_true(follows(&desk, CASE_EFFECT_TELL_MANAGER));
    assert_string_equal(desk.effects.record_reason, score.reason);
    char told[CASE_EFFECT_TEXT_SIZE];
    snprintf(told, sizeof(told), "the merchant gave 1 of 5: %s", score.reason);
    assert_string_equal(desk.effects.items[0].text, told);
}

static void test_a_good_score_stays_closed_and_is_given_once(void **state)
{
    (void)state;
    struct desk desk = closed();
    struct case_event score = event_of(CASE_EVENT_SCORE, CASE_ROLE_MERCHANT);
    score.score = 3;
    assert_true(tell(&desk, score));
    assert_int_equal(desk.it.state, CASE_STATE_CLOSED);
    assert_false(tell(&desk, score));
    expect_refusal(&desk, "twice");
}

static void test_a_hold_ends_after_three_working_days_with_a_record(void **state)
{
    (void)state;
    struct desk desk = opened(CASE_RISK, 3);
    desk.now += 3 * DAY_US; /* Thursday */
    assert_true(does(&desk, CASE_EVENT_HOLD, CASE_ROLE_SWITCH));
    assert_true(follows(&desk, CASE_EFFECT_HOLD));
    int64_t until = desk.now + 5 * DAY_US; /* over a weekend */
    assert_int_equal(desk.it.hold_until_us, until);
    struct case_event time = event_of(CASE_EVENT_TIME, CASE_ROLE_SWITCH);
    uint32_t events = desk.it.event_count;
    time.wall_us = until - 1;
    assert_true(tell(&desk, time));
    assert_false(follows(&desk, CASE_EFFECT_RELEASE));
    assert_false(desk.effects.has_record);
    assert_int_equal(desk.it.event_count, events);
    time.wall_us = until;
    assert_true(tell(&desk, time));
    assert_true(follows(&desk, CASE_EFFECT_RELEASE));
    assert_true(desk.effects.has_record);
    assert_int_equal(desk.effects.to, CASE_STATE_INVESTIGATING);
    assert_string_equal(desk.effects.record_reason, "the delay of the settlement has run out");
    assert_false(desk.it.is_held);
    time.wall_us = until + 1;
    assert_true(tell(&desk, time));
    assert_int_equal(desk.effects.count, 0);
}

static void test_the_switch_stops_only_when_it_was_permitted(void **state)
{
    (void)state;
    struct desk desk = opened(CASE_RISK, 4);
    struct case_event stop = event_of(CASE_EVENT_STOP, CASE_ROLE_SWITCH);
    assert_false(tell(&desk, stop));
    expect_refusal(&desk, "two independent flags");
    stop.is_stop_permitted = true;
    assert_true(tell(&desk, stop));
    assert_true(follows(&desk, CASE_EFFECT_STOP));
    assert_true(does(&desk, CASE_EVENT_CLEAR, CASE_ROLE_STAFF));
    assert_true(follows(&desk, CASE_EFFECT_RESUME));
}

static void test_a_device_that_was_tampered_with_is_stopped_until_another_stands_there(void **state)
{
    (void)state;
    struct desk desk = opened(CASE_FAULT, 4);
    struct case_event stop = event_of(CASE_EVENT_STOP, CASE_ROLE_SWITCH);
    stop.is_stop_permitted = true;
    assert_true(tell(&desk, stop));
    assert_true(follows(&desk, CASE_EFFECT_STOP));
    assert_int_equal(desk.it.state, CASE_STATE_NEW);
    assert_true(service_clock_is_running(&desk.it.answer)); /* somebody must look at it */
    assert_false(tell(&desk, stop));
    expect_refusal(&desk, "STOP is not permitted");
    assert_true(does(&desk, CASE_EVENT_TRIAGE, CASE_ROLE_STAFF));
    assert_true(does(&desk, CASE_EVENT_DISPATCH, CASE_ROLE_STAFF));
    struct case_event swap = event_of(CASE_EVENT_SWAP, CASE_ROLE_ENGINEER);
    snprintf(swap.serial, sizeof(swap.serial), "N900-2");
    assert_true(tell(&desk, swap));
    assert_true(follows(&desk, CASE_EFFECT_RESUME)); /* else it could not show that it works */
    assert_false(desk.it.is_stopped);
    struct desk mild = opened(CASE_FAULT, 2);
    assert_false(tell(&mild, stop));
    expect_refusal(&mild, "first step 1");
}

static void test_paid_work_waits_for_the_merchants_word_and_so_does_the_clock(void **state)
{
    (void)state;
    struct desk desk = opened(CASE_FAULT, 2);
    assert_true(tries(&desk, 1, CASE_STEP_DONE));
    assert_true(tries(&desk, 2, CASE_STEP_DONE));
    assert_true(does(&desk, CASE_EVENT_TRIAGE, CASE_ROLE_STAFF));
    int64_t due = service_clock_due(&desk.it.repair, &desk.rules.calendar);
    struct case_event quote = event_of(CASE_EVENT_QUOTE, CASE_ROLE_STAFF);
    assert_false(tell(&desk, quote));
    quote.cost_minor = 28000;
    assert_true(tell(&desk, quote));
    assert_int_equal(service_clock_due(&desk.it.repair, &desk.rules.calendar), 0);
    assert_false(does(&desk, CASE_EVENT_FIX, CASE_ROLE_STAFF));
    expect_refusal(&desk, "needs the merchant's word");
    desk.now += 59 * MINUTE_US;
    assert_true(does(&desk, CASE_EVENT_QUOTE_ACCEPT, CASE_ROLE_MERCHANT));
    assert_int_equal(
        service_clock_due(&desk.it.repair, &desk.rules.calendar) - due >= 60 * MINUTE_US, 1);
    assert_true(does(&desk, CASE_EVENT_FIX, CASE_ROLE_STAFF));
}

static void test_it_escalates_in_time(void **state)
{
    (void)state;
    struct desk desk = opened(CASE_FAULT, 2);
    assert_true(tries(&desk, 1, CASE_STEP_DONE));
    struct case_event triage = event_of(CASE_EVENT_TRIAGE, CASE_ROLE_STAFF);
    triage.service_class = SERVICE_P2; /* 4 h of work */
    assert_true(tell(&desk, triage));
    static const enum case_effect_kind WHOM[] = {
        CASE_EFFECT_TELL_ENGINEER, CASE_EFFECT_TELL_DISPATCHER, CASE_EFFECT_TELL_MANAGER};
    struct case_event time = event_of(CASE_EVENT_TIME, CASE_ROLE_SWITCH);
    for (unsigned i = 0; i < COUNT_OF(WHOM); i++) {
        time.wall_us = service_case_wake_us(&desk.it, &desk.rules);
        assert_true(time.wall_us > desk.now);
        assert_true(tell(&desk, time));
        assert_true(follows(&desk, WHOM[i]));
        assert_true(desk.effects.has_record);
    }
    assert_int_equal(service_case_wake_us(&desk.it, &desk.rules), 0);
}

static void test_the_same_events_give_the_same_case(void **state)
{
    (void)state;
    struct desk one = closed();
    struct desk other = closed();
    assert_memory_equal(&one.it, &other.it, sizeof(one.it));
}

static void test_a_fee_is_corrected_by_two(void **state)
{
    (void)state;
    struct desk desk = opened(CASE_FEE, 1);
    assert_false(does(&desk, CASE_EVENT_EXPLAIN, CASE_ROLE_STAFF));
    expect_refusal(&desk, "SHOW_RULE");
    assert_true(tries(&desk, 1, CASE_STEP_DONE));
    assert_true(does(&desk, CASE_EVENT_EXPLAIN, CASE_ROLE_STAFF));
    assert_true(does(&desk, CASE_EVENT_DISPUTE, CASE_ROLE_MERCHANT));
    struct case_event correct = event_of(CASE_EVENT_CORRECT, CASE_ROLE_MANAGER);
    assert_false(tell(&desk, correct));
    expect_refusal(&desk, "second person");
    snprintf(correct.second_actor, sizeof(correct.second_actor), "MANAGER-2");
    assert_true(tell(&desk, correct));
    assert_true(closes(&desk, CASE_ROLE_STAFF, CASE_OUTCOME_CONFIRMED));
}

static void test_names_lead_back(void **state)
{
    (void)state;
    for (unsigned i = 0; i < CASE_STATE_COUNT; i++) {
        assert_int_equal(case_state_from_name(case_state_name((enum case_state)i)), i);
    }
    for (unsigned i = 0; i < CASE_EVENT_COUNT; i++) {
        assert_int_equal(case_event_from_name(case_event_name((enum case_event_kind)i)), i);
    }
    for (unsigned i = 0; i < CASE_ROLE_COUNT; i++) {
        assert_int_equal(case_role_from_name(case_role_name((enum case_role)i)), i);
    }
    assert_int_equal(case_kind_from_name("FEE"), CASE_FEE);
    assert_int_equal(case_kind_from_name("nothing"), CASE_FEE + 1);
    assert_int_equal(case_state_from_name("nothing"), CASE_STATE_COUNT);
    assert_int_equal(case_source_from_name("BANK"), CASE_SOURCE_BANK);
    assert_string_equal(case_state_text(CASE_STATE_CLOSED, true), "已关闭");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_what_the_table_does_not_permit_is_refused_everywhere),
        cmocka_unit_test(test_of_each_state_and_event_there_is_one_follower_at_most),
        cmocka_unit_test(test_every_state_can_be_left_and_reached),
        cmocka_unit_test(test_a_refusal_names_what_would_be_permitted),
        cmocka_unit_test(test_first_steps_cannot_be_skipped),
        cmocka_unit_test(test_the_cashier_is_told_what_the_fault_is),
        cmocka_unit_test(test_the_cashier_is_told_what_holds_of_a_terminal_that_is_stopped),
        cmocka_unit_test(test_stale_keys_turn_out_to_be_lost_ones_at_any_severity),
        cmocka_unit_test(test_at_the_counter_a_payment_is_spoken_of_and_a_risk_is_not),
        cmocka_unit_test(test_severity_four_leaves_no_time_for_first_steps),
        cmocka_unit_test(test_what_helped_ends_the_search),
        cmocka_unit_test(test_only_the_switch_verifies_and_only_what_it_saw_there_afterwards),
        cmocka_unit_test(test_a_verification_told_late_still_counts),
        cmocka_unit_test(test_after_a_swap_the_new_serial_number_must_be_seen),
        cmocka_unit_test(test_closing_wants_an_outcome_that_fits),
        cmocka_unit_test(test_what_was_not_verified_is_written_off_by_two),
        cmocka_unit_test(test_it_may_be_reopened_for_seven_days),
        cmocka_unit_test(test_a_bad_score_reopens_at_a_manager),
        cmocka_unit_test(test_what_the_merchant_says_with_a_score_is_told_whole),
        cmocka_unit_test(test_a_good_score_stays_closed_and_is_given_once),
        cmocka_unit_test(test_a_hold_ends_after_three_working_days_with_a_record),
        cmocka_unit_test(test_the_switch_stops_only_when_it_was_permitted),
        cmocka_unit_test(
            test_a_device_that_was_tampered_with_is_stopped_until_another_stands_there),
        cmocka_unit_test(test_paid_work_waits_for_the_merchants_word_and_so_does_the_clock),
        cmocka_unit_test(test_it_escalates_in_time),
        cmocka_unit_test(test_the_same_events_give_the_same_case),
        cmocka_unit_test(test_a_fee_is_corrected_by_two),
        cmocka_unit_test(test_names_lead_back),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
