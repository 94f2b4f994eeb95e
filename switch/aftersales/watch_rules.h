/* The numbers by which the watcher judges, of one version of anomalies.yaml. Plain value. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "switch/aftersales/flag.h"

/* Up to four numbers a signal, named in signal_number.def: "count_min", "window", "per_mille" ...
 */
#define WATCH_NUMBER_COUNT 4

struct watch_rule {
    bool is_on;
    bool is_watched_only; /* flags, no cases */
    uint8_t severity;     /* 1..4 */
    enum follow_up follow;
    uint32_t quiet_s; /* how long the same subject is not flagged again by it */
    int64_t numbers[WATCH_NUMBER_COUNT];
};

#define WATCH_HOLIDAY_COUNT_MAX 64
struct watch_rules {
    uint32_t version;
    int32_t utc_offset_s; /* of days and business hours */
    /* days since 1970 on which a shop may be closed on its usual weekday: silence says nothing */
    uint32_t holiday_count;
    int32_t holidays[WATCH_HOLIDAY_COUNT_MAX];
    struct watch_rule items[SIGNAL_COUNT];
    struct watch_cohort_rule {
        bool is_on;
        uint32_t terminal_count_min; /* a smaller cohort tells nothing */
        uint32_t times_percent;      /* how many times the peers' rate, in per cent: 300 */
        uint32_t level_ppm;          /* level of the test, in millionths: 1000 is 0.1 % */
        uint32_t quiet_s;
    } cohort;
};

/* The numbers of signal_number.def. */
void watch_rules_default(struct watch_rules *rules);

/* X(NAME, "what is written"): units of signal_number.def. */
#define WATCH_UNIT_MAP(X)                                                                          \
    X(COUNT, "a count")                                                                            \
    X(SECONDS, "a duration")                                                                       \
    X(HOURS, "hours")                                                                              \
    X(DAYS, "days")                                                                                \
    X(MINUTE, "a minute of the day")                                                               \
    X(PER_MILLE, "per mille")                                                                      \
    X(PERCENT, "per cent")                                                                         \
    X(PPM, "millionths")                                                                           \
    X(METRES, "metres")                                                                            \
    X(KM_H, "kilometres an hour")                                                                  \
    X(MINOR, "fen")
enum watch_unit {
#define X(name, text) WATCH_UNIT_##name,
    WATCH_UNIT_MAP(X)
#undef X
        WATCH_UNIT_COUNT_ALL
};
const char *watch_unit_text(enum watch_unit unit);

/* What may be written of one number. */
struct watch_number_form {
    const char *key; /* in anomalies.yaml */
    const char *text;
    enum watch_unit unit;
    int64_t fallback, least, most;
};
/* NULL: the signal has no number in this slot; slots are filled from 0 on. */
const struct watch_number_form *watch_number_form(enum signal_code signal, unsigned slot);
