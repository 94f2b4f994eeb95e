/* Why a terminal's request was turned away before it reached the engine: the table of bad input.
 *
 * Each row reaches one log line, one counter and, where a terminal can still be addressed, one
 * answer.
 */
#pragma once

/* X(name, response code or "" for a closed connection, sentence) */
#define REJECT_MAP(X)                                                                              \
    X(FRAME, "", "the bytes are no frame of this port")                                            \
    X(HALF_MESSAGE, "", "a message was begun and not finished")                                    \
    X(HTTP, "", "the HTTP request around the message is refused")                                  \
    X(UNREADABLE, "", "the message cannot be read, nor an answer addressed")                       \
    X(FORMAT, "30", "the message has a format error")                                              \
    X(UNKNOWN_KIND, "12", "no transaction of the dialect has this key")                            \
    X(IDENTITY, "", "the TLS identity does not own the terminal it speaks for")                    \
    X(MAC_MISSING, "A0", "this message must carry a MAC")                                          \
    X(MAC_WRONG, "A0", "the MAC does not verify")                                                  \
    X(KEY_MISSING, "A0", "the terminal has no working keys: it must sign on")                      \
    X(TERMINAL, "97", "the terminal may not act")                                                  \
    X(MERCHANT, "03", "the merchant may not act")                                                  \
    X(TRACK, "30", "the enciphered track cannot be read")                                          \
    X(SECURITY, "A7", "the security module could not do its work")

enum reject {
#define X(name, code, text) REJECT_##name,
    REJECT_MAP(X)
#undef X
        REJECT_COUNT
};

const char *reject_name(enum reject reject); /* "mac_wrong" */
const char *reject_text(enum reject reject);
const char *reject_code(enum reject reject); /* field 39; empty: closed without an answer */
