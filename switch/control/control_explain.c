/* A question to the rules in force, and their answer, as messages of the control protocol. */
#include <stdio.h>
#include <string.h>

#include "protocols/base/digits.h"
#include "routing/condition.h"
#include "routing/condition_words.h"
#include "routing/pay_code.h"
#include "switch/control/control_answer.h"

#define NOTE_COUNT_MAX 5
#define MORE_DIGITS "more digits would decide: "
#define TEXT_BYTES_MAX ROUTE_EXPLANATION_SIZE

/* False: longer than `size` allows, or not of digits alone where these are asked for. */
static bool take_text(char *to, size_t size, const char *text)
{
    size_t length = text == NULL ? 0 : strlen(text);
    if (length >= size) {
        return false;
    }
    if (length > 0) {
        memcpy(to, text, length);
    }
    to[length] = '\0';
    return true;
}

static bool take_digits(char *to, size_t size, const char *text, size_t length_min)
{
    return take_text(to, size, text) &&
           (to[0] == '\0' ||
            (strlen(to) >= length_min && digits_are_decimal(to, (uint32_t)strlen(to))));
}

static const char *take_card(struct route_question *question, const Control__ExplainCall *call)
{
    if (!take_digits(question->card_first, sizeof(question->card_first), call->card_first,
                     ROUTE_QUESTION_CARD_DIGITS_MIN) ||
        !take_digits(question->card_last, sizeof(question->card_last), call->card_last, 4)) {
        return "card: expected its first 6 to 9 digits, and no more";
    }
    if (call->card_digits != 0 &&
        (call->card_digits < PAN_DIGITS_MIN || call->card_digits > PAN_DIGITS_MAX)) {
        return "card_digits: expected 12 to 19";
    }
    question->card_digits = (uint8_t)call->card_digits;
    if (call->code_prefix != NULL && call->code_prefix[0] != '\0' &&
        !pay_code_begin(call->code_prefix, question->pay_code)) {
        return "code: expected first digits of a payment code known here: 25 to 30 (Alipay), 10 to "
               "15 (WeChat Pay) or 62 (UnionPay)";
    }
    return NULL;
}

/* NULL: the question is whole. Else what was expected. */
static const char *question_of(struct route_question *question, const Control__ExplainCall *call)
{
    int kind = condition_word_find(CONDITION_KIND, call->kind);
    memset(question, 0, sizeof(*question));
    if (kind <= PAYMENT_UNKNOWN) {
        return "type: expected a transaction type as route rules name it, such as purchase";
    }
    if (call->amount_minor < 0 || call->amount_minor > MONEY_MINOR_MAX ||
        call->currency > UINT16_MAX) {
        return "amount: expected at most 12 digits of minor units";
    }
    if (!take_text(question->terminal_id, sizeof(question->terminal_id), call->terminal_id) ||
        !take_text(question->merchant_id, sizeof(question->merchant_id), call->merchant_id)) {
        return "terminal, merchant: expected at most 8 and 15 characters";
    }
    if (!take_digits(question->entry_mode, sizeof(question->entry_mode), call->entry_mode, 3)) {
        return "entry_mode: expected the 3 digits of field 22, such as 051";
    }
    question->kind = (enum payment_kind)kind;
    question->amount = (struct money){call->amount_minor, (uint16_t)call->currency};
    question->batch = call->batch;
    question->stan = call->stan;
    return take_card(question, call);
}

static char *borrowed(const char *text)
{
    return (char *)(uintptr_t)text;
}

/* False: no memory. */
static bool put_notes(struct control_arena *arena, Control__Explanation *told,
                      const struct engine_explanation *engine)
{
    if (engine->doubt != ROUTE_DOUBT_NONE) {
        told->notes[told->n_notes++] = borrowed(route_doubt_text(engine->doubt));
        bool is_of_digits =
            engine->doubt != ROUTE_DOUBT_CARD_MISSING && engine->doubt != ROUTE_DOUBT_CARD_FORM;
        if (is_of_digits) {
            told->notes[told->n_notes++] =
                borrowed("the answer is that of the lowest number; give more digits, up to 9");
        }
    }
    if (engine->divider[0] != '\0') {
        char text[sizeof(MORE_DIGITS) + ROUTE_DIVIDER_SIZE];
        snprintf(text, sizeof(text), MORE_DIGITS "%s", engine->divider);
        char *note = control_arena_text(arena, text, sizeof(text));
        if (note == NULL) {
            return false;
        }
        told->notes[told->n_notes++] = note;
    }
    if (engine->may_be_listed) {
        told->notes[told->n_notes++] =
            borrowed("the black list names cards by their hash, too: whether this is one of them, "
                     "its first digits do not tell");
    }
    if (engine->follows_original) {
        told->notes[told->n_notes++] = borrowed(
            "a payment of this type goes to its original's channel, whatever these rules say");
    }
    return true;
}

static Control__Quote *quote_of(struct control_arena *arena, const struct route_decision *decision)
{
    const struct fee_quote *fee = &decision->fee;
    Control__Quote *quote = control_arena_take(arena, sizeof(*quote));
    if (quote == NULL) {
        return NULL;
    }
    control__quote__init(quote);
    quote->merchant_fee = fee->merchant_fee.minor;
    quote->issuer_fee = fee->issuer_fee.minor;
    quote->scheme_fee = fee->scheme_fee.minor;
    quote->agent_fee = fee->shares.total;
    quote->fee_rule = fee->merchant_rule;
    quote->cost_rule = fee->cost_rule;
    quote->discount_rule = fee->discount_rule;
    return quote;
}

static Control__Explanation *explanation_of(struct control_arena *arena,
                                            const struct control_explanation *explanation)
{
    const struct route_decision *decision = &explanation->engine.decision;
    Control__Explanation *told = control_arena_take(arena, sizeof(*told));
    if (told == NULL) {
        return NULL;
    }
    control__explanation__init(told);
    const enum txn_reason ordered = explanation->engine.ordered;
    const bool is_ordered = decision->answer == ROUTE_FOUND && ordered != TXN_REASON_NONE;
    told->is_routed = decision->answer == ROUTE_FOUND && !is_ordered;
    told->reason =
        borrowed(is_ordered ? txn_reason_text(ordered) : route_answer_text(decision->answer));
    told->response_code =
        borrowed(is_ordered ? txn_reason_code(ordered) : route_decision_code(decision));
    told->ruleset_version = decision->version;
    told->route_rule = decision->rule;
    told->channels = control_arena_take(arena, ROUTE_CANDIDATE_COUNT_MAX * sizeof(void *));
    told->notes = control_arena_take(arena, NOTE_COUNT_MAX * sizeof(void *));
    told->text = control_arena_text(arena, explanation->engine.text, TEXT_BYTES_MAX);
    if (told->channels == NULL || told->notes == NULL || told->text == NULL) {
        return NULL;
    }
    for (uint8_t i = 0; told->is_routed && i < decision->channel_count; i++) {
        told->channels[told->n_channels++] =
            borrowed(channel_table_at(explanation->channels, decision->channels[i])->name);
    }
    if (!put_notes(arena, told, &explanation->engine)) {
        return NULL;
    }
    if (told->is_routed && decision->fee.merchant_rule != 0) {
        told->fee = quote_of(arena, decision);
    }
    return told;
}

Control__Explanation *control_answer_explanation(struct control_arena *arena,
                                                 const struct control_rim *rim,
                                                 const Control__ExplainCall *call,
                                                 const char **fault)
{
    struct route_question question;
    *fault = question_of(&question, call);
    if (*fault != NULL) {
        return NULL;
    }
    struct control_explanation *explanation = control_arena_take(arena, sizeof(*explanation));
    *fault = "the explanation does not fit into the memory of a call";
    if (explanation == NULL) {
        return NULL;
    }
    rim->explain(rim->argument, &question, call->has_wall_us ? call->wall_us : 0, explanation);
    return explanation_of(arena, explanation);
}
