/* The files and texts of a wallet's section become its party: keys are tried when they are read, so
 * a wrong one shows at start and not with the first payment. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "config/file_text.h"
#include "protocols/base/require.h"
#include "protocols/base/secret.h"
#include "switch/channel/wallet_state.h"

#define KEY_FILE_BYTES_MAX 65536

/* What is being read, and where a fault goes. */
struct reading {
    const char *channel, *option;
    char *reason;
};

static bool fail(const struct reading *reading, const char *path, const char *text)
{
    snprintf(reading->reason, CHANNEL_REASON_SIZE, "channel %s: %s: %.120s: %s", reading->channel,
             reading->option, path, text);
    return false;
}

static bool read_file(const struct reading *reading, const char *path, struct file_text *text)
{
    enum status status = file_text_read(text, path, KEY_FILE_BYTES_MAX);
    return status == STATUS_OK || fail(reading, path, status_text(status));
}

static void forget(struct file_text *text)
{
    if (text->bytes != NULL) {
        secret_wipe(text->bytes, text->length);
    }
    file_text_free(text);
}

static struct byte_view view_of(const struct file_text *text)
{
    return (struct byte_view){(const uint8_t *)text->bytes, text->length};
}

static const char *key_fault(enum status status)
{
    return status == STATUS_UNSUPPORTED ? "expected an RSA key of 2048 bits or more"
                                        : "expected a key in PEM, without a passphrase";
}

static bool read_private_key(const struct reading *reading, const char *path, EVP_PKEY **key)
{
    struct file_text text;
    if (!read_file(reading, path, &text)) {
        return false;
    }
    enum status status = wallet_private_key_read(key, view_of(&text));
    forget(&text);
    return status == STATUS_OK || fail(reading, path, key_fault(status));
}

static bool read_public_key(const struct reading *reading, const char *path,
                            struct wallet_keys *keys)
{
    struct file_text text;
    struct wallet_certificate certificate = {.key = NULL};
    if (!read_file(reading, path, &text)) {
        return false;
    }
    enum status status = wallet_public_key_read(&certificate.key, view_of(&text));
    forget(&text);
    if (status != STATUS_OK) {
        return fail(reading, path, key_fault(status));
    }
    wallet_keys_put(keys, &certificate);
    return true;
}

static bool read_serial(const struct reading *reading, const char *path, struct wallet_party *party)
{
    struct file_text text;
    struct wallet_certificate certificate;
    uint32_t consumed = 0;
    if (!read_file(reading, path, &text)) {
        return false;
    }
    enum status status = wallet_certificate_read(&certificate, view_of(&text), &consumed);
    forget(&text);
    if (status != STATUS_OK) {
        return fail(reading, path, "expected an RSA certificate in PEM");
    }
    bool is_ours = EVP_PKEY_eq(certificate.key, party->key) == 1;
    EVP_PKEY_free(certificate.key);
    memcpy(party->serial, certificate.serial, sizeof(party->serial));
    return is_ours || fail(reading, path, "it is not the certificate of wallet.app_key");
}

/* The 32 characters, with or without a line end. */
static bool read_secret(const struct reading *reading, const char *path,
                        char secret[WALLET_SECRET_CHARACTERS + 1])
{
    struct file_text text;
    if (!read_file(reading, path, &text)) {
        return false;
    }
    uint32_t length = (uint32_t)strcspn(text.bytes, " \t\r\n");
    bool is_alone = strspn(text.bytes + length, " \t\r\n") == text.length - length;
    bool is_good = length == WALLET_SECRET_CHARACTERS && is_alone;
    if (is_good) {
        memcpy(secret, text.bytes, WALLET_SECRET_CHARACTERS);
    }
    forget(&text);
    return is_good || fail(reading, path, "expected 32 characters and nothing else");
}

/* A file that is not there yet is none: certificates are downloaded. */
static bool read_platform(const struct reading *reading, const char *path, struct wallet_keys *keys)
{
    struct file_text text;
    uint32_t count = 0;
    if (path[0] == '\0' || file_text_read(&text, path, KEY_FILE_BYTES_MAX) == STATUS_NOT_FOUND) {
        return true;
    }
    if (text.bytes == NULL) {
        return fail(reading, path, "cannot be read");
    }
    enum status status = wallet_keys_read(keys, view_of(&text), &count);
    forget(&text);
    return status == STATUS_OK || fail(reading, path, "expected RSA certificates in PEM");
}

/* Kept as they are: libcurl reads them from memory for each connection. */
static bool read_pem(const struct reading *reading, const char *path, const char *begin,
                     struct byte_view *pem)
{
    struct file_text text;
    if (!read_file(reading, path, &text)) {
        return false;
    }
    *pem = view_of(&text);
    return strstr(text.bytes, begin) != NULL || fail(reading, path, "it is not in PEM");
}

static bool read_client(struct wallet_channel *channel, const struct wallet_setup *setup,
                        struct reading *reading)
{
    reading->option = "wallet.client_key";
    if (!read_pem(reading, setup->client_key_file, "PRIVATE KEY-----", &channel->client_key)) {
        return false;
    }
    reading->option = "wallet.client_certificate";
    return read_pem(reading, setup->client_certificate_file, "-----BEGIN CERTIFICATE-----",
                    &channel->client_certificate);
}

static bool read_files(struct wallet_channel *channel, const struct wallet_setup *setup,
                       struct reading *reading)
{
    struct wallet_party *party = &channel->party;
    if (setup->kind == WALLET_WECHAT_V2) {
        reading->option = "wallet.api_key";
        return read_secret(reading, setup->api_key_file, party->api_key) &&
               read_client(channel, setup, reading);
    }
    reading->option = "wallet.app_key";
    if (!read_private_key(reading, setup->app_key_file, &party->key)) {
        return false;
    }
    if (setup->kind == WALLET_ALIPAY) {
        reading->option = "wallet.wallet_public_key";
        return read_public_key(reading, setup->wallet_public_key_file, &party->keys);
    }
    reading->option = "wallet.app_certificate";
    if (!read_serial(reading, setup->app_certificate_file, party)) {
        return false;
    }
    reading->option = "wallet.api_v3_key";
    if (!read_secret(reading, setup->api_v3_key_file, party->api_v3_key)) {
        return false;
    }
    reading->option = "wallet.platform_certificates";
    return read_platform(reading, setup->platform_certificates_file, &party->keys);
}

/* An authority that cannot be read would fail each connection, one by one. */
static bool try_ca(const struct wallet_setup *setup, struct reading *reading)
{
    struct file_text text;
    reading->option = "wallet.ca";
    if (!read_file(reading, setup->ca_file, &text)) {
        return false;
    }
    bool is_pem = strstr(text.bytes, "-----BEGIN CERTIFICATE-----") != NULL;
    file_text_free(&text);
    return is_pem || fail(reading, setup->ca_file, "expected certificates in PEM");
}

/* The path of a WeChat Pay URL would be signed wrongly: it is put together from the ask alone. */
static bool try_url(const struct wallet_setup *setup, struct reading *reading)
{
    const char *host = strncmp(setup->url, "https://", 8) == 0 ? setup->url + 8 : "";
    reading->option = "wallet.url";
    if (host[0] == '\0' || strlen(setup->url) >= WALLET_URL_SIZE) {
        return fail(reading, setup->url,
                    "expected https://host[:port], with a path at Alipay only");
    }
    bool has_path = strchr(host, '/') != NULL;
    return !has_path || setup->kind == WALLET_ALIPAY ||
           fail(reading, setup->url, "expected scheme and host alone");
}

static void put_text(char *to, size_t size, const char *text)
{
    const char *given = text == NULL ? "" : text;
    REQUIRE(strlen(given) < size); /* options are no longer */
    memcpy(to, given, strlen(given) + 1);
}
#define PUT_TEXT(to, text) put_text((to), sizeof(to), (text))

bool wallet_setup_party(struct wallet_channel *channel, const struct wallet_setup *setup,
                        char reason[CHANNEL_REASON_SIZE])
{
    struct wallet_party *party = &channel->party;
    struct reading reading = {.channel = channel->base.name, .reason = reason};
    party->kind = setup->kind;
    party->signs_with_md5 = setup->signs_with_md5;
    PUT_TEXT(party->app_id, setup->app_id);
    PUT_TEXT(party->mch_id, setup->mch_id);
    PUT_TEXT(party->sub_mch_id, setup->sub_mch_id);
    PUT_TEXT(party->seller_id, setup->seller_id);
    PUT_TEXT(party->app_auth_token, setup->app_auth_token);
    PUT_TEXT(party->service_provider_id, setup->service_provider_id);
    PUT_TEXT(party->device_ip, setup->device_ip);
    PUT_TEXT(party->notify_url, setup->notify.is_on ? setup->notify.url : "");
    return try_url(setup, &reading) && try_ca(setup, &reading) &&
           read_files(channel, setup, &reading);
}

static void free_pem(struct byte_view *pem)
{
    void *bytes = (void *)(uintptr_t)pem->bytes;
    if (bytes != NULL) {
        secret_wipe(bytes, pem->length);
        free(bytes);
    }
    *pem = (struct byte_view){NULL, 0};
}

void wallet_setup_free(struct wallet_channel *channel)
{
    free_pem(&channel->client_certificate);
    free_pem(&channel->client_key);
}
