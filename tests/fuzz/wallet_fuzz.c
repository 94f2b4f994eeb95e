/* What wallets answer and notify, and the HTTP it comes in: whatever the bytes, they end in a
 * verdict, and nothing is believed that is not signed. The first byte chooses the reader; so that
 * more is reached than the signature, the target signs some of what it is given, as the wallet
 * would.
 */
#include "tests/fuzz/fuzz.h"

#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <openssl/evp.h>
#include <openssl/rsa.h>

#include "protocols/frame_http.h"
#include "protocols/wallet/wallet_message.h"
#include "protocols/wallet/wallet_text.h"
#include "protocols/wallet/wallet_xml.h"
#include "protocols/wallet/wechat_v2.h"

#define BODY_BYTES_MAX 20000
#define FED_BYTES_MAX 300
#define WALL_S 1768440615

static const char *const NODES[WALLET_ASK_COUNT] = {
    "alipay_trade_pay_response", "alipay_trade_query_response", "alipay_trade_cancel_response",
    "alipay_trade_refund_response", "alipay_trade_fastpay_refund_query_response"};

static struct wallet_party party;

static void must(bool is_so)
{
    if (!is_so) {
        abort();
    }
}

static void begin(void)
{
    struct wallet_certificate theirs = {.serial = ""};
    if (party.key != NULL) {
        return;
    }
    party.key = EVP_RSA_gen(2048);
    must(party.key != NULL);
    for (uint32_t i = 0; i < 2; i++) { /* Alipay's has no serial number */
        EVP_PKEY_up_ref(party.key);
        theirs.key = party.key;
        memcpy(theirs.serial, i == 0 ? "" : "A1", i == 0 ? 1 : 3);
        (void)wallet_keys_put(&party.keys, &theirs);
    }
    memcpy(party.app_id, "app", 4);
    memcpy(party.mch_id, "mch", 4);
    memcpy(party.api_key, "0123456789abcdef0123456789abcdef", 33);
    memcpy(party.api_v3_key, "0123456789abcdef0123456789abcdef", 33);
}

static void check(const struct wallet_answer *answer, bool is_signed)
{
    must(answer->verdict < WALLET_VERDICT_COUNT);
    must(memchr(answer->words, '\0', sizeof(answer->words)) != NULL);
    must((answer->verdict == WALLET_FAILED) == (answer->response_code[0] != '\0'));
    must(!answer->is_forged || answer->verdict == WALLET_UNKNOWN);
    must(is_signed || answer->verdict == WALLET_UNKNOWN);
}

static struct wallet_request request_of(uint8_t choice)
{
    struct wallet_request request = {.ask = (enum wallet_ask)(choice % WALLET_ASK_CERTIFICATES),
                                     .wall_s = WALL_S};
    memcpy(request.order, "100010000001TERM0001000001", 27);
    memcpy(request.refund, "V100010000001TERM0001000001", 28);
    return request;
}

/* --- answers ------------------------------------------------------------------------------ */

static void fuzz_alipay(const struct wallet_request *request, struct byte_view bytes,
                        bool is_signed)
{
    static uint8_t body[BODY_BYTES_MAX + 1024];
    char sign[WALLET_SIGNATURE_SIZE];
    struct byte_writer writer;
    struct wallet_answer answer;
    struct wallet_reply reply = {.http_status = 200, .body = bytes, .wall_s = WALL_S};
    party.kind = WALLET_ALIPAY;
    if (is_signed) {
        must(wallet_rsa_sign(sign, party.key, bytes) == STATUS_OK);
        byte_writer_init(&writer, body, sizeof(body));
        byte_writer_text(&writer, "{\"");
        byte_writer_text(&writer, NODES[request->ask]);
        byte_writer_text(&writer, "\":");
        byte_writer_put(&writer, bytes.bytes, bytes.length);
        byte_writer_text(&writer, ",\"sign\":\"");
        byte_writer_text(&writer, sign);
        byte_writer_text(&writer, "\"}");
        reply.body = (struct byte_view){body, writer.position};
    }
    wallet_read(&party, request, &reply, &answer);
    check(&answer, is_signed);
}

static void sign_v3(struct wallet_reply *reply)
{
    static uint8_t text[BODY_BYTES_MAX + 512];
    struct byte_writer writer;
    snprintf(reply->timestamp, sizeof(reply->timestamp), "%d", WALL_S);
    memcpy(reply->nonce, "nonce", 6);
    memcpy(reply->serial, "A1", 3);
    byte_writer_init(&writer, text, sizeof(text));
    byte_writer_text(&writer, reply->timestamp);
    byte_writer_text(&writer, "\nnonce\n");
    byte_writer_put(&writer, reply->body.bytes, reply->body.length);
    byte_writer_text(&writer, "\n");
    must(wallet_rsa_sign(reply->signature, party.key, (struct byte_view){text, writer.position}) ==
         STATUS_OK);
}

static void fuzz_v3(const struct wallet_request *request, struct byte_view bytes, bool is_signed)
{
    static const uint16_t statuses[] = {200, 204, 400, 403, 404, 429, 500, 202};
    struct wallet_answer answer;
    struct wallet_reply reply = {.wall_s = WALL_S};
    if (bytes.length == 0) {
        return;
    }
    party.kind = WALLET_WECHAT_V3;
    reply.http_status = statuses[bytes.bytes[0] % 8];
    reply.body = (struct byte_view){bytes.bytes + 1, bytes.length - 1};
    if (is_signed) {
        sign_v3(&reply);
    }
    wallet_read(&party, request, &reply, &answer);
    check(&answer, is_signed);
}

/* The members are signed anew, where there are any. */
static void fuzz_v2(const struct wallet_request *request, struct byte_view bytes)
{
    static struct wallet_xml xml, again;
    static uint8_t body[2 * BODY_BYTES_MAX];
    struct wallet_parameters members = {.count = 0};
    struct byte_writer writer;
    struct wallet_answer answer;
    char sign[WALLET_DIGEST_SIZE];
    struct wallet_reply reply = {.http_status = 200, .body = bytes, .wall_s = WALL_S};
    party.kind = WALLET_WECHAT_V2;
    wallet_read(&party, request, &reply, &answer);
    check(&answer, false);
    if (wallet_xml_read(&xml, bytes) != STATUS_OK) {
        return;
    }
    for (uint32_t i = 0; i < xml.members.count && i < WALLET_PARAMETER_COUNT_MAX - 1; i++) {
        if (strcmp(xml.members.items[i].name, "sign") != 0) {
            must(wallet_parameters_add(&members, xml.members.items[i].name,
                                       xml.members.items[i].value));
        }
    }
    if (wechat_v2_sign(&party, &members, sign) != STATUS_OK) {
        return;
    }
    must(wallet_parameters_add(&members, "sign", sign));
    byte_writer_init(&writer, body, sizeof(body));
    wallet_xml_write(&members, &writer);
    reply.body = (struct byte_view){body, writer.position};
    if (writer.status == STATUS_OK && wallet_xml_read(&again, reply.body) == STATUS_OK) {
        must(again.members.count == members.count);
        wallet_read(&party, request, &reply, &answer);
        check(&answer, true);
    }
}

/* --- notifies ----------------------------------------------------------------------------- */

static void fuzz_alipay_notify(struct byte_view bytes)
{
    static uint8_t arena_bytes[BODY_BYTES_MAX], text[BODY_BYTES_MAX], body[4 * BODY_BYTES_MAX];
    char sign[WALLET_SIGNATURE_SIZE];
    struct wallet_parameters form;
    struct byte_writer arena, writer;
    struct wallet_answer answer;
    struct wallet_reply reply = {.body = bytes, .wall_s = WALL_S};
    party.kind = WALLET_ALIPAY;
    wallet_read_notify(&party, &reply, &answer);
    check(&answer, false);
    byte_writer_init(&arena, arena_bytes, sizeof(arena_bytes));
    if (wallet_form_read(&form, &arena, bytes) != STATUS_OK ||
        wallet_parameters_find(&form, "sign") != NULL) {
        return;
    }
    wallet_parameters_sort(&form);
    byte_writer_init(&writer, text, sizeof(text));
    wallet_parameters_join(&form, &writer, "sign", "sign_type");
    must(wallet_rsa_sign(sign, party.key, (struct byte_view){text, writer.position}) == STATUS_OK);
    if (!wallet_parameters_add(&form, "sign", sign)) {
        return;
    }
    byte_writer_init(&writer, body, sizeof(body));
    wallet_form_write(&form, &writer);
    reply.body = (struct byte_view){body, writer.position};
    wallet_read_notify(&party, &reply, &answer);
    check(&answer, true);
}

static void seal(struct byte_view plain, char *base64)
{
    static uint8_t sealed[BODY_BYTES_MAX + 16];
    int length = 0, more = 0;
    EVP_CIPHER_CTX *cipher = EVP_CIPHER_CTX_new();
    must(EVP_EncryptInit_ex(cipher, EVP_aes_256_gcm(), NULL, (const uint8_t *)party.api_v3_key,
                            (const uint8_t *)"0123456789ab") == 1);
    must(EVP_EncryptUpdate(cipher, sealed, &length, plain.bytes, (int)plain.length) == 1);
    must(EVP_EncryptFinal_ex(cipher, sealed + length, &more) == 1);
    must(EVP_CIPHER_CTX_ctrl(cipher, EVP_CTRL_AEAD_GET_TAG, 16, sealed + length) == 1);
    EVP_CIPHER_CTX_free(cipher);
    EVP_EncodeBlock((unsigned char *)base64, sealed, length + 16);
}

/* The bytes are the order inside; or the notify itself. */
static void fuzz_v3_notify(struct byte_view bytes, bool is_inside)
{
    static char base64[2 * BODY_BYTES_MAX], body[3 * BODY_BYTES_MAX];
    struct wallet_answer answer;
    struct wallet_reply reply = {.body = bytes, .wall_s = WALL_S};
    party.kind = WALLET_WECHAT_V3;
    if (is_inside && bytes.length < 4000) {
        seal(bytes, base64);
        int length =
            snprintf(body, sizeof(body),
                     "{\"event_type\":\"TRANSACTION.SUCCESS\",\"resource\":{\"algorithm\":"
                     "\"AEAD_AES_256_GCM\",\"nonce\":\"0123456789ab\",\"ciphertext\":\"%s\"}}",
                     base64);
        reply.body = (struct byte_view){(const uint8_t *)body, (uint32_t)length};
    }
    sign_v3(&reply);
    wallet_read_notify(&party, &reply, &answer);
    check(&answer, true);
}

/* --- HTTP --------------------------------------------------------------------------------- */

static const char *const WANTED[] = {"wechatpay-timestamp", "wechatpay-nonce", "wechatpay-serial",
                                     "wechatpay-signature", NULL};

static void fuzz_http(struct byte_view bytes)
{
    struct frame_http_post whole, part;
    struct frame_fault whole_fault = {.reason = ""}, fault = {.reason = ""};
    enum status status = frame_http_post_parse(&whole, WANTED, 16384, bytes, &whole_fault);
    if (status == STATUS_OK) {
        must(whole.head.head_length <= bytes.length && whole.head.body_length <= 16384);
        for (uint32_t i = 0; i < 4; i++) {
            const uint8_t *value = whole.values[i].bytes;
            must(value == NULL || (value >= bytes.bytes &&
                                   value + whole.values[i].length <= bytes.bytes + bytes.length));
        }
    } else {
        must(status == STATUS_TRUNCATED ||
             (whole_fault.http_status >= 400 && whole_fault.reason[0] != '\0'));
    }
    enum status fed = STATUS_TRUNCATED;
    for (uint32_t n = 0;
         bytes.length <= FED_BYTES_MAX && n <= bytes.length && fed == STATUS_TRUNCATED; n++) {
        fed =
            frame_http_post_parse(&part, WANTED, 16384, (struct byte_view){bytes.bytes, n}, &fault);
    }
    must(bytes.length > FED_BYTES_MAX ||
         (fed == status && strcmp(fault.reason, whole_fault.reason) == 0));
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t length)
{
    if (length < 2 || length > BODY_BYTES_MAX) {
        return 0;
    }
    begin();
    struct byte_view rest = {bytes + 2, (uint32_t)length - 2};
    struct wallet_request request = request_of(bytes[1]);
    switch (bytes[0] % 9) {
    case 0:
    case 1:
        fuzz_alipay(&request, rest, bytes[0] % 9 == 1);
        break;
    case 2:
    case 3:
        fuzz_v3(&request, rest, bytes[0] % 9 == 3);
        break;
    case 4:
        fuzz_v2(&request, rest);
        break;
    case 5:
        fuzz_alipay_notify(rest);
        break;
    case 6:
    case 7:
        fuzz_v3_notify(rest, bytes[0] % 9 == 7);
        break;
    default:
        fuzz_http(rest);
        break;
    }
    return 0;
}
