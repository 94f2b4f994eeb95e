/* See fee_dispute.h. */
#include "switch/aftersales/fee_dispute.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "protocols/base/require.h"
#include "routing/fee_set.h"
#include "switch/aftersales/speech.h"

/* Ceilings of 557号, in force since 2016-09-06: issuer fee 0.35 % and 13.00 of a debit card, 0.45 %
 * of a credit card; network fee 0.0325 % and 3.25 from each side. */
static const struct fee_formula ISSUER_DEBIT = {.rate_e8 = 350000, .cap = 1300};
static const struct fee_formula ISSUER_CREDIT = {.rate_e8 = 450000, .cap = FEE_NO_CAP};
static const struct fee_formula NETWORK = {.rate_e8 = 32500, .cap = 325};

struct money_text {
    char text[MONEY_TEXT_SIZE];
};

static struct money_text shown(int64_t minor, const struct fee_dispute *dispute)
{
    struct money_text text;
    money_format(text.text, (struct money){minor, dispute->amount.currency});
    return text;
}

static int64_t magnitude(int64_t minor)
{
    return minor < 0 ? -minor : minor;
}

void fee_dispute_judge(const struct fee_dispute *dispute, struct fee_judgement *judgement)
{
    *judgement = (struct fee_judgement){FEE_VERDICT_OF_ORIGINAL, dispute->charged_minor, 0};
    if (dispute->amount.minor <= 0) {
        return; /* the refund policy decides, and what was given back before */
    }
    int64_t applied = fee_apply(&dispute->applied.formula, dispute->amount.minor);
    bool is_other_plan =
        dispute->has_signed && strcmp(dispute->signed_rule.plan, dispute->applied.plan) != 0;
    judgement->due_minor =
        is_other_plan ? fee_apply(&dispute->signed_rule.formula, dispute->amount.minor) : applied;
    judgement->difference_minor = dispute->charged_minor - judgement->due_minor;
    judgement->verdict = is_other_plan                       ? FEE_VERDICT_WRONG_PLAN
                         : dispute->charged_minor != applied ? FEE_VERDICT_WRONG_SUM
                                                             : FEE_VERDICT_RIGHT;
}

static void say_inputs(struct speech *speech, const struct fee_dispute *dispute, bool is_chinese)
{
    static const char *const CLASSES[][2] = {[MERCHANT_STANDARD] = {"standard", "标准类"},
                                             [MERCHANT_PREFERENTIAL] = {"preferential", "优惠类"},
                                             [MERCHANT_EXEMPT] = {"exempt", "减免类"}};
    static const char *const CARDS[][2] = {[CARD_TYPE_DEBIT] = {"debit card", "借记卡"},
                                           [CARD_TYPE_CREDIT] = {"credit card", "贷记卡"},
                                           [CARD_TYPE_PREPAID] = {"prepaid card", "预付卡"},
                                           [CARD_TYPE_FOREIGN] = {"foreign card", "境外卡"}};
    REQUIRE((unsigned)dispute->merchant_class <= MERCHANT_EXEMPT);
    REQUIRE((unsigned)dispute->card_type <= CARD_TYPE_FOREIGN);
    const char *merchant_class = CLASSES[dispute->merchant_class][is_chinese];
    speech_say(speech,
               is_chinese ? "交易:%s,%s,卡号 %s,金额 %s\n"
                          : "Payment: %s of %s, card %s, amount %s\n",
               dispute->rrn, dispute->date, dispute->pan_masked,
               shown(dispute->amount.minor, dispute).text);
    const char *card = CARDS[dispute->card_type][is_chinese];
    speech_say(speech,
               is_chinese ? "计费依据:%s %s,商户类别 %s,MCC %s,产品 %s,通道 %s\n"
                          : "Priced by: %s %s, merchant class %s, MCC %s, product %s, channel %s\n",
               dispute->scheme, card, merchant_class, dispute->mcc, dispute->product,
               dispute->channel);
}

static void say_rule(struct speech *speech, const struct fee_dispute_rule *rule, const char *head,
                     bool is_chinese)
{
    speech_say(speech,
               is_chinese ? "%s:方案 %s,版本 %s,规则 %s(%s)\n"
                          : "%s: plan %s, version %s, rule %s (%s)\n",
               head, rule->plan, rule->version, rule->rule,
               rule->facts[0] != '\0' ? rule->facts : (is_chinese ? "无条件" : "no conditions"));
}

/* What the cap or the floor did to the fee, or nothing. */
static void say_bounds(struct speech *speech, const struct fee_formula *formula, int64_t before,
                       const struct fee_dispute *dispute, bool is_chinese)
{
    if (formula->fixed != 0) {
        speech_say(speech, is_chinese ? ",含每笔固定 %s" : ", with a fixed part of %s",
                   shown(formula->fixed, dispute).text);
    }
    if (formula->floor != 0) {
        speech_say(speech,
                   before < formula->floor ? (is_chinese ? ",低于最低 %s,按最低收取"
                                                         : ", below the floor of %s, which holds")
                                           : (is_chinese ? ",最低 %s" : ", floor %s"),
                   shown(formula->floor, dispute).text);
    }
    if (formula->cap == FEE_NO_CAP) {
        speech_say(speech, "%s", is_chinese ? ",不封顶" : ", no cap");
    } else {
        speech_say(speech,
                   before > formula->cap ? (is_chinese ? ",超过封顶 %s,按封顶收取"
                                                       : ", above the cap of %s, which holds")
                                         : (is_chinese ? ",封顶 %s" : ", cap %s"),
                   shown(formula->cap, dispute).text);
    }
}

static void say_sum(struct speech *speech, const struct fee_dispute_rule *rule,
                    const struct fee_dispute *dispute, bool is_chinese)
{
    const struct fee_formula *formula = &rule->formula;
    int64_t amount = magnitude(dispute->amount.minor);
    struct fee_exact exact = fee_exact_part(formula->rate_e8, amount);
    int64_t rounded = exact.units + (exact.fraction_e8 >= FEE_RATE_ONE / 2);
    speech_say(speech,
               is_chinese ? "计算:%s × %" PRId64 ".%06" PRId64 " %% = %" PRId64 ".%08" PRId64
                            " 分,四舍五入为 %" PRId64 " 分"
                          : "Sum: %s x %" PRId64 ".%06" PRId64 " %% = %" PRId64 ".%08" PRId64
                            " minor units, rounded half up to %" PRId64,
               shown(amount, dispute).text, formula->rate_e8 / 1000000, formula->rate_e8 % 1000000,
               exact.units, exact.fraction_e8, rounded);
    say_bounds(speech, formula, formula->fixed + rounded, dispute, is_chinese);
    speech_say(speech, is_chinese ? ";手续费 %s\n" : "; fee %s\n",
               shown(fee_apply(formula, dispute->amount.minor), dispute).text);
}

static void say_other(struct speech *speech, const struct fee_dispute *dispute, bool is_chinese)
{
    if (!dispute->has_other) {
        return;
    }
    say_rule(speech, &dispute->other, is_chinese ? "若按您所说" : "Under the one you thought of",
             is_chinese);
    say_sum(speech, &dispute->other, dispute, is_chinese);
    int64_t more = magnitude(dispute->charged_minor) -
                   magnitude(fee_apply(&dispute->other.formula, dispute->amount.minor));
    speech_say(speech,
               more >= 0 ? (is_chinese ? "实收比其多 %s\n" : "The charge is %s more than that\n")
                         : (is_chinese ? "实收比其少 %s\n" : "The charge is %s less than that\n"),
               shown(magnitude(more), dispute).text);
}

static void say_ceilings(struct speech *speech, const struct fee_dispute *dispute, bool is_chinese)
{
    if (dispute->amount.currency != MONEY_CNY) {
        return;
    }
    const struct fee_formula *issuer =
        dispute->card_type == CARD_TYPE_CREDIT ? &ISSUER_CREDIT : &ISSUER_DEBIT;
    bool is_exempt = dispute->merchant_class == MERCHANT_EXEMPT;
    int64_t issuer_most = is_exempt ? 0 : fee_apply(issuer, dispute->amount.minor);
    int64_t network_most = is_exempt ? 0 : fee_apply(&NETWORK, dispute->amount.minor);
    speech_say(speech,
               is_chinese
                   ? "其中发卡行服务费 %s(发改价格〔2016〕557号上限 %s),网络服务费 %s(上限 "
                     "%s);收单服务费由市场定价,以您签约的方案为准\n"
                   : "Of it the issuer gets %s (ceiling by 557 of 2016: %s), the scheme %s "
                     "(ceiling %s); the acquirer's price is free, and is the plan you signed\n",
               shown(dispute->issuer_minor, dispute).text, shown(issuer_most, dispute).text,
               shown(dispute->scheme_minor, dispute).text, shown(network_most, dispute).text);
}

static void say_verdict(struct speech *speech, const struct fee_dispute *dispute, bool is_chinese)
{
    static const char *const VERDICTS[FEE_VERDICT_COUNT][2] = {
#define X(name, zh, en) [FEE_VERDICT_##name] = {en, zh},
        FEE_VERDICT_MAP(X)
#undef X
    };
    struct fee_judgement judgement;
    fee_dispute_judge(dispute, &judgement);
    speech_say(speech, is_chinese ? "实收 %s,应收 %s。%s\n" : "Charged %s, due %s: %s\n",
               shown(dispute->charged_minor, dispute).text,
               shown(judgement.due_minor, dispute).text, VERDICTS[judgement.verdict][is_chinese]);
    if (judgement.difference_minor != 0) {
        speech_say(
            speech,
            judgement.difference_minor > 0
                ? (is_chinese ? "多收的 %s 将退还\n" : "%s too much was taken and is paid back\n")
                : (is_chinese ? "少收 %s,不追补\n"
                              : "%s too little was taken; it is not asked for\n"),
            shown(magnitude(judgement.difference_minor), dispute).text);
    }
    if (dispute->complain[0] != '\0') {
        speech_say(speech,
                   is_chinese ? "如仍有异议,可继续投诉:%s\n"
                              : "If you do not agree, you can complain further: %s\n",
                   dispute->complain);
    }
}

uint32_t fee_dispute_explain(const struct fee_dispute *dispute, bool is_chinese, char *text,
                             uint32_t text_size)
{
    struct speech speech;
    speech_begin(&speech, text, text_size);
    say_inputs(&speech, dispute, is_chinese);
    say_rule(&speech, &dispute->applied, is_chinese ? "适用" : "Applied", is_chinese);
    say_sum(&speech, &dispute->applied, dispute, is_chinese);
    if (dispute->has_signed) {
        say_rule(&speech, &dispute->signed_rule, is_chinese ? "当日签约" : "Signed for that day",
                 is_chinese);
        say_sum(&speech, &dispute->signed_rule, dispute, is_chinese);
    }
    say_other(&speech, dispute, is_chinese);
    say_ceilings(&speech, dispute, is_chinese);
    say_verdict(&speech, dispute, is_chinese);
    return speech.used;
}
