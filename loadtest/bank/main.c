/* tillway-bank: a bank host to test against. It listens and connects, speaks one dialect, keeps
 * books of its own, and does wrong as often as it is told to.
 *
 * Prints "listening on ADDRESS:PORT" on stdout once it does, and its counts as one line of JSON
 * when it stops. SIGUSR1 heals it (all faults off), SIGUSR2 cuts over to the next settlement day,
 * SIGTERM stops it in order. */
#include <inttypes.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "loadtest/arguments.h"
#include "loadtest/bank/host.h"
#include "loadtest/bank/server.h"
#include "loadtest/spec_file.h"
#include "protocols/base/digits.h"

#define EXIT_USAGE 2
#define REASON_SIZE 256
_Static_assert(REASON_SIZE >= SERVER_REASON_SIZE, "for the server's");
_Static_assert(REASON_SIZE >= LEDGER_REASON_SIZE, "for the ledger's");
_Static_assert(REASON_SIZE >= HOST_FAULT_SIZE, "for the host's");
#define BANK_SPEC_FOLDER "config/specs" /* where it is started from the tree's root */

struct bank_options {
    const char *name, *address, *dialect, *spec, *keys, *mac, *ledger, *decline_code;
    const char *framing, *connect, *certificate, *key, *ca, *server_name;
    const char *http_path, *header_source, *header_destination;
    uint64_t port, seed, late_ms, slow_ms, day, connections, half_dead_after, keys_every_ms;
    double faults, percent[FAULT_COUNT];
    bool is_full_sync, has_no_tombstones, has_tpdu, is_http, is_signon_for_all, is_help;
};

static struct bank_options options = {.name = "bank_a",
                                      .address = "127.0.0.1",
                                      .dialect = "iso8583-1987-ascii",
                                      .framing = "binary_2",
                                      .header_source = "",
                                      .header_destination = "",
                                      .connections = 2,
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
    {"connect", ARGUMENT_TEXT, &options.connect, 0, 0,
     "ADDRESS:PORT of a switch to connect to, too"},
    {"connections", ARGUMENT_NUMBER, &options.connections, 1, 32, "how many such links (2)"},
    {"tls-certificate", ARGUMENT_TEXT, &options.certificate, 0, 0,
     "PEM file of what is shown; links that are taken then speak TLS"},
    {"tls-key", ARGUMENT_TEXT, &options.key, 0, 0, "PEM file of its private key"},
    {"tls-ca", ARGUMENT_TEXT, &options.ca, 0, 0,
     "PEM file of the authority that the other side's certificate must have"},
    {"server-name", ARGUMENT_TEXT, &options.server_name, 0, 0,
     "name in the certificate of the switch that --connect names"},
    {"dialect", ARGUMENT_TEXT, &options.dialect, 0, 0,
     "a file of config/specs without its ending (iso8583-1987-ascii)"},
    {"spec", ARGUMENT_TEXT, &options.spec, 0, 0, "the dialect's YAML file, wherever it lies"},
    {"framing", ARGUMENT_TEXT, &options.framing, 0, 0,
     "binary_2 (also when absent), binary_2_inclusive, ascii_4, bcd_2, binary_4, stx"},
    {"http", ARGUMENT_FLAG, &options.is_http, 0, 0,
     "messages are posted to us in HTTP and answered so; nothing else is taken"},
    {"http-path", ARGUMENT_TEXT, &options.http_path, 0, 0,
     "where they must be posted to; others are answered 404 (any)"},
    {"header-source", ARGUMENT_TEXT, &options.header_source, 0, 0,
     "the institution that the header of each message must come from (any)"},
    {"header-destination", ARGUMENT_TEXT, &options.header_destination, 0, 0,
     "the institution that it must be addressed to (any)"},
    {"tpdu", ARGUMENT_FLAG, &options.has_tpdu, 0, 0, "a TPDU stands before each message"},
    {"signon-for-all", ARGUMENT_FLAG, &options.is_signon_for_all, 0, 0,
     "one link signs on for the others"},
    {"half-dead-after", ARGUMENT_NUMBER, &options.half_dead_after, 0, 1000000,
     "messages after which one link reads and answers no more, once"},
    {"keys-every-ms", ARGUMENT_NUMBER, &options.keys_every_ms, 0, 3600000,
     "send new working keys so often; the key file then has a line \"zmk HEX\""},
    {"keys", ARGUMENT_TEXT, &options.keys, 0, 0, "file with the lines \"zpk HEX\" and \"zak HEX\""},
    {"mac", ARGUMENT_TEXT, &options.mac, 0, 0,
     "unionpay_ecb (also when absent), x9_9, x9_19 or none"},
    {"ledger", ARGUMENT_TEXT, &options.ledger, 0, 0, "SQLite file of the books; kept, read back"},
    {"sync-full", ARGUMENT_FLAG, &options.is_full_sync, 0, 0, "sync each commit to disk"},
    {"no-tombstones", ARGUMENT_FLAG, &options.has_no_tombstones, 0, 0,
     "forget reversals of unknown originals"},
    {"day", ARGUMENT_NUMBER, &options.day, 19700101, 20991231,
     "settlement day to begin with, YYYYMMDD (today in China)"},
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

static uint32_t today(void)
{
    time_t now = time(NULL) + 8 * 3600;
    struct tm date;
    gmtime_r(&now, &date);
    return (uint32_t)((date.tm_year + 1900) * 10000 + (date.tm_mon + 1) * 100 + date.tm_mday);
}

static enum status setup_fill(struct host_setup *setup, struct key_ring *keys)
{
    setup->settlement_day = options.day == 0 ? today() : (uint32_t)options.day;
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
    setup->header_source = options.header_source;
    setup->header_destination = options.header_destination;
    if (options.keys == NULL) {
        fprintf(stderr, "--keys FILE is missing; tillway-load fleet writes one\n");
        return STATUS_MISSING;
    }
    setup->keys = keys;
    return key_ring_load(keys, options.keys, options.ledger, stderr);
}

static struct dialect *dialect_open(void)
{
    char path[512];
    int length = snprintf(path, sizeof path, "%s/%s.yaml", BANK_SPEC_FOLDER, options.dialect);
    if (length < 0 || length >= (int)sizeof path) {
        fprintf(stderr, "--dialect: a shorter name is expected\n");
        return NULL;
    }
    return spec_file_dialect(options.spec != NULL ? options.spec : path, stderr);
}

static enum status framing_fill(struct framing *framing)
{
    static const char *paths[2]; /* ends with NULL */
    paths[0] = options.http_path;
    *framing = (struct framing){.has_tpdu = options.has_tpdu,
                                .may_be_http = options.is_http,
                                .http_paths = options.http_path != NULL ? paths : NULL,
                                .length_max = FRAME_LENGTH_MAX};
    if (options.http_path != NULL && (!options.is_http || options.http_path[0] != '/')) {
        fprintf(stderr, "--http-path: --http and a path that begins with / are expected\n");
        return STATUS_BAD_VALUE;
    }
    if (options.is_http && options.percent[FAULT_DUPLICATE] > 0) {
        fprintf(stderr,
                "--http: no --duplicate is expected beside it, since a POST has one answer\n");
        return STATUS_BAD_VALUE;
    }
    if (options.is_http && (options.connect != NULL || options.keys_every_ms > 0)) {
        fprintf(stderr,
                "--http: neither --connect nor --keys-every-ms is expected beside it, since "
                "who is posted to only answers\n");
        return STATUS_BAD_VALUE;
    }
    if (frame_length_from_name(&framing->length_kind, options.framing)) {
        return STATUS_OK;
    }
    fprintf(stderr,
            "--framing: binary_2, binary_2_inclusive, ascii_4, bcd_2, binary_4 or stx is expected, "
            "not \"%s\"\n",
            options.framing);
    return STATUS_BAD_VALUE;
}

/* ADDRESS:PORT of --connect. */
static enum status peer_fill(struct server_setup *sockets)
{
    static char address[64];
    if (options.connect == NULL) {
        return STATUS_OK;
    }
    const char *colon = strrchr(options.connect, ':');
    size_t length = colon == NULL ? 0 : (size_t)(colon - options.connect);
    uint64_t port = 0;
    if (length == 0 || length >= sizeof address ||
        digits_parse(&port, colon + 1, (uint32_t)strlen(colon + 1),
                     (struct number_range){1, 65535}) != STATUS_OK) {
        fprintf(stderr, "--connect: ADDRESS:PORT is expected, not \"%s\"\n", options.connect);
        return STATUS_BAD_VALUE;
    }
    memcpy(address, options.connect, length);
    address[length] = '\0';
    sockets->peer_address = address;
    sockets->peer_port = (uint16_t)port;
    sockets->connection_count = (uint32_t)options.connections;
    return STATUS_OK;
}

static enum status sockets_fill(struct server_setup *sockets)
{
    *sockets = (struct server_setup){
        .address = options.address,
        .port = (uint16_t)options.port,
        .name = options.name,
        .tls = {options.certificate, options.key, options.ca},
        .server_name = options.server_name,
        .is_signon_for_all = options.is_signon_for_all,
        .half_dead_after = (uint32_t)options.half_dead_after,
        .keys_every_ms = (uint32_t)options.keys_every_ms,
    };
    if ((options.certificate == NULL) != (options.key == NULL)) {
        fprintf(stderr, "--tls-certificate and --tls-key: both or none are expected\n");
        return STATUS_BAD_VALUE;
    }
    enum status status = framing_fill(&sockets->framing);
    return status != STATUS_OK ? status : peer_fill(sockets);
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

static int bank_run(struct host_setup *setup, struct server_setup *sockets, struct faults *faults)
{
    int result = EXIT_FAILURE;
    char reason[REASON_SIZE] = "no memory";
    static uv_loop_t loop; /* what runs on it names it until the end */
    struct server *server = NULL;
    struct host *host = NULL;
    if (uv_loop_init(&loop) != 0) {
        return EXIT_FAILURE;
    }
    struct ledger_setup books = {options.ledger, !options.has_no_tombstones, options.is_full_sync};
    setup->ledger = ledger_open(&books, reason);
    setup->faults = faults;
    host = setup->ledger == NULL ? NULL : host_create(setup, reason);
    sockets->loop = &loop;
    sockets->host = host;
    sockets->ledger = setup->ledger;
    sockets->faults = faults;
    server = host == NULL ? NULL : server_create(sockets, reason);
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
    struct server_setup sockets;
    struct key_ring keys;
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
    if (faults_fill(&faults) != STATUS_OK || setup_fill(&setup, &keys) != STATUS_OK ||
        sockets_fill(&sockets) != STATUS_OK) {
        return EXIT_USAGE;
    }
    setup.dialect = dialect_open();
    if (setup.dialect == NULL) {
        return EXIT_USAGE;
    }
    int result = bank_run(&setup, &sockets, &faults);
    dialect_destroy(setup.dialect);
    return result;
}
