/* What a terminal has printed and not yet settled, and what of earlier batches a refund or a
 * completion may still name.
 *
 * Entries are approvals (advices: acceptances) that were not reversed, in their order. A batch ends
 * with its settlement; its entries stay behind as possible originals.
 *
 * Life:  (zeros) -> journal_begin_batch -> journal_add, pick ... -> journal_free
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "loadtest/draw.h"
#include "loadtest/pos_message.h"
#include "protocols/base/status.h"

#define JOURNAL_NO_ENTRY UINT32_MAX

struct journal_entry {
    struct pos_request request;
    struct pos_original as_original; /* how a follow-up names it */
    int64_t amount;                  /* as it stands: adjusted, or with increments */
    int64_t refunded;
    bool is_over;    /* voided, completed: nothing may follow it any more */
    bool is_changed; /* adjusted, or with a tip: its amount is another one now */
    bool is_signed, has_script;
};

struct journal {
    struct journal_entry *entries; /* owner */
    uint32_t count, capacity;
    uint32_t batch, batch_first; /* the open batch, and its first entry */
    bool has_declined;
    struct pos_request declined; /* the last purchase of the batch that was declined */
};

/* Sums of field 48 of a settlement: minor units and counts. */
struct journal_sum {
    int64_t minor;
    uint32_t count;
};
struct journal_totals {
    struct journal_sum debit[2], credit[2]; /* [0] domestic, [1] foreign cards */
};

void journal_free(struct journal *journal);
/* Nothing of the batches before is counted any more. */
void journal_begin_batch(struct journal *journal, uint32_t batch);

/* A request that was approved. `original` is the entry it follows, or JOURNAL_NO_ENTRY.
 * STATUS_NO_MEMORY. */
MUST_CHECK enum status journal_add(struct journal *journal, const struct pos_request *request,
                                   const struct pos_answer *answer, uint32_t original);

/* An entry that `kind` may follow now, drawn among all of them; JOURNAL_NO_ENTRY: there is none, or
 * the kind follows nothing. */
uint32_t journal_pick(const struct journal *journal, enum pos_kind kind, struct draw *draw);
bool journal_kind_follows(enum pos_kind kind);

/* What the open batch adds up to. */
void journal_totals(const struct journal *journal, struct journal_totals *totals);
/* One more, or (`sign` -1) one less of that side and card. */
void journal_totals_add(struct journal_totals *totals, const struct pos_request *request,
                        int64_t amount, int sign);
/* The 62 digits of field 48, with result digits 0; and back. `results` are the two result digits.
 * STATUS_MALFORMED: not 62 digits. */
void journal_totals_format(const struct journal_totals *totals, char digits[POS_TOTALS_DIGITS + 1]);
MUST_CHECK enum status journal_totals_parse(struct journal_totals *totals, char results[3],
                                            const char *digits);
