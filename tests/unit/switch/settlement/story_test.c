/* The fold of one original's events: signs, fees of refunds to the fen, reversals, adjustments. */
#include "tests/unit/unit_test.h"

#include "switch/settlement/story.h"

#define EVENT_COUNT_MAX 16

struct scene {
    struct story_event events[EVENT_COUNT_MAX];
    struct story_line lines[EVENT_COUNT_MAX];
    uint32_t count;
};

static void add(struct scene *scene, enum record_kind kind, enum payment_kind payment_kind,
                uint32_t seq, int64_t amount)
{
    struct story_event *event = &scene->events[scene->count];
    *event = (struct story_event){.position = ++scene->count,
                                  .kind = kind,
                                  .payment_kind = payment_kind,
                                  .txn = {1, seq},
                                  .amount = amount};
    if (seq != 1) {
        event->original = (struct txn_reference){1, 1};
    }
}

/* A purchase of 10001 with fees of 61, 45 and 3. */
static void add_sale(struct scene *scene)
{
    add(scene, RECORD_RESULT, PAYMENT_PURCHASE, 1, 10001);
    scene->events[scene->count - 1].fees = (struct fees){.merchant = 61, .issuer = 45, .scheme = 3};
}

static void add_reversal(struct scene *scene, uint32_t seq, uint32_t undone)
{
    add(scene, RECORD_REVERSAL_DONE, scene->events[undone - 1].payment_kind, seq,
        scene->events[undone - 1].amount);
    scene->events[scene->count - 1].original = scene->events[undone - 1].txn;
}

static void fold(struct scene *scene)
{
    uint32_t at = 0;
    assert_int_equal(story_fold(scene->events, scene->count, scene->lines, &at), STATUS_OK);
}

static void assert_line(const struct scene *scene, uint32_t number, int64_t amount,
                        int64_t merchant, int64_t issuer, int64_t scheme)
{
    const struct story_line *line = &scene->lines[number - 1];
    assert_true(line->is_counted);
    assert_int_equal(line->amount, amount);
    assert_int_equal(line->fees.merchant, merchant);
    assert_int_equal(line->fees.issuer, issuer);
    assert_int_equal(line->fees.scheme, scheme);
}

static void test_a_sale_counts_with_its_fees(void **state)
{
    (void)state;
    struct scene scene = {0};
    add_sale(&scene);
    fold(&scene);
    assert_line(&scene, 1, 10001, 61, 45, 3);
}

static void test_a_void_returns_amount_and_fees_whole(void **state)
{
    (void)state;
    struct scene scene = {0};
    add_sale(&scene);
    add(&scene, RECORD_RESULT, PAYMENT_VOID, 2, 10001);
    fold(&scene);
    assert_line(&scene, 2, -10001, -61, -45, -3);
}

/* 61 * 5000 / 10001 = 30.497, 61 * 10000 / 10001 = 60.994, 61: so 30, 31 and 0 are returned. */
static void test_partial_refunds_return_fees_in_proportion_and_the_last_one_the_rest(void **state)
{
    (void)state;
    struct scene scene = {0};
    add_sale(&scene);
    add(&scene, RECORD_RESULT, PAYMENT_REFUND, 2, 5000);
    add(&scene, RECORD_RESULT, PAYMENT_REFUND, 3, 5000);
    add(&scene, RECORD_RESULT, PAYMENT_REFUND, 4, 1);
    fold(&scene);
    assert_line(&scene, 2, -5000, -30, -22, -1);
    assert_line(&scene, 3, -5000, -31, -23, -2);
    assert_line(&scene, 4, -1, 0, 0, 0);
}

static void test_any_split_of_refunds_returns_exactly_what_was_charged(void **state)
{
    (void)state;
    for (int64_t part = 1; part <= 3000; part += 37) {
        struct scene scene = {0};
        struct fees sum = {.agent_count = 0};
        int64_t left = 10001;
        add_sale(&scene);
        while (left > 0) {
            bool is_last = left <= part || scene.count == EVENT_COUNT_MAX - 1;
            add(&scene, RECORD_RESULT, PAYMENT_REFUND, scene.count + 1, is_last ? left : part);
            left -= is_last ? left : part;
        }
        fold(&scene);
        for (uint32_t i = 0; i < scene.count; i++) {
            sum.merchant += scene.lines[i].fees.merchant;
            sum.issuer += scene.lines[i].fees.issuer;
            sum.scheme += scene.lines[i].fees.scheme;
        }
        assert_int_equal(sum.merchant, 0);
        assert_int_equal(sum.issuer, 0);
        assert_int_equal(sum.scheme, 0);
    }
}

static void test_more_than_was_taken_is_refused(void **state)
{
    (void)state;
    struct scene scene = {0};
    uint32_t at = 0;
    add_sale(&scene);
    add(&scene, RECORD_RESULT, PAYMENT_REFUND, 2, 6000);
    add(&scene, RECORD_RESULT, PAYMENT_REFUND, 3, 4002);
    assert_int_equal(story_fold(scene.events, scene.count, scene.lines, &at), STATUS_BAD_VALUE);
    assert_int_equal(at, 2);
}

static void test_a_reversal_undoes_a_sale_to_the_fen_and_once(void **state)
{
    (void)state;
    struct scene scene = {0};
    add_sale(&scene);
    add_reversal(&scene, 2, 1);
    add_reversal(&scene, 3, 1);
    fold(&scene);
    assert_line(&scene, 2, -10001, -61, -45, -3);
    assert_false(scene.lines[2].is_counted);
}

static void test_a_reversal_of_what_was_never_approved_counts_nothing(void **state)
{
    (void)state;
    struct scene scene = {0};
    add(&scene, RECORD_REVERSAL_DONE, PAYMENT_PURCHASE, 2, 10001);
    fold(&scene);
    assert_false(scene.lines[0].is_counted);
}

static void test_a_void_that_is_reversed_lets_the_sale_stand_again(void **state)
{
    (void)state;
    struct scene scene = {0};
    add_sale(&scene);
    add(&scene, RECORD_RESULT, PAYMENT_VOID, 2, 10001);
    add_reversal(&scene, 3, 2);
    add(&scene, RECORD_RESULT, PAYMENT_REFUND, 4, 10001);
    fold(&scene);
    assert_line(&scene, 3, 10001, 61, 45, 3);
    assert_line(&scene, 4, -10001, -61, -45, -3);
}

static void test_an_adjustment_counts_its_difference(void **state)
{
    (void)state;
    struct scene scene = {0};
    add_sale(&scene);
    add(&scene, RECORD_ADVICE_DONE, PAYMENT_OFFLINE_ADVICE, 2, 11000);
    scene.events[1].fees = (struct fees){.merchant = 67, .issuer = 50, .scheme = 4};
    add(&scene, RECORD_ADVICE_DONE, PAYMENT_OFFLINE_ADVICE, 3, 10500);
    scene.events[2].fees = (struct fees){.merchant = 64, .issuer = 47, .scheme = 3};
    add(&scene, RECORD_RESULT, PAYMENT_REFUND, 4, 10500);
    fold(&scene);
    assert_line(&scene, 2, 999, 6, 5, 1);
    assert_line(&scene, 3, -500, -3, -3, -1);
    assert_line(&scene, 4, -10500, -64, -47, -3);
}

static void test_a_pre_authorisation_counts_nothing_and_its_completion_all(void **state)
{
    (void)state;
    struct scene scene = {0};
    add(&scene, RECORD_RESULT, PAYMENT_PREAUTH, 2, 5000);
    scene.events[0].original = (struct txn_reference){0, 0};
    add(&scene, RECORD_RESULT, PAYMENT_CAPTURE, 3, 5500);
    scene.events[1].fees = (struct fees){.merchant = 33, .issuer = 25, .scheme = 2};
    scene.events[1].original = (struct txn_reference){1, 2};
    fold(&scene);
    assert_false(scene.lines[0].is_counted);
    assert_line(&scene, 2, 5500, 33, 25, 2);
    assert_false(story_is_follow_up(PAYMENT_CAPTURE, (struct txn_reference){1, 2}));
    assert_true(story_is_follow_up(PAYMENT_CAPTURE_VOID, (struct txn_reference){1, 2}));
}

static void test_an_outcome_told_twice_counts_once(void **state)
{
    (void)state;
    struct scene scene = {0};
    add_sale(&scene);
    add_sale(&scene);
    fold(&scene);
    assert_false(scene.lines[1].is_counted);
}

static void test_follow_ups_of_an_original_that_was_purged_return_no_fees(void **state)
{
    (void)state;
    struct scene scene = {0};
    add(&scene, RECORD_RESULT, PAYMENT_REFUND, 2, 5000);
    fold(&scene);
    assert_line(&scene, 1, -5000, 0, 0, 0);
}

static void test_parts_of_the_largest_amounts_do_not_overflow(void **state)
{
    (void)state;
    int64_t most = MONEY_MINOR_MAX;
    assert_int_equal(fees_part_of(most, most, most), most);
    assert_int_equal(fees_part_of(most, most / 3, most), most / 3);
    assert_int_equal(fees_part_of(-5, 1, 2), -3);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_sale_counts_with_its_fees),
        cmocka_unit_test(test_a_void_returns_amount_and_fees_whole),
        cmocka_unit_test(test_partial_refunds_return_fees_in_proportion_and_the_last_one_the_rest),
        cmocka_unit_test(test_any_split_of_refunds_returns_exactly_what_was_charged),
        cmocka_unit_test(test_more_than_was_taken_is_refused),
        cmocka_unit_test(test_a_reversal_undoes_a_sale_to_the_fen_and_once),
        cmocka_unit_test(test_a_reversal_of_what_was_never_approved_counts_nothing),
        cmocka_unit_test(test_a_void_that_is_reversed_lets_the_sale_stand_again),
        cmocka_unit_test(test_an_adjustment_counts_its_difference),
        cmocka_unit_test(test_a_pre_authorisation_counts_nothing_and_its_completion_all),
        cmocka_unit_test(test_an_outcome_told_twice_counts_once),
        cmocka_unit_test(test_follow_ups_of_an_original_that_was_purged_return_no_fees),
        cmocka_unit_test(test_parts_of_the_largest_amounts_do_not_overflow),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
