/* Metrics and terminals, asked over the control socket. */
#include "tests/unit/switch/control/control_scene.h"

static bool is_watch_busy;

static bool on_terminal(void *argument, const char *terminal_id, struct control_terminal *terminal)
{
    (void)argument;
    if (strcmp(terminal_id, "10000001") != 0) {
        return false;
    }
    snprintf(terminal->view.terminal_id, sizeof(terminal->view.terminal_id), "%s", terminal_id);
    terminal->is_registered = true;
    terminal->view.approved = 12;
    terminal->view.totals.domestic_debit = (struct batch_sum){12345, 2};
    terminal->view.settled_as = BATCH_EQUAL;
    terminal->view.faulty = 1 << 4 | 1 << 5;
    terminal->view.terminal_request = 4;
    terminal->key_count = 1;
    terminal->keys[0] = (struct control_key){"term:10000001:mak", "A1B2C3"};
    terminal->watch.as_of_us = 77;
    terminal->watch.view.declines_day = 5;
    terminal->watch.view.fallback_per_mille = 30;
    terminal->watch.is_busy = is_watch_busy;
    terminal->watch.fault = is_watch_busy ? "the watcher is at work" : NULL;
    return true;
}

static void on_metrics(void *argument, struct metric_sink *sink)
{
    static struct histogram histogram;
    (void)argument;
    histogram_record(&histogram, 3000000);
    histogram_record(&histogram, 100000000000);
    metric_put(sink, METRIC_TXN, (struct metric_labels){{"purchase", "approved"}}, 5);
    metric_put_histogram(sink, METRIC_TXN_DURATION, (struct metric_labels){{"purchase"}},
                         &histogram);
}

static const Control__Sample *find_sample(const Control__Metrics *metrics, const char *name)
{
    for (size_t i = 0; i < metrics->n_samples; i++) {
        if (strcmp(metrics->samples[i]->name, name) == 0) {
            return metrics->samples[i];
        }
    }
    return NULL;
}

static size_t index_of(const Control__Metrics *metrics, const Control__Sample *sample)
{
    size_t index = 0;
    while (metrics->samples[index] != sample) {
        index++;
    }
    return index;
}

static void ask_metrics(struct scene *scene)
{
    int descriptor = scene_connect(scene);
    Control__Answer *answer = scene_ask(descriptor, CONTROL__REQUEST__CALL_METRICS, NULL);
    const Control__Sample *txn = find_sample(answer->metrics, "txn_total");
    assert_int_equal(txn->n_labels, 2);
    assert_string_equal(txn->labels[0], "purchase");
    assert_true(txn->value == 5);
    const Control__Sample *duration = find_sample(answer->metrics, "txn_duration_seconds");
    assert_int_equal(duration->cells->n_counts, duration->cells->n_bounds + 1);
    assert_int_equal(duration->cells->counts[2], 1);  /* up to 5 ms */
    assert_int_equal(duration->cells->counts[14], 1); /* above 60 s */
    const Control__Sample *commit = find_sample(answer->metrics, "store_commit_seconds");
    assert_int_equal(commit->cells->counts[0], 2);
    assert_int_equal(commit->cells->counts[STORE_TIME_CELLS - 1], 1);
    const Control__Sample *oldest = find_sample(answer->metrics, "saf_oldest_seconds");
    assert_true(oldest->value == 5);
    const Control__Sample *ready = find_sample(answer->metrics, "reload_swap_seconds");
    const Control__Sample *swap = answer->metrics->samples[index_of(answer->metrics, ready) + 1];
    assert_string_equal(ready->labels[0], "ready");
    assert_true(ready->value == 0.25);
    assert_string_equal(swap->labels[0], "swap");
    assert_true(swap->value == 0.5);
    control__answer__free_unpacked(answer, NULL);
    close(descriptor);
}

static void test_metrics_carry_numbers_and_cells(void **state)
{
    scene_serve(*state, ask_metrics);
}

static void ask_terminals(struct scene *scene)
{
    int descriptor = scene_connect(scene);
    Control__Answer *answer = scene_ask(descriptor, CONTROL__REQUEST__CALL_TERMINAL, "10000001");
    assert_int_equal(answer->terminal->approved, 12);
    assert_int_equal(answer->terminal->day->domestic_debit->minor, 12345);
    assert_int_equal(answer->terminal->day->domestic_debit->count, 2);
    assert_string_equal(answer->terminal->day->settled, "equal");
    assert_string_equal(answer->terminal->day->faulty, "printer, display");
    assert_string_equal(answer->terminal->day->wanted, "download CA public keys");
    assert_string_equal(answer->terminal->keys[0]->name, "term:10000001:mak");
    assert_string_equal(answer->terminal->keys[0]->kcv, "A1B2C3");
    control__answer__free_unpacked(answer, NULL);
    answer = scene_ask(descriptor, CONTROL__REQUEST__CALL_TERMINAL, "99999999");
    assert_string_equal(answer->fault, "no such terminal");
    control__answer__free_unpacked(answer, NULL);
    close(descriptor);
}

static void test_an_unknown_terminal_is_a_fault_and_the_connection_stays(void **state)
{
    scene_serve(*state, ask_terminals);
}

static void ask_watch(struct scene *scene)
{
    int descriptor = scene_connect(scene);
    Control__Answer *answer = scene_ask(descriptor, CONTROL__REQUEST__CALL_TERMINAL, "10000001");
    const Control__TerminalWatch *watch = answer->terminal->watch;
    assert_non_null(watch);
    assert_int_equal(watch->as_of_us, 77);
    assert_int_equal(watch->declines_day, 5);
    assert_int_equal(watch->fallback_per_mille, 30);
    assert_null(answer->terminal->watch_fault);
    assert_false(answer->terminal->is_watch_busy);
    control__answer__free_unpacked(answer, NULL);
    is_watch_busy = true;
    answer = scene_ask(descriptor, CONTROL__REQUEST__CALL_TERMINAL, "10000001");
    is_watch_busy = false;
    assert_null(answer->terminal->watch);
    assert_string_equal(answer->terminal->watch_fault, "the watcher is at work");
    assert_true(answer->terminal->is_watch_busy);
    assert_int_equal(answer->terminal->approved, 12); /* the rest is told all the same */
    control__answer__free_unpacked(answer, NULL);
    close(descriptor);
}

static void test_what_the_watcher_counts_of_a_terminal_is_told_or_why_not(void **state)
{
    scene_serve(*state, ask_watch);
}

static int scene_set(void **state)
{
    static const struct control_rim RIM = {
        .status = scene_on_status, .terminal = on_terminal, .metrics = on_metrics};
    return scene_begin(state, &RIM);
}

int main(void)
{
#define SCENE(test) cmocka_unit_test_setup_teardown(test, scene_set, scene_strike)
    const struct CMUnitTest tests[] = {
        SCENE(test_metrics_carry_numbers_and_cells),
        SCENE(test_what_the_watcher_counts_of_a_terminal_is_told_or_why_not),
        SCENE(test_an_unknown_terminal_is_a_fault_and_the_connection_stays),
    };
    return cmocka_run_group_tests_name("switch/control/control_view", tests, NULL, NULL);
}
