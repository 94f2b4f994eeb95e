/* Channels: the destinations that route rules name. What a channel is connected by is the rim's
 * business; here it has a name, an index and what it can do.
 *
 * A name keeps its index from one version of the rules to the next: who holds an index over a
 * reload still means the same bank. So one that the files no longer have stays in its place,
 * retired: it takes no payment, and no rule can name it.
 *
 * Life:  create -> add, retire ... -> find, at ... -> destroy
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "protocols/base/status.h"
#include "protocols/payment.h"

#define CHANNEL_COUNT_MAX 64 /* one bit each in the set of channels that are up */
#define CHANNEL_NAME_SIZE 16

struct channel_row {
    char name[CHANNEL_NAME_SIZE];
    uint64_t kinds; /* bit set by enum payment_kind: what it offers */
    /* A void there pays the money back (wallets): it cannot be undone, so it is sent again until it
     * is answered, as a refund is. */
    bool voids_are_refunds;
};
_Static_assert(PAYMENT_KIND_COUNT <= 64, "kinds fit one word");

struct channel_table;

struct channel_table *channel_table_create(void);
void channel_table_destroy(struct channel_table *table);
/* Channels get indexes 0, 1, 2 … in order of adding. STATUS_DUPLICATE, STATUS_NO_ROOM,
 * STATUS_BAD_VALUE (name empty or too long). */
MUST_CHECK enum status channel_table_add(struct channel_table *table,
                                         const struct channel_row *row);
/* The channel is none any more: it offers nothing, and is not found. */
void channel_table_retire(struct channel_table *table, uint16_t index);
bool channel_table_is_retired(const struct channel_table *table, uint16_t index);
/* The retired ones included. */
uint16_t channel_table_count(const struct channel_table *table);
const struct channel_row *channel_table_at(const struct channel_table *table, uint16_t index);
/* The index, or -1. */
int channel_table_find(const struct channel_table *table, const char *name);
/* The name that `name` was most likely meant to be, or NULL. The table's. */
const char *channel_table_nearest(const struct channel_table *table, const char *name);
