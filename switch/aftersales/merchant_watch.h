/* The judge of merchants and cards: the C signals, but for those of a terminal (C6, C9), and L9.
 *
 * Days, weeks and months are those of the business; a payment counts when it has its outcome. A
 * mean or percentile of a merchant's own speaks after seven days with business; before, a merchant
 * is judged by what is registered and beside its peers (C23). Amounts in another currency than yuan
 * are counted and not weighed.
 *
 * Of each row of a merchant:    merchant_watch_step, then
 *                               merchant_watch_suspects -> merchant_watch_lost of each
 * Of each merchant, hourly:     merchant_watch_hour
 */
#pragma once

#include "switch/aftersales/card_watch.h"
#include "switch/aftersales/merchant_tally.h"
#include "switch/aftersales/peer_state.h"
#include "switch/aftersales/watch_moment.h"

/* One observation of this merchant. `card`: NULL where none was used. `state->number` is set. */
void merchant_watch_step(struct merchant_state *state, struct card_state *card,
                         struct peer_state *peers, const struct watch_moment *moment,
                         struct flag_sink *sink);

/* Time has passed: ends the day of a merchant that is closed now, too. */
void merchant_watch_hour(struct merchant_state *state, struct peer_state *peers,
                         const struct watch_moment *moment, struct flag_sink *sink);

/* Where the card of this moment was read before, by `merchant_state.number`, if the observation
 * says that it is lost or stolen; gives how many (C17). */
uint32_t merchant_watch_suspects(const struct merchant_state *state, struct card_state *card,
                                 const struct watch_moment *moment,
                                 uint32_t merchants[CARD_RECENT_COUNT]);
/* One of those, by its own state, in a moment of its own: its merchant_id and facts, no terminal,
 * the row that was declined elsewhere. */
void merchant_watch_lost(struct merchant_state *state, const struct watch_moment *moment,
                         struct flag_sink *sink);
