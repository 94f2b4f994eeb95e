/* tillway-watch: what the watcher would have said of a past that lies in files. */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "switch/anomaly_load.h"
#include "switch/watch/log_source.h"
#include "switch/watch/replay.h"

#define FAULTS_SIZE 16384
#define OVERRIDE_COUNT_MAX 64

enum exit_code {
    EXIT_CODE_OK = 0,
    EXIT_CODE_FAILED = 1,
    EXIT_CODE_USAGE = 2,
    EXIT_CODE_RULES = 78
};

static int usage(FILE *to)
{
    fputs(
        "usage: tillway-watch replay --observations FILE --facts FILE [OPTION ...]\n"
        "       tillway-watch replay --config tillway.yaml [--set PATH=VALUE ...] [--log FOLDER]\n"
        "                            [OPTION ...]\n"
        "       tillway-watch --help\n"
        "\n"
        "Plays observations through the watcher and its cases, and writes what was flagged and\n"
        "which cases were opened: those of a file, or those of a switch's log, with the facts,\n"
        "registry and rules of its configuration; also while the switch runs.\n"
        "\n"
        "  --rules anomalies.yaml  other rules than those\n"
        "  --flags FILE, --cases FILE  what is written\n"
        "  --restart-at N  after N observations another watcher goes on from the memory of the\n"
        "                  first; the flags are the same\n"
        "  --until US      the time goes on to this moment behind the last row (microseconds\n"
        "                  since 1970)\n"
        "\n"
        "Exit codes: 0 ok, 1 a file cannot be used, 2 usage, 78 rules or configuration are not\n"
        "right.\n",
        to);
    return to == stdout ? EXIT_CODE_OK : EXIT_CODE_USAGE;
}

/* False: no number, or none that fits. */
static bool count_read(const char *text, uint64_t *count)
{
    char *end;
    errno = 0;
    unsigned long long number = strtoull(text, &end, 10);
    *count = number;
    return text[0] >= '0' && text[0] <= '9' && *end == 0 && errno == 0;
}

/* What the command line says. */
struct asked {
    struct replay_options options;
    struct log_source_setup log;
    const char *rules, *restart_at, *until;
    const char *overrides[OVERRIDE_COUNT_MAX];
};

/* The place of the value of an option; NULL: no such option. */
static const char **value_place(struct asked *asked, const char *name)
{
    const struct {
        const char *name, **value;
    } values[] = {{"--observations", &asked->options.observations},
                  {"--facts", &asked->options.facts},
                  {"--config", &asked->log.config},
                  {"--log", &asked->log.folder},
                  {"--rules", &asked->rules},
                  {"--flags", &asked->options.flags},
                  {"--cases", &asked->options.cases},
                  {"--restart-at", &asked->restart_at},
                  {"--until", &asked->until}};
    for (uint32_t i = 0; i < sizeof values / sizeof values[0]; i++) {
        if (strcmp(name, values[i].name) == 0) {
            return values[i].value;
        }
    }
    return strcmp(name, "--set") == 0 && asked->log.override_count < OVERRIDE_COUNT_MAX
               ? &asked->overrides[asked->log.override_count++]
               : NULL;
}

static bool counts_read(struct asked *asked)
{
    uint64_t until = 0;
    bool is_count = count_read(asked->restart_at, &asked->options.restart_at);
    if (!is_count || !count_read(asked->until, &until) || until > INT64_MAX) {
        fprintf(stderr, "tillway-watch: %s: a number was expected, not \"%s\"\n",
                is_count ? "--until" : "--restart-at", is_count ? asked->until : asked->restart_at);
        return false;
    }
    asked->options.until_us = (int64_t)until;
    return true;
}

static bool options_read(struct asked *asked, int argc, char **argv)
{
    asked->restart_at = asked->until = "0";
    asked->log.overrides = asked->overrides;
    for (int at = 2; at < argc; at += 2) {
        const char **place = value_place(asked, argv[at]);
        if (place == NULL || at + 1 == argc) {
            fprintf(stderr, "tillway-watch: %s is not known here, or needs a value\n", argv[at]);
            return false;
        }
        *place = argv[at + 1];
    }
    bool is_log = asked->log.config != NULL;
    bool has_files = asked->options.observations != NULL && asked->options.facts != NULL;
    bool has_some = asked->options.observations != NULL || asked->options.facts != NULL;
    if (is_log ? has_some : !has_files) {
        fprintf(stderr,
                "tillway-watch: --observations and --facts are needed, or --config alone\n");
        return false;
    }
    return counts_read(asked);
}

/* Without a configuration the rules alone are there. */
static bool rules_load(struct log_source *source, const char *path, struct byte_writer *faults)
{
    return anomaly_load(&source->rules, path, faults) &&
           case_rules_load(&source->case_rules, path, faults);
}

/* What is wrong goes to stderr. */
static int source_open(struct asked *asked, struct log_source *source)
{
    static char faults[FAULTS_SIZE];
    struct byte_writer writer;
    byte_writer_init(&writer, faults, sizeof faults - 1);
    asked->log.rules = asked->rules;
    bool is_good = asked->log.config != NULL
                       ? log_source_open(source, &asked->log, &writer)
                       : rules_load(source, asked->rules == NULL ? "" : asked->rules, &writer);
    faults[writer.position] = 0;
    fputs(faults, stderr);
    asked->options.log = asked->log.config != NULL ? source : NULL;
    asked->options.rules = &source->rules;
    asked->options.case_rules = &source->case_rules;
    return is_good ? EXIT_CODE_OK : EXIT_CODE_RULES;
}

int main(int argc, char **argv)
{
    struct asked asked = {.rules = NULL};
    struct log_source source = {.folder = NULL};
    struct replay_result result;
    if (argc < 2 || strcmp(argv[1], "replay") != 0) {
        return usage(argc == 2 && strcmp(argv[1], "--help") == 0 ? stdout : stderr);
    }
    if (!options_read(&asked, argc, argv)) {
        return usage(stderr);
    }
    int code = source_open(&asked, &source);
    if (code == EXIT_CODE_OK && replay_run(&asked.options, &result) != STATUS_OK) {
        fprintf(stderr, "tillway-watch: %s\n", result.reason);
        code = EXIT_CODE_FAILED;
    }
    if (code == EXIT_CODE_OK) {
        printf("%" PRIu64 " observations of %u terminals and %u merchants: %" PRIu64
               " flags, %u cases; state %016" PRIx64 "\n",
               result.observations, result.terminals, result.merchants, result.flags, result.cases,
               result.state_hash);
    }
    log_source_close(&source);
    return code;
}
