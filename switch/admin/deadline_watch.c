/* See deadline_watch.h. */
#include "switch/admin/deadline_watch.h"

#include <pthread.h>
#include <stdbool.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <time.h>

struct watched {
    int descriptor; /* -1: the place is free */
    time_t due_s;
};

struct deadline_watch {
    pthread_mutex_t mutex; /* guards all below */
    pthread_cond_t ending;
    bool is_ending;
    uint32_t count_max, allowed_s;
    pthread_t thread;
    struct watched places[];
};

static time_t clock_s(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return now.tv_sec;
}

static void shut_overdue(struct deadline_watch *watch)
{
    time_t now_s = clock_s();
    for (uint32_t i = 0; i < watch->count_max; i++) {
        if (watch->places[i].descriptor >= 0 && watch->places[i].due_s <= now_s) {
            shutdown(watch->places[i].descriptor, SHUT_RDWR);
        }
    }
}

static void *watch_run(void *argument)
{
    struct deadline_watch *watch = argument;
    pthread_mutex_lock(&watch->mutex);
    while (!watch->is_ending) {
        struct timespec until;
        clock_gettime(CLOCK_REALTIME, &until);
        until.tv_sec += 1;
        pthread_cond_timedwait(&watch->ending, &watch->mutex, &until);
        shut_overdue(watch);
    }
    pthread_mutex_unlock(&watch->mutex);
    return NULL;
}

struct deadline_watch *deadline_watch_create(uint32_t count_max, uint32_t allowed_s)
{
    struct deadline_watch *watch = calloc(1, sizeof(*watch) + count_max * sizeof(struct watched));
    if (watch == NULL) {
        return NULL;
    }
    watch->count_max = count_max;
    watch->allowed_s = allowed_s;
    for (uint32_t i = 0; i < count_max; i++) {
        watch->places[i].descriptor = -1;
    }
    pthread_mutex_init(&watch->mutex, NULL);
    pthread_cond_init(&watch->ending, NULL);
    if (pthread_create(&watch->thread, NULL, watch_run, watch) != 0) {
        free(watch);
        return NULL;
    }
    return watch;
}

void deadline_watch_destroy(struct deadline_watch *watch)
{
    pthread_mutex_lock(&watch->mutex);
    watch->is_ending = true;
    pthread_cond_signal(&watch->ending);
    pthread_mutex_unlock(&watch->mutex);
    pthread_join(watch->thread, NULL);
    pthread_cond_destroy(&watch->ending);
    pthread_mutex_destroy(&watch->mutex);
    free(watch);
}

int deadline_watch_enroll(struct deadline_watch *watch, int descriptor)
{
    int place = -1;
    pthread_mutex_lock(&watch->mutex);
    for (uint32_t i = 0; i < watch->count_max && place < 0; i++) {
        if (watch->places[i].descriptor < 0) {
            watch->places[i] = (struct watched){descriptor, clock_s() + watch->allowed_s};
            place = (int)i;
        }
    }
    pthread_mutex_unlock(&watch->mutex);
    return place;
}

void deadline_watch_renew(struct deadline_watch *watch, int place)
{
    pthread_mutex_lock(&watch->mutex);
    watch->places[place].due_s = clock_s() + watch->allowed_s;
    pthread_mutex_unlock(&watch->mutex);
}

void deadline_watch_leave(struct deadline_watch *watch, int place)
{
    pthread_mutex_lock(&watch->mutex);
    watch->places[place].descriptor = -1;
    pthread_mutex_unlock(&watch->mutex);
}
