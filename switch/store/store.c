/* The hand-over between the engine's thread and the writer of the log.
 *
 * There are two bursts. The loop fills one; the writer, when it has nothing left, swaps it for its
 * own empty one and commits what it got. So a burst is as large as what came while the last one was
 * being synced, nothing is delayed to gather more, and small bursts stay in the same warm memory.
 * The loop wakes the writer only when that sleeps, and the writer wakes the loop once a commit.
 */
#include "switch/store/store.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "protocols/base/require.h"
#include "switch/store/log_file.h"

#define FREE_BYTES_PAUSE_NS 500000000U

_Static_assert(STORE_REASON_SIZE >= LOG_REASON_SIZE, "a fault of the file fits into our reason");

struct burst {
    struct record *records; /* owner */
    uint32_t count;
};

struct store {
    struct log_file file; /* of the writer's thread from store_start on */
    uint32_t burst_count_max, queue_count_max;
    uint64_t position_next; /* of the loop: what the next record must say */

    pthread_mutex_t mutex; /* guards the next four */
    pthread_cond_t has_work;
    struct burst filling;
    bool is_asleep, is_stopping;
    struct burst taken; /* of the writer's thread */

    atomic_uint queued;
    atomic_ullong rows, commits, durable, commit_ns_total, commit_ns_max, sync_ns_total;
    atomic_ullong commit_cells[STORE_TIME_CELLS], sync_cells[STORE_TIME_CELLS];
    atomic_ullong rows_cells[STORE_ROWS_CELLS];
    atomic_llong free_bytes;
    uint64_t free_bytes_due_ns; /* of the writer's thread */

    pthread_t writer;
    bool is_started, has_writer;
    uv_async_t wake; /* its close callback frees the store */
    void (*on_durable)(void *argument, uint64_t position);
    void *argument;
};

static const uint64_t time_bounds[] = {
#define X(bound) bound,
    STORE_TIME_MAP(X)
#undef X
};
static const uint64_t rows_bounds[] = {
#define X(bound) bound,
    STORE_ROWS_MAP(X)
#undef X
};

static void store_free(struct store *store)
{
    pthread_cond_destroy(&store->has_work);
    pthread_mutex_destroy(&store->mutex);
    free(store->filling.records);
    free(store->taken.records);
    free(store);
}

struct store *store_open(const struct store_setup *setup, char reason[STORE_REASON_SIZE])
{
    REQUIRE(setup->burst_count_max > 0);
    REQUIRE(setup->queue_count_max > 0);
    struct store *store = calloc(1, sizeof(*store));
    size_t room = (size_t)setup->queue_count_max + STORE_OVERFLOW_COUNT;
    if (store == NULL) {
        snprintf(reason, STORE_REASON_SIZE, "log %s: no memory", setup->path);
        return NULL;
    }
    pthread_mutex_init(&store->mutex, NULL);
    pthread_cond_init(&store->has_work, NULL);
    store->burst_count_max = setup->burst_count_max;
    store->queue_count_max = setup->queue_count_max;
    store->filling.records = calloc(room, sizeof(struct record));
    store->taken.records = calloc(room, sizeof(struct record));
    if (store->filling.records == NULL || store->taken.records == NULL) {
        snprintf(reason, STORE_REASON_SIZE, "log %s: no memory for %zu records to wait",
                 setup->path, room);
        store_free(store);
        return NULL;
    }
    if (log_file_open(&store->file, setup->path, reason) != STATUS_OK) {
        store_free(store);
        return NULL;
    }
    store->position_next = store->file.position + 1;
    store->durable = store->file.position;
    store->free_bytes = log_file_free_bytes(&store->file);
    return store;
}

enum status store_replay(struct store *store,
                         void (*on_record)(void *argument, const struct record *record),
                         void *argument, char reason[STORE_REASON_SIZE])
{
    REQUIRE(!store->is_started);
    struct log_reader reader = {on_record, argument};
    enum status status = log_file_read(&store->file, 1, &reader, reason);
    return status == STATUS_OK ? STATUS_OK : STATUS_BROKEN;
}

/* What could not be written may be half written: nobody may act on it, and a second sync proves
 * nothing. So the process ends here, without exit handlers. */
static _Noreturn void stop_at_once(const struct store *store, const char *what)
{
    fprintf(stderr,
            "log %s: %s failed: %s; stopping at once, nothing after position %llu is "
            "acknowledged; make room or repair the disk, then start again\n",
            store->file.path, what, log_file_fault(&store->file),
            (unsigned long long)atomic_load(&store->durable));
    _exit(STORE_EXIT_CODE);
}

static void cells_add(atomic_ullong *cells, const uint64_t *bounds, uint32_t bound_count,
                      uint64_t value)
{
    uint32_t at = 0;
    while (at < bound_count && value > bounds[at]) {
        at++;
    }
    atomic_fetch_add_explicit(&cells[at], 1, memory_order_relaxed);
}

static void count_commit(struct store *store, uint32_t rows, uint64_t took_ns)
{
    uint64_t sync_ns = store->file.sync_ns;
    store->rows += rows;
    store->commits += 1;
    store->commit_ns_total += took_ns;
    store->sync_ns_total += sync_ns;
    if (took_ns > store->commit_ns_max) {
        store->commit_ns_max = took_ns;
    }
    cells_add(store->commit_cells, time_bounds, STORE_TIME_CELLS - 1, took_ns);
    cells_add(store->sync_cells, time_bounds, STORE_TIME_CELLS - 1, sync_ns);
    cells_add(store->rows_cells, rows_bounds, STORE_ROWS_CELLS - 1, rows);
}

static void commit_group(struct store *store, const struct record *records, uint32_t count)
{
    uint64_t began_ns = uv_hrtime();
    if (log_file_append(&store->file, records, count) != STATUS_OK) {
        stop_at_once(store, "writing");
    }
    count_commit(store, count, uv_hrtime() - began_ns);
    atomic_store(&store->durable, store->file.position);
    atomic_fetch_sub(&store->queued, count);
    uv_async_send(&store->wake);
    if (log_file_checkpoint(&store->file) != STATUS_OK) {
        stop_at_once(store, "the checkpoint");
    }
}

static void commit_taken(struct store *store)
{
    for (uint32_t done = 0; done < store->taken.count;) {
        uint32_t left = store->taken.count - done;
        uint32_t count = left < store->burst_count_max ? left : store->burst_count_max;
        commit_group(store, &store->taken.records[done], count);
        done += count;
    }
    store->taken.count = 0;
    uint64_t now_ns = uv_hrtime();
    if (now_ns >= store->free_bytes_due_ns) {
        store->free_bytes = log_file_free_bytes(&store->file);
        store->free_bytes_due_ns = now_ns + FREE_BYTES_PAUSE_NS;
    }
}

/* Sleeps until something waits and takes all of it. False: stopping, and nothing waits. */
static bool take_burst(struct store *store)
{
    pthread_mutex_lock(&store->mutex);
    while (store->filling.count == 0 && !store->is_stopping) {
        store->is_asleep = true;
        pthread_cond_wait(&store->has_work, &store->mutex);
    }
    store->is_asleep = false;
    struct burst taken = store->filling;
    store->filling = store->taken;
    store->taken = taken;
    pthread_mutex_unlock(&store->mutex);
    return taken.count > 0;
}

static void *writer_run(void *argument)
{
    struct store *store = argument;
    while (take_burst(store)) {
        commit_taken(store);
    }
    return NULL;
}

static void on_wake(uv_async_t *wake)
{
    struct store *store = wake->data;
    if (store->on_durable != NULL) {
        store->on_durable(store->argument, atomic_load(&store->durable));
    }
}

enum status store_start(struct store *store, uv_loop_t *loop,
                        void (*on_durable)(void *argument, uint64_t position), void *argument)
{
    REQUIRE(!store->is_started);
    if (uv_async_init(loop, &store->wake, on_wake) != 0) {
        return STATUS_BROKEN;
    }
    store->wake.data = store;
    store->on_durable = on_durable;
    store->argument = argument;
    store->is_started = true;
    if (pthread_create(&store->writer, NULL, writer_run, store) != 0) {
        return STATUS_BROKEN;
    }
    store->has_writer = true;
    return STATUS_OK;
}

/* Chip data and keys are long and mostly absent: only what is there is copied. */
static void record_copy(struct record *to, const struct record *from)
{
    REQUIRE(from->icc_length <= RECORD_ICC_BYTES_MAX);
    REQUIRE(from->keys_length <= RECORD_KEYS_BYTES_MAX);
    memcpy(to, from, offsetof(struct record, icc));
    memcpy(to->icc, from->icc, from->icc_length);
    memcpy(to->keys, from->keys, from->keys_length);
}

void store_append(struct store *store, const struct record *record)
{
    REQUIRE(record->position == store->position_next);
    store->position_next++;
    atomic_fetch_add(&store->queued, 1);
    pthread_mutex_lock(&store->mutex);
    REQUIRE(store->filling.count < store->queue_count_max + STORE_OVERFLOW_COUNT);
    record_copy(&store->filling.records[store->filling.count], record);
    store->filling.count++;
    pthread_mutex_unlock(&store->mutex);
}

void store_flush(struct store *store)
{
    pthread_mutex_lock(&store->mutex);
    bool must_wake = store->is_asleep && store->filling.count > 0;
    if (must_wake) {
        store->is_asleep = false;
    }
    pthread_mutex_unlock(&store->mutex);
    if (must_wake) {
        pthread_cond_signal(&store->has_work);
    }
}

bool store_has_room(const struct store *store)
{
    return atomic_load_explicit(&store->queued, memory_order_relaxed) < store->queue_count_max;
}

bool store_is_short(const struct store *store)
{
    long long free_bytes = atomic_load_explicit(&store->free_bytes, memory_order_relaxed);
    return free_bytes >= 0 && free_bytes < STORE_FREE_BYTES_MIN;
}

uint32_t store_room(const struct store *store)
{
    uint32_t most = store->queue_count_max + STORE_OVERFLOW_COUNT;
    uint32_t queued = atomic_load_explicit(&store->queued, memory_order_relaxed);
    return queued < most ? most - queued : 0;
}

static void on_closed(uv_handle_t *handle)
{
    store_free(handle->data);
}

void store_close(struct store *store)
{
    if (!store->is_started) {
        log_file_close(&store->file);
        store_free(store);
        return;
    }
    if (store->has_writer) {
        pthread_mutex_lock(&store->mutex);
        store->is_stopping = true;
        pthread_mutex_unlock(&store->mutex);
        pthread_cond_signal(&store->has_work);
        pthread_join(store->writer, NULL);
    }
    store->on_durable = NULL;
    log_file_close(&store->file);
    uv_close((uv_handle_t *)&store->wake, on_closed);
}

static void cells_read(uint64_t *to, const atomic_ullong *cells, uint32_t count)
{
    for (uint32_t i = 0; i < count; i++) {
        to[i] = atomic_load_explicit(&cells[i], memory_order_relaxed);
    }
}

void store_count(const struct store *store, struct store_counts *counts)
{
    *counts = (struct store_counts){.rows = store->rows,
                                    .commits = store->commits,
                                    .position_durable = store->durable,
                                    .queued = store->queued,
                                    .commit_ns_total = store->commit_ns_total,
                                    .commit_ns_max = store->commit_ns_max,
                                    .sync_ns_total = store->sync_ns_total,
                                    .free_bytes = store->free_bytes};
    cells_read(counts->commit_cells, store->commit_cells, STORE_TIME_CELLS);
    cells_read(counts->sync_cells, store->sync_cells, STORE_TIME_CELLS);
    cells_read(counts->rows_cells, store->rows_cells, STORE_ROWS_CELLS);
}

enum status store_verify(const char *path, uint64_t *rows, char reason[STORE_REASON_SIZE])
{
    static const struct log_reader verify_only = {NULL, NULL};
    struct log_file file;
    *rows = 0;
    enum status status = log_file_open_reading(&file, path, reason);
    if (status != STATUS_OK) {
        return status;
    }
    status = log_file_read(&file, 1, &verify_only, reason);
    *rows = file.position;
    log_file_close(&file);
    return status == STATUS_OK ? STATUS_OK : STATUS_BROKEN;
}
