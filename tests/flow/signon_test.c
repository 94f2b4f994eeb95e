/* Sign-on, sign-off, echo. */
#include "tests/flow/stage.h"

#include <string.h>

static struct payment sign_on(const char *terminal)
{
    struct payment payment = stage_payment(PAYMENT_SIGNON, terminal, 5);
    memcpy(payment.management_code, "003", 4);
    return payment;
}

static void give_keys(struct stage *stage, bool is_made)
{
    struct engine_event event = {.kind = ENGINE_KEYS};
    event.keys.txn = stage->keys[stage->keys_count - 1].effect.txn;
    event.keys.is_made = is_made;
    event.keys.field_62 = (struct byte_view){(const uint8_t *)"KEYS", 4};
    event.keys.records = (struct byte_view){(const uint8_t *)"rows", 4};
    stage_step(stage, event);
}

static void test_keys_and_batch_are_told_after_they_are_durable(void **state)
{
    struct stage *stage = *state;
    uint32_t before = stage->reply_count;
    struct payment signon = sign_on(TERMINAL_A);
    signon.batch = 0;
    stage_ask(stage, &signon);
    assert_int_equal(stage->reply_count, before);
    stage->is_prompt = false;
    give_keys(stage, true);
    assert_int_equal(stage->reply_count, before);
    const struct record *record = stage_last_record(stage, RECORD_SIGNON);
    assert_int_equal(record->batch, 1);
    assert_int_equal(record->payload_length, 4);
    assert_memory_equal(record->payload, "rows", 4);
    stage_sync(stage);
    stage_expect_reply(stage, before + 1, "00");
    const struct stage_effect *reply = stage_last_reply(stage);
    assert_int_equal(reply->payment.batch, 1);
    assert_int_equal(reply->effect.keys.length, 4);
    struct byte_view field_62 = payment_cargo(&reply->payment, PAYMENT_CARGO_CUSTOM_62);
    assert_int_equal(field_62.length, 4);
    assert_memory_equal(field_62.bytes, "KEYS", 4);
}

static void test_a_module_that_fails_or_sleeps_gives_a7(void **state)
{
    struct stage *stage = *state;
    uint32_t before = stage->reply_count;
    struct payment signon = sign_on(TERMINAL_A);
    stage_ask(stage, &signon);
    give_keys(stage, false);
    stage_expect_reply(stage, before + 1, "A7");
    stage_ask(stage, &signon);
    stage_pass(stage, 5 * SECOND_NS);
    stage_expect_reply(stage, before + 2, "A7");
    give_keys(stage, true); /* too late */
    assert_int_equal(stage->reply_count, before + 2);
    assert_int_equal(stage_count_records(stage, RECORD_SIGNON), 2);
}

static void test_a_newer_sign_on_replaces_the_older(void **state)
{
    struct stage *stage = *state;
    uint32_t before = stage->reply_count;
    struct payment signon = sign_on(TERMINAL_A);
    stage_ask(stage, &signon);
    struct txn_handle older = stage->keys[stage->keys_count - 1].effect.txn;
    uint32_t newer = stage_ask(stage, &signon);
    give_keys(stage, true);
    stage_expect_reply(stage, before + 1, "00");
    assert_int_equal(stage_last_reply(stage)->effect.conn.slot, newer);
    struct engine_event event = {.kind = ENGINE_KEYS};
    event.keys.txn = older;
    event.keys.is_made = true;
    stage_step(stage, event);
    assert_int_equal(stage->reply_count, before + 1);
}

static void test_only_terminals_that_may_act_sign_on(void **state)
{
    struct stage *stage = *state;
    uint32_t before = stage->reply_count, keys = stage->keys_count;
    struct payment signon = sign_on("19999999");
    stage_ask(stage, &signon);
    stage_expect_reply(stage, before + 1, "97");
    signon = sign_on(TERMINAL_STOPPED);
    stage_ask(stage, &signon);
    stage_expect_reply(stage, before + 2, "58");
    assert_int_equal(stage->keys_count, keys);
}

static void test_after_a_sign_off_a_purchase_is_answered_77(void **state)
{
    struct stage *stage = *state;
    uint32_t before = stage->reply_count;
    struct payment signoff = stage_payment(PAYMENT_SIGNOFF, TERMINAL_A, 6);
    stage_ask(stage, &signoff);
    stage_expect_reply(stage, before + 1, "00");
    assert_int_equal(stage_count_records(stage, RECORD_SIGNOFF), 1);
    struct payment purchase = stage_purchase(TERMINAL_A, 7);
    stage_ask(stage, &purchase);
    stage_expect_reply(stage, before + 2, "77");
    assert_int_equal(stage_last_reply(stage)->effect.reason, TXN_REASON_NOT_SIGNED_ON);
    stage_sign_on(stage, TERMINAL_A);
    struct payment again = stage_purchase(TERMINAL_A, 8);
    stage_ask(stage, &again);
    assert_int_equal(stage->forward_count, 1);
}

static void test_a_refused_request_is_refused_again_when_a_copy_comes_late(void **state)
{
    struct stage *stage = *state;
    struct payment signoff = stage_payment(PAYMENT_SIGNOFF, TERMINAL_A, 6);
    stage_ask(stage, &signoff);
    struct payment purchase = stage_purchase(TERMINAL_A, 7);
    stage_ask(stage, &purchase);
    stage_sign_on(stage, TERMINAL_A);
    uint32_t before = stage->reply_count;
    stage_ask(stage, &purchase);
    stage_expect_reply(stage, before + 1, "77");
    assert_int_equal(stage->forward_count, 0);
}

static void test_an_echo_is_answered_at_once_and_leaves_no_trace(void **state)
{
    struct stage *stage = *state;
    stage->is_prompt = false;
    uint32_t before = stage->reply_count, records = stage->record_count;
    struct payment echo = stage_payment(PAYMENT_ECHO, TERMINAL_A, 0);
    stage_ask(stage, &echo);
    stage_expect_reply(stage, before + 1, "00");
    assert_string_equal(stage_last_reply(stage)->payment.local_time, "160000");
    assert_int_equal(stage->record_count, records);
}

static void test_keys_that_cannot_be_made_are_refused_as_not_served(void **state)
{
    struct stage *stage = *state;
    static const struct {
        char code[4];
        bool is_served;
    } cases[] = {{"001", true}, {"003", true}, {"004", true}, {"005", false}, {"", false}};
    for (uint32_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct payment signon = sign_on(TERMINAL_A);
        memcpy(signon.management_code, cases[i].code, 4);
        uint32_t keys = stage->keys_count, replies = stage->reply_count;
        stage_ask(stage, &signon);
        assert_int_equal(stage->keys_count, keys + (cases[i].is_served ? 1 : 0));
        if (cases[i].is_served) {
            give_keys(stage, true);
        } else {
            stage_expect_reply(stage, replies + 1, "40");
        }
    }
}

static void test_sign_ons_that_follow_too_closely_are_refused_without_a_row(void **state)
{
    struct stage *stage = *state;
    stage->limits.signon_min_interval_ns = SECOND_NS;
    stage_restart(stage);
    stage_sign_on(stage, TERMINAL_A);
    stage_pass(stage, SECOND_NS / 2);
    struct payment again = sign_on(TERMINAL_A);
    uint32_t records = stage->record_count, replies = stage->reply_count;
    stage_ask(stage, &again);
    stage_expect_reply(stage, replies + 1, "09");
    assert_int_equal(stage->record_count, records);
    /* A sign-off, which anybody may send, opens no way around it. */
    struct payment signoff = stage_payment(PAYMENT_SIGNOFF, TERMINAL_A, 6);
    stage_ask(stage, &signoff);
    stage_ask(stage, &again);
    stage_expect_reply(stage, replies + 3, "09");
    stage_sign_on(stage, TERMINAL_B);
    stage_pass(stage, SECOND_NS / 2);
    stage_sign_on(stage, TERMINAL_A);
    assert_int_equal(stage_count_records(stage, RECORD_SIGNON), 2 + 3);
}

static void test_a_terminal_with_many_wrong_pins_is_shut_for_pins_only(void **state)
{
    struct stage *stage = *state;
    uint32_t notices = stage->notice_count;
    for (uint32_t stan = 11; stan < 14; stan++) {
        struct payment purchase = stage_purchase(TERMINAL_A, stan);
        stage_ask(stage, &purchase);
        stage_respond(stage, stage->forward_count - 1, stan == 12 ? "75" : "55");
    }
    assert_int_equal(stage->notice_count, notices + 1);
    assert_int_equal(stage->notices[notices].effect.reason, TXN_REASON_PIN_FAULTS);
    uint32_t forwards = stage->forward_count;
    struct payment purchase = stage_purchase(TERMINAL_A, 14);
    stage_ask(stage, &purchase);
    stage_expect_reply(stage, stage->reply_count, "65");
    assert_int_equal(stage->forward_count, forwards);
    purchase = stage_purchase(TERMINAL_A, 15);
    purchase.pin.length = 0;
    stage_ask(stage, &purchase);
    purchase = stage_purchase(TERMINAL_B, 16);
    stage_ask(stage, &purchase);
    assert_int_equal(stage->forward_count, forwards + 2);
    stage_pass(stage, 2 * 3600 * SECOND_NS);
    purchase = stage_purchase(TERMINAL_A, 17);
    forwards = stage->forward_count;
    stage_ask(stage, &purchase);
    assert_int_equal(stage->forward_count, forwards + 1);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, stage_set_up, stage_tear_down)
    const struct CMUnitTest tests[] = {
        TEST(test_keys_and_batch_are_told_after_they_are_durable),
        TEST(test_a_module_that_fails_or_sleeps_gives_a7),
        TEST(test_a_newer_sign_on_replaces_the_older),
        TEST(test_only_terminals_that_may_act_sign_on),
        TEST(test_after_a_sign_off_a_purchase_is_answered_77),
        TEST(test_a_refused_request_is_refused_again_when_a_copy_comes_late),
        TEST(test_keys_that_cannot_be_made_are_refused_as_not_served),
        TEST(test_sign_ons_that_follow_too_closely_are_refused_without_a_row),
        TEST(test_a_terminal_with_many_wrong_pins_is_shut_for_pins_only),
        TEST(test_an_echo_is_answered_at_once_and_leaves_no_trace),
    };
    return cmocka_run_group_tests_name("flow/signon", tests, NULL, NULL);
}
