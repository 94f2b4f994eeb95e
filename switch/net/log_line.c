/* See log_line.h. */
#include "switch/net/log_line.h"

#include <string.h>
#include <time.h>

#include "protocols/base/digits.h"

#define TIME_CHARACTERS 27 /* 2026-11-25T15:36:34.123456Z */
#define TAIL_ROOM 24       /* for `,"cut":"true"}` and the line feed */
#define DAY_SECONDS 86400

static const char *const LEVELS[] = {
#define X(name, word) word,
    LOG_WORD_MAP(X)
#undef X
};

struct line {
    char *bytes;
    uint32_t length, length_max;
    bool is_plain, is_cut;
};

static void put(struct line *line, const char *text, uint32_t length)
{
    if (line->is_cut || length > line->length_max - line->length) {
        line->is_cut = true;
        return;
    }
    memcpy(line->bytes + line->length, text, length);
    line->length += length;
}

static void put_text(struct line *line, const char *text)
{
    put(line, text, (uint32_t)strlen(text));
}

/* Days since 1970 as a civil date (Howard Hinnant's algorithm, March-based years). */
static void date_format(char *text, int64_t days)
{
    int64_t shifted = days + 719468;
    int64_t era = shifted / 146097;
    int64_t day_of_era = shifted - era * 146097;
    int64_t year_of_era =
        (day_of_era - day_of_era / 1460 + day_of_era / 36524 - day_of_era / 146096) / 365;
    int64_t day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    int64_t month_shifted = (5 * day_of_year + 2) / 153;
    int64_t month = month_shifted < 10 ? month_shifted + 3 : month_shifted - 9;
    int64_t year = year_of_era + era * 400 + (month <= 2);
    digits_format(text, (uint64_t)year, 4);
    digits_format(text + 5, (uint64_t)month, 2);
    digits_format(text + 8, (uint64_t)(day_of_year - (153 * month_shifted + 2) / 5 + 1), 2);
}

static void put_time(struct line *line, int64_t wall_us)
{
    char text[TIME_CHARACTERS + 1] = "0000-00-00T00:00:00.000000Z";
    int64_t seconds = wall_us / 1000000;
    date_format(text, seconds / DAY_SECONDS);
    uint64_t of_day = (uint64_t)(seconds % DAY_SECONDS);
    digits_format(text + 11, of_day / 3600, 2);
    digits_format(text + 14, of_day / 60 % 60, 2);
    digits_format(text + 17, of_day % 60, 2);
    digits_format(text + 20, (uint64_t)(wall_us % 1000000), 6);
    put(line, text, TIME_CHARACTERS);
}

static void put_escaped(struct line *line, const char *text)
{
    static const char HEX[] = "0123456789abcdef";
    for (; *text != 0; text++) {
        unsigned char c = (unsigned char)*text;
        if (c == '"' || c == '\\') {
            put(line, (char[]){'\\', (char)c}, 2);
        } else if (c < 0x20 || c > 0x7E) {
            put(line, (char[]){'\\', 'u', '0', '0', HEX[c >> 4], HEX[c & 15]}, 6);
        } else {
            put(line, text, 1);
        }
    }
}

static void put_name(struct line *line, const char *name)
{
    put_text(line, line->is_plain ? " " : ",\"");
    put_text(line, name);
    put_text(line, line->is_plain ? "=" : "\":");
}

/* In plain form a text stands bare when it is one word. */
static bool is_word(const char *text)
{
    for (const char *c = text; *c != 0; c++) {
        if (*c <= ' ' || *c > '~' || *c == '"' || *c == '\\') {
            return false;
        }
    }
    return *text != 0;
}

static void put_string(struct line *line, const char *text)
{
    bool is_bare = line->is_plain && is_word(text);
    put_text(line, is_bare ? "" : "\"");
    put_escaped(line, text);
    put_text(line, is_bare ? "" : "\"");
}

static void put_number(struct line *line, int64_t number)
{
    char digits[20];
    uint32_t at = sizeof(digits);
    uint64_t rest = number < 0 ? (uint64_t)0 - (uint64_t)number : (uint64_t)number;
    do {
        digits[--at] = (char)('0' + rest % 10);
        rest /= 10;
    } while (rest > 0);
    if (number < 0) {
        put_text(line, "-");
    }
    put(line, digits + at, (uint32_t)sizeof(digits) - at);
}

static void put_field(struct line *line, const struct log_field *field)
{
    char masked[PAN_MASKED_SIZE];
    switch (field->kind) {
    case LOG_FIELD_TEXT:
        if (field->text != NULL) {
            put_name(line, field->name);
            put_string(line, field->text);
        }
        return;
    case LOG_FIELD_NUMBER:
        put_name(line, field->name);
        put_number(line, field->number);
        return;
    case LOG_FIELD_PAN:
        if (field->pan->digit_count > 0) {
            pan_mask(masked, field->pan);
            put_name(line, field->name);
            put_string(line, masked);
        }
        return;
    }
}

uint32_t log_line_format(char line[LOG_LINE_SIZE], const struct log_line_source *source,
                         const struct log_field *fields, uint32_t field_count)
{
    struct line out = {
        .bytes = line, .length_max = LOG_LINE_SIZE - TAIL_ROOM, .is_plain = source->is_plain};
    put_text(&out, out.is_plain ? "" : "{\"time\":\"");
    put_time(&out, source->wall_us);
    put_text(&out, out.is_plain ? " " : "\",\"level\":\"");
    put_text(&out, LEVELS[source->level]);
    put_text(&out, out.is_plain ? " " : "\",\"event\":\"");
    put_text(&out, source->event);
    put_text(&out, out.is_plain ? "" : "\"");
    for (uint32_t i = 0; i < field_count && !out.is_cut; i++) {
        uint32_t before = out.length;
        put_field(&out, &fields[i]);
        out.length = out.is_cut ? before : out.length;
    }
    bool is_cut = out.is_cut;
    out.is_cut = false;
    out.length_max = LOG_LINE_SIZE;
    if (is_cut) {
        put_name(&out, "cut");
        put_string(&out, "true");
    }
    put_text(&out, out.is_plain ? "\n" : "}\n");
    return out.length;
}
