/* Why a payment cost what it cost. */
#include <stdio.h>

#include "switch/admin/ctl/command.h"

static void show_lines(const json_t *json)
{
    const json_t *lines = json_object_get(json, "lines");
    for (size_t i = 0; i < json_array_size(lines); i++) {
        const char *line = json_string_value(json_array_get(lines, i));
        puts(line == NULL ? "" : line);
    }
}

static int run_fee(const struct command *command)
{
    char path[COMMAND_PATH_SIZE];
    if (!command_is(command, "explain", 3)) {
        return COMMAND_UNKNOWN;
    }
    if (!command_id_is_plain(command->words[2])) {
        return CTL_USAGE;
    }
    snprintf(path, sizeof(path), "/api/v1/fees/%s", command->words[2]);
    return command_get(command, path, show_lines);
}

const struct command_group FEE_GROUP = {
    .word = "fee",
    .usage = "  fee explain RRN            why it cost what it cost: rules, inputs, each step\n",
    .expected = "fee explain RRN",
    .run = run_fee,
};
