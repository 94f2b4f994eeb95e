/* Where in a segment that is not sealed yet the rows of a key, a reference, an RRN, an original or
 * a card stand: hashes to positions, in memory. The rows themselves are read from the file, and
 * decide; two texts of one hash cost a read more and no wrong answer.
 *
 * One thread may take rows while another one finds them.
 *
 * Grows by whole chunks as rows come, and is given back when the segment is sealed.
 *
 * Life:  tail_index_create -> take each row, find ... -> tail_index_destroy
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "switch/engine/lookup.h"
#include "switch/engine/record.h"

struct tail_index;

/* For about `row_count` rows from `first_position` on; more only make it slower. NULL: no memory.
 */
struct tail_index *tail_index_create(uint64_t first_position, uint32_t row_count);
void tail_index_destroy(struct tail_index *index);

void tail_index_take(struct tail_index *index, const struct record *record);
/* A row could not be taken for want of memory: what is not found may still be there. */
bool tail_index_is_broken(struct tail_index *index);

uint64_t tail_hash_reference(struct txn_reference reference);
uint64_t tail_hash_original(struct txn_reference original);
uint64_t tail_hash_query(const struct lookup_query *query);
/* Writes positions that may have the hash, latest first, at most `room`; answers how many there
 * are. */
uint32_t tail_index_find(struct tail_index *index, uint64_t hash, uint64_t *positions,
                         uint32_t room);

/* Whether a record begins a transaction that a lookup by key or RRN may mean. */
bool tail_record_begins(const struct record *record);
/* Whether it is what a lookup by card means: an approved pre-authorisation. */
bool tail_record_is_preauth(const struct record *record);
