/* The simulators' cryptography against published values; a judge that errs judges nothing. */
#include "tests/unit/unit_test.h"

#include <string.h>

#include "loadtest/tdes.h"

static struct tdes_key key_of(const char *hex)
{
    struct tdes_key key = {.length = (uint8_t)(strlen(hex) / 2)};
    struct byte_writer writer;
    byte_writer_init(&writer, key.bytes, sizeof key.bytes);
    assert_int_equal(bytes_from_hex(&writer, hex, (uint32_t)strlen(hex)), STATUS_OK);
    return key;
}

static void assert_mac(enum tdes_mac algorithm, const char *key_hex, const char *bytes_hex,
                       const char *expected_hex)
{
    struct tdes *tdes = tdes_create();
    struct tdes_key key = key_of(key_hex);
    uint8_t bytes[64], mac[8];
    struct byte_writer writer;
    byte_writer_init(&writer, bytes, sizeof bytes);
    assert_int_equal(bytes_from_hex(&writer, bytes_hex, (uint32_t)strlen(bytes_hex)), STATUS_OK);
    tdes_mac(tdes, algorithm, &key, (struct byte_view){bytes, writer.position}, mac);
    if (algorithm == TDES_MAC_UNIONPAY_ECB) {
        assert_memory_equal(mac, expected_hex, 8);
    } else {
        char hex[17];
        bytes_to_hex(hex, mac, 8);
        assert_string_equal(hex, expected_hex);
    }
    tdes_destroy(tdes);
}

static void test_unionpay_mac_matches_published_values(void **state)
{
    (void)state;
    assert_mac(TDES_MAC_UNIONPAY_ECB, "2222222222222222", "1234567890ABCDEFABCDEF1234567890",
               "E267B6E2");
    assert_mac(TDES_MAC_UNIONPAY_ECB, "1515151515151515", "2020202020202020202020202020202020",
               "F6840E52");
    assert_mac(TDES_MAC_UNIONPAY_ECB, "17171717171717171919191919191919",
               "20202020202020202020202020202020202020", "AC379E72");
}

static void test_retail_mac_matches_published_values(void **state)
{
    (void)state;
    assert_mac(TDES_MAC_X9_19, "17171717171717171919191919191919", "2020202020202020",
               "E8786990BB5192D2");
    assert_mac(TDES_MAC_X9_19, "838652DF68A246046DAB6104583B201A", "303030303030303031",
               "2FE7118F2074398E");
}

static void test_pin_block_matches_the_worked_example(void **state)
{
    (void)state;
    struct tdes *tdes = tdes_create();
    struct tdes_key key = key_of("1C587F1C13924FEFA1B2C3D4E5F60718");
    uint8_t block[8];
    char hex[17], pin[TDES_PIN_DIGITS_MAX + 1];
    tdes_pin_seal(tdes, &key, "123456", "6225000000000014", block);
    bytes_to_hex(hex, block, 8);
    assert_string_equal(hex, "F44513C235B43E19");
    assert_int_equal(tdes_pin_open(tdes, &key, block, "6225000000000014", pin), STATUS_OK);
    assert_string_equal(pin, "123456");
    tdes_destroy(tdes);
}

static void test_a_block_under_another_key_is_no_pin(void **state)
{
    (void)state;
    struct tdes *tdes = tdes_create();
    struct tdes_key key = key_of("1C587F1C13924FEFA1B2C3D4E5F60718");
    struct tdes_key other = key_of("0123456789ABCDEFFEDCBA9876543210");
    uint8_t block[8];
    char pin[TDES_PIN_DIGITS_MAX + 1];
    tdes_pin_seal(tdes, &key, "1234", "6225000000000014", block);
    assert_int_equal(tdes_pin_open(tdes, &other, block, "6225000000000014", pin), STATUS_MALFORMED);
    tdes_destroy(tdes);
}

static void test_check_values_match_the_worked_sign_on(void **state)
{
    (void)state;
    static const struct {
        const char *key, *kcv;
    } cases[] = {{"1C587F1C13924FEFA1B2C3D4E5F60718", "5F8C1F9D"},
                 {"3E62D5A1F08C4B97", "2579028E"}};
    struct tdes *tdes = tdes_create();
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        struct tdes_key key = key_of(cases[i].key);
        uint8_t kcv[4];
        char hex[9];
        tdes_check_value(tdes, &key, kcv);
        bytes_to_hex(hex, kcv, 4);
        assert_string_equal(hex, cases[i].kcv);
    }
    tdes_destroy(tdes);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_unionpay_mac_matches_published_values),
        cmocka_unit_test(test_retail_mac_matches_published_values),
        cmocka_unit_test(test_pin_block_matches_the_worked_example),
        cmocka_unit_test(test_a_block_under_another_key_is_no_pin),
        cmocka_unit_test(test_check_values_match_the_worked_sign_on),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
