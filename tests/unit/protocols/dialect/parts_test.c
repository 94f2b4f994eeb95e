/* Elements inside a field: a customer's code and its voucher, read out of field 59 and written into
 * it (unionpay section 10). */
#include "tests/unit/protocols/dialect/stage.h"

#define CODE "6212345678901234567"
#define VOUCHER "58210526789789570802"
#define POSITION "A10280110123456789002101234567890"

static struct dialect *terminal, *bank;
static struct stage_message stage;
static struct payment payment;

static int set_up(void **state)
{
    (void)state;
    terminal = stage_dialect("unionpay-pos");
    bank = stage_dialect("iso8583-1987-ascii");
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    dialect_destroy(terminal);
    dialect_destroy(bank);
    return 0;
}

/* A purchase with the customer's code and no card. */
static void stage_code(enum payment_kind kind, enum payment_leg leg)
{
    stage_payment(&payment);
    payment.kind = kind;
    payment.leg = leg;
    payment.pan = (struct pan){.digit_count = 0};
    payment.track2.count = 0;
    payment.track3.count = 0;
    payment.pin.length = 0;
    memcpy(payment.entry_mode, "032", 4);
    memcpy(payment.condition_code, "00", 3);
    payment.cargo[PAYMENT_CARGO_PRIVATE_59].length = 0;
    memset(payment.pay_code, 0, sizeof(payment.pay_code));
    memset(payment.voucher, 0, sizeof(payment.voucher));
}

/* Builds, and reads what was built. */
static enum status pass(const struct dialect *dialect)
{
    const enum status built = stage_build(&stage, dialect, &payment, true);
    assert_string_equal(stage.fault.reason, "");
    assert_int_equal(built, STATUS_OK);
    stage_parse(&stage, dialect);
    return dialect_read(dialect, &stage.message, &payment, &stage.fault);
}

static void assert_field_59(const char *expected)
{
    const struct byte_view raw = message_raw(&stage.message, 59);
    assert_int_equal(raw.length, strlen(expected));
    assert_memory_equal(raw.bytes, expected, raw.length);
}

/* Reads a purchase whose field 59 is `text`, with that card, or none. */
static enum status read_59_with(const char *text, const char *card)
{
    static struct stage_message other;
    struct message_draft draft;
    struct message_fault fault;
    stage_code(PAYMENT_PURCHASE, PAYMENT_REQUEST);
    memcpy(payment.pay_code, CODE, sizeof(CODE));
    assert_int_equal(pass(terminal), STATUS_OK);
    message_draft_init(&draft, dialect_spec(terminal), "0200");
    draft.header = message_header(&stage.message);
    static char texts[SPEC_FIELD_MAX + 1][1000];
    for (unsigned field = 2; field <= 64; field++) {
        if (message_has(&stage.message, field)) {
            const uint32_t count =
                message_text(&stage.message, field, texts[field], sizeof(texts[field]));
            message_draft_set(&draft, field, texts[field], count);
        }
    }
    message_draft_set_text(&draft, 59, text);
    if (card != NULL) {
        message_draft_set_text(&draft, 2, card);
    }
    byte_writer_init(&other.writer, other.bytes, sizeof(other.bytes));
    assert_int_equal(message_build(&draft, &other.writer, NULL, &fault), STATUS_OK);
    stage_parse(&other, terminal);
    return dialect_read(terminal, &other.message, &payment, &stage.fault);
}

static enum status read_59(const char *text)
{
    return read_59_with(text, NULL);
}

static void assert_kept(const char *expected)
{
    const struct byte_view kept = payment_cargo(&payment, PAYMENT_CARGO_PRIVATE_59);
    assert_int_equal(kept.length, strlen(expected));
    assert_memory_equal(kept.bytes, expected, kept.length);
}

static void test_a_code_travels_in_field_59_and_stays_nowhere_else(void **state)
{
    (void)state;
    const struct dialect *const dialects[] = {terminal, bank};
    for (size_t i = 0; i < COUNT_OF(dialects); i++) {
        stage_code(PAYMENT_PURCHASE, PAYMENT_REQUEST);
        memcpy(payment.pay_code, CODE, sizeof(CODE));
        assert_int_equal(pass(dialects[i]), STATUS_OK);
        assert_field_59("A3019" CODE);
        assert_string_equal(payment.pay_code, CODE);
        assert_string_equal(payment.entry_mode, "032");
        assert_string_equal(payment.voucher, "");
        assert_kept("");
    }
}

static void test_a_voucher_comes_back_and_is_quoted_later(void **state)
{
    (void)state;
    static const struct {
        enum payment_kind kind;
        enum payment_leg leg;
    } legs[] = {{PAYMENT_PURCHASE, PAYMENT_RESPONSE},
                {PAYMENT_VOID, PAYMENT_REQUEST},
                {PAYMENT_VOID, PAYMENT_RESPONSE},
                {PAYMENT_REFUND, PAYMENT_REQUEST},
                {PAYMENT_REFUND, PAYMENT_RESPONSE}};
    const struct dialect *const dialects[] = {terminal, bank};
    for (size_t i = 0; i < COUNT_OF(legs) * COUNT_OF(dialects); i++) {
        stage_code(legs[i / 2].kind, legs[i / 2].leg);
        memcpy(payment.voucher, VOUCHER, sizeof(VOUCHER));
        assert_int_equal(pass(dialects[i % 2]), STATUS_OK);
        assert_field_59("A4020" VOUCHER);
        assert_string_equal(payment.voucher, VOUCHER);
    }
}

static void test_a_response_does_not_repeat_the_code(void **state)
{
    (void)state;
    stage_code(PAYMENT_PURCHASE, PAYMENT_RESPONSE);
    memcpy(payment.pay_code, CODE, sizeof(CODE));
    assert_int_equal(pass(terminal), STATUS_OK);
    assert_false(message_has(&stage.message, 59));
}

static void test_other_elements_are_kept_beside_the_code(void **state)
{
    (void)state;
    assert_int_equal(read_59(POSITION "A3019" CODE "A2004"
                                      "0102"),
                     STATUS_OK);
    assert_string_equal(payment.pay_code, CODE);
    assert_kept(POSITION "A2004"
                         "0102");
    assert_int_equal(pass(terminal), STATUS_OK);
    assert_field_59(POSITION "A2004"
                             "0102"
                             "A3019" CODE);
    assert_kept(POSITION "A2004"
                         "0102");
}

static void test_lengths_of_two_digits_are_read_and_written_beside_their_like(void **state)
{
    (void)state;
    assert_int_equal(read_59("122000000000000000000000A319" CODE), STATUS_OK);
    assert_string_equal(payment.pay_code, CODE);
    assert_kept("122000000000000000000000");
    assert_int_equal(pass(terminal), STATUS_OK);
    assert_field_59("122000000000000000000000A319" CODE);
}

static void test_what_is_no_list_is_kept_whole(void **state)
{
    (void)state;
    assert_int_equal(read_59("000001000178"), STATUS_OK);
    assert_kept("000001000178");
    memcpy(payment.pay_code, CODE, sizeof(CODE));
    assert_int_equal(stage_build(&stage, terminal, &payment, true), STATUS_BAD_VALUE);
    assert_int_equal(stage.fault.field, 59);
}

static void test_a_broken_list_is_told_without_its_content(void **state)
{
    (void)state;
    static const struct {
        const char *text, *reason;
    } cases[] = {
        {"A30226212345678901234567", "field 59 ends 3 bytes inside tag A3, at byte 5 of the field"},
        {"A3x19" CODE, "field 59 has no length behind tag A3, at byte 5 of the field"},
        {"A3019621234567890123456x",
         "field 59 holds a value not of its format in tag A3, at byte 24 of the field"},
        {"A3019" CODE "A3019" CODE, "field 59 has tag A3 twice, or with more than 24 characters"},
        {"A3025" CODE "123456",
         "field 59 holds a value not of its format in tag A3, at byte 30 of the field"},
    };
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        const enum status status = read_59(cases[i].text);
        assert_int_equal(status, STATUS_BAD_VALUE);
        assert_string_equal(stage.fault.reason, cases[i].reason);
        assert_int_equal(stage.fault.field, 59);
        assert_kept("");
    }
}

/* A terminal's own data refuses nobody who pays by card; a payment code does. */
static void test_broken_terminal_data_beside_a_card_are_left_out(void **state)
{
    (void)state;
    static const char CARD[] = "6200000000000005";
    assert_int_equal(read_59_with("1799BD31", CARD), STATUS_OK);
    assert_string_equal(payment.pan.digits, CARD);
    assert_kept("");
    assert_int_equal(read_59_with("A2010xA3019" CODE, CARD), STATUS_OK);
    assert_kept("");
    assert_string_equal(payment.pay_code, "");
    assert_int_equal(read_59_with("A30226212345678901234567", CARD), STATUS_BAD_VALUE);
    assert_int_equal(read_59_with("A3019" CODE "1799BD31", CARD), STATUS_BAD_VALUE);
    assert_int_equal(read_59("1799BD31"), STATUS_BAD_VALUE);
}

static void test_a_code_that_does_not_fit_is_refused(void **state)
{
    (void)state;
    stage_code(PAYMENT_PURCHASE, PAYMENT_REQUEST);
    memcpy(payment.pay_code, "62x", 4);
    assert_int_equal(stage_build(&stage, bank, &payment, true), STATUS_BAD_VALUE);
    assert_int_equal(stage.fault.field, 59);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_code_travels_in_field_59_and_stays_nowhere_else),
        cmocka_unit_test(test_a_voucher_comes_back_and_is_quoted_later),
        cmocka_unit_test(test_a_response_does_not_repeat_the_code),
        cmocka_unit_test(test_other_elements_are_kept_beside_the_code),
        cmocka_unit_test(test_lengths_of_two_digits_are_read_and_written_beside_their_like),
        cmocka_unit_test(test_what_is_no_list_is_kept_whole),
        cmocka_unit_test(test_a_broken_list_is_told_without_its_content),
        cmocka_unit_test(test_broken_terminal_data_beside_a_card_are_left_out),
        cmocka_unit_test(test_a_code_that_does_not_fit_is_refused),
    };
    return cmocka_run_group_tests_name("protocols/dialect/parts", tests, set_up, tear_down);
}
