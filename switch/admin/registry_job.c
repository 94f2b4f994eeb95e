/* See registry_job.h. */
#include "switch/admin/registry_job.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "protocols/base/require.h"
#include "switch/admin/log_view.h"
#include "switch/admin/text_json.h"

struct registry_job {
    struct desk_share *share; /* borrowed */
    pthread_mutex_t mutex;    /* guards all below but `import`, which is its thread's */
    pthread_cond_t ended;
    pthread_t thread;
    bool has_thread, is_running; /* has_thread: not joined yet */
    uint64_t number;             /* 0: none yet */
    uint64_t began_ns, ended_ns;
    enum status status;
    uint32_t row_count, changed_count, bad_count;
    char file[REGISTRY_JOB_FILE_SIZE];
    char text[DESK_SHARE_REASON_SIZE]; /* what came of it */
    struct registry_import import;     /* owner of its text */
    json_t *faults;                    /* owner: sentences */
};

struct registry_job *registry_job_create(struct desk_share *share)
{
    struct registry_job *job = calloc(1, sizeof(*job));
    if (job != NULL) {
        job->share = share;
        job->faults = json_array();
        pthread_mutex_init(&job->mutex, NULL);
        pthread_cond_init(&job->ended, NULL);
    }
    return job;
}

void registry_job_destroy(struct registry_job *job)
{
    if (job == NULL) {
        return;
    }
    if (job->has_thread) {
        pthread_join(job->thread, NULL);
    }
    pthread_cond_destroy(&job->ended);
    pthread_mutex_destroy(&job->mutex);
    json_decref(job->faults);
    free(job);
}

/* --- the thread ----------------------------------------------------------------------------- */

static void on_fault(void *argument, const char *sentence)
{
    struct registry_job *job = argument;
    pthread_mutex_lock(&job->mutex);
    if (json_array_size(job->faults) < REGISTRY_JOB_FAULT_COUNT_MAX) {
        json_array_append_new(job->faults, text_json(sentence));
    }
    pthread_mutex_unlock(&job->mutex);
}

static void tell(const struct registry_job *job, const struct desk *desk, enum status status,
                 char text[DESK_SHARE_REASON_SIZE])
{
    static const char NAME[] = "aftersales.db: ";
    const struct registry_import *import = &job->import;
    if (status == STATUS_OK) {
        snprintf(text, DESK_SHARE_REASON_SIZE, "%s: %u rows, %u %s", job->file, import->row_count,
                 import->changed_count,
                 import->is_check ? "would change; nothing was written" : "changed");
        return;
    }
    const char *reason = desk_reason(desk);
    const char *said = strstr(reason, NAME);
    snprintf(text, DESK_SHARE_REASON_SIZE, "%s", said != NULL ? said + strlen(NAME) : reason);
}

static void *job_run(void *argument)
{
    struct registry_job *job = argument;
    char text[DESK_SHARE_REASON_SIZE] = "";
    enum status status = STATUS_BROKEN;
    struct desk *desk = desk_share_open(job->share, text);
    if (desk != NULL) {
        status = registry_import(desk, &job->import);
        tell(job, desk, status, text);
    }
    desk_close(desk);
    free(job->import.text);
    job->import.text = NULL;
    pthread_mutex_lock(&job->mutex);
    memcpy(job->text, text, sizeof(job->text));
    job->status = status;
    job->row_count = job->import.row_count;
    job->changed_count = job->import.changed_count;
    job->bad_count = job->import.bad_count;
    job->is_running = false;
    job->ended_ns = log_view_clock_ns();
    pthread_cond_broadcast(&job->ended);
    pthread_mutex_unlock(&job->mutex);
    return NULL;
}

/* --- calls ---------------------------------------------------------------------------------- */

static enum status start(struct registry_job *job, const struct registry_job_order *order)
{
    if (job->has_thread) {
        pthread_join(job->thread, NULL);
        job->has_thread = false;
    }
    char *text = malloc(order->length + 1); /* the reader writes one byte behind it */
    if (text == NULL) {
        return STATUS_NO_MEMORY;
    }
    memcpy(text, order->text, order->length);
    json_array_clear(job->faults);
    snprintf(job->file, sizeof(job->file), "%s", order->file);
    job->import = (struct registry_import){.kind = order->kind,
                                           .file = job->file,
                                           .text = text,
                                           .length = (uint32_t)order->length,
                                           .is_check = order->is_check,
                                           .by = order->by,
                                           .on_fault = on_fault,
                                           .argument = job};
    job->text[0] = '\0';
    job->row_count = job->changed_count = job->bad_count = 0;
    job->began_ns = log_view_clock_ns();
    job->number++;
    job->has_thread = pthread_create(&job->thread, NULL, job_run, job) == 0;
    job->is_running = job->has_thread;
    if (!job->has_thread) {
        free(text);
        job->import.text = NULL;
        job->status = STATUS_BROKEN;
    }
    return job->has_thread ? STATUS_OK : STATUS_BROKEN;
}

enum status registry_job_begin(struct registry_job *job, const struct registry_job_order *order,
                               uint64_t *number)
{
    REQUIRE(order->length <= REGISTRY_JOB_BYTES_MAX);
    pthread_mutex_lock(&job->mutex);
    enum status status = job->is_running ? STATUS_DUPLICATE : start(job, order);
    *number = job->number;
    pthread_mutex_unlock(&job->mutex);
    return status;
}

void registry_job_wait(struct registry_job *job, uint64_t number, uint32_t timeout_ms,
                       struct registry_job_end *end)
{
    struct timespec until;
    clock_gettime(CLOCK_REALTIME, &until);
    until.tv_sec += timeout_ms / 1000;
    until.tv_nsec += (long)(timeout_ms % 1000) * 1000000;
    if (until.tv_nsec >= 1000000000) {
        until.tv_sec++;
        until.tv_nsec -= 1000000000;
    }
    pthread_mutex_lock(&job->mutex);
    int failed = 0;
    while (failed == 0 && job->is_running && job->number == number) {
        failed = pthread_cond_timedwait(&job->ended, &job->mutex, &until);
    }
    end->is_running = job->is_running || job->number != number;
    end->status = job->status;
    pthread_mutex_unlock(&job->mutex);
}

json_t *registry_job_json(struct registry_job *job)
{
    pthread_mutex_lock(&job->mutex);
    uint64_t end_ns = job->is_running ? log_view_clock_ns() : job->ended_ns;
    const char *state = job->number == 0           ? "idle"
                        : job->is_running          ? "running"
                        : job->status == STATUS_OK ? "done"
                                                   : "failed";
    json_t *json =
        json_pack("{s:s, s:s, s:o, s:o, s:b, s:i, s:i, s:i, s:o, s:f, s:o}", "state", state, "kind",
                  job->number == 0 ? "" : registry_kind_name(job->import.kind), "file",
                  text_json(job->file), "actor", text_json(job->import.by.actor), "is_check",
                  job->import.is_check, "rows", (int)job->row_count, "changed",
                  (int)job->changed_count, "bad", (int)job->bad_count, "text", text_json(job->text),
                  "seconds", end_ns > job->began_ns ? (double)(end_ns - job->began_ns) / 1e9 : 0.0,
                  "faults", json_deep_copy(job->faults));
    pthread_mutex_unlock(&job->mutex);
    return json;
}
