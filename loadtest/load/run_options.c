/* The options of `tillway-load run`, each with its sentence. */
#include "loadtest/load/run_options.h"

#include <stdio.h>

#include "loadtest/arguments.h"
#include "loadtest/fleet.h"

static struct run_options options = {.connect = "127.0.0.1:7001",
                                     .fleet = ".",
                                     .spec = "config/specs/unionpay-pos.yaml",
                                     .framing = "binary_2",
                                     .qr_kinds = "alipay,wechat",
                                     .receipts = "receipts.ndjson",
                                     .terminals = 0,
                                     .stan = 1,
                                     .seed = 1,
                                     .connecting_max = 64,
                                     .tps = 100,
                                     .seconds = 10,
                                     .timeout = 60,
                                     .grace = 90,
                                     .online = 120};

static const struct argument ARGUMENTS[] = {
    {"connect", ARGUMENT_TEXT, &options.connect, 0, 0,
     "ADDRESS:PORT of the switch (127.0.0.1:7001)"},
    {"ca", ARGUMENT_TEXT, &options.ca, 0, 0, "PEM of the authority to trust; absent: trust any"},
    {"fleet", ARGUMENT_TEXT, &options.fleet, 0, 0, "folder that `tillway-load fleet` wrote"},
    {"bins", ARGUMENT_TEXT, &options.bins, 0, 0, "CSV of card ranges to draw cards from"},
    {"spec", ARGUMENT_TEXT, &options.spec, 0, 0, "YAML file of the terminals' dialect"},
    {"terminals", ARGUMENT_NUMBER, &options.terminals, 0, FLEET_TERMINAL_COUNT_MAX,
     "how many of the fleet; 0: all"},
    {"first", ARGUMENT_NUMBER, &options.first, 0, FLEET_TERMINAL_COUNT_MAX,
     "index of the first one in the fleet"},
    {"stan", ARGUMENT_NUMBER, &options.stan, 1, 999999, "first trace number"},
    {"seed", ARGUMENT_NUMBER, &options.seed, 0, UINT64_C(999999999999), "of cards and amounts"},
    {"connecting", ARGUMENT_NUMBER, &options.connecting_max, 1, 10000, "handshakes at once (64)"},
    {"tps", ARGUMENT_DECIMAL, &options.tps, 0, 1000000, "payments a second, constant (100)"},
    {"seconds", ARGUMENT_DECIMAL, &options.seconds, 0, 864000, "of load, warm-up included (10)"},
    {"warmup", ARGUMENT_DECIMAL, &options.warmup, 0, 864000, "seconds left out of the figures (0)"},
    {"timeout", ARGUMENT_DECIMAL, &options.timeout, 0, 3600, "a terminal's time-out, seconds (60)"},
    {"grace", ARGUMENT_DECIMAL, &options.grace, 0, 3600, "seconds to finish reversals (90)"},
    {"online", ARGUMENT_DECIMAL, &options.online, 1, 3600, "seconds to sign on all (120)"},
    {"qr-share", ARGUMENT_DECIMAL, &options.qr_share, 0, 100,
     "per cent of purchases by the customer's code, where a profile says nothing else (0)"},
    {"follow-ups", ARGUMENT_DECIMAL, &options.follow_ups, 0, 80,
     "per cent of transactions that are voids and refunds, at a constant rate (0)"},
    {"qr-kinds", ARGUMENT_TEXT, &options.qr_kinds, 0, 0,
     "whose codes, as often each: of alipay, wechat, unionpay (alipay,wechat)"},
    {"closed", ARGUMENT_FLAG, &options.is_closed, 0, 0,
     "closed loop: each terminal pays again as soon as it is answered"},
    {"profile", ARGUMENT_TEXT, &options.profile, 0, 0,
     "YAML file of a day's phases, in place of --tps and --seconds"},
    {"events", ARGUMENT_TEXT, &options.events, 0, 0,
     "file to write, a line as each of these phases begins"},
    {"idle", ARGUMENT_DECIMAL, &options.idle, 0, 864000,
     "no payments: hold all terminals signed on for so many seconds"},
    {"echo", ARGUMENT_FLAG, &options.is_echo, 0, 0, "the peer echoes; answers are not interpreted"},
    {"devices", ARGUMENT_FLAG, &options.has_devices, 0, 0,
     "terminals tell serial number, software and position in field 59"},
    {"framing", ARGUMENT_TEXT, &options.framing, 0, 0,
     "how terminals frame messages, dealt out in turn: of binary_2, binary_2_inclusive, ascii_4, "
     "bcd_2, binary_4, stx, http (binary_2)"},
    {"plain", ARGUMENT_FLAG, &options.is_plain, 0, 0, "no TLS"},
    {"tls12", ARGUMENT_FLAG, &options.is_tls12, 0, 0, "TLS 1.2 at most"},
    {"server-pid", ARGUMENT_NUMBER, &options.server_pid, 0, 4194304,
     "process whose CPU time over the measured window goes into the result"},
    {"receipts", ARGUMENT_TEXT, &options.receipts, 0, 0, "the terminals' journal to write"},
    {"json", ARGUMENT_TEXT, &options.json, 0, 0, "result file to write"},
    {"hlog", ARGUMENT_TEXT, &options.hlog, 0, 0, "HdrHistogram log to write"},
    {"quiet", ARGUMENT_FLAG, &options.is_quiet, 0, 0, "no line a second"},
    {"strict", ARGUMENT_FLAG, &options.is_strict, 0, 0,
     "exit 99 when a payment was dropped or is open at the end"},
    {"help", ARGUMENT_FLAG, &options.is_help, 0, 0, "this text"},
};

static const struct arguments ALL = {ARGUMENTS, sizeof ARGUMENTS / sizeof ARGUMENTS[0]};

enum status run_options_read(struct run_options *read, int argc, char **argv)
{
    enum status status = arguments_read(&ALL, argc, argv, stderr);
    *read = options;
    return status;
}

void run_options_describe(FILE *file)
{
    fprintf(file, "usage: tillway-load run [options]\n");
    arguments_describe(&ALL, file);
}
