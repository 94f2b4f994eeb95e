/* Durable rows a second through the log's group commit, beside the raw fdatasync rate of the same
 * disk measured in turn. The store runs as it does in production: its own thread, a loop that is
 * told. */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "switch/store/store.h"
#include "tests/bench/bench.h"
#include "tests/log_folder_strike.h"

#define ROW_COUNT 60000
#define WAITING_COUNT_MAX 8192
#define SYNC_COUNT 400

struct run {
    uv_loop_t loop;
    struct store *store;
    uint64_t appended, durable;
};

static void fill_record(struct record *record, uint64_t position)
{
    *record = (struct record){.position = position,
                              .kind = position % 2 == 0 ? RECORD_RESULT : RECORD_INTENT,
                              .wall_us = INT64_C(1767225600000000) + (int64_t)position,
                              .txn = {1, (uint32_t)(position / 2)},
                              .payment_kind = PAYMENT_PURCHASE,
                              .batch = 1,
                              .stan = (uint32_t)(position / 2 % 1000000),
                              .amount = {12345, MONEY_CNY},
                              .channel_stan = (uint32_t)(position / 2 % 1000000),
                              .merchant_fee = 74,
                              .issuer_fee = 56,
                              .scheme_fee = 4};
    snprintf(record->terminal_id, sizeof(record->terminal_id), "%08u", (unsigned)(position % 1000));
    memcpy(record->merchant_id, "102290058120001", 16);
    memcpy(record->pan_masked, "622202*********0128", 20);
    memcpy(record->channel, "bank_a", 7);
    snprintf(record->rrn, sizeof(record->rrn), "10001%07u", (unsigned)(position / 2 % 10000000));
    record->pan_sealed.length = PAN_SEALED_BYTES_MAX;
    memset(record->pan_sealed.bytes, (int)(position % 251), sizeof(record->pan_sealed.bytes));
}

static void append_more(struct run *run)
{
    while (run->appended < ROW_COUNT && run->appended - run->durable < WAITING_COUNT_MAX &&
           store_has_room(run->store)) {
        struct record record;
        fill_record(&record, ++run->appended);
        store_append(run->store, &record);
    }
    store_flush(run->store);
}

static void on_durable(void *argument, uint64_t position)
{
    struct run *run = argument;
    run->durable = position;
    if (position >= ROW_COUNT) {
        uv_stop(&run->loop);
        return;
    }
    append_more(run);
}

static void on_replayed(void *argument, const struct record *record)
{
    (void)argument;
    (void)record;
}

static double rows_per_second(const char *folder)
{
    char path[512];
    snprintf(path, sizeof(path), "%s/bench", folder);
    static struct run run;
    memset(&run, 0, sizeof(run));
    uv_loop_init(&run.loop);
    char reason[STORE_REASON_SIZE];
    run.store = store_open(&(struct store_setup){.folder = path,
                                                 .burst_count_max = 1024,
                                                 .queue_count_max = 65536,
                                                 .segment_row_count_max = 1000000},
                           reason);
    if (run.store == NULL ||
        store_replay(run.store, &(struct store_reader){.on_record = on_replayed}, reason) !=
            STATUS_OK ||
        store_start(run.store, &run.loop, on_durable, &run) != STATUS_OK) {
        fprintf(stderr, "store: %s\n", reason);
        exit(2);
    }
    uint64_t began_ns = bench_now_ns();
    append_more(&run);
    uv_run(&run.loop, UV_RUN_DEFAULT);
    double seconds = (double)(bench_now_ns() - began_ns) / 1e9;
    store_close(run.store);
    uv_run(&run.loop, UV_RUN_DEFAULT);
    log_folder_strike(path);
    return ROW_COUNT / seconds;
}

static double syncs_per_second(const char *folder)
{
    char path[512];
    snprintf(path, sizeof(path), "%s/sync.bin", folder);
    static uint8_t page[4096];
    int file = open(path, O_CREAT | O_RDWR | O_TRUNC, 0600);
    for (int i = 0; file >= 0 && i < SYNC_COUNT; i++) {
        if (pwrite(file, page, sizeof(page), (off_t)i * 4096) != sizeof(page)) {
            break;
        }
    }
    if (file < 0 || fsync(file) != 0) {
        perror(path);
        exit(2);
    }
    uint64_t began_ns = bench_now_ns();
    for (int i = 0; i < SYNC_COUNT; i++) {
        page[0] = (uint8_t)i;
        if (pwrite(file, page, sizeof(page), (off_t)i * 4096) != sizeof(page) ||
            fdatasync(file) != 0) {
            perror(path);
            exit(2);
        }
    }
    double seconds = (double)(bench_now_ns() - began_ns) / 1e9;
    close(file);
    unlink(path);
    return SYNC_COUNT / seconds;
}

int main(int argument_count, char **arguments)
{
    const char *folder = argument_count > 1 ? arguments[1] : ".";
    double rows[BENCH_ROUNDS];
    double syncs[BENCH_ROUNDS];
    for (int i = 0; i < BENCH_ROUNDS; i++) {
        syncs[i] = syncs_per_second(folder);
        rows[i] = rows_per_second(folder);
    }
    bench_print(&(struct bench_figure){.name = "log.rows",
                                       .unit = "rows/s",
                                       .value = bench_median(rows, BENCH_ROUNDS),
                                       .reference = "fdatasync of one 4 KiB page, a second",
                                       .reference_value = bench_median(syncs, BENCH_ROUNDS),
                                       .aim = 50000});
    return 0;
}
