/* See log_fill.h. */
#include "tests/bench/log_fill.h"

#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "switch/engine/engine.h"
#include "switch/engine/txn_state.h"
#include "switch/store/store.h"

#define QUEUE_COUNT 65536
/* No fleet has such numbers: were they its own, its trace numbers would lie below those of the log,
 * and each of its requests would be looked up there. */
#define FIRST_TERMINAL 60000001

struct filling {
    const struct log_fill *wanted;
    uv_loop_t loop;
    struct store *store;
    uint64_t position, durable;
    uint32_t epoch, seq;
    int64_t wall_us;
    uint32_t day;
};

static void on_durable(void *argument, uint64_t position)
{
    *(uint64_t *)argument = position;
}

static void on_record(void *argument, const struct record *record)
{
    struct filling *filling = argument;
    if (record->kind == RECORD_EPOCH) {
        filling->epoch = record->txn.epoch;
    }
}

/* Segments end where the next one is ready: the disk may be faster than what seals. */
static void wait_for_next_segment(struct filling *filling)
{
    uint32_t open_ordinal = 0;
    uint32_t sealed_last = 0;
    store_flush(filling->store);
    for (;;) {
        store_segments(filling->store, &open_ordinal, &sealed_last);
        if (sealed_last + 1 >= open_ordinal && filling->durable == filling->position) {
            break;
        }
        uv_run(&filling->loop, UV_RUN_NOWAIT);
        nanosleep(&(struct timespec){0, 1000000}, NULL);
    }
}

static void put(struct filling *filling, struct record *record)
{
    if (filling->position % filling->wanted->segment_row_count_max == 0) {
        wait_for_next_segment(filling);
    }
    while (!store_has_room(filling->store)) {
        store_flush(filling->store);
        uv_run(&filling->loop, UV_RUN_ONCE);
    }
    record->position = ++filling->position;
    record->wall_us = filling->wall_us += 100;
    store_append(filling->store, record);
    if (filling->position % 512 == 0) {
        store_flush(filling->store);
        uv_run(&filling->loop, UV_RUN_NOWAIT);
    }
}

static void name_terminal(struct record *record, uint32_t terminal)
{
    snprintf(record->terminal_id, sizeof(record->terminal_id), "%08u", FIRST_TERMINAL + terminal);
    snprintf(record->merchant_id, sizeof(record->merchant_id), "10229005812000%u",
             1 + terminal % 2);
}

static void sign_on(struct filling *filling, uint32_t terminal)
{
    struct record record = {.kind = RECORD_SIGNON,
                            .txn = {filling->epoch, ++filling->seq},
                            .payment_kind = PAYMENT_SIGNON,
                            .batch = 1,
                            .stan = 1,
                            .payload_length = 240};
    name_terminal(&record, terminal);
    memset(record.payload, 0x41, record.payload_length);
    put(filling, &record);
}

static struct record intent_of(struct filling *filling)
{
    uint32_t seq = ++filling->seq;
    uint32_t terminal = seq % filling->wanted->terminal_count;
    struct record record = {.kind = RECORD_INTENT,
                            .txn = {filling->epoch, seq},
                            .payment_kind = PAYMENT_PURCHASE,
                            .state = TXN_FORWARDED,
                            .attempt = 1,
                            .batch = 1,
                            .stan = 2 + seq / filling->wanted->terminal_count,
                            .amount = {100 + seq % 100000, MONEY_CNY},
                            .channel_stan = 1 + seq % 999999,
                            .merchant_fee = 74,
                            .issuer_fee = 56,
                            .scheme_fee = 4,
                            .usage_day = filling->day,
                            .usage_count = 1,
                            .usage_minor = 100 + seq % 100000,
                            .ruleset_version = 1};
    name_terminal(&record, terminal);
    memcpy(record.pan_masked, "622202*********0128", 20);
    for (uint32_t i = 0; i < sizeof(record.pan_hash.bytes); i++) {
        record.pan_hash.bytes[i] = (uint8_t)((seq * 2654435761U) >> (i % 4 * 8));
    }
    record.pan_sealed.length = PAN_SEALED_BYTES_MAX;
    memset(record.pan_sealed.bytes, (int)(1 + seq % 251), sizeof(record.pan_sealed.bytes));
    memcpy(record.processing_code, "000000", 7);
    memcpy(record.condition_code, "00", 3);
    memcpy(record.type_code, "22", 3);
    memcpy(record.entry_mode, "051", 4);
    memcpy(record.channel, terminal % 2 == 0 ? "bank_a" : "bank_b", 7);
    memcpy(record.sent_at, "1128120000", 11);
    snprintf(record.rrn, sizeof(record.rrn), "1%04u%07u", filling->epoch % 10000, seq % 10000000);
    memcpy(record.mcc, "5411", 5);
    memcpy(record.acquirer_id, "00085500", 9);
    return record;
}

static void put_result(struct filling *filling, struct record *record)
{
    record->kind = RECORD_RESULT;
    record->state = TXN_APPROVED;
    record->reason = TXN_REASON_CHANNEL_ANSWERED;
    record->pan_sealed.length = 0;
    record->settlement_day = filling->day;
    record->usage_count = 0;
    record->usage_minor = 0;
    memcpy(record->response_code, "00", 3);
    snprintf(record->auth_code, sizeof(record->auth_code), "%06u", record->txn.seq % 1000000);
    memcpy(record->totals, "1000 10", 8);
    put(filling, record);
}

static void put_reversal(struct filling *filling, struct record *record)
{
    record->kind = RECORD_REVERSAL;
    record->original = record->txn;
    record->txn.seq = ++filling->seq;
    record->state = TXN_REVERSAL_READY;
    record->reason = TXN_REASON_NO_ANSWER;
    record->usage_count = 0;
    record->usage_minor = 0;
    put(filling, record);
}

static void open_store(struct filling *filling)
{
    char reason[STORE_REASON_SIZE] = "";
    struct store_setup setup = {.folder = filling->wanted->folder,
                                .burst_count_max = 4096,
                                .queue_count_max = QUEUE_COUNT,
                                .segment_row_count_max = filling->wanted->segment_row_count_max,
                                .carry_window_us = INT64_C(86400000000)};
    uv_loop_init(&filling->loop);
    filling->store = store_open(&setup, reason);
    if (filling->store == NULL ||
        store_replay(filling->store,
                     &(struct store_reader){.on_record = on_record, .argument = filling},
                     reason) != STATUS_OK ||
        store_start(filling->store, &filling->loop, on_durable, &filling->durable) != STATUS_OK) {
        fprintf(stderr, "log_fill: %s\n", reason);
        exit(2);
    }
    struct store_counts counts;
    store_count(filling->store, &counts);
    filling->position = filling->durable = counts.position_durable;
}

static void close_store(struct filling *filling)
{
    store_flush(filling->store);
    while (filling->durable < filling->position) {
        uv_run(&filling->loop, UV_RUN_ONCE);
    }
    wait_for_next_segment(filling);
    store_close(filling->store);
    uv_run(&filling->loop, UV_RUN_DEFAULT);
    uv_loop_close(&filling->loop);
}

static void begin_epoch(struct filling *filling)
{
    struct timespec now;
    struct tm date;
    clock_gettime(CLOCK_REALTIME, &now);
    gmtime_r(&now.tv_sec, &date);
    filling->wall_us = (int64_t)now.tv_sec * 1000000;
    filling->day = (uint32_t)(date.tm_year + 1900) * 10000 + (uint32_t)(date.tm_mon + 1) * 100 +
                   (uint32_t)date.tm_mday;
    struct record record = {.kind = RECORD_EPOCH, .txn = {++filling->epoch, 0}};
    put(filling, &record);
}

void log_fill(const struct log_fill *fill)
{
    struct filling filling = {.wanted = fill};
    open_store(&filling);
    uint64_t last = filling.position + fill->row_count - 2 * (uint64_t)fill->in_doubt_count;
    begin_epoch(&filling);
    for (uint32_t i = 0; i < fill->terminal_count && filling.position < last; i++) {
        sign_on(&filling, i);
    }
    while (filling.position < last) {
        struct record record = intent_of(&filling);
        put(&filling, &record);
        put_result(&filling, &record);
    }
    for (uint32_t i = 0; i < fill->in_doubt_count; i++) {
        struct record record = intent_of(&filling);
        put(&filling, &record);
        if (i % 2 == 0) {
            put_reversal(&filling, &record);
        }
    }
    close_store(&filling);
}
