/* What wallets answer is believed only as far as it is signed, fits the order, and is known. The
 * wallet's side is played here with a key made for the test. */
#include "tests/unit/unit_test.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <openssl/rsa.h>
#include <openssl/x509.h>

#include "protocols/wallet/wallet_json.h"
#include "protocols/wallet/wallet_message.h"
#include "protocols/wallet/wallet_xml.h"
#include "protocols/wallet/wechat_v2.h"

#define ORDER "100010000001TERM0001000001"
#define REFUND "100010000002TERM0001000002"
#define WALL_S 1768440615
#define SERIAL "1DDE55AD98ED71D6EDD4A4A16996DE7B47773A8C"

static struct wallet_party party;

static int make_keys(void **state)
{
    (void)state;
    struct wallet_certificate theirs = {.serial = ""};
    party.key = EVP_RSA_gen(2048);
    assert_non_null(party.key);
    for (uint32_t i = 0; i < 2; i++) {
        EVP_PKEY_up_ref(party.key);
        theirs.key = party.key;
        snprintf(theirs.serial, sizeof(theirs.serial), "%s", i == 0 ? "" : SERIAL);
        assert_true(wallet_keys_put(&party.keys, &theirs));
    }
    snprintf(party.app_id, sizeof(party.app_id), "app");
    snprintf(party.mch_id, sizeof(party.mch_id), "mch");
    snprintf(party.api_key, sizeof(party.api_key), "192006250b4c09247ec02edce69f6a2d");
    snprintf(party.api_v3_key, sizeof(party.api_v3_key), "Wm7tQ2nXr9Lb4Ks1Vd8Yc3Hf6Jg0PzEa");
    return 0;
}

static int free_keys(void **state)
{
    (void)state;
    wallet_party_clear(&party);
    return 0;
}

static struct byte_view view_of(const char *text)
{
    return (struct byte_view){(const uint8_t *)text, (uint32_t)strlen(text)};
}

static struct wallet_request request_of(enum wallet_ask ask)
{
    struct wallet_request request = {.ask = ask, .wall_s = WALL_S, .amount_minor = 888};
    memcpy(request.order, ORDER, sizeof(ORDER));
    memcpy(request.refund, REFUND, sizeof(REFUND));
    return request;
}

static const char *signature_of(const char *text)
{
    static char signature[WALLET_SIGNATURE_SIZE];
    assert_int_equal(wallet_rsa_sign(signature, party.key, view_of(text)), STATUS_OK);
    return signature;
}

static struct wallet_answer read_reply(enum wallet_ask ask, const struct wallet_reply *reply)
{
    struct wallet_answer answer;
    struct wallet_request request = request_of(ask);
    wallet_read(&party, &request, reply, &answer);
    return answer;
}

/* --- Alipay ------------------------------------------------------------------------------- */

static const char *const NODES[] = {"alipay_trade_pay_response", "alipay_trade_query_response",
                                    "alipay_trade_cancel_response", "alipay_trade_refund_response",
                                    "alipay_trade_fastpay_refund_query_response"};

static struct wallet_answer alipay_says(enum wallet_ask ask, const char *format, const char *node)
{
    char body[4096];
    party.kind = WALLET_ALIPAY;
    snprintf(body, sizeof(body), format, NODES[ask], node, signature_of(node));
    return read_reply(ask, &(struct wallet_reply){.http_status = 200, .body = view_of(body)});
}

#define PLAIN "{\"%s\":%s,\"sign\":\"%s\"}"
#define PAID "{\"code\":\"10000\",\"out_trade_no\":\"" ORDER "\",\"total_amount\":\"8.88\"}"

static void test_alipay_answers_come_to_what_the_documents_say(void **state)
{
    (void)state;
    static const struct {
        enum wallet_ask ask;
        const char *rest;
        enum wallet_verdict verdict;
    } cases[] = {
        {WALLET_ASK_PAY, "\"code\":\"10000\"", WALLET_PAID},
        {WALLET_ASK_PAY, "\"code\":\"10003\"", WALLET_WAITING},
        {WALLET_ASK_PAY, "\"code\":\"20000\",\"sub_code\":\"isp.unknow-error\"", WALLET_UNKNOWN},
        {WALLET_ASK_PAY, "\"code\":\"40004\",\"sub_code\":\"ACQ.SYSTEM_ERROR\"", WALLET_UNKNOWN},
        {WALLET_ASK_PAY, "\"code\":\"40004\",\"sub_code\":\"ACQ.TRADE_HAS_SUCCESS\"",
         WALLET_UNKNOWN},
        {WALLET_ASK_PAY, "\"code\":\"40006\"", WALLET_FAILED},
        {WALLET_ASK_QUERY, "\"code\":\"40006\"", WALLET_UNKNOWN},
        {WALLET_ASK_QUERY, "\"code\":\"10000\",\"trade_status\":\"WAIT_BUYER_PAY\"",
         WALLET_WAITING},
        {WALLET_ASK_QUERY, "\"code\":\"10000\",\"trade_status\":\"TRADE_FINISHED\"", WALLET_PAID},
        {WALLET_ASK_QUERY, "\"code\":\"10000\",\"trade_status\":\"TRADE_CLOSED\"", WALLET_UNDONE},
        {WALLET_ASK_QUERY, "\"code\":\"10000\"", WALLET_UNKNOWN},
        {WALLET_ASK_QUERY, "\"code\":\"40004\",\"sub_code\":\"ACQ.TRADE_NOT_EXIST\"",
         WALLET_ABSENT},
        {WALLET_ASK_CANCEL, "\"code\":\"10000\",\"retry_flag\":\"N\",\"action\":\"close\"",
         WALLET_UNDONE},
        {WALLET_ASK_CANCEL, "\"code\":\"10000\",\"retry_flag\":\"Y\"", WALLET_AGAIN},
        {WALLET_ASK_CANCEL, "\"code\":\"40004\",\"sub_code\":\"ACQ.NEW\",\"retry_flag\":\"Y\"",
         WALLET_AGAIN},
        {WALLET_ASK_REFUND, "\"code\":\"10000\",\"fund_change\":\"Y\"", WALLET_REFUNDED},
        {WALLET_ASK_REFUND, "\"code\":\"10000\",\"fund_change\":\"N\"", WALLET_WAITING},
        {WALLET_ASK_REFUND_QUERY, "\"code\":\"10000\",\"refund_status\":\"REFUND_SUCCESS\"",
         WALLET_REFUNDED},
        {WALLET_ASK_REFUND_QUERY,
         "\"code\":\"10000\",\"refund_amount\":\"1.00\",\"out_request_no\":\"x\"", WALLET_REFUNDED},
        {WALLET_ASK_REFUND_QUERY, "\"code\":\"10000\"", WALLET_ABSENT},
    };
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        char node[512];
        snprintf(node, sizeof(node), "{\"out_trade_no\":\"" ORDER "\",%s}", cases[i].rest);
        struct wallet_answer answer = alipay_says(cases[i].ask, PLAIN, node);
        if (answer.verdict != cases[i].verdict || answer.is_forged) {
            fail_msg("%s: %s", cases[i].rest, wallet_verdict_text(answer.verdict));
        }
    }
}

static void test_alipay_signs_the_raw_text_of_its_node(void **state)
{
    (void)state;
    static const char *const nodes[] = {
        PAID,
        "{ \"code\" : \"10000\", \"out_trade_no\":\"" ORDER "\",\"url\":\"https:\\/\\/a\\/b\"}",
        "{\"code\":\"10000\",\"out_trade_no\":\"" ORDER "\",\"msg\":\"} \\\"sign\\\":\\\"x\\\"\"}",
        "{\"code\":\"10000\",\"out_trade_no\":\"" ORDER
        "\",\"a\":[{\"b\":1.50}],\"m\":\"\xE6\x88\x90\"}",
    };
    static const char *const bodies[] = {
        PLAIN,
        "  {\n\"%s\" :  %s , \"sign\" : \"%s\" }\r\n",
    };
    for (size_t i = 0; i < COUNT_OF(nodes) * COUNT_OF(bodies); i++) {
        struct wallet_answer answer =
            alipay_says(WALLET_ASK_PAY, bodies[i % COUNT_OF(bodies)], nodes[i / COUNT_OF(bodies)]);
        assert_int_equal(answer.verdict, WALLET_PAID);
    }
    assert_int_equal(alipay_says(WALLET_ASK_PAY, PLAIN, PAID).amount_minor, 888);
}

static void test_alipay_is_not_believed_otherwise(void **state)
{
    (void)state;
    char body[4096];
    party.kind = WALLET_ALIPAY;
    const char *sign = signature_of(PAID);
    const struct {
        const char *format;
        bool is_forged;
    } bodies[] = {
        {"{\"%s\":%s}", true},                                 /* no signature */
        {"{\"%s\":%s,\"sign\":\"AAAA\"}", true},               /* none of that length */
        {"{\"x\":\"%s\",\"y\":%s,\"sign\":\"%s\"}", false},    /* another node */
        {"{\"%s\":%s,\"sign\":\"%s\"} x", false},              /* bytes behind */
        {"{\"%s\":%s,\"sign\":\"%s\",\"sign\":\"x\"}", false}, /* two signatures */
        {"{\"%s\":%s,\"sign\":\"%s\"", false},                 /* cut off */
        {"[\"%s\",%s,\"%s\"]", false},                         /* no object */
    };
    for (size_t i = 0; i < COUNT_OF(bodies); i++) {
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wformat-nonliteral"
        snprintf(body, sizeof(body), bodies[i].format, NODES[0], PAID, sign);
#pragma GCC diagnostic pop
        struct wallet_answer answer = read_reply(
            WALLET_ASK_PAY, &(struct wallet_reply){.http_status = 200, .body = view_of(body)});
        assert_int_equal(answer.verdict, WALLET_UNKNOWN);
        assert_int_equal(answer.is_forged, bodies[i].is_forged);
        assert_true(answer.is_alert);
    }
    snprintf(body, sizeof(body), "{\"%s\":%s,\"%s\":%s,\"sign\":\"%s\"}", NODES[0], PAID, NODES[0],
             PAID, sign);
    struct wallet_answer answer = read_reply(
        WALLET_ASK_PAY, &(struct wallet_reply){.http_status = 200, .body = view_of(body)});
    assert_int_equal(answer.verdict, WALLET_UNKNOWN);
    answer = read_reply(WALLET_ASK_PAY,
                        &(struct wallet_reply){.http_status = 502, .body = view_of("<html>")});
    assert_int_equal(answer.verdict, WALLET_UNKNOWN);
    assert_string_equal(answer.words, "HTTP status 502");
}

/* Something between us and the wallet parses the answer and writes it again. */
static void test_an_answer_written_anew_on_its_way_is_told(void **state)
{
    (void)state;
    char body[4096];
    party.kind = WALLET_ALIPAY;
    snprintf(body, sizeof(body), PLAIN, NODES[0],
             "{\"code\": \"10000\", \"out_trade_no\": \"" ORDER "\", \"total_amount\": \"8.88\"}",
             signature_of(PAID));
    struct wallet_answer answer = read_reply(
        WALLET_ASK_PAY, &(struct wallet_reply){.http_status = 200, .body = view_of(body)});
    assert_true(answer.is_forged);
    assert_string_equal(answer.words, "the signature does not verify" WALLET_WRITTEN_ANEW);
    snprintf(body, sizeof(body), PLAIN, NODES[0], PAID, "AAAA");
    answer = read_reply(WALLET_ASK_PAY,
                        &(struct wallet_reply){.http_status = 200, .body = view_of(body)});
    assert_string_equal(answer.words, "the signature does not verify");
    snprintf(body, sizeof(body), "{\"%s\":%s}", NODES[0], PAID);
    answer = read_reply(WALLET_ASK_PAY,
                        &(struct wallet_reply){.http_status = 200, .body = view_of(body)});
    assert_string_equal(answer.words, "the signature is missing");
}

/* What an operator must put right stands beside the wallet's own code. */
static void test_a_refusal_of_ourselves_says_what_to_look_at(void **state)
{
    (void)state;
    struct wallet_answer answer = alipay_says(
        WALLET_ASK_PAY, PLAIN, "{\"code\":\"40002\",\"sub_code\":\"isv.invalid-signature\"}");
    assert_string_equal(answer.words,
                        "code 40002 isv.invalid-signature : it does not take our signature: is our "
                        "key the one it knows of us, and our clock right?");
    assert_true(answer.is_alert);
    struct wallet_answer plain = {.words = "code 1"};
    wallet_answer_explain(&plain, "NOTENOUGH");
    assert_string_equal(plain.words, "code 1");
    wallet_answer_explain(&plain, "MCH_NOT_EXISTS");
    assert_string_equal(plain.words, "code 1: it knows no merchant of wallet.mch_id");
}

static void test_an_answer_of_another_order_is_worth_nothing(void **state)
{
    (void)state;
    struct wallet_answer answer =
        alipay_says(WALLET_ASK_PAY, PLAIN,
                    "{\"code\":\"10000\",\"out_trade_no\":\"100010000001TERM0001000009\"}");
    assert_int_equal(answer.verdict, WALLET_UNKNOWN);
    assert_true(answer.is_alert);
    assert_non_null(strstr(answer.words, "100010000001TERM0001000009"));
}

/* --- WeChat Pay v3 ------------------------------------------------------------------------ */

static struct wallet_reply v3_reply(uint16_t http_status, const char *body)
{
    char text[4096];
    struct wallet_reply reply = {
        .http_status = http_status, .body = view_of(body), .wall_s = WALL_S};
    party.kind = WALLET_WECHAT_V3;
    snprintf(reply.timestamp, sizeof(reply.timestamp), "%d", WALL_S);
    snprintf(reply.nonce, sizeof(reply.nonce), "n");
    snprintf(reply.serial, sizeof(reply.serial), SERIAL);
    snprintf(text, sizeof(text), "%d\nn\n%s\n", WALL_S, body);
    snprintf(reply.signature, sizeof(reply.signature), "%s", signature_of(text));
    return reply;
}

static void test_wechat_v3_answers_come_to_what_the_documents_say(void **state)
{
    (void)state;
    static const struct {
        enum wallet_ask ask;
        uint16_t http_status;
        const char *body;
        enum wallet_verdict verdict;
        const char *code;
    } cases[] = {
        {WALLET_ASK_PAY, 200, "{\"out_trade_no\":\"" ORDER "\",\"trade_state\":\"SUCCESS\"}",
         WALLET_PAID, ""},
        {WALLET_ASK_PAY, 200, "{\"out_trade_no\":\"" ORDER "\",\"trade_state\":\"USERPAYING\"}",
         WALLET_WAITING, ""},
        {WALLET_ASK_PAY, 202, "{\"code\":\"USERPAYING\"}", WALLET_WAITING, ""},
        {WALLET_ASK_PAY, 400, "{\"code\":\"PARAM_ERROR\"}", WALLET_FAILED, "96"},
        {WALLET_ASK_PAY, 401, "{\"code\":\"SIGN_ERROR\"}", WALLET_FAILED, "96"},
        {WALLET_ASK_PAY, 403, "{\"code\":\"NOT_ENOUGH\"}", WALLET_FAILED, "51"},
        {WALLET_ASK_PAY, 403, "{\"code\":\"RULE_LIMIT\"}", WALLET_FAILED, "61"},
        {WALLET_ASK_PAY, 403, "{\"code\":\"TRADE_ERROR\"}", WALLET_FAILED, "57"},
        {WALLET_ASK_PAY, 429, "{\"code\":\"FREQUENCY_LIMITED\"}", WALLET_UNKNOWN, ""},
        {WALLET_ASK_PAY, 500, "{\"code\":\"BANK_ERROR\"}", WALLET_UNKNOWN, ""},
        {WALLET_ASK_PAY, 503, "{\"code\":\"PARAM_ERROR\"}", WALLET_UNKNOWN, ""},
        {WALLET_ASK_PAY, 200, "{}", WALLET_UNKNOWN, ""},
        {WALLET_ASK_PAY, 200, "[]", WALLET_UNKNOWN, ""},
        {WALLET_ASK_QUERY, 404, "{\"code\":\"ORDER_NOT_EXIST\"}", WALLET_ABSENT, ""},
        {WALLET_ASK_QUERY, 403, "{\"code\":\"NO_AUTH\"}", WALLET_UNKNOWN, ""},
        {WALLET_ASK_QUERY, 200, "{\"out_trade_no\":\"" ORDER "\",\"trade_state\":\"PAYERROR\"}",
         WALLET_FAILED, "57"},
        {WALLET_ASK_QUERY, 200, "{\"out_trade_no\":\"" ORDER "\",\"trade_state\":\"REVOKED\"}",
         WALLET_UNDONE, ""},
        {WALLET_ASK_CANCEL, 204, "", WALLET_UNDONE, ""},
        {WALLET_ASK_CANCEL, 200, "{\"recall\":\"N\"}", WALLET_UNDONE, ""},
        {WALLET_ASK_CANCEL, 200, "{\"recall\":\"Y\"}", WALLET_AGAIN, ""},
        {WALLET_ASK_CANCEL, 400, "{\"code\":\"INVALID_REQUEST\"}", WALLET_AGAIN, ""},
        {WALLET_ASK_CANCEL, 403, "{\"code\":\"USERPAYING\"}", WALLET_AGAIN, ""},
        {WALLET_ASK_REFUND, 200, "{\"out_refund_no\":\"" REFUND "\",\"status\":\"SUCCESS\"}",
         WALLET_REFUNDED, ""},
        {WALLET_ASK_REFUND, 200, "{\"out_refund_no\":\"" REFUND "\",\"status\":\"PROCESSING\"}",
         WALLET_WAITING, ""},
        {WALLET_ASK_REFUND, 200, "{\"out_refund_no\":\"other\",\"status\":\"SUCCESS\"}",
         WALLET_UNKNOWN, ""},
        {WALLET_ASK_REFUND, 403, "{\"code\":\"NOT_ENOUGH\"}", WALLET_FAILED, "51"},
        {WALLET_ASK_REFUND_QUERY, 404, "{\"code\":\"RESOURCE_NOT_EXISTS\"}", WALLET_ABSENT, ""},
    };
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        struct wallet_reply reply = v3_reply(cases[i].http_status, cases[i].body);
        struct wallet_answer answer = read_reply(cases[i].ask, &reply);
        if (answer.verdict != cases[i].verdict || answer.is_forged) {
            fail_msg("%u %s: %s", cases[i].http_status, cases[i].body, answer.words);
        }
        assert_string_equal(answer.response_code, cases[i].code);
    }
}

static void test_wechat_v3_is_believed_in_its_time_and_under_its_certificate(void **state)
{
    (void)state;
    static const char paid[] = "{\"out_trade_no\":\"" ORDER "\",\"trade_state\":\"SUCCESS\"}";
    for (int off = -301; off <= 301; off += 301) {
        struct wallet_reply reply = v3_reply(200, paid);
        reply.wall_s += off;
        struct wallet_answer answer = read_reply(WALLET_ASK_QUERY, &reply);
        assert_int_equal(answer.verdict, off == 0 ? WALLET_PAID : WALLET_UNKNOWN);
        assert_int_equal(answer.is_forged, off != 0);
        assert_true(off == 0 || strstr(answer.words, "off our clock") != NULL);
    }
    struct wallet_reply reply = v3_reply(200, paid);
    snprintf(reply.serial, sizeof(reply.serial), "AB");
    struct wallet_answer answer = read_reply(WALLET_ASK_QUERY, &reply);
    assert_true(answer.is_forged && answer.wants_certificates);
    assert_string_equal(answer.words, "no platform certificate with serial AB is known");
    reply = v3_reply(200, paid);
    reply.body = view_of("{\"out_trade_no\": \"" ORDER "\", \"trade_state\": \"SUCCESS\"}");
    answer = read_reply(WALLET_ASK_QUERY, &reply);
    assert_string_equal(answer.words, "the signature under certificate " SERIAL
                                      " does not verify" WALLET_WRITTEN_ANEW);
    reply = v3_reply(200, paid);
    reply.signature[5] = reply.signature[5] == 'A' ? 'B' : 'A';
    answer = read_reply(WALLET_ASK_QUERY, &reply);
    assert_true(answer.is_forged && !answer.wants_certificates);
    assert_string_equal(answer.words, "the signature under certificate " SERIAL " does not verify");
    reply = v3_reply(403, "{\"code\":\"NOT_ENOUGH\"}");
    reply.signature[0] = '\0'; /* who knows who said so */
    answer = read_reply(WALLET_ASK_PAY, &reply);
    assert_int_equal(answer.verdict, WALLET_UNKNOWN);
    assert_true(answer.is_forged);
    assert_string_equal(answer.words, "HTTP status 403 without a signature");
    reply = v3_reply(502, "<html>");
    reply.signature[0] = '\0'; /* a gateway on the way does not sign, and does not forge */
    answer = read_reply(WALLET_ASK_PAY, &reply);
    assert_int_equal(answer.verdict, WALLET_UNKNOWN);
    assert_false(answer.is_forged);
}

static void test_a_signature_covers_method_path_and_body(void **state)
{
    (void)state;
    static struct wallet_message message;
    static const struct {
        enum wallet_ask ask;
        bool is_get;
        const char *target;
    } asks[] = {
        {WALLET_ASK_QUERY, true, "/v3/pay/transactions/out-trade-no/" ORDER "?mchid=mch"},
        {WALLET_ASK_CANCEL, false, "/v3/pay/transactions/out-trade-no/" ORDER "/reverse"},
        {WALLET_ASK_REFUND, false, "/v3/refund/domestic/refunds"},
        {WALLET_ASK_REFUND_QUERY, true, "/v3/refund/domestic/refunds/" REFUND},
        {WALLET_ASK_CERTIFICATES, true, "/v3/certificates"},
    };
    party.kind = WALLET_WECHAT_V3;
    for (size_t i = 0; i < COUNT_OF(asks); i++) {
        char text[2048], expected[WALLET_SIGNATURE_SIZE + 16];
        struct wallet_request request = request_of(asks[i].ask);
        memcpy(request.nonce, "0123456789ABCDEF0123456789ABCDEF", 33);
        assert_int_equal(wallet_write(&party, &request, &message), STATUS_OK);
        assert_int_equal(message.is_get, asks[i].is_get);
        assert_string_equal(message.target, asks[i].target);
        assert_int_equal(message.body_length == 0, asks[i].is_get);
        snprintf(text, sizeof(text), "%s\n%s\n%d\n%s\n%.*s\n", asks[i].is_get ? "GET" : "POST",
                 asks[i].target, WALL_S, request.nonce, (int)message.body_length,
                 (const char *)message.body);
        snprintf(expected, sizeof(expected), "signature=\"%s\"", signature_of(text));
        assert_non_null(strstr(message.authorization, expected));
    }
}

/* --- WeChat Pay v2 ------------------------------------------------------------------------ */

/* The members of an answer with their signature. */
static struct wallet_answer v2_says(enum wallet_ask ask, const char *const *members)
{
    static uint8_t body[4096];
    struct wallet_parameters parameters = {.count = 0};
    struct byte_writer writer;
    char sign[WALLET_DIGEST_SIZE];
    party.kind = WALLET_WECHAT_V2;
    assert_true(wallet_parameters_add(&parameters, "return_code", "SUCCESS"));
    for (; members[0] != NULL; members += 2) {
        assert_true(wallet_parameters_add(&parameters, members[0], members[1]));
    }
    assert_int_equal(wechat_v2_sign(&party, &parameters, sign), STATUS_OK);
    assert_true(wallet_parameters_add(&parameters, "sign", sign));
    byte_writer_init(&writer, body, sizeof(body));
    wallet_xml_write(&parameters, &writer);
    return read_reply(ask,
                      &(struct wallet_reply){.http_status = 200, .body = {body, writer.position}});
}
#define SAYS(ask, ...) v2_says(WALLET_ASK_##ask, (const char *const[]){__VA_ARGS__, NULL})
#define OK_OF "result_code", "SUCCESS", "out_trade_no", ORDER
#define NO_OF "result_code", "FAIL"

static void test_wechat_v2_answers_come_to_what_the_documents_say(void **state)
{
    (void)state;
    for (uint32_t i = 0; i < 2; i++) {
        party.signs_with_md5 = i == 1;
        struct wallet_answer answer =
            SAYS(PAY, OK_OF, "trade_type", "MICROPAY", "total_fee", "888");
        assert_int_equal(answer.verdict, WALLET_PAID);
        assert_int_equal(answer.amount_minor, 888);
    }
    party.signs_with_md5 = false;
    assert_int_equal(SAYS(PAY, OK_OF, "trade_type", "JSAPI").verdict, WALLET_UNKNOWN);
    assert_int_equal(SAYS(PAY, NO_OF, "err_code", "SYSTEMERROR").verdict, WALLET_UNKNOWN);
    assert_int_equal(SAYS(PAY, NO_OF, "err_code", "USERPAYING").verdict, WALLET_WAITING);
    assert_string_equal(SAYS(PAY, NO_OF, "err_code", "NOTENOUGH").response_code, "51");
    assert_int_equal(SAYS(QUERY, OK_OF, "trade_state", "SUCCESS").verdict, WALLET_PAID);
    assert_int_equal(SAYS(QUERY, NO_OF, "err_code", "ORDERNOTEXIST").verdict, WALLET_ABSENT);
    assert_int_equal(SAYS(CANCEL, OK_OF, "recall", "N").verdict, WALLET_UNDONE);
    assert_int_equal(SAYS(CANCEL, OK_OF, "recall", "Y").verdict, WALLET_AGAIN);
    assert_int_equal(SAYS(CANCEL, NO_OF, "err_code", "USERPAYING", "recall", "Y").verdict,
                     WALLET_AGAIN);
    assert_int_equal(SAYS(REFUND, OK_OF, "out_refund_no", REFUND).verdict, WALLET_REFUNDED);
    assert_int_equal(SAYS(REFUND, OK_OF, "out_refund_no", "other").verdict, WALLET_UNKNOWN);
    assert_int_equal(
        SAYS(REFUND_QUERY, OK_OF, "out_refund_no_0", REFUND, "refund_status_0", "PROCESSING")
            .verdict,
        WALLET_WAITING);
    assert_int_equal(SAYS(REFUND_QUERY, NO_OF, "err_code", "REFUNDNOTEXIST").verdict,
                     WALLET_ABSENT);
}

static void test_wechat_v2_xml_is_read_strictly(void **state)
{
    (void)state;
    static struct wallet_xml xml;
    static const struct {
        const char *text;
        enum status status;
    } texts[] = {
        {"<xml><a>1</a><b><![CDATA[2]]><![CDATA[3]]></b> <c/></xml>", STATUS_OK},
        {"<!DOCTYPE x [<!ENTITY e \"v\">]><xml><a>&e;</a></xml>", STATUS_DENIED},
        {"<!DOCTYPE xml SYSTEM \"file:///etc/passwd\"><xml/>", STATUS_DENIED},
        {"<xml><a>1</a><a>2</a></xml>", STATUS_DUPLICATE},
        {"<xml><a><b>1</b></a></xml>", STATUS_MALFORMED},
        {"<xml>text<a>1</a></xml>", STATUS_MALFORMED},
        {"<html><a>1</a></html>", STATUS_MALFORMED},
        {"<xml><a>1</xml>", STATUS_MALFORMED},
        {"<xml><a>&undefined;</a></xml>", STATUS_MALFORMED},
        {"", STATUS_MALFORMED},
    };
    for (size_t i = 0; i < COUNT_OF(texts); i++) {
        assert_int_equal(wallet_xml_read(&xml, view_of(texts[i].text)), texts[i].status);
        assert_true(xml.members.count == 0 || texts[i].status == STATUS_OK);
    }
    assert_int_equal(wallet_xml_read(&xml, view_of(texts[0].text)), STATUS_OK);
    assert_int_equal(xml.members.count, 3);
    assert_string_equal(wallet_parameters_find(&xml.members, "b"), "23");
    assert_string_equal(wallet_parameters_find(&xml.members, "c"), "");
}

static void test_wechat_v2_is_believed_with_a_signature_alone(void **state)
{
    (void)state;
    party.kind = WALLET_WECHAT_V2;
    static const struct {
        const char *body;
        bool is_forged;
    } bodies[] = {
        {"<xml><return_code>FAIL</return_code><return_msg>sign</return_msg></xml>", false},
        {"<xml><return_code>SUCCESS</return_code><result_code>SUCCESS</result_code></xml>", true},
        {"<xml><return_code>SUCCESS</return_code><result_code>SUCCESS</result_code>"
         "<sign>00000000000000000000000000000000</sign></xml>",
         true},
        {"nothing", false},
    };
    for (size_t i = 0; i < COUNT_OF(bodies); i++) {
        struct wallet_answer answer =
            read_reply(WALLET_ASK_PAY,
                       &(struct wallet_reply){.http_status = 200, .body = view_of(bodies[i].body)});
        assert_int_equal(answer.verdict, WALLET_UNKNOWN);
        assert_int_equal(answer.is_forged, bodies[i].is_forged);
        assert_true(answer.is_alert);
    }
}

static void test_reverse_and_refund_want_the_client_certificate(void **state)
{
    (void)state;
    static struct wallet_message message;
    party.kind = WALLET_WECHAT_V2;
    for (uint32_t ask = WALLET_ASK_PAY; ask <= WALLET_ASK_REFUND_QUERY; ask++) {
        struct wallet_request request = request_of((enum wallet_ask)ask);
        assert_int_equal(wallet_write(&party, &request, &message), STATUS_OK);
        assert_int_equal(message.wants_client_certificate,
                         ask == WALLET_ASK_CANCEL || ask == WALLET_ASK_REFUND);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_alipay_answers_come_to_what_the_documents_say),
        cmocka_unit_test(test_alipay_signs_the_raw_text_of_its_node),
        cmocka_unit_test(test_alipay_is_not_believed_otherwise),
        cmocka_unit_test(test_an_answer_written_anew_on_its_way_is_told),
        cmocka_unit_test(test_a_refusal_of_ourselves_says_what_to_look_at),
        cmocka_unit_test(test_an_answer_of_another_order_is_worth_nothing),
        cmocka_unit_test(test_wechat_v3_answers_come_to_what_the_documents_say),
        cmocka_unit_test(test_wechat_v3_is_believed_in_its_time_and_under_its_certificate),
        cmocka_unit_test(test_a_signature_covers_method_path_and_body),
        cmocka_unit_test(test_wechat_v2_answers_come_to_what_the_documents_say),
        cmocka_unit_test(test_wechat_v2_xml_is_read_strictly),
        cmocka_unit_test(test_wechat_v2_is_believed_with_a_signature_alone),
        cmocka_unit_test(test_reverse_and_refund_want_the_client_certificate),
    };
    return cmocka_run_group_tests(tests, make_keys, free_keys);
}
