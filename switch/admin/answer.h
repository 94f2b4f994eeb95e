/* One answer of the admin port on its way out: JSON, text, or a problem (RFC 9457). */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include <jansson.h>

struct answer {
    unsigned code;     /* of HTTP */
    const char *type;  /* of the body */
    const char *allow; /* of a 405; else NULL */
    char detail[1024]; /* of a problem, or of what came of an effect, cut: for the audit file */
    char *body;        /* owner: malloc */
    size_t length;
    const char *header; /* one more; NULL: none */
    char header_value[80];
    bool is_file; /* the body is read from `descriptor`, which is the answer's, and not in `body` */
    int descriptor;
};

/* Takes over `json`; NULL gives a 500. */
void answer_json(struct answer *answer, unsigned code, json_t *json);
/* Takes over `text`, which malloc gave; NULL gives a 500. */
void answer_text(struct answer *answer, unsigned code, const char *type, char *text, size_t length);
/* Takes over a descriptor that stands at the first of `length` bytes. */
void answer_file(struct answer *answer, const char *type, int descriptor, size_t length);
/* What the reader can do about it stands in `detail`. */
void answer_problem(struct answer *answer, unsigned code, const char *detail);
/* The same with further members (RFC 9457, 3.2); takes over `members`, an object. */
void answer_problem_with(struct answer *answer, unsigned code, const char *detail, json_t *members);
