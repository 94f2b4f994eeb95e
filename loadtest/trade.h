/* What a terminal does next while its shop is open: kinds by weight, amounts and cards by chance,
 * originals out of the journal.
 */
#pragma once

#include <stdint.h>

#include "loadtest/card.h"
#include "loadtest/draw.h"
#include "loadtest/journal.h"
#include "loadtest/pos_message.h"

/* X(NAME, "word", first prefix, how many follow on it, digits): whose code a customer shows. */
#define CODE_KIND_MAP(X)                                                                           \
    X(ALIPAY, "alipay", 25, 6, 18)                                                                 \
    X(WECHAT, "wechat", 10, 6, 18)                                                                 \
    X(UNIONPAY, "unionpay", 62, 1, 19)
enum code_kind {
#define X(name, word, prefix, count, digits) CODE_##name,
    CODE_KIND_MAP(X)
#undef X
        CODE_KIND_COUNT
};
const char *code_kind_word(enum code_kind kind);
/* By its prefix; CODE_KIND_COUNT: none of them. */
enum code_kind code_kind_of(const char *pay_code);
/* CODE_KIND_COUNT: none has that name. */
enum code_kind code_kind_from_word(const char *word);

struct trade {
    uint32_t weights[POS_KIND_COUNT]; /* shares, in any unit; one above 0 at least */
    double reversal_percent; /* of approvals that the terminal reverses by itself: printer fault */
    double code_percent;     /* of purchases that are paid by the customer's code, not by a card */
    uint32_t code_weights[CODE_KIND_COUNT]; /* one above 0 where code_percent is */
};

/* Purchases only. */
void trade_fallback(struct trade *trade);
/* Names with commas between them, each as often as another. STATUS_UNKNOWN: one is none of the
 * map's; STATUS_MISSING: there is none. */
MUST_CHECK enum status trade_codes_set(struct trade *trade, const char *names);

/* Draws a request, all but its trace number. `original` is the journal's entry it follows, or
 * JOURNAL_NO_ENTRY. A follow-up that finds no original becomes what later ones may follow. */
void trade_draw(const struct trade *trade, const struct journal *journal,
                const struct card_ranges *ranges, struct draw *draw, struct pos_request *request,
                uint32_t *original);
