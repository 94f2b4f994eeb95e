/* See watch_duty.h. */
#include "switch/followup/watch_duty.h"

#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "protocols/base/require.h"
#include "switch/followup/log_follow.h"
#include "switch/followup/watch_feed.h"
#include "switch/followup/watch_image.h"
#include "switch/net/log.h"

#define NS_PER_MS UINT64_C(1000000)
#define US_PER_S INT64_C(1000000)
#define PAUSE_MIN_NS (500 * NS_PER_MS) /* after a failure; doubled each time */
#define PAUSE_MAX_NS (60000 * NS_PER_MS)
#define SINK_TIME_NS (1000 * NS_PER_MS)
#define REGISTRY_NS (2000 * NS_PER_MS)
/* A clock that is set back by less changes nothing. */
#define LATE_US (2 * US_PER_S)
/* An image is some thousand bytes a terminal. While one is written no row is watched, so it should
 * not take long either: of 10^6 terminals twenty seconds. */
#define IMAGE_BYTES_PER_S (64u << 20)
/* One is written all the same once it is so many times as old, if anything changed. */
#define IMAGE_AGE_MAX 12
/* What any signal looks back upon: a year without a payment, and a month more. */
#define MEMORY_US (400 * 86400 * US_PER_S)

/* What is tried again: when, and after which pause. */
struct retry {
    uint64_t due_ns, pause_ns;
};

struct watch_duty {
    struct watch_duty_setup setup;
    char folder[LOG_PATH_SIZE], log_folder[LOG_PATH_SIZE];
    struct watch_rules rules;
    struct watcher *watcher; /* owner, as the next three */
    struct log_follow *follow;
    struct fact_book *tables; /* of the configuration */
    struct fact_book *told;   /* to the watcher, with the registry's */
    struct watch_feed feed;
    bool is_open, must_learn, reads_log;
    uint64_t until_ns; /* of this turn */
    int64_t registry_version;
    uint64_t registry_due_ns, sink_time_due_ns;
    int64_t sink_told_us; /* the last time that the sink was told; 0: none yet */
    uint64_t position;    /* all rows up to here are offered to the feed, or say nothing */
    struct retry work, image;
    uint64_t image_position; /* what the image on disk knows */
    int64_t image_wall_us;
    uint64_t image_written_ns; /* when, or when it was read */
    atomic_ullong observations, flags, log_rows, failures, images, image_failures, lag_rows;
    atomic_llong lag_us;
    atomic_bool is_shown_open;
};

static uint64_t clock_ns(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (uint64_t)now.tv_sec * UINT64_C(1000000000) + (uint64_t)now.tv_nsec;
}

static int64_t wall_us(void)
{
    struct timespec now;
    clock_gettime(CLOCK_REALTIME, &now);
    return (int64_t)now.tv_sec * US_PER_S + now.tv_nsec / 1000;
}

/* --- life ---------------------------------------------------------------------------------- */

struct watch_duty *watch_duty_create(const struct watch_duty_setup *setup)
{
    struct watch_duty *duty = calloc(1, sizeof(*duty));
    if (duty == NULL || strlen(setup->folder) >= sizeof(duty->folder) - 32 ||
        strlen(setup->log_folder) >= sizeof(duty->log_folder)) {
        free(duty);
        return NULL;
    }
    duty->setup = *setup;
    memcpy(duty->folder, setup->folder, strlen(setup->folder) + 1);
    memcpy(duty->log_folder, setup->log_folder, strlen(setup->log_folder) + 1);
    duty->setup.folder = duty->folder;
    duty->setup.log_folder = duty->log_folder;
    duty->follow = log_follow_create(setup->log_folder);
    duty->watcher = watcher_create(&setup->limits);
    watch_rules_default(&duty->rules);
    if (duty->follow == NULL || duty->watcher == NULL) {
        watch_duty_destroy(duty);
        return NULL;
    }
    watch_feed_init(&duty->feed, duty->watcher, setup->sink);
    return duty;
}

void watch_duty_destroy(struct watch_duty *duty)
{
    if (duty != NULL) {
        watcher_destroy(duty->watcher);
        log_follow_destroy(duty->follow);
        fact_book_destroy(duty->tables);
        fact_book_destroy(duty->told);
        free(duty);
    }
}

void watch_duty_use(struct watch_duty *duty, const struct watch_words *words)
{
    duty->rules = *words->rules;
    watcher_set_rules(duty->watcher, words->rules);
    duty->setup.sink->use(duty->setup.sink->argument, words->case_rules);
    fact_book_destroy(duty->tables);
    duty->tables = words->tables;
    duty->must_learn = true;
}

/* --- what fails ---------------------------------------------------------------------------- */

static void retry_later(struct retry *retry)
{
    retry->pause_ns = retry->pause_ns == 0                 ? PAUSE_MIN_NS
                      : retry->pause_ns * 2 < PAUSE_MAX_NS ? retry->pause_ns * 2
                                                           : PAUSE_MAX_NS;
    retry->due_ns = clock_ns() + retry->pause_ns;
}

/* Answers false, for who says that its work is not done. */
static bool fail(struct watch_duty *duty, const char *what, const char *reason)
{
    retry_later(&duty->work);
    atomic_fetch_add_explicit(&duty->failures, 1, memory_order_relaxed);
    LOG(LOG_ERROR, "aftersales_waits", LOG_TEXT("what", what), LOG_TEXT("text", reason),
        LOG_NUMBER("again_ms", (int64_t)(duty->work.pause_ns / NS_PER_MS)));
    return false;
}

static bool sink_failed(struct watch_duty *duty, const char *what)
{
    return fail(duty, what, duty->setup.sink->reason(duty->setup.sink->argument));
}

/* Whether so many bytes more leave the log what is reserved for it. */
static bool disk_has_room(struct watch_duty *duty, uint64_t bytes)
{
    int64_t free_bytes = log_disk_free_bytes(duty->log_folder);
    bool is_short = free_bytes >= 0 && (uint64_t)free_bytes < duty->setup.reserve_bytes + bytes &&
                    log_disk_is_shared(duty->log_folder, duty->folder);
    return !is_short || fail(duty, "the disk",
                             "what is left beside the log (store.reserve_bytes) is for reversals: "
                             "make room");
}

/* --- what is registered -------------------------------------------------------------------- */

static bool learn(struct watch_duty *duty)
{
    const struct watch_sink *sink = duty->setup.sink;
    struct fact_book *book = fact_book_copy(duty->tables);
    if (book == NULL) {
        return fail(duty, "what is registered", "no memory");
    }
    if (sink->register_facts(sink->argument, book) != STATUS_OK) {
        fact_book_destroy(book);
        return sink_failed(duty, "what is registered");
    }
    uint32_t refused_count = fact_book_learn(book, duty->told, duty->watcher);
    if (refused_count > 0) {
        LOG(LOG_WARN, "aftersales_full", LOG_NUMBER("not_watched", refused_count),
            LOG_TEXT("text", "more terminals and merchants than there were places at the start"),
            LOG_TEXT("do", "restart: the watcher makes room, and reads the log anew"));
    }
    fact_book_destroy(duty->told);
    duty->told = book;
    duty->must_learn = false;
    return true;
}

/* The registry is looked at now and then; false: it cannot be. */
static bool facts_refresh(struct watch_duty *duty)
{
    const struct watch_sink *sink = duty->setup.sink;
    uint64_t now_ns = clock_ns();
    if (now_ns >= duty->registry_due_ns) {
        int64_t version = 0;
        duty->registry_due_ns = now_ns + REGISTRY_NS;
        if (sink->registry_version(sink->argument, &version) != STATUS_OK) {
            return sink_failed(duty, "the registry");
        }
        duty->must_learn = duty->must_learn || version != duty->registry_version;
        duty->registry_version = version;
    }
    return !duty->must_learn || learn(duty);
}

static uint64_t image_every_ns(const struct watch_duty *duty)
{
    return duty->setup.image_every_ms * NS_PER_MS;
}

/* --- the beginning ------------------------------------------------------------------------- */

/* Without an image all that any signal looks back upon is read; what the sink was told before it
 * knows. */
static bool begin_anew(struct watch_duty *duty, const char *why)
{
    char reason[LOG_REASON_SIZE] = "";
    struct watcher *watcher = watcher_create(&duty->setup.limits);
    if (watcher == NULL) {
        return fail(duty, "the watcher", "no memory");
    }
    watcher_destroy(duty->watcher);
    duty->watcher = watcher;
    watcher_set_rules(watcher, &duty->rules);
    watch_feed_init(&duty->feed, watcher, duty->setup.sink);
    if (log_follow_since(duty->follow, wall_us() - MEMORY_US, &duty->position, reason) !=
        STATUS_OK) {
        return fail(duty, "the log", reason);
    }
    LOG(LOG_NOTICE, "aftersales_anew", LOG_TEXT("text", why),
        LOG_NUMBER("from", (int64_t)duty->position + 1));
    return true;
}

/* An image that knows more rows than there are is of another log. */
static enum status image_read(struct watch_duty *duty, char *reason)
{
    struct ring_counts ring;
    enum status status = watch_image_read(duty->watcher, duty->folder, reason);
    observation_ring_count(duty->setup.ring, &ring);
    if (status == STATUS_OK && watcher_position(duty->watcher) > ring.position) {
        snprintf(reason, WATCH_IMAGE_REASON_SIZE,
                 "%.400s/" WATCH_IMAGE_NAME " knows of position %llu, and the log ends at %llu",
                 duty->folder, (unsigned long long)watcher_position(duty->watcher),
                 (unsigned long long)ring.position);
        return STATUS_BAD_VALUE;
    }
    return status;
}

static bool begin(struct watch_duty *duty)
{
    const struct watch_sink *sink = duty->setup.sink;
    char reason[WATCH_IMAGE_REASON_SIZE] = "";
    if (sink->open(sink->argument) != STATUS_OK) {
        return sink_failed(duty, "the database");
    }
    if (image_read(duty, reason) == STATUS_OK) {
        duty->position = watcher_position(duty->watcher);
        duty->image_position = duty->position;
        duty->image_wall_us = watcher_wall_us(duty->watcher);
    } else if (!begin_anew(duty, reason)) {
        return false;
    }
    fact_book_destroy(duty->told);
    duty->told = NULL;
    duty->must_learn = true;
    if (!facts_refresh(duty)) {
        return false;
    }
    duty->image_written_ns = clock_ns();
    duty->image.due_ns = duty->image_written_ns + image_every_ns(duty);
    duty->is_open = true;
    atomic_store(&duty->is_shown_open, true);
    LOG(LOG_NOTICE, "aftersales_watches", LOG_NUMBER("position", (int64_t)duty->position),
        LOG_NUMBER("rules", duty->rules.version));
    return true;
}

/* --- rows ---------------------------------------------------------------------------------- */

static bool feed_go(struct watch_duty *duty)
{
    enum status status = watch_feed_go(&duty->feed);
    atomic_store_explicit(&duty->observations, duty->feed.observation_count, memory_order_relaxed);
    atomic_store_explicit(&duty->flags, duty->feed.flag_count, memory_order_relaxed);
    return status == STATUS_OK || sink_failed(duty, "the database");
}

/* False: something failed, or the turn is over. */
static bool on_logged(void *argument, const struct observation *seen)
{
    struct watch_duty *duty = argument;
    watch_feed_offer(&duty->feed, seen);
    return feed_go(duty) && clock_ns() < duty->until_ns;
}

/* One stretch of the log towards `until`. False: something failed. */
static bool stretch_read(struct watch_duty *duty, uint64_t until)
{
    char reason[LOG_REASON_SIZE] = "";
    struct follow_reading reading = {
        .after = duty->position, .until = until, .on_observation = on_logged, .argument = duty};
    enum status status = log_follow_read(duty->follow, &reading, reason);
    atomic_fetch_add_explicit(&duty->log_rows, reading.row_count, memory_order_relaxed);
    if (reading.is_purged) {
        LOG(LOG_WARN, "aftersales_gap", LOG_NUMBER("after", (int64_t)reading.after),
            LOG_TEXT("text", "the rows that follow were removed with their segments before they "
                             "were watched"));
    }
    duty->position = reading.reached;
    if (status != STATUS_OK) {
        return fail(duty, "the log", reason);
    }
    if (!watch_feed_is_idle(&duty->feed)) {
        return false; /* said already */
    }
    /* What was told to be durable and cannot be read is nowhere. */
    return reading.reached > reading.after ||
           fail(duty, "the log", "rows that were written are not there");
}

static void lag_show(struct watch_duty *duty)
{
    struct ring_counts ring;
    observation_ring_count(duty->setup.ring, &ring);
    bool lags = ring.position > duty->position;
    atomic_store_explicit(&duty->lag_rows, lags ? ring.position - duty->position : 0,
                          memory_order_relaxed);
    int64_t behind_us = wall_us() - watcher_wall_us(duty->watcher);
    atomic_store_explicit(&duty->lag_us, lags && behind_us > 0 ? behind_us : 0,
                          memory_order_relaxed);
}

enum duty_step { DUTY_GOES_ON, DUTY_IS_DONE, DUTY_FAILED };

static enum duty_step rows_take(struct watch_duty *duty)
{
    struct observation seen;
    uint64_t until;
    enum ring_answer answer =
        observation_ring_take(duty->setup.ring, duty->position, &seen, &until);
    duty->reads_log = answer == RING_GAP;
    switch (answer) {
    case RING_OBSERVATION:
        duty->position = until;
        watch_feed_offer(&duty->feed, &seen);
        return feed_go(duty) ? DUTY_GOES_ON : DUTY_FAILED;
    case RING_GAP:
        return stretch_read(duty, until) ? DUTY_GOES_ON : DUTY_FAILED;
    case RING_EMPTY:
        duty->position = until;
        return DUTY_IS_DONE;
    }
    return DUTY_IS_DONE;
}

static enum status sink_time(struct watch_duty *duty, int64_t wall_us)
{
    uint64_t now_ns = clock_ns();
    duty->sink_time_due_ns = now_ns + SINK_TIME_NS;
    duty->sink_told_us = wall_us;
    return duty->setup.sink->time(duty->setup.sink->argument, wall_us, now_ns);
}

/* All that was seen is told. What cases are told is the switch's own clock, never what a row says:
 * a row of a clock that was ahead would end holds and be over due. False: the sink did not take it.
 */
static bool time_tell(struct watch_duty *duty)
{
    int64_t mark_us;
    if (!observation_ring_time(duty->setup.ring, duty->position, &mark_us)) {
        return true;
    }
    enum status status = watch_feed_time(&duty->feed, mark_us - LATE_US);
    atomic_store_explicit(&duty->flags, duty->feed.flag_count, memory_order_relaxed);
    if (status == STATUS_OK && clock_ns() >= duty->sink_time_due_ns) {
        status = sink_time(duty, mark_us);
    }
    return status == STATUS_OK || sink_failed(duty, "the database");
}

/* --- the image ----------------------------------------------------------------------------- */

/* Whether reading again what came since the last one takes longer than writing another one; or it
 * is old. At the end, whether anything came. */
static bool image_is_wanted(const struct watch_duty *duty, bool is_last)
{
    uint64_t position = watcher_position(duty->watcher);
    if (position == duty->image_position && watcher_wall_us(duty->watcher) == duty->image_wall_us) {
        return false;
    }
    uint64_t worth_rows = watch_image_bytes(duty->watcher) / WATCH_IMAGE_ROW_BYTES;
    return is_last || duty->image_position == 0 || position - duty->image_position >= worth_rows ||
           clock_ns() - duty->image_written_ns >= IMAGE_AGE_MAX * image_every_ns(duty);
}

/* EXPIRED: given up, which is said by nobody yet, since the end writes it after all if it can. */
static enum status image_write(struct watch_duty *duty, const struct file_pace *pace)
{
    char reason[WATCH_IMAGE_REASON_SIZE] = "";
    uint64_t position = watcher_position(duty->watcher);
    int64_t seen_us = watcher_wall_us(duty->watcher);
    enum status status = watch_image_write(duty->watcher, duty->folder, pace, reason);
    if (status == STATUS_EXPIRED) {
        return status;
    }
    if (status != STATUS_OK) {
        retry_later(&duty->image);
        atomic_fetch_add_explicit(&duty->image_failures, 1, memory_order_relaxed);
        LOG(LOG_ERROR, "aftersales_image", LOG_TEXT("text", reason),
            LOG_TEXT("do", "make room; until then a restart reads the log from an older position"));
        return status;
    }
    duty->image_written_ns = clock_ns();
    duty->image = (struct retry){duty->image_written_ns + image_every_ns(duty), 0};
    duty->image_position = position;
    duty->image_wall_us = seen_us;
    atomic_fetch_add_explicit(&duty->images, 1, memory_order_relaxed);
    return STATUS_OK;
}

/* What the image knows must be in the database first: a kill behind it tells those rows to nobody
 * again. Answers as image_write; every other failure is said. */
static enum status memory_keep(struct watch_duty *duty, const struct file_pace *pace)
{
    const struct watch_sink *sink = duty->setup.sink;
    if (!disk_has_room(duty, watch_image_bytes(duty->watcher))) {
        retry_later(&duty->image);
        return STATUS_BROKEN;
    }
    if (sink->flush(sink->argument) != STATUS_OK) {
        retry_later(&duty->image);
        (void)sink_failed(duty, "the database");
        return STATUS_BROKEN;
    }
    return image_write(duty, pace);
}

/* While an image is written the time stands still for cases, but what people did meanwhile in the
 * database is told on within a second, as ever. */
static bool rest_in_image(void *argument, uint64_t rest_ns)
{
    struct watch_duty *duty = argument;
    if (duty->sink_told_us != 0 && clock_ns() >= duty->sink_time_due_ns &&
        sink_time(duty, duty->sink_told_us) != STATUS_OK) {
        (void)sink_failed(duty, "the database");
    }
    return duty->setup.rest == NULL || duty->setup.rest(duty->setup.rest_argument, rest_ns);
}

static void memory_keep_now_and_then(struct watch_duty *duty)
{
    const struct file_pace pace = {IMAGE_BYTES_PER_S, rest_in_image, duty};
    if (clock_ns() < duty->image.due_ns) {
        return;
    }
    if (image_is_wanted(duty, false)) {
        (void)memory_keep(duty, &pace); /* again when it is due */
    } else {
        duty->image.due_ns = clock_ns() + image_every_ns(duty);
    }
}

/* --- turns --------------------------------------------------------------------------------- */

static bool may_work(struct watch_duty *duty)
{
    if (duty->tables == NULL || clock_ns() < duty->work.due_ns || !disk_has_room(duty, 0)) {
        return false;
    }
    if (!duty->is_open && !begin(duty)) {
        return false;
    }
    return facts_refresh(duty) && feed_go(duty);
}

bool watch_duty_turn(struct watch_duty *duty, uint64_t until_ns)
{
    enum duty_step step = DUTY_FAILED;
    duty->until_ns = until_ns;
    if (may_work(duty)) {
        do {
            step = rows_take(duty);
        } while (step == DUTY_GOES_ON && clock_ns() < until_ns);
        if (step == DUTY_IS_DONE) {
            step = time_tell(duty) ? DUTY_IS_DONE : DUTY_FAILED;
        }
        if (step != DUTY_FAILED) {
            duty->work = (struct retry){0, 0};
        }
    }
    if (duty->is_open) {
        lag_show(duty);
        if (watch_feed_is_idle(&duty->feed)) {
            memory_keep_now_and_then(duty);
        }
    }
    return step == DUTY_IS_DONE;
}

bool watch_duty_reads_log(const struct watch_duty *duty)
{
    return duty->reads_log;
}

static bool is_in_time(void *argument, uint64_t rest_ns)
{
    (void)rest_ns; /* nothing else is at the disk any more */
    return clock_ns() < *(const uint64_t *)argument;
}

void watch_duty_end(struct watch_duty *duty, uint64_t until_ns)
{
    duty->image.due_ns = UINT64_MAX; /* not in these turns, but below */
    while (!watch_duty_turn(duty, until_ns) && clock_ns() < until_ns && duty->work.due_ns == 0) {
    }
    if (!duty->is_open || !image_is_wanted(duty, true)) {
        return;
    }
    const struct file_pace pace = {.rest = is_in_time, .argument = &until_ns};
    if (!watch_feed_is_idle(&duty->feed) || memory_keep(duty, &pace) == STATUS_EXPIRED) {
        LOG(LOG_NOTICE, "aftersales_image",
            LOG_TEXT("text", "given up, to end in time; a restart reads the log from the image of "
                             "before"));
    }
}

void watch_duty_look(const struct watch_duty *duty, const char *terminal_id,
                     struct watch_look *look)
{
    *look = (struct watch_look){.is_open = duty->is_open};
    if (duty->is_open) {
        look->as_of_us = watcher_wall_us(duty->watcher);
        look->is_watched = watcher_terminal(duty->watcher, terminal_id, &look->view);
    }
}

void watch_duty_count(const struct watch_duty *duty, struct watch_counts *counts)
{
    *counts = (struct watch_counts){.observations = duty->observations,
                                    .flags = duty->flags,
                                    .log_rows = duty->log_rows,
                                    .failures = duty->failures,
                                    .images = duty->images,
                                    .image_failures = duty->image_failures,
                                    .lag_rows = duty->lag_rows,
                                    .lag_us = duty->lag_us,
                                    .is_open = duty->is_shown_open};
}
