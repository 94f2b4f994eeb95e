/* Card numbers spread over the ranges by a mixing function, so that neighbouring indexes do not
 * give neighbouring numbers. */
#include "loadtest/card.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <openssl/evp.h>

#include "loadtest/draw.h"
#include "protocols/base/digits.h"
#include "protocols/base/require.h"

#define LINE_SIZE 512

static char luhn_digit(const char *digits, uint32_t count)
{
    unsigned sum = 0;
    for (uint32_t i = 0; i < count; i++) {
        unsigned digit = (unsigned)(digits[count - 1 - i] - '0');
        digit = i % 2 == 0 ? 2 * digit : digit;
        sum += digit > 9 ? digit - 9 : digit;
    }
    return (char)('0' + (10 - sum % 10) % 10);
}

void card_ranges_fallback(struct card_ranges *ranges)
{
    *ranges =
        (struct card_ranges){.count = 2, .items = {{"622500", 16, false}, {"621700", 19, false}}};
}

/* The place of column `name` in a heading, or -1. */
static int column_of(const char *heading, const char *name)
{
    size_t length = strlen(name);
    int column = 0;
    for (const char *at = heading; at != NULL; column++) {
        if (strncmp(at, name, length) == 0 && strchr(",\r\n", at[length]) != NULL) {
            return column;
        }
        at = strchr(at, ',');
        at = at == NULL ? NULL : at + 1;
    }
    return -1;
}

/* Copies cell `column` of a line; empty when there is none or it does not fit. */
static void cell_copy(const char *line, int column, char *text, size_t text_size)
{
    text[0] = '\0';
    for (; column > 0 && line != NULL; column--) {
        line = strchr(line, ',');
        line = line == NULL ? NULL : line + 1;
    }
    if (line == NULL || column < 0) {
        return;
    }
    size_t length = strcspn(line, ",\r\n");
    if (length < text_size) {
        memcpy(text, line, length);
        text[length] = '\0';
    }
}

static void range_add(struct card_ranges *ranges, const char *prefix, const char *digits,
                      const char *scheme)
{
    uint64_t pan_digits = 16;
    uint32_t length = (uint32_t)strlen(digits);
    if (length > 0 && digits_parse(&pan_digits, digits, length,
                                   (struct number_range){0, PAN_DIGITS_MAX}) != STATUS_OK) {
        return;
    }
    pan_digits = pan_digits == 0 ? 16 : pan_digits; /* 0: any length */
    uint32_t prefix_length = (uint32_t)strlen(prefix);
    if (prefix_length == 0 || !digits_are_decimal(prefix, prefix_length) || pan_digits < 13 ||
        ranges->count == CARD_RANGE_COUNT_MAX) {
        return;
    }
    struct card_range *range = &ranges->items[ranges->count++];
    memcpy(range->prefix, prefix, prefix_length + 1);
    range->pan_digits = (uint8_t)pan_digits;
    range->is_foreign = scheme[0] != '\0' && strcmp(scheme, "unionpay") != 0;
}

enum status card_ranges_load(struct card_ranges *ranges, const char *path)
{
    FILE *file = fopen(path, "r");
    if (file == NULL) {
        return STATUS_BROKEN;
    }
    *ranges = (struct card_ranges){0};
    char line[LINE_SIZE], prefix[13], digits[4], scheme[32];
    int prefix_column = -1, digits_column = -1, scheme_column = -1;
    bool has_heading = false;
    while (fgets(line, sizeof line, file) != NULL) {
        if (line[0] == '#') {
            continue;
        }
        if (!has_heading) {
            has_heading = true;
            prefix_column = column_of(line, "prefix");
            digits_column = column_of(line, "pan_digits");
            scheme_column = column_of(line, "scheme");
            continue;
        }
        cell_copy(line, prefix_column, prefix, sizeof prefix);
        cell_copy(line, digits_column, digits, sizeof digits);
        cell_copy(line, scheme_column, scheme, sizeof scheme);
        range_add(ranges, prefix, digits, scheme);
    }
    fclose(file);
    return ranges->count == 0 ? STATUS_MALFORMED : STATUS_OK;
}

void card_pin(const char *pan, char pin[CARD_PIN_SIZE])
{
    char text[32];
    uint8_t digest[EVP_MAX_MD_SIZE];
    int length = snprintf(text, sizeof text, "tillway-pin:%s", pan);
    REQUIRE(length > 0 && (size_t)length < sizeof text);
    REQUIRE(EVP_Digest(text, (size_t)length, digest, NULL, EVP_sha256(), NULL) == 1);
    uint32_t number = (uint32_t)digest[0] << 24 | (uint32_t)digest[1] << 16 |
                      (uint32_t)digest[2] << 8 | digest[3];
    bool is_long = digest[4] % 3 == 0;
    uint32_t digit_count = is_long ? 6 : 4;
    digits_format(pin, number % (is_long ? 1000000U : 10000U), digit_count);
    pin[digit_count] = '\0';
}

void card_make(struct card *card, const struct card_ranges *ranges, uint64_t number)
{
    REQUIRE(ranges->count > 0);
    uint64_t mixed = draw_mix(number);
    const struct card_range *range = &ranges->items[mixed % ranges->count];
    uint32_t at = (uint32_t)strlen(range->prefix);
    REQUIRE(at + 1 < range->pan_digits && range->pan_digits <= PAN_DIGITS_MAX);
    memcpy(card->pan, range->prefix, at);
    for (uint64_t rest = draw_mix(mixed); at + 1 < range->pan_digits; at++) {
        card->pan[at] = (char)('0' + rest % 10);
        rest /= 10;
    }
    card->pan[at] = luhn_digit(card->pan, at);
    card->pan[at + 1] = '\0';
    card->is_foreign = range->is_foreign;
    card_pin(card->pan, card->pin);
    snprintf(card->expiry, sizeof card->expiry, "%02u%02u", 30 + (unsigned)(mixed % 8),
             1 + (unsigned)(mixed / 8 % 12));
    snprintf(card->sequence, sizeof card->sequence, "%03u", 1 + (unsigned)(mixed % 2));
    /* ISO/IEC 7813: number, separator, expiry, service code 220 or 201 (chip), discretionary. */
    int length =
        snprintf(card->track2, sizeof card->track2, "%s=%s2200000000000", card->pan, card->expiry);
    REQUIRE(length > 0 && length <= 37);
}
