/* The numbers by which the watcher judges, of one version of anomalies.yaml. Plain value. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "switch/aftersales/flag.h"

/* Up to four numbers a signal, named in signal_number.def: "count_min", "window_s", "per_mille" ...
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

struct watch_rules {
    uint32_t version;
    int32_t utc_offset_s; /* of days and business hours */
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
