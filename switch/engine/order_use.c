/* See order_use.h. */
#include "switch/engine/order_use.h"

#include "protocols/base/require.h"
#include "switch/engine/answer_cargo.h"
#include "switch/engine/order_book.h"
#include "switch/engine/payment_rule.h"
#include "switch/engine/planted_bug.h"

uint32_t order_asks(const struct engine *engine, const char terminal_id[9])
{
    uint32_t place = order_table_find(&engine->orders, terminal_id, "");
    const struct order_entry *entry = &engine->orders.entries[place];
    if (place == 0) {
        return 0;
    }
    uint32_t hidden = 0; /* a sign-on that a case asks for waits until the terminal may work */
    if ((order_table_kinds(entry) & ORDER_BIT(ORDER_STOP)) != 0) {
        hidden = ORDER_BIT(ORDER_ASK_SIGNON);
    }
    return (entry->in_force[ORDER_OF_PERSON] | (entry->in_force[ORDER_OF_CASE] & ~hidden)) &
           ORDER_ASKED_BITS;
}

/* New payments; not what undoes one in its open batch, which only gives back what was taken. */
static bool is_stoppable(enum payment_kind kind)
{
    const struct payment_rule *rule = payment_rule_of(kind);
    return rule->travel == PAYMENT_TRAVEL_FORWARD && rule->amount != PAYMENT_AMOUNT_EQUAL;
}

/* A completion was allowed when it was pre-authorised, a refund is bound by its original, and an
 * enquiry takes no money, whatever amount stands in it. */
static bool is_limited(const struct order *order, const struct payment *payment)
{
    if (payment_rule_of(payment->kind)->amount != PAYMENT_AMOUNT_ANY ||
        payment->kind == PAYMENT_BALANCE || payment->kind == PAYMENT_OTHER_QUERY ||
        payment->amount.minor <= 0) {
        return false;
    }
    return payment->amount.currency != order->limit.currency ||
           payment->amount.minor > order->limit.minor;
}

/* Above the lowest that anybody said. */
static bool is_above_limit(const struct order_entry *entry, const struct payment *payment)
{
    for (uint32_t origin = 0; origin < ORDER_ORIGIN_COUNT; origin++) {
        if ((entry->in_force[origin] & ORDER_BIT(ORDER_LIMIT)) != 0 &&
            is_limited(&entry->standing[origin][ORDER_LIMIT].order, payment)) {
            return true;
        }
    }
    return false;
}

static enum txn_reason check_entry(const struct order_book *book, uint32_t place,
                                   const struct payment *payment)
{
    const struct order_entry *entry = &book->entries[place];
    if (place == 0 || !is_stoppable(payment->kind)) {
        return TXN_REASON_NONE;
    }
    if ((order_table_kinds(entry) & ORDER_BIT(ORDER_STOP)) != 0 && !PLANTED_BUG(45)) {
        return TXN_REASON_ORDER_STOP;
    }
    return is_above_limit(entry, payment) ? TXN_REASON_ORDER_LIMIT : TXN_REASON_NONE;
}

enum txn_reason order_check(const struct engine *engine, const struct payment *payment)
{
    const struct order_book *book = &engine->orders;
    uint32_t place = order_table_find(book, payment->terminal_id, payment->merchant_id);
    enum txn_reason reason = check_entry(book, place, payment);
    if (reason == TXN_REASON_NONE) {
        place = order_table_find(book, "", payment->merchant_id);
        reason = check_entry(book, place, payment);
    }
    return reason;
}

/* --- telling ------------------------------------------------------------------------------ */

static struct byte_view words_for(const struct engine *engine, const char terminal_id[9],
                                  enum payment_words kind)
{
    uint32_t place = order_table_find(&engine->orders, terminal_id, "");
    const struct order_standing *standing =
        place == 0 ? NULL : order_table_words(&engine->orders.entries[place], kind);
    if (standing == NULL) {
        return (struct byte_view){NULL, 0};
    }
    const struct order *order = &standing->order;
    bool is_local = kind == PAYMENT_WORDS_LOCAL && order->local_length > 0;
    return is_local ? (struct byte_view){order->local, order->local_length}
                    : (struct byte_view){order->plain, order->plain_length};
}

enum payment_words order_tell(const struct engine *engine, struct txn *txn)
{
    const struct payment *flight = txn_flight(&engine->slab, txn);
    bool may_tell = txn->has_conn && flight != NULL &&
                    payment_rule_of((enum payment_kind)txn->kind)->travel == PAYMENT_TRAVEL_FORWARD;
    if (!may_tell) {
        return PAYMENT_WORDS_NONE;
    }
    enum payment_words kind = (enum payment_words)flight->answer_words;
    struct byte_view words = words_for(engine, txn->terminal_id, kind);
    struct txn_detail *detail = txn_detail(&engine->slab, txn);
    bool is_told =
        words.length > 0 && answer_cargo_put_words(detail->answer, &detail->answer_length, words);
    return is_told ? kind : PAYMENT_WORDS_NONE;
}

struct byte_view order_words(const struct engine *engine, const struct payment *request)
{
    return words_for(engine, request->terminal_id, (enum payment_words)request->answer_words);
}

void order_words_put(struct payment *reply, struct byte_view words)
{
    uint8_t packed[RECORD_ANSWER_BYTES_MAX];
    uint16_t length = 0;
    if (words.length > 0) {
        bool is_put = answer_cargo_put_words(packed, &length, words);
        REQUIRE(is_put); /* nothing else stands there, and an order's text fits */
        answer_cargo_unpack(reply, (struct byte_view){packed, length});
    }
}

bool order_reply_tell(struct engine *engine, struct payment *reply)
{
    struct byte_view words = order_words(engine, reply);
    order_words_put(reply, words);
    if (words.length > 0) {
        order_on_told(engine, reply->terminal_id, (enum payment_words)reply->answer_words);
    }
    return words.length > 0;
}
