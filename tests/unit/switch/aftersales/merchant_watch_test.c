/* The signals of a merchant that are counts: each at its threshold and just below. */
#include "switch/aftersales/merchant_watch.h"

#include "tests/unit/switch/aftersales/merchant_stage.h"

static struct merchant_stage stage;

static int begin(void **state)
{
    (void)state;
    stage_begin(&stage);
    return 0;
}

/* --- C1 balance enquiries ------------------------------------------------------------------- */

static void test_c1_wants_fifteen_and_four_times_the_mean(void **state)
{
    (void)state;
    stage_live(&stage, 10, 2);
    stage_ask_balance(&stage, 14);
    assert_int_equal(stage.sink.count, 0);
    stage_ask_balance(&stage, 1);
    const struct flag *flag = stage_flag(&stage, SIGNAL_BALANCE_ENQUIRIES);
    assert_int_equal(flag->value, 15);
    assert_int_equal(flag->threshold, 15);
    assert_int_equal(flag->severity, 2);
    assert_int_equal(flag->evidence_count, 8);
    assert_int_equal(flag->evidence[7], stage.position);
    assert_int_equal(flag->evidence[0], stage.position - 7);
    assert_string_equal(flag->subject_id, "104110050000001");
    /* The day of China begins at 16:00 of UTC. */
    assert_int_equal(flag->window_begin_us,
                     ((int64_t)(STAGE_DAY + 10) * 86400 - 8 * 3600) * 1000000);
}

static void test_c1_of_a_merchant_that_always_asks_much(void **state)
{
    (void)state;
    stage_live(&stage, 10, 5);
    stage_ask_balance(&stage, 20);
    assert_int_equal(stage.sink.count, 0);
    stage_ask_balance(&stage, 1);
    assert_int_equal(stage_flag(&stage, SIGNAL_BALANCE_ENQUIRIES)->value, 21);
}

static void test_c1_says_nothing_before_seven_days_of_history(void **state)
{
    (void)state;
    stage_live(&stage, 6, 0);
    stage_ask_balance(&stage, 100);
    assert_int_equal(stage.sink.count, 0);
}

static void test_a_count_of_the_day_ends_at_midnight_in_china(void **state)
{
    (void)state;
    stage_live(&stage, 10, 0);
    stage.minute = 1439;
    stage_ask_balance(&stage, 14);
    stage.day++;
    stage.minute = 0;
    stage_ask_balance(&stage, 14);
    assert_int_equal(stage.sink.count, 0);
}

/* --- C2 same card --------------------------------------------------------------------------- */

static void test_c2_three_of_the_same_amount(void **state)
{
    (void)state;
    stage_sell(&stage, 500);
    stage_sell(&stage, 600);
    stage_sell(&stage, 500);
    assert_int_equal(stage.sink.count, 0);
    stage_sell(&stage, 500);
    const struct flag *flag = stage_flag(&stage, SIGNAL_SAME_CARD);
    assert_int_equal(flag->value, 3);
    assert_int_equal(flag->threshold, 3);
    assert_int_equal(flag->evidence_count, 3);
    assert_int_equal(flag->evidence[0], 2);
    assert_int_equal(flag->evidence[2], 4);
}

static void test_c2_eight_of_any_amount(void **state)
{
    (void)state;
    for (int64_t i = 0; i < 7; i++) {
        stage_sell(&stage, 500 + i);
    }
    assert_int_equal(stage.sink.count, 0);
    stage_sell(&stage, 900);
    assert_int_equal(stage_flag(&stage, SIGNAL_SAME_CARD)->value, 8);
}

static void test_c2_what_was_voided_reversed_or_of_yesterday_is_not_counted(void **state)
{
    (void)state;
    stage_sell(&stage, 500);
    stage.day++;
    stage_sell(&stage, 500);
    stage_sell(&stage, 500);
    stage_row(&stage)->payment_kind = PAYMENT_VOID;
    stage.seen.amount_minor = 500;
    stage_see(&stage, &stage.card);
    stage_sell(&stage, 500);
    struct observation *row = stage_row(&stage);
    row->kind = OBSERVATION_REVERSED;
    row->detail = OBSERVED_BY_TERMINAL;
    row->amount_minor = 500;
    stage_see(&stage, &stage.card);
    stage_sell(&stage, 500);
    stage_decline(&stage, "05");
    assert_int_equal(stage.sink.count, 0);
}

/* --- C5 odd hours --------------------------------------------------------------------------- */

static void sell_at(uint16_t minute, uint32_t count)
{
    stage.minute = minute;
    stage_sell_strangers(&stage, count, 12345);
}

static void test_c5_five_outside_registered_hours(void **state)
{
    (void)state;
    stage.facts.opens_minute = 9 * 60;
    stage.facts.closes_minute = 21 * 60;
    sell_at(8 * 60 + 30, 20); /* within the grace before and after */
    sell_at(21 * 60 + 30, 20);
    sell_at(21 * 60 + 31, 4);
    assert_int_equal(stage.sink.count, 0);
    sell_at(21 * 60 + 31, 1);
    assert_int_equal(stage_flag(&stage, SIGNAL_ODD_HOURS)->value, 5);
}

static void test_c5_hours_over_midnight_and_round_the_clock(void **state)
{
    (void)state;
    stage.facts.opens_minute = 18 * 60;
    stage.facts.closes_minute = 2 * 60;
    sell_at(60, 20);
    sell_at(23 * 60, 20);
    stage.day++;
    stage.facts.opens_minute = 1;
    stage.facts.closes_minute = 1;
    sell_at(4 * 60, 20);
    assert_int_equal(stage.sink.count, 0);
    stage.day++;
    stage.facts.opens_minute = 18 * 60;
    stage.facts.closes_minute = 2 * 60;
    sell_at(4 * 60, 5);
    assert_int_equal(stage_count(&stage, SIGNAL_ODD_HOURS), 1);
}

static void test_c5_without_registered_hours_asks_the_history(void **state)
{
    (void)state;
    sell_at(180, 50); /* new: nobody knows its nights */
    stage.minute = STAGE_NOON;
    stage.day += 40;
    stage_live(&stage, 10, 0);
    sell_at(119, 9);
    sell_at(180, 4);
    assert_int_equal(stage.sink.count, 0);
    sell_at(180, 1);
    assert_int_equal(stage_flag(&stage, SIGNAL_ODD_HOURS)->value, 5);
}

static void test_c5_a_shop_that_always_sells_at_night_is_not_odd(void **state)
{
    (void)state;
    for (int i = 0; i < 20; i++, stage.day++) {
        sell_at(180, i == 19 ? 20 : 0);
        sell_at(180, 5);
        sell_at(STAGE_NOON, 20);
    }
    /* Twenty-five against five a day: five on top of four times its own. */
    assert_int_equal(stage_count(&stage, SIGNAL_ODD_HOURS), 1);
    assert_int_equal(stage_flag(&stage, SIGNAL_ODD_HOURS)->value, 25);
}

static void test_c5_one_large_amount_at_night(void **state)
{
    (void)state;
    stage_live(&stage, 10, 0);
    stage.minute = 200;
    stage_sell_strangers(&stage, 1, 12345);
    assert_int_equal(stage.sink.count, 0);
    stage_sell_strangers(&stage, 1, 20000);
    assert_int_equal(stage_flag(&stage, SIGNAL_ODD_HOURS)->value, 1);
}

/* --- C7, C8, C11: declines ------------------------------------------------------------------ */

static void test_c7_four_for_want_of_money(void **state)
{
    (void)state;
    for (int i = 0; i < 3; i++) {
        stage_decline(&stage, "51");
    }
    struct card_state other = {0};
    struct observation *row = stage_row(&stage);
    row->detail = OBSERVED_DECLINED;
    memcpy(row->response_code, "51", 3);
    stage_see(&stage, &other);
    assert_int_equal(stage.sink.count, 0);
    stage_decline(&stage, "51");
    assert_int_equal(stage_flag(&stage, SIGNAL_NO_FUNDS)->value, 4);
}

static void test_c8_each_listed_card(void **state)
{
    (void)state;
    struct observation *row = stage_row(&stage);
    row->kind = OBSERVATION_REFUSED;
    row->detail = OBSERVED_OTHER;
    stage_see(&stage, &stage.card);
    assert_int_equal(stage.sink.count, 0);
    row->detail = OBSERVED_LISTED;
    stage_see(&stage, &stage.card);
    assert_int_equal(stage_flag(&stage, SIGNAL_CARD_LISTED)->severity, 4);
}

static void test_c11_each_lost_card_and_three_restricted(void **state)
{
    (void)state;
    stage_decline(&stage, "04");
    stage_decline(&stage, "62");
    assert_int_equal(stage.sink.count, 0);
    stage_decline(&stage, "36");
    assert_int_equal(stage_flag(&stage, SIGNAL_CARD_RETAINED)->value, 3);
    stage_begin(&stage);
    stage_decline(&stage, "43");
    assert_int_equal(stage_flag(&stage, SIGNAL_CARD_RETAINED)->value, 1);
    assert_int_equal(stage.flags[0].severity, 3);
}

/* --- C13 money back to another card --------------------------------------------------------- */

static struct observation *refuse_row(enum payment_kind kind, enum observation_detail detail)
{
    struct observation *row = stage_row(&stage);
    row->kind = OBSERVATION_REFUSED;
    row->payment_kind = kind;
    row->detail = detail;
    memcpy(row->response_code, "25", 3);
    return row;
}

static void test_c13_each_refund_and_void_to_another_card(void **state)
{
    (void)state;
    static const enum payment_kind KINDS[] = {PAYMENT_REFUND, PAYMENT_VOID, PAYMENT_CAPTURE_VOID};
    for (uint32_t i = 0; i < COUNT_OF(KINDS); i++) {
        stage_begin(&stage);
        refuse_row(KINDS[i], OBSERVED_OTHER);
        stage_see(&stage, &stage.card);
        assert_int_equal(stage.sink.count, 0);
        refuse_row(KINDS[i], OBSERVED_OTHER_CARD);
        stage_see(&stage, &stage.card);
        const struct flag *flag = stage_flag(&stage, SIGNAL_OTHER_CARD);
        assert_int_equal(flag->severity, 3);
        assert_int_equal(flag->subject, FLAG_OF_MERCHANT);
        assert_int_equal(flag->value, 1);
        assert_int_equal(flag->evidence[flag->evidence_count - 1], stage.position);
    }
}

/* A completion with another card takes money, it gives none. */
static void test_c13_is_of_money_that_goes_back(void **state)
{
    (void)state;
    refuse_row(PAYMENT_CAPTURE, OBSERVED_OTHER_CARD);
    stage_see(&stage, &stage.card);
    assert_int_equal(stage.sink.count, 0);
}

static void test_c13_counts_a_day(void **state)
{
    (void)state;
    stage.rules.items[SIGNAL_OTHER_CARD].numbers[NUMBER_OTHER_CARD_COUNT_MIN] = 2;
    refuse_row(PAYMENT_REFUND, OBSERVED_OTHER_CARD);
    stage_see(&stage, &stage.card);
    stage.day++;
    refuse_row(PAYMENT_REFUND, OBSERVED_OTHER_CARD);
    stage_see(&stage, &stage.card);
    assert_int_equal(stage.sink.count, 0);
    refuse_row(PAYMENT_REFUND, OBSERVED_OTHER_CARD);
    stage_see(&stage, &stage.card);
    assert_int_equal(stage_flag(&stage, SIGNAL_OTHER_CARD)->value, 2);
}

/* --- C21 the owner's own card --------------------------------------------------------------- */

static void pay_with(uint8_t card)
{
    memset(&stage_row(&stage)->pan_hash, card, sizeof(stage.seen.pan_hash));
    stage_see(&stage, &stage.card);
}

static void test_c21_once_is_a_call_and_twice_in_a_week_is_urgent(void **state)
{
    (void)state;
    memset(&stage.facts.owner_cards[1], 7, sizeof(stage.facts.owner_cards[1]));
    pay_with(6);
    assert_int_equal(stage.sink.count, 0);
    pay_with(7);
    const struct flag *flag = stage_flag(&stage, SIGNAL_OWN_CARD);
    assert_int_equal(flag->severity, 2);
    assert_int_equal(flag->value, 1);
    stage.day += 6;
    pay_with(7);
    assert_int_equal(stage_count(&stage, SIGNAL_OWN_CARD), 2);
    assert_int_equal(stage.flags[stage.sink.count - 1].severity, 3);
    stage.day += 7;
    pay_with(7);
    assert_int_equal(stage_count(&stage, SIGNAL_OWN_CARD), 3);
    assert_int_equal(stage.flags[stage.sink.count - 1].severity, 2);
}

/* Wallets have no card, and most merchants register none of the owner's. */
static void test_c21_no_card_is_nobodys(void **state)
{
    (void)state;
    pay_with(0);
    memset(&stage.facts.owner_cards[0], 7, sizeof(stage.facts.owner_cards[0]));
    pay_with(0);
    assert_int_equal(stage.sink.count, 0);
}

/* Declined, or asked for its balance: no money moved. */
static void test_c21_is_of_sales(void **state)
{
    (void)state;
    memset(&stage.facts.owner_cards[0], 7, sizeof(stage.facts.owner_cards[0]));
    struct observation *row = stage_row(&stage);
    memset(&row->pan_hash, 7, sizeof(row->pan_hash));
    row->detail = OBSERVED_DECLINED;
    memcpy(row->response_code, "05", 3);
    stage_see(&stage, &stage.card);
    row = stage_row(&stage);
    memset(&row->pan_hash, 7, sizeof(row->pan_hash));
    row->payment_kind = PAYMENT_BALANCE;
    stage_see(&stage, &stage.card);
    assert_int_equal(stage.sink.count, 0);
}

/* --- L9 a listed merchant ------------------------------------------------------------------- */

static void test_l9_a_listed_merchant_that_asks(void **state)
{
    (void)state;
    refuse_row(PAYMENT_PURCHASE, OBSERVED_TERMINAL_STOPPED);
    stage_see(&stage, &stage.card);
    assert_int_equal(stage.sink.count, 0);
    refuse_row(PAYMENT_PURCHASE, OBSERVED_MERCHANT_LISTED);
    stage_see(&stage, &stage.card);
    const struct flag *flag = stage_flag(&stage, SIGNAL_MERCHANT_LISTED);
    assert_int_equal(flag->severity, 4);
    assert_string_equal(flag->subject_id, "104110050000001");
    assert_int_equal(stage_count(&stage, SIGNAL_CARD_LISTED), 0);
    refuse_row(PAYMENT_BALANCE, OBSERVED_MERCHANT_LISTED);
    stage_see(&stage, NULL);
    assert_int_equal(stage_count(&stage, SIGNAL_MERCHANT_LISTED), 1); /* quiet for a day */
    stage.day += 2;
    refuse_row(PAYMENT_PURCHASE, OBSERVED_MERCHANT_LISTED);
    stage_see(&stage, NULL);
    assert_int_equal(stage_count(&stage, SIGNAL_MERCHANT_LISTED), 2);
}

/* --- C10 keyed in --------------------------------------------------------------------------- */

static void read_cards(const char *entry_mode, uint32_t count)
{
    for (uint32_t i = 0; i < count; i++) {
        struct card_state card = {0};
        struct observation *row = stage_row(&stage);
        memcpy(row->entry_mode, entry_mode, 4);
        stage_see(&stage, &card);
    }
}

static void test_c10_more_than_a_fifth_of_ten(void **state)
{
    (void)state;
    read_cards("051", 8);
    read_cards("012", 2);
    assert_int_equal(stage.sink.count, 0); /* 2 of 10 is a fifth */
    read_cards("012", 1);
    assert_int_equal(stage_flag(&stage, SIGNAL_KEYED_IN)->value, 272);
}

static void test_c10_few_reads_codes_and_a_permission_say_nothing(void **state)
{
    (void)state;
    read_cards("012", 9);
    stage.day++;
    read_cards("031", 90);
    read_cards("012", 9);
    stage.day++;
    stage.terminal.may_key_in = true;
    read_cards("012", 50);
    assert_int_equal(stage.sink.count, 0);
}

/* --- C12 given back ------------------------------------------------------------------------- */

static void give_back(enum payment_kind kind, uint32_t count, int64_t amount_minor)
{
    for (uint32_t i = 0; i < count; i++) {
        struct observation *row = stage_row(&stage);
        row->payment_kind = kind;
        row->amount_minor = amount_minor;
        stage_see(&stage, NULL);
    }
}

static void test_c12_refunds_by_count(void **state)
{
    (void)state;
    stage_sell_strangers(&stage, 40, 12345);
    give_back(PAYMENT_REFUND, 4, 100);
    assert_int_equal(stage.sink.count, 0);
    give_back(PAYMENT_REFUND, 1, 100);
    assert_int_equal(stage_flag(&stage, SIGNAL_GIVEN_BACK)->value, 125);
}

static void test_c12_refunds_by_amount(void **state)
{
    (void)state;
    stage_sell_strangers(&stage, 100, 10000);
    give_back(PAYMENT_REFUND, 4, 150000); /* four: customers who changed their mind */
    assert_int_equal(stage.sink.count, 0);
    give_back(PAYMENT_REFUND, 1, 1);
    assert_int_equal(stage_flag(&stage, SIGNAL_GIVEN_BACK)->threshold, 200);
    stage_begin(&stage);
    stage_sell_strangers(&stage, 100, 10000);
    give_back(PAYMENT_REFUND, 5, 40000);
    assert_int_equal(stage.sink.count, 0); /* a fifth is not passed */
}

/* One customer of the days after has brought back goods, as in any week. */
static void test_c12_refunds_that_were_flagged_are_not_flagged_again(void **state)
{
    (void)state;
    stage_sell_strangers(&stage, 40, 12345);
    give_back(PAYMENT_REFUND, 12, 12345);
    assert_int_equal(stage_count(&stage, SIGNAL_GIVEN_BACK), 1);
    stage.day += 2;
    give_back(PAYMENT_REFUND, 1, 12345);
    give_back(PAYMENT_VOID, 1, 12345);
    assert_int_equal(stage_count(&stage, SIGNAL_GIVEN_BACK), 1);
    stage.day += 1;
    give_back(PAYMENT_REFUND, 4, 12345);
    assert_int_equal(stage_count(&stage, SIGNAL_GIVEN_BACK), 2); /* five new ones */
}

static void test_c12_refunds_without_sales(void **state)
{
    (void)state;
    give_back(PAYMENT_REFUND, 9, 100);
    assert_int_equal(stage.sink.count, 0);
    give_back(PAYMENT_REFUND, 1, 100);
    assert_int_equal(stage_count(&stage, SIGNAL_GIVEN_BACK), 1);
}

static void test_c5_a_large_amount_where_it_sells_at_night(void **state)
{
    (void)state;
    for (int i = 0; i < 20; i++, stage.day++) {
        sell_at(180, i % 10 == 0 ? 1 : 0);
        sell_at(STAGE_NOON, 20);
    }
    stage.minute = 200;
    stage_sell_strangers(&stage, 1, 20000);
    assert_int_equal(stage.sink.count, 0);
}

static void test_c12_voids_within_seven_days(void **state)
{
    (void)state;
    stage_sell_strangers(&stage, 20, 12345);
    give_back(PAYMENT_VOID, 4, 12345);
    assert_int_equal(stage.sink.count, 0);
    give_back(PAYMENT_VOID, 1, 12345);
    assert_int_equal(stage_flag(&stage, SIGNAL_GIVEN_BACK)->value, 250);
    stage.day += 7;
    stage_sell_strangers(&stage, 9, 12345);
    give_back(PAYMENT_VOID, 9, 12345);
    assert_int_equal(stage.sink.count, 1); /* nine sales are too few */
}

/* --- C17, C20: cards that go elsewhere ------------------------------------------------------ */

static uint32_t lose(struct card_state *card, uint32_t *suspects)
{
    struct merchant_state elsewhere = {.number = 2};
    struct observation *row = stage_row(&stage);
    row->detail = OBSERVED_DECLINED;
    memcpy(row->response_code, "41", 3);
    struct watch_moment moment = stage_moment(&stage);
    struct flag flags[4];
    struct flag_sink sink = {flags, 0, 4};
    merchant_watch_step(&elsewhere, card, &stage.peers, &moment, &sink);
    return merchant_watch_suspects(&elsewhere, card, &moment, suspects);
}

static void copy_and_lose(uint32_t count)
{
    for (uint32_t i = 0; i < count; i++) {
        struct card_state card = {0};
        uint32_t suspects[CARD_RECENT_COUNT];
        stage_row(&stage);
        stage_see(&stage, &card);
        assert_int_equal(lose(&card, suspects), 1);
        assert_int_equal(suspects[0], stage.merchant.number);
        struct watch_moment moment = stage_moment(&stage);
        moment.terminal = NULL;
        moment.terminal_id = "";
        merchant_watch_lost(&stage.merchant, &moment, &stage.sink);
        assert_int_equal(lose(&card, suspects), 0);
    }
}

static void test_c17_three_cards_that_were_lost_elsewhere(void **state)
{
    (void)state;
    copy_and_lose(2);
    stage.day += 20;
    assert_int_equal(stage.sink.count, 0);
    copy_and_lose(1);
    const struct flag *flag = stage_flag(&stage, SIGNAL_SKIMMING);
    assert_int_equal(flag->severity, 4);
    assert_int_equal(flag->value, 3);
    assert_int_equal(flag->evidence_count, 3);
    assert_string_equal(flag->terminal_id, "");
}

static void test_c17_three_of_thousands_or_in_months_are_chance(void **state)
{
    (void)state;
    stage_sell_strangers(&stage, 1500, 12345);
    copy_and_lose(3);
    assert_int_equal(stage.sink.count, 0);
    stage_begin(&stage);
    for (int i = 0; i < 3; i++) {
        copy_and_lose(1);
        stage.day += 20;
    }
    assert_int_equal(stage.sink.count, 0);
}

static void test_c17_a_lost_card_is_not_used_where_it_is_declined(void **state)
{
    (void)state;
    uint32_t suspects[CARD_RECENT_COUNT];
    stage_decline(&stage, "41");
    assert_int_equal(lose(&stage.card, suspects), 0);
}

static void test_c20_three_merchants_of_one_owner(void **state)
{
    (void)state;
    memcpy(stage.facts.owner, "a1b2c3d4e5f60718", 17);
    for (uint32_t number = 1; number <= 3; number++) {
        assert_int_equal(stage.sink.count, 0);
        stage.merchant = (struct merchant_state){.number = number};
        stage_sell(&stage, 1000 + number);
    }
    const struct flag *flag = stage_flag(&stage, SIGNAL_CARD_WANDERS);
    assert_int_equal(flag->value, 3);
    assert_int_equal(flag->evidence_count, 3);
}

static void test_c20_other_owners_days_or_none_say_nothing(void **state)
{
    (void)state;
    for (uint32_t number = 1; number <= 5; number++) {
        stage.merchant = (struct merchant_state){.number = number};
        stage_sell(&stage, 1000 + number);
    }
    memcpy(stage.facts.owner, "a1b2c3d4e5f60718", 17);
    for (uint32_t number = 6; number <= 9; number++, stage.day++) {
        stage.merchant = (struct merchant_state){.number = number};
        stage_sell(&stage, 1000 + number);
    }
    assert_int_equal(stage.sink.count, 0);
}

/* --- all of them ---------------------------------------------------------------------------- */

static void test_a_rule_that_is_off_says_nothing(void **state)
{
    (void)state;
    stage.rules.items[SIGNAL_SAME_CARD].is_on = false;
    for (int i = 0; i < 10; i++) {
        stage_sell(&stage, 500);
    }
    assert_int_equal(stage.sink.count, 0);
}

static void test_a_merchant_is_quiet_about_a_signal_for_a_day(void **state)
{
    (void)state;
    for (int i = 0; i < 10; i++) {
        stage_sell(&stage, 500);
    }
    assert_int_equal(stage.sink.count, 1);
    stage.day++;
    for (int i = 0; i < 10; i++) {
        stage_sell(&stage, 500);
    }
    assert_int_equal(stage.sink.count, 2);
}

static void test_rows_of_other_kinds_change_nothing(void **state)
{
    (void)state;
    stage_sell(&stage, 500);
    struct merchant_state before = stage.merchant;
    for (unsigned kind = 0; kind < OBSERVATION_KIND_COUNT; kind++) {
        struct observation *row = stage_row(&stage);
        row->kind = (enum observation_kind)kind;
        row->detail = OBSERVED_NONE;
        row->entry_mode[0] = 0;
        stage_see(&stage, NULL);
    }
    assert_memory_equal(&before, &stage.merchant, sizeof(before));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(test_c1_wants_fifteen_and_four_times_the_mean, begin),
        cmocka_unit_test_setup(test_c1_of_a_merchant_that_always_asks_much, begin),
        cmocka_unit_test_setup(test_c1_says_nothing_before_seven_days_of_history, begin),
        cmocka_unit_test_setup(test_a_count_of_the_day_ends_at_midnight_in_china, begin),
        cmocka_unit_test_setup(test_c2_three_of_the_same_amount, begin),
        cmocka_unit_test_setup(test_c2_eight_of_any_amount, begin),
        cmocka_unit_test_setup(test_c2_what_was_voided_reversed_or_of_yesterday_is_not_counted,
                               begin),
        cmocka_unit_test_setup(test_c5_five_outside_registered_hours, begin),
        cmocka_unit_test_setup(test_c5_hours_over_midnight_and_round_the_clock, begin),
        cmocka_unit_test_setup(test_c5_without_registered_hours_asks_the_history, begin),
        cmocka_unit_test_setup(test_c5_a_shop_that_always_sells_at_night_is_not_odd, begin),
        cmocka_unit_test_setup(test_c5_one_large_amount_at_night, begin),
        cmocka_unit_test_setup(test_c7_four_for_want_of_money, begin),
        cmocka_unit_test_setup(test_c8_each_listed_card, begin),
        cmocka_unit_test_setup(test_c11_each_lost_card_and_three_restricted, begin),
        cmocka_unit_test_setup(test_c13_each_refund_and_void_to_another_card, begin),
        cmocka_unit_test_setup(test_c13_is_of_money_that_goes_back, begin),
        cmocka_unit_test_setup(test_c13_counts_a_day, begin),
        cmocka_unit_test_setup(test_l9_a_listed_merchant_that_asks, begin),
        cmocka_unit_test_setup(test_c21_once_is_a_call_and_twice_in_a_week_is_urgent, begin),
        cmocka_unit_test_setup(test_c21_no_card_is_nobodys, begin),
        cmocka_unit_test_setup(test_c21_is_of_sales, begin),
        cmocka_unit_test_setup(test_c10_more_than_a_fifth_of_ten, begin),
        cmocka_unit_test_setup(test_c10_few_reads_codes_and_a_permission_say_nothing, begin),
        cmocka_unit_test_setup(test_c12_refunds_by_count, begin),
        cmocka_unit_test_setup(test_c12_refunds_by_amount, begin),
        cmocka_unit_test_setup(test_c12_refunds_that_were_flagged_are_not_flagged_again, begin),
        cmocka_unit_test_setup(test_c12_refunds_without_sales, begin),
        cmocka_unit_test_setup(test_c5_a_large_amount_where_it_sells_at_night, begin),
        cmocka_unit_test_setup(test_c12_voids_within_seven_days, begin),
        cmocka_unit_test_setup(test_c17_three_cards_that_were_lost_elsewhere, begin),
        cmocka_unit_test_setup(test_c17_three_of_thousands_or_in_months_are_chance, begin),
        cmocka_unit_test_setup(test_c17_a_lost_card_is_not_used_where_it_is_declined, begin),
        cmocka_unit_test_setup(test_c20_three_merchants_of_one_owner, begin),
        cmocka_unit_test_setup(test_c20_other_owners_days_or_none_say_nothing, begin),
        cmocka_unit_test_setup(test_a_rule_that_is_off_says_nothing, begin),
        cmocka_unit_test_setup(test_a_merchant_is_quiet_about_a_signal_for_a_day, begin),
        cmocka_unit_test_setup(test_rows_of_other_kinds_change_nothing, begin),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
