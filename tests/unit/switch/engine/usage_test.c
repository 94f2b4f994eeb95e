/* Usage: days and months of a key, what a full table gives away, and what it never does. */
#include "tests/unit/unit_test.h"

#include <stdlib.h>
#include <string.h>

#include "switch/engine/usage.h"

#define MERCHANT "898110053110001"
#define TODAY 20261130u
#define TOMORROW 20261201u

static struct usage_set set;
static struct pan_hash card;

static void begin(uint32_t count_max, uint32_t scopes)
{
    usage_set_init(&set, calloc(count_max + 1, sizeof(struct usage_entry)),
                   calloc(slot_index_capacity(count_max), sizeof(struct slot_index_entry)),
                   count_max);
    set.scopes = scopes;
    memset(&card, 1, sizeof(card));
}

static void end(void)
{
    free(set.entries);
    free(set.index.entries);
}

static struct usage_subject subject_of(const char *terminal_id, uint8_t card_number)
{
    card.bytes[0] = card_number;
    return (struct usage_subject){MERCHANT, terminal_id, &card};
}

static bool take(const char *terminal_id, uint8_t card_number, uint32_t day, int64_t minor)
{
    const struct usage_subject subject = subject_of(terminal_id, card_number);
    const struct usage_change change = {day, minor < 0 ? -1 : 1, minor};
    return usage_count(&set, &subject, &change, day);
}

static struct limit_use use_of(enum limit_scope scope, const char *terminal_id, uint8_t card_number,
                               uint32_t day)
{
    const struct usage_subject subject = subject_of(terminal_id, card_number);
    return usage_of(&set, scope, &subject, day);
}

static void test_each_scope_counts_what_is_its_own(void **state)
{
    (void)state;
    begin(64, UINT32_MAX);
    take("10000001", 1, TODAY, 100);
    take("10000001", 2, TODAY, 30);
    take("10000002", 1, TODAY, 5);
    assert_int_equal(use_of(LIMIT_MERCHANT, "10000001", 1, TODAY).day_minor, 135);
    assert_int_equal(use_of(LIMIT_MERCHANT, "10000001", 1, TODAY).day_count, 3);
    assert_int_equal(use_of(LIMIT_MERCHANT, "10000001", 1, TODAY).month_minor, 135);
    assert_int_equal(use_of(LIMIT_TERMINAL, "10000001", 1, TODAY).day_minor, 130);
    assert_int_equal(use_of(LIMIT_CARD, "10000001", 1, TODAY).day_minor, 105);
    assert_int_equal(use_of(LIMIT_TERMINAL_AND_CARD, "10000001", 1, TODAY).day_minor, 100);
    assert_int_equal(use_of(LIMIT_MERCHANT_AND_CARD, "10000002", 1, TODAY).day_count, 2);
    assert_int_equal(use_of(LIMIT_CARD, "10000001", 3, TODAY).day_minor, 0);
    take("10000001", 1, TODAY, -100);
    assert_int_equal(use_of(LIMIT_TERMINAL_AND_CARD, "10000001", 1, TODAY).day_count, 0);
    end();
}

static void test_what_no_rule_limits_is_not_counted(void **state)
{
    (void)state;
    begin(1, LIMIT_SCOPE_BIT(LIMIT_MERCHANT));
    assert_true(take("10000001", 1, TODAY, 100));
    assert_true(take("10000002", 2, TODAY, 100));
    assert_int_equal(use_of(LIMIT_MERCHANT, "10000001", 1, TODAY).day_minor, 200);
    assert_int_equal(use_of(LIMIT_CARD, "10000001", 1, TODAY).day_minor, 0);
    assert_int_equal(set.lost_count, 0);
    end();
}

static void test_a_card_that_is_none_has_no_entry(void **state)
{
    (void)state;
    begin(4, LIMIT_SCOPE_BIT(LIMIT_CARD));
    const struct pan_hash none = {{0}};
    const struct usage_subject subject = {MERCHANT, "10000001", &none};
    assert_true(usage_count(&set, &subject, &(struct usage_change){TODAY, 1, 100}, TODAY));
    assert_int_equal(set.fresh, 1);
    end();
}

static void test_a_new_day_begins_at_zero_and_the_one_before_is_kept(void **state)
{
    (void)state;
    begin(8, LIMIT_SCOPE_BIT(LIMIT_MERCHANT));
    take("10000001", 1, TODAY, 100);
    assert_int_equal(use_of(LIMIT_MERCHANT, "10000001", 1, TOMORROW).day_minor, 0);
    take("10000001", 1, TOMORROW, 7);
    assert_int_equal(use_of(LIMIT_MERCHANT, "10000001", 1, TOMORROW).month_minor, 7);
    take("10000001", 1, TODAY, -100); /* undone after midnight, and after the month's end */
    assert_int_equal(use_of(LIMIT_MERCHANT, "10000001", 1, TODAY).day_minor, 0);
    assert_int_equal(use_of(LIMIT_MERCHANT, "10000001", 1, TODAY).month_minor, 0);
    assert_int_equal(use_of(LIMIT_MERCHANT, "10000001", 1, TOMORROW).day_minor, 7);
    const struct usage_subject subject = subject_of("10000001", 1);
    const struct usage_change old = {20261005, -1, -55}; /* older than both: nobody asks any more */
    assert_true(usage_count(&set, &subject, &old, TOMORROW));
    assert_int_equal(use_of(LIMIT_MERCHANT, "10000001", 1, TOMORROW).day_minor, 7);
    end();
}

static void test_a_full_table_gives_away_days_that_are_over(void **state)
{
    (void)state;
    begin(2, LIMIT_SCOPE_BIT(LIMIT_CARD));
    assert_true(take("10000001", 1, TODAY, 1));
    assert_true(take("10000001", 2, TODAY, 2));
    struct usage_subject third = subject_of("10000001", 3);
    assert_false(usage_has_room(&set, &third, TODAY));
    assert_false(take("10000001", 3, TODAY, 3));
    assert_int_equal(set.lost_count, 1);
    assert_true(take("10000001", 1, TOMORROW, 10)); /* goes on, and moves behind the other */
    third = subject_of("10000001", 3);
    assert_true(usage_has_room(&set, &third, TOMORROW));
    assert_true(take("10000001", 3, TOMORROW, 30));
    assert_int_equal(use_of(LIMIT_CARD, "", 1, TOMORROW).day_minor, 10);
    assert_int_equal(use_of(LIMIT_CARD, "", 2, TODAY).day_minor, 0);
    assert_int_equal(use_of(LIMIT_CARD, "", 3, TOMORROW).day_minor, 30);
    const struct usage_subject fourth = subject_of("10000001", 4);
    assert_false(usage_has_room(&set, &fourth, TOMORROW));
    end();
}

/* As many as are tried with stolen cards in a day fill no table. */
static void test_what_was_given_back_whole_gives_way_at_once(void **state)
{
    (void)state;
    begin(2, LIMIT_SCOPE_BIT(LIMIT_CARD));
    assert_true(take("10000001", 1, TODAY, 5));
    for (uint8_t tried = 2; tried < 200; tried++) {
        const struct usage_subject subject = subject_of("10000001", tried);
        assert_true(usage_has_room(&set, &subject, TODAY));
        assert_true(take("10000001", tried, TODAY, 100));
        assert_true(take("10000001", tried, TODAY, -100));
    }
    assert_int_equal(set.lost_count, 0);
    assert_int_equal(use_of(LIMIT_CARD, "", 1, TODAY).day_minor, 5);
    end();
}

/* Its card stands there since yesterday: that place is the card's, and none for the terminal's. */
static void test_room_that_is_promised_is_there(void **state)
{
    (void)state;
    begin(1, LIMIT_SCOPE_BIT(LIMIT_CARD));
    assert_true(take("10000001", 1, TODAY, 5));
    set.scopes |= LIMIT_SCOPE_BIT(LIMIT_TERMINAL_AND_CARD);
    const struct usage_subject subject = subject_of("10000001", 1);
    assert_false(usage_has_room(&set, &subject, TOMORROW));
    end();
}

static void test_more_given_back_than_was_counted_is_nothing(void **state)
{
    (void)state;
    begin(4, LIMIT_SCOPE_BIT(LIMIT_CARD));
    take("10000001", 1, TODAY, -100);
    assert_int_equal(use_of(LIMIT_CARD, "", 1, TODAY).day_minor, 0);
    assert_int_equal(use_of(LIMIT_CARD, "", 1, TODAY).day_count, 0);
    end();
}

static void test_a_terminal_keeps_its_month_though_its_day_is_over(void **state)
{
    (void)state;
    begin(1, LIMIT_SCOPE_BIT(LIMIT_TERMINAL));
    assert_true(take("10000001", 1, 20261101, 1));
    const struct usage_subject other = subject_of("10000002", 1);
    assert_false(usage_has_room(&set, &other, TODAY));
    assert_true(usage_has_room(&set, &other, TOMORROW));
    end();
}

static void test_sums_of_days_and_months_give_what_rows_gave(void **state)
{
    (void)state;
    begin(64, UINT32_MAX);
    take("10000001", 1, 20261102, 1000);
    take("10000001", 1, TODAY, 100);
    take("10000002", 2, TODAY, 30);
    take("10000002", 3, TODAY, 9);
    take("10000002", 3, TODAY, -9); /* leaves an entry of zeros */
    uint64_t hash = usage_hash(&set);
    usage_set_clear(&set);
    assert_int_equal(use_of(LIMIT_CARD, "", 1, TODAY).day_minor, 0);
    assert_int_not_equal(usage_hash(&set), hash);
    struct usage_sum sum = {202611, MERCHANT, "10000001", {{0}}, 2, 1100};
    assert_true(usage_count_sum(&set, &sum, TODAY));
    sum = (struct usage_sum){202611, MERCHANT, "10000002", {{0}}, 1, 30};
    assert_true(usage_count_sum(&set, &sum, TODAY));
    sum = (struct usage_sum){TODAY, MERCHANT, "10000001", card, 1, 100};
    sum.pan_hash.bytes[0] = 1;
    assert_true(usage_count_sum(&set, &sum, TODAY));
    sum = (struct usage_sum){TODAY, MERCHANT, "10000002", card, 1, 30};
    sum.pan_hash.bytes[0] = 2;
    assert_true(usage_count_sum(&set, &sum, TODAY));
    assert_int_equal(usage_hash(&set), hash);
    end();
}

static void test_a_scope_that_comes_again_begins_at_zero(void **state)
{
    (void)state;
    begin(2, 0);
    usage_set_scopes(&set, LIMIT_SCOPE_BIT(LIMIT_CARD));
    take("10000001", 1, TODAY, 100);
    take("10000001", 2, TODAY, 100);
    usage_set_scopes(&set, LIMIT_SCOPE_BIT(LIMIT_CARD)); /* another version of the same */
    assert_int_equal(use_of(LIMIT_CARD, "", 1, TODAY).day_minor, 100);
    usage_set_scopes(&set, 0);
    take("10000001", 1, TODAY, 1000); /* nobody counts it */
    usage_set_scopes(&set, LIMIT_SCOPE_BIT(LIMIT_CARD));
    assert_int_equal(use_of(LIMIT_CARD, "", 1, TODAY).day_minor, 0);
    uint64_t hash = usage_hash(&set);
    take("10000001", 1, TODAY, 30);
    assert_int_equal(use_of(LIMIT_CARD, "", 1, TODAY).day_minor, 30);
    assert_int_equal(use_of(LIMIT_CARD, "", 1, TODAY).day_count, 1);
    assert_int_equal(hash, 0);
    const struct usage_subject third = subject_of("10000001", 3); /* in place of the stale one */
    assert_true(usage_has_room(&set, &third, TODAY));
    assert_true(take("10000001", 3, TODAY, 5));
    const struct usage_subject fourth = subject_of("10000001", 4);
    assert_false(usage_has_room(&set, &fourth, TODAY));
    end();
}

static void test_what_a_clock_ran_ahead_to_does_not_take_the_place_of_today(void **state)
{
    (void)state;
    begin(4, LIMIT_SCOPE_BIT(LIMIT_MERCHANT));
    take("10000001", 1, 20270101, 1);
    take("10000001", 1, 20270203, 1);
    assert_int_equal(set.lost_count, 0);
    assert_false(take("10000001", 1, TODAY, 100)); /* something had to go, and it is told */
    assert_int_equal(set.lost_count, 1);
    assert_int_equal(set.lost_day, 20270203); /* today is whole: the farthest went */
    assert_int_equal(set.lost_month, 202702);
    assert_false(usage_is_whole(&set));
    assert_true(take("10000001", 1, TODAY, 10));
    assert_int_equal(use_of(LIMIT_MERCHANT, "", 1, TODAY).day_minor, 110);
    assert_int_equal(use_of(LIMIT_MERCHANT, "", 1, TODAY).month_minor, 110);
    assert_int_equal(use_of(LIMIT_MERCHANT, "", 1, 20270101).day_minor, 1);
    struct usage_sum sum = {20270204, MERCHANT, "10000001", {{0}}, 1, 5}; /* a restart reads it */
    assert_false(usage_count_sum(&set, &sum, TODAY));
    assert_int_equal(use_of(LIMIT_MERCHANT, "", 1, TODAY).day_minor, 110);
    end();
}

static void test_a_loss_says_its_day_until_that_is_over(void **state)
{
    (void)state;
    begin(1, LIMIT_SCOPE_BIT(LIMIT_CARD));
    take("10000001", 1, TODAY, 1);
    assert_false(take("10000001", 2, TODAY, 2));
    assert_int_equal(set.lost_day, TODAY);
    assert_int_equal(set.lost_month, 0); /* no month of a card is kept */
    usage_forgive(&set, TODAY);
    assert_int_equal(set.lost_count, 1);
    usage_forgive(&set, TOMORROW);
    assert_int_equal(set.lost_count, 0);
    end();
}

static void test_the_day_before_has_a_hash_of_its_own(void **state)
{
    (void)state;
    uint64_t first = 0, second = 0;
    begin(2, LIMIT_SCOPE_BIT(LIMIT_CARD));
    take("10000001", 1, TODAY, 1);
    take("10000001", 2, TOMORROW, 2); /* the next month, too */
    uint64_t hash = usage_hash(&set);
    assert_true(usage_hash_before(&set, &first));
    take("10000001", 1, TODAY, 5);
    assert_true(usage_hash_before(&set, &second));
    assert_int_equal(usage_hash(&set), hash);
    assert_int_not_equal(first, second);
    take("10000001", 3, TOMORROW, 3); /* in the place of the one of yesterday */
    assert_false(usage_hash_before(&set, &first));
    end();
}

static void test_many_keys_come_and_go(void **state)
{
    (void)state;
    begin(500, LIMIT_SCOPE_BIT(LIMIT_CARD));
    for (uint32_t day = 20261001; day <= 20261031; day++) {
        for (uint32_t i = 0; i < 250; i++) {
            card.bytes[1] = (uint8_t)day;
            assert_true(take("10000001", (uint8_t)i, day, 1 + i));
        }
    }
    card.bytes[1] = (uint8_t)20261031;
    assert_int_equal(use_of(LIMIT_CARD, "", 249, 20261031).day_minor, 250);
    card.bytes[1] = (uint8_t)20261029;
    assert_int_equal(use_of(LIMIT_CARD, "", 249, 20261029).day_minor, 0);
    assert_int_equal(set.index.count, 500);
    end();
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_each_scope_counts_what_is_its_own),
        cmocka_unit_test(test_what_no_rule_limits_is_not_counted),
        cmocka_unit_test(test_a_card_that_is_none_has_no_entry),
        cmocka_unit_test(test_a_new_day_begins_at_zero_and_the_one_before_is_kept),
        cmocka_unit_test(test_a_full_table_gives_away_days_that_are_over),
        cmocka_unit_test(test_what_was_given_back_whole_gives_way_at_once),
        cmocka_unit_test(test_room_that_is_promised_is_there),
        cmocka_unit_test(test_more_given_back_than_was_counted_is_nothing),
        cmocka_unit_test(test_a_terminal_keeps_its_month_though_its_day_is_over),
        cmocka_unit_test(test_sums_of_days_and_months_give_what_rows_gave),
        cmocka_unit_test(test_a_scope_that_comes_again_begins_at_zero),
        cmocka_unit_test(test_what_a_clock_ran_ahead_to_does_not_take_the_place_of_today),
        cmocka_unit_test(test_a_loss_says_its_day_until_that_is_over),
        cmocka_unit_test(test_the_day_before_has_a_hash_of_its_own),
        cmocka_unit_test(test_many_keys_come_and_go),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
