/* Open read-only connections to segments, a few at a time, with the statements that searches run.
 * One thread at a time. */
#pragma once

#include <stdint.h>

#include "switch/store/log_segment.h"

/* X(name, needs the indexes of a sealed segment, what follows FROM) */
#define LOG_SEARCH_MAP(X)                                                                          \
    X(POSITION, false, "log WHERE position = ?1")                                                  \
    X(REFERENCE, true, "log WHERE epoch = ?1 AND seq = ?2 ORDER BY position")                      \
    X(ORIGINAL, true,                                                                              \
      "log WHERE original_epoch = ?1 AND original_seq = ?2 AND original_seq <> 0"                  \
      " ORDER BY position")                                                                        \
    X(KEY, true,                                                                                   \
      "log WHERE terminal_id = ?1 AND merchant_id = ?2 AND batch = ?3 AND stan = ?4"               \
      " ORDER BY position DESC")                                                                   \
    X(RRN, true, "log WHERE rrn = ?1 AND rrn <> '' ORDER BY position DESC")                        \
    X(CARD, true,                                                                                  \
      "log WHERE merchant_id = ?1 AND pan_hash = ?2 AND auth_code = ?3 AND auth_code <> ''"        \
      " ORDER BY position DESC")

enum log_search {
#define X(name, is_indexed, text) LOG_SEARCH_##name,
    LOG_SEARCH_MAP(X)
#undef X
        LOG_SEARCH_COUNT
};

struct log_shelf;

/* NULL: no memory. */
struct log_shelf *log_shelf_create(const struct log_place *place);
void log_shelf_destroy(struct log_shelf *shelf);

/* A statement of that segment, reset, to be bound and stepped until the next call for it. NULL: the
 * segment cannot be read; `reason` says why. */
sqlite3_stmt *log_shelf_search(struct log_shelf *shelf, uint32_t ordinal, enum log_search search,
                               char *reason);
/* Closes the segment, if it is open: its file is about to change its form or to go. */
void log_shelf_drop(struct log_shelf *shelf, uint32_t ordinal);
