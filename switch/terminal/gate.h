/* The gate: no field of a request is acted on before the gate let it through.
 *
 * It checks that the TLS identity may speak for the terminal and that the MAC is the terminal's
 * (I36, I38); then it fills in what the engine keeps of the card: its keyed hash and sealed form.
 */
#pragma once

#include "switch/terminal/terminal_state.h"

#define GATE_TEXT_SIZE 320

struct gate_verdict {
    bool is_passed;
    enum reject reject;        /* why not */
    const char *response_code; /* usually the reject's own */
    bool asks_signon; /* the answer's header shall ask the terminal to sign on (third bad MAC) */
    char text[GATE_TEXT_SIZE];
};

void gate_check(struct terminal_conn *conn, const struct message *message, struct payment *payment,
                struct gate_verdict *verdict);
