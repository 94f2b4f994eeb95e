/* The key of a webhook, and how an event is signed by it so that the other side knows whose it is
 * and can refuse what is old or came before.
 *
 * Signature: HMAC-SHA-256 (RFC 2104) over "TIMESTAMP.NUMBER.BODY": seconds since 1970 of this
 * attempt and the event's number in decimal, then the body's bytes as they are sent.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define WEBHOOK_KEY_ID_SIZE 17
#define WEBHOOK_SECRET_BYTES_MIN 32
#define WEBHOOK_SECRET_BYTES_MAX 64
#define WEBHOOK_HEX_SIZE 65
#define WEBHOOK_REASON_SIZE 480

struct webhook_key {
    char id[WEBHOOK_KEY_ID_SIZE];
    uint8_t secret[WEBHOOK_SECRET_BYTES_MAX];
    uint32_t length;
};

/* Reads "ID:HEX" from the first line of a file that others may not read. False: `reason` says what
 * is wrong, without a byte of the key. */
bool webhook_key_read(struct webhook_key *key, const char *path, char reason[WEBHOOK_REASON_SIZE]);
void webhook_key_wipe(struct webhook_key *key);

struct webhook_message {
    int64_t timestamp_s;
    uint64_t number;
    const char *body;
    size_t length;
};
/* In lower-case hex. False: OpenSSL refused. */
bool webhook_sign(const struct webhook_key *key, const struct webhook_message *message,
                  char hex[WEBHOOK_HEX_SIZE]);
