/* What is wrong with a list of rules although each of them is well written. See route_set.h. */
#include "routing/route_set.h"

#include <stdio.h>
#include <string.h>

#include "protocols/base/bytes.h"

#define KINDS_LEFT(condition)                                                                      \
    (((condition)->stated & CONDITION_BIT(CONDITION_KIND)) != 0                                    \
         ? (condition)->bits[CONDITION_KIND]                                                       \
         : UINT64_MAX)

/* A rule behind one that matches all that it matches is never reached. True: it is refused. */
static bool refuse_shadowed(const struct route_rules *rules, struct document *document,
                            const struct document_node *node, uint32_t at)
{
    const struct condition *condition = &rules->rules[at].condition;
    for (uint32_t i = 0; i < at; i++) {
        const struct route_rule *above = &rules->rules[i];
        if (!condition_covers(&above->condition, condition)) {
            continue;
        }
        if (condition_covers(condition, &above->condition)) {
            document_fault(document, node,
                           "this rule is never reached: the rule of line %u has the same "
                           "conditions; expected one of them",
                           above->line);
        } else {
            document_fault(document, node,
                           "this rule is never reached: whatever fits it fits the rule of line "
                           "%u first; expected the narrower rule above the wider one",
                           above->line);
        }
        return true;
    }
    return false;
}

/* Rules above that together match all that one below them does: two with complementary schemes,
 * say, each of which covers it in all else. Parts are looked at one by one. */
struct union_above {
    const struct condition *conditions[ROUTE_RULE_COUNT_MAX];
    uint32_t lines[ROUTE_RULE_COUNT_MAX];
    uint32_t count;
};

static void gather_above(struct union_above *above, const struct route_rules *rules, uint32_t at,
                         enum condition_part part)
{
    above->count = 0;
    for (uint32_t i = 0; i < at; i++) {
        const struct condition *condition = &rules->rules[i].condition;
        if ((condition->stated & CONDITION_BIT(part)) != 0 &&
            condition_covers_but(condition, &rules->rules[at].condition, part)) {
            above->conditions[above->count] = condition;
            above->lines[above->count++] = rules->rules[i].line;
        }
    }
}

static void refuse_shadowed_by_many(const struct route_rules *rules, struct document *document,
                                    const struct document_node *node, uint32_t at)
{
    const struct condition *condition = &rules->rules[at].condition;
    struct union_above above;
    for (uint32_t left = condition->stated; left != 0; left &= left - 1) {
        enum condition_part part = (enum condition_part)__builtin_ctz(left);
        gather_above(&above, rules, at, part);
        if (above.count > 1 &&
            condition_part_is_covered(above.conditions, above.count, condition, part)) {
            document_fault(document, node,
                           "this rule is never reached: each %s that fits it fits one of the %u "
                           "rules from line %u to line %u first; expected one that they leave "
                           "over, or the narrower rules alone",
                           condition_part_name(part), above.count, above.lines[0],
                           above.lines[above.count - 1]);
            return;
        }
    }
}

static void refuse_contradictory(const struct route_rules *rules, struct document *document,
                                 const struct document_node *node, uint32_t at)
{
    const struct condition *condition = &rules->rules[at].condition;
    struct condition_conflict conflict = condition_contradiction(condition);
    if (conflict.part != CONDITION_PART_COUNT) {
        document_fault(document, node,
                       "this rule never fits: no payment has both this %s and this %s; expected "
                       "conditions that may hold together",
                       condition_part_name(conflict.part), condition_part_name(conflict.other));
        return;
    }
    const struct condition_numbers *currencies =
        &condition->numbers[CONDITION_CURRENCY - CONDITION_NUMBERS_FIRST];
    bool has_both = (condition->stated & CONDITION_BIT(CONDITION_CURRENCY)) != 0 &&
                    (condition->stated & CONDITION_BIT(CONDITION_AMOUNT)) != 0;
    bool is_file_currency = false;
    for (uint32_t i = 0; i < currencies->count; i++) {
        is_file_currency = is_file_currency || (currencies->items[i].min <= rules->form.currency &&
                                                currencies->items[i].max >= rules->form.currency);
    }
    if (has_both && !is_file_currency) {
        document_fault(document, node,
                       "this rule never fits: its amounts are of currency %u, which its "
                       "`currency` leaves out",
                       rules->form.currency);
    }
}

/* Each channel of a rule must offer something of what the rule is for, and one of them each. */
static void refuse_idle(const struct route_rules *rules, struct document *document,
                        const struct document_node *node, uint32_t at)
{
    const struct route_rule *rule = &rules->rules[at];
    uint64_t kinds = KINDS_LEFT(&rule->condition);
    uint64_t offered = 0;
    for (unsigned i = 0; i < rule->channel_count; i++) {
        const struct channel_row *row = channel_table_at(rules->form.channels, rule->channels[i]);
        offered |= row->kinds;
        if ((row->kinds & kinds) == 0 && kinds != UINT64_MAX) {
            document_fault(document, node,
                           "channels: %s offers none of this rule's kinds; expected a channel that "
                           "does",
                           row->name);
            return;
        }
    }
    for (unsigned kind = 0; kinds != UINT64_MAX && kind < PAYMENT_KIND_COUNT; kind++) {
        if ((kinds >> kind & 1) != 0 && (offered >> kind & 1) == 0) {
            document_fault(document, node,
                           "kind: %s is offered by none of this rule's channels; expected a "
                           "channel that does, or a rule without it",
                           payment_kind_name((enum payment_kind)kind));
            return;
        }
    }
}

void route_rules_check(const struct route_rules *rules, struct document *document,
                       const struct document_node *list)
{
    uint32_t at = 0;
    for (const struct document_node *node = list->first_child; node != NULL;
         node = node->next, at++) {
        if (!refuse_shadowed(rules, document, node, at)) {
            refuse_shadowed_by_many(rules, document, node, at);
        }
        refuse_contradictory(rules, document, node, at);
        refuse_idle(rules, document, node, at);
    }
}

static void note(struct byte_writer *writer, const char *line)
{
    uint32_t length = (uint32_t)strlen(line);
    if (length <= byte_writer_room(writer)) {
        byte_writer_put(writer, line, length);
    }
}

static bool is_caught(const struct route_rules *rules, unsigned kind)
{
    for (uint32_t i = 0; i < rules->count; i++) {
        const struct route_rule *rule = &rules->rules[i];
        for (unsigned k = 0; k < rule->channel_count; k++) {
            uint64_t kinds = channel_table_at(rules->form.channels, rule->channels[k])->kinds &
                             KINDS_LEFT(&rule->condition);
            if ((kinds >> kind & 1) != 0) {
                return true;
            }
        }
    }
    return false;
}

/* All kinds that a channel offers and no rule leads to, in one line. */
static void note_kinds(const struct route_rules *rules, struct byte_writer *writer)
{
    uint64_t offered = 0;
    bool is_first = true;
    for (uint16_t i = 0; i < channel_table_count(rules->form.channels); i++) {
        offered |= channel_table_at(rules->form.channels, i)->kinds;
    }
    for (unsigned kind = PAYMENT_UNKNOWN + 1; kind < PAYMENT_KIND_COUNT; kind++) {
        if ((offered >> kind & 1) != 0 && !is_caught(rules, kind)) {
            note(writer, is_first ? "no rule leads to a channel for " : ", ");
            note(writer, payment_kind_name((enum payment_kind)kind));
            is_first = false;
        }
    }
    if (!is_first) {
        note(writer, ": of these only what follows an original is served\n");
    }
}

void route_rules_note(struct route_rules *rules, const struct document *document,
                      const struct document_node *list)
{
    struct byte_writer writer;
    char kinds[ROUTE_NOTES_SIZE / 2];
    byte_writer_init(&writer, kinds, sizeof(kinds) - 1);
    note_kinds(rules, &writer);
    kinds[writer.position] = '\0';
    int used = 0;
    if (kinds[0] != '\0') {
        used = snprintf(rules->notes, sizeof(rules->notes), "%.200s:%u: %s",
                        document_name(document), list->line, kinds);
    }
    if (rules->rules[rules->count - 1].condition.stated != 0) {
        snprintf(rules->notes + used, sizeof(rules->notes) - (size_t)used,
                 "%.200s:%u: no rule without `when` ends the list: what fits none is refused 15\n",
                 document_name(document), rules->rules[rules->count - 1].line);
    }
}
