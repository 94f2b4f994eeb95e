/* Makes a log of any length as fast as the disk takes it: terminals that sign on, then purchases
 * with results, the last of them in doubt: half without a result, half with a reversal that is not
 * acknowledged. */
#pragma once

#include <stdint.h>

struct log_fill {
    const char *folder;
    uint64_t row_count;             /* about; the last purchase is whole */
    uint32_t in_doubt_count;        /* of it, transactions that are not over */
    uint32_t terminal_count;        /* 60000001 and on */
    uint32_t segment_row_count_max; /* as the option of the store */
};

/* Goes on where the log ends. Exits with a sentence when it cannot. */
void log_fill(const struct log_fill *fill);
