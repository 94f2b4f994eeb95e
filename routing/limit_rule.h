/* Limits: how much, how often, and for whom; the file `limits.yaml`.
 *
 * Each rule says which payments are held against it (`when`), whose usage it looks at (`per`), and
 * its bounds. The usage itself is counted by the engine and comes in with the payment: what the key
 * has taken in that day and month, whatever `when` says. All rules that fit are held; the first one
 * in the file that is broken answers.
 *
 * Life:  limit_rules_compile -> check, explain ... -> destroy
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "protocols/base/document.h"
#include "routing/bin_table.h"
#include "routing/condition.h"

#define LIMIT_RULE_COUNT_MAX 256 /* all are looked at for each payment */
#define LIMIT_NAME_SIZE 32
#define LIMIT_NONE INT64_MAX

/* X(NAME, "word", sentence): whose usage is limited. */
#define LIMIT_SCOPE_MAP(X)                                                                         \
    X(TRANSACTION, "transaction", "each payment by itself")                                        \
    X(MERCHANT, "merchant", "all that a merchant takes")                                           \
    X(TERMINAL, "terminal", "all that a terminal takes")                                           \
    X(CARD, "card", "all that a card pays, wherever")                                              \
    X(TERMINAL_AND_CARD, "terminal_and_card", "what a card pays at one terminal")                  \
    X(MERCHANT_AND_CARD, "merchant_and_card", "what a card pays at one merchant")

enum limit_scope {
#define X(name, word, text) LIMIT_##name,
    LIMIT_SCOPE_MAP(X)
#undef X
        LIMIT_SCOPE_COUNT
};
#define LIMIT_SCOPE_BIT(scope) (UINT32_C(1) << (scope))
#define LIMIT_CARD_SCOPES                                                                          \
    (LIMIT_SCOPE_BIT(LIMIT_CARD) | LIMIT_SCOPE_BIT(LIMIT_TERMINAL_AND_CARD) |                      \
     LIMIT_SCOPE_BIT(LIMIT_MERCHANT_AND_CARD))
const char *limit_scope_word(enum limit_scope scope);
#define LIMIT_SCOPES_TEXT_SIZE 96
/* "card, merchant_and_card" of LIMIT_SCOPE_BITs. */
void limit_scopes_text(uint32_t scopes, char text[LIMIT_SCOPES_TEXT_SIZE]);

/* X(NAME, "member", response code, sentence): what a rule may bound, both ends included. */
#define LIMIT_BOUND_MAP(X)                                                                         \
    X(AMOUNT_MIN, "amount_min", "13", "the least that one payment may be")                         \
    X(AMOUNT_MAX, "amount_max", "61", "the most that one payment may be")                          \
    X(DAY_AMOUNT, "day_amount_max", "61", "the most in a day, this payment included")              \
    X(DAY_COUNT, "day_count_max", "65", "so many payments in a day, this one included")            \
    X(MONTH_AMOUNT, "month_amount_max", "61", "the most in a month, this payment included")

enum limit_bound {
#define X(name, member, code, text) LIMIT_BOUND_##name,
    LIMIT_BOUND_MAP(X)
#undef X
        LIMIT_BOUND_COUNT
};

struct limit_rule {
    struct condition condition; /* owner */
    uint32_t line;              /* in its file */
    char name[LIMIT_NAME_SIZE];
    uint8_t scope;                     /* enum limit_scope */
    int64_t bounds[LIMIT_BOUND_COUNT]; /* minor units, or a count; LIMIT_NONE: not stated */
    char response_code[3];             /* empty: the bound's own */
};

/* What a key has taken, without this payment: of one day, and of its month. */
struct limit_use {
    int64_t day_count, day_minor, month_minor;
};

/* A payment as it is held against the rules. */
struct limit_subject {
    enum payment_kind kind;
    bool has_card; /* a payment by code has none; rules per card are not about it */
    int64_t amount_minor;
    const struct limit_use *uses; /* LIMIT_SCOPE_COUNT of them */
};

/* The rule that is broken. */
struct limit_breach {
    const struct limit_rule *rule; /* the rules' */
    enum limit_bound bound;
    int64_t reached; /* where it would stand with this payment */
};

struct limit_rules;

/* Compiles a limits document; groups that rules name must be in `bins`. Faults go into it: unknown
 * words (with the nearest), no bound at all, bounds that exclude each other or are never reached, a
 * name given twice, a rule that one above it always decides for. `currency`: of amounts in force
 * (the fees file's); another one is a fault. NULL: faulty or no memory. */
struct limit_rules *limit_rules_compile(struct document *document, const struct bin_table *bins,
                                        uint16_t currency);
void limit_rules_destroy(struct limit_rules *rules);
uint32_t limit_rules_count(const struct limit_rules *rules);
const struct limit_rule *limit_rules_at(const struct limit_rules *rules, uint32_t index);
const struct condition_form *limit_rules_form(const struct limit_rules *rules);
/* LIMIT_SCOPE_BIT of those whose usage has to be counted. */
uint32_t limit_rules_scopes(const struct limit_rules *rules);

/* Whether payments of this kind may be limited at all: what takes money, and a refund by rules that
 * name it. What undoes, and what has happened already (advices, completions), is never refused. */
bool limit_kind_is_limited(enum payment_kind kind);
/* Whether the rule looks at such a payment. */
bool limit_rule_fits(const struct limit_rule *rule, const struct condition_facts *facts,
                     const struct limit_subject *subject);
/* Where the payment brings the bound. */
int64_t limit_rule_reached(const struct limit_rule *rule, enum limit_bound bound,
                           const struct limit_subject *subject);
/* False: all that fit are kept. */
bool limit_rules_break(const struct limit_rules *rules, const struct condition_facts *facts,
                       const struct limit_subject *subject, struct limit_breach *breach);
/* Field 39 of the refusal. */
const char *limit_breach_code(const struct limit_breach *breach);
const char *limit_bound_member(enum limit_bound bound);

/* Each rule that fits, each of its bounds, and where the payment brings it; a line each. At most
 * text_size - 1 characters; how many. */
uint32_t limit_rules_explain(const struct limit_rules *rules, const struct condition_facts *facts,
                             const struct limit_subject *subject, char *text, uint32_t text_size);
