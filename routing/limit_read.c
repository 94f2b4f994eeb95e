/* Compiles `limits.yaml` and says what is wrong with it. See limit_rule.h. */
#include <stdlib.h>
#include <string.h>

#include "protocols/base/money.h"
#include "protocols/base/require.h"
#include "routing/decimal.h"
#include "routing/limit_set.h"

#define HOUR_US INT64_C(3600000000)
#define COUNT_MAX 1000000000
#define LIMIT_PARTS                                                                                \
    (CONDITION_BIT(CONDITION_SCHEME) | CONDITION_BIT(CONDITION_CARD_TYPE) |                        \
     CONDITION_BIT(CONDITION_KIND) | CONDITION_BIT(CONDITION_CLASS) |                              \
     CONDITION_BIT(CONDITION_MCC) | CONDITION_BIT(CONDITION_ENTRY_MODE) |                          \
     CONDITION_BIT(CONDITION_REGION) | CONDITION_BIT(CONDITION_BIN) |                              \
     CONDITION_BIT(CONDITION_MERCHANT) | CONDITION_BIT(CONDITION_BRAND) |                          \
     CONDITION_BIT(CONDITION_MODEL) | CONDITION_BIT(CONDITION_AGENT) |                             \
     CONDITION_BIT(CONDITION_BIN_GROUP) | CONDITION_BIT(CONDITION_DATE) |                          \
     CONDITION_BIT(CONDITION_WEEKDAY) | CONDITION_BIT(CONDITION_HOURS))
#define DAY_BOUNDS                                                                                 \
    (1u << LIMIT_BOUND_DAY_AMOUNT | 1u << LIMIT_BOUND_DAY_COUNT | 1u << LIMIT_BOUND_MONTH_AMOUNT)

static const char *const SCOPES[] = {
#define X(name, word, text) word,
    LIMIT_SCOPE_MAP(X)
#undef X
        NULL};

static const char *const MEMBERS[] = {"name", "when", "per", "response_code",
#define X(name, member, code, text) member,
                                      LIMIT_BOUND_MAP(X)
#undef X
                                          NULL};

/* --- one rule ----------------------------------------------------------------------------- */

static unsigned bounds_of(const struct limit_rule *rule)
{
    unsigned bounds = 0;
    for (unsigned i = 0; i < LIMIT_BOUND_COUNT; i++) {
        bounds |= rule->bounds[i] != LIMIT_NONE ? 1u << i : 0;
    }
    return bounds;
}

static void name_read(struct limit_rule *rule, struct document *document,
                      const struct document_node *node)
{
    static const char ALLOWED[] =
        "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_";
    const char *name = document_text(document, node, (struct document_want){"name", true}, NULL);
    if (name == NULL) {
        return;
    }
    size_t length = strlen(name);
    if (length == 0 || length >= sizeof(rule->name) || strspn(name, ALLOWED) != length) {
        document_fault(document, document_member(node, "name"),
                       "name: expected 1 to %d letters, digits, - and _, got \"%.40s\"",
                       LIMIT_NAME_SIZE - 1, name);
        return;
    }
    memcpy(rule->name, name, length + 1);
}

static void code_read(struct limit_rule *rule, struct document *document,
                      const struct document_node *node)
{
    static const char ALLOWED[] = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ";
    const char *code =
        document_text(document, node, (struct document_want){"response_code", false}, NULL);
    if (code == NULL) {
        return;
    }
    if (strlen(code) != 2 || strspn(code, ALLOWED) != 2 || payment_is_approval(code)) {
        document_fault(document, document_member(node, "response_code"),
                       "response_code: expected 2 characters of field 39 that decline, such as 61, "
                       "got \"%.40s\"",
                       code);
        return;
    }
    memcpy(rule->response_code, code, sizeof(rule->response_code));
}

static void bound_read(struct limit_rule *rule, struct document *document,
                       const struct document_node *node, enum limit_bound bound, uint16_t currency)
{
    static const int64_t COUNTS[] = {1, COUNT_MAX, LIMIT_NONE};
    const char *member = limit_bound_member(bound);
    rule->bounds[bound] = LIMIT_NONE;
    if (document_member(node, member) == NULL) {
        return;
    }
    if (bound == LIMIT_BOUND_DAY_COUNT) {
        rule->bounds[bound] =
            document_integer(document, node, (struct document_want){member, false}, COUNTS);
        return;
    }
    int exponent = money_exponent(currency);
    const char *text = document_text(document, node, (struct document_want){member, false}, "");
    int64_t minor = 0;
    if (exponent < 0 || decimal_parse(&minor, text, (unsigned)exponent) != STATUS_OK ||
        minor <= 0) {
        document_fault(document, document_member(node, member),
                       "%s: expected an amount above zero, as 500.00, got \"%.40s\"", member, text);
        return;
    }
    rule->bounds[bound] = minor;
}

static void when_read(struct limit_rule *rule, struct document *document,
                      const struct document_node *node, const struct condition_form *form)
{
    const char *known[CONDITION_MEMBER_COUNT_MAX + 1] = {0};
    const struct document_node *when = document_member(node, "when");
    if (when == NULL) {
        return; /* fits everything */
    }
    if (when->kind != DOCUMENT_MAPPING) {
        document_fault(document, when, "when: expected a section of conditions");
        return;
    }
    condition_members(form->parts, known, 0);
    document_refuse_unknown(document, when, known);
    if (condition_read(&rule->condition, document, when, form) == STATUS_NO_MEMORY) {
        document_fault(document, when, "when: %s", status_text(STATUS_NO_MEMORY));
    }
}

static void rule_read(struct limit_rule *rule, struct document *document,
                      const struct document_node *node, const struct condition_form *form)
{
    rule->line = node->line;
    for (unsigned i = 0; i < LIMIT_BOUND_COUNT; i++) {
        rule->bounds[i] = LIMIT_NONE;
    }
    if (node->kind != DOCUMENT_MAPPING) {
        document_fault(document, node, "expected a rule with `name`, `per` and a bound");
        return;
    }
    document_refuse_unknown(document, node, MEMBERS);
    name_read(rule, document, node);
    rule->scope = (uint8_t)document_choice(document, node, (struct document_want){"per", true},
                                           SCOPES, LIMIT_TRANSACTION);
    code_read(rule, document, node);
    for (unsigned i = 0; i < LIMIT_BOUND_COUNT; i++) {
        bound_read(rule, document, node, (enum limit_bound)i, form->currency);
    }
    when_read(rule, document, node, form);
}

/* --- what is wrong with it although it is well written ------------------------------------ */

static void refuse_bounds(const struct limit_rule *rule, struct document *document,
                          const struct document_node *node)
{
    unsigned bounds = bounds_of(rule);
    bool is_monthly = rule->scope == LIMIT_MERCHANT || rule->scope == LIMIT_TERMINAL;
    if (bounds == 0) {
        document_fault(document, node,
                       "expected at least one of amount_min, amount_max, day_amount_max, "
                       "day_count_max and month_amount_max");
    } else if (rule->scope == LIMIT_TRANSACTION && (bounds & DAY_BOUNDS) != 0) {
        document_fault(document, node,
                       "per: a payment by itself has no day and no month; expected merchant, "
                       "terminal, card, terminal_and_card or merchant_and_card");
    } else if (rule->bounds[LIMIT_BOUND_MONTH_AMOUNT] != LIMIT_NONE && !is_monthly) {
        document_fault(document, document_member(node, "month_amount_max"),
                       "month_amount_max: months are counted of merchants and terminals alone; "
                       "expected `per: merchant` or `per: terminal`");
    }
}

/* A bound behind a stricter one never decides. */
static void refuse_order(const struct limit_rule *rule, struct document *document,
                         const struct document_node *node)
{
    static const struct {
        enum limit_bound low, high;
    } PAIRS[] = {{LIMIT_BOUND_AMOUNT_MIN, LIMIT_BOUND_AMOUNT_MAX},
                 {LIMIT_BOUND_AMOUNT_MIN, LIMIT_BOUND_DAY_AMOUNT},
                 {LIMIT_BOUND_AMOUNT_MIN, LIMIT_BOUND_MONTH_AMOUNT},
                 {LIMIT_BOUND_AMOUNT_MAX, LIMIT_BOUND_DAY_AMOUNT},
                 {LIMIT_BOUND_AMOUNT_MAX, LIMIT_BOUND_MONTH_AMOUNT},
                 {LIMIT_BOUND_DAY_AMOUNT, LIMIT_BOUND_MONTH_AMOUNT}};
    for (unsigned i = 0; i < sizeof(PAIRS) / sizeof(PAIRS[0]); i++) {
        int64_t low = rule->bounds[PAIRS[i].low], high = rule->bounds[PAIRS[i].high];
        if (low == LIMIT_NONE || low <= high) {
            continue;
        }
        const char *low_member = limit_bound_member(PAIRS[i].low);
        const char *high_member = limit_bound_member(PAIRS[i].high);
        document_fault(document, document_member(node, low_member), "%s: expected at most %s; %s",
                       low_member, high_member,
                       PAIRS[i].low == LIMIT_BOUND_AMOUNT_MIN ? "no payment keeps both"
                                                              : "above it, it is never reached");
        return;
    }
}

static void refuse_kinds(const struct limit_rule *rule, struct document *document,
                         const struct document_node *node)
{
    if ((rule->condition.stated & CONDITION_BIT(CONDITION_KIND)) == 0) {
        return;
    }
    const struct document_node *when = document_member(node, "when");
    uint64_t kinds = rule->condition.bits[CONDITION_KIND];
    for (unsigned kind = 0; kind < PAYMENT_KIND_COUNT; kind++) {
        if ((kinds >> kind & 1) == 0) {
            continue;
        }
        if (!limit_kind_is_limited((enum payment_kind)kind)) {
            document_fault(
                document, document_member(when, "kind"),
                "kind: %s is never limited; expected kinds that take money, refund or cash_load",
                payment_kind_name((enum payment_kind)kind));
        } else if ((LIMIT_KINDS_NAMED >> kind & 1) != 0 && (bounds_of(rule) & DAY_BOUNDS) != 0) {
            document_fault(document, document_member(when, "kind"),
                           "kind: no day and no month counts a %s; expected amount_min and "
                           "amount_max alone",
                           payment_kind_name((enum payment_kind)kind));
        }
    }
}

static void refuse_contradictory(const struct limit_rule *rule, struct document *document,
                                 const struct document_node *node)
{
    struct condition_conflict conflict = condition_contradiction(&rule->condition);
    if (conflict.part != CONDITION_PART_COUNT) {
        document_fault(document, node,
                       "this rule never fits: no payment has both this %s and this %s; expected "
                       "conditions that may hold together",
                       condition_part_name(conflict.part), condition_part_name(conflict.other));
    }
}

/* Whether the wide key has taken all that the narrow one has, whichever payment it is. A terminal
 * may be given to another merchant in the middle of a month: merchants do not hold terminals. */
static bool scope_holds(enum limit_scope wide, enum limit_scope narrow)
{
    static const uint32_t HELD[LIMIT_SCOPE_COUNT] = {
        [LIMIT_MERCHANT] = LIMIT_SCOPE_BIT(LIMIT_MERCHANT_AND_CARD),
        [LIMIT_TERMINAL] = LIMIT_SCOPE_BIT(LIMIT_TERMINAL_AND_CARD),
        [LIMIT_CARD] =
            LIMIT_SCOPE_BIT(LIMIT_TERMINAL_AND_CARD) | LIMIT_SCOPE_BIT(LIMIT_MERCHANT_AND_CARD),
    };
    return wide == narrow || (HELD[wide] >> narrow & 1) != 0;
}

/* Whether a payment that breaks this bound of `rule` breaks one of `above`, which looks at it. */
static bool bound_is_stricter(const struct limit_rule *above, const struct limit_rule *rule,
                              enum limit_bound bound)
{
    int64_t value = rule->bounds[bound], before = above->bounds[bound];
    switch (bound) {
    case LIMIT_BOUND_AMOUNT_MIN:
        return before != LIMIT_NONE && before >= value;
    case LIMIT_BOUND_AMOUNT_MAX: /* a sum holds the payment itself, whoever's it is */
        return before <= value || above->bounds[LIMIT_BOUND_DAY_AMOUNT] <= value ||
               above->bounds[LIMIT_BOUND_MONTH_AMOUNT] <= value;
    case LIMIT_BOUND_DAY_AMOUNT:
    case LIMIT_BOUND_DAY_COUNT:
    case LIMIT_BOUND_MONTH_AMOUNT:
    case LIMIT_BOUND_COUNT:
        break;
    }
    return before <= value &&
           scope_holds((enum limit_scope)above->scope, (enum limit_scope)rule->scope);
}

/* Whether all that `rule` would refuse, `above` refuses before. */
static bool is_stricter(const struct limit_rule *above, const struct limit_rule *rule)
{
    bool names_kind = (above->condition.stated & CONDITION_BIT(CONDITION_KIND)) != 0;
    bool is_named = (rule->condition.stated & CONDITION_BIT(CONDITION_KIND)) != 0 &&
                    (rule->condition.bits[CONDITION_KIND] & LIMIT_KINDS_NAMED) != 0;
    bool wants_card = (LIMIT_CARD_SCOPES >> above->scope & 1) != 0;
    bool is_of_card = (LIMIT_CARD_SCOPES >> rule->scope & 1) != 0;
    if ((is_named && !names_kind) || (wants_card && !is_of_card) ||
        !condition_covers(&above->condition, &rule->condition)) {
        return false;
    }
    for (unsigned i = 0; i < LIMIT_BOUND_COUNT; i++) {
        if (rule->bounds[i] != LIMIT_NONE && !bound_is_stricter(above, rule, (enum limit_bound)i)) {
            return false;
        }
    }
    return true;
}

static void refuse_repeated(const struct limit_rules *rules, struct document *document,
                            const struct document_node *node, uint32_t at)
{
    const struct limit_rule *rule = &rules->rules[at];
    for (uint32_t i = 0; i < at; i++) {
        const struct limit_rule *above = &rules->rules[i];
        if (strcmp(above->name, rule->name) == 0) {
            document_fault(document, document_member(node, "name"),
                           "name: expected each once, got %s again; it stands in line %u too",
                           rule->name, above->line);
            return;
        }
        if (is_stricter(above, rule)) {
            document_fault(document, node,
                           "this rule never decides: whatever it refuses the rule of line %u "
                           "refuses first; expected the stricter one for fewer payments, or one "
                           "of them",
                           above->line);
            return;
        }
    }
}

static void rules_check(const struct limit_rules *rules, struct document *document,
                        const struct document_node *list)
{
    uint32_t at = 0;
    for (const struct document_node *node = list->first_child; node != NULL;
         node = node->next, at++) {
        refuse_bounds(&rules->rules[at], document, node);
        refuse_order(&rules->rules[at], document, node);
        refuse_kinds(&rules->rules[at], document, node);
        refuse_contradictory(&rules->rules[at], document, node);
        refuse_repeated(rules, document, node, at);
    }
}

/* --- the file ----------------------------------------------------------------------------- */

static void form_read(struct condition_form *form, struct document *document,
                      const struct bin_table *bins, uint16_t currency)
{
    static const int64_t OFFSET[] = {-12, 14, 8};
    const int64_t currencies[] = {1, 999, currency};
    const struct document_node *root = document_root(document);
    form->parts = LIMIT_PARTS;
    form->bins = bins;
    form->currency = (uint16_t)document_integer(
        document, root, (struct document_want){"currency", false}, currencies);
    form->utc_offset_us =
        HOUR_US *
        document_integer(document, root, (struct document_want){"utc_offset_hours", false}, OFFSET);
    if (form->currency != currency) {
        document_fault(document, document_member(root, "currency"),
                       "currency: expected that of the fees file, %u, got %u", currency,
                       form->currency);
    }
}

struct limit_rules *limit_rules_compile(struct document *document, const struct bin_table *bins,
                                        uint16_t currency)
{
    static const char *const KNOWN[] = {"currency", "utc_offset_hours", "limits", NULL};
    const struct document_node *root = document_root(document);
    const struct document_node *list = document_member(root, "limits");
    document_refuse_unknown(document, root, KNOWN);
    if (list == NULL || list->kind != DOCUMENT_SEQUENCE || list->child_count == 0 ||
        list->child_count > LIMIT_RULE_COUNT_MAX) {
        document_fault(document, list != NULL ? list : root,
                       "limits: expected a list of 1 to %d rules", LIMIT_RULE_COUNT_MAX);
        return NULL;
    }
    struct limit_rules *rules =
        calloc(1, sizeof(*rules) + list->child_count * sizeof(rules->rules[0]));
    if (rules == NULL) {
        document_fault(document, root, "%s", status_text(STATUS_NO_MEMORY));
        return NULL;
    }
    form_read(&rules->form, document, bins, currency);
    for (const struct document_node *node = list->first_child; node != NULL; node = node->next) {
        rule_read(&rules->rules[rules->count++], document, node, &rules->form);
    }
    REQUIRE(rules->count == list->child_count);
    if (document_fault_count(document) == 0) {
        rules_check(rules, document, list);
    }
    if (document_fault_count(document) > 0) {
        limit_rules_destroy(rules);
        return NULL;
    }
    return rules;
}
