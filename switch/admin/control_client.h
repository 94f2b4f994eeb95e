/* The admin process's end of the control socket: one connection and one call each time, bounded in
 * time and size. Any thread.
 */
#pragma once

#include "protocols/base/status.h"
#include "protocols/control.pb-c.h"

#define CONTROL_CLIENT_REASON_SIZE 256

struct control_client {
    const char *path;          /* of the socket; borrowed */
    const char *operator_name; /* for the switch's log; borrowed */
};

/* The answer to one call, to be freed with control__answer__free_unpacked(answer, NULL).
 * NULL: the switch cannot be reached or did not answer in time; `reason` says how. An answer may
 * be a fault. `terminal_id` is for the terminal call only. */
Control__Answer *control_client_call(const struct control_client *client,
                                     Control__Request__CallCase call, const char *terminal_id,
                                     char reason[CONTROL_CLIENT_REASON_SIZE]);
