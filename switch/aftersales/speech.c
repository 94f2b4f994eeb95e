/* See speech.h. */
#include "switch/aftersales/speech.h"

#include <stdarg.h>
#include <stdio.h>

#include "protocols/base/require.h"

void speech_begin(struct speech *speech, char *text, uint32_t size)
{
    REQUIRE(size > 0);
    *speech = (struct speech){text, size, 0};
    text[0] = '\0';
}

/* The length without what stands of a character whose end is missing. */
static uint32_t whole_characters(const char *text, uint32_t length)
{
    uint32_t start = length;
    while (start > 0 && ((unsigned char)text[start - 1] & 0xC0) == 0x80) {
        start--;
    }
    if (start == 0) {
        return 0;
    }
    unsigned char lead = (unsigned char)text[start - 1];
    uint32_t wanted = lead >= 0xF0 ? 4 : lead >= 0xE0 ? 3 : lead >= 0xC0 ? 2 : 1;
    return length - (start - 1) < wanted ? start - 1 : length;
}

void speech_say(struct speech *speech, const char *format, ...)
{
    REQUIRE(speech->used < speech->size);
    uint32_t room = speech->size - speech->used;
    va_list arguments;
    va_start(arguments, format);
    int added = vsnprintf(speech->text + speech->used, room, format, arguments);
    va_end(arguments);
    if (added >= 0 && (uint32_t)added < room) {
        speech->used += (uint32_t)added;
        return;
    }
    speech->used = whole_characters(speech->text, added < 0 ? speech->used : speech->size - 1);
    speech->text[speech->used] = '\0';
    speech->size = speech->used + 1; /* no gap: what follows a cut is not said either */
}
