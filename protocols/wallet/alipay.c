/* See alipay.h. */
#include "protocols/wallet/alipay.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "protocols/base/require.h"
#include "protocols/base/secret.h"
#include "protocols/wallet/wallet_json.h"
#include "protocols/wallet/wallet_result.h"
#include "protocols/wallet/wallet_text.h"

#define CONTENT_BYTES_MAX 1024
#define SIGNED_BYTES_MAX 2048
#define NOTIFY_BYTES_MAX 16384
#define SUCCESS "10000"

/* What each ask is called, and what its answer's node is. */
static const struct {
    const char *method, *node;
} CALLS[WALLET_ASK_COUNT] = {
    [WALLET_ASK_PAY] = {"alipay.trade.pay", "alipay_trade_pay_response"},
    [WALLET_ASK_QUERY] = {"alipay.trade.query", "alipay_trade_query_response"},
    [WALLET_ASK_CANCEL] = {"alipay.trade.cancel", "alipay_trade_cancel_response"},
    [WALLET_ASK_REFUND] = {"alipay.trade.refund", "alipay_trade_refund_response"},
    [WALLET_ASK_REFUND_QUERY] = {"alipay.trade.fastpay.refund.query",
                                 "alipay_trade_fastpay_refund_query_response"},
};

/* --- requests ----------------------------------------------------------------------------- */

static void write_pay(const struct wallet_party *party, const struct wallet_request *request,
                      struct byte_writer *writer)
{
    char subject[16], yuan[WALLET_YUAN_SIZE];
    snprintf(subject, sizeof(subject), "POS %s", request->terminal_id);
    wallet_yuan_write(yuan, request->amount_minor);
    wallet_json_text(writer, "scene", "bar_code");
    wallet_json_text(writer, "auth_code", request->pay_code);
    wallet_json_text(writer, "subject", subject);
    wallet_json_text(writer, "total_amount", yuan);
    wallet_json_text(writer, "product_code", "FACE_TO_FACE_PAYMENT");
    wallet_json_text(writer, "timeout_express", "2m");
    wallet_json_text(writer, "store_id", request->merchant_id);
    wallet_json_text(writer, "terminal_id", request->terminal_id);
    if (party->service_provider_id[0] != '\0') {
        wallet_json_open(writer, "extend_params");
        wallet_json_text(writer, "sys_service_provider_id", party->service_provider_id);
        byte_writer_u8(writer, '}');
    }
}

static void write_content(const struct wallet_party *party, const struct wallet_request *request,
                          struct byte_writer *writer)
{
    char yuan[WALLET_YUAN_SIZE];
    byte_writer_u8(writer, '{');
    wallet_json_text(writer, "out_trade_no", request->order);
    if (request->ask == WALLET_ASK_PAY) {
        write_pay(party, request, writer);
    } else if (request->ask == WALLET_ASK_REFUND) {
        wallet_yuan_write(yuan, request->refund_minor);
        wallet_json_text(writer, "refund_amount", yuan);
        wallet_json_text(writer, "out_request_no", request->refund);
    } else if (request->ask == WALLET_ASK_REFUND_QUERY) {
        wallet_json_text(writer, "out_request_no", request->refund);
    }
    byte_writer_u8(writer, '}');
    byte_writer_u8(writer, '\0');
}

/* Signs the parameters and adds the signature to them. */
static enum status seal(const struct wallet_party *party, struct wallet_parameters *parameters,
                        char signature[WALLET_SIGNATURE_SIZE])
{
    uint8_t text[SIGNED_BYTES_MAX];
    struct byte_writer writer;
    byte_writer_init(&writer, text, sizeof(text));
    wallet_parameters_sort(parameters);
    wallet_parameters_join(parameters, &writer, "sign", NULL);
    enum status status = writer.status;
    if (status == STATUS_OK) {
        status = wallet_rsa_sign(signature, party->key, (struct byte_view){text, writer.position});
    }
    secret_wipe(text, sizeof(text));
    bool is_added = wallet_parameters_add(parameters, "sign", signature);
    REQUIRE(is_added);
    return status;
}

enum status alipay_write(const struct wallet_party *party, const struct wallet_request *request,
                         struct wallet_message *message)
{
    char content[CONTENT_BYTES_MAX], time[WALLET_TIME_SIZE], signature[WALLET_SIGNATURE_SIZE];
    struct wallet_parameters parameters = {.count = 0};
    struct byte_writer writer;
    REQUIRE(CALLS[request->ask].method != NULL);
    byte_writer_init(&writer, content, sizeof(content));
    write_content(party, request, &writer);
    enum status status = writer.status;
    wallet_time_write(time, request->wall_s);
    const struct wallet_parameter common[] = {
        {"app_id", party->app_id},
        {"method", CALLS[request->ask].method},
        {"format", "JSON"},
        {"charset", "utf-8"},
        {"sign_type", "RSA2"},
        {"timestamp", time},
        {"version", "1.0"},
        {"notify_url", request->ask == WALLET_ASK_PAY ? party->notify_url : ""},
        {"app_auth_token", party->app_auth_token},
        {"biz_content", content}};
    if (status == STATUS_OK) {
        for (size_t i = 0; i < sizeof(common) / sizeof(common[0]); i++) {
            bool is_added = wallet_parameters_add(&parameters, common[i].name, common[i].value);
            REQUIRE(is_added);
        }
        status = seal(party, &parameters, signature);
    }
    if (status == STATUS_OK) {
        byte_writer_init(&writer, message->body, sizeof(message->body));
        wallet_form_write(&parameters, &writer);
        message->body_length = writer.position;
        status = writer.status;
    }
    secret_wipe(content, sizeof(content));
    message->content_type = "application/x-www-form-urlencoded;charset=utf-8";
    snprintf(message->target, sizeof(message->target), "?charset=utf-8");
    return status;
}

/* --- answers ------------------------------------------------------------------------------ */

static void take(struct wallet_answer *answer, struct wallet_result result)
{
    answer->verdict = result.verdict;
    answer->is_alert = result.is_alert;
    memcpy(answer->response_code, result.response_code, sizeof(answer->response_code));
}

static void take_amount(struct wallet_answer *answer, const char *yuan)
{
    if (wallet_yuan_read(&answer->amount_minor, yuan) != STATUS_OK) {
        answer->amount_minor = -1;
    }
}

/* A refund says by fund_change whether this very call moved money; a repeated one does not, so it
 * is asked for. */
static struct wallet_result refund_of(const json_t *node)
{
    bool has_moved = strcmp(wallet_json_find(node, "fund_change"), "Y") == 0;
    return (struct wallet_result){.verdict = has_moved ? WALLET_REFUNDED : WALLET_WAITING};
}

/* Older answers have no status: then the amount says that the refund is there. */
static struct wallet_result refund_query_of(const json_t *node)
{
    const char *status = wallet_json_find(node, "refund_status");
    if (status[0] != '\0') {
        return wallet_result_refund(status);
    }
    bool is_there = wallet_json_find(node, "refund_amount")[0] != '\0' &&
                    wallet_json_find(node, "out_request_no")[0] != '\0';
    return (struct wallet_result){.verdict = is_there ? WALLET_REFUNDED : WALLET_ABSENT};
}

static struct wallet_result success_of(enum wallet_ask ask, const json_t *node)
{
    switch (ask) {
    case WALLET_ASK_PAY:
        return (struct wallet_result){.verdict = WALLET_PAID};
    case WALLET_ASK_QUERY:
        return wallet_result_state(wallet_json_find(node, "trade_status"));
    case WALLET_ASK_CANCEL:
        return (struct wallet_result){
            .verdict = strcmp(wallet_json_find(node, "retry_flag"), "Y") == 0 ? WALLET_AGAIN
                                                                              : WALLET_UNDONE};
    case WALLET_ASK_REFUND:
        return refund_of(node);
    case WALLET_ASK_REFUND_QUERY:
        return refund_query_of(node);
    case WALLET_ASK_CERTIFICATES:
    case WALLET_ASK_COUNT:
        break;
    }
    return (struct wallet_result){.verdict = WALLET_UNKNOWN};
}

static void judge(const struct wallet_request *request, const json_t *node,
                  struct wallet_answer *answer)
{
    const char *code = wallet_json_find(node, "code");
    const char *sub_code = wallet_json_find(node, "sub_code");
    snprintf(answer->words, sizeof(answer->words), "code %.16s %.64s %.32s", code, sub_code,
             wallet_json_find(node, "trade_status"));
    if (strcmp(code, SUCCESS) != 0) {
        /* A cancel may be refused and still say that it is to be asked for again. */
        bool is_again = request->ask == WALLET_ASK_CANCEL &&
                        strcmp(wallet_json_find(node, "retry_flag"), "Y") == 0;
        wallet_answer_explain(answer, sub_code);
        take(answer, wallet_result_alipay(request->ask, code, sub_code));
        answer->verdict = is_again ? WALLET_AGAIN : answer->verdict;
        return;
    }
    if (wallet_answer_fits(answer, request, wallet_json_find(node, "out_trade_no"))) {
        take(answer, success_of(request->ask, node));
        take_amount(answer, wallet_json_find(node, "total_amount"));
    }
}

static bool verifies_anew(EVP_PKEY *key, struct byte_view node, struct byte_view sign)
{
    char *text = wallet_json_compact(node);
    bool is_good =
        text != NULL &&
        wallet_rsa_verify(key, (struct byte_view){(const uint8_t *)text, (uint32_t)strlen(text)},
                          sign);
    free(text);
    return is_good;
}

void alipay_read(const struct wallet_party *party, const struct wallet_request *request,
                 const struct wallet_reply *reply, struct wallet_answer *answer)
{
    struct wallet_json_signed found;
    REQUIRE(CALLS[request->ask].node != NULL);
    if (reply->http_status != 200) {
        wallet_answer_say(answer, "HTTP status %u", reply->http_status);
        return;
    }
    enum status status = wallet_json_walk(&found, reply->body, CALLS[request->ask].node);
    if (status != STATUS_OK) {
        wallet_answer_say(answer, "no answer to be read: %s, %s expected", status_text(status),
                          CALLS[request->ask].node);
        answer->is_alert = true;
        return;
    }
    EVP_PKEY *key = wallet_keys_find(&party->keys, "");
    struct byte_view sign = {(const uint8_t *)found.sign, (uint32_t)strlen(found.sign)};
    if (key == NULL || !wallet_rsa_verify(key, found.node, sign)) {
        bool is_anew = sign.length > 0 && key != NULL && verifies_anew(key, found.node, sign);
        wallet_answer_forge(answer, "the signature %s%s",
                            sign.length == 0 ? "is missing" : "does not verify",
                            is_anew ? WALLET_WRITTEN_ANEW : "");
        return;
    }
    json_t *node = wallet_json_read(found.node);
    if (node == NULL) {
        wallet_answer_say(answer, "%s is no object", CALLS[request->ask].node);
        return;
    }
    judge(request, node, answer);
    json_decref(node);
}

/* --- notifies ----------------------------------------------------------------------------- */

static bool verify_notify(const struct wallet_party *party, struct wallet_parameters *parameters)
{
    uint8_t text[NOTIFY_BYTES_MAX];
    struct byte_writer writer;
    const char *sign = wallet_parameters_find(parameters, "sign");
    EVP_PKEY *key = wallet_keys_find(&party->keys, "");
    byte_writer_init(&writer, text, sizeof(text));
    wallet_parameters_sort(parameters);
    wallet_parameters_join(parameters, &writer, "sign", "sign_type");
    return sign != NULL && key != NULL && writer.status == STATUS_OK &&
           wallet_rsa_verify(key, (struct byte_view){text, writer.position},
                             (struct byte_view){(const uint8_t *)sign, (uint32_t)strlen(sign)});
}

static const char *find(const struct wallet_parameters *parameters, const char *name)
{
    const char *value = wallet_parameters_find(parameters, name);
    return value == NULL ? "" : value;
}

/* A notify of somebody else's application or seller is signed by Alipay all the same. */
static bool is_ours(const struct wallet_party *party, const struct wallet_parameters *parameters)
{
    const char *seller = find(parameters, "seller_id");
    return strcmp(find(parameters, "app_id"), party->app_id) == 0 &&
           (party->seller_id[0] == '\0' || strcmp(seller, party->seller_id) == 0);
}

void alipay_read_notify(const struct wallet_party *party, const struct wallet_reply *reply,
                        struct wallet_answer *answer)
{
    uint8_t arena_bytes[NOTIFY_BYTES_MAX];
    struct byte_writer arena;
    struct wallet_parameters parameters;
    byte_writer_init(&arena, arena_bytes, sizeof(arena_bytes));
    enum status status = wallet_form_read(&parameters, &arena, reply->body);
    if (status != STATUS_OK) {
        wallet_answer_say(answer, "no form to be read: %s", status_text(status));
        return;
    }
    if (!verify_notify(party, &parameters)) {
        wallet_answer_forge(answer, "the signature of the notify does not verify");
        return;
    }
    if (!is_ours(party, &parameters)) {
        wallet_answer_say(answer, "a notify of another application or seller");
        answer->is_alert = true;
        return;
    }
    const char *order = find(&parameters, "out_trade_no");
    const char *state = find(&parameters, "trade_status");
    if (strlen(order) >= sizeof(answer->order)) {
        wallet_answer_say(answer, "order number %.64s is none of ours", order);
        return;
    }
    memcpy(answer->order, order, strlen(order) + 1);
    snprintf(answer->words, sizeof(answer->words), "notify %.32s", state);
    take(answer, wallet_result_state(state));
    take_amount(answer, find(&parameters, "total_amount"));
}
