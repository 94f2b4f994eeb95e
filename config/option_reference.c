/* The printed reference of all options, and what a reload may not change: both read off the table
 * of option.def. See server_options.h. */
#include <stdio.h>
#include <string.h>

#include "config/option_table.h"
#include "config/server_options.h"
#include "protocols/base/require.h"

static void describe_row(struct byte_writer *writer, const struct option_row *row)
{
    char expected[OPTION_EXPECTATION_SIZE];
    option_expectation(row, expected);
    const struct option_list *list = option_list_of(row->scope);
    byte_writer_text(writer, list != NULL ? list->prefix : "");
    byte_writer_text(writer, row->path);
    byte_writer_text(writer, "\n    ");
    byte_writer_text(writer, expected);
    if (row->need == OPTION_MUST) {
        byte_writer_text(writer, "; must be there");
    } else if (row->need == OPTION_IF_SECTION) {
        byte_writer_text(writer, "; must be there when its section is");
    } else {
        byte_writer_text(writer, "; when absent: ");
        byte_writer_text(writer, row->fallback[0] != '\0' ? row->fallback : "none");
    }
    byte_writer_text(writer, row->may_change_live ? "; a reload changes it\n    "
                                                  : "; a restart changes it\n    ");
    byte_writer_text(writer, row->sentence);
    byte_writer_text(writer, "\n\n");
}

void server_options_describe(struct byte_writer *writer)
{
    for (uint32_t i = 0; i < option_table_count(); i++) {
        describe_row(writer, option_table_at(i));
    }
}

uint32_t server_options_frozen_changes(const struct server_options *running,
                                       const struct server_options *wanted,
                                       struct byte_writer *writer)
{
    uint32_t change_count = 0;
    REQUIRE(running != NULL && wanted != NULL);
    for (uint32_t i = 0; i < option_table_count(); i++) {
        const struct option_row *row = option_table_at(i);
        char here[OPTION_VALUE_SIZE], there[OPTION_VALUE_SIZE];
        char line[2 * OPTION_VALUE_SIZE + 160];
        if (row->scope != OPTION_SERVER || row->may_change_live ||
            option_equals(row, running, wanted)) {
            continue;
        }
        change_count++;
        option_value(row, running, here);
        option_value(row, wanted, there);
        snprintf(line, sizeof(line),
                 "%s: %s is in force, the file says %s; only a restart changes it\n", row->path,
                 here, there);
        byte_writer_text(writer, line);
    }
    return change_count;
}

void server_options_keep_frozen(struct server_options *wanted, const struct server_options *running)
{
    for (uint32_t i = 0; i < option_table_count(); i++) {
        const struct option_row *row = option_table_at(i);
        if (row->scope == OPTION_SERVER && !row->may_change_live) {
            memcpy((char *)wanted + row->offset, (const char *)running + row->offset, row->size);
        }
    }
}

static bool rows_are_same(enum option_scope scope, const void *one, const void *other,
                          const char *const *paths_left_out)
{
    bool are_same = true;
    for (uint32_t i = 0; are_same && i < option_table_count(); i++) {
        const struct option_row *row = option_table_at(i);
        bool counts = row->scope == scope;
        for (const char *const *path = paths_left_out; *path != NULL; path++) {
            counts = counts && strcmp(row->path, *path) != 0;
        }
        are_same = !counts || option_equals(row, one, other);
    }
    return are_same;
}

/* The lists in an item, and theirs; as deep as lists stand in items of lists. */
static bool lists_are_same(enum option_scope scope, const void *one, const void *other)
{
    static const char *const NOTHING[] = {NULL};
    for (int inner = OPTION_SERVER + 1; inner < OPTION_SCOPE_COUNT; inner++) {
        const struct option_list *list = option_list_of((enum option_scope)inner);
        if (list->parent != scope) {
            continue;
        }
        uint32_t count = option_list_count(list, one);
        if (count != option_list_count(list, other)) {
            return false;
        }
        for (uint32_t i = 0; i < count; i++) {
            const void *left = option_list_item(list, one, i);
            const void *right = option_list_item(list, other, i);
            if (!rows_are_same(list->scope, left, right, NOTHING) ||
                !lists_are_same(list->scope, left, right)) {
                return false;
            }
        }
    }
    return true;
}

bool server_options_is_same_channel(const struct channel_options *one,
                                    const struct channel_options *other)
{
    static const char *const ROUTING[] = {"kinds", NULL};
    return one->tls.is_on == other->tls.is_on && one->wallet.is_on == other->wallet.is_on &&
           one->wallet.notify.is_on == other->wallet.notify.is_on &&
           rows_are_same(OPTION_CHANNEL, one, other, ROUTING) &&
           lists_are_same(OPTION_CHANNEL, one, other);
}

bool server_options_is_same_speech(const struct listener_options *one,
                                   const struct listener_options *other)
{
    static const char *const OTHERWISE[] = {"name",
                                            "address",
                                            "port",
                                            "tls.certificate",
                                            "tls.key",
                                            "tls.client_ca",
                                            "tls.min_version",
                                            "connection_max",
                                            "per_address_max",
                                            "handshake_timeout_ms",
                                            "first_message_timeout_ms",
                                            "idle_timeout_ms",
                                            NULL};
    return one->tls.is_on == other->tls.is_on &&
           rows_are_same(OPTION_LISTENER, one, other, OTHERWISE);
}
