/* The driver lets nothing out before what it depends on is durable (I5, I22, I25). */
#include "tests/flow/stage.h"

#include <string.h>

#define FIRST_STAN 701

static void test_a_forward_waits_for_its_intent(void **state)
{
    struct stage *stage = *state;
    stage->is_prompt = false;
    struct payment purchase = stage_purchase(TERMINAL_A, FIRST_STAN);
    stage_ask(stage, &purchase);
    assert_int_equal(stage->forward_count, 0);
    assert_int_equal(driver_held_count(stage->driver), 1);
    uint64_t position = stage_last_record(stage, RECORD_INTENT)->position;
    driver_durable(stage->driver, position - 1);
    assert_int_equal(stage->forward_count, 0);
    driver_durable(stage->driver, position);
    assert_int_equal(stage->forward_count, 1);
    assert_int_equal(driver_held_count(stage->driver), 0);
    assert_string_equal(stage->forwards[0].payment.pan.digits, CARD);
}

static void test_a_reply_waits_for_its_result_and_so_does_a_repeat(void **state)
{
    struct stage *stage = *state;
    uint32_t before = stage->reply_count;
    struct payment purchase = stage_purchase(TERMINAL_A, FIRST_STAN);
    stage_ask(stage, &purchase);
    stage->is_prompt = false;
    stage_respond(stage, 0, "00");
    stage_ask(stage, &purchase);
    assert_int_equal(stage->reply_count, before);
    stage_sync(stage);
    assert_int_equal(stage->reply_count, before + 2);
}

static void test_after_a_failed_sync_nothing_leaves_any_more(void **state)
{
    struct stage *stage = *state;
    struct payment purchase = stage_purchase(TERMINAL_A, FIRST_STAN);
    stage_ask(stage, &purchase);
    stage->is_prompt = false;
    stage_respond(stage, 0, "00");
    uint32_t replies = stage->reply_count, records = stage->record_count;
    driver_fail(stage->driver);
    assert_true(driver_has_failed(stage->driver));
    driver_durable(stage->driver, stage->record_count);
    purchase = stage_purchase(TERMINAL_A, FIRST_STAN + 1);
    stage_ask(stage, &purchase);
    stage_pass(stage, 0);
    assert_int_equal(stage->reply_count, replies);
    assert_int_equal(stage->record_count, records);
    assert_int_equal(stage->forward_count, 1);
}

static void test_a_full_ring_says_so_while_one_step_still_fits(void **state)
{
    struct stage *stage = *state;
    stage->is_prompt = false;
    uint32_t asked = 0;
    struct payment stranger = stage_purchase("19999999", FIRST_STAN);
    stage_restart(stage); /* the new epoch is not durable: even refusals wait */
    while (!driver_is_full(stage->driver)) {
        stage_ask(stage, &stranger);
        asked++;
        assert_true(asked < 10000);
    }
    assert_int_equal(driver_held_count(stage->driver), asked);
    stage_sync(stage);
    assert_int_equal(driver_held_count(stage->driver), 0);
    assert_false(driver_is_full(stage->driver));
}

/* A reload while the disk is slow must not be the end. */
static void test_other_rules_come_into_force_while_the_ring_is_full(void **state)
{
    struct stage *stage = *state;
    struct payment stranger = stage_purchase("19999999", FIRST_STAN);
    struct payment purchase = stage_purchase(TERMINAL_A, FIRST_STAN);
    stage_ask(stage, &purchase);
    stage_set_channel(stage, BANK_A, false);
    stage_pass(stage, stage->limits.response_timeout_ns); /* a reversal waits for the bank */
    stage_set_channel(stage, BANK_B, false);
    stage->is_prompt = false;
    stage_restart(stage);
    while (!driver_is_full(stage->driver)) {
        stage_ask(stage, &stranger);
    }
    uint32_t held = driver_held_count(stage->driver);
    struct engine_event event = {.kind = ENGINE_RULESET, .ruleset = stage->ruleset};
    stage_step(stage, event);
    assert_int_equal(driver_held_count(stage->driver), held);
    stage_sync(stage);
    stage_pass(stage, 0);
    assert_int_equal(stage->forwards[stage->forward_count - 1].payment.kind, PAYMENT_REVERSAL);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, stage_set_up, stage_tear_down)
    const struct CMUnitTest tests[] = {
        TEST(test_a_forward_waits_for_its_intent),
        TEST(test_a_reply_waits_for_its_result_and_so_does_a_repeat),
        TEST(test_after_a_failed_sync_nothing_leaves_any_more),
        TEST(test_a_full_ring_says_so_while_one_step_still_fits),
        TEST(test_other_rules_come_into_force_while_the_ring_is_full),
    };
    return cmocka_run_group_tests_name("flow/write_ahead", tests, NULL, NULL);
}
