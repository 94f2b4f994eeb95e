/* See trace_call.h. */
#include "switch/admin/trace_call.h"

#include <stdio.h>
#include <string.h>

#include "protocols/base/digits.h"
#include "switch/admin/control_client.h"
#include "switch/admin/wall_text.h"

#define SIDE_SIZE 16

/* A number behind the `?`. False: it is none, and `answer` says so. */
static bool read_number(const struct call *call, const char *name, protobuf_c_boolean *has,
                        uint64_t *number, struct answer *answer)
{
    const char *text = call->option(call->connection, name);
    char reason[96];
    *has = text != NULL;
    if (text == NULL || digits_parse(number, text, (uint32_t)strlen(text),
                                     (struct number_range){0, UINT32_MAX}) == STATUS_OK) {
        return true;
    }
    snprintf(reason, sizeof(reason), "%s: expected a number", name);
    answer_problem(answer, 400, reason);
    return false;
}

/* "terminal:10000001" */
static bool read_subject(const struct call *call, Control__TraceCall *trace, char side[SIDE_SIZE],
                         struct answer *answer)
{
    const char *colon = strchr(call->parameter, ':');
    size_t length = colon == NULL ? 0 : (size_t)(colon - call->parameter);
    if (length == 0 || length >= SIDE_SIZE || colon[1] == '\0') {
        answer_problem(answer, 400, "expected terminal:ID or channel:NAME");
        return false;
    }
    memcpy(side, call->parameter, length);
    side[length] = '\0';
    trace->side = side;
    trace->name = (char *)(uintptr_t)(colon + 1);
    return true;
}

static json_t *entry_json(const Control__TraceEntry *entry)
{
    char time[WALL_TEXT_SIZE];
    wall_text_format(time, entry->wall_us);
    return json_pack("{s:I, s:s, s:s, s:s*, s:s*}", "number", (json_int_t)entry->number, "time",
                     time, "way", entry->is_sent ? "sent" : "received", "note", entry->note, "text",
                     entry->text);
}

static json_t *trace_json(const Control__Trace *trace)
{
    json_t *items = json_array();
    for (size_t i = 0; i < trace->n_entries; i++) {
        json_array_append_new(items, entry_json(trace->entries[i]));
    }
    return json_pack("{s:b, s:i, s:I, s:o}", "watched", trace->is_watched, "seconds_left",
                     (int)trace->seconds_left, "count", (json_int_t)trace->count, "items", items);
}

static void ask(const struct call *call, Control__TraceCall *trace, struct answer *answer)
{
    char reason[CONTROL_CLIENT_REASON_SIZE] = "";
    struct control_client client = {call->control_socket, call->operator_name, call->pending};
    Control__Request request = CONTROL__REQUEST__INIT;
    request.call_case = CONTROL__REQUEST__CALL_TRACE;
    request.trace = trace;
    Control__Answer *told = control_client_ask(&client, &request, reason);
    if (told == NULL) {
        call_unanswered(call, reason, answer);
        return;
    }
    if (told->fault != NULL) {
        answer_problem(answer, strncmp(told->fault, "no", 2) == 0 ? 404 : 409, told->fault);
    } else {
        answer_json(answer, 200, told->trace == NULL ? NULL : trace_json(told->trace));
    }
    control__answer__free_unpacked(told, NULL);
}

void trace_call_serve(const struct call *call, struct answer *answer)
{
    Control__TraceCall trace = CONTROL__TRACE_CALL__INIT;
    char side[SIDE_SIZE];
    uint64_t seconds = 0;
    uint64_t after = 0;
    if (!read_subject(call, &trace, side, answer) ||
        !read_number(call, "seconds", &trace.has_seconds, &seconds, answer) ||
        !read_number(call, "after", &trace.has_after, &after, answer)) {
        return;
    }
    trace.seconds = (uint32_t)seconds;
    trace.after = after;
    trace.act = call->endpoint == ENDPOINT_TRACE_BEGIN ? CONTROL__TRACE_CALL__ACT__BEGIN
                : call->endpoint == ENDPOINT_TRACE_END ? CONTROL__TRACE_CALL__ACT__END
                                                       : CONTROL__TRACE_CALL__ACT__READ;
    ask(call, &trace, answer);
}
