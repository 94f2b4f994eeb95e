/* The log on disk: SQLite in WAL mode with synchronous=FULL, one writer thread, group commit.
 *
 * The engine's thread appends records; the writer commits all that waits as one transaction and
 * tells the loop the position up to which all is durable. Rows are only ever added, each with the
 * hash of the one before it (I20). A failed write or sync stops the process (I22): after it nothing
 * could be promised.
 *
 * The log is a folder of segments. A segment ends when it holds enough rows or the settlement day
 * changes; a background thread seals it, and keeps the next one ready. Searches go on a thread of
 * their own.
 *
 * Life:  store_open -> store_replay -> store_start -> append, flush, lookup ... -> store_close
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include <uv.h>

#include "protocols/base/status.h"
#include "switch/engine/record.h"
#include "switch/engine/usage.h"
#include "switch/store/lookup_desk.h"

#define STORE_REASON_SIZE 1024
/* Records that store_append() still takes after store_has_room() has become false: what is under
 * way goes on while no more is begun. Half of it holds what one read from a bank may bring. */
#define STORE_OVERFLOW_COUNT 8192
/* With this code the process ends when the log cannot be written: 69, "store unavailable". */
#define STORE_EXIT_CODE 69

struct store;

struct store_setup {
    const char *folder;       /* of the segments; made when absent; borrowed until store_close */
    const char *vfs;          /* SQLite's file layer; NULL: the usual one; borrowed as well */
    uint32_t burst_count_max; /* records of one commit at most */
    uint32_t queue_count_max; /* records that may wait; beyond it store_has_room() is false */
    uint32_t segment_row_count_max; /* rows after which the next segment begins */
    uint32_t retention_days;        /* age at which segments are removed; 0: never */
    uint64_t reserve_bytes;         /* less free space than this: store_is_short() */
    int64_t carry_window_us;        /* how long a tombstone matters: the duplicate window */
    /* Rows that have become durable, in the log's order, on the writer's thread, which must not
     * wait in it. NULL: nobody watches them. */
    void (*on_committed)(void *argument, const struct record *records, uint32_t count);
    void *committed_argument;
};

/* Opens or makes the log and verifies schema and the end of the hash chain. NULL: `reason` says
 * what is wrong with which file and what to do. */
struct store *store_open(const struct store_setup *setup, char reason[STORE_REASON_SIZE]);

/* Who reads the log at a start; called in the log's order. */
struct store_reader {
    void (*on_record)(void *argument, const struct record *record);
    /* Of what was taken before the first row that comes whole. First once with NULL: what rows told
     * of usage before, these sums tell whole. No callback: nobody wants them. */
    void (*on_usage)(void *argument, const struct usage_sum *sum);
    void *argument;
};
/* Reads what a restart needs, in order: the rows that the newest sealed segment carries, whose
 * positions have gaps, sums of usage, and all rows after it. Called before store_start.
 * STATUS_BROKEN: `reason` names position and fault (a gap, a hash that does not fit). */
MUST_CHECK enum status store_replay(struct store *store, const struct store_reader *reader,
                                    char reason[STORE_REASON_SIZE]);

/* Starts the writer. `on_durable` is called on `loop`'s thread, once a commit at most. */
MUST_CHECK enum status store_start(struct store *store, uv_loop_t *loop,
                                   void (*on_durable)(void *argument, uint64_t position),
                                   void *argument);

/* Copies one record into the waiting burst; positions must follow one another. */
void store_append(struct store *store, const struct record *record);
/* Hands the burst to the writer: one wake-up at most. Called once a turn of the loop. */
void store_flush(struct store *store);
/* The last position that was appended; of the thread that appends. */
uint64_t store_appended(const struct store *store);
/* Whether more may be begun. */
bool store_has_room(const struct store *store);
/* Less than reserve_bytes of disk is left: what remains is for reversals and their results
 * (I23). */
bool store_is_short(const struct store *store);
/* Records that store_append() still takes; more than that is a programmer's error. */
uint32_t store_room(const struct store *store);

/* Searches the log, as lookup.h says; `on_found` is called on the loop's thread. What was durable
 * when the call was made is found. Answers false when too many are under way: then nothing is
 * called. */
MUST_CHECK bool store_lookup(struct store *store, const struct lookup_query *query,
                             lookup_on_found *on_found, void *argument);
/* Offers answers again that on_found did not take. Called once a turn of the loop. */
void store_deliver(struct store *store);
/* The segment that is written, and the last one that is sealed; from any thread. */
void store_segments(const struct store *store, uint32_t *open_ordinal, uint32_t *sealed_last);

/* Sealed segments whose last row is older than `days` are removed in the background, as the
 * retention does by itself; never one that a restart needs. */
void store_purge_soon(struct store *store, uint32_t days);

/* Waits until all that was appended is durable, stops the writer, closes; `on_durable` is not
 * called any more. After a store_start the loop must turn once more before it is closed itself: the
 * store's handle, and with it the store, ends there. */
void store_close(struct store *store);

/* X(bound in ns): upper bounds of the cells of commit and sync times; one more cell takes the rest
 */
#define STORE_TIME_MAP(X)                                                                          \
    X(100000)                                                                                      \
    X(200000)                                                                                      \
    X(500000)                                                                                      \
    X(1000000)                                                                                     \
    X(2000000)                                                                                     \
    X(5000000) X(10000000) X(20000000) X(50000000) X(100000000) X(500000000) X(1000000000)
#define STORE_ROWS_MAP(X) X(1) X(2) X(5) X(10) X(20) X(50) X(100) X(200) X(500) X(1000)

enum {
#define X(bound) STORE_TIME_BOUND_##bound,
    STORE_TIME_MAP(X) STORE_TIME_BOUND_COUNT
#undef X
};
enum {
#define X(bound) STORE_ROWS_BOUND_##bound,
    STORE_ROWS_MAP(X) STORE_ROWS_BOUND_COUNT
#undef X
};
#define STORE_TIME_CELLS (STORE_TIME_BOUND_COUNT + 1)
#define STORE_ROWS_CELLS (STORE_ROWS_BOUND_COUNT + 1)

/* May be asked from any thread; each number is whole, all together are not one instant. */
struct store_counts {
    uint64_t rows, commits, position_durable;
    uint32_t queued;
    uint64_t commit_ns_total, commit_ns_max; /* from taking a burst to its durability */
    uint64_t sync_ns_total;                  /* of it, SQLite's COMMIT: write and sync */
    uint64_t commit_cells[STORE_TIME_CELLS], sync_cells[STORE_TIME_CELLS];
    uint64_t rows_cells[STORE_ROWS_CELLS]; /* rows a commit */
    int64_t free_bytes; /* of the disk, asked twice a second at most; -1: unknown */
};
void store_count(const struct store *store, struct store_counts *counts);
