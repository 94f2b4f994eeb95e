/* See diagnosis_call.h. The log and the switch are asked before the desk is taken. What one of them
 * cannot say now is null, with its reason beside, so that the rest is shown all the same. */
#include "switch/admin/diagnosis_call.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "switch/admin/case_advice.h"
#include "switch/admin/case_answer.h"
#include "switch/admin/case_desk.h"
#include "switch/admin/case_view.h"
#include "switch/admin/channel_look.h"
#include "switch/admin/diagnosis.h"
#include "switch/admin/order_call.h"
#include "switch/admin/status_json.h"
#include "switch/admin/text_json.h"

#define CASE_COUNT_MAX 16
#define LOOK_COUNT_MAX 4
#define LOOK_AGAIN_NS 60000000 /* longer than a turn of the watcher takes */

struct diagnosing {
    const char *terminal_id;
    struct case_view_terminal view;
    struct channel_look look;
    struct symptom symptom;
    struct case_line lines[CASE_COUNT_MAX];
    uint32_t line_count;
    json_t *answer; /* owner */
    bool is_known;  /* to the switch, the log or the desk */
};

/* Whether the caller may look. False: an answer is there. */
static bool may_look(const struct call *call, struct case_view_terminal *view,
                     struct answer *answer)
{
    struct desk *desk = case_desk_take(call, answer);
    if (desk == NULL) {
        return false;
    }
    enum status status = case_view_terminal(desk, call->holder, call->parameter, view);
    if (status != STATUS_OK) {
        case_desk_problem(desk, status, answer);
    } else if (!view->may) {
        answer_problem(answer, 404, "there is no such terminal, or no open case of it is yours");
    }
    desk_share_give(call->desk);
    return status == STATUS_OK && view->may;
}

/* Of a watcher that is in the midst of its work, a few times. */
static Control__Answer *ask_live(const struct call *call, const char *terminal_id, char *reason)
{
    struct control_client client = {call->control_socket, call->operator_name, NULL};
    Control__Answer *told = NULL;
    bool is_busy = true;
    for (int tries = 0; is_busy && tries < LOOK_COUNT_MAX; tries++) {
        if (told != NULL) {
            control__answer__free_unpacked(told, NULL);
            nanosleep(&(struct timespec){0, LOOK_AGAIN_NS}, NULL);
        }
        told = control_client_call(&client, CONTROL__REQUEST__CALL_TERMINAL, terminal_id, reason);
        is_busy = told != NULL && told->terminal != NULL && told->terminal->is_watch_busy;
    }
    return told;
}

static void add_live(const struct call *call, struct diagnosing *it)
{
    char reason[CONTROL_CLIENT_REASON_SIZE] = "";
    Control__Answer *told = ask_live(call, it->terminal_id, reason);
    bool has_terminal = told != NULL && told->fault == NULL && told->terminal != NULL;
    if (has_terminal) {
        json_t *live = status_json_terminal(told->terminal);
        json_object_set_new(live, "keys", status_json_keys(told->terminal));
        json_object_set_new(it->answer, "live", live);
        it->is_known = true;
    } else {
        const char *why = told != NULL && told->fault != NULL ? told->fault : reason;
        json_object_set_new(it->answer, "live", json_null());
        json_object_set_new(it->answer, "live_fault", text_json(why));
    }
    if (told != NULL) {
        control__answer__free_unpacked(told, NULL);
    }
}

/* What the switch was ordered about the terminal and is in force: for those who see all, since it
 * tells of what risk is about to find. */
static void add_orders(const struct call *call, struct diagnosing *it)
{
    char reason[CONTROL_CLIENT_REASON_SIZE] = "";
    struct control_client client = {call->control_socket, call->operator_name, NULL};
    Control__OrdersCall orders = CONTROL__ORDERS_CALL__INIT;
    Control__Request request = CONTROL__REQUEST__INIT;
    orders.terminal_id = (char *)(uintptr_t)it->terminal_id;
    request.call_case = CONTROL__REQUEST__CALL_ORDERS;
    request.orders = &orders;
    if (scope_is_narrow(&call->holder->scope)) {
        return;
    }
    Control__Answer *told = control_client_ask(&client, &request, reason);
    json_t *list = told == NULL || told->orders == NULL ? NULL : order_list_json(told->orders);
    json_t *items = json_object_get(list, "items");
    json_object_set(it->answer, "orders", items != NULL ? items : json_null());
    json_decref(list);
    if (told != NULL) {
        control__answer__free_unpacked(told, NULL);
    }
}

static void add_log(const struct call *call, struct diagnosing *it)
{
    struct log_view view;
    const struct diagnosis_of of = {it->terminal_id, it->view.merchant_id};
    bool is_read =
        log_view_open(&view, call->log) && diagnosis_add_log(&view, &of, it->answer, &it->symptom);
    if (is_read) {
        it->is_known = it->is_known || json_array_size(json_object_get(it->answer, "messages")) > 0;
    } else {
        json_object_set_new(it->answer, "messages", json_null());
        json_object_set_new(it->answer, "log_fault", text_json(view.fault));
    }
    log_view_close(&view);
}

static void add_channel(const struct call *call, struct diagnosing *it)
{
    channel_look(call, it->terminal_id, &it->look);
    json_object_set_new(it->answer, "channel",
                        it->look.name[0] == '\0'
                            ? json_null()
                            : json_pack("{s:s, s:b, s:b}", "name", it->look.name, "is_known",
                                        (int)it->look.is_known, "is_down", (int)it->look.is_down));
}

/* Open cases that the caller sees; each is read by somebody now, which is written down. */
static enum status add_cases(struct desk *desk, const struct call *call, struct diagnosing *it)
{
    struct case_query query = {.case_id = 0};
    const struct desk_actor actor = case_desk_actor(call);
    json_t *cases = json_array();
    json_t *holds = json_array();
    snprintf(query.terminal_id, sizeof(query.terminal_id), "%s", it->terminal_id);
    memcpy(query.merchant_id, it->view.merchant_id, sizeof(query.merchant_id));
    enum status status =
        case_view_narrow(call->holder, &query)
            ? case_book_queue(desk, &query, it->lines, CASE_COUNT_MAX, &it->line_count)
            : STATUS_OK;
    for (uint32_t i = 0; i < it->line_count && status == STATUS_OK; i++) {
        struct service_case read;
        status = case_book_read(desk, it->lines[i].id, &actor, &read, NULL);
        json_array_append_new(cases, case_answer_line(&it->lines[i], actor.wall_us));
        if (status == STATUS_OK && (read.is_held || read.is_stopped)) {
            json_array_append_new(
                holds, json_pack("{s:I, s:b, s:b, s:o}", "case_id", (json_int_t)read.id, "is_held",
                                 (int)read.is_held, "is_stopped", (int)read.is_stopped, "until",
                                 text_json_wall(read.hold_until_us)));
        }
    }
    json_object_set_new(it->answer, "cases", cases);
    json_object_set_new(it->answer, "holds", holds);
    return status;
}

static enum status add_desk(struct desk *desk, const struct call *call, struct diagnosing *it)
{
    struct case_advice advice = {.is_open = true,
                                 .hidden_kinds = case_view_hidden(call->holder),
                                 .hidden_columns = case_view_hidden_columns(call->holder),
                                 .channel = it->look.is_known ? it->look.name : NULL,
                                 .is_channel_down = it->look.is_down,
                                 .now_us = case_desk_actor(call).wall_us};
    snprintf(advice.terminal_id, sizeof(advice.terminal_id), "%s", it->terminal_id);
    memcpy(advice.merchant_id, it->view.merchant_id, sizeof(advice.merchant_id));
    enum status status = add_cases(desk, call, it);
    const char *fallback = it->symptom.fault != FAULT_COUNT ? fault_code(it->symptom.fault)
                           : it->line_count > 0             ? it->lines[0].fault
                                                            : "";
    snprintf(advice.fallback, sizeof(advice.fallback), "%s", fallback);
    return status == STATUS_OK ? case_advice_add(desk, &advice, it->answer) : status;
}

/* The fault that the script is of, and what says so. */
static void add_suggestion(struct diagnosing *it)
{
    const json_t *help = json_object_get(it->answer, "self_help");
    const json_t *faults = json_object_get(json_object_get(it->answer, "cause"), "faults");
    const char *by = json_array_size(faults) > 0        ? "flags"
                     : it->symptom.fault != FAULT_COUNT ? "answers"
                     : json_is_object(help)             ? "an open case"
                                                        : NULL;
    json_object_set_new(
        it->answer, "suggestion",
        by == NULL
            ? json_null()
            : json_pack("{s:O*, s:O*, s:O*, s:s}", "fault", json_object_get(help, "fault"), "zh",
                        json_object_get(help, "zh"), "en", json_object_get(help, "en"), "by", by));
    it->is_known = it->is_known || it->line_count > 0 ||
                   json_is_object(json_object_get(it->answer, "terminal"));
}

static void diagnose(const struct call *call, struct diagnosing *it, struct answer *answer)
{
    add_live(call, it);
    add_orders(call, it);
    add_log(call, it);
    add_channel(call, it);
    struct desk *desk = case_desk_take(call, answer);
    if (desk == NULL) {
        return;
    }
    enum status status = add_desk(desk, call, it);
    if (status != STATUS_OK) {
        case_desk_problem(desk, status, answer);
    }
    desk_share_give(call->desk);
    if (status != STATUS_OK) {
        return;
    }
    add_suggestion(it);
    if (it->is_known) {
        answer_json(answer, 200, json_incref(it->answer));
    } else {
        answer_problem(answer, 404,
                       "no such terminal: neither the switch, nor its log, nor the "
                       "registry knows it");
    }
}

void diagnosis_call_serve(const struct call *call, struct answer *answer)
{
    if (strlen(call->parameter) != 8) {
        answer_problem(answer, 400, "expected the 8 characters of a terminal id");
        return;
    }
    struct case_view_terminal view;
    struct diagnosing *it = may_look(call, &view, answer) ? calloc(1, sizeof(*it)) : NULL;
    if (it == NULL) {
        if (answer->code == 0) {
            answer_problem(answer, 503, "no memory; try again");
        }
        return;
    }
    it->terminal_id = call->parameter;
    it->view = view;
    it->answer = json_pack("{s:s}", "terminal_id", call->parameter);
    diagnose(call, it, answer);
    json_decref(it->answer);
    free(it);
}
