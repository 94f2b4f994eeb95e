/* Message authentication codes by their rules; the key is in the clear, so this is for hsm/ and for
 * the fleets of the load tester. */
#pragma once

#include "hsm/block_cipher.h"

#define MAC_BLOCK_BYTES 8
#define MAC_UNIONPAY_CHARACTERS 8

enum mac_padding {                    /* ISO/IEC 9797-1 6.3 */
                   MAC_PADDING_1 = 1, /* zeros to a full block, none if full */
                   MAC_PADDING_2,     /* 80, then zeros */
                   MAC_PADDING_3      /* the bit length in front, then as 1 */
};

/* UnionPay ECB: the exclusive or of all blocks, written as 16 hex characters, ciphered as two
 * chained blocks; the first 8 hex characters of the result, as they stand in field 64. The key has
 * 8 or 16 bytes. */
void mac_unionpay_ecb(struct block_cipher *cipher, const struct clear_key *key,
                      struct byte_view bytes, uint8_t mac[MAC_UNIONPAY_CHARACTERS]);

/* The exclusive or of all blocks, ciphered once: 8 raw bytes. */
void mac_xor_tdes(struct block_cipher *cipher, const struct clear_key *key, struct byte_view bytes,
                  uint8_t mac[MAC_BLOCK_BYTES]);

/* ISO/IEC 9797-1 algorithm 1 (CBC-MAC); X9.9 with an 8-byte key and padding 1. */
void mac_algorithm_1(struct block_cipher *cipher, const struct clear_key *key,
                     enum mac_padding padding, struct byte_view bytes,
                     uint8_t mac[MAC_BLOCK_BYTES]);

/* ISO/IEC 9797-1 algorithm 3; X9.19 with padding 1. Two parts, or three: then the last block is
 * E(K3, D(K2, E(K1, .))). */
void mac_algorithm_3(struct block_cipher *cipher, const struct clear_key *key,
                     enum mac_padding padding, struct byte_view bytes,
                     uint8_t mac[MAC_BLOCK_BYTES]);
