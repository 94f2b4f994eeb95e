/* The inside of the server, shared by the files that start it, reload it, and show it.
 */
#pragma once

#include "switch/channel/channel.h"
#include "switch/configuration.h"
#include "switch/control/control.h"
#include "switch/core.h"
#include "switch/net/log.h"
#include "switch/net/tls.h"
#include "switch/security/security.h"
#include "switch/server.h"
#include "switch/worker.h"

#define SERVER_WORKER_COUNT_MAX SECURITY_UNIT_COUNT_MAX
#define SERVER_REASON_SIZE 1200

struct order_desk;
struct fact_book;
struct metric_sink;
struct reload;
struct server;
struct server_watch;

/* X(name, sentence): what a seat's channel does. */
#define SEAT_STATE_MAP(X)                                                                          \
    X(IS_MADE, "not started yet")                                                                  \
    X(SERVES, "takes what is forwarded to its place")                                              \
    X(COMES, "signs on beside the one that still serves")                                          \
    X(LEAVES, "takes nothing more, and waits for its answers")                                     \
    X(STOPS, "signs off")                                                                          \
    X(IS_STOPPED, "can be freed")

enum seat_state {
#define X(name, text) SEAT_##name,
    SEAT_STATE_MAP(X)
#undef X
};

/* One channel at its place in the rules' channel table. Two may share a place for a while: one that
 * comes and those that leave (server_swap.c). */
struct seat {
    struct server *server;   /* borrowed */
    struct channel *channel; /* owned */
    struct edition *edition; /* held as long as the channel speaks it; NULL: none */
    uint16_t index;          /* in the channel table */
    enum seat_state state;
    struct channel_options options;
    uint8_t files_hash[FILE_HASH_BYTES]; /* of its certificates and keys, as it was made */
    uint64_t began_ns;                   /* in its state */
    char text[CHANNEL_REASON_SIZE];      /* why it is up or down */
    int64_t since_us;
    uint32_t keys_writing; /* exchanged keys of it on their way to the disk: it stays until then */
    struct seat *next;     /* in the list of those that leave */
};

/* A place of the channel table. */
struct place {
    struct seat *seat;   /* what is forwarded goes there; owned, as the next; NULL: taken out */
    struct seat *coming; /* made in its stead, not signed on yet; NULL: none */
    struct channel_counts gone; /* sums of those that are freed, so that no count runs back */
    bool is_removed;            /* the files have it no more; the seat is there until it may go */
};

/* Terminals of a configuration that have no master key: they cannot sign on. */
struct keys_missing {
    uint32_t count;
    char first[9]; /* which one, when there is any */
};

struct server {
    const struct configuration_source *source; /* borrowed */
    struct configuration *configuration;       /* owned, as most below */
    struct loop *loop;                         /* of worker 0; the worker owns it */
    struct security *security;
    struct keys_missing keys_missing; /* at start */
    struct core *core;
    struct order_desk *orders; /* owned; NULL: not begun */
    struct control *control;
    struct server_watch *watch;             /* NULL: terminals are not watched */
    struct place places[CHANNEL_COUNT_MAX]; /* by index of the rules' channel table */
    struct seat *leaving;                   /* owned list: those that another took the place of */
    struct deadline swap_tick;              /* runs while some seat comes, leaves or stops */
    uint32_t channels_running;
    uint32_t keys_writing; /* exchanged keys that are on their way to the disk */
    bool has_paused;       /* some channel is not read until the log has caught up */
    uint16_t worker_count;
    struct worker *workers[SERVER_WORKER_COUNT_MAX];
    struct tls_tickets tickets[SERVER_WORKER_COUNT_MAX];
    struct loop_hook hook;
    uv_signal_t on_term, on_int, on_hup;
    struct deadline drain_tick, watchdog;
    uint64_t drain_end_ns;
    uint64_t started_ns;
    int64_t started_wall_us;
    enum control_state state;
    struct version_folder *versions; /* owned; the reload's thread's while there is one */
    struct reload *reload;           /* under way; NULL: none */
    bool reload_again;               /* asked for while one is under way */
    bool is_config_good;
    uint64_t reload_ready_ns, reload_swap_ns; /* how long the last reload held this loop */
    bool is_hurried;                          /* told to end a second time */
    char config_text[CONTROL_TEXT_SIZE];
};

/* The certificates of one listener for one worker; NULL: a plain listener, or a fault. */
SSL_CTX *server_tls_create(const struct listener_options *listener, struct tls_tickets *tickets,
                           char reason[TLS_REASON_SIZE]);

/* Opens all listeners of the configuration. */
int server_listeners_begin(struct server *server);

/* What a reload makes of the listeners, before it is known whether it succeeds. */
struct listen_plan {
    uint16_t worker_count;
    struct terminals_change changes[SERVER_WORKER_COUNT_MAX];
    struct terminals_port_setup setups[TERMINALS_PORT_COUNT_MAX]; /* of the first worker */
};
/* Any thread; the running configuration must stay meanwhile. False: `reason` says what cannot be
 * had. The plan must be ended in any case. */
MUST_CHECK bool server_listen_prepare(struct server *server, const struct configuration *fresh,
                                      struct listen_plan *plan, char reason[SERVER_REASON_SIZE]);
/* Peers may connect to the new sockets, and wait: the last thing that can fail. */
MUST_CHECK bool server_listen_ready(struct listen_plan *plan, char reason[SERVER_REASON_SIZE]);
/* One line for each socket that is new. */
void server_listen_log(const struct server *server, const struct listen_plan *plan);
/* The workers have taken the changes over, or (`is_abandoned`) never will. */
void server_listen_end(struct listen_plan *plan, bool is_abandoned);

/* Whether nobody but this machine can reach us, and we nobody else: what the test master key asks
 * for. */
bool server_is_local(const struct server_options *options);
enum log_level server_log_level(enum option_log_level level);

/* One line that says why the start failed; answers `code`. */
int server_fail(int code, const char *what, const char *reason);

/* A seat for one channel of the configuration's options, its channel made and not started.
 * NULL: `reason` says why. */
struct seat *server_seat_create(struct server *server, const struct configuration *configuration,
                                const struct channel_options *options,
                                char reason[CHANNEL_REASON_SIZE]);
/* The channel of a seat that is a wallet (its index and options are set). NULL: `reason` says what
 * is wrong with its section. */
struct channel *server_wallet_create(struct seat *seat, const struct configuration *configuration,
                                     const struct channel_calls *calls,
                                     char reason[CHANNEL_REASON_SIZE]);
/* The same of one that is a bank, whose edition is held, too. */
struct channel *server_bank_create(struct seat *seat, const struct configuration *configuration,
                                   const struct channel_calls *calls,
                                   char reason[CHANNEL_REASON_SIZE]);
/* Its channel is stopped, or was never started. */
void server_seat_destroy(struct seat *seat);

/* The channels of the options, made and told apart by their index in the rules. */
int server_channels_create(struct server *server);
void server_channels_start(struct server *server);
void server_channels_stop(struct server *server);
void server_channels_destroy(struct server *server);

/* What a reload makes of the channels, before it is known whether it succeeds. */
struct swap_plan {
    uint32_t count;
    struct seat *seats[CHANNEL_COUNT_MAX]; /* made anew, not started */
};
/* False: `reason` says which channel cannot be made; nothing is left behind. */
MUST_CHECK bool server_swap_prepare(struct server *server, const struct configuration *fresh,
                                    struct swap_plan *plan, char reason[CHANNEL_REASON_SIZE]);
void server_swap_abandon(struct swap_plan *plan);
/* The fresh configuration is in force, in the engine too: its channels come, others leave. */
void server_swap_commit(struct server *server, struct swap_plan *plan);
/* A seat's channel went up or down, or has stopped. */
void server_swap_on_state(struct seat *seat, bool is_up);
void server_swap_on_stopped(struct seat *seat);
/* All seats there are: the one that serves, the one that comes, those that leave. */
void server_seats_each(struct server *server, void (*act)(struct seat *seat));
/* Reads on where the log has caught up; called each turn. */
void server_channels_resume(struct server *server);
/* The driver's forward: what cannot leave comes back to the engine as UNSENT,
 * with its reason. */
void server_forward(void *argument, const struct engine_effect *effect);
/* Of a place; one that is free has an empty name. */
void server_channel_status(const struct server *server, uint32_t index,
                           struct control_channel *status);

/* Begins to read all files anew. `call` gets the outcome; NULL: a signal asks, and the name is
 * empty. */
void server_reload(struct server *server, const struct control_call *call,
                   const char *operator_name);
/* Begins to check, propose, activate or roll back rules; `call` gets the outcome. */
void server_version(struct server *server, const struct control_call *call,
                    const struct control_version *version);
/* At start: which rules count, read and kept as a version. A code of server_exit that is not OK:
 * what is wrong is on stderr. */
MUST_CHECK int server_rules_begin(struct server *server, const struct configuration_source *source);
/* Waits for the end of a reload that is under way. False: it does not end. */
MUST_CHECK bool server_reload_end(struct server *server);
/* Begins an orderly end. */
void server_drain(struct server *server, const char *why);

struct key_set;
/* The configuration's key file, read and settled; any thread, one at a time (key_set.h). NULL:
 * `reason` holds the first faults. */
struct key_set *server_keys_read(struct security *security,
                                 const struct configuration *configuration,
                                 char reason[SERVER_REASON_SIZE]);
/* Who has none even once the set is in force. */
struct keys_missing server_keys_missing(const struct key_set *set,
                                        const struct configuration *configuration);
/* One line when there are some. */
void server_keys_warn(const struct keys_missing *missing);

struct key_exchange;
/* Has a channel's new keys written down: bank_setup.keep_keys; `argument` is the seat. */
void server_keys_keep(void *argument, uint16_t channel, const struct key_exchange *exchange);
/* Puts keys in force that banks have sent before, after the key file is loaded. False: `reason`
 * names the file that is broken. */
bool server_exchange_restore(struct server *server, char reason[SERVER_REASON_SIZE]);

/* One thread that ends before the server does: an order for the engine. A ticket; 0: as many wait
 * as may, post it again later. */
uint64_t server_order_post(struct server *server, const struct order *order);
/* The same thread: the next of its tickets, in their order, whose row is on disk, or which was
 * refused, as `answer` says; each once. 0: none yet. */
uint64_t server_order_collect(struct server *server, enum order_answer *answer);
int server_orders_begin(struct server *server);
/* Gives what had to wait for the log; called each turn. */
void server_orders_resume(struct server *server);
/* core_setup.ordered; `argument` of these three is the server. */
void server_ordered(void *argument, uint64_t ticket, enum order_answer answer);
/* control_rim.order, control_rim.orders */
void server_order(void *argument, struct control_call call, const struct control_order *asked);
uint32_t server_orders(void *argument, uint32_t after, struct order_standing *standing,
                       char text[CONTROL_ORDER_TEXT_SIZE]);
void server_orders_metrics(const struct server *server, struct metric_sink *sink);
/* Nobody posts any more; destroy follows when the loop has turned. */
void server_orders_end(struct server *server);
void server_orders_destroy(struct server *server);

/* After-sales (server_watch.c); without aftersales.folder all of it does nothing. */
bool server_is_watched(const struct configuration *configuration);
/* After the log was replayed, before its writer starts. */
MUST_CHECK int server_watch_create(struct server *server);
MUST_CHECK int server_watch_start(struct server *server);
/* Of the log's writer: core_setup.on_committed, where terminals are watched. */
void server_watch_committed(void *argument, const struct record *records, uint32_t count);
/* Each turn of the engine's loop. */
void server_watch_mark(struct server *server);
/* The rules of the fresh configuration, and its tables, which are the watcher's from here on; only
 * where terminals are watched. */
void server_watch_use(struct server *server, struct fact_book *tables);
/* What the watcher knows of a terminal, or why that cannot be told now. */
struct control_watch;
void server_watch_look(struct server *server, const char *terminal_id, struct control_watch *watch);
void server_watch_metrics(const struct server *server, struct metric_sink *sink);
/* After the log's writer has ended: what it put is watched while the loop turns. False: it has not
 * ended in time, and nothing may be freed. */
MUST_CHECK bool server_watch_stop(struct server *server);
void server_watch_destroy(struct server *server);

/* What the control socket asks for. */
struct control_rim server_control_rim(struct server *server);
