/* Rows of plain structs as columns: one description of a row, from which SQL, CSV, history and
 * hashes are made, so that they cannot disagree.
 *
 * Each member of a row is a cell with one text form, the same in the file, in CSV and in history:
 * numbers in decimal, days as 2026-01-31 and minutes of a day as 09:30, "yes" and "no", words,
 * several words with a blank between, texts of a list with a semicolon between. What is absent is
 * the empty text, of a number 0.
 *
 * All plain values; nothing here waits or allocates.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <sqlite3.h>

#define CELL_TEXT_SIZE 256  /* the longest text form of a cell */
#define CELL_KEY_SIZE 320   /* the key of a row, its cells with a blank and a stroke between */
#define CELL_ROW_SIZE 2048  /* the largest struct that is a row */
#define CELL_FAULT_SIZE 240 /* a sentence about what a cell cannot be */
#define CELL_SQL_SIZE 4096  /* the names of all columns of a row, with room for a statement */

enum cell_type {
    CELL_TEXT,   /* char[] */
    CELL_NUMBER, /* an integer of any size, from min to max */
    CELL_FLAG,   /* bool */
    CELL_DAY,    /* int32_t, days since 1970; 0: none */
    CELL_MINUTE, /* int16_t, of a day, to 24:00 */
    CELL_WORD,   /* an enumerator */
    CELL_BITS,   /* uint8_t or uint32_t: bit n is word n */
    CELL_LIST    /* char[][16], ends with an empty one */
};
#define CELL_LIST_ITEM_SIZE 16

/* Flags of a column. */
#define CELL_PLAIN 0u
#define CELL_KEY 1u    /* part of what names the row */
#define CELL_NEEDED 2u /* never empty */
#define CELL_FULL 4u   /* as long as its room, or empty */
#define CELL_DIGITS 8u /* decimal digits only */
#define CELL_HEX 16u   /* lower-case hexadecimal digits only */
#define CELL_FREE 32u  /* people write what they like: a card number is masked as it comes in */

struct cell_words {
    const char *(*word)(uint32_t value);
    uint32_t count;
};

struct cell_column {
    const char *name;
    enum cell_type type;
    uint32_t flags;
    uint32_t offset, size;
    bool is_signed;
    const struct cell_words *words; /* of WORD and BITS */
    int64_t min, max;               /* of NUMBER */
    const char *sentence;           /* what it says */
};

struct cell_table {
    const char *name;
    const char *sentence;
    const struct cell_column *columns;
    uint32_t column_count, row_size;
};

/* The text form of a cell; `text` has CELL_TEXT_SIZE bytes. */
void cell_text(const struct cell_column *column, const void *row, char *text);
/* The way back, of what comes in: with card numbers masked (CELL_FREE). False: `fault`
 * (CELL_FAULT_SIZE) says what was expected and what stood there; the row is as before. */
bool cell_parse(const struct cell_column *column, const char *text, void *row, char *fault);
/* Every cell as it would come in by text: what a caller filled in wrongly is not stored either.
 * False: `fault` (CELL_FAULT_SIZE) names the column. REQUIREs enumerators that have a word. */
bool cell_check(const struct cell_table *table, const void *row, char *fault);
/* The key of a row as people read it, in CELL_KEY_SIZE bytes: "PAX | A920". */
void cell_key_text(const struct cell_table *table, const void *row, char *text);

/* Text of a statement, built piece by piece; REQUIREs that it fits. */
struct cell_sql {
    char text[CELL_SQL_SIZE];
    uint32_t length;
};
void cell_sql_add(struct cell_sql *sql, const char *piece);
/* "brand TEXT NOT NULL, count INTEGER NOT NULL" */
void cell_sql_schema(struct cell_sql *sql, const struct cell_table *table);
/* "brand, model" of those columns that have all of `flags`. */
void cell_sql_names(struct cell_sql *sql, const struct cell_table *table, uint32_t flags);
/* "?, ?" of all columns. */
void cell_sql_places(struct cell_sql *sql, const struct cell_table *table);
/* "brand = ? AND model = ?" of the key, or with a comma between of all columns. */
void cell_sql_key(struct cell_sql *sql, const struct cell_table *table);
void cell_sql_values(struct cell_sql *sql, const struct cell_table *table);

/* Binds the columns that have all of `flags`, from parameter `at`; gives the next parameter, or 0
 * when SQLite refused. */
int cell_bind(sqlite3_stmt *statement, int at, const struct cell_table *table, const void *row,
              uint32_t flags);
/* Reads all columns of the row at hand, from column `at`. False: `fault` names the column. */
bool cell_read(sqlite3_stmt *statement, int at, const struct cell_table *table, void *row,
               char *fault);
