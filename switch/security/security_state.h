/* What security.c, its units' calls and key sets share. Nobody else includes this. */
#pragma once

#include "switch/security/key_table.h"
#include "switch/security/security.h"

struct security_unit {
    struct security *security; /* borrowed */
    struct hsm *hsm;           /* owner; this thread's alone */
    uint8_t nonce_prefix[8];   /* drawn at start and when the counter is used up */
    uint32_t nonce_counter;
    struct security_counts counts;
};

struct security {
    struct key_table *keys; /* owner */
    enum hsm_mac_algorithm terminal_mac;
    bool is_mak_single;
    struct hsm *reader; /* owner; of the one thread that reads a key set */
    uint16_t unit_count;
    struct security_unit units[SECURITY_UNIT_COUNT_MAX];
};

struct key_name;
struct security_key_row;

/* A row checked and sealed by a module of this thread's; fails as key_set_add. */
MUST_CHECK enum status security_seal_row(struct hsm *hsm, const struct security_key_row *row,
                                         struct key_name *name, struct hsm_key_sealed *sealed,
                                         char reason[SECURITY_REASON_SIZE]);
/* Any thread: whether it is a working key of a terminal that has signed on, so that no file's
 * replaces it any more. */
bool security_has_newer_key(const struct security *security, const struct key_name *name);
