/* See bundle_form.h. */
#include "switch/evidence/bundle_form.h"

#include <stdio.h>
#include <string.h>

#include "protocols/base/require.h"

/* Places of a ustar header (POSIX.1-2008, pax, table 4-14). */
enum {
    AT_NAME = 0,
    AT_MODE = 100,
    AT_OWNER = 108,
    AT_GROUP = 116,
    AT_SIZE = 124,
    AT_TIME = 136,
    AT_SUM = 148,
    AT_TYPE = 156,
    AT_MAGIC = 257,
    SUM_BYTES = 8,
    NUMBER_DIGITS = 11,
    SHORT_DIGITS = 7
};
#define TIME_MAX INT64_C(077777777777)

static const struct {
    const char *name;
    uint32_t size_max;
} MEMBERS[] = {
#define X(name, text, size_max, sentence) {text, size_max},
    BUNDLE_MEMBER_MAP(X)
#undef X
};

const char *bundle_member_name(enum bundle_member member)
{
    REQUIRE(member < BUNDLE_MEMBER_COUNT);
    return MEMBERS[member].name;
}

uint32_t bundle_member_size_max(enum bundle_member member)
{
    REQUIRE(member < BUNDLE_MEMBER_COUNT);
    return MEMBERS[member].size_max;
}

/* So many octal digits, zeros before; the byte behind them stays 0. */
static void put_octal(uint8_t *at, uint64_t value, uint32_t digits)
{
    for (uint32_t i = digits; i > 0; i--) {
        at[i - 1] = (uint8_t)('0' + value % 8);
        value /= 8;
    }
    REQUIRE(value == 0);
}

void bundle_form_header(uint8_t header[BUNDLE_BLOCK_BYTES], enum bundle_member member,
                        uint64_t size, int64_t mtime)
{
    const char *name = bundle_member_name(member);
    uint32_t sum = 0;
    REQUIRE(mtime >= 0 && mtime <= TIME_MAX);
    memset(header, 0, BUNDLE_BLOCK_BYTES);
    memcpy(header + AT_NAME, name, strlen(name));
    put_octal(header + AT_MODE, 0444, SHORT_DIGITS);
    put_octal(header + AT_OWNER, 0, SHORT_DIGITS);
    put_octal(header + AT_GROUP, 0, SHORT_DIGITS);
    put_octal(header + AT_SIZE, size, NUMBER_DIGITS);
    put_octal(header + AT_TIME, (uint64_t)mtime, NUMBER_DIGITS);
    memset(header + AT_SUM, ' ', SUM_BYTES);
    header[AT_TYPE] = '0';
    memcpy(header + AT_MAGIC,
           "ustar\0"
           "00",
           8);
    for (uint32_t i = 0; i < BUNDLE_BLOCK_BYTES; i++) {
        sum += header[i];
    }
    put_octal(header + AT_SUM, sum, 6);
    header[AT_SUM + 6] = '\0';
}

uint32_t bundle_form_padding(uint64_t size)
{
    return (uint32_t)((BUNDLE_BLOCK_BYTES - size % BUNDLE_BLOCK_BYTES) % BUNDLE_BLOCK_BYTES);
}

static bool take_octal(const uint8_t *at, uint64_t *value)
{
    *value = 0;
    for (uint32_t i = 0; i < NUMBER_DIGITS; i++) {
        if (at[i] < '0' || at[i] > '7') {
            return false;
        }
        *value = *value * 8 + (at[i] - '0');
    }
    return true;
}

bool bundle_form_read(const uint8_t header[BUNDLE_BLOCK_BYTES], uint64_t *size, int64_t *mtime)
{
    uint64_t seconds = 0;
    if (!take_octal(header + AT_SIZE, size) || !take_octal(header + AT_TIME, &seconds)) {
        return false;
    }
    *mtime = (int64_t)seconds;
    return true;
}

void bundle_hex(char *text, const uint8_t *bytes, uint32_t length)
{
    static const char digits[] = "0123456789abcdef";
    for (uint32_t i = 0; i < length; i++) {
        text[2 * i] = digits[bytes[i] >> 4];
        text[2 * i + 1] = digits[bytes[i] & 15];
    }
    text[2 * (size_t)length] = '\0';
}

static int digit_of(char character)
{
    if (character >= '0' && character <= '9') {
        return character - '0';
    }
    return character >= 'a' && character <= 'f' ? character - 'a' + 10 : -1;
}

bool bundle_hex_read(const char *text, uint8_t *bytes, uint32_t length)
{
    if (text == NULL || strlen(text) != 2 * (size_t)length) {
        return false;
    }
    for (uint32_t i = 0; i < length; i++) {
        int high = digit_of(text[2 * i]);
        int low = digit_of(text[2 * i + 1]);
        if (high < 0 || low < 0) {
            return false;
        }
        bytes[i] = (uint8_t)(high << 4 | low);
    }
    return true;
}
