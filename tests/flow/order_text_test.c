/* What is ordered to be told reaches the cashier: in which answers, in which words, how often, and
 * what ends it.
 */
#include <stdio.h>
#include <string.h>

#include "tests/flow/order_scene.h"

static struct payment sale_with_words(uint32_t stan, enum payment_words words)
{
    struct payment sale = stage_purchase(TERMINAL_A, stan);
    sale.answer_words = (uint8_t)words;
    return sale;
}

static struct byte_view words_of(const struct stage *stage)
{
    return payment_cargo(&stage_last_reply(stage)->payment, PAYMENT_CARGO_CUSTOM_63);
}

static void expect_words(const struct stage *stage, const char *front, const char *words)
{
    struct byte_view value = words_of(stage);
    size_t front_length = strlen(front);
    assert_int_equal(value.length, PAYMENT_WORDS_AT + strlen(words));
    assert_memory_equal(value.bytes, front, front_length);
    for (size_t i = front_length; i < PAYMENT_WORDS_AT; i++) {
        assert_int_equal(value.bytes[i], ' ');
    }
    assert_memory_equal(value.bytes + PAYMENT_WORDS_AT, words, strlen(words));
}

static void test_what_people_tell_goes_before_what_a_case_does(void **state)
{
    struct stage *stage = *state;
    struct order text = of_case(text_order(1));
    text.local_length = 0;
    stage_order(stage, text);
    stage_order(stage, text_order(1));
    struct payment sale = sale_with_words(301, PAYMENT_WORDS_LOCAL);
    stage_expect_answer(stage, &sale, "00");
    expect_words(stage, "", LOCAL);
    stage_expect_same_after_restart(stage);
    sale = sale_with_words(302, PAYMENT_WORDS_LOCAL);
    stage_expect_answer(stage, &sale, "00");
    expect_words(stage, "", "sign on");
    assert_int_equal(count_in_force(stage), 0);
}

static void test_a_text_is_told_with_a_payment_and_with_each_repeat_of_it(void **state)
{
    struct stage *stage = *state;
    stage_order(stage, text_order(1));
    struct payment sale = sale_with_words(301, PAYMENT_WORDS_NONE);
    stage_expect_answer(stage, &sale, "00"); /* its answer has no field for it */
    assert_int_equal(words_of(stage).length, 0);
    sale = sale_with_words(302, PAYMENT_WORDS_LOCAL);
    stage_expect_answer(stage, &sale, "00");
    expect_words(stage, "", LOCAL);
    struct payment first = stage_last_reply(stage)->payment;
    assert_int_equal(stage_last_record(stage, RECORD_ORDER_DONE)->reason, TXN_REASON_ORDER_TELL);
    struct payment next = sale_with_words(303, PAYMENT_WORDS_LOCAL);
    stage_expect_answer(stage, &next, "00"); /* told once is enough */
    assert_int_equal(words_of(stage).length, 0);
    stage_restart(stage);
    stage_ask(stage, &sale);
    expect_words(stage, "", LOCAL);
    const struct payment *again = &stage_last_reply(stage)->payment;
    assert_int_equal(again->cargo_length, first.cargo_length);
    assert_memory_equal(again->cargo_bytes, first.cargo_bytes, first.cargo_length);
}

static void test_who_cannot_show_chinese_is_told_in_english(void **state)
{
    struct stage *stage = *state;
    stage_order(stage, text_order(2));
    struct payment sale = sale_with_words(301, PAYMENT_WORDS_PLAIN);
    stage_expect_answer(stage, &sale, "51"); /* a decline tells it, too */
    expect_words(stage, "", "sign on");
    struct payment refused = sale_with_words(302, PAYMENT_WORDS_PLAIN);
    refused.amount.minor = 0;
    stage_expect_refusal(stage, &refused, "13"); /* and so does our own refusal */
    expect_words(stage, "", "sign on");
    assert_int_equal(stage_count_records(stage, RECORD_ORDER_DONE), 2);
    stage_restart(stage);
    stage_ask(stage, &refused);
    expect_words(stage, "", "sign on");
    struct order order = text_order(1);
    order.plain_length = 0;
    stage_order(stage, order);
    sale = sale_with_words(303, PAYMENT_WORDS_PLAIN);
    stage_expect_answer(stage, &sale, "00"); /* nothing in its characters: it waits */
    assert_int_equal(words_of(stage).length, 0);
    assert_int_equal(count_in_force(stage), 1);
}

/* What people say in Chinese alone does not keep the case's text from who reads English. */
static void test_a_text_that_the_terminal_cannot_show_keeps_no_other_from_it(void **state)
{
    struct stage *stage = *state;
    struct order local = text_order(1);
    local.plain_length = 0;
    stage_order(stage, local);
    stage_order(stage, of_case(text_order(1)));
    struct payment sale = sale_with_words(301, PAYMENT_WORDS_PLAIN);
    stage_expect_answer(stage, &sale, "00");
    expect_words(stage, "", "sign on");
    assert_int_equal(stage_count_records(stage, RECORD_ORDER_DONE), 1);
    struct order_standing left;
    assert_int_not_equal(engine_orders(stage->engine, 0, &left), 0);
    assert_int_equal(left.order.origin, ORDER_OF_PERSON); /* which was not told */
    assert_int_equal(count_in_force(stage), 1);
    stage_expect_same_after_restart(stage);
    struct payment settlement = settlement_with_words(302, PAYMENT_WORDS_PLAIN);
    stage_order(stage, of_case(text_order(1)));
    stage_ask(stage, &settlement);
    expect_words(stage, "", "sign on");
    sale = sale_with_words(303, PAYMENT_WORDS_LOCAL);
    stage_expect_answer(stage, &sale, "00");
    expect_words(stage, "", LOCAL);
    assert_int_equal(count_in_force(stage), 0);
}

static void answer_with_text(struct stage *stage, const struct payment *sale, const char *text)
{
    stage_ask(stage, sale);
    struct payment response = stage_response(stage, stage->forward_count - 1, "00");
    assert_int_equal(
        payment_set_cargo(&response, PAYMENT_CARGO_CUSTOM_63,
                          (struct byte_view){(const uint8_t *)text, (uint32_t)strlen(text)}),
        STATUS_OK);
    stage_give(stage, BANK_A, &response);
}

static void test_a_banks_own_text_goes_first_and_is_never_replaced(void **state)
{
    struct stage *stage = *state;
    char own[PAYMENT_WORDS_AT + 8];
    stage_order(stage, text_order(1));
    snprintf(own, sizeof(own), "%-63s%s", "CUP", "CALL US");
    struct payment sale = sale_with_words(301, PAYMENT_WORDS_LOCAL);
    answer_with_text(stage, &sale, own);
    struct byte_view value = words_of(stage);
    assert_int_equal(value.length, strlen(own));
    assert_memory_equal(value.bytes, own, value.length);
    assert_int_equal(stage_count_records(stage, RECORD_ORDER_DONE), 0);
    sale = sale_with_words(302, PAYMENT_WORDS_LOCAL);
    answer_with_text(stage, &sale, "CUPissuer's word");
    expect_words(stage, "CUPissuer's word", LOCAL);
    assert_int_equal(stage_count_records(stage, RECORD_ORDER_DONE), 1);
}

/* A terminal that sells nothing may settle all the same. */
static void test_a_settlement_tells_it_and_so_does_its_repeat(void **state)
{
    struct stage *stage = *state;
    stage_order(stage, text_order(1));
    struct payment plain = settlement_with_words(301, PAYMENT_WORDS_NONE);
    stage_ask(stage, &plain);
    assert_int_equal(words_of(stage).length, 0);
    struct payment settlement = settlement_with_words(302, PAYMENT_WORDS_LOCAL);
    stage_ask(stage, &settlement);
    expect_words(stage, "", LOCAL);
    struct payment first = stage_last_reply(stage)->payment;
    assert_int_equal(stage_last_record(stage, RECORD_ORDER_DONE)->reason, TXN_REASON_ORDER_TELL);
    assert_int_equal(count_in_force(stage), 0);
    for (unsigned i = 0; i < 2; i++) {
        stage_ask(stage, &settlement);
        const struct payment *again = &stage_last_reply(stage)->payment;
        assert_int_equal(again->cargo_length, first.cargo_length);
        assert_memory_equal(again->cargo_bytes, first.cargo_bytes, first.cargo_length);
        stage_expect_same_after_restart(stage);
    }
    struct payment next = settlement_with_words(303, PAYMENT_WORDS_LOCAL);
    stage_ask(stage, &next); /* told once is enough */
    assert_int_equal(words_of(stage).length, 0);
}

static void test_echo_and_status_tell_it_where_their_answers_have_room(void **state)
{
    struct stage *stage = *state;
    stage_order(stage, text_order(2));
    struct payment echo = stage_payment(PAYMENT_ECHO, TERMINAL_A, 0);
    stage_ask(stage, &echo);
    assert_int_equal(words_of(stage).length, 0);
    echo.answer_words = PAYMENT_WORDS_PLAIN;
    stage->is_log_short = true;
    stage_ask(stage, &echo); /* what room is left is for reversals */
    assert_int_equal(words_of(stage).length, 0);
    stage->is_log_short = false;
    stage->is_prompt = false;
    uint32_t replies = stage->reply_count;
    stage_ask(stage, &echo);
    assert_int_equal(stage->reply_count, replies); /* behind the row that says so */
    stage_sync(stage);
    stage->is_prompt = true;
    assert_int_equal(stage->reply_count, replies + 1);
    expect_words(stage, "", "sign on");
    struct payment upload = status_upload(0);
    upload.answer_words = PAYMENT_WORDS_LOCAL;
    stage_ask(stage, &upload);
    expect_words(stage, "", LOCAL);
    assert_int_equal(stage_count_records(stage, RECORD_ORDER_DONE), 2);
    assert_int_equal(count_in_force(stage), 0);
}

/* "Sign on" is no word for a terminal that is stopped, nor "leave it" for one that works again. */
static void test_what_a_case_has_told_ends_where_a_stop_begins_or_ends(void **state)
{
    struct stage *stage = *state;
    struct order words = of_case(text_order(9));
    stage_order(stage, words);
    stage_order(stage, of_terminal(ORDER_STOP));
    assert_int_equal(count_in_force(stage), 1);
    struct payment sale = sale_with_words(301, PAYMENT_WORDS_LOCAL);
    stage_expect_refusal(stage, &sale, "58");
    assert_int_equal(words_of(stage).length, 0);
    stage_order(stage, words);
    sale = sale_with_words(302, PAYMENT_WORDS_LOCAL);
    stage_expect_refusal(stage, &sale, "58");
    expect_words(stage, "", LOCAL);
    stage_expect_same_after_restart(stage);
    struct order limit = of_terminal(ORDER_LIMIT);
    limit.limit = (struct money){1000000, 156};
    stage_order(stage, limit);
    stage_order(stage, of_terminal(ORDER_RESUME));
    assert_int_equal(count_in_force(stage), 0);
    stage_order(stage, limit);
    stage_order(stage, words);
    stage_order(stage, of_terminal(ORDER_RESUME)); /* it was not stopped */
    assert_int_equal(count_in_force(stage), 1);
    stage_order(stage, text_order(9)); /* what people say stands */
    stage_order(stage, of_terminal(ORDER_STOP));
    assert_int_equal(count_in_force(stage), 2);
    stage_order(stage, of_terminal(ORDER_RESUME));
    assert_int_equal(count_in_force(stage), 1);
    stage_expect_same_after_restart(stage);
}

static void test_what_a_case_has_told_ends_with_the_signon_it_asks_for(void **state)
{
    struct stage *stage = *state;
    struct order words = of_case(text_order(9));
    struct order asks = of_case(of_terminal(ORDER_ASK_SIGNON));
    stage_order(stage, words);
    stage_sign_on(stage, TERMINAL_A); /* which nobody asked for: it may be about paper */
    assert_int_equal(count_in_force(stage), 1);
    asks.case_id = 8;
    stage_order(stage, asks);
    stage_sign_on(stage, TERMINAL_A); /* another case did */
    assert_int_equal(count_in_force(stage), 1);
    asks.case_id = 7;
    stage_order(stage, asks);
    struct payment sale = sale_with_words(301, PAYMENT_WORDS_LOCAL);
    stage_expect_answer(stage, &sale, "00");
    expect_words(stage, "", LOCAL);
    assert_int_equal(asked(stage), TERMINAL_REQUEST_SIGN_ON);
    stage_sign_on(stage, TERMINAL_A);
    assert_int_equal(count_in_force(stage), 0);
    stage_expect_same_after_restart(stage);
    stage_order(stage, asks);
    stage_order(stage, of_terminal(ORDER_STOP)); /* a sign-on would change nothing now */
    assert_int_equal(ask_echo(stage), TERMINAL_REQUEST_NONE);
    stage_order(stage, of_terminal(ORDER_ASK_SIGNON));
    stage_order(stage, of_terminal(ORDER_STOP));
    assert_int_equal(ask_echo(stage), TERMINAL_REQUEST_SIGN_ON); /* people want it */
    stage_order(stage, words);                                   /* of the stop */
    stage_sign_on(stage, TERMINAL_A);
    assert_int_equal(count_in_force(stage), 2); /* it is stopped, and its cashier is told so */
    stage_expect_same_after_restart(stage);
}

/* The row of the answer is what the text rests on: what was not durable was told to nobody. */
static void test_a_crash_before_the_answer_is_durable_tells_it_again(void **state)
{
    struct stage *stage = *state;
    stage_order(stage, text_order(1));
    struct payment sale = sale_with_words(301, PAYMENT_WORDS_LOCAL);
    stage_ask(stage, &sale);
    stage->is_prompt = false;
    uint32_t before = stage->reply_count;
    stage_respond(stage, stage->forward_count - 1, "00");
    assert_int_equal(stage->reply_count, before);
    stage->is_prompt = true;
    stage_restart(stage);
    assert_int_equal(count_in_force(stage), 1);
    sale = sale_with_words(302, PAYMENT_WORDS_LOCAL);
    stage_expect_answer(stage, &sale, "00");
    expect_words(stage, "", LOCAL);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, stage_set_up, stage_tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_what_people_tell_goes_before_what_a_case_does),
        TEST(test_a_text_is_told_with_a_payment_and_with_each_repeat_of_it),
        TEST(test_who_cannot_show_chinese_is_told_in_english),
        TEST(test_a_text_that_the_terminal_cannot_show_keeps_no_other_from_it),
        TEST(test_a_banks_own_text_goes_first_and_is_never_replaced),
        TEST(test_a_settlement_tells_it_and_so_does_its_repeat),
        TEST(test_echo_and_status_tell_it_where_their_answers_have_room),
        TEST(test_what_a_case_has_told_ends_where_a_stop_begins_or_ends),
        TEST(test_what_a_case_has_told_ends_with_the_signon_it_asks_for),
        TEST(test_a_crash_before_the_answer_is_durable_tells_it_again),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
