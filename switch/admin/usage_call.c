/* See usage_call.h. */
#include "switch/admin/usage_call.h"

#include <string.h>

#define SCOPE_SIZE 16

static json_t *limit_json(const Control__UsageLimit *limit)
{
    int64_t left = limit->max > limit->used ? limit->max - limit->used : 0;
    return json_pack("{s:s, s:i, s:s, s:I, s:I, s:I}", "name", limit->name, "line",
                     (int)limit->line, "bound", limit->bound, "max", (json_int_t)limit->max, "used",
                     (json_int_t)limit->used, "left", (json_int_t)left);
}

json_t *usage_call_json(const char *scope, const char *key, const Control__Usage *usage)
{
    json_t *limits = json_array();
    for (size_t i = 0; i < usage->n_limits; i++) {
        json_array_append_new(limits, limit_json(usage->limits[i]));
    }
    return json_pack("{s:s, s:s, s:b, s:i, s:i, s:i, s:I, s:I, s:I, s:o}", "scope", scope, "key",
                     key, "is_counted", usage->is_counted, "day", (int)usage->day, "month",
                     (int)(usage->day / 100), "currency", (int)usage->currency, "day_count",
                     (json_int_t)usage->day_count, "day_amount", (json_int_t)usage->day_minor,
                     "month_amount", (json_int_t)usage->month_minor, "limits", limits);
}

static void ask(const struct call *call, Control__UsageCall *usage, struct answer *answer)
{
    char reason[CONTROL_CLIENT_REASON_SIZE] = "";
    struct control_client client = {call->control_socket, call->operator_name, NULL};
    Control__Request request = CONTROL__REQUEST__INIT;
    request.call_case = CONTROL__REQUEST__CALL_USAGE;
    request.usage = usage;
    Control__Answer *told = control_client_ask(&client, &request, reason);
    if (told == NULL) {
        answer_problem(answer, 503, reason);
        return;
    }
    if (told->fault != NULL) {
        answer_problem(answer, 400, told->fault);
    } else if (told->usage == NULL) {
        answer_problem(answer, 503, "the switch gave an answer of another kind");
    } else {
        answer_json(answer, 200, usage_call_json(usage->scope, usage->key, told->usage));
    }
    control__answer__free_unpacked(told, NULL);
}

/* "merchant:898290054110000" */
void usage_call_serve(const struct call *call, struct answer *answer)
{
    char scope[SCOPE_SIZE];
    Control__UsageCall usage = CONTROL__USAGE_CALL__INIT;
    const char *colon = strchr(call->parameter, ':');
    size_t length = colon == NULL ? 0 : (size_t)(colon - call->parameter);
    if (length == 0 || length >= SCOPE_SIZE || colon[1] == '\0') {
        answer_problem(answer, 400, "expected merchant:ID, terminal:ID or card:HASH");
        return;
    }
    memcpy(scope, call->parameter, length);
    scope[length] = '\0';
    usage.scope = scope;
    usage.key = (char *)(uintptr_t)(colon + 1);
    ask(call, &usage, answer);
}
