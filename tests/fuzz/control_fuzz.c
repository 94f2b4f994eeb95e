/* Bytes of a control connection: frames one after the other, as the server takes them. */
#include <stdlib.h>

#include "switch/control/control_request.h"
#include "tests/fuzz/fuzz.h"

#define ARENA_BYTES 65536

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t length)
{
    struct control_arena arena;
    struct byte_view left = {bytes, length > UINT16_MAX ? UINT16_MAX : (uint32_t)length};
    if (!control_arena_create(&arena, ARENA_BYTES)) {
        return 0;
    }
    for (;;) {
        struct control_request request;
        control_arena_reset(&arena);
        if (control_request_take(left, &arena, &request) != STATUS_OK || request.length == 0) {
            break;
        }
        if (request.length > left.length || request.message == NULL ||
            control__request__get_packed_size(request.message) > request.length + ARENA_BYTES) {
            abort();
        }
        left.bytes += request.length;
        left.length -= request.length;
    }
    control_arena_destroy(&arena);
    return 0;
}
