/* Forms, JSON, yuan, times and base64 as wallets write them, and what they refuse. */
#include "tests/unit/unit_test.h"

#include <string.h>

#include "protocols/wallet/wallet_crypto.h"
#include "protocols/wallet/wallet_text.h"

static struct byte_view view_of(const char *text)
{
    return (struct byte_view){(const uint8_t *)text, (uint32_t)strlen(text)};
}

static void test_a_form_comes_back_as_it_was(void **state)
{
    (void)state;
    uint8_t form[512], arena_bytes[512];
    struct wallet_parameters written = {.count = 0}, read;
    struct byte_writer writer, arena;
    assert_true(wallet_parameters_add(&written, "sign", "a+b/c=="));
    assert_true(wallet_parameters_add(&written, "empty", ""));
    assert_true(wallet_parameters_add(&written, "name", "\xE8\x8C\xB6 & {\"x\":1}"));
    assert_int_equal(written.count, 2);
    byte_writer_init(&writer, form, sizeof(form));
    wallet_form_write(&written, &writer);
    byte_writer_init(&arena, arena_bytes, sizeof(arena_bytes));
    assert_int_equal(wallet_form_read(&read, &arena, (struct byte_view){form, writer.position}),
                     STATUS_OK);
    assert_string_equal(wallet_parameters_find(&read, "sign"), "a+b/c==");
    assert_string_equal(wallet_parameters_find(&read, "name"), "\xE8\x8C\xB6 & {\"x\":1}");
    assert_null(wallet_parameters_find(&read, "empty"));
}

static void test_bad_forms_are_refused(void **state)
{
    (void)state;
    static const struct {
        const char *form;
        enum status status;
    } forms[] = {{"a=1&b=2+3", STATUS_OK},      {"a=%3d", STATUS_OK},
                 {"a=%3", STATUS_MALFORMED},    {"a=%zz", STATUS_MALFORMED},
                 {"a=%00", STATUS_MALFORMED},   {"=1", STATUS_MALFORMED},
                 {"a=1&a=2", STATUS_DUPLICATE}, {"a=\x01", STATUS_MALFORMED},
                 {"a=1&&b=2", STATUS_MALFORMED}};
    for (size_t i = 0; i < COUNT_OF(forms); i++) {
        uint8_t bytes[64];
        struct byte_writer arena;
        struct wallet_parameters form;
        byte_writer_init(&arena, bytes, sizeof(bytes));
        assert_int_equal(wallet_form_read(&form, &arena, view_of(forms[i].form)), forms[i].status);
    }
    uint8_t little[4];
    struct byte_writer arena;
    struct wallet_parameters form;
    byte_writer_init(&arena, little, sizeof(little));
    assert_int_equal(wallet_form_read(&form, &arena, view_of("abc=def")), STATUS_NO_ROOM);
}

static void test_yuan_are_exact(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        int64_t minor; /* -1: refused */
    } yuan[] = {{"8.88", 888},
                {"8.8", 880},
                {"8", 800},
                {"0.01", 1},
                {"8.888", -1},
                {".5", -1},
                {"8.", -1},
                {"-1", -1},
                {"1e3", -1},
                {" 1", -1},
                {"1,00", -1},
                {"", -1},
                {"9999999999.99", 999999999999},
                {"10000000000", -1}};
    for (size_t i = 0; i < COUNT_OF(yuan); i++) {
        int64_t minor = -1;
        enum status status = wallet_yuan_read(&minor, yuan[i].text);
        assert_int_equal(status == STATUS_OK, yuan[i].minor >= 0);
        assert_int_equal(minor, yuan[i].minor);
    }
    char text[WALLET_YUAN_SIZE];
    wallet_yuan_write(text, 5);
    assert_string_equal(text, "0.05");
    wallet_yuan_write(text, 999999999999);
    assert_string_equal(text, "9999999999.99");
}

static void test_time_is_china_s(void **state)
{
    (void)state;
    char text[WALLET_TIME_SIZE];
    wallet_time_write(text, 1768440615);
    assert_string_equal(text, "2026-01-15 09:30:15");
    wallet_time_write(text, 0);
    assert_string_equal(text, "1970-01-01 08:00:00");
    wallet_time_write(text, 1709164799); /* the last second before a 29 February in China */
    assert_string_equal(text, "2024-02-29 07:59:59");
    wallet_time_write(text, 4107513599); /* 2100 has no 29 February */
    assert_string_equal(text, "2100-02-28 23:59:59");
    wallet_time_write(text, 4107513600);
    assert_string_equal(text, "2100-03-01 00:00:00");
}

static void test_json_is_escaped(void **state)
{
    (void)state;
    char text[128];
    struct byte_writer writer;
    byte_writer_init(&writer, text, sizeof(text));
    byte_writer_text(&writer, "{");
    wallet_json_text(&writer, "a", "x\"y\\z\n");
    wallet_json_open(&writer, "b");
    wallet_json_number(&writer, "c", -1);
    byte_writer_text(&writer, "}}");
    byte_writer_u8(&writer, '\0');
    assert_string_equal(text, "{\"a\":\"x\\\"y\\\\z\\u000a\",\"b\":{\"c\":-1}}");
}

static void test_base64_is_read_strictly(void **state)
{
    (void)state;
    static const struct {
        const char *text, *bytes; /* NULL: refused */
    } texts[] = {{"YQ==", "a"},  {"YWI=", "ab"}, {"YWJj", "abc"}, {"YWJ", NULL},  {"", NULL},
                 {"YQ=a", NULL}, {"Y===", NULL}, {"YW J", NULL},  {"====", NULL}, {"YWJj\n", NULL}};
    for (size_t i = 0; i < COUNT_OF(texts); i++) {
        uint8_t bytes[16];
        struct byte_writer writer;
        byte_writer_init(&writer, bytes, sizeof(bytes));
        enum status status = wallet_base64_read(&writer, view_of(texts[i].text));
        assert_int_equal(status == STATUS_OK, texts[i].bytes != NULL);
        if (texts[i].bytes != NULL) {
            assert_int_equal(writer.position, strlen(texts[i].bytes));
            assert_memory_equal(bytes, texts[i].bytes, writer.position);
        }
    }
}

static void test_small_keys_and_other_files_are_refused(void **state)
{
    (void)state;
    EVP_PKEY *key = NULL;
    assert_int_equal(wallet_private_key_read(&key, view_of("no PEM")), STATUS_MALFORMED);
    assert_int_equal(wallet_public_key_read(&key, view_of("")), STATUS_MALFORMED);
    static const char p256[] = "-----BEGIN PUBLIC KEY-----\n"
                               "MFkwEwYHKoZIzj0CAQYIKoZIzj0DAQcDQgAEaxfR8uEsQkf4vOblY6RA8ncDfYEt\n"
                               "6zOg9KE5RdiYwpZP40Li/hp/m47n60p8D54WK84zV2sxXs7LtkBoN79R9Q==\n"
                               "-----END PUBLIC KEY-----\n";
    assert_int_equal(wallet_public_key_read(&key, view_of(p256)), STATUS_UNSUPPORTED);
    assert_null(key);
    struct wallet_certificate certificate;
    uint32_t consumed = 0;
    assert_int_equal(wallet_certificate_read(&certificate, view_of("x"), &consumed),
                     STATUS_MISSING);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_form_comes_back_as_it_was),
        cmocka_unit_test(test_bad_forms_are_refused),
        cmocka_unit_test(test_yuan_are_exact),
        cmocka_unit_test(test_time_is_china_s),
        cmocka_unit_test(test_json_is_escaped),
        cmocka_unit_test(test_base64_is_read_strictly),
        cmocka_unit_test(test_small_keys_and_other_files_are_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
