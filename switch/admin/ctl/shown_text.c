/* See shown_text.h. */
#include "switch/admin/ctl/shown_text.h"

#include <string.h>

void shown_text_write(FILE *to, const char *text, size_t length, size_t max)
{
    size_t shown = length;
    if (length > max) {
        shown = max;
        while (shown > 0 && ((unsigned char)text[shown] & 0xC0) == 0x80) {
            shown--; /* never within a character */
        }
    }
    for (size_t i = 0; i < shown; i++) {
        unsigned char byte = (unsigned char)text[i];
        fputc((byte < ' ' && byte != '\t') || byte == 0x7F ? '?' : byte, to);
    }
    if (shown < length) {
        fprintf(to, " \xE2\x80\xA6 (%zu bytes more)", length - shown);
    }
}

void shown_text_write_file(FILE *to, const char *text)
{
    while (*text != '\0') {
        size_t length = strcspn(text, "\n");
        shown_text_write(to, text, length, length);
        text += length;
        if (*text == '\n') {
            fputc('\n', to);
            text++;
        }
    }
}
