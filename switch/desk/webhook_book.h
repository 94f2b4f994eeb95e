/* How far each webhook is with the outbox, and what it could not deliver.
 *
 * A webhook stands at a position: the last event that it has delivered or does not want. It goes on
 * from there after any stop, so an event may be delivered twice and none is left out. What could
 * not be delivered for long is put aside whole (a letter), where people see it, and may be sent
 * again. Nothing is kept without end: events as long as the outbox keeps any (retire.h), of the
 * letters of a webhook the newest WEBHOOK_LETTER_COUNT_MAX; what it did not get by then is counted
 * as given up.
 */
#pragma once

#include <stdint.h>

#include "switch/desk/desk.h"
#include "switch/desk/event_out.h"

#define WEBHOOK_NAME_SIZE 16
#define WEBHOOK_FAULT_SIZE 200
#define WEBHOOK_LETTER_COUNT_MAX 10000 /* of one webhook: 40 MB, were all as long as can be */

/* X(NAME, "word", sentence) */
#define WEBHOOK_STATE_MAP(X)                                                                       \
    X(GOING, "going", "delivers what comes")                                                       \
    X(STOPPED, "stopped", "the other side wants no more; its events are kept as long as any")      \
    X(ABSENT, "absent", "no longer in the configuration; nothing is kept for it")
enum webhook_state {
#define X(name, word, sentence) WEBHOOK_##name,
    WEBHOOK_STATE_MAP(X)
#undef X
        WEBHOOK_STATE_COUNT
};
const char *webhook_state_word(enum webhook_state state);

struct webhook_row {
    char name[WEBHOOK_NAME_SIZE];
    enum webhook_state state;
    uint64_t position;
    uint32_t attempts;        /* that failed in a row */
    int64_t failing_since_us; /* 0: the last attempt went well */
    int64_t next_try_us;      /* 0: at once */
    int64_t delivered_us;     /* the last time that one was; 0: never */
    uint64_t waiting;         /* events behind its position, wanted or not */
    uint32_t letter_count;
    uint64_t given_up; /* events, wanted or not, that it never got: they were kept no longer */
    char fault[WEBHOOK_FAULT_SIZE]; /* of the last attempt; empty: it went well */
};

/* Brings the book in line with the configuration: one that is new begins behind the newest event,
 * one that is back goes on where it stood, or with the oldest that is kept; others are absent. */
MUST_CHECK enum status webhook_book_enroll(struct desk *desk,
                                           const char (*names)[WEBHOOK_NAME_SIZE], uint32_t count);
/* NOT_FOUND: none is called so. */
MUST_CHECK enum status webhook_book_find(struct desk *desk, const char *name,
                                         struct webhook_row *row);
/* By name. */
MUST_CHECK enum status webhook_book_list(struct desk *desk, struct webhook_row *rows, uint32_t room,
                                         uint32_t *count);

/* What came of an attempt that failed, and when the next one may be. */
struct webhook_failure {
    int64_t now_us, next_try_us;
    const char *fault;
};
/* All up to `number` is delivered; it never goes back. `now_us` 0: it was passed over, since it is
 * not wanted. */
MUST_CHECK enum status webhook_book_advance(struct desk *desk, const char *name, uint64_t number,
                                            int64_t now_us);
MUST_CHECK enum status webhook_book_fail(struct desk *desk, const char *name,
                                         const struct webhook_failure *failure);
/* The other side wants no more. */
MUST_CHECK enum status webhook_book_stop(struct desk *desk, const char *name,
                                         const struct webhook_failure *failure);
/* Puts the event `number` aside as a letter, and goes on behind it; the oldest letter is given up
 * where there is no more room. An attempt that failed before
 * is told by webhook_book_fail(). */
MUST_CHECK enum status webhook_book_bury(struct desk *desk, const char *name, uint64_t number,
                                         const struct webhook_failure *failure);

struct webhook_letter {
    uint64_t number;
    int64_t wall_us, died_us;
    enum event_out_kind kind;
    uint32_t attempts; /* that had failed in a row */
    bool is_again;     /* about to be sent again */
    char fault[WEBHOOK_FAULT_SIZE];
};
/* By number, `room` at most. */
MUST_CHECK enum status webhook_book_letters(struct desk *desk, const char *name,
                                            struct webhook_letter *letters, uint32_t room,
                                            uint32_t *count);
/* Has all letters sent again, once each, and one that stopped go on; the next attempt is at once.
 * `*count`: letters. NOT_FOUND. DENIED: it is absent. */
MUST_CHECK enum status webhook_book_retry(struct desk *desk, const char *name, uint32_t *count);
/* Gives the sink the first letter that is to be sent again. NOT_FOUND: there is none. */
MUST_CHECK enum status webhook_book_next_letter(struct desk *desk, const char *name,
                                                const struct event_sink *sink);
MUST_CHECK enum status webhook_book_letter_sent(struct desk *desk, const char *name,
                                                uint64_t number);
MUST_CHECK enum status webhook_book_letter_failed(struct desk *desk, const char *name,
                                                  uint64_t number,
                                                  const struct webhook_failure *failure);
