/* See month_command.h. */
#include "loadtest/load/month_command.h"

#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "loadtest/arguments.h"
#include "loadtest/fleet_month.h"

#define EXIT_USAGE 2
#define TERMINAL_COUNT_MIN 100

static struct {
    uint64_t terminals, days, seed;
    const char *out;
    bool is_help;
} options = {.terminals = 2000, .days = 30, .seed = 1, .out = "."};

static const struct argument ARGUMENTS[] = {
    {"terminals", ARGUMENT_NUMBER, &options.terminals, TERMINAL_COUNT_MIN,
     FLEET_MONTH_TERMINAL_COUNT_MAX, "how many terminals (2000)"},
    {"days", ARGUMENT_NUMBER, &options.days, FLEET_MONTH_DAY_COUNT_MIN, FLEET_MONTH_DAY_COUNT_MAX,
     "how many days (30)"},
    {"seed", ARGUMENT_NUMBER, &options.seed, 0, UINT64_C(999999999999), "all else follows from it"},
    {"out", ARGUMENT_TEXT, &options.out, 0, 0, "folder to write into; made when absent"},
    {"help", ARGUMENT_FLAG, &options.is_help, 0, 0, "this text"},
};

int month_command(int argc, char **argv)
{
    struct arguments arguments = {ARGUMENTS, sizeof ARGUMENTS / sizeof ARGUMENTS[0]};
    if (arguments_read(&arguments, argc, argv, stderr) != STATUS_OK) {
        return EXIT_USAGE;
    }
    if (options.is_help) {
        printf("usage: tillway-load fleet-month [options]\n");
        arguments_describe(&arguments, stdout);
        return EXIT_SUCCESS;
    }
    if (mkdir(options.out, 0777) != 0 && errno != EEXIST) {
        fprintf(stderr, "tillway-load: %s cannot be made: %s\n", options.out, strerror(errno));
        return EXIT_FAILURE;
    }
    struct fleet_month_options month = {.terminal_count = (uint32_t)options.terminals,
                                        .day_count = (uint32_t)options.days,
                                        .seed = options.seed};
    enum status status = fleet_month_write(&month, options.out);
    if (status == STATUS_NO_MEMORY) {
        fprintf(stderr, "tillway-load: no memory for %u terminals\n", month.terminal_count);
    }
    return status == STATUS_OK ? EXIT_SUCCESS : EXIT_FAILURE;
}
