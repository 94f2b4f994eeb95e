/* See command.h. */
#include "switch/admin/ctl/command.h"

#include <stdio.h>
#include <string.h>
#include <time.h>

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

static void print_progress(const json_t *json)
{
    long long rows = (long long)json_integer_value(json_object_get(json, "rows"));
    long long total = (long long)json_integer_value(json_object_get(json, "rows_total"));
    if (rows > 0 && total > 0) {
        fprintf(stderr, "tillwayctl: %lld of %lld rows\n", rows, total);
    }
}

int command_run_job(const struct command *command, const char *path, const char *job_path,
                    void (*show)(const json_t *json))
{
    json_t *json = NULL;
    enum ctl_exit code = api_post(command->api, path, &json);
    struct timespec pause = {0, 100000000};
    while (code == CTL_OK &&
           strcmp(json_string_value(json_object_get(json, "state")), "running") == 0) {
        json_decref(json);
        json = NULL;
        nanosleep(&pause, NULL);
        code = api_get(command->api, job_path, &json);
        if (code == CTL_OK && pause.tv_sec > 0) {
            print_progress(json);
        }
        pause = (struct timespec){1, 0};
    }
    if (code != CTL_OK) {
        return (int)code;
    }
    bool is_done = strcmp(json_string_value(json_object_get(json, "state")), "done") == 0;
    int finished = command_finish(command, json, show);
    return is_done ? finished : CTL_FAILED;
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
