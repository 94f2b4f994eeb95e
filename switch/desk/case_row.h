/* The columns of flags, cases and their events, and the hash chain of the events. */
#pragma once

#include "switch/desk/case_book.h"
#include "switch/desk/cell_table.h"

#define CASE_HASH_BYTES 32

extern const struct cell_table CASE_ROW_FLAG, CASE_ROW_CASE, CASE_ROW_ENTRY, CASE_ROW_PART,
    CASE_ROW_PHOTO;

/* What an event has several of: a table of their own, in their order behind the event's key. */
struct case_row_list {
    const struct cell_table *table;
    const char *member;         /* as it is called in JSON: "parts" */
    uint32_t rows_at, count_at; /* within struct case_entry */
    uint32_t count_max;
};
#define CASE_ROW_LIST_COUNT 2
extern const struct case_row_list CASE_ROW_LISTS[CASE_ROW_LIST_COUNT];
uint32_t case_row_count(const struct case_row_list *list, const struct case_entry *entry);
void case_row_set_count(const struct case_row_list *list, struct case_entry *entry, uint32_t count);
/* The row at `index`, of list->table. */
void *case_row_at(const struct case_row_list *list, struct case_entry *entry, uint32_t index);
const void *case_row_of(const struct case_row_list *list, const struct case_entry *entry,
                        uint32_t index);

/* Which cases wait for something that the switch sees of their terminal: repaired ones, and those
 * whose first step asks the terminal for its state (case_first_step.def). */
#define CASE_ROW_WAITS                                                                             \
    "terminal_id <> '' AND (state IN ('FIXED', 'SWAPPED') OR (state <> 'CLOSED'"                   \
    " AND kind IN ('TRANSACTION', 'RISK') AND step_1 = 'open'))"

const char *case_outcome_word(enum case_outcome outcome); /* "confirmed" */
/* CASE_OUTCOME_BENIGN + 1: no such word. */
enum case_outcome case_outcome_from_word(const char *word);
const char *case_row_step_word(enum case_step_result result); /* "helped" */

/* `hash` := SHA-256(`hash`, case, number, every column as its length in 2 bytes and its text, then
 * of each part and photo the name of its table and every column alike); zero bytes stand before the
 * first event. BROKEN: OpenSSL refused. */
MUST_CHECK enum status case_row_hash(const struct case_entry *entry, uint8_t hash[CASE_HASH_BYTES]);
/* Cuts a character of which the end is missing, as a text that was too long leaves one. */
void case_row_trim(char *text);
