/* How long a restart reads: a log of a million rows that are not sealed, 10,000 transactions of it
 * in doubt, into an engine, beside one read of the same bytes.
 *
 * restart_bench FOLDER [ROWS [IN_DOUBT [keep]]]; keep: uses the log that is there, and leaves it.
 */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "switch/engine/engine.h"
#include "switch/store/store.h"
#include "tests/bench/bench.h"
#include "tests/bench/log_fill.h"
#include "tests/log_folder_strike.h"
#include "tests/stage/small_ruleset.h"

#define ROUNDS 3
#define TERMINAL_COUNT 1000

struct restart {
    struct engine *engine;
    uint64_t now_ns, rows;
    struct engine_effects effects;
};

static void step(struct restart *restart, struct engine_event *event)
{
    event->now_ns = ++restart->now_ns;
    event->wall_us = INT64_C(1767225600000000);
    engine_step(restart->engine, event, &restart->effects);
}

static void on_record(void *argument, const struct record *record)
{
    struct restart *restart = argument;
    struct engine_event event = {.kind = ENGINE_REPLAY, .record = record};
    if (!engine_may_replay(restart->engine, record)) {
        fprintf(stderr, "restart: no room for position %llu\n",
                (unsigned long long)record->position);
        exit(2);
    }
    step(restart, &event);
    restart->rows++;
}

static struct engine *make_engine(void)
{
    struct engine_limits limits = {.txn_count_max = 262144,
                                   .terminal_count_max = 4 * TERMINAL_COUNT,
                                   .response_timeout_ns = UINT64_C(45000000000),
                                   .inflight_life_ns = UINT64_C(120000000000),
                                   .saf_retry_min_ns = UINT64_C(5000000000),
                                   .saf_retry_max_ns = UINT64_C(60000000000),
                                   .saf_life_ns = UINT64_C(86400000000000),
                                   .duplicate_window_ns = UINT64_C(3600000000000),
                                   .signon_timeout_ns = UINT64_C(5000000000),
                                   .lookup_timeout_ns = UINT64_C(5000000000),
                                   .capture_ceiling_percent = 115,
                                   .tip_ceiling_percent = 120,
                                   .saf_window = 16,
                                   .node = 1,
                                   .acquirer_id = "00085500"};
    return engine_create(&limits);
}

static void on_usage(void *argument, const struct usage_sum *sum)
{
    step(argument, &(struct engine_event){.kind = ENGINE_USAGE, .usage = sum});
}

static double restart_ms(const char *folder, const struct ruleset *ruleset, uint64_t rows,
                         uint32_t in_doubt)
{
    static struct restart restart;
    char reason[STORE_REASON_SIZE] = "";
    struct store_setup setup = {.folder = folder,
                                .burst_count_max = 1024,
                                .queue_count_max = 65536,
                                .segment_row_count_max = 1000000};
    memset(&restart, 0, sizeof(restart));
    uint64_t began_ns = bench_now_ns();
    struct store *store = store_open(&setup, reason);
    restart.engine = make_engine();
    step(&restart, &(struct engine_event){.kind = ENGINE_RULESET, .ruleset = ruleset});
    if (store == NULL || store_replay(store, &(struct store_reader){on_record, on_usage, &restart},
                                      reason) != STATUS_OK) {
        fprintf(stderr, "restart: %s\n", reason);
        exit(2);
    }
    step(&restart, &(struct engine_event){.kind = ENGINE_REPLAY_END});
    double took_ms = (double)(bench_now_ns() - began_ns) / 1e6;
    struct engine_counts counts;
    engine_count(restart.engine, &counts);
    if (restart.rows < rows * 9 / 10 ||
        counts.txn_in_flight + counts.reversals_pending < in_doubt) {
        fprintf(stderr, "restart: %llu rows, %u in flight, %u reversals pending\n",
                (unsigned long long)restart.rows, counts.txn_in_flight, counts.reversals_pending);
        exit(2);
    }
    store_close(store);
    engine_destroy(restart.engine);
    return took_ms;
}

static double read_ms(const char *folder)
{
    static char piece[1 << 20];
    char path[600];
    snprintf(path, sizeof(path), "%s/segment-000001.db", folder);
    uint64_t began_ns = bench_now_ns();
    int file = open(path, O_RDONLY);
    while (file >= 0 && read(file, piece, sizeof(piece)) > 0) {
    }
    close(file);
    return (double)(bench_now_ns() - began_ns) / 1e6;
}

int main(int count, char **words)
{
    char folder[512];
    uint64_t rows = count > 2 ? strtoull(words[2], NULL, 10) : 1000000;
    uint32_t in_doubt = count > 3 ? (uint32_t)strtoull(words[3], NULL, 10) : 10000;
    double took[ROUNDS];
    double read[ROUNDS];
    snprintf(folder, sizeof(folder), "%s/restart", count > 1 ? words[1] : ".");
    bool must_keep = count > 4;
    if (!must_keep) {
        log_folder_strike(folder);
    }
    struct ruleset *ruleset = small_ruleset_create(TERMINAL_COUNT);
    if (!must_keep) {
        log_fill(&(struct log_fill){folder, rows, in_doubt, TERMINAL_COUNT, 100000000});
    }
    for (int i = 0; i < ROUNDS; i++) {
        read[i] = read_ms(folder);
        took[i] = restart_ms(folder, ruleset, rows, in_doubt);
    }
    bench_print(&(struct bench_figure){.name = "log.restart",
                                       .unit = "ms",
                                       .value = bench_median(took, ROUNDS),
                                       .reference = "one read of the file, warm, ms",
                                       .reference_value = bench_median(read, ROUNDS),
                                       .aim = 2500});
    if (!must_keep) {
        log_folder_strike(folder);
    }
    ruleset_destroy(ruleset);
    return 0;
}
