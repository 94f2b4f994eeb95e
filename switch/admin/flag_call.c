/* See flag_call.h. */
#include "switch/admin/flag_call.h"

#include <stdlib.h>
#include <string.h>

#include "protocols/base/digits.h"
#include "switch/admin/case_answer.h"
#include "switch/admin/case_desk.h"
#include "switch/admin/case_view.h"
#include "switch/admin/text_json.h"
#include "switch/desk/case_row.h"
#include "switch/desk/event_out.h"

#define FLAG_LIMIT 50
#define FLAG_LIMIT_MAX 200
#define FLAG_ROOM 1000 /* looked through, for those that the caller sees */
#define RULES_SPAN_US (INT64_C(28) * 86400 * 1000000)
#define NO_FLAG "there is no such flag, or it is not one of yours"

/* ---- list ---- */

static bool take_limit(const struct call *call, uint32_t *limit, struct answer *answer)
{
    const char *text = call->option(call->connection, "limit");
    uint64_t number = FLAG_LIMIT;
    if (text != NULL && (strlen(text) > 3 || text[0] == '\0' ||
                         digits_parse(&number, text, (uint32_t)strlen(text),
                                      (struct number_range){1, FLAG_LIMIT_MAX}) != STATUS_OK)) {
        answer_problem(answer, 400, "limit: expected 1 to 200");
        return false;
    }
    *limit = (uint32_t)number;
    return true;
}

/* Those of the list that the caller sees, `limit` at most. */
static enum status give_flags(struct desk *desk, const struct call *call,
                              const struct flag_entry *entries, const uint32_t counts[2],
                              json_t *items)
{
    enum status status = STATUS_OK;
    for (uint32_t i = 0; i < counts[0] && status == STATUS_OK; i++) {
        bool may = false;
        status = case_view_flag(desk, call->holder, entries[i].case_id,
                                signal_case_kind(entries[i].flag.signal), &may);
        if (may && json_array_size(items) < counts[1]) {
            json_array_append_new(items, case_answer_flag(&entries[i], desk_case_rules(desk)));
        }
    }
    return status;
}

/* The flags of a case are the case: who reads them has read it, which is written down before. */
static enum status note_reading(struct desk *desk, const struct call *call, uint64_t case_id)
{
    struct case_line line;
    const struct desk_actor actor = case_desk_actor(call);
    enum status status = case_view_find(desk, call->holder, case_id, &line);
    if (status == STATUS_OK) {
        status = event_out_note_reading(desk, &actor, &case_id, 1);
    }
    return status == STATUS_NOT_FOUND ? STATUS_OK : status;
}

/* Of all flags the newest few, of which a scoped token might see none: of its cases those alone. */
static enum status read_newest(struct desk *desk, const struct call *call,
                               struct flag_entry *entries, uint32_t *count)
{
    const struct scope *scope = &call->holder->scope;
    const struct flag_scope within = {scope->agent_id, scope->merchant_id, scope->point_id};
    return scope_is_narrow(scope) ? flag_book_within(desk, &within, entries, FLAG_ROOM, count)
                                  : flag_book_list(desk, NULL, entries, FLAG_ROOM, count);
}

static enum status list_flags(struct desk *desk, const struct call *call, uint32_t limit,
                              json_t *items)
{
    const char *subject = call->option(call->connection, "subject");
    const char *of_case = call->option(call->connection, "case");
    uint32_t count = 0;
    struct flag_entry *entries = calloc(FLAG_ROOM, sizeof(*entries));
    if (entries == NULL) {
        return STATUS_NO_MEMORY;
    }
    uint64_t case_id = of_case == NULL ? 0 : case_desk_number(of_case);
    enum status status = of_case == NULL ? STATUS_OK : note_reading(desk, call, case_id);
    if (status == STATUS_OK) {
        status = of_case != NULL   ? flag_book_of_case(desk, case_id, entries, FLAG_ROOM, &count)
                 : subject != NULL ? flag_book_list(desk, subject, entries, FLAG_ROOM, &count)
                                   : read_newest(desk, call, entries, &count);
    }
    if (status == STATUS_OK) {
        status = give_flags(desk, call, entries, (const uint32_t[2]){count, limit}, items);
    }
    free(entries);
    return status;
}

void flag_call_list(const struct call *call, struct answer *answer)
{
    uint32_t limit = 0;
    if (!take_limit(call, &limit, answer)) {
        return;
    }
    struct desk *desk = case_desk_take(call, answer);
    if (desk == NULL) {
        return;
    }
    json_t *items = json_array();
    enum status status = list_flags(desk, call, limit, items);
    if (status == STATUS_OK) {
        answer_json(answer, 200, json_pack("{s:O}", "items", items));
    } else {
        case_desk_problem(desk, status, answer);
    }
    json_decref(items);
    desk_share_give(call->desk);
}

/* ---- what came of one ---- */

/* What became of a request to judge, beside the desk's status. */
struct judging {
    bool is_there; /* for who asks */
    bool may;      /* as taking a step in the case it would lead to */
};

static enum status judge(struct desk *desk, const struct call *call, uint64_t id,
                         enum case_outcome outcome, struct judging *judging)
{
    struct flag_entry entry;
    const struct desk_actor actor = case_desk_actor(call);
    enum status status = id == 0 ? STATUS_NOT_FOUND : flag_book_find(desk, id, &entry);
    *judging = (struct judging){.may = true};
    if (status == STATUS_OK) {
        status = case_view_flag(desk, call->holder, entry.case_id,
                                signal_case_kind(entry.flag.signal), &judging->is_there);
    }
    if (status != STATUS_OK || !judging->is_there) {
        return status == STATUS_OK ? STATUS_NOT_FOUND : status;
    }
    judging->may = case_view_may_step(call->holder, signal_case_kind(entry.flag.signal));
    if (!judging->may) {
        return STATUS_DENIED;
    }
    return flag_book_judge(desk, id, outcome, &actor);
}

/* "outcome" of the body; NONE: it says none, and a problem was put into `answer`. */
static enum case_outcome take_outcome(const struct call *call, struct answer *answer)
{
    json_t *body = NULL;
    if (!case_desk_body(call, &body, answer)) {
        return CASE_OUTCOME_NONE;
    }
    const char *word = json_string_value(json_object_get(body, "outcome"));
    enum case_outcome outcome = word == NULL ? CASE_OUTCOME_NONE : case_outcome_from_word(word);
    json_decref(body);
    if (outcome != CASE_OUTCOME_CONFIRMED && outcome != CASE_OUTCOME_BENIGN) {
        answer_problem(answer, 400, "member \"outcome\": expected confirmed or benign");
        return CASE_OUTCOME_NONE;
    }
    return outcome;
}

void flag_call_judge(const struct call *call, struct answer *answer)
{
    struct judging judging = {.may = true};
    uint64_t id = case_desk_number(call->parameter);
    enum case_outcome outcome = take_outcome(call, answer);
    struct desk *desk = outcome == CASE_OUTCOME_NONE ? NULL : case_desk_take(call, answer);
    if (desk == NULL) {
        return;
    }
    enum status status = judge(desk, call, id, outcome, &judging);
    if (status == STATUS_OK) {
        answer_json(
            answer, 200,
            json_pack("{s:I, s:s}", "id", (json_int_t)id, "outcome", case_outcome_word(outcome)));
    } else if (status == STATUS_NOT_FOUND && !judging.is_there) {
        answer_problem(answer, 404, NO_FLAG);
    } else if (!judging.may) {
        answer_problem(answer, 403,
                       "this role sees such a flag, and does not judge it: risk judges what leads "
                       "to RISK and TRANSACTION cases, after-sales all but RISK");
    } else {
        case_desk_problem(desk, status, answer);
    }
    desk_share_give(call->desk);
}

/* ---- rules ---- */

static bool take_window(const struct call *call, struct flag_window *window, struct answer *answer)
{
    const char *from = call->option(call->connection, "from");
    const char *to = call->option(call->connection, "to");
    window->end_us = case_desk_actor(call).wall_us;
    if (to != NULL && txn_query_time(to, &window->end_us) != STATUS_OK) {
        answer_problem(answer, 400,
                       "to: expected a time such as 2026-09-21T14:13:20Z, or a date (UTC)");
        return false;
    }
    window->begin_us = window->end_us - RULES_SPAN_US;
    if (from != NULL && txn_query_time(from, &window->begin_us) != STATUS_OK) {
        answer_problem(answer, 400,
                       "from: expected a time such as 2026-09-21T14:13:20Z, or a date (UTC)");
        return false;
    }
    return true;
}

static json_t *precision_json(const struct flag_precision *precision)
{
    return json_pack("{s:s, s:s, s:s, s:s, s:i, s:i, s:i, s:b}", "signal",
                     signal_code_text(precision->signal), "name", signal_name(precision->signal),
                     "sentence", signal_text(precision->signal, false), "sentence_zh",
                     signal_text(precision->signal, true), "confirmed", (int)precision->confirmed,
                     "benign", (int)precision->benign, "per_mille", (int)precision->per_mille,
                     "is_watch_suggested", (int)precision->is_watch_suggested);
}

void flag_call_rules(const struct call *call, struct answer *answer)
{
    struct flag_window window;
    struct flag_precision precisions[SIGNAL_COUNT];
    uint32_t count = 0;
    struct desk *desk = take_window(call, &window, answer) ? case_desk_take(call, answer) : NULL;
    if (desk == NULL) {
        return;
    }
    enum status status = flag_book_precision(desk, &window, precisions, &count);
    if (status == STATUS_OK) {
        json_t *items = json_array();
        for (uint32_t i = 0; i < count; i++) {
            json_array_append_new(items, precision_json(&precisions[i]));
        }
        answer_json(answer, 200,
                    json_pack("{s:o, s:o, s:o}", "from", text_json_wall(window.begin_us), "to",
                              text_json_wall(window.end_us), "items", items));
    } else {
        case_desk_problem(desk, status, answer);
    }
    desk_share_give(call->desk);
}
