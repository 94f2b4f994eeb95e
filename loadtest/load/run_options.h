/* What a run is asked to do. */
#pragma once

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

#include "protocols/base/status.h"

struct run_options {
    const char *connect; /* "ADDRESS:PORT" */
    const char *ca, *fleet, *bins, *spec, *receipts, *json, *hlog, *profile, *events, *framing;
    uint64_t terminals, first, stan, seed, connecting_max, server_pid;
    const char *qr_kinds;
    double tps, seconds, warmup, timeout, grace, online, qr_share, follow_ups;
    bool is_closed, is_echo, has_devices, is_plain, is_tls12, is_quiet, is_strict, is_help;
    double idle; /* seconds of holding still; 0: payments */
};

/* Reads argv[1] and on. Not STATUS_OK: stderr has a line that says why. */
MUST_CHECK enum status run_options_read(struct run_options *read, int argc, char **argv);
void run_options_describe(FILE *file);
