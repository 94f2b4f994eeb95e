/* Searches in the log: what a query means and the whole story of it, wherever its rows stand. */
#include "tests/unit/switch/store/log_story.h"

struct found {
    bool is_answered, is_failed;
    uint32_t count, refusals; /* times the answer is not taken at first */
    struct record records[LOOKUP_RECORD_COUNT_MAX];
};

static bool on_found(void *argument, const struct lookup_answer *answer)
{
    struct found *found = argument;
    if (found->refusals > 0) {
        found->refusals--;
        return false;
    }
    found->is_answered = true;
    found->is_failed = answer->is_failed;
    found->count = answer->count;
    memcpy(found->records, answer->records, answer->count * sizeof(found->records[0]));
    return true;
}

static void look(struct story *story, const struct lookup_query *query, struct found *found)
{
    found->is_answered = false;
    assert_true(store_lookup(story->store, query, on_found, found));
    while (!found->is_answered) {
        uv_run(&story->loop, UV_RUN_NOWAIT);
        store_deliver(story->store);
        story_pause(100);
    }
}

static struct lookup_query by_key(uint32_t of)
{
    struct lookup_query query = {.kind = LOOKUP_BY_KEY, .batch = 1, .stan = of};
    snprintf(query.terminal_id, sizeof(query.terminal_id), "%08u", of % 7);
    snprintf(query.merchant_id, sizeof(query.merchant_id), STORY_MERCHANT);
    return query;
}

static struct lookup_query by_rrn(uint32_t of)
{
    struct lookup_query query = {.kind = LOOKUP_BY_RRN};
    snprintf(query.rrn, sizeof(query.rrn), "10001%07u", of);
    return query;
}

static void expect_story(const struct found *found, const uint32_t *seqs, uint32_t count)
{
    assert_false(found->is_failed);
    assert_int_equal(found->count, count);
    for (uint32_t i = 0; i < count; i++) {
        assert_int_equal(found->records[i].txn.seq, seqs[i]);
        assert_true(i == 0 || found->records[i].position > found->records[i - 1].position);
    }
}

static void pass_segment(struct story *story, uint32_t *seq)
{
    uint32_t before;
    uint32_t open_ordinal;
    uint32_t sealed_last;
    store_segments(story->store, &before, &sealed_last);
    do {
        story_purchase(story, (*seq)++);
        story_wait_durable(story);
        store_segments(story->store, &open_ordinal, &sealed_last);
    } while (open_ordinal == before);
    story_wait_sealed(story, before);
}

static void test_a_story_is_found_whole_in_the_open_segment(void **state)
{
    struct story *story = *state;
    static struct found found;
    story->setup.segment_row_count_max = 100000;
    story_begin(story, story_ignore, NULL);
    for (uint32_t seq = 100; seq < 400; seq++) {
        story_purchase(story, seq);
    }
    story_purchase(story, 1);
    story_follow(story, 2, 1, true);     /* voided */
    story_reverse(story, 3, 2, 1, true); /* and the void undone */
    story_wait_durable(story);
    static const uint32_t seqs[] = {1, 1, 2, 2, 3, 3, 3};
    struct lookup_query query = by_key(1);
    look(story, &query, &found);
    expect_story(&found, seqs, 7);
    query = by_rrn(1);
    look(story, &query, &found);
    expect_story(&found, seqs, 7);
    story_end(story);
}

static void test_a_story_is_found_across_sealed_segments_and_the_open_one(void **state)
{
    struct story *story = *state;
    static struct found found;
    uint32_t seq = 1000;
    story_begin(story, story_ignore, NULL);
    story_purchase(story, 1);
    pass_segment(story, &seq);
    story_follow(story, 2, 1, true);
    pass_segment(story, &seq);
    pass_segment(story, &seq);
    story_follow(story, 3, 1, false); /* in doubt: its original is carried, and not told twice */
    pass_segment(story, &seq);
    story_reverse(story, 4, 3, 1, true);
    story_wait_durable(story);
    static const uint32_t seqs[] = {1, 1, 2, 2, 3, 4, 4, 4};
    struct lookup_query query = by_key(1);
    look(story, &query, &found);
    expect_story(&found, seqs, 8);
    query = by_rrn(1);
    look(story, &query, &found);
    expect_story(&found, seqs, 8);
    query = by_key(999999);
    look(story, &query, &found);
    expect_story(&found, NULL, 0);
    story_end(story);
    /* The same after a restart. */
    story_begin(story, story_ignore, NULL);
    query = by_key(1);
    look(story, &query, &found);
    expect_story(&found, seqs, 8);
    story_end(story);
}

static void put_blind_refusal(struct story *story, uint32_t seq, uint32_t of)
{
    struct record refusal = story_record(story, RECORD_REFUSED, seq, of);
    refusal.state = TXN_DECLINED;
    refusal.reason = TXN_REASON_LOG_UNREAD;
    refusal.channel[0] = '\0';
    refusal.channel_stan = 0;
    snprintf(refusal.rrn, sizeof(refusal.rrn), "10001%07u", seq);
    story_put(story, refusal);
}

static void test_a_blind_refusal_hides_nothing_of_its_key(void **state)
{
    struct story *story = *state;
    static struct found found;
    uint32_t seq = 1000;
    static const uint32_t of_sale[] = {1, 1};
    static const uint32_t of_refusal[] = {5};
    story_begin(story, story_ignore, NULL);
    story_purchase(story, 1);
    put_blind_refusal(story, 2, 1);
    put_blind_refusal(story, 3, 1);
    put_blind_refusal(story, 4, 9);
    put_blind_refusal(story, 5, 9);
    for (int pass = 0; pass < 3; pass++) {
        story_wait_durable(story);
        struct lookup_query query = by_key(1);
        look(story, &query, &found);
        expect_story(&found, of_sale, 2);
        query = by_key(9);
        look(story, &query, &found);
        expect_story(&found, of_refusal, 1);
        query = by_rrn(2); /* the reference means the refusal itself */
        look(story, &query, &found);
        assert_int_equal(found.count, 1);
        pass_segment(story, &seq);
        if (pass == 0) { /* sealed below, in the open segment above */
            put_blind_refusal(story, 6, 1);
        }
    }
    story_end(story);
}

static void test_a_card_means_its_latest_approved_preauthorisation(void **state)
{
    struct story *story = *state;
    static struct found found;
    uint32_t seq = 1000;
    struct lookup_query query = {.kind = LOOKUP_BY_CARD};
    story_begin(story, story_ignore, NULL);
    for (uint32_t at = 1; at <= 3; at++) {
        struct record intent = story_record(story, RECORD_INTENT, at, at);
        struct record result = story_record(story, RECORD_RESULT, at, at);
        intent.payment_kind = result.payment_kind = at == 3 ? PAYMENT_PURCHASE : PAYMENT_PREAUTH;
        intent.pan_hash = result.pan_hash = (struct pan_hash){{7}};
        memcpy(result.auth_code, "A1B2C3", 7);
        story_put(story, intent);
        story_put(story, result);
        query.pan_hash = result.pan_hash;
        memcpy(query.auth_code, result.auth_code, 7);
        memcpy(query.merchant_id, result.merchant_id, sizeof(query.merchant_id));
    }
    story_wait_durable(story);
    static const uint32_t seqs[] = {2, 2};
    look(story, &query, &found);
    expect_story(&found, seqs, 2);
    pass_segment(story, &seq);
    look(story, &query, &found);
    expect_story(&found, seqs, 2);
    query.pan_hash.bytes[0] = 8;
    look(story, &query, &found);
    expect_story(&found, NULL, 0);
    story_end(story);
}

static void test_attempts_give_way_and_too_long_a_story_fails(void **state)
{
    struct story *story = *state;
    static struct found found;
    story->setup.segment_row_count_max = 100000;
    story_begin(story, story_ignore, NULL);
    story_purchase(story, 1);
    story_reverse(story, 2, 1, 100, true);
    story_purchase(story, 3);
    for (uint32_t seq = 4; seq < 40; seq++) {
        story_follow(story, seq, 3, true);
    }
    story_wait_durable(story);
    static const uint32_t seqs[] = {1, 1, 2, 2};
    struct lookup_query query = by_key(1);
    look(story, &query, &found);
    expect_story(&found, seqs, 4);
    query = by_key(3);
    look(story, &query, &found);
    assert_true(found.is_failed);
    assert_int_equal(found.count, 0);
    story_end(story);
}

static void test_an_answer_that_is_not_taken_is_offered_again(void **state)
{
    struct story *story = *state;
    static struct found found;
    story_begin(story, story_ignore, NULL);
    story_purchase(story, 1);
    story_wait_durable(story);
    found.refusals = 3;
    struct lookup_query query = by_key(1);
    look(story, &query, &found);
    assert_int_equal(found.refusals, 0);
    assert_int_equal(found.count, 2);
    story_end(story);
}

static void test_searches_under_way_are_bounded(void **state)
{
    struct story *story = *state;
    static struct found found;
    uint32_t taken = 0;
    struct lookup_query query = by_key(1);
    story_begin(story, story_ignore, NULL);
    story_purchase(story, 1);
    story_wait_durable(story);
    found.refusals = UINT32_MAX; /* nobody takes an answer */
    while (taken <= LOOKUP_UNDER_WAY_MAX && store_lookup(story->store, &query, on_found, &found)) {
        taken++;
    }
    assert_int_equal(taken, LOOKUP_UNDER_WAY_MAX);
    found.refusals = 0;
    for (int i = 0; i < 1000 && !store_lookup(story->store, &query, on_found, &found); i++) {
        uv_run(&story->loop, UV_RUN_NOWAIT);
        store_deliver(story->store);
        story_pause(1000);
    }
    assert_true(found.is_answered);
    story_end(story);
}

/* Segments are sealed and removed under the searches. */
static void test_searches_go_on_while_segments_are_sealed_and_removed(void **state)
{
    struct story *story = *state;
    static struct found found;
    char reason[STORE_REASON_SIZE] = "";
    uint32_t removed = 0;
    story->setup.segment_row_count_max = 60;
    story_begin(story, story_ignore, NULL);
    for (uint32_t seq = 1; seq <= 600; seq++) {
        story_purchase(story, seq);
        story_wait_durable(story);
        struct lookup_query query = by_key(seq);
        look(story, &query, &found);
        assert_false(found.is_failed);
        assert_int_equal(found.count, 2);
        query = by_rrn(seq > 20 ? seq - 20 : 1);
        look(story, &query, &found);
        assert_false(found.is_failed);
        assert_int_equal(found.count, 2);
        if (seq == 500) {
            story_wait_sealed(story, 2);
            assert_int_equal(store_purge(story->folder, 1, &removed, reason), STATUS_OK);
            assert_true(removed > 0);
        }
    }
    struct lookup_query query = by_key(1);
    look(story, &query, &found);
    assert_false(found.is_failed);
    assert_int_equal(found.count, 0);
    story_end(story);
}

int main(void)
{
#define STORY(test) cmocka_unit_test_setup_teardown(test, story_set, story_strike)
    const struct CMUnitTest tests[] = {
        STORY(test_a_story_is_found_whole_in_the_open_segment),
        STORY(test_a_story_is_found_across_sealed_segments_and_the_open_one),
        STORY(test_a_blind_refusal_hides_nothing_of_its_key),
        STORY(test_a_card_means_its_latest_approved_preauthorisation),
        STORY(test_attempts_give_way_and_too_long_a_story_fails),
        STORY(test_an_answer_that_is_not_taken_is_offered_again),
        STORY(test_searches_under_way_are_bounded),
        STORY(test_searches_go_on_while_segments_are_sealed_and_removed),
    };
    return cmocka_run_group_tests_name("switch/store/lookup_desk", tests, NULL, NULL);
}
