/* A payment of which the card's first digits alone are known: what somebody asks about, or what the
 * log kept of one. It becomes a payment that the rules can decide, and is told apart where they
 * would need digits that are not there.
 *
 * Unknown digits are filled with zeros, one of them so that the check digit holds; the length is
 * the BIN range's where nobody said it.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "routing/ruleset.h"

#define ROUTE_QUESTION_CARD_DIGITS_MIN                                                             \
    6 /* of the front: what may be kept and shown (PCI DSS 3.4) */
#define ROUTE_QUESTION_CARD_DIGITS_MAX 9

struct route_question {
    enum payment_kind kind;
    struct money amount;
    char terminal_id[9];
    char merchant_id[16];                                /* empty: the terminal's own */
    char entry_mode[4];                                  /* field 22 */
    char card_first[ROUTE_QUESTION_CARD_DIGITS_MAX + 1]; /* empty: no card number */
    char card_last[5];                                   /* the last 4; empty: not known */
    uint8_t card_digits;  /* of the whole number; 0: as its BIN range says, else 16 */
    char pay_code[25];    /* a customer's code, or any one of its scheme: pay_code_sample */
    uint32_t batch, stan; /* weighted rules choose by them */
    int64_t wall_us;      /* of what is dated, that of this time may be a doubt */
};
#define ROUTE_DIVIDER_SIZE 80

/* X(NAME, sentence): what the rules might need and the question does not say. */
#define ROUTE_DOUBT_MAP(X)                                                                         \
    X(NONE, "all that the rules look at is known")                                                 \
    X(CARD_MISSING, "no card number is known")                                                     \
    X(CARD_FORM, "the known digits are no part of a card number of that length")                   \
    X(BIN, "cards that begin with the known digits lie in more than one BIN range")                \
    X(RULE, "a route rule looks at digits of the card number that are not known")                  \
    X(LIMIT, "a limit rule looks at digits of the card number that are not known")                 \
    X(LISTED, "the black list has a longer range that begins with the known digits")
enum route_doubt {
#define X(name, text) ROUTE_DOUBT_##name,
    ROUTE_DOUBT_MAP(X)
#undef X
        ROUTE_DOUBT_COUNT
};
const char *route_doubt_text(enum route_doubt doubt);

/* Fills `payment` with what can be decided; where there is a doubt, with the lowest card number
 * that fits (CARD_MISSING and CARD_FORM: with none). */
enum route_doubt route_question_ask(const struct ruleset *ruleset,
                                    const struct route_question *question, struct payment *payment);
/* What would be decided by more digits: "black list line 4", "limit night of line 3", "route rule
 * of line 2"; empty: the doubt is none of RULE, LIMIT and LISTED. */
void route_question_divider(const struct ruleset *ruleset, const struct route_question *question,
                            char text[ROUTE_DIVIDER_SIZE]);
