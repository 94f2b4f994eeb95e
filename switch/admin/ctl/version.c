/* Versions of the rules: looked at, tried, proposed by one operator, activated by another. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "config/file_text.h"
#include "switch/admin/ctl/command.h"
#include "switch/admin/ctl/line_diff.h"
#include "switch/admin/ctl/shown_text.h"
#include "switch/versions/rule_version.h"

#define VERSIONS_PATH "/api/v1/versions"
#define FILE_BYTES_MAX 1048576
#define TEXT_MAX 200 /* of a line shown */

/* ---- looking ---- */

static void show_list(const json_t *json)
{
    static const struct table_column columns[] = {{"VERSION", "number"},
                                                  {"STATE", "state"},
                                                  {"FROM", "made_from"},
                                                  {"MADE", "made"},
                                                  {"HOW", "way"},
                                                  {"BY", "made_by"},
                                                  {"ACTIVATED BY", "in_force_by"},
                                                  {"REASON", "reason"},
                                                  {NULL, NULL}};
    table_write(stdout, json_object_get(json, "items"), columns);
}

static const char *text_of(const json_t *object, const char *name)
{
    const char *text = json_string_value(json_object_get(object, name));
    return text == NULL ? "" : text;
}

static void show_one(const json_t *json)
{
    static const struct table_column columns[] = {{"version", "number"},
                                                  {"state", "state"},
                                                  {"made from", "made_from"},
                                                  {"roll-back of", "roll_back_of"},
                                                  {"how", "way"},
                                                  {"made", "made"},
                                                  {"made by", "made_by"},
                                                  {"reason", "reason"},
                                                  {"in force since", "in_force"},
                                                  {"activated by", "in_force_by"},
                                                  {NULL, NULL}};
    const char *name;
    json_t *file;
    table_write_one(stdout, json, columns);
    json_object_foreach(json_object_get(json, "files"), name, file)
    {
        bool is_changed = strcmp(text_of(file, "sha256"), text_of(file, "base_sha256")) != 0;
        printf("%s  sha256 %s%s; in force: %s\n", name, text_of(file, "sha256"),
               is_changed ? ", changed" : "", text_of(json_object_get(json, "source"), name));
    }
}

/* A number as it stands in a path. False: a sentence is on stderr. */
static bool number_is_good(const char *text)
{
    size_t length = strlen(text);
    if (length == 0 || length > 6 || strspn(text, "0123456789") != length) {
        fprintf(stderr, "tillwayctl: %.40s: expected the number of a version\n", text);
        return false;
    }
    return true;
}

static int show(const struct command *command, const char *number)
{
    char path[COMMAND_PATH_SIZE];
    if (!number_is_good(number)) {
        return CTL_USAGE;
    }
    const char *file = command_option(command, "--file");
    snprintf(path, sizeof(path), VERSIONS_PATH "/%s", number);
    if (file == NULL) {
        return command_get(command, path, show_one);
    }
    json_t *json = NULL;
    if (!api_add_parameter(command->api, path, sizeof(path),
                           (const char *const[2]){"file", file})) {
        return CTL_USAGE;
    }
    enum ctl_exit code = api_get(command->api, path, &json);
    if (code == CTL_OK) {
        if (isatty(STDOUT_FILENO)) {
            shown_text_write_file(stdout, text_of(json, "text"));
        } else {
            fputs(text_of(json, "text"), stdout); /* to the byte */
        }
        if (!json_is_true(json_object_get(json, "is_whole"))) {
            fprintf(stderr, "tillwayctl: that file is not what was written there any more\n");
            code = CTL_FAILED;
        }
        json_decref(json);
    }
    return (int)code;
}

/* ---- comparing ---- */

struct comparing {
    const char *file;
    json_t *items;
};

static void on_line(void *argument, const struct line_diff_line *line)
{
    struct comparing *comparing = argument;
    const char sign[2] = {line->sign, '\0'};
    json_array_append_new(comparing->items,
                          json_pack("{s:s, s:s, s:I, s:o}", "file", comparing->file, "sign", sign,
                                    "line", (json_int_t)line->number, "text",
                                    json_stringn(line->text, line->length)));
}

static void show_diff(const json_t *json)
{
    const json_t *items = json_object_get(json, "items");
    const char *file = "";
    for (size_t i = 0; i < json_array_size(items); i++) {
        const json_t *item = json_array_get(items, i);
        if (strcmp(file, text_of(item, "file")) != 0) {
            file = text_of(item, "file");
            printf("%s\n", file);
        }
        printf("%s%5lld  ", text_of(item, "sign"),
               (long long)json_integer_value(json_object_get(item, "line")));
        shown_text_write(stdout, text_of(item, "text"), strlen(text_of(item, "text")), TEXT_MAX);
        putchar('\n');
    }
    if (json_array_size(items) == 0) {
        puts("no rule file differs");
    }
}

/* A version without that file counts as an empty one. */
static int fetch(const struct command *command, const char *number, const char *file, json_t **json)
{
    char path[COMMAND_PATH_SIZE];
    json_t *version = NULL;
    *json = NULL;
    snprintf(path, sizeof(path), VERSIONS_PATH "/%s", number);
    enum ctl_exit code = api_get(command->api, path, &version);
    const json_t *entry = json_object_get(json_object_get(version, "files"), file);
    bool has_file = code == CTL_OK && text_of(entry, "sha256")[0] != '\0';
    json_decref(version);
    if (!has_file) {
        return (int)code;
    }
    snprintf(path, sizeof(path), VERSIONS_PATH "/%s?file=%s", number, file);
    return (int)api_get(command->api, path, json);
}

static int compare_file(const struct command *command, const char *file, json_t *items)
{
    struct comparing comparing = {file, items};
    json_t *texts[2] = {NULL, NULL};
    int code = fetch(command, command->words[2], file, &texts[0]);
    code = code == CTL_OK ? fetch(command, command->words[3], file, &texts[1]) : code;
    if (code == CTL_OK &&
        !line_diff(text_of(texts[0], "text"), text_of(texts[1], "text"), on_line, &comparing)) {
        fputs("tillwayctl: no memory\n", stderr);
        code = CTL_FAILED;
    }
    json_decref(texts[0]);
    json_decref(texts[1]);
    return code;
}

static int diff(const struct command *command)
{
    static const char *const FILES[] = {
#define X(name, word, file) file,
        RULE_FILE_MAP(X)
#undef X
    };
    if (!number_is_good(command->words[2]) || !number_is_good(command->words[3])) {
        return CTL_USAGE;
    }
    json_t *items = json_array();
    int code = CTL_OK;
    for (int i = 0; i < RULE_FILE_COUNT && code == CTL_OK; i++) {
        code = compare_file(command, FILES[i], items);
    }
    json_t *json = json_pack("{s:o}", "items", items);
    if (code != CTL_OK) {
        json_decref(json);
        return code;
    }
    return command_finish(command, json, show_diff);
}

/* ---- changing ---- */

/* Which rule file a path is meant to be: by what its name begins with. NULL: none. */
static const char *meant_by(const char *path)
{
    const char *slash = strrchr(path, '/');
    const char *name = slash == NULL ? path : slash + 1;
#define X(upper, word, file)                                                                       \
    if (strncmp(name, word, strlen(word)) == 0) {                                                  \
        return file;                                                                               \
    }
    RULE_FILE_MAP(X)
#undef X
    fprintf(stderr,
            "tillwayctl: %s: expected a name that begins as one of these:" RULE_FILE_NAMES "\n",
            path);
    return NULL;
}

static bool add_file(json_t *files, const char *path)
{
    const char *name = meant_by(path);
    struct file_text text;
    if (name == NULL) {
        return false;
    }
    if (json_object_get(files, name) != NULL) {
        fprintf(stderr, "tillwayctl: %s: %s is given twice\n", path, name);
        return false;
    }
    enum status status = file_text_read(&text, path, FILE_BYTES_MAX);
    if (status != STATUS_OK) {
        fprintf(stderr, "tillwayctl: %s: %s\n", path,
                status == STATUS_NOT_FOUND   ? "cannot be read"
                : status == STATUS_BAD_VALUE ? "longer than 1 MiB"
                                             : status_text(status));
        return false;
    }
    json_t *content = json_stringn(text.bytes, text.length);
    file_text_free(&text);
    if (content == NULL) {
        fprintf(stderr, "tillwayctl: %s: expected text in UTF-8\n", path);
        return false;
    }
    return json_object_set_new(files, name, content) == 0;
}

static void show_outcome(const json_t *json)
{
    const char *text = text_of(json, "text");
    long long number = (long long)json_integer_value(json_object_get(json, "version"));
    shown_text_write_file(stdout, text);
    putchar('\n');
    if (strcmp(text_of(json, "result"), "proposed") == 0) {
        printf("tillwayctl version activate %lld\n", number);
    }
}

static int send_files(const struct command *command, const char *path)
{
    const char *reason = command_option(command, "--reason");
    json_t *files = json_object();
    json_t *body = json_pack("{s:s*, s:o}", "reason", reason, "files", files);
    json_t *json = NULL;
    enum ctl_exit code = CTL_OK;
    for (int i = 2; i < command->word_count && code == CTL_OK; i++) {
        code = add_file(files, command->words[i]) ? CTL_OK : CTL_USAGE;
    }
    if (code == CTL_OK) {
        code = api_post_json(command->api, path, body, &json);
    }
    json_decref(body);
    return code == CTL_OK ? command_finish(command, json, show_outcome) : (int)code;
}

static int post_number(const struct command *command, const char *act, const char *number)
{
    char path[COMMAND_PATH_SIZE];
    json_t *json = NULL;
    const char *reason = command_option(command, "--reason");
    if (!number_is_good(number)) {
        return CTL_USAGE;
    }
    snprintf(path, sizeof(path), VERSIONS_PATH "/%s/%s", act, number);
    if (reason != NULL && !api_add_parameter(command->api, path, sizeof(path),
                                             (const char *const[2]){"reason", reason})) {
        fputs("tillwayctl: the reason is too long\n", stderr);
        return CTL_USAGE;
    }
    enum ctl_exit code = api_post(command->api, path, &json);
    return code == CTL_OK ? command_finish(command, json, show_outcome) : (int)code;
}

static int run_version(const struct command *command)
{
    if (command_is(command, "list", 2)) {
        return command_get(command, VERSIONS_PATH, show_list);
    }
    if (command_is(command, "show", 3)) {
        return show(command, command->words[2]);
    }
    if (command_is(command, "diff", 4)) {
        return diff(command);
    }
    if (command->word_count > 2 && strcmp(command->words[1], "check") == 0) {
        return send_files(command, VERSIONS_PATH "/check");
    }
    if (command->word_count > 2 && strcmp(command->words[1], "propose") == 0) {
        return send_files(command, VERSIONS_PATH);
    }
    if (command_is(command, "activate", 3)) {
        return post_number(command, "activate", command->words[2]);
    }
    if (command_is(command, "roll-back", 2)) {
        return post_number(command, "roll-back", "0");
    }
    return command_is(command, "roll-back", 3)
               ? post_number(command, "roll-back", command->words[2])
               : COMMAND_UNKNOWN;
}

static const char *const OPTIONS[] = {"--reason", "--file", NULL};

const struct command_group VERSION_GROUP = {
    .word = "version",
    .options = OPTIONS,
    .usage = "  version list               the versions of routes, fees and limits, newest first\n"
             "  version show N [--file fees.yaml]\n"
             "  version diff A B           which lines of the rule files differ\n"
             "  version check FILE ...     tries rule files beside all that is in force\n"
             "  version propose FILE ... [--reason TEXT]\n"
             "                             the same, and keeps them as a version\n"
             "  version activate N         puts in force what another operator proposed\n"
             "  version roll-back [N] [--reason TEXT]\n"
             "                             proposes what N was, or the version before\n",
    .expected = "version list, show N, diff A B, check FILE ..., propose FILE ..., activate N, or "
                "roll-back [N]",
    .run = run_version,
};
