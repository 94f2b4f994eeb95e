/* tillwayctl's way to the admin port: one HTTPS request, its JSON, and which exit code a failure
 * is.
 *
 * Life:  api_open -> api_get, api_post ... -> api_close
 */
#pragma once

#include <stdbool.h>
#include <stdio.h>

#include <jansson.h>

/* X(NAME, code): what a script learns (domain of exit codes of all our commands). */
#define CTL_EXIT_MAP(X)                                                                            \
    X(OK, 0) X(FAILED, 1) X(USAGE, 2) X(UNREACHABLE, 3) X(DENIED, 4) X(NOT_FOUND, 5)

enum ctl_exit {
#define X(name, code) CTL_##name = (code),
    CTL_EXIT_MAP(X)
#undef X
};

struct api;

struct api_setup {
    const char *url;        /* https://127.0.0.1:9443 */
    const char *token_path; /* file whose first line is the token; NULL: none */
    const char *ca;         /* PEM file; NULL: the system's */
};

/* NULL: a message is on stderr. */
struct api *api_open(const struct api_setup *setup);
void api_close(struct api *api);
/* Lets a second person stand beside the first in what is asked from now on: a file as token_path.
 * False: a message is on stderr. */
bool api_set_second(struct api *api, const char *token_path);

/* Ask `path` (which begins with a slash); `*json` is the caller's on CTL_OK, else NULL and a
 * message is on stderr. */
enum ctl_exit api_get(struct api *api, const char *path, json_t **json);
enum ctl_exit api_post(struct api *api, const char *path, json_t **json);
/* With a text as its body. */
enum ctl_exit api_post_text(struct api *api, const char *path, const char *text, json_t **json);
/* With a JSON body; borrowed. */
enum ctl_exit api_post_json(struct api *api, const char *path, const json_t *body, json_t **json);
enum ctl_exit api_put_json(struct api *api, const char *path, const json_t *body, json_t **json);
enum ctl_exit api_delete(struct api *api, const char *path, json_t **json);
/* JSON lines of the feed of events: `*text` lives until the next call, and may be written into;
 * `*after` is the number behind which the feed goes on. */
enum ctl_exit api_get_lines(struct api *api, const char *path, char **text, long long *after);
/* What comes is written to `to`, as long as it may be; of a refusal nothing. */
enum ctl_exit api_get_file(struct api *api, const char *path, FILE *to);
/* What follows may take ten minutes, and answer with more than usual. */
void api_be_patient(struct api *api);
/* Appends name=value, escaped, to a path that has room. False: it does not fit. */
int api_add_parameter(struct api *api, char *path, size_t path_size, const char *const pair[2]);
