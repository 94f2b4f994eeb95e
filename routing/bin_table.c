/* See bin_table.h.
 *
 * freeze turns nested prefixes into disjoint intervals over the first twelve digits: where the
 * longest prefix changes, an interval begins, and each interval knows its rule. So a find is one
 * search for the last beginning that is not above the card's twelve digits, however deep prefixes
 * nest. The beginnings lie in Eytzinger order (the children of place k are 2k and 2k + 1): the
 * search touches one cache line for three steps, and that line is fetched ahead.
 */
#include "routing/bin_table.h"

#include <stdlib.h>
#include <string.h>

#include "protocols/base/require.h"

#define NO_RULE UINT32_MAX
#define LINE_BYTES 64
#define KEYS_A_LINE (LINE_BYTES / sizeof(uint64_t))

_Static_assert(PAN_DIGITS_MIN >= BIN_DIGITS_MAX, "any card has the digits a find takes");

struct bin_table {
    struct bin_rule *rules; /* owner */
    uint32_t rule_count, rule_count_max;
    bool is_frozen;
    uint8_t group_count; /* the first is none */
    uint32_t interval_count;
    uint64_t *begins; /* owner; places 1 .. interval_count, in Eytzinger order */
    uint32_t *owners; /* owner; rule of the same place, or NO_RULE */
    char groups[BIN_GROUP_COUNT_MAX][BIN_GROUP_NAME_SIZE];
};

/* The intervals while they are made, sorted by beginning. */
struct interval_list {
    uint64_t *begins;
    uint32_t *owners;
    uint32_t count;
};

static const uint64_t POWERS[BIN_DIGITS_MAX + 1] = {
    1ull,           10ull,           100ull,           1000ull,      10000ull,
    100000ull,      1000000ull,      10000000ull,      100000000ull, 1000000000ull,
    10000000000ull, 100000000000ull, 1000000000000ull,
};

struct bin_table *bin_table_create(uint32_t rule_count_max)
{
    REQUIRE(rule_count_max > 0);
    REQUIRE(rule_count_max < UINT32_MAX / 4);
    struct bin_table *table = calloc(1, sizeof(*table));
    if (table == NULL) {
        return NULL;
    }
    table->rule_count_max = rule_count_max;
    table->group_count = 1;
    table->rules = calloc(rule_count_max, sizeof(table->rules[0]));
    if (table->rules == NULL) {
        free(table);
        return NULL;
    }
    return table;
}

void bin_table_destroy(struct bin_table *table)
{
    if (table != NULL) {
        free(table->rules);
        free(table->begins);
        free(table->owners);
        free(table);
    }
}

uint8_t bin_table_group(struct bin_table *table, const char *name)
{
    REQUIRE(!table->is_frozen);
    size_t length = strlen(name);
    if (length == 0 || length >= BIN_GROUP_NAME_SIZE) {
        return 0;
    }
    for (uint8_t group = 1; group < table->group_count; group++) {
        if (strcmp(table->groups[group], name) == 0) {
            return group;
        }
    }
    if (table->group_count == BIN_GROUP_COUNT_MAX) {
        return 0;
    }
    memcpy(table->groups[table->group_count], name, length + 1);
    return table->group_count++;
}

const char *bin_table_group_name(const struct bin_table *table, uint8_t group)
{
    return group > 0 && group < table->group_count ? table->groups[group] : NULL;
}

uint8_t bin_table_group_count(const struct bin_table *table)
{
    return table->group_count;
}

enum status bin_table_add(struct bin_table *table, const struct bin_rule *rule)
{
    REQUIRE(!table->is_frozen);
    if (rule->digit_count < BIN_DIGITS_MIN || rule->digit_count > BIN_DIGITS_MAX ||
        rule->prefix >= POWERS[rule->digit_count]) {
        return STATUS_BAD_VALUE;
    }
    if (rule->pan_digits != 0 &&
        (rule->pan_digits < PAN_DIGITS_MIN || rule->pan_digits > PAN_DIGITS_MAX)) {
        return STATUS_BAD_VALUE;
    }
    if (table->rule_count == table->rule_count_max) {
        return STATUS_NO_ROOM;
    }
    table->rules[table->rule_count++] = *rule;
    return STATUS_OK;
}

static uint64_t rule_begin(const struct bin_rule *rule)
{
    return rule->prefix * POWERS[BIN_DIGITS_MAX - rule->digit_count];
}

static uint64_t rule_end(const struct bin_rule *rule)
{
    return (rule->prefix + 1) * POWERS[BIN_DIGITS_MAX - rule->digit_count];
}

/* By beginning; of two that begin together the shorter prefix, which holds the other, is first. */
static int rule_compare(const void *left, const void *right)
{
    const struct bin_rule *a = left;
    const struct bin_rule *b = right;
    uint64_t a_begin = rule_begin(a);
    uint64_t b_begin = rule_begin(b);
    if (a_begin != b_begin) {
        return a_begin < b_begin ? -1 : 1;
    }
    return (int)a->digit_count - (int)b->digit_count;
}

/* From `begin` on the rule `owner` is the longest. */
static void interval_add(struct interval_list *list, uint64_t begin, uint32_t owner)
{
    if (list->count > 0 && list->begins[list->count - 1] == begin) {
        list->owners[list->count - 1] = owner;
    } else {
        list->begins[list->count] = begin;
        list->owners[list->count++] = owner;
    }
}

/* Walks the sorted rules with the stack of those that hold the place where the walk stands. */
static void intervals_fill(struct interval_list *list, const struct bin_table *table)
{
    uint32_t open[BIN_DIGITS_MAX];
    uint32_t depth = 0;
    interval_add(list, 0, NO_RULE);
    for (uint32_t i = 0; i <= table->rule_count; i++) {
        bool is_last = i == table->rule_count;
        uint64_t begin = is_last ? UINT64_MAX : rule_begin(&table->rules[i]);
        while (depth > 0 && rule_end(&table->rules[open[depth - 1]]) <= begin) {
            uint64_t end = rule_end(&table->rules[open[--depth]]);
            interval_add(list, end, depth > 0 ? open[depth - 1] : NO_RULE);
        }
        if (!is_last) {
            REQUIRE(depth < BIN_DIGITS_MAX);
            open[depth++] = i;
            interval_add(list, begin, i);
        }
    }
}

/* The place that comes after `place` when all places are walked in the order of their keys. */
static uint64_t place_after(uint64_t place, uint64_t count)
{
    if (2 * place + 1 <= count) {
        for (place = 2 * place + 1; 2 * place <= count;) {
            place *= 2;
        }
        return place;
    }
    while (place % 2 == 1) {
        place /= 2;
    }
    return place / 2;
}

static void intervals_lay(struct bin_table *table, const struct interval_list *list)
{
    uint64_t place = 1;
    while (2 * place <= list->count) {
        place *= 2;
    }
    for (uint32_t i = 0; i < list->count; i++) {
        REQUIRE(place >= 1);
        table->begins[place] = list->begins[i];
        table->owners[place] = list->owners[i];
        place = place_after(place, list->count);
    }
    table->interval_count = list->count;
}

static enum status table_flatten(struct bin_table *table)
{
    /* Each rule begins one interval and ends in one; one more stands before them all. */
    size_t count_max = 2 * (size_t)table->rule_count + 1;
    struct interval_list list = {
        .begins = malloc(count_max * sizeof(uint64_t)),
        .owners = malloc(count_max * sizeof(uint32_t)),
    };
    size_t lines = (count_max + 1 + KEYS_A_LINE - 1) / KEYS_A_LINE;
    table->begins = aligned_alloc(LINE_BYTES, lines * LINE_BYTES);
    table->owners = calloc(count_max + 1, sizeof(table->owners[0]));
    enum status status = STATUS_NO_MEMORY;
    if (list.begins != NULL && list.owners != NULL && table->begins != NULL &&
        table->owners != NULL) {
        intervals_fill(&list, table);
        REQUIRE(list.count <= count_max);
        memset(table->begins, 0, lines * LINE_BYTES);
        intervals_lay(table, &list);
        status = STATUS_OK;
    }
    free(list.begins);
    free(list.owners);
    return status;
}

enum status bin_table_freeze(struct bin_table *table, struct bin_rule *duplicate)
{
    REQUIRE(!table->is_frozen);
    qsort(table->rules, table->rule_count, sizeof(table->rules[0]), rule_compare);
    for (uint32_t i = 1; i < table->rule_count; i++) {
        if (rule_compare(&table->rules[i - 1], &table->rules[i]) == 0) {
            *duplicate = table->rules[i];
            return STATUS_DUPLICATE;
        }
    }
    enum status status = table_flatten(table);
    table->is_frozen = status == STATUS_OK;
    return status;
}

const struct bin_rule *bin_table_find(const struct bin_table *table, const struct pan *pan)
{
    REQUIRE(table->is_frozen);
    if (pan->digit_count < BIN_DIGITS_MAX) {
        return NULL;
    }
    const uint64_t key = pan_prefix(pan, BIN_DIGITS_MAX);
    const uint64_t *begins = table->begins;
    uint64_t place = 1;
    while (place <= table->interval_count) {
        __builtin_prefetch(begins + place * KEYS_A_LINE);
        place = 2 * place + (begins[place] <= key);
    }
    /* The last step to the right was the largest beginning that is not above the key. The first
     * interval begins at 0, so there was one. */
    place >>= __builtin_ctzll(place) + 1;
    REQUIRE(place >= 1);
    uint32_t owner = table->owners[place];
    return owner == NO_RULE ? NULL : &table->rules[owner];
}

uint32_t bin_table_count(const struct bin_table *table)
{
    return table->rule_count;
}
