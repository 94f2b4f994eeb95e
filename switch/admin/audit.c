/* See audit.h. */
#include "switch/admin/audit.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <time.h>
#include <unistd.h>

#include <jansson.h>
#include <openssl/evp.h>

#include "protocols/base/bytes.h"
#include "switch/admin/text_json.h"
#include "switch/admin/wall_text.h"

#define HASH_HEX 64
#define LINE_BYTES_MAX 4096
#define HASH_MEMBER ",\"hash\":\""

struct audit {
    int descriptor;
    pthread_mutex_t mutex; /* guards the rest */
    bool is_broken;        /* a line may be half written: nothing is added behind it */
    char hash[HASH_HEX + 1];
};

static bool hash_of(const char *bytes, size_t length, char hash[HASH_HEX + 1])
{
    uint8_t digest[HASH_HEX / 2];
    if (EVP_Digest(bytes, length, digest, NULL, EVP_sha256(), NULL) != 1) {
        return false;
    }
    bytes_to_hex(hash, digest, sizeof(digest));
    return true;
}

/* The last line's hash, checked against the line itself. */
static bool line_check(const char *line, size_t length, char hash[HASH_HEX + 1])
{
    size_t tail = strlen(HASH_MEMBER) + HASH_HEX + strlen("\"}\n");
    char expected[HASH_HEX + 1];
    if (length <= tail || line[length - 1] != '\n') {
        return false;
    }
    const char *member = line + length - tail;
    if (strncmp(member, HASH_MEMBER, strlen(HASH_MEMBER)) != 0 ||
        !hash_of(line, length - tail, expected)) {
        return false;
    }
    memcpy(hash, member + strlen(HASH_MEMBER), HASH_HEX);
    hash[HASH_HEX] = '\0';
    return strcmp(hash, expected) == 0;
}

static bool read_end(struct audit *audit)
{
    char bytes[LINE_BYTES_MAX];
    off_t length = lseek(audit->descriptor, 0, SEEK_END);
    memset(audit->hash, '0', HASH_HEX);
    if (length == 0) {
        return true;
    }
    off_t begin = length > LINE_BYTES_MAX ? length - LINE_BYTES_MAX : 0;
    ssize_t count = pread(audit->descriptor, bytes, sizeof(bytes), begin);
    if (length < 0 || count != (ssize_t)(length - begin)) {
        return false;
    }
    size_t start = (size_t)count - 1;
    while (start > 0 && bytes[start - 1] != '\n') {
        start--;
    }
    return line_check(bytes + start, (size_t)count - start, audit->hash);
}

struct audit *audit_open(const char *path, char reason[AUDIT_REASON_SIZE])
{
    struct audit *audit = calloc(1, sizeof(*audit));
    if (audit == NULL) {
        snprintf(reason, AUDIT_REASON_SIZE, "audit: no memory");
        return NULL;
    }
    pthread_mutex_init(&audit->mutex, NULL);
    audit->descriptor = open(path, O_RDWR | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
    if (audit->descriptor < 0 || flock(audit->descriptor, LOCK_EX | LOCK_NB) != 0) {
        snprintf(reason, AUDIT_REASON_SIZE, "audit %.400s: %s", path,
                 errno == EWOULDBLOCK ? "another tillway-admin writes it" : strerror(errno));
        audit_close(audit);
        return NULL;
    }
    if (!read_end(audit)) {
        snprintf(reason, AUDIT_REASON_SIZE,
                 "audit %.400s: does not end in a whole line with its right hash; keep it as it is "
                 "and give another path",
                 path);
        audit_close(audit);
        return NULL;
    }
    return audit;
}

void audit_close(struct audit *audit)
{
    if (audit->descriptor >= 0) {
        close(audit->descriptor);
    }
    pthread_mutex_destroy(&audit->mutex);
    free(audit);
}

/* The members without the hash, and without the closing brace. */
static char *line_make(const struct audit *audit, const struct audit_entry *entry)
{
    char wall[WALL_TEXT_SIZE];
    wall_text_format(wall, wall_text_now_us());
    json_t *object =
        json_pack("{s:s, s:s, s:s, s:s, s:s, s:s, s:o*, s:s}", "time", wall, "actor", entry->actor,
                  "role", entry->role, "action", entry->action, "outcome", entry->outcome,
                  "address", entry->address, "text", text_json(entry->text), "prev", audit->hash);
    char *text = object == NULL ? NULL : json_dumps(object, JSON_COMPACT | JSON_ENSURE_ASCII);
    json_decref(object);
    if (text != NULL) {
        text[strlen(text) - 1] = '\0';
    }
    return text;
}

static bool write_whole(struct audit *audit, const struct audit_entry *entry)
{
    char hash[HASH_HEX + 1];
    char line[LINE_BYTES_MAX];
    char *front = line_make(audit, entry);
    if (front == NULL || !hash_of(front, strlen(front), hash)) {
        free(front);
        return false;
    }
    int length = snprintf(line, sizeof(line), "%s" HASH_MEMBER "%s\"}\n", front, hash);
    free(front);
    if (length < 0 || (size_t)length >= sizeof(line)) {
        return false;
    }
    audit->is_broken = true;
    if (write(audit->descriptor, line, (size_t)length) != length ||
        fdatasync(audit->descriptor) != 0) {
        return false;
    }
    audit->is_broken = false;
    memcpy(audit->hash, hash, sizeof(hash));
    return true;
}

enum status audit_write(struct audit *audit, const struct audit_entry *entry)
{
    pthread_mutex_lock(&audit->mutex);
    bool is_written = !audit->is_broken && write_whole(audit, entry);
    pthread_mutex_unlock(&audit->mutex);
    return is_written ? STATUS_OK : STATUS_BROKEN;
}
