/* See line_diff.h.
 *
 * What both begin and end with is left out; of the middle the longest common subsequence stays.
 */
#include "switch/admin/ctl/line_diff.h"

#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#define CELL_COUNT_MAX                                                                             \
    (16u * 1024 * 1024) /* 4,000 lines against 4,000: 64 MB, a tenth of a second */

struct line {
    const char *text;
    uint32_t length;
};

struct lines {
    uint32_t count;
    struct line *lines; /* owner */
};

static bool split(struct lines *lines, const char *text)
{
    uint32_t count = 0;
    for (const char *at = text; *at != '\0'; at += strcspn(at, "\n"), at += *at == '\n') {
        count++;
    }
    lines->count = 0;
    lines->lines = calloc(count + 1u, sizeof(struct line));
    if (lines->lines == NULL) {
        return false;
    }
    for (const char *at = text; *at != '\0';) {
        uint32_t length = (uint32_t)strcspn(at, "\n");
        lines->lines[lines->count++] = (struct line){at, length};
        at += length + (at[length] == '\n');
    }
    return true;
}

static bool is_same(const struct line *one, const struct line *other)
{
    return one->length == other->length && memcmp(one->text, other->text, one->length) == 0;
}

/* What is compared: the middles, and where they begin. */
struct middle {
    const struct line *before, *after;
    uint32_t before_count, after_count, first; /* lines in front of both */
    void (*on_line)(void *argument, const struct line_diff_line *line);
    void *argument;
};

static void tell(const struct middle *middle, char sign, uint32_t index)
{
    const struct line *line = sign == '-' ? &middle->before[index] : &middle->after[index];
    middle->on_line(middle->argument, &(struct line_diff_line){sign, middle->first + index + 1,
                                                               line->text, line->length});
}

static void tell_whole(const struct middle *middle)
{
    for (uint32_t i = 0; i < middle->before_count; i++) {
        tell(middle, '-', i);
    }
    for (uint32_t i = 0; i < middle->after_count; i++) {
        tell(middle, '+', i);
    }
}

/* cells[i * width + j]: how many lines from before[i] and after[j] on are common. */
static void fill(const struct middle *middle, uint32_t *cells)
{
    size_t width = middle->after_count + 1u;
    for (uint32_t i = middle->before_count; i-- > 0;) {
        for (uint32_t j = middle->after_count; j-- > 0;) {
            uint32_t *cell = &cells[i * width + j];
            uint32_t down = cell[width], right = cell[1];
            *cell = is_same(&middle->before[i], &middle->after[j]) ? cell[width + 1] + 1
                    : down > right                                 ? down
                                                                   : right;
        }
    }
}

static void walk(const struct middle *middle, const uint32_t *cells)
{
    size_t width = middle->after_count + 1u;
    uint32_t i = 0, j = 0;
    while (i < middle->before_count || j < middle->after_count) {
        bool has_both = i < middle->before_count && j < middle->after_count;
        const uint32_t *cell = &cells[i * width + j];
        if (has_both && is_same(&middle->before[i], &middle->after[j])) {
            i++;
            j++;
        } else if (j == middle->after_count ||
                   (i < middle->before_count && cell[width] >= cell[1])) {
            tell(middle, '-', i++);
        } else {
            tell(middle, '+', j++);
        }
    }
}

static bool tell_middle(const struct middle *middle)
{
    size_t cells_count = (middle->before_count + 1u) * (size_t)(middle->after_count + 1u);
    if (cells_count > CELL_COUNT_MAX) {
        tell_whole(middle);
        return true;
    }
    uint32_t *cells = calloc(cells_count, sizeof(*cells));
    if (cells == NULL) {
        return false;
    }
    fill(middle, cells);
    walk(middle, cells);
    free(cells);
    return true;
}

bool line_diff(const char *old_text, const char *new_text,
               void (*on_line)(void *argument, const struct line_diff_line *line), void *argument)
{
    struct lines before = {0}, after = {0};
    bool is_good = split(&before, old_text) && split(&after, new_text);
    if (is_good) {
        uint32_t first = 0, last = 0;
        uint32_t shorter = before.count < after.count ? before.count : after.count;
        while (first < shorter && is_same(&before.lines[first], &after.lines[first])) {
            first++;
        }
        while (last < shorter - first && is_same(&before.lines[before.count - 1 - last],
                                                 &after.lines[after.count - 1 - last])) {
            last++;
        }
        const struct middle middle = {before.lines + first,
                                      after.lines + first,
                                      before.count - first - last,
                                      after.count - first - last,
                                      first,
                                      on_line,
                                      argument};
        is_good = tell_middle(&middle);
    }
    free(before.lines);
    free(after.lines);
    return is_good;
}
