/* The orders in force, by terminal and by merchant. A place is free again when its subject has none
 * left; nothing here knows rows or events.
 */
#pragma once

#include "protocols/payment.h"
#include "switch/engine/order.h"
#include "switch/engine/slot_index.h"

#define ORDER_BIT(kind) (UINT32_C(1) << (kind))
#define ORDER_ASKED_BITS                                                                           \
    (ORDER_BIT(ORDER_ASK_SIGNON) | ORDER_BIT(ORDER_ASK_DOWNLOAD) | ORDER_BIT(ORDER_ASK_STATUS) |   \
     ORDER_BIT(ORDER_ASK_UPDATE))

struct order_entry {
    char terminal_id[9];  /* empty: the merchant's */
    char merchant_id[16]; /* of a terminal: as the order found it */
    uint32_t next_free;
    uint32_t in_force[ORDER_ORIGIN_COUNT]; /* ORDER_BIT of each kind */
    struct order_standing standing[ORDER_ORIGIN_COUNT][ORDER_STANDING_COUNT];
    /* of each; UINT64_MAX: none */
    uint64_t deadlines_ns[ORDER_ORIGIN_COUNT][ORDER_STANDING_COUNT];
};

struct order_book {
    struct order_entry *entries; /* owner: the engine; index 0 unused */
    uint64_t *deadlines_ns;      /* owner: the engine; the earliest of each place */
    struct slot_index index;
    uint64_t deadline_ns; /* the earliest of all; UINT64_MAX: none */
    uint32_t count, fresh, first_free;
};

struct order_clock {
    uint64_t now_ns;
    int64_t wall_us;
};

/* The place of a terminal, whatever its merchant, or with "" for it of a merchant; 0: it has no
 * orders. */
uint32_t order_table_find(const struct order_book *book, const char *terminal_id,
                          const char *merchant_id);
/* Whether an order of a kind may be brought: its subject has orders, or there is a place for it,
 * which is not one of those kept for what protects money. */
bool order_table_has_room(const struct order_book *book, const struct order *order);
/* As order_table_find(), made where it is not, by whatever kind; 0: no room. order_table_settle()
 * follows. */
uint32_t order_table_enroll(struct order_book *book, const char terminal_id[9],
                            const char merchant_id[16]);
/* Brings a standing order into force in place of the one of its kind and origin. */
void order_table_put(struct order_book *book, uint32_t place, const struct order_standing *standing,
                     struct order_clock clock);
/* What is in force of a place, by whomever: ORDER_BIT of each kind. */
uint32_t order_table_kinds(const struct order_entry *entry);
/* The one of a kind that people gave, else that of a case; NULL: none is in force. */
struct order_standing *order_table_first(struct order_entry *entry, enum order_kind kind);
/* The first text, in the same order, that has words for who reads that kind: Chinese terminals read
 * both. NULL: there is none. */
struct order_standing *order_table_words(struct order_entry *entry, enum payment_words kind);
/* After each change of a place: its deadline counts, and it is free where nothing is in force. */
void order_table_settle(struct order_book *book, uint32_t place);
