/* Searching a log of three segments: what fits is found wherever it lies, newest first, and a
 * transaction is told with all that followed it. */
#include <sqlite3.h>

#include "switch/admin/log_search.h"
#include "switch/admin/txn_story.h"
#include "switch/engine/engine.h"
#include "tests/stage/log_stage.h"

#define NOON_US INT64_C(1789992000000000) /* 2026-09-21 12:00 UTC */

static struct log_stage stage;

static struct record payment_record(enum record_kind kind, uint32_t seq)
{
    struct record record = {.kind = kind,
                            .wall_us = NOON_US + seq,
                            .txn = {1, seq},
                            .payment_kind = PAYMENT_PURCHASE,
                            .terminal_id = "10000001",
                            .merchant_id = "898290054110000",
                            .batch = 1,
                            .stan = seq,
                            .amount = {(int64_t)seq * 100, MONEY_CNY},
                            .pan_masked = "622202*********1234",
                            .channel = "bank_a"};
    snprintf(record.rrn, sizeof(record.rrn), "00001%07u", (unsigned)seq);
    return record;
}

static void add_result(uint32_t seq, struct record record, const char *code)
{
    record.kind = RECORD_RESULT;
    record.txn.seq = seq;
    record.reason = TXN_REASON_CHANNEL_ANSWERED;
    record.settlement_day = 20260921;
    snprintf(record.response_code, sizeof(record.response_code), "%s", code);
    log_stage_add(&stage, &record);
}

static void add_purchase(uint32_t seq, const char *code)
{
    struct record record = payment_record(RECORD_INTENT, seq);
    log_stage_add(&stage, &record);
    add_result(seq, record, code);
}

/* A refund of `original` from another terminal, with a reference of its own. */
static void add_refund(uint32_t seq, uint32_t original)
{
    struct record record = payment_record(RECORD_INTENT, seq);
    record.payment_kind = PAYMENT_REFUND;
    record.original = (struct txn_reference){1, original};
    memcpy(record.terminal_id, "10000002", 9);
    log_stage_add(&stage, &record);
    add_result(seq, record, "00");
}

static void add_reversal(uint32_t seq, uint32_t original, enum record_kind kind)
{
    struct record record = payment_record(kind, original);
    record.txn.seq = seq;
    record.original = (struct txn_reference){1, original};
    log_stage_add(&stage, &record);
}

/* Segment 1: purchases 1, 2. Segment 2: purchase 3 (declined), the refund 4 of 1, the reversal 5 of
 * 2. Segment 3, open: purchase 6. */
static int stage_set(void **state)
{
    (void)state;
    log_stage_set(&stage);
    add_purchase(1, "00");
    add_purchase(2, "00");
    log_stage_cut(&stage);
    add_purchase(3, "51");
    add_refund(4, 1);
    add_reversal(5, 2, RECORD_REVERSAL);
    log_stage_cut(&stage);
    add_reversal(5, 2, RECORD_REVERSAL_DONE);
    add_purchase(6, "00");
    return 0;
}

static int stage_strike(void **state)
{
    (void)state;
    log_stage_close(&stage);
    log_stage_strike(&stage);
    return 0;
}

/* The trace numbers of what is found, "6 4 3". */
static void found(const struct txn_query *query, char text[64])
{
    struct log_view view;
    size_t index;
    json_t *item;
    assert_true(log_view_open(&view, stage.folder));
    json_t *page = log_search_find(&view, query);
    assert_non_null(page);
    text[0] = '\0';
    json_array_foreach(json_object_get(page, "items"), index, item)
    {
        size_t length = strlen(text);
        snprintf(text + length, 64 - length, "%s%lld", index == 0 ? "" : " ",
                 (long long)json_integer_value(json_object_get(item, "stan")));
    }
    json_decref(page);
    log_view_close(&view);
}

static void test_each_filter_finds_what_fits_in_all_segments(void **state)
{
    (void)state;
    static const char *const cases[][3] = {
        {"limit", "200", "6 4 3 2 1"},
        {"limit", "2", "6 4"},
        {"terminal", "10000002", "4"},
        {"terminal", "10000003", ""},
        {"merchant", "898290054110000", "6 4 3 2 1"},
        {"amount", "300", "3"},
        {"kind", "refund", "4"},
        {"stan", "2", "2"},
        {"outcome", "approved", "6 4 1"},
        {"outcome", "reversed", "2"},
        {"code", "51", "3"},
        {"day", "20260921", "6 4 3 2 1"},
        {"day", "20260922", ""},
        {"card", "622202", "6 4 3 2 1"},
        {"card", "6222021234", "6 4 3 2 1"},
        {"card", "1235", ""},
        {"rrn", "000010000003", "3"},
        {"rrn", "000010000099", ""},
        {"from", "2026-09-22", ""},
        {"to", "2026-09-21T12:00:00Z", ""},
    };
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        struct txn_query query;
        char reason[TXN_QUERY_REASON_SIZE] = "";
        char text[64];
        txn_query_init(&query);
        assert_int_equal(txn_query_put(&query, cases[i][0], cases[i][1], reason), STATUS_OK);
        found(&query, text);
        if (strcmp(text, cases[i][2]) != 0) {
            fail_msg("%s=%s finds \"%s\", expected \"%s\"", cases[i][0], cases[i][1], text,
                     cases[i][2]);
        }
    }
}

static void test_pages_go_on_from_the_cursor_across_segments(void **state)
{
    (void)state;
    static const int wanted[] = {6, 4, 3, 2, 1};
    struct txn_query query;
    txn_query_init(&query);
    query.limit = 1;
    for (size_t i = 0; i < COUNT_OF(wanted); i++) {
        struct log_view view;
        assert_true(log_view_open(&view, stage.folder));
        json_t *page = log_search_find(&view, &query);
        const json_t *item = json_array_get(json_object_get(page, "items"), 0);
        assert_int_equal(json_integer_value(json_object_get(item, "stan")), wanted[i]);
        const char *cursor = json_string_value(json_object_get(page, "cursor"));
        query.before_position = cursor == NULL ? 0 : strtoull(cursor, NULL, 10);
        json_decref(page);
        log_view_close(&view);
    }
    assert_int_equal(query.before_position, 0);
}

static json_t *show(const char *rrn)
{
    struct log_view view;
    bool is_failed = false;
    assert_true(log_view_open(&view, stage.folder));
    json_t *txn = txn_story_show(&view, rrn, &is_failed);
    assert_false(is_failed);
    log_view_close(&view);
    return txn;
}

static void test_a_transaction_is_shown_with_what_followed_it(void **state)
{
    (void)state;
    json_t *txn = show("000010000001");
    const json_t *followers = json_object_get(txn, "followers");
    assert_int_equal(json_array_size(followers), 1);
    const json_t *refund = json_array_get(followers, 0);
    assert_string_equal(json_string_value(json_object_get(refund, "payment_kind")), "refund");
    assert_string_equal(json_string_value(json_object_get(refund, "outcome")), "approved");
    assert_int_equal(json_array_size(json_object_get(refund, "records")), 2);
    json_decref(txn);
}

static void test_a_follower_is_shown_with_its_original(void **state)
{
    (void)state;
    json_t *txn = show("000010000004");
    const json_t *original = json_array_get(json_object_get(txn, "originals"), 0);
    assert_string_equal(json_string_value(json_object_get(original, "rrn")), "000010000001");
    assert_int_equal(json_array_size(json_object_get(txn, "followers")), 0);
    json_decref(txn);
}

static void test_a_reversal_in_later_segments_belongs_to_the_story(void **state)
{
    (void)state;
    json_t *txn = show("000010000002");
    assert_int_equal(json_array_size(json_object_get(txn, "records")), 4);
    assert_string_equal(json_string_value(json_object_get(txn, "outcome")), "reversed");
    assert_int_equal(json_array_size(json_object_get(txn, "followers")), 0);
    assert_null(json_object_get(txn, "originals"));
    json_decref(txn);
}

static void test_a_folder_without_a_log_is_named(void **state)
{
    (void)state;
    struct log_view view;
    assert_false(log_view_open(&view, "/nonexistent/log"));
    assert_non_null(strstr(view.fault, "/nonexistent/log"));
    log_view_close(&view);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_each_filter_finds_what_fits_in_all_segments),
        cmocka_unit_test(test_pages_go_on_from_the_cursor_across_segments),
        cmocka_unit_test(test_a_transaction_is_shown_with_what_followed_it),
        cmocka_unit_test(test_a_follower_is_shown_with_its_original),
        cmocka_unit_test(test_a_reversal_in_later_segments_belongs_to_the_story),
        cmocka_unit_test(test_a_folder_without_a_log_is_named),
    };
    return cmocka_run_group_tests(tests, stage_set, stage_strike);
}
