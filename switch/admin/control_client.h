/* The admin process's end of the control socket: one connection and one call each time, bounded in
 * time and size. Any thread.
 */
#pragma once

#include <stdbool.h>

#include "protocols/base/status.h"
#include "protocols/control.pb-c.h"

#define CONTROL_CLIENT_REASON_SIZE 256

/* Of a call that was sent whole and not answered: the switch may carry it out, or has. */
struct control_pending {
    bool is_unknown;
    int descriptor; /* where the answer may still come, the caller's to close; -1: nowhere */
};

struct control_client {
    const char *path;                /* of the socket; borrowed */
    const char *operator_name;       /* for the switch's log; borrowed */
    struct control_pending *pending; /* filled in; NULL: nobody asks */
};

/* The answer to `request`, whose call is filled in; id and operator are put in here. To be freed
 * with control__answer__free_unpacked(answer, NULL). NULL as below. */
Control__Answer *control_client_ask(const struct control_client *client, Control__Request *request,
                                    char reason[CONTROL_CLIENT_REASON_SIZE]);
/* The answer to one call, to be freed with control__answer__free_unpacked(answer, NULL).
 * NULL: the switch cannot be reached or did not answer in time; `reason` says how. An answer may
 * be a fault. `parameter`: the terminal's id, or the days of a purge; else NULL. */
Control__Answer *control_client_call(const struct control_client *client,
                                     Control__Request__CallCase call, const char *parameter,
                                     char reason[CONTROL_CLIENT_REASON_SIZE]);
/* The answer that comes on a connection that was left pending, within so long. NULL: none came, or
 * the connection ended. */
Control__Answer *control_client_wait(int descriptor, int timeout_s);
