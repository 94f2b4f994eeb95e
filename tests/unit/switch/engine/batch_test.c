/* A terminal's open batch: what counts in it, once, and which trace numbers it has seen. */
#include "tests/unit/unit_test.h"

#include <string.h>

#include "switch/engine/batch.h"

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
    uint32_t place = terminal_set_enroll(&engine->terminals, "10000001", "898110053110001");
    assert_int_equal(place, 1);
    batch_begin(&engine->terminals.states[1], 7);
    *state = engine;
    return 0;
}

static int tear_down(void **state)
{
    engine_destroy(*state);
    return 0;
}

static struct txn *take(struct engine *engine, uint32_t terminal, uint32_t batch)
{
    struct txn *txn = engine_take_txn(engine);
    assert_non_null(txn);
    txn->terminal = terminal;
    txn->batch = batch;
    txn->kind = PAYMENT_PURCHASE;
    txn->amount = (struct money){500, MONEY_CNY};
    return txn;
}

static void test_a_transaction_counts_once_and_is_taken_out_once(void **state)
{
    struct engine *engine = *state;
    struct txn *txn = take(engine, 1, 7);
    struct record record = {.kind = RECORD_RESULT};
    batch_take_back(engine, txn, &record);
    assert_string_equal(record.totals, "");
    batch_add(engine, txn, &record);
    assert_string_equal(record.totals, "500 1");
    struct record again = {.kind = RECORD_RESULT};
    batch_add(engine, txn, &again);
    assert_string_equal(again.totals, "");
    batch_take_back(engine, txn, &again);
    assert_string_equal(again.totals, "0");
}

static void test_what_belongs_to_no_open_batch_counts_nowhere(void **state)
{
    struct engine *engine = *state;
    struct record record = {.kind = RECORD_RESULT};
    batch_add(engine, take(engine, 1, 6), &record);
    batch_add(engine, take(engine, 0, 0), &record);
    struct txn *balance = take(engine, 1, 7);
    balance->kind = PAYMENT_BALANCE;
    batch_add(engine, balance, &record);
    assert_string_equal(record.totals, "");
}

static void test_only_what_is_above_the_highest_of_the_open_batch_is_new(void **state)
{
    struct engine *engine = *state;
    assert_true(batch_is_stan_new(engine, 1, 7, 1));
    batch_see_stan(engine, 1, 7, 50);
    batch_see_stan(engine, 1, 7, 40);
    batch_see_stan(engine, 1, 6, 90);
    batch_see_stan(engine, 0, 0, 90);
    assert_true(batch_is_stan_new(engine, 1, 7, 51));
    assert_false(batch_is_stan_new(engine, 1, 7, 50));
    assert_false(batch_is_stan_new(engine, 1, 8, 51));
    assert_false(batch_is_stan_new(engine, 0, 0, 51));
    batch_begin(&engine->terminals.states[1], 8);
    assert_true(batch_is_stan_new(engine, 1, 8, 1));
}

static void test_rows_alone_tell_the_batch_its_totals_and_its_trace_number(void **state)
{
    struct engine *engine = *state;
    struct record row = {.kind = RECORD_INTENT, .batch = 9, .stan = 33};
    memcpy(row.terminal_id, "10000001", 9);
    batch_replay(engine, &row);
    assert_int_equal(engine->terminals.states[1].batch, 9);
    assert_false(batch_is_stan_new(engine, 1, 9, 33));
    row = (struct record){.kind = RECORD_REFUSED, .batch = 12, .stan = 44, .state = TXN_DECLINED};
    memcpy(row.terminal_id, "10000001", 9);
    batch_replay(engine, &row); /* a refusal may name any batch */
    assert_int_equal(engine->terminals.states[1].batch, 9);
    row = (struct record){.kind = RECORD_RESULT, .batch = 10, .totals = "700 2"};
    memcpy(row.terminal_id, "10000001", 9);
    batch_replay(engine, &row);
    assert_int_equal(engine->terminals.states[1].batch, 10);
    assert_int_equal(engine->terminals.states[1].totals.domestic_debit.minor, 700);
    memcpy(row.terminal_id, "10000002", 9);
    batch_replay(engine, &row);
    memcpy(row.terminal_id, "10000003", 9); /* for which there is no room */
    batch_replay(engine, &row);
    assert_int_equal(engine->terminals.count, 2);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
    const struct CMUnitTest tests[] = {
        TEST(test_a_transaction_counts_once_and_is_taken_out_once),
        TEST(test_what_belongs_to_no_open_batch_counts_nowhere),
        TEST(test_only_what_is_above_the_highest_of_the_open_batch_is_new),
        TEST(test_rows_alone_tell_the_batch_its_totals_and_its_trace_number),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
