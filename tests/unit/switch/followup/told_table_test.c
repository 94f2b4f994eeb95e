/* Which effects were told, and when. */
#include "switch/followup/told_table.h"

#include "tests/unit/unit_test.h"

static void test_an_effect_is_remembered_until_it_is_forgotten(void **state)
{
    (void)state;
    struct told_table *table = told_table_create();
    assert_non_null(table);
    assert_true(told_table_last(table, 7) == TOLD_NEVER);
    told_table_forget(table, 7); /* never told: nothing happens */
    assert_true(told_table_note(table, 7, 100));
    assert_true(told_table_note(table, 7, 200));
    assert_true(told_table_note(table, UINT64_MAX, 0));
    assert_int_equal(told_table_count(table), 2);
    assert_int_equal(told_table_last(table, 7), 200);
    assert_int_equal(told_table_last(table, UINT64_MAX), 0);
    told_table_forget(table, 7);
    assert_true(told_table_last(table, 7) == TOLD_NEVER);
    assert_int_equal(told_table_count(table), 1);
    told_table_destroy(table);
    told_table_destroy(NULL);
}

static void test_it_says_when_it_is_full(void **state)
{
    (void)state;
    struct told_table *table = told_table_create();
    for (uint64_t i = 0; i < TOLD_COUNT_MAX; i++) {
        assert_false(told_table_is_full(table));
        assert_true(told_table_note(table, i, 1));
    }
    assert_true(told_table_is_full(table));
    told_table_forget(table, 5);
    assert_false(told_table_is_full(table));
    told_table_destroy(table);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_an_effect_is_remembered_until_it_is_forgotten),
        cmocka_unit_test(test_it_says_when_it_is_full),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
