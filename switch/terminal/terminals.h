/* The terminal side of one loop: its ports, its connections, and the way of an answer back.
 *
 *   bytes -> frame -> message -> payment -> gate (identity, MAC) -> on_request
 *   terminals_reply -> message -> MAC -> frame -> bytes
 *
 * One request of a connection is in flight at a time; what comes meanwhile waits in the stream.
 *
 * Life:  terminals_create -> terminals_use (rules) -> terminals_listen ... -> reply ...
 *        -> terminals_drain -> loop runs down -> terminals_destroy
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include <openssl/ssl.h>

#include "protocols/dialect/edition.h"
#include "protocols/frame.h"
#include "protocols/payment.h"
#include "routing/ruleset.h"
#include "switch/engine/engine.h"
#include "switch/net/histogram.h"
#include "switch/net/listener.h"
#include "switch/net/loop.h"
#include "switch/security/security.h"
#include "switch/terminal/reject.h"
#include "switch/terminal/sighting_book.h"

#define TERMINALS_PORT_COUNT_MAX 16
#define TERMINALS_HTTP_PATH_COUNT_MAX 41 /* with the closing NULL */
#define TERMINALS_HTTP_PATH_SIZE 48

struct terminals;

struct terminals_setup {
    struct loop *loop;          /* borrowed */
    struct security_unit *unit; /* of this thread; borrowed */
    uint16_t worker;
    uint32_t conn_count_max;
    /* Whether a request would be taken now; if not, it is left unread and asked about again each
     * turn. */
    bool (*has_room)(void *argument);
    /* A request that passed the gate. The payment is wiped after the call. An answer may come
     * within it. */
    void (*on_request)(void *argument, struct conn_handle conn, const struct payment *payment);
    /* What was seen of a terminal in the last second; only while there is room. Once the engine has
     * taken it terminals_sighted() is called, within it or later; what is not taken is seen again.
     */
    void (*on_sighting)(void *argument, const struct terminal_sighting *sighting);
    void *argument;
};

struct terminals_port_setup {
    char name[16];
    struct net_address address;
    struct framing framing;  /* its http_paths are copied */
    struct edition *edition; /* of the dialect; held from here on */
    SSL_CTX *tls;            /* NULL: plain TCP. A reference is taken. */
    bool has_identity;       /* clients show a certificate whose common name is their terminal id */
    struct terminals_port_limits {
        uint32_t connection_max, per_address_max;
        uint32_t handshake_timeout_ms, first_message_timeout_ms, idle_timeout_ms;
    } limits;
};

/* X(name): how requests ended, for tillway_txn_total. */
#define TERMINALS_RESULT_MAP(X) X(APPROVED) X(DECLINED) X(REJECTED) X(UNKNOWN)
enum terminals_result {
#define X(name) TERMINALS_##name,
    TERMINALS_RESULT_MAP(X)
#undef X
        TERMINALS_RESULT_COUNT
};

/* One thread writes, others read. */
struct terminals_counts {
    struct count rejects[REJECT_COUNT];
    struct count results[PAYMENT_KIND_COUNT][TERMINALS_RESULT_COUNT];
    struct count conns, busy; /* open now; with a request in flight now */
    struct count mac_failures, replies_stale, replies_failed, keep_alives, resignons_asked;
    struct histogram parse, gate; /* durations of the stages */
    struct histogram reply;       /* from the whole request to the written answer, all kinds */
    struct histogram purchase;    /* the same of purchases */
};

/* NULL: no memory. */
struct terminals *terminals_create(const struct terminals_setup *setup);
/* All connections must have ended. */
void terminals_destroy(struct terminals *terminals);

/* The rules in force from now on; borrowed until others are given. */
void terminals_use(struct terminals *terminals, const struct ruleset *ruleset);

/* Opens one more port. STATUS_BROKEN: `reason` says why. STATUS_NO_ROOM. */
MUST_CHECK enum status terminals_listen(struct terminals *terminals,
                                        const struct terminals_port_setup *setup,
                                        char reason[LISTENER_REASON_SIZE]);

/* ---- other ports, while connections go on ---- */

struct terminal_port;

/* A port that waits for terminals_change(). NULL: no memory. Any thread. */
struct terminal_port *terminals_port_make(const struct terminals_port_setup *setup);
void terminals_port_drop(struct terminal_port *port); /* of one that was not given there */

/* How the listener's socket is to be bound, for listener_bind() and listener_listen(). */
struct listener_setup terminals_port_place(const struct terminals_port_setup *setup);

/* The ports there shall be. Those before are named by their index, in order of opening or of the
 * last change. */
struct terminals_change {
    uint32_t count;
    struct terminals_change_port {
        int before; /* the port whose socket it goes on with; -1: `descriptor` */
        int descriptor;
        struct terminal_port *fresh; /* NULL: that port itself stays, with limits and context: */
        struct terminals_port_limits limits;
        SSL_CTX *tls; /* a reference is taken. Open connections keep theirs, but where it asks for
                         client certificates, none without one is served any more. */
    } ports[TERMINALS_PORT_COUNT_MAX];
    /* By index of the ports before: as which of `ports` its connections go on, each from its next
     * message; -1: they end as they began. */
    int successors[TERMINALS_PORT_COUNT_MAX];
    uint32_t drain_ms; /* how long connections go on whose port is gone, socket and successor */
};
/* Takes descriptors and fresh ports over. */
void terminals_change(struct terminals *terminals, const struct terminals_change *change);

/* Sends the engine's answer to the connection that asked. One that is gone drops it: the engine
 * keeps the answer for a repeat. `keys`: working keys that come into force with it. */
void terminals_reply(struct terminals *terminals, const struct engine_effect *effect);

/* The engine has taken what on_sighting() told, or knew it before. */
void terminals_sighted(struct terminals *terminals, const struct terminal_sighting *sighting);

/* Accepts no more, closes idle connections now and the others once they are answered. */
void terminals_drain(struct terminals *terminals);
/* Closes all. */
void terminals_close(struct terminals *terminals);

/* A connection that spoke for the terminal last. False: none. Any thread. */
struct terminals_conn_view {
    struct net_address address;
    const char *tls_version; /* "" for plain TCP */
};
bool terminals_find(struct terminals *terminals, const char *terminal_id,
                    struct terminals_conn_view *view);

uint32_t terminals_conn_count(const struct terminals *terminals);
uint32_t terminals_busy_count(const struct terminals *terminals);
const struct terminals_counts *terminals_count(const struct terminals *terminals);

/* The port `index`, as terminals_change() counts. False: no more. Any thread. */
struct terminals_port_view {
    uint16_t port;
    uint64_t open, accepted, refused;
    int64_t certificate_end; /* seconds since 1970; 0: it has none */
};
bool terminals_port(struct terminals *terminals, uint32_t index, struct terminals_port_view *view);
