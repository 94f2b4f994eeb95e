/* Which lines of two texts differ: what must go from the one, what must come, to make the other.
 * Pure.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "protocols/base/status.h"

/* One that goes ('-', numbered in the old text) or comes ('+', in the new); `text` is not ended by
 * a 0. */
struct line_diff_line {
    char sign;
    uint32_t number;
    const char *text;
    uint32_t length;
};

/* Calls for each line that differs, in order. Where the texts differ over so much that a comparison
 * of all with all would take too long, that part goes and comes as a whole. False: no memory. */
MUST_CHECK bool line_diff(const char *old_text, const char *new_text,
                          void (*on_line)(void *argument, const struct line_diff_line *line),
                          void *argument);
