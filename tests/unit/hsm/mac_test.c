/* MACs, check values and ciphers against known answers that are always at hand. */
#include "tests/unit/hsm/hsm_fixture.h"

#include "hsm/cmac.h"
#include "hsm/kcv.h"
#include "hsm/mac.h"

static struct block_cipher *cipher;

/* The bytes under the MAC of a sale, and its MACs under the keys of the same conversation. */
#define SALE                                                                                       \
    "0200302004C020C0981100000000000001234500000202100012376225000000000014D301220100000000000000" \
    "31"                                                                                           \
    "30303030303139383938333130303539393930303031313536F44513C235B43E1926000000000000000014220000" \
    "01"                                                                                           \
    "000500"
#define MAK_SINGLE "3E62D5A1F08C4B97"
#define MAK_DOUBLE "3E62D5A1F08C4B97517A2C0DE8F4B369"

static void test_the_four_rules_of_terminals(void **state)
{
    (void)state;
    uint8_t mac[8];
    struct fixture_bytes sale = bytes_of(SALE);
    struct clear_key single = key_of(KEY_TDES, MAK_SINGLE);
    struct clear_key both = key_of(KEY_TDES, MAK_DOUBLE);
    mac_unionpay_ecb(cipher, &single, view_of(&sale), mac);
    assert_memory_equal(mac, "D9E14C5C", 8);
    mac_algorithm_1(cipher, &single, MAC_PADDING_1, view_of(&sale), mac);
    assert_hex(mac, 8, "7B81FA5F5A18311E");
    mac_algorithm_3(cipher, &both, MAC_PADDING_1, view_of(&sale), mac);
    assert_hex(mac, 8, "AAAAF53B18FE7F54");
    mac_xor_tdes(cipher, &both, view_of(&sale), mac);
    assert_hex(mac, 8, "9B96FD9F04829F9E");
}

/* A double-length key of equal halves is a single-length key in every rule. */
static void test_equal_halves_are_single_des(void **state)
{
    (void)state;
    struct fixture_bytes sale = bytes_of(SALE);
    struct clear_key single = key_of(KEY_TDES, MAK_SINGLE);
    struct clear_key twice = key_of(KEY_TDES, MAK_SINGLE MAK_SINGLE);
    struct clear_key thrice = key_of(KEY_TDES, MAK_SINGLE MAK_SINGLE MAK_SINGLE);
    uint8_t macs[3][8];
    for (int padding = MAC_PADDING_1; padding <= MAC_PADDING_3; padding++) {
        mac_algorithm_1(cipher, &single, (enum mac_padding)padding, view_of(&sale), macs[0]);
        mac_algorithm_3(cipher, &twice, (enum mac_padding)padding, view_of(&sale), macs[1]);
        mac_algorithm_3(cipher, &thrice, (enum mac_padding)padding, view_of(&sale), macs[2]);
        assert_memory_equal(macs[0], macs[1], 8);
        assert_memory_equal(macs[0], macs[2], 8);
    }
}

static void test_paddings_differ_and_nothing_is_one_block(void **state)
{
    (void)state;
    uint8_t macs[4][8];
    static const uint8_t zeros[8];
    struct byte_view nothing = {zeros, 0};
    struct clear_key key = key_of(KEY_TDES, MAK_SINGLE);
    for (int padding = MAC_PADDING_1; padding <= MAC_PADDING_3; padding++) {
        mac_algorithm_1(cipher, &key, (enum mac_padding)padding, nothing, macs[padding]);
    }
    mac_algorithm_1(cipher, &key, MAC_PADDING_1, (struct byte_view){zeros, 8}, macs[0]);
    assert_memory_equal(macs[0], macs[MAC_PADDING_1], 8);
    assert_memory_not_equal(macs[1], macs[2], 8);
    assert_memory_not_equal(macs[1], macs[3], 8);
    assert_memory_not_equal(macs[2], macs[3], 8);
}

/* NIST SP 800-38B appendix D. */
static void test_cmac_of_the_standard(void **state)
{
    (void)state;
    static const struct {
        enum key_algorithm algorithm;
        const char *key, *bytes, *mac;
    } cases[] = {
        {KEY_AES, "2B7E151628AED2A6ABF7158809CF4F3C", "", "BB1D6929E95937287FA37D129B756746"},
        {KEY_AES, "2B7E151628AED2A6ABF7158809CF4F3C", "6BC1BEE22E409F96E93D7E117393172A",
         "070A16B46B4D4144F79BDD9DD04A287C"},
        {KEY_AES, "8E73B0F7DA0E6452C810F32B809079E562F8EAD2522C6B7B", "",
         "D17DDF46ADAACDE531CAC483DE7A9367"},
        {KEY_AES, "603DEB1015CA71BE2B73AEF0857D77811F352C073B6108D72D9810A30914DFF4", "",
         "028962F61B7BF89EFC6B551F4667D983"},
        {KEY_TDES, "0123456789ABCDEF23456789ABCDEF01456789ABCDEF0123", "", "7DB0D37DF936C550"},
    };
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        uint8_t mac[16];
        struct clear_key key = key_of(cases[i].algorithm, cases[i].key);
        struct fixture_bytes bytes = bytes_of(cases[i].bytes);
        cmac_compute(cipher, &key, view_of(&bytes), mac);
        assert_hex(mac, (uint32_t)strlen(cases[i].mac) / 2, cases[i].mac);
    }
}

static void test_cmac_in_parts_is_cmac_of_the_whole(void **state)
{
    (void)state;
    struct fixture_bytes bytes = {.length = 700};
    struct clear_key key = key_of(KEY_AES, "2B7E151628AED2A6ABF7158809CF4F3C");
    struct cmac cmac;
    uint8_t whole[16];
    uint8_t parts[16];
    for (uint32_t i = 0; i < bytes.length; i++) {
        bytes.bytes[i] = (uint8_t)(i * 7);
    }
    cmac_compute(cipher, &key, view_of(&bytes), whole);
    cmac_begin(&cmac, cipher, &key);
    for (uint32_t step = 1; step < 70; step++) {
        cmac_restart(&cmac);
        for (uint32_t at = 0; at < bytes.length; at += step) {
            uint32_t left = bytes.length - at;
            cmac_update(&cmac, bytes.bytes + at, left < step ? left : step);
        }
        cmac_final(&cmac, parts);
        assert_memory_equal(whole, parts, 16);
    }
    cmac_wipe(&cmac);
}

static void test_check_values(void **state)
{
    (void)state;
    static const struct {
        enum key_algorithm algorithm;
        const char *key, *kcv;
    } cases[] = {
        {KEY_TDES, "0123456789ABCDEFFEDCBA9876543210", "08D7B4FB"},
        {KEY_TDES, MAK_SINGLE, "2579028E"},
        {KEY_AES, "3F419E1CB7079442AA37474C2EFBF8B8", "08793E25AB"}, /* X9.143 8.1 */
    };
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        uint8_t kcv[KCV_BYTES_MAX];
        struct clear_key key = key_of(cases[i].algorithm, cases[i].key);
        uint32_t length = (uint32_t)strlen(cases[i].kcv) / 2;
        kcv_compute(cipher, &key, kcv, length);
        assert_hex(kcv, length, cases[i].kcv);
    }
}

static void test_programmer_errors_stop(void **state)
{
    (void)state;
    static uint8_t block[16];
    static const struct byte_view eight = {block, 8};
    static const struct byte_view seven = {block, 7};
    static struct clear_key aes;
    static struct clear_key single;
    aes = key_of(KEY_AES, "3F419E1CB7079442AA37474C2EFBF8B8");
    single = key_of(KEY_TDES, MAK_SINGLE);
    expect_assert_failure(mac_unionpay_ecb(cipher, &aes, eight, block));
    expect_assert_failure(mac_algorithm_3(cipher, &single, MAC_PADDING_1, eight, block));
    expect_assert_failure(kcv_compute(cipher, &single, block, 6));
    expect_assert_failure(block_cipher_ecb(cipher, &aes, BLOCK_CIPHER_ENCRYPT, block, 8));
    expect_assert_failure(clear_key_set(&single, KEY_TDES, seven));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_the_four_rules_of_terminals),
        cmocka_unit_test(test_equal_halves_are_single_des),
        cmocka_unit_test(test_paddings_differ_and_nothing_is_one_block),
        cmocka_unit_test(test_cmac_of_the_standard),
        cmocka_unit_test(test_cmac_in_parts_is_cmac_of_the_whole),
        cmocka_unit_test(test_check_values),
        cmocka_unit_test(test_programmer_errors_stop),
    };
    cipher = block_cipher_create();
    int failed = cmocka_run_group_tests_name("hsm/mac", tests, NULL, NULL);
    block_cipher_destroy(cipher);
    return failed;
}
