/* A method is a row: what it is called, how it answers. Whatever goes wrong becomes a node with a
 * code, for the gateway answers everything with 200. */
#include "loadtest/wallet/alipay.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "loadtest/wallet/bill.h"
#include "loadtest/wallet/params.h"

#define CANCEL_HOURS_MAX 24
#define SUBJECT_BYTES_MAX 1024

/* One call under way. */
struct visit {
    struct gateway *gateway;
    const struct call *call;
    struct reply *reply;
    struct params params;
    json_t *content; /* owner; biz_content */
    json_t *node;    /* owner; the answer */
    const char *number, *refund_number;
    int64_t amount; /* of the call, for fault and journal; 0: none */
    char code[64];  /* of the answer, for the journal */
};

static void node_put(json_t *node, const char *name, const char *text)
{
    (void)json_object_set_new(node, name, json_string(text));
}

static void node_money(json_t *node, const char *name, int64_t fen)
{
    char text[24];
    yuan_write(fen, text);
    node_put(node, name, text);
}

static void node_begin(struct visit *visit, const char *code, const char *message)
{
    json_decref(visit->node);
    visit->node = json_object();
    node_put(visit->node, "code", code);
    node_put(visit->node, "msg", message);
    snprintf(visit->code, sizeof visit->code, "%s", code);
}

static void node_fail(struct visit *visit, const char *code, const char *message,
                      const char *sub_code, const char *sub_message)
{
    node_begin(visit, code, message);
    node_put(visit->node, "sub_code", sub_code);
    node_put(visit->node, "sub_msg", sub_message);
    snprintf(visit->code, sizeof visit->code, "%s %s", code, sub_code);
}

static void node_refuse(struct visit *visit, const char *sub_code, const char *sub_message)
{
    node_fail(visit, "40004", "Business Failed", sub_code, sub_message);
}

static void node_order(struct visit *visit, const struct order *order)
{
    node_put(visit->node, "out_trade_no", order->number);
    node_put(visit->node, "trade_no", order->trade_number);
    node_put(visit->node, "buyer_logon_id", "a***@example.com");
    node_put(visit->node, "buyer_user_id", "2088000000000000");
}

static void node_time(struct visit *visit, const char *name, int64_t at_us)
{
    char text[24];
    time_write(at_us, "%Y-%m-%d %H:%M:%S", text, sizeof text);
    node_put(visit->node, name, text);
}

/* ---- the methods ---- */

static struct order *order_wanted(struct visit *visit)
{
    struct book *book = visit->gateway->book;
    const char *number = json_text(visit->content, "out_trade_no");
    const char *trade_number = json_text(visit->content, "trade_no");
    struct order *order = NULL;
    if (number[0] != '\0') {
        order = book_find(book, WALLET_ALIPAY, number);
    } else if (trade_number[0] != '\0') {
        while ((order = book_next(book, WALLET_ALIPAY, order)) != NULL &&
               strcmp(order->trade_number, trade_number) != 0) {
        }
    }
    if (order == NULL) {
        node_refuse(visit, "ACQ.TRADE_NOT_EXIST", "no such trade");
    } else {
        visit->number = order->number;
    }
    return order;
}

static const char *refusal_sentence(enum refusal refusal)
{
    return refusal == REFUSAL_NONE ? "the buyer did not pay" : refusal_word(refusal);
}

static void node_paid(struct visit *visit, const struct order *order)
{
    char text[24];
    yuan_write(order->amount, text);
    node_begin(visit, "10000", "Success");
    node_order(visit, order);
    node_put(visit->node, "total_amount", text);
    node_put(visit->node, "receipt_amount", text);
    node_put(visit->node, "buyer_pay_amount", text);
    node_time(visit, "gmt_payment", order->paid_us);
    node_put(visit->node, "store_name",
             "1/F \"\xE4\xB8\x80\xE5\xBA\x97\" {B}"); /* hard to write again */
    json_t *bills = json_array();
    json_t *bill = json_object();
    node_put(bill, "fund_channel", "ALIPAYACCOUNT");
    node_put(bill, "amount", text);
    (void)json_array_append_new(bills, bill);
    (void)json_object_set_new(visit->node, "fund_bill_list", bills);
}

static void pay_tell(struct visit *visit, const struct order *order)
{
    switch (order->state) {
    case ORDER_PAID:
        node_paid(visit, order);
        break;
    case ORDER_WAITING:
        node_begin(visit, "10003", "order success pay inprocess");
        node_order(visit, order);
        node_money(visit->node, "total_amount", order->amount);
        break;
    case ORDER_FAILED:
        node_refuse(visit,
                    order->refusal == REFUSAL_NONE ? "ACQ.PAYMENT_FAIL"
                                                   : refusal_code(order->refusal, WALLET_ALIPAY),
                    refusal_sentence(order->refusal));
        break;
    case ORDER_CLOSED:
    case ORDER_REVERSED:
    case ORDER_STATE_COUNT:
        node_refuse(visit, "ACQ.TRADE_HAS_CLOSE", "the trade is closed");
        break;
    }
}

/* "2m", "1h", "1d", "1c" into microseconds; 0: absent; -1: something else. */
static int64_t timeout_read(const char *text)
{
    static const char units[] = "mhdc";
    static const int64_t minutes[] = {1, 60, 1440, 1440};
    if (text[0] == '\0') {
        return 0;
    }
    size_t digits = strspn(text, "0123456789");
    const char *unit =
        digits >= 1 && digits <= 5 && text[digits] != '\0' ? strchr(units, text[digits]) : NULL;
    if (unit == NULL || text[digits + 1] != '\0') {
        return -1;
    }
    return strtol(text, NULL, 10) * minutes[unit - units] * 60 * 1000000;
}

/* NULL: the parameters are sound. */
static const char *pay_fault(const struct visit *visit, const json_t *content)
{
    const char *subject = json_text(content, "subject");
    if (!number_is_sound(json_text(content, "out_trade_no"), 64, "_")) {
        return "out_trade_no: 1 to 64 letters, digits or underlines are expected";
    }
    if (strcmp(json_text(content, "scene"), "bar_code") != 0) {
        return "scene: bar_code is expected";
    }
    if (subject[0] == '\0' || strlen(subject) > SUBJECT_BYTES_MAX) {
        return "subject is missing or too long";
    }
    if (visit->amount == 0) {
        return "total_amount: yuan with up to two decimals, 0.01 to 100000000, are expected";
    }
    if (timeout_read(json_text(content, "timeout_express")) < 0) {
        return "timeout_express: a number with m, h, d or c is expected";
    }
    return NULL;
}

static void on_pay(struct visit *visit)
{
    const json_t *content = visit->content;
    const struct verdict *verdict = &visit->reply->verdict;
    const char *fault = pay_fault(visit, content);
    const char *code = json_text(content, "auth_code");
    bool is_code_refused = verdict->moods[MOOD_DECLINE] && (verdict->refusal == REFUSAL_CODE ||
                                                            verdict->refusal == REFUSAL_EXPIRED);
    if (fault != NULL) {
        node_refuse(visit, "ACQ.INVALID_PARAMETER", fault);
        return;
    }
    if (!code_is_of(WALLET_ALIPAY, code) || is_code_refused) {
        node_refuse(visit, refusal_code(REFUSAL_CODE, WALLET_ALIPAY), "no such payment code");
        return;
    }
    struct purchase purchase = {.wallet = WALLET_ALIPAY,
                                .number = visit->number,
                                .code = code,
                                .terminal_id = json_text(content, "terminal_id"),
                                .merchant_id = json_text(content, "store_id"),
                                .notify_url = params_find(&visit->params, "notify_url"),
                                .amount = visit->amount};
    gateway_purchase(verdict, &purchase);
    int64_t timeout_us = timeout_read(json_text(content, "timeout_express"));
    if (purchase.due_state == ORDER_CLOSED && timeout_us > 0 && timeout_us < purchase.wait_us) {
        purchase.wait_us = timeout_us;
    }
    struct order *order = NULL;
    enum book_verdict told = book_pay(visit->gateway->book, &purchase, &order);
    if (order == NULL) {
        node_refuse(visit, refusal_code(REFUSAL_CODE, WALLET_ALIPAY),
                    told == BOOK_CODE_OLD ? "the code has expired" : "the code was used");
    } else if (told == BOOK_CONFLICT) {
        node_refuse(visit, "ACQ.CONTEXT_INCONSISTENT", "out_trade_no is another payment's");
    } else {
        pay_tell(visit, order);
    }
}

static const char *trade_status(const struct order *order)
{
    if (order->state == ORDER_WAITING) {
        return "WAIT_BUYER_PAY";
    }
    return order->state == ORDER_PAID && order->refunded < order->amount ? "TRADE_SUCCESS"
                                                                         : "TRADE_CLOSED";
}

static void on_query(struct visit *visit)
{
    struct order *order = order_wanted(visit);
    if (order == NULL) {
        return;
    }
    if (order->query_fails) {
        node_fail(visit, "20000", "Service Currently Unavailable", "ACQ.SYSTEM_ERROR", "try again");
        return;
    }
    node_begin(visit, "10000", "Success");
    node_order(visit, order);
    node_put(visit->node, "trade_status", trade_status(order));
    node_money(visit->node, "total_amount", order->amount);
    if (order->paid_us != 0) {
        node_time(visit, "send_pay_date", order->paid_us);
    }
}

static void on_cancel(struct visit *visit)
{
    struct order *order = order_wanted(visit);
    if (order == NULL) {
        return;
    }
    int64_t age_us = book_now(visit->gateway->book) - order->created_us;
    if (age_us > INT64_C(3600000000) * CANCEL_HOURS_MAX) {
        node_refuse(visit, "ACQ.TRADE_CANCEL_TIME_OUT", "older than 24 hours: refund it");
        return;
    }
    bool is_again = book_undo_again(visit->gateway->book, order);
    enum order_state state = is_again ? order->state : book_undo(visit->gateway->book, order);
    node_begin(visit, "10000", "Success");
    node_put(visit->node, "out_trade_no", order->number);
    node_put(visit->node, "trade_no", order->trade_number);
    node_put(visit->node, "retry_flag", is_again ? "Y" : "N");
    if (!is_again) {
        node_put(visit->node, "action", state == ORDER_REVERSED ? "refund" : "close");
    }
}

static void refund_tell(struct visit *visit, const struct order *order, enum book_verdict told)
{
    switch (told) {
    case BOOK_NEW:
    case BOOK_SAME:
        node_begin(visit, "10000", "Success");
        node_order(visit, order);
        node_put(visit->node, "fund_change", told == BOOK_NEW ? "Y" : "N");
        node_money(visit->node, "refund_fee", order->refunded);
        break;
    case BOOK_TOO_MUCH:
        node_refuse(visit, "ACQ.REFUND_AMT_NOT_EQUAL_TOTAL", "more than is left of the payment");
        break;
    case BOOK_CONFLICT:
        node_refuse(visit, "ACQ.DISCORDANT_REPEAT_REQUEST",
                    "out_request_no was another amount before");
        break;
    case BOOK_NOT_PAID:
    case BOOK_CODE_USED:
    case BOOK_CODE_OLD:
        node_refuse(visit, "ACQ.TRADE_STATUS_ERROR", "the trade is not paid, or undone");
        break;
    }
}

static void on_refund(struct visit *visit)
{
    struct order *order = order_wanted(visit);
    if (order == NULL) {
        return;
    }
    const char *number = visit->refund_number[0] == '\0' ? order->number : visit->refund_number;
    bool is_partial = visit->amount != order->amount;
    if (visit->amount == 0 || (is_partial && visit->refund_number[0] == '\0') ||
        !number_is_sound(number, 64, "_")) {
        node_refuse(visit, "ACQ.INVALID_PARAMETER",
                    "refund_amount and, for a part, out_request_no are expected");
        return;
    }
    const struct refund *refund = NULL;
    refund_tell(visit, order,
                book_refund(visit->gateway->book, order, number, visit->amount, &refund));
}

static void on_refund_query(struct visit *visit)
{
    struct order *order = order_wanted(visit);
    if (order == NULL) {
        return;
    }
    const struct refund *refund = book_refund_find(order, visit->refund_number);
    node_begin(visit, "10000", "Success");
    if (refund == NULL) {
        return; /* no such refund: the wallet says nothing more */
    }
    node_put(visit->node, "out_trade_no", order->number);
    node_put(visit->node, "trade_no", order->trade_number);
    node_put(visit->node, "out_request_no", refund->number);
    node_put(visit->node, "refund_status", "REFUND_SUCCESS");
    node_money(visit->node, "total_amount", order->amount);
    node_money(visit->node, "refund_amount", refund->amount);
}

static void on_bill(struct visit *visit)
{
    const char *date = json_text(visit->content, "bill_date");
    int64_t begin_us = 0;
    char url[160];
    if (day_read(date, &begin_us) != STATUS_OK ||
        strcmp(json_text(visit->content, "bill_type"), "trade") != 0) {
        node_refuse(visit, "ACQ.INVALID_PARAMETER",
                    "bill_type trade and bill_date yyyy-MM-dd are expected");
        return;
    }
    snprintf(url, sizeof url, "%s/bills/alipay/%s.csv", visit->gateway->base_url, date);
    node_begin(visit, "10000", "Success");
    node_put(visit->node, "bill_download_url", url);
}

static const struct method {
    const char *name;
    enum operation operation;
    void (*answer)(struct visit *visit);
    const char *amount_name, *refund_name;
} METHODS[] = {
    {"alipay.trade.pay", OPERATION_PAY, on_pay, "total_amount", ""},
    {"alipay.trade.query", OPERATION_QUERY, on_query, "", ""},
    {"alipay.trade.cancel", OPERATION_UNDO, on_cancel, "", ""},
    {"alipay.trade.refund", OPERATION_REFUND, on_refund, "refund_amount", "out_request_no"},
    {"alipay.trade.fastpay.refund.query", OPERATION_REFUND_QUERY, on_refund_query, "",
     "out_request_no"},
    {"alipay.data.dataservice.bill.downloadurl.query", OPERATION_BILL, on_bill, "", ""},
};

/* ---- the envelope ---- */

static const struct method *method_find(const char *name)
{
    for (unsigned i = 0; i < sizeof METHODS / sizeof METHODS[0]; i++) {
        if (strcmp(METHODS[i].name, name) == 0) {
            return &METHODS[i];
        }
    }
    return NULL;
}

static bool signature_is_right(const struct visit *visit)
{
    static const char *const omitted[] = {"sign", NULL};
    char *text = params_sorted(&visit->params, omitted);
    bool is_right =
        text != NULL && seal_verifies(visit->gateway->keyring->alipay_app, text_view(text),
                                      params_find(&visit->params, "sign"));
    free(text);
    return is_right;
}

static bool time_is_sound(const char *text)
{
    static const char form[] = "0000-00-00 00:00:00";
    if (strlen(text) != sizeof form - 1) {
        return false;
    }
    for (unsigned i = 0; form[i] != '\0'; i++) {
        if (form[i] == '0' ? text[i] < '0' || text[i] > '9' : text[i] != form[i]) {
            return false;
        }
    }
    return true;
}

/* Whether the call may be acted on; else the node says why not. */
static bool envelope_is_sound(struct visit *visit, const struct method *method)
{
    const struct params *params = &visit->params;
    static const char invalid[] = "Invalid Arguments";
    if (method == NULL) {
        node_fail(visit, "40002", invalid, "isv.invalid-method", params_find(params, "method"));
    } else if (strcmp(params_find(params, "app_id"), visit->gateway->app_id) != 0) {
        node_fail(visit, "40002", invalid, "isv.invalid-app-id", "another application's number");
    } else if (strcmp(params_find(params, "sign_type"), "RSA2") != 0) {
        node_fail(visit, "40002", invalid, "isv.invalid-signature-type", "RSA2 is expected");
    } else if (params_find(params, "sign")[0] == '\0') {
        node_fail(visit, "40001", "Missing Required Arguments", "isv.missing-signature", "sign");
    } else if (!signature_is_right(visit)) {
        node_fail(visit, "40002", invalid, "isv.invalid-signature",
                  "the signature does not fit the sorted parameters and the application's key");
    } else if (strcmp(params_find(params, "charset"), "utf-8") != 0 ||
               strcmp(params_find(params, "version"), "1.0") != 0) {
        node_fail(visit, "40002", invalid, "isv.invalid-charset", "utf-8 and 1.0 are expected");
    } else if (!time_is_sound(params_find(params, "timestamp"))) {
        node_fail(visit, "40002", invalid, "isv.invalid-timestamp", "yyyy-MM-dd HH:mm:ss");
    } else if (visit->content == NULL) {
        node_fail(visit, "40002", invalid, "isv.invalid-parameter",
                  "biz_content is no JSON object");
    } else {
        return true;
    }
    return false;
}

/* Within the book. */
static void visit_act(struct visit *visit, const struct method *method)
{
    struct occasion occasion = {WALLET_ALIPAY, method->operation, visit->call->negative_test,
                                method->operation == OPERATION_PAY ? visit->amount : 0};
    if (!gateway_decide(visit->gateway, visit->call, &occasion, visit->reply)) {
        return;
    }
    const struct verdict *verdict = &visit->reply->verdict;
    if (verdict->is_acted) {
        method->answer(visit);
    }
    if (verdict->fate == FATE_ERROR_BODY || !verdict->is_acted) {
        node_fail(visit, "20000", "Service Currently Unavailable", "isp.unknow-error", "try again");
    }
    struct book_entry entry = {.wallet = WALLET_ALIPAY,
                               .operation = operation_word(method->operation),
                               .number = visit->number,
                               .refund_number = visit->refund_number,
                               .answer = visit->code,
                               .fault = verdict_word(verdict),
                               .amount = visit->amount};
    book_journal(visit->gateway->book, &entry);
}

static enum status reply_write(struct visit *visit)
{
    struct reply *reply = visit->reply;
    char signature[SEAL_SIGNATURE_SIZE], name[96];
    char *node = json_dumps(visit->node, JSON_COMPACT | JSON_ENSURE_ASCII | JSON_ESCAPE_SLASH);
    if (node == NULL) {
        return STATUS_NO_MEMORY;
    }
    uint32_t length = (uint32_t)strlen(node);
    length -= reply->verdict.fate == FATE_BAD_SIGNATURE ? 1 : 0; /* signs something else */
    enum status status = seal_sign(visit->gateway->keyring->alipay,
                                   (struct byte_view){(uint8_t *)node, length}, signature);
    const char *method = params_find(&visit->params, "method");
    bool is_known = method_find(method) != NULL;
    snprintf(name, sizeof name, "%s", is_known ? method : "error");
    for (char *at = name; *at != '\0'; at++) {
        *at = *at == '.' ? '_' : *at;
    }
    size_t room = strlen(node) + strlen(signature) + sizeof name + 64;
    reply->body = status == STATUS_OK ? malloc(room) : NULL;
    if (reply->body != NULL) {
        snprintf(reply->body, room, "{\"%s_response\":%s,\"sign\":\"%s\"}", name, node, signature);
    }
    free(node);
    reply->status = 200;
    reply->type = "application/json;charset=utf-8";
    return status != STATUS_OK ? status : reply->body == NULL ? STATUS_NO_MEMORY : STATUS_OK;
}

static enum status visit_answer(struct visit *visit, const struct method *method)
{
    if (envelope_is_sound(visit, method)) {
        const char *amount = json_text(visit->content, method->amount_name);
        if (yuan_read(amount, &visit->amount) != STATUS_OK) {
            visit->amount = 0; /* the method says what it expects */
        }
        visit->number = json_text(visit->content, "out_trade_no");
        visit->refund_number = json_text(visit->content, method->refund_name);
        book_begin(visit->gateway->book, visit->call->now_us + visit->gateway->skew_us);
        visit_act(visit, method);
        enum status status = book_end(visit->gateway->book);
        if (status != STATUS_OK || visit->reply->is_held) {
            return status;
        }
    }
    return reply_write(visit);
}

enum status alipay_answer(struct gateway *gateway, const struct call *call, struct reply *reply)
{
    struct visit visit = {
        .gateway = gateway, .call = call, .reply = reply, .number = "", .refund_number = ""};
    enum status status = params_read_form(&visit.params, text_view(call->query));
    if (status == STATUS_OK) {
        status = params_read_form(&visit.params, call->body);
    }
    if (status > STATUS_OK || status == STATUS_NO_ROOM) {
        node_fail(&visit, "40002", "Invalid Arguments", "isv.invalid-parameter",
                  "a form is expected, each name once");
        status = reply_write(&visit);
    } else if (status == STATUS_OK) {
        const char *content = params_find(&visit.params, "biz_content");
        visit.content = json_object_read(text_view(content));
        status = visit_answer(&visit, method_find(params_find(&visit.params, "method")));
    }
    json_decref(visit.content);
    json_decref(visit.node);
    params_free(&visit.params);
    return status;
}

enum status alipay_bill_answer(struct gateway *gateway, const struct call *call,
                               struct reply *reply)
{
    static const char before[] = "/bills/alipay/";
    char date[16] = "";
    int64_t begin_us = 0;
    reply->type = "text/plain; charset=utf-8";
    if (strncmp(call->path, before, sizeof before - 1) == 0) {
        snprintf(date, sizeof date, "%.10s", call->path + sizeof before - 1);
    }
    if (day_read(date, &begin_us) != STATUS_OK) {
        reply->status = 404;
        reply->body = strdup("no such address\n");
        return reply->body == NULL ? STATUS_NO_MEMORY : STATUS_OK;
    }
    book_begin(gateway->book, call->now_us + gateway->skew_us);
    reply->status = 200;
    reply->body = bill_write(gateway->book, WALLET_ALIPAY, begin_us);
    enum status status = book_end(gateway->book);
    return status != STATUS_OK ? status : reply->body == NULL ? STATUS_NO_MEMORY : STATUS_OK;
}

char *alipay_notify(const struct gateway *gateway, const struct order *order, int64_t now_us)
{
    static const char *const omitted[] = {"sign", "sign_type", NULL};
    struct params params = {0};
    char now[24], paid[24], amount[24], id[SEAL_NONCE_SIZE], signature[SEAL_SIGNATURE_SIZE];
    time_write(now_us, "%Y-%m-%d %H:%M:%S", now, sizeof now);
    time_write(order->paid_us, "%Y-%m-%d %H:%M:%S", paid, sizeof paid);
    yuan_write(order->amount, amount);
    seal_nonce(id, 32);
    const char *const pairs[][2] = {{"notify_time", now},
                                    {"notify_type", "trade_status_sync"},
                                    {"notify_id", id},
                                    {"app_id", gateway->app_id},
                                    {"charset", "utf-8"},
                                    {"version", "1.0"},
                                    {"trade_no", order->trade_number},
                                    {"out_trade_no", order->number},
                                    {"trade_status", "TRADE_SUCCESS"},
                                    {"total_amount", amount},
                                    {"receipt_amount", amount},
                                    {"seller_id", gateway->seller_id},
                                    {"gmt_payment", paid},
                                    {"sign_type", "RSA2"}};
    enum status status = STATUS_OK;
    for (unsigned i = 0; i < sizeof pairs / sizeof pairs[0] && status == STATUS_OK; i++) {
        status = params_add(&params, text_view(pairs[i][0]), text_view(pairs[i][1]));
    }
    char *text = params_sorted(&params, omitted);
    char *form = NULL;
    if (status == STATUS_OK && text != NULL &&
        seal_sign(gateway->keyring->alipay, text_view(text), signature) == STATUS_OK &&
        params_add(&params, text_view("sign"), text_view(signature)) == STATUS_OK) {
        form = params_write_form(&params);
    }
    free(text);
    params_free(&params);
    return form;
}
