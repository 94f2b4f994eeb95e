/* A channel against a bank at the other end of a real connection. */
#include "switch/channel/bank_state.h"
#include "switch/engine/wall_text.h"
#include "tests/unit/switch/channel/bank_peer.h"

#include "tests/stage/log_capture.h"

#include "hsm/block_cipher.h"
#include "hsm/working_keys.h"

static struct channel_counts counts_of(struct stage *stage)
{
    struct channel_counts counts;
    channel_count(stage->channel, &counts);
    return counts;
}

static bool has_response(struct stage *stage)
{
    return stage->response_count > 0;
}

static bool has_two_responses(struct stage *stage)
{
    return stage->response_count > 1;
}

static bool is_down_again(struct stage *stage)
{
    return stage->down_count > 0;
}

static bool is_up_twice(struct stage *stage)
{
    return stage->up_count > 1;
}

static bool has_tried_three_times(struct stage *stage)
{
    return counts_of(stage).connections_lost >= 3;
}

static bool has_two_tests(struct stage *stage)
{
    return stage->message_count > 2;
}

static bool has_mac_failure(struct stage *stage)
{
    return counts_of(stage).macs_failed > 0;
}

static bool has_unexpected(struct stage *stage)
{
    return counts_of(stage).unexpected > 0;
}

static bool has_unreadable(struct stage *stage)
{
    return counts_of(stage).unreadable > 0;
}

static bool bank_has_answer(struct stage *stage)
{
    return stage->message_count > 0 &&
           stage->messages[stage->message_count - 1].leg == PAYMENT_RESPONSE;
}

static bool none_waits(struct stage *stage)
{
    return counts_of(stage).waiting == 0;
}

static void test_a_link_signs_on_before_it_takes_payments(void **state)
{
    (void)state;
    struct stage *stage = stage_create(&STAGE_SETUP);
    struct payment payment = purchase(1);
    assert_int_equal(channel_forward(stage->channel, &payment), CHANNEL_DOWN);
    channel_start(stage->channel);
    assert_int_equal(channel_forward(stage->channel, &payment), CHANNEL_DOWN);
    run_until(stage, is_up);
    assert_int_equal(stage->message_count, 1);
    assert_int_equal(stage->messages[0].kind, PAYMENT_SIGNON);
    assert_string_equal(stage->messages[0].network_code, "001");
    assert_string_equal(stage->messages[0].acquirer_id, "00085500");
    assert_int_equal(strlen(stage->messages[0].sent_at), 10);
    assert_int_equal(stage->up_count, 1);
    assert_string_equal(stage->reason, "signed on");
    assert_int_equal(counts_of(stage).signons, 1);
    assert_true(counts_of(stage).up_since_us > 0);
    stage_destroy(stage);
}

static void test_a_purchase_goes_out_and_its_answer_comes_back(void **state)
{
    (void)state;
    struct stage *stage = stage_up(&STAGE_SETUP);
    struct payment payment = purchase(123);
    assert_int_equal(channel_forward(stage->channel, &payment), CHANNEL_QUEUED);
    assert_int_equal(counts_of(stage).waiting, 1);
    run_until(stage, has_response);
    assert_int_equal(stage->response.stan, 123);
    assert_string_equal(stage->response.response_code, "00");
    assert_string_equal(stage->response.rrn, "000010000001");
    assert_int_equal(counts_of(stage).waiting, 0);
    assert_int_equal(counts_of(stage).sent, 1);
    assert_int_equal(counts_of(stage).received, 1);
    /* As it stood on the wire: message type, card number, and an institution we filled in. */
    const struct payment *seen = &stage->messages[1];
    assert_memory_equal(stage->last, "0200", 4);
    assert_string_equal(seen->pan.digits, "6225000000000014");
    assert_string_equal(seen->acquirer_id, "00085500");
    assert_int_equal(seen->amount.minor, 1234);
    stage_destroy(stage);
}

static void expect_wiped(const struct payment *payment)
{
    static const struct payment nothing;
    assert_memory_equal(payment, &nothing, sizeof(nothing));
}

/* Card number, track and PIN block leave no copy in the channel, whatever became of the payment. */
static void test_nothing_of_a_payment_stays_behind(void **state)
{
    (void)state;
    struct stage *stage = stage_up(&STAGE_SETUP);
    const struct bank_channel *channel = (const struct bank_channel *)(const void *)stage->channel;
    struct payment payment = purchase(123);
    assert_int_equal(channel_forward(stage->channel, &payment), CHANNEL_QUEUED);
    expect_wiped(&channel->outgoing);
    run_until(stage, has_response);
    expect_wiped(&channel->incoming);
    payment.sent_at[0] = '\0'; /* which cannot be said without */
    assert_int_equal(channel_forward(stage->channel, &payment), CHANNEL_NOT_BUILT);
    expect_wiped(&channel->outgoing);
    stage_destroy(stage);
}

static void test_a_stored_card_number_is_opened(void **state)
{
    (void)state;
    struct stage *stage = stage_up(&STAGE_SETUP);
    struct payment payment = purchase(5);
    struct security_unit *unit = security_unit(stage->security, 0);
    assert_int_equal(security_seal_pan(unit, &payment.pan, &payment.pan_sealed), HSM_DONE);
    payment.pan = (struct pan){.digit_count = 0};
    payment.kind = PAYMENT_REVERSAL;
    payment.original_kind = PAYMENT_PURCHASE;
    payment.original.stan = 4;
    set_text(payment.original.mti, "0200");
    set_text(payment.original.sent_at, "0720221200");
    assert_int_equal(channel_forward(stage->channel, &payment), CHANNEL_QUEUED);
    run_until(stage, has_response);
    assert_string_equal(stage->messages[1].pan.digits, "6225000000000014");
    assert_memory_equal(stage->last, "0420", 4);
    payment.pan_sealed.bytes[20] ^= 1;
    assert_int_equal(channel_forward(stage->channel, &payment), CHANNEL_PAN_REFUSED);
    stage_destroy(stage);
}

/* PIN 123456 for the card of purchase(). */
static const uint8_t CLEAR_BLOCK[8] = {0x06, 0x12, 0x64, 0x56, 0xFF, 0xFF, 0xFF, 0xFE};

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

/* That PIN under the terminal's key of a sign-on that is installed here. */
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

static void test_a_pin_arrives_under_the_banks_key(void **state)
{
    (void)state;
    struct stage *stage = stage_up(&STAGE_SETUP);
    struct payment payment = purchase(7);
    payment.pin = terminal_pin(stage);
    set_text(payment.security_control, "2600000000000000");
    assert_int_equal(channel_forward(stage->channel, &payment), CHANNEL_QUEUED);
    run_until(stage, has_response);
    struct pin_block *arrived = &stage->messages[1].pin;
    assert_int_equal(arrived->length, 8);
    struct clear_key zpk = key_of(TEST_ZPK);
    struct block_cipher *cipher = block_cipher_create();
    block_cipher_ecb(cipher, &zpk, BLOCK_CIPHER_DECRYPT, arrived->bytes, 8);
    block_cipher_destroy(cipher);
    assert_memory_equal(arrived->bytes, CLEAR_BLOCK, 8);
    stage_destroy(stage);
}

static void test_a_refused_pin_sends_nothing(void **state)
{
    (void)state;
    struct stage *stage = stage_up(&STAGE_SETUP);
    struct payment payment = purchase(7);
    payment.pin = terminal_pin(stage);
    payment.pin.bytes[3] ^= 1;
    assert_int_equal(channel_forward(stage->channel, &payment), CHANNEL_PIN_REFUSED);
    assert_int_equal(counts_of(stage).pins_refused, 1);
    assert_int_equal(counts_of(stage).waiting, 0);
    payment = purchase(8);
    assert_int_equal(channel_forward(stage->channel, &payment), CHANNEL_QUEUED);
    run_until(stage, has_response);
    assert_int_equal(stage->message_count, 2); /* the sign-on and the second one */
    stage_destroy(stage);
}

static void test_what_the_dialect_cannot_say_is_not_sent(void **state)
{
    (void)state;
    struct stage *stage = stage_up(&STAGE_SETUP);
    struct payment payment = purchase(9);
    payment.sent_at[0] = '\0';
    assert_int_equal(channel_forward(stage->channel, &payment), CHANNEL_NOT_BUILT);
    payment.kind = PAYMENT_SETTLEMENT;
    assert_int_equal(channel_forward(stage->channel, &payment), CHANNEL_NOT_BUILT);
    assert_int_equal(counts_of(stage).refused, 2);
    assert_int_equal(counts_of(stage).waiting, 0);
    stage_destroy(stage);
}

static void test_a_response_may_cause_a_forward(void **state)
{
    (void)state;
    struct stage *stage = stage_up(&STAGE_SETUP);
    struct payment payment = purchase(20);
    stage->forwards_again = true;
    assert_int_equal(channel_forward(stage->channel, &payment), CHANNEL_QUEUED);
    run_until(stage, has_two_responses);
    assert_int_equal(stage->forwarded, CHANNEL_QUEUED);
    assert_int_equal(stage->response.stan, 21);
    stage_destroy(stage);
}

static void test_no_more_wait_than_the_window_allows(void **state)
{
    (void)state;
    struct stage *stage = stage_up(&STAGE_SETUP);
    stage->answers_payments = false;
    for (uint32_t stan = 1; stan <= 6; stan++) {
        struct payment payment = purchase(stan);
        assert_int_equal(channel_forward(stage->channel, &payment),
                         stan <= 4 ? CHANNEL_QUEUED : CHANNEL_FULL);
    }
    assert_int_equal(counts_of(stage).waiting, 4);
    run_until(stage, none_waits); /* their life is over */
    struct payment payment = purchase(7);
    assert_int_equal(channel_forward(stage->channel, &payment), CHANNEL_QUEUED);
    stage_destroy(stage);
}

static void test_a_refused_signon_is_tried_again_later(void **state)
{
    (void)state;
    struct stage *stage = stage_create(&STAGE_SETUP);
    stage->signon_code = "58";
    channel_start(stage->channel);
    run_until(stage, has_tried_three_times);
    assert_int_equal(stage->up_count, 0);
    assert_int_equal(stage->down_count, 0);
    assert_true(counts_of(stage).signons_failed >= 3);
    assert_non_null(strstr(counts_of(stage).reason, "code 58"));
    stage->signon_code = "00";
    run_until(stage, is_up);
    stage_destroy(stage);
}

static void test_a_signon_without_an_answer_gives_the_link_up(void **state)
{
    (void)state;
    struct stage *stage = stage_create(&STAGE_SETUP);
    stage->signon_code = NULL;
    channel_start(stage->channel);
    run_until(stage, has_tried_three_times);
    assert_non_null(strstr(counts_of(stage).reason, "no answer to the sign-on within 200 ms"));
    stage_destroy(stage);
}

static void test_a_lost_link_is_made_again(void **state)
{
    (void)state;
    struct stage *stage = stage_up(&STAGE_SETUP);
    struct payment payment = purchase(1);
    stage->answers_payments = false;
    assert_int_equal(channel_forward(stage->channel, &payment), CHANNEL_QUEUED);
    stream_close(stage->peer, CLOSE_LOCAL, NULL);
    run_until(stage, is_up_twice);
    assert_int_equal(stage->down_count, 1);
    assert_int_equal(stage->accept_count, 2);
    assert_int_equal(counts_of(stage).waiting, 0);
    stage_destroy(stage);
}

static void test_a_silent_link_is_tested(void **state)
{
    (void)state;
    struct bank_setup setup = STAGE_SETUP;
    setup.echo_every_ms = 100;
    struct stage *stage = stage_up(&setup);
    run_until(stage, has_two_tests);
    assert_int_equal(stage->messages[1].kind, PAYMENT_ECHO);
    assert_int_equal(stage->messages[2].kind, PAYMENT_ECHO);
    assert_true(stage->messages[2].stan > stage->messages[1].stan);
    assert_int_equal(counts_of(stage).echo_timeouts, 0);
    assert_int_equal(stage->down_count, 0);
    stage_destroy(stage);
}

static void test_a_half_dead_link_is_given_up(void **state)
{
    (void)state;
    struct bank_setup setup = STAGE_SETUP;
    setup.echo_every_ms = 100;
    struct stage *stage = stage_up(&setup);
    stage->answers_echo = false;
    run_until(stage, is_down_again);
    assert_non_null(strstr(stage->reason, "2 tests of the link without an answer"));
    assert_int_equal(counts_of(stage).echo_timeouts, 2);
    stage_destroy(stage);
}

static void test_a_response_with_a_bad_mac_is_dropped(void **state)
{
    (void)state;
    static const enum peer_mac macs[] = {PEER_MAC_WRONG, PEER_MAC_ABSENT};
    for (size_t i = 0; i < COUNT_OF(macs); i++) {
        struct stage *stage = stage_up(&STAGE_SETUP);
        struct payment payment = purchase(1);
        stage->mac = macs[i];
        assert_int_equal(channel_forward(stage->channel, &payment), CHANNEL_QUEUED);
        run_until(stage, has_mac_failure);
        assert_int_equal(stage->response_count, 0);
        assert_int_equal(counts_of(stage).waiting, 1);
        assert_true(channel_is_up(stage->channel));
        stage_destroy(stage);
    }
}

static void test_a_signon_answer_with_a_bad_mac_signs_nothing_on(void **state)
{
    (void)state;
    struct stage *stage = stage_create(&STAGE_SETUP);
    stage->mac = PEER_MAC_WRONG;
    channel_start(stage->channel);
    run_until(stage, has_tried_three_times);
    assert_int_equal(stage->up_count, 0);
    assert_true(counts_of(stage).macs_failed >= 2);
    stage_destroy(stage);
}

static struct payment network_request(enum payment_kind kind, const char *code)
{
    struct payment payment = {.kind = kind, .stan = 777};
    struct wall_text two_hours_ago;
    wall_text_set(&two_hours_ago, loop_wall_us() - INT64_C(7200) * 1000000);
    set_text(payment.network_code, code);
    set_text(payment.sent_at, two_hours_ago.sent_at);
    return payment;
}

static void test_the_banks_own_network_messages_are_answered(void **state)
{
    (void)state;
    static const struct {
        enum payment_kind kind;
        const char *code, *answer;
    } cases[] = {{PAYMENT_ECHO, "301", "00"},
                 {PAYMENT_CUT_OVER, "201", "00"},
                 {PAYMENT_SIGNON, "001", "00"},
                 {PAYMENT_KEY_CHANGE, "101", "30"}}; /* it brings no keys */
    static struct log_capture capture;
    struct stage *stage = stage_up(&STAGE_SETUP);
    log_capture_begin(&capture);
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        struct payment request = network_request(cases[i].kind, cases[i].code);
        stage->message_count = 0;
        peer_send(stage, &request);
        run_until(stage, bank_has_answer);
        assert_int_equal(stage->messages[0].kind, cases[i].kind);
        assert_int_equal(stage->messages[0].stan, 777);
        assert_string_equal(stage->messages[0].response_code, cases[i].answer);
    }
    assert_true(channel_is_up(stage->channel));
    log_capture_end(&capture);
    assert_int_equal(counts_of(stage).clocks_differ, 1); /* once a connection */
    log_capture_expect(&capture, "of this machine's time in China; look at both clocks");
    stage_destroy(stage);
}

static bool bank_has_bytes(struct stage *stage)
{
    return stage->message_count > 0;
}

/* 302 is no network message of the dialect: the bank is told so, and the link stays. */
static void test_a_network_message_that_nobody_knows_is_answered_40(void **state)
{
    (void)state;
    struct stage *stage = stage_up(&STAGE_SETUP);
    struct payment request = network_request(PAYMENT_ECHO, "301");
    uint8_t bytes[BANK_MESSAGE_BYTES_MAX];
    char reason[BANK_MESSAGE_REASON_SIZE], text[16];
    struct bank_dialect bank = stage->bank;
    struct byte_writer writer;
    struct message message;
    struct message_fault fault;
    bank.has_mac = false;
    byte_writer_init(&writer, bytes, sizeof(bytes));
    assert_int_equal(bank_message_write(&bank, &request, &writer, reason), STATUS_OK);
    assert_memory_equal(bytes + writer.position - 3, "301", 3);
    bytes[writer.position - 1] = '2';
    stage->reads_nothing = true;
    stage->message_count = 0;
    stream_write(stage->peer, (struct byte_view){bytes, writer.position});
    run_until(stage, bank_has_bytes);
    struct byte_view answer = {stage->last, stage->last_length};
    assert_int_equal(message_parse(&message, dialect_spec(stage->dialect), answer, &fault),
                     STATUS_OK);
    assert_string_equal(message.mti, "0810");
    (void)message_text(&message, 39, text, sizeof(text));
    assert_string_equal(text, "40");
    (void)message_text(&message, 70, text, sizeof(text));
    assert_string_equal(text, "302");
    (void)message_text(&message, 11, text, sizeof(text));
    assert_string_equal(text, "000777");
    assert_int_equal(counts_of(stage).unreadable, 0);
    assert_int_equal(counts_of(stage).unexpected, 1);
    assert_true(channel_is_up(stage->channel));
    stage->reads_nothing = false;
    stage_destroy(stage);
}

static struct payment key_change(const char *hex, uint8_t spoil)
{
    struct payment request = network_request(PAYMENT_KEY_CHANGE, "101");
    uint8_t bytes[20];
    char field[64] = "ZAK40";
    zone_encipher(hex, bytes, bytes + 16);
    bytes[19] ^= spoil;
    bytes_to_hex(field + 5, bytes, sizeof(bytes));
    assert_int_equal(payment_set_cargo(&request, PAYMENT_CARGO_ADDITIONAL,
                                       (struct byte_view){(const uint8_t *)field, 45}),
                     STATUS_OK);
    return request;
}

static void test_keys_that_the_bank_sends_are_in_force_once_it_is_answered(void **state)
{
    (void)state;
    struct stage *stage = stage_up(&STAGE_SETUP);
    struct payment request = key_change("76A8FB1C2A4C5ED9E0F4A1B3CD0E2F38", 1);
    give_key(stage->security, "chan:bank_a:zmk", HSM_KEY_ZONE_MASTER, TEST_ZMK);
    stage->message_count = 0;
    peer_send(stage, &request);
    run_until(stage, bank_has_answer);
    assert_string_equal(stage->messages[0].response_code, "A7"); /* another check value */
    request = key_change("76A8FB1C2A4C5ED9E0F4A1B3CD0E2F38", 0);
    stage->message_count = 0;
    peer_send(stage, &request);
    run_until(stage, bank_has_answer);
    assert_string_equal(stage->messages[0].response_code, "00");
    assert_int_equal(counts_of(stage).keys_refused, 1);
    struct payment payment = purchase(1); /* sealed under the new key, as both sides hold it */
    assert_int_equal(channel_forward(stage->channel, &payment), CHANNEL_QUEUED);
    run_until(stage, has_response);
    assert_int_equal(counts_of(stage).macs_failed, 0);
    stage_destroy(stage);
}

/* Match rules ask for the message type of what was just framed, in whatever frame. */
static void test_the_type_of_a_framed_message_is_found_in_every_framing(void **state)
{
    (void)state;
    struct stage *stage = stage_up(&STAGE_SETUP);
    struct payment request = network_request(PAYMENT_ECHO, "301");
    for (unsigned i = 0; i <= FRAME_LENGTH_KIND_COUNT; i++) { /* the last one is HTTP */
        struct bank_dialect bank = stage->bank;
        uint8_t bytes[BANK_MESSAGE_BYTES_MAX];
        char reason[BANK_MESSAGE_REASON_SIZE], mti[5];
        struct byte_writer writer;
        if (i < FRAME_LENGTH_KIND_COUNT) {
            bank.framing.length_kind = (enum frame_length_kind)i;
        } else {
            bank.framing.http_post_path = "/in";
            bank.framing.http_post_host = "bank";
        }
        byte_writer_init(&writer, bytes, sizeof(bytes));
        assert_int_equal(bank_message_write(&bank, &request, &writer, reason), STATUS_OK);
        bank_message_mti(&bank, (struct byte_view){bytes, writer.position}, mti);
        assert_string_equal(mti, "0800");
    }
    stage_destroy(stage);
}

static void test_a_cut_over_hands_on_the_day_that_begins(void **state)
{
    (void)state;
    struct stage *stage = stage_up(&STAGE_SETUP);
    struct wall_text now;
    wall_text_set(&now, loop_wall_us());
    struct payment request = network_request(PAYMENT_CUT_OVER, "201");
    memcpy(request.settlement_date, now.local_date, sizeof(request.settlement_date));
    stage->message_count = 0;
    peer_send(stage, &request);
    run_until(stage, bank_has_answer);
    assert_int_equal(stage->settlement_day, now.day);
    set_text(request.settlement_date, "1399");
    stage->message_count = 0;
    stage->settlement_day = 0;
    peer_send(stage, &request);
    run_until(stage, bank_has_answer);
    assert_int_equal(stage->settlement_day, 0);
    assert_true(channel_is_up(stage->channel));
    stage_destroy(stage);
}

/* A day never goes back, and one far ahead would make all that is approved one of an earlier day.
 */
static void test_a_cut_over_to_a_day_months_ahead_is_not_believed(void **state)
{
    (void)state;
    struct stage *stage = stage_up(&STAGE_SETUP);
    struct wall_text now;
    wall_text_set(&now, loop_wall_us());
    struct payment request = network_request(PAYMENT_CUT_OVER, "201");
    uint32_t month = (now.day / 100 % 100 + 3) % 12 + 1; /* four months on */
    snprintf(request.settlement_date, sizeof(request.settlement_date), "%02u15", month);
    stage->message_count = 0;
    peer_send(stage, &request);
    run_until(stage, bank_has_answer);
    assert_string_equal(stage->messages[0].response_code, "00");
    assert_int_equal(stage->settlement_day, 0);
    stage_destroy(stage);
}

static void test_a_bank_that_signs_off_is_asked_again_later(void **state)
{
    (void)state;
    struct stage *stage = stage_up(&STAGE_SETUP);
    struct payment request = network_request(PAYMENT_SIGNOFF, "002");
    peer_send(stage, &request);
    run_until(stage, is_down_again);
    assert_string_equal(stage->reason, "the bank signed off");
    run_until(stage, is_up);
    assert_string_equal(stage->messages[1].response_code, "00");
    stage_destroy(stage);
}

static void test_odd_messages_are_counted_and_harm_nothing(void **state)
{
    (void)state;
    struct stage *stage = stage_up(&STAGE_SETUP);
    struct payment odd = network_request(PAYMENT_ECHO, "301");
    odd.leg = PAYMENT_RESPONSE; /* nobody asked */
    set_text(odd.response_code, "00");
    peer_send(stage, &odd);
    run_until(stage, has_unexpected);
    odd = purchase(1); /* a bank that asks us for money */
    set_text(odd.acquirer_id, "00085500");
    peer_send(stage, &odd);
    static const uint8_t garbage[] = {0, 5, 'h', 'e', 'l', 'l', 'o'};
    stream_write(stage->peer, (struct byte_view){garbage, sizeof(garbage)});
    run_until(stage, has_unreadable);
    assert_int_equal(counts_of(stage).unexpected, 2);
    assert_true(channel_is_up(stage->channel));
    assert_int_equal(stage->response_count, 0);
    struct payment payment = purchase(2);
    assert_int_equal(channel_forward(stage->channel, &payment), CHANNEL_QUEUED);
    run_until(stage, has_response);
    stage_destroy(stage);
}

static void test_a_broken_frame_costs_the_connection(void **state)
{
    (void)state;
    struct stage *stage = stage_up(&STAGE_SETUP);
    static const uint8_t garbage[] = {0xFF, 0xFF, 'h', 'e', 'l', 'l', 'o'};
    stream_write(stage->peer, (struct byte_view){garbage, sizeof(garbage)});
    run_until(stage, is_up_twice);
    assert_int_equal(stage->down_count, 1);
    stage_destroy(stage);
}

static void test_an_absent_bank_is_tried_again_and_again(void **state)
{
    (void)state;
    struct stage *stage = stage_create(&STAGE_SETUP);
    listener_stop(stage->listener);
    channel_start(stage->channel);
    run_until(stage, has_tried_three_times);
    assert_int_equal(stage->up_count, 0);
    assert_true(strlen(counts_of(stage).reason) > 0);
    stage_destroy(stage); /* stops while it waits */
}

static void test_stopping_signs_off(void **state)
{
    (void)state;
    struct stage *stage = stage_up(&STAGE_SETUP);
    channel_stop(stage->channel);
    channel_stop(stage->channel);
    assert_false(channel_is_up(stage->channel));
    run_until(stage, is_stopped);
    assert_int_equal(stage->messages[1].kind, PAYMENT_SIGNOFF);
    assert_int_equal(stage->stopped_count, 1);
    stage_destroy(stage);
}

static void test_a_link_without_a_mac_key_carries_none(void **state)
{
    (void)state;
    struct bank_setup setup = STAGE_SETUP;
    setup.has_mac = false;
    struct stage *stage = stage_up(&setup);
    struct payment payment = purchase(1);
    assert_int_equal(channel_forward(stage->channel, &payment), CHANNEL_QUEUED);
    run_until(stage, has_response);
    stage_destroy(stage);
}

static void test_setups_that_cannot_work_say_why(void **state)
{
    (void)state;
    char reason[CHANNEL_REASON_SIZE];
    struct stage *stage = stage_up(&STAGE_SETUP);
    struct bank_setup setup = stage->setup;
    const struct channel_calls calls = {stage_on_response, stage_on_state, stage_on_stopped,
                                        stage_on_cut_over, stage};
    struct security_unit *unit = security_unit(stage->security, 0);
    setup.links[0].address = "bank.example";
    assert_null(bank_channel_create(stage->loop, stage->security, unit, &setup, &calls, reason));
    assert_non_null(strstr(reason, "no IP address"));
    setup.links[0].address = "127.0.0.1";
    setup.mac = HSM_MAC_X9_19;
    assert_null(bank_channel_create(stage->loop, stage->security, unit, &setup, &calls, reason));
    assert_non_null(strstr(reason, "does not serve"));
    set_text(setup.name, "bank_b");
    assert_null(bank_channel_create(stage->loop, stage->security, unit, &setup, &calls, reason));
    assert_non_null(strstr(reason, "chan:bank_b:zpk"));
    stage_destroy(stage);
}

static void test_answers_have_words(void **state)
{
    (void)state;
    assert_string_equal(channel_answer_text(CHANNEL_DOWN), "no link is signed on");
    assert_int_equal(channel_answer_reason(CHANNEL_DOWN), TXN_REASON_UNSENT);
    assert_int_equal(channel_answer_reason(CHANNEL_FULL), TXN_REASON_CHANNEL_FULL);
    assert_int_equal(channel_answer_reason(CHANNEL_PIN_REFUSED), TXN_REASON_PIN_REFUSED);
    assert_int_equal(channel_answer_reason(CHANNEL_DUPLICATE), TXN_REASON_UNSENT);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_link_signs_on_before_it_takes_payments),
        cmocka_unit_test(test_a_purchase_goes_out_and_its_answer_comes_back),
        cmocka_unit_test(test_nothing_of_a_payment_stays_behind),
        cmocka_unit_test(test_a_stored_card_number_is_opened),
        cmocka_unit_test(test_a_pin_arrives_under_the_banks_key),
        cmocka_unit_test(test_a_refused_pin_sends_nothing),
        cmocka_unit_test(test_what_the_dialect_cannot_say_is_not_sent),
        cmocka_unit_test(test_a_response_may_cause_a_forward),
        cmocka_unit_test(test_no_more_wait_than_the_window_allows),
        cmocka_unit_test(test_a_refused_signon_is_tried_again_later),
        cmocka_unit_test(test_a_signon_without_an_answer_gives_the_link_up),
        cmocka_unit_test(test_a_lost_link_is_made_again),
        cmocka_unit_test(test_a_silent_link_is_tested),
        cmocka_unit_test(test_a_half_dead_link_is_given_up),
        cmocka_unit_test(test_a_response_with_a_bad_mac_is_dropped),
        cmocka_unit_test(test_a_signon_answer_with_a_bad_mac_signs_nothing_on),
        cmocka_unit_test(test_the_banks_own_network_messages_are_answered),
        cmocka_unit_test(test_a_network_message_that_nobody_knows_is_answered_40),
        cmocka_unit_test(test_the_type_of_a_framed_message_is_found_in_every_framing),
        cmocka_unit_test(test_keys_that_the_bank_sends_are_in_force_once_it_is_answered),
        cmocka_unit_test(test_a_cut_over_hands_on_the_day_that_begins),
        cmocka_unit_test(test_a_cut_over_to_a_day_months_ahead_is_not_believed),
        cmocka_unit_test(test_a_bank_that_signs_off_is_asked_again_later),
        cmocka_unit_test(test_odd_messages_are_counted_and_harm_nothing),
        cmocka_unit_test(test_a_broken_frame_costs_the_connection),
        cmocka_unit_test(test_an_absent_bank_is_tried_again_and_again),
        cmocka_unit_test(test_stopping_signs_off),
        cmocka_unit_test(test_a_link_without_a_mac_key_carries_none),
        cmocka_unit_test(test_setups_that_cannot_work_say_why),
        cmocka_unit_test(test_answers_have_words),
    };
    return cmocka_run_group_tests_name("switch/channel/channel", tests, NULL, NULL);
}
