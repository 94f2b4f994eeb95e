/* Where a payment would go, and why; and where past ones would have gone by another routes file. */
#include <stdio.h>
#include <string.h>

#include "switch/admin/ctl/command.h"

#define CARD_DIGITS_SENT 9 /* more of a card number does not leave this program */

static const char *text_of(const json_t *json, const char *name)
{
    const char *text = json_string_value(json_object_get(json, name));
    return text == NULL ? "" : text;
}

static void show_texts(const json_t *list, const char *before)
{
    for (size_t i = 0; i < json_array_size(list); i++) {
        const char *text = json_string_value(json_array_get(list, i));
        printf("%s%s\n", before, text == NULL ? "" : text);
    }
}

static void show_recorded(const json_t *recorded)
{
    if (recorded == NULL) {
        return;
    }
    const char *channel = text_of(recorded, "channel");
    long long version = (long long)json_integer_value(json_object_get(recorded, "ruleset_version"));
    long long rule = (long long)json_integer_value(json_object_get(recorded, "route_rule"));
    printf("the log: %s at %s ", text_of(recorded, "rrn"), text_of(recorded, "time"));
    if (channel[0] != '\0') {
        printf("went to %s by the rule of line %lld, rules of version %lld\n", channel, rule,
               version);
    } else {
        printf("went nowhere: %s\n", text_of(recorded, "reason"));
    }
    puts("the rules in force now, at that time of day, with the channels as they are now:");
}

static void show_explanation(const json_t *json)
{
    show_recorded(json_object_get(json, "recorded"));
    table_write_lines(stdout, json_object_get(json, "lines"));
    show_texts(json_object_get(json, "notes"), "note: ");
}

static bool add(const struct command *command, char *path, const char *name, const char *value)
{
    if (api_add_parameter(command->api, path, COMMAND_PATH_SIZE, (const char *[2]){name, value})) {
        return true;
    }
    fprintf(stderr, "tillwayctl: --%s: too long\n", name);
    return false;
}

/* Of a whole card number its first digits and its length are sent. */
static bool add_card(const struct command *command, char *path)
{
    const char *card = command_option(command, "--card");
    char first[CARD_DIGITS_SENT + 1];
    char digits[24];
    size_t length = card == NULL ? 0 : strlen(card);
    if (card == NULL) {
        return true;
    }
    snprintf(first, sizeof(first), "%s", card);
    snprintf(digits, sizeof(digits), "%zu", length);
    return add(command, path, "card", first) &&
           (length <= CARD_DIGITS_SENT || add(command, path, "card_digits", digits));
}

static int ask(const struct command *command)
{
    static const char *const options[][2] = {{"--terminal", "terminal"},
                                             {"--merchant", "merchant"},
                                             {"--amount", "amount"},
                                             {"--currency", "currency"},
                                             {"--code", "code"},
                                             {"--type", "type"},
                                             {"--entry-mode", "entry_mode"},
                                             {"--at", "at"}};
    char path[COMMAND_PATH_SIZE] = "/api/v1/routes";
    for (size_t i = 0; i < sizeof(options) / sizeof(options[0]); i++) {
        const char *value = command_option(command, options[i][0]);
        if (value != NULL && !add(command, path, options[i][1], value)) {
            return CTL_USAGE;
        }
    }
    return add_card(command, path) ? command_get(command, path, show_explanation) : CTL_USAGE;
}

static const struct table_column MERCHANTS[] = {{"merchant_id", "merchant_id"},
                                                {"count", "count"},
                                                {"same", "same"},
                                                {"moved", "moved"},
                                                {"refused", "refused"},
                                                {"taken", "taken"},
                                                {"following", "following"},
                                                {"untouched", "untouched"},
                                                {"doubtful", "doubtful"},
                                                {NULL, NULL}};

static void show_dry_run(const json_t *json)
{
    const json_t *result = json_object_get(json, "result");
    table_write_lines(stderr, json_object_get(json, "faults"));
    if (result == NULL) {
        fprintf(stderr, "tillwayctl: %s\n", text_of(json, "text"));
        return;
    }
    table_write_lines(stdout, json_object_get(result, "lines"));
    puts("");
    table_write(stdout, json_object_get(result, "merchants"), MERCHANTS);
}

static int run_route(const struct command *command)
{
    char path[COMMAND_PATH_SIZE];
    if (command_is(command, "dry-run", 3)) {
        return command_dry_run(command, "route", show_dry_run);
    }
    if (command_is(command, "explain", 2)) {
        return ask(command);
    }
    if (!command_is(command, "explain", 3)) {
        return COMMAND_UNKNOWN;
    }
    if (command->option_count > 0) {
        fputs("tillwayctl: route explain RRN takes no options: the log has them\n", stderr);
        return CTL_USAGE;
    }
    if (!command_id_is_plain(command->words[2])) {
        return CTL_USAGE;
    }
    snprintf(path, sizeof(path), "/api/v1/routes/%s", command->words[2]);
    return command_get(command, path, show_explanation);
}

static const char *const OPTIONS[] = {"--terminal", "--merchant", "--amount",     "--currency",
                                      "--card",     "--code",     "--entry-mode", "--type",
                                      "--at",       "--from",     "--to",         NULL};

const struct command_group ROUTE_GROUP = {
    .word = "route",
    .options = OPTIONS,
    .usage =
        "  route explain --terminal ID --amount 12.34 [--card BIN | --code PREFIX] [--type TYPE]\n"
        "                [--entry-mode MODE] [--at TIME] [--merchant ID] [--currency NUMBER]\n"
        "                             where it would go now, rule by rule; BIN: 6 to 9 digits\n"
        "  route explain RRN          the same of a transaction of the log\n"
        "  route dry-run ROUTES.yaml [--from TIME] [--to TIME]\n"
        "                             where past transactions would have gone by that file\n",
    .expected =
        "route explain --terminal ID --amount AMOUNT [OPTION ...], route explain RRN, or route "
        "dry-run ROUTES.yaml [--from TIME] [--to TIME]",
    .run = run_route,
};
