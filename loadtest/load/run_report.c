/* Members of the JSON only ever get more: its readers are other people's scripts. */
#include "loadtest/load/run_report.h"

#include <stdio.h>
#include <sys/utsname.h>
#include <unistd.h>

#include <openssl/opensslv.h>
#include <uv.h>

static void cpu_model(char model[128])
{
    char line[256];
    model[0] = '\0';
    FILE *file = fopen("/proc/cpuinfo", "r");
    if (file == NULL) {
        return;
    }
    while (fgets(line, sizeof line, file) != NULL) {
        if (sscanf(line, "model name : %127[^\n]", model) == 1) {
            break;
        }
    }
    fclose(file);
}

static json_t *environment_json(void)
{
    struct utsname system;
    char model[128];
    cpu_model(model);
    if (uname(&system) != 0) {
        system.release[0] = '\0';
    }
    return json_pack("{s:s, s:I, s:s, s:s, s:s}", "cpu", model, "cores",
                     (json_int_t)sysconf(_SC_NPROCESSORS_ONLN), "kernel", system.release, "openssl",
                     OPENSSL_VERSION_TEXT, "libuv", uv_version_string());
}

static json_t *head_json(const struct run_report *report)
{
    const struct run_options *o = report->options;
    bool is_open = !o->is_closed && o->idle <= 0;
    const char *mode = o->idle > 0 ? "idle" : o->is_closed ? "closed" : "open";
    return json_pack("{s:s, s:b, s:I, s:f, s:f, s:f, s:f, s:I, s:I, s:b, s:s, s:o}", "mode", mode,
                     "echo", (int)o->is_echo, "terminals", (json_int_t)o->terminals, "offered_tps",
                     is_open ? o->tps : 0.0, "seconds", o->seconds, "warmup_seconds", o->warmup,
                     "timeout_seconds", o->timeout, "seed", (json_int_t)o->seed, "ready",
                     (json_int_t)report->ready_count, "were_all_ready", (int)report->were_all_ready,
                     "connect", o->connect, "environment", environment_json());
}

static void line_print(const struct tally_counts *counts, bool is_valid)
{
    printf("sent %llu  approved %llu  declined %llu  unknown %llu  reversed %llu  dropped %llu%s\n",
           (unsigned long long)counts->sent, (unsigned long long)counts->approved,
           (unsigned long long)counts->declined, (unsigned long long)counts->unknown,
           (unsigned long long)counts->reversed, (unsigned long long)counts->dropped,
           is_valid ? "" : "  (not valid as a measurement: the fleet could not keep the rate)");
}

enum status run_report_write(const struct run_report *report, bool *is_valid)
{
    const struct tally_counts *counts = tally_counts(report->tally);
    *is_valid = report->were_all_ready && counts->dropped == 0 && !report->is_day_cut_short;
    line_print(counts, *is_valid);
    if (report->options->json == NULL) {
        return STATUS_OK;
    }
    json_t *result = tally_json(report->tally, head_json(report));
    if (result == NULL) {
        return STATUS_NO_MEMORY;
    }
    json_object_set_new(result, "valid", json_boolean(*is_valid));
    json_object_set_new(result, "profile",
                        report->options->profile == NULL ? json_null()
                                                         : json_string(report->options->profile));
    json_object_set_new(result, "day_complete", json_boolean(!report->is_day_cut_short));
    json_object_set_new(result, "window", window_json(report->window));
    int failed =
        json_dump_file(result, report->options->json, JSON_INDENT(1) | JSON_REAL_PRECISION(6));
    json_decref(result);
    if (failed != 0) {
        fprintf(stderr, "tillway-load: %s cannot be written\n", report->options->json);
        return STATUS_BROKEN;
    }
    return STATUS_OK;
}
