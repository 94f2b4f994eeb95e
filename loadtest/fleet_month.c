/* See fleet_month.h. */
#include "loadtest/fleet_month.h"

#include <errno.h>
#include <string.h>

#include "loadtest/month_town.h"

#define PATH_SIZE 512

static FILE *file_open(const char *folder, const char *name)
{
    char path[PATH_SIZE];
    int length = snprintf(path, sizeof path, "%s/%s", folder, name);
    FILE *file = length > 0 && (size_t)length < sizeof path ? fopen(path, "w") : NULL;
    if (file == NULL) {
        fprintf(stderr, "tillway-load: %s/%s cannot be written: %s\n", folder, name,
                strerror(errno));
    }
    return file;
}

/* False: it is not whole. NULL: it was never open. */
static bool file_close(FILE *file, const char *folder, const char *name)
{
    bool is_whole = file != NULL && ferror(file) == 0;
    bool is_closed = file != NULL && fclose(file) == 0;
    if (file != NULL && !(is_whole && is_closed)) {
        fprintf(stderr, "tillway-load: %s/%s is not complete: %s\n", folder, name, strerror(errno));
    }
    return is_whole && is_closed;
}

static void days_play(struct month *month)
{
    month_header_write(month->observations);
    month_faults_plan(month);
    for (uint32_t i = 0; i < month->options.day_count && !month->is_broken; i++) {
        int32_t day = MONTH_FIRST_DAY + (int32_t)i;
        month_day_play(month, day);
        /* a day's rows may be of the night that follows, none of the day before it */
        month_rows_write(month, month_wall_us((struct month_moment){day + 1, 0}));
    }
    month_rows_write(month, INT64_MAX);
}

static bool facts_write(const struct month *month, const char *folder)
{
    FILE *file = file_open(folder, "facts.csv");
    if (file != NULL) {
        month_facts_write(month, file);
    }
    return file_close(file, folder, "facts.csv");
}

static bool rules_write(const char *folder)
{
    FILE *file = file_open(folder, "anomalies.yaml");
    if (file != NULL) {
        month_rules_write(file);
    }
    return file_close(file, folder, "anomalies.yaml");
}

static bool summary_write(const struct month *month, const char *folder)
{
    FILE *file = file_open(folder, "month.csv");
    if (file != NULL) {
        fprintf(file, "terminals,days,seed,terminal_days,observations\n%u,%u,%llu,%llu,%llu\n",
                month->options.terminal_count, month->options.day_count,
                (unsigned long long)month->options.seed, (unsigned long long)month->terminal_days,
                (unsigned long long)month->position);
    }
    return file_close(file, folder, "month.csv");
}

enum status fleet_month_write(const struct fleet_month_options *options, const char *folder)
{
    struct month month = {.options = *options, .draw = draw_start(options->seed)};
    bool is_built = month_town_build(&month);
    month.observations = is_built ? file_open(folder, "observations.csv") : NULL;
    month.labels = is_built ? file_open(folder, "labels.csv") : NULL;
    if (month.observations != NULL && month.labels != NULL) {
        days_play(&month);
    }
    bool is_whole = file_close(month.observations, folder, "observations.csv");
    is_whole = file_close(month.labels, folder, "labels.csv") && is_whole;
    is_whole = is_whole && facts_write(&month, folder) && rules_write(folder) &&
               summary_write(&month, folder);
    bool is_out_of_memory = !is_built || month.is_broken;
    month_town_free(&month);
    return is_out_of_memory ? STATUS_NO_MEMORY : is_whole ? STATUS_OK : STATUS_BROKEN;
}
