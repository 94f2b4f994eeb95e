/* See server.h. */
#include "switch/server.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

#include "protocols/base/require.h"
#include "protocols/base/secret.h"
#include "switch/net/log.h"
#include "switch/net/trace.h"
#include "switch/notify.h"
#include "switch/security/key_set.h"
#include "switch/security/master_key.h"
#include "switch/server_state.h"
#include "switch/version.h"

#define NS_PER_MS UINT64_C(1000000)
#define BUFFER_COUNT_MAX 4096u /* connections of a loop that hold a part of a message at once */
#define DRAIN_TICK_NS (50 * NS_PER_MS)
#define DESCRIPTORS_KEPT                                                                           \
    96u /* of the log, links to banks, the control socket, a reload's files                        \
         */
#define DESCRIPTORS_A_LOOP 32u
#define RUN_DOWN_NS (3000 * NS_PER_MS)

/* ---- what flows between the parts ---- */

/* Working keys are in force before the terminal hears of them. */
static void on_reply(void *argument, const struct engine_effect *effect)
{
    struct server *server = argument;
    if (effect->keys.length > 0 && security_install(server->security, effect->keys) != STATUS_OK) {
        LOG(LOG_ERROR, "keys_not_installed", LOG_TEXT("terminal", effect->payment->terminal_id));
    }
    REQUIRE(effect->conn.worker < server->worker_count);
    worker_reply(server->workers[effect->conn.worker], effect);
}

static void on_make_keys(void *argument, const struct engine_effect *effect)
{
    struct server *server = argument;
    struct security_made_keys made = {.field_62_length = 0};
    enum hsm_answer answer =
        security_make_keys(security_unit(server->security, 0), effect->payment, &made);
    struct core_keys keys = {.is_made = answer == HSM_DONE,
                             .field_62 = {made.field_62, made.field_62_length},
                             .records = {made.records, made.records_length}};
    if (answer != HSM_DONE) {
        LOG(LOG_ERROR, "keys_not_made", LOG_TEXT("terminal", effect->payment->terminal_id),
            LOG_TEXT("text", security_has_terminal(server->security, effect->payment->terminal_id)
                                 ? hsm_answer_text(answer)
                                 : "the key file holds no master key (tmk) of this terminal"));
    }
    core_keys(server->core, effect->txn, &keys);
    secret_wipe(&made, sizeof(made));
}

static void on_replayed(void *argument, const struct record *record)
{
    struct server *server = argument;
    if (record->kind == RECORD_SIGNON && record->payload_length > 0) {
        struct byte_view keys = {record->payload, record->payload_length};
        if (security_install(server->security, keys) != STATUS_OK) {
            LOG(LOG_WARN, "keys_not_replayed", LOG_TEXT("terminal", record->terminal_id),
                LOG_TEXT("text", "the terminal must sign on again"));
        }
    }
}

/* The mail of a turn: requests that had no room, one wake-up for each worker with answers, and
 * banks that had to wait. */
static void on_turn(void *argument)
{
    struct server *server = argument;
    for (uint16_t i = 1; i < server->worker_count; i++) {
        worker_receive(server->workers[i]);
        worker_flush(server->workers[i]);
    }
    server_channels_resume(server);
    server_orders_resume(server);
    server_watch_mark(server);
}

/* ---- starting ---- */

enum log_level server_log_level(enum option_log_level level)
{
    switch (level) {
    case OPTION_LOG_LEVEL_ERROR:
        return LOG_ERROR;
    case OPTION_LOG_LEVEL_WARNING:
        return LOG_WARN;
    case OPTION_LOG_LEVEL_DEBUG:
        return LOG_DEBUG;
    case OPTION_LOG_LEVEL_INFO:
        break;
    }
    return LOG_INFO;
}

int server_fail(int code, const char *what, const char *reason)
{
    LOG(LOG_ERROR, "start_failed", LOG_TEXT("what", what), LOG_TEXT("text", reason),
        LOG_NUMBER("exit_code", code));
    return code;
}

static bool is_loopback_address(const char *address)
{
    return strncmp(address, "127.", 4) == 0 || strcmp(address, "::1") == 0;
}

/* Of https://host… : an address of this machine, or the name that it has everywhere. */
static bool is_local_url(const char *url)
{
    static const char scheme[] = "https://";
    if (strncmp(url, scheme, strlen(scheme)) != 0) {
        return false;
    }
    const char *host = url + strlen(scheme);
    bool is_loopback = strncmp(host, "127.", 4) == 0;
    size_t length = is_loopback ? strspn(host, "0123456789.") : strcspn(host, "/?#@:");
    bool is_name = length == 9 && strncmp(host, "localhost", 9) == 0;
    return (is_loopback || is_name) &&
           (host[length] == '\0' || host[length] == ':' || host[length] == '/');
}

static bool is_local_channel(const struct channel_options *channel)
{
    bool is_local = !channel->wallet.is_on || is_local_url(channel->wallet.url);
    for (uint32_t i = 0; i < channel->link_count; i++) {
        is_local = is_local && is_loopback_address(channel->links[i].address);
    }
    return is_local;
}

bool server_is_local(const struct server_options *options)
{
    bool is_local = true;
    for (uint32_t i = 0; i < options->listener_count; i++) {
        is_local = is_local && is_loopback_address(options->listeners[i].address);
    }
    for (uint32_t i = 0; i < options->channel_count; i++) {
        is_local = is_local && is_local_channel(&options->channels[i]);
    }
    return is_local;
}

static int security_begin(struct server *server)
{
    const struct server_options *options = server->configuration->options;
    char reason[SERVER_REASON_SIZE];
    uint8_t master_key[HSM_MASTER_KEY_BYTES];
    struct master_key_place place = {
        (enum master_key_source)options->hsm.master_key, options->hsm.master_key_path,
        (enum hsm_pin_policy)options->hsm.pin_policy, server_is_local(options)};
    if (master_key_read(master_key, &place, reason) != STATUS_OK) {
        return server_fail(SERVER_EXIT_KEYS, "master key", reason);
    }
    uint32_t terminal_count =
        terminal_table_count(ruleset_terminal_view(server->configuration->ruleset));
    struct security_setup setup = {
        .master_key = master_key,
        .is_test_master_key = place.source == MASTER_KEY_TEST,
        .pin_policy = place.pin_policy,
        .terminal_count_max = 2 * terminal_count + 1024, /* a reload may bring more */
        .unit_count = server->worker_count,
        .terminal_mac = HSM_MAC_UNIONPAY_ECB,
        .is_mak_single = options->hsm.is_mak_single,
    };
    server->security = security_create(&setup);
    secret_wipe(master_key, sizeof(master_key));
    if (server->security == NULL) {
        return server_fail(SERVER_EXIT_KEYS, "security module",
                           "OpenSSL lacks an algorithm, or memory");
    }
    struct key_set *set = server_keys_read(server->security, server->configuration, reason);
    if (set == NULL) {
        return server_fail(SERVER_EXIT_KEYS, "keys", reason);
    }
    key_set_apply(set);
    server->keys_missing = server_keys_missing(set, server->configuration);
    key_set_destroy(set);
    if (security_check(server->security, reason) != STATUS_OK ||
        !server_exchange_restore(server, reason)) {
        return server_fail(SERVER_EXIT_KEYS, "keys", reason);
    }
    return SERVER_EXIT_OK;
}

static int core_begin(struct server *server)
{
    char reason[STORE_REASON_SIZE];
    int exit_code;
    struct core_setup setup = {
        .loop = server->loop,
        .options = server->configuration->options,
        .ruleset = server->configuration->ruleset,
        .reply = on_reply,
        .forward = server_forward,
        .make_keys = on_make_keys,
        .ordered = server_ordered,
        .on_replayed = on_replayed,
        .on_committed = server_is_watched(server->configuration) ? server_watch_committed : NULL,
        .argument = server};
    uint64_t begun_ns = loop_now_ns();
    server->core = core_create(&setup, &exit_code, reason);
    if (server->core == NULL) {
        return server_fail(exit_code, "log", reason);
    }
    enum status status = core_replay(server->core, reason);
    if (status != STATUS_OK) {
        return server_fail(status == STATUS_NO_ROOM ? SERVER_EXIT_CONFIGURATION : SERVER_EXIT_STORE,
                           "replay of the log", reason);
    }
    struct engine_counts counts;
    engine_count(core_engine(server->core), &counts);
    LOG(LOG_NOTICE, "replayed", LOG_NUMBER("records", counts.log_position),
        LOG_NUMBER("reversals_pending", counts.reversals_pending),
        LOG_NUMBER("us", (loop_now_ns() - begun_ns) / 1000));
    return SERVER_EXIT_OK;
}

/* Places of connections that nobody uses cost nothing, and a reload may bring more listeners. */
static uint32_t conn_count_max(const struct server_options *options)
{
    uint32_t count = 0;
    for (uint32_t i = 0; i < options->listener_count; i++) {
        count += options->listeners[i].connection_max;
    }
    return 2 * count + 1024;
}

/* Terminals may not take the descriptors that a lost link to a bank needs to come back (F29). */
static uint32_t conn_count_affordable(uint32_t wanted, uint16_t worker_count)
{
    struct rlimit files;
    if (getrlimit(RLIMIT_NOFILE, &files) != 0 || files.rlim_cur == RLIM_INFINITY) {
        return wanted;
    }
    uint64_t kept = DESCRIPTORS_KEPT + (uint64_t)DESCRIPTORS_A_LOOP * worker_count;
    uint64_t each = files.rlim_cur > kept ? (files.rlim_cur - kept) / worker_count : 1;
    each = each > 0 ? each : 1;
    if (each >= wanted) {
        return wanted;
    }
    LOG(LOG_WARN, "connections_limited", LOG_NUMBER("wanted", wanted),
        LOG_NUMBER("descriptors", files.rlim_cur), LOG_NUMBER("a_worker", each),
        LOG_TEXT("do", "raise LimitNOFILE or lower connection_max"));
    return (uint32_t)each;
}

static int workers_begin(struct server *server)
{
    uint32_t conn_count =
        conn_count_affordable(conn_count_max(server->configuration->options), server->worker_count);
    if (!tls_tickets_init(&server->tickets[0])) {
        return server_fail(SERVER_EXIT_FAILED, "TLS tickets", "no random bytes");
    }
    for (uint16_t i = 0; i < server->worker_count; i++) {
        server->tickets[i] = server->tickets[0];
        struct worker_setup setup = {.index = i,
                                     .loop =
                                         i == 0 ? server->loop : loop_create(i, BUFFER_COUNT_MAX),
                                     .engine_loop = server->loop,
                                     .unit = security_unit(server->security, i),
                                     .core = server->core,
                                     .conn_count_max = conn_count};
        server->workers[i] = setup.loop == NULL ? NULL : worker_create(&setup);
        if (server->workers[i] == NULL) {
            return server_fail(SERVER_EXIT_FAILED, "worker", "no memory or descriptors");
        }
        terminals_use(worker_terminals(server->workers[i]), server->configuration->ruleset);
    }
    return SERVER_EXIT_OK;
}

static int threads_begin(struct server *server)
{
    for (uint16_t i = 0; i < server->worker_count; i++) {
        if (worker_start(server->workers[i]) != STATUS_OK) {
            return server_fail(SERVER_EXIT_FAILED, "worker", "no thread");
        }
    }
    return SERVER_EXIT_OK;
}

static int control_begin(struct server *server)
{
    char reason[CONTROL_REASON_SIZE];
    struct control_rim rim = server_control_rim(server);
    server->control = control_open(&server->loop->uv,
                                   server->configuration->options->control_socket, &rim, reason);
    return server->control == NULL ? server_fail(SERVER_EXIT_FAILED, "control socket", reason)
                                   : SERVER_EXIT_OK;
}

/* ---- signals, draining, the watchdog ---- */

static void on_signal(uv_signal_t *handle, int number)
{
    struct server *server = handle->data;
    if (number == SIGHUP) {
        server_reload(server, NULL, "");
    } else if (server->state == CONTROL_DRAINING) {
        LOG(LOG_NOTICE, "stopping", LOG_TEXT("text", "told a second time: ending now"));
        server->is_hurried = true;
        loop_stop(server->loop);
    } else {
        server_drain(server, number == SIGTERM ? "SIGTERM" : "SIGINT");
    }
}

static void signals_begin(struct server *server)
{
    static const int NUMBERS[] = {SIGTERM, SIGINT, SIGHUP};
    uv_signal_t *handles[] = {&server->on_term, &server->on_int, &server->on_hup};
    for (size_t i = 0; i < sizeof(NUMBERS) / sizeof(NUMBERS[0]); i++) {
        uv_signal_init(&server->loop->uv, handles[i]);
        handles[i]->data = server;
        uv_signal_start(handles[i], on_signal, NUMBERS[i]);
        uv_unref((uv_handle_t *)handles[i]);
    }
}

static void on_drain_tick(struct deadline *deadline)
{
    struct server *server =
        (struct server *)((char *)deadline - offsetof(struct server, drain_tick));
    uint64_t open = 0;
    for (uint16_t i = 0; i < server->worker_count; i++) {
        open += terminals_conn_count(worker_terminals(server->workers[i]));
    }
    bool is_late = loop_now_ns() >= server->drain_end_ns;
    if (is_late || (open == 0 && core_is_idle(server->core))) {
        LOG(is_late ? LOG_WARN : LOG_NOTICE, "drained", LOG_NUMBER("connections_left", open),
            LOG_TEXT("text", is_late ? "the deadline passed" : "all is answered"));
        loop_stop(server->loop);
        return;
    }
    deadline_arm(&server->loop->wheel, deadline, loop_now_ns() + DRAIN_TICK_NS);
}

static void on_order_done(void *argument, struct worker *worker)
{
    (void)argument;
    (void)worker;
}

void server_drain(struct server *server, const char *why)
{
    if (server->state == CONTROL_DRAINING) {
        return;
    }
    uint32_t deadline_ms = server->configuration->options->drain_deadline_ms;
    LOG(LOG_NOTICE, "draining", LOG_TEXT("reason", why), LOG_NUMBER("deadline_ms", deadline_ms));
    notify_send("STOPPING=1\nSTATUS=draining");
    server->state = CONTROL_DRAINING;
    server->drain_end_ns = loop_now_ns() + deadline_ms * NS_PER_MS;
    for (uint16_t i = 0; i < server->worker_count; i++) {
        worker_ask(server->workers[i],
                   &(struct worker_order){.kind = WORKER_DRAIN, .done = on_order_done});
    }
    deadline_init(&server->drain_tick, on_drain_tick);
    deadline_arm(&server->loop->wheel, &server->drain_tick, loop_now_ns() + DRAIN_TICK_NS);
}

/* Fed from the loop itself, so that a loop that hangs is noticed (WatchdogSec of the unit). */
static void on_watchdog(struct deadline *deadline)
{
    struct server *server = (struct server *)((char *)deadline - offsetof(struct server, watchdog));
    notify_send("WATCHDOG=1");
    deadline_arm(&server->loop->wheel, deadline, loop_now_ns() + 1000 * NS_PER_MS);
}

/* ---- the whole ---- */

static int start(struct server *server)
{
    int (*const steps[])(struct server *) = {security_begin, core_begin, server_orders_begin,
                                             server_watch_create, workers_begin};
    for (size_t i = 0; i < sizeof(steps) / sizeof(steps[0]); i++) {
        int code = steps[i](server);
        if (code != SERVER_EXIT_OK) {
            return code;
        }
    }
    int channels = server_channels_create(server);
    if (channels != SERVER_EXIT_OK) {
        return channels;
    }
    if (core_start(server->core) != STATUS_OK) {
        return server_fail(SERVER_EXIT_STORE, "log writer", "its thread does not start");
    }
    server->hook = (struct loop_hook){.on_turn = on_turn, .argument = server};
    loop_enroll(server->loop, &server->hook);
    int watch = server_watch_start(server);
    if (watch != SERVER_EXIT_OK) {
        return watch;
    }
    server_channels_start(server);
    server_keys_warn(&server->keys_missing);
    signals_begin(server); /* whoever sees it listen may end it in order */
    int code = server_listeners_begin(server);
    code = code == SERVER_EXIT_OK ? threads_begin(server) : code;
    code = code == SERVER_EXIT_OK ? control_begin(server) : code;
    if (code == SERVER_EXIT_OK) {
        deadline_init(&server->watchdog, on_watchdog);
        on_watchdog(&server->watchdog);
        server->state = CONTROL_RUNNING;
        notify_send("READY=1\nSTATUS=serving");
        LOG(LOG_NOTICE, "ready", LOG_TEXT("version", TILLWAY_VERSION), LOG_NUMBER("pid", getpid()),
            LOG_NUMBER("workers", server->worker_count),
            LOG_NUMBER("ruleset", ruleset_version(server->configuration->ruleset)));
    }
    return code;
}

static void handle_end(uv_signal_t *handle)
{
    if (handle->data != NULL) {
        uv_close((uv_handle_t *)handle, NULL);
    }
}

/* Without goodbyes: what is in the log is durable, and the rest is told by the sockets' end.
 * Nothing is freed, since other threads still run. */
static _Noreturn void end_now(struct server *server, int code)
{
    if (server->control != NULL) {
        control_close(server->control); /* takes its socket away */
    }
    core_stop(server->core);
    LOG(LOG_NOTICE, "ended", LOG_NUMBER("exit_code", code));
    log_close();
    _exit(code);
}

/* From any point that `start` reached: what is there is ended. The log comes after the last answer
 * and before the loop's end. */
static void end(struct server *server)
{
    server->state = CONTROL_STOPPING;
    handle_end(&server->on_term);
    handle_end(&server->on_int);
    handle_end(&server->on_hup);
    if (server->control != NULL) {
        control_close(server->control);
        server->control = NULL;
    }
    if (!server_reload_end(server)) {
        LOG(LOG_WARN, "stopping", LOG_TEXT("text", "a reload does not end: ending without it"));
        end_now(server, SERVER_EXIT_OK);
    }
    for (uint16_t i = 0; i < server->worker_count && server->workers[i] != NULL; i++) {
        worker_ask(server->workers[i],
                   &(struct worker_order){.kind = WORKER_CLOSE, .done = on_order_done});
    }
    for (uint16_t i = 0; i < server->worker_count && server->workers[i] != NULL; i++) {
        worker_join(server->workers[i]);
    }
    server_channels_stop(server);
    if (server->channels_running > 0) {
        LOG(LOG_WARN, "stopping", LOG_TEXT("text", "a channel does not stop: ending without it"));
        end_now(server, SERVER_EXIT_OK);
    }
    if (server->core != NULL) {
        core_stop(server->core);
    }
    if (!server_watch_stop(server)) {
        LOG(LOG_WARN, "stopping",
            LOG_TEXT("text", "after-sales does not end: ending without it; it reads the log at the "
                             "next start"));
        end_now(server, SERVER_EXIT_OK);
    }
    server_watch_destroy(server);
    server_orders_end(server);
    loop_run_down(server->loop, RUN_DOWN_NS);
    server_orders_destroy(server);
    for (uint16_t i = server->worker_count; i > 0; i--) {
        worker_destroy(server->workers[i - 1]);
    }
    server_channels_destroy(server);
    trace_close();
    core_destroy(server->core);
    security_destroy(server->security);
    loop_destroy(server->loop);
    configuration_destroy(server->configuration);
    version_folder_close(server->versions);
}

int server_run(const struct configuration_source *source)
{
    static struct server server;
    server.source = source;
    server.started_ns = loop_now_ns();
    server.started_wall_us = loop_wall_us();
    server.is_config_good = true;
    int begun = server_rules_begin(&server, source);
    if (begun != SERVER_EXIT_OK) {
        return begun;
    }
    const struct server_options *options = server.configuration->options;
    struct log_setup log = {.descriptor = STDOUT_FILENO,
                            .is_plain = options->log.format == OPTION_LOG_FORMAT_PLAIN,
                            .level_min = server_log_level(options->log.level)};
    server.worker_count = options->workers;
    server.loop = loop_create(0, BUFFER_COUNT_MAX);
    if (server.loop == NULL || log_open(&log) != STATUS_OK) {
        fputs("tillwayd: no memory or no descriptors for the event loop and the log\n", stderr);
        return SERVER_EXIT_FAILED;
    }
    int code = start(&server);
    if (code == SERVER_EXIT_OK) {
        loop_run(server.loop);
    }
    if (server.is_hurried) {
        end_now(&server, code);
    }
    end(&server);
    LOG(LOG_NOTICE, "ended", LOG_NUMBER("exit_code", code));
    log_close();
    return code;
}
