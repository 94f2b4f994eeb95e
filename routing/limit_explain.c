/* Limits in words: see limit_rule.h. */
#include <inttypes.h>
#include <stdio.h>

#include "protocols/base/money.h"
#include "routing/limit_set.h"

#define LINE_SIZE 256

/* An amount as a person writes it; a count as it is. */
static void figure_write(char text[MONEY_TEXT_SIZE], enum limit_bound bound, int64_t value,
                         uint16_t currency)
{
    if (bound == LIMIT_BOUND_DAY_COUNT) {
        snprintf(text, MONEY_TEXT_SIZE, "%" PRId64, value);
    } else {
        money_format(text, (struct money){value, currency});
    }
}

static int bound_explain(char line[LINE_SIZE], const struct limit_rule *rule,
                         enum limit_bound bound, const struct limit_subject *subject,
                         uint16_t currency)
{
    char allowed[MONEY_TEXT_SIZE], reached[MONEY_TEXT_SIZE];
    int64_t value = limit_rule_reached(rule, bound, subject);
    bool is_least = bound == LIMIT_BOUND_AMOUNT_MIN;
    bool is_kept = is_least ? value >= rule->bounds[bound] : value <= rule->bounds[bound];
    figure_write(allowed, bound, rule->bounds[bound], currency);
    figure_write(reached, bound, value, currency);
    return snprintf(line, LINE_SIZE,
                    "limit %s of line %" PRIu32 ", per %s: %s %s, with this payment %s: %s\n",
                    rule->name, rule->line, limit_scope_word((enum limit_scope)rule->scope),
                    limit_bound_member(bound), allowed, reached, is_kept ? "kept" : "broken");
}

uint32_t limit_rules_explain(const struct limit_rules *rules, const struct condition_facts *facts,
                             const struct limit_subject *subject, char *text, uint32_t text_size)
{
    uint32_t used = 0;
    text[0] = '\0';
    for (uint32_t i = 0; i < rules->count; i++) {
        const struct limit_rule *rule = &rules->rules[i];
        if (!limit_rule_fits(rule, facts, subject)) {
            continue;
        }
        for (unsigned bound = 0; bound < LIMIT_BOUND_COUNT; bound++) {
            char line[LINE_SIZE];
            if (rule->bounds[bound] == LIMIT_NONE) {
                continue;
            }
            int length =
                bound_explain(line, rule, (enum limit_bound)bound, subject, rules->form.currency);
            if (length <= 0 || used + (uint32_t)length >= text_size) {
                return used; /* what does not fit any more is left out */
            }
            used += (uint32_t)snprintf(text + used, text_size - used, "%s", line);
        }
    }
    return used;
}
