/* Reading all files anew while payments go on: whole or not at all (I30).
 *
 * A thread of its own, which gives way to all others, reads and checks: a pool's thread could not
 * be given its priority back. It also writes the rules down as a version, before anything takes
 * effect; the switch that ends from then on begins with them. Then, between two turns of the
 * engine's loop, what could still fail is tried, and the swap is a handful of pointers. Whatever
 * was in force before is taken apart by that thread again, once the last worker has let go of it.
 *
 *   thread: read, check, bind, keep    loop: keys in force, channels, listen -> swap -> workers
 *                                            (or the keys of before again)
 *   thread: free, or take back what was kept
 *
 * Files that are only proposed go the same way as far as the thread keeps them.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "protocols/base/require.h"
#include "switch/followup/fact_book.h"
#include "switch/net/background.h"
#include "switch/net/log.h"
#include "switch/notify.h"
#include "switch/reload.h"
#include "switch/security/key_set.h"

#define FAULT_LINE_SIZE 1200
#define END_NS UINT64_C(60000000000) /* how long the end of the server waits for a reload's */

/* ---- the thread ---- */

static bool fail(struct reload *reload, const char *reason)
{
    snprintf(reload->faults, sizeof(reload->faults), "%s\n", reason);
    return false;
}

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
    if (!reload_choose(reload)) {
        return false;
    }
    reload->fresh = configuration_load(&reload->source, reload->faults);
    if (reload->fresh == NULL) {
        reload_shorten_faults(reload);
        return false;
    }
    if (!reload_has_effect(reload->order.kind)) {
        return reload_keep(reload);
    }
    struct byte_writer writer;
    byte_writer_init(&writer, reload->faults, sizeof(reload->faults) - 1);
    server_options_frozen_changes(server->configuration->options, reload->fresh->options, &writer);
    reload->faults[writer.position] = 0;
    server_options_keep_frozen(reload->fresh->options, server->configuration->options);
    if (!master_key_allows(reload)) {
        return false;
    }
    reload->keys = server_keys_read(server->security, reload->fresh, reason);
    if (reload->keys == NULL ||
        !server_listen_prepare(server, reload->fresh, reload->listens, reason)) {
        return fail(reload, reason);
    }
    reload->keys_missing = server_keys_missing(reload->keys, reload->fresh);
    if (server->watch != NULL) {
        reload->facts = fact_book_create(reload->fresh->ruleset);
        if (reload->facts == NULL) {
            return fail(reload, "no memory for what is known of terminals");
        }
    }
    return reload_keep(reload);
}

static void step_done(struct reload *reload, enum reload_step step)
{
    atomic_store(&reload->step, (int)step);
    uv_async_send(&reload->progress);
}

static void *reload_run(void *argument)
{
    struct reload *reload = argument;
    background_begin_last();
    reload->is_refused = !prepare(reload);
    background_end_last(); /* what is taken apart below is memory that others share */
    step_done(reload, RELOAD_IS_READ);
    while (sem_wait(&reload->decided) != 0) {
    }
    server_listen_end(reload->listens, !reload->is_swapped);
    key_set_destroy(reload->keys);
    fact_book_destroy(reload->facts);
    configuration_destroy(reload->is_swapped ? reload->old : reload->fresh);
    if (reload->is_refused) {
        reload_undo(reload);
    } else {
        version_folder_purge(reload->server->versions,
                             reload->server->configuration->options->versions.count_max);
    }
    rule_choice_end(&reload->rules);
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

/* Whoever asked hears of it. */
static void tell(struct reload *reload)
{
    struct server *server = reload->server;
    const char *text = reload->is_refused ? reload->faults : reload->text;
    /* A version that was refused says nothing about the configuration's files. */
    if (reload->order.kind == RELOAD_FILES ||
        (reload->order.kind == RELOAD_ACTIVATE && !reload->is_refused)) {
        server->is_config_good = !reload->is_refused;
        snprintf(server->config_text, sizeof(server->config_text), "%.*s", CONTROL_TEXT_SIZE - 1,
                 reload->faults);
    }
    if (reload->has_call && server->control != NULL) {
        struct control_outcome outcome = {
            .is_done = !reload->is_refused,
            .text = text[0] != '\0' ? text : NULL,
            .version = reload->is_refused || reload->order.kind == RELOAD_CHECK
                           ? 0
                           : reload->rules.version.number,
        };
        control_conclude(server->control, reload->call, &outcome);
    }
    if (reload_has_effect(reload->order.kind)) {
        notify_send("READY=1\nSTATUS=serving");
    }
}

static void order_free(struct reload_order *order)
{
    /* The analyzer takes order_fill's index for one beyond these.
     * NOLINTNEXTLINE(clang-analyzer-unix.Malloc) */
    for (int i = 0; i < RULE_FILE_COUNT; i++) {
        free(order->files[i].bytes);
        order->files[i].bytes = NULL;
    }
}

static void on_progress_closed(uv_handle_t *handle)
{
    struct reload *reload = handle->data;
    struct server *server = reload->server;
    sem_destroy(&reload->decided);
    order_free(&reload->order);
    free(reload->listens);
    free(reload);
    server->reload = NULL;
    if (server->reload_again) {
        server->reload_again = false;
        server_reload(server, NULL, "");
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

/* Told once the disk says again what it said, too. */
static void refuse(struct reload *reload)
{
    reload->is_refused = true;
    if (reload->faults[0] == 0) {
        snprintf(reload->faults, sizeof(reload->faults), "the switch is about to end");
    }
    trim_end(reload->faults);
    if (reload->order.kind == RELOAD_FILES) {
        log_lines(LOG_ERROR, "reload_refused", reload->faults,
                  "correct the files and send SIGHUP again; the old ones stay in force");
    } else {
        log_lines(LOG_ERROR, "version_refused", reload->faults,
                  "the version in force stays in force");
    }
    sem_post(&reload->decided);
}

static void log_version(const struct reload *reload)
{
    const struct rule_version *version = &reload->rules.version;
    bool is_activated = reload->order.kind == RELOAD_ACTIVATE;
    if (is_activated || reload->kept == RULE_KEPT_FRESH) {
        LOG(LOG_NOTICE,
            is_activated                            ? "version_activated"
            : reload_has_effect(reload->order.kind) ? "version_made"
                                                    : "version_proposed",
            LOG_NUMBER("number", version->number), LOG_NUMBER("made_from", version->made_from),
            LOG_TEXT("way", rule_way_word(version->way)), LOG_TEXT("made_by", version->made_by),
            LOG_TEXT("operator", reload->order.by));
    }
}

/* A version was tried, and kept if that was asked for. */
static void finish_trial(struct reload *reload)
{
    log_version(reload);
    tell(reload);
    sem_post(&reload->decided);
}

static void on_worker_done(void *argument, struct worker *worker)
{
    struct reload *reload = argument;
    (void)worker;
    if (--reload->waiting_count == 0) {
        LOG(LOG_NOTICE, "reloaded",
            LOG_NUMBER("ruleset", ruleset_version(reload->server->configuration->ruleset)));
        tell(reload);
        sem_post(&reload->decided);
    }
}

/* What touches the parts that run and may still fail; when it does, all is as it was. A worker may
 * meet the new keys for as long as this takes. */
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
    key_set_apply(reload->keys); /* a channel that is made anew tries its own */
    if (!server_swap_prepare(server, fresh, &reload->channels, reason)) {
        key_set_take_back(reload->keys);
        return fail(reload, reason);
    }
    if (!server_listen_ready(reload->listens, reason)) {
        server_swap_abandon(&reload->channels);
        key_set_take_back(reload->keys);
        return fail(reload, reason);
    }
    return true;
}

static void take_live_options(const struct server_options *options)
{
    log_set_level(server_log_level(options->log.level));
    log_set_form(options->log.format == OPTION_LOG_FORMAT_PLAIN);
}

/* The log tells what was taken before, but only a restart reads it. */
static void say_fresh_limits(const struct ruleset *before, const struct ruleset *fresh)
{
    char keys[LIMIT_SCOPES_TEXT_SIZE];
    uint32_t scopes = ruleset_usage_scopes(fresh) & ~ruleset_usage_scopes(before);
    if (scopes != 0) {
        limit_scopes_text(scopes, keys);
        LOG(LOG_WARN, "limits_begin", LOG_TEXT("per", keys),
            LOG_TEXT("text", "no limit asked for these before: what was taken today and this month "
                             "up to now does not count against the new ones"),
            LOG_TEXT("do", "restart if it should: a start reads it from the log"));
    }
}

static void swap(struct reload *reload)
{
    struct server *server = reload->server;
    struct configuration *fresh = reload->fresh;
    trim_end(reload->faults);
    log_lines(LOG_WARN, "reload_needs_restart", reload->faults,
              "restart, or put the old value back");
    if (reload->order.kind == RELOAD_FILES) {
        log_lines(LOG_WARN, "rules_ignored", reload->text,
                  "tillwayctl version propose, then another operator's version activate");
    }
    if (reload->faults[0] != '\0') {
        size_t length = strlen(reload->text);
        snprintf(reload->text + length, sizeof(reload->text) - length, "%s%.*s",
                 length > 0 ? "\n" : "", CONTROL_TEXT_SIZE / 2, reload->faults);
    }
    log_version(reload);
    reload->is_swapped = true;
    reload->old = server->configuration;
    server->configuration = fresh;
    take_live_options(fresh->options);
    say_fresh_limits(reload->old->ruleset, fresh->ruleset);
    core_use(server->core, fresh->ruleset);
    if (reload->facts != NULL) {
        server_watch_use(server, reload->facts);
        reload->facts = NULL;
    }
    server_swap_commit(server, &reload->channels);
    server_listen_log(server, reload->listens);
    server_keys_warn(&reload->keys_missing);
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

/* What holds this loop, with payments waiting, is timed. */
static void take_over(struct reload *reload)
{
    struct server *server = reload->server;
    const uint64_t begun_ns = loop_now_ns();
    if (!make_ready(reload)) {
        refuse(reload);
        return;
    }
    const uint64_t ready_ns = loop_now_ns();
    swap(reload);
    server->reload_ready_ns = ready_ns - begun_ns;
    server->reload_swap_ns = loop_now_ns() - ready_ns;
    LOG(LOG_NOTICE, "reload_swapped",
        LOG_NUMBER("ready_us", (int64_t)(server->reload_ready_ns / 1000)),
        LOG_NUMBER("swap_us", (int64_t)(server->reload_swap_ns / 1000)));
}

static void on_progress(uv_async_t *progress)
{
    struct reload *reload = progress->data;
    int step = atomic_load(&reload->step);
    if (step == RELOAD_IS_READ && !reload->is_told) {
        reload->is_told = true;
        if (reload->is_refused) {
            refuse(reload);
        } else if (reload_has_effect(reload->order.kind)) {
            take_over(reload);
        } else {
            finish_trial(reload);
        }
    } else if (step == RELOAD_IS_CLEARED && !uv_is_closing((uv_handle_t *)progress)) {
        pthread_join(reload->thread, NULL);
        if (reload->undo_fault[0] != '\0') {
            LOG(LOG_ERROR, "version_not_taken_back", LOG_TEXT("text", reload->undo_fault),
                LOG_NUMBER("number", reload->rules.version.number),
                LOG_TEXT("do", "a restart would begin with that version; mend the disk and send "
                               "SIGHUP"));
        }
        if (reload->is_refused) {
            tell(reload);
        }
        uv_close((uv_handle_t *)progress, on_progress_closed);
    }
}

static struct reload *reload_create(struct server *server, const struct control_call *call,
                                    struct reload_order *order)
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
    reload->source.before = server->configuration;
    reload->order = *order; /* with the files, which are its own from here on */
    reload->kept = RULE_KEPT_SAME;
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

/* Takes the order's files. */
static void begin(struct server *server, const struct control_call *call,
                  struct reload_order *order)
{
    if (server->reload != NULL) {
        server->reload_again = server->reload_again || call == NULL;
        order_free(order);
        if (call != NULL) {
            control_done(server->control, *call, false,
                         "a reload is under way, or files are being tried: ask again");
        }
        return;
    }
    struct reload *reload = reload_create(server, call, order);
    if (reload == NULL) {
        order_free(order);
        say_no(server, call, "no memory");
        return;
    }
    int made = uv_async_init(&server->loop->uv, &reload->progress, on_progress);
    REQUIRE(made == 0);
    reload->progress.data = reload;
    server->reload = reload;
    if (pthread_create(&reload->thread, NULL, reload_run, reload) != 0) {
        say_no(server, call, "no thread");
        uv_close((uv_handle_t *)&reload->progress, on_progress_closed);
    } else if (reload_has_effect(reload->order.kind)) {
        notify_send("RELOADING=1");
    }
}

void server_reload(struct server *server, const struct control_call *call,
                   const char *operator_name)
{
    struct reload_order order = {.kind = RELOAD_FILES, .is_signal = call == NULL};
    snprintf(order.by, sizeof(order.by), "%s", operator_name);
    begin(server, call, &order);
}

/* The words of the order, or a sentence about what is wrong with them. */
static const char *order_fill(struct reload_order *order, const struct control_version *version)
{
    static const enum reload_kind KINDS[] = {
        [CONTROL_VERSION_CHECK] = RELOAD_CHECK,
        [CONTROL_VERSION_PROPOSE] = RELOAD_PROPOSE,
        [CONTROL_VERSION_ACTIVATE] = RELOAD_ACTIVATE,
        [CONTROL_VERSION_ROLL_BACK] = RELOAD_ROLL_BACK,
    };
    order->kind = KINDS[version->act];
    order->number = version->number;
    if (version->operator_name[0] == '\0' || strlen(version->operator_name) >= sizeof(order->by)) {
        return "a change of rules needs the name of an operator, of at most 31 characters";
    }
    if (strlen(version->reason) >= sizeof(order->reason)) {
        return "the reason is longer than 255 bytes";
    }
    snprintf(order->by, sizeof(order->by), "%s", version->operator_name);
    snprintf(order->reason, sizeof(order->reason), "%s", version->reason);
    for (uint32_t i = 0; i < version->file_count; i++) {
        int file = rule_file_find(version->files[i].name);
        if (file < 0 || order->files[file].bytes != NULL) {
            return "expected each of these files at most once:" RULE_FILE_NAMES;
        }
        order->files[file].bytes = malloc(version->files[i].bytes.length + 1u);
        if (order->files[file].bytes == NULL) {
            return "no memory";
        }
        /* NOLINTNEXTLINE(clang-analyzer-unix.Malloc): the caller frees all of the order's files */
        memcpy(order->files[file].bytes, version->files[i].bytes.bytes,
               version->files[i].bytes.length);
        order->files[file].length = version->files[i].bytes.length;
    }
    bool wants_files = order->kind == RELOAD_CHECK || order->kind == RELOAD_PROPOSE;
    return wants_files == (version->file_count > 0)
               ? NULL
               : "expected at least one file of these:" RULE_FILE_NAMES;
}

void server_version(struct server *server, const struct control_call *call,
                    const struct control_version *version)
{
    struct reload_order order = {0};
    const char *fault = order_fill(&order, version);
    if (fault != NULL) {
        order_free(&order);
        control_done(server->control, *call, false, fault);
        return;
    }
    begin(server, call, &order);
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
