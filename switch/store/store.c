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
#include <time.h>
#include <unistd.h>

#include "protocols/base/require.h"
#include "switch/store/log_replay.h"
#include "switch/store/log_sealer.h"
#include "switch/store/log_walk.h"
#include "switch/store/planted_log_bug.h"

#define FREE_BYTES_PAUSE_NS 500000000U

_Static_assert(STORE_REASON_SIZE >= LOG_REASON_SIZE, "a fault of the file fits into our reason");

struct burst {
    struct record *records; /* owner */
    uint32_t count;
};

struct store {
    struct log_place place;
    int lock;
    struct log_segment segment; /* of the writer's thread from store_start on */
    struct store_setup setup;
    struct lookup_desk *desk;  /* owner */
    struct log_sealer *sealer; /* owner */
    uint32_t settlement_day;   /* of the writer's thread: the latest a record told of */
    bool must_rotate;          /* of the writer's thread: it changed */
    atomic_uint open_ordinal;
    bool is_replayed;
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
    log_sealer_destroy(store->sealer);
    lookup_desk_destroy(store->desk);
    pthread_cond_destroy(&store->has_work);
    pthread_mutex_destroy(&store->mutex);
    free(store->filling.records);
    free(store->taken.records);
    free(store);
}

static enum status open_folder(struct store *store, char *reason)
{
    char path[LOG_PATH_SIZE];
    const char *folder = store->setup.folder;
    if (strlen(folder) + sizeof("/segment-000000.db-journal") > LOG_PATH_SIZE) {
        snprintf(reason, STORE_REASON_SIZE, "log: the folder's path is longer than %zu bytes",
                 LOG_PATH_SIZE - sizeof("/segment-000000.db-journal"));
        return STATUS_BAD_VALUE;
    }
    /* Counting its memory takes SQLite a lock at each allocation. Refused, without harm, once
     * SQLite is in use. */
    sqlite3_config(SQLITE_CONFIG_MEMSTATUS, 0);
    enum status status = log_disk_make_folder(folder, reason);
    if (status == STATUS_OK) {
        log_folder_path(path, folder, "log.lock");
        status = log_disk_lock(path, &store->lock, reason);
    }
    return status == STATUS_OK ? log_walk_open_last(&store->place, &store->segment, reason)
                               : status;
}

/* The thread that seals, and the desk that searches. */
static enum status make_keepers(struct store *store, char *reason)
{
    struct log_span span;
    uint32_t sealed_last = 0;
    enum status status = log_folder_span(store->setup.folder, &span, reason);
    if (status == STATUS_OK) {
        status = log_replay_sealed_last(&store->place, &span, &sealed_last, reason);
    }
    if (status != STATUS_OK) {
        return status;
    }
    uint32_t sealed_first = sealed_last == 0 ? 0 : span.first;
    store->settlement_day = store->segment.row.settlement_day;
    store->open_ordinal = store->segment.row.ordinal;
    store->desk =
        lookup_desk_create(&store->place, sealed_first, PLANTED_BUG(107) ? 0 : sealed_last);
    if (store->desk != NULL) {
        store->sealer = log_sealer_create(
            &(struct sealer_setup){.place = store->place,
                                   .desk = store->desk,
                                   .retention_days = store->setup.retention_days,
                                   .carry_window_us = store->setup.carry_window_us,
                                   .reserve_bytes = store->setup.reserve_bytes,
                                   .first = sealed_first,
                                   .sealed_last = sealed_last == 0 ? span.first - 1 : sealed_last,
                                   .open_ordinal = span.last});
    }
    if (store->sealer == NULL) {
        snprintf(reason, STORE_REASON_SIZE, "log %s: no memory", store->setup.folder);
        return STATUS_NO_MEMORY;
    }
    return STATUS_OK;
}

struct store *store_open(const struct store_setup *setup, char reason[STORE_REASON_SIZE])
{
    REQUIRE(setup->burst_count_max > 0);
    REQUIRE(setup->queue_count_max > 0);
    struct store *store = calloc(1, sizeof(*store));
    size_t room = (size_t)setup->queue_count_max + STORE_OVERFLOW_COUNT;
    if (store == NULL) {
        snprintf(reason, STORE_REASON_SIZE, "log %s: no memory", setup->folder);
        return NULL;
    }
    pthread_mutex_init(&store->mutex, NULL);
    pthread_cond_init(&store->has_work, NULL);
    store->setup = *setup;
    store->place = (struct log_place){setup->folder, setup->vfs};
    store->lock = -1;
    store->filling.records = calloc(room, sizeof(struct record));
    store->taken.records = calloc(room, sizeof(struct record));
    if (store->filling.records == NULL || store->taken.records == NULL) {
        snprintf(reason, STORE_REASON_SIZE, "log %s: no memory for %zu records to wait",
                 setup->folder, room);
        store_free(store);
        return NULL;
    }
    if (open_folder(store, reason) != STATUS_OK || make_keepers(store, reason) != STATUS_OK) {
        log_segment_close(&store->segment);
        log_disk_unlock(store->lock);
        store_free(store);
        return NULL;
    }
    store->position_next = store->segment.position + 1;
    store->durable = store->segment.position;
    store->free_bytes = log_disk_free_bytes(store->setup.folder);
    return store;
}

struct replaying {
    struct store *store;
    const struct store_reader *reader; /* borrowed */
    bool is_tail; /* rows of segments that are not sealed: searched through memory */
};

static void note_day(struct store *store, const struct record *record);

static void on_segment(void *argument, uint32_t ordinal, uint64_t first_position)
{
    struct replaying *replaying = argument;
    replaying->is_tail = true;
    lookup_desk_add_tail(replaying->store->desk, ordinal, first_position,
                         replaying->store->setup.segment_row_count_max);
}

static void on_replayed(void *argument, const struct record *record)
{
    struct replaying *replaying = argument;
    if (replaying->is_tail) {
        lookup_desk_take(replaying->store->desk, record);
    }
    note_day(replaying->store, record);
    replaying->reader->on_record(replaying->reader->argument, record);
}

static void on_usage(void *argument, const struct usage_sum *sum)
{
    struct replaying *replaying = argument;
    if (replaying->reader->on_usage != NULL) {
        replaying->reader->on_usage(replaying->reader->argument, sum);
    }
}

enum status store_replay(struct store *store, const struct store_reader *reader,
                         char reason[STORE_REASON_SIZE])
{
    REQUIRE(!store->is_started);
    struct replaying replaying = {store, reader, false};
    struct log_replay_reader of_log = {on_segment, on_replayed, on_usage, &replaying};
    struct log_end end;
    enum status status = log_replay(&store->place, &of_log, &end, reason);
    if (status == STATUS_OK) {
        REQUIRE(end.position == store->segment.position);
        store->is_replayed = true;
        store->must_rotate = false;
    }
    return status == STATUS_OK ? STATUS_OK : STATUS_BROKEN;
}

/* What could not be written may be half written: nobody may act on it, and a second sync proves
 * nothing. So the process ends here, without exit handlers. */
static _Noreturn void stop_at_once(const struct store *store, const char *what)
{
    fprintf(stderr,
            "log %s: %s failed: %s; stopping at once, nothing after position %llu is "
            "acknowledged; make room or repair the disk, then start again\n",
            store->segment.path, what, log_segment_fault(&store->segment),
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
    uint64_t sync_ns = store->segment.sync_ns;
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

/* A day that lies further ahead than a long holiday is somebody's error and begins no segment. */
#define DAYS_AHEAD_MAX 16

static bool day_is_near(uint32_t settlement_day, int64_t wall_us)
{
    time_t latest = (time_t)(wall_us / 1000000) + DAYS_AHEAD_MAX * 86400;
    struct tm date;
    gmtime_r(&latest, &date);
    return settlement_day <= (uint32_t)(date.tm_year + 1900) * 10000 +
                                 (uint32_t)(date.tm_mon + 1) * 100 + (uint32_t)date.tm_mday;
}

static void note_day(struct store *store, const struct record *record)
{
    if (record->settlement_day > store->settlement_day &&
        day_is_near(record->settlement_day, record->wall_us)) {
        store->must_rotate = store->settlement_day != 0;
        store->settlement_day = record->settlement_day;
    }
}

static enum status open_next(struct store *store, struct log_segment *next, char *reason)
{
    struct log_segment *segment = &store->segment;
    struct timespec now;
    uint32_t ordinal = segment->row.ordinal + 1;
    enum status status = log_segment_adopt(&store->place, ordinal, reason);
    if (status == STATUS_OK) {
        status = log_segment_open(next, &store->place, ordinal, SEGMENT_WRITE, reason);
    }
    if (status != STATUS_OK) {
        return status;
    }
    clock_gettime(CLOCK_REALTIME, &now);
    log_segment_begin(next, &(struct segment_row){.ordinal = ordinal,
                                                  .first_position = segment->position + 1,
                                                  .previous_hash = segment->chain,
                                                  .settlement_day = store->settlement_day,
                                                  .opened_us = (int64_t)now.tv_sec * 1000000 +
                                                               (int64_t)now.tv_nsec / 1000});
    return STATUS_OK;
}

/* Goes on in the next segment, if that is ready: until it is, and when it fails, in this one. */
static void rotate(struct store *store)
{
    char reason[LOG_REASON_SIZE] = "";
    struct log_segment next;
    struct log_segment *segment = &store->segment;
    uint64_t rows = segment->position - segment->row.first_position + 1;
    bool is_due = rows >= store->setup.segment_row_count_max || (store->must_rotate && rows > 0);
    if (!is_due || !log_sealer_next_is_ready(store->sealer)) {
        return;
    }
    if (open_next(store, &next, reason) != STATUS_OK) {
        log_sealer_refuse_next(store->sealer, reason);
        return;
    }
    struct log_segment before = *segment;
    *segment = next;
    log_segment_watch(segment);
    store->must_rotate = false;
    atomic_store(&store->open_ordinal, segment->row.ordinal);
    lookup_desk_add_tail(store->desk, segment->row.ordinal, segment->row.first_position,
                         store->setup.segment_row_count_max);
    log_sealer_rotated(store->sealer, segment->row.ordinal, &before);
}

static void commit_group(struct store *store, const struct record *records, uint32_t count)
{
    uint64_t began_ns = uv_hrtime();
    if (PLANTED_BUG(105)) {
        atomic_store(&store->durable, records[count - 1].position);
        uv_async_send(&store->wake);
    }
    enum status status = log_segment_append(&store->segment, records, count);
    if (status != STATUS_OK && !PLANTED_BUG(106)) {
        stop_at_once(store, "writing");
    }
    for (uint32_t i = 0; i < count; i++) {
        lookup_desk_take(store->desk, &records[i]);
        note_day(store, &records[i]);
    }
    count_commit(store, count, uv_hrtime() - began_ns);
    atomic_store(&store->durable, store->segment.position);
    atomic_fetch_sub(&store->queued, count);
    uv_async_send(&store->wake);
    if (store->setup.on_committed != NULL) {
        store->setup.on_committed(store->setup.committed_argument, records, count);
    }
    if (log_segment_checkpoint(&store->segment) != STATUS_OK) {
        stop_at_once(store, "the checkpoint");
    }
    rotate(store);
}

static void commit_taken(struct store *store)
{
    for (uint32_t done = 0; done < store->taken.count;) {
        uint32_t left = store->taken.count - done;
        uint32_t count = left < store->setup.burst_count_max ? left : store->setup.burst_count_max;
        commit_group(store, &store->taken.records[done], count);
        done += count;
    }
    store->taken.count = 0;
    uint64_t now_ns = uv_hrtime();
    if (now_ns >= store->free_bytes_due_ns) {
        store->free_bytes = log_disk_free_bytes(store->setup.folder);
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
        lookup_desk_deliver(store->desk);
    }
}

static void on_ready(void *argument)
{
    struct store *store = argument;
    uv_async_send(&store->wake);
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
    if (!store->is_replayed) {
        lookup_desk_add_tail(store->desk, store->segment.row.ordinal,
                             store->segment.row.first_position, 0);
    }
    if (lookup_desk_start(store->desk, on_ready, store) != STATUS_OK ||
        log_sealer_start(store->sealer) != STATUS_OK) {
        return STATUS_BROKEN;
    }
    if (pthread_create(&store->writer, NULL, writer_run, store) != 0) {
        return STATUS_BROKEN;
    }
    store->has_writer = true;
    return STATUS_OK;
}

/* Answers and payloads are long and mostly absent: only what is there is copied. */
static void record_copy(struct record *to, const struct record *from)
{
    REQUIRE(from->answer_length <= RECORD_ANSWER_BYTES_MAX);
    REQUIRE(from->payload_length <= RECORD_PAYLOAD_BYTES_MAX);
    memcpy(to, from, offsetof(struct record, answer));
    memcpy(to->answer, from->answer, from->answer_length);
    memcpy(to->payload, from->payload, from->payload_length);
}

void store_append(struct store *store, const struct record *record)
{
    REQUIRE(record->position == store->position_next);
    store->position_next++;
    atomic_fetch_add(&store->queued, 1);
    pthread_mutex_lock(&store->mutex);
    REQUIRE(store->filling.count < store->setup.queue_count_max + STORE_OVERFLOW_COUNT);
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

uint64_t store_appended(const struct store *store)
{
    return store->position_next - 1;
}

bool store_has_room(const struct store *store)
{
    return atomic_load_explicit(&store->queued, memory_order_relaxed) <
           store->setup.queue_count_max;
}

bool store_is_short(const struct store *store)
{
    long long free_bytes = atomic_load_explicit(&store->free_bytes, memory_order_relaxed);
    return free_bytes >= 0 && (uint64_t)free_bytes < store->setup.reserve_bytes;
}

uint32_t store_room(const struct store *store)
{
    uint32_t most = store->setup.queue_count_max + STORE_OVERFLOW_COUNT;
    uint32_t queued = atomic_load_explicit(&store->queued, memory_order_relaxed);
    return queued < most ? most - queued : 0;
}

bool store_lookup(struct store *store, const struct lookup_query *query, lookup_on_found *on_found,
                  void *argument)
{
    return lookup_desk_ask(store->desk, query, on_found, argument);
}

void store_deliver(struct store *store)
{
    lookup_desk_deliver(store->desk);
}

void store_segments(const struct store *store, uint32_t *open_ordinal, uint32_t *sealed_last)
{
    *open_ordinal = atomic_load(&store->open_ordinal);
    *sealed_last = log_sealer_sealed_last(store->sealer);
}

void store_purge_soon(struct store *store, uint32_t days)
{
    log_sealer_purge(store->sealer, days);
}

static void on_closed(uv_handle_t *handle)
{
    store_free(handle->data);
}

void store_close(struct store *store)
{
    if (!store->is_started) {
        log_segment_close(&store->segment);
        log_disk_unlock(store->lock);
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
    log_sealer_stop(store->sealer);
    lookup_desk_stop(store->desk);
    store->on_durable = NULL;
    log_segment_close(&store->segment);
    log_disk_unlock(store->lock);
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
