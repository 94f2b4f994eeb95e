/* See case_merge.h. */
#include "switch/aftersales/case_merge.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "protocols/base/require.h"
#include "switch/aftersales/case_table.h"
#include "switch/aftersales/cause.h"

#define DAY_US INT64_C(86400000000)

static bool is_of_money(enum signal_code signal)
{
    return signal_code_text(signal)[0] == 'M';
}

void case_cause(char cause[24], const struct flag *flag)
{
    enum fault fault = fault_of_signal(flag->signal);
    if (is_of_money(flag->signal)) {
        snprintf(cause, 24, "%s:%" PRIu64, signal_code_text(flag->signal), flag->position);
    } else if (flag->subject == FLAG_OF_COHORT) {
        snprintf(cause, 24, "%s", cohort_kind_name(flag->cohort));
    } else {
        /* A signal that points to no fault is a cause of its own. */
        snprintf(cause, 24, "%s",
                 fault == FAULT_COUNT ? signal_code_text(flag->signal) : fault_code(fault));
    }
}

static bool is_of_keys(const char *cause)
{
    return strcmp(cause, fault_code(FAULT_KEYS_STALE)) == 0 ||
           strcmp(cause, fault_code(FAULT_KEYS_LOST)) == 0;
}

/* Wrong MACs look like stale keys until a sign-on has not cured them: then the keys are lost. The
 * rows are the same, and so is the cause. */
bool case_cause_is_same(const char *left, const char *right)
{
    return strcmp(left, right) == 0 || (is_of_keys(left) && is_of_keys(right));
}

bool case_life_is_same(enum case_kind left, enum case_kind right)
{
    return case_kind_life(left) == case_kind_life(right);
}

enum service_class case_service_class(uint8_t severity)
{
    REQUIRE(severity <= 4);
    return severity >= 3 ? SERVICE_P1 : severity == 2 ? SERVICE_P2 : SERVICE_P3;
}

static bool is_same_subject(const struct case_brief *brief, const struct flag *flag)
{
    return brief->subject == flag->subject && strcmp(brief->subject_id, flag->subject_id) == 0;
}

/* Signals that prove by themselves that a terminal is not what it says. */
static bool stops_alone(enum signal_code signal)
{
    return signal == SIGNAL_SERIAL_DIFFERS || signal == SIGNAL_SERIAL_SHARED ||
           signal == SIGNAL_MERCHANT_DIFFERS || signal == SIGNAL_KEYS_LOST;
}

/* Independent: another signal, of another cause, completed by another row. */
static bool is_second_opinion(const struct case_brief_flag *other, const struct flag *flag)
{
    return other->severity >= 4 && other->signal != flag->signal &&
           other->position != flag->position &&
           fault_of_signal(other->signal) != fault_of_signal(flag->signal);
}

static bool may_stop(const struct flag *flag, const struct case_brief *briefs, uint32_t count)
{
    if (flag->severity < 4 || flag->terminal_id[0] == '\0') {
        return false;
    }
    if (stops_alone(flag->signal)) {
        return true;
    }
    for (uint32_t i = 0; i < count; i++) {
        bool is_its = briefs[i].is_open && strcmp(briefs[i].terminal_id, flag->terminal_id) == 0;
        for (uint32_t n = 0; n < briefs[i].flag_count && is_its; n++) {
            if (is_second_opinion(&briefs[i].flags[n], flag)) {
                return true;
            }
        }
    }
    return false;
}

/* The flag as it stands in a brief; NULL: not there. `position` 0: of any row. */
static const struct case_brief_flag *brief_flag(const struct case_brief *brief,
                                                enum signal_code signal, uint64_t position)
{
    REQUIRE(brief->flag_count <= CASE_BRIEF_FLAG_COUNT_MAX);
    for (uint32_t i = 0; i < brief->flag_count; i++) {
        if (brief->flags[i].signal == signal &&
            (position == 0 || brief->flags[i].position == position)) {
            return &brief->flags[i];
        }
    }
    return NULL;
}

static void decide(struct merge_answer *answer, enum merge_verdict verdict, uint64_t case_id,
                   const char *reason)
{
    answer->verdict = verdict;
    answer->case_id = case_id;
    snprintf(answer->reason, sizeof(answer->reason), "%s", reason);
}

/* True when the flag needs no case: known, only watched, or explained by its cohort. */
static bool needs_no_case(const struct flag *flag, const struct case_brief *briefs, uint32_t count,
                          struct merge_answer *answer)
{
    if (flag->is_watched_only) {
        decide(answer, MERGE_NOTHING, 0, "the rule is in watch mode: a flag, no case");
        return true;
    }
    uint64_t cohort_case = 0;
    for (uint32_t i = 0; i < count; i++) {
        /* Flags of TIME have no row of their own and are told apart by their cause alone. */
        if (flag->position != 0 && is_same_subject(&briefs[i], flag) &&
            brief_flag(&briefs[i], flag->signal, flag->position) != NULL) {
            decide(answer, MERGE_NOTHING, briefs[i].id, "this very flag belongs to a case already");
            return true;
        }
        if (briefs[i].is_open && briefs[i].subject == FLAG_OF_COHORT &&
            briefs[i].id > cohort_case) {
            cohort_case = briefs[i].id;
        }
    }
    if (flag->is_fleet_linked && flag->severity < 4) {
        decide(answer, MERGE_LINK, cohort_case,
               "explained by its brand, model or firmware: one case with the maker");
        return true;
    }
    return false;
}

static bool is_quiet(const struct flag *flag, const struct case_brief *brief,
                     const struct case_rules *rules)
{
    return !brief->is_open && is_same_subject(brief, flag) &&
           case_life_is_same(brief->kind, signal_case_kind(flag->signal)) && flag->severity < 4 &&
           !is_of_money(flag->signal) && brief_flag(brief, flag->signal, 0) != NULL &&
           flag->window_end_us - brief->closed_us < rules->quiet_days * DAY_US;
}

static void find_case(const struct flag *flag, const struct case_brief *briefs, uint32_t count,
                      const struct case_rules *rules, struct merge_answer *answer)
{
    for (uint32_t i = 0; i < count; i++) {
        if (briefs[i].is_open && is_same_subject(&briefs[i], flag) &&
            case_life_is_same(briefs[i].kind, answer->kind) &&
            case_cause_is_same(briefs[i].cause, answer->cause)) {
            decide(answer, MERGE_JOIN, briefs[i].id, "an open case of this subject and cause");
            return;
        }
    }
    for (uint32_t i = 0; i < count; i++) {
        if (is_quiet(flag, &briefs[i], rules)) {
            decide(answer, MERGE_NOTHING, briefs[i].id,
                   "a case by the same rule was closed for this subject within the quiet days");
            return;
        }
    }
    char reason[CASE_REASON_SIZE];
    snprintf(reason, sizeof(reason), "%s %s: %" PRId64 " against %" PRId64,
             signal_code_text(flag->signal), signal_text(flag->signal, false), flag->value,
             flag->threshold);
    decide(answer, MERGE_OPEN, 0, reason);
}

void case_merge(const struct flag *flag, const struct case_brief *briefs, uint32_t count,
                const struct case_rules *rules, struct merge_answer *answer)
{
    memset(answer, 0, sizeof(*answer));
    answer->kind = signal_case_kind(flag->signal);
    answer->severity = flag->severity;
    answer->follow = rules->follow_ups[flag->signal];
    answer->is_makers = flag->subject == FLAG_OF_COHORT && cohort_is_makers(flag->cohort);
    case_cause(answer->cause, flag);
    if (!needs_no_case(flag, briefs, count, answer)) {
        find_case(flag, briefs, count, rules, answer);
    }
    bool has_case = answer->verdict == MERGE_JOIN || answer->verdict == MERGE_OPEN;
    answer->is_stop_permitted = has_case && may_stop(flag, briefs, count);
    if (answer->follow == FOLLOW_UP_STOP && !answer->is_stop_permitted) {
        answer->follow = FOLLOW_UP_HOLD;
        answer->is_person_asked = has_case;
    }
}
