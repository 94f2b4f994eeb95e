/* See parts.h. */
#include "protocols/iso8583/parts.h"

#include <stdio.h>
#include <string.h>

#include "protocols/base/require.h"
#include "protocols/emv_tlv.h"
#include "protocols/iso8583/ebcdic.h"
#include "protocols/iso8583/message.h"
#include "protocols/iso8583/value.h"

#define LENGTH_DIGITS_MAX 6
#define LENGTH_DIGITS_FALLBACK 3
#define BITMAP_BYTES_MAX 16
#define BIT(number) (UINT64_C(1) << (63 - ((number)-1) % 64))
#define COLD __attribute__((cold, noinline))

_Static_assert(SPEC_TAG_LENGTH_EITHER == 0, "no list has lengths of no digits");

const struct spec_part *parts_find(const struct spec *spec, const struct spec_parts *parts,
                                   const char *tag)
{
    REQUIRE(parts->first + parts->count <= SPEC_PART_COUNT_MAX);
    for (unsigned i = 0; i < parts->count; i++) {
        const struct spec_part *part = &spec->part[parts->first + i];
        if (strcmp(part->tag, tag) == 0) {
            return part;
        }
    }
    return NULL;
}

/* The length of an element is written like that of a field. */
static struct spec_field length_field(const struct spec_parts *parts)
{
    return (struct spec_field){.length_coding = parts->length_coding};
}

/* Reads the length behind a tag; UINT32_MAX: cut off, or none. */
static uint32_t take_length(struct byte_reader *reader, const struct spec_parts *parts,
                            uint32_t digit_count)
{
    const struct spec_field field = length_field(parts);
    const uint8_t *digits = byte_reader_take(reader, digit_count);
    REQUIRE(digit_count <= LENGTH_DIGITS_MAX);
    return digits == NULL ? UINT32_MAX : value_prefix_read(&field, digits, digit_count);
}

/* Whether lengths of so many digits lead exactly to the end. */
static bool ends_with(struct byte_view value, const struct spec_parts *parts, uint32_t digit_count)
{
    struct byte_reader reader;
    byte_reader_init(&reader, value.bytes, value.length);
    while (byte_reader_left(&reader) > 0) {
        (void)byte_reader_take(&reader, parts->tag_bytes);
        const uint32_t length = take_length(&reader, parts, digit_count);
        if (length == UINT32_MAX || byte_reader_take(&reader, length) == NULL) {
            return false;
        }
    }
    return true;
}

/* A tag as the spec writes it. */
static void name_tag(char tag[SPEC_TAG_SIZE], const struct spec_parts *parts, const uint8_t *bytes)
{
    memset(tag, 0, SPEC_TAG_SIZE);
    if (parts->tag_coding == SPEC_BINARY) {
        bytes_to_hex(tag, bytes, parts->tag_bytes);
    } else if (parts->tag_coding == SPEC_ASCII) {
        memcpy(tag, bytes, parts->tag_bytes);
    } else {
        ebcdic_read(tag, parts->tag_coding, bytes, parts->tag_bytes);
    }
}

bool parts_open(struct parts_reader *reader, const struct spec *spec,
                const struct spec_parts *parts, struct byte_view value)
{
    REQUIRE(spec != NULL && parts != NULL);
    *reader = (struct parts_reader){
        .spec = spec, .parts = parts, .length_digits = parts->length_digits, .next = 1};
    byte_reader_init(&reader->reader, value.bytes, value.length);
    if (parts->style != SPEC_STYLE_TLV || parts->length_digits != SPEC_TAG_LENGTH_EITHER) {
        return true;
    }
    reader->length_digits = 3;
    if (ends_with(value, parts, 3)) {
        return true;
    }
    if (ends_with(value, parts, 2)) {
        reader->length_digits = 2;
        return true;
    }
    char tag[SPEC_TAG_SIZE] = "";
    if (value.length >= parts->tag_bytes) {
        name_tag(tag, parts, value.bytes);
    }
    return parts_find(spec, parts, tag) != NULL;
}

COLD static enum status refuse(const struct parts_reader *reader, struct parts_fault *fault,
                               enum status status, const char *sentence)
{
    REQUIRE(status > STATUS_OK);
    snprintf(fault->reason, sizeof(fault->reason), "%s", sentence);
    fault->offset = reader->reader.position;
    return status;
}

/* A tag is told only where the spec knows it: other bytes could be anybody's content. */
COLD static enum status refuse_element(const struct parts_reader *reader,
                                       const struct parts_element *element,
                                       struct parts_fault *fault, const char *sentence)
{
    char text[PARTS_REASON_SIZE];
    const bool has_tag =
        reader->parts->style == SPEC_STYLE_TLV || reader->parts->style == SPEC_STYLE_BER;
    snprintf(text, sizeof(text), "%s %s %s", sentence, has_tag ? "tag" : "part",
             element->part != NULL ? element->part->tag : "that is not known here");
    return refuse(reader, fault, STATUS_BAD_VALUE, text);
}

/* Units of a value whose bytes are known: of an odd number of digits, one less than the nibbles. */
static uint32_t count_of(const struct spec_part *part, uint32_t length)
{
    const uint32_t count = part->row.halve != 0 ? 2 * length : length >> part->row.grow;
    const bool is_odd = part->row.halve != 0 && part->field.count % 2 != 0;
    return is_odd && count == part->field.count + 1U ? part->field.count : count;
}

/* Whether the value behind a tag is of its part's format. */
static bool fits(const struct spec_part *part, struct byte_view value, uint32_t count)
{
    return (part->field.is_variable ? count <= part->field.count : count == part->field.count) &&
           value_bytes(&part->row, count) == value.length &&
           value_first_bad(&part->row, value, count) == value.length;
}

static enum status check_value(struct parts_reader *reader, struct parts_element *element,
                               struct parts_fault *fault)
{
    const struct spec_part *part = element->part;
    element->count = part == NULL ? element->value.length : count_of(part, element->value.length);
    return part == NULL || fits(part, element->value, element->count)
               ? STATUS_OK
               : refuse_element(reader, element, fault, "holds a value not of its format in");
}

static enum status next_tlv(struct parts_reader *reader, struct parts_element *element,
                            struct parts_fault *fault)
{
    struct byte_reader *bytes = &reader->reader;
    const uint32_t start = bytes->position;
    const uint8_t *tag = byte_reader_take(bytes, reader->parts->tag_bytes);
    if (tag == NULL) {
        return refuse(reader, fault, STATUS_TRUNCATED, "ends inside a tag");
    }
    name_tag(element->tag, reader->parts, tag);
    element->part = parts_find(reader->spec, reader->parts, element->tag);
    const uint32_t length = take_length(bytes, reader->parts, reader->length_digits);
    if (length == UINT32_MAX) {
        return refuse_element(reader, element, fault, "has no length behind");
    }
    if (length > byte_reader_left(bytes)) {
        char sentence[PARTS_REASON_SIZE / 2];
        snprintf(sentence, sizeof(sentence), "ends %u bytes inside",
                 length - byte_reader_left(bytes));
        return refuse_element(reader, element, fault, sentence);
    }
    element->value = (struct byte_view){byte_reader_take(bytes, length), length};
    element->whole = (struct byte_view){bytes->bytes + start, bytes->position - start};
    return check_value(reader, element, fault);
}

static enum status next_ber(struct parts_reader *reader, struct parts_element *element,
                            struct parts_fault *fault)
{
    struct emv_tlv tlv;
    enum status status = emv_tlv_next_ber(&reader->reader, &tlv);
    if (status == STATUS_NOT_FOUND) {
        return status;
    }
    snprintf(element->tag, sizeof(element->tag),
             tlv.tag > 0xFFFF ? "%06X"
             : tlv.tag > 0xFF ? "%04X"
                              : "%02X",
             tlv.tag);
    element->part = parts_find(reader->spec, reader->parts, element->tag);
    if (status != STATUS_OK) {
        return refuse_element(reader, element, fault, "ends, or is no BER, inside");
    }
    element->value = tlv.value;
    element->whole =
        (struct byte_view){reader->reader.bytes + tlv.offset, reader->reader.position - tlv.offset};
    return check_value(reader, element, fault);
}

/* A part that stands where its place or its bit says, as a field does. */
static enum status next_plain(struct parts_reader *reader, const struct spec_part *part,
                              struct parts_element *element, struct parts_fault *fault)
{
    struct byte_reader *bytes = &reader->reader;
    const struct spec_row *row = &part->row;
    const uint32_t start = bytes->position;
    uint32_t count = row->count;
    element->part = part;
    memcpy(element->tag, part->tag, sizeof(element->tag));
    if (row->prefix_bytes > 0) {
        const uint8_t *prefix = byte_reader_take(bytes, row->prefix_bytes);
        count = prefix == NULL ? UINT32_MAX
                               : value_prefix_read(&part->field, prefix, row->prefix_bytes);
        if (count == UINT32_MAX) {
            return refuse_element(reader, element, fault, "has no length in front of");
        }
        count <<= row->prefix_counts_bytes;
        if (count > spec_row_count_max(row)) {
            return refuse_element(reader, element, fault, "says too great a length for");
        }
    }
    element->count = count;
    element->value.length = value_bytes(row, count);
    element->value.bytes = byte_reader_take(bytes, element->value.length);
    if (element->value.bytes == NULL) {
        return refuse_element(reader, element, fault, "ends inside");
    }
    element->whole = (struct byte_view){bytes->bytes + start, bytes->position - start};
    return value_first_bad(row, element->value, count) == element->value.length
               ? STATUS_OK
               : refuse_element(reader, element, fault, "holds a value not of its format in");
}

static enum status next_listed(struct parts_reader *reader, struct parts_element *element,
                               struct parts_fault *fault)
{
    if (reader->next > reader->parts->count) {
        return refuse(reader, fault, STATUS_MALFORMED, "goes on behind its last part");
    }
    const unsigned place = reader->parts->first + reader->next - 1U;
    reader->next++;
    return next_plain(reader, &reader->spec->part[place], element, fault);
}

/* The bitmap of the parts, once. */
static enum status take_bitmap(struct parts_reader *reader, struct parts_fault *fault)
{
    static const struct spec_row ROWS[] = {
        {.kind = SPEC_ROW_BYTES},
        {.kind = SPEC_ROW_HEX, .grow = 1},
        {.kind = SPEC_ROW_EBCDIC, .inner = SPEC_ROW_HEX, .page = SPEC_EBCDIC_037, .grow = 1}};
    const enum spec_coding coding = reader->parts->bitmap_coding;
    const struct spec_row *row = &ROWS[coding == SPEC_BINARY      ? 0
                                       : coding == SPEC_HEX_ASCII ? 1
                                                                  : 2];
    const uint32_t count = reader->parts->bitmap_bytes;
    struct byte_view raw = {.length = count << row->grow};
    char bytes[BITMAP_BYTES_MAX] = {0};
    raw.bytes = byte_reader_take(&reader->reader, raw.length);
    if (raw.bytes == NULL || value_first_bad(row, raw, count) != raw.length) {
        return refuse(reader, fault, STATUS_MALFORMED, "has no whole bitmap in front of its parts");
    }
    value_read(bytes, row, raw, count);
    for (unsigned i = 0; i < count; i++) {
        reader->bits[i / 8] |= (uint64_t)(uint8_t)bytes[i] << (56 - 8 * (i % 8));
    }
    return STATUS_OK;
}

static enum status next_in_bitmap(struct parts_reader *reader, struct parts_element *element,
                                  struct parts_fault *fault)
{
    char tag[SPEC_TAG_SIZE];
    const unsigned most = 8U * reader->parts->bitmap_bytes;
    while (reader->next <= most &&
           (reader->bits[(reader->next - 1) / 64] & BIT(reader->next)) == 0) {
        reader->next++;
    }
    if (reader->next > most) {
        return byte_reader_left(&reader->reader) == 0
                   ? STATUS_NOT_FOUND
                   : refuse(reader, fault, STATUS_MALFORMED, "goes on behind its last part");
    }
    snprintf(tag, sizeof(tag), "%u", reader->next);
    const struct spec_part *part = parts_find(reader->spec, reader->parts, tag);
    reader->next++;
    if (part == NULL) {
        char sentence[PARTS_REASON_SIZE];
        snprintf(sentence, sizeof(sentence), "has part %s in its bitmap, which is not known here",
                 tag);
        return refuse(reader, fault, STATUS_UNKNOWN, sentence);
    }
    return next_plain(reader, part, element, fault);
}

static enum status begin(struct parts_reader *reader, struct parts_fault *fault)
{
    reader->is_begun = true;
    if (byte_reader_take(&reader->reader, reader->parts->skip_bytes) == NULL) {
        return refuse(reader, fault, STATUS_TRUNCATED, "ends in front of its parts");
    }
    return reader->parts->style == SPEC_STYLE_BITMAP ? take_bitmap(reader, fault) : STATUS_OK;
}

enum status parts_next(struct parts_reader *reader, struct parts_element *element,
                       struct parts_fault *fault)
{
    element->part = NULL;
    if (byte_reader_left(&reader->reader) == 0 &&
        (reader->is_begun || reader->reader.length == 0) &&
        reader->parts->style != SPEC_STYLE_BITMAP) {
        return STATUS_NOT_FOUND;
    }
    if (reader->reader.length == 0) {
        return STATUS_NOT_FOUND;
    }
    enum status status = reader->is_begun ? STATUS_OK : begin(reader, fault);
    if (status != STATUS_OK) {
        return status;
    }
    switch (reader->parts->style) {
    case SPEC_STYLE_TLV:
        return byte_reader_left(&reader->reader) == 0 ? STATUS_NOT_FOUND
                                                      : next_tlv(reader, element, fault);
    case SPEC_STYLE_BER:
        return next_ber(reader, element, fault);
    case SPEC_STYLE_LIST:
        return byte_reader_left(&reader->reader) == 0 ? STATUS_NOT_FOUND
                                                      : next_listed(reader, element, fault);
    case SPEC_STYLE_BITMAP:
        break;
    }
    return next_in_bitmap(reader, element, fault);
}

uint32_t parts_text(const struct parts_element *element, char *text, uint32_t text_size)
{
    REQUIRE(text_size > element->count);
    if (element->part != NULL) {
        value_read(text, &element->part->row, element->value, element->count);
    } else {
        memcpy(text, element->value.bytes, element->count);
    }
    text[element->count] = '\0';
    return element->count;
}

/* A tag's bytes. */
static void put_tag(struct byte_writer *writer, const struct spec_parts *parts, const char *tag)
{
    if (parts->tag_coding == SPEC_BINARY) {
        (void)!bytes_from_hex(writer, tag, (uint32_t)strlen(tag));
    } else if (parts->tag_coding == SPEC_ASCII) {
        byte_writer_text(writer, tag);
    } else {
        uint8_t *room = byte_writer_take(writer, parts->tag_bytes);
        if (room != NULL) {
            ebcdic_write(room, parts->tag_coding, tag, parts->tag_bytes);
        }
    }
}

/* An element as tag, length, value. The value is written first, behind room for its length. */
static enum status put_tlv(struct byte_writer *writer, const struct parts_draft *draft,
                           const struct spec_part *part, struct byte_view value)
{
    const struct spec_field field = length_field(draft->parts);
    const uint32_t digits = draft->length_digits != 0          ? draft->length_digits
                            : draft->parts->length_digits != 0 ? draft->parts->length_digits
                                                               : LENGTH_DIGITS_FALLBACK;
    uint32_t limit = 1;
    put_tag(writer, draft->parts, part->tag);
    uint8_t *room = byte_writer_take(writer, digits);
    const uint32_t start = writer->position;
    enum status status = message_put_value(writer, &part->field, &part->row, value);
    if (room == NULL || status != STATUS_OK) {
        return room == NULL ? STATUS_NO_ROOM : status;
    }
    const uint32_t base = field.length_coding == SPEC_BINARY      ? 256
                          : field.length_coding == SPEC_BCD       ? 100
                          : field.length_coding == SPEC_HEX_ASCII ? 16
                                                                  : 10;
    for (uint32_t i = 0; i < digits; i++) {
        limit *= base;
    }
    if (writer->position - start >= limit) {
        return STATUS_BAD_VALUE;
    }
    value_prefix_write(room, &field, digits, writer->position - start);
    return STATUS_OK;
}

static enum status put_ber(struct byte_writer *writer, const struct spec_part *part,
                           struct byte_view value)
{
    uint8_t bytes[SPEC_COUNT_MAX];
    struct byte_writer inner;
    uint32_t tag = 0;
    byte_writer_init(&inner, bytes, sizeof(bytes));
    enum status status = message_put_value(&inner, &part->field, &part->row, value);
    if (status != STATUS_OK) {
        return status;
    }
    for (const char *at = part->tag; *at != '\0'; at++) {
        tag = tag << 4 | (uint32_t)(*at <= '9' ? *at - '0' : *at - 'A' + 10);
    }
    emv_tlv_put(writer, tag, (struct byte_view){bytes, inner.position});
    return writer->status;
}

/* The parts of a list up to the last that is there. */
static uint32_t written_count(const struct parts_draft *draft)
{
    uint32_t count = 0;
    for (uint32_t i = 0; i < draft->parts->count; i++) {
        if (draft->values[i].length != 0 || draft->parts->style != SPEC_STYLE_LIST) {
            count = i + 1;
        }
    }
    return count;
}

/* Hex of bytes; the bitmap of parts that are there. */
static void put_bitmap(struct byte_writer *writer, const struct parts_draft *draft)
{
    uint8_t bytes[BITMAP_BYTES_MAX] = {0};
    char hex[2 * BITMAP_BYTES_MAX + 1];
    const uint32_t length = draft->parts->bitmap_bytes;
    for (uint32_t i = 0; i < draft->parts->count; i++) {
        const unsigned number = draft->spec->part[draft->parts->first + i].number;
        if (draft->values[i].length != 0) {
            bytes[(number - 1) / 8] |= (uint8_t)(0x80 >> (number - 1) % 8);
        }
    }
    if (draft->parts->bitmap_coding == SPEC_BINARY) {
        byte_writer_put(writer, bytes, length);
        return;
    }
    bytes_to_hex(hex, bytes, length);
    uint8_t *room = byte_writer_take(writer, 2 * length);
    if (room != NULL && draft->parts->bitmap_coding == SPEC_HEX_ASCII) {
        memcpy(room, hex, (size_t)2 * length);
    } else if (room != NULL) {
        ebcdic_write(room, SPEC_EBCDIC_037, hex, 2 * length);
    }
}

enum status parts_build(struct byte_writer *writer, const struct parts_draft *draft)
{
    const struct spec_parts *parts = draft->parts;
    const uint32_t count = written_count(draft);
    byte_writer_fill(writer, 0, parts->skip_bytes);
    if (parts->style == SPEC_STYLE_BITMAP) {
        put_bitmap(writer, draft);
    }
    for (uint32_t i = 0; i < count; i++) {
        const struct spec_part *part = &draft->spec->part[parts->first + i];
        const struct byte_view value = draft->values[i];
        enum status status = STATUS_OK;
        if (parts->style == SPEC_STYLE_LIST || (value.length != 0 && part->number != 0)) {
            status = message_put_value(writer, &part->field, &part->row, value);
        } else if (value.length != 0) {
            status = parts->style == SPEC_STYLE_BER ? put_ber(writer, part, value)
                                                    : put_tlv(writer, draft, part, value);
        }
        if (status != STATUS_OK) {
            return status;
        }
    }
    return writer->status;
}
