/* See tally.h. */
#include "switch/admin/tally.h"

#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define LINE_SIZE 640

json_t *tally_of(json_t *tallies, const char *name)
{
    json_t *tally = json_object_get(tallies, name);
    if (tally == NULL) {
        tally = json_object();
        json_object_set_new(tallies, name, tally);
    }
    return tally;
}

json_t *tally_of_at_most(json_t *tallies, const char *name, size_t count_max)
{
    json_t *tally = json_object_get(tallies, name);
    bool has_room = json_object_size(tallies) < count_max;
    return tally != NULL ? tally : tally_of(tallies, has_room ? name : "others");
}

int64_t tally_get(const json_t *tally, const char *member)
{
    return json_integer_value(json_object_get(tally, member));
}

void tally_add(json_t *tally, const char *member, int64_t value)
{
    json_t *sum = json_object_get(tally, member);
    if (sum == NULL) {
        json_object_set_new(tally, member, json_integer(value));
    } else {
        json_integer_set(sum, json_integer_value(sum) + value);
    }
}

void tally_example(json_t *tally, const char *text, size_t count_max)
{
    json_t *examples = json_object_get(tally, "examples");
    if (examples == NULL) {
        examples = json_array();
        json_object_set_new(tally, "examples", examples);
    }
    if (json_array_size(examples) < count_max) {
        json_array_append_new(examples, json_string(text));
    }
}

void tally_line(json_t *lines, const char *format, ...)
{
    char line[LINE_SIZE];
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(line, sizeof(line), format, arguments);
    va_end(arguments);
    json_array_append_new(lines, json_string(line));
}

struct ranked {
    const char *name;
    json_t *tally;
    int64_t rank;
    size_t order;
};

/* The larger first; equals as they came. */
static int rank_compare(const void *left, const void *right)
{
    const struct ranked *a = left;
    const struct ranked *b = right;
    if (a->rank != b->rank) {
        return a->rank > b->rank ? -1 : 1;
    }
    return a->order < b->order ? -1 : 1;
}

static void add_all(json_t *sum, json_t *tally)
{
    const char *member;
    json_t *value;
    json_object_foreach(tally, member, value)
    {
        if (json_is_integer(value)) {
            tally_add(sum, member, json_integer_value(value));
        }
    }
}

static struct ranked *rank_all(const json_t *tallies, const char *by)
{
    struct ranked *ranked = calloc(json_object_size(tallies) + 1, sizeof(*ranked));
    size_t count = 0;
    const char *name;
    json_t *tally;
    if (ranked == NULL) {
        return NULL;
    }
    json_object_foreach((json_t *)(uintptr_t)tallies, name, tally)
    {
        int64_t rank = tally_get(tally, by);
        ranked[count] = (struct ranked){name, tally, rank < 0 ? -rank : rank, count};
        count++;
    }
    qsort(ranked, count, sizeof(*ranked), rank_compare);
    return ranked;
}

json_t *tally_list(const json_t *tallies, const char *member, const char *by, size_t count_max)
{
    struct ranked *ranked = rank_all(tallies, by);
    json_t *list = json_array();
    json_t *others = NULL;
    for (size_t i = 0; ranked != NULL && i < json_object_size(tallies); i++) {
        if (i < count_max) {
            json_t *item = json_object();
            json_object_set_new(item, member, json_string(ranked[i].name));
            json_object_update(item, ranked[i].tally);
            json_array_append_new(list, item);
        } else {
            others = others == NULL ? json_pack("{s:s}", member, "others") : others;
            add_all(others, ranked[i].tally);
        }
    }
    if (others != NULL) {
        json_array_append_new(list, others);
    }
    free(ranked);
    return list;
}
