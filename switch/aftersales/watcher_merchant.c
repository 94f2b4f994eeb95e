/* Rows and hours of merchants, and the cards used at them. */
#include "switch/aftersales/watcher_state.h"

static bool is_learned(const struct watcher *watcher, uint32_t index)
{
    return index != WATCH_SLAB_NONE && watcher->merchant_facts[index].merchant_id[0] != 0;
}

bool watcher_learn_merchant(struct watcher *watcher, const struct merchant_facts *facts)
{
    uint32_t index = watch_slab_add(&watcher->merchants, facts->merchant_id);
    if (index == WATCH_SLAB_NONE) {
        return false;
    }
    struct merchant_slot *slot = watch_slab_item(&watcher->merchants, index);
    slot->state.number = index + 1;
    watcher->merchant_facts[index] = *facts;
    watcher_settle(watcher);
    return true;
}

uint32_t watcher_merchant_find(struct watcher *watcher, struct watch_moment *moment)
{
    uint32_t index = watch_slab_find(&watcher->merchants, moment->merchant_id);
    bool is_known = is_learned(watcher, index);
    moment->merchant = is_known ? &watcher->merchant_facts[index] : NULL;
    return is_known ? index : WATCH_SLAB_NONE;
}

/* C17: where the card was read before it was found lost or stolen. Each is told in a moment of its
 * own: no terminal of it has anything to do with this row. */
static void suspects_tell(struct watcher *watcher, const uint32_t *numbers, uint32_t count,
                          const struct watch_moment *moment, struct flag_sink *sink)
{
    for (uint32_t i = 0; i < count; i++) {
        uint32_t index = numbers[i] - 1;
        if (index >= watcher->merchants.count || !is_learned(watcher, index)) {
            continue;
        }
        struct merchant_slot *slot = watch_slab_item(&watcher->merchants, index);
        struct watch_moment own = *moment;
        own.merchant = &watcher->merchant_facts[index];
        own.merchant_id = slot->merchant_id;
        own.terminal = NULL;
        own.terminal_id = "";
        own.serial = "";
        merchant_watch_lost(&slot->state, &own, sink);
    }
}

void watcher_merchant_row(struct watcher *watcher, uint32_t index,
                          const struct watch_moment *moment, struct flag_sink *sink)
{
    if (index == WATCH_SLAB_NONE) {
        return;
    }
    struct merchant_slot *slot = watch_slab_item(&watcher->merchants, index);
    struct card_state *card =
        card_table_use(&watcher->cards, &moment->seen->pan_hash, moment->wall_us);
    uint32_t numbers[CARD_RECENT_COUNT];
    merchant_watch_step(&slot->state, card, &watcher->peers, moment, sink);
    uint32_t count = merchant_watch_suspects(&slot->state, card, moment, numbers);
    suspects_tell(watcher, numbers, count, moment, sink);
}

bool watcher_merchants_walk(struct watcher *watcher, const struct observation *seen, int64_t end_us,
                            struct flag_sink *sink)
{
    struct watch_head *head = &watcher->head;
    for (uint32_t count = WALK_COUNT_MAX; head->walk_merchant < watcher->merchants.count; count--) {
        if (count == 0 || sink->count + MERCHANT_HOUR_FLAG_COUNT > sink->count_max) {
            return false;
        }
        uint32_t index = head->walk_merchant++;
        if (!is_learned(watcher, index)) {
            continue;
        }
        struct merchant_slot *slot = watch_slab_item(&watcher->merchants, index);
        struct watch_moment moment = watcher_moment(watcher, seen, end_us, WATCH_SLAB_NONE);
        moment.merchant_id = slot->merchant_id;
        moment.merchant = &watcher->merchant_facts[index];
        merchant_watch_hour(&slot->state, &watcher->peers, &moment, sink);
    }
    return true;
}
