/* After-sales beside the payments: the ring that the log's writer fills, the thread that empties
 * it.
 *
 *   core (log replayed) -> ring, thread made -> writer and thread start ... -> writer ends ->
 * thread ends with all that was written
 *
 * Nothing here fails a payment: what the thread cannot do it says, and tries again.
 */
#include <stdlib.h>
#include <string.h>

#include "protocols/base/require.h"
#include "switch/case_order.h"
#include "switch/followup/clock_doubt.h"
#include "switch/followup/watch_desk.h"
#include "switch/followup/watch_thread.h"
#include "switch/server_state.h"

/* Half a second of the fastest switch there is, 10 MB; beyond it the log is read. */
#define RING_COUNT 32768
/* How long the thread's end is waited for: what it allows itself, and twice as long as it waits for
 * a database that somebody else holds. */
#define END_NS ((uint64_t)(WATCH_END_MS + 2 * DESK_BUSY_MS) * UINT64_C(1000000))
#define POSTED_COUNT_MAX 64 /* as many as server_order_post() takes */

struct server_watch {
    struct server *server;         /* borrowed */
    struct observation_ring *ring; /* owner, as the next two */
    struct watch_desk *desk;
    struct watch_thread *thread;
    struct watch_sink sink;
    bool is_ending;
    struct clock_doubt doubt; /* of the engine's loop */
    /* of the thread: orders that are on their way to the log */
    struct {
        uint64_t ticket, effect;
    } posted[POSTED_COUNT_MAX];
    uint32_t posted_count;
};

/* --- what cases ask for outside ------------------------------------------------------------ */

/* Of the thread. What is posted is done once its row is on disk, and is posted again where the
 * engine had no room for it. */
static enum clerk_answer on_effect(void *argument, const struct clerk_effect *effect)
{
    struct server_watch *watch = argument;
    struct order order;
    if (!case_order_of(&order, effect)) {
        return CLERK_DONE;
    }
    for (uint32_t i = 0; i < watch->posted_count; i++) {
        if (watch->posted[i].effect == effect->number) {
            return CLERK_LATER;
        }
    }
    uint64_t ticket =
        watch->posted_count == POSTED_COUNT_MAX ? 0 : server_order_post(watch->server, &order);
    if (ticket != 0) {
        watch->posted[watch->posted_count].ticket = ticket;
        watch->posted[watch->posted_count++].effect = effect->number;
    }
    return CLERK_LATER;
}

/* Tickets are collected in their order, and stand here in it. */
static uint32_t settled_take(void *argument, struct clerk_outcome *outcomes, uint32_t room)
{
    struct server_watch *watch = argument;
    enum order_answer answer = ORDER_ANSWER_TAKEN;
    uint64_t ticket = 0;
    uint32_t count = 0;
    while (count < room && (ticket = server_order_collect(watch->server, &answer)) != 0) {
        REQUIRE(count < watch->posted_count);
        REQUIRE(watch->posted[count].ticket == ticket);
        outcomes[count] = case_order_outcome(watch->posted[count].effect, answer);
        count++;
    }
    watch->posted_count -= count;
    memmove(watch->posted, watch->posted + count, watch->posted_count * sizeof(watch->posted[0]));
    return count;
}

/* --- life ---------------------------------------------------------------------------------- */

static void watch_free(struct server_watch *watch)
{
    watch_thread_destroy(watch->thread);
    watch_desk_destroy(watch->desk);
    observation_ring_destroy(watch->ring);
    free(watch);
}

static void use(struct server *server, struct server_watch *watch, struct fact_book *tables)
{
    const struct configuration *configuration = server->configuration;
    watch_thread_use(watch->thread, &(struct watch_words){&configuration->watch_rules,
                                                          &configuration->case_rules, tables});
}

static bool watch_make(struct server *server, struct server_watch *watch)
{
    const struct server_options *options = server->configuration->options;
    struct store_counts counts;
    store_count(core_store(server->core), &counts);
    watch->server = server;
    watch->ring = observation_ring_create(RING_COUNT, counts.position_durable);
    watch->desk = watch_desk_create(&(struct watch_desk_setup){.folder = options->aftersales.folder,
                                                               .on_effect = on_effect,
                                                               .settled_take = settled_take,
                                                               .argument = watch});
    if (watch->ring == NULL || watch->desk == NULL) {
        return false;
    }
    watch->sink = watch_desk_sink(watch->desk);
    const struct watch_duty_setup setup = {
        .folder = options->aftersales.folder,
        .log_folder = options->store.folder,
        .ring = watch->ring,
        .sink = &watch->sink,
        .limits =
            fact_book_limits(server->configuration->ruleset, options->aftersales.card_count_max),
        .image_every_ms = options->aftersales.image_every_ms,
        .reserve_bytes = options->store.reserve_bytes};
    struct fact_book *tables = fact_book_create(server->configuration->ruleset);
    watch->thread = tables == NULL ? NULL : watch_thread_create(&setup);
    if (watch->thread == NULL) {
        fact_book_destroy(tables);
        return false;
    }
    use(server, watch, tables);
    return true;
}

bool server_is_watched(const struct configuration *configuration)
{
    return configuration->options->aftersales.folder[0] != '\0';
}

int server_watch_create(struct server *server)
{
    if (!server_is_watched(server->configuration)) {
        return SERVER_EXIT_OK;
    }
    struct server_watch *watch = calloc(1, sizeof(*watch));
    if (watch == NULL || !watch_make(server, watch)) {
        if (watch != NULL) {
            watch_free(watch);
        }
        return server_fail(SERVER_EXIT_FAILED, "after-sales",
                           "no memory for what the watcher remembers: lower "
                           "aftersales.card_count_max, or take aftersales.folder out");
    }
    server->watch = watch;
    return SERVER_EXIT_OK;
}

int server_watch_start(struct server *server)
{
    if (server->watch == NULL || watch_thread_start(server->watch->thread) == STATUS_OK) {
        return SERVER_EXIT_OK;
    }
    return server_fail(SERVER_EXIT_FAILED, "after-sales", "its thread does not start");
}

void server_watch_committed(void *argument, const struct record *records, uint32_t count)
{
    const struct server *server = argument;
    observation_ring_put(server->watch->ring, records, count);
}

static void say_clock(const struct clock_doubt *doubt)
{
    if (doubt->is_in_doubt) {
        LOG(LOG_WARN, "aftersales_clock", LOG_NUMBER("ahead_s", doubt->ahead_us / 1000000),
            LOG_TEXT("text", "the machine's clock has jumped ahead: until it is back, or an hour "
                             "has passed, no case is due by it; but rows bear its time, and by "
                             "them terminals count as silent up to then"),
            LOG_TEXT("do", "set the clock; then look at the cases of silence that were opened "
                           "meanwhile: nobody was silent"));
    } else {
        LOG(LOG_NOTICE, "aftersales_clock",
            LOG_TEXT("text", "what the machine's clock says is believed again"));
    }
}

/* While the clock is in doubt the mark stays: rows are watched, and no time is told. */
void server_watch_mark(struct server *server)
{
    struct server_watch *watch = server->watch;
    if (watch == NULL || watch->is_ending) {
        return;
    }
    int64_t wall_us = loop_wall_us();
    bool was_in_doubt = watch->doubt.is_in_doubt;
    bool is_believed = clock_doubt_look(&watch->doubt, wall_us, loop_now_ns());
    if (watch->doubt.is_in_doubt != was_in_doubt) {
        say_clock(&watch->doubt);
    }
    if (is_believed) {
        observation_ring_mark(watch->ring, wall_us, store_appended(core_store(server->core)));
    }
}

void server_watch_use(struct server *server, struct fact_book *tables)
{
    REQUIRE(server->watch != NULL);
    use(server, server->watch, tables);
}

static bool still_runs(void *argument)
{
    struct server_watch *watch = argument;
    return !watch_thread_has_ended(watch->thread);
}

bool server_watch_stop(struct server *server)
{
    struct server_watch *watch = server->watch;
    if (watch == NULL) {
        return true;
    }
    watch->is_ending = true;
    watch_thread_end(watch->thread);
    loop_run_while(server->loop, still_runs, watch, END_NS);
    return watch_thread_has_ended(watch->thread);
}

void server_watch_destroy(struct server *server)
{
    if (server->watch != NULL) {
        watch_free(server->watch);
        server->watch = NULL;
    }
}

void server_watch_look(struct server *server, const char *terminal_id, struct control_watch *watch)
{
    struct watch_look look = {.is_open = false};
    if (server->watch == NULL) {
        watch->fault = "terminals are not watched here: aftersales.folder is not set";
        return;
    }
    watch->is_busy = !watch_thread_look(server->watch->thread, terminal_id, &look);
    if (watch->is_busy) {
        watch->fault = "the watcher is in the midst of its work; ask again";
    } else if (!look.is_open) {
        watch->fault = "the watcher has not begun: it waits for its database, or its memory";
    } else if (!look.is_watched) {
        watch->fault = "the watcher does not know this terminal";
    }
    watch->as_of_us = look.as_of_us;
    watch->view = look.view;
}

void server_watch_metrics(const struct server *server, struct metric_sink *sink)
{
    const struct metric_labels none = {{NULL}};
    struct watch_counts counts;
    struct ring_counts ring;
    if (server->watch == NULL) {
        return;
    }
    watch_thread_count(server->watch->thread, &counts);
    observation_ring_count(server->watch->ring, &ring);
    metric_put(sink, METRIC_AFTERSALES_UP, none, counts.is_open ? 1 : 0);
    metric_put(sink, METRIC_AFTERSALES_OBSERVATIONS, none, (double)counts.observations);
    metric_put(sink, METRIC_AFTERSALES_FLAGS, none, (double)counts.flags);
    metric_put(sink, METRIC_AFTERSALES_LAG_ROWS, none, (double)counts.lag_rows);
    metric_put(sink, METRIC_AFTERSALES_LAG, none, (double)counts.lag_us / 1e6);
    metric_put(sink, METRIC_AFTERSALES_RING_DROPS, none, (double)ring.dropped);
    metric_put(sink, METRIC_AFTERSALES_LOG_ROWS, none, (double)counts.log_rows);
    metric_put(sink, METRIC_AFTERSALES_FAILURES, none, (double)counts.failures);
    metric_put(sink, METRIC_AFTERSALES_IMAGES, (struct metric_labels){{"written"}},
               (double)counts.images);
    metric_put(sink, METRIC_AFTERSALES_IMAGES, (struct metric_labels){{"failed"}},
               (double)counts.image_failures);
}
