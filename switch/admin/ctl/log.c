/* The log as files: listed, verified, copied, purged. */
#include <stdio.h>

#include "switch/admin/ctl/command.h"

#define JOB_PATH "/api/v1/log/job"

static void show_log(const json_t *json)
{
    static const struct table_column columns[] = {
        {"SEGMENT", "ordinal"}, {"FIRST", "first_position"}, {"LAST", "last_position"},
        {"ROWS", "rows"},       {"DAY", "settlement_day"},   {"OPENED", "opened"},
        {"SEALED", "sealed"},   {"BYTES", "bytes"},          {NULL, NULL}};
    table_write(stdout, json_object_get(json, "items"), columns);
}

static void show_job(const json_t *json)
{
    static const struct table_column columns[] = {{"what", "kind"}, {"state", "state"},
                                                  {"rows", "rows"}, {"seconds", "seconds"},
                                                  {"text", "text"}, {NULL, NULL}};
    table_write_one(stdout, json, columns);
}

static int run_log(const struct command *command)
{
    char path[COMMAND_PATH_SIZE];
    if (command_is(command, "list", 2)) {
        return command_get(command, "/api/v1/log", show_log);
    }
    if (command_is(command, "verify", 2)) {
        return command_run_job(command, "/api/v1/log/verify", JOB_PATH, show_job);
    }
    if (command_is(command, "purge", 2)) {
        return command_post(command, "/api/v1/log/purge/0");
    }
    bool is_backup = command_is(command, "backup", 3);
    if (!is_backup && !command_is(command, "purge", 3)) {
        return COMMAND_UNKNOWN;
    }
    if (!command_name_is_plain(command->words[2])) {
        return CTL_USAGE;
    }
    snprintf(path, sizeof(path), "/api/v1/log/%s/%s", command->words[1], command->words[2]);
    return is_backup ? command_run_job(command, path, JOB_PATH, show_job)
                     : command_post(command, path);
}

const struct command_group LOG_GROUP = {
    .word = "log",
    .usage =
        "  log list                   the log's segments\n"
        "  log verify                 walks the hash chain; names the first fault (exit code 1)\n"
        "  log backup NAME            copies the log on the server, into admin.backup_folder\n"
        "  log purge [DAYS]           removes sealed segments older than the retention, or DAYS\n",
    .expected = "log list, log verify, log backup NAME, or log purge [DAYS]",
    .run = run_log,
};
