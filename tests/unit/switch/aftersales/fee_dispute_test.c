/* A disputed fee: judged by its own formula and by what was signed, and told in two languages. */
#include "switch/aftersales/fee_dispute.h"

#include <stdio.h>
#include <string.h>

#include "tests/unit/unit_test.h"

static struct fee_dispute_rule rule_of(const char *plan, int64_t rate_e8, int64_t cap)
{
    struct fee_dispute_rule rule = {.version = "v7", .rule = "fees.yaml:12", .facts = "card debit"};
    rule.formula = (struct fee_formula){.rate_e8 = rate_e8, .cap = cap};
    snprintf(rule.plan, sizeof(rule.plan), "%s", plan);
    return rule;
}

/* F13 and F14 of the worked cases: debit, standard, plan capped at 20.00. */
static struct fee_dispute dispute_of(int64_t amount, int64_t charged)
{
    return (struct fee_dispute){.rrn = "606112345678",
                                .pan_masked = "622848******1234",
                                .date = "2026-03-02",
                                .amount = {amount, MONEY_CNY},
                                .scheme = "unionpay",
                                .channel = "bank_a",
                                .product = "ic",
                                .mcc = "5812",
                                .applied = rule_of("SP1", 500000, 2000),
                                .charged_minor = charged,
                                .issuer_minor = 1300,
                                .scheme_minor = 325,
                                .complain = "95516"};
}

static void test_a_charge_that_follows_from_its_rule_is_right(void **state)
{
    (void)state;
    struct fee_dispute dispute = dispute_of(1000000, 2000);
    struct fee_judgement judgement;
    fee_dispute_judge(&dispute, &judgement);
    assert_int_equal(judgement.verdict, FEE_VERDICT_RIGHT);
    assert_int_equal(judgement.difference_minor, 0);
}

static void test_a_charge_that_does_not_is_paid_back(void **state)
{
    (void)state;
    struct fee_dispute dispute = dispute_of(10000, 60);
    struct fee_judgement judgement;
    fee_dispute_judge(&dispute, &judgement);
    assert_int_equal(judgement.verdict, FEE_VERDICT_WRONG_SUM);
    assert_int_equal(judgement.due_minor, 50);
    assert_int_equal(judgement.difference_minor, 10);
    dispute.charged_minor = 49;
    fee_dispute_judge(&dispute, &judgement);
    assert_int_equal(judgement.difference_minor, -1);
    dispute = dispute_of(-10000, -60); /* a refund: its policy decides, not the rate */
    fee_dispute_judge(&dispute, &judgement);
    assert_int_equal(judgement.verdict, FEE_VERDICT_OF_ORIGINAL);
    assert_int_equal(judgement.difference_minor, 0);
}

static void test_the_plan_that_was_signed_holds(void **state)
{
    (void)state;
    struct fee_dispute dispute = dispute_of(10000, 50);
    dispute.has_signed = true;
    dispute.signed_rule = rule_of("SMALL", 380000, FEE_NO_CAP);
    struct fee_judgement judgement;
    fee_dispute_judge(&dispute, &judgement);
    assert_int_equal(judgement.verdict, FEE_VERDICT_WRONG_PLAN);
    assert_int_equal(judgement.due_minor, 38);
    assert_int_equal(judgement.difference_minor, 12);
    dispute.signed_rule = rule_of("SP1", 500000, 2000);
    fee_dispute_judge(&dispute, &judgement);
    assert_int_equal(judgement.verdict, FEE_VERDICT_RIGHT);
}

static void expect(const char *text, const char *words)
{
    if (strstr(text, words) == NULL) {
        fail_msg("\"%s\" is not in:\n%s", words, text);
    }
}

static void test_it_is_told_in_english(void **state)
{
    (void)state;
    struct fee_dispute dispute = dispute_of(1000000, 2000);
    dispute.has_other = true;
    dispute.other = rule_of("OLD", 380000, FEE_NO_CAP);
    char text[FEE_DISPUTE_TEXT_SIZE];
    uint32_t length = fee_dispute_explain(&dispute, false, text, sizeof(text));
    assert_int_equal(length, strlen(text));
    expect(text, "Payment: 606112345678 of 2026-03-02, card 622848******1234, amount 10000.00 CNY");
    expect(text, "unionpay debit card, merchant class standard, MCC 5812");
    expect(text, "Applied: plan SP1, version v7, rule fees.yaml:12 (card debit)");
    expect(text, "10000.00 CNY x 0.500000 % = 5000.00000000 minor units, rounded half up to 5000, "
                 "above the cap of 20.00 CNY, which holds; fee 20.00 CNY");
    expect(text, "plan OLD");
    expect(text, "fee 38.00 CNY\nThe charge is 18.00 CNY less than that");
    expect(text, "issuer gets 13.00 CNY (ceiling by 557 of 2016: 13.00 CNY), the scheme 3.25 CNY "
                 "(ceiling 3.25 CNY)");
    expect(text, "Charged 20.00 CNY, due 20.00 CNY: the charge is right");
    expect(text, "complain further: 95516");
}

static void test_it_is_told_in_chinese(void **state)
{
    (void)state;
    struct fee_dispute dispute = dispute_of(143, 2); /* F17: exactly 0.715 fen */
    char text[FEE_DISPUTE_TEXT_SIZE];
    fee_dispute_explain(&dispute, true, text, sizeof(text));
    expect(text, "借记卡,商户类别 标准类,MCC 5812");
    expect(text, "1.43 CNY × 0.500000 % = 0.71500000 分,四舍五入为 1 分,封顶 20.00 CNY");
    expect(text, "发改价格〔2016〕557号上限 0.01 CNY");
    expect(text, "实收 0.02 CNY,应收 0.01 CNY。收费有误");
    expect(text, "多收的 0.01 CNY 将退还");
}

static void test_floors_fixed_parts_and_exempt_merchants(void **state)
{
    (void)state;
    struct fee_dispute dispute = dispute_of(100, 30);
    dispute.applied.formula =
        (struct fee_formula){.rate_e8 = 500000, .fixed = 10, .floor = 30, .cap = FEE_NO_CAP};
    dispute.merchant_class = MERCHANT_EXEMPT;
    dispute.card_type = CARD_TYPE_CREDIT;
    char text[FEE_DISPUTE_TEXT_SIZE];
    fee_dispute_explain(&dispute, false, text, sizeof(text));
    expect(text, "with a fixed part of 0.10 CNY, below the floor of 0.30 CNY, which holds, no cap");
    expect(text, "ceiling by 557 of 2016: 0.00 CNY");
    expect(text, "credit card, merchant class exempt");
    dispute.card_type = CARD_TYPE_PREPAID;
    fee_dispute_explain(&dispute, true, text, sizeof(text));
    expect(text, "预付卡");
    dispute.amount.currency = 840;
    fee_dispute_explain(&dispute, false, text, sizeof(text));
    assert_null(strstr(text, "557"));
}

static void test_a_short_buffer_is_never_overrun(void **state)
{
    (void)state;
    struct fee_dispute dispute = dispute_of(1000000, 2000);
    char text[1200];
    for (uint32_t size = 1; size < sizeof(text); size += 13) {
        memset(text, 'x', sizeof(text));
        uint32_t length = fee_dispute_explain(&dispute, true, text, size);
        assert_true(length < size);
        assert_int_equal(text[length], '\0');
        assert_int_equal(text[size], 'x');
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_charge_that_follows_from_its_rule_is_right),
        cmocka_unit_test(test_a_charge_that_does_not_is_paid_back),
        cmocka_unit_test(test_the_plan_that_was_signed_holds),
        cmocka_unit_test(test_it_is_told_in_english),
        cmocka_unit_test(test_it_is_told_in_chinese),
        cmocka_unit_test(test_floors_fixed_parts_and_exempt_merchants),
        cmocka_unit_test(test_a_short_buffer_is_never_overrun),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
