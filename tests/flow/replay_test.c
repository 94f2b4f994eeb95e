/* Logs that were read in part, or by a switch with lower limits: whatever stands there, a start
 * makes the best of it and forgets nothing that is in doubt. */
#include "tests/flow/stage.h"

#include <stdio.h>
#include <string.h>

/* An engine of its own that reads what a story makes of the stage's records. */
struct reader {
    struct engine *engine;
    uint64_t position;
};

static struct reader begin(const struct stage *stage, struct stage_size size)
{
    struct engine_limits limits = stage->limits;
    limits.txn_count_max = size.txn_count_max;
    limits.terminal_count_max = size.terminal_count_max;
    struct reader reader = {.engine = engine_create(&limits)};
    assert_non_null(reader.engine);
    struct engine_effects effects;
    struct engine_event event = {.kind = ENGINE_RULESET, .now_ns = 1, .ruleset = stage->ruleset};
    engine_step(reader.engine, &event, &effects);
    return reader;
}

static void read_one(struct reader *reader, struct record record)
{
    struct engine_effects effects;
    record.position = ++reader->position;
    assert_true(engine_may_replay(reader->engine, &record));
    struct engine_event event = {.kind = ENGINE_REPLAY, .now_ns = 1, .record = &record};
    engine_step(reader->engine, &event, &effects);
    assert_int_equal(effects.count, 0);
}

static struct engine_counts end(struct reader *reader)
{
    struct engine_counts counts;
    engine_count(reader->engine, &counts);
    engine_destroy(reader->engine);
    return counts;
}

/* An approved purchase that its terminal reversed, an advice that was taken, and a refund without
 * an answer: rows of every kind. */
static void fill_log(struct stage *stage)
{
    struct payment purchase = stage_purchase(TERMINAL_A, 101);
    stage_expect_answer(stage, &purchase, "00");
    struct payment refund = stage_follow_up(stage, PAYMENT_REFUND, stage->reply_count - 1, 102);
    stage_ask(stage, &refund);
    stage_pass(stage, 46 * SECOND_NS);
    stage_respond(stage, stage->forward_count - 1, "00");
    struct payment sale = stage_purchase(TERMINAL_A, 103);
    sale.kind = PAYMENT_OFFLINE_SALE;
    stage_ask(stage, &sale);
    stage_respond(stage, stage->forward_count - 1, "00");
    struct payment other = stage_purchase(TERMINAL_A, 104);
    stage_expect_answer(stage, &other, "00");
    struct payment undo = stage_reversal(&other);
    stage_ask(stage, &undo);
    stage_respond(stage, stage->forward_count - 1, "00");
}

static const struct record *last_of(const struct stage *stage, enum record_kind kind, uint32_t stan)
{
    for (uint32_t i = stage->record_count; i > 0; i--) {
        if (stage->records[i - 1].kind == kind && stage->records[i - 1].stan == stan) {
            return &stage->records[i - 1];
        }
    }
    fail_msg("no %s of %u", record_kind_name(kind), stan);
    return NULL;
}

static void test_ends_without_their_beginning_are_passed_over(void **state)
{
    struct stage *stage = *state;
    fill_log(stage);
    struct reader reader = begin(stage, (struct stage_size){8, 8});
    read_one(&reader, *last_of(stage, RECORD_RESULT, 101));
    read_one(&reader, *last_of(stage, RECORD_ADVICE_DONE, 102));
    read_one(&reader, *last_of(stage, RECORD_REVERSAL_DONE, 104));
    assert_int_equal(end(&reader).txn_remembered, 0);
}

static void test_what_is_in_doubt_needs_no_beginning(void **state)
{
    struct stage *stage = *state;
    fill_log(stage);
    struct reader reader = begin(stage, (struct stage_size){8, 8});
    read_one(&reader, *last_of(stage, RECORD_REVERSAL, 104));
    read_one(&reader, *last_of(stage, RECORD_ADVICE, 102));
    struct record advice = *last_of(stage, RECORD_ADVICE, 103);
    advice.channel_stan = 0;   /* its channel had none left */
    advice.payload_length = 3; /* another version's */
    read_one(&reader, advice);
    assert_int_equal(end(&reader).reversals_pending, 3);
}

static void test_the_same_row_twice_changes_nothing(void **state)
{
    struct stage *stage = *state;
    fill_log(stage);
    struct reader reader = begin(stage, (struct stage_size){8, 8});
    static const enum record_kind kinds[] = {RECORD_INTENT, RECORD_RESULT, RECORD_REVERSAL,
                                             RECORD_REVERSAL_DONE};
    for (uint32_t i = 0; i < 4; i++) {
        read_one(&reader, *last_of(stage, kinds[i], 104));
        if (kinds[i] != RECORD_INTENT) { /* a second intent is another candidate's */
            read_one(&reader, *last_of(stage, kinds[i], 104));
        }
    }
    read_one(&reader, *last_of(stage, RECORD_ADVICE, 103));
    read_one(&reader, *last_of(stage, RECORD_ADVICE, 103));
    struct engine_counts counts = end(&reader);
    assert_int_equal(counts.txn_remembered, 2);
    assert_int_equal(counts.reversals_pending, 1);
}

static void test_a_key_that_was_used_again_belongs_to_the_later_one(void **state)
{
    struct stage *stage = *state;
    fill_log(stage);
    struct reader reader = begin(stage, (struct stage_size){8, 8});
    struct record intent = *last_of(stage, RECORD_INTENT, 101);
    read_one(&reader, intent);
    read_one(&reader, *last_of(stage, RECORD_RESULT, 101));
    intent.txn.seq += 1000;
    read_one(&reader, intent);
    struct record late = *last_of(stage, RECORD_RESULT, 101); /* of the earlier one */
    read_one(&reader, late);
    struct engine_counts counts = end(&reader);
    assert_int_equal(counts.txn_in_flight, 1);
    assert_int_equal(counts.txn_remembered, 2);
}

static void test_a_reversal_after_a_late_approval_keeps_what_was_told(void **state)
{
    struct stage *stage = *state;
    struct payment purchase = stage_purchase(TERMINAL_A, 101);
    stage_expect_answer(stage, &purchase, "05");
    stage_respond(stage, 0, "00");
    stage_expect_same_after_restart(stage);
    stage_expect_refusal(stage, &purchase, "05");
    struct reader reader = begin(stage, (struct stage_size){8, 8});
    read_one(&reader, *last_of(stage, RECORD_INTENT, 101));
    read_one(&reader, *last_of(stage, RECORD_RESULT, 101));
    struct record undo = *last_of(stage, RECORD_REVERSAL, 101);
    undo.channel_stan = 0; /* none was left */
    read_one(&reader, undo);
    assert_int_equal(end(&reader).reversals_pending, 1);
}

static void test_lower_limits_are_told_before_anything_is_forgotten(void **state)
{
    struct stage *stage = *state;
    fill_log(stage);
    struct reader reader = begin(stage, (struct stage_size){1, 1});
    struct record advice = *last_of(stage, RECORD_ADVICE, 103);
    struct record intent = *last_of(stage, RECORD_INTENT, 101);
    struct record tombstone = {.kind = RECORD_TOMBSTONE, .position = 2};
    read_one(&reader, advice);
    assert_false(engine_may_replay(reader.engine, &intent));
    assert_false(engine_may_replay(reader.engine, &tombstone));
    struct record signon = *stage_last_record(stage, RECORD_SIGNON);
    read_one(&reader, signon); /* of terminal B: there is room for one terminal only */
    struct engine_terminal_view view;
    assert_true(engine_terminal(reader.engine, TERMINAL_A, &view));
    assert_false(engine_terminal(reader.engine, TERMINAL_B, &view));
    assert_false(engine_terminal(reader.engine, "123456789", &view));
    advice.stan = 1;
    assert_int_equal(end(&reader).reversals_pending, 1);
}

static void test_more_channels_than_there_may_be_are_told(void **state)
{
    struct stage *stage = *state;
    fill_log(stage);
    struct reader reader = begin(stage, (struct stage_size){8, 8});
    struct record cut_over = {.kind = RECORD_CUT_OVER, .settlement_day = 20251126};
    for (int i = 0; i < CHANNEL_COUNT_MAX; i++) { /* two are the rules' own */
        snprintf(cut_over.channel, sizeof(cut_over.channel), "bank_%u", (unsigned)i % 100U);
        read_one(&reader, cut_over);
    }
    struct record intent = *last_of(stage, RECORD_INTENT, 101);
    assert_true(engine_may_replay(reader.engine, &intent)); /* its channel is known */
    memcpy(intent.channel, "bank_99", 8);
    assert_false(engine_may_replay(reader.engine, &intent));
    end(&reader);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, stage_set_up, stage_tear_down)
    const struct CMUnitTest tests[] = {
        TEST(test_ends_without_their_beginning_are_passed_over),
        TEST(test_what_is_in_doubt_needs_no_beginning),
        TEST(test_the_same_row_twice_changes_nothing),
        TEST(test_a_key_that_was_used_again_belongs_to_the_later_one),
        TEST(test_a_reversal_after_a_late_approval_keeps_what_was_told),
        TEST(test_lower_limits_are_told_before_anything_is_forgotten),
        TEST(test_more_channels_than_there_may_be_are_told),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
