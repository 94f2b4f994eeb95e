/* Totals go into text and field 48 and come back the same. */
#include "tests/unit/unit_test.h"

#include <string.h>

#include "switch/engine/batch_totals.h"

static const struct batch_totals mixed = {.domestic_debit = {45000, 3},
                                          .domestic_credit = {-1, 1},
                                          .foreign_credit = {INT64_MAX, UINT32_MAX}};

static void test_text_comes_back(void **state)
{
    (void)state;
    char text[RECORD_TOTALS_SIZE];
    struct batch_totals read;
    batch_totals_format(text, &mixed);
    assert_string_equal(text, "45000 3 -1 1 0 0 9223372036854775807 4294967295");
    assert_int_equal(batch_totals_parse(&read, text), STATUS_OK);
    assert_true(batch_totals_are_equal(&read, &mixed));
}

static void test_zeros_at_the_end_are_left_out(void **state)
{
    (void)state;
    char text[RECORD_TOTALS_SIZE];
    struct batch_totals totals = {0}, read = mixed;
    batch_totals_format(text, &totals);
    assert_string_equal(text, "");
    assert_int_equal(batch_totals_parse(&read, text), STATUS_OK);
    assert_true(batch_totals_are_equal(&read, &totals));
    *batch_totals_sum(&totals, BATCH_DEBIT, false) = (struct batch_sum){100, 2};
    batch_totals_format(text, &totals);
    assert_string_equal(text, "100 2");
}

static void test_each_side_and_card_has_its_sum(void **state)
{
    (void)state;
    struct batch_totals totals = {0};
    assert_ptr_equal(batch_totals_sum(&totals, BATCH_DEBIT, false), &totals.domestic_debit);
    assert_ptr_equal(batch_totals_sum(&totals, BATCH_CREDIT, false), &totals.domestic_credit);
    assert_ptr_equal(batch_totals_sum(&totals, BATCH_DEBIT, true), &totals.foreign_debit);
    assert_ptr_equal(batch_totals_sum(&totals, BATCH_CREDIT, true), &totals.foreign_credit);
    assert_null(batch_totals_sum(&totals, BATCH_NEITHER, true));
}

static void test_other_text_is_refused(void **state)
{
    (void)state;
    static const char *const bad[] = {
        "x", "1  2", "1 -2", "-", "1 2 3 4 5 6 7 8 9", "9223372036854775808", "1 4294967296"};
    struct batch_totals read;
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        assert_int_equal(batch_totals_parse(&read, bad[i]), STATUS_MALFORMED);
    }
}

static void test_field_48_comes_back(void **state)
{
    (void)state;
    char digits[BATCH_FIELD_48_DIGITS + 1];
    struct batch_totals totals = {.domestic_debit = {45000, 3}, .foreign_credit = {7, 1}}, read;
    batch_totals_to_field_48(digits, &totals, BATCH_DIFFERENT);
    assert_string_equal(digits, "0000000450000030000000000000002"
                                "0000000000000000000000000070012");
    struct byte_view view = {(const uint8_t *)digits, BATCH_FIELD_48_DIGITS};
    assert_int_equal(batch_totals_from_field_48(&read, view), STATUS_OK);
    assert_true(batch_totals_are_equal(&read, &totals));
    digits[5] = 'A';
    assert_int_equal(batch_totals_from_field_48(&read, view), STATUS_MALFORMED);
    view.length--;
    assert_int_equal(batch_totals_from_field_48(&read, view), STATUS_MALFORMED);
}

static void test_more_than_field_48_holds_is_nines(void **state)
{
    (void)state;
    char digits[BATCH_FIELD_48_DIGITS + 1];
    struct batch_totals totals = {.domestic_debit = {INT64_MAX, 1000}};
    batch_totals_to_field_48(digits, &totals, BATCH_ASKED);
    assert_memory_equal(digits, "999999999999999", 15);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_text_comes_back),
        cmocka_unit_test(test_zeros_at_the_end_are_left_out),
        cmocka_unit_test(test_each_side_and_card_has_its_sum),
        cmocka_unit_test(test_other_text_is_refused),
        cmocka_unit_test(test_field_48_comes_back),
        cmocka_unit_test(test_more_than_field_48_holds_is_nines),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
