/* Campaigns that update a model's terminals in waves. */
#include <stdio.h>
#include <string.h>

#include "switch/admin/ctl/cells.h"

#define UPDATES_PATH "/api/v1/updates"

static void show_campaigns(const json_t *json)
{
    static const struct table_column COLUMNS[] = {
        {"N", "id"},        {"BRAND", "brand"},   {"MODEL", "model"},   {"TO", "firmware"},
        {"STATE", "state"}, {"WAVE", "wave"},     {"OF", "waves"},      {"MADE", "made"},
        {"BY", "made_by"},  {"SINCE", "changed"}, {"REASON", "reason"}, {NULL, NULL}};
    table_write(stdout, json_object_get(json, "items"), COLUMNS);
}

static void show_campaign(const json_t *json)
{
    static const struct table_column COLUMNS[] = {{"campaign", "id"},
                                                  {"brand", "brand"},
                                                  {"model", "model"},
                                                  {"to version", "firmware"},
                                                  {"state", "state"},
                                                  {"since", "changed"},
                                                  {"by", "changed_by"},
                                                  {"reason", "reason"},
                                                  {"made", "made"},
                                                  {"made by", "made_by"},
                                                  {"hours to settle", "settle_hours"},
                                                  {NULL, NULL}};
    static const struct table_column WAVES[] = {
        {"WAVE", "wave"},           {"UP TO %", "percent"}, {"BEGUN", "has_begun"},
        {"TERMINALS", "terminals"}, {"WAITING", "waiting"}, {"ASKED", "asked"},
        {"DONE", "done"},           {"FAILED", "failed"},   {NULL, NULL}};
    table_write_one(stdout, json, COLUMNS);
    table_write(stdout, json_object_get(json, "items"), WAVES);
}

static int post(const struct command *command, const char *path)
{
    json_t *json = NULL;
    enum ctl_exit code = api_post(command->api, path, &json);
    return code == CTL_OK ? command_finish(command, json, show_campaign) : (int)code;
}

static int make(const struct command *command)
{
    char path[CELLS_PATH_SIZE] = UPDATES_PATH;
    if (!api_add_parameter(command->api, path, sizeof(path),
                           (const char *const[2]){"brand", command->words[2]}) ||
        !api_add_parameter(command->api, path, sizeof(path),
                           (const char *const[2]){"model", command->words[3]}) ||
        !cells_add_option(command, (const char *const[2]){"--to", "firmware"}, path) ||
        !cells_add_option(command, (const char *const[2]){"--waves", "waves"}, path) ||
        !cells_add_option(command, (const char *const[2]){"--settle-hours", "settle_hours"},
                          path)) {
        return CTL_USAGE;
    }
    return post(command, path);
}

static int change(const struct command *command)
{
    char path[CELLS_PATH_SIZE];
    if (command_option(command, "--reason") == NULL) {
        fputs("tillwayctl: expected --reason TEXT, which the campaign keeps\n", stderr);
        return CTL_USAGE;
    }
    snprintf(path, sizeof(path), UPDATES_PATH "/%s/%s", command->words[2], command->words[1]);
    return cells_add_option(command, (const char *const[2]){"--reason", "reason"}, path)
               ? post(command, path)
               : CTL_USAGE;
}

static int run_update(const struct command *command)
{
    if (command_is(command, "list", 2)) {
        return command_get(command, UPDATES_PATH, show_campaigns);
    }
    if (command_is(command, "make", 4)) {
        return make(command);
    }
    if (command->word_count != 3) {
        return COMMAND_UNKNOWN;
    }
    if (!command_id_is_plain(command->words[2])) {
        return CTL_USAGE;
    }
    if (command_is(command, "stop", 3) || command_is(command, "resume", 3)) {
        return change(command);
    }
    if (command_is(command, "show", 3)) {
        char path[CELLS_PATH_SIZE];
        snprintf(path, sizeof(path), UPDATES_PATH "/%s", command->words[2]);
        return command_get(command, path, show_campaign);
    }
    return COMMAND_UNKNOWN;
}

static const char *const OPTIONS[] = {"--to", "--waves", "--settle-hours", "--reason", NULL};

const struct command_group UPDATE_GROUP = {
    .word = "update",
    .options = OPTIONS,
    .usage = "  update make BRAND MODEL [--to VERSION] [--waves 5,25,100] [--settle-hours 24]\n"
             "                             ask the model's terminals to update, some first, then\n"
             "                             more, as long as they do and no fault of theirs rises\n"
             "  update list                campaigns, the newest first\n"
             "  update show N              one, and how far the terminals of each wave are\n"
             "  update stop N --reason TEXT\n"
             "                             ask no further terminal\n"
             "  update resume N --reason TEXT\n"
             "                             go on; those that failed are asked again\n",
    .expected = "update make BRAND MODEL, list, show N, stop N, or resume N",
    .run = run_update,
};
