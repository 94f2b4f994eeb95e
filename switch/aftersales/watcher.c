/* Rows: whose they are, what is known about them, and who judges. See watcher.h. */
#include <stdlib.h>
#include <string.h>

#include "protocols/base/require.h"
#include "switch/aftersales/watcher_state.h"

#define US_PER_S 1000000
#define DAY_S 86400
#define MINUTE_S 60

/* --- life ----------------------------------------------------------------------------------------
 */

void watcher_destroy(struct watcher *watcher)
{
    if (watcher == NULL) {
        return;
    }
    watch_slab_destroy(&watcher->terminals);
    watch_slab_destroy(&watcher->cohorts.slab);
    watch_slab_destroy(&watcher->merchants);
    card_table_destroy(&watcher->cards);
    serial_book_destroy(&watcher->serials);
    free(watcher->merchant_facts);
    free(watcher->facts);
    free(watcher);
}

/* Of one or more: calloc of nothing may give NULL. */
static void *facts_create(uint32_t count, size_t size)
{
    return calloc(count == 0 ? 1 : count, size);
}

static bool parts_create(struct watcher *watcher, const struct watch_limits *limits)
{
    const struct watch_slab terminals = {.count_max = limits->terminal_count_max,
                                         .item_size = sizeof(struct terminal_state),
                                         .id_size = sizeof(watcher->facts->terminal_id)};
    const struct watch_slab merchants = {.count_max = limits->merchant_count_max,
                                         .item_size = sizeof(struct merchant_slot),
                                         .id_size = sizeof(watcher->merchant_facts->merchant_id)};
    const struct watch_slab cohorts = {.count_max = limits->cohort_count_max,
                                       .item_size = sizeof(struct cohort_state),
                                       .id_size = COHORT_ID_SIZE};
    watcher->facts = facts_create(limits->terminal_count_max, sizeof(*watcher->facts));
    watcher->merchant_facts =
        facts_create(limits->merchant_count_max, sizeof(*watcher->merchant_facts));
    return watcher->facts != NULL && watcher->merchant_facts != NULL &&
           watch_slab_create(&watcher->terminals, &terminals) &&
           watch_slab_create(&watcher->merchants, &merchants) &&
           watch_slab_create(&watcher->cohorts.slab, &cohorts) &&
           card_table_create(&watcher->cards, limits->card_count_max) &&
           serial_book_create(&watcher->serials, limits->terminal_count_max);
}

struct watcher *watcher_create(const struct watch_limits *limits)
{
    struct watcher *watcher = calloc(1, sizeof(*watcher));
    if (watcher == NULL || !parts_create(watcher, limits)) {
        watcher_destroy(watcher);
        return NULL;
    }
    memcpy(watcher->head.mark, WATCH_MARK, sizeof(WATCH_MARK));
    watcher->head.limits = *limits;
    watcher->head.terminal_size = sizeof(struct terminal_state);
    watcher->head.cohort_size = sizeof(struct cohort_state);
    watcher->head.merchant_size = sizeof(struct merchant_slot);
    watcher->head.card_size = sizeof(struct card_slot);
    watch_rules_default(&watcher->rules);
    return watcher;
}

void watcher_set_rules(struct watcher *watcher, const struct watch_rules *rules)
{
    watcher->rules = *rules;
}

void watcher_settle(struct watcher *watcher)
{
    watcher->head.terminal_count = watcher->terminals.count;
    watcher->head.merchant_count = watcher->merchants.count;
    watcher->head.cohort_count = watcher->cohorts.slab.count;
    watcher->head.serial_count = watcher->serials.count;
}

bool watcher_learn_terminal(struct watcher *watcher, const struct terminal_facts *facts)
{
    uint32_t index = watch_slab_add(&watcher->terminals, facts->terminal_id);
    if (index == WATCH_SLAB_NONE) {
        return false;
    }
    watcher->facts[index] = *facts;
    cohort_watch_join(&watcher->cohorts, watch_slab_item(&watcher->terminals, index), facts);
    watcher_settle(watcher);
    return true;
}

/* --- moments -------------------------------------------------------------------------------------
 */

struct watch_moment watcher_moment(const struct watcher *watcher, const struct observation *seen,
                                   int64_t wall_us, uint32_t index)
{
    int64_t local_s = wall_us / US_PER_S + watcher->rules.utc_offset_s;
    local_s = local_s < 0 ? 0 : local_s;
    struct watch_moment moment = {.seen = seen,
                                  .rules = &watcher->rules,
                                  .terminal_id = seen->terminal_id,
                                  .merchant_id = seen->merchant_id,
                                  .serial = seen->serial,
                                  .wall_us = wall_us,
                                  .day = (int32_t)(local_s / DAY_S),
                                  .minute = (uint16_t)(local_s % DAY_S / MINUTE_S),
                                  /* 1970-01-01 was a Thursday */
                                  .weekday = (uint8_t)((local_s / DAY_S + 3) % 7 + 1)};
    if (index == WATCH_SLAB_NONE || watcher->facts[index].terminal_id[0] == 0) {
        return moment;
    }
    const struct terminal_state *state = watch_slab_item(&watcher->terminals, index);
    const struct terminal_facts *facts = &watcher->facts[index];
    bool is_linking = !watcher->rules.items[SIGNAL_COHORT].is_watched_only;
    moment.terminal = facts;
    moment.terminal_id = state->terminal_id;
    moment.merchant_id = seen->merchant_id[0] != 0 ? seen->merchant_id : facts->merchant_id;
    moment.serial = seen->serial[0] != 0 ? seen->serial : state->serial;
    moment.is_fleet_linked = is_linking && cohort_watch_is_linked(&watcher->cohorts, state);
    moment.is_channel_ill =
        is_linking && cohort_watch_is_channel_ill(&watcher->cohorts, state, seen->channel);
    return moment;
}

/* --- one row
 * --------------------------------------------------------------------------------------- */

/* The other holder of a serial number is told, too: a row completes it for both. */
static void holder_raise(struct watcher *watcher, uint32_t holder,
                         const struct watch_moment *moment, struct flag_sink *sink)
{
    struct terminal_state *other = watch_slab_item(&watcher->terminals, holder);
    struct watch_moment of_other = *moment;
    of_other.terminal_id = other->terminal_id;
    of_other.merchant_id = watcher->facts[holder].merchant_id;
    of_other.terminal = &watcher->facts[holder];
    (void)watcher_merchant_find(watcher, &of_other);
    watch_raise(sink, &of_other, &other->subject,
                &(struct watch_finding){.signal = SIGNAL_SERIAL_SHARED,
                                        .value = 2,
                                        .threshold = 1,
                                        .window_begin_us = moment->wall_us});
}

/* A serial number at another terminal than before: moved where the registry says so, else shared.
 */
static void serial_judge(struct watcher *watcher, uint32_t index, const struct watch_moment *moment,
                         struct flag_sink *sink)
{
    const char *serial = moment->seen->serial;
    struct serial_place *place = terminal_speaks(moment->seen->kind)
                                     ? serial_book_find(&watcher->serials, serial, index)
                                     : NULL;
    if (place == NULL || place->terminal == index + 1) {
        return;
    }
    uint32_t holder = place->terminal - 1;
    bool is_moved = strcmp(watcher->facts[index].serial, serial) == 0 &&
                    strcmp(watcher->facts[holder].serial, serial) != 0;
    if (is_moved) {
        place->terminal = index + 1;
        return;
    }
    struct terminal_state *state = watch_slab_item(&watcher->terminals, index);
    watch_raise(sink, moment, &state->subject,
                &(struct watch_finding){.signal = SIGNAL_SERIAL_SHARED,
                                        .value = 2,
                                        .threshold = 1,
                                        .window_begin_us = moment->wall_us});
    holder_raise(watcher, holder, moment, sink);
}

static void terminal_row(struct watcher *watcher, uint32_t index, const struct watch_moment *moment,
                         struct flag_sink *sink)
{
    struct terminal_state *state = watch_slab_item(&watcher->terminals, index);
    bool is_other_software =
        moment->seen->firmware[0] != 0 && strcmp(moment->seen->firmware, state->firmware) != 0;
    struct channel_peers *peers = channel_peers_of(&watcher->channels, moment->seen->channel);
    serial_judge(watcher, index, moment, sink);
    terminal_watch_step(state, peers, moment, sink);
    if (is_other_software) {
        cohort_watch_join(&watcher->cohorts, state, moment->terminal);
    }
    cohort_watch_step(&watcher->cohorts, state, moment);
}

static void row_step(struct watcher *watcher, const struct observation *seen,
                     struct flag_sink *sink)
{
    uint32_t index = watch_slab_find(&watcher->terminals, seen->terminal_id);
    struct watch_moment moment = watcher_moment(watcher, seen, watcher->head.wall_us, index);
    uint32_t merchant = watcher_merchant_find(watcher, &moment);
    if (moment.terminal != NULL) {
        terminal_row(watcher, index, &moment, sink);
    }
    watcher_merchant_row(watcher, merchant, &moment, sink);
}

void watcher_step(struct watcher *watcher, const struct observation *observation,
                  struct watch_output *output)
{
    struct watch_head *head = &watcher->head;
    struct flag_sink sink = {output->flags, 0, WATCH_FLAG_COUNT_MAX};
    output->count = 0;
    output->has_more = false;
    if (observation->kind != OBSERVATION_TIME && observation->position <= head->position) {
        return;
    }
    /* event time never goes back: what comes late happened now */
    head->wall_us = observation->wall_us > head->wall_us ? observation->wall_us : head->wall_us;
    watcher_begin(watcher);
    if (observation->kind == OBSERVATION_TIME) {
        output->has_more = watcher_hours(watcher, observation, &sink);
    } else {
        head->position = observation->position;
        row_step(watcher, observation, &sink);
    }
    output->count = sink.count;
    watcher_settle(watcher);
}

uint64_t watcher_position(const struct watcher *watcher)
{
    return watcher->head.position;
}

int64_t watcher_wall_us(const struct watcher *watcher)
{
    return watcher->head.wall_us;
}

/* --- one terminal
 * ------------------------------------------------------------------------------------ */

static uint32_t sum_of(const struct watcher *watcher, const struct window *window, int64_t seconds)
{
    return window_sum(window, (uint32_t)seconds, watcher->head.wall_us);
}

bool watcher_terminal(const struct watcher *watcher, const char *terminal_id,
                      struct watch_terminal_view *view)
{
    uint32_t index = watch_slab_find(&watcher->terminals, terminal_id);
    memset(view, 0, sizeof(*view));
    if (index == WATCH_SLAB_NONE) {
        return false;
    }
    const struct terminal_state *state = watch_slab_item(&watcher->terminals, index);
    const struct watch_rules *rules = &watcher->rules;
#define WINDOW_OF(signal) rules->items[SIGNAL_##signal].numbers[NUMBER_##signal##_WINDOW]
    uint32_t reads = sum_of(watcher, &state->reads, WINDOW_OF(FALLBACK));
    uint32_t fallbacks = sum_of(watcher, &state->fallbacks, WINDOW_OF(FALLBACK));
    view->last_seen_us = (int64_t)state->seen_s * US_PER_S;
    view->last_signon_us = (int64_t)state->signon_s * US_PER_S;
    view->last_settled_us = (int64_t)state->settled_s * US_PER_S;
    view->last_payment_us = (int64_t)state->paid_s * US_PER_S;
    view->payments_day = sum_of(watcher, &state->payments_day, DAY_S);
    view->declines_day = sum_of(watcher, &state->declines_day, DAY_S);
    view->timeouts_day = sum_of(watcher, &state->timeouts_day, DAY_S);
    view->reversals_day = sum_of(watcher, &state->reversals, WINDOW_OF(REVERSALS));
    view->mac_failures_hour = sum_of(watcher, &state->mac_failures, WINDOW_OF(MAC_FAILURES));
    view->tls_failures_hour = sum_of(watcher, &state->tls_failures, WINDOW_OF(TLS_FAILURES));
#undef WINDOW_OF
    view->fallback_per_mille = reads == 0 ? 0 : fallbacks * 1000 / reads;
    memcpy(view->serial, state->serial, sizeof(view->serial));
    memcpy(view->firmware, state->firmware, sizeof(view->firmware));
    view->faulty = state->faulty;
    view->clock_ahead_s = state->clock_ahead_s;
    view->latitude_e3 = state->latitude_e3;
    view->longitude_e3 = state->longitude_e3;
    return true;
}
