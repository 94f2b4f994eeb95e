/* The log's background thread: seals segments that take no more rows, makes the next one ready,
 * removes what is older than it must be kept. It runs at a low priority and holds up no
 * commit; what fails is said and tried again, and the writer goes on in the segment it has.
 *
 * Life:  log_sealer_create -> start -> rotated ... -> stop -> destroy
 */
#pragma once

#include "switch/store/lookup_desk.h"

struct log_sealer;

struct sealer_setup {
    struct log_place place;
    struct lookup_desk *desk; /* borrowed */
    uint32_t retention_days;  /* 0: keeps all */
    int64_t carry_window_us;
    uint64_t reserve_bytes;
    uint32_t first, sealed_last; /* segments there; those up to sealed_last are sealed */
    uint32_t open_ordinal;       /* the one that is written */
};

/* NULL: no memory. */
struct log_sealer *log_sealer_create(const struct sealer_setup *setup);
void log_sealer_destroy(struct log_sealer *sealer);
MUST_CHECK enum status log_sealer_start(struct log_sealer *sealer);
void log_sealer_stop(struct log_sealer *sealer);

/* Whether `segment-next.db` is ready: all segments but the open one are sealed. Asked by the
 * writer, who alone may take it then. */
bool log_sealer_next_is_ready(const struct log_sealer *sealer);
/* The writer goes on in segment `open_ordinal`; the one before is the sealer's to close. */
void log_sealer_rotated(struct log_sealer *sealer, uint32_t open_ordinal,
                        const struct log_segment *before);
/* What was made ready could not be taken; `reason` says why. It is made again after a pause. */
void log_sealer_refuse_next(struct log_sealer *sealer, const char *reason);

/* Looks now for sealed segments whose last row is older than `days`, as a retention of so many days
 * would; they are removed by the thread, once. */
void log_sealer_purge(struct log_sealer *sealer, uint32_t days);

/* Segments sealed since the start; for those who wait for it. */
uint32_t log_sealer_sealed_last(const struct log_sealer *sealer);
