/* The header before the message type, where a spec says what stands in it (`header` as a list): 46
 * bytes on UnionPay's host link. Private to protocols/iso8583/ and protocols/dialect/. */
#pragma once

#include "protocols/base/bytes.h"
#include "protocols/iso8583/spec.h"

#define HEADER_REASON_SIZE 160

/* Looks at the header of a message whose header bytes are all there.
 * STATUS_MALFORMED: a fixed part or the length is wrong. STATUS_DENIED: the network did not deliver
 * our message, and says why. `reason` has the words, *offset the place. */
MUST_CHECK enum status header_check(const struct spec *spec, struct byte_view message,
                                    uint32_t *offset, char reason[HEADER_REASON_SIZE]);

/* Writes the header of a message into spec->header_bytes bytes: as the spec has it, or as `request`
 * has it where that is given (length 0: not). Of an answer, source and destination change places.
 * The length is left to header_put_length. */
void header_fill(uint8_t *header, const struct spec *spec, struct byte_view request,
                 bool is_answer);

/* Puts the length of header and message where the header says it. False: it cannot say so much. */
bool header_put_length(uint8_t *header, const struct spec *spec, uint32_t length);
