/* See big_ruleset.h. */
#include "tests/bench/big_ruleset.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "config/yaml_file.h"

#define NINE_DIGITS UINT64_C(620000000) /* where ranges of nine digits begin */
#define NINE_DIGITS_END UINT64_C(630000000)
#define SIX_DIGITS 620000
#define REGION_COUNT 30
#define GROUP_COUNT 20
#define AGENT_COUNT 50
#define MODEL_COUNT 125
#define CARD_DIGITS 19

static const char *const CATEGORIES[] = {"5411", "5812", "5541", "5311", "7011", "5912", "5732",
                                         "5651", "4111", "8062", "5999", "5499", "5814", "7230",
                                         "5945", "5200", "4814", "5942", "7832", "5661"};
#define CATEGORY_COUNT (sizeof(CATEGORIES) / sizeof(CATEGORIES[0]))
static const char *const CHANNELS[] = {"bank_a", "bank_b", "bank_c", "bank_d"};
#define CHANNEL_COUNT (sizeof(CHANNELS) / sizeof(CHANNELS[0]))

static void check(bool is_ok, const char *what)
{
    if (!is_ok) {
        fprintf(stderr, "big_ruleset: %s\n", what);
        exit(2);
    }
}

/* --- rows --------------------------------------------------------------------------------- */

/* Banks have some blocks of a thousand crowded and others all but empty. */
static unsigned gap_of(uint64_t bin)
{
    static const unsigned GAPS[] = {3, 5, 5, 9, 9, 9, 17, 33};
    uint64_t block = bin / 1000 * UINT64_C(0x9E3779B97F4A7C15);
    return GAPS[block >> 61];
}

uint64_t big_bin(uint32_t index)
{
    static uint32_t bins[BIG_BIN_COUNT_MAX];
    if (bins[0] == 0) {
        uint64_t bin = NINE_DIGITS, state = 1;
        for (uint32_t i = 0; i < BIG_BIN_COUNT_MAX; i++) {
            state = state * UINT64_C(6364136223846793005) + 1442695040888963407u;
            bin += 1 + (state >> 33) % gap_of(bin);
            bins[i] = (uint32_t)bin;
        }
        check(bin < NINE_DIGITS_END, "the ranges do not fit behind 62");
    }
    return bins[index];
}

void big_card(uint32_t index, uint64_t random, struct pan *pan)
{
    char text[48]; /* as long as two numbers could be */
    snprintf(text, sizeof(text), "%09" PRIu64 "%09" PRIu64, big_bin(index), random % 1000000000);
    for (char digit = '0'; digit <= '9'; digit++) {
        text[CARD_DIGITS - 1] = digit;
        check(pan_parse(pan, text, CARD_DIGITS) == STATUS_OK, "a card is none");
        if (pan_has_luhn(pan)) {
            return;
        }
    }
}

void big_merchant(const struct big_ruleset_size *size, uint32_t index, struct merchant_row *row)
{
    const char *category = CATEGORIES[index / REGION_COUNT % CATEGORY_COUNT];
    *row = (struct merchant_row){.merchant_class =
                                     index % 4 == 3 ? MERCHANT_PREFERENTIAL : MERCHANT_STANDARD,
                                 .is_active = true,
                                 .agent = (uint16_t)(index % (AGENT_COUNT + 1)),
                                 .name = "A merchant"};
    snprintf(row->merchant_id, sizeof(row->merchant_id), "898%04u%s%04u",
             1000 + index % REGION_COUNT, category,
             (unsigned)(index / (REGION_COUNT * CATEGORY_COUNT)) % 10000);
    memcpy(row->mcc, category, 5);
    snprintf(row->plan, sizeof(row->plan), "PLAN%u", index % size->plan_count);
}

void big_terminal(const struct big_ruleset_size *size, uint32_t index, struct terminal_row *row)
{
    struct merchant_row merchant;
    big_merchant(size, index % size->merchant_count, &merchant);
    *row = (struct terminal_row){.is_active = true};
    snprintf(row->terminal_id, sizeof(row->terminal_id), "%08u", (10000001 + index) % 100000000);
    memcpy(row->merchant_id, merchant.merchant_id, sizeof(row->merchant_id));
    snprintf(row->brand, sizeof(row->brand), "BRAND%u", index % 7);
    snprintf(row->model, sizeof(row->model), "M%u", index % MODEL_COUNT);
}

static void add_bins(struct ruleset *ruleset, const struct big_ruleset_size *size)
{
    struct bin_table *bins = ruleset_bins(ruleset);
    uint8_t groups[GROUP_COUNT];
    for (unsigned i = 0; i < GROUP_COUNT; i++) {
        char name[BIN_GROUP_NAME_SIZE];
        snprintf(name, sizeof(name), "group%u", i);
        groups[i] = bin_table_group(bins, name);
    }
    for (uint32_t i = 0; i < size->bin_count; i++) {
        struct bin_rule rule = {.prefix = 62,
                                .digit_count = 2,
                                .scheme = CARD_SCHEME_UNIONPAY,
                                .card_type = (uint8_t)(i % 3),
                                .issuer = (uint16_t)(i % 500),
                                .group = groups[i % GROUP_COUNT]};
        if (i > BIG_NESTED_COUNT) {
            rule.prefix = big_bin(i - BIG_NESTED_COUNT - 1);
            rule.digit_count = 9;
        } else if (i > 0) {
            rule.prefix = SIX_DIGITS + (uint64_t)(i - 1) * 10;
            rule.digit_count = 6;
        }
        check(bin_table_add(bins, &rule) == STATUS_OK, "a BIN was refused");
    }
}

static void add_tables(struct ruleset *ruleset, const struct big_ruleset_size *size)
{
    add_bins(ruleset, size);
    for (uint32_t i = 0; i < size->merchant_count; i++) {
        struct merchant_row row;
        big_merchant(size, i, &row);
        check(merchant_table_add(ruleset_merchants(ruleset), &row) == STATUS_OK,
              "a merchant was refused");
    }
    for (uint32_t i = 0; i < size->terminal_count; i++) {
        struct terminal_row row;
        big_terminal(size, i, &row);
        check(terminal_table_add(ruleset_terminals(ruleset), &row) == STATUS_OK,
              "a terminal was refused");
    }
    for (uint32_t i = 0; i < CHANNEL_COUNT; i++) {
        struct channel_row row = {.kinds = UINT64_MAX};
        snprintf(row.name, sizeof(row.name), "%s", CHANNELS[i]);
        check(channel_table_add(ruleset_channels(ruleset), &row) == STATUS_OK,
              "a channel was refused");
    }
}

static void add_agents(struct ruleset *ruleset)
{
    struct agent_table *agents = agent_table_create(AGENT_COUNT);
    const struct agent_row *fault = NULL;
    check(agents != NULL, "no memory");
    for (uint32_t i = 0; i < AGENT_COUNT; i++) {
        struct agent_row row = {
            .cost_rate_e8 = 500000, .cost_cap = INT64_MAX, .ratio_e8 = 50000000, .line = i + 2};
        snprintf(row.agent_id, sizeof(row.agent_id), "A%u", i);
        check(agent_table_add(agents, &row) == STATUS_OK, "an agent was refused");
    }
    check(agent_table_freeze(agents, &fault) == STATUS_OK, "the agents do not fit together");
    ruleset_take_agents(ruleset, agents);
}

/* --- files -------------------------------------------------------------------------------- */

/* The conditions of route rule `i`; no two rules cover each other. */
static void write_when(FILE *file, const struct big_ruleset_size *size, uint32_t i)
{
    const uint32_t k = i / 8;
    const unsigned region = 1000 + k % REGION_COUNT;
    const char *category = CATEGORIES[k % CATEGORY_COUNT];
    struct merchant_row one, other;
    switch (i % 8) {
    case 0:
        big_merchant(size, 2 * k % size->merchant_count, &one);
        big_merchant(size, (2 * k + 1) % size->merchant_count, &other);
        fprintf(file, "{merchant: ['%s', '%s'], kind: [purchase, refund]}", one.merchant_id,
                other.merchant_id);
        break;
    case 1:
        fprintf(file, "{bin: ['%u', '%u'], kind: purchase}", SIX_DIGITS + 16 * k,
                SIX_DIGITS + 16 * k + 5);
        break;
    case 2:
        fprintf(file, "{bin_group: group%u, mcc: '%s', amount_min: %u.00}", k / 7 % GROUP_COUNT,
                category, 500 + k);
        break;
    case 3:
        fprintf(file, "{scheme: unionpay, card_type: debit, region: '%u', mcc: '%s'}", region,
                CATEGORIES[k / REGION_COUNT]);
        break;
    case 4:
        fprintf(file, "{agent: A%u, entry_mode: '%s'}", k % AGENT_COUNT,
                k / AGENT_COUNT == 0   ? "02"
                : k / AGENT_COUNT == 1 ? "05"
                                       : "07");
        break;
    case 5:
        fprintf(file, "{model: M%u, hours: 22:00-06:00}", k % MODEL_COUNT);
        break;
    case 6:
        fprintf(file, "{region: '%u', weekday: [sat, sun], amount_min: %u.00, amount_max: %u.00}",
                region, 100 * (k / REGION_COUNT) + 1, 100 * (k / REGION_COUNT) + 90);
        break;
    default:
        fprintf(file, "{kind: preauth, card_type: credit, mcc: '%s', amount_max: %u.00}", category,
                1000 + k);
        break;
    }
}

static void write_routes(FILE *file, const struct big_ruleset_size *size)
{
    static const char *const WAYS[] = {"channels: [bank_a, bank_b]", "channels: [bank_b, bank_a]",
                                       "strategy: weighted\n    channels: {bank_a: 70, bank_c: 30}",
                                       "strategy: cheapest\n    channels: [bank_c, bank_d]"};
    fprintf(file, "routes:\n");
    for (uint32_t i = 0; i + 1 < size->rule_count; i++) {
        fprintf(file, "  - when: ");
        write_when(file, size, i);
        fprintf(file, "\n    %s\n", WAYS[i % 16 == 15 ? 3 : i % 3]);
    }
    fprintf(file, "  - channels: [bank_a, bank_b]\n");
}

/* Rules that say more than these are for one range of categories each. */
static const char *const PLAN_RULES[] = {
    "{rate: 0.90%}",
    "{scheme: unionpay, rate: 0.60%}",
    "{scheme: [visa, mastercard, jcb, amex, other], rate: 1.80%}",
    "{scheme: [alipay, wechat], rate: 0.38%}",
    "{scheme: unionpay, card_type: credit, rate: 0.60%}",
    "{scheme: unionpay, card_type: [debit, prepaid], rate: 0.50%, cap: 20.00}",
    "{scheme: unionpay, card_type: credit, merchant_class: preferential, rate: 0.52%}",
    "{scheme: unionpay, card_type: debit, merchant_class: preferential, rate: 0.42%, cap: 18.00}",
    "{scheme: unionpay, product: small_contactless, amount_max: 1000.00, channel: bank_a, "
    "merchant_class: standard, rate: 0.38%}",
};
#define PLAN_RULE_COUNT (sizeof(PLAN_RULES) / sizeof(PLAN_RULES[0]))

static void write_fees(FILE *file, const struct big_ruleset_size *size)
{
    fprintf(file, "small_contactless_max: 1000.00\nplans:\n");
    for (uint32_t plan = 0; plan < size->plan_count; plan++) {
        fprintf(file, "  PLAN%u:\n    rules:\n", plan);
        for (uint32_t i = 0; i < size->plan_rule_count; i++) {
            if (i < PLAN_RULE_COUNT) {
                fprintf(file, "      - %s\n", PLAN_RULES[i]);
                continue;
            }
            unsigned first = 4000 + 40 * (i - (unsigned)PLAN_RULE_COUNT) % 5900;
            fprintf(file,
                    "      - {scheme: unionpay, card_type: [debit, credit], merchant_class: "
                    "standard, mcc: %u-%u, rate: 0.%02u%%, cap: %u.00}\n",
                    first, first + 39, 40 + (plan + i) % 50, 20 + plan % 30);
        }
    }
    fprintf(file, "cost:\n");
    for (unsigned i = 0; i < CHANNEL_COUNT; i++) {
        static const char FEES[] = "issuer_fee: {rate: 0.35%, cap: 13.00}, scheme_fee: {rate: "
                                   "0.0325%, cap: 3.25}";
        fprintf(file, "  - {scheme: unionpay, channel: %s, card_type: [debit, prepaid], %s}\n",
                CHANNELS[i], FEES);
        fprintf(file, "  - {scheme: unionpay, channel: %s, card_type: credit, %s}\n", CHANNELS[i],
                FEES);
    }
    fprintf(file, "  - {scheme: [alipay, wechat], wallet_fee: {rate: 0.20%%}}\n"
                  "  - {scheme: [visa, mastercard, jcb, amex, other], issuer_fee: {rate: 1.20%%}, "
                  "scheme_fee: {rate: 0.15%%}}\ndiscounts:\n");
    for (unsigned year = 2020; year < 2030; year++) {
        fprintf(file,
                "  - {card_type: debit, merchant_class: preferential, from: %u-01-01, until: "
                "%u-07-01, factor: 0.78}\n",
                year, year);
    }
}

typedef void write_function(FILE *file, const struct big_ruleset_size *size);

static struct document *document_of(const char *name, write_function *write,
                                    const struct big_ruleset_size *size)
{
    char *text = NULL;
    size_t length = 0;
    FILE *file = open_memstream(&text, &length);
    check(file != NULL, "no memory");
    write(file, size);
    check(fclose(file) == 0, "no memory");
    struct document *document = yaml_file_parse(name, text, (uint32_t)length);
    check(document != NULL, "no memory");
    free(text);
    return document;
}

static void document_end(struct document *document)
{
    check(document_fault_count(document) == 0,
          document_fault_count(document) > 0 ? document_fault_text(document, 0) : "");
    document_destroy(document);
}

struct fee_plan_set *big_plans_create(const struct big_ruleset_size *size)
{
    struct document *document = document_of("fees", write_fees, size);
    struct fee_plan_set *plans = fee_plan_set_compile(document, NULL);
    document_end(document);
    check(plans != NULL, "no memory");
    return plans;
}

struct ruleset *big_ruleset_create(const struct big_ruleset_size *size)
{
    struct ruleset *ruleset = ruleset_create(
        1, &(struct ruleset_limits){size->bin_count, size->merchant_count, size->terminal_count});
    check(ruleset != NULL, "no memory");
    add_tables(ruleset, size);
    add_agents(ruleset);
    struct document *document = document_of("fees", write_fees, size);
    ruleset_compile_fees(ruleset, document);
    document_end(document);
    document = document_of("routes", write_routes, size);
    ruleset_compile_routes(ruleset, document);
    document_end(document);
    char reason[160];
    check(ruleset_freeze(ruleset, reason) == STATUS_OK, reason);
    return ruleset;
}
