/* Searches in the log, off the loop: a thread takes questions in turn and answers each on the
 * loop's thread.
 *
 * Questions under way are bounded; so are answers that nobody has taken yet. The desk also keeps
 * the indexes of segments that are not sealed, and the connections that searches use; who changes
 * the form of a segment or removes it does so through the desk, between two searches.
 *
 * Life:  lookup_desk_create -> add_tail, take ... -> start -> ask, deliver ... -> stop -> destroy
 */
#pragma once

#include "switch/store/log_gather.h"

#define LOOKUP_UNDER_WAY_MAX 1024

struct lookup_desk;

struct lookup_answer {
    bool is_failed;               /* the log could not be read, or holds more rows than fit */
    const struct record *records; /* in the order of the log; borrowed for the call */
    uint32_t count;
};

/* Answers false when the answer cannot be taken now: it is offered again. */
typedef bool lookup_on_found(void *argument, const struct lookup_answer *answer);

/* Segments `sealed_first` … `sealed_last` are sealed. NULL: no memory. */
struct lookup_desk *lookup_desk_create(const struct log_place *place, uint32_t sealed_first,
                                       uint32_t sealed_last);
void lookup_desk_destroy(struct lookup_desk *desk);

/* A segment that is not sealed begins: rows taken from here on are its. `row_count` 0: its rows are
 * not known, so searches fail until it is sealed. */
void lookup_desk_add_tail(struct lookup_desk *desk, uint32_t ordinal, uint64_t first_position,
                          uint32_t row_count);
/* A row that is durable, or read back. One thread at a time. */
void lookup_desk_take(struct lookup_desk *desk, const struct record *record);

/* `on_ready` is called on the desk's thread when answers wait for lookup_desk_deliver. */
MUST_CHECK enum status lookup_desk_start(struct lookup_desk *desk, void (*on_ready)(void *argument),
                                         void *argument);
/* False: too many are under way. */
MUST_CHECK bool lookup_desk_ask(struct lookup_desk *desk, const struct lookup_query *query,
                                lookup_on_found *on_found, void *argument);
/* Gives out answers that wait, on the loop's thread. */
void lookup_desk_deliver(struct lookup_desk *desk);
void lookup_desk_stop(struct lookup_desk *desk);

/* Calls `change` for a segment while no search runs and none of the desk's connections has it open.
 */
MUST_CHECK enum status lookup_desk_alone(struct lookup_desk *desk, uint32_t ordinal,
                                         enum status (*change)(void *argument, uint32_t ordinal,
                                                               char *reason),
                                         void *argument, char *reason);
/* The segment is sealed: it is searched by its own indexes now. */
void lookup_desk_seal(struct lookup_desk *desk, uint32_t ordinal);
/* The segment, the first one, is gone. */
void lookup_desk_forget(struct lookup_desk *desk, uint32_t ordinal);
