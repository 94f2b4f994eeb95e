/* See route_rule.h. */
#include "routing/route_rule.h"

#include <stdlib.h>

#include "protocols/base/require.h"

#define KNOWN_COUNT_MAX (CONDITION_MEMBER_COUNT_MAX + 1)
#define ROUTE_PARTS                                                                                \
    (CONDITION_BIT(CONDITION_SCHEME) | CONDITION_BIT(CONDITION_CARD_TYPE) |                        \
     CONDITION_BIT(CONDITION_KIND) | CONDITION_BIT(CONDITION_CLASS) |                              \
     CONDITION_BIT(CONDITION_AMOUNT) | CONDITION_BIT(CONDITION_MCC) |                              \
     CONDITION_BIT(CONDITION_CURRENCY) | CONDITION_BIT(CONDITION_ENTRY_MODE) |                     \
     CONDITION_BIT(CONDITION_REGION) | CONDITION_BIT(CONDITION_BIN) |                              \
     CONDITION_BIT(CONDITION_MERCHANT) | CONDITION_BIT(CONDITION_BRAND))

struct route_rules {
    struct condition_form form;
    uint32_t count;
    struct route_rule rules[];
};

static void channel_read(struct route_rule *rule, struct document *document,
                         const struct document_node *node, const struct channel_table *channels)
{
    const char *name = node->kind == DOCUMENT_SCALAR ? node->text : "";
    int index = channel_table_find(channels, name);
    if (index < 0) {
        const char *nearest = channel_table_nearest(channels, name);
        document_fault(document, node, "channels: expected a channel, got \"%.40s\"%s%s%s", name,
                       nearest != NULL ? "; did you mean \"" : "", nearest != NULL ? nearest : "",
                       nearest != NULL ? "\"?" : "");
        return;
    }
    for (unsigned i = 0; i < rule->channel_count; i++) {
        if (rule->channels[i] == index) {
            document_fault(document, node, "channels: expected each once, got %s twice", name);
            return;
        }
    }
    rule->channels[rule->channel_count++] = (uint16_t)index;
}

static void channels_read(struct route_rule *rule, struct document *document,
                          const struct document_node *node, const struct channel_table *channels)
{
    const struct document_node *list = document_member(node, "channels");
    if (list == NULL || list->kind != DOCUMENT_SEQUENCE || list->child_count == 0 ||
        list->child_count > ROUTE_RULE_CHANNEL_COUNT_MAX) {
        document_fault(document, list != NULL ? list : node,
                       "channels: expected a list of 1 to %d channels, the first choice first",
                       ROUTE_RULE_CHANNEL_COUNT_MAX);
        return;
    }
    for (const struct document_node *item = list->first_child; item != NULL; item = item->next) {
        channel_read(rule, document, item, channels);
    }
}

static enum status rule_read(struct route_rule *rule, struct document *document,
                             const struct document_node *node, const struct condition_form *form)
{
    static const char *const RULE_WORDS[] = {"when", "channels", NULL};
    const char *known[KNOWN_COUNT_MAX] = {0};
    rule->line = node->line;
    if (node->kind != DOCUMENT_MAPPING) {
        document_fault(document, node, "expected a rule with `when` and `channels`");
        return STATUS_OK;
    }
    document_refuse_unknown(document, node, RULE_WORDS);
    channels_read(rule, document, node, form->channels);
    const struct document_node *when = document_member(node, "when");
    if (when == NULL) {
        return STATUS_OK; /* fits everything */
    }
    if (when->kind != DOCUMENT_MAPPING) {
        document_fault(document, when, "when: expected a section of conditions");
        return STATUS_OK;
    }
    condition_members(form->parts, known, 0);
    document_refuse_unknown(document, when, known);
    enum status status = condition_read(&rule->condition, document, when, form);
    return status == STATUS_NO_MEMORY ? status : STATUS_OK;
}

/* A rule behind one that matches all that it matches is never reached. */
static void refuse_shadowed(const struct route_rules *rules, struct document *document,
                            const struct document_node *list)
{
    uint32_t i = 0;
    for (const struct document_node *node = list->first_child; node != NULL;
         node = node->next, i++) {
        for (uint32_t j = 0; j < i; j++) {
            if (condition_covers(&rules->rules[j].condition, &rules->rules[i].condition)) {
                document_fault(document, node,
                               "this rule is never reached: whatever fits it fits the rule of line "
                               "%u first; expected the narrower rule above the wider one",
                               rules->rules[j].line);
                break;
            }
        }
    }
}

static enum status rules_read(struct route_rules *rules, struct document *document,
                              const struct document_node *list)
{
    uint32_t faults = document_fault_count(document);
    for (const struct document_node *node = list->first_child; node != NULL; node = node->next) {
        enum status status = rule_read(&rules->rules[rules->count++], document, node, &rules->form);
        if (status != STATUS_OK) {
            return status;
        }
    }
    if (document_fault_count(document) == faults) {
        refuse_shadowed(rules, document, list);
    }
    return STATUS_OK;
}

struct route_rules *route_rules_compile(struct document *document,
                                        const struct channel_table *channels)
{
    static const char *const KNOWN[] = {"currency", "routes", NULL};
    static const int64_t CURRENCY[] = {1, 999, MONEY_CNY};
    const struct document_node *root = document_root(document);
    const struct document_node *list = document_member(root, "routes");
    REQUIRE(channels != NULL);
    document_refuse_unknown(document, root, KNOWN);
    if (list == NULL || list->kind != DOCUMENT_SEQUENCE || list->child_count == 0 ||
        list->child_count > ROUTE_RULE_COUNT_MAX) {
        document_fault(document, list != NULL ? list : root,
                       "routes: expected a list of 1 to %d rules", ROUTE_RULE_COUNT_MAX);
        return NULL;
    }
    struct route_rules *rules =
        calloc(1, sizeof(*rules) + list->child_count * sizeof(rules->rules[0]));
    if (rules == NULL) {
        return NULL;
    }
    rules->form.parts = ROUTE_PARTS;
    rules->form.channels = channels;
    rules->form.currency = (uint16_t)document_integer(
        document, root, (struct document_want){"currency", false}, CURRENCY);
    enum status status = rules_read(rules, document, list);
    if (status != STATUS_OK || document_fault_count(document) > 0) {
        route_rules_destroy(rules);
        return NULL;
    }
    return rules;
}

void route_rules_destroy(struct route_rules *rules)
{
    if (rules == NULL) {
        return;
    }
    for (uint32_t i = 0; i < rules->count; i++) {
        condition_release(&rules->rules[i].condition);
    }
    free(rules);
}

uint32_t route_rules_count(const struct route_rules *rules)
{
    return rules->count;
}

const struct route_rule *route_rules_at(const struct route_rules *rules, uint32_t index)
{
    REQUIRE(index < rules->count);
    return &rules->rules[index];
}

const struct condition_form *route_rules_form(const struct route_rules *rules)
{
    return &rules->form;
}

const struct route_rule *route_rules_find(const struct route_rules *rules,
                                          const struct condition_facts *facts)
{
    for (uint32_t i = 0; i < rules->count; i++) {
        if (condition_matches(&rules->rules[i].condition, facts)) {
            return &rules->rules[i];
        }
    }
    return NULL;
}
