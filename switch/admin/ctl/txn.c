/* Transactions: searched for, and shown whole. */
#include <stdio.h>

#include "switch/admin/ctl/command.h"

#define PAGES_MAX 1000 /* of one search, so that a loop ends whatever the server says */

/* X(option, parameter): what a search may be narrowed by. */
#define SEARCH_MAP(X)                                                                              \
    X("--terminal", "terminal")                                                                    \
    X("--stan", "stan")                                                                            \
    X("--rrn", "rrn")                                                                              \
    X("--merchant", "merchant")                                                                    \
    X("--kind", "kind")                                                                            \
    X("--amount", "amount")                                                                        \
    X("--card", "card")                                                                            \
    X("--outcome", "outcome")                                                                      \
    X("--code", "code")                                                                            \
    X("--day", "day")                                                                              \
    X("--from", "from")                                                                            \
    X("--to", "to")                                                                                \
    X("--limit", "limit")

struct search_option {
    const char *option, *parameter;
};
static const struct search_option search_options[] = {
#define X(option, parameter) {option, parameter},
    SEARCH_MAP(X)
#undef X
};
enum { SEARCH_OPTIONS = sizeof(search_options) / sizeof(search_options[0]) };

static void show_txns(const json_t *json)
{
    static const struct table_column columns[] = {
        {"TIME", "time"},          {"RRN", "rrn"},           {"TERMINAL", "terminal_id"},
        {"STAN", "stan"},          {"KIND", "payment_kind"}, {"AMOUNT", "amount.text"},
        {"CARD", "pan_masked"},    {"CHANNEL", "channel"},   {"OUTCOME", "outcome"},
        {"CODE", "response_code"}, {"REASON", "reason"},     {NULL, NULL}};
    table_write(stdout, json_object_get(json, "items"), columns);
}

/* Transactions that this one follows, or that follow it; nothing where there are none. */
static void show_relatives(const json_t *items, const char *heading)
{
    static const struct table_column columns[] = {
        {"TIME", "time"},          {"RRN", "rrn"},         {"KIND", "payment_kind"},
        {"AMOUNT", "amount.text"}, {"OUTCOME", "outcome"}, {"CODE", "response_code"},
        {"BATCH", "batch"},        {"STAN", "stan"},       {NULL, NULL}};
    if (json_array_size(items) > 0) {
        printf("\n%s:\n", heading);
        table_write(stdout, items, columns);
    }
}

static void show_txn(const json_t *json)
{
    static const struct table_column columns[] = {{"RRN", "rrn"},
                                                  {"outcome", "outcome"},
                                                  {"kind", "payment_kind"},
                                                  {"amount", "amount.text"},
                                                  {"card", "pan_masked"},
                                                  {"terminal", "terminal_id"},
                                                  {"merchant", "merchant_id"},
                                                  {"batch", "batch"},
                                                  {"STAN", "stan"},
                                                  {"response code", "response_code"},
                                                  {"authorisation", "auth_code"},
                                                  {"reason", "reason"},
                                                  {"settlement day", "settlement_day"},
                                                  {"channel", "route.channel"},
                                                  {"channel STAN", "route.channel_stan"},
                                                  {"route rule (line)", "route.route_rule"},
                                                  {"merchant fee", "fee.merchant_fee.text"},
                                                  {"issuer fee", "fee.issuer_fee.text"},
                                                  {"scheme fee", "fee.scheme_fee.text"},
                                                  {"margin", "fee.margin.text"},
                                                  {"fee rule (line)", "fee.fee_rule"},
                                                  {"rules version", "fee.ruleset_version"},
                                                  {NULL, NULL}};
    static const struct table_column records[] = {
        {"POSITION", "position"}, {"TIME", "time"},          {"RECORD", "kind"},
        {"STATE", "state"},       {"REASON", "reason"},      {"ATTEMPT", "attempt"},
        {"CHANNEL", "channel"},   {"CODE", "response_code"}, {NULL, NULL}};
    table_write_one(stdout, json, columns);
    putchar('\n');
    table_write(stdout, json_object_get(json, "records"), records);
    show_relatives(json_object_get(json, "originals"), "it follows");
    show_relatives(json_object_get(json, "followers"), "it was followed by");
}

/* Where the server's time for a page was up before anything was found, the search goes on from its
 * cursor. */
static enum ctl_exit search(const struct command *command, json_t **json)
{
    char first[COMMAND_PATH_SIZE] = "/api/v1/transactions";
    for (int i = 0; i < SEARCH_OPTIONS; i++) {
        const char *pair[2] = {search_options[i].parameter,
                               command_option(command, search_options[i].option)};
        if (pair[1] != NULL && !api_add_parameter(command->api, first, sizeof(first), pair)) {
            fputs("tillwayctl: the search is too long\n", stderr);
            return CTL_USAGE;
        }
    }
    char path[COMMAND_PATH_SIZE];
    snprintf(path, sizeof(path), "%s", first);
    for (int page = 0; page < PAGES_MAX; page++) {
        enum ctl_exit code = api_get(command->api, path, json);
        const char *cursor = json_string_value(json_object_get(*json, "cursor"));
        if (code != CTL_OK || cursor == NULL ||
            json_array_size(json_object_get(*json, "items")) > 0) {
            return code;
        }
        const char *pair[2] = {"cursor", cursor};
        snprintf(path, sizeof(path), "%s", first);
        if (!api_add_parameter(command->api, path, sizeof(path), pair)) {
            return CTL_OK;
        }
        json_decref(*json);
        *json = NULL;
    }
    return CTL_FAILED;
}

static int run_txn(const struct command *command)
{
    char path[COMMAND_PATH_SIZE];
    if (command_is(command, "search", 2)) {
        json_t *json = NULL;
        enum ctl_exit code = search(command, &json);
        return code == CTL_OK ? command_finish(command, json, show_txns) : (int)code;
    }
    if (!command_is(command, "show", 3)) {
        return COMMAND_UNKNOWN;
    }
    if (!command_id_is_plain(command->words[2])) {
        return CTL_USAGE;
    }
    snprintf(path, sizeof(path), "/api/v1/transactions/%s", command->words[2]);
    return command_get(command, path, show_txn);
}

static const char *const OPTIONS[] = {
#define X(option, parameter) option,
    SEARCH_MAP(X)
#undef X
        NULL};

const struct command_group TXN_GROUP = {
    .word = "txn",
    .options = OPTIONS,
    .usage =
        "  txn search [--terminal ID] [--merchant ID] [--stan N] [--rrn RRN] [--kind KIND]\n"
        "             [--amount FEN] [--card FIRST6|LAST4|FIRST6LAST4] [--outcome WORD]\n"
        "             [--code CODE] [--day YYYYMMDD] [--from T] [--to T] [--limit N]\n"
        "                             transactions, newest first (50, at most 200)\n"
        "  txn show RRN               one transaction: records, route, fee, what followed it\n",
    .expected = "txn search [OPTION ...], or txn show RRN",
    .run = run_txn,
};
