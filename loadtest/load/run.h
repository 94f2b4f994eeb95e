/* One run of the load tester: terminals online, payments at their rate, everything over, result.
 *
 *   ONLINE -> LOAD -> GRACE -> over
 */
#pragma once

#define RUN_EXIT_PASSED 0
#define RUN_EXIT_CROSSED 99 /* a threshold was crossed */
#define RUN_EXIT_FAILED 1
#define RUN_EXIT_USAGE 2

/* `tillway-load run`: argv[0] is the word "run". Answers the exit code. */
int run_command(int argc, char **argv);
