/* See endpoint.h. */
#include "switch/admin/endpoint.h"

#include <string.h>

struct endpoint_row {
    const char *method, *path;
    enum role role;
    bool has_effect;
};

static const struct endpoint_row rows[ENDPOINT_COUNT] = {
#define ENDPOINT(name, method, path, role, has_effect, sentence)                                   \
    {method, path, ROLE_##role, has_effect},
#include "switch/admin/endpoint.def"
#undef ENDPOINT
};

/* Whether `path` is of the form; what stands at `{}` is one part, not empty, and fits. */
static bool path_fits(const char *form, const char *path, char *parameter)
{
    const char *open = strstr(form, "{}");
    if (open == NULL) {
        parameter[0] = '\0';
        return strcmp(form, path) == 0;
    }
    size_t front = (size_t)(open - form);
    if (strncmp(form, path, front) != 0) {
        return false;
    }
    const char *rest = path + front;
    size_t length = strlen(rest);
    if (length == 0 || length >= ENDPOINT_PARAMETER_SIZE || strchr(rest, '/') != NULL) {
        return false;
    }
    memcpy(parameter, rest, length + 1);
    return true;
}

void endpoint_find(struct endpoint_match *match, const char *method, const char *path)
{
    const char *wanted = strcmp(method, "HEAD") == 0 ? "GET" : method;
    *match = (struct endpoint_match){.answer = ENDPOINT_NO_PATH};
    for (int i = 0; i < ENDPOINT_COUNT; i++) {
        if (!path_fits(rows[i].path, path, match->parameter)) {
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

enum role endpoint_role(enum endpoint endpoint)
{
    return rows[endpoint].role;
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
