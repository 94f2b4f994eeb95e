/* dialect_read: what a terminal's message means, and what is wrong with it. */
#include "tests/unit/protocols/dialect/stage.h"

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
    dialect_destroy(NULL);
    return 0;
}

struct wire_field {
    unsigned field;
    const char *text;
    uint32_t length; /* 0: strlen */
};

/* Builds a message from fields as they stand in the spec, without asking the dialect. */
static enum status read_fields(const struct dialect *dialect, const char *mti,
                               const struct wire_field *fields)
{
    static const uint8_t header[6];
    struct message_draft draft;
    struct message_fault fault = {.reason = ""};
    message_draft_init(&draft, dialect_spec(dialect), mti);
    draft.header = (struct byte_view){header, dialect_spec(dialect)->header_bytes};
    for (; fields->field != 0; fields++) {
        uint32_t length = fields->length != 0 ? fields->length : (uint32_t)strlen(fields->text);
        message_draft_set(&draft, fields->field, fields->text, length);
    }
    byte_writer_init(&stage.writer, stage.bytes, sizeof(stage.bytes));
    enum status status = message_build(&draft, &stage.writer, &stage.mac_scope, &fault);
    assert_string_equal(fault.reason, "");
    assert_int_equal(status, STATUS_OK);
    stage_parse(&stage, dialect);
    return dialect_read(dialect, &stage.message, &payment, &stage.fault);
}

#define SALE_BODY                                                                                  \
    {4, "000000012345", 0}, {11, "000002", 0}, {41, "10000019", 0}, {42, "898310059990001", 0},    \
    {                                                                                              \
        49, "156", 0                                                                               \
    }
#define SALE_KEY                                                                                   \
    {3, "000000", 0}, {22, "021", 0}, {25, "00", 0},                                               \
    {                                                                                              \
        60, "22000005000500", 0                                                                    \
    }
#define TRACK                                                                                      \
    {                                                                                              \
        35, "6225000000000014=30122010000000000000", 0                                             \
    }
#define END                                                                                        \
    {                                                                                              \
        0, NULL, 0                                                                                 \
    }

static void test_a_purchase_says_what_it_means(void **state)
{
    (void)state;
    static const struct wire_field fields[] = {SALE_BODY,
                                               SALE_KEY,
                                               TRACK,
                                               {26, "12", 0},
                                               {53, "2600000000000000", 0},
                                               {52, "\xF4\x45\x13\xC2\x35\xB4\x3E\x19", 8},
                                               END};
    assert_int_equal(read_fields(terminal, "0200", fields), STATUS_OK);
    assert_int_equal(payment.kind, PAYMENT_PURCHASE);
    assert_int_equal(payment.leg, PAYMENT_REQUEST);
    assert_int_equal(payment.stan, 2);
    assert_int_equal(payment.batch, 5);
    assert_int_equal(payment.amount.minor, 12345);
    assert_int_equal(payment.amount.currency, MONEY_CNY);
    assert_string_equal(payment.terminal_id, "10000019");
    assert_string_equal(payment.merchant_id, "898310059990001");
    assert_string_equal(payment.processing_code, "000000");
    assert_string_equal(payment.type_code, "22");
    assert_string_equal(payment.management_code, "000");
    assert_string_equal(payment.custom_60_rest, "500");
    assert_string_equal(payment.entry_mode, "021");
    assert_int_equal(payment.pin.length, 8);
    assert_int_equal(payment.pin.format, 0);
    assert_true(dialect_has_mac(terminal, &payment));
}

static void test_the_account_type_does_not_change_the_kind(void **state)
{
    (void)state;
    static const struct wire_field fields[] = {
        SALE_BODY, {3, "002000", 0}, {22, "021", 0}, {25, "00", 0}, {60, "22000005", 0}, TRACK,
        END};
    assert_int_equal(read_fields(terminal, "0200", fields), STATUS_OK);
    assert_int_equal(payment.kind, PAYMENT_PURCHASE);
    assert_string_equal(payment.management_code, "");
}

static void test_the_card_number_comes_from_a_track_when_field_2_is_absent(void **state)
{
    (void)state;
    static const struct wire_field two[] = {SALE_BODY, SALE_KEY, TRACK, END};
    static const struct wire_field three[] = {
        SALE_BODY, SALE_KEY, {36, "996225000000000014=1561560000000000000", 0}, END};
    static const struct wire_field both[] = {
        SALE_BODY, SALE_KEY, TRACK, {2, "6212260000000005573", 0}, END};
    static const struct wire_field sealed[] = {
        SALE_BODY, SALE_KEY, TRACK, {53, "2610000000000000", 0}, END};
    static const struct wire_field code[] = {SALE_BODY,
                                             SALE_KEY,
                                             {59,
                                              "A3019"
                                              "6220000000000000000",
                                              0},
                                             END};
    assert_int_equal(read_fields(terminal, "0200", two), STATUS_OK);
    assert_string_equal(payment.pan.digits, "6225000000000014");
    assert_int_equal(payment.pan.digit_count, 16);
    assert_string_equal(payment.track2.characters, "6225000000000014=30122010000000000000");
    assert_int_equal(read_fields(terminal, "0200", three), STATUS_OK);
    assert_string_equal(payment.pan.digits, "6225000000000014");
    assert_int_equal(read_fields(terminal, "0200", both), STATUS_OK);
    assert_string_equal(payment.pan.digits, "6212260000000005573");
    assert_int_equal(read_fields(terminal, "0200", sealed), STATUS_OK);
    assert_int_equal(payment.pan.digit_count, 0);
    assert_int_equal(read_fields(terminal, "0200", code), STATUS_OK);
    assert_int_equal(payment.pan.digit_count, 0);
}

static void test_a_pin_without_pan_has_no_iso_format(void **state)
{
    (void)state;
    static const struct wire_field fields[] = {SALE_BODY,
                                               SALE_KEY,
                                               TRACK,
                                               {53, "1600000000000000", 0},
                                               {52, "\x01\x02\x03\x04\x05\x06\x07\x08", 8},
                                               END};
    assert_int_equal(read_fields(terminal, "0200", fields), STATUS_OK);
    assert_int_equal(payment.pin.format, DIALECT_PIN_FORMAT_NONE);
}

static void test_a_reversal_names_what_it_undoes(void **state)
{
    (void)state;
    static const struct {
        const char *processing_code, *condition_code, *custom_60;
        enum payment_kind kind;
    } cases[] = {
        {"000000", "00", "22000005", PAYMENT_PURCHASE},
        {"200000", "00", "23000005", PAYMENT_VOID},
        {"030000", "06", "10000005", PAYMENT_PREAUTH},
        {"200000", "06", "11000005", PAYMENT_PREAUTH_VOID},
        {"000000", "06", "20000005", PAYMENT_CAPTURE},
        {"200000", "06", "21000005", PAYMENT_CAPTURE_VOID},
        {"000000", "64", "22000005", PAYMENT_OTHER_SALE},
        {"200000", "67", "53000005", PAYMENT_OTHER_VOID},
        {"630000", "91", "46000005", PAYMENT_CASH_LOAD},
    };
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        const struct wire_field fields[] = {SALE_BODY,
                                            {3, cases[i].processing_code, 0},
                                            {22, "021", 0},
                                            {25, cases[i].condition_code, 0},
                                            {39, "98", 0},
                                            {60, cases[i].custom_60, 0},
                                            END};
        assert_int_equal(read_fields(terminal, "0400", fields), STATUS_OK);
        assert_int_equal(payment.kind, PAYMENT_REVERSAL);
        assert_int_equal(payment.original_kind, cases[i].kind);
        assert_string_equal(payment.reversal_reason, "98");
        assert_string_equal(payment.response_code, "");
        assert_int_equal(payment.stan, 2);
    }
}

static void test_a_reversal_of_what_cannot_be_reversed_is_refused(void **state)
{
    (void)state;
    static const struct wire_field refund[] = {SALE_BODY,
                                               {3, "200000", 0},
                                               {22, "021", 0},
                                               {25, "00", 0},
                                               {39, "98", 0},
                                               {60, "25000005", 0},
                                               END};
    assert_int_equal(read_fields(terminal, "0400", refund), STATUS_UNKNOWN);
    assert_true(stage.fault.is_unknown_kind);
    assert_string_equal(stage.fault.reason,
                        "a reversal with processing code 200000, condition 00, type 25 names "
                        "nothing that can be reversed");
    assert_int_equal(payment.kind, PAYMENT_REVERSAL);
}

static void test_what_is_unknown_is_named(void **state)
{
    (void)state;
    static const struct wire_field scan[] = {
        SALE_BODY, {3, "000000", 0}, {22, "030", 0}, {25, "99", 0}, {60, "26000001", 0}, TRACK,
        END};
    assert_int_equal(read_fields(terminal, "0200", scan), STATUS_UNKNOWN);
    assert_true(stage.fault.is_unknown_kind);
    assert_string_equal(stage.fault.reason,
                        "no transaction has message type 0200 with processing code 000000, "
                        "condition 99, type 26, management none, network none");
    assert_string_equal(payment.terminal_id, "10000019");

    static const struct wire_field few[] = {{11, "000002", 0}, END};
    assert_int_equal(read_fields(terminal, "0999", few), STATUS_UNKNOWN);
    assert_true(stage.fault.is_unknown_kind);
    assert_string_equal(stage.fault.reason, "message type 0999 is not in unionpay-pos");
    assert_int_equal(payment.stan, 2);
}

static void test_what_is_missing_is_named(void **state)
{
    (void)state;
    static const struct wire_field no_card[] = {SALE_BODY, SALE_KEY, END};
    assert_int_equal(read_fields(terminal, "0200", no_card), STATUS_MISSING);
    assert_int_equal(stage.fault.field, 2);
    assert_false(stage.fault.is_unknown_kind);

    static const struct wire_field no_60[] = {
        SALE_BODY, {3, "000000", 0}, {22, "021", 0}, {25, "00", 0}, TRACK, END};
    assert_int_equal(read_fields(terminal, "0200", no_60), STATUS_MISSING);
    assert_int_equal(stage.fault.field, 60);
    assert_string_equal(stage.fault.reason,
                        "field 60 (custom_60) is missing from the request of a transaction");
}

static void test_a_missing_mac_is_named(void **state)
{
    (void)state;
    static const struct wire_field fields[] = {SALE_BODY, SALE_KEY, TRACK, END};
    assert_int_equal(read_fields(terminal, "0200", fields), STATUS_OK);
    stage.message.present[0] &= ~UINT64_C(1);
    assert_int_equal(dialect_read(terminal, &stage.message, &payment, &stage.fault),
                     STATUS_MISSING);
    assert_int_equal(stage.fault.field, 64);
}

static void test_a_bad_value_is_named_and_the_rest_is_still_read(void **state)
{
    (void)state;
    static const struct {
        struct wire_field field;
        const char *reason;
    } cases[] = {
        {{2, "62250000000", 0}, "field 2 has 11 digits, a card number has 12 to 19"},
        {{49, "RMB", 0},
         "field 49 is no numeric currency of ISO 4217, expected three digits such as 156"},
        {{49, "000", 0},
         "field 49 is no numeric currency of ISO 4217, expected three digits such as 156"},
        {{55, "\x9F\x27\x01\x80\x9F\x10\x13\x07\x01\x03", 10},
         "field 55 ends 3 bytes inside tag 9F10, which says 19 bytes (tag at offset 4)"},
        {{60, "2200000", 0}, "field 60 ends after 7 digits, 5 inside its part 2 of 6 digits"},
        {{61, "000004000077011", 0},
         "field 61 ends after 15 digits, 3 inside its part 3 of 4 digits"},
    };
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        const struct wire_field fields[] = {SALE_BODY, SALE_KEY, TRACK, cases[i].field, END};
        enum status status = read_fields(terminal, "0200", fields);
        assert_string_equal(stage.fault.reason, cases[i].reason);
        assert_int_equal(status, STATUS_BAD_VALUE);
        assert_int_equal(stage.fault.field, cases[i].field.field);
        assert_string_equal(payment.terminal_id, "10000019");
        assert_int_equal(payment.stan, 2);
    }
}

static void test_long_fields_that_do_not_fit_together_are_refused(void **state)
{
    (void)state;
    static char much[999];
    memset(much, 'x', sizeof(much));
    const struct wire_field fields[] = {SALE_BODY,       SALE_KEY,        TRACK,
                                        {57, much, 800}, {58, much, 700}, END};
    assert_int_equal(read_fields(terminal, "0200", fields), STATUS_BAD_VALUE);
    assert_int_equal(stage.fault.field, 58);
}

static void test_an_amount_without_currency_takes_that_of_the_file(void **state)
{
    (void)state;
    static const struct wire_field fields[] = {
        {4, "000000000100", 0},     {11, "000002", 0},      {22, "051", 0}, {41, "10000019", 0},
        {42, "898310059990001", 0}, {60, "00000005203", 0}, {62, "x", 0},   END};
    assert_int_equal(read_fields(terminal, "0320", fields), STATUS_OK);
    assert_int_equal(payment.kind, PAYMENT_BATCH_UPLOAD);
    assert_int_equal(payment.amount.currency, MONEY_CNY);
    assert_int_equal(payment.amount.minor, 100);
}

static void test_blanks_of_fixed_texts_are_padding(void **state)
{
    (void)state;
    static const struct wire_field fields[] = {
        {41, "T1", 0}, {42, "M1", 0}, {60, "00000001301", 0}, END};
    assert_int_equal(read_fields(terminal, "0820", fields), STATUS_OK);
    assert_int_equal(payment.kind, PAYMENT_ECHO);
    assert_string_equal(payment.terminal_id, "T1");
    assert_string_equal(payment.merchant_id, "M1");
    assert_false(dialect_has_mac(terminal, &payment));
}

static void test_only_approved_responses_carry_a_mac(void **state)
{
    (void)state;
    stage_payment(&payment);
    payment.kind = PAYMENT_PURCHASE;
    payment.leg = PAYMENT_RESPONSE;
    static const struct {
        const char *code;
        bool has_mac;
    } cases[] = {{"00", true}, {"10", true}, {"11", false}, {"51", false}, {"A0", false}};
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        memcpy(payment.response_code, cases[i].code, 3);
        assert_int_equal(dialect_has_mac(terminal, &payment), cases[i].has_mac);
        assert_true(dialect_has_mac(host, &payment));
    }
    payment.kind = PAYMENT_SETTLEMENT;
    assert_false(dialect_has_mac(host, &payment));
}

static void test_a_bank_reversal_names_its_original_in_field_90(void **state)
{
    (void)state;
    static const struct wire_field fields[] = {
        {3, "000000", 0},
        {4, "000000012345", 0},
        {7, "0115093102", 0},
        {11, "000009", 0},
        {12, "093102", 0},
        {13, "0115", 0},
        {25, "00", 0},
        {32, "48021000", 0},
        {37, "093102000002", 0},
        {41, "10000019", 0},
        {42, "898310059990001", 0},
        {49, "156", 0},
        {90, "020000007701140809100004802100000048029999", 0},
        END};
    assert_int_equal(read_fields(host, "0421", fields), STATUS_OK);
    assert_int_equal(payment.kind, PAYMENT_REVERSAL);
    assert_int_equal(payment.is_repeat, 1);
    assert_int_equal(payment.original_kind, PAYMENT_PURCHASE);
    assert_string_equal(payment.original.mti, "0200");
    assert_int_equal(payment.original.stan, 77);
    assert_string_equal(payment.original.sent_at, "0114080910");
    assert_string_equal(payment.acquirer_id, "48021000");
}

static void test_a_request_says_what_its_answer_may_tell_the_cashier(void **state)
{
    (void)state;
    static const struct wire_field sale[] = {SALE_BODY, SALE_KEY, TRACK, END};
    static const struct wire_field balance[] = {
        SALE_BODY, {3, "310000", 0}, {22, "021", 0}, {25, "00", 0}, {60, "01000005", 0}, TRACK,
        END};
    assert_int_equal(read_fields(terminal, "0200", sale), STATUS_OK);
    assert_int_equal(payment.answer_words, PAYMENT_WORDS_LOCAL);
    assert_int_equal(read_fields(terminal, "0200", balance), STATUS_OK);
    assert_int_equal(payment.kind, PAYMENT_BALANCE);
    assert_int_equal(payment.answer_words, PAYMENT_WORDS_NONE); /* its answer has no field 63 */
}

static void test_a_message_of_another_dialect_is_our_fault(void **state)
{
    (void)state;
    static const struct wire_field fields[] = {SALE_BODY, SALE_KEY, TRACK, END};
    assert_int_equal(read_fields(terminal, "0200", fields), STATUS_OK);
    expect_assert_failure((void)!dialect_read(host, &stage.message, &payment, &stage.fault));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_purchase_says_what_it_means),
        cmocka_unit_test(test_the_account_type_does_not_change_the_kind),
        cmocka_unit_test(test_the_card_number_comes_from_a_track_when_field_2_is_absent),
        cmocka_unit_test(test_a_pin_without_pan_has_no_iso_format),
        cmocka_unit_test(test_a_reversal_names_what_it_undoes),
        cmocka_unit_test(test_a_reversal_of_what_cannot_be_reversed_is_refused),
        cmocka_unit_test(test_what_is_unknown_is_named),
        cmocka_unit_test(test_what_is_missing_is_named),
        cmocka_unit_test(test_a_missing_mac_is_named),
        cmocka_unit_test(test_a_bad_value_is_named_and_the_rest_is_still_read),
        cmocka_unit_test(test_long_fields_that_do_not_fit_together_are_refused),
        cmocka_unit_test(test_an_amount_without_currency_takes_that_of_the_file),
        cmocka_unit_test(test_blanks_of_fixed_texts_are_padding),
        cmocka_unit_test(test_only_approved_responses_carry_a_mac),
        cmocka_unit_test(test_a_bank_reversal_names_its_original_in_field_90),
        cmocka_unit_test(test_a_request_says_what_its_answer_may_tell_the_cashier),
        cmocka_unit_test(test_a_message_of_another_dialect_is_our_fault),
    };
    return cmocka_run_group_tests_name("protocols/dialect/read", tests, set_up, tear_down);
}
