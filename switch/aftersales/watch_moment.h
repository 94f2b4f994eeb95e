/* What every part of the watcher is handed: the observation, what is known around it, and the sink
 * into which flags are raised.
 *
 * A subject (a terminal, a merchant) keeps a `watch_subject`: when each of its signals was last
 * raised, and the rows that spoke for them. A part notes each row that counts towards a signal,
 * compares with the numbers of the rules, and raises; whether a rule is on, quiet or only watched
 * is decided in watch_raise() alone.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "switch/aftersales/facts.h"
#include "switch/aftersales/flag.h"
#include "switch/aftersales/observation.h"
#include "switch/aftersales/watch_rules.h"

struct watch_moment {
    const struct observation *seen;        /* of an hour: a TIME */
    const struct terminal_facts *terminal; /* NULL: not registered, or none is meant */
    const struct merchant_facts *merchant; /* NULL: not registered, or none is meant */
    const struct watch_rules *rules;       /* never NULL */
    const char *terminal_id, *merchant_id; /* whose flags these will be; may be "" */
    const char *serial;                    /* as the terminal last told; may be "" */
    int64_t wall_us;                       /* event time; never goes back */
    int32_t day;                           /* since 1970, where the business is */
    uint16_t minute;                       /* of that day */
    uint8_t weekday;                       /* 1 Monday .. 7 Sunday */
    bool is_channel_ill;                   /* a cohort's flag on seen->channel stands */
    bool is_fleet_linked;                  /* a cohort's flag explains faults of this terminal */
};

/* --- numbers of the rules ------------------------------------------------------------------- */

/* NUMBER_TIMEOUTS_COUNT_MIN and so on: slots of signal_number.def. */
enum {
#define NUMBER(signal, slot, name, key, unit, fallback, least, most, text)                         \
    NUMBER_##signal##_##name = (slot),
#include "switch/aftersales/signal_number.def"
#undef NUMBER
};
/* watch_number(moment, TIMEOUTS, COUNT_MIN) */
#define watch_number(moment, signal, name)                                                         \
    ((moment)->rules->items[SIGNAL_##signal].numbers[NUMBER_##signal##_##name])

/* --- subjects: when, and why ---------------------------------------------------------------- */

#define WATCH_QUIET_COUNT 36
#define WATCH_NOTE_COUNT 16

/* Plain value; all zeros: nothing was ever noted or raised. */
struct watch_subject {
    uint32_t raised_s[WATCH_QUIET_COUNT]; /* event time; by the signal's place among its kind */
    uint64_t positions[WATCH_NOTE_COUNT]; /* a ring of noted rows */
    uint8_t signals[WATCH_NOTE_COUNT];    /* for which signal, plus 1; 0: empty */
    uint8_t next;
    uint8_t unused[7];
};

/* The row speaks for `signal`: it will stand in the evidence of its next flag. */
void watch_note(struct watch_subject *subject, enum signal_code signal, uint64_t position);

/* When this signal was last raised, in seconds since 1970; 0: never. */
uint32_t watch_raised_s(const struct watch_subject *subject, enum signal_code signal);

/* --- flags ---------------------------------------------------------------------------------- */

struct flag_sink {
    struct flag *flags; /* borrowed */
    uint32_t count, count_max;
};

struct watch_finding {
    enum signal_code signal;
    uint8_t severity; /* at least this one; 0: as the rules say */
    int64_t value, threshold;
    int64_t window_begin_us;
};

/* Raises the flag of a terminal's or merchant's signal, unless the rule is off, the subject is
 * quiet about it, or the sink is full (then it comes with the next row that passes the threshold).
 * Fills who, why and the noted rows; the current row is noted. True: a flag stands in the sink, and
 * the subject is quiet about this signal for the rule's quiet_s. */
bool watch_raise(struct flag_sink *sink, const struct watch_moment *moment,
                 struct watch_subject *subject, const struct watch_finding *finding);
