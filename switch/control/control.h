/* The server's end of the control socket: a Unix socket over which tillway-admin asks for numbers,
 * a reload, a drain, a purge of the log or another version of the rules. It cannot move money, and
 * shows neither keys nor card numbers.
 *
 * Frames are a 4-byte big-endian length and a message of protocols/control.proto. The file has mode
 * 0660; who connects is logged with process, user and group. What is answered comes from the rim,
 * a handful of functions that the server fills in; all are called on the loop's thread.
 *
 * Life:  control_open -> rim calls, control_done ... -> control_close
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include <uv.h>

#include "protocols/base/bytes.h"
#include "protocols/base/status.h"
#include "switch/aftersales/watcher.h"
#include "switch/control/metric.h"
#include "switch/engine/engine.h"
#include "switch/store/store.h"

#define CONTROL_REASON_SIZE 256
#define CONTROL_TEXT_SIZE 4096 /* of a reload's faults, one a line */
#define CONTROL_NAME_SIZE 32
#define CONTROL_ADDRESS_SIZE 64
#define CONTROL_LISTENER_COUNT_MAX 16
#define CONTROL_CHANNEL_COUNT_MAX 64
#define CONTROL_LINK_COUNT_MAX 8
#define CONTROL_VERSION_FILE_COUNT_MAX 8

/* X(name, word) */
#define CONTROL_STATE_MAP(X)                                                                       \
    X(STARTING, "starting") X(RUNNING, "running") X(DRAINING, "draining") X(STOPPING, "stopping")

enum control_state {
#define X(name, word) CONTROL_##name,
    CONTROL_STATE_MAP(X)
#undef X
};

struct control_listener {
    char name[CONTROL_NAME_SIZE], address[CONTROL_ADDRESS_SIZE];
    uint16_t port;
    bool is_tls, is_listening;
    uint64_t open, accepted, refused;
};

struct control_link {
    char address[CONTROL_ADDRESS_SIZE];
    uint16_t port;
    char state[CONTROL_NAME_SIZE]; /* "connecting", "signing_on", "up" … */
    int64_t since_wall_us;         /* in that state */
    uint32_t inflight;
    uint64_t connects; /* sign-ons that the bank accepted */
    char text[128];    /* why it is not up; else empty */
};

struct control_channel {
    char name[CONTROL_NAME_SIZE];
    bool is_up;
    uint32_t inflight, window;
    uint64_t requests, answers, timeouts, late, unmatched;
    enum health_state breaker;
    uint64_t breaker_openings;
    char breaker_reason[128]; /* while it is not closed; else empty */
    uint32_t link_count;
    struct control_link links[CONTROL_LINK_COUNT_MAX];
};

struct control_status {
    const char *version, *revision; /* borrowed */
    uint16_t node;
    enum control_state state;
    int64_t started_wall_us, wall_us;
    uint64_t uptime_ns, now_ns;
    uint32_t ruleset_version;
    int64_t config_loaded_wall_us; /* of the configuration in force */
    bool is_config_good;           /* the last reload was taken over */
    uint64_t reload_ready_ns,
        reload_swap_ns;                  /* of the engine's loop by the last one; 0: none yet */
    char config_text[CONTROL_TEXT_SIZE]; /* why not; else empty */
    struct engine_counts engine;
    uint32_t epoch, effects_held;
    struct store_counts store;
    uint32_t terminals_registered, terminal_conns;
    uint32_t listener_count, channel_count;
    struct control_listener listeners[CONTROL_LISTENER_COUNT_MAX];
    struct control_channel channels[CONTROL_CHANNEL_COUNT_MAX];
};

#define CONTROL_KEY_COUNT_MAX 4
struct control_key {
    char name[32], kcv[8];
};

/* What the windows of a terminal's signals hold now. */
struct control_watch {
    const char *fault; /* why that is not known; NULL: it is. Borrowed */
    bool is_busy;      /* it will be in a while */
    int64_t as_of_us;  /* of event time */
    struct watch_terminal_view view;
};

struct control_terminal {
    bool is_registered, is_active;
    char brand[16], model[16];
    bool is_connected;
    char address[CONTROL_ADDRESS_SIZE], tls_version[16];
    struct engine_terminal_view view; /* terminal_id, merchant_id are filled in any case */
    uint32_t key_count;
    struct control_key keys[CONTROL_KEY_COUNT_MAX];
    struct control_watch watch;
};

enum control_version_act {
    CONTROL_VERSION_CHECK,
    CONTROL_VERSION_PROPOSE,
    CONTROL_VERSION_ACTIVATE,
    CONTROL_VERSION_ROLL_BACK
};

/* What is asked about versions of the rules; all borrowed for the call. */
struct control_version {
    enum control_version_act act;
    uint32_t number; /* ACTIVATE; ROLL_BACK: 0 is the one before */
    const char *operator_name, *reason;
    uint32_t file_count;
    struct {
        const char *name; /* "fees.yaml" */
        struct byte_view bytes;
    } files[CONTROL_VERSION_FILE_COUNT_MAX];
};

/* What came of an act. */
struct control_outcome {
    bool is_done;
    const char *text; /* NULL: nothing to say */
    uint32_t version; /* that was made or came in force; 0: none */
};

/* Names one call that is answered later; stale once its connection is gone. */
struct control_call {
    uint32_t slot, generation, id;
};

/* Where a payment would go. */
struct control_explanation {
    struct engine_explanation engine;
    const struct channel_table *channels; /* of the rules in force; borrowed for the call */
};

/* Whose usage is asked for: what the scope (merchant, terminal or card) needs is filled in. */
struct control_usage_question {
    enum limit_scope scope;
    char merchant_id[16], terminal_id[9];
    struct pan_hash pan_hash;
};

struct control_usage {
    struct engine_usage_view engine;
    uint16_t currency;
    const struct limit_rules *rules; /* in force, borrowed for the call; NULL: none */
};

/* An order, whole but for its text, which stays the call's: UTF-8, and ASCII for who cannot show
 * the other; either may be NULL. */
struct control_order {
    struct order order;
    const char *text_local, *text_plain;
};
#define CONTROL_ORDER_TEXT_SIZE (3 * ORDER_TEXT_BYTES_MAX + 1)

struct control_rim {
    /* Fills what there is; `status` comes zeroed. */
    void (*status)(void *argument, struct control_status *status);
    /* False: neither registered nor known to the engine. */
    bool (*terminal)(void *argument, const char *terminal_id, struct control_terminal *terminal);
    /* Puts what control cannot take from the status: transactions, stages, handshakes, frames,
     * loops, mailboxes, log lines, certificates. The rest (store, engine, channels, listeners,
     * configuration, build) is put from the status. */
    void (*metrics)(void *argument, struct metric_sink *sink);
    /* Begin, and report with control_done, in this call or later. `operator_name` is for the log.
     */
    void (*reload)(void *argument, struct control_call call, const char *operator_name);
    void (*drain)(void *argument, struct control_call call, const char *operator_name);
    /* `days` 0: the retention of the configuration. */
    void (*purge)(void *argument, struct control_call call, uint32_t days);
    /* Decides without taking anything; `wall_us` 0: now. */
    void (*explain)(void *argument, const struct route_question *question, int64_t wall_us,
                    struct control_explanation *explanation);
    void (*version)(void *argument, struct control_call call,
                    const struct control_version *version);
    void (*usage)(void *argument, const struct control_usage_question *question,
                  struct control_usage *usage);
    /* Gives the order, and reports with control_done once it is in force for certain. */
    void (*order)(void *argument, struct control_call call, const struct control_order *asked);
    /* Walks the orders in force as engine_orders() does; `text` is that of a TELL, in UTF-8. */
    uint32_t (*orders)(void *argument, uint32_t after, struct order_standing *standing,
                       char text[CONTROL_ORDER_TEXT_SIZE]);
    void *argument;
};

struct control;

/* NULL: `reason` says what is wrong with which path. A socket left by a dead process is replaced;
 * one that somebody serves is not. */
struct control *control_open(uv_loop_t *loop, const char *path, const struct control_rim *rim,
                             char reason[CONTROL_REASON_SIZE]);
/* Answers a reload, a drain, a purge, a version: done or begun, or refused; `text` (may be NULL)
 * says why.
 */
void control_done(struct control *control, struct control_call call, bool is_done,
                  const char *text);
/* The same with all there is to say. */
void control_conclude(struct control *control, struct control_call call,
                      const struct control_outcome *outcome);
/* Removes the socket and closes; freed by libuv's close callbacks. */
void control_close(struct control *control);
