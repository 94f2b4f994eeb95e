/* See fee_book.h. An array in order of entry, and open addressing over its indexes. */
#include "switch/admin/fee_book.h"

#include <stdlib.h>

#include "protocols/base/require.h"
#include "switch/engine/payment_rule.h"

#define PLACES_AT_FIRST 4096u /* a power of two; half of them are used at most */

struct fee_book {
    struct fee_entry *entries; /* owner */
    uint32_t *places;          /* owner; index + 1 of an entry; 0: free */
    uint32_t count, place_count;
};

int64_t fee_price_margin(const struct fee_price *price)
{
    return price->merchant_fee - price->issuer_fee - price->scheme_fee - price->agent_fee;
}

struct fee_book *fee_book_create(void)
{
    struct fee_book *book = calloc(1, sizeof(*book));
    if (book == NULL) {
        return NULL;
    }
    book->place_count = PLACES_AT_FIRST;
    book->places = calloc(book->place_count, sizeof(*book->places));
    book->entries = calloc(book->place_count / 2, sizeof(*book->entries));
    if (book->places == NULL || book->entries == NULL) {
        fee_book_destroy(book);
        return NULL;
    }
    return book;
}

void fee_book_destroy(struct fee_book *book)
{
    if (book != NULL) {
        free(book->entries);
        free(book->places);
        free(book);
    }
}

/* Where that transaction is, or the free place where it would be. */
static uint32_t place_of(const struct fee_book *book, struct txn_reference txn)
{
    uint64_t mixed = ((uint64_t)txn.epoch << 32 | txn.seq) * UINT64_C(0x9E3779B97F4A7C15);
    uint32_t place = (uint32_t)(mixed >> 32) & (book->place_count - 1);
    while (book->places[place] != 0) {
        const struct fee_entry *entry = &book->entries[book->places[place] - 1];
        if (entry->txn.epoch == txn.epoch && entry->txn.seq == txn.seq) {
            break;
        }
        place = (place + 1) & (book->place_count - 1);
    }
    return place;
}

/* Twice as large; on failure as it was. */
static enum status grow(struct fee_book *book)
{
    uint32_t *places = calloc((size_t)book->place_count * 2, sizeof(*places));
    struct fee_entry *entries =
        realloc(book->entries, (size_t)book->place_count * sizeof(*entries));
    if (entries != NULL) {
        book->entries = entries;
    }
    if (places == NULL || entries == NULL) {
        free(places);
        return STATUS_NO_MEMORY;
    }
    free(book->places);
    book->places = places;
    book->place_count *= 2;
    for (uint32_t i = 0; i < book->count; i++) {
        book->places[place_of(book, book->entries[i].txn)] = i + 1;
    }
    return STATUS_OK;
}

enum status fee_book_enter(struct fee_book *book, const struct fee_entry *entry)
{
    if (fee_book_find(book, entry->txn) != NULL) {
        return STATUS_OK;
    }
    if (book->count == FEE_BOOK_COUNT_MAX) {
        return STATUS_NO_ROOM;
    }
    if (book->count == book->place_count / 2) {
        enum status status = grow(book);
        if (status != STATUS_OK) {
            return status;
        }
    }
    REQUIRE(book->entries != NULL);
    book->entries[book->count] = *entry;
    book->places[place_of(book, entry->txn)] = ++book->count;
    return STATUS_OK;
}

struct fee_entry *fee_book_find(struct fee_book *book, struct txn_reference txn)
{
    uint32_t index = book->places[place_of(book, txn)];
    return index == 0 ? NULL : &book->entries[index - 1];
}

/* A void gives everything back; an adjustment is priced anew, in its original's place. */
bool fee_kind_ends_original(enum payment_kind kind)
{
    const struct payment_rule *rule = payment_rule_of(kind);
    return rule->amount == PAYMENT_AMOUNT_EQUAL || rule->amount == PAYMENT_AMOUNT_TOTAL;
}

/* One that was replaced itself has replaced its original all the same. */
static bool ends_original(const struct fee_entry *entry)
{
    return entry->is_approved && !entry->is_reversed && entry->original.seq != 0 &&
           fee_kind_ends_original(entry->kind);
}

/* The latest first: the last change of an original is the one in force. */
void fee_book_close(struct fee_book *book)
{
    for (uint32_t i = book->count; i > 0; i--) {
        struct fee_entry *entry = &book->entries[i - 1];
        struct fee_entry *original =
            ends_original(entry) ? fee_book_find(book, entry->original) : NULL;
        if (original != NULL) {
            entry->is_replaced = entry->is_replaced || original->is_replaced;
            original->is_replaced = true;
        }
    }
}

uint32_t fee_book_count(const struct fee_book *book)
{
    return book->count;
}

const struct fee_entry *fee_book_at(const struct fee_book *book, uint32_t index)
{
    REQUIRE(index < book->count);
    return &book->entries[index];
}

bool fee_entry_stands(const struct fee_entry *entry)
{
    return entry->is_priced && entry->is_approved && !entry->is_reversed && !entry->is_replaced &&
           payment_rule_of(entry->kind)->side == BATCH_DEBIT;
}
