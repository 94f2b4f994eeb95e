/* The watcher: observations in, flags out. Pure, like the engine: no clock, no allocation after
 * create, and the same observations give the same flags.
 *
 * What it remembers of a terminal, a merchant or a card is a plain value of fixed size (at most 1
 * KiB a terminal) in a slab made at create; all of it can be written to a file and read back, so a
 * restart goes on where it was: image, then the rows of the log after `watcher_position`.
 *
 * Life:  create -> set_rules -> (load image) -> learn facts ... -> step ... -> destroy
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "protocols/base/bytes.h"
#include "protocols/base/status.h"
#include "switch/aftersales/facts.h"
#include "switch/aftersales/flag.h"
#include "switch/aftersales/observation.h"
#include "switch/aftersales/watch_rules.h"

struct watcher;

struct watch_limits {
    uint32_t terminal_count_max, merchant_count_max;
    uint32_t card_count_max;   /* cards remembered at once; the longest unused gives way */
    uint32_t cohort_count_max; /* values of all cohorts together */
};

#define WATCH_FLAG_COUNT_MAX 16
struct watch_output {
    uint32_t count;
    bool has_more; /* a TIME with much to say: give it the same TIME again */
    struct flag flags[WATCH_FLAG_COUNT_MAX];
};

/* NULL: no memory. */
struct watcher *watcher_create(const struct watch_limits *limits);
void watcher_destroy(struct watcher *watcher);

/* The numbers by which it judges from now on; copied. */
void watcher_set_rules(struct watcher *watcher, const struct watch_rules *rules);
/* What is registered; copied. False: no room (the limits), and the terminal is not watched. */
bool watcher_learn_terminal(struct watcher *watcher, const struct terminal_facts *facts);
bool watcher_learn_merchant(struct watcher *watcher, const struct merchant_facts *facts);

/* One observation; `output` is overwritten. Observations of positions not above watcher_position
 * are old and give nothing. */
void watcher_step(struct watcher *watcher, const struct observation *observation,
                  struct watch_output *output);

/* The TIME that must be stepped before a row of `until_us`, or once it is certain that no earlier
 * row comes: hour by hour, since nothing but an hour's end depends on TIME. So it does not matter
 * when it is asked for, whether there were rows meanwhile, or whether a restart lay between: a
 * driver that steps what this gives, before each row, has the flags of every other one. False: none
 * is due; before the first row none ever is. */
bool watcher_time_due(const struct watcher *watcher, int64_t until_us, struct observation *time);

/* The last position it has seen, and the event time it has come to. */
uint64_t watcher_position(const struct watcher *watcher);
int64_t watcher_wall_us(const struct watcher *watcher);
/* A hash over all it remembers. */
uint64_t watcher_state_hash(const struct watcher *watcher);

/* Its memory as bytes: parts that are written one after the other, and read back into a watcher of
 * the same limits. The first begins with a mark of the layout: STATUS_BAD_VALUE when it is another
 * one, and nothing is changed; also when the rest is damaged, and then all is forgotten. Facts are
 * learned again after it. */
uint32_t watcher_image_count(const struct watcher *watcher);
struct byte_view watcher_image(const struct watcher *watcher, uint32_t part);
MUST_CHECK enum status watcher_load(struct watcher *watcher, struct byte_view image);

/* What it knows of one terminal, for the dossier; false: not watched. */
struct watch_terminal_view {
    int64_t last_seen_us, last_signon_us, last_settled_us, last_payment_us;
    uint32_t payments_day, declines_day, timeouts_day, reversals_day;
    uint32_t mac_failures_hour, tls_failures_hour, fallback_per_mille;
    char serial[21], firmware[9];
    uint8_t faulty;
    int32_t clock_ahead_s, latitude_e3, longitude_e3;
};
bool watcher_terminal(const struct watcher *watcher, const char *terminal_id,
                      struct watch_terminal_view *view);
