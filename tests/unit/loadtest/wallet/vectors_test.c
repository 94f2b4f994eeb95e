/* Signatures, digests and wrapped texts of the wallets' own documentation and of independent code.
 * Skips when the folder of vectors is not there (TILLWAY_VECTORS, or shared/vectors beside the
 * source tree). */
#include "tests/unit/unit_test.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <jansson.h>
#include <openssl/pem.h>
#include <openssl/x509.h>

#include "loadtest/wallet/gateway.h"
#include "loadtest/wallet/params.h"
#include "loadtest/wallet/seal.h"

static json_t *vectors;
static EVP_PKEY *public_key, *private_key;

static const json_t *block(const char *name)
{
    const json_t *found = json_object_get(vectors, name);
    assert_non_null(found);
    return found;
}

static void params_take(struct params *params, const json_t *object)
{
    const char *name = NULL;
    json_t *value = NULL;
    json_object_foreach((json_t *)object, name, value)
    {
        assert_int_equal(params_add(params, text_view(name), text_view(json_string_value(value))),
                         STATUS_OK);
    }
}

static void assert_sorted(const json_t *object, const char *const omitted[], const char *expected)
{
    struct params params = {0};
    params_take(&params, object);
    char *text = params_sorted(&params, omitted);
    assert_string_equal(text, expected);
    free(text);
    params_free(&params);
}

static void assert_signed(const char *text, const char *expected)
{
    char signature[SEAL_SIGNATURE_SIZE];
    assert_int_equal(seal_sign(private_key, text_view(text), signature), STATUS_OK);
    assert_string_equal(signature, expected);
    assert_true(seal_verifies(public_key, text_view(text), expected));
    signature[5] = signature[5] == 'A' ? 'B' : 'A';
    assert_false(seal_verifies(public_key, text_view(text), signature));
    assert_false(seal_verifies(public_key, text_view(text), ""));
    assert_false(seal_verifies(public_key, text_view(text), "no base64"));
}

static void test_alipay_signs_sorted_parameters_and_raw_nodes(void **state)
{
    static const char *const sign[] = {"sign", NULL};
    static const char *const sign_and_type[] = {"sign", "sign_type", NULL};
    (void)state;
    const json_t *request = block("alipay_request"), *response = block("alipay_response"),
                 *notify = block("alipay_notify");
    assert_sorted(json_object_get(request, "params"), sign, json_text(request, "string_to_sign"));
    assert_signed(json_text(request, "string_to_sign"), json_text(request, "sign"));
    assert_signed(json_text(response, "content_to_verify"), json_text(response, "sign"));
    assert_sorted(json_object_get(notify, "params_decoded"), sign_and_type,
                  json_text(notify, "string_to_verify"));
    assert_signed(json_text(notify, "string_to_verify"), json_text(notify, "sign"));
}

static void test_wechat_v2_digests_with_the_key_behind(void **state)
{
    char digest[SEAL_DIGEST_SIZE];
    (void)state;
    const json_t *official = block("wechat_v2_official"), *micropay = block("wechat_v2_micropay");
    const char *text = json_text(official, "string"), *key = strstr(text, "&key=");
    assert_non_null(key);
    char *before = strndup(text, (size_t)(key - text));
    assert_int_equal(seal_digest(SEAL_MD5, before, key + 5, digest), STATUS_OK);
    assert_string_equal(digest, json_text(official, "MD5"));
    assert_int_equal(seal_digest(SEAL_HMAC_SHA256, before, key + 5, digest), STATUS_OK);
    assert_string_equal(digest, json_text(official, "HMAC-SHA256"));
    free(before);

    struct params params = {0};
    static const char *const sign[] = {"sign", NULL};
    const char *body = json_text(micropay, "body");
    assert_int_equal(params_read_xml(&params, text_view(body)), STATUS_OK);
    char *sorted = params_sorted(&params, sign);
    assert_int_equal(seal_digest(SEAL_HMAC_SHA256, sorted, key + 5, digest), STATUS_OK);
    assert_string_equal(digest, json_text(micropay, "sign"));
    assert_string_equal(digest, params_find(&params, "sign"));
    free(sorted);
    params_free(&params);
}

static void test_wechat_v3_signs_lines_and_wraps_notifies(void **state)
{
    (void)state;
    const json_t *request = block("wechat_v3_request"), *notify = block("wechat_v3_notify");
    assert_signed(json_text(request, "message"), json_text(request, "signature"));
    assert_signed(json_text(notify, "string_to_verify"),
                  json_text(json_object_get(notify, "headers"), "Wechatpay-Signature"));
    json_t *body = json_object_read(text_view(json_text(notify, "body")));
    const json_t *resource = json_object_get(body, "resource");
    struct seal_box box = {json_text(resource, "nonce"), json_text(resource, "associated_data")};
    const char *key = json_text(notify, "apiv3_key");
    char *text = seal_unwrap(key, &box, json_text(resource, "ciphertext"));
    assert_string_equal(text, json_text(notify, "plaintext"));
    char *wrapped = seal_wrap(key, &box, text_view(text));
    assert_string_equal(wrapped, json_text(resource, "ciphertext"));
    struct seal_box other = {box.nonce, "refund"};
    assert_null(seal_unwrap(key, &other, wrapped));
    free(wrapped);
    free(text);
    json_decref(body);
}

static int load(void **state)
{
    (void)state;
    const char *folder = getenv("TILLWAY_VECTORS");
    char path[4096];
    snprintf(path, sizeof path, "%s/wallets.json",
             folder != NULL ? folder : TILLWAY_SOURCE_DIR "/../shared/vectors");
    vectors = json_load_file(path, JSON_REJECT_DUPLICATES, NULL);
    if (vectors == NULL) {
        fprintf(stderr, "no vectors at %s: skipped\n", path);
        return -1;
    }
    const char *pem = json_text(vectors, "public_key_pem"),
               *base64 = json_text(vectors, "TEST_ONLY_private_key_pkcs8_der_base64");
    BIO *bio = BIO_new_mem_buf(pem, -1);
    public_key = PEM_read_bio_PUBKEY(bio, NULL, NULL, NULL);
    BIO_free(bio);
    uint8_t der[2048];
    int length = EVP_DecodeBlock(der, (const uint8_t *)base64, (int)strlen(base64));
    const uint8_t *at = der;
    private_key = length < 0 ? NULL : d2i_AutoPrivateKey(NULL, &at, length);
    return public_key != NULL && private_key != NULL ? 0 : -1;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_alipay_signs_sorted_parameters_and_raw_nodes),
        cmocka_unit_test(test_wechat_v2_digests_with_the_key_behind),
        cmocka_unit_test(test_wechat_v3_signs_lines_and_wraps_notifies),
    };
    void *state = NULL;
    if (load(&state) != 0) {
        return vectors == NULL ? 77 : 1;
    }
    int failed = cmocka_run_group_tests(tests, NULL, NULL);
    EVP_PKEY_free(public_key);
    EVP_PKEY_free(private_key);
    json_decref(vectors);
    return failed;
}
