/* See wallet_json.h. */
#include "protocols/wallet/wallet_json.h"

#include <string.h>

json_t *wallet_json_read(struct byte_view bytes)
{
    json_error_t error;
    if (bytes.length > WALLET_JSON_BYTES_MAX) {
        return NULL;
    }
    json_t *read =
        json_loadb((const char *)bytes.bytes, bytes.length, JSON_REJECT_DUPLICATES, &error);
    if (read != NULL && !json_is_object(read)) {
        json_decref(read);
        return NULL;
    }
    return read;
}

char *wallet_json_compact(struct byte_view bytes)
{
    json_t *read = wallet_json_read(bytes);
    char *text = read == NULL ? NULL : json_dumps(read, JSON_COMPACT);
    json_decref(read);
    return text;
}

const char *wallet_json_find(const json_t *object, const char *name)
{
    const char *text = json_string_value(json_object_get(object, name));
    return text == NULL ? "" : text;
}

int64_t wallet_json_integer(const json_t *object, const char *name, int64_t fallback)
{
    const json_t *member = json_object_get(object, name);
    return json_is_integer(member) ? (int64_t)json_integer_value(member) : fallback;
}

static void skip_blanks(struct byte_reader *reader)
{
    while (byte_reader_left(reader) > 0 &&
           strchr(" \t\r\n", reader->bytes[reader->position]) != NULL &&
           reader->bytes[reader->position] != '\0') {
        reader->position++;
    }
}

/* Steps over one character of structure. */
static bool take_sign(struct byte_reader *reader, char expected)
{
    skip_blanks(reader);
    if (byte_reader_left(reader) == 0 || reader->bytes[reader->position] != (uint8_t)expected) {
        return false;
    }
    reader->position++;
    return true;
}

/* One value with all that is inside; `raw` gets its bytes. */
static json_t *take_value(struct byte_reader *reader, struct byte_view *raw)
{
    json_error_t error;
    skip_blanks(reader);
    const uint8_t *start = reader->bytes + reader->position;
    json_t *value =
        json_loadb((const char *)start, byte_reader_left(reader),
                   JSON_DISABLE_EOF_CHECK | JSON_DECODE_ANY | JSON_REJECT_DUPLICATES, &error);
    if (value == NULL || error.position < 0 ||
        (uint32_t)error.position > byte_reader_left(reader)) {
        json_decref(value);
        return NULL;
    }
    *raw = (struct byte_view){start, (uint32_t)error.position};
    reader->position += raw->length;
    return value;
}

/* Keeps what is looked for. */
static enum status keep(struct wallet_json_signed *found, const char *node, const char *name,
                        const json_t *value, struct byte_view raw)
{
    if (strcmp(name, node) == 0) {
        if (found->node.bytes != NULL) {
            return STATUS_DUPLICATE;
        }
        found->node = raw;
    } else if (strcmp(name, "sign") == 0) {
        const char *text = json_string_value(value);
        size_t length = text == NULL ? 0 : strlen(text);
        if (found->sign[0] != '\0') {
            return STATUS_DUPLICATE;
        }
        if (length >= sizeof(found->sign)) {
            return STATUS_NO_ROOM;
        }
        memcpy(found->sign, text == NULL ? "" : text, length + 1);
    }
    return STATUS_OK;
}

static enum status take_member(struct byte_reader *reader, struct wallet_json_signed *found,
                               const char *node)
{
    struct byte_view raw;
    enum status status = STATUS_MALFORMED;
    json_t *name = take_value(reader, &raw);
    if (name == NULL || !json_is_string(name) || !take_sign(reader, ':')) {
        json_decref(name);
        return STATUS_MALFORMED;
    }
    json_t *value = take_value(reader, &raw);
    if (value != NULL) {
        status = keep(found, node, json_string_value(name), value, raw);
    }
    json_decref(value);
    json_decref(name);
    return status;
}

enum status wallet_json_walk(struct wallet_json_signed *found, struct byte_view body,
                             const char *node)
{
    struct byte_reader reader;
    memset(found, 0, sizeof(*found));
    byte_reader_init(&reader, body.bytes, body.length);
    if (body.length > WALLET_JSON_BYTES_MAX || !take_sign(&reader, '{')) {
        return STATUS_MALFORMED;
    }
    bool is_over = take_sign(&reader, '}');
    while (!is_over) {
        enum status status = take_member(&reader, found, node);
        if (status != STATUS_OK) {
            return status;
        }
        is_over = take_sign(&reader, '}');
        if (!is_over && !take_sign(&reader, ',')) {
            return STATUS_MALFORMED;
        }
    }
    skip_blanks(&reader);
    if (byte_reader_left(&reader) > 0) {
        return STATUS_MALFORMED;
    }
    return found->node.bytes == NULL ? STATUS_MISSING : STATUS_OK;
}
