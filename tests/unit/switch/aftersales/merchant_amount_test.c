/* The signals of a merchant's amounts: each at its threshold and just below. */
#include "switch/aftersales/merchant_amount.h"

#include "tests/unit/switch/aftersales/merchant_stage.h"

#define YUAN INT64_C(100)

static struct merchant_stage stage;

static int begin(void **state)
{
    (void)state;
    stage_begin(&stage);
    return 0;
}

/* --- C3 unusual amounts --------------------------------------------------------------------- */

static void test_c3_above_the_registered_single_limit(void **state)
{
    (void)state;
    stage.facts.single_max_minor = 20000 * YUAN;
    stage_sell_strangers(&stage, 1, 20000 * YUAN);
    assert_int_equal(stage.sink.count, 0);
    stage_sell_strangers(&stage, 1, 20000 * YUAN + 1);
    const struct flag *flag = stage_flag(&stage, SIGNAL_AMOUNT_UNUSUAL);
    assert_int_equal(flag->value, 20000 * YUAN + 1);
    assert_int_equal(flag->threshold, 20000 * YUAN);
    assert_int_equal(flag->window_begin_us, flag->window_end_us);
}

static void test_c3_five_times_the_own_percentile(void **state)
{
    (void)state;
    stage_live(&stage, 10, 0); /* 200 sales of 123.45 */
    int64_t usual = amount_sketch_percentile(&stage.merchant.amounts, 990);
    assert_in_range(usual, 12345, 12345 * 5 / 4);
    stage_sell_strangers(&stage, 1, 5 * usual);
    assert_int_equal(stage.sink.count, 0);
    stage_sell_strangers(&stage, 1, 5 * usual + 1);
    assert_int_equal(stage_flag(&stage, SIGNAL_AMOUNT_UNUSUAL)->threshold, 5 * usual);
}

static void test_c3_a_new_merchant_has_no_usual_amount(void **state)
{
    (void)state;
    stage_live(&stage, 6, 0);
    stage_sell_strangers(&stage, 1, 99999 * YUAN);
    stage_begin(&stage);
    for (int i = 0; i < 20; i++, stage.day++) { /* many days, few amounts */
        stage_sell_strangers(&stage, 4, 12345);
    }
    stage_sell_strangers(&stage, 1, 99999 * YUAN);
    assert_int_equal(stage_count(&stage, SIGNAL_AMOUNT_UNUSUAL), 0);
}

static void test_other_currencies_are_counted_and_not_weighed(void **state)
{
    (void)state;
    stage.facts.single_max_minor = 100;
    stage.facts.month_minor = 100;
    for (int i = 0; i < 20; i++) {
        struct observation *row = stage_row(&stage);
        row->currency = 392;
        row->amount_minor = 5000 * YUAN;
        stage_see(&stage, NULL);
    }
    assert_int_equal(stage.sink.count, 0);
    assert_int_equal(merchant_tally_week(&stage.merchant).sales, 20);
}

/* --- C4 round amounts ----------------------------------------------------------------------- */

static void test_what_a_round_amount_is(void **state)
{
    (void)state;
    assert_true(merchant_amount_is_round(1000 * YUAN));
    assert_true(merchant_amount_is_round(888 * YUAN));
    assert_true(merchant_amount_is_round(2888 * YUAN));
    assert_false(merchant_amount_is_round(0));
    assert_false(merchant_amount_is_round(500 * YUAN));
    assert_false(merchant_amount_is_round(1000 * YUAN + 1));
    assert_false(merchant_amount_is_round(880 * YUAN));
}

static void test_c4_more_than_six_of_ten(void **state)
{
    (void)state;
    stage_sell_strangers(&stage, 4, 12345);
    stage_sell_strangers(&stage, 6, 2000 * YUAN);
    assert_int_equal(stage_count(&stage, SIGNAL_ROUND_AMOUNTS), 0);
    stage_sell_strangers(&stage, 1, 2000 * YUAN);
    assert_int_equal(stage_flag(&stage, SIGNAL_ROUND_AMOUNTS)->value, 636);
}

static void test_c4_nine_payments_are_too_few(void **state)
{
    (void)state;
    stage_sell_strangers(&stage, 9, 2000 * YUAN);
    stage.day++;
    stage_sell_strangers(&stage, 9, 2000 * YUAN);
    assert_int_equal(stage_count(&stage, SIGNAL_ROUND_AMOUNTS), 0);
    stage_sell_strangers(&stage, 1, 2000 * YUAN);
    assert_int_equal(stage_count(&stage, SIGNAL_ROUND_AMOUNTS), 1);
}

/* --- C14 category --------------------------------------------------------------------------- */

static void test_c14_the_most_of_a_category(void **state)
{
    (void)state;
    static const struct {
        const char *mcc;
        int64_t most_minor;
    } ROWS[] = {{"5499", 5000 * YUAN},
                {"5814", 5000 * YUAN},
                {"5411", 30000 * YUAN},
                {"5812", 30000 * YUAN}};
    for (size_t i = 0; i < COUNT_OF(ROWS); i++) {
        stage_begin(&stage);
        memcpy(stage.facts.mcc, ROWS[i].mcc, 5);
        stage_sell_strangers(&stage, 1, ROWS[i].most_minor);
        assert_int_equal(stage.sink.count, 0);
        stage_sell_strangers(&stage, 1, ROWS[i].most_minor + 1);
        assert_int_equal(stage_flag(&stage, SIGNAL_AMOUNT_FOR_MCC)->threshold, ROWS[i].most_minor);
    }
    stage_begin(&stage);
    memcpy(stage.facts.mcc, "5944", 5); /* a jeweller */
    stage_sell_strangers(&stage, 1, 300000 * YUAN);
    assert_int_equal(stage.sink.count, 0);
}

/* --- C15 turnover --------------------------------------------------------------------------- */

static void test_c15_of_the_registered_turnover(void **state)
{
    (void)state;
    stage.facts.month_minor = 100000 * YUAN;
    stage_sell_strangers(&stage, 8, 9999 * YUAN);
    stage_sell_strangers(&stage, 1, 8 * YUAN);
    assert_int_equal(stage.sink.count, 0);
    stage_sell_strangers(&stage, 1, 1001 * YUAN);
    const struct flag *flag = stage_flag(&stage, SIGNAL_TURNOVER_JUMP);
    assert_int_equal(flag->value, 81);
    assert_int_equal(flag->threshold, 80);
}

/* Three months of `mean_yuan` each, sold in their middle, and the last day of the fourth, in which
 * nothing was sold yet.
 */
static void live_months(int64_t mean_yuan)
{
    stage_ask_balance(&stage, 1);
    for (int32_t i = 0; i < 3; i++) {
        stage.day += MERCHANT_MONTH_DAYS / 2;
        stage_sell_strangers(&stage, 10, mean_yuan / 10 * YUAN);
        stage.day += MERCHANT_MONTH_DAYS / 2;
    }
    stage.day += MERCHANT_MONTH_DAYS - 1;
}

static void test_c15_three_times_the_mean_of_three_months(void **state)
{
    (void)state;
    live_months(40010);
    stage_sell_strangers(&stage, 30, 4001 * YUAN);
    assert_int_equal(stage_count(&stage, SIGNAL_TURNOVER_JUMP), 0);
    stage_sell_strangers(&stage, 1, 1201 * YUAN);
    const struct flag *flag = stage_flag(&stage, SIGNAL_TURNOVER_JUMP);
    assert_int_equal(flag->value, 303);
    assert_int_equal(flag->severity, 2);
}

static void test_c15_six_times_is_urgent(void **state)
{
    (void)state;
    live_months(40010);
    stage_sell_strangers(&stage, 1, 6 * 40010 * YUAN);
    assert_int_equal(stage_flag(&stage, SIGNAL_TURNOVER_JUMP)->severity, 2);
    stage_begin(&stage);
    live_months(40010);
    stage_sell_strangers(&stage, 1, 6 * 40010 * YUAN + 1);
    assert_int_equal(stage_flag(&stage, SIGNAL_TURNOVER_JUMP)->severity, 3);
}

static void test_c15_small_months_jump_easily(void **state)
{
    (void)state;
    live_months(1230);
    stage_sell_strangers(&stage, 1, 50000 * YUAN);
    assert_int_equal(stage_count(&stage, SIGNAL_TURNOVER_JUMP), 0);
    stage_sell_strangers(&stage, 1, 1);
    assert_int_equal(stage_count(&stage, SIGNAL_TURNOVER_JUMP), 1);
}

/* Three times the business from the sixteenth on until the fifteenth: of neither calendar month is
 * it much, of thirty days it is. */
static void test_c15_sees_a_jump_across_a_months_end(void **state)
{
    (void)state;
    int32_t begins = stage.day + MERCHANT_BEFORE_DAYS + 15;
    for (int32_t day = 0; day < begins + 40 - STAGE_DAY; day++) {
        bool is_high = stage.day >= begins && stage.day < begins + MERCHANT_MONTH_DAYS;
        stage_sell_strangers(&stage, 1, (is_high ? 7000 : 2000) * YUAN);
        stage.day++;
    }
    const struct flag *flag = stage_flag(&stage, SIGNAL_TURNOVER_JUMP);
    assert_int_equal(flag->threshold, 300);
    assert_true(flag->value > 300);
    assert_true(flag->window_end_us - flag->window_begin_us > INT64_C(29) * 86400 * 1000000);
    assert_true(flag->window_end_us - flag->window_begin_us < INT64_C(30) * 86400 * 1000000);
}

static void test_c15_registered_turnover_is_of_any_thirty_days(void **state)
{
    (void)state;
    stage.facts.month_minor = 100000 * YUAN;
    stage.day += 25; /* 26 January */
    stage_sell_strangers(&stage, 5, 9000 * YUAN);
    stage.day += 10; /* 5 February */
    stage_sell_strangers(&stage, 3, 9000 * YUAN);
    assert_int_equal(stage_count(&stage, SIGNAL_TURNOVER_JUMP), 0);
    stage_sell_strangers(&stage, 1, 9000 * YUAN);
    assert_int_equal(stage_flag(&stage, SIGNAL_TURNOVER_JUMP)->value, 81);
}

/* The sum of a month stays where it is. */
static void test_c15_tells_of_a_month_once(void **state)
{
    (void)state;
    stage.facts.month_minor = 100000 * YUAN;
    stage_sell_strangers(&stage, 9, 9999 * YUAN);
    assert_int_equal(stage_count(&stage, SIGNAL_TURNOVER_JUMP), 1);
    stage.day += 20;
    stage_sell_strangers(&stage, 2, 8 * YUAN);
    assert_int_equal(stage_count(&stage, SIGNAL_TURNOVER_JUMP), 1);
    stage.day += 20; /* the first is forgotten, and so is what was said of it */
    stage_sell_strangers(&stage, 9, 9999 * YUAN);
    assert_int_equal(stage_count(&stage, SIGNAL_TURNOVER_JUMP), 2);
}

static void test_c15_that_becomes_urgent_is_told_again(void **state)
{
    (void)state;
    live_months(40010);
    stage_sell_strangers(&stage, 1, 4 * 40010 * YUAN);
    assert_int_equal(stage_count(&stage, SIGNAL_TURNOVER_JUMP), 1);
    stage.day += 10;
    stage_sell_strangers(&stage, 1, 1 * 40010 * YUAN);
    assert_int_equal(stage_count(&stage, SIGNAL_TURNOVER_JUMP), 1);
    stage_sell_strangers(&stage, 1, 2 * 40010 * YUAN);
    assert_int_equal(stage_count(&stage, SIGNAL_TURNOVER_JUMP), 2);
}

/* --- C16 cashing out ------------------------------------------------------------------------ */

static void sell_by_credit(uint32_t count, int64_t amount_minor, struct card_state *card)
{
    for (uint32_t i = 0; i < count; i++) {
        struct card_state other = {0};
        struct observation *row = stage_row(&stage);
        row->amount_minor = amount_minor + (card != NULL ? 100 * (int64_t)stage.position : 0);
        row->card_credit = 1;
        stage_see(&stage, card != NULL ? card : &other);
    }
}

static void test_c16_large_round_and_by_credit(void **state)
{
    (void)state;
    for (int i = 0; i < 3; i++, stage.day++) {
        sell_by_credit(3, 6000 * YUAN, NULL);
    }
    assert_int_equal(stage.sink.count, 0);
    sell_by_credit(1, 6000 * YUAN, NULL);
    const struct flag *flag = stage_flag(&stage, SIGNAL_CASH_OUT);
    assert_int_equal(flag->value, 6000 * YUAN);
    assert_int_equal(flag->threshold, 5000 * YUAN);
    assert_int_equal(flag->severity, 3);
}

static void test_c16_by_cards_that_come_back(void **state)
{
    (void)state;
    for (int i = 0; i < 5; i++, stage.day++) {
        sell_by_credit(2, 5123 * YUAN, &stage.card);
    }
    assert_int_equal(stage_count(&stage, SIGNAL_CASH_OUT), 1);
}

static void test_c16_a_jeweller_is_none(void **state)
{
    (void)state;
    sell_by_credit(50, 12345 * YUAN, NULL); /* large, by credit; neither round nor the same cards */
    stage.day += 7;
    sell_by_credit(50, 5000 * YUAN, NULL); /* round; the mean is not passed */
    stage.day += 7;
    sell_by_credit(18, 6000 * YUAN, NULL);
    assert_int_equal(stage_count(&stage, SIGNAL_CASH_OUT), 1);
    stage_begin(&stage);
    for (int i = 0; i < 9; i++) { /* nine of ten by credit */
        struct observation *row = stage_row(&stage);
        row->amount_minor = 6000 * YUAN;
        row->card_credit = i == 0 ? 2 : 1;
        stage_see(&stage, NULL);
    }
    sell_by_credit(1, 6000 * YUAN, NULL);
    assert_int_equal(stage_count(&stage, SIGNAL_CASH_OUT), 0);
    sell_by_credit(1, 6000 * YUAN, NULL);
    assert_int_equal(stage_count(&stage, SIGNAL_CASH_OUT), 1);
}

/* --- C23 new merchants ---------------------------------------------------------------------- */

/* Peers of category 5999 that turn over 1,000 yuan a day each. */
static void add_peers(uint32_t count)
{
    for (uint32_t i = 0; i < count; i++) {
        struct merchant_stage peer;
        stage_begin(&peer);
        peer.day = stage.day;
        peer.peers = stage.peers;
        peer.facts.since_day = STAGE_DAY - 1000;
        stage_sell_strangers(&peer, 10, 100 * YUAN);
        peer.day++;
        stage_hour(&peer);
        assert_int_equal(peer.sink.count, 0);
        stage.peers = peer.peers;
    }
}

static void live_as_new(uint32_t peer_count, int64_t day_yuan)
{
    stage.facts.since_day = STAGE_DAY - 10;
    for (int i = 0; i < 6; i++) {
        add_peers(peer_count);
        stage_sell_strangers(&stage, 10, day_yuan / 10 * YUAN);
        stage.day++;
        stage_hour(&stage);
    }
}

static void test_c23_more_than_twice_its_peers(void **state)
{
    (void)state;
    live_as_new(20, 2000);
    assert_int_equal(stage_count(&stage, SIGNAL_NEW_MERCHANT), 0);
    stage_begin(&stage);
    live_as_new(20, 2030);
    const struct flag *flag = stage_flag(&stage, SIGNAL_NEW_MERCHANT);
    assert_int_equal(flag->value, 203);
    assert_int_equal(flag->threshold, 200);
}

static void test_c23_few_peers_or_none_say_nothing(void **state)
{
    (void)state;
    live_as_new(19, 9000);
    assert_int_equal(stage_count(&stage, SIGNAL_NEW_MERCHANT), 0);
    stage_begin(&stage);
    live_as_new(0, 9000);
    assert_int_equal(stage_count(&stage, SIGNAL_NEW_MERCHANT), 0);
}

static void test_c23_what_was_registered_is_no_surprise(void **state)
{
    (void)state;
    stage.facts.month_minor = 9000 * 30 * YUAN;
    live_as_new(20, 9000);
    assert_int_equal(stage_count(&stage, SIGNAL_NEW_MERCHANT), 0);
    stage_begin(&stage);
    stage.facts.month_minor = 9000 * 30 * YUAN;
    live_as_new(20, 9010);
    assert_int_equal(stage_count(&stage, SIGNAL_NEW_MERCHANT), 1);
}

static void test_c23_after_half_a_year_it_is_a_peer(void **state)
{
    (void)state;
    add_peers(20);
    stage.facts.since_day = STAGE_DAY - 179;
    stage_sell_strangers(&stage, 10, 900 * YUAN);
    stage.day++;
    stage_hour(&stage); /* 180 days old now: it is one of them */
    uint32_t count;
    (void)peer_state_mean(&stage.peers, "5999", stage.day, &count);
    assert_int_equal(count, 21);
    assert_int_equal(stage.sink.count, 0);
}

/* --- C24 structuring ------------------------------------------------------------------------ */

static void test_c24_five_just_below_the_registered_limit(void **state)
{
    (void)state;
    stage.facts.single_max_minor = 20000 * YUAN;
    stage_sell_strangers(&stage, 4, 19999 * YUAN);
    stage_sell_strangers(&stage, 10, 18999 * YUAN);
    assert_int_equal(stage.sink.count, 0);
    stage_sell_strangers(&stage, 1, 19000 * YUAN + 1);
    const struct flag *flag = stage_flag(&stage, SIGNAL_STRUCTURING);
    assert_int_equal(flag->value, 5);
    assert_int_equal(flag->evidence_count, 5);
}

static void test_c24_where_no_limit_is_registered(void **state)
{
    (void)state;
    stage_sell_strangers(&stage, 5, 47499 * YUAN);
    assert_int_equal(stage.sink.count, 0);
    stage_sell_strangers(&stage, 5, 49999 * YUAN);
    assert_int_equal(stage_count(&stage, SIGNAL_STRUCTURING), 1);
}

static void test_c24_on_other_days_or_among_many_they_are_chance(void **state)
{
    (void)state;
    stage.facts.single_max_minor = 20000 * YUAN;
    for (int i = 0; i < 10; i++, stage.day++) {
        stage_sell_strangers(&stage, 4, 19999 * YUAN);
    }
    stage.day++;
    stage_sell_strangers(&stage, 20, 123 * YUAN);
    stage_sell_strangers(&stage, 5, 19999 * YUAN);
    assert_int_equal(stage_count(&stage, SIGNAL_STRUCTURING), 0); /* a fifth is not passed */
    stage_sell_strangers(&stage, 1, 19999 * YUAN);
    assert_int_equal(stage_count(&stage, SIGNAL_STRUCTURING), 1);
}

static void test_a_window_of_another_length_begins_anew(void **state)
{
    (void)state;
    stage.facts.single_max_minor = 20000 * YUAN;
    stage_sell_strangers(&stage, 4, 19999 * YUAN);
    stage.rules.items[SIGNAL_STRUCTURING].numbers[NUMBER_STRUCTURING_WINDOW] = 604800;
    stage_sell_strangers(&stage, 4, 19999 * YUAN);
    assert_int_equal(stage_count(&stage, SIGNAL_STRUCTURING), 0);
    stage.day += 3;
    stage_sell_strangers(&stage, 1, 19999 * YUAN);
    assert_int_equal(stage_flag(&stage, SIGNAL_STRUCTURING)->value, 5);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(test_c3_above_the_registered_single_limit, begin),
        cmocka_unit_test_setup(test_c3_five_times_the_own_percentile, begin),
        cmocka_unit_test_setup(test_c3_a_new_merchant_has_no_usual_amount, begin),
        cmocka_unit_test_setup(test_other_currencies_are_counted_and_not_weighed, begin),
        cmocka_unit_test_setup(test_what_a_round_amount_is, begin),
        cmocka_unit_test_setup(test_c4_more_than_six_of_ten, begin),
        cmocka_unit_test_setup(test_c4_nine_payments_are_too_few, begin),
        cmocka_unit_test_setup(test_c14_the_most_of_a_category, begin),
        cmocka_unit_test_setup(test_c15_of_the_registered_turnover, begin),
        cmocka_unit_test_setup(test_c15_three_times_the_mean_of_three_months, begin),
        cmocka_unit_test_setup(test_c15_six_times_is_urgent, begin),
        cmocka_unit_test_setup(test_c15_small_months_jump_easily, begin),
        cmocka_unit_test_setup(test_c15_sees_a_jump_across_a_months_end, begin),
        cmocka_unit_test_setup(test_c15_registered_turnover_is_of_any_thirty_days, begin),
        cmocka_unit_test_setup(test_c15_tells_of_a_month_once, begin),
        cmocka_unit_test_setup(test_c15_that_becomes_urgent_is_told_again, begin),
        cmocka_unit_test_setup(test_c16_large_round_and_by_credit, begin),
        cmocka_unit_test_setup(test_c16_by_cards_that_come_back, begin),
        cmocka_unit_test_setup(test_c16_a_jeweller_is_none, begin),
        cmocka_unit_test_setup(test_c23_more_than_twice_its_peers, begin),
        cmocka_unit_test_setup(test_c23_few_peers_or_none_say_nothing, begin),
        cmocka_unit_test_setup(test_c23_what_was_registered_is_no_surprise, begin),
        cmocka_unit_test_setup(test_c23_after_half_a_year_it_is_a_peer, begin),
        cmocka_unit_test_setup(test_c24_five_just_below_the_registered_limit, begin),
        cmocka_unit_test_setup(test_c24_where_no_limit_is_registered, begin),
        cmocka_unit_test_setup(test_c24_on_other_days_or_among_many_they_are_chance, begin),
        cmocka_unit_test_setup(test_a_window_of_another_length_begins_anew, begin),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
