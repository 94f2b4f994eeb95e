/* Reading all files anew while payments go on. The reading and checking is done by a thread of
 * libuv's pool; the swap happens between two turns of the engine's loop, whole or not at all (I30).
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "protocols/base/require.h"
#include "switch/net/log.h"
#include "switch/notify.h"
#include "switch/server_state.h"

#define KEYS_REASON_SIZE 1200
#define FAULT_LINE_SIZE 1200

struct reload {
    uv_work_t work;
    struct server *server;
    struct configuration_source source;
    struct configuration *fresh, *old; /* `old` goes when the last worker has let go of it */
    SSL_CTX *tls[SERVER_WORKER_COUNT_MAX][TERMINALS_PORT_COUNT_MAX];
    bool has_call, is_refused;
    struct control_call call;
    uint16_t waiting_count; /* workers that have not taken the new rules yet */
    char faults[CONFIGURATION_FAULTS_SIZE];
};

/* The rules name channels by index, so the list must be the one that runs. */
static bool channels_are_same(struct reload *reload)
{
    const struct server_options *fresh = reload->fresh->options;
    const struct server_options *running = reload->server->configuration->options;
    bool is_same = fresh->channel_count == running->channel_count;
    for (uint32_t i = 0; is_same && i < fresh->channel_count; i++) {
        is_same = strcmp(fresh->channels[i].name, running->channels[i].name) == 0;
    }
    if (!is_same) {
        snprintf(reload->faults, sizeof(reload->faults),
                 "%s: the list of channels is another one: that needs a restart\n",
                 reload->source.path);
    }
    return is_same;
}

/* A listener is known by its name and its place. */
static bool is_same_listener(const struct reload *reload, uint32_t index)
{
    const struct server_options *running = reload->server->configuration->options;
    return index < running->listener_count &&
           strcmp(running->listeners[index].name, reload->fresh->options->listeners[index].name) ==
               0;
}

static bool certificates_load(struct reload *reload)
{
    const struct server_options *options = reload->fresh->options;
    struct server *server = reload->server;
    for (uint16_t w = 0; w < server->worker_count; w++) {
        for (uint32_t i = 0; i < options->listener_count; i++) {
            if (!options->listeners[i].tls.is_on || !is_same_listener(reload, i)) {
                continue;
            }
            char reason[TLS_REASON_SIZE];
            reload->tls[w][i] =
                server_tls_create(&options->listeners[i], &server->tickets[w], reason);
            if (reload->tls[w][i] == NULL) {
                snprintf(reload->faults, sizeof(reload->faults), "%s\n", reason);
                return false;
            }
        }
    }
    return true;
}

/* In the pool: touches nothing of the running server but the list of its files. */
static void on_work(uv_work_t *work)
{
    struct reload *reload = work->data;
    reload->fresh = configuration_load(&reload->source, reload->faults);
    reload->is_refused = reload->fresh == NULL || !certificates_load(reload);
}

static void reload_free(struct reload *reload)
{
    for (uint16_t w = 0; w < SERVER_WORKER_COUNT_MAX; w++) {
        for (uint32_t i = 0; i < TERMINALS_PORT_COUNT_MAX; i++) {
            tls_release(reload->tls[w][i]);
        }
    }
    configuration_destroy(reload->old);
    free(reload);
}

static void finish(struct reload *reload)
{
    struct server *server = reload->server;
    server->is_config_good = !reload->is_refused;
    snprintf(server->config_text, sizeof(server->config_text), "%.*s", CONTROL_TEXT_SIZE - 1,
             reload->faults);
    if (reload->has_call && server->control != NULL) {
        control_done(server->control, reload->call, !reload->is_refused,
                     server->config_text[0] != 0 ? server->config_text : NULL);
    }
    notify_send("READY=1\nSTATUS=serving");
    server->reload = NULL;
    reload_free(reload);
    if (server->reload_again) {
        server->reload_again = false;
        server_reload(server, NULL);
    }
}

/* One line a fault, each with its place; the text itself is kept for whoever asked. */
static void log_refused(const char *faults)
{
    char line[FAULT_LINE_SIZE];
    for (const char *at = faults; *at != 0;) {
        size_t length = strcspn(at, "\n");
        snprintf(line, sizeof(line), "%.*s", (int)length, at);
        LOG(LOG_ERROR, "reload_refused", LOG_TEXT("text", line),
            LOG_TEXT("do", "correct the files and send SIGHUP again; the old ones stay in force"));
        at += length + (at[length] == '\n');
    }
}

static void trim_end(char *text)
{
    size_t length = strlen(text);
    while (length > 0 && text[length - 1] == '\n') {
        text[--length] = 0;
    }
}

static void refuse(struct reload *reload)
{
    reload->is_refused = true;
    if (reload->faults[0] == 0) {
        snprintf(reload->faults, sizeof(reload->faults), "the switch is about to end");
    }
    trim_end(reload->faults);
    log_refused(reload->faults);
    reload->old = reload->fresh;
    finish(reload);
}

/* What only a restart brings into force is named, to the log and to whoever asked, and left as it
 * is. */
static void warn_frozen(struct reload *reload, const struct server_options *running)
{
    struct byte_writer writer;
    byte_writer_init(&writer, reload->faults, sizeof(reload->faults) - 1);
    uint32_t count = server_options_frozen_changes(running, reload->fresh->options, &writer);
    reload->faults[writer.position] = 0;
    trim_end(reload->faults);
    if (count > 0) {
        LOG(LOG_WARN, "reload_needs_restart", LOG_NUMBER("options", count),
            LOG_TEXT("text", reload->faults));
    }
}

static void on_worker_done(void *argument, struct worker *worker)
{
    struct reload *reload = argument;
    (void)worker;
    if (--reload->waiting_count == 0) {
        LOG(LOG_NOTICE, "reloaded",
            LOG_NUMBER("ruleset", ruleset_version(reload->server->configuration->ruleset)));
        finish(reload);
    }
}

/* Where a name still stands for the same listener, what may change live is taken over. */
static void take_live_options(struct server_options *running, const struct server_options *wanted)
{
    running->drain_deadline_ms = wanted->drain_deadline_ms;
    running->log.level = wanted->log.level;
    log_set_level(server_log_level(wanted->log.level));
    running->tables = wanted->tables;
    for (uint32_t i = 0; i < running->listener_count && i < wanted->listener_count; i++) {
        struct listener_options *listener = &running->listeners[i];
        const struct listener_options *other = &wanted->listeners[i];
        if (strcmp(listener->name, other->name) == 0) {
            listener->connection_max = other->connection_max;
            listener->per_address_max = other->per_address_max;
            listener->handshake_timeout_ms = other->handshake_timeout_ms;
            listener->first_message_timeout_ms = other->first_message_timeout_ms;
            listener->idle_timeout_ms = other->idle_timeout_ms;
            listener->tls = other->tls.is_on == listener->tls.is_on ? other->tls : listener->tls;
        }
    }
}

/* Message specs and listeners stay those of the start: open connections point to them. */
static void keep_frozen_parts(struct configuration *fresh, struct configuration *running)
{
    uint32_t count = fresh->dialect_count;
    struct dialect *dialects[CONFIGURATION_DIALECT_COUNT_MAX];
    memcpy(dialects, fresh->dialects, sizeof(dialects));
    memcpy(fresh->dialects, running->dialects, sizeof(dialects));
    fresh->dialect_count = running->dialect_count;
    memcpy(running->dialects, dialects, sizeof(dialects));
    running->dialect_count = count;
    struct server_options *options = fresh->options;
    fresh->options = running->options;
    take_live_options(fresh->options, options);
    running->options = options;
}

static void swap(struct reload *reload)
{
    struct server *server = reload->server;
    struct configuration *fresh = reload->fresh;
    reload->old = server->configuration;
    warn_frozen(reload, server->configuration->options);
    keep_frozen_parts(fresh, server->configuration);
    server->configuration = fresh;
    core_use(server->core, fresh->ruleset);
    server_keys_warn(server);
    reload->waiting_count = server->worker_count;
    for (uint16_t w = 0; w < server->worker_count; w++) {
        struct worker_order order = {.kind = WORKER_USE,
                                     .ruleset = fresh->ruleset,
                                     .port_count = fresh->options->listener_count,
                                     .done = on_worker_done,
                                     .argument = reload};
        for (uint32_t i = 0; i < fresh->options->listener_count; i++) {
            order.names[i] = fresh->options->listeners[i].name;
            order.limits[i] = server_port_limits(&fresh->options->listeners[i]);
            order.tls[i] = reload->tls[w][i];
            reload->tls[w][i] = NULL;
        }
        worker_ask(server->workers[w], &order);
    }
}

static void on_worked(uv_work_t *work, int status)
{
    struct reload *reload = work->data;
    struct server *server = reload->server;
    if (status != 0) {
        snprintf(reload->faults, sizeof(reload->faults), "%s\n", uv_strerror(status));
        reload->is_refused = true;
    }
    if (!reload->is_refused && server->state != CONTROL_RUNNING) {
        /* The parts that would take the files over may be gone already. */
        snprintf(reload->faults, sizeof(reload->faults), "the server is about to end\n");
        reload->is_refused = true;
    }
    reload->is_refused = reload->is_refused || !channels_are_same(reload);
    if (!reload->is_refused &&
        server_keys_load(server->security, reload->fresh->options->tables.keys, reload->faults,
                         KEYS_REASON_SIZE) != STATUS_OK) {
        reload->is_refused = true;
    }
    if (reload->is_refused) {
        refuse(reload);
    } else {
        swap(reload);
    }
}

void server_reload(struct server *server, const struct control_call *call)
{
    if (server->reload != NULL) {
        server->reload_again = server->reload_again || call == NULL;
        if (call != NULL) {
            control_done(server->control, *call, false, "a reload is under way: ask again");
        }
        return;
    }
    struct reload *reload = calloc(1, sizeof(*reload));
    if (reload == NULL) {
        LOG(LOG_ERROR, "reload_refused", LOG_TEXT("text", "no memory"));
        return;
    }
    reload->server = server;
    reload->source = *server->source;
    reload->source.version = ruleset_version(server->configuration->ruleset) + 1;
    reload->has_call = call != NULL;
    reload->call = call != NULL ? *call : (struct control_call){0};
    reload->work.data = reload;
    notify_send("RELOADING=1");
    server->reload = reload;
    int queued = uv_queue_work(&server->loop->uv, &reload->work, on_work, on_worked);
    REQUIRE(queued == 0);
}
