/* See decimal.h. */
#include "routing/decimal.h"

#include <stdbool.h>

#include "protocols/base/require.h"

#define UNITS_MAX INT64_C(1000000000000000)

static bool is_digit(char character)
{
    return character >= '0' && character <= '9';
}

enum status decimal_parse(int64_t *value, const char *text, unsigned places)
{
    REQUIRE(places <= DECIMAL_PLACES_MAX);
    int64_t units = 0;
    unsigned decimals = 0;
    if (!is_digit(text[0])) {
        return STATUS_MALFORMED;
    }
    for (bool is_past_point = false; *text != '\0'; text++) {
        if (*text == '.' && !is_past_point && is_digit(text[1])) {
            is_past_point = true;
            continue;
        }
        if (!is_digit(*text) || (is_past_point && decimals++ == places)) {
            return STATUS_MALFORMED;
        }
        units = units * 10 + (*text - '0');
        if (units > UNITS_MAX) {
            return STATUS_BAD_VALUE;
        }
    }
    for (; decimals < places; decimals++) {
        units *= 10;
        if (units > UNITS_MAX) {
            return STATUS_BAD_VALUE;
        }
    }
    *value = units;
    return STATUS_OK;
}
