/* How terminals' messages stand on the wire: built with two bytes of length (pos_draft.h), sent in
 * whatever framing the terminal speaks, and unwrapped to that form again.
 *
 * A list of framings is dealt out over the terminals in turn, so that one listener meets them all.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "protocols/frame_http.h"

#define WRAP_COUNT_MAX 8
#define WRAP_BYTES_MAX (FRAME_LENGTH_MAX + FRAME_HTTP_POST_HEAD_MAX + 16)

struct wrap_list {
    uint32_t count;
    struct framing framings[WRAP_COUNT_MAX];
};

/* "binary_2,ascii_4,http": kinds of frame_length.h, and http. False: `reason` says which word is
 * none. */
bool wrap_list_read(struct wrap_list *list, const char *words, char reason[160]);
/* Of the terminal of that index. */
const struct framing *wrap_of(const struct wrap_list *list, uint32_t index);

/* The frame as this terminal sends it, in `room` unless nothing has to change. */
struct byte_view wrap_out(const struct framing *framing, struct byte_view frame,
                          uint8_t room[WRAP_BYTES_MAX]);
/* The first whole frame of `bytes`, with two bytes of length again; *consumed belong to it.
 * STATUS_TRUNCATED: more must come. Else `fault` says what is wrong with what came. */
MUST_CHECK enum status wrap_in(const struct framing *framing, struct byte_view bytes,
                               uint32_t *consumed, uint8_t room[WRAP_BYTES_MAX],
                               struct byte_view *frame, struct frame_fault *fault);
