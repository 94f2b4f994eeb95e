/* See money.h. */
#include "protocols/base/money.h"

#include <inttypes.h>
#include <stdio.h>

/* ISO 4217: the currencies that the card schemes here settle in. */
static const struct {
    uint16_t number;
    uint8_t exponent;
    char name[4];
} CURRENCIES[] = {
    {36, 2, "AUD"},  {124, 2, "CAD"}, {156, 2, "CNY"}, {344, 2, "HKD"}, {360, 2, "IDR"},
    {392, 0, "JPY"}, {410, 0, "KRW"}, {414, 3, "KWD"}, {446, 2, "MOP"}, {458, 2, "MYR"},
    {554, 2, "NZD"}, {608, 2, "PHP"}, {643, 2, "RUB"}, {702, 2, "SGD"}, {704, 0, "VND"},
    {756, 2, "CHF"}, {764, 2, "THB"}, {784, 2, "AED"}, {826, 2, "GBP"}, {840, 2, "USD"},
    {901, 2, "TWD"}, {978, 2, "EUR"}, {986, 2, "BRL"},
};

#define CURRENCY_COUNT (sizeof(CURRENCIES) / sizeof(CURRENCIES[0]))

static int currency_row(uint16_t number)
{
    for (unsigned i = 0; i < CURRENCY_COUNT; i++) {
        if (CURRENCIES[i].number == number) {
            return (int)i;
        }
    }
    return -1;
}

enum status money_add(struct money *sum, struct money left, struct money right)
{
    struct money result = {.currency = left.currency};
    if (left.currency != right.currency ||
        __builtin_add_overflow(left.minor, right.minor, &result.minor)) {
        return STATUS_BAD_VALUE;
    }
    *sum = result;
    return STATUS_OK;
}

enum status money_subtract(struct money *difference, struct money left, struct money right)
{
    struct money result = {.currency = left.currency};
    if (left.currency != right.currency ||
        __builtin_sub_overflow(left.minor, right.minor, &result.minor)) {
        return STATUS_BAD_VALUE;
    }
    *difference = result;
    return STATUS_OK;
}

bool money_equals(struct money left, struct money right)
{
    return left.minor == right.minor && left.currency == right.currency;
}

int money_exponent(uint16_t currency)
{
    int row = currency_row(currency);
    return row < 0 ? -1 : CURRENCIES[row].exponent;
}

void money_format(char text[MONEY_TEXT_SIZE], struct money money)
{
    int row = currency_row(money.currency);
    if (row < 0) {
        snprintf(text, MONEY_TEXT_SIZE, "%" PRId64 " (%u)", money.minor, money.currency);
        return;
    }
    /* Digits are set from the right: at least one stands before the point. */
    char digits[MONEY_TEXT_SIZE];
    char *at = digits + sizeof(digits) - 1;
    uint64_t rest = money.minor < 0 ? 0 - (uint64_t)money.minor : (uint64_t)money.minor;
    *at = '\0';
    for (int place = 0; place <= CURRENCIES[row].exponent || rest > 0; place++) {
        if (place > 0 && place == CURRENCIES[row].exponent) {
            *--at = '.';
        }
        *--at = (char)('0' + rest % 10);
        rest /= 10;
    }
    snprintf(text, MONEY_TEXT_SIZE, "%s%.26s %s", money.minor < 0 ? "-" : "", at,
             CURRENCIES[row].name);
}
