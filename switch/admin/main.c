/* tillway-admin: the admin port, and the keeper of its tokens.
 *
 * Codes: 0 ended in order, 1 failed, 2 usage, 78 configuration.
 */
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>

#include "config/file_text.h"
#include "config/server_options.h"
#include "switch/admin/admin.h"
#include "switch/admin/options_file.h"
#include "switch/admin/token_file.h"
#include "switch/anomaly_load.h"

#define OVERRIDE_COUNT_MAX 64
#define WORD_COUNT_MAX 4
#define FAULTS_SIZE 16384

enum exit_code {
    EXIT_CODE_OK = 0,
    EXIT_CODE_FAILED = 1,
    EXIT_CODE_USAGE = 2,
    EXIT_CODE_CONFIG = 78
};

struct arguments {
    const char *path, *tokens;
    const char *overrides[OVERRIDE_COUNT_MAX];
    uint32_t override_count;
    const char *words[WORD_COUNT_MAX]; /* token add NAME ROLE */
    uint32_t word_count;
    struct scope scope; /* of a new token */
    bool is_bad, wants_help, wants_version;
};

static int usage(FILE *to)
{
    fputs("usage: tillway-admin --config FILE [--set PATH=VALUE ...]\n"
          "       tillway-admin token add NAME ROLE   (--config FILE | --tokens FILE)\n"
          "           [--agent ID] [--merchant ID] [--point ID] [--as POSITION]\n"
          "       tillway-admin token remove NAME     (--config FILE | --tokens FILE)\n"
          "       tillway-admin --version | --help\n"
          "\n"
          "Serves the admin port of a switch: its options are in the sections admin, control and\n"
          "store of the switch's own configuration. Roles are " ROLE_WORDS
          ".\nOf the last two a token may be for the cases of an agent, merchant or service point\n"
          "only; its holder acts as staff, manager, engineer, agent or merchant. A new token is\n"
          "printed once and kept only as a hash.\n",
          to);
    return to == stdout ? EXIT_CODE_OK : EXIT_CODE_USAGE;
}

static const char *value_of(struct arguments *arguments, int argc, char **argv, int *at)
{
    if (*at + 1 >= argc) {
        fprintf(stderr, "tillway-admin: %s needs a value\n", argv[*at]);
        arguments->is_bad = true;
        return "";
    }
    return argv[++*at];
}

/* "--agent", "--merchant", "--point", "--as" */
static bool is_of_scope(const char *word)
{
    static const char *const OPTIONS[] = {"--agent", "--merchant", "--point", "--as"};
    for (size_t i = 0; i < sizeof(OPTIONS) / sizeof(OPTIONS[0]); i++) {
        if (strcmp(word, OPTIONS[i]) == 0) {
            return true;
        }
    }
    return false;
}

static void parse_scope(struct arguments *arguments, const char *option, const char *value)
{
    char reason[SCOPE_REASON_SIZE];
    if (!arguments->is_bad && !scope_put(&arguments->scope, option + 2, value, reason)) {
        fprintf(stderr, "tillway-admin: --%s\n", reason);
        arguments->is_bad = true;
    }
}

static void parse_one(struct arguments *arguments, int argc, char **argv, int *at)
{
    const char *word = argv[*at];
    if (strcmp(word, "--config") == 0) {
        arguments->path = value_of(arguments, argc, argv, at);
    } else if (strcmp(word, "--tokens") == 0) {
        arguments->tokens = value_of(arguments, argc, argv, at);
    } else if (strcmp(word, "--set") == 0 && arguments->override_count < OVERRIDE_COUNT_MAX) {
        arguments->overrides[arguments->override_count++] = value_of(arguments, argc, argv, at);
    } else if (is_of_scope(word)) {
        parse_scope(arguments, word, value_of(arguments, argc, argv, at));
    } else if (strcmp(word, "--help") == 0) {
        arguments->wants_help = true;
    } else if (strcmp(word, "--version") == 0) {
        arguments->wants_version = true;
    } else if (word[0] != '-' && arguments->word_count < WORD_COUNT_MAX) {
        arguments->words[arguments->word_count++] = word;
    } else {
        fprintf(stderr, "tillway-admin: %s is not known here\n", word);
        arguments->is_bad = true;
    }
}

static struct options_source source_of(const struct arguments *arguments)
{
    return (struct options_source){arguments->path, arguments->overrides,
                                   arguments->override_count};
}

static struct server_options *load_options(const struct arguments *arguments)
{
    static char faults[FAULTS_SIZE];
    struct byte_writer writer;
    const struct options_source source = source_of(arguments);
    byte_writer_init(&writer, faults, FAULTS_SIZE - 1);
    struct server_options *options = options_file_load(&source, &writer);
    faults[writer.position] = '\0'; /* behind it stand those of the reload before */
    fputs(faults, stderr);
    return options;
}

/* As tillwayd has them: both step the same cases. */
static bool case_rules_are_loaded(struct case_rules *rules, const char *path)
{
    static char text[FAULTS_SIZE];
    struct byte_writer faults;
    byte_writer_init(&faults, text, FAULTS_SIZE - 1);
    bool is_good = case_rules_load(rules, path, &faults);
    text[faults.position] = '\0';
    fputs(text, stderr);
    return is_good;
}

/* Webhooks and case rules as the files say now, whole or not at all. */
static void reload(struct admin *admin, const struct arguments *arguments)
{
    char reason[ADMIN_REASON_SIZE] = "its faults stand above";
    struct case_rules rules;
    struct server_options *options = load_options(arguments);
    bool is_good = options != NULL && case_rules_are_loaded(&rules, options->aftersales.rules);
    if (is_good) {
        const struct admin_change change = {options->aftersales.webhooks,
                                            options->aftersales.webhook_count, &rules};
        is_good = admin_reload(admin, &change, reason);
    }
    if (is_good) {
        fprintf(stderr, "tillway-admin: reloaded: %u webhooks, and the rules of cases\n",
                options->aftersales.webhook_count);
    } else {
        fprintf(stderr, "tillway-admin: not reloaded, all is as before: %s\n", reason);
    }
    server_options_destroy(options);
}

/* TERM or INT ends it, HUP has it read its files again. */
static int serve(struct admin *admin, const struct arguments *arguments, const char *address)
{
    sigset_t awaited;
    int caught = 0;
    sigemptyset(&awaited);
    sigaddset(&awaited, SIGTERM);
    sigaddset(&awaited, SIGINT);
    sigaddset(&awaited, SIGHUP);
    printf("tillway-admin: https://%s:%u\n", address, admin_port(admin));
    fflush(stdout);
    while (sigwait(&awaited, &caught) == 0 && caught == SIGHUP) {
        reload(admin, arguments);
    }
    admin_stop(admin);
    return EXIT_CODE_OK;
}

static int run(const struct arguments *arguments)
{
    char reason[ADMIN_REASON_SIZE] = "";
    sigset_t blocked;
    struct case_rules case_rules;
    struct server_options *options = load_options(arguments);
    if (options == NULL || !case_rules_are_loaded(&case_rules, options->aftersales.rules)) {
        server_options_destroy(options);
        return EXIT_CODE_CONFIG;
    }
    /* Before any thread is made, so that all inherit it. */
    sigemptyset(&blocked);
    sigaddset(&blocked, SIGTERM);
    sigaddset(&blocked, SIGINT);
    sigaddset(&blocked, SIGHUP);
    sigprocmask(SIG_BLOCK, &blocked, NULL);
    signal(SIGPIPE, SIG_IGN);
    /* Its memory holds tokens and a private key. */
    setrlimit(RLIMIT_CORE, &(struct rlimit){0, 0});
    prctl(PR_SET_DUMPABLE, 0);
    const struct options_source source = source_of(arguments);
    struct admin_setup setup = {.address = options->admin.address,
                                .port = options->admin.port,
                                .certificate = options->admin.certificate,
                                .key = options->admin.key,
                                .tokens = options->admin.tokens,
                                .audit = options->admin.audit,
                                .control_socket = options->control_socket,
                                .log = options->store.folder,
                                .fees = options->fees,
                                .backup_folder = options->admin.backup_folder,
                                .webhooks = options->aftersales.webhooks,
                                .webhook_count = options->aftersales.webhook_count,
                                .aftersales = options->aftersales.folder,
                                .case_rules = &case_rules,
                                .evidence_key = options->aftersales.evidence_key,
                                .options = &source};
    struct admin *admin = admin_start(&setup, reason);
    int code = EXIT_CODE_CONFIG;
    if (admin == NULL) {
        fprintf(stderr, "tillway-admin: %s\n", reason);
    } else {
        code = serve(admin, arguments, options->admin.address);
    }
    server_options_destroy(options);
    return code;
}

static int token_command(const struct arguments *arguments, const char *path)
{
    char reason[TOKEN_REASON_SIZE] = "";
    char token[TOKEN_TEXT_SIZE];
    struct token_holder holder = {.role = ROLE_NOBODY};
    const char *verb = arguments->words[1];
    enum status status = STATUS_UNKNOWN;
    if (strcmp(verb, "add") == 0 && arguments->word_count == 4) {
        int role = role_find(arguments->words[3]);
        if (role < 0 || strlen(arguments->words[2]) >= sizeof(holder.name)) {
            fputs("tillway-admin: ROLE is " ROLE_WORDS ", NAME at most 31 characters\n", stderr);
            return EXIT_CODE_USAGE;
        }
        snprintf(holder.name, sizeof(holder.name), "%s", arguments->words[2]);
        holder.role = (enum role)role;
        holder.scope = arguments->scope;
        status = token_add(path, &holder, token, reason);
        if (status == STATUS_OK) {
            puts(token);
        }
    } else if (strcmp(verb, "remove") == 0 && arguments->word_count == 3) {
        status = token_remove(path, arguments->words[2], reason);
    } else {
        return usage(stderr);
    }
    if (status != STATUS_OK) {
        fprintf(stderr, "tillway-admin: %s\n", reason);
        return EXIT_CODE_FAILED;
    }
    return EXIT_CODE_OK;
}

static int keep_tokens(const struct arguments *arguments)
{
    if (strcmp(arguments->words[0], "token") != 0 || arguments->word_count < 2) {
        return usage(stderr);
    }
    if (arguments->tokens != NULL) {
        return token_command(arguments, arguments->tokens);
    }
    struct server_options *options = arguments->path == NULL ? NULL : load_options(arguments);
    if (options == NULL) {
        fputs("tillway-admin: give --tokens FILE, or --config FILE\n", stderr);
        return EXIT_CODE_USAGE;
    }
    int code = EXIT_CODE_CONFIG;
    if (options->admin.tokens[0] == '\0') {
        fputs("tillway-admin: admin.tokens is not set\n", stderr);
    } else {
        code = token_command(arguments, options->admin.tokens);
    }
    server_options_destroy(options);
    return code;
}

int main(int argc, char **argv)
{
    struct arguments arguments = {0};
    for (int i = 1; i < argc && !arguments.is_bad; i++) {
        parse_one(&arguments, argc, argv, &i);
    }
    if (arguments.is_bad) {
        return usage(stderr);
    }
    if (arguments.wants_help) {
        return usage(stdout);
    }
    if (arguments.wants_version) {
        puts("tillway-admin " TILLWAY_VERSION);
        return EXIT_CODE_OK;
    }
    if (arguments.word_count > 0) {
        return keep_tokens(&arguments);
    }
    return arguments.path == NULL ? usage(stderr) : run(&arguments);
}
