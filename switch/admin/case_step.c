/* See case_call.h: what people say of a case. Checks, step and links are one transaction. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "switch/admin/case_answer.h"
#include "switch/admin/case_body.h"
#include "switch/admin/case_call.h"
#include "switch/admin/case_desk.h"
#include "switch/admin/case_view.h"
#include "switch/admin/fee_case.h"
#include "switch/admin/point_view.h"
#include "switch/aftersales/case_merge.h"
#include "switch/desk/registry_page.h"

#define NO_CASE "there is no such case, or it is not one of yours"
/* Whether a stranger's is there is not told: it is answered as if there were none. */
#define NO_SUBJECT                                                                                 \
    "no terminal, merchant or payment of yours is called so; where a terminal is not registered "  \
    "for a merchant nobody knows whether it is one of yours: open the case for the merchant alone"
#define LINES_MAX 16

/* What came of it, until the transaction has ended. */
struct outcome {
    unsigned code; /* of a problem; 0: the desk's status says */
    char detail[512];
    json_t *members; /* owner; of a problem */
    struct case_effects effects;
    struct service_case it;
};

/* Ends the transaction as one that must not be kept. */
static enum status refuse(struct outcome *outcome, unsigned code, const char *detail)
{
    outcome->code = code;
    snprintf(outcome->detail, sizeof(outcome->detail), "%s", detail);
    return STATUS_DENIED;
}

/* What may be done next, as far as the caller is told of it. */
static json_t *permitted_json(const struct call *call, const struct service_case *it)
{
    json_t *whole = case_answer_permitted(it);
    if (!scope_is_point(&call->holder->scope)) {
        return whole;
    }
    json_t *own = point_view_permitted(whole);
    json_decref(whole);
    return own;
}

static void tell(struct desk *desk, const struct call *call, enum status status,
                 struct outcome *outcome, struct answer *answer)
{
    const struct service_case *it = &outcome->it;
    if (outcome->code != 0) {
        answer_problem_with(answer, outcome->code, outcome->detail, outcome->members);
        return;
    }
    if (status != STATUS_OK) {
        case_desk_problem(desk, status, answer);
        return;
    }
    json_t *told = json_pack(
        "{s:I, s:s, s:s, s:s, s:s, s:o}", "id", (json_int_t)it->id, "event",
        case_event_name(outcome->effects.record_kind), "from",
        case_state_name(outcome->effects.from), "state", case_state_name(it->state), "state_zh",
        case_state_text(it->state, true), "permitted", permitted_json(call, it));
    if (!scope_is_point(&call->holder->scope)) { /* what others are told and asked is not its */
        json_object_set_new(told, "to_do", case_answer_to_do(&outcome->effects));
    }
    answer_json(answer, 200, told);
    snprintf(answer->detail, sizeof(answer->detail), "case %llu: %s, %s to %s",
             (unsigned long long)it->id, case_event_name(outcome->effects.record_kind),
             case_state_name(outcome->effects.from), case_state_name(it->state));
}

static void sign(struct case_event *event, const struct call *call)
{
    const struct desk_actor actor = case_desk_actor(call);
    event->wall_us = actor.wall_us;
    memcpy(event->actor, actor.actor, sizeof(event->actor));
    if (call->second != NULL) {
        snprintf(event->second_actor, sizeof(event->second_actor), "%s", call->second->name);
    }
}

/* ---- an event ---- */

/* The second person vouches for what he or she may see and do. Who profits from a step (a
 * merchant's agent) or carries it out (an engineer) is no second pair of eyes. */
static enum status check_second(struct desk *desk, const struct call *call,
                                const struct case_line *line, struct outcome *outcome)
{
    struct case_line seen;
    if (call->second == NULL) {
        return STATUS_OK;
    }
    enum status status = case_view_find(desk, call->second, line->id, &seen);
    bool may = status == STATUS_OK && case_view_may_step(call->second, line->kind) &&
               scope_may_act(&call->second->scope, CASE_ROLE_STAFF);
    if (!may && (status == STATUS_OK || status == STATUS_NOT_FOUND)) {
        return refuse(outcome, 403,
                      "the second person takes no steps in this case: it must be staff or a "
                      "manager who follows it up");
    }
    return status;
}

/* Sets what a flag says of itself, where it may join the case. */
static enum status take_flag(struct desk *desk, const struct call *call, struct case_body *body,
                             struct outcome *outcome)
{
    struct flag_entry entry;
    bool may = false;
    if (body->flag_id == 0) {
        return STATUS_OK;
    }
    enum status status = flag_book_find(desk, body->flag_id, &entry);
    if (status == STATUS_OK) {
        status = case_view_flag(desk, call->holder, entry.case_id,
                                signal_case_kind(entry.flag.signal), &may);
    }
    if (status == STATUS_NOT_FOUND || (status == STATUS_OK && !may)) {
        return refuse(outcome, 404, "there is no such flag, or it is not one of yours");
    }
    body->event.severity = entry.flag.severity;
    return status;
}

static enum status step_inside(struct desk *desk, const struct call *call, uint64_t id,
                               struct case_body *body, struct outcome *outcome)
{
    struct case_line line;
    enum status status = case_view_find(desk, call->holder, id, &line);
    if (status == STATUS_NOT_FOUND) {
        return refuse(outcome, 404, NO_CASE);
    }
    if (status == STATUS_OK && !case_view_may_step(call->holder, line.kind)) {
        return refuse(outcome, 403,
                      "this role reads such a case, and takes no step in it: risk follows up RISK "
                      "and TRANSACTION, after-sales all but RISK");
    }
    if (status == STATUS_OK && !case_view_may_say(call->holder, body->event.kind)) {
        return refuse(outcome, 403,
                      "a merchant's own token says FIRST_STEP, QUOTE_ACCEPT, QUOTE_DECLINE, AGREE, "
                      "DISPUTE and SCORE; ask who follows up the case for all else");
    }
    if (status == STATUS_OK) {
        status = check_second(desk, call, &line, outcome);
    }
    if (status == STATUS_OK) {
        status = take_flag(desk, call, body, outcome);
    }
    if (status == STATUS_OK) {
        status = case_book_step(desk, id, &body->event, desk_case_rules(desk), &outcome->effects);
    }
    if (status == STATUS_OK) {
        status = case_book_find(desk, id, &outcome->it);
    }
    if (status == STATUS_OK && !outcome->effects.is_permitted) {
        outcome->members = json_pack("{s:s, s:o, s:o}", "state", case_state_name(outcome->it.state),
                                     "permitted", permitted_json(call, &outcome->it), "first_steps",
                                     case_answer_first_steps(&outcome->it));
        return refuse(outcome, 409, outcome->effects.refusal);
    }
    return status == STATUS_OK && body->flag_id != 0 ? case_book_link_flag(desk, id, body->flag_id)
                                                     : status;
}

static void step(const struct call *call, struct case_body *body, struct answer *answer)
{
    struct outcome *outcome = calloc(1, sizeof(*outcome));
    struct desk *desk = outcome == NULL ? NULL : case_desk_take(call, answer);
    if (outcome == NULL) {
        answer_problem(answer, 503, "no memory; try again");
    }
    if (desk != NULL) {
        sign(&body->event, call);
        enum status status = desk_begin(desk);
        if (status == STATUS_OK) {
            uint64_t id = case_desk_number(call->parameter);
            status = desk_end(desk, step_inside(desk, call, id, body, outcome));
        }
        tell(desk, call, status, outcome, answer);
        desk_share_give(call->desk);
    }
    free(outcome);
}

void case_call_step(const struct call *call, struct answer *answer)
{
    struct case_body body;
    char reason[CASE_BODY_REASON_SIZE] = "";
    json_t *json = NULL;
    enum case_event_kind kind = case_event_from_name(call->second_parameter);
    if (kind == CASE_EVENT_COUNT) {
        answer_problem(answer, 404,
                       "expected an event of a case behind its number, such as TRIAGE: GET the "
                       "case says which are permitted");
        return;
    }
    if (!case_body_is_peoples(kind)) {
        answer_problem(answer, 409,
                       kind == CASE_EVENT_OPEN
                           ? "the case is open; POST /api/v1/cases opens another"
                           : "only the switch itself says that");
        return;
    }
    if (!case_desk_body(call, &json, answer)) {
        return;
    }
    if (case_body_event(&body, kind, json, &call->holder->scope, reason)) {
        step(call, &body, answer);
    } else {
        answer_problem(answer, 400, reason);
    }
    json_decref(json);
}

/* ---- opening ---- */

struct payments {
    uint64_t positions[CASE_BODY_RRN_COUNT_MAX];
    char merchant_id[16], terminal_id[9]; /* of all of them */
};

/* The payments of a dispute, all of one merchant, and of the terminal and merchant that were named.
 * False: a problem was put into `answer`. */
static bool take_payments(struct log_view *view, const struct scope *scope,
                          struct case_opening *opening, struct payments *payments,
                          struct answer *answer)
{
    for (uint32_t i = 0; i < opening->rrn_count; i++) {
        struct fee_case_txn txn;
        char detail[160];
        if (!fee_case_find(view, opening->rrns[i], &txn)) {
            answer_problem(answer, 503, view->fault);
            return false;
        }
        if (opening->merchant_id[0] == '\0') {
            memcpy(opening->merchant_id, txn.merchant_id, sizeof(opening->merchant_id));
        }
        bool fits =
            txn.position != 0 && strcmp(txn.merchant_id, opening->merchant_id) == 0 &&
            (opening->terminal_id[0] == '\0' || strcmp(txn.terminal_id, opening->terminal_id) == 0);
        if (!fits && scope_is_narrow(scope)) {
            answer_problem(answer, 404, NO_SUBJECT);
            return false;
        }
        if (!fits) {
            snprintf(detail, sizeof(detail),
                     "member \"rrns\": %s: expected a payment of this terminal and merchant",
                     opening->rrns[i]);
            answer_problem(answer, 422, detail);
            return false;
        }
        payments->positions[i] = txn.position;
    }
    return true;
}

static bool find_payments(const struct call *call, struct case_opening *opening,
                          struct payments *payments, struct answer *answer)
{
    struct log_view view;
    if (opening->rrn_count == 0) {
        return true;
    }
    bool is_open = log_view_open(&view, call->log);
    bool is_good = is_open && take_payments(&view, &call->holder->scope, opening, payments, answer);
    if (!is_open) {
        answer_problem(answer, 503, view.fault);
    }
    log_view_close(&view);
    return is_good;
}

/* Who and what, as far as it is registered. */
static enum status fill_case(struct desk *desk, const struct case_opening *opening,
                             struct service_case *it)
{
    struct terminal_registration terminal = {.is_spare = false};
    *it = (struct service_case){.kind = opening->kind,
                                .source = opening->source,
                                .severity = opening->severity,
                                .service_class = case_service_class(opening->severity)};
    memcpy(it->terminal_id, opening->terminal_id, sizeof(it->terminal_id));
    memcpy(it->merchant_id, opening->merchant_id, sizeof(it->merchant_id));
    memcpy(it->fault, opening->fault, sizeof(it->fault));
    memcpy(terminal.terminal_id, opening->terminal_id, sizeof(terminal.terminal_id));
    enum status status = opening->terminal_id[0] == '\0'
                             ? STATUS_NOT_FOUND
                             : registry_find(desk, REGISTRY_TERMINAL, &terminal);
    if (status == STATUS_OK) {
        memcpy(it->serial, terminal.serial, sizeof(it->serial));
        memcpy(it->brand, terminal.brand, sizeof(it->brand));
        memcpy(it->model, terminal.model, sizeof(it->model));
        memcpy(it->firmware, terminal.firmware, sizeof(it->firmware));
        it->obtained = terminal.obtained;
        if (it->merchant_id[0] == '\0') {
            memcpy(it->merchant_id, terminal.binding.merchant_id, sizeof(it->merchant_id));
        }
    }
    bool is_merchants = opening->terminal_id[0] == '\0' ||
                        (opening->kind == CASE_FEE && it->merchant_id[0] != '\0');
    it->subject = is_merchants ? FLAG_OF_MERCHANT : FLAG_OF_TERMINAL;
    snprintf(it->subject_id, sizeof(it->subject_id), "%s",
             is_merchants ? it->merchant_id : it->terminal_id);
    if (opening->kind == CASE_FEE) {
        snprintf(it->cause, sizeof(it->cause), "fee:%s", opening->rrns[0]);
    } else {
        snprintf(it->cause, sizeof(it->cause), "%s",
                 opening->fault[0] != '\0' ? opening->fault : "request");
    }
    return status == STATUS_NOT_FOUND ? STATUS_OK : status;
}

static bool on_merchant(void *argument, const void *row)
{
    (void)row;
    *(bool *)argument = true;
    return true;
}

/* Whether the merchant is in the scope of who asks, by the registry, as the queues see it. */
static enum status find_merchant(struct desk *desk, const struct scope *scope,
                                 const char *merchant_id, bool *is_there)
{
    struct registry_query query;
    bool has_more = false;
    const struct registry_sink sink = {on_merchant, is_there};
    struct merchant_registration key = {.risk_level = 0};
    *is_there = false;
    if (scope->merchant_id[0] != '\0' && strcmp(scope->merchant_id, merchant_id) != 0) {
        return STATUS_OK;
    }
    if (scope->agent_id[0] == '\0') {
        *is_there = true;
        return STATUS_OK;
    }
    registry_query_init(&query, REGISTRY_MERCHANT);
    memcpy(query.scope.agent_id, scope->agent_id, sizeof(query.scope.agent_id));
    snprintf(key.merchant_id, sizeof(key.merchant_id), "%s", merchant_id);
    registry_query_key(&query, &key);
    return registry_page(desk, &query, &sink, &has_more);
}

/* Who is for some merchants only opens cases for these, and for terminals of which that is known;
 * whatever else is named, there or not, is answered alike, before anything else is judged. */
static enum status check_scope(struct desk *desk, const struct call *call,
                               const struct service_case *it, struct outcome *outcome)
{
    struct registry_binding binding;
    const struct scope *scope = &call->holder->scope;
    bool is_there = false;
    if (!scope_is_narrow(scope)) {
        return STATUS_OK;
    }
    enum status status = scope->point_id[0] != '\0' || it->merchant_id[0] == '\0'
                             ? STATUS_OK /* no new case is with a service point */
                             : find_merchant(desk, scope, it->merchant_id, &is_there);
    if (status == STATUS_OK && is_there && it->terminal_id[0] != '\0') {
        status = registry_binding_in_force(desk, it->terminal_id, &binding);
        is_there = status == STATUS_OK && strcmp(binding.binding.merchant_id, it->merchant_id) == 0;
        status = status == STATUS_NOT_FOUND ? STATUS_OK : status;
    }
    return status == STATUS_OK && !is_there ? refuse(outcome, 404, NO_SUBJECT) : status;
}

/* The terminal's data must be its merchant's: nobody opens a case to look into another's. */
static enum status check_merchant(struct desk *desk, const struct service_case *it,
                                  struct outcome *outcome)
{
    struct registry_binding binding;
    if (it->terminal_id[0] == '\0') {
        return STATUS_OK;
    }
    enum status status = registry_binding_in_force(desk, it->terminal_id, &binding);
    if (status == STATUS_OK && it->merchant_id[0] == '\0') {
        return refuse(outcome, 422,
                      "the terminal is bound, but it has no row of terminal_registration: import "
                      "that first, or name its merchant");
    }
    if (status == STATUS_OK && strcmp(binding.binding.merchant_id, it->merchant_id) != 0) {
        return refuse(outcome, 422, "the terminal is registered for another merchant");
    }
    return status == STATUS_NOT_FOUND ? STATUS_OK : status;
}

/* A fault that is being followed up is one case, however often somebody calls. */
static enum status check_twin(struct desk *desk, const struct call *call,
                              const struct service_case *it, struct outcome *outcome)
{
    struct case_line lines[LINES_MAX];
    uint32_t count = 0;
    struct case_query query = {.has_kind = true, .kind = it->kind};
    if (it->kind == CASE_FEE || it->kind == CASE_SERVICE || it->terminal_id[0] == '\0') {
        return STATUS_OK;
    }
    memcpy(query.terminal_id, it->terminal_id, sizeof(query.terminal_id));
    if (!case_view_narrow(call->holder, &query)) {
        return STATUS_OK;
    }
    enum status status = case_book_queue(desk, &query, lines, LINES_MAX, &count);
    for (uint32_t i = 0; i < count && status == STATUS_OK; i++) {
        if (strcmp(lines[i].fault, it->fault) == 0) {
            char detail[160];
            snprintf(detail, sizeof(detail),
                     "case %llu is open for this terminal and fault: go on with that one",
                     (unsigned long long)lines[i].id);
            outcome->members = json_pack("{s:I}", "id", (json_int_t)lines[i].id);
            return refuse(outcome, 409, detail);
        }
    }
    return status;
}

static enum status open_inside(struct desk *desk, const struct call *call,
                               const struct case_opening *opening, const struct payments *payments,
                               struct outcome *outcome)
{
    struct case_line line;
    enum status status = fill_case(desk, opening, &outcome->it);
    if (status == STATUS_OK) {
        status = check_scope(desk, call, &outcome->it, outcome);
    }
    if (status == STATUS_OK) {
        status = check_merchant(desk, &outcome->it, outcome);
    }
    if (status == STATUS_OK) {
        status = check_twin(desk, call, &outcome->it, outcome);
    }
    if (status == STATUS_OK) {
        status = case_book_open(desk, &outcome->it, &opening->event, desk_case_rules(desk),
                                &outcome->effects);
        if (status == STATUS_DENIED) {
            return refuse(outcome, 409, outcome->effects.refusal);
        }
    }
    for (uint32_t i = 0; i < opening->rrn_count && status == STATUS_OK; i++) {
        status = case_book_link_txn(desk, outcome->it.id, payments->positions[i]);
    }
    if (status == STATUS_OK) {
        status = case_view_find(desk, call->holder, outcome->it.id, &line);
        if (status == STATUS_NOT_FOUND) {
            return refuse(outcome, 404, NO_SUBJECT);
        }
    }
    return status;
}

static void open_case(const struct call *call, struct case_opening *opening,
                      const struct payments *payments, struct answer *answer)
{
    struct outcome *outcome = calloc(1, sizeof(*outcome));
    struct desk *desk = outcome == NULL ? NULL : case_desk_take(call, answer);
    if (outcome == NULL) {
        answer_problem(answer, 503, "no memory; try again");
    }
    if (desk != NULL) {
        sign(&opening->event, call);
        enum status status = desk_begin(desk);
        if (status == STATUS_OK) {
            status = desk_end(desk, open_inside(desk, call, opening, payments, outcome));
        }
        tell(desk, call, status, outcome, answer);
        desk_share_give(call->desk);
    }
    free(outcome);
}

void case_call_open(const struct call *call, struct answer *answer)
{
    struct case_opening opening;
    struct payments payments = {.positions = {0}};
    char reason[CASE_BODY_REASON_SIZE] = "";
    json_t *json = NULL;
    if (!case_desk_body(call, &json, answer)) {
        return;
    }
    if (!case_body_open(&opening, json, &call->holder->scope, reason)) {
        answer_problem(answer, 400, reason);
    } else if (!case_view_may_step(call->holder, opening.kind)) {
        answer_problem(answer, 403, "this role opens no case of that kind");
    } else if (find_payments(call, &opening, &payments, answer)) {
        open_case(call, &opening, &payments, answer);
    }
    json_decref(json);
}
