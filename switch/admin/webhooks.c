/* See webhooks.h. */
#include "switch/admin/webhooks.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <curl/curl.h>

#include "config/server_options.h"
#include "protocols/base/require.h"
#include "switch/admin/webhook_turn.h"

#define ENROLL_EVERY_MS 1000u

_Static_assert(sizeof(((struct metrics_webhook *)0)->name) >= WEBHOOK_NAME_SIZE, "names fit");

_Static_assert(sizeof(((struct metrics_own *)0)->webhooks) ==
                   OPTION_WEBHOOK_COUNT_MAX * sizeof(struct metrics_webhook),
               "metrics have room for all webhooks");

struct webhooks_seat {
    struct webhooks *all;
    struct webhook hook;
    pthread_t thread;
    bool has_thread;
};

struct webhooks {
    struct webhook_options options[OPTION_WEBHOOK_COUNT_MAX];
    char names[OPTION_WEBHOOK_COUNT_MAX][WEBHOOK_NAME_SIZE];
    struct desk_share *desk; /* borrowed */
    pthread_mutex_t mutex;   /* of the condition */
    pthread_cond_t ends;
    atomic_bool is_ending;
    uint32_t count;
    struct webhooks_seat seats[OPTION_WEBHOOK_COUNT_MAX];
};

/* Until the time has passed, or all end. */
static void rest(struct webhooks *webhooks, uint32_t pause_ms)
{
    struct timespec until;
    clock_gettime(CLOCK_REALTIME, &until);
    until.tv_sec += pause_ms / 1000;
    until.tv_nsec += (long)(pause_ms % 1000) * 1000000;
    if (until.tv_nsec >= 1000000000) {
        until.tv_sec++;
        until.tv_nsec -= 1000000000;
    }
    pthread_mutex_lock(&webhooks->mutex);
    if (!webhooks->is_ending && pause_ms > 0) {
        pthread_cond_timedwait(&webhooks->ends, &webhooks->mutex, &until);
    }
    pthread_mutex_unlock(&webhooks->mutex);
}

/* All at once, whoever is first: the book is the same however often it is told. */
static bool enroll(struct webhooks_seat *seat)
{
    char reason[DESK_SHARE_REASON_SIZE];
    struct webhook *hook = &seat->hook;
    struct desk *desk = desk_share_take(hook->desk, reason);
    bool is_done = false;
    if (desk != NULL) {
        is_done = webhook_book_enroll(desk, (const char(*)[WEBHOOK_NAME_SIZE])seat->all->names,
                                      seat->all->count) == STATUS_OK;
        snprintf(reason, sizeof(reason), "%.500s", desk_reason(desk));
        desk_share_give(hook->desk);
    }
    if (!is_done && !hook->is_desk_missed) {
        webhook_say(hook, "it waits for the desk: %.400s", reason);
    }
    hook->is_desk_missed = !is_done;
    return is_done;
}

static void *seat_run(void *argument)
{
    struct webhooks_seat *seat = argument;
    while (!seat->all->is_ending && !enroll(seat)) {
        rest(seat->all, ENROLL_EVERY_MS);
    }
    while (!seat->all->is_ending) {
        rest(seat->all, webhook_turn(&seat->hook));
    }
    return NULL;
}

static bool seat_open(struct webhooks *webhooks, const struct webhooks_setup *setup, uint32_t index,
                      char *reason)
{
    char why[WEBHOOK_REASON_SIZE - 64];
    struct webhooks_seat *seat = &webhooks->seats[index];
    const struct webhook_options *options = &webhooks->options[index];
    webhooks->options[index] = setup->options[index];
    seat->all = webhooks;
    seat->hook.options = options;
    seat->hook.desk = setup->desk;
    seat->hook.is_ending = &webhooks->is_ending;
    memcpy(webhooks->names[index], options->name, WEBHOOK_NAME_SIZE);
    if (!webhook_open(&seat->hook, reason)) {
        snprintf(why, sizeof(why), "%.*s", (int)sizeof(why) - 1, reason);
        snprintf(reason, WEBHOOK_REASON_SIZE, "webhook %s: secret_file: %s", options->name, why);
        return false;
    }
    webhooks->count++;
    return true;
}

struct webhooks *webhooks_create(const struct webhooks_setup *setup,
                                 char reason[WEBHOOK_REASON_SIZE])
{
    struct webhooks *webhooks = calloc(1, sizeof(*webhooks));
    REQUIRE(setup->count <= OPTION_WEBHOOK_COUNT_MAX);
    snprintf(reason, WEBHOOK_REASON_SIZE, "webhooks: no memory");
    if (webhooks == NULL || curl_global_init(CURL_GLOBAL_DEFAULT) != CURLE_OK) {
        free(webhooks);
        return NULL;
    }
    webhooks->desk = setup->desk;
    pthread_mutex_init(&webhooks->mutex, NULL);
    pthread_cond_init(&webhooks->ends, NULL);
    for (uint32_t i = 0; i < setup->count; i++) {
        if (!seat_open(webhooks, setup, i, reason)) {
            webhooks_destroy(webhooks);
            return NULL;
        }
    }
    return webhooks;
}

bool webhooks_start(struct webhooks *webhooks)
{
    for (uint32_t i = 0; i < webhooks->count; i++) {
        struct webhooks_seat *seat = &webhooks->seats[i];
        seat->has_thread = pthread_create(&seat->thread, NULL, seat_run, seat) == 0;
        if (!seat->has_thread) {
            return false;
        }
    }
    return true;
}

void webhooks_rest(struct webhooks *webhooks)
{
    pthread_mutex_lock(&webhooks->mutex);
    webhooks->is_ending = true;
    pthread_cond_broadcast(&webhooks->ends);
    pthread_mutex_unlock(&webhooks->mutex);
    for (uint32_t i = 0; i < webhooks->count; i++) {
        if (webhooks->seats[i].has_thread) {
            pthread_join(webhooks->seats[i].thread, NULL);
        }
        webhooks->seats[i].has_thread = false;
    }
    webhooks->is_ending = false;
}

void webhooks_leave(struct webhooks *webhooks)
{
    char reason[DESK_SHARE_REASON_SIZE];
    struct desk *desk = desk_share_take(webhooks->desk, reason);
    bool is_told = desk != NULL && webhook_book_enroll(desk, NULL, 0) == STATUS_OK;
    if (desk != NULL && !is_told) {
        snprintf(reason, sizeof(reason), "%.500s", desk_reason(desk));
    }
    if (!is_told) {
        fprintf(stderr, "tillway-admin: webhooks are listed still: %s\n", reason);
    }
    if (desk != NULL) {
        desk_share_give(webhooks->desk);
    }
}

void webhooks_destroy(struct webhooks *webhooks)
{
    if (webhooks == NULL) {
        return;
    }
    webhooks_rest(webhooks);
    for (uint32_t i = 0; i < webhooks->count; i++) {
        webhook_close(&webhooks->seats[i].hook);
    }
    pthread_cond_destroy(&webhooks->ends);
    pthread_mutex_destroy(&webhooks->mutex);
    free(webhooks);
    curl_global_cleanup();
}

uint32_t webhooks_tally(const struct webhooks *webhooks,
                        struct metrics_webhook tallies[METRICS_WEBHOOK_COUNT_MAX])
{
    for (uint32_t i = 0; i < webhooks->count; i++) {
        const struct webhook *hook = &webhooks->seats[i].hook;
        bool has_looked = hook->has_looked; /* before given_up, which is there once it has */
        tallies[i] = (struct metrics_webhook){.delivered = hook->outcomes[WEBHOOK_DELIVERED],
                                              .failed = hook->outcomes[WEBHOOK_FAILED],
                                              .gone = hook->outcomes[WEBHOOK_GONE],
                                              .waiting = hook->waiting,
                                              .letters = hook->letters,
                                              .given_up = hook->given_up,
                                              .is_up = hook->is_up,
                                              .has_looked = has_looked};
        snprintf(tallies[i].name, sizeof(tallies[i].name), "%s", hook->options->name);
    }
    return webhooks->count;
}
