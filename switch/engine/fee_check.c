/* See fee_check.h. */
#include "switch/engine/fee_check.h"

#include "protocols/base/require.h"
#include "switch/engine/effect.h"
#include "switch/engine/planted_bug.h"
#include "switch/engine/txn_record.h"

void fee_check_keep(struct engine *engine, const struct txn *txn,
                    const struct route_decision *decision)
{
    const struct fee_quote *fee = &decision->fee;
    struct txn_detail *detail = txn_detail(&engine->slab, txn);
    detail->merchant_fee = fee->merchant_fee.minor;
    detail->issuer_fee = fee->issuer_fee.minor;
    detail->scheme_fee = fee->scheme_fee.minor;
    detail->agent_fee = fee->shares.total + (PLANTED_BUG(31) ? 1 : 0);
    detail->ruleset_version = decision->version;
    detail->route_rule = decision->rule;
    detail->fee_rule = fee->merchant_rule;
    detail->cost_rule = fee->cost_rule;
    detail->discount_rule = fee->discount_rule;
    fee_basis_write(detail->fee_basis, &fee->basis);
    fee_shares_write(detail->agent_shares, &fee->shares);
    if (fee->shares.is_capped) {
        effect_notice(engine, TXN_REASON_AGENTS_CAPPED, txn, txn_flight(&engine->slab, txn));
    }
}

void fee_check_row(struct engine *engine, const struct txn *txn, const struct record *record,
                   const struct payment *payment)
{
    const struct fee_figures figures = {record->amount.minor, record->merchant_fee,
                                        record->issuer_fee,   record->scheme_fee,
                                        record->agent_fee,    record->agent_shares};
    REQUIRE(payment != NULL);
    if (fee_figures_fault(&figures) != NULL) {
        record_anomaly(engine, TXN_REASON_FEES_UNBALANCED, txn, payment);
    }
}
