/* Who serves a terminal, and where it is mended. */
#include <stdio.h>
#include <string.h>

#include "switch/admin/ctl/cells.h"

static void show_near(const json_t *json)
{
    static const struct table_column POINTS[] = {
        {"POINT", "point_id"},     {"NAME", "name"},   {"METRES", "distance_m"},
        {"OPEN NOW", "is_open"},   {"HOURS", "hours"}, {"BRANDS", "brands"},
        {"SPARES", "spare_count"}, {"PHONE", "phone"}, {"ADDRESS", "address"},
        {"NOTE", "note"},          {NULL, NULL}};
    static const struct table_column CHANNELS[] = {{"CHANNEL", "name"},
                                                   {"KIND", "kind"},
                                                   {"CONTACT", "contact"},
                                                   {"OPEN NOW", "is_open"},
                                                   {"HOURS", "hours"},
                                                   {"NOTE", "note"},
                                                   {NULL, NULL}};
    static const struct table_column HEAD[] = {{"terminal", "terminal_id"},
                                               {"brand", "brand"},
                                               {"model", "model"},
                                               {"obtained through", "obtained"},
                                               {NULL, NULL}};
    table_write_one(stdout, json, HEAD);
    puts("\nserved by, in this order:");
    table_write_lines(stdout, json_object_get(json, "served_by"));
    putchar('\n');
    table_write(stdout, json_object_get(json, "channels"), CHANNELS);
    putchar('\n');
    table_write(stdout, json_object_get(json, "points"), POINTS);
}

static int run_service_point(const struct command *command)
{
    char path[CELLS_PATH_SIZE];
    if (!command_is(command, "near", 3)) {
        return COMMAND_UNKNOWN;
    }
    if (!command_id_is_plain(command->words[2])) {
        return CTL_USAGE;
    }
    snprintf(path, sizeof(path), "/api/v1/service-points/near/%s", command->words[2]);
    if (!cells_add_option(command, (const char *const[2]){"--part", "part"}, path)) {
        return CTL_USAGE;
    }
    return command_get(command, path, show_near);
}

static const char *const OPTIONS[] = {"--part", NULL};

const struct command_group SERVICE_POINT_GROUP = {
    .word = "service-point",
    .options = OPTIONS,
    .usage = "  service-point near TERMINAL [--part PART]\n"
             "                             who serves it, and the nearest three points that fit\n",
    .expected = "service-point near TERMINAL [--part PART]",
    .run = run_service_point,
};
