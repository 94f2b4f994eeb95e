/* See pan_vault.h. */
#include "hsm/pan_vault.h"

#include <string.h>

#include "protocols/base/require.h"

#define TAG_BYTES 16
_Static_assert(PAN_VAULT_NONCE_BYTES + PAN_DIGITS_MAX + TAG_BYTES <= PAN_SEALED_BYTES_MAX,
               "the longest card number fits");

static const uint8_t PURPOSE[] = "tillway pan";

void pan_vault_seal(struct block_cipher *cipher, const struct clear_key *key, const struct pan *pan,
                    const uint8_t nonce[PAN_VAULT_NONCE_BYTES], struct pan_sealed *sealed)
{
    REQUIRE(pan->digit_count <= PAN_DIGITS_MAX);
    uint8_t *digits = sealed->bytes + PAN_VAULT_NONCE_BYTES;
    memcpy(sealed->bytes, nonce, PAN_VAULT_NONCE_BYTES);
    memcpy(digits, pan->digits, pan->digit_count);
    const struct block_cipher_gcm gcm = {.key = key,
                                         .nonce = nonce,
                                         .associated = {PURPOSE, sizeof(PURPOSE)},
                                         .tag = digits + pan->digit_count};
    REQUIRE(block_cipher_gcm(cipher, &gcm, BLOCK_CIPHER_ENCRYPT, digits, pan->digit_count));
    sealed->length = (uint8_t)(PAN_VAULT_NONCE_BYTES + pan->digit_count + TAG_BYTES);
}

bool pan_vault_open(struct block_cipher *cipher, const struct clear_key *key,
                    const struct pan_sealed *sealed, struct pan *pan)
{
    uint8_t digits[PAN_DIGITS_MAX];
    uint8_t tag[TAG_BYTES];
    const uint32_t around = PAN_VAULT_NONCE_BYTES + TAG_BYTES;
    if (sealed->length <= around || sealed->length > around + PAN_DIGITS_MAX) {
        return false;
    }
    uint32_t count = sealed->length - around;
    memcpy(digits, sealed->bytes + PAN_VAULT_NONCE_BYTES, count);
    memcpy(tag, sealed->bytes + PAN_VAULT_NONCE_BYTES + count, TAG_BYTES);
    const struct block_cipher_gcm gcm = {
        .key = key, .nonce = sealed->bytes, .associated = {PURPOSE, sizeof(PURPOSE)}, .tag = tag};
    if (!block_cipher_gcm(cipher, &gcm, BLOCK_CIPHER_DECRYPT, digits, count)) {
        return false;
    }
    enum status status = pan_parse(pan, (const char *)digits, count);
    secret_wipe(digits, sizeof(digits));
    return status == STATUS_OK;
}

bool pan_vault_hash(struct block_cipher *cipher, const struct clear_key *key, const struct pan *pan,
                    struct pan_hash *hash)
{
    uint8_t mac[32] = {0};
    struct byte_view digits = {(const uint8_t *)pan->digits, pan->digit_count};
    bool is_done = block_cipher_hmac(cipher, key, digits, mac);
    memcpy(hash->bytes, mac, sizeof(hash->bytes));
    return is_done;
}
