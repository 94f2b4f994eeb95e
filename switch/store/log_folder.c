/* See log_folder.h. */
#include "switch/store/log_folder.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "protocols/base/require.h"

#define NAME_FORMAT "segment-%06" PRIu32 ".db"
#define HASH_DIGITS (2 * LOG_HASH_BYTES)

void log_folder_path(char path[LOG_PATH_SIZE], const char *folder, const char *name)
{
    int length = snprintf(path, LOG_PATH_SIZE, "%s/%s", folder, name);
    REQUIRE(length > 0 && length < LOG_PATH_SIZE); /* store_open has looked at the folder's */
}

void log_folder_segment_path(char path[LOG_PATH_SIZE], const char *folder, uint32_t ordinal)
{
    char name[32];
    snprintf(name, sizeof(name), NAME_FORMAT, ordinal);
    log_folder_path(path, folder, name);
}

struct listing {
    uint32_t first, last, count;
};

static void on_name(void *argument, const char *name)
{
    struct listing *listing = argument;
    char again[32];
    uint32_t ordinal = 0;
    if (sscanf(name, "segment-%6" SCNu32 ".db", &ordinal) != 1 || ordinal == 0) {
        return;
    }
    snprintf(again, sizeof(again), NAME_FORMAT, ordinal);
    if (strcmp(again, name) == 0) {
        listing->first = listing->count == 0 || ordinal < listing->first ? ordinal : listing->first;
        listing->last = ordinal > listing->last ? ordinal : listing->last;
        listing->count++;
    }
}

enum status log_folder_span(const char *folder, struct log_span *span, char *reason)
{
    struct listing listing = {0};
    enum status status = log_disk_list(folder, on_name, &listing, reason);
    *span = (struct log_span){listing.first, listing.last};
    if (status == STATUS_OK && listing.count > 0 &&
        listing.count != listing.last - listing.first + 1) {
        snprintf(reason, LOG_REASON_SIZE,
                 "log %s: between segment %" PRIu32 " and %" PRIu32
                 " one is missing; bring it back from a back-up",
                 folder, listing.first, listing.last);
        return STATUS_MALFORMED;
    }
    return status;
}

#define PURGED_HEAD "ordinal,first_position,last_position,last_hash"

static bool read_line(const char *line, struct log_anchor *anchor)
{
    char digits[HASH_DIGITS + 1] = "";
    if (sscanf(line, "%" SCNu32 ",%" SCNu64 ",%" SCNu64 ",%64[0-9a-f]", &anchor->ordinal,
               &anchor->first_position, &anchor->last_position, digits) != 4 ||
        strlen(digits) != HASH_DIGITS) {
        return false;
    }
    for (uint32_t i = 0; i < LOG_HASH_BYTES; i++) {
        unsigned byte = 0;
        sscanf(digits + (size_t)2 * i, "%2x", &byte);
        anchor->last_hash.bytes[i] = (uint8_t)byte;
    }
    return true;
}

struct anchor_search {
    uint32_t ordinal;
    struct log_anchor found;
    bool is_broken, has_head;
    char line[96]; /* the broken one */
};

static bool on_line(void *argument, const char *line)
{
    struct anchor_search *search = argument;
    struct log_anchor anchor;
    if (strcmp(line, PURGED_HEAD "\n") == 0) {
        search->has_head = true;
    } else if (!read_line(line, &anchor)) {
        search->is_broken = true;
        snprintf(search->line, sizeof(search->line), "%s", line);
    } else if (anchor.ordinal == search->ordinal) {
        search->found = anchor;
    }
    return !search->is_broken;
}

static enum status search_anchor(const char *path, struct anchor_search *search, char *reason)
{
    enum status status = log_disk_read_lines(path, on_line, search, reason);
    if (status == STATUS_OK && search->is_broken) {
        snprintf(reason, LOG_REASON_SIZE, "log %s: expected " PURGED_HEAD ", got %s", path,
                 search->line);
        return STATUS_MALFORMED;
    }
    return status;
}

enum status log_folder_find_anchor(const char *folder, uint32_t ordinal, struct log_anchor *anchor,
                                   char *reason)
{
    char path[LOG_PATH_SIZE];
    struct anchor_search search = {.ordinal = ordinal};
    log_folder_path(path, folder, LOG_PURGED_NAME);
    enum status status = search_anchor(path, &search, reason);
    *anchor = search.found;
    return status;
}

enum status log_folder_add_anchor(const char *folder, const struct log_anchor *anchor, char *reason)
{
    char path[LOG_PATH_SIZE];
    char line[256];
    struct anchor_search search = {.ordinal = anchor->ordinal};
    log_folder_path(path, folder, LOG_PURGED_NAME);
    enum status status = search_anchor(path, &search, reason);
    if (status != STATUS_OK || search.found.ordinal != 0) {
        return status;
    }
    if (!search.has_head) {
        status = log_disk_append_line(path, PURGED_HEAD, reason);
    }
    int at = snprintf(line, sizeof(line), "%" PRIu32 ",%" PRIu64 ",%" PRIu64 ",", anchor->ordinal,
                      anchor->first_position, anchor->last_position);
    for (uint32_t i = 0; i < LOG_HASH_BYTES; i++) {
        at += snprintf(line + at, sizeof(line) - (size_t)at, "%02x", anchor->last_hash.bytes[i]);
    }
    if (status == STATUS_OK) {
        status = log_disk_append_line(path, line, reason);
    }
    /* The file may be new: its name must be durable before what it tells of is gone. */
    return status == STATUS_OK ? log_disk_sync_folder(folder, reason) : status;
}
