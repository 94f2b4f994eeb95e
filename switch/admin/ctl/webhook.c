/* Where events of after-sales are posted to, and what could not be. */
#include <stdio.h>
#include <string.h>

#include "switch/admin/ctl/command.h"

static void show_letters(const json_t *row)
{
    static const struct table_column columns[] = {
        {"number", "number"},       {"kind", "kind"},
        {"time", "time"},           {"attempts", "attempts"},
        {"put aside", "put_aside"}, {"again", "is_again"},
        {"fault", "fault"},         {NULL, NULL}};
    const json_t *letters = json_object_get(row, "letters");
    if (json_array_size(letters) > 0) {
        printf("\n%s could not deliver:\n", json_string_value(json_object_get(row, "name")));
        table_write(stdout, letters, columns);
    }
}

static void show_webhooks(const json_t *json)
{
    static const struct table_column columns[] = {{"name", "name"},
                                                  {"state", "state"},
                                                  {"position", "position"},
                                                  {"waiting", "waiting"},
                                                  {"failed", "attempts"},
                                                  {"next try", "next_try"},
                                                  {"delivered", "delivered"},
                                                  {"aside", "letter_count"},
                                                  {"given up", "given_up"},
                                                  {"fault", "fault"},
                                                  {NULL, NULL}};
    const json_t *rows = json_object_get(json, "webhooks");
    table_write(stdout, rows, columns);
    for (size_t i = 0; i < json_array_size(rows); i++) {
        const json_t *row = json_array_get(rows, i);
        const char *note = json_string_value(json_object_get(row, "note"));
        show_letters(row);
        if (note != NULL) {
            printf("\n%s: %s\n", json_string_value(json_object_get(row, "name")), note);
        }
    }
}

static int run_webhook(const struct command *command)
{
    if (command_is(command, "list", 2)) {
        return command_get(command, "/api/v1/webhooks", show_webhooks);
    }
    if (!command_is(command, "retry", 3)) {
        return COMMAND_UNKNOWN;
    }
    if (!command_name_is_plain(command->words[2])) {
        return CTL_USAGE;
    }
    char path[COMMAND_PATH_SIZE];
    snprintf(path, sizeof(path), "/api/v1/webhooks/retry/%s", command->words[2]);
    return command_post(command, path);
}

const struct command_group WEBHOOK_GROUP = {
    .word = "webhook",
    .usage =
        "  webhook list               where events are posted to, how far, what was put aside\n"
        "  webhook retry NAME         send again what was put aside; go on after a stop\n",
    .expected = "webhook list, or webhook retry NAME",
    .run = run_webhook,
};
