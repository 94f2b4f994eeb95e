/* See fee_plan.h: a price in words. It is made as it always is, then told step by step. */
#include "routing/fee_plan.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>

#include "protocols/base/require.h"
#include "routing/condition_words.h"
#include "routing/fee_set.h"

#define LINE_SIZE 480

/* What is said, as far as there is room. */
struct fee_speech {
    char *text;
    uint32_t size, used;
};

static void say(struct fee_speech *speech, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

/* Appends one line. */
static void say(struct fee_speech *speech, const char *format, ...)
{
    char line[LINE_SIZE];
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(line, sizeof(line), format, arguments);
    va_end(arguments);
    REQUIRE(speech->used < speech->size);
    int added = snprintf(speech->text + speech->used, speech->size - speech->used, "%s\n", line);
    if (added > 0) {
        uint32_t room = speech->size - speech->used;
        speech->used = (uint32_t)added >= room ? speech->size - 1 : speech->used + (uint32_t)added;
    }
}

struct money_text {
    char text[MONEY_TEXT_SIZE];
};

static struct money_text money_text(int64_t minor, uint16_t currency)
{
    struct money_text text;
    money_format(text.text, (struct money){minor, currency});
    return text;
}

static struct money_text limit_text(int64_t minor, bool is_set, uint16_t currency)
{
    struct money_text none = {"none"};
    return is_set ? money_text(minor, currency) : none;
}

static void say_formula(struct fee_speech *speech, const char *component,
                        const struct fee_formula *formula, struct money amount)
{
    const uint16_t currency = amount.currency;
    struct fee_exact exact =
        fee_exact_part(formula->rate_e8, amount.minor < 0 ? -amount.minor : amount.minor);
    int64_t rounded = exact.units + (exact.fraction_e8 >= FEE_RATE_ONE / 2);
    int64_t before = formula->fixed + rounded;
    say(speech,
        "%s: %s x %" PRId64 ".%06" PRId64 " %% = %" PRId64 ".%08" PRId64
        " minor units, half up %" PRId64 "; fixed %s, floor %s, cap %s%s: %s",
        component, money_text(amount.minor, currency).text, formula->rate_e8 / 1000000,
        formula->rate_e8 % 1000000, exact.units, exact.fraction_e8, rounded,
        limit_text(formula->fixed, formula->fixed != 0, currency).text,
        limit_text(formula->floor, formula->floor != 0, currency).text,
        limit_text(formula->cap, formula->cap != FEE_NO_CAP, currency).text,
        before > formula->cap     ? " (reached)"
        : before < formula->floor ? " (below the floor)"
                                  : "",
        money_text(fee_apply(formula, amount.minor), currency).text);
}

static void say_rule(struct fee_speech *speech, const struct fee_plan_set *plans,
                     const struct fee_choice *choice, const char *what, const struct fee_rule *rule)
{
    char facts[LINE_SIZE / 2];
    condition_explain(&rule->condition, &choice->facts, facts, sizeof(facts));
    say(speech, "%s: rule %s:%u (%s)", what, plans->file, rule->line,
        facts[0] != '\0' ? facts : "no conditions");
}

static void say_cost(struct fee_speech *speech, const struct fee_plan_set *plans,
                     const struct fee_choice *choice, struct money amount)
{
    say_rule(speech, plans, choice, "cost", choice->cost);
    if (choice->discount != NULL) {
        const struct fee_rule *discount = choice->discount;
        say_rule(speech, plans, choice, "discount", discount);
        say(speech,
            "discount: issuer and scheme fee x %" PRId64 ".%04" PRId64 ", their caps x %" PRId64
            ".%04" PRId64,
            discount->factor_e4 / FEE_FACTOR_ONE, discount->factor_e4 % FEE_FACTOR_ONE,
            discount->cap_factor_e4 / FEE_FACTOR_ONE, discount->cap_factor_e4 % FEE_FACTOR_ONE);
    }
    say_formula(speech, "issuer fee", &choice->formulas[FEE_ISSUER], amount);
    say_formula(speech, "scheme fee", &choice->formulas[FEE_SCHEME], amount);
}

static void say_inputs(struct fee_speech *speech, const struct fee_plan_set *plans,
                       const struct fee_inputs *inputs, const struct fee_choice *choice)
{
    char facts[LINE_SIZE / 2];
    condition_explain(&(const struct condition){.stated = plans->form.parts}, &choice->facts, facts,
                      sizeof(facts));
    say(speech, "inputs: %s", facts);
    if (inputs->merchant->exempt_until_day != 0 &&
        (choice->facts.bits[CONDITION_CLASS] & (UINT64_C(1) << MERCHANT_EXEMPT)) == 0) {
        say(speech, "inputs: the merchant's exemption is over, it counts as a standard one");
    }
}

static void say_agents(struct fee_speech *speech, const struct fee_quote *quote,
                       struct money amount)
{
    const uint16_t currency = amount.currency;
    const int64_t sign = amount.minor < 0 ? -1 : 1;
    const struct fee_share_base base = {sign * amount.minor, sign * quote->merchant_fee.minor,
                                        sign * fee_margin(quote).minor};
    for (unsigned i = 0; i < quote->shares.count; i++) {
        const struct fee_share *share = &quote->shares.items[i];
        const struct agent_row *agent = share->agent;
        const struct fee_formula cost = {.rate_e8 = agent->cost_rate_e8, .cap = agent->cost_cap};
        char what[LINE_SIZE / 4];
        snprintf(what, sizeof(what), "agent %s, own price", agent->agent_id);
        say_formula(speech, what, &cost, (struct money){base.amount, currency});
        say(speech,
            "agent %s: merchant fee less own price x %" PRId64 ".%06" PRId64
            " %%, half up: %s%s, share %s",
            agent->agent_id, agent->ratio_e8 / 1000000, agent->ratio_e8 % 1000000,
            money_text(sign * fee_share_entitled(agent, &base), currency).text,
            i > 0 ? ", less the shares below" : "", money_text(share->minor, currency).text);
    }
    if (quote->shares.is_capped) {
        say(speech, "agents: capped, since together they may not exceed the margin; look into "
                    "their terms");
    }
}

static void say_result(struct fee_speech *speech, const struct fee_quote *quote,
                       struct money amount)
{
    struct money margin = fee_margin(quote);
    say(speech, "margin: %s%s", money_text(margin.minor, margin.currency).text,
        (amount.minor < 0 ? margin.minor > 0 : margin.minor < 0) ? ", sold below cost" : "");
    if (quote->shares.count > 0) {
        say(speech, "agents: %s of it, %s is left",
            money_text(quote->shares.total, margin.currency).text,
            money_text(margin.minor - quote->shares.total, margin.currency).text);
    }
}

static void say_choice(struct fee_speech *speech, const struct fee_plan_set *plans,
                       const struct fee_inputs *inputs)
{
    struct fee_choice choice;
    struct fee_quote quote;
    fee_choose(plans, inputs, &choice);
    say_inputs(speech, plans, inputs, &choice);
    if (fee_quote(plans, inputs, &quote) != STATUS_OK) {
        say(speech, "fee: no %s rule fits, plan %s%s", choice.merchant == NULL ? "price" : "cost",
            inputs->merchant->plan, choice.own == NULL ? " is not in the fees file" : "");
        return;
    }
    char what[LINE_SIZE / 4];
    snprintf(what, sizeof(what), "plan %s%s%s", choice.own->name,
             choice.plan == choice.own ? "" : ", otherwise ",
             choice.plan == choice.own ? "" : choice.plan->name);
    say_rule(speech, plans, &choice, what, choice.merchant);
    say_formula(speech, "merchant fee", &choice.merchant->formulas[FEE_MERCHANT], inputs->amount);
    say_cost(speech, plans, &choice, inputs->amount);
    say_agents(speech, &quote, inputs->amount);
    say_result(speech, &quote, inputs->amount);
}

uint32_t fee_explain(const struct fee_plan_set *plans, const struct fee_inputs *inputs, char *text,
                     uint32_t text_size)
{
    REQUIRE(text_size > 0);
    struct fee_speech speech = {text, text_size, 0};
    text[0] = '\0';
    if (!fee_amount_is_priced(plans, inputs->amount)) {
        say(&speech, "fee: the fees file is in currency %03u, the amount in %03u",
            plans->form.currency, inputs->amount.currency);
    } else {
        say_choice(&speech, plans, inputs);
    }
    return speech.used;
}
