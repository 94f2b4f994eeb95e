/* Compiles a fees file: see fee_plan.h for what it gives, README.md for how the file is written.
 * The only part of fees that allocates. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "protocols/base/require.h"
#include "routing/decimal.h"
#include "routing/fee_plan.h"
#include "routing/fee_set.h"

#define FACTOR_PLACES 4
#define KNOWN_COUNT_MAX (CONDITION_MEMBER_COUNT_MAX + 8)
#define HOUR_US INT64_C(3600000000)
#define FORMULA_MEMBERS "rate", "fixed", "floor", "cap"

static const char *const FORMULA_WORDS[] = {FORMULA_MEMBERS, NULL};

#define FEE_PARTS                                                                                  \
    (CONDITION_BIT(CONDITION_SCHEME) | CONDITION_BIT(CONDITION_CARD_TYPE) |                        \
     CONDITION_BIT(CONDITION_KIND) | CONDITION_BIT(CONDITION_CLASS) |                              \
     CONDITION_BIT(CONDITION_PRODUCT) | CONDITION_BIT(CONDITION_AMOUNT) |                          \
     CONDITION_BIT(CONDITION_DATE) | CONDITION_BIT(CONDITION_MCC) |                                \
     CONDITION_BIT(CONDITION_MONTH) | CONDITION_BIT(CONDITION_MERCHANT) |                          \
     CONDITION_BIT(CONDITION_CHANNEL))

/* What a rule of a list holds beside its conditions. */
enum rules_kind { RULES_PRICE, RULES_COST, RULES_DISCOUNT };
struct rules_form {
    enum rules_kind kind;
    const struct condition_form *conditions;
};

static void rate_read(struct document *document, const struct document_node *node,
                      struct fee_formula *formula)
{
    const struct document_node *rate = document_member(node, "rate");
    if (rate == NULL) {
        document_fault(document, node,
                       "rate is missing: expected per cent (0.60%%) or basis points (60bp)");
    } else if (rate->kind != DOCUMENT_SCALAR ||
               !decimal_rate_parse(&formula->rate_e8, rate->text)) {
        document_fault(document, rate,
                       "rate: expected per cent with at most 6 decimals (0.60%%), or basis points "
                       "with at most 4 (60bp), 100%% at most; got \"%.40s\"",
                       rate->kind == DOCUMENT_SCALAR ? rate->text : "a section or list");
    }
}

static int64_t minor_read(struct document *document, const struct document_node *node,
                          const char *key, uint16_t currency, int64_t fallback)
{
    const struct document_node *member = document_member(node, key);
    int exponent = money_exponent(currency);
    int64_t minor = fallback;
    if (member == NULL) {
        return fallback;
    }
    REQUIRE(exponent >= 0);
    if (member->kind != DOCUMENT_SCALAR ||
        decimal_parse(&minor, member->text, (unsigned)exponent) != STATUS_OK ||
        minor > MONEY_MINOR_MAX) {
        document_fault(document, member,
                       "%s: expected an amount with at most %d decimals, got \"%.40s\"", key,
                       exponent, member->kind == DOCUMENT_SCALAR ? member->text : "no value");
        return fallback;
    }
    return minor;
}

static void formula_read(struct document *document, const struct document_node *node,
                         uint16_t currency, struct fee_formula *formula)
{
    rate_read(document, node, formula);
    formula->fixed = minor_read(document, node, "fixed", currency, 0);
    formula->floor = minor_read(document, node, "floor", currency, 0);
    formula->cap = minor_read(document, node, "cap", currency, FEE_NO_CAP);
    if (formula->floor > formula->cap) {
        document_fault(document, document_member(node, "cap"), "cap: expected at least the floor");
    }
}

/* A wallet takes one fee: the part of the issuer, and none for a scheme. */
static bool wallet_cost_read(struct document *document, const struct document_node *node,
                             uint16_t currency, struct fee_formula formulas[FEE_FORMULA_COUNT_MAX])
{
    const struct document_node *member = document_member(node, "wallet_fee");
    if (member == NULL) {
        return false;
    }
    if (member->kind != DOCUMENT_MAPPING || document_member(node, "issuer_fee") != NULL ||
        document_member(node, "scheme_fee") != NULL) {
        document_fault(document, member,
                       "wallet_fee: expected {rate: 0.20%%}, without issuer_fee and scheme_fee");
        return true;
    }
    document_refuse_unknown(document, member, FORMULA_WORDS);
    formula_read(document, member, currency, &formulas[FEE_ISSUER]);
    formulas[FEE_SCHEME].cap = FEE_NO_CAP;
    return true;
}

static void cost_read(struct document *document, const struct document_node *node,
                      uint16_t currency, struct fee_formula formulas[FEE_FORMULA_COUNT_MAX])
{
    static const char *const KEYS[] = {[FEE_ISSUER] = "issuer_fee", [FEE_SCHEME] = "scheme_fee"};
    if (wallet_cost_read(document, node, currency, formulas)) {
        return;
    }
    for (unsigned i = 0; i < FEE_FORMULA_COUNT_MAX; i++) {
        const struct document_node *member = document_member(node, KEYS[i]);
        if (member == NULL || member->kind != DOCUMENT_MAPPING) {
            document_fault(document, member != NULL ? member : node,
                           "%s: expected {rate: 0.45%%, cap: 13.00}; for a wallet wallet_fee alone",
                           KEYS[i]);
            continue;
        }
        document_refuse_unknown(document, member, FORMULA_WORDS);
        formula_read(document, member, currency, &formulas[i]);
    }
}

static int64_t factor_read(struct document *document, const struct document_node *node,
                           const char *key)
{
    const struct document_node *member = document_member(node, key);
    int64_t factor = FEE_FACTOR_ONE;
    if (member != NULL && (member->kind != DOCUMENT_SCALAR ||
                           decimal_parse(&factor, member->text, FACTOR_PLACES) != STATUS_OK ||
                           factor > FEE_FACTOR_ONE)) {
        document_fault(document, member,
                       "%s: expected a factor from 0 to 1 with at most %d decimals (0.78), got "
                       "\"%.40s\"",
                       key, FACTOR_PLACES,
                       member->kind == DOCUMENT_SCALAR ? member->text : "no value");
        return FEE_FACTOR_ONE;
    }
    return factor;
}

static void discount_read(struct document *document, const struct document_node *node,
                          struct fee_rule *rule)
{
    if (document_member(node, "factor") == NULL) {
        document_fault(document, node,
                       "factor is missing: expected what issuer and scheme fee are "
                       "multiplied by (0.78)");
    }
    rule->factor_e4 = factor_read(document, node, "factor");
    rule->cap_factor_e4 = factor_read(document, node, "cap_factor");
}

static void figures_read(struct fee_rule *rule, struct document *document,
                         const struct document_node *node, const struct rules_form *form)
{
    const uint16_t currency = form->conditions->currency;
    switch (form->kind) {
    case RULES_PRICE:
        formula_read(document, node, currency, &rule->formulas[FEE_MERCHANT]);
        break;
    case RULES_COST:
        cost_read(document, node, currency, rule->formulas);
        break;
    case RULES_DISCOUNT:
        discount_read(document, node, rule);
        break;
    }
}

static enum status rule_read(struct fee_rule *rule, struct document *document,
                             const struct document_node *node, const struct rules_form *form)
{
    static const char *const WORDS[][5] = {
        [RULES_PRICE] = {FORMULA_MEMBERS, NULL},
        [RULES_COST] = {"issuer_fee", "scheme_fee", "wallet_fee", NULL},
        [RULES_DISCOUNT] = {"factor", "cap_factor", NULL},
    };
    const char *known[KNOWN_COUNT_MAX] = {0};
    uint32_t count = condition_members(form->conditions->parts, known, 0);
    memcpy(known + count, WORDS[form->kind], sizeof(WORDS[0]));
    rule->line = node->line;
    if (node->kind != DOCUMENT_MAPPING) {
        document_fault(document, node, "expected a rule: {card_type: debit, rate: 0.50%%}");
        return STATUS_OK;
    }
    document_refuse_unknown(document, node, known);
    figures_read(rule, document, node, form);
    enum status status = condition_read(&rule->condition, document, node, form->conditions);
    return status == STATUS_NO_MEMORY ? status : STATUS_OK;
}

static void refuse_ties(const struct fee_rules *rules, struct document *document,
                        const struct document_node *list)
{
    uint32_t i = 0;
    for (const struct document_node *node = list->first_child; node != NULL;
         node = node->next, i++) {
        const struct condition *one = &rules->items[i].condition;
        for (uint32_t j = 0; j < i; j++) {
            const struct condition *other = &rules->items[j].condition;
            if (condition_weight(one) == condition_weight(other) &&
                condition_overlaps(one, other)) {
                document_fault(document, node,
                               "the rules of line %u and line %u both state %u conditions and may "
                               "both fit one payment; expected one to say more than the other",
                               rules->items[j].line, rules->items[i].line, condition_weight(one));
            }
        }
    }
}

static int rule_compare(const void *left, const void *right)
{
    const struct fee_rule *a = left;
    const struct fee_rule *b = right;
    uint32_t a_weight = condition_weight(&a->condition);
    uint32_t b_weight = condition_weight(&b->condition);
    if (a_weight != b_weight) {
        return a_weight > b_weight ? -1 : 1;
    }
    return (a->line > b->line) - (a->line < b->line);
}

static enum status rules_index(struct fee_rules *rules, struct document *document,
                               const struct document_node *list)
{
    rules->index =
        condition_index_create(&rules->items[0].condition, rules->count, sizeof(rules->items[0]));
    if (rules->index == NULL) {
        document_fault(document, list,
                       "these rules take too much memory; expected fewer rules, or fewer values "
                       "in them");
    }
    return STATUS_OK;
}

static enum status rules_read(struct fee_rules *rules, struct document *document,
                              const struct document_node *list, const struct rules_form *form)
{
    if (list->kind != DOCUMENT_SEQUENCE || list->child_count == 0 ||
        list->child_count > FEE_RULE_COUNT_MAX) {
        document_fault(document, list, "expected a list of 1 to %d rules", FEE_RULE_COUNT_MAX);
        return STATUS_OK;
    }
    rules->items = calloc(list->child_count, sizeof(rules->items[0]));
    if (rules->items == NULL) {
        return STATUS_NO_MEMORY;
    }
    uint32_t faults = document_fault_count(document);
    for (const struct document_node *node = list->first_child; node != NULL; node = node->next) {
        enum status status = rule_read(&rules->items[rules->count++], document, node, form);
        if (status != STATUS_OK) {
            return status;
        }
    }
    if (document_fault_count(document) == faults) {
        refuse_ties(rules, document, list);
    }
    qsort(rules->items, rules->count, sizeof(rules->items[0]), rule_compare);
    return document_fault_count(document) == faults ? rules_index(rules, document, list)
                                                    : STATUS_OK;
}

static void rules_release(struct fee_rules *rules)
{
    for (uint32_t i = 0; i < rules->count; i++) {
        condition_release(&rules->items[i].condition);
    }
    condition_index_destroy(rules->index);
    free(rules->items);
}

void fee_plan_set_destroy(struct fee_plan_set *plans)
{
    if (plans == NULL) {
        return;
    }
    for (uint32_t i = 0; i < plans->plan_count; i++) {
        rules_release(&plans->plans[i].rules);
    }
    rules_release(&plans->cost);
    rules_release(&plans->discounts);
    free(plans->plans);
    free(plans);
}

static void form_read(struct condition_form *form, struct document *document,
                      const struct document_node *root)
{
    static const int64_t CURRENCY[] = {1, 999, MONEY_CNY};
    static const int64_t OFFSET[] = {-12, 14, 8};
    form->parts = FEE_PARTS;
    form->currency = (uint16_t)document_integer(
        document, root, (struct document_want){"currency", false}, CURRENCY);
    if (money_exponent(form->currency) < 0) {
        document_fault(document, document_member(root, "currency"),
                       "currency: expected an ISO 4217 number with known decimals, got %u",
                       form->currency);
        form->currency = MONEY_CNY;
    }
    form->utc_offset_us =
        HOUR_US *
        document_integer(document, root, (struct document_want){"utc_offset_hours", false}, OFFSET);
    form->small_amount_minor =
        minor_read(document, root, "small_contactless_max", form->currency, 0);
}

static enum status plan_read(struct fee_plan *plan, struct document *document,
                             const struct document_node *node, const struct rules_form *form)
{
    static const char *const KNOWN[] = {"otherwise", "refund_fee_policy", "rules", NULL};
    /* What the log keeps of it is set apart by blanks. */
    static const char NAME[] = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz-_.";
    static const char *const POLICIES[] = {
#define X(name, word, text) [FEE_REFUND_##name] = (word),
        FEE_REFUND_MAP(X)
#undef X
            NULL};
    size_t length = strlen(node->key);
    if (length == 0 || length >= FEE_PLAN_NAME_SIZE || strspn(node->key, NAME) != length) {
        document_fault(document, node,
                       "plans: expected a name of 1 to %d letters, digits, - _ and ., got "
                       "\"%.40s\"",
                       FEE_PLAN_NAME_SIZE - 1, node->key);
        return STATUS_OK;
    }
    memcpy(plan->name, node->key, length + 1);
    const struct document_node *rules = document_member(node, "rules");
    if (rules == NULL) {
        document_fault(document, node, "%s: expected a section with its `rules`", plan->name);
        return STATUS_OK;
    }
    document_refuse_unknown(document, node, KNOWN);
    plan->refund = (enum fee_refund)document_choice(
        document, node, (struct document_want){"refund_fee_policy", false}, POLICIES,
        FEE_REFUND_PROPORTIONAL);
    return rules_read(&plan->rules, document, rules, form);
}

static void otherwise_read(struct fee_plan_set *plans, struct document *document,
                           const struct document_node *node)
{
    const char *name =
        document_text(document, node, (struct document_want){"otherwise", false}, NULL);
    const struct fee_plan *found = fee_plan_find(plans, node->key);
    if (name == NULL || found == NULL) {
        return;
    }
    struct fee_plan *plan = &plans->plans[found - plans->plans];
    plan->otherwise = fee_plan_find(plans, name);
    const struct fee_plan *at = plan->otherwise;
    for (uint32_t steps = 0; at != NULL && at != plan && steps <= plans->plan_count; steps++) {
        at = at->otherwise;
    }
    if (plan->otherwise == NULL || at != NULL) {
        document_fault(document, document_member(node, "otherwise"),
                       "otherwise: expected another plan%s, got \"%.40s\"",
                       at != NULL ? " that does not lead back here" : "", name);
        plan->otherwise = NULL;
    }
}

static enum status plans_read(struct fee_plan_set *plans, struct document *document,
                              const struct document_node *list)
{
    const struct rules_form form = {RULES_PRICE, &plans->form};
    if (list == NULL || list->kind != DOCUMENT_MAPPING || list->child_count == 0 ||
        list->child_count > FEE_PLAN_COUNT_MAX) {
        document_fault(document, list != NULL ? list : document_root(document),
                       "plans: expected a section of 1 to %d plans by name", FEE_PLAN_COUNT_MAX);
        return STATUS_OK;
    }
    plans->plans = calloc(list->child_count, sizeof(plans->plans[0]));
    if (plans->plans == NULL) {
        return STATUS_NO_MEMORY;
    }
    for (const struct document_node *node = list->first_child; node != NULL; node = node->next) {
        uint32_t place = plans->plan_count++;
        enum status status = plan_read(&plans->plans[place], document, node, &form);
        if (status != STATUS_OK) {
            return status;
        }
        fee_plan_enter(plans, place);
    }
    for (const struct document_node *node = list->first_child; node != NULL; node = node->next) {
        otherwise_read(plans, document, node);
    }
    return STATUS_OK;
}

/* A discounted rate is as exact as any other, or refused. */
static void refuse_inexact(const struct fee_plan_set *plans, struct document *document,
                           const struct document_node *list)
{
    for (uint32_t i = 0; i < plans->cost.count; i++) {
        const struct fee_rule *cost = &plans->cost.items[i];
        for (uint32_t j = 0; j < plans->discounts.count; j++) {
            const struct fee_rule *discount = &plans->discounts.items[j];
            bool is_exact =
                cost->formulas[FEE_ISSUER].rate_e8 * discount->factor_e4 % FEE_FACTOR_ONE == 0 &&
                cost->formulas[FEE_SCHEME].rate_e8 * discount->factor_e4 % FEE_FACTOR_ONE == 0;
            if (!is_exact && condition_overlaps(&cost->condition, &discount->condition)) {
                document_fault(document, list,
                               "the factor of line %u makes a rate of the cost of line %u finer "
                               "than 0.000001 %%; expected a factor that keeps it exact",
                               discount->line, cost->line);
            }
        }
    }
}

static enum status costs_read(struct fee_plan_set *plans, struct document *document,
                              const struct document_node *root)
{
    const struct document_node *cost = document_member(root, "cost");
    const struct document_node *discounts = document_member(root, "discounts");
    const struct rules_form cost_form = {RULES_COST, &plans->form};
    const struct rules_form discount_form = {RULES_DISCOUNT, &plans->form};
    if (cost == NULL) {
        document_fault(document, root,
                       "cost is missing: expected a list of rules, each with "
                       "issuer_fee and scheme_fee, or wallet_fee");
        return STATUS_OK;
    }
    enum status status = rules_read(&plans->cost, document, cost, &cost_form);
    if (status == STATUS_OK && discounts != NULL) {
        status = rules_read(&plans->discounts, document, discounts, &discount_form);
        refuse_inexact(plans, document, discounts);
    }
    return status;
}

/* The last part of the document's name: explanations name rules as file:line. */
static void file_name_take(struct fee_plan_set *plans, const struct document *document)
{
    const char *name = document_name(document);
    const char *slash = strrchr(name, '/');
    snprintf(plans->file, sizeof(plans->file), "%s", slash == NULL ? name : slash + 1);
}

struct fee_plan_set *fee_plan_set_compile(struct document *document,
                                          const struct channel_table *channels)
{
    static const char *const KNOWN[] = {
        "currency", "utc_offset_hours", "small_contactless_max", "plans", "cost", "discounts",
        NULL};
    const struct document_node *root = document_root(document);
    struct fee_plan_set *plans = calloc(1, sizeof(*plans));
    if (plans == NULL || root == NULL) {
        free(plans);
        return NULL;
    }
    document_refuse_unknown(document, root, KNOWN);
    file_name_take(plans, document);
    plans->form.channels = channels;
    form_read(&plans->form, document, root);
    enum status status = plans_read(plans, document, document_member(root, "plans"));
    if (status == STATUS_OK) {
        status = costs_read(plans, document, root);
    }
    if (status != STATUS_OK || document_fault_count(document) > 0) {
        fee_plan_set_destroy(plans);
        return NULL;
    }
    return plans;
}
