/* See security.h: the shared table and the modules, and what the engine's thread does with them. */
#include "switch/security/security.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "protocols/base/require.h"
#include "switch/security/key_name.h"
#include "switch/security/key_pack.h"
#include "switch/security/key_set.h"
#include "switch/security/security_state.h"

/* A module of the soft kind holds no keys of its own here: all of them visit. */
#define UNIT_KEY_COUNT 1

struct security *security_create(const struct security_setup *setup)
{
    REQUIRE(setup->unit_count > 0 && setup->unit_count <= SECURITY_UNIT_COUNT_MAX);
    struct security *security = calloc(1, sizeof(*security));
    if (security == NULL) {
        return NULL;
    }
    const struct hsm_setup module = {.master_key = setup->master_key,
                                     .is_test_master_key = setup->is_test_master_key,
                                     .pin_policy = setup->pin_policy,
                                     .key_count_max = UNIT_KEY_COUNT};
    security->terminal_mac = setup->terminal_mac;
    security->is_mak_single = setup->is_mak_single;
    security->unit_count = setup->unit_count;
    security->keys = key_table_create(setup->terminal_count_max);
    security->reader = hsm_soft_create(&module);
    bool is_ready = security->keys != NULL && security->reader != NULL;
    for (uint16_t i = 0; i < setup->unit_count && is_ready; i++) {
        security->units[i].security = security;
        security->units[i].hsm = hsm_soft_create(&module);
        security->units[i].nonce_counter = UINT32_MAX; /* no prefix yet */
        is_ready = security->units[i].hsm != NULL;
    }
    if (!is_ready) {
        security_destroy(security);
        return NULL;
    }
    return security;
}

void security_destroy(struct security *security)
{
    if (security == NULL) {
        return;
    }
    for (uint16_t i = 0; i < security->unit_count; i++) {
        hsm_destroy(security->units[i].hsm);
    }
    hsm_destroy(security->reader);
    key_table_destroy(security->keys);
    free(security);
}

struct security_unit *security_unit(struct security *security, uint16_t index)
{
    REQUIRE(index < security->unit_count);
    return &security->units[index];
}

static enum status read_row(const struct security_key_row *row, struct key_name *name,
                            struct hsm_key_record *record, char reason[SECURITY_REASON_SIZE])
{
    enum hsm_key_kind kind = hsm_key_kind_from_name(row->kind);
    if (key_name_parse(name, row->name) != STATUS_OK) {
        snprintf(reason, SECURITY_REASON_SIZE,
                 "key \"%.40s\": no such name; expected term:<terminal_id>:tmk|pik|mak|tdk, "
                 "chan:<name>:zpk|zak|zmk, own:pan:data or own:pan:hash",
                 row->name);
        return STATUS_BAD_VALUE;
    }
    if (kind == HSM_KEY_KIND_COUNT || !key_name_may_be(name, kind)) {
        snprintf(reason, SECURITY_REASON_SIZE,
                 "key \"%s\": a key of this name is not of the kind \"%.20s\"", row->name,
                 row->kind);
        return STATUS_BAD_VALUE;
    }
    if (strlen(row->block) >= sizeof(record->block)) {
        snprintf(reason, SECURITY_REASON_SIZE,
                 "key \"%s\": the block has %zu characters; a key block has at most %zu", row->name,
                 strlen(row->block), sizeof(record->block) - 1);
        return STATUS_BAD_VALUE;
    }
    memcpy(record->name, row->name, strlen(row->name) + 1);
    memcpy(record->block, row->block, strlen(row->block) + 1);
    return STATUS_OK;
}

enum status security_seal_row(struct hsm *hsm, const struct security_key_row *row,
                              struct key_name *name, struct hsm_key_sealed *sealed,
                              char reason[SECURITY_REASON_SIZE])
{
    struct hsm_key_record record;
    enum status status = read_row(row, name, &record, reason);
    if (status != STATUS_OK) {
        return status;
    }
    enum hsm_answer answer = hsm_key_seal(hsm, &record, hsm_key_kind_from_name(row->kind), sealed);
    if (answer != HSM_DONE) {
        snprintf(reason, SECURITY_REASON_SIZE, "key \"%s\": %s", row->name,
                 hsm_answer_text(answer));
        return STATUS_DENIED;
    }
    return STATUS_OK;
}

bool security_has_newer_key(const struct security *security, const struct key_name *name)
{
    if (name->owner != KEY_OF_TERMINAL || name->which == TERMINAL_TMK) {
        return false;
    }
    const struct terminal_keys *terminal = key_table_terminal(security->keys, name->holder);
    return terminal != NULL && atomic_load_explicit(&terminal->is_signed_on, memory_order_relaxed);
}

enum status security_check(const struct security *security, char reason[SECURITY_REASON_SIZE])
{
    struct hsm_key_sealed sealed;
    for (uint32_t i = 0; i < OWN_KEY_COUNT; i++) {
        if (!key_cell_get(key_table_own(security->keys, (enum own_key)i), &sealed)) {
            char text[HSM_KEY_NAME_SIZE];
            const struct key_name name = {.owner = KEY_OF_OURS, .which = i};
            key_name_format(text, &name);
            snprintf(reason, SECURITY_REASON_SIZE,
                     "the key \"%s\" is missing; without it no card number can be stored", text);
            return STATUS_MISSING;
        }
    }
    return STATUS_OK;
}

bool security_has_terminal(const struct security *security, const char *terminal_id)
{
    struct hsm_key_sealed sealed;
    const struct terminal_keys *terminal = key_table_terminal(security->keys, terminal_id);
    return terminal != NULL && key_cell_get(&terminal->keys[TERMINAL_TMK], &sealed);
}

enum status security_install(struct security *security, struct byte_view records)
{
    struct key_pack pack;
    if (key_pack_read(&pack, records) != STATUS_OK) {
        return STATUS_MALFORMED;
    }
    struct terminal_keys *terminal = key_table_terminal(security->keys, pack.terminal_id);
    if (terminal == NULL) {
        return STATUS_NOT_FOUND;
    }
    for (uint32_t i = 0; i < KEY_PACK_KEY_COUNT; i++) {
        key_cell_put(&terminal->keys[TERMINAL_PIK + i], &pack.keys[i]);
    }
    atomic_store_explicit(&terminal->is_signed_on, true, memory_order_relaxed);
    atomic_store_explicit(&terminal->failures, 0, memory_order_relaxed);
    atomic_store_explicit(&terminal->has_held, false, memory_order_relaxed);
    return STATUS_OK;
}

int security_channel(const struct security *security, const char *name)
{
    return key_table_channel(security->keys, name);
}
