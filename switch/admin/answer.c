/* See answer.h. */
#include "switch/admin/answer.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "switch/admin/text_json.h"

#define PROBLEM_TYPE "application/problem+json"

/* The reason phrase of the codes we give (RFC 9110). */
static const char *title_of(unsigned code)
{
    static const struct {
        unsigned code;
        const char *title;
    } titles[] = {
        {400, "Bad Request"},
        {401, "Unauthorized"},
        {403, "Forbidden"},
        {404, "Not Found"},
        {405, "Method Not Allowed"},
        {409, "Conflict"},
        {410, "Gone"},
        {413, "Content Too Large"},
        {422, "Unprocessable Content"},
        {429, "Too Many Requests"},
        {503, "Service Unavailable"},
        {504, "Gateway Timeout"},
    };
    for (size_t i = 0; i < sizeof(titles) / sizeof(titles[0]); i++) {
        if (titles[i].code == code) {
            return titles[i].title;
        }
    }
    return "Internal Server Error";
}

void answer_text(struct answer *answer, unsigned code, const char *type, char *text, size_t length)
{
    free(answer->body);
    *answer = (struct answer){
        .code = code, .type = type, .allow = answer->allow, .body = text, .length = length};
    if (text == NULL) {
        answer->code = 500;
        answer->length = 0;
    }
}

void answer_file(struct answer *answer, const char *type, int descriptor, size_t length)
{
    free(answer->body);
    *answer = (struct answer){
        .code = 200, .type = type, .length = length, .is_file = true, .descriptor = descriptor};
}

void answer_json(struct answer *answer, unsigned code, json_t *json)
{
    char *text = json == NULL ? NULL : json_dumps(json, JSON_INDENT(2));
    json_decref(json);
    answer_text(answer, code, code >= 400 ? PROBLEM_TYPE : "application/json", text,
                text == NULL ? 0 : strlen(text));
}

void answer_problem(struct answer *answer, unsigned code, const char *detail)
{
    answer_problem_with(answer, code, detail, NULL);
}

void answer_problem_with(struct answer *answer, unsigned code, const char *detail, json_t *members)
{
    json_t *problem = json_pack("{s:s, s:s, s:i, s:o}", "type", "about:blank", "title",
                                title_of(code), "status", (int)code, "detail", text_json(detail));
    if (problem != NULL && members != NULL) {
        json_object_update_missing(problem, members);
    }
    json_decref(members);
    answer_json(answer, code, problem);
    snprintf(answer->detail, sizeof(answer->detail), "%s", detail);
}
