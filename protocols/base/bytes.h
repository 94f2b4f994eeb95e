/* One reader and one writer over a run of bytes; everything in protocols/ goes through them.
 *
 * Both carry a sticky status: after the first failure nothing more is read or written, and the
 * caller checks once at the end. Numbers on the wire are big-endian.
 *
 * Life:  init -> take / put ... -> look at status
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "protocols/base/status.h"

/* A run of bytes that somebody else owns. */
struct byte_view {
    const uint8_t *bytes;
    uint32_t length;
};

struct byte_reader {
    const uint8_t *bytes; /* borrowed */
    uint32_t length;
    uint32_t position; /* 0 .. length; the offset to name in an error */
    enum status status;
};

struct byte_writer {
    uint8_t *bytes; /* borrowed */
    uint32_t length_max;
    uint32_t position; /* bytes written so far */
    enum status status;
};

static inline void byte_reader_init(struct byte_reader *reader, const void *bytes, uint32_t length)
{
    *reader = (struct byte_reader){.bytes = (const uint8_t *)bytes, .length = length};
}

static inline uint32_t byte_reader_left(const struct byte_reader *reader)
{
    return reader->length - reader->position;
}

/* The next `length` bytes, which stay the owner's. When fewer are left: STATUS_TRUNCATED sticks,
 * the reader does not move, and the answer is NULL. */
static inline const uint8_t *byte_reader_take(struct byte_reader *reader, uint32_t length)
{
    if (reader->status != STATUS_OK || length > byte_reader_left(reader)) {
        reader->status = reader->status != STATUS_OK ? reader->status : STATUS_TRUNCATED;
        return (const uint8_t *)0;
    }
    const uint8_t *taken = reader->bytes + reader->position;
    reader->position += length;
    return taken;
}

/* Big-endian numbers; 0 when the bytes do not reach (the status tells). */
static inline uint8_t byte_reader_u8(struct byte_reader *reader)
{
    const uint8_t *b = byte_reader_take(reader, 1);
    return b == (const uint8_t *)0 ? 0 : b[0];
}

static inline uint16_t byte_reader_u16(struct byte_reader *reader)
{
    const uint8_t *b = byte_reader_take(reader, 2);
    return b == (const uint8_t *)0 ? 0 : (uint16_t)((unsigned)b[0] << 8 | b[1]);
}

uint32_t byte_reader_u32(struct byte_reader *reader);
uint64_t byte_reader_u64(struct byte_reader *reader);

static inline void byte_writer_init(struct byte_writer *writer, void *bytes, uint32_t length_max)
{
    *writer = (struct byte_writer){.bytes = (uint8_t *)bytes, .length_max = length_max};
}

static inline uint32_t byte_writer_room(const struct byte_writer *writer)
{
    return writer->length_max - writer->position;
}

/* Room for `length` bytes, to be filled by the caller. When there is less: STATUS_NO_ROOM sticks,
 * nothing is taken, and the answer is NULL. */
static inline uint8_t *byte_writer_take(struct byte_writer *writer, uint32_t length)
{
    if (writer->status != STATUS_OK || length > byte_writer_room(writer)) {
        writer->status = writer->status != STATUS_OK ? writer->status : STATUS_NO_ROOM;
        return (uint8_t *)0;
    }
    uint8_t *taken = writer->bytes + writer->position;
    writer->position += length;
    return taken;
}

void byte_writer_put(struct byte_writer *writer, const void *bytes, uint32_t length);
void byte_writer_fill(struct byte_writer *writer, uint8_t value, uint32_t count);
void byte_writer_text(struct byte_writer *writer, const char *text); /* without its final 0 */
void byte_writer_u8(struct byte_writer *writer, uint8_t value);
void byte_writer_u16(struct byte_writer *writer, uint16_t value);
void byte_writer_u32(struct byte_writer *writer, uint32_t value);
void byte_writer_u64(struct byte_writer *writer, uint64_t value);

/* Upper-case hex of `length` bytes into `text`, which holds 2 * length + 1 characters. */
void bytes_to_hex(char *text, const void *bytes, uint32_t length);

/* The bytes that `digit_count` hex digits spell, either case; the count must be even.
 * STATUS_BAD_VALUE: odd, or not hex. STATUS_NO_ROOM: more than `length_max` bytes. */
MUST_CHECK enum status bytes_from_hex(struct byte_writer *writer, const char *text,
                                      uint32_t digit_count);
