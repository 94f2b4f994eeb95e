/* See decimal.h. */
#include "routing/decimal.h"

#include <string.h>

#include "protocols/base/require.h"

#define UNITS_MAX INT64_C(1000000000000000)
#define RATE_ONE_E8 INT64_C(100000000)
#define RATE_PLACES_PER_CENT 6 /* 0.000001 % is 1e-8 */
#define RATE_PLACES_BASIS_POINT 4

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

bool decimal_rate_parse(int64_t *rate_e8, const char *text)
{
    char number[24];
    size_t length = strlen(text);
    bool is_per_cent = length > 1 && text[length - 1] == '%';
    bool is_basis_point = length > 2 && strcmp(text + length - 2, "bp") == 0;
    size_t digits = length - (is_per_cent ? 1 : 2);
    int64_t rate;
    if ((!is_per_cent && !is_basis_point) || digits >= sizeof(number)) {
        return false;
    }
    memcpy(number, text, digits);
    number[digits] = '\0';
    if (decimal_parse(&rate, number,
                      is_per_cent ? RATE_PLACES_PER_CENT : RATE_PLACES_BASIS_POINT) != STATUS_OK ||
        rate > RATE_ONE_E8) {
        return false;
    }
    *rate_e8 = rate;
    return true;
}
