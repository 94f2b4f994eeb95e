/* See message_json.h. Messages are nested as deep as their descriptions say, whatever their bytes.
 */
#include "switch/admin/message_json.h"

#include <stdbool.h>
#include <string.h>

#include "protocols/base/require.h"
#include "switch/admin/text_json.h"

#define DEPTH_MAX 8

static json_t *message_to_json(const ProtobufCMessage *message, uint32_t depth);

static json_t *value_json(const ProtobufCFieldDescriptor *field, const void *at, uint32_t depth)
{
    uint32_t small = 0;
    int64_t number = 0;
    const void *pointer = NULL;
    switch (field->type) {
    case PROTOBUF_C_TYPE_UINT32:
        memcpy(&small, at, sizeof(small));
        return json_integer(small);
    case PROTOBUF_C_TYPE_UINT64:
    case PROTOBUF_C_TYPE_INT64:
        memcpy(&number, at, sizeof(number));
        return json_integer(number);
    case PROTOBUF_C_TYPE_BOOL:
        memcpy(&small, at, sizeof(protobuf_c_boolean));
        return json_boolean(small != 0);
    case PROTOBUF_C_TYPE_STRING:
        memcpy(&pointer, at, sizeof(pointer));
        return text_json(pointer != NULL ? pointer : "");
    case PROTOBUF_C_TYPE_MESSAGE:
        memcpy(&pointer, at, sizeof(pointer));
        return message_to_json(pointer, depth + 1);
    case PROTOBUF_C_TYPE_INT32:
    case PROTOBUF_C_TYPE_SINT32:
    case PROTOBUF_C_TYPE_SFIXED32:
    case PROTOBUF_C_TYPE_SINT64:
    case PROTOBUF_C_TYPE_SFIXED64:
    case PROTOBUF_C_TYPE_FIXED32:
    case PROTOBUF_C_TYPE_FIXED64:
    case PROTOBUF_C_TYPE_FLOAT:
    case PROTOBUF_C_TYPE_DOUBLE:
    case PROTOBUF_C_TYPE_ENUM:
    case PROTOBUF_C_TYPE_BYTES:
        break;
    }
    bool is_known_kind = false;
    REQUIRE(is_known_kind);
    return NULL;
}

static size_t value_size(const ProtobufCFieldDescriptor *field)
{
    return field->type == PROTOBUF_C_TYPE_UINT32 ? sizeof(uint32_t)
           : field->type == PROTOBUF_C_TYPE_BOOL ? sizeof(protobuf_c_boolean)
           : field->type == PROTOBUF_C_TYPE_STRING || field->type == PROTOBUF_C_TYPE_MESSAGE
               ? sizeof(void *)
               : sizeof(uint64_t);
}

static json_t *list_json(const ProtobufCFieldDescriptor *field, const uint8_t *base, uint32_t depth)
{
    size_t count;
    const uint8_t *items;
    memcpy(&count, base + field->quantifier_offset, sizeof(count));
    memcpy(&items, base + field->offset, sizeof(items));
    json_t *list = json_array();
    for (size_t i = 0; i < count; i++) {
        json_array_append_new(list, value_json(field, items + i * value_size(field), depth));
    }
    return list;
}

static bool is_there(const ProtobufCFieldDescriptor *field, const uint8_t *base)
{
    const void *pointer;
    if ((field->flags & PROTOBUF_C_FIELD_FLAG_ONEOF) != 0) {
        uint32_t chosen;
        memcpy(&chosen, base + field->quantifier_offset, sizeof(chosen));
        return chosen == field->id;
    }
    if (field->label != PROTOBUF_C_LABEL_OPTIONAL) {
        return true;
    }
    if (field->type == PROTOBUF_C_TYPE_STRING || field->type == PROTOBUF_C_TYPE_MESSAGE) {
        memcpy(&pointer, base + field->offset, sizeof(pointer));
        return pointer != NULL && pointer != field->default_value;
    }
    protobuf_c_boolean has;
    memcpy(&has, base + field->quantifier_offset, sizeof(has));
    return has != 0;
}

static json_t *message_to_json(const ProtobufCMessage *message, uint32_t depth)
{
    const uint8_t *base = (const uint8_t *)message;
    json_t *object = json_object();
    REQUIRE(message != NULL && depth < DEPTH_MAX);
    for (unsigned i = 0; i < message->descriptor->n_fields; i++) {
        const ProtobufCFieldDescriptor *field = &message->descriptor->fields[i];
        if (is_there(field, base)) {
            json_t *value = field->label == PROTOBUF_C_LABEL_REPEATED
                                ? list_json(field, base, depth)
                                : value_json(field, base + field->offset, depth);
            json_object_set_new(object, field->name, value);
        }
    }
    return object;
}

json_t *message_json(const ProtobufCMessage *message)
{
    return message_to_json(message, 0);
}
