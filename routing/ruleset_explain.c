/* A decision in words: the decision is made as it always is, then told step by step. */
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "protocols/base/bytes.h"
#include "protocols/base/require.h"
#include "routing/condition_words.h"
#include "routing/ruleset.h"
#include "routing/ruleset_parts.h"

#define SAY_SIZE 320
#define PASSED_COUNT_MAX 20 /* rules that do not fit and are named */

/* A channel of the rule that fits. */
struct route_explained {
    const struct route_decision *decision;
    uint16_t channel, weight;
};

/* Appends a sentence; what does not fit any more is left out. */
static void say(struct byte_writer *writer, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

static void say(struct byte_writer *writer, const char *format, ...)
{
    char sentence[SAY_SIZE];
    va_list arguments;
    va_start(arguments, format);
    int length = vsnprintf(sentence, sizeof(sentence), format, arguments);
    va_end(arguments);
    if (length > 0) {
        uint32_t kept = (uint32_t)length < sizeof(sentence) ? (uint32_t)length : SAY_SIZE - 1;
        byte_writer_put(writer, sentence, kept);
    }
}

static void explain_rows(struct byte_writer *writer, const struct route_decision *decision)
{
    const struct terminal_row *terminal = decision->terminal;
    const struct merchant_row *merchant = decision->merchant;
    const struct bin_rule *bin = decision->bin;
    if (terminal != NULL) {
        say(writer, "terminal %s: %s, of merchant %s, brand %s\n", terminal->terminal_id,
            terminal->is_active ? "active" : "stopped", terminal->merchant_id,
            terminal->brand[0] != '\0' ? terminal->brand : "not known");
    }
    if (merchant != NULL) {
        say(writer, "merchant %s: %s, category %s, %s, plan %s\n", merchant->merchant_id,
            merchant->is_active ? "active" : "stopped", merchant->mcc,
            condition_word(CONDITION_CLASS, merchant->merchant_class), merchant->plan);
    }
    if (bin != NULL) {
        say(writer, "card: BIN %0*" PRIu64 ", %s %s, issuer %u\n", bin->digit_count, bin->prefix,
            condition_word(CONDITION_SCHEME, bin->scheme),
            condition_word(CONDITION_CARD_TYPE, bin->card_type), bin->issuer);
    }
}

/* Whether a channel of the rule can take the payment now, and why not. */
static void explain_channel(struct byte_writer *writer, const struct ruleset *ruleset,
                            const struct payment *payment, const struct route_context *context,
                            const struct route_explained *explained)
{
    uint16_t channel = explained->channel;
    const struct channel_row *row = channel_table_at(ruleset->channels, channel);
    const struct bin_rule *bin = explained->decision->bin;
    struct health_view view = {0};
    bool is_up = (context->channel_is_up >> channel & 1) != 0;
    if (context->health != NULL && is_up) {
        struct health_spot spot = {context->health_places[channel], bin == NULL ? 0 : bin->group};
        channel_health_view(context->health, spot, context->now_ns, &view);
    }
    bool is_offered = (row->kinds >> payment->kind & 1) != 0;
    say(writer, "  channel %s: ", row->name);
    if (explained->weight > 0) {
        say(writer, "weight %u, ", explained->weight);
    }
    if (!is_offered) {
        say(writer, "does not offer %s\n", payment_kind_name(payment->kind));
    } else if (!is_up) {
        say(writer, "down\n");
    } else if (view.state != HEALTH_CLOSED) {
        say(writer, "up, breaker %s: %s\n", health_state_name(view.state),
            health_fault_text(view.fault));
    } else {
        say(writer, "up, breaker closed, %u requests lately\n", view.requests);
    }
}

static void explain_fit(struct byte_writer *writer, const struct ruleset *ruleset,
                        const struct route_rule *rule, const struct condition_facts *facts)
{
    char conditions[SAY_SIZE / 2];
    condition_explain(&rule->condition, facts, conditions, sizeof(conditions));
    say(writer, "route rule of line %u fits (%s): %s, channels", rule->line,
        conditions[0] != '\0' ? conditions : "no conditions",
        route_strategy_word((enum route_strategy)rule->strategy));
    for (unsigned i = 0; i < rule->channel_count; i++) {
        say(writer, "%s %s", i > 0 ? "," : "",
            channel_table_at(ruleset->channels, rule->channels[i])->name);
    }
    say(writer, "\n");
}

/* The rule that fits; NULL: none. Of those above it the first few say why they do not. */
static const struct route_rule *explain_routes(struct byte_writer *writer,
                                               const struct ruleset *ruleset,
                                               const struct condition_facts *facts)
{
    const struct route_rule *found = route_rules_find(ruleset->routes, facts);
    uint32_t passed = 0;
    for (uint32_t i = 0; i < route_rules_count(ruleset->routes); i++) {
        const struct route_rule *rule = route_rules_at(ruleset->routes, i);
        enum condition_part part = condition_mismatch(&rule->condition, facts);
        if (part == CONDITION_PART_COUNT) {
            REQUIRE(rule == found); /* the index and the walk are two ways to one answer */
            break;
        }
        if (++passed <= PASSED_COUNT_MAX) {
            say(writer, "route rule of line %u does not fit: %s\n", rule->line,
                condition_part_name(part));
        }
    }
    if (passed > PASSED_COUNT_MAX) {
        say(writer, "and %u more rules do not fit\n", passed - PASSED_COUNT_MAX);
    }
    if (found != NULL) {
        explain_fit(writer, ruleset, found, facts);
    }
    return found;
}

static void explain_fee(struct byte_writer *writer, const struct ruleset *ruleset,
                        const struct payment *payment, const struct route_context *context,
                        const struct route_decision *decision)
{
    const struct fee_inputs inputs = {
        .amount = payment->amount,
        .wall_us = context->wall_us,
        .month_minor = context->month_minor,
        .bin = decision->bin,
        .merchant = decision->merchant,
        .agent = ruleset_agent_of(ruleset, decision->merchant),
        .payment = payment,
        .channel = decision->channel_count == 0
                       ? NULL
                       : channel_table_at(ruleset->channels, decision->channels[0])->name,
    };
    char text[ROUTE_EXPLANATION_SIZE];
    uint32_t length = fee_explain(ruleset->fees, &inputs, text, sizeof(text));
    uint32_t room = byte_writer_room(writer);
    byte_writer_put(writer, text, length < room ? length : room);
}

/* What limits and the black list said; a limit tells where the payment would bring it. */
static void explain_limits(struct byte_writer *writer, const struct ruleset *ruleset,
                           const struct payment *payment, const struct route_context *context,
                           const struct route_decision *decision)
{
    const struct black_list_row *listed = decision->listed;
    if (listed != NULL) {
        say(writer, "black list: %s of line %u: %s; answered %s\n",
            black_list_kind_word((enum black_list_kind)listed->kind), listed->line,
            listed->reason[0] != '\0' ? listed->reason : "no reason is given",
            route_decision_code(decision));
    }
    bool is_reached = decision->answer != ROUTE_AMOUNT_INVALID && decision->merchant != NULL &&
                      decision->merchant->is_active && listed == NULL;
    if (ruleset->limits == NULL || !is_reached || context->is_bound ||
        !limit_kind_is_limited(payment->kind)) {
        return;
    }
    struct condition_facts facts;
    const struct limit_subject subject = ruleset_limit_subject(payment, context);
    ruleset_limit_facts(ruleset, payment, context->wall_us, decision, &facts);
    char text[ROUTE_EXPLANATION_SIZE / 2];
    uint32_t length = limit_rules_explain(ruleset->limits, &facts, &subject, text, sizeof(text));
    uint32_t room = byte_writer_room(writer);
    byte_writer_put(writer, text, length < room ? length : room);
}

void ruleset_explain(const struct ruleset *ruleset, const struct payment *payment,
                     const struct route_context *context, char text[ROUTE_EXPLANATION_SIZE])
{
    REQUIRE(ruleset->is_frozen);
    struct route_decision decision;
    struct byte_writer writer;
    byte_writer_init(&writer, text, ROUTE_EXPLANATION_SIZE - 1);
    ruleset_decide(ruleset, payment, context, &decision);
    say(&writer, "rules of version %u: %s\n", decision.version, route_answer_text(decision.answer));
    explain_rows(&writer, &decision);
    explain_limits(&writer, ruleset, payment, context, &decision);
    bool is_routed = decision.answer == ROUTE_FOUND || decision.answer == ROUTE_NO_ROUTE ||
                     decision.answer == ROUTE_NOT_SUPPORTED || decision.answer == ROUTE_NO_FEE ||
                     decision.answer == ROUTE_CHANNEL_TRIPPED;
    if (is_routed && !context->is_bound) {
        struct condition_facts facts;
        ruleset_facts(ruleset, payment, context->wall_us, &decision, &facts);
        const struct route_rule *rule = explain_routes(&writer, ruleset, &facts);
        for (unsigned i = 0; rule != NULL && i < rule->channel_count; i++) {
            explain_channel(
                &writer, ruleset, payment, context,
                &(struct route_explained){&decision, rule->channels[i], rule->weights[i]});
        }
    }
    if (decision.answer == ROUTE_FOUND) {
        say(&writer, "it goes to %s\n",
            channel_table_at(ruleset->channels, decision.channels[0])->name);
    }
    bool is_priced = decision.answer == ROUTE_FOUND || decision.answer == ROUTE_NO_FEE;
    if (is_priced && ruleset_kind_is_priced(payment->kind)) {
        explain_fee(&writer, ruleset, payment, context, &decision);
    }
    text[writer.position] = '\0';
}
