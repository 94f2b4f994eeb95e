/* Every answer is 200 with two codes: whether the message was understood, and what came of it. */
#include "loadtest/wallet/wechat_v2.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "loadtest/wallet/bill.h"
#include "loadtest/wallet/params.h"
#include "loadtest/wallet/wechat_word.h"
#include "protocols/base/digits.h"

#define REVERSE_DAYS_MAX 7

/* One call under way. */
struct visit {
    struct gateway *gateway;
    const struct call *call;
    struct reply *reply;
    struct params params, answer;
    enum seal_digest digest;
    int64_t amount;
    char code[32]; /* for the journal */
    char *bill;    /* owner; an answer that is no XML */
};

static const char *param(const struct visit *visit, const char *name)
{
    return params_find(&visit->params, name);
}

static void put(struct visit *visit, const char *name, const char *text)
{
    /* No answer has as many names as there is room for, nor one twice. */
    enum status status = params_add(&visit->answer, text_view(name), text_view(text));
    (void)status;
}

static void put_number(struct visit *visit, const char *name, int64_t number)
{
    char text[24];
    snprintf(text, sizeof text, "%lld", (long long)number);
    put(visit, name, text);
}

static void answer_begin(struct visit *visit, const char *result_code)
{
    params_free(&visit->answer);
    put(visit, "return_code", "SUCCESS");
    put(visit, "return_msg", "OK");
    put(visit, "appid", visit->gateway->appid);
    put(visit, "mch_id", visit->gateway->mchid);
    if (param(visit, "sub_mch_id")[0] != '\0') {
        put(visit, "sub_mch_id", param(visit, "sub_mch_id"));
    }
    char nonce[SEAL_NONCE_SIZE];
    seal_nonce(nonce, 32);
    put(visit, "nonce_str", nonce);
    put(visit, "result_code", result_code);
    snprintf(visit->code, sizeof visit->code, "%s", result_code);
}

static void answer_fail(struct visit *visit, const char *code, const char *text)
{
    answer_begin(visit, "FAIL");
    put(visit, "err_code", code);
    put(visit, "err_code_des", text);
    snprintf(visit->code, sizeof visit->code, "%s", code);
}

/* Not understood, or not its caller's: nothing that is signed. */
static void answer_refuse(struct visit *visit, const char *text)
{
    params_free(&visit->answer);
    put(visit, "return_code", "FAIL");
    put(visit, "return_msg", text);
}

/* ---- paying ---- */

static void paid_put(struct visit *visit, const struct order *order)
{
    char time[16];
    put(visit, "openid", "oUpF8uMuAJO_M2pxb1Q9zNjWeS6o");
    put(visit, "is_subscribe", "N");
    put(visit, "trade_type", "MICROPAY");
    put(visit, "bank_type", "OTHERS");
    put(visit, "fee_type", "CNY");
    put_number(visit, "total_fee", order->amount);
    put_number(visit, "cash_fee", order->amount);
    put(visit, "transaction_id", order->trade_number);
    put(visit, "out_trade_no", order->number);
    time_write(order->paid_us, "%Y%m%d%H%M%S", time, sizeof time);
    put(visit, "time_end", time);
}

static void pay_tell(struct visit *visit, const struct order *order)
{
    switch (order->state) {
    case ORDER_PAID:
        answer_begin(visit, "SUCCESS");
        paid_put(visit, order);
        break;
    case ORDER_WAITING:
        answer_fail(visit, "USERPAYING", "the buyer enters a password");
        break;
    case ORDER_FAILED:
        answer_fail(visit,
                    order->refusal == REFUSAL_NONE ? "TRADE_ERROR"
                                                   : refusal_code(order->refusal, WALLET_WECHAT),
                    refusal_word(order->refusal));
        break;
    case ORDER_CLOSED:
        answer_fail(visit, "ORDERCLOSED", "the order is closed");
        break;
    case ORDER_REVERSED:
    case ORDER_STATE_COUNT:
        answer_fail(visit, "ORDERREVERSED", "the order is reversed");
        break;
    }
}

static void on_pay(struct visit *visit)
{
    static const char *const needed[] = {"body", "out_trade_no", "total_fee", "spbill_create_ip",
                                         "auth_code"};
    const struct verdict *verdict = &visit->reply->verdict;
    for (unsigned i = 0; i < sizeof needed / sizeof needed[0]; i++) {
        if (param(visit, needed[i])[0] == '\0') {
            answer_fail(visit, "LACK_PARAMS", needed[i]);
            return;
        }
    }
    if (!number_is_sound(param(visit, "out_trade_no"), 32, "_-|*@") || visit->amount == 0) {
        answer_fail(visit, "PARAM_ERROR", "out_trade_no or total_fee");
        return;
    }
    bool is_code_refused = verdict->moods[MOOD_DECLINE] && (verdict->refusal == REFUSAL_CODE ||
                                                            verdict->refusal == REFUSAL_EXPIRED);
    if (!code_is_of(WALLET_WECHAT, param(visit, "auth_code")) || is_code_refused) {
        answer_fail(visit, "AUTH_CODE_INVALID", "no such payment code");
        return;
    }
    struct purchase purchase = {.wallet = WALLET_WECHAT,
                                .number = param(visit, "out_trade_no"),
                                .code = param(visit, "auth_code"),
                                .terminal_id = param(visit, "device_info"),
                                .merchant_id = param(visit, "sub_mch_id"),
                                .notify_url = "",
                                .amount = visit->amount,
                                .is_v2 = true};
    gateway_purchase(verdict, &purchase);
    struct order *order = NULL;
    enum book_verdict told = book_pay(visit->gateway->book, &purchase, &order);
    if (order == NULL) {
        answer_fail(visit, told == BOOK_CODE_OLD ? "AUTHCODEEXPIRE" : "AUTH_CODE_INVALID",
                    "the code has expired, or was used");
    } else if (told == BOOK_CONFLICT) {
        answer_fail(visit, "OUT_TRADE_NO_USED", "out_trade_no is another payment's");
    } else {
        pay_tell(visit, order);
    }
}

static struct order *order_wanted(struct visit *visit)
{
    struct order *order =
        book_find(visit->gateway->book, WALLET_WECHAT, param(visit, "out_trade_no"));
    if (order == NULL) {
        answer_fail(visit, "ORDERNOTEXIST", "no such order");
    }
    return order;
}

static void on_query(struct visit *visit)
{
    struct order *order = order_wanted(visit);
    if (order == NULL) {
        return;
    }
    if (order->query_fails) {
        answer_fail(visit, "SYSTEMERROR", "try again");
        return;
    }
    answer_begin(visit, "SUCCESS");
    put(visit, "trade_state", wechat_trade_state(order));
    put(visit, "trade_state_desc", order_state_word(order->state));
    if (order->paid_us != 0) {
        paid_put(visit, order);
    } else {
        put(visit, "out_trade_no", order->number);
        put_number(visit, "total_fee", order->amount);
    }
}

static void on_reverse(struct visit *visit)
{
    struct order *order = order_wanted(visit);
    struct book *book = visit->gateway->book;
    bool is_again = false;
    int64_t age_us = order == NULL ? 0 : book_now(book) - order->created_us;
    if (order == NULL) {
        put(visit, "recall", "N");
        return;
    }
    if (age_us < INT64_C(1000) * visit->gateway->reverse_min_ms) {
        answer_fail(visit, "TRADE_ERROR", "too early to reverse: ask for the order first");
        is_again = true;
    } else if (age_us > INT64_C(86400000000) * REVERSE_DAYS_MAX || order->refunded > 0) {
        answer_fail(visit, "REVERSE_EXPIRE", "too late to reverse: refund it");
    } else if (book_undo_again(book, order)) {
        answer_fail(visit, order->state == ORDER_WAITING ? "USERPAYING" : "SYSTEMERROR",
                    "not reversed");
        is_again = true;
    } else {
        (void)book_undo(book, order);
        answer_begin(visit, "SUCCESS");
    }
    put(visit, "recall", is_again ? "Y" : "N");
}

/* ---- refunds ---- */

static void on_refund(struct visit *visit)
{
    const char *number = param(visit, "out_refund_no"), *total = param(visit, "total_fee");
    struct order *order = order_wanted(visit);
    uint64_t fen = 0;
    if (order == NULL) {
        return;
    }
    if (!number_is_sound(number, 64, "_-|*@") || visit->amount == 0 ||
        digits_parse(&fen, total, (uint32_t)strlen(total),
                     (struct number_range){1, (uint64_t)GATEWAY_AMOUNT_MAX}) != STATUS_OK ||
        (int64_t)fen != order->amount) {
        answer_fail(visit, "PARAM_ERROR", "out_refund_no, total_fee or refund_fee");
        return;
    }
    const struct refund *refund = NULL;
    switch (book_refund(visit->gateway->book, order, number, visit->amount, &refund)) {
    case BOOK_NEW:
    case BOOK_SAME:
        answer_begin(visit, "SUCCESS");
        put(visit, "transaction_id", order->trade_number);
        put(visit, "out_trade_no", order->number);
        put(visit, "out_refund_no", refund->number);
        put(visit, "refund_id", refund->id);
        put_number(visit, "refund_fee", refund->amount);
        put_number(visit, "total_fee", order->amount);
        put_number(visit, "cash_fee", order->amount);
        break;
    case BOOK_CONFLICT:
        answer_fail(visit, "REFUND_FEE_MISMATCH", "out_refund_no was another amount before");
        break;
    case BOOK_TOO_MUCH:
    case BOOK_NOT_PAID:
    case BOOK_CODE_USED:
    case BOOK_CODE_OLD:
        answer_fail(visit, "INVALID_REQUEST", "not paid, undone, or more than is left");
        break;
    }
}

static void on_refund_query(struct visit *visit)
{
    struct order *order = NULL;
    const struct refund *refund = book_refund_search(visit->gateway->book, WALLET_WECHAT,
                                                     param(visit, "out_refund_no"), &order);
    if (refund == NULL) {
        answer_fail(visit, "REFUNDNOTEXIST", "no such refund");
        return;
    }
    answer_begin(visit, "SUCCESS");
    put(visit, "transaction_id", order->trade_number);
    put(visit, "out_trade_no", order->number);
    put_number(visit, "total_fee", order->amount);
    put(visit, "refund_count", "1");
    put(visit, "out_refund_no_0", refund->number);
    put(visit, "refund_id_0", refund->id);
    put_number(visit, "refund_fee_0", refund->amount);
    put(visit, "refund_status_0", "SUCCESS");
}

static void on_bill(struct visit *visit)
{
    int64_t begin_us = 0;
    if (day_read(param(visit, "bill_date"), &begin_us) != STATUS_OK) {
        answer_fail(visit, "PARAM_ERROR", "bill_date yyyyMMdd is expected");
        return;
    }
    answer_begin(visit, "SUCCESS");
    visit->bill = bill_write(visit->gateway->book, WALLET_WECHAT, begin_us);
}

/* ---- the envelope ---- */

static const struct route {
    const char *path;
    enum operation operation;
    void (*answer)(struct visit *visit);
    const char *amount_name;
    bool wants_certificate;
} ROUTES[] = {
    {"/pay/micropay", OPERATION_PAY, on_pay, "total_fee", false},
    {"/pay/orderquery", OPERATION_QUERY, on_query, "", false},
    {"/secapi/pay/reverse", OPERATION_UNDO, on_reverse, "", true},
    {"/secapi/pay/refund", OPERATION_REFUND, on_refund, "refund_fee", true},
    {"/pay/refundquery", OPERATION_REFUND_QUERY, on_refund_query, "", false},
    {"/pay/downloadbill", OPERATION_BILL, on_bill, "", false},
};

static const struct route *route_find(const char *path)
{
    for (unsigned i = 0; i < sizeof ROUTES / sizeof ROUTES[0]; i++) {
        if (strcmp(ROUTES[i].path, path) == 0) {
            return &ROUTES[i];
        }
    }
    return NULL;
}

bool wechat_v2_serves(const char *path)
{
    return route_find(path) != NULL;
}

static bool digest_make(const struct visit *visit, const struct params *params,
                        char digest[SEAL_DIGEST_SIZE])
{
    static const char *const omitted[] = {"sign", NULL};
    char *text = params_sorted(params, omitted);
    bool is_made = text != NULL && seal_digest(visit->digest, text, visit->gateway->keyring->v2,
                                               digest) == STATUS_OK;
    free(text);
    return is_made;
}

/* NULL: the request may be acted on. */
static const char *request_fault(struct visit *visit)
{
    char digest[SEAL_DIGEST_SIZE];
    const char *kind = param(visit, "sign_type");
    bool is_hmac = strcmp(kind, "HMAC-SHA256") == 0;
    if (kind[0] != '\0' && !is_hmac && strcmp(kind, "MD5") != 0) {
        return "SIGNERROR: sign_type MD5 or HMAC-SHA256 is expected";
    }
    visit->digest = is_hmac ? SEAL_HMAC_SHA256 : SEAL_MD5;
    if (!digest_make(visit, &visit->params, digest) || strcmp(digest, param(visit, "sign")) != 0) {
        return "SIGNERROR: sign does not fit the sorted parameters and the key";
    }
    if (strcmp(param(visit, "appid"), visit->gateway->appid) != 0 ||
        strcmp(param(visit, "mch_id"), visit->gateway->mchid) != 0) {
        return "APPID_MCHID_NOT_MATCH";
    }
    return param(visit, "nonce_str")[0] == '\0' ? "LACK_PARAMS: nonce_str" : NULL;
}

/* Within the book. */
static void visit_act(struct visit *visit, const struct route *route)
{
    bool is_pay = route->operation == OPERATION_PAY;
    struct occasion occasion = {WALLET_WECHAT, route->operation, visit->call->negative_test,
                                is_pay ? visit->amount : 0};
    if (!gateway_decide(visit->gateway, visit->call, &occasion, visit->reply)) {
        return;
    }
    const struct verdict *verdict = &visit->reply->verdict;
    if (verdict->is_acted) {
        route->answer(visit);
    }
    if (verdict->fate == FATE_ERROR_BODY || !verdict->is_acted) {
        answer_fail(visit, "SYSTEMERROR", "try again");
    }
    struct book_entry entry = {.wallet = WALLET_WECHAT,
                               .operation = operation_word(route->operation),
                               .number = param(visit, "out_trade_no"),
                               .refund_number = param(visit, "out_refund_no"),
                               .answer = visit->code,
                               .fault = verdict_word(verdict),
                               .amount = visit->amount};
    book_journal(visit->gateway->book, &entry);
}

static enum status reply_write(struct visit *visit, bool is_signed)
{
    char digest[SEAL_DIGEST_SIZE];
    struct reply *reply = visit->reply;
    if (visit->bill != NULL) {
        reply->body = visit->bill;
        visit->bill = NULL;
        reply->type = "text/plain; charset=utf-8";
    } else {
        if (is_signed) {
            if (!digest_make(visit, &visit->answer, digest)) {
                return STATUS_NO_MEMORY;
            }
            digest[0] = reply->verdict.fate != FATE_BAD_SIGNATURE ? digest[0]
                        : digest[0] == '0'                        ? '1'
                                                                  : '0';
            put(visit, "sign", digest);
        }
        reply->body = params_write_xml(&visit->answer);
        reply->type = "text/xml; charset=utf-8";
    }
    reply->status = 200;
    return reply->body == NULL ? STATUS_NO_MEMORY : STATUS_OK;
}

static enum status visit_answer(struct visit *visit, const struct route *route)
{
    struct gateway *gateway = visit->gateway;
    const char *fault = request_fault(visit);
    if (fault != NULL) {
        answer_refuse(visit, fault);
        return reply_write(visit, false);
    }
    const char *amount = param(visit, route->amount_name);
    uint64_t fen = 0;
    if (amount[0] != '\0' &&
        digits_parse(&fen, amount, (uint32_t)strlen(amount),
                     (struct number_range){1, (uint64_t)GATEWAY_AMOUNT_MAX}) == STATUS_OK) {
        visit->amount = (int64_t)fen;
    }
    book_begin(gateway->book, visit->call->now_us + gateway->skew_us);
    visit_act(visit, route);
    enum status status = book_end(gateway->book);
    return status != STATUS_OK || visit->reply->is_held ? status : reply_write(visit, true);
}

enum status wechat_v2_answer(struct gateway *gateway, const struct call *call, struct reply *reply)
{
    struct visit visit = {.gateway = gateway, .call = call, .reply = reply};
    const struct route *route = route_find(call->path);
    if (route->wants_certificate && !call->has_client_certificate) {
        reply->status = 400;
        reply->type = "text/html";
        reply->body = strdup("<html><body>400 No required SSL certificate was sent</body></html>");
        return reply->body == NULL ? STATUS_NO_MEMORY : STATUS_OK;
    }
    enum status status = params_read_xml(&visit.params, call->body);
    if (strcmp(call->method, "POST") != 0) {
        answer_refuse(&visit, "REQUIRE_POST_METHOD");
        status = reply_write(&visit, false);
    } else if (status > STATUS_OK || status == STATUS_NO_ROOM) {
        answer_refuse(&visit, call->body.length == 0 ? "POST_DATA_EMPTY" : "XML_FORMAT_ERROR");
        status = reply_write(&visit, false);
    } else if (status == STATUS_OK) {
        status = visit_answer(&visit, route);
    }
    free(visit.bill);
    params_free(&visit.params);
    params_free(&visit.answer);
    return status;
}
