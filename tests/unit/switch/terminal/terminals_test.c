/* The terminal side over real sockets: what comes in well is handed on and answered, what does not
 * gets the answer of the table of bad input, or the end, and harms no other connection. */
#include "tests/unit/switch/terminal/desk.h"

static void test_sale_is_handed_on_and_answered_with_its_header_and_mac(void **state)
{
    (void)state;
    uint8_t bytes[1024], reply[2048];
    int descriptor = dial();
    put(descriptor, bytes, sale_frame(bytes, sizeof(bytes)));
    assert_true(answer(descriptor, reply) > 0);
    assert_memory_equal(reply, "\x60\x22\x00\x31\x10\x01\x02\x10", 8);
    assert_int_equal(desk.requests, 1);
    expect_still_served(descriptor);
    close(descriptor);
}

static void test_what_a_terminal_should_do_stands_in_digit_6(void **state)
{
    (void)state;
    uint8_t bytes[1024], reply[2048];
    int descriptor = dial();
    static const uint8_t DIGITS[] = {4, 0, 9};
    for (size_t i = 0; i < COUNT_OF(DIGITS); i++) {
        desk.terminal_request = DIGITS[i];
        put(descriptor, bytes, sale_frame(bytes, sizeof(bytes)));
        assert_true(answer(descriptor, reply) > 0);
        assert_memory_equal(reply, "\x60\x22", 2);
        assert_int_equal(reply[2], DIGITS[i]);
        assert_memory_equal(reply + 3, "\x31\x10\x01", 3);
    }
    close(descriptor);
}

/* Tag 14 of field 59 says what others say in fields 12 and 13; what is no time there harms nothing,
 * and field 59 is handed on as it came. */
static void test_the_clock_in_field_59_is_told_to_the_engine(void **state)
{
    (void)state;
    static const struct {
        const char *field_59, *date, *clock;
    } cases[] = {
        {"1303abc141420251125160102", "1125", "160102"},
        {"14142025112516010x", "", ""},
        {"1412202511251601", "", ""},
        {"not a list at all", "", ""},
    };
    uint8_t bytes[1024];
    int descriptor = dial();
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        struct payment payment;
        sale(&payment);
        struct byte_view value = {(const uint8_t *)cases[i].field_59,
                                  (uint32_t)strlen(cases[i].field_59)};
        assert_int_equal(payment_set_cargo(&payment, PAYMENT_CARGO_PRIVATE_59, value), STATUS_OK);
        put(descriptor, bytes, frame_of(&payment, bytes, sizeof(bytes)));
        (void)answer(descriptor, bytes);
        assert_string_equal(desk.told_date, cases[i].date);
        assert_string_equal(desk.told_time, cases[i].clock);
    }
    close(descriptor);
}

/* And so is what it says of itself; what is not understood refuses nothing. */
static void test_the_device_in_field_59_is_told_to_the_engine(void **state)
{
    (void)state;
    static const struct {
        const char *field_59, *serial;
        unsigned flags;
    } cases[] = {
        {"1722BD31.231000,121.473000A22002160000290210015708", "0000290210015708",
         DEVICE_NOTE_HAS_POSITION},
        {"1722BD31.231000;121.473000", "", DEVICE_NOTE_MALFORMED},
        {"1799BD31.231000", "", DEVICE_NOTE_MALFORMED},
        {"not a list at all", "", DEVICE_NOTE_MALFORMED},
    };
    uint8_t bytes[1024];
    int descriptor = dial();
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        struct payment payment;
        sale(&payment);
        struct byte_view value = {(const uint8_t *)cases[i].field_59,
                                  (uint32_t)strlen(cases[i].field_59)};
        assert_int_equal(payment_set_cargo(&payment, PAYMENT_CARGO_PRIVATE_59, value), STATUS_OK);
        put(descriptor, bytes, frame_of(&payment, bytes, sizeof(bytes)));
        (void)answer(descriptor, bytes);
        assert_string_equal(desk.told_device.serial, cases[i].serial);
        assert_int_equal(desk.told_device.flags, cases[i].flags);
    }
    close(descriptor);
}

/* 0510 without field 39, and counted as served. */
static void test_a_settlement_is_answered_in_field_48(void **state)
{
    (void)state;
    static const char TOTALS[] = "00000001234500100000000000000010000000000000000000000000000001";
    uint8_t bytes[1024], reply[2048];
    char text[64];
    struct payment payment;
    struct message message;
    struct message_fault fault;
    sale(&payment);
    payment.kind = PAYMENT_SETTLEMENT;
    memcpy(payment.type_code, "00", 3);
    memcpy(payment.management_code, "201", 4);
    assert_int_equal(payment_set_cargo(&payment, PAYMENT_CARGO_ADDITIONAL,
                                       (struct byte_view){(const uint8_t *)TOTALS, 62}),
                     STATUS_OK);
    int descriptor = dial();
    put(descriptor, bytes, frame_of(&payment, bytes, sizeof(bytes)));
    struct byte_view view = {reply, answer(descriptor, reply)};
    assert_int_equal(message_parse(&message, dialect_spec(desk.dialect), view, &fault), STATUS_OK);
    assert_string_equal(message.mti, "0510");
    assert_false(message_has(&message, 39));
    assert_false(message_has(&message, 64));
    assert_int_equal(message_text(&message, 48, text, sizeof(text)), 62);
    assert_string_equal(text, TOTALS);
    expect_still_served(descriptor); /* so the answer before it has been counted */
    assert_int_equal(
        count_get(
            &terminals_count(desk.terminals)->results[PAYMENT_SETTLEMENT][TERMINALS_APPROVED]),
        1);
    close(descriptor);
}

static void test_requests_sent_at_once_are_answered_one_after_the_other(void **state)
{
    (void)state;
    uint8_t bytes[4096];
    uint32_t length = 0;
    for (int i = 0; i < 5; i++) {
        length += sale_frame(bytes + length, (uint32_t)sizeof(bytes) - length);
    }
    int descriptor = dial();
    put(descriptor, bytes, length);
    for (int i = 0; i < 5; i++) {
        expect_answer(descriptor, "0210", "00");
    }
    close(descriptor);
}

static void test_request_in_http_is_answered_in_http(void **state)
{
    (void)state;
    uint8_t bytes[1024];
    char head[256], reply[2048] = "";
    uint32_t length = sale_frame(bytes, sizeof(bytes));
    int descriptor = dial();
    int count = snprintf(head, sizeof(head),
                         "POST /mjc/webtrans/VPB_lb HTTP/1.1\r\nHOST: pos\r\n"
                         "Content-Type: x-ISO-TPDU/x-auth\r\nContent-Length: %u\r\n"
                         "Connection: close\r\n\r\n",
                         length);
    put(descriptor, head, (uint32_t)count);
    put(descriptor, bytes, length);
    size_t got = 0;
    ssize_t n;
    while ((n = recv(descriptor, reply + got, sizeof(reply) - 1 - got, 0)) > 0) {
        got += (size_t)n;
    }
    assert_memory_equal(reply, "HTTP/1.1 200", 12);
    assert_non_null(strstr(reply, "x-ISO-TPDU/x-auth"));
    close(descriptor);
}

static void test_http_without_a_body_gets_its_status_and_the_end(void **state)
{
    (void)state;
    char reply[256] = "";
    int descriptor = dial();
    put(descriptor, "POST /mjc/webtrans/VPB_lb HTTP/1.1\r\nHost: x\r\n\r\n", 48);
    assert_true(recv(descriptor, reply, sizeof(reply) - 1, 0) > 0);
    assert_memory_equal(reply, "HTTP/1.1 411", 12);
    expect_end(descriptor);
    assert_int_equal(rejects(REJECT_HTTP), 1);
}

static void test_garbage_closes_its_own_connection_only(void **state)
{
    (void)state;
    static const struct {
        const char *bytes;
        uint32_t length;
    } cases[] = {
        {"\xff\xff\xff\xff\xff\xff\xff\xff", 8}, /* a length beyond the limit */
        {"0093600003", 10},                      /* a length in ASCII */
        {"\x00\x0c\x61\x00\x03\x00\x00\x60\x22\x00\x31\x00\x31\x10", 14}, /* no TPDU */
        {"\x16\x03\x01\x02\x00\x01\x00\x01", 8}, /* a TLS hello on a plain port */
        {"\x00\x03\x60\x00\x03", 5},             /* shorter than a TPDU */
    };
    int good = dial();
    expect_still_served(good);
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        int bad = dial();
        put(bad, cases[i].bytes, cases[i].length);
        expect_end(bad);
        expect_still_served(good);
    }
    assert_int_equal(rejects(REJECT_FRAME), COUNT_OF(cases));
    close(good);
}

/* Sends these bytes, waits for the end, and answers what the log said of it. */
static const char *closing_words(const uint8_t *bytes, uint32_t length)
{
    static struct log_capture capture;
    log_capture_begin(&capture);
    int descriptor = dial();
    put(descriptor, bytes, length);
    expect_end(descriptor);
    for (int i = 0; i < 200 && terminals_conn_count(desk.terminals) > 0; i++) {
        nanosleep(&(struct timespec){.tv_nsec = 10000000}, NULL);
    }
    log_capture_end(&capture);
    return capture.text;
}

static void expect_words(const char *said, const char *words)
{
    if (strstr(said, words) == NULL) {
        fail_msg("\"%s\" is not said: %s", words, said);
    }
}

/* A terminal that is set up otherwise than its port: the line names the setting. */
static void test_a_wrong_framing_is_named_by_its_option(void **state)
{
    (void)state;
    uint8_t bytes[1024], bare[1024];
    uint32_t length = sale_frame(bytes, sizeof(bytes));
    uint32_t count = length - 2 - FRAME_TPDU_BYTES;
    bare[0] = (uint8_t)(count >> 8);
    bare[1] = (uint8_t)count;
    memcpy(bare + 2, bytes + 2 + FRAME_TPDU_BYTES, count);
    expect_words(closing_words(bare, count + 2), "framing.tpdu: false");
    bytes[0] = (uint8_t)((length - 2) / 1000 << 4 | (length - 2) / 100 % 10);
    bytes[1] = (uint8_t)((length - 2) / 10 % 10 << 4 | (length - 2) % 10);
    expect_words(closing_words(bytes, length), "framing.length is bcd_2");
    bytes[0] = (uint8_t)(length >> 8);
    bytes[1] = (uint8_t)length;
    expect_words(closing_words(bytes, length), "framing.length is binary_2_inclusive");
}

static void test_a_mac_that_begins_at_the_header_is_told(void **state)
{
    (void)state;
    static struct log_capture capture;
    uint8_t bytes[1024], mac[SECURITY_MAC_BYTES];
    uint32_t length = sale_frame(bytes, sizeof(bytes));
    struct byte_view wider = {bytes + 2 + FRAME_TPDU_BYTES,
                              length - 2 - FRAME_TPDU_BYTES - SECURITY_MAC_BYTES};
    assert_int_equal(security_reply_mac(security_unit(desk.security, 1), TERMINAL, wider, mac),
                     HSM_DONE);
    memcpy(bytes + length - sizeof(mac), mac, sizeof(mac));
    log_capture_begin(&capture);
    int descriptor = dial();
    put(descriptor, bytes, length);
    expect_answer(descriptor, "0210", "A0");
    log_capture_end(&capture);
    log_capture_expect(&capture, "the terminal's MAC begins at the header");
    expect_still_served(descriptor);
    close(descriptor);
}

static int desk_open_short(void **state)
{
    desk.is_short = true;
    return desk_open(state);
}

/* Half a frame would say nothing: the answer is told as not built, and the connection goes on. */
static void test_an_answer_longer_than_the_frame_is_not_sent(void **state)
{
    (void)state;
    static struct log_capture capture;
    uint8_t bytes[1024];
    const struct count *failed = &terminals_count(desk.terminals)->replies_failed;
    int descriptor = dial();
    log_capture_begin(&capture);
    for (uint64_t i = 1; i <= 2; i++) {
        put(descriptor, bytes, sale_frame(bytes, sizeof(bytes)));
        for (int wait = 0; wait < 1000 && count_get(failed) < i; wait++) {
            nanosleep(&(struct timespec){.tv_nsec = 10000000}, NULL);
        }
        assert_int_equal(count_get(failed), i);
    }
    log_capture_end(&capture);
    log_capture_expect(&capture, "the answer is longer than framing.length_max");
    assert_int_equal(recv(descriptor, bytes, sizeof(bytes), MSG_DONTWAIT), -1);
    assert_true(errno == EAGAIN || errno == EWOULDBLOCK);
    close(descriptor);
}

/* It ends while it still grows: a deadline that each byte moved would never come. */
static void test_half_a_message_ends_at_its_deadline_however_slowly_it_grows(void **state)
{
    (void)state;
    uint8_t bytes[1024], byte;
    uint32_t length = sale_frame(bytes, sizeof(bytes));
    uint32_t sent = 0;
    int descriptor = dial();
    while (recv(descriptor, &byte, 1, MSG_DONTWAIT) < 0 && errno == EAGAIN && sent < length - 1) {
        (void)send(descriptor, bytes + sent++, 1, MSG_NOSIGNAL);
        nanosleep(&(struct timespec){.tv_nsec = 50000000}, NULL);
    }
    assert_in_range(sent, 2, length - 2);
    expect_end(descriptor);
    assert_int_equal(rejects(REJECT_HALF_MESSAGE), 1);
}

static void test_wrong_mac_is_a0_and_the_third_asks_to_sign_on(void **state)
{
    (void)state;
    uint8_t bytes[1024], reply[2048];
    uint32_t length = sale_frame(bytes, sizeof(bytes));
    bytes[length - 1] ^= 1;
    int descriptor = dial();
    for (int i = 1; i <= 3; i++) {
        put(descriptor, bytes, length);
        uint32_t got = answer(descriptor, reply);
        assert_true(got > 0);
        assert_int_equal(reply[2] & 0x0F, i == 3 ? 3 : 0); /* header digit 6 */
    }
    assert_int_equal(desk.requests, 0);
    assert_int_equal(rejects(REJECT_MAC_WRONG), 3);
    put(descriptor, bytes, length);
    expect_answer(descriptor, "0210", "A0");
    expect_still_served(descriptor);
    close(descriptor);
}

/* I35: guessing is slow, and harms only the connection that guesses. */
static void test_connection_that_guesses_macs_is_closed(void **state)
{
    (void)state;
    uint8_t bytes[1024];
    int other = dial(), descriptor = dial();
    for (int round = 0; round < 2; round++) {
        for (int i = 0; i < (round == 0 ? 7 : 8); i++) {
            uint32_t length = sale_frame(bytes, sizeof(bytes));
            bytes[length - 1] ^= 1;
            put(descriptor, bytes, length);
            expect_answer(descriptor, "0210", "A0");
        }
        if (round == 0) {
            expect_still_served(descriptor);
        }
    }
    expect_end(descriptor);
    expect_still_served(other);
    close(other);
}

static void expect_refusal(const struct payment *payment, const char *mti, const char *code)
{
    uint8_t bytes[1024];
    int descriptor = dial();
    put(descriptor, bytes, frame_of(payment, bytes, sizeof(bytes)));
    expect_answer(descriptor, mti, code);
    expect_still_served(descriptor);
    close(descriptor);
}

static void test_terminal_without_keys_that_nobody_knows_is_97(void **state)
{
    (void)state;
    struct payment payment;
    sale(&payment);
    memcpy(payment.terminal_id, "99999999", 9);
    expect_refusal(&payment, "0210", "97");
    assert_int_equal(rejects(REJECT_TERMINAL), 1);
}

static void test_unknown_kind_is_12(void **state)
{
    (void)state;
    uint8_t bytes[1024];
    uint32_t length = sale_frame(bytes, sizeof(bytes));
    uint8_t *processing_code = bytes + 2 + 5 + 6 + 2 + 8 + 9; /* after field 2: 1 + 8 bytes */
    int descriptor = dial();
    assert_int_equal(processing_code[0], 0);
    processing_code[0] = 0x99;
    put(descriptor, bytes, length);
    expect_answer(descriptor, "0210", "12");
    assert_int_equal(rejects(REJECT_UNKNOWN_KIND), 1);
    expect_still_served(descriptor);
    close(descriptor);
}

static void test_format_error_is_30_unless_it_hides_the_trace_number(void **state)
{
    (void)state;
    uint8_t bytes[1024];
    uint32_t length = sale_frame(bytes, sizeof(bytes));
    uint8_t *pan_length = bytes + 2 + 5 + 6 + 2 + 8;
    uint8_t *amount = pan_length + 9 + 3;
    uint8_t *entry_mode = amount + 6 + 3;
    int descriptor = dial();
    entry_mode[0] = 0xFF;
    put(descriptor, bytes, length);
    expect_answer(descriptor, "0210", "30");
    expect_still_served(descriptor);
    length = sale_frame(bytes, sizeof(bytes));
    amount[0] = 0xAB;
    put(descriptor, bytes, length);
    expect_answer(descriptor, "0210", "30");
    length = sale_frame(bytes, sizeof(bytes));
    pan_length[0] = 0x99; /* where the next field begins is no longer known */
    put(descriptor, bytes, length);
    expect_end(descriptor);
    assert_int_equal(rejects(REJECT_FORMAT), 2);
    assert_int_equal(rejects(REJECT_UNREADABLE), 1);
}

static void test_reply_to_a_connection_that_is_gone_is_dropped(void **state)
{
    (void)state;
    uint8_t bytes[1024];
    desk.answers_late = true;
    int descriptor = dial();
    put(descriptor, bytes, sale_frame(bytes, sizeof(bytes)));
    for (int i = 0; i < 3000 && desk.requests == 0; i++) {
        nanosleep(&(struct timespec){.tv_nsec = 10000000}, NULL);
    }
    close(descriptor);
    for (int i = 0; i < 3000 && terminals_conn_count(desk.terminals) > 0; i++) {
        nanosleep(&(struct timespec){.tv_nsec = 10000000}, NULL);
    }
    assert_int_equal(terminals_conn_count(desk.terminals), 0);
    loop_stop(desk.loop);
    pthread_join(desk.thread, NULL);
    approve(desk.late, &desk.late_payment);
    assert_int_equal(count_get(&terminals_count(desk.terminals)->replies_stale), 1);
    assert_int_equal(pthread_create(&desk.thread, NULL, desk_run, NULL), 0);
}

static void test_request_without_room_waits_and_is_served_later(void **state)
{
    (void)state;
    uint8_t bytes[1024];
    desk.is_full = true;
    int descriptor = dial();
    put(descriptor, bytes, sale_frame(bytes, sizeof(bytes)));
    nanosleep(&(struct timespec){.tv_nsec = 100000000}, NULL);
    assert_int_equal(desk.requests, 0);
    desk.is_full = false;
    expect_answer(descriptor, "0210", "00");
    close(descriptor);
}

#define DESK_TEST(name) cmocka_unit_test_setup_teardown(name, desk_open, desk_close)

int main(void)
{
    const struct CMUnitTest tests[] = {
        DESK_TEST(test_sale_is_handed_on_and_answered_with_its_header_and_mac),
        DESK_TEST(test_what_a_terminal_should_do_stands_in_digit_6),
        DESK_TEST(test_the_clock_in_field_59_is_told_to_the_engine),
        DESK_TEST(test_the_device_in_field_59_is_told_to_the_engine),
        DESK_TEST(test_a_settlement_is_answered_in_field_48),
        DESK_TEST(test_requests_sent_at_once_are_answered_one_after_the_other),
        DESK_TEST(test_request_in_http_is_answered_in_http),
        DESK_TEST(test_http_without_a_body_gets_its_status_and_the_end),
        DESK_TEST(test_garbage_closes_its_own_connection_only),
        DESK_TEST(test_a_wrong_framing_is_named_by_its_option),
        DESK_TEST(test_a_mac_that_begins_at_the_header_is_told),
        cmocka_unit_test_setup_teardown(test_an_answer_longer_than_the_frame_is_not_sent,
                                        desk_open_short, desk_close),
        DESK_TEST(test_half_a_message_ends_at_its_deadline_however_slowly_it_grows),
        DESK_TEST(test_wrong_mac_is_a0_and_the_third_asks_to_sign_on),
        DESK_TEST(test_connection_that_guesses_macs_is_closed),
        DESK_TEST(test_terminal_without_keys_that_nobody_knows_is_97),
        DESK_TEST(test_unknown_kind_is_12),
        DESK_TEST(test_format_error_is_30_unless_it_hides_the_trace_number),
        DESK_TEST(test_reply_to_a_connection_that_is_gone_is_dropped),
        DESK_TEST(test_request_without_room_waits_and_is_served_later),
    };
    signal(SIGPIPE, SIG_IGN);
    return cmocka_run_group_tests_name("switch/terminal/terminals", tests, NULL, NULL);
}
