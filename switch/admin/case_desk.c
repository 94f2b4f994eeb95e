/* See case_desk.h. */
#include "switch/admin/case_desk.h"

#include <stdio.h>
#include <string.h>

#include "protocols/base/digits.h"
#include "switch/admin/desk_call.h"
#include "switch/admin/wall_text.h"

struct desk *case_desk_take(const struct call *call, struct answer *answer)
{
    char reason[DESK_SHARE_REASON_SIZE] = "";
    struct desk *desk = desk_share_take(call->desk, reason);
    if (desk == NULL) {
        answer_problem(answer, 503, reason);
    }
    return desk;
}

struct desk_actor case_desk_actor(const struct call *call)
{
    struct desk_actor actor = {.wall_us = wall_text_now_us()};
    snprintf(actor.actor, sizeof(actor.actor), "%s", call->operator_name);
    return actor;
}

void case_desk_problem(const struct desk *desk, enum status status, struct answer *answer)
{
    unsigned code = status == STATUS_NOT_FOUND   ? 404
                    : status == STATUS_DENIED    ? 409
                    : status == STATUS_DUPLICATE ? 409
                    : status == STATUS_BAD_VALUE ? 400
                                                 : 503;
    answer_problem(answer, code, desk_call_reason(desk, status));
}

uint64_t case_desk_number(const char *text)
{
    uint64_t number = 0;
    size_t length = strlen(text);
    bool is_good = length > 0 && length < 19 &&
                   digits_parse(&number, text, (uint32_t)length,
                                (struct number_range){1, INT64_MAX}) == STATUS_OK;
    return is_good ? number : 0;
}

bool case_desk_body(const struct call *call, json_t **body, struct answer *answer)
{
    json_error_t where;
    *body = NULL;
    if (call->body == NULL || call->body_length == 0) {
        return true;
    }
    *body = json_loadb(call->body, call->body_length, JSON_REJECT_DUPLICATES, &where);
    if (*body == NULL) {
        char detail[JSON_ERROR_TEXT_LENGTH + 64];
        snprintf(detail, sizeof(detail), "expected a JSON object as the body: line %d: %s",
                 where.line, where.text);
        answer_problem(answer, 400, detail);
    }
    return *body != NULL;
}
