/* The names of keys: who holds one and which of his it is, from the name and back. */
#pragma once

#include "switch/security/key_table.h"

enum key_owner { KEY_OF_TERMINAL, KEY_OF_CHANNEL, KEY_OF_OURS };

struct key_name {
    enum key_owner owner;
    char holder[KEY_TABLE_CHANNEL_NAME_SIZE]; /* terminal id or channel name; empty for ours */
    uint32_t which;                           /* enum terminal_key, channel_key or own_key */
};

/* STATUS_BAD_VALUE: no name of the scheme. */
MUST_CHECK enum status key_name_parse(struct key_name *name, const char *text);
void key_name_format(char text[HSM_KEY_NAME_SIZE], const struct key_name *name);
/* Whether a key of this kind may stand under that name. */
bool key_name_may_be(const struct key_name *name, enum hsm_key_kind kind);
