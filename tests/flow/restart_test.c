/* The process dies and decides from its log (I5, I21, I24). */
#include "tests/flow/stage.h"

#include <string.h>

#define FIRST_STAN 601

static void test_what_was_in_doubt_is_reversed_and_told_98(void **state)
{
    struct stage *stage = *state;
    struct payment purchase = stage_purchase(TERMINAL_A, FIRST_STAN);
    stage_ask(stage, &purchase);
    stage_restart(stage);
    assert_int_equal(stage_last_record(stage, RECORD_REVERSAL)->reason, TXN_REASON_RESTART);
    assert_int_equal(stage->forward_count, 2);
    assert_int_equal(stage->forwards[1].payment.kind, PAYMENT_REVERSAL);
    assert_int_equal(stage->forwards[1].payment.original.stan, stage->forwards[0].payment.stan);
    assert_string_equal(stage->forwards[1].payment.rrn, stage->forwards[0].payment.rrn);
    uint32_t before = stage->reply_count;
    stage_ask(stage, &purchase);
    stage_expect_reply(stage, before + 1, "98");
    assert_int_equal(stage_last_reply(stage)->effect.reason, TXN_REASON_RESTART);
}

static void test_an_answer_that_was_durable_is_given_to_the_repeat(void **state)
{
    struct stage *stage = *state;
    struct payment purchase = stage_purchase(TERMINAL_A, FIRST_STAN);
    stage_ask(stage, &purchase);
    stage_respond(stage, 0, "00");
    struct payment first = stage_last_reply(stage)->payment;
    uint64_t hash = engine_state_hash(stage->engine);
    stage_restart(stage);
    assert_true(engine_state_hash(stage->engine) == hash);
    stage_ask(stage, &purchase);
    const struct payment *again = &stage_last_reply(stage)->payment;
    assert_string_equal(again->response_code, "00");
    assert_string_equal(again->rrn, first.rrn);
    assert_string_equal(again->auth_code, first.auth_code);
    assert_string_equal(again->local_time, first.local_time);
    assert_int_equal(stage->forward_count, 1);
}

/* Lower limits must not make a start forget what is in doubt: the rim is told instead. */
static void test_a_log_with_more_in_doubt_than_the_limit_is_not_replayed(void **state)
{
    struct stage *stage = *state;
    for (uint32_t stan = 2; stan < 5; stan++) {
        struct payment purchase = stage_purchase(TERMINAL_A, stan);
        stage_ask(stage, &purchase);
    }
    struct engine_limits limits = stage->limits;
    limits.txn_count_max = 2;
    struct engine *engine = engine_create(&limits);
    struct engine_effects effects;
    struct engine_event event = {.kind = ENGINE_RULESET, .now_ns = 1, .ruleset = stage->ruleset};
    engine_step(engine, &event, &effects);
    uint32_t placed = 0;
    for (uint32_t i = 0; i < stage->record_count; i++) {
        if (!engine_may_replay(engine, &stage->records[i])) {
            break;
        }
        event =
            (struct engine_event){.kind = ENGINE_REPLAY, .now_ns = 1, .record = &stage->records[i]};
        engine_step(engine, &event, &effects);
        placed++;
    }
    assert_true(placed < stage->record_count);
    assert_int_equal(stage->records[placed].kind, RECORD_INTENT);
    assert_int_equal(stage->records[placed].stan, 4);
    engine_destroy(engine);
}

static void test_what_was_not_durable_never_left_and_never_was(void **state)
{
    struct stage *stage = *state;
    stage->is_prompt = false;
    struct payment purchase = stage_purchase(TERMINAL_A, FIRST_STAN);
    stage_ask(stage, &purchase);
    assert_int_equal(stage->forward_count, 0);
    stage_restart(stage);
    stage->is_prompt = true;
    stage_sync(stage);
    assert_int_equal(stage_count_records(stage, RECORD_INTENT), 0);
    stage_ask(stage, &purchase);
    assert_int_equal(stage->forward_count, 1);
}

static void test_references_are_never_given_twice(void **state)
{
    struct stage *stage = *state;
    struct payment purchase = stage_purchase(TERMINAL_A, FIRST_STAN);
    stage_ask(stage, &purchase);
    for (uint32_t run = 2; run < 5; run++) {
        stage_restart(stage);
        assert_int_equal(stage_last_record(stage, RECORD_EPOCH)->txn.epoch, run);
        purchase = stage_purchase(TERMINAL_A, FIRST_STAN + run);
        uint32_t index = stage->forward_count;
        stage_ask(stage, &purchase);
        const struct payment *forward = &stage->forwards[index].payment;
        for (uint32_t i = 0; i < index; i++) {
            assert_true(stage->forwards[i].payment.stan != forward->stan);
            assert_string_not_equal(stage->forwards[i].payment.rrn, forward->rrn);
        }
    }
}

static void test_no_reference_leaves_before_its_epoch_is_durable(void **state)
{
    struct stage *stage = *state;
    stage->is_prompt = false;
    stage_restart(stage);
    uint32_t before = stage->reply_count;
    struct payment stranger = stage_purchase("19999999", FIRST_STAN);
    stage_ask(stage, &stranger);
    assert_int_equal(stage->reply_count, before);
    struct payment echo = stage_payment(PAYMENT_ECHO, TERMINAL_A, 0);
    stage_ask(stage, &echo);
    stage_expect_reply(stage, before + 1, "00"); /* an echo promises nothing */
    stage_sync(stage);
    stage_expect_reply(stage, before + 2, "97");
}

static void test_a_pending_reversal_goes_on_as_a_repeat_with_the_same_keys(void **state)
{
    struct stage *stage = *state;
    struct payment purchase = stage_purchase(TERMINAL_A, FIRST_STAN);
    stage_ask(stage, &purchase);
    stage_pass(stage, 45 * SECOND_NS);
    assert_int_equal(stage->forward_count, 2);
    stage_restart(stage);
    assert_int_equal(stage->forward_count, 3);
    const struct payment *first = &stage->forwards[1].payment;
    const struct payment *repeat = &stage->forwards[2].payment;
    assert_int_equal(repeat->is_repeat, 1);
    assert_int_equal(repeat->stan, first->stan);
    assert_string_equal(repeat->rrn, first->rrn);
    assert_memory_equal(&repeat->original, &first->original, sizeof(first->original));
    assert_int_equal(repeat->pan_sealed.length, first->pan_sealed.length);
    /* Code 25 is doubtful again: nobody knows when the original left. */
    stage_respond(stage, 2, "25");
    assert_int_equal(stage_counts(stage).reversals_pending, 1);
    stage_respond(stage, 2, "00");
    assert_int_equal(stage_counts(stage).reversals_pending, 0);
    uint64_t hash = engine_state_hash(stage->engine);
    stage_restart(stage);
    assert_true(engine_state_hash(stage->engine) == hash);
    assert_int_equal(stage->forward_count, 3);
}

static void test_terminals_stay_signed_on_with_their_batch(void **state)
{
    struct stage *stage = *state;
    struct payment signoff = stage_payment(PAYMENT_SIGNOFF, TERMINAL_B, 9);
    stage_ask(stage, &signoff);
    stage_restart(stage);
    assert_int_equal(stage_counts(stage).terminals_signed_on, 1);
    struct engine_terminal_view view;
    assert_true(engine_terminal(stage->engine, TERMINAL_A, &view));
    assert_true(view.is_signed_on);
    assert_int_equal(view.batch, 1);
    uint32_t before = stage->reply_count;
    struct payment purchase = stage_purchase(TERMINAL_B, FIRST_STAN);
    stage_ask(stage, &purchase);
    stage_expect_reply(stage, before + 1, "77");
}

static void test_another_candidate_is_remembered_too(void **state)
{
    struct stage *stage = *state;
    struct payment purchase = stage_purchase(TERMINAL_A, FIRST_STAN);
    stage_ask(stage, &purchase);
    stage_unsent(stage, 0, TXN_REASON_UNSENT);
    stage_restart(stage);
    assert_int_equal(stage->forward_count, 3);
    assert_int_equal(stage->forwards[2].effect.channel, BANK_B);
    assert_int_equal(stage->forwards[2].payment.original.stan, stage->forwards[1].payment.stan);
}

static void test_many_in_doubt_are_all_reversed(void **state)
{
    struct stage *stage = *state;
    for (uint32_t i = 0; i < 50; i++) {
        struct payment purchase =
            stage_purchase(i % 2 == 0 ? TERMINAL_A : TERMINAL_B, FIRST_STAN + i);
        stage_ask(stage, &purchase);
    }
    stage_restart(stage);
    assert_int_equal(stage_count_records(stage, RECORD_REVERSAL), 50);
    for (uint32_t i = 50; stage_counts(stage).reversals_pending > 0; i++) {
        assert_true(i < stage->forward_count); /* each acknowledgement lets the next one leave */
        stage_respond(stage, i, "00");
    }
    assert_int_equal(stage->forward_count, 100);
    assert_int_equal(stage_counts(stage).reversals_pending, 0);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, stage_set_up, stage_tear_down)
    const struct CMUnitTest tests[] = {
        TEST(test_what_was_in_doubt_is_reversed_and_told_98),
        TEST(test_an_answer_that_was_durable_is_given_to_the_repeat),
        TEST(test_what_was_not_durable_never_left_and_never_was),
        TEST(test_references_are_never_given_twice),
        TEST(test_no_reference_leaves_before_its_epoch_is_durable),
        TEST(test_a_pending_reversal_goes_on_as_a_repeat_with_the_same_keys),
        TEST(test_terminals_stay_signed_on_with_their_batch),
        TEST(test_another_candidate_is_remembered_too),
        TEST(test_many_in_doubt_are_all_reversed),
        TEST(test_a_log_with_more_in_doubt_than_the_limit_is_not_replayed),
    };
    return cmocka_run_group_tests_name("flow/restart", tests, NULL, NULL);
}
