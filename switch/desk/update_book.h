/* Campaigns that update a model's terminals in waves, and how far each terminal is.
 *
 * Which terminals, and in which wave, is settled when a campaign is made: active ones of the model
 * whose software, as last told, else as registered, is below the wanted one. Those heard of within
 * the last UPDATE_SEEN_DAYS come first, in an order that says nothing about them, so that a wave is
 * a fair sample; the silent ones come last. What a campaign asks is written into effect_book.h in
 * the transaction that notes the terminal as asked, so a crash loses nothing and asks nothing
 * again. When it goes on and when it stops, switch/aftersales/update_wave.h says.
 *
 * Life of a campaign:  made, going <-> stopped -> finished; every change stands in `history`.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "switch/aftersales/update_wave.h"
#include "switch/desk/desk.h"

#define UPDATE_REASON_SIZE 192
#define UPDATE_SEEN_DAYS 7
#define UPDATE_SETTLE_HOURS_MAX 168 /* an order to ask lives no longer */
#define UPDATE_SETTLE_HOURS_FALLBACK 24
#define UPDATE_ACTOR "after-sales" /* who stops or finishes where nobody does */

#define UPDATE_STATE_MAP(X) X(GOING, "going") X(STOPPED, "stopped") X(FINISHED, "finished")
enum update_state {
#define X(name, word) UPDATE_##name,
    UPDATE_STATE_MAP(X)
#undef X
        UPDATE_STATE_COUNT
};
const char *update_state_word(enum update_state state);

struct update_campaign {
    uint64_t id; /* never used twice */
    char brand[16], model[16], firmware[9];
    struct update_waves waves;
    int64_t settle_us; /* between waves, and what a terminal has to tell the version */
    int64_t made_us;
    char made_by[32];
    enum update_state state;
    uint32_t wave;      /* the last that has begun, from 0 */
    int64_t wave_us;    /* when that was */
    int64_t changed_us; /* into its state: by whom and why; flags since then stop it */
    char changed_by[32], reason[UPDATE_REASON_SIZE];
};

/* What is wanted: brand, model, waves, settle_us and, empty for the model's lowest version that is
 * well, firmware. NOT_FOUND: no such model is registered. BAD_VALUE: no version was named, and the
 * model has none. DENIED: another campaign of the model goes, or no terminal is below the version.
 */
MUST_CHECK enum status update_book_make(struct desk *desk, const struct update_campaign *wanted,
                                        const struct desk_actor *by, uint64_t *id);
MUST_CHECK enum status update_book_find(struct desk *desk, uint64_t id,
                                        struct update_campaign *campaign);
/* The newest first, `room` at most. */
MUST_CHECK enum status update_book_list(struct desk *desk, struct update_campaign *campaigns,
                                        uint32_t room, uint32_t *count);
/* How far the terminals of each wave are. */
struct update_counts {
    uint32_t of_wave[UPDATE_WAVE_COUNT_MAX][UPDATE_TARGET_COUNT];
};
MUST_CHECK enum status update_book_counts(struct desk *desk, uint64_t id,
                                          struct update_counts *counts);

/* What is asked for and was not told to the switch yet is taken back; what was told stands until
 * the settling time is over. NOT_FOUND; DENIED: it does not go. */
MUST_CHECK enum status update_book_stop(struct desk *desk, uint64_t id, const char *reason,
                                        const struct desk_actor *by);
/* Those that failed are asked again. NOT_FOUND; DENIED: it is not stopped, or another campaign of
 * the model goes. */
MUST_CHECK enum status update_book_resume(struct desk *desk, uint64_t id, const char *reason,
                                          const struct desk_actor *by);

/* Those of all campaigns that have something to come, for the turn of update_turn.h: `*id` 0 is
 * the first; 0 comes back behind the last. */
MUST_CHECK enum status update_book_next(struct desk *desk, uint64_t *id);
/* The switch refused to ask the terminal, for good: it has failed. Within the caller's
 * transaction. */
MUST_CHECK enum status update_book_refused(struct desk *desk, uint64_t id, const char *terminal_id);
/* Into another state, within the caller's transaction, with its line of history. */
MUST_CHECK enum status update_book_change(struct desk *desk, const struct update_campaign *campaign,
                                          enum update_state state, const char *reason,
                                          const struct desk_actor *by);
