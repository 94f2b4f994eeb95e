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

struct reload;

struct server {
    const struct configuration_source *source; /* borrowed */
    struct configuration *configuration;       /* owned, as most below */
    struct loop *loop;                         /* of worker 0; the worker owns it */
    struct security *security;
    struct core *core;
    struct control *control;
    struct channel *channels[CHANNEL_COUNT_MAX]; /* by index of the rules' channel table */
    char channel_texts[CHANNEL_COUNT_MAX][CHANNEL_REASON_SIZE]; /* why each is up or down */
    int64_t channel_since_us[CHANNEL_COUNT_MAX];
    uint32_t channel_count, channels_running;
    bool has_paused; /* some channel is not read until the log has caught up */
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
    struct reload *reload; /* under way; NULL: none */
    bool reload_again;     /* asked for while one is under way */
    bool is_config_good;
    bool is_hurried; /* told to end a second time */
    char config_text[CONTROL_TEXT_SIZE];
};

/* The certificates of one listener for one worker; NULL: a plain listener, or a fault. */
SSL_CTX *server_tls_create(const struct listener_options *listener, struct tls_tickets *tickets,
                           char reason[TLS_REASON_SIZE]);

struct terminals_port_limits server_port_limits(const struct listener_options *options);
enum log_level server_log_level(enum option_log_level level);

/* One line that says why the start failed; answers `code`. */
int server_fail(int code, const char *what, const char *reason);

/* The channels of the options, made and told apart by their index in the rules. */
int server_channels_create(struct server *server);
void server_channels_start(struct server *server);
void server_channels_stop(struct server *server);
void server_channels_destroy(struct server *server);
/* Reads on where the log has caught up; called each turn. */
void server_channels_resume(struct server *server);
/* The driver's forward: what cannot leave comes back to the engine as UNSENT. */
void server_forward(void *argument, const struct engine_effect *effect);
void server_channel_status(const struct server *server, uint32_t index,
                           struct control_channel *status);

/* Begins to read all files anew. `call` (may be NULL) gets the outcome. */
void server_reload(struct server *server, const struct control_call *call);
/* Begins an orderly end. */
void server_drain(struct server *server, const char *why);

/* Loads all keys of the configuration's key file. STATUS_DENIED, STATUS_MALFORMED …: `reason` holds
 * the first faults. */
MUST_CHECK enum status server_keys_load(struct security *security, const char *path, char *reason,
                                        uint32_t reason_size);

/* One line when terminals of the rules in force have no master key: they cannot sign on. */
void server_keys_warn(const struct server *server);

/* What the control socket asks for. */
struct control_rim server_control_rim(struct server *server);
