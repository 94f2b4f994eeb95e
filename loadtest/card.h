/* The cards of the simulated world: number, expiry, sequence and PIN, all from an index.
 *
 * Terminals draw cards, the bank knows their PINs, and neither keeps a table: a card's PIN is a
 * function of its number alone (below), so a PIN block that was translated wrongly shows as a
 * wrong PIN.
 *
 *   digest = SHA-256("tillway-pin:" + PAN)
 *   length = 6 when digest[4] is a multiple of 3, else 4
 *   PIN    = (digest[0..3] as a big-endian number) modulo 10^length, zeros in front
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "protocols/base/pan.h"
#include "protocols/base/status.h"

#define CARD_RANGE_COUNT_MAX 256
#define CARD_PIN_SIZE 7

/* Card numbers begin with one of these. */
struct card_range {
    char prefix[13];
    uint8_t pan_digits; /* 13 to 19 */
    bool is_foreign;    /* of another scheme than UnionPay: counted apart in a settlement */
};

struct card_ranges {
    uint32_t count;
    struct card_range items[CARD_RANGE_COUNT_MAX];
};

struct card {
    char pan[PAN_DIGITS_MAX + 1];
    char pin[CARD_PIN_SIZE];
    char expiry[5];   /* YYMM */
    char sequence[4]; /* card sequence number of a chip */
    char track2[PAN_DIGITS_MAX + 20];
    bool is_foreign;
};

/* Reads the columns `prefix` and, where they are there, `pan_digits` and `scheme` (all but
 * "unionpay" are foreign) of a BIN table's CSV; ranges without a length get 16 digits, and no more
 * than CARD_RANGE_COUNT_MAX are taken. STATUS_BROKEN: the file cannot be read. STATUS_MALFORMED: no
 * such column, or no usable row. */
MUST_CHECK enum status card_ranges_load(struct card_ranges *ranges, const char *path);
/* The two test ranges that are used when no file is named. */
void card_ranges_fallback(struct card_ranges *ranges);

/* The card `number` of these ranges: always the same one. Ends with a Luhn digit. */
void card_make(struct card *card, const struct card_ranges *ranges, uint64_t number);

/* The PIN of a card number, by the rule above. */
void card_pin(const char *pan, char pin[CARD_PIN_SIZE]);
