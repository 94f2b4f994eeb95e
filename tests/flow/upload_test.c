/* What a terminal uploads beside its batch: its state, and signatures. */
#include "tests/flow/stage.h"

#include <string.h>

#include "switch/engine/upload.h"

#define DAY_NS (86400 * SECOND_NS)
#define GOOD "0110210310410511260133099counters"

static struct payment upload(enum payment_kind kind, uint32_t stan, const char *field_62)
{
    struct payment payment = stage_payment(kind, TERMINAL_A, stan);
    memcpy(payment.management_code, "362", 4);
    assert_int_equal(payment_set_cargo(
                         &payment, PAYMENT_CARGO_CUSTOM_62,
                         (struct byte_view){(const uint8_t *)field_62, (uint32_t)strlen(field_62)}),
                     STATUS_OK);
    return payment;
}

static void expect(struct stage *stage, const struct payment *payment, const char *code)
{
    uint32_t before = stage->reply_count;
    stage_ask(stage, payment);
    stage_expect_reply(stage, before + 1, code);
}

static uint8_t digit_now(struct stage *stage)
{
    struct payment echo = stage_payment(PAYMENT_ECHO, TERMINAL_A, 0);
    stage_ask(stage, &echo);
    return stage_last_reply(stage)->effect.terminal_request;
}

static uint8_t faulty_of(const char *text)
{
    uint8_t faulty = 0;
    assert_int_equal(
        upload_read_status((struct byte_view){(const uint8_t *)text, (uint32_t)strlen(text)},
                           &faulty),
        STATUS_OK);
    return faulty;
}

static void test_a_status_tells_what_is_faulty(void **state)
{
    (void)state;
    uint8_t faulty;
    assert_int_equal(faulty_of(GOOD), 0);
    assert_int_equal(faulty_of("010021031040051"), 1 << 1 | 1 << 4);
    assert_int_equal(faulty_of("031126013304"), 0); /* cut in its last value */
    assert_int_equal(faulty_of("031000051"), 0);    /* 00 and 06 are no devices */
    assert_int_equal(faulty_of("031060051"), 0);
    assert_string_equal(upload_device_name(4), "printer");
    assert_null(upload_device_name(6));
    assert_int_equal(upload_read_status((struct byte_view){(const uint8_t *)"99", 2}, &faulty),
                     STATUS_MALFORMED);
    assert_int_equal(upload_read_status((struct byte_view){(const uint8_t *)"0", 1}, &faulty),
                     STATUS_MALFORMED);
}

static void test_every_status_is_kept_and_a_new_fault_is_told_once(void **state)
{
    struct stage *stage = *state;
    struct payment status = upload(PAYMENT_STATUS_UPLOAD, 0, GOOD);
    expect(stage, &status, "00");
    const struct record *row = stage_last_record(stage, RECORD_STATUS);
    assert_int_equal(row->payload_length, strlen(GOOD));
    assert_memory_equal(row->payload, GOOD, strlen(GOOD));
    uint32_t notices = stage->notice_count;
    status = upload(PAYMENT_STATUS_UPLOAD, 0, "011021031040051");
    expect(stage, &status, "00");
    expect(stage, &status, "00");
    assert_int_equal(stage->notice_count, notices + 1);
    assert_int_equal(stage->notices[notices].effect.reason, TXN_REASON_DEVICE_FAULTY);
    assert_int_equal(stage_count_records(stage, RECORD_STATUS), 3);
}

static void test_a_status_that_is_none_is_refused(void **state)
{
    struct stage *stage = *state;
    struct payment status = upload(PAYMENT_STATUS_UPLOAD, 0, "xx");
    expect(stage, &status, "30");
    status = upload(PAYMENT_STATUS_UPLOAD, 0, "");
    expect(stage, &status, "30");
    stage->is_log_short = true;
    status = upload(PAYMENT_STATUS_UPLOAD, 0, GOOD);
    expect(stage, &status, "96");
    assert_int_equal(stage_count_records(stage, RECORD_STATUS), 0);
}

static void test_a_status_is_asked_for_when_the_last_one_is_old(void **state)
{
    struct stage *stage = *state;
    stage->limits.status_every_ns = DAY_NS;
    stage_restart(stage);
    assert_int_equal(digit_now(stage), 2);
    struct payment status = upload(PAYMENT_STATUS_UPLOAD, 0, GOOD);
    expect(stage, &status, "00");
    assert_int_equal(stage_last_reply(stage)->effect.terminal_request, 0);
    stage_pass(stage, DAY_NS / 2);
    stage_restart(stage);
    assert_int_equal(digit_now(stage), 0);
    stage_pass(stage, DAY_NS / 2);
    assert_int_equal(digit_now(stage), 2);
}

static void test_a_signature_is_kept_with_the_reference_of_what_was_signed(void **state)
{
    struct stage *stage = *state;
    struct payment purchase = stage_purchase(TERMINAL_A, 11);
    stage_ask(stage, &purchase);
    stage_respond(stage, stage->forward_count - 1, "00");
    const struct record *result = stage_last_record(stage, RECORD_RESULT);
    struct payment signature = upload(PAYMENT_SIGNATURE, 11, "JBIG strokes");
    memcpy(signature.original.rrn, stage_last_reply(stage)->payment.rrn, 13);
    expect(stage, &signature, "00");
    const struct record *row = stage_last_record(stage, RECORD_SIGNATURE);
    assert_int_equal(row->original.epoch, result->txn.epoch);
    assert_int_equal(row->original.seq, result->txn.seq);
    assert_memory_equal(row->payload, "JBIG strokes", 12);
    /* Without a reference number its trace number tells; another's is nobody's. */
    signature = upload(PAYMENT_SIGNATURE, 11, "part 2");
    expect(stage, &signature, "00");
    assert_int_equal(stage_last_record(stage, RECORD_SIGNATURE)->original.seq, result->txn.seq);
    signature = upload(PAYMENT_SIGNATURE, 11, "of another terminal's");
    memcpy(signature.terminal_id, TERMINAL_B, 9);
    memcpy(signature.original.rrn, stage->replies[2].payment.rrn, 13);
    expect(stage, &signature, "00");
    assert_int_equal(stage_last_record(stage, RECORD_SIGNATURE)->original.seq, 0);
    signature = upload(PAYMENT_SIGNATURE, 12, "of nothing");
    expect(stage, &signature, "00");
    assert_int_equal(stage_last_record(stage, RECORD_SIGNATURE)->original.seq, 0);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, stage_set_up, stage_tear_down)
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_status_tells_what_is_faulty),
        TEST(test_every_status_is_kept_and_a_new_fault_is_told_once),
        TEST(test_a_status_that_is_none_is_refused),
        TEST(test_a_status_is_asked_for_when_the_last_one_is_old),
        TEST(test_a_signature_is_kept_with_the_reference_of_what_was_signed),
    };
    return cmocka_run_group_tests_name("flow/upload", tests, NULL, NULL);
}
