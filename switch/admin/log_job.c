/* See log_job.h. */
#include "switch/admin/log_job.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "switch/admin/dry_run.h"
#include "switch/admin/log_beside.h"
#include "switch/admin/log_view.h"
#include "switch/admin/text_json.h"
#include "switch/store/log_walk.h"
#include "switch/store/store_tools.h"

#define NAME_LENGTH_MAX 60

struct log_job {
    const char *log, *backup_folder;      /* borrowed */
    const struct options_source *options; /* borrowed; NULL: no dry runs */
    pthread_mutex_t mutex;                /* guards all but the two counts */
    pthread_t thread;
    bool has_thread; /* not joined yet */
    bool is_running, is_failed;
    enum log_job_kind kind;
    char name[NAME_LENGTH_MAX + 1];
    char text[STORE_REASON_SIZE + LOG_PATH_SIZE];
    char *rules; /* owner: the text of a dry run; its thread's while it runs */
    struct dry_run dry_run;
    json_t *result;              /* owner; NULL: none */
    char *faults;                /* owner; lines; NULL: none */
    uint64_t began_ns, ended_ns; /* 0: never */
    uint64_t rows_total;         /* when it began */
    atomic_ullong rows, position;
};

struct log_job *log_job_create(const char *log, const char *backup_folder,
                               const struct options_source *options)
{
    struct log_job *job = calloc(1, sizeof(*job));
    if (job != NULL) {
        job->log = log;
        job->backup_folder = backup_folder;
        job->options = options;
        pthread_mutex_init(&job->mutex, NULL);
    }
    return job;
}

void log_job_destroy(struct log_job *job)
{
    if (job->has_thread) {
        pthread_join(job->thread, NULL);
    }
    pthread_mutex_destroy(&job->mutex);
    json_decref(job->result);
    free(job->rules);
    free(job->faults);
    free(job);
}

bool log_job_is_name(const char *name)
{
    static const char allowed[] =
        "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz-_";
    return name[0] != '\0' && strlen(name) <= NAME_LENGTH_MAX &&
           strspn(name, allowed) == strlen(name);
}

/* --- the thread --------------------------------------------------------------------------- */

static void on_record(void *argument, const struct record *record)
{
    struct log_job *job = argument;
    atomic_fetch_add_explicit(&job->rows, 1, memory_order_relaxed);
    atomic_store_explicit(&job->position, record->position, memory_order_relaxed);
}

static enum status verify(struct log_job *job, char *text, size_t size)
{
    char reason[LOG_REASON_SIZE] = "";
    const struct log_place place = {job->log, NULL};
    struct log_reader reader = {on_record, job};
    struct log_end end;
    enum status status = log_walk_all(&place, &reader, &end, reason);
    if (status == STATUS_OK) {
        snprintf(text, size, "the chain holds up to position %llu, segment %u",
                 (unsigned long long)end.position, (unsigned)end.ordinal);
    } else {
        snprintf(text, size, "%s", reason);
    }
    return status;
}

static enum status backup(struct log_job *job, char *text, size_t size)
{
    char reason[STORE_REASON_SIZE] = "";
    char to[LOG_PATH_SIZE];
    int length = snprintf(to, sizeof(to), "%s/%s", job->backup_folder, job->name);
    if (length >= (int)sizeof(to)) {
        snprintf(text, size, "admin.backup_folder is too long a path");
        return STATUS_NO_ROOM;
    }
    enum status status = store_backup(job->log, to, reason);
    if (status == STATUS_OK) {
        status = log_beside_copy(job->log, to, reason);
    }
    snprintf(text, size, "%s", status == STATUS_OK ? to : reason);
    return status;
}

/* What came of a dry run, until the job takes it. */
struct dry_end {
    json_t *result;
    char *faults;
};

static enum status dry_run(struct log_job *job, struct dry_end *end, char *text, size_t size)
{
    struct byte_writer faults;
    end->faults = calloc(1, DRY_RUN_FAULTS_SIZE);
    if (end->faults == NULL) {
        snprintf(text, size, "no memory");
        return STATUS_NO_MEMORY;
    }
    byte_writer_init(&faults, end->faults, DRY_RUN_FAULTS_SIZE - 1);
    enum status status = job->kind == LOG_JOB_ROUTE_DRY_RUN
                             ? route_dry_run(&job->dry_run, &end->result, &faults)
                             : fee_dry_run(&job->dry_run, &end->result, &faults);
    if (status == STATUS_OK) {
        snprintf(text, size, "%s was held against the log", job->dry_run.name);
    } else {
        snprintf(text, size, "%s",
                 status == STATUS_BAD_VALUE ? "the file, or the configuration beside it, is faulty"
                                            : "the log could not be gone through");
    }
    return status;
}

static enum status job_do(struct log_job *job, struct dry_end *end, char *text, size_t size)
{
    switch (job->kind) {
    case LOG_JOB_VERIFY:
        return verify(job, text, size);
    case LOG_JOB_BACKUP:
        return backup(job, text, size);
    case LOG_JOB_ROUTE_DRY_RUN:
    case LOG_JOB_FEE_DRY_RUN:
        break;
    }
    return dry_run(job, end, text, size);
}

static void *job_run(void *argument)
{
    struct log_job *job = argument;
    char text[sizeof(job->text)] = "";
    struct dry_end end = {0};
    enum status status = job_do(job, &end, text, sizeof(text));
    pthread_mutex_lock(&job->mutex);
    memcpy(job->text, text, sizeof(text));
    job->result = end.result;
    job->faults = end.faults;
    job->is_failed = status != STATUS_OK;
    job->is_running = false;
    job->ended_ns = log_view_clock_ns();
    pthread_mutex_unlock(&job->mutex);
    return NULL;
}

/* --- calls -------------------------------------------------------------------------------- */

/* What there is to walk; 0: not known. */
static uint64_t rows_of(const char *log)
{
    struct log_view view;
    uint64_t rows = 0;
    if (log_view_open(&view, log)) {
        const struct log_view_segment *first = log_view_segment(&view, view.span.first);
        const struct log_view_segment *last = log_view_segment(&view, view.span.last);
        bool is_known = first != NULL && last != NULL && last->last >= first->first;
        rows = is_known ? (uint64_t)(last->last - first->first + 1) : 0;
    }
    log_view_close(&view);
    return rows;
}

/* The last one has ended: what it left is given back. */
static void clear(struct log_job *job)
{
    if (job->has_thread) {
        pthread_join(job->thread, NULL);
        job->has_thread = false;
    }
    json_decref(job->result);
    free(job->rules);
    free(job->faults);
    job->result = NULL;
    job->rules = NULL;
    job->faults = NULL;
}

static enum status start(struct log_job *job, enum log_job_kind kind, const char *name)
{
    job->kind = kind;
    snprintf(job->name, sizeof(job->name), "%s", name);
    job->text[0] = '\0';
    job->is_failed = false;
    job->rows_total = rows_of(job->log);
    atomic_store(&job->rows, 0);
    atomic_store(&job->position, 0);
    job->began_ns = log_view_clock_ns();
    job->ended_ns = 0;
    job->has_thread = pthread_create(&job->thread, NULL, job_run, job) == 0;
    job->is_running = job->has_thread;
    return job->has_thread ? STATUS_OK : STATUS_BROKEN;
}

static enum status start_dry_run(struct log_job *job, enum log_job_kind kind,
                                 const struct log_job_order *order)
{
    job->rules = malloc(order->length + 1);
    if (job->rules == NULL) {
        return STATUS_NO_MEMORY;
    }
    memcpy(job->rules, order->text, order->length);
    job->rules[order->length] = '\0';
    job->dry_run = (struct dry_run){.text = job->rules,
                                    .length = (uint32_t)order->length,
                                    .from_us = order->from_us,
                                    .to_us = order->to_us,
                                    .log = job->log,
                                    .options = job->options,
                                    .rows = &job->rows};
    snprintf(job->dry_run.name, sizeof(job->dry_run.name), "%s", order->name);
    return start(job, kind, "");
}

enum status log_job_begin_dry_run(struct log_job *job, enum log_job_kind kind,
                                  const struct log_job_order *order)
{
    if (job->options == NULL || order->length > DRY_RUN_BYTES_MAX) {
        return STATUS_UNSUPPORTED;
    }
    pthread_mutex_lock(&job->mutex);
    enum status status = STATUS_DUPLICATE;
    if (!job->is_running) {
        clear(job);
        status = start_dry_run(job, kind, order);
    }
    pthread_mutex_unlock(&job->mutex);
    return status;
}

enum status log_job_begin(struct log_job *job, enum log_job_kind kind, const char *name)
{
    if (kind == LOG_JOB_BACKUP && job->backup_folder[0] == '\0') {
        return STATUS_UNSUPPORTED;
    }
    pthread_mutex_lock(&job->mutex);
    enum status status = STATUS_DUPLICATE;
    if (!job->is_running) {
        clear(job);
        status = start(job, kind, name);
    }
    pthread_mutex_unlock(&job->mutex);
    return status;
}

static json_t *faults_json(const char *faults)
{
    json_t *lines = json_array();
    for (const char *line = faults; *line != '\0';) {
        size_t length = strcspn(line, "\n");
        json_array_append_new(lines, text_json_part(line, length));
        line += length + (line[length] == '\n' ? 1 : 0);
    }
    return lines;
}

json_t *log_job_json(struct log_job *job)
{
    static const char *const kinds[] = {
#define X(name, word) [LOG_JOB_##name] = (word),
        LOG_JOB_MAP(X)
#undef X
    };
    pthread_mutex_lock(&job->mutex);
    uint64_t end_ns = job->is_running ? log_view_clock_ns() : job->ended_ns;
    const char *state = job->began_ns == 0 ? "idle" : job->is_failed ? "failed" : "done";
    json_t *json = json_pack(
        "{s:s, s:s, s:I, s:I, s:I, s:o, s:f}", "kind", job->began_ns == 0 ? "" : kinds[job->kind],
        "state", job->is_running ? "running" : state, "rows", (json_int_t)atomic_load(&job->rows),
        "rows_total", (json_int_t)job->rows_total, "position",
        (json_int_t)atomic_load(&job->position), "text", text_json(job->text), "seconds",
        end_ns > job->began_ns ? (double)(end_ns - job->began_ns) / 1e9 : 0.0);
    if (job->result != NULL) {
        /* A copy: it is written out when the lock is gone. */
        json_object_set_new(json, "result", json_deep_copy(job->result));
    } else if (job->is_failed && job->faults != NULL) {
        json_object_set_new(json, "faults", faults_json(job->faults));
    }
    pthread_mutex_unlock(&job->mutex);
    return json;
}
