/* What terminals tell of themselves stands in the rows of their requests, and what the rim saw of
 * them in rows of their own. */
#include "tests/flow/stage.h"

#include <stdio.h>
#include <string.h>

static void set_track(struct payment *payment, const char *characters, const char *entry_mode)
{
    payment->track2.count = (uint8_t)strlen(characters);
    memcpy(payment->track2.characters, characters, payment->track2.count);
    snprintf(payment->entry_mode, sizeof(payment->entry_mode), "%s", entry_mode);
}

static struct payment told(uint32_t stan, uint32_t position_hash)
{
    struct payment payment = stage_purchase(TERMINAL_A, stan);
    payment.device = (struct device_note){.is_told = true,
                                          .flags = DEVICE_NOTE_HAS_POSITION,
                                          .latitude_e3 = 31231,
                                          .longitude_e3 = 121473,
                                          .position_hash = position_hash,
                                          .serial = "0000290210015708",
                                          .firmware = "H7062801"};
    return payment;
}

static const char *device_of(const struct stage *stage, enum record_kind kind)
{
    return stage_last_record(stage, kind)->device;
}

static void test_the_intent_says_what_the_terminal_told(void **state)
{
    struct stage *stage = *state;
    struct payment sale = told(301, 7);
    stage_expect_answer(stage, &sale, "00");
    assert_string_equal(device_of(stage, RECORD_INTENT),
                        "sn=0000290210015708 v=H7062801 at=31.231,121.473");
    assert_string_equal(device_of(stage, RECORD_RESULT), "");
    sale = stage_purchase(TERMINAL_A, 302);
    stage_expect_answer(stage, &sale, "00");
    assert_string_equal(device_of(stage, RECORD_INTENT), "");
}

static void test_a_refusal_and_an_advice_say_it_too(void **state)
{
    struct stage *stage = *state;
    struct payment sale = told(301, 7);
    sale.amount.minor = 0;
    stage_expect_refusal(stage, &sale, "13");
    assert_string_equal(device_of(stage, RECORD_REFUSED),
                        "sn=0000290210015708 v=H7062801 at=31.231,121.473");
    struct payment advice = told(302, 8);
    advice.kind = PAYMENT_OFFLINE_SALE;
    stage_ask(stage, &advice);
    assert_string_equal(device_of(stage, RECORD_ADVICE),
                        "sn=0000290210015708 v=H7062801 at=31.231,121.473");
}

static void test_a_sign_off_says_it(void **state)
{
    struct stage *stage = *state;
    struct payment signoff = told(301, 7);
    signoff.kind = PAYMENT_SIGNOFF;
    stage_ask(stage, &signoff);
    assert_string_equal(device_of(stage, RECORD_SIGNOFF),
                        "sn=0000290210015708 v=H7062801 at=31.231,121.473");
}

static void test_a_position_that_does_not_move_at_all_is_frozen(void **state)
{
    struct stage *stage = *state;
    static const struct {
        uint32_t hash;
        bool is_frozen;
    } STEPS[] = {{7, false}, {8, false}, {8, true}, {8, true}, {0, false}, {8, true}, {9, false}};
    for (uint32_t i = 0; i < sizeof(STEPS) / sizeof(STEPS[0]); i++) {
        struct payment sale = told(301 + i, STEPS[i].hash);
        stage_expect_answer(stage, &sale, "00");
        assert_int_equal(strstr(device_of(stage, RECORD_INTENT), " f") != NULL, STEPS[i].is_frozen);
    }
    struct payment sale = told(350, 5);
    sale.device.flags |= DEVICE_NOTE_POSITION_ZERO;
    stage_expect_answer(stage, &sale, "00");
    sale.stan = 351;
    stage_expect_answer(stage, &sale, "00");
    assert_string_equal(device_of(stage, RECORD_INTENT),
                        "sn=0000290210015708 v=H7062801 at=31.231,121.473 z");
}

static void test_a_chip_card_read_by_its_stripe_is_told_from_one_without_chip(void **state)
{
    struct stage *stage = *state;
    static const struct {
        const char *track, *entry_mode, *device;
    } CASES[] = {
        {CARD "=30122010000000000", "021", "x"},
        {CARD "=30126010000000000", "801", "x"},
        {CARD "=30122010000000000", "901", "x"},
        {CARD "=30122010000000000", "951", "x"},
        {CARD "=30121010000000000", "021", ""},
        {CARD "=30122010000000000", "051", ""},
        {CARD "=30122010000000000", "071", ""},
        {CARD "=3012", "021", ""},
        {CARD, "021", ""},
    };
    for (uint32_t i = 0; i < sizeof(CASES) / sizeof(CASES[0]); i++) {
        struct payment sale = stage_purchase(TERMINAL_A, 301 + i);
        set_track(&sale, CASES[i].track, CASES[i].entry_mode);
        stage_expect_answer(stage, &sale, "00");
        assert_string_equal(device_of(stage, RECORD_INTENT), CASES[i].device);
    }
}

static void test_a_random_factor_of_another_card_is_noted_and_never_kept(void **state)
{
    struct stage *stage = *state;
    struct payment sale = told(301, 0);
    memcpy(sale.device.random_factor, CARD + strlen(CARD) - 6, 7);
    stage_expect_answer(stage, &sale, "00");
    assert_null(strstr(device_of(stage, RECORD_INTENT), " r"));
    sale = told(302, 0);
    memcpy(sale.device.random_factor, "123456", 7);
    stage_expect_answer(stage, &sale, "00");
    assert_non_null(strstr(device_of(stage, RECORD_INTENT), " r"));
    assert_string_equal(stage->forwards[stage->forward_count - 1].payment.device.random_factor, "");
}

static void test_a_wrong_clock_has_a_row_with_how_far(void **state)
{
    struct stage *stage = *state;
    struct payment sale = told(301, 7);
    memcpy(sale.local_date, "1125", 5);
    memcpy(sale.local_time, "155000", 7);
    stage_expect_answer(stage, &sale, "00");
    const struct record *row = stage_last_record(stage, RECORD_ANOMALY);
    assert_int_equal(row->reason, TXN_REASON_CLOCK_OFF);
    assert_string_equal(row->device, "sn=0000290210015708 v=H7062801 at=31.231,121.473 ahead=-600");
    assert_string_equal(row->terminal_id, TERMINAL_A);
    assert_int_equal(row->stan, 0);
    stage_ask(stage, &sale); /* a repeat finds its answer all the same */
    assert_string_equal(stage_last_reply(stage)->payment.response_code, "00");
}

static void test_a_nearly_full_disk_gets_no_row_of_a_clock(void **state)
{
    struct stage *stage = *state;
    struct payment echo = stage_payment(PAYMENT_ECHO, TERMINAL_A, 0);
    memcpy(echo.local_date, "1125", 5);
    memcpy(echo.local_time, "155000", 7);
    stage->is_log_short = true;
    stage_ask(stage, &echo);
    assert_int_equal(stage_count_records(stage, RECORD_ANOMALY), 0);
    assert_int_equal(stage->notices[stage->notice_count - 1].effect.reason, TXN_REASON_CLOCK_OFF);
}

/* Its repeat is the same reversal: one row. */
static void test_a_reversal_for_a_wrong_mac_says_that_keys_differ(void **state)
{
    struct stage *stage = *state;
    struct payment sale = stage_purchase(TERMINAL_A, 301);
    stage_expect_answer(stage, &sale, "00");
    struct payment reversal = stage_reversal(&sale);
    memcpy(reversal.reversal_reason, "A0", 3);
    stage_ask(stage, &reversal);
    assert_string_equal(stage_last_reply(stage)->payment.response_code, "00");
    const struct record *row = stage_last_record(stage, RECORD_ANOMALY);
    assert_int_equal(row->reason, TXN_REASON_ANSWER_MAC);
    assert_int_equal(row->stan, 301);
    stage_ask(stage, &reversal);
    assert_int_equal(stage_count_records(stage, RECORD_ANOMALY), 1);
    assert_int_equal(stage_count_records(stage, RECORD_REVERSAL), 1);
}

static void sight(struct stage *stage, const char *terminal_id, enum txn_reason reason,
                  uint32_t count)
{
    struct engine_event event = {.kind = ENGINE_SIGHTING};
    snprintf(event.sighting.terminal_id, sizeof(event.sighting.terminal_id), "%s", terminal_id);
    event.sighting.reason = reason;
    event.sighting.count = count;
    event.sighting.is_log_short = stage->is_log_short;
    stage_step(stage, event);
}

static void test_a_sighting_is_one_row_that_says_how_many(void **state)
{
    struct stage *stage = *state;
    sight(stage, TERMINAL_A, TXN_REASON_MAC_FAILED, 17);
    const struct record *row = stage_last_record(stage, RECORD_ANOMALY);
    assert_int_equal(row->reason, TXN_REASON_MAC_FAILED);
    assert_string_equal(row->terminal_id, TERMINAL_A);
    assert_string_equal(row->merchant_id, MERCHANT);
    assert_string_equal(row->device, "n=17");
    assert_int_equal(row->txn.seq, 0);
    sight(stage, "99999999", TXN_REASON_STRANGER, 1);
    row = stage_last_record(stage, RECORD_ANOMALY);
    assert_string_equal(row->terminal_id, "99999999");
    assert_string_equal(row->merchant_id, "");
    assert_string_equal(row->device, "n=1");
    assert_int_equal(stage_count_records(stage, RECORD_ANOMALY), 2);
}

static void test_a_sighting_changes_nothing_and_a_restart_reads_it(void **state)
{
    struct stage *stage = *state;
    struct payment sale = stage_purchase(TERMINAL_A, 301);
    stage_expect_answer(stage, &sale, "00");
    uint64_t before = engine_state_hash(stage->engine);
    sight(stage, TERMINAL_A, TXN_REASON_MALFORMED, 3);
    assert_int_equal(engine_state_hash(stage->engine), before);
    stage_restart(stage);
    stage_ask(stage, &sale);
    assert_string_equal(stage_last_reply(stage)->payment.response_code, "00");
}

static void test_a_nearly_full_disk_gets_no_sightings(void **state)
{
    struct stage *stage = *state;
    stage->is_log_short = true;
    sight(stage, TERMINAL_A, TXN_REASON_TLS_FAILED, 3);
    assert_int_equal(stage_count_records(stage, RECORD_ANOMALY), 0);
}

/* It shows its certificate at each connection. */
static void test_each_level_of_a_certificates_end_is_one_row(void **state)
{
    static const enum txn_reason LEVELS[] = {TXN_REASON_CERTIFICATE_30, TXN_REASON_CERTIFICATE_14,
                                             TXN_REASON_CERTIFICATE_7};
    struct stage *stage = *state;
    sight(stage, "99999999", TXN_REASON_CERTIFICATE_7, 1);
    assert_int_equal(stage_count_records(stage, RECORD_ANOMALY), 0); /* it asked for nothing yet */
    struct payment sale = stage_purchase(TERMINAL_A, 301);
    stage_expect_answer(stage, &sale, "00");
    for (uint32_t i = 0; i < 3; i++) {
        sight(stage, TERMINAL_A, LEVELS[i], 1);
        sight(stage, TERMINAL_A, LEVELS[i], 1);
        sight(stage, TERMINAL_A, TXN_REASON_CERTIFICATE_30, 1); /* another worker is late */
        assert_int_equal(stage_count_records(stage, RECORD_ANOMALY), i + 1);
        assert_int_equal(stage_last_record(stage, RECORD_ANOMALY)->reason, LEVELS[i]);
    }
    stage->wall_us += INT64_C(32) * 86400 * 1000000;
    sight(stage, TERMINAL_A, TXN_REASON_CERTIFICATE_30, 1); /* the next certificate */
    assert_int_equal(stage_count_records(stage, RECORD_ANOMALY), 4);
}

static void test_a_certificates_end_waits_for_room_on_the_disk(void **state)
{
    struct stage *stage = *state;
    struct payment sale = stage_purchase(TERMINAL_A, 301);
    stage_expect_answer(stage, &sale, "00");
    stage->is_log_short = true;
    sight(stage, TERMINAL_A, TXN_REASON_CERTIFICATE_14, 1);
    assert_int_equal(stage_count_records(stage, RECORD_ANOMALY), 0);
    assert_false(engine_was_told(stage->engine, TERMINAL_A, TXN_REASON_CERTIFICATE_14));
    stage->is_log_short = false;
    sight(stage, TERMINAL_A, TXN_REASON_CERTIFICATE_14, 1);
    assert_int_equal(stage_count_records(stage, RECORD_ANOMALY), 1);
    assert_true(engine_was_told(stage->engine, TERMINAL_A, TXN_REASON_CERTIFICATE_14));
    assert_true(engine_was_told(stage->engine, TERMINAL_A, TXN_REASON_CERTIFICATE_30));
    assert_false(engine_was_told(stage->engine, TERMINAL_A, TXN_REASON_CERTIFICATE_7));
    assert_false(engine_was_told(stage->engine, "99999999", TXN_REASON_CERTIFICATE_14));
}

static void test_only_what_the_rim_sees_is_a_sighting(void **state)
{
    (void)state;
    uint32_t count = 0;
    for (unsigned reason = 0; reason < TXN_REASON_COUNT; reason++) {
        count += engine_may_sight((enum txn_reason)reason);
    }
    assert_int_equal(count, 9);
    assert_true(engine_may_sight(TXN_REASON_CERTIFICATE_30));
    assert_true(engine_may_sight(TXN_REASON_KEYS_MISSING));
    assert_true(engine_may_sight(TXN_REASON_IDENTITY_DIFFERS));
    assert_false(engine_may_sight(TXN_REASON_NO_ANSWER));
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, stage_set_up, stage_tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_the_intent_says_what_the_terminal_told),
        TEST(test_a_refusal_and_an_advice_say_it_too),
        TEST(test_a_sign_off_says_it),
        TEST(test_a_position_that_does_not_move_at_all_is_frozen),
        TEST(test_a_chip_card_read_by_its_stripe_is_told_from_one_without_chip),
        TEST(test_a_random_factor_of_another_card_is_noted_and_never_kept),
        TEST(test_a_wrong_clock_has_a_row_with_how_far),
        TEST(test_a_nearly_full_disk_gets_no_row_of_a_clock),
        TEST(test_a_reversal_for_a_wrong_mac_says_that_keys_differ),
        TEST(test_a_sighting_is_one_row_that_says_how_many),
        TEST(test_a_sighting_changes_nothing_and_a_restart_reads_it),
        TEST(test_a_nearly_full_disk_gets_no_sightings),
        TEST(test_each_level_of_a_certificates_end_is_one_row),
        TEST(test_a_certificates_end_waits_for_room_on_the_disk),
        TEST(test_only_what_the_rim_sees_is_a_sighting),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
