/* A month of a fleet as a watcher of terminals would have seen it, with everything that goes wrong
 * known beforehand: what rules are measured by.
 *
 * Healthy terminals keep the rhythm of their trade: a day's, a week's, a holiday's; a few cards are
 * declined, a few answers come too late, a channel is away for an hour. Some terminals and
 * merchants go wrong in a known way from a known moment on (fleet_month.def), and five times
 * all terminals of one kind do. Everything follows from the seed. Nothing here knows the rules.
 *
 *   observations.csv   rows in order, as `tillway-watch replay` reads them
 *   facts.csv          what is registered
 *   labels.csv subject_kind,subject,cohort,kind,signals,also,required,start_us,end_us,terminals
 *   anomalies.yaml     the calendar's holidays, and nothing else
 *   month.csv          terminals, days, terminal_days that passed
 */
#pragma once

#include <stdint.h>

#include "protocols/base/status.h"

#define FLEET_MONTH_TERMINAL_COUNT_MAX 20000
#define FLEET_MONTH_DAY_COUNT_MIN 14
#define FLEET_MONTH_DAY_COUNT_MAX 60

struct fleet_month_options {
    uint32_t terminal_count, day_count;
    uint64_t seed;
};

/* Not STATUS_OK: a line on stderr says which file could not be written. The folder exists. */
MUST_CHECK enum status fleet_month_write(const struct fleet_month_options *options,
                                         const char *folder);
