/* See wechat_v3.h. */
#include "protocols/wallet/wechat_v3.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "protocols/base/digits.h"
#include "protocols/base/require.h"
#include "protocols/base/secret.h"
#include "protocols/wallet/wallet_json.h"
#include "protocols/wallet/wallet_result.h"
#include "protocols/wallet/wallet_text.h"

#define SIGNED_BYTES_MAX (WALLET_BODY_BYTES_MAX + 512)
#define VERIFIED_HEAD_MAX (2 * WALLET_HEADER_SIZE + 4)
#define PLAIN_BYTES_MAX 16384
#define SCHEME "WECHATPAY2-SHA256-RSA2048"

/* --- requests ----------------------------------------------------------------------------- */

static void write_pay(const struct wallet_party *party, const struct wallet_request *request,
                      struct byte_writer *writer)
{
    char description[16];
    snprintf(description, sizeof(description), "POS %s", request->terminal_id);
    wallet_json_text(writer, "appid", party->app_id);
    wallet_json_text(writer, "mchid", party->mch_id);
    wallet_json_text(writer, "description", description);
    wallet_json_text(writer, "out_trade_no", request->order);
    if (party->notify_url[0] != '\0') {
        wallet_json_text(writer, "notify_url", party->notify_url);
    }
    wallet_json_open(writer, "payer");
    wallet_json_text(writer, "auth_code", request->pay_code);
    byte_writer_text(writer, "}");
    wallet_json_open(writer, "amount");
    wallet_json_number(writer, "total", request->amount_minor);
    wallet_json_text(writer, "currency", "CNY");
    byte_writer_text(writer, "}");
    wallet_json_open(writer, "scene_info");
    wallet_json_text(writer, "device_id", request->terminal_id);
    wallet_json_text(writer, "device_ip", party->device_ip);
    wallet_json_open(writer, "store_info");
    wallet_json_text(writer, "id", request->merchant_id);
    byte_writer_text(writer, "}}");
}

static void write_refund(const struct wallet_request *request, struct byte_writer *writer)
{
    wallet_json_text(writer, "out_trade_no", request->order);
    wallet_json_text(writer, "out_refund_no", request->refund);
    wallet_json_open(writer, "amount");
    wallet_json_number(writer, "refund", request->refund_minor);
    wallet_json_number(writer, "total", request->amount_minor);
    wallet_json_text(writer, "currency", "CNY");
    byte_writer_text(writer, "}");
}

static void write_body(const struct wallet_party *party, const struct wallet_request *request,
                       struct wallet_message *message, struct byte_writer *writer)
{
    char *target = message->target;
    byte_writer_text(writer, "{");
    switch (request->ask) {
    case WALLET_ASK_PAY:
        snprintf(target, WALLET_TARGET_SIZE, "/v3/pay/transactions/codepay");
        write_pay(party, request, writer);
        break;
    case WALLET_ASK_QUERY:
        snprintf(target, WALLET_TARGET_SIZE, "/v3/pay/transactions/out-trade-no/%s?mchid=%s",
                 request->order, party->mch_id);
        break;
    case WALLET_ASK_CANCEL:
        snprintf(target, WALLET_TARGET_SIZE, "/v3/pay/transactions/out-trade-no/%s/reverse",
                 request->order);
        wallet_json_text(writer, "appid", party->app_id);
        wallet_json_text(writer, "mchid", party->mch_id);
        break;
    case WALLET_ASK_REFUND:
        snprintf(target, WALLET_TARGET_SIZE, "/v3/refund/domestic/refunds");
        write_refund(request, writer);
        break;
    case WALLET_ASK_REFUND_QUERY:
        snprintf(target, WALLET_TARGET_SIZE, "/v3/refund/domestic/refunds/%s", request->refund);
        break;
    case WALLET_ASK_CERTIFICATES:
        snprintf(target, WALLET_TARGET_SIZE, "/v3/certificates");
        break;
    case WALLET_ASK_COUNT:
        break;
    }
    byte_writer_text(writer, "}");
    message->is_get = writer->position == 2; /* nothing was said in it */
    writer->position = message->is_get ? 0 : writer->position;
}

static enum status seal(const struct wallet_party *party, const struct wallet_request *request,
                        struct wallet_message *message)
{
    uint8_t text[SIGNED_BYTES_MAX];
    char signature[WALLET_SIGNATURE_SIZE], head[WALLET_TARGET_SIZE + 96];
    struct byte_writer writer;
    byte_writer_init(&writer, text, sizeof(text));
    snprintf(head, sizeof(head), "%s\n%s\n%" PRId64 "\n%s\n", message->is_get ? "GET" : "POST",
             message->target, request->wall_s, request->nonce);
    byte_writer_text(&writer, head);
    byte_writer_put(&writer, message->body, message->body_length);
    byte_writer_text(&writer, "\n");
    REQUIRE(writer.status == STATUS_OK);
    enum status status =
        wallet_rsa_sign(signature, party->key, (struct byte_view){text, writer.position});
    secret_wipe(text, writer.position);
    if (status == STATUS_OK) {
        snprintf(message->authorization, sizeof(message->authorization),
                 SCHEME " mchid=\"%s\",nonce_str=\"%s\",signature=\"%s\",timestamp=\"%" PRId64
                        "\",serial_no=\"%s\"",
                 party->mch_id, request->nonce, signature, request->wall_s, party->serial);
    }
    return status;
}

enum status wechat_v3_write(const struct wallet_party *party, const struct wallet_request *request,
                            struct wallet_message *message)
{
    struct byte_writer writer;
    byte_writer_init(&writer, message->body, sizeof(message->body));
    write_body(party, request, message, &writer);
    if (writer.status != STATUS_OK) {
        return writer.status;
    }
    message->body_length = writer.position;
    message->content_type = message->is_get ? NULL : "application/json";
    return seal(party, request, message);
}

/* --- verification ------------------------------------------------------------------------- */

static bool is_in_time(const struct wallet_reply *reply)
{
    uint64_t told = 0;
    size_t count = strlen(reply->timestamp);
    if (count == 0 || count > 12 ||
        digits_parse(&told, reply->timestamp, (uint32_t)count,
                     (struct number_range){0, UINT64_C(999999999999)}) != STATUS_OK) {
        return false;
    }
    int64_t off = reply->wall_s - (int64_t)told;
    return off <= WALLET_CLOCK_SKEW_MAX_S && off >= -WALLET_CLOCK_SKEW_MAX_S;
}

static bool verify(const struct wallet_reply *reply, EVP_PKEY *key)
{
    static const uint8_t line_end = '\n';
    uint8_t text[VERIFIED_HEAD_MAX + WALLET_JSON_BYTES_MAX];
    struct byte_writer writer;
    byte_writer_init(&writer, text, sizeof(text));
    byte_writer_text(&writer, reply->timestamp);
    byte_writer_u8(&writer, line_end);
    byte_writer_text(&writer, reply->nonce);
    byte_writer_u8(&writer, line_end);
    byte_writer_put(&writer, reply->body.bytes, reply->body.length);
    byte_writer_u8(&writer, line_end);
    return writer.status == STATUS_OK &&
           wallet_rsa_verify(key, (struct byte_view){text, writer.position},
                             (struct byte_view){(const uint8_t *)reply->signature,
                                                (uint32_t)strlen(reply->signature)});
}

static bool verifies_anew(const struct wallet_reply *reply, EVP_PKEY *key)
{
    char *text = wallet_json_compact(reply->body);
    struct wallet_reply anew = *reply;
    bool is_good = false;
    if (text != NULL && strlen(text) <= WALLET_JSON_BYTES_MAX) {
        anew.body = (struct byte_view){(const uint8_t *)text, (uint32_t)strlen(text)};
        is_good = verify(&anew, key);
    }
    free(text);
    return is_good;
}

/* The time is looked at when the signature has told that it is the wallet's. */
static bool is_genuine(const struct wallet_party *party, const struct wallet_reply *reply,
                       struct wallet_answer *answer)
{
    if (reply->signature[0] == '\0') {
        wallet_answer_forge(answer, "HTTP status %u without a signature", reply->http_status);
        return false;
    }
    EVP_PKEY *key = wallet_keys_find(&party->keys, reply->serial);
    if (key == NULL) {
        wallet_answer_forge(answer, "no platform certificate with serial %s is known",
                            reply->serial);
        answer->wants_certificates = true;
        return false;
    }
    if (!verify(reply, key)) {
        wallet_answer_forge(answer, "the signature under certificate %s does not verify%s",
                            reply->serial, verifies_anew(reply, key) ? WALLET_WRITTEN_ANEW : "");
        return false;
    }
    if (!is_in_time(reply)) {
        wallet_answer_forge(answer,
                            "timestamp %.16s is more than %d s off our clock (%" PRId64
                            "): one of the clocks is wrong, or the message is old",
                            reply->timestamp, WALLET_CLOCK_SKEW_MAX_S, reply->wall_s);
        return false;
    }
    return true;
}

/* --- answers ------------------------------------------------------------------------------ */

static void take(struct wallet_answer *answer, struct wallet_result result)
{
    answer->verdict = result.verdict;
    answer->is_alert = result.is_alert;
    memcpy(answer->response_code, result.response_code, sizeof(answer->response_code));
}

static void judge_order(const struct wallet_request *request, const json_t *body,
                        struct wallet_answer *answer)
{
    const char *state = wallet_json_find(body, "trade_state");
    snprintf(answer->words, sizeof(answer->words), "trade_state %.32s", state);
    if (wallet_answer_fits(answer, request, wallet_json_find(body, "out_trade_no"))) {
        take(answer, wallet_result_state(state));
        answer->amount_minor =
            wallet_json_integer(json_object_get(body, "amount"), "total", INT64_C(-1));
    }
}

static void judge_success(const struct wallet_request *request, const json_t *body,
                          struct wallet_answer *answer)
{
    const char *status = wallet_json_find(body, "status");
    bool is_again = strcmp(wallet_json_find(body, "recall"), "Y") == 0;
    switch (request->ask) {
    case WALLET_ASK_PAY:
    case WALLET_ASK_QUERY:
        judge_order(request, body, answer);
        break;
    case WALLET_ASK_CANCEL:
        answer->verdict = is_again ? WALLET_AGAIN : WALLET_UNDONE;
        snprintf(answer->words, sizeof(answer->words), "reverse, recall %s", is_again ? "Y" : "N");
        break;
    case WALLET_ASK_REFUND:
    case WALLET_ASK_REFUND_QUERY:
        snprintf(answer->words, sizeof(answer->words), "refund %.32s", status);
        if (strcmp(wallet_json_find(body, "out_refund_no"), request->refund) == 0) {
            take(answer, wallet_result_refund(status));
        }
        break;
    case WALLET_ASK_CERTIFICATES:
    case WALLET_ASK_COUNT:
        break;
    }
}

static void judge(const struct wallet_request *request, const struct wallet_reply *reply,
                  struct wallet_answer *answer)
{
    bool is_success = reply->http_status >= 200 && reply->http_status <= 299;
    if (reply->http_status == 204) {
        answer->verdict = request->ask == WALLET_ASK_CANCEL ? WALLET_UNDONE : WALLET_UNKNOWN;
        snprintf(answer->words, sizeof(answer->words), "HTTP status 204");
        return;
    }
    json_t *body = wallet_json_read(reply->body);
    const char *code = wallet_json_find(body, "code");
    if (body == NULL) {
        wallet_answer_say(answer, "HTTP status %u, and no JSON object", reply->http_status);
    } else if (code[0] != '\0') { /* also with 200 or 202: USERPAYING */
        take(answer, wallet_result_wechat(request->ask, code));
        if (reply->http_status >= 500 || reply->http_status == 429) {
            answer->verdict = WALLET_UNKNOWN; /* whatever it is called */
            answer->response_code[0] = '\0';
        }
        snprintf(answer->words, sizeof(answer->words), "HTTP status %u, code %.64s",
                 reply->http_status, code);
        wallet_answer_explain(answer, code);
    } else if (is_success) {
        judge_success(request, body, answer);
    } else {
        wallet_answer_say(answer, "HTTP status %u without a code", reply->http_status);
    }
    json_decref(body);
}

/* --- what is enciphered ------------------------------------------------------------------- */

/* The plain text of a resource or certificate; false: it is none, or not under our key. */
static bool open_sealed(const struct wallet_party *party, const json_t *resource,
                        struct byte_writer *plain)
{
    uint8_t sealed_bytes[PLAIN_BYTES_MAX];
    const char *text = wallet_json_find(resource, "ciphertext");
    const char *nonce = wallet_json_find(resource, "nonce");
    const char *associated = wallet_json_find(resource, "associated_data");
    struct byte_writer writer;
    byte_writer_init(&writer, sealed_bytes, sizeof(sealed_bytes));
    if (strcmp(wallet_json_find(resource, "algorithm"), "AEAD_AES_256_GCM") != 0 ||
        wallet_base64_read(&writer, (struct byte_view){(const uint8_t *)text,
                                                       (uint32_t)strlen(text)}) != STATUS_OK) {
        return false;
    }
    const struct wallet_sealed sealed = {
        .nonce = {(const uint8_t *)nonce, (uint32_t)strlen(nonce)},
        .associated = {(const uint8_t *)associated, (uint32_t)strlen(associated)},
        .sealed = {sealed_bytes, writer.position}};
    return wallet_gcm_open(plain, party->api_v3_key, &sealed) == STATUS_OK;
}

/* Only who has the APIv3 key can have enciphered them; the signature of the answer is then verified
 * with one of them. */
static uint32_t take_certificates(struct wallet_party *party, const json_t *list)
{
    uint32_t taken = 0;
    for (size_t i = 0; i < json_array_size(list) && i < WALLET_KEY_COUNT_MAX; i++) {
        uint8_t pem[PLAIN_BYTES_MAX];
        struct byte_writer plain;
        struct wallet_certificate certificate;
        uint32_t consumed = 0;
        byte_writer_init(&plain, pem, sizeof(pem));
        const json_t *sealed = json_object_get(json_array_get(list, i), "encrypt_certificate");
        if (open_sealed(party, sealed, &plain) &&
            wallet_certificate_read(&certificate, (struct byte_view){pem, plain.position},
                                    &consumed) == STATUS_OK) {
            wallet_keys_put(&party->keys, &certificate);
            taken++;
        }
    }
    return taken;
}

static void read_certificates(struct wallet_party *party, const struct wallet_reply *reply,
                              struct wallet_answer *answer)
{
    json_t *body = reply->http_status == 200 ? wallet_json_read(reply->body) : NULL;
    uint32_t taken = take_certificates(party, json_object_get(body, "data"));
    json_decref(body);
    if (taken == 0) {
        wallet_answer_say(answer, "HTTP status %u without a certificate to be opened",
                          reply->http_status);
        answer->is_alert = true;
    } else if (is_genuine(party, reply, answer)) {
        answer->verdict = WALLET_PAID;
        snprintf(answer->words, sizeof(answer->words), "%u certificates", taken);
    }
}

void wechat_v3_read(struct wallet_party *party, const struct wallet_request *request,
                    const struct wallet_reply *reply, struct wallet_answer *answer)
{
    if (request->ask == WALLET_ASK_CERTIFICATES) {
        read_certificates(party, reply, answer);
    } else if (reply->http_status >= 500 && reply->signature[0] == '\0') {
        wallet_answer_say(answer, "HTTP status %u", reply->http_status);
    } else if (is_genuine(party, reply, answer)) {
        judge(request, reply, answer);
    }
}

/* --- notifies ----------------------------------------------------------------------------- */

static void judge_notify(const struct wallet_party *party, const json_t *order,
                         struct wallet_answer *answer)
{
    const char *number = wallet_json_find(order, "out_trade_no");
    const char *state = wallet_json_find(order, "trade_state");
    bool is_ours = strcmp(wallet_json_find(order, "mchid"), party->mch_id) == 0 &&
                   strcmp(wallet_json_find(order, "appid"), party->app_id) == 0;
    if (!is_ours || strlen(number) >= sizeof(answer->order)) {
        wallet_answer_say(answer, "a notify of another merchant, application or order: %.64s",
                          number);
        answer->is_alert = true;
        return;
    }
    memcpy(answer->order, number, strlen(number) + 1);
    snprintf(answer->words, sizeof(answer->words), "notify %.32s", state);
    take(answer, wallet_result_state(state));
    answer->amount_minor =
        wallet_json_integer(json_object_get(order, "amount"), "total", INT64_C(-1));
}

void wechat_v3_read_notify(const struct wallet_party *party, const struct wallet_reply *reply,
                           struct wallet_answer *answer)
{
    uint8_t plain_bytes[PLAIN_BYTES_MAX];
    struct byte_writer plain;
    if (!is_genuine(party, reply, answer)) {
        return;
    }
    byte_writer_init(&plain, plain_bytes, sizeof(plain_bytes));
    json_t *body = wallet_json_read(reply->body);
    const json_t *resource = json_object_get(body, "resource");
    const char *event = wallet_json_find(body, "event_type");
    if (strncmp(event, "TRANSACTION.", strlen("TRANSACTION.")) != 0) {
        wallet_answer_say(answer, "event %.64s is none of a payment", event);
    } else if (!open_sealed(party, resource, &plain)) {
        wallet_answer_forge(answer, "the resource does not open under our APIv3 key");
    } else {
        json_t *order = wallet_json_read((struct byte_view){plain_bytes, plain.position});
        judge_notify(party, order, answer);
        json_decref(order);
    }
    json_decref(body);
}
