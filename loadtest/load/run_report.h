/* What is said at the end of a run: the JSON result and one line. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "loadtest/load/run_options.h"
#include "loadtest/load/tally.h"
#include "loadtest/load/window.h"

struct run_report {
    const struct run_options *options; /* borrowed */
    struct tally *tally;               /* borrowed */
    const struct window *window;       /* borrowed */
    uint32_t ready_count;              /* terminals signed on at the end */
    bool were_all_ready;
    bool is_day_cut_short;
    /* some errand of the profile was not done */ /* all were signed on when the load began */
};

/* *is_valid: the tool itself kept up: all terminals were online, no payment was dropped.
 * STATUS_BROKEN: the file cannot be written. */
MUST_CHECK enum status run_report_write(const struct run_report *report, bool *is_valid);
