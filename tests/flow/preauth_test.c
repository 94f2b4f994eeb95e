/* Pre-authorisations: increments, completion under its ceiling, their voids. */
#include "tests/flow/stage.h"

#include <string.h>

static void test_a_completion_stays_under_the_ceiling_of_the_pre_authorisation(void **state)
{
    struct stage *stage = *state;
    uint32_t hold = stage_approved(stage, PAYMENT_PREAUTH, 101);
    struct payment capture = stage_follow_up(stage, PAYMENT_CAPTURE, hold, 102);
    memset(capture.original.rrn, 0, sizeof(capture.original.rrn)); /* field 61 alone names it */
    capture.amount.minor = 14197;                                  /* 115 % of 12345 is 14196.75 */
    stage_expect_refusal(stage, &capture, "64");
    capture.stan = 103;
    capture.amount.minor = 14196;
    stage_expect_answer(stage, &capture, "00");
    assert_string_equal(stage->forwards[1].payment.original.mti, "0100");
    stage_expect_totals(stage, "14196 1");
    capture.stan = 104;
    stage_expect_refusal(stage, &capture, "22");
    struct payment cancel = stage_follow_up(stage, PAYMENT_PREAUTH_VOID, hold, 105);
    stage_expect_refusal(stage, &cancel, "22");
    stage_expect_same_after_restart(stage);
}

static void test_an_increment_raises_what_may_be_completed_once_it_is_approved(void **state)
{
    struct stage *stage = *state;
    uint32_t hold = stage_approved(stage, PAYMENT_PREAUTH, 101);
    struct payment more = stage_follow_up(stage, PAYMENT_PREAUTH_INCREMENT, hold, 102);
    more.amount.minor = 10000;
    stage_ask(stage, &more);
    struct payment cancel = stage_follow_up(stage, PAYMENT_PREAUTH_VOID, hold, 103);
    stage_expect_refusal(stage, &cancel, "22"); /* nobody knows the sum yet */
    struct payment capture = stage_follow_up(stage, PAYMENT_CAPTURE, hold, 104);
    capture.amount.minor = 22345;
    stage_expect_refusal(stage, &capture, "64");
    stage_respond(stage, 1, "00");
    cancel.stan = 105;
    stage_expect_refusal(stage, &cancel, "64"); /* the increment belongs to the sum */
    stage_expect_same_after_restart(stage);
    struct payment undo = stage_reversal(&more);
    stage_ask(stage, &undo);
    capture.stan = 106;
    stage_expect_refusal(stage, &capture, "64"); /* and no longer once it is being undone */
    stage_respond(stage, stage->forward_count - 1, "00");
    cancel.stan = 107;
    stage_expect_answer(stage, &cancel, "00");
    cancel.stan = 108;
    stage_expect_refusal(stage, &cancel, "22");
}

static void test_an_increment_that_was_completed_upon_is_not_undone(void **state)
{
    struct stage *stage = *state;
    uint32_t hold = stage_approved(stage, PAYMENT_PREAUTH, 101);
    struct payment more = stage_follow_up(stage, PAYMENT_PREAUTH_INCREMENT, hold, 102);
    more.amount.minor = 10000;
    stage_expect_answer(stage, &more, "00");
    struct payment capture = stage_follow_up(stage, PAYMENT_CAPTURE, hold, 103);
    capture.amount.minor = 22345;
    stage_expect_answer(stage, &capture, "00");
    struct payment undo = stage_reversal(&more);
    stage_expect_refusal(stage, &undo, "22"); /* else more would be captured than was authorised */
    struct payment first = stage_reversal(&capture);
    stage_expect_answer(stage, &first, "00");
    stage_respond(stage, stage->forward_count - 1, "00");
    uint32_t forwards = stage->forward_count;
    stage_ask(stage, &undo);
    stage_expect_reply(stage, stage->reply_count, "00");
    assert_int_equal(stage->forward_count, forwards + 1);
}

static void test_a_completion_may_be_voided_in_its_batch_only(void **state)
{
    struct stage *stage = *state;
    uint32_t hold = stage_approved(stage, PAYMENT_PREAUTH, 101);
    struct payment capture = stage_follow_up(stage, PAYMENT_CAPTURE, hold, 102);
    stage_expect_answer(stage, &capture, "00");
    struct payment cancel =
        stage_follow_up(stage, PAYMENT_CAPTURE_VOID, stage->reply_count - 1, 103);
    stage_expect_answer(stage, &cancel, "00");
    stage_expect_totals(stage, "12345 1 12345 1");
    cancel.stan = 104;
    stage_expect_refusal(stage, &cancel, "22");
}

static void test_a_reversed_completion_gives_the_pre_authorisation_back(void **state)
{
    struct stage *stage = *state;
    uint32_t hold = stage_approved(stage, PAYMENT_PREAUTH, 101);
    struct payment capture = stage_follow_up(stage, PAYMENT_CAPTURE, hold, 102);
    stage_expect_answer(stage, &capture, "00");
    struct payment undo = stage_reversal(&capture);
    stage_ask(stage, &undo);
    stage_expect_totals(stage, "0");
    const struct payment *sent = &stage->forwards[stage->forward_count - 1].payment;
    assert_string_equal(sent->original.mti, "0200");
    stage_respond(stage, stage->forward_count - 1, "00");
    struct payment cancel = stage_follow_up(stage, PAYMENT_PREAUTH_VOID, hold, 103);
    stage_expect_answer(stage, &cancel, "00");
}

static void test_a_reversal_names_a_pre_authorisation_as_0100(void **state)
{
    struct stage *stage = *state;
    struct payment hold = stage_purchase(TERMINAL_A, 101);
    hold.kind = PAYMENT_PREAUTH;
    stage_ask(stage, &hold);
    stage_pass(stage, 46 * SECOND_NS);
    assert_string_equal(stage->forwards[1].payment.original.mti, "0100");
    assert_string_equal(stage_last_reply(stage)->payment.response_code, "98");
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, stage_set_up, stage_tear_down)
    const struct CMUnitTest tests[] = {
        TEST(test_a_completion_stays_under_the_ceiling_of_the_pre_authorisation),
        TEST(test_an_increment_raises_what_may_be_completed_once_it_is_approved),
        TEST(test_an_increment_that_was_completed_upon_is_not_undone),
        TEST(test_a_completion_may_be_voided_in_its_batch_only),
        TEST(test_a_reversed_completion_gives_the_pre_authorisation_back),
        TEST(test_a_reversal_names_a_pre_authorisation_as_0100),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
