/* See service_case.h: what a permitted event changes, and what must follow outside. */
#include "switch/aftersales/service_case.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "protocols/base/require.h"
#include "switch/aftersales/case_check.h"
#include "switch/aftersales/case_table.h"
#include "switch/aftersales/cause.h"

#define DAY_US INT64_C(86400000000)

/* One step under way. */
struct turn {
    struct service_case *it;
    const struct case_event *event;
    const struct case_rules *rules;
    struct case_effects *effects;
};

void case_rules_default(struct case_rules *rules)
{
    *rules = (struct case_rules){.reopen_days = 7,
                                 .hold_work_days = 3,
                                 .report_work_days = 3,
                                 .quiet_days = 7,
                                 .score_reopens_max = 2};
    work_calendar_default(&rules->calendar);
    service_terms_default(&rules->terms);
    for (unsigned i = 0; i < SIGNAL_COUNT; i++) {
        rules->follow_ups[i] = signal_follow_up((enum signal_code)i);
    }
}

static void follow(const struct turn *turn, enum case_effect_kind kind, const char *text,
                   int64_t due_us)
{
    struct case_effects *effects = turn->effects;
    REQUIRE(effects->count < CASE_EFFECT_COUNT_MAX);
    struct case_effect *effect = &effects->items[effects->count++];
    effect->kind = kind;
    effect->due_us = due_us;
    snprintf(effect->text, sizeof(effect->text), "%s", text);
}

static void copy_text(char *to, size_t to_size, const char *from)
{
    snprintf(to, to_size, "%s", from);
}

/* A stopped terminal has nothing to try: it is told so, whatever the fault. */
static const char *cashier_text(const struct service_case *it)
{
    enum fault fault = fault_from_code(it->fault);
    bool may_try = !it->is_stopped || fault == FAULT_KEYS_LOST;
    return fault_cashier_text(may_try && fault != FAULT_COUNT ? fault : FAULT_IDENTITY);
}

static void tell_cashier(const struct turn *turn)
{
    if (turn->it->terminal_id[0] != '\0') {
        follow(turn, CASE_EFFECT_TELL_CASHIER, cashier_text(turn->it), 0);
    }
}

/* What mends stale keys, the terminal is asked for as well. */
static void ask_signon(const struct turn *turn)
{
    const struct service_case *it = turn->it;
    if (it->terminal_id[0] != '\0' && !it->is_stopped &&
        fault_from_code(it->fault) == FAULT_KEYS_STALE) {
        follow(turn, CASE_EFFECT_ASK_SIGNON, "wrong MACs end with new keys", 0);
    }
}

/* The first step that has no result yet, told to whom it concerns. */
static void tell_next_step(const struct turn *turn)
{
    uint8_t missing = 0;
    bool is_done = case_steps_are_done(turn->it, &missing);
    const struct case_first_step *step = is_done ? NULL : case_first_step(turn->it->kind, missing);
    if (step == NULL) {
        return;
    }
    bool has_terminal = turn->it->terminal_id[0] != '\0';
    if (step->order != CASE_EFFECT_NONE && has_terminal) {
        follow(turn, step->order, step->zh, 0);
    }
    if (step->order != CASE_EFFECT_TELL_CASHIER || !has_terminal) {
        follow(turn, CASE_EFFECT_TELL_DISPATCHER, step->en, 0);
    }
}

static void start_answer(const struct turn *turn)
{
    struct service_case *it = turn->it;
    it->repair = (struct service_clock){0};
    service_clock_start(&it->answer, &turn->rules->calendar,
                        turn->rules->terms.answer[it->service_class], turn->event->wall_us);
}

/* The time for the repair counts from when it was first taken in hand; another place gives another
 * term, and keeps what was used of it where both count alike. */
static void start_repair(const struct turn *turn, enum service_place place)
{
    struct service_case *it = turn->it;
    const struct work_calendar *calendar = &turn->rules->calendar;
    int64_t now = turn->event->wall_us;
    struct service_clock before = it->repair;
    service_clock_stop(&before, calendar, now);
    service_clock_stop(&it->answer, calendar, now);
    bool is_first = before.budget_us == 0;
    it->repair_begun_us = is_first ? now : it->repair_begun_us;
    service_clock_start(&it->repair, calendar, turn->rules->terms.fix[it->service_class][place],
                        it->repair_begun_us);
    if (!is_first && it->repair.is_working_time == before.is_working_time) {
        it->repair.used_us = before.used_us;
    }
    it->repair.since_us = it->is_waiting ? 0 : now;
    it->place = place;
}

static void on_open(const struct turn *turn)
{
    struct service_case *it = turn->it;
    it->opened_us = turn->event->wall_us;
    it->flag_count = it->source == CASE_SOURCE_RULE ? 1 : 0;
    start_answer(turn);
    tell_next_step(turn);
    /* What was wrong with a payment is asked at the counter. Of a risk nothing is said there before
     * the terminal is stopped, and of a system fault its first step. */
    if (it->kind == CASE_TRANSACTION && it->fault[0] != '\0') {
        tell_cashier(turn);
    }
    if (it->severity >= 3) {
        follow(turn, CASE_EFFECT_TELL_MANAGER, turn->event->reason,
               service_clock_due(&it->answer, &turn->rules->calendar));
    }
    if (it->is_makers) {
        follow(turn, CASE_EFFECT_TELL_MAKER, turn->event->reason, 0);
    }
}

static void take_fault(const struct turn *turn)
{
    if (turn->event->fault[0] != '\0') {
        copy_text(turn->it->fault, sizeof(turn->it->fault), turn->event->fault);
        tell_cashier(turn);
        ask_signon(turn);
    }
}

/* Wrong MACs go on to look like stale keys when it is known, by a signal or by people, that they
 * are more than that: K1 is a beginning, and takes no other fault's place. */
static bool is_news(const struct service_case *it, const struct case_event *event)
{
    return strcmp(event->fault, it->fault) != 0 &&
           fault_from_code(event->fault) != FAULT_KEYS_STALE;
}

static void on_join(const struct turn *turn)
{
    struct service_case *it = turn->it;
    it->flag_count = (uint16_t)(it->flag_count + (it->flag_count < UINT16_MAX));
    if (turn->event->severity > it->severity) {
        it->severity = turn->event->severity;
        follow(turn, it->severity >= 3 ? CASE_EFFECT_TELL_MANAGER : CASE_EFFECT_TELL_DISPATCHER,
               "the case has become more severe", 0);
    }
    if (case_kind_life(it->kind) == CASE_LIFE_SERVICE && is_news(it, turn->event)) {
        take_fault(turn);
    }
}

static void on_first_step(const struct turn *turn)
{
    turn->it->steps[turn->event->step - 1] = (uint8_t)turn->event->result;
    tell_next_step(turn);
}

static void on_triage(const struct turn *turn)
{
    struct service_case *it = turn->it;
    take_fault(turn);
    it->service_class = turn->event->service_class;
    start_repair(turn, SERVICE_REMOTE);
}

static void on_dispatch(const struct turn *turn)
{
    struct service_case *it = turn->it;
    copy_text(it->engineer, sizeof(it->engineer), turn->event->engineer);
    copy_text(it->point_id, sizeof(it->point_id), turn->event->point_id);
    it->repaired_us = it->verified_us = 0;
    start_repair(turn, turn->event->place);
    follow(turn, CASE_EFFECT_TELL_ENGINEER, turn->event->reason,
           service_clock_due(&it->repair, &turn->rules->calendar));
    follow(turn, CASE_EFFECT_TELL_MERCHANT, turn->event->reason,
           service_clock_due(&it->repair, &turn->rules->calendar));
}

/* The cashier, who was told to leave it alone, is told that too. */
static void resume(const struct turn *turn, const char *text)
{
    if (turn->it->is_stopped) {
        follow(turn, CASE_EFFECT_RESUME, text, 0);
        if (turn->it->terminal_id[0] != '\0') {
            follow(turn, CASE_EFFECT_TELL_CASHIER, CASE_RESUMED_TEXT, 0);
        }
    }
    turn->it->is_stopped = false;
}

/* A terminal that stays stopped could not show that it works. */
static void on_repaired(const struct turn *turn)
{
    struct service_case *it = turn->it;
    resume(turn, "mended, or another device stands there");
    it->repaired_us = turn->event->wall_us;
    service_clock_stop(&it->answer, &turn->rules->calendar, turn->event->wall_us);
    service_clock_stop(&it->repair, &turn->rules->calendar, turn->event->wall_us);
    if (turn->event->kind == CASE_EVENT_SWAP) {
        char text[CASE_REASON_SIZE];
        snprintf(text, sizeof(text), "serial number %s instead of %s", turn->event->serial,
                 it->serial[0] != '\0' ? it->serial : "(not known)");
        copy_text(it->serial_before, sizeof(it->serial_before), it->serial);
        copy_text(it->serial, sizeof(it->serial), turn->event->serial);
        follow(turn, CASE_EFFECT_BIND, text, 0);
        follow(turn, CASE_EFFECT_DESTROY_KEYS, it->serial_before, 0);
    }
    if (it->terminal_id[0] != '\0') {
        follow(turn, CASE_EFFECT_ASK_SIGNON, "shows whether the repair was good", 0);
    }
}

/* Risk and fee cases are answered when somebody takes them up. */
static void on_taken_up(const struct turn *turn)
{
    service_clock_stop(&turn->it->answer, &turn->rules->calendar, turn->event->wall_us);
}

/* Ends the hold, if there is one. */
static void release(const struct turn *turn, const char *text)
{
    if (turn->it->is_held) {
        follow(turn, CASE_EFFECT_RELEASE, text, 0);
    }
    turn->it->is_held = false;
    turn->it->hold_until_us = 0;
}

static void on_hold(const struct turn *turn)
{
    struct service_case *it = turn->it;
    on_taken_up(turn);
    it->is_held = true;
    it->hold_until_us = work_calendar_days_after(&turn->rules->calendar, turn->event->wall_us,
                                                 turn->rules->hold_work_days);
    follow(turn, CASE_EFFECT_HOLD, turn->event->reason, it->hold_until_us);
    follow(turn, CASE_EFFECT_TELL_MERCHANT, turn->event->reason, it->hold_until_us);
}

static void on_stop(const struct turn *turn)
{
    if (case_kind_life(turn->it->kind) == CASE_LIFE_RISK) {
        on_taken_up(turn);
    }
    turn->it->is_stopped = true;
    follow(turn, CASE_EFFECT_STOP, turn->event->reason, 0);
    tell_cashier(turn);
    follow(turn, CASE_EFFECT_TELL_MANAGER, turn->event->reason, 0);
}

static void on_confirm(const struct turn *turn)
{
    follow(turn, CASE_EFFECT_REPORT, turn->event->reason,
           work_calendar_days_after(&turn->rules->calendar, turn->event->wall_us,
                                    turn->rules->report_work_days));
}

static void set_waiting(const struct turn *turn, bool is_waiting)
{
    struct service_case *it = turn->it;
    struct service_clock *clock = it->repair.budget_us > 0 ? &it->repair : &it->answer;
    if (is_waiting) {
        service_clock_stop(clock, &turn->rules->calendar, turn->event->wall_us);
    } else if (it->is_waiting && it->repaired_us == 0) {
        service_clock_resume(clock, turn->event->wall_us);
    }
    it->is_waiting = is_waiting;
}

static void on_quote(const struct turn *turn)
{
    turn->it->quote = CASE_QUOTE_ASKED;
    turn->it->cost_minor = turn->event->cost_minor;
    set_waiting(turn, true);
    follow(turn, CASE_EFFECT_ASK_PRICE, turn->event->reason, 0);
}

static void on_quote_accept(const struct turn *turn)
{
    turn->it->quote = CASE_QUOTE_ACCEPTED;
    set_waiting(turn, false);
}

static void on_quote_decline(const struct turn *turn)
{
    turn->it->quote = CASE_QUOTE_DECLINED;
    set_waiting(turn, false);
    follow(turn, CASE_EFFECT_TELL_DISPATCHER, turn->event->reason, 0);
}

static void on_wait(const struct turn *turn)
{
    set_waiting(turn, turn->event->kind == CASE_EVENT_WAIT);
}

static void on_close(const struct turn *turn)
{
    struct service_case *it = turn->it;
    it->closed_us = turn->event->wall_us;
    it->outcome = turn->event->outcome;
    copy_text(it->closing_code, sizeof(it->closing_code), turn->event->closing_code);
    service_clock_stop(&it->answer, &turn->rules->calendar, turn->event->wall_us);
    service_clock_stop(&it->repair, &turn->rules->calendar, turn->event->wall_us);
    it->is_waiting = false;
    release(turn, "the case is closed");
    if (it->outcome == CASE_OUTCOME_BENIGN) {
        resume(turn, "the case is closed as benign");
    }
    if (it->subject != FLAG_OF_COHORT) {
        follow(turn, CASE_EFFECT_ASK_SCORE, "请为本次服务评分(1-5)", 0);
    }
}

static void on_reopen(const struct turn *turn)
{
    struct service_case *it = turn->it;
    it->outcome = CASE_OUTCOME_NONE;
    it->closing_code[0] = '\0';
    it->closed_us = it->repaired_us = it->verified_us = 0;
    it->score = 0;
    it->quote = CASE_QUOTE_NONE;
    it->cost_minor = 0;
    it->reopen_count++;
    start_answer(turn);
    follow(turn, CASE_EFFECT_TELL_DISPATCHER, turn->event->reason,
           service_clock_due(&it->answer, &turn->rules->calendar));
}

/* A bad score opens the case again, at a manager; when it is too late for that he is told. */
static void on_score(const struct turn *turn)
{
    struct service_case *it = turn->it;
    it->score = turn->event->score;
    if (it->score > turn->rules->score_reopens_max) {
        return;
    }
    char text[CASE_EFFECT_TEXT_SIZE];
    int length = snprintf(text, sizeof(text), "the merchant gave %u of 5%s%s", it->score,
                          turn->event->reason[0] == '\0' ? "" : ": ", turn->event->reason);
    follow(turn, CASE_EFFECT_TELL_MANAGER, text, 0);
    if (turn->event->wall_us - it->closed_us <= turn->rules->reopen_days * DAY_US) {
        on_reopen(turn);
        it->is_at_manager = true;
        it->score = turn->event->score;
        it->state = CASE_STATE_REOPENED;
        if (length <
            CASE_REASON_SIZE) { /* else the history has the merchant's words alone, whole */
            memcpy(turn->effects->record_reason, text, (size_t)length + 1);
        }
    }
}

static void escalate(const struct turn *turn, struct service_clock *clock, const char *what)
{
    static const enum case_effect_kind WHOM[SERVICE_ESCALATION_COUNT] = {
        CASE_EFFECT_TELL_ENGINEER, CASE_EFFECT_TELL_DISPATCHER, CASE_EFFECT_TELL_MANAGER};
    const struct case_rules *rules = turn->rules;
    uint8_t fresh =
        service_clock_escalate(clock, &rules->terms, &rules->calendar, turn->event->wall_us);
    for (unsigned i = 0; i < SERVICE_ESCALATION_COUNT; i++) {
        if ((fresh >> i & 1) != 0) {
            char text[CASE_REASON_SIZE];
            snprintf(text, sizeof(text), "%u %% of the time for the %s is used",
                     rules->terms.escalation_percent[i], what);
            follow(turn, WHOM[i], text, service_clock_due(clock, &rules->calendar));
            copy_text(turn->effects->record_reason, sizeof(turn->effects->record_reason), text);
            turn->effects->has_record = true;
        }
    }
}

static void on_time(const struct turn *turn)
{
    struct service_case *it = turn->it;
    struct case_effects *effects = turn->effects;
    effects->has_record = false;
    if (service_clock_is_running(&it->repair)) {
        escalate(turn, &it->repair, "repair");
    } else if (service_clock_is_running(&it->answer)) {
        escalate(turn, &it->answer, "answer");
    }
    if (it->is_held && turn->event->wall_us >= it->hold_until_us) {
        release(turn, "the delay of the settlement has run out");
        effects->has_record = true;
        copy_text(effects->record_reason, sizeof(effects->record_reason),
                  "the delay of the settlement has run out");
        if (it->state == CASE_STATE_HELD) {
            it->state =
                case_state_after(it->state, CASE_EVENT_HOLD_EXPIRED, case_kind_life(it->kind));
            follow(turn, CASE_EFFECT_TELL_MANAGER, effects->record_reason, 0);
        }
    }
}

static void on_observed(const struct turn *turn)
{
    turn->it->verified_us = turn->event->wall_us;
}

static void on_accept(const struct turn *turn)
{
    copy_text(turn->it->engineer, sizeof(turn->it->engineer), turn->event->actor);
}

static void on_escalate(const struct turn *turn)
{
    follow(turn, CASE_EFFECT_TELL_MAKER, turn->event->reason, 0);
}

static void on_answered(const struct turn *turn)
{
    on_taken_up(turn);
    follow(turn, CASE_EFFECT_TELL_MERCHANT, turn->event->reason, 0);
}

static void on_investigate(const struct turn *turn)
{
    on_taken_up(turn);
    release(turn, "lifted by a person");
}

static void on_clear(const struct turn *turn)
{
    on_taken_up(turn);
    release(turn, "nothing was found");
    resume(turn, "nothing was found");
}

static void on_report(const struct turn *turn)
{
    follow(turn, CASE_EFFECT_REPORT, turn->event->reason, 0);
}

static void (*const APPLY[CASE_EVENT_COUNT])(const struct turn *) = {
    [CASE_EVENT_OPEN] = on_open,
    [CASE_EVENT_FIRST_STEP] = on_first_step,
    [CASE_EVENT_JOIN] = on_join,
    [CASE_EVENT_TRIAGE] = on_triage,
    [CASE_EVENT_ADVISE] = tell_next_step,
    [CASE_EVENT_DISPATCH] = on_dispatch,
    [CASE_EVENT_ACCEPT] = on_accept,
    [CASE_EVENT_FIX] = on_repaired,
    [CASE_EVENT_SWAP] = on_repaired,
    [CASE_EVENT_ESCALATE] = on_escalate,
    [CASE_EVENT_OBSERVED] = on_observed,
    [CASE_EVENT_ANSWER] = on_answered,
    [CASE_EVENT_EXPLAIN] = on_answered,
    [CASE_EVENT_CORRECT] = on_answered,
    [CASE_EVENT_REFUSE] = on_answered,
    [CASE_EVENT_INVESTIGATE] = on_investigate,
    [CASE_EVENT_HOLD] = on_hold,
    [CASE_EVENT_CLEAR] = on_clear,
    [CASE_EVENT_CONFIRM] = on_confirm,
    [CASE_EVENT_STOP] = on_stop,
    [CASE_EVENT_REPORT] = on_report,
    [CASE_EVENT_QUOTE] = on_quote,
    [CASE_EVENT_QUOTE_ACCEPT] = on_quote_accept,
    [CASE_EVENT_QUOTE_DECLINE] = on_quote_decline,
    [CASE_EVENT_WAIT] = on_wait,
    [CASE_EVENT_GO_ON] = on_wait,
    [CASE_EVENT_CLOSE] = on_close,
    [CASE_EVENT_REOPEN] = on_reopen,
    [CASE_EVENT_SCORE] = on_score,
    [CASE_EVENT_TIME] = on_time,
};

void service_case_step(struct service_case *service_case, const struct case_event *event,
                       const struct case_rules *rules, struct case_effects *effects)
{
    REQUIRE((unsigned)service_case->service_class < SERVICE_CLASS_COUNT);
    REQUIRE((unsigned)event->service_class < SERVICE_CLASS_COUNT);
    REQUIRE((unsigned)event->place < SERVICE_PLACE_COUNT);
    memset(effects, 0, sizeof(*effects));
    effects->from = effects->to = service_case->state;
    if (!case_may(service_case, event, rules, effects->refusal)) {
        return;
    }
    effects->is_permitted = effects->has_record = true;
    effects->record_kind = event->kind;
    copy_text(effects->record_reason, sizeof(effects->record_reason), event->reason);
    enum case_state to = event->kind == CASE_EVENT_OPEN
                             ? CASE_STATE_NEW
                             : case_state_after(service_case->state, event->kind,
                                                case_kind_life(service_case->kind));
    service_case->state = to != CASE_STATE_COUNT ? to : service_case->state;
    if (APPLY[event->kind] != NULL) {
        APPLY[event->kind](&(struct turn){service_case, event, rules, effects});
    }
    effects->to = service_case->state;
    /* Time that changed nothing leaves no trace. */
    if (effects->has_record) {
        service_case->event_count++;
        service_case->changed_us =
            event->wall_us > service_case->changed_us ? event->wall_us : service_case->changed_us;
    }
}

bool service_case_is_open(const struct service_case *service_case)
{
    return service_case->event_count > 0 && service_case->state != CASE_STATE_CLOSED;
}

/* The moment at which `clock` reaches its next escalation; 0: none. */
static int64_t next_escalation(const struct service_clock *clock, const struct case_rules *rules)
{
    for (unsigned i = 0; i < SERVICE_ESCALATION_COUNT; i++) {
        if ((clock->told >> i & 1) == 0 && service_clock_is_running(clock)) {
            /* Rounded up, so that by then the per cent are really reached. */
            int64_t part = clock->budget_us / 100 * rules->terms.escalation_percent[i] + 1000000;
            struct service_clock until = *clock;
            until.budget_us = part < clock->budget_us ? part : clock->budget_us;
            return service_clock_due(&until, &rules->calendar);
        }
    }
    return 0;
}

int64_t service_case_wake_us(const struct service_case *service_case,
                             const struct case_rules *rules)
{
    if (!service_case_is_open(service_case)) {
        return 0;
    }
    const struct service_clock *clock = service_clock_is_running(&service_case->repair)
                                            ? &service_case->repair
                                            : &service_case->answer;
    int64_t wake = next_escalation(clock, rules);
    int64_t hold = service_case->is_held ? service_case->hold_until_us : 0;
    return wake == 0 || (hold != 0 && hold < wake) ? hold : wake;
}
