/* Sums of what was seen, and who was last at an address. */
#include "tests/unit/unit_test.h"

#include <stdio.h>
#include <string.h>

#include "switch/terminal/sighting_book.h"

static struct sighting_book book;
static struct address_book addresses;

static int set_up(void **state)
{
    (void)state;
    memset(&book, 0, sizeof(book));
    memset(&addresses, 0, sizeof(addresses));
    return 0;
}

static void test_a_sum_is_kept_for_each_terminal_and_reason(void **state)
{
    (void)state;
    struct terminal_sighting sighting;
    for (int i = 0; i < 5; i++) {
        assert_true(sighting_book_add(&book, "10000001", TXN_REASON_MAC_FAILED));
    }
    assert_true(sighting_book_add(&book, "10000002", TXN_REASON_MAC_FAILED));
    assert_true(sighting_book_add(&book, "10000001", TXN_REASON_MALFORMED));
    uint32_t mac_failed = 0, all = 0;
    while (sighting_book_take(&book, &sighting)) {
        all++;
        if (strcmp(sighting.terminal_id, "10000001") == 0 &&
            sighting.reason == TXN_REASON_MAC_FAILED) {
            mac_failed = sighting.count;
        }
    }
    assert_int_equal(all, 3);
    assert_int_equal(mac_failed, 5);
    assert_false(sighting_book_take(&book, &sighting));
}

static void test_strangers_share_one_entry(void **state)
{
    (void)state;
    struct terminal_sighting sighting;
    assert_true(sighting_book_add(&book, "90000001", TXN_REASON_STRANGER));
    assert_true(sighting_book_add(&book, "90000002", TXN_REASON_STRANGER));
    assert_true(sighting_book_take(&book, &sighting));
    assert_string_equal(sighting.terminal_id, "90000001");
    assert_int_equal(sighting.count, 2);
    assert_false(sighting_book_take(&book, &sighting));
}

/* Nobody waits behind those who come later. */
static void test_the_oldest_is_taken_first_and_those_that_stay_are_summed_on(void **state)
{
    (void)state;
    struct terminal_sighting sighting;
    assert_true(sighting_book_add(&book, "10000001", TXN_REASON_MAC_FAILED));
    assert_true(sighting_book_add(&book, "10000002", TXN_REASON_MAC_FAILED));
    assert_true(sighting_book_take(&book, &sighting));
    assert_string_equal(sighting.terminal_id, "10000001");
    assert_true(sighting_book_add(&book, "10000003", TXN_REASON_MAC_FAILED));
    assert_true(sighting_book_add(&book, "10000002", TXN_REASON_MAC_FAILED));
    assert_true(sighting_book_take(&book, &sighting));
    assert_string_equal(sighting.terminal_id, "10000002");
    assert_int_equal(sighting.count, 2);
    assert_true(sighting_book_take(&book, &sighting));
    assert_string_equal(sighting.terminal_id, "10000003");
    assert_false(sighting_book_take(&book, &sighting));
}

static void test_a_full_book_takes_no_new_name_but_counts_those_it_has(void **state)
{
    (void)state;
    char name[9];
    for (unsigned i = 0; i < SIGHTING_COUNT_MAX; i++) {
        snprintf(name, sizeof(name), "%08u", i);
        assert_true(sighting_book_add(&book, name, TXN_REASON_MALFORMED));
    }
    assert_false(sighting_book_add(&book, "10000001", TXN_REASON_MALFORMED));
    assert_int_equal(book.lost, 1);
    assert_true(sighting_book_add(&book, "00000000", TXN_REASON_MALFORMED));
    assert_int_equal(book.items[0].count, 2);
    book.items[0].count = UINT32_MAX;
    assert_true(sighting_book_add(&book, "00000000", TXN_REASON_MALFORMED));
    assert_int_equal(book.items[0].count, UINT32_MAX);
}

static void test_other_reasons_are_none_of_the_rims(void **state)
{
    (void)state;
    expect_assert_failure(sighting_book_add(&book, "10000001", TXN_REASON_NO_ANSWER));
}

static void test_an_address_names_the_terminal_that_came_from_there(void **state)
{
    (void)state;
    struct net_address one = {.bytes = {10, 0, 0, 1}, .port = 4000};
    struct net_address other = {.bytes = {10, 0, 0, 2}, .port = 4000};
    struct net_address six = {.bytes = {10, 0, 0, 1}, .port = 4000, .is_v6 = true};
    assert_null(address_book_find(&addresses, &one));
    address_book_tell(&addresses, &one, "10000001");
    one.port = 4001;
    assert_string_equal(address_book_find(&addresses, &one), "10000001");
    assert_null(address_book_find(&addresses, &other));
    assert_null(address_book_find(&addresses, &six));
    address_book_tell(&addresses, &one, "10000001");
    assert_string_equal(address_book_find(&addresses, &one), "10000001");
}

static void test_an_address_that_two_terminals_share_names_none(void **state)
{
    (void)state;
    struct net_address one = {.bytes = {10, 0, 0, 1}};
    address_book_tell(&addresses, &one, "10000001");
    address_book_tell(&addresses, &one, "10000002");
    assert_null(address_book_find(&addresses, &one));
    address_book_tell(&addresses, &one, "10000001");
    assert_null(address_book_find(&addresses, &one));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(test_a_sum_is_kept_for_each_terminal_and_reason, set_up),
        cmocka_unit_test_setup(test_strangers_share_one_entry, set_up),
        cmocka_unit_test_setup(test_the_oldest_is_taken_first_and_those_that_stay_are_summed_on,
                               set_up),
        cmocka_unit_test_setup(test_a_full_book_takes_no_new_name_but_counts_those_it_has, set_up),
        cmocka_unit_test_setup(test_other_reasons_are_none_of_the_rims, set_up),
        cmocka_unit_test_setup(test_an_address_names_the_terminal_that_came_from_there, set_up),
        cmocka_unit_test_setup(test_an_address_that_two_terminals_share_names_none, set_up),
    };
    return cmocka_run_group_tests_name("switch/terminal/sighting_book", tests, NULL, NULL);
}
