/* See api.h. */
#include "switch/admin/ctl/api.h"

#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include <curl/curl.h>

#include "switch/admin/ctl/table.h"

#define BODY_BYTES_MAX ((size_t)8 * 1024 * 1024)
#define PATIENT_BYTES_MAX ((size_t)512 * 1024 * 1024)
#define TOKEN_SIZE 160
#define CONNECT_SECONDS 5L
#define REQUEST_SECONDS 30L
#define PATIENT_SECONDS 600L

struct api {
    CURL *curl;
    struct curl_slist *headers;
    char url[256];
    size_t length, length_max;
    char *body; /* owner; of the request under way */
    char fault[CURL_ERROR_SIZE];
};

static bool read_token(const char *path, char token[TOKEN_SIZE])
{
    struct stat information;
    FILE *file = fopen(path, "re");
    if (file == NULL) {
        fprintf(stderr, "tillwayctl: %s: %s\n", path, strerror(errno));
        return false;
    }
    if (fstat(fileno(file), &information) == 0 && (information.st_mode & 077) != 0) {
        fprintf(stderr, "tillwayctl: %s: others can read this token; chmod 600 it\n", path);
    }
    bool is_read = fgets(token, TOKEN_SIZE, file) != NULL;
    fclose(file);
    if (!is_read) {
        fprintf(stderr, "tillwayctl: %s: expected a token in the first line\n", path);
        return false;
    }
    token[strcspn(token, "\r\n")] = '\0';
    return true;
}

static size_t on_body(char *bytes, size_t size, size_t count, void *argument)
{
    struct api *api = argument;
    size_t length = size * count;
    if (api->length + length > api->length_max) {
        return 0;
    }
    char *body = realloc(api->body, api->length + length + 1);
    if (body == NULL) {
        return 0;
    }
    memcpy(body + api->length, bytes, length);
    api->body = body;
    api->length += length;
    api->body[api->length] = '\0';
    return length;
}

static void set_options(struct api *api, const struct api_setup *setup)
{
    curl_easy_setopt(api->curl, CURLOPT_WRITEFUNCTION, on_body);
    curl_easy_setopt(api->curl, CURLOPT_WRITEDATA, api);
    curl_easy_setopt(api->curl, CURLOPT_ERRORBUFFER, api->fault);
    curl_easy_setopt(api->curl, CURLOPT_HTTPHEADER, api->headers);
    curl_easy_setopt(api->curl, CURLOPT_PROTOCOLS_STR, "https");
    curl_easy_setopt(api->curl, CURLOPT_NOSIGNAL, 1L);
    curl_easy_setopt(api->curl, CURLOPT_CONNECTTIMEOUT, CONNECT_SECONDS);
    curl_easy_setopt(api->curl, CURLOPT_TIMEOUT, REQUEST_SECONDS);
    curl_easy_setopt(api->curl, CURLOPT_NOPROXY, "*");
    if (setup->ca != NULL) {
        curl_easy_setopt(api->curl, CURLOPT_CAINFO, setup->ca);
    }
}

struct api *api_open(const struct api_setup *setup)
{
    char token[TOKEN_SIZE] = "";
    char header[TOKEN_SIZE + 32];
    if (setup->token_path != NULL && !read_token(setup->token_path, token)) {
        return NULL;
    }
    struct api *api = calloc(1, sizeof(*api));
    if (api == NULL || curl_global_init(CURL_GLOBAL_DEFAULT) != CURLE_OK ||
        (api->curl = curl_easy_init()) == NULL) {
        fputs("tillwayctl: no memory\n", stderr);
        free(api);
        return NULL;
    }
    api->length_max = BODY_BYTES_MAX;
    snprintf(api->url, sizeof(api->url), "%.*s", (int)sizeof(api->url) - 1, setup->url);
    if (token[0] != '\0') {
        snprintf(header, sizeof(header), "Authorization: Bearer %s", token);
        api->headers = curl_slist_append(NULL, header);
    }
    set_options(api, setup);
    return api;
}

bool api_set_second(struct api *api, const char *token_path)
{
    char token[TOKEN_SIZE] = "";
    char header[TOKEN_SIZE + 40];
    if (!read_token(token_path, token)) {
        return false;
    }
    snprintf(header, sizeof(header), "Second-Authorization: Bearer %s", token);
    struct curl_slist *more = curl_slist_append(api->headers, header);
    if (more == NULL) {
        fputs("tillwayctl: no memory\n", stderr);
        return false;
    }
    api->headers = more;
    curl_easy_setopt(api->curl, CURLOPT_HTTPHEADER, more);
    return true;
}

void api_close(struct api *api)
{
    curl_slist_free_all(api->headers);
    curl_easy_cleanup(api->curl);
    curl_global_cleanup();
    free(api->body);
    free(api);
}

static enum ctl_exit exit_of(long code)
{
    if (code < 400) {
        return CTL_OK;
    }
    if (code == 401 || code == 403) {
        return CTL_DENIED;
    }
    if (code == 404) {
        return CTL_NOT_FOUND;
    }
    return code == 503 ? CTL_UNREACHABLE : CTL_FAILED;
}

static void print_problem(const json_t *json, long code)
{
    const char *detail = json_string_value(json_object_get(json, "detail"));
    const char *title = json_string_value(json_object_get(json, "title"));
    table_write_lines(stderr, json_object_get(json, "faults"));
    fprintf(stderr, "tillwayctl: %s (%ld%s%s)\n", detail != NULL ? detail : "the call failed", code,
            title != NULL ? " " : "", title != NULL ? title : "");
}

/* What an operator can do about a connection that could not be made. */
static const char *advice(CURLcode failed)
{
    if (failed == CURLE_PEER_FAILED_VERIFICATION) {
        return "; name the certificate's authority with --ca";
    }
    return failed == CURLE_UNSUPPORTED_PROTOCOL ? "; expected https://HOST:PORT" : "";
}

/* One request; what a bad code means was said on stderr. */
static enum ctl_exit ask(struct api *api, const char *path)
{
    char url[2304];
    long code = 0;
    snprintf(url, sizeof(url), "%s%s", api->url, path);
    api->length = 0;
    curl_easy_setopt(api->curl, CURLOPT_URL, url);
    CURLcode failed = curl_easy_perform(api->curl);
    if (failed != CURLE_OK) {
        fprintf(stderr, "tillwayctl: %s: %s%s\n", api->url,
                api->fault[0] != '\0' ? api->fault : curl_easy_strerror(failed), advice(failed));
        return CTL_UNREACHABLE;
    }
    curl_easy_getinfo(api->curl, CURLINFO_RESPONSE_CODE, &code);
    if (code < 400) {
        return CTL_OK;
    }
    json_t *problem = api->length == 0 ? NULL : json_loadb(api->body, api->length, 0, NULL);
    print_problem(problem, code);
    if (code == 401 && api->headers == NULL) {
        fputs("tillwayctl: give one with --token-file\n", stderr);
    }
    json_decref(problem);
    return exit_of(code);
}

static enum ctl_exit perform(struct api *api, const char *path, json_t **json)
{
    *json = NULL;
    enum ctl_exit code = ask(api, path);
    if (code != CTL_OK) {
        return code;
    }
    *json = api->length == 0 ? NULL : json_loadb(api->body, api->length, 0, NULL);
    if (*json == NULL) {
        fprintf(stderr, "tillwayctl: %s does not answer with JSON; is it an admin port?\n",
                api->url);
        return CTL_FAILED;
    }
    return CTL_OK;
}

enum ctl_exit api_get(struct api *api, const char *path, json_t **json)
{
    curl_easy_setopt(api->curl, CURLOPT_HTTPGET, 1L);
    return perform(api, path, json);
}

enum ctl_exit api_post(struct api *api, const char *path, json_t **json)
{
    curl_easy_setopt(api->curl, CURLOPT_POST, 1L);
    curl_easy_setopt(api->curl, CURLOPT_POSTFIELDS, "");
    return perform(api, path, json);
}

enum ctl_exit api_post_text(struct api *api, const char *path, const char *text, json_t **json)
{
    curl_easy_setopt(api->curl, CURLOPT_POST, 1L);
    curl_easy_setopt(api->curl, CURLOPT_POSTFIELDSIZE_LARGE, (curl_off_t)strlen(text));
    curl_easy_setopt(api->curl, CURLOPT_POSTFIELDS, text);
    enum ctl_exit code = perform(api, path, json);
    curl_easy_setopt(api->curl, CURLOPT_POSTFIELDS, "");
    curl_easy_setopt(api->curl, CURLOPT_POSTFIELDSIZE_LARGE, (curl_off_t)-1);
    return code;
}

enum ctl_exit api_post_json(struct api *api, const char *path, const json_t *body, json_t **json)
{
    char *text = json_dumps(body, JSON_COMPACT);
    *json = NULL;
    if (text == NULL) {
        fputs("tillwayctl: no memory\n", stderr);
        return CTL_FAILED;
    }
    enum ctl_exit code = api_post_text(api, path, text, json);
    free(text);
    return code;
}

enum ctl_exit api_put_json(struct api *api, const char *path, const json_t *body, json_t **json)
{
    curl_easy_setopt(api->curl, CURLOPT_CUSTOMREQUEST, "PUT");
    enum ctl_exit code = api_post_json(api, path, body, json);
    curl_easy_setopt(api->curl, CURLOPT_CUSTOMREQUEST, NULL);
    return code;
}

void api_be_patient(struct api *api)
{
    api->length_max = PATIENT_BYTES_MAX;
    curl_easy_setopt(api->curl, CURLOPT_TIMEOUT, PATIENT_SECONDS);
}

enum ctl_exit api_delete(struct api *api, const char *path, json_t **json)
{
    curl_easy_setopt(api->curl, CURLOPT_HTTPGET, 1L);
    curl_easy_setopt(api->curl, CURLOPT_CUSTOMREQUEST, "DELETE");
    enum ctl_exit code = perform(api, path, json);
    curl_easy_setopt(api->curl, CURLOPT_CUSTOMREQUEST, NULL);
    return code;
}

enum ctl_exit api_get_lines(struct api *api, const char *path, char **text, long long *after)
{
    static char NOTHING[] = "";
    struct curl_header *header = NULL;
    struct curl_slist *headers = curl_slist_append(NULL, "Accept: application/json");
    for (const struct curl_slist *one = api->headers; one != NULL; one = one->next) {
        headers = curl_slist_append(headers, one->data);
    }
    curl_easy_setopt(api->curl, CURLOPT_HTTPHEADER, headers);
    curl_easy_setopt(api->curl, CURLOPT_HTTPGET, 1L);
    enum ctl_exit code = ask(api, path);
    if (code == CTL_OK && curl_easy_header(api->curl, "Tillway-Events-After", 0, CURLH_HEADER, -1,
                                           &header) == CURLHE_OK) {
        *after = strtoll(header->value, NULL, 10);
    }
    curl_easy_setopt(api->curl, CURLOPT_HTTPHEADER, api->headers);
    curl_slist_free_all(headers);
    *text = api->length == 0 ? NOTHING : api->body;
    return code;
}

struct file_sink {
    struct api *api;
    FILE *to;
};

/* A problem is no part of the file. */
static size_t on_file(char *bytes, size_t size, size_t count, void *argument)
{
    struct file_sink *sink = argument;
    long code = 0;
    curl_easy_getinfo(sink->api->curl, CURLINFO_RESPONSE_CODE, &code);
    return code == 200 ? fwrite(bytes, 1, size * count, sink->to)
                       : on_body(bytes, size, count, sink->api);
}

enum ctl_exit api_get_file(struct api *api, const char *path, FILE *to)
{
    struct file_sink sink = {api, to};
    curl_easy_setopt(api->curl, CURLOPT_HTTPGET, 1L);
    curl_easy_setopt(api->curl, CURLOPT_WRITEFUNCTION, on_file);
    curl_easy_setopt(api->curl, CURLOPT_WRITEDATA, &sink);
    enum ctl_exit code = ask(api, path);
    curl_easy_setopt(api->curl, CURLOPT_WRITEFUNCTION, on_body);
    curl_easy_setopt(api->curl, CURLOPT_WRITEDATA, api);
    return code;
}

int api_add_parameter(struct api *api, char *path, size_t path_size, const char *const pair[2])
{
    char *escaped = curl_easy_escape(api->curl, pair[1], 0);
    size_t length = strlen(path);
    if (escaped == NULL) {
        return 0;
    }
    int added = snprintf(path + length, path_size - length, "%c%s=%s",
                         strchr(path, '?') == NULL ? '?' : '&', pair[0], escaped);
    curl_free(escaped);
    return added > 0 && (size_t)added < path_size - length;
}
