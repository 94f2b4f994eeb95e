/* Channels that a reload brings, changes or takes away, without a payment noticing.
 *
 * A changed channel is made anew beside the one that serves. Only when the new one has signed on
 * (or the old one is down anyway, or the new one has had its time) is it forwarded to; the old one
 * then waits for the answers to what it sent, for as long as such an answer means anything, signs
 * off and goes. One that the files have no more takes nothing new either, but may still deliver
 * reversals of its own until it goes; what is left then stays pending, for whoever brings it back.
 *
 *   IS_MADE -> COMES -> SERVES -> LEAVES -> STOPS -> IS_STOPPED
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "protocols/base/require.h"
#include "switch/server_state.h"

#define NS_PER_MS UINT64_C(1000000)
#define TICK_NS (20 * NS_PER_MS)
/* What was decided before a channel was taken out may still wait for the log. */
#define LINGER_NS (1000 * NS_PER_MS)
#define LATE_NS (1000 * NS_PER_MS) /* beyond the engine's own time-out */

static void on_tick(struct deadline *deadline);

static void tick_arm(struct server *server)
{
    if (server->swap_tick.on_due == NULL) {
        deadline_init(&server->swap_tick, on_tick);
    }
    deadline_arm(&server->loop->wheel, &server->swap_tick, loop_now_ns() + TICK_NS);
}

void server_seats_each(struct server *server, void (*act)(struct seat *seat))
{
    for (uint32_t i = 0; i < CHANNEL_COUNT_MAX; i++) {
        struct place *place = &server->places[i];
        if (place->seat != NULL) {
            act(place->seat);
        }
        if (place->coming != NULL) {
            act(place->coming);
        }
    }
    for (struct seat *seat = server->leaving, *next; seat != NULL; seat = next) {
        next = seat->next;
        act(seat);
    }
}

static void turn(struct seat *seat, enum seat_state state)
{
    seat->state = state;
    seat->began_ns = loop_now_ns();
}

/* ---- making ---- */

static bool is_as_wanted(const struct seat *seat, const struct configuration *fresh,
                         const struct channel_options *wanted)
{
    const uint8_t *files_hash = fresh->channel_hashes[wanted - fresh->options->channels];
    return seat != NULL && memcmp(seat->files_hash, files_hash, FILE_HASH_BYTES) == 0 &&
           server_options_is_same_channel(&seat->options, wanted) &&
           (seat->edition == NULL ||
            seat->edition == configuration_edition(fresh, wanted->dialect));
}

/* Whether the place has what is wanted: what comes already, or what serves. */
static struct seat *seat_kept(const struct place *place, const struct configuration *fresh,
                              const struct channel_options *wanted)
{
    if (is_as_wanted(place->coming, fresh, wanted)) {
        return place->coming;
    }
    bool may_stay = place->seat != NULL &&
                    (place->seat->state == SEAT_SERVES || place->seat->state == SEAT_LEAVES);
    return may_stay && is_as_wanted(place->seat, fresh, wanted) ? place->seat : NULL;
}

bool server_swap_prepare(struct server *server, const struct configuration *fresh,
                         struct swap_plan *plan, char reason[CHANNEL_REASON_SIZE])
{
    const struct server_options *options = fresh->options;
    const struct channel_table *table = ruleset_channel_view(fresh->ruleset);
    plan->count = 0;
    for (uint32_t i = 0; i < options->channel_count; i++) {
        const struct channel_options *wanted = &options->channels[i];
        int index = channel_table_find(table, wanted->name);
        REQUIRE(index >= 0);
        if (seat_kept(&server->places[index], fresh, wanted) != NULL) {
            continue;
        }
        struct seat *seat = server_seat_create(server, fresh, wanted, reason);
        if (seat == NULL) {
            server_swap_abandon(plan);
            return false;
        }
        plan->seats[plan->count++] = seat;
    }
    return true;
}

void server_swap_abandon(struct swap_plan *plan)
{
    while (plan->count > 0) {
        server_seat_destroy(plan->seats[--plan->count]);
    }
}

/* ---- coming and leaving ---- */

static void begin(struct seat *seat, enum seat_state state)
{
    turn(seat, state);
    seat->server->channels_running++;
    channel_start(seat->channel);
}

static void leave(struct seat *seat)
{
    struct server *server = seat->server;
    if (seat->state == SEAT_SERVES || seat->state == SEAT_COMES) {
        turn(seat, SEAT_LEAVES);
    }
    seat->next = server->leaving;
    server->leaving = seat;
}

/* From here on the one that came is forwarded to. */
static void hand_over(struct place *place)
{
    struct seat *before = place->seat, *after = place->coming;
    struct server *server = after->server;
    bool was_up = channel_is_up(before->channel), is_up = channel_is_up(after->channel);
    place->seat = after;
    place->coming = NULL;
    turn(after, SEAT_SERVES);
    leave(before);
    LOG(is_up ? LOG_NOTICE : LOG_WARN, "channel_replaced", LOG_TEXT("channel", after->options.name),
        LOG_TEXT("text", is_up ? "the new link is signed on; the old one waits for its answers"
                               : "the new link is not signed on yet; nothing else serves"));
    if (was_up != is_up) {
        core_channel(server->core, after->index, is_up);
    }
}

static void take_place(struct server *server, struct seat *seat)
{
    struct place *place = &server->places[seat->index];
    if (place->coming != NULL) {
        leave(place->coming);
        place->coming = NULL;
    }
    if (place->seat != NULL && place->is_removed) {
        if (channel_is_up(place->seat->channel)) {
            core_channel(server->core, seat->index, false);
        }
        leave(place->seat);
        place->seat = NULL;
    }
    bool is_first = place->seat == NULL;
    *(is_first ? &place->seat : &place->coming) = seat;
    place->is_removed = false;
    begin(seat, is_first ? SEAT_SERVES : SEAT_COMES);
    LOG(LOG_NOTICE, is_first ? "channel_added" : "channel_changes",
        LOG_TEXT("channel", seat->options.name));
}

/* What stays takes over the words that only routing looks at; one that was on its way out stays. */
static void keep(struct server *server, const struct configuration *fresh,
                 const struct channel_options *wanted)
{
    int index = channel_table_find(ruleset_channel_view(fresh->ruleset), wanted->name);
    struct place *place = &server->places[index];
    struct seat *seat = seat_kept(place, fresh, wanted);
    if (seat == NULL) {
        return;
    }
    seat->options = *wanted;
    if (seat == place->seat) {
        place->is_removed = false;
        turn(seat, SEAT_SERVES);
        if (place->coming != NULL) {
            leave(place->coming);
            place->coming = NULL;
        }
    }
}

static void take_out(struct place *place)
{
    if (place->coming != NULL) {
        leave(place->coming);
        place->coming = NULL;
    }
    if (!place->is_removed) {
        place->is_removed = true;
        turn(place->seat, SEAT_LEAVES);
        LOG(LOG_NOTICE, "channel_leaves", LOG_TEXT("channel", place->seat->options.name),
            LOG_TEXT("text", "the files have it no more; it waits for its answers"));
    }
}

void server_swap_commit(struct server *server, struct swap_plan *plan)
{
    const struct configuration *fresh = server->configuration;
    const struct channel_table *table = ruleset_channel_view(fresh->ruleset);
    for (uint32_t i = 0; i < fresh->options->channel_count; i++) {
        keep(server, fresh, &fresh->options->channels[i]);
    }
    for (uint32_t i = 0; i < plan->count; i++) {
        take_place(server, plan->seats[i]);
    }
    plan->count = 0;
    for (uint16_t i = 0; i < channel_table_count(table); i++) {
        if (channel_table_is_retired(table, i) && server->places[i].seat != NULL) {
            take_out(&server->places[i]);
        }
    }
    tick_arm(server);
}

void server_swap_on_state(struct seat *seat, bool is_up)
{
    struct place *place = &seat->server->places[seat->index];
    if (seat == place->seat) {
        core_channel(seat->server->core, seat->index, is_up);
    } else if (seat == place->coming && is_up) {
        hand_over(place);
        tick_arm(seat->server);
    }
}

void server_swap_on_stopped(struct seat *seat)
{
    turn(seat, SEAT_IS_STOPPED);
    if (seat->server->state != CONTROL_STOPPING) {
        tick_arm(seat->server);
    }
}

/* ---- going ---- */

static uint64_t age_ns(const struct seat *seat)
{
    return loop_now_ns() - seat->began_ns;
}

/* Connecting may take its reply time-out, and so may the sign-on. */
static bool has_had_its_time(const struct seat *seat)
{
    return age_ns(seat) > 2 * seat->options.reply_timeout_ms * NS_PER_MS;
}

static bool may_go(const struct seat *seat, bool is_removed)
{
    const struct server_options *options = seat->server->configuration->options;
    struct channel_counts counts;
    channel_count(seat->channel, &counts);
    bool is_late = age_ns(seat) > options->engine.response_timeout_ms * NS_PER_MS + LATE_NS;
    return is_late || (counts.waiting == 0 && (!is_removed || age_ns(seat) > LINGER_NS));
}

/* Whether it is stopped and can be freed. */
static bool go_on(struct seat *seat, bool is_removed)
{
    if (seat->state == SEAT_LEAVES && may_go(seat, is_removed)) {
        bool was_up = channel_is_up(seat->channel);
        turn(seat, SEAT_STOPS);
        if (is_removed && was_up) {
            core_channel(seat->server->core, seat->index, false);
        }
        channel_stop(seat->channel);
    }
    return seat->state == SEAT_IS_STOPPED && seat->keys_writing == 0;
}

static void bury(struct seat *seat)
{
    struct channel_counts *gone = &seat->server->places[seat->index].gone;
    struct channel_counts counts;
    channel_count(seat->channel, &counts);
    gone->sent += counts.sent;
    gone->received += counts.received;
    server_seat_destroy(seat);
}

static void tick_leaving(struct server *server)
{
    for (struct seat **at = &server->leaving; *at != NULL;) {
        struct seat *seat = *at;
        if (go_on(seat, false)) {
            *at = seat->next;
            bury(seat);
        } else {
            at = &seat->next;
        }
    }
}

static void say_gone(const struct server *server, const char *name)
{
    uint32_t pending = engine_channel_pending(core_engine(server->core), name);
    LOG(pending > 0 ? LOG_WARN : LOG_NOTICE, "channel_gone", LOG_TEXT("channel", name),
        LOG_NUMBER("pending", pending),
        LOG_TEXT("text", pending > 0 ? "its reversals stay pending until it is brought back"
                                     : "nothing of it is pending"));
}

/* Whether the place needs to be looked at again. */
static bool tick_place(struct server *server, struct place *place)
{
    if (place->coming != NULL &&
        (!channel_is_up(place->seat->channel) || has_had_its_time(place->coming))) {
        hand_over(place);
    }
    if (place->is_removed && go_on(place->seat, true)) {
        say_gone(server, place->seat->options.name);
        bury(place->seat);
        place->seat = NULL;
        place->is_removed = false;
    }
    return place->coming != NULL || place->is_removed;
}

static void on_tick(struct deadline *deadline)
{
    struct server *server =
        (struct server *)((char *)deadline - offsetof(struct server, swap_tick));
    bool is_busy = false;
    if (server->state == CONTROL_STOPPING) {
        return;
    }
    for (uint32_t i = 0; i < CHANNEL_COUNT_MAX; i++) {
        is_busy = tick_place(server, &server->places[i]) || is_busy;
    }
    tick_leaving(server);
    if (is_busy || server->leaving != NULL) {
        tick_arm(server);
    }
}
