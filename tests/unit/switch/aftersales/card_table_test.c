/* Cards remembered: by their hash, the longest unused gives way. */
#include "switch/aftersales/card_table.h"

#include <string.h>

#include "tests/unit/unit_test.h"

#define SECOND_US INT64_C(1000000)

static struct pan_hash hash_of(uint32_t number)
{
    struct pan_hash hash = {{0}};
    memcpy(&hash, &number, sizeof(number));
    hash.bytes[sizeof(hash.bytes) - 1] = 1;
    return hash;
}

static void test_a_card_is_found_again_and_others_are_not_it(void **state)
{
    (void)state;
    struct card_table table;
    assert_true(card_table_create(&table, 64));
    struct pan_hash one = hash_of(1), other = hash_of(1 + 9); /* of the same set */
    card_table_use(&table, &one, SECOND_US)->day = 77;
    assert_int_equal(card_table_use(&table, &other, SECOND_US)->day, 0);
    assert_int_equal(card_table_use(&table, &one, 2 * SECOND_US)->day, 77);
    card_table_destroy(&table);
}

static void test_the_longest_unused_of_a_set_gives_way(void **state)
{
    (void)state;
    struct card_table table;
    assert_true(card_table_create(&table, 1));
    assert_int_equal(table.slot_count, CARD_SET_COUNT);
    for (uint32_t i = 0; i < CARD_SET_COUNT; i++) {
        struct pan_hash hash = hash_of(i);
        card_table_use(&table, &hash, (10 + i) * SECOND_US)->day = (uint16_t)(100 + i);
    }
    struct pan_hash first = hash_of(0), second = hash_of(1), newest = hash_of(99);
    assert_int_equal(card_table_use(&table, &first, 50 * SECOND_US)->day, 100);
    assert_int_equal(card_table_use(&table, &newest, 51 * SECOND_US)->day, 0);
    assert_int_equal(card_table_use(&table, &first, 52 * SECOND_US)->day, 100);
    assert_int_equal(card_table_use(&table, &second, 53 * SECOND_US)->day, 0);
    card_table_destroy(&table);
}

static void test_no_card_is_no_card(void **state)
{
    (void)state;
    struct card_table table;
    struct pan_hash none = {{0}};
    assert_true(card_table_create(&table, 0));
    assert_null(card_table_use(&table, &none, SECOND_US));
    card_table_destroy(&table);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_card_is_found_again_and_others_are_not_it),
        cmocka_unit_test(test_the_longest_unused_of_a_set_gives_way),
        cmocka_unit_test(test_no_card_is_no_card),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
