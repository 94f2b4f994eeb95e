/* message_build: see message.h.
 *
 * The mirror of parse.c: set bits in order, each field by its row. Values come from our own code,
 * so what does not fit is answered as a fault of the value, with the field's number.
 */
#include <stdio.h>
#include <string.h>

#include "protocols/base/require.h"
#include "protocols/iso8583/characters.h"
#include "protocols/iso8583/ebcdic.h"
#include "protocols/iso8583/header.h"
#include "protocols/iso8583/message.h"
#include "protocols/iso8583/value.h"

#define FIRST_BIT (UINT64_C(1) << 63)
#define MAC_BYTES 8
#define COLD __attribute__((cold, noinline))

_Static_assert(sizeof(((struct message_draft *)0)->mti) == 5, "four digits and a final 0");
_Static_assert(SPEC_FIELD_MAX == 64 * SPEC_WORD_COUNT, "bitmaps name every field");

/* A build under way. */
struct message_making {
    const struct message_draft *draft;
    struct byte_writer *writer;
    struct message_fault *fault;
    uint32_t start; /* of the message in the writer */
};

void message_draft_init(struct message_draft *draft, const struct spec *spec, const char *mti)
{
    REQUIRE(spec != NULL);
    REQUIRE(strlen(mti) == 4);
    draft->spec = spec;
    memcpy(draft->mti, mti, sizeof(draft->mti));
    draft->header = (struct byte_view){NULL, 0};
    memset(draft->present, 0, sizeof(draft->present));
}

void message_draft_set(struct message_draft *draft, unsigned field, const void *value,
                       uint32_t count)
{
    REQUIRE(field >= 2 && field <= SPEC_FIELD_MAX);
    draft->present[(field - 1) / 64] |= FIRST_BIT >> (field - 1) % 64;
    draft->values[field] = (struct byte_view){value, count};
}

void message_draft_set_text(struct message_draft *draft, unsigned field, const char *text)
{
    message_draft_set(draft, field, text, (uint32_t)strlen(text));
}

COLD static enum status refuse_value(const struct message_making *making, unsigned field,
                                     const char *sentence)
{
    struct message_fault *fault = making->fault;
    snprintf(fault->reason, sizeof(fault->reason), "field %u %s", field, sentence);
    fault->status = STATUS_BAD_VALUE;
    fault->field = (uint16_t)field;
    fault->offset = making->writer->position - making->start;
    fault->is_answerable = false;
    return STATUS_BAD_VALUE;
}

COLD static enum status refuse_count(const struct message_making *making, unsigned field)
{
    const struct spec_row *row = &making->draft->spec->rows[field];
    const uint32_t count = making->draft->values[field].length;
    char sentence[80];
    if (row->kind == SPEC_ROW_ABSENT) {
        snprintf(sentence, sizeof(sentence), "is not in %s", making->draft->spec->name);
    } else {
        snprintf(sentence, sizeof(sentence), "was given %u long, %s %u", count,
                 row->prefix_bytes > 0 || count > row->count ? "at most" : "needed:", row->count);
    }
    return refuse_value(making, field, sentence);
}

COLD static enum status refuse_character(const struct message_making *making, unsigned field)
{
    char sentence[80];
    const enum spec_row_kind kind = (enum spec_row_kind)making->draft->spec->rows[field].kind;
    const struct spec_row *row = &making->draft->spec->rows[field];
    snprintf(sentence, sizeof(sentence), "was given %s",
             characters_fault(kind == SPEC_ROW_BCD          ? SPEC_ROW_DIGITS
                              : kind == SPEC_ROW_TRACK_BCD  ? SPEC_ROW_TRACK
                              : kind == SPEC_ROW_SIGNED_BCD ? SPEC_ROW_SIGNED
                              : kind == SPEC_ROW_EBCDIC     ? (enum spec_row_kind)row->inner
                                                            : kind));
    return refuse_value(making, field, sentence);
}

COLD static enum status refuse_room(const struct message_making *making, unsigned field)
{
    struct message_fault *fault = making->fault;
    snprintf(fault->reason, sizeof(fault->reason), "the message does not fit into %u bytes",
             making->writer->length_max - making->start);
    fault->status = STATUS_NO_ROOM;
    fault->field = (uint16_t)field;
    fault->offset = making->writer->position - making->start;
    fault->is_answerable = false;
    return STATUS_NO_ROOM;
}

static inline void write_prefix(uint8_t *room, const struct spec_field *field,
                                const struct spec_row *row, uint32_t count)
{
    if (row->prefix == SPEC_PREFIX_BCD) {
        for (uint32_t i = row->prefix_bytes; i > 0; i--) {
            const uint32_t pair = count % 100;
            room[i - 1] = (uint8_t)(pair + pair / 10 * 6); /* 37 -> 0x37 */
            count /= 100;
        }
    } else if (row->prefix == SPEC_PREFIX_OTHER) {
        value_prefix_write(room, field, row->prefix_bytes, count);
    } else {
        for (uint32_t i = row->prefix_bytes; i > 0; i--) {
            room[i - 1] = (uint8_t)('0' + count % 10);
            count /= 10;
        }
    }
}

/* A fixed number shorter than its field: zeros stand in front. */
static bool write_bcd_short(uint8_t *room, const struct spec_row *row, struct byte_view value)
{
    REQUIRE(value.length < row->count);
    const uint32_t fill = row->count - value.length;
    const uint32_t first = row->is_right ? row->count % 2u : 0;
    memset(room, 0, (row->count + 1u) / 2);
    for (uint32_t i = 0; i < value.length; i++) {
        const uint32_t nibble = first + fill + i;
        const uint8_t digit = characters_nibble(value.bytes[i]);
        room[nibble / 2] |= (uint8_t)(nibble % 2 == 0 ? digit << 4 : digit);
    }
    return characters_pass(value.bytes, value.length, characters_not_digits);
}

/* Digits or track characters into nibbles; an odd count leaves its pad nibble 0. */
__attribute__((always_inline)) static inline bool write_bcd(uint8_t *room,
                                                            const struct spec_row *row,
                                                            struct byte_view value,
                                                            uint64_t (*judge)(uint64_t))
{
    const uint8_t *from = value.bytes;
    uint64_t bad = 0;
    if (value.length % 2 != 0) {
        const uint8_t odd = from[row->is_right ? 0 : value.length - 1];
        const uint8_t digit = characters_nibble(odd);
        bad = judge(CHARACTERS_EACH((uint64_t)odd));
        room[row->is_right ? 0 : value.length / 2] = (uint8_t)(row->is_right ? digit : digit << 4);
        room += row->is_right;
        from += row->is_right;
    }
    return characters_pack(room, from, value.length & ~1u, judge) && bad == 0;
}

/* A fixed field that was given short is filled up: numbers in front, text behind. */
static bool write_short(uint8_t *room, const struct spec_row *row, struct byte_view value)
{
    REQUIRE(value.length < row->count);
    const uint32_t fill = row->count - value.length;
    const bool is_number = row->kind == SPEC_ROW_DIGITS;
    memset(is_number ? room : room + value.length, is_number ? '0' : ' ', fill);
    characters_copy(is_number ? room + fill : room, value.bytes, value.length);
    return characters_fit((enum spec_row_kind)row->kind, value.bytes, value.length);
}

/* What each character is translated to; a value that does not fill its field is filled up, numbers
 * in front, text behind. */
COLD static bool write_ebcdic(uint8_t *room, const struct spec_row *row, struct byte_view value,
                              uint32_t count)
{
    const enum spec_coding page = (enum spec_coding)row->page;
    const enum spec_row_kind inner = (enum spec_row_kind)row->inner;
    if (inner == SPEC_ROW_HEX) {
        for (uint32_t i = 0; i < value.length; i++) {
            char hex[3];
            bytes_to_hex(hex, value.bytes + i, 1);
            ebcdic_write(room + (size_t)2 * i, page, hex, 2);
        }
        return true;
    }
    REQUIRE(value.length <= count);
    const uint32_t fill = count - value.length;
    const bool is_number = inner == SPEC_ROW_DIGITS;
    memset(is_number ? room : room + value.length, ebcdic_from_ascii(page, is_number ? '0' : ' '),
           fill);
    ebcdic_write(is_number ? room + fill : room, page, (const char *)value.bytes, value.length);
    return characters_fit(inner, value.bytes, value.length);
}

COLD static bool write_signed_bcd(uint8_t *room, struct byte_view value)
{
    REQUIRE(value.length % 2 != 0);
    room[0] = value.bytes[0];
    return characters_is_sign(room[0]) &&
           characters_pack(room + 1, value.bytes + 1, value.length - 1, characters_not_digits);
}

static void write_hex(uint8_t *room, struct byte_view value)
{
    uint32_t at = 0;
    for (; at + 4 <= value.length; at += 4) {
        const uint64_t text =
            characters_hex8(characters_unpack8(characters_load4(value.bytes + at)));
        memcpy(room + 2 * at, &text, sizeof(text));
    }
    for (; at < value.length; at++) {
        const uint16_t text = (uint16_t)characters_hex8(characters_unpack8(value.bytes[at]));
        memcpy(room + 2 * at, &text, sizeof(text));
    }
}

/* Writes a value of the full length; false: a character that does not fit. */
__attribute__((always_inline)) static inline bool
write_value(uint8_t *room, const struct spec_row *row, struct byte_view value)
{
    const enum spec_row_kind kind = (enum spec_row_kind)row->kind;
    switch (kind) {
    case SPEC_ROW_DIGITS:
        return characters_move(room, value.bytes, value.length, characters_not_digits);
    case SPEC_ROW_BCD:
        return write_bcd(room, row, value, characters_not_digits);
    case SPEC_ROW_TRACK_BCD:
        return write_bcd(room, row, value, characters_not_track);
    case SPEC_ROW_ALNUM:
        return characters_move(room, value.bytes, value.length, characters_not_alnum);
    case SPEC_ROW_PRINT:
        return characters_move(room, value.bytes, value.length, characters_not_print);
    case SPEC_ROW_HEX:
        write_hex(room, value);
        return true;
    case SPEC_ROW_BYTES:
        characters_copy(room, value.bytes, value.length);
        return true;
    case SPEC_ROW_SIGNED_BCD:
        return write_signed_bcd(room, value);
    case SPEC_ROW_EBCDIC:
        return write_ebcdic(room, row, value, value.length);
    case SPEC_ROW_SIGNED:
    case SPEC_ROW_TRACK:
    case SPEC_ROW_ALPHA:
    case SPEC_ROW_LOCAL:
    case SPEC_ROW_ABSENT:
        break;
    }
    characters_copy(room, value.bytes, value.length);
    return characters_fit(kind, value.bytes, value.length);
}

/* Which fixed fields may be given short: those that fill up without changing what is meant. */
static bool may_be_short(const struct spec_row *row)
{
    const enum spec_row_kind kind = (enum spec_row_kind)row->kind;
    switch (kind == SPEC_ROW_EBCDIC ? (enum spec_row_kind)row->inner : kind) {
    case SPEC_ROW_DIGITS:
    case SPEC_ROW_BCD:
    case SPEC_ROW_ALPHA:
    case SPEC_ROW_ALNUM:
    case SPEC_ROW_PRINT:
    case SPEC_ROW_LOCAL:
        return true;
    case SPEC_ROW_ABSENT:
    case SPEC_ROW_SIGNED:
    case SPEC_ROW_SIGNED_BCD:
    case SPEC_ROW_TRACK:
    case SPEC_ROW_TRACK_BCD:
    case SPEC_ROW_BYTES:
    case SPEC_ROW_HEX:
    case SPEC_ROW_EBCDIC:
        break;
    }
    return false;
}

/* A fixed field that was given short. */
static bool write_filled(uint8_t *room, const struct spec_row *row, struct byte_view value)
{
    if (row->kind == SPEC_ROW_EBCDIC) {
        return write_ebcdic(room, row, value, row->count);
    }
    return row->halve != 0 ? write_bcd_short(room, row, value) : write_short(room, row, value);
}

enum field_outcome { FIELD_WRITTEN, FIELD_COUNT, FIELD_CHARACTER, FIELD_ROOM };

/* Works on a writer that nobody else sees, so that it stays in registers; words for what went wrong
 * are found afterwards. */
__attribute__((always_inline)) static inline enum field_outcome
write_field(struct byte_writer *writer, const struct spec_field *field, const struct spec_row *row,
            struct byte_view value)
{
    const bool is_fixed = row->prefix_bytes == 0;
    uint32_t count = value.length;
    if (count != row->count) {
        if (count > spec_row_count_max(row) || (is_fixed && !may_be_short(row)) ||
            (row->prefix_counts_bytes && count % 2 != 0)) {
            return FIELD_COUNT;
        }
        count = is_fixed ? row->count : count;
    }
    const uint32_t length = ((count << row->grow) + row->halve) >> row->halve;
    uint8_t *room = byte_writer_take(writer, row->prefix_bytes + length);
    if (room == NULL) {
        return FIELD_ROOM;
    }
    if (!is_fixed) {
        write_prefix(room, field, row, row->prefix_counts_bytes ? length : count);
        room += row->prefix_bytes;
    }
    const bool fits =
        count == value.length ? write_value(room, row, value) : write_filled(room, row, value);
    if (!fits) {
        writer->position -= row->prefix_bytes + length; /* the fault names where the field begins */
        return FIELD_CHARACTER;
    }
    return FIELD_WRITTEN;
}

enum status message_put_value(struct byte_writer *writer, const struct spec_field *field,
                              const struct spec_row *row, struct byte_view value)
{
    struct spec_row exact = *row;
    if (field->is_variable && row->prefix_bytes == 0 && value.length <= row->count) {
        exact.count =
            (uint16_t)value.length; /* its length stands elsewhere: nothing is filled up */
    }
    switch (write_field(writer, field, &exact, value)) {
    case FIELD_WRITTEN:
        return STATUS_OK;
    case FIELD_ROOM:
        return STATUS_NO_ROOM;
    case FIELD_COUNT:
    case FIELD_CHARACTER:
        break;
    }
    return STATUS_BAD_VALUE;
}

static void put_bitmap(struct byte_writer *writer, const struct spec *spec, uint64_t bits)
{
    const uint64_t wire = __builtin_bswap64(bits);
    if (spec->bitmap_coding == SPEC_BINARY) {
        byte_writer_put(writer, &wire, sizeof(wire));
        return;
    }
    static const struct spec_row ROW = {.inner = SPEC_ROW_HEX, .page = SPEC_EBCDIC_037};
    uint8_t *room = byte_writer_take(writer, 2 * sizeof(wire));
    if (room == NULL) {
        return;
    }
    const struct byte_view bytes = {(const uint8_t *)&wire, sizeof(wire)};
    if (spec->bitmap_coding == SPEC_HEX_ASCII) {
        write_hex(room, bytes);
    } else {
        (void)!write_ebcdic(room, &ROW, bytes, bytes.length);
    }
}

/* The header that the spec spells out; its length is put when the message is whole. */
COLD static void write_header(const struct message_making *making)
{
    const struct spec *spec = making->draft->spec;
    uint8_t *room = byte_writer_take(making->writer, spec->header_bytes);
    if (room != NULL) {
        header_fill(room, spec, making->draft->header, false);
    }
}

/* Header and message type. */
static enum status write_head(const struct message_making *making)
{
    const struct message_draft *draft = making->draft;
    const uint8_t *mti = (const uint8_t *)draft->mti;
    const bool has_items = draft->spec->header_item_count > 0;
    if (draft->header.length != draft->spec->header_bytes &&
        (draft->header.length != 0 || !has_items)) {
        return refuse_value(making, 0, "(the header) has another length than the dialect's");
    }
    if (!characters_fit(SPEC_ROW_DIGITS, mti, 4)) {
        return refuse_value(making, 0, "(the message type) is not four digits");
    }
    if (has_items) {
        write_header(making);
    } else {
        byte_writer_put(making->writer, draft->header.bytes, draft->header.length);
    }
    if (draft->spec->mti_coding == SPEC_ASCII) {
        byte_writer_put(making->writer, mti, 4);
    } else if (draft->spec->mti_coding != SPEC_BCD) {
        uint8_t ebcdic[4];
        ebcdic_write(ebcdic, draft->spec->mti_coding, draft->mti, sizeof(ebcdic));
        byte_writer_put(making->writer, ebcdic, sizeof(ebcdic));
    } else {
        uint8_t packed[2];
        REQUIRE(characters_pack(packed, mti, 4, characters_not_digits));
        byte_writer_put(making->writer, packed, sizeof(packed));
    }
    return STATUS_OK;
}

COLD static enum status refuse_field(const struct message_making *making, unsigned field,
                                     enum field_outcome outcome)
{
    REQUIRE(outcome != FIELD_WRITTEN);
    if (outcome == FIELD_ROOM) {
        return refuse_room(making, field);
    }
    return outcome == FIELD_COUNT || making->draft->spec->rows[field].kind == SPEC_ROW_ABSENT
               ? refuse_count(making, field)
               : refuse_character(making, field);
}

/* The fields of one bitmap. */
static enum status write_word(const struct message_making *making, unsigned word, uint64_t bits)
{
    const struct spec *spec = making->draft->spec;
    const struct byte_view *values = making->draft->values;
    struct byte_writer writer = *making->writer;
    while (bits != 0) {
        const unsigned lead = (unsigned)__builtin_clzll(bits);
        const unsigned field = word * 64 + lead + 1;
        bits &= ~(FIRST_BIT >> lead);
        enum field_outcome outcome =
            write_field(&writer, &spec->fields[field], &spec->rows[field], values[field]);
        if (outcome != FIELD_WRITTEN) {
            *making->writer = writer;
            return refuse_field(making, field, outcome);
        }
    }
    *making->writer = writer;
    return STATUS_OK;
}

/* Room for the MAC: eight zero bytes, or sixteen hex zeros. */
static void write_mac_room(const struct message_making *making)
{
    const struct spec *spec = making->draft->spec;
    if (spec->rows[64].grow == 0) {
        byte_writer_fill(making->writer, 0, MAC_BYTES);
        return;
    }
    byte_writer_fill(making->writer, spec->rows[64].kind == SPEC_ROW_HEX ? '0' : 0xF0,
                     2 * MAC_BYTES);
}

/* What goes into the bitmaps, the MAC aside: which are there, and what stands in each. */
struct bitmaps {
    uint64_t fields[SPEC_WORD_COUNT]; /* bits of fields alone */
    bool has_second, has_third;
};

COLD static enum status refuse_bitmap(const struct message_making *making)
{
    return refuse_value(making, 0,
                        making->draft->spec->may_have_secondary
                            ? "(the bitmap) has no third part in this dialect"
                            : "(the bitmap) has no second part in this dialect");
}

static void put_bitmaps(const struct message_making *making, const struct bitmaps *bitmaps,
                        unsigned mac_field)
{
    const struct spec *spec = making->draft->spec;
    const uint64_t mac_bit = mac_field != 0 ? FIRST_BIT >> (mac_field - 1) % 64 : 0;
    const bool third_is_next = bitmaps->has_third && spec->third_bitmap == 65;
    put_bitmap(making->writer, spec,
               bitmaps->fields[0] | (mac_field == 64 ? mac_bit : 0) |
                   (bitmaps->has_second ? FIRST_BIT : 0));
    if (bitmaps->has_second) {
        put_bitmap(making->writer, spec,
                   bitmaps->fields[1] | (mac_field == 128 ? mac_bit : 0) |
                       (third_is_next ? FIRST_BIT : 0) |
                       (bitmaps->has_third && !third_is_next
                            ? UINT64_C(1) << (128 - spec->third_bitmap)
                            : 0));
    }
    if (third_is_next) {
        put_bitmap(making->writer, spec, bitmaps->fields[2]);
    }
}

static enum status write_fields(const struct message_making *making, const struct bitmaps *bitmaps)
{
    enum status status = write_word(making, 0, bitmaps->fields[0]);
    if (status == STATUS_OK && bitmaps->has_second) {
        status = write_word(making, 1, bitmaps->fields[1]);
    }
    if (status == STATUS_OK && bitmaps->has_third) {
        if (making->draft->spec->third_bitmap > 65) {
            put_bitmap(making->writer, making->draft->spec, bitmaps->fields[2]);
        }
        status = write_word(making, 2, bitmaps->fields[2]);
    }
    return status;
}

static enum status build_all(const struct message_making *making, struct byte_view *mac_scope)
{
    const struct message_draft *draft = making->draft;
    struct byte_writer *writer = making->writer;
    struct bitmaps bitmaps = {.has_third = draft->present[2] != 0};
    bitmaps.has_second = draft->present[1] != 0 || bitmaps.has_third;
    memcpy(bitmaps.fields, draft->present, sizeof(bitmaps.fields));
    REQUIRE((draft->present[0] & FIRST_BIT) == 0);
    const unsigned mac_field =
        mac_scope != NULL ? spec_mac_field(draft->spec, bitmaps.has_second) : 0;
    if (mac_field != 0) { /* written behind the others */
        bitmaps.fields[mac_field == 128] &= ~(FIRST_BIT >> (mac_field - 1) % 64);
    }
    enum status status = write_head(making);
    if (status == STATUS_OK && ((bitmaps.has_second && !draft->spec->may_have_secondary) ||
                                (bitmaps.has_third && draft->spec->third_bitmap == 0))) {
        status = refuse_bitmap(making);
    }
    if (status != STATUS_OK) {
        return status;
    }
    put_bitmaps(making, &bitmaps, mac_field);
    status = write_fields(making, &bitmaps);
    if (status == STATUS_OK && mac_scope != NULL) {
        const uint32_t from = making->start + draft->spec->header_bytes;
        *mac_scope =
            (struct byte_view){writer->bytes + from, mac_field != 0 ? writer->position - from : 0};
        if (mac_field != 0) {
            write_mac_room(making);
        }
    }
    return status;
}

/* The length in the header, which is known last. */
COLD static enum status finish_header(const struct message_making *making)
{
    const struct spec *spec = making->draft->spec;
    const struct byte_writer *writer = making->writer;
    return writer->status != STATUS_OK || header_put_length(writer->bytes + making->start, spec,
                                                            writer->position - making->start)
               ? STATUS_OK
               : refuse_value(making, 0, "(the header) cannot say a length as large");
}

enum status message_build(const struct message_draft *draft, struct byte_writer *writer,
                          struct byte_view *mac_scope, struct message_fault *fault)
{
    REQUIRE(draft != NULL && fault != NULL);
    const struct message_making making = {draft, writer, fault, writer->position};
    enum status status = build_all(&making, mac_scope);
    if (status == STATUS_OK && draft->spec->header_item_count > 0) {
        status = finish_header(&making);
    }
    if (status == STATUS_OK && writer->status != STATUS_OK) {
        status = refuse_room(&making, 0);
    }
    if (status != STATUS_OK) {
        writer->position = making.start;
    }
    return status;
}

void message_put_mac(const struct spec *spec, struct byte_writer *writer, const uint8_t mac[8])
{
    REQUIRE(spec->mac_field != 0);
    const struct spec_row *row = &spec->rows[64];
    const uint32_t length = (uint32_t)MAC_BYTES << row->grow;
    const struct byte_view value = {mac, MAC_BYTES};
    REQUIRE(writer->position >= length);
    uint8_t *end = writer->bytes + writer->position - length;
    if (row->kind == SPEC_ROW_HEX) {
        write_hex(end, value);
    } else if (row->kind == SPEC_ROW_EBCDIC) {
        (void)!write_ebcdic(end, row, value, value.length);
    } else {
        memcpy(end, mac, MAC_BYTES);
    }
}
