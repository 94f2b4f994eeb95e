/* See master_key.h. Owner and bits are checked on the open file, not on its name: a name can be
 * swapped between a look and an open. */
#include "switch/security/master_key.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define KEY_DIGITS ((size_t)2 * HSM_MASTER_KEY_BYTES)
#define PATH_SIZE 512

/* 64 hex digits and at most one end of line. */
static enum status parse_key(uint8_t *key, const char *text, size_t length)
{
    struct byte_writer writer;
    bool has_end = length == KEY_DIGITS || (length == KEY_DIGITS + 1 && text[KEY_DIGITS] == '\n') ||
                   (length == KEY_DIGITS + 2 && memcmp(text + KEY_DIGITS, "\r\n", 2) == 0);
    if (!has_end) {
        return STATUS_MALFORMED;
    }
    byte_writer_init(&writer, key, HSM_MASTER_KEY_BYTES);
    return bytes_from_hex(&writer, text, KEY_DIGITS) == STATUS_OK ? STATUS_OK : STATUS_MALFORMED;
}

static enum status check_file(int file, const char *path, mode_t denied,
                              char reason[MASTER_KEY_REASON_SIZE])
{
    struct stat status;
    if (fstat(file, &status) != 0 || !S_ISREG(status.st_mode)) {
        snprintf(reason, MASTER_KEY_REASON_SIZE, "%s: the master key is no regular file", path);
        return STATUS_DENIED;
    }
    if (status.st_uid != geteuid() && status.st_uid != 0) {
        snprintf(reason, MASTER_KEY_REASON_SIZE,
                 "%s: belongs to user %u; the master key must belong to the server's user", path,
                 (unsigned)status.st_uid);
        return STATUS_DENIED;
    }
    if ((status.st_mode & denied) != 0) {
        snprintf(reason, MASTER_KEY_REASON_SIZE,
                 "%s: mode %04o lets others read the master key; chmod 0600 it", path,
                 (unsigned)(status.st_mode & 07777));
        return STATUS_DENIED;
    }
    return STATUS_OK;
}

static enum status read_file(uint8_t *key, const char *path, mode_t denied,
                             char reason[MASTER_KEY_REASON_SIZE])
{
    char text[KEY_DIGITS + 3];
    int file = open(path, O_RDONLY | O_NOFOLLOW | O_CLOEXEC | O_NONBLOCK);
    if (file < 0) {
        enum status failed = errno == ENOENT ? STATUS_NOT_FOUND : STATUS_BROKEN;
        snprintf(reason, MASTER_KEY_REASON_SIZE, "%s: the master key cannot be opened: %s", path,
                 errno == ELOOP ? "it is a link, and links are not followed" : strerror(errno));
        return failed;
    }
    enum status status = check_file(file, path, denied, reason);
    if (status == STATUS_OK) {
        ssize_t length = read(file, text, sizeof(text));
        status = length < 0 ? STATUS_BROKEN : parse_key(key, text, (size_t)length);
        secret_wipe(text, sizeof(text));
        if (status != STATUS_OK) {
            snprintf(reason, MASTER_KEY_REASON_SIZE,
                     "%s: no master key in it; expected %zu hex digits and nothing else", path,
                     KEY_DIGITS);
        }
    }
    close(file);
    return status;
}

static enum status read_credential(uint8_t *key, const char *name,
                                   char reason[MASTER_KEY_REASON_SIZE])
{
    char path[PATH_SIZE];
    const char *folder = getenv("CREDENTIALS_DIRECTORY");
    const char *slash = strrchr(name, '/');
    name = slash == NULL ? name : slash + 1;
    if (folder == NULL || *name == '\0') {
        snprintf(reason, MASTER_KEY_REASON_SIZE,
                 "no systemd credential \"%s\": %s; set LoadCredentialEncrypted= in the unit", name,
                 folder == NULL ? "CREDENTIALS_DIRECTORY is not set" : "it has no name");
        return STATUS_NOT_FOUND;
    }
    int length = snprintf(path, sizeof(path), "%s/%s", folder, name);
    if (length < 0 || length >= (int)sizeof(path)) {
        snprintf(reason, MASTER_KEY_REASON_SIZE, "the path of the systemd credential is too long");
        return STATUS_BAD_VALUE;
    }
    /* systemd lets the service's user read by the owner's or by the group's bits. */
    return read_file(key, path, S_IRWXO | S_IWGRP, reason);
}

enum status master_key_read(uint8_t key[HSM_MASTER_KEY_BYTES], const struct master_key_place *place,
                            char reason[MASTER_KEY_REASON_SIZE])
{
    enum status status = STATUS_OK;
    reason[0] = '\0';
    switch (place->source) {
    case MASTER_KEY_TEST:
        if (place->pin_policy != HSM_PIN_LAB || !place->is_loopback) {
            snprintf(reason, MASTER_KEY_REASON_SIZE,
                     "the test master key is taken only with pin_policy lab and while every "
                     "listener and peer is on loopback; %s",
                     place->is_loopback ? "pin_policy is another"
                                        : "an address is not on loopback");
            status = STATUS_DENIED;
        } else {
            memcpy(key, HSM_TEST_MASTER_KEY, HSM_MASTER_KEY_BYTES);
        }
        break;
    case MASTER_KEY_FILE:
        status = read_file(key, place->path, S_IRWXG | S_IRWXO, reason);
        break;
    case MASTER_KEY_SYSTEMD_CREDENTIAL:
        status = read_credential(key, place->path, reason);
        break;
    }
    if (status != STATUS_OK) {
        secret_wipe(key, HSM_MASTER_KEY_BYTES);
    }
    return status;
}
