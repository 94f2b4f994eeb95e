/* Telling systemd how we are (sd_notify(3)): ready, reloading, stopping, alive. Without
 * NOTIFY_SOCKET in the environment every call does nothing.
 */
#pragma once

/* Sends one state, such as "READY=1\nSTATUS=serving". */
void notify_send(const char *state);
