/* See emv_tlv.h. */
#include "protocols/emv_tlv.h"

#include <stdbool.h>
#include <stdio.h>

#include "protocols/base/require.h"

#define TAG_BYTES_MAX 3
#define TAG_MORE 0x1F        /* EMV Book 3 B1: low five bits all set, the tag goes on */
#define TAG_GOES_ON 0x80     /* of a later byte: another one follows */
#define TAG_CONSTRUCTED 0x20 /* bit 6 of the first byte: the value is TLV itself */
#define LENGTH_LONG 0x80
#define LENGTH_BYTES_MAX 2 /* behind the first: no item here is longer than 65535 */

/* Tags that may never be kept or logged: track 2 equivalent, PAN, name, discretionary data, track 1
 * and 2 of a magnetic read, PIN data. */
static const uint32_t SECRET_TAGS[] = {0x57, 0x5A, 0x5F20, 0x9F1F, 0x9F20, 0x56, 0x9F6B, 0x99};

_Static_assert(TAG_BYTES_MAX <= 3, "a tag fits the low 24 bits of its number");
_Static_assert(LENGTH_BYTES_MAX == 2, "a long length is read as one or two bytes");

/* Of EMV, 00 and FF; of plain BER only 00, since FF begins a tag of a scheme of its own. */
static void skip_padding(struct byte_reader *reader, bool is_ber)
{
    while (byte_reader_left(reader) > 0) {
        uint8_t next = reader->bytes[reader->position];
        if (next != 0x00 && (is_ber || next != 0xFF)) {
            return;
        }
        reader->position++;
    }
}

static enum status take_tag(struct byte_reader *reader, uint32_t *tag)
{
    uint8_t byte = byte_reader_u8(reader);
    *tag = byte;
    if ((byte & TAG_MORE) != TAG_MORE) {
        return reader->status;
    }
    for (int count = 1; count < TAG_BYTES_MAX && reader->status == STATUS_OK; count++) {
        byte = byte_reader_u8(reader);
        if (reader->status == STATUS_OK) {
            *tag = *tag << 8 | byte;
        }
        if ((byte & TAG_GOES_ON) == 0) {
            return reader->status;
        }
    }
    return reader->status != STATUS_OK ? reader->status : STATUS_MALFORMED;
}

static enum status take_length(struct byte_reader *reader, uint32_t *length)
{
    uint8_t first = byte_reader_u8(reader);
    *length = first;
    if (first < LENGTH_LONG) {
        return reader->status;
    }
    int count = first - LENGTH_LONG;
    if (count == 0 || count > LENGTH_BYTES_MAX) {
        return STATUS_MALFORMED;
    }
    *length = count == 1 ? byte_reader_u8(reader) : byte_reader_u16(reader);
    return reader->status;
}

/* Tag and length; *length is what the item says, whether or not as much is there. */
static enum status take_head(struct byte_reader *reader, struct emv_tlv *tlv, uint32_t *length,
                             bool is_ber)
{
    *length = 0;
    tlv->tag = 0;
    tlv->value = (struct byte_view){NULL, 0};
    skip_padding(reader, is_ber);
    tlv->offset = reader->position;
    if (byte_reader_left(reader) == 0) {
        return STATUS_NOT_FOUND;
    }
    enum status status = take_tag(reader, &tlv->tag);
    return status != STATUS_OK ? status : take_length(reader, length);
}

static enum status next_item(struct byte_reader *reader, struct emv_tlv *tlv, uint32_t *length,
                             bool is_ber)
{
    REQUIRE(reader->position <= reader->length);
    if (reader->status != STATUS_OK) {
        return reader->status;
    }
    enum status status = take_head(reader, tlv, length, is_ber);
    if (status == STATUS_OK) {
        tlv->value.bytes = byte_reader_take(reader, *length);
        tlv->value.length = tlv->value.bytes == NULL ? 0 : *length;
        status = reader->status;
    }
    if (status != STATUS_OK && status != STATUS_NOT_FOUND) {
        reader->status = status;
    }
    return status;
}

enum status emv_tlv_next(struct byte_reader *reader, struct emv_tlv *tlv)
{
    uint32_t length;
    return next_item(reader, tlv, &length, false);
}

enum status emv_tlv_next_ber(struct byte_reader *reader, struct emv_tlv *tlv)
{
    uint32_t length;
    return next_item(reader, tlv, &length, true);
}

struct byte_view emv_tlv_find(struct byte_view icc, uint32_t tag)
{
    REQUIRE(tag != 0);
    struct byte_reader reader;
    struct emv_tlv tlv;
    byte_reader_init(&reader, icc.bytes, icc.length);
    while (emv_tlv_next(&reader, &tlv) == STATUS_OK) {
        if (tlv.tag == tag) {
            return tlv.value;
        }
    }
    return (struct byte_view){NULL, 0};
}

/* The usual field 55: tags of one or two bytes, lengths of one, all there. False says nothing. */
static bool is_plain(struct byte_view icc)
{
    uint32_t at = 0;
    while (at < icc.length) {
        const uint8_t first = icc.bytes[at++];
        if (first == 0x00 || first == 0xFF) {
            continue;
        }
        if ((first & TAG_MORE) == TAG_MORE) {
            if (at == icc.length || (icc.bytes[at] & TAG_GOES_ON) != 0) {
                return false;
            }
            at++;
        }
        if (at == icc.length || icc.bytes[at] >= icc.length - at) {
            return false;
        }
        if (icc.bytes[at] >= LENGTH_LONG) {
            return false;
        }
        at += 1u + icc.bytes[at];
    }
    return true;
}

enum status emv_tlv_check(struct byte_view icc, char reason[EMV_TLV_REASON_SIZE])
{
    struct byte_reader reader;
    struct emv_tlv tlv;
    uint32_t length = 0;
    enum status status = STATUS_OK;
    reason[0] = '\0';
    if (is_plain(icc)) {
        return STATUS_OK;
    }
    byte_reader_init(&reader, icc.bytes, icc.length);
    while (status == STATUS_OK) {
        status = next_item(&reader, &tlv, &length, false);
    }
    if (status == STATUS_NOT_FOUND) {
        return STATUS_OK;
    }
    if (status == STATUS_TRUNCATED && byte_reader_left(&reader) > 0) {
        snprintf(reason, EMV_TLV_REASON_SIZE,
                 "field 55 ends %u bytes inside tag %X, which says %u bytes (tag at offset %u)",
                 byte_reader_left(&reader), tlv.tag, length, tlv.offset);
    } else if (status == STATUS_TRUNCATED) {
        snprintf(reason, EMV_TLV_REASON_SIZE,
                 "field 55 ends before the value of tag %X (tag at offset %u)", tlv.tag,
                 tlv.offset);
    } else {
        snprintf(reason, EMV_TLV_REASON_SIZE,
                 "field 55 has no tag or length of EMV at offset %u (begins with %X); expected a "
                 "tag of 1 to 3 bytes and a length of 1 to 3",
                 tlv.offset, tlv.tag);
    }
    return status;
}

void emv_tlv_put(struct byte_writer *writer, uint32_t tag, struct byte_view value)
{
    REQUIRE(tag != 0 && tag <= 0xFFFFFF);
    REQUIRE(value.length <= UINT16_MAX);
    for (int shift = 16; shift >= 0; shift -= 8) {
        if (tag >> shift != 0) {
            byte_writer_u8(writer, (uint8_t)(tag >> shift));
        }
    }
    if (value.length >= 0x100) {
        byte_writer_u8(writer, LENGTH_LONG + 2);
        byte_writer_u16(writer, (uint16_t)value.length);
    } else {
        if (value.length >= LENGTH_LONG) {
            byte_writer_u8(writer, LENGTH_LONG + 1);
        }
        byte_writer_u8(writer, (uint8_t)value.length);
    }
    byte_writer_put(writer, value.bytes, value.length);
}

/* Templates are dropped whole, since what lies inside is not looked at; issuer scripts (71, 72)
 * hold commands and no card data. */
static bool tag_may_be_kept(const struct emv_tlv *tlv, uint8_t first_byte)
{
    REQUIRE(tlv->offset != UINT32_MAX);
    if ((first_byte & TAG_CONSTRUCTED) != 0 && tlv->tag != 0x71 && tlv->tag != 0x72) {
        return false;
    }
    for (unsigned i = 0; i < sizeof(SECRET_TAGS) / sizeof(SECRET_TAGS[0]); i++) {
        if (tlv->tag == SECRET_TAGS[i]) {
            return false;
        }
    }
    return true;
}

enum status emv_tlv_strip(struct byte_writer *writer, struct byte_view icc)
{
    REQUIRE(icc.length == 0 || icc.bytes != NULL);
    struct byte_reader reader;
    struct emv_tlv tlv;
    byte_reader_init(&reader, icc.bytes, icc.length);
    enum status status = emv_tlv_next(&reader, &tlv);
    for (; status == STATUS_OK; status = emv_tlv_next(&reader, &tlv)) {
        if (tag_may_be_kept(&tlv, icc.bytes[tlv.offset])) {
            byte_writer_put(writer, icc.bytes + tlv.offset, reader.position - tlv.offset);
        }
    }
    return status != STATUS_NOT_FOUND ? status : writer->status;
}
