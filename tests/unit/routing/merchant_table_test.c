/* Each merchant is found by its id, and no other id finds one. */
#include "tests/unit/unit_test.h"

#include <stdio.h>
#include <string.h>

#include "routing/merchant_table.h"

#define MANY 20000

static void test_each_id_finds_its_row(void **state)
{
    (void)state;
    struct merchant_table *table = merchant_table_create(MANY);
    char duplicate[16];
    for (uint32_t i = 0; i < MANY; i++) {
        struct merchant_row row = {.amount_max = i};
        snprintf(row.merchant_id, sizeof(row.merchant_id), "%u%s", i, i % 2 == 0 ? "" : "-shop");
        assert_int_equal(merchant_table_add(table, &row), STATUS_OK);
    }
    assert_int_equal(merchant_table_freeze(table, duplicate), STATUS_OK);
    for (uint32_t i = 0; i < MANY; i++) {
        char id[16];
        snprintf(id, sizeof(id), "%u%s", i, i % 2 == 0 ? "" : "-shop");
        const struct merchant_row *row = merchant_table_find(table, id);
        assert_non_null(row);
        assert_int_equal(row->amount_max, i);
        assert_int_equal(merchant_table_index(table, row), i);
        assert_ptr_equal(merchant_table_at(table, i), row);
        snprintf(id, sizeof(id), "%u%s", i, i % 2 == 0 ? "-shop" : "");
        assert_null(merchant_table_find(table, id));
    }
    merchant_table_destroy(table);
}

static void test_bytes_behind_the_id_do_not_count(void **state)
{
    (void)state;
    struct merchant_table *table = merchant_table_create(2);
    char duplicate[16] = "";
    struct merchant_row row = {.merchant_id = "12345\0leftovers"};
    assert_int_equal(merchant_table_add(table, &row), STATUS_OK);
    row = (struct merchant_row){.merchant_id = "12345"};
    assert_int_equal(merchant_table_add(table, &row), STATUS_OK);
    assert_int_equal(merchant_table_freeze(table, duplicate), STATUS_DUPLICATE);
    assert_string_equal(duplicate, "12345");
    merchant_table_destroy(table);
}

static void test_add_refuses_what_is_no_id(void **state)
{
    (void)state;
    struct merchant_table *table = merchant_table_create(1);
    struct merchant_row row = {.merchant_id = ""};
    assert_int_equal(merchant_table_add(table, &row), STATUS_BAD_VALUE);
    row = (struct merchant_row){.merchant_id = "a\tb"};
    assert_int_equal(merchant_table_add(table, &row), STATUS_BAD_VALUE);
    row = (struct merchant_row){.merchant_id = "898110058120001"};
    assert_int_equal(merchant_table_add(table, &row), STATUS_OK);
    assert_int_equal(merchant_table_add(table, &row), STATUS_NO_ROOM);
    merchant_table_destroy(table);
}

static void test_ids_too_long_find_nothing(void **state)
{
    (void)state;
    struct merchant_table *table = merchant_table_create(1);
    char duplicate[16];
    struct merchant_row row = {.merchant_id = "898110058120001"};
    assert_int_equal(merchant_table_add(table, &row), STATUS_OK);
    assert_int_equal(merchant_table_freeze(table, duplicate), STATUS_OK);
    assert_non_null(merchant_table_find(table, "898110058120001"));
    assert_null(merchant_table_find(table, "8981100581200011"));
    assert_null(merchant_table_find(table, ""));
    merchant_table_destroy(table);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_each_id_finds_its_row),
        cmocka_unit_test(test_bytes_behind_the_id_do_not_count),
        cmocka_unit_test(test_add_refuses_what_is_no_id),
        cmocka_unit_test(test_ids_too_long_find_nothing),
    };
    return cmocka_run_group_tests_name("routing/merchant_table", tests, NULL, NULL);
}
