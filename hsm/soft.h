/* Inside the soft module: what its files share. Nobody outside hsm/ includes this.
 *
 * Every operation looks the same: find the key, ask whether its kind serves, open it, use it once,
 * wipe it. No clear key outlives a call; an open costs about a microsecond.
 */
#pragma once

#include "hsm/block_cipher.h"
#include "hsm/hsm.h"
#include "hsm/key_guard.h"
#include "hsm/key_slots.h"

struct hsm {
    struct block_cipher *cipher; /* owner */
    struct key_slots *slots;     /* owner */
    struct key_guard guard;
    enum hsm_pin_policy pin_policy;
    bool is_test_master_key;
};

/* A set of key kinds in one word. */
#define SOFT_KINDS(kind) (1U << (kind))
_Static_assert(HSM_KEY_KIND_COUNT <= 32, "a set of kinds is one word");

/* Software is no secure device: it serves PINs in the lab only, whatever the operator hoped. */
bool soft_serves_pins(const struct hsm *hsm);

/* 1 to 31 printable characters. */
bool soft_name_is_usable(const char *name);

/* Opens the key for one use, once its kind has been found among those that serve.
 * HSM_KEY_UNAUTHENTIC: no such key, an old handle, or a block that does not hold. HSM_KEY_USAGE. */
MUST_CHECK enum hsm_answer soft_open_key(struct hsm *hsm, struct hsm_key_handle handle,
                                         uint32_t kinds, struct clear_key *key);

/* Seals and writes a key as text. Fails as key_guard_seal. */
MUST_CHECK enum hsm_answer soft_wrap(struct hsm *hsm, const struct key_guard_item *item,
                                     struct hsm_key_record *record);
