/* What a terminal's day asks of a channel beside purchases: follow-ups with field 90, enquiries,
 * advices; and what of the bank's answers comes back. The peer checks every MAC that it reads. */
#include "tests/unit/switch/channel/bank_peer.h"

#include "hsm/block_cipher.h"
#include "hsm/working_keys.h"

static const uint8_t CLEAR_BLOCK[8] = {0x06, 0x12, 0x64, 0x56, 0xFF, 0xFF, 0xFF, 0xFE};
static const char ICC[] = "\x9F\x26\x08\x01\x02\x03\x04\x05\x06\x07\x08\x9F\x36\x02\x00\x11";

static const struct forwarded {
    enum payment_kind kind;
    const char *processing_code, *condition_code;
    const char *mti,
        *repeat_mti;          /* as they must stand on the wire; repeat: "" when there is none */
    const char *original_mti; /* "": names no original */
} FORWARDED[] = {
    {PAYMENT_VOID, "200000", "00", "0200", "", "0200"},
    {PAYMENT_OTHER_VOID, "200000", "64", "0200", "", "0200"},
    {PAYMENT_CAPTURE, "000000", "06", "0200", "", "0100"},
    {PAYMENT_CAPTURE_VOID, "200000", "06", "0200", "", "0200"},
    {PAYMENT_PREAUTH_INCREMENT, "030000", "60", "0100", "", "0100"},
    {PAYMENT_PREAUTH_VOID, "200000", "06", "0100", "", "0100"},
    {PAYMENT_REFUND, "200000", "00", "0220", "0221", "0200"},
    {PAYMENT_CAPTURE_ADVICE, "000000", "06", "0220", "0221", "0100"},
    {PAYMENT_OFFLINE_ADVICE, "000000", "00", "0220", "0221", "0200"},
    {PAYMENT_SCRIPT_RESULT, "000000", "00", "0620", "0621", "0200"},
    {PAYMENT_PREAUTH, "030000", "06", "0100", "", ""},
    {PAYMENT_OTHER_SALE, "000000", "64", "0200", "", ""},
    {PAYMENT_BALANCE, "310000", "00", "0200", "", ""},
};

static const struct forwarded *forwarded_of(enum payment_kind kind)
{
    for (size_t i = 0; i < COUNT_OF(FORWARDED); i++) {
        if (FORWARDED[i].kind == kind) {
            return &FORWARDED[i];
        }
    }
    fail_msg("%s is not in the table", payment_kind_name(kind));
    return NULL;
}

static struct payment payment_of(const struct forwarded *row, uint32_t stan)
{
    struct payment payment = purchase(stan);
    payment.kind = row->kind;
    set_text(payment.processing_code, row->processing_code);
    set_text(payment.condition_code, row->condition_code);
    if (row->original_mti[0] != '\0') {
        payment.original.stan = 41;
        set_text(payment.original.mti, row->original_mti);
        set_text(payment.original.sent_at, "0719101112");
        set_text(payment.original.auth_code, "A1B2C3");
    }
    return payment;
}

static bool has_response(struct stage *stage)
{
    return stage->response_count > 0;
}

static bool has_two_messages(struct stage *stage)
{
    return stage->message_count > 1;
}

static bool has_mac_failure(struct stage *stage)
{
    struct channel_counts counts;
    channel_count(stage->channel, &counts);
    return counts.macs_failed > 0;
}

/* Sends it and waits until the bank has it: behind the sign-on, the second message. */
static const struct payment *deliver(struct stage *stage, const struct payment *payment)
{
    assert_int_equal(channel_forward(stage->channel, payment), CHANNEL_QUEUED);
    run_until(stage, has_two_messages);
    return &stage->messages[1];
}

static void assert_arrives(const struct forwarded *row, bool is_repeat)
{
    struct stage *stage = stage_up(&STAGE_SETUP);
    struct payment payment = payment_of(row, 55);
    payment.is_repeat = is_repeat;
    const struct payment *seen = deliver(stage, &payment);
    assert_memory_equal(stage->last, is_repeat ? row->repeat_mti : row->mti, 4);
    assert_int_equal(seen->kind, row->kind);
    assert_int_equal(seen->is_repeat, is_repeat);
    assert_string_equal(seen->condition_code, row->condition_code);
    assert_int_equal(seen->pin.length, 0);
    if (row->original_mti[0] != '\0') {
        assert_int_equal(seen->original.stan, 41);
        assert_string_equal(seen->original.mti, row->original_mti);
        assert_string_equal(seen->original.sent_at, "0719101112");
        assert_string_equal(seen->original.auth_code, "A1B2C3");
    }
    stage_destroy(stage);
}

static void test_every_kind_arrives_with_its_original_and_without_a_pin(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT_OF(FORWARDED); i++) {
        assert_arrives(&FORWARDED[i], false);
        if (FORWARDED[i].repeat_mti[0] != '\0') {
            assert_arrives(&FORWARDED[i], true);
        }
    }
}

static struct message parsed(struct stage *stage)
{
    struct message message;
    struct message_fault fault;
    assert_int_equal(message_parse(&message, dialect_spec(stage->dialect),
                                   (struct byte_view){stage->last, stage->last_length}, &fault),
                     STATUS_OK);
    return message;
}

/* Field 90 needs the second bitmap, and that moves the MAC from field 64 to 128. */
static void test_a_message_with_field_90_has_its_mac_in_field_128(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT_OF(FORWARDED); i++) {
        const bool is_follow_up = FORWARDED[i].original_mti[0] != '\0';
        struct stage *stage = stage_up(&STAGE_SETUP);
        struct payment payment = payment_of(&FORWARDED[i], 56);
        (void)deliver(stage, &payment);
        struct message message = parsed(stage);
        assert_int_equal(message_has(&message, 90), is_follow_up);
        assert_int_equal(message_has(&message, 128), is_follow_up);
        assert_int_equal(message_has(&message, 64), !is_follow_up);
        stage_destroy(stage);
    }
}

static struct clear_key key_of(const char *hex)
{
    uint8_t bytes[16];
    struct clear_key key;
    struct byte_writer writer;
    byte_writer_init(&writer, bytes, sizeof(bytes));
    assert_int_equal(bytes_from_hex(&writer, hex, (uint32_t)strlen(hex)), STATUS_OK);
    clear_key_set(&key, KEY_TDES, (struct byte_view){bytes, writer.position});
    return key;
}

/* PIN 123456 for the card of purchase(), under the key of a sign-on that is installed here. */
static struct pin_block terminal_pin(struct stage *stage)
{
    struct pin_block pin = {.length = 8, .format = PIN_FORMAT_0};
    struct payment signon = signon_payment("10000001", "003");
    struct security_made_keys made;
    struct clear_key tmk = key_of(TEST_TMK);
    struct clear_key pik;
    struct block_cipher *cipher = block_cipher_create();
    assert_int_equal(security_make_keys(security_unit(stage->security, 0), &signon, &made),
                     HSM_DONE);
    assert_int_equal(
        security_install(stage->security, (struct byte_view){made.records, made.records_length}),
        STATUS_OK);
    assert_true(
        working_keys_take(cipher, &tmk, (struct byte_view){made.field_62, 16}, false, &pik));
    memcpy(pin.bytes, CLEAR_BLOCK, 8);
    block_cipher_ecb(cipher, &pik, BLOCK_CIPHER_ENCRYPT, pin.bytes, 8);
    block_cipher_destroy(cipher);
    return pin;
}

/* The PIN's block is bound to the card number, which must be open by then. */
static void test_a_void_with_a_stored_card_number_and_a_pin_carries_both(void **state)
{
    (void)state;
    struct stage *stage = stage_up(&STAGE_SETUP);
    struct payment payment = payment_of(forwarded_of(PAYMENT_VOID), 57);
    payment.pin = terminal_pin(stage);
    set_text(payment.security_control, "2600000000000000");
    assert_int_equal(
        security_seal_pan(security_unit(stage->security, 0), &payment.pan, &payment.pan_sealed),
        HSM_DONE);
    payment.pan = (struct pan){.digit_count = 0};
    const struct payment *seen = deliver(stage, &payment);
    assert_string_equal(seen->pan.digits, "6225000000000014");
    assert_int_equal(seen->pin.length, 8);
    uint8_t clear[8];
    struct clear_key zpk = key_of(TEST_ZPK);
    struct block_cipher *cipher = block_cipher_create();
    memcpy(clear, seen->pin.bytes, sizeof(clear));
    block_cipher_ecb(cipher, &zpk, BLOCK_CIPHER_DECRYPT, clear, sizeof(clear));
    block_cipher_destroy(cipher);
    assert_memory_equal(clear, CLEAR_BLOCK, sizeof(clear));
    stage_destroy(stage);
}

static void put_cargo(struct payment *payment, enum payment_cargo which, const char *text,
                      uint32_t length)
{
    struct byte_view value = {(const uint8_t *)text, length};
    assert_int_equal(payment_set_cargo(payment, which, value), STATUS_OK);
}

static void assert_cargo(const struct payment *payment, enum payment_cargo which, const char *text,
                         uint32_t length)
{
    struct byte_view value = payment_cargo(payment, which);
    assert_int_equal(value.length, length);
    assert_memory_equal(value.bytes, text, length);
}

static void test_chip_data_goes_out_and_a_balance_and_a_script_come_back(void **state)
{
    (void)state;
    static const char balance[] = "1002156C000000012345", script[] = "\x71\x02\x86\x00";
    struct stage *stage = stage_up(&STAGE_SETUP);
    struct payment payment = payment_of(forwarded_of(PAYMENT_BALANCE), 58);
    put_cargo(&payment, PAYMENT_CARGO_ICC, ICC, sizeof(ICC) - 1);
    const struct payment *seen = deliver(stage, &payment);
    assert_cargo(seen, PAYMENT_CARGO_ICC, ICC, sizeof(ICC) - 1);
    struct payment answer = purchase(58);
    answer.kind = PAYMENT_BALANCE;
    answer.leg = PAYMENT_RESPONSE;
    set_text(answer.processing_code, "310000");
    set_text(answer.acquirer_id, "00085500");
    set_text(answer.settlement_date, "0721");
    set_text(answer.response_code, "00");
    set_text(answer.auth_code, "654321");
    put_cargo(&answer, PAYMENT_CARGO_BALANCE, balance, sizeof(balance) - 1);
    put_cargo(&answer, PAYMENT_CARGO_ICC, script, sizeof(script) - 1);
    peer_send(stage, &answer);
    run_until(stage, has_response);
    assert_int_equal(stage->response.kind, PAYMENT_BALANCE);
    assert_string_equal(stage->response.response_code, "00");
    assert_string_equal(stage->response.auth_code, "654321");
    assert_string_equal(stage->response.settlement_date, "0721");
    assert_cargo(&stage->response, PAYMENT_CARGO_BALANCE, balance, sizeof(balance) - 1);
    assert_cargo(&stage->response, PAYMENT_CARGO_ICC, script, sizeof(script) - 1);
    stage_destroy(stage);
}

static void test_a_decline_of_a_follow_up_comes_back_with_its_code(void **state)
{
    (void)state;
    static const char *const codes[] = {"22", "25", "64", "94"};
    for (size_t i = 0; i < COUNT_OF(codes); i++) {
        struct stage *stage = stage_up(&STAGE_SETUP);
        struct payment payment = payment_of(forwarded_of(PAYMENT_REFUND), 59);
        struct payment asked;
        payment_copy(&asked, deliver(stage, &payment));
        peer_answer(stage, &asked, codes[i]);
        run_until(stage, has_response);
        assert_int_equal(stage->response.kind, PAYMENT_REFUND);
        assert_string_equal(stage->response.response_code, codes[i]);
        assert_int_equal(stage->response.stan, 59);
        stage_destroy(stage);
    }
}

/* An answer that names its original carries its MAC in field 128 too; believed without a right one,
 * anybody on the line could void a sale. */
static void test_an_answer_to_a_follow_up_is_believed_only_with_a_right_mac(void **state)
{
    (void)state;
    static const enum peer_mac macs[] = {PEER_MAC_WRONG, PEER_MAC_ABSENT};
    for (size_t i = 0; i < COUNT_OF(macs); i++) {
        struct stage *stage = stage_up(&STAGE_SETUP);
        struct payment payment = payment_of(forwarded_of(PAYMENT_VOID), 60);
        struct payment asked;
        payment_copy(&asked, deliver(stage, &payment));
        stage->mac = macs[i];
        peer_answer(stage, &asked, "00");
        run_until(stage, has_mac_failure);
        assert_int_equal(stage->response_count, 0);
        stage->mac = PEER_MAC_RIGHT;
        peer_answer(stage, &asked, "00");
        run_until(stage, has_response);
        assert_int_equal(stage->response.kind, PAYMENT_VOID);
        stage_destroy(stage);
    }
}

static void test_a_follow_up_that_names_no_original_is_not_sent(void **state)
{
    (void)state;
    struct stage *stage = stage_up(&STAGE_SETUP);
    struct payment payment = payment_of(forwarded_of(PAYMENT_REFUND), 61);
    memset(&payment.original, 0, sizeof(payment.original));
    assert_int_equal(channel_forward(stage->channel, &payment), CHANNEL_NOT_BUILT);
    assert_int_equal(stage->message_count, 1);
    stage_destroy(stage);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_every_kind_arrives_with_its_original_and_without_a_pin),
        cmocka_unit_test(test_a_message_with_field_90_has_its_mac_in_field_128),
        cmocka_unit_test(test_a_void_with_a_stored_card_number_and_a_pin_carries_both),
        cmocka_unit_test(test_chip_data_goes_out_and_a_balance_and_a_script_come_back),
        cmocka_unit_test(test_a_decline_of_a_follow_up_comes_back_with_its_code),
        cmocka_unit_test(test_an_answer_to_a_follow_up_is_believed_only_with_a_right_mac),
        cmocka_unit_test(test_a_follow_up_that_names_no_original_is_not_sent),
    };
    return cmocka_run_group_tests_name("switch/channel/forward", tests, NULL, NULL);
}
