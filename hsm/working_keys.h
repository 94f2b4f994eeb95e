/* Working keys for a terminal's sign-on, as they travel in field 62 under its master key
 * (unionpay-pos section 14), and the trap of the zero-padded MAK. */
#pragma once

#include "hsm/block_cipher.h"

#define WORKING_KEY_KCV_BYTES 4 /* one more than X9.24 shows: the dialect's rule */
#define WORKING_KEY_ENTRY_MAX (16 + WORKING_KEY_KCV_BYTES)

/* Writes a key as field 62 has it: 8 or 16 bytes under the TMK in ECB, 4 of its check value. With
 * `is_padded` an 8-byte key takes 16 bytes, eight literal zeros behind its ciphertext, and its
 * check value stays that of single DES. */
void working_keys_put(struct block_cipher *cipher, const struct clear_key *tmk,
                      const struct clear_key *key, bool is_padded, struct byte_writer *writer);

/* Opens a TDES key enciphered under a master key in ECB. 16 bytes whose second half is all zero
 * hold an 8-byte key where `may_be_padded`. False: a length no key has. */
MUST_CHECK bool working_keys_take(struct block_cipher *cipher, const struct clear_key *master,
                                  struct byte_view enciphered, bool may_be_padded,
                                  struct clear_key *key);
