/* Messages of one terminal or channel as they pass, masked. */
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "switch/admin/ctl/command.h"

#define PAUSE_NS 500000000L

static volatile sig_atomic_t is_interrupted;

static void on_interrupt(int number)
{
    (void)number;
    is_interrupted = 1;
}

static const char *text_of(const json_t *entry, const char *name)
{
    const char *text = json_string_value(json_object_get(entry, name));
    return text == NULL ? "" : text;
}

static void show_entry(const json_t *entry)
{
    const char *note = text_of(entry, "note");
    printf("%s %s%s%s\n%s\n", text_of(entry, "time"), text_of(entry, "way"),
           note[0] == '\0' ? "" : ": ", note, text_of(entry, "text"));
}

/* What came since `*after`, shown; whether the watch goes on. */
static bool show_new(const struct command *command, const json_t *json, json_int_t *after)
{
    const json_t *items = json_object_get(json, "items");
    for (size_t i = 0; i < json_array_size(items); i++) {
        const json_t *entry = json_array_get(items, i);
        json_int_t number = json_integer_value(json_object_get(entry, "number"));
        if (number > *after + 1) {
            fprintf(stderr, "tillwayctl: %lld messages came too fast to be kept\n",
                    (long long)(number - *after - 1));
        }
        *after = number;
        if (command->is_json) {
            json_dumpf(entry, stdout, JSON_COMPACT);
            putchar('\n');
        } else {
            show_entry(entry);
        }
    }
    fflush(stdout);
    return json_is_true(json_object_get(json, "watched")) || json_array_size(items) > 0;
}

static int follow(const struct command *command, const char *path)
{
    json_int_t after = 0;
    enum ctl_exit code = CTL_OK;
    bool goes_on = true;
    while (goes_on && code == CTL_OK && !is_interrupted) {
        char read_path[COMMAND_PATH_SIZE + 32];
        json_t *json = NULL;
        snprintf(read_path, sizeof(read_path), "%s?after=%lld", path, (long long)after);
        code = api_get(command->api, read_path, &json);
        if (code == CTL_OK) {
            bool was_full = json_array_size(json_object_get(json, "items")) > 0;
            goes_on = show_new(command, json, &after);
            json_decref(json);
            nanosleep(&(struct timespec){0, was_full ? 0 : PAUSE_NS}, NULL);
        }
    }
    return (int)code;
}

/* The watch is ended whatever came of the reading, so that nothing is kept for nobody. */
static int run_trace(const struct command *command)
{
    char path[COMMAND_PATH_SIZE];
    char begin_path[COMMAND_PATH_SIZE + 32];
    json_t *json = NULL;
    bool is_terminal = command->word_count == 3 && strcmp(command->words[1], "terminal") == 0;
    bool is_channel = command->word_count == 3 && strcmp(command->words[1], "channel") == 0;
    if (!is_terminal && !is_channel) {
        return COMMAND_UNKNOWN;
    }
    const char *seconds = command_option(command, "--seconds");
    seconds = seconds == NULL ? "60" : seconds;
    if (!command_name_is_plain(command->words[2]) || !command_id_is_plain(seconds)) {
        return CTL_USAGE;
    }
    snprintf(path, sizeof(path), "/api/v1/traces/%s:%s", command->words[1], command->words[2]);
    snprintf(begin_path, sizeof(begin_path), "%s?seconds=%s", path, seconds);
    enum ctl_exit code = api_post(command->api, begin_path, &json);
    if (code != CTL_OK) {
        return (int)code;
    }
    json_decref(json);
    json = NULL;
    signal(SIGINT, on_interrupt);
    int followed = follow(command, path);
    code = api_delete(command->api, path, &json);
    json_decref(json);
    return followed == CTL_OK ? (int)code : followed;
}

static const char *const OPTIONS[] = {"--seconds", NULL};

const struct command_group TRACE_GROUP = {
    .word = "trace",
    .options = OPTIONS,
    .usage = "  trace terminal ID [--seconds N]\n"
             "  trace channel NAME [--seconds N]\n"
             "                             messages as they pass, masked; Ctrl-C ends it\n",
    .expected = "trace terminal ID [--seconds N], or trace channel NAME [--seconds N]",
    .run = run_trace,
};
