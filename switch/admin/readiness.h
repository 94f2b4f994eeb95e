/* Whether the switch takes payments, check by check. Pure. */
#pragma once

#include <stdbool.h>
#include <stdio.h>

#include "protocols/control.pb-c.h"

/* X(NAME, "word", sentence when it fails): the checks of /readyz. */
#define READINESS_MAP(X)                                                                           \
    X(CONTROL, "control", "the switch does not answer on its control socket")                      \
    X(STATE, "state", "the switch is starting, draining or stopping")                              \
    X(LISTENERS, "listeners", "a listener does not take connections")                              \
    X(CHANNEL, "channel", "no channel is signed on")                                               \
    X(STORE_SPACE, "store_space", "the disk of the log has less than 64 MiB left")                 \
    X(STORE_SYNC, "store_sync", "a commit of the log takes more than 100 ms on average")

/* `status` NULL: the switch did not answer. Writes a line for each check, or for failed ones only,
 * and answers whether all hold. */
bool readiness_write(FILE *to, const Control__Status *status, bool is_verbose);
