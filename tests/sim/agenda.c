/* See agenda.h. */
#include "tests/sim/agenda.h"

#include "protocols/base/require.h"

void agenda_init(struct agenda *agenda)
{
    agenda->count = 0;
    agenda->order_next = 0;
}

static bool is_before(const struct agenda_item *left, const struct agenda_item *right)
{
    return left->when_ns < right->when_ns ||
           (left->when_ns == right->when_ns && left->order < right->order);
}

void agenda_add(struct agenda *agenda, const struct agenda_item *item)
{
    REQUIRE(agenda->count < AGENDA_ITEM_COUNT_MAX);
    uint32_t at = agenda->count++;
    struct agenda_item added = *item;
    added.order = agenda->order_next++;
    while (at > 0 && is_before(&added, &agenda->heap[(at - 1) / 2])) {
        agenda->heap[at] = agenda->heap[(at - 1) / 2];
        at = (at - 1) / 2;
    }
    agenda->heap[at] = added;
}

bool agenda_next(struct agenda *agenda, struct agenda_item *item)
{
    if (agenda->count == 0) {
        return false;
    }
    *item = agenda->heap[0];
    struct agenda_item last = agenda->heap[--agenda->count];
    uint32_t at = 0;
    for (uint32_t child = 1; child < agenda->count; child = 2 * at + 1) {
        if (child + 1 < agenda->count &&
            is_before(&agenda->heap[child + 1], &agenda->heap[child])) {
            child++;
        }
        if (!is_before(&agenda->heap[child], &last)) {
            break;
        }
        agenda->heap[at] = agenda->heap[child];
        at = child;
    }
    agenda->heap[at] = last;
    return true;
}
