/* See wallet_keys.h. */
#include "protocols/wallet/wallet_keys.h"

#include <string.h>

#include "protocols/base/require.h"

static uint32_t place_of(const struct wallet_keys *keys, const char *serial)
{
    uint32_t i = 0;
    while (i < keys->count && strcmp(keys->certificates[i].serial, serial) != 0) {
        i++;
    }
    return i;
}

EVP_PKEY *wallet_keys_find(const struct wallet_keys *keys, const char *serial)
{
    uint32_t place = place_of(keys, serial);
    return place == keys->count ? NULL : keys->certificates[place].key;
}

static uint32_t first_to_end(const struct wallet_keys *keys)
{
    uint32_t first = 0;
    for (uint32_t i = 1; i < keys->count; i++) {
        if (keys->certificates[i].not_after_s < keys->certificates[first].not_after_s) {
            first = i;
        }
    }
    return first;
}

bool wallet_keys_put(struct wallet_keys *keys, const struct wallet_certificate *certificate)
{
    REQUIRE(certificate->key != NULL);
    uint32_t place = place_of(keys, certificate->serial);
    bool is_new = place == keys->count;
    if (is_new && keys->count == WALLET_KEY_COUNT_MAX) {
        place = first_to_end(keys);
    }
    if (place < keys->count) {
        EVP_PKEY_free(keys->certificates[place].key);
    } else {
        keys->count++;
    }
    keys->certificates[place] = *certificate;
    return is_new;
}

enum status wallet_keys_read(struct wallet_keys *keys, struct byte_view pem, uint32_t *count)
{
    *count = 0;
    for (;;) {
        struct wallet_certificate certificate;
        uint32_t consumed = 0;
        enum status status = wallet_certificate_read(&certificate, pem, &consumed);
        if (status != STATUS_OK) {
            return status == STATUS_MISSING && *count > 0 ? STATUS_OK : status;
        }
        wallet_keys_put(keys, &certificate);
        (*count)++;
        pem.bytes += consumed;
        pem.length -= consumed;
    }
}

void wallet_keys_clear(struct wallet_keys *keys)
{
    for (uint32_t i = 0; i < keys->count; i++) {
        EVP_PKEY_free(keys->certificates[i].key);
    }
    memset(keys, 0, sizeof(*keys));
}
