/* Calls about orders to the running switch: what one terminal is asked and told (by after-sales),
 * which terminal or merchant is limited, held or stopped (by risk), and what is in force.
 *
 * Which kinds a path takes decides who may give them: endpoint.def names the roles of each path.
 */
#pragma once

#include "switch/admin/call.h"

#define ORDER_CALL_DAYS_MAX 366
#define ORDER_CALL_REASON_MAX 200 /* bytes */

/* X(name, what is expected): behind the `?` of an order. */
#define ORDER_CALL_MAP(X)                                                                          \
    X(terminal, "a terminal's id, or instead merchant")                                            \
    X(merchant, "a merchant's id, or instead terminal")                                            \
    X(reason, "why, in 1 to 200 bytes")                                                            \
    X(for, "a time such as 90m, 12h or 3d, of at most 366d")                                       \
    X(until, "a time to come such as 2026-09-21T14:13:20Z, or a date (UTC)")                       \
    X(case, "the number of a case")                                                                \
    X(amount, "an amount such as 500.00, above which single payments are refused")                 \
    X(currency, "an ISO 4217 number such as 156")                                                  \
    X(text, "what the cashier reads, at most 30 Chinese characters")                               \
    X(english, "the same for terminals without Chinese, at most 60 characters of ASCII")           \
    X(times, "how often it is told, 1 to 9")

#define ORDER_NOTE_SIZE 512

/* ORDER_SERVICE, ORDER_RISK */
void order_call_serve(const struct call *call, struct answer *answer);
/* ORDER_LIST: ?terminal, ?merchant */
void order_list_serve(const struct call *call, struct answer *answer);
/* What the audit file keeps of an order before it is given; NULL: of another call. */
const char *order_call_note(const struct call *call, char note[ORDER_NOTE_SIZE]);
/* "3d", from now on; false: it is no such time. */
bool order_call_span(const char *text, int64_t *span_us);
/* The object of the list of those in force. New; NULL: no memory. */
json_t *order_list_json(const Control__Orders *orders);
