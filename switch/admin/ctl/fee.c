/* Why a payment cost what it cost, and what past ones would cost by another fees file. */
#include <stdio.h>
#include <string.h>

#include "switch/admin/ctl/command.h"

static void show_lines(const json_t *json)
{
    table_write_lines(stdout, json_object_get(json, "lines"));
}

static const struct table_column SUMS[] = {
    {"merchant_id", "merchant_id"},   {"count", "count"},
    {"changed", "changed"},           {"amount", "amount"},
    {"charged_fee", "charged_fee"},   {"tried_fee", "tried_fee"},
    {"difference", "difference"},     {"charged_margin", "charged_margin"},
    {"tried_margin", "tried_margin"}, {"tried_losses", "tried_losses"},
    {"tried_loss", "tried_loss"},     {NULL, NULL}};
enum { SUM_COUNT = sizeof(SUMS) / sizeof(SUMS[0]) };

/* In minor units, for a spreadsheet or a script. */
static void show_csv(const json_t *json)
{
    const json_t *faults = json_object_get(json, "faults");
    if (faults != NULL) {
        table_write_lines(stderr, faults);
        return;
    }
    table_write_csv(stdout, json_object_get(json_object_get(json, "result"), "merchants"), SUMS);
}

/* The same columns under the plan's name. */
static void show_plans(const json_t *plans)
{
    struct table_column columns[SUM_COUNT];
    memcpy(columns, SUMS, sizeof(columns));
    columns[0] = (struct table_column){"plan", "plan"};
    table_write(stdout, plans, columns);
}

static void show_dry_run(const json_t *json)
{
    const json_t *result = json_object_get(json, "result");
    table_write_lines(stderr, json_object_get(json, "faults"));
    if (result == NULL) {
        fprintf(stderr, "tillwayctl: %s\n", json_string_value(json_object_get(json, "text")));
        return;
    }
    show_lines(result);
    puts("\nby plan, in minor units:");
    show_plans(json_object_get(result, "plans"));
    puts("\nby merchant, in minor units:");
    table_write(stdout, json_object_get(result, "merchants"), SUMS);
}

static int run_fee(const struct command *command)
{
    char path[COMMAND_PATH_SIZE];
    if (command_is(command, "dry-run", 3)) {
        return command_dry_run(command, "fee",
                               command_has_flag(command, "--csv") ? show_csv : show_dry_run);
    }
    if (!command_is(command, "explain", 3) || command->option_count > 0) {
        return COMMAND_UNKNOWN;
    }
    if (!command_id_is_plain(command->words[2])) {
        return CTL_USAGE;
    }
    snprintf(path, sizeof(path), "/api/v1/fees/%s", command->words[2]);
    return command_get(command, path, show_lines);
}

static const char *const OPTIONS[] = {"--from", "--to", NULL};
static const char *const FLAGS[] = {"--csv", NULL};

const struct command_group FEE_GROUP = {
    .word = "fee",
    .options = OPTIONS,
    .flags = FLAGS,
    .usage = "  fee explain RRN            why it cost what it cost: rules, inputs, each step\n"
             "  fee dry-run FEES.yaml [--from TIME] [--to TIME] [--csv]\n"
             "                             what past transactions would have cost by that file\n",
    .expected = "fee explain RRN, or fee dry-run FEES.yaml [--from TIME] [--to TIME] [--csv]",
    .run = run_fee,
};
