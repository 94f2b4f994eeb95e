/* See key_guard.h. */
#include "hsm/key_guard.h"

#include <string.h>

#include "hsm/key_block.h"
#include "hsm/key_kind.h"
#include "protocols/base/require.h"
#include "protocols/base/secret.h"

#define MAC_BYTES 16
#define GUARDED_BYTES_MAX 256 /* header and payload of any record, in characters and bytes */
#define TDES_PAYLOAD 32       /* bits, 24 bytes of key, padding */
#define LONG_PAYLOAD 48       /* bits, 32 bytes of key, padding */
_Static_assert(LONG_PAYLOAD == HSM_SEALED_PAYLOAD_MAX, "the longest key fits");
_Static_assert(LONG_PAYLOAD - 2 - 16 <= KEY_GUARD_RANDOM_BYTES, "there is padding enough");
_Static_assert(KEY_BLOCK_HEADER_MAX + LONG_PAYLOAD <= GUARDED_BYTES_MAX, "our blocks fit");
_Static_assert(KEY_BLOCK_HEADER_MAX + 2 * (LONG_PAYLOAD + MAC_BYTES) < HSM_KEY_BLOCK_SIZE,
               "every block of ours fits a record");

bool key_guard_begin(struct key_guard *guard, struct block_cipher *cipher,
                     const struct clear_key *master)
{
    struct key_block_keys keys;
    *guard = (struct key_guard){0};
    key_block_derive(cipher, master, 'D', &keys);
    guard->encrypt = block_cipher_kept_cbc(cipher, &keys.encipher);
    guard->decrypt = block_cipher_kept_ecb(cipher, &keys.encipher, BLOCK_CIPHER_DECRYPT);
    guard->authenticate = block_cipher_kept_cbc(cipher, &keys.authenticate);
    secret_wipe(&keys, sizeof(keys));
    if (guard->encrypt == NULL || guard->decrypt == NULL || guard->authenticate == NULL) {
        key_guard_end(guard);
        return false;
    }
    cmac_keep(&guard->cmac, guard->authenticate, MAC_BYTES);
    return true;
}

void key_guard_end(struct key_guard *guard)
{
    EVP_CIPHER_CTX_free(guard->encrypt);
    EVP_CIPHER_CTX_free(guard->decrypt);
    EVP_CIPHER_CTX_free(guard->authenticate);
    secret_wipe(guard, sizeof(*guard));
}

static uint32_t write_header(char text[KEY_BLOCK_HEADER_MAX], const char *name,
                             const struct hsm_key_sealed *sealed)
{
    struct key_block_header header = {.algorithm = (char)sealed->algorithm,
                                      .mode = key_kind_mode((enum hsm_key_kind)sealed->kind),
                                      .exportability = 'N'};
    uint32_t name_length = (uint32_t)strlen(name);
    REQUIRE(name_length > 0 && name_length < sizeof(header.label));
    memcpy(header.usage, key_kind_usage((enum hsm_key_kind)sealed->kind), sizeof(header.usage));
    memcpy(header.label, name, name_length);
    return key_block_write_header(text, &header, sealed->payload_length);
}

/* A header and the clear payload behind it, as the MAC covers them: one run, one call. */
struct guarded {
    uint8_t bytes[GUARDED_BYTES_MAX];
    uint32_t header_length;
};

static void authenticate(struct key_guard *guard, const struct guarded *guarded,
                         uint32_t payload_length, uint8_t mac[MAC_BYTES])
{
    cmac_restart(&guard->cmac);
    cmac_update(&guard->cmac, guarded->bytes, guarded->header_length + payload_length);
    cmac_final(&guard->cmac, mac);
}

enum hsm_answer key_guard_seal(struct key_guard *guard, const struct key_guard_item *item,
                               struct hsm_key_sealed *sealed)
{
    struct guarded guarded;
    const struct clear_key *key = item->key;
    if (!key_kind_may_hold(item->kind, key->algorithm, key->length)) {
        return HSM_KEY_USAGE;
    }
    if (!clear_key_is_sound(key)) {
        return HSM_KEY_UNAUTHENTIC;
    }
    *sealed = (struct hsm_key_sealed){
        .kind = (uint8_t)item->kind,
        .algorithm = (uint8_t)key_letter(key->algorithm, key->length),
        .payload_length = key->algorithm == KEY_TDES ? TDES_PAYLOAD : LONG_PAYLOAD,
    };
    guarded.header_length = write_header((char *)guarded.bytes, item->name, sealed);
    uint8_t *payload = guarded.bytes + guarded.header_length;
    uint32_t bits = (uint32_t)key->length * 8;
    payload[0] = (uint8_t)(bits >> 8);
    payload[1] = (uint8_t)bits;
    memcpy(payload + 2, key->bytes, key->length);
    memcpy(payload + 2 + key->length, item->random,
           (size_t)sealed->payload_length - 2 - key->length);
    authenticate(guard, &guarded, sealed->payload_length, sealed->mac);
    block_cipher_cbc_restart(guard->encrypt, sealed->mac);
    block_cipher_chain(guard->encrypt, payload, sealed->payload, sealed->payload_length);
    secret_wipe(&guarded, sizeof(guarded));
    return HSM_DONE;
}

/* CBC by hand over kept blocks: to begin a chain anew costs more than the four blocks of a key. */
static void decipher(struct key_guard *guard, const struct hsm_key_sealed *sealed, uint8_t *payload)
{
    block_cipher_chain(guard->decrypt, sealed->payload, payload, sealed->payload_length);
    for (uint32_t i = 0; i < sealed->payload_length; i++) {
        payload[i] ^= i < MAC_BYTES ? sealed->mac[i] : sealed->payload[i - MAC_BYTES];
    }
}

/* `guarded` holds the header. The clear payload is in no one's hands before its MAC holds. */
static enum hsm_answer open_payload(struct key_guard *guard, struct guarded *guarded,
                                    const struct hsm_key_sealed *sealed, struct clear_key *key)
{
    uint8_t mac[MAC_BYTES];
    uint8_t *payload = guarded->bytes + guarded->header_length;
    enum hsm_answer answer = HSM_KEY_UNAUTHENTIC;
    REQUIRE(guarded->header_length + sealed->payload_length <= sizeof(guarded->bytes));
    decipher(guard, sealed, payload);
    authenticate(guard, guarded, sealed->payload_length, mac);
    if (secret_compare(mac, sealed->mac, MAC_BYTES) == 0) {
        answer =
            key_block_payload_key(payload, sealed->payload_length, (char)sealed->algorithm, key);
    }
    secret_wipe(payload, sealed->payload_length);
    return answer;
}

enum hsm_answer key_guard_open(struct key_guard *guard, const char *name,
                               const struct hsm_key_sealed *sealed, struct clear_key *key)
{
    struct guarded guarded;
    if (sealed->kind >= HSM_KEY_KIND_COUNT ||
        (sealed->payload_length != TDES_PAYLOAD && sealed->payload_length != LONG_PAYLOAD)) {
        return HSM_KEY_UNAUTHENTIC;
    }
    guarded.header_length = write_header((char *)guarded.bytes, name, sealed);
    return open_payload(guard, &guarded, sealed, key);
}

/* What the header claims, once its MAC has held, against what we want it to be. */
static enum hsm_answer check_header(const struct key_block_header *header,
                                    const struct hsm_key_record *record, enum hsm_key_kind kind)
{
    if (strcmp(header->label, record->name) != 0) {
        return HSM_KEY_UNAUTHENTIC;
    }
    bool is_kind = memcmp(header->usage, key_kind_usage(kind), 2) == 0;
    return is_kind && header->mode == key_kind_mode(kind) ? HSM_DONE : HSM_KEY_USAGE;
}

/* Another maker's header may say the same in other words (key version, padding). Sealed anew it is
 * ours; the received MAC, which nobody could foresee, serves as padding. */
static enum hsm_answer seal_anew(struct key_guard *guard, struct key_guard_item item,
                                 struct hsm_key_sealed *sealed)
{
    uint8_t padding[KEY_GUARD_RANDOM_BYTES];
    memcpy(padding, sealed->mac, MAC_BYTES);
    memcpy(padding + MAC_BYTES, sealed->mac, MAC_BYTES);
    item.random = padding;
    return key_guard_seal(guard, &item, sealed);
}

enum hsm_answer key_guard_read(struct key_guard *guard, const struct hsm_key_record *record,
                               enum hsm_key_kind kind, struct hsm_key_sealed *sealed)
{
    struct key_block_parts parts;
    struct guarded guarded;
    struct clear_key key = {.length = 0};
    uint32_t length = (uint32_t)strnlen(record->block, sizeof(record->block));
    REQUIRE((unsigned)kind < HSM_KEY_KIND_COUNT);
    enum hsm_answer answer =
        key_block_parse(&parts, (struct byte_view){(const uint8_t *)record->block, length});
    if (answer != HSM_DONE) {
        return answer;
    }
    if (parts.header.version != 'D' || parts.payload_length > HSM_SEALED_PAYLOAD_MAX ||
        parts.text.length + parts.payload_length > sizeof(guarded.bytes)) {
        return HSM_KEY_UNAUTHENTIC;
    }
    guarded.header_length = parts.text.length;
    memcpy(guarded.bytes, parts.text.bytes, parts.text.length);
    *sealed = (struct hsm_key_sealed){.kind = (uint8_t)kind,
                                      .algorithm = (uint8_t)parts.header.algorithm,
                                      .payload_length = (uint8_t)parts.payload_length};
    memcpy(sealed->mac, parts.mac, sizeof(sealed->mac));
    memcpy(sealed->payload, parts.payload, parts.payload_length);
    answer = open_payload(guard, &guarded, sealed, &key);
    if (answer == HSM_DONE) {
        answer = check_header(&parts.header, record, kind);
    }
    if (answer == HSM_DONE) {
        answer = seal_anew(guard, (struct key_guard_item){record->name, kind, &key, NULL}, sealed);
    }
    clear_key_wipe(&key);
    return answer;
}

void key_guard_write(const struct hsm_key_sealed *sealed, const char *name,
                     struct hsm_key_record *record)
{
    REQUIRE(sealed->algorithm != 0);
    *record = (struct hsm_key_record){.name = ""};
    uint32_t length = write_header(record->block, name, sealed);
    bytes_to_hex(record->block + length, sealed->payload, sealed->payload_length);
    length += 2 * (uint32_t)sealed->payload_length;
    bytes_to_hex(record->block + length, sealed->mac, MAC_BYTES);
    memcpy(record->name, name, strlen(name) + 1);
}
