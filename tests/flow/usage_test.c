/* Limits, black lists, and what a merchant has taken: what is counted, what gives back, what a
 * restart knows. */
#include "tests/flow/stage.h"

#include <string.h>

#define HOUR_NS (3600 * SECOND_NS)
#define DAY_NS (24 * HOUR_NS)

static void use_limits(struct stage *stage, const char *limits)
{
    stage_use_rules(stage, &(struct stage_rules){.limits = limits});
}

static const char CARD_A_DAY[] = "limits:\n"
                                 "  - {name: card-a-day, per: card, day_amount_max: 250.00}\n";

static struct payment purchase_of(const char *terminal, uint32_t stan, const char *card)
{
    struct payment purchase = stage_purchase(terminal, stan);
    stage_set_card(&purchase, card);
    return purchase;
}

/* The same as an operator asks for it, one by one; tomorrow only the month is left. */
static void expect_views(struct stage *stage, const struct payment *payment)
{
    struct engine_usage_view view;
    engine_usage_on(stage->engine, payment, LIMIT_CARD, stage->wall_us, &view);
    assert_true(view.is_counted);
    assert_int_equal(view.use.day_count, 2);
    assert_int_equal(view.use.day_minor, 24690);
    uint32_t today = view.day;
    engine_usage_on(stage->engine, payment, LIMIT_TERMINAL, stage->wall_us, &view);
    assert_false(view.is_counted);
    assert_int_equal(view.use.day_count, 0);
    engine_usage_on(stage->engine, payment, LIMIT_MERCHANT,
                    stage->wall_us + (int64_t)(DAY_NS / 1000), &view);
    assert_int_equal(view.day, today + 1); /* within the month */
    assert_int_equal(view.use.day_minor, 0);
    assert_int_equal(view.use.month_minor, 24690);
}

static void test_a_card_takes_up_its_day_and_another_card_does_not_care(void **state)
{
    struct stage *stage = *state;
    use_limits(stage, CARD_A_DAY);
    struct payment purchase = purchase_of(TERMINAL_A, 11, CARD); /* 123.45 each */
    stage_expect_answer(stage, &purchase, "00");
    purchase = purchase_of(TERMINAL_B, 11, CARD);
    stage_expect_answer(stage, &purchase, "00");
    purchase = purchase_of(TERMINAL_A, 12, CARD);
    stage_expect_refusal(stage, &purchase, "61");
    const struct record *refused = stage_last_record(stage, RECORD_REFUSED);
    assert_int_equal(refused->reason, TXN_REASON_LIMIT_DAY_AMOUNT);
    assert_int_equal(refused->route_rule, 2); /* its line in the limits file */
    assert_int_equal(refused->ruleset_version, 7);
    assert_int_equal(refused->usage_minor, 0);
    struct limit_use uses[LIMIT_SCOPE_COUNT];
    engine_usage(stage->engine, &purchase, uses);
    assert_int_equal(uses[LIMIT_CARD].day_minor, 24690);
    assert_int_equal(uses[LIMIT_MERCHANT].month_minor, 24690);
    assert_int_equal(uses[LIMIT_TERMINAL].day_minor, 0); /* no rule asks for it */
    expect_views(stage, &purchase);
    purchase = purchase_of(TERMINAL_A, 13, OTHER_CARD);
    stage_expect_answer(stage, &purchase, "00");
    stage_expect_same_after_restart(stage);
}

static void test_a_repeat_is_answered_and_not_counted_again(void **state)
{
    struct stage *stage = *state;
    use_limits(stage, "limits:\n  - {name: one, per: terminal, day_count_max: 1}\n");
    struct payment purchase = stage_purchase(TERMINAL_A, 11);
    stage_expect_answer(stage, &purchase, "00");
    uint32_t replies = stage->reply_count;
    stage_ask(stage, &purchase);
    stage_expect_reply(stage, replies + 1, "00");
    purchase = stage_purchase(TERMINAL_A, 12);
    stage_expect_refusal(stage, &purchase, "65");
    purchase = stage_purchase(TERMINAL_B, 12); /* another terminal */
    stage_expect_answer(stage, &purchase, "00");
}

static void test_in_flight_counts_and_declined_does_not(void **state)
{
    struct stage *stage = *state;
    use_limits(stage, "limits:\n  - {name: one, per: merchant, day_count_max: 1}\n");
    struct payment first = stage_purchase(TERMINAL_A, 11);
    stage_ask(stage, &first);
    struct payment second = stage_purchase(TERMINAL_B, 11);
    stage_expect_refusal(stage, &second, "65");
    stage_respond(stage, stage->forward_count - 1, "51");
    assert_int_equal(stage_last_record(stage, RECORD_INTENT)->usage_minor, 12345);
    assert_int_equal(stage_last_record(stage, RECORD_RESULT)->usage_minor, -12345);
    assert_int_equal(stage_last_record(stage, RECORD_RESULT)->usage_count, -1);
    second = stage_purchase(TERMINAL_B, 12);
    stage_expect_answer(stage, &second, "00");
    stage_expect_same_after_restart(stage);
}

static void test_unknown_counts_until_its_reversal_is_acknowledged(void **state)
{
    struct stage *stage = *state;
    use_limits(stage, "limits:\n  - {name: one, per: card, day_count_max: 1}\n");
    struct payment first = stage_purchase(TERMINAL_A, 11);
    stage_ask(stage, &first);
    stage_pass(stage, 46 * SECOND_NS);
    struct payment second = stage_purchase(TERMINAL_B, 11);
    stage_expect_refusal(stage, &second, "65");
    stage_respond(stage, stage->forward_count - 1, "00"); /* the reversal */
    assert_int_equal(stage_last_record(stage, RECORD_REVERSAL)->usage_minor, 0);
    assert_int_equal(stage_last_record(stage, RECORD_REVERSAL_DONE)->usage_minor, -12345);
    second = stage_purchase(TERMINAL_B, 12);
    stage_expect_answer(stage, &second, "00");
    stage_expect_same_after_restart(stage);
}

static void test_a_terminals_own_reversal_gives_back(void **state)
{
    struct stage *stage = *state;
    use_limits(stage, "limits:\n  - {name: one, per: card, day_count_max: 1}\n");
    struct payment first = stage_purchase(TERMINAL_A, 11);
    stage_expect_answer(stage, &first, "00");
    struct payment reversal = stage_reversal(&first);
    stage_ask(stage, &reversal);
    stage_respond(stage, stage->forward_count - 1, "00");
    struct payment second = stage_purchase(TERMINAL_A, 12);
    stage_expect_answer(stage, &second, "00");
}

static void test_a_void_gives_back_and_a_refund_does_not(void **state)
{
    struct stage *stage = *state;
    use_limits(stage, "limits:\n  - {name: two, per: card, day_count_max: 2}\n");
    uint32_t first = stage_approved(stage, PAYMENT_PURCHASE, 11);
    uint32_t second = stage_approved(stage, PAYMENT_PURCHASE, 12);
    struct payment third = stage_purchase(TERMINAL_A, 13);
    stage_expect_refusal(stage, &third, "65");
    struct payment refund = stage_follow_up(stage, PAYMENT_REFUND, first, 14);
    stage_expect_answer(stage, &refund, "00");
    third = stage_purchase(TERMINAL_A, 15);
    stage_expect_refusal(stage, &third, "65");
    struct payment cancel = stage_follow_up(stage, PAYMENT_VOID, second, 16);
    stage_ask(stage, &cancel);
    third = stage_purchase(TERMINAL_A, 17); /* nobody knows yet whether it is void */
    stage_expect_refusal(stage, &third, "65");
    stage_respond(stage, stage->forward_count - 1, "00");
    assert_int_equal(stage_last_record(stage, RECORD_RESULT)->usage_count, -1);
    third = stage_purchase(TERMINAL_A, 18);
    stage_expect_answer(stage, &third, "00");
    stage_expect_same_after_restart(stage);
}

static void test_a_void_after_midnight_is_taken_off_the_day_before(void **state)
{
    struct stage *stage = *state;
    use_limits(stage, "limits:\n  - {name: one, per: card, day_count_max: 1}\n");
    stage_pass(stage, 7 * HOUR_NS + 59 * 60 * SECOND_NS); /* 23:59 */
    uint32_t sale = stage_approved(stage, PAYMENT_PURCHASE, 11);
    stage_pass(stage, 2 * 60 * SECOND_NS);
    struct payment today = stage_purchase(TERMINAL_A, 12);
    stage_expect_answer(stage, &today, "00"); /* another day */
    struct payment cancel = stage_follow_up(stage, PAYMENT_VOID, sale, 13);
    stage_expect_answer(stage, &cancel, "00");
    assert_int_equal(stage_last_record(stage, RECORD_RESULT)->usage_day, 20251125);
    today = stage_purchase(TERMINAL_A, 14);
    stage_expect_refusal(stage, &today, "65"); /* today's one still stands */
    stage_expect_same_after_restart(stage);
}

static void test_a_restart_keeps_what_was_taken(void **state)
{
    struct stage *stage = *state;
    use_limits(stage, CARD_A_DAY);
    struct payment purchase = purchase_of(TERMINAL_A, 11, CARD);
    stage_expect_answer(stage, &purchase, "00");
    purchase = purchase_of(TERMINAL_A, 12, CARD);
    stage_expect_answer(stage, &purchase, "00");
    stage_expect_same_after_restart(stage);
    stage_restart(stage);
    purchase = purchase_of(TERMINAL_A, 13, CARD);
    stage_expect_refusal(stage, &purchase, "61");
}

static void test_a_restart_of_a_sealed_log_keeps_it_too(void **state)
{
    struct stage *stage = *state;
    use_limits(stage, CARD_A_DAY);
    struct payment purchase = purchase_of(TERMINAL_A, 11, CARD);
    stage_expect_answer(stage, &purchase, "00");
    purchase = purchase_of(TERMINAL_A, 12, CARD);
    stage_expect_answer(stage, &purchase, "00");
    stage->replay_from = stage->record_count - 1; /* the RESULT, whose INTENT is not read */
    stage_restart(stage);
    purchase = purchase_of(TERMINAL_A, 13, CARD);
    stage_expect_refusal(stage, &purchase, "61");
}

static void test_what_came_back_from_the_log_gives_back_once(void **state)
{
    struct stage *stage = *state; /* remembers eight transactions */
    use_limits(stage, "limits:\n  - {name: ten, per: merchant, day_count_max: 10}\n");
    uint32_t sale = stage_approved(stage, PAYMENT_PURCHASE, 11);
    struct payment cancel = stage_follow_up(stage, PAYMENT_VOID, sale, 30);
    for (uint32_t stan = 12; stan < 21; stan++) { /* evict it: ten in all */
        stage_approved(stage, PAYMENT_PURCHASE, stan);
    }
    struct payment more = stage_purchase(TERMINAL_A, 21);
    stage_expect_refusal(stage, &more, "65");
    stage_expect_answer(stage, &cancel, "00");
    more = stage_purchase(TERMINAL_A, 31);
    stage_expect_answer(stage, &more, "00");
    more = stage_purchase(TERMINAL_A, 32);
    stage_expect_refusal(stage, &more, "65");
}

static void test_a_pre_authorisation_is_held_and_its_completion_counts(void **state)
{
    struct stage *stage = *state;
    use_limits(stage, "limits:\n  - {name: sum, per: card, day_amount_max: 200.00}\n");
    uint32_t authorised = stage_approved(stage, PAYMENT_PREAUTH, 11);
    assert_int_equal(stage_last_record(stage, RECORD_INTENT)->usage_minor, 0);
    struct payment capture = stage_follow_up(stage, PAYMENT_CAPTURE, authorised, 12);
    stage_expect_answer(stage, &capture, "00");
    assert_int_equal(stage_last_record(stage, RECORD_INTENT)->usage_minor, 12345);
    struct payment another = stage_payment(PAYMENT_PREAUTH, TERMINAL_A, 13);
    another.amount = (struct money){12345, MONEY_CNY};
    stage_set_card(&another, CARD);
    stage_expect_refusal(stage, &another, "61"); /* 123.45 are taken */
}

static int64_t card_day(const struct stage *stage, const struct payment *payment)
{
    struct limit_use uses[LIMIT_SCOPE_COUNT];
    engine_usage(stage->engine, payment, uses);
    return uses[LIMIT_CARD].day_minor;
}

/* What was counted before it went is a part of the day, which tells less than nothing. */
static void test_a_limit_that_comes_again_begins_at_zero_until_a_restart(void **state)
{
    struct stage *stage = *state;
    use_limits(stage, CARD_A_DAY);
    struct payment purchase = purchase_of(TERMINAL_A, 11, CARD); /* 123.45 each */
    stage_expect_answer(stage, &purchase, "00");
    assert_int_equal(card_day(stage, &purchase), 12345);
    use_limits(stage, "limits:\n  - {name: one, per: terminal, day_count_max: 9}\n");
    purchase = purchase_of(TERMINAL_A, 12, CARD);
    stage_expect_answer(stage, &purchase, "00");
    use_limits(stage, CARD_A_DAY);
    assert_int_equal(card_day(stage, &purchase), 0);
    purchase = purchase_of(TERMINAL_A, 13, CARD);
    stage_expect_answer(stage, &purchase, "00");
    assert_int_equal(card_day(stage, &purchase), 12345);
    stage_restart(stage); /* which reads all of the day */
    assert_int_equal(card_day(stage, &purchase), 3 * 12345);
}

static void test_the_table_is_full_and_nothing_uncounted_passes(void **state)
{
    struct stage *stage = *state;
    stage->limits.usage_count_max = 2; /* the merchant and one card */
    stage_restart(stage);
    use_limits(stage, CARD_A_DAY);
    struct payment purchase = purchase_of(TERMINAL_A, 11, CARD);
    stage_expect_answer(stage, &purchase, "00");
    purchase = purchase_of(TERMINAL_A, 12, OTHER_CARD);
    stage_expect_refusal(stage, &purchase, "96");
    assert_int_equal(stage_last_record(stage, RECORD_REFUSED)->reason, TXN_REASON_USAGE_FULL);
    purchase = purchase_of(TERMINAL_A, 13, CARD); /* this one is counted already */
    stage_expect_answer(stage, &purchase, "00");
    stage_pass(stage, DAY_NS); /* yesterday's card gives way */
    purchase = purchase_of(TERMINAL_A, 14, OTHER_CARD);
    stage_expect_answer(stage, &purchase, "00");
    assert_int_equal(stage_counts(stage).usage_lost, 0);
}

static void test_an_advice_that_cannot_be_counted_is_taken_and_told(void **state)
{
    struct stage *stage = *state;
    stage->limits.usage_count_max = 1; /* the merchant */
    stage_restart(stage);
    use_limits(stage, CARD_A_DAY);
    struct payment sale = stage_payment(PAYMENT_OFFLINE_SALE, TERMINAL_A, 11);
    sale.amount = (struct money){12345, MONEY_CNY};
    stage_set_card(&sale, CARD);
    uint32_t replies = stage->reply_count;
    stage_ask(stage, &sale);
    stage_expect_reply(stage, replies + 1, "00");
    uint32_t day = stage_last_record(stage, RECORD_ADVICE)->usage_day;
    assert_int_equal(stage_counts(stage).usage_lost, 1);
    assert_int_equal(stage_counts(stage).usage_lost_day, day);
    assert_int_equal(stage_counts(stage).usage_lost_month, 0); /* no month of a card is kept */
    stage_restart(stage);
    assert_int_equal(stage_counts(stage).usage_lost_day, day);
    stage->wall_us += 24 * 3600 * INT64_C(1000000);
    stage_restart(stage); /* what is over is no loss */
    assert_int_equal(stage_counts(stage).usage_lost_day, 0);
    assert_int_equal(stage_counts(stage).usage_lost, 0);
}

static void test_a_merchant_crosses_a_tier_and_a_restart_knows_it(void **state)
{
    static const char TIERS[] = "plans:\n"
                                "  plain:\n"
                                "    rules:\n"
                                "      - {month_max: 200.00, rate: 1.00%}\n"
                                "      - {month_min: 200.01, rate: 0.50%}\n"
                                "cost:\n"
                                "  - {issuer_fee: {rate: 0.10%}, scheme_fee: {rate: 0.05%}}\n";
    struct stage *stage = *state;
    stage_use_rules(stage, &(struct stage_rules){.fees = TIERS});
    stage_approved(stage, PAYMENT_PURCHASE, 11); /* with 0 before it */
    assert_int_equal(stage_last_record(stage, RECORD_INTENT)->merchant_fee, 123);
    uint32_t second = stage_approved(stage, PAYMENT_PURCHASE, 12); /* with 123.45 */
    assert_int_equal(stage_last_record(stage, RECORD_INTENT)->merchant_fee, 123);
    stage_approved(stage, PAYMENT_PURCHASE, 13); /* with 246.90 */
    assert_int_equal(stage_last_record(stage, RECORD_INTENT)->merchant_fee, 62);
    assert_non_null(strstr(stage_last_record(stage, RECORD_INTENT)->fee_basis, " 24690"));
    stage_restart(stage);
    stage_approved(stage, PAYMENT_PURCHASE, 14);
    assert_int_equal(stage_last_record(stage, RECORD_INTENT)->merchant_fee, 62);
    struct payment refund = stage_follow_up(stage, PAYMENT_REFUND, second, 15);
    stage_expect_answer(stage, &refund, "00"); /* the tier is of what was taken */
    stage_approved(stage, PAYMENT_PURCHASE, 16);
    assert_int_equal(stage_last_record(stage, RECORD_INTENT)->merchant_fee, 62);
    stage_pass(stage, 7 * DAY_NS); /* December */
    stage_sign_on(stage, TERMINAL_A);
    stage_approved(stage, PAYMENT_PURCHASE, 17);
    assert_int_equal(stage_last_record(stage, RECORD_INTENT)->merchant_fee, 123);
}

static struct black_list *list_of(enum black_list_kind kind, const char *key, const char *code)
{
    struct black_list *list = black_list_create(1);
    struct black_list_row row = {.kind = (uint8_t)kind,
                                 .from_day = INT32_MIN,
                                 .until_day = INT32_MAX,
                                 .line = 2,
                                 .reason = "stolen in Suzhou"};
    const struct black_list_row *fault, *first;
    assert_non_null(list);
    assert_int_equal(black_list_key_read(&row, key), STATUS_OK);
    memcpy(row.response_code, code, strlen(code));
    assert_int_equal(black_list_add(list, &row), STATUS_OK);
    assert_int_equal(black_list_freeze(list, &fault, &first), STATUS_OK);
    return list;
}

static void test_a_listed_card_is_refused_and_may_still_be_paid_back(void **state)
{
    struct stage *stage = *state;
    uint32_t sale = stage_approved(stage, PAYMENT_PURCHASE, 11);
    char hash[33];
    struct payment purchase = purchase_of(TERMINAL_A, 12, CARD);
    for (uint32_t i = 0; i < 16; i++) {
        static const char HEX[] = "0123456789abcdef";
        hash[2 * i] = HEX[purchase.pan_hash.bytes[i] >> 4];
        hash[2 * i + 1] = HEX[purchase.pan_hash.bytes[i] & 15];
    }
    hash[32] = '\0';
    struct stage_rules rules = {.black_list = list_of(BLACK_LIST_CARD_HASH, hash, "")};
    stage_use_rules(stage, &rules);
    stage_expect_refusal(stage, &purchase, "62");
    const struct record *refused = stage_last_record(stage, RECORD_REFUSED);
    assert_int_equal(refused->reason, TXN_REASON_CARD_LISTED);
    assert_int_equal(refused->route_rule, 2);
    purchase = purchase_of(TERMINAL_A, 13, OTHER_CARD);
    stage_expect_answer(stage, &purchase, "00");
    struct payment refund = stage_follow_up(stage, PAYMENT_REFUND, sale, 14);
    stage_expect_answer(stage, &refund, "00");
}

static void test_a_list_may_name_its_own_answer(void **state)
{
    struct stage *stage = *state;
    struct stage_rules rules = {.black_list = list_of(BLACK_LIST_MERCHANT, MERCHANT, "57")};
    stage_use_rules(stage, &rules);
    struct payment purchase = stage_purchase(TERMINAL_A, 11);
    stage_expect_refusal(stage, &purchase, "57");
    assert_int_equal(stage_last_record(stage, RECORD_REFUSED)->reason, TXN_REASON_MERCHANT_LISTED);
    stage_restart(stage); /* and a copy gets the same */
    uint32_t replies = stage->reply_count;
    stage_ask(stage, &purchase);
    stage_expect_reply(stage, replies + 1, "57");
}

#define ON_STAGE(test) cmocka_unit_test_setup_teardown(test, stage_set_up, stage_tear_down)
#define ON_SMALL(test) cmocka_unit_test_setup_teardown(test, stage_set_up_small, stage_tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        ON_STAGE(test_a_card_takes_up_its_day_and_another_card_does_not_care),
        ON_STAGE(test_a_repeat_is_answered_and_not_counted_again),
        ON_STAGE(test_in_flight_counts_and_declined_does_not),
        ON_STAGE(test_unknown_counts_until_its_reversal_is_acknowledged),
        ON_STAGE(test_a_terminals_own_reversal_gives_back),
        ON_STAGE(test_a_void_gives_back_and_a_refund_does_not),
        ON_STAGE(test_a_void_after_midnight_is_taken_off_the_day_before),
        ON_STAGE(test_a_restart_keeps_what_was_taken),
        ON_STAGE(test_a_restart_of_a_sealed_log_keeps_it_too),
        ON_SMALL(test_what_came_back_from_the_log_gives_back_once),
        ON_STAGE(test_a_pre_authorisation_is_held_and_its_completion_counts),
        ON_STAGE(test_a_limit_that_comes_again_begins_at_zero_until_a_restart),
        ON_STAGE(test_the_table_is_full_and_nothing_uncounted_passes),
        ON_STAGE(test_an_advice_that_cannot_be_counted_is_taken_and_told),
        ON_STAGE(test_a_merchant_crosses_a_tier_and_a_restart_knows_it),
        ON_STAGE(test_a_listed_card_is_refused_and_may_still_be_paid_back),
        ON_STAGE(test_a_list_may_name_its_own_answer),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
