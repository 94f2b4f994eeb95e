/* Decimal numbers as they stand in messages and files: text of digits, or BCD nibbles.
 *
 * One function parses a number, and it checks count and range together. BCD packs two digits a
 * byte; an odd count leaves one pad nibble, at the front (right-aligned) or at the end
 * (left-aligned).
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "protocols/base/bytes.h"
#include "protocols/base/status.h"

enum digits_align {
    DIGITS_LEFT, /* 021 -> 02 10 */
    DIGITS_RIGHT /* 001 -> 00 01 */
};

struct number_range {
    uint64_t min, max;
};

/* Parses exactly `digit_count` (1 to 19) text digits.
 * STATUS_MALFORMED: another character or count. STATUS_BAD_VALUE: outside `range`. Then `value`
 * is left alone. */
MUST_CHECK enum status digits_parse(uint64_t *value, const char *text, uint32_t digit_count,
                                    struct number_range range);

/* Writes `value` as exactly `digit_count` digits, zeros in front, without a final 0.
 * REQUIREs that it fits. */
void digits_format(char *text, uint64_t value, uint32_t digit_count);

/* True when all `count` characters are 0 to 9. */
bool digits_are_decimal(const char *text, uint32_t count);

/* Unpacks `digit_count` BCD digits into text, without a final 0. `bytes` holds
 * (digit_count + 1) / 2 bytes. The pad nibble is not looked at.
 * STATUS_MALFORMED: a digit nibble above 9; `text` is then undefined. */
MUST_CHECK enum status digits_from_bcd(char *text, const uint8_t *bytes, uint32_t digit_count,
                                       enum digits_align align);

/* Packs `digit_count` text digits into (digit_count + 1) / 2 bytes; the pad nibble is 0.
 * STATUS_MALFORMED: a character that is no digit. */
MUST_CHECK enum status digits_to_bcd(uint8_t *bytes, const char *text, uint32_t digit_count,
                                     enum digits_align align);
