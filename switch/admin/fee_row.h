/* A priced transaction as the log keeps it, put back into what a price is found by, so that it can
 * be priced again: by the file of its day, or by one that is being tried. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include <sqlite3.h>

#include "routing/fee_note.h"

/* In the order that fee_row_read takes them. */
#define FEE_ROW_COLUMNS                                                                            \
    "position, wall_us, payment_kind, merchant_id, amount_minor, currency, entry_mode, channel, "  \
    "mcc, rrn, merchant_fee, issuer_fee, scheme_fee, agent_fee, ruleset_version, fee_rule, "       \
    "cost_rule, discount_rule, fee_basis, agent_shares"

struct fee_row {
    int64_t position, wall_us;
    char rrn[13], channel[16];
    struct fee_figures figures; /* as charged; `shares` points to the text below */
    uint32_t ruleset_version, fee_rule, cost_rule, discount_rule;
    char basis_text[FEE_BASIS_SIZE], shares_text[FEE_SHARES_SIZE];
    struct fee_basis basis;
    struct fee_noted_shares shares;
    /* what `inputs` points to */
    struct bin_rule bin;
    struct merchant_row merchant;
    struct payment payment;
    struct fee_inputs inputs;
};

enum fee_row_answer {
    FEE_ROW_PRICED,
    FEE_ROW_UNPRICED,  /* it has no price of its own: a refund, a void, an enquiry */
    FEE_ROW_UNREADABLE /* texts that another version wrote */
};
/* Fills `row`, which points into itself: not to be copied. */
enum fee_row_answer fee_row_read(struct fee_row *row, sqlite3_stmt *from);
