/* Every worked fee of the vectors (TILLWAY_VECTORS, or shared/vectors beside the source tree):
 * cards by the demo's plans and by plans written from the row, codes and agents by the latter. */
#include "tests/unit/unit_test.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "config/file_text.h"
#include "config/yaml_file.h"
#include "routing/fee_plan.h"

#define DEMO_FEES TILLWAY_SOURCE_DIR "/config/demo/fees.yaml"
#define COLUMN_COUNT_MAX 40
#define ROW_COUNT 32
#define DATE_2026_US (INT64_C(1767225600) * 1000000)
#define DATE_2022_US (INT64_C(1640995200) * 1000000)

enum {
    V_ID,
    V_KIND,
    V_CHANNEL,
    V_CARD_TYPE,
    V_CLASS,
    V_MCC,
    V_AMOUNT,
    V_REGULATION,
    V_ISSUER_RATE,
    V_ISSUER_CAP,
    V_NETWORK_RATE,
    V_NETWORK_CAP,
    V_PLAN,
    V_MERCHANT_RATE,
    V_MERCHANT_CAP,
    V_COST_RATE,
    V_COST_CAP,
    V_SHARE_RATIO,
    V_PARENT_COST_RATE,
    V_PARENT_RATIO,
    V_ISSUER_FEE,
    V_NETWORK_FEE,
    V_NETWORK_ISSUER_FEE,
    V_MERCHANT_FEE,
    V_COST_FEE,
    V_MARGIN,
    V_AGENT_SHARE,
    V_PARENT_SHARE
};

struct row {
    char line[1024];
    const char *columns[COLUMN_COUNT_MAX];
};

/* Cuts a CSV line at its commas, outside of quotes, in place. */
static unsigned cut_columns(struct row *row)
{
    unsigned count = 0;
    bool is_quoted = false;
    memset(row->columns, 0, sizeof(row->columns));
    row->columns[count++] = row->line;
    for (char *at = row->line; *at != '\0' && *at != '\n' && *at != '\r'; at++) {
        is_quoted = is_quoted != (*at == '"');
        if (*at == ',' && !is_quoted && count < COLUMN_COUNT_MAX) {
            *at = '\0';
            row->columns[count++] = at + 1;
        }
    }
    return count;
}

static int64_t number(const struct row *row, unsigned column)
{
    return strtoll(row->columns[column], NULL, 10);
}

static void expect(const struct row *row, unsigned column, int64_t got)
{
    if (row->columns[column][0] != '\0' && number(row, column) != got) {
        fail_msg("%s, column %u: expected %lld, got %lld", row->columns[V_ID], column,
                 (long long)number(row, column), (long long)got);
    }
}

static struct fee_plan_set *plans_of(struct document *document)
{
    assert_non_null(document);
    struct fee_plan_set *plans = fee_plan_set_compile(document, NULL);
    if (plans == NULL) {
        fail_msg("%s", document_fault_text(document, 0));
    }
    document_destroy(document);
    return plans;
}

/* "{rate: 0.350000%, cap: 13.00}" of two columns. */
static void put_formula(char text[80], const struct row *row, unsigned rate, unsigned cap)
{
    int length = snprintf(text, 80, "{rate: %lld.%06lld%%", (long long)number(row, rate) / 1000000,
                          (long long)number(row, rate) % 1000000);
    snprintf(text + length, 80 - (size_t)length,
             row->columns[cap][0] == '\0' ? "}" : ", cap: %lld.%02lld}",
             (long long)number(row, cap) / 100, (long long)number(row, cap) % 100);
}

static struct fee_plan_set *plans_of_row(const struct row *row)
{
    char merchant[80];
    char issuer[80];
    char network[80];
    char text[512];
    bool is_card = strcmp(row->columns[V_KIND], "card") == 0;
    put_formula(merchant, row, V_MERCHANT_RATE, V_MERCHANT_CAP);
    put_formula(issuer, row, is_card ? V_ISSUER_RATE : V_COST_RATE,
                is_card ? V_ISSUER_CAP : V_COST_CAP);
    put_formula(network, row, V_NETWORK_RATE, V_NETWORK_CAP);
    /* What an agent pays is its own price, not a cost of ours. */
    int length = snprintf(text, sizeof(text), "plans: {P: {rules: [%s]}}\n", merchant);
    if (is_card) {
        snprintf(text + length, sizeof(text) - (size_t)length,
                 "cost: [{issuer_fee: %s, scheme_fee: %s}]\n", issuer, network);
    } else {
        snprintf(text + length, sizeof(text) - (size_t)length, "cost: [{wallet_fee: %s}]\n",
                 strcmp(row->columns[V_KIND], "qr") == 0 ? issuer : "{rate: 0%}");
    }
    return plans_of(yaml_file_parse("fees.yaml", text, (uint32_t)strlen(text)));
}

/* The merchant's agent and, where the row has one, its parent; NULL: no agents. */
static const struct agent_row *agents_of_row(const struct row *row, struct agent_row agents[2])
{
    if (strcmp(row->columns[V_KIND], "agent") != 0) {
        return NULL;
    }
    bool has_parent = row->columns[V_PARENT_RATIO][0] != '\0';
    agents[0] = (struct agent_row){.agent_id = "A",
                                   .cost_rate_e8 = number(row, V_COST_RATE),
                                   .cost_cap = FEE_NO_CAP,
                                   .ratio_e8 = number(row, V_SHARE_RATIO),
                                   .parent = has_parent ? &agents[1] : NULL};
    agents[1] = (struct agent_row){.agent_id = "B",
                                   .cost_rate_e8 = number(row, V_PARENT_COST_RATE),
                                   .cost_cap = FEE_NO_CAP,
                                   .ratio_e8 = number(row, V_PARENT_RATIO)};
    return &agents[0];
}

static void check_shares(const struct row *row, const struct fee_quote *quote,
                         const struct agent_row *agent)
{
    const struct fee_formula cost = {.rate_e8 = agent->cost_rate_e8, .cap = agent->cost_cap};
    int64_t cost_fee = fee_apply(&cost, number(row, V_AMOUNT));
    expect(row, V_COST_FEE, cost_fee);
    expect(row, V_MARGIN, quote->merchant_fee.minor - cost_fee);
    expect(row, V_AGENT_SHARE, quote->shares.items[0].minor);
    if (quote->shares.count > 1) {
        expect(row, V_PARENT_SHARE, quote->shares.items[1].minor);
    }
    assert_false(quote->shares.is_capped);
}

static void check_quote(const struct row *row, const struct fee_quote *quote,
                        const struct agent_row *agent)
{
    bool is_card = strcmp(row->columns[V_KIND], "card") == 0;
    expect(row, V_MERCHANT_FEE, quote->merchant_fee.minor);
    if (agent != NULL) {
        check_shares(row, quote, agent);
        return;
    }
    expect(row, is_card ? V_ISSUER_FEE : V_COST_FEE, quote->issuer_fee.minor);
    expect(row, V_NETWORK_FEE, quote->scheme_fee.minor);
    expect(row, V_NETWORK_ISSUER_FEE, quote->scheme_fee.minor); /* each side rounds alone */
    expect(row, V_MARGIN, fee_margin(quote).minor);
}

static enum merchant_class class_of(const char *word)
{
    return strcmp(word, "preferential") == 0 ? MERCHANT_PREFERENTIAL
           : strcmp(word, "exempt") == 0     ? MERCHANT_EXEMPT
                                             : MERCHANT_STANDARD;
}

static void check_row(const struct row *row, const struct fee_plan_set *plans, const char *plan)
{
    struct agent_row agents[2];
    bool is_debit = strcmp(row->columns[V_CARD_TYPE], "debit") == 0;
    bool is_2022 = strcmp(row->columns[V_REGULATION], "169") == 0;
    struct bin_rule bin = {.scheme = CARD_SCHEME_UNIONPAY,
                           .card_type = is_debit ? CARD_TYPE_DEBIT : CARD_TYPE_CREDIT};
    struct merchant_row merchant = {.merchant_class = (uint8_t)class_of(row->columns[V_CLASS])};
    struct payment payment;
    payment_clear(&payment);
    payment.kind = PAYMENT_PURCHASE;
    snprintf(payment.entry_mode, sizeof(payment.entry_mode), "072");
    snprintf(merchant.mcc, sizeof(merchant.mcc), "%s", row->columns[V_MCC]);
    snprintf(merchant.plan, sizeof(merchant.plan), "%s", plan);
    const struct agent_row *agent = agents_of_row(row, agents);
    const struct fee_inputs inputs = {.amount = {number(row, V_AMOUNT), MONEY_CNY},
                                      .wall_us = is_2022 ? DATE_2022_US : DATE_2026_US,
                                      .bin = &bin,
                                      .merchant = &merchant,
                                      .agent = agent,
                                      .payment = &payment,
                                      .channel = row->columns[V_CHANNEL]};
    struct fee_quote quote;
    assert_int_equal(fee_quote(plans, &inputs, &quote), STATUS_OK);
    check_quote(row, &quote, agent);
}

static void check_by_demo(const struct row *row)
{
    struct fee_plan_set *plans = plans_of(file_text_load_yaml(DEMO_FEES));
    /* Above the small amount a SMALL merchant pays by SP1. */
    bool is_fallback = strcmp(row->columns[V_ID], "F32") == 0;
    check_row(row, plans, is_fallback ? "SMALL" : row->columns[V_PLAN]);
    fee_plan_set_destroy(plans);
}

static void test_every_worked_fee_comes_out(void **state)
{
    (void)state;
    char path[512];
    const char *folder = getenv("TILLWAY_VECTORS");
    snprintf(path, sizeof(path), "%s/fees.csv",
             folder != NULL ? folder : TILLWAY_SOURCE_DIR "/../shared/vectors");
    FILE *file = fopen(path, "r");
    if (file == NULL) {
        print_message("%s is not there: skipped\n", path);
        skip();
    }
    static struct row row;
    unsigned checked = 0;
    while (fgets(row.line, sizeof(row.line), file) != NULL) {
        if (cut_columns(&row) <= V_PARENT_SHARE || strcmp(row.columns[V_ID], "id") == 0) {
            continue;
        }
        struct fee_plan_set *plans = plans_of_row(&row);
        check_row(&row, plans, "P");
        fee_plan_set_destroy(plans);
        if (strcmp(row.columns[V_KIND], "card") == 0) {
            check_by_demo(&row);
        }
        checked++;
    }
    fclose(file);
    assert_int_equal(checked, ROW_COUNT);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_every_worked_fee_comes_out),
    };
    return cmocka_run_group_tests_name("routing/fee_vectors", tests, NULL, NULL);
}
