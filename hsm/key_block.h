/* TR-31 / ANSI X9.143 key blocks: a key that says what it is for, under a block protection key.
 *
 * Versions A to D are read, D is written. Nothing of a payload, not even its length, shows before
 * the block's MAC holds.
 */
#pragma once

#include "hsm/block_cipher.h"
#include "hsm/hsm.h"

#define KEY_BLOCK_TEXT_MAX 2048
#define KEY_BLOCK_HEADER_CHARACTERS 16
#define KEY_BLOCK_PAYLOAD_MAX 256
#define KEY_BLOCK_OPTIONAL_COUNT_MAX 16

struct key_block_header {
    char version; /* A, B, C, D */
    char usage[3];
    char algorithm; /* A, T, D, H … */
    char mode;
    char exportability;
    char label[HSM_KEY_NAME_SIZE]; /* of the LB block; empty: none */
};

/* A block taken apart, before anything is checked that needs a key. */
struct key_block_parts {
    struct key_block_header header;
    struct byte_view text; /* header and optional blocks, as they stand; borrowed */
    uint32_t payload_length, mac_length;
    uint8_t payload[KEY_BLOCK_PAYLOAD_MAX]; /* enciphered */
    uint8_t mac[16];
};

/* Length field against the real length, version, header, optional blocks, hex.
 * HSM_KEY_UNAUTHENTIC: it is no such block. */
MUST_CHECK enum hsm_answer key_block_parse(struct key_block_parts *parts, struct byte_view text);

/* Takes a whole block apart, checks its MAC in constant time, and gives header and key.
 * HSM_KEY_UNAUTHENTIC: form or MAC, or a key length its algorithm has not. HSM_KEY_USAGE: a key of
 * an algorithm that is not served, or a protection key that does not fit the version. */
MUST_CHECK enum hsm_answer key_block_unwrap(struct block_cipher *cipher,
                                            const struct clear_key *kbpk, struct byte_view text,
                                            struct key_block_header *header, struct clear_key *key);

/* The key in a clear payload whose MAC has been checked: bits, key, padding. */
MUST_CHECK enum hsm_answer key_block_payload_key(const uint8_t *payload, uint32_t payload_length,
                                                 char algorithm, struct clear_key *key);

/* The keys that encipher and authenticate under a block protection key: by CMAC derivation (B, D)
 * or as variants (A, C). */
struct key_block_keys {
    struct clear_key encipher, authenticate;
};
void key_block_derive(struct block_cipher *cipher, const struct clear_key *kbpk, char version,
                      struct key_block_keys *keys);

/* The header as we write it: version D, no key version, LB with the label (when there is one), PB
 * up to a whole cipher block. Answers its characters; `payload_length` counts into the length. */
#define KEY_BLOCK_HEADER_MAX (16 + 4 + HSM_KEY_NAME_SIZE + 20)
uint32_t key_block_write_header(char text[KEY_BLOCK_HEADER_MAX],
                                const struct key_block_header *header, uint32_t payload_length);
