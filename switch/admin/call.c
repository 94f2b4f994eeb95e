/* Each endpoint's work: ask the switch or the log, and put the answer into words. */
#include "switch/admin/call.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "protocols/base/digits.h"
#include "switch/admin/case_call.h"
#include "switch/admin/control_client.h"
#include "switch/admin/diagnosis_call.h"
#include "switch/admin/dry_run_call.h"
#include "switch/admin/event_feed.h"
#include "switch/admin/evidence_call.h"
#include "switch/admin/fee_answer.h"
#include "switch/admin/flag_call.h"
#include "switch/admin/inspection_call.h"
#include "switch/admin/log_list.h"
#include "switch/admin/log_search.h"
#include "switch/admin/order_call.h"
#include "switch/admin/point_call.h"
#include "switch/admin/readiness.h"
#include "switch/admin/registry_call.h"
#include "switch/admin/report_call.h"
#include "switch/admin/route_call.h"
#include "switch/admin/status_json.h"
#include "switch/admin/text_json.h"
#include "switch/admin/trace_call.h"
#include "switch/admin/txn_story.h"
#include "switch/admin/update_call.h"
#include "switch/admin/usage_call.h"
#include "switch/admin/version_call.h"
#include "switch/admin/version_list.h"
#include "switch/admin/webhook_call.h"

void call_unanswered(const struct call *call, const char *reason, struct answer *answer)
{
    char detail[CONTROL_CLIENT_REASON_SIZE + 160];
    if (call->pending == NULL || !call->pending->is_unknown ||
        !endpoint_has_effect(call->endpoint)) {
        answer_problem(answer, 503, reason);
        return;
    }
    snprintf(detail, sizeof(detail),
             "%s; it was asked and may go on with it: see what it says of itself before you ask "
             "again (status, version list), and the audit file",
             reason);
    answer_problem(answer, 504, detail);
}

/* The answer of the switch, or NULL after a problem was put into `answer`. */
static Control__Answer *ask_switch(const struct call *call, Control__Request__CallCase what,
                                   struct answer *answer)
{
    char reason[CONTROL_CLIENT_REASON_SIZE] = "";
    struct control_client client = {call->control_socket, call->operator_name, call->pending};
    Control__Answer *told = control_client_call(&client, what, call->parameter, reason);
    if (told == NULL) {
        call_unanswered(call, reason, answer);
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
    struct control_client client = {call->control_socket, call->operator_name, NULL};
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
    struct control_client client = {call->control_socket, call->operator_name, NULL};
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
    json_t *terminal = told->terminal == NULL ? NULL : status_json_terminal(told->terminal);
    if (terminal != NULL) {
        json_object_set_new(terminal, "keys", status_json_keys(told->terminal));
    }
    answer_json(answer, 200, terminal);
    control__answer__free_unpacked(told, NULL);
}

/* False: a problem was put into `answer`. */
static bool open_log(const struct call *call, struct log_view *view, struct answer *answer)
{
    if (log_view_open(view, call->log)) {
        return true;
    }
    answer_problem(answer, 503, view->fault);
    log_view_close(view);
    return false;
}

static void serve_txn_search(const struct call *call, struct answer *answer)
{
    struct log_view view;
    if (!open_log(call, &view, answer)) {
        return;
    }
    json_t *page = log_search_find(&view, call->query);
    if (page == NULL) {
        answer_problem(answer, 503, view.fault);
    } else {
        answer_json(answer, 200, page);
    }
    log_view_close(&view);
}

static void serve_txn_show(const struct call *call, struct answer *answer)
{
    bool is_failed = false;
    struct log_view view;
    if (!txn_query_is_rrn(call->parameter)) {
        answer_problem(answer, 400, "expected the 12 characters of a retrieval reference number");
        return;
    }
    if (!open_log(call, &view, answer)) {
        return;
    }
    json_t *txn = txn_story_show(&view, call->parameter, &is_failed);
    if (txn != NULL) {
        answer_json(answer, 200, txn);
    } else if (is_failed) {
        answer_problem(answer, 503, view.fault);
    } else {
        answer_problem(answer, 404, "the log holds no transaction with this reference");
    }
    log_view_close(&view);
}

/* 0: the switch does not answer, so no file counts as the one in force. */
static uint32_t version_in_force(const struct call *call)
{
    char reason[CONTROL_CLIENT_REASON_SIZE] = "";
    struct control_client client = {call->control_socket, call->operator_name, NULL};
    Control__Answer *told =
        control_client_call(&client, CONTROL__REQUEST__CALL_STATUS, NULL, reason);
    if (told == NULL) {
        return 0;
    }
    uint32_t version = told->status == NULL ? 0 : told->status->ruleset_version;
    control__answer__free_unpacked(told, NULL);
    return version;
}

static void serve_fee_explain(const struct call *call, struct answer *answer)
{
    bool is_failed = false;
    struct log_view view;
    if (!txn_query_is_rrn(call->parameter)) {
        answer_problem(answer, 400, "expected the 12 characters of a retrieval reference number");
        return;
    }
    if (!open_log(call, &view, answer)) {
        return;
    }
    const struct fee_files files = {call->log, call->fees, version_in_force(call)};
    json_t *fee = fee_answer_explain(&view, &files, call->parameter, &is_failed);
    if (fee != NULL) {
        answer_json(answer, 200, fee);
    } else if (is_failed) {
        answer_problem(answer, 503, view.fault);
    } else {
        answer_problem(answer, 404, "the log holds no transaction with this reference");
    }
    log_view_close(&view);
}

static void serve_log_list(const struct call *call, struct answer *answer)
{
    struct log_view view;
    if (!open_log(call, &view, answer)) {
        return;
    }
    json_t *list = log_list_json(&view);
    if (list == NULL) {
        answer_problem(answer, 503, view.fault);
    } else {
        answer_json(answer, 200, list);
    }
    log_view_close(&view);
}

static void serve_log_job(const struct call *call, struct answer *answer)
{
    bool is_backup = call->endpoint == ENDPOINT_LOG_BACKUP;
    if (is_backup && !log_job_is_name(call->parameter)) {
        answer_problem(answer, 400,
                       "expected a name for the copy: letters, digits, - and _, at most 60");
        return;
    }
    enum status status = log_job_begin(call->job, is_backup ? LOG_JOB_BACKUP : LOG_JOB_VERIFY,
                                       is_backup ? call->parameter : "");
    if (status == STATUS_OK) {
        answer_json(answer, 202, log_job_json(call->job));
    } else if (status == STATUS_DUPLICATE) {
        answer_problem(answer, 409, "another job of the log is under way; wait for its end");
    } else if (status == STATUS_UNSUPPORTED) {
        answer_problem(answer, 409,
                       "admin.backup_folder is not set: name a folder for copies of the log");
    } else {
        answer_problem(answer, 503, "no thread could be had for it; try again");
    }
}

static const struct {
    enum endpoint endpoint;
    Control__Request__CallCase call;
    const char *result;
    unsigned refused; /* code of HTTP */
} acts[] = {{ENDPOINT_RELOAD, CONTROL__REQUEST__CALL_RELOAD, "reloaded", 422},
            {ENDPOINT_DRAIN, CONTROL__REQUEST__CALL_DRAIN, "draining", 409},
            {ENDPOINT_LOG_PURGE, CONTROL__REQUEST__CALL_PURGE, "purging", 409}};

static bool days_are_good(const char *text)
{
    uint64_t days;
    return digits_parse(&days, text, (uint32_t)strlen(text), (struct number_range){0, 36500}) ==
           STATUS_OK;
}

static void serve_act(const struct call *call, struct answer *answer)
{
    uint32_t at = 0;
    while (acts[at].endpoint != call->endpoint) {
        at++;
    }
    if (call->endpoint == ENDPOINT_LOG_PURGE && !days_are_good(call->parameter)) {
        answer_problem(answer, 400, "expected a number of days, 0 to 36500");
        return;
    }
    Control__Answer *told = ask_switch(call, acts[at].call, answer);
    if (told == NULL) {
        return;
    }
    const Control__Done *done = told->done;
    if (done == NULL) {
        answer_problem(answer, 503, "the switch gave an answer of another kind");
    } else if (done->is_done) {
        answer_json(
            answer, 200,
            json_pack("{s:s, s:o*}", "result", acts[at].result, "text", text_json(done->text)));
    } else {
        answer_problem(answer, acts[at].refused,
                       done->text != NULL ? done->text : "the switch refused");
    }
    control__answer__free_unpacked(told, NULL);
}

static void serve_switch(const struct call *call, struct answer *answer)
{
    serve_status(call, answer, status_json);
}

static void serve_channels(const struct call *call, struct answer *answer)
{
    serve_status(call, answer, status_json_channels);
}

static void serve_links(const struct call *call, struct answer *answer)
{
    serve_status(call, answer, status_json_links);
}

static void serve_job(const struct call *call, struct answer *answer)
{
    answer_json(answer, 200, log_job_json(call->job));
}

static void serve_retention(const struct call *call, struct answer *answer)
{
    if (call->day_job == NULL) {
        answer_problem(answer, 503,
                       "this switch has no after-sales: set aftersales.folder and restart");
        return;
    }
    bool is_asked = call->endpoint == ENDPOINT_RETENTION_RUN;
    if (is_asked && day_job_wake(call->day_job) != STATUS_OK) {
        answer_problem(answer, 409, "it is under way; GET /api/v1/retention tells its end");
        return;
    }
    answer_json(answer, is_asked ? 202 : 200, day_job_json(call->day_job));
}

static void (*const SERVE[ENDPOINT_COUNT])(const struct call *call, struct answer *answer) = {
    [ENDPOINT_HEALTHZ] = serve_healthz,
    [ENDPOINT_READYZ] = serve_readyz,
    [ENDPOINT_METRICS] = serve_metrics,
    [ENDPOINT_STATUS] = serve_switch,
    [ENDPOINT_CHANNELS] = serve_channels,
    [ENDPOINT_LINKS] = serve_links,
    [ENDPOINT_TERMINAL] = serve_terminal,
    [ENDPOINT_USAGE] = usage_call_serve,
    [ENDPOINT_TXN_SEARCH] = serve_txn_search,
    [ENDPOINT_TXN_SHOW] = serve_txn_show,
    [ENDPOINT_FEE_EXPLAIN] = serve_fee_explain,
    [ENDPOINT_ROUTE_ASK] = route_call_serve,
    [ENDPOINT_ROUTE_EXPLAIN] = route_call_serve,
    [ENDPOINT_CASE_LIST] = case_call_list,
    [ENDPOINT_CASE_OPEN] = case_call_open,
    [ENDPOINT_CASE_SHOW] = case_call_show,
    [ENDPOINT_CASE_KEEP] = case_call_keep,
    [ENDPOINT_CASE_UNKEEP] = case_call_unkeep,
    [ENDPOINT_CASE_READINGS] = case_call_readings,
    [ENDPOINT_CASE_STEP] = case_call_step,
    [ENDPOINT_FLAG_LIST] = flag_call_list,
    [ENDPOINT_FLAG_JUDGE] = flag_call_judge,
    [ENDPOINT_RULE_LIST] = flag_call_rules,
    [ENDPOINT_DIAGNOSIS] = diagnosis_call_serve,
    [ENDPOINT_LOG_LIST] = serve_log_list,
    [ENDPOINT_LOG_JOB] = serve_job,
    [ENDPOINT_LOG_VERIFY] = serve_log_job,
    [ENDPOINT_LOG_BACKUP] = serve_log_job,
    [ENDPOINT_LOG_PURGE] = serve_act,
    [ENDPOINT_DRY_RUN] = dry_run_call_serve,
    [ENDPOINT_TRACE_BEGIN] = trace_call_serve,
    [ENDPOINT_TRACE_READ] = trace_call_serve,
    [ENDPOINT_TRACE_END] = trace_call_serve,
    [ENDPOINT_VERSION_LIST] = version_list_serve,
    [ENDPOINT_VERSION_SHOW] = version_list_serve,
    [ENDPOINT_VERSION_CHECK] = version_call_serve,
    [ENDPOINT_VERSION_PROPOSE] = version_call_serve,
    [ENDPOINT_VERSION_ACTIVATE] = version_call_serve,
    [ENDPOINT_VERSION_ROLL_BACK] = version_call_serve,
    [ENDPOINT_EVENT_LIST] = event_feed_serve,
    [ENDPOINT_WEBHOOK_LIST] = webhook_call_serve,
    [ENDPOINT_WEBHOOK_RETRY] = webhook_call_serve,
    [ENDPOINT_EVIDENCE] = evidence_call_serve,
    [ENDPOINT_REGISTRY_KINDS] = registry_call_serve,
    [ENDPOINT_REGISTRY_LIST] = registry_call_serve,
    [ENDPOINT_REGISTRY_SHOW] = registry_call_serve,
    [ENDPOINT_REGISTRY_PUT] = registry_call_serve,
    [ENDPOINT_REGISTRY_REMOVE] = registry_call_serve,
    [ENDPOINT_REGISTRY_HISTORY] = registry_call_serve,
    [ENDPOINT_REGISTRY_EXPORT] = registry_call_serve,
    [ENDPOINT_REGISTRY_IMPORT] = registry_call_import,
    [ENDPOINT_REGISTRY_CHECK] = registry_call_import,
    [ENDPOINT_REGISTRY_JOB] = registry_call_import,
    [ENDPOINT_BIND] = registry_call_bind,
    [ENDPOINT_UNBIND] = registry_call_bind,
    [ENDPOINT_POINT_NEAR] = point_call_serve,
    [ENDPOINT_INSPECTION_DUE] = inspection_call_serve,
    [ENDPOINT_TERMINAL_SILENT] = inspection_call_serve,
    [ENDPOINT_TERMINAL_OUTDATED] = inspection_call_serve,
    [ENDPOINT_INSPECTION_LIST] = inspection_call_serve,
    [ENDPOINT_INSPECTION_RECORD] = inspection_call_serve,
    [ENDPOINT_UPDATE_LIST] = update_call_serve,
    [ENDPOINT_UPDATE_MAKE] = update_call_serve,
    [ENDPOINT_UPDATE_SHOW] = update_call_serve,
    [ENDPOINT_UPDATE_STOP] = update_call_serve,
    [ENDPOINT_UPDATE_RESUME] = update_call_serve,
    [ENDPOINT_REPORT] = report_call_serve,
    [ENDPOINT_RETENTION] = serve_retention,
    [ENDPOINT_RETENTION_RUN] = serve_retention,
    [ENDPOINT_ORDER_LIST] = order_list_serve,
    [ENDPOINT_ORDER_SERVICE] = order_call_serve,
    [ENDPOINT_ORDER_RISK] = order_call_serve,
    [ENDPOINT_RELOAD] = serve_act,
    [ENDPOINT_DRAIN] = serve_act,
};

void call_serve(const struct call *call, struct answer *answer)
{
    if (call->endpoint >= ENDPOINT_COUNT || SERVE[call->endpoint] == NULL) {
        answer_problem(answer, 404, "no such call");
        return;
    }
    SERVE[call->endpoint](call, answer);
}
