/* Waves of an update: their sizes, when the next one begins, what stops them. */
#include "switch/aftersales/update_wave.h"

#include <string.h>

#include "tests/unit/unit_test.h"

#define HOUR_US INT64_C(3600000000)

static struct update_waves waves_of(const char *text)
{
    struct update_waves waves;
    assert_true(update_waves_parse(&waves, text));
    return waves;
}

static void test_waves_are_numbers_that_rise_to_a_hundred(void **state)
{
    (void)state;
    static const char *const GOOD[] = {"100", "5 25 100", "1,2,3,4,5,6,7,100"};
    static const char *const BAD[] = {
        "",       "5 25",    "0 100", "25 5 100", "5 5 100", "5 101",  "5  100",
        "5 100 ", "100 100", "5;100", "a",        "-5 100",  "5 0100", "1 2 3 4 5 6 7 8 100"};
    char text[UPDATE_WAVES_TEXT_SIZE];
    struct update_waves waves;
    for (unsigned i = 0; i < COUNT_OF(GOOD); i++) {
        assert_true(update_waves_parse(&waves, GOOD[i]));
    }
    for (unsigned i = 0; i < COUNT_OF(BAD); i++) {
        assert_false(update_waves_parse(&waves, BAD[i]));
    }
    waves = waves_of("5,25,100");
    update_waves_text(&waves, text);
    assert_string_equal(text, "5 25 100");
    waves = waves_of("93 94 95 96 97 98 99 100");
    update_waves_text(&waves, text);
    assert_string_equal(text, "93 94 95 96 97 98 99 100");
}

static void test_a_wave_has_its_share_rounded_up(void **state)
{
    (void)state;
    static const struct {
        uint32_t total, counts[3];
    } ROWS[] = {{1, {1, 0, 0}}, {10, {1, 2, 7}}, {100, {5, 20, 75}}, {999, {50, 200, 749}}};
    const struct update_waves waves = waves_of("5 25 100");
    for (unsigned i = 0; i < COUNT_OF(ROWS); i++) {
        uint32_t counts[3] = {0};
        for (uint32_t place = 0; place < ROWS[i].total; place++) {
            counts[update_wave_of(&waves, place, ROWS[i].total)]++;
        }
        assert_memory_equal(counts, ROWS[i].counts, sizeof(counts));
    }
}

static void test_the_next_wave_waits_for_time_and_for_enough_of_this_one(void **state)
{
    (void)state;
    static const struct {
        uint32_t waiting, asked, done, failed;
        int64_t quiet_us;
        bool is_last;
        enum update_verdict verdict;
    } ROWS[] = {
        {1, 0, 9, 0, 48 * HOUR_US, false, UPDATE_ASK},
        {0, 10, 0, 0, HOUR_US, false, UPDATE_WAIT},
        {0, 0, 10, 0, 24 * HOUR_US - 1, false, UPDATE_WAIT}, /* all done, and still looked at */
        {0, 0, 10, 0, 24 * HOUR_US, false, UPDATE_NEXT},
        {0, 0, 8, 2, 24 * HOUR_US, false, UPDATE_NEXT},
        {0, 0, 79, 21, 24 * HOUR_US, false, UPDATE_STOP},
        {0, 0, 0, 1, 24 * HOUR_US, false, UPDATE_STOP},
        {0, 0, 0, 0, 24 * HOUR_US, false, UPDATE_NEXT}, /* a small fleet has none in a wave */
        {0, 0, 10, 0, 24 * HOUR_US - 1, true, UPDATE_WAIT},
        {0, 0, 10, 0, 24 * HOUR_US, true, UPDATE_FINISH},
        {0, 0, 1, 9, 24 * HOUR_US, true, UPDATE_FINISH},
    };
    for (unsigned i = 0; i < COUNT_OF(ROWS); i++) {
        const struct update_progress progress = {
            .counts = {[UPDATE_TARGET_WAITING] = ROWS[i].waiting,
                       [UPDATE_TARGET_ASKED] = ROWS[i].asked,
                       [UPDATE_TARGET_DONE] = ROWS[i].done,
                       [UPDATE_TARGET_FAILED] = ROWS[i].failed},
            .is_last = ROWS[i].is_last,
            .quiet_us = ROWS[i].quiet_us,
            .settle_us = 24 * HOUR_US};
        assert_int_equal(update_wave_judge(&progress), ROWS[i].verdict);
    }
}

static void test_a_fault_of_what_is_updated_stops_it(void **state)
{
    (void)state;
    static const struct {
        enum cohort_kind cohort;
        const char *name;
        bool stops;
    } ROWS[] = {
        {COHORT_BRAND, "PAX", true},
        {COHORT_BRAND, "PAXX", false},
        {COHORT_MODEL, "PAX A920", true},
        {COHORT_MODEL, "PAX A9", false},
        {COHORT_MODEL, "PAX A920P", false},
        {COHORT_FIRMWARE, "PAX A920 1.2.0", true},
        {COHORT_FIRMWARE, "PAX A920 1.10.0", true}, /* newer than wanted */
        {COHORT_FIRMWARE, "PAX A920 1.0.9", false}, /* that is why it is updated */
        {COHORT_FIRMWARE, "PAX A920P 1.2.0", false},
        {COHORT_AGENT, "PAX", false},
        {COHORT_REGION, "3101", false},
        {COHORT_CHANNEL, "PAX", false},
    };
    const struct update_aim aim = {"PAX", "A920", "1.2.0"};
    for (unsigned i = 0; i < COUNT_OF(ROWS); i++) {
        struct flag flag = {.signal = SIGNAL_COHORT,
                            .subject = FLAG_OF_COHORT,
                            .cohort = ROWS[i].cohort,
                            .window_end_us = 101};
        memcpy(flag.subject_id, ROWS[i].name, strlen(ROWS[i].name));
        assert_int_equal(update_flag_stops(&flag, &aim, 100), ROWS[i].stops);
        assert_false(update_flag_stops(&flag, &aim, 101)); /* raised before */
        flag.is_watched_only = true;
        assert_false(update_flag_stops(&flag, &aim, 100));
        flag.is_watched_only = false;
        flag.signal = SIGNAL_TIMEOUTS;
        assert_false(update_flag_stops(&flag, &aim, 100));
    }
}

static void test_words_lead_back(void **state)
{
    (void)state;
    for (unsigned i = 0; i < UPDATE_TARGET_COUNT; i++) {
        assert_int_equal(update_target_from_word(update_target_word((enum update_target)i)), i);
    }
    assert_int_equal(update_target_from_word("dreaming"), UPDATE_TARGET_COUNT);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_waves_are_numbers_that_rise_to_a_hundred),
        cmocka_unit_test(test_a_wave_has_its_share_rounded_up),
        cmocka_unit_test(test_the_next_wave_waits_for_time_and_for_enough_of_this_one),
        cmocka_unit_test(test_a_fault_of_what_is_updated_stops_it),
        cmocka_unit_test(test_words_lead_back),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
