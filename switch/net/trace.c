/* See trace.h. */
#include "switch/net/trace.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "protocols/base/require.h"

#define NS_PER_SECOND UINT64_C(1000000000)

struct trace_watch {
    struct trace_subject subject;
    uint64_t end_ns;
    uint64_t count;
    struct trace_entry *entries; /* owner; NULL: the place is free */
    bool is_over;                /* counted out of trace_watch_count */
};

atomic_uint trace_watch_count;

static pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;
static struct trace_watch watches[TRACE_WATCH_COUNT_MAX];

const char *trace_side_name(enum trace_side side)
{
    static const char *const NAMES[] = {
#define X(name, word) word,
        TRACE_SIDE_MAP(X)
#undef X
    };
    REQUIRE((unsigned)side < sizeof(NAMES) / sizeof(NAMES[0]));
    return NAMES[side];
}

static struct trace_watch *watch_find(const struct trace_subject *subject)
{
    for (uint32_t i = 0; i < TRACE_WATCH_COUNT_MAX; i++) {
        struct trace_watch *watch = &watches[i];
        if (watch->entries != NULL && watch->subject.side == subject->side &&
            strcmp(watch->subject.name, subject->name) == 0) {
            return watch;
        }
    }
    return NULL;
}

static void watch_finish(struct trace_watch *watch)
{
    if (!watch->is_over) {
        watch->is_over = true;
        atomic_fetch_sub(&trace_watch_count, 1);
    }
}

static void watch_forget(struct trace_watch *watch)
{
    watch_finish(watch);
    free(watch->entries);
    memset(watch, 0, sizeof(*watch));
}

/* A free place, or that of a watch whose time is over: nobody came for what it kept. */
static struct trace_watch *watch_take(uint64_t now_ns)
{
    for (uint32_t i = 0; i < TRACE_WATCH_COUNT_MAX; i++) {
        if (watches[i].entries == NULL) {
            return &watches[i];
        }
    }
    for (uint32_t i = 0; i < TRACE_WATCH_COUNT_MAX; i++) {
        if (now_ns >= watches[i].end_ns) {
            watch_forget(&watches[i]);
            return &watches[i];
        }
    }
    return NULL;
}

static enum status begin(const struct trace_subject *subject, uint64_t end_ns, uint64_t now_ns)
{
    struct trace_watch *watch = watch_find(subject);
    if (watch != NULL) {
        watch_forget(watch);
    }
    watch = watch_take(now_ns);
    if (watch == NULL) {
        return STATUS_NO_ROOM;
    }
    watch->entries = calloc(TRACE_KEPT_COUNT, sizeof(watch->entries[0]));
    if (watch->entries == NULL) {
        return STATUS_NO_MEMORY;
    }
    watch->subject = *subject;
    watch->end_ns = end_ns;
    atomic_fetch_add(&trace_watch_count, 1);
    return STATUS_OK;
}

enum status trace_begin(const struct trace_subject *subject, uint32_t seconds, uint64_t now_ns)
{
    REQUIRE(seconds > 0 && seconds <= TRACE_SECONDS_MAX);
    pthread_mutex_lock(&mutex);
    enum status status = begin(subject, now_ns + seconds * NS_PER_SECOND, now_ns);
    pthread_mutex_unlock(&mutex);
    return status;
}

bool trace_end(const struct trace_subject *subject)
{
    pthread_mutex_lock(&mutex);
    struct trace_watch *watch = watch_find(subject);
    if (watch != NULL) {
        watch_forget(watch);
    }
    pthread_mutex_unlock(&mutex);
    return watch != NULL;
}

void trace_close(void)
{
    pthread_mutex_lock(&mutex);
    for (uint32_t i = 0; i < TRACE_WATCH_COUNT_MAX; i++) {
        if (watches[i].entries != NULL) {
            watch_forget(&watches[i]);
        }
    }
    pthread_mutex_unlock(&mutex);
}

static void keep(struct trace_watch *watch, const struct trace_message *message)
{
    struct trace_entry *entry = &watch->entries[watch->count % TRACE_KEPT_COUNT];
    struct message parsed;
    struct message_fault fault;
    entry->number = ++watch->count;
    entry->wall_us = message->wall_us;
    entry->is_sent = message->is_sent;
    snprintf(entry->note, sizeof(entry->note), "%s", message->note == NULL ? "" : message->note);
    entry->text[0] = '\0';
    if (message->bytes.length == 0) {
        snprintf(entry->text, sizeof(entry->text), "%s",
                 message->text == NULL ? "" : message->text);
        return;
    }
    if (message_parse(&parsed, message->spec, message->bytes, &fault) == STATUS_OK) {
        message_describe(&parsed, entry->text, sizeof(entry->text));
    } else if (entry->note[0] == '\0') {
        snprintf(entry->note, sizeof(entry->note), "%s", fault.reason);
    }
}

void trace_put(const struct trace_message *message)
{
    pthread_mutex_lock(&mutex);
    struct trace_watch *watch = watch_find(&message->subject);
    if (watch != NULL && message->now_ns >= watch->end_ns) {
        watch_finish(watch);
    } else if (watch != NULL) {
        keep(watch, message);
    }
    pthread_mutex_unlock(&mutex);
}

static void read_entry(const struct trace_watch *watch, uint64_t after, struct trace_entry *entry,
                       bool *has_entry)
{
    uint64_t kept = watch->count < TRACE_KEPT_COUNT ? watch->count : TRACE_KEPT_COUNT;
    uint64_t first = watch->count - kept + 1;
    uint64_t wanted = after + 1 > first ? after + 1 : first;
    *has_entry = wanted <= watch->count;
    if (*has_entry) {
        *entry = watch->entries[(wanted - 1) % TRACE_KEPT_COUNT];
    }
}

bool trace_read(const struct trace_subject *subject, uint64_t after, uint64_t now_ns,
                struct trace_entry *entry, bool *has_entry, struct trace_state *state)
{
    pthread_mutex_lock(&mutex);
    struct trace_watch *watch = watch_find(subject);
    if (watch != NULL) {
        uint64_t left_ns = now_ns < watch->end_ns ? watch->end_ns - now_ns : 0;
        if (left_ns == 0) {
            watch_finish(watch);
        }
        state->is_watched = left_ns > 0;
        state->seconds_left = (uint32_t)((left_ns + NS_PER_SECOND - 1) / NS_PER_SECOND);
        state->count = watch->count;
        read_entry(watch, after, entry, has_entry);
    }
    pthread_mutex_unlock(&mutex);
    return watch != NULL;
}
