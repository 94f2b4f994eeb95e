/* dialect_build: what leaves, and what a payment lacks. */
#include "tests/unit/protocols/dialect/stage.h"

#include "protocols/frame.h"

static struct dialect *terminal;
static struct dialect *host;
static struct stage_message stage;
static struct payment payment;

static int set_up(void **state)
{
    (void)state;
    terminal = stage_dialect("unionpay-pos");
    host = stage_dialect("iso8583-1987-ascii");
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    dialect_destroy(terminal);
    dialect_destroy(host);
    return 0;
}

/* The frames of protocols/README.md, which strangers follow. */
static const struct framing FRAMING = {
    .length_kind = FRAME_BINARY_2, .has_tpdu = true, .length_max = FRAME_LENGTH_MAX};

static void assert_frame(const char *mac, const char *expected)
{
    static const uint8_t header[6] = {0x60, 0x31};
    static const uint8_t tpdu[FRAME_TPDU_BYTES] = {0x60, 0x00, 0x03, 0x00, 0x00};
    char hex[512];
    struct dialect_build_how how = {.with_mac = mac != NULL, .header = {header, sizeof(header)}};
    byte_writer_init(&stage.writer, stage.bytes, sizeof(stage.bytes));
    struct frame_mark mark = frame_begin_request(&stage.writer, &FRAMING, tpdu);
    assert_int_equal(
        dialect_build(terminal, &payment, &how, &stage.writer, &stage.mac_scope, &stage.fault),
        STATUS_OK);
    if (mac != NULL) {
        message_put_mac(dialect_spec(terminal), &stage.writer, (const uint8_t *)mac);
    }
    frame_end(&stage.writer, &FRAMING, &mark);
    bytes_to_hex(hex, stage.bytes, stage.writer.position);
    assert_string_equal(hex, expected);
}

static void identify(enum payment_kind kind)
{
    payment_clear(&payment);
    payment.kind = kind;
    memcpy(payment.terminal_id, "10000000", 9);
    memcpy(payment.merchant_id, "898290054110000", 16);
}

static void test_a_sign_on_stands_byte_for_byte(void **state)
{
    (void)state;
    identify(PAYMENT_SIGNON);
    payment.stan = 1;
    stage_cargo(&payment, PAYMENT_CARGO_CUSTOM_63, "01 ", 3);
    assert_frame(NULL, "003C600003000060310000000008000020000000C0001200000131303030303030303839"
                       "3832393030353431313030303000110000000000300003303120");
}

static void test_a_purchase_stands_byte_for_byte(void **state)
{
    (void)state;
    identify(PAYMENT_PURCHASE);
    payment.stan = 2;
    payment.batch = 1;
    payment.amount = (struct money){12345, MONEY_CNY};
    memcpy(payment.entry_mode, "022", 4);
    memcpy(payment.management_code, "000", 4);
    payment.track2 =
        (struct track2){.characters = "6225000000000014=30122010000000000000", .count = 37};
    assert_frame("414297FF",
                 "0062600003000060310000000002003020048020C080110000000000000123450000020220003762"
                 "25000000000014D301220100000000000000313030303030303038393832393030353431313030"
                 "303031353600112200000100003431343239374646");
}

static void test_open_parts_of_the_key_come_from_the_file(void **state)
{
    (void)state;
    stage_payment(&payment);
    payment.kind = PAYMENT_VOID;
    payment.original_kind = PAYMENT_UNKNOWN;
    assert_int_equal(stage_build(&stage, terminal, &payment, true), STATUS_OK);
    stage_parse(&stage, terminal);
    assert_int_equal(dialect_read(terminal, &stage.message, &payment, &stage.fault), STATUS_OK);
    assert_int_equal(payment.kind, PAYMENT_VOID);
    assert_string_equal(payment.processing_code, "200000");
    assert_string_equal(payment.type_code, "23");

    stage_payment(&payment);
    payment.kind = PAYMENT_REVERSAL;
    payment.original_kind = PAYMENT_CAPTURE;
    assert_int_equal(stage_build(&stage, terminal, &payment, true), STATUS_OK);
    stage_parse(&stage, terminal);
    assert_int_equal(dialect_read(terminal, &stage.message, &payment, &stage.fault), STATUS_OK);
    assert_int_equal(payment.original_kind, PAYMENT_CAPTURE);
    assert_string_equal(payment.condition_code, "06");
}

static void test_a_key_chooses_among_the_transactions_of_a_kind(void **state)
{
    (void)state;
    stage_payment(&payment);
    payment.kind = PAYMENT_OTHER_SALE;
    memcpy(payment.condition_code, "08", 3);
    assert_int_equal(stage_build(&stage, terminal, &payment, true), STATUS_OK);
    stage_parse(&stage, terminal);
    char text[20];
    assert_int_equal(message_text(&stage.message, 60, text, sizeof(text)), 14);
    assert_string_equal(text, "22000005000500");

    memcpy(payment.condition_code, "77", 3);
    assert_int_equal(stage_build(&stage, terminal, &payment, true), STATUS_BAD_VALUE);
    assert_non_null(strstr(stage.fault.reason, "condition 77"));
}

static void test_a_missing_part_is_named(void **state)
{
    (void)state;
    stage_payment(&payment);
    payment.kind = PAYMENT_PURCHASE;
    payment.terminal_id[0] = '\0';
    assert_int_equal(stage_build(&stage, terminal, &payment, true), STATUS_MISSING);
    assert_int_equal(stage.fault.field, 41);
    assert_string_equal(
        stage.fault.reason,
        "the payment has no value for field 41 (terminal_id), which sale_request needs");
    assert_int_equal(stage.writer.position, 0);

    stage_payment(&payment);
    payment.kind = PAYMENT_VOID;
    payment.original = (struct payment_original){.rrn = "080910000077"};
    assert_int_equal(stage_build(&stage, terminal, &payment, true), STATUS_MISSING);
    assert_int_equal(stage.fault.field, 61);
}

static void test_a_kind_that_the_dialect_does_not_have_is_unknown(void **state)
{
    (void)state;
    stage_payment(&payment);
    payment.kind = PAYMENT_SETTLEMENT;
    assert_int_equal(stage_build(&stage, host, &payment, false), STATUS_UNKNOWN);
    assert_true(stage.fault.is_unknown_kind);
    assert_string_equal(stage.fault.reason, "settlement totals is not in iso8583-1987-ascii");
}

static void test_a_value_that_does_not_fit_is_refused(void **state)
{
    (void)state;
    static const struct {
        uint32_t stan, batch, original_stan;
        int64_t minor;
        unsigned field;
    } cases[] = {
        {1000000, 5, 7, 1, 11},
        {1, 1000000, 7, 1, 60},
        {1, 5, 1000000, 1, 61},
        {1, 5, 7, -1, 4},
        {1, 5, 7, MONEY_MINOR_MAX + 1, 4},
    };
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        stage_payment(&payment);
        payment.kind = PAYMENT_VOID;
        payment.stan = cases[i].stan;
        payment.batch = cases[i].batch;
        payment.original.stan = cases[i].original_stan;
        payment.amount.minor = cases[i].minor;
        assert_int_equal(stage_build(&stage, terminal, &payment, true), STATUS_BAD_VALUE);
        assert_int_equal(stage.fault.field, cases[i].field);
    }
    stage_payment(&payment);
    payment.kind = PAYMENT_VOID;
    memcpy(payment.expiry, "3x12", 5);
    assert_int_equal(stage_build(&stage, terminal, &payment, true), STATUS_BAD_VALUE);
    assert_int_equal(stage.fault.field, 14);
}

static void test_a_repeat_has_its_own_message_type_where_there_is_one(void **state)
{
    (void)state;
    stage_payment(&payment);
    payment.kind = PAYMENT_REVERSAL;
    payment.original_kind = PAYMENT_PURCHASE;
    payment.is_repeat = 1;
    assert_int_equal(stage_build(&stage, host, &payment, false), STATUS_OK);
    assert_memory_equal(stage.bytes, "0421", 4);
    payment.leg = PAYMENT_RESPONSE;
    assert_int_equal(stage_build(&stage, host, &payment, false), STATUS_OK);
    assert_memory_equal(stage.bytes, "0431", 4);
    payment.leg = PAYMENT_REQUEST;
    assert_int_equal(stage_build(&stage, terminal, &payment, true), STATUS_OK);
    assert_memory_equal(stage.bytes + 6, "\x04\x00", 2);
}

static void test_field_90_is_filled_with_zeros_from_the_left(void **state)
{
    (void)state;
    stage_payment(&payment);
    payment.kind = PAYMENT_REVERSAL;
    payment.original_kind = PAYMENT_PURCHASE;
    assert_int_equal(stage_build(&stage, host, &payment, true), STATUS_OK);
    stage_parse(&stage, host);
    char text[50];
    assert_int_equal(message_text(&stage.message, 90, text, sizeof(text)), 42);
    assert_string_equal(text, "020000007701140809100004802100000048029999");
    assert_true(message_has(&stage.message, 128));
    assert_false(message_has(&stage.message, 64));
    payment.kind = PAYMENT_PURCHASE;
    memcpy(payment.condition_code, "00", 3);
    assert_int_equal(stage_build(&stage, host, &payment, true), STATUS_OK);
    stage_parse(&stage, host);
    assert_true(message_has(&stage.message, 64));
}

static void test_the_scope_of_the_mac_is_told(void **state)
{
    (void)state;
    stage_payment(&payment);
    payment.kind = PAYMENT_PURCHASE;
    assert_int_equal(stage_build(&stage, terminal, &payment, true), STATUS_OK);
    assert_ptr_equal(stage.mac_scope.bytes, stage.bytes + 6);
    assert_int_equal(stage.mac_scope.length, stage.writer.position - 6 - 8);
    struct dialect_build_how how = {.with_mac = true};
    expect_assert_failure(
        (void)!dialect_build(host, &payment, &how, &stage.writer, NULL, &stage.fault));
}

static void test_a_writer_without_room_says_so(void **state)
{
    (void)state;
    stage_payment(&payment);
    payment.kind = PAYMENT_PURCHASE;
    memcpy(payment.condition_code, "00", 3);
    struct dialect_build_how how = {.with_mac = false};
    byte_writer_init(&stage.writer, stage.bytes, 40);
    assert_int_equal(
        dialect_build(host, &payment, &how, &stage.writer, &stage.mac_scope, &stage.fault),
        STATUS_NO_ROOM);
}

/* Each correspondent gets its own institutions; an answer bears them the other way round. */
static void test_a_header_bears_the_institutions_of_its_channel(void **state)
{
    (void)state;
    struct dialect *dialect = stage_dialect("unionpay-host");
    const struct dialect_header_ids ids = {"48025555", "00010344"};
    struct dialect_header header;
    struct dialect_fault fault;
    char reason[DIALECT_HEADER_REASON_SIZE];
    assert_true(dialect_header(dialect, &ids, &header, reason));
    assert_int_equal(header.length, 46);
    payment_clear(&payment);
    payment.kind = PAYMENT_ECHO;
    payment.stan = 7;
    memcpy(payment.network_code, "301", 4);
    memcpy(payment.sent_at, "0115093102", 11);
    memcpy(payment.acquirer_id, "48025555", 9);
    memcpy(payment.response_code, "00", 3);
    for (int leg = PAYMENT_REQUEST; leg <= PAYMENT_RESPONSE; leg++) {
        uint8_t bytes[512];
        struct byte_writer writer;
        byte_writer_init(&writer, bytes, sizeof(bytes));
        payment.leg = (enum payment_leg)leg;
        const struct dialect_build_how how = {
            .header = {leg == PAYMENT_REQUEST ? header.bytes : header.swapped, header.length}};
        assert_int_equal(dialect_build(dialect, &payment, &how, &writer, NULL, &fault), STATUS_OK);
        assert_memory_equal(bytes + 6, "00010344   48025555   ", 22);
    }
    const struct dialect_header_ids none = {"", ""}, long_one = {"", "123456789012"};
    assert_true(dialect_header(dialect, &none, &header, reason));
    assert_memory_equal(header.bytes + 6, "00010000   48020000   ", 22);
    assert_false(dialect_header(dialect, &long_one, &header, reason));
    assert_string_equal(reason, "header.destination: expected at most 11 characters, as dialect "
                                "unionpay-host has it, got 12");
    dialect_destroy(dialect);
    dialect = stage_dialect("iso8583-1987-ascii");
    assert_false(dialect_header(dialect, &ids, &header, reason));
    assert_string_equal(reason, "header.source: expected none, since the header of dialect "
                                "iso8583-1987-ascii has no place for it");
    dialect_destroy(dialect);
}

/* ISO 8583:1993 writes years: each date has its own. */
static void test_a_message_of_1993_has_the_years_of_its_dates(void **state)
{
    (void)state;
    struct dialect *dialect = stage_dialect("iso8583-1993-ascii");
    stage_payment(&payment);
    payment.kind = PAYMENT_REVERSAL;
    payment.original_kind = PAYMENT_PURCHASE;
    payment.leg = PAYMENT_REQUEST;
    struct dialect_fault fault;
    struct message message;
    struct message_fault form;
    uint8_t bytes[1024];
    char text[64];
    struct byte_writer writer;
    byte_writer_init(&writer, bytes, sizeof(bytes));
    memcpy(payment.local_date, "0101", 5);
    memcpy(payment.local_year, "27", 3);
    memcpy(payment.original.sent_at, "1231235959", 11);
    memcpy(payment.original.sent_year, "26", 3);
    const struct dialect_build_how how = {.with_mac = false};
    assert_int_equal(dialect_build(dialect, &payment, &how, &writer, NULL, &fault), STATUS_OK);
    struct byte_view whole = {bytes, writer.position};
    assert_int_equal(message_parse(&message, dialect_spec(dialect), whole, &form), STATUS_OK);
    message_text(&message, 12, text, sizeof(text));
    assert_memory_equal(text, "270101", 6);
    message_text(&message, 56, text, sizeof(text));
    assert_memory_equal(text + 10, "261231235959", 12);
    dialect_destroy(dialect);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_sign_on_stands_byte_for_byte),
        cmocka_unit_test(test_a_purchase_stands_byte_for_byte),
        cmocka_unit_test(test_open_parts_of_the_key_come_from_the_file),
        cmocka_unit_test(test_a_key_chooses_among_the_transactions_of_a_kind),
        cmocka_unit_test(test_a_missing_part_is_named),
        cmocka_unit_test(test_a_kind_that_the_dialect_does_not_have_is_unknown),
        cmocka_unit_test(test_a_value_that_does_not_fit_is_refused),
        cmocka_unit_test(test_a_repeat_has_its_own_message_type_where_there_is_one),
        cmocka_unit_test(test_field_90_is_filled_with_zeros_from_the_left),
        cmocka_unit_test(test_the_scope_of_the_mac_is_told),
        cmocka_unit_test(test_a_writer_without_room_says_so),
        cmocka_unit_test(test_a_header_bears_the_institutions_of_its_channel),
        cmocka_unit_test(test_a_message_of_1993_has_the_years_of_its_dates),
    };
    return cmocka_run_group_tests_name("protocols/dialect/build", tests, set_up, tear_down);
}
