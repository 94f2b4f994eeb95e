/* What the wallets do wrong, how often, and when: told for one call (a header), for the next calls
 * of a kind (a script), for an amount, or drawn by rate from a seed; the first of these that speaks
 * decides.
 *
 * Fates decide what becomes of a call and its answer, at most one a call; moods decide what a buyer
 * does, and what becomes of the notify. Thread safe behind the book's lock: call it between
 * book_begin and book_end.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "loadtest/draw.h"
#include "loadtest/wallet/book.h"

/* X(NAME, "option", sentence): fates, of every operation. Bands of one draw. */
#define FATE_MAP(X)                                                                                \
    X(STALL, "stall", "is held, and acted on and answered only then")                              \
    X(SILENT_BEFORE, "silent-before", "is neither acted on nor answered")                          \
    X(SILENT, "silent", "is acted on, never answered")                                             \
    X(LATE, "late", "is acted on, answered after the other side has given up")                     \
    X(DROP, "drop", "the connection closes, before or after acting")                               \
    X(CUT, "cut", "the connection closes in the middle of the answer")                             \
    X(BAD_SIGNATURE, "bad-signature", "the answer's signature is wrong")                           \
    X(SERVER_ERROR, "server-error", "is answered 500, before or after acting")                     \
    X(ERROR_BODY, "error-body", "is answered 200 with an error, before or after acting")           \
    X(SKEW, "skew", "the answer's time is ten minutes off")

/* X(NAME, "option", sentence): moods, of payments; UNDO_AGAIN is met by the order's cancel or
 * reverse. */
#define MOOD_MAP(X)                                                                                \
    X(USERPAYING, "userpaying", "the buyer enters a password, and has paid after --buyer-ms")      \
    X(NEVER_PAID, "never-paid", "the buyer never enters the password: closed after --close-ms")    \
    X(PAYERROR, "payerror", "the buyer fails after --buyer-ms")                                    \
    X(DECLINE, "decline", "is refused, for a reason drawn")                                        \
    X(NOTIFY_TWICE, "notify-twice", "the notify comes twice")                                      \
    X(NOTIFY_FIRST, "notify-first", "the notify comes before the answer")                          \
    X(QUERY_FAILS, "query-fails", "whoever asks for the order is told of a system error")          \
    X(UNDO_AGAIN, "undo-again", "the first two attempts to undo the order are told: again")

enum fate {
#define X(name, option, text) FATE_##name,
    FATE_MAP(X)
#undef X
        FATE_COUNT /* none */
};
enum mood {
#define X(name, option, text) MOOD_##name,
    MOOD_MAP(X)
#undef X
        MOOD_COUNT
};

/* X(NAME, "word") */
#define OPERATION_MAP(X)                                                                           \
    X(PAY, "pay")                                                                                  \
    X(QUERY, "query")                                                                              \
    X(UNDO, "undo") /* cancel, reverse */                                                          \
    X(REFUND, "refund")                                                                            \
    X(REFUND_QUERY, "refund_query")                                                                \
    X(BILL, "bill")                                                                                \
    X(CERTIFICATES, "certificates")                                                                \
    X(NOTIFY, "notify") /* ours to them */
enum operation {
#define X(name, word) OPERATION_##name,
    OPERATION_MAP(X)
#undef X
        OPERATION_COUNT
};
const char *operation_word(enum operation operation);

/* What befalls one call. */
struct verdict {
    enum fate fate;
    bool is_acted; /* false: the books never hear of it */
    bool moods[MOOD_COUNT];
    enum refusal refusal;                 /* of MOOD_DECLINE, MOOD_PAYERROR */
    uint32_t late_ms, buyer_ms, close_ms; /* how long, where something waits */
    const char *source; /* "header", "script", "amount", "rate"; NULL: nothing is wrong */
};
const char *verdict_word(const struct verdict *verdict); /* of the fate, else of a mood; "" */

/* A script: what befalls the next calls of a kind. */
struct script {
    enum wallet wallet;       /* WALLET_COUNT: either */
    enum operation operation; /* OPERATION_COUNT: any but notifies */
    uint32_t skip, count;     /* calls to let pass first, calls to befall */
    bool is_acted;            /* of fates that may strike before or after acting */
    bool has_ms;
    uint32_t ms; /* in place of late, buyer and close */
    enum fate fate;
    bool moods[MOOD_COUNT];
    enum refusal refusal;
};
#define SCRIPT_COUNT_MAX 64

struct mischief {
    double fate_percent[FATE_COUNT], mood_percent[MOOD_COUNT];
    uint32_t late_ms, buyer_ms, close_ms;
    bool has_amounts; /* amounts of AMOUNT_MAP act */
    bool is_healed;   /* no draws strike; the other three still do */
    struct draw draw;
    struct script scripts[SCRIPT_COUNT_MAX];
    uint32_t script_count;
};

/* X(fen, fate or FATE_COUNT, mood or MOOD_COUNT, refusal) */
#define AMOUNT_MAP(X)                                                                              \
    X(9001, FATE_COUNT, MOOD_USERPAYING, REFUSAL_NONE)                                             \
    X(9002, FATE_LATE, MOOD_COUNT, REFUSAL_NONE)                                                   \
    X(9003, FATE_LATE, MOOD_PAYERROR, REFUSAL_BUYER)                                               \
    X(9004, FATE_LATE, MOOD_QUERY_FAILS, REFUSAL_NONE)                                             \
    X(9005, FATE_COUNT, MOOD_NEVER_PAID, REFUSAL_NONE)                                             \
    X(9006, FATE_SILENT, MOOD_COUNT, REFUSAL_NONE)                                                 \
    X(9007, FATE_SILENT_BEFORE, MOOD_COUNT, REFUSAL_NONE)                                          \
    X(9008, FATE_DROP, MOOD_COUNT, REFUSAL_NONE)                                                   \
    X(9009, FATE_CUT, MOOD_COUNT, REFUSAL_NONE)                                                    \
    X(9010, FATE_BAD_SIGNATURE, MOOD_COUNT, REFUSAL_NONE)                                          \
    X(9011, FATE_SERVER_ERROR, MOOD_COUNT, REFUSAL_NONE)                                           \
    X(9012, FATE_ERROR_BODY, MOOD_COUNT, REFUSAL_NONE)                                             \
    X(9013, FATE_SKEW, MOOD_COUNT, REFUSAL_NONE)                                                   \
    X(9014, FATE_COUNT, MOOD_NOTIFY_TWICE, REFUSAL_NONE)                                           \
    X(9015, FATE_COUNT, MOOD_NOTIFY_FIRST, REFUSAL_NONE)                                           \
    X(9016, FATE_STALL, MOOD_COUNT, REFUSAL_NONE)                                                  \
    X(9017, FATE_SILENT, MOOD_UNDO_AGAIN, REFUSAL_NONE)                                            \
    X(9021, FATE_COUNT, MOOD_DECLINE, REFUSAL_BALANCE)                                             \
    X(9022, FATE_COUNT, MOOD_DECLINE, REFUSAL_LIMIT)                                               \
    X(9023, FATE_COUNT, MOOD_DECLINE, REFUSAL_RISK)                                                \
    X(9024, FATE_COUNT, MOOD_DECLINE, REFUSAL_BLOCKED)                                             \
    X(9025, FATE_COUNT, MOOD_DECLINE, REFUSAL_BUYER)                                               \
    X(9026, FATE_COUNT, MOOD_DECLINE, REFUSAL_CODE)

/* The one of that option name; FATE_COUNT, MOOD_COUNT, OPERATION_COUNT: none. */
enum fate fate_from_name(const char *name);
enum mood mood_from_name(const char *name);
enum operation operation_from_word(const char *word);

/* STATUS_BAD_VALUE: the fates add up to more than 100 per cent. */
MUST_CHECK enum status mischief_check(const struct mischief *mischief);
/* STATUS_NO_ROOM: there are SCRIPT_COUNT_MAX. */
MUST_CHECK enum status mischief_script(struct mischief *mischief, const struct script *script);

struct occasion {
    enum wallet wallet;
    enum operation operation;
    const char *header; /* Wechatpay-Negative-Test: WeChat Pay's four names, or an option's above;
                           NULL: none */
    int64_t amount;     /* of payments; else 0 */
};
/* Draws as often whatever strikes, so that a seed's later draws do not shift. */
void mischief_decide(struct mischief *mischief, const struct occasion *occasion,
                     struct verdict *verdict);
