/* What the log tells of a terminal: its last messages over two segments, how they ended, how long
 * they took, what it told of itself, of one merchant's time or of all. */
#include "switch/admin/diagnosis.h"

#include "protocols/device_note.h"
#include "switch/engine/engine.h"
#include "tests/stage/log_stage.h"

#define NOON_US INT64_C(1789992000000000) /* 2026-09-21 12:00 UTC */
#define SHOP "898290054110000"
#define NEXT_SHOP "898290054110001"

static struct log_stage stage;

static struct record row_of(enum record_kind kind, uint32_t seq, const char *merchant_id)
{
    struct record record = {.kind = kind,
                            .wall_us = NOON_US + seq * INT64_C(60000000),
                            .txn = {1, seq},
                            .payment_kind = PAYMENT_PURCHASE,
                            .terminal_id = "10000001",
                            .stan = seq,
                            .amount = {10000, MONEY_CNY},
                            .pan_masked = "622202*********1234",
                            .channel = "bank_a"};
    snprintf(record.merchant_id, sizeof(record.merchant_id), "%s", merchant_id);
    snprintf(record.rrn, sizeof(record.rrn), "00001%07u", (unsigned)seq);
    return record;
}

/* Answered after as many milliseconds. */
static void add_purchase(uint32_t seq, const char *merchant_id, const char *code, int64_t trip_ms)
{
    struct record record = row_of(RECORD_INTENT, seq, merchant_id);
    snprintf(record.device, sizeof(record.device), "sn=SN%u v=1.2.%u at=31.231,121.473",
             (unsigned)seq, (unsigned)(seq % 10));
    log_stage_add(&stage, &record);
    record.kind = RECORD_RESULT;
    record.wall_us += trip_ms * 1000;
    record.reason = TXN_REASON_CHANNEL_ANSWERED;
    record.device[0] = '\0';
    snprintf(record.response_code, sizeof(record.response_code), "%s", code);
    log_stage_add(&stage, &record);
}

/* Of another terminal: a good purchase, then messages with a wrong MAC, which got no number. */
static void add_wrong_macs(void)
{
    struct record record = row_of(RECORD_INTENT, 29, SHOP);
    memcpy(record.terminal_id, "10000003", 9);
    log_stage_add(&stage, &record);
    record.kind = RECORD_RESULT;
    record.reason = TXN_REASON_CHANNEL_ANSWERED;
    memcpy(record.response_code, "00", 3);
    log_stage_add(&stage, &record);
    struct record wrong = {.kind = RECORD_ANOMALY,
                           .wall_us = record.wall_us + 1000000,
                           .reason = TXN_REASON_MAC_FAILED,
                           .terminal_id = "10000003",
                           .merchant_id = SHOP};
    const struct device_note note = {.is_told = true, .count = 4};
    (void)device_note_write(wrong.device, &note);
    log_stage_add(&stage, &wrong);
    wrong.reason = TXN_REASON_STRANGER; /* tells nothing of its keys */
    log_stage_add(&stage, &wrong);
    wrong.reason = TXN_REASON_KEYS_MISSING;
    memset(wrong.device, 0, sizeof(wrong.device));
    log_stage_add(&stage, &wrong);
}

/* A sign-on, 24 good purchases, then A0, 77, A0; the last two at the next merchant's. */
static int stage_set(void **state)
{
    (void)state;
    log_stage_set(&stage);
    struct record signon = row_of(RECORD_SIGNON, 1, SHOP);
    signon.payment_kind = PAYMENT_SIGNON;
    signon.channel[0] = '\0';
    signon.pan_masked[0] = '\0';
    log_stage_add(&stage, &signon);
    for (uint32_t seq = 2; seq < 26; seq++) {
        add_purchase(seq, SHOP, "00", seq * 10);
    }
    log_stage_cut(&stage);
    add_purchase(26, SHOP, "A0", 100);
    add_purchase(27, NEXT_SHOP, "77", 2000);
    add_purchase(28, NEXT_SHOP, "A0", 300);
    add_wrong_macs();
    return 0;
}

static int stage_strike(void **state)
{
    (void)state;
    log_stage_close(&stage);
    log_stage_strike(&stage);
    return 0;
}

static json_t *tell(const char *terminal_id, const char *merchant_id, struct symptom *symptom)
{
    struct log_view view;
    const struct diagnosis_of of = {terminal_id, merchant_id};
    json_t *answer = json_object();
    assert_true(log_view_open(&view, stage.folder));
    assert_true(diagnosis_add_log(&view, &of, answer, symptom));
    log_view_close(&view);
    return answer;
}

static int64_t number_at(const json_t *answer, const char *first, const char *second)
{
    const json_t *value = json_object_get(answer, first);
    value = second == NULL ? value : json_object_get(value, second);
    assert_true(json_is_integer(value));
    return json_integer_value(value);
}

static const json_t *message(const json_t *answer, size_t index)
{
    return json_array_get(json_object_get(answer, "messages"), index);
}

static void test_the_last_twenty_are_shown_masked_with_their_time(void **state)
{
    (void)state;
    struct symptom symptom;
    json_t *answer = tell("10000001", "", &symptom);
    assert_int_equal(json_array_size(json_object_get(answer, "messages")), DIAGNOSIS_MESSAGE_COUNT);
    assert_int_equal(number_at(message(answer, 0), "stan", NULL), 28); /* the newest first */
    assert_int_equal(number_at(message(answer, 0), "round_trip_ms", NULL), 300);
    assert_int_equal(number_at(message(answer, 3), "round_trip_ms", NULL), 250);
    assert_string_equal(json_string_value(json_object_get(message(answer, 0), "pan_masked")),
                        "622202*********1234");
    assert_int_equal(number_at(answer, "round_trip_ms", "longest"), 2000);
    assert_int_equal(number_at(answer, "round_trip_ms", "count"), 20);
    json_decref(answer);
}

static void test_what_failed_since_the_last_good_one_is_counted_and_points_to_a_fault(void **state)
{
    (void)state;
    struct symptom symptom;
    json_t *answer = tell("10000001", "", &symptom);
    assert_int_equal(number_at(answer, "error_streak", NULL), 3);
    assert_int_equal(symptom.fault, FAULT_KEYS_STALE);
    assert_int_equal(number_at(answer, "symptom", "count"), 3);
    json_decref(answer);
}

static void test_what_it_last_told_of_itself_is_shown(void **state)
{
    (void)state;
    struct symptom symptom;
    json_t *answer = tell("10000001", "", &symptom);
    assert_string_equal(json_string_value(json_object_get(answer, "serial_told")), "SN28");
    assert_string_equal(json_string_value(json_object_get(answer, "firmware_told")), "1.2.8");
    assert_int_equal(number_at(answer, "position_told", "latitude_e3"), 31231);
    assert_true(json_is_object(json_object_get(answer, "last_signon")));
    json_decref(answer);
}

static void test_one_merchants_time_shows_nothing_of_the_next(void **state)
{
    (void)state;
    struct symptom symptom;
    json_t *answer = tell("10000001", SHOP, &symptom);
    assert_int_equal(number_at(message(answer, 0), "stan", NULL), 26);
    assert_int_equal(number_at(answer, "error_streak", NULL), 1);
    assert_int_equal(symptom.fault, FAULT_COUNT); /* one alone is nothing */
    assert_string_equal(json_string_value(json_object_get(answer, "serial_told")), "SN26");
    json_decref(answer);
    answer = tell("10000001", NEXT_SHOP, &symptom);
    assert_int_equal(json_array_size(json_object_get(answer, "messages")), 2);
    assert_true(json_is_null(json_object_get(answer, "last_signon")));
    json_decref(answer);
}

static void test_wrong_macs_count_as_failed_messages(void **state)
{
    (void)state;
    struct symptom symptom;
    json_t *answer = tell("10000003", "", &symptom);
    assert_int_equal(json_array_size(json_object_get(answer, "messages")), 3);
    assert_int_equal(number_at(answer, "error_streak", NULL), 5);
    assert_int_equal(number_at(message(answer, 1), "count", NULL), 4);
    assert_string_equal(json_string_value(json_object_get(message(answer, 1), "reason")),
                        "mac_failed");
    assert_string_equal(json_string_value(json_object_get(message(answer, 1), "outcome")),
                        "refused");
    assert_int_equal(symptom.fault, FAULT_KEYS_STALE);
    assert_int_equal(number_at(answer, "symptom", "count"), 5);
    json_decref(answer);
}

static void test_a_terminal_that_never_spoke_has_nothing(void **state)
{
    (void)state;
    struct symptom symptom;
    json_t *answer = tell("10000002", "", &symptom);
    assert_int_equal(json_array_size(json_object_get(answer, "messages")), 0);
    assert_int_equal(number_at(answer, "error_streak", NULL), 0);
    assert_true(json_is_null(json_object_get(answer, "round_trip_ms")));
    assert_true(json_is_null(json_object_get(answer, "device")));
    assert_true(json_is_null(json_object_get(answer, "symptom")));
    json_decref(answer);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_the_last_twenty_are_shown_masked_with_their_time),
        cmocka_unit_test(test_what_failed_since_the_last_good_one_is_counted_and_points_to_a_fault),
        cmocka_unit_test(test_what_it_last_told_of_itself_is_shown),
        cmocka_unit_test(test_one_merchants_time_shows_nothing_of_the_next),
        cmocka_unit_test(test_wrong_macs_count_as_failed_messages),
        cmocka_unit_test(test_a_terminal_that_never_spoke_has_nothing),
    };
    return cmocka_run_group_tests_name("switch/admin/diagnosis", tests, stage_set, stage_strike);
}
