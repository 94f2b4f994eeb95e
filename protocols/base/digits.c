/* See digits.h. */
#include "protocols/base/digits.h"

#include "protocols/base/require.h"

enum status digits_parse(uint64_t *value, const char *text, uint32_t digit_count,
                         struct number_range range)
{
    if (digit_count == 0 || digit_count > 19) {
        return STATUS_MALFORMED;
    }
    uint64_t number = 0;
    for (uint32_t i = 0; i < digit_count; i++) {
        unsigned digit = (unsigned)(unsigned char)text[i] - '0';
        if (digit > 9) {
            return STATUS_MALFORMED;
        }
        number = number * 10 + digit;
    }
    if (number < range.min || number > range.max) {
        return STATUS_BAD_VALUE;
    }
    *value = number;
    return STATUS_OK;
}

void digits_format(char *text, uint64_t value, uint32_t digit_count)
{
    for (uint32_t i = digit_count; i > 0; i--) {
        text[i - 1] = (char)('0' + value % 10);
        value /= 10;
    }
    REQUIRE(value == 0);
}

bool digits_are_decimal(const char *text, uint32_t count)
{
    unsigned bad = 0;
    for (uint32_t i = 0; i < count; i++) {
        bad |= (unsigned)(unsigned char)text[i] - '0' > 9;
    }
    return bad == 0;
}

enum status digits_from_bcd(char *text, const uint8_t *bytes, uint32_t digit_count,
                            enum digits_align align)
{
    unsigned bad = 0;
    uint32_t nibble = align == DIGITS_RIGHT ? digit_count % 2 : 0;
    for (uint32_t i = 0; i < digit_count; i++, nibble++) {
        unsigned pair = bytes[nibble / 2];
        unsigned digit = nibble % 2 == 0 ? pair >> 4 : pair & 15;
        bad |= digit > 9;
        text[i] = (char)('0' + digit);
    }
    return bad == 0 ? STATUS_OK : STATUS_MALFORMED;
}

enum status digits_to_bcd(uint8_t *bytes, const char *text, uint32_t digit_count,
                          enum digits_align align)
{
    if (!digits_are_decimal(text, digit_count)) {
        return STATUS_MALFORMED;
    }
    for (uint32_t i = 0; i < (digit_count + 1) / 2; i++) {
        bytes[i] = 0;
    }
    uint32_t nibble = align == DIGITS_RIGHT ? digit_count % 2 : 0;
    for (uint32_t i = 0; i < digit_count; i++, nibble++) {
        unsigned digit = (unsigned)(text[i] - '0');
        bytes[nibble / 2] |= (uint8_t)(nibble % 2 == 0 ? digit << 4 : digit);
    }
    return STATUS_OK;
}
