/* The working keys of a terminal as a record of the log carries them: a version byte, the terminal,
 * and three sealed keys (PIK, MAK, TDK). Sealed keys are bound to their names, so rows that have
 * been swapped or changed give keys that do not open. */
#pragma once

#include "hsm/hsm.h"
#include "protocols/base/bytes.h"
#include "switch/security/key_table.h"
#include "switch/security/security.h"

#define KEY_PACK_KEY_COUNT 3 /* from TERMINAL_PIK on */

struct key_pack {
    char terminal_id[KEY_TABLE_ID_BYTES + 1];
    struct hsm_key_sealed keys[KEY_PACK_KEY_COUNT]; /* algorithm 0: none */
};

/* Writes SECURITY_KEYS_BYTES. */
void key_pack_write(const struct key_pack *pack, uint8_t bytes[SECURITY_KEYS_BYTES]);
/* STATUS_MALFORMED: another length or version. */
MUST_CHECK enum status key_pack_read(struct key_pack *pack, struct byte_view bytes);
