/* See key_exchange.h. */
#include "switch/security/key_exchange.h"

#include <stdio.h>
#include <string.h>

#include <openssl/rand.h>

#include "protocols/base/require.h"
#include "switch/security/key_name.h"
#include "switch/security/key_set.h"
#include "switch/security/security_state.h"

#define CHECK_BYTES 4

static struct channel_keys *channel_of(struct security *security, uint16_t channel)
{
    return key_table_channel_at(security->keys, channel);
}

static void name_of(const struct channel_keys *channel, uint32_t which,
                    char text[HSM_KEY_NAME_SIZE])
{
    struct key_name name = {.owner = KEY_OF_CHANNEL, .which = which};
    memcpy(name.holder, channel->name, sizeof(channel->name));
    key_name_format(text, &name);
}

static bool is_in(const struct key_exchange *exchange, uint32_t which)
{
    bool is_in = false;
    for (uint32_t i = 0; i < exchange->count; i++) {
        is_in = is_in || exchange->keys[i].which == which;
    }
    return is_in;
}

enum hsm_answer key_exchange_open(struct security_unit *unit, struct key_exchange *exchange,
                                  const struct key_offer *offer)
{
    struct channel_keys *channel = channel_of(unit->security, exchange->channel);
    struct hsm_key_sealed zmk, in_force;
    struct hsm_key_record record;
    char zmk_name[HSM_KEY_NAME_SIZE], name[HSM_KEY_NAME_SIZE];
    struct hsm_key_import intent = {
        .name = name, .enciphered = offer->enciphered, .check_value = offer->check_value};
    REQUIRE(offer->which == CHANNEL_ZPK || offer->which == CHANNEL_ZAK);
    if (exchange->count == KEY_EXCHANGE_COUNT_MAX || is_in(exchange, offer->which)) {
        return HSM_BAD_INTENT;
    }
    if (!key_cell_get(&channel->keys[CHANNEL_ZMK], &zmk) ||
        !key_cell_get(&channel->keys[offer->which], &in_force)) {
        return HSM_KEY_UNAUTHENTIC;
    }
    name_of(channel, CHANNEL_ZMK, zmk_name);
    name_of(channel, offer->which, name);
    intent.kind = (enum hsm_key_kind)in_force.kind; /* of the same use as the one it replaces */
    intent.master = hsm_key_visit(unit->hsm, &zmk, zmk_name);
    REQUIRE(RAND_priv_bytes(intent.random, sizeof(intent.random)) == 1);
    enum hsm_answer answer = hsm_key_import(unit->hsm, &intent, &record);
    secret_wipe(intent.random, sizeof(intent.random));
    if (answer == HSM_DONE) {
        answer =
            hsm_key_seal(unit->hsm, &record, intent.kind, &exchange->keys[exchange->count].sealed);
    }
    if (answer == HSM_DONE) {
        exchange->keys[exchange->count++].which = (uint8_t)offer->which;
    }
    return answer;
}

/* A bank that does not know whether it was heard sends the same key again. */
static bool is_same_key(struct security *security, const char *name,
                        const struct hsm_key_sealed *one, const struct hsm_key_sealed *other)
{
    uint8_t checks[2][CHECK_BYTES];
    struct hsm *hsm = security->units[0].hsm;
    return hsm_key_check(hsm, hsm_key_visit(hsm, one, name), checks[0], CHECK_BYTES) == HSM_DONE &&
           hsm_key_check(hsm, hsm_key_visit(hsm, other, name), checks[1], CHECK_BYTES) ==
               HSM_DONE &&
           memcmp(checks[0], checks[1], CHECK_BYTES) == 0;
}

void key_exchange_install(struct security *security, const struct key_exchange *exchange)
{
    struct channel_keys *channel = channel_of(security, exchange->channel);
    for (uint32_t i = 0; i < exchange->count; i++) {
        uint32_t which = exchange->keys[i].which;
        struct hsm_key_sealed before;
        char name[HSM_KEY_NAME_SIZE];
        name_of(channel, which, name);
        if (which == CHANNEL_ZAK && key_cell_get(&channel->keys[which], &before) &&
            !is_same_key(security, name, &before, &exchange->keys[i].sealed)) {
            key_cell_put(&channel->zak_before, &before);
        }
        key_cell_put(&channel->keys[which], &exchange->keys[i].sealed);
        channel->is_exchanged[which] = true;
    }
}

void key_exchange_forget(struct security *security, uint16_t channel)
{
    static const struct hsm_key_sealed nothing;
    key_cell_put(&channel_of(security, channel)->zak_before, &nothing);
}

static void put_row(const struct channel_keys *channel, uint32_t which,
                    const struct hsm_key_sealed *sealed, struct byte_writer *writer)
{
    struct hsm_key_record record, replaced;
    char name[HSM_KEY_NAME_SIZE];
    name_of(channel, which, name);
    hsm_key_text(sealed, name, &record);
    hsm_key_text(&channel->loaded[which], name, &replaced);
    const char *const parts[] = {name,
                                 ",",
                                 hsm_key_kind_name((enum hsm_key_kind)sealed->kind),
                                 ",",
                                 record.block,
                                 ",",
                                 replaced.block,
                                 "\n"};
    for (size_t i = 0; i < sizeof(parts) / sizeof(parts[0]); i++) {
        byte_writer_text(writer, parts[i]);
    }
}

void key_exchange_text(struct security *security, const struct key_exchange *exchange,
                       struct byte_writer *writer)
{
    const struct channel_keys *channel = channel_of(security, exchange->channel);
    byte_writer_text(writer, "name,kind,block,replaces\n");
    for (uint32_t which = CHANNEL_ZPK; which <= CHANNEL_ZAK; which++) {
        struct hsm_key_sealed sealed;
        bool has_one = channel->is_exchanged[which] && key_cell_get(&channel->keys[which], &sealed);
        for (uint32_t i = 0; i < exchange->count; i++) {
            if (exchange->keys[i].which == which) {
                sealed = exchange->keys[i].sealed;
                has_one = true;
            }
        }
        if (has_one) {
            put_row(channel, which, &sealed, writer);
        }
    }
}

enum status key_exchange_restore(struct security *security, const struct key_exchange_row *row,
                                 char reason[SECURITY_REASON_SIZE])
{
    struct key_name name;
    struct key_exchange exchange = {.count = 1};
    struct hsm_key_record loaded;
    const struct security_key_row plain = {
        .name = row->name, .kind = row->kind, .block = row->block};
    enum status status =
        security_seal_row(security->units[0].hsm, &plain, &name, &exchange.keys[0].sealed, reason);
    if (status != STATUS_OK) {
        return status;
    }
    int index = name.owner == KEY_OF_CHANNEL ? key_table_channel(security->keys, name.holder) : -1;
    if (index < 0 || (name.which != CHANNEL_ZPK && name.which != CHANNEL_ZAK)) {
        snprintf(reason, SECURITY_REASON_SIZE,
                 "key \"%s\": no working key of a channel in the key file", row->name);
        return STATUS_NOT_FOUND;
    }
    const struct channel_keys *channel = channel_of(security, (uint16_t)index);
    bool is_loaded = channel->loaded[name.which].algorithm != 0;
    if (is_loaded) {
        hsm_key_text(&channel->loaded[name.which], row->name, &loaded);
    }
    if (!is_loaded || strcmp(loaded.block, row->replaces) != 0) {
        snprintf(reason, SECURITY_REASON_SIZE,
                 "key \"%s\": the key file holds another key than the one that the bank replaced; "
                 "the key file's is in force",
                 row->name);
        return STATUS_DUPLICATE;
    }
    exchange.channel = (uint16_t)index;
    exchange.keys[0].which = (uint8_t)name.which;
    key_exchange_install(security, &exchange);
    key_exchange_forget(security, exchange.channel);
    return STATUS_OK;
}
