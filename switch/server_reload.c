/* Reading all files anew while payments go on: whole or not at all (I30).
 *
 * A thread of its own, of the lowest priority, reads and checks: a pool's thread could not be given
 * its priority back. Then, between two turns of the engine's loop, what could still fail is tried,
 * and the swap is a handful of pointers. Whatever was in force before is taken apart by that thread
 * again, once the last worker has let go of it.
 *
 *   thread: read, check, bind     loop: keys, channels, listen -> swap -> workers     thread: free
 */
#include <pthread.h>
#include <semaphore.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>

#include "protocols/base/require.h"
#include "switch/net/log.h"
#include "switch/notify.h"
#include "switch/server_state.h"

#define KEYS_REASON_SIZE 1200
#define FAULT_LINE_SIZE 1200
#define NICE_MAX 19
#define END_NS UINT64_C(60000000000) /* how long the end of the server waits for a reload's */

enum reload_step { RELOAD_IS_READING, RELOAD_IS_READ, RELOAD_IS_CLEARED };

struct reload {
    struct server *server;
    pthread_t thread;
    uv_async_t progress; /* from the thread: a step is done */
    sem_t decided;       /* to the thread: the swap is over, or will not be */
    _Atomic int step;
    struct configuration_source source;
    struct configuration *fresh, *old; /* `old` goes when the last worker has let go of it */
    struct listen_plan *listens;
    struct swap_plan channels;
    bool has_call, is_refused, is_told;
    struct control_call call;
    uint16_t waiting_count; /* workers that have not taken the new rules yet */
    char faults[CONFIGURATION_FAULTS_SIZE];
};

/* ---- the thread ---- */

static bool master_key_allows(struct reload *reload)
{
    const struct server_options *options = reload->fresh->options;
    if (options->hsm.master_key != OPTION_MASTER_KEY_TEST || server_is_local(options)) {
        return true;
    }
    snprintf(reload->faults, sizeof(reload->faults),
             "%s: hsm.master_key: expected a key of your own where listeners or channels are not "
             "on this machine, got test\n",
             reload->source.path);
    return false;
}

/* Whatever can be tried without touching what runs. What only a restart changes is named, and stays
 * as it is. */
static bool prepare(struct reload *reload)
{
    struct server *server = reload->server;
    char reason[SERVER_REASON_SIZE];
    reload->fresh = configuration_load(&reload->source, reload->faults);
    if (reload->fresh == NULL) {
        return false;
    }
    struct byte_writer writer;
    byte_writer_init(&writer, reload->faults, sizeof(reload->faults) - 1);
    server_options_frozen_changes(server->configuration->options, reload->fresh->options, &writer);
    reload->faults[writer.position] = 0;
    server_options_keep_frozen(reload->fresh->options, server->configuration->options);
    if (!master_key_allows(reload)) {
        return false;
    }
    if (!server_listen_prepare(server, reload->fresh, reload->listens, reason)) {
        snprintf(reload->faults, sizeof(reload->faults), "%s\n", reason);
        return false;
    }
    return true;
}

static void step_done(struct reload *reload, enum reload_step step)
{
    atomic_store(&reload->step, (int)step);
    uv_async_send(&reload->progress);
}

static void *reload_run(void *argument)
{
    struct reload *reload = argument;
    setpriority(PRIO_PROCESS, 0, NICE_MAX); /* of this thread alone, on Linux */
    reload->is_refused = !prepare(reload);
    step_done(reload, RELOAD_IS_READ);
    while (sem_wait(&reload->decided) != 0) {
    }
    server_listen_end(reload->listens, reload->is_refused);
    configuration_destroy(reload->is_refused ? reload->fresh : reload->old);
    step_done(reload, RELOAD_IS_CLEARED);
    return NULL;
}

/* ---- the end ---- */

static void trim_end(char *text)
{
    size_t length = strlen(text);
    while (length > 0 && text[length - 1] == '\n') {
        text[--length] = 0;
    }
}

/* Whoever asked hears of it, and the thread clears up. */
static void tell(struct reload *reload)
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
    sem_post(&reload->decided);
}

static void on_progress_closed(uv_handle_t *handle)
{
    struct reload *reload = handle->data;
    struct server *server = reload->server;
    sem_destroy(&reload->decided);
    free(reload->listens);
    free(reload);
    server->reload = NULL;
    if (server->reload_again) {
        server->reload_again = false;
        server_reload(server, NULL);
    }
}

/* ---- the loop ---- */

/* One line a fault, each with its place; the text itself is kept for whoever asked. */
static void log_lines(enum log_level level, const char *event, const char *lines, const char *what)
{
    char line[FAULT_LINE_SIZE];
    for (const char *at = lines; *at != 0;) {
        size_t length = strcspn(at, "\n");
        snprintf(line, sizeof(line), "%.*s", (int)length, at);
        LOG(level, event, LOG_TEXT("text", line), LOG_TEXT("do", what));
        at += length + (at[length] == '\n');
    }
}

static void refuse(struct reload *reload)
{
    reload->is_refused = true;
    if (reload->faults[0] == 0) {
        snprintf(reload->faults, sizeof(reload->faults), "the switch is about to end");
    }
    trim_end(reload->faults);
    log_lines(LOG_ERROR, "reload_refused", reload->faults,
              "correct the files and send SIGHUP again; the old ones stay in force");
    tell(reload);
}

static void on_worker_done(void *argument, struct worker *worker)
{
    struct reload *reload = argument;
    (void)worker;
    if (--reload->waiting_count == 0) {
        LOG(LOG_NOTICE, "reloaded",
            LOG_NUMBER("ruleset", ruleset_version(reload->server->configuration->ruleset)));
        tell(reload);
    }
}

static bool fail(struct reload *reload, const char *reason)
{
    snprintf(reload->faults, sizeof(reload->faults), "%s\n", reason);
    return false;
}

/* What touches the parts that run and may still fail; nothing of it shows when it does. */
static bool make_ready(struct reload *reload)
{
    struct server *server = reload->server;
    const struct configuration *fresh = reload->fresh;
    char reason[SERVER_REASON_SIZE];
    if (server->state != CONTROL_RUNNING) {
        /* The parts that would take the files over may be gone already. */
        return fail(reload, "the server is about to end");
    }
    if (!engine_has_numbers(core_engine(server->core), fresh->ruleset)) {
        return fail(reload, "channels: too many names have been in use since the start, or stand "
                            "in the log; restart to make room");
    }
    if (server_keys_load(server->security, fresh->options->tables.keys, reason, KEYS_REASON_SIZE) !=
            STATUS_OK ||
        !server_swap_prepare(server, fresh, &reload->channels, reason)) {
        return fail(reload, reason);
    }
    if (!server_listen_ready(reload->listens, reason)) {
        server_swap_abandon(&reload->channels);
        return fail(reload, reason);
    }
    return true;
}

static void take_live_options(const struct server_options *options)
{
    log_set_level(server_log_level(options->log.level));
    log_set_form(options->log.format == OPTION_LOG_FORMAT_PLAIN);
}

static void swap(struct reload *reload)
{
    struct server *server = reload->server;
    struct configuration *fresh = reload->fresh;
    trim_end(reload->faults);
    log_lines(LOG_WARN, "reload_needs_restart", reload->faults,
              "restart, or put the old value back");
    reload->old = server->configuration;
    server->configuration = fresh;
    take_live_options(fresh->options);
    core_use(server->core, fresh->ruleset);
    server_swap_commit(server, &reload->channels);
    server_listen_log(server, reload->listens);
    server_keys_warn(server);
    reload->waiting_count = server->worker_count;
    for (uint16_t w = 0; w < server->worker_count; w++) {
        worker_ask(server->workers[w],
                   &(struct worker_order){.kind = WORKER_USE,
                                          .ruleset = fresh->ruleset,
                                          .change = &reload->listens->changes[w],
                                          .done = on_worker_done,
                                          .argument = reload});
    }
}

static void on_progress(uv_async_t *progress)
{
    struct reload *reload = progress->data;
    int step = atomic_load(&reload->step);
    if (step == RELOAD_IS_READ && !reload->is_told) {
        reload->is_told = true;
        if (reload->is_refused || !make_ready(reload)) {
            refuse(reload);
        } else {
            swap(reload);
        }
    } else if (step == RELOAD_IS_CLEARED && !uv_is_closing((uv_handle_t *)progress)) {
        pthread_join(reload->thread, NULL);
        uv_close((uv_handle_t *)progress, on_progress_closed);
    }
}

static struct reload *reload_create(struct server *server, const struct control_call *call)
{
    struct reload *reload = calloc(1, sizeof(*reload));
    if (reload == NULL) {
        return NULL;
    }
    reload->listens = calloc(1, sizeof(*reload->listens));
    if (reload->listens == NULL || sem_init(&reload->decided, 0, 0) != 0) {
        free(reload->listens);
        free(reload);
        return NULL;
    }
    reload->server = server;
    reload->source = *server->source;
    reload->source.version = ruleset_version(server->configuration->ruleset) + 1;
    reload->source.before = server->configuration;
    reload->has_call = call != NULL;
    reload->call = call != NULL ? *call : (struct control_call){0};
    return reload;
}

static void say_no(struct server *server, const struct control_call *call, const char *text)
{
    LOG(LOG_ERROR, "reload_refused", LOG_TEXT("text", text));
    if (call != NULL) {
        control_done(server->control, *call, false, text);
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
    struct reload *reload = reload_create(server, call);
    if (reload == NULL) {
        say_no(server, call, "no memory");
        return;
    }
    int made = uv_async_init(&server->loop->uv, &reload->progress, on_progress);
    REQUIRE(made == 0);
    reload->progress.data = reload;
    server->reload = reload;
    notify_send("RELOADING=1");
    if (pthread_create(&reload->thread, NULL, reload_run, reload) != 0) {
        say_no(server, call, "no thread");
        uv_close((uv_handle_t *)&reload->progress, on_progress_closed);
    }
}

static bool is_under_way(void *argument)
{
    const struct server *server = argument;
    return server->reload != NULL;
}

bool server_reload_end(struct server *server)
{
    server->reload_again = false;
    if (server->reload != NULL) {
        loop_run_while(server->loop, is_under_way, server, END_NS);
    }
    return server->reload == NULL;
}
