/* Sums by name add up, rank by size, and what does not fit is joined into one. */
#include "tests/unit/unit_test.h"

#include <string.h>

#include "switch/admin/tally.h"

static void test_sums_begin_at_nothing_and_examples_end_at_their_limit(void **state)
{
    (void)state;
    json_t *tallies = json_object();
    json_t *tally = tally_of(tallies, "bank_a");
    assert_int_equal(tally_get(tally, "count"), 0);
    tally_add(tally, "count", 2);
    tally_add(tally, "count", -5);
    assert_int_equal(tally_get(tally_of(tallies, "bank_a"), "count"), -3);
    tally_example(tally, "one", 2);
    tally_example(tally, "two", 2);
    tally_example(tally, "three", 2);
    assert_int_equal(json_array_size(json_object_get(tally, "examples")), 2);
    assert_int_equal(json_object_size(tallies), 1);
    json_decref(tallies);
}

static void test_beyond_the_limit_there_are_others(void **state)
{
    (void)state;
    json_t *tallies = json_object();
    static const char *const names[] = {"a", "b", "c", "b", "d"};
    for (size_t i = 0; i < COUNT_OF(names); i++) {
        tally_add(tally_of_at_most(tallies, names[i], 2), "count", 1);
    }
    assert_int_equal(json_object_size(tallies), 3);
    assert_int_equal(tally_get(json_object_get(tallies, "b"), "count"), 2);
    assert_int_equal(tally_get(json_object_get(tallies, "others"), "count"), 2);
    json_decref(tallies);
}

static void test_the_largest_come_first_and_the_rest_is_one_sum(void **state)
{
    (void)state;
    static const struct {
        const char *name;
        int value;
    } rows[] = {{"small", 1}, {"down", -50}, {"up", 40}, {"tiny", 1}, {"none", 0}};
    json_t *tallies = json_object();
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        tally_add(tally_of(tallies, rows[i].name), "difference", rows[i].value);
        tally_add(tally_of(tallies, rows[i].name), "count", 1);
    }
    json_t *list = tally_list(tallies, "name", "difference", 3);
    static const char *const names[] = {"down", "up", "small", "others"};
    assert_int_equal(json_array_size(list), COUNT_OF(names));
    for (size_t i = 0; i < COUNT_OF(names); i++) {
        const json_t *item = json_array_get(list, i);
        assert_string_equal(json_string_value(json_object_get(item, "name")), names[i]);
    }
    const json_t *others = json_array_get(list, 3);
    assert_int_equal(tally_get(others, "count"), 2);
    assert_int_equal(tally_get(others, "difference"), 1);
    json_decref(list);
    json_decref(tallies);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_sums_begin_at_nothing_and_examples_end_at_their_limit),
        cmocka_unit_test(test_beyond_the_limit_there_are_others),
        cmocka_unit_test(test_the_largest_come_first_and_the_rest_is_one_sum),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
