/* tillwayctl: the operators' command line. Each command is one call of the admin API, shown as a
 * table or, with --json, as it came.
 */
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "switch/admin/ctl/api.h"
#include "switch/admin/ctl/table.h"

#define WORD_COUNT_MAX 3
#define PATH_SIZE 512
#define PAGES_MAX 1000 /* of one search, so that a loop ends whatever the server says */

/* X(option, parameter): what a search may be narrowed by. */
#define SEARCH_MAP(X)                                                                              \
    X("--terminal", "terminal")                                                                    \
    X("--stan", "stan")                                                                            \
    X("--rrn", "rrn")                                                                              \
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

struct arguments {
    struct api_setup setup;
    bool is_json, is_bad, wants_help, wants_version;
    const char *words[WORD_COUNT_MAX];
    int word_count;
    const char *search[SEARCH_OPTIONS]; /* values; NULL: not given */
};

static int usage(FILE *to)
{
    fputs("usage: tillwayctl [--url URL] [--token-file FILE] [--ca FILE] [--json] COMMAND\n"
          "\n"
          "  status                     the switch at a glance\n"
          "  channels                   channels and their links\n"
          "  terminal show ID           one terminal\n"
          "  txn search [--terminal ID] [--stan N] [--rrn RRN] [--from T] [--to T] [--limit N]\n"
          "                             transactions, newest first (50, at most 200)\n"
          "  txn show RRN               one transaction: records, route, fee\n"
          "  reload                     checks and takes over the configuration\n"
          "  drain                      finishes what is in flight and stops the switch\n"
          "\n"
          "URL, token file and authority may also come from TILLWAY_URL, TILLWAY_TOKEN_FILE and\n"
          "TILLWAY_CA. The URL is https://127.0.0.1:9443 when none is given.\n"
          "Exit codes: 0 ok, 1 failed, 2 usage, 3 unreachable, 4 denied, 5 not found.\n",
          to);
    return to == stdout ? CTL_OK : CTL_USAGE;
}

/* --- what is shown ------------------------------------------------------------------------ */

static void show_status(const json_t *json)
{
    static const struct table_column plain[] = {
        {"state", "state"},
        {"version", "version"},
        {"node", "node"},
        {"started", "started"},
        {"uptime, s", "uptime_seconds"},
        {"ruleset version", "config.ruleset_version"},
        {"last reload taken over", "config.last_reload_successful"},
        {"last reload said", "config.text"},
        {"in flight", "engine.txn_in_flight"},
        {"remembered", "engine.txn_remembered"},
        {"reversals pending", "engine.reversals_pending"},
        {"oldest reversal, s", "engine.saf_oldest_seconds"},
        {"cases", "engine.cases"},
        {"log position", "store.position_durable"},
        {"rows since start", "store.rows"},
        {"commit mean, s", "store.commit_seconds_mean"},
        {"commit max, s", "store.commit_seconds_max"},
        {"free bytes", "store.free_bytes"},
        {"terminals registered", "terminals.registered"},
        {"terminals signed on", "terminals.signed_on"},
        {"terminals connected", "terminals.connected"},
        {NULL, NULL}};
    static const struct table_column listeners[] = {
        {"LISTENER", "name"},     {"ADDRESS", "address"},     {"PORT", "port"},
        {"TLS", "tls"},           {"LISTENING", "listening"}, {"OPEN", "open"},
        {"ACCEPTED", "accepted"}, {"REFUSED", "refused"},     {NULL, NULL}};
    table_write_one(stdout, json, plain);
    putchar('\n');
    table_write(stdout, json_object_get(json, "listeners"), listeners);
}

static void show_channels(const json_t *json)
{
    static const struct table_column channels[] = {
        {"CHANNEL", "name"},        {"UP", "up"},
        {"IN FLIGHT", "inflight"},  {"WINDOW", "window"},
        {"REQUESTS", "requests"},   {"ANSWERS", "answers"},
        {"TIME-OUTS", "timeouts"},  {"LATE", "late"},
        {"UNMATCHED", "unmatched"}, {NULL, NULL}};
    static const struct table_column links[] = {
        {"CHANNEL", "channel"}, {"ADDRESS", "address"},   {"PORT", "port"}, {"STATE", "state"},
        {"SINCE", "since"},     {"CONNECTS", "connects"}, {"WHY", "text"},  {NULL, NULL}};
    const json_t *items = json_object_get(json, "items");
    size_t index;
    json_t *channel;
    json_t *all = json_array();
    json_array_foreach(items, index, channel)
    {
        json_array_extend(all, json_object_get(channel, "links"));
    }
    table_write(stdout, items, channels);
    putchar('\n');
    table_write(stdout, all, links);
    json_decref(all);
}

static void show_terminal(const json_t *json)
{
    static const struct table_column columns[] = {{"terminal", "terminal_id"},
                                                  {"merchant", "merchant_id"},
                                                  {"registered", "registered"},
                                                  {"active", "active"},
                                                  {"brand", "brand"},
                                                  {"model", "model"},
                                                  {"connected", "connected"},
                                                  {"address", "address"},
                                                  {"TLS", "tls_version"},
                                                  {"signed on", "signed_on"},
                                                  {"signed on at", "signed_on_at"},
                                                  {"batch", "batch"},
                                                  {"last seen", "last_seen"},
                                                  {"requests", "counts.requests"},
                                                  {"approved", "counts.approved"},
                                                  {"declined", "counts.declined"},
                                                  {"refused", "counts.refused"},
                                                  {"unknown", "counts.unknown"},
                                                  {"reversals", "counts.reversals"},
                                                  {NULL, NULL}};
    table_write_one(stdout, json, columns);
}

static void show_txns(const json_t *json)
{
    static const struct table_column columns[] = {
        {"TIME", "time"},          {"RRN", "rrn"},           {"TERMINAL", "terminal_id"},
        {"STAN", "stan"},          {"KIND", "payment_kind"}, {"AMOUNT", "amount.text"},
        {"CARD", "pan_masked"},    {"CHANNEL", "channel"},   {"OUTCOME", "outcome"},
        {"CODE", "response_code"}, {"REASON", "reason"},     {NULL, NULL}};
    table_write(stdout, json_object_get(json, "items"), columns);
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
}

static void show_result(const json_t *json)
{
    static const struct table_column columns[] = {
        {"result", "result"}, {"text", "text"}, {NULL, NULL}};
    table_write_one(stdout, json, columns);
}

/* --- commands ----------------------------------------------------------------------------- */

static int finish(const struct arguments *arguments, json_t *json, void (*show)(const json_t *json))
{
    if (arguments->is_json) {
        json_dumpf(json, stdout, JSON_INDENT(2));
        putchar('\n');
    } else {
        show(json);
    }
    json_decref(json);
    return fflush(stdout) == 0 ? CTL_OK : CTL_FAILED;
}

/* Where the server's time for a page was up before anything was found, the search goes on from its
 * cursor. */
static enum ctl_exit search(struct api *api, const struct arguments *arguments, json_t **json)
{
    char first[PATH_SIZE] = "/api/v1/transactions";
    for (int i = 0; i < SEARCH_OPTIONS; i++) {
        const char *pair[2] = {search_options[i].parameter, arguments->search[i]};
        if (pair[1] != NULL && !api_add_parameter(api, first, sizeof(first), pair)) {
            fputs("tillwayctl: the search is too long\n", stderr);
            return CTL_USAGE;
        }
    }
    char path[PATH_SIZE];
    snprintf(path, sizeof(path), "%s", first);
    for (int page = 0; page < PAGES_MAX; page++) {
        enum ctl_exit code = api_get(api, path, json);
        const char *cursor = json_string_value(json_object_get(*json, "cursor"));
        if (code != CTL_OK || cursor == NULL ||
            json_array_size(json_object_get(*json, "items")) > 0) {
            return code;
        }
        const char *pair[2] = {"cursor", cursor};
        snprintf(path, sizeof(path), "%s", first);
        if (!api_add_parameter(api, path, sizeof(path), pair)) {
            return CTL_OK;
        }
        json_decref(*json);
        *json = NULL;
    }
    return CTL_FAILED;
}

static int get_and_show(struct api *api, const struct arguments *arguments, const char *path,
                        void (*show)(const json_t *json))
{
    json_t *json = NULL;
    enum ctl_exit code = api_get(api, path, &json);
    return code == CTL_OK ? finish(arguments, json, show) : (int)code;
}

static int post_and_show(struct api *api, const struct arguments *arguments, const char *path)
{
    json_t *json = NULL;
    enum ctl_exit code = api_post(api, path, &json);
    return code == CTL_OK ? finish(arguments, json, show_result) : (int)code;
}

static bool words_are(const struct arguments *arguments, const char *first, const char *second)
{
    return arguments->word_count >= 2 && strcmp(arguments->words[0], first) == 0 &&
           strcmp(arguments->words[1], second) == 0;
}

/* Ids are letters and digits: what else stands there cannot be one, nor become another path. */
static bool id_is_plain(const char *id)
{
    static const char allowed[] = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";
    return id[0] != '\0' && strlen(id) <= 32 && strspn(id, allowed) == strlen(id);
}

static int show_by_id(struct api *api, const struct arguments *arguments)
{
    char path[PATH_SIZE];
    bool is_terminal = strcmp(arguments->words[0], "terminal") == 0;
    if (!id_is_plain(arguments->words[2])) {
        fprintf(stderr, "tillwayctl: %.40s: expected letters and digits\n", arguments->words[2]);
        return CTL_USAGE;
    }
    snprintf(path, sizeof(path), "/api/v1/%s/%s", is_terminal ? "terminals" : "transactions",
             arguments->words[2]);
    return get_and_show(api, arguments, path, is_terminal ? show_terminal : show_txn);
}

/* What was typed is no command: one line, not the whole of the usage. */
static int unknown(const struct arguments *arguments)
{
    const char *word = arguments->words[0];
    if (strcmp(word, "terminal") == 0) {
        fputs("tillwayctl: expected: terminal show ID\n", stderr);
    } else if (strcmp(word, "txn") == 0) {
        fputs("tillwayctl: expected: txn search [OPTION ...], or txn show RRN\n", stderr);
    } else {
        fprintf(stderr,
                "tillwayctl: no command begins so: %.40s%s; expected status, channels, terminal "
                "show ID, txn search, txn show RRN, reload or drain\n",
                word, arguments->word_count > 1 ? " ..." : "");
    }
    return CTL_USAGE;
}

static int run(struct api *api, const struct arguments *arguments)
{
    const char *word = arguments->words[0];
    json_t *json = NULL;
    if (arguments->word_count == 3 &&
        (words_are(arguments, "terminal", "show") || words_are(arguments, "txn", "show"))) {
        return show_by_id(api, arguments);
    }
    if (arguments->word_count == 2 && words_are(arguments, "txn", "search")) {
        enum ctl_exit code = search(api, arguments, &json);
        return code == CTL_OK ? finish(arguments, json, show_txns) : (int)code;
    }
    if (arguments->word_count != 1) {
        return unknown(arguments);
    }
    if (strcmp(word, "status") == 0) {
        return get_and_show(api, arguments, "/api/v1/status", show_status);
    }
    if (strcmp(word, "channels") == 0) {
        return get_and_show(api, arguments, "/api/v1/channels", show_channels);
    }
    if (strcmp(word, "reload") == 0) {
        return post_and_show(api, arguments, "/api/v1/reload");
    }
    if (strcmp(word, "drain") == 0) {
        return post_and_show(api, arguments, "/api/v1/drain");
    }
    return unknown(arguments);
}

/* --- command line ------------------------------------------------------------------------- */

/* Where the value of an option belongs; NULL: no option takes one under that name. */
static const char **place_of(struct arguments *arguments, const char *option)
{
    if (strcmp(option, "--url") == 0) {
        return &arguments->setup.url;
    }
    if (strcmp(option, "--token-file") == 0) {
        return &arguments->setup.token_path;
    }
    if (strcmp(option, "--ca") == 0) {
        return &arguments->setup.ca;
    }
    for (int i = 0; i < SEARCH_OPTIONS; i++) {
        if (strcmp(option, search_options[i].option) == 0) {
            return &arguments->search[i];
        }
    }
    return NULL;
}

static void parse_one(struct arguments *arguments, int argc, char **argv, int *at)
{
    const char *word = argv[*at];
    const char **place = place_of(arguments, word);
    if (place != NULL) {
        if (*at + 1 >= argc) {
            fprintf(stderr, "tillwayctl: %s needs a value\n", word);
            arguments->is_bad = true;
            return;
        }
        *place = argv[++*at];
    } else if (strcmp(word, "--json") == 0) {
        arguments->is_json = true;
    } else if (strcmp(word, "--help") == 0) {
        arguments->wants_help = true;
    } else if (strcmp(word, "--version") == 0) {
        arguments->wants_version = true;
    } else if (word[0] != '-' && arguments->word_count < WORD_COUNT_MAX) {
        arguments->words[arguments->word_count++] = word;
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
        parse_one(&arguments, argc, argv, &i);
    }
    if (arguments.wants_help) {
        return usage(stdout);
    }
    if (arguments.wants_version) {
        puts("tillwayctl " TILLWAY_VERSION);
        return CTL_OK;
    }
    if (arguments.is_bad || arguments.word_count == 0) {
        return usage(stderr);
    }
    if (arguments.setup.url == NULL) {
        arguments.setup.url = "https://127.0.0.1:9443";
    }
    struct api *api = api_open(&arguments.setup);
    if (api == NULL) {
        return CTL_FAILED;
    }
    int code = run(api, &arguments);
    api_close(api);
    return code;
}
