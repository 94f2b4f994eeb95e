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

#define STORE_REASON_SIZE 256

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
bool store_has_room(const struct store *store);

/* Waits until all that was appended is durable, stops the writer, closes; `on_durable` is not
 * called any more. */
void store_close(struct store *store);

struct store_counts {
    uint64_t rows, commits, position_durable;
    uint32_t queued;
    uint64_t commit_ns_total, commit_ns_max;
    int64_t free_bytes;
};
void store_count(const struct store *store, struct store_counts *counts);
