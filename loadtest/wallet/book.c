/* All orders are in memory, filled from the file at start; the file is written in the same step. A
 * step that cannot be written breaks the book: book_end says so, and the wallet stops before
 * anything is told. */
#include "loadtest/wallet/book.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <sqlite3.h>
#include <utlist.h>

#include "loadtest/wallet/book_file.h"
#include "loadtest/wallet/seal.h"
#include "protocols/base/require.h"

#define CODE_DIGITS 18

/* A payment code that was issued here, or used. */
struct code {
    char hash[BOOK_HASH_SIZE];
    int64_t ends_us; /* 0: never */
    bool is_used;
    UT_hash_handle hh;
};

struct debt {
    struct notice notice;
    int64_t due_us;
    bool is_taken;
    struct debt *previous, *next;
};

struct book {
    struct book_file *file; /* owner */
    pthread_mutex_t lock;
    int64_t now_us;
    enum status status;
    struct order *orders;  /* owner, by key; in the order they were made */
    struct order *waiting; /* borrower */
    struct code *codes;    /* owner, by hash */
    struct debt *debts;    /* owner */
    const int64_t *gaps_us;
    uint32_t gap_count;
    struct book_counts counts;
};

const char *wallet_word(enum wallet wallet)
{
    static const char *const words[] = {
#define X(name, word) word,
        WALLET_MAP(X)
#undef X
    };
    return wallet < WALLET_COUNT ? words[wallet] : "none";
}

const char *order_state_word(enum order_state state)
{
    static const char *const words[] = {
#define X(name, word) word,
        ORDER_STATE_MAP(X)
#undef X
    };
    return state < ORDER_STATE_COUNT ? words[state] : "none";
}

static const struct {
    const char *word, *codes[WALLET_COUNT];
} REFUSALS[] = {
#define X(name, word, alipay, wechat) {word, {alipay, wechat}},
    REFUSAL_MAP(X)
#undef X
};

const char *refusal_word(enum refusal refusal)
{
    return refusal < REFUSAL_COUNT ? REFUSALS[refusal].word : "";
}

enum refusal refusal_from_word(const char *word)
{
    for (unsigned i = 0; i < REFUSAL_COUNT; i++) {
        if (strcmp(REFUSALS[i].word, word) == 0) {
            return (enum refusal)i;
        }
    }
    return REFUSAL_COUNT;
}

const char *refusal_code(enum refusal refusal, enum wallet wallet)
{
    REQUIRE(refusal < REFUSAL_COUNT);
    REQUIRE(wallet < WALLET_COUNT);
    return REFUSALS[refusal].codes[wallet];
}

static void status_keep(struct book *book, enum status status)
{
    if (book->status == STATUS_OK) {
        book->status = status;
    }
}

/* ---- orders ---- */

static void key_make(char key[BOOK_NUMBER_SIZE + 2], enum wallet wallet, const char *number)
{
    snprintf(key, BOOK_NUMBER_SIZE + 2, "%c%s", wallet == WALLET_ALIPAY ? 'A' : 'W', number);
}

struct order *book_find(struct book *book, enum wallet wallet, const char *number)
{
    char key[BOOK_NUMBER_SIZE + 2];
    struct order *order = NULL;
    key_make(key, wallet, number);
    HASH_FIND_STR(book->orders, key, order);
    return order;
}

struct order *book_next(struct book *book, enum wallet wallet, const struct order *previous)
{
    struct order *order = previous == NULL ? book->orders : previous->hh.next;
    while (order != NULL && order->wallet != wallet) {
        order = order->hh.next;
    }
    return order;
}

static void order_enter(struct book *book, struct order *order)
{
    key_make(order->key, order->wallet, order->number);
    HASH_ADD_STR(book->orders, key, order);
    if (order->state == ORDER_WAITING) {
        DL_APPEND2(book->waiting, order, previous, next);
    }
    book->counts.orders++;
    book->counts.paid += order->paid_us != 0;
    book->counts.refused += order->state == ORDER_FAILED;
}

static void order_save(struct book *book, const struct order *order)
{
    status_keep(book, book_file_order_change(book->file, order));
}

bool book_decide(struct book *book, struct order *order, enum order_state state)
{
    if (order->state != ORDER_WAITING) {
        return false;
    }
    DL_DELETE2(book->waiting, order, previous, next);
    order->state = state;
    order->due_us = 0;
    if (state == ORDER_PAID) {
        order->paid_us = book->now_us;
        book->counts.paid++;
        book_notice_add(book, order);
    } else {
        order->ended_us = book->now_us;
        book->counts.refused += state == ORDER_FAILED;
    }
    order_save(book, order);
    return true;
}

static void waiting_advance(struct book *book)
{
    struct order *order = NULL, *next = NULL;
    DL_FOREACH_SAFE2(book->waiting, order, next, next)
    {
        if (order->due_us <= book->now_us) {
            (void)book_decide(book, order, order->due_state);
        }
    }
}

/* ---- codes ---- */

static void code_hash(enum wallet wallet, const char *digits, char hash[BOOK_HASH_SIZE])
{
    char text[80], hex[65];
    int length = snprintf(text, sizeof text, "%s %s", wallet_word(wallet), digits);
    seal_sha256((struct byte_view){(const uint8_t *)text, (uint32_t)length}, hex);
    memcpy(hash, hex, BOOK_HASH_SIZE - 1);
    hash[BOOK_HASH_SIZE - 1] = '\0';
}

static struct code *code_enter(struct book *book, const char *hash)
{
    struct code *code = NULL;
    HASH_FIND_STR(book->codes, hash, code);
    if (code == NULL && (code = calloc(1, sizeof *code)) != NULL) {
        snprintf(code->hash, sizeof code->hash, "%s", hash);
        HASH_ADD_STR(book->codes, hash, code);
    }
    return code;
}

void book_issue_code(struct book *book, enum wallet wallet, int64_t life_us, char code[19])
{
    char letters[SEAL_NONCE_SIZE], hash[BOOK_HASH_SIZE];
    seal_nonce(letters, CODE_DIGITS - 2);
    memcpy(code, wallet == WALLET_ALIPAY ? "28" : "13", 2);
    for (unsigned i = 2; i < CODE_DIGITS; i++) {
        code[i] = (char)('0' + letters[i - 2] % 10);
    }
    code[CODE_DIGITS] = '\0';
    code_hash(wallet, code, hash);
    struct code *kept = code_enter(book, hash);
    if (kept != NULL) {
        kept->ends_us = book->now_us + life_us;
    }
}

/* ---- paying ---- */

static const char *short_text(const char *text)
{
    return text == NULL ? "" : text;
}

static struct order *order_make(struct book *book, const struct purchase *purchase)
{
    struct order *order = calloc(1, sizeof *order);
    if (order == NULL) {
        return NULL;
    }
    order->id = book_file_order_number(book->file);
    order->wallet = purchase->wallet;
    order->amount = purchase->amount;
    order->state = purchase->state;
    order->due_state = purchase->due_state;
    order->refusal = purchase->refusal;
    order->is_v2 = purchase->is_v2;
    order->query_fails = purchase->query_fails;
    order->retries_left = purchase->retries;
    order->notice_copies = purchase->notice_copies;
    order->created_us = book->now_us;
    order->due_us = order->state == ORDER_WAITING ? book->now_us + purchase->wait_us : 0;
    order->paid_us = order->state == ORDER_PAID ? book->now_us : 0;
    order->ended_us = order->state == ORDER_FAILED ? book->now_us : 0;
    snprintf(order->number, sizeof order->number, "%s", purchase->number);
    snprintf(order->terminal_id, sizeof order->terminal_id, "%s",
             short_text(purchase->terminal_id));
    snprintf(order->merchant_id, sizeof order->merchant_id, "%s",
             short_text(purchase->merchant_id));
    snprintf(order->notify_url, sizeof order->notify_url, "%s", short_text(purchase->notify_url));
    time_t day = (time_t)(book->now_us / 1000000 + 8 * 3600);
    struct tm date;
    gmtime_r(&day, &date);
    snprintf(order->trade_number, sizeof order->trade_number, "%s%04d%02d%02d%010lld",
             order->wallet == WALLET_ALIPAY ? "20880014" : "420000", (date.tm_year + 1900) % 10000,
             (date.tm_mon + 1) % 100, date.tm_mday % 100, (long long)order->id % 10000000000);
    return order;
}

enum book_verdict book_pay(struct book *book, const struct purchase *purchase, struct order **order)
{
    *order = book_find(book, purchase->wallet, purchase->number);
    if (*order != NULL) {
        book->counts.repeats++;
        return (*order)->amount == purchase->amount ? BOOK_SAME : BOOK_CONFLICT;
    }
    char hash[BOOK_HASH_SIZE];
    code_hash(purchase->wallet, purchase->code, hash);
    struct code *code = code_enter(book, hash);
    if (code != NULL && code->is_used) {
        return BOOK_CODE_USED;
    }
    if (code != NULL && code->ends_us != 0 && code->ends_us <= book->now_us) {
        return BOOK_CODE_OLD;
    }
    struct order *made = code == NULL ? NULL : order_make(book, purchase);
    if (made == NULL) {
        status_keep(book, STATUS_NO_MEMORY);
        return BOOK_CODE_USED;
    }
    code->is_used = true;
    status_keep(book, book_file_order_add(book->file, made, hash));
    order_enter(book, made);
    if (made->state == ORDER_PAID) {
        book_notice_add(book, made);
    }
    *order = made;
    return BOOK_NEW;
}

/* ---- back ---- */

static const struct refund *refund_add(struct book *book, struct order *order, const char *number,
                                       int64_t amount)
{
    struct refund *refund = calloc(1, sizeof *refund);
    if (refund == NULL) {
        status_keep(book, STATUS_NO_MEMORY);
        return NULL;
    }
    refund->amount = amount;
    refund->made_us = book->now_us;
    snprintf(refund->number, sizeof refund->number, "%s", number);
    snprintf(refund->id, sizeof refund->id, "5%s", order->trade_number + 1);
    order->refunded += amount;
    LL_APPEND(order->refunds, refund);
    book->counts.refunds++;
    status_keep(book, book_file_refund_add(book->file, order, refund));
    order_save(book, order);
    return refund;
}

bool book_undo_again(struct book *book, struct order *order)
{
    if (order->retries_left == 0) {
        return false;
    }
    order->retries_left--;
    order_save(book, order);
    return true;
}

enum order_state book_undo(struct book *book, struct order *order)
{
    if (order->state == ORDER_WAITING) {
        (void)book_decide(book, order, ORDER_CLOSED);
        book->counts.undone++;
    } else if (order->state == ORDER_PAID) {
        order->state = ORDER_REVERSED;
        order->ended_us = book->now_us;
        book->counts.undone++;
        order_save(book, order);
    }
    return order->state;
}

const struct refund *book_refund_find(const struct order *order, const char *number)
{
    for (const struct refund *refund = order->refunds; refund != NULL; refund = refund->next) {
        if (strcmp(refund->number, number) == 0) {
            return refund;
        }
    }
    return NULL;
}

const struct refund *book_refund_search(struct book *book, enum wallet wallet, const char *number,
                                        struct order **order)
{
    const struct refund *refund = NULL;
    *order = NULL;
    while (refund == NULL && (*order = book_next(book, wallet, *order)) != NULL) {
        refund = book_refund_find(*order, number);
    }
    return refund;
}

enum book_verdict book_refund(struct book *book, struct order *order, const char *number,
                              int64_t amount, const struct refund **refund)
{
    *refund = book_refund_find(order, number);
    if (*refund != NULL) {
        book->counts.repeats++;
        return (*refund)->amount == amount ? BOOK_SAME : BOOK_CONFLICT;
    }
    if (order->state != ORDER_PAID) {
        return BOOK_NOT_PAID;
    }
    if (amount > order->amount - order->refunded) {
        return BOOK_TOO_MUCH;
    }
    *refund = refund_add(book, order, number, amount);
    return *refund == NULL ? BOOK_NOT_PAID : BOOK_NEW;
}

void book_journal(struct book *book, const struct book_entry *entry)
{
    status_keep(book, book_file_journal(book->file, entry, book->now_us));
}

/* ---- notifies ---- */

static struct debt *debt_enter(struct book *book, const struct notice *notice, int64_t due_us)
{
    struct debt *debt = calloc(1, sizeof *debt);
    if (debt != NULL) {
        debt->notice = *notice;
        debt->due_us = due_us;
        DL_APPEND2(book->debts, debt, previous, next);
        book->counts.notices++;
    }
    return debt;
}

void book_notice_add(struct book *book, const struct order *order)
{
    if (order->is_v2 || order->notify_url[0] == '\0') {
        return;
    }
    struct notice notice = {.wallet = order->wallet, .is_twice = order->notice_copies > 1};
    memcpy(notice.number, order->number, sizeof notice.number);
    memcpy(notice.url, order->notify_url, sizeof notice.url);
    status_keep(book, book_file_notice_add(book->file, &notice, book->now_us, &notice.id));
    if (debt_enter(book, &notice, book->now_us) == NULL) {
        status_keep(book, STATUS_NO_MEMORY);
    }
}

bool book_notice_next(struct book *book, struct notice *notice)
{
    struct debt *debt = NULL;
    DL_FOREACH2(book->debts, debt, next)
    {
        if (!debt->is_taken && debt->due_us <= book->now_us) {
            debt->is_taken = true;
            *notice = debt->notice;
            return true;
        }
    }
    return false;
}

void book_notice_end(struct book *book, const struct notice *notice, bool is_delivered)
{
    struct debt *debt = NULL;
    DL_FOREACH2(book->debts, debt, next)
    {
        if (debt->notice.id == notice->id) {
            break;
        }
    }
    if (debt == NULL) {
        return;
    }
    uint32_t attempts = ++debt->notice.attempts;
    bool is_over = is_delivered || attempts > book->gap_count;
    debt->is_taken = false;
    debt->due_us = is_over ? 0 : book->now_us + book->gaps_us[attempts - 1];
    book->counts.notices_delivered += is_delivered;
    status_keep(book, book_file_notice_change(book->file, &debt->notice, debt->due_us,
                                              is_delivered ? book->now_us : 0));
    if (is_over) {
        DL_DELETE2(book->debts, debt, previous, next);
        free(debt);
    }
}

/* ---- the file ---- */

static enum status on_order(void *argument, const struct order *read, const char *hash)
{
    struct book *book = argument;
    struct order *order = malloc(sizeof *order);
    struct code *code = code_enter(book, hash);
    if (order == NULL || code == NULL) {
        free(order);
        return STATUS_NO_MEMORY;
    }
    *order = *read;
    code->is_used = true;
    order_enter(book, order);
    return STATUS_OK;
}

static enum status on_refund(void *argument, enum wallet wallet, const char *number,
                             const struct refund *read)
{
    struct book *book = argument;
    struct order *order = book_find(book, wallet, number);
    struct refund *refund = order == NULL ? NULL : malloc(sizeof *refund);
    if (refund == NULL) {
        return order == NULL ? STATUS_OK : STATUS_NO_MEMORY;
    }
    *refund = *read;
    LL_APPEND(order->refunds, refund);
    book->counts.refunds++;
    return STATUS_OK;
}

static enum status on_notice(void *argument, const struct notice *notice, int64_t due_us)
{
    return debt_enter(argument, notice, due_us) == NULL ? STATUS_NO_MEMORY : STATUS_OK;
}

struct book *book_open(const struct book_setup *setup, char reason[BOOK_REASON_SIZE])
{
    struct book *book = calloc(1, sizeof *book);
    if (book == NULL) {
        snprintf(reason, BOOK_REASON_SIZE, "no memory for the ledger");
        return NULL;
    }
    book->gaps_us = setup->notify_gaps_us;
    book->gap_count = setup->notify_gap_count;
    REQUIRE(pthread_mutex_init(&book->lock, NULL) == 0);
    struct book_reader reader = {on_order, on_refund, on_notice, book};
    book->file = book_file_open(setup, &reader, reason);
    if (book->file == NULL) {
        book_close(book);
        return NULL;
    }
    return book;
}

void book_close(struct book *book)
{
    if (book == NULL) {
        return;
    }
    book_file_close(book->file);
    struct order *order = book->orders, *next_order = NULL;
    HASH_CLEAR(hh, book->orders);
    for (; order != NULL; order = next_order) {
        next_order = order->hh.next;
        struct refund *refund = NULL, *next_refund = NULL;
        LL_FOREACH_SAFE(order->refunds, refund, next_refund)
        {
            free(refund);
        }
        free(order);
    }
    struct code *code = book->codes, *next_code = NULL;
    HASH_CLEAR(hh, book->codes);
    for (; code != NULL; code = next_code) {
        next_code = code->hh.next;
        free(code);
    }
    struct debt *debt = NULL, *next_debt = NULL;
    DL_FOREACH_SAFE2(book->debts, debt, next_debt, next)
    {
        free(debt);
    }
    pthread_mutex_destroy(&book->lock);
    free(book);
}

void book_begin(struct book *book, int64_t now_us)
{
    REQUIRE(pthread_mutex_lock(&book->lock) == 0);
    book->now_us = now_us > book->now_us ? now_us : book->now_us; /* two threads may come crossed */
    waiting_advance(book);
}

enum status book_end(struct book *book)
{
    status_keep(book, book_file_commit(book->file));
    enum status status = book->status;
    REQUIRE(pthread_mutex_unlock(&book->lock) == 0);
    return status;
}

int64_t book_now(const struct book *book)
{
    return book->now_us;
}

void book_count(const struct book *book, struct book_counts *counts)
{
    *counts = book->counts;
}
