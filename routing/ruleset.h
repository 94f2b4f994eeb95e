/* Everything a payment is decided by, in one version: tables, channels, rules, fee plans.
 *
 * Built aside, frozen, then swapped in whole between two events of the engine; a payment keeps what
 * it was decided with (channel, fee, version) and never looks twice (I30).
 *
 * Life:  ruleset_create -> fill tables, compile rules -> freeze -> decide, explain ... -> destroy
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "protocols/base/document.h"
#include "protocols/base/money.h"
#include "protocols/payment.h"
#include "routing/agent_table.h"
#include "routing/bin_table.h"
#include "routing/black_list.h"
#include "routing/channel_health.h"
#include "routing/channel_table.h"
#include "routing/download_table.h"
#include "routing/fee_plan.h"
#include "routing/limit_rule.h"
#include "routing/merchant_table.h"
#include "routing/terminal_table.h"

#define ROUTE_CANDIDATE_COUNT_MAX 4
#define ROUTE_EXPLANATION_SIZE 4096

/* X(name, response code, sentence): what a decision may come to. */
#define ROUTE_ANSWER_MAP(X)                                                                        \
    X(FOUND, "00", "a channel was found")                                                          \
    X(TERMINAL_UNKNOWN, "97", "the terminal is not registered")                                    \
    X(TERMINAL_STOPPED, "58", "the terminal is not active")                                        \
    X(MERCHANT_UNKNOWN, "03", "the merchant is not registered")                                    \
    X(MERCHANT_STOPPED, "03", "the merchant is not active")                                        \
    X(MERCHANT_MISMATCH, "03", "the terminal is bound to another merchant")                        \
    X(AMOUNT_INVALID, "13", "the amount is zero, too large, or of another currency")               \
    X(CARD_INVALID, "14", "the card number has a wrong length or check digit")                     \
    X(NO_ISSUER, "15", "no BIN range holds this card")                                             \
    X(NO_ROUTE, "15", "no route rule fits this payment")                                           \
    X(NOT_SUPPORTED, "40", "the route does not offer this transaction type")                       \
    X(NO_FEE, "96", "no fee plan fits this payment")                                               \
    X(LIMIT_AMOUNT, "61", "above the amount limit")                                                \
    X(CODE_UNKNOWN, "14", "the payment code is of no wallet or scheme known here")                 \
    X(CHANNEL_TRIPPED, "91", "the breaker of each channel that could take it is open")             \
    X(LIMIT_AMOUNT_LOW, "13", "below the least amount of a limit rule")                            \
    X(LIMIT_DAY_AMOUNT, "61", "above what a limit rule lets be taken in a day")                    \
    X(LIMIT_DAY_COUNT, "65", "more payments than a limit rule allows in a day")                    \
    X(LIMIT_MONTH_AMOUNT, "61", "above what a limit rule lets be taken in a month")                \
    X(CARD_LISTED, "62", "the card is on the black list")                                          \
    X(MERCHANT_LISTED, "03", "the merchant is on the black list")                                  \
    X(TERMINAL_LISTED, "58", "the terminal is on the black list")                                  \
    X(CODE_LISTED, "62", "the payment code is on the black list")

enum route_answer {
#define X(name, code, text) ROUTE_##name,
    ROUTE_ANSWER_MAP(X)
#undef X
        ROUTE_ANSWER_COUNT
};

const char *route_answer_code(enum route_answer answer); /* field 39 */
const char *route_answer_text(enum route_answer answer);

struct route_decision {
    enum route_answer answer;
    uint8_t channel_count;
    uint16_t channels[ROUTE_CANDIDATE_COUNT_MAX]; /* indexes into the channel table, best first */
    uint32_t rule;                                /* line of the route rule in its file */
    uint32_t version;                             /* of the ruleset */
    struct fee_quote fee;
    const struct terminal_row *terminal; /* the ruleset's; NULL when unknown */
    const struct merchant_row *merchant;
    const struct bin_rule *bin;
    struct limit_breach breach;          /* LIMIT_: rule NULL where the merchant's own limit is */
    const struct black_list_row *listed; /* _LISTED; the ruleset's */
};
/* Field 39 of a refusal: of the rule or row that refused, else the answer's. */
const char *route_decision_code(const struct route_decision *decision);

struct ruleset;

struct ruleset_limits {
    uint32_t bin_count_max, merchant_count_max, terminal_count_max;
};

struct ruleset *ruleset_create(uint32_t version, const struct ruleset_limits *limits);
void ruleset_destroy(struct ruleset *ruleset);
uint32_t ruleset_version(const struct ruleset *ruleset);

/* The tables, to be filled before ruleset_freeze; afterwards only the views may be asked for. The
 * ruleset's. */
struct bin_table *ruleset_bins(struct ruleset *ruleset);
struct merchant_table *ruleset_merchants(struct ruleset *ruleset);
struct terminal_table *ruleset_terminals(struct ruleset *ruleset);
struct channel_table *ruleset_channels(struct ruleset *ruleset);
const struct channel_table *ruleset_channel_view(const struct ruleset *ruleset);
const struct terminal_table *ruleset_terminal_view(const struct ruleset *ruleset);

/* What terminals download, frozen; the ruleset owns it from here on. Without it nothing is offered
 * (the view is NULL). */
void ruleset_take_downloads(struct ruleset *ruleset, struct download_table *downloads);
const struct download_table *ruleset_download_view(const struct ruleset *ruleset);

/* The sales agents, frozen; the ruleset owns them from here on, and merchants name their rows from
 * 1. Without them no merchant has an agent (the view is NULL). */
void ruleset_take_agents(struct ruleset *ruleset, struct agent_table *agents);
const struct agent_table *ruleset_agent_view(const struct ruleset *ruleset);
/* The agent that brought this merchant, or NULL. The ruleset's. */
const struct agent_row *ruleset_agent_of(const struct ruleset *ruleset,
                                         const struct merchant_row *merchant);

/* The black list, frozen; the ruleset owns it from here on. Without it nobody is listed (the view
 * is NULL). */
void ruleset_take_black_list(struct ruleset *ruleset, struct black_list *list);
const struct black_list *ruleset_black_list_view(const struct ruleset *ruleset);

/* Compiles the rules of a routes file and of a fees file, which may name what the tables hold: BINs
 * are filled before, fees compiled before routes. Faults (unknown channel, unreachable rule, two
 * equally specific fee rules …) go into the document. */
void ruleset_compile_routes(struct ruleset *ruleset, struct document *document);
void ruleset_compile_fees(struct ruleset *ruleset, struct document *document);
/* The same of a limits file, after the fees: its amounts are of their currency. Without one nothing
 * is limited but by merchants' rows. */
void ruleset_compile_limits(struct ruleset *ruleset, struct document *document);
/* LIMIT_SCOPE_BIT of those whose usage has to come with each payment: of limit rules, and the
 * merchants', whose month prices depend on. */
uint32_t ruleset_usage_scopes(const struct ruleset *ruleset);
/* Still the ruleset's. NULL: there is no limits file. */
const struct limit_rules *ruleset_limit_rules(const struct ruleset *ruleset);

/* Sorts and checks. STATUS_DUPLICATE: a key stands twice in a table. STATUS_MISSING: a merchant's
 * plan or a terminal's merchant is nowhere, or no rules were compiled. STATUS_NO_MEMORY. `reason`
 * says what; the ruleset can then only be destroyed. */
MUST_CHECK enum status ruleset_freeze(struct ruleset *ruleset, char reason[160]);

/* What freeze failed on, so that a loader can name the line: which table, and the key in it. */
enum ruleset_part { RULESET_FILES, RULESET_BINS, RULESET_MERCHANTS, RULESET_TERMINALS };
struct ruleset_fault {
    enum ruleset_part part;
    char key[24];
};
const struct ruleset_fault *ruleset_freeze_fault(const struct ruleset *ruleset);
/* The fee plans, NULL before they are compiled. The ruleset's. */
const struct fee_plan_set *ruleset_fee_plans(const struct ruleset *ruleset);
/* What is no fault of the routes file but should be known, lines "file:line: sentence"; "": none.
 */
const char *ruleset_notes(const struct ruleset *ruleset);
/* Tells each merchant, agent, brand and model of route rules that no row of the tables has; after
 * freeze. STATUS_NO_MEMORY. */
struct ruleset_stranger {
    uint32_t line;       /* of the rule */
    const char *part;    /* "merchant" */
    const char *name;    /* as the rule has it */
    const char *nearest; /* NULL: nothing is near */
};
struct ruleset_name_sink {
    void (*on_stranger)(void *argument, const struct ruleset_stranger *stranger);
    void *argument;
};
MUST_CHECK enum status ruleset_check_names(const struct ruleset *ruleset,
                                           const struct ruleset_name_sink *sink);
/* The same of limit rules. */
MUST_CHECK enum status ruleset_check_limit_names(const struct ruleset *ruleset,
                                                 const struct ruleset_name_sink *sink);
/* When the breaker of a channel opens. The ruleset's. */
const struct health_limits *ruleset_breaker(const struct ruleset *ruleset, uint16_t channel);
const struct merchant_table *ruleset_merchant_view(const struct ruleset *ruleset);
const struct bin_table *ruleset_bin_view(const struct ruleset *ruleset);

/* Whether terminal and merchant may act at all: for sign-on and management messages. */
enum route_answer ruleset_admit(const struct ruleset *ruleset, const struct payment *payment,
                                const struct terminal_row **terminal);

/* What a decision depends on besides the payment and the rules. */
struct route_context {
    int64_t wall_us;        /* wall time of the event: rules are dated */
    uint64_t channel_is_up; /* bit set by channel index: the others are put last */
    int64_t month_minor;    /* what the merchant has taken this month, without this payment */
    /* The same of all keys that limits look at; of scopes that ruleset_usage_scopes() names. */
    struct limit_use uses[LIMIT_SCOPE_COUNT];
    uint64_t now_ns;                     /* the breakers' clock */
    const struct channel_health *health; /* NULL: no breaker is open */
    const uint8_t *health_places;        /* by channel index: its number in `health` */
    bool is_bound;                       /* it has to go to `bound_channel`, whatever rules say */
    uint16_t bound_channel;
};

/* Decides where a financial request goes and what it costs; no allocation, no clock. */
void ruleset_decide(const struct ruleset *ruleset, const struct payment *payment,
                    const struct route_context *context, struct route_decision *decision);

/* The same decision in words: each step with the rule, its line and the inputs. */
void ruleset_explain(const struct ruleset *ruleset, const struct payment *payment,
                     const struct route_context *context, char text[ROUTE_EXPLANATION_SIZE]);
