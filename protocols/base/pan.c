/* See pan.h. */
#include "protocols/base/pan.h"

#include <string.h>

#include "protocols/base/digits.h"
#include "protocols/base/require.h"

#define PAN_SHOWN_FRONT 6
#define PAN_SHOWN_BACK 4

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

uint64_t pan_prefix(const struct pan *pan, uint8_t digit_count)
{
    REQUIRE(digit_count <= pan->digit_count && digit_count < PAN_DIGITS_MAX);
    uint64_t prefix = 0;
    for (uint8_t i = 0; i < digit_count; i++) {
        prefix = prefix * 10 + (uint64_t)(pan->digits[i] - '0');
    }
    return prefix;
}

bool pan_has_luhn(const struct pan *pan)
{
    unsigned sum = 0;
    for (uint8_t i = 0; i < pan->digit_count; i++) {
        unsigned digit = (unsigned)(pan->digits[pan->digit_count - 1 - i] - '0');
        unsigned twice = digit * 2;
        sum += i % 2 == 0 ? digit : twice / 10 + twice % 10;
    }
    return pan->digit_count > 0 && sum % 10 == 0;
}

void pan_mask(char masked[PAN_MASKED_SIZE], const struct pan *pan)
{
    memset(masked, 0, PAN_MASKED_SIZE);
    for (uint8_t i = 0; i < pan->digit_count; i++) {
        bool is_shown = i < PAN_SHOWN_FRONT || i + PAN_SHOWN_BACK >= pan->digit_count;
        masked[i] = is_shown ? pan->digits[i] : '*';
    }
}

bool pan_equals(const struct pan *left, const struct pan *right)
{
    unsigned difference = left->digit_count ^ right->digit_count;
    for (uint8_t i = 0; i < PAN_DIGITS_MAX; i++) {
        difference |= (unsigned)(left->digits[i] ^ right->digits[i]);
    }
    return difference == 0;
}
