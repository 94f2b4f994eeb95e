/* See route_row.h. */
#include "switch/admin/route_row.h"

#include <stdio.h>
#include <string.h>

#include "routing/condition.h"
#include "routing/condition_words.h"
#include "routing/fee_note.h"
#include "routing/pay_code.h"

#define MASKED_FIRST 6
#define MASKED_LAST 4

enum {
    AT_POSITION,
    AT_WALL,
    AT_KIND,
    AT_PAYMENT_KIND,
    AT_REASON,
    AT_ATTEMPT,
    AT_TERMINAL,
    AT_MERCHANT,
    AT_BATCH,
    AT_STAN,
    AT_AMOUNT,
    AT_CURRENCY,
    AT_PAN,
    AT_ENTRY_MODE,
    AT_CHANNEL,
    AT_RRN,
    AT_ORIGINAL,
    AT_VERSION,
    AT_ROUTE_RULE,
    AT_BASIS
};

const char *route_row_text(enum route_row_answer answer)
{
    static const char *const texts[] = {
#define X(name, text) [ROUTE_ROW_##name] = (text),
        ROUTE_ROW_MAP(X)
#undef X
    };
    return texts[answer];
}

static const char *text_at(sqlite3_stmt *from, int at)
{
    const char *text = (const char *)sqlite3_column_text(from, at);
    return text == NULL ? "" : text;
}

static void take_text(char *to, size_t size, sqlite3_stmt *from, int at)
{
    snprintf(to, size, "%s", text_at(from, at));
}

static void take_row(struct route_row *row, sqlite3_stmt *from)
{
    row->position = sqlite3_column_int64(from, AT_POSITION);
    row->wall_us = sqlite3_column_int64(from, AT_WALL);
    row->has_original = sqlite3_column_int64(from, AT_ORIGINAL) != 0;
    row->ruleset_version = (uint32_t)sqlite3_column_int64(from, AT_VERSION);
    row->route_rule = (uint32_t)sqlite3_column_int64(from, AT_ROUTE_RULE);
    take_text(row->kind, sizeof(row->kind), from, AT_KIND);
    take_text(row->reason, sizeof(row->reason), from, AT_REASON);
    take_text(row->rrn, sizeof(row->rrn), from, AT_RRN);
    take_text(row->channel, sizeof(row->channel), from, AT_CHANNEL);
}

static void take_question(struct route_question *question, sqlite3_stmt *from)
{
    const char *masked = text_at(from, AT_PAN);
    size_t length = strlen(masked);
    question->amount = (struct money){sqlite3_column_int64(from, AT_AMOUNT),
                                      (uint16_t)sqlite3_column_int64(from, AT_CURRENCY)};
    question->wall_us = sqlite3_column_int64(from, AT_WALL);
    question->batch = (uint32_t)sqlite3_column_int64(from, AT_BATCH);
    question->stan = (uint32_t)sqlite3_column_int64(from, AT_STAN);
    take_text(question->terminal_id, sizeof(question->terminal_id), from, AT_TERMINAL);
    take_text(question->merchant_id, sizeof(question->merchant_id), from, AT_MERCHANT);
    take_text(question->entry_mode, sizeof(question->entry_mode), from, AT_ENTRY_MODE);
    if (length >= PAN_DIGITS_MIN && length <= PAN_DIGITS_MAX) {
        memcpy(question->card_first, masked, MASKED_FIRST);
        memcpy(question->card_last, masked + length - MASKED_LAST, MASKED_LAST);
        question->card_digits = (uint8_t)length;
    }
}

/* What the basis of the price tells: the month, and of a scanned code its scheme. */
static enum route_row_answer take_basis(struct route_row *row, const char *text)
{
    char plan[FEE_PLAN_NAME_SIZE];
    struct fee_basis basis;
    struct route_question *question = &row->question;
    bool is_scanned =
        question->card_first[0] == '\0' && strncmp(question->entry_mode, "03", 2) == 0;
    if (text[0] == '\0') {
        return is_scanned ? ROUTE_ROW_CODE_GONE : ROUTE_ROW_WHOLE;
    }
    if (!fee_basis_read(&basis, plan, text)) {
        return ROUTE_ROW_UNREADABLE;
    }
    row->month_minor = basis.month_minor;
    if (!is_scanned || basis.scheme == FEE_BASIS_NONE) {
        return ROUTE_ROW_WHOLE;
    }
    return pay_code_sample((enum card_scheme)basis.scheme, question->pay_code)
               ? ROUTE_ROW_WHOLE
               : ROUTE_ROW_CODE_GONE;
}

enum route_row_answer route_row_read(struct route_row *row, sqlite3_stmt *from)
{
    int kind = condition_word_find(CONDITION_KIND, text_at(from, AT_PAYMENT_KIND));
    *row = (struct route_row){.position = 0};
    take_row(row, from);
    take_question(&row->question, from);
    if (kind <= PAYMENT_UNKNOWN) {
        return ROUTE_ROW_UNREADABLE;
    }
    row->question.kind = (enum payment_kind)kind;
    return take_basis(row, text_at(from, AT_BASIS));
}
