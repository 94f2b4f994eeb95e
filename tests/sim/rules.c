/* See rules.h. */
#include "tests/sim/rules.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "config/yaml_file.h"
#include "protocols/payment.h"

static const char ROUTES[] = "routes:\n"
                             "  - when: {merchant: '102290058120002'}\n"
                             "    channels: [bank_b, bank_a]\n"
                             "  - channels: [bank_a, bank_b]\n";

/* Basis points: 0.60 %, then 0.38 %. */
static const int64_t MERCHANT_FEE_BP[SIM_RULES_COUNT] = {60, 38};

static const char FEES[] =
    "currency: 156\n"
    "plans:\n"
    "  SP1:\n"
    "    rules:\n"
    "      - {rate: 0.%02lld%%}\n"
    "cost:\n"
    "  - {scheme: unionpay, issuer_fee: {rate: 0.25%%}, scheme_fee: {rate: 0.0325%%, cap: 3.25}}\n"
    "  - {issuer_fee: {rate: 0.30%%}, scheme_fee: {rate: 0.02%%}}\n";

/* The first merchant's agent, and that one's parent: own price and part, in basis points. */
static const struct {
    const char *id;
    int64_t cost_bp, ratio_bp;
} AGENTS[] = {{"A1", 30, 5000}, {"B1", 28, 8000}};
#define AGENT_COUNT (sizeof(AGENTS) / sizeof(AGENTS[0]))
#define AGENT_MERCHANT "102290058120001"

static void check(bool is_ok, const char *what)
{
    if (!is_ok) {
        fprintf(stderr, "rules: %s\n", what);
        exit(2);
    }
}

static void add_cards(struct ruleset *ruleset)
{
    struct bin_rule ours = {.prefix = 62, .digit_count = 2, .card_type = CARD_TYPE_CREDIT};
    struct bin_rule foreign = {
        .prefix = 4, .digit_count = 1, .scheme = CARD_SCHEME_VISA, .card_type = CARD_TYPE_FOREIGN};
    check(bin_table_add(ruleset_bins(ruleset), &ours) == STATUS_OK, "a BIN was refused");
    check(bin_table_add(ruleset_bins(ruleset), &foreign) == STATUS_OK, "a BIN was refused");
}

static void add_agents(struct ruleset *ruleset)
{
    struct agent_table *agents = agent_table_create(AGENT_COUNT);
    const struct agent_row *fault = NULL;
    check(agents != NULL, "no memory");
    for (unsigned i = 0; i < AGENT_COUNT; i++) {
        struct agent_row agent = {.cost_rate_e8 = AGENTS[i].cost_bp * 10000,
                                  .cost_cap = FEE_NO_CAP,
                                  .ratio_e8 = AGENTS[i].ratio_bp * 10000};
        snprintf(agent.agent_id, sizeof(agent.agent_id), "%s", AGENTS[i].id);
        snprintf(agent.parent_id, sizeof(agent.parent_id), "%s",
                 i + 1 < AGENT_COUNT ? AGENTS[i + 1].id : "");
        check(agent_table_add(agents, &agent) == STATUS_OK, "an agent was refused");
    }
    check(agent_table_freeze(agents, &fault) == STATUS_OK, "the agents were refused");
    ruleset_take_agents(ruleset, agents);
}

static void add_people(struct ruleset *ruleset, uint32_t terminal_count)
{
    for (unsigned i = 1; i <= 2; i++) {
        struct merchant_row merchant = {
            .mcc = "5812", .plan = "SP1", .is_active = true, .name = "Small"};
        snprintf(merchant.merchant_id, sizeof(merchant.merchant_id), "10229005812000%u", i);
        bool has_agent = strcmp(merchant.merchant_id, AGENT_MERCHANT) == 0;
        merchant.agent =
            has_agent ? (uint16_t)(agent_table_find(ruleset_agent_view(ruleset), AGENTS[0].id) + 1)
                      : 0;
        check(merchant_table_add(ruleset_merchants(ruleset), &merchant) == STATUS_OK,
              "a merchant was refused");
    }
    for (unsigned i = 0; i < terminal_count; i++) {
        struct terminal_row terminal = {.is_active = true};
        snprintf(terminal.terminal_id, sizeof(terminal.terminal_id), "%08u", 10000001 + i);
        snprintf(terminal.merchant_id, sizeof(terminal.merchant_id), "10229005812000%u", i % 2 + 1);
        check(terminal_table_add(ruleset_terminals(ruleset), &terminal) == STATUS_OK,
              "a terminal was refused");
    }
}

static void add_channels(struct ruleset *ruleset)
{
    static const char *const CHANNELS[] = {"bank_a", "bank_b"};
    for (unsigned i = 0; i < 2; i++) {
        struct channel_row channel = {.kinds = UINT64_MAX};
        snprintf(channel.name, sizeof(channel.name), "%s", CHANNELS[i]);
        check(channel_table_add(ruleset_channels(ruleset), &channel) == STATUS_OK,
              "a channel was refused");
    }
}

typedef void compile_function(struct ruleset *ruleset, struct document *document);

static void compile_text(struct ruleset *ruleset, const char *name, const char *text,
                         compile_function *compile)
{
    struct document *document = yaml_file_parse(name, text, (uint32_t)strlen(text));
    check(document != NULL, "no memory");
    if (document_fault_count(document) == 0) {
        compile(ruleset, document);
    }
    check(document_fault_count(document) == 0,
          document_fault_count(document) > 0 ? document_fault_text(document, 0) : "");
    document_destroy(document);
}

struct ruleset *rules_create(uint32_t version, uint32_t terminal_count)
{
    struct ruleset *ruleset =
        ruleset_create(version, &(struct ruleset_limits){8, 8, terminal_count});
    check(ruleset != NULL, "no memory");
    add_cards(ruleset);
    add_agents(ruleset);
    add_people(ruleset, terminal_count);
    add_channels(ruleset);
    char fees[sizeof(FEES) + 16];
    snprintf(fees, sizeof(fees), FEES, (long long)MERCHANT_FEE_BP[version - 1]);
    compile_text(ruleset, "routes", ROUTES, ruleset_compile_routes);
    compile_text(ruleset, "fees", fees, ruleset_compile_fees);
    char reason[160];
    check(ruleset_freeze(ruleset, reason) == STATUS_OK, reason);
    return ruleset;
}

int64_t rules_merchant_fee(uint32_t version, int64_t amount)
{
    return (amount * MERCHANT_FEE_BP[version - 1] + 5000) / 10000;
}

int64_t rules_agent_fee(const char *merchant_id, int64_t amount, int64_t merchant_fee,
                        int64_t margin)
{
    int64_t best = 0;
    if (strcmp(merchant_id, AGENT_MERCHANT) != 0) {
        return 0;
    }
    for (unsigned i = 0; i < AGENT_COUNT; i++) {
        int64_t above = merchant_fee - (amount * AGENTS[i].cost_bp + 5000) / 10000;
        int64_t entitled = above <= 0 ? 0 : (above * AGENTS[i].ratio_bp + 5000) / 10000;
        best = entitled > best ? entitled : best;
    }
    int64_t room = margin < 0 ? 0 : margin;
    return best < room ? best : room;
}
