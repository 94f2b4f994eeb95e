/* log_fill FOLDER ROWS [IN_DOUBT [TERMINALS [SEGMENT_ROWS]]]: makes a log for tests and benchmarks.
 */
#include <stdio.h>
#include <stdlib.h>

#include "tests/bench/log_fill.h"

static uint64_t number_at(int count, char **words, int at, uint64_t fallback)
{
    return count > at ? strtoull(words[at], NULL, 10) : fallback;
}

int main(int count, char **words)
{
    if (count < 3) {
        fputs("usage: log_fill FOLDER ROWS [IN_DOUBT [TERMINALS [SEGMENT_ROWS]]]\n", stderr);
        return 64;
    }
    struct log_fill fill = {.folder = words[1],
                            .row_count = number_at(count, words, 2, 0),
                            .in_doubt_count = (uint32_t)number_at(count, words, 3, 0),
                            .terminal_count = (uint32_t)number_at(count, words, 4, 1000),
                            .segment_row_count_max = (uint32_t)number_at(count, words, 5, 1000000)};
    log_fill(&fill);
    return 0;
}
