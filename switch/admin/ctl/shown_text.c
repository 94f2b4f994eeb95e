/* See shown_text.h. */
#include "switch/admin/ctl/shown_text.h"

#include <stdbool.h>
#include <stdint.h>
#include <string.h>

struct code_range {
    uint32_t first, last;
};

/* What a console obeys, or what is seen elsewhere than it stands, or not at all. */
static const struct code_range HIDDEN[] = {
    {0x00, 0x08},       {0x0A, 0x1F},     {0x7F, 0x9F}, /* C0 but the tab, DEL, C1 */
    {0xAD, 0xAD},       {0x061C, 0x061C},               /* soft hyphen, Arabic letter mark */
    {0x180E, 0x180E},   {0x200B, 0x200F},               /* of no width, marks of direction */
    {0x2028, 0x202E},   {0x2060, 0x206F},               /* ends of lines, embeddings, isolates */
    {0xFEFF, 0xFEFF},   {0xFFF9, 0xFFFB},               /* byte order, annotations */
    {0xE0000, 0xE007F},                                 /* tags */
};

static bool is_hidden(uint32_t code)
{
    for (size_t i = 0; i < sizeof(HIDDEN) / sizeof(HIDDEN[0]); i++) {
        if (code >= HIDDEN[i].first && code <= HIDDEN[i].last) {
            return true;
        }
    }
    return false;
}

/* How many bytes the first character of the text takes; 0: it is none of UTF-8 (RFC 3629). */
static size_t character_take(const unsigned char *text, size_t length, uint32_t *code)
{
    static const uint32_t LEAST[] = {0, 0, 0x80, 0x800, 0x10000};
    unsigned char lead = text[0];
    size_t needed = lead < 0x80                   ? 1
                    : lead >= 0xC2 && lead < 0xE0 ? 2
                    : (lead & 0xF0) == 0xE0       ? 3
                    : lead >= 0xF0 && lead < 0xF5 ? 4
                                                  : 0;
    if (needed == 0 || needed > length) {
        return 0;
    }
    *code = needed == 1 ? lead : lead & (0x7FU >> needed);
    for (size_t i = 1; i < needed; i++) {
        if ((text[i] & 0xC0) != 0x80) {
            return 0;
        }
        *code = *code << 6 | (text[i] & 0x3FU);
    }
    bool is_surrogate = *code >= 0xD800 && *code < 0xE000;
    return *code < LEAST[needed] || *code > 0x10FFFF || is_surrogate ? 0 : needed;
}

void shown_text_write(FILE *to, const char *text, size_t length, size_t max)
{
    size_t shown = length;
    if (length > max) {
        shown = max;
        while (shown > 0 && ((unsigned char)text[shown] & 0xC0) == 0x80) {
            shown--; /* never within a character */
        }
    }
    for (size_t at = 0; at < shown;) {
        uint32_t code = 0;
        size_t taken = character_take((const unsigned char *)text + at, shown - at, &code);
        if (taken == 0 || is_hidden(code)) {
            fputc('?', to);
        } else {
            fwrite(text + at, 1, taken, to);
        }
        at += taken == 0 ? 1 : taken;
    }
    if (shown < length) {
        fprintf(to, " \xE2\x80\xA6 (%zu bytes more)", length - shown);
    }
}

void shown_text_clean(char *text)
{
    size_t length = strlen(text), kept = 0;
    for (size_t at = 0; at < length;) {
        uint32_t code = 0;
        size_t taken = character_take((const unsigned char *)text + at, length - at, &code);
        if (taken == 0 || is_hidden(code)) {
            text[kept++] = '?';
        } else {
            memmove(text + kept, text + at, taken);
            kept += taken;
        }
        at += taken == 0 ? 1 : taken;
    }
    text[kept] = '\0';
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
