/* Channels get their indexes in order of adding, and each name once. */
#include "tests/unit/unit_test.h"

#include <stdio.h>

#include "routing/channel_table.h"

static void test_names_are_found_by_index(void **state)
{
    (void)state;
    struct channel_table *table = channel_table_create();
    for (uint8_t i = 0; i < CHANNEL_COUNT_MAX; i++) {
        struct channel_row row = {.kinds = i};
        snprintf(row.name, sizeof(row.name), "bank_%u", i);
        assert_int_equal(channel_table_add(table, &row), STATUS_OK);
        assert_int_equal(channel_table_find(table, row.name), i);
        assert_int_equal(channel_table_at(table, i)->kinds, i);
    }
    assert_int_equal(channel_table_count(table), CHANNEL_COUNT_MAX);
    assert_int_equal(channel_table_find(table, "bank_64"), -1);
    assert_int_equal(channel_table_add(table, &(struct channel_row){"more", 0, false}),
                     STATUS_NO_ROOM);
    channel_table_destroy(table);
}

static void test_bad_names_are_refused(void **state)
{
    (void)state;
    struct channel_table *table = channel_table_create();
    struct channel_row endless;
    for (unsigned i = 0; i < sizeof(endless.name); i++) {
        endless.name[i] = 'x';
    }
    assert_int_equal(channel_table_add(table, &(struct channel_row){"", 0, false}),
                     STATUS_BAD_VALUE);
    assert_int_equal(channel_table_add(table, &endless), STATUS_BAD_VALUE);
    assert_int_equal(channel_table_add(table, &(struct channel_row){"bank", 0, false}), STATUS_OK);
    assert_int_equal(channel_table_add(table, &(struct channel_row){"bank", 1, false}),
                     STATUS_DUPLICATE);
    assert_string_equal(channel_table_nearest(table, "bamk"), "bank");
    assert_null(channel_table_nearest(table, "alipay"));
    channel_table_destroy(table);
}

static void test_a_retired_channel_keeps_its_place_and_is_not_found(void **state)
{
    (void)state;
    struct channel_table *table = channel_table_create();
    assert_int_equal(channel_table_add(table, &(struct channel_row){.name = "bank_a", .kinds = 3}),
                     STATUS_OK);
    assert_int_equal(channel_table_add(table, &(struct channel_row){.name = "bank_b", .kinds = 3}),
                     STATUS_OK);
    channel_table_retire(table, 0);
    assert_true(channel_table_is_retired(table, 0));
    assert_false(channel_table_is_retired(table, 1));
    assert_int_equal(channel_table_find(table, "bank_a"), -1);
    assert_int_equal(channel_table_find(table, "bank_b"), 1);
    assert_int_equal(channel_table_count(table), 2);
    assert_string_equal(channel_table_at(table, 0)->name, "bank_a");
    assert_int_equal(channel_table_at(table, 0)->kinds, 0);
    assert_string_equal(channel_table_nearest(table, "bank_a"), "bank_b");
    channel_table_destroy(table);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_names_are_found_by_index),
        cmocka_unit_test(test_bad_names_are_refused),
        cmocka_unit_test(test_a_retired_channel_keeps_its_place_and_is_not_found),
    };
    return cmocka_run_group_tests_name("routing/channel_table", tests, NULL, NULL);
}
