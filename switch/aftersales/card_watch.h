/* What is remembered of one card: how often it was used today and where, and where it was used
 * before. Known by the hash of its number alone; merchants are the numbers that the watcher gives
 * them (`merchant_state.number`), owners a short hash of theirs.
 *
 * Plain value: may be copied and kept as bytes. All zeros: a card that was never seen.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#define CARD_PLACE_COUNT 3  /* merchants of today in detail; more in turn is C20's business */
#define CARD_RECENT_COUNT 7 /* merchants it was last used at */
#define CARD_AMOUNT_COUNT 2 /* amounts told apart at one merchant on one day */
#define CARD_RECENT_DAYS 30 /* what is older says nothing of where a card was copied */
#define CARD_RETURN_DAYS 7  /* a card that comes back within them is the "same card" of C16 */

struct card_place {
    uint32_t merchant;                   /* 0: empty */
    uint32_t amounts[CARD_AMOUNT_COUNT]; /* minor units, at most UINT32_MAX */
    uint8_t same[CARD_AMOUNT_COUNT];     /* how often each was approved */
    uint8_t uses, no_funds;
};

struct card_state {
    uint64_t positions[2];                      /* rows of its last two payments today */
    struct card_place places[CARD_PLACE_COUNT]; /* of `day`; the latest used first */
    uint32_t recent[CARD_RECENT_COUNT];         /* merchants, the latest used first; 0: none */
    uint16_t recent_days[CARD_RECENT_COUNT], recent_owners[CARD_RECENT_COUNT];
    uint16_t day;
};

/* One use of the card, as far as it is remembered. */
struct card_use {
    uint32_t merchant; /* never 0 */
    uint16_t owner;    /* 0: not known */
    int32_t day;       /* since 1970; never goes back */
    int64_t amount_minor;
    uint64_t position; /* of the log's row */
};

/* It was read here: it joins the merchants of its last days. Everything else asks this first. */
void card_watch_seen(struct card_state *card, const struct card_use *use);
/* Whether it had been at this merchant within CARD_RETURN_DAYS; asked before card_watch_seen(). */
bool card_watch_returns(const struct card_state *card, const struct card_use *use);
/* At how many merchants of the use's owner it was seen on that day; 0: the owner is not known. */
uint32_t card_watch_owner_count(const struct card_state *card, const struct card_use *use);

struct card_count {
    uint32_t same_amount, uses;
};
/* A payment was approved; gives the counts of the day at this merchant, this one included. */
struct card_count card_watch_paid(struct card_state *card, const struct card_use *use);
/* A payment of the day was voided or reversed: it is taken from the counts. */
void card_watch_undone(struct card_state *card, const struct card_use *use);
/* It was declined for want of money; gives how often so today at this merchant. */
uint32_t card_watch_no_funds(struct card_state *card, const struct card_use *use);

/* The card is lost or stolen, it turned out: gives the merchants where it was read within
 * CARD_RECENT_DAYS, except the use's own, and forgets them, so that each is told once a card. */
uint32_t card_watch_lost(struct card_state *card, const struct card_use *use,
                         uint32_t merchants[CARD_RECENT_COUNT]);

/* Whether these bytes, read back from a file, can be a card's memory: no merchant of it has a
 * number above `merchant_count`. */
bool card_watch_is_sound(const struct card_state *card, uint32_t merchant_count);
