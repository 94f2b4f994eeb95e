/* Flags: which there are, what came of one, how often each rule was right. */
#include <stdio.h>
#include <string.h>

#include "switch/admin/ctl/case_show.h"
#include "switch/admin/ctl/command.h"

static void show_list(const json_t *json)
{
    case_show_flags(json_object_get(json, "items"), false);
}

static void show_list_zh(const json_t *json)
{
    case_show_flags(json_object_get(json, "items"), true);
}

static void show_judged(const json_t *json)
{
    static const struct table_column COLUMNS[] = {
        {"flag", "id"}, {"outcome", "outcome"}, {NULL, NULL}};
    table_write_one(stdout, json, COLUMNS);
}

static void write_rules(const json_t *json, const char *sentence)
{
    const struct table_column columns[] = {
        {"SIGNAL", "signal"},       {"NAME", "name"},
        {"CONFIRMED", "confirmed"}, {"BENIGN", "benign"},
        {"PER MILLE", "per_mille"}, {"BETTER WATCHED ONLY", "is_watch_suggested"},
        {"WHAT", sentence},         {NULL, NULL}};
    table_write(stdout, json_object_get(json, "items"), columns);
}

static void show_rules(const json_t *json)
{
    write_rules(json, "sentence");
}

static void show_rules_zh(const json_t *json)
{
    write_rules(json, "sentence_zh");
}

/* Adds those of the options that were given. */
static int ask(const struct command *command, char *path, const char *const (*options)[2],
               void (*show)(const json_t *json))
{
    for (; (*options)[0] != NULL; options++) {
        const char *const pair[2] = {(*options)[1], command_option(command, (*options)[0])};
        if (pair[1] != NULL && !api_add_parameter(command->api, path, COMMAND_PATH_SIZE, pair)) {
            fputs("tillwayctl: what is asked for is too long\n", stderr);
            return CTL_USAGE;
        }
    }
    return command_get(command, path, show);
}

static int judge(const struct command *command)
{
    char path[COMMAND_PATH_SIZE];
    json_t *json = NULL;
    if (!command_id_is_plain(command->words[2])) {
        return CTL_USAGE;
    }
    snprintf(path, sizeof(path), "/api/v1/flags/%s/judge", command->words[2]);
    json_t *body = json_pack("{s:s}", "outcome", command->words[3]);
    enum ctl_exit code = api_post_json(command->api, path, body, &json);
    json_decref(body);
    return code == CTL_OK ? command_finish(command, json, show_judged) : (int)code;
}

static int run_flag(const struct command *command)
{
    static const char *const LIST[][2] = {
        {"--subject", "subject"}, {"--case", "case"}, {"--limit", "limit"}, {NULL, NULL}};
    static const char *const RULES[][2] = {{"--from", "from"}, {"--to", "to"}, {NULL, NULL}};
    char path[COMMAND_PATH_SIZE];
    bool is_chinese = command_is_chinese(command);
    if (!command_language_is_known(command)) {
        return CTL_USAGE;
    }
    if (command_is(command, "list", 2)) {
        snprintf(path, sizeof(path), "/api/v1/flags");
        return ask(command, path, LIST, is_chinese ? show_list_zh : show_list);
    }
    if (command_is(command, "rules", 2)) {
        snprintf(path, sizeof(path), "/api/v1/rules");
        return ask(command, path, RULES, is_chinese ? show_rules_zh : show_rules);
    }
    return command_is(command, "judge", 4) ? judge(command) : COMMAND_UNKNOWN;
}

static const char *const OPTIONS[] = {"--subject", "--case", "--limit", "--from",
                                      "--to",      "--lang", NULL};

const struct command_group FLAG_GROUP = {
    .word = "flag",
    .options = OPTIONS,
    .usage = "  flag list [--subject ID] [--case ID] [--limit N] [--lang zh]\n"
             "                             signals that passed their threshold, newest first\n"
             "  flag judge ID confirmed|benign\n"
             "                             what came of a flag that has no case\n"
             "  flag rules [--from T] [--to T] [--lang zh]\n"
             "                             how often each rule was right (the last 28 days)\n",
    .expected = "flag list [OPTION ...], flag judge ID confirmed|benign, or flag rules",
    .run = run_flag,
};
