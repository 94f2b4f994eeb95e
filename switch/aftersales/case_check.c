/* See case_check.h. Each check speaks for itself; the first that says no is the answer. */
#include "switch/aftersales/case_check.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "protocols/base/require.h"
#include "switch/aftersales/case_table.h"
#include "switch/aftersales/cause.h"

#define REFUSAL_SIZE 320
#define DAY_US INT64_C(86400000000)
#define BIT(kind) (UINT64_C(1) << CASE_EVENT_##kind)
#define PEOPLE ((1U << CASE_ROLE_COUNT) - 1 - (1U << CASE_ROLE_SWITCH))

/* Noted without moving the case, as long as it is open. */
static const uint64_t NOTED = BIT(FIRST_STEP) | BIT(JOIN) | BIT(QUOTE) | BIT(QUOTE_ACCEPT) |
                              BIT(QUOTE_DECLINE) | BIT(WAIT) | BIT(GO_ON) | BIT(TIME);

static bool first_step_is_open(const struct service_case *service_case)
{
    for (uint8_t i = 0; i < CASE_STEP_COUNT_MAX; i++) {
        if (service_case->steps[i] == CASE_STEP_OPEN &&
            case_first_step(service_case->kind, (uint8_t)(i + 1)) != NULL) {
            return true;
        }
    }
    return false;
}

bool case_steps_are_done(const struct service_case *service_case, uint8_t *missing)
{
    *missing = 0;
    for (uint8_t i = 0; i < CASE_STEP_COUNT_MAX; i++) {
        if (service_case->steps[i] == CASE_STEP_HELPED) {
            return true;
        }
        if (service_case->steps[i] == CASE_STEP_OPEN && *missing == 0 &&
            case_first_step(service_case->kind, (uint8_t)(i + 1)) != NULL) {
            *missing = (uint8_t)(i + 1);
        }
    }
    return *missing == 0 || service_case->severity >= 4;
}

uint64_t service_case_permitted(const struct service_case *service_case)
{
    if (service_case->event_count == 0) {
        return BIT(OPEN);
    }
    uint64_t permitted = service_case->state == CASE_STATE_CLOSED ? BIT(SCORE) : NOTED;
    uint8_t life = case_kind_life(service_case->kind);
    for (unsigned kind = 0; kind < CASE_EVENT_COUNT; kind++) {
        if (case_state_after(service_case->state, (enum case_event_kind)kind, life) !=
            CASE_STATE_COUNT) {
            permitted |= UINT64_C(1) << kind;
        }
    }
    /* A device that was tampered with is stopped until it is mended or another one stands there;
     * that does not move the case. */
    if (life == CASE_LIFE_SERVICE && service_case_is_open(service_case) &&
        !service_case->is_stopped) {
        permitted |= BIT(STOP);
    }
    /* The switch ends a hold when its time is over, by TIME. */
    return permitted & ~BIT(HOLD_EXPIRED);
}

bool case_event_takes_parts(enum case_event_kind kind)
{
    return kind == CASE_EVENT_FIX || kind == CASE_EVENT_SWAP || kind == CASE_EVENT_ESCALATE;
}

bool case_event_takes_photos(enum case_event_kind kind)
{
    return kind == CASE_EVENT_ARRIVE || case_event_takes_parts(kind);
}

bool service_case_has_occasion(const struct service_case *service_case, enum case_event_kind kind)
{
    if (kind == CASE_EVENT_QUOTE_ACCEPT || kind == CASE_EVENT_QUOTE_DECLINE) {
        return service_case->quote == CASE_QUOTE_ASKED;
    }
    if (kind == CASE_EVENT_WAIT || kind == CASE_EVENT_GO_ON) {
        return service_case->is_waiting == (kind == CASE_EVENT_GO_ON);
    }
    if (kind == CASE_EVENT_FIRST_STEP) {
        return first_step_is_open(service_case);
    }
    return kind != CASE_EVENT_SCORE || service_case->score == 0;
}

/* Whether a refusal names it: people are not told what only the switch says, nor what has no
 * occasion. */
static bool is_worth_naming(const struct service_case *service_case, const struct case_event *event,
                            enum case_event_kind kind)
{
    return (service_case_permitted(service_case) >> kind & 1) != 0 &&
           (event->role == CASE_ROLE_SWITCH || (case_event_row(kind)->roles & PEOPLE) != 0) &&
           service_case_has_occasion(service_case, kind);
}

static bool state_permits(const struct service_case *service_case, const struct case_event *event,
                          char *refusal)
{
    if ((service_case_permitted(service_case) >> event->kind & 1) != 0) {
        return true;
    }
    int used = snprintf(
        refusal, REFUSAL_SIZE,
        "%s is not permitted in state %s of a %s case; permitted:", case_event_name(event->kind),
        service_case->event_count == 0 ? "(not opened)" : case_state_name(service_case->state),
        case_kind_name(service_case->kind));
    for (unsigned kind = 0; kind < CASE_EVENT_COUNT && used > 0 && used < REFUSAL_SIZE; kind++) {
        if (is_worth_naming(service_case, event, (enum case_event_kind)kind)) {
            used += snprintf(refusal + used, (size_t)(REFUSAL_SIZE - used), " %s",
                             case_event_name((enum case_event_kind)kind));
        }
    }
    return false;
}

static bool actor_may(const struct case_event *event, char *refusal)
{
    const struct case_event_row *row = case_event_row(event->kind);
    if (event->actor[0] == '\0') {
        snprintf(refusal, REFUSAL_SIZE, "%s without an actor; say who does it", row->name);
        return false;
    }
    if ((row->roles >> event->role & 1) != 0) {
        return true;
    }
    int used =
        snprintf(refusal, REFUSAL_SIZE, "%s may not be done by %s (%s); permitted:", row->name,
                 case_role_name(event->role), event->actor);
    for (unsigned role = 0; role < CASE_ROLE_COUNT && used > 0 && used < REFUSAL_SIZE; role++) {
        if ((row->roles >> role & 1) != 0) {
            used += snprintf(refusal + used, (size_t)(REFUSAL_SIZE - used), " %s",
                             case_role_name((enum case_role)role));
        }
    }
    return false;
}

static bool has_two(const struct case_event *event)
{
    return event->second_actor[0] != '\0' && strcmp(event->actor, event->second_actor) != 0;
}

static bool first_steps_permit(const struct service_case *service_case, uint8_t needs,
                               char *refusal)
{
    uint8_t missing;
    if ((needs & CASE_NEEDS_STEPS) == 0 || case_steps_are_done(service_case, &missing)) {
        return true;
    }
    const struct case_first_step *step = case_first_step(service_case->kind, missing);
    REQUIRE(step != NULL);
    snprintf(refusal, REFUSAL_SIZE,
             "first step %u (%s: %s) has no result; record FIRST_STEP with done, impossible or "
             "helped (only severity 4 may skip it)",
             missing, step->name, step->en);
    return false;
}

static const char *missing_need(const struct service_case *service_case,
                                const struct case_event *event, uint8_t needs)
{
    if ((needs & CASE_NEEDS_REASON) != 0 && event->reason[0] == '\0') {
        return "needs a reason; say why in one sentence";
    }
    if ((needs & CASE_NEEDS_OUTCOME) != 0 && event->outcome != CASE_OUTCOME_CONFIRMED &&
        event->outcome != CASE_OUTCOME_BENIGN) {
        return "needs an outcome: confirmed or benign";
    }
    if ((needs & CASE_NEEDS_TWO) != 0 && !has_two(event)) {
        return "needs a second person, another than the first";
    }
    if ((needs & CASE_NEEDS_SERIAL) != 0 && event->serial[0] == '\0') {
        return "needs the serial number of the new device";
    }
    if ((needs & CASE_NEEDS_FREE) != 0 &&
        (service_case->quote == CASE_QUOTE_ASKED || service_case->quote == CASE_QUOTE_DECLINED)) {
        return "needs the merchant's word: the quoted price is not accepted; QUOTE_ACCEPT first, "
               "or "
               "QUOTE anew";
    }
    return NULL;
}

/* What the switch has seen must be of this device, good, and after the repair. */
static const char *observation_fault(const struct service_case *service_case,
                                     const struct case_event *event, const struct case_rules *rules)
{
    (void)rules;
    if (!event->is_good) {
        return "does not verify: it is no good sign-on or payment";
    }
    if (event->wall_us <= service_case->repaired_us) {
        return "does not verify: it is from before the repair; wait for a sign-on or payment after "
               "it";
    }
    if (strcmp(event->terminal_id, service_case->terminal_id) != 0) {
        return "does not verify: it is from another terminal";
    }
    bool has_none = event->serial[0] == '\0';
    if ((has_none && service_case->state == CASE_STATE_SWAPPED) ||
        (!has_none && service_case->serial[0] != '\0' &&
         strcmp(event->serial, service_case->serial) != 0)) {
        return "does not verify: it is not from the serial number that was repaired or put there";
    }
    return NULL;
}

static const char *first_step_fault(const struct service_case *service_case,
                                    const struct case_event *event, const struct case_rules *rules)
{
    (void)rules;
    if (event->step > CASE_STEP_COUNT_MAX ||
        case_first_step(service_case->kind, event->step) == NULL) {
        return "names no first step of this kind of case; they count from 1";
    }
    bool has_result = event->result >= CASE_STEP_DONE && event->result <= CASE_STEP_HELPED;
    return has_result ? NULL : "needs a result: done, impossible or helped";
}

static const char *triage_fault(const struct service_case *service_case,
                                const struct case_event *event, const struct case_rules *rules)
{
    (void)service_case;
    (void)rules;
    return event->fault[0] == '\0' || fault_from_code(event->fault) != FAULT_COUNT
               ? NULL
               : "names no fault; expected a code of fault.def, N1 to X4, or none";
}

static const char *stop_fault(const struct service_case *service_case,
                              const struct case_event *event, const struct case_rules *rules)
{
    (void)service_case;
    (void)rules;
    return event->role != CASE_ROLE_SWITCH || event->is_stop_permitted
               ? NULL
               : "by the switch needs two independent flags of severity 4, or one of L5, L7, L8, "
                 "T10; ask a person";
}

static const char *quote_fault(const struct service_case *service_case,
                               const struct case_event *event, const struct case_rules *rules)
{
    (void)rules;
    if (event->kind == CASE_EVENT_QUOTE) {
        return event->cost_minor > 0 ? NULL : "needs a price above zero";
    }
    return service_case->quote == CASE_QUOTE_ASKED ? NULL : "answers no quote; QUOTE first";
}

static const char *wait_fault(const struct service_case *service_case,
                              const struct case_event *event, const struct case_rules *rules)
{
    (void)rules;
    if (event->kind == CASE_EVENT_WAIT) {
        return service_case->is_waiting ? "again: the merchant is waited for already" : NULL;
    }
    return service_case->is_waiting ? NULL : "but nobody was waited for";
}

static const char *reopen_fault(const struct service_case *service_case,
                                const struct case_event *event, const struct case_rules *rules)
{
    return event->wall_us - service_case->closed_us > rules->reopen_days * DAY_US
               ? "too late: the days for reopening are over; open a new case"
               : NULL;
}

static const char *score_fault(const struct service_case *service_case,
                               const struct case_event *event, const struct case_rules *rules)
{
    (void)rules;
    if (event->score < 1 || event->score > 5) {
        return "expects 1 to 5";
    }
    return service_case->score == 0 ? NULL : "twice: a score was given already";
}

/* The switch and the merchant may say that a fault is gone, when a first step has helped. */
static const char *fix_fault(const struct service_case *service_case,
                             const struct case_event *event, const struct case_rules *rules)
{
    (void)rules;
    bool has_helped = memchr(service_case->steps, CASE_STEP_HELPED, CASE_STEP_COUNT_MAX) != NULL;
    if (has_helped || (event->role != CASE_ROLE_SWITCH && event->role != CASE_ROLE_MERCHANT)) {
        return NULL;
    }
    return "by the switch or the merchant only when a first step has helped";
}

#define STATE(name) (UINT32_C(1) << CASE_STATE_##name)
/* With which outcome a state may be left for good. */
static const uint32_t CLOSES_BENIGN = STATE(CLEARED) | STATE(AGREED) | STATE(REFUSED);
static const uint32_t CLOSES_CONFIRMED =
    STATE(CONFIRMED) | STATE(STOPPED) | STATE(RECOVERED) | STATE(REPORTED) | STATE(CORRECTED);
static const uint32_t CLOSES_EITHER = STATE(VERIFIED) | STATE(ANSWERED);

static const char *close_fault(const struct service_case *service_case,
                               const struct case_event *event, const struct case_rules *rules)
{
    (void)rules;
    bool is_confirmed = event->outcome == CASE_OUTCOME_CONFIRMED;
    uint32_t state = UINT32_C(1) << service_case->state;
    if (service_case->is_at_manager && event->role != CASE_ROLE_MANAGER) {
        return "is the manager's: the merchant was not content";
    }
    if ((CLOSES_BENIGN & state) != 0) {
        return is_confirmed ? "after this state expects the outcome benign" : NULL;
    }
    if ((CLOSES_CONFIRMED & state) != 0) {
        return is_confirmed ? NULL : "after this state expects the outcome confirmed";
    }
    bool is_request_done =
        service_case->kind == CASE_SERVICE && service_case->state == CASE_STATE_FIXED;
    if (!is_confirmed || is_request_done || (CLOSES_EITHER & state) != 0 ||
        (event->role == CASE_ROLE_MANAGER && has_two(event))) {
        return NULL;
    }
    return "with the outcome confirmed needs VERIFIED first (a good sign-on or payment after the "
           "repair), or a manager and a second person to write it off";
}

/* What the merchant is to pay for parts; -1: a price that none can be. */
static int64_t parts_of_merchant(const struct case_event *event)
{
    int64_t sum = 0;
    for (uint32_t i = 0; i < event->part_count; i++) {
        const struct case_part *part = &event->parts[i];
        if (part->cost_minor < 0 || part->cost_minor > CASE_PART_COST_MAX) {
            return -1;
        }
        sum += part->paid_by == CASE_PART_PAID_BY_MERCHANT ? part->cost_minor : 0;
    }
    return sum;
}

/* Who changes parts is named, and nothing is taken from the merchant's purse without his word. */
static const char *parts_fault(const struct service_case *service_case,
                               const struct case_event *event)
{
    REQUIRE(event->part_count <= CASE_PART_COUNT_MAX && event->photo_count <= CASE_PHOTO_COUNT_MAX);
    if (event->photo_count > 0 && !case_event_takes_photos(event->kind)) {
        return "takes no photos; name them with ARRIVE, FIX, SWAP or ESCALATE";
    }
    if (event->part_count == 0) {
        return NULL;
    }
    if (!case_event_takes_parts(event->kind)) {
        return "takes no parts; say them with FIX, SWAP or ESCALATE";
    }
    if (event->role == CASE_ROLE_SWITCH || event->role == CASE_ROLE_MERCHANT) {
        return "with parts is said by an engineer, staff or the maker";
    }
    int64_t sum = parts_of_merchant(event);
    if (sum < 0) {
        return "needs for each part what it cost: 0 or more";
    }
    return sum == 0 ||
                   (service_case->quote == CASE_QUOTE_ACCEPTED && sum <= service_case->cost_minor)
               ? NULL
               : "has parts for which the merchant pays more than was accepted: QUOTE, and "
                 "QUOTE_ACCEPT by the merchant";
}

/* What the tables alone do not judge; NULL: nothing against it. */
typedef const char *case_check(const struct service_case *service_case,
                               const struct case_event *event, const struct case_rules *rules);
static case_check *const CHECKS[CASE_EVENT_COUNT] = {
    [CASE_EVENT_FIRST_STEP] = first_step_fault,
    [CASE_EVENT_JOIN] = triage_fault,
    [CASE_EVENT_TRIAGE] = triage_fault,
    [CASE_EVENT_OBSERVED] = observation_fault,
    [CASE_EVENT_STOP] = stop_fault,
    [CASE_EVENT_QUOTE] = quote_fault,
    [CASE_EVENT_QUOTE_ACCEPT] = quote_fault,
    [CASE_EVENT_QUOTE_DECLINE] = quote_fault,
    [CASE_EVENT_WAIT] = wait_fault,
    [CASE_EVENT_GO_ON] = wait_fault,
    [CASE_EVENT_REOPEN] = reopen_fault,
    [CASE_EVENT_SCORE] = score_fault,
    [CASE_EVENT_FIX] = fix_fault,
    [CASE_EVENT_CLOSE] = close_fault,
};

bool case_may(const struct service_case *service_case, const struct case_event *event,
              const struct case_rules *rules, char refusal[320])
{
    uint8_t needs = case_event_row(event->kind)->needs;
    if (!state_permits(service_case, event, refusal) || !actor_may(event, refusal)) {
        return false;
    }
    /* What the switch has seen may be told late, when the log is read behind people's backs. */
    bool is_late = event->role != CASE_ROLE_SWITCH && event->wall_us < service_case->changed_us;
    if (event->wall_us <= 0 || is_late) {
        snprintf(refusal, REFUSAL_SIZE,
                 "%s at %" PRId64 " us is before the last event at %" PRId64 " us; check the clock",
                 case_event_name(event->kind), event->wall_us, service_case->changed_us);
        return false;
    }
    const char *fault = missing_need(service_case, event, needs);
    if (fault == NULL && CHECKS[event->kind] != NULL) {
        fault = CHECKS[event->kind](service_case, event, rules);
    }
    if (fault == NULL) {
        fault = parts_fault(service_case, event);
    }
    if (fault != NULL) {
        snprintf(refusal, REFUSAL_SIZE, "%s %s", case_event_name(event->kind), fault);
        return false;
    }
    return first_steps_permit(service_case, needs, refusal);
}
