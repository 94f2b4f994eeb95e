/* See wallet_trace.h. */
#include "switch/channel/wallet_trace.h"

#include <stdio.h>

#include "protocols/wallet/wallet_describe.h"
#include "switch/net/trace.h"

struct trace_note {
    bool is_sent;
    const char *text, *note; /* either may be NULL */
};

static void put(const struct wallet_channel *channel, const struct trace_note *note)
{
    struct trace_message message = {.subject = {.side = TRACE_CHANNEL},
                                    .is_sent = note->is_sent,
                                    .text = note->text,
                                    .note = note->note,
                                    .wall_us = loop_wall_us(),
                                    .now_ns = loop_now_ns()};
    snprintf(message.subject.name, sizeof(message.subject.name), "%s", channel->base.name);
    trace_put(&message);
}

void wallet_trace_sent(const struct wallet_call *call)
{
    char text[TRACE_TEXT_SIZE];
    wallet_describe_request(&call->http.message, &call->request, text, sizeof(text));
    put(call->channel, &(struct trace_note){.is_sent = true, .text = text});
}

/* What is amiss with an answer; NULL: nothing, the text says it all. */
static const char *fault_of(const struct wallet_answer *answer)
{
    return answer->is_alert || answer->verdict == WALLET_UNKNOWN ? answer->words : NULL;
}

void wallet_trace_answer(const struct wallet_call *call, const struct wallet_answer *answer)
{
    char text[TRACE_TEXT_SIZE] = "";
    if (call->http.reply.http_status != 0) {
        wallet_describe_reply(&call->http.reply, text, sizeof(text));
    }
    put(call->channel, &(struct trace_note){.text = text, .note = fault_of(answer)});
}

void wallet_trace_notify(const struct wallet_channel *channel, const struct wallet_reply *reply,
                         const struct wallet_answer *told, bool is_taken)
{
    char text[TRACE_TEXT_SIZE];
    wallet_describe_reply(reply, text, sizeof(text));
    put(channel, &(struct trace_note){.text = text, .note = fault_of(told)});
    put(channel,
        &(struct trace_note){.is_sent = true,
                             .text = is_taken ? "answer to the notify: taken\n"
                                              : "answer to the notify: to be sent again\n"});
}
