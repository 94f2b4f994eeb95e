/* A flag becomes a case, or part of one: see clerk.h. */
#include <stdio.h>
#include <string.h>

#include "protocols/base/require.h"
#include "switch/desk/case_book.h"
#include "switch/desk/flag_book.h"
#include "switch/followup/case_draft.h"
#include "switch/followup/clerk_state.h"

/* One flag under way. */
struct taking {
    struct clerk *clerk;
    const struct flag *flag;
    struct clerk_taken *taken;
    struct merge_answer answer;
    uint32_t brief_count;
    struct case_draft draft;
};

static enum status step(struct taking *taking, struct case_event event)
{
    return clerk_step(taking->clerk, taking->taken->case_id, &event);
}

static struct case_event say(const struct taking *taking, enum case_event_kind kind,
                             const char *reason)
{
    return case_draft_event(kind, taking->flag->window_end_us, reason);
}

static bool may(const struct service_case *it, enum case_event_kind kind)
{
    return (service_case_permitted(it) >> kind & 1) != 0;
}

/* --- what the flag asks for ------------------------------------------------------------------ */

static bool should_stop(const struct taking *taking, const struct service_case *it)
{
    return taking->answer.is_stop_permitted && may(it, CASE_EVENT_STOP) && !it->is_stopped &&
           strcmp(it->terminal_id, taking->flag->terminal_id) == 0;
}

/* Whoever has lifted a hold, or let it end, is not overruled by the next flag. */
static bool should_hold(const struct taking *taking, const struct service_case *it)
{
    return taking->answer.follow == FOLLOW_UP_HOLD && may(it, CASE_EVENT_HOLD) && !it->is_held &&
           (it->state == CASE_STATE_NEW || it->state == CASE_STATE_REOPENED);
}

static enum status act(struct taking *taking)
{
    struct service_case it;
    char reason[CASE_REASON_SIZE];
    enum status status = case_book_find(taking->clerk->desk, taking->taken->case_id, &it);
    if (status != STATUS_OK) {
        return status;
    }
    case_draft_sentence(taking->flag, reason);
    if (should_stop(taking, &it)) {
        struct case_event stop = say(taking, CASE_EVENT_STOP, reason);
        stop.is_stop_permitted = true;
        return step(taking, stop);
    }
    if (!should_hold(taking, &it)) {
        return STATUS_OK;
    }
    char asked[CASE_REASON_SIZE];
    snprintf(asked, sizeof(asked), "%.120s; a person decides whether it is stopped", reason);
    return step(taking,
                say(taking, CASE_EVENT_HOLD, taking->answer.is_person_asked ? asked : reason));
}

/* The case has the flag, and rests on its rows of the log. */
static enum status link_all(struct taking *taking)
{
    struct desk *desk = taking->clerk->desk;
    const struct flag *flag = taking->flag;
    uint64_t case_id = taking->taken->case_id;
    enum status status = case_book_link_flag(desk, case_id, taking->taken->flag_id);
    if (status == STATUS_OK && flag->position != 0) {
        status = case_book_link_txn(desk, case_id, flag->position);
    }
    for (uint32_t i = 0; status == STATUS_OK && i < flag->evidence_count; i++) {
        status = case_book_link_txn(desk, case_id, flag->evidence[i]);
    }
    return status;
}

/* --- open, join, open again ------------------------------------------------------------------ */

/* The standing cohort that explains the flag; empty: none does. */
static const char *cohort_of(const struct taking *taking)
{
    for (uint32_t i = 0; taking->flag->is_fleet_linked && i < taking->brief_count; i++) {
        const struct case_brief *brief = &taking->clerk->briefs[i];
        if (brief->is_open && brief->subject == FLAG_OF_COHORT) {
            return brief->subject_id;
        }
    }
    return "";
}

/* A system fault: its likely cause, and what the merchant may try. */
static enum status start_fault(struct taking *taking, const struct service_case *it)
{
    struct case_event triage;
    enum status status = case_draft_triage(&taking->draft, it, cohort_of(taking), &triage);
    if (status == STATUS_OK) {
        status = step(taking, triage);
    }
    return status == STATUS_OK
               ? step(taking, say(taking, CASE_EVENT_ADVISE, "the first steps of the script"))
               : status;
}

/* Of the first steps, those that a register answers. */
static enum status start_inquiry(struct taking *taking, const struct service_case *it)
{
    struct case_event checked;
    bool is_known = false;
    enum status status = case_draft_merchant_step(&taking->draft, it, &checked, &is_known);
    return status == STATUS_OK && is_known ? step(taking, checked) : status;
}

static enum status open_case(struct taking *taking)
{
    struct service_case it;
    struct clerk *clerk = taking->clerk;
    struct case_event event = say(taking, CASE_EVENT_OPEN, taking->answer.reason);
    enum status status = case_draft_fill(&taking->draft, &taking->answer, &it);
    if (status == STATUS_OK) {
        status = case_book_open(clerk->desk, &it, &event, &clerk->rules, &clerk->effects);
    }
    if (status != STATUS_OK) {
        return status;
    }
    taking->taken->case_id = it.id;
    status = link_all(taking);
    if (status == STATUS_OK) {
        status = it.kind == CASE_FAULT ? start_fault(taking, &it) : start_inquiry(taking, &it);
    }
    return status == STATUS_OK ? act(taking) : status;
}

/* One cause, and another fault: what looked like stale keys are lost ones. */
static bool is_other_fault(const struct taking *taking, uint64_t case_id)
{
    for (uint32_t i = 0; i < taking->brief_count; i++) {
        const struct case_brief *brief = &taking->clerk->briefs[i];
        if (brief->id == case_id) {
            return strcmp(brief->cause, taking->answer.cause) != 0;
        }
    }
    return false;
}

static enum status join_case(struct taking *taking, uint64_t case_id)
{
    char reason[CASE_REASON_SIZE];
    taking->taken->verdict = MERGE_JOIN;
    taking->taken->case_id = case_id;
    case_draft_sentence(taking->flag, reason);
    struct case_event join = say(taking, CASE_EVENT_JOIN, reason);
    join.severity = taking->flag->severity;
    if (is_other_fault(taking, case_id)) {
        case_draft_fault(taking->flag, join.fault);
    }
    enum status status = step(taking, join);
    if (status == STATUS_OK) {
        status = link_all(taking);
    }
    return status == STATUS_OK ? act(taking) : status;
}

/* A case whose repair the flag disproves: all that was counted comes after it, and the days for
 * opening it again are not over. 0: none. */
static enum status find_returned(struct taking *taking, uint64_t *case_id)
{
    const struct flag *flag = taking->flag;
    struct clerk *clerk = taking->clerk;
    *case_id = 0;
    for (uint32_t i = 0; i < taking->brief_count; i++) {
        const struct case_brief *brief = &clerk->briefs[i];
        struct service_case it;
        if (brief->is_open || brief->kind != CASE_FAULT ||
            !case_life_is_same(brief->kind, taking->answer.kind) ||
            brief->subject != flag->subject || strcmp(brief->subject_id, flag->subject_id) != 0 ||
            !case_cause_is_same(brief->cause, taking->answer.cause)) {
            continue;
        }
        enum status status = case_book_find(clerk->desk, brief->id, &it);
        if (status != STATUS_OK) {
            return status;
        }
        int64_t since_us = flag->window_end_us - it.closed_us;
        if (it.outcome == CASE_OUTCOME_CONFIRMED && it.repaired_us != 0 &&
            flag->window_begin_us >= it.repaired_us && since_us > 0 &&
            since_us <= clerk->rules.reopen_days * INT64_C(86400000000)) {
            *case_id = it.id;
            return STATUS_OK;
        }
    }
    return STATUS_OK;
}

static enum status reopen_case(struct taking *taking, uint64_t case_id)
{
    char sentence[CASE_REASON_SIZE];
    char reason[CASE_REASON_SIZE];
    taking->taken->is_reopened = true;
    taking->taken->case_id = case_id;
    case_draft_sentence(taking->flag, sentence);
    snprintf(reason, sizeof(reason), "the repair did not hold: %.140s", sentence);
    enum status status = step(taking, say(taking, CASE_EVENT_REOPEN, reason));
    return status == STATUS_OK ? join_case(taking, case_id) : status;
}

/* --- one flag -------------------------------------------------------------------------------- */

/* The days within which a case may be opened again are looked at too. */
static enum status gather(struct taking *taking)
{
    struct clerk *clerk = taking->clerk;
    struct case_rules far = clerk->rules;
    struct case_briefs briefs = {clerk->briefs, CLERK_BRIEF_COUNT_MAX, 0};
    far.quiet_days = far.reopen_days > far.quiet_days ? far.reopen_days : far.quiet_days;
    enum status status = case_book_briefs(clerk->desk, taking->flag, &far, &briefs);
    taking->brief_count = briefs.count;
    return status;
}

static enum status merge(struct taking *taking)
{
    struct clerk *clerk = taking->clerk;
    const struct flag *flag = taking->flag;
    struct merge_answer *answer = &taking->answer;
    uint64_t returned = 0;
    case_merge(flag, clerk->briefs, taking->brief_count, &clerk->rules, answer);
    taking->taken->verdict = answer->verdict;
    bool may_return = answer->verdict == MERGE_OPEN ||
                      (answer->verdict == MERGE_NOTHING && !flag->is_watched_only);
    enum status status = may_return ? find_returned(taking, &returned) : STATUS_OK;
    if (status != STATUS_OK) {
        return status;
    }
    if (returned != 0) {
        return reopen_case(taking, returned);
    }
    switch (answer->verdict) {
    case MERGE_NOTHING:
        return STATUS_OK;
    case MERGE_LINK:
        taking->taken->case_id = answer->case_id;
        return answer->case_id == 0
                   ? STATUS_OK
                   : case_book_link_flag(clerk->desk, answer->case_id, taking->taken->flag_id);
    case MERGE_JOIN:
        return join_case(taking, answer->case_id);
    case MERGE_OPEN:
        break;
    }
    return open_case(taking);
}

static enum status take(struct taking *taking)
{
    struct clerk_taken *taken = taking->taken;
    enum status status =
        flag_book_add(taking->clerk->desk, taking->flag, &taken->flag_id, &taken->is_new);
    if (status != STATUS_OK || !taken->is_new) {
        return status;
    }
    status = gather(taking);
    return status == STATUS_OK ? merge(taking) : status;
}

static enum status take_as_one(struct taking *taking)
{
    enum status status = desk_begin(taking->clerk->desk);
    return status == STATUS_OK ? desk_end(taking->clerk->desk, take(taking)) : status;
}

enum status clerk_take(struct clerk *clerk, const struct flag *flag, struct clerk_taken *taken)
{
    struct clerk_taken unasked = {.is_new = false};
    struct taking taking = {.clerk = clerk,
                            .flag = flag,
                            .taken = taken != NULL ? taken : &unasked,
                            .draft = {clerk->desk, &clerk->rules, flag}};
    memset(taking.taken, 0, sizeof(*taking.taken));
    clerk->reason[0] = '\0';
    enum status status = take_as_one(&taking);
    if (status != STATUS_OK) {
        memset(taking.taken, 0, sizeof(*taking.taken));
        return clerk_fault(clerk, status);
    }
    bool has_changed = taking.taken->verdict == MERGE_OPEN || taking.taken->verdict == MERGE_JOIN;
    if (!taking.taken->is_new || !has_changed) {
        return STATUS_OK;
    }
    clerk_follow(clerk, flag->terminal_id);
    return STATUS_OK;
}
