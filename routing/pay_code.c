/* See pay_code.h. */
#include "routing/pay_code.h"

#include <string.h>

#include "protocols/base/digits.h"
#include "protocols/base/require.h"

/* Prefixes of two digits and lengths, from and to, both included. */
static const struct {
    uint8_t prefix_min, prefix_max, length_min, length_max, scheme;
} FORMS[] = {
    {25, 30, 16, 24, CARD_SCHEME_ALIPAY},
    {10, 15, 18, 18, CARD_SCHEME_WECHAT},
    {62, 62, 19, 19, CARD_SCHEME_UNIONPAY},
};

enum { FORM_COUNT = sizeof(FORMS) / sizeof(FORMS[0]) };

bool pay_code_scheme(const char *code, enum card_scheme *scheme)
{
    size_t length = strlen(code);
    uint64_t prefix;
    if (length < 2 || !digits_are_decimal(code, (uint32_t)length) ||
        digits_parse(&prefix, code, 2, (struct number_range){0, 99}) != STATUS_OK) {
        return false;
    }
    for (unsigned i = 0; i < FORM_COUNT; i++) {
        if (prefix >= FORMS[i].prefix_min && prefix <= FORMS[i].prefix_max &&
            length >= FORMS[i].length_min && length <= FORMS[i].length_max) {
            *scheme = (enum card_scheme)FORMS[i].scheme;
            return true;
        }
    }
    return false;
}

static void write_code(char code[PAY_CODE_SIZE], uint8_t prefix, uint8_t length)
{
    REQUIRE(length < PAY_CODE_SIZE);
    memset(code, '0', length);
    digits_format(code, prefix, 2);
    code[length] = '\0';
}

bool pay_code_sample(enum card_scheme scheme, char code[PAY_CODE_SIZE])
{
    for (unsigned i = 0; i < FORM_COUNT; i++) {
        if (FORMS[i].scheme == scheme) {
            write_code(code, FORMS[i].prefix_min, FORMS[i].length_max);
            return true;
        }
    }
    return false;
}

bool pay_code_begin(const char *prefix, char code[PAY_CODE_SIZE])
{
    uint64_t number;
    if (strlen(prefix) < 2 ||
        digits_parse(&number, prefix, 2, (struct number_range){0, 99}) != STATUS_OK) {
        return false;
    }
    for (unsigned i = 0; i < FORM_COUNT; i++) {
        if (number >= FORMS[i].prefix_min && number <= FORMS[i].prefix_max) {
            write_code(code, (uint8_t)number, FORMS[i].length_max);
            return true;
        }
    }
    return false;
}
