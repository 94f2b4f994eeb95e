/* See token_file.h. */
#include "switch/admin/token_file.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <openssl/evp.h>
#include <openssl/kdf.h>
#include <openssl/rand.h>

#include "protocols/base/bytes.h"
#include "protocols/base/secret.h"

#define TOKEN_PREFIX "twy_"
#define SECRET_BYTES 32
#define SALT_BYTES 16
#define HASH_BYTES 32
/* RFC 7914's example for interactive use: 16 MiB, some 50 ms. */
#define COST_N 16384
#define COST_R 8
#define COST_P 1
#define COST_N_MAX 1048576
#define MEMORY_BYTES_MAX (256u * 1024 * 1024)
#define FILE_BYTES_MAX 65536
#define LINE_PART_COUNT_MAX 8 /* the last one, the scope, may be absent */

struct token_row {
    struct token_holder holder;
    uint64_t n, r, p;
    uint8_t salt[SALT_BYTES], hash[HASH_BYTES];
    bool is_remembered;
    uint8_t digest[HASH_BYTES]; /* SHA-256 of the token, once it was right */
};

struct token_file {
    char path[512];
    pthread_mutex_t mutex; /* guards all below */
    struct timespec changed_at;
    off_t size;
    uint32_t count;
    struct token_row rows[TOKEN_COUNT_MAX];
};

static bool name_is_good(const char *name)
{
    size_t length = strlen(name);
    return length > 0 && length < TOKEN_NAME_SIZE &&
           strspn(name, "abcdefghijklmnopqrstuvwxyz0123456789-") == length;
}

static bool hex_fits(const char *text, uint8_t *bytes, uint32_t length)
{
    struct byte_writer writer;
    byte_writer_init(&writer, bytes, length);
    return strlen(text) == (size_t)length * 2 &&
           bytes_from_hex(&writer, text, length * 2) == STATUS_OK;
}

static bool derive(const struct token_row *row, const char *secret, uint8_t hash[HASH_BYTES])
{
    return EVP_PBE_scrypt(secret, strlen(secret), row->salt, SALT_BYTES, row->n, row->r, row->p,
                          MEMORY_BYTES_MAX, hash, HASH_BYTES) == 1;
}

/* Cuts a line at its colons; how many parts, at most LINE_PART_COUNT_MAX. */
static int line_cut(char *line, char *parts[LINE_PART_COUNT_MAX])
{
    int count = 0;
    while (count < LINE_PART_COUNT_MAX - 1) {
        char *colon = strchr(line, ':');
        parts[count++] = line;
        if (colon == NULL) {
            return count;
        }
        *colon = '\0';
        line = colon + 1;
    }
    parts[count++] = line;
    return count;
}

static bool role_has_scope(enum role role)
{
    return role == ROLE_AFTER_SALES || role == ROLE_RISK;
}

/* One line without its end, which is overwritten. */
static bool row_parse(struct token_row *row, char *line)
{
    char *parts[LINE_PART_COUNT_MAX];
    int count = line_cut(line, parts);
    int role = count < LINE_PART_COUNT_MAX - 1 ? -1 : role_find(parts[1]);
    if (role < 0 || !name_is_good(parts[0])) {
        return false;
    }
    snprintf(row->holder.name, sizeof(row->holder.name), "%s", parts[0]);
    row->holder.role = (enum role)role;
    if (count == LINE_PART_COUNT_MAX &&
        (!role_has_scope(row->holder.role) || !scope_parse(&row->holder.scope, parts[7]))) {
        return false;
    }
    row->n = strtoull(parts[2], NULL, 10);
    row->r = strtoull(parts[3], NULL, 10);
    row->p = strtoull(parts[4], NULL, 10);
    return row->n > 1 && row->n <= COST_N_MAX && row->r > 0 && row->r <= 32 && row->p > 0 &&
           row->p <= 16 && hex_fits(parts[5], row->salt, SALT_BYTES) &&
           hex_fits(parts[6], row->hash, HASH_BYTES);
}

/* Fills the rows from an open file; `reason` names the line. */
static bool rows_read(struct token_file *file, FILE *stream, char *reason)
{
    char line[512];
    uint32_t number = 0;
    file->count = 0;
    while (fgets(line, sizeof(line), stream) != NULL) {
        number++;
        line[strcspn(line, "\r\n")] = '\0';
        if (line[0] == '\0' || line[0] == '#') {
            continue;
        }
        if (file->count == TOKEN_COUNT_MAX) {
            snprintf(reason, TOKEN_REASON_SIZE, "%.400s:%u: more than %d tokens", file->path,
                     number, TOKEN_COUNT_MAX);
            return false;
        }
        struct token_row *row = &file->rows[file->count];
        memset(row, 0, sizeof(*row));
        if (!row_parse(row, line)) {
            snprintf(
                reason, TOKEN_REASON_SIZE,
                "%.400s:%u: expected NAME:ROLE:N:r:p:SALT:HASH[:SCOPE]; make the line anew with "
                "tillway-admin token",
                file->path, number);
            return false;
        }
        file->count++;
    }
    return true;
}

/* Reads the file if it is not the one read last. False: faulty, and no token is held. */
static bool rows_refresh(struct token_file *file, char *reason)
{
    struct stat stat_now;
    if (file->path[0] == '\0' || stat(file->path, &stat_now) != 0) {
        file->count = 0;
        file->size = -1;
        return true;
    }
    if (stat_now.st_size == file->size && stat_now.st_mtim.tv_sec == file->changed_at.tv_sec &&
        stat_now.st_mtim.tv_nsec == file->changed_at.tv_nsec) {
        return true;
    }
    file->count = 0;
    if ((stat_now.st_mode & 077) != 0 || stat_now.st_size > FILE_BYTES_MAX) {
        snprintf(reason, TOKEN_REASON_SIZE,
                 "%.400s: must be its owner's alone (chmod 600) and at most %d bytes", file->path,
                 FILE_BYTES_MAX);
        return false;
    }
    FILE *stream = fopen(file->path, "re");
    if (stream == NULL) {
        snprintf(reason, TOKEN_REASON_SIZE, "%.400s: %s", file->path, strerror(errno));
        return false;
    }
    bool is_good = rows_read(file, stream, reason);
    fclose(stream);
    file->count = is_good ? file->count : 0;
    file->size = stat_now.st_size;
    file->changed_at = stat_now.st_mtim;
    return is_good;
}

struct token_file *token_file_open(const char *path, char reason[TOKEN_REASON_SIZE])
{
    struct token_file *file = calloc(1, sizeof(*file));
    if (file == NULL || strlen(path) >= sizeof(file->path)) {
        snprintf(reason, TOKEN_REASON_SIZE, "no memory, or the path of the tokens is too long");
        free(file);
        return NULL;
    }
    snprintf(file->path, sizeof(file->path), "%s", path);
    file->size = -1;
    pthread_mutex_init(&file->mutex, NULL);
    if (!rows_refresh(file, reason)) {
        token_file_close(file);
        return NULL;
    }
    return file;
}

void token_file_close(struct token_file *file)
{
    pthread_mutex_destroy(&file->mutex);
    free(file);
}

/* The row of the name inside the token, and where its secret begins; NULL: none. */
static struct token_row *row_find(struct token_file *file, const char *token, const char **secret)
{
    size_t prefix = strlen(TOKEN_PREFIX);
    if (strlen(token) >= TOKEN_TEXT_SIZE || strncmp(token, TOKEN_PREFIX, prefix) != 0) {
        return NULL;
    }
    const char *name = token + prefix;
    const char *end = strchr(name, '_');
    if (end == NULL) {
        return NULL;
    }
    *secret = end + 1;
    for (uint32_t i = 0; i < file->count; i++) {
        const char *known = file->rows[i].holder.name;
        if (strlen(known) == (size_t)(end - name) && strncmp(known, name, strlen(known)) == 0) {
            return &file->rows[i];
        }
    }
    return NULL;
}

static bool digest_of(const char *token, uint8_t digest[HASH_BYTES])
{
    return EVP_Digest(token, strlen(token), digest, NULL, EVP_sha256(), NULL) == 1;
}

/* The dear part, only where nothing cheaper tells. */
static enum token_answer row_check(struct token_row *row, const char *secret,
                                   const uint8_t digest[HASH_BYTES], bool may_derive)
{
    uint8_t hash[HASH_BYTES];
    if (row->is_remembered) {
        return secret_compare(row->digest, digest, HASH_BYTES) == 0 ? TOKEN_RIGHT : TOKEN_WRONG;
    }
    if (!may_derive) {
        return TOKEN_UNTRIED;
    }
    if (!derive(row, secret, hash) || secret_compare(row->hash, hash, HASH_BYTES) != 0) {
        return TOKEN_WRONG;
    }
    memcpy(row->digest, digest, HASH_BYTES);
    row->is_remembered = true;
    return TOKEN_RIGHT;
}

enum token_answer token_check(struct token_file *file, const char *token, bool may_derive,
                              struct token_holder *holder)
{
    char reason[TOKEN_REASON_SIZE] = "";
    uint8_t digest[HASH_BYTES];
    const char *secret = "";
    *holder = (struct token_holder){.role = ROLE_NOBODY};
    if (!digest_of(token, digest)) {
        return TOKEN_WRONG;
    }
    pthread_mutex_lock(&file->mutex);
    if (!rows_refresh(file, reason)) {
        fprintf(stderr, "tillway-admin: tokens: %s\n", reason);
    }
    struct token_row *row = row_find(file, token, &secret);
    enum token_answer answer =
        row == NULL ? TOKEN_WRONG : row_check(row, secret, digest, may_derive);
    if (answer == TOKEN_RIGHT) {
        *holder = row->holder;
    }
    pthread_mutex_unlock(&file->mutex);
    return answer;
}

static enum status file_fault(const char *path, const char *what, char *reason)
{
    snprintf(reason, TOKEN_REASON_SIZE, "%.300s: %s: %s", path, what, strerror(errno));
    return STATUS_BROKEN;
}

static bool append_line(const char *path, const char *line)
{
    int descriptor = open(path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
    if (descriptor < 0) {
        return false;
    }
    size_t length = strlen(line);
    bool is_written = write(descriptor, line, length) == (ssize_t)length && fsync(descriptor) == 0;
    close(descriptor);
    return is_written;
}

static enum status name_check(const char *path, const char *name, char *reason)
{
    struct token_file *file = token_file_open(path, reason);
    enum status status = STATUS_OK;
    if (file == NULL) {
        return STATUS_BROKEN;
    }
    for (uint32_t i = 0; i < file->count; i++) {
        if (strcmp(file->rows[i].holder.name, name) == 0) {
            snprintf(reason, TOKEN_REASON_SIZE, "%s has a token; remove it first", name);
            status = STATUS_DUPLICATE;
        }
    }
    token_file_close(file);
    return status;
}

enum status token_add(const char *path, const struct token_holder *holder,
                      char token[TOKEN_TEXT_SIZE], char reason[TOKEN_REASON_SIZE])
{
    uint8_t secret[SECRET_BYTES];
    char secret_hex[SECRET_BYTES * 2 + 1];
    char salt_hex[SALT_BYTES * 2 + 1];
    char hash_hex[HASH_BYTES * 2 + 1];
    char line[512], scope[SCOPE_TEXT_SIZE];
    struct token_row row = {.holder = *holder, .n = COST_N, .r = COST_R, .p = COST_P};
    if (!name_is_good(holder->name)) {
        snprintf(reason, TOKEN_REASON_SIZE, "a name is 1 to %d of a-z 0-9 -", TOKEN_NAME_SIZE - 1);
        return STATUS_BAD_VALUE;
    }
    scope_write(scope, &holder->scope);
    if (scope[0] != '\0' && !role_has_scope(holder->role)) {
        snprintf(reason, TOKEN_REASON_SIZE, "only after-sales and risk are for some cases only");
        return STATUS_BAD_VALUE;
    }
    char why[SCOPE_REASON_SIZE];
    if (!scope_is_whole(&holder->scope, why)) {
        snprintf(reason, TOKEN_REASON_SIZE, "%s", why);
        return STATUS_BAD_VALUE;
    }
    if (holder->role == ROLE_RISK && holder->scope.position == SCOPE_POSITION_MERCHANT) {
        snprintf(reason, TOKEN_REASON_SIZE,
                 "a merchant's own token is after-sales: risk reads what is investigated about it");
        return STATUS_BAD_VALUE;
    }
    enum status status = name_check(path, holder->name, reason);
    if (status != STATUS_OK) {
        return status;
    }
    if (RAND_bytes(secret, SECRET_BYTES) != 1 || RAND_bytes(row.salt, SALT_BYTES) != 1) {
        snprintf(reason, TOKEN_REASON_SIZE, "OpenSSL gives no random bytes");
        return STATUS_BROKEN;
    }
    bytes_to_hex(secret_hex, secret, SECRET_BYTES);
    if (!derive(&row, secret_hex, row.hash)) {
        snprintf(reason, TOKEN_REASON_SIZE, "OpenSSL refuses scrypt");
        return STATUS_BROKEN;
    }
    bytes_to_hex(salt_hex, row.salt, SALT_BYTES);
    bytes_to_hex(hash_hex, row.hash, HASH_BYTES);
    snprintf(line, sizeof(line), "%s:%s:%d:%d:%d:%s:%s%s%s\n", holder->name,
             role_word(holder->role), COST_N, COST_R, COST_P, salt_hex, hash_hex,
             scope[0] == '\0' ? "" : ":", scope);
    snprintf(token, TOKEN_TEXT_SIZE, TOKEN_PREFIX "%s_%s", holder->name, secret_hex);
    secret_wipe(secret, sizeof(secret));
    secret_wipe(secret_hex, sizeof(secret_hex));
    return append_line(path, line) ? STATUS_OK : file_fault(path, "cannot be written", reason);
}

/* Copies all lines but that of `name`; how many were left out, or -1. */
static int copy_without(FILE *from, FILE *to, const char *name)
{
    char line[512];
    int left_out = 0;
    size_t length = strlen(name);
    while (fgets(line, sizeof(line), from) != NULL) {
        if (strncmp(line, name, length) == 0 && line[length] == ':') {
            left_out++;
        } else if (fputs(line, to) < 0) {
            return -1;
        }
    }
    return left_out;
}

/* Written beside it and renamed, so that a reader meets the old file or the new one. */
enum status token_remove(const char *path, const char *name, char reason[TOKEN_REASON_SIZE])
{
    char beside[600];
    snprintf(beside, sizeof(beside), "%.500s.new", path);
    FILE *from = fopen(path, "re");
    if (from == NULL) {
        return file_fault(path, "cannot be read", reason);
    }
    int descriptor = open(beside, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
    FILE *to = descriptor < 0 ? NULL : fdopen(descriptor, "w");
    if (to == NULL) {
        fclose(from);
        return file_fault(beside, "cannot be made", reason);
    }
    int left_out = copy_without(from, to, name);
    bool is_written = left_out >= 0 && fflush(to) == 0 && fsync(descriptor) == 0;
    fclose(from);
    fclose(to);
    if (left_out == 0) {
        unlink(beside);
        snprintf(reason, TOKEN_REASON_SIZE, "%.300s: %.100s has no token there", path, name);
        return STATUS_NOT_FOUND;
    }
    return is_written && rename(beside, path) == 0 ? STATUS_OK
                                                   : file_fault(path, "cannot be written", reason);
}
