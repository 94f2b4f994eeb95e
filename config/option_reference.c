/* The printed reference of all options, and what a reload may not change: both read off the table
 * of option.def. See server_options.h. */
#include <stdio.h>
#include <string.h>

#include "config/option_table.h"
#include "config/server_options.h"
#include "protocols/base/require.h"

static const char *const SCOPE_PREFIXES[] = {
    [OPTION_SERVER] = "",
    [OPTION_LISTENER] = "listeners[].",
    [OPTION_CHANNEL] = "channels[].",
};

static void describe_row(struct byte_writer *writer, const struct option_row *row)
{
    char expected[OPTION_EXPECTATION_SIZE];
    option_expectation(row, expected);
    byte_writer_text(writer, SCOPE_PREFIXES[row->scope]);
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

struct comparison {
    enum option_scope scope;
    const void *running, *wanted; /* structs of the scope */
    const char *item;             /* "listeners.0." */
};

static uint32_t compare_scope(const struct comparison *comparison, struct byte_writer *writer)
{
    uint32_t change_count = 0;
    for (uint32_t i = 0; i < option_table_count(); i++) {
        const struct option_row *row = option_table_at(i);
        if (row->scope != comparison->scope || row->may_change_live ||
            option_equals(row, comparison->running, comparison->wanted)) {
            continue;
        }
        change_count++;
        byte_writer_text(writer, comparison->item);
        byte_writer_text(writer, row->path);
        byte_writer_text(writer, " differs from what is in force; only a restart changes it\n");
    }
    return change_count;
}

static uint32_t compare_counts(const char *list, uint32_t running, uint32_t wanted,
                               struct byte_writer *writer)
{
    if (running == wanted) {
        return 0;
    }
    char line[120];
    snprintf(line, sizeof(line), "%s has %u items, %u are in force; only a restart changes it\n",
             list, wanted, running);
    byte_writer_text(writer, line);
    return 1;
}

uint32_t server_options_frozen_changes(const struct server_options *running,
                                       const struct server_options *wanted,
                                       struct byte_writer *writer)
{
    REQUIRE(running != NULL);
    REQUIRE(wanted != NULL);
    char item[24];
    uint32_t count =
        compare_scope(&(struct comparison){OPTION_SERVER, running, wanted, ""}, writer);
    count += compare_counts("listeners", running->listener_count, wanted->listener_count, writer);
    count += compare_counts("channels", running->channel_count, wanted->channel_count, writer);
    for (uint32_t i = 0; i < running->listener_count && i < wanted->listener_count; i++) {
        snprintf(item, sizeof(item), "listeners.%u.", i);
        count += compare_scope(&(struct comparison){OPTION_LISTENER, &running->listeners[i],
                                                    &wanted->listeners[i], item},
                               writer);
        if (running->listeners[i].tls.is_on != wanted->listeners[i].tls.is_on) {
            byte_writer_text(writer, item);
            byte_writer_text(writer, "tls comes or goes; only a restart changes it\n");
            count++;
        }
    }
    for (uint32_t i = 0; i < running->channel_count && i < wanted->channel_count; i++) {
        snprintf(item, sizeof(item), "channels.%u.", i);
        count += compare_scope(
            &(struct comparison){OPTION_CHANNEL, &running->channels[i], &wanted->channels[i], item},
            writer);
    }
    return count;
}
