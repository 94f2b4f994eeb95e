/* See log_sealer.h. */
#include "switch/store/log_sealer.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <time.h>

#include "protocols/base/require.h"
#include "switch/net/log.h"
#include "switch/store/log_purge.h"
#include "switch/store/log_seal.h"

#define PAUSE_AFTER_FAULT_MS 5000
#define PAUSE_AFTER_READER_MS 100 /* somebody reads the segment that is to change its form */
#define PAUSE_IDLE_MS 600000      /* a look at what has become too old */
#define PRIORITY 10               /* about a tenth of what a busy loop gets, and never nothing */

struct log_sealer {
    struct sealer_setup setup;
    struct seal_setup seal;
    struct log_scope earlier; /* the sealed ones, with connections of the thread's own */
    atomic_uint sealed_last;
    atomic_bool next_is_ready, is_stopping;

    pthread_mutex_t mutex; /* guards the next five */
    pthread_cond_t has_work;
    uint32_t open_ordinal;
    struct log_segment before; /* the writer's connection to what it left; to be closed */
    bool has_before, must_remake;
    uint32_t purge_days; /* asked for; 0: not */

    pthread_t thread;
    bool has_thread;
};

static bool must_stop(void *argument)
{
    const struct log_sealer *sealer = argument;
    return atomic_load(&sealer->is_stopping);
}

struct log_sealer *log_sealer_create(const struct sealer_setup *setup)
{
    struct log_sealer *sealer = calloc(1, sizeof(*sealer));
    pthread_condattr_t monotonic;
    if (sealer == NULL) {
        return NULL;
    }
    sealer->setup = *setup;
    sealer->seal = (struct seal_setup){.place = setup->place,
                                       .carry_window_us = setup->carry_window_us,
                                       .spare_bytes = setup->reserve_bytes,
                                       .must_stop = must_stop,
                                       .argument = sealer};
    sealer->earlier.shelf = log_shelf_create(&setup->place);
    sealer->earlier.sealed_first = setup->first;
    sealer->earlier.sealed_last = setup->first == 0 ? 0 : setup->sealed_last;
    sealer->sealed_last = setup->sealed_last;
    sealer->open_ordinal = setup->open_ordinal;
    pthread_mutex_init(&sealer->mutex, NULL);
    pthread_condattr_init(&monotonic);
    pthread_condattr_setclock(&monotonic, CLOCK_MONOTONIC);
    pthread_cond_init(&sealer->has_work, &monotonic);
    pthread_condattr_destroy(&monotonic);
    if (sealer->earlier.shelf == NULL) {
        log_sealer_destroy(sealer);
        return NULL;
    }
    return sealer;
}

void log_sealer_destroy(struct log_sealer *sealer)
{
    if (sealer == NULL) {
        return;
    }
    REQUIRE(!sealer->has_thread);
    log_segment_close(&sealer->before);
    log_shelf_destroy(sealer->earlier.shelf);
    pthread_cond_destroy(&sealer->has_work);
    pthread_mutex_destroy(&sealer->mutex);
    free(sealer);
}

/* --- the thread's work -------------------------------------------------------------------- */

static uint32_t close_before(struct log_sealer *sealer)
{
    pthread_mutex_lock(&sealer->mutex);
    struct log_segment before = sealer->before;
    bool has_before = sealer->has_before;
    sealer->before = (struct log_segment){0};
    sealer->has_before = false;
    uint32_t open_ordinal = sealer->open_ordinal;
    pthread_mutex_unlock(&sealer->mutex);
    if (has_before) {
        log_segment_close(&before);
    }
    return open_ordinal;
}

static enum status change_form(void *argument, uint32_t ordinal, char *reason)
{
    struct log_sealer *sealer = argument;
    return log_seal_close(&sealer->seal, ordinal, reason);
}

/* Segments that are sealed and still have the form of an open one. */
static enum status change_forms(struct log_sealer *sealer, char *reason)
{
    const struct log_scope *sealed = &sealer->earlier;
    enum status status = STATUS_OK;
    for (uint32_t ordinal = sealed->sealed_first;
         status == STATUS_OK && ordinal > 0 && ordinal <= sealed->sealed_last; ordinal++) {
        char path[LOG_PATH_SIZE];
        log_folder_segment_path(path, sealer->setup.place.folder, ordinal);
        if (!log_disk_is_readonly(path)) {
            log_shelf_drop(sealed->shelf, ordinal);
            status = lookup_desk_alone(sealer->setup.desk, ordinal, change_form, sealer, reason);
        }
    }
    return status;
}

static enum status seal_one(struct log_sealer *sealer, uint32_t ordinal, char *reason)
{
    enum status status = log_seal_fill(&sealer->seal, ordinal, &sealer->earlier, reason);
    if (status == STATUS_OK) {
        lookup_desk_seal(sealer->setup.desk, ordinal);
        sealer->earlier.sealed_first =
            sealer->earlier.sealed_first == 0 ? ordinal : sealer->earlier.sealed_first;
        sealer->earlier.sealed_last = ordinal;
        atomic_store(&sealer->sealed_last, ordinal);
        LOG(LOG_INFO, "log_sealed", LOG_NUMBER("segment", ordinal));
        status = change_forms(sealer, reason);
    }
    return status;
}

static enum status make_next(struct log_sealer *sealer, char *reason)
{
    if (atomic_load(&sealer->next_is_ready)) {
        return STATUS_OK;
    }
    enum status status = log_segment_make(&sealer->setup.place, reason);
    if (status == STATUS_OK) {
        atomic_store(&sealer->next_is_ready, true);
    }
    return status;
}

static enum status purge_one(void *argument, uint32_t ordinal, char *reason)
{
    struct log_sealer *sealer = argument;
    log_shelf_drop(sealer->earlier.shelf, ordinal);
    return log_purge_remove(&sealer->setup.place, ordinal, reason);
}

/* The retention, or the shorter one that was asked for. */
static uint32_t take_purge_days(struct log_sealer *sealer)
{
    uint32_t days = sealer->setup.retention_days;
    pthread_mutex_lock(&sealer->mutex);
    uint32_t asked = sealer->purge_days;
    sealer->purge_days = 0;
    pthread_mutex_unlock(&sealer->mutex);
    return asked != 0 && (days == 0 || asked < days) ? asked : days;
}

static enum status purge(struct log_sealer *sealer, char *reason)
{
    struct log_scope *earlier = &sealer->earlier;
    uint32_t days = take_purge_days(sealer);
    bool is_old = days > 0;
    enum status status = STATUS_OK;
    /* The newest sealed one holds what a restart needs. */
    while (status == STATUS_OK && is_old && earlier->sealed_first > 0 &&
           earlier->sealed_first < earlier->sealed_last) {
        uint32_t ordinal = earlier->sealed_first;
        status = log_purge_is_due(&sealer->setup.place, ordinal, days, &is_old, reason);
        if (status == STATUS_OK && is_old) {
            status = lookup_desk_alone(sealer->setup.desk, ordinal, purge_one, sealer, reason);
        }
        if (status == STATUS_OK && is_old) {
            lookup_desk_forget(sealer->setup.desk, ordinal);
            earlier->sealed_first = ordinal + 1;
            LOG(LOG_NOTICE, "log_purged", LOG_NUMBER("segment", ordinal));
        }
    }
    return status;
}

static enum status work(struct log_sealer *sealer, char *reason)
{
    uint32_t open_ordinal = close_before(sealer);
    log_scope_trim(&sealer->earlier, &sealer->setup.place);
    enum status status = change_forms(sealer, reason);
    for (uint32_t ordinal = atomic_load(&sealer->sealed_last) + 1;
         status == STATUS_OK && ordinal < open_ordinal; ordinal++) {
        status = seal_one(sealer, ordinal, reason);
    }
    if (status == STATUS_OK) {
        status = make_next(sealer, reason);
    }
    return status == STATUS_OK ? purge(sealer, reason) : status;
}

static void wait_for_work(struct log_sealer *sealer, uint32_t pause_ms)
{
    struct timespec until;
    clock_gettime(CLOCK_MONOTONIC, &until);
    until.tv_sec += pause_ms / 1000;
    until.tv_nsec += (long)(pause_ms % 1000) * 1000000;
    if (until.tv_nsec >= 1000000000) {
        until.tv_sec++;
        until.tv_nsec -= 1000000000;
    }
    pthread_mutex_lock(&sealer->mutex);
    int failed = 0;
    while (!atomic_load(&sealer->is_stopping) && !sealer->has_before && !sealer->must_remake &&
           sealer->purge_days == 0 && failed == 0) {
        failed = pthread_cond_timedwait(&sealer->has_work, &sealer->mutex, &until);
    }
    pthread_mutex_unlock(&sealer->mutex);
}

/* What could not be taken is not made again at once. */
static void pause_after_refusal(struct log_sealer *sealer)
{
    pthread_mutex_lock(&sealer->mutex);
    bool must_remake = sealer->must_remake;
    sealer->must_remake = false;
    pthread_mutex_unlock(&sealer->mutex);
    if (must_remake) {
        wait_for_work(sealer, PAUSE_AFTER_FAULT_MS);
    }
}

static void *sealer_run(void *argument)
{
    struct log_sealer *sealer = argument;
    /* On Linux this is the thread's own. Refused, it only runs at the usual priority. */
    setpriority(PRIO_PROCESS, 0, PRIORITY);
    while (!atomic_load(&sealer->is_stopping)) {
        char reason[LOG_REASON_SIZE] = "";
        uint32_t pause_ms = PAUSE_IDLE_MS;
        pause_after_refusal(sealer);
        enum status status = work(sealer, reason);
        if (status == STATUS_NOT_READY) {
            pause_ms = PAUSE_AFTER_READER_MS;
        } else if (status != STATUS_OK && status != STATUS_CLOSED) {
            pause_ms = PAUSE_AFTER_FAULT_MS;
            LOG(LOG_ERROR, "log_upkeep_failed", LOG_TEXT("text", reason));
        }
        wait_for_work(sealer, pause_ms);
    }
    return NULL;
}

/* --- the writer's side -------------------------------------------------------------------- */

enum status log_sealer_start(struct log_sealer *sealer)
{
    REQUIRE(!sealer->has_thread);
    sealer->has_thread = pthread_create(&sealer->thread, NULL, sealer_run, sealer) == 0;
    return sealer->has_thread ? STATUS_OK : STATUS_BROKEN;
}

void log_sealer_stop(struct log_sealer *sealer)
{
    if (sealer->has_thread) {
        pthread_mutex_lock(&sealer->mutex);
        atomic_store(&sealer->is_stopping, true);
        pthread_mutex_unlock(&sealer->mutex);
        pthread_cond_signal(&sealer->has_work);
        pthread_join(sealer->thread, NULL);
        sealer->has_thread = false;
    }
}

bool log_sealer_next_is_ready(const struct log_sealer *sealer)
{
    return atomic_load(&sealer->next_is_ready);
}

void log_sealer_rotated(struct log_sealer *sealer, uint32_t open_ordinal,
                        const struct log_segment *before)
{
    pthread_mutex_lock(&sealer->mutex);
    REQUIRE(!sealer->has_before);
    sealer->open_ordinal = open_ordinal;
    sealer->before = *before;
    sealer->has_before = true;
    atomic_store(&sealer->next_is_ready, false);
    pthread_mutex_unlock(&sealer->mutex);
    pthread_cond_signal(&sealer->has_work);
}

void log_sealer_refuse_next(struct log_sealer *sealer, const char *reason)
{
    LOG(LOG_ERROR, "log_segment_failed", LOG_TEXT("text", reason));
    atomic_store(&sealer->next_is_ready, false);
    pthread_mutex_lock(&sealer->mutex);
    sealer->must_remake = true;
    pthread_mutex_unlock(&sealer->mutex);
    pthread_cond_signal(&sealer->has_work);
}

void log_sealer_purge(struct log_sealer *sealer, uint32_t days)
{
    pthread_mutex_lock(&sealer->mutex);
    sealer->purge_days = days;
    pthread_mutex_unlock(&sealer->mutex);
    pthread_cond_signal(&sealer->has_work);
}

uint32_t log_sealer_sealed_last(const struct log_sealer *sealer)
{
    return atomic_load(&sealer->sealed_last);
}
