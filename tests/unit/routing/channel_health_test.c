/* A breaker opens by reason, pauses, lets a few probes through, and closes. Time comes in. */
#include "tests/unit/unit_test.h"

#include <stdio.h>
#include <string.h>

#include "config/yaml_file.h"
#include "routing/channel_health.h"

#define SECOND UINT64_C(1000000000)

static const struct health_limits LIMITS = {
    .window_ns = 10 * SECOND,
    .open_ns = 5 * SECOND,
    .open_max_ns = 15 * SECOND,
    .latency_ns = 3 * SECOND,
    .request_min = 10,
    .percent =
        {[HEALTH_CONNECT] = 50, [HEALTH_TIMEOUT] = 30, [HEALTH_CODE] = 50, [HEALTH_LATENCY] = 50},
    .probe_count = 2,
    .code_count = 2,
    .codes = {"91", "96"},
};
static const struct health_spot SPOT = {3, 1};

static enum health_change end(struct channel_health *health, const char *code, uint64_t now_ns)
{
    bool is_probe = channel_health_begin(health, SPOT, &LIMITS, now_ns);
    struct health_outcome outcome = {.is_fault = true, .fault = HEALTH_TIMEOUT};
    if (code != NULL) {
        outcome = health_outcome_of_answer(&LIMITS, code, SECOND);
    }
    outcome.is_probe = is_probe;
    return channel_health_end(health, SPOT, &LIMITS, &outcome, now_ns);
}

/* Three of ten are not answered. */
static void open_it(struct channel_health *health, uint64_t now_ns)
{
    for (int i = 0; i < 7; i++) {
        assert_int_equal(end(health, "00", now_ns), HEALTH_UNCHANGED);
    }
    assert_int_equal(end(health, NULL, now_ns), HEALTH_UNCHANGED);
    assert_int_equal(end(health, NULL, now_ns), HEALTH_UNCHANGED);
    assert_int_equal(end(health, NULL, now_ns), HEALTH_OPENED);
}

static struct health_view view_of(const struct channel_health *health, uint64_t now_ns)
{
    struct health_view view;
    channel_health_view(health, SPOT, now_ns, &view);
    return view;
}

static void test_time_outs_open_it_and_good_probes_close_it(void **state)
{
    (void)state;
    struct channel_health *health = channel_health_create();
    open_it(health, SECOND);
    struct health_view view = view_of(health, SECOND);
    assert_int_equal(view.state, HEALTH_OPEN);
    assert_int_equal(view.fault, HEALTH_TIMEOUT);
    assert_int_equal(view.until_ns, 6 * SECOND);
    assert_false(channel_health_may(health, SPOT, &LIMITS, 6 * SECOND - 1));
    assert_true(channel_health_may(health, SPOT, &LIMITS, 6 * SECOND));
    assert_true(channel_health_begin(health, SPOT, &LIMITS, 6 * SECOND));
    assert_true(channel_health_begin(health, SPOT, &LIMITS, 6 * SECOND));
    assert_false(channel_health_may(health, SPOT, &LIMITS, 6 * SECOND)); /* two at once */
    struct health_outcome good = health_outcome_of_answer(&LIMITS, "51", SECOND);
    good.is_probe = true;
    assert_false(good.is_fault); /* a decline is an answer */
    assert_int_equal(channel_health_end(health, SPOT, &LIMITS, &good, 7 * SECOND),
                     HEALTH_UNCHANGED);
    assert_int_equal(channel_health_end(health, SPOT, &LIMITS, &good, 7 * SECOND),
                     HEALTH_CLOSED_AGAIN);
    assert_int_equal(view_of(health, 7 * SECOND).state, HEALTH_CLOSED);
    assert_int_equal(view_of(health, 7 * SECOND).requests, 0); /* what was is forgotten */
    channel_health_destroy(health);
}

static void test_a_bad_probe_opens_it_for_twice_as_long(void **state)
{
    (void)state;
    struct channel_health *health = channel_health_create();
    open_it(health, SECOND);
    assert_int_equal(end(health, "91", 6 * SECOND), HEALTH_OPENED);
    assert_int_equal(view_of(health, 6 * SECOND).fault, HEALTH_CODE);
    assert_int_equal(view_of(health, 6 * SECOND).until_ns, 16 * SECOND);
    assert_int_equal(end(health, NULL, 16 * SECOND), HEALTH_OPENED);
    assert_int_equal(view_of(health, 16 * SECOND).until_ns, 31 * SECOND); /* open_max */
    assert_int_equal(view_of(health, 16 * SECOND).openings, 3);
    channel_health_destroy(health);
}

static void test_a_dropped_probe_frees_its_place(void **state)
{
    (void)state;
    struct channel_health *health = channel_health_create();
    open_it(health, SECOND);
    assert_true(channel_health_begin(health, SPOT, &LIMITS, 6 * SECOND));
    assert_true(channel_health_begin(health, SPOT, &LIMITS, 6 * SECOND));
    channel_health_drop(health, SPOT);
    assert_true(channel_health_may(health, SPOT, &LIMITS, 6 * SECOND));
    channel_health_destroy(health);
}

static void test_each_reason_counts_by_itself(void **state)
{
    (void)state;
    static const enum health_fault faults[] = {HEALTH_CONNECT, HEALTH_CODE, HEALTH_LATENCY};
    for (size_t i = 0; i < COUNT_OF(faults); i++) {
        struct channel_health *health = channel_health_create();
        const struct health_outcome bad = {.is_fault = true, .fault = faults[i]};
        const struct health_outcome late = {.is_fault = true, .fault = HEALTH_TIMEOUT};
        enum health_change change = HEALTH_UNCHANGED;
        for (int k = 0; k < 2; k++) { /* with them more than half are faults, but not of one kind */
            channel_health_end(health, SPOT, &LIMITS, &late, SECOND);
        }
        for (int k = 0; k < 4; k++) {
            assert_int_equal(end(health, "00", SECOND), HEALTH_UNCHANGED);
        }
        for (int k = 0; k < 6; k++) {
            assert_int_equal(change, HEALTH_UNCHANGED);
            change = channel_health_end(health, SPOT, &LIMITS, &bad, SECOND);
        }
        assert_int_equal(change, HEALTH_OPENED);
        assert_int_equal(view_of(health, SECOND).fault, faults[i]);
        channel_health_destroy(health);
    }
}

static void test_old_faults_are_forgotten(void **state)
{
    (void)state;
    struct channel_health *health = channel_health_create();
    for (int i = 0; i < 9; i++) {
        assert_int_equal(end(health, NULL, SECOND), HEALTH_UNCHANGED); /* too few to tell */
    }
    assert_int_equal(end(health, "00", 12 * SECOND), HEALTH_UNCHANGED);
    assert_int_equal(end(health, NULL, 12 * SECOND), HEALTH_UNCHANGED);
    assert_int_equal(view_of(health, 12 * SECOND).requests, 2);
    channel_health_destroy(health);
}

/* Whenever somebody looks: an outcome older than the window counts no more. */
static void test_the_window_is_never_longer_than_it_says(void **state)
{
    (void)state;
    struct channel_health *health = channel_health_create();
    for (int i = 0; i < 9; i++) {
        assert_int_equal(end(health, NULL, SECOND), HEALTH_UNCHANGED);
    }
    assert_int_equal(end(health, "00", 9 * SECOND), HEALTH_UNCHANGED);
    assert_int_equal(view_of(health, 9 * SECOND).requests, 10);
    assert_int_equal(end(health, NULL, 12 * SECOND), HEALTH_UNCHANGED); /* nine are 11 s old */
    assert_int_equal(view_of(health, 12 * SECOND).requests, 2);
    channel_health_destroy(health);
}

/* "The healthiest" is asked of channels that nobody used lately, too. */
static void test_the_score_forgets_without_being_fed(void **state)
{
    (void)state;
    struct channel_health *health = channel_health_create();
    assert_int_equal(end(health, NULL, 4 * SECOND), HEALTH_UNCHANGED);
    assert_int_equal(end(health, "00", 6 * SECOND), HEALTH_UNCHANGED);
    assert_true(channel_health_score(health, SPOT, &LIMITS, 9 * SECOND) >> 32 > 0);
    /* The half of the time-out is over; the answer counts still. */
    assert_int_equal(channel_health_score(health, SPOT, &LIMITS, 14 * SECOND), 1000);
    assert_int_equal(channel_health_score(health, SPOT, &LIMITS, 17 * SECOND), 0);
    channel_health_destroy(health);
}

static void test_groups_and_channels_are_apart(void **state)
{
    (void)state;
    struct channel_health *health = channel_health_create();
    open_it(health, SECOND);
    assert_true(channel_health_may(health, (struct health_spot){3, 2}, &LIMITS, SECOND));
    assert_true(channel_health_may(health, (struct health_spot){4, 1}, &LIMITS, SECOND));
    assert_false(channel_health_may(health, SPOT, &LIMITS, SECOND));
    channel_health_destroy(health);
}

static void test_without_limits_nothing_opens(void **state)
{
    (void)state;
    static const struct health_limits none = {0};
    struct channel_health *health = channel_health_create();
    const struct health_outcome late = {.is_fault = true, .fault = HEALTH_TIMEOUT};
    for (int i = 0; i < 100; i++) {
        assert_int_equal(channel_health_end(health, SPOT, &none, &late, SECOND), HEALTH_UNCHANGED);
        assert_true(channel_health_may(health, SPOT, &none, SECOND));
    }
    channel_health_destroy(health);
}

static struct channel_table *channels_make(void)
{
    struct channel_table *channels = channel_table_create();
    assert_int_equal(channel_table_add(channels, &(struct channel_row){"bank_a", 1, false}),
                     STATUS_OK);
    assert_int_equal(channel_table_add(channels, &(struct channel_row){"bank_b", 1, false}),
                     STATUS_OK);
    return channels;
}

static void test_limits_are_read_and_a_channel_has_its_own(void **state)
{
    (void)state;
    static const char TEXT[] = "breaker:\n  window_ms: 2000\n  codes: [\"91\"]\n"
                               "  channels: {bank_b: {timeout_percent: 7}}\n";
    struct channel_table *channels = channels_make();
    struct document *document = yaml_file_parse("routes.yaml", TEXT, sizeof(TEXT) - 1);
    struct health_rules rules;
    health_rules_read(&rules, document, channels);
    assert_int_equal(document_fault_count(document), 0);
    assert_int_equal(rules.channels[0].window_ns, 2 * SECOND);
    assert_int_equal(rules.channels[0].percent[HEALTH_TIMEOUT], 30);
    assert_int_equal(rules.channels[0].code_count, 1);
    assert_int_equal(rules.channels[1].percent[HEALTH_TIMEOUT], 7);
    assert_int_equal(rules.channels[1].window_ns, 2 * SECOND);
    document_destroy(document);
    channel_table_destroy(channels);
}

static void test_faults_of_limits_say_what_was_expected(void **state)
{
    (void)state;
    static const struct {
        const char *text, *fault;
    } cases[] = {
        {"breaker: 5\n", "breaker: expected a section"},
        {"breaker: {windw_ms: 5}\n", "did you mean \"window_ms\"?"},
        {"breaker: {codes: 91}\n", "codes: expected a list"},
        {"breaker: {codes: [\"911\"]}\n", "codes: expected response codes of 2 characters"},
        {"breaker: {timeout_percent: 101}\n", "timeout_percent"},
        {"breaker: {open_ms: 5000, open_max_ms: 500}\n", "open_max_ms: expected at least open_ms"},
        {"breaker: {channels: {bnk_a: {}}}\n", "did you mean \"bank_a\"?"},
        {"breaker: {channels: {bank_a: 7}}\n", "bank_a: expected a section"},
        {"breaker: {channels: [bank_a]}\n", "channels: expected a section"},
        {"breaker: {channels: {bank_a: {channels: {}}}}\n", "no channels within a channel"},
    };
    struct channel_table *channels = channels_make();
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        struct document *document =
            yaml_file_parse("routes.yaml", cases[i].text, (uint32_t)strlen(cases[i].text));
        struct health_rules rules;
        health_rules_read(&rules, document, channels);
        assert_true(document_fault_count(document) >= 1);
        if (strstr(document_fault_text(document, 0), cases[i].fault) == NULL) {
            fail_msg("expected \"%s\", got \"%s\"", cases[i].fault,
                     document_fault_text(document, 0));
        }
        document_destroy(document);
    }
    channel_table_destroy(channels);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_time_outs_open_it_and_good_probes_close_it),
        cmocka_unit_test(test_a_bad_probe_opens_it_for_twice_as_long),
        cmocka_unit_test(test_a_dropped_probe_frees_its_place),
        cmocka_unit_test(test_each_reason_counts_by_itself),
        cmocka_unit_test(test_old_faults_are_forgotten),
        cmocka_unit_test(test_the_window_is_never_longer_than_it_says),
        cmocka_unit_test(test_the_score_forgets_without_being_fed),
        cmocka_unit_test(test_groups_and_channels_are_apart),
        cmocka_unit_test(test_without_limits_nothing_opens),
        cmocka_unit_test(test_limits_are_read_and_a_channel_has_its_own),
        cmocka_unit_test(test_faults_of_limits_say_what_was_expected),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
