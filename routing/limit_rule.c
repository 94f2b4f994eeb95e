/* See limit_rule.h: holding payments against the rules; limit_read.c compiles them. */
#include "routing/limit_rule.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "protocols/base/require.h"
#include "routing/limit_set.h"

static const char *const SCOPE_WORDS[] = {
#define X(name, word, text) word,
    LIMIT_SCOPE_MAP(X)
#undef X
};

static const struct {
    const char *member, *code;
} BOUNDS[] = {
#define X(name, member, code, text) {member, code},
    LIMIT_BOUND_MAP(X)
#undef X
};

const char *limit_scope_word(enum limit_scope scope)
{
    REQUIRE((unsigned)scope < LIMIT_SCOPE_COUNT);
    return SCOPE_WORDS[scope];
}

void limit_scopes_text(uint32_t scopes, char text[LIMIT_SCOPES_TEXT_SIZE])
{
    int used = 0;
    text[0] = '\0';
    for (unsigned scope = 0; scope < LIMIT_SCOPE_COUNT; scope++) {
        if ((scopes >> scope & 1) != 0) {
            used += snprintf(text + used, LIMIT_SCOPES_TEXT_SIZE - (size_t)used, "%s%s",
                             used > 0 ? ", " : "", SCOPE_WORDS[scope]);
            REQUIRE(used < LIMIT_SCOPES_TEXT_SIZE);
        }
    }
}

const char *limit_bound_member(enum limit_bound bound)
{
    REQUIRE((unsigned)bound < LIMIT_BOUND_COUNT);
    return BOUNDS[bound].member;
}

void limit_rules_destroy(struct limit_rules *rules)
{
    if (rules == NULL) {
        return;
    }
    for (uint32_t i = 0; i < rules->count; i++) {
        condition_release(&rules->rules[i].condition);
    }
    free(rules);
}

uint32_t limit_rules_count(const struct limit_rules *rules)
{
    return rules->count;
}

const struct limit_rule *limit_rules_at(const struct limit_rules *rules, uint32_t index)
{
    REQUIRE(index < rules->count);
    return &rules->rules[index];
}

const struct condition_form *limit_rules_form(const struct limit_rules *rules)
{
    return &rules->form;
}

uint32_t limit_rules_scopes(const struct limit_rules *rules)
{
    uint32_t scopes = 0;
    for (uint32_t i = 0; i < rules->count; i++) {
        const struct limit_rule *rule = &rules->rules[i];
        bool is_counted = rule->bounds[LIMIT_BOUND_DAY_AMOUNT] != LIMIT_NONE ||
                          rule->bounds[LIMIT_BOUND_DAY_COUNT] != LIMIT_NONE ||
                          rule->bounds[LIMIT_BOUND_MONTH_AMOUNT] != LIMIT_NONE;
        scopes |= is_counted ? LIMIT_SCOPE_BIT(rule->scope) : 0;
    }
    return scopes;
}

bool limit_kind_is_limited(enum payment_kind kind)
{
    return ((LIMIT_KINDS_TAKING | LIMIT_KINDS_NAMED) >> kind & 1) != 0;
}

bool limit_rule_fits(const struct limit_rule *rule, const struct condition_facts *facts,
                     const struct limit_subject *subject)
{
    bool names_kind = (rule->condition.stated & CONDITION_BIT(CONDITION_KIND)) != 0;
    bool is_taking = (LIMIT_KINDS_TAKING >> subject->kind & 1) != 0;
    bool is_of_card = (LIMIT_CARD_SCOPES >> rule->scope & 1) != 0;
    return (is_taking || names_kind) && (subject->has_card || !is_of_card) &&
           condition_matches(&rule->condition, facts);
}

int64_t limit_rule_reached(const struct limit_rule *rule, enum limit_bound bound,
                           const struct limit_subject *subject)
{
    const struct limit_use *use = &subject->uses[rule->scope];
    switch (bound) {
    case LIMIT_BOUND_DAY_AMOUNT:
        return use->day_minor + subject->amount_minor;
    case LIMIT_BOUND_DAY_COUNT:
        return use->day_count + 1;
    case LIMIT_BOUND_MONTH_AMOUNT:
        return use->month_minor + subject->amount_minor;
    case LIMIT_BOUND_AMOUNT_MIN:
    case LIMIT_BOUND_AMOUNT_MAX:
    case LIMIT_BOUND_COUNT:
        break;
    }
    return subject->amount_minor;
}

static bool is_broken(const struct limit_rule *rule, enum limit_bound bound, int64_t reached)
{
    if (rule->bounds[bound] == LIMIT_NONE) {
        return false;
    }
    return bound == LIMIT_BOUND_AMOUNT_MIN ? reached < rule->bounds[bound]
                                           : reached > rule->bounds[bound];
}

bool limit_rules_break(const struct limit_rules *rules, const struct condition_facts *facts,
                       const struct limit_subject *subject, struct limit_breach *breach)
{
    for (uint32_t i = 0; i < rules->count; i++) {
        const struct limit_rule *rule = &rules->rules[i];
        if (!limit_rule_fits(rule, facts, subject)) {
            continue;
        }
        for (unsigned bound = 0; bound < LIMIT_BOUND_COUNT; bound++) {
            int64_t reached = limit_rule_reached(rule, (enum limit_bound)bound, subject);
            if (is_broken(rule, (enum limit_bound)bound, reached)) {
                *breach = (struct limit_breach){rule, (enum limit_bound)bound, reached};
                return true;
            }
        }
    }
    return false;
}

const char *limit_breach_code(const struct limit_breach *breach)
{
    REQUIRE((unsigned)breach->bound < LIMIT_BOUND_COUNT);
    return breach->rule->response_code[0] != '\0' ? breach->rule->response_code
                                                  : BOUNDS[breach->bound].code;
}
