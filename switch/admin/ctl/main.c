/* tillwayctl: the operators' command line. Most commands are one call of the admin API, shown as a
 * table or, with --json, as it came. Each group of them stands in a file of its own (command.h).
 */
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "switch/admin/ctl/api.h"
#include "switch/admin/ctl/command.h"

/* In the order of the usage. */
static const struct command_group *const GROUPS[] = {
    &STATUS_GROUP,   &CHANNELS_GROUP, &TERMINAL_GROUP, &TXN_GROUP,           &FEE_GROUP,
    &ROUTE_GROUP,    &LIMIT_GROUP,    &LOG_GROUP,      &TRACE_GROUP,         &VERSION_GROUP,
    &CASE_GROUP,     &FLAG_GROUP,     &DIAGNOSE_GROUP, &EVENTS_GROUP,        &WEBHOOK_GROUP,
    &EVIDENCE_GROUP, &ORDER_GROUP,    &REGISTRY_GROUP, &SERVICE_POINT_GROUP, &INSPECTION_GROUP,
    &UPDATE_GROUP,   &REPORT_GROUP,   &RELOAD_GROUP,   &DRAIN_GROUP,         &SPEC_GROUP,
};
enum { GROUP_COUNT = sizeof(GROUPS) / sizeof(GROUPS[0]) };

struct arguments {
    struct api_setup setup;
    bool is_bad, wants_help, wants_version;
    struct command command;
};

/* `only` NULL: all groups. */
static int usage(FILE *to, const struct command_group *only)
{
    fputs("usage: tillwayctl [--url URL] [--token-file FILE] [--ca FILE] [--json] COMMAND\n\n", to);
    for (int i = 0; i < GROUP_COUNT; i++) {
        if (only == NULL || only == GROUPS[i]) {
            fputs(GROUPS[i]->usage, to);
        }
    }
    fputs(
        "\n"
        "URL, token file and authority may also come from TILLWAY_URL, TILLWAY_TOKEN_FILE and\n"
        "TILLWAY_CA. The URL is https://127.0.0.1:9443 when none is given. A command and --help:\n"
        "that command alone.\n"
        "Settlement files are written on the server, by tillway-settle.\n"
        "Exit codes: 0 ok, 1 failed, 2 usage, 3 unreachable, 4 denied, 5 not found.\n",
        to);
    return to == stdout ? CTL_OK : CTL_USAGE;
}

/* What was typed is no command: one line, not the whole of the usage. */
static int unknown(const struct command *command, const struct command_group *group)
{
    if (group != NULL) {
        fprintf(stderr, "tillwayctl: expected: %s\n", group->expected);
        return CTL_USAGE;
    }
    fprintf(stderr, "tillwayctl: no command begins so: %.40s%s; expected ", command->words[0],
            command->word_count > 1 ? " ..." : "");
    for (int i = 0; i < GROUP_COUNT; i++) {
        fprintf(stderr, "%s%s", i == 0 ? "" : i + 1 < GROUP_COUNT ? ", " : " or ", GROUPS[i]->word);
    }
    fputs("; --help tells more\n", stderr);
    return CTL_USAGE;
}

static const struct command_group *group_of(const char *word)
{
    for (int i = 0; i < GROUP_COUNT; i++) {
        if (strcmp(GROUPS[i]->word, word) == 0) {
            return GROUPS[i];
        }
    }
    return NULL;
}

static bool has_word(const char *const *list, const char *word)
{
    for (; list != NULL && *list != NULL; list++) {
        if (strcmp(*list, word) == 0) {
            return true;
        }
    }
    return false;
}

/* Whether every option that was given is one of the group's. */
static bool options_fit(const struct command *command, const struct command_group *group)
{
    for (int i = 0; i < command->option_count; i++) {
        const char *name = command->options[i].name;
        if (!has_word(group->options, name) && !has_word(group->flags, name)) {
            fprintf(stderr, "tillwayctl: %s is no option of %s\n", name, group->word);
            return false;
        }
    }
    return true;
}

static bool asks_server(const struct command *command, const struct command_group *group)
{
    return !group->is_offline && (group->offline_word == NULL || command->word_count < 2 ||
                                  strcmp(command->words[1], group->offline_word) != 0);
}

static int run(struct arguments *arguments)
{
    struct command *command = &arguments->command;
    const struct command_group *group = group_of(command->words[0]);
    if (group == NULL) {
        return unknown(command, NULL);
    }
    if (!options_fit(command, group)) {
        return CTL_USAGE;
    }
    if (asks_server(command, group)) {
        command->api = api_open(&arguments->setup);
        if (command->api == NULL) {
            return CTL_FAILED;
        }
    }
    int code = group->run(command);
    if (command->api != NULL) {
        api_close(command->api);
    }
    return code == COMMAND_UNKNOWN ? unknown(command, group) : code;
}

/* --- command line ------------------------------------------------------------------------- */

/* Where the value of an option of every command belongs; NULL: it is none of these. */
static const char **place_of(struct arguments *arguments, const char *option)
{
    if (strcmp(option, "--url") == 0) {
        return &arguments->setup.url;
    }
    if (strcmp(option, "--token-file") == 0) {
        return &arguments->setup.token_path;
    }
    return strcmp(option, "--ca") == 0 ? &arguments->setup.ca : NULL;
}

static bool is_option(const char *word, bool has_value)
{
    for (int i = 0; i < GROUP_COUNT; i++) {
        if (has_word(has_value ? GROUPS[i]->options : GROUPS[i]->flags, word)) {
            return true;
        }
    }
    return false;
}

static bool takes_value(struct arguments *arguments, const char *word)
{
    return place_of(arguments, word) != NULL || is_option(word, true);
}

static void add_option(struct arguments *arguments, const char *name, const char *value)
{
    struct command *command = &arguments->command;
    if (command->option_count == COMMAND_OPTION_COUNT_MAX) {
        fputs("tillwayctl: too many options\n", stderr);
        arguments->is_bad = true;
        return;
    }
    command->options[command->option_count].name = name;
    command->options[command->option_count++].value = value;
}

static void parse_value(struct arguments *arguments, const char *name, const char *value)
{
    const char **place = place_of(arguments, name);
    if (value == NULL) {
        fprintf(stderr, "tillwayctl: %s needs a value\n", name);
        arguments->is_bad = true;
    } else if (place != NULL) {
        *place = value;
    } else {
        add_option(arguments, name, value);
    }
}

static void parse_word(struct arguments *arguments, const char *word)
{
    struct command *command = &arguments->command;
    if (strcmp(word, "--json") == 0) {
        command->is_json = true;
    } else if (strcmp(word, "--help") == 0) {
        arguments->wants_help = true;
    } else if (strcmp(word, "--version") == 0) {
        arguments->wants_version = true;
    } else if (is_option(word, false)) {
        add_option(arguments, word, NULL);
    } else if (word[0] != '-' && command->word_count < COMMAND_WORD_COUNT_MAX) {
        command->words[command->word_count++] = word;
    } else {
        fprintf(stderr, "tillwayctl: %s is not known here\n", word);
        arguments->is_bad = true;
    }
}

int main(int argc, char **argv)
{
    struct arguments arguments = {.setup = {.url = getenv("TILLWAY_URL"),
                                            .token_path = getenv("TILLWAY_TOKEN_FILE"),
                                            .ca = getenv("TILLWAY_CA")}};
    for (int i = 1; i < argc && !arguments.is_bad; i++) {
        if (takes_value(&arguments, argv[i])) {
            parse_value(&arguments, argv[i], i + 1 < argc ? argv[i + 1] : NULL);
            i++;
        } else {
            parse_word(&arguments, argv[i]);
        }
    }
    if (arguments.wants_help) {
        return usage(stdout, arguments.command.word_count > 0 ? group_of(arguments.command.words[0])
                                                              : NULL);
    }
    if (arguments.wants_version) {
        puts("tillwayctl " TILLWAY_VERSION);
        return CTL_OK;
    }
    if (arguments.is_bad || arguments.command.word_count == 0) {
        return usage(stderr, NULL);
    }
    if (arguments.setup.url == NULL) {
        arguments.setup.url = "https://127.0.0.1:9443";
    }
    return run(&arguments);
}
