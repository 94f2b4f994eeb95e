/* hsm/ against values from standards, public test suites and public traces, one JSON object a line.
 * The files are not part of this tree; without them the test is skipped and says so. */
#include "tests/unit/hsm/hsm_fixture.h"

#include <stdio.h>
#include <stdlib.h>

#include <jansson.h>

#include "hsm/cmac.h"
#include "hsm/kcv.h"
#include "hsm/key_block.h"
#include "hsm/mac.h"
#include "hsm/pin_block.h"
#include "hsm/track_block.h"
#include "hsm/working_keys.h"

#define LINE_BYTES_MAX 65536

static struct block_cipher *cipher;

static const char *text_of(const json_t *row, const char *name)
{
    const char *text = json_string_value(json_object_get(row, name));
    return text == NULL ? "" : text;
}

static bool starts_with(const char *text, const char *prefix)
{
    return strncmp(text, prefix, strlen(prefix)) == 0;
}

/* Runs `check` on every row; answers how many it took. */
static uint32_t for_each_row(const char *file, bool (*check)(const json_t *row))
{
    static char line[LINE_BYTES_MAX];
    char path[512];
    const char *folder = getenv("TILLWAY_VECTORS");
    snprintf(path, sizeof(path), "%s/%s",
             folder != NULL ? folder : TILLWAY_SOURCE_DIR "/../shared/vectors", file);
    FILE *stream = fopen(path, "r");
    if (stream == NULL) {
        print_message("%s is absent: skipped\n", path);
        skip();
    }
    uint32_t taken = 0;
    while (fgets(line, sizeof(line), stream) != NULL) {
        json_t *row = json_loads(line, 0, NULL);
        assert_non_null(row);
        if (check(row)) {
            taken++;
        }
        json_decref(row);
    }
    fclose(stream);
    return taken;
}

/* Expected values may be given cut; as much as is given must be equal. */
static void assert_prefix(const json_t *row, const uint8_t *bytes, uint32_t length,
                          const char *expected)
{
    char text[129];
    assert_true(length * 2 < sizeof(text));
    bytes_to_hex(text, bytes, length);
    if (strlen(expected) == 0 || !starts_with(text, expected)) {
        fail_msg("%s: %s, expected %s", text_of(row, "id"), text, expected);
    }
}

static bool check_kcv(const json_t *row)
{
    const char *algo = text_of(row, "algo");
    if (!starts_with(algo, "KCV-")) {
        return false;
    }
    uint8_t kcv[KCV_BYTES_MAX];
    bool is_aes = strcmp(algo, "KCV-AES-CMAC") == 0;
    struct clear_key key = key_of(is_aes ? KEY_AES : KEY_TDES, text_of(row, "key"));
    kcv_compute(cipher, &key, kcv, sizeof(kcv));
    assert_prefix(row, kcv, sizeof(kcv), text_of(row, "expected"));
    return true;
}

static enum mac_padding padding_of(const json_t *row)
{
    return (enum mac_padding)json_integer_value(json_object_get(row, "padding"));
}

static bool check_mac(const json_t *row)
{
    const char *algo = text_of(row, "algo");
    if (!starts_with(algo, "MAC-") || strcmp(algo, "MAC-X9.19-CHAINED") == 0) {
        return false;
    }
    uint8_t mac[16];
    struct fixture_bytes bytes = bytes_of(text_of(row, "data"));
    bool is_aes = strcmp(algo, "MAC-AES-CMAC") == 0;
    struct clear_key key = key_of(is_aes ? KEY_AES : KEY_TDES, text_of(row, "key"));
    if (strcmp(algo, "MAC-CUP-ECB") == 0) {
        mac_unionpay_ecb(cipher, &key, view_of(&bytes), mac);
        assert_memory_equal(mac, text_of(row, "expected"), 8);
    } else if (strcmp(algo, "MAC-ISO9797-ALG1") == 0) {
        mac_algorithm_1(cipher, &key, padding_of(row), view_of(&bytes), mac);
        assert_prefix(row, mac, 8, text_of(row, "expected"));
    } else if (strcmp(algo, "MAC-ISO9797-ALG3") == 0 || strcmp(algo, "MAC-X9.19") == 0) {
        mac_algorithm_3(cipher, &key, padding_of(row), view_of(&bytes), mac);
        assert_prefix(row, mac, 8, text_of(row, "expected"));
    } else {
        cmac_compute(cipher, &key, view_of(&bytes), mac);
        assert_prefix(row, mac, is_aes ? 16 : 8, text_of(row, "expected"));
    }
    return true;
}

/* The parts of a chained MAC joined give the MAC of the whole. */
static struct fixture_bytes chained;
static bool check_chained(const json_t *row)
{
    if (strcmp(text_of(row, "algo"), "MAC-X9.19-CHAINED") != 0) {
        return false;
    }
    struct fixture_bytes bytes = bytes_of(text_of(row, "data"));
    memcpy(chained.bytes + chained.length, bytes.bytes, bytes.length);
    chained.length += bytes.length;
    if (strcmp(text_of(row, "mode"), "last") == 0) {
        uint8_t mac[8];
        struct clear_key key = key_of(KEY_TDES, text_of(row, "key"));
        mac_algorithm_3(cipher, &key, MAC_PADDING_1, view_of(&chained), mac);
        assert_prefix(row, mac, 8, text_of(row, "expected"));
    }
    return true;
}

static struct clear_pin pin_of(const char *digits)
{
    struct clear_pin pin = {.digit_count = (uint8_t)strlen(digits)};
    for (uint32_t i = 0; i < pin.digit_count; i++) {
        pin.digits[i] = (uint8_t)(digits[i] - '0');
    }
    return pin;
}

static void assert_pin(const struct clear_pin *pin, const char *digits)
{
    assert_int_equal(pin->digit_count, strlen(digits));
    for (uint32_t i = 0; i < pin->digit_count; i++) {
        assert_int_equal(pin->digits[i], digits[i] - '0');
    }
}

static bool check_pin_block(const json_t *row)
{
    const char *algo = text_of(row, "algo");
    if (!starts_with(algo, "PINBLOCK-ISO0") && !starts_with(algo, "PINBLOCK-ISO1") &&
        !starts_with(algo, "PINBLOCK-ISO3")) {
        return false;
    }
    enum pin_block_format format = (enum pin_block_format)(algo[12] - '0');
    struct pan pan = fixture_pan(text_of(row, "pan"));
    if (strstr(algo, "-encode") != NULL) {
        uint8_t block[8];
        char random[17] = "0000000000000000";
        const char *fill = text_of(row, "fill");
        struct clear_pin pin = pin_of(text_of(row, "pin"));
        memcpy(random + 2 + pin.digit_count, fill, strlen(fill));
        struct fixture_bytes chance = bytes_of(random);
        pin_block_encode(format, &pin, &pan, chance.bytes, block);
        assert_hex(block, sizeof(block), text_of(row, "expected"));
        return true;
    }
    struct clear_pin pin;
    struct fixture_bytes block = bytes_of(text_of(row, "block"));
    bool is_block = pin_block_decode(format, block.bytes, &pan, &pin);
    if (strstr(algo, "-reject") != NULL) {
        assert_false(is_block);
    } else {
        assert_true(is_block);
        assert_pin(&pin, text_of(row, "expected"));
    }
    return true;
}

static bool check_pin_block_4(const json_t *row)
{
    const char *algo = text_of(row, "algo");
    if (!starts_with(algo, "PINBLOCK-ISO4-")) {
        return false;
    }
    const char *part = algo + strlen("PINBLOCK-ISO4-");
    struct pan pan = fixture_pan(text_of(row, "pan"));
    struct clear_pin pin = pin_of(text_of(row, "pin"));
    struct fixture_bytes random = bytes_of(text_of(row, "random"));
    uint8_t field[16];
    if (strcmp(part, "panfield") == 0) {
        pin_block_4_pan_field(&pan, field);
        assert_hex(field, sizeof(field), text_of(row, "expected"));
        return true;
    }
    if (strcmp(part, "pinfield") == 0) {
        pin_block_4_pin_field(&pin, random.bytes, field);
        assert_hex(field, sizeof(field), text_of(row, "expected"));
        return true;
    }
    struct clear_key key = key_of(KEY_AES, text_of(row, "key"));
    if (strcmp(part, "encipher") == 0) {
        pin_block_4_pin_field(&pin, random.bytes, field);
        pin_block_4_encipher(cipher, &key, &pan, field);
        assert_hex(field, sizeof(field), text_of(row, "expected"));
        return true;
    }
    struct fixture_bytes block = bytes_of(text_of(row, "block"));
    bool is_block = pin_block_4_decipher(cipher, &key, &pan, block.bytes, &pin);
    assert_true(is_block == (strcmp(part, "decipher") == 0));
    if (is_block) {
        assert_pin(&pin, text_of(row, "expected"));
    }
    return true;
}

static bool check_translate(const json_t *row)
{
    if (strcmp(text_of(row, "algo"), "PIN-TRANSLATE") != 0) {
        return false;
    }
    char digits[PAN_DIGITS_MAX + 1];
    const char *pan12 = text_of(row, "pan12");
    snprintf(digits, sizeof(digits), "%s%s", text_of(row, "pan"), pan12);
    if (*pan12 != '\0') {
        strncat(digits, "0", 2); /* a check digit that takes no part */
    }
    struct pan pan = fixture_pan(digits);
    struct clear_key in = key_of(KEY_TDES, text_of(row, "key_in"));
    struct clear_key out = key_of(KEY_TDES, text_of(row, "key_out"));
    struct fixture_bytes block = bytes_of(text_of(row, "block_in"));
    struct clear_pin pin;
    static const uint8_t random[8];
    block_cipher_ecb(cipher, &in, BLOCK_CIPHER_DECRYPT, block.bytes, 8);
    assert_true(pin_block_decode(PIN_FORMAT_0, block.bytes, &pan, &pin));
    pin_block_encode(PIN_FORMAT_0, &pin, &pan, random, block.bytes);
    block_cipher_ecb(cipher, &out, BLOCK_CIPHER_ENCRYPT, block.bytes, 8);
    assert_prefix(row, block.bytes, 8, text_of(row, "expected"));
    return true;
}

static bool check_policy(const json_t *row)
{
    if (strcmp(text_of(row, "algo"), "PIN-TRANSLATE-POLICY") != 0) {
        return false;
    }
    unsigned from = (unsigned)json_integer_value(json_object_get(row, "format_in"));
    unsigned to = (unsigned)json_integer_value(json_object_get(row, "format_out"));
    bool is_allowed = strcmp(text_of(row, "expected"), "ALLOW") == 0;
    assert_true(pin_block_may_translate(from, to) == is_allowed);
    return true;
}

static enum hsm_answer unwrap_row(const json_t *row, struct key_block_header *header,
                                  struct clear_key *key)
{
    const char *text = text_of(row, "key_block");
    struct clear_key kbpk = key_of(text[0] >= 'D' ? KEY_AES : KEY_TDES, text_of(row, "kbpk"));
    return key_block_unwrap(cipher, &kbpk,
                            (struct byte_view){(const uint8_t *)text, (uint32_t)strlen(text)},
                            header, key);
}

static bool check_unwrap(const json_t *row)
{
    const char *algo = text_of(row, "algo");
    if (!starts_with(algo, "TR31-") || strstr(algo, "-unwrap") == NULL) {
        return false;
    }
    struct key_block_header header;
    struct clear_key key;
    enum hsm_answer answer = unwrap_row(row, &header, &key);
    if (strlen(text_of(row, "expected")) / 2 > CLEAR_KEY_BYTES_MAX) {
        assert_int_equal(answer, HSM_KEY_USAGE); /* an EC key: authentic, but not served */
        return true;
    }
    if (answer != HSM_DONE) {
        fail_msg("%s: %s", text_of(row, "id"), hsm_answer_text(answer));
    }
    assert_hex(key.bytes, key.length, text_of(row, "expected"));
    return true;
}

static bool check_derive(const json_t *row)
{
    const char *algo = text_of(row, "algo");
    if (!starts_with(algo, "TR31-") || strstr(algo, "-KEYDERIVE") == NULL) {
        return false;
    }
    struct key_block_keys keys;
    const json_t *expected = json_object_get(row, "expected");
    struct clear_key kbpk = key_of(algo[5] == 'D' ? KEY_AES : KEY_TDES, text_of(row, "kbpk"));
    key_block_derive(cipher, &kbpk, algo[5], &keys);
    assert_hex(keys.encipher.bytes, keys.encipher.length, text_of(expected, "kbek"));
    assert_hex(keys.authenticate.bytes, keys.authenticate.length, text_of(expected, "kbak"));
    return true;
}

static bool check_crypto(const json_t *row)
{
    const char *id = text_of(row, "id");
    uint8_t mac[8];
    if (starts_with(id, "tr31-")) {
        struct key_block_header header;
        struct clear_key key;
        if (text_of(row, "key_block")[0] == 'E') {
            assert_int_equal(unwrap_row(row, &header, &key), HSM_KEY_UNAUTHENTIC);
            return true;
        }
        assert_int_equal(unwrap_row(row, &header, &key), HSM_DONE);
        assert_hex(key.bytes, key.length, text_of(row, "expect_key"));
        return true;
    }
    if (!starts_with(id, "mac-") && !starts_with(id, "cup-mac-")) {
        return false;
    }
    struct clear_key key = key_of(KEY_TDES, text_of(row, "key"));
    struct fixture_bytes bytes = bytes_of(text_of(row, "data"));
    if (starts_with(id, "cup-mac-")) {
        mac_unionpay_ecb(cipher, &key, view_of(&bytes), mac);
        assert_memory_equal(mac, text_of(row, "expect"), 8);
        return true;
    }
    if (starts_with(id, "mac-x919")) {
        mac_algorithm_3(cipher, &key, MAC_PADDING_1, view_of(&bytes), mac);
    } else if (starts_with(id, "mac-x99")) {
        mac_algorithm_1(cipher, &key, MAC_PADDING_1, view_of(&bytes), mac);
    } else {
        mac_xor_tdes(cipher, &key, view_of(&bytes), mac);
    }
    assert_prefix(row, mac, 8, text_of(row, "expect"));
    return true;
}

static void check_working_key(const struct clear_key *tmk, struct byte_view entry,
                              const char *clear, const char *kcv)
{
    struct clear_key key;
    uint8_t computed[WORKING_KEY_KCV_BYTES];
    assert_true(working_keys_take(cipher, tmk, entry, true, &key));
    assert_hex(key.bytes, key.length, clear);
    kcv_compute(cipher, &key, computed, sizeof(computed));
    assert_hex(computed, sizeof(computed), kcv);
}

/* V02, V12: field 62 of a public sign-on response, master key known. */
static bool check_signon(const json_t *row)
{
    const json_t *keys = json_object_get(row, "keys");
    const json_t *kcv = json_object_get(row, "kcv");
    if (kcv == NULL || *text_of(keys, "tmk") == '\0') {
        return false;
    }
    struct fixture_bytes field = bytes_of(text_of(json_object_get(row, "fields"), "62"));
    struct clear_key tmk = key_of(KEY_TDES, text_of(keys, "tmk"));
    static const char *const names[] = {"pik", "mak", "tdk"};
    for (uint32_t i = 0; i < field.length / 20; i++) {
        check_working_key(&tmk, (struct byte_view){field.bytes + i * 20, 16},
                          text_of(keys, names[i]), text_of(kcv, names[i]));
        assert_hex(field.bytes + i * 20 + 16, 4, text_of(kcv, names[i]));
    }
    return true;
}

static void put_key(const struct clear_key *tmk, const char *hex, bool is_padded,
                    struct byte_writer *writer)
{
    struct clear_key key = key_of(KEY_TDES, hex);
    working_keys_put(cipher, tmk, &key, is_padded, writer);
}

static void check_w01(const json_t *row)
{
    struct clear_key tmk = key_of(KEY_TDES, text_of(row, "tmk"));
    char pik8[17] = {0};
    uint8_t field[84];
    struct byte_writer writer;
    memcpy(pik8, text_of(row, "pik"), 16);
    byte_writer_init(&writer, field, sizeof(field));
    put_key(&tmk, pik8, false, &writer);
    put_key(&tmk, text_of(row, "mak8"), false, &writer);
    assert_hex(field, writer.position, text_of(row, "f62_60_3_001"));
    byte_writer_init(&writer, field, sizeof(field));
    put_key(&tmk, text_of(row, "pik"), false, &writer);
    put_key(&tmk, text_of(row, "mak8"), true, &writer);
    assert_hex(field, writer.position, text_of(row, "f62_60_3_003"));
    put_key(&tmk, text_of(row, "tdk"), false, &writer);
    assert_hex(field, writer.position, text_of(row, "f62_60_3_004"));
    byte_writer_init(&writer, field, sizeof(field));
    put_key(&tmk, text_of(row, "pik"), false, &writer);
    put_key(&tmk, text_of(row, "mak16"), false, &writer);
    assert_hex(field, writer.position, text_of(row, "f62_60_3_003_mak16"));
}

static void check_w04(const json_t *row)
{
    static const uint8_t random[8];
    uint8_t block[8];
    struct pan pan = fixture_pan(text_of(row, "pan"));
    struct clear_pin pin = pin_of(text_of(row, "pin"));
    struct clear_key pik = key_of(KEY_TDES, text_of(json_object_get(row, "keys"), "pik"));
    pin_block_encode(PIN_FORMAT_0, &pin, &pan, random, block);
    assert_hex(block, sizeof(block), text_of(row, "xor"));
    block_cipher_ecb(cipher, &pik, BLOCK_CIPHER_ENCRYPT, block, sizeof(block));
    assert_hex(block, sizeof(block), text_of(row, "f52"));
}

static struct track2 track_of(const char *text)
{
    struct track2 track = {.count = (uint8_t)strlen(text)};
    memcpy(track.characters, text, track.count);
    for (uint32_t i = 0; i < track.count; i++) {
        track.characters[i] = text[i] == 'D' ? '=' : text[i];
    }
    return track;
}

static void check_w06(const json_t *row)
{
    struct clear_key tdk = key_of(KEY_TDES, text_of(json_object_get(row, "keys"), "tdk"));
    struct track2 clear = track_of(text_of(row, "track2"));
    char sent[TRACK2_CHARACTERS_MAX + 1] = {0};
    memcpy(sent, text_of(row, "f35"), clear.count); /* its pad nibble left off */
    struct track2 sealed = track_of(sent);
    struct track2 track = clear;
    assert_true(track_block_encipher(cipher, &tdk, &track));
    assert_memory_equal(&track, &sealed, sizeof(track));
    assert_true(track_block_decipher(cipher, &tdk, &track));
    assert_memory_equal(&track, &clear, sizeof(track));
}

static void check_w21(const json_t *row)
{
    uint8_t mac[8];
    const json_t *keys = json_object_get(row, "keys");
    struct fixture_bytes mab = bytes_of(text_of(row, "mab"));
    struct clear_key single = key_of(KEY_TDES, text_of(keys, "mak8"));
    struct clear_key both = key_of(KEY_TDES, text_of(keys, "mak16"));
    mac_algorithm_1(cipher, &single, MAC_PADDING_1, view_of(&mab), mac);
    assert_hex(mac, 8, text_of(row, "x99_mak8"));
    mac_algorithm_3(cipher, &both, MAC_PADDING_1, view_of(&mab), mac);
    assert_hex(mac, 8, text_of(row, "x919_mak16"));
    mac_xor_tdes(cipher, &both, view_of(&mab), mac);
    assert_hex(mac, 8, text_of(row, "xor_3des"));
}

static bool check_steps(const json_t *row)
{
    static const struct {
        const char *id;
        void (*check)(const json_t *row);
    } steps[] = {{"W01", check_w01}, {"W04", check_w04}, {"W06", check_w06}, {"W21", check_w21}};
    for (size_t i = 0; i < COUNT_OF(steps); i++) {
        if (strcmp(text_of(row, "id"), steps[i].id) == 0) {
            steps[i].check(row);
            return true;
        }
    }
    return false;
}

/* Every row that gives the bytes under its MAC and a TDES key. */
static bool check_message_mac(const json_t *row)
{
    const json_t *keys = json_object_get(row, "keys");
    const char *mac_text = text_of(row, "mac");
    if (*text_of(row, "mab") == '\0' || *text_of(keys, "mak") == '\0' || strlen(mac_text) != 8 ||
        !json_is_true(json_object_get(row, "mac_verifies")) ||
        strstr(text_of(row, "what"), "SM4") != NULL) {
        return false;
    }
    uint8_t mac[8];
    struct fixture_bytes mab = bytes_of(text_of(row, "mab"));
    struct clear_key key = key_of(KEY_TDES, text_of(keys, "mak"));
    mac_unionpay_ecb(cipher, &key, view_of(&mab), mac);
    assert_memory_equal(mac, mac_text, 8);
    return true;
}

static void test_check_values(void **state)
{
    (void)state;
    assert_int_equal(for_each_row("hsm.jsonl", check_kcv), 14);
}

static void test_macs(void **state)
{
    (void)state;
    assert_int_equal(for_each_row("hsm.jsonl", check_mac), 30);
}

static void test_a_chained_mac_is_the_mac_of_the_whole(void **state)
{
    (void)state;
    assert_int_equal(for_each_row("hsm.jsonl", check_chained), 5);
}

static void test_pin_blocks(void **state)
{
    (void)state;
    assert_int_equal(for_each_row("hsm.jsonl", check_pin_block), 16);
    assert_int_equal(for_each_row("hsm.jsonl", check_pin_block_4), 11);
}

static void test_pin_translations_and_their_table(void **state)
{
    (void)state;
    assert_int_equal(for_each_row("hsm.jsonl", check_translate), 3);
    assert_int_equal(for_each_row("hsm.jsonl", check_policy), 19);
}

static void test_key_blocks_unwrap(void **state)
{
    (void)state;
    assert_int_equal(for_each_row("hsm.jsonl", check_unwrap), 15);
    assert_int_equal(for_each_row("hsm.jsonl", check_derive), 5);
}

static void test_macs_and_blocks_of_other_suites(void **state)
{
    (void)state;
    assert_int_equal(for_each_row("crypto.jsonl", check_crypto), 17);
}

static void test_public_signons_and_messages(void **state)
{
    (void)state;
    assert_int_equal(for_each_row("unionpay_pos.jsonl", check_signon), 2);
    assert_int_equal(for_each_row("unionpay_pos.jsonl", check_steps), 4);
    assert_true(for_each_row("unionpay_pos.jsonl", check_message_mac) >= 5);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_check_values),
        cmocka_unit_test(test_macs),
        cmocka_unit_test(test_a_chained_mac_is_the_mac_of_the_whole),
        cmocka_unit_test(test_pin_blocks),
        cmocka_unit_test(test_pin_translations_and_their_table),
        cmocka_unit_test(test_key_blocks_unwrap),
        cmocka_unit_test(test_macs_and_blocks_of_other_suites),
        cmocka_unit_test(test_public_signons_and_messages),
    };
    cipher = block_cipher_create();
    int failed = cmocka_run_group_tests_name("hsm/vectors", tests, NULL, NULL);
    block_cipher_destroy(cipher);
    return failed;
}
