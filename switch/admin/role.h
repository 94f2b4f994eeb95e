/* Who may do what on the admin port. Roles are no ladder: each call names those that may make it.
 *
 * A scoped token (scope.h) makes only calls that look at whose case it is, one of a service point
 * those alone that show it the fields of a repair. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

/* X(name, word, sentence) */
#define ROLE_MAP(X)                                                                                \
    X(NOBODY, "nobody", "no token is needed")                                                      \
    X(VIEWER, "viewer", "looks at the switch and its transactions")                                \
    X(OPERATOR, "operator", "also changes rules, reloads and drains")                              \
    X(AFTER_SALES, "after-sales", "follows up faults, transactions, requests and disputed fees")   \
    X(RISK, "risk", "follows up risk and transactions, and reads all cases")

enum role {
#define X(name, word, text) ROLE_##name,
    ROLE_MAP(X)
#undef X
        ROLE_COUNT
};

#define ROLE_BIT(name) (UINT32_C(1) << ROLE_##name)
/* The call shows a scoped token nothing but what is in its scope. */
#define ROLE_SET_SCOPED (UINT32_C(1) << 31)
/* The call shows a service point the few fields that a repair needs, and nothing else. */
#define ROLE_SET_POINT (UINT32_C(1) << 30)

/* How far a token reaches (scope.h). */
enum role_reach {
    ROLE_REACH_ALL,
    ROLE_REACH_SCOPED, /* some merchants */
    ROLE_REACH_POINT   /* the cases that are with a service point, for a third party's people */
};

/* X(name, roles, sentence): the sets that endpoint.def chooses from. Cases hold merchants' data, so
 * that operators are not among those who read them. */
#define ROLE_SET_MAP(X)                                                                            \
    X(NOBODY, 0, "no token is needed")                                                             \
    X(ANYBODY,                                                                                     \
      ROLE_BIT(VIEWER) | ROLE_BIT(OPERATOR) | ROLE_BIT(AFTER_SALES) | ROLE_BIT(RISK) |             \
          ROLE_SET_SCOPED,                                                                         \
      "any token but a service point's: no merchant's data")                                       \
    X(ROWS,                                                                                        \
      ROLE_BIT(VIEWER) | ROLE_BIT(OPERATOR) | ROLE_BIT(AFTER_SALES) | ROLE_BIT(RISK) |             \
          ROLE_SET_SCOPED,                                                                         \
      "any token but a service point's: a scoped one sees rows of its merchants")                  \
    X(UNSCOPED, ROLE_BIT(VIEWER) | ROLE_BIT(OPERATOR) | ROLE_BIT(AFTER_SALES) | ROLE_BIT(RISK),    \
      "any token without a scope")                                                                 \
    X(VIEWER, ROLE_BIT(VIEWER) | ROLE_BIT(OPERATOR), "viewer, operator")                           \
    X(OPERATOR, ROLE_BIT(OPERATOR), "operator")                                                    \
    X(DESK, ROLE_BIT(OPERATOR) | ROLE_BIT(AFTER_SALES) | ROLE_BIT(RISK),                           \
      "operator, after-sales, risk; no scoped token")                                              \
    X(FOLLOW_UP, ROLE_BIT(AFTER_SALES) | ROLE_BIT(RISK), "after-sales, risk; no scoped token")     \
    X(CASES, ROLE_BIT(AFTER_SALES) | ROLE_BIT(RISK) | ROLE_SET_SCOPED, "after-sales, risk")        \
    X(REPAIRS, ROLE_BIT(AFTER_SALES) | ROLE_BIT(RISK) | ROLE_SET_SCOPED | ROLE_SET_POINT,          \
      "after-sales, risk, and for its own cases a service point")                                  \
    X(RISK, ROLE_BIT(RISK), "risk")

enum role_set {
#define X(name, roles, text) ROLE_SET_OF_##name,
    ROLE_SET_MAP(X)
#undef X
        ROLE_SET_COUNT
};

const char *role_word(enum role role);
/* -1: no role that a token can have is called so. */
int role_find(const char *word);
/* "viewer, operator, after-sales or risk", for sentences. */
#define ROLE_WORDS "viewer, operator, after-sales or risk"

/* Who may make a call of that set, for sentences: "after-sales, risk". */
const char *role_set_words(enum role_set set);
/* Whether a token of that role and reach may make a call of that set. */
bool role_may(enum role role, enum role_reach reach, enum role_set set);
