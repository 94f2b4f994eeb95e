/* Key bits in the clear, for the length of one call. Nothing outside hsm/ holds one (I34); the
 * fleets that tests and the load tester make are the one exception, and their keys are test keys.
 *
 * Life:  clear_key_set or an unwrap -> one use -> clear_key_wipe
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "protocols/base/bytes.h"

#define CLEAR_KEY_BYTES_MAX 32

enum key_algorithm { KEY_TDES /* 8, 16 or 24 bytes */, KEY_AES, KEY_HMAC };

struct clear_key {
    enum key_algorithm algorithm;
    uint8_t length; /* bytes */
    uint8_t bytes[CLEAR_KEY_BYTES_MAX];
};

/* Copies; REQUIREs a length that the algorithm has. Lengths from outside are asked first. */
void clear_key_set(struct clear_key *key, enum key_algorithm algorithm, struct byte_view bytes);
void clear_key_wipe(struct clear_key *key);

/* TDES 8, 16, 24; AES 16, 24, 32; HMAC 16 to 32. */
bool clear_key_may_have_length(enum key_algorithm algorithm, uint32_t length);

/* What import and load ask of a TDES key: odd parity in every byte, no weak or semi-weak part
 * (NIST SP 800-67 3.4), neighbouring parts that differ. Keys of other algorithms are always sound.
 * Primitives do not ask: published vectors hold such keys. */
bool clear_key_is_sound(const struct clear_key *key);

/* Makes every byte's parity odd by its lowest bit. */
void clear_key_set_parity(struct clear_key *key);
