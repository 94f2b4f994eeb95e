/* Watches of messages: begun, read and ended over the control socket. */
#include <stdio.h>
#include <string.h>

#include "switch/control/control_answer.h"
#include "switch/net/loop.h"
#include "switch/net/trace.h"

#define ENTRIES_A_CALL 16
#define SECONDS_FALLBACK 60

static bool subject_of(const Control__TraceCall *call, struct trace_subject *subject)
{
    memset(subject, 0, sizeof(*subject));
    for (unsigned side = 0; side <= TRACE_CHANNEL; side++) {
        if (strcmp(call->side, trace_side_name((enum trace_side)side)) == 0) {
            subject->side = (enum trace_side)side;
            snprintf(subject->name, sizeof(subject->name), "%s", call->name);
            return call->name[0] != '\0' && strlen(call->name) < sizeof(subject->name);
        }
    }
    return false;
}

static const char *text_or_none(struct control_arena *arena, const char *text)
{
    return text[0] == '\0' ? NULL : control_arena_text(arena, text, TRACE_TEXT_SIZE);
}

static Control__TraceEntry *entry_of(struct control_arena *arena, const struct trace_entry *entry)
{
    Control__TraceEntry *told = control_arena_take(arena, sizeof(*told));
    if (told == NULL) {
        return NULL;
    }
    control__trace_entry__init(told);
    told->number = entry->number;
    told->wall_us = entry->wall_us;
    told->is_sent = entry->is_sent;
    told->note = (char *)(uintptr_t)text_or_none(arena, entry->note);
    told->text = (char *)(uintptr_t)text_or_none(arena, entry->text);
    return told;
}

/* What was kept after `after`, as much as one call holds. False: there is no such watch. */
static bool read_entries(struct control_arena *arena, const struct trace_subject *subject,
                         uint64_t after, Control__Trace *trace)
{
    struct trace_entry entry;
    struct trace_state state = {0};
    bool has_entry = true;
    trace->entries = control_arena_take(arena, ENTRIES_A_CALL * sizeof(void *));
    while (trace->entries != NULL && has_entry && trace->n_entries < ENTRIES_A_CALL) {
        if (!trace_read(subject, after, loop_now_ns(), &entry, &has_entry, &state)) {
            return false;
        }
        Control__TraceEntry *told = has_entry ? entry_of(arena, &entry) : NULL;
        if (told == NULL) {
            break;
        }
        trace->entries[trace->n_entries++] = told;
        after = entry.number;
    }
    trace->is_watched = state.is_watched;
    trace->seconds_left = state.seconds_left;
    trace->count = state.count;
    return true;
}

static const char *begin(const struct trace_subject *subject, const Control__TraceCall *call,
                         Control__Trace *trace)
{
    uint32_t seconds = call->has_seconds ? call->seconds : SECONDS_FALLBACK;
    if (seconds == 0 || seconds > TRACE_SECONDS_MAX) {
        return "a watch lasts 1 to 3600 seconds";
    }
    enum status status = trace_begin(subject, seconds, loop_now_ns());
    if (status != STATUS_OK) {
        return status == STATUS_NO_ROOM ? "four watches are under way; end one of them first"
                                        : "no memory for another watch";
    }
    trace->is_watched = true;
    trace->seconds_left = seconds;
    return NULL;
}

Control__Trace *control_answer_trace(struct control_arena *arena, const Control__TraceCall *call,
                                     const char **fault)
{
    static const char NONE[] = "nobody watches it: begin a watch first";
    struct trace_subject subject;
    Control__Trace *trace = control_arena_take(arena, sizeof(*trace));
    *fault = NULL;
    if (trace == NULL || !subject_of(call, &subject)) {
        *fault = trace == NULL ? "no memory for the answer"
                               : "expected a terminal or a channel, and its name";
        return NULL;
    }
    control__trace__init(trace);
    switch (call->act) {
    case CONTROL__TRACE_CALL__ACT__BEGIN:
        *fault = begin(&subject, call, trace);
        break;
    case CONTROL__TRACE_CALL__ACT__END:
        *fault = trace_end(&subject) ? NULL : NONE;
        break;
    case CONTROL__TRACE_CALL__ACT__READ:
    case _CONTROL__TRACE_CALL__ACT_IS_INT_SIZE:
        *fault = read_entries(arena, &subject, call->after, trace) ? NULL : NONE;
        break;
    }
    return *fault == NULL ? trace : NULL;
}
