/* Tests that write a log of whole stories: purchases with results, voids, refunds, reversals, as
 * the engine writes them. */
#pragma once

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include <uv.h>

#include "switch/engine/engine.h"
#include "switch/engine/txn_state.h"
#include "switch/store/store.h"
#include "switch/store/store_tools.h"
#include "tests/log_folder_strike.h"
#include "tests/unit/unit_test.h"

#define STORY_WALL_US INT64_C(1790000000000000) /* 2026-09-21 */
#define STORY_DAY 20260921
#define STORY_MERCHANT "102290058120001"

static inline void story_pause(uint32_t us)
{
    struct timespec pause = {us / 1000000, (long)(us % 1000000) * 1000};
    nanosleep(&pause, NULL);
}

struct story {
    char folder[64];
    struct store_setup setup;
    uv_loop_t loop;
    struct store *store; /* NULL: closed */
    uint64_t position, durable;
    uint32_t day;
    int64_t wall_us;
    bool must_flush_each; /* a commit a row, so that segments end where they should */
};

static inline int story_set(void **state)
{
    struct story *story = calloc(1, sizeof(*story));
    if (story == NULL) {
        return -1;
    }
    snprintf(story->folder, sizeof(story->folder), "/tmp/tillway-story-XXXXXX");
    if (mkdtemp(story->folder) == NULL) {
        return -1;
    }
    story->setup = (struct store_setup){.folder = story->folder,
                                        .burst_count_max = 256,
                                        .queue_count_max = 4096,
                                        .segment_row_count_max = 100,
                                        .carry_window_us = INT64_C(86400000000)};
    story->day = STORY_DAY;
    story->wall_us = STORY_WALL_US;
    *state = story;
    return 0;
}

static inline int story_strike(void **state)
{
    struct story *story = *state;
    log_folder_strike(story->folder);
    free(story);
    return 0;
}

static inline void story_on_durable(void *argument, uint64_t position)
{
    *(uint64_t *)argument = position;
}

static inline void story_begin_with(struct story *story, const struct store_reader *reader)
{
    char reason[STORE_REASON_SIZE] = "";
    uv_loop_init(&story->loop);
    story->store = store_open(&story->setup, reason);
    if (story->store == NULL) {
        print_message("%s\n", reason);
    }
    assert_non_null(story->store);
    enum status status = store_replay(story->store, reader, reason);
    if (status != STATUS_OK) {
        print_message("%s\n", reason);
    }
    assert_int_equal(status, STATUS_OK);
    struct store_counts counts;
    store_count(story->store, &counts);
    story->position = story->durable = counts.position_durable;
    assert_int_equal(store_start(story->store, &story->loop, story_on_durable, &story->durable),
                     STATUS_OK);
}

static inline void story_begin(struct story *story,
                               void (*on_record)(void *argument, const struct record *record),
                               void *argument)
{
    story_begin_with(story, &(struct store_reader){on_record, NULL, argument});
}

static inline void story_ignore(void *argument, const struct record *record)
{
    (void)argument;
    (void)record;
}

static inline void story_wait_durable(struct story *story)
{
    store_flush(story->store);
    while (story->durable < story->position) {
        uv_run(&story->loop, UV_RUN_ONCE);
    }
}

static inline void story_end(struct story *story)
{
    story_wait_durable(story);
    store_close(story->store);
    story->store = NULL;
    uv_run(&story->loop, UV_RUN_DEFAULT);
    assert_int_equal(uv_loop_close(&story->loop), 0);
}

/* Waits until `ordinal` is sealed. */
static inline void story_wait_sealed(struct story *story, uint32_t ordinal)
{
    uint32_t open_ordinal = 0;
    uint32_t sealed_last = 0;
    for (int i = 0; i < 20000; i++) {
        store_segments(story->store, &open_ordinal, &sealed_last);
        if (sealed_last >= ordinal) {
            return;
        }
        story_pause(1000);
    }
    fail_msg("segment %u is not sealed after 20 s; %u is, %u is open", ordinal, sealed_last,
             open_ordinal);
}

/* One row of transaction `seq`, whose key and RRN follow from its number. */
static inline struct record story_record(const struct story *story, enum record_kind kind,
                                         uint32_t seq, uint32_t of)
{
    struct record record = {.kind = kind,
                            .wall_us = story->wall_us,
                            .txn = {1, seq},
                            .payment_kind = PAYMENT_PURCHASE,
                            .state = kind == RECORD_RESULT ? TXN_APPROVED : TXN_FORWARDED,
                            .batch = 1,
                            .stan = of,
                            .amount = {1000 + of, MONEY_CNY},
                            .channel_stan = seq,
                            .settlement_day = kind == RECORD_RESULT ? story->day : 0};
    snprintf(record.terminal_id, sizeof(record.terminal_id), "%08u", of % 7);
    snprintf(record.merchant_id, sizeof(record.merchant_id), STORY_MERCHANT);
    snprintf(record.channel, sizeof(record.channel), "bank_a");
    snprintf(record.rrn, sizeof(record.rrn), "10001%07u", of);
    memset(record.pan_hash.bytes, (int)(1 + of % 200), sizeof(record.pan_hash.bytes));
    if (kind == RECORD_RESULT) {
        snprintf(record.response_code, sizeof(record.response_code), "00");
        snprintf(record.auth_code, sizeof(record.auth_code), "%06u", of % 1000000);
    }
    return record;
}

static inline void story_put(struct story *story, struct record record)
{
    while (!store_has_room(story->store)) {
        store_flush(story->store);
        uv_run(&story->loop, UV_RUN_ONCE);
    }
    record.position = ++story->position;
    store_append(story->store, &record);
    if (story->must_flush_each) {
        story_wait_durable(story);
    }
}

static inline void story_purchase(struct story *story, uint32_t seq)
{
    story_put(story, story_record(story, RECORD_INTENT, seq, seq));
    story_put(story, story_record(story, RECORD_RESULT, seq, seq));
}

/* A void or refund `seq` of transaction `of`; `has_result`: it is answered. */
static inline void story_follow(struct story *story, uint32_t seq, uint32_t of, bool has_result)
{
    struct record intent = story_record(story, RECORD_INTENT, seq, seq);
    intent.payment_kind = PAYMENT_VOID;
    intent.original = (struct txn_reference){1, of};
    story_put(story, intent);
    if (has_result) {
        struct record result = story_record(story, RECORD_RESULT, seq, seq);
        result.payment_kind = PAYMENT_VOID;
        result.original = (struct txn_reference){1, of};
        story_put(story, result);
    }
}

/* Reversal `seq` of transaction `of`, with `attempts`; `is_done`: acknowledged. */
static inline void story_reverse(struct story *story, uint32_t seq, uint32_t of, uint32_t attempts,
                                 bool is_done)
{
    struct record record = story_record(story, RECORD_REVERSAL, seq, of);
    record.original = (struct txn_reference){1, of};
    record.state = TXN_REVERSAL_READY;
    story_put(story, record);
    for (uint32_t i = 1; i <= attempts; i++) {
        record.kind = RECORD_REVERSAL_SENT;
        record.state = TXN_REVERSAL_SENT;
        record.attempt = (uint16_t)i;
        story_put(story, record);
    }
    if (is_done) {
        record.kind = RECORD_REVERSAL_DONE;
        record.state = TXN_REVERSED;
        story_put(story, record);
    }
}
