/* The watcher's memory as bytes: its parts in a fixed order, the head first. See watcher.h. */
#include <stddef.h>
#include <string.h>

#include "protocols/base/require.h"
#include "routing/name_hash.h"
#include "switch/aftersales/watcher_state.h"

/* X(name, where, bytes it has now) */
#define PART_MAP(X)                                                                                \
    X(HEAD, &watcher->head, sizeof(watcher->head))                                                 \
    X(CHANNELS, &watcher->channels, sizeof(watcher->channels))                                     \
    X(COHORT_TOTALS, &watcher->cohorts.totals, sizeof(watcher->cohorts.totals))                    \
    X(TERMINALS, watcher->terminals.items,                                                         \
      (size_t)watcher->head.terminal_count * sizeof(struct terminal_state))                        \
    X(MERCHANTS, watcher->merchants.items,                                                         \
      (size_t)watcher->head.merchant_count * sizeof(struct merchant_slot))                         \
    X(PEERS, &watcher->peers, sizeof(watcher->peers))                                              \
    X(CARDS, watcher->cards.slots, (size_t)watcher->cards.slot_count * sizeof(struct card_slot))   \
    X(COHORTS, watcher->cohorts.slab.items,                                                        \
      (size_t)watcher->head.cohort_count * sizeof(struct cohort_state))                            \
    X(SERIALS, watcher->serials.places,                                                            \
      (size_t)watcher->serials.place_count * sizeof(struct serial_place))

enum part {
#define X(name, where, bytes) PART_##name,
    PART_MAP(X)
#undef X
        PART_COUNT
};

struct span {
    void *bytes;
    size_t length;
};

static struct span part_of(const struct watcher *watcher, unsigned part)
{
    const struct span spans[PART_COUNT] = {
#define X(name, where, size) [PART_##name] = {(void *)(where), (size)},
        PART_MAP(X)
#undef X
    };
    REQUIRE(part < PART_COUNT);
    return spans[part];
}

uint32_t watcher_image_count(const struct watcher *watcher)
{
    (void)watcher;
    return PART_COUNT;
}

struct byte_view watcher_image(const struct watcher *watcher, uint32_t part)
{
    struct span span = part_of(watcher, part);
    REQUIRE(span.length <= UINT32_MAX);
    return (struct byte_view){span.bytes, (uint32_t)span.length};
}

uint64_t watcher_state_hash(const struct watcher *watcher)
{
    uint64_t hash = 0;
    for (unsigned part = 0; part < PART_COUNT; part++) {
        struct span span = part_of(watcher, part);
        const uint8_t *bytes = span.bytes;
        size_t i = 0;
        for (; i + sizeof(uint64_t) <= span.length; i += sizeof(uint64_t)) {
            uint64_t word;
            memcpy(&word, bytes + i, sizeof(word));
            hash = name_hash_mix(hash ^ word) + 1;
        }
        for (; i < span.length; i++) {
            hash = name_hash_mix(hash ^ bytes[i]) + 1;
        }
    }
    return hash;
}

/* Of this layout and these limits, and whole. */
static bool head_fits(const struct watcher *watcher, const struct watch_head *head, size_t length)
{
    const struct watch_head *own = &watcher->head;
    if (memcmp(head->mark, own->mark, sizeof(own->mark)) != 0 ||
        memcmp(&head->limits, &own->limits, sizeof(own->limits)) != 0 ||
        head->terminal_size != own->terminal_size || head->cohort_size != own->cohort_size ||
        head->merchant_size != own->merchant_size || head->card_size != own->card_size ||
        head->merchant_count > own->limits.merchant_count_max ||
        head->walk_merchant > head->merchant_count ||
        head->terminal_count > own->limits.terminal_count_max ||
        head->cohort_count > own->limits.cohort_count_max ||
        head->walk_terminal > head->terminal_count ||
        head->serial_count > watcher->serials.place_count / 2) {
        return false;
    }
    size_t expected = sizeof(*head) + part_of(watcher, PART_CHANNELS).length +
                      part_of(watcher, PART_COHORT_TOTALS).length +
                      part_of(watcher, PART_PEERS).length + part_of(watcher, PART_CARDS).length +
                      part_of(watcher, PART_SERIALS).length +
                      (size_t)head->terminal_count * head->terminal_size +
                      (size_t)head->merchant_count * head->merchant_size +
                      (size_t)head->cohort_count * head->cohort_size;
    return length == expected;
}

/* Whether all places that are named exist, and all sums can be: a file may have been damaged. */
static bool places_exist(const struct watcher *watcher)
{
    const struct watch_head *head = &watcher->head;
    const struct cohort_totals *totals = &watcher->cohorts.totals;
    bool is_sound = totals->best <= head->cohort_count && totals->walk_next <= head->cohort_count;
    for (uint32_t i = 0; i < head->terminal_count && is_sound; i++) {
        const struct terminal_state *state = watch_slab_item(&watcher->terminals, i);
        is_sound = state->channel <= head->cohort_count && state->pin_next < TERMINAL_PIN_COUNT &&
                   state->subject.next < WATCH_NOTE_COUNT &&
                   state->serial[sizeof(state->serial) - 1] == 0 &&
                   state->firmware[sizeof(state->firmware) - 1] == 0;
        for (uint32_t kind = 0; kind < TERMINAL_COHORT_COUNT; kind++) {
            is_sound = is_sound && state->cohorts[kind] <= head->cohort_count;
        }
    }
    for (uint32_t i = 0; i < head->cohort_count && is_sound; i++) {
        const struct cohort_state *cohort = watch_slab_item(&watcher->cohorts.slab, i);
        is_sound = cohort->id[0] >= '0' && cohort->id[0] < '0' + COHORT_KIND_COUNT &&
                   cohort->position_next < FLAG_EVIDENCE_COUNT_MAX &&
                   cohort->whole <= head->cohort_count;
    }
    for (uint32_t i = 0; i < head->merchant_count && is_sound; i++) {
        const struct merchant_slot *slot = watch_slab_item(&watcher->merchants, i);
        is_sound = slot->state.number == i + 1 && merchant_tally_is_sound(&slot->state);
    }
    for (uint32_t i = 0; i < watcher->cards.slot_count && is_sound; i++) {
        is_sound = card_watch_is_sound(&watcher->cards.slots[i].state, head->merchant_count);
    }
    for (uint32_t i = 0; i < watcher->serials.place_count && is_sound; i++) {
        is_sound = watcher->serials.places[i].terminal <= head->terminal_count;
    }
    return is_sound && peer_state_is_sound(&watcher->peers);
}

/* As new, but for its limits and rules. */
static void forget(struct watcher *watcher)
{
    memset((uint8_t *)&watcher->head + offsetof(struct watch_head, terminal_count), 0,
           sizeof(watcher->head) - offsetof(struct watch_head, terminal_count));
    memset(&watcher->channels, 0, sizeof(watcher->channels));
    memset(&watcher->cohorts.totals, 0, sizeof(watcher->cohorts.totals));
    memset(watcher->terminals.items, 0,
           (size_t)watcher->terminals.count_max * sizeof(struct terminal_state));
    memset(watcher->cohorts.slab.items, 0,
           (size_t)watcher->cohorts.slab.count_max * sizeof(struct cohort_state));
    memset(watcher->merchants.items, 0,
           (size_t)watcher->merchants.count_max * sizeof(struct merchant_slot));
    memset(&watcher->peers, 0, sizeof(watcher->peers));
    memset(watcher->cards.slots, 0, (size_t)watcher->cards.slot_count * sizeof(struct card_slot));
    memset(watcher->merchant_facts, 0,
           watcher->merchants.count_max * sizeof(*watcher->merchant_facts));
    memset(watcher->serials.places, 0, watcher->serials.place_count * sizeof(struct serial_place));
    watcher->serials.count = 0;
    memset(watcher->facts, 0, watcher->terminals.count_max * sizeof(*watcher->facts));
    bool is_empty = watch_slab_take(&watcher->terminals, 0) &&
                    watch_slab_take(&watcher->merchants, 0) &&
                    watch_slab_take(&watcher->cohorts.slab, 0);
    REQUIRE(is_empty);
}

enum status watcher_load(struct watcher *watcher, struct byte_view image)
{
    struct watch_head head;
    if (image.length < sizeof(head)) {
        return STATUS_BAD_VALUE;
    }
    memcpy(&head, image.bytes, sizeof(head));
    if (!head_fits(watcher, &head, image.length)) {
        return STATUS_BAD_VALUE;
    }
    forget(watcher);
    watcher->head = head;
    size_t at = 0;
    for (unsigned part = 0; part < PART_COUNT; part++) {
        struct span span = part_of(watcher, part);
        memcpy(span.bytes, image.bytes + at, span.length);
        at += span.length;
    }
    watcher->serials.count = head.serial_count;
    if (!watch_slab_take(&watcher->terminals, head.terminal_count) ||
        !watch_slab_take(&watcher->merchants, head.merchant_count) ||
        !watch_slab_take(&watcher->cohorts.slab, head.cohort_count) || !places_exist(watcher)) {
        forget(watcher);
        return STATUS_BAD_VALUE;
    }
    return STATUS_OK;
}
