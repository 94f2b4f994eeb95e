/* Decimal texts of rule files: "20.00", "0.325". Exact: what has more decimals than the unit is
 * refused, not rounded. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "protocols/base/status.h"

#define DECIMAL_PLACES_MAX 8

/* The number that `text` spells, in units of 10^-places: "20.5" with 2 places is 2050.
 * STATUS_MALFORMED: no such number, or more decimals than `places`. STATUS_BAD_VALUE: above
 * 10^15 units. Then `value` is left alone. */
MUST_CHECK enum status decimal_parse(int64_t *value, const char *text, unsigned places);

/* "0.60%" or "60bp", exact, in units of 1e-8 (100 % is 10^8). False: no such rate, finer than that,
 * or above 100 %. */
bool decimal_rate_parse(int64_t *rate_e8, const char *text);
