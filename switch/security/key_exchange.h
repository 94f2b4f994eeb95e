/* Working keys that a bank sends for its links: opened under the zone master key (chan:<name>:zmk),
 * put in force beside the MAC key before, and kept as sealed blocks, so that a restart finds them.
 *
 * A key that was exchanged is younger than the one of the same name in the key file, as long as
 * that one stays what it was; an operator who loads another one there begins anew with that.
 *
 * The engine's thread alone.
 *
 * Life:  key_exchange_open ... -> (key_exchange_text is on disk) -> key_exchange_install ->
 *        key_exchange_forget
 */
#pragma once

#include "switch/security/key_table.h"
#include "switch/security/security.h"

#define KEY_EXCHANGE_COUNT_MAX 2 /* CHANNEL_ZPK and CHANNEL_ZAK */
#define KEY_EXCHANGE_TEXT_SIZE 2048

/* One key as the bank sent it: TDES under the zone master key in ECB, and the first bytes of its
 * check value. */
struct key_offer {
    enum channel_key which;
    struct byte_view enciphered, check_value;
};

struct key_exchange {
    uint16_t channel; /* of security_channel() */
    uint32_t count;
    struct {
        uint8_t which; /* enum channel_key */
        struct hsm_key_sealed sealed;
    } keys[KEY_EXCHANGE_COUNT_MAX];
};

/* Opens one key and adds it. HSM_VERIFY_FAILED: the check value is another one.
 * HSM_KEY_UNAUTHENTIC: no zone master key is loaded, or the key is none (parity, weak).
 * HSM_BAD_INTENT: no key has that length, or this one came twice. */
MUST_CHECK enum hsm_answer key_exchange_open(struct security_unit *unit,
                                             struct key_exchange *exchange,
                                             const struct key_offer *offer);
/* Puts the keys in force. The MAC key before is still taken from the bank, until forget. */
void key_exchange_install(struct security *security, const struct key_exchange *exchange);
void key_exchange_forget(struct security *security, uint16_t channel);

/* What a file must hold so that key_exchange_restore finds these keys and those of the channel that
 * were exchanged before: rows name,kind,block,replaces. */
void key_exchange_text(struct security *security, const struct key_exchange *exchange,
                       struct byte_writer *writer);

struct key_exchange_row {
    const char *name, *kind, *block, *replaces;
};
/* After the key file has been loaded. STATUS_DUPLICATE: the key file holds another key than the one
 * that was replaced, which stays in force. Else as security_load_key. */
MUST_CHECK enum status key_exchange_restore(struct security *security,
                                            const struct key_exchange_row *row,
                                            char reason[SECURITY_REASON_SIZE]);
