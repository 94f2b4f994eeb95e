/* See bundle_log.h. */
#include "switch/evidence/bundle_log.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

bool bundle_log_open(struct bundle_log *log, const char *folder, char *reason)
{
    *log = (struct bundle_log){.folder = ""};
    if (strlen(folder) >= sizeof(log->folder) - 32) {
        snprintf(reason, LOG_REASON_SIZE, "log %.200s…: too long a path", folder);
        return false;
    }
    memcpy(log->folder, folder, strlen(folder) + 1);
    if (log_folder_span(folder, &log->span, reason) != STATUS_OK) {
        return false;
    }
    if (log->span.last == 0) {
        snprintf(reason, LOG_REASON_SIZE, "log %s: expected segment-000001.db or a later one in it",
                 folder);
    }
    return log->span.last != 0;
}

void bundle_log_close(struct bundle_log *log)
{
    if (log->is_open) {
        log_segment_close(&log->segment);
    }
    log->is_open = false;
}

static enum bundle_log_answer open_segment(struct bundle_log *log, uint32_t ordinal, char *reason)
{
    if (log->is_open && log->ordinal == ordinal) {
        return BUNDLE_LOG_SAME;
    }
    bundle_log_close(log);
    if (ordinal < log->span.first) {
        return BUNDLE_LOG_PURGED;
    }
    if (ordinal > log->span.last) {
        snprintf(reason, LOG_REASON_SIZE,
                 "log %s: it has no segment %" PRIu32 ": another log, or an older copy of it",
                 log->folder, ordinal);
        return BUNDLE_LOG_OTHER;
    }
    const struct log_place place = {log->folder, NULL};
    log->is_open =
        log_segment_open(&log->segment, &place, ordinal, SEGMENT_READ, reason) == STATUS_OK;
    log->ordinal = ordinal;
    if (log->is_open && !log->segment.has_row) {
        snprintf(reason, LOG_REASON_SIZE, "log %s: segment %" PRIu32 " has just begun", log->folder,
                 ordinal);
        return BUNDLE_LOG_OTHER;
    }
    return log->is_open ? BUNDLE_LOG_SAME : BUNDLE_LOG_BROKEN;
}

static bool is_equal(const struct log_hash *left, const struct log_hash *right)
{
    return memcmp(left, right, sizeof(*left)) == 0;
}

static enum bundle_log_answer other_segment(const struct bundle_log *log, uint32_t ordinal,
                                            char *reason)
{
    snprintf(reason, LOG_REASON_SIZE,
             "log %s: segment %" PRIu32 " begins or ends with other positions or hashes there",
             log->folder, ordinal);
    return BUNDLE_LOG_OTHER;
}

static enum bundle_log_answer check_anchor(const struct bundle_log *log,
                                           const struct bundle_segment *segment, char *reason)
{
    struct log_anchor anchor;
    if (log_folder_find_anchor(log->folder, segment->ordinal, &anchor, reason) != STATUS_OK) {
        return BUNDLE_LOG_BROKEN;
    }
    bool is_same = anchor.ordinal == 0 || !segment->is_sealed ||
                   (anchor.first_position == segment->first_position &&
                    anchor.last_position == segment->last_position &&
                    is_equal(&anchor.last_hash, &segment->last_hash));
    return is_same ? BUNDLE_LOG_PURGED : other_segment(log, segment->ordinal, reason);
}

enum bundle_log_answer bundle_log_check_segment(struct bundle_log *log,
                                                const struct bundle_segment *segment, char *reason)
{
    enum bundle_log_answer answer = open_segment(log, segment->ordinal, reason);
    if (answer != BUNDLE_LOG_SAME) {
        return answer == BUNDLE_LOG_PURGED ? check_anchor(log, segment, reason) : answer;
    }
    const struct segment_row *row = &log->segment.row;
    bool is_same = row->first_position == segment->first_position &&
                   is_equal(&row->previous_hash, &segment->previous_hash);
    if (is_same && segment->is_sealed) { /* it was, so it must be still */
        is_same = row->sealed_us != 0 && row->last_position == segment->last_position &&
                  is_equal(&row->last_hash, &segment->last_hash);
    }
    return is_same ? BUNDLE_LOG_SAME : other_segment(log, segment->ordinal, reason);
}

enum bundle_log_answer bundle_log_check_row(struct bundle_log *log, uint32_t ordinal,
                                            uint64_t position, const struct bundle_row *row,
                                            char *reason)
{
    struct record record;
    char hex[2][BUNDLE_HEX_SIZE];
    enum bundle_log_answer answer = open_segment(log, ordinal, reason);
    if (answer != BUNDLE_LOG_SAME) {
        return answer;
    }
    if (position < log->segment.row.first_position ||
        log_segment_read_block(&log->segment, position, &record, 1, reason) != STATUS_OK) {
        return BUNDLE_LOG_BROKEN;
    }
    if (is_equal(&log->segment.chain, &row->hash)) {
        return BUNDLE_LOG_SAME;
    }
    bundle_hex(hex[0], log->segment.chain.bytes, LOG_HASH_BYTES);
    bundle_hex(hex[1], row->hash.bytes, LOG_HASH_BYTES);
    snprintf(reason, LOG_REASON_SIZE,
             "log %s: position %" PRIu64 " is another row: its hash is %s there, %s here",
             log->folder, position, hex[0], hex[1]);
    return BUNDLE_LOG_OTHER;
}
