/* A disputed fee in plain words: the plan and rule that applied, why, the exact value, rounding and
 * cap, what the law sets a ceiling to, and the same payment under the plan the merchant thought of.
 *
 * Plain values in, text and a verdict out. The figures are worked out again from the formulas, so a
 * charge that does not follow from its own rule is found here.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "protocols/base/money.h"
#include "routing/bin_table.h"
#include "routing/fee_plan.h"

/* A plan's rule, as it stood on the day. */
struct fee_dispute_rule {
    char plan[FEE_PLAN_NAME_SIZE];
    char version[24];
    char rule[48];   /* "fees.yaml:12" */
    char facts[160]; /* the conditions that it matched by */
    struct fee_formula formula;
};

struct fee_dispute {
    char rrn[13], pan_masked[20], date[11]; /* 2026-03-02 */
    struct money amount; /* of a payment; what a refund gives back is told by its original */
    /* what the price was found by */
    char scheme[16], channel[16], product[24], mcc[5];
    enum card_type card_type;
    enum merchant_class merchant_class;
    struct fee_dispute_rule applied;
    int64_t charged_minor; /* merchant fee in the log */
    int64_t issuer_minor, scheme_minor;
    /* what the merchant signed for that day, when it is another one */
    bool has_signed;
    struct fee_dispute_rule signed_rule;
    /* what the merchant thought of */
    bool has_other;
    struct fee_dispute_rule other;
    char complain[96]; /* where to complain further: address or telephone */
};

/* X(name, Chinese, English) */
#define FEE_VERDICT_MAP(X)                                                                         \
    X(OF_ORIGINAL, "退款的手续费请与原交易一并核对",                                               \
      "a refund's fee is judged with its original payment")                                        \
    X(RIGHT, "收费正确:与签约方案和规则一致",                                                      \
      "the charge is right: it follows from the plan that was signed")                             \
    X(WRONG_SUM, "收费有误:与适用规则的计算结果不符",                                              \
      "the charge is wrong: it does not follow from its own rule")                                 \
    X(WRONG_PLAN, "收费有误:未按签约方案计费",                                                     \
      "the charge is wrong: another plan than the signed one was applied")
enum fee_verdict {
#define X(name, zh, en) FEE_VERDICT_##name,
    FEE_VERDICT_MAP(X)
#undef X
        FEE_VERDICT_COUNT
};

struct fee_judgement {
    enum fee_verdict verdict;
    int64_t due_minor;        /* what should have been charged */
    int64_t difference_minor; /* charged less due: above 0 is paid back */
};
void fee_dispute_judge(const struct fee_dispute *dispute, struct fee_judgement *judgement);

/* The whole text, a line a thought, as far as there is room; answers the length. */
#define FEE_DISPUTE_TEXT_SIZE 3072
uint32_t fee_dispute_explain(const struct fee_dispute *dispute, bool is_chinese, char *text,
                             uint32_t text_size);
