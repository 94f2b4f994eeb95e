/* See security.h: the calls of any thread, each with its own unit. */
#include <string.h>

#include <openssl/rand.h>

#include "protocols/base/require.h"
#include "switch/security/key_name.h"
#include "switch/security/key_pack.h"
#include "switch/security/security_state.h"

const struct security_counts *security_counts(const struct security_unit *unit)
{
    return &unit->counts;
}

/* A random source that fails leaves nothing to go on with. */
static void draw(uint8_t *bytes, uint32_t length)
{
    REQUIRE(RAND_priv_bytes(bytes, (int)length) == 1);
}

/* Counts answers that blame us and passes them on. */
static enum hsm_answer told(struct security_unit *unit, enum hsm_answer answer)
{
    if (answer < 0) {
        count_add(&unit->counts.faults, 1);
    }
    return answer;
}

/* Lends the unit's module the key in a cell. False: there is none. */
static bool lend(struct security_unit *unit, const struct key_cell *cell,
                 const struct key_name *name, struct hsm_key_handle *handle)
{
    struct hsm_key_sealed sealed;
    char text[HSM_KEY_NAME_SIZE];
    if (!key_cell_get(cell, &sealed)) {
        return false;
    }
    key_name_format(text, name);
    *handle = hsm_key_visit(unit->hsm, &sealed, text);
    return true;
}

static bool lend_terminal(struct security_unit *unit, const struct terminal_keys *terminal,
                          enum terminal_key which, struct hsm_key_handle *handle)
{
    struct key_name name = {.owner = KEY_OF_TERMINAL, .which = which};
    if (terminal == NULL) {
        return false;
    }
    memcpy(name.holder, terminal->id, sizeof(terminal->id));
    return lend(unit, &terminal->keys[which], &name, handle);
}

static bool lend_channel(struct security_unit *unit, uint16_t index, enum channel_key which,
                         struct hsm_key_handle *handle)
{
    const struct channel_keys *channel = key_table_channel_at(unit->security->keys, index);
    struct key_name name = {.owner = KEY_OF_CHANNEL, .which = which};
    memcpy(name.holder, channel->name, sizeof(channel->name));
    return lend(unit, &channel->keys[which], &name, handle);
}

static bool lend_own(struct security_unit *unit, enum own_key which, struct hsm_key_handle *handle)
{
    const struct key_name name = {.owner = KEY_OF_OURS, .which = which};
    return lend(unit, key_table_own(unit->security->keys, which), &name, handle);
}

_Static_assert((int)SECURITY_KCV_COUNT == (int)TERMINAL_KEY_COUNT, "one for each key");

uint32_t security_terminal_kcvs(struct security_unit *unit, const char *terminal_id,
                                struct security_kcv kcvs[SECURITY_KCV_COUNT])
{
    const struct terminal_keys *terminal = key_table_terminal(unit->security->keys, terminal_id);
    uint32_t count = 0;
    for (uint32_t which = 0; which < TERMINAL_KEY_COUNT; which++) {
        struct hsm_key_handle handle;
        struct security_kcv *kcv = &kcvs[count];
        struct key_name name = {.owner = KEY_OF_TERMINAL, .which = which};
        if (lend_terminal(unit, terminal, (enum terminal_key)which, &handle) &&
            hsm_key_check(unit->hsm, handle, kcv->kcv, SECURITY_KCV_BYTES) == HSM_DONE) {
            memcpy(name.holder, terminal->id, sizeof(terminal->id));
            key_name_format(kcv->name, &name);
            count++;
        }
    }
    return count;
}

static enum hsm_answer make_mac(struct security_unit *unit, struct hsm_mac_intent *intent,
                                uint8_t mac[SECURITY_MAC_BYTES])
{
    intent->mac_length = SECURITY_MAC_BYTES;
    enum hsm_answer answer = hsm_mac_generate(unit->hsm, intent);
    if (answer == HSM_DONE) {
        memcpy(mac, intent->mac, SECURITY_MAC_BYTES);
    }
    return told(unit, answer);
}

/* A MAC of another length than the field has does not match, as any other wrong one. */
static enum hsm_answer verify_mac(struct security_unit *unit, struct hsm_mac_intent *intent,
                                  struct byte_view mac)
{
    intent->mac_length = SECURITY_MAC_BYTES;
    if (mac.length != SECURITY_MAC_BYTES) {
        return HSM_VERIFY_FAILED;
    }
    memcpy(intent->mac, mac.bytes, SECURITY_MAC_BYTES);
    return told(unit, hsm_mac_verify(unit->hsm, intent));
}

/* --- terminals ----------------------------------------------------------------------------- */

static struct security_verdict judge(struct security_unit *unit, struct terminal_keys *terminal,
                                     enum hsm_answer answer)
{
    struct security_verdict verdict = {.gate = SECURITY_PASS, .answer = answer};
    if (answer == HSM_DONE) {
        count_add(&unit->counts.macs_verified, 1);
        /* Written only when it changes: the entry stays shared in the caches of all cores. */
        if (atomic_load_explicit(&terminal->failures, memory_order_relaxed) != 0) {
            atomic_store_explicit(&terminal->failures, 0, memory_order_relaxed);
        }
        if (!atomic_load_explicit(&terminal->has_held, memory_order_relaxed)) {
            atomic_store_explicit(&terminal->has_held, true, memory_order_relaxed);
        }
        return verdict;
    }
    count_add(&unit->counts.macs_failed, 1);
    verdict.gate = answer > 0 ? SECURITY_BAD_MAC : SECURITY_FAULT;
    verdict.failures = atomic_fetch_add_explicit(&terminal->failures, 1, memory_order_relaxed) + 1;
    verdict.asks_signon = verdict.failures >= SECURITY_FAILURES_SIGNON;
    return verdict;
}

struct security_verdict security_gate_verify(struct security_unit *unit, const char *terminal_id,
                                             struct byte_view scope, struct byte_view mac)
{
    struct terminal_keys *terminal = key_table_terminal(unit->security->keys, terminal_id);
    struct hsm_mac_intent intent = {.algorithm = unit->security->terminal_mac, .bytes = scope};
    if (!lend_terminal(unit, terminal, TERMINAL_MAK, &intent.key)) {
        count_add(&unit->counts.macs_failed, 1);
        return (struct security_verdict){.gate = SECURITY_NO_KEY,
                                         .answer = HSM_KEY_UNAUTHENTIC,
                                         .failures = 1,
                                         .asks_signon = true};
    }
    return judge(unit, terminal, verify_mac(unit, &intent, mac));
}

/* The rules that one kind of key serves; the name of one that the MAC would hold under, or NULL. */
static const char *other_rule(struct security_unit *unit, const struct hsm_mac_intent *failed,
                              struct byte_view mac)
{
    static const struct {
        enum hsm_mac_algorithm algorithm;
        const char *hint;
    } RULES[] = {
        {HSM_MAC_UNIONPAY_ECB, "it would hold as unionpay_ecb: the peer uses another MAC rule"},
        {HSM_MAC_X9_9, "it would hold as x9_9: the peer uses another MAC rule"},
        {HSM_MAC_XOR_TDES, "it would hold as xor_tdes: the peer uses another MAC rule"},
    };
    struct hsm_mac_intent intent = *failed;
    intent.mac_length = SECURITY_MAC_BYTES;
    memcpy(intent.mac, mac.bytes, SECURITY_MAC_BYTES);
    for (size_t i = 0; i < sizeof(RULES) / sizeof(RULES[0]); i++) {
        intent.algorithm = RULES[i].algorithm;
        if (RULES[i].algorithm != failed->algorithm &&
            hsm_mac_verify(unit->hsm, &intent) == HSM_DONE) {
            return RULES[i].hint;
        }
    }
    return NULL;
}

static bool is_of_one_value(struct byte_view bytes)
{
    for (uint32_t i = 1; i < bytes.length; i++) {
        if (bytes.bytes[i] != bytes.bytes[0]) {
            return false;
        }
    }
    return true;
}

const char *security_gate_hint(struct security_unit *unit, const char *terminal_id,
                               struct byte_view scope, struct byte_view mac)
{
    struct terminal_keys *terminal = key_table_terminal(unit->security->keys, terminal_id);
    struct hsm_mac_intent intent = {.algorithm = unit->security->terminal_mac, .bytes = scope};
    if (mac.length != SECURITY_MAC_BYTES ||
        !lend_terminal(unit, terminal, TERMINAL_MAK, &intent.key)) {
        return NULL;
    }
    if (is_of_one_value(mac)) {
        return "the field is filled with one character: the terminal made no MAC";
    }
    const char *hint = other_rule(unit, &intent, mac);
    if (hint == NULL && !atomic_load_explicit(&terminal->has_held, memory_order_relaxed)) {
        hint = "none has held since its last sign-on: it did not take these keys; let it sign on, "
               "and if that does not help, its master key is another one than in tables.keys";
    }
    return hint;
}

bool security_gate_would_hold(struct security_unit *unit, const char *terminal_id,
                              struct byte_view scope, struct byte_view mac)
{
    struct terminal_keys *terminal = key_table_terminal(unit->security->keys, terminal_id);
    struct hsm_mac_intent intent = {.algorithm = unit->security->terminal_mac,
                                    .bytes = scope,
                                    .mac_length = SECURITY_MAC_BYTES};
    if (mac.length != SECURITY_MAC_BYTES ||
        !lend_terminal(unit, terminal, TERMINAL_MAK, &intent.key)) {
        return false;
    }
    memcpy(intent.mac, mac.bytes, SECURITY_MAC_BYTES);
    return hsm_mac_verify(unit->hsm, &intent) == HSM_DONE;
}

const char *security_link_hint(struct security_unit *unit, struct security_link link,
                               struct byte_view scope, struct byte_view mac)
{
    struct hsm_mac_intent intent = {.algorithm = link.algorithm, .bytes = scope};
    if (mac.length != SECURITY_MAC_BYTES ||
        !lend_channel(unit, link.channel, CHANNEL_ZAK, &intent.key)) {
        return NULL;
    }
    return is_of_one_value(mac) ? "the field is filled with one character: the bank made no MAC"
                                : other_rule(unit, &intent, mac);
}

enum hsm_answer security_reply_mac(struct security_unit *unit, const char *terminal_id,
                                   struct byte_view scope, uint8_t mac[SECURITY_MAC_BYTES])
{
    const struct terminal_keys *terminal = key_table_terminal(unit->security->keys, terminal_id);
    struct hsm_mac_intent intent = {.algorithm = unit->security->terminal_mac, .bytes = scope};
    if (!lend_terminal(unit, terminal, TERMINAL_MAK, &intent.key)) {
        return told(unit, HSM_KEY_UNAUTHENTIC);
    }
    count_add(&unit->counts.macs_made, 1);
    return make_mac(unit, &intent, mac);
}

static enum hsm_key_kind mak_kind(const struct security *security)
{
    switch (security->terminal_mac) {
    case HSM_MAC_X9_19:
        return HSM_KEY_MAC_3;
    case HSM_MAC_CMAC:
        return HSM_KEY_CMAC;
    case HSM_MAC_UNIONPAY_ECB:
    case HSM_MAC_X9_9:
    case HSM_MAC_XOR_TDES:
        break;
    }
    return HSM_KEY_MAC;
}

static enum hsm_answer pack_keys(struct security_unit *unit, const char *terminal_id,
                                 const struct hsm_working_keys *keys,
                                 struct security_made_keys *made)
{
    struct key_pack pack = {.terminal_id = ""};
    memcpy(pack.terminal_id, terminal_id, strnlen(terminal_id, KEY_TABLE_ID_BYTES));
    enum hsm_answer answer = hsm_key_seal(unit->hsm, &keys->pik, HSM_KEY_PIN_IN, &pack.keys[0]);
    if (answer == HSM_DONE) {
        answer = hsm_key_seal(unit->hsm, &keys->mak, mak_kind(unit->security), &pack.keys[1]);
    }
    if (answer == HSM_DONE && keys->tdk.name[0] != '\0') {
        answer = hsm_key_seal(unit->hsm, &keys->tdk, HSM_KEY_TRACK, &pack.keys[2]);
    }
    if (answer != HSM_DONE) {
        return answer;
    }
    *made = (struct security_made_keys){.field_62_length = keys->field_62_length,
                                        .records_length = SECURITY_KEYS_BYTES};
    memcpy(made->field_62, keys->field_62, keys->field_62_length);
    key_pack_write(&pack, made->records);
    return HSM_DONE;
}

static bool read_code(const struct security *security, const char *code,
                      struct hsm_working_keys_intent *intent)
{
    bool is_single = strcmp(code, "001") == 0;
    bool with_track_key = strcmp(code, "004") == 0;
    if (!is_single && !with_track_key && strcmp(code, "003") != 0) {
        return false;
    }
    intent->is_double_length = !is_single;
    intent->with_track_key = with_track_key;
    intent->is_mak_single = security->is_mak_single;
    intent->is_mak_algorithm_3 = mak_kind(security) == HSM_KEY_MAC_3;
    return true;
}

enum hsm_answer security_make_keys(struct security_unit *unit, const struct payment *signon,
                                   struct security_made_keys *made)
{
    struct hsm_working_keys_intent intent = {.is_double_length = false};
    struct hsm_working_keys keys;
    const struct terminal_keys *terminal =
        key_table_terminal(unit->security->keys, signon->terminal_id);
    if (!read_code(unit->security, signon->management_code, &intent)) {
        return told(unit, HSM_BAD_INTENT);
    }
    if (!lend_terminal(unit, terminal, TERMINAL_TMK, &intent.terminal_master)) {
        return told(unit, HSM_KEY_UNAUTHENTIC);
    }
    memcpy(intent.terminal_id, terminal->id, sizeof(terminal->id));
    draw(intent.random, sizeof(intent.random));
    enum hsm_answer answer = hsm_working_keys(unit->hsm, &intent, &keys);
    if (answer == HSM_DONE) {
        answer = pack_keys(unit, intent.terminal_id, &keys, made);
    }
    secret_wipe(&intent, sizeof(intent));
    secret_wipe(&keys, sizeof(keys));
    count_add(&unit->counts.keys_made, answer == HSM_DONE);
    return told(unit, answer);
}

enum hsm_answer security_open_track2(struct security_unit *unit, const char *terminal_id,
                                     struct track2 *track)
{
    struct hsm_key_handle tdk;
    const struct terminal_keys *terminal = key_table_terminal(unit->security->keys, terminal_id);
    if (!lend_terminal(unit, terminal, TERMINAL_TDK, &tdk)) {
        return told(unit, HSM_KEY_UNAUTHENTIC);
    }
    return told(unit, hsm_track2_open(unit->hsm, tdk, track));
}

/* --- channels ------------------------------------------------------------------------------ */

enum hsm_answer security_translate_pin(struct security_unit *unit, const struct security_pin *pin,
                                       struct pin_block *out)
{
    const struct terminal_keys *terminal =
        key_table_terminal(unit->security->keys, pin->terminal_id);
    struct hsm_pin_translate intent = {
        .in = *pin->in, .out_format = pin->out_format, .pan = pin->pan};
    enum hsm_answer answer = HSM_KEY_UNAUTHENTIC;
    if (lend_terminal(unit, terminal, TERMINAL_PIK, &intent.from) &&
        lend_channel(unit, pin->channel, CHANNEL_ZPK, &intent.to)) {
        if (pin->out_format != PIN_FORMAT_0) { /* format 0 has no random part */
            draw(intent.random, sizeof(intent.random));
        }
        answer = hsm_pin_translate(unit->hsm, &intent, out);
    }
    secret_wipe(&intent, sizeof(intent));
    count_add(answer == HSM_DONE ? &unit->counts.pins_translated : &unit->counts.pins_refused, 1);
    return told(unit, answer);
}

enum hsm_answer security_link_mac(struct security_unit *unit, struct security_link link,
                                  struct byte_view scope, uint8_t mac[SECURITY_MAC_BYTES])
{
    struct hsm_mac_intent intent = {.algorithm = link.algorithm, .bytes = scope};
    if (!lend_channel(unit, link.channel, CHANNEL_ZAK, &intent.key)) {
        return told(unit, HSM_KEY_UNAUTHENTIC);
    }
    return make_mac(unit, &intent, mac);
}

/* The MAC key before the last exchange, while it is still taken. */
static bool lend_before(struct security_unit *unit, uint16_t index, struct hsm_key_handle *handle)
{
    const struct channel_keys *channel = key_table_channel_at(unit->security->keys, index);
    struct key_name name = {.owner = KEY_OF_CHANNEL, .which = CHANNEL_ZAK};
    memcpy(name.holder, channel->name, sizeof(channel->name));
    return lend(unit, &channel->zak_before, &name, handle);
}

enum hsm_answer security_link_verify(struct security_unit *unit, struct security_link link,
                                     struct byte_view scope, struct byte_view mac)
{
    struct hsm_mac_intent intent = {.algorithm = link.algorithm, .bytes = scope};
    enum hsm_answer answer = HSM_KEY_UNAUTHENTIC;
    if (lend_channel(unit, link.channel, CHANNEL_ZAK, &intent.key)) {
        answer = verify_mac(unit, &intent, mac);
    } else {
        (void)told(unit, answer);
    }
    if (answer == HSM_VERIFY_FAILED && lend_before(unit, link.channel, &intent.key)) {
        answer = verify_mac(unit, &intent, mac);
    }
    count_add(&unit->counts.link_macs_failed, answer != HSM_DONE);
    return answer;
}

/* --- card numbers -------------------------------------------------------------------------- */

/* Eight random bytes and a counter: no nonce twice under one key, and no draw a payment. */
static void next_nonce(struct security_unit *unit, uint8_t nonce[12])
{
    if (unit->nonce_counter == UINT32_MAX) {
        draw(unit->nonce_prefix, sizeof(unit->nonce_prefix));
        unit->nonce_counter = 0;
    }
    memcpy(nonce, unit->nonce_prefix, sizeof(unit->nonce_prefix));
    memcpy(nonce + sizeof(unit->nonce_prefix), &unit->nonce_counter, sizeof(unit->nonce_counter));
    unit->nonce_counter++;
}

enum hsm_answer security_seal_pan(struct security_unit *unit, const struct pan *pan,
                                  struct pan_sealed *sealed)
{
    struct hsm_key_handle key;
    uint8_t nonce[12];
    if (!lend_own(unit, OWN_PAN_DATA, &key)) {
        return told(unit, HSM_KEY_UNAUTHENTIC);
    }
    next_nonce(unit, nonce);
    return told(unit, hsm_pan_seal(unit->hsm, key, pan, nonce, sealed));
}

enum hsm_answer security_open_pan(struct security_unit *unit, const struct pan_sealed *sealed,
                                  struct pan *pan)
{
    struct hsm_key_handle key;
    if (!lend_own(unit, OWN_PAN_DATA, &key)) {
        return told(unit, HSM_KEY_UNAUTHENTIC);
    }
    return told(unit, hsm_pan_open(unit->hsm, key, sealed, pan));
}

enum hsm_answer security_hash_pan(struct security_unit *unit, const struct pan *pan,
                                  struct pan_hash *hash)
{
    struct hsm_key_handle key;
    if (!lend_own(unit, OWN_PAN_HASH, &key)) {
        return told(unit, HSM_KEY_UNAUTHENTIC);
    }
    return told(unit, hsm_pan_hash(unit->hsm, key, pan, hash));
}
