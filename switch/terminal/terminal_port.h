/* Ports of the terminal side: opened, changed while connections go on, and told about. What others
 * may ask of them stands in terminals.h.
 */
#pragma once

#include "switch/terminal/terminal_state.h"

void terminal_ports_init(struct terminals *terminals);
void terminal_ports_free(struct terminals *terminals);

/* A connection has begun. */
void terminal_port_enter(struct terminal_port *port);
/* One has ended, or goes on elsewhere: a retired port without any is gone after the call. */
void terminal_port_leave(struct terminal_port *port);
/* As what the connection reads its next message. */
void terminal_port_follow(struct terminal_conn *conn);
