/* The day's book over several segments, and whether its checks see what is wrong: a line of the
 * book, a byte of a file. */
#include <dirent.h>

#include "switch/engine/engine.h"
#include "switch/settlement/day_book.h"
#include "switch/settlement/day_check.h"
#include "switch/settlement/summary_sheet.h"
#include "tests/stage/log_stage.h"

#define DAY 20260921

struct scene {
    struct log_stage stage;
    struct settlement_log log;
    struct settlement_span span;
    struct sheet_set set;
    char out[64];
};

static struct record payment_record(enum record_kind kind, uint32_t seq, int64_t amount)
{
    struct record record = {.kind = kind,
                            .txn = {1, seq},
                            .payment_kind = PAYMENT_PURCHASE,
                            .reason = TXN_REASON_CHANNEL_ANSWERED,
                            .terminal_id = "10000001",
                            .merchant_id = "898290054110000",
                            .batch = 1,
                            .stan = seq,
                            .amount = {amount, MONEY_CNY},
                            .pan_masked = "622202*********1234",
                            .channel = "bank_a",
                            .merchant_fee = 60,
                            .issuer_fee = 45,
                            .scheme_fee = 3,
                            .settlement_day = kind == RECORD_INTENT ? 0 : DAY};
    snprintf(record.rrn, sizeof(record.rrn), "00001%07u", (unsigned)seq);
    memcpy(record.response_code, "00", 3);
    return record;
}

static void add(struct scene *scene, uint32_t seq, int64_t amount, uint32_t original)
{
    struct record record = payment_record(RECORD_INTENT, seq, amount);
    if (original != 0) {
        record.payment_kind = PAYMENT_REFUND;
        record.original = (struct txn_reference){1, original};
    }
    log_stage_add(&scene->stage, &record);
    record.kind = RECORD_RESULT;
    record.settlement_day = DAY;
    log_stage_add(&scene->stage, &record);
}

/* Two sales in a sealed segment, a refund of the first and a sale in the open one. */
static int scene_set(void **state)
{
    struct scene *scene = calloc(1, sizeof(*scene));
    uint64_t count = 0;
    assert_non_null(scene);
    memcpy(scene->out, "/tmp/tillway-day-XXXXXX", sizeof("/tmp/tillway-day-XXXXXX"));
    assert_non_null(mkdtemp(scene->out));
    log_stage_set(&scene->stage);
    add(scene, 1, 10000, 0);
    add(scene, 2, 20000, 0);
    log_stage_cut(&scene->stage);
    add(scene, 3, 5000, 1);
    add(scene, 4, 30000, 0);
    log_stage_close(&scene->stage);
    assert_true(settlement_span_set(&scene->span, "20260921"));
    assert_int_equal(settlement_log_open(&scene->log, scene->stage.folder), STATUS_OK);
    assert_int_equal(day_book_fill(&scene->log, &scene->span, &count), STATUS_OK);
    assert_int_equal(count, 4);
    *state = scene;
    return 0;
}

static int scene_strike(void **state)
{
    struct scene *scene = *state;
    settlement_log_close(&scene->log);
    log_stage_strike(&scene->stage);
    rmdir(scene->out);
    free(scene);
    return 0;
}

static int64_t sum_of(struct scene *scene, const char *column)
{
    char sql[64];
    snprintf(sql, sizeof(sql), "SELECT sum(%s) FROM line", column);
    sqlite3_stmt *asked = settlement_log_prepare(&scene->log, sql);
    assert_int_equal(sqlite3_step(asked), SQLITE_ROW);
    int64_t sum = sqlite3_column_int64(asked, 0);
    sqlite3_finalize(asked);
    return sum;
}

/* 180 of merchant fees, less half of the first sale's 60. */
static void test_the_book_holds_each_movement_with_its_sign(void **state)
{
    struct scene *scene = *state;
    assert_int_equal(sum_of(scene, "amount"), 55000);
    assert_int_equal(sum_of(scene, "merchant_fee"), 150);
    assert_int_equal(day_check_book(&scene->log, &scene->span), STATUS_OK);
}

static void test_a_line_that_the_book_lacks_is_found(void **state)
{
    struct scene *scene = *state;
    assert_int_equal(settlement_log_do(&scene->log, "DELETE FROM line WHERE row_amount = 20000"),
                     STATUS_OK);
    assert_int_equal(day_check_book(&scene->log, &scene->span), STATUS_BAD_VALUE);
    assert_non_null(strstr(scene->log.reason, "898290054110000"));
    assert_non_null(strstr(scene->log.reason, "purchase"));
}

static void test_a_fee_that_the_book_has_wrong_is_found(void **state)
{
    struct scene *scene = *state;
    assert_int_equal(settlement_log_do(&scene->log, "UPDATE line SET issuer_fee = issuer_fee + 1"
                                                    " WHERE row_amount = 30000"),
                     STATUS_OK);
    assert_int_equal(day_check_book(&scene->log, &scene->span), STATUS_BAD_VALUE);
}

static void write_sheets(struct scene *scene)
{
    assert_int_equal(sheet_set_open(&scene->set, scene->out, "20260921", scene->log.reason),
                     STATUS_OK);
    assert_int_equal(day_sheets_write(&scene->log, &scene->set, DAY_OWNER_MERCHANT, DAY),
                     STATUS_OK);
    assert_int_equal(day_sheets_write(&scene->log, &scene->set, DAY_OWNER_CHANNEL, DAY), STATUS_OK);
}

/* Changes the first `from` in the merchant's sheet to `to`, of the same length. */
static void tamper(const struct scene *scene, const char *from, const char *to)
{
    char path[SHEET_PATH_SIZE];
    char text[4096];
    snprintf(path, sizeof(path), "%s/20260921/.merchant-898290054110000.csv.tmp", scene->out);
    FILE *file = fopen(path, "r+");
    assert_non_null(file);
    size_t length = fread(text, 1, sizeof(text) - 1, file);
    text[length] = '\0';
    char *at = strstr(text, from);
    assert_non_null(at);
    memcpy(at, to, strlen(to));
    rewind(file);
    assert_int_equal(fwrite(text, 1, length, file), length);
    fclose(file);
}

static void test_sheets_that_are_read_back_as_written_are_good(void **state)
{
    struct scene *scene = *state;
    write_sheets(scene);
    assert_int_equal(day_check_sheets(&scene->log, &scene->set), STATUS_OK);
    sheet_set_abandon(&scene->set);
}

static void test_an_amount_that_changed_on_its_way_to_disk_is_found(void **state)
{
    struct scene *scene = *state;
    write_sheets(scene);
    tamper(scene, ",156,20000,+,", ",156,20001,+,");
    assert_int_equal(day_check_sheets(&scene->log, &scene->set), STATUS_BAD_VALUE);
    assert_non_null(strstr(scene->log.reason, "merchant-898290054110000"));
    sheet_set_abandon(&scene->set);
}

static void test_a_trailer_that_is_not_the_sum_is_found(void **state)
{
    struct scene *scene = *state;
    write_sheets(scene);
    tamper(scene, "T,156,4,", "T,156,5,");
    assert_int_equal(day_check_sheets(&scene->log, &scene->set), STATUS_BAD_VALUE);
    sheet_set_abandon(&scene->set);
}

static void test_a_line_lost_behind_its_trailer_is_found(void **state)
{
    struct scene *scene = *state;
    write_sheets(scene);
    tamper(scene, "\r\nT,156", "\r\nX,156");
    assert_int_equal(day_check_sheets(&scene->log, &scene->set), STATUS_BAD_VALUE);
    sheet_set_abandon(&scene->set);
}

static void test_days_are_dates_and_nothing_else(void **state)
{
    (void)state;
    struct settlement_span span;
    static const char *const wrong[] = {"",         "2026092",  "202609211", "20261301",
                                        "20260900", "2026092x", "20261131",  "20260229"};
    for (size_t i = 0; i < COUNT_OF(wrong); i++) {
        assert_false(settlement_span_set(&span, wrong[i]));
    }
    assert_true(settlement_span_set(&span, "20280229"));
    assert_true(settlement_span_set(&span, "19700102")); /* midnight in China */
    assert_true(span.from_us == INT64_C(57600000000));
    assert_true(span.to_us == INT64_C(144000000000));
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, scene_set, scene_strike)
    const struct CMUnitTest tests[] = {
        TEST(test_the_book_holds_each_movement_with_its_sign),
        TEST(test_a_line_that_the_book_lacks_is_found),
        TEST(test_a_fee_that_the_book_has_wrong_is_found),
        TEST(test_sheets_that_are_read_back_as_written_are_good),
        TEST(test_an_amount_that_changed_on_its_way_to_disk_is_found),
        TEST(test_a_trailer_that_is_not_the_sum_is_found),
        TEST(test_a_line_lost_behind_its_trailer_is_found),
        TEST(test_days_are_dates_and_nothing_else),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
