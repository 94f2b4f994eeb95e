/* One connection of a terminal: bytes in, requests out, answers back.
 */
#pragma once

#include "switch/terminal/terminal_state.h"

/* Takes over an accepted descriptor. False: no slot or no memory; the descriptor is closed. */
bool terminal_conn_open(struct terminal_port *port, int descriptor,
                        const struct net_address *address);
/* The answer is in the stream: on to the next request, or to the end. */
void terminal_conn_answered(struct terminal_conn *conn);
/* Offers the request again that there was no room for. */
void terminal_conn_retry(struct terminal_conn *conn);
void terminal_conn_close(struct terminal_conn *conn, enum close_reason reason, const char *text);
