/* See route_question.h. */
#include "routing/route_question.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "protocols/base/digits.h"
#include "protocols/base/require.h"
#include "routing/ruleset_parts.h"

#define CARD_DIGITS_FALLBACK 16
#define UNKNOWN_DIGIT '?'

/* The first 12 digits of the lowest and of the highest number of a form. */
struct span {
    uint64_t from, to;
};

struct card_form {
    char digits[PAN_DIGITS_MAX + 1]; /* with UNKNOWN_DIGIT */
    struct pan low, high;
    struct span span;
};

static const char *const DOUBTS[] = {
#define X(name, text) [ROUTE_DOUBT_##name] = (text),
    ROUTE_DOUBT_MAP(X)
#undef X
};

const char *route_doubt_text(enum route_doubt doubt)
{
    REQUIRE(doubt < ROUTE_DOUBT_COUNT);
    return DOUBTS[doubt];
}

/* The number with one digit in the place of all that are unknown. */
static void fill_unknown(struct pan *pan, const char *form, char digit)
{
    pan->digit_count = (uint8_t)strlen(form);
    REQUIRE(pan->digit_count <= PAN_DIGITS_MAX);
    for (uint32_t i = 0; i <= pan->digit_count; i++) {
        pan->digits[i] = form[i] == UNKNOWN_DIGIT ? digit : form[i];
    }
}

/* Known digits at their places, UNKNOWN_DIGIT elsewhere. False: they do not fit that length. */
static bool form_of(const struct route_question *question, uint32_t digit_count,
                    char form[PAN_DIGITS_MAX + 1])
{
    uint32_t first = (uint32_t)strlen(question->card_first);
    uint32_t last = (uint32_t)strlen(question->card_last);
    if (digit_count < PAN_DIGITS_MIN || digit_count > PAN_DIGITS_MAX ||
        first + last >= digit_count || !digits_are_decimal(question->card_first, first) ||
        !digits_are_decimal(question->card_last, last)) {
        return false;
    }
    memset(form, UNKNOWN_DIGIT, digit_count);
    memcpy(form, question->card_first, first);
    memcpy(form + digit_count - last, question->card_last, last);
    form[digit_count] = '\0';
    return true;
}

/* The lowest number of that form but for the last unknown digit, which the check digit decides. */
static void make_card(struct pan *pan, const char *form)
{
    const char *place = strrchr(form, UNKNOWN_DIGIT);
    REQUIRE(place != NULL);
    fill_unknown(pan, form, '0');
    for (int digit = '0'; digit <= '9'; digit++) {
        pan->digits[place - form] = (char)digit;
        if (pan_has_luhn(pan)) {
            return;
        }
    }
}

/* As long as the BIN range of the lowest such number says. */
static uint32_t length_of(const struct ruleset *ruleset, const struct route_question *question)
{
    char form[PAN_DIGITS_MAX + 1];
    struct pan pan;
    if (question->card_digits != 0) {
        return question->card_digits;
    }
    if (!form_of(question, CARD_DIGITS_FALLBACK, form)) {
        return CARD_DIGITS_FALLBACK;
    }
    fill_unknown(&pan, form, '0');
    const struct bin_rule *bin = bin_table_find(ruleset->bins, &pan);
    return bin == NULL || bin->pan_digits == 0 ? CARD_DIGITS_FALLBACK : bin->pan_digits;
}

/* Whether the rule may tell the lowest card number of a form from the highest. */
static bool condition_divides(const struct condition *condition, enum payment_kind kind,
                              const struct span *span)
{
    const struct condition_numbers *ranges = condition_numbers_of(condition, CONDITION_BIN);
    bool is_of_kind = (condition->stated & CONDITION_BIT(CONDITION_KIND)) == 0 ||
                      (condition->bits[CONDITION_KIND] >> kind & 1) != 0;
    for (uint32_t i = 0; i < ranges->count && is_of_kind; i++) {
        bool holds_from = ranges->items[i].min <= span->from && span->from <= ranges->items[i].max;
        bool holds_to = ranges->items[i].min <= span->to && span->to <= ranges->items[i].max;
        bool is_between = ranges->items[i].min > span->from && ranges->items[i].max < span->to;
        if (holds_from != holds_to || is_between) {
            return true;
        }
    }
    return false;
}

/* NULL: none. */
static const struct limit_rule *limit_that_divides(const struct limit_rules *rules,
                                                   enum payment_kind kind, const struct span *span)
{
    uint32_t count = rules == NULL || !limit_kind_is_limited(kind) ? 0 : limit_rules_count(rules);
    for (uint32_t i = 0; i < count; i++) {
        if (condition_divides(&limit_rules_at(rules, i)->condition, kind, span)) {
            return limit_rules_at(rules, i);
        }
    }
    return NULL;
}

static const struct route_rule *route_that_divides(const struct route_rules *rules,
                                                   enum payment_kind kind, const struct span *span)
{
    for (uint32_t i = 0; i < route_rules_count(rules); i++) {
        if (condition_divides(&route_rules_at(rules, i)->condition, kind, span)) {
            return route_rules_at(rules, i);
        }
    }
    return NULL;
}

/* In the order in which a decision looks at them; `text` says which. */
static enum route_doubt find_divider(const struct ruleset *ruleset,
                                     const struct route_question *question, const struct span *span,
                                     char text[ROUTE_DIVIDER_SIZE])
{
    text[0] = '\0';
    bool is_held = ruleset->black_list != NULL && black_list_kind_is_held(question->kind);
    const struct black_list_row *listed =
        is_held
            ? black_list_find_longer(ruleset->black_list, question->card_first, question->wall_us)
            : NULL;
    if (listed != NULL) {
        snprintf(text, ROUTE_DIVIDER_SIZE, "black list line %" PRIu32, listed->line);
        return ROUTE_DOUBT_LISTED;
    }
    const struct limit_rule *limit = limit_that_divides(ruleset->limits, question->kind, span);
    if (limit != NULL) {
        snprintf(text, ROUTE_DIVIDER_SIZE, "limit %s of line %" PRIu32, limit->name, limit->line);
        return ROUTE_DOUBT_LIMIT;
    }
    const struct route_rule *route = route_that_divides(ruleset->routes, question->kind, span);
    if (route != NULL) {
        snprintf(text, ROUTE_DIVIDER_SIZE, "route rule of line %" PRIu32, route->line);
        return ROUTE_DOUBT_RULE;
    }
    return ROUTE_DOUBT_NONE;
}

/* The card's form, and the lowest and the highest number of it. False: the digits are of none. */
static bool take_form(const struct ruleset *ruleset, const struct route_question *question,
                      struct card_form *card)
{
    if (question->card_first[0] == '\0' ||
        !form_of(question, length_of(ruleset, question), card->digits)) {
        return false;
    }
    fill_unknown(&card->low, card->digits, '0');
    fill_unknown(&card->high, card->digits, '9');
    card->span = (struct span){pan_prefix(&card->low, BIN_DIGITS_MAX),
                               pan_prefix(&card->high, BIN_DIGITS_MAX)};
    return true;
}

static enum route_doubt ask_card(const struct ruleset *ruleset,
                                 const struct route_question *question, struct payment *payment)
{
    struct card_form card;
    char divider[ROUTE_DIVIDER_SIZE];
    if (question->card_first[0] == '\0') {
        bool is_scanned = memcmp(question->entry_mode, "03", 2) == 0;
        return is_scanned ? ROUTE_DOUBT_NONE : ROUTE_DOUBT_CARD_MISSING;
    }
    if (!take_form(ruleset, question, &card)) {
        return ROUTE_DOUBT_CARD_FORM;
    }
    make_card(&payment->pan, card.digits);
    if (!bin_table_is_sole(ruleset->bins, &card.low, &card.high)) {
        return ROUTE_DOUBT_BIN;
    }
    return find_divider(ruleset, question, &card.span, divider);
}

void route_question_divider(const struct ruleset *ruleset, const struct route_question *question,
                            char text[ROUTE_DIVIDER_SIZE])
{
    REQUIRE(ruleset->is_frozen);
    struct card_form card;
    text[0] = '\0';
    if (take_form(ruleset, question, &card)) {
        (void)find_divider(ruleset, question, &card.span, text);
    }
}

enum route_doubt route_question_ask(const struct ruleset *ruleset,
                                    const struct route_question *question, struct payment *payment)
{
    REQUIRE(ruleset->is_frozen);
    const struct terminal_row *terminal =
        terminal_table_find(ruleset->terminals, question->terminal_id);
    const char *merchant_id = question->merchant_id[0] != '\0' || terminal == NULL
                                  ? question->merchant_id
                                  : terminal->merchant_id;
    payment_clear(payment);
    payment->kind = question->kind;
    payment->amount = question->amount;
    payment->batch = question->batch;
    payment->stan = question->stan;
    snprintf(payment->terminal_id, sizeof(payment->terminal_id), "%s", question->terminal_id);
    snprintf(payment->merchant_id, sizeof(payment->merchant_id), "%s", merchant_id);
    snprintf(payment->entry_mode, sizeof(payment->entry_mode), "%s", question->entry_mode);
    snprintf(payment->pay_code, sizeof(payment->pay_code), "%s", question->pay_code);
    return ask_card(ruleset, question, payment);
}
