/* What is remembered of one card. */
#include "switch/aftersales/card_watch.h"

#include "tests/unit/unit_test.h"

#define DAY 20454

static struct card_use use_at(uint32_t merchant, int32_t day, int64_t amount_minor)
{
    return (struct card_use){
        .merchant = merchant, .owner = 7, .day = day, .amount_minor = amount_minor, .position = 1};
}

static struct card_count paid(struct card_state *card, struct card_use use)
{
    card_watch_seen(card, &use);
    return card_watch_paid(card, &use);
}

static void test_equal_amounts_are_counted_within_a_merchant_and_a_day(void **state)
{
    (void)state;
    struct card_state card = {0};
    assert_int_equal(paid(&card, use_at(1, DAY, 500)).same_amount, 1);
    assert_int_equal(paid(&card, use_at(2, DAY, 500)).same_amount, 1);
    assert_int_equal(paid(&card, use_at(1, DAY, 500)).same_amount, 2);
    struct card_count other = paid(&card, use_at(1, DAY, 900));
    assert_int_equal(other.same_amount, 1);
    assert_int_equal(other.uses, 3);
    assert_int_equal(paid(&card, use_at(1, DAY, 500)).same_amount, 3);
    assert_int_equal(paid(&card, use_at(1, DAY + 1, 500)).uses, 1);
}

static void test_an_amount_that_prevails_is_not_driven_out(void **state)
{
    (void)state;
    struct card_state card = {0};
    uint32_t most = 0;
    for (int64_t i = 0; i < 12; i++) {
        uint32_t same = paid(&card, use_at(1, DAY, i % 2 == 0 ? 500 : 1000 + i)).same_amount;
        most = same > most ? same : most;
    }
    assert_true(most >= 3);
}

static void test_a_void_takes_its_payment_back(void **state)
{
    (void)state;
    struct card_state card = {0};
    struct card_use use = use_at(1, DAY, 500);
    for (int i = 0; i < 6; i++) {
        assert_int_equal(paid(&card, use).same_amount, 1);
        card_watch_undone(&card, &use);
    }
    card_watch_undone(&card, &use);
    assert_int_equal(paid(&card, use).uses, 1);
}

static void test_the_longest_unused_place_gives_way(void **state)
{
    (void)state;
    struct card_state card = {0};
    for (uint32_t merchant = 1; merchant <= CARD_PLACE_COUNT; merchant++) {
        (void)paid(&card, use_at(merchant, DAY, 500));
    }
    assert_int_equal(paid(&card, use_at(1, DAY, 500)).uses, 2);
    (void)paid(&card, use_at(9, DAY, 500));
    assert_int_equal(paid(&card, use_at(1, DAY, 500)).uses, 3);
    assert_int_equal(paid(&card, use_at(2, DAY, 500)).uses, 1);
}

static void test_counts_stay_at_their_end(void **state)
{
    (void)state;
    struct card_state card = {0};
    struct card_use use = use_at(1, DAY, INT64_C(999999999999));
    struct card_count count = {0};
    for (int i = 0; i < 300; i++) {
        count = paid(&card, use);
        (void)card_watch_no_funds(&card, &use);
    }
    assert_int_equal(count.same_amount, UINT8_MAX);
    assert_int_equal(count.uses, UINT8_MAX);
    assert_int_equal(card_watch_no_funds(&card, &use), UINT8_MAX);
}

static void test_want_of_money_is_counted_by_merchant_and_day(void **state)
{
    (void)state;
    struct card_state card = {0};
    struct card_use here = use_at(1, DAY, 500), there = use_at(2, DAY, 500);
    assert_int_equal(card_watch_no_funds(&card, &here), 1);
    assert_int_equal(card_watch_no_funds(&card, &there), 1);
    assert_int_equal(card_watch_no_funds(&card, &here), 2);
    here.day++;
    assert_int_equal(card_watch_no_funds(&card, &here), 1);
}

static void test_merchants_of_one_owner_are_counted_on_one_day(void **state)
{
    (void)state;
    struct card_state card = {0};
    struct card_use first = use_at(1, DAY - 1, 5), second = use_at(2, DAY, 5),
                    third = use_at(3, DAY, 5), stranger = use_at(4, DAY, 5);
    stranger.owner = 8;
    card_watch_seen(&card, &first);
    card_watch_seen(&card, &second);
    card_watch_seen(&card, &stranger);
    card_watch_seen(&card, &third);
    assert_int_equal(card_watch_owner_count(&card, &third), 2);
    first.day = DAY;
    card_watch_seen(&card, &first);
    assert_int_equal(card_watch_owner_count(&card, &first), 3);
    first.owner = 0;
    assert_int_equal(card_watch_owner_count(&card, &first), 0);
}

static void test_a_card_returns_within_seven_days(void **state)
{
    (void)state;
    struct card_state card = {0};
    struct card_use use = use_at(1, DAY, 5);
    assert_false(card_watch_returns(&card, &use));
    card_watch_seen(&card, &use);
    use.day = DAY + 6;
    assert_true(card_watch_returns(&card, &use));
    use.day = DAY + 7;
    assert_false(card_watch_returns(&card, &use));
}

static void test_a_lost_card_tells_where_it_was_read_once(void **state)
{
    (void)state;
    struct card_state card = {0};
    struct card_use old = use_at(1, DAY - 30, 5), young = use_at(2, DAY - 29, 5),
                    own = use_at(3, DAY - 1, 5), now = use_at(3, DAY, 5);
    card_watch_seen(&card, &old);
    card_watch_seen(&card, &young);
    card_watch_seen(&card, &own);
    uint32_t merchants[CARD_RECENT_COUNT];
    assert_int_equal(card_watch_lost(&card, &now, merchants), 1);
    assert_int_equal(merchants[0], 2);
    assert_int_equal(card_watch_lost(&card, &now, merchants), 0);
}

static void test_the_last_seven_merchants_are_known(void **state)
{
    (void)state;
    struct card_state card = {0};
    for (uint32_t merchant = 1; merchant <= CARD_RECENT_COUNT + 1; merchant++) {
        struct card_use use = use_at(merchant, DAY, 5);
        card_watch_seen(&card, &use);
        card_watch_seen(&card, &use);
    }
    struct card_use elsewhere = use_at(99, DAY, 5);
    uint32_t merchants[CARD_RECENT_COUNT];
    assert_int_equal(card_watch_lost(&card, &elsewhere, merchants), CARD_RECENT_COUNT);
    assert_int_equal(merchants[0], CARD_RECENT_COUNT + 1);
    assert_int_equal(merchants[CARD_RECENT_COUNT - 1], 2);
}

static void test_damaged_bytes_are_no_card(void **state)
{
    (void)state;
    struct card_state card = {0};
    struct card_use use = use_at(7, DAY, 5);
    card_watch_seen(&card, &use);
    assert_true(card_watch_is_sound(&card, 7));
    assert_false(card_watch_is_sound(&card, 6));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_equal_amounts_are_counted_within_a_merchant_and_a_day),
        cmocka_unit_test(test_an_amount_that_prevails_is_not_driven_out),
        cmocka_unit_test(test_a_void_takes_its_payment_back),
        cmocka_unit_test(test_the_longest_unused_place_gives_way),
        cmocka_unit_test(test_counts_stay_at_their_end),
        cmocka_unit_test(test_want_of_money_is_counted_by_merchant_and_day),
        cmocka_unit_test(test_merchants_of_one_owner_are_counted_on_one_day),
        cmocka_unit_test(test_a_card_returns_within_seven_days),
        cmocka_unit_test(test_a_lost_card_tells_where_it_was_read_once),
        cmocka_unit_test(test_the_last_seven_merchants_are_known),
        cmocka_unit_test(test_damaged_bytes_are_no_card),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
