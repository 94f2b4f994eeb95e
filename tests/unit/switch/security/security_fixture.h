/* A lab security with a few keys loaded, wrapped under the test master key. */
#pragma once

#include "tests/unit/unit_test.h"

#include <string.h>

#include "hsm/block_cipher.h"
#include "hsm/hsm.h"
#include "switch/security/key_set.h"
#include "switch/security/security.h"

/* Well-known test keys with odd parity. */
#define TEST_TMK "0123456789ABCDEFFEDCBA9876543210"
#define TEST_ZPK "1C587F1C13924FEFA1B3C2D5E5F70719"
#define TEST_ZAK "3E62D5A1F18C4A97517A2C0DE9F4B368"
#define TEST_WIDE "000102030405060708090A0B0C0D0E0F101112131415161718191A1B1C1D1E1F"

#define TEST_ZMK TEST_TMK

struct wrapped_key {
    struct hsm_key_record record;
    const char *kind;
};

static inline struct wrapped_key wrapped_key(const char *name, enum hsm_key_kind kind,
                                             const char *hex)
{
    static const uint8_t random[32] = {4};
    struct wrapped_key key = {.kind = hsm_key_kind_name(kind)};
    uint8_t clear[32];
    struct byte_writer writer;
    const struct hsm_setup setup = {.master_key = HSM_TEST_MASTER_KEY,
                                    .is_test_master_key = true,
                                    .pin_policy = HSM_PIN_LAB,
                                    .key_count_max = 1};
    struct hsm *hsm = hsm_soft_create(&setup);
    assert_non_null(hsm);
    byte_writer_init(&writer, clear, sizeof(clear));
    assert_int_equal(bytes_from_hex(&writer, hex, (uint32_t)strlen(hex)), STATUS_OK);
    assert_int_equal(hsm_key_wrap_clear(hsm, name, kind, (struct byte_view){clear, writer.position},
                                        random, &key.record),
                     HSM_DONE);
    hsm_destroy(hsm);
    return key;
}

/* As a file of this one row. */
static inline enum status load_row(struct security *security, const struct security_key_row *row,
                                   char reason[SECURITY_REASON_SIZE])
{
    uint32_t line = 0;
    struct key_set *set = key_set_create(security);
    assert_non_null(set);
    enum status status = key_set_add(set, row, reason);
    if (status == STATUS_OK) {
        status = key_set_settle(set, &line, reason);
        assert_int_equal(line, status == STATUS_OK ? 0 : row->line);
    }
    if (status == STATUS_OK) {
        key_set_apply(set);
    }
    key_set_destroy(set);
    return status;
}

static inline enum status load_key(struct security *security, const char *name,
                                   const struct wrapped_key *key, char reason[SECURITY_REASON_SIZE])
{
    const struct security_key_row row = {
        .name = name, .kind = key->kind, .block = key->record.block, .line = 2};
    return load_row(security, &row, reason);
}

static inline void give_key(struct security *security, const char *name, enum hsm_key_kind kind,
                            const char *hex)
{
    char reason[SECURITY_REASON_SIZE];
    struct wrapped_key key = wrapped_key(name, kind, hex);
    assert_int_equal(load_key(security, name, &key, reason), STATUS_OK);
}

static inline struct security *bare_security(uint16_t unit_count)
{
    const struct security_setup setup = {.master_key = HSM_TEST_MASTER_KEY,
                                         .is_test_master_key = true,
                                         .pin_policy = HSM_PIN_LAB,
                                         .terminal_count_max = 4,
                                         .unit_count = unit_count,
                                         .terminal_mac = HSM_MAC_UNIONPAY_ECB};
    struct security *security = security_create(&setup);
    assert_non_null(security);
    return security;
}

static inline struct clear_key odd_key(const char *hex)
{
    struct clear_key key = {.algorithm = KEY_TDES, .length = 16};
    struct byte_writer writer;
    byte_writer_init(&writer, key.bytes, sizeof(key.bytes));
    assert_int_equal(bytes_from_hex(&writer, hex, 32), STATUS_OK);
    clear_key_set_parity(&key);
    return key;
}

/* A working key as a bank sends it: under the zone master key in ECB, and its check value. */
static inline void zone_encipher(const char *hex, uint8_t enciphered[16], uint8_t check[4])
{
    struct clear_key key = odd_key(hex), zmk = odd_key(TEST_ZMK);
    struct block_cipher *cipher = block_cipher_create();
    uint8_t block[8] = {0};
    memcpy(enciphered, key.bytes, 16);
    block_cipher_ecb(cipher, &zmk, BLOCK_CIPHER_ENCRYPT, enciphered, 16);
    block_cipher_ecb(cipher, &key, BLOCK_CIPHER_ENCRYPT, block, sizeof(block));
    memcpy(check, block, 4);
    block_cipher_destroy(cipher);
}

/* Terminal 10000001 with a master key, channel bank_a, and our own keys. */
static inline struct security *lab_security(uint16_t unit_count)
{
    struct security *security = bare_security(unit_count);
    give_key(security, "term:10000001:tmk", HSM_KEY_TERMINAL_MASTER, TEST_TMK);
    give_key(security, "chan:bank_a:zpk", HSM_KEY_PIN_OUT, TEST_ZPK);
    give_key(security, "chan:bank_a:zak", HSM_KEY_MAC, TEST_ZAK);
    give_key(security, "own:pan:data", HSM_KEY_DATA, TEST_WIDE);
    give_key(security, "own:pan:hash", HSM_KEY_HASH, TEST_WIDE);
    return security;
}

static inline struct payment signon_payment(const char *terminal_id, const char *code)
{
    struct payment payment = {.kind = PAYMENT_SIGNON};
    memcpy(payment.terminal_id, terminal_id, strlen(terminal_id));
    memcpy(payment.management_code, code, strlen(code));
    return payment;
}
