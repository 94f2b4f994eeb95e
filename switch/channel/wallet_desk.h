/* The orders of a wallet channel that are under way, and what became of those before.
 *
 * Made whole at start; found by number. What is over is kept in a table of fixed size, where newer
 * ones push older ones out: enough to know a notify that comes twice, or late.
 *
 * Life:  wallet_desk_create -> take, find, give ... -> wallet_desk_destroy
 */
#pragma once

#include "protocols/payment.h"
#include "switch/channel/wallet_order.h"
#include "switch/net/deadline.h"

struct wallet_channel;

/* Who asked last, and is answered: what the engine matches by. */
struct wallet_asker {
    enum payment_kind kind, original_kind;
    uint32_t stan, batch;
    struct money amount;
    char terminal_id[9], merchant_id[16], rrn[13], processing_code[7];
};

struct wallet_slot {
    struct deadline deadline; /* first: the wheel gives it back */
    struct wallet_channel *channel;
    struct wallet_order order;
    struct wallet_asker asker;
    char key[WALLET_ORDER_SIZE];     /* the order's number; of a refund its own */
    char number[WALLET_ORDER_SIZE];  /* the order at the wallet */
    char refund[WALLET_REFUND_SIZE]; /* of money given back: its number there */
    char pay_code[25];               /* until it has been asked with; wiped */
    int64_t amount_minor, refund_minor;
    uint32_t call_number; /* of what was asked last: another number answers something older */
    uint32_t next;        /* in its chain of the index, or of free ones; 0: none */
    bool is_used;
    bool is_silent;        /* nobody waits for the answer */
    bool is_ask_postponed; /* it could not be asked where it was decided; the deadline asks */
};

/* What became of an order that is over. */
enum wallet_memory { WALLET_FORGOTTEN, WALLET_WAS_PAID, WALLET_WAS_REFUSED, WALLET_WAS_UNDONE };

struct wallet_desk;

/* NULL: no memory. */
struct wallet_desk *wallet_desk_create(uint32_t slot_count);
void wallet_desk_destroy(struct wallet_desk *desk);

/* A slot under that key, zeroed but for its deadline and call number; NULL: none is free. */
struct wallet_slot *wallet_desk_take(struct wallet_desk *desk, const char *key);
/* Wipes it. Its deadline must be cancelled. */
void wallet_desk_give(struct wallet_desk *desk, struct wallet_slot *slot);
struct wallet_slot *wallet_desk_find(struct wallet_desk *desk, const char *key);
/* By its place, from 1 to slot_count. */
struct wallet_slot *wallet_desk_at(struct wallet_desk *desk, uint32_t place);
uint32_t wallet_desk_place(const struct wallet_desk *desk, const struct wallet_slot *slot);
uint32_t wallet_desk_used(const struct wallet_desk *desk);

void wallet_desk_remember(struct wallet_desk *desk, const char *key, enum wallet_memory what);
enum wallet_memory wallet_desk_recall(const struct wallet_desk *desk, const char *key);
