/* Key blocks: what is not one is refused before a key is touched, and nothing shows before the MAC
 * holds. The blocks are made here, from the primitives, under well-known test keys. */
#include "tests/unit/hsm/hsm_fixture.h"

#include <stdio.h>

#include "hsm/cmac.h"
#include "hsm/key_block.h"
#include "hsm/mac.h"

#define KBPK_AES "000102030405060708090A0B0C0D0E0F101112131415161718191A1B1C1D1E1F"
#define KBPK_TDES "0123456789ABCDEFFEDCBA9876543210"

static struct block_cipher *cipher;

struct block_text {
    char text[1024];
};

/* Makes a block of any version around any payload. `header` lacks nothing but its right length. */
static struct block_text made_block(const char *header, const char *payload_hex)
{
    struct block_text block;
    struct key_block_keys keys;
    uint8_t covered[1024];
    uint8_t mac[16];
    bool is_d = header[0] == 'D';
    bool is_bound = is_d || header[0] == 'B'; /* MAC over the clear payload */
    uint32_t mac_length = is_d ? 16 : header[0] == 'B' ? 8 : 4;
    struct fixture_bytes payload = bytes_of(payload_hex);
    struct clear_key kbpk = key_of(is_d ? KEY_AES : KEY_TDES, is_d ? KBPK_AES : KBPK_TDES);
    uint32_t header_length = (uint32_t)strlen(header);
    snprintf(block.text, sizeof(block.text), "%c%04u%s", header[0],
             header_length + 2 * (payload.length + mac_length), header + 5);
    key_block_derive(cipher, &kbpk, header[0], &keys);
    memcpy(covered, block.text, header_length);
    if (is_bound) {
        memcpy(covered + header_length, payload.bytes, payload.length);
        cmac_compute(cipher, &keys.authenticate,
                     (struct byte_view){covered, header_length + payload.length}, mac);
    }
    EVP_CIPHER_CTX *chain = block_cipher_cbc(cipher, &keys.encipher, BLOCK_CIPHER_ENCRYPT,
                                             is_bound ? mac : (const uint8_t *)block.text);
    block_cipher_chain(chain, payload.bytes, payload.bytes, payload.length);
    if (!is_bound) {
        memcpy(covered + header_length, payload.bytes, payload.length);
        mac_algorithm_1(cipher, &keys.authenticate, MAC_PADDING_1,
                        (struct byte_view){covered, header_length + payload.length}, mac);
    }
    bytes_to_hex(block.text + header_length, payload.bytes, payload.length);
    bytes_to_hex(block.text + strlen(block.text), mac, mac_length);
    return block;
}

static enum hsm_answer unwrap(const struct block_text *block, struct key_block_header *header,
                              struct clear_key *key)
{
    bool is_d = block->text[0] == 'D';
    struct clear_key kbpk = key_of(is_d ? KEY_AES : KEY_TDES, is_d ? KBPK_AES : KBPK_TDES);
    uint32_t length = (uint32_t)strlen(block->text);
    return key_block_unwrap(cipher, &kbpk, (struct byte_view){(const uint8_t *)block->text, length},
                            header, key);
}

static enum hsm_answer unwrap_answer(const struct block_text *block)
{
    struct key_block_header header;
    struct clear_key key;
    return unwrap(block, &header, &key);
}

#define TDES_PAYLOAD "0080" KBPK_TDES "AABBCCDDEEFF" /* 24 bytes */
#define LONG_PAYLOAD TDES_PAYLOAD "0102030405060708" /* 32 bytes */

static void test_versions_a_to_d_are_read(void **state)
{
    (void)state;
    static const char *const headers[] = {"A0000P0TE00N0000", "B0000P0TE00N0000",
                                          "C0000P0TE00N0000", "D0000P0TE00N0000"};
    for (size_t i = 0; i < COUNT_OF(headers); i++) {
        bool is_d = headers[i][0] == 'D';
        struct block_text block = made_block(headers[i], is_d ? LONG_PAYLOAD : TDES_PAYLOAD);
        struct key_block_header header;
        struct clear_key key;
        assert_int_equal(unwrap(&block, &header, &key), HSM_DONE);
        assert_hex(key.bytes, key.length, KBPK_TDES);
        assert_string_equal(header.usage, "P0");
        assert_int_equal(header.mode, 'E');
        assert_int_equal(header.exportability, 'N');
        /* One changed bit anywhere in the body: no key. */
        for (size_t at = 16; at < strlen(block.text); at++) {
            struct block_text bad = block;
            bad.text[at] = bad.text[at] == '0' ? '1' : '0';
            assert_int_equal(unwrap_answer(&bad), HSM_KEY_UNAUTHENTIC);
        }
    }
}

static void test_optional_blocks_are_stepped_over(void **state)
{
    (void)state;
    struct key_block_header header;
    struct clear_key key;
    struct block_text block =
        made_block("D0000P0TE00N0300LB07abcKS0004000CabPB0D000000000", LONG_PAYLOAD);
    assert_int_equal(unwrap(&block, &header, &key), HSM_DONE);
    assert_string_equal(header.label, "abc");
}

static void test_headers_that_do_not_add_up_are_refused(void **state)
{
    (void)state;
    static const char *const headers[] = {
        "D0000P0TE00N0100",                 /* an optional block announced, none there */
        "D0000P0TE00N0100LB",               /* half of one */
        "D0000P0TE00N0100LB03000000000000", /* shorter than its own head */
        "D0000P0TE00N0100LB99000000000000", /* longer than what is there */
        "D0000P0TE00N0100LBzz000000000000", /* no hex */
        "D0000P0TE00N0100LB00zz0000000000", /* extended, no hex */
        "D0000P0TE00N0100LB00000000000000", /* extended, no digits */
        "D0000P0TE00N0100LB000800000000AA", /* extended, more digits than a length has */
        "D0000P0TE00N1700",                 /* more optional blocks than we read */
        "D0000P0TE00Nxx00",                 /* no number */
        "D0000P0TE00N0200LB08abcdLB08abcd", /* two labels */
        "D0000P0TE00N0100LB2Cabcdefghabcdefghabcdefghabcdefghabcdefgh0000", /* a label too long */
        "D0000P0TE00N0100LB09abcde", /* not a whole cipher block */
        "E0000P0TE00N0000",          /* another version */
    };
    for (size_t i = 0; i < COUNT_OF(headers); i++) {
        struct block_text block;
        char header[128];
        snprintf(header, sizeof(header), "%s", headers[i]);
        bool is_e = header[0] == 'E';
        header[0] = 'D';
        block = made_block(header, LONG_PAYLOAD);
        block.text[0] = is_e ? 'E' : 'D';
        if (unwrap_answer(&block) != HSM_KEY_UNAUTHENTIC) {
            fail_msg("taken: %s", headers[i]);
        }
    }
}

static void test_lengths_that_lie_are_refused(void **state)
{
    (void)state;
    struct block_text good = made_block("D0000P0TE00N0000", LONG_PAYLOAD);
    struct block_text bad = good;
    assert_int_equal(unwrap_answer(&good), HSM_DONE);
    bad.text[4]++;
    assert_int_equal(unwrap_answer(&bad), HSM_KEY_UNAUTHENTIC);
    bad = good;
    bad.text[1] = 'x';
    assert_int_equal(unwrap_answer(&bad), HSM_KEY_UNAUTHENTIC);
    snprintf(bad.text, sizeof(bad.text), "D0012P0TE00N");
    assert_int_equal(unwrap_answer(&bad), HSM_KEY_UNAUTHENTIC);
    snprintf(bad.text, sizeof(bad.text), "D0016P0TE00N0000"); /* nothing behind the header */
    assert_int_equal(unwrap_answer(&bad), HSM_KEY_UNAUTHENTIC);
    snprintf(bad.text, sizeof(bad.text), "D0052P0TE00N0000%036d", 0); /* half a block */
    assert_int_equal(unwrap_answer(&bad), HSM_KEY_UNAUTHENTIC);
}

static void test_authentic_payloads_may_still_be_no_key(void **state)
{
    (void)state;
    static const struct {
        const char *header, *payload;
        enum hsm_answer answer;
    } cases[] = {
        {"D0000P0TE00N0000", "0081" KBPK_TDES "AABBCCDDEEFF0102030405060708", HSM_KEY_UNAUTHENTIC},
        {"D0000P0TE00N0000", "0088" KBPK_TDES "AABBCCDDEEFF0102030405060708", HSM_KEY_UNAUTHENTIC},
        {"D0000P0TE00N0000", "0200" KBPK_TDES "AABBCCDDEEFF0102030405060708", HSM_KEY_UNAUTHENTIC},
        {"D0000S0RE00N0000", LONG_PAYLOAD, HSM_KEY_USAGE},
        {"D0000M1DC00N0000", "00400123456789ABCDEFAABBCCDDEEFF", HSM_DONE},
        {"D0000M7HC00N0000", LONG_PAYLOAD, HSM_DONE},
        {"D0000D0AB00N0000", LONG_PAYLOAD, HSM_DONE},
    };
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        struct block_text block = made_block(cases[i].header, cases[i].payload);
        assert_int_equal(unwrap_answer(&block), cases[i].answer);
    }
}

static void test_a_protection_key_must_fit_the_version(void **state)
{
    (void)state;
    struct key_block_header header;
    struct clear_key key;
    struct block_text block = made_block("D0000P0TE00N0000", LONG_PAYLOAD);
    struct clear_key kbpk = key_of(KEY_TDES, KBPK_TDES);
    struct byte_view text = {(uint8_t *)block.text, (uint32_t)strlen(block.text)};
    assert_int_equal(key_block_unwrap(cipher, &kbpk, text, &header, &key), HSM_KEY_USAGE);
    kbpk = key_of(KEY_TDES, "0123456789ABCDEF");
    block = made_block("B0000P0TE00N0000", TDES_PAYLOAD);
    text.length = (uint32_t)strlen(block.text);
    assert_int_equal(key_block_unwrap(cipher, &kbpk, text, &header, &key), HSM_KEY_USAGE);
}

/* Blocks under our master key that another maker wrote. */
static void test_records_of_other_makers_load_when_they_are_right(void **state)
{
    (void)state;
    static const struct {
        const char *header, *payload;
        enum hsm_answer answer;
    } cases[] = {
        {"D0000M1TC12S0200LB05kPB0B1234567", LONG_PAYLOAD, HSM_DONE},
        {"D0000M1TC12S0200PB0B1234567LB05k", LONG_PAYLOAD, HSM_DONE},
        {"D0000M1TC12S0200PB0B1234567LB05x", LONG_PAYLOAD, HSM_KEY_UNAUTHENTIC}, /* a label */
        {"D0000M1TC12S0000", LONG_PAYLOAD, HSM_KEY_UNAUTHENTIC},                 /* no label */
        {"D0000M1RC12S0200PB0B1234567LB05k", LONG_PAYLOAD, HSM_KEY_USAGE},
        {"D0000M3TC12S0200PB0B1234567LB05k", LONG_PAYLOAD, HSM_KEY_USAGE},
        {"D0000M1TC12S0200PB0B1234567LB05k", LONG_PAYLOAD LONG_PAYLOAD, HSM_KEY_UNAUTHENTIC},
        {"B0000M1TC12S0200PB0B1234567LB05k", TDES_PAYLOAD, HSM_KEY_UNAUTHENTIC},
    };
    struct fixture_bytes master = bytes_of(KBPK_AES);
    const struct hsm_setup setup = {.master_key = master.bytes, .key_count_max = 4};
    struct hsm *hsm = hsm_soft_create(&setup);
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        struct hsm_key_record record = {.name = "k"};
        struct hsm_key_handle handle;
        struct block_text block = made_block(cases[i].header, cases[i].payload);
        snprintf(record.block, sizeof(record.block), "%.255s", block.text);
        assert_int_equal(hsm_key_load(hsm, &record, HSM_KEY_MAC, &handle), cases[i].answer);
        if (cases[i].answer == HSM_DONE) {
            uint8_t kcv[3];
            assert_int_equal(hsm_key_check(hsm, handle, kcv, 3), HSM_DONE);
            assert_hex(kcv, 3, "08D7B4");
        }
    }
    hsm_destroy(hsm);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_versions_a_to_d_are_read),
        cmocka_unit_test(test_optional_blocks_are_stepped_over),
        cmocka_unit_test(test_headers_that_do_not_add_up_are_refused),
        cmocka_unit_test(test_lengths_that_lie_are_refused),
        cmocka_unit_test(test_authentic_payloads_may_still_be_no_key),
        cmocka_unit_test(test_a_protection_key_must_fit_the_version),
        cmocka_unit_test(test_records_of_other_makers_load_when_they_are_right),
    };
    cipher = block_cipher_create();
    int failed = cmocka_run_group_tests_name("hsm/key_block", tests, NULL, NULL);
    block_cipher_destroy(cipher);
    return failed;
}
