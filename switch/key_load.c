/* See key_load.h. */
#include "switch/key_load.h"

#include <stdio.h>

#include "config/csv_file.h"
#include "config/file_text.h"

#define KEY_FILE_BYTES_MAX (256u << 20)
#define FAULT_COUNT_MAX 8 /* shown; the others are counted */

struct reading {
    struct key_set *set;
    const char *path;
    char *reason;
    uint32_t reason_size, used, fault_count;
    enum status status; /* of the first fault */
};

static void fault(struct reading *reading, uint32_t line, const char *sentence, enum status status)
{
    reading->status = reading->fault_count == 0 ? status : reading->status;
    if (reading->fault_count++ < FAULT_COUNT_MAX && reading->used < reading->reason_size) {
        int length =
            snprintf(reading->reason + reading->used, reading->reason_size - reading->used,
                     "%s%s:%u: %s", reading->used > 0 ? "\n" : "", reading->path, line, sentence);
        reading->used += length > 0 ? (uint32_t)length : 0;
    }
}

static void on_fault(void *argument, uint32_t line, const char *sentence)
{
    fault(argument, line, sentence, STATUS_MALFORMED);
}

static void on_row(void *argument, const struct csv_row *row)
{
    struct reading *reading = argument;
    char reason[SECURITY_REASON_SIZE];
    struct security_key_row key = {row->fields[0], row->fields[1], row->fields[2], row->line};
    enum status status = key_set_add(reading->set, &key, reason);
    if (status != STATUS_OK) {
        fault(reading, row->line, reason, status);
    }
}

enum status key_load(struct key_set *set, const char *path, char *reason, uint32_t reason_size)
{
    static const struct csv_column COLUMNS[] = {
        {"name", true}, {"kind", true}, {"block", true}, {NULL, false}};
    struct reading reading = {
        .set = set, .path = path, .reason = reason, .reason_size = reason_size};
    struct csv_sink sink = {on_row, on_fault, &reading};
    struct file_text text;
    enum status status = file_text_read(&text, path, KEY_FILE_BYTES_MAX);
    if (status != STATUS_OK) {
        snprintf(reason, reason_size, "%s: %s", path, status_text(status));
        return status;
    }
    status = csv_file_read(text.bytes, text.length, COLUMNS, &sink);
    file_text_free(&text);
    if (status == STATUS_OK && reading.fault_count == 0) {
        uint32_t line = 0;
        char why[SECURITY_REASON_SIZE];
        enum status settled = key_set_settle(set, &line, why);
        if (settled != STATUS_OK) {
            fault(&reading, line, why, settled);
        }
    }
    if (reading.fault_count > FAULT_COUNT_MAX && reading.used < reason_size) {
        snprintf(reason + reading.used, reason_size - reading.used, "\nand %u more",
                 reading.fault_count - FAULT_COUNT_MAX);
    }
    return status != STATUS_OK ? status : reading.status;
}
