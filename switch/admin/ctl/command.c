/* See command.h. */
#include "switch/admin/ctl/command.h"

#include <stdio.h>
#include <string.h>
#include <time.h>

#include "config/file_text.h"

bool command_is(const struct command *command, const char *second, int word_count)
{
    return command->word_count == word_count && strcmp(command->words[1], second) == 0;
}

const char *command_option(const struct command *command, const char *name)
{
    for (int i = 0; i < command->option_count; i++) {
        if (strcmp(command->options[i].name, name) == 0) {
            return command->options[i].value;
        }
    }
    return NULL;
}

bool command_has_flag(const struct command *command, const char *name)
{
    for (int i = 0; i < command->option_count; i++) {
        if (strcmp(command->options[i].name, name) == 0) {
            return true;
        }
    }
    return false;
}

bool command_is_chinese(const struct command *command)
{
    const char *language = command_option(command, "--lang");
    return language != NULL && strcmp(language, "zh") == 0;
}

bool command_language_is_known(const struct command *command)
{
    const char *language = command_option(command, "--lang");
    if (language == NULL || strcmp(language, "zh") == 0 || strcmp(language, "en") == 0) {
        return true;
    }
    fprintf(stderr, "tillwayctl: --lang %.20s: expected zh or en\n", language);
    return false;
}

int command_finish(const struct command *command, json_t *json, void (*show)(const json_t *json))
{
    if (command->is_json) {
        json_dumpf(json, stdout, JSON_INDENT(2));
        putchar('\n');
    } else {
        show(json);
    }
    json_decref(json);
    return fflush(stdout) == 0 ? CTL_OK : CTL_FAILED;
}

int command_get(const struct command *command, const char *path, void (*show)(const json_t *json))
{
    json_t *json = NULL;
    enum ctl_exit code = api_get(command->api, path, &json);
    return code == CTL_OK ? command_finish(command, json, show) : (int)code;
}

static void show_result(const json_t *json)
{
    static const struct table_column columns[] = {
        {"result", "result"}, {"text", "text"}, {NULL, NULL}};
    table_write_one(stdout, json, columns);
}

int command_post(const struct command *command, const char *path)
{
    json_t *json = NULL;
    enum ctl_exit code = api_post(command->api, path, &json);
    return code == CTL_OK ? command_finish(command, json, show_result) : (int)code;
}

#define RULES_BYTES_MAX 1048576 /* as the admin port takes */

/* How a job is asked for, and shown when it has ended. */
struct job_end {
    const char *path;
    void (*show)(const json_t *json);
};

static void print_progress(const json_t *json)
{
    long long rows = (long long)json_integer_value(json_object_get(json, "rows"));
    long long total = (long long)json_integer_value(json_object_get(json, "rows_total"));
    if (rows > 0 && total > 0) {
        fprintf(stderr, "tillwayctl: %lld of %lld rows\n", rows, total);
    }
}

/* Until the job that was begun (`code`, `json`) ends. */
static int await_job(const struct command *command, enum ctl_exit code, json_t *json,
                     const struct job_end *end)
{
    struct timespec pause = {0, 100000000};
    while (code == CTL_OK &&
           strcmp(json_string_value(json_object_get(json, "state")), "running") == 0) {
        json_decref(json);
        json = NULL;
        nanosleep(&pause, NULL);
        code = api_get(command->api, end->path, &json);
        if (code == CTL_OK && pause.tv_sec > 0) {
            print_progress(json);
        }
        pause = (struct timespec){1, 0};
    }
    if (code != CTL_OK) {
        return (int)code;
    }
    bool is_done = strcmp(json_string_value(json_object_get(json, "state")), "done") == 0;
    int finished = command_finish(command, json, end->show);
    return is_done ? finished : CTL_FAILED;
}

int command_run_job(const struct command *command, const char *path, const char *job_path,
                    void (*show)(const json_t *json))
{
    json_t *json = NULL;
    enum ctl_exit code = api_post(command->api, path, &json);
    return await_job(command, code, json, &(struct job_end){job_path, show});
}

/* The file's name without its folders. */
static const char *name_of(const char *path)
{
    const char *slash = strrchr(path, '/');
    return slash == NULL ? path : slash + 1;
}

static bool dry_run_path(const struct command *command, const char *kind,
                         char path[COMMAND_PATH_SIZE])
{
    static const char *const times[][2] = {{"--from", "from"}, {"--to", "to"}};
    const char *const name[] = {"name", name_of(command->words[2])};
    snprintf(path, COMMAND_PATH_SIZE, "/api/v1/dry-runs/%s", kind);
    bool is_good = api_add_parameter(command->api, path, COMMAND_PATH_SIZE, name);
    for (int i = 0; i < 2 && is_good; i++) {
        const char *const pair[] = {times[i][1], command_option(command, times[i][0])};
        is_good = pair[1] == NULL || api_add_parameter(command->api, path, COMMAND_PATH_SIZE, pair);
    }
    if (!is_good) {
        fputs("tillwayctl: the file's name or the times are too long\n", stderr);
    }
    return is_good;
}

int command_dry_run(const struct command *command, const char *kind,
                    void (*show)(const json_t *json))
{
    char path[COMMAND_PATH_SIZE];
    struct file_text text;
    json_t *json = NULL;
    enum status status = file_text_read(&text, command->words[2], RULES_BYTES_MAX);
    if (status != STATUS_OK) {
        fprintf(stderr, "tillwayctl: %s: %s\n", command->words[2],
                status == STATUS_BAD_VALUE ? "expected a rule file of at most 1 MiB"
                                           : "cannot be read");
        return CTL_FAILED;
    }
    int finished = CTL_USAGE;
    if (dry_run_path(command, kind, path)) {
        enum ctl_exit code = api_post_text(command->api, path, text.bytes, &json);
        finished = await_job(command, code, json, &(struct job_end){"/api/v1/log/job", show});
    }
    file_text_free(&text);
    return finished;
}

static bool is_of(const char *text, const char *allowed, size_t length_max, const char *expected)
{
    bool is_good =
        text[0] != '\0' && strlen(text) <= length_max && strspn(text, allowed) == strlen(text);
    if (!is_good) {
        fprintf(stderr, "tillwayctl: %.40s: expected %s\n", text, expected);
    }
    return is_good;
}

#define LETTERS_AND_DIGITS "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"

bool command_id_is_plain(const char *id)
{
    return is_of(id, LETTERS_AND_DIGITS, 32, "letters and digits");
}

bool command_name_is_plain(const char *name)
{
    return is_of(name, LETTERS_AND_DIGITS "-_", 60, "letters, digits, - and _");
}
