/* What the log's file looks like: schema, the hash of a row, and the way of a record into a row and
 * back. Nothing here waits or keeps state; store.c and its writer share it.
 *
 * README.md of this folder describes the file for those who only read it.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include <openssl/evp.h>
#include <sqlite3.h>

#include "protocols/base/status.h"
#include "switch/engine/record.h"

#define LOG_APPLICATION_ID 0x54494C57 /* "TILW", in the file's header */
#define LOG_SCHEMA_VERSION 6
#define LOG_HASH_BYTES 32

/* Statements that make an empty file a segment of a log, without the pragmas. */
const char *log_schema_sql(void);
/* "INSERT INTO log …" with one parameter a column. */
const char *log_insert_sql(void);
/* "SELECT every column FROM ": as log_read takes them; the table and what follows is the caller's.
 */
const char *log_select_sql(void);
#define LOG_SELECT_SIZE 2048 /* holds it with what follows */
/* "INSERT OR IGNORE INTO carried …" with one parameter a column, after log_carried_schema_sql(). */
const char *log_insert_carried_sql(void);
/* The table `carried`, with the columns of `log`. */
const char *log_carried_schema_sql(void);

/* X(name, statement): what sealing adds to find rows by. */
#define LOG_INDEX_MAP(X)                                                                           \
    X(KEY, "log_key ON log (terminal_id, merchant_id, batch, stan)")                               \
    X(REFERENCE, "log_reference ON log (epoch, seq)")                                              \
    X(ORIGINAL, "log_original ON log (original_epoch, original_seq) WHERE original_seq <> 0")      \
    X(CARD, "log_card ON log (merchant_id, pan_hash, auth_code) WHERE auth_code <> ''")            \
    X(DAY, "log_day ON log (settlement_day) WHERE settlement_day <> 0")

/* Takes the place of the hash in the row before the first. */
struct log_hash {
    uint8_t bytes[LOG_HASH_BYTES];
};

/* SHA-256 with the algorithm looked up once; owns both. */
struct log_hasher {
    EVP_MD *sha256;
    EVP_MD_CTX *hashing;
};
MUST_CHECK enum status log_hasher_open(struct log_hasher *hasher);
void log_hasher_close(struct log_hasher *hasher);

/* chain := SHA-256(chain, open columns, what stands for the secret ones). STATUS_BROKEN: OpenSSL
 * refused. */
MUST_CHECK enum status log_hash_record(struct log_hasher *hasher, struct log_hash *chain,
                                       const struct record *record);
/* What stands for the secret columns (all of bytes, and the expiry) in the hash of a row behind
 * `chain`: who is given it in their place can still work out the row's hash. Zeros where all of
 * them are empty. */
MUST_CHECK enum status log_hash_secrets(struct log_hasher *hasher, const struct log_hash *chain,
                                        const struct record *record, struct log_hash *secrets);

/* The columns that are not secret, in the order of the hash, `position` first. */
struct log_column_sink {
    void (*on_number)(void *argument, const char *column, int64_t value);
    void (*on_text)(void *argument, const char *column, const char *text, uint32_t length);
    void *argument;
};
void log_open_columns(const struct record *record, const struct log_column_sink *sink);

/* Binds each column; texts and bytes stay the record's and must outlive the step. Answers SQLite's
 * result. */
MUST_CHECK int log_bind(sqlite3_stmt *insert, const struct record *record,
                        const struct log_hash *hash);

/* Fills `record` from the row that `select` stands on.
 * STATUS_BAD_VALUE: a value that no record holds; `column` then names where. */
MUST_CHECK enum status log_read(sqlite3_stmt *select, struct record *record, struct log_hash *hash,
                                const char **column);
