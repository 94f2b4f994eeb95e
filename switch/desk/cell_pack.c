/* See cell_pack.h. */
#include "switch/desk/cell_pack.h"

#include <stdlib.h>
#include <string.h>

#include "protocols/base/require.h"

char *cell_pack_text(struct cell_pack_texts *texts, const char *text)
{
    size_t length = strlen(text) + 1;
    char *at = texts->bytes + texts->length;
    REQUIRE(length <= sizeof(texts->bytes) - texts->length);
    memcpy(at, text, length);
    texts->length += length;
    return at;
}

/* Of the text form, which is a decimal number, or a flag's word. */
static void put_number(const ProtobufCFieldDescriptor *field, void *at, const char *text)
{
    if (field->type == PROTOBUF_C_TYPE_BOOL) {
        protobuf_c_boolean is_set = strcmp(text, "yes") == 0;
        memcpy(at, &is_set, sizeof(is_set));
    } else if (field->type == PROTOBUF_C_TYPE_UINT32) {
        uint32_t number = (uint32_t)strtoull(text, NULL, 10);
        memcpy(at, &number, sizeof(number));
    } else if (field->type == PROTOBUF_C_TYPE_UINT64) {
        uint64_t number = strtoull(text, NULL, 10);
        memcpy(at, &number, sizeof(number));
    } else {
        REQUIRE(field->type == PROTOBUF_C_TYPE_INT64);
        int64_t number = strtoll(text, NULL, 10);
        memcpy(at, &number, sizeof(number));
    }
}

static void put_field(const ProtobufCFieldDescriptor *field, ProtobufCMessage *message,
                      const char *text, struct cell_pack_texts *texts)
{
    uint8_t *base = (uint8_t *)message;
    bool is_optional = field->label == PROTOBUF_C_LABEL_OPTIONAL;
    REQUIRE(field->label != PROTOBUF_C_LABEL_REPEATED);
    if (is_optional && (text[0] == '\0' || strcmp(text, "0") == 0)) {
        return;
    }
    if (field->type == PROTOBUF_C_TYPE_STRING) {
        char *kept = cell_pack_text(texts, text);
        memcpy(base + field->offset, &kept, sizeof(kept));
        return;
    }
    put_number(field, base + field->offset, text);
    if (is_optional) {
        protobuf_c_boolean has = 1;
        memcpy(base + field->quantifier_offset, &has, sizeof(has));
    }
}

void cell_pack(const struct cell_table *table, const void *row, ProtobufCMessage *message,
               struct cell_pack_texts *texts)
{
    for (uint32_t i = 0; i < table->column_count; i++) {
        char text[CELL_TEXT_SIZE];
        const ProtobufCFieldDescriptor *field = protobuf_c_message_descriptor_get_field_by_name(
            message->descriptor, table->columns[i].name);
        if (field != NULL) {
            cell_text(&table->columns[i], row, text);
            put_field(field, message, text, texts);
        }
    }
}
