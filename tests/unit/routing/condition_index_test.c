/* The index of conditions finds what a walk over them finds, however many there are: conditions and
 * facts drawn at random, with counts around the borders of words, chunks and cache lines. */
#include "tests/unit/unit_test.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "routing/condition_index.h"

#define FACTS_COUNT 400
#define VALUE_MAX 40 /* few, so that facts meet conditions */
#define NAME_COUNT 32
#define RANGE_COUNT 2
#define LIST_COUNT 3

static uint64_t draw(uint64_t below)
{
    static uint64_t state = 88172645463325252u;
    state ^= state << 13;
    state ^= state >> 7;
    state ^= state << 17;
    return (state >> 11) % below;
}

/* Of every length, and many that begin or end alike. */
static void name_of(char name[2 * CONDITION_NAME_SIZE], uint64_t number)
{
    static const char LETTERS[] = "aaaaaaaaaaaaaaaab";
    uint64_t length = 1 + number % (CONDITION_NAME_SIZE - 1);
    memset(name, 0, 2 * CONDITION_NAME_SIZE);
    memcpy(name, LETTERS + sizeof(LETTERS) - 1 - length - number % 2, length);
}

static int name_compare(const void *left, const void *right)
{
    return strcmp(left, right);
}

struct row {
    uint32_t line; /* conditions stand in rows of something else */
    struct condition condition;
    struct number_range ranges[CONDITION_NUMBERS_COUNT][RANGE_COUNT];
    char names[CONDITION_NAMES_COUNT][LIST_COUNT][CONDITION_NAME_SIZE];
};

static void state_numbers(struct row *row, unsigned number)
{
    struct number_range *ranges = row->ranges[number];
    uint64_t first = draw(VALUE_MAX / 2), second = VALUE_MAX / 2 + 1 + draw(VALUE_MAX / 2);
    ranges[0] = (struct number_range){first, first + draw(VALUE_MAX / 2 - first)};
    ranges[1] = (struct number_range){second, draw(4) == 0 ? UINT64_MAX : second + draw(9)};
    row->condition.numbers[number] = (struct condition_numbers){ranges, 1 + (uint32_t)draw(2)};
}

static void state_names(struct row *row, unsigned part)
{
    for (unsigned i = 0; i < LIST_COUNT; i++) {
        char name[2 * CONDITION_NAME_SIZE];
        name_of(name, draw(NAME_COUNT));
        memcpy(row->names[part][i], name, CONDITION_NAME_SIZE);
    }
    qsort(row->names[part], LIST_COUNT, CONDITION_NAME_SIZE, name_compare);
    row->condition.names[part] = (struct condition_names){row->names[part], LIST_COUNT};
}

/* One or two parts of some; the last condition of all may state none. */
static void row_fill(struct row *row, bool is_open)
{
    *row = (struct row){.line = 1};
    for (unsigned i = 0; i < 2 && !is_open; i++) {
        unsigned part = (unsigned)draw(CONDITION_PART_COUNT);
        row->condition.stated |= CONDITION_BIT(part);
        if (part < CONDITION_NUMBERS_FIRST) {
            row->condition.bits[part] = UINT64_C(1) << draw(64) | UINT64_C(1) << draw(4);
        } else if (part < CONDITION_NAMES_FIRST) {
            state_numbers(row, part - CONDITION_NUMBERS_FIRST);
        } else {
            state_names(row, part - CONDITION_NAMES_FIRST);
        }
    }
}

struct facts {
    struct condition_facts facts;
    char names[CONDITION_NAMES_COUNT][2 * CONDITION_NAME_SIZE];
};

static void facts_fill(struct facts *facts)
{
    for (unsigned i = 0; i < CONDITION_BITS_COUNT; i++) {
        facts->facts.bits[i] =
            draw(8) == 0 ? 0 : UINT64_C(1) << (draw(4) == 0 ? draw(64) : draw(4));
    }
    for (unsigned i = 0; i < CONDITION_NUMBERS_COUNT; i++) {
        facts->facts.numbers[i] = draw(8) == 0 ? CONDITION_ABSENT : draw(VALUE_MAX + 10);
    }
    for (unsigned i = 0; i < CONDITION_NAMES_COUNT; i++) {
        name_of(facts->names[i], draw(NAME_COUNT));
        if (draw(8) == 0) {
            facts->names[i][0] = '\0';
        } else if (draw(8) == 0) { /* longer than any that is listed, and as one of them begins */
            memcpy(facts->names[i], "aaaaaaaaaaaaaaaab", 18);
        }
        facts->facts.names[i] = draw(8) == 0 ? NULL : facts->names[i];
    }
}

static uint32_t walk(const struct row *rows, uint32_t count, const struct condition_facts *facts)
{
    for (uint32_t i = 0; i < count; i++) {
        if (condition_matches(&rows[i].condition, facts)) {
            return i;
        }
    }
    return CONDITION_INDEX_NONE;
}

static void check_count(uint32_t count, bool is_open_at_the_end)
{
    struct row *rows = calloc(count, sizeof(rows[0]));
    uint32_t found_count = 0;
    assert_non_null(rows);
    for (uint32_t i = 0; i < count; i++) {
        row_fill(&rows[i], is_open_at_the_end && i + 1 == count);
    }
    struct condition_index *index =
        condition_index_create(&rows[0].condition, count, sizeof(rows[0]));
    assert_non_null(index);
    for (uint32_t i = 0; i < FACTS_COUNT; i++) {
        struct facts facts = {.names = {{0}}};
        facts_fill(&facts);
        uint32_t expected = walk(rows, count, &facts.facts);
        assert_int_equal(condition_index_first(index, &facts.facts), expected);
        found_count += expected != CONDITION_INDEX_NONE;
    }
    assert_true(found_count > 0 || count < 60);
    condition_index_destroy(index);
    free(rows);
}

static void test_the_index_finds_what_a_walk_finds(void **state)
{
    (void)state;
    static const uint32_t COUNTS[] = {1,   2,   63,  64,  65,  127, 128, 191,
                                      192, 255, 256, 257, 319, 511, 512, 600};
    for (size_t i = 0; i < sizeof(COUNTS) / sizeof(COUNTS[0]); i++) {
        check_count(COUNTS[i], false);
        check_count(COUNTS[i], true);
    }
}

/* No part is stated at all: the first fits, and there is nothing to look up. */
static void test_conditions_that_state_nothing_fit_everything(void **state)
{
    (void)state;
    static const uint32_t COUNTS[] = {1, 64, 300};
    for (size_t i = 0; i < sizeof(COUNTS) / sizeof(COUNTS[0]); i++) {
        struct condition *conditions = calloc(COUNTS[i], sizeof(conditions[0]));
        const struct condition_facts facts = {.bits = {0}};
        struct condition_index *index =
            condition_index_create(conditions, COUNTS[i], sizeof(conditions[0]));
        assert_non_null(index);
        assert_int_equal(condition_index_first(index, &facts), 0);
        condition_index_destroy(index);
        free(conditions);
    }
}

/* What lies deep in a long list is found although nothing above it fits. */
static void test_each_of_many_is_found(void **state)
{
    (void)state;
    static struct row rows[1000];
    struct condition_facts facts = {.bits = {0}};
    for (uint32_t i = 0; i < 1000; i++) {
        rows[i].ranges[0][0] = (struct number_range){i, i};
        rows[i].condition.stated = CONDITION_BIT(CONDITION_AMOUNT);
        rows[i].condition.numbers[0] = (struct condition_numbers){rows[i].ranges[0], 1};
    }
    struct condition_index *index =
        condition_index_create(&rows[0].condition, 1000, sizeof(rows[0]));
    assert_non_null(index);
    for (uint32_t i = 0; i <= 1000; i++) {
        facts.numbers[CONDITION_AMOUNT - CONDITION_NUMBERS_FIRST] = i;
        assert_int_equal(condition_index_first(index, &facts), i < 1000 ? i : CONDITION_INDEX_NONE);
    }
    condition_index_destroy(index);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_the_index_finds_what_a_walk_finds),
        cmocka_unit_test(test_conditions_that_state_nothing_fit_everything),
        cmocka_unit_test(test_each_of_many_is_found),
    };
    return cmocka_run_group_tests_name("routing/condition_index", tests, NULL, NULL);
}
