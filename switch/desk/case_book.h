/* Service cases with their events, which are a hash chain a case: who reads it can tell that none
 * was changed, put in or taken out.
 *
 * A case moves by case_book_step() alone: it is read, switch/aftersales/service_case.h decides, the
 * case and its event are written, all in one transaction, and what must follow outside with them
 * (effect_book.h): the effects that a caller gets are for its answer only. Card numbers in a reason
 * are masked before anything is done with it.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "switch/aftersales/case_merge.h"
#include "switch/aftersales/service_case.h"
#include "switch/desk/desk.h"

/* An event as it is kept: kind and reason are those of the history. */
struct case_entry {
    uint64_t case_id;
    uint32_t number; /* from 1 */
    struct case_event event;
    enum case_state from, to;
};

/* Gives the case its number and opens it. DENIED: the event is not permitted (effects->refusal);
 * nothing is written, and a surrounding transaction goes on. BAD_VALUE: a member that no case may
 * have, also control characters in a text. */
MUST_CHECK enum status case_book_open(struct desk *desk, struct service_case *service_case,
                                      const struct case_event *event,
                                      const struct case_rules *rules, struct case_effects *effects);
/* OK also when the event is refused: see effects->is_permitted. NOT_FOUND: no such case. Closing
 * says what came of its flags; opening again takes that back. */
MUST_CHECK enum status case_book_step(struct desk *desk, uint64_t case_id,
                                      const struct case_event *event,
                                      const struct case_rules *rules, struct case_effects *effects);

/* The case for the machine's own use; people read by case_book_read(). */
MUST_CHECK enum status case_book_find(struct desk *desk, uint64_t case_id,
                                      struct service_case *service_case);
struct case_sink {
    void (*on_entry)(void *argument, const struct case_entry *entry);
    void *argument;
};
/* The case and its events for somebody, whose reading is written down first (table `reading`); what
 * cannot be written down is not shown. `entries` may be NULL. */
MUST_CHECK enum status case_book_read(struct desk *desk, uint64_t case_id,
                                      const struct desk_actor *by,
                                      struct service_case *service_case,
                                      const struct case_sink *entries);

/* The hash of the case's newest event, which stands beside the case itself. */
MUST_CHECK enum status case_book_last_hash(struct desk *desk, uint64_t case_id, uint8_t hash[32]);

/* Who has read a case, and when. */
struct case_reading {
    int64_t wall_us;
    char actor[CASE_ACTOR_SIZE];
};
/* The newest first, `room` at most. */
MUST_CHECK enum status case_book_readings(struct desk *desk, uint64_t case_id,
                                          struct case_reading *readings, uint32_t room,
                                          uint32_t *count);

/* Writes down that somebody is about to be shown these cases' lines of a queue, as readings; a case
 * that they have read within the last CASE_LINE_READ_US, as a line or whole, is not noted again, so
 * who looks again and again writes nothing and waits for no writer. */
#define CASE_LINE_READ_US INT64_C(3600000000)
MUST_CHECK enum status case_book_note_lines(struct desk *desk, const struct desk_actor *by,
                                            const uint64_t *case_ids, uint32_t count);

/* A case in a queue. */
struct case_line {
    uint64_t id;
    enum case_kind kind;
    enum case_state state;
    uint8_t severity;
    int64_t opened_us, due_us; /* due 0: its clock stands still */
    char subject_id[40], terminal_id[9], merchant_id[16], fault[4];
};
/* Where a queue was left off: the last line that was given. */
struct case_mark {
    uint8_t severity; /* 0: from the beginning */
    int64_t due_us;
    uint64_t id;
};
struct case_query {
    bool has_kind, is_closed_too, is_closed_only;
    enum case_kind kind;
    uint32_t hidden_kinds; /* left out, as bits by enum case_kind */
    uint8_t severity_min;
    int64_t due_before_us;                /* 0: any */
    char terminal_id[9], merchant_id[16]; /* empty: any, as the next two */
    char agent_id[12];                    /* of its merchants, and of those of agents below it */
    char point_id[16];
    uint64_t case_id; /* 0: any */
    struct case_mark after;
};
/* The most severe first, of these the one that is due first. */
MUST_CHECK enum status case_book_queue(struct desk *desk, const struct case_query *query,
                                       struct case_line *lines, uint32_t room, uint32_t *count);
/* What case_merge() asks for: cases of the flag's subject, of its terminal, of the cohorts that its
 * terminal is registered in (those open only; of a terminal that is not registered, of any cohort);
 * open, or closed within the quiet days. Open ones first, the newest first, `room` at most. Cases
 * of money, which no flag joins, are not among them. */
struct case_briefs {
    struct case_brief *items;
    uint32_t room, count;
};
MUST_CHECK enum status case_book_briefs(struct desk *desk, const struct flag *flag,
                                        const struct case_rules *rules, struct case_briefs *briefs);

/* When TIME should be told to a case next; 0: to none. */
MUST_CHECK enum status case_book_next_wake(struct desk *desk, int64_t *wake_us);
/* Those to be told by now, the longest due first. */
MUST_CHECK enum status case_book_waking(struct desk *desk, int64_t now_us, uint64_t *ids,
                                        uint32_t room, uint32_t *count);

/* A case of a terminal that waits for something to be seen: FIXED and SWAPPED for a good sign-on or
 * payment, any other state for the terminal's own state, which its first step asked for. */
struct case_wait {
    uint64_t id;
    enum case_state state;
    char terminal_id[9], serial[21];
    int64_t since_us; /* what was seen before does not count */
};
struct case_wait_sink {
    bool (*on_wait)(void *argument, const struct case_wait *wait); /* false: no memory */
    void *argument;
};
/* Of one terminal, or of all with NULL. NO_MEMORY: the sink has none. */
MUST_CHECK enum status case_book_waits(struct desk *desk, const char *terminal_id,
                                       const struct case_wait_sink *sink);
/* Cases of cohorts that were FIXED by that moment, and no flag has come to since. */
MUST_CHECK enum status case_book_calm(struct desk *desk, int64_t since_us, uint64_t *ids,
                                      uint32_t room, uint32_t *count);

/* What other cases have ordered of the same terminal or merchant, so that one case does not take
 * back what another one asked for. A stop counts also of a closed case, which leaves it standing.
 */
struct case_standing {
    uint64_t stop_id, hold_id; /* the newest other case; 0: none */
    int64_t hold_until_us;     /* the latest of all others */
};
MUST_CHECK enum status case_book_standing(struct desk *desk, const struct service_case *it,
                                          struct case_standing *standing);

/* Both may be told twice. DENIED: the flag belongs to another case. */
MUST_CHECK enum status case_book_link_flag(struct desk *desk, uint64_t case_id, uint64_t flag_id);
MUST_CHECK enum status case_book_link_txn(struct desk *desk, uint64_t case_id, uint64_t position);
MUST_CHECK enum status case_book_txns(struct desk *desk, uint64_t case_id, uint64_t *positions,
                                      uint32_t room, uint32_t *count);

/* Nothing of a case that is held for a court is ever deleted, until the hold is lifted. DENIED: it
 * is held already, or not held. */
MUST_CHECK enum status case_book_keep(struct desk *desk, uint64_t case_id,
                                      const struct desk_actor *by, const char *reason);
MUST_CHECK enum status case_book_unkeep(struct desk *desk, uint64_t case_id,
                                        const struct desk_actor *by);

/* Whether it is held for a court now. */
MUST_CHECK enum status case_book_is_kept(struct desk *desk, uint64_t case_id, bool *is_kept);

/* Reads every case and its chain. MALFORMED: the first break, by case and event, stands in the
 * reason. `*event_count`: those that were read. */
MUST_CHECK enum status case_book_verify(struct desk *desk, uint64_t *event_count);
