/* Whether what the machine's clock says may be told to those who act on it: the clock that never
 * jumps is its witness.
 *
 * Cases that are due are escalated, holds end and terminals count as silent because time has
 * passed; a machine's clock that runs ahead by a day would do all of it at once (I28), and nothing
 * of it is undone when the clock is set right again. So a clock that jumps ahead is doubted: until
 * it is back, or has stayed there for an hour, since a clock that was behind is set right, too. One
 * that jumps back is believed: time stands still for a while, and nothing is done too early.
 *
 * It is asked of the time between rows. What a row itself says is not doubted: by it the watcher
 * counts silence (see README).
 *
 * Life:  {0} -> clock_doubt_look ...
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#define CLOCK_DOUBT_JUMP_US INT64_C(60000000)  /* ahead of the witness by more: it has jumped */
#define CLOCK_DOUBT_NS UINT64_C(3600000000000) /* so long is it doubted */

struct clock_doubt {
    /* when it was believed last, by both clocks */
    int64_t wall_us;
    uint64_t now_ns;
    uint64_t since_ns; /* of the doubt */
    int64_t ahead_us;  /* in doubt: by how much it has jumped; else 0 */
    bool is_begun, is_in_doubt;
};

/* Looks at both clocks, at least once a minute; `now_ns` is monotonic. True: what `wall_us` says
 * may be told. The first look believes. */
bool clock_doubt_look(struct clock_doubt *doubt, int64_t wall_us, uint64_t now_ns);
