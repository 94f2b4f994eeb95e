/* Everything is SHA-256 of seed and name: no table is kept, and two programs that were given the
 * same seed agree on every key. */
#include "loadtest/fleet.h"

#include <stdio.h>
#include <string.h>

#include <jansson.h>
#include <openssl/evp.h>

#include "protocols/base/digits.h"
#include "protocols/base/require.h"

#define FIRST_TERMINAL 10000000U

/* Categories of ISO 18245 that a Chinese acquirer sees daily; the switch prices by class and plan.
 */
static const char *const CATEGORIES[] = {"5411", "5812", "5311", "5541", "5912", "7011"};
#define CATEGORY_COUNT (sizeof CATEGORIES / sizeof CATEGORIES[0])

void fleet_terminal_id(uint32_t terminal, char id[9])
{
    REQUIRE(terminal < FLEET_TERMINAL_COUNT_MAX);
    digits_format(id, FIRST_TERMINAL + terminal, 8);
    id[8] = '\0';
}

const char *fleet_merchant_mcc(uint32_t merchant)
{
    return CATEGORIES[merchant % CATEGORY_COUNT];
}

void fleet_merchant_id(uint32_t merchant, char id[16])
{
    REQUIRE(merchant < FLEET_MERCHANT_COUNT_MAX);
    /* The serial number has four digits; regions take the rest. */
    int length = snprintf(id, 16, "898%04u%s%04u", 2900 + merchant / 10000,
                          fleet_merchant_mcc(merchant), merchant % 10000);
    REQUIRE(length == 15);
}

uint32_t fleet_merchant_of(const struct fleet *fleet, uint32_t terminal)
{
    return terminal % fleet->merchant_count;
}

static void key_draw(const struct fleet *fleet, const char *name, uint8_t digest[32])
{
    char text[96];
    int length =
        snprintf(text, sizeof text, "tillway-fleet:%llu:%s", (unsigned long long)fleet->seed, name);
    REQUIRE(length > 0 && (size_t)length < sizeof text);
    REQUIRE(EVP_Digest(text, (size_t)length, digest, NULL, EVP_sha256(), NULL) == 1);
}

void fleet_wide_key(const struct fleet *fleet, const char *name, uint8_t key[32])
{
    key_draw(fleet, name, key);
}

void fleet_tdes_key(const struct fleet *fleet, const char *name, struct tdes_key *key)
{
    uint8_t digest[32];
    key_draw(fleet, name, digest);
    memcpy(key->bytes, digest, sizeof key->bytes);
    key->length = 16;
    for (unsigned i = 0; i < sizeof key->bytes; i++) {
        unsigned odd = 1U ^ ((unsigned)__builtin_popcount(key->bytes[i] & 0xFEU) & 1U);
        key->bytes[i] = (uint8_t)((key->bytes[i] & 0xFEU) | odd);
    }
}

#define MODEL_COUNT 4

void fleet_device(const struct fleet *fleet, uint32_t terminal, struct pos_device *device)
{
    /* Shanghai, Beijing, Guangzhou, Chengdu, Wuhan, Xi'an. */
    static const struct {
        int32_t latitude_e6, longitude_e6;
    } CITIES[] = {{31231000, 121473000}, {39904000, 116407000}, {23129000, 113264000},
                  {30573000, 104066000}, {30593000, 114305000}, {34342000, 108940000}};
    static const char *const SOFTWARE[MODEL_COUNT] = {"V2.1.0", "V5.0.1", "V1.8.2", "V3.4.0"};
    const uint32_t merchant = fleet_merchant_of(fleet, terminal);
    const uint32_t city = merchant % (sizeof CITIES / sizeof CITIES[0]);
    uint8_t of_shop[32], of_terminal[32];
    char name[32];
    snprintf(name, sizeof name, "place:%u", merchant);
    key_draw(fleet, name, of_shop);
    snprintf(name, sizeof name, "device:%u", terminal);
    key_draw(fleet, name, of_terminal);
    snprintf(device->serial, sizeof device->serial, "0000%02u%02u%08u", 10 + terminal % MODEL_COUNT,
             of_terminal[0] % 100U, terminal);
    /* One in ten waits for its update. */
    snprintf(device->firmware, sizeof device->firmware, "%s%c", SOFTWARE[terminal % MODEL_COUNT],
             of_terminal[1] % 10 == 0 ? '3' : '4');
    /* Some 3 km around the middle of the city, and 20 m around the shop. */
    const int32_t north = (of_shop[0] << 8 | of_shop[1]) - 32768;
    const int32_t east = (of_shop[2] << 8 | of_shop[3]) - 32768;
    device->latitude_e6 = CITIES[city].latitude_e6 + north + of_terminal[2] % 200;
    device->longitude_e6 = CITIES[city].longitude_e6 + east + of_terminal[3] % 200;
}

static int path_join(char path[FLEET_PATH_SIZE], const char *folder, const char *name)
{
    int length = snprintf(path, FLEET_PATH_SIZE, "%s/%s", folder, name);
    return length > 0 && length < FLEET_PATH_SIZE;
}

enum status fleet_save(const struct fleet *fleet, const char *folder)
{
    char path[FLEET_PATH_SIZE];
    if (!path_join(path, folder, "fleet.json")) {
        return STATUS_BAD_VALUE;
    }
    json_t *root = json_pack("{s:I, s:I, s:I}", "seed", (json_int_t)fleet->seed, "terminals",
                             (json_int_t)fleet->terminal_count, "merchants",
                             (json_int_t)fleet->merchant_count);
    if (root == NULL) {
        return STATUS_NO_MEMORY;
    }
    int failed = json_dump_file(root, path, JSON_INDENT(1));
    json_decref(root);
    return failed ? STATUS_BROKEN : STATUS_OK;
}

enum status fleet_load(struct fleet *fleet, const char *folder)
{
    char path[FLEET_PATH_SIZE];
    json_error_t fault;
    json_int_t seed, terminals, merchants;
    if (!path_join(path, folder, "fleet.json")) {
        return STATUS_BAD_VALUE;
    }
    json_t *root = json_load_file(path, JSON_REJECT_DUPLICATES, &fault);
    if (root == NULL) {
        return fault.position < 0 ? STATUS_BROKEN : STATUS_MALFORMED;
    }
    int failed = json_unpack(root, "{s:I, s:I, s:I}", "seed", &seed, "terminals", &terminals,
                             "merchants", &merchants);
    json_decref(root);
    if (failed) {
        return STATUS_MALFORMED;
    }
    if (seed < 0 || terminals < 1 || terminals > FLEET_TERMINAL_COUNT_MAX || merchants < 1 ||
        merchants > FLEET_MERCHANT_COUNT_MAX) {
        return STATUS_BAD_VALUE;
    }
    *fleet = (struct fleet){(uint32_t)terminals, (uint32_t)merchants, (uint64_t)seed};
    return STATUS_OK;
}
