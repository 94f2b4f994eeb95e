/* What the log keeps of a price, so that an old transaction explains itself without the tables of
 * its day: two short texts, written when the price is fixed and read back by whoever asks why.
 *
 *   basis    "SP1 proportional unionpay credit standard ic 1234500", behind it "capped" where
 * agents' shares were: plan, refund policy, scheme, card type, class, product, and what the
 *            merchant had taken that month in minor units; "-" for what there was none of
 *   shares   "A17:520000:-:70000000:56 B2:500000:-:80000000:24": each agent from the merchant's own
 *            upwards, with cost rate (1e-8), cost cap (minor units), ratio (1e-8), and its share
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "routing/fee_plan.h"

#define FEE_BASIS_SIZE 144
#define FEE_SHARES_SIZE 256

/* "" for what was not priced. */
void fee_basis_write(char text[FEE_BASIS_SIZE], const struct fee_basis *basis);
/* What a text says; the plan's name goes into `plan`, which the basis borrows. False: no such text.
 */
bool fee_basis_read(struct fee_basis *basis, char plan[FEE_PLAN_NAME_SIZE], const char *text);

void fee_shares_write(char text[FEE_SHARES_SIZE], const struct fee_shares *shares);

struct fee_noted_shares {
    struct agent_row agents[AGENT_LEVEL_COUNT_MAX]; /* each one's parent is the next; its terms */
    int64_t minor[AGENT_LEVEL_COUNT_MAX];
    uint32_t count;
    int64_t total;
};
/* "" is no shares. False: no such text. The rows point at each other: not to be copied. */
bool fee_shares_read(struct fee_noted_shares *shares, const char *text);

/* The figures of one transaction as the log has them, minor units. */
struct fee_figures {
    int64_t amount, merchant_fee, issuer_fee, scheme_fee, agent_fee;
    const char *shares;
};
/* Whether they can be what fee_quote gave (I16): no part below zero, the shares' text adds up to
 * the agents' fee, and agents get no more than the margin. NULL: they can; else what is wrong. */
const char *fee_figures_fault(const struct fee_figures *figures);
