/* See usage.h. */
#include "switch/engine/usage.h"

#include <string.h>

#include "protocols/base/require.h"
#include "switch/engine/wall_text.h"

#define MERCHANT_BYTES 15
#define TERMINAL_BYTES 8

_Static_assert(MERCHANT_BYTES + PAN_HASH_BYTES <= USAGE_KEY_BYTES, "the longest key fits");
_Static_assert(sizeof(struct usage_entry) <= 128, "two cache lines at most");

/* So many reloads that bring a scope back are no matter of years, but of centuries. */
#define GENERATION_MASK 0xFFFFFFu

/* Months are kept of what is bounded by the registry; cards would fill any table. */
#define MONTH_SCOPES (LIMIT_SCOPE_BIT(LIMIT_MERCHANT) | LIMIT_SCOPE_BIT(LIMIT_TERMINAL))

void usage_set_init(struct usage_set *set, struct usage_entry *entries,
                    struct slot_index_entry *slots, uint32_t count_max)
{
    REQUIRE(count_max > 0);
    *set = (struct usage_set){.entries = entries, .count_max = count_max, .fresh = 1};
    slot_index_init(&set->index, slots, slot_index_capacity(count_max));
}

void usage_set_clear(struct usage_set *set)
{
    struct usage_set clear = {.entries = set->entries,
                              .index = set->index,
                              .count_max = set->count_max,
                              .fresh = 1,
                              .scopes = set->scopes};
    memcpy(clear.generations, set->generations, sizeof(clear.generations));
    for (uint32_t slot = 1; slot < set->fresh; slot++) {
        slot_index_drop(&clear.index, set->entries[slot].hash, slot);
    }
    memset(set->entries, 0, (size_t)set->fresh * sizeof(set->entries[0]));
    *set = clear;
}

void usage_set_scopes(struct usage_set *set, uint32_t scopes)
{
    for (uint32_t scope = 0; scope < LIMIT_SCOPE_COUNT; scope++) {
        if ((scopes >> scope & 1) != 0 && (set->scopes >> scope & 1) == 0) {
            set->generations[scope] = (set->generations[scope] + 1) & GENERATION_MASK;
        }
    }
    set->scopes = scopes;
}

void usage_forgive(struct usage_set *set, uint32_t today)
{
    if (set->lost_day < today && set->lost_month < today / 100) {
        set->lost_count = 0;
    }
}

/* --- keys --------------------------------------------------------------------------------- */

static bool has_card(const struct usage_subject *subject)
{
    static const struct pan_hash NONE;
    return memcmp(subject->pan_hash, &NONE, sizeof(NONE)) != 0;
}

static void put_text(uint8_t *at, const char *text, size_t length)
{
    memcpy(at, text, strnlen(text, length));
}

/* False: the subject has no such key. */
static bool key_of(uint8_t key[USAGE_KEY_BYTES], enum limit_scope scope,
                   const struct usage_subject *subject)
{
    memset(key, 0, USAGE_KEY_BYTES);
    if ((LIMIT_CARD_SCOPES >> scope & 1) != 0) {
        if (!has_card(subject)) {
            return false;
        }
        memcpy(key + USAGE_KEY_BYTES - PAN_HASH_BYTES, subject->pan_hash, PAN_HASH_BYTES);
    }
    switch (scope) {
    case LIMIT_MERCHANT:
    case LIMIT_MERCHANT_AND_CARD:
        put_text(key, subject->merchant_id, MERCHANT_BYTES);
        break;
    case LIMIT_TERMINAL:
    case LIMIT_TERMINAL_AND_CARD:
        put_text(key, subject->terminal_id, TERMINAL_BYTES);
        break;
    case LIMIT_CARD:
        break;
    case LIMIT_TRANSACTION:
    case LIMIT_SCOPE_COUNT:
        return false;
    }
    return true;
}

static uint32_t key_hash(enum limit_scope scope, const uint8_t key[USAGE_KEY_BYTES])
{
    uint64_t hash = scope;
    for (uint32_t i = 0; i < USAGE_KEY_BYTES; i += sizeof(uint64_t)) {
        uint64_t word;
        memcpy(&word, key + i, sizeof(word));
        hash = hash_mix(hash ^ word);
    }
    return (uint32_t)hash;
}

/* 0: none. */
static uint32_t find(const struct usage_set *set, enum limit_scope scope,
                     const uint8_t key[USAGE_KEY_BYTES], uint32_t hash)
{
    struct slot_probe probe = slot_index_begin(&set->index, hash);
    uint32_t slot = slot_index_next(&set->index, &probe);
    while (slot != 0) {
        const struct usage_entry *entry = &set->entries[slot];
        if (entry->scope == scope && memcmp(entry->key, key, USAGE_KEY_BYTES) == 0) {
            break;
        }
        slot = slot_index_next(&set->index, &probe);
    }
    return slot;
}

/* --- spans -------------------------------------------------------------------------------- */

static uint32_t latest(const struct usage_span spans[USAGE_SPAN_COUNT])
{
    return spans[0].period > spans[1].period ? spans[0].period : spans[1].period;
}

static const struct usage_span *span_find(const struct usage_span spans[USAGE_SPAN_COUNT],
                                          uint32_t period)
{
    static const struct usage_span NONE;
    for (uint32_t i = 0; i < USAGE_SPAN_COUNT; i++) {
        if (spans[i].period == period) {
            return &spans[i];
        }
    }
    return &NONE;
}

/* Of three periods the oldest goes, which nobody asks for any more. Where none is before `now` a
 * clock has run ahead and come back: then the farthest goes, so that what is now still counts.
 * Gives the period of which something is lost so; 0: of none. */
static uint32_t span_add(struct usage_span spans[USAGE_SPAN_COUNT], uint32_t period,
                         const struct usage_change *change, uint32_t now)
{
    uint32_t lost = 0;
    uint32_t at = period == spans[1].period;
    if (spans[at].period != period) {
        uint32_t older = spans[1].period < spans[0].period;
        bool is_over = spans[older].period < now || period < now;
        at = is_over ? older : 1 - older;
        if (is_over ? period < spans[at].period : period > spans[at].period) {
            return is_over ? 0 : period;
        }
        lost = is_over ? 0 : spans[at].period;
        spans[at] = (struct usage_span){.period = period};
    }
    spans[at].count += change->count;
    spans[at].minor += change->minor;
    return lost;
}

/* --- entries ------------------------------------------------------------------------------ */

static void unlink_entry(struct usage_set *set, uint32_t slot)
{
    struct usage_entry *entry = &set->entries[slot];
    struct usage_list *list = &set->lists[entry->scope];
    if (entry->previous != 0) {
        set->entries[entry->previous].next = entry->next;
    } else {
        list->first = entry->next;
    }
    if (entry->next != 0) {
        set->entries[entry->next].previous = entry->previous;
    } else {
        list->last = entry->previous;
    }
    entry->next = entry->previous = 0;
}

static void link_last(struct usage_set *set, uint32_t slot)
{
    struct usage_entry *entry = &set->entries[slot];
    struct usage_list *list = &set->lists[entry->scope];
    entry->previous = list->last;
    if (list->last != 0) {
        set->entries[list->last].next = slot;
    } else {
        list->first = slot;
    }
    list->last = slot;
}

static void link_first(struct usage_set *set, uint32_t slot)
{
    struct usage_entry *entry = &set->entries[slot];
    struct usage_list *list = &set->lists[entry->scope];
    entry->next = list->first;
    if (list->first != 0) {
        set->entries[list->first].previous = slot;
    } else {
        list->last = slot;
    }
    list->first = slot;
}

/* Its scope is not counted, or was not for a time: what came after that it does not know. */
static bool is_stale(const struct usage_set *set, const struct usage_entry *entry)
{
    return (set->scopes >> entry->scope & 1) == 0 ||
           entry->generation != set->generations[entry->scope];
}

/* All that it took was given back: a card that was declined, say. */
static bool is_blank(const struct usage_entry *entry)
{
    for (uint32_t i = 0; i < USAGE_SPAN_COUNT; i++) {
        if (entry->days[i].count != 0 || entry->days[i].minor != 0 || entry->months[i].count != 0 ||
            entry->months[i].minor != 0) {
            return false;
        }
    }
    return true;
}

/* Nothing that a limit of that day or month looks at. Such entries stand first in their list. */
static bool is_over(const struct usage_set *set, const struct usage_entry *entry, uint32_t today)
{
    if (is_stale(set, entry) || is_blank(entry)) {
        return true;
    }
    bool has_month = (MONTH_SCOPES >> entry->scope & 1) != 0;
    return has_month ? latest(entry->months) < today / 100 : latest(entry->days) < today;
}

/* The first of a scope's list that is over; 0: none. */
static uint32_t find_over(const struct usage_set *set, uint32_t today)
{
    for (uint32_t scope = 0; scope < LIMIT_SCOPE_COUNT; scope++) {
        uint32_t first = set->lists[scope].first;
        if (first != 0 && is_over(set, &set->entries[first], today)) {
            return first;
        }
    }
    return 0;
}

/* A slot for a new entry; 0: the table is full of what still counts. */
static uint32_t take(struct usage_set *set, uint32_t today)
{
    if (set->fresh <= set->count_max) {
        return set->fresh++;
    }
    uint32_t slot = find_over(set, today);
    if (slot != 0) {
        const struct usage_entry *over = &set->entries[slot];
        uint32_t day = is_stale(set, over) || is_blank(over) ? 0 : latest(over->days);
        set->gave_way = day > set->gave_way ? day : set->gave_way;
        slot_index_drop(&set->index, set->entries[slot].hash, slot);
        unlink_entry(set, slot);
        memset(&set->entries[slot], 0, sizeof(set->entries[slot]));
    }
    return slot;
}

static uint32_t enroll(struct usage_set *set, enum limit_scope scope,
                       const uint8_t key[USAGE_KEY_BYTES], uint32_t hash, uint32_t today)
{
    uint32_t slot = take(set, today);
    if (slot == 0) {
        return 0;
    }
    struct usage_entry *entry = &set->entries[slot];
    memcpy(entry->key, key, USAGE_KEY_BYTES);
    entry->hash = hash;
    entry->scope = (uint8_t)scope;
    entry->generation = set->generations[scope] & GENERATION_MASK;
    slot_index_put(&set->index, hash, slot);
    link_last(set, slot);
    return slot;
}

/* --- counting ----------------------------------------------------------------------------- */

/* Which periods change (0: none), and the day it was then: entries of before may give way. `now` is
 * the day that payments are held by, which a restart knows better than the sums it reads. */
struct usage_periods {
    uint32_t day, month, today, now;
};

/* Whether a key that has no entry needs none: the change is of what no limit looks at any more. */
static bool is_past(enum limit_scope scope, struct usage_periods periods)
{
    return (MONTH_SCOPES >> scope & 1) != 0
               ? periods.month != 0 && periods.month < periods.today / 100
               : periods.day < periods.today;
}

static void make_fresh(const struct usage_set *set, struct usage_entry *entry)
{
    if (is_stale(set, entry)) {
        memset(entry->days, 0, sizeof(entry->days));
        memset(entry->months, 0, sizeof(entry->months));
        entry->generation = set->generations[entry->scope] & GENERATION_MASK;
    }
}

/* Periods of which something is lost; 0: of none. */
struct usage_loss {
    uint32_t day, month;
};

/* What is over stands first in its list, the latest last. */
static struct usage_loss count_entry(struct usage_set *set, uint32_t slot,
                                     const struct usage_change *change,
                                     struct usage_periods periods)
{
    struct usage_loss loss = {0};
    struct usage_entry *entry = &set->entries[slot];
    make_fresh(set, entry);
    uint32_t day_before = latest(entry->days), month_before = latest(entry->months);
    bool was_blank = is_blank(entry);
    if (periods.day != 0) {
        loss.day = span_add(entry->days, periods.day, change, periods.now);
    }
    if (periods.month != 0 && (MONTH_SCOPES >> entry->scope & 1) != 0) {
        loss.month = span_add(entry->months, periods.month, change, periods.now / 100);
    }
    if (is_blank(entry)) {
        unlink_entry(set, slot);
        link_first(set, slot);
    } else if (was_blank || latest(entry->days) != day_before ||
               latest(entry->months) != month_before) {
        unlink_entry(set, slot);
        link_last(set, slot);
    }
    return loss;
}

/* False: something is lost. */
static bool count_key(struct usage_set *set, enum limit_scope scope,
                      const uint8_t key[USAGE_KEY_BYTES], const struct usage_change *change,
                      struct usage_periods periods)
{
    uint32_t hash = key_hash(scope, key);
    uint32_t slot = find(set, scope, key, hash);
    if (slot == 0 && is_past(scope, periods)) {
        return true;
    }
    slot = slot != 0 ? slot : enroll(set, scope, key, hash, periods.today);
    bool has_months = (MONTH_SCOPES >> scope & 1) != 0;
    struct usage_loss loss = {periods.day, has_months ? periods.month : 0}; /* no slot: all of it */
    if (slot != 0) {
        loss = count_entry(set, slot, change, periods);
    }
    set->lost_day = loss.day > set->lost_day ? loss.day : set->lost_day;
    set->lost_month = loss.month > set->lost_month ? loss.month : set->lost_month;
    return loss.day == 0 && loss.month == 0;
}

static bool is_wanted(const struct usage_set *set, uint32_t scope, uint32_t day)
{
    return (set->scopes >> scope & 1) != 0 && (day != 0 || (MONTH_SCOPES >> scope & 1) != 0);
}

static bool count_all(struct usage_set *set, const struct usage_subject *subject,
                      const struct usage_change *change, struct usage_periods periods)
{
    bool is_counted = true;
    uint32_t fresh_scopes = 0;
    for (uint32_t scope = 0; scope < LIMIT_SCOPE_COUNT; scope++) {
        uint8_t key[USAGE_KEY_BYTES];
        if (!is_wanted(set, scope, periods.day) || !key_of(key, (enum limit_scope)scope, subject)) {
            continue;
        }
        if (find(set, (enum limit_scope)scope, key, key_hash((enum limit_scope)scope, key)) == 0) {
            fresh_scopes |= 1U << scope; /* after the others, none of which gives way to it then */
        } else {
            is_counted =
                count_key(set, (enum limit_scope)scope, key, change, periods) && is_counted;
        }
    }
    for (uint32_t scope = 0; scope < LIMIT_SCOPE_COUNT; scope++) {
        uint8_t key[USAGE_KEY_BYTES];
        if ((fresh_scopes >> scope & 1) != 0 && key_of(key, (enum limit_scope)scope, subject)) {
            is_counted =
                count_key(set, (enum limit_scope)scope, key, change, periods) && is_counted;
        }
    }
    set->lost_count += !is_counted;
    return is_counted;
}

bool usage_count(struct usage_set *set, const struct usage_subject *subject,
                 const struct usage_change *change, uint32_t today)
{
    REQUIRE(change->day >= USAGE_DAY_MIN);
    struct usage_periods periods = {change->day, change->day / 100,
                                    today > change->day ? today : change->day, today};
    return count_all(set, subject, change, periods);
}

bool usage_count_sum(struct usage_set *set, const struct usage_sum *sum, uint32_t today)
{
    const struct usage_subject subject = {sum->merchant_id, sum->terminal_id, &sum->pan_hash};
    bool is_day = sum->period >= USAGE_DAY_MIN;
    const struct usage_change change = {sum->period, (int32_t)sum->count, sum->minor};
    struct usage_periods periods = {is_day ? sum->period : 0, is_day ? 0 : sum->period,
                                    is_day ? sum->period : sum->period * 100, today};
    return count_all(set, &subject, &change, periods);
}

bool usage_has_room(const struct usage_set *set, const struct usage_subject *subject, uint32_t day)
{
    uint32_t room = set->count_max + 1 - set->fresh;
    uint32_t wanted = 0, mine[LIMIT_SCOPE_COUNT] = {0};
    if (room >= LIMIT_SCOPE_COUNT) {
        return true; /* whichever of them are new */
    }
    for (uint32_t scope = 0; scope < LIMIT_SCOPE_COUNT; scope++) {
        uint8_t key[USAGE_KEY_BYTES];
        if (is_wanted(set, scope, day) && key_of(key, (enum limit_scope)scope, subject)) {
            mine[scope] =
                find(set, (enum limit_scope)scope, key, key_hash((enum limit_scope)scope, key));
            wanted += mine[scope] == 0;
        }
    }
    for (uint32_t scope = 0; scope < LIMIT_SCOPE_COUNT && room < wanted; scope++) {
        uint32_t slot = set->lists[scope].first;
        for (; slot != 0 && room < wanted && is_over(set, &set->entries[slot], day);
             slot = set->entries[slot].next) {
            room += slot != mine[scope]; /* which will be used again */
        }
    }
    return room >= wanted;
}

/* --- looking ------------------------------------------------------------------------------ */

struct limit_use usage_of(const struct usage_set *set, enum limit_scope scope,
                          const struct usage_subject *subject, uint32_t day)
{
    uint8_t key[USAGE_KEY_BYTES];
    uint32_t slot = 0;
    if (is_wanted(set, scope, day) && key_of(key, scope, subject)) {
        slot = find(set, scope, key, key_hash(scope, key));
    }
    if (slot == 0 || is_stale(set, &set->entries[slot])) {
        return (struct limit_use){0};
    }
    const struct usage_entry *entry = &set->entries[slot];
    const struct usage_span *of_day = span_find(entry->days, day);
    const struct usage_span *of_month = span_find(entry->months, day / 100);
    /* Below zero: what was taken before its scope was counted has been given back since. */
    return (struct limit_use){.day_count = of_day->count < 0 ? 0 : of_day->count,
                              .day_minor = of_day->minor < 0 ? 0 : of_day->minor,
                              .month_minor = of_month->minor < 0 ? 0 : of_month->minor};
}

void usage_look(const struct usage_set *set, const struct usage_subject *subject, uint32_t day,
                struct limit_use uses[LIMIT_SCOPE_COUNT])
{
    for (uint32_t scope = 0; scope < LIMIT_SCOPE_COUNT; scope++) {
        uses[scope] = usage_of(set, (enum limit_scope)scope, subject, day);
    }
}

/* --- the hash ----------------------------------------------------------------------------- */

static uint64_t hash_span(uint64_t hash, const struct usage_span *span)
{
    hash = hash_mix(hash ^ ((uint64_t)span->period << 32 | (uint32_t)span->count));
    return hash_mix(hash ^ (uint64_t)span->minor);
}

static bool is_empty(const struct usage_span *span)
{
    return span->count == 0 && span->minor == 0;
}

static uint32_t latest_day(const struct usage_set *set)
{
    uint32_t day = 0;
    for (uint32_t slot = 1; slot < set->fresh; slot++) {
        uint32_t seen = latest(set->entries[slot].days);
        day = seen > day ? seen : day;
    }
    return day;
}

/* Of a day (0: none) and a month (0: none). What was counted and undone again leaves an entry
 * behind that a restart may not make. */
static uint64_t hash_periods(const struct usage_set *set, uint32_t day, uint32_t month)
{
    uint64_t sum = 0;
    for (uint32_t slot = 1; slot < set->fresh; slot++) {
        const struct usage_entry *entry = &set->entries[slot];
        const struct usage_span *of_day = span_find(entry->days, day);
        const struct usage_span *of_month = span_find(entry->months, month);
        if (is_stale(set, entry)) {
            continue;
        }
        if (!is_empty(of_day)) {
            sum += hash_span(entry->hash + 1, of_day);
        }
        if (!is_empty(of_month)) {
            sum += hash_span(entry->hash + 2, of_month);
        }
    }
    return sum;
}

uint64_t usage_hash(const struct usage_set *set)
{
    uint32_t day = latest_day(set);
    return hash_periods(set, day, day / 100);
}

bool usage_is_whole(const struct usage_set *set)
{
    uint32_t day = latest_day(set);
    return set->lost_day < day && set->lost_month < day / 100;
}

bool usage_hash_before(const struct usage_set *set, uint64_t *hash)
{
    uint32_t day = latest_day(set);
    uint32_t before = day == 0 ? 0 : wall_text_day_before(day);
    *hash = hash_periods(set, before, 0);
    return before == 0 || (set->gave_way < before && set->lost_day < before);
}
