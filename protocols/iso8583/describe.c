/* message_describe: see message.h.
 *
 * A line goes to traces and to support, so what it may show is the spec's to say; a field that says
 * nothing of itself is shown, a field of bytes in hex.
 */
#include <stdio.h>
#include <string.h>

#include "protocols/base/require.h"
#include "protocols/iso8583/characters.h"
#include "protocols/iso8583/message.h"

#define SHOWN_FRONT 6
#define SHOWN_BACK 4
#define SHOWN_BYTES_MAX 64 /* of a value in hex */
#define VALUE_SIZE (SPEC_COUNT_MAX + 1)
#define LINE_SIZE 64

_Static_assert(LINE_SIZE > SPEC_NAME_SIZE + 8, "number and name of a field fit into a line");
_Static_assert(SHOWN_FRONT + SHOWN_BACK < 12, "of a card number something is always hidden");

/* The text under way: always room for its final 0. */
struct description {
    struct byte_writer writer;
};

static void add(struct description *description, const char *text, uint32_t length)
{
    const uint32_t room = byte_writer_room(&description->writer);
    byte_writer_put(&description->writer, text, length < room ? length : room);
}

static void add_character(struct description *description, char character)
{
    const bool is_print = character >= ' ' && character <= '~';
    add(description, is_print ? &character : ".", 1);
}

static const char *units_of(const struct spec_field *field)
{
    return field->content == SPEC_N ? "digits" : field->content == SPEC_B ? "bytes" : "characters";
}

/* First 6 and last 4; of a value that is too short for that, nothing (PCI DSS 3.4.1). */
static void add_masked(struct description *description, const char *text, uint32_t count)
{
    const bool may_show = count > SHOWN_FRONT + SHOWN_BACK + 1;
    for (uint32_t i = 0; i < count; i++) {
        const bool is_shown = may_show && (i < SHOWN_FRONT || i + SHOWN_BACK >= count);
        add_character(description, is_shown ? text[i] : '*');
    }
}

static void add_hex(struct description *description, const char *bytes, uint32_t count)
{
    const uint32_t shown = count < SHOWN_BYTES_MAX ? count : SHOWN_BYTES_MAX;
    char hex[2 * SHOWN_BYTES_MAX + 1];
    bytes_to_hex(hex, bytes, shown);
    add(description, hex, 2 * shown);
    if (shown < count) {
        char rest[LINE_SIZE];
        int length = snprintf(rest, sizeof(rest), "... (%u bytes)", count);
        add(description, rest, (uint32_t)length);
    }
}

static void add_value(struct description *description, const struct message *message,
                      unsigned number)
{
    const struct spec_field *field = &message->spec->fields[number];
    char text[VALUE_SIZE];
    if (field->secrecy == SPEC_HIDDEN) {
        int length =
            snprintf(text, sizeof(text), "(%u %s)", message->fields[number].count, units_of(field));
        add(description, text, (uint32_t)length);
        return;
    }
    const uint32_t count = message_text(message, number, text, sizeof(text));
    if (field->secrecy == SPEC_MASKED) {
        add_masked(description, text, count);
    } else if (field->content == SPEC_B) {
        add_hex(description, text, count);
    } else {
        for (uint32_t i = 0; i < count; i++) {
            add_character(description, text[i]);
        }
    }
}

void message_describe(const struct message *message, char *text, uint32_t text_size)
{
    REQUIRE(text_size > 0);
    struct description description;
    byte_writer_init(&description.writer, text, text_size - 1);
    char line[LINE_SIZE];
    int length = snprintf(line, sizeof(line), "   0 %-15s %s\n", "mti", message->mti);
    add(&description, line, (uint32_t)length);
    for (unsigned field = 2; field <= SPEC_FIELD_MAX; field++) {
        if (!message_has(message, field)) {
            continue;
        }
        length =
            snprintf(line, sizeof(line), "%4u %-15s ", field, message->spec->fields[field].name);
        add(&description, line, (uint32_t)length);
        add_value(&description, message, field);
        add(&description, "\n", 1);
    }
    text[description.writer.position] = '\0';
}
