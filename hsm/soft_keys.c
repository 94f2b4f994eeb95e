/* Keys that come and go: working keys of a sign-on, imports, wraps, check values (hsm.h). */
#include <string.h>

#include "hsm/kcv.h"
#include "hsm/key_kind.h"
#include "hsm/soft.h"
#include "hsm/working_keys.h"
#include "protocols/base/require.h"
#include "protocols/base/secret.h"

enum hsm_answer hsm_key_wrap_clear(struct hsm *hsm, const char *name, enum hsm_key_kind kind,
                                   struct byte_view clear, const uint8_t random[32],
                                   struct hsm_key_record *record)
{
    struct clear_key key;
    if (!hsm->is_test_master_key || (key_kind_is_pin(kind) && !soft_serves_pins(hsm))) {
        return HSM_NOT_PERMITTED;
    }
    if (!soft_name_is_usable(name)) {
        return HSM_BAD_INTENT;
    }
    /* No kind holds keys of two algorithms with one length but PIN and CMAC keys; 16 and 24 bytes
     * of those are TDES, 32 are AES. */
    enum key_algorithm algorithm = KEY_TDES;
    if (!key_kind_may_hold(kind, KEY_TDES, clear.length)) {
        algorithm = key_kind_may_hold(kind, KEY_AES, clear.length) ? KEY_AES : KEY_HMAC;
    }
    if (!key_kind_may_hold(kind, algorithm, clear.length)) {
        return HSM_KEY_USAGE;
    }
    clear_key_set(&key, algorithm, clear);
    const struct key_guard_item item = {name, kind, &key, random};
    enum hsm_answer answer = soft_wrap(hsm, &item, record);
    clear_key_wipe(&key);
    return answer;
}

/* Where the random bytes of a sign-on go: three keys, then the padding of their blocks. */
#define WORKING_KEY_BYTES ((size_t)16)
#define WORKING_PADDING_AT (3 * WORKING_KEY_BYTES)
_Static_assert(WORKING_PADDING_AT + 3 * KEY_GUARD_RANDOM_BYTES <=
                   sizeof(((struct hsm_working_keys_intent *)0)->random),
               "one draw serves a sign-on");

struct working_key {
    uint32_t index; /* 0 PIK, 1 MAK, 2 TDK */
    enum hsm_key_kind kind;
    const char *suffix;
    uint8_t length;
    bool is_padded;
};

static enum hsm_answer make_working_key(struct hsm *hsm,
                                        const struct hsm_working_keys_intent *intent,
                                        const struct working_key *which,
                                        const struct clear_key *tmk, struct hsm_working_keys *keys)
{
    struct clear_key key;
    char name[HSM_KEY_NAME_SIZE];
    struct byte_writer writer;
    struct hsm_key_record *record = which->index == 0   ? &keys->pik
                                    : which->index == 1 ? &keys->mak
                                                        : &keys->tdk;
    byte_writer_init(&writer, name, sizeof(name));
    byte_writer_text(&writer, "term:");
    byte_writer_text(&writer, intent->terminal_id);
    byte_writer_text(&writer, which->suffix);
    byte_writer_u8(&writer, 0);
    REQUIRE(writer.status == STATUS_OK);
    clear_key_set(&key, KEY_TDES,
                  (struct byte_view){intent->random + (size_t)which->index * WORKING_KEY_BYTES,
                                     which->length});
    clear_key_set_parity(&key);
    const struct key_guard_item item = {name, which->kind, &key,
                                        intent->random + WORKING_PADDING_AT +
                                            (size_t)which->index * KEY_GUARD_RANDOM_BYTES};
    enum hsm_answer answer = soft_wrap(hsm, &item, record);
    if (answer == HSM_DONE) {
        byte_writer_init(&writer, keys->field_62, sizeof(keys->field_62));
        writer.position = keys->field_62_length;
        working_keys_put(hsm->cipher, tmk, &key, which->is_padded, &writer);
        REQUIRE(writer.status == STATUS_OK);
        keys->field_62_length = (uint8_t)writer.position;
    }
    clear_key_wipe(&key);
    return answer == HSM_DONE ? HSM_DONE : HSM_BAD_INTENT;
}

enum hsm_answer hsm_working_keys(struct hsm *hsm, const struct hsm_working_keys_intent *intent,
                                 struct hsm_working_keys *keys)
{
    struct clear_key tmk;
    uint8_t length = intent->is_double_length ? 16 : 8;
    uint8_t mak_length = intent->is_mak_single ? 8 : length;
    const struct working_key wanted[] = {
        {0, HSM_KEY_PIN_IN, ":pik", length, false},
        {1, intent->is_mak_algorithm_3 ? HSM_KEY_MAC_3 : HSM_KEY_MAC, ":mak", mak_length,
         intent->is_double_length && mak_length == 8},
        {2, HSM_KEY_TRACK, ":tdk", 16, false},
    };
    *keys = (struct hsm_working_keys){.field_62_length = 0};
    if (!soft_serves_pins(hsm)) {
        return HSM_NOT_PERMITTED;
    }
    if (!soft_name_is_usable(intent->terminal_id) ||
        (intent->is_mak_algorithm_3 && mak_length == 8) ||
        (intent->with_track_key && !intent->is_double_length)) {
        return HSM_BAD_INTENT;
    }
    enum hsm_answer answer =
        soft_open_key(hsm, intent->terminal_master, SOFT_KINDS(HSM_KEY_TERMINAL_MASTER), &tmk);
    for (int i = 0; answer == HSM_DONE && i < (intent->with_track_key ? 3 : 2); i++) {
        answer = make_working_key(hsm, intent, &wanted[i], &tmk, keys);
    }
    clear_key_wipe(&tmk);
    if (answer != HSM_DONE) {
        secret_wipe(keys, sizeof(*keys));
    }
    return answer;
}

static enum hsm_answer take_imported(struct hsm *hsm, const struct hsm_key_import *intent,
                                     const struct clear_key *master, struct clear_key *key)
{
    uint8_t kcv[KCV_BYTES_MAX];
    bool may_be_padded = intent->kind == HSM_KEY_MAC;
    if (!working_keys_take(hsm->cipher, master, intent->enciphered, may_be_padded, key)) {
        return HSM_BAD_INTENT;
    }
    if (intent->check_value.length > 0) {
        kcv_compute(hsm->cipher, key, kcv, intent->check_value.length);
        if (secret_compare(kcv, intent->check_value.bytes, intent->check_value.length) != 0) {
            return HSM_VERIFY_FAILED;
        }
    }
    return HSM_DONE;
}

enum hsm_answer hsm_key_import(struct hsm *hsm, const struct hsm_key_import *intent,
                               struct hsm_key_record *record)
{
    struct clear_key master;
    struct clear_key key = {.length = 0};
    if (key_kind_is_pin(intent->kind) && !soft_serves_pins(hsm)) {
        return HSM_NOT_PERMITTED;
    }
    if (!soft_name_is_usable(intent->name) || intent->check_value.length > WORKING_KEY_KCV_BYTES) {
        return HSM_BAD_INTENT;
    }
    enum hsm_answer answer = soft_open_key(
        hsm, intent->master, SOFT_KINDS(HSM_KEY_TERMINAL_MASTER) | SOFT_KINDS(HSM_KEY_ZONE_MASTER),
        &master);
    if (answer == HSM_DONE) {
        answer = take_imported(hsm, intent, &master, &key);
    }
    if (answer == HSM_DONE) {
        const struct key_guard_item item = {intent->name, intent->kind, &key, intent->random};
        answer = soft_wrap(hsm, &item, record);
    }
    clear_key_wipe(&master);
    clear_key_wipe(&key);
    return answer;
}

enum hsm_answer hsm_key_check(struct hsm *hsm, struct hsm_key_handle handle, uint8_t *kcv,
                              uint8_t length)
{
    struct clear_key key;
    uint32_t all_but_hash = ~SOFT_KINDS(HSM_KEY_HASH);
    if (length == 0 || length > HSM_KCV_BYTES_MAX) {
        return HSM_BAD_INTENT;
    }
    enum hsm_answer answer = soft_open_key(hsm, handle, all_but_hash, &key);
    if (answer != HSM_DONE) {
        return answer;
    }
    if (key.algorithm == KEY_TDES && length > WORKING_KEY_KCV_BYTES) {
        answer = HSM_BAD_INTENT;
    } else {
        kcv_compute(hsm->cipher, &key, kcv, length);
    }
    clear_key_wipe(&key);
    return answer;
}
