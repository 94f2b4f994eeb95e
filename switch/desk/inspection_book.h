/* Inspections that took place, and which are due; terminals that are silent or out of date.
 *
 * An inspection is judged by switch/aftersales/inspection.h against what is registered at that
 * moment, and kept with what it came to.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "switch/aftersales/inspection.h"
#include "switch/desk/desk.h"

struct inspection_entry {
    struct inspection inspection;
    struct inspection_result result;
};

/* NOT_FOUND: the merchant, or the terminal that was named, is not registered. DUPLICATE: one of
 * this merchant, terminal and day is there. BAD_VALUE: a member that none may have. Card numbers in
 * the remark are masked. */
MUST_CHECK enum status inspection_book_add(struct desk *desk, const struct inspection *inspection,
                                           struct inspection_result *result);
/* Of a merchant, the newest first, `room` at most. */
MUST_CHECK enum status inspection_book_list(struct desk *desk, const char *merchant_id,
                                            struct inspection_entry *entries, uint32_t room,
                                            uint32_t *count);

/* When the merchant is to be looked at next; fills in its row, too. NOT_FOUND: no such merchant. */
MUST_CHECK enum status inspection_book_next(struct desk *desk, const struct inspection_rules *rules,
                                            int32_t today, struct merchant_registration *merchant,
                                            struct inspection_due *due);

struct inspection_sink {
    void (*on_due)(void *argument, const struct merchant_registration *merchant,
                   const struct inspection_due *due);
    void *argument;
};
/* Active merchants whose inspection is near or overdue on that day, in the order of their ids; of
 * those that passed since the contract began the last counts. */
MUST_CHECK enum status inspection_book_due(struct desk *desk, const struct inspection_rules *rules,
                                           int32_t today, const struct inspection_sink *sink);

/* What a terminal last told, for the lists below; kept as often as the caller likes. */
struct terminal_sighting {
    char terminal_id[9], firmware[9];
    int64_t seen_us;
};
/* One transaction. Older ones than what is kept are passed over. */
MUST_CHECK enum status
inspection_book_seen(struct desk *desk, const struct terminal_sighting *sightings, uint32_t count);

/* NOT_FOUND: it was never seen. */
MUST_CHECK enum status inspection_book_sighting(struct desk *desk, const char *terminal_id,
                                                struct terminal_sighting *sighting);

/* X(name, sentence): why a terminal is in a list. */
#define TERMINAL_LACK_MAP(X)                                                                       \
    X(SILENT, "not heard of since that moment, or never")                                          \
    X(FIRMWARE_MIN, "its software is below the lowest version that is well")                       \
    X(FIRMWARE_LATEST, "there is newer software")                                                  \
    X(CERTIFICATE, "its certificate ends")                                                         \
    X(SUPPORT, "its maker no longer supports the model")
enum terminal_lack {
#define X(name, text) TERMINAL_LACK_##name,
    TERMINAL_LACK_MAP(X)
#undef X
        TERMINAL_LACK_COUNT
};
const char *terminal_lack_name(enum terminal_lack lack);

struct terminal_lack_line {
    enum terminal_lack lack;
    char terminal_id[9], merchant_id[16], firmware[9];
    int64_t seen_us; /* 0: never */
};
struct terminal_lack_sink {
    void (*on_line)(void *argument, const struct terminal_lack_line *line);
    void *argument;
};
struct terminal_lack_query {
    int64_t silent_since_us; /* 0: silence is not asked for */
    int32_t ends_before_day; /* certificates and support that end before it; 0: not asked for */
    bool has_latest;         /* also those that are well but not the newest */
};
/* Active terminals, in the order of their ids; one may have several lines. */
MUST_CHECK enum status inspection_book_lacks(struct desk *desk,
                                             const struct terminal_lack_query *query,
                                             const struct terminal_lack_sink *sink);
