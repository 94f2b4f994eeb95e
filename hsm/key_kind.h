/* What each kind of key is in a key block, and which keys it may hold. One table, asked before
 * every use: one key, one purpose. */
#pragma once

#include <stdbool.h>

#include "hsm/clear_key.h"
#include "hsm/hsm.h"

/* X(kind, name in files, usage, mode of use, fewest bytes of a TDES key, of an AES key, of an HMAC
 * key; 0: such a key is not of this kind). Single-length PIN keys come from sign-on 60.3 = 001
 * alone and serve, as every PIN key of the soft module, the lab. */
#define KEY_KIND_MAP(X)                                                                            \
    X(TERMINAL_MASTER, "terminal_master", "K0", 'B', 16, 0, 0)                                     \
    X(ZONE_MASTER, "zone_master", "K0", 'B', 16, 0, 0)                                             \
    X(PIN_IN, "pin_in", "P0", 'D', 8, 16, 0)                                                       \
    X(PIN_OUT, "pin_out", "P0", 'E', 16, 16, 0)                                                    \
    X(MAC, "mac", "M1", 'C', 8, 0, 0)                                                              \
    X(MAC_3, "mac_3", "M3", 'C', 16, 0, 0)                                                         \
    X(TRACK, "track", "D0", 'B', 16, 0, 0)                                                         \
    X(DATA, "data", "D0", 'B', 0, 32, 0)                                                           \
    X(HASH, "hash", "M7", 'C', 0, 0, 16)                                                           \
    X(CMAC, "cmac", "M6", 'C', 16, 16, 0)

const char *key_kind_usage(enum hsm_key_kind kind);
char key_kind_mode(enum hsm_key_kind kind);
bool key_kind_is_pin(enum hsm_key_kind kind);

/* Whether a key of this algorithm and length may be of this kind. */
bool key_kind_may_hold(enum hsm_key_kind kind, enum key_algorithm algorithm, uint32_t length);

/* The letter of a key in a block's header: D for single DES, T, A, H. */
char key_letter(enum key_algorithm algorithm, uint32_t length);
/* False: a letter that is none of the four. */
bool key_letter_algorithm(char letter, enum key_algorithm *algorithm);
