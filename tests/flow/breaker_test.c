/* A channel that fails is avoided, tried again by a few payments, and used again. */
#include "tests/flow/stage.h"

#include <string.h>

static const char ROUTES[] =
    "routes:\n  - channels: [bank_a, bank_b]\n"
    "breaker: {window_ms: 60000, request_min: 4, timeout_percent: 50, connect_percent: 50,\n"
    "          code_percent: 50, latency_percent: 50, latency_ms: 3000, open_ms: 10000,\n"
    "          open_max_ms: 20000, probe_count: 2}\n";

static struct engine_breaker_view breaker(const struct stage *stage, uint16_t channel)
{
    struct engine_breaker_view view;
    assert_true(engine_breaker(stage->engine, channel, stage->now_ns, &view));
    return view;
}

/* Forward `index` went to that bank. */
static void expect_channel(const struct stage *stage, uint32_t index, uint16_t channel)
{
    assert_int_equal(stage->forward_count, index + 1);
    assert_int_equal(stage->forwards[index].effect.channel, channel);
}

/* Asks for a purchase and answers the index of its forward. */
static uint32_t ask(struct stage *stage, uint32_t stan)
{
    struct payment purchase = stage_purchase(TERMINAL_A, stan);
    stage_ask(stage, &purchase);
    return stage->forward_count - 1;
}

/* Four purchases that bank A answers 91. */
static void trip(struct stage *stage)
{
    stage_use_routes(stage, ROUTES);
    for (uint32_t i = 0; i < 4; i++) {
        uint32_t index = ask(stage, 301 + i);
        expect_channel(stage, index, BANK_A);
        stage_respond(stage, index, "91");
    }
    assert_int_equal(breaker(stage, BANK_A).health.state, HEALTH_OPEN);
    assert_int_equal(breaker(stage, BANK_A).health.fault, HEALTH_CODE);
    assert_int_equal(stage->notices[stage->notice_count - 1].effect.reason,
                     TXN_REASON_BREAKER_OPENED);
    assert_int_equal(stage->notices[stage->notice_count - 1].effect.channel, BANK_A);
}

static void test_what_is_open_is_avoided_probed_and_closed(void **state)
{
    struct stage *stage = *state;
    trip(stage);
    uint32_t index = ask(stage, 305);
    expect_channel(stage, index, BANK_B);
    stage_respond(stage, index, "00");
    stage_pass(stage, 10 * SECOND_NS);
    assert_int_equal(breaker(stage, BANK_A).health.state, HEALTH_HALF_OPEN);
    uint32_t first = ask(stage, 306);
    expect_channel(stage, first, BANK_A);
    uint32_t second = ask(stage, 307);
    expect_channel(stage, second, BANK_A);
    uint32_t third = ask(stage, 308); /* no more than two probes at once */
    expect_channel(stage, third, BANK_B);
    stage_respond(stage, first, "00");
    stage_respond(stage, second, "51");
    stage_respond(stage, third, "00");
    assert_int_equal(breaker(stage, BANK_A).health.state, HEALTH_CLOSED);
    assert_int_equal(stage->notices[stage->notice_count - 1].effect.reason,
                     TXN_REASON_BREAKER_CLOSED);
    index = ask(stage, 309);
    expect_channel(stage, index, BANK_A);
}

static void test_a_probe_that_its_terminal_reverses_frees_its_place(void **state)
{
    struct stage *stage = *state;
    trip(stage);
    stage_pass(stage, 10 * SECOND_NS);
    for (uint32_t i = 0; i < 4; i++) {
        struct payment purchase = stage_purchase(TERMINAL_A, 311 + i);
        stage_ask(stage, &purchase);
        assert_int_equal(stage->forwards[stage->forward_count - 1].effect.channel, BANK_A);
        struct payment reversal = stage_reversal(&purchase);
        stage_ask(stage, &reversal);
        stage_respond(stage, stage->forward_count - 1, "00");
    }
}

static void test_time_outs_open_it_and_nothing_is_sent_twice(void **state)
{
    struct stage *stage = *state;
    stage_use_routes(stage, ROUTES);
    for (uint32_t i = 0; i < 4; i++) {
        expect_channel(stage, ask(stage, 301 + i), BANK_A);
    }
    stage_pass(stage, 45 * SECOND_NS);
    assert_int_equal(breaker(stage, BANK_A).health.fault, HEALTH_TIMEOUT);
    for (uint32_t i = 4; i < stage->forward_count; i++) {
        assert_int_equal(stage->forwards[i].payment.kind, PAYMENT_REVERSAL); /* I4 */
        assert_int_equal(stage->forwards[i].effect.channel, BANK_A);
    }
    assert_true(stage->forward_count > 4); /* reversals go where the breaker is open */
}

static void test_what_could_not_be_sent_goes_to_the_next(void **state)
{
    struct stage *stage = *state;
    stage_use_routes(stage, ROUTES);
    for (uint32_t i = 0; i < 4; i++) {
        uint32_t index = ask(stage, 301 + i);
        expect_channel(stage, index, BANK_A);
        stage_unsent(stage, index, TXN_REASON_UNSENT);
        expect_channel(stage, index + 1, BANK_B);
        stage_respond(stage, index + 1, "00");
    }
    assert_int_equal(breaker(stage, BANK_A).health.fault, HEALTH_CONNECT);
    assert_int_equal(breaker(stage, BANK_B).health.state, HEALTH_CLOSED);
    expect_channel(stage, ask(stage, 305), BANK_B);
}

/* Our own limit tells nothing of the bank. */
static void test_a_full_window_is_no_fault_of_the_channel(void **state)
{
    struct stage *stage = *state;
    stage_use_routes(stage, ROUTES);
    for (uint32_t i = 0; i < 8; i++) {
        uint32_t index = ask(stage, 301 + i);
        expect_channel(stage, index, BANK_A);
        stage_unsent(stage, index, TXN_REASON_CHANNEL_FULL);
        expect_channel(stage, index + 1, BANK_B);
        stage_respond(stage, index + 1, "00");
    }
    assert_int_equal(breaker(stage, BANK_A).health.state, HEALTH_CLOSED);
    expect_channel(stage, ask(stage, 309), BANK_A);
}

/* A probe that found no room has asked nothing, and keeps no other from being one. */
static void test_a_probe_that_finds_the_window_full_proves_nothing(void **state)
{
    struct stage *stage = *state;
    trip(stage);
    stage_pass(stage, 10 * SECOND_NS);
    for (uint32_t i = 0; i < 4; i++) {
        uint32_t index = ask(stage, 311 + i);
        expect_channel(stage, index, BANK_A);
        stage_unsent(stage, index, TXN_REASON_CHANNEL_FULL);
        expect_channel(stage, index + 1, BANK_B);
        stage_respond(stage, index + 1, "00");
        assert_int_equal(breaker(stage, BANK_A).health.state, HEALTH_HALF_OPEN);
    }
}

static void test_slow_answers_open_it(void **state)
{
    struct stage *stage = *state;
    stage_use_routes(stage, ROUTES);
    for (uint32_t i = 0; i < 4; i++) {
        uint32_t index = ask(stage, 301 + i);
        stage_pass(stage, 4 * SECOND_NS);
        stage_respond(stage, index, "00");
    }
    assert_int_equal(breaker(stage, BANK_A).health.fault, HEALTH_LATENCY);
}

static void test_all_open_is_refused_91_but_follow_ups_go(void **state)
{
    struct stage *stage = *state;
    static const char ONE[] = "routes:\n  - channels: [bank_a]\n"
                              "breaker: {request_min: 4, open_ms: 60000}\n";
    stage_use_routes(stage, ONE);
    uint32_t reply = stage_approved(stage, PAYMENT_PURCHASE, 300);
    for (uint32_t i = 0; i < 4; i++) {
        stage_respond(stage, ask(stage, 301 + i), "91");
    }
    assert_int_equal(breaker(stage, BANK_A).health.state, HEALTH_OPEN);
    struct payment purchase = stage_purchase(TERMINAL_A, 310);
    stage_expect_refusal(stage, &purchase, "91");
    assert_int_equal(stage_last_record(stage, RECORD_REFUSED)->reason, TXN_REASON_CHANNEL_TRIPPED);
    struct payment cancel = stage_follow_up(stage, PAYMENT_VOID, reply, 311);
    stage_expect_answer(stage, &cancel, "00");
    assert_int_equal(stage->forwards[stage->forward_count - 1].effect.channel, BANK_A);
}

/* The terminal has sold already: what it tells is taken, and delivered when it can be. */
static void test_an_offline_sale_is_taken_while_all_are_open(void **state)
{
    struct stage *stage = *state;
    static const char ONE[] = "routes:\n  - channels: [bank_a]\n"
                              "breaker: {request_min: 4, open_ms: 60000}\n";
    stage_use_routes(stage, ONE);
    for (uint32_t i = 0; i < 4; i++) {
        stage_respond(stage, ask(stage, 301 + i), "91");
    }
    assert_int_equal(breaker(stage, BANK_A).health.state, HEALTH_OPEN);
    struct payment sale = stage_purchase(TERMINAL_A, 310);
    sale.kind = PAYMENT_OFFLINE_SALE;
    stage_ask(stage, &sale);
    assert_string_equal(stage_last_reply(stage)->payment.response_code, "00");
    assert_int_equal(stage_count_records(stage, RECORD_REFUSED), 0);
    assert_int_equal(stage_last_record(stage, RECORD_ADVICE)->stan, 310);
}

/* A slow answer comes last, time-outs have the share: the notice says what the breaker says. */
static void test_the_notice_names_the_fault_that_opened_it(void **state)
{
    struct stage *stage = *state;
    stage_use_routes(stage, ROUTES);
    uint32_t first = ask(stage, 301);
    ask(stage, 302);
    ask(stage, 303);
    stage_respond(stage, first, "00");
    stage_pass(stage, 45 * SECOND_NS);
    struct payment purchase = stage_purchase(TERMINAL_A, 304);
    stage_ask(stage, &purchase);
    uint32_t last = stage->forward_count - 1;
    assert_int_equal(stage->forwards[last].payment.kind, PAYMENT_PURCHASE);
    stage_pass(stage, 4 * SECOND_NS);
    stage_respond(stage, last, "00");
    assert_int_equal(breaker(stage, BANK_A).health.fault, HEALTH_TIMEOUT);
    const struct stage_effect *notice = &stage->notices[stage->notice_count - 1];
    assert_int_equal(notice->effect.reason, TXN_REASON_BREAKER_OPENED);
    assert_int_equal(notice->effect.breaker.fault, HEALTH_TIMEOUT);
}

static void ask_foreign(struct stage *stage, uint32_t stan, const char *code)
{
    struct payment purchase = stage_purchase(TERMINAL_A, stan);
    stage_set_card(&purchase, FOREIGN_CARD);
    stage_ask(stage, &purchase);
    assert_int_equal(stage->forwards[stage->forward_count - 1].effect.channel, BANK_A);
    stage_respond(stage, stage->forward_count - 1, code);
}

/* Cards of a group have a breaker of their own, and the worst one is shown. When another one
 * becomes the worst, what is counted must not step back. */
static void test_openings_of_all_groups_are_counted_together(void **state)
{
    struct stage *stage = *state;
    uint32_t stan = 301;
    stage_use_routes(stage, ROUTES);
    for (int i = 0; i < 4; i++) {
        ask_foreign(stage, stan++, "91");
    }
    assert_int_equal(breaker(stage, BANK_A).group, 1);
    assert_int_equal(breaker(stage, BANK_A).openings, 1);
    stage_pass(stage, 10 * SECOND_NS);
    ask_foreign(stage, stan++, "91");
    assert_int_equal(breaker(stage, BANK_A).openings, 2);
    stage_pass(stage, 20 * SECOND_NS);
    ask_foreign(stage, stan++, "00");
    ask_foreign(stage, stan++, "00");
    assert_int_equal(breaker(stage, BANK_A).health.state, HEALTH_CLOSED);
    assert_int_equal(breaker(stage, BANK_A).openings, 2);
    for (int i = 0; i < 4; i++) {
        stage_respond(stage, ask(stage, stan++), "91");
    }
    assert_int_equal(breaker(stage, BANK_A).health.state, HEALTH_OPEN);
    assert_int_equal(breaker(stage, BANK_A).group, 0);
    assert_int_equal(breaker(stage, BANK_A).health.openings, 1);
    assert_int_equal(breaker(stage, BANK_A).openings, 3);
}

/* What is known of channels is not in the log. */
static void test_a_restart_closes_it(void **state)
{
    struct stage *stage = *state;
    trip(stage);
    stage_restart(stage);
    assert_int_equal(breaker(stage, BANK_A).health.state, HEALTH_CLOSED);
}

/* A refund needs no rule of today: it goes where its sale went, and is priced there. */
static void test_a_follow_up_needs_no_rule(void **state)
{
    struct stage *stage = *state;
    static const char ONLY[] = "routes:\n  - when: {kind: purchase}\n    channels: [bank_b]\n";
    stage_use_routes(stage, ONLY);
    uint32_t reply = stage_approved(stage, PAYMENT_PURCHASE, 300);
    struct payment refund = stage_follow_up(stage, PAYMENT_REFUND, reply, 301);
    stage_expect_answer(stage, &refund, "00");
    assert_int_equal(stage->forwards[stage->forward_count - 1].effect.channel, BANK_B);
    assert_int_equal(stage_last_record(stage, RECORD_INTENT)->route_rule, 0);
    struct payment preauth = stage_purchase(TERMINAL_A, 302);
    preauth.kind = PAYMENT_PREAUTH;
    stage_expect_refusal(stage, &preauth, "15");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_what_is_open_is_avoided_probed_and_closed,
                                        stage_set_up, stage_tear_down),
        cmocka_unit_test_setup_teardown(test_a_probe_that_its_terminal_reverses_frees_its_place,
                                        stage_set_up, stage_tear_down),
        cmocka_unit_test_setup_teardown(test_time_outs_open_it_and_nothing_is_sent_twice,
                                        stage_set_up, stage_tear_down),
        cmocka_unit_test_setup_teardown(test_what_could_not_be_sent_goes_to_the_next, stage_set_up,
                                        stage_tear_down),
        cmocka_unit_test_setup_teardown(test_a_full_window_is_no_fault_of_the_channel, stage_set_up,
                                        stage_tear_down),
        cmocka_unit_test_setup_teardown(test_a_probe_that_finds_the_window_full_proves_nothing,
                                        stage_set_up, stage_tear_down),
        cmocka_unit_test_setup_teardown(test_slow_answers_open_it, stage_set_up, stage_tear_down),
        cmocka_unit_test_setup_teardown(test_all_open_is_refused_91_but_follow_ups_go, stage_set_up,
                                        stage_tear_down),
        cmocka_unit_test_setup_teardown(test_an_offline_sale_is_taken_while_all_are_open,
                                        stage_set_up, stage_tear_down),
        cmocka_unit_test_setup_teardown(test_the_notice_names_the_fault_that_opened_it,
                                        stage_set_up, stage_tear_down),
        cmocka_unit_test_setup_teardown(test_openings_of_all_groups_are_counted_together,
                                        stage_set_up, stage_tear_down),
        cmocka_unit_test_setup_teardown(test_a_restart_closes_it, stage_set_up, stage_tear_down),
        cmocka_unit_test_setup_teardown(test_a_follow_up_needs_no_rule, stage_set_up,
                                        stage_tear_down),
    };
    return cmocka_run_group_tests_name("flow/breaker", tests, NULL, NULL);
}
