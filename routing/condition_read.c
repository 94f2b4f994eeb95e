/* See condition.h: the reading half. Each shape has one reader; what differs between parts of a
 * shape stands in a table. */
#include "routing/condition.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "protocols/base/require.h"
#include "routing/civil_date.h"
#include "routing/condition_words.h"
#include "routing/decimal.h"

#define DAY_MINUTES 1440

/* Parts written as digits: how many there are in full, and how many a prefix needs. */
static const struct {
    uint8_t width, digits_min;
    bool may_be_range; /* 5411-5499 */
} DIGIT_FORMS[CONDITION_NUMBERS_COUNT] = {
    [CONDITION_MCC - CONDITION_NUMBERS_FIRST] = {4, 4, true},
    [CONDITION_CURRENCY - CONDITION_NUMBERS_FIRST] = {3, 3, false},
    [CONDITION_ENTRY_MODE - CONDITION_NUMBERS_FIRST] = {3, 1, false},
    [CONDITION_REGION - CONDITION_NUMBERS_FIRST] = {4, 1, false},
    [CONDITION_BIN - CONDITION_NUMBERS_FIRST] = {BIN_DIGITS_MAX, BIN_DIGITS_MIN, false},
};

struct condition_reader {
    struct condition *condition;
    struct document *document;
    const struct document_node *rule;
    const struct condition_form *form;
};

uint32_t condition_members(uint32_t parts, const char **known, uint32_t count)
{
    for (unsigned part = 0; part < CONDITION_PART_COUNT; part++) {
        if ((parts & CONDITION_BIT(part)) == 0) {
            continue;
        }
        if (part == CONDITION_AMOUNT) {
            known[count++] = "amount_min";
            known[count++] = "amount_max";
        } else if (part == CONDITION_MONTH) {
            known[count++] = "month_min";
            known[count++] = "month_max";
        } else if (part == CONDITION_DATE) {
            known[count++] = "from";
            known[count++] = "until";
        } else {
            known[count++] = condition_part_name((enum condition_part)part);
        }
    }
    return count;
}

/* A part is written as one value or as a list of values: the first of them, and how many. */
static const struct document_node *values_of(const struct condition_reader *reader,
                                             const struct document_node *node, uint32_t *count)
{
    *count = node->kind == DOCUMENT_SCALAR ? 1 : node->child_count;
    if (node->kind == DOCUMENT_MAPPING || *count == 0 || *count > CONDITION_ITEM_COUNT_MAX) {
        document_fault(reader->document, node,
                       "%s: expected a value or a list of 1 to %d values, got %s", node->key,
                       CONDITION_ITEM_COUNT_MAX,
                       node->kind == DOCUMENT_MAPPING ? "a section"
                       : *count == 0                  ? "an empty list"
                                                      : "more");
        return NULL;
    }
    return node->kind == DOCUMENT_SCALAR ? node : node->first_child;
}

/* The text of a value, or "" for what is no scalar: no part takes an empty text. */
static const char *value_text(const struct document_node *value)
{
    return value->kind == DOCUMENT_SCALAR ? value->text : "";
}

static void bits_read(const struct condition_reader *reader, unsigned part,
                      const struct document_node *node)
{
    uint32_t count;
    const struct document_node *value = values_of(reader, node, &count);
    for (uint32_t i = 0; value != NULL && i < count; i++, value = value->next) {
        const char *text = value_text(value);
        int bit = condition_word_find(part, text);
        if (bit < 0) {
            const char *nearest = condition_word_nearest(part, text);
            document_fault(reader->document, value, "%s: \"%.40s\" is not known here%s%s%s",
                           condition_part_name((enum condition_part)part), text,
                           nearest != NULL ? "; did you mean \"" : "",
                           nearest != NULL ? nearest : "", nearest != NULL ? "\"?" : "");
            return;
        }
        reader->condition->bits[part] |= UINT64_C(1) << bit;
    }
}

static uint64_t power_of_ten(unsigned exponent)
{
    uint64_t power = 1;
    while (exponent-- > 0) {
        power *= 10;
    }
    return power;
}

/* "54", "5411", "5411-5499": the range of whole numbers of that width. */
static enum status digits_range(struct number_range *range, const char *text, unsigned at)
{
    const unsigned width = DIGIT_FORMS[at].width;
    const struct number_range any = {0, UINT64_MAX};
    uint32_t length = (uint32_t)strlen(text);
    if (DIGIT_FORMS[at].may_be_range && length == 2 * width + 1 && text[width] == '-') {
        if (digits_parse(&range->min, text, width, any) != STATUS_OK ||
            digits_parse(&range->max, text + width + 1, width, any) != STATUS_OK) {
            return STATUS_BAD_VALUE;
        }
        return range->min <= range->max ? STATUS_OK : STATUS_BAD_VALUE;
    }
    uint64_t prefix;
    if (length < DIGIT_FORMS[at].digits_min || length > width ||
        digits_parse(&prefix, text, length, any) != STATUS_OK) {
        return STATUS_BAD_VALUE;
    }
    uint64_t unit = power_of_ten(width - length);
    *range = (struct number_range){prefix * unit, (prefix + 1) * unit - 1};
    return STATUS_OK;
}

static int range_compare(const void *left, const void *right)
{
    const struct number_range *a = left;
    const struct number_range *b = right;
    return (a->min > b->min) - (a->min < b->min);
}

/* Sorts, and joins what overlaps or touches: cover relies on ranges that stand apart. */
static void numbers_settle(struct condition_numbers *numbers)
{
    qsort(numbers->items, numbers->count, sizeof(numbers->items[0]), range_compare);
    uint32_t kept = 0;
    for (uint32_t i = 1; i < numbers->count; i++) {
        struct number_range *last = &numbers->items[kept];
        if (last->max == UINT64_MAX || numbers->items[i].min <= last->max + 1) {
            last->max = numbers->items[i].max > last->max ? numbers->items[i].max : last->max;
        } else {
            numbers->items[++kept] = numbers->items[i];
        }
    }
    numbers->count = kept + 1;
}

static enum status numbers_read(const struct condition_reader *reader, unsigned part,
                                const struct document_node *node)
{
    unsigned at = part - CONDITION_NUMBERS_FIRST;
    struct condition_numbers *numbers = &reader->condition->numbers[at];
    uint32_t count;
    const struct document_node *value = values_of(reader, node, &count);
    if (value == NULL) {
        return STATUS_OK;
    }
    numbers->items = calloc(count, sizeof(numbers->items[0]));
    if (numbers->items == NULL) {
        return STATUS_NO_MEMORY;
    }
    for (; numbers->count < count; value = value->next) {
        if (digits_range(&numbers->items[numbers->count], value_text(value), at) != STATUS_OK) {
            document_fault(reader->document, value, "%s: expected %u to %u digits%s, got \"%.40s\"",
                           node->key, DIGIT_FORMS[at].digits_min, DIGIT_FORMS[at].width,
                           DIGIT_FORMS[at].may_be_range ? " or a range (5411-5499)" : "",
                           value_text(value));
            return STATUS_OK;
        }
        numbers->count++;
    }
    numbers_settle(numbers);
    return STATUS_OK;
}

static int name_compare(const void *left, const void *right)
{
    return strcmp(left, right);
}

/* BIN groups are named by the column of their table, which is read before rules are. */
static bool group_is_known(const struct condition_reader *reader, const struct document_node *value)
{
    const struct bin_table *bins = reader->form->bins;
    const char *names[BIN_GROUP_COUNT_MAX] = {0};
    for (uint8_t group = 1; bins != NULL && group < bin_table_group_count(bins); group++) {
        names[group - 1] = bin_table_group_name(bins, group);
        if (strcmp(names[group - 1], value->text) == 0) {
            return true;
        }
    }
    if (bins == NULL) {
        return true;
    }
    const char *nearest = document_nearest(value->text, names);
    document_fault(reader->document, value,
                   "bin_group: expected a group of the BIN table, got \"%.40s\"%s%s%s", value->text,
                   nearest != NULL ? "; did you mean \"" : "", nearest != NULL ? nearest : "",
                   nearest != NULL ? "\"?" : "");
    return false;
}

static bool channel_is_known(const struct condition_reader *reader,
                             const struct document_node *value)
{
    const struct channel_table *channels = reader->form->channels;
    if (channels == NULL || channel_table_find(channels, value->text) >= 0) {
        return true;
    }
    const char *nearest = channel_table_nearest(channels, value->text);
    document_fault(reader->document, value, "channel: expected a channel, got \"%.40s\"%s%s%s",
                   value->text, nearest != NULL ? "; did you mean \"" : "",
                   nearest != NULL ? nearest : "", nearest != NULL ? "\"?" : "");
    return false;
}

static enum status names_read(const struct condition_reader *reader, unsigned part,
                              const struct document_node *node)
{
    struct condition_names *names = &reader->condition->names[part - CONDITION_NAMES_FIRST];
    uint32_t count;
    const struct document_node *value = values_of(reader, node, &count);
    if (value == NULL) {
        return STATUS_OK;
    }
    names->items = calloc(count, sizeof(names->items[0]));
    if (names->items == NULL) {
        return STATUS_NO_MEMORY;
    }
    for (; names->count < count; value = value->next) {
        size_t length = strlen(value_text(value));
        if (length == 0 || length >= CONDITION_NAME_SIZE) {
            document_fault(reader->document, value,
                           "%s: expected 1 to %d characters, got \"%.40s\"", node->key,
                           CONDITION_NAME_SIZE - 1, value_text(value));
            return STATUS_OK;
        }
        if ((part == CONDITION_CHANNEL && !channel_is_known(reader, value)) ||
            (part == CONDITION_BIN_GROUP && !group_is_known(reader, value))) {
            return STATUS_OK;
        }
        memcpy(names->items[names->count++], value_text(value), length + 1);
    }
    qsort(names->items, names->count, sizeof(names->items[0]), name_compare);
    return STATUS_OK;
}

/* The scalar member `key`; NULL: absent, or a fault. */
static const struct document_node *scalar_member(const struct condition_reader *reader,
                                                 const char *key)
{
    const struct document_node *node = document_member(reader->rule, key);
    if (node != NULL && node->kind != DOCUMENT_SCALAR) {
        document_fault(reader->document, node, "%s: expected one value", key);
        return NULL;
    }
    return node;
}

/* Fills one end of a part that is a single range. */
static enum status range_set(const struct condition_reader *reader, unsigned part,
                             const struct number_range *range)
{
    struct condition_numbers *numbers = &reader->condition->numbers[part - CONDITION_NUMBERS_FIRST];
    numbers->items = malloc(sizeof(numbers->items[0]));
    if (numbers->items == NULL) {
        return STATUS_NO_MEMORY;
    }
    numbers->items[0] = *range;
    numbers->count = 1;
    reader->condition->stated |= CONDITION_BIT(part);
    return STATUS_OK;
}

static uint64_t amount_read(const struct condition_reader *reader, const struct document_node *node,
                            uint64_t fallback)
{
    int64_t minor;
    int exponent = money_exponent(reader->form->currency);
    if (node == NULL) {
        return fallback;
    }
    if (decimal_parse(&minor, node->text, exponent < 0 ? 0 : (unsigned)exponent) != STATUS_OK ||
        minor > MONEY_MINOR_MAX) {
        document_fault(reader->document, node,
                       "%s: expected an amount with at most %d decimals, got \"%.40s\"", node->key,
                       exponent < 0 ? 0 : exponent, node->text);
        return fallback;
    }
    return (uint64_t)minor;
}

/* A part that is written by its two ends, both included. */
static enum status amounts_read(const struct condition_reader *reader, unsigned part,
                                const char *const ends[2])
{
    const struct document_node *low = scalar_member(reader, ends[0]);
    const struct document_node *high = scalar_member(reader, ends[1]);
    if (low == NULL && high == NULL) {
        return STATUS_OK;
    }
    struct number_range range = {amount_read(reader, low, 0),
                                 amount_read(reader, high, (uint64_t)MONEY_MINOR_MAX)};
    if (range.min > range.max) {
        document_fault(reader->document, high, "%s: expected at least %s", ends[1], ends[0]);
        return STATUS_OK;
    }
    return range_set(reader, part, &range);
}

static uint64_t date_read(const struct condition_reader *reader, const struct document_node *node,
                          uint64_t fallback)
{
    int64_t days;
    if (node == NULL) {
        return fallback;
    }
    if (!civil_date_parse(&days, node->text)) {
        document_fault(reader->document, node,
                       "%s: expected a date as 2026-01-31, from 1970 to 2999, got \"%.40s\"",
                       node->key, node->text);
        return fallback;
    }
    int64_t midnight_us = days * CIVIL_DAY_US - reader->form->utc_offset_us;
    return midnight_us < 0 ? 0 : (uint64_t)midnight_us;
}

static enum status dates_read(const struct condition_reader *reader)
{
    const struct document_node *from = scalar_member(reader, "from");
    const struct document_node *until = scalar_member(reader, "until");
    if (from == NULL && until == NULL) {
        return STATUS_OK;
    }
    uint64_t begin = date_read(reader, from, 0);
    uint64_t end = date_read(reader, until, CONDITION_ABSENT);
    if (begin >= end) {
        document_fault(reader->document, until != NULL ? until : from,
                       "until: expected a later day than from");
        return STATUS_OK;
    }
    return range_set(reader, CONDITION_DATE, &(struct number_range){begin, end - 1});
}

/* "08:30", "24:00": minutes from midnight. */
static bool clock_parse(uint64_t *minutes, const char *text)
{
    uint64_t hour, minute;
    if (digits_parse(&hour, text, 2, (struct number_range){0, 24}) != STATUS_OK || text[2] != ':' ||
        digits_parse(&minute, text + 3, 2, (struct number_range){0, 59}) != STATUS_OK) {
        return false;
    }
    *minutes = hour * 60 + minute;
    return *minutes <= DAY_MINUTES;
}

/* "08:30-22:00", the end not included; one that ends before it begins goes past midnight. */
static bool hours_parse(struct number_range ranges[2], uint32_t *count, const char *text)
{
    uint64_t begin, end;
    if (strlen(text) != 11 || text[5] != '-' || !clock_parse(&begin, text) ||
        !clock_parse(&end, text + 6) || begin == end || begin == DAY_MINUTES) {
        return false;
    }
    *count = 0;
    if (begin < end) {
        ranges[(*count)++] = (struct number_range){begin, end - 1};
        return true;
    }
    ranges[(*count)++] = (struct number_range){begin, DAY_MINUTES - 1};
    if (end > 0) {
        ranges[(*count)++] = (struct number_range){0, end - 1};
    }
    return true;
}

static enum status hours_read(const struct condition_reader *reader,
                              const struct document_node *node)
{
    struct condition_numbers *numbers =
        &reader->condition->numbers[CONDITION_HOURS - CONDITION_NUMBERS_FIRST];
    uint32_t count;
    const struct document_node *value = values_of(reader, node, &count);
    if (value == NULL) {
        return STATUS_OK;
    }
    numbers->items = calloc((size_t)count * 2, sizeof(numbers->items[0]));
    if (numbers->items == NULL) {
        return STATUS_NO_MEMORY;
    }
    for (uint32_t i = 0; i < count; i++, value = value->next) {
        uint32_t added = 0;
        if (!hours_parse(&numbers->items[numbers->count], &added, value_text(value))) {
            document_fault(reader->document, value,
                           "hours: expected a time of the day as 08:30-22:00, got \"%.40s\"",
                           value_text(value));
            return STATUS_OK;
        }
        numbers->count += added;
    }
    numbers_settle(numbers);
    return STATUS_OK;
}

static enum status part_read(const struct condition_reader *reader, unsigned part)
{
    if (part == CONDITION_AMOUNT || part == CONDITION_MONTH) {
        static const char *const ENDS[][2] = {{"amount_min", "amount_max"},
                                              {"month_min", "month_max"}};
        return amounts_read(reader, part, ENDS[part == CONDITION_MONTH]);
    }
    if (part == CONDITION_DATE) {
        return dates_read(reader);
    }
    const char *key = condition_part_name((enum condition_part)part);
    const struct document_node *node = document_member(reader->rule, key);
    if (node == NULL) {
        return STATUS_OK;
    }
    reader->condition->stated |= CONDITION_BIT(part);
    if (part < CONDITION_NUMBERS_FIRST) {
        bits_read(reader, part, node);
        return STATUS_OK;
    }
    if (part == CONDITION_HOURS) {
        return hours_read(reader, node);
    }
    return part < CONDITION_NAMES_FIRST ? numbers_read(reader, part, node)
                                        : names_read(reader, part, node);
}

enum status condition_read(struct condition *condition, struct document *document,
                           const struct document_node *node, const struct condition_form *form)
{
    struct condition_reader reader = {condition, document, node, form};
    uint32_t faults = document_fault_count(document);
    *condition = (struct condition){0};
    for (unsigned part = 0; part < CONDITION_PART_COUNT; part++) {
        if ((form->parts & CONDITION_BIT(part)) != 0) {
            enum status status = part_read(&reader, part);
            if (status != STATUS_OK) {
                return status;
            }
        }
    }
    return document_fault_count(document) == faults ? STATUS_OK : STATUS_BAD_VALUE;
}

void condition_release(struct condition *condition)
{
    for (unsigned i = 0; i < CONDITION_NUMBERS_COUNT; i++) {
        free(condition->numbers[i].items);
    }
    for (unsigned i = 0; i < CONDITION_NAMES_COUNT; i++) {
        free(condition->names[i].items);
    }
    *condition = (struct condition){0};
}
