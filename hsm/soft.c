/* See soft.h and hsm.h: the module's life, and the keys it holds. */
#include "hsm/soft.h"

#include <stdlib.h>
#include <string.h>

#include "hsm/kcv.h"
#include "hsm/key_kind.h"

const uint8_t HSM_TEST_MASTER_KEY[HSM_MASTER_KEY_BYTES] = {
    'T', 'I', 'L', 'L', 'W', 'A', 'Y', ' ', 'T', 'E', 'S', 'T', ' ', 'M', 'A', 'S',
    'T', 'E', 'R', ' ', 'K', 'E', 'Y', ' ', 'N', 'O', ' ', 'S', 'E', 'C', 'R', 'T',
};

const char *hsm_answer_text(enum hsm_answer answer)
{
    switch (answer) {
#define X(name, value, text)                                                                       \
    case HSM_##name:                                                                               \
        return text;
        HSM_ANSWER_MAP(X)
#undef X
    }
    return "an answer outside the map";
}

/* A known answer through every path that a payment takes: an OpenSSL that restarts a chain without
 * its key, say, must not get as far as a payment. */
static bool knows_answers(struct block_cipher *cipher)
{
    static const uint8_t key_bytes[16] = {0x2B, 0x7E, 0x15, 0x16, 0x28, 0xAE, 0xD2, 0xA6,
                                          0xAB, 0xF7, 0x15, 0x88, 0x09, 0xCF, 0x4F, 0x3C};
    static const uint8_t cmac_of_nothing[4] = {0xBB, 0x1D, 0x69, 0x29}; /* RFC 4493 */
    static const uint8_t des_bytes[8] = {0x86, 0x64, 0x43, 0x20, 0x86, 0x64, 0x43, 0x20};
    static const uint8_t des_kcv[3] = {0xAA, 0xB1, 0x51};
    struct clear_key key;
    struct cmac cmac;
    uint8_t mac[16];
    clear_key_set(&key, KEY_AES, (struct byte_view){key_bytes, sizeof(key_bytes)});
    cmac_begin(&cmac, cipher, &key);
    for (int i = 0; i < 2; i++) {
        cmac_restart(&cmac);
        cmac_final(&cmac, mac);
        if (memcmp(mac, cmac_of_nothing, sizeof(cmac_of_nothing)) != 0) {
            return false;
        }
    }
    clear_key_set(&key, KEY_TDES, (struct byte_view){des_bytes, sizeof(des_bytes)});
    kcv_compute(cipher, &key, mac, sizeof(des_kcv));
    return memcmp(mac, des_kcv, sizeof(des_kcv)) == 0;
}

struct hsm *hsm_soft_create(const struct hsm_setup *setup)
{
    struct clear_key master;
    struct hsm *hsm = calloc(1, sizeof(*hsm));
    if (hsm == NULL) {
        return NULL;
    }
    hsm->pin_policy = setup->pin_policy;
    hsm->is_test_master_key = setup->is_test_master_key;
    hsm->cipher = block_cipher_create();
    hsm->slots = key_slots_create(setup->key_count_max);
    clear_key_set(&master, KEY_AES, (struct byte_view){setup->master_key, HSM_MASTER_KEY_BYTES});
    bool is_ready = hsm->cipher != NULL && hsm->slots != NULL && knows_answers(hsm->cipher) &&
                    key_guard_begin(&hsm->guard, hsm->cipher, &master);
    clear_key_wipe(&master);
    if (!is_ready) {
        hsm_destroy(hsm);
        return NULL;
    }
    return hsm;
}

void hsm_destroy(struct hsm *hsm)
{
    if (hsm == NULL) {
        return;
    }
    key_guard_end(&hsm->guard);
    key_slots_destroy(hsm->slots);
    block_cipher_destroy(hsm->cipher);
    free(hsm);
}

bool soft_serves_pins(const struct hsm *hsm)
{
    return hsm->pin_policy == HSM_PIN_LAB;
}

bool soft_name_is_usable(const char *name)
{
    uint32_t length = (uint32_t)strnlen(name, HSM_KEY_NAME_SIZE);
    bool is_usable = length > 0 && length < HSM_KEY_NAME_SIZE;
    for (uint32_t i = 0; i < length; i++) {
        is_usable &= name[i] >= ' ' && name[i] <= '~';
    }
    return is_usable;
}

enum hsm_answer soft_open_key(struct hsm *hsm, struct hsm_key_handle handle, uint32_t kinds,
                              struct clear_key *key)
{
    const struct key_slot *slot = key_slots_find(hsm->slots, handle);
    if (slot == NULL || slot->sealed.kind >= HSM_KEY_KIND_COUNT) {
        return HSM_KEY_UNAUTHENTIC;
    }
    if ((kinds & SOFT_KINDS(slot->sealed.kind)) == 0) {
        return HSM_KEY_USAGE;
    }
    return key_guard_open(&hsm->guard, slot->name, &slot->sealed, key);
}

enum hsm_answer soft_wrap(struct hsm *hsm, const struct key_guard_item *item,
                          struct hsm_key_record *record)
{
    struct hsm_key_sealed sealed;
    enum hsm_answer answer = key_guard_seal(&hsm->guard, item, &sealed);
    if (answer == HSM_DONE) {
        key_guard_write(&sealed, item->name, record);
    }
    return answer;
}

enum hsm_answer hsm_key_seal(struct hsm *hsm, const struct hsm_key_record *record,
                             enum hsm_key_kind kind, struct hsm_key_sealed *sealed)
{
    if (!soft_name_is_usable(record->name)) {
        return HSM_BAD_INTENT;
    }
    if (key_kind_is_pin(kind) && !soft_serves_pins(hsm)) {
        return HSM_NOT_PERMITTED;
    }
    enum hsm_answer answer = key_guard_read(&hsm->guard, record, kind, sealed);
    if (answer != HSM_DONE) {
        *sealed = (struct hsm_key_sealed){0};
    }
    return answer;
}

enum hsm_answer hsm_key_load(struct hsm *hsm, const struct hsm_key_record *record,
                             enum hsm_key_kind kind, struct hsm_key_handle *handle)
{
    struct hsm_key_sealed sealed;
    enum hsm_answer answer = hsm_key_seal(hsm, record, kind, &sealed);
    if (answer != HSM_DONE) {
        return answer;
    }
    return key_slots_put(hsm->slots, record->name, &sealed, handle) ? HSM_DONE : HSM_BAD_INTENT;
}

void hsm_key_unload(struct hsm *hsm, struct hsm_key_handle handle)
{
    key_slots_remove(hsm->slots, handle);
}

void hsm_key_text(const struct hsm_key_sealed *sealed, const char *name,
                  struct hsm_key_record *record)
{
    key_guard_write(sealed, name, record);
}

struct hsm_key_handle hsm_key_visit(struct hsm *hsm, const struct hsm_key_sealed *sealed,
                                    const char *name)
{
    return key_slots_visit(hsm->slots, name, sealed);
}
