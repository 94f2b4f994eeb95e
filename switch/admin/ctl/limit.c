/* What a merchant, a terminal or a card has used of its limits. */
#include <stdio.h>
#include <string.h>

#include "switch/admin/ctl/command.h"

static void show_usage(const json_t *json)
{
    static const struct table_column SUMS[] = {{"scope", "scope"},
                                               {"key", "key"},
                                               {"day", "day"},
                                               {"payments that day", "day_count"},
                                               {"amount that day", "day_amount"},
                                               {"amount that month", "month_amount"},
                                               {"currency", "currency"},
                                               {NULL, NULL}};
    static const struct table_column LIMITS[] = {
        {"limit", "name"}, {"line", "line"}, {"bound", "bound"}, {"max", "max"},
        {"used", "used"},  {"left", "left"}, {NULL, NULL}};
    const json_t *limits = json_object_get(json, "limits");
    table_write_one(stdout, json, SUMS);
    if (!json_is_true(json_object_get(json, "is_counted"))) {
        puts("no limit rule asks for it, so it is not counted");
    } else if (json_array_size(limits) > 0) {
        putchar('\n');
        table_write(stdout, limits, LIMITS);
    }
}

static int run_limit(const struct command *command)
{
    static const char *const SCOPES[] = {"merchant", "terminal", "card"};
    char path[COMMAND_PATH_SIZE];
    if (!command_is(command, "usage", 4)) {
        return COMMAND_UNKNOWN;
    }
    for (size_t i = 0; i < sizeof(SCOPES) / sizeof(SCOPES[0]); i++) {
        if (strcmp(command->words[2], SCOPES[i]) == 0) {
            if (!command_id_is_plain(command->words[3])) {
                return CTL_USAGE;
            }
            snprintf(path, sizeof(path), "/api/v1/usage/%s:%s", SCOPES[i], command->words[3]);
            return command_get(command, path, show_usage);
        }
    }
    return COMMAND_UNKNOWN;
}

const struct command_group LIMIT_GROUP = {
    .word = "limit",
    .usage = "  limit usage merchant ID    what it has used of its day and month, in minor units\n"
             "  limit usage terminal ID\n"
             "  limit usage card HASH      of a card by its hash, as the log and a black list show "
             "it\n",
    .expected = "limit usage merchant ID, limit usage terminal ID, or limit usage card HASH",
    .run = run_limit,
};
