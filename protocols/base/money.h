/* An amount: minor units with the currency inside (ISO 4217 numeric code; 156 is CNY).
 *
 * No arithmetic joins two currencies (I17), and the number of decimals comes from the table of
 * ISO 4217, never from habit.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "protocols/base/status.h"

#define MONEY_MINOR_MAX INT64_C(999999999999) /* twelve digits: field 4 of ISO 8583 */
#define MONEY_CNY 156
#define MONEY_TEXT_SIZE 32

struct money {
    int64_t minor;     /* fen, cents; negative only for a margin or a difference */
    uint16_t currency; /* 0: no amount here */
};

/* sum = left + right. STATUS_BAD_VALUE: two currencies, or the sum does not fit. */
MUST_CHECK enum status money_add(struct money *sum, struct money left, struct money right);
/* difference = left - right, which may be negative. Fails as money_add. */
MUST_CHECK enum status money_subtract(struct money *difference, struct money left,
                                      struct money right);
bool money_equals(struct money left, struct money right);

/* Decimals of a currency by ISO 4217 (JPY 0, CNY 2, KWD 3); -1: not in the table. */
int money_exponent(uint16_t currency);

/* "123.45 CNY"; a currency outside the table is shown as minor units and its number. */
void money_format(char text[MONEY_TEXT_SIZE], struct money money);
