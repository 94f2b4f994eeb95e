/* See order_table.h. */
#include "switch/engine/order_table.h"

#include <string.h>

#include "protocols/base/require.h"

#define NS_PER_US 1000

static uint32_t hash_subject(const char *terminal_id, const char *merchant_id)
{
    bool is_terminal = terminal_id[0] != '\0';
    const char *text = is_terminal ? terminal_id : merchant_id;
    uint64_t hash = is_terminal ? 1 : 2;
    for (uint32_t i = 0; text[i] != '\0'; i++) {
        hash = hash_mix(hash ^ (uint8_t)text[i]) + 1;
    }
    return (uint32_t)hash;
}

/* A terminal's orders are its own, whatever merchant it is bound to by now. */
static bool is_of(const struct order_entry *entry, const char *terminal_id, const char *merchant_id)
{
    return terminal_id[0] != '\0'
               ? strcmp(entry->terminal_id, terminal_id) == 0
               : entry->terminal_id[0] == '\0' && strcmp(entry->merchant_id, merchant_id) == 0;
}

uint32_t order_table_find(const struct order_book *book, const char *terminal_id,
                          const char *merchant_id)
{
    if (book->count == 0) { /* nearly always */
        return 0;
    }
    struct slot_probe probe =
        slot_index_begin(&book->index, hash_subject(terminal_id, merchant_id));
    uint32_t place = slot_index_next(&book->index, &probe);
    while (place != 0 && !is_of(&book->entries[place], terminal_id, merchant_id)) {
        place = slot_index_next(&book->index, &probe);
    }
    return place;
}

bool order_table_has_room(const struct order_book *book, const struct order *order)
{
    const uint32_t PROTECTING =
        ORDER_BIT(ORDER_LIMIT) | ORDER_BIT(ORDER_HOLD) | ORDER_BIT(ORDER_STOP);
    _Static_assert(ORDER_SUBJECT_KEPT_COUNT < ORDER_SUBJECT_COUNT_MAX, "others have most places");
    bool is_protecting = (ORDER_BIT(order->kind) & PROTECTING) != 0;
    uint32_t kept = is_protecting ? 0 : ORDER_SUBJECT_KEPT_COUNT;
    return book->count < ORDER_SUBJECT_COUNT_MAX - kept ||
           order_table_find(book, order->terminal_id, order->merchant_id) != 0;
}

uint32_t order_table_enroll(struct order_book *book, const char terminal_id[9],
                            const char merchant_id[16])
{
    uint32_t place = order_table_find(book, terminal_id, merchant_id);
    if (place != 0) {
        memcpy(book->entries[place].merchant_id, merchant_id, 16); /* it may have been rebound */
        return place;
    }
    if (book->count == ORDER_SUBJECT_COUNT_MAX) {
        return 0;
    }
    place = book->first_free != 0 ? book->first_free : ++book->fresh;
    struct order_entry *entry = &book->entries[place];
    book->first_free = book->first_free != 0 ? entry->next_free : 0;
    memset(entry, 0, sizeof(*entry));
    memcpy(entry->terminal_id, terminal_id, sizeof(entry->terminal_id));
    memcpy(entry->merchant_id, merchant_id, sizeof(entry->merchant_id));
    book->count++;
    slot_index_put(&book->index, hash_subject(terminal_id, merchant_id), place);
    return place;
}

uint32_t order_table_kinds(const struct order_entry *entry)
{
    return entry->in_force[ORDER_OF_PERSON] | entry->in_force[ORDER_OF_CASE];
}

struct order_standing *order_table_first(struct order_entry *entry, enum order_kind kind)
{
    for (uint32_t origin = 0; origin < ORDER_ORIGIN_COUNT; origin++) {
        if ((entry->in_force[origin] & ORDER_BIT(kind)) != 0) {
            return &entry->standing[origin][kind];
        }
    }
    return NULL;
}

static bool has_words(const struct order *order, enum payment_words kind)
{
    return order->plain_length > 0 || (kind == PAYMENT_WORDS_LOCAL && order->local_length > 0);
}

struct order_standing *order_table_words(struct order_entry *entry, enum payment_words kind)
{
    for (uint32_t origin = 0; kind != PAYMENT_WORDS_NONE && origin < ORDER_ORIGIN_COUNT; origin++) {
        struct order_standing *standing = &entry->standing[origin][ORDER_TELL];
        if ((entry->in_force[origin] & ORDER_BIT(ORDER_TELL)) != 0 &&
            has_words(&standing->order, kind)) {
            return standing;
        }
    }
    return NULL;
}

static uint64_t earliest_of(const struct order_entry *entry)
{
    uint64_t deadline_ns = UINT64_MAX;
    for (uint32_t i = 0; i < ORDER_ORIGIN_COUNT * ORDER_STANDING_COUNT; i++) {
        uint32_t origin = i / ORDER_STANDING_COUNT, kind = i % ORDER_STANDING_COUNT;
        if ((entry->in_force[origin] & ORDER_BIT(kind)) != 0 &&
            entry->deadlines_ns[origin][kind] < deadline_ns) {
            deadline_ns = entry->deadlines_ns[origin][kind];
        }
    }
    return deadline_ns;
}

/* Orders come and go by people's hands, so the earliest deadline is sought among all. */
void order_table_settle(struct order_book *book, uint32_t place)
{
    struct order_entry *entry = &book->entries[place];
    if (order_table_kinds(entry) == 0) {
        slot_index_drop(&book->index, hash_subject(entry->terminal_id, entry->merchant_id), place);
        entry->terminal_id[0] = entry->merchant_id[0] = '\0';
        entry->next_free = book->first_free;
        book->first_free = place;
        book->count--;
    }
    book->deadlines_ns[place] = earliest_of(entry);
    book->deadline_ns = UINT64_MAX;
    for (uint32_t i = 1; i <= book->fresh; i++) {
        if (book->deadlines_ns[i] < book->deadline_ns) {
            book->deadline_ns = book->deadlines_ns[i];
        }
    }
}

static uint64_t deadline_of(struct order_clock clock, int64_t until_us)
{
    uint64_t left_us = until_us > clock.wall_us ? (uint64_t)until_us - (uint64_t)clock.wall_us : 0;
    uint64_t deadline_ns = 0;
    if (until_us == 0 || __builtin_mul_overflow(left_us, NS_PER_US, &deadline_ns) ||
        __builtin_add_overflow(deadline_ns, clock.now_ns, &deadline_ns)) {
        return UINT64_MAX;
    }
    return deadline_ns;
}

void order_table_put(struct order_book *book, uint32_t place, const struct order_standing *standing,
                     struct order_clock clock)
{
    enum order_kind kind = standing->order.kind;
    enum order_origin origin = standing->order.origin;
    REQUIRE((unsigned)kind < ORDER_STANDING_COUNT);
    REQUIRE((unsigned)origin < ORDER_ORIGIN_COUNT);
    struct order_entry *entry = &book->entries[place];
    entry->standing[origin][kind] = *standing;
    entry->deadlines_ns[origin][kind] = deadline_of(clock, standing->order.until_us);
    entry->in_force[origin] |= ORDER_BIT(kind);
}
