/* Deadlines of many connections on one coarse wheel: arming and cancelling are list moves.
 *
 * Moving a deadline further away only writes its new time; the wheel finds out when it comes past
 * the old place. So a connection that is busy costs the wheel nothing.
 *
 * Life of a deadline:  deadline_init -> arm, cancel ... -> cancel before its memory goes
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#define DEADLINE_TICK_NS UINT64_C(50000000) /* 50 ms: how late a deadline may be seen */
#define DEADLINE_SLOT_COUNT 1024u           /* 51 s a round; later ones wait for another round */

struct deadline {
    struct deadline *next, *previous; /* NULL: not on the wheel */
    uint64_t due_ns;                  /* UINT64_MAX: cancelled lazily */
    uint64_t tick;                    /* where it hangs */
    void (*on_due)(struct deadline *deadline);
};

struct deadline_wheel {
    uint64_t tick; /* the next one to look at */
    struct deadline slots[DEADLINE_SLOT_COUNT];
};

void deadline_wheel_init(struct deadline_wheel *wheel, uint64_t now_ns);
/* Calls what is due. A call may arm and cancel any deadline, its own too. */
void deadline_wheel_advance(struct deadline_wheel *wheel, uint64_t now_ns);

void deadline_init(struct deadline *deadline, void (*on_due)(struct deadline *deadline));
void deadline_arm(struct deadline_wheel *wheel, struct deadline *deadline, uint64_t due_ns);
/* It will not be called; it may still hang on the wheel. */
void deadline_disarm(struct deadline *deadline);
/* Takes it off the wheel: its memory may go. */
void deadline_cancel(struct deadline *deadline);
