/* The log as a settlement reads it: read-only, all segments, also while the switch writes.
 *
 * Sealed segments are asked where they are, by their indexes. What is not sealed yet has none, and
 * nobody may read it for long: its rows are copied, in short reads, into the table `tail` of a
 * working database of our own (a temporary file of SQLite's), and asked there. The rows that the
 * newest sealed segment carries forward (what was in doubt when it was sealed) stand in `tail` too,
 * marked; they count only where open outcomes are listed.
 *
 * Life:  settlement_log_open -> visit, query ... -> settlement_log_close
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include <sqlite3.h>

#include "protocols/base/status.h"
#include "switch/settlement/story.h"
#include "switch/store/log_folder.h"

#define SETTLEMENT_REASON_SIZE 1400

/* What a settlement looks at of a row of the log. */
struct settlement_row {
    int64_t position, wall_us;
    enum record_kind kind;
    enum payment_kind payment_kind;
    struct txn_reference txn, original;
    char terminal_id[9], merchant_id[16], channel[RECORD_CHANNEL_NAME_SIZE];
    uint32_t batch, stan;
    struct money amount;
    char pan_masked[PAN_MASKED_SIZE], rrn[13], response_code[3];
    bool is_answered; /* the channel answered: `reason` says so */
    struct fees fees;
    enum fee_refund refund;
};

struct settlement_segment {
    sqlite3 *database; /* owner */
    uint32_t ordinal;
    int64_t opened_us, sealed_us; /* wall clock */
    sqlite3_stmt *by_reference, *by_original;
};

struct settlement_log {
    sqlite3 *work; /* owner; `tail` and the tables of those who settle */
    struct settlement_segment *sealed;
    uint32_t sealed_count;
    sqlite3_stmt *by_reference, *by_original; /* of `tail` */
    int64_t last_position;                    /* up to there it was read */
    char reason[SETTLEMENT_REASON_SIZE];
};

/* Fails as the others here: STATUS_BROKEN or STATUS_UNSUPPORTED (no log), and `log->reason` says
 * what is wrong with which file. */
MUST_CHECK enum status settlement_log_open(struct settlement_log *log, const char *folder);
void settlement_log_close(struct settlement_log *log);

/* A settlement day and the wall clock that stands for it where a row names no day. */
struct settlement_span {
    uint32_t day; /* YYYYMMDD */
    int64_t from_us, to_us;
};

/* In a statement that meets all parts, $log stands for the table and $day for "counts on that day":
 * ?1 is the day, ?2 and ?3 bound the wall clock of rows that name no day. */
/* Columns of a settlement_row, in its order. */
#define SETTLEMENT_ROW_COLUMNS                                                                     \
    "position, wall_us, kind, payment_kind, epoch, seq, original_epoch, original_seq, "            \
    "terminal_id, merchant_id, channel, batch, stan, amount_minor, currency, pan_masked, rrn, "    \
    "response_code, reason = 'channel_answered', merchant_fee, issuer_fee, scheme_fee, "           \
    "agent_fee, "                                                                                  \
    "agent_shares, fee_basis"

struct settlement_visitor {
    /* False: stop; the visitor has written `log->reason`. */
    bool (*on_row)(void *argument, sqlite3_stmt *row);
    void *argument;
};
/* Runs `sql` over all parts in the order of the log. */
MUST_CHECK enum status settlement_log_visit(struct settlement_log *log, const char *sql,
                                            const struct settlement_span *span,
                                            const struct settlement_visitor *visitor);
/* The same of one batch: ?1 terminal, ?2 merchant, ?3 batch. */
struct settlement_batch {
    char terminal_id[9], merchant_id[16];
    uint32_t batch;
};
MUST_CHECK enum status settlement_log_visit_batch(struct settlement_log *log, const char *sql,
                                                  const struct settlement_batch *batch,
                                                  const struct settlement_visitor *visitor);

/* Fills `row` from a statement that begins with SETTLEMENT_ROW_COLUMNS. False: a word that no
 * version of ours wrote, or agents' shares that do not come to agent_fee. */
bool settlement_row_read(struct settlement_row *row, sqlite3_stmt *from);

#define SETTLEMENT_STORY_ROWS_MAX 1024
struct settlement_rows {
    uint32_t count;
    struct settlement_row items[SETTLEMENT_STORY_ROWS_MAX];
};
/* Adds the rows of that transaction, or those that name it as their original, to `rows`.
 * STATUS_NO_ROOM: more than it holds. */
MUST_CHECK enum status settlement_log_find(struct settlement_log *log,
                                           struct txn_reference reference, bool is_original,
                                           struct settlement_rows *rows);

/* Runs statements on the working database. */
MUST_CHECK enum status settlement_log_do(struct settlement_log *log, const char *sql);
/* NULL: SQLite refused, and `log->reason` says what. */
sqlite3_stmt *settlement_log_prepare(struct settlement_log *log, const char *sql);
/* Notes what SQLite said of `database`; answers STATUS_BROKEN. */
enum status settlement_log_broken(struct settlement_log *log, sqlite3 *database, const char *what);
