/* Where a payment would go and why, asked of the running switch: one that the query describes, or
 * one of the log with what the log kept of it. */
#pragma once

#include "switch/admin/call.h"

/* X(option, what is expected): the parameters of a question. */
#define ROUTE_CALL_MAP(X)                                                                          \
    X(terminal, "a terminal id")                                                                   \
    X(merchant, "a merchant id; the terminal's own when absent")                                   \
    X(type, "a transaction type as route rules name it; purchase when absent")                     \
    X(amount, "an amount such as 12.34")                                                           \
    X(currency, "an ISO 4217 number; 156 when absent")                                             \
    X(card, "the first 6 to 9 digits of a card number, never more")                                \
    X(card_digits, "how many digits the whole number has")                                         \
    X(code, "the first 2 digits of a customer's payment code")                                     \
    X(entry_mode, "field 22, 3 digits; 051 for a card and 031 for a code when absent")             \
    X(at, "a time such as 2026-09-21T14:13:20Z, or a date (UTC); now when absent")

void route_call_serve(const struct call *call, struct answer *answer);
