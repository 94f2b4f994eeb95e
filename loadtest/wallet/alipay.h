/* Alipay's gateway: pay by code, query, cancel, refund, refund query, bill (wallets.md 2), as its
 * side sees them.
 *
 * Requests are verified over their sorted parameters, answers signed over the raw text of the node.
 * Notifies are forms, signed without `sign` and `sign_type`.
 */
#pragma once

#include "loadtest/wallet/gateway.h"

MUST_CHECK enum status alipay_answer(struct gateway *gateway, const struct call *call,
                                     struct reply *reply);

/* What bill_download_url names: /bills/alipay/YYYY-MM-DD.csv; 404 for any other address. */
MUST_CHECK enum status alipay_bill_answer(struct gateway *gateway, const struct call *call,
                                          struct reply *reply);

/* The notify of a paid order: the form's text, the caller's. NULL: no memory. */
char *alipay_notify(const struct gateway *gateway, const struct order *order, int64_t now_us);
