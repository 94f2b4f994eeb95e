/* See header.h. */
#include "protocols/iso8583/header.h"

#include <stdio.h>
#include <string.h>

#include "protocols/base/digits.h"
#include "protocols/base/require.h"

#define DIGITS_MAX 12 /* of a length: six bytes of BCD */

_Static_assert(SPEC_HEADER_BYTES_MAX >= 46, "the header of UnionPay's host link (Q/CUP 006)");

static uint32_t digits_of(const struct spec_header_item *item)
{
    return item->coding == SPEC_BCD ? 2U * item->length : item->length;
}

/* UINT64_MAX: no number. */
static uint64_t read_length(const struct spec_header_item *item, const uint8_t *bytes)
{
    char digits[DIGITS_MAX];
    uint64_t length = 0;
    if (item->coding == SPEC_BINARY) {
        for (unsigned i = 0; i < item->length; i++) {
            length = length << 8 | bytes[i];
        }
        return length;
    }
    REQUIRE(digits_of(item) <= sizeof(digits));
    if (item->coding == SPEC_BCD) {
        if (digits_from_bcd(digits, bytes, digits_of(item), DIGITS_LEFT) != STATUS_OK) {
            return UINT64_MAX;
        }
    } else {
        memcpy(digits, bytes, item->length);
    }
    return digits_parse(&length, digits, digits_of(item), (struct number_range){0, UINT32_MAX}) ==
                   STATUS_OK
               ? length
               : UINT64_MAX;
}

static enum status check_item(const struct spec *spec, const struct spec_header_item *item,
                              struct byte_view message, char reason[HEADER_REASON_SIZE])
{
    const uint8_t *found = message.bytes + item->offset;
    char text[2 * SPEC_HEADER_BYTES_MAX + 1];
    switch (item->role) {
    case SPEC_HEADER_FIXED:
        if (memcmp(found, spec->header + item->offset, item->length) != 0) {
            bytes_to_hex(text, spec->header + item->offset, item->length);
            snprintf(reason, HEADER_REASON_SIZE, "the header's %.31s at byte %u is not %.40s",
                     item->name, item->offset, text);
            return STATUS_MALFORMED;
        }
        break;
    case SPEC_HEADER_LENGTH:
        if (read_length(item, found) != message.length) {
            snprintf(
                reason, HEADER_REASON_SIZE,
                "the header's %.31s at byte %u does not say %u, the bytes of header and message",
                item->name, item->offset, message.length);
            return STATUS_MALFORMED;
        }
        break;
    case SPEC_HEADER_REJECT:
        if (memcmp(found, spec->header + item->offset, item->length) != 0) {
            bytes_to_hex(text, found, item->length);
            snprintf(reason, HEADER_REASON_SIZE,
                     "the network did not deliver this message: its header's %.31s is %.40s (hex)",
                     item->name, text);
            return STATUS_DENIED;
        }
        break;
    case SPEC_HEADER_FREE:
    case SPEC_HEADER_DESTINATION:
    case SPEC_HEADER_SOURCE:
        break;
    }
    return STATUS_OK;
}

enum status header_check(const struct spec *spec, struct byte_view message, uint32_t *offset,
                         char reason[HEADER_REASON_SIZE])
{
    REQUIRE(message.length >= spec->header_bytes);
    for (unsigned i = 0; i < spec->header_item_count; i++) {
        const struct spec_header_item *item = &spec->header_items[i];
        enum status status = check_item(spec, item, message, reason);
        if (status != STATUS_OK) {
            *offset = item->offset;
            return status;
        }
    }
    return STATUS_OK;
}

void header_fill(uint8_t *header, const struct spec *spec, struct byte_view request, bool is_answer)
{
    const struct spec_header_item *source = spec_header_find(spec, SPEC_HEADER_SOURCE);
    const struct spec_header_item *destination = spec_header_find(spec, SPEC_HEADER_DESTINATION);
    const uint8_t *from = request.length == spec->header_bytes ? request.bytes : spec->header;
    REQUIRE(spec->header_item_count > 0);
    memcpy(header, from, spec->header_bytes);
    if (is_answer && source != NULL && destination != NULL) {
        memcpy(header + source->offset, from + destination->offset, source->length);
        memcpy(header + destination->offset, from + source->offset, source->length);
    }
}

bool header_put_length(uint8_t *header, const struct spec *spec, uint32_t length)
{
    const struct spec_header_item *item = spec_header_find(spec, SPEC_HEADER_LENGTH);
    char digits[DIGITS_MAX];
    if (item == NULL) {
        return true;
    }
    uint8_t *at = header + item->offset;
    uint64_t rest = length;
    if (item->coding == SPEC_BINARY) {
        for (unsigned i = item->length; i > 0; i--, rest >>= 8) {
            at[i - 1] = (uint8_t)rest;
        }
        return rest == 0;
    }
    for (uint32_t i = digits_of(item); i > 0; i--, rest /= 10) {
        digits[i - 1] = (char)('0' + rest % 10);
    }
    if (item->coding == SPEC_BCD) {
        return rest == 0 && digits_to_bcd(at, digits, digits_of(item), DIGITS_LEFT) == STATUS_OK;
    }
    memcpy(at, digits, item->length);
    return rest == 0;
}
