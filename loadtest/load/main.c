/* tillway-load: makes fleets and plays them against a switch. */
#include <signal.h>
#include <stdio.h>
#include <string.h>

#include "loadtest/load/fleet_command.h"
#include "loadtest/load/month_command.h"
#include "loadtest/load/run.h"

static int usage(FILE *file)
{
    fprintf(file,
            "usage: tillway-load fleet [options]   write terminals, merchants and keys\n"
            "       tillway-load fleet-month [options]   write what a watcher sees of a month\n"
            "       tillway-load run [options]     play them; `run --help` lists options\n"
            "exit codes: 0 passed, 1 failed, 2 usage, 99 a threshold was crossed\n");
    return file == stdout ? RUN_EXIT_PASSED : RUN_EXIT_USAGE;
}

int main(int argc, char **argv)
{
    setvbuf(stderr, NULL, _IOLBF, 0);
    signal(SIGPIPE, SIG_IGN);
    if (argc >= 2 && strcmp(argv[1], "fleet") == 0) {
        return fleet_command(argc - 1, argv + 1);
    }
    if (argc >= 2 && strcmp(argv[1], "fleet-month") == 0) {
        return month_command(argc - 1, argv + 1);
    }
    if (argc >= 2 && strcmp(argv[1], "run") == 0) {
        return run_command(argc - 1, argv + 1);
    }
    return usage(argc >= 2 && strcmp(argv[1], "--help") == 0 ? stdout : stderr);
}
