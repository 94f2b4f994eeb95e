/* Signatures against those that the openssl command gives, and files of keys. */
#include "switch/admin/webhook_sign.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "tests/unit/unit_test.h"

#define HEX_32 "000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1F"
#define FF_16 "ffffffffffffffffffffffffffffffff"

/* Whether a file with this text and mode is a key. */
static bool read_key(struct webhook_key *key, const char *text, mode_t mode, char *reason)
{
    char path[] = "/tmp/tillway-webhook-key-XXXXXX";
    int descriptor = mkstemp(path);
    assert_true(descriptor >= 0);
    assert_int_equal(write(descriptor, text, strlen(text)), strlen(text));
    assert_int_equal(fchmod(descriptor, mode), 0);
    close(descriptor);
    bool is_read = webhook_key_read(key, path, reason);
    unlink(path);
    return is_read;
}

/* printf '1700000000.7.{"a":"…"}' | openssl dgst -sha256 -mac HMAC -macopt hexkey:0001… */
static void test_a_signature_is_the_hmac_of_moment_number_and_body(void **state)
{
    (void)state;
    struct webhook_key key;
    char reason[WEBHOOK_REASON_SIZE] = "";
    char hex[WEBHOOK_HEX_SIZE];
    struct webhook_message message = {
        .timestamp_s = 1700000000, .number = 7, .body = "{\"a\":\"商户\"}"};
    message.length = strlen(message.body);
    assert_true(read_key(&key, "k1:" HEX_32 "\n", 0600, reason));
    assert_string_equal(key.id, "k1");
    assert_int_equal(key.length, 32);
    assert_true(webhook_sign(&key, &message, hex));
    assert_string_equal(hex, "758b41f7f8bd171b17e7f3835ee5765736d3c17c0cc482db9455a7047367ded5");
    assert_true(read_key(&key, "2026abcdefghijkl:" FF_16 FF_16 FF_16 FF_16, 0640, reason));
    assert_int_equal(key.length, 64);
    message = (struct webhook_message){.number = UINT64_MAX, .body = ""};
    assert_true(webhook_sign(&key, &message, hex));
    assert_string_equal(hex, "3c87f42f72cb473de084a57d975bd1bccfdca9f270f7b03c33376642577ee36e");
}

static void test_a_file_that_is_no_key_is_named_without_what_it_holds(void **state)
{
    (void)state;
    static const char *const BAD[] = {"",
                                      HEX_32,
                                      ":" HEX_32,
                                      "k1:",
                                      "k1:" FF_16,
                                      "k1:" HEX_32 "f",
                                      "k1:" HEX_32 " ",
                                      "k 1:" HEX_32,
                                      "k1:g" HEX_32 "0",
                                      "abcdefghijklmnopq:" HEX_32,
                                      "k1:" FF_16 FF_16 FF_16 FF_16 "ff"};
    static const struct webhook_key NOTHING;
    struct webhook_key key;
    char reason[WEBHOOK_REASON_SIZE];
    for (size_t i = 0; i < COUNT_OF(BAD); i++) {
        assert_false(read_key(&key, BAD[i], 0600, reason));
        assert_memory_equal(&key, &NOTHING, sizeof(key));
        assert_null(strstr(reason, "0102"));
        assert_null(strstr(reason, "ffff"));
    }
    assert_non_null(strstr(reason, "expected KEY_ID:HEX"));
    assert_false(read_key(&key, "k1:" HEX_32 "\n", 0644, reason));
    assert_non_null(strstr(reason, "can be read by others"));
    assert_false(webhook_key_read(&key, "/nowhere/at/all", reason));
    assert_non_null(strstr(reason, "/nowhere/at/all"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_signature_is_the_hmac_of_moment_number_and_body),
        cmocka_unit_test(test_a_file_that_is_no_key_is_named_without_what_it_holds),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
