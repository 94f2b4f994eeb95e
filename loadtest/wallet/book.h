/* The wallets' ledger: orders, refunds, notifies owed and a journal, in an SQLite file of its own
 * that can be read while it is written and after a kill. Written from the wallets' rules, not from
 * the switch's.
 *
 * Rules: an order is known by wallet and out_trade_no, and made once: the same again is the same
 * order, another amount is a conflict. A payment code buys once. A waiting order ends as its buyer
 * does: paid, failed or closed. Refunds are known by their number within an order, and never exceed
 * what was paid. Undone while waiting it is closed, undone when paid all that is left goes back:
 * reversed.
 *
 * Tables:
 *   orders   wallet out_trade_no trade_no amount currency state refusal refunded code_hash
 * terminal_id merchant_id notify_url kind created_us due_us paid_us ended_us refunds  wallet
 * out_trade_no refund_no refund_id amount reason made_us notices  wallet out_trade_no event url
 * attempts due_us delivered_us journal  at_us wallet operation out_trade_no refund_no amount answer
 * fault
 *
 * Between book_begin and book_end (which commits) one thread has the book to itself; every other
 * call needs that. Life:  book_open -> begin, ..., end -> book_close
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include <uthash.h>

#include "protocols/base/status.h"

#define BOOK_REASON_SIZE 512
#define BOOK_NUMBER_SIZE 65
#define BOOK_URL_SIZE 256

/* X(NAME, "word") */
#define WALLET_MAP(X)                                                                              \
    X(ALIPAY, "alipay")                                                                            \
    X(WECHAT, "wechat")
enum wallet {
#define X(name, word) WALLET_##name,
    WALLET_MAP(X)
#undef X
        WALLET_COUNT
};
const char *wallet_word(enum wallet wallet);

/* X(NAME, "word"): where an order stands. */
#define ORDER_STATE_MAP(X)                                                                         \
    X(WAITING, "waiting")   /* for the buyer's password */                                         \
    X(PAID, "paid")         /* refunds are told by `refunded` */                                   \
    X(FAILED, "failed")     /* refused, or the buyer could not */                                  \
    X(CLOSED, "closed")     /* never paid: undone while waiting, or out of time */                 \
    X(REVERSED, "reversed") /* paid, then undone */
enum order_state {
#define X(name, word) ORDER_##name,
    ORDER_STATE_MAP(X)
#undef X
        ORDER_STATE_COUNT
};
const char *order_state_word(enum order_state state);

/* X(NAME, "word", Alipay's sub_code, WeChat Pay's code): why a payment is refused. */
#define REFUSAL_MAP(X)                                                                             \
    X(NONE, "", "", "")                                                                            \
    X(BALANCE, "balance", "ACQ.BUYER_BALANCE_NOT_ENOUGH", "NOTENOUGH")                             \
    X(CODE, "code", "ACQ.PAYMENT_AUTH_CODE_INVALID", "AUTH_CODE_INVALID")                          \
    X(EXPIRED, "expired", "ACQ.PAYMENT_AUTH_CODE_INVALID", "AUTHCODEEXPIRE")                       \
    X(LIMIT, "limit", "ACQ.BUYER_PAYMENT_AMOUNT_DAY_LIMIT_ERROR", "RULE_LIMIT")                    \
    X(RISK, "risk", "ACQ.PAYMENT_REQUEST_HAS_RISK", "TRADE_ERROR")                                 \
    X(BLOCKED, "blocked", "ACQ.SELLER_BEEN_BLOCKED", "NOAUTH")                                     \
    X(BUYER, "buyer", "ACQ.BUYER_ENABLE_STATUS_FORBID", "NOTSUPORTCARD")
enum refusal {
#define X(name, word, alipay, wechat) REFUSAL_##name,
    REFUSAL_MAP(X)
#undef X
        REFUSAL_COUNT
};
const char *refusal_word(enum refusal refusal);
enum refusal refusal_from_word(const char *word); /* REFUSAL_COUNT: none of that name */
const char *refusal_code(enum refusal refusal, enum wallet wallet);

struct refund {
    char number[BOOK_NUMBER_SIZE], id[33];
    int64_t amount, made_us;
    struct refund *next;
};

/* The book's; good until book_end. Times are wall clock, 0: not yet. */
struct order {
    int64_t id;
    enum wallet wallet;
    char key[BOOK_NUMBER_SIZE + 2];    /* wallet and number */
    char number[BOOK_NUMBER_SIZE];     /* out_trade_no */
    char trade_number[33];             /* the wallet's own */
    int64_t amount, refunded;          /* fen */
    enum order_state state, due_state; /* due_state: what it becomes at due_us */
    enum refusal refusal;
    bool is_v2;            /* WeChat Pay v2: owes no notify */
    bool query_fails;      /* whoever asks for it gets an error */
    uint32_t retries_left; /* of cancels that say "again" before they act */
    char terminal_id[33], merchant_id[33];
    char notify_url[BOOK_URL_SIZE]; /* empty: nobody to notify */
    uint32_t notice_copies;         /* of each notify: 1, or 2 */
    int64_t created_us, due_us, paid_us, ended_us;
    struct refund *refunds;        /* owner */
    struct order *previous, *next; /* among those that wait */
    UT_hash_handle hh;
};

struct book;

struct book_setup {
    const char *path;              /* the SQLite file; made when absent, read back when there */
    bool is_full_sync;             /* survives a power cut, not only a kill */
    const int64_t *notify_gaps_us; /* borrowed; from one attempt to the next */
    uint32_t notify_gap_count;
};

/* NULL: `reason` says what is wrong with which file. */
struct book *book_open(const struct book_setup *setup, char reason[BOOK_REASON_SIZE]);
void book_close(struct book *book);

/* `now_us` also moves every waiting order whose time has come. */
void book_begin(struct book *book, int64_t now_us);
/* Makes all since book_begin permanent. STATUS_BROKEN: the file cannot be written; the wallet must
 * stop. */
MUST_CHECK enum status book_end(struct book *book);

struct order *book_find(struct book *book, enum wallet wallet, const char *number);

/* What a buyer does with a payment. */
struct purchase {
    enum wallet wallet;
    const char *number, *code; /* the payment code: kept as a digest alone */
    const char *terminal_id, *merchant_id, *notify_url;
    int64_t amount;
    bool is_v2;
    enum order_state state; /* PAID, FAILED, or WAITING until ... */
    enum order_state due_state;
    int64_t wait_us;
    enum refusal refusal; /* of FAILED, now or later */
    bool query_fails;
    uint32_t retries, notice_copies;
};
enum book_verdict {
    BOOK_NEW,
    BOOK_SAME,      /* known, and the same */
    BOOK_CONFLICT,  /* known, with another content */
    BOOK_CODE_USED, /* the code bought something else; no order */
    BOOK_CODE_OLD,  /* the code's time is over; no order */
    BOOK_TOO_MUCH,  /* more than is left; no refund */
    BOOK_NOT_PAID   /* there is nothing to give back */
};
enum book_verdict book_pay(struct book *book, const struct purchase *purchase,
                           struct order **order);

/* A code that expires; any other has no end. 18 digits. */
void book_issue_code(struct book *book, enum wallet wallet, int64_t life_us, char code[19]);

/* The buyer enters the password, or fails to, or goes away: of a waiting order alone. False: it
 * does not wait. */
bool book_decide(struct book *book, struct order *order, enum order_state state);

/* True: this attempt to undo the order is told "again", and changes nothing. */
bool book_undo_again(struct book *book, struct order *order);
/* CLOSED: what waited; REVERSED: what was paid, its rest given back; else where it stands,
 * unchanged. */
enum order_state book_undo(struct book *book, struct order *order);

/* `refund` is set with BOOK_NEW and BOOK_SAME. */
enum book_verdict book_refund(struct book *book, struct order *order, const char *number,
                              int64_t amount, const struct refund **refund);
const struct refund *book_refund_find(const struct order *order, const char *number);
/* Of any order of that wallet: WeChat Pay asks by the refund's number alone. */
const struct refund *book_refund_search(struct book *book, enum wallet wallet, const char *number,
                                        struct order **order);

struct book_entry {
    enum wallet wallet;
    const char *operation, *number, *refund_number, *answer, *fault;
    int64_t amount;
};
void book_journal(struct book *book, const struct book_entry *entry);

/* A notify that is due. */
struct notice {
    int64_t id;
    enum wallet wallet;
    char number[BOOK_NUMBER_SIZE], url[BOOK_URL_SIZE];
    uint32_t attempts; /* so far */
    bool is_twice;
};
/* Takes the next that is due; nobody else gets it until book_notice_end. False: none. */
bool book_notice_next(struct book *book, struct notice *notice);
/* Not delivered: it is due again after the next gap, or never when there is none left. */
void book_notice_end(struct book *book, const struct notice *notice, bool is_delivered);
/* Notifies this order (again), at once. */
void book_notice_add(struct book *book, const struct order *order);

int64_t book_now(const struct book *book); /* of book_begin */
/* Each order of a wallet, oldest first: pass what was answered before, NULL to begin. */
struct order *book_next(struct book *book, enum wallet wallet, const struct order *previous);

struct book_counts {
    uint64_t orders, paid, refused, refunds, undone, repeats, notices, notices_delivered;
};
void book_count(const struct book *book, struct book_counts *counts);
