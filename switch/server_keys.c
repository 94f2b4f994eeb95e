/* The key file: CSV rows of sealed key blocks into the table of the security side. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "config/csv_file.h"
#include "config/file_text.h"
#include "protocols/base/require.h"
#include "switch/server_state.h"

#define KEY_FILE_BYTES_MAX (256u << 20)
#define FAULT_COUNT_MAX 8 /* shown; the others are counted */

struct key_load {
    struct security *security;
    const char *path;
    char *reason;
    uint32_t reason_size, used, fault_count;
    enum status status; /* of the first fault */
    bool is_trial;
};

static void fault(struct key_load *load, uint32_t line, const char *sentence, enum status status)
{
    load->status = load->fault_count == 0 ? status : load->status;
    if (load->fault_count++ < FAULT_COUNT_MAX && load->used < load->reason_size) {
        int length =
            snprintf(load->reason + load->used, load->reason_size - load->used, "%s%s:%u: %s",
                     load->used > 0 ? "\n" : "", load->path, line, sentence);
        load->used += length > 0 ? (uint32_t)length : 0;
    }
}

static void on_fault(void *argument, uint32_t line, const char *sentence)
{
    fault(argument, line, sentence, STATUS_MALFORMED);
}

static void on_row(void *argument, const struct csv_row *row)
{
    struct key_load *load = argument;
    char reason[SECURITY_REASON_SIZE];
    struct security_key_row key = {row->fields[0], row->fields[1], row->fields[2]};
    enum status status = load->is_trial ? security_try_key(load->security, &key, reason)
                                        : security_load_key(load->security, &key, reason);
    if (status != STATUS_OK) {
        fault(load, row->line, reason, status);
    }
}

enum status server_keys_load(struct security *security, const char *path, char *reason,
                             uint32_t reason_size)
{
    static const struct csv_column COLUMNS[] = {
        {"name", true}, {"kind", true}, {"block", true}, {NULL, false}};
    struct key_load load = {.security = security,
                            .path = path,
                            .reason = reason,
                            .reason_size = reason_size,
                            .is_trial = true};
    struct csv_sink sink = {on_row, on_fault, &load};
    struct file_text text;
    enum status status = file_text_read(&text, path, KEY_FILE_BYTES_MAX);
    if (status != STATUS_OK) {
        snprintf(reason, reason_size, "%s: %s", path, status_text(status));
        return status;
    }
    /* Whole or not at all (I30); and reading cuts the text up, so there are two of it. */
    char *copy = malloc(text.length + 1);
    REQUIRE(copy != NULL);
    memcpy(copy, text.bytes, text.length);
    status = csv_file_read(copy, text.length, COLUMNS, &sink);
    free(copy);
    if (status == STATUS_OK && load.fault_count == 0) {
        load.is_trial = false;
        status = csv_file_read(text.bytes, text.length, COLUMNS, &sink);
    }
    file_text_free(&text);
    if (load.fault_count > FAULT_COUNT_MAX && load.used < reason_size) {
        snprintf(reason + load.used, reason_size - load.used, "\nand %u more",
                 load.fault_count - FAULT_COUNT_MAX);
    }
    return status != STATUS_OK ? status : load.status;
}

void server_keys_warn(const struct server *server)
{
    const struct terminal_table *terminals = ruleset_terminal_view(server->configuration->ruleset);
    char first[9] = "";
    uint32_t missing = 0;
    for (uint32_t i = 0; i < terminal_table_count(terminals); i++) {
        char id[9];
        snprintf(id, sizeof(id), "%.8s", terminal_table_at(terminals, i)->terminal_id);
        if (!security_has_terminal(server->security, id) && missing++ == 0) {
            memcpy(first, id, sizeof(first));
        }
    }
    if (missing > 0) {
        LOG(LOG_WARN, "terminals_without_key", LOG_NUMBER("terminals", missing),
            LOG_TEXT("first", first),
            LOG_TEXT("do", "add their tmk to tables.keys; until then they cannot sign on"));
    }
}
