/* Text for people, said piece by piece into a buffer: what does not fit is cut off between two
 * characters of UTF-8, never inside one.
 *
 * Life:  speech_begin -> speech_say ... -> look at `used`
 */
#pragma once

#include <stdint.h>

struct speech {
    char *text; /* borrowed; always ends with 0 */
    uint32_t size, used;
};

/* REQUIREs that `size` is not 0. */
void speech_begin(struct speech *speech, char *text, uint32_t size);
/* Appends; once something was cut off nothing more is appended. */
void speech_say(struct speech *speech, const char *format, ...)
    __attribute__((format(printf, 2, 3)));
