/* See fee_row.h. */
#include "switch/admin/fee_row.h"

#include <stdio.h>
#include <string.h>

#include "routing/condition.h"
#include "routing/condition_words.h"
#include "routing/pay_code.h"

enum {
    AT_POSITION,
    AT_WALL,
    AT_KIND,
    AT_MERCHANT,
    AT_AMOUNT,
    AT_CURRENCY,
    AT_ENTRY_MODE,
    AT_CHANNEL,
    AT_MCC,
    AT_RRN,
    AT_MERCHANT_FEE,
    AT_ISSUER_FEE,
    AT_SCHEME_FEE,
    AT_AGENT_FEE,
    AT_VERSION,
    AT_FEE_RULE,
    AT_COST_RULE,
    AT_DISCOUNT_RULE,
    AT_BASIS,
    AT_SHARES
};

static void take_text(char *to, size_t size, sqlite3_stmt *from, int at)
{
    const char *text = (const char *)sqlite3_column_text(from, at);
    snprintf(to, size, "%s", text == NULL ? "" : text);
}

static void take_figures(struct fee_row *row, sqlite3_stmt *from)
{
    row->position = sqlite3_column_int64(from, AT_POSITION);
    row->wall_us = sqlite3_column_int64(from, AT_WALL);
    row->figures = (struct fee_figures){
        .amount = sqlite3_column_int64(from, AT_AMOUNT),
        .merchant_fee = sqlite3_column_int64(from, AT_MERCHANT_FEE),
        .issuer_fee = sqlite3_column_int64(from, AT_ISSUER_FEE),
        .scheme_fee = sqlite3_column_int64(from, AT_SCHEME_FEE),
        .agent_fee = sqlite3_column_int64(from, AT_AGENT_FEE),
        .shares = row->shares_text,
    };
    row->ruleset_version = (uint32_t)sqlite3_column_int64(from, AT_VERSION);
    row->fee_rule = (uint32_t)sqlite3_column_int64(from, AT_FEE_RULE);
    row->cost_rule = (uint32_t)sqlite3_column_int64(from, AT_COST_RULE);
    row->discount_rule = (uint32_t)sqlite3_column_int64(from, AT_DISCOUNT_RULE);
    take_text(row->rrn, sizeof(row->rrn), from, AT_RRN);
    take_text(row->channel, sizeof(row->channel), from, AT_CHANNEL);
    take_text(row->basis_text, sizeof(row->basis_text), from, AT_BASIS);
    take_text(row->shares_text, sizeof(row->shares_text), from, AT_SHARES);
}

/* The class is the one that counted then: an exemption that was over is not looked at again. */
static void take_inputs(struct fee_row *row, sqlite3_stmt *from)
{
    const struct fee_basis *basis = &row->basis;
    bool has_bin = basis->card_type != FEE_BASIS_NONE;
    row->bin = (struct bin_rule){.scheme = has_bin ? basis->scheme : 0,
                                 .card_type = has_bin ? basis->card_type : 0};
    if (!has_bin && basis->scheme != FEE_BASIS_NONE) { /* it was a code that named the scheme */
        pay_code_sample((enum card_scheme)basis->scheme, row->payment.pay_code);
    }
    row->merchant.merchant_class =
        basis->merchant_class == FEE_BASIS_NONE ? MERCHANT_STANDARD : basis->merchant_class;
    take_text(row->merchant.merchant_id, sizeof(row->merchant.merchant_id), from, AT_MERCHANT);
    take_text(row->merchant.mcc, sizeof(row->merchant.mcc), from, AT_MCC);
    take_text(row->payment.entry_mode, sizeof(row->payment.entry_mode), from, AT_ENTRY_MODE);
    row->inputs = (struct fee_inputs){
        .amount = {row->figures.amount, (uint16_t)sqlite3_column_int64(from, AT_CURRENCY)},
        .wall_us = sqlite3_column_int64(from, AT_WALL),
        .month_minor = basis->month_minor,
        .bin = has_bin ? &row->bin : NULL,
        .merchant = &row->merchant,
        .agent = row->shares.count > 0 ? &row->shares.agents[0] : NULL,
        .payment = &row->payment,
        .channel = row->channel,
    };
}

enum fee_row_answer fee_row_read(struct fee_row *row, sqlite3_stmt *from)
{
    const char *kind_text = (const char *)sqlite3_column_text(from, AT_KIND);
    int kind = kind_text == NULL ? -1 : condition_word_find(CONDITION_KIND, kind_text);
    memset(row, 0, sizeof(*row));
    payment_clear(&row->payment);
    take_figures(row, from);
    if (kind < 0 || !fee_shares_read(&row->shares, row->shares_text)) {
        return FEE_ROW_UNREADABLE;
    }
    row->payment.kind = (enum payment_kind)kind;
    if (row->basis_text[0] == '\0') {
        return FEE_ROW_UNPRICED;
    }
    if (!fee_basis_read(&row->basis, row->merchant.plan, row->basis_text)) {
        return FEE_ROW_UNREADABLE;
    }
    take_inputs(row, from);
    return FEE_ROW_PRICED;
}
