/* Notes what the rim sees of terminals that never becomes a request, and hands sums to the engine
 * once a second, so many at most (sighting_book.h). What cannot be laid at a registered terminal's
 * door is counted in the metrics alone, but for strangers that name themselves: of all of them a
 * row a second. */
#pragma once

#include "switch/terminal/terminal_state.h"

void rim_watch_init(struct terminals *terminals);
void rim_watch_close(struct terminals *terminals);
/* A request was turned away. `claimed`: field 41 as it was read; empty: it was not. */
void rim_watch_reject(struct terminal_conn *conn, enum reject reject, const char *claimed);
/* The engine does not know that terminal. */
void rim_watch_stranger(struct terminals *terminals, const char terminal_id[9]);
/* A terminal has proved itself on this connection: is its certificate near its end? */
void rim_watch_proven(struct terminal_conn *conn);
/* The engine has taken a sighting. */
void rim_watch_taken(struct terminals *terminals, const struct terminal_sighting *sighting);
/* A connection has ended. */
void rim_watch_closed(struct terminal_conn *conn, enum close_reason reason);
