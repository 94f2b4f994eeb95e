/* See mac.h.
 *
 * The CBC rules run under single DES, which is EDE under one key throughout: three times the work
 * of DES, but the default provider has it. Blocks go through one call of the chain each run.
 */
#include "hsm/mac.h"

#include <string.h>

#include "protocols/base/require.h"
#include "protocols/base/secret.h"

#define RUN_BYTES 256
_Static_assert(RUN_BYTES % MAC_BLOCK_BYTES == 0, "runs end on a block");

/* Step 2 of the UnionPay rule; the last block counts as padded with zeros. */
static void xor_blocks(struct byte_view bytes, uint8_t block[MAC_BLOCK_BYTES])
{
    uint64_t sum = 0;
    uint32_t whole = bytes.length / MAC_BLOCK_BYTES * MAC_BLOCK_BYTES;
    for (uint32_t at = 0; at < whole; at += MAC_BLOCK_BYTES) {
        uint64_t part;
        memcpy(&part, bytes.bytes + at, sizeof(part));
        sum ^= part;
    }
    memcpy(block, &sum, sizeof(sum));
    for (uint32_t i = whole; i < bytes.length; i++) {
        block[i - whole] ^= bytes.bytes[i];
    }
}

void mac_unionpay_ecb(struct block_cipher *cipher, const struct clear_key *key,
                      struct byte_view bytes, uint8_t mac[MAC_UNIONPAY_CHARACTERS])
{
    static const uint8_t zeros[MAC_BLOCK_BYTES];
    uint8_t block[MAC_BLOCK_BYTES];
    char text[2 * MAC_BLOCK_BYTES + 1];
    uint8_t chained[2 * MAC_BLOCK_BYTES];
    REQUIRE(key->algorithm == KEY_TDES);
    xor_blocks(bytes, block);
    bytes_to_hex(text, block, sizeof(block));
    /* E(E(L) ^ R) is a CBC chain of two blocks from zero. */
    EVP_CIPHER_CTX *chain = block_cipher_cbc(cipher, key, BLOCK_CIPHER_ENCRYPT, zeros);
    block_cipher_chain(chain, (const uint8_t *)text, chained, sizeof(chained));
    bytes_to_hex(text, chained + MAC_BLOCK_BYTES, MAC_UNIONPAY_CHARACTERS / 2);
    memcpy(mac, text, MAC_UNIONPAY_CHARACTERS);
}

void mac_xor_tdes(struct block_cipher *cipher, const struct clear_key *key, struct byte_view bytes,
                  uint8_t mac[MAC_BLOCK_BYTES])
{
    REQUIRE(key->algorithm == KEY_TDES);
    xor_blocks(bytes, mac);
    block_cipher_ecb(cipher, key, BLOCK_CIPHER_ENCRYPT, mac, MAC_BLOCK_BYTES);
}

/* The chaining value after all whole blocks. */
static void chain_whole(EVP_CIPHER_CTX *chain, struct byte_view bytes, uint8_t *value)
{
    uint8_t out[RUN_BYTES];
    uint32_t left = bytes.length / MAC_BLOCK_BYTES * MAC_BLOCK_BYTES;
    const uint8_t *from = bytes.bytes;
    while (left > 0) {
        uint32_t part = left < RUN_BYTES ? left : RUN_BYTES;
        block_cipher_chain(chain, from, out, part);
        memcpy(value, out + part - MAC_BLOCK_BYTES, MAC_BLOCK_BYTES);
        from += part;
        left -= part;
    }
}

/* Padding 3 puts a block with the length in bits in front. */
static void chain_length(EVP_CIPHER_CTX *chain, uint32_t length, uint8_t *value)
{
    uint8_t block[MAC_BLOCK_BYTES];
    struct byte_writer writer;
    byte_writer_init(&writer, block, sizeof(block));
    byte_writer_u64(&writer, (uint64_t)length * 8);
    block_cipher_chain(chain, block, value, MAC_BLOCK_BYTES);
}

/* The CBC-MAC of padded bytes under `key`. */
static void chain_all(struct block_cipher *cipher, const struct clear_key *key,
                      enum mac_padding padding, struct byte_view bytes,
                      uint8_t value[MAC_BLOCK_BYTES])
{
    static const uint8_t zeros[MAC_BLOCK_BYTES];
    EVP_CIPHER_CTX *chain = block_cipher_cbc(cipher, key, BLOCK_CIPHER_ENCRYPT, zeros);
    uint32_t rest = bytes.length % MAC_BLOCK_BYTES;
    if (padding == MAC_PADDING_3) {
        chain_length(chain, bytes.length, value);
    }
    chain_whole(chain, bytes, value);
    if (rest > 0 || padding == MAC_PADDING_2 || bytes.length == 0) {
        uint8_t last[MAC_BLOCK_BYTES] = {0};
        if (rest > 0) {
            memcpy(last, bytes.bytes + bytes.length - rest, rest);
        }
        last[rest] = padding == MAC_PADDING_2 ? 0x80 : 0; /* rest < 8 */
        block_cipher_chain(chain, last, value, MAC_BLOCK_BYTES);
    }
}

void mac_algorithm_1(struct block_cipher *cipher, const struct clear_key *key,
                     enum mac_padding padding, struct byte_view bytes, uint8_t mac[MAC_BLOCK_BYTES])
{
    REQUIRE(key->algorithm == KEY_TDES);
    chain_all(cipher, key, padding, bytes, mac);
}

void mac_algorithm_3(struct block_cipher *cipher, const struct clear_key *key,
                     enum mac_padding padding, struct byte_view bytes, uint8_t mac[MAC_BLOCK_BYTES])
{
    REQUIRE(key->algorithm == KEY_TDES);
    REQUIRE(key->length >= 16);
    struct clear_key part;
    clear_key_set(&part, KEY_TDES, (struct byte_view){key->bytes, 8});
    chain_all(cipher, &part, padding, bytes, mac);
    /* The chain ended in E(K1, .); D(K1) then EDE of the whole key is D(K2), then the last part. */
    block_cipher_ecb(cipher, &part, BLOCK_CIPHER_DECRYPT, mac, MAC_BLOCK_BYTES);
    block_cipher_ecb(cipher, key, BLOCK_CIPHER_ENCRYPT, mac, MAC_BLOCK_BYTES);
    clear_key_wipe(&part);
}
