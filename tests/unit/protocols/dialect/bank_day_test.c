/* From the terminals' dialect to the banks': what a terminal may ask in a day can be said to a
 * bank, who reads the kind that was meant, and so does the switch in the bank's answer. */
#include "tests/unit/protocols/dialect/stage.h"

static const enum payment_kind FORWARDED[] = {
    PAYMENT_PURCHASE,     PAYMENT_VOID,           PAYMENT_REFUND,         PAYMENT_BALANCE,
    PAYMENT_PREAUTH,      PAYMENT_PREAUTH_VOID,   PAYMENT_CAPTURE,        PAYMENT_PREAUTH_INCREMENT,
    PAYMENT_CAPTURE_VOID, PAYMENT_CAPTURE_ADVICE, PAYMENT_OFFLINE_ADVICE, PAYMENT_OFFLINE_SALE,
    PAYMENT_CASH_LOAD,    PAYMENT_OTHER_SALE,     PAYMENT_OTHER_VOID,     PAYMENT_OTHER_QUERY,
    PAYMENT_SCRIPT_RESULT};

static const enum payment_kind FOLLOW_UPS[] = {
    PAYMENT_VOID,         PAYMENT_REFUND,  PAYMENT_PREAUTH_VOID, PAYMENT_PREAUTH_INCREMENT,
    PAYMENT_CAPTURE_VOID, PAYMENT_CAPTURE, PAYMENT_OTHER_VOID,   PAYMENT_CAPTURE_ADVICE};

static bool is_among(const enum payment_kind *kinds, size_t count, enum payment_kind kind)
{
    for (size_t i = 0; i < count; i++) {
        if (kinds[i] == kind) {
            return true;
        }
    }
    return false;
}

/* A bank need not tell an offline sale from an offline settlement; all else it must. */
static enum payment_kind kind_meant(enum payment_kind kind)
{
    return kind == PAYMENT_OFFLINE_SALE ? PAYMENT_OFFLINE_ADVICE : kind;
}

static void pass(struct stage_message *stage, const struct dialect *bank,
                 const struct payment *sent, struct payment *read)
{
    enum status status = stage_build(stage, bank, sent, dialect_has_mac(bank, sent));
    if (status != STATUS_OK) {
        fail_msg("%s %s/%s: %s", payment_kind_name(sent->kind), sent->processing_code,
                 sent->condition_code, stage->fault.reason);
    }
    stage_parse(stage, bank);
    assert_true(message_has(&stage->message, message_mac_field(&stage->message)));
    status = dialect_read(bank, &stage->message, read, &stage->fault);
    if (status != STATUS_OK) {
        fail_msg("%s %s/%s: %s", payment_kind_name(sent->kind), sent->processing_code,
                 sent->condition_code, stage->fault.reason);
    }
}

/* Both legs of one of the terminals' transactions, at every message type that it has here. */
static void assert_understood(const struct dialect *bank, const struct payment *asked,
                              bool is_repeat)
{
    static struct stage_message stage;
    static struct payment sent, read;
    payment_copy(&sent, asked);
    sent.is_repeat = is_repeat;
    for (int leg = 0; leg < DIALECT_LEG_COUNT; leg++) {
        sent.leg = (enum payment_leg)leg;
        pass(&stage, bank, &sent, &read);
        assert_int_equal(read.kind, kind_meant(asked->kind));
        assert_int_equal(read.leg, leg);
        assert_int_equal(read.is_repeat, is_repeat);
        assert_string_equal(read.processing_code, asked->processing_code);
        assert_int_equal(read.stan, asked->stan);
    }
}

static bool has_repeat(const struct dialect *bank, const struct payment *payment)
{
    const struct dialect_row *row = dialect_row_of(bank, payment->kind, payment);
    return row != NULL && row->mti[PAYMENT_REQUEST][1][0] != '\0';
}

static void test_what_a_terminal_asks_is_understood_by_a_bank(void **state)
{
    (void)state;
    static struct payment asked;
    struct dialect *terminal = stage_dialect("unionpay-pos");
    struct dialect *bank = stage_dialect("iso8583-1987-ascii");
    uint32_t understood = 0;
    for (uint32_t i = 0; i < terminal->row_count; i++) {
        const struct dialect_row *row = &terminal->rows[i];
        if (!is_among(FORWARDED, COUNT_OF(FORWARDED), row->kind)) {
            continue;
        }
        stage_payment(&asked);
        stage_row(&asked, terminal, row);
        assert_understood(bank, &asked, false);
        if (has_repeat(bank, &asked)) {
            assert_understood(bank, &asked, true);
        }
        understood++;
    }
    assert_true(understood >= COUNT_OF(FORWARDED));
    dialect_destroy(bank);
    dialect_destroy(terminal);
}

/* Field 25 tells a void from that of a completion, field 90 the message type: a bank that undoes
 * the wrong one moves money. */
static void test_a_bank_reads_what_each_reversal_undoes(void **state)
{
    (void)state;
    static struct stage_message stage;
    static struct payment sent, read;
    struct dialect *terminal = stage_dialect("unionpay-pos");
    struct dialect *bank = stage_dialect("iso8583-1987-ascii");
    uint32_t undone = 0;
    for (uint32_t i = 0; i < terminal->row_count; i++) {
        const struct dialect_row *row = &terminal->rows[i];
        if (!payment_kind_is_reversible(row->kind)) {
            continue;
        }
        stage_payment(&sent);
        stage_row(&sent, terminal, row);
        memcpy(sent.original.mti, row->mti[PAYMENT_REQUEST][0], sizeof(sent.original.mti));
        sent.kind = PAYMENT_REVERSAL;
        sent.original_kind = row->kind;
        for (int repeat = 0; repeat < 2; repeat++) {
            sent.is_repeat = repeat != 0;
            pass(&stage, bank, &sent, &read);
            assert_int_equal(read.kind, PAYMENT_REVERSAL);
            assert_int_equal(read.original_kind, row->kind);
            assert_string_equal(stage.message.mti, repeat != 0 ? "0421" : "0420");
            assert_string_equal(read.original.mti, sent.original.mti);
            assert_int_equal(read.original.stan, sent.original.stan);
        }
        undone++;
    }
    assert_true(undone > 0);
    dialect_destroy(bank);
    dialect_destroy(terminal);
}

static void test_a_follow_up_without_field_90_is_not_said(void **state)
{
    (void)state;
    static struct stage_message stage;
    static struct payment asked;
    struct dialect *terminal = stage_dialect("unionpay-pos");
    struct dialect *bank = stage_dialect("iso8583-1987-ascii");
    uint32_t refused = 0;
    for (uint32_t i = 0; i < terminal->row_count; i++) {
        const struct dialect_row *row = &terminal->rows[i];
        if (!is_among(FOLLOW_UPS, COUNT_OF(FOLLOW_UPS), row->kind)) {
            continue;
        }
        stage_payment(&asked);
        stage_row(&asked, terminal, row);
        memset(&asked.original, 0, sizeof(asked.original));
        assert_int_equal(stage_build(&stage, bank, &asked, true), STATUS_MISSING);
        assert_int_equal(stage.fault.field, 90);
        refused++;
    }
    assert_true(refused >= COUNT_OF(FOLLOW_UPS));
    dialect_destroy(bank);
    dialect_destroy(terminal);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_what_a_terminal_asks_is_understood_by_a_bank),
        cmocka_unit_test(test_a_bank_reads_what_each_reversal_undoes),
        cmocka_unit_test(test_a_follow_up_without_field_90_is_not_said),
    };
    return cmocka_run_group_tests_name("protocols/dialect/bank_day", tests, NULL, NULL);
}
