/* Where the master key comes from: every source ends in the same 32 bytes, handed to the modules
 * once and wiped. */
#pragma once

#include <stdbool.h>

#include "hsm/hsm.h"

#define MASTER_KEY_REASON_SIZE 320

enum master_key_source { /* in the order of the option's words */
                         MASTER_KEY_TEST,
                         MASTER_KEY_FILE,              /* 64 hex digits; 0600, the user's own */
                         MASTER_KEY_SYSTEMD_CREDENTIAL /* the same, in $CREDENTIALS_DIRECTORY */
};

struct master_key_place {
    enum master_key_source source;
    const char *path; /* FILE: the file; SYSTEMD_CREDENTIAL: its last part is the name */
    enum hsm_pin_policy pin_policy;
    bool is_loopback; /* every listener and every peer is */
};

/* STATUS_DENIED: the test key outside the lab or off loopback, or a file that others may read.
 * STATUS_NOT_FOUND, STATUS_BROKEN: it cannot be read. STATUS_MALFORMED: no key in it. `reason` says
 * what to do; `key` is then wiped. */
MUST_CHECK enum status master_key_read(uint8_t key[HSM_MASTER_KEY_BYTES],
                                       const struct master_key_place *place,
                                       char reason[MASTER_KEY_REASON_SIZE]);
