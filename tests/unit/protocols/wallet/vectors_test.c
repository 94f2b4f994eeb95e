/* Outside judges of signatures, bodies and ciphers: known values of both wallets, when the folder
 * of vectors is there (TILLWAY_VECTORS, or shared/vectors beside the source tree). */
#include "tests/unit/unit_test.h"

#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "protocols/wallet/alipay.h"
#include "protocols/wallet/wallet_json.h"
#include "protocols/wallet/wallet_message.h"
#include "protocols/wallet/wallet_text.h"
#include "protocols/wallet/wallet_xml.h"
#include "protocols/wallet/wechat_v2.h"

struct stage {
    json_t *vectors;
    struct wallet_party party;
};

static struct byte_view view_of(const char *text)
{
    return (struct byte_view){(const uint8_t *)text, (uint32_t)strlen(text)};
}

static json_t *at(const struct stage *stage, const char *name)
{
    json_t *found = json_object_get(stage->vectors, name);
    assert_non_null(found);
    return found;
}

static const char *text_at(const json_t *object, const char *name)
{
    const char *text = json_string_value(json_object_get(object, name));
    assert_non_null(text);
    return text;
}

static void put(char *to, size_t size, const char *text)
{
    assert_true(strlen(text) < size);
    snprintf(to, size, "%s", text);
}
#define PUT(to, text) put((to), sizeof(to), (text))

/* The one key of the vectors stands for every party. */
static void load_keys(struct stage *stage)
{
    char pem[4096];
    const char *base64 = text_at(stage->vectors, "TEST_ONLY_private_key_pkcs8_der_base64");
    int length = snprintf(pem, sizeof(pem), "-----BEGIN PRIVATE KEY-----\n");
    for (size_t i = 0; i < strlen(base64); i += 64) {
        length += snprintf(pem + length, sizeof(pem) - (size_t)length, "%.64s\n", base64 + i);
    }
    snprintf(pem + length, sizeof(pem) - (size_t)length, "-----END PRIVATE KEY-----\n");
    assert_int_equal(wallet_private_key_read(&stage->party.key, view_of(pem)), STATUS_OK);
    struct wallet_certificate public = {.serial = ""};
    assert_int_equal(
        wallet_public_key_read(&public.key, view_of(text_at(stage->vectors, "public_key_pem"))),
        STATUS_OK);
    assert_true(wallet_keys_put(&stage->party.keys, &public));
    const char *serial = text_at(at(stage, "wechat_v3_request"), "platform_or_merchant_serial");
    EVP_PKEY_up_ref(public.key);
    PUT(public.serial, serial);
    assert_true(wallet_keys_put(&stage->party.keys, &public));
    PUT(stage->party.serial, serial);
}

static int set_up(void **state)
{
    const char *folder = getenv("TILLWAY_VECTORS");
    char path[512];
    struct stage *stage = calloc(1, sizeof(*stage));
    snprintf(path, sizeof(path), "%s/wallets.json",
             folder != NULL ? folder : TILLWAY_SOURCE_DIR "/../shared/vectors");
    stage->vectors = json_load_file(path, 0, NULL);
    if (stage->vectors == NULL) {
        print_message("no vectors at %s: skipped\n", path);
    } else {
        load_keys(stage);
    }
    *state = stage;
    return 0;
}

static int tear_down(void **state)
{
    struct stage *stage = *state;
    wallet_party_clear(&stage->party);
    json_decref(stage->vectors);
    free(stage);
    return 0;
}

static struct stage *stage_of(void **state)
{
    struct stage *stage = *state;
    if (stage->vectors == NULL) {
        skip();
    }
    return stage;
}

/* "20260115093015000001" and who pays; times are 2026-01-15 09:30:15 in China. */
static struct wallet_request payment_of(const char *order, const char *code)
{
    struct wallet_request request = {
        .ask = WALLET_ASK_PAY, .amount_minor = 888, .wall_s = 1768440615};
    PUT(request.order, order);
    PUT(request.pay_code, code);
    PUT(request.terminal_id, "10000019");
    PUT(request.merchant_id, "S1");
    return request;
}

static void assert_text(const char *expected, const uint8_t *bytes, uint32_t length)
{
    if (strlen(expected) != length || memcmp(expected, bytes, length) != 0) {
        fail_msg("expected %s\ngot      %.*s", expected, (int)length, (const char *)bytes);
    }
}

static void test_alipay_payment_is_signed_as_known(void **state)
{
    struct stage *stage = stage_of(state);
    const json_t *vector = at(stage, "alipay_request");
    static struct wallet_message message;
    stage->party.kind = WALLET_ALIPAY;
    PUT(stage->party.app_id, "2014072300007148");
    PUT(stage->party.notify_url, "https://acq.example/alipay/notify");
    struct wallet_request request = payment_of("20260115093015000001", "281234567890123456");
    assert_int_equal(wallet_write(&stage->party, &request, &message), STATUS_OK);
    assert_string_equal(message.target, "?charset=utf-8");

    struct wallet_parameters form;
    uint8_t arena[8192], joined[4096];
    struct byte_writer writer;
    byte_writer_init(&writer, arena, sizeof(arena));
    assert_int_equal(
        wallet_form_read(&form, &writer, (struct byte_view){message.body, message.body_length}),
        STATUS_OK);
    assert_string_equal(wallet_parameters_find(&form, "sign"), text_at(vector, "sign"));
    byte_writer_init(&writer, joined, sizeof(joined));
    wallet_parameters_sort(&form);
    wallet_parameters_join(&form, &writer, "sign", NULL);
    assert_text(text_at(vector, "string_to_sign"), joined, writer.position);
}

static void test_alipay_answer_verifies_over_its_raw_text(void **state)
{
    struct stage *stage = stage_of(state);
    const json_t *vector = at(stage, "alipay_response");
    const char *body = text_at(vector, "body");
    struct wallet_json_signed found;
    assert_int_equal(wallet_json_walk(&found, view_of(body), "alipay_trade_pay_response"),
                     STATUS_OK);
    assert_text(text_at(vector, "content_to_verify"), found.node.bytes, found.node.length);
    assert_string_equal(found.sign, text_at(vector, "sign"));

    struct wallet_request request = payment_of("20260115093015000001", "281234567890123456");
    struct wallet_reply reply = {.http_status = 200, .body = view_of(body)};
    struct wallet_answer answer;
    stage->party.kind = WALLET_ALIPAY;
    wallet_read(&stage->party, &request, &reply, &answer);
    assert_int_equal(answer.verdict, WALLET_PAID);
    assert_int_equal(answer.amount_minor, 888);

    char changed[4096];
    PUT(changed, body);
    strstr(changed, "8.88")[0] = '9';
    reply.body = view_of(changed);
    wallet_read(&stage->party, &request, &reply, &answer);
    assert_int_equal(answer.verdict, WALLET_UNKNOWN);
    assert_true(answer.is_forged);
}

static void test_alipay_notify_verifies_over_its_decoded_parameters(void **state)
{
    struct stage *stage = stage_of(state);
    json_t *vector = at(stage, "alipay_notify");
    struct wallet_parameters form = {.count = 0};
    const char *name;
    json_t *value;
    json_object_foreach(json_object_get(vector, "params_decoded"), name, value)
    {
        assert_true(wallet_parameters_add(&form, name, json_string_value(value)));
    }
    assert_true(wallet_parameters_add(&form, "sign_type", "RSA2"));
    assert_true(wallet_parameters_add(&form, "sign", text_at(vector, "sign")));
    uint8_t body[8192];
    struct byte_writer writer;
    byte_writer_init(&writer, body, sizeof(body));
    wallet_form_write(&form, &writer);
    assert_int_equal(writer.status, STATUS_OK);
    stage->party.kind = WALLET_ALIPAY;
    PUT(stage->party.app_id, "2014072300007148");
    PUT(stage->party.seller_id, "2088101106499364");
    struct wallet_reply reply = {.body = {body, writer.position}};
    struct wallet_answer answer;
    wallet_read_notify(&stage->party, &reply, &answer);
    assert_int_equal(answer.verdict, WALLET_PAID);
    assert_int_equal(answer.amount_minor, 888);
    assert_string_equal(answer.order, "20260115093015000001");
    PUT(stage->party.seller_id, "2088101106499365");
    wallet_read_notify(&stage->party, &reply, &answer);
    assert_int_equal(answer.verdict, WALLET_UNKNOWN);
    assert_false(answer.is_forged);
}

static void test_wechat_v2_signs_as_documented(void **state)
{
    struct stage *stage = stage_of(state);
    const json_t *vector = at(stage, "wechat_v2_official");
    struct wallet_parameters parameters = {.count = 0};
    char sign[WALLET_DIGEST_SIZE];
    assert_true(wallet_parameters_add(&parameters, "mch_id", "10000100"));
    assert_true(wallet_parameters_add(&parameters, "device_info", "1000"));
    assert_true(wallet_parameters_add(&parameters, "body", "test"));
    assert_true(wallet_parameters_add(&parameters, "appid", "wxd930ea5d5a258f4f"));
    assert_true(wallet_parameters_add(&parameters, "nonce_str", "ibuaiVcKdpRxkhJA"));
    PUT(stage->party.api_key, "192006250b4c09247ec02edce69f6a2d");
    stage->party.signs_with_md5 = true;
    assert_int_equal(wechat_v2_sign(&stage->party, &parameters, sign), STATUS_OK);
    assert_string_equal(sign, text_at(vector, "MD5"));
    stage->party.signs_with_md5 = false;
    assert_int_equal(wechat_v2_sign(&stage->party, &parameters, sign), STATUS_OK);
    assert_string_equal(sign, text_at(vector, "HMAC-SHA256"));
}

static void test_wechat_v2_payment_is_written_as_known(void **state)
{
    struct stage *stage = stage_of(state);
    const json_t *vector = at(stage, "wechat_v2_micropay");
    static struct wallet_message message;
    stage->party.kind = WALLET_WECHAT_V2;
    PUT(stage->party.app_id, "wx8888888888888888");
    PUT(stage->party.mch_id, "1900000109");
    PUT(stage->party.sub_mch_id, "1900000100");
    PUT(stage->party.device_ip, "10.1.2.3");
    PUT(stage->party.api_key, "192006250b4c09247ec02edce69f6a2d");
    struct wallet_request request = payment_of("20260115093015000002", "130061098828009406");
    PUT(request.nonce, "5K8264ILTKCH16CQ2502SI8ZNMTM67VS");
    assert_int_equal(wallet_write(&stage->party, &request, &message), STATUS_OK);
    assert_text(text_at(vector, "body"), message.body, message.body_length);
    assert_string_equal(message.target, "/pay/micropay");
    assert_false(message.wants_client_certificate);
}

static void test_wechat_v3_payment_is_signed_as_known(void **state)
{
    struct stage *stage = stage_of(state);
    const json_t *vector = at(stage, "wechat_v3_request");
    static struct wallet_message message;
    stage->party.kind = WALLET_WECHAT_V3;
    PUT(stage->party.app_id, "wx8888888888888888");
    PUT(stage->party.mch_id, "1900000109");
    PUT(stage->party.device_ip, "10.1.2.3");
    struct wallet_request request = payment_of("20260115093015000003", "130061098828009406");
    PUT(request.nonce, "593BEC0C930BF1AFEB40B4A08C8FB242");
    assert_int_equal(wallet_write(&stage->party, &request, &message), STATUS_OK);
    assert_string_equal(message.authorization, text_at(vector, "authorization"));
    char expected[2048];
    const char *signed_text = text_at(vector, "message");
    snprintf(expected, sizeof(expected), "%s", strstr(signed_text, "{\"appid\""));
    expected[strlen(expected) - 1] = '\0'; /* the line end is signed, not sent */
    assert_text(expected, message.body, message.body_length);
}

static struct wallet_reply notify_of(const json_t *vector)
{
    const json_t *headers = json_object_get(vector, "headers");
    struct wallet_reply reply = {.body = view_of(text_at(vector, "body")), .wall_s = 1768440618};
    PUT(reply.timestamp, text_at(headers, "Wechatpay-Timestamp"));
    PUT(reply.nonce, text_at(headers, "Wechatpay-Nonce"));
    PUT(reply.signature, text_at(headers, "Wechatpay-Signature"));
    PUT(reply.serial, text_at(headers, "Wechatpay-Serial"));
    return reply;
}

static void test_wechat_v3_notify_verifies_and_opens(void **state)
{
    struct stage *stage = stage_of(state);
    const json_t *vector = at(stage, "wechat_v3_notify");
    stage->party.kind = WALLET_WECHAT_V3;
    PUT(stage->party.app_id, "wx8888888888888888");
    PUT(stage->party.mch_id, "1900000109");
    PUT(stage->party.api_v3_key, text_at(vector, "apiv3_key"));
    struct wallet_reply reply = notify_of(vector);
    struct wallet_answer answer;
    wallet_read_notify(&stage->party, &reply, &answer);
    assert_string_equal(answer.words, "notify SUCCESS");
    assert_int_equal(answer.verdict, WALLET_PAID);
    assert_string_equal(answer.order, "20260115093015000003");
    assert_int_equal(answer.amount_minor, 888);

    reply.wall_s += WALLET_CLOCK_SKEW_MAX_S;
    wallet_read_notify(&stage->party, &reply, &answer);
    assert_int_equal(answer.verdict, WALLET_PAID);
    reply.wall_s++;
    wallet_read_notify(&stage->party, &reply, &answer);
    assert_int_equal(answer.verdict, WALLET_UNKNOWN);
    assert_true(answer.is_forged);
    assert_non_null(strstr(answer.words, "off our clock"));
}

static void test_another_key_opens_nothing(void **state)
{
    struct stage *stage = stage_of(state);
    stage->party.kind = WALLET_WECHAT_V3;
    PUT(stage->party.api_v3_key, "Wm7tQ2nXr9Lb4Ks1Vd8Yc3Hf6Jg0PzEb");
    struct wallet_reply reply = notify_of(at(stage, "wechat_v3_notify"));
    struct wallet_answer answer;
    wallet_read_notify(&stage->party, &reply, &answer);
    assert_int_equal(answer.verdict, WALLET_UNKNOWN);
    assert_true(answer.is_forged);
    PUT(reply.serial, "00");
    wallet_read_notify(&stage->party, &reply, &answer);
    assert_true(answer.wants_certificates);
}

#define TEST(test) cmocka_unit_test_setup_teardown(test, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_alipay_payment_is_signed_as_known),
        TEST(test_alipay_answer_verifies_over_its_raw_text),
        TEST(test_alipay_notify_verifies_over_its_decoded_parameters),
        TEST(test_wechat_v2_signs_as_documented),
        TEST(test_wechat_v2_payment_is_written_as_known),
        TEST(test_wechat_v3_payment_is_signed_as_known),
        TEST(test_wechat_v3_notify_verifies_and_opens),
        TEST(test_another_key_opens_nothing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
