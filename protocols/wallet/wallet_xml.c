/* See wallet_xml.h. */
#include "protocols/wallet/wallet_xml.h"

#include <string.h>

#include <expat.h>

struct xml_reader {
    XML_Parser parser;
    struct wallet_xml *xml;
    struct byte_writer arena;
    uint32_t depth;
    const char *name; /* of the element being read */
    uint32_t text_at; /* where its text begins in the arena */
    enum status status;
};

static void stop(struct xml_reader *reader, enum status status)
{
    if (reader->status == STATUS_OK) {
        reader->status = status;
    }
    XML_StopParser(reader->parser, XML_FALSE);
}

static void on_doctype(void *argument, const XML_Char *name, const XML_Char *system,
                       const XML_Char *publicly, int has_subset)
{
    (void)name;
    (void)system;
    (void)publicly;
    (void)has_subset;
    stop(argument, STATUS_DENIED);
}

static void on_begin(void *argument, const XML_Char *name, const XML_Char **attributes)
{
    struct xml_reader *reader = argument;
    (void)attributes;
    reader->depth++;
    if (reader->depth == 1) {
        if (strcmp(name, "xml") != 0) {
            stop(reader, STATUS_MALFORMED);
        }
        return;
    }
    if (reader->depth > 2) {
        stop(reader, STATUS_MALFORMED);
        return;
    }
    if (wallet_parameters_find(&reader->xml->members, name) != NULL) {
        stop(reader, STATUS_DUPLICATE);
        return;
    }
    reader->name = (const char *)reader->arena.bytes + reader->arena.position;
    byte_writer_put(&reader->arena, name, (uint32_t)strlen(name) + 1);
    reader->text_at = reader->arena.position;
    if (reader->arena.status != STATUS_OK) {
        stop(reader, STATUS_NO_ROOM);
    }
}

/* One text may come in several calls, and stands between elements, too. */
static void on_text(void *argument, const XML_Char *text, int length)
{
    struct xml_reader *reader = argument;
    if (reader->depth == 2) {
        byte_writer_put(&reader->arena, text, (uint32_t)length);
    } else if (strspn(text, " \t\r\n") < (size_t)length) {
        stop(reader, STATUS_MALFORMED);
    }
    if (reader->arena.status != STATUS_OK) {
        stop(reader, STATUS_NO_ROOM);
    }
}

static void on_end(void *argument, const XML_Char *name)
{
    struct xml_reader *reader = argument;
    (void)name;
    if (reader->depth == 2) {
        byte_writer_u8(&reader->arena, '\0');
        struct wallet_parameters *members = &reader->xml->members;
        bool is_full = members->count == WALLET_PARAMETER_COUNT_MAX;
        if (is_full || reader->arena.status != STATUS_OK) {
            stop(reader, STATUS_NO_ROOM);
        } else {
            members->items[members->count++] = (struct wallet_parameter){
                reader->name, (const char *)reader->arena.bytes + reader->text_at};
        }
    }
    reader->depth--;
}

enum status wallet_xml_read(struct wallet_xml *xml, struct byte_view bytes)
{
    struct xml_reader reader = {.xml = xml, .status = STATUS_OK};
    xml->members.count = 0;
    byte_writer_init(&reader.arena, xml->arena, sizeof(xml->arena));
    if (bytes.length > WALLET_XML_BYTES_MAX) {
        return STATUS_NO_ROOM;
    }
    reader.parser = XML_ParserCreate("UTF-8");
    if (reader.parser == NULL) {
        return STATUS_NO_MEMORY;
    }
    XML_SetUserData(reader.parser, &reader);
    XML_SetStartDoctypeDeclHandler(reader.parser, on_doctype);
    XML_SetElementHandler(reader.parser, on_begin, on_end);
    XML_SetCharacterDataHandler(reader.parser, on_text);
    enum XML_Status parsed =
        XML_Parse(reader.parser, (const char *)bytes.bytes, (int)bytes.length, XML_TRUE);
    XML_ParserFree(reader.parser);
    if (reader.status == STATUS_OK && parsed != XML_STATUS_OK) {
        reader.status = STATUS_MALFORMED;
    }
    if (reader.status != STATUS_OK) {
        xml->members.count = 0;
    }
    return reader.status;
}

static void write_text(struct byte_writer *writer, const char *text)
{
    for (const char *at = text; *at != '\0'; at++) {
        switch (*at) {
        case '<':
            byte_writer_text(writer, "&lt;");
            break;
        case '>':
            byte_writer_text(writer, "&gt;");
            break;
        case '&':
            byte_writer_text(writer, "&amp;");
            break;
        default:
            byte_writer_u8(writer, (uint8_t)*at);
            break;
        }
    }
}

void wallet_xml_write(const struct wallet_parameters *parameters, struct byte_writer *writer)
{
    byte_writer_text(writer, "<xml>");
    for (uint32_t i = 0; i < parameters->count; i++) {
        const struct wallet_parameter *item = &parameters->items[i];
        byte_writer_u8(writer, '<');
        byte_writer_text(writer, item->name);
        byte_writer_u8(writer, '>');
        write_text(writer, item->value);
        byte_writer_text(writer, "</");
        byte_writer_text(writer, item->name);
        byte_writer_u8(writer, '>');
    }
    byte_writer_text(writer, "</xml>");
}
