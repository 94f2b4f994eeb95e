/* Each kind of row and each reason, and what after-sales sees of it. */
#include "tests/unit/unit_test.h"

#include <stdio.h>
#include <string.h>

#include "protocols/base/require.h"
#include "switch/engine/batch_totals.h"
#include "switch/engine/engine.h"
#include "switch/store/observe.h"

static struct record record;
static struct observation seen;

static struct record *row(enum record_kind kind, enum txn_reason reason)
{
    memset(&record, 0, sizeof(record));
    record.position = 42;
    record.wall_us = 1764057600000000;
    record.kind = kind;
    record.reason = (uint16_t)reason;
    record.payment_kind = PAYMENT_PURCHASE;
    memcpy(record.terminal_id, "10000001", 9);
    memcpy(record.merchant_id, "898110053110001", 16);
    return &record;
}

static void expect(enum observation_kind kind, enum observation_detail detail)
{
    memset(&seen, 0xA5, sizeof(seen));
    if (!observation_of_record(&record, &seen)) {
        fail_msg("%s, %s: nothing", record_kind_name(record.kind),
                 txn_reason_name((enum txn_reason)record.reason));
    }
    if (seen.kind != kind || seen.detail != detail) {
        fail_msg("%s, %s: %s %s", record_kind_name(record.kind),
                 txn_reason_name((enum txn_reason)record.reason), observation_kind_name(seen.kind),
                 observation_detail_name(seen.detail));
    }
    assert_int_equal(seen.position, 42);
    assert_string_equal(seen.terminal_id, "10000001");
    assert_string_equal(seen.merchant_id, "898110053110001");
}

static void expect_nothing(void)
{
    assert_false(observation_of_record(&record, &seen));
}

static void answered(const char *code)
{
    memcpy(record.response_code, code, 3);
}

/* Whatever the reason, these say the same. */
static void test_kinds_that_need_no_reason(void **state)
{
    (void)state;
    static const struct {
        enum record_kind kind;
        enum observation_kind seen;
        enum observation_detail detail;
    } CASES[] = {
        {RECORD_INTENT, OBSERVATION_ASKED, OBSERVED_NONE},
        {RECORD_SIGNON, OBSERVATION_SIGNED_ON, OBSERVED_NONE},
        {RECORD_SIGNOFF, OBSERVATION_SIGNED_OFF, OBSERVED_NONE},
        {RECORD_BATCH_END, OBSERVATION_BATCH_ENDED, OBSERVED_NONE},
        {RECORD_TOMBSTONE, OBSERVATION_REVERSED, OBSERVED_BY_TERMINAL},
        {RECORD_REVERSAL_CASE, OBSERVATION_ODD, OBSERVED_UNDELIVERED},
        {RECORD_ADVICE_CASE, OBSERVATION_ODD, OBSERVED_UNDELIVERED},
        {RECORD_REVERSAL_DONE, OBSERVATION_UNDONE, OBSERVED_NONE},
        {RECORD_EPOCH, OBSERVATION_TIME, OBSERVED_NONE},
        {RECORD_REVERSAL_SENT, OBSERVATION_TIME, OBSERVED_NONE},
        {RECORD_BATCH_DETAIL, OBSERVATION_TIME, OBSERVED_NONE},
        {RECORD_SIGNATURE, OBSERVATION_TIME, OBSERVED_NONE},
        {RECORD_CUT_OVER, OBSERVATION_TIME, OBSERVED_NONE},
        {RECORD_ORDER, OBSERVATION_TIME, OBSERVED_NONE},
        {RECORD_ORDER_DONE, OBSERVATION_TIME, OBSERVED_NONE},
        {RECORD_ORDER_OVER, OBSERVATION_TIME, OBSERVED_NONE},
        {RECORD_ADVICE_DONE, OBSERVATION_TIME, OBSERVED_NONE},
        {RECORD_STATUS, OBSERVATION_TIME, OBSERVED_NONE},
    };
    for (unsigned i = 0; i < COUNT_OF(CASES); i++) {
        for (unsigned reason = 0; reason < TXN_REASON_COUNT; reason++) {
            row(CASES[i].kind, (enum txn_reason)reason);
            if (CASES[i].seen == OBSERVATION_TIME) {
                expect_nothing();
            } else {
                expect(CASES[i].seen, CASES[i].detail);
            }
        }
    }
    row(RECORD_KIND_COUNT, TXN_REASON_NONE);
    expect_assert_failure((void)observation_of_record(&record, &seen));
    row(RECORD_INTENT, TXN_REASON_COUNT);
    expect_assert_failure((void)observation_of_record(&record, &seen));
}

/* The reasons that a kind tells apart; all others fall under the first row. */
struct by_reason {
    enum txn_reason reason;
    enum observation_kind kind;
    enum observation_detail detail;
};

static void expect_by_reason(enum record_kind kind, const struct by_reason *cases, unsigned count)
{
    for (unsigned reason = 0; reason < TXN_REASON_COUNT; reason++) {
        const struct by_reason *wanted = &cases[0];
        for (unsigned i = 1; i < count; i++) {
            wanted = cases[i].reason == reason ? &cases[i] : wanted;
        }
        row(kind, (enum txn_reason)reason);
        answered("51");
        expect(wanted->kind, wanted->detail);
    }
}

static void test_results_and_advices_by_reason(void **state)
{
    (void)state;
    static const struct by_reason RESULTS[] = {
        {TXN_REASON_NONE, OBSERVATION_ENDED, OBSERVED_DECLINED},
        {TXN_REASON_UNSENT, OBSERVATION_ENDED, OBSERVED_UNSENT},
        {TXN_REASON_CHANNEL_DOWN, OBSERVATION_ENDED, OBSERVED_UNSENT},
        {TXN_REASON_CHANNEL_FULL, OBSERVATION_ENDED, OBSERVED_UNSENT},
        {TXN_REASON_PIN_REFUSED, OBSERVATION_ENDED, OBSERVED_UNSENT},
        {TXN_REASON_NO_ANSWER, OBSERVATION_ENDED, OBSERVED_UNKNOWN},
        {TXN_REASON_MISMATCH, OBSERVATION_ENDED, OBSERVED_UNKNOWN},
        {TXN_REASON_RESTART, OBSERVATION_ENDED, OBSERVED_UNKNOWN}};
    static const struct by_reason ADVICES[] = {
        {TXN_REASON_NONE, OBSERVATION_ENDED, OBSERVED_UNKNOWN},
        {TXN_REASON_ADVICE_TAKEN, OBSERVATION_ENDED, OBSERVED_APPROVED}};
    static const struct by_reason REVERSALS[] = {
        {TXN_REASON_NONE, OBSERVATION_REVERSED, OBSERVED_BY_SWITCH},
        {TXN_REASON_TERMINAL_REVERSED, OBSERVATION_REVERSED, OBSERVED_BY_TERMINAL},
        {TXN_REASON_NO_ANSWER, OBSERVATION_ENDED, OBSERVED_UNKNOWN}};
    expect_by_reason(RECORD_RESULT, RESULTS, COUNT_OF(RESULTS));
    expect_by_reason(RECORD_ADVICE, ADVICES, COUNT_OF(ADVICES));
    expect_by_reason(RECORD_REVERSAL, REVERSALS, COUNT_OF(REVERSALS));
    row(RECORD_RESULT, TXN_REASON_CHANNEL_ANSWERED);
    answered("00");
    expect(OBSERVATION_ENDED, OBSERVED_APPROVED);
}

static void test_refusals_by_reason(void **state)
{
    (void)state;
    static const struct by_reason CASES[] = {
        {TXN_REASON_NONE, OBSERVATION_REFUSED, OBSERVED_OTHER},
        {TXN_REASON_NOT_SIGNED_ON, OBSERVATION_REFUSED, OBSERVED_NOT_SIGNED_ON},
        {TXN_REASON_OTHER_BATCH, OBSERVATION_REFUSED, OBSERVED_NOT_SIGNED_ON},
        {TXN_REASON_MERCHANT_MISMATCH, OBSERVATION_REFUSED, OBSERVED_MERCHANT_MISMATCH},
        {TXN_REASON_TERMINAL_STOPPED, OBSERVATION_REFUSED, OBSERVED_TERMINAL_STOPPED},
        {TXN_REASON_MERCHANT_STOPPED, OBSERVATION_REFUSED, OBSERVED_MERCHANT_STOPPED},
        {TXN_REASON_FOLLOWED_UNKNOWN, OBSERVATION_REFUSED, OBSERVED_OTHER},
        {TXN_REASON_FOLLOWED_OTHER_CARD, OBSERVATION_REFUSED, OBSERVED_OTHER_CARD},
        {TXN_REASON_CARD_LISTED, OBSERVATION_REFUSED, OBSERVED_LISTED},
        {TXN_REASON_MERCHANT_LISTED, OBSERVATION_REFUSED, OBSERVED_MERCHANT_LISTED},
        {TXN_REASON_TERMINAL_LISTED, OBSERVATION_REFUSED, OBSERVED_TERMINAL_STOPPED},
        {TXN_REASON_CODE_LISTED, OBSERVATION_REFUSED, OBSERVED_LISTED},
        {TXN_REASON_LIMIT_AMOUNT, OBSERVATION_REFUSED, OBSERVED_LIMITED},
        {TXN_REASON_LIMIT_AMOUNT_LOW, OBSERVATION_REFUSED, OBSERVED_LIMITED},
        {TXN_REASON_LIMIT_DAY_AMOUNT, OBSERVATION_REFUSED, OBSERVED_LIMITED},
        {TXN_REASON_LIMIT_DAY_COUNT, OBSERVATION_REFUSED, OBSERVED_LIMITED},
        {TXN_REASON_LIMIT_MONTH_AMOUNT, OBSERVATION_REFUSED, OBSERVED_LIMITED},
        {TXN_REASON_PIN_FAULTS, OBSERVATION_REFUSED, OBSERVED_LIMITED},
        {TXN_REASON_ORDER_LIMIT, OBSERVATION_REFUSED, OBSERVED_LIMITED},
        {TXN_REASON_ORDER_STOP, OBSERVATION_REFUSED, OBSERVED_TERMINAL_STOPPED}};
    expect_by_reason(RECORD_REFUSED, CASES, COUNT_OF(CASES));
}

static void test_anomalies_by_reason(void **state)
{
    (void)state;
    static const struct by_reason CASES[] = {
        {TXN_REASON_NONE, OBSERVATION_ODD, OBSERVED_NONE},
        {TXN_REASON_MAC_FAILED, OBSERVATION_SIGHTING, OBSERVED_MAC_FAILED},
        {TXN_REASON_MALFORMED, OBSERVATION_SIGHTING, OBSERVED_MALFORMED},
        {TXN_REASON_TLS_FAILED, OBSERVATION_SIGHTING, OBSERVED_TLS_FAILED},
        {TXN_REASON_STRANGER, OBSERVATION_SIGHTING, OBSERVED_STRANGER},
        {TXN_REASON_CERTIFICATE_30, OBSERVATION_SIGHTING, OBSERVED_CERTIFICATE_30},
        {TXN_REASON_CERTIFICATE_14, OBSERVATION_SIGHTING, OBSERVED_CERTIFICATE_14},
        {TXN_REASON_CERTIFICATE_7, OBSERVATION_SIGHTING, OBSERVED_CERTIFICATE_7},
        {TXN_REASON_IDENTITY_DIFFERS, OBSERVATION_SIGHTING, OBSERVED_OTHER},
        {TXN_REASON_KEYS_MISSING, OBSERVATION_REFUSED, OBSERVED_NOT_SIGNED_ON},
        {TXN_REASON_LATE_APPROVAL, OBSERVATION_ODD, OBSERVED_LATE_APPROVAL},
        {TXN_REASON_MISMATCH, OBSERVATION_ODD, OBSERVED_MISMATCH},
        {TXN_REASON_OTHER_CONTENT, OBSERVATION_ODD, OBSERVED_OTHER_CONTENT},
        {TXN_REASON_CLOCK_OFF, OBSERVATION_ODD, OBSERVED_CLOCK_OFF},
        {TXN_REASON_ANSWER_MAC, OBSERVATION_ODD, OBSERVED_KEYS_LOST}};
    expect_by_reason(RECORD_ANOMALY, CASES, COUNT_OF(CASES));
    for (unsigned reason = 0; reason < TXN_REASON_COUNT; reason++) {
        row(RECORD_ANOMALY, (enum txn_reason)reason);
        assert_true(observation_of_record(&record, &seen));
        if (engine_may_sight((enum txn_reason)reason)) {
            assert_true(seen.kind == OBSERVATION_SIGHTING || seen.kind == OBSERVATION_REFUSED);
        } else {
            assert_int_equal(seen.kind, OBSERVATION_ODD);
        }
    }
}

static void test_the_end_of_what_is_sent_again(void **state)
{
    (void)state;
    static const enum payment_kind KINDS[] = {PAYMENT_REFUND, PAYMENT_VOID};
    for (unsigned i = 0; i < COUNT_OF(KINDS); i++) {
        row(RECORD_ADVICE_DONE, TXN_REASON_CHANNEL_ANSWERED)->payment_kind = KINDS[i];
        answered("00");
        expect(OBSERVATION_ENDED, OBSERVED_APPROVED);
        answered("51");
        expect(OBSERVATION_ENDED, OBSERVED_DECLINED);
    }
    row(RECORD_REVERSAL_DONE, TXN_REASON_NO_ANSWER);
    answered("25");
    expect(OBSERVATION_ODD, OBSERVED_REVERSAL_UNFOUND);
}

static void put_payload(const char *text)
{
    record.payload_length = (uint16_t)strlen(text);
    memcpy(record.payload, text, record.payload_length);
}

static void test_a_settlement_says_whether_the_totals_are_equal(void **state)
{
    (void)state;
    static const struct batch_totals TOTALS = {.domestic_debit = {12345, 1}};
    static const struct {
        enum batch_result result;
        enum observation_detail detail;
    } CASES[] = {{BATCH_EQUAL, OBSERVED_TOTALS_EQUAL},
                 {BATCH_DIFFERENT, OBSERVED_TOTALS_DIFFER},
                 {BATCH_ERROR, OBSERVED_TOTALS_DIFFER}};
    char asked[BATCH_FIELD_48_DIGITS + 1], ours[BATCH_FIELD_48_DIGITS + 1], text[256];
    batch_totals_to_field_48(asked, &TOTALS, BATCH_ASKED);
    for (unsigned i = 0; i < COUNT_OF(CASES); i++) {
        row(RECORD_SETTLEMENT, TXN_REASON_NONE);
        batch_totals_to_field_48(ours, &TOTALS, CASES[i].result);
        snprintf(text, sizeof(text), "asked %s\nours %s\nreversals %u\n", asked, ours, 0U);
        put_payload(text);
        expect(OBSERVATION_SETTLED, CASES[i].detail);
    }
    row(RECORD_SETTLEMENT, TXN_REASON_NONE);
    put_payload("asked 1\nours 1\n");
    expect(OBSERVATION_SETTLED, OBSERVED_TOTALS_DIFFER);
}

static void test_a_status_tells_what_is_faulty(void **state)
{
    (void)state;
    row(RECORD_STATUS, TXN_REASON_NONE);
    put_payload("011021030040");
    expect(OBSERVATION_STATUS, OBSERVED_NONE);
    assert_int_equal(seen.faulty, 1 << 3 | 1 << 4);
    row(RECORD_STATUS, TXN_REASON_NONE);
    put_payload("download ca_keys 0A1B2C3D");
    expect_nothing();
}

static void test_the_device_column_is_taken_apart(void **state)
{
    (void)state;
    row(RECORD_INTENT, TXN_REASON_NONE);
    snprintf(record.device, sizeof(record.device),
             "sn=0000290210015708 v=H7062801 at=31.231,-121.473 cell=0000002a f x");
    expect(OBSERVATION_ASKED, OBSERVED_NONE);
    assert_string_equal(seen.serial, "0000290210015708");
    assert_string_equal(seen.firmware, "H7062801");
    assert_int_equal(seen.latitude_e3, 31231);
    assert_int_equal(seen.longitude_e3, -121473);
    assert_int_equal(seen.cell, 42);
    assert_int_equal(seen.device_flags,
                     DEVICE_NOTE_HAS_POSITION | DEVICE_NOTE_POSITION_FROZEN | DEVICE_NOTE_FALLBACK);
    assert_int_equal(seen.count, 1);
    row(RECORD_ANOMALY, TXN_REASON_CLOCK_OFF);
    snprintf(record.device, sizeof(record.device), "ahead=-312");
    expect(OBSERVATION_ODD, OBSERVED_CLOCK_OFF);
    assert_int_equal(seen.clock_ahead_s, -312);
    row(RECORD_ANOMALY, TXN_REASON_MAC_FAILED);
    snprintf(record.device, sizeof(record.device), "n=17");
    expect(OBSERVATION_SIGHTING, OBSERVED_MAC_FAILED);
    assert_int_equal(seen.count, 17);
    row(RECORD_INTENT, TXN_REASON_NONE);
    snprintf(record.device, sizeof(record.device), "sn=1 nonsense");
    expect(OBSERVATION_ASKED, OBSERVED_NONE);
    assert_string_equal(seen.serial, "");
}

static void test_the_rest_of_a_payment_is_handed_on(void **state)
{
    (void)state;
    static const struct {
        const char *basis;
        uint8_t card_credit;
    } CASES[] = {{"SP1 proportional unionpay credit standard ic 1234500", 1},
                 {"SP1 proportional unionpay debit standard ic 1234500", 2},
                 {"SP1 proportional unionpay prepaid standard ic 1234500", 0},
                 {"SP1 proportional unionpay - standard ic 1234500", 0},
                 {"", 0},
                 {"nonsense", 0}};
    for (unsigned i = 0; i < COUNT_OF(CASES); i++) {
        row(RECORD_INTENT, TXN_REASON_NONE);
        snprintf(record.fee_basis, sizeof(record.fee_basis), "%s", CASES[i].basis);
        expect(OBSERVATION_ASKED, OBSERVED_NONE);
        assert_int_equal(seen.card_credit, CASES[i].card_credit);
    }
    record.batch = 7;
    record.stan = 301;
    record.amount = (struct money){.minor = 12345, .currency = 156};
    memset(record.pan_hash.bytes, 0x5A, sizeof(record.pan_hash.bytes));
    memcpy(record.pan_masked, "620000******0005", 17);
    memcpy(record.channel, "bank_a", 7);
    memcpy(record.entry_mode, "051", 4);
    memcpy(record.mcc, "5411", 5);
    memcpy(record.rrn, "100010000042", 13);
    answered("00");
    expect(OBSERVATION_ASKED, OBSERVED_NONE);
    assert_int_equal(seen.wall_us, record.wall_us);
    assert_int_equal(seen.payment_kind, PAYMENT_PURCHASE);
    assert_int_equal(seen.batch, 7);
    assert_int_equal(seen.stan, 301);
    assert_int_equal(seen.amount_minor, 12345);
    assert_int_equal(seen.currency, 156);
    assert_memory_equal(seen.pan_hash.bytes, record.pan_hash.bytes, sizeof(seen.pan_hash.bytes));
    assert_string_equal(seen.pan_masked, "620000******0005");
    assert_string_equal(seen.channel, "bank_a");
    assert_string_equal(seen.entry_mode, "051");
    assert_string_equal(seen.mcc, "5411");
    assert_string_equal(seen.rrn, "100010000042");
    assert_string_equal(seen.response_code, "00");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_kinds_that_need_no_reason),
        cmocka_unit_test(test_results_and_advices_by_reason),
        cmocka_unit_test(test_refusals_by_reason),
        cmocka_unit_test(test_anomalies_by_reason),
        cmocka_unit_test(test_the_end_of_what_is_sent_again),
        cmocka_unit_test(test_a_settlement_says_whether_the_totals_are_equal),
        cmocka_unit_test(test_a_status_tells_what_is_faulty),
        cmocka_unit_test(test_the_device_column_is_taken_apart),
        cmocka_unit_test(test_the_rest_of_a_payment_is_handed_on),
    };
    return cmocka_run_group_tests_name("switch/store/observe", tests, NULL, NULL);
}
