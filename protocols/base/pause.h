/* Places where long work may pause.
 *
 * A table of a million rows is read, sorted and laid out by a thread beside those that carry the
 * payments. However low its priority, a kernel leaves a core to whoever has it until the next tick
 * (4 ms). So loops of such work pass a pause point with every row, and a thread that has asked for
 * it is called there now and then; for every other thread the place costs a look at one word.
 */
#pragma once

#include <stdint.h>

#define PAUSE_POINTS 16u /* passed between two calls */

struct pause {
    void (*take)(void); /* NULL: this thread does not pause */
    uint32_t left;      /* points until it is called */
};

extern _Thread_local struct pause thread_pause;

/* Of the calling thread, until it ends; NULL: no longer. */
void pause_set(void (*take)(void));

static inline void pause_point(void)
{
    if (thread_pause.take != (void (*)(void))0 && --thread_pause.left == 0) {
        thread_pause.left = PAUSE_POINTS;
        thread_pause.take();
    }
}
