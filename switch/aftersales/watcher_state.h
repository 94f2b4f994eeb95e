/* What the watcher consists of, for its own files: watcher.c (rows), watcher_merchant.c (rows and
 * hours of merchants), watcher_hour.c (time), watcher_image.c (its memory as bytes). */
#pragma once

#include "switch/aftersales/card_table.h"
#include "switch/aftersales/cohort_watch.h"
#include "switch/aftersales/merchant_watch.h"
#include "switch/aftersales/serial_book.h"
#include "switch/aftersales/terminal_watch.h"
#include "switch/aftersales/watch_slab.h"
#include "switch/aftersales/watcher.h"

#define WATCH_MARK "tillway watch 2"
#define WATCH_HOURS_OF_WEEK 168
#define WALK_COUNT_MAX 4096        /* terminals, merchants or cohorts within one step */
#define MERCHANT_HOUR_FLAG_COUNT 4 /* a merchant's hour raises fewer */

/* The first part of the image: all that is remembered of no one in particular. */
struct watch_head {
    char mark[16];
    struct watch_limits limits;
    uint32_t terminal_size, cohort_size, merchant_size, card_size; /* bytes: a layout's own */
    uint32_t terminal_count, cohort_count, merchant_count, serial_count;
    uint64_t position;
    int64_t wall_us;
    int64_t hour; /* since 1970, where the business is: all before are judged; 0: none was seen */
    uint32_t walk_terminal, walk_merchant, walk_awake,
        walk_known;                            /* of the hour that is being judged */
    uint8_t is_holiday, is_night;              /* as the hour before showed */
    uint32_t usual_awake[WATCH_HOURS_OF_WEEK]; /* terminals seen within a day, by hour */
};

struct merchant_slot {
    char merchant_id[16];
    struct merchant_state state;
};

struct watcher {
    struct watch_head head;
    struct watch_rules rules;
    struct watch_slab terminals;           /* of struct terminal_state */
    struct terminal_facts *facts;          /* owner; beside them, empty: not learned */
    struct watch_slab merchants;           /* of struct merchant_slot */
    struct merchant_facts *merchant_facts; /* owner; beside them, empty: not learned */
    struct peer_state peers;
    struct card_table cards;
    struct channel_peers_table channels;
    struct cohort_table cohorts;
    struct serial_book serials;
};

/* Days, minutes and weekdays of event time where the business is; the rest of the moment is the
 * terminal's (`index`, or WATCH_SLAB_NONE). */
struct watch_moment watcher_moment(const struct watcher *watcher, const struct observation *seen,
                                   int64_t wall_us, uint32_t index);
/* The first hour is that of the first observation. */
void watcher_begin(struct watcher *watcher);
/* TIME: judges the hours that have ended; true: there is more to say. */
bool watcher_hours(struct watcher *watcher, const struct observation *seen, struct flag_sink *sink);
/* The merchant's part of a moment, by its merchant_id; its index, or WATCH_SLAB_NONE where it is
 * not watched. */
uint32_t watcher_merchant_find(struct watcher *watcher, struct watch_moment *moment);
/* One row of a merchant, by what watcher_merchant_find() said. */
void watcher_merchant_row(struct watcher *watcher, uint32_t index,
                          const struct watch_moment *moment, struct flag_sink *sink);
/* An hour's end, some merchants at a time; false: neither done nor room left; again. */
bool watcher_merchants_walk(struct watcher *watcher, const struct observation *seen, int64_t end_us,
                            struct flag_sink *sink);
/* Brings the counts of the head up to date. */
void watcher_settle(struct watcher *watcher);
