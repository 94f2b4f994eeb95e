/* See message.h; parsing is in parse.c, building in build.c, describing in describe.c. */
#include "protocols/iso8583/message.h"

#include <string.h>

#include "protocols/base/digits.h"
#include "protocols/base/require.h"
#include "protocols/iso8583/value.h"

#define NUMBER_DIGITS_MAX 19

struct byte_view message_raw(const struct message *message, unsigned field)
{
    if (field < 2 || field > SPEC_FIELD_MAX || !message_has(message, field)) {
        return (struct byte_view){message->bytes.bytes, 0};
    }
    const struct message_field *at = &message->fields[field];
    return (struct byte_view){message->bytes.bytes + at->offset, at->length};
}

struct byte_view message_header(const struct message *message)
{
    const uint32_t length = message->spec->header_bytes;
    return (struct byte_view){message->bytes.bytes, length <= message->bytes.length ? length : 0};
}

uint32_t message_text(const struct message *message, unsigned field, char *text, uint32_t text_size)
{
    const struct byte_view raw = message_raw(message, field);
    const uint32_t count = raw.length == 0 ? 0 : message->fields[field].count;
    REQUIRE(text_size > count);
    value_read(text, &message->spec->rows[field], raw, count);
    text[count] = '\0';
    return count;
}

enum status message_number(const struct message *message, unsigned field, uint64_t *number)
{
    char digits[NUMBER_DIGITS_MAX + 1];
    if (field < 2 || field > SPEC_FIELD_MAX || !message_has(message, field)) {
        return STATUS_MISSING;
    }
    const uint32_t count = message->fields[field].count;
    if (count > NUMBER_DIGITS_MAX) {
        return STATUS_MALFORMED;
    }
    return digits_parse(number, digits, message_text(message, field, digits, sizeof(digits)),
                        (struct number_range){0, UINT64_MAX});
}

struct byte_view message_mac_scope(const struct message *message)
{
    const unsigned field = message_mac_field(message);
    const uint32_t header = message->spec->header_bytes;
    const struct byte_view mac =
        field != 0 ? message_raw(message, field) : (struct byte_view){message->bytes.bytes, 0};
    if (mac.length == 0) {
        return mac;
    }
    return (struct byte_view){message->bytes.bytes + header,
                              message->fields[field].offset - header};
}
