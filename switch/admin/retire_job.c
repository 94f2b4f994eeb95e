/* See retire_job.h. */
#include "switch/admin/retire_job.h"

#include <pthread.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "switch/admin/text_json.h"
#include "switch/admin/wall_text.h"
#include "switch/desk/retire.h"

#define ACTOR "retention"
#define COUNT_A_CALL 100 /* deletions, between which the end is looked for */

struct retire_job {
    const struct desk_share *share; /* borrowed */
    struct audit *audit;            /* borrowed; NULL: none */
    pthread_t thread;
    pthread_mutex_t mutex; /* guards the rest */
    pthread_cond_t waking;
    bool is_ending, is_awake, is_running, is_failed;
    int64_t ended_us; /* 0: never */
    struct retire_counts counts;
    char text[DESK_SHARE_REASON_SIZE];
};

static bool note(struct retire_job *job, const char *outcome, const char *text)
{
    const struct audit_entry entry = {.actor = ACTOR,
                                      .role = "",
                                      .action = "retention of aftersales.db",
                                      .outcome = outcome,
                                      .address = "",
                                      .text = text};
    return job->audit != NULL && audit_write(job->audit, &entry) == STATUS_OK;
}

static bool is_ending(struct retire_job *job)
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

static enum status retire_all(struct retire_job *job, struct desk *desk, struct retire_counts *sum)
{
    struct retire_rules rules;
    struct retire_counts counts;
    struct desk_actor by = {.actor = ACTOR, .wall_us = wall_text_now_us()};
    bool has_more = true;
    enum status status = STATUS_OK;
    retire_rules_default(&rules);
    rules.count_max = COUNT_A_CALL;
    while (status == STATUS_OK && has_more && !is_ending(job)) {
        status = desk_retire(desk, &rules, &by, &counts, &has_more);
        add_counts(sum, &counts);
    }
    return status;
}

static void say(char text[DESK_SHARE_REASON_SIZE], const struct retire_counts *sum)
{
    snprintf(text, DESK_SHARE_REASON_SIZE,
             "%u cases, %u flags, %u inspections, %u merchants' files, %u events, %u letters "
             "deleted, %u places made cities",
             sum->cases, sum->flags, sum->inspections, sum->merchants, sum->events,
             sum->dead_letters, sum->places);
}

/* One day's work. The first line is on disk before anything is deleted. */
static void run_once(struct retire_job *job)
{
    struct retire_counts sum = {0};
    char text[DESK_SHARE_REASON_SIZE] = "";
    bool is_good = false;
    struct desk *desk = desk_share_open(job->share, text);
    if (desk != NULL && !note(job, "begun", NULL)) {
        snprintf(text, sizeof(text), "the audit file cannot be written, so nothing is deleted");
    } else if (desk != NULL) {
        enum status status = retire_all(job, desk, &sum);
        is_good = status == STATUS_OK;
        say(text, &sum);
        if (!is_good) {
            size_t length = strlen(text);
            snprintf(text + length, sizeof(text) - length, "; then %.300s", desk_reason(desk));
        }
        if (!note(job, is_good ? "done" : "failed", text)) {
            fprintf(stderr, "tillway-admin: the audit file cannot be written: retention: %s\n",
                    text);
        }
    }
    if (!is_good) {
        fprintf(stderr, "tillway-admin: retention: %s\n", text);
    }
    desk_close(desk);
    pthread_mutex_lock(&job->mutex);
    job->is_failed = !is_good;
    job->counts = sum;
    job->ended_us = wall_text_now_us();
    memcpy(job->text, text, sizeof(job->text));
    pthread_mutex_unlock(&job->mutex);
}

/* Until it is time, or somebody asks; with the lock held. */
static void wait_for(struct retire_job *job, time_t seconds)
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
    struct retire_job *job = argument;
    time_t wait_s = RETIRE_JOB_FIRST_S;
    pthread_mutex_lock(&job->mutex);
    while (!job->is_ending) {
        wait_for(job, wait_s);
        wait_s = RETIRE_JOB_EVERY_S;
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

struct retire_job *retire_job_create(const struct desk_share *share, struct audit *audit)
{
    struct retire_job *job = calloc(1, sizeof(*job));
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

void retire_job_destroy(struct retire_job *job)
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

enum status retire_job_wake(struct retire_job *job)
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

json_t *retire_job_json(struct retire_job *job)
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
    json_t *json = json_pack("{s:s, s:s, s:o, s:o}", "state", state, "ended", ended, "counts",
                             counts_json(&job->counts), "text", text_json(job->text));
    pthread_mutex_unlock(&job->mutex);
    return json;
}
