/* See wechat_v2.h. */
#include "protocols/wallet/wechat_v2.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "protocols/base/digits.h"
#include "protocols/base/require.h"
#include "protocols/base/secret.h"
#include "protocols/wallet/wallet_result.h"
#include "protocols/wallet/wallet_xml.h"

#define SIGNED_BYTES_MAX (WALLET_XML_BYTES_MAX + 64)
#define NUMBER_SIZE 24

static const struct {
    const char *path;
    bool wants_client_certificate;
} CALLS[WALLET_ASK_COUNT] = {
    [WALLET_ASK_PAY] = {"/pay/micropay", false},
    [WALLET_ASK_QUERY] = {"/pay/orderquery", false},
    [WALLET_ASK_CANCEL] = {"/secapi/pay/reverse", true},
    [WALLET_ASK_REFUND] = {"/secapi/pay/refund", true},
    [WALLET_ASK_REFUND_QUERY] = {"/pay/refundquery", false},
};

/* --- signatures --------------------------------------------------------------------------- */

enum status wechat_v2_sign(const struct wallet_party *party, struct wallet_parameters *parameters,
                           char sign[WALLET_DIGEST_SIZE])
{
    uint8_t text[SIGNED_BYTES_MAX];
    struct byte_writer writer;
    byte_writer_init(&writer, text, sizeof(text));
    wallet_parameters_sort(parameters);
    wallet_parameters_join(parameters, &writer, "sign", NULL);
    byte_writer_text(&writer, "&key=");
    byte_writer_text(&writer, party->api_key);
    struct byte_view signed_text = {text, writer.position};
    if (writer.status == STATUS_OK && party->signs_with_md5) {
        wallet_md5(sign, signed_text);
    } else if (writer.status == STATUS_OK) {
        wallet_hmac_sha256(sign, party->api_key, signed_text);
    }
    secret_wipe(text, writer.position);
    return writer.status;
}

/* Empty elements are not signed. */
static bool is_genuine(const struct wallet_party *party, const struct wallet_xml *xml)
{
    struct wallet_parameters filled = {.count = 0};
    char expected[WALLET_DIGEST_SIZE];
    const char *sign = wallet_parameters_find(&xml->members, "sign");
    for (uint32_t i = 0; i < xml->members.count; i++) {
        const struct wallet_parameter *item = &xml->members.items[i];
        bool is_added = wallet_parameters_add(&filled, item->name, item->value);
        REQUIRE(is_added);
    }
    return sign != NULL && wechat_v2_sign(party, &filled, expected) == STATUS_OK &&
           strlen(sign) == strlen(expected) &&
           secret_compare(sign, expected, (uint32_t)strlen(expected)) == 0;
}

/* --- requests ----------------------------------------------------------------------------- */

static void add(struct wallet_parameters *parameters, const char *name, const char *value)
{
    bool is_added = wallet_parameters_add(parameters, name, value);
    REQUIRE(is_added);
}

enum status wechat_v2_write(const struct wallet_party *party, const struct wallet_request *request,
                            struct wallet_message *message)
{
    char total[NUMBER_SIZE], refund[NUMBER_SIZE], body[16], sign[WALLET_DIGEST_SIZE] = "";
    struct wallet_parameters parameters = {.count = 0}, sorted;
    struct byte_writer writer;
    bool is_pay = request->ask == WALLET_ASK_PAY;
    bool is_refund = request->ask == WALLET_ASK_REFUND;
    REQUIRE(CALLS[request->ask].path != NULL);
    snprintf(total, sizeof(total), "%" PRId64, request->amount_minor);
    snprintf(refund, sizeof(refund), "%" PRId64, request->refund_minor);
    snprintf(body, sizeof(body), "POS %s", request->terminal_id);
    add(&parameters, "appid", party->app_id);
    add(&parameters, "mch_id", party->mch_id);
    add(&parameters, "sub_mch_id", party->sub_mch_id);
    add(&parameters, "device_info", is_pay ? request->terminal_id : "");
    add(&parameters, "nonce_str", request->nonce);
    add(&parameters, "sign_type", party->signs_with_md5 ? "MD5" : "HMAC-SHA256");
    add(&parameters, "body", is_pay ? body : "");
    if (request->ask != WALLET_ASK_REFUND_QUERY) {
        add(&parameters, "out_trade_no", request->order);
        add(&parameters, "out_refund_no", is_refund ? request->refund : "");
    } else {
        add(&parameters, "out_refund_no", request->refund);
    }
    add(&parameters, "total_fee", is_pay || is_refund ? total : "");
    add(&parameters, "refund_fee", is_refund ? refund : "");
    add(&parameters, "spbill_create_ip", is_pay ? party->device_ip : "");
    add(&parameters, "auth_code", is_pay ? request->pay_code : "");
    sorted = parameters;
    enum status status = wechat_v2_sign(party, &sorted, sign);
    add(&parameters, "sign", sign);
    byte_writer_init(&writer, message->body, sizeof(message->body));
    wallet_xml_write(&parameters, &writer);
    message->body_length = writer.position;
    message->content_type = "text/xml; charset=utf-8";
    message->wants_client_certificate = CALLS[request->ask].wants_client_certificate;
    snprintf(message->target, sizeof(message->target), "%s", CALLS[request->ask].path);
    return status != STATUS_OK ? status : writer.status;
}

/* --- answers ------------------------------------------------------------------------------ */

static const char *find(const struct wallet_xml *xml, const char *name)
{
    const char *value = wallet_parameters_find(&xml->members, name);
    return value == NULL ? "" : value;
}

static void take(struct wallet_answer *answer, struct wallet_result result)
{
    answer->verdict = result.verdict;
    answer->is_alert = result.is_alert;
    memcpy(answer->response_code, result.response_code, sizeof(answer->response_code));
}

static void take_amount(struct wallet_answer *answer, const char *fen)
{
    uint64_t minor = 0;
    size_t count = strlen(fen);
    if (count > 0 && count <= 12 &&
        digits_parse(&minor, fen, (uint32_t)count, (struct number_range){0, MONEY_MINOR_MAX}) ==
            STATUS_OK) {
        answer->amount_minor = (int64_t)minor;
    }
}

static void judge_success(const struct wallet_request *request, const struct wallet_xml *xml,
                          struct wallet_answer *answer)
{
    bool is_again = strcmp(find(xml, "recall"), "Y") == 0;
    switch (request->ask) {
    case WALLET_ASK_PAY:
        if (wallet_answer_fits(answer, request, find(xml, "out_trade_no"))) {
            bool is_paid = strcmp(find(xml, "trade_type"), "MICROPAY") == 0;
            answer->verdict = is_paid ? WALLET_PAID : WALLET_UNKNOWN;
            take_amount(answer, find(xml, "total_fee"));
        }
        break;
    case WALLET_ASK_QUERY:
        if (wallet_answer_fits(answer, request, find(xml, "out_trade_no"))) {
            take(answer, wallet_result_state(find(xml, "trade_state")));
            take_amount(answer, find(xml, "total_fee"));
        }
        break;
    case WALLET_ASK_CANCEL:
        answer->verdict = is_again ? WALLET_AGAIN : WALLET_UNDONE;
        break;
    case WALLET_ASK_REFUND: /* "accepted": what it comes to is a matter of the bank behind */
        answer->verdict = strcmp(find(xml, "out_refund_no"), request->refund) == 0 ? WALLET_REFUNDED
                                                                                   : WALLET_UNKNOWN;
        break;
    case WALLET_ASK_REFUND_QUERY:
        if (strcmp(find(xml, "out_refund_no_0"), request->refund) == 0) {
            take(answer, wallet_result_refund(find(xml, "refund_status_0")));
        }
        break;
    case WALLET_ASK_CERTIFICATES:
    case WALLET_ASK_COUNT:
        break;
    }
}

static void judge(const struct wallet_request *request, const struct wallet_xml *xml,
                  struct wallet_answer *answer)
{
    const char *code = find(xml, "err_code");
    snprintf(answer->words, sizeof(answer->words), "result_code %.16s %.64s %.32s",
             find(xml, "result_code"), code, find(xml, "trade_state"));
    if (strcmp(find(xml, "result_code"), "SUCCESS") == 0) {
        judge_success(request, xml, answer);
        return;
    }
    wallet_answer_explain(answer, code);
    take(answer, wallet_result_wechat(request->ask, code));
    if (request->ask == WALLET_ASK_CANCEL && strcmp(find(xml, "recall"), "Y") == 0) {
        answer->verdict = WALLET_AGAIN;
    }
}

void wechat_v2_read(const struct wallet_party *party, const struct wallet_request *request,
                    const struct wallet_reply *reply, struct wallet_answer *answer)
{
    struct wallet_xml xml;
    if (reply->http_status != 200) {
        wallet_answer_say(answer, "HTTP status %u", reply->http_status);
        return;
    }
    enum status status = wallet_xml_read(&xml, reply->body);
    if (status != STATUS_OK) {
        wallet_answer_say(answer, "no answer to be read: %s", status_text(status));
        answer->is_alert = true;
        return;
    }
    if (strcmp(find(&xml, "return_code"), "SUCCESS") != 0) {
        /* Such an answer carries no signature, so it says nothing of the order. */
        wallet_answer_say(answer, "return_code %.16s: %.96s", find(&xml, "return_code"),
                          find(&xml, "return_msg"));
        answer->is_alert = true;
        return;
    }
    if (!is_genuine(party, &xml)) {
        wallet_answer_forge(answer, "the signature is missing or does not verify");
        return;
    }
    judge(request, &xml, answer);
}
