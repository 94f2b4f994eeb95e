/* See dry_run_call.h. */
#include "switch/admin/dry_run_call.h"

#include <stdio.h>
#include <string.h>

#include "switch/admin/wall_text.h"

#define SPAN_FALLBACK_US INT64_C(604800000000) /* the last seven days */

/* A name that may stand before ":line: fault": printable, no path of ours. */
static bool name_is_good(const char *name)
{
    for (const char *at = name; *at != '\0'; at++) {
        if (*at < ' ' || *at > '~') {
            return false;
        }
    }
    return name[0] != '\0' && strlen(name) < 96;
}

/* False: `answer` says what is wrong. */
static bool take_span(const struct call *call, struct log_job_order *order, struct answer *answer)
{
    const char *from = call->option(call->connection, "from");
    const char *to = call->option(call->connection, "to");
    order->to_us = wall_text_now_us();
    if (to != NULL && txn_query_time(to, &order->to_us) != STATUS_OK) {
        answer_problem(answer, 400,
                       "to: expected a time such as 2026-09-21T14:13:20Z, or a date (UTC)");
        return false;
    }
    order->from_us = order->to_us - SPAN_FALLBACK_US;
    if (from != NULL && txn_query_time(from, &order->from_us) != STATUS_OK) {
        answer_problem(answer, 400,
                       "from: expected a time such as 2026-09-21T14:13:20Z, or a date (UTC)");
        return false;
    }
    if (order->from_us >= order->to_us) {
        answer_problem(answer, 400, "from: expected a time before that of to");
        return false;
    }
    return true;
}

static void begin(const struct call *call, enum log_job_kind kind,
                  const struct log_job_order *order, struct answer *answer)
{
    enum status status = log_job_begin_dry_run(call->job, kind, order);
    if (status == STATUS_OK) {
        answer_json(answer, 202, log_job_json(call->job));
    } else if (status == STATUS_DUPLICATE) {
        answer_problem(answer, 409, "another job of the log is under way; wait for its end");
    } else if (status == STATUS_UNSUPPORTED) {
        answer_problem(answer, 409, "this admin port knows no configuration file to try it beside");
    } else {
        answer_problem(answer, 503, "no thread or memory could be had for it; try again");
    }
}

void dry_run_call_serve(const struct call *call, struct answer *answer)
{
    bool is_route = strcmp(call->parameter, "route") == 0;
    const char *name = call->option(call->connection, "name");
    struct log_job_order order = {.name = name != NULL ? name
                                          : is_route   ? "routes.yaml"
                                                       : "fees.yaml",
                                  .text = call->body,
                                  .length = call->body_length};
    if (!is_route && strcmp(call->parameter, "fee") != 0) {
        answer_problem(answer, 404, "expected /api/v1/dry-runs/route or /api/v1/dry-runs/fee");
        return;
    }
    if (call->body == NULL || call->body_length == 0) {
        answer_problem(answer, 400, "expected the text of a rule file as the body of the call");
        return;
    }
    if (!name_is_good(order.name)) {
        answer_problem(answer, 400, "name: expected at most 95 printable characters");
        return;
    }
    if (take_span(call, &order, answer)) {
        begin(call, is_route ? LOG_JOB_ROUTE_DRY_RUN : LOG_JOB_FEE_DRY_RUN, &order, answer);
    }
}
