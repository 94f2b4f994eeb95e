/* The columns of flags, cases and their events, and the hash chain of the events. */
#pragma once

#include "switch/desk/case_book.h"
#include "switch/desk/cell_table.h"

#define CASE_HASH_BYTES 32

extern const struct cell_table CASE_ROW_FLAG, CASE_ROW_CASE, CASE_ROW_ENTRY;

/* Which cases wait for something that the switch sees of their terminal: repaired ones, and those
 * whose first step asks the terminal for its state (case_first_step.def). */
#define CASE_ROW_WAITS                                                                             \
    "terminal_id <> '' AND (state IN ('FIXED', 'SWAPPED') OR (state <> 'CLOSED'"                   \
    " AND kind IN ('TRANSACTION', 'RISK') AND step_1 = 'open'))"

const char *case_outcome_word(enum case_outcome outcome); /* "confirmed" */
/* CASE_OUTCOME_BENIGN + 1: no such word. */
enum case_outcome case_outcome_from_word(const char *word);
const char *case_row_step_word(enum case_step_result result); /* "helped" */

/* `hash` := SHA-256(`hash`, case, number, every column as its length in 2 bytes and its text); zero
 * bytes stand before the first event. BROKEN: OpenSSL refused. */
MUST_CHECK enum status case_row_hash(const struct case_entry *entry, uint8_t hash[CASE_HASH_BYTES]);
/* Cuts a character of which the end is missing, as a text that was too long leaves one. */
void case_row_trim(char *text);
