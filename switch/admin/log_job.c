/* See log_job.h. */
#include "switch/admin/log_job.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "switch/admin/log_view.h"
#include "switch/store/log_walk.h"
#include "switch/store/store_tools.h"

#define NAME_LENGTH_MAX 60

struct log_job {
    const char *log, *backup_folder; /* borrowed */
    pthread_mutex_t mutex;           /* guards all but the two counts */
    pthread_t thread;
    bool has_thread; /* not joined yet */
    bool is_running, is_failed;
    enum log_job_kind kind;
    char name[NAME_LENGTH_MAX + 1];
    char text[STORE_REASON_SIZE + LOG_PATH_SIZE];
    uint64_t began_ns, ended_ns; /* 0: never */
    uint64_t rows_total;         /* when it began */
    atomic_ullong rows, position;
};

struct log_job *log_job_create(const char *log, const char *backup_folder)
{
    struct log_job *job = calloc(1, sizeof(*job));
    if (job != NULL) {
        job->log = log;
        job->backup_folder = backup_folder;
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
    snprintf(text, size, "%s", status == STATUS_OK ? to : reason);
    return status;
}

static void *job_run(void *argument)
{
    struct log_job *job = argument;
    char text[sizeof(job->text)] = "";
    enum status status = job->kind == LOG_JOB_VERIFY ? verify(job, text, sizeof(text))
                                                     : backup(job, text, sizeof(text));
    pthread_mutex_lock(&job->mutex);
    memcpy(job->text, text, sizeof(text));
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

static enum status start(struct log_job *job, enum log_job_kind kind, const char *name)
{
    if (job->has_thread) {
        pthread_join(job->thread, NULL);
        job->has_thread = false;
    }
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

enum status log_job_begin(struct log_job *job, enum log_job_kind kind, const char *name)
{
    if (kind == LOG_JOB_BACKUP && job->backup_folder[0] == '\0') {
        return STATUS_UNSUPPORTED;
    }
    pthread_mutex_lock(&job->mutex);
    enum status status = job->is_running ? STATUS_DUPLICATE : start(job, kind, name);
    pthread_mutex_unlock(&job->mutex);
    return status;
}

json_t *log_job_json(struct log_job *job)
{
    pthread_mutex_lock(&job->mutex);
    uint64_t end_ns = job->is_running ? log_view_clock_ns() : job->ended_ns;
    const char *state = job->began_ns == 0 ? "idle" : job->is_failed ? "failed" : "done";
    json_t *json =
        json_pack("{s:s, s:s, s:I, s:I, s:I, s:s, s:f}", "kind",
                  job->began_ns == 0 ? "" : (job->kind == LOG_JOB_VERIFY ? "verify" : "backup"),
                  "state", job->is_running ? "running" : state, "rows",
                  (json_int_t)atomic_load(&job->rows), "rows_total", (json_int_t)job->rows_total,
                  "position", (json_int_t)atomic_load(&job->position), "text", job->text, "seconds",
                  end_ns > job->began_ns ? (double)(end_ns - job->began_ns) / 1e9 : 0.0);
    pthread_mutex_unlock(&job->mutex);
    return json;
}
