/* tillwayd as a whole: what is started in which order, what runs where, how it ends.
 *
 *   configuration -> rules -> keys -> log opened -> log replayed -> channels -> listeners -> ready
 *
 * SIGTERM or a drain over the control socket: no more connections, what is in flight is finished
 * (or the deadline passes), the log is flushed, channels sign off. A second SIGTERM ends at once:
 * the log knows what was in doubt. SIGHUP: everything that files say is read anew and swapped in
 * whole.
 */
#pragma once

#include "switch/configuration.h"

enum server_exit {
    SERVER_EXIT_OK = 0,
    SERVER_EXIT_FAILED = 1,
    SERVER_EXIT_USAGE = 2,
    SERVER_EXIT_STORE = 69,
    SERVER_EXIT_KEYS = 77,
    SERVER_EXIT_CONFIGURATION = 78
};

/* What a loaded configuration names and a start would miss: certificates and their keys, folders.
 * Key blocks are not tried, because the master key may be out of reach here. False: `faults` says
 * what. */
MUST_CHECK bool server_check(const struct configuration *configuration, struct byte_writer *faults);
/* Runs until it is told to end. Answers the code of the process. */
int server_run(const struct configuration_source *source);
