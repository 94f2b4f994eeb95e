/* What will happen when: a heap of items ordered by time, then by order of entry, so that two runs
 * of a seed never differ.
 *
 * Life:  init -> add / next ...
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#define AGENDA_ITEM_COUNT_MAX 4096

enum agenda_kind {
    AGENDA_TERMINAL_ACTS,     /* a: terminal */
    AGENDA_TERMINAL_GIVES_UP, /* a: terminal, b: generation of the wait */
    AGENDA_TERMINAL_RETURNS,  /* a: terminal; after all faults have ended */
    AGENDA_SWITCH_REQUEST,  /* payload: terminal's request reaches the switch; a: terminal, b: conn
                               generation */
    AGENDA_TERMINAL_REPLY,  /* payload: reply reaches the terminal; a: terminal, b: conn generation
                             */
    AGENDA_BANK_REQUEST,    /* payload: forward reaches the bank; a: channel */
    AGENDA_SWITCH_RESPONSE, /* payload: response reaches the switch; a: channel, b: link generation
                             */
    AGENDA_UNSENT,          /* a: txn slot, b: txn generation, c: attempt, above it the reason in
                               sixteen bits more */
    AGENDA_KEYS,            /* a: txn slot, b: txn generation, c: 1 made, 0 not */
    AGENDA_FOUND,           /* the log answers; a: txn slot, b: txn generation, c: lookup slot */
    AGENDA_CUT_OVER,        /* a bank's next day reaches the switch; a: channel, b: its day */
    AGENDA_SYNC,            /* the running sync ends; c: 1 it fails */
    AGENDA_TICK,            /* the engine's deadline */
    AGENDA_LINK,            /* a: channel, c: 1 up, 0 down */
    AGENDA_START,           /* the switch process starts again */
    AGENDA_HEAL             /* all faults end */
};

struct agenda_item {
    uint64_t when_ns, order;
    enum agenda_kind kind;
    uint32_t
        incarnation; /* of the switch process; items of an older one are void where it matters */
    uint32_t a, b, c;
    uint32_t payload; /* slot of a payment; UINT32_MAX: none */
};

struct agenda {
    uint32_t count;
    uint64_t order_next;
    struct agenda_item heap[AGENDA_ITEM_COUNT_MAX];
};

void agenda_init(struct agenda *agenda);
/* Copies the item; its order is given here. REQUIREs room. */
void agenda_add(struct agenda *agenda, const struct agenda_item *item);
/* Takes out the earliest; false: empty. */
bool agenda_next(struct agenda *agenda, struct agenda_item *item);
