/* What the rim saw of a terminal that never became a request: messages with a wrong MAC, bytes that
 * are no message, handshakes that failed.
 *
 * The rim counts, and hands over a sum at most once a second for each terminal and reason; each is
 * one ANOMALY row, so that after-sales finds it where it finds all else. No state changes.
 */
#pragma once

#include "switch/engine/engine_state.h"

void sighting_on_event(struct engine *engine, const struct engine_event *event);
