/* See pan.h. */
#include "protocols/base/pan.h"

#include <string.h>

#include "protocols/base/digits.h"
#include "protocols/base/require.h"

#define PAN_SHOWN_FRONT 6
#define PAN_SHOWN_BACK 4
#define EIGHT 8

_Static_assert(__BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__, "the first digit is the lowest byte");
_Static_assert(PAN_SHOWN_FRONT + PAN_SHOWN_BACK < PAN_DIGITS_MIN, "a mask always hides something");

enum status pan_parse(struct pan *pan, const char *digits, size_t digit_count)
{
    if (digit_count < PAN_DIGITS_MIN || digit_count > PAN_DIGITS_MAX) {
        return STATUS_BAD_VALUE;
    }
    if (!digits_are_decimal(digits, (uint32_t)digit_count)) {
        return STATUS_BAD_VALUE;
    }
    *pan = (struct pan){.digit_count = (uint8_t)digit_count};
    memcpy(pan->digits, digits, digit_count);
    return STATUS_OK;
}

/* Neighbours are joined to numbers of two, four and eight digits, all at once. */
static uint64_t eight_digits(const char *digits)
{
    uint64_t word;
    memcpy(&word, digits, sizeof(word));
    word &= UINT64_C(0x0F0F0F0F0F0F0F0F);
    word = word * (10 << 8 | 1) >> 8 & UINT64_C(0x00FF00FF00FF00FF);
    word = word * (100 << 16 | 1) >> 16 & UINT64_C(0x0000FFFF0000FFFF);
    return word * (UINT64_C(10000) << 32 | 1) >> 32;
}

uint64_t pan_prefix(const struct pan *pan, uint8_t digit_count)
{
    REQUIRE(digit_count <= pan->digit_count && digit_count < PAN_DIGITS_MAX);
    uint64_t prefix = 0;
    uint8_t i = 0;
    for (; i + EIGHT <= digit_count; i += EIGHT) {
        prefix = prefix * 100000000 + eight_digits(pan->digits + i);
    }
    for (; i < digit_count; i++) {
        prefix = prefix * 10 + (uint64_t)(pan->digits[i] - '0');
    }
    return prefix;
}

bool pan_has_luhn(const struct pan *pan)
{
    unsigned sum = 0;
    const char *left = pan->digits + pan->digit_count;
    for (; left - pan->digits >= 2; left -= 2) {
        const unsigned doubled = (unsigned)(left[-2] - '0') * 2;
        /* The digits of a number below 20, added up. */
        sum += (unsigned)(left[-1] - '0') + doubled - (doubled >= 10 ? 9 : 0);
    }
    sum += left > pan->digits ? (unsigned)(left[-1] - '0') : 0;
    return pan->digit_count > 0 && sum % 10 == 0;
}

void pan_mask(char masked[PAN_MASKED_SIZE], const struct pan *pan)
{
    const uint8_t count = pan->digit_count;
    memset(masked, 0, PAN_MASKED_SIZE);
    if (count <= PAN_SHOWN_FRONT + PAN_SHOWN_BACK) {
        memcpy(masked, pan->digits, count);
        return;
    }
    REQUIRE(count <= PAN_DIGITS_MAX);
    memset(masked, '*', count);
    memcpy(masked, pan->digits, PAN_SHOWN_FRONT);
    memcpy(masked + count - PAN_SHOWN_BACK, pan->digits + count - PAN_SHOWN_BACK, PAN_SHOWN_BACK);
}

bool pan_equals(const struct pan *left, const struct pan *right)
{
    unsigned difference = left->digit_count ^ right->digit_count;
    for (uint8_t i = 0; i < PAN_DIGITS_MAX; i++) {
        difference |= (unsigned)(left->digits[i] ^ right->digits[i]);
    }
    return difference == 0;
}
