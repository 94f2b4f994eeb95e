/* See endpoint.h. */
#include "switch/admin/endpoint.h"

#include <string.h>

struct endpoint_row {
    const char *method, *path;
    enum role_set roles;
    bool has_effect;
};

static const struct endpoint_row rows[ENDPOINT_COUNT] = {
#define ENDPOINT(name, method, path, roles, has_effect, sentence)                                  \
    {method, path, ROLE_SET_OF_##roles, has_effect},
#include "switch/admin/endpoint.def"
#undef ENDPOINT
};

/* The part of a path at `at`: up to the next slash. False: empty, or too long for a parameter. */
static bool part_take(const char **at, char *parameter)
{
    size_t length = strcspn(*at, "/");
    if (length == 0 || length >= ENDPOINT_PARAMETER_SIZE) {
        return false;
    }
    memcpy(parameter, *at, length);
    parameter[length] = '\0';
    *at += length;
    return true;
}

/* Whether `path` is of the form; what stands at each `{}` is one part, not empty, and fits. */
static bool path_fits(const char *form, const char *path, struct endpoint_match *match)
{
    char *const parameters[] = {match->parameter, match->second};
    unsigned count = 0;
    match->parameter[0] = match->second[0] = '\0';
    while (*form != '\0') {
        if (strncmp(form, "{}", 2) == 0) {
            if (count == 2 || !part_take(&path, parameters[count++])) {
                return false;
            }
            form += 2;
        } else if (*form++ != *path++) {
            return false;
        }
    }
    return *path == '\0';
}

void endpoint_find(struct endpoint_match *match, const char *method, const char *path)
{
    const char *wanted = strcmp(method, "HEAD") == 0 ? "GET" : method;
    *match = (struct endpoint_match){.answer = ENDPOINT_NO_PATH};
    for (int i = 0; i < ENDPOINT_COUNT; i++) {
        if (!path_fits(rows[i].path, path, match)) {
            continue;
        }
        match->endpoint = (enum endpoint)i;
        match->allowed = rows[i].method;
        if (strcmp(rows[i].method, wanted) == 0) {
            match->answer = ENDPOINT_FOUND;
            return;
        }
        match->answer = ENDPOINT_NO_METHOD;
    }
}

enum role_set endpoint_roles(enum endpoint endpoint)
{
    return rows[endpoint].roles;
}

bool endpoint_has_effect(enum endpoint endpoint)
{
    return rows[endpoint].has_effect;
}

bool endpoint_takes_files(enum endpoint endpoint)
{
    return endpoint == ENDPOINT_VERSION_CHECK || endpoint == ENDPOINT_VERSION_PROPOSE;
}

const char *endpoint_path(enum endpoint endpoint)
{
    return rows[endpoint].path;
}

bool endpoint_takes_case(enum endpoint endpoint)
{
    return endpoint == ENDPOINT_CASE_OPEN || endpoint == ENDPOINT_CASE_STEP ||
           endpoint == ENDPOINT_CASE_KEEP || endpoint == ENDPOINT_FLAG_JUDGE;
}
