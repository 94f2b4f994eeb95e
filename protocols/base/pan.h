/* A card number (primary account number): kept as digits, never printed whole. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "protocols/base/status.h"

#define PAN_DIGITS_MIN 12
#define PAN_DIGITS_MAX 19
#define PAN_MASKED_SIZE (PAN_DIGITS_MAX + 1)

struct pan {
    char digits[PAN_DIGITS_MAX + 1]; /* ends with 0 */
    uint8_t digit_count;             /* 0: no card number here */
};

/* Copies `digit_count` characters out of a message field.
 * STATUS_BAD_VALUE: a wrong number of them, or one that is not a digit; `pan` is left alone. */
MUST_CHECK enum status pan_parse(struct pan *pan, const char *digits, size_t digit_count);

/* The number that the first `digit_count` digits spell; there must be as many, 18 at most. */
uint64_t pan_prefix(const struct pan *pan, uint8_t digit_count);

/* Whether the last digit is the check digit of ISO/IEC 7812-1 annex B (Luhn). */
bool pan_has_luhn(const struct pan *pan);

/* First 6 and last 4 digits with `*` between (PCI DSS 3.4.1); an empty text for no card number. */
void pan_mask(char masked[PAN_MASKED_SIZE], const struct pan *pan);

/* Compares in constant time for equal digit counts. */
bool pan_equals(const struct pan *left, const struct pan *right);
