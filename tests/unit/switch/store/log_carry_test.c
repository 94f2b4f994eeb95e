/* Which stories a restart still needs. */
#include <stdlib.h>
#include <string.h>

#include "switch/engine/txn_state.h"
#include "switch/store/log_carry.h"
#include "tests/unit/unit_test.h"

#define WINDOW_US 1000

struct scene {
    struct carry *carry;
    uint64_t position;
};

static int scene_set(void **state)
{
    struct scene *scene = calloc(1, sizeof(*scene));
    if (scene == NULL) {
        return -1;
    }
    scene->carry = carry_create(WINDOW_US);
    *state = scene;
    return scene->carry == NULL ? -1 : 0;
}

static int scene_strike(void **state)
{
    struct scene *scene = *state;
    carry_destroy(scene->carry);
    free(scene);
    return 0;
}

/* A row of `seq` at terminal T, answers its position. */
static uint64_t put(struct scene *scene, enum record_kind kind, uint32_t seq, uint8_t row_state,
                    uint32_t original)
{
    struct carry_row row = {.position = ++scene->position,
                            .kind = kind,
                            .payment_kind = PAYMENT_PURCHASE,
                            .state = row_state,
                            .wall_us = (int64_t)scene->position,
                            .txn = {1, seq},
                            .original = {original == 0 ? 0 : 1, original},
                            .terminal_id = "10000001",
                            .merchant_id = "102290058120001",
                            .channel = "bank_a",
                            .batch = 1,
                            .stan = seq,
                            .channel_stan = seq};
    assert_int_equal(carry_take(scene->carry, &row), STATUS_OK);
    return row.position;
}

/* A purchase that is over, so that nothing before it is the last of anything. */
static void put_last(struct scene *scene)
{
    put(scene, RECORD_INTENT, 900, TXN_FORWARDED, 0);
    put(scene, RECORD_RESULT, 900, TXN_APPROVED, 0);
    assert_int_equal(carry_settle(scene->carry), STATUS_OK);
}

static bool keeps(const struct scene *scene, uint64_t position, uint32_t seq)
{
    return carry_keeps(scene->carry, position, (struct txn_reference){1, seq});
}

static void test_what_is_in_flight_is_kept_and_what_is_over_is_not(void **state)
{
    struct scene *scene = *state;
    uint64_t over = put(scene, RECORD_INTENT, 1, TXN_FORWARDED, 0);
    put(scene, RECORD_RESULT, 1, TXN_APPROVED, 0);
    uint64_t flying = put(scene, RECORD_INTENT, 2, TXN_FORWARDED, 0);
    put_last(scene);
    assert_false(keeps(scene, over, 1));
    assert_true(keeps(scene, flying, 2));
}

static void test_a_pending_reversal_keeps_its_original_until_it_is_done(void **state)
{
    struct scene *scene = *state;
    uint64_t pending = put(scene, RECORD_INTENT, 1, TXN_FORWARDED, 0);
    put(scene, RECORD_REVERSAL, 2, TXN_REVERSAL_READY, 1);
    uint64_t done = put(scene, RECORD_INTENT, 3, TXN_FORWARDED, 0);
    put(scene, RECORD_REVERSAL, 4, TXN_REVERSAL_READY, 3);
    put(scene, RECORD_REVERSAL_DONE, 4, TXN_REVERSED, 3);
    uint64_t outlived = put(scene, RECORD_INTENT, 5, TXN_FORWARDED, 0);
    put(scene, RECORD_REVERSAL, 6, TXN_REVERSAL_READY, 5);
    put(scene, RECORD_REVERSAL_CASE, 6, TXN_SERVICE_CASE, 5);
    put_last(scene);
    assert_true(keeps(scene, pending, 1));
    assert_false(keeps(scene, done, 3));
    assert_true(keeps(scene, outlived, 5));
}

static void test_a_void_in_doubt_keeps_the_whole_story_of_its_original(void **state)
{
    struct scene *scene = *state;
    uint64_t original = put(scene, RECORD_INTENT, 1, TXN_FORWARDED, 0);
    put(scene, RECORD_RESULT, 1, TXN_APPROVED, 0);
    uint64_t refund = put(scene, RECORD_INTENT, 2, TXN_FORWARDED, 1);
    put(scene, RECORD_RESULT, 2, TXN_APPROVED, 1);
    put(scene, RECORD_INTENT, 3, TXN_FORWARDED, 1); /* a second one, without an answer */
    put_last(scene);
    assert_true(keeps(scene, original, 1));
    assert_true(keeps(scene, refund, 2));
}

static void test_a_tombstone_is_kept_as_long_as_it_matters(void **state)
{
    struct scene *scene = *state;
    uint64_t old = put(scene, RECORD_TOMBSTONE, 1, TXN_BLOCKED, 0);
    scene->position += 2 * WINDOW_US;
    uint64_t young = put(scene, RECORD_TOMBSTONE, 2, TXN_BLOCKED, 0);
    put_last(scene);
    assert_false(keeps(scene, old, 1));
    assert_true(keeps(scene, young, 2));
}

static void test_an_original_of_an_earlier_segment_is_asked_for(void **state)
{
    struct scene *scene = *state;
    struct txn_reference missing;
    uint32_t at = 0;
    put(scene, RECORD_INTENT, 7, TXN_FORWARDED, 3); /* 3 stands in a segment before */
    put(scene, RECORD_INTENT, 8, TXN_FORWARDED, 4);
    put(scene, RECORD_RESULT, 8, TXN_APPROVED, 4);
    put_last(scene);
    assert_true(carry_next_missing(scene->carry, &at, &missing));
    assert_int_equal(missing.seq, 3);
    assert_false(carry_next_missing(scene->carry, &at, &missing));
}

static void test_the_last_word_on_a_terminal_is_kept(void **state)
{
    struct scene *scene = *state;
    uint64_t first = put(scene, RECORD_SIGNON, 1, TXN_FREE, 0);
    uint64_t second = put(scene, RECORD_SIGNON, 2, TXN_FREE, 0);
    uint64_t settled = put(scene, RECORD_SETTLEMENT, 3, TXN_FREE, 0);
    uint64_t highest = put(scene, RECORD_INTENT, 950, TXN_FORWARDED, 0);
    put(scene, RECORD_RESULT, 950, TXN_APPROVED, 0);
    uint64_t lower = put(scene, RECORD_INTENT, 5, TXN_FORWARDED, 0);
    put(scene, RECORD_RESULT, 5, TXN_APPROVED, 0);
    put_last(scene);
    assert_false(keeps(scene, first, 1));
    assert_true(keeps(scene, second, 2));
    assert_true(keeps(scene, settled, 3));
    assert_true(keeps(scene, highest, 950));
    assert_false(keeps(scene, lower, 5));
}

/* A row of a transaction of batch 1 that is written while batch 2 is open. */
static void put_late(struct scene *scene, enum record_kind kind, enum payment_kind payment_kind,
                     uint16_t attempt)
{
    struct carry_row row = {.position = ++scene->position,
                            .kind = kind,
                            .payment_kind = payment_kind,
                            .state = TXN_APPROVED, /* over, so that nothing else keeps it */
                            .attempt = attempt,
                            .txn = {1, 7},
                            .terminal_id = "10000001",
                            .merchant_id = "102290058120001",
                            .channel = "bank_a",
                            .batch = 1,
                            .stan = 7};
    assert_int_equal(carry_take(scene->carry, &row), STATUS_OK);
}

static void test_late_rows_of_the_batch_before_do_not_hide_the_highest_trace_number(void **state)
{
    struct scene *scene = *state;
    put_late(scene, RECORD_INTENT, PAYMENT_REFUND, 1);
    struct carry_row row = {.position = ++scene->position,
                            .kind = RECORD_INTENT,
                            .state = TXN_APPROVED,
                            .attempt = 1,
                            .txn = {1, 950},
                            .terminal_id = "10000001",
                            .merchant_id = "102290058120001",
                            .channel = "bank_a",
                            .batch = 2,
                            .stan = 950};
    assert_int_equal(carry_take(scene->carry, &row), STATUS_OK);
    put_late(scene, RECORD_INTENT, PAYMENT_REFUND, 2); /* another candidate */
    put_late(scene, RECORD_ADVICE, PAYMENT_REFUND, 2); /* without an answer */
    put(scene, RECORD_EPOCH, 0, TXN_FREE, 0);
    assert_int_equal(carry_settle(scene->carry), STATUS_OK);
    assert_true(keeps(scene, row.position, 950));
    assert_false(keeps(scene, 1, 7));
}

static void test_a_row_of_no_transaction_may_be_the_last_word(void **state)
{
    struct scene *scene = *state;
    uint64_t first = put(scene, RECORD_BATCH_END, 0, TXN_FREE, 0);
    uint64_t second = put(scene, RECORD_BATCH_END, 0, TXN_FREE, 0);
    uint64_t old_day = put(scene, RECORD_CUT_OVER, 0, TXN_FREE, 0);
    uint64_t day = put(scene, RECORD_CUT_OVER, 0, TXN_FREE, 0);
    put_last(scene);
    assert_false(keeps(scene, first, 0));
    assert_true(keeps(scene, second, 0));
    assert_false(keeps(scene, old_day, 0));
    assert_true(keeps(scene, day, 0));
}

static uint64_t put_order(struct scene *scene, enum record_kind kind, const char *terminal_id,
                          const char *merchant_id)
{
    struct carry_row row = {.position = ++scene->position,
                            .kind = kind,
                            .wall_us = (int64_t)scene->position,
                            .terminal_id = terminal_id,
                            .merchant_id = merchant_id,
                            .channel = ""};
    assert_int_equal(carry_take(scene->carry, &row), STATUS_OK);
    return row.position;
}

static void test_the_last_row_of_orders_is_kept_for_each_subject(void **state)
{
    struct scene *scene = *state;
    uint64_t first = put_order(scene, RECORD_ORDER, "10000001", "102290058120001");
    uint64_t merchant = put_order(scene, RECORD_ORDER, "", "102290058120001");
    uint64_t other = put_order(scene, RECORD_ORDER, "", "102290058120002");
    uint64_t done = put_order(scene, RECORD_ORDER_DONE, "10000001", "102290058120001");
    uint64_t over = put_order(scene, RECORD_ORDER_OVER, "10000002", "102290058120001");
    put_last(scene);
    assert_false(keeps(scene, first, 0));
    assert_true(keeps(scene, merchant, 0));
    assert_true(keeps(scene, other, 0));
    assert_true(keeps(scene, done, 0));
    assert_true(keeps(scene, over, 0));
}

static void test_thousands_of_stories_are_told_apart(void **state)
{
    struct scene *scene = *state;
    for (uint32_t seq = 1000; seq < 21000; seq++) {
        put(scene, RECORD_INTENT, seq, TXN_FORWARDED, 0);
        if (seq % 10 != 0) {
            put(scene, RECORD_RESULT, seq, TXN_APPROVED, 0);
        }
    }
    put_last(scene);
    for (uint32_t seq = 1000; seq < 20990; seq++) {
        assert_int_equal(keeps(scene, 1, seq), seq % 10 == 0);
    }
}

int main(void)
{
#define SCENE(test) cmocka_unit_test_setup_teardown(test, scene_set, scene_strike)
    const struct CMUnitTest tests[] = {
        SCENE(test_what_is_in_flight_is_kept_and_what_is_over_is_not),
        SCENE(test_a_pending_reversal_keeps_its_original_until_it_is_done),
        SCENE(test_a_void_in_doubt_keeps_the_whole_story_of_its_original),
        SCENE(test_a_tombstone_is_kept_as_long_as_it_matters),
        SCENE(test_an_original_of_an_earlier_segment_is_asked_for),
        SCENE(test_the_last_word_on_a_terminal_is_kept),
        SCENE(test_late_rows_of_the_batch_before_do_not_hide_the_highest_trace_number),
        SCENE(test_a_row_of_no_transaction_may_be_the_last_word),
        SCENE(test_the_last_row_of_orders_is_kept_for_each_subject),
        SCENE(test_thousands_of_stories_are_told_apart),
    };
    return cmocka_run_group_tests_name("switch/store/log_carry", tests, NULL, NULL);
}
