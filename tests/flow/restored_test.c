/* What a search of the log brings back stands as it stood when memory let it go. */
#include "tests/flow/stage.h"

#include <string.h>

static int set_up(void **state)
{
    return stage_set_up_small(state);
}

/* A start that reads of the log only sign-ons and the highest trace number. */
static void forget_all(struct stage *stage)
{
    struct payment last = stage_purchase(TERMINAL_A, 900 + stage->record_count);
    stage_expect_answer(stage, &last, "05");
    stage->replay_from = stage->record_count - 2;
    stage_restart(stage);
}

static void test_a_refusal_is_remembered_by_the_log(void **state)
{
    struct stage *stage = *state;
    struct payment purchase = stage_purchase(TERMINAL_A, 101);
    purchase.pan.digits[15] = '6'; /* no check digit */
    stage_expect_refusal(stage, &purchase, "14");
    uint32_t refused = stage_count_records(stage, RECORD_REFUSED);
    forget_all(stage);
    stage_expect_refusal(stage, &purchase, "14");
    assert_int_equal(stage_count_records(stage, RECORD_REFUSED), refused);
    struct payment undo = stage_reversal(&purchase);
    forget_all(stage);
    stage_expect_refusal(stage, &undo, "00"); /* nothing to undo */
}

static void test_what_was_unknown_and_then_undone_is_still_told_98(void **state)
{
    struct stage *stage = *state;
    struct payment purchase = stage_purchase(TERMINAL_A, 101);
    stage_ask(stage, &purchase);
    stage_pass(stage, 46 * SECOND_NS);
    stage_respond(stage, stage->forward_count - 1, "00");
    forget_all(stage);
    stage_expect_refusal(stage, &purchase, "98");
    assert_int_equal(stage->lookup_count, 1);
    struct payment undo = stage_reversal(&purchase);
    forget_all(stage);
    stage_expect_refusal(stage, &undo, "00");
}

static void test_a_late_approval_does_not_change_what_was_told(void **state)
{
    struct stage *stage = *state;
    struct payment purchase = stage_purchase(TERMINAL_A, 101);
    stage_expect_answer(stage, &purchase, "05");
    stage_respond(stage, 0, "00");
    stage_respond(stage, stage->forward_count - 1, "00");
    assert_int_equal(stage_count_records(stage, RECORD_REVERSAL_DONE), 1);
    forget_all(stage);
    stage_expect_refusal(stage, &purchase, "05");
}

static void test_cases_come_back_as_cases(void **state)
{
    struct stage *stage = *state;
    struct payment purchase = stage_purchase(TERMINAL_A, 101);
    struct payment sale = stage_purchase(TERMINAL_A, 102);
    sale.kind = PAYMENT_OFFLINE_SALE;
    stage->limits.saf_life_ns = 600 * SECOND_NS;
    stage_restart(stage);
    stage_ask(stage, &purchase);
    stage_ask(stage, &sale);
    stage_pass(stage, 2 * stage->limits.saf_life_ns);
    assert_int_equal(stage_counts(stage).cases, 2);
    forget_all(stage);
    assert_int_equal(stage_counts(stage).cases, 0);
    stage_expect_refusal(stage, &purchase, "98");
    stage_expect_refusal(stage, &sale, "00");
    assert_int_equal(stage_counts(stage).cases, 2);
}

static void test_a_refund_that_was_repeated_comes_back_with_its_outcome(void **state)
{
    struct stage *stage = *state;
    uint32_t sale = stage_approved(stage, PAYMENT_PURCHASE, 101);
    struct payment refund = stage_follow_up(stage, PAYMENT_REFUND, sale, 102);
    stage_ask(stage, &refund);
    stage_pass(stage, 46 * SECOND_NS);
    stage_respond(stage, stage->forward_count - 1, "96"); /* it could not say */
    stage_pass(stage, 20 * SECOND_NS);
    stage_respond(stage, stage->forward_count - 1, "00");
    stage_expect_totals(stage, "12345 1 12345 1");
    forget_all(stage);
    stage_expect_refusal(stage, &refund, "00");
    struct payment more = refund;
    more.stan = 103;
    more.amount.minor = 1;
    stage_expect_refusal(stage, &more, "64");
    forget_all(stage);
    more.stan = 104;
    stage_expect_refusal(stage, &more, "64");
}

static void test_a_refund_under_way_is_known_after_a_start_that_did_not_read_its_sale(void **state)
{
    struct stage *stage = *state;
    uint32_t sale = stage_approved(stage, PAYMENT_PURCHASE, 101);
    struct payment refund = stage_follow_up(stage, PAYMENT_REFUND, sale, 102);
    stage_ask(stage, &refund);
    stage_pass(stage, 46 * SECOND_NS);
    stage->replay_from = (uint32_t)stage_last_record(stage, RECORD_ADVICE)->position - 1;
    stage_restart(stage);
    stage_expect_refusal(stage, &refund, "09");
    const struct payment *again = &stage->forwards[stage->forward_count - 1].payment;
    assert_int_equal(again->kind, PAYMENT_REFUND);
    assert_int_equal(again->original.stan, stage->forwards[0].payment.stan);
    assert_string_equal(again->original.mti, "0200");
    struct payment more = refund;
    more.stan = 103;
    more.amount.minor = 1;
    stage_expect_refusal(stage, &more, "64"); /* the sale comes back and is joined by it */
    stage_respond(stage, stage->forward_count - 1, "05");
    more.stan = 104;
    stage_expect_answer(stage, &more, "00");
}

static void test_a_tombstone_of_the_log_still_blocks(void **state)
{
    struct stage *stage = *state;
    struct payment purchase = stage_purchase(TERMINAL_A, 101);
    struct payment undo = stage_reversal(&purchase);
    stage_expect_refusal(stage, &undo, "25");
    forget_all(stage);
    stage_expect_refusal(stage, &purchase, "22");
    forget_all(stage);
    stage_expect_refusal(stage, &undo, "25");
}

static void test_a_search_that_is_stale_for_ever_gives_up_on_each_purpose(void **state)
{
    struct stage *stage = *state;
    uint32_t sale = stage_approved(stage, PAYMENT_PURCHASE, 101);
    const struct record intent = *stage_last_record(stage, RECORD_INTENT);
    forget_all(stage);
    stage->is_log_slow = true;
    struct payment cancel = stage_follow_up(stage, PAYMENT_VOID, sale, 102);
    uint32_t replies = stage->reply_count;
    stage_ask(stage, &cancel);
    struct engine_event event = {.kind = ENGINE_FOUND};
    event.found.txn = stage->lookups[0].txn;
    stage_step(stage, event); /* itself is not in the log */
    assert_int_equal(stage->lookup_count, 2);
    for (uint32_t i = 0; i < 4; i++) {
        event.found.records = &intent;
        event.found.count = 1;
        stage_step(stage, event);
    }
    stage_expect_reply(stage, replies + 1, "96");
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, stage_tear_down)
    const struct CMUnitTest tests[] = {
        TEST(test_a_refusal_is_remembered_by_the_log),
        TEST(test_what_was_unknown_and_then_undone_is_still_told_98),
        TEST(test_a_late_approval_does_not_change_what_was_told),
        TEST(test_cases_come_back_as_cases),
        TEST(test_a_refund_that_was_repeated_comes_back_with_its_outcome),
        TEST(test_a_refund_under_way_is_known_after_a_start_that_did_not_read_its_sale),
        TEST(test_a_tombstone_of_the_log_still_blocks),
        TEST(test_a_search_that_is_stale_for_ever_gives_up_on_each_purpose),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
