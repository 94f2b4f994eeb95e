/* See registry_call.h: a CSV file comes in. */
#include <stdio.h>
#include <string.h>

#include "switch/admin/desk_call.h"
#include "switch/admin/registry_call.h"
#include "switch/admin/registry_job.h"

/* Beyond it the caller is told to ask later; a request has 30 s in all once its body is there. */
#define WAIT_MS 15000

/* A name that may stand before ":line: fault": printable, no path of ours. */
static bool name_is_good(const char *name)
{
    for (const char *at = name; *at != '\0'; at++) {
        if (*at < ' ' || *at > '~') {
            return false;
        }
    }
    return name[0] != '\0' && strlen(name) < REGISTRY_JOB_FILE_SIZE;
}

static void answer_end(const struct call *call, const struct registry_job_end *end,
                       struct answer *answer)
{
    json_t *json = registry_job_json(call->registry_job);
    const char *text = json_string_value(json_object_get(json, "text"));
    char detail[sizeof(answer->detail)];
    snprintf(detail, sizeof(detail), "%s", text != NULL ? text : "");
    if (end->is_running) {
        answer_json(answer, 202, json);
        snprintf(answer->detail, sizeof(answer->detail),
                 "it goes on; GET /api/v1/registry-job tells its end");
    } else if (end->status == STATUS_OK) {
        answer_json(answer, 200, json);
        snprintf(answer->detail, sizeof(answer->detail), "%s", detail);
    } else if (end->status == STATUS_MALFORMED &&
               json_array_size(json_object_get(json, "faults"))) {
        desk_call_faults(422, detail, json_incref(json_object_get(json, "faults")), answer);
        json_decref(json);
    } else {
        answer_problem(answer, 503, detail);
        json_decref(json);
    }
}

static void begin(const struct call *call, const struct registry_job_order *order,
                  struct answer *answer)
{
    uint64_t number = 0;
    struct registry_job_end end;
    enum status status = registry_job_begin(call->registry_job, order, &number);
    if (status == STATUS_DUPLICATE) {
        answer_problem(answer, 409, "another file is being taken over; wait for its end");
    } else if (status != STATUS_OK) {
        answer_problem(answer, 503, "no thread or memory could be had for it; try again");
    } else {
        registry_job_wait(call->registry_job, number, WAIT_MS, &end);
        answer_end(call, &end, answer);
    }
}

/* Of a file with merchants, who may not see them is not told either. */
static void serve_job(const struct call *call, struct answer *answer)
{
    json_t *json = registry_job_json(call->registry_job);
    enum registry_kind kind =
        registry_kind_from_name(json_string_value(json_object_get(json, "kind")));
    bool may_see = kind == REGISTRY_KIND_COUNT || !registry_call_is_personal(kind) ||
                   call->holder->role != ROLE_OPERATOR;
    if (!may_see) {
        json_object_set_new(json, "faults", json_array());
        json_object_set_new(json, "file", json_string(""));
        json_object_set_new(json, "text", json_string(""));
    }
    answer_json(answer, 200, json);
}

void registry_call_import(const struct call *call, struct answer *answer)
{
    const char *name = call->option(call->connection, "file");
    struct registry_job_order order = {.text = call->body,
                                       .length = call->body_length,
                                       .is_check = call->endpoint == ENDPOINT_REGISTRY_CHECK};
    if (call->endpoint == ENDPOINT_REGISTRY_JOB) {
        serve_job(call, answer);
        return;
    }
    if (!registry_call_kind(call, &order.kind, answer)) {
        return;
    }
    if (call->body == NULL || call->body_length == 0) {
        answer_problem(answer, 400, "expected the text of a CSV file as the body of the call");
        return;
    }
    order.file = name != NULL ? name : registry_kind_name(order.kind);
    if (!name_is_good(order.file)) {
        answer_problem(answer, 400, "file: expected at most 95 printable characters");
        return;
    }
    desk_call_actor(call, &order.by);
    begin(call, &order, answer);
}
