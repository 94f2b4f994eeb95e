/* The log on disk: SQLite in WAL mode with synchronous=FULL, one writer thread, group commit.
 *
 * The engine's thread appends records; the writer commits all that waits as one transaction and
 * tells the loop the position up to which all is durable. Rows are only ever added, each with the
 * hash of the one before it (I20). A failed write or sync stops the process (I22): after it nothing
 * could be promised.
 *
 * Life:  store_open -> store_replay -> store_start -> append, flush ... -> store_close
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include <uv.h>

#include "protocols/base/status.h"
#include "switch/engine/record.h"

#define STORE_REASON_SIZE 1024
/* Records that store_append() still takes after store_has_room() has become false: what is under
 * way goes on while no more is begun. Half of it holds what one read from a bank may bring. */
#define STORE_OVERFLOW_COUNT 8192
#define STORE_FREE_BYTES_MIN (INT64_C(64) * 1024 * 1024) /* some 150,000 rows */
/* With this code the process ends when the log cannot be written: 69, "store unavailable". */
#define STORE_EXIT_CODE 69

struct store;

struct store_setup {
    const char *path;         /* the SQLite file; made when absent */
    uint32_t burst_count_max; /* records of one commit at most */
    uint32_t queue_count_max; /* records that may wait; beyond it store_has_room() is false */
};

/* Opens or makes the file and verifies schema and the end of the hash chain. NULL: `reason` says
 * what is wrong with which file and what to do. */
struct store *store_open(const struct store_setup *setup, char reason[STORE_REASON_SIZE]);

/* Reads every record in order; called before store_start.
 * STATUS_BROKEN: `reason` names position and fault (a gap, a hash that does not fit). */
MUST_CHECK enum status store_replay(struct store *store,
                                    void (*on_record)(void *argument, const struct record *record),
                                    void *argument, char reason[STORE_REASON_SIZE]);

/* Starts the writer. `on_durable` is called on `loop`'s thread, once a commit at most. */
MUST_CHECK enum status store_start(struct store *store, uv_loop_t *loop,
                                   void (*on_durable)(void *argument, uint64_t position),
                                   void *argument);

/* Copies one record into the waiting burst; positions must follow one another. */
void store_append(struct store *store, const struct record *record);
/* Hands the burst to the writer: one wake-up at most. Called once a turn of the loop. */
void store_flush(struct store *store);
/* Whether more may be begun. */
bool store_has_room(const struct store *store);
/* Less than STORE_FREE_BYTES_MIN of disk is left: what remains is for reversals and their results
 * (I23). */
bool store_is_short(const struct store *store);
/* Records that store_append() still takes; more than that is a programmer's error. */
uint32_t store_room(const struct store *store);

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

/* Reads the whole of a log, also one that is in use, and verifies that no position is missing and
 * that each hash fits. `rows` is how many did. Fails as store_replay; STATUS_UNSUPPORTED: no log.
 */
MUST_CHECK enum status store_verify(const char *path, uint64_t *rows,
                                    char reason[STORE_REASON_SIZE]);
