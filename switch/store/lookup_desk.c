/* Two locks: `searching` is held while a search runs and while a segment changes its form; `mutex`
 * guards the lists of questions, for moments only. See lookup_desk.h. */
#include "switch/store/lookup_desk.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

#include "protocols/base/require.h"
#include "switch/net/log.h"

#define ANSWER_COUNT 16 /* answers that wait to be taken; the thread waits for a free one */

struct answer_room {
    struct answer_room *next;
    struct record records[LOOKUP_RECORD_COUNT_MAX];
};

struct lookup_job {
    struct lookup_job *next;
    struct lookup_query query;
    lookup_on_found *on_found;
    void *argument;
    bool is_failed;
    uint32_t count;
    struct answer_room *room; /* while it is searched and until the answer is taken */
};

struct job_list {
    struct lookup_job *first, *last;
};

struct lookup_desk {
    pthread_mutex_t searching; /* guards the scope */
    struct log_place place;
    struct log_scope scope;
    struct tail_index *newest; /* of the thread that takes rows; never dropped while newest */

    pthread_mutex_t mutex; /* guards the next five */
    pthread_cond_t has_work;
    struct job_list free_jobs, waiting, done;
    struct answer_room *free_rooms;
    bool is_stopping;
    atomic_uint done_count;

    void (*on_ready)(void *argument);
    void *argument;
    pthread_t thread;
    bool has_thread;
    struct lookup_job jobs[LOOKUP_UNDER_WAY_MAX];
    struct answer_room rooms[ANSWER_COUNT];
};

static void list_append(struct job_list *list, struct lookup_job *job)
{
    job->next = NULL;
    if (list->last == NULL) {
        list->first = job;
    } else {
        list->last->next = job;
    }
    list->last = job;
}

static struct lookup_job *list_take(struct job_list *list)
{
    struct lookup_job *job = list->first;
    if (job != NULL) {
        list->first = job->next;
        list->last = list->first == NULL ? NULL : list->last;
    }
    return job;
}

struct lookup_desk *lookup_desk_create(const struct log_place *place, uint32_t sealed_first,
                                       uint32_t sealed_last)
{
    struct lookup_desk *desk = calloc(1, sizeof(*desk));
    if (desk == NULL) {
        return NULL;
    }
    pthread_mutex_init(&desk->searching, NULL);
    pthread_mutex_init(&desk->mutex, NULL);
    pthread_cond_init(&desk->has_work, NULL);
    desk->place = *place;
    desk->scope.shelf = log_shelf_create(place);
    desk->scope.sealed_first = sealed_first;
    desk->scope.sealed_last = sealed_last;
    for (uint32_t i = 0; i < LOOKUP_UNDER_WAY_MAX; i++) {
        list_append(&desk->free_jobs, &desk->jobs[i]);
    }
    for (uint32_t i = 0; i < ANSWER_COUNT; i++) {
        desk->rooms[i].next = desk->free_rooms;
        desk->free_rooms = &desk->rooms[i];
    }
    if (desk->scope.shelf == NULL) {
        lookup_desk_destroy(desk);
        return NULL;
    }
    return desk;
}

void lookup_desk_destroy(struct lookup_desk *desk)
{
    if (desk == NULL) {
        return;
    }
    REQUIRE(!desk->has_thread);
    for (uint32_t i = 0; i < desk->scope.tail_count; i++) {
        tail_index_destroy(desk->scope.tails[i].index);
    }
    log_shelf_destroy(desk->scope.shelf);
    pthread_cond_destroy(&desk->has_work);
    pthread_mutex_destroy(&desk->mutex);
    pthread_mutex_destroy(&desk->searching);
    free(desk);
}

/* --- what is searched --------------------------------------------------------------------- */

void lookup_desk_add_tail(struct lookup_desk *desk, uint32_t ordinal, uint64_t first_position,
                          uint32_t row_count)
{
    struct tail_index *index = row_count == 0 ? NULL : tail_index_create(first_position, row_count);
    pthread_mutex_lock(&desk->searching);
    REQUIRE(desk->scope.tail_count < LOG_TAIL_COUNT_MAX);
    desk->scope.tails[desk->scope.tail_count].ordinal = ordinal;
    desk->scope.tails[desk->scope.tail_count].index = index;
    desk->scope.tail_count++;
    desk->newest = index;
    pthread_mutex_unlock(&desk->searching);
}

void lookup_desk_take(struct lookup_desk *desk, const struct record *record)
{
    if (desk->newest != NULL) {
        tail_index_take(desk->newest, record);
    }
}

enum status lookup_desk_alone(struct lookup_desk *desk, uint32_t ordinal,
                              enum status (*change)(void *argument, uint32_t ordinal, char *reason),
                              void *argument, char *reason)
{
    pthread_mutex_lock(&desk->searching);
    log_shelf_drop(desk->scope.shelf, ordinal);
    enum status status = change(argument, ordinal, reason);
    pthread_mutex_unlock(&desk->searching);
    return status;
}

void lookup_desk_seal(struct lookup_desk *desk, uint32_t ordinal)
{
    struct log_scope *scope = &desk->scope;
    struct tail_index *index = NULL;
    pthread_mutex_lock(&desk->searching);
    scope->sealed_first = scope->sealed_first == 0 ? ordinal : scope->sealed_first;
    scope->sealed_last = ordinal;
    if (scope->tail_count > 1 && scope->tails[0].ordinal == ordinal) {
        index = scope->tails[0].index;
        scope->tail_count--;
        memmove(&scope->tails[0], &scope->tails[1], scope->tail_count * sizeof(scope->tails[0]));
    }
    pthread_mutex_unlock(&desk->searching);
    tail_index_destroy(index);
}

void lookup_desk_forget(struct lookup_desk *desk, uint32_t ordinal)
{
    pthread_mutex_lock(&desk->searching);
    desk->scope.sealed_first = ordinal + 1;
    pthread_mutex_unlock(&desk->searching);
}

/* --- searching ---------------------------------------------------------------------------- */

/* An index could not be made: what is not found may be there. */
static bool scope_is_blind(const struct lookup_desk *desk)
{
    for (uint32_t i = 0; i < desk->scope.tail_count; i++) {
        if (desk->scope.tails[i].index == NULL ||
            tail_index_is_broken(desk->scope.tails[i].index)) {
            return true;
        }
    }
    return false;
}

static void search(struct lookup_desk *desk, struct lookup_job *job)
{
    char reason[LOG_REASON_SIZE] = "no memory for the index of the open segment";
    struct log_finding finding;
    struct log_found found = {.records = job->room->records, .room = LOOKUP_RECORD_COUNT_MAX};
    pthread_mutex_lock(&desk->searching);
    log_scope_trim(&desk->scope, &desk->place);
    enum status status = scope_is_blind(desk)
                             ? STATUS_NO_MEMORY
                             : log_gather_find(&desk->scope, &job->query, &finding, reason);
    if (status == STATUS_OK && finding.txn.seq != 0) {
        status = log_gather_story(&desk->scope, &finding, &found, reason);
    }
    pthread_mutex_unlock(&desk->searching);
    job->is_failed = status != STATUS_OK;
    job->count = job->is_failed ? 0 : found.count;
    if (job->is_failed) {
        LOG(LOG_ERROR, "log_lookup_failed", LOG_TEXT("text", reason));
    }
}

/* Waits for a question and for room for its answer. NULL: stopping. */
static struct lookup_job *take_job(struct lookup_desk *desk)
{
    pthread_mutex_lock(&desk->mutex);
    while (!desk->is_stopping && (desk->waiting.first == NULL || desk->free_rooms == NULL)) {
        pthread_cond_wait(&desk->has_work, &desk->mutex);
    }
    struct lookup_job *job = desk->is_stopping ? NULL : list_take(&desk->waiting);
    if (job != NULL) {
        job->room = desk->free_rooms;
        desk->free_rooms = job->room->next;
    }
    pthread_mutex_unlock(&desk->mutex);
    return job;
}

static void *desk_run(void *argument)
{
    struct lookup_desk *desk = argument;
    struct lookup_job *job;
    while ((job = take_job(desk)) != NULL) {
        search(desk, job);
        pthread_mutex_lock(&desk->mutex);
        list_append(&desk->done, job);
        atomic_fetch_add(&desk->done_count, 1);
        pthread_mutex_unlock(&desk->mutex);
        desk->on_ready(desk->argument);
    }
    return NULL;
}

enum status lookup_desk_start(struct lookup_desk *desk, void (*on_ready)(void *argument),
                              void *argument)
{
    REQUIRE(!desk->has_thread);
    desk->on_ready = on_ready;
    desk->argument = argument;
    desk->has_thread = pthread_create(&desk->thread, NULL, desk_run, desk) == 0;
    return desk->has_thread ? STATUS_OK : STATUS_BROKEN;
}

bool lookup_desk_ask(struct lookup_desk *desk, const struct lookup_query *query,
                     lookup_on_found *on_found, void *argument)
{
    pthread_mutex_lock(&desk->mutex);
    struct lookup_job *job = list_take(&desk->free_jobs);
    if (job != NULL) {
        job->query = *query;
        job->on_found = on_found;
        job->argument = argument;
        job->room = NULL;
        list_append(&desk->waiting, job);
    }
    pthread_mutex_unlock(&desk->mutex);
    if (job != NULL) {
        pthread_cond_signal(&desk->has_work);
    }
    return job != NULL;
}

void lookup_desk_deliver(struct lookup_desk *desk)
{
    while (atomic_load(&desk->done_count) > 0) {
        pthread_mutex_lock(&desk->mutex);
        struct lookup_job *job = desk->done.first;
        pthread_mutex_unlock(&desk->mutex);
        struct lookup_answer answer = {job->is_failed, job->room->records, job->count};
        if (!job->on_found(job->argument, &answer)) {
            return;
        }
        pthread_mutex_lock(&desk->mutex);
        list_take(&desk->done);
        atomic_fetch_sub(&desk->done_count, 1);
        job->room->next = desk->free_rooms;
        desk->free_rooms = job->room;
        list_append(&desk->free_jobs, job);
        pthread_mutex_unlock(&desk->mutex);
        pthread_cond_signal(&desk->has_work);
    }
}

void lookup_desk_stop(struct lookup_desk *desk)
{
    if (!desk->has_thread) {
        return;
    }
    pthread_mutex_lock(&desk->mutex);
    desk->is_stopping = true;
    pthread_mutex_unlock(&desk->mutex);
    pthread_cond_broadcast(&desk->has_work);
    pthread_join(desk->thread, NULL);
    desk->has_thread = false;
}
