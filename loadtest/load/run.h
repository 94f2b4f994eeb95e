/* One run of the load tester: terminals online, payments at their rate, everything over, result.
 *
 *   ONLINE -> LOAD -> GRACE -> over
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#define RUN_EXIT_PASSED 0
#define RUN_EXIT_CROSSED 99 /* a threshold was crossed */
#define RUN_EXIT_FAILED 1
#define RUN_EXIT_USAGE 2

struct run_options {
    const char *connect; /* "ADDRESS:PORT" */
    const char *ca, *fleet, *bins, *spec, *receipts, *json, *hlog;
    uint64_t terminals, first, stan, seed, connecting_max;
    double tps, seconds, warmup, timeout, grace, online;
    bool is_closed, is_echo, is_plain, is_tls12, is_quiet, is_strict, is_help;
    double idle;
};

/* `tillway-load run`: argv[0] is the word "run". Answers the exit code. */
int run_command(int argc, char **argv);
