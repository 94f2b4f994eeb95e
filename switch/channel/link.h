/* One connection to a bank that is made again whenever it is lost: TCP or TLS, frames, pauses that
 * grow; one that was good for a while is made again at once. Either we connect, or the bank does:
 * then the link waits until a port of ours hands it the connection (bank_port.h).
 *
 * The link knows nothing of messages. Its owner says when the peer has proved good (link_settle),
 * and from then on the next loss begins with the shortest pause again.
 *
 * Life:  link_create -> link_start -> on_open, on_frame, on_down ... -> link_stop -> on_stopped
 *        -> link_destroy
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "protocols/frame.h"
#include "switch/net/stream.h"

/* X(name, sentence) */
#define LINK_STATE_MAP(X)                                                                          \
    X(STOPPED, "not to be connected")                                                              \
    X(WAITING, "waiting for the next connection")                                                  \
    X(CONNECTING, "connecting")                                                                    \
    X(OPEN, "connected")                                                                           \
    X(CLOSING, "being closed")

enum link_state {
#define X(name, text) LINK_##name,
    LINK_STATE_MAP(X)
#undef X
};
const char *link_state_text(enum link_state state);

struct link;

struct link_calls {
    void (*on_open)(void *owner);
    /* One whole message; the bytes are good for the call. */
    void (*on_frame)(void *owner, struct byte_view message);
    /* Where we post: what was posted first has its answer, of that status. `refusal` NULL: it has a
     * message, and on_frame follows, unless the link was dropped; else why it has none. */
    void (*on_posted)(void *owner, uint16_t http_status, const char *refusal);
    void (*on_deadline)(void *owner);
    /* The connection is gone; another one will be made. */
    void (*on_down)(void *owner, const char *text);
    void (*on_stopped)(void *owner);
};

struct link_setup {
    struct loop *loop;
    struct net_address address; /* to connect to; where is_listening, ours */
    bool is_listening;          /* the bank connects */
    SSL_CTX *tls;               /* borrowed as long as the link lives; NULL: plain TCP */
    const char *server_name;    /* that the bank's certificate must bear; NULL: any. Borrowed */
    struct framing framing;
    uint32_t reconnect_min_ms, reconnect_max_ms;
    uint32_t connect_timeout_ms;
    uint32_t output_max; /* bytes that may wait for the bank to read */
    const struct link_calls *calls;
    void *owner;
};

struct link *link_create(const struct link_setup *setup); /* NULL: no memory */
void link_destroy(struct link *link);                     /* REQUIREs STOPPED */

void link_start(struct link *link);
/* What is gathered is still written. on_stopped comes later, never inside this call. */
void link_stop(struct link *link);
/* Gives up this connection, for that reason; another one will be made. */
void link_drop(struct link *link, enum close_reason reason, const char *text);
/* The peer is good: the next loss begins with the shortest pause. */
void link_settle(struct link *link);

/* Takes over a connection that the bank made. False: the link has one, or none is wanted; the
 * descriptor is closed. */
MUST_CHECK bool link_take(struct link *link, int descriptor, const struct net_address *peer);
/* Whether link_take would. */
bool link_is_vacant(const struct link *link);
/* Whether link_send would take a message. */
bool link_has_room(const struct link *link);

/* Gathers a framed message for the end of the turn. False: not open, or half of output_max waits.
 */
MUST_CHECK bool link_send(struct link *link, struct byte_view framed);
/* One deadline while open; arming again moves it. */
void link_arm(struct link *link, uint64_t due_ns);
/* Stops reading, and begins again; a new connection is read from the start. What has been read
 * comes all the same, and on_deadline does not come meanwhile: the silence is ours. */
void link_pause(struct link *link);
void link_resume(struct link *link);
enum link_state link_state(const struct link *link);
