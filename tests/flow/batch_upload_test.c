/* Details of a batch whose totals differ: masked, counted, told once, and the batch ended. */
#include "tests/flow/stage.h"

#include <string.h>

#define DETAIL_1                                                                                   \
    "00000011"                                                                                     \
    "00006200000000000005"                                                                         \
    "000000012345"
#define DETAIL_2                                                                                   \
    "01000012"                                                                                     \
    "00004761739001010010"                                                                         \
    "000000000100"

static struct payment upload(const char *code, uint32_t stan, const char *field_48)
{
    struct payment payment = stage_payment(PAYMENT_BATCH_UPLOAD, TERMINAL_A, stan);
    memcpy(payment.management_code, code, 4);
    assert_int_equal(payment_set_cargo(
                         &payment, PAYMENT_CARGO_ADDITIONAL,
                         (struct byte_view){(const uint8_t *)field_48, (uint32_t)strlen(field_48)}),
                     STATUS_OK);
    return payment;
}

/* Totals that are not ours, so that details are wanted. */
static void settle_differently(struct stage *stage, uint32_t stan)
{
    struct payment payment = stage_payment(PAYMENT_SETTLEMENT, TERMINAL_A, stan);
    static const char DIGITS[] = "00000001234500100000000000000000000000000000000000000000000000";
    memcpy(payment.management_code, "201", 4);
    assert_int_equal(payment_set_cargo(&payment, PAYMENT_CARGO_ADDITIONAL,
                                       (struct byte_view){(const uint8_t *)DIGITS, 62}),
                     STATUS_OK);
    stage_ask(stage, &payment);
    assert_int_equal(stage_count_records(stage, RECORD_SETTLEMENT), 1);
}

static void expect(struct stage *stage, const struct payment *payment, const char *code)
{
    uint32_t before = stage->reply_count;
    stage_ask(stage, payment);
    stage_expect_reply(stage, before + 1, code);
}

static void test_details_are_kept_masked_and_the_end_opens_the_next_batch(void **state)
{
    struct stage *stage = *state;
    settle_differently(stage, 20);
    struct payment details = upload("201", 21, "02" DETAIL_1 DETAIL_2);
    expect(stage, &details, "00");
    const struct record *row = stage_last_record(stage, RECORD_BATCH_DETAIL);
    static const char LINES[] = "000011 000000012345 00 620000******0005\n"
                                "000012 000000000100 01 476173******0010\n";
    assert_int_equal(row->payload_length, strlen(LINES));
    assert_memory_equal(row->payload, LINES, strlen(LINES));
    assert_memory_equal(row->answer, "0002", 4);
    struct payment end = upload("202", 22, "0002");
    expect(stage, &end, "00");
    assert_int_equal(stage_count_records(stage, RECORD_BATCH_END), 1);
    assert_int_equal(stage_count_records(stage, RECORD_ANOMALY), 0);
    stage_sign_on(stage, TERMINAL_A);
    assert_int_equal(stage_last_reply(stage)->payment.batch, 2);
}

static void test_an_upload_again_is_answered_and_not_kept_twice(void **state)
{
    struct stage *stage = *state;
    settle_differently(stage, 20);
    struct payment details = upload("201", 21, "01" DETAIL_1);
    expect(stage, &details, "00");
    struct payment first = stage_last_reply(stage)->payment;
    stage_pass(stage, 3 * SECOND_NS);
    expect(stage, &details, "00");
    assert_memory_equal(&stage_last_reply(stage)->payment, &first,
                        offsetof(struct payment, cargo_bytes));
    stage_restart(stage);
    expect(stage, &details, "00");
    assert_string_equal(stage_last_reply(stage)->payment.rrn, first.rrn);
    assert_int_equal(stage_count_records(stage, RECORD_BATCH_DETAIL), 1);
    struct payment other = upload("201", 21, "01" DETAIL_2);
    expect(stage, &other, "94");
    assert_int_equal(stage_count_records(stage, RECORD_BATCH_DETAIL), 1);
}

static void test_details_that_are_missing_are_told_of_and_the_batch_ends(void **state)
{
    struct stage *stage = *state;
    settle_differently(stage, 20);
    struct payment details = upload("201", 21, "01" DETAIL_1);
    expect(stage, &details, "00");
    stage_restart(stage);
    struct payment end = upload("202", 22, "0003");
    expect(stage, &end, "00");
    assert_int_equal(stage_last_record(stage, RECORD_ANOMALY)->reason, TXN_REASON_DETAILS_MISSING);
    const struct record *row = stage_last_record(stage, RECORD_BATCH_END);
    assert_non_null(strstr((const char *)row->payload, "details 1\n"));
}

static void test_malformed_details_are_refused_whole(void **state)
{
    struct stage *stage = *state;
    static const char *const WRONG[] = {
        "",           "0", "00", "01", "02" DETAIL_1, "01" DETAIL_1 "0", "09" DETAIL_1 DETAIL_1,
        "0A" DETAIL_1};
    settle_differently(stage, 20);
    for (uint32_t i = 0; i < sizeof(WRONG) / sizeof(WRONG[0]); i++) {
        struct payment details = upload("201", 21 + i, WRONG[i]);
        expect(stage, &details, "30");
    }
    assert_int_equal(stage_count_records(stage, RECORD_BATCH_DETAIL), 0);
}

static void test_a_card_number_that_is_none_leaves_a_dash(void **state)
{
    struct stage *stage = *state;
    settle_differently(stage, 20);
    struct payment details = upload("201", 21,
                                    "01"
                                    "00000011"
                                    "00000000000000000123"
                                    "000000012345");
    expect(stage, &details, "00");
    const struct record *row = stage_last_record(stage, RECORD_BATCH_DETAIL);
    assert_memory_equal(row->payload, "000011 000000012345 00 -\n", row->payload_length);
}

static void test_chip_details_come_one_by_one(void **state)
{
    struct stage *stage = *state;
    settle_differently(stage, 20);
    struct payment detail = stage_purchase(TERMINAL_A, 21);
    detail.kind = PAYMENT_BATCH_UPLOAD;
    memcpy(detail.management_code, "205", 4);
    expect(stage, &detail, "00");
    const struct record *row = stage_last_record(stage, RECORD_BATCH_DETAIL);
    static const char LINE[] = "000021 000000012345 00 620000******0005\n";
    assert_int_equal(row->payload_length, strlen(LINE));
    assert_memory_equal(row->payload, LINE, strlen(LINE));
    assert_int_equal(row->pan_sealed.length, 0);
    expect(stage, &detail, "00");
    assert_int_equal(stage_count_records(stage, RECORD_BATCH_DETAIL), 1);
}

static void test_details_before_a_settlement_are_refused(void **state)
{
    struct stage *stage = *state;
    struct payment details = upload("201", 21, "01" DETAIL_1);
    expect(stage, &details, "22");
    struct payment end = upload("202", 22, "0000");
    expect(stage, &end, "22");
    struct payment unknown = upload("299", 23, "0000");
    expect(stage, &unknown, "40");
    details.batch = 3;
    expect(stage, &details, "77");
}

static void test_a_trace_number_of_the_batch_before_is_no_repeat(void **state)
{
    struct stage *stage = *state;
    settle_differently(stage, 20);
    struct payment details = upload("201", 21, "01" DETAIL_1);
    expect(stage, &details, "00");
    struct payment end = upload("202", 22, "0001");
    expect(stage, &end, "00");
    struct payment asked = stage_payment(PAYMENT_SETTLEMENT, TERMINAL_A, 20);
    static const char DIGITS[] = "00000001234500100000000000000000000000000000000000000000000000";
    asked.batch = 2;
    assert_int_equal(payment_set_cargo(&asked, PAYMENT_CARGO_ADDITIONAL,
                                       (struct byte_view){(const uint8_t *)DIGITS, 62}),
                     STATUS_OK);
    expect(stage, &asked, "");
    details = upload("201", 22, "01" DETAIL_2);
    details.batch = 2;
    expect(stage, &details, "00");
    assert_int_equal(stage_count_records(stage, RECORD_BATCH_DETAIL), 2);
}

static void test_a_restart_in_the_middle_of_chip_details_knows_the_last_one(void **state)
{
    struct stage *stage = *state;
    settle_differently(stage, 20);
    struct payment detail = stage_purchase(TERMINAL_A, 21);
    detail.kind = PAYMENT_BATCH_UPLOAD;
    memcpy(detail.management_code, "203", 4);
    expect(stage, &detail, "00");
    stage_restart(stage);
    expect(stage, &detail, "00");
    assert_int_equal(stage_count_records(stage, RECORD_BATCH_DETAIL), 1);
    detail.amount.minor = 1;
    expect(stage, &detail, "94");
    detail = stage_purchase(TERMINAL_A, 22);
    detail.kind = PAYMENT_BATCH_UPLOAD;
    memcpy(detail.management_code, "203", 4);
    detail.pan.digit_count = 0; /* without a card number */
    expect(stage, &detail, "00");
    const struct record *row = stage_last_record(stage, RECORD_BATCH_DETAIL);
    assert_memory_equal(row->payload, "000022 000000012345 00 -\n", row->payload_length);
    detail.stan = 23;
    detail.amount.minor = -1;
    expect(stage, &detail, "30");
}

static void test_an_end_that_tells_no_count_is_no_less_an_end(void **state)
{
    struct stage *stage = *state;
    settle_differently(stage, 20);
    struct payment end = upload("202", 22, "12");
    expect(stage, &end, "00");
    assert_int_equal(stage_count_records(stage, RECORD_ANOMALY), 0);
    assert_int_equal(stage_count_records(stage, RECORD_BATCH_END), 1);
}

static void test_rows_of_details_that_say_nonsense_are_passed_over(void **state)
{
    struct stage *stage = *state;
    settle_differently(stage, 20);
    struct payment details = upload("201", 21,
                                    "01"
                                    "00000011"
                                    "00000000000000000000"
                                    "000000012345");
    expect(stage, &details, "00");
    struct record *row = &stage->records[stage->record_count - 1];
    assert_int_equal(row->kind, RECORD_BATCH_DETAIL);
    memcpy(row->answer, "00x2", 4);
    row->stan = 0;
    row->payload_length = 3;
    stage_restart(stage);
    struct payment end = upload("202", 22, "0001");
    expect(stage, &end, "00");
    assert_int_equal(stage_last_record(stage, RECORD_ANOMALY)->reason, TXN_REASON_DETAILS_MISSING);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, stage_set_up, stage_tear_down)
    const struct CMUnitTest tests[] = {
        TEST(test_details_are_kept_masked_and_the_end_opens_the_next_batch),
        TEST(test_an_upload_again_is_answered_and_not_kept_twice),
        TEST(test_details_that_are_missing_are_told_of_and_the_batch_ends),
        TEST(test_malformed_details_are_refused_whole),
        TEST(test_a_card_number_that_is_none_leaves_a_dash),
        TEST(test_chip_details_come_one_by_one),
        TEST(test_a_restart_in_the_middle_of_chip_details_knows_the_last_one),
        TEST(test_an_end_that_tells_no_count_is_no_less_an_end),
        TEST(test_rows_of_details_that_say_nonsense_are_passed_over),
        TEST(test_details_before_a_settlement_are_refused),
        TEST(test_a_trace_number_of_the_batch_before_is_no_repeat),
    };
    return cmocka_run_group_tests_name("flow/batch_upload", tests, NULL, NULL);
}
