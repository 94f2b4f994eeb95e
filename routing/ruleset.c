/* See ruleset.h: building, and the decision itself. ruleset_explain.c says it in words. */
#include "routing/ruleset.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "protocols/base/require.h"
#include "routing/pay_code.h"
#include "routing/route_choice.h"
#include "routing/ruleset_parts.h"

_Static_assert(ROUTE_CANDIDATE_COUNT_MAX >= ROUTE_RULE_CHANNEL_COUNT_MAX, "a rule's channels fit");

static const struct {
    const char *code, *text;
} ANSWERS[] = {
#define X(name, code, text) [ROUTE_##name] = {code, text},
    ROUTE_ANSWER_MAP(X)
#undef X
};

const char *route_answer_code(enum route_answer answer)
{
    REQUIRE(answer < ROUTE_ANSWER_COUNT);
    return ANSWERS[answer].code;
}

const char *route_answer_text(enum route_answer answer)
{
    REQUIRE(answer < ROUTE_ANSWER_COUNT);
    return ANSWERS[answer].text;
}

const char *route_decision_code(const struct route_decision *decision)
{
    if (decision->listed != NULL) {
        return black_list_code(decision->listed);
    }
    return decision->breach.rule != NULL ? limit_breach_code(&decision->breach)
                                         : route_answer_code(decision->answer);
}

struct ruleset *ruleset_create(uint32_t version, const struct ruleset_limits *limits)
{
    struct ruleset *ruleset = calloc(1, sizeof(*ruleset));
    if (ruleset == NULL) {
        return NULL;
    }
    ruleset->version = version;
    ruleset->bins = bin_table_create(limits->bin_count_max);
    ruleset->merchants = merchant_table_create(limits->merchant_count_max);
    ruleset->terminals = terminal_table_create(limits->terminal_count_max);
    ruleset->channels = channel_table_create();
    if (ruleset->bins == NULL || ruleset->merchants == NULL || ruleset->terminals == NULL ||
        ruleset->channels == NULL) {
        ruleset_destroy(ruleset);
        return NULL;
    }
    return ruleset;
}

void ruleset_destroy(struct ruleset *ruleset)
{
    if (ruleset != NULL) {
        bin_table_destroy(ruleset->bins);
        merchant_table_destroy(ruleset->merchants);
        terminal_table_destroy(ruleset->terminals);
        channel_table_destroy(ruleset->channels);
        route_rules_destroy(ruleset->routes);
        fee_plan_set_destroy(ruleset->fees);
        download_table_destroy(ruleset->downloads);
        agent_table_destroy(ruleset->agents);
        limit_rules_destroy(ruleset->limits);
        black_list_destroy(ruleset->black_list);
        free(ruleset);
    }
}

uint32_t ruleset_version(const struct ruleset *ruleset)
{
    return ruleset->version;
}

struct bin_table *ruleset_bins(struct ruleset *ruleset)
{
    REQUIRE(!ruleset->is_frozen);
    return ruleset->bins;
}

struct merchant_table *ruleset_merchants(struct ruleset *ruleset)
{
    REQUIRE(!ruleset->is_frozen);
    return ruleset->merchants;
}

struct terminal_table *ruleset_terminals(struct ruleset *ruleset)
{
    REQUIRE(!ruleset->is_frozen);
    return ruleset->terminals;
}

struct channel_table *ruleset_channels(struct ruleset *ruleset)
{
    REQUIRE(!ruleset->is_frozen);
    return ruleset->channels;
}

const struct channel_table *ruleset_channel_view(const struct ruleset *ruleset)
{
    return ruleset->channels;
}

const struct terminal_table *ruleset_terminal_view(const struct ruleset *ruleset)
{
    return ruleset->terminals;
}

const struct bin_table *ruleset_bin_view(const struct ruleset *ruleset)
{
    return ruleset->bins;
}

const struct merchant_table *ruleset_merchant_view(const struct ruleset *ruleset)
{
    return ruleset->merchants;
}

const struct fee_plan_set *ruleset_fee_plans(const struct ruleset *ruleset)
{
    return ruleset->fees;
}

void ruleset_take_agents(struct ruleset *ruleset, struct agent_table *agents)
{
    REQUIRE(!ruleset->is_frozen);
    REQUIRE(ruleset->agents == NULL);
    ruleset->agents = agents;
}

const struct agent_table *ruleset_agent_view(const struct ruleset *ruleset)
{
    return ruleset->agents;
}

void ruleset_take_black_list(struct ruleset *ruleset, struct black_list *list)
{
    REQUIRE(!ruleset->is_frozen);
    REQUIRE(ruleset->black_list == NULL);
    ruleset->black_list = list;
}

const struct black_list *ruleset_black_list_view(const struct ruleset *ruleset)
{
    return ruleset->black_list;
}

const struct agent_row *ruleset_agent_of(const struct ruleset *ruleset,
                                         const struct merchant_row *merchant)
{
    return merchant->agent == 0 || ruleset->agents == NULL
               ? NULL
               : agent_table_at(ruleset->agents, merchant->agent - 1u);
}

const char *ruleset_notes(const struct ruleset *ruleset)
{
    return ruleset->routes == NULL ? "" : route_rules_notes(ruleset->routes);
}

const struct health_limits *ruleset_breaker(const struct ruleset *ruleset, uint16_t channel)
{
    REQUIRE(channel < CHANNEL_COUNT_MAX);
    return &ruleset->breakers.channels[channel];
}

const struct ruleset_fault *ruleset_freeze_fault(const struct ruleset *ruleset)
{
    return &ruleset->fault;
}

void ruleset_take_downloads(struct ruleset *ruleset, struct download_table *downloads)
{
    REQUIRE(!ruleset->is_frozen);
    REQUIRE(ruleset->downloads == NULL);
    ruleset->downloads = downloads;
}

const struct download_table *ruleset_download_view(const struct ruleset *ruleset)
{
    return ruleset->downloads;
}

void ruleset_compile_routes(struct ruleset *ruleset, struct document *document)
{
    static const char *const KNOWN[] = {"currency", "utc_offset_hours", "routes", "breaker", NULL};
    REQUIRE(!ruleset->is_frozen);
    REQUIRE(ruleset->routes == NULL);
    const struct route_tables tables = {ruleset->channels, ruleset->bins};
    document_refuse_unknown(document, document_root(document), KNOWN);
    health_rules_read(&ruleset->breakers, document, ruleset->channels);
    ruleset->routes = route_rules_compile(document, &tables);
}

void ruleset_compile_fees(struct ruleset *ruleset, struct document *document)
{
    REQUIRE(!ruleset->is_frozen);
    REQUIRE(ruleset->fees == NULL);
    ruleset->fees = fee_plan_set_compile(document, ruleset->channels);
}

void ruleset_compile_limits(struct ruleset *ruleset, struct document *document)
{
    REQUIRE(!ruleset->is_frozen);
    REQUIRE(ruleset->limits == NULL);
    uint16_t currency = ruleset->fees == NULL ? MONEY_CNY : fee_plan_set_currency(ruleset->fees);
    ruleset->limits = limit_rules_compile(document, ruleset->bins, currency);
}

uint32_t ruleset_usage_scopes(const struct ruleset *ruleset)
{
    uint32_t limited = ruleset->limits == NULL ? 0 : limit_rules_scopes(ruleset->limits);
    return limited | LIMIT_SCOPE_BIT(LIMIT_MERCHANT);
}

const struct limit_rules *ruleset_limit_rules(const struct ruleset *ruleset)
{
    return ruleset->limits;
}

static enum status freeze_fails(struct ruleset *ruleset, enum ruleset_part part, const char *key,
                                enum status status)
{
    REQUIRE(status != STATUS_OK);
    ruleset->fault.part = part;
    snprintf(ruleset->fault.key, sizeof(ruleset->fault.key), "%s", key);
    return status;
}

static enum status freeze_tables(struct ruleset *ruleset)
{
    struct bin_rule rule = {0};
    char merchant_id[16] = "";
    char terminal_id[9] = "";
    char prefix[24];
    enum status status = bin_table_freeze(ruleset->bins, &rule);
    if (status != STATUS_OK) {
        snprintf(prefix, sizeof(prefix), "%0*" PRIu64, rule.digit_count, rule.prefix);
        return freeze_fails(ruleset, RULESET_BINS, prefix, status);
    }
    status = merchant_table_freeze(ruleset->merchants, merchant_id);
    if (status != STATUS_OK) {
        return freeze_fails(ruleset, RULESET_MERCHANTS, merchant_id, status);
    }
    status = terminal_table_freeze(ruleset->terminals, terminal_id);
    return status == STATUS_OK ? STATUS_OK
                               : freeze_fails(ruleset, RULESET_TERMINALS, terminal_id, status);
}

static enum status freeze_plans(struct ruleset *ruleset)
{
    for (uint32_t i = 0; i < merchant_table_count(ruleset->merchants); i++) {
        const struct merchant_row *merchant = merchant_table_at(ruleset->merchants, i);
        if (!fee_plan_set_has(ruleset->fees, merchant->plan)) {
            return freeze_fails(ruleset, RULESET_MERCHANTS, merchant->merchant_id, STATUS_MISSING);
        }
    }
    return STATUS_OK;
}

/* Binds each terminal to its merchant's row, so that a payment need not look it up. */
static enum status freeze_bindings(struct ruleset *ruleset)
{
    uint32_t count = terminal_table_count(ruleset->terminals);
    for (uint32_t i = 0; i < count; i++) {
        const struct terminal_row *terminal = terminal_table_at(ruleset->terminals, i);
        const struct merchant_row *merchant =
            merchant_table_find(ruleset->merchants, terminal->merchant_id);
        if (merchant == NULL) {
            return freeze_fails(ruleset, RULESET_TERMINALS, terminal->terminal_id, STATUS_MISSING);
        }
        terminal_table_bind(ruleset->terminals, i,
                            merchant_table_index(ruleset->merchants, merchant));
    }
    return STATUS_OK;
}

static void freeze_reason(const struct ruleset *ruleset, enum status status, char reason[160])
{
    static const char *const TABLES[] = {
        [RULESET_BINS] = "BIN prefix",
        [RULESET_MERCHANTS] = "merchant",
        [RULESET_TERMINALS] = "terminal",
    };
    const struct ruleset_fault *fault = &ruleset->fault;
    if (fault->part == RULESET_FILES) {
        snprintf(reason, 160, "no %s were compiled", fault->key);
    } else if (status == STATUS_MISSING) {
        snprintf(reason, 160, "%s %s: its %s", TABLES[fault->part], fault->key,
                 fault->part == RULESET_MERCHANTS ? "plan is not in the fees file"
                                                  : "merchant is not registered");
    } else {
        snprintf(reason, 160, "%s %s: %s", TABLES[fault->part], fault->key, status_text(status));
    }
}

enum status ruleset_freeze(struct ruleset *ruleset, char reason[160])
{
    REQUIRE(!ruleset->is_frozen);
    reason[0] = '\0';
    enum status status = STATUS_OK;
    if (ruleset->routes == NULL || ruleset->fees == NULL) {
        status =
            freeze_fails(ruleset, RULESET_FILES,
                         ruleset->routes == NULL ? "route rules" : "fee plans", STATUS_MISSING);
    }
    if (status == STATUS_OK) {
        status = freeze_tables(ruleset);
    }
    if (status == STATUS_OK) {
        status = freeze_plans(ruleset);
    }
    if (status == STATUS_OK) {
        status = freeze_bindings(ruleset);
    }
    if (status != STATUS_OK) {
        freeze_reason(ruleset, status, reason);
        return status;
    }
    ruleset->is_frozen = true;
    return STATUS_OK;
}

/* The rows come from memory while the card's range is being looked for, and the other way round. */
static enum route_answer admit(const struct ruleset *ruleset, const struct payment *payment,
                               struct bin_search *search, struct route_decision *decision)
{
    uint32_t merchant_index = 0;
    decision->terminal =
        terminal_table_find_bound(ruleset->terminals, payment->terminal_id, &merchant_index);
    if (decision->terminal == NULL) {
        return ROUTE_TERMINAL_UNKNOWN;
    }
    __builtin_prefetch(decision->terminal);
    merchant_table_fetch(ruleset->merchants, merchant_index);
    bin_table_search_near(ruleset->bins, search);
    if (!decision->terminal->is_active) {
        return ROUTE_TERMINAL_STOPPED;
    }
    if (strcmp(decision->terminal->merchant_id, payment->merchant_id) != 0) {
        decision->merchant = merchant_table_find(ruleset->merchants, payment->merchant_id);
        return decision->merchant == NULL ? ROUTE_MERCHANT_UNKNOWN : ROUTE_MERCHANT_MISMATCH;
    }
    decision->merchant = merchant_table_at(ruleset->merchants, merchant_index);
    return decision->merchant->is_active ? ROUTE_FOUND : ROUTE_MERCHANT_STOPPED;
}

enum route_answer ruleset_admit(const struct ruleset *ruleset, const struct payment *payment,
                                const struct terminal_row **terminal)
{
    REQUIRE(ruleset->is_frozen);
    struct route_decision decision = {0};
    struct bin_search none = {.is_card = false};
    enum route_answer answer = admit(ruleset, payment, &none, &decision);
    *terminal = decision.terminal;
    return answer;
}

bool ruleset_kind_has_amount(enum payment_kind kind)
{
    return kind != PAYMENT_BALANCE && kind != PAYMENT_OTHER_QUERY && kind != PAYMENT_SCRIPT_RESULT;
}

static enum route_answer check_amount(const struct ruleset *ruleset, const struct payment *payment,
                                      const struct merchant_row *merchant)
{
    if (!ruleset_kind_has_amount(payment->kind)) {
        return ROUTE_FOUND;
    }
    if (payment->amount.minor <= 0 || payment->amount.minor > MONEY_MINOR_MAX ||
        payment->amount.currency != fee_plan_set_currency(ruleset->fees)) {
        return ROUTE_AMOUNT_INVALID;
    }
    return merchant->amount_max != 0 && payment->amount.minor > merchant->amount_max
               ? ROUTE_LIMIT_AMOUNT
               : ROUTE_FOUND;
}

/* A payment by QR code carries no card number: the scheme resolves the code. */
static bool is_without_card(const struct payment *payment)
{
    return payment->pan.digit_count == 0 && memcmp(payment->entry_mode, "03", 2) == 0;
}

/* `bin` is what has been found for the card. */
static enum route_answer check_card(const struct payment *payment, const struct bin_rule *bin,
                                    struct route_decision *decision)
{
    enum card_scheme scheme;
    if (is_without_card(payment)) {
        return payment->pay_code[0] == '\0' || pay_code_scheme(payment->pay_code, &scheme)
                   ? ROUTE_FOUND
                   : ROUTE_CODE_UNKNOWN;
    }
    if (payment->pan.digit_count < PAN_DIGITS_MIN || !pan_has_luhn(&payment->pan)) {
        return ROUTE_CARD_INVALID;
    }
    decision->bin = bin;
    if (decision->bin == NULL) {
        return ROUTE_NO_ISSUER;
    }
    return decision->bin->pan_digits != 0 && decision->bin->pan_digits != payment->pan.digit_count
               ? ROUTE_CARD_INVALID
               : ROUTE_FOUND;
}

enum status ruleset_quote(const struct ruleset *ruleset, const struct payment *payment,
                          const struct route_context *context,
                          const struct route_quote_place *place, struct fee_quote *quote)
{
    const struct fee_inputs inputs = {
        .amount = payment->amount,
        .wall_us = context->wall_us,
        .month_minor = context->month_minor,
        .bin = place->decision->bin,
        .merchant = place->decision->merchant,
        .agent = ruleset_agent_of(ruleset, place->decision->merchant),
        .payment = payment,
        .channel = channel_table_at(ruleset->channels, place->channel)->name,
    };
    return fee_quote(ruleset->fees, &inputs, quote);
}

bool ruleset_kind_is_priced(enum payment_kind kind)
{
    return ruleset_kind_has_amount(kind) && kind != PAYMENT_VOID && kind != PAYMENT_OTHER_VOID &&
           kind != PAYMENT_PREAUTH_VOID && kind != PAYMENT_CAPTURE_VOID && kind != PAYMENT_REFUND;
}

static enum route_answer price(const struct ruleset *ruleset, const struct payment *payment,
                               const struct route_context *context, struct route_decision *decision)
{
    if (!ruleset_kind_is_priced(payment->kind)) {
        return ROUTE_FOUND;
    }
    const struct route_quote_place place = {decision, decision->channels[0]};
    return ruleset_quote(ruleset, payment, context, &place, &decision->fee) == STATUS_OK
               ? ROUTE_FOUND
               : ROUTE_NO_FEE;
}

static void facts_fill(const struct ruleset *ruleset, const struct condition_form *form,
                       const struct payment *payment, int64_t wall_us,
                       const struct route_decision *decision, struct condition_facts *facts)
{
    const struct agent_row *agent =
        decision->merchant == NULL ? NULL : ruleset_agent_of(ruleset, decision->merchant);
    const struct condition_subject subject = {
        .payment = payment,
        .amount = payment->amount,
        .wall_us = wall_us,
        .bin = decision->bin,
        .merchant = decision->merchant,
        .terminal = decision->terminal,
        .bin_group = decision->bin == NULL
                         ? NULL
                         : bin_table_group_name(ruleset->bins, decision->bin->group),
        .agent = agent == NULL ? NULL : agent->agent_id,
    };
    condition_facts_fill(facts, &subject, form);
}

void ruleset_facts(const struct ruleset *ruleset, const struct payment *payment, int64_t wall_us,
                   const struct route_decision *decision, struct condition_facts *facts)
{
    facts_fill(ruleset, route_rules_form(ruleset->routes), payment, wall_us, decision, facts);
}

void ruleset_limit_facts(const struct ruleset *ruleset, const struct payment *payment,
                         int64_t wall_us, const struct route_decision *decision,
                         struct condition_facts *facts)
{
    facts_fill(ruleset, limit_rules_form(ruleset->limits), payment, wall_us, decision, facts);
}

struct limit_subject ruleset_limit_subject(const struct payment *payment,
                                           const struct route_context *context)
{
    return (struct limit_subject){.kind = payment->kind,
                                  .has_card = payment->pan.digit_count > 0,
                                  .amount_minor = payment->amount.minor,
                                  .uses = context->uses};
}

static enum route_answer check_listed(const struct ruleset *ruleset, const struct payment *payment,
                                      const struct route_context *context,
                                      struct route_decision *decision)
{
    static const enum route_answer ANSWERS_OF[] = {
        [BLACK_LIST_CARD_HASH] = ROUTE_CARD_LISTED,
        [BLACK_LIST_BIN] = ROUTE_CARD_LISTED,
        [BLACK_LIST_MERCHANT] = ROUTE_MERCHANT_LISTED,
        [BLACK_LIST_TERMINAL] = ROUTE_TERMINAL_LISTED,
        [BLACK_LIST_PAY_CODE_PREFIX] = ROUTE_CODE_LISTED,
    };
    if (ruleset->black_list == NULL || !black_list_kind_is_held(payment->kind)) {
        return ROUTE_FOUND;
    }
    decision->listed = black_list_find(ruleset->black_list, payment, context->wall_us);
    return decision->listed == NULL ? ROUTE_FOUND : ANSWERS_OF[decision->listed->kind];
}

static enum route_answer check_limits(const struct ruleset *ruleset, const struct payment *payment,
                                      const struct route_context *context,
                                      struct route_decision *decision)
{
    static const enum route_answer ANSWERS_OF[] = {
        [LIMIT_BOUND_AMOUNT_MIN] = ROUTE_LIMIT_AMOUNT_LOW,
        [LIMIT_BOUND_AMOUNT_MAX] = ROUTE_LIMIT_AMOUNT,
        [LIMIT_BOUND_DAY_AMOUNT] = ROUTE_LIMIT_DAY_AMOUNT,
        [LIMIT_BOUND_DAY_COUNT] = ROUTE_LIMIT_DAY_COUNT,
        [LIMIT_BOUND_MONTH_AMOUNT] = ROUTE_LIMIT_MONTH_AMOUNT,
    };
    struct condition_facts facts;
    if (ruleset->limits == NULL || !limit_kind_is_limited(payment->kind)) {
        return ROUTE_FOUND;
    }
    const struct limit_subject subject = ruleset_limit_subject(payment, context);
    ruleset_limit_facts(ruleset, payment, context->wall_us, decision, &facts);
    return limit_rules_break(ruleset->limits, &facts, &subject, &decision->breach)
               ? ANSWERS_OF[decision->breach.bound]
               : ROUTE_FOUND;
}

/* The rule that fits, and which of its channels; what follows an original goes where that went. */
static enum route_answer find_route(const struct ruleset *ruleset, const struct payment *payment,
                                    const struct route_context *context,
                                    struct route_decision *decision)
{
    if (context->is_bound) {
        decision->channels[decision->channel_count++] = context->bound_channel;
        return ROUTE_FOUND;
    }
    struct condition_facts facts;
    ruleset_facts(ruleset, payment, context->wall_us, decision, &facts);
    const struct route_rule *rule = route_rules_find(ruleset->routes, &facts);
    if (rule == NULL) {
        return ROUTE_NO_ROUTE;
    }
    decision->rule = rule->line;
    return route_choose(ruleset, rule, payment, context, decision);
}

static enum route_answer decide(const struct ruleset *ruleset, const struct payment *payment,
                                const struct route_context *context,
                                struct route_decision *decision)
{
    struct bin_search search;
    bin_table_search_begin(ruleset->bins, &payment->pan, &search);
    enum route_answer answer = admit(ruleset, payment, &search, decision);
    if (answer == ROUTE_FOUND) {
        const struct bin_rule *bin = bin_table_search_end(ruleset->bins, &search);
        answer = check_amount(ruleset, payment, decision->merchant);
        answer = answer == ROUTE_FOUND ? check_card(payment, bin, decision) : answer;
    }
    /* What follows an original was held against them before, and is priced here only. */
    if (answer == ROUTE_FOUND && !context->is_bound) {
        answer = check_listed(ruleset, payment, context, decision);
        answer = answer == ROUTE_FOUND ? check_limits(ruleset, payment, context, decision) : answer;
    }
    if (answer != ROUTE_FOUND) {
        return answer;
    }
    answer = find_route(ruleset, payment, context, decision);
    return answer == ROUTE_FOUND ? price(ruleset, payment, context, decision) : answer;
}

void ruleset_decide(const struct ruleset *ruleset, const struct payment *payment,
                    const struct route_context *context, struct route_decision *decision)
{
    REQUIRE(ruleset->is_frozen);
    REQUIRE(payment->kind < PAYMENT_KIND_COUNT);
    *decision = (struct route_decision){.version = ruleset->version};
    decision->answer = decide(ruleset, payment, context, decision);
    if (decision->answer != ROUTE_FOUND) {
        decision->channel_count = 0;
    }
}
