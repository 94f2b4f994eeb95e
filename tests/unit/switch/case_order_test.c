/* What cases ask of the switch becomes an order, or is nobody's but people's. */
#include "switch/case_order.h"

#include <stdio.h>
#include <string.h>

#include "tests/unit/unit_test.h"

#define NOW_US INT64_C(1790000000000000)

struct asked {
    struct service_case it;
    struct case_effect effect;
    struct clerk_effect whole;
};

static void ask(struct asked *asked, enum case_effect_kind kind)
{
    *asked = (struct asked){.it = {.id = 77,
                                   .kind = CASE_FAULT,
                                   .subject = FLAG_OF_TERMINAL,
                                   .subject_id = "10000001",
                                   .terminal_id = "10000001",
                                   .merchant_id = "898310148160568",
                                   .fault = "K1"},
                            .effect = {.kind = kind}};
    asked->whole = (struct clerk_effect){5, NOW_US, &asked->effect, &asked->it, "", 0};
}

static void test_orders_to_a_terminal_name_it_and_the_case(void **state)
{
    (void)state;
    static const struct {
        enum case_effect_kind effect;
        enum order_kind order;
    } ROWS[] = {{CASE_EFFECT_ASK_SIGNON, ORDER_ASK_SIGNON},
                {CASE_EFFECT_ASK_STATUS, ORDER_ASK_STATUS},
                {CASE_EFFECT_ASK_UPDATE, ORDER_ASK_UPDATE},
                {CASE_EFFECT_STOP, ORDER_STOP},
                {CASE_EFFECT_RESUME, ORDER_RESUME}};
    for (unsigned i = 0; i < COUNT_OF(ROWS); i++) {
        struct asked asked;
        struct order order;
        ask(&asked, ROWS[i].effect);
        assert_true(case_order_of(&order, &asked.whole));
        assert_int_equal(order.kind, ROWS[i].order);
        assert_string_equal(order.terminal_id, "10000001");
        assert_string_equal(order.merchant_id, "");
        assert_int_equal(order.origin, ORDER_OF_CASE);
        assert_string_equal(order.actor, ORDER_CASE_ACTOR);
        assert_int_equal(order.case_id, 77);
        assert_int_equal(order.until_us, 0);
    }
}

static void test_an_update_names_the_version_that_is_wanted(void **state)
{
    (void)state;
    struct asked asked;
    struct order order;
    ask(&asked, CASE_EFFECT_ASK_UPDATE);
    asked.whole.firmware = "1.2.0";
    assert_true(case_order_of(&order, &asked.whole));
    assert_string_equal(order.firmware, "1.2.0");
    asked.whole.firmware = "of 2026"; /* no word: it could not be ordered */
    assert_true(case_order_of(&order, &asked.whole));
    assert_string_equal(order.firmware, "");
    ask(&asked, CASE_EFFECT_STOP);
    asked.whole.firmware = "1.2.0";
    assert_true(case_order_of(&order, &asked.whole));
    assert_string_equal(order.firmware, "");
}

static void test_what_a_campaign_asks_is_given_in_its_name(void **state)
{
    (void)state;
    struct asked asked;
    struct order order;
    ask(&asked, CASE_EFFECT_ASK_UPDATE);
    asked.it.id = 0;
    asked.effect.due_us = NOW_US + 1000;
    asked.whole.firmware = "1.2.0";
    asked.whole.campaign_id = 3;
    assert_true(case_order_of(&order, &asked.whole));
    assert_int_equal(order.kind, ORDER_ASK_UPDATE);
    assert_string_equal(order.terminal_id, "10000001");
    assert_int_equal(order.origin, ORDER_OF_PERSON);
    assert_string_equal(order.actor, "campaign-3");
    assert_string_equal(order.firmware, "1.2.0");
    assert_int_equal(order.case_id, 0);
    assert_int_equal(order.until_us, NOW_US + 1000);
}

static void test_money_is_held_back_of_the_merchant_until_the_hold_ends(void **state)
{
    (void)state;
    struct asked asked;
    struct order order;
    ask(&asked, CASE_EFFECT_HOLD);
    asked.effect.due_us = NOW_US + 1000;
    assert_true(case_order_of(&order, &asked.whole));
    assert_int_equal(order.kind, ORDER_HOLD);
    assert_string_equal(order.terminal_id, "");
    assert_string_equal(order.merchant_id, "898310148160568");
    assert_int_equal(order.until_us, NOW_US + 1000);
    ask(&asked, CASE_EFFECT_RELEASE);
    assert_true(case_order_of(&order, &asked.whole));
    assert_int_equal(order.kind, ORDER_RELEASE);
    memset(asked.it.merchant_id, 0, sizeof(asked.it.merchant_id));
    assert_false(case_order_of(&order, &asked.whole)); /* whose? */
}

static void test_a_merchants_case_stops_its_terminal_and_without_one_the_merchant(void **state)
{
    (void)state;
    struct asked asked;
    struct order order;
    ask(&asked, CASE_EFFECT_STOP);
    asked.it.subject = FLAG_OF_MERCHANT;
    assert_true(case_order_of(&order, &asked.whole));
    assert_string_equal(order.terminal_id, asked.it.terminal_id);
    assert_string_equal(order.merchant_id, "");
    asked.it.terminal_id[0] = '\0';
    assert_true(case_order_of(&order, &asked.whole));
    assert_string_equal(order.terminal_id, "");
    assert_string_equal(order.merchant_id, "898310148160568");
}

static void test_a_cohorts_case_has_nobody_to_order(void **state)
{
    (void)state;
    struct asked asked;
    struct order order;
    for (unsigned kind = 0; kind < CASE_EFFECT_COUNT; kind++) {
        ask(&asked, (enum case_effect_kind)kind);
        asked.it.subject = FLAG_OF_COHORT;
        memset(asked.it.terminal_id, 0, sizeof(asked.it.terminal_id));
        memset(asked.it.merchant_id, 0, sizeof(asked.it.merchant_id));
        assert_false(case_order_of(&order, &asked.whole));
    }
}

static void test_a_cashier_is_told_in_chinese_and_in_english(void **state)
{
    (void)state;
    /* 密钥 in GBK */
    static const uint8_t GBK[] = {0xC3, 0xDC, 0xD4, 0xBF};
    struct asked asked;
    struct order order;
    ask(&asked, CASE_EFFECT_TELL_CASHIER);
    memcpy(asked.effect.text, "密钥", sizeof("密钥"));
    assert_true(case_order_of(&order, &asked.whole));
    assert_int_equal(order.kind, ORDER_TELL);
    assert_int_equal(order.local_length, sizeof(GBK));
    assert_memory_equal(order.local, GBK, sizeof(GBK));
    assert_true(order.plain_length > 0);
    assert_true(order.times > 1);
    assert_true(order.until_us > NOW_US);
    memset(asked.it.fault, 0, sizeof(asked.it.fault)); /* not known */
    assert_true(case_order_of(&order, &asked.whole));
    assert_int_equal(order.plain_length, 0);
    memset(asked.effect.text, 0, sizeof(asked.effect.text));
    assert_false(case_order_of(&order, &asked.whole)); /* nothing to say */
}

static void test_the_english_words_are_those_that_hold(void **state)
{
    (void)state;
    static const struct {
        const char *text, *fault;
        bool is_stopped;
        int64_t repaired_us;
        const char *words;
    } ROWS[] = {
        {"密钥", "K1", true, 0, "stopped: do not use it, call the acquirer"},
        {"密钥", "K1", false, 0, "MAC errors: working keys are stale"},
        {"密钥", "K1", false, NOW_US, "MAC errors: working keys are stale"}, /* found since */
        {"请关机后重新开机,并重新签到", "K1", false, 0,
         "switch the terminal off and on again, then sign on"},
        {CASE_RESUMED_TEXT, "K2", false, NOW_US, "it may work again: sign on"},
        /* found harmless: nobody mended it, and nobody is accused */
        {CASE_RESUMED_TEXT, "X2", false, 0, "it may work again: sign on"},
        {CASE_RESUMED_TEXT, "", false, 0, "it may work again: sign on"},
        {"核实", "X1", false, 0, "call the acquirer"},
        {"核实", "X2", false, 0, "call the acquirer"},
        {"核实", "X3", false, 0, "call the acquirer"},
        {"核实", "X4", false, 0, "call the acquirer"},
    };
    for (unsigned i = 0; i < COUNT_OF(ROWS); i++) {
        struct asked asked;
        struct order order;
        ask(&asked, CASE_EFFECT_TELL_CASHIER);
        snprintf(asked.effect.text, sizeof(asked.effect.text), "%s", ROWS[i].text);
        snprintf(asked.it.fault, sizeof(asked.it.fault), "%s", ROWS[i].fault);
        asked.it.is_stopped = ROWS[i].is_stopped;
        asked.it.repaired_us = ROWS[i].repaired_us;
        assert_true(case_order_of(&order, &asked.whole));
        char plain[ORDER_TEXT_BYTES_MAX + 1] = "";
        memcpy(plain, order.plain, order.plain_length);
        assert_string_equal(plain, ROWS[i].words);
    }
}

static void test_what_goes_to_people_is_no_order(void **state)
{
    (void)state;
    struct asked asked;
    struct order order;
    for (unsigned kind = CASE_EFFECT_TELL_MERCHANT; kind < CASE_EFFECT_COUNT; kind++) {
        ask(&asked, (enum case_effect_kind)kind);
        assert_false(case_order_of(&order, &asked.whole));
    }
    ask(&asked, CASE_EFFECT_NONE);
    assert_false(case_order_of(&order, &asked.whole));
}

/* What the engine refuses is not done: it is tried again, or told to a person. */
static void test_an_order_that_is_refused_is_not_done(void **state)
{
    (void)state;
    static const enum clerk_end ENDS[ORDER_ANSWER_COUNT] = {
        [ORDER_ANSWER_TAKEN] = CLERK_CARRIED_OUT,
        [ORDER_ANSWER_MALFORMED] = CLERK_REFUSED,
        [ORDER_ANSWER_SUBJECT_UNKNOWN] = CLERK_REFUSED,
        [ORDER_ANSWER_PAST] = CLERK_REFUSED,
        [ORDER_ANSWER_NOTHING_TO_LIFT] = CLERK_CARRIED_OUT, /* as a RESUME that is told again */
        [ORDER_ANSWER_NO_ROOM] = CLERK_NO_ROOM};
    for (unsigned i = 0; i < ORDER_ANSWER_COUNT; i++) {
        struct clerk_outcome outcome = case_order_outcome(5 + i, (enum order_answer)i);
        assert_int_equal(outcome.number, 5 + i);
        assert_int_equal(outcome.end, ENDS[i]);
        assert_string_equal(outcome.why, order_answer_text((enum order_answer)i));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_an_order_that_is_refused_is_not_done),
        cmocka_unit_test(test_orders_to_a_terminal_name_it_and_the_case),
        cmocka_unit_test(test_an_update_names_the_version_that_is_wanted),
        cmocka_unit_test(test_what_a_campaign_asks_is_given_in_its_name),
        cmocka_unit_test(test_money_is_held_back_of_the_merchant_until_the_hold_ends),
        cmocka_unit_test(test_a_merchants_case_stops_its_terminal_and_without_one_the_merchant),
        cmocka_unit_test(test_a_cohorts_case_has_nobody_to_order),
        cmocka_unit_test(test_a_cashier_is_told_in_chinese_and_in_english),
        cmocka_unit_test(test_the_english_words_are_those_that_hold),
        cmocka_unit_test(test_what_goes_to_people_is_no_order),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
