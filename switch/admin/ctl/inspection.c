/* Inspections: which are due, what was found; terminals that are silent or out of date. */
#include <stdio.h>
#include <string.h>

#include "switch/admin/ctl/cells.h"

#define INSPECTIONS_PATH "/api/v1/inspections"

static void warn_of_more(const json_t *json)
{
    json_int_t count = json_integer_value(json_object_get(json, "count"));
    size_t shown = json_array_size(json_object_get(json, "items"));
    if ((size_t)count > shown) {
        fprintf(stderr, "tillwayctl: %zu of %lld are shown\n", shown, (long long)count);
    }
}

static void show_due(const json_t *json)
{
    static const struct table_column COLUMNS[] = {
        {"RISK", "risk_level"}, {"MERCHANT", "merchant_id"},   {"NAME", "name"},
        {"DUE", "due_day"},     {"DAYS LATE", "overdue_days"}, {"AREA", "area_code"},
        {"ADDRESS", "address"}, {"CONTACT", "contact"},        {NULL, NULL}};
    table_write(stdout, json_object_get(json, "items"), COLUMNS);
    warn_of_more(json);
}

static void show_lacks(const json_t *json)
{
    static const struct table_column COLUMNS[] = {{"TERMINAL", "terminal_id"},
                                                  {"MERCHANT", "merchant_id"},
                                                  {"SEEN", "seen"},
                                                  {"SOFTWARE", "firmware"},
                                                  {"WHY", "text"},
                                                  {NULL, NULL}};
    table_write(stdout, json_object_get(json, "items"), COLUMNS);
    warn_of_more(json);
}

static void show_list(const json_t *json)
{
    static const struct table_column COLUMNS[] = {{"DAY", "day"},
                                                  {"TERMINAL", "terminal_id"},
                                                  {"INSPECTOR", "inspector"},
                                                  {"VERDICT", "verdict"},
                                                  {"ITEM", "item"},
                                                  {"BAD", "bad_count"},
                                                  {"REASON", "reason"},
                                                  {"REMARK", "remark"},
                                                  {NULL, NULL}};
    table_write(stdout, json_object_get(json, "items"), COLUMNS);
}

static void show_result(const json_t *json)
{
    static const struct table_column COLUMNS[] = {{"verdict", "verdict"},
                                                  {"item", "item"},
                                                  {"bad items", "bad_count"},
                                                  {"case", "case_id"},
                                                  {"its kind", "case_kind"},
                                                  {"severity", "severity"},
                                                  {"reason", "reason"},
                                                  {"next due", "next.due_day"},
                                                  {NULL, NULL}};
    table_write_one(stdout, json, COLUMNS);
}

static int get(const struct command *command, const char *rest, void (*show)(const json_t *json))
{
    char path[CELLS_PATH_SIZE];
    snprintf(path, sizeof(path), INSPECTIONS_PATH "/%s", rest);
    if (!cells_add_option(command, (const char *const[2]){"--day", "day"}, path) ||
        !cells_add_option(command, (const char *const[2]){"--within", "days"}, path) ||
        (command_has_flag(command, "--latest") &&
         !api_add_parameter(command->api, path, sizeof(path),
                            (const char *const[2]){"latest", "yes"}))) {
        return CTL_USAGE;
    }
    return command_get(command, path, show);
}

static int record(const struct command *command)
{
    char path[CELLS_PATH_SIZE];
    json_t *json = NULL;
    json_t *body = cells_body(command, 3);
    if (body == NULL) {
        return CTL_USAGE;
    }
    snprintf(path, sizeof(path), INSPECTIONS_PATH "/%s", command->words[2]);
    enum ctl_exit code = api_post_json(command->api, path, body, &json);
    json_decref(body);
    return code == CTL_OK ? command_finish(command, json, show_result) : (int)code;
}

static int run_inspection(const struct command *command)
{
    if (command_is(command, "due", 2)) {
        return get(command, "due", show_due);
    }
    if (command_is(command, "silent", 2)) {
        return get(command, "silent", show_lacks);
    }
    if (command_is(command, "outdated", 2)) {
        return get(command, "outdated", show_lacks);
    }
    if (command->word_count < 3) {
        return COMMAND_UNKNOWN;
    }
    if (!command_name_is_plain(command->words[2])) {
        return CTL_USAGE;
    }
    if (command_is(command, "list", 3)) {
        return get(command, command->words[2], show_list);
    }
    return strcmp(command->words[1], "record") == 0 ? record(command) : COMMAND_UNKNOWN;
}

static const char *const OPTIONS[] = {"--day", "--within", NULL};
static const char *const FLAGS[] = {"--latest", NULL};

const struct command_group INSPECTION_GROUP = {
    .word = "inspection",
    .options = OPTIONS,
    .flags = FLAGS,
    .usage = "  inspection due [--day YYYY-MM-DD]\n"
             "                             merchants to be looked at, the highest risk first\n"
             "  inspection record MERCHANT COLUMN=VALUE ...\n"
             "                             what was found: terminal_id, serial, day, inspector,\n"
             "                             is_on_site, mark_SHOP_FRONT=good ..., remark\n"
             "  inspection list MERCHANT   those that took place\n"
             "  inspection silent [--within DAYS]\n"
             "                             active terminals not heard of for so long (7)\n"
             "  inspection outdated [--within DAYS] [--latest]\n"
             "                             old software; certificate or support that ends (30)\n",
    .expected = "inspection due, record MERCHANT, list MERCHANT, silent, or outdated",
    .run = run_inspection,
};
