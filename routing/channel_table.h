/* Channels: the destinations that route rules name. What a channel is connected by is the rim's
 * business; here it has a name, an index and what it can do.
 *
 * Life:  create -> add ... -> find, at ... -> destroy
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
};
_Static_assert(PAYMENT_KIND_COUNT <= 64, "kinds fit one word");

struct channel_table;

struct channel_table *channel_table_create(void);
void channel_table_destroy(struct channel_table *table);
/* Channels get indexes 0, 1, 2 … in order of adding. STATUS_DUPLICATE, STATUS_NO_ROOM,
 * STATUS_BAD_VALUE (name empty or too long). */
MUST_CHECK enum status channel_table_add(struct channel_table *table,
                                         const struct channel_row *row);
uint16_t channel_table_count(const struct channel_table *table);
const struct channel_row *channel_table_at(const struct channel_table *table, uint16_t index);
/* The index, or -1. */
int channel_table_find(const struct channel_table *table, const char *name);
/* The name that `name` was most likely meant to be, or NULL. The table's. */
const char *channel_table_nearest(const struct channel_table *table, const char *name);
