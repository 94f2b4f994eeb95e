/* What a MAC is made over where a host chooses fields and joins them as text, as ANSI X9.9 edits a
 * message: see spec_mac in spec.h and `mac` in config/specs/unionpay-host.yaml.
 *
 * Values are taken as characters, so that the MAC does not depend on how the wire codes them. */
#include <stdio.h>
#include <string.h>

#include "protocols/base/digits.h"
#include "protocols/base/require.h"
#include "protocols/iso8583/message.h"

_Static_assert(MESSAGE_MAC_BYTES_MAX > 2 * 2048 + SPEC_FIELD_MAX * 8,
               "all digits of the longest message, their lengths and separators");

static bool is_kept(const struct spec_mac *mac, char character)
{
    if (mac->keep == SPEC_MAC_KEEP_ALL) {
        return true;
    }
    bool is_letter =
        (character >= 'A' && character <= 'Z') || (character >= 'a' && character <= 'z');
    bool is_digit = character >= '0' && character <= '9';
    return is_letter || is_digit || character == ' ' || character == ',' || character == '.';
}

/* One value, edited in its place; answers how long it has become. */
static uint32_t edit(const struct spec_mac *mac, char *text, uint32_t length)
{
    uint32_t kept = 0;
    for (uint32_t i = 0; i < length; i++) {
        char character = text[i];
        if (mac->is_upper && character >= 'a' && character <= 'z') {
            character = (char)(character - 'a' + 'A');
        }
        bool is_blank_too_many =
            mac->is_trimmed && character == ' ' && (kept == 0 || text[kept - 1] == ' ');
        if (is_kept(mac, character) && !is_blank_too_many) {
            text[kept++] = character;
        }
    }
    while (mac->is_trimmed && kept > 0 && text[kept - 1] == ' ') {
        kept--;
    }
    return kept;
}

/* The digits of a length, as the field's prefix counts. */
static void put_length(struct byte_writer *writer, const struct spec_field *field, uint32_t count)
{
    char digits[8];
    uint32_t digit_count = field->length_digits < sizeof(digits) ? field->length_digits : 0;
    if (digit_count > 0) {
        digits_format(digits, count, digit_count);
        byte_writer_put(writer, digits, digit_count);
    }
}

static void put_value(struct byte_writer *writer, const struct spec_mac *mac, uint32_t from)
{
    REQUIRE(from <= writer->position);
    writer->position = from + edit(mac, (char *)writer->bytes + from, writer->position - from);
}

static void put_separator(struct byte_writer *writer, const struct spec_mac *mac)
{
    if (writer->position > 0) {
        byte_writer_text(writer, mac->separator);
    }
}

static void put_field(struct byte_writer *writer, const struct message *message, unsigned field)
{
    const struct spec_mac *mac = &message->spec->mac;
    const uint32_t count = message->fields[field].count;
    put_separator(writer, mac);
    uint32_t from = writer->position;
    if (mac->has_lengths) {
        put_length(writer, &message->spec->fields[field], count);
    }
    if (writer->status != STATUS_OK || count >= byte_writer_room(writer)) {
        writer->status = STATUS_NO_ROOM;
        return;
    }
    (void)message_text(message, field, (char *)writer->bytes + writer->position, count + 1);
    writer->position += count;
    put_value(writer, mac, from);
}

/* Joins the chosen fields that the message has. */
static struct byte_view join(const struct message *message, uint8_t room[MESSAGE_MAC_BYTES_MAX])
{
    const struct spec_mac *mac = &message->spec->mac;
    struct byte_writer writer;
    byte_writer_init(&writer, room, MESSAGE_MAC_BYTES_MAX);
    bool is_network = mac->network.count > 0 && message->mti[1] == '8';
    const struct spec_mac_list *list = is_network ? &mac->network : &mac->list;
    if (list->has_mti) {
        byte_writer_put(&writer, message->mti, 4);
    }
    for (unsigned i = 0; i < list->count; i++) {
        if (message_has(message, list->fields[i])) {
            put_field(&writer, message, list->fields[i]);
        }
    }
    /* Longer than any frame: nothing verifies over no bytes. */
    return (struct byte_view){room, writer.status == STATUS_OK ? writer.position : 0};
}

struct byte_view message_mac_input(const struct message *message,
                                   uint8_t room[MESSAGE_MAC_BYTES_MAX])
{
    struct byte_view scope = message_mac_scope(message);
    return message->spec->mac.list.count > 0 && scope.length > 0 ? join(message, room) : scope;
}

struct byte_view message_mac_input_built(const struct spec *spec, struct byte_view whole,
                                         struct byte_view scope,
                                         uint8_t room[MESSAGE_MAC_BYTES_MAX])
{
    struct message message;
    struct message_fault fault;
    if (spec->mac.list.count == 0 || scope.length == 0) {
        return scope;
    }
    /* Not the whole message: where the MAC will stand, there is nothing yet. */
    enum status status = message_parse_some(&message, spec, whole, spec->mac.fields, &fault);
    REQUIRE(status == STATUS_OK); /* we wrote it */
    return join(&message, room);
}
