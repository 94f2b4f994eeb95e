/* Signals of one terminal's messages: each at its threshold, and not below. */
#include "tests/unit/switch/aftersales/watch_scene.h"

#define ONE 10000001u

static void scene_of_one(struct scene *scene)
{
    scene_open(scene, 64);
    struct terminal_facts facts = facts_of(ONE);
    memcpy(facts.serial, "00000101N9NL00000001", 21);
    memcpy(facts.firmware_min, "1.10", 5);
    scene_learn(scene, &facts);
}

static void test_counts_within_the_window_raise_at_their_threshold(void **state)
{
    (void)state;
    static const struct {
        enum observation_kind kind;
        enum observation_detail detail;
        enum signal_code signal;
        uint32_t threshold;
    } ROWS[] = {
        {OBSERVATION_SIGHTING, OBSERVED_MAC_FAILED, SIGNAL_MAC_FAILURES, 3},
        {OBSERVATION_SIGHTING, OBSERVED_MALFORMED, SIGNAL_MALFORMED, 10},
        {OBSERVATION_SIGHTING, OBSERVED_TLS_FAILED, SIGNAL_TLS_FAILURES, 5},
        {OBSERVATION_REFUSED, OBSERVED_NOT_SIGNED_ON, SIGNAL_NO_SIGNON, 3},
        {OBSERVATION_ODD, OBSERVED_KEYS_LOST, SIGNAL_KEYS_LOST, 3},
        {OBSERVATION_REVERSED, OBSERVED_BY_TERMINAL, SIGNAL_REVERSALS, 5},
        {OBSERVATION_ODD, OBSERVED_LATE_APPROVAL, SIGNAL_LATE_APPROVAL, 1},
        {OBSERVATION_ODD, OBSERVED_MISMATCH, SIGNAL_ANSWER_DIFFERS, 1},
        {OBSERVATION_ODD, OBSERVED_REVERSAL_UNFOUND, SIGNAL_REVERSAL_UNFOUND, 1},
        {OBSERVATION_ODD, OBSERVED_OTHER_CONTENT, SIGNAL_OTHER_CONTENT, 1},
        {OBSERVATION_ODD, OBSERVED_UNDELIVERED, SIGNAL_UNDELIVERED, 1},
        {OBSERVATION_REFUSED, OBSERVED_MERCHANT_MISMATCH, SIGNAL_MERCHANT_DIFFERS, 1},
        {OBSERVATION_SETTLED, OBSERVED_TOTALS_DIFFER, SIGNAL_TOTALS_DIFFER, 2},
    };
    for (unsigned row = 0; row < sizeof(ROWS) / sizeof(ROWS[0]); row++) {
        static struct scene scene;
        scene_of_one(&scene);
        for (uint32_t i = 1; i <= ROWS[row].threshold; i++) {
            assert_int_equal(scene_count(&scene, ROWS[row].signal), 0);
            scene_see(&scene, ONE, ROWS[row].kind, ROWS[row].detail);
            scene.now_us += MINUTE_US;
        }
        assert_int_equal(scene_count(&scene, ROWS[row].signal), 1);
        const struct flag *flag = scene_flag(&scene, ROWS[row].signal);
        assert_string_equal(flag->subject_id, "10000001");
        assert_string_equal(flag->merchant_id, "898310148160568");
        assert_int_equal(flag->evidence_count, ROWS[row].threshold < 8 ? ROWS[row].threshold : 8);
        assert_int_equal(flag->position, ROWS[row].threshold);
        scene_close(&scene);
    }
}

static void test_what_left_the_window_does_not_count(void **state)
{
    (void)state;
    static struct scene scene;
    scene_of_one(&scene);
    for (int i = 0; i < 10; i++) {
        scene_see(&scene, ONE, OBSERVATION_SIGHTING, OBSERVED_MAC_FAILED);
        scene.now_us += 35 * MINUTE_US;
    }
    assert_int_equal(scene_count(&scene, SIGNAL_MAC_FAILURES), 0);
    scene_close(&scene);
}

static void test_a_sighting_may_stand_for_many(void **state)
{
    (void)state;
    static struct scene scene;
    scene_of_one(&scene);
    struct observation seen = row_of(ONE, OBSERVATION_SIGHTING, OBSERVED_MALFORMED);
    seen.count = 10;
    scene_row(&scene, seen);
    assert_int_equal(scene_flag(&scene, SIGNAL_MALFORMED)->value, 10);
    scene_close(&scene);
}

static void test_equal_totals_end_the_row_of_different_ones(void **state)
{
    (void)state;
    static struct scene scene;
    scene_of_one(&scene);
    scene_see(&scene, ONE, OBSERVATION_SETTLED, OBSERVED_TOTALS_DIFFER);
    scene_see(&scene, ONE, OBSERVATION_SETTLED, OBSERVED_TOTALS_EQUAL);
    scene_see(&scene, ONE, OBSERVATION_SETTLED, OBSERVED_TOTALS_DIFFER);
    assert_int_equal(scene_count(&scene, SIGNAL_TOTALS_DIFFER), 0);
    scene_close(&scene);
}

static void test_wrong_macs_mean_lost_keys_only_after_a_signon(void **state)
{
    (void)state;
    static struct scene scene;
    scene_of_one(&scene);
    for (int i = 0; i < 3; i++) {
        scene_see(&scene, ONE, OBSERVATION_SIGHTING, OBSERVED_MAC_FAILED);
    }
    assert_int_equal(scene_count(&scene, SIGNAL_KEYS_LOST), 0);
    scene_see(&scene, ONE, OBSERVATION_SIGNED_ON, OBSERVED_NONE);
    for (int i = 0; i < 3; i++) {
        assert_int_equal(scene_count(&scene, SIGNAL_KEYS_LOST), 0);
        scene_see(&scene, ONE, OBSERVATION_SIGHTING, OBSERVED_MAC_FAILED);
    }
    assert_int_equal(scene_flag(&scene, SIGNAL_KEYS_LOST)->severity, 4);
    scene_close(&scene);
}

static void test_what_it_tells_of_itself_is_held_against_the_registry(void **state)
{
    (void)state;
    static struct scene scene;
    scene_of_one(&scene);
    struct observation seen = row_of(ONE, OBSERVATION_SIGNED_ON, OBSERVED_NONE);
    memcpy(seen.serial, "00000101N9NL00000001", 21);
    memcpy(seen.firmware, "1.10", 5);
    scene_row(&scene, seen);
    memcpy(seen.firmware, "1.11", 5);
    scene_row(&scene, seen);
    assert_int_equal(scene.flag_count, 0);
    memcpy(seen.firmware, "1.9.7", 6);
    scene_row(&scene, seen);
    assert_int_equal(scene_count(&scene, SIGNAL_FIRMWARE_OLD), 1);
    memcpy(seen.serial, "00000101N9NL00000002", 21);
    seen.device_flags = DEVICE_NOTE_RANDOM_WRONG;
    scene_row(&scene, seen);
    assert_int_equal(scene_count(&scene, SIGNAL_SERIAL_DIFFERS), 1);
    assert_string_equal(scene_flag(&scene, SIGNAL_SERIAL_DIFFERS)->serial, "00000101N9NL00000002");
    assert_int_equal(scene_count(&scene, SIGNAL_SERIAL_UNPROVEN), 1);
    assert_int_equal(scene_count(&scene, SIGNAL_FIRMWARE_OLD), 1); /* quiet for its week */
    scene_close(&scene);
}

static void test_a_faulty_part_and_a_clock_that_is_off(void **state)
{
    (void)state;
    static struct scene scene;
    scene_of_one(&scene);
    struct observation seen = row_of(ONE, OBSERVATION_STATUS, OBSERVED_NONE);
    scene_row(&scene, seen);
    assert_int_equal(scene.flag_count, 0);
    seen.faulty = 1u << 4;
    scene_row(&scene, seen);
    assert_int_equal(scene_count(&scene, SIGNAL_DEVICE_FAULTY), 1);
    seen = row_of(ONE, OBSERVATION_ODD, OBSERVED_CLOCK_OFF);
    seen.clock_ahead_s = -300;
    scene_row(&scene, seen);
    assert_int_equal(scene_count(&scene, SIGNAL_CLOCK_OFF), 0);
    seen.clock_ahead_s = -301;
    scene_row(&scene, seen);
    assert_int_equal(scene_count(&scene, SIGNAL_CLOCK_OFF), 1);
    struct watch_terminal_view view;
    assert_true(watcher_terminal(scene.watcher, "10000001", &view));
    assert_int_equal(view.faulty, 1u << 4);
    assert_int_equal(view.clock_ahead_s, -301);
    assert_false(watcher_terminal(scene.watcher, "99999999", &view));
    scene_close(&scene);
}

static void ask(struct scene *scene, uint32_t batch, uint32_t stan)
{
    struct observation seen = row_of(ONE, OBSERVATION_ASKED, OBSERVED_NONE);
    seen.payment_kind = PAYMENT_PURCHASE;
    seen.batch = batch;
    seen.stan = stan;
    scene_row(scene, seen);
}

static void test_a_trace_may_repeat_move_on_wrap_and_begin_with_a_batch(void **state)
{
    (void)state;
    static struct scene scene;
    scene_of_one(&scene);
    static const uint32_t ASKED[][2] = {{1, 5},    {1, 6},    {1, 6},    {1, 1006},
                                        {2, 1},    {2, 1001}, {3, 1002}, {999999, 1003},
                                        {1, 1004}, {1, 2004}, {2, 2005}};
    for (unsigned i = 0; i < sizeof(ASKED) / sizeof(ASKED[0]); i++) {
        ask(&scene, ASKED[i][0], ASKED[i][1]);
    }
    assert_int_equal(scene_count(&scene, SIGNAL_TRACE_JUMPS), 0);
    scene_close(&scene);
}

static void test_a_trace_or_batch_that_goes_back_or_jumps_is_flagged(void **state)
{
    (void)state;
    static const uint32_t THEN[][2] = {{7, 499}, {7, 1501}, {6, 501}};
    for (unsigned i = 0; i < 3; i++) {
        static struct scene scene;
        scene_of_one(&scene);
        ask(&scene, 7, 500);
        ask(&scene, THEN[i][0], THEN[i][1]);
        assert_int_equal(scene_count(&scene, SIGNAL_TRACE_JUMPS), 1);
        scene_close(&scene);
    }
}

static void declined(struct scene *scene, uint8_t card, const char *code)
{
    struct observation seen = row_of(ONE, OBSERVATION_ENDED, OBSERVED_DECLINED);
    memset(&seen.pan_hash, card, sizeof(seen.pan_hash));
    memcpy(seen.response_code, code, 3);
    scene_row(scene, seen);
}

static void test_three_wrong_pins_of_one_card_within_an_hour(void **state)
{
    (void)state;
    static struct scene scene;
    scene_of_one(&scene);
    declined(&scene, 1, "55");
    declined(&scene, 1, "38");
    declined(&scene, 1, "51");
    scene.now_us += 61 * MINUTE_US;
    declined(&scene, 1, "55");
    declined(&scene, 1, "75");
    assert_int_equal(scene_count(&scene, SIGNAL_WRONG_PINS), 0);
    declined(&scene, 1, "55");
    assert_int_equal(scene_flag(&scene, SIGNAL_WRONG_PINS)->value, 3);
    scene_close(&scene);
}

static void test_six_wrong_pins_of_three_cards(void **state)
{
    (void)state;
    static struct scene scene;
    scene_of_one(&scene);
    for (uint8_t i = 0; i < 6; i++) {
        assert_int_equal(scene_count(&scene, SIGNAL_WRONG_PINS), 0);
        declined(&scene, (uint8_t)(1 + i % 3), "55");
    }
    assert_int_equal(scene_flag(&scene, SIGNAL_WRONG_PINS)->value, 6);
    scene_close(&scene);
}

static void read_card(struct scene *scene, const char *entry_mode, uint32_t flags)
{
    struct observation seen = row_of(ONE, OBSERVATION_ASKED, OBSERVED_NONE);
    memcpy(seen.entry_mode, entry_mode, 4);
    seen.device_flags = flags;
    scene_row(scene, seen);
}

/* Five of a hundred and twenty are above three per cent, and yet chance on one busy day in a
 * thousand. */
static void test_fallback_that_chance_explains_is_none(void **state)
{
    (void)state;
    static struct scene scene;
    scene_of_one(&scene);
    for (int i = 0; i < 115; i++) {
        read_card(&scene, "051", 0);
    }
    for (int i = 0; i < 5; i++) {
        read_card(&scene, "801", DEVICE_NOTE_FALLBACK);
    }
    assert_int_equal(scene_count(&scene, SIGNAL_FALLBACK), 0);
    read_card(&scene, "801", DEVICE_NOTE_FALLBACK);
    assert_int_equal(scene_count(&scene, SIGNAL_FALLBACK), 1);
    scene_close(&scene);
}

static void stripe_read(struct scene *scene, uint8_t card)
{
    struct observation seen = row_of(ONE, OBSERVATION_ASKED, OBSERVED_NONE);
    memcpy(seen.entry_mode, "801", 4);
    seen.device_flags = DEVICE_NOTE_FALLBACK;
    memset(&seen.pan_hash, card, sizeof(seen.pan_hash));
    scene_row(scene, seen);
}

/* Declined, once more, taken back: one bent chip. */
static void test_a_card_read_by_its_stripe_again_and_again_is_one(void **state)
{
    (void)state;
    static struct scene scene;
    scene_of_one(&scene);
    for (int i = 0; i < 60; i++) {
        read_card(&scene, "051", 0);
    }
    for (int i = 0; i < 10; i++) {
        stripe_read(&scene, 1);
    }
    stripe_read(&scene, 2);
    stripe_read(&scene, 3);
    assert_int_equal(scene_count(&scene, SIGNAL_FALLBACK), 0);
    for (uint8_t card = 4; card < 10; card++) {
        stripe_read(&scene, card);
    }
    assert_int_equal(scene_count(&scene, SIGNAL_FALLBACK), 1);
    scene_close(&scene);
}

/* Reads on one channel, one of a hundred at its other terminals by the stripe. */
static void bank_read(struct scene *scene, uint32_t terminal, bool is_stripe)
{
    struct observation seen = row_of(terminal, OBSERVATION_ASKED, OBSERVED_NONE);
    memcpy(seen.entry_mode, is_stripe ? "801" : "051", 4);
    memcpy(seen.channel, "BANK", 5);
    scene_row(scene, seen);
}

static void peers_read(struct scene *scene, uint32_t count)
{
    for (uint32_t i = 0; i < 10; i++) {
        struct terminal_facts facts = facts_of(ONE + 1 + i);
        scene_learn(scene, &facts);
    }
    for (uint32_t i = 0; i < count; i++) {
        bank_read(scene, ONE + 1 + i % 10, i % 100 == i / 100 % 10);
    }
    assert_int_equal(scene_count(scene, SIGNAL_FALLBACK), 0);
}

static void reads_and_stripes(struct scene *scene, uint32_t reads, uint32_t stripes)
{
    for (uint32_t i = 0; i < reads + stripes; i++) {
        bank_read(scene, ONE, i >= reads);
    }
}

static void test_fallback_that_is_usual_at_its_peers_is_none(void **state)
{
    (void)state;
    static struct scene scene;
    scene_of_one(&scene);
    peers_read(&scene, 1000);
    reads_and_stripes(&scene, 95, 6);
    assert_int_equal(scene_count(&scene, SIGNAL_FALLBACK), 0);
    reads_and_stripes(&scene, 0, 1);
    assert_int_equal(scene_flag(&scene, SIGNAL_FALLBACK)->value, 7);
    scene_close(&scene);
}

static void test_a_worn_reader_stands_out_of_any_peers(void **state)
{
    (void)state;
    static struct scene scene;
    scene_of_one(&scene);
    peers_read(&scene, 2000);
    reads_and_stripes(&scene, 46, 4); /* nearly a tenth */
    assert_int_equal(scene_count(&scene, SIGNAL_FALLBACK), 0);
    reads_and_stripes(&scene, 0, 1);
    assert_int_equal(scene_count(&scene, SIGNAL_FALLBACK), 1);
    scene_close(&scene);
}

/* One more or less would be a tenth of it. */
static void test_a_few_reads_of_peers_say_nothing_of_fallback(void **state)
{
    (void)state;
    static struct scene scene;
    scene_of_one(&scene);
    peers_read(&scene, 499);
    reads_and_stripes(&scene, 95, 4);
    assert_int_equal(scene_count(&scene, SIGNAL_FALLBACK), 0);
    reads_and_stripes(&scene, 0, 1);
    assert_int_equal(scene_count(&scene, SIGNAL_FALLBACK), 1);
    scene_close(&scene);
}

/* What was usual yesterday is forgotten with the window. */
static void test_peers_of_another_day_say_nothing_of_fallback(void **state)
{
    (void)state;
    static struct scene scene;
    scene_of_one(&scene);
    peers_read(&scene, 1000);
    scene_wait(&scene, 28 * HOUR_US);
    reads_and_stripes(&scene, 95, 5);
    assert_int_equal(scene_count(&scene, SIGNAL_FALLBACK), 1);
    scene_close(&scene);
}

static void test_a_certificate_near_its_end_is_told_at_each_level(void **state)
{
    (void)state;
    static struct scene scene;
    scene_of_one(&scene);
    static const struct {
        enum observation_detail detail;
        int64_t days_later, days;
    } LEVELS[] = {{OBSERVED_CERTIFICATE_30, 0, 30},
                  {OBSERVED_CERTIFICATE_14, 16, 14},
                  {OBSERVED_CERTIFICATE_7, 7, 7}};
    for (uint32_t i = 0; i < 3; i++) {
        scene.now_us += LEVELS[i].days_later * DAY_US;
        scene_see(&scene, ONE, OBSERVATION_SIGHTING, LEVELS[i].detail);
        scene_see(&scene, ONE, OBSERVATION_SIGHTING, LEVELS[i].detail); /* after a restart */
        assert_int_equal(scene_count(&scene, SIGNAL_CERTIFICATE_ENDS), i + 1);
        const struct flag *flag = scene_flag(&scene, SIGNAL_CERTIFICATE_ENDS);
        assert_int_equal(flag->value, LEVELS[i].days);
        assert_int_equal(flag->severity, 2);
        assert_string_equal(flag->subject_id, "10000001");
    }
    scene_close(&scene);
}

static void test_a_certificates_end_may_be_told_later(void **state)
{
    (void)state;
    static struct scene scene;
    scene_of_one(&scene);
    scene.rules.items[SIGNAL_CERTIFICATE_ENDS].numbers[NUMBER_CERTIFICATE_ENDS_DAYS_MAX] = 13;
    watcher_set_rules(scene.watcher, &scene.rules);
    scene_see(&scene, ONE, OBSERVATION_SIGHTING, OBSERVED_CERTIFICATE_30);
    scene_see(&scene, ONE, OBSERVATION_SIGHTING, OBSERVED_CERTIFICATE_14);
    assert_int_equal(scene_count(&scene, SIGNAL_CERTIFICATE_ENDS), 0);
    scene_see(&scene, ONE, OBSERVATION_SIGHTING, OBSERVED_CERTIFICATE_7);
    assert_int_equal(scene_count(&scene, SIGNAL_CERTIFICATE_ENDS), 1);
    scene_close(&scene);
}

static void test_fallback_needs_reads_a_share_and_more_than_one_customer(void **state)
{
    (void)state;
    static struct scene scene;
    scene_of_one(&scene);
    for (int i = 0; i < 46; i++) {
        read_card(&scene, "051", 0);
    }
    for (int i = 0; i < 3; i++) {
        read_card(&scene, "801", DEVICE_NOTE_FALLBACK);
    }
    assert_int_equal(scene_count(&scene, SIGNAL_FALLBACK), 0);
    read_card(&scene, "901", DEVICE_NOTE_FALLBACK);
    assert_int_equal(scene_count(&scene, SIGNAL_FALLBACK), 1);
    struct watch_terminal_view view;
    assert_true(watcher_terminal(scene.watcher, "10000001", &view));
    assert_int_equal(view.fallback_per_mille, 80);
    scene_close(&scene);
}

static void test_the_same_serial_number_at_two_terminals_flags_both(void **state)
{
    (void)state;
    static struct scene scene;
    scene_of_one(&scene);
    struct terminal_facts other = facts_of(ONE + 1);
    scene_learn(&scene, &other);
    struct observation seen = row_of(ONE, OBSERVATION_SIGNED_ON, OBSERVED_NONE);
    memcpy(seen.serial, "00000101N9NL00000001", 21);
    scene_row(&scene, seen);
    memcpy(seen.terminal_id, other.terminal_id, 9);
    scene_row(&scene, seen);
    assert_int_equal(scene_count(&scene, SIGNAL_SERIAL_SHARED), 2);
    assert_string_equal(scene.flags[0].subject_id, "10000002");
    assert_string_equal(scene.flags[1].subject_id, "10000001");
    scene_close(&scene);
}

static void test_a_swap_that_the_registry_knows_is_no_second_terminal(void **state)
{
    (void)state;
    static struct scene scene;
    scene_of_one(&scene);
    struct observation seen = row_of(ONE, OBSERVATION_SIGNED_ON, OBSERVED_NONE);
    memcpy(seen.serial, "00000101N9NL00000001", 21);
    scene_row(&scene, seen);
    struct terminal_facts one = facts_of(ONE), other = facts_of(ONE + 1);
    memcpy(one.serial, "00000101N9NL00000009", 21);
    memcpy(other.serial, "00000101N9NL00000001", 21);
    scene_learn(&scene, &one);
    scene_learn(&scene, &other);
    memcpy(seen.terminal_id, other.terminal_id, 9);
    scene_row(&scene, seen);
    assert_int_equal(scene.flag_count, 0);
    scene_close(&scene);
}

static void test_a_terminal_of_no_registry_is_not_watched(void **state)
{
    (void)state;
    static struct scene scene;
    scene_of_one(&scene);
    scene_see(&scene, ONE + 7, OBSERVATION_ODD, OBSERVED_LATE_APPROVAL);
    assert_int_equal(scene.flag_count, 0);
    scene_close(&scene);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_counts_within_the_window_raise_at_their_threshold),
        cmocka_unit_test(test_what_left_the_window_does_not_count),
        cmocka_unit_test(test_a_sighting_may_stand_for_many),
        cmocka_unit_test(test_equal_totals_end_the_row_of_different_ones),
        cmocka_unit_test(test_wrong_macs_mean_lost_keys_only_after_a_signon),
        cmocka_unit_test(test_what_it_tells_of_itself_is_held_against_the_registry),
        cmocka_unit_test(test_a_faulty_part_and_a_clock_that_is_off),
        cmocka_unit_test(test_a_trace_may_repeat_move_on_wrap_and_begin_with_a_batch),
        cmocka_unit_test(test_a_trace_or_batch_that_goes_back_or_jumps_is_flagged),
        cmocka_unit_test(test_three_wrong_pins_of_one_card_within_an_hour),
        cmocka_unit_test(test_six_wrong_pins_of_three_cards),
        cmocka_unit_test(test_fallback_that_chance_explains_is_none),
        cmocka_unit_test(test_a_certificate_near_its_end_is_told_at_each_level),
        cmocka_unit_test(test_a_certificates_end_may_be_told_later),
        cmocka_unit_test(test_fallback_that_is_usual_at_its_peers_is_none),
        cmocka_unit_test(test_a_worn_reader_stands_out_of_any_peers),
        cmocka_unit_test(test_a_few_reads_of_peers_say_nothing_of_fallback),
        cmocka_unit_test(test_peers_of_another_day_say_nothing_of_fallback),
        cmocka_unit_test(test_a_card_read_by_its_stripe_again_and_again_is_one),
        cmocka_unit_test(test_fallback_needs_reads_a_share_and_more_than_one_customer),
        cmocka_unit_test(test_the_same_serial_number_at_two_terminals_flags_both),
        cmocka_unit_test(test_a_swap_that_the_registry_knows_is_no_second_terminal),
        cmocka_unit_test(test_a_terminal_of_no_registry_is_not_watched),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
