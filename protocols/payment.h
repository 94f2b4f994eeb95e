/* What is meant, whatever dialect said it: one leg of a transaction, dialect-free.
 *
 * A dialect fills a payment from a message and builds a message from a payment. Fixed parts stand
 * first; the few long and opaque values (chip data, private fields) lie in the cargo at the end, so
 * that a copy moves only what is there.
 *
 * Texts end with 0 and are empty when absent; digits stay text where leading zeros count.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "protocols/base/bytes.h"
#include "protocols/base/money.h"
#include "protocols/base/pan.h"
#include "protocols/base/secret.h"
#include "protocols/device_note.h"

#define PAYMENT_CARGO_BYTES_MAX 1400

/* X(name, reversible, sentence): the transaction types of a POS terminal. Debits, credits and
 * whether one is served in this version are the engine's business. */
#define PAYMENT_KIND_MAP(X)                                                                        \
    X(UNKNOWN, false, "not known to the dialect")                                                  \
    X(SIGNON, false, "sign-on: working keys and batch number")                                     \
    X(SIGNOFF, false, "sign-off")                                                                  \
    X(ECHO, false, "echo test")                                                                    \
    X(MASTER_KEY, false, "master key download")                                                    \
    X(PARAMETER, false, "parameter download")                                                      \
    X(STATUS_UPLOAD, false, "terminal status upload")                                              \
    X(CA_KEY_LIST, false, "list of CA public keys")                                                \
    X(CA_KEY, false, "one CA public key")                                                          \
    X(AID_LIST, false, "list of chip application parameters")                                      \
    X(AID, false, "one set of chip application parameters")                                        \
    X(DOWNLOAD_END, false, "end of a download")                                                    \
    X(BIN_LIST, false, "card BIN list download")                                                   \
    X(BALANCE, false, "balance enquiry")                                                           \
    X(PURCHASE, true, "purchase")                                                                  \
    X(VOID, true, "void of a purchase")                                                            \
    X(REFUND, false, "refund")                                                                     \
    X(PREAUTH, true, "pre-authorisation")                                                          \
    X(PREAUTH_INCREMENT, true, "incremental authorisation")                                        \
    X(PREAUTH_VOID, true, "void of a pre-authorisation")                                           \
    X(CAPTURE, true, "completion of a pre-authorisation, request")                                 \
    X(CAPTURE_VOID, true, "void of a completion")                                                  \
    X(CAPTURE_ADVICE, false, "completion of a pre-authorisation, advice")                          \
    X(OFFLINE_ADVICE, false, "offline settlement, adjustment or tip")                              \
    X(OFFLINE_SALE, false, "electronic cash, offline sale upload")                                 \
    X(CASH_LOAD, true, "electronic cash load")                                                     \
    X(OTHER_SALE, true, "instalment, points, mail order or reservation sale")                      \
    X(OTHER_VOID, true, "void of such a sale")                                                     \
    X(OTHER_QUERY, false, "account check or points query")                                         \
    X(REVERSAL, false, "reversal")                                                                 \
    X(SCRIPT_RESULT, false, "result of an issuer script")                                          \
    X(SIGNATURE, false, "electronic signature upload")                                             \
    X(SETTLEMENT, false, "settlement totals")                                                      \
    X(BATCH_UPLOAD, false, "batch upload")                                                         \
    X(KEY_CHANGE, false, "key exchange of a host link")                                            \
    X(CUT_OVER, false, "cut-over of a host link")

enum payment_kind {
#define X(name, is_reversible, text) PAYMENT_##name,
    PAYMENT_KIND_MAP(X)
#undef X
        PAYMENT_KIND_COUNT
};

enum payment_leg { PAYMENT_REQUEST, PAYMENT_RESPONSE };

/* X(name, text): what may lie in the cargo. */
#define PAYMENT_CARGO_MAP(X)                                                                       \
    X(ICC, "field 55, EMV TLV")                                                                    \
    X(ADDITIONAL, "field 48")                                                                      \
    X(BALANCE, "field 54")                                                                         \
    X(INSTITUTIONS, "field 44: issuer and acquirer")                                               \
    X(PRIVATE_57, "field 57")                                                                      \
    X(PRIVATE_58, "field 58")                                                                      \
    X(PRIVATE_59, "field 59: terminal data and QR")                                                \
    X(CUSTOM_62, "field 62: keys, parameters, status")                                             \
    X(CUSTOM_63, "field 63: operator; card scheme and texts")

enum payment_cargo {
#define X(name, text) PAYMENT_CARGO_##name,
    PAYMENT_CARGO_MAP(X)
#undef X
        PAYMENT_CARGO_COUNT
};

/* Field 63 of an answer: card scheme 3, texts of issuer, scheme and acquirer 20 each, then one for
 * the terminal's display (unionpay-pos 2). */
#define PAYMENT_WORDS_AT 63
#define PAYMENT_WORDS_BYTES_MAX 60

/* What the answer to a request may say to the cashier there. */
enum payment_words {
    PAYMENT_WORDS_NONE,  /* its answer has no such field, or it is too short */
    PAYMENT_WORDS_PLAIN, /* printable ASCII */
    PAYMENT_WORDS_LOCAL  /* GBK, too */
};

/* The transaction that a reversal, void or refund speaks of. */
struct payment_original {
    /* F61.1, F61.2 at the terminal side; F90 at the host side. A terminal's reversal has the trace
     * number of its original in F11 (payment.stan); its F61, where there is one, is that of the
     * void or pre-authorisation message which it undoes. */
    uint32_t batch, stan;
    char mti[5];          /* F90 */
    char sent_at[11];     /* MMDDhhmmss, F90: F7 of the original */
    char sent_year[3];    /* YY of it, where a host's times have a year (ISO 8583:1993, F56) */
    char date[5];         /* MMDD, F61.3 */
    char rrn[13];         /* F37 as quoted */
    char auth_code[7];    /* F38 as quoted */
    char auth_mode[3];    /* F61.4: 00 POS, 01 phone, 02 stand-in */
    char institution[12]; /* F61.5 */
    /* What a wallet knows it by, beside RRN and STAN: the order number is made of these, and a
     * refund names the whole amount, too. Filled by the engine; terminals say neither. */
    char terminal_id[9];
    struct money amount;
    /* Of a REVERSAL: the channel had approved it, so that a wallet gives the money back instead of
     * cancelling an order whose fate is open. */
    bool is_approved;
};

struct payment {
    enum payment_kind kind;
    enum payment_kind original_kind; /* of a REVERSAL: the kind it undoes */
    enum payment_leg leg;
    uint8_t is_repeat;         /* the message type says "repeat" (0401, 0421) */
    uint8_t answer_words;      /* of a terminal's request: enum payment_words */
    uint32_t stan, batch;      /* F11, F60.2 */
    struct money amount;       /* F4, F49 */
    char terminal_id[9];       /* F41 */
    char merchant_id[16];      /* F42 */
    char processing_code[7];   /* F3 */
    char condition_code[3];    /* F25 */
    char type_code[3];         /* F60.1 */
    char management_code[4];   /* F60.3 */
    char custom_60_rest[12];   /* F60.4 and on, as digits */
    char entry_mode[4];        /* F22 */
    char card_sequence[4];     /* F23 */
    char pin_length_limit[3];  /* F26 */
    char expiry[5];            /* F14, YYMM */
    char response_code[3];     /* F39 of a response */
    char reversal_reason[3];   /* F39 of a terminal's reversal: 98, 96, A0, 06 */
    char auth_code[7];         /* F38 */
    char rrn[13];              /* F37 */
    char local_time[7];        /* F12, hhmmss */
    char local_date[5];        /* F13, MMDD */
    char local_year[3];        /* YY, where a host's times have a year (ISO 8583:1993, F12) */
    char settlement_date[5];   /* F15, MMDD */
    char settlement_year[3];   /* YY, as local_year (F15) */
    char sent_at[11];          /* F7, MMDDhhmmss, host side */
    char acquirer_id[12];      /* F32 */
    char forwarder_id[12];     /* F33, host side */
    char mcc[5];               /* F18, host side */
    char network_code[4];      /* F70, host side: 001, 002, 301, 101, 201 */
    char security_control[17]; /* F53 */
    struct payment_original original;
    struct pan pan; /* F2, or from track 2 when F2 is absent */
    struct pan_hash pan_hash;
    struct pan_sealed pan_sealed;
    struct pin_block pin; /* F52 */
    struct track2 track2; /* F35 */
    struct track3 track3; /* F36 */
    char pay_code[25];    /* F59 A3: the customer's code as scanned, digits; good for a minute */
    char voucher[21];     /* F59 A4: payment voucher of a QR payment, 20 digits */
    struct device_note device; /* of a terminal's request: what it tells of itself */
    struct {
        uint16_t offset, length;
    } cargo[PAYMENT_CARGO_COUNT];
    uint16_t cargo_length;
    uint8_t cargo_bytes[PAYMENT_CARGO_BYTES_MAX]; /* last: a copy stops at cargo_length */
};

const char *payment_kind_name(enum payment_kind kind); /* "purchase": lower case, for files */
const char *payment_kind_text(enum payment_kind kind);
bool payment_kind_is_reversible(enum payment_kind kind);
/* PAYMENT_UNKNOWN when no kind has that name. */
enum payment_kind payment_kind_from_name(const char *name);

/* Empties all but the bytes behind the cargo. */
void payment_clear(struct payment *payment);
void payment_copy(struct payment *to, const struct payment *from);
/* Wipes PAN, tracks, PIN block, payment code and cargo; for buffers that held card data (I37). */
void payment_wipe(struct payment *payment);

/* Appends a copy to the cargo. STATUS_NO_ROOM: full. STATUS_DUPLICATE: that cargo is there. */
MUST_CHECK enum status payment_set_cargo(struct payment *payment, enum payment_cargo which,
                                         struct byte_view value);
/* Length 0 when absent. The bytes stay the payment's. */
struct byte_view payment_cargo(const struct payment *payment, enum payment_cargo which);

/* F39 00, 10, 11, A2, A4, A5, A6: the only codes that post money (unionpay). */
bool payment_is_approval(const char response_code[3]);
