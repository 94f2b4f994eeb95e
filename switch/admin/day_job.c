/* See day_job.h. */
#include "switch/admin/day_job.h"

#include <pthread.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "switch/admin/text_json.h"
#include "switch/admin/wall_text.h"
#include "switch/desk/inspection_case.h"
#include "switch/desk/retire.h"

#define RETENTION "retention"
#define CALENDAR "calendar"
#define CHINA_US (INT64_C(8) * 3600 * 1000000)
#define DAY_US INT64_C(86400000000)
#define WHOLE_SIZE (2 * (DESK_SHARE_REASON_SIZE + 2)) /* what came of each duty */
#define COUNT_A_CALL 100 /* deletions, between which the end is looked for */

struct day_job {
    struct desk_share *share; /* borrowed */
    struct audit *audit;      /* borrowed; NULL: none */
    pthread_t thread;
    pthread_mutex_t mutex; /* guards the rest */
    pthread_cond_t waking;
    bool is_ending, is_awake, is_running, is_failed;
    int64_t ended_us; /* 0: never */
    struct retire_counts counts;
    uint32_t visit_count;
    char text[WHOLE_SIZE];
};

/* One of the day's duties: its name as an actor, what it does, and how. */
struct duty {
    const char *actor, *action;
    enum status (*run)(struct day_job *job, struct desk *desk, char *text);
};

static bool note(struct day_job *job, const struct duty *duty, const char *outcome,
                 const char *text)
{
    const struct audit_entry entry = {.actor = duty->actor,
                                      .role = "",
                                      .action = duty->action,
                                      .outcome = outcome,
                                      .address = "",
                                      .text = text};
    return job->audit != NULL && audit_write(job->audit, &entry) == STATUS_OK;
}

static bool is_ending(struct day_job *job)
{
    pthread_mutex_lock(&job->mutex);
    bool is_ending = job->is_ending;
    pthread_mutex_unlock(&job->mutex);
    return is_ending;
}

static void add_counts(struct retire_counts *sum, const struct retire_counts *counts)
{
    sum->cases += counts->cases;
    sum->flags += counts->flags;
    sum->places += counts->places;
    sum->inspections += counts->inspections;
    sum->events += counts->events;
    sum->dead_letters += counts->dead_letters;
    sum->merchants += counts->merchants;
}

static void say(char text[DESK_SHARE_REASON_SIZE], const struct retire_counts *sum)
{
    snprintf(text, DESK_SHARE_REASON_SIZE,
             "%u cases, %u flags, %u inspections, %u merchants' files, %u events, %u letters "
             "deleted, %u places made cities",
             sum->cases, sum->flags, sum->inspections, sum->merchants, sum->events,
             sum->dead_letters, sum->places);
}

static enum status retire_all(struct day_job *job, struct desk *desk, char *text)
{
    struct retire_rules rules;
    struct retire_counts counts;
    struct retire_counts sum = {0};
    const struct desk_actor by = {.actor = RETENTION, .wall_us = wall_text_now_us()};
    bool has_more = true;
    enum status status = STATUS_OK;
    retire_rules_default(&rules);
    rules.count_max = COUNT_A_CALL;
    while (status == STATUS_OK && has_more && !is_ending(job)) {
        status = desk_retire(desk, &rules, &by, &counts, &has_more);
        add_counts(&sum, &counts);
    }
    pthread_mutex_lock(&job->mutex);
    job->counts = sum;
    pthread_mutex_unlock(&job->mutex);
    say(text, &sum);
    return status;
}

static enum status open_visits(struct day_job *job, struct desk *desk, char *text)
{
    struct inspection_rules rules;
    const struct desk_actor by = {.actor = CALENDAR, .wall_us = wall_text_now_us()};
    uint32_t count = 0;
    inspection_rules_default(&rules);
    enum status status =
        inspection_case_visits(desk, &rules, (int32_t)((by.wall_us + CHINA_US) / DAY_US), &by,
                               DAY_JOB_VISIT_COUNT_MAX, &count);
    pthread_mutex_lock(&job->mutex);
    job->visit_count = count;
    pthread_mutex_unlock(&job->mutex);
    snprintf(text, DESK_SHARE_REASON_SIZE, "%u cases of inspections that are due", count);
    return status;
}

static const struct duty DUTIES[] = {
    {RETENTION, "retention of aftersales.db", retire_all},
    {CALENDAR, "cases of inspections that are due", open_visits},
};
enum { DUTY_COUNT = sizeof(DUTIES) / sizeof(DUTIES[0]) };
_Static_assert(WHOLE_SIZE >= DUTY_COUNT * (DESK_SHARE_REASON_SIZE + 2), "each has its sentence");

/* The first line is on disk before anything is done; `text` gets what came of it. */
static bool run_duty(struct day_job *job, struct desk *desk, const struct duty *duty, char *text)
{
    if (!note(job, duty, "begun", NULL)) {
        snprintf(text, DESK_SHARE_REASON_SIZE,
                 "the audit file cannot be written, so nothing is done");
        return false;
    }
    enum status status = duty->run(job, desk, text);
    if (status != STATUS_OK) {
        size_t length = strlen(text);
        snprintf(text + length, DESK_SHARE_REASON_SIZE - length, "; then %.300s",
                 desk_reason(desk));
    }
    if (!note(job, duty, status == STATUS_OK ? "done" : "failed", text)) {
        fprintf(stderr, "tillway-admin: the audit file cannot be written: %s: %s\n", duty->actor,
                text);
    }
    return status == STATUS_OK;
}

static void add_text(char whole[WHOLE_SIZE], const char *text)
{
    size_t length = strlen(whole);
    snprintf(whole + length, WHOLE_SIZE - length, "%s%s", length > 0 ? "; " : "", text);
}

static void run_once(struct day_job *job)
{
    char whole[WHOLE_SIZE] = "";
    struct desk *desk = desk_share_open(job->share, whole);
    bool is_good = desk != NULL;
    for (int i = 0; i < DUTY_COUNT && desk != NULL && !is_ending(job); i++) {
        char text[DESK_SHARE_REASON_SIZE] = "";
        is_good = run_duty(job, desk, &DUTIES[i], text) && is_good;
        add_text(whole, text);
    }
    if (!is_good) {
        fprintf(stderr, "tillway-admin: the daily work: %s\n", whole);
    }
    desk_close(desk);
    pthread_mutex_lock(&job->mutex);
    job->is_failed = !is_good;
    job->ended_us = wall_text_now_us();
    memcpy(job->text, whole, sizeof(job->text));
    pthread_mutex_unlock(&job->mutex);
}

/* Until it is time, or somebody asks; with the lock held. */
static void wait_for(struct day_job *job, time_t seconds)
{
    struct timespec until;
    int failed = 0;
    clock_gettime(CLOCK_REALTIME, &until);
    until.tv_sec += seconds;
    while (failed == 0 && !job->is_ending && !job->is_awake) {
        failed = pthread_cond_timedwait(&job->waking, &job->mutex, &until);
    }
}

static void *job_run(void *argument)
{
    struct day_job *job = argument;
    time_t wait_s = DAY_JOB_FIRST_S;
    pthread_mutex_lock(&job->mutex);
    while (!job->is_ending) {
        wait_for(job, wait_s);
        wait_s = DAY_JOB_EVERY_S;
        if (job->is_ending) {
            break;
        }
        job->is_awake = false;
        job->is_running = true;
        pthread_mutex_unlock(&job->mutex);
        run_once(job);
        pthread_mutex_lock(&job->mutex);
        job->is_running = false;
    }
    pthread_mutex_unlock(&job->mutex);
    return NULL;
}

struct day_job *day_job_create(struct desk_share *share, struct audit *audit)
{
    struct day_job *job = calloc(1, sizeof(*job));
    if (job == NULL) {
        return NULL;
    }
    job->share = share;
    job->audit = audit;
    pthread_mutex_init(&job->mutex, NULL);
    pthread_cond_init(&job->waking, NULL);
    if (pthread_create(&job->thread, NULL, job_run, job) != 0) {
        pthread_cond_destroy(&job->waking);
        pthread_mutex_destroy(&job->mutex);
        free(job);
        return NULL;
    }
    return job;
}

void day_job_destroy(struct day_job *job)
{
    if (job == NULL) {
        return;
    }
    pthread_mutex_lock(&job->mutex);
    job->is_ending = true;
    pthread_cond_signal(&job->waking);
    pthread_mutex_unlock(&job->mutex);
    pthread_join(job->thread, NULL);
    pthread_cond_destroy(&job->waking);
    pthread_mutex_destroy(&job->mutex);
    free(job);
}

enum status day_job_wake(struct day_job *job)
{
    pthread_mutex_lock(&job->mutex);
    bool is_busy = job->is_running || job->is_awake;
    job->is_awake = job->is_awake || !is_busy;
    pthread_cond_signal(&job->waking);
    pthread_mutex_unlock(&job->mutex);
    return is_busy ? STATUS_DUPLICATE : STATUS_OK;
}

static json_t *counts_json(const struct retire_counts *counts)
{
    return json_pack("{s:i, s:i, s:i, s:i, s:i, s:i, s:i}", "cases", (int)counts->cases, "flags",
                     (int)counts->flags, "places", (int)counts->places, "inspections",
                     (int)counts->inspections, "events", (int)counts->events, "dead_letters",
                     (int)counts->dead_letters, "merchants", (int)counts->merchants);
}

json_t *day_job_json(struct day_job *job)
{
    char ended[WALL_TEXT_SIZE] = "";
    pthread_mutex_lock(&job->mutex);
    bool is_busy = job->is_running || job->is_awake;
    const char *state = is_busy              ? "running"
                        : job->ended_us == 0 ? "idle"
                        : job->is_failed     ? "failed"
                                             : "done";
    if (job->ended_us != 0) {
        wall_text_format(ended, job->ended_us);
    }
    json_t *json = json_pack("{s:s, s:s, s:o, s:i, s:o}", "state", state, "ended", ended, "counts",
                             counts_json(&job->counts), "visits", (int)job->visit_count, "text",
                             text_json(job->text));
    pthread_mutex_unlock(&job->mutex);
    return json;
}
