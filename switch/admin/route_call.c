/* See route_call.h. */
#include "switch/admin/route_call.h"

#include <stdio.h>
#include <string.h>

#include "protocols/base/digits.h"
#include "protocols/base/money.h"
#include "routing/decimal.h"
#include "switch/admin/control_client.h"
#include "switch/admin/log_view.h"
#include "switch/admin/route_row.h"
#include "switch/admin/wall_text.h"

#define CODE_PREFIX_SIZE 3
#define REASON_SIZE 200

/* --- the question ------------------------------------------------------------------------- */

static char *borrowed(const char *text)
{
    return (char *)(uintptr_t)text;
}

static const char *option_of(const struct call *call, const char *name, const char *fallback)
{
    const char *text = call->option(call->connection, name);
    return text == NULL ? fallback : text;
}

static bool refuse(struct answer *answer, const char *option)
{
    static const struct {
        const char *option, *expected;
    } rows[] = {
#define X(option, expected) {#option, expected},
        ROUTE_CALL_MAP(X)
#undef X
    };
    char reason[REASON_SIZE] = "";
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        if (strcmp(rows[i].option, option) == 0) {
            snprintf(reason, sizeof(reason), "%s: expected %s", option, rows[i].expected);
        }
    }
    answer_problem(answer, 400, reason);
    return false;
}

/* True: it is not given, or a number of at most 5 digits. */
static bool take_number(const struct call *call, const char *name, uint32_t *number)
{
    const char *text = call->option(call->connection, name);
    uint64_t value;
    if (text == NULL) {
        return true;
    }
    if (strlen(text) == 0 || strlen(text) > 5 ||
        digits_parse(&value, text, (uint32_t)strlen(text), (struct number_range){0, UINT16_MAX}) !=
            STATUS_OK) {
        return false;
    }
    *number = (uint32_t)value;
    return true;
}

static bool take_amount(const struct call *call, Control__ExplainCall *asked)
{
    const char *text = option_of(call, "amount", "");
    int exponent = money_exponent((uint16_t)asked->currency);
    return exponent >= 0 &&
           decimal_parse(&asked->amount_minor, text, (unsigned)exponent) == STATUS_OK &&
           asked->amount_minor >= 0 && asked->amount_minor <= MONEY_MINOR_MAX;
}

static bool take_card(const struct call *call, Control__ExplainCall *asked)
{
    size_t length;
    asked->card_first = borrowed(call->option(call->connection, "card"));
    asked->code_prefix = borrowed(call->option(call->connection, "code"));
    if (asked->card_first == NULL) {
        return true;
    }
    length = strlen(asked->card_first);
    return length >= ROUTE_QUESTION_CARD_DIGITS_MIN && length <= ROUTE_QUESTION_CARD_DIGITS_MAX &&
           digits_are_decimal(asked->card_first, (uint32_t)length);
}

/* What the query says; false: `answer` says what is wrong. The texts are the connection's. */
static bool take_query(const struct call *call, Control__ExplainCall *asked, struct answer *answer)
{
    const char *at = call->option(call->connection, "at");
    asked->terminal_id = borrowed(option_of(call, "terminal", ""));
    asked->merchant_id = borrowed(call->option(call->connection, "merchant"));
    asked->kind = borrowed(option_of(call, "type", "purchase"));
    asked->currency = MONEY_CNY;
    if (asked->terminal_id[0] == '\0') {
        return refuse(answer, "terminal");
    }
    if (!take_number(call, "currency", &asked->currency)) {
        return refuse(answer, "currency");
    }
    if (!take_amount(call, asked)) {
        return refuse(answer, "amount");
    }
    if (!take_card(call, asked)) {
        return refuse(answer, "card");
    }
    if (!take_number(call, "card_digits", &asked->card_digits)) {
        return refuse(answer, "card_digits");
    }
    asked->has_card_digits = asked->card_digits != 0;
    asked->entry_mode =
        borrowed(option_of(call, "entry_mode", asked->code_prefix == NULL ? "051" : "031"));
    asked->has_wall_us = at != NULL;
    return at == NULL || txn_query_time(at, &asked->wall_us) == STATUS_OK || refuse(answer, "at");
}

/* --- the answer --------------------------------------------------------------------------- */

static json_t *lines_json(const char *text)
{
    json_t *lines = json_array();
    for (const char *line = text; *line != '\0';) {
        size_t length = strcspn(line, "\n");
        json_array_append_new(lines, json_stringn(line, length));
        line += length + (line[length] == '\n' ? 1 : 0);
    }
    return lines;
}

static json_t *texts_json(char *const *texts, size_t count)
{
    json_t *list = json_array();
    for (size_t i = 0; i < count; i++) {
        json_array_append_new(list, json_string(texts[i]));
    }
    return list;
}

static json_t *money_json(int64_t minor, uint32_t currency)
{
    char text[MONEY_TEXT_SIZE];
    money_format(text, (struct money){minor, (uint16_t)currency});
    return json_pack("{s:I, s:s}", "minor", (json_int_t)minor, "text", text);
}

static json_t *fee_json(const Control__Quote *fee, uint32_t currency)
{
    if (fee == NULL) {
        return json_null();
    }
    return json_pack(
        "{s:o, s:o, s:o, s:o, s:I, s:I, s:I}", "merchant_fee",
        money_json(fee->merchant_fee, currency), "issuer_fee",
        money_json(fee->issuer_fee, currency), "scheme_fee", money_json(fee->scheme_fee, currency),
        "agent_fee", money_json(fee->agent_fee, currency), "fee_rule", (json_int_t)fee->fee_rule,
        "cost_rule", (json_int_t)fee->cost_rule, "discount_rule", (json_int_t)fee->discount_rule);
}

static json_t *explanation_json(const Control__Explanation *told, uint32_t currency)
{
    json_t *goes_to = told->n_channels == 0 ? json_null() : json_string(told->channels[0]);
    return json_pack("{s:o, s:s, s:s, s:I, s:I, s:o, s:o, s:o, s:o}", "goes_to", goes_to, "reason",
                     told->reason, "response_code", told->response_code, "ruleset_version",
                     (json_int_t)told->ruleset_version, "route_rule", (json_int_t)told->route_rule,
                     "channels", texts_json(told->channels, told->n_channels), "fee",
                     fee_json(told->fee, currency), "notes", texts_json(told->notes, told->n_notes),
                     "lines", lines_json(told->text));
}

/* NULL: `answer` says why. */
static json_t *ask(const struct call *call, Control__ExplainCall *asked, struct answer *answer)
{
    char reason[CONTROL_CLIENT_REASON_SIZE] = "";
    struct control_client client = {call->control_socket, call->operator_name, NULL};
    Control__Request request = CONTROL__REQUEST__INIT;
    json_t *json = NULL;
    request.call_case = CONTROL__REQUEST__CALL_EXPLAIN;
    request.explain = asked;
    Control__Answer *told = control_client_ask(&client, &request, reason);
    if (told == NULL) {
        answer_problem(answer, 503, reason);
        return NULL;
    }
    if (told->explanation != NULL) {
        json = explanation_json(told->explanation, asked->currency);
    } else {
        answer_problem(answer, told->fault != NULL ? 400 : 503,
                       told->fault != NULL ? told->fault
                                           : "the switch gave an answer of another kind");
    }
    control__answer__free_unpacked(told, NULL);
    return json;
}

/* --- one of the log ----------------------------------------------------------------------- */

#define ROW_SQL                                                                                    \
    "SELECT " ROUTE_ROW_COLUMNS " FROM log WHERE rrn = ?1 AND " ROUTE_ROW_CONDITION                \
    " ORDER BY position LIMIT 1"

/* False: the log failed. */
static bool find_row(struct log_view *view, const char *rrn, struct route_row *row,
                     enum route_row_answer *found)
{
    *found = ROUTE_ROW_COUNT; /* none */
    for (uint32_t at = view->span.first; at <= view->span.last && *found == ROUTE_ROW_COUNT; at++) {
        struct log_view_segment *segment = log_view_segment(view, at);
        if (segment != NULL && segment->last < segment->first) {
            continue; /* no row yet, or a purge took it */
        }
        sqlite3_stmt *asked = segment == NULL ? NULL : log_view_prepare(view, segment, ROW_SQL);
        if (asked == NULL) {
            return false;
        }
        sqlite3_bind_text(asked, 1, rrn, -1, SQLITE_STATIC);
        int step = sqlite3_step(asked);
        if (step == SQLITE_ROW) {
            *found = route_row_read(row, asked);
        } else if (step != SQLITE_DONE) {
            log_view_note(view, segment);
        }
        sqlite3_finalize(asked);
        if (step != SQLITE_ROW && step != SQLITE_DONE) {
            return false;
        }
    }
    return true;
}

static void question_of(const struct route_row *row, char code_prefix[CODE_PREFIX_SIZE],
                        Control__ExplainCall *asked)
{
    const struct route_question *question = &row->question;
    asked->terminal_id = borrowed(question->terminal_id);
    asked->merchant_id = borrowed(question->merchant_id);
    asked->kind = borrowed(payment_kind_name(question->kind));
    asked->amount_minor = question->amount.minor;
    asked->currency = question->amount.currency;
    asked->entry_mode = borrowed(question->entry_mode);
    asked->card_first = borrowed(question->card_first);
    asked->card_last = borrowed(question->card_last);
    asked->has_card_digits = true;
    asked->card_digits = question->card_digits;
    snprintf(code_prefix, CODE_PREFIX_SIZE, "%.2s", question->pay_code);
    asked->code_prefix = code_prefix;
    asked->has_batch = true;
    asked->batch = question->batch;
    asked->has_stan = true;
    asked->stan = question->stan;
    asked->has_wall_us = true;
    asked->wall_us = row->wall_us;
}

/* What the log says became of it then, beside what the rules in force say now. */
static json_t *recorded_json(const struct route_row *row)
{
    char time[WALL_TEXT_SIZE];
    wall_text_format(time, row->wall_us);
    return json_pack("{s:s, s:s, s:o, s:s, s:I, s:I}", "rrn", row->rrn, "time", time, "channel",
                     row->channel[0] == '\0' ? json_null() : json_string(row->channel), "reason",
                     row->reason, "ruleset_version", (json_int_t)row->ruleset_version, "route_rule",
                     (json_int_t)row->route_rule);
}

static void explain_row(const struct call *call, struct log_view *view, struct answer *answer)
{
    char code_prefix[CODE_PREFIX_SIZE];
    Control__ExplainCall asked = CONTROL__EXPLAIN_CALL__INIT;
    struct route_row row;
    enum route_row_answer found;
    if (!find_row(view, call->parameter, &row, &found)) {
        answer_problem(answer, 503, view->fault);
    } else if (found == ROUTE_ROW_COUNT) {
        answer_problem(answer, 404, "the log holds no routed transaction with this reference");
    } else if (found != ROUTE_ROW_WHOLE) {
        answer_problem(answer, 409, route_row_text(found));
    } else {
        question_of(&row, code_prefix, &asked);
        json_t *json = ask(call, &asked, answer);
        if (json != NULL) {
            json_object_set_new(json, "recorded", recorded_json(&row));
            answer_json(answer, 200, json);
        }
    }
}

void route_call_serve(const struct call *call, struct answer *answer)
{
    Control__ExplainCall asked = CONTROL__EXPLAIN_CALL__INIT;
    struct log_view view;
    if (call->endpoint == ENDPOINT_ROUTE_ASK) {
        json_t *json = take_query(call, &asked, answer) ? ask(call, &asked, answer) : NULL;
        if (json != NULL) {
            answer_json(answer, 200, json);
        }
        return;
    }
    if (!txn_query_is_rrn(call->parameter)) {
        answer_problem(answer, 400, "expected the 12 characters of a retrieval reference number");
        return;
    }
    if (log_view_open(&view, call->log)) {
        explain_row(call, &view, answer);
    } else {
        answer_problem(answer, 503, view.fault);
    }
    log_view_close(&view);
}
