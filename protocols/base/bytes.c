/* See bytes.h. */
#include "protocols/base/bytes.h"

#include <string.h>

uint32_t byte_reader_u32(struct byte_reader *reader)
{
    uint32_t high = byte_reader_u16(reader);
    return high << 16 | byte_reader_u16(reader);
}

uint64_t byte_reader_u64(struct byte_reader *reader)
{
    uint64_t high = byte_reader_u32(reader);
    return high << 32 | byte_reader_u32(reader);
}

void byte_writer_put(struct byte_writer *writer, const void *bytes, uint32_t length)
{
    uint8_t *room = byte_writer_take(writer, length);
    if (room != NULL && length > 0) {
        memcpy(room, bytes, length);
    }
}

void byte_writer_fill(struct byte_writer *writer, uint8_t value, uint32_t count)
{
    uint8_t *room = byte_writer_take(writer, count);
    if (room != NULL && count > 0) {
        memset(room, value, count);
    }
}

void byte_writer_text(struct byte_writer *writer, const char *text)
{
    byte_writer_put(writer, text, (uint32_t)strlen(text));
}

void byte_writer_u8(struct byte_writer *writer, uint8_t value)
{
    byte_writer_put(writer, &value, 1);
}

void byte_writer_u16(struct byte_writer *writer, uint16_t value)
{
    const uint8_t wire[2] = {(uint8_t)(value >> 8), (uint8_t)value};
    byte_writer_put(writer, wire, sizeof(wire));
}

void byte_writer_u32(struct byte_writer *writer, uint32_t value)
{
    const uint8_t wire[4] = {(uint8_t)(value >> 24), (uint8_t)(value >> 16), (uint8_t)(value >> 8),
                             (uint8_t)value};
    byte_writer_put(writer, wire, sizeof(wire));
}

void byte_writer_u64(struct byte_writer *writer, uint64_t value)
{
    byte_writer_u32(writer, (uint32_t)(value >> 32));
    byte_writer_u32(writer, (uint32_t)value);
}

void bytes_to_hex(char *text, const void *bytes, uint32_t length)
{
    static const char HEX[] = "0123456789ABCDEF";
    const uint8_t *from = bytes;
    for (uint32_t i = 0; i < length; i++) {
        text[2 * i] = HEX[from[i] >> 4];
        text[2 * i + 1] = HEX[from[i] & 15];
    }
    text[2 * length] = '\0';
}

static int hex_value(char digit)
{
    if (digit >= '0' && digit <= '9') {
        return digit - '0';
    }
    if (digit >= 'A' && digit <= 'F') {
        return digit - 'A' + 10;
    }
    return digit >= 'a' && digit <= 'f' ? digit - 'a' + 10 : -1;
}

enum status bytes_from_hex(struct byte_writer *writer, const char *text, uint32_t digit_count)
{
    if (digit_count % 2 != 0) {
        return STATUS_BAD_VALUE;
    }
    for (uint32_t i = 0; i < digit_count; i += 2) {
        int high = hex_value(text[i]);
        int low = hex_value(text[i + 1]);
        if (high < 0 || low < 0) {
            return STATUS_BAD_VALUE;
        }
        byte_writer_u8(writer, (uint8_t)(high << 4 | low));
    }
    return writer->status;
}
