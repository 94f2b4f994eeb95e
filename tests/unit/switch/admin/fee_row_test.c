/* A priced row of the log becomes the inputs of its price again, so that the same plans come to the
 * same figures. */
#include "tests/unit/unit_test.h"

#include <stdio.h>
#include <string.h>

#include "config/yaml_file.h"
#include "routing/fee_plan.h"
#include "switch/admin/fee_row.h"

static const char FEES[] =
    "currency: 156\n"
    "plans:\n"
    "  SP1:\n"
    "    rules:\n"
    "      - {scheme: unionpay, card_type: credit, merchant_class: standard, rate: 0.60%}\n"
    "      - {scheme: unionpay, card_type: debit, mcc: 5411, rate: 0.50%, cap: 20.00}\n"
    "      - {scheme: [alipay, wechat], rate: 0.38%}\n"
    "cost:\n"
    "  - {scheme: unionpay, issuer_fee: {rate: 0.45%}, scheme_fee: {rate: 0.0325%}}\n"
    "  - {scheme: [alipay, wechat], wallet_fee: {rate: 0.20%}}\n";

struct told {
    const char *payment_kind, *entry_mode, *basis, *shares;
    int64_t merchant_fee, issuer_fee, scheme_fee, agent_fee;
};

static enum fee_row_answer read_row(struct fee_row *row, const struct told *told)
{
    char sql[1200];
    sqlite3 *database = NULL;
    sqlite3_stmt *from = NULL;
    snprintf(sql, sizeof(sql),
             "SELECT 17, 1789992000000000, '%s', '898290054110000', 100000, 156, '%s', 'bank_a', "
             "'5411', '000010000009', %lld, %lld, %lld, %lld, 5, 6, 11, 0, '%s', '%s'",
             told->payment_kind, told->entry_mode, (long long)told->merchant_fee,
             (long long)told->issuer_fee, (long long)told->scheme_fee, (long long)told->agent_fee,
             told->basis, told->shares);
    assert_int_equal(sqlite3_open(":memory:", &database), SQLITE_OK);
    assert_int_equal(sqlite3_prepare_v2(database, sql, -1, &from, NULL), SQLITE_OK);
    assert_int_equal(sqlite3_step(from), SQLITE_ROW);
    enum fee_row_answer answer = fee_row_read(row, from);
    sqlite3_finalize(from);
    sqlite3_close(database);
    return answer;
}

static void quote_again(const struct fee_row *row, struct fee_quote *quote)
{
    struct document *document = yaml_file_parse("fees.yaml", FEES, (uint32_t)strlen(FEES));
    struct fee_plan_set *plans = fee_plan_set_compile(document, NULL);
    assert_non_null(plans);
    assert_int_equal(fee_quote(plans, &row->inputs, quote), STATUS_OK);
    fee_plan_set_destroy(plans);
    document_destroy(document);
}

static void test_a_priced_row_is_priced_the_same_again(void **state)
{
    (void)state;
    struct fee_row row;
    struct fee_quote quote;
    const struct told told = {
        "purchase", "051", "SP1 proportional unionpay credit standard ic 777", "", 600, 450, 33, 0};
    assert_int_equal(read_row(&row, &told), FEE_ROW_PRICED);
    assert_string_equal(row.rrn, "000010000009");
    assert_string_equal(row.merchant.plan, "SP1");
    assert_int_equal(row.inputs.month_minor, 777);
    assert_int_equal(row.fee_rule, 6);
    quote_again(&row, &quote);
    assert_int_equal(quote.merchant_fee.minor, row.figures.merchant_fee);
    assert_int_equal(quote.issuer_fee.minor, row.figures.issuer_fee);
    assert_int_equal(quote.scheme_fee.minor, row.figures.scheme_fee);
    assert_null(fee_figures_fault(&row.figures));
}

static void test_category_and_type_of_card_are_taken_back(void **state)
{
    (void)state;
    struct fee_row row;
    struct fee_quote quote;
    const struct told told = {
        "purchase", "021", "SP1 proportional unionpay debit preferential magnetic 0", "", 500, 450,
        33,         0};
    assert_int_equal(read_row(&row, &told), FEE_ROW_PRICED);
    assert_int_equal(row.merchant.merchant_class, MERCHANT_PREFERENTIAL);
    quote_again(&row, &quote);
    assert_int_equal(quote.merchant_fee.minor, 500);
    assert_int_equal(quote.merchant_rule, 6);
}

/* It has a scheme and no type of card: no BIN told it, the code did. */
static void test_a_wallet_is_priced_by_its_scheme(void **state)
{
    (void)state;
    struct fee_row row;
    struct fee_quote quote;
    const struct told told = {
        "purchase", "031", "SP1 proportional alipay - standard qr 0", "", 380, 200, 0, 0};
    assert_int_equal(read_row(&row, &told), FEE_ROW_PRICED);
    assert_null(row.inputs.bin);
    quote_again(&row, &quote);
    assert_int_equal(quote.merchant_fee.minor, 380);
    assert_int_equal(quote.issuer_fee.minor, 200);
    assert_int_equal(quote.basis.scheme, CARD_SCHEME_ALIPAY);
    assert_int_equal(quote.basis.card_type, FEE_BASIS_NONE);
}

static void test_agents_get_their_terms_back(void **state)
{
    (void)state;
    struct fee_row row;
    struct fee_quote quote;
    const struct told told = {"purchase",
                              "051",
                              "SP1 proportional unionpay credit standard ic 0",
                              "A17:520000:-:70000000:56",
                              600,
                              450,
                              33,
                              56};
    assert_int_equal(read_row(&row, &told), FEE_ROW_PRICED);
    assert_int_equal(row.shares.count, 1);
    assert_string_equal(row.inputs.agent->agent_id, "A17");
    assert_null(fee_figures_fault(&row.figures));
    quote_again(&row, &quote);
    assert_int_equal(quote.shares.total, 56);
}

static void test_what_has_no_price_and_what_nobody_wrote_are_told_apart(void **state)
{
    (void)state;
    struct fee_row row;
    assert_int_equal(read_row(&row, &(struct told){"refund", "051", "", "", 0, 0, 0, 0}),
                     FEE_ROW_UNPRICED);
    assert_int_equal(read_row(&row, &(struct told){"gift", "051", "", "", 0, 0, 0, 0}),
                     FEE_ROW_UNREADABLE);
    assert_int_equal(read_row(&row, &(struct told){"purchase", "051", "SP1 what", "", 0, 0, 0, 0}),
                     FEE_ROW_UNREADABLE);
    assert_int_equal(read_row(&row, &(struct told){"purchase", "051",
                                                   "SP1 proportional unionpay credit standard ic 0",
                                                   "A17", 0, 0, 0, 0}),
                     FEE_ROW_UNREADABLE);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_priced_row_is_priced_the_same_again),
        cmocka_unit_test(test_category_and_type_of_card_are_taken_back),
        cmocka_unit_test(test_a_wallet_is_priced_by_its_scheme),
        cmocka_unit_test(test_agents_get_their_terms_back),
        cmocka_unit_test(test_what_has_no_price_and_what_nobody_wrote_are_told_apart),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
