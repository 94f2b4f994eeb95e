/* What is ordered of a terminal or merchant: in force behind its row, told where terminals are told
 * things, ended by what the terminal does, by time or by another order, and not lost by a restart.
 */
#include <stdio.h>
#include <string.h>

#include "switch/engine/engine_state.h"
#include "switch/engine/terminal_request.h"
#include "tests/flow/order_scene.h"

#define US_PER_DAY INT64_C(86400000000)
#define DAY_NS (86400 * SECOND_NS)
static struct order of_merchant(enum order_kind kind)
{
    return (struct order){.kind = kind, .merchant_id = MERCHANT};
}

static void expect_ordered(const struct stage *stage, enum order_answer answer)
{
    assert_true(stage->ordered_count > 0);
    assert_int_equal(stage->ordered[stage->ordered_count - 1].order.answer, answer);
    assert_int_equal(stage->ordered[stage->ordered_count - 1].order.ticket, stage->ordered_count);
}

/* --- being given -------------------------------------------------------------------------- */

static void test_an_order_is_answered_behind_its_row(void **state)
{
    struct stage *stage = *state;
    stage->is_prompt = false;
    struct order order = of_terminal(ORDER_STOP);
    order.case_id = 77;
    stage_order(stage, order);
    assert_int_equal(stage->ordered_count, 0);
    stage_sync(stage);
    expect_ordered(stage, ORDER_ANSWER_TAKEN);
    const struct record *row = stage_last_record(stage, RECORD_ORDER);
    assert_int_equal(row->reason, TXN_REASON_ORDER_STOP);
    assert_string_equal(row->terminal_id, TERMINAL_A);
    assert_string_equal(row->merchant_id, MERCHANT);
    assert_int_equal(row->txn.seq, 0);
    struct order_standing told;
    struct byte_reader reader;
    byte_reader_init(&reader, row->payload, row->payload_length);
    assert_int_equal(order_note_read(&reader, &told), STATUS_OK);
    assert_int_equal(told.order.kind, ORDER_STOP);
    assert_int_equal(told.order.case_id, 77);
    assert_string_equal(told.order.actor, "alice");
    assert_true(told.since_us == row->wall_us);
}

static void test_what_cannot_be_ordered_leaves_no_row(void **state)
{
    struct stage *stage = *state;
    struct order order = of_terminal(ORDER_STOP);
    snprintf(order.terminal_id, sizeof(order.terminal_id), "99999999");
    stage_order(stage, order);
    expect_ordered(stage, ORDER_ANSWER_SUBJECT_UNKNOWN);
    order = of_merchant(ORDER_HOLD);
    order.merchant_id[0] = 'x';
    stage_order(stage, order);
    expect_ordered(stage, ORDER_ANSWER_SUBJECT_UNKNOWN);
    stage_order(stage, of_merchant(ORDER_ASK_SIGNON));
    expect_ordered(stage, ORDER_ANSWER_MALFORMED);
    order = of_terminal(ORDER_STOP);
    order.until_us = stage->wall_us;
    stage_order(stage, order);
    expect_ordered(stage, ORDER_ANSWER_PAST);
    stage_order(stage, of_terminal(ORDER_RESUME));
    expect_ordered(stage, ORDER_ANSWER_NOTHING_TO_LIFT);
    stage_order(stage, of_merchant(ORDER_RELEASE));
    expect_ordered(stage, ORDER_ANSWER_NOTHING_TO_LIFT);
    assert_int_equal(stage_count_records(stage, RECORD_ORDER), 0);
    assert_int_equal(count_in_force(stage), 0);
}

/* Others have told so much that only the places kept for it are left. */
static void test_a_terminal_can_be_stopped_where_too_much_is_told(void **state)
{
    struct stage *stage = *state;
    struct order_book *book = &stage->engine->orders;
    static const char OTHERS[16] = "898110053119999";
    while (book->count < ORDER_SUBJECT_COUNT_MAX - ORDER_SUBJECT_KEPT_COUNT) {
        char terminal_id[9];
        struct order_standing standing = {.order = of_terminal(ORDER_ASK_STATUS)};
        snprintf(terminal_id, sizeof(terminal_id), "%08u", 90000000 + book->count % 10000);
        uint32_t place = order_table_enroll(book, terminal_id, OTHERS);
        order_table_put(book, place, &standing, (struct order_clock){0, 0});
        order_table_settle(book, place);
    }
    stage_order(stage, of_terminal(ORDER_ASK_SIGNON));
    expect_ordered(stage, ORDER_ANSWER_NO_ROOM);
    assert_int_equal(stage_count_records(stage, RECORD_ORDER), 0);
    stage_order(stage, of_terminal(ORDER_STOP));
    expect_ordered(stage, ORDER_ANSWER_TAKEN);
    stage_order(stage, of_terminal(ORDER_ASK_SIGNON)); /* it has a place now */
    expect_ordered(stage, ORDER_ANSWER_TAKEN);
}

/* --- what is asked ------------------------------------------------------------------------ */

static void test_a_terminal_is_told_to_sign_on_until_it_does(void **state)
{
    struct stage *stage = *state;
    assert_int_equal(ask_echo(stage), TERMINAL_REQUEST_NONE);
    stage_order(stage, of_terminal(ORDER_ASK_SIGNON));
    struct payment sale = stage_purchase(TERMINAL_A, 301);
    stage_expect_answer(stage, &sale, "00"); /* it is asked, not made to */
    assert_int_equal(asked(stage), TERMINAL_REQUEST_SIGN_ON);
    assert_int_equal(ask_echo(stage), TERMINAL_REQUEST_SIGN_ON);
    struct payment other = stage_payment(PAYMENT_ECHO, TERMINAL_B, 0);
    stage_ask(stage, &other);
    assert_int_equal(asked(stage), TERMINAL_REQUEST_NONE);
    stage_sign_on(stage, TERMINAL_B);
    assert_int_equal(stage_count_records(stage, RECORD_ORDER_DONE), 0);
    stage_sign_on(stage, TERMINAL_A);
    assert_int_equal(asked(stage), TERMINAL_REQUEST_NONE);
    assert_int_equal(stage_count_records(stage, RECORD_ORDER_DONE), 1);
    assert_int_equal(stage_last_record(stage, RECORD_ORDER_DONE)->reason,
                     TXN_REASON_ORDER_ASK_SIGNON);
    assert_int_equal(count_in_force(stage), 0);
    stage_sign_on(stage, TERMINAL_A);
    assert_int_equal(stage_count_records(stage, RECORD_ORDER_DONE), 1);
}

static struct payment parameters_end(uint32_t stan)
{
    struct payment payment = stage_payment(PAYMENT_DOWNLOAD_END, TERMINAL_A, stan);
    snprintf(payment.management_code, sizeof(payment.management_code), "361");
    return payment;
}

static void test_the_most_urgent_is_asked_first_and_each_ends_by_itself(void **state)
{
    struct stage *stage = *state;
    stage_order(stage, of_terminal(ORDER_ASK_UPDATE));
    stage_order(stage, of_terminal(ORDER_ASK_STATUS));
    stage_order(stage, of_terminal(ORDER_ASK_DOWNLOAD));
    stage_order(stage, of_terminal(ORDER_ASK_SIGNON));
    assert_int_equal(ask_echo(stage), TERMINAL_REQUEST_SIGN_ON);
    stage_sign_on(stage, TERMINAL_A);
    assert_int_equal(asked(stage), TERMINAL_REQUEST_PARAMETERS);
    struct payment payment = parameters_end(0);
    stage_ask(stage, &payment);
    assert_int_equal(ask_echo(stage), TERMINAL_REQUEST_STATUS);
    payment = status_upload(0);
    stage_ask(stage, &payment);
    assert_int_equal(asked(stage), TERMINAL_REQUEST_SOFTWARE);
    assert_int_equal(stage_count_records(stage, RECORD_ORDER_DONE), 3);
    assert_int_equal(count_in_force(stage), 1);
    stage_order(stage, of_terminal(ORDER_WITHDRAW));
    expect_ordered(stage, ORDER_ANSWER_TAKEN);
    assert_int_equal(ask_echo(stage), TERMINAL_REQUEST_NONE);
}

static uint8_t sell_with(struct stage *stage, uint32_t stan, const char *firmware)
{
    struct payment sale = stage_purchase(TERMINAL_A, stan);
    sale.device.is_told = firmware != NULL;
    snprintf(sale.device.firmware, sizeof(sale.device.firmware), "%s",
             firmware == NULL ? "" : firmware);
    stage_expect_answer(stage, &sale, "00");
    return asked(stage);
}

static void test_an_update_is_done_when_the_terminal_has_other_software(void **state)
{
    struct stage *stage = *state;
    assert_int_equal(sell_with(stage, 301, "V1"), TERMINAL_REQUEST_NONE);
    stage_order(stage, of_terminal(ORDER_ASK_UPDATE));
    assert_int_equal(sell_with(stage, 302, "V1"), TERMINAL_REQUEST_SOFTWARE);
    assert_int_equal(sell_with(stage, 303, NULL), TERMINAL_REQUEST_SOFTWARE);
    stage_restart(stage); /* the row knows what it is to leave */
    assert_int_equal(sell_with(stage, 304, "V2"), TERMINAL_REQUEST_NONE);
    assert_int_equal(stage_last_record(stage, RECORD_ORDER_DONE)->reason,
                     TXN_REASON_ORDER_ASK_UPDATE);
    stage_restart(stage);
    stage_order(stage, of_terminal(ORDER_ASK_UPDATE)); /* it has told none in this run */
    assert_int_equal(sell_with(stage, 305, "V2"), TERMINAL_REQUEST_SOFTWARE);
    assert_int_equal(sell_with(stage, 306, "V3"), TERMINAL_REQUEST_NONE);
}

static void test_an_update_is_done_when_the_terminal_has_what_is_wanted_or_newer(void **state)
{
    struct stage *stage = *state;
    struct order order = of_terminal(ORDER_ASK_UPDATE);
    snprintf(order.firmware, sizeof(order.firmware), "V1.10");
    assert_int_equal(sell_with(stage, 301, "V1.2"), TERMINAL_REQUEST_NONE);
    stage_order(stage, order);
    assert_int_equal(sell_with(stage, 302, "V1.3"), TERMINAL_REQUEST_SOFTWARE); /* not enough */
    assert_int_equal(sell_with(stage, 303, "V1.1"), TERMINAL_REQUEST_SOFTWARE);
    stage_restart(stage);
    assert_int_equal(sell_with(stage, 304, "V1.9"), TERMINAL_REQUEST_SOFTWARE);
    assert_int_equal(sell_with(stage, 305, "V1.10"), TERMINAL_REQUEST_NONE);
    assert_int_equal(count_in_force(stage), 0);
    stage_order(stage, order);
    assert_int_equal(sell_with(stage, 306, "V2"), TERMINAL_REQUEST_NONE);
    stage_order(stage, order);
    stage_pass(stage, ORDER_LIFE_DAYS * DAY_NS); /* or its time is over */
    assert_int_equal(count_in_force(stage), 0);
    order.firmware[0] = ' ';
    stage_order(stage, order);
    expect_ordered(stage, ORDER_ANSWER_MALFORMED);
}

static void test_of_two_versions_that_are_wanted_each_ends_its_own_order(void **state)
{
    struct stage *stage = *state;
    struct order of_people = of_terminal(ORDER_ASK_UPDATE);
    snprintf(of_people.firmware, sizeof(of_people.firmware), "V2");
    struct order of_the_case = of_case(of_terminal(ORDER_ASK_UPDATE));
    snprintf(of_the_case.firmware, sizeof(of_the_case.firmware), "V1.5");
    stage_order(stage, of_people);
    stage_order(stage, of_the_case);
    assert_int_equal(sell_with(stage, 301, "V1.4"), TERMINAL_REQUEST_SOFTWARE);
    assert_int_equal(count_in_force(stage), 2);
    assert_int_equal(sell_with(stage, 302, "V1.5"), TERMINAL_REQUEST_SOFTWARE);
    assert_int_equal(count_in_force(stage), 1);
    stage_restart(stage);
    assert_int_equal(count_in_force(stage), 1);
    assert_int_equal(sell_with(stage, 303, "V2"), TERMINAL_REQUEST_NONE);
    assert_int_equal(count_in_force(stage), 0);
}

/* --- what is refused ---------------------------------------------------------------------- */

static void ask_settlement(struct stage *stage, uint32_t stan)
{
    struct payment settlement = settlement_with_words(stan, PAYMENT_WORDS_NONE);
    stage_ask(stage, &settlement);
}

static void test_stop_refuses_payments_and_serves_what_undoes_and_settles(void **state)
{
    struct stage *stage = *state;
    uint32_t reply = stage_approved(stage, PAYMENT_PURCHASE, 301);
    struct payment sale = stage_purchase(TERMINAL_A, 302);
    stage_expect_answer(stage, &sale, "00");
    struct payment in_flight = stage_purchase(TERMINAL_A, 303);
    stage_ask(stage, &in_flight);
    stage_order(stage, of_terminal(ORDER_STOP));
    stage_respond(stage, stage->forward_count - 1, "00"); /* begun before: it goes on */
    assert_string_equal(stage_last_reply(stage)->payment.response_code, "00");
    struct payment refused = stage_purchase(TERMINAL_A, 304);
    stage_expect_refusal(stage, &refused, "58");
    assert_int_equal(stage_last_record(stage, RECORD_REFUSED)->reason, TXN_REASON_ORDER_STOP);
    refused = stage_purchase(TERMINAL_A, 305);
    refused.kind = PAYMENT_BALANCE;
    stage_expect_refusal(stage, &refused, "58");
    refused = stage_follow_up(stage, PAYMENT_REFUND, reply, 306);
    stage_expect_refusal(stage, &refused, "58");
    struct payment undone = stage_follow_up(stage, PAYMENT_VOID, reply, 307);
    stage_expect_answer(stage, &undone, "00");
    struct payment reversal = stage_reversal(&sale);
    uint32_t before = stage->reply_count;
    stage_ask(stage, &reversal);
    stage_expect_reply(stage, before + 1, "00");
    assert_int_equal(stage_count_records(stage, RECORD_REVERSAL), 1);
    ask_settlement(stage, 308);
    assert_int_equal(stage_count_records(stage, RECORD_SETTLEMENT), 1);
    struct payment advice = stage_purchase(TERMINAL_A, 309);
    advice.kind = PAYMENT_OFFLINE_SALE;
    stage_ask(stage, &advice); /* it has happened already */
    assert_int_equal(stage_count_records(stage, RECORD_ADVICE), 1);
    struct payment other = stage_purchase(TERMINAL_B, 310);
    stage_expect_answer(stage, &other, "00");
    stage_order(stage, of_terminal(ORDER_RESUME));
    sale = stage_purchase(TERMINAL_A, 311);
    stage_expect_answer(stage, &sale, "00");
}

static void test_a_merchant_that_is_stopped_stops_all_its_terminals(void **state)
{
    struct stage *stage = *state;
    stage_order(stage, of_merchant(ORDER_STOP));
    struct payment sale = stage_purchase(TERMINAL_A, 301);
    stage_expect_refusal(stage, &sale, "58");
    sale = stage_purchase(TERMINAL_B, 301);
    stage_expect_refusal(stage, &sale, "58");
    stage_order(stage, of_terminal(ORDER_RESUME)); /* of the terminal nothing was ordered */
    expect_ordered(stage, ORDER_ANSWER_NOTHING_TO_LIFT);
    stage_order(stage, of_merchant(ORDER_RESUME));
    sale = stage_purchase(TERMINAL_B, 302);
    stage_expect_answer(stage, &sale, "00");
}

static void test_a_limit_refuses_single_amounts_above_it(void **state)
{
    struct stage *stage = *state;
    struct order order = of_terminal(ORDER_LIMIT);
    order.limit = (struct money){10000, 156};
    stage_order(stage, order);
    assert_int_equal(stage_last_record(stage, RECORD_ORDER)->amount.minor, 10000);
    struct payment sale = stage_purchase(TERMINAL_A, 301);
    sale.amount.minor = 10001;
    stage_expect_refusal(stage, &sale, "61");
    assert_int_equal(stage_last_record(stage, RECORD_REFUSED)->reason, TXN_REASON_ORDER_LIMIT);
    sale = stage_purchase(TERMINAL_A, 302);
    sale.amount.minor = 10000;
    stage_expect_answer(stage, &sale, "00");
    struct payment enquiry = stage_purchase(TERMINAL_A, 304);
    enquiry.kind = PAYMENT_BALANCE;
    enquiry.amount.minor = 10001; /* takes no money */
    stage_expect_answer(stage, &enquiry, "00");
    order.limit.minor = 5000; /* the latest of a kind counts */
    stage_order(stage, order);
    sale.stan = 303;
    stage_expect_refusal(stage, &sale, "61");
    assert_int_equal(count_in_force(stage), 1);
}

static void test_a_case_lifts_what_a_case_ordered_and_nothing_of_people(void **state)
{
    struct stage *stage = *state;
    struct order limit = of_terminal(ORDER_LIMIT);
    limit.limit = (struct money){10000, 156};
    limit.case_id = 7; /* a person's, whatever case it is about */
    stage_order(stage, limit);
    struct order resume = of_case(of_terminal(ORDER_RESUME));
    stage_order(stage, resume);
    expect_ordered(stage, ORDER_ANSWER_NOTHING_TO_LIFT);
    struct order stop = of_case(of_terminal(ORDER_STOP));
    stage_order(stage, stop);
    assert_int_equal(count_in_force(stage), 2);
    stage_order(stage, resume);
    expect_ordered(stage, ORDER_ANSWER_TAKEN);
    assert_int_equal(count_in_force(stage), 1);
    struct payment sale = stage_purchase(TERMINAL_A, 301);
    sale.amount.minor = 10001;
    stage_expect_refusal(stage, &sale, "61");
    stage_expect_same_after_restart(stage);
    stage_order(stage, of_merchant(ORDER_HOLD));
    stage_order(stage, of_case(of_merchant(ORDER_RELEASE)));
    expect_ordered(stage, ORDER_ANSWER_NOTHING_TO_LIFT);
    stage_order(stage, stop);
    stage_order(stage, of_terminal(ORDER_RESUME)); /* people lift all of it */
    expect_ordered(stage, ORDER_ANSWER_TAKEN);
    assert_int_equal(count_in_force(stage), 1);
}

/* The case's order ends sooner, and is lifted by the case: the person's is what it was. */
static void test_what_a_case_orders_does_not_replace_what_people_did(void **state)
{
    struct stage *stage = *state;
    stage_order(stage, of_terminal(ORDER_STOP));
    struct order stop = of_case(of_terminal(ORDER_STOP));
    stop.until_us = stage->wall_us + US_PER_DAY;
    stage_order(stage, stop);
    expect_ordered(stage, ORDER_ANSWER_TAKEN);
    assert_int_equal(count_in_force(stage), 2);
    stage_expect_same_after_restart(stage);
    stage_pass(stage, 2 * DAY_NS);
    assert_int_equal(count_in_force(stage), 1);
    struct payment sale = stage_purchase(TERMINAL_A, 301);
    stage_expect_refusal(stage, &sale, "58");
    stop.until_us = 0;
    stage_order(stage, stop);
    stage_order(stage, of_case(of_terminal(ORDER_RESUME)));
    expect_ordered(stage, ORDER_ANSWER_TAKEN);
    stage_restart(stage);
    struct order_standing standing;
    assert_int_not_equal(engine_orders(stage->engine, 0, &standing), 0);
    assert_string_equal(standing.order.actor, "alice");
    assert_int_equal(standing.order.until_us, 0);
    sale = stage_purchase(TERMINAL_A, 302);
    stage_expect_refusal(stage, &sale, "58");
    stage_order(stage, of_terminal(ORDER_RESUME));
    sale = stage_purchase(TERMINAL_A, 303);
    stage_expect_answer(stage, &sale, "00");
}

static void test_of_two_limits_the_lower_one_counts(void **state)
{
    struct stage *stage = *state;
    struct order limit = of_terminal(ORDER_LIMIT);
    limit.limit = (struct money){5000, 156};
    stage_order(stage, limit);
    limit = of_case(limit);
    limit.limit.minor = 9000; /* weakens nothing */
    stage_order(stage, limit);
    struct payment sale = stage_purchase(TERMINAL_A, 301);
    sale.amount.minor = 5001;
    stage_expect_refusal(stage, &sale, "61");
    limit.limit.minor = 4000;
    stage_order(stage, limit);
    sale = stage_purchase(TERMINAL_A, 302);
    sale.amount.minor = 5000;
    stage_expect_refusal(stage, &sale, "61");
    stage_order(stage, of_case(of_terminal(ORDER_RESUME)));
    sale = stage_purchase(TERMINAL_A, 303);
    sale.amount.minor = 5000;
    stage_expect_answer(stage, &sale, "00");
}

static void test_what_a_terminal_has_done_is_done_whoever_asked_for_it(void **state)
{
    struct stage *stage = *state;
    stage_order(stage, of_case(of_terminal(ORDER_ASK_SIGNON)));
    struct order signon = of_terminal(ORDER_ASK_SIGNON);
    signon.until_us = stage->wall_us + US_PER_DAY;
    stage_order(stage, signon);
    stage_order(stage, of_case(of_terminal(ORDER_WITHDRAW)));
    assert_int_equal(count_in_force(stage), 1);
    stage_order(stage, of_case(of_terminal(ORDER_ASK_SIGNON)));
    assert_int_equal(ask_echo(stage), TERMINAL_REQUEST_SIGN_ON);
    stage_sign_on(stage, TERMINAL_A);
    assert_int_equal(stage_count_records(stage, RECORD_ORDER_DONE), 1);
    assert_int_equal(count_in_force(stage), 0);
    stage_expect_same_after_restart(stage);
}

/* Stale keys are as stale behind the stop as they were before it. */
static void test_a_signon_that_a_case_asks_for_waits_while_the_terminal_is_stopped(void **state)
{
    struct stage *stage = *state;
    struct order asks = of_case(of_terminal(ORDER_ASK_SIGNON));
    stage_order(stage, asks);
    assert_int_equal(ask_echo(stage), TERMINAL_REQUEST_SIGN_ON);
    stage_order(stage, of_case(of_terminal(ORDER_STOP)));
    assert_int_equal(ask_echo(stage), TERMINAL_REQUEST_NONE);
    stage_expect_same_after_restart(stage);
    assert_int_equal(ask_echo(stage), TERMINAL_REQUEST_NONE);
    stage_order(stage, of_case(of_terminal(ORDER_RESUME)));
    assert_int_equal(ask_echo(stage), TERMINAL_REQUEST_SIGN_ON);
    stage_sign_on(stage, TERMINAL_A);
    assert_int_equal(count_in_force(stage), 0);
    stage_order(stage, of_case(of_terminal(ORDER_STOP)));
    stage_order(stage, asks); /* given meanwhile */
    assert_int_equal(ask_echo(stage), TERMINAL_REQUEST_NONE);
    stage_order(stage, of_terminal(ORDER_ASK_SIGNON)); /* people know why they ask */
    assert_int_equal(ask_echo(stage), TERMINAL_REQUEST_SIGN_ON);
    stage_order(stage, of_terminal(ORDER_WITHDRAW)); /* all that is asked */
    stage_order(stage, asks);
    stage_order(stage, of_case(of_terminal(ORDER_RESUME)));
    assert_int_equal(ask_echo(stage), TERMINAL_REQUEST_SIGN_ON);
}

/* Everything of a terminal at once, by both, and as long as it may be: it fits its row. */
static void test_all_that_may_be_in_force_comes_back(void **state)
{
    struct stage *stage = *state;
    uint32_t count = 0;
    for (uint32_t i = 0; i < ORDER_ORIGIN_COUNT * ORDER_STANDING_COUNT; i++) {
        struct order order =
            of_terminal((enum order_kind)(ORDER_STANDING_COUNT - 1 - i % ORDER_STANDING_COUNT));
        if (order.kind == ORDER_HOLD) {
            continue;
        }
        order.limit = (struct money){INT64_MAX, 156};
        order.times = ORDER_TIMES_MAX;
        order.local_length = order.plain_length = ORDER_TEXT_BYTES_MAX;
        memset(order.local, 'l', ORDER_TEXT_BYTES_MAX);
        memset(order.plain, 'p', ORDER_TEXT_BYTES_MAX);
        memset(order.actor, 'a', ORDER_ACTOR_SIZE - 1);
        memset(order.firmware, order.kind == ORDER_ASK_UPDATE ? '9' : 0,
               sizeof(order.firmware) - 1);
        stage_order(stage, i < ORDER_STANDING_COUNT ? order : of_case(order));
        expect_ordered(stage, ORDER_ANSWER_TAKEN);
        count++;
    }
    assert_int_equal(count_in_force(stage), count);
    stage_expect_same_after_restart(stage);
    assert_int_equal(count_in_force(stage), count);
}

static void test_those_in_force_are_counted_by_origin_and_kind(void **state)
{
    struct stage *stage = *state;
    uint32_t counts[ORDER_ORIGIN_COUNT][ORDER_STANDING_COUNT];
    stage_order(stage, of_terminal(ORDER_STOP));
    stage_order(stage, of_merchant(ORDER_STOP));
    stage_order(stage, of_case(of_merchant(ORDER_HOLD)));
    stage_order(stage, of_case(of_terminal(ORDER_ASK_SIGNON)));
    stage_sign_on(stage, TERMINAL_A);
    engine_count_orders(stage->engine, counts);
    for (unsigned kind = 0; kind < ORDER_STANDING_COUNT; kind++) {
        assert_int_equal(counts[ORDER_OF_PERSON][kind], kind == ORDER_STOP ? 2 : 0);
        assert_int_equal(counts[ORDER_OF_CASE][kind], kind == ORDER_HOLD ? 1 : 0);
    }
}

static void test_where_a_payment_would_go_says_that_an_order_forbids_it(void **state)
{
    struct stage *stage = *state;
    struct route_question question = {.kind = PAYMENT_PURCHASE,
                                      .amount = {12345, MONEY_CNY},
                                      .terminal_id = TERMINAL_A,
                                      .card_first = "620000"};
    const struct engine_clocks clocks = {stage->now_ns, stage->wall_us};
    static struct engine_explanation told;
    engine_explain(stage->engine, &question, &clocks, &told);
    assert_int_equal(told.ordered, TXN_REASON_NONE);
    stage_order(stage, of_merchant(ORDER_STOP));
    engine_explain(stage->engine, &question, &clocks, &told);
    assert_int_equal(told.decision.answer, ROUTE_FOUND); /* what the rules say */
    assert_int_equal(told.ordered, TXN_REASON_ORDER_STOP);
    question.kind = PAYMENT_VOID;
    engine_explain(stage->engine, &question, &clocks, &told);
    assert_int_equal(told.ordered, TXN_REASON_NONE);
}

static void test_held_money_changes_no_payment(void **state)
{
    struct stage *stage = *state;
    stage_order(stage, of_merchant(ORDER_HOLD));
    struct payment sale = stage_purchase(TERMINAL_A, 301);
    stage_expect_answer(stage, &sale, "00");
    const struct record *row = stage_last_record(stage, RECORD_ORDER);
    assert_string_equal(row->terminal_id, "");
    assert_string_equal(row->merchant_id, MERCHANT);
    stage_order(stage, of_merchant(ORDER_RELEASE));
    expect_ordered(stage, ORDER_ANSWER_TAKEN);
    assert_int_equal(stage_last_record(stage, RECORD_ORDER)->answer_length, 0);
}

/* --- time and restarts -------------------------------------------------------------------- */

static void test_an_order_is_over_when_its_time_is(void **state)
{
    struct stage *stage = *state;
    struct order order = of_terminal(ORDER_STOP);
    order.until_us = stage->wall_us + US_PER_DAY;
    stage_order(stage, order);
    order = of_terminal(ORDER_ASK_SIGNON);
    order.until_us = stage->wall_us + 3 * US_PER_DAY;
    stage_order(stage, order);
    stage->wall_us -= 5 * US_PER_DAY; /* a jump of the wall clock ends nothing, and lengthens
                                         nothing (I28) */
    stage_pass(stage, DAY_NS - SECOND_NS);
    assert_int_equal(stage_count_records(stage, RECORD_ORDER_OVER), 0);
    stage_pass(stage, SECOND_NS);
    assert_int_equal(stage_count_records(stage, RECORD_ORDER_OVER), 1);
    assert_int_equal(stage_last_record(stage, RECORD_ORDER_OVER)->reason, TXN_REASON_ORDER_STOP);
    struct payment sale = stage_purchase(TERMINAL_A, 301);
    stage_expect_answer(stage, &sale, "00");
    assert_int_equal(asked(stage), TERMINAL_REQUEST_SIGN_ON);
    stage_pass(stage, 2 * DAY_NS);
    assert_int_equal(stage_count_records(stage, RECORD_ORDER_OVER), 2);
    assert_int_equal(count_in_force(stage), 0);
}

/* So that what a terminal cannot do does not hide for ever what is due by itself. */
static void test_nothing_is_asked_or_told_for_ever(void **state)
{
    struct stage *stage = *state;
    stage_order(stage, of_terminal(ORDER_ASK_UPDATE));
    stage_order(stage, text_order(9));
    stage_order(stage, of_terminal(ORDER_STOP));
    stage_order(stage, of_merchant(ORDER_HOLD));
    stage_pass(stage, ORDER_LIFE_DAYS * DAY_NS - SECOND_NS);
    assert_int_equal(count_in_force(stage), 4);
    stage_pass(stage, SECOND_NS);
    assert_int_equal(count_in_force(stage), 2);
    assert_int_equal(ask_echo(stage), TERMINAL_REQUEST_NONE);
    stage_pass(stage, 365 * DAY_NS);
    assert_int_equal(count_in_force(stage), 2); /* these somebody lifts */
}

static void test_a_restart_brings_back_what_is_in_force(void **state)
{
    struct stage *stage = *state;
    struct order order = of_terminal(ORDER_LIMIT);
    order.limit = (struct money){10000, 156};
    order.until_us = stage->wall_us + US_PER_DAY;
    stage_order(stage, order);
    stage_order(stage, text_order(3));
    stage_order(stage, of_terminal(ORDER_ASK_STATUS));
    stage_order(stage, of_merchant(ORDER_HOLD));
    struct payment upload = status_upload(0);
    stage_ask(stage, &upload);
    stage_expect_same_after_restart(stage);
    assert_int_equal(count_in_force(stage), 3);
    struct payment sale = stage_purchase(TERMINAL_A, 301);
    stage_expect_refusal(stage, &sale, "61");
    stage->wall_us += 2 * US_PER_DAY; /* so long was the switch away */
    stage_restart(stage);
    stage_pass(stage, 0);
    assert_int_equal(stage_count_records(stage, RECORD_ORDER_OVER), 1);
    assert_int_equal(count_in_force(stage), 2);
}

/* Rows that nobody of ours wrote end no start silently: the rim is told, and does not start. */
static void test_a_row_that_cannot_be_read_is_not_replayed(void **state)
{
    struct stage *stage = *state;
    stage_order(stage, of_terminal(ORDER_STOP));
    struct record row = *stage_last_record(stage, RECORD_ORDER);
    struct engine *engine = engine_create(&stage->limits);
    assert_true(engine_may_replay(engine, &row));
    row.answer[0]++;
    assert_false(engine_may_replay(engine, &row));
    row.answer[0]--;
    row.answer_length--;
    assert_false(engine_may_replay(engine, &row));
    row.answer_length = 0;
    assert_true(engine_may_replay(engine, &row));
    row.terminal_id[0] = row.merchant_id[0] = '\0';
    assert_false(engine_may_replay(engine, &row));
    engine_destroy(engine);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, stage_set_up, stage_tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_an_order_is_answered_behind_its_row),
        TEST(test_what_cannot_be_ordered_leaves_no_row),
        TEST(test_a_terminal_can_be_stopped_where_too_much_is_told),
        TEST(test_a_terminal_is_told_to_sign_on_until_it_does),
        TEST(test_the_most_urgent_is_asked_first_and_each_ends_by_itself),
        TEST(test_an_update_is_done_when_the_terminal_has_other_software),
        TEST(test_an_update_is_done_when_the_terminal_has_what_is_wanted_or_newer),
        TEST(test_of_two_versions_that_are_wanted_each_ends_its_own_order),
        TEST(test_stop_refuses_payments_and_serves_what_undoes_and_settles),
        TEST(test_a_merchant_that_is_stopped_stops_all_its_terminals),
        TEST(test_a_limit_refuses_single_amounts_above_it),
        TEST(test_a_case_lifts_what_a_case_ordered_and_nothing_of_people),
        TEST(test_what_a_case_orders_does_not_replace_what_people_did),
        TEST(test_of_two_limits_the_lower_one_counts),
        TEST(test_what_a_terminal_has_done_is_done_whoever_asked_for_it),
        TEST(test_a_signon_that_a_case_asks_for_waits_while_the_terminal_is_stopped),
        TEST(test_all_that_may_be_in_force_comes_back),
        TEST(test_those_in_force_are_counted_by_origin_and_kind),
        TEST(test_where_a_payment_would_go_says_that_an_order_forbids_it),
        TEST(test_held_money_changes_no_payment),
        TEST(test_an_order_is_over_when_its_time_is),
        TEST(test_nothing_is_asked_or_told_for_ever),
        TEST(test_a_restart_brings_back_what_is_in_force),
        TEST(test_a_row_that_cannot_be_read_is_not_replayed),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
