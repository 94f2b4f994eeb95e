/* The outbox: what flags and cases tell others (protocols/aftersales_event.proto), each event
 * written in the transaction of what it tells, so neither is there without the other.
 *
 * Numbers begin at 1 and have no gap. Rows are never changed, and go only from the old end, when
 * nobody waits for them any more (retire.h).
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "switch/aftersales/flag.h"
#include "switch/desk/desk.h"

/* What an event can tell: X(NAME, "word in the file and in filters", sentence). */
#define EVENT_OUT_MAP(X)                                                                           \
    X(FLAG, "flag", "a flag was raised")                                                           \
    X(FLAG_JUDGED, "flag_judged", "a flag without a case was judged")                              \
    X(FLAG_LINKED, "flag_linked", "a flag became part of a case")                                  \
    X(CASE_OPENED, "case_opened", "a case was opened")                                             \
    X(CASE_EVENT, "case_event", "a case moved, or something was noted in it")                      \
    X(CASE_MESSAGE, "case_message", "a case asks somebody to do or to know something")
enum event_out_kind {
#define X(name, word, sentence) EVENT_OUT_##name,
    EVENT_OUT_MAP(X)
#undef X
        EVENT_OUT_COUNT
};
const char *event_out_word(enum event_out_kind kind);
/* EVENT_OUT_COUNT: no such word. */
enum event_out_kind event_out_from_word(const char *word);

#define EVENT_OUT_BYTES_MAX 4096 /* of one event; all texts at their longest take less */

struct event_line {
    uint64_t number;
    int64_t wall_us;
    enum event_out_kind kind;
    enum case_kind case_kind; /* that it belongs or leads to */
    const char *subject;      /* terminal, merchant, or the cohort's value; borrowed */
    const uint8_t *payload;   /* one aftersales.Event; borrowed, for the call's time */
    size_t length;
};
struct event_sink {
    /* False: enough; this line counts as not given. */
    bool (*on_line)(void *argument, const struct event_line *line);
    void *argument;
};
/* Lines with numbers above `after`, in order, `room` at most; `*count`: those that were given.
 * MALFORMED: a row that this version does not know how to read. */
MUST_CHECK enum status event_out_read(struct desk *desk, uint64_t after, uint32_t room,
                                      const struct event_sink *sink, uint32_t *count);

/* Writes down that somebody is about to be given events of these cases (table `reading`); of cases
 * that are no more nothing is. */
MUST_CHECK enum status event_out_note_reading(struct desk *desk, const struct desk_actor *by,
                                              const uint64_t *case_ids, uint32_t count);

/* `first` is the oldest that is kept, `last` the newest that ever was; with none kept, first is
 * last + 1. */
struct event_out_range {
    uint64_t first, last;
};
MUST_CHECK enum status event_out_range(struct desk *desk, struct event_out_range *range);
