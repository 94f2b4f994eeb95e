/* Working days, due times across weekends and holidays, and the clock that stops. */
#include "switch/aftersales/work_calendar.h"

#include "routing/civil_date.h"
#include "tests/unit/unit_test.h"

#define MINUTE_US INT64_C(60000000)
#define HOUR_US (60 * MINUTE_US)

static int32_t day(const char *text)
{
    int64_t days = 0;
    assert_true(civil_date_parse(&days, text));
    return (int32_t)days;
}

/* A time of day in China. */
static int64_t at(const char *text, int hour, int minute)
{
    return ((int64_t)day(text) * 24 + hour - 8) * HOUR_US + minute * MINUTE_US;
}

/* National Day 2026: 1 to 7 October off, Saturday 10 October worked for it. */
static struct work_calendar october(void)
{
    struct work_calendar calendar;
    work_calendar_default(&calendar);
    for (int i = 0; i < 7; i++) {
        calendar.holidays[calendar.holiday_count++] = day("2026-10-01") + i;
    }
    calendar.make_ups[calendar.make_up_count++] = day("2026-10-10");
    return calendar;
}

static void test_weekends_and_holidays_are_free_and_make_up_days_are_worked(void **state)
{
    (void)state;
    struct work_calendar calendar = october();
    assert_true(work_calendar_is_work_day(&calendar, day("2026-09-30")));
    assert_false(work_calendar_is_work_day(&calendar, day("2026-10-01")));
    assert_false(work_calendar_is_work_day(&calendar, day("2026-10-07")));
    assert_true(work_calendar_is_work_day(&calendar, day("2026-10-08")));
    assert_true(work_calendar_is_work_day(&calendar, day("2026-10-10")));
    assert_false(work_calendar_is_work_day(&calendar, day("2026-10-11")));
    assert_int_equal(work_calendar_day(&calendar, at("2026-10-01", 0, 0)), day("2026-10-01"));
    assert_int_equal(work_calendar_day(&calendar, at("2026-10-01", 0, 0) - 1), day("2026-09-30"));
    assert_true(work_calendar_is_open(&calendar, at("2026-09-30", 9, 0)));
    assert_false(work_calendar_is_open(&calendar, at("2026-09-30", 18, 0)));
}

static void test_working_time_jumps_over_what_is_free(void **state)
{
    (void)state;
    struct work_calendar calendar = october();
    int64_t from = at("2026-09-30", 17, 0);
    assert_int_equal(work_calendar_after(&calendar, from, HOUR_US), at("2026-09-30", 18, 0));
    assert_int_equal(work_calendar_after(&calendar, from, 4 * HOUR_US), at("2026-10-08", 12, 0));
    assert_int_equal(work_calendar_between(&calendar, from, at("2026-10-08", 12, 0)), 4 * HOUR_US);
    assert_int_equal(work_calendar_between(&calendar, from, from), 0);
    assert_int_equal(
        work_calendar_between(&calendar, at("2026-10-02", 1, 0), at("2026-10-06", 1, 0)), 0);
    /* before opening: counts from opening on */
    assert_int_equal(work_calendar_after(&calendar, at("2026-10-09", 3, 0), HOUR_US),
                     at("2026-10-09", 10, 0));
}

static void test_after_and_between_agree(void **state)
{
    (void)state;
    struct work_calendar calendar = october();
    for (int i = 0; i < 500; i++) {
        int64_t from = at("2026-09-25", 0, 0) + i * 47 * MINUTE_US;
        int64_t work = (i % 97 + 1) * 13 * MINUTE_US;
        int64_t until = work_calendar_after(&calendar, from, work);
        assert_int_equal(work_calendar_between(&calendar, from, until), work);
    }
}

static void test_working_days_later_at_the_same_time(void **state)
{
    (void)state;
    struct work_calendar calendar = october();
    assert_int_equal(work_calendar_days_after(&calendar, at("2026-09-18", 10, 0), 3),
                     at("2026-09-23", 10, 0)); /* Friday to Wednesday */
    assert_int_equal(work_calendar_days_after(&calendar, at("2026-09-30", 10, 0), 3),
                     at("2026-10-10", 10, 0)); /* 8, 9, and the Saturday */
    assert_int_equal(work_calendar_days_after(&calendar, at("2026-09-19", 10, 0), 1),
                     at("2026-09-22", 9, 0)); /* from Saturday: all of Monday */
    assert_int_equal(work_calendar_days_after(&calendar, at("2026-09-20", 3, 0), 1),
                     at("2026-09-22", 9, 0));
    assert_int_equal(work_calendar_days_after(&calendar, at("2026-09-21", 20, 0), 1),
                     at("2026-09-23", 9, 0));
    assert_int_equal(work_calendar_days_after(&calendar, at("2026-09-30", 17, 59), 0),
                     at("2026-09-30", 18, 0));
    assert_int_equal(work_calendar_days_after(&calendar, at("2026-09-30", 18, 0), 0),
                     at("2026-10-08", 18, 0));
}

static void test_a_calendar_that_never_works_is_never_due(void **state)
{
    (void)state;
    struct work_calendar calendar = {.utc_offset_s = 28800};
    assert_true(work_calendar_after(&calendar, at("2026-01-01", 0, 0), 1) == INT64_MAX);
    assert_true(work_calendar_days_after(&calendar, at("2026-01-01", 0, 0), 1) == INT64_MAX);
    assert_non_null(work_calendar_fault(&calendar));
    work_calendar_default(&calendar);
    assert_null(work_calendar_fault(&calendar));
    calendar.closes_minute = calendar.opens_minute;
    assert_non_null(work_calendar_fault(&calendar));
    work_calendar_always(&calendar);
    assert_null(work_calendar_fault(&calendar));
    assert_int_equal(work_calendar_after(&calendar, at("2026-10-03", 5, 0), 48 * HOUR_US),
                     at("2026-10-05", 5, 0));
}

static void test_the_clock_stops_while_the_merchant_is_waited_for(void **state)
{
    (void)state;
    struct work_calendar calendar = october();
    struct service_clock clock;
    service_clock_start(&clock, &calendar, (struct service_term){240, TERM_WORK_MINUTES},
                        at("2026-09-30", 15, 0));
    assert_int_equal(service_clock_due(&clock, &calendar), at("2026-10-08", 10, 0));
    service_clock_stop(&clock, &calendar, at("2026-09-30", 17, 0));
    service_clock_stop(&clock, &calendar, at("2026-10-09", 10, 0));
    assert_int_equal(service_clock_due(&clock, &calendar), 0);
    assert_int_equal(service_clock_percent(&clock, &calendar, at("2026-10-09", 10, 0)), 50);
    service_clock_resume(&clock, at("2026-10-09", 10, 0));
    service_clock_resume(&clock, at("2026-10-09", 11, 0));
    assert_int_equal(service_clock_due(&clock, &calendar), at("2026-10-09", 12, 0));
    assert_int_equal(service_clock_percent(&clock, &calendar, at("2026-10-09", 12, 0)), 100);
}

static void test_a_term_of_days_is_due_on_the_day_and_pauses_move_it(void **state)
{
    (void)state;
    struct work_calendar calendar = october();
    struct service_clock clock;
    service_clock_start(&clock, &calendar, (struct service_term){1, TERM_WORK_DAYS},
                        at("2026-09-30", 10, 0));
    assert_int_equal(service_clock_due(&clock, &calendar), at("2026-10-08", 10, 0));
    service_clock_stop(&clock, &calendar, at("2026-09-30", 12, 0));
    service_clock_resume(&clock, at("2026-10-08", 12, 0));
    assert_int_equal(service_clock_due(&clock, &calendar), at("2026-10-09", 10, 0));
}

static void test_every_term_has_some_work_in_it(void **state)
{
    (void)state;
    struct work_calendar calendar = october();
    for (int hour = 0; hour < 24 * 21; hour++) {
        for (uint32_t days = 0; days < 3; days++) {
            struct service_clock clock;
            int64_t from = at("2026-09-24", 0, 0) + hour * HOUR_US;
            service_clock_start(&clock, &calendar, (struct service_term){days, TERM_WORK_DAYS},
                                from);
            assert_true(clock.budget_us > 0);
            assert_true(days == 0 || clock.budget_us == days * 9 * HOUR_US);
            assert_true(service_clock_due(&clock, &calendar) > from);
        }
    }
}

static void test_minutes_of_a_p1_run_through_the_night(void **state)
{
    (void)state;
    struct work_calendar calendar = october();
    struct service_terms terms;
    service_terms_default(&terms);
    struct service_clock clock;
    service_clock_start(&clock, &calendar, terms.fix[SERVICE_P1][SERVICE_REMOTE],
                        at("2026-10-02", 23, 0));
    assert_int_equal(service_clock_due(&clock, &calendar), at("2026-10-03", 1, 0));
}

static void test_each_escalation_is_told_once(void **state)
{
    (void)state;
    struct work_calendar calendar = october();
    struct service_terms terms;
    service_terms_default(&terms);
    struct service_clock clock;
    int64_t from = at("2026-09-28", 9, 0);
    service_clock_start(&clock, &calendar, (struct service_term){100, TERM_WORK_MINUTES}, from);
    assert_int_equal(service_clock_escalate(&clock, &terms, &calendar, from + 49 * MINUTE_US), 0);
    assert_int_equal(service_clock_escalate(&clock, &terms, &calendar, from + 50 * MINUTE_US), 1);
    assert_int_equal(service_clock_escalate(&clock, &terms, &calendar, from + 79 * MINUTE_US), 0);
    assert_int_equal(service_clock_escalate(&clock, &terms, &calendar, from + 100 * MINUTE_US), 6);
    assert_int_equal(service_clock_escalate(&clock, &terms, &calendar, from + 900 * MINUTE_US), 0);
    struct service_clock never = {0};
    assert_int_equal(service_clock_escalate(&never, &terms, &calendar, from), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_weekends_and_holidays_are_free_and_make_up_days_are_worked),
        cmocka_unit_test(test_working_time_jumps_over_what_is_free),
        cmocka_unit_test(test_after_and_between_agree),
        cmocka_unit_test(test_working_days_later_at_the_same_time),
        cmocka_unit_test(test_a_calendar_that_never_works_is_never_due),
        cmocka_unit_test(test_the_clock_stops_while_the_merchant_is_waited_for),
        cmocka_unit_test(test_a_term_of_days_is_due_on_the_day_and_pauses_move_it),
        cmocka_unit_test(test_every_term_has_some_work_in_it),
        cmocka_unit_test(test_minutes_of_a_p1_run_through_the_night),
        cmocka_unit_test(test_each_escalation_is_told_once),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
