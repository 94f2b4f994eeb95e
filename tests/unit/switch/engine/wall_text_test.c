/* Wall time as message texts, eight hours east of UTC. */
#include "tests/unit/unit_test.h"

#include "switch/engine/wall_text.h"

static void test_days_and_years_turn_at_midnight_in_china(void **state)
{
    (void)state;
    static const struct {
        int64_t seconds;
        const char *sent_at;
    } cases[] = {
        {0, "0101080000"},          {1764057600, "1125160000"}, {1767196799, "1231235959"},
        {1767196800, "0101000000"}, {1709135999, "0228235959"}, {1709136000, "0229000000"},
        {1709222400, "0301000000"}, {1740758400, "0301000000"}, {951753600, "0229000000"},
        {4107513600, "0301000000"}, {-1, "0101080000"},
    };
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        struct wall_text text;
        wall_text_set(&text, cases[i].seconds * 1000000);
        assert_string_equal(text.sent_at, cases[i].sent_at);
        assert_memory_equal(text.local_date, cases[i].sent_at, 4);
        assert_string_equal(text.local_time, cases[i].sent_at + 4);
    }
}

static void test_a_clock_is_compared_in_the_nearest_year(void **state)
{
    (void)state;
    static const struct {
        int64_t wall;
        char sent_at[11];
        int64_t ahead;
    } cases[] = {
        {1764057600, "1125160000", 0},         {1764057600, "1125160501", 301},
        {1764057600, "1125080000", -8 * 3600}, {1767196799, "0101000009", 10},
        {1767196800, "1231235959", -1},        {1709136000, "0229000000", 0},
        {1709222399, "0301000000", 1},         {1764057600, "1126160000", 86400},
    };
    int64_t ahead;
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        assert_true(wall_text_ahead(cases[i].sent_at, cases[i].wall * 1000000, &ahead));
        assert_int_equal(ahead, cases[i].ahead);
    }
    assert_false(wall_text_ahead((const char[11]){""}, 0, &ahead));
    assert_false(wall_text_ahead((const char[11]){"1301000000"}, 0, &ahead));
    assert_false(wall_text_ahead((const char[11]){"0101240000"}, 0, &ahead));
}

/* 2026-12-31 23:59:59 and a second later, in China. */
static void test_a_date_without_a_year_is_near(void **state)
{
    (void)state;
    static const struct {
        int64_t wall_s;
        const char *date, *year;
    } cases[] = {
        {1798732799, "1231", "26"}, {1798732799, "0101", "27"}, {1798732799, "0630", "26"},
        {1798732800, "0101", "27"}, {1798732800, "1231", "26"}, {1798732800, "0731", "26"},
        {1798732800, "0630", "27"}, {1798732799, "", ""},       {1798732799, "1301", ""},
    };
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        struct wall_text now;
        char year[3];
        wall_text_set(&now, cases[i].wall_s * 1000000);
        wall_text_year(&now, cases[i].date, year);
        assert_string_equal(year, cases[i].year);
    }
}

static void test_the_day_before_crosses_months_and_years(void **state)
{
    (void)state;
    static const uint32_t CASES[][2] = {
        {20261129, 20261128},
        {20261101, 20261031},
        {20270101, 20261231},
        {20240301, 20240229},
        {20260301, 20260228},
        {21000301, 21000228},
        {20000301, 20000229},
        {19700102, 19700101},
        /* no days */
        {19700101, 19700100},
        {20260015, 20260014},
        {20261301, 20261300},
        {1, 0},
        {0, 0},
    };
    for (size_t i = 0; i < COUNT_OF(CASES); i++) {
        assert_int_equal(wall_text_day_before(CASES[i][0]), CASES[i][1]);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_days_and_years_turn_at_midnight_in_china),
        cmocka_unit_test(test_a_clock_is_compared_in_the_nearest_year),
        cmocka_unit_test(test_a_date_without_a_year_is_near),
        cmocka_unit_test(test_the_day_before_crosses_months_and_years),
    };
    return cmocka_run_group_tests_name("switch/engine/wall_text", tests, NULL, NULL);
}
