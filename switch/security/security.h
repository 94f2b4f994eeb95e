/* Which key belongs to whom, and the calls that terminals and channels make of it.
 *
 * All threads share one table of sealed keys; each thread has a unit of its own, a security module
 * that no other thread touches. A key is read from the table under a sequence lock, lent to the
 * unit's module, used once. Only the engine's thread writes: a settled key_set, working keys when a
 * sign-on is answered. So a worker sees a terminal's old keys or its new ones, never a mixture.
 *
 * Key names are fixed: term:<terminal_id>:tmk, :pik, :mak, :tdk; chan:<name>:zpk, :zak, :zmk;
 * own:pan:data, own:pan:hash. A block is bound to its name.
 *
 * The soft module answers at once, so these calls are direct. One that answers later needs a
 * callback in gate, reply, keys and translation; the callers stand at points where they can wait
 * (a request read, an effect let out), and make_keys is already two events for the engine.
 *
 * Life:  security_create -> key_set_apply -> security_check -> install (replay) -> calls ... ->
 *        security_destroy
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "hsm/hsm.h"
#include "protocols/payment.h"
#include "switch/net/count.h"

#define SECURITY_REASON_SIZE 256
#define SECURITY_MAC_BYTES 8
#define SECURITY_FAILURES_SIGNON 3 /* bad MACs in a row after which a terminal is to sign on */
#define SECURITY_UNIT_COUNT_MAX 16
#define SECURITY_KEYS_BYTES 210 /* working keys of a terminal, as a record carries them */

struct security;
struct security_unit;

struct security_setup {
    const uint8_t *master_key; /* HSM_MASTER_KEY_BYTES; the caller wipes his */
    bool is_test_master_key;
    enum hsm_pin_policy pin_policy;
    uint32_t terminal_count_max;
    uint16_t unit_count;                 /* threads: SECURITY_UNIT_COUNT_MAX at most */
    enum hsm_mac_algorithm terminal_mac; /* the rule between terminals and us */
    bool is_mak_single;                  /* sign-on 003 and 004 give a zero-padded MAK */
};

/* NULL: no memory, or OpenSSL lacks an algorithm. */
struct security *security_create(const struct security_setup *setup);
void security_destroy(struct security *security); /* all threads have ended; wipes */
struct security_unit *security_unit(struct security *security, uint16_t index);

/* --- the engine's thread ------------------------------------------------------------------ */

/* Whether the keys are there without which nothing can be served (own:pan:data, own:pan:hash).
 * STATUS_MISSING: `reason` names what lacks. */
MUST_CHECK enum status security_check(const struct security *security,
                                      char reason[SECURITY_REASON_SIZE]);

/* Puts the working keys of a sign-on in force: what made->records held, or record.keys at replay.
 * Call it before the reply leaves. STATUS_MALFORMED: other bytes. STATUS_NOT_FOUND: no such
 * terminal (removed since the record was written). */
MUST_CHECK enum status security_install(struct security *security, struct byte_view records);

/* The channel of that name for the calls below; -1: no key of it has been loaded. */
int security_channel(const struct security *security, const char *name);

/* --- any thread ---------------------------------------------------------------------------- */

/* Whether a master key of this terminal has been loaded; without it the terminal cannot sign on. */
bool security_has_terminal(const struct security *security, const char *terminal_id);

/* --- any thread, with its own unit -------------------------------------------------------- */

enum security_gate {
    SECURITY_PASS,
    SECURITY_BAD_MAC, /* answer A0 */
    SECURITY_NO_KEY,  /* the terminal has no MAC key here; outward the same A0 */
    SECURITY_FAULT    /* our fault or the module's: answer A7, wake an operator */
};

struct security_verdict {
    enum security_gate gate;
    enum hsm_answer answer; /* for the log */
    uint32_t failures;      /* in a row, this one included */
    bool asks_signon;       /* header digit 6 = 3: SECURITY_FAILURES_SIGNON reached, or no key */
};

#define SECURITY_KCV_COUNT 4 /* of a terminal's keys */
#define SECURITY_KCV_BYTES 3 /* what may be shown of a key (X9.24-1) */
struct security_kcv {
    char name[HSM_KEY_NAME_SIZE]; /* "term:10000001:mak" */
    uint8_t kcv[SECURITY_KCV_BYTES];
};
/* The check values of the keys that the terminal has here; answers how many. A key that does not
 * hold is left out. */
uint32_t security_terminal_kcvs(struct security_unit *unit, const char *terminal_id,
                                struct security_kcv kcvs[SECURITY_KCV_COUNT]);

/* The MAC of a request, before any field is acted on (I36). `mac` is the field's 8 bytes. */
struct security_verdict security_gate_verify(struct security_unit *unit, const char *terminal_id,
                                             struct byte_view scope, struct byte_view mac);
/* Why the MAC of a request probably failed, in words that an operator can act on: another rule
 * would fit it, or none has held since the terminal's last sign-on. NULL: nothing speaks for a
 * cause. For our own log, never for the peer. */
const char *security_gate_hint(struct security_unit *unit, const char *terminal_id,
                               struct byte_view scope, struct byte_view mac);
/* Whether it would hold over other bytes; nothing is counted. For such a hint alone. */
bool security_gate_would_hold(struct security_unit *unit, const char *terminal_id,
                              struct byte_view scope, struct byte_view mac);
/* The MAC of a reply, for message_put_mac. */
MUST_CHECK enum hsm_answer security_reply_mac(struct security_unit *unit, const char *terminal_id,
                                              struct byte_view scope,
                                              uint8_t mac[SECURITY_MAC_BYTES]);

struct security_made_keys {
    uint8_t field_62[84]; /* for the terminal */
    uint8_t field_62_length;
    uint8_t records[SECURITY_KEYS_BYTES]; /* for the log and for security_install */
    uint16_t records_length;
};
/* Working keys for a sign-on (management code 001, 003, 004). HSM_BAD_INTENT: another code.
 * HSM_KEY_UNAUTHENTIC: no master key for this terminal, or it does not hold. */
MUST_CHECK enum hsm_answer security_make_keys(struct security_unit *unit,
                                              const struct payment *signon,
                                              struct security_made_keys *made);

/* Track 2 enciphered by the terminal (field 53, digit 3): deciphered in place. */
MUST_CHECK enum hsm_answer security_open_track2(struct security_unit *unit, const char *terminal_id,
                                                struct track2 *track);

struct security_pin {
    const char *terminal_id;
    uint16_t channel;           /* of security_channel() */
    const struct pin_block *in; /* with its format; one outside the table is HSM_FORMAT_DENIED */
    enum pin_block_format out_format;
    const struct pan *pan;
};
MUST_CHECK enum hsm_answer security_translate_pin(struct security_unit *unit,
                                                  const struct security_pin *pin,
                                                  struct pin_block *out);

struct security_link { /* the MAC of a bank link */
    uint16_t channel;
    enum hsm_mac_algorithm algorithm;
};
MUST_CHECK enum hsm_answer security_link_mac(struct security_unit *unit, struct security_link link,
                                             struct byte_view scope,
                                             uint8_t mac[SECURITY_MAC_BYTES]);
MUST_CHECK enum hsm_answer security_link_verify(struct security_unit *unit,
                                                struct security_link link, struct byte_view scope,
                                                struct byte_view mac);

/* As security_gate_hint(), of a bank's message. */
const char *security_link_hint(struct security_unit *unit, struct security_link link,
                               struct byte_view scope, struct byte_view mac);

MUST_CHECK enum hsm_answer security_seal_pan(struct security_unit *unit, const struct pan *pan,
                                             struct pan_sealed *sealed);
MUST_CHECK enum hsm_answer security_open_pan(struct security_unit *unit,
                                             const struct pan_sealed *sealed, struct pan *pan);
MUST_CHECK enum hsm_answer security_hash_pan(struct security_unit *unit, const struct pan *pan,
                                             struct pan_hash *hash);

/* --- what has been done ------------------------------------------------------------------- */

/* X(name, sentence): of a unit, written by its thread. */
#define SECURITY_COUNT_MAP(X)                                                                      \
    X(macs_verified, "terminal MACs that held")                                                    \
    X(macs_failed, "terminal MACs that did not")                                                   \
    X(macs_made, "MACs of replies")                                                                \
    X(keys_made, "sets of working keys")                                                           \
    X(pins_translated, "PIN blocks translated")                                                    \
    X(pins_refused, "PIN blocks refused")                                                          \
    X(link_macs_failed, "bank MACs that did not hold")                                             \
    X(faults, "answers that blame us: keys, policy, module")

struct security_counts {
#define X(name, text) struct count name;
    SECURITY_COUNT_MAP(X)
#undef X
};
const struct security_counts *security_counts(const struct security_unit *unit);
