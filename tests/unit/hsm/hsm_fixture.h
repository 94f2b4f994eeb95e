/* Shared by the tests of hsm/: bytes from hex, a lab module, keys wrapped and loaded.
 * All keys are well-known test values. */
#pragma once

#include "tests/unit/unit_test.h"

#include <string.h>

#include "hsm/block_cipher.h"
#include "hsm/hsm.h"
#include "protocols/base/bytes.h"

#define FIXTURE_BYTES_MAX 2048

struct fixture_bytes {
    uint8_t bytes[FIXTURE_BYTES_MAX];
    uint32_t length;
};

static inline struct fixture_bytes bytes_of(const char *hex)
{
    struct fixture_bytes bytes;
    struct byte_writer writer;
    byte_writer_init(&writer, bytes.bytes, sizeof(bytes.bytes));
    assert_int_equal(bytes_from_hex(&writer, hex, (uint32_t)strlen(hex)), STATUS_OK);
    bytes.length = writer.position;
    return bytes;
}

static inline struct byte_view view_of(const struct fixture_bytes *bytes)
{
    return (struct byte_view){bytes->bytes, bytes->length};
}

static inline struct clear_key key_of(enum key_algorithm algorithm, const char *hex)
{
    struct fixture_bytes bytes = bytes_of(hex);
    struct clear_key key;
    clear_key_set(&key, algorithm, view_of(&bytes));
    return key;
}

static inline struct pan fixture_pan(const char *digits)
{
    struct pan pan = {.digit_count = (uint8_t)strlen(digits)};
    assert_true(strlen(digits) <= PAN_DIGITS_MAX);
    memcpy(pan.digits, digits, strlen(digits));
    return pan;
}

static inline void assert_hex(const uint8_t *bytes, uint32_t length, const char *hex)
{
    char text[2 * FIXTURE_BYTES_MAX + 1];
    bytes_to_hex(text, bytes, length);
    assert_string_equal(text, hex);
}

static inline struct hsm *fixture_module(enum hsm_pin_policy policy)
{
    static const uint8_t master[HSM_MASTER_KEY_BYTES] = "a master key for tests, 32 bytes";
    const struct hsm_setup setup = {.master_key = master,
                                    .is_test_master_key = true,
                                    .pin_policy = policy,
                                    .key_count_max = 16};
    struct hsm *hsm = hsm_soft_create(&setup);
    assert_non_null(hsm);
    return hsm;
}

static inline struct hsm_key_record wrapped(struct hsm *hsm, const char *name,
                                            enum hsm_key_kind kind, const char *hex)
{
    static const uint8_t random[32] = {7, 1, 2};
    struct fixture_bytes clear = bytes_of(hex);
    struct hsm_key_record record;
    assert_int_equal(hsm_key_wrap_clear(hsm, name, kind, view_of(&clear), random, &record),
                     HSM_DONE);
    return record;
}

static inline struct hsm_key_handle loaded(struct hsm *hsm, const char *name,
                                           enum hsm_key_kind kind, const char *hex)
{
    struct hsm_key_record record = wrapped(hsm, name, kind, hex);
    struct hsm_key_handle handle;
    assert_int_equal(hsm_key_load(hsm, &record, kind, &handle), HSM_DONE);
    return handle;
}
