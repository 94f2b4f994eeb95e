/* A protobuf message as JSON, by its own description: members are called as its fields. */
#pragma once

#include <jansson.h>
#include <protobuf-c/protobuf-c.h>

/* Optional fields that are absent, and members of a oneof that is another one, are left out; all
 * others are there in the order of their numbers. Texts are made whole UTF-8 (text_json.h). NULL:
 * no memory. REQUIREs fields of the kinds that our messages have: numbers, flags, texts, messages.
 */
json_t *message_json(const ProtobufCMessage *message);
