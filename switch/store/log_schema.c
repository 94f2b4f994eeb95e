/* The log's columns, generated from log_column.def: statements, hash, bind and read walk the same
 * lines and so cannot disagree. */
#define _DEFAULT_SOURCE /* htobe64 */
#include "switch/store/log_schema.h"

#include <endian.h>
#include <string.h>

#include "protocols/base/require.h"
#include "switch/store/log_word.h"

/* The columns of `log` and of `carried`, as CREATE TABLE takes them. */
#define INTEGER(column, member, sentence) " " #column " INTEGER NOT NULL,"
#define NAME(column, member, words, sentence) " " #column " TEXT NOT NULL,"
#define TEXT(column, member, sentence) " " #column " TEXT NOT NULL,"
#define BYTES(column, bytes, length, sentence) " " #column " BLOB NOT NULL,"
#define FIXED(column, bytes, sentence) " " #column " BLOB NOT NULL,"
const char *log_carried_schema_sql(void)
{
    return "DROP TABLE IF EXISTS carried;"
           "CREATE TABLE carried (position INTEGER PRIMARY KEY,"
#include "switch/store/log_column.def"
           " hash BLOB NOT NULL) STRICT;";
}

const char *log_schema_sql(void)
{
    return "CREATE TABLE log (position INTEGER PRIMARY KEY,"
#include "switch/store/log_column.def"
           " hash BLOB NOT NULL) STRICT;"
           "CREATE TABLE segment (ordinal INTEGER NOT NULL, first_position INTEGER NOT NULL,"
           " previous_hash BLOB NOT NULL, settlement_day INTEGER NOT NULL,"
           " opened_us INTEGER NOT NULL, sealed_us INTEGER NOT NULL,"
           " last_position INTEGER NOT NULL, last_hash BLOB NOT NULL,"
           " row_count INTEGER NOT NULL) STRICT;"
           "CREATE INDEX log_rrn ON log (rrn) WHERE rrn <> '';"
           "CREATE TRIGGER log_no_update BEFORE UPDATE ON log BEGIN"
           " SELECT RAISE(ABORT, 'the log is append-only: no row is changed'); END;"
           "CREATE TRIGGER log_no_delete BEFORE DELETE ON log BEGIN"
           " SELECT RAISE(ABORT, 'the log is append-only: no row is taken out'); END;"
           "CREATE VIEW log_readable AS SELECT position,"
           " strftime('%Y-%m-%dT%H:%M:%S', wall_us / 1000000, 'unixepoch')"
           " || printf('.%06dZ', wall_us % 1000000) AS wall"
#undef BYTES
#define BYTES(column, bytes, length, sentence)
#undef FIXED
#define FIXED(column, bytes, sentence)
#undef INTEGER
#define INTEGER(column, member, sentence) ", " #column
#undef NAME
#define NAME(column, member, words, sentence) ", " #column
#undef TEXT
#define TEXT(column, member, sentence) ", " #column
#include "switch/store/log_column.def"
           " FROM log;";
}
#undef BYTES
#define BYTES(column, bytes, length, sentence) ", " #column
#undef FIXED
#define FIXED(column, bytes, sentence) ", " #column

const char *log_select_sql(void)
{
    return "SELECT position"
#include "switch/store/log_column.def"
           ", hash FROM ";
}
#undef INTEGER
#define INTEGER(column, member, sentence) ",?"
#undef NAME
#define NAME(column, member, words, sentence) ",?"
#undef TEXT
#define TEXT(column, member, sentence) ",?"
#undef BYTES
#define BYTES(column, bytes, length, sentence) ",?"
#undef FIXED
#define FIXED(column, bytes, sentence) ",?"

const char *log_insert_sql(void)
{
    return "INSERT INTO log VALUES (?"
#include "switch/store/log_column.def"
           ",?)";
}

const char *log_insert_carried_sql(void)
{
    return "INSERT OR IGNORE INTO carried VALUES (?"
#include "switch/store/log_column.def"
           ",?)";
}
#undef INTEGER
#undef NAME
#undef TEXT
#undef BYTES
#undef FIXED

/* 0 where nothing is there: sixteen zero bytes are no hash of a card. */
static uint32_t fixed_length(const uint8_t *bytes, uint32_t length)
{
    for (uint32_t i = 0; i < length; i++) {
        if (bytes[i] != 0) {
            return length;
        }
    }
    return 0;
}

enum status log_hasher_open(struct log_hasher *hasher)
{
    *hasher = (struct log_hasher){.sha256 = EVP_MD_fetch(NULL, "SHA256", NULL),
                                  .hashing = EVP_MD_CTX_new()};
    return hasher->sha256 != NULL && hasher->hashing != NULL ? STATUS_OK : STATUS_BROKEN;
}

void log_hasher_close(struct log_hasher *hasher)
{
    EVP_MD_CTX_free(hasher->hashing);
    EVP_MD_free(hasher->sha256);
    *hasher = (struct log_hasher){0};
}

enum log_column {
#define INTEGER(column, member, sentence) LOG_COLUMN_##column,
#define NAME(column, member, words, sentence) LOG_COLUMN_##column,
#define TEXT(column, member, sentence) LOG_COLUMN_##column,
#define BYTES(column, bytes, length, sentence) LOG_COLUMN_##column,
#define FIXED(column, bytes, sentence) LOG_COLUMN_##column,
#include "switch/store/log_column.def"
#undef INTEGER
#undef NAME
#undef TEXT
#undef BYTES
#undef FIXED
    LOG_COLUMN_COUNT
};

/* More than any row serialises to, so that row_serialise() needs no checks on its way: what a
 * record holds, and for each column the longest of a number, a word, and a length. */
#define ROW_BYTES_MAX                                                                              \
    (sizeof(struct record) + (LOG_COLUMN_COUNT + 1) * (sizeof(uint64_t) + LOG_WORD_SIZE))

static inline uint8_t *put_number(uint8_t *at, uint64_t value)
{
    uint64_t big_endian = htobe64(value);
    memcpy(at, &big_endian, sizeof(big_endian));
    return at + sizeof(big_endian);
}

static inline uint8_t *put_counted(uint8_t *at, const void *bytes, size_t length)
{
    uint16_t big_endian = htobe16((uint16_t)length);
    memcpy(at, &big_endian, sizeof(big_endian));
    memcpy(at + sizeof(big_endian), bytes, length);
    return at + sizeof(big_endian) + length;
}

/* A text that is card data after all (JR/T 0171, C3): it counts with the columns of bytes. */
static inline bool text_is_secret(int column)
{
    return column == LOG_COLUMN_expiry;
}

enum {
    SECRET_expiry,
#define INTEGER(column, member, sentence)
#define NAME(column, member, words, sentence)
#define TEXT(column, member, sentence)
#define BYTES(column, bytes, length, sentence) SECRET_##column,
#define FIXED(column, bytes, sentence) SECRET_##column,
#include "switch/store/log_column.def"
#undef INTEGER
#undef NAME
#undef TEXT
#undef BYTES
#undef FIXED
    SECRET_COUNT
};

/* The canonical form of a row in two parts: where each of them is written, and then ends. */
struct row_parts {
    uint8_t *open, *secret;
};

static void row_serialise(struct row_parts *at, const struct record *record)
{
    at->open = put_number(at->open, record->position);
#define INTEGER(column, member, sentence)                                                          \
    at->open = put_number(at->open, (uint64_t)(int64_t)record->member);
#define NAME(column, member, words, sentence)                                                      \
    struct log_word column##_word = log_word(LOG_WORDS_##words, (uint32_t)record->member);         \
    at->open = put_counted(at->open, column##_word.text, column##_word.length);
#define TEXT(column, member, sentence)                                                             \
    uint8_t **column##_part = text_is_secret(LOG_COLUMN_##column) ? &at->secret : &at->open;       \
    *column##_part = put_counted(*column##_part, record->member,                                   \
                                 strnlen(record->member, sizeof(record->member) - 1));
#define BYTES(column, bytes, length, sentence)                                                     \
    REQUIRE(record->length <= sizeof(record->bytes));                                              \
    at->secret = put_counted(at->secret, record->bytes, record->length);
#define FIXED(column, bytes, sentence)                                                             \
    at->secret = put_counted(at->secret, record->bytes,                                            \
                             fixed_length(record->bytes, sizeof(record->bytes)));
#include "switch/store/log_column.def"
#undef INTEGER
#undef NAME
#undef TEXT
#undef BYTES
#undef FIXED
}

/* chain := SHA-256(chain, bytes). */
static enum status hash_on(struct log_hasher *hasher, struct log_hash *chain, const uint8_t *bytes,
                           size_t length)
{
    return EVP_DigestInit_ex2(hasher->hashing, hasher->sha256, NULL) == 1 &&
                   EVP_DigestUpdate(hasher->hashing, chain->bytes, LOG_HASH_BYTES) == 1 &&
                   EVP_DigestUpdate(hasher->hashing, bytes, length) == 1 &&
                   EVP_DigestFinal_ex(hasher->hashing, chain->bytes, NULL) == 1
               ? STATUS_OK
               : STATUS_BROKEN;
}

/* The row before is hashed in, so that equal secrets do not show as such. Most rows have none, and
 * a second hash costs as much as the first: then zeros stand for them. */
static enum status hash_secrets(struct log_hasher *hasher, const struct log_hash *chain,
                                const uint8_t *bytes, size_t length, struct log_hash *secrets)
{
    if (length == SECRET_COUNT * sizeof(uint16_t)) {
        *secrets = (struct log_hash){0};
        return STATUS_OK;
    }
    *secrets = *chain;
    return hash_on(hasher, secrets, bytes, length);
}

enum status log_hash_record(struct log_hasher *hasher, struct log_hash *chain,
                            const struct record *record)
{
    uint8_t open[ROW_BYTES_MAX];
    uint8_t secret[ROW_BYTES_MAX];
    struct row_parts end = {open, secret};
    struct log_hash secrets;
    row_serialise(&end, record);
    if (hash_secrets(hasher, chain, secret, (size_t)(end.secret - secret), &secrets) != STATUS_OK) {
        return STATUS_BROKEN;
    }
    end.open = memcpy(end.open, secrets.bytes, LOG_HASH_BYTES);
    return hash_on(hasher, chain, open, (size_t)(end.open - open) + LOG_HASH_BYTES);
}

enum status log_hash_secrets(struct log_hasher *hasher, const struct log_hash *chain,
                             const struct record *record, struct log_hash *secrets)
{
    uint8_t open[ROW_BYTES_MAX];
    uint8_t secret[ROW_BYTES_MAX];
    struct row_parts end = {open, secret};
    row_serialise(&end, record);
    return hash_secrets(hasher, chain, secret, (size_t)(end.secret - secret), secrets);
}

void log_open_columns(const struct record *record, const struct log_column_sink *sink)
{
    sink->on_number(sink->argument, "position", (int64_t)record->position);
#define INTEGER(column, member, sentence)                                                          \
    sink->on_number(sink->argument, #column, (int64_t)record->member);
#define NAME(column, member, words, sentence)                                                      \
    struct log_word column##_word = log_word(LOG_WORDS_##words, (uint32_t)record->member);         \
    sink->on_text(sink->argument, #column, column##_word.text, column##_word.length);
#define TEXT(column, member, sentence)                                                             \
    if (!text_is_secret(LOG_COLUMN_##column)) {                                                    \
        sink->on_text(sink->argument, #column, record->member,                                     \
                      (uint32_t)strnlen(record->member, sizeof(record->member) - 1));              \
    }
#define BYTES(column, bytes, length, sentence)
#define FIXED(column, bytes, sentence)
#include "switch/store/log_column.def"
#undef INTEGER
#undef NAME
#undef TEXT
#undef BYTES
#undef FIXED
}

int log_bind(sqlite3_stmt *insert, const struct record *record, const struct log_hash *hash)
{
    int at = 1;
    int failed = sqlite3_bind_int64(insert, at++, (int64_t)record->position);
#define INTEGER(column, member, sentence)                                                          \
    failed |= sqlite3_bind_int64(insert, at++, (int64_t)record->member);
#define NAME(column, member, words, sentence)                                                      \
    struct log_word column##_word = log_word(LOG_WORDS_##words, (uint32_t)record->member);         \
    failed |= sqlite3_bind_text(insert, at++, column##_word.text, (int)column##_word.length,       \
                                SQLITE_STATIC);
#define TEXT(column, member, sentence)                                                             \
    failed |= sqlite3_bind_text(insert, at++, record->member,                                      \
                                (int)strnlen(record->member, sizeof(record->member) - 1),          \
                                SQLITE_STATIC);
#define BYTES(column, bytes, length, sentence)                                                     \
    failed |= sqlite3_bind_blob(insert, at++, record->bytes, record->length, SQLITE_STATIC);
#define FIXED(column, bytes, sentence)                                                             \
    failed |=                                                                                      \
        sqlite3_bind_blob(insert, at++, record->bytes,                                             \
                          (int)fixed_length(record->bytes, sizeof(record->bytes)), SQLITE_STATIC);
#include "switch/store/log_column.def"
#undef INTEGER
#undef NAME
#undef TEXT
#undef BYTES
#undef FIXED
    failed |= sqlite3_bind_blob(insert, at++, hash->bytes, LOG_HASH_BYTES, SQLITE_STATIC);
    return failed;
}

/* Copies a text or blob column into `room` bytes. False: longer than that. Most are empty, and then
 * their bytes are not asked for: SQLite's calls are half of what reading a row costs. */
static bool take_bytes(sqlite3_stmt *select, int at, void *to, uint32_t room)
{
    uint32_t length = (uint32_t)sqlite3_column_bytes(select, at);
    if (length == 0) {
        return true;
    }
    const void *bytes = sqlite3_column_blob(select, at);
    if (length > room || bytes == NULL) {
        return false;
    }
    memcpy(to, bytes, length);
    return true;
}

static int take_word(sqlite3_stmt *select, int at, enum log_words words)
{
    const char *text = (const char *)sqlite3_column_text(select, at);
    return text == NULL ? -1
                        : log_word_find(words, text, (uint32_t)sqlite3_column_bytes(select, at));
}

/* Each member takes what fits its type; the value read back must be the value stored. */
enum status log_read(sqlite3_stmt *select, struct record *record, struct log_hash *hash,
                     const char **column)
{
    int at = 0;
    int word;
    int64_t number;
    memset(record, 0, sizeof(*record));
    record->position = (uint64_t)sqlite3_column_int64(select, at++);
#define REFUSE_UNLESS(condition, name)                                                             \
    if (!(condition)) {                                                                            \
        *column = name;                                                                            \
        return STATUS_BAD_VALUE;                                                                   \
    }
#define INTEGER(name, member, sentence)                                                            \
    number = sqlite3_column_int64(select, at++);                                                   \
    record->member = (__typeof__(record->member))number;                                           \
    REFUSE_UNLESS((int64_t)record->member == number, #name)
#define NAME(name, member, words, sentence)                                                        \
    word = take_word(select, at++, LOG_WORDS_##words);                                             \
    REFUSE_UNLESS(word >= 0, #name)                                                                \
    record->member = (__typeof__(record->member))word;
#define TEXT(name, member, sentence)                                                               \
    REFUSE_UNLESS(take_bytes(select, at++, record->member, sizeof(record->member) - 1), #name)
#define BYTES(name, bytes, length, sentence)                                                       \
    REFUSE_UNLESS(take_bytes(select, at, record->bytes, sizeof(record->bytes)), #name)             \
    record->length = (__typeof__(record->length))sqlite3_column_bytes(select, at++);
#define FIXED(name, bytes, sentence)                                                               \
    REFUSE_UNLESS(take_bytes(select, at++, record->bytes, sizeof(record->bytes)), #name)
#include "switch/store/log_column.def"
#undef INTEGER
#undef NAME
#undef TEXT
#undef BYTES
#undef FIXED
    REFUSE_UNLESS(sqlite3_column_bytes(select, at) == LOG_HASH_BYTES &&
                      take_bytes(select, at, hash->bytes, LOG_HASH_BYTES),
                  "hash")
#undef REFUSE_UNLESS
    return STATUS_OK;
}
