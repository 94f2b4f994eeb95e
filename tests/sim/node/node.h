/* Layer B: the simulator's world, its log kept by the shipped store on a disk that forgets.
 *
 * The engine, its driver, the store with its threads, SQLite and what the store does to its folder
 * are the product's. Terminals, banks, links and clocks are the world's, threads and disk this
 * folder's. After each crash the log must be a prefix of what was appended that holds all that was
 * acknowledged (I19), in one chain (I20), and what a restart reads of it must lead to the state
 * that all of it leads to (I21). Searches must find what a walk over all records finds.
 */
#pragma once

#include "tests/sim/world.h"

/* X(name, sentence): rare paths that some hundred seeds must have walked. */
#define NODE_MARK_MAP(X)                                                                           \
    X(KILLED, "the process was killed and its writes were kept")                                   \
    X(POWER_CUT, "the power failed and what was not synced was drawn by lot")                      \
    X(CUT_INSIDE, "the power failed inside an operation of the disk")                              \
    X(CUT_IN_RECOVERY, "the power failed while the log was being opened or read")                  \
    X(LOST, "records that nobody was told of were lost")                                           \
    X(KEPT, "records that nobody was told of were kept")                                           \
    X(SYNC_FAILED, "a sync failed and the process stopped")                                        \
    X(DISK_FULL, "the disk was full and the process stopped")                                      \
    X(SEALED, "a restart found sealed segments")                                                   \
    X(UNSEALED, "a restart found segments to be sealed")                                           \
    X(PASSED_OVER, "a restart did not have to read all rows")                                      \
    X(CARRIED, "a message went as bytes through its dialect")                                      \
    X(FILLED, "a message was given a field that the world leaves out")                             \
    X(SEARCHED, "the log was searched")                                                            \
    X(FOUND, "a search found something in a log of several segments")

enum node_mark {
#define X(name, text) NODE_##name,
    NODE_MARK_MAP(X)
#undef X
        NODE_MARK_COUNT
};
const char *node_mark_name(enum node_mark mark);
const char *node_mark_text(enum node_mark mark);

/* A new seed: an empty disk. Once a process: what a dead process leaves in memory is not taken back
 * but by the end of this one. */
void node_begin(uint64_t seed);
const struct world_log *node_log(void);
/* Messages as bytes: the two dialects that ship, once a program; what is drawn, once a seed. */
void node_wire_open(void);
void node_wire_begin(uint64_t seed);
void node_wire_carry(struct world *world, enum sim_leg leg, struct payment *payment);
const uint64_t *node_marks(void);
void node_mark(enum node_mark mark);

/* What a restart reads: positions of rows, and behind the first `before` of them sums of usage. */
#define NODE_USAGE_COUNT_MAX 8192
struct node_usage {
    bool is_told; /* the log says that sums take the place of what rows told */
    uint32_t before, count;
    struct usage_sum sums[NODE_USAGE_COUNT_MAX];
};
struct node_reading {
    const uint64_t *positions;
    uint32_t count;
    const struct node_usage *usage;
};
/* Tells it in its order. */
void node_replay(struct world *world, const struct node_reading *reading,
                 const struct world_reader *reader);
/* Holds it against all `record_count` rows. */
void node_check_carried(struct world *world, const struct node_reading *reading,
                        uint32_t record_count);
