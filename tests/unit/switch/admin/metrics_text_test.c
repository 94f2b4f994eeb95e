/* Prometheus text: heads, labels, cumulative buckets; and the readiness lines. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "switch/admin/metrics_text.h"
#include "switch/admin/readiness.h"
#include "switch/admin/txn_outcome.h"
#include "tests/unit/unit_test.h"

static const struct metrics_own TWO_WEBHOOKS = {
    .requests = {0, 7, 0, 2, 0},
    .webhook_count = 2,
    .webhooks = {{"tickets", 11, 12, 1, 5, 3, 2, true, true},
                 {"shop", 0, 0, 0, 0, 0, 0, false, false}}};

static char *text_with(const Control__Metrics *metrics, const struct metrics_own *own)
{
    char *text = NULL;
    size_t length = 0;
    FILE *to = open_memstream(&text, &length);
    metrics_text_write(to, metrics, own);
    fclose(to);
    return text;
}

static char *text_of(const Control__Metrics *metrics)
{
    return text_with(metrics, &TWO_WEBHOOKS);
}

static void test_samples_stand_under_one_head_in_the_order_of_the_table(void **state)
{
    (void)state;
    char *labels[][3] = {{"bank-a"}, {"quo\"te\\\n"}};
    Control__Sample samples[3];
    Control__Sample *list[] = {&samples[0], &samples[1], &samples[2]};
    Control__Metrics metrics = CONTROL__METRICS__INIT;
    for (size_t i = 0; i < COUNT_OF(samples); i++) {
        control__sample__init(&samples[i]);
        samples[i].name = i == 1 ? "saf_depth" : "channel_up";
        samples[i].has_value = 1;
        samples[i].value = i == 1 ? 12345678901 : 1;
        samples[i].n_labels = i == 1 ? 0 : 1;
        samples[i].labels = labels[i / 2];
    }
    metrics.samples = list;
    metrics.n_samples = COUNT_OF(list);
    char *text = text_of(&metrics);
    const char *depth = strstr(text, "# TYPE tillway_saf_depth gauge\ntillway_saf_depth "
                                     "12345678901\n");
    const char *channels = strstr(text, "# TYPE tillway_channel_up gauge\n"
                                        "tillway_channel_up{channel=\"bank-a\"} 1\n"
                                        "tillway_channel_up{channel=\"quo\\\"te\\\\\\n\"} 1\n");
    assert_non_null(depth);
    assert_non_null(channels);
    assert_true(depth < channels);
    assert_non_null(strstr(text, "tillway_admin_requests_total{code=\"2xx\"} 7\n"));
    assert_non_null(strstr(text, "tillway_admin_control_up 1\n"));
    assert_null(strstr(text, "store_rows_total"));
    free(text);
}

static void test_webhooks_are_told_without_the_switch(void **state)
{
    (void)state;
    char *text = text_of(NULL);
    assert_non_null(strstr(text, "# TYPE tillway_webhook_up gauge\n"
                                 "tillway_webhook_up{webhook=\"tickets\"} 1\n"
                                 "tillway_webhook_up{webhook=\"shop\"} 0\n"));
    assert_non_null(strstr(text, "tillway_webhook_waiting_events{webhook=\"tickets\"} 5\n"));
    assert_non_null(strstr(text, "tillway_webhook_dead_letters{webhook=\"tickets\"} 3\n"));
    assert_non_null(strstr(text, "tillway_webhook_given_up_events_total{webhook=\"tickets\"} 2\n"));
    assert_non_null(
        strstr(text, "tillway_webhook_attempts_total{webhook=\"tickets\",outcome=\"delivered\"} "
                     "11\n"
                     "tillway_webhook_attempts_total{webhook=\"tickets\",outcome=\"failed\"} 12\n"
                     "tillway_webhook_attempts_total{webhook=\"tickets\",outcome=\"gone\"} 1\n"));
    free(text);
}

/* No line is no sample: increase() begins with what is stored, not with a 0 before it. */
static void test_what_is_given_up_has_no_line_before_the_desk_was_read(void **state)
{
    (void)state;
    struct metrics_own own = TWO_WEBHOOKS;
    char *text = text_with(NULL, &own);
    assert_non_null(strstr(text, "# TYPE tillway_webhook_given_up_events_total counter\n"
                                 "tillway_webhook_given_up_events_total{webhook=\"tickets\"} 2\n"));
    assert_null(strstr(text, "given_up_events_total{webhook=\"shop\"}"));
    free(text);
    own.webhooks[0].has_looked = false;
    text = text_with(NULL, &own);
    assert_null(strstr(text, "given_up"));
    assert_non_null(strstr(text, "tillway_webhook_up{webhook=\"tickets\"} 1\n"));
    free(text);
    own.webhooks[0].has_looked = own.webhooks[1].has_looked = true;
    text = text_with(NULL, &own);
    assert_non_null(strstr(text, "given_up_events_total{webhook=\"tickets\"} 2\n"
                                 "tillway_webhook_given_up_events_total{webhook=\"shop\"} 0\n"));
    free(text);
}

static void test_buckets_add_up_to_infinity(void **state)
{
    (void)state;
    double bounds[] = {0.001, 0.5};
    uint64_t counts[] = {3, 4, 5};
    Control__Cells cells = CONTROL__CELLS__INIT;
    Control__Sample sample = CONTROL__SAMPLE__INIT;
    Control__Sample *list[] = {&sample};
    Control__Metrics metrics = CONTROL__METRICS__INIT;
    cells.bounds = bounds;
    cells.n_bounds = 2;
    cells.counts = counts;
    cells.n_counts = 3;
    cells.sum = 1.5;
    sample.name = "store_commit_seconds";
    sample.cells = &cells;
    metrics.samples = list;
    metrics.n_samples = 1;
    char *text = text_of(&metrics);
    assert_non_null(strstr(text, "# TYPE tillway_store_commit_seconds histogram\n"
                                 "tillway_store_commit_seconds_bucket{le=\"0.001\"} 3\n"
                                 "tillway_store_commit_seconds_bucket{le=\"0.5\"} 7\n"
                                 "tillway_store_commit_seconds_bucket{le=\"+Inf\"} 12\n"
                                 "tillway_store_commit_seconds_sum 1.5\n"
                                 "tillway_store_commit_seconds_count 12\n"));
    free(text);
}

static void test_samples_that_do_not_fit_the_table_are_left_out(void **state)
{
    (void)state;
    char *labels[] = {"a", "b"};
    Control__Sample wrong[3];
    Control__Sample *list[] = {&wrong[0], &wrong[1], &wrong[2]};
    Control__Metrics metrics = CONTROL__METRICS__INIT;
    for (size_t i = 0; i < COUNT_OF(wrong); i++) {
        control__sample__init(&wrong[i]);
        wrong[i].has_value = 1;
        wrong[i].labels = labels;
    }
    wrong[0].name = "no_such_metric";
    wrong[1].name = "channel_up"; /* one label too many */
    wrong[1].n_labels = 2;
    wrong[2].name = "store_commit_seconds"; /* a histogram without cells */
    metrics.samples = list;
    metrics.n_samples = COUNT_OF(list);
    char *text = text_of(&metrics);
    assert_null(strstr(text, "no_such_metric"));
    assert_null(strstr(text, "channel_up"));
    assert_null(strstr(text, "store_commit"));
    free(text);
}

static void test_a_silent_switch_is_told_by_a_metric(void **state)
{
    (void)state;
    char *text = text_of(NULL);
    assert_non_null(strstr(text, "tillway_admin_control_up 0\n"));
    free(text);
}

static char *readiness_of(const Control__Status *status, bool is_verbose, bool *is_ready)
{
    char *text = NULL;
    size_t length = 0;
    FILE *to = open_memstream(&text, &length);
    *is_ready = readiness_write(to, status, is_verbose);
    fclose(to);
    return text;
}

static void test_readiness_names_what_fails(void **state)
{
    (void)state;
    Control__Status status = CONTROL__STATUS__INIT;
    Control__Store store = CONTROL__STORE__INIT;
    Control__Listener listener = CONTROL__LISTENER__INIT;
    Control__Channel channel = CONTROL__CHANNEL__INIT;
    Control__Listener *listeners[] = {&listener};
    Control__Channel *channels[] = {&channel};
    bool is_ready;
    status.state = "running";
    status.store = &store;
    status.listeners = listeners;
    status.n_listeners = 1;
    status.channels = channels;
    status.n_channels = 1;
    store.free_bytes = INT64_C(1) << 40;
    listener.is_listening = 1;
    channel.is_up = 1;
    char *text = readiness_of(&status, false, &is_ready);
    assert_true(is_ready);
    assert_string_equal(text, "ready\n");
    free(text);
    channel.is_up = 0;
    store.free_bytes = 1000;
    text = readiness_of(&status, true, &is_ready);
    assert_false(is_ready);
    assert_non_null(strstr(text, "[+]listeners: ok\n"));
    assert_non_null(strstr(text, "[-]channel: no channel is signed on\n"));
    assert_non_null(strstr(text, "[-]store_space: "));
    free(text);
    text = readiness_of(NULL, true, &is_ready);
    assert_false(is_ready);
    assert_non_null(strstr(text, "[-]control: "));
    free(text);
}

static enum txn_outcome fold(const char *const rows[][3], size_t count)
{
    enum txn_outcome outcome = TXN_OUTCOME_NONE;
    for (size_t i = 0; i < count; i++) {
        outcome = txn_outcome_after(outcome, rows[i][0], rows[i][1], rows[i][2]);
    }
    return outcome;
}

static void test_outcomes_follow_the_rows(void **state)
{
    (void)state;
    static const char *const rows[][3] = {
        {"intent", "none", ""},
        {"result", "channel_answered", "00"},
        {"reversal", "terminal_reversed", ""},
        {"reversal_sent", "none", ""},
        {"anomaly", "late_response", "00"},
        {"reversal_done", "none", "00"},
    };
    static const enum txn_outcome wanted[] = {
        TXN_OUTCOME_PENDING,   TXN_OUTCOME_APPROVED,  TXN_OUTCOME_REVERSING,
        TXN_OUTCOME_REVERSING, TXN_OUTCOME_REVERSING, TXN_OUTCOME_REVERSED,
    };
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        assert_int_equal(fold(rows, i + 1), wanted[i]);
    }
    static const char *const declined[][3] = {{"intent", "none", ""},
                                              {"result", "channel_answered", "51"}};
    static const char *const unsent[][3] = {{"intent", "none", ""}, {"result", "unsent", "91"}};
    assert_int_equal(fold(declined, 2), TXN_OUTCOME_DECLINED);
    static const char *const advice[][3] = {{"advice", "none", "00"},
                                            {"advice_done", "none", "00"}};
    assert_int_equal(fold(unsent, 2), TXN_OUTCOME_FAILED);
    assert_int_equal(fold(advice, 1), TXN_OUTCOME_PENDING);
    assert_int_equal(fold(advice, 2), TXN_OUTCOME_APPROVED);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_samples_stand_under_one_head_in_the_order_of_the_table),
        cmocka_unit_test(test_webhooks_are_told_without_the_switch),
        cmocka_unit_test(test_what_is_given_up_has_no_line_before_the_desk_was_read),
        cmocka_unit_test(test_buckets_add_up_to_infinity),
        cmocka_unit_test(test_samples_that_do_not_fit_the_table_are_left_out),
        cmocka_unit_test(test_a_silent_switch_is_told_by_a_metric),
        cmocka_unit_test(test_readiness_names_what_fails),
        cmocka_unit_test(test_outcomes_follow_the_rows),
    };
    return cmocka_run_group_tests_name("switch/admin/metrics_text", tests, NULL, NULL);
}
