/* The soft module: keys are what their block says, bound to their name, and serve one purpose. */
#include "tests/unit/hsm/hsm_fixture.h"

#include <stdio.h>

#include "hsm/working_keys.h"

/* Well-known test keys with odd parity. */
#define KEY_A "0123456789ABCDEFFEDCBA9876543210"
#define KEY_B "1C587F1C13924FEFA1B3C2D5E5F70719"
#define KEY_SINGLE "3E62D5A1F18C4A97"
#define KEY_AES_HEX "000102030405060708090A0B0C0D0E0F101112131415161718191A1B1C1D1E1F"

static const uint8_t RANDOM[32] = {9, 8, 7, 6, 5, 4, 3, 2, 1};

static enum hsm_answer load_answer(struct hsm *hsm, const struct hsm_key_record *record,
                                   enum hsm_key_kind kind)
{
    struct hsm_key_handle handle;
    return hsm_key_load(hsm, record, kind, &handle);
}

static void test_a_block_opens_under_its_own_name_only(void **state)
{
    (void)state;
    struct hsm *hsm = fixture_module(HSM_PIN_LAB);
    struct hsm_key_record record = wrapped(hsm, "chan:bank:zak", HSM_KEY_MAC, KEY_A);
    assert_int_equal(load_answer(hsm, &record, HSM_KEY_MAC), HSM_DONE);
    record.name[5]++;
    assert_int_equal(load_answer(hsm, &record, HSM_KEY_MAC), HSM_KEY_UNAUTHENTIC);
    hsm_destroy(hsm);
}

static void test_every_changed_character_of_a_block_is_noticed(void **state)
{
    (void)state;
    struct hsm *hsm = fixture_module(HSM_PIN_LAB);
    struct hsm_key_record good = wrapped(hsm, "term:10000001:mak", HSM_KEY_MAC, KEY_SINGLE);
    for (size_t i = 0; i < strlen(good.block); i++) {
        struct hsm_key_record bad = good;
        bad.block[i] = bad.block[i] == '1' ? '2' : '1';
        assert_int_not_equal(load_answer(hsm, &bad, HSM_KEY_MAC), HSM_DONE);
    }
    struct hsm_key_record cut = good;
    cut.block[strlen(cut.block) - 2] = '\0';
    assert_int_equal(load_answer(hsm, &cut, HSM_KEY_MAC), HSM_KEY_UNAUTHENTIC);
    memset(cut.block, '0', sizeof(cut.block));
    assert_int_equal(load_answer(hsm, &cut, HSM_KEY_MAC), HSM_KEY_UNAUTHENTIC);
    hsm_destroy(hsm);
}

static void test_another_master_key_opens_nothing(void **state)
{
    (void)state;
    struct hsm *hsm = fixture_module(HSM_PIN_LAB);
    struct hsm_key_record record = wrapped(hsm, "a", HSM_KEY_MAC, KEY_A);
    static const uint8_t master[HSM_MASTER_KEY_BYTES] = "another master key for the test";
    const struct hsm_setup setup = {.master_key = master, .key_count_max = 1};
    struct hsm *other = hsm_soft_create(&setup);
    assert_int_equal(load_answer(other, &record, HSM_KEY_MAC), HSM_KEY_UNAUTHENTIC);
    hsm_destroy(other);
    hsm_destroy(hsm);
}

static void test_a_kind_is_told_by_usage_and_mode(void **state)
{
    (void)state;
    struct hsm *hsm = fixture_module(HSM_PIN_LAB);
    struct hsm_key_record record = wrapped(hsm, "k", HSM_KEY_PIN_IN, KEY_A);
    assert_int_equal(load_answer(hsm, &record, HSM_KEY_PIN_OUT), HSM_KEY_USAGE);
    assert_int_equal(load_answer(hsm, &record, HSM_KEY_MAC), HSM_KEY_USAGE);
    assert_int_equal(load_answer(hsm, &record, HSM_KEY_PIN_IN), HSM_DONE);
    hsm_destroy(hsm);
}

static void test_weak_keys_are_refused(void **state)
{
    (void)state;
    static const struct {
        const char *hex;
        enum hsm_answer answer;
    } cases[] = {
        {KEY_A, HSM_DONE},
        {"0123456789ABCDEF0123456789ABCDEF", HSM_KEY_UNAUTHENTIC}, /* equal halves */
        {"0123456789ABCDEEFEDCBA9876543210", HSM_KEY_UNAUTHENTIC}, /* parity */
        {"01010101010101010123456789ABCDEF", HSM_KEY_UNAUTHENTIC}, /* weak */
        {"0123456789ABCDEF01FE01FE01FE01FE", HSM_KEY_UNAUTHENTIC}, /* semi-weak */
        {"0123456789ABCDEF0123", HSM_KEY_USAGE},
        {"0123456789ABCDEF", HSM_KEY_USAGE}, /* a TMK has two parts */
    };
    struct hsm *hsm = fixture_module(HSM_PIN_LAB);
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        struct fixture_bytes clear = bytes_of(cases[i].hex);
        struct hsm_key_record record;
        assert_int_equal(
            hsm_key_wrap_clear(hsm, "k", HSM_KEY_TERMINAL_MASTER, view_of(&clear), RANDOM, &record),
            cases[i].answer);
    }
    hsm_destroy(hsm);
}

static void test_parity_can_be_mended(void **state)
{
    (void)state;
    struct clear_key key = key_of(KEY_TDES, "0022446688AACCEE");
    assert_false(clear_key_is_sound(&key));
    clear_key_set_parity(&key);
    assert_hex(key.bytes, key.length, "0123456789ABCDEF");
    assert_true(clear_key_is_sound(&key));
}

static void test_a_replaced_or_unloaded_key_leaves_stale_handles(void **state)
{
    (void)state;
    uint8_t kcv[3];
    struct hsm *hsm = fixture_module(HSM_PIN_LAB);
    struct hsm_key_handle none = {0, 0};
    assert_int_equal(hsm_key_check(hsm, none, kcv, 3), HSM_KEY_UNAUTHENTIC);
    struct hsm_key_handle first = loaded(hsm, "k", HSM_KEY_MAC, KEY_A);
    struct hsm_key_handle second = loaded(hsm, "k", HSM_KEY_MAC, KEY_B);
    assert_int_equal(first.slot, second.slot);
    assert_int_equal(hsm_key_check(hsm, first, kcv, 3), HSM_KEY_UNAUTHENTIC);
    assert_int_equal(hsm_key_check(hsm, second, kcv, 3), HSM_DONE);
    hsm_key_unload(hsm, second);
    hsm_key_unload(hsm, second);
    assert_int_equal(hsm_key_check(hsm, second, kcv, 3), HSM_KEY_UNAUTHENTIC);
    hsm_destroy(hsm);
}

static void test_slots_are_bounded_and_come_back(void **state)
{
    (void)state;
    struct hsm *hsm = fixture_module(HSM_PIN_LAB);
    struct hsm_key_handle handles[16];
    char name[HSM_KEY_NAME_SIZE];
    for (unsigned round = 0; round < 3; round++) {
        for (unsigned i = 0; i < COUNT_OF(handles); i++) {
            snprintf(name, sizeof(name), "term:%08u:mak", i);
            handles[i] = loaded(hsm, name, HSM_KEY_MAC, KEY_A);
        }
        struct hsm_key_record more = wrapped(hsm, "one:more", HSM_KEY_MAC, KEY_A);
        assert_int_equal(load_answer(hsm, &more, HSM_KEY_MAC), HSM_BAD_INTENT);
        for (unsigned i = 0; i < COUNT_OF(handles); i++) {
            hsm_key_unload(hsm, handles[(i * 7) % COUNT_OF(handles)]);
        }
    }
    hsm_destroy(hsm);
}

static void test_names_are_short_and_printable(void **state)
{
    (void)state;
    struct hsm *hsm = fixture_module(HSM_PIN_LAB);
    struct fixture_bytes clear = bytes_of(KEY_A);
    static const char *const refused[] = {"", "\x7F", "a name of thirty-two characters..", "tab\t"};
    struct hsm_key_record record;
    for (size_t i = 0; i < COUNT_OF(refused); i++) {
        assert_int_equal(
            hsm_key_wrap_clear(hsm, refused[i], HSM_KEY_MAC, view_of(&clear), RANDOM, &record),
            HSM_BAD_INTENT);
    }
    /* Every length of name makes a block that loads: the header's padding takes every form. */
    char name[HSM_KEY_NAME_SIZE] = "";
    for (size_t i = 0; i + 1 < sizeof(name); i++) {
        name[i] = 'n';
        name[i + 1] = '\0';
        record = wrapped(hsm, name, HSM_KEY_MAC, KEY_A);
        assert_int_equal(strlen(record.block) % 16, 0);
        struct hsm_key_handle handle;
        assert_int_equal(hsm_key_load(hsm, &record, HSM_KEY_MAC, &handle), HSM_DONE);
        hsm_key_unload(hsm, handle);
    }
    hsm_destroy(hsm);
}

static void test_a_sealed_key_serves_a_visitor(void **state)
{
    (void)state;
    struct hsm *hsm = fixture_module(HSM_PIN_LAB);
    struct hsm_key_record record = wrapped(hsm, "term:10000001:mak", HSM_KEY_MAC, KEY_A);
    struct hsm_key_sealed sealed;
    uint8_t kcv[3];
    assert_int_equal(hsm_key_seal(hsm, &record, HSM_KEY_MAC, &sealed), HSM_DONE);
    struct hsm_key_handle visitor = hsm_key_visit(hsm, &sealed, "term:10000001:mak");
    assert_int_equal(hsm_key_check(hsm, visitor, kcv, 3), HSM_DONE);
    assert_hex(kcv, 3, "08D7B4");
    /* Under another terminal's name it is somebody else's key. */
    struct hsm_key_handle stranger = hsm_key_visit(hsm, &sealed, "term:10000002:mak");
    assert_int_equal(hsm_key_check(hsm, stranger, kcv, 3), HSM_KEY_UNAUTHENTIC);
    struct hsm_key_sealed changed = sealed;
    changed.kind = HSM_KEY_PIN_IN;
    stranger = hsm_key_visit(hsm, &changed, "term:10000001:mak");
    assert_int_equal(hsm_key_check(hsm, stranger, kcv, 3), HSM_KEY_UNAUTHENTIC);
    changed.kind = 200;
    stranger = hsm_key_visit(hsm, &changed, "term:10000001:mak");
    assert_int_equal(hsm_key_check(hsm, stranger, kcv, 3), HSM_KEY_UNAUTHENTIC);
    changed = sealed;
    changed.payload_length = 200;
    stranger = hsm_key_visit(hsm, &changed, "term:10000001:mak");
    assert_int_equal(hsm_key_check(hsm, stranger, kcv, 3), HSM_KEY_UNAUTHENTIC);
    for (int i = 0; i < HSM_VISIT_COUNT; i++) {
        stranger = hsm_key_visit(hsm, &sealed, "term:10000001:mak");
    }
    assert_int_equal(hsm_key_check(hsm, visitor, kcv, 3), HSM_KEY_UNAUTHENTIC);
    assert_int_equal(hsm_key_check(hsm, stranger, kcv, 3), HSM_DONE);
    /* The text form loads again. */
    hsm_key_text(&sealed, "term:10000001:mak", &record);
    assert_int_equal(load_answer(hsm, &record, HSM_KEY_MAC), HSM_DONE);
    hsm_destroy(hsm);
}

static void test_macs_are_made_and_verified_by_the_kind_that_serves(void **state)
{
    (void)state;
    static const struct {
        enum hsm_mac_algorithm algorithm;
        enum hsm_key_kind kind;
        const char *key;
        uint8_t length;
    } cases[] = {
        {HSM_MAC_UNIONPAY_ECB, HSM_KEY_MAC, KEY_SINGLE, 8},
        {HSM_MAC_UNIONPAY_ECB, HSM_KEY_MAC, KEY_A, 8},
        {HSM_MAC_X9_9, HSM_KEY_MAC, KEY_SINGLE, 4},
        {HSM_MAC_X9_9, HSM_KEY_MAC, KEY_SINGLE, 8},
        {HSM_MAC_X9_19, HSM_KEY_MAC_3, KEY_A, 8},
        {HSM_MAC_XOR_TDES, HSM_KEY_MAC, KEY_A, 8},
        {HSM_MAC_CMAC, HSM_KEY_CMAC, KEY_A, 8},
        {HSM_MAC_CMAC, HSM_KEY_CMAC, KEY_AES_HEX, 16},
    };
    struct hsm *hsm = fixture_module(HSM_PIN_NONE);
    struct fixture_bytes message = {.bytes = "a message of 301 bytes", .length = 301};
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        struct hsm_mac_intent intent = {.key = loaded(hsm, "k", cases[i].kind, cases[i].key),
                                        .algorithm = cases[i].algorithm,
                                        .bytes = view_of(&message),
                                        .mac_length = cases[i].length};
        assert_int_equal(hsm_mac_generate(hsm, &intent), HSM_DONE);
        assert_int_equal(hsm_mac_verify(hsm, &intent), HSM_DONE);
        intent.mac[cases[i].length - 1] ^= 1;
        assert_int_equal(hsm_mac_verify(hsm, &intent), HSM_VERIFY_FAILED);
        intent.mac[cases[i].length - 1] ^= 1;
        message.bytes[300] ^= 1;
        assert_int_equal(hsm_mac_verify(hsm, &intent), HSM_VERIFY_FAILED);
        intent.mac_length = 5;
        assert_int_equal(hsm_mac_verify(hsm, &intent), HSM_BAD_INTENT);
    }
    hsm_destroy(hsm);
}

static void test_a_key_of_another_kind_makes_no_mac(void **state)
{
    (void)state;
    struct hsm *hsm = fixture_module(HSM_PIN_LAB);
    struct hsm_mac_intent intent = {
        .key = loaded(hsm, "k", HSM_KEY_PIN_IN, KEY_A), .algorithm = HSM_MAC_X9_9, .mac_length = 8};
    assert_int_equal(hsm_mac_generate(hsm, &intent), HSM_KEY_USAGE);
    intent.algorithm = HSM_MAC_X9_19;
    intent.key = loaded(hsm, "m", HSM_KEY_MAC, KEY_A);
    assert_int_equal(hsm_mac_generate(hsm, &intent), HSM_KEY_USAGE);
    intent.algorithm = (enum hsm_mac_algorithm)77;
    assert_int_equal(hsm_mac_generate(hsm, &intent), HSM_BAD_INTENT);
    intent.algorithm = HSM_MAC_CMAC;
    intent.key = loaded(hsm, "c", HSM_KEY_CMAC, KEY_A);
    intent.mac_length = 16;
    assert_int_equal(hsm_mac_generate(hsm, &intent), HSM_BAD_INTENT); /* TDES has 8 */
    hsm_destroy(hsm);
}

struct pin_stage {
    struct hsm *hsm;
    struct pan pan;
    struct hsm_pin_translate intent;
};

static struct pin_stage pin_stage(void)
{
    struct pin_stage stage = {.hsm = fixture_module(HSM_PIN_LAB)};
    stage.pan = fixture_pan("6225000000000014");
    /* PIN 123456, format 0, under KEY_B. */
    uint8_t block[8] = {0x06, 0x12, 0x64, 0x56, 0xFF, 0xFF, 0xFF, 0xFE};
    struct clear_key pik = key_of(KEY_TDES, KEY_B);
    struct block_cipher *cipher = block_cipher_create();
    block_cipher_ecb(cipher, &pik, BLOCK_CIPHER_ENCRYPT, block, 8);
    block_cipher_destroy(cipher);
    stage.intent = (struct hsm_pin_translate){
        .from = loaded(stage.hsm, "term:10000001:pik", HSM_KEY_PIN_IN, KEY_B),
        .to = loaded(stage.hsm, "chan:bank:zpk", HSM_KEY_PIN_OUT, KEY_A),
        .in = {.length = 8, .format = PIN_FORMAT_0},
        .out_format = PIN_FORMAT_0,
        .random = {0xC3, 0x11, 0x52, 0x99, 0xAB, 0x01, 0x7F, 0xEE}};
    memcpy(stage.intent.in.bytes, block, 8);
    return stage;
}

static enum hsm_answer translate(struct pin_stage *stage, struct pin_block *out)
{
    stage->intent.pan = &stage->pan;
    return hsm_pin_translate(stage->hsm, &stage->intent, out);
}

static void test_a_pin_survives_every_allowed_translation(void **state)
{
    (void)state;
    static const enum pin_block_format formats[] = {PIN_FORMAT_3, PIN_FORMAT_4, PIN_FORMAT_0};
    struct pin_stage stage = pin_stage();
    struct pin_block first = stage.intent.in;
    struct pin_block out;
    /* There and back: the way back uses the same bytes under the other mode of use. */
    for (size_t i = 0; i < COUNT_OF(formats); i++) {
        bool is_aes = formats[i] == PIN_FORMAT_4;
        const char *key = is_aes ? KEY_AES_HEX : KEY_A;
        stage.intent.in = first;
        stage.intent.out_format = formats[i];
        stage.intent.from = loaded(stage.hsm, "in", HSM_KEY_PIN_IN, KEY_B);
        stage.intent.to = loaded(stage.hsm, "out", HSM_KEY_PIN_OUT, key);
        assert_int_equal(translate(&stage, &out), HSM_DONE);
        assert_int_equal(out.length, is_aes ? 16 : 8);
        assert_int_equal(out.format, formats[i]);
        stage.intent.in = out;
        stage.intent.out_format = PIN_FORMAT_0;
        stage.intent.from = loaded(stage.hsm, "in", HSM_KEY_PIN_IN, key);
        stage.intent.to = loaded(stage.hsm, "out", HSM_KEY_PIN_OUT, KEY_B);
        assert_int_equal(translate(&stage, &out), HSM_DONE);
        assert_memory_equal(out.bytes, first.bytes, 8);
    }
    hsm_destroy(stage.hsm);
}

static void test_a_block_without_a_card_number_gets_one(void **state)
{
    (void)state;
    struct pin_stage stage = pin_stage();
    struct pin_block bound = stage.intent.in;
    struct pin_block out;
    /* PIN 123456 in format 1, under the same key. */
    uint8_t block[8] = {0x16, 0x12, 0x34, 0x56, 0x9F, 0x10, 0xC4, 0x77};
    struct clear_key pik = key_of(KEY_TDES, KEY_B);
    struct block_cipher *cipher = block_cipher_create();
    block_cipher_ecb(cipher, &pik, BLOCK_CIPHER_ENCRYPT, block, 8);
    block_cipher_destroy(cipher);
    memcpy(stage.intent.in.bytes, block, 8);
    stage.intent.in.format = PIN_FORMAT_1;
    stage.intent.to = loaded(stage.hsm, "out", HSM_KEY_PIN_OUT, KEY_B);
    assert_int_equal(translate(&stage, &out), HSM_DONE);
    assert_memory_equal(out.bytes, bound.bytes, 8);
    stage.intent.out_format = PIN_FORMAT_1;
    assert_int_equal(translate(&stage, &out), HSM_DONE);
    assert_memory_not_equal(out.bytes, block, 8); /* other random digits */
    stage.intent.in = out;
    stage.intent.out_format = PIN_FORMAT_0;
    assert_int_equal(translate(&stage, &out), HSM_DONE);
    assert_memory_equal(out.bytes, bound.bytes, 8);
    hsm_destroy(stage.hsm);
}

static void test_a_translation_checks_even_when_nothing_changes(void **state)
{
    (void)state;
    struct pin_stage stage = pin_stage();
    struct pin_block out;
    stage.intent.in.bytes[0] ^= 1;
    assert_int_equal(translate(&stage, &out), HSM_BAD_PIN_BLOCK);
    assert_int_equal(out.length, 0);
    stage.intent.in.bytes[0] ^= 1;
    stage.pan = fixture_pan("6225000999000014");
    assert_int_equal(translate(&stage, &out), HSM_BAD_PIN_BLOCK);
    stage.pan = fixture_pan("62250000000");
    assert_int_equal(translate(&stage, &out), HSM_BAD_PAN);
    stage.pan = fixture_pan("6225000000000014");
    stage.intent.in.length = 16;
    assert_int_equal(translate(&stage, &out), HSM_BAD_PIN_BLOCK);
    hsm_destroy(stage.hsm);
}

static void test_formats_and_keys_outside_the_table_are_denied(void **state)
{
    (void)state;
    struct pin_stage stage = pin_stage();
    struct pin_block out;
    stage.intent.out_format = PIN_FORMAT_1;
    assert_int_equal(translate(&stage, &out), HSM_FORMAT_DENIED);
    stage.intent.out_format = PIN_FORMAT_0;
    stage.intent.in.format = 2;
    assert_int_equal(translate(&stage, &out), HSM_FORMAT_DENIED);
    stage.intent.in.format = PIN_FORMAT_0;
    stage.intent.out_format = PIN_FORMAT_4; /* under a TDES key */
    assert_int_equal(translate(&stage, &out), HSM_KEY_USAGE);
    stage.intent.out_format = PIN_FORMAT_0;
    stage.intent.in.format = PIN_FORMAT_4;
    stage.intent.in.length = 16;
    assert_int_equal(translate(&stage, &out), HSM_KEY_USAGE);
    struct hsm_key_handle swap = stage.intent.from;
    stage.intent.in.format = PIN_FORMAT_0;
    stage.intent.in.length = 8;
    stage.intent.from = stage.intent.to; /* mode E cannot decipher */
    assert_int_equal(translate(&stage, &out), HSM_KEY_USAGE);
    stage.intent.from = swap;
    stage.intent.to = swap; /* mode D cannot encipher */
    assert_int_equal(translate(&stage, &out), HSM_KEY_USAGE);
    hsm_destroy(stage.hsm);
}

static void test_pins_are_served_in_the_lab_only(void **state)
{
    (void)state;
    struct hsm *lab = fixture_module(HSM_PIN_LAB);
    struct hsm_key_record record = wrapped(lab, "k", HSM_KEY_PIN_IN, KEY_A);
    static const enum hsm_pin_policy policies[] = {HSM_PIN_NONE, HSM_PIN_LIVE};
    for (size_t i = 0; i < COUNT_OF(policies); i++) {
        struct hsm *hsm = fixture_module(policies[i]);
        struct fixture_bytes clear = bytes_of(KEY_A);
        struct pan pan = fixture_pan("6225000000000014");
        struct hsm_pin_translate translate_intent = {.pan = &pan};
        struct pin_block out;
        struct hsm_working_keys keys;
        struct hsm_working_keys_intent working = {.terminal_id = "10000001"};
        struct hsm_key_import import = {.name = "k", .kind = HSM_KEY_PIN_OUT};
        struct hsm_key_record ignored;
        assert_int_equal(load_answer(hsm, &record, HSM_KEY_PIN_IN), HSM_NOT_PERMITTED);
        assert_int_equal(hsm_pin_translate(hsm, &translate_intent, &out), HSM_NOT_PERMITTED);
        assert_int_equal(hsm_working_keys(hsm, &working, &keys), HSM_NOT_PERMITTED);
        assert_int_equal(hsm_key_import(hsm, &import, &ignored), HSM_NOT_PERMITTED);
        assert_int_equal(
            hsm_key_wrap_clear(hsm, "k", HSM_KEY_PIN_IN, view_of(&clear), RANDOM, &ignored),
            HSM_NOT_PERMITTED);
        hsm_destroy(hsm);
    }
    hsm_destroy(lab);
}

static void test_clear_keys_are_wrapped_under_the_test_master_key_only(void **state)
{
    (void)state;
    static const uint8_t master[HSM_MASTER_KEY_BYTES] = {1};
    const struct hsm_setup setup = {
        .master_key = master, .pin_policy = HSM_PIN_LAB, .key_count_max = 1};
    struct hsm *hsm = hsm_soft_create(&setup);
    struct fixture_bytes clear = bytes_of(KEY_A);
    struct hsm_key_record record;
    assert_int_equal(hsm_key_wrap_clear(hsm, "k", HSM_KEY_MAC, view_of(&clear), RANDOM, &record),
                     HSM_NOT_PERMITTED);
    hsm_destroy(hsm);
}

static struct hsm_working_keys_intent working_intent(struct hsm *hsm)
{
    struct hsm_working_keys_intent intent = {
        .terminal_master = loaded(hsm, "term:10000001:tmk", HSM_KEY_TERMINAL_MASTER, KEY_A),
        .terminal_id = "10000001"};
    for (size_t i = 0; i < sizeof(intent.random); i++) {
        intent.random[i] = (uint8_t)(i * 37 + 11);
    }
    return intent;
}

/* The terminal's side of it: the record and field 62 hold one key. */
static void assert_same_key(struct hsm *hsm, const struct hsm_key_record *record,
                            enum hsm_key_kind kind, struct byte_view entry)
{
    struct hsm_key_record imported;
    struct hsm_key_handle handle;
    uint8_t kcv[4];
    uint32_t key_length = entry.length - 4;
    const struct hsm_key_import import = {
        .master = loaded(hsm, "term:10000001:tmk", HSM_KEY_TERMINAL_MASTER, KEY_A),
        .name = "imported",
        .kind = kind,
        .enciphered = {entry.bytes, key_length},
        .check_value = {entry.bytes + key_length, 4}};
    assert_int_equal(hsm_key_load(hsm, record, kind, &handle), HSM_DONE);
    assert_int_equal(hsm_key_check(hsm, handle, kcv, 4), HSM_DONE);
    assert_memory_equal(kcv, entry.bytes + key_length, 4);
    assert_int_equal(hsm_key_import(hsm, &import, &imported), HSM_DONE);
    assert_int_equal(hsm_key_load(hsm, &imported, kind, &handle), HSM_DONE);
}

static void test_working_keys_are_those_of_field_62(void **state)
{
    (void)state;
    static const struct {
        bool is_double_length, is_mak_single, with_track_key;
        uint8_t length, pik, mak; /* bytes of the field and of its entries */
    } cases[] = {
        {false, false, false, 24, 12, 12}, {true, false, false, 40, 20, 20},
        {true, true, false, 40, 20, 20},   {true, true, true, 60, 20, 20},
        {true, false, true, 60, 20, 20},
    };
    struct hsm *hsm = fixture_module(HSM_PIN_LAB);
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        struct hsm_working_keys keys;
        struct hsm_working_keys_intent intent = working_intent(hsm);
        intent.is_double_length = cases[i].is_double_length;
        intent.is_mak_single = cases[i].is_mak_single;
        intent.with_track_key = cases[i].with_track_key;
        assert_int_equal(hsm_working_keys(hsm, &intent, &keys), HSM_DONE);
        assert_int_equal(keys.field_62_length, cases[i].length);
        assert_string_equal(keys.pik.name, "term:10000001:pik");
        assert_same_key(hsm, &keys.pik, HSM_KEY_PIN_IN,
                        (struct byte_view){keys.field_62, cases[i].pik});
        assert_same_key(hsm, &keys.mak, HSM_KEY_MAC,
                        (struct byte_view){keys.field_62 + cases[i].pik, cases[i].mak});
        assert_true((keys.tdk.name[0] != '\0') == cases[i].with_track_key);
        if (cases[i].with_track_key) {
            assert_same_key(hsm, &keys.tdk, HSM_KEY_TRACK,
                            (struct byte_view){keys.field_62 + 40, 20});
        }
        static const uint8_t zeros[8];
        if (cases[i].is_mak_single) {
            assert_memory_equal(keys.field_62 + 28, zeros, 8);
        }
    }
    hsm_destroy(hsm);
}

static void test_unfit_signons_are_refused(void **state)
{
    (void)state;
    struct hsm *hsm = fixture_module(HSM_PIN_LAB);
    struct hsm_working_keys keys;
    struct hsm_working_keys_intent intent = working_intent(hsm);
    intent.with_track_key = true; /* single-length with a track key: no such sign-on */
    assert_int_equal(hsm_working_keys(hsm, &intent, &keys), HSM_BAD_INTENT);
    intent.with_track_key = false;
    intent.is_mak_algorithm_3 = true;
    assert_int_equal(hsm_working_keys(hsm, &intent, &keys), HSM_BAD_INTENT);
    intent.is_double_length = true;
    assert_int_equal(hsm_working_keys(hsm, &intent, &keys), HSM_DONE);
    assert_int_equal(load_answer(hsm, &keys.mak, HSM_KEY_MAC_3), HSM_DONE);
    memset(intent.random, 0, sizeof(intent.random)); /* equal halves */
    assert_int_equal(hsm_working_keys(hsm, &intent, &keys), HSM_BAD_INTENT);
    assert_int_equal(keys.field_62_length, 0);
    intent.terminal_master = loaded(hsm, "m", HSM_KEY_MAC, KEY_A);
    assert_int_equal(hsm_working_keys(hsm, &intent, &keys), HSM_KEY_USAGE);
    hsm_destroy(hsm);
}

static void test_an_import_wants_the_right_check_value(void **state)
{
    (void)state;
    struct hsm *hsm = fixture_module(HSM_PIN_LAB);
    struct hsm_key_record record;
    uint8_t enciphered[16];
    uint8_t kcv[5] = {0x08, 0xD7, 0xB4, 0xFB};
    struct fixture_bytes clear = bytes_of(KEY_A);
    struct clear_key zmk = key_of(KEY_TDES, KEY_B);
    struct block_cipher *cipher = block_cipher_create();
    memcpy(enciphered, clear.bytes, 16);
    block_cipher_ecb(cipher, &zmk, BLOCK_CIPHER_ENCRYPT, enciphered, 16);
    block_cipher_destroy(cipher);
    struct hsm_key_import import = {.master = loaded(hsm, "zmk", HSM_KEY_ZONE_MASTER, KEY_B),
                                    .name = "chan:bank:zpk",
                                    .kind = HSM_KEY_PIN_OUT,
                                    .enciphered = {enciphered, 16}};
    assert_int_equal(hsm_key_import(hsm, &import, &record), HSM_DONE);
    import.check_value = (struct byte_view){kcv, 3};
    assert_int_equal(hsm_key_import(hsm, &import, &record), HSM_DONE);
    kcv[2] ^= 1;
    assert_int_equal(hsm_key_import(hsm, &import, &record), HSM_VERIFY_FAILED);
    import.check_value.length = 5;
    assert_int_equal(hsm_key_import(hsm, &import, &record), HSM_BAD_INTENT);
    import.check_value.length = 0;
    import.enciphered.length = 15;
    assert_int_equal(hsm_key_import(hsm, &import, &record), HSM_BAD_INTENT);
    import.enciphered.length = 16;
    import.kind = HSM_KEY_DATA; /* an AES key never travels under TDES */
    assert_int_equal(hsm_key_import(hsm, &import, &record), HSM_KEY_USAGE);
    enciphered[3] ^= 1; /* random bits have no parity */
    import.kind = HSM_KEY_PIN_OUT;
    assert_int_equal(hsm_key_import(hsm, &import, &record), HSM_KEY_UNAUTHENTIC);
    hsm_destroy(hsm);
}

static void test_card_numbers_seal_open_and_hash(void **state)
{
    (void)state;
    struct hsm *hsm = fixture_module(HSM_PIN_NONE);
    struct hsm_key_handle data = loaded(hsm, "own:pan:data", HSM_KEY_DATA, KEY_AES_HEX);
    struct hsm_key_handle hash_key = loaded(hsm, "own:pan:hash", HSM_KEY_HASH, KEY_AES_HEX);
    struct pan pan = fixture_pan("6225000000000014");
    struct pan opened;
    struct pan_sealed sealed;
    struct pan_hash hash;
    struct pan_hash again;
    assert_int_equal(hsm_pan_seal(hsm, data, &pan, RANDOM, &sealed), HSM_DONE);
    assert_int_equal(sealed.length, 12 + 16 + 16);
    assert_int_equal(hsm_pan_open(hsm, data, &sealed, &opened), HSM_DONE);
    assert_true(pan_equals(&pan, &opened));
    sealed.bytes[14] ^= 1;
    assert_int_equal(hsm_pan_open(hsm, data, &sealed, &opened), HSM_VERIFY_FAILED);
    sealed.length = 28;
    assert_int_equal(hsm_pan_open(hsm, data, &sealed, &opened), HSM_VERIFY_FAILED);
    assert_int_equal(hsm_pan_open(hsm, hash_key, &sealed, &opened), HSM_KEY_USAGE);
    assert_int_equal(hsm_pan_hash(hsm, hash_key, &pan, &hash), HSM_DONE);
    assert_int_equal(hsm_pan_hash(hsm, hash_key, &pan, &again), HSM_DONE);
    assert_memory_equal(&hash, &again, sizeof(hash));
    /* HMAC-SHA-256 of the digits under bytes 00 to 1F, computed apart. */
    assert_hex(hash.bytes, sizeof(hash.bytes), "A51066C014908C4DB209DB3F82D20DE0");
    struct pan none = {.digit_count = 0};
    assert_int_equal(hsm_pan_hash(hsm, hash_key, &none, &hash), HSM_BAD_PAN);
    assert_int_equal(hsm_pan_seal(hsm, data, &none, RANDOM, &sealed), HSM_BAD_PAN);
    hsm_destroy(hsm);
}

static void test_an_enciphered_track_opens_under_its_tdk(void **state)
{
    (void)state;
    struct hsm *hsm = fixture_module(HSM_PIN_NONE);
    struct hsm_key_handle tdk =
        loaded(hsm, "term:10000001:tdk", HSM_KEY_TRACK, "40E9A7C7325B8C1F6E0D9D8A7A584937");
    struct track2 track = {.count = 5, .characters = "12345"};
    assert_int_equal(hsm_track2_open(hsm, tdk, &track), HSM_BAD_PAN); /* too short */
    track = (struct track2){.count = 37, .characters = "6225000000000014=30130CD562B2A2CBEE60"};
    struct track2 again = track;
    assert_int_equal(hsm_track2_open(hsm, tdk, &track), HSM_DONE);
    assert_string_equal(track.characters, "6225000000000014=30122010000000000000");
    struct hsm_key_handle other = loaded(hsm, "term:10000002:tdk", HSM_KEY_TRACK, KEY_A);
    assert_int_equal(hsm_track2_open(hsm, other, &again), HSM_BAD_PAN);
    track = (struct track2){.count = 37, .characters = "6225000000000014=3013z0000000000000000"};
    assert_int_equal(hsm_track2_open(hsm, tdk, &track), HSM_BAD_PAN);
    assert_int_equal(hsm_track2_open(hsm, loaded(hsm, "k", HSM_KEY_MAC, KEY_A), &track),
                     HSM_KEY_USAGE);
    hsm_destroy(hsm);
}

static void test_check_values_are_cut_inside(void **state)
{
    (void)state;
    uint8_t kcv[8];
    struct hsm *hsm = fixture_module(HSM_PIN_NONE);
    struct hsm_key_handle mac = loaded(hsm, "m", HSM_KEY_MAC, KEY_A);
    struct hsm_key_handle data = loaded(hsm, "d", HSM_KEY_DATA, KEY_AES_HEX);
    struct hsm_key_handle hash = loaded(hsm, "h", HSM_KEY_HASH, KEY_AES_HEX);
    assert_int_equal(hsm_key_check(hsm, mac, kcv, 4), HSM_DONE);
    assert_int_equal(hsm_key_check(hsm, mac, kcv, 5), HSM_BAD_INTENT);
    assert_int_equal(hsm_key_check(hsm, mac, kcv, 0), HSM_BAD_INTENT);
    assert_int_equal(hsm_key_check(hsm, data, kcv, 5), HSM_DONE);
    assert_int_equal(hsm_key_check(hsm, data, kcv, 6), HSM_BAD_INTENT);
    assert_int_equal(hsm_key_check(hsm, hash, kcv, 3), HSM_KEY_USAGE);
    hsm_destroy(hsm);
}

static void test_words_for_answers_and_kinds(void **state)
{
    (void)state;
    assert_string_equal(hsm_answer_text(HSM_VERIFY_FAILED), "the MAC does not match");
    assert_string_equal(hsm_answer_text((enum hsm_answer)99), "an answer outside the map");
    for (int kind = 0; kind < HSM_KEY_KIND_COUNT; kind++) {
        const char *name = hsm_key_kind_name((enum hsm_key_kind)kind);
        assert_int_equal(hsm_key_kind_from_name(name), kind);
    }
    assert_int_equal(hsm_key_kind_from_name("master"), HSM_KEY_KIND_COUNT);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_block_opens_under_its_own_name_only),
        cmocka_unit_test(test_every_changed_character_of_a_block_is_noticed),
        cmocka_unit_test(test_another_master_key_opens_nothing),
        cmocka_unit_test(test_a_kind_is_told_by_usage_and_mode),
        cmocka_unit_test(test_weak_keys_are_refused),
        cmocka_unit_test(test_parity_can_be_mended),
        cmocka_unit_test(test_a_replaced_or_unloaded_key_leaves_stale_handles),
        cmocka_unit_test(test_slots_are_bounded_and_come_back),
        cmocka_unit_test(test_names_are_short_and_printable),
        cmocka_unit_test(test_a_sealed_key_serves_a_visitor),
        cmocka_unit_test(test_macs_are_made_and_verified_by_the_kind_that_serves),
        cmocka_unit_test(test_a_key_of_another_kind_makes_no_mac),
        cmocka_unit_test(test_a_pin_survives_every_allowed_translation),
        cmocka_unit_test(test_a_block_without_a_card_number_gets_one),
        cmocka_unit_test(test_a_translation_checks_even_when_nothing_changes),
        cmocka_unit_test(test_formats_and_keys_outside_the_table_are_denied),
        cmocka_unit_test(test_pins_are_served_in_the_lab_only),
        cmocka_unit_test(test_clear_keys_are_wrapped_under_the_test_master_key_only),
        cmocka_unit_test(test_working_keys_are_those_of_field_62),
        cmocka_unit_test(test_unfit_signons_are_refused),
        cmocka_unit_test(test_an_import_wants_the_right_check_value),
        cmocka_unit_test(test_card_numbers_seal_open_and_hash),
        cmocka_unit_test(test_an_enciphered_track_opens_under_its_tdk),
        cmocka_unit_test(test_check_values_are_cut_inside),
        cmocka_unit_test(test_words_for_answers_and_kinds),
    };
    return cmocka_run_group_tests_name("hsm/soft", tests, NULL, NULL);
}
