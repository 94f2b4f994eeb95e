/* What the rim saw of a terminal that never became a request: messages with a wrong MAC, bytes that
 * are no message, handshakes that failed; or with it: a certificate near its end.
 *
 * The rim counts, and hands over a sum at most once a second for each terminal and reason; each is
 * one ANOMALY row, so that after-sales finds it where it finds all else. Nothing is remembered of
 * them but which end of a certificate was told: a terminal that connects for each payment shows it
 * each time, and has one row for 30, 14 and 7 days each. In this run: a restart may tell again.
 */
#pragma once

#include "switch/engine/engine_state.h"

void sighting_on_event(struct engine *engine, const struct engine_event *event);
