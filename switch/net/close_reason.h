/* Why a connection ended: every close names one of these, and it reaches log, counter and operator.
 */
#pragma once

/* X(name, sentence) */
#define CLOSE_REASON_MAP(X)                                                                        \
    X(PEER, "the peer closed the connection")                                                      \
    X(RESET, "the connection was reset or the network failed")                                     \
    X(LOCAL, "we had no more use for it")                                                          \
    X(DRAIN, "the server is draining")                                                             \
    X(NOT_TLS, "the first bytes are no TLS hello")                                                 \
    X(HANDSHAKE_FAILED, "the TLS handshake failed")                                                \
    X(HANDSHAKE_LATE, "the TLS handshake was not done in time")                                    \
    X(TLS_BROKEN, "a TLS record does not decipher, or breaks the protocol")                        \
    X(CONNECT_FAILED, "the peer could not be reached")                                             \
    X(CONNECT_LATE, "the peer did not accept in time")                                             \
    X(IDLE, "no message within the idle time")                                                     \
    X(HALF_MESSAGE, "a message was begun and not finished in time")                                \
    X(FRAME, "the bytes are no frame of this port")                                                \
    X(HTTP, "the HTTP request around the message is refused")                                      \
    X(MESSAGE, "the message cannot be read, nor an answer addressed")                              \
    X(IDENTITY, "the TLS identity does not own the terminal it speaks for")                        \
    X(ANSWERED, "the answer is sent and the client did not ask to stay")                           \
    X(OVERRUN, "more bytes came while a request was in flight than are kept")                      \
    X(SLOW_READER, "the peer does not read what is sent to it")                                    \
    X(LIMIT_CONNECTIONS, "the limit of connections is reached")                                    \
    X(LIMIT_ADDRESS, "the limit of connections from one address is reached")                       \
    X(NO_MEMORY, "the operating system gave no memory or no buffer is free")

enum close_reason {
#define X(name, text) CLOSE_##name,
    CLOSE_REASON_MAP(X)
#undef X
        CLOSE_REASON_COUNT
};

/* "half_message": lower case, for logs and metric labels. Never NULL. */
const char *close_reason_name(enum close_reason reason);
const char *close_reason_text(enum close_reason reason);
