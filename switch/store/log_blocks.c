/* See log_blocks.h. */
#include "switch/store/log_blocks.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "protocols/base/require.h"

#define BLOCK_ROWS 256u
#define BLOCK_COUNT 16u /* that are read ahead */
#define THREADS_MIN 2u
#define THREADS_MAX 4u

struct block {
    bool is_read;
    enum status status;
    uint32_t count;
    struct log_hash chain; /* of its last row */
    char reason[LOG_REASON_SIZE];
    struct record *records;
};

struct block_reading {
    const struct log_place *place;
    uint32_t ordinal;
    uint64_t first, last; /* positions */
    uint64_t block_count;

    pthread_mutex_t mutex; /* guards the rest */
    pthread_cond_t has_room, has_block;
    uint64_t next, taken; /* blocks begun, and given out */
    bool is_over;         /* no more is wanted */
    enum status status;
    char reason[LOG_REASON_SIZE]; /* of the first fault */
    struct block blocks[BLOCK_COUNT];
    struct record *records; /* owner */
};

static void end_with(struct block_reading *reading, enum status status, const char *reason)
{
    pthread_mutex_lock(&reading->mutex);
    if (!reading->is_over) {
        reading->is_over = true;
        reading->status = status;
    }
    if (reading->reason[0] == '\0') {
        snprintf(reading->reason, sizeof(reading->reason), "%s", reason);
    }
    pthread_mutex_unlock(&reading->mutex);
    pthread_cond_broadcast(&reading->has_room);
    pthread_cond_signal(&reading->has_block);
}

/* The number of the next block to read, once it has a place; block_count: there is no more. */
static uint64_t begin_block(struct block_reading *reading)
{
    pthread_mutex_lock(&reading->mutex);
    while (!reading->is_over && reading->next < reading->block_count &&
           reading->next - reading->taken >= BLOCK_COUNT) {
        pthread_cond_wait(&reading->has_room, &reading->mutex);
    }
    uint64_t number = reading->is_over ? reading->block_count : reading->next;
    reading->next += number < reading->block_count;
    pthread_mutex_unlock(&reading->mutex);
    return number;
}

static void *reader_run(void *argument)
{
    struct block_reading *reading = argument;
    struct log_segment segment;
    char reason[LOG_REASON_SIZE] = "";
    uint64_t number;
    enum status status =
        log_segment_open(&segment, reading->place, reading->ordinal, SEGMENT_READ, reason);
    if (status != STATUS_OK) {
        end_with(reading, status, reason);
        return NULL;
    }
    while (status == STATUS_OK && (number = begin_block(reading)) < reading->block_count) {
        struct block *block = &reading->blocks[number % BLOCK_COUNT];
        uint64_t first = reading->first + number * BLOCK_ROWS;
        uint64_t left = reading->last - first + 1;
        block->count = left < BLOCK_ROWS ? (uint32_t)left : BLOCK_ROWS;
        status = log_segment_read_block(&segment, first, block->records, block->count, reason);
        if (status != STATUS_OK) {
            /* Rows before the fault are still given out, if their blocks are there. */
            block->count = (uint32_t)(segment.position - (first - 1));
        }
        pthread_mutex_lock(&reading->mutex);
        block->chain = segment.chain;
        block->status = status;
        block->is_read = true;
        if (status != STATUS_OK) { /* of two faults the earlier one is told */
            snprintf(block->reason, sizeof(block->reason), "%s", reason);
        }
        pthread_mutex_unlock(&reading->mutex);
        pthread_cond_signal(&reading->has_block);
    }
    log_segment_close(&segment);
    return NULL;
}

/* Waits for a block. NULL: the reading ended with a fault. */
static struct block *wait_for_block(struct block_reading *reading, uint64_t number)
{
    struct block *block = &reading->blocks[number % BLOCK_COUNT];
    pthread_mutex_lock(&reading->mutex);
    while (!reading->is_over && !block->is_read) {
        pthread_cond_wait(&reading->has_block, &reading->mutex);
    }
    bool is_there = block->is_read;
    pthread_mutex_unlock(&reading->mutex);
    return is_there ? block : NULL;
}

static void give_back(struct block_reading *reading, struct block *block)
{
    pthread_mutex_lock(&reading->mutex);
    block->is_read = false;
    reading->taken++;
    pthread_mutex_unlock(&reading->mutex);
    pthread_cond_broadcast(&reading->has_room);
}

static enum status hand_on(struct block_reading *reading, const struct log_reader *reader,
                           struct log_end *end)
{
    for (uint64_t number = 0; number < reading->block_count; number++) {
        struct block *block = wait_for_block(reading, number);
        if (block == NULL) {
            return reading->status;
        }
        for (uint32_t i = 0; i < block->count && reader->on_record != NULL; i++) {
            reader->on_record(reader->argument, &block->records[i]);
        }
        if (block->count > 0) {
            end->position = reading->first + number * BLOCK_ROWS + block->count - 1;
            end->hash = block->chain;
        }
        enum status status = block->status;
        if (status != STATUS_OK) {
            end_with(reading, status, block->reason);
        }
        give_back(reading, block);
        if (status != STATUS_OK) {
            return status;
        }
    }
    return STATUS_OK;
}

static uint32_t thread_count(void)
{
    long online = sysconf(_SC_NPROCESSORS_ONLN);
    if (online <= (long)THREADS_MIN) {
        return THREADS_MIN;
    }
    return online - 1 > (long)THREADS_MAX ? THREADS_MAX : (uint32_t)online - 1;
}

static enum status run(struct block_reading *reading, const struct log_reader *reader,
                       struct log_end *end)
{
    pthread_t threads[THREADS_MAX];
    uint32_t count = 0;
    while (count < thread_count() &&
           pthread_create(&threads[count], NULL, reader_run, reading) == 0) {
        count++;
    }
    if (count == 0) {
        snprintf(reading->reason, sizeof(reading->reason), "log: no thread to read it with");
        return STATUS_BROKEN;
    }
    enum status status = hand_on(reading, reader, end);
    end_with(reading, status, "");
    for (uint32_t i = 0; i < count; i++) {
        pthread_join(threads[i], NULL);
    }
    return status;
}

enum status log_blocks_read(const struct log_place *place, struct log_segment *segment,
                            const struct log_reader *reader, struct log_end *end, char *reason)
{
    struct block_reading reading = {
        .place = place, .ordinal = segment->row.ordinal, .first = segment->row.first_position};
    enum status status = log_segment_last(segment, &reading.last, reason);
    if (status != STATUS_OK || reading.last < reading.first) {
        return status;
    }
    reading.block_count = (reading.last - reading.first) / BLOCK_ROWS + 1;
    reading.records = malloc((size_t)BLOCK_COUNT * BLOCK_ROWS * sizeof(reading.records[0]));
    if (reading.records == NULL) {
        snprintf(reason, LOG_REASON_SIZE, "log %s: no memory to read it", segment->path);
        return STATUS_NO_MEMORY;
    }
    for (uint32_t i = 0; i < BLOCK_COUNT; i++) {
        reading.blocks[i].records = reading.records + (size_t)i * BLOCK_ROWS;
    }
    pthread_mutex_init(&reading.mutex, NULL);
    pthread_cond_init(&reading.has_room, NULL);
    pthread_cond_init(&reading.has_block, NULL);
    status = run(&reading, reader, end);
    if (status != STATUS_OK) {
        snprintf(reason, LOG_REASON_SIZE, "%s", reading.reason);
    }
    pthread_cond_destroy(&reading.has_block);
    pthread_cond_destroy(&reading.has_room);
    pthread_mutex_destroy(&reading.mutex);
    free(reading.records);
    return status;
}
