/* What a terminal's open batch adds up to, in the four sums that a settlement compares
 * (unionpay-pos 8, field 48 of 0500): domestic and foreign cards, debits and credits.
 *
 * Each record that changes a batch carries the totals after it, as text, so that the last such
 * record of a terminal is enough to go on from.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "switch/engine/record.h"

/* Debit: sale, completion, offline settlement and adjustment. Credit: refund, void, completion
 * void. Neither: all else. */
enum batch_side { BATCH_NEITHER, BATCH_DEBIT, BATCH_CREDIT };

struct batch_sum {
    int64_t minor; /* fen */
    uint32_t count;
};

struct batch_totals {
    struct batch_sum domestic_debit, domestic_credit, foreign_debit, foreign_credit;
};

/* Where an amount of that side and card goes; NULL: BATCH_NEITHER. */
struct batch_sum *batch_totals_sum(struct batch_totals *totals, enum batch_side side,
                                   bool is_foreign);
bool batch_totals_are_equal(const struct batch_totals *left, const struct batch_totals *right);

/* The eight numbers, minor before count, in the order of the struct, a blank between, zeros at the
 * end left out: "45000 3", "" when all are 0. */
void batch_totals_format(char text[RECORD_TOTALS_SIZE], const struct batch_totals *totals);
/* STATUS_MALFORMED: not what batch_totals_format() writes. */
MUST_CHECK enum status batch_totals_parse(struct batch_totals *totals, const char *text);

/* Field 48 of a settlement: 62 digits, of each card class debit amount 12, count 3, credit amount
 * 12, count 3, result 1; domestic first (unionpay-pos 8). */
#define BATCH_FIELD_48_DIGITS 62
enum batch_result { BATCH_ASKED, BATCH_EQUAL, BATCH_DIFFERENT, BATCH_ERROR };
/* STATUS_MALFORMED: another length, or not digits. The result digits are not looked at. */
MUST_CHECK enum status batch_totals_from_field_48(struct batch_totals *totals,
                                                  struct byte_view digits);
/* Amounts above twelve digits, counts above three are written as nines. */
void batch_totals_to_field_48(char digits[BATCH_FIELD_48_DIGITS + 1],
                              const struct batch_totals *totals, enum batch_result result);
