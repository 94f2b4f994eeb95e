/* See route_rule.h. */
#include "routing/route_rule.h"

#include <stdlib.h>
#include <string.h>

#include "protocols/base/digits.h"
#include "protocols/base/require.h"
#include "routing/route_set.h"

#define KNOWN_COUNT_MAX (CONDITION_MEMBER_COUNT_MAX + 1)
#define ROUTE_PARTS                                                                                \
    (CONDITION_BIT(CONDITION_SCHEME) | CONDITION_BIT(CONDITION_CARD_TYPE) |                        \
     CONDITION_BIT(CONDITION_KIND) | CONDITION_BIT(CONDITION_CLASS) |                              \
     CONDITION_BIT(CONDITION_AMOUNT) | CONDITION_BIT(CONDITION_MCC) |                              \
     CONDITION_BIT(CONDITION_CURRENCY) | CONDITION_BIT(CONDITION_ENTRY_MODE) |                     \
     CONDITION_BIT(CONDITION_REGION) | CONDITION_BIT(CONDITION_BIN) |                              \
     CONDITION_BIT(CONDITION_MERCHANT) | CONDITION_BIT(CONDITION_BRAND) |                          \
     CONDITION_BIT(CONDITION_MODEL) | CONDITION_BIT(CONDITION_AGENT) |                             \
     CONDITION_BIT(CONDITION_BIN_GROUP) | CONDITION_BIT(CONDITION_DATE) |                          \
     CONDITION_BIT(CONDITION_WEEKDAY) | CONDITION_BIT(CONDITION_HOURS))
#define HOUR_US INT64_C(3600000000)

static const char *const STRATEGIES[] = {
#define X(name, word, text) word,
    ROUTE_STRATEGY_MAP(X)
#undef X
        NULL};

const char *route_strategy_word(enum route_strategy strategy)
{
    REQUIRE(strategy < ROUTE_STRATEGY_COUNT);
    return STRATEGIES[strategy];
}

static void channel_read(struct route_rule *rule, struct document *document,
                         const struct document_node *node, const struct channel_table *channels)
{
    bool is_weighted = rule->strategy == ROUTE_WEIGHTED;
    const char *name = is_weighted ? node->key : node->kind == DOCUMENT_SCALAR ? node->text : "";
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
    uint64_t weight = 0;
    if (is_weighted) {
        uint32_t length = node->kind == DOCUMENT_SCALAR ? (uint32_t)strlen(node->text) : 0;
        if (length == 0 || length > 4 ||
            digits_parse(&weight, node->text, length, (struct number_range){1, ROUTE_WEIGHT_MAX}) !=
                STATUS_OK) {
            document_fault(document, node, "channels: %s: expected a weight from 1 to %d", name,
                           ROUTE_WEIGHT_MAX);
            return;
        }
    }
    rule->weights[rule->channel_count] = (uint16_t)weight;
    rule->channels[rule->channel_count++] = (uint16_t)index;
}

/* A list, the first choice first; of weighted ones a section, each with its weight. */
static void channels_read(struct route_rule *rule, struct document *document,
                          const struct document_node *node, const struct channel_table *channels)
{
    const struct document_node *list = document_member(node, "channels");
    bool is_weighted = rule->strategy == ROUTE_WEIGHTED;
    if (list == NULL || list->kind != (is_weighted ? DOCUMENT_MAPPING : DOCUMENT_SEQUENCE) ||
        list->child_count == 0 || list->child_count > ROUTE_RULE_CHANNEL_COUNT_MAX) {
        document_fault(
            document, list != NULL ? list : node,
            is_weighted ? "channels: expected 1 to %d channels with their weights, as {a: 70, "
                          "b: 30}"
                        : "channels: expected a list of 1 to %d channels, the first choice first",
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
    static const char *const RULE_WORDS[] = {"when", "strategy", "channels", NULL};
    const char *known[KNOWN_COUNT_MAX] = {0};
    rule->line = node->line;
    if (node->kind != DOCUMENT_MAPPING) {
        document_fault(document, node, "expected a rule with `when` and `channels`");
        return STATUS_OK;
    }
    document_refuse_unknown(document, node, RULE_WORDS);
    rule->strategy = (uint8_t)document_choice(
        document, node, (struct document_want){"strategy", false}, STRATEGIES, ROUTE_ORDERED);
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
        route_rules_check(rules, document, list);
    }
    return STATUS_OK;
}

static void form_read(struct condition_form *form, struct document *document,
                      const struct route_tables *tables)
{
    static const int64_t CURRENCY[] = {1, 999, MONEY_CNY};
    static const int64_t OFFSET[] = {-12, 14, 8};
    const struct document_node *root = document_root(document);
    form->parts = ROUTE_PARTS;
    form->channels = tables->channels;
    form->bins = tables->bins;
    form->currency = (uint16_t)document_integer(
        document, root, (struct document_want){"currency", false}, CURRENCY);
    form->utc_offset_us =
        HOUR_US *
        document_integer(document, root, (struct document_want){"utc_offset_hours", false}, OFFSET);
}

struct route_rules *route_rules_compile(struct document *document,
                                        const struct route_tables *tables)
{
    const struct document_node *root = document_root(document);
    const struct document_node *list = document_member(root, "routes");
    REQUIRE(tables->channels != NULL);
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
    form_read(&rules->form, document, tables);
    enum status status = rules_read(rules, document, list);
    if (status == STATUS_OK && document_fault_count(document) == 0) {
        rules->index = condition_index_create(&rules->rules[0].condition, rules->count,
                                              sizeof(rules->rules[0]));
        if (rules->index == NULL) {
            document_fault(document, list,
                           "routes: these rules take too much memory; expected "
                           "fewer rules, or fewer values in them");
        }
    }
    if (rules->index == NULL) {
        route_rules_destroy(rules);
        return NULL;
    }
    route_rules_note(rules, document, list);
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
    condition_index_destroy(rules->index);
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
    uint32_t at = condition_index_first(rules->index, facts);
    return at == CONDITION_INDEX_NONE ? NULL : &rules->rules[at];
}

const char *route_rules_notes(const struct route_rules *rules)
{
    return rules->notes;
}
