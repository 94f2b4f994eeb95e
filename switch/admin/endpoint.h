/* The calls of the admin port, from one table: which path, which method, who may. Pure. */
#pragma once

#include <stdbool.h>

#include "switch/admin/role.h"

#define ENDPOINT_PARAMETER_SIZE 64

enum endpoint {
#define ENDPOINT(name, method, path, roles, has_effect, sentence) ENDPOINT_##name,
#include "switch/admin/endpoint.def"
#undef ENDPOINT
    ENDPOINT_COUNT
};

enum endpoint_answer {
    ENDPOINT_FOUND,
    ENDPOINT_NO_PATH,  /* 404 */
    ENDPOINT_NO_METHOD /* 405: the path is there; `allowed` says by which method */
};

struct endpoint_match {
    enum endpoint_answer answer;
    enum endpoint endpoint;
    const char *allowed;
    char parameter[ENDPOINT_PARAMETER_SIZE]; /* what stood at `{}` */
    char second[ENDPOINT_PARAMETER_SIZE];    /* at the second one */
};

/* HEAD is served as GET. */
void endpoint_find(struct endpoint_match *match, const char *method, const char *path);
enum role_set endpoint_roles(enum endpoint endpoint);
bool endpoint_has_effect(enum endpoint endpoint);
/* Whether a long body belongs to it: rule files. */
bool endpoint_takes_files(enum endpoint endpoint);
/* Whether a body of a few members belongs to it: what a person says of a case. */
bool endpoint_takes_case(enum endpoint endpoint);
/* As in the table, with its `{}`. */
const char *endpoint_path(enum endpoint endpoint);
