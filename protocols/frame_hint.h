/* What a peer seems to speak whose bytes are not what its port expects: a sentence for an operator,
 * found by reading the same bytes as other settings of `framing` would have them read.
 *
 * Asked only when something has failed already, since it reads everything several times.
 */
#pragma once

#include "protocols/frame.h"
#include "protocols/iso8583/message.h"

#define FRAME_HINT_SIZE 128

/* Bytes that wait for the rest of a frame which does not come. True: they are one whole frame by
 * another way to write the length, and `text` names it. */
bool frame_hint_of_begun(char text[FRAME_HINT_SIZE], const struct framing *framing,
                         struct byte_view bytes);

/* A message that cannot be read. `body` is the frame behind its length, with the TPDU where the
 * framing has one. True: with a TPDU, without one, or with two bytes more or less it can, and
 * `text` says so. */
bool frame_hint_of_body(char text[FRAME_HINT_SIZE], const struct framing *framing,
                        const struct spec *spec, struct byte_view body);
