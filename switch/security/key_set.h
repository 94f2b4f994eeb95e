/* The rows of a key file on their way into force.
 *
 * To check and seal a key costs a cipher's work, and a file has as many as there are terminals: so
 * it is done by a thread that nobody waits for, with a module of its own, against keys that go on
 * being used. What is left for the engine's thread is to copy those that are new or changed.
 *
 * Only one set may be read at a time, and none of its calls may run while another changes keys of
 * terminals' files or enrols anybody: sign-ons and banks' exchanges may go on.
 *
 * Life:  key_set_create -> key_set_add ... -> key_set_settle -> key_set_apply (or not, and nothing
 * has changed) -> key_set_take_back, where what came with the keys has failed -> key_set_destroy
 */
#pragma once

#include "switch/security/security.h"

struct key_set;

struct key_set *key_set_create(struct security *security); /* borrowed; NULL: no memory */
void key_set_destroy(struct key_set *set);

/* One row of keys.csv. Of rows of one name the last counts. */
struct security_key_row {
    const char *name, *kind, *block; /* kind: hsm_key_kind_name() */
    uint32_t line;                   /* for faults that show only when all rows are there */
};
/* STATUS_BAD_VALUE: no such name or kind, or the two do not go together. STATUS_DENIED: the block
 * does not hold, says another use, or the PIN policy forbids it; or it is another own:pan key than
 * the one in force. STATUS_NO_MEMORY. `reason` says it in words, without key material; the set is
 * as it was. */
MUST_CHECK enum status key_set_add(struct key_set *set, const struct security_key_row *row,
                                   char reason[SECURITY_REASON_SIZE]);

/* All rows are there: leaves out what would change nothing. STATUS_NO_ROOM: `reason` names the
 * first key whose holder finds no place, *line is its row's. */
MUST_CHECK enum status key_set_settle(struct key_set *set, uint32_t *line,
                                      char reason[SECURITY_REASON_SIZE]);

/* Of a settled set: how many keys are new, changed, or a channel's (whether that one has been
 * exchanged is for the engine's thread to see). */
uint32_t key_set_count(const struct key_set *set);
/* Whether this terminal has a master key once the set is in force. */
bool key_set_has_terminal(const struct key_set *set, const char *terminal_id);

/* The engine's thread; of a settled set. Puts the keys in force: a reader sees a key or the one
 * before, never a mixture. But working keys that a sign-on has installed are younger than any file,
 * and stay; so do those that a bank has sent, as long as the file's own stays what it was
 * (key_exchange.h). Cannot fail. The set keeps what it replaced. */
void key_set_apply(struct key_set *set);

/* The engine's thread, in the same turn: of an applied set, puts back what was in force before, and
 * takes away what was new. Whoever has been enrolled keeps the place, without a key. */
void key_set_take_back(struct key_set *set);
