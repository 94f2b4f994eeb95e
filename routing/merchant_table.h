/* Merchants: their category, class and price plan.
 *
 * Life:  create -> add ... -> freeze -> find ... -> destroy
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "protocols/base/status.h"

enum merchant_class { MERCHANT_STANDARD, MERCHANT_PREFERENTIAL, MERCHANT_EXEMPT };

/* What a payment needs stands in the first 64 bytes. */
struct merchant_row {
    char merchant_id[16];   /* 15 characters of field 42 */
    char mcc[5];            /* ISO 18245; the registered one, never the message's */
    uint8_t merchant_class; /* enum merchant_class */
    char plan[16];          /* price plan of the fees file */
    bool is_active;
    uint16_t agent;           /* row of the agent table, from 1; 0: sold by none */
    int32_t exempt_until_day; /* days since 1970: from then on exempt is standard; 0: no end */
    int64_t amount_max;       /* minor units of one transaction; 0: no limit of its own */
    char name[48];            /* UTF-8; last: a payment does not look at it */
};
_Static_assert(offsetof(struct merchant_row, name) <= 64, "one cache line of a row");

struct merchant_table;

struct merchant_table *merchant_table_create(uint32_t row_count_max);
void merchant_table_destroy(struct merchant_table *table);
/* STATUS_BAD_VALUE: an id that is not 1 to 15 printable characters. STATUS_NO_ROOM. */
MUST_CHECK enum status merchant_table_add(struct merchant_table *table,
                                          const struct merchant_row *row);
/* STATUS_DUPLICATE: one id twice; `duplicate` names it. */
MUST_CHECK enum status merchant_table_freeze(struct merchant_table *table, char duplicate[16]);
const struct merchant_row *merchant_table_find(const struct merchant_table *table,
                                               const char *merchant_id);
uint32_t merchant_table_count(const struct merchant_table *table);
/* Where a row that find gave stands among all. */
uint32_t merchant_table_index(const struct merchant_table *table, const struct merchant_row *row);
/* The row `index` < count, in order of adding. */
const struct merchant_row *merchant_table_at(const struct merchant_table *table, uint32_t index);
/* Brings that row into the cache meanwhile; changes nothing. */
void merchant_table_fetch(const struct merchant_table *table, uint32_t index);
