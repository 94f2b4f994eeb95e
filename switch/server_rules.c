/* The rules at start: the folder of versions is opened, and what the files and the versions say is
 * read and kept before anything else begins. */
#include <stdio.h>
#include <string.h>

#include "switch/server_state.h"

static char faults[CONFIGURATION_FAULTS_SIZE];

static int fail(int code, const char *text)
{
    fprintf(stderr, "%s%s", text, strchr(text, '\n') == NULL ? "\n" : "");
    return code;
}

static int open_versions(struct server *server, const struct server_options *options)
{
    char reason[RULE_VERSION_REASON_SIZE];
    bool is_taken;
    server->versions = version_folder_open(options->store.folder, &is_taken, reason);
    return server->versions != NULL ? SERVER_EXIT_OK : fail(SERVER_EXIT_STORE, reason);
}

static void say_ignored(const struct rule_choice *rules)
{
    for (int i = 0; i < RULE_FILE_COUNT; i++) {
        if (rules->is_ignored[i]) {
            fprintf(stderr,
                    "%s: the file that the configuration names has changed, which does not count "
                    "(versions.by_two_only); propose it with tillwayctl version propose\n",
                    rule_file_name((enum rule_file)i));
        }
    }
}

static int load(struct server *server, struct configuration_source source,
                struct rule_choice *rules)
{
    char reason[RULE_VERSION_REASON_SIZE];
    source.rules = rules;
    server->configuration = configuration_load(&source, faults);
    if (server->configuration == NULL) {
        return fail(SERVER_EXIT_CONFIGURATION, faults);
    }
    if (rule_choice_keep(rules, false, reason) == RULE_KEPT_FAILED) {
        return fail(SERVER_EXIT_STORE, reason);
    }
    say_ignored(rules);
    version_folder_purge(server->versions, server->configuration->options->versions.count_max);
    return SERVER_EXIT_OK;
}

int server_rules_begin(struct server *server, const struct configuration_source *source)
{
    static struct rule_choice rules;
    struct server_options *options = configuration_options(source, faults);
    if (options == NULL) {
        return fail(SERVER_EXIT_CONFIGURATION, faults);
    }
    int code = open_versions(server, options);
    rules.folder = server->versions;
    rules.kind = RULE_CHOICE_FILES;
    rules.is_by_two = options->versions.is_by_two_only;
    rules.way = RULE_WAY_START;
    rules.by = "";
    rules.reason = "";
    rules.wall_us = server->started_wall_us;
    server_options_destroy(options);
    if (code == SERVER_EXIT_OK) {
        code = load(server, *source, &rules);
        rule_choice_end(&rules);
    }
    if (code != SERVER_EXIT_OK) {
        configuration_destroy(server->configuration);
        version_folder_close(server->versions);
    }
    return code;
}
