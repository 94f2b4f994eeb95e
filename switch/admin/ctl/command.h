/* A group of tillwayctl's commands: its words, its options, and what it does. Each group has a file
 * of its own; main.c lists them.
 */
#pragma once

#include <stdbool.h>

#include <jansson.h>

#include "switch/admin/ctl/api.h"
#include "switch/admin/ctl/table.h"

#define COMMAND_WORD_COUNT_MAX 40 /* a row has up to 32 cells */
#define COMMAND_OPTION_COUNT_MAX 32
#define COMMAND_PATH_SIZE 512

/* What was typed. */
struct command {
    const char *words[COMMAND_WORD_COUNT_MAX]; /* the group's own word first */
    int word_count;
    struct {
        const char *name, *value; /* "--from", "2026-01-01"; value NULL: a flag */
    } options[COMMAND_OPTION_COUNT_MAX];
    int option_count;
    bool is_json;
    struct api *api; /* borrowed; NULL for a group that works offline */
};

struct command_group {
    const char *word;           /* "txn" */
    bool is_offline;            /* asks no server */
    const char *offline_word;   /* the command of a group that asks none; NULL: all do */
    const char *const *options; /* those that take a value, ends with NULL; NULL: none */
    const char *const *flags;   /* those that do not */
    const char *usage;          /* lines as they stand in the usage, each indented and ended */
    const char *expected;       /* "txn search [OPTION ...], or txn show RRN" */
    /* STATUS: an exit code of api.h. COMMAND_UNKNOWN: these words are no command of the group. */
    int (*run)(const struct command *command);
};

#define COMMAND_UNKNOWN (-1)

extern const struct command_group STATUS_GROUP, CHANNELS_GROUP, TERMINAL_GROUP, RELOAD_GROUP,
    DRAIN_GROUP, TXN_GROUP, FEE_GROUP, ROUTE_GROUP, LOG_GROUP, TRACE_GROUP, SPEC_GROUP,
    VERSION_GROUP, LIMIT_GROUP, EVENTS_GROUP, WEBHOOK_GROUP, EVIDENCE_GROUP, ORDER_GROUP,
    REGISTRY_GROUP, SERVICE_POINT_GROUP, INSPECTION_GROUP, UPDATE_GROUP, REPORT_GROUP, CASE_GROUP,
    FLAG_GROUP, DIAGNOSE_GROUP;

/* The words from the second on are `second` and so many in all. */
bool command_is(const struct command *command, const char *second, int word_count);
/* The option's value; NULL: not given. */
const char *command_option(const struct command *command, const char *name);
bool command_has_flag(const struct command *command, const char *name);
/* --lang zh. */
bool command_is_chinese(const struct command *command);
/* False: --lang names another language than zh and en, and a sentence is on stderr. */
bool command_language_is_known(const struct command *command);

/* Shows an answer as a table, or as it came with --json; takes it over. */
int command_finish(const struct command *command, json_t *json, void (*show)(const json_t *json));
int command_get(const struct command *command, const char *path, void (*show)(const json_t *json));
int command_post(const struct command *command, const char *path);
/* Begins a job on the server with a POST, and waits for its end at `job_path`, telling every second
 * how far it is. */
int command_run_job(const struct command *command, const char *path, const char *job_path,
                    void (*show)(const json_t *json));

/* Has the rule file in words[2] held against past transactions, as `kind` ("route", "fee"), with
 * --from and --to, and waits for the end. */
int command_dry_run(const struct command *command, const char *kind,
                    void (*show)(const json_t *json));

/* Ids are letters and digits: what else stands there cannot be one, nor become another path. False:
 * a sentence is on stderr. */
bool command_id_is_plain(const char *id);
/* Names may hold - and _, too. */
bool command_name_is_plain(const char *name);
