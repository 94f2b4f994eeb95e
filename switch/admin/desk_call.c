/* See desk_call.h. */
#include "switch/admin/desk_call.h"

#include <stdio.h>
#include <string.h>

#include "protocols/base/digits.h"
#include "routing/civil_date.h"
#include "switch/admin/text_json.h"
#include "switch/admin/wall_text.h"
#include "switch/desk/cell_table.h"

#define LIMIT_S 25 /* who asked has gone away by then: a request has 30 s */
#define CHINA_US (INT64_C(8) * 3600 * 1000000)

struct desk *desk_call_open(const struct call *call, struct answer *answer)
{
    char reason[DESK_SHARE_REASON_SIZE] = "";
    struct desk *desk = desk_share_open(call->desk, reason);
    if (desk == NULL) {
        answer_problem(answer, 503, reason);
        return NULL;
    }
    desk_limit(desk, LIMIT_S);
    return desk;
}

void desk_call_actor(const struct call *call, struct desk_actor *actor)
{
    memset(actor, 0, sizeof(*actor));
    snprintf(actor->actor, sizeof(actor->actor), "%s", call->operator_name);
    actor->wall_us = wall_text_now_us();
}

static unsigned code_of(enum status status)
{
    switch (status) {
    case STATUS_NOT_FOUND:
        return 404;
    case STATUS_DENIED:
    case STATUS_DUPLICATE:
        return 409;
    case STATUS_BAD_VALUE:
        return 422;
    case STATUS_OK:
    case STATUS_NO_ROOM:
    case STATUS_CLOSED:
    case STATUS_EXPIRED:
    case STATUS_NO_MEMORY:
    case STATUS_BROKEN:
    case STATUS_NOT_READY:
    case STATUS_MALFORMED:
    case STATUS_TRUNCATED:
    case STATUS_MISSING:
    case STATUS_UNKNOWN:
    case STATUS_UNSUPPORTED:
        break;
    }
    return 503;
}

const char *desk_call_reason(const struct desk *desk, enum status status)
{
    static const char NAME[] = "aftersales.db: ";
    if (status == STATUS_NO_MEMORY) {
        return "no memory; try again";
    }
    if (status == STATUS_NO_ROOM) {
        return "more rows than a call looks at";
    }
    const char *reason = desk_reason(desk);
    const char *said = strstr(reason, NAME); /* where the file lies is no caller's business */
    reason = said != NULL ? said + strlen(NAME) : reason;
    return reason[0] != '\0' ? reason : "the database of after-sales failed";
}

void desk_call_failed(const struct desk *desk, enum status status, struct answer *answer)
{
    answer_problem(answer, code_of(status), desk_call_reason(desk, status));
}

void desk_call_faults(unsigned code, const char *detail, json_t *faults, struct answer *answer)
{
    answer_json(answer, code,
                json_pack("{s:s, s:s, s:i, s:o, s:o}", "type", "about:blank", "title",
                          code == 422 ? "Unprocessable Content" : "Bad Request", "status",
                          (int)code, "detail", text_json(detail), "faults", faults));
    snprintf(answer->detail, sizeof(answer->detail), "%s", detail);
}

int32_t desk_call_today(void)
{
    return (int32_t)((wall_text_now_us() + CHINA_US) / CIVIL_DAY_US);
}

bool desk_call_day(const struct call *call, const char *name, int32_t *day, struct answer *answer)
{
    const char *text = call->option(call->connection, name);
    int64_t days = 0;
    char detail[120];
    if (text == NULL) {
        return true;
    }
    if (!civil_date_parse(&days, text) || days == 0) {
        snprintf(detail, sizeof(detail), "%s: expected a day such as 2026-01-31, got \"%.30s\"",
                 name, text);
        answer_problem(answer, 400, detail);
        return false;
    }
    *day = (int32_t)days;
    return true;
}

bool desk_call_number(const struct call *call, const char *name, struct desk_call_range range,
                      uint32_t *number, struct answer *answer)
{
    const char *text = call->option(call->connection, name);
    uint64_t value = 0;
    char detail[120];
    if (text == NULL) {
        return true;
    }
    size_t length = strlen(text);
    if (length == 0 || length > 10 ||
        digits_parse(&value, text, (uint32_t)length, (struct number_range){range.min, range.max}) !=
            STATUS_OK) {
        snprintf(detail, sizeof(detail), "%s: expected a number from %u to %u, got \"%.20s\"", name,
                 range.min, range.max, text);
        answer_problem(answer, 400, detail);
        return false;
    }
    *number = (uint32_t)value;
    return true;
}

void desk_call_day_text(int32_t day, char text[DESK_CALL_DAY_SIZE])
{
    struct civil_date date = civil_date_of(day);
    text[0] = '\0';
    if (day != 0) {
        snprintf(text, DESK_CALL_DAY_SIZE, "%04d-%02u-%02u", (int)date.year % 10000,
                 date.month % 100, date.day % 100);
    }
}

json_t *desk_call_body(const struct call *call, struct answer *answer)
{
    json_error_t where;
    char detail[200];
    json_t *body = call->body == NULL
                       ? NULL
                       : json_loadb(call->body, call->body_length, JSON_REJECT_DUPLICATES, &where);
    if (body != NULL && json_is_object(json_object_get(body, "cells"))) {
        return body;
    }
    if (call->body != NULL && body == NULL) {
        snprintf(detail, sizeof(detail), "the body is no JSON: line %d: %.100s", where.line,
                 where.text);
    } else {
        snprintf(detail, sizeof(detail),
                 "expected a JSON body with an object \"cells\": column names and values");
    }
    json_decref(body);
    answer_problem(answer, 400, detail);
    return NULL;
}

const char *desk_call_cell(const json_t *value, char *text)
{
    if (json_is_string(value)) {
        return json_string_value(value);
    }
    if (json_is_integer(value)) {
        snprintf(text, CELL_TEXT_SIZE, "%lld", (long long)json_integer_value(value));
        return text;
    }
    return json_is_boolean(value) ? (json_is_true(value) ? "yes" : "no") : NULL;
}
