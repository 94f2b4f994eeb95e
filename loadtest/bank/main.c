/* tillway-bank: a bank host to test against. It listens, speaks one dialect, keeps books of its
 * own, and does wrong as often as it is told to.
 *
 * Prints "listening on ADDRESS:PORT" on stdout once it does, and its counts as one line of JSON
 * when it stops. SIGUSR1 heals it (all faults off), SIGTERM stops it in order. */
#include <inttypes.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "loadtest/arguments.h"
#include "loadtest/bank/host.h"
#include "loadtest/bank/server.h"
#include "loadtest/key_file.h"
#include "loadtest/spec_file.h"

#define EXIT_USAGE 2

struct bank_options {
    const char *name, *address, *spec, *keys, *mac, *ledger, *decline_code;
    uint64_t port, seed, late_ms, slow_ms;
    double faults, percent[FAULT_COUNT];
    bool is_full_sync, has_no_tombstones, is_help;
};

static struct bank_options options = {.name = "bank_a",
                                      .address = "127.0.0.1",
                                      .spec = "config/specs/iso8583-1987-ascii.yaml",
                                      .mac = "unionpay_ecb",
                                      .ledger = "bank.db",
                                      .decline_code = "51",
                                      .seed = 1,
                                      .late_ms = 6000,
                                      .slow_ms = 1000};

#define FAULT_ARGUMENT(id, option, text)                                                           \
    {option, ARGUMENT_DECIMAL, &options.percent[FAULT_##id], 0, 100, "per cent of messages: " text},
static const struct argument ARGUMENTS[] = {
    {"name", ARGUMENT_TEXT, &options.name, 0, 0, "name in lines and in keys (bank_a)"},
    {"address", ARGUMENT_TEXT, &options.address, 0, 0, "IPv4 address to listen on (127.0.0.1)"},
    {"port", ARGUMENT_NUMBER, &options.port, 0, 65535, "TCP port; 0: the kernel picks one"},
    {"spec", ARGUMENT_TEXT, &options.spec, 0, 0, "the dialect's YAML file"},
    {"keys", ARGUMENT_TEXT, &options.keys, 0, 0, "file with the lines \"zpk HEX\" and \"zak HEX\""},
    {"mac", ARGUMENT_TEXT, &options.mac, 0, 0,
     "unionpay_ecb (also when absent), x9_9, x9_19 or none"},
    {"ledger", ARGUMENT_TEXT, &options.ledger, 0, 0, "SQLite file of the books; kept, read back"},
    {"sync-full", ARGUMENT_FLAG, &options.is_full_sync, 0, 0, "sync each commit to disk"},
    {"no-tombstones", ARGUMENT_FLAG, &options.has_no_tombstones, 0, 0,
     "forget reversals of unknown originals"},
    {"seed", ARGUMENT_NUMBER, &options.seed, 0, UINT64_C(999999999999), "of the faults' draws"},
    {"faults", ARGUMENT_DECIMAL, &options.faults, 0, 33,
     "late, silent and drop at X per cent each"},
    {"late-ms", ARGUMENT_NUMBER, &options.late_ms, 1, 3600000, "how late late answers come (6000)"},
    {"slow-ms", ARGUMENT_NUMBER, &options.slow_ms, 0, 3600000, "longest slow answer (1000)"},
    {"decline-code", ARGUMENT_TEXT, &options.decline_code, 0, 0, "what a no is (51)"},
    FAULT_MAP(FAULT_ARGUMENT){"help", ARGUMENT_FLAG, &options.is_help, 0, 0, "this text"},
};

static void usage(FILE *file)
{
    fprintf(file, "usage: tillway-bank --keys FILE [options]\n");
    arguments_describe(&(struct arguments){ARGUMENTS, sizeof ARGUMENTS / sizeof ARGUMENTS[0]},
                       file);
}

/* --faults P: late P, silent P (half of it before posting), drop P. */
static enum status faults_fill(struct faults *faults)
{
    *faults = (struct faults){.late_ms = (uint32_t)options.late_ms,
                              .slow_ms = (uint32_t)options.slow_ms,
                              .draw = draw_start(options.seed)};
    memcpy(faults->percent, options.percent, sizeof faults->percent);
    faults->percent[FAULT_LATE] += options.faults;
    faults->percent[FAULT_SILENT] += options.faults / 2;
    faults->percent[FAULT_SILENT_BEFORE] += options.faults / 2;
    faults->percent[FAULT_DROP] += options.faults;
    if (faults_check(faults) != STATUS_OK) {
        fprintf(stderr, "the shares of silent-before, silent, late, duplicate and drop add up to "
                        "more than 100 per cent\n");
        return STATUS_BAD_VALUE;
    }
    return STATUS_OK;
}

static enum status setup_fill(struct host_setup *setup)
{
    setup->mac = tdes_mac_from_name(options.mac);
    if (setup->mac == TDES_MAC_COUNT) {
        fprintf(stderr, "--mac: x9_19, x9_9, unionpay_ecb or none is expected, not \"%s\"\n",
                options.mac);
        return STATUS_BAD_VALUE;
    }
    if (strlen(options.decline_code) != 2 || strcmp(options.decline_code, "00") == 0) {
        fprintf(stderr, "--decline-code: two characters other than 00 are expected, not \"%s\"\n",
                options.decline_code);
        return STATUS_BAD_VALUE;
    }
    memcpy(setup->decline_code, options.decline_code, 3);
    if (options.keys == NULL) {
        fprintf(stderr, "--keys FILE is missing; tillway-load fleet writes one\n");
        return STATUS_MISSING;
    }
    enum status status = key_file_read(options.keys, "zpk", &setup->pin_key, stderr);
    return status != STATUS_OK ? status
                               : key_file_read(options.keys, "zak", &setup->mac_key, stderr);
}

static void counts_print(const struct host *host, const struct ledger *ledger)
{
    struct host_counts counts;
    struct ledger_counts books;
    host_count(host, &counts);
    ledger_count(ledger, &books);
    printf("{\"bank\":\"%s\"", options.name);
#define X(name) printf(",\"%s\":%" PRIu64, #name, counts.name);
    HOST_COUNT_MAP(X)
#undef X
    printf(",\"posted_live\":%" PRIu64 ",\"reversed\":%" PRIu64 ",\"repeats\":%" PRIu64
           ",\"reversal_repeats\":%" PRIu64 ",\"tombstones\":%" PRIu64 ",\"blocked\":%" PRIu64
           "}\n",
           books.posted, books.reversed, books.repeats, books.reversal_repeats, books.tombstones,
           books.blocked);
}

static int bank_run(struct host_setup *setup, struct faults *faults)
{
    int result = EXIT_FAILURE;
    char reason[LEDGER_REASON_SIZE] = "no memory";
    uv_loop_t loop;
    struct server *server = NULL;
    struct host *host = NULL;
    if (uv_loop_init(&loop) != 0) {
        return EXIT_FAILURE;
    }
    struct ledger_setup books = {options.ledger, !options.has_no_tombstones, options.is_full_sync};
    setup->ledger = ledger_open(&books, reason);
    setup->faults = faults;
    host = setup->ledger == NULL ? NULL : host_create(setup);
    struct server_setup sockets = {
        &loop, host, setup->ledger, faults, options.address, (uint16_t)options.port, options.name};
    server = host == NULL ? NULL : server_create(&sockets, reason);
    if (server == NULL) {
        fprintf(stderr, "tillway-bank: %s\n", reason);
        goto out;
    }
    printf("listening on %s:%u\n", options.address, server_port(server));
    fflush(stdout);
    uv_run(&loop, UV_RUN_DEFAULT);
    result = server_destroy(server) == STATUS_OK && ledger_commit(setup->ledger) == STATUS_OK
                 ? EXIT_SUCCESS
                 : EXIT_FAILURE;
    counts_print(host, setup->ledger);
out:
    host_destroy(host);
    ledger_close(setup->ledger);
    uv_loop_close(&loop);
    return result;
}

int main(int argc, char **argv)
{
    struct arguments arguments = {ARGUMENTS, sizeof ARGUMENTS / sizeof ARGUMENTS[0]};
    struct host_setup setup = {0};
    struct faults faults;
    setvbuf(stderr, NULL, _IOLBF, 0);
    signal(SIGPIPE, SIG_IGN);
    if (arguments_read(&arguments, argc, argv, stderr) != STATUS_OK) {
        return EXIT_USAGE;
    }
    if (options.is_help) {
        usage(stdout);
        return EXIT_SUCCESS;
    }
    if (faults_fill(&faults) != STATUS_OK || setup_fill(&setup) != STATUS_OK) {
        return EXIT_USAGE;
    }
    setup.dialect = spec_file_dialect(options.spec, stderr);
    if (setup.dialect == NULL) {
        return EXIT_USAGE;
    }
    int result = bank_run(&setup, &faults);
    dialect_destroy(setup.dialect);
    return result;
}
