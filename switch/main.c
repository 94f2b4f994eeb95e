/* tillwayd: options of the command line, and which code the process ends with.
 *
 * Codes: 0 ended in order, 1 failed while running, 2 usage, 69 the store is unavailable, 77
 * permission or keys, 78 configuration.
 */
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>

#include <openssl/crypto.h>

#include "protocols/base/require.h"
#include "switch/configuration.h"
#include "switch/net/tls.h"
#include "switch/server.h"
#include "switch/version.h"

#define OVERRIDE_COUNT_MAX 64

enum command { RUN, CHECK_CONFIG, DUMP_OPTIONS, PRINT_VERSION, PRINT_HELP, BAD_USAGE };

struct arguments {
    enum command command;
    const char *path;
    const char *overrides[OVERRIDE_COUNT_MAX];
    uint32_t override_count;
};

static void usage(FILE *to)
{
    fputs("usage: tillwayd --config FILE [--set PATH=VALUE ...] [--check-config]\n"
          "       tillwayd --dump-options | --version | --help\n"
          "\n"
          "  --config FILE      the configuration, tillway.yaml\n"
          "  --set PATH=VALUE   changes one option of it, such as "
          "store.folder=/var/lib/tillway/log\n"
          "  --check-config     reads and checks all files but the key blocks, says what is wrong, "
          "and "
          "ends\n"
          "  --dump-options     prints every option: range, fallback, meaning\n"
          "\n"
          "Signals: TERM drains and ends (a second one ends now), HUP reloads.\n",
          to);
}

/* The value that follows an option; NULL: there is none. */
static const char *value_of(int argc, char **argv, int *at)
{
    if (*at + 1 >= argc) {
        fprintf(stderr, "tillwayd: %s needs a value\n", argv[*at]);
        return NULL;
    }
    return argv[++*at];
}

static void parse_one(struct arguments *arguments, int argc, char **argv, int *at)
{
    const char *word = argv[*at];
    if (strcmp(word, "--config") == 0) {
        arguments->path = value_of(argc, argv, at);
        arguments->command = arguments->path == NULL ? BAD_USAGE : arguments->command;
    } else if (strcmp(word, "--set") == 0) {
        const char *assignment = value_of(argc, argv, at);
        if (assignment == NULL || arguments->override_count == OVERRIDE_COUNT_MAX) {
            arguments->command = BAD_USAGE;
            return;
        }
        arguments->overrides[arguments->override_count++] = assignment;
    } else if (strcmp(word, "--check-config") == 0) {
        arguments->command = CHECK_CONFIG;
    } else if (strcmp(word, "--dump-options") == 0) {
        arguments->command = DUMP_OPTIONS;
    } else if (strcmp(word, "--version") == 0) {
        arguments->command = PRINT_VERSION;
    } else if (strcmp(word, "--help") == 0) {
        arguments->command = PRINT_HELP;
    } else {
        fprintf(stderr, "tillwayd: unknown option %s\n", word);
        arguments->command = BAD_USAGE;
    }
}

static struct arguments parse(int argc, char **argv)
{
    struct arguments arguments = {.command = RUN};
    for (int i = 1; i < argc && arguments.command != BAD_USAGE; i++) {
        parse_one(&arguments, argc, argv, &i);
    }
    bool needs_file = arguments.command == RUN || arguments.command == CHECK_CONFIG;
    if (needs_file && arguments.path == NULL) {
        fputs("tillwayd: --config is missing\n", stderr);
        arguments.command = BAD_USAGE;
    }
    return arguments;
}

/* No core file and no other process's eyes: memory holds keys and cards (I32). A write to a closed
 * connection is an error to handle, not a signal to die of. Log files are the supervisor's
 * business.
 */
static void harden(void)
{
    struct rlimit files;
    bool is_wiping = tls_memory_install();
    REQUIRE(is_wiping);
    setrlimit(RLIMIT_CORE, &(struct rlimit){0, 0});
    prctl(PR_SET_DUMPABLE, 0);
    signal(SIGPIPE, SIG_IGN);
    signal(SIGUSR1, SIG_IGN);
    if (getrlimit(RLIMIT_NOFILE, &files) == 0) {
        files.rlim_cur = files.rlim_max;
        setrlimit(RLIMIT_NOFILE, &files);
    }
}

/* OpenSSL that could not set itself up reads through null pointers later, instead of answering. */
static bool openssl_is_ready(void)
{
    if (OPENSSL_init_crypto(OPENSSL_INIT_LOAD_CONFIG, NULL) == 1 &&
        OSSL_LIB_CTX_get0_global_default() != NULL) {
        return true;
    }
    fputs("tillwayd: OpenSSL cannot set itself up: too little memory, or its openssl.cnf is "
          "faulty\n",
          stderr);
    return false;
}

static int check_config(const struct configuration_source *source)
{
    static char faults[CONFIGURATION_FAULTS_SIZE];
    struct configuration *configuration = configuration_load(source, faults);
    if (configuration == NULL) {
        fputs(faults, stderr);
        return SERVER_EXIT_CONFIGURATION;
    }
    struct byte_writer writer;
    byte_writer_init(&writer, faults, sizeof(faults) - 1);
    if (!server_check(configuration, &writer)) {
        faults[writer.position] = 0;
        fputs(faults, stderr);
        configuration_destroy(configuration);
        return SERVER_EXIT_CONFIGURATION;
    }
    static char losses[CONFIGURATION_FAULTS_SIZE];
    fputs(ruleset_notes(configuration->ruleset), stdout);
    fee_plan_set_losses(ruleset_fee_plans(configuration->ruleset), losses, sizeof(losses));
    fputs(losses, stdout);
    printf("%s: good (%u terminals, %u merchants, %u card ranges, %u channels, %u listeners)\n",
           source->path, terminal_table_count(ruleset_terminal_view(configuration->ruleset)),
           merchant_table_count(ruleset_merchant_view(configuration->ruleset)),
           bin_table_count(ruleset_bin_view(configuration->ruleset)),
           configuration->options->channel_count, configuration->options->listener_count);
    configuration_destroy(configuration);
    return SERVER_EXIT_OK;
}

static int dump_options(void)
{
    static char text[OPTION_REFERENCE_SIZE];
    struct byte_writer writer;
    byte_writer_init(&writer, text, sizeof(text));
    server_options_describe(&writer);
    return fwrite(text, 1, writer.position, stdout) == writer.position ? SERVER_EXIT_OK
                                                                       : SERVER_EXIT_FAILED;
}

int main(int argc, char **argv)
{
    struct arguments arguments = parse(argc, argv);
    struct configuration_source source = {.path = arguments.path,
                                          .overrides = arguments.overrides,
                                          .override_count = arguments.override_count,
                                          .version = 1};
    switch (arguments.command) {
    case RUN:
        harden();
        return openssl_is_ready() ? server_run(&source) : SERVER_EXIT_FAILED;
    case CHECK_CONFIG:
        return openssl_is_ready() ? check_config(&source) : SERVER_EXIT_FAILED;
    case DUMP_OPTIONS:
        return dump_options();
    case PRINT_VERSION:
        puts("tillwayd " TILLWAY_VERSION " (" TILLWAY_REVISION ")");
        return SERVER_EXIT_OK;
    case PRINT_HELP:
        usage(stdout);
        return SERVER_EXIT_OK;
    case BAD_USAGE:
        break;
    }
    usage(stderr);
    return SERVER_EXIT_USAGE;
}
