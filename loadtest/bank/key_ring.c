/* See key_ring.h. */
#include "loadtest/bank/key_ring.h"

#include <string.h>
#include <unistd.h>

#include <openssl/rand.h>

#include "loadtest/key_file.h"
#include "protocols/base/bytes.h"
#include "protocols/base/require.h"

#define CHECK_BYTES 4
#define KEY_BYTES 16

static const struct {
    const char *pin, *mac;
} NAMES[KEY_AGE_COUNT] = {
    [KEY_IN_FORCE] = {"zpk", "zak"},
    [KEY_BEFORE] = {"zpk_before", "zak_before"},
    [KEY_OFFERED] = {"zpk_offered", "zak_offered"},
};

/* A line that may be absent. */
static void read_optional(const char *path, const char *name, struct tdes_key *key)
{
    FILE *nowhere = fopen("/dev/null", "w");
    REQUIRE(nowhere != NULL);
    if (key_file_read(path, name, key, nowhere) != STATUS_OK) {
        key->length = 0;
    }
    fclose(nowhere);
}

enum status key_ring_load(struct key_ring *ring, const char *keys, const char *ledger, FILE *faults)
{
    memset(ring, 0, sizeof *ring);
    int length = snprintf(ring->path, sizeof ring->path, "%s.keys", ledger);
    if (length < 0 || length >= (int)sizeof ring->path) {
        fprintf(faults, "--ledger: a shorter path is expected\n");
        return STATUS_NO_ROOM;
    }
    read_optional(keys, "zmk", &ring->zmk);
    const char *path = access(ring->path, R_OK) == 0 ? ring->path : keys;
    enum status status = key_file_read(path, "zpk", &ring->pin[KEY_IN_FORCE], faults);
    if (status == STATUS_OK) {
        status = key_file_read(path, "zak", &ring->mac[KEY_IN_FORCE], faults);
    }
    for (int age = KEY_BEFORE; age < KEY_AGE_COUNT; age++) {
        read_optional(path, NAMES[age].pin, &ring->pin[age]);
        read_optional(path, NAMES[age].mac, &ring->mac[age]);
    }
    return status;
}

/* The name stands for the old file or the new one, however the bank ends. */
static enum status ring_save(const struct key_ring *ring)
{
    char fresh[sizeof ring->path + 8];
    snprintf(fresh, sizeof fresh, "%s.new", ring->path);
    FILE *file = fopen(fresh, "w");
    if (file == NULL) {
        return STATUS_BROKEN;
    }
    for (int age = 0; age < KEY_AGE_COUNT; age++) {
        if (ring->pin[age].length > 0) {
            key_file_put(file, NAMES[age].pin, &ring->pin[age]);
            key_file_put(file, NAMES[age].mac, &ring->mac[age]);
        }
    }
    int failed = ferror(file);
    failed = fclose(file) != 0 || failed;
    return failed || rename(fresh, ring->path) != 0 ? STATUS_BROKEN : STATUS_OK;
}

static void key_draw(struct tdes_key *key)
{
    key->length = KEY_BYTES;
    REQUIRE(RAND_bytes(key->bytes, KEY_BYTES) == 1);
    for (unsigned i = 0; i < KEY_BYTES; i++) {
        unsigned odd = 1U ^ ((unsigned)__builtin_popcount(key->bytes[i] & 0xFEU) & 1U);
        key->bytes[i] = (uint8_t)((key->bytes[i] & 0xFEU) | odd);
    }
}

/* "ZPK40" and 32 digits of the key under the zone master key, 8 of its check value. */
static uint32_t entry_put(const struct key_ring *ring, struct tdes *tdes, const char *name,
                          const struct tdes_key *key, char *text)
{
    uint8_t bytes[KEY_BYTES + CHECK_BYTES];
    char hex[2 * sizeof bytes + 1];
    tdes_encrypt(tdes, &ring->zmk, (struct byte_view){key->bytes, KEY_BYTES}, bytes);
    tdes_check_value(tdes, key, bytes + KEY_BYTES);
    bytes_to_hex(hex, bytes, sizeof bytes);
    int length = snprintf(text, KEY_RING_FIELD_SIZE / 2, "%s%02u%s", name,
                          (unsigned)(2 * sizeof bytes), hex);
    REQUIRE(length > 0 && length < KEY_RING_FIELD_SIZE / 2);
    return (uint32_t)length;
}

enum status key_ring_offer(struct key_ring *ring, struct tdes *tdes,
                           char field[KEY_RING_FIELD_SIZE])
{
    if (ring->zmk.length == 0) {
        return STATUS_UNSUPPORTED;
    }
    if (ring->mac[KEY_OFFERED].length == 0) {
        key_draw(&ring->pin[KEY_OFFERED]);
        key_draw(&ring->mac[KEY_OFFERED]);
        if (ring_save(ring) != STATUS_OK) {
            return STATUS_BROKEN;
        }
    }
    uint32_t length = entry_put(ring, tdes, "ZPK", &ring->pin[KEY_OFFERED], field);
    (void)entry_put(ring, tdes, "ZAK", &ring->mac[KEY_OFFERED], field + length);
    return STATUS_OK;
}

enum status key_ring_confirm(struct key_ring *ring)
{
    if (ring->mac[KEY_OFFERED].length == 0) {
        return STATUS_OK;
    }
    ring->pin[KEY_BEFORE] = ring->pin[KEY_IN_FORCE];
    ring->mac[KEY_BEFORE] = ring->mac[KEY_IN_FORCE];
    ring->pin[KEY_IN_FORCE] = ring->pin[KEY_OFFERED];
    ring->mac[KEY_IN_FORCE] = ring->mac[KEY_OFFERED];
    ring->pin[KEY_OFFERED].length = ring->mac[KEY_OFFERED].length = 0;
    return ring_save(ring);
}
