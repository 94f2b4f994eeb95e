/* See deadline.h. */
#include "switch/net/deadline.h"

#include <stddef.h>

#include "protocols/base/require.h"

_Static_assert((DEADLINE_SLOT_COUNT & (DEADLINE_SLOT_COUNT - 1)) == 0, "ticks wrap by masking");

void deadline_wheel_init(struct deadline_wheel *wheel, uint64_t now_ns)
{
    wheel->tick = now_ns / DEADLINE_TICK_NS;
    for (uint32_t i = 0; i < DEADLINE_SLOT_COUNT; i++) {
        wheel->slots[i] = (struct deadline){.next = &wheel->slots[i], .previous = &wheel->slots[i]};
    }
}

void deadline_init(struct deadline *deadline, void (*on_due)(struct deadline *deadline))
{
    *deadline = (struct deadline){.due_ns = UINT64_MAX, .on_due = on_due};
}

static void unhang(struct deadline *deadline)
{
    deadline->previous->next = deadline->next;
    deadline->next->previous = deadline->previous;
    deadline->next = NULL;
    deadline->previous = NULL;
}

static void hang(struct deadline *head, struct deadline *deadline)
{
    deadline->previous = head->previous;
    deadline->next = head;
    head->previous->next = deadline;
    head->previous = deadline;
}

/* A deadline hangs at the tick after its time, so that it is never early; one beyond the round
 * hangs at the round's end and is looked at again there. */
static void hang_by_time(struct deadline_wheel *wheel, struct deadline *deadline)
{
    uint64_t tick = deadline->due_ns / DEADLINE_TICK_NS + 1;
    uint64_t last = wheel->tick + DEADLINE_SLOT_COUNT - 1;
    tick = tick < wheel->tick ? wheel->tick : tick;
    deadline->tick = tick > last ? last : tick;
    hang(&wheel->slots[deadline->tick & (DEADLINE_SLOT_COUNT - 1)], deadline);
}

void deadline_arm(struct deadline_wheel *wheel, struct deadline *deadline, uint64_t due_ns)
{
    REQUIRE(due_ns < UINT64_MAX);
    deadline->due_ns = due_ns;
    if (deadline->next != NULL) {
        if (deadline->tick <= due_ns / DEADLINE_TICK_NS + 1) {
            return;
        }
        unhang(deadline);
    }
    hang_by_time(wheel, deadline);
}

void deadline_disarm(struct deadline *deadline)
{
    deadline->due_ns = UINT64_MAX;
}

void deadline_cancel(struct deadline *deadline)
{
    deadline->due_ns = UINT64_MAX;
    if (deadline->next != NULL) {
        unhang(deadline);
    }
}

/* Moves the slot to a list of its own first: a call may cancel its neighbours, and what is hung up
 * again must not be met twice. */
static void slot_fire(struct deadline_wheel *wheel, struct deadline *slot, uint64_t now_ns)
{
    struct deadline due = {.next = &due, .previous = &due};
    if (slot->next != slot) {
        due = *slot;
        due.next->previous = &due;
        due.previous->next = &due;
        slot->next = slot;
        slot->previous = slot;
    }
    while (due.next != &due) {
        struct deadline *deadline = due.next;
        unhang(deadline);
        if (deadline->due_ns <= now_ns) {
            deadline->due_ns = UINT64_MAX;
            deadline->on_due(deadline);
        } else if (deadline->due_ns < UINT64_MAX) {
            hang_by_time(wheel, deadline);
        }
    }
}

void deadline_wheel_advance(struct deadline_wheel *wheel, uint64_t now_ns)
{
    uint64_t end = now_ns / DEADLINE_TICK_NS;
    if (end >= wheel->tick + DEADLINE_SLOT_COUNT) {
        wheel->tick = end - DEADLINE_SLOT_COUNT + 1; /* after a long stall: one round sees all */
    }
    while (wheel->tick <= end) {
        struct deadline *slot = &wheel->slots[wheel->tick & (DEADLINE_SLOT_COUNT - 1)];
        wheel->tick++;
        slot_fire(wheel, slot, now_ns);
    }
}
