/* A terminal whose clock is wrong is served like any other, and noted once a day.
 *
 * The stage's clock says 2025-11-25 16:00:00 in China. */
#include "tests/flow/stage.h"

#include <stdio.h>
#include <string.h>

#include "switch/engine/clock_check.h"

#define DAY_NS (86400 * SECOND_NS)

static struct payment told(enum payment_kind kind, uint32_t stan, const char *date,
                           const char *clock)
{
    struct payment payment = stage_payment(kind, TERMINAL_A, stan);
    if (kind == PAYMENT_PURCHASE) {
        payment = stage_purchase(TERMINAL_A, stan);
    }
    snprintf(payment.local_date, sizeof(payment.local_date), "%s", date);
    snprintf(payment.local_time, sizeof(payment.local_time), "%s", clock);
    return payment;
}

static uint32_t notes(const struct stage *stage)
{
    uint32_t count = 0;
    for (uint32_t i = 0; i < stage->notice_count; i++) {
        count += stage->notices[i].effect.reason == TXN_REASON_CLOCK_OFF;
    }
    return count;
}

static struct engine_terminal_view view_of(const struct stage *stage)
{
    struct engine_terminal_view view;
    assert_true(engine_terminal(stage->engine, TERMINAL_A, &view));
    return view;
}

static void test_a_wrong_clock_is_noted_once_a_day_and_never_refused(void **state)
{
    struct stage *stage = *state;
    struct payment sale = told(PAYMENT_PURCHASE, 301, "1125", "191201");
    stage_expect_answer(stage, &sale, "00");
    assert_int_equal(notes(stage), 1);
    assert_int_equal(stage->notices[stage->notice_count - 1].effect.clock_ahead_s, 3 * 3600 + 721);
    assert_string_equal(stage->notices[stage->notice_count - 1].payment.terminal_id, TERMINAL_A);
    assert_int_equal(view_of(stage).clock_ahead_s, 3 * 3600 + 721);
    assert_int_equal(view_of(stage).clock_wall_us, stage->wall_us);
    sale = told(PAYMENT_PURCHASE, 302, "1125", "120000");
    stage_expect_answer(stage, &sale, "00");
    assert_int_equal(notes(stage), 1);
    assert_int_equal(view_of(stage).clock_ahead_s, -4 * 3600);
    stage_pass(stage, DAY_NS);
    sale = told(PAYMENT_PURCHASE, 303, "1125", "160000");
    stage_expect_answer(stage, &sale, "00");
    assert_int_equal(notes(stage), 2);
    assert_int_equal(view_of(stage).clock_ahead_s, -86400);
}

static void test_a_clock_within_the_limit_is_right(void **state)
{
    struct stage *stage = *state;
    struct payment sale = told(PAYMENT_PURCHASE, 301, "1125", "160500");
    stage_expect_answer(stage, &sale, "00");
    assert_int_equal(notes(stage), 0);
    assert_int_equal(view_of(stage).clock_ahead_s, 300);
    sale = told(PAYMENT_PURCHASE, 302, "1125", "160501");
    stage_expect_answer(stage, &sale, "00");
    assert_int_equal(notes(stage), 1);
}

static void test_what_tells_no_time_tells_nothing(void **state)
{
    struct stage *stage = *state;
    static const char *const TOLD[][2] = {
        {"", ""}, {"1125", ""}, {"", "120000"}, {"1325", "120000"}, {"1125", "250000"}};
    for (uint32_t i = 0; i < sizeof(TOLD) / sizeof(TOLD[0]); i++) {
        struct payment sale = told(PAYMENT_PURCHASE, 301 + i, TOLD[i][0], TOLD[i][1]);
        stage_expect_answer(stage, &sale, "00");
    }
    assert_int_equal(notes(stage), 0);
    assert_int_equal(view_of(stage).clock_wall_us, 0);
}

/* An advice tells when the sale was; a reversal may tell when its original was. */
static void test_what_speaks_of_earlier_is_not_judged_and_a_sign_on_is(void **state)
{
    struct stage *stage = *state;
    struct payment advice = stage_purchase(TERMINAL_A, 301);
    advice.kind = PAYMENT_OFFLINE_SALE;
    memcpy(advice.local_date, "1120", 5);
    memcpy(advice.local_time, "120000", 7);
    stage_ask(stage, &advice);
    struct payment purchase = stage_purchase(TERMINAL_A, 302);
    stage_ask(stage, &purchase);
    struct payment reversal = stage_reversal(&purchase);
    memcpy(reversal.local_date, "1120", 5);
    memcpy(reversal.local_time, "120000", 7);
    stage_ask(stage, &reversal);
    assert_int_equal(notes(stage), 0);
    struct payment echo = told(PAYMENT_ECHO, 0, "1125", "155000");
    stage_ask(stage, &echo);
    assert_int_equal(notes(stage), 1);
    assert_int_equal(view_of(stage).clock_ahead_s, -600);
}

static void test_with_a_limit_of_0_no_clock_is_looked_at(void **state)
{
    struct stage *stage = *state;
    stage->limits.clock_off_max_s = 0;
    stage_restart(stage);
    struct payment sale = told(PAYMENT_PURCHASE, 301, "0101", "000000");
    stage_expect_answer(stage, &sale, "00");
    assert_int_equal(notes(stage), 0);
    assert_int_equal(view_of(stage).clock_wall_us, 0);
}

static void test_how_far_it_is_off_is_said_in_words(void **state)
{
    static const struct {
        int64_t ahead_s;
        const char *text;
    } CASES[] = {{301, "its clock is 5 min 1 s ahead of ours"},
                 {-3599, "its clock is 59 min 59 s behind ours"},
                 {3 * 3600 + 721, "its clock is 3 h 12 min ahead of ours"},
                 {-86400 - 7200, "its clock is 1 d 2 h behind ours"}};
    char text[CLOCK_CHECK_TEXT_SIZE];
    (void)state;
    for (size_t i = 0; i < sizeof(CASES) / sizeof(CASES[0]); i++) {
        clock_check_text(text, CASES[i].ahead_s);
        assert_string_equal(text, CASES[i].text);
    }
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, stage_set_up, stage_tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_a_wrong_clock_is_noted_once_a_day_and_never_refused),
        TEST(test_a_clock_within_the_limit_is_right),
        TEST(test_what_tells_no_time_tells_nothing),
        TEST(test_what_speaks_of_earlier_is_not_judged_and_a_sign_on_is),
        TEST(test_with_a_limit_of_0_no_clock_is_looked_at),
        TEST(test_how_far_it_is_off_is_said_in_words),
    };
    return cmocka_run_group_tests_name("flow/clock", tests, NULL, NULL);
}
