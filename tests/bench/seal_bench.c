/* What sealing costs the commits of the open segment: the slowest hundredth of commits of ten rows
 * each while a segment of half a million rows is sealed, beside the same afterwards.
 *
 * seal_bench FOLDER [ROWS] */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "switch/engine/txn_state.h"
#include "switch/store/store.h"
#include "tests/bench/bench.h"
#include "tests/bench/log_fill.h"
#include "tests/log_folder_strike.h"

#define COMMITS_MAX 200000
#define ROWS_A_COMMIT 10
#define QUIET_COMMITS 3000
#define PAUSE_NS 1000000

struct sealing_run {
    uv_loop_t loop;
    struct store *store;
    uint64_t position, durable;
    uint32_t count;
    double took_us[COMMITS_MAX];
};

static void on_durable(void *argument, uint64_t position)
{
    *(uint64_t *)argument = position;
}

static void on_record(void *argument, const struct record *record)
{
    (void)argument;
    (void)record;
}

static void commit(struct sealing_run *run)
{
    struct record record = {.kind = RECORD_INTENT,
                            .txn = {9999, 1},
                            .payment_kind = PAYMENT_PURCHASE,
                            .state = TXN_FORWARDED,
                            .terminal_id = "10000001",
                            .merchant_id = "102290058120001",
                            .channel = "bank_a",
                            .rrn = "199990000001"};
    uint64_t began_ns = bench_now_ns();
    for (uint32_t i = 0; i < ROWS_A_COMMIT; i++) {
        record.position = ++run->position;
        record.txn.seq = (uint32_t)run->position;
        store_append(run->store, &record);
    }
    store_flush(run->store);
    while (run->durable < run->position) {
        uv_run(&run->loop, UV_RUN_ONCE);
    }
    run->took_us[run->count++] = (double)(bench_now_ns() - began_ns) / 1e3;
    nanosleep(&(struct timespec){0, PAUSE_NS}, NULL);
}

static int compare(const void *left, const void *right)
{
    double a = *(const double *)left;
    double b = *(const double *)right;
    return a < b ? -1 : a > b;
}

static double slow_hundredth(struct sealing_run *run, const char *words)
{
    qsort(run->took_us, run->count, sizeof(run->took_us[0]), compare);
    double p99 = run->took_us[run->count * 99 / 100];
    fprintf(stderr, "%s: %u commits, p50 %.0f us, p99 %.0f us, longest %.0f us\n", words,
            run->count, run->took_us[run->count / 2], p99, run->took_us[run->count - 1]);
    run->count = 0;
    return p99;
}

static void open_store(struct sealing_run *run, const char *folder)
{
    char reason[STORE_REASON_SIZE] = "";
    struct store_counts counts;
    uv_loop_init(&run->loop);
    run->store = store_open(&(struct store_setup){.folder = folder,
                                                  .burst_count_max = 1024,
                                                  .queue_count_max = 65536,
                                                  .segment_row_count_max = 400000,
                                                  .carry_window_us = INT64_C(86400000000)},
                            reason);
    if (run->store == NULL ||
        store_replay(run->store, &(struct store_reader){.on_record = on_record}, reason) !=
            STATUS_OK ||
        store_start(run->store, &run->loop, on_durable, &run->durable) != STATUS_OK) {
        fprintf(stderr, "seal: %s\n", reason);
        exit(2);
    }
    store_count(run->store, &counts);
    run->position = run->durable = counts.position_durable;
}

int main(int count, char **words)
{
    static struct sealing_run run;
    char folder[512];
    uint32_t open_ordinal = 0;
    uint32_t sealed_last = 0;
    snprintf(folder, sizeof(folder), "%s/seal", count > 1 ? words[1] : ".");
    log_folder_strike(folder);
    log_fill(&(struct log_fill){folder, count > 2 ? strtoull(words[2], NULL, 10) : 500000, 1000,
                                1000, 100000000});
    open_store(&run, folder);
    while (open_ordinal < 2) { /* the next segment is made ready, then taken */
        commit(&run);
        store_segments(run.store, &open_ordinal, &sealed_last);
    }
    slow_hundredth(&run, "until the change of segments");
    uint64_t began_ns = bench_now_ns();
    while (sealed_last < 1 && run.count < COMMITS_MAX) {
        commit(&run);
        store_segments(run.store, &open_ordinal, &sealed_last);
    }
    fprintf(stderr, "sealed in %.1f s\n", (double)(bench_now_ns() - began_ns) / 1e9);
    double sealing = slow_hundredth(&run, "while it is sealed");
    for (int i = 0; i < QUIET_COMMITS; i++) {
        commit(&run);
    }
    double quiet = slow_hundredth(&run, "afterwards");
    bench_print(&(struct bench_figure){.name = "log.commit_while_sealing",
                                       .unit = "us",
                                       .value = sealing,
                                       .reference = "p99 of a commit afterwards, us",
                                       .reference_value = quiet,
                                       .aim = 5000});
    store_close(run.store);
    uv_run(&run.loop, UV_RUN_DEFAULT);
    log_folder_strike(folder);
    return 0;
}
