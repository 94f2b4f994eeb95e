/* What may be asked of a security module: intents in, answers out, keys only as handles.
 *
 * A caller says what it wants; it never names a device command and never sees a clear key or PIN.
 * This folder is pure: random bytes come in with the intent, the master key is handed in once by
 * the rim. Answers are values: negative blames us, positive the peer.
 *
 * Life:  hsm_soft_create -> key_load / perform ... -> hsm_destroy     (one module a thread)
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "protocols/base/bytes.h"
#include "protocols/base/pan.h"
#include "protocols/base/secret.h"

#define HSM_KEY_NAME_SIZE 32    /* "term:10000001:mak"; stands in the key block's LB block */
#define HSM_KEY_BLOCK_SIZE 256  /* TR-31 text with its final 0 */
#define HSM_MASTER_KEY_BYTES 32 /* AES-256 */
#define HSM_KCV_BYTES_MAX 5
#define HSM_MAC_BYTES_MAX 16

#define HSM_ANSWER_MAP(X)                                                                          \
    X(DONE, 0, "done")                                                                             \
    X(VERIFY_FAILED, 1, "the MAC does not match")                                                  \
    X(BAD_PIN_BLOCK, 2, "what comes out is no PIN block of the announced format")                  \
    X(BAD_PAN, 3, "the card number cannot be used")                                                \
    X(BAD_KSN, 4, "the key serial number cannot be used")                                          \
    X(FORMAT_DENIED, -1, "this pair of PIN block formats is not allowed")                          \
    X(KEY_USAGE, -2, "usage, mode or algorithm of the key forbids it")                             \
    X(KEY_UNAUTHENTIC, -3, "the key block fails its check, or belongs to another record")          \
    X(NOT_PERMITTED, -4, "the PIN policy or the module's state forbids it")                        \
    X(UNAVAILABLE, -5, "no security module answers")                                               \
    X(EXPIRED, -6, "the security module did not answer in time")                                   \
    X(BAD_INTENT, -7, "the intent itself is malformed")

enum hsm_answer {
#define X(name, value, text) HSM_##name = (value),
    HSM_ANSWER_MAP(X)
#undef X
};

const char *hsm_answer_text(enum hsm_answer answer);

enum hsm_pin_policy { HSM_PIN_NONE, HSM_PIN_LAB, HSM_PIN_LIVE }; /* non_pin, lab, live */

/* UnionPay's "format 1" (digit 1 of field 53) is ISO format 0 with an all-zero PAN part: refused.
 */
enum pin_block_format { PIN_FORMAT_0 = 0, PIN_FORMAT_1 = 1, PIN_FORMAT_3 = 3, PIN_FORMAT_4 = 4 };

enum hsm_mac_algorithm {
    HSM_MAC_UNIONPAY_ECB, /* hsm: 8 characters of hex, as they stand in field 64 */
    HSM_MAC_X9_9,         /* ISO 9797-1 algorithm 1, padding 1 */
    HSM_MAC_X9_19,        /* ISO 9797-1 algorithm 3, padding 1 */
    HSM_MAC_XOR_TDES,     /* exclusive or of all blocks, then EDE2: 8 raw bytes */
    HSM_MAC_CMAC          /* NIST SP 800-38B over AES or TDES */
};

enum hsm_key_kind { /* what a key may be used for; the TR-31 usage and mode follow from it */
                    HSM_KEY_TERMINAL_MASTER, /* TMK, K0 B */
                    HSM_KEY_ZONE_MASTER,     /* ZMK, K0 B */
                    HSM_KEY_PIN_IN,          /* PIK, P0 D */
                    HSM_KEY_PIN_OUT,         /* ZPK, P0 E */
                    HSM_KEY_MAC,             /* MAK / TAK / ZAK, M1 C (8 or 16 bytes) */
                    HSM_KEY_MAC_3,           /* M3 C */
                    HSM_KEY_TRACK,           /* TDK, D0 B */
                    HSM_KEY_DATA,            /* our own data key, AES, D0 B */
                    HSM_KEY_HASH,            /* HMAC, M7 C */
                    HSM_KEY_CMAC,            /* M6 C, TDES or AES */
                    HSM_KEY_KIND_COUNT
};

/* "pin_in": lower case, for files; and back: HSM_KEY_KIND_COUNT when no kind has that name. */
const char *hsm_key_kind_name(enum hsm_key_kind kind);
enum hsm_key_kind hsm_key_kind_from_name(const char *name);

/* One key at rest: a TR-31 D block under the master key, bound to its name by an LB block. */
struct hsm_key_record {
    char name[HSM_KEY_NAME_SIZE];
    char block[HSM_KEY_BLOCK_SIZE];
};

/* The same block in binary, without its name: what a table of 10^5 terminals, and the log, keep.
 * A plain value, as safe at rest as the block: its MAC covers name, usage and payload. */
#define HSM_SEALED_PAYLOAD_MAX 48
struct hsm_key_sealed {
    uint8_t kind;           /* enum hsm_key_kind */
    uint8_t algorithm;      /* the letter of the block: T, D, A, H; 0: no key here */
    uint8_t payload_length; /* 32 or 48 */
    uint8_t mac[16];
    uint8_t payload[HSM_SEALED_PAYLOAD_MAX];
};
_Static_assert(sizeof(struct hsm_key_sealed) == 67, "lies in files and records as it is");

struct hsm;

/* The published master key of demo, tests and fleets: the text "TILLWAY TEST MASTER KEY NO
 * SECRT". A server takes it only in the lab and on loopback (switch/security/). */
extern const uint8_t HSM_TEST_MASTER_KEY[HSM_MASTER_KEY_BYTES];

struct hsm_setup {
    const uint8_t *master_key; /* HSM_MASTER_KEY_BYTES; used up inside, caller wipes his */
    bool is_test_master_key;
    enum hsm_pin_policy pin_policy;
    uint32_t key_count_max;
};

/* The soft module over OpenSSL. NULL: no memory, or OpenSSL lacks an algorithm. One thread at a
 * time may use a module; each worker makes its own. */
struct hsm *hsm_soft_create(const struct hsm_setup *setup);
void hsm_destroy(struct hsm *hsm); /* wipes */

/* Names a loaded key; an old generation is refused. All zero: no key. */
struct hsm_key_handle {
    uint32_t slot, generation;
};

/* Loads a key record after checking block, name and usage. Loading under a name that is loaded
 * already replaces it (same slot, new generation).
 * HSM_KEY_UNAUTHENTIC, HSM_KEY_USAGE, HSM_NOT_PERMITTED (PIN policy), HSM_BAD_INTENT: no room. */
MUST_CHECK enum hsm_answer hsm_key_load(struct hsm *hsm, const struct hsm_key_record *record,
                                        enum hsm_key_kind kind, struct hsm_key_handle *handle);
void hsm_key_unload(struct hsm *hsm, struct hsm_key_handle handle);

/* Checks a record as hsm_key_load does and gives its binary form, taking no slot. */
MUST_CHECK enum hsm_answer hsm_key_seal(struct hsm *hsm, const struct hsm_key_record *record,
                                        enum hsm_key_kind kind, struct hsm_key_sealed *sealed);
/* The text form of a sealed key, for files and people. REQUIREs that there is a key. */
void hsm_key_text(const struct hsm_key_sealed *sealed, const char *name,
                  struct hsm_key_record *record);

/* Lends a sealed key a slot for the operation at hand: the handle is good until the eighth visit
 * after it. Costs a copy; the key's checks come with its use (HSM_KEY_UNAUTHENTIC there). */
#define HSM_VISIT_COUNT 8
struct hsm_key_handle hsm_key_visit(struct hsm *hsm, const struct hsm_key_sealed *sealed,
                                    const char *name);

/* Wraps a clear key once, for fleets made by tests and the demo: refused (HSM_NOT_PERMITTED) unless
 * the master key is the test one. HSM_KEY_USAGE: a length the kind has not. HSM_KEY_UNAUTHENTIC:
 * a TDES key of wrong parity, weak, or with equal halves (clear_key.h mends the parity). */
MUST_CHECK enum hsm_answer hsm_key_wrap_clear(struct hsm *hsm, const char *name,
                                              enum hsm_key_kind kind, struct byte_view clear,
                                              const uint8_t random[32],
                                              struct hsm_key_record *record);

struct hsm_mac_intent {
    struct hsm_key_handle key;
    enum hsm_mac_algorithm algorithm;
    struct byte_view bytes;
    uint8_t mac[HSM_MAC_BYTES_MAX]; /* generate: out; verify: in */
    uint8_t mac_length; /* UNIONPAY_ECB 8 characters; X9 4 or 8; XOR_TDES 8; CMAC 4, 8, AES 16 */
};
/* MAC keys serve UNIONPAY_ECB, X9_9 and XOR_TDES; MAC_3 keys X9_19; CMAC keys CMAC. */
MUST_CHECK enum hsm_answer hsm_mac_generate(struct hsm *hsm, struct hsm_mac_intent *intent);
MUST_CHECK enum hsm_answer hsm_mac_verify(struct hsm *hsm, const struct hsm_mac_intent *intent);

struct hsm_pin_translate {
    struct hsm_key_handle from, to;
    struct pin_block in;
    enum pin_block_format out_format;
    const struct pan *pan; /* one: a change of PAN cannot be expressed */
    uint8_t random[16];
};
MUST_CHECK enum hsm_answer
hsm_pin_translate(struct hsm *hsm, const struct hsm_pin_translate *intent, struct pin_block *out);

/* Working keys for a terminal's sign-on (unionpay 60.3 = 001, 003, 004). */
struct hsm_working_keys_intent {
    struct hsm_key_handle terminal_master;
    char terminal_id[9];   /* names the records: "term:<id>:pik", ":mak", ":tdk" */
    bool is_double_length; /* 003, 004: 16-byte keys */
    bool is_mak_single; /* 003/004: single-length MAK, zero-padded field (option of the dialect) */
    bool is_mak_algorithm_3; /* the dialect's rule is X9.19: the MAK is a MAC_3 key */
    bool with_track_key;     /* 004 */
    uint8_t random[160];     /* the caller draws them */
};
struct hsm_working_keys {
    struct hsm_key_record pik, mak, tdk; /* for our store; tdk.name empty when not asked */
    uint8_t field_62[84];
    uint8_t field_62_length;
};
/* HSM_BAD_INTENT: a TMK or options that do not fit, or random bytes that make an unusable key (draw
 * again; it happens once in 2^50). */
MUST_CHECK enum hsm_answer hsm_working_keys(struct hsm *hsm,
                                            const struct hsm_working_keys_intent *intent,
                                            struct hsm_working_keys *keys);

/* A TDES key received under a zone or terminal master key (ECB), with its check value. For a MAC
 * key of 16 bytes whose second half is eight literal zeros the key has 8 bytes (the trap of
 * UnionPay's sign-on). HSM_VERIFY_FAILED: the check value is another. HSM_KEY_UNAUTHENTIC: parity,
 * weak. */
struct hsm_key_import {
    struct hsm_key_handle master;
    const char *name;
    enum hsm_key_kind kind;
    struct byte_view enciphered, check_value; /* check_value empty: not given */
    uint8_t random[32];
};
MUST_CHECK enum hsm_answer hsm_key_import(struct hsm *hsm, const struct hsm_key_import *intent,
                                          struct hsm_key_record *record);

/* Check value: TDES at most 4 bytes (more than 3 only where a dialect asks), AES CMAC at most 5. */
MUST_CHECK enum hsm_answer hsm_key_check(struct hsm *hsm, struct hsm_key_handle key, uint8_t *kcv,
                                         uint8_t length);

/* Card numbers for our own disk: sealed (AES-256-GCM under a HSM_KEY_DATA key) and hashed
 * (HMAC-SHA-256 under a HSM_KEY_HASH key, first 16 bytes; HSM_UNAVAILABLE: no memory for it). */
MUST_CHECK enum hsm_answer hsm_pan_seal(struct hsm *hsm, struct hsm_key_handle key,
                                        const struct pan *pan, const uint8_t nonce[12],
                                        struct pan_sealed *sealed);
MUST_CHECK enum hsm_answer hsm_pan_open(struct hsm *hsm, struct hsm_key_handle key,
                                        const struct pan_sealed *sealed, struct pan *pan);
MUST_CHECK enum hsm_answer hsm_pan_hash(struct hsm *hsm, struct hsm_key_handle key,
                                        const struct pan *pan, struct pan_hash *hash);

/* Track data under a terminal's TDK (unionpay-pos section 14): one 8-byte block of the packed
 * digits is deciphered in place. */
MUST_CHECK enum hsm_answer hsm_track2_open(struct hsm *hsm, struct hsm_key_handle key,
                                           struct track2 *track);
