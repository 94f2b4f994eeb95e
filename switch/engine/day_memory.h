/* What a terminal has downloaded and when it last told its status, in a record and back.
 *
 * Records of sign-ons, ended downloads and status uploads carry it in `answer`, as text:
 * "ca_keys=0A1B2C3D aids=00112233 status=1764057600000000 faulty=0". The last such record of a
 * terminal tells all.
 */
#pragma once

#include "switch/engine/engine_state.h"

void day_memory_put(struct terminal_day *day, struct record *record);

/* Replay: SIGNON and STATUS. */
void day_memory_replay(struct engine *engine, const struct record *record);
