/* Fleet and cards: drawn twice, the same twice, and of the form the field wants. */
#include "tests/unit/unit_test.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "loadtest/card.h"
#include "loadtest/fleet.h"

static void test_one_seed_draws_the_same_keys(void **state)
{
    (void)state;
    struct fleet fleet = {10, 2, 42};
    struct fleet other = {10, 2, 43};
    struct tdes_key first, again, foreign;
    fleet_tdes_key(&fleet, "term:10000000:tmk", &first);
    fleet_tdes_key(&fleet, "term:10000000:tmk", &again);
    fleet_tdes_key(&other, "term:10000000:tmk", &foreign);
    assert_memory_equal(first.bytes, again.bytes, 16);
    assert_memory_not_equal(first.bytes, foreign.bytes, 16);
    for (unsigned i = 0; i < 16; i++) {
        assert_int_equal(__builtin_popcount(first.bytes[i]) % 2, 1);
    }
}

static void test_each_terminal_has_a_serial_of_its_own_and_stands_at_its_shop(void **state)
{
    (void)state;
    struct fleet fleet = {100, 10, 42};
    struct pos_device first, again, neighbour, other;
    fleet_device(&fleet, 3, &first);
    fleet_device(&fleet, 3, &again);
    fleet_device(&fleet, 13, &neighbour); /* of the same merchant */
    fleet_device(&fleet, 4, &other);
    assert_string_equal(first.serial, again.serial);
    assert_int_equal(first.latitude_e6, again.latitude_e6);
    assert_int_equal(strlen(first.serial), 16);
    assert_in_range(strlen(first.firmware), 1, 8);
    assert_string_not_equal(first.serial, neighbour.serial);
    assert_in_range(abs(first.latitude_e6 - neighbour.latitude_e6), 0, 199);
    assert_in_range(abs(first.longitude_e6 - neighbour.longitude_e6), 0, 199);
    assert_true(abs(first.latitude_e6 - other.latitude_e6) > 1000);
}

static void test_ids_have_the_length_of_their_fields(void **state)
{
    (void)state;
    char terminal[9], merchant[16];
    fleet_terminal_id(FLEET_TERMINAL_COUNT_MAX - 1, terminal);
    assert_string_equal(terminal, "10999999");
    fleet_merchant_id(0, merchant);
    assert_string_equal(merchant, "898290054110000");
    fleet_merchant_id(FLEET_MERCHANT_COUNT_MAX - 1, merchant);
    assert_int_equal(strlen(merchant), 15);
}

static void test_cards_are_in_range_and_end_with_their_check_digit(void **state)
{
    (void)state;
    struct card_ranges ranges;
    card_ranges_fallback(&ranges);
    for (uint64_t i = 0; i < 500; i++) {
        struct card card;
        struct pan pan;
        card_make(&card, &ranges, i);
        assert_int_equal(pan_parse(&pan, card.pan, strlen(card.pan)), STATUS_OK);
        assert_true(pan_has_luhn(&pan));
        assert_true(strncmp(card.pan, "622500", 6) == 0 || strncmp(card.pan, "621700", 6) == 0);
        assert_memory_equal(card.track2, card.pan, strlen(card.pan));
        assert_true(strlen(card.pin) == 4 || strlen(card.pin) == 6);
    }
}

static void test_the_pin_follows_the_written_rule(void **state)
{
    (void)state;
    /* SHA-256("tillway-pin:6225000000000014") was taken with sha256sum and reduced by hand. */
    char pin[CARD_PIN_SIZE];
    card_pin("6225000000000014", pin);
    assert_string_equal(pin, "208494");
}

static void test_ranges_come_from_the_bin_table(void **state)
{
    (void)state;
    char path[] = "/tmp/tillway-bins-XXXXXX";
    int descriptor = mkstemp(path);
    assert_true(descriptor >= 0);
    FILE *file = fdopen(descriptor, "w");
    fputs("issuer,prefix,pan_digits\n1,622848,19\n2,41,\n3,notdigits,16\n", file);
    fclose(file);
    struct card_ranges ranges;
    assert_int_equal(card_ranges_load(&ranges, path), STATUS_OK);
    remove(path);
    assert_int_equal(ranges.count, 2);
    assert_string_equal(ranges.items[0].prefix, "622848");
    assert_int_equal(ranges.items[0].pan_digits, 19);
    assert_int_equal(ranges.items[1].pan_digits, 16);
    assert_int_equal(card_ranges_load(&ranges, "/nonexistent/bins.csv"), STATUS_BROKEN);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_one_seed_draws_the_same_keys),
        cmocka_unit_test(test_each_terminal_has_a_serial_of_its_own_and_stands_at_its_shop),
        cmocka_unit_test(test_ids_have_the_length_of_their_fields),
        cmocka_unit_test(test_cards_are_in_range_and_end_with_their_check_digit),
        cmocka_unit_test(test_the_pin_follows_the_written_rule),
        cmocka_unit_test(test_ranges_come_from_the_bin_table),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
