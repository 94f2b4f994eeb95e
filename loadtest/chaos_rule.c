/* Options that an action does not take are refused, not ignored: a rule that does nothing would
 * make a test pass that proves nothing. */
#include "loadtest/chaos_rule.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "protocols/base/digits.h"

#define OPTION_COUNT_MAX 32
#define OPTION_SIZE 32
#define MILLION 1000000

static const char *const ACTION_WORDS[] = {
#define X(name, word, options, frames, text) word,
    CHAOS_ACTION_MAP(X)
#undef X
        NULL};
/* One string each, some written over two lines. NOLINTBEGIN(bugprone-suspicious-missing-comma) */
static const char *const ACTION_OPTIONS[] = {
#define X(name, word, options, frames, text) options,
    CHAOS_ACTION_MAP(X)
#undef X
};
static const char *const ACTION_TEXTS[] = {
#define X(name, word, options, frames, text) text,
    CHAOS_ACTION_MAP(X)
#undef X
};
/* NOLINTEND(bugprone-suspicious-missing-comma) */
static const bool ACTION_FRAMES[] = {
#define X(name, word, options, frames, text) frames,
    CHAOS_ACTION_MAP(X)
#undef X
};
static const char *const DIRECTIONS[] = {"to_server", "to_client", "both", NULL};
static const char *const SIDES[] = {"both", "receiver", "sender", NULL};
static const char EVERY_RULE[] = "name action direction percent every skip count from_ms to_ms mti";

/* The fields that people name; any other goes by its number. */
static const struct {
    const char *name;
    uint16_t number;
} FIELDS[] = {{"stan", 11},     {"rrn", 37},  {"amount", 4}, {"terminal", 41},
              {"merchant", 42}, {"code", 39}, {"auth", 38},  {"currency", 49}};

const char *chaos_action_word(enum chaos_action action)
{
    return ACTION_WORDS[action];
}

const char *chaos_action_text(enum chaos_action action)
{
    return ACTION_TEXTS[action];
}

const char *chaos_action_options(enum chaos_action action)
{
    return ACTION_OPTIONS[action];
}

const char *chaos_direction_word(enum chaos_direction direction)
{
    return DIRECTIONS[direction];
}

static uint32_t words_split(const char *text, char words[][OPTION_SIZE], uint32_t count)
{
    while (*text != '\0' && count < OPTION_COUNT_MAX) {
        size_t length = strcspn(text, " ");
        if (length > 0 && length < OPTION_SIZE) {
            memcpy(words[count], text, length);
            words[count++][length] = '\0';
        }
        text += length + (text[length] == ' ');
    }
    return count;
}

static void options_check(struct document *document, const struct document_node *node,
                          enum chaos_action action)
{
    char words[OPTION_COUNT_MAX][OPTION_SIZE];
    const char *known[OPTION_COUNT_MAX + 1] = {NULL};
    uint32_t count = words_split(EVERY_RULE, words, 0);
    count = words_split(ACTION_OPTIONS[action], words, count);
    for (uint32_t i = 0; i < count; i++) {
        known[i] = words[i];
    }
    document_refuse_unknown(document, node, known);
}

static uint32_t number_read(struct document *document, const struct document_node *node,
                            const char *key, const int64_t range_and_fallback[3])
{
    struct document_want want = {key, false};
    return (uint32_t)document_integer(document, node, want, range_and_fallback);
}

/* "5", "0.25": per cent, kept as parts per million so that no rounding differs between machines. */
static void percent_read(struct chaos_rule *rule, struct document *document,
                         const struct document_node *node)
{
    const char *text =
        document_text(document, node, (struct document_want){"percent", false}, NULL);
    rule->part_per_million = MILLION;
    if (text == NULL) {
        return;
    }
    size_t whole = strspn(text, "0123456789");
    size_t point = text[whole] == '.';
    size_t fraction = point ? strspn(text + whole + 1, "0123456789") : 0;
    uint64_t percent = 0, parts = 0;
    bool is_good =
        whole > 0 && whole <= 3 && fraction <= 4 && (!point || fraction > 0) &&
        text[whole + point + fraction] == '\0' &&
        digits_parse(&percent, text, (uint32_t)whole, (struct number_range){0, 100}) == STATUS_OK;
    if (is_good && fraction > 0) {
        char four[] = "0000";
        memcpy(four, text + whole + 1, fraction);
        is_good = digits_parse(&parts, four, 4, (struct number_range){0, 9999}) == STATUS_OK;
    }
    parts += percent * 10000;
    if (!is_good || parts > MILLION) {
        document_fault(
            document, document_member(node, "percent"),
            "\"percent\" is \"%.20s\"; a number from 0 to 100 with four decimals at most "
            "was expected",
            text);
        return;
    }
    rule->part_per_million = (uint32_t)parts;
}

static void when_read(struct chaos_rule *rule, struct document *document,
                      const struct document_node *node, struct chaos_means means)
{
    static const int64_t counts[] = {0, 1000000000, 0}, ms[] = {0, CHAOS_MS_MAX, 0};
    percent_read(rule, document, node);
    rule->every = number_read(document, node, "every", counts);
    rule->skip = number_read(document, node, "skip", counts);
    rule->count_max = number_read(document, node, "count", counts);
    rule->from_ms = number_read(document, node, "from_ms", ms);
    rule->to_ms = number_read(document, node, "to_ms", ms);
    if (rule->every > 0 && document_member(node, "percent") != NULL) {
        document_fault(document, document_member(node, "every"),
                       "\"every\" and \"percent\" exclude each other; give one of them");
    }
    if (rule->to_ms > 0 && rule->to_ms <= rule->from_ms) {
        document_fault(document, document_member(node, "to_ms"),
                       "\"to_ms\" is %u, not after \"from_ms\", which is %u", rule->to_ms,
                       rule->from_ms);
    }
    const char *mti = document_text(document, node, (struct document_want){"mti", false}, "");
    if (mti[0] != '\0' && (strlen(mti) != 4 || !digits_are_decimal(mti, 4))) {
        document_fault(document, document_member(node, "mti"),
                       "\"mti\" is \"%.20s\"; four digits were expected", mti);
    } else if (mti[0] != '\0' && !(means.has_frames && means.has_spec)) {
        document_fault(document, document_member(node, "mti"),
                       "\"mti\" needs messages that can be read: give --framing and --spec");
    } else {
        memcpy(rule->mti, mti, strlen(mti) + 1);
    }
}

static void field_read(struct chaos_rule *rule, struct document *document,
                       const struct document_node *node)
{
    uint64_t number = 0;
    const char *text = document_text(document, node, (struct document_want){"field", true}, "");
    for (size_t i = 0; i < sizeof FIELDS / sizeof FIELDS[0]; i++) {
        number = strcmp(text, FIELDS[i].name) == 0 ? FIELDS[i].number : number;
    }
    size_t length = strlen(text);
    if (number == 0 && length > 0 &&
        (length > 3 || digits_parse(&number, text, (uint32_t)length,
                                    (struct number_range){2, 127}) != STATUS_OK)) {
        document_fault(document, document_member(node, "field"),
                       "\"field\" is \"%.20s\"; a number from 2 to 127, or stan, rrn, amount, "
                       "terminal, merchant, code, auth or currency was expected",
                       text);
    }
    rule->field = (uint16_t)number;
    const char *value = document_text(document, node, (struct document_want){"value", false}, "");
    if (strlen(value) >= CHAOS_VALUE_SIZE) {
        document_fault(document, document_member(node, "value"),
                       "\"value\" is longer than %d characters", CHAOS_VALUE_SIZE - 1);
        return;
    }
    memcpy(rule->value, value, strlen(value) + 1);
}

static void options_read(struct chaos_rule *rule, struct document *document,
                         const struct document_node *node)
{
    enum chaos_action action = rule->action;
    int64_t ms_fallback = action == CHAOS_REORDER || action == CHAOS_REPLAY ? 1000
                          : action == CHAOS_MERGE                           ? 100
                                                                            : 0;
    rule->ms = number_read(document, node, "ms", (int64_t[]){0, CHAOS_MS_MAX, ms_fallback});
    rule->jitter_ms = number_read(document, node, "jitter_ms", (int64_t[]){0, CHAOS_MS_MAX, 0});
    rule->copies = number_read(document, node, "copies", (int64_t[]){1, CHAOS_COPY_COUNT_MAX, 1});
    rule->after = number_read(document, node, "after", (int64_t[]){1, 10000, 1});
    rule->piece = number_read(document, node, "piece", (int64_t[]){1, 65535, 1});
    rule->count_in_one = number_read(document, node, "count_in_one", (int64_t[]){2, 1000, 8});
    bool is_end = action == CHAOS_RESET || action == CHAOS_FIN;
    rule->bytes = number_read(document, node, "bytes",
                              (int64_t[]){is_end ? 0 : 1, 65535, is_end ? CHAOS_HALF : 1});
    rule->side = (enum chaos_side)document_choice(
        document, node, (struct document_want){"side", false}, SIDES, CHAOS_SIDE_BOTH);
    if (action == CHAOS_CHANGE) {
        field_read(rule, document, node);
    }
    if (action == CHAOS_DELAY && rule->ms + rule->jitter_ms == 0) {
        document_fault(document, node, "a delay needs \"ms\" or \"jitter_ms\"");
    }
}

static void rule_read(struct chaos_rule *rule, struct document *document,
                      const struct document_node *node, struct chaos_means means)
{
    *rule = (struct chaos_rule){.action = CHAOS_ACTION_COUNT};
    if (node->kind != DOCUMENT_MAPPING) {
        document_fault(document, node, "a rule is a mapping with \"action\" and its options");
        return;
    }
    rule->action = (enum chaos_action)document_choice(
        document, node, (struct document_want){"action", true}, ACTION_WORDS, CHAOS_ACTION_COUNT);
    if (rule->action == CHAOS_ACTION_COUNT) {
        return; /* which options it may have is not known */
    }
    options_check(document, node, rule->action);
    rule->direction = (enum chaos_direction)document_choice(
        document, node, (struct document_want){"direction", false}, DIRECTIONS, CHAOS_BOTH);
    const char *word = ACTION_WORDS[rule->action];
    const char *name = document_text(document, node, (struct document_want){"name", false}, word);
    snprintf(rule->name, sizeof rule->name, "%s", name);
    when_read(rule, document, node, means);
    options_read(rule, document, node);
    if (ACTION_FRAMES[rule->action] && !means.has_frames) {
        document_fault(document, document_member(node, "action"),
                       "\"%s\" needs whole messages: give --framing (bytes under TLS have none)",
                       word);
    }
    if (rule->action == CHAOS_CHANGE && !means.has_spec) {
        document_fault(document, document_member(node, "action"),
                       "\"change\" needs messages that can be read: give --spec");
    }
}

enum status chaos_rules_read(struct chaos_rules *rules, struct document *document,
                             struct chaos_means means)
{
    static const char *const members[] = {"rules", NULL};
    const struct document_node *root = document_root(document);
    const struct document_node *list = document_member(root, "rules");
    uint32_t count = rules->count;
    document_refuse_unknown(document, root, members);
    if (list == NULL || list->kind != DOCUMENT_SEQUENCE) {
        document_fault(document, list, "a list \"rules\" was expected");
        return STATUS_BAD_VALUE;
    }
    for (const struct document_node *node = list->first_child; node != NULL; node = node->next) {
        if (count == CHAOS_RULE_COUNT_MAX) {
            document_fault(document, node, "more than %d rules", CHAOS_RULE_COUNT_MAX);
            break;
        }
        rule_read(&rules->items[count++], document, node, means);
    }
    if (document_fault_count(document) > 0) {
        return STATUS_BAD_VALUE;
    }
    rules->count = count;
    return STATUS_OK;
}

/* One "key=value" below `rule`; `column` is where it stands in the argument. */
static bool pair_add(struct document *document, struct document_node *rule, const char *text,
                     size_t length)
{
    char key[OPTION_SIZE], value[CHAOS_VALUE_SIZE];
    const char *equals = memchr(text, '=', length);
    size_t key_length = equals == NULL ? length : (size_t)(equals - text);
    size_t value_length = equals == NULL ? 0 : length - key_length - 1;
    if (equals == NULL || key_length == 0 || key_length >= sizeof key ||
        value_length >= sizeof value) {
        document_fault(document, rule,
                       "\"%.*s\": option=value was expected, options parted by commas",
                       (int)(length > 60 ? 60 : length), text);
        return true;
    }
    memcpy(key, text, key_length);
    key[key_length] = '\0';
    memcpy(value, equals + 1, value_length);
    value[value_length] = '\0';
    struct document_node model = {
        .kind = DOCUMENT_SCALAR, .key = key, .text = value, .line = 1, .column = rule->column};
    if (document_member(rule, key) != NULL) {
        document_fault(document, &model, "\"%s\" is given twice", key);
        return true;
    }
    return document_add(document, rule, &model) != NULL;
}

struct document *chaos_rule_document(const char *name, const char *text)
{
    struct document *document = document_create(name);
    struct document_node model = {.kind = DOCUMENT_MAPPING, .line = 1, .column = 1};
    struct document_node *node = document == NULL ? NULL : document_add(document, NULL, &model);
    model =
        (struct document_node){.kind = DOCUMENT_SEQUENCE, .key = "rules", .line = 1, .column = 1};
    node = node == NULL ? NULL : document_add(document, node, &model);
    model = (struct document_node){.kind = DOCUMENT_MAPPING, .line = 1, .column = 1};
    node = node == NULL ? NULL : document_add(document, node, &model);
    bool is_good = node != NULL;
    for (const char *at = text; is_good && *at != '\0';) {
        size_t length = strcspn(at, ",");
        node->column = (uint32_t)(at - text) + 1;
        is_good = pair_add(document, node, at, length);
        at += length + (at[length] == ',');
    }
    if (!is_good) {
        document_destroy(document);
        return NULL;
    }
    node->column = 1;
    return document;
}
