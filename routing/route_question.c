/* See route_question.h. */
#include "routing/route_question.h"

#include <stdio.h>
#include <string.h>

#include "protocols/base/digits.h"
#include "protocols/base/require.h"
#include "routing/ruleset_parts.h"

#define CARD_DIGITS_FALLBACK 16
#define UNKNOWN_DIGIT '?'

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

/* Whether a rule may tell the lowest card number of a form from the highest. */
static bool rules_divide(const struct route_rules *rules, const struct pan *low,
                         const struct pan *high)
{
    const uint64_t from = pan_prefix(low, BIN_DIGITS_MAX);
    const uint64_t to = pan_prefix(high, BIN_DIGITS_MAX);
    for (uint32_t i = 0; i < route_rules_count(rules); i++) {
        const struct condition_numbers *ranges =
            condition_numbers_of(&route_rules_at(rules, i)->condition, CONDITION_BIN);
        for (uint32_t j = 0; j < ranges->count; j++) {
            bool holds_from = ranges->items[j].min <= from && from <= ranges->items[j].max;
            bool holds_to = ranges->items[j].min <= to && to <= ranges->items[j].max;
            bool is_between = ranges->items[j].min > from && ranges->items[j].max < to;
            if (holds_from != holds_to || is_between) {
                return true;
            }
        }
    }
    return false;
}

static enum route_doubt ask_card(const struct ruleset *ruleset,
                                 const struct route_question *question, struct payment *payment)
{
    char form[PAN_DIGITS_MAX + 1];
    struct pan low;
    struct pan high;
    if (question->card_first[0] == '\0') {
        bool is_scanned = memcmp(question->entry_mode, "03", 2) == 0;
        return is_scanned ? ROUTE_DOUBT_NONE : ROUTE_DOUBT_CARD_MISSING;
    }
    if (!form_of(question, length_of(ruleset, question), form)) {
        return ROUTE_DOUBT_CARD_FORM;
    }
    fill_unknown(&low, form, '0');
    fill_unknown(&high, form, '9');
    make_card(&payment->pan, form);
    if (!bin_table_is_sole(ruleset->bins, &low, &high)) {
        return ROUTE_DOUBT_BIN;
    }
    return rules_divide(ruleset->routes, &low, &high) ? ROUTE_DOUBT_RULE : ROUTE_DOUBT_NONE;
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
