/* The master key at work: seals keys into D blocks and opens them, about a microsecond each.
 *
 * Only the two derived keys live on, as key schedules inside kept contexts; the master key itself
 * is not kept. A block in memory is binary and has no header: the header follows from name and
 * kind, and its MAC covers it, so a block that stands under another name does not open.
 *
 * Life:  key_guard_begin -> seal, open ... -> key_guard_end
 */
#pragma once

#include "hsm/cmac.h"
#include "hsm/hsm.h"

struct key_guard {
    EVP_CIPHER_CTX *encrypt, *decrypt, *authenticate; /* owner; chain, blocks, chain */
    struct cmac cmac;
};

/* False: no memory; the guard is then empty. */
MUST_CHECK bool key_guard_begin(struct key_guard *guard, struct block_cipher *cipher,
                                const struct clear_key *master);
void key_guard_end(struct key_guard *guard);

/* What is wrapped, and whose it is. */
struct key_guard_item {
    const char *name;
    enum hsm_key_kind kind;
    const struct clear_key *key;
    const uint8_t
        *random; /* KEY_GUARD_RANDOM_BYTES, pads short keys to the length of the longest */
};
#define KEY_GUARD_RANDOM_BYTES ((size_t)32)

/* HSM_KEY_USAGE: the kind may not hold such a key. HSM_KEY_UNAUTHENTIC: the key is not sound. */
MUST_CHECK enum hsm_answer key_guard_seal(struct key_guard *guard,
                                          const struct key_guard_item *item,
                                          struct hsm_key_sealed *sealed);

/* HSM_KEY_UNAUTHENTIC: the MAC does not hold for this name and kind. */
MUST_CHECK enum hsm_answer key_guard_open(struct key_guard *guard, const char *name,
                                          const struct hsm_key_sealed *sealed,
                                          struct clear_key *key);

/* Reads a block of text under the master key, checks label, usage, mode and key, and seals it anew
 * in our form. HSM_KEY_UNAUTHENTIC, HSM_KEY_USAGE. */
MUST_CHECK enum hsm_answer key_guard_read(struct key_guard *guard,
                                          const struct hsm_key_record *record,
                                          enum hsm_key_kind kind, struct hsm_key_sealed *sealed);

void key_guard_write(const struct hsm_key_sealed *sealed, const char *name,
                     struct hsm_key_record *record);
