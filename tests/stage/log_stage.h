/* A log in a folder of its own, for tests of those who read it: segments filled with records that a
 * test names, and sealed in name.
 *
 * Life:  log_stage_set -> add, cut ... -> log_stage_close -> (read) -> log_stage_strike
 */
#pragma once

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "switch/store/log_segment.h"
#include "tests/log_folder_strike.h"
#include "tests/unit/unit_test.h"

struct log_stage {
    char folder[64];
    struct log_segment segment;
    uint64_t first; /* position of the segment's first row */
};

static inline void log_stage_must(enum status status, const char *reason)
{
    if (status != STATUS_OK) {
        fail_msg("%s", reason);
    }
}

static inline void log_stage_begin(struct log_stage *stage, const struct segment_row *row)
{
    char reason[LOG_REASON_SIZE] = "";
    const struct log_place place = {stage->folder, NULL};
    log_stage_must(log_segment_make(&place, reason), reason);
    log_stage_must(log_segment_adopt(&place, row->ordinal, reason), reason);
    log_stage_must(log_segment_open(&stage->segment, &place, row->ordinal, SEGMENT_WRITE, reason),
                   reason);
    log_segment_begin(&stage->segment, row);
    stage->first = row->first_position;
}

static inline void log_stage_set(struct log_stage *stage)
{
    *stage = (struct log_stage){.folder = "/tmp/tillway-log-stage-XXXXXX"};
    assert_non_null(mkdtemp(stage->folder));
    struct segment_row row = {.ordinal = 1, .first_position = 1, .opened_us = 1};
    log_stage_begin(stage, &row);
}

/* Adds the record behind the last one, which gives it its position. */
static inline void log_stage_add(struct log_stage *stage, const struct record *record)
{
    struct record placed = *record;
    placed.position = stage->segment.position + 1;
    log_stage_must(log_segment_append(&stage->segment, &placed, 1),
                   log_segment_fault(&stage->segment));
}

/* The next record goes into another segment; this one is marked as sealed. */
static inline void log_stage_cut(struct log_stage *stage)
{
    char sql[256];
    struct segment_row next = {.ordinal = stage->segment.row.ordinal + 1,
                               .first_position = stage->segment.position + 1,
                               .previous_hash = stage->segment.chain,
                               .opened_us = 2};
    int length = snprintf(sql, sizeof(sql),
                          "UPDATE segment SET sealed_us = 2, last_position = %llu, row_count = "
                          "%llu, last_hash = x'",
                          (unsigned long long)stage->segment.position,
                          (unsigned long long)(stage->segment.position - stage->first + 1));
    for (uint32_t i = 0; i < LOG_HASH_BYTES; i++) {
        length += snprintf(sql + length, sizeof(sql) - (size_t)length, "%02x",
                           stage->segment.chain.bytes[i]);
    }
    snprintf(sql + length, sizeof(sql) - (size_t)length, "'");
    assert_int_equal(sqlite3_exec(stage->segment.database, sql, NULL, NULL, NULL), SQLITE_OK);
    log_segment_close(&stage->segment);
    log_stage_begin(stage, &next);
}

static inline void log_stage_close(struct log_stage *stage)
{
    log_segment_close(&stage->segment);
}

static inline void log_stage_strike(struct log_stage *stage)
{
    log_folder_strike(stage->folder);
}
