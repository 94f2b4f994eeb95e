/* See frame_length.h. */
#include "protocols/base/frame_length.h"

#include <stdio.h>
#include <string.h>

#include "protocols/base/bytes.h"
#include "protocols/base/digits.h"
#include "protocols/base/require.h"

#define STX 0x02

static const char *const NAMES[] = {
#define X(set, name, word) word,
    FRAME_LENGTH_MAP(X)
#undef X
};
_Static_assert(sizeof(NAMES) / sizeof(NAMES[0]) == FRAME_LENGTH_KIND_COUNT, "one name a kind");

const char *frame_length_name(enum frame_length_kind kind)
{
    REQUIRE((unsigned)kind < FRAME_LENGTH_KIND_COUNT);
    return NAMES[kind];
}

bool frame_length_from_name(enum frame_length_kind *kind, const char *word)
{
    for (unsigned i = 0; i < FRAME_LENGTH_KIND_COUNT; i++) {
        if (strcmp(NAMES[i], word) == 0) {
            *kind = (enum frame_length_kind)i;
            return true;
        }
    }
    return false;
}

uint32_t frame_length_prefix_bytes(enum frame_length_kind kind)
{
    REQUIRE((unsigned)kind < FRAME_LENGTH_KIND_COUNT);
    return kind == FRAME_ASCII_4 || kind == FRAME_BINARY_4 ? 4 : kind == FRAME_STX ? 3 : 2;
}

uint32_t frame_length_suffix_bytes(enum frame_length_kind kind)
{
    REQUIRE((unsigned)kind < FRAME_LENGTH_KIND_COUNT);
    return kind == FRAME_STX ? FRAME_SUFFIX_BYTES_MAX : 0;
}

static uint32_t read_digits(const char text[4])
{
    uint64_t length = 0;
    bool is_number = digits_parse(&length, text, 4, (struct number_range){0, 9999}) == STATUS_OK;
    return is_number ? (uint32_t)length : FRAME_LENGTH_NONE;
}

static uint32_t read_bcd(const uint8_t bytes[2])
{
    char text[4];
    bool is_bcd = digits_from_bcd(text, bytes, sizeof(text), DIGITS_LEFT) == STATUS_OK;
    return is_bcd ? read_digits(text) : FRAME_LENGTH_NONE;
}

uint32_t frame_length_read(enum frame_length_kind kind, const uint8_t *prefix)
{
    struct byte_reader reader;
    uint32_t length = 0;
    byte_reader_init(&reader, prefix, frame_length_prefix_bytes(kind));
    switch (kind) {
    case FRAME_BINARY_2:
        return byte_reader_u16(&reader);
    case FRAME_BINARY_2_INCLUSIVE:
        length = byte_reader_u16(&reader);
        return length < 2 ? FRAME_LENGTH_NONE : length - 2;
    case FRAME_BINARY_4:
        return byte_reader_u32(&reader);
    case FRAME_BCD_2:
        return read_bcd(prefix);
    case FRAME_ASCII_4:
        return read_digits((const char *)prefix);
    case FRAME_STX:
        return prefix[0] == STX ? read_bcd(prefix + 1) : FRAME_LENGTH_NONE;
    }
    return FRAME_LENGTH_NONE;
}

static void write_bcd(uint8_t bytes[2], uint32_t length)
{
    char text[4];
    digits_format(text, length, sizeof(text));
    REQUIRE(digits_to_bcd(bytes, text, sizeof(text), DIGITS_LEFT) == STATUS_OK);
}

void frame_length_write(enum frame_length_kind kind, uint8_t *prefix, uint32_t length)
{
    REQUIRE(length <= 9999);
    struct byte_writer writer;
    byte_writer_init(&writer, prefix, frame_length_prefix_bytes(kind));
    switch (kind) {
    case FRAME_BINARY_2:
        byte_writer_u16(&writer, (uint16_t)length);
        break;
    case FRAME_BINARY_2_INCLUSIVE:
        byte_writer_u16(&writer, (uint16_t)(length + 2));
        break;
    case FRAME_BINARY_4:
        byte_writer_u32(&writer, length);
        break;
    case FRAME_ASCII_4:
        digits_format((char *)prefix, length, 4);
        break;
    case FRAME_BCD_2:
        write_bcd(prefix, length);
        break;
    case FRAME_STX:
        prefix[0] = STX;
        write_bcd(prefix + 1, length);
        break;
    }
}

uint8_t frame_length_lrc(const uint8_t *bytes, uint32_t count)
{
    uint8_t lrc = 0;
    for (uint32_t i = 0; i < count; i++) {
        lrc ^= bytes[i];
    }
    return lrc;
}

/* The first two bytes of a message, as one number: from where to where they may lie. A coding whose
 * first byte alone is fixed takes all that may follow it. */
struct begin_range {
    uint16_t first, last;
};

static struct begin_range range_of(enum frame_length_kind kind, uint32_t length_max)
{
    uint8_t longest[FRAME_PREFIX_BYTES_MAX];
    frame_length_write(kind, longest, length_max);
    uint16_t last = (uint16_t)(longest[0] << 8 | longest[1]);
    switch (kind) {
    case FRAME_BINARY_2:
    case FRAME_BINARY_4:
    case FRAME_BCD_2:
        return (struct begin_range){0, last};
    case FRAME_BINARY_2_INCLUSIVE:
        return (struct begin_range){2, last};
    case FRAME_ASCII_4:
        return (struct begin_range){'0' << 8, '9' << 8 | 0xFF};
    case FRAME_STX:
        break;
    }
    return (struct begin_range){STX << 8, STX << 8 | 0xFF};
}

bool frame_length_may_begin(enum frame_length_kind kind, uint32_t length_max,
                            const uint8_t first[2])
{
    const struct begin_range range = range_of(kind, length_max);
    unsigned begin = (unsigned)first[0] << 8 | first[1];
    return begin >= range.first && begin <= range.last;
}

bool frame_lengths_are_told_apart(enum frame_length_kind one, enum frame_length_kind other,
                                  uint32_t length_max, char reason[FRAME_LENGTH_REASON_SIZE])
{
    const struct begin_range a = range_of(one, length_max), b = range_of(other, length_max);
    unsigned low = a.first > b.first ? a.first : b.first;
    unsigned high = a.last < b.last ? a.last : b.last;
    reason[0] = '\0';
    if (low > high) {
        return true;
    }
    int length = snprintf(reason, FRAME_LENGTH_REASON_SIZE,
                          "%s and %s cannot be told apart: a message of either, of at most %u "
                          "bytes, may begin with %04X",
                          frame_length_name(one), frame_length_name(other), length_max, low);
    REQUIRE(length > 0 && length < FRAME_LENGTH_REASON_SIZE);
    if (low < high) {
        snprintf(reason + length, FRAME_LENGTH_REASON_SIZE - (uint32_t)length, " to %04X", high);
    }
    return false;
}
