/* What happens at the limits: more terminals than there may be, no free slot, words too long. */
#include "tests/flow/stage.h"

#include <string.h>

static struct payment of_day(enum payment_kind kind, const char *terminal, const char *code,
                             enum payment_cargo which, const char *text)
{
    struct payment payment = stage_payment(kind, terminal, 40);
    memcpy(payment.management_code, code, 4);
    assert_int_equal(
        payment_set_cargo(&payment, which,
                          (struct byte_view){(const uint8_t *)text, (uint32_t)strlen(text)}),
        STATUS_OK);
    return payment;
}

#define ZERO_TOTALS "00000000000000000000000000000000000000000000000000000000000000"

static struct payment totals_of(const char *terminal)
{
    return of_day(PAYMENT_SETTLEMENT, terminal, "201", PAYMENT_CARGO_ADDITIONAL, ZERO_TOTALS);
}

static void expect(struct stage *stage, const struct payment *payment, const char *code)
{
    uint32_t before = stage->reply_count;
    stage_ask(stage, payment);
    stage_expect_reply(stage, before + 1, code);
}

static void test_terminals_above_the_limit_are_told_96_and_their_rows_are_passed_over(void **state)
{
    struct stage *stage = *state;
    struct payment purchase = stage_purchase(TERMINAL_B, 11);
    stage_ask(stage, &purchase);
    stage_respond(stage, stage->forward_count - 1, "00");
    struct payment status =
        of_day(PAYMENT_STATUS_UPLOAD, TERMINAL_B, "362", PAYMENT_CARGO_CUSTOM_62, "011021");
    expect(stage, &status, "00");
    struct payment totals = totals_of(TERMINAL_B);
    expect(stage, &totals, "");
    struct payment end =
        of_day(PAYMENT_BATCH_UPLOAD, TERMINAL_B, "202", PAYMENT_CARGO_ADDITIONAL, "0000");
    expect(stage, &end, "00");
    stage->limits.terminal_count_max = 1; /* A signed on first */
    stage_restart(stage);
    struct payment signon = stage_payment(PAYMENT_SIGNON, TERMINAL_B, 12);
    memcpy(signon.management_code, "003", 4);
    expect(stage, &signon, "96");
    struct payment signoff = stage_payment(PAYMENT_SIGNOFF, TERMINAL_B, 13);
    expect(stage, &signoff, "96");
    struct payment echo = stage_payment(PAYMENT_ECHO, TERMINAL_B, 0);
    expect(stage, &echo, "96");
    expect(stage, &status, "96");
    expect(stage, &totals, "96");
    expect(stage, &end, "96");
    struct payment signature =
        of_day(PAYMENT_SIGNATURE, TERMINAL_B, "000", PAYMENT_CARGO_CUSTOM_62, "strokes");
    expect(stage, &signature, "96");
    struct payment list =
        of_day(PAYMENT_CA_KEY_LIST, TERMINAL_B, "372", PAYMENT_CARGO_CUSTOM_62, "100");
    expect(stage, &list, "96");
    purchase = stage_purchase(TERMINAL_B, 14);
    expect(stage, &purchase, "96");
    struct engine_terminal_view view;
    assert_false(engine_terminal(stage->engine, TERMINAL_B, &view));
    assert_true(engine_terminal(stage->engine, TERMINAL_A, &view));
    purchase = stage_purchase(TERMINAL_A, 15);
    uint32_t forwards = stage->forward_count;
    stage_ask(stage, &purchase);
    assert_int_equal(stage->forward_count, forwards + 1);
}

static void test_a_sign_on_without_a_free_slot_is_told_96(void **state)
{
    struct stage *stage = *state;
    stage->limits.txn_count_max = 2;
    stage_restart(stage);
    for (uint32_t stan = 11; stan < 13; stan++) {
        struct payment purchase = stage_purchase(TERMINAL_A, stan);
        stage_ask(stage, &purchase);
    }
    struct payment signon = stage_payment(PAYMENT_SIGNON, TERMINAL_B, 12);
    memcpy(signon.management_code, "003", 4);
    expect(stage, &signon, "96");
    stage_respond(stage, stage->forward_count - 1, "00");
    stage_sign_on(stage, TERMINAL_B); /* the answered one gave way */
    stage_expect_reply(stage, stage->reply_count, "00");
}

static void test_keys_that_no_record_holds_are_no_keys(void **state)
{
    struct stage *stage = *state;
    static const uint8_t LONG[PAYMENT_CARGO_BYTES_MAX + 1];
    const struct byte_view records[] = {{LONG, RECORD_PAYLOAD_BYTES_MAX + 1}, {LONG, 4}};
    const struct byte_view fields[] = {{LONG, 4}, {LONG, PAYMENT_CARGO_BYTES_MAX + 1}};
    for (uint32_t i = 0; i < 2; i++) {
        struct payment signon = stage_payment(PAYMENT_SIGNON, TERMINAL_A, 12);
        memcpy(signon.management_code, "003", 4);
        stage_ask(stage, &signon);
        struct engine_event event = {.kind = ENGINE_KEYS};
        event.keys.txn = stage->keys[stage->keys_count - 1].effect.txn;
        event.keys.is_made = true;
        event.keys.records = records[i];
        event.keys.field_62 = fields[i];
        stage_step(stage, event);
        stage_expect_reply(stage, stage->reply_count, "A7");
    }
}

static void test_a_terminal_is_shown_as_it_stands(void **state)
{
    struct stage *stage = *state;
    struct engine_terminal_view view;
    assert_false(engine_terminal(stage->engine, "19999999", &view));
    assert_false(engine_terminal(stage->engine, "100000011", &view));
    assert_false(engine_terminal(stage->engine, "", &view));
    struct payment purchase = stage_purchase(TERMINAL_A, 11);
    stage_ask(stage, &purchase);
    stage_respond(stage, stage->forward_count - 1, "00");
    struct payment status =
        of_day(PAYMENT_STATUS_UPLOAD, TERMINAL_A, "362", PAYMENT_CARGO_CUSTOM_62, "011021031040");
    expect(stage, &status, "00");
    struct payment totals = totals_of(TERMINAL_A);
    expect(stage, &totals, "");
    assert_true(engine_terminal(stage->engine, TERMINAL_A, &view));
    assert_int_equal(view.batch, 1);
    assert_int_equal(view.totals.domestic_debit.minor, 12345);
    assert_int_equal(view.totals.domestic_debit.count, 1);
    assert_int_equal(view.settled_as, BATCH_DIFFERENT);
    assert_int_equal(view.faulty, 1 << 4);
    assert_int_equal(view.status_wall_us, stage->wall_us);
    assert_int_equal(view.terminal_request, 0);
    struct payment signoff = stage_payment(PAYMENT_SIGNOFF, TERMINAL_A, 13);
    expect(stage, &signoff, "00");
    expect(stage, &signoff, "00"); /* again: it is signed off once */
    assert_int_equal(stage_counts(stage).terminals_signed_on, 1);
    assert_true(engine_terminal(stage->engine, TERMINAL_A, &view));
    assert_false(view.is_signed_on);
    assert_int_equal(view.terminal_request, 3);
    uint64_t hash = engine_state_hash(stage->engine);
    stage_restart(stage);
    assert_int_equal(engine_state_hash(stage->engine), hash);
}

/* Rows as no version of ours writes them: a start must not fail for them. */
static void test_rows_of_a_day_that_say_nonsense_are_passed_over(void **state)
{
    struct stage *stage = *state;
    struct payment status =
        of_day(PAYMENT_STATUS_UPLOAD, TERMINAL_A, "362", PAYMENT_CARGO_CUSTOM_62, "011021");
    static const char *const ANSWERS[] = {
        "ca_keys=12 aids=xxxxxxxx status= faulty=", "status=99999999999999999999 notca_keys=1",
        "ca_keysx aids", "status=123x faulty=999", ""};
    for (uint32_t i = 0; i < sizeof(ANSWERS) / sizeof(ANSWERS[0]); i++) {
        expect(stage, &status, "00");
        struct record *row = &stage->records[stage->record_count - 1];
        assert_int_equal(row->kind, RECORD_STATUS);
        row->answer_length = (uint16_t)strlen(ANSWERS[i]);
        memcpy(row->answer, ANSWERS[i], row->answer_length);
        stage_restart(stage);
        struct engine_terminal_view view;
        assert_true(engine_terminal(stage->engine, TERMINAL_A, &view));
        assert_int_equal(view.terminal_request, 0);
    }
    expect(stage, &status, "00");
    stage->records[stage->record_count - 1].answer_length = RECORD_ANSWER_BYTES_MAX;
    stage_restart(stage);
    expect(stage, &status, "00");
}

static void test_a_channel_that_no_rule_knows_is_nobody(void **state)
{
    struct stage *stage = *state;
    uint32_t records = stage->record_count;
    stage_set_channel(stage, 5, true);
    stage_set_channel(stage, 5, false);
    stage_set_channel(stage, UINT16_MAX, true);
    assert_int_equal(stage->record_count, records);
    struct payment purchase = stage_purchase(TERMINAL_A, 11);
    stage_ask(stage, &purchase);
    assert_int_equal(stage->forward_count, 1);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, stage_set_up, stage_tear_down)
    const struct CMUnitTest tests[] = {
        TEST(test_terminals_above_the_limit_are_told_96_and_their_rows_are_passed_over),
        TEST(test_a_sign_on_without_a_free_slot_is_told_96),
        TEST(test_keys_that_no_record_holds_are_no_keys),
        TEST(test_a_terminal_is_shown_as_it_stands),
        TEST(test_rows_of_a_day_that_say_nonsense_are_passed_over),
        TEST(test_a_channel_that_no_rule_knows_is_nobody),
    };
    return cmocka_run_group_tests_name("flow/limits", tests, NULL, NULL);
}
