/* See rules.h. */
#include "tests/sim/rules.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "config/yaml_file.h"
#include "protocols/payment.h"

static const struct rules_routing ROUTINGS[SIM_RULES_COUNT] = {
    {.first = {0, 1}},
    {.first = {0, 1}},
    {.has_breakers = true, .first = {0, 0}},
    {.has_breakers = true, .first = {1, 1}},
    {RULES_WEIGHTED, true, {0, 0}, {70, 30}},
    {RULES_WEIGHTED, true, {0, 0}, {10, 90}},
    {RULES_CHEAPEST, true, {0, 0}, {0}},
    {RULES_HEALTHIEST, true, {0, 0}, {0}},
    {.first = {0, 1}},
    {.first = {1, 0}},
};

#define LIMITED_FIRST 9
static const struct rules_limits LIMITS[] = {
    {100024, 450000, 7, 900000, false},
    {100016, 330000, 5, 700000, true},
};
_Static_assert(LIMITED_FIRST + sizeof(LIMITS) / sizeof(LIMITS[0]) == SIM_RULES_COUNT + 1,
               "the last pair");

static const char *const STRATEGIES[] = {"ordered", "weighted", "cheapest", "healthiest"};

static const struct rules_breaker BREAKERS[SIM_BANK_COUNT] = {
    {120000, 3000, 15000, 60000, 2, 2, {50, 50, 60, 100}},
    {120000, 3000, 15000, 60000, 3, 1, {50, 50, 60, 100}},
};

/* Basis points of the odd version of each pair, and of the even one. */
static const int64_t MERCHANT_FEE_BP[2] = {60, 38};

/* What each bank costs, in hundredths of a basis point. Where the cheapest is asked first, bank B
 * is cheaper for our cards and dearer for foreign ones. */
static const struct {
    int64_t issuer[SIM_BANK_COUNT], scheme;
} COSTS[2][2] = {
    {{{2500, 2500}, 325}, {{3000, 3000}, 200}},
    {{{2500, 2000}, 325}, {{3000, 3500}, 200}},
};
#define SCHEME_FEE_CAP 325 /* of our cards */

static const char FEES[] =
    "currency: 156\n"
    "plans:\n"
    "  SP1:\n"
    "    rules:\n"
    "      - {rate: 0.%02lld%%}\n"
    "cost:\n"
    "  - {scheme: unionpay, issuer_fee: {rate: 0.25%%}, scheme_fee: {rate: 0.0325%%, cap: 3.25}}\n"
    "  - {issuer_fee: {rate: 0.30%%}, scheme_fee: {rate: 0.02%%}}\n"
    "%s";

static const char COSTS_OF_B[] =
    "  - {scheme: unionpay, channel: bank_b, issuer_fee: {rate: 0.20%},\n"
    "     scheme_fee: {rate: 0.0325%, cap: 3.25}}\n"
    "  - {scheme: visa, channel: bank_b, issuer_fee: {rate: 0.35%}, scheme_fee: {rate: 0.02%}}\n";

/* The first merchant's agent, and that one's parent: own price and part, in basis points. */
static const struct {
    const char *id;
    int64_t cost_bp, ratio_bp;
} AGENTS[] = {{"A1", 30, 5000}, {"B1", 28, 8000}};
#define AGENT_COUNT (sizeof(AGENTS) / sizeof(AGENTS[0]))
#define AGENT_MERCHANT "102290058120001"
#define OTHER_MERCHANT "102290058120002"

static const char *rules_bank_name(uint32_t bank)
{
    return bank == 0 ? "bank_a" : "bank_b";
}

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
    foreign.group = bin_table_group(ruleset_bins(ruleset), SIM_FOREIGN_GROUP);
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
    for (uint32_t i = 0; i < SIM_BANK_COUNT; i++) {
        struct channel_row channel = {.kinds = UINT64_MAX};
        snprintf(channel.name, sizeof(channel.name), "%s", rules_bank_name(i));
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

static bool is_priced_by_bank(uint32_t version)
{
    return rules_routing(version)->strategy == RULES_CHEAPEST ||
           rules_routing(version)->strategy == RULES_HEALTHIEST;
}

/* The banks of a rule as its strategy writes them. */
static int put_banks(char *text, size_t size, const struct rules_routing *routing, uint32_t first)
{
    uint32_t second = (first + 1) % SIM_BANK_COUNT;
    if (routing->strategy == RULES_WEIGHTED) {
        return snprintf(text, size, "{%s: %u, %s: %u}", rules_bank_name(first),
                        routing->weights[first], rules_bank_name(second), routing->weights[second]);
    }
    return snprintf(text, size, "[%s, %s]", rules_bank_name(first), rules_bank_name(second));
}

static int put_breaker(char *text, size_t size, uint32_t bank)
{
    const struct rules_breaker *breaker = &BREAKERS[bank];
    return snprintf(
        text, size,
        "window_ms: %llu, latency_ms: %llu, open_ms: %llu, open_max_ms: %llu, request_min: %u,\n"
        "    probe_count: %u, connect_percent: %u, timeout_percent: %u, code_percent: %u,\n"
        "    latency_percent: %u, codes: ['91', '96']",
        (unsigned long long)breaker->window_ms, (unsigned long long)breaker->latency_ms,
        (unsigned long long)breaker->open_ms, (unsigned long long)breaker->open_max_ms,
        breaker->request_min, breaker->probe_count, breaker->percent[ILL_CONNECT],
        breaker->percent[ILL_TIMEOUT], breaker->percent[ILL_CODE], breaker->percent[ILL_LATENCY]);
}

#define ROUTES_SIZE 2000

static void put_routes(char text[ROUTES_SIZE], uint32_t version)
{
    const struct rules_routing *routing = rules_routing(version);
    int length = snprintf(text, ROUTES_SIZE, "routes:\n");
    for (unsigned merchant = 2; merchant >= 1; merchant--) {
        if (merchant == 2 && routing->first[1] == routing->first[0]) {
            continue; /* the rule of all covers it */
        }
        const char *when = merchant == 2 ? "when: {merchant: '" OTHER_MERCHANT "'}, " : "";
        char banks[80];
        put_banks(banks, sizeof(banks), routing, routing->first[merchant - 1]);
        length += snprintf(text + length, ROUTES_SIZE - (size_t)length,
                           "  - {%sstrategy: %s, channels: %s}\n", when,
                           STRATEGIES[routing->strategy], banks);
    }
    for (uint32_t bank = 0; bank < SIM_BANK_COUNT && routing->has_breakers; bank++) {
        length += snprintf(text + length, ROUTES_SIZE - (size_t)length, "%s",
                           bank == 0 ? "breaker: {" : ",\n  channels: {bank_b: {");
        length += put_breaker(text + length, ROUTES_SIZE - (size_t)length, bank);
    }
    if (routing->has_breakers) {
        length += snprintf(text + length, ROUTES_SIZE - (size_t)length, "}}}\n");
    }
    check(length < ROUTES_SIZE, "the routes are too long");
}

#define LIMITS_SIZE 600

static void put_limits(char text[LIMITS_SIZE], const struct rules_limits *limits)
{
    int length =
        snprintf(text, LIMITS_SIZE,
                 "limits:\n"
                 "  - {name: one, per: transaction, amount_max: %lld.%02lld}\n"
                 "  - {name: terminal-day, per: terminal, day_amount_max: %lld.%02lld}\n"
                 "  - {name: shop-day, per: merchant, day_count_max: %lld}\n"
                 "  - {name: card-day, per: card, day_amount_max: %lld.%02lld}\n",
                 (long long)limits->one_max / 100, (long long)limits->one_max % 100,
                 (long long)limits->terminal_day_max / 100,
                 (long long)limits->terminal_day_max % 100, (long long)limits->merchant_day_count,
                 (long long)limits->card_day_max / 100, (long long)limits->card_day_max % 100);
    check(length < LIMITS_SIZE, "the limits are too long");
}

static void list_foreign_card(struct ruleset *ruleset)
{
    struct black_list *list = black_list_create(1);
    struct black_list_row row = {
        .kind = BLACK_LIST_CARD_HASH, .from_day = INT32_MIN, .until_day = INT32_MAX, .line = 2};
    const struct black_list_row *fault = NULL;
    const struct black_list_row *first = NULL;
    check(list != NULL, "no memory");
    check(black_list_key_read(&row, SIM_FOREIGN_HASH) == STATUS_OK, "a key was refused");
    check(black_list_add(list, &row) == STATUS_OK, "a listed card was refused");
    check(black_list_freeze(list, &fault, &first) == STATUS_OK, "the black list was refused");
    ruleset_take_black_list(ruleset, list);
}

static void add_limits(struct ruleset *ruleset, const struct rules_limits *limits)
{
    char text[LIMITS_SIZE];
    put_limits(text, limits);
    compile_text(ruleset, "limits", text, ruleset_compile_limits);
    if (limits->lists_foreign) {
        list_foreign_card(ruleset);
    }
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
    char routes[ROUTES_SIZE];
    char fees[sizeof(FEES) + sizeof(COSTS_OF_B) + 16];
    put_routes(routes, version);
    snprintf(fees, sizeof(fees), FEES, (long long)MERCHANT_FEE_BP[(version - 1) % 2],
             is_priced_by_bank(version) ? COSTS_OF_B : "");
    compile_text(ruleset, "routes", routes, ruleset_compile_routes);
    compile_text(ruleset, "fees", fees, ruleset_compile_fees);
    if (rules_limits(version) != NULL) {
        add_limits(ruleset, rules_limits(version));
    }
    char reason[160];
    check(ruleset_freeze(ruleset, reason) == STATUS_OK, reason);
    return ruleset;
}

int64_t rules_merchant_fee(uint32_t version, int64_t amount)
{
    return (amount * MERCHANT_FEE_BP[(version - 1) % 2] + 5000) / 10000;
}

const struct rules_routing *rules_routing(uint32_t version)
{
    check(version >= 1 && version <= SIM_RULES_COUNT, "there is no such version");
    return &ROUTINGS[version - 1];
}

const struct rules_limits *rules_limits(uint32_t version)
{
    check(version >= 1 && version <= SIM_RULES_COUNT, "there is no such version");
    return version < LIMITED_FIRST ? NULL : &LIMITS[version - LIMITED_FIRST];
}

const struct rules_breaker *rules_breaker(uint32_t bank)
{
    check(bank < SIM_BANK_COUNT, "there is no such bank");
    return &BREAKERS[bank];
}

bool rules_is_ill_code(const char *response_code)
{
    return strcmp(response_code, "91") == 0 || strcmp(response_code, "96") == 0;
}

int64_t rules_cost(uint32_t version, uint32_t bank, bool is_foreign, int64_t amount)
{
    bool is_by_bank = is_priced_by_bank(version);
    int64_t issuer = (amount * COSTS[is_by_bank][is_foreign].issuer[bank] + 500000) / 1000000;
    int64_t scheme = (amount * COSTS[is_by_bank][is_foreign].scheme + 500000) / 1000000;
    return issuer + (!is_foreign && scheme > SCHEME_FEE_CAP ? SCHEME_FEE_CAP : scheme);
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
