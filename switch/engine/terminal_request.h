/* What a terminal should do next, as digit 6 of the header of its answers tells it: the only way to
 * push anything to it (unionpay-pos 1). One thing an answer, the most urgent first.
 */
#pragma once

#include "switch/engine/engine_state.h"

/* X(NAME, digit, sentence), most urgent first; what was ordered goes before what is due by itself,
 * but for a sign-on, without which nothing is served. */
#define TERMINAL_REQUEST_MAP(X)                                                                    \
    X(SIGN_ON, 3, "sign on again")                                                                 \
    X(CA_KEYS, 4, "download CA public keys")                                                       \
    X(AIDS, 5, "download chip application parameters")                                             \
    X(PARAMETERS, 1, "download parameters")                                                        \
    X(STATUS, 2, "upload its status")                                                              \
    X(SOFTWARE, 6, "update its software")                                                          \
    X(BLACKLIST, 7, "download the BIN blacklist")

enum terminal_request {
    TERMINAL_REQUEST_NONE,
#define X(name, digit, text) TERMINAL_REQUEST_##name = (digit),
    TERMINAL_REQUEST_MAP(X)
#undef X
};

/* Of an answer. None while the terminal is in the middle of a download, and none to a sign-off. */
uint8_t terminal_request_of(struct engine *engine, const struct payment *reply);
/* Of a terminal that asks for nothing in particular; for views. */
uint8_t terminal_request_pending(const struct engine *engine, uint32_t terminal);
/* "download CA public keys"; empty for TERMINAL_REQUEST_NONE. */
const char *terminal_request_text(uint8_t terminal_request);
