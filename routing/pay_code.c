/* See pay_code.h. */
#include "routing/pay_code.h"

#include <string.h>

#include "protocols/base/digits.h"

/* Prefixes of two digits and lengths, from and to, both included. */
static const struct {
    uint8_t prefix_min, prefix_max, length_min, length_max, scheme;
} FORMS[] = {
    {25, 30, 16, 24, CARD_SCHEME_ALIPAY},
    {10, 15, 18, 18, CARD_SCHEME_WECHAT},
    {62, 62, 19, 19, CARD_SCHEME_UNIONPAY},
};

bool pay_code_scheme(const char *code, enum card_scheme *scheme)
{
    size_t length = strlen(code);
    uint64_t prefix;
    if (length < 2 || !digits_are_decimal(code, (uint32_t)length) ||
        digits_parse(&prefix, code, 2, (struct number_range){0, 99}) != STATUS_OK) {
        return false;
    }
    for (unsigned i = 0; i < sizeof(FORMS) / sizeof(FORMS[0]); i++) {
        if (prefix >= FORMS[i].prefix_min && prefix <= FORMS[i].prefix_max &&
            length >= FORMS[i].length_min && length <= FORMS[i].length_max) {
            *scheme = (enum card_scheme)FORMS[i].scheme;
            return true;
        }
    }
    return false;
}
