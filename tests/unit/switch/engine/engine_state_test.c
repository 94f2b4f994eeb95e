/* References and channel STANs: never given twice while that could matter (I24). */
#include "tests/unit/unit_test.h"

#include <string.h>

#include "switch/engine/engine_state.h"

static struct engine_effects effects;

static int set_up(void **state)
{
    struct engine_limits limits = {
        .txn_count_max = 8,
        .terminal_count_max = 2,
        .response_timeout_ns = 10,
        .inflight_life_ns = 100,
        .saf_retry_min_ns = 1,
        .saf_retry_max_ns = 1,
        .saf_life_ns = 1000,
        .duplicate_window_ns = 1000,
        .saf_window = 1,
        .node = 3,
    };
    struct engine *engine = engine_create(&limits);
    assert_non_null(engine);
    memset(&effects, 0, sizeof(effects));
    engine->effects = &effects;
    engine->is_running = true;
    assert_int_equal(channel_set_enroll(&engine->channels, "bank"), 0);
    *state = engine;
    return 0;
}

static int tear_down(void **state)
{
    engine_destroy(*state);
    return 0;
}

static void test_an_epoch_that_is_used_up_is_followed_by_a_recorded_one(void **state)
{
    struct engine *engine = *state;
    engine->reference = (struct txn_reference){.epoch = 41, .seq = 9999998};
    struct txn_reference last = engine_next_reference(engine);
    assert_int_equal(last.seq, 9999999);
    assert_int_equal(effects.count, 0);
    struct txn_reference next = engine_next_reference(engine);
    assert_int_equal(next.epoch, 42);
    assert_int_equal(next.seq, 1);
    assert_int_equal(effects.count, 1);
    assert_int_equal(effects.items[0].record->kind, RECORD_EPOCH);
    assert_int_equal(engine->epoch_position, effects.items[0].after);
    char rrn[13];
    engine_format_rrn(engine, rrn, last);
    assert_string_equal(rrn, "300419999999");
    engine_format_rrn(engine, rrn, next);
    assert_string_equal(rrn, "300420000001");
}

static struct txn *forwarded(struct engine *engine, uint32_t stan)
{
    struct txn *txn = engine_take_txn(engine);
    assert_non_null(txn);
    engine_set_stan(engine, txn, stan);
    engine_move(engine, txn, TXN_FORWARDED, 10);
    return txn;
}

static void test_stans_in_doubt_are_skipped_when_the_counter_comes_round(void **state)
{
    struct engine *engine = *state;
    forwarded(engine, 1);
    forwarded(engine, 2);
    struct txn *answered = forwarded(engine, 3);
    engine->channels.states[0].stan = CHANNEL_STAN_MAX - 1;
    assert_int_equal(engine_next_stan(engine, 0), CHANNEL_STAN_MAX);
    engine_move(engine, answered, TXN_APPROVED, 1000);
    assert_int_equal(engine_next_stan(engine, 0), 3);
    assert_null(engine_find_stan(engine, 0, 3)); /* lent out again */
    assert_int_equal(answered->channel_stan, 3); /* but still what it was sent with */
}

static void test_a_reversed_one_keeps_its_stan_while_the_original_may_be_in_flight(void **state)
{
    struct engine *engine = *state;
    struct txn *txn = forwarded(engine, 1);
    engine_move(engine, txn, TXN_REVERSAL_READY, 0);
    engine_move(engine, txn, TXN_REVERSED, 1000);
    engine->channels.states[0].stan = CHANNEL_STAN_MAX;
    engine->now_ns = 99;
    assert_int_equal(engine_next_stan(engine, 0), 2);
    engine->channels.states[0].stan = CHANNEL_STAN_MAX;
    engine->now_ns = 100;
    assert_int_equal(engine_next_stan(engine, 0), 1);
}

static void test_a_move_that_the_table_does_not_permit_is_our_bug(void **state)
{
    struct engine *engine = *state;
    struct txn *txn = forwarded(engine, 1);
    engine_move(engine, txn, TXN_REVERSAL_READY, 0);
    expect_assert_failure(engine_move(engine, txn, TXN_APPROVED, 0));
    expect_assert_failure(engine_forget(engine, txn));
}

static void test_a_handle_dies_with_its_transaction(void **state)
{
    struct engine *engine = *state;
    struct txn *txn = forwarded(engine, 1);
    struct txn_handle handle = engine_handle(engine, txn);
    assert_ptr_equal(txn_slab_find(&engine->slab, handle), txn);
    engine_move(engine, txn, TXN_DECLINED, 1000);
    engine_forget(engine, txn);
    assert_null(txn_slab_find(&engine->slab, handle));
    assert_ptr_equal(forwarded(engine, 2), txn);
    assert_null(txn_slab_find(&engine->slab, handle));
    assert_null(txn_slab_find(&engine->slab, (struct txn_handle){0, 0}));
    assert_null(txn_slab_find(&engine->slab, (struct txn_handle){UINT32_MAX, 0}));
}

static void test_channels_keep_their_numbers_when_the_rules_move_them(void **state)
{
    (void)state;
    struct channel_table *first = channel_table_create();
    struct channel_table *second = channel_table_create();
    struct channel_row bank = {.name = "bank"}, other = {.name = "other"};
    assert_int_equal(channel_table_add(first, &bank), STATUS_OK);
    assert_int_equal(channel_table_add(second, &other), STATUS_OK);
    assert_int_equal(channel_table_add(second, &bank), STATUS_OK);
    struct channel_set set;
    channel_set_init(&set);
    channel_set_map(&set, first);
    channel_set_up(&set, 0, true);
    uint8_t number = channel_set_find(&set, "bank");
    assert_int_equal(set.up_mask, 1);
    channel_set_map(&set, second);
    assert_int_equal(channel_set_number(&set, 1), number);
    assert_int_equal(set.up_mask, 2);
    assert_int_equal(set.states[number].ruleset_index, 1);
    assert_int_equal(channel_set_number(&set, 2), CHANNEL_NONE);
    channel_table_destroy(first);
    channel_table_destroy(second);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
    const struct CMUnitTest tests[] = {
        TEST(test_an_epoch_that_is_used_up_is_followed_by_a_recorded_one),
        TEST(test_stans_in_doubt_are_skipped_when_the_counter_comes_round),
        TEST(test_a_reversed_one_keeps_its_stan_while_the_original_may_be_in_flight),
        TEST(test_a_move_that_the_table_does_not_permit_is_our_bug),
        TEST(test_a_handle_dies_with_its_transaction),
        TEST(test_channels_keep_their_numbers_when_the_rules_move_them),
    };
    return cmocka_run_group_tests_name("switch/engine/engine_state", tests, NULL, NULL);
}
