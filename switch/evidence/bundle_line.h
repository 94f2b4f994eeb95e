/* One event of the case, one row of the log, as a line of JSON from which its hash can be worked
 * out again: made by who exports, checked by who verifies.
 *
 *   {"number":1,"columns":{"wall_us":"…",…},"hash":"…"}                            an event
 *   {"number":9,"columns":{…},"parts":[{"part":"printer",…}],"photos":[…],"hash":"…"}  with lists
 *   {"previous_hash":"…","columns":{"position":17,…},"secrets":"…","hash":"…"}     a row
 *
 * The columns stand in the order in which they are hashed; a text that is no UTF-8 is {"hex":"…"}.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include <jansson.h>

#include "switch/desk/case_book.h"
#include "switch/evidence/bundle_form.h"
#include "switch/store/log_schema.h"

#define BUNDLE_LINE_BYTES_MAX 65536
#define BUNDLE_FAULT_SIZE 320

/* --- made; the caller's. NULL: no memory, or OpenSSL refused ------------------------------- */

/* `chain` is the hash of the event before, and becomes this one's. */
json_t *bundle_event_line(const struct case_entry *entry, uint8_t chain[BUNDLE_HASH_BYTES]);

/* A row with what its hash is worked out from. */
struct bundle_row {
    struct log_hash previous, secrets, hash;
};
json_t *bundle_row_line(const struct record *record, const struct bundle_row *hashes);
/* Names of the columns, as an array. */
json_t *bundle_event_columns(void);
json_t *bundle_row_columns(void);

/* --- checked; `fault` (BUNDLE_FAULT_SIZE) says what does not fit ---------------------------- */

struct bundle_event_chain {
    const json_t *columns; /* borrowed: the names that must stand there */
    uint64_t case_id;
    uint32_t count;
    uint8_t hash[BUNDLE_HASH_BYTES]; /* zeros before the first */
};
bool bundle_event_check(struct bundle_event_chain *chain, const char *line, size_t length,
                        char *fault);

/* What is known after a row. */
struct bundle_row_chain {
    const json_t *columns;
    uint32_t count;
    uint64_t position;
    struct bundle_row row;
};
/* Rows ascend; one right behind another continues its hash. */
bool bundle_row_check(struct bundle_row_chain *chain, const char *line, size_t length, char *fault);
