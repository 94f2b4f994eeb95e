/* Each terminal is found by its id, and no other id finds one. */
#include "tests/unit/unit_test.h"

#include <stdio.h>
#include <string.h>

#include "routing/terminal_table.h"

#define MANY 20000

static void test_each_id_finds_its_row(void **state)
{
    (void)state;
    struct terminal_table *table = terminal_table_create(MANY);
    char duplicate[9];
    for (uint32_t i = 0; i < MANY; i++) {
        struct terminal_row row = {.index = 77, .is_active = i % 2 == 0};
        snprintf(row.terminal_id, sizeof(row.terminal_id), "%08u", i * 7);
        assert_int_equal(terminal_table_add(table, &row), STATUS_OK);
    }
    assert_int_equal(terminal_table_freeze(table, duplicate), STATUS_OK);
    assert_int_equal(terminal_table_count(table), MANY);
    for (uint32_t i = 0; i < 7 * MANY; i++) {
        char id[9];
        snprintf(id, sizeof(id), "%08u", i);
        const struct terminal_row *row = terminal_table_find(table, id);
        if (i % 7 != 0) {
            assert_null(row);
            continue;
        }
        assert_non_null(row);
        assert_int_equal(row->index, i / 7);
        assert_ptr_equal(row, terminal_table_at(table, i / 7));
        assert_string_equal(row->terminal_id, id);
    }
    terminal_table_destroy(table);
}

static void test_ids_of_other_lengths_find_nothing(void **state)
{
    (void)state;
    struct terminal_table *table = terminal_table_create(1);
    char duplicate[9];
    struct terminal_row row = {.terminal_id = "1000000 "};
    assert_int_equal(terminal_table_add(table, &row), STATUS_OK);
    assert_int_equal(terminal_table_freeze(table, duplicate), STATUS_OK);
    assert_non_null(terminal_table_find(table, "1000000 "));
    assert_null(terminal_table_find(table, "1000000"));
    assert_null(terminal_table_find(table, "1000000 1"));
    assert_null(terminal_table_find(table, ""));
    terminal_table_destroy(table);
}

static void test_add_refuses_what_is_no_id(void **state)
{
    (void)state;
    static const char *const refused[] = {"1234567", "", "1234567\n", "1234567\x80"};
    struct terminal_table *table = terminal_table_create(1);
    for (size_t i = 0; i < COUNT_OF(refused); i++) {
        struct terminal_row row = {0};
        snprintf(row.terminal_id, sizeof(row.terminal_id), "%s", refused[i]);
        assert_int_equal(terminal_table_add(table, &row), STATUS_BAD_VALUE);
    }
    struct terminal_row row = {.terminal_id = "10000001"};
    assert_int_equal(terminal_table_add(table, &row), STATUS_OK);
    assert_int_equal(terminal_table_add(table, &row), STATUS_NO_ROOM);
    terminal_table_destroy(table);
}

static void test_freeze_names_the_duplicate(void **state)
{
    (void)state;
    struct terminal_table *table = terminal_table_create(3);
    char duplicate[9] = "";
    static const char *const ids[] = {"10000001", "10000002", "10000001"};
    for (size_t i = 0; i < COUNT_OF(ids); i++) {
        struct terminal_row row = {0};
        snprintf(row.terminal_id, sizeof(row.terminal_id), "%s", ids[i]);
        assert_int_equal(terminal_table_add(table, &row), STATUS_OK);
    }
    assert_int_equal(terminal_table_freeze(table, duplicate), STATUS_DUPLICATE);
    assert_string_equal(duplicate, "10000001");
    terminal_table_destroy(table);
}

static void test_a_bound_number_comes_with_its_row(void **state)
{
    (void)state;
    struct terminal_table *table = terminal_table_create(100);
    char duplicate[9];
    char id[9];
    uint32_t bound = 0;
    for (uint32_t i = 0; i < 100; i++) {
        struct terminal_row row = {0};
        snprintf(row.terminal_id, sizeof(row.terminal_id), "%08u", i);
        assert_int_equal(terminal_table_add(table, &row), STATUS_OK);
    }
    assert_int_equal(terminal_table_freeze(table, duplicate), STATUS_OK);
    for (uint32_t i = 0; i < 100; i++) {
        terminal_table_bind(table, i, 1000 + i);
    }
    for (uint32_t i = 0; i < 100; i++) {
        snprintf(id, sizeof(id), "%08u", i);
        assert_int_equal(terminal_table_find_bound(table, id, &bound)->index, i);
        assert_int_equal(bound, 1000 + i);
    }
    terminal_table_destroy(table);
}

static void test_find_before_freeze_is_our_bug(void **state)
{
    (void)state;
    struct terminal_table *table = terminal_table_create(1);
    expect_assert_failure(terminal_table_find(table, "10000001"));
    terminal_table_destroy(table);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_each_id_finds_its_row),
        cmocka_unit_test(test_ids_of_other_lengths_find_nothing),
        cmocka_unit_test(test_add_refuses_what_is_no_id),
        cmocka_unit_test(test_freeze_names_the_duplicate),
        cmocka_unit_test(test_a_bound_number_comes_with_its_row),
        cmocka_unit_test(test_find_before_freeze_is_our_bug),
    };
    return cmocka_run_group_tests_name("routing/terminal_table", tests, NULL, NULL);
}
