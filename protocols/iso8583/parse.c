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
#include "protocols/iso8583/ebcdic.h"
#include "protocols/iso8583/header.h"
#include "protocols/iso8583/message.h"
#include "protocols/iso8583/value.h"

#define MESSAGE_BYTES_MAX UINT16_MAX
#define BITMAP_BYTES 8
#define BITMAP_HEX 16
#define FIRST_BIT (UINT64_C(1) << 63)

_Static_assert(BITMAP_HEX == 2 * BITMAP_BYTES, "a byte is two hex characters");
_Static_assert(SPEC_FIELD_MAX == SPEC_WORD_COUNT * 8 * BITMAP_BYTES, "bitmaps name every field");
_Static_assert(SPEC_COUNT_MAX < UINT16_MAX / 2, "length and count of a value fit, in hex too");

/* A parse under way. */
struct message_walk {
    struct message *message;
    struct message_fault *fault;
    struct byte_reader reader;
    bool is_place_known; /* after a fault: the reader stands where the next field begins */
    bool third_follows;  /* the third bitmap, in the place of field 127 or 128 */
};

#define COLD __attribute__((cold, noinline))

/* Fields before `field` stay present; it and what follows were not read. */
static void forget_from(struct message *message, unsigned field)
{
    for (unsigned word = 0; word < SPEC_WORD_COUNT; word++) {
        const unsigned first = word * 64 + 1;
        if (field <= first) {
            message->present[word] = 0;
        } else if (field < first + 64) {
            message->present[word] &= ~(UINT64_MAX >> (field - first));
        }
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
    const enum spec_row_kind kind = row->prefix == SPEC_PREFIX_BCD ? SPEC_ROW_BCD : SPEC_ROW_DIGITS;
    REQUIRE(row->prefix_bytes > 0);
    if (row->prefix == SPEC_PREFIX_OTHER) {
        const uint32_t at = walk->reader.position - row->prefix_bytes;
        snprintf(walk->fault->reason, sizeof(walk->fault->reason),
                 "the length of field %u at byte %u is none that this field can have", field, at);
        return refuse(walk, (struct message_trouble){STATUS_MALFORMED, field, at});
    }
    const uint32_t offset = walk->reader.position - row->prefix_bytes +
                            characters_first_bad(kind, prefix, row->prefix_bytes);
    snprintf(walk->fault->reason, sizeof(walk->fault->reason),
             "the length of field %u holds %s at byte %u", field, characters_fault(kind), offset);
    return refuse(walk, (struct message_trouble){STATUS_MALFORMED, field, offset});
}

COLD static enum status refuse_character(struct message_walk *walk, unsigned field,
                                         struct byte_view value, uint32_t count)
{
    const struct spec_row *row = &walk->message->spec->rows[field];
    const enum spec_row_kind kind =
        (enum spec_row_kind)(row->kind == SPEC_ROW_EBCDIC ? row->inner : row->kind);
    const uint32_t at =
        (uint32_t)(value.bytes - walk->reader.bytes) + value_first_bad(row, value, count);
    snprintf(walk->fault->reason, sizeof(walk->fault->reason), "field %u holds %s at byte %u",
             field, characters_fault(kind), at);
    walk->is_place_known = true;
    return refuse(walk, (struct message_trouble){STATUS_MALFORMED, field, at});
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

/* Sixteen hex characters in EBCDIC. */
COLD static enum status read_bitmap_ebcdic(struct message_walk *walk, uint64_t *bits)
{
    static const struct spec_row ROW = {.inner = SPEC_ROW_HEX, .page = SPEC_EBCDIC_037};
    char text[BITMAP_HEX];
    const uint8_t *from = byte_reader_take(&walk->reader, BITMAP_HEX);
    if (from == NULL) {
        return refuse_head(walk, "bitmap", BITMAP_HEX);
    }
    const uint32_t bad = ebcdic_first_bad(&ROW, from, BITMAP_HEX);
    if (bad < BITMAP_HEX) {
        return refuse_head_character(walk, "the bitmap holds a character that is no hex digit",
                                     walk->reader.position - BITMAP_HEX + bad);
    }
    ebcdic_read(text, SPEC_EBCDIC_037, from, BITMAP_HEX);
    *bits = (uint64_t)hex_value((const uint8_t *)text) << 32 |
            hex_value((const uint8_t *)text + BITMAP_HEX / 2);
    return STATUS_OK;
}

static enum status read_bitmap(struct message_walk *walk, uint64_t *bits)
{
    if (walk->message->spec->bitmap_coding == SPEC_HEX_EBCDIC) {
        return read_bitmap_ebcdic(walk, bits);
    }
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

COLD static enum status read_mti_ebcdic(struct message_walk *walk)
{
    static const struct spec_row ROW = {.inner = SPEC_ROW_DIGITS, .page = SPEC_EBCDIC_037};
    const uint8_t *mti = byte_reader_take(&walk->reader, 4);
    if (mti == NULL) {
        return refuse_head(walk, "message type", 4);
    }
    const uint32_t bad = ebcdic_first_bad(&ROW, mti, 4);
    if (bad < 4) {
        return refuse_head_character(walk, "the message type holds a character that is no digit",
                                     walk->reader.position - 4 + bad);
    }
    ebcdic_read(walk->message->mti, SPEC_EBCDIC_037, mti, 4);
    walk->message->mti[4] = '\0';
    return STATUS_OK;
}

static enum status read_mti(struct message_walk *walk)
{
    if (walk->message->spec->mti_coding > SPEC_BCD) {
        return read_mti_ebcdic(walk);
    }
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

/* The header, where something is known of it. */
COLD static enum status check_header(struct message_walk *walk)
{
    uint32_t offset = 0;
    enum status status =
        header_check(walk->message->spec, walk->message->bytes, &offset, walk->fault->reason);
    return status == STATUS_OK ? STATUS_OK
                               : refuse(walk, (struct message_trouble){status, 0, offset});
}

COLD static enum status refuse_first_bit(struct message_walk *walk)
{
    return refuse_head_character(
        walk, "bit 1 is set, but this dialect has no second bitmap: the first",
        walk->reader.position -
            (walk->message->spec->bitmap_coding == SPEC_BINARY ? BITMAP_BYTES : BITMAP_HEX));
}

/* The second bitmap, and the third where it stands behind it. */
static enum status read_more_bitmaps(struct message_walk *walk)
{
    struct message *message = walk->message;
    uint64_t bits = 0;
    enum status status = read_bitmap(walk, &bits);
    const bool has_third =
        status == STATUS_OK && message->spec->third_bitmap == 65 && (bits & FIRST_BIT) != 0;
    if (has_third) {
        status = read_bitmap(walk, &message->present[2]);
    }
    message->present[1] = has_third ? bits & ~FIRST_BIT : bits;
    if (message->spec->third_bitmap > 65) {
        const uint64_t third = UINT64_C(1) << (128 - message->spec->third_bitmap);
        walk->third_follows = (bits & third) != 0;
        message->present[1] &= ~third;
    }
    return status;
}

/* Header, message type, bitmaps. */
static enum status read_head(struct message_walk *walk)
{
    struct message *message = walk->message;
    const struct spec *spec = message->spec;
    if (spec->header_bytes > 0 && byte_reader_take(&walk->reader, spec->header_bytes) == NULL) {
        return refuse_head(walk, "header", spec->header_bytes);
    }
    enum status status = spec->header_item_count > 0 ? check_header(walk) : STATUS_OK;
    if (status == STATUS_OK) {
        status = read_mti(walk);
    }
    if (status != STATUS_OK) {
        return status;
    }
    uint64_t bits = 0;
    status = read_bitmap(walk, &bits);
    if (status != STATUS_OK) {
        return status;
    }
    if ((bits & FIRST_BIT) != 0) {
        status = spec->may_have_secondary ? read_more_bitmaps(walk) : refuse_first_bit(walk);
    }
    if (status != STATUS_OK) {
        forget_from(message, 0);
        return status;
    }
    message->present[0] = bits & ~FIRST_BIT;
    return STATUS_OK;
}

/* The digits of a length prefix as a number; more than 9999 never fits a field. UINT32_MAX: no
 * digits. */
static inline uint32_t prefix_value(const struct spec *spec, unsigned field, const uint8_t *prefix)
{
    const struct spec_row *row = &spec->rows[field];
    uint32_t value = 0;
    uint32_t bad = 0;
    if (row->prefix == SPEC_PREFIX_BCD) {
        for (uint32_t i = 0; i < row->prefix_bytes; i++) {
            const uint32_t high = prefix[i] >> 4;
            const uint32_t low = prefix[i] & 15u;
            bad |= (uint32_t)(high > 9) | (uint32_t)(low > 9);
            value = value * 100 + high * 10 + low;
        }
    } else if (row->prefix == SPEC_PREFIX_OTHER) {
        return value_prefix_read(&spec->fields[field], prefix, row->prefix_bytes);
    } else {
        for (uint32_t i = 0; i < row->prefix_bytes; i++) {
            const uint32_t digit = (uint32_t)prefix[i] - '0';
            bad |= (uint32_t)(digit > 9);
            value = value * 10 + digit;
        }
    }
    return bad != 0 ? UINT32_MAX : value;
}

/* A track, or a sign and digits, of an odd count. */
static inline bool odd_otherwise(struct message *message, const struct spec_row *row,
                                 struct byte_view value, bool has_pad_fault)
{
    if (row->kind == SPEC_ROW_SIGNED_BCD) {
        return value_first_bad(row, value, 1) == value.length;
    }
    message->pad_fault_count = (uint16_t)(message->pad_fault_count + has_pad_fault);
    return true;
}

/* A BCD run with an odd count: one of its bytes holds the pad nibble. */
static inline bool odd_bcd_fits(struct message *message, const struct spec_row *row,
                                struct byte_view value)
{
    const uint8_t half = row->is_right ? value.bytes[0] : value.bytes[value.length - 1];
    const uint8_t digit = row->is_right ? half & 15 : half >> 4;
    const uint8_t pad = row->is_right ? half >> 4 : half & 15;
    if (row->kind != SPEC_ROW_BCD) {
        return odd_otherwise(message, row, value, pad != 0);
    }
    message->pad_fault_count = (uint16_t)(message->pad_fault_count + (pad != 0));
    return digit <= 9 &&
           characters_pass(value.bytes + row->is_right, value.length - 1, characters_not_bcd);
}

/* What the usual way of judging does not know. */
COLD static enum status judge_otherwise(struct message_walk *walk, unsigned field,
                                        struct byte_view value, uint32_t count)
{
    const struct spec_row *row = &walk->message->spec->rows[field];
    if (row->kind == SPEC_ROW_ABSENT) {
        return refuse_absent(walk, field);
    }
    if (row->kind == SPEC_ROW_EBCDIC && value_first_bad(row, value, count) == value.length) {
        return STATUS_OK;
    }
    return refuse_character(walk, field, value, count);
}

/* Takes one field off the reader; `is_judged` is a constant of the caller. */
__attribute__((always_inline)) static inline enum status take_field(struct message_walk *walk,
                                                                    unsigned field, bool is_judged)
{
    struct message *message = walk->message;
    const struct spec_row *row = &message->spec->rows[field];
    uint32_t count = row->count;
    if (row->prefix_bytes > 0) {
        const uint8_t *prefix = byte_reader_take(&walk->reader, row->prefix_bytes);
        if (prefix == NULL) {
            return refuse_end(walk, field, row->prefix_bytes);
        }
        count = prefix_value(message->spec, field, prefix);
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
    if (!is_judged) {
        return row->kind == SPEC_ROW_ABSENT ? refuse_absent(walk, field) : STATUS_OK;
    }
    message->fields[field] =
        (struct message_field){(uint16_t)offset, (uint16_t)length, (uint16_t)count};
    const bool fits = (count & row->halve) != 0
                          ? odd_bcd_fits(message, row, (struct byte_view){value, length})
                          : characters_fit((enum spec_row_kind)row->kind, value, length);
    return fits ? STATUS_OK
                : judge_otherwise(walk, field, (struct byte_view){value, length}, count);
}

static inline enum status read_field(struct message_walk *walk, unsigned field)
{
    return take_field(walk, field, true);
}

static bool is_announced(const uint64_t announced[SPEC_WORD_COUNT], unsigned field)
{
    return (announced[(field - 1) / 64] >> (63 - (field - 1) % 64) & 1) != 0;
}

/* A bad character leaves the places of the fields behind it known: those that are right become
 * present, so that a refusal can name the trace number. The first fault stands. */
COLD static void read_behind(struct message_walk *walk, const uint64_t announced[SPEC_WORD_COUNT],
                             unsigned bad_field)
{
    struct message *message = walk->message;
    const struct message_fault first = *walk->fault;
    uint64_t right[SPEC_WORD_COUNT];
    memcpy(right, message->present, sizeof(right));
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
    memcpy(message->present, right, sizeof(right));
    *walk->fault = first;
    walk->fault->is_answerable = message->mti[0] != '\0' && message_has(message, 11);
}

/* Begins: all up to the first field. */
static enum status open_walk(struct message_walk *walk, const struct spec *spec,
                             struct byte_view bytes)
{
    struct message *message = walk->message;
    REQUIRE(spec != NULL && walk->fault != NULL);
    message->spec = spec;
    message->bytes = bytes;
    message->mti[0] = '\0';
    memset(message->present, 0, sizeof(message->present));
    message->pad_fault_count = 0;
    byte_reader_init(&walk->reader, bytes.bytes, bytes.length);
    if (bytes.length > MESSAGE_BYTES_MAX) {
        snprintf(walk->fault->reason, sizeof(walk->fault->reason),
                 "the message has %u bytes, %u at most", bytes.length, MESSAGE_BYTES_MAX);
        return refuse(walk, (struct message_trouble){STATUS_BAD_VALUE, 0, MESSAGE_BYTES_MAX});
    }
    return read_head(walk);
}

/* The third bitmap where it stands in the place of field 127 or 128. */
COLD static enum status read_third_bitmap(struct message_walk *walk, uint64_t *announced)
{
    enum status status = read_bitmap(walk, announced);
    walk->third_follows = false;
    *announced = status == STATUS_OK ? *announced : 0;
    walk->message->present[2] = *announced;
    return status;
}

enum status message_parse(struct message *message, const struct spec *spec, struct byte_view bytes,
                          struct message_fault *fault)
{
    struct message_walk walk = {.message = message, .fault = fault};
    enum status status = open_walk(&walk, spec, bytes);
    if (status != STATUS_OK) {
        return status;
    }
    uint64_t announced[SPEC_WORD_COUNT];
    memcpy(announced, message->present, sizeof(announced));
    unsigned field = 0;
    for (unsigned word = 0; word < spec->word_count; word++) {
        if (word == 2 && walk.third_follows) {
            status = read_third_bitmap(&walk, &announced[2]);
            if (status != STATUS_OK) {
                return status;
            }
        }
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

/* Whether nothing is wanted from `field` on. */
static bool is_behind(const uint64_t wanted[SPEC_WORD_COUNT], unsigned field)
{
    const unsigned word = (field - 1) / 64;
    uint64_t left = wanted[word] & UINT64_MAX >> (field - 1) % 64;
    for (unsigned next = word + 1; next < SPEC_WORD_COUNT; next++) {
        left |= wanted[next];
    }
    return left == 0;
}

enum status message_parse_some(struct message *message, const struct spec *spec,
                               struct byte_view bytes, const uint64_t wanted[SPEC_WORD_COUNT],
                               struct message_fault *fault)
{
    struct message_walk walk = {.message = message, .fault = fault};
    enum status status = open_walk(&walk, spec, bytes);
    uint64_t announced[SPEC_WORD_COUNT];
    memcpy(announced, message->present, sizeof(announced));
    for (unsigned field = 2; status == STATUS_OK && field <= 64U * spec->word_count; field++) {
        if (is_behind(wanted, field)) {
            break;
        }
        if (field == 129 && walk.third_follows) {
            status = read_third_bitmap(&walk, &announced[2]);
        }
        if (status == STATUS_OK && is_announced(announced, field)) {
            status = is_announced(wanted, field) ? read_field(&walk, field)
                                                 : take_field(&walk, field, false);
        }
    }
    for (unsigned word = 0; word < SPEC_WORD_COUNT; word++) {
        message->present[word] &= wanted[word];
    }
    return status;
}
