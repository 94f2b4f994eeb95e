/* message_parse: see message.h.
 *
 * The walk takes the set bits of the bitmap one after the other and does the same few steps for
 * each: prefix, bounds, characters. What a field looks like comes from its row. Anything wrong
 * leaves through one of the fault functions, which are cold and may take their time over words.
 */
#include <stdio.h>
#include <string.h>

#include "protocols/base/require.h"
#include "protocols/iso8583/characters.h"
#include "protocols/iso8583/message.h"

#define MESSAGE_BYTES_MAX UINT16_MAX
#define BITMAP_BYTES 8
#define BITMAP_HEX 16
#define FIRST_BIT (UINT64_C(1) << 63)

_Static_assert(BITMAP_HEX == 2 * BITMAP_BYTES, "a byte is two hex characters");
_Static_assert(SPEC_FIELD_MAX == 2 * 8 * BITMAP_BYTES, "two bitmaps name every field");
_Static_assert(SPEC_COUNT_MAX < UINT16_MAX / 2, "length and count of a value fit, in hex too");

/* A parse under way. */
struct message_walk {
    struct message *message;
    struct message_fault *fault;
    struct byte_reader reader;
    bool is_place_known; /* after a fault: the reader stands where the next field begins */
};

#define COLD __attribute__((cold, noinline))

/* Fields before `field` stay present; it and what follows were not read. */
static void forget_from(struct message *message, unsigned field)
{
    if (field <= 64) {
        message->present[0] &= field <= 1 ? 0 : ~(UINT64_MAX >> (field - 1));
        message->present[1] = 0;
    } else if (field <= SPEC_FIELD_MAX) {
        message->present[1] &= field == 65 ? 0 : ~(UINT64_MAX >> (field - 65));
    }
}

/* Where and what, for the caller to add its words. */
struct message_trouble {
    enum status status;
    unsigned field; /* 0: header, message type or bitmap */
    uint32_t offset;
};

COLD static enum status refuse(struct message_walk *walk, struct message_trouble trouble)
{
    struct message *message = walk->message;
    struct message_fault *fault = walk->fault;
    REQUIRE(trouble.status > STATUS_OK); /* it is the peer's, always */
    REQUIRE(trouble.offset <= message->bytes.length);
    forget_from(message, trouble.field);
    fault->status = trouble.status;
    fault->field = (uint16_t)(trouble.field <= SPEC_FIELD_MAX ? trouble.field : 0);
    fault->offset = trouble.offset;
    fault->is_answerable = message->mti[0] != '\0' && message_has(message, 11);
    return trouble.status;
}

COLD static enum status refuse_head(struct message_walk *walk, const char *what, uint32_t need)
{
    snprintf(walk->fault->reason, sizeof(walk->fault->reason),
             "the message ends inside its %s, which needs %u bytes at byte %u; %u are left", what,
             need, walk->reader.position, byte_reader_left(&walk->reader));
    return refuse(walk, (struct message_trouble){STATUS_TRUNCATED, 0, walk->reader.position});
}

COLD static enum status refuse_head_character(struct message_walk *walk, const char *sentence,
                                              uint32_t offset)
{
    snprintf(walk->fault->reason, sizeof(walk->fault->reason), "%s at byte %u", sentence, offset);
    return refuse(walk, (struct message_trouble){STATUS_MALFORMED, 0, offset});
}

COLD static enum status refuse_end(struct message_walk *walk, unsigned field, uint32_t need)
{
    const uint32_t left = byte_reader_left(&walk->reader);
    REQUIRE(need > left);
    snprintf(walk->fault->reason, sizeof(walk->fault->reason),
             "field %u ends %u bytes after the message: %u needed at byte %u, %u left", field,
             need - left, need, walk->reader.position, left);
    return refuse(walk, (struct message_trouble){STATUS_TRUNCATED, field, walk->reader.position});
}

COLD static enum status refuse_length(struct message_walk *walk, unsigned field, uint32_t count)
{
    const struct spec *spec = walk->message->spec;
    const uint32_t at = walk->reader.position - spec->rows[field].prefix_bytes;
    REQUIRE(count > spec->rows[field].count);
    const enum spec_content content = spec->fields[field].content;
    snprintf(walk->fault->reason, sizeof(walk->fault->reason), "field %u is %u %s long, %u at most",
             field, count,
             content == SPEC_N   ? "digits"
             : content == SPEC_B ? "bytes"
                                 : "characters",
             spec->rows[field].count);
    return refuse(walk, (struct message_trouble){STATUS_BAD_VALUE, field, at});
}

COLD static enum status refuse_prefix(struct message_walk *walk, unsigned field,
                                      const uint8_t *prefix)
{
    const struct spec_row *row = &walk->message->spec->rows[field];
    const enum spec_row_kind kind = row->prefix_is_bcd ? SPEC_ROW_BCD : SPEC_ROW_DIGITS;
    REQUIRE(row->prefix_bytes > 0);
    const uint32_t offset = walk->reader.position - row->prefix_bytes +
                            characters_first_bad(kind, prefix, row->prefix_bytes);
    snprintf(walk->fault->reason, sizeof(walk->fault->reason),
             "the length of field %u holds %s at byte %u", field, characters_fault(kind), offset);
    return refuse(walk, (struct message_trouble){STATUS_MALFORMED, field, offset});
}

COLD static enum status refuse_character(struct message_walk *walk, unsigned field,
                                         struct byte_view value)
{
    const struct spec_row *row = &walk->message->spec->rows[field];
    const enum spec_row_kind kind = (enum spec_row_kind)row->kind;
    uint32_t bad = characters_first_bad(kind, value.bytes, value.length);
    if (bad == 0 && kind == SPEC_ROW_BCD && row->is_right && (value.bytes[0] & 15) <= 9) {
        /* It is the pad nibble that is no digit, and that is no fault. */
        bad = 1 + characters_first_bad(kind, value.bytes + 1, value.length - 1);
    }
    const uint32_t start = (uint32_t)(value.bytes - walk->reader.bytes);
    snprintf(walk->fault->reason, sizeof(walk->fault->reason), "field %u holds %s at byte %u",
             field, characters_fault(kind), start + bad);
    walk->is_place_known = true;
    return refuse(walk, (struct message_trouble){STATUS_MALFORMED, field, start + bad});
}

COLD static enum status refuse_absent(struct message_walk *walk, unsigned field)
{
    snprintf(walk->fault->reason, sizeof(walk->fault->reason),
             "field %u is set in the bitmap, but %s has no such field", field,
             walk->message->spec->name);
    return refuse(walk, (struct message_trouble){STATUS_UNKNOWN, field, walk->reader.position});
}

COLD static enum status refuse_trailing(struct message_walk *walk, unsigned last)
{
    REQUIRE(byte_reader_left(&walk->reader) > 0);
    snprintf(walk->fault->reason, sizeof(walk->fault->reason),
             "%u bytes are left after field %u, the last in the bitmap",
             byte_reader_left(&walk->reader), last);
    return refuse(walk, (struct message_trouble){STATUS_MALFORMED, SPEC_FIELD_MAX + 1,
                                                 walk->reader.position});
}

/* Eight hex characters as four bytes, big-endian. */
static uint32_t hex_value(const uint8_t *text)
{
    return __builtin_bswap32(characters_pack8(characters_load8(text)));
}

static enum status read_bitmap(struct message_walk *walk, uint64_t *bits)
{
    if (walk->message->spec->bitmap_coding == SPEC_BINARY) {
        const uint8_t *bytes = byte_reader_take(&walk->reader, BITMAP_BYTES);
        if (bytes == NULL) {
            return refuse_head(walk, "bitmap", BITMAP_BYTES);
        }
        *bits = __builtin_bswap64(characters_load8(bytes));
        return STATUS_OK;
    }
    const uint8_t *text = byte_reader_take(&walk->reader, BITMAP_HEX);
    if (text == NULL) {
        return refuse_head(walk, "bitmap", BITMAP_HEX);
    }
    if (!characters_fit(SPEC_ROW_HEX, text, BITMAP_HEX)) {
        return refuse_head_character(walk, "the bitmap holds a character that is no hex digit",
                                     walk->reader.position - BITMAP_HEX +
                                         characters_first_bad(SPEC_ROW_HEX, text, BITMAP_HEX));
    }
    *bits = (uint64_t)hex_value(text) << 32 | hex_value(text + 8);
    return STATUS_OK;
}

static enum status read_mti(struct message_walk *walk)
{
    const bool is_ascii = walk->message->spec->mti_coding == SPEC_ASCII;
    const uint32_t length = is_ascii ? 4 : 2;
    const uint8_t *mti = byte_reader_take(&walk->reader, length);
    if (mti == NULL) {
        return refuse_head(walk, "message type", length);
    }
    const enum spec_row_kind kind = is_ascii ? SPEC_ROW_DIGITS : SPEC_ROW_BCD;
    if (!characters_fit(kind, mti, length)) {
        return refuse_head_character(
            walk,
            is_ascii ? "the message type holds a character that is no digit"
                     : "the message type holds a nibble that is no digit",
            walk->reader.position - length + characters_first_bad(kind, mti, length));
    }
    char *text = walk->message->mti;
    if (is_ascii) {
        memcpy(text, mti, 4);
    } else {
        const uint32_t packed = (uint32_t)mti[0] | (uint32_t)mti[1] << 8;
        const uint32_t digits = (uint32_t)characters_unpack8(packed) | 0x30303030u;
        memcpy(text, &digits, sizeof(digits));
    }
    text[4] = '\0';
    return STATUS_OK;
}

/* Header, message type, one or two bitmaps. */
static enum status read_head(struct message_walk *walk)
{
    struct message *message = walk->message;
    const struct spec *spec = message->spec;
    if (spec->header_bytes > 0 && byte_reader_take(&walk->reader, spec->header_bytes) == NULL) {
        return refuse_head(walk, "header", spec->header_bytes);
    }
    enum status status = read_mti(walk);
    if (status != STATUS_OK) {
        return status;
    }
    uint64_t bits = 0;
    status = read_bitmap(walk, &bits);
    if (status != STATUS_OK) {
        return status;
    }
    uint64_t more = 0;
    if ((bits & FIRST_BIT) != 0) {
        if (!spec->may_have_secondary) {
            return refuse_head_character(
                walk, "bit 1 is set, but this dialect has no second bitmap: the first",
                walk->reader.position -
                    (spec->bitmap_coding == SPEC_BINARY ? BITMAP_BYTES : BITMAP_HEX));
        }
        status = read_bitmap(walk, &more);
    }
    message->present[0] = status == STATUS_OK ? bits & ~FIRST_BIT : 0;
    message->present[1] = more;
    return status;
}

/* The digits of a length prefix as a number; more than 9999 never fits a field. UINT32_MAX: no
 * digits. */
static inline uint32_t prefix_value(const struct spec_row *row, const uint8_t *prefix)
{
    uint32_t value = 0;
    uint32_t bad = 0;
    if (row->prefix_is_bcd) {
        for (uint32_t i = 0; i < row->prefix_bytes; i++) {
            const uint32_t high = prefix[i] >> 4;
            const uint32_t low = prefix[i] & 15u;
            bad |= (uint32_t)(high > 9) | (uint32_t)(low > 9);
            value = value * 100 + high * 10 + low;
        }
    } else {
        for (uint32_t i = 0; i < row->prefix_bytes; i++) {
            const uint32_t digit = (uint32_t)prefix[i] - '0';
            bad |= (uint32_t)(digit > 9);
            value = value * 10 + digit;
        }
    }
    return bad != 0 ? UINT32_MAX : value;
}

/* A BCD run with an odd count: one of its bytes holds the pad nibble. */
static inline bool odd_bcd_fits(struct message *message, const struct spec_row *row,
                                struct byte_view value)
{
    const uint8_t half = row->is_right ? value.bytes[0] : value.bytes[value.length - 1];
    const uint8_t digit = row->is_right ? half & 15 : half >> 4;
    const uint8_t pad = row->is_right ? half >> 4 : half & 15;
    message->pad_fault_count = (uint16_t)(message->pad_fault_count + (pad != 0));
    if (row->kind == SPEC_ROW_TRACK_BCD) {
        return true;
    }
    return digit <= 9 &&
           characters_pass(value.bytes + row->is_right, value.length - 1, characters_not_bcd);
}

static inline enum status read_field(struct message_walk *walk, unsigned field)
{
    struct message *message = walk->message;
    const struct spec_row *row = &message->spec->rows[field];
    uint32_t count = row->count;
    if (row->prefix_bytes > 0) {
        const uint8_t *prefix = byte_reader_take(&walk->reader, row->prefix_bytes);
        if (prefix == NULL) {
            return refuse_end(walk, field, row->prefix_bytes);
        }
        count = prefix_value(row, prefix);
        if (count == UINT32_MAX) {
            return refuse_prefix(walk, field, prefix);
        }
        count <<= row->prefix_counts_bytes;
        if (count > spec_row_count_max(row)) {
            return refuse_length(walk, field, count);
        }
    }
    const uint32_t length = ((count << row->grow) + row->halve) >> row->halve;
    const uint32_t offset = walk->reader.position;
    const uint8_t *value = byte_reader_take(&walk->reader, length);
    if (value == NULL) {
        return refuse_end(walk, field, length);
    }
    message->fields[field] =
        (struct message_field){(uint16_t)offset, (uint16_t)length, (uint16_t)count};
    const bool fits = (count & row->halve) != 0
                          ? odd_bcd_fits(message, row, (struct byte_view){value, length})
                          : characters_fit((enum spec_row_kind)row->kind, value, length);
    if (!fits) {
        return row->kind == SPEC_ROW_ABSENT
                   ? refuse_absent(walk, field)
                   : refuse_character(walk, field, (struct byte_view){value, length});
    }
    return STATUS_OK;
}

static bool is_announced(const uint64_t announced[2], unsigned field)
{
    return (announced[(field - 1) / 64] >> (63 - (field - 1) % 64) & 1) != 0;
}

/* A bad character leaves the places of the fields behind it known: those that are right become
 * present, so that a refusal can name the trace number. The first fault stands. */
COLD static void read_behind(struct message_walk *walk, const uint64_t announced[2],
                             unsigned bad_field)
{
    struct message *message = walk->message;
    const struct message_fault first = *walk->fault;
    uint64_t right[2] = {message->present[0], message->present[1]};
    for (unsigned field = bad_field + 1; field <= SPEC_FIELD_MAX && walk->is_place_known; field++) {
        if (!is_announced(announced, field)) {
            continue;
        }
        walk->is_place_known = false;
        if (read_field(walk, field) == STATUS_OK) {
            walk->is_place_known = true;
            right[(field - 1) / 64] |= FIRST_BIT >> (field - 1) % 64;
        }
    }
    message->present[0] = right[0];
    message->present[1] = right[1];
    *walk->fault = first;
    walk->fault->is_answerable = message->mti[0] != '\0' && message_has(message, 11);
}

enum status message_parse(struct message *message, const struct spec *spec, struct byte_view bytes,
                          struct message_fault *fault)
{
    REQUIRE(spec != NULL && fault != NULL);
    struct message_walk walk = {.message = message, .fault = fault};
    message->spec = spec;
    message->bytes = bytes;
    message->mti[0] = '\0';
    message->present[0] = 0;
    message->present[1] = 0;
    message->pad_fault_count = 0;
    byte_reader_init(&walk.reader, bytes.bytes, bytes.length);
    if (bytes.length > MESSAGE_BYTES_MAX) {
        snprintf(fault->reason, sizeof(fault->reason), "the message has %u bytes, %u at most",
                 bytes.length, MESSAGE_BYTES_MAX);
        return refuse(&walk, (struct message_trouble){STATUS_BAD_VALUE, 0, MESSAGE_BYTES_MAX});
    }
    enum status status = read_head(&walk);
    if (status != STATUS_OK) {
        return status;
    }
    const uint64_t announced[2] = {message->present[0], message->present[1]};
    unsigned field = 0;
    for (unsigned word = 0; word < 2; word++) {
        uint64_t bits = announced[word];
        while (bits != 0) {
            const unsigned lead = (unsigned)__builtin_clzll(bits);
            bits &= ~(FIRST_BIT >> lead);
            field = word * 64 + lead + 1;
            status = read_field(&walk, field);
            if (status != STATUS_OK) {
                read_behind(&walk, announced, field);
                return status;
            }
        }
    }
    return byte_reader_left(&walk.reader) == 0 ? STATUS_OK : refuse_trailing(&walk, field);
}
