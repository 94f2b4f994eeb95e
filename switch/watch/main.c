/* tillway-watch: what the watcher would have said of a past that lies in files. */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "switch/anomaly_load.h"
#include "switch/watch/replay.h"

#define FAULTS_SIZE 16384

enum exit_code {
    EXIT_CODE_OK = 0,
    EXIT_CODE_FAILED = 1,
    EXIT_CODE_USAGE = 2,
    EXIT_CODE_RULES = 78
};

static int usage(FILE *to)
{
    fputs("usage: tillway-watch replay --observations FILE --facts FILE [--rules anomalies.yaml]\n"
          "                            [--flags FILE] [--cases FILE] [--restart-at N]\n"
          "       tillway-watch --help\n"
          "\n"
          "Plays observations through the watcher and its cases, and writes what was flagged and\n"
          "which cases were opened. --restart-at N: after N observations another watcher goes on\n"
          "from the memory of the first; the flags are the same.\n"
          "\n"
          "Exit codes: 0 ok, 1 a file cannot be used, 2 usage, 78 the rules are not right.\n",
          to);
    return to == stdout ? EXIT_CODE_OK : EXIT_CODE_USAGE;
}

static int rules_read(struct watch_rules *rules, const char *path)
{
    static char faults[FAULTS_SIZE];
    struct byte_writer writer;
    byte_writer_init(&writer, faults, sizeof faults - 1);
    if (anomaly_load(rules, path, &writer)) {
        return EXIT_CODE_OK;
    }
    faults[writer.position] = 0;
    fputs(faults, stderr);
    return EXIT_CODE_RULES;
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

static bool options_read(struct replay_options *options, const char **rules, int argc, char **argv)
{
    const char *restart_at = "0";
    const struct {
        const char *name, **value;
    } values[] = {{"--observations", &options->observations},
                  {"--facts", &options->facts},
                  {"--rules", rules},
                  {"--flags", &options->flags},
                  {"--cases", &options->cases},
                  {"--restart-at", &restart_at}};
    for (int at = 2; at < argc; at += 2) {
        uint32_t place = 0;
        while (place < sizeof values / sizeof values[0] &&
               strcmp(argv[at], values[place].name) != 0) {
            place++;
        }
        if (place == sizeof values / sizeof values[0] || at + 1 == argc) {
            fprintf(stderr, "tillway-watch: %s is not known here, or needs a value\n", argv[at]);
            return false;
        }
        *values[place].value = argv[at + 1];
    }
    if (!count_read(restart_at, &options->restart_at)) {
        fprintf(stderr,
                "tillway-watch: --restart-at: a count of observations was expected, not "
                "\"%s\"\n",
                restart_at);
        return false;
    }
    if (options->observations == NULL || options->facts == NULL) {
        fprintf(stderr, "tillway-watch: --observations and --facts are needed\n");
        return false;
    }
    return true;
}

int main(int argc, char **argv)
{
    struct watch_rules rules;
    struct replay_options options = {.rules = &rules};
    struct replay_result result;
    const char *rules_path = NULL;
    if (argc < 2 || strcmp(argv[1], "replay") != 0) {
        return usage(argc == 2 && strcmp(argv[1], "--help") == 0 ? stdout : stderr);
    }
    if (!options_read(&options, &rules_path, argc, argv)) {
        return usage(stderr);
    }
    int code = rules_read(&rules, rules_path == NULL ? "" : rules_path);
    if (code != EXIT_CODE_OK) {
        return code;
    }
    if (replay_run(&options, &result) != STATUS_OK) {
        fprintf(stderr, "tillway-watch: %s\n", result.reason);
        return EXIT_CODE_FAILED;
    }
    printf("%" PRIu64 " observations of %u terminals and %u merchants: %" PRIu64
           " flags, %u cases; state %016" PRIx64 "\n",
           result.observations, result.terminals, result.merchants, result.flags, result.cases,
           result.state_hash);
    return EXIT_CODE_OK;
}
