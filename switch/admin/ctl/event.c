/* Flags and cases as they happen: the feed of events, a line each. */
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "switch/admin/ctl/command.h"
#include "switch/admin/ctl/shown_text.h"

static volatile sig_atomic_t is_interrupted;

static void on_interrupt(int number)
{
    (void)number;
    is_interrupted = 1;
}

static const char *text_of(const json_t *object, const char *name)
{
    const char *text = json_string_value(json_object_get(object, name));
    return text == NULL ? "" : text;
}

static long long number_of(const json_t *object, const char *name)
{
    return (long long)json_integer_value(json_object_get(object, name));
}

static void tell_flag(const json_t *told, char *text, size_t size)
{
    snprintf(text, size, "flag %lld: %s %s, severity %lld: %s (%lld, threshold %lld)%s",
             number_of(told, "id"), text_of(told, "signal"), text_of(told, "subject_id"),
             number_of(told, "severity"), text_of(told, "sentence"), number_of(told, "value"),
             number_of(told, "threshold"),
             json_is_true(json_object_get(told, "is_watched_only")) ? ", watched only" : "");
}

static void tell_case(const json_t *told, char *text, size_t size)
{
    const json_t *after = json_object_get(told, "service_case");
    const char *reason = text_of(told, "reason");
    snprintf(text, size, "case %lld (%s %s, severity %lld): %s by %s, now %s%s%s",
             number_of(after, "id"), text_of(after, "kind"), text_of(after, "subject_id"),
             number_of(after, "severity"), text_of(told, "kind"), text_of(told, "actor"),
             text_of(told, "to_state"), reason[0] == '\0' ? "" : ": ", reason);
}

static void show_event(const json_t *event)
{
    char text[1024];
    const char *kind = text_of(event, "kind");
    const json_t *told = json_object_get(event, kind);
    if (strcmp(kind, "flag") == 0) {
        tell_flag(told, text, sizeof(text));
    } else if (strcmp(kind, "flag_judged") == 0) {
        snprintf(text, sizeof(text), "flag %lld: %s, says %s", number_of(told, "flag_id"),
                 text_of(told, "outcome"), text_of(told, "actor"));
    } else if (strcmp(kind, "flag_linked") == 0) {
        snprintf(text, sizeof(text), "flag %lld is part of case %lld", number_of(told, "flag_id"),
                 number_of(told, "case_id"));
    } else if (strcmp(kind, "case_message") == 0) {
        snprintf(text, sizeof(text), "case %lld: %s%s%s", number_of(told, "case_id"),
                 text_of(told, "sentence"), text_of(told, "text")[0] == '\0' ? "" : ": ",
                 text_of(told, "text"));
    } else if (told != NULL) {
        tell_case(told, text, sizeof(text));
    } else {
        snprintf(text, sizeof(text), "%.40s: not known to this version of tillwayctl", kind);
    }
    shown_text_clean(text);
    printf("%lld %.19sZ %s\n", number_of(event, "number"), text_of(event, "time"), text);
}

/* The lines of one answer, which are overwritten. */
static void show_lines(const struct command *command, char *text)
{
    for (char *line = text; *line != '\0';) {
        char *end = line + strcspn(line, "\n");
        char *next = *end == '\0' ? end : end + 1;
        *end = '\0';
        json_t *event = json_loads(line, 0, NULL);
        if (command->is_json) {
            puts(line);
        } else if (event != NULL) {
            show_event(event);
        }
        json_decref(event);
        line = next;
    }
    fflush(stdout);
}

static int run_events(const struct command *command)
{
    const char *from = command_option(command, "--after");
    bool is_following = command_has_flag(command, "--follow");
    long long after = from == NULL ? 0 : strtoll(from, NULL, 10);
    if (command->word_count != 1) {
        return COMMAND_UNKNOWN;
    }
    if (from != NULL && (from[0] == '\0' || strspn(from, "0123456789") != strlen(from))) {
        fputs("tillwayctl: --after: expected the number of an event\n", stderr);
        return CTL_USAGE;
    }
    signal(SIGINT, on_interrupt);
    enum ctl_exit code = CTL_OK;
    bool goes_on = true;
    while (code == CTL_OK && goes_on && !is_interrupted) {
        char path[80];
        char *text = NULL;
        long long before = after;
        snprintf(path, sizeof(path), "/api/v1/events?after=%lld%s", after,
                 is_following ? "&wait=20" : "");
        code = api_get_lines(command->api, path, &text, &after);
        if (code == CTL_OK) {
            show_lines(command, text);
        }
        goes_on = is_following || after > before;
    }
    return (int)code;
}

static const char *const OPTIONS[] = {"--after", NULL};
static const char *const FLAGS[] = {"--follow", NULL};

const struct command_group EVENTS_GROUP = {
    .word = "events",
    .options = OPTIONS,
    .flags = FLAGS,
    .usage = "  events [--after N] [--follow]\n"
             "                             flags and cases as they happened, a line each; with\n"
             "                             --follow also those to come, until Ctrl-C\n",
    .expected = "events [--after N] [--follow]",
    .run = run_events,
};
