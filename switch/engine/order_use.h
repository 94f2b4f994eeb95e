/* What orders in force change: what a terminal is asked, which payments are refused, which texts
 * answers carry. */
#pragma once

#include "switch/engine/engine_state.h"

/* What is asked of a terminal: a bit 1 << enum order_kind each; of one that is stopped not the
 * sign-on that a case asks for. */
uint32_t order_asks(const struct engine *engine, const char terminal_id[9]);
/* Whether an order says no to a new request: ORDER_STOP, ORDER_LIMIT, else NONE. */
enum txn_reason order_check(const struct engine *engine, const struct payment *payment);

/* Puts what the cashier is to be told into the answer that the transaction keeps, behind a bank's
 * own text; nothing where both do not fit, or where the terminal's answer has no room for words.
 * Before the row with the answer. The kind of words that were put: order_on_told() follows with it
 * behind that row; NONE: nothing was. */
MUST_CHECK enum payment_words order_tell(const struct engine *engine, struct txn *txn);
/* The same for an answer of the terminal's day, which is no transaction's: what it may say to the
 * cashier; empty: nothing. The bytes are the order's, and gone behind order_on_told(). */
struct byte_view order_words(const struct engine *engine, const struct payment *request);
/* Puts words into field 63 of a reply that has none. */
void order_words_put(struct payment *reply, struct byte_view words);
/* Both, for an answer that is made anew for each request. True: a row says that it was told, and
 * the reply rests on it. */
MUST_CHECK bool order_reply_tell(struct engine *engine, struct payment *reply);
