/* Each endpoint's work: ask the switch or the log, and put the answer into words. */
#include "switch/admin/call.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "switch/admin/control_client.h"
#include "switch/admin/log_search.h"
#include "switch/admin/readiness.h"
#include "switch/admin/status_json.h"

/* The answer of the switch, or NULL after a problem was put into `answer`. */
static Control__Answer *ask_switch(const struct call *call, Control__Request__CallCase what,
                                   struct answer *answer)
{
    char reason[CONTROL_CLIENT_REASON_SIZE] = "";
    struct control_client client = {call->control_socket, call->operator_name};
    Control__Answer *told = control_client_call(&client, what, call->parameter, reason);
    if (told == NULL) {
        answer_problem(answer, 503, reason);
        return NULL;
    }
    if (told->fault != NULL) {
        answer_problem(answer, what == CONTROL__REQUEST__CALL_TERMINAL ? 404 : 503, told->fault);
        control__answer__free_unpacked(told, NULL);
        return NULL;
    }
    return told;
}

static void serve_healthz(const struct call *call, struct answer *answer)
{
    (void)call;
    answer_text(answer, 200, "text/plain; charset=utf-8", strdup("ok\n"), 3);
}

static void serve_readyz(const struct call *call, struct answer *answer)
{
    char reason[CONTROL_CLIENT_REASON_SIZE] = "";
    char *text = NULL;
    size_t length = 0;
    struct control_client client = {call->control_socket, call->operator_name};
    Control__Answer *told =
        control_client_call(&client, CONTROL__REQUEST__CALL_STATUS, NULL, reason);
    const Control__Status *status = told == NULL ? NULL : told->status;
    FILE *to = open_memstream(&text, &length);
    bool is_ready = false;
    if (to != NULL) {
        is_ready = readiness_write(to, status, call->is_verbose);
        fclose(to);
    }
    if (told != NULL) {
        control__answer__free_unpacked(told, NULL);
    }
    answer_text(answer, is_ready ? 200 : 503, "text/plain; charset=utf-8", text, length);
}

/* A switch that does not answer is told by a metric, not by a failed scrape. */
static void serve_metrics(const struct call *call, struct answer *answer)
{
    char reason[CONTROL_CLIENT_REASON_SIZE] = "";
    char *text = NULL;
    size_t length = 0;
    struct control_client client = {call->control_socket, call->operator_name};
    Control__Answer *told =
        control_client_call(&client, CONTROL__REQUEST__CALL_METRICS, NULL, reason);
    FILE *to = open_memstream(&text, &length);
    if (to != NULL) {
        metrics_text_write(to, told == NULL ? NULL : told->metrics, call->own);
        fclose(to);
    }
    if (told != NULL) {
        control__answer__free_unpacked(told, NULL);
    }
    answer_text(answer, 200, "text/plain; version=0.0.4; charset=utf-8", text, length);
}

static void serve_status(const struct call *call, struct answer *answer,
                         json_t *(*to_json)(const Control__Status *status))
{
    Control__Answer *told = ask_switch(call, CONTROL__REQUEST__CALL_STATUS, answer);
    if (told == NULL) {
        return;
    }
    answer_json(answer, 200, told->status == NULL ? NULL : to_json(told->status));
    control__answer__free_unpacked(told, NULL);
}

static void serve_terminal(const struct call *call, struct answer *answer)
{
    Control__Answer *told = ask_switch(call, CONTROL__REQUEST__CALL_TERMINAL, answer);
    if (told == NULL) {
        return;
    }
    answer_json(answer, 200, told->terminal == NULL ? NULL : status_json_terminal(told->terminal));
    control__answer__free_unpacked(told, NULL);
}

static struct log_search *open_log(const struct call *call, struct answer *answer)
{
    char reason[LOG_SEARCH_REASON_SIZE] = "";
    struct log_search *search = log_search_open(call->log, reason);
    if (search == NULL) {
        answer_problem(answer, 503, reason);
    }
    return search;
}

static void serve_txn_search(const struct call *call, struct answer *answer)
{
    struct log_search *search = open_log(call, answer);
    if (search == NULL) {
        return;
    }
    json_t *page = log_search_find(search, call->query);
    if (page == NULL) {
        answer_problem(answer, 503, "the log could not be read to the end; try again");
    } else {
        answer_json(answer, 200, page);
    }
    log_search_close(search);
}

static void serve_txn_show(const struct call *call, struct answer *answer)
{
    bool is_failed = false;
    if (!txn_query_is_rrn(call->parameter)) {
        answer_problem(answer, 400, "expected the 12 characters of a retrieval reference number");
        return;
    }
    struct log_search *search = open_log(call, answer);
    if (search == NULL) {
        return;
    }
    json_t *txn = log_search_show(search, call->parameter, &is_failed);
    if (txn != NULL) {
        answer_json(answer, 200, txn);
    } else if (is_failed) {
        answer_problem(answer, 503, "the log could not be read to the end; try again");
    } else {
        answer_problem(answer, 404, "the log holds no transaction with this reference");
    }
    log_search_close(search);
}

static void serve_act(const struct call *call, struct answer *answer)
{
    bool is_reload = call->endpoint == ENDPOINT_RELOAD;
    Control__Answer *told = ask_switch(
        call, is_reload ? CONTROL__REQUEST__CALL_RELOAD : CONTROL__REQUEST__CALL_DRAIN, answer);
    if (told == NULL) {
        return;
    }
    const Control__Done *done = told->done;
    if (done == NULL) {
        answer_problem(answer, 503, "the switch gave an answer of another kind");
    } else if (done->is_done) {
        answer_json(answer, 200,
                    json_pack("{s:s, s:s*}", "result", is_reload ? "reloaded" : "draining", "text",
                              done->text));
    } else {
        answer_problem(answer, is_reload ? 422 : 409,
                       done->text != NULL ? done->text : "the switch refused");
    }
    control__answer__free_unpacked(told, NULL);
}

void call_serve(const struct call *call, struct answer *answer)
{
    switch (call->endpoint) {
    case ENDPOINT_HEALTHZ:
        serve_healthz(call, answer);
        return;
    case ENDPOINT_READYZ:
        serve_readyz(call, answer);
        return;
    case ENDPOINT_METRICS:
        serve_metrics(call, answer);
        return;
    case ENDPOINT_STATUS:
        serve_status(call, answer, status_json);
        return;
    case ENDPOINT_CHANNELS:
        serve_status(call, answer, status_json_channels);
        return;
    case ENDPOINT_LINKS:
        serve_status(call, answer, status_json_links);
        return;
    case ENDPOINT_TERMINAL:
        serve_terminal(call, answer);
        return;
    case ENDPOINT_TXN_SEARCH:
        serve_txn_search(call, answer);
        return;
    case ENDPOINT_TXN_SHOW:
        serve_txn_show(call, answer);
        return;
    case ENDPOINT_RELOAD:
    case ENDPOINT_DRAIN:
        serve_act(call, answer);
        return;
    case ENDPOINT_COUNT:
        break;
    }
    answer_problem(answer, 404, "no such call");
}
