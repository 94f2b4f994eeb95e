/* The registry of after-sales: rows, history, CSV in and out, bindings, retention. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "config/file_text.h"
#include "switch/admin/ctl/cells.h"

#define REGISTRY_PATH "/api/v1/registry"
#define JOB_PATH "/api/v1/registry-job"
#define FILE_BYTES_MAX (32u * 1024 * 1024) /* as the admin port takes */
#define PAGE_ROWS 1000
#define LIST_ROWS 100 /* when nothing is said */
#define LIST_ROWS_MAX 10000000
#define SHOWN_COUNT_MAX 10

static const char *text_of(const json_t *json, const char *name)
{
    const char *text = json_string_value(json_object_get(json, name));
    return text == NULL ? "" : text;
}

/* "/api/v1/registry/KIND" and what follows. False: a sentence is on stderr. */
static bool kind_path(const struct command *command, const char *rest, char path[CELLS_PATH_SIZE])
{
    if (!command_name_is_plain(command->words[2])) {
        return false;
    }
    snprintf(path, CELLS_PATH_SIZE, REGISTRY_PATH "/%s%s", command->words[2], rest);
    return true;
}

/* ---- kinds and pages ---- */

/* The words that a cell may be, where it is one of some; else its shape. */
static void add_shown(json_t *columns)
{
    size_t index, at;
    json_t *column, *word;
    json_array_foreach(columns, index, column)
    {
        char text[160] = "";
        size_t used = 0;
        json_array_foreach(json_object_get(column, "words"), at, word)
        {
            if (used < sizeof(text)) {
                used += (size_t)snprintf(text + used, sizeof(text) - used, "%s%s",
                                         at > 0 ? " " : "", json_string_value(word));
            }
        }
        json_object_set_new(column, "shown",
                            json_string(text[0] != '\0' ? text : text_of(column, "takes")));
    }
}

static void show_kinds(const json_t *json)
{
    size_t index;
    json_t *kind;
    static const struct table_column COLUMNS[] = {{"COLUMN", "name"},      {"KEY", "is_key"},
                                                  {"NEEDED", "is_needed"}, {"TAKES", "shown"},
                                                  {"SAYS", "text"},        {NULL, NULL}};
    json_array_foreach(json_object_get(json, "items"), index, kind)
    {
        printf("%s%s%s\n", index > 0 ? "\n" : "", text_of(kind, "kind"),
               json_is_true(json_object_get(kind, "is_personal"))
                   ? " (for after-sales and risk alone)"
                   : "");
        add_shown(json_object_get(kind, "columns"));
        table_write(stdout, json_object_get(kind, "columns"), COLUMNS);
    }
}

/* The columns of a table: those of the key and those that are never empty. */
static void show_rows(const json_t *json)
{
    struct table_column columns[SHOWN_COUNT_MAX + 1] = {{NULL, NULL}};
    size_t index;
    json_t *column;
    int count = 0;
    json_array_foreach(json_object_get(json, "columns"), index, column)
    {
        bool is_shown = json_is_true(json_object_get(column, "is_key")) ||
                        json_is_true(json_object_get(column, "is_needed"));
        if (is_shown && count < SHOWN_COUNT_MAX) {
            columns[count].heading = text_of(column, "name");
            columns[count++].path = text_of(column, "name");
        }
    }
    table_write(stdout, json_object_get(json, "items"), columns);
}

static void show_chosen(const json_t *json, const char *chosen)
{
    struct table_column columns[SHOWN_COUNT_MAX * 2 + 1] = {{NULL, NULL}};
    char names[512];
    int count = 0;
    snprintf(names, sizeof(names), "%s", chosen);
    for (char *at = names; *at != '\0' && count < SHOWN_COUNT_MAX * 2;) {
        char *end = at + strcspn(at, ",");
        char *next = *end == ',' ? end + 1 : end;
        *end = '\0';
        columns[count].heading = at;
        columns[count++].path = at;
        at = next;
    }
    table_write(stdout, json_object_get(json, "items"), columns);
}

/* False: a sentence is on stderr. */
static bool take_limit(const struct command *command, size_t *limit)
{
    const char *text = command_option(command, "--limit");
    char *end = NULL;
    *limit = LIST_ROWS;
    if (text == NULL) {
        return true;
    }
    *limit = strtoul(text, &end, 10);
    if (text[0] < '0' || text[0] > '9' || *end != '\0' || *limit == 0 || *limit > LIST_ROWS_MAX) {
        fprintf(stderr, "tillwayctl: --limit: expected a number from 1 to %d\n", LIST_ROWS_MAX);
        return false;
    }
    return true;
}

/* Adds pages to `*all` until there are so many rows or no more. */
static enum ctl_exit fetch(const struct command *command, const char *first_path, size_t limit,
                           json_t **all)
{
    enum ctl_exit code = CTL_OK;
    char cursor[512] = "";
    *all = NULL;
    while (code == CTL_OK) {
        char path[CELLS_PATH_SIZE];
        char rows[16];
        json_t *page = NULL;
        size_t have = *all == NULL ? 0 : json_array_size(json_object_get(*all, "items"));
        size_t wanted = limit - have < PAGE_ROWS ? limit - have : PAGE_ROWS;
        snprintf(path, sizeof(path), "%s", first_path);
        snprintf(rows, sizeof(rows), "%zu", wanted);
        if (!api_add_parameter(command->api, path, sizeof(path),
                               (const char *const[2]){"limit", rows}) ||
            (cursor[0] != '\0' && !api_add_parameter(command->api, path, sizeof(path),
                                                     (const char *const[2]){"cursor", cursor}))) {
            fputs("tillwayctl: the filters are too long\n", stderr);
            code = CTL_USAGE;
            break;
        }
        code = api_get(command->api, path, &page);
        if (code != CTL_OK) {
            break;
        }
        snprintf(cursor, sizeof(cursor), "%s", text_of(page, "cursor"));
        if (*all == NULL) {
            *all = page;
        } else {
            json_array_extend(json_object_get(*all, "items"), json_object_get(page, "items"));
            json_decref(page);
        }
        if (cursor[0] == '\0' || json_array_size(json_object_get(*all, "items")) >= limit) {
            break;
        }
    }
    if (code == CTL_OK && cursor[0] != '\0') {
        fprintf(stderr, "tillwayctl: there are more rows than %zu; --limit N shows more\n", limit);
    }
    return code;
}

static int list(const struct command *command)
{
    char path[CELLS_PATH_SIZE];
    json_t *all = NULL;
    size_t limit = 0;
    const char *chosen = command_option(command, "--columns");
    if (!kind_path(command, "", path) || !take_limit(command, &limit) ||
        !cells_add_parameters(command, 3, path)) {
        return CTL_USAGE;
    }
    enum ctl_exit code = fetch(command, path, limit, &all);
    if (code != CTL_OK) {
        json_decref(all);
        return (int)code;
    }
    if (chosen == NULL || command->is_json) {
        return command_finish(command, all, show_rows);
    }
    show_chosen(all, chosen);
    json_decref(all);
    return fflush(stdout) == 0 ? CTL_OK : CTL_FAILED;
}

/* ---- one row ---- */

static void show_row(const json_t *json)
{
    const char *name;
    json_t *value;
    json_object_foreach(json_object_get(json, "row"), name, value)
    {
        json_t *line = json_pack("{s:O}", "value", value);
        const struct table_column columns[] = {{name, "value"}, {NULL, NULL}};
        table_write_one(stdout, line, columns);
        json_decref(line);
    }
    printf("version  %lld\n", (long long)json_integer_value(json_object_get(json, "version")));
}

static void show_history(const json_t *json)
{
    static const struct table_column COLUMNS[] = {
        {"VERSION", "version"}, {"TIME", "time"},   {"ACTOR", "actor"}, {"COLUMN", "column"},
        {"BEFORE", "before"},   {"AFTER", "after"}, {NULL, NULL}};
    table_write(stdout, json_object_get(json, "items"), COLUMNS);
}

static int get_of_key(const struct command *command, const char *rest,
                      void (*show)(const json_t *json))
{
    char path[CELLS_PATH_SIZE];
    if (!kind_path(command, rest, path) || !cells_add_parameters(command, 3, path)) {
        return CTL_USAGE;
    }
    return command_get(command, path, show);
}

static void show_put(const json_t *json)
{
    puts(json_is_true(json_object_get(json, "is_new"))       ? "added"
         : json_is_true(json_object_get(json, "is_changed")) ? "changed"
                                                             : "it stood so already");
    printf("version  %lld\n", (long long)json_integer_value(json_object_get(json, "version")));
}

static int put(const struct command *command)
{
    char path[CELLS_PATH_SIZE];
    const char *seen = command_option(command, "--seen");
    char *end = NULL;
    json_t *json = NULL;
    if (!kind_path(command, "/row", path)) {
        return CTL_USAGE;
    }
    json_t *body = cells_body(command, 3);
    if (body == NULL) {
        return CTL_USAGE;
    }
    if (seen != NULL) {
        long long version = strtoll(seen, &end, 10);
        if (seen[0] < '0' || seen[0] > '9' || *end != '\0') {
            fputs("tillwayctl: --seen: expected the version that the row was shown with\n", stderr);
            json_decref(body);
            return CTL_USAGE;
        }
        json_object_set_new(body, "version", json_integer(version));
    }
    enum ctl_exit code = api_put_json(command->api, path, body, &json);
    json_decref(body);
    return code == CTL_OK ? command_finish(command, json, show_put) : (int)code;
}

static void show_removed(const json_t *json)
{
    printf("removed: %s\n", text_of(json, "text"));
}

static int remove_row(const struct command *command)
{
    char path[CELLS_PATH_SIZE];
    json_t *json = NULL;
    if (!kind_path(command, "/row", path) || !cells_add_parameters(command, 3, path)) {
        return CTL_USAGE;
    }
    enum ctl_exit code = api_delete(command->api, path, &json);
    return code == CTL_OK ? command_finish(command, json, show_removed) : (int)code;
}

/* ---- CSV ---- */

static int export_csv(const struct command *command)
{
    char path[CELLS_PATH_SIZE];
    const char *name = command_option(command, "--output");
    if (!kind_path(command, "/csv", path)) {
        return CTL_USAGE;
    }
    FILE *to = name == NULL ? stdout : fopen(name, "we");
    if (to == NULL) {
        fprintf(stderr, "tillwayctl: %s: cannot be written\n", name);
        return CTL_FAILED;
    }
    api_be_patient(command->api);
    enum ctl_exit code = api_get_file(command->api, path, to);
    bool is_whole = name == NULL ? fflush(to) == 0 : fclose(to) == 0;
    if (code == CTL_OK && !is_whole) {
        fputs("tillwayctl: the file cannot be written\n", stderr);
        code = CTL_FAILED;
    }
    return (int)code;
}

static void show_import(const json_t *json)
{
    table_write_lines(stderr, json_object_get(json, "faults"));
    puts(text_of(json, "text"));
}

/* A long file goes on after the call: until it ends. */
static int await_import(const struct command *command, enum ctl_exit code, json_t *json)
{
    while (code == CTL_OK && strcmp(text_of(json, "state"), "running") == 0) {
        json_decref(json);
        json = NULL;
        nanosleep(&(struct timespec){1, 0}, NULL);
        code = api_get(command->api, JOB_PATH, &json);
    }
    if (code != CTL_OK) {
        return (int)code;
    }
    bool is_done = strcmp(text_of(json, "state"), "done") == 0;
    int finished = command_finish(command, json, show_import);
    return is_done ? finished : CTL_FAILED;
}

static const char *name_of(const char *path)
{
    const char *slash = strrchr(path, '/');
    return slash == NULL ? path : slash + 1;
}

static int import_csv(const struct command *command)
{
    char path[CELLS_PATH_SIZE];
    const char *file = command->words[3];
    bool is_check = command_has_flag(command, "--check");
    struct file_text text;
    json_t *json = NULL;
    if (!kind_path(command, is_check ? "/check" : "/csv", path) ||
        !api_add_parameter(command->api, path, sizeof(path),
                           (const char *const[2]){"file", name_of(file)})) {
        return CTL_USAGE;
    }
    enum status status = file_text_read(&text, file, FILE_BYTES_MAX);
    if (status != STATUS_OK) {
        fprintf(stderr, "tillwayctl: %s: %s\n", file,
                status == STATUS_BAD_VALUE ? "longer than 32 MiB: cut it" : "cannot be read");
        return CTL_FAILED;
    }
    if (strlen(text.bytes) != text.length) {
        fprintf(stderr, "tillwayctl: %s: expected text, got a byte of value 0\n", file);
        file_text_free(&text);
        return CTL_FAILED;
    }
    api_be_patient(command->api);
    enum ctl_exit code = api_post_text(command->api, path, text.bytes, &json);
    file_text_free(&text);
    return await_import(command, code, json);
}

/* ---- bindings and retention ---- */

static void show_binding(const json_t *json)
{
    static const struct table_column COLUMNS[] = {
        {"terminal", "terminal_id"},     {"serial number", "serial"},  {"merchant", "merchant_id"},
        {"first day", "valid_from_day"}, {"last day", "valid_to_day"}, {NULL, NULL}};
    static const char *const PARTS[] = {"ended", "bound"};
    for (size_t i = 0; i < sizeof(PARTS) / sizeof(PARTS[0]); i++) {
        const json_t *part = json_object_get(json, PARTS[i]);
        if (json_is_object(part)) {
            printf("%s:\n", PARTS[i]);
            table_write_one(stdout, part, COLUMNS);
        }
    }
}

static int bind_terminal(const struct command *command, bool is_bind)
{
    char path[CELLS_PATH_SIZE];
    json_t *json = NULL;
    enum ctl_exit code;
    if (!command_id_is_plain(command->words[2])) {
        return CTL_USAGE;
    }
    snprintf(path, sizeof(path), "/api/v1/bindings/%s", command->words[2]);
    if (is_bind) {
        json_t *body = cells_body(command, 3);
        if (body == NULL) {
            return CTL_USAGE;
        }
        code = api_post_json(command->api, path, body, &json);
        json_decref(body);
    } else {
        if (!cells_add_option(command, (const char *const[2]){"--day", "day"}, path)) {
            return CTL_USAGE;
        }
        code = api_delete(command->api, path, &json);
    }
    return code == CTL_OK ? command_finish(command, json, show_binding) : (int)code;
}

static void show_retention(const json_t *json)
{
    static const struct table_column COLUMNS[] = {
        {"state", "state"}, {"ended", "ended"}, {"did", "text"}, {NULL, NULL}};
    table_write_one(stdout, json, COLUMNS);
}

static int retention(const struct command *command)
{
    json_t *json = NULL;
    if (!command_has_flag(command, "--now")) {
        return command_get(command, "/api/v1/retention", show_retention);
    }
    enum ctl_exit code = api_post(command->api, "/api/v1/retention", &json);
    while (code == CTL_OK && strcmp(text_of(json, "state"), "running") == 0) {
        json_decref(json);
        json = NULL;
        nanosleep(&(struct timespec){0, 200000000}, NULL);
        code = api_get(command->api, "/api/v1/retention", &json);
    }
    if (code != CTL_OK) {
        return (int)code;
    }
    bool is_done = strcmp(text_of(json, "state"), "done") == 0;
    int finished = command_finish(command, json, show_retention);
    return is_done ? finished : CTL_FAILED;
}

static int run_registry(const struct command *command)
{
    const char *verb = command->word_count > 1 ? command->words[1] : "";
    if (command_is(command, "kinds", 2)) {
        return command_get(command, REGISTRY_PATH, show_kinds);
    }
    if (command_is(command, "retention", 2)) {
        return retention(command);
    }
    if (command_is(command, "export", 3)) {
        return export_csv(command);
    }
    if (command_is(command, "import", 4)) {
        return import_csv(command);
    }
    if (command_is(command, "unbind", 3)) {
        return bind_terminal(command, false);
    }
    if (command->word_count < 3) {
        return COMMAND_UNKNOWN;
    }
    if (strcmp(verb, "list") == 0) {
        return list(command);
    }
    if (strcmp(verb, "show") == 0) {
        return get_of_key(command, "/row", show_row);
    }
    if (strcmp(verb, "history") == 0) {
        return get_of_key(command, "/history", show_history);
    }
    if (strcmp(verb, "remove") == 0) {
        return remove_row(command);
    }
    if (strcmp(verb, "put") == 0) {
        return put(command);
    }
    return strcmp(verb, "bind") == 0 ? bind_terminal(command, true) : COMMAND_UNKNOWN;
}

static const char *const OPTIONS[] = {"--limit", "--columns", "--seen", "--output", "--day", NULL};
static const char *const FLAGS[] = {"--check", "--now", NULL};

const struct command_group REGISTRY_GROUP = {
    .word = "registry",
    .options = OPTIONS,
    .flags = FLAGS,
    .usage =
        "  registry kinds             kinds of rows, with their columns\n"
        "  registry list KIND [COLUMN=VALUE ...] [--limit N] [--columns A,B]\n"
        "                             rows that fit; a * at the end stands for anything\n"
        "  registry show KIND COLUMN=VALUE ...\n"
        "                             one row and its version, by the columns of its key\n"
        "  registry put KIND COLUMN=VALUE ... [--seen VERSION]\n"
        "                             changes the cells that are named, or adds the row\n"
        "  registry remove KIND COLUMN=VALUE ...\n"
        "                             takes out a row; terminals, bindings, merchants are kept\n"
        "  registry history KIND COLUMN=VALUE ...\n"
        "  registry export KIND [--output FILE]\n"
        "  registry import KIND FILE [--check]\n"
        "                             all rows or none, with every fault; --check writes nothing\n"
        "  registry bind TERMINAL serial=S merchant_id=M [COLUMN=VALUE ...]\n"
        "                             another device stands there now; what was bound ends\n"
        "  registry unbind TERMINAL [--day YYYY-MM-DD]\n"
        "  registry retention [--now] what the day's work did (retention, visits), or begins it\n",
    .expected = "registry kinds, list KIND, show KIND, put KIND, remove KIND, history KIND, export "
                "KIND, import "
                "KIND FILE, bind TERMINAL, unbind TERMINAL, or retention",
    .run = run_registry,
};
