/* Who answers which key: rows by name, working keys in force as a whole, failures counted. */
#include "tests/unit/switch/security/security_fixture.h"

#include <pthread.h>
#include <stdio.h>

#include "hsm/block_cipher.h"
#include "hsm/working_keys.h"
#include "switch/security/key_cell.h"
#include "switch/security/key_name.h"

static const struct byte_view SCOPE = {(const uint8_t *)"the bytes under a MAC", 21};

static void test_rows_that_do_not_fit_say_why(void **state)
{
    (void)state;
    static const struct {
        const char *name;
        enum hsm_key_kind kind;
        enum status status;
        const char *says;
    } cases[] = {
        {"term:10000001:tmk", HSM_KEY_ZONE_MASTER, STATUS_BAD_VALUE, "kind \"zone_master\""},
        {"term:10000001:mak", HSM_KEY_PIN_IN, STATUS_BAD_VALUE, "kind"},
        {"term:100000012:tmk", HSM_KEY_TERMINAL_MASTER, STATUS_BAD_VALUE, "no such name"},
        {"term::tmk", HSM_KEY_TERMINAL_MASTER, STATUS_BAD_VALUE, "no such name"},
        {"chan:bank_a:zmk", HSM_KEY_ZONE_MASTER, STATUS_OK, ""},
        {"chan:bank_a:tmk", HSM_KEY_TERMINAL_MASTER, STATUS_BAD_VALUE, "no such name"},
        {"own:pan:x:data", HSM_KEY_DATA, STATUS_BAD_VALUE, "no such name"},
        {"nobody", HSM_KEY_MAC, STATUS_BAD_VALUE, "term:<terminal_id>:tmk"},
        {"term:10000009:mak", HSM_KEY_MAC, STATUS_OK, ""},
    };
    struct security *security = bare_security(1);
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        char reason[SECURITY_REASON_SIZE] = "";
        const char *hex = cases[i].kind == HSM_KEY_DATA ? TEST_WIDE : TEST_TMK;
        struct wrapped_key key = wrapped_key(cases[i].name, cases[i].kind, hex);
        assert_int_equal(load_key(security, cases[i].name, &key, reason), cases[i].status);
        if (strstr(reason, cases[i].says) == NULL) {
            fail_msg("%s: %s", cases[i].name, reason);
        }
    }
    security_destroy(security);
}

static void test_a_block_under_another_name_is_refused(void **state)
{
    (void)state;
    char reason[SECURITY_REASON_SIZE];
    struct security *security = bare_security(1);
    struct wrapped_key key = wrapped_key("term:10000001:tmk", HSM_KEY_TERMINAL_MASTER, TEST_TMK);
    assert_int_equal(load_key(security, "term:10000002:tmk", &key, reason), STATUS_DENIED);
    assert_non_null(strstr(reason, "term:10000002:tmk"));
    assert_null(strstr(reason, key.record.block));
    key.kind = "nonsense";
    assert_int_equal(load_key(security, "term:10000001:tmk", &key, reason), STATUS_BAD_VALUE);
    char long_block[400];
    memset(long_block, 'D', sizeof(long_block));
    long_block[399] = '\0';
    const struct security_key_row row = {"term:10000001:tmk", "terminal_master", long_block, 2};
    assert_int_equal(load_row(security, &row, reason), STATUS_BAD_VALUE);
    security_destroy(security);
}

/* Reversals that wait need the card numbers which the log holds. */
static void test_our_own_keys_are_not_exchanged_while_in_force(void **state)
{
    (void)state;
    static const char *const names[] = {"own:pan:data", "own:pan:hash"};
    static const enum hsm_key_kind kinds[] = {HSM_KEY_DATA, HSM_KEY_HASH};
    char reason[SECURITY_REASON_SIZE];
    struct security *security = lab_security(1);
    for (int i = 0; i < 2; i++) {
        struct wrapped_key same = wrapped_key(names[i], kinds[i], TEST_WIDE);
        struct wrapped_key other = wrapped_key(names[i], kinds[i], TEST_TMK TEST_ZPK);
        assert_int_equal(load_key(security, names[i], &same, reason), STATUS_OK);
        assert_int_equal(load_key(security, names[i], &other, reason), STATUS_DENIED);
        assert_non_null(strstr(reason, names[i]));
        assert_non_null(strstr(reason, "in force"));
    }
    security_destroy(security);
}

static void test_terminals_are_bounded(void **state)
{
    (void)state;
    char reason[SECURITY_REASON_SIZE];
    struct security *security = bare_security(1);
    for (unsigned i = 0; i < 6; i++) {
        char name[HSM_KEY_NAME_SIZE];
        snprintf(name, sizeof(name), "term:%u:tmk", i);
        struct wrapped_key key = wrapped_key(name, HSM_KEY_TERMINAL_MASTER, TEST_TMK);
        assert_int_equal(load_key(security, name, &key, reason),
                         i < 4 ? STATUS_OK : STATUS_NO_ROOM);
    }
    assert_non_null(strstr(reason, "limit of terminals"));
    security_destroy(security);
}

static void test_a_terminal_is_known_by_its_master_key(void **state)
{
    (void)state;
    struct security *security = bare_security(1);
    assert_false(security_has_terminal(security, "10000001"));
    give_key(security, "term:10000001:mak", HSM_KEY_MAC, TEST_TMK);
    assert_false(security_has_terminal(security, "10000001"));
    give_key(security, "term:10000001:tmk", HSM_KEY_TERMINAL_MASTER, TEST_TMK);
    assert_true(security_has_terminal(security, "10000001"));
    security_destroy(security);
}

static void test_our_own_keys_are_required(void **state)
{
    (void)state;
    char reason[SECURITY_REASON_SIZE];
    struct security *security = bare_security(1);
    give_key(security, "own:pan:data", HSM_KEY_DATA, TEST_WIDE);
    assert_int_equal(security_check(security, reason), STATUS_MISSING);
    assert_non_null(strstr(reason, "own:pan:hash"));
    give_key(security, "own:pan:hash", HSM_KEY_HASH, TEST_WIDE);
    assert_int_equal(security_check(security, reason), STATUS_OK);
    security_destroy(security);
}

static struct byte_view records_of(const struct security_made_keys *made)
{
    return (struct byte_view){made->records, made->records_length};
}

static struct security_made_keys sign_on(struct security *security, const char *code)
{
    struct security_made_keys made;
    struct payment signon = signon_payment("10000001", code);
    assert_int_equal(security_make_keys(security_unit(security, 0), &signon, &made), HSM_DONE);
    return made;
}

/* A reload reads the key file again; the terminal has other working keys since. */
static void test_keys_of_a_signon_outlast_those_of_the_file(void **state)
{
    (void)state;
    uint8_t mac[SECURITY_MAC_BYTES];
    struct byte_view view = {mac, sizeof(mac)};
    struct security *security = lab_security(1);
    struct security_unit *unit = security_unit(security, 0);
    give_key(security, "term:10000001:mak", HSM_KEY_MAC, TEST_ZAK);
    assert_int_equal(security_reply_mac(unit, "10000001", SCOPE, mac), HSM_DONE);
    struct security_made_keys made = sign_on(security, "003");
    assert_int_equal(security_install(security, records_of(&made)), STATUS_OK);
    assert_int_equal(security_gate_verify(unit, "10000001", SCOPE, view).gate, SECURITY_BAD_MAC);
    assert_int_equal(security_reply_mac(unit, "10000001", SCOPE, mac), HSM_DONE);
    give_key(security, "term:10000001:mak", HSM_KEY_MAC, TEST_ZAK);
    assert_int_equal(security_gate_verify(unit, "10000001", SCOPE, view).gate, SECURITY_PASS);
    security_destroy(security);
}

static void test_a_signon_gives_keys_that_serve_once_installed(void **state)
{
    (void)state;
    static const struct {
        const char *code;
        uint8_t length;
    } cases[] = {{"001", 24}, {"003", 40}, {"004", 60}};
    uint8_t mac[SECURITY_MAC_BYTES] = {0};
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        struct security *security = lab_security(2);
        struct security_unit *unit = security_unit(security, 0);
        struct security_verdict verdict = security_gate_verify(
            unit, "10000001", SCOPE, (struct byte_view){mac, SECURITY_MAC_BYTES});
        assert_int_equal(verdict.gate, SECURITY_NO_KEY);
        assert_true(verdict.asks_signon);
        struct security_made_keys made = sign_on(security, cases[i].code);
        assert_int_equal(made.field_62_length, cases[i].length);
        assert_int_equal(security_reply_mac(unit, "10000001", SCOPE, mac), HSM_KEY_UNAUTHENTIC);
        assert_int_equal(security_install(security, records_of(&made)), STATUS_OK);
        assert_int_equal(security_reply_mac(unit, "10000001", SCOPE, mac), HSM_DONE);
        /* Another thread's unit sees the same keys. */
        verdict = security_gate_verify(security_unit(security, 1), "10000001", SCOPE,
                                       (struct byte_view){mac, SECURITY_MAC_BYTES});
        assert_int_equal(verdict.gate, SECURITY_PASS);
        security_destroy(security);
    }
}

/* 08D7B4 is the check value that every page about this key shows. */
static void test_keys_are_told_by_their_check_values(void **state)
{
    (void)state;
    struct security_kcv before[SECURITY_KCV_COUNT];
    struct security_kcv after[SECURITY_KCV_COUNT];
    struct security *security = lab_security(1);
    struct security_unit *unit = security_unit(security, 0);
    assert_int_equal(security_terminal_kcvs(unit, "10000001", before), 1);
    assert_string_equal(before[0].name, "term:10000001:tmk");
    assert_memory_equal(before[0].kcv, "\x08\xD7\xB4", SECURITY_KCV_BYTES);
    assert_int_equal(security_terminal_kcvs(unit, "99999999", before), 0);
    struct security_made_keys made = sign_on(security, "004");
    assert_int_equal(security_install(security, records_of(&made)), STATUS_OK);
    assert_int_equal(security_terminal_kcvs(unit, "10000001", after), SECURITY_KCV_COUNT);
    assert_string_equal(after[1].name, "term:10000001:pik");
    assert_string_equal(after[2].name, "term:10000001:mak");
    /* field 62 brings the terminal the first of its bytes: PIK in 16 bytes, then its check value */
    assert_memory_equal(after[1].kcv, made.field_62 + 16, SECURITY_KCV_BYTES);
    assert_memory_not_equal(after[1].kcv, after[2].kcv, SECURITY_KCV_BYTES);
    security_destroy(security);
}

static void test_keys_of_the_log_serve_after_a_restart(void **state)
{
    (void)state;
    uint8_t mac[SECURITY_MAC_BYTES];
    struct security *before = lab_security(1);
    struct security_made_keys made = sign_on(before, "003");
    assert_int_equal(security_install(before, records_of(&made)), STATUS_OK);
    assert_int_equal(security_reply_mac(security_unit(before, 0), "10000001", SCOPE, mac),
                     HSM_DONE);
    security_destroy(before);
    struct security *after = lab_security(1);
    assert_int_equal(security_install(after, records_of(&made)), STATUS_OK);
    struct security_verdict verdict = security_gate_verify(
        security_unit(after, 0), "10000001", SCOPE, (struct byte_view){mac, SECURITY_MAC_BYTES});
    assert_int_equal(verdict.gate, SECURITY_PASS);
    security_destroy(after);
}

static void test_records_that_were_tampered_with_do_not_serve(void **state)
{
    (void)state;
    uint8_t mac[SECURITY_MAC_BYTES];
    struct security *security = lab_security(1);
    struct security_made_keys made = sign_on(security, "003");
    struct byte_view cut = records_of(&made);
    cut.length--;
    assert_int_equal(security_install(security, cut), STATUS_MALFORMED);
    made.records[0]++;
    assert_int_equal(security_install(security, records_of(&made)), STATUS_MALFORMED);
    made.records[0]--;
    /* Another terminal's row: the keys are there and do not open. */
    give_key(security, "term:10000002:tmk", HSM_KEY_TERMINAL_MASTER, TEST_TMK);
    made.records[8] = '2';
    assert_int_equal(security_install(security, records_of(&made)), STATUS_OK);
    assert_int_equal(security_reply_mac(security_unit(security, 0), "10000002", SCOPE, mac),
                     HSM_KEY_UNAUTHENTIC);
    made.records[8] = '9';
    assert_int_equal(security_install(security, records_of(&made)), STATUS_NOT_FOUND);
    security_destroy(security);
}

static void test_three_bad_macs_in_a_row_ask_for_a_signon(void **state)
{
    (void)state;
    uint8_t good[SECURITY_MAC_BYTES];
    uint8_t bad[SECURITY_MAC_BYTES] = "00000000";
    struct byte_view good_view = {good, sizeof(good)};
    struct byte_view bad_view = {bad, sizeof(bad)};
    struct security *security = lab_security(1);
    struct security_unit *unit = security_unit(security, 0);
    struct security_made_keys made = sign_on(security, "003");
    assert_int_equal(security_install(security, records_of(&made)), STATUS_OK);
    assert_int_equal(security_reply_mac(unit, "10000001", SCOPE, good), HSM_DONE);
    for (int round = 0; round < 2; round++) {
        for (uint32_t i = 1; i <= 2; i++) {
            struct security_verdict verdict =
                security_gate_verify(unit, "10000001", SCOPE, bad_view);
            assert_int_equal(verdict.gate, SECURITY_BAD_MAC);
            assert_int_equal(verdict.failures, i);
            assert_false(verdict.asks_signon);
        }
        assert_int_equal(security_gate_verify(unit, "10000001", SCOPE, good_view).gate,
                         SECURITY_PASS);
    }
    bad_view.length = 4; /* a field of another length is a wrong MAC, not a crash */
    for (int i = 0; i < 3; i++) {
        assert_true(security_gate_verify(unit, "10000001", SCOPE, bad_view).asks_signon ==
                    (i == 2));
    }
    assert_int_equal(count_get(&security_counts(unit)->macs_failed), 7);
    assert_int_equal(count_get(&security_counts(unit)->macs_verified), 2);
    security_destroy(security);
}

static const char *hint_of(struct security_unit *unit, const uint8_t mac[SECURITY_MAC_BYTES])
{
    const char *hint =
        security_gate_hint(unit, "10000001", SCOPE, (struct byte_view){mac, SECURITY_MAC_BYTES});
    return hint == NULL ? "" : hint;
}

/* What is wrong with a MAC is told by trying what else might have been meant. */
static void test_a_wrong_mac_is_explained(void **state)
{
    (void)state;
    static const enum hsm_mac_algorithm RULES[] = {HSM_MAC_X9_9, HSM_MAC_XOR_TDES};
    static const char *const NAMES[] = {"x9_9", "xor_tdes"};
    uint8_t mac[SECURITY_MAC_BYTES];
    struct security *security = lab_security(1);
    struct security_unit *unit = security_unit(security, 0);
    give_key(security, "term:10000001:mak", HSM_KEY_MAC, TEST_ZAK);
    give_key(security, "chan:bank_a:zak", HSM_KEY_MAC, TEST_ZAK);
    struct security_link link = {.channel = (uint16_t)security_channel(security, "bank_a")};
    for (size_t i = 0; i < COUNT_OF(RULES); i++) {
        link.algorithm = RULES[i];
        assert_int_equal(security_link_mac(unit, link, SCOPE, mac), HSM_DONE);
        assert_non_null(strstr(hint_of(unit, mac), NAMES[i]));
        link.algorithm = HSM_MAC_UNIONPAY_ECB;
        const char *hint =
            security_link_hint(unit, link, SCOPE, (struct byte_view){mac, SECURITY_MAC_BYTES});
        assert_non_null(hint);
        assert_non_null(strstr(hint, NAMES[i]));
    }
    memset(mac, '0', sizeof(mac));
    assert_non_null(strstr(hint_of(unit, mac), "one character"));
    memcpy(mac, "01234567", sizeof(mac));
    assert_non_null(strstr(hint_of(unit, mac), "did not take these keys"));
    uint8_t good[SECURITY_MAC_BYTES];
    assert_int_equal(security_reply_mac(unit, "10000001", SCOPE, good), HSM_DONE);
    struct byte_view view = {good, sizeof(good)};
    assert_int_equal(security_gate_verify(unit, "10000001", SCOPE, view).gate, SECURITY_PASS);
    assert_string_equal(hint_of(unit, mac), "");
    assert_true(security_gate_would_hold(unit, "10000001", SCOPE, view));
    assert_false(security_gate_would_hold(unit, "10000001",
                                          (struct byte_view){SCOPE.bytes, SCOPE.length - 1}, view));
    assert_false(security_gate_would_hold(unit, "10000009", SCOPE, view));
    security_destroy(security);
}

static void test_unfit_signons_are_told_apart(void **state)
{
    (void)state;
    struct security_made_keys made;
    struct security *security = lab_security(1);
    struct security_unit *unit = security_unit(security, 0);
    struct payment signon = signon_payment("10000001", "005");
    assert_int_equal(security_make_keys(unit, &signon, &made), HSM_BAD_INTENT);
    signon = signon_payment("99999999", "003");
    assert_int_equal(security_make_keys(unit, &signon, &made), HSM_KEY_UNAUTHENTIC);
    assert_int_equal(count_get(&security_counts(unit)->faults), 2);
    security_destroy(security);
}

/* The terminal's side: its PIN key out of field 62. */
static struct pin_block terminal_pin(const struct security_made_keys *made)
{
    struct pin_block pin = {.length = 8, .format = PIN_FORMAT_0};
    static const uint8_t clear[8] = {0x06, 0x12, 0x64, 0x56, 0xFF, 0xFF, 0xFF, 0xFE};
    struct block_cipher *cipher = block_cipher_create();
    struct clear_key tmk;
    struct clear_key pik;
    uint8_t bytes[16];
    struct byte_writer writer;
    byte_writer_init(&writer, bytes, sizeof(bytes));
    assert_int_equal(bytes_from_hex(&writer, TEST_TMK, 32), STATUS_OK);
    clear_key_set(&tmk, KEY_TDES, (struct byte_view){bytes, 16});
    assert_true(
        working_keys_take(cipher, &tmk, (struct byte_view){made->field_62, 16}, false, &pik));
    memcpy(pin.bytes, clear, 8);
    block_cipher_ecb(cipher, &pik, BLOCK_CIPHER_ENCRYPT, pin.bytes, 8);
    block_cipher_destroy(cipher);
    return pin;
}

static void test_a_pin_goes_from_the_terminal_to_the_bank(void **state)
{
    (void)state;
    struct security *security = lab_security(1);
    struct security_unit *unit = security_unit(security, 0);
    struct security_made_keys made = sign_on(security, "003");
    struct pin_block in = terminal_pin(&made);
    struct pin_block out;
    struct pan pan;
    assert_int_equal(pan_parse(&pan, "6225000000000014", 16), STATUS_OK);
    int channel = security_channel(security, "bank_a");
    assert_true(channel >= 0);
    assert_int_equal(security_channel(security, "bank_b"), -1);
    struct security_pin pin = {.terminal_id = "10000001",
                               .channel = (uint16_t)channel,
                               .in = &in,
                               .out_format = PIN_FORMAT_0,
                               .pan = &pan};
    assert_int_equal(security_translate_pin(unit, &pin, &out), HSM_KEY_UNAUTHENTIC);
    assert_int_equal(security_install(security, records_of(&made)), STATUS_OK);
    assert_int_equal(security_translate_pin(unit, &pin, &out), HSM_DONE);
    assert_int_equal(out.length, 8);
    pin.out_format = PIN_FORMAT_3;
    assert_int_equal(security_translate_pin(unit, &pin, &out), HSM_DONE);
    pin.out_format = PIN_FORMAT_1;
    assert_int_equal(security_translate_pin(unit, &pin, &out), HSM_FORMAT_DENIED);
    in.bytes[0] ^= 1;
    pin.out_format = PIN_FORMAT_0;
    assert_int_equal(security_translate_pin(unit, &pin, &out), HSM_BAD_PIN_BLOCK);
    assert_int_equal(count_get(&security_counts(unit)->pins_translated), 2);
    assert_int_equal(count_get(&security_counts(unit)->pins_refused), 3);
    security_destroy(security);
}

static void test_bank_macs(void **state)
{
    (void)state;
    uint8_t mac[SECURITY_MAC_BYTES];
    struct security *security = lab_security(1);
    struct security_unit *unit = security_unit(security, 0);
    struct security_link link = {.channel = (uint16_t)security_channel(security, "bank_a"),
                                 .algorithm = HSM_MAC_X9_9};
    struct byte_view view = {mac, sizeof(mac)};
    assert_int_equal(security_link_mac(unit, link, SCOPE, mac), HSM_DONE);
    assert_int_equal(security_link_verify(unit, link, SCOPE, view), HSM_DONE);
    mac[7] ^= 1;
    assert_int_equal(security_link_verify(unit, link, SCOPE, view), HSM_VERIFY_FAILED);
    link.algorithm = HSM_MAC_X9_19; /* another kind of key */
    assert_int_equal(security_link_verify(unit, link, SCOPE, view), HSM_KEY_USAGE);
    assert_int_equal(count_get(&security_counts(unit)->link_macs_failed), 2);
    security_destroy(security);
}

static void test_card_numbers_and_their_nonces(void **state)
{
    (void)state;
    struct pan pan;
    struct pan opened;
    struct pan_sealed first;
    struct pan_sealed second;
    struct pan_hash hash;
    struct security *security = lab_security(1);
    struct security_unit *unit = security_unit(security, 0);
    assert_int_equal(pan_parse(&pan, "6225000000000014", 16), STATUS_OK);
    assert_int_equal(security_seal_pan(unit, &pan, &first), HSM_DONE);
    assert_int_equal(security_seal_pan(unit, &pan, &second), HSM_DONE);
    assert_memory_not_equal(first.bytes, second.bytes, 12);
    assert_int_equal(security_open_pan(unit, &second, &opened), HSM_DONE);
    assert_true(pan_equals(&pan, &opened));
    assert_int_equal(security_hash_pan(unit, &pan, &hash), HSM_DONE);
    security_destroy(security);
    security = bare_security(1);
    unit = security_unit(security, 0);
    assert_int_equal(security_seal_pan(unit, &pan, &first), HSM_KEY_UNAUTHENTIC);
    assert_int_equal(security_open_pan(unit, &first, &opened), HSM_KEY_UNAUTHENTIC);
    assert_int_equal(security_hash_pan(unit, &pan, &hash), HSM_KEY_UNAUTHENTIC);
    security_destroy(security);
}

static void test_a_track_opens_under_the_terminals_key(void **state)
{
    (void)state;
    struct security *security = lab_security(1);
    struct security_unit *unit = security_unit(security, 0);
    struct track2 track = {.count = 37, .characters = "6225000000000014=30130CD562B2A2CBEE60"};
    assert_int_equal(security_open_track2(unit, "10000001", &track), HSM_KEY_UNAUTHENTIC);
    give_key(security, "term:10000001:tdk", HSM_KEY_TRACK, "40E9A7C7325B8C1F6E0D9D8A7A584937");
    assert_int_equal(security_open_track2(unit, "10000001", &track), HSM_DONE);
    assert_string_equal(track.characters, "6225000000000014=30122010000000000000");
    security_destroy(security);
}

static void test_names_and_back(void **state)
{
    (void)state;
    static const char *const names[] = {
        "term:1:tmk", "term:10000001:pik",        "term:10000001:mak", "term:POS 0001:tdk",
        "chan:a:zpk", "chan:fifteen_letters:zak", "own:pan:data",      "own:pan:hash"};
    for (size_t i = 0; i < COUNT_OF(names); i++) {
        struct key_name name;
        char text[HSM_KEY_NAME_SIZE];
        assert_int_equal(key_name_parse(&name, names[i]), STATUS_OK);
        key_name_format(text, &name);
        assert_string_equal(text, names[i]);
    }
}

/* Readers on another thread see a whole key, the old one or the new one. */
static struct key_cell cell;
static _Atomic int is_over;

static void *read_cell(void *argument)
{
    uint32_t *torn = argument;
    struct hsm_key_sealed sealed;
    while (atomic_load(&is_over) == 0) {
        if (key_cell_get(&cell, &sealed)) {
            for (size_t i = 1; i < sizeof(sealed.payload); i++) {
                *torn += sealed.payload[i] != sealed.payload[0];
            }
        }
    }
    return NULL;
}

static void test_a_reader_never_sees_half_a_key(void **state)
{
    (void)state;
    pthread_t reader;
    uint32_t torn = 0;
    struct hsm_key_sealed sealed = {.algorithm = 'T', .payload_length = 32};
    assert_false(key_cell_get(&cell, &sealed));
    sealed.algorithm = 'T';
    assert_int_equal(pthread_create(&reader, NULL, read_cell, &torn), 0);
    for (unsigned i = 0; i < 200000; i++) {
        memset(sealed.payload, (int)(i & 255), sizeof(sealed.payload));
        key_cell_put(&cell, &sealed);
    }
    atomic_store(&is_over, 1);
    assert_int_equal(pthread_join(reader, NULL), 0);
    assert_int_equal(torn, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_rows_that_do_not_fit_say_why),
        cmocka_unit_test(test_a_block_under_another_name_is_refused),
        cmocka_unit_test(test_our_own_keys_are_not_exchanged_while_in_force),
        cmocka_unit_test(test_terminals_are_bounded),
        cmocka_unit_test(test_keys_of_a_signon_outlast_those_of_the_file),
        cmocka_unit_test(test_our_own_keys_are_required),
        cmocka_unit_test(test_a_terminal_is_known_by_its_master_key),
        cmocka_unit_test(test_a_signon_gives_keys_that_serve_once_installed),
        cmocka_unit_test(test_keys_are_told_by_their_check_values),
        cmocka_unit_test(test_keys_of_the_log_serve_after_a_restart),
        cmocka_unit_test(test_records_that_were_tampered_with_do_not_serve),
        cmocka_unit_test(test_three_bad_macs_in_a_row_ask_for_a_signon),
        cmocka_unit_test(test_a_wrong_mac_is_explained),
        cmocka_unit_test(test_unfit_signons_are_told_apart),
        cmocka_unit_test(test_a_pin_goes_from_the_terminal_to_the_bank),
        cmocka_unit_test(test_bank_macs),
        cmocka_unit_test(test_card_numbers_and_their_nonces),
        cmocka_unit_test(test_a_track_opens_under_the_terminals_key),
        cmocka_unit_test(test_names_and_back),
        cmocka_unit_test(test_a_reader_never_sees_half_a_key),
    };
    return cmocka_run_group_tests_name("switch/security/security", tests, NULL, NULL);
}
