/* What one merchant, terminal or card has taken, and the limits it counts against, as messages of
 * the control protocol. */
#include <string.h>

#include "protocols/base/bytes.h"
#include "switch/control/control_answer.h"

/* Bounds of a day or a month: what one payment may be is no matter of usage. */
static const struct {
    enum limit_bound bound;
    const char *member;
} BOUNDS[] = {
    {LIMIT_BOUND_DAY_AMOUNT, "day_amount_max"},
    {LIMIT_BOUND_DAY_COUNT, "day_count_max"},
    {LIMIT_BOUND_MONTH_AMOUNT, "month_amount_max"},
};
enum { BOUND_COUNT = sizeof(BOUNDS) / sizeof(BOUNDS[0]) };

static bool take_id(char *to, size_t size, const char *key)
{
    size_t length = strlen(key);
    if (length == 0 || length >= size) {
        return false;
    }
    memcpy(to, key, length + 1);
    return true;
}

static bool take_hash(struct pan_hash *hash, const char *key)
{
    struct byte_writer writer;
    uint32_t length = (uint32_t)strnlen(key, 2 * PAN_HASH_BYTES + 1);
    byte_writer_init(&writer, hash->bytes, PAN_HASH_BYTES);
    return length == 2 * PAN_HASH_BYTES && bytes_from_hex(&writer, key, length) == STATUS_OK;
}

/* NULL: the question is whole. Else what was expected. */
static const char *question_of(struct control_usage_question *question,
                               const Control__UsageCall *call)
{
    memset(question, 0, sizeof(*question));
    if (strcmp(call->scope, "merchant") == 0) {
        question->scope = LIMIT_MERCHANT;
        return take_id(question->merchant_id, sizeof(question->merchant_id), call->key)
                   ? NULL
                   : "merchant: expected an id of 1 to 15 characters";
    }
    if (strcmp(call->scope, "terminal") == 0) {
        question->scope = LIMIT_TERMINAL;
        return take_id(question->terminal_id, sizeof(question->terminal_id), call->key)
                   ? NULL
                   : "terminal: expected an id of 1 to 8 characters";
    }
    question->scope = LIMIT_CARD;
    return strcmp(call->scope, "card") == 0 && take_hash(&question->pan_hash, call->key)
               ? NULL
               : "expected merchant, terminal or card, and of a card its hash as the log shows it, "
                 "32 hex digits";
}

static int64_t used_of(const struct limit_use *use, enum limit_bound bound)
{
    return bound == LIMIT_BOUND_DAY_AMOUNT  ? use->day_minor
           : bound == LIMIT_BOUND_DAY_COUNT ? use->day_count
                                            : use->month_minor;
}

/* The limits that a rule states; `told->limits` has room for all. False: the arena is full. */
static bool put_rule(struct control_arena *arena, const struct limit_rule *rule,
                     const struct limit_use *use, Control__Usage *told)
{
    for (unsigned i = 0; i < BOUND_COUNT; i++) {
        if (rule->bounds[BOUNDS[i].bound] == LIMIT_NONE) {
            continue;
        }
        Control__UsageLimit *limit = control_arena_take(arena, sizeof(*limit));
        if (limit == NULL) {
            return false;
        }
        control__usage_limit__init(limit);
        limit->name = (char *)(uintptr_t)rule->name;
        limit->line = rule->line;
        limit->bound = (char *)(uintptr_t)BOUNDS[i].member;
        limit->max = rule->bounds[BOUNDS[i].bound];
        limit->used = used_of(use, BOUNDS[i].bound);
        told->limits[told->n_limits++] = limit;
    }
    return true;
}

static Control__Usage *answer_of(struct control_arena *arena, enum limit_scope scope,
                                 const struct control_usage *usage)
{
    uint32_t rule_count = usage->rules == NULL ? 0 : limit_rules_count(usage->rules);
    Control__Usage *told = control_arena_take(arena, sizeof(*told));
    if (told == NULL) {
        return NULL;
    }
    control__usage__init(told);
    told->is_counted = usage->engine.is_counted;
    told->day = usage->engine.day;
    told->currency = usage->currency;
    told->day_count = usage->engine.use.day_count;
    told->day_minor = usage->engine.use.day_minor;
    told->month_minor = usage->engine.use.month_minor;
    told->limits = control_arena_take(arena, (rule_count * BOUND_COUNT + 1u) * sizeof(void *));
    bool is_whole = told->limits != NULL;
    for (uint32_t i = 0; i < rule_count && is_whole; i++) {
        const struct limit_rule *rule = limit_rules_at(usage->rules, i);
        is_whole = rule->scope != scope || put_rule(arena, rule, &usage->engine.use, told);
    }
    return is_whole ? told : NULL;
}

Control__Usage *control_answer_usage(struct control_arena *arena, const struct control_rim *rim,
                                     const Control__UsageCall *call, const char **fault)
{
    struct control_usage_question question;
    struct control_usage usage = {.rules = NULL};
    *fault = question_of(&question, call);
    if (*fault != NULL) {
        return NULL;
    }
    *fault = "the answer does not fit into the memory of a call";
    rim->usage(rim->argument, &question, &usage);
    return answer_of(arena, question.scope, &usage);
}
