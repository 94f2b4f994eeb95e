/* What an operator may read of a wallet's messages: all that is on the list, and nothing else. */
#include "tests/unit/unit_test.h"

#include <stdio.h>
#include <string.h>

#include <openssl/rsa.h>

#include "protocols/wallet/wallet_describe.h"

#define ORDER "100010000001TERM0001000001"
#define CODE "281234567890123456"
#define API_KEY "192006250b4c09247ec02edce69f6a2d"

static struct wallet_party party;

static int make_party(void **state)
{
    (void)state;
    party.key = EVP_RSA_gen(2048);
    assert_non_null(party.key);
    snprintf(party.app_id, sizeof(party.app_id), "2021000000000001");
    snprintf(party.mch_id, sizeof(party.mch_id), "1900000001");
    snprintf(party.app_auth_token, sizeof(party.app_auth_token), "201510BBsecret");
    snprintf(party.serial, sizeof(party.serial), "1DDE55AD");
    snprintf(party.api_key, sizeof(party.api_key), API_KEY);
    snprintf(party.device_ip, sizeof(party.device_ip), "10.1.2.3");
    return 0;
}

static int free_party(void **state)
{
    (void)state;
    wallet_party_clear(&party);
    return 0;
}

static const char *request_text(enum wallet_kind kind, enum wallet_ask ask)
{
    static char text[4096];
    static struct wallet_message message;
    struct wallet_request request = {.ask = ask, .amount_minor = 888, .wall_s = 1768440615};
    memcpy(request.order, ORDER, sizeof(ORDER));
    snprintf(request.pay_code, sizeof(request.pay_code), CODE);
    snprintf(request.terminal_id, sizeof(request.terminal_id), "TERM0001");
    snprintf(request.nonce, sizeof(request.nonce), "abcdef0123456789");
    party.kind = kind;
    assert_int_equal(wallet_write(&party, &request, &message), STATUS_OK);
    wallet_describe_request(&message, &request, text, sizeof(text));
    assert_null(strstr(text, CODE));
    assert_null(strstr(text, "secret"));
    assert_null(strstr(text, API_KEY));
    return text;
}

static void expect(const char *text, const char *line)
{
    if (strstr(text, line) == NULL) {
        fail_msg("no line \"%s\" in:\n%s", line, text);
    }
}

static void test_a_payment_is_shown_without_its_code_signature_and_token(void **state)
{
    (void)state;
    const char *text = request_text(WALLET_ALIPAY, WALLET_ASK_PAY);
    expect(text, "POST ?charset=utf-8\n");
    expect(text, "method                           alipay.trade.pay\n");
    expect(text, "timestamp                        2026-01-15 09:30:15\n");
    expect(text, "app_auth_token                   (14 characters)\n");
    expect(text, "sign                             (344 characters)\n");
    expect(text, "biz_content.out_trade_no         " ORDER "\n");
    expect(text, "biz_content.auth_code            (18 characters)\n");
    expect(text, "biz_content.total_amount         8.88\n");
    text = request_text(WALLET_WECHAT_V3, WALLET_ASK_PAY);
    expect(text, "POST /v3/pay/transactions/codepay\n");
    expect(text, "Authorization.mchid              1900000001\n");
    expect(text, "Authorization.signature          (344 characters)\n");
    expect(text, "Authorization.timestamp          1768440615\n");
    expect(text, "Authorization.serial_no          1DDE55AD\n");
    expect(text, "payer.auth_code                  (18 characters)\n");
    expect(text, "amount.total                     888\n");
    expect(text, "scene_info.device_ip             10.1.2.3\n");
    text = request_text(WALLET_WECHAT_V2, WALLET_ASK_PAY);
    expect(text, "POST /pay/micropay\n");
    expect(text, "auth_code                        (18 characters)\n");
    expect(text, "sign                             (64 characters)\n");
    expect(text, "total_fee                        888\n");
}

static void test_a_query_without_a_body_is_its_target(void **state)
{
    (void)state;
    const char *text = request_text(WALLET_WECHAT_V3, WALLET_ASK_QUERY);
    expect(text, "GET /v3/pay/transactions/out-trade-no/" ORDER "?mchid=1900000001\n");
    assert_null(strstr(text, "auth_code"));
}

static const char *reply_text(uint16_t http_status, const char *body)
{
    static char text[4096];
    const struct wallet_reply reply = {
        .http_status = http_status,
        .body = {(const uint8_t *)body, (uint32_t)strlen(body)},
        .serial = "5157F09EFDC096DE",
        .timestamp = "1768440615",
        .signature = "c2lnbmF0dXJl",
    };
    wallet_describe_reply(&reply, text, sizeof(text));
    return text;
}

static void test_whoever_pays_is_not_named(void **state)
{
    (void)state;
    static const char BODY[] =
        "{\"alipay_trade_pay_response\":{\"code\":\"10000\",\"msg\":\"Success\","
        "\"buyer_logon_id\":\"159****5620\",\"buyer_user_id\":\"2088101117955611\","
        "\"out_trade_no\":\"" ORDER "\",\"total_amount\":\"8.88\","
        "\"fund_bill_list\":[{\"amount\":\"8.88\",\"fund_channel\":\"ALIPAYACCOUNT\"}]},"
        "\"sign\":\"AAAA\"}";
    const char *text = reply_text(200, BODY);
    expect(text, "HTTP status 200\n");
    expect(text, "alipay_trade_pay_response.code   10000\n");
    expect(text, "alipay_trade_pay_response.buyer_logon_id (11 characters)\n");
    expect(text, "alipay_trade_pay_response.fund_bill_list.fund_channel (13 characters)\n");
    expect(text, "\nsign                             (4 characters)\n");
    assert_null(strstr(text, "159"));
    assert_null(strstr(text, "2088101117955611"));
    text =
        reply_text(200, "{\"payer\":{\"openid\":\"oUpF8uMuAJO_M2pxb1Q9zNjWeS6o\"},"
                        "\"amount\":{\"total\":888},\"is_new\":true,\"trade_state\":\"SUCCESS\"}");
    expect(text, "Wechatpay-Serial                 5157F09EFDC096DE\n");
    expect(text, "Wechatpay-Signature              (12 characters)\n");
    expect(text, "payer.openid                     (28 characters)\n");
    expect(text, "is_new                           (4 characters)\n");
    expect(text, "amount.total                     888\n");
    assert_null(strstr(text, "oUpF8"));
    text = reply_text(200, "<xml><return_code>SUCCESS</return_code><openid>oUpF8</openid></xml>");
    expect(text, "return_code                      SUCCESS\n");
    expect(text, "openid                           (5 characters)\n");
}

static void test_free_words_lose_long_numbers_and_addresses(void **state)
{
    (void)state;
    const char *text = reply_text(400, "{\"code\":\"PARAM_ERROR\",\"message\":\"auth code " CODE
                                       " of buyer@example.com refused after 3 tries\"}");
    expect(text, "message                          auth code (digits) of (an address) refused "
                 "after 3 tries\n");
}

static void expect_words(const char *words, const char *shown)
{
    char body[256], line[256];
    snprintf(body, sizeof(body), "{\"message\":\"%s\"}", words);
    snprintf(line, sizeof(line), "message                          %s\n", shown);
    expect(reply_text(400, body), line);
}

static void test_free_words_lose_numbers_in_groups(void **state)
{
    (void)state;
    expect_words("card 6225 8801 2345 6789 refused", "card (digits) refused");
    expect_words("6225-8801-2345-6789", "(digits)");
    expect_words("call 138-0013-8000, or 138  0013 8000", "call (digits), or (digits)");
    expect_words("6225\xC2\xA0"
                 "8801\xE2\x80\x93"
                 "2345",
                 "(digits)");
    expect_words("card 6225 **** **** 6789.", "card (digits).");
    expect_words("1 2 3 4 5 6 7", "(digits)");
    /* what is no long number stays, and an address behind a short one still goes */
    expect_words("try 3 of 10, code 40004", "try 3 of 10, code 40004");
    expect_words("12 34@example.com", "12 (an address)");
    expect_words("12-34 x", "12-34 x");
    expect_words("13800138000 1zhang@qq.com", "(digits) (an address)");
    expect_words("138 0013 8000  -1zhang@qq.com.", "(digits)  (an address)");
    expect_words("12 34 5zhang@qq.com 6225 8801 2345", "12 34 (an address) (digits)");
}

static void test_what_cannot_be_read_is_not_shown(void **state)
{
    (void)state;
    expect(reply_text(502, "<html><body>secret</body></html>"),
           "(32 bytes that are no JSON, XML or form)\n");
    expect(reply_text(200, "{\"code\":"), "(8 bytes that are no JSON, XML or form)\n");
    expect(reply_text(0, "trade_status=TRADE_SUCCESS&buyer_id=2088"),
           "notify\nWechatpay-Timestamp");
    expect(reply_text(0, "trade_status=TRADE_SUCCESS&buyer_id=2088"),
           "trade_status                     TRADE_SUCCESS\n"
           "buyer_id                         (4 characters)\n");
    expect(reply_text(200, "{\"code\":\"A\\u001b[2J\"}"),
           "code                             A.[2J\n");
}

static void test_depth_and_length_are_bounded(void **state)
{
    (void)state;
    char text[24];
    const char *deep = "{\"a\":{\"a\":{\"a\":{\"a\":{\"a\":{\"a\":{\"code\":\"1\"}}}}}}}";
    expect(reply_text(200, deep), "a.a.a.a.a.a                      (0 characters)\n");
    const struct wallet_reply reply = {.http_status = 200,
                                       .body = {(const uint8_t *)"{\"code\":\"12345\"}", 16}};
    memset(text, 'x', sizeof(text));
    wallet_describe_reply(&reply, text, sizeof(text));
    assert_int_equal(strlen(text), sizeof(text) - 1);
    assert_memory_equal(text, "HTTP status 200\ncode", 20);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_payment_is_shown_without_its_code_signature_and_token),
        cmocka_unit_test(test_a_query_without_a_body_is_its_target),
        cmocka_unit_test(test_whoever_pays_is_not_named),
        cmocka_unit_test(test_free_words_lose_long_numbers_and_addresses),
        cmocka_unit_test(test_free_words_lose_numbers_in_groups),
        cmocka_unit_test(test_what_cannot_be_read_is_not_shown),
        cmocka_unit_test(test_depth_and_length_are_bounded),
    };
    return cmocka_run_group_tests_name("protocols/wallet/describe", tests, make_party, free_party);
}
