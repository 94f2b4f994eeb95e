/* One call to a wallet and its answer, without the sockets: which wallet is meant, what befalls the
 * call, who answers.
 *
 * Thread safe: the book's lock guards the books and the faults, all else is only read.
 *
 * Life of an answer:  gateway_answer -> send as `ending` and `delay_ms` say -> reply_free
 */
#pragma once

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#include <jansson.h>

#include "loadtest/wallet/book.h"
#include "loadtest/wallet/keyring.h"
#include "loadtest/wallet/mischief.h"
#include "loadtest/wallet/seal.h"
#include "protocols/base/bytes.h"

#define GATEWAY_AMOUNT_MAX INT64_C(10000000000) /* fen: 100,000,000 yuan */
#define REPLY_HEADER_COUNT_MAX 6
#define CALL_PATH_SIZE 512

struct gateway {
    struct keyring *keyring;        /* borrowed */
    struct book *book;              /* borrowed */
    struct mischief *mischief;      /* borrowed; behind the book's lock */
    const char *app_id, *seller_id; /* Alipay: who may call, who is paid */
    const char *appid, *mchid;      /* WeChat Pay: the same */
    const char *wechat_notify_url;  /* for calls that name none; may be empty */
    char base_url[64];              /* of what is downloaded here: https://ADDRESS:PORT */
    int64_t skew_us;                /* how far the wallets' clock is ahead */
    uint32_t reverse_min_ms;        /* WeChat Pay undoes no payment younger than this */
    uint32_t refund_days_max;
    atomic_uint platform; /* index of the platform certificate in use */
};

/* A call, as it came. Everything is borrowed; texts end with 0, absent ones are "". */
struct call {
    const char *method, *target, *path, *query; /* target: path and query as they came */
    const char *authorization, *negative_test;
    struct byte_view body;
    bool has_client_certificate;   /* signed by the CA */
    int64_t now_us;                /* wall clock */
    const struct verdict *verdict; /* of a call that was held: decided before; else NULL */
};

enum reply_ending {
    REPLY_WHOLE,
    REPLY_CUT,     /* the connection closes after half of it */
    REPLY_DROPPED, /* ... before it */
    REPLY_NEVER    /* nothing comes, and nothing closes */
};

struct reply {
    unsigned status;
    char *body; /* owner; text, ends with 0 */
    const char *type;
    struct {
        const char *name;
        char value[SEAL_SIGNATURE_SIZE];
    } headers[REPLY_HEADER_COUNT_MAX];
    uint32_t header_count;
    uint32_t delay_ms; /* before it leaves */
    enum reply_ending ending;
    bool is_held; /* nothing was done yet: call again after delay_ms, with `verdict` */
    struct verdict verdict;
};

/* STATUS_BROKEN, STATUS_NO_MEMORY: the books cannot be kept; stop, and answer nobody. */
MUST_CHECK enum status gateway_answer(struct gateway *gateway, const struct call *call,
                                      struct reply *reply);
void reply_free(struct reply *reply);

/* ---- for the three that answer ---- */

/* Asks what befalls this call, within the book. False: it is held; nothing is to be done now. */
bool gateway_decide(struct gateway *gateway, const struct call *call,
                    const struct occasion *occasion, struct reply *reply);
/* What a buyer does, from a verdict. */
void gateway_purchase(const struct verdict *verdict, struct purchase *purchase);

void reply_header(struct reply *reply, const char *name, const char *value);
/* The text member of that name; "" when it is absent or no text. */
const char *json_text(const json_t *object, const char *name);
/* The object that a text is. NULL: it is none, or has a name twice. */
json_t *json_object_read(struct byte_view text);

/* Letters, digits and those of `others`, 1 to `count_max` of them. */
bool number_is_sound(const char *text, uint32_t count_max, const char *others);
bool text_is_digits(const char *text, uint32_t count_min, uint32_t count_max);
/* Whether a payment code can be this wallet's: 16 to 24 digits from 25 to 30; 18 digits from 10
 * to 15. */
bool code_is_of(enum wallet wallet, const char *code);

/* Yuan with up to two decimals, into fen. STATUS_MALFORMED, STATUS_BAD_VALUE (0, or above
 * GATEWAY_AMOUNT_MAX). */
MUST_CHECK enum status yuan_read(const char *text, int64_t *fen);
void yuan_write(int64_t fen, char text[24]);
/* Beijing time; formats of strftime. */
void time_write(int64_t at_us, const char *format, char *text, uint32_t size);
/* YYYY-MM-DD or YYYYMMDD into the first microsecond of that day in Beijing. STATUS_MALFORMED. */
MUST_CHECK enum status day_read(const char *text, int64_t *begin_us);
