/* See bin_table.h.
 *
 * freeze turns nested prefixes into disjoint intervals over the first twelve digits: where the
 * longest prefix changes, an interval begins, and each interval knows its rule. So a find is one
 * search for the last beginning that is not above the card's twelve digits, however deep prefixes
 * nest. The first digits of a card (as many as there are ranges for) lead straight to the intervals
 * that begin with them, and among those the search begins where an even spread would have put it:
 * of a million ranges it reads three cache lines, seldom more, and never more than halving would.
 */
#include "routing/bin_table.h"

#include <stdlib.h>
#include <string.h>

#include "protocols/base/pause.h"
#include "protocols/base/require.h"

#define NO_RULE UINT32_MAX
#define BUCKET_DIGITS_MIN 3
#define BUCKET_DIGITS_MAX 6
#define GUESS_REACH 8 /* intervals on each side of where an even spread would be: a cache line */

_Static_assert(PAN_DIGITS_MIN >= BIN_DIGITS_MAX, "any card has the digits a find takes");
_Static_assert(BIN_DIGITS_MAX - BUCKET_DIGITS_MIN <= 9, "what is left of twelve digits is 32 bits");

struct interval {
    uint32_t begin; /* the digits behind those of the bucket */
    uint32_t owner; /* a rule, or NO_RULE */
};

struct bin_table {
    struct bin_rule *rules; /* owner */
    uint32_t rule_count, rule_count_max;
    bool is_frozen;
    uint8_t group_count; /* the first is none */
    uint32_t interval_count;
    struct interval *intervals; /* owner; ascending */
    uint32_t *buckets;          /* owner; by first digits: the first interval that begins so */
    uint64_t bucket_span;       /* cards of twelve digits in one bucket */
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
        free(table->intervals);
        free(table->buckets);
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
    pause_point(); /* most of a reload is this */
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
        pause_point();
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

/* As many buckets as there are ranges, about: few intervals begin in each. */
static uint8_t bucket_digits(uint32_t interval_count)
{
    uint8_t digits = BUCKET_DIGITS_MIN;
    while (digits < BUCKET_DIGITS_MAX && POWERS[digits] < interval_count) {
        digits++;
    }
    return digits;
}

static void intervals_lay(struct bin_table *table, const struct interval_list *list)
{
    const uint64_t bucket_count = POWERS[BIN_DIGITS_MAX] / table->bucket_span;
    uint32_t at = 0;
    for (uint64_t bucket = 0; bucket < bucket_count; bucket++) {
        pause_point();
        const uint64_t first = bucket * table->bucket_span;
        table->buckets[bucket] = at;
        for (; at < list->count && list->begins[at] < first + table->bucket_span; at++) {
            table->intervals[at] =
                (struct interval){(uint32_t)(list->begins[at] - first), list->owners[at]};
        }
    }
    /* What is left begins behind the last card there could be. */
    table->buckets[bucket_count] = at;
    table->interval_count = at;
}

static enum status table_flatten(struct bin_table *table)
{
    /* Each rule begins one interval and ends in one; one more stands before them all. */
    size_t count_max = 2 * (size_t)table->rule_count + 1;
    struct interval_list list = {
        .begins = malloc(count_max * sizeof(uint64_t)),
        .owners = malloc(count_max * sizeof(uint32_t)),
    };
    enum status status = STATUS_NO_MEMORY;
    if (list.begins != NULL && list.owners != NULL) {
        intervals_fill(&list, table);
        REQUIRE(list.count <= count_max);
        uint8_t digits = bucket_digits(list.count);
        table->bucket_span = POWERS[BIN_DIGITS_MAX - digits];
        table->buckets = calloc(POWERS[digits] + 1, sizeof(table->buckets[0]));
        table->intervals = calloc(list.count, sizeof(table->intervals[0]));
    }
    if (table->buckets != NULL && table->intervals != NULL) {
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

/* How many of `count` intervals from `low` on begin at `begin` or below. */
static uint32_t count_upto(const struct interval *low, uint32_t count, uint32_t begin)
{
    const struct interval *at = low;
    while (count > 0) {
        uint32_t half = (count + 1) / 2;
        at += at[half - 1].begin <= begin ? half : 0;
        count -= half;
    }
    return (uint32_t)(at - low);
}

void bin_table_search_begin(const struct bin_table *table, const struct pan *pan,
                            struct bin_search *search)
{
    REQUIRE(table->is_frozen);
    search->is_card = pan->digit_count >= BIN_DIGITS_MAX;
    if (!search->is_card) {
        return;
    }
    const uint64_t key = pan_prefix(pan, BIN_DIGITS_MAX);
    search->bucket = key / table->bucket_span;
    search->begin = (uint32_t)(key - search->bucket * table->bucket_span);
    __builtin_prefetch(&table->buckets[search->bucket]);
}

/* The guess is the interval that would be right if they were spread evenly. Where it was a good one
 * few are left around it; on one side of it otherwise. */
void bin_table_search_near(const struct bin_table *table, struct bin_search *search)
{
    if (!search->is_card) {
        return;
    }
    const uint32_t low = table->buckets[search->bucket], high = table->buckets[search->bucket + 1];
    search->low = low;
    search->high = high;
    search->guess = low + (uint32_t)((uint64_t)(high - low) * search->begin / table->bucket_span);
    search->left = search->guess < low + GUESS_REACH ? low : search->guess - GUESS_REACH;
    search->right = high - search->guess <= GUESS_REACH ? high - 1 : search->guess + GUESS_REACH;
    if (low < high) {
        __builtin_prefetch(&table->intervals[search->guess]);
        __builtin_prefetch(&table->intervals[search->left]);
        __builtin_prefetch(&table->intervals[search->right]);
    }
}

/* The interval that holds a card. */
static uint32_t interval_of(const struct bin_table *table, const struct bin_search *search)
{
    uint32_t low = search->low, high = search->high;
    if (high - low > 2 * GUESS_REACH) {
        if (table->intervals[search->left].begin > search->begin) {
            high = search->left;
        } else if (table->intervals[search->right].begin <= search->begin) {
            low = search->right;
        } else {
            low = search->left;
            high = search->right;
        }
    }
    uint32_t upto = low + count_upto(table->intervals + low, high - low, search->begin);
    /* The last that does not begin above the card is the bucket's or the one before it; the first
     * of all begins at 0. */
    REQUIRE(upto > 0);
    return upto - 1;
}

const struct bin_rule *bin_table_search_end(const struct bin_table *table,
                                            const struct bin_search *search)
{
    if (!search->is_card) {
        return NULL;
    }
    uint32_t owner = table->intervals[interval_of(table, search)].owner;
    if (owner == NO_RULE) {
        return NULL;
    }
    __builtin_prefetch(&table->rules[owner]);
    return &table->rules[owner];
}

const struct bin_rule *bin_table_find(const struct bin_table *table, const struct pan *pan)
{
    struct bin_search search;
    bin_table_search_begin(table, pan, &search);
    bin_table_search_near(table, &search);
    return bin_table_search_end(table, &search);
}

static uint32_t interval_of_card(const struct bin_table *table, const struct pan *pan)
{
    struct bin_search search;
    bin_table_search_begin(table, pan, &search);
    bin_table_search_near(table, &search);
    return interval_of(table, &search);
}

bool bin_table_is_sole(const struct bin_table *table, const struct pan *low, const struct pan *high)
{
    REQUIRE(table->is_frozen);
    REQUIRE(low->digit_count >= BIN_DIGITS_MAX && high->digit_count >= BIN_DIGITS_MAX);
    return interval_of_card(table, low) == interval_of_card(table, high);
}

uint32_t bin_table_count(const struct bin_table *table)
{
    return table->rule_count;
}
