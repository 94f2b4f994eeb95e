/* One request out of the bytes of a control connection. Pure: bytes in, a message out. */
#pragma once

#include "protocols/base/bytes.h"
#include "protocols/base/status.h"
#include "protocols/control.pb-c.h"
#include "switch/control/control_arena.h"

#define CONTROL_HEADER_BYTES 4
/* Without the header; a call needs about 50, but for the rule files of a version. */
#define CONTROL_FILES_BYTES_MAX 1048576
#define CONTROL_REQUEST_BYTES_MAX (CONTROL_FILES_BYTES_MAX + 4096)
#define CONTROL_ANSWER_BYTES_MAX 1048576 /* 64 channels and 2,048 samples take about 200,000 */

struct control_request {
    Control__Request *message; /* in the arena; NULL: not all of it is there yet */
    uint32_t length;           /* of the frame, header included; 0: not all of it is there yet */
};

/* STATUS_BAD_VALUE: a length of 0 or above the limit. STATUS_MALFORMED: no request; both end the
 * connection. STATUS_OK with length 0: more bytes are needed. */
MUST_CHECK enum status control_request_take(struct byte_view bytes, struct control_arena *arena,
                                            struct control_request *request);
