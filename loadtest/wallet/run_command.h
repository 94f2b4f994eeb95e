/* The words of tillway-wallet's command line. Each answers the exit code: 0, 1 (failed while
 * running), 2 (usage). */
#pragma once

#include <stdbool.h>

/* argv[0] is the word. */
int keys_command(int argc, char **argv);
int bill_command(int argc, char **argv);
int run_command(int argc, char **argv);
