/* Signals of one terminal: its health (T), its identity and place (L), money (M), wrong PINs and
 * chips that are not read (C6, C9).
 *
 * A healthy terminal has its rhythm: rates are held against its peers of the same channel or its
 * own past, silence against its own weekdays and against how much of the fleet is awake.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "switch/aftersales/channel_peers.h"
#include "switch/aftersales/watch_moment.h"
#include "switch/aftersales/window.h"

#define TERMINAL_PIN_COUNT 8
#define TERMINAL_CELL_COUNT 4
#define TERMINAL_WEEKDAYS_ALL 127
#define TERMINAL_COHORT_COUNT 5 /* brand, model, firmware, agent, region */

/* What is remembered of a terminal. Plain value without pointers; all zeros but the id is one of
 * which nothing was seen. Times in seconds since 1970, 0: never. */
struct terminal_state {
    char terminal_id[9];
    char serial[DEVICE_NOTE_SERIAL_SIZE], firmware[DEVICE_NOTE_FIRMWARE_SIZE]; /* as it last told */
    uint8_t faulty;
    struct watch_subject subject;

    /* signs of life */
    uint32_t known_s, seen_s, signon_s, settled_s, paid_s;
    uint32_t unsettled_s; /* the first payment since it settled */
    uint16_t silent_hours;
    uint8_t silent_level;    /* how often this silence was flagged */
    uint8_t weekday_seen[7]; /* how usual it is to see it: 255 always */
    uint8_t weekdays_known;  /* bit n: weekday_seen[n] says something */
    /* as bytes, since a damaged image may hold any; the latter as it was when it was last seen */
    uint8_t is_seen_today, is_week_known;

    /* counts of windows of the rules */
    struct window mac_failures, malformed, tls_failures, keyless, not_signed_on;
    struct window timeouts, timeout_requests, declines, ended, reversals, requests;
    struct window fallbacks, reads, slow, timed, clock_off, unproven;
    struct window payments_day, declines_day, timeouts_day;

    /* streaks: how many in a row */
    uint16_t totals_streak, faulty_streak, firmware_streak, serial_streak, far_streak, cell_streak;

    uint32_t decline_average; /* of its declines: 65536 is all */
    uint32_t ended_count;     /* that the average rests on; saturating */
    uint32_t asked_stan, batch, stan;
    int64_t asked_us;      /* 0: nothing asked */
    int32_t clock_ahead_s; /* as last told */

    /* place */
    int32_t latitude_e3, longitude_e3;
    uint32_t placed_s;
    uint16_t outside_bits, bad_place_bits; /* of the last positions and payments, newest lowest */
    uint16_t placed_count;
    uint32_t cells[TERMINAL_CELL_COUNT]; /* the usual ones, the newest first */

    struct {
        uint32_t card, at_s; /* the card's hash, shortened */
    } pins[TERMINAL_PIN_COUNT];
    uint8_t pin_next;

    /* cohorts: places in their table, plus 1; what this terminal already counts for in them */
    uint32_t cohorts[TERMINAL_COHORT_COUNT], channel; /* channel: the last one */
    uint32_t counted_hour, failed_hour;               /* hours since 1970 */
    int32_t counted_day;
    uint8_t failed_hours; /* of that day */
    uint8_t is_counted_today;

    /* the last card read by its stripe, its hash shortened; stands where images of before have
     * zeros */
    uint32_t fallback_card;

    uint64_t channels_hour, channels_day, channels_failed_hour, channels_failed_day; /* as bits */
    uint64_t channels_failed_twice, channels_failed_thrice; /* hours of that day */
};
_Static_assert(sizeof(struct terminal_state) <= 1024, "a terminal's memory has its limit");

/* One observation of this terminal; `peers`: of seen->channel, NULL: none. */
void terminal_watch_step(struct terminal_state *state, struct channel_peers *peers,
                         const struct watch_moment *moment, struct flag_sink *sink);

/* What an hour's end says about silence; moment->wall_us is that end. */
struct watch_hour {
    bool is_holiday; /* much less of the fleet is awake than usual: nothing is learned of it */
    bool is_night;   /* next to nobody is, and nobody is expected */
    bool is_day_end; /* the business day ends with this hour */
    uint8_t weekday; /* of the hour that ends, 1 Monday .. 7 Sunday */
};
/* Raises at most TERMINAL_HOUR_FLAG_COUNT flags. */
#define TERMINAL_HOUR_FLAG_COUNT 3
void terminal_watch_hour(struct terminal_state *state, const struct watch_hour *hour,
                         const struct watch_moment *moment, struct flag_sink *sink);

/* --- within the folder ------------------------------------------------------------------------ */

/* L1 to L4, of a message in which the terminal itself speaks. */
void terminal_place_step(struct terminal_state *state, const struct watch_moment *moment,
                         struct flag_sink *sink);
/* T4, T5, T14, T17. */
void terminal_rate_step(struct terminal_state *state, struct channel_peers *peers,
                        const struct watch_moment *moment, struct flag_sink *sink);
/* Whether the terminal itself speaks in what was seen: only then it tells of itself anew. */
bool terminal_speaks(enum observation_kind kind);
/* Raises where `value` has reached `threshold`; `window_s` is what the value was counted over. */
struct watch_count {
    enum signal_code signal;
    int64_t value, threshold;
    int64_t window_s;
};
bool terminal_raise(struct terminal_state *state, const struct watch_moment *moment,
                    struct flag_sink *sink, const struct watch_count *count);
