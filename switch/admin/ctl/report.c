/* How brands, models, agents and service points do. */
#include <stdio.h>
#include <string.h>

#include "switch/admin/ctl/cells.h"
#include "switch/aftersales/registry_rows.h"

static const struct table_column COLUMNS[] = {{"name", "name"},
                                              {"terminals", "terminals"},
                                              {"cases", "cases"},
                                              {"failures", "failures"},
                                              {"failures_per_1000", "failures_per_1000"},
                                              {"answered", "answered"},
                                              {"answer_minutes", "answer_minutes"},
                                              {"answer_minutes_p90", "answer_minutes_p90"},
                                              {"repaired", "repaired"},
                                              {"repair_minutes", "repair_minutes"},
                                              {"repair_minutes_p90", "repair_minutes_p90"},
                                              {"repeats", "repeats"},
                                              {"reopenings", "reopenings"},
                                              {"scored", "scored"},
                                              {"score", "score"},
                                              {"points", "points"},
                                              {"areas", "areas"},
                                              {"areas_served", "areas_served"},
                                              {"points_per_area", "points_per_area"},
                                              {"parts", "parts"},
                                              {"parts_per_1000", "parts_per_1000"},
#define X(name, word, zh, en) {"parts_" word, "parts_of." word},
                                              PART_MAP(X)
#undef X
                                                  {"text", "text"},
                                              {NULL, NULL}};

static void show_csv(const json_t *json)
{
    table_write_csv(stdout, json_object_get(json, "items"), COLUMNS);
}

static void show_table(const json_t *json)
{
    static const struct table_column SHORT[] = {{"NAME", "name"},
                                                {"TERMINALS", "terminals"},
                                                {"FAILURES", "failures"},
                                                {"A 1000", "failures_per_1000"},
                                                {"ANSWER, MIN", "answer_minutes"},
                                                {"90 %", "answer_minutes_p90"},
                                                {"REPAIR, MIN", "repair_minutes"},
                                                {"90 %", "repair_minutes_p90"},
                                                {"PARTS", "parts"},
                                                {"REPEATS", "repeats"},
                                                {"REOPENED", "reopenings"},
                                                {"SCORE", "score"},
                                                {"POINTS", "points"},
                                                {"CITIES", "areas"},
                                                {"SERVED", "areas_served"},
                                                {"", "text"},
                                                {NULL, NULL}};
    const char *from = json_string_value(json_object_get(json, "from"));
    const char *to = json_string_value(json_object_get(json, "to"));
    printf("cases opened from %s to %s\n\n", from != NULL ? from : "", to != NULL ? to : "");
    table_write(stdout, json_object_get(json, "items"), SHORT);
    if (json_is_true(json_object_get(json, "has_more"))) {
        fputs("tillwayctl: there are more lines than are shown\n", stderr);
    }
}

static int run_report(const struct command *command)
{
    char path[CELLS_PATH_SIZE];
    if (command->word_count != 2) {
        return COMMAND_UNKNOWN;
    }
    if (!command_name_is_plain(command->words[1])) {
        return CTL_USAGE;
    }
    snprintf(path, sizeof(path), "/api/v1/reports/%s", command->words[1]);
    if (!cells_add_option(command, (const char *const[2]){"--from", "from"}, path) ||
        !cells_add_option(command, (const char *const[2]){"--to", "to"}, path)) {
        return CTL_USAGE;
    }
    return command_get(command, path, command_has_flag(command, "--csv") ? show_csv : show_table);
}

static const char *const OPTIONS[] = {"--from", "--to", NULL};
static const char *const FLAGS[] = {"--csv", NULL};

const struct command_group REPORT_GROUP = {
    .word = "report",
    .options = OPTIONS,
    .flags = FLAGS,
    .usage = "  report brand|model|agent|point [--from TIME] [--to TIME] [--csv]\n"
             "                             failures for 1,000 terminals, times, repeats, scores\n",
    .expected = "report brand, model, agent or point, with --from, --to, --csv",
    .run = run_report,
};
