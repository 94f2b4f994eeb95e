/* Orders to the running switch about one terminal or merchant. */
#include <stdio.h>
#include <string.h>

#include "switch/admin/ctl/command.h"

#define PATH_SIZE 4096 /* a text of 30 Chinese characters takes 270, escaped */

/* X(word, path, subject, sentence): ask-signon TERMINAL; limit terminal|merchant ID. */
#define ORDER_COMMAND_MAP(X)                                                                       \
    X("ask-signon", "service/ask_signon", "terminal")                                              \
    X("ask-download", "service/ask_download", "terminal")                                          \
    X("ask-status", "service/ask_status", "terminal")                                              \
    X("ask-update", "service/ask_update", "terminal")                                              \
    X("tell", "service/tell", "terminal")                                                          \
    X("withdraw", "service/withdraw", "terminal")                                                  \
    X("hold", "risk/hold", "merchant")                                                             \
    X("release", "risk/release", "merchant")                                                       \
    X("limit", "risk/limit", NULL)                                                                 \
    X("stop", "risk/stop", NULL)                                                                   \
    X("resume", "risk/resume", NULL)

struct order_command {
    const char *word, *path, *subject; /* subject NULL: it is typed */
};
static const struct order_command COMMANDS[] = {
#define X(word, path, subject) {word, path, subject},
    ORDER_COMMAND_MAP(X)
#undef X
};

static const char *const OPTIONS[] = {"--reason",  "--for",   "--until",    "--case",
                                      "--english", "--times", "--currency", NULL};

static const struct order_command *command_of(const char *word)
{
    for (size_t i = 0; i < sizeof(COMMANDS) / sizeof(COMMANDS[0]); i++) {
        if (strcmp(COMMANDS[i].word, word) == 0) {
            return &COMMANDS[i];
        }
    }
    return NULL;
}

static bool put(const struct command *command, char path[PATH_SIZE], const char *name,
                const char *value)
{
    const char *const pair[2] = {name, value};
    return api_add_parameter(command->api, path, PATH_SIZE, pair);
}

/* The words behind the subject: the text of a tell, the amount of a limit. */
static bool put_rest(const struct command *command, char path[PATH_SIZE], int at)
{
    const char *word = command->words[1];
    if (strcmp(word, "tell") == 0) {
        return command->word_count == at + 1 && put(command, path, "text", command->words[at]);
    }
    if (strcmp(word, "limit") == 0) {
        return command->word_count == at + 1 && put(command, path, "amount", command->words[at]);
    }
    return command->word_count == at;
}

static bool put_options(const struct command *command, char path[PATH_SIZE])
{
    for (int i = 0; OPTIONS[i] != NULL; i++) {
        const char *value = command_option(command, OPTIONS[i]);
        if (value != NULL && !put(command, path, OPTIONS[i] + 2, value)) {
            return false;
        }
    }
    return true;
}

static int give(const struct command *command, const struct order_command *order)
{
    char path[PATH_SIZE];
    int at = order->subject != NULL ? 2 : 3;
    if (command->word_count <= at ||
        (order->subject == NULL && strcmp(command->words[2], "terminal") != 0 &&
         strcmp(command->words[2], "merchant") != 0)) {
        return COMMAND_UNKNOWN;
    }
    const char *subject = order->subject != NULL ? order->subject : command->words[2];
    if (!command_id_is_plain(command->words[at])) {
        return CTL_USAGE;
    }
    if (command_option(command, "--reason") == NULL) {
        fputs("tillwayctl: an order needs --reason TEXT, which the audit file keeps\n", stderr);
        return CTL_USAGE;
    }
    snprintf(path, sizeof(path), "/api/v1/orders/%s", order->path);
    if (!put(command, path, subject, command->words[at]) || !put_rest(command, path, at + 1) ||
        !put_options(command, path)) {
        return COMMAND_UNKNOWN;
    }
    return command_post(command, path);
}

static void show_orders(const json_t *json)
{
    static const struct table_column columns[] = {{"kind", "kind"},
                                                  {"terminal", "terminal"},
                                                  {"merchant", "merchant"},
                                                  {"since", "since"},
                                                  {"until", "until"},
                                                  {"case", "case"},
                                                  {"by", "by"},
                                                  {"limit, minor units", "amount_minor"},
                                                  {"text", "text"},
                                                  {"english", "english"},
                                                  {"times left", "times_left"},
                                                  {NULL, NULL}};
    table_write(stdout, json_object_get(json, "items"), columns);
    if (json_is_true(json_object_get(json, "is_cut"))) {
        puts("there are more: ask for one terminal or merchant");
    }
}

static int list(const struct command *command)
{
    char path[PATH_SIZE] = "/api/v1/orders";
    if (command->word_count == 2) {
        return command_get(command, path, show_orders);
    }
    bool is_good = command->word_count == 4 && (strcmp(command->words[2], "terminal") == 0 ||
                                                strcmp(command->words[2], "merchant") == 0);
    if (!is_good) {
        return COMMAND_UNKNOWN;
    }
    if (!command_id_is_plain(command->words[3]) ||
        !put(command, path, command->words[2], command->words[3])) {
        return CTL_USAGE;
    }
    return command_get(command, path, show_orders);
}

static int run_order(const struct command *command)
{
    if (command->word_count < 2) {
        return COMMAND_UNKNOWN;
    }
    if (strcmp(command->words[1], "list") == 0) {
        return list(command);
    }
    const struct order_command *order = command_of(command->words[1]);
    return order == NULL ? COMMAND_UNKNOWN : give(command, order);
}

const struct command_group ORDER_GROUP = {
    .word = "order",
    .options = OPTIONS,
    .usage =
        "  order list [terminal ID | merchant ID]    orders in force\n"
        "  order ask-signon TERMINAL --reason TEXT   also ask-download, ask-status, ask-update:\n"
        "                             by its next answers the terminal is asked to, until it "
        "does;\n"
        "                             7 days, or --for 3d (12h, 90m), --until TIME; --case N\n"
        "  order tell TERMINAL TEXT --reason TEXT    with its next payment the cashier reads it;\n"
        "                             --english TEXT for terminals without Chinese, --times N\n"
        "  order withdraw TERMINAL --reason TEXT     it is asked and told nothing any longer\n"
        "  order limit terminal|merchant ID AMOUNT --reason TEXT   single payments above it are\n"
        "                             refused; --currency N\n"
        "  order stop terminal|merchant ID --reason TEXT   payments are refused (58); what undoes\n"
        "                             and settles is served. resume lifts stop and limit\n"
        "  order hold MERCHANT --reason TEXT         its money is held back; release lifts it\n",
    .expected = "order list, order ask-signon TERMINAL --reason TEXT, or another one of --help",
    .run = run_order,
};
