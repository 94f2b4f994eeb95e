/* The length is looked at before anything else is: protobuf-c itself limits nothing. */
#include "switch/control/control_request.h"

enum status control_request_take(struct byte_view bytes, struct control_arena *arena,
                                 struct control_request *request)
{
    struct byte_reader reader;
    *request = (struct control_request){0};
    if (bytes.length < CONTROL_HEADER_BYTES) {
        return STATUS_OK;
    }
    byte_reader_init(&reader, bytes.bytes, bytes.length);
    uint32_t length = byte_reader_u32(&reader);
    if (length == 0 || length > CONTROL_REQUEST_BYTES_MAX) {
        return STATUS_BAD_VALUE;
    }
    const uint8_t *packed = byte_reader_take(&reader, length);
    if (packed == NULL) {
        return STATUS_OK;
    }
    request->message = control__request__unpack(&arena->allocator, length, packed);
    if (request->message == NULL) {
        return STATUS_MALFORMED;
    }
    request->length = CONTROL_HEADER_BYTES + length;
    return STATUS_OK;
}
