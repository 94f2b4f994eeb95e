/* What a terminal is told: the engine's answers, and our own refusals of what never reached it.
 */
#pragma once

#include "protocols/iso8583/message.h"
#include "switch/terminal/terminal_state.h"

#define TERMINAL_REPLY_REASON_SIZE 240

/* Sends the response that the payment of a REPLY says, with what the terminal should do next in
 * its header. False: it cannot be said in the dialect, or there is no
 * MAC for it; `reason` tells. */
bool terminal_reply_send(struct terminal_conn *conn, const struct engine_effect *effect,
                         char reason[TERMINAL_REPLY_REASON_SIZE]);

struct terminal_refusal {
    const char *response_code;
    bool asks_signon;
};

/* Refuses a message of which perhaps only the first fields could be read: echoes what tells the
 * terminal which request is meant, with our clock and the code. No MAC: a refusal carries none. */
void terminal_reply_refuse(struct terminal_conn *conn, const struct message *message,
                           const struct terminal_refusal *refusal);

/* Whether a refusal of this message can be addressed: its type is a request's, and its trace number
 * could be read. */
bool terminal_reply_may_refuse(const struct message *message);
