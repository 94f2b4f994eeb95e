/* A whole story out of the log: a transaction's own rows, those that name it as their original, and
 * those that name these.
 *
 * Sealed segments are searched by their indexes, the others through the indexes in memory. The
 * copies in `carried` are never looked at, so nothing comes twice.
 */
#pragma once

#include "switch/store/log_shelf.h"
#include "switch/store/tail_index.h"

/* What is found, in the order of the log at the end. */
struct log_found {
    struct record *records;  /* room for `room`; borrowed */
    struct log_hash *hashes; /* NULL, or as many */
    uint32_t count, room;
};

#define LOG_TAIL_COUNT_MAX 4

/* What is searched: segments `sealed_first` … `sealed_last`, and those not sealed. */
struct log_scope {
    struct log_shelf *shelf;
    uint32_t sealed_first, sealed_last; /* sealed_last < sealed_first: none */
    struct {
        uint32_t ordinal;
        struct tail_index *index;
    } tails[LOG_TAIL_COUNT_MAX];
    uint32_t tail_count;
};

/* Leaves out the first segments that somebody else has removed. */
void log_scope_trim(struct log_scope *scope, const struct log_place *place);

/* Finds what a query means: the reference of the transaction, and the segment it was found in.
 * seq 0: it is not there. Of a key it is the latest; but a refusal that nobody had searched for
 * (record_is_blind_refusal()) only where there is nothing else. */
struct log_finding {
    struct txn_reference txn;
    uint32_t ordinal;
    bool is_certain; /* nothing older can be meant */
};
MUST_CHECK enum status log_gather_find(const struct log_scope *scope,
                                       const struct lookup_query *query,
                                       struct log_finding *finding, char *reason);

/* Finds the segment in which a transaction begins, among the sealed ones; ordinal 0: in none. */
MUST_CHECK enum status log_gather_locate(const struct log_scope *scope, struct txn_reference txn,
                                         struct log_finding *finding, char *reason);

/* The story of a transaction whose rows begin in segment `finding->ordinal` or shortly before.
 * Rows that only tell of attempts are left out when they do not fit.
 * STATUS_NO_ROOM: the rest does not fit either. STATUS_BROKEN: the log cannot be read. */
MUST_CHECK enum status log_gather_story(const struct log_scope *scope,
                                        const struct log_finding *finding, struct log_found *found,
                                        char *reason);
