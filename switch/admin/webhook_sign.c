/* See webhook_sign.h. */
#include "switch/admin/webhook_sign.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include <openssl/core_names.h>
#include <openssl/evp.h>
#include <openssl/params.h>

#include "config/file_text.h"
#include "protocols/base/secret.h"

#define FILE_BYTES_MAX 1024
#define LETTERS_AND_DIGITS "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"

static int hex_value(char digit)
{
    return digit >= '0' && digit <= '9'   ? digit - '0'
           : digit >= 'a' && digit <= 'f' ? digit - 'a' + 10
           : digit >= 'A' && digit <= 'F' ? digit - 'A' + 10
                                          : -1;
}

/* False: not the form; the key is wiped by the caller. */
static bool key_parse(struct webhook_key *key, const char *text, size_t length)
{
    const char *colon = memchr(text, ':', length);
    size_t id_length = colon == NULL ? 0 : (size_t)(colon - text);
    if (id_length == 0 || id_length >= sizeof(key->id)) {
        return false;
    }
    memcpy(key->id, text, id_length);
    key->id[id_length] = '\0';
    const char *digits = colon + 1;
    size_t digit_count = length - id_length - 1;
    if (strspn(key->id, LETTERS_AND_DIGITS) != id_length || digit_count % 2 != 0 ||
        digit_count < (size_t)2 * WEBHOOK_SECRET_BYTES_MIN ||
        digit_count > (size_t)2 * WEBHOOK_SECRET_BYTES_MAX) {
        return false;
    }
    for (size_t i = 0; i < digit_count; i += 2) {
        int high = hex_value(digits[i]);
        int low = hex_value(digits[i + 1]);
        if (high < 0 || low < 0) {
            return false;
        }
        key->secret[i / 2] = (uint8_t)(high << 4 | low);
    }
    key->length = (uint32_t)(digit_count / 2);
    return true;
}

bool webhook_key_read(struct webhook_key *key, const char *path, char reason[WEBHOOK_REASON_SIZE])
{
    struct stat information;
    struct file_text text;
    *key = (struct webhook_key){.length = 0};
    if (file_text_read(&text, path, FILE_BYTES_MAX) != STATUS_OK) {
        snprintf(reason, WEBHOOK_REASON_SIZE,
                 "%.300s: cannot be read; expected a file with the line KEY_ID:HEX", path);
        return false;
    }
    bool is_open = stat(path, &information) == 0 && (information.st_mode & 007) != 0;
    bool is_good = !is_open && key_parse(key, text.bytes, strcspn(text.bytes, "\r\n"));
    if (is_open) {
        snprintf(reason, WEBHOOK_REASON_SIZE,
                 "%.300s can be read by others; chmod 600 it, and make a new key if it lay open",
                 path);
    } else if (!is_good) {
        snprintf(reason, WEBHOOK_REASON_SIZE,
                 "%.300s: expected KEY_ID:HEX, with 1 to %d letters and digits, a colon, and %d to "
                 "%d hex digits",
                 path, WEBHOOK_KEY_ID_SIZE - 1, 2 * WEBHOOK_SECRET_BYTES_MIN,
                 2 * WEBHOOK_SECRET_BYTES_MAX);
    }
    secret_wipe(text.bytes, (uint32_t)text.length);
    file_text_free(&text);
    if (!is_good) {
        webhook_key_wipe(key);
    }
    return is_good;
}

void webhook_key_wipe(struct webhook_key *key)
{
    secret_wipe(key, sizeof(*key));
}

static bool sign(EVP_MAC_CTX *mac, const struct webhook_key *key,
                 const struct webhook_message *message, uint8_t *bytes)
{
    char digest[] = "SHA256";
    char front[48];
    size_t length = 0;
    const OSSL_PARAM parameters[] = {
        OSSL_PARAM_construct_utf8_string(OSSL_MAC_PARAM_DIGEST, digest, 0),
        OSSL_PARAM_construct_end()};
    int front_length = snprintf(front, sizeof(front), "%" PRId64 ".%" PRIu64 ".",
                                message->timestamp_s, message->number);
    return EVP_MAC_init(mac, key->secret, key->length, parameters) == 1 &&
           EVP_MAC_update(mac, (const uint8_t *)front, (size_t)front_length) == 1 &&
           EVP_MAC_update(mac, (const uint8_t *)message->body, message->length) == 1 &&
           EVP_MAC_final(mac, bytes, &length, (WEBHOOK_HEX_SIZE - 1) / 2) == 1 &&
           length == (WEBHOOK_HEX_SIZE - 1) / 2;
}

bool webhook_sign(const struct webhook_key *key, const struct webhook_message *message,
                  char hex[WEBHOOK_HEX_SIZE])
{
    uint8_t bytes[(WEBHOOK_HEX_SIZE - 1) / 2];
    EVP_MAC *method = EVP_MAC_fetch(NULL, "HMAC", NULL);
    EVP_MAC_CTX *mac = method == NULL ? NULL : EVP_MAC_CTX_new(method);
    bool is_done = mac != NULL && sign(mac, key, message, bytes);
    EVP_MAC_CTX_free(mac);
    EVP_MAC_free(method);
    hex[0] = '\0';
    for (size_t i = 0; is_done && i < sizeof(bytes); i++) {
        snprintf(hex + 2 * i, 3, "%02x", bytes[i]);
    }
    return is_done;
}
