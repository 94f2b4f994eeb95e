/* One question to a wallet and its answer, whatever wallet it is: who asks, what is asked, the HTTP
 * request that says it, the HTTP answer, and what that comes to.
 *
 *   wallet_write   party + request -> message      signs: 0.3 ms, so in a thread of the pool
 *   wallet_read    party + request + reply -> answer    verifies first; 20 µs
 *   wallet_read_notify   party + notify -> answer
 *
 * Nothing is believed before its signature is verified (wallets 1): what does not verify is UNKNOWN
 * and marked as forged. All of it is pure: time and nonce come in the request, and writing only
 * reads the party, so several threads may write at once.
 */
#pragma once

#include "protocols/base/money.h"
#include "protocols/wallet/wallet.h"
#include "protocols/wallet/wallet_keys.h"

#define WALLET_URL_SIZE 200
#define WALLET_TARGET_SIZE 320
#define WALLET_BODY_BYTES_MAX 6144 /* a form with all of JSON escaped */
#define WALLET_AUTHORIZATION_SIZE 1200
#define WALLET_NONCE_CHARACTERS 32
#define WALLET_HEADER_SIZE 128
#define WALLET_WORDS_SIZE 256
#define WALLET_CLOCK_SKEW_MAX_S 300 /* a timestamp more than five minutes off is refused */

/* We, as the wallet knows us; empty texts are not given. */
struct wallet_party {
    enum wallet_kind kind;
    bool signs_with_md5; /* WeChat Pay v2 */
    char app_id[33], mch_id[33], sub_mch_id[33], seller_id[33];
    char app_auth_token[65], service_provider_id[33], device_ip[46];
    char notify_url[WALLET_URL_SIZE];
    char serial[WALLET_SERIAL_SIZE];               /* v3: of our certificate */
    char api_v3_key[WALLET_SECRET_CHARACTERS + 1]; /* v3 */
    char api_key[WALLET_SECRET_CHARACTERS + 1];    /* v2 */
    EVP_PKEY *key;                                 /* owner; ours: Alipay, v3 */
    struct wallet_keys keys; /* the wallet's; Alipay has one, whose serial is empty */
};
void wallet_party_clear(struct wallet_party *party);

struct wallet_request {
    enum wallet_ask ask;
    char order[WALLET_ORDER_SIZE];
    char refund[WALLET_REFUND_SIZE]; /* of a refund and its query */
    char pay_code[25];               /* of a payment: wiped by whoever made the request */
    char terminal_id[9], merchant_id[16];
    int64_t amount_minor;                    /* of the order, in fen */
    int64_t refund_minor;                    /* of the refund */
    int64_t wall_s;                          /* UTC */
    char nonce[WALLET_NONCE_CHARACTERS + 1]; /* letters and digits nobody can foretell */
};

struct wallet_message {
    bool is_get;
    bool wants_client_certificate;
    const char *content_type;        /* NULL: no body */
    char target[WALLET_TARGET_SIZE]; /* behind the wallet's URL: "" or "/path?query" */
    char authorization[WALLET_AUTHORIZATION_SIZE];
    uint32_t body_length;
    uint8_t body[WALLET_BODY_BYTES_MAX];
};

/* STATUS_NO_ROOM: a text too long for the wallet. STATUS_BROKEN: it could not be signed. */
MUST_CHECK enum status wallet_write(const struct wallet_party *party,
                                    const struct wallet_request *request,
                                    struct wallet_message *message);

/* What came back: of an answer, or of a notify (http_status 0). */
struct wallet_reply {
    uint16_t http_status;
    struct byte_view body;
    int64_t wall_s; /* when it came */
    /* WeChat Pay v3; empty: not there */
    char timestamp[WALLET_HEADER_SIZE], nonce[WALLET_HEADER_SIZE], serial[WALLET_SERIAL_SIZE];
    char signature[WALLET_SIGNATURE_SIZE];
};

struct wallet_answer {
    enum wallet_verdict verdict;
    char response_code[3];         /* of FAILED */
    bool is_alert;                 /* an operator must look */
    bool is_forged;                /* a signature that is missing or does not verify */
    bool wants_certificates;       /* it names a certificate that we do not have */
    char order[WALLET_ORDER_SIZE]; /* of a notify: the order it speaks of */
    int64_t amount_minor;          /* of a PAID order, as the wallet says; -1: it does not */
    char words[WALLET_WORDS_SIZE]; /* what the wallet said, for the log: codes, never personal data
                                    */
};

/* Certificates are taken into party->keys: the verdict is then PAID when all is well. */
void wallet_read(struct wallet_party *party, const struct wallet_request *request,
                 const struct wallet_reply *reply, struct wallet_answer *answer);

/* A verdict of PAID, UNDONE …, or UNKNOWN for what is no notify of an order of ours. */
void wallet_read_notify(const struct wallet_party *party, const struct wallet_reply *reply,
                        struct wallet_answer *answer);

/* For the wallets themselves. */

#define WALLET_WRITTEN_ANEW                                                                        \
    ", but would without its blanks: something on the way writes what the wallet says anew"

/* Marks the answer as UNKNOWN with these words. */
void wallet_answer_say(struct wallet_answer *answer, const char *format, ...)
    __attribute__((format(printf, 2, 3)));
/* Adds to the words what a wallet's code means for whoever must put it right: our signature, our
 * rights, our numbers. Other codes add nothing. */
void wallet_answer_explain(struct wallet_answer *answer, const char *code);
/* A signature that is none: silence and an alert. */
void wallet_answer_forge(struct wallet_answer *answer, const char *format, ...)
    __attribute__((format(printf, 2, 3)));
/* Whether the answer speaks of the order that was asked for; else it is worth nothing. */
MUST_CHECK bool wallet_answer_fits(struct wallet_answer *answer,
                                   const struct wallet_request *request, const char *order);
