/* The calls that try, propose and activate versions of the rules: the switch decides. */
#pragma once

#include "switch/admin/call.h"

#define VERSION_NOTE_SIZE 800 /* of each rule file its name and two SHA-256 */

void version_call_serve(const struct call *call, struct answer *answer);
/* What an audit line should hold before the effect: hashes of what is proposed, comes in force
 * or is gone back to. NULL: nothing, or another call. */
const char *version_call_note(const struct call *call, char note[VERSION_NOTE_SIZE]);
