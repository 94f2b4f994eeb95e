/* A route is a row: method, address with one variable part at most, how it answers. */
#include "loadtest/wallet/wechat_v3.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "loadtest/wallet/bill.h"
#include "loadtest/wallet/params.h"
#include "loadtest/wallet/wechat_word.h"
#include "protocols/base/digits.h"

#define WINDOW_SECONDS 300
#define SKEW_SECONDS 600
#define REVERSE_DAYS_MAX 7
#define DESCRIPTION_BYTES_MAX 508 /* 127 characters */
#define SCHEMA "WECHATPAY2-SHA256-RSA2048 "

/* One call under way. */
struct visit {
    struct gateway *gateway;
    const struct call *call;
    struct reply *reply;
    json_t *content;             /* owner; the body, or an empty object */
    struct params query;         /* of the address */
    json_t *answer;              /* owner */
    char part[BOOK_NUMBER_SIZE]; /* the variable part of the address */
    const char *number, *refund_number;
    int64_t amount;
    char code[48]; /* for the journal */
};

static void put(json_t *object, const char *name, const char *text)
{
    (void)json_object_set_new(object, name, json_string(text));
}

static void answer_begin(struct visit *visit)
{
    json_decref(visit->answer);
    visit->answer = json_object();
    visit->reply->status = 200;
    snprintf(visit->code, sizeof visit->code, "200");
}

static void answer_fail(struct visit *visit, unsigned status, const char *code, const char *message)
{
    answer_begin(visit);
    visit->reply->status = status;
    put(visit->answer, "code", code);
    put(visit->answer, "message", message);
    snprintf(visit->code, sizeof visit->code, "%u %s", status, code);
}

static void put_time(json_t *object, const char *name, int64_t at_us)
{
    char text[32];
    time_write(at_us, "%Y-%m-%dT%H:%M:%S+08:00", text, sizeof text);
    put(object, name, text);
}

static void put_number(json_t *object, const char *name, int64_t number)
{
    (void)json_object_set_new(object, name, json_integer(number));
}

/* ---- paying ---- */

static void order_put(const struct gateway *gateway, json_t *answer, const struct order *order)
{
    put(answer, "appid", gateway->appid);
    put(answer, "mchid", gateway->mchid);
    put(answer, "out_trade_no", order->number);
    put(answer, "transaction_id", order->trade_number);
    put(answer, "trade_type", "MICROPAY");
    put(answer, "trade_state", wechat_trade_state(order));
    put(answer, "trade_state_desc", order_state_word(order->state));
    put(answer, "bank_type", "OTHERS");
    if (order->paid_us != 0) {
        put_time(answer, "success_time", order->paid_us);
    }
    json_t *payer = json_object(), *amount = json_object();
    put(payer, "openid", "oUpF8uMuAJO_M2pxb1Q9zNjWeS6o");
    put_number(amount, "total", order->amount);
    put_number(amount, "payer_total", order->amount);
    put(amount, "currency", "CNY");
    put(amount, "payer_currency", "CNY");
    (void)json_object_set_new(answer, "payer", payer);
    (void)json_object_set_new(answer, "amount", amount);
}

/* Both names of a merchant: its own, or that of the service provider it stands behind. */
static bool caller_is_known(const struct visit *visit)
{
    const json_t *content = visit->content;
    const char *mchid = json_text(content, "mchid"), *appid = json_text(content, "appid");
    mchid = mchid[0] == '\0' ? json_text(content, "sp_mchid") : mchid;
    appid = appid[0] == '\0' ? json_text(content, "sp_appid") : appid;
    return strcmp(mchid, visit->gateway->mchid) == 0 && strcmp(appid, visit->gateway->appid) == 0;
}

static const char *pay_fault(const struct visit *visit)
{
    const json_t *content = visit->content, *amount = json_object_get(content, "amount");
    const char *description = json_text(content, "description");
    const char *currency = json_text(amount, "currency");
    if (description[0] == '\0' || strlen(description) > DESCRIPTION_BYTES_MAX) {
        return "description: 1 to 127 characters are expected";
    }
    if (!number_is_sound(json_text(content, "out_trade_no"), 32, "_-|*")) {
        return "out_trade_no: 1 to 32 letters, digits, _ - | * are expected";
    }
    if (visit->amount < 1 || visit->amount > GATEWAY_AMOUNT_MAX) {
        return "amount.total: a whole number of fen from 1 is expected";
    }
    if (currency[0] != '\0' && strcmp(currency, "CNY") != 0) {
        return "amount.currency: CNY is expected";
    }
    return json_is_object(json_object_get(content, "scene_info")) ? NULL : "scene_info is missing";
}

static void pay_tell(struct visit *visit, const struct order *order)
{
    unsigned status = 0;
    const char *code = NULL;
    switch (order->state) {
    case ORDER_PAID:
        answer_begin(visit);
        order_put(visit->gateway, visit->answer, order);
        break;
    case ORDER_WAITING:
        answer_fail(visit, 202, "USERPAYING", "the buyer enters a password: ask for the order");
        break;
    case ORDER_FAILED:
        code = wechat_v3_code(order->refusal, &status);
        answer_fail(visit, status, code, refusal_word(order->refusal));
        break;
    case ORDER_CLOSED:
    case ORDER_REVERSED:
    case ORDER_STATE_COUNT:
        answer_fail(visit, 400, "ORDER_CLOSED", "the order is closed or reversed");
        break;
    }
}

static void on_pay(struct visit *visit)
{
    const json_t *content = visit->content;
    const struct verdict *verdict = &visit->reply->verdict;
    const json_t *scene = json_object_get(content, "scene_info");
    const char *fault = pay_fault(visit);
    const char *code = json_text(json_object_get(content, "payer"), "auth_code");
    const char *url = json_text(content, "notify_url");
    bool is_code_refused = verdict->moods[MOOD_DECLINE] && (verdict->refusal == REFUSAL_CODE ||
                                                            verdict->refusal == REFUSAL_EXPIRED);
    if (!caller_is_known(visit)) {
        answer_fail(visit, 403, "NO_AUTH", "mchid or appid is another one's");
    } else if (fault != NULL) {
        answer_fail(visit, 400, "PARAM_ERROR", fault);
    } else if (!code_is_of(WALLET_WECHAT, code) || is_code_refused) {
        answer_fail(visit, 400, "AUTH_CODE_INVALID", "no such payment code");
    } else {
        struct purchase purchase = {
            .wallet = WALLET_WECHAT,
            .number = visit->number,
            .code = code,
            .terminal_id = json_text(scene, "device_id"),
            .merchant_id = json_text(json_object_get(scene, "store_info"), "id"),
            .notify_url = url[0] == '\0' ? visit->gateway->wechat_notify_url : url,
            .amount = visit->amount};
        gateway_purchase(verdict, &purchase);
        struct order *order = NULL;
        enum book_verdict told = book_pay(visit->gateway->book, &purchase, &order);
        if (order == NULL) {
            answer_fail(visit, 400, told == BOOK_CODE_OLD ? "AUTHCODEEXPIRE" : "AUTH_CODE_INVALID",
                        "the code has expired, or was used");
        } else if (told == BOOK_CONFLICT) {
            answer_fail(visit, 403, "OUT_TRADE_NO_USED", "out_trade_no is another payment's");
        } else {
            pay_tell(visit, order);
        }
    }
}

static struct order *order_wanted(struct visit *visit, const char *number)
{
    struct order *order = book_find(visit->gateway->book, WALLET_WECHAT, number);
    if (order == NULL) {
        answer_fail(visit, 404, "ORDER_NOT_EXIST", "no such order");
    }
    return order;
}

static void on_query(struct visit *visit)
{
    const char *mchid = params_find(&visit->query, "mchid");
    mchid = mchid[0] == '\0' ? params_find(&visit->query, "sp_mchid") : mchid;
    if (strcmp(mchid, visit->gateway->mchid) != 0) {
        answer_fail(visit, 400, "PARAM_ERROR", "mchid is missing, or another one's");
        return;
    }
    struct order *order = order_wanted(visit, visit->part);
    if (order != NULL && order->query_fails) {
        answer_fail(visit, 500, "SYSTEM_ERROR", "try again");
    } else if (order != NULL) {
        answer_begin(visit);
        order_put(visit->gateway, visit->answer, order);
    }
}

static void on_reverse(struct visit *visit)
{
    if (!caller_is_known(visit)) {
        answer_fail(visit, 403, "NO_AUTH", "mchid or appid is another one's");
        return;
    }
    struct order *order = order_wanted(visit, visit->part);
    if (order == NULL) {
        return;
    }
    struct book *book = visit->gateway->book;
    int64_t age_us = book_now(book) - order->created_us;
    if (age_us < INT64_C(1000) * visit->gateway->reverse_min_ms) {
        answer_fail(visit, 403, "TRADE_ERROR", "too early to reverse: ask for the order first");
    } else if (age_us > INT64_C(86400000000) * REVERSE_DAYS_MAX || order->refunded > 0) {
        answer_fail(visit, 403, "TRADE_ERROR", "too late to reverse: refund it");
    } else if (book_undo_again(book, order)) {
        bool is_waiting = order->state == ORDER_WAITING;
        answer_fail(visit, is_waiting ? 403 : 500, is_waiting ? "USERPAYING" : "SYSTEM_ERROR",
                    "not reversed: try again");
    } else {
        (void)book_undo(book, order);
        answer_begin(visit);
        put(visit->answer, "appid", visit->gateway->appid);
        put(visit->answer, "mchid", visit->gateway->mchid);
        put(visit->answer, "out_trade_no", order->number);
        put(visit->answer, "transaction_id", order->trade_number);
        put(visit->answer, "trade_state", wechat_trade_state(order));
        put(visit->answer, "recall", "N");
    }
}

/* ---- refunds ---- */

static void refund_put(struct visit *visit, const struct order *order, const struct refund *refund)
{
    json_t *answer = visit->answer, *amount = json_object();
    put(answer, "refund_id", refund->id);
    put(answer, "out_refund_no", refund->number);
    put(answer, "transaction_id", order->trade_number);
    put(answer, "out_trade_no", order->number);
    put(answer, "channel", "ORIGINAL");
    put(answer, "user_received_account", "wallet");
    put_time(answer, "success_time", refund->made_us);
    put_time(answer, "create_time", refund->made_us);
    put(answer, "status", "SUCCESS");
    put_number(amount, "total", order->amount);
    put_number(amount, "refund", refund->amount);
    put_number(amount, "payer_total", order->amount);
    put_number(amount, "payer_refund", refund->amount);
    put_number(amount, "settlement_total", order->amount);
    put_number(amount, "settlement_refund", refund->amount);
    put_number(amount, "discount_refund", 0);
    put(amount, "currency", "CNY");
    (void)json_object_set_new(answer, "amount", amount);
}

static void on_refund(struct visit *visit)
{
    const json_t *amount = json_object_get(visit->content, "amount");
    int64_t total = json_integer_value(json_object_get(amount, "total"));
    if (!number_is_sound(visit->refund_number, 64, "_-|*@") || visit->amount < 1) {
        answer_fail(visit, 400, "PARAM_ERROR", "out_refund_no and amount.refund are expected");
        return;
    }
    struct order *order = order_wanted(visit, visit->number);
    if (order == NULL) {
        return;
    }
    if (total != order->amount) {
        answer_fail(visit, 400, "PARAM_ERROR", "amount.total is not the order's");
        return;
    }
    const struct refund *refund = NULL;
    switch (
        book_refund(visit->gateway->book, order, visit->refund_number, visit->amount, &refund)) {
    case BOOK_NEW:
    case BOOK_SAME:
        answer_begin(visit);
        refund_put(visit, order, refund);
        break;
    case BOOK_TOO_MUCH:
        answer_fail(visit, 400, "INVALID_REQUEST", "more than is left of the payment");
        break;
    case BOOK_CONFLICT:
        answer_fail(visit, 400, "INVALID_REQUEST", "out_refund_no was another amount before");
        break;
    case BOOK_NOT_PAID:
    case BOOK_CODE_USED:
    case BOOK_CODE_OLD:
        answer_fail(visit, 400, "INVALID_REQUEST", "the order is not paid, or reversed");
        break;
    }
}

static void on_refund_query(struct visit *visit)
{
    struct order *order = NULL;
    const struct refund *refund =
        book_refund_search(visit->gateway->book, WALLET_WECHAT, visit->part, &order);
    if (refund == NULL) {
        answer_fail(visit, 404, "RESOURCE_NOT_EXISTS", "no such refund");
        return;
    }
    answer_begin(visit);
    refund_put(visit, order, refund);
}

/* ---- certificates and bills ---- */

const struct keyring_platform *wechat_v3_platform(const struct gateway *gateway)
{
    const struct keyring *keyring = gateway->keyring;
    return &keyring->platforms[atomic_load(&gateway->platform) % keyring->platform_count];
}

/* A text under the APIv3 key. */
static json_t *wrapped(const struct gateway *gateway, const char *associated_data, const char *text)
{
    char nonce[SEAL_NONCE_SIZE];
    seal_nonce(nonce, 12);
    struct seal_box box = {nonce, associated_data};
    char *ciphertext = seal_wrap(gateway->keyring->api_v3, &box, text_view(text));
    json_t *object = json_object();
    put(object, "algorithm", "AEAD_AES_256_GCM");
    put(object, "nonce", nonce);
    put(object, "associated_data", associated_data);
    put(object, "ciphertext", ciphertext == NULL ? "" : ciphertext);
    free(ciphertext);
    return object;
}

/* The one in use, and the one that follows it. */
static void on_certificates(struct visit *visit)
{
    const struct gateway *gateway = visit->gateway;
    const struct keyring *keyring = gateway->keyring;
    uint32_t count = keyring->platform_count < 2 ? keyring->platform_count : 2;
    json_t *list = json_array();
    for (uint32_t i = 0; i < count; i++) {
        const struct keyring_platform *platform =
            &keyring->platforms[(atomic_load(&gateway->platform) + i) % keyring->platform_count];
        json_t *item = json_object();
        put(item, "serial_no", platform->serial);
        put(item, "effective_time", platform->not_before);
        put(item, "expire_time", platform->not_after);
        (void)json_object_set_new(item, "encrypt_certificate",
                                  wrapped(gateway, "certificate", platform->certificate));
        (void)json_array_append_new(list, item);
    }
    answer_begin(visit);
    (void)json_object_set_new(visit->answer, "data", list);
}

static void on_bill(struct visit *visit)
{
    const char *date = params_find(&visit->query, "bill_date");
    int64_t begin_us = 0;
    char url[160], hash[41];
    if (strlen(date) != 10 || day_read(date, &begin_us) != STATUS_OK) {
        answer_fail(visit, 400, "PARAM_ERROR", "bill_date yyyy-MM-dd is expected");
        return;
    }
    char *bill = bill_write(visit->gateway->book, WALLET_WECHAT, begin_us);
    seal_sha1(text_view(bill == NULL ? "" : bill), hash);
    free(bill);
    snprintf(url, sizeof url, "%s/v3/billdownload/file?date=%s", visit->gateway->base_url, date);
    answer_begin(visit);
    put(visit->answer, "hash_type", "SHA1");
    put(visit->answer, "hash_value", hash);
    put(visit->answer, "download_url", url);
}

/* ---- routes ---- */

static const struct route {
    const char *method, *before, *after; /* of the variable part; after NULL: there is none */
    enum operation operation;
    void (*answer)(struct visit *visit);
} ROUTES[] = {
    {"POST", "/v3/pay/transactions/codepay", NULL, OPERATION_PAY, on_pay},
    {"POST", "/v3/pay/partner/transactions/codepay", NULL, OPERATION_PAY, on_pay},
    {"POST", "/v3/pay/transactions/out-trade-no/", "/reverse", OPERATION_UNDO, on_reverse},
    {"POST", "/v3/pay/partner/transactions/out-trade-no/", "/reverse", OPERATION_UNDO, on_reverse},
    {"GET", "/v3/pay/transactions/out-trade-no/", "", OPERATION_QUERY, on_query},
    {"GET", "/v3/pay/partner/transactions/out-trade-no/", "", OPERATION_QUERY, on_query},
    {"POST", "/v3/refund/domestic/refunds", NULL, OPERATION_REFUND, on_refund},
    {"GET", "/v3/refund/domestic/refunds/", "", OPERATION_REFUND_QUERY, on_refund_query},
    {"GET", "/v3/certificates", NULL, OPERATION_CERTIFICATES, on_certificates},
    {"GET", "/v3/bill/tradebill", NULL, OPERATION_BILL, on_bill},
};

static bool route_fits(const struct route *route, const struct call *call,
                       char part[BOOK_NUMBER_SIZE])
{
    size_t before = strlen(route->before), all = strlen(call->path);
    size_t after = route->after == NULL ? 0 : strlen(route->after);
    if (strcmp(route->method, call->method) != 0 || all < before + after ||
        strncmp(call->path, route->before, before) != 0) {
        return false;
    }
    size_t length = all - before - after;
    if (route->after == NULL) {
        return length == 0;
    }
    if (length == 0 || length >= BOOK_NUMBER_SIZE ||
        strcmp(call->path + all - after, route->after) != 0) {
        return false;
    }
    memcpy(part, call->path + before, length);
    part[length] = '\0';
    return strchr(part, '/') == NULL;
}

static const struct route *route_find(const struct call *call, char part[BOOK_NUMBER_SIZE])
{
    for (unsigned i = 0; i < sizeof ROUTES / sizeof ROUTES[0]; i++) {
        if (route_fits(&ROUTES[i], call, part)) {
            return &ROUTES[i];
        }
    }
    return NULL;
}

/* ---- signatures ---- */

/* The value of a name in `name="value",...`; false: it is not there, or too long. */
static bool authorization_part(const char *text, const char *name, char *value, size_t size)
{
    size_t length = strlen(name);
    for (const char *at = text; (at = strstr(at, name)) != NULL; at += length) {
        bool is_begin = at == text || at[-1] == ',' || at[-1] == ' ';
        if (is_begin && at[length] == '=' && at[length + 1] == '"') {
            size_t count = strcspn(at + length + 2, "\"");
            if (count == 0 || count >= size || at[length + 2 + count] != '"') {
                return false;
            }
            memcpy(value, at + length + 2, count);
            value[count] = '\0';
            return true;
        }
    }
    return false;
}

static bool request_is_signed(const struct visit *visit, const char *time, const char *nonce,
                              const char *signature)
{
    const struct call *call = visit->call;
    char *text = NULL;
    size_t length = 0;
    FILE *file = open_memstream(&text, &length);
    if (file == NULL) {
        return false;
    }
    fprintf(file, "%s\n%s\n%s\n%s\n", call->method, call->target, time, nonce);
    if (call->body.length > 0) { /* a GET has none, and no pointer to it */
        fwrite(call->body.bytes, 1, call->body.length, file);
    }
    fputc('\n', file);
    bool is_right = fclose(file) == 0 &&
                    seal_verifies(visit->gateway->keyring->merchant,
                                  (struct byte_view){(uint8_t *)text, (uint32_t)length}, signature);
    free(text);
    return is_right;
}

/* NULL: the request is its caller's. */
static const char *authorization_fault(const struct visit *visit)
{
    const char *text = visit->call->authorization;
    char mchid[33], nonce[65], time[16], serial[KEYRING_SERIAL_SIZE],
        signature[SEAL_SIGNATURE_SIZE];
    uint64_t seconds = 0;
    if (strncmp(text, SCHEMA, strlen(SCHEMA)) != 0) {
        return "Authorization: WECHATPAY2-SHA256-RSA2048 is expected";
    }
    if (!authorization_part(text, "mchid", mchid, sizeof mchid) ||
        !authorization_part(text, "nonce_str", nonce, sizeof nonce) ||
        !authorization_part(text, "timestamp", time, sizeof time) ||
        !authorization_part(text, "serial_no", serial, sizeof serial) ||
        !authorization_part(text, "signature", signature, sizeof signature)) {
        return "Authorization: mchid, nonce_str, timestamp, serial_no and signature are expected";
    }
    if (strcmp(mchid, visit->gateway->mchid) != 0 ||
        strcmp(serial, visit->gateway->keyring->merchant_serial) != 0) {
        return "Authorization: no certificate of that serial_no belongs to that mchid";
    }
    int64_t now = (visit->call->now_us + visit->gateway->skew_us) / 1000000;
    if (digits_parse(&seconds, time, (uint32_t)strlen(time),
                     (struct number_range){0, UINT32_MAX}) != STATUS_OK ||
        llabs(now - (int64_t)seconds) > WINDOW_SECONDS) {
        return "Authorization: timestamp is more than five minutes off; set the clock";
    }
    return request_is_signed(visit, time, nonce, signature)
               ? NULL
               : "the signature does not fit method, address, time, nonce and body";
}

enum status wechat_v3_sign(const struct gateway *gateway, int64_t now_us, struct reply *reply)
{
    const struct keyring_platform *platform = wechat_v3_platform(gateway);
    char nonce[SEAL_NONCE_SIZE], time[24], signature[SEAL_SIGNATURE_SIZE];
    int64_t seconds = (now_us + gateway->skew_us) / 1000000;
    seconds += reply->verdict.fate == FATE_SKEW ? SKEW_SECONDS : 0;
    seal_nonce(nonce, 32);
    snprintf(time, sizeof time, "%lld", (long long)seconds);
    size_t room = strlen(reply->body) + 80;
    char *text = malloc(room);
    if (text == NULL) {
        return STATUS_NO_MEMORY;
    }
    bool is_wrong = reply->verdict.fate == FATE_BAD_SIGNATURE;
    snprintf(text, room, "%s\n%s\n%s\n%s", time, nonce, reply->body, is_wrong ? "x" : "");
    enum status status = seal_sign(platform->key, text_view(text), signature);
    free(text);
    reply_header(reply, "Wechatpay-Timestamp", time);
    reply_header(reply, "Wechatpay-Nonce", nonce);
    reply_header(reply, "Wechatpay-Signature", signature);
    reply_header(reply, "Wechatpay-Serial", platform->serial);
    return status;
}

/* ---- the envelope ---- */

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
        answer_fail(visit, 200, "SYSTEM_ERROR", "try again");
    }
    struct book_entry entry = {.wallet = WALLET_WECHAT,
                               .operation = operation_word(route->operation),
                               .number = visit->number,
                               .refund_number = visit->refund_number,
                               .answer = visit->code,
                               .fault = verdict_word(verdict),
                               .amount = visit->amount};
    book_journal(visit->gateway->book, &entry);
}

static void content_read(struct visit *visit, const struct route *route)
{
    const json_t *amount = json_object_get(visit->content, "amount");
    bool is_refund = route->operation == OPERATION_REFUND;
    const char *number = json_text(visit->content, "out_trade_no");
    visit->amount = json_integer_value(json_object_get(amount, is_refund ? "refund" : "total"));
    visit->number =
        number[0] == '\0' && route->operation != OPERATION_REFUND_QUERY ? visit->part : number;
    visit->refund_number = is_refund ? json_text(visit->content, "out_refund_no")
                           : route->operation == OPERATION_REFUND_QUERY ? visit->part
                                                                        : "";
}

static enum status visit_answer(struct visit *visit, const struct route *route)
{
    struct gateway *gateway = visit->gateway;
    const char *fault = authorization_fault(visit);
    bool has_body = strcmp(visit->call->method, "POST") == 0;
    if (fault != NULL) {
        answer_fail(visit, 401, "SIGN_ERROR", fault);
    } else if (route == NULL) {
        answer_fail(visit, 404, "RESOURCE_NOT_EXISTS", "no such address, or not with this method");
    } else if (has_body && visit->content == NULL) {
        answer_fail(visit, 400, "PARAM_ERROR", "the body is no JSON object");
    } else {
        content_read(visit, route);
        book_begin(gateway->book, visit->call->now_us + gateway->skew_us);
        visit_act(visit, route);
        enum status status = book_end(gateway->book);
        if (status != STATUS_OK || visit->reply->is_held) {
            return status;
        }
    }
    visit->reply->type = "application/json; charset=utf-8";
    visit->reply->body = json_dumps(visit->answer, JSON_COMPACT);
    return visit->reply->body == NULL ? STATUS_NO_MEMORY
                                      : wechat_v3_sign(gateway, visit->call->now_us, visit->reply);
}

/* A bill's lines are not signed by headers: their hash was. */
static enum status bill_answer(struct visit *visit)
{
    int64_t begin_us = 0;
    const char *date = params_find(&visit->query, "date");
    const char *fault = authorization_fault(visit);
    visit->reply->type = "text/plain; charset=utf-8";
    if (fault != NULL || day_read(date, &begin_us) != STATUS_OK) {
        visit->reply->status = fault != NULL ? 401 : 404;
        visit->reply->body = strdup(fault != NULL ? fault : "no such bill");
    } else {
        book_begin(visit->gateway->book, visit->call->now_us + visit->gateway->skew_us);
        visit->reply->status = 200;
        visit->reply->body = bill_write(visit->gateway->book, WALLET_WECHAT, begin_us);
        enum status status = book_end(visit->gateway->book);
        if (status != STATUS_OK) {
            return status;
        }
    }
    return visit->reply->body == NULL ? STATUS_NO_MEMORY : STATUS_OK;
}

enum status wechat_v3_answer(struct gateway *gateway, const struct call *call, struct reply *reply)
{
    struct visit visit = {
        .gateway = gateway, .call = call, .reply = reply, .number = "", .refund_number = ""};
    const struct route *route = route_find(call, visit.part);
    visit.content = json_object_read(call->body);
    enum status status = params_read_form(&visit.query, text_view(call->query));
    if (status > STATUS_OK || status == STATUS_NO_ROOM) {
        params_free(&visit.query); /* then no name in it is known, which the route will say */
        status = STATUS_OK;
    }
    if (status == STATUS_OK) {
        status = strcmp(call->path, "/v3/billdownload/file") == 0 ? bill_answer(&visit)
                                                                  : visit_answer(&visit, route);
    }
    params_free(&visit.query);
    json_decref(visit.content);
    json_decref(visit.answer);
    return status;
}

char *wechat_v3_notify(const struct gateway *gateway, const struct order *order, int64_t now_us)
{
    char id[64], suffix[SEAL_NONCE_SIZE];
    json_t *told = json_object(), *notify = json_object();
    order_put(gateway, told, order);
    char *text = json_dumps(told, JSON_COMPACT);
    json_t *resource = wrapped(gateway, "transaction", text == NULL ? "" : text);
    put(resource, "original_type", "transaction");
    seal_nonce(suffix, 16);
    snprintf(id, sizeof id, "EV-%lld-%s", (long long)(now_us / 1000000), suffix);
    put(notify, "id", id);
    put_time(notify, "create_time", now_us);
    put(notify, "resource_type", "encrypt-resource");
    put(notify, "event_type", "TRANSACTION.SUCCESS");
    put(notify, "summary", "\xE6\x94\xAF\xE4\xBB\x98\xE6\x88\x90\xE5\x8A\x9F");
    (void)json_object_set_new(notify, "resource", resource);
    char *body = json_dumps(notify, JSON_COMPACT | JSON_ENSURE_ASCII);
    free(text);
    json_decref(told);
    json_decref(notify);
    return body;
}
