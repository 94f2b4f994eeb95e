/* Terminal-hours of cohorts against those of all others. See cohort_watch.h. */
#include "switch/aftersales/cohort_watch.h"

#include <stdio.h>
#include <string.h>

#include "protocols/base/require.h"
#include "switch/aftersales/rate_test.h"

#define US_PER_S 1000000
#define HOUR_S 3600
#define PEER_TRIALS_MIN 100 /* terminal-hours of others, or they are no measure */
#define RATIO_MAX 1000000u
/* Two broken terminals do not make a cohort: theirs are taken off, but for the first of each. */
#define OUTLIER_ERRORS (2 * (COHORT_FAILED_HOURS_MAX - 1))
#define REST_LEVEL_PPM 50000 /* which part of a whole it is: the whole stands out anyhow */

/* --- who belongs where ----------------------------------------------------------------------- */

static uint32_t place_add(struct cohort_table *table, enum cohort_kind kind, const char *value)
{
    char id[COHORT_ID_SIZE];
    memset(id, 0, sizeof(id));
    if (value[0] == 0) {
        return 0;
    }
    snprintf(id, sizeof(id), "%u%s", (unsigned)kind % 10, value);
    uint32_t index = watch_slab_add(&table->slab, id);
    return index == WATCH_SLAB_NONE ? 0 : index + 1;
}

static struct cohort_state *cohort_at(const struct cohort_table *table, uint32_t place)
{
    return place == 0 ? NULL : watch_slab_item(&table->slab, place - 1);
}

static void whole_set(struct cohort_table *table, uint32_t part, uint32_t whole)
{
    if (part != 0) {
        cohort_at(table, part)->whole = whole;
    }
}

void cohort_watch_join(struct cohort_table *table, struct terminal_state *state,
                       const struct terminal_facts *facts)
{
    char model[COHORT_ID_SIZE - 1] = "", firmware[COHORT_ID_SIZE - 1] = "", region[16] = "";
    if (facts->model[0] != 0) {
        snprintf(model, sizeof(model), "%s %s", facts->brand, facts->model);
    }
    if (state->firmware[0] != 0) {
        snprintf(firmware, sizeof(firmware), "%s %s %s", facts->brand, facts->model,
                 state->firmware);
    }
    if (facts->area_code != 0) {
        snprintf(region, sizeof(region), "%u", (unsigned)(facts->area_code / 100)); /* the city */
    }
    state->cohorts[COHORT_BRAND] = place_add(table, COHORT_BRAND, facts->brand);
    state->cohorts[COHORT_MODEL] = place_add(table, COHORT_MODEL, model);
    state->cohorts[COHORT_FIRMWARE] = place_add(table, COHORT_FIRMWARE, firmware);
    state->cohorts[COHORT_AGENT] = place_add(table, COHORT_AGENT, facts->agent);
    state->cohorts[COHORT_REGION] = place_add(table, COHORT_REGION, region);
    whole_set(table, state->cohorts[COHORT_MODEL], state->cohorts[COHORT_BRAND]);
    whole_set(table, state->cohorts[COHORT_FIRMWARE], state->cohorts[COHORT_MODEL]);
}
_Static_assert(COHORT_REGION == TERMINAL_COHORT_COUNT - 1, "the channel is the one that changes");

static bool stands(const struct cohort_state *cohort)
{
    return cohort != NULL && cohort->stands_until_us != 0;
}

bool cohort_watch_is_linked(const struct cohort_table *table, const struct terminal_state *state)
{
    for (uint32_t i = 0; table->totals.standing_count > 0 && i < TERMINAL_COHORT_COUNT; i++) {
        if (stands(cohort_at(table, state->cohorts[i]))) {
            return true;
        }
    }
    return false;
}

bool cohort_watch_is_channel_ill(const struct cohort_table *table,
                                 const struct terminal_state *state, const char *channel)
{
    if (table->totals.standing_count == 0) {
        return false;
    }
    if (channel[0] == 0) {
        return stands(cohort_at(table, state->channel));
    }
    char id[COHORT_ID_SIZE];
    snprintf(id, sizeof(id), "%u%s", (unsigned)COHORT_CHANNEL % 10, channel);
    uint32_t index = watch_slab_find(&table->slab, id);
    return index != WATCH_SLAB_NONE && stands(watch_slab_item(&table->slab, index));
}

/* --- counting ------------------------------------------------------------------------------------
 */

struct counted {
    bool is_new_hour, is_new_day; /* the terminal's first of it, in this cohort */
    bool is_failed_hour, is_failed_day;
};

static void cohort_refresh(const struct cohort_table *table, struct cohort_state *cohort,
                           int32_t day)
{
    if (cohort->generation != table->totals.generation) {
        memset(&cohort->hours, 0, sizeof(cohort->hours));
        cohort->generation = table->totals.generation;
        cohort->day = 0;
    }
    if (cohort->day != day) {
        cohort->day = day;
        cohort->seen_count = 0;
        cohort->failed_count = 0;
    }
}

static void cohort_count(struct cohort_table *table, uint32_t place, const struct counted *counted,
                         const struct watch_moment *moment)
{
    struct cohort_state *cohort = cohort_at(table, place);
    struct rate added = {counted->is_new_hour, counted->is_failed_hour};
    if (cohort == NULL || (!counted->is_new_hour && !counted->is_failed_hour)) {
        return;
    }
    cohort_refresh(table, cohort, moment->day);
    cohort->seen_count += counted->is_new_day ? 1 : 0;
    cohort->failed_count += counted->is_failed_day ? 1 : 0;
    rate_window_add(&cohort->hours, COHORT_WINDOW_S, moment->wall_us, added);
    if (counted->is_failed_hour) {
        cohort->positions[cohort->position_next] = moment->seen->position;
        cohort->position_next = (cohort->position_next + 1) % FLAG_EVIDENCE_COUNT_MAX;
    }
    struct cohort_totals *totals = &table->totals;
    unsigned kind = (unsigned)(cohort->id[0] - '0');
    if (totals->generations[kind] != totals->generation) {
        memset(&totals->hours[kind], 0, sizeof(totals->hours[kind]));
        totals->generations[kind] = totals->generation;
    }
    if (!stands(cohort)) {
        rate_window_add(&totals->hours[kind], COHORT_WINDOW_S, moment->wall_us, added);
    }
}

static bool is_channel_failure(const struct observation *seen)
{
    return seen->detail == OBSERVED_UNKNOWN || seen->detail == OBSERVED_UNSENT ||
           strcmp(seen->response_code, "91") == 0 || strcmp(seen->response_code, "96") == 0;
}

static bool is_device_failure(const struct watch_moment *moment)
{
    const struct observation *seen = moment->seen;
    return seen->detail == OBSERVED_MAC_FAILED || seen->detail == OBSERVED_MALFORMED ||
           seen->detail == OBSERVED_TLS_FAILED || seen->detail == OBSERVED_KEYS_LOST ||
           seen->detail == OBSERVED_NOT_SIGNED_ON || seen->detail == OBSERVED_TOTALS_DIFFER ||
           (seen->detail == OBSERVED_BY_TERMINAL && !moment->is_channel_ill) ||
           (seen->detail == OBSERVED_UNKNOWN && !moment->is_channel_ill) ||
           (seen->kind == OBSERVATION_STATUS && seen->faulty != 0);
}

/* A terminal of a standing cohort counts for that one alone. */
static void fixed_count(struct cohort_table *table, struct terminal_state *state,
                        const struct counted *counted, const struct watch_moment *moment)
{
    bool is_linked = cohort_watch_is_linked(table, state);
    for (uint32_t i = 0; i < TERMINAL_COHORT_COUNT; i++) {
        if (!is_linked || stands(cohort_at(table, state->cohorts[i]))) {
            cohort_count(table, state->cohorts[i], counted, moment);
        }
    }
}

_Static_assert(COHORT_FAILED_HOURS_MAX == 3, "its bits tell once, twice and thrice");

static void channel_count(struct cohort_table *table, struct terminal_state *state,
                          const struct watch_moment *moment)
{
    const struct observation *seen = moment->seen;
    if (seen->channel[0] == 0 || seen->kind == OBSERVATION_SIGHTING) {
        return;
    }
    char channel[sizeof(seen->channel)];
    memcpy(channel, seen->channel, sizeof(channel));
    channel[sizeof(channel) - 1] = 0;
    state->channel = place_add(table, COHORT_CHANNEL, channel);
    uint64_t bit = UINT64_C(1) << state->channel % 64;
    bool is_failed = is_channel_failure(seen) && (state->channels_failed_hour & bit) == 0 &&
                     (state->channels_failed_thrice & bit) == 0;
    struct counted counted = {(state->channels_hour & bit) == 0, (state->channels_day & bit) == 0,
                              is_failed, is_failed && (state->channels_failed_day & bit) == 0};
    state->channels_hour |= bit;
    state->channels_day |= bit;
    if (is_failed) {
        state->channels_failed_hour |= bit;
        state->channels_failed_thrice |= state->channels_failed_twice & bit;
        state->channels_failed_twice |= state->channels_failed_day & bit;
        state->channels_failed_day |= bit;
    }
    if (!cohort_watch_is_linked(table, state)) {
        cohort_count(table, state->channel, &counted, moment);
    }
}

void cohort_watch_step(struct cohort_table *table, struct terminal_state *state,
                       const struct watch_moment *moment)
{
    uint32_t hour = (uint32_t)(moment->wall_us / US_PER_S / HOUR_S);
    if (state->counted_day != moment->day) {
        state->counted_day = moment->day;
        state->failed_hours = 0;
        state->counted_hour = 0;
        state->is_counted_today = false;
        state->channels_day = 0;
        state->channels_failed_day = 0;
        state->channels_failed_twice = 0;
        state->channels_failed_thrice = 0;
    }
    if (state->counted_hour != hour) {
        state->channels_hour = 0;
        state->channels_failed_hour = 0;
    }
    bool is_failed = is_device_failure(moment) && state->failed_hour != hour &&
                     state->failed_hours < COHORT_FAILED_HOURS_MAX;
    struct counted counted = {state->counted_hour != hour, !state->is_counted_today, is_failed,
                              is_failed && state->failed_hours == 0};
    state->counted_hour = hour;
    state->is_counted_today = true;
    if (is_failed) {
        state->failed_hour = hour;
        state->failed_hours++;
    }
    fixed_count(table, state, &counted, moment);
    channel_count(table, state, moment);
}

/* --- judging
 * --------------------------------------------------------------------------------------- */

struct comparison {
    struct rate own, peers;
};

static struct comparison compare(const struct cohort_table *table,
                                 const struct cohort_state *cohort, int64_t wall_us)
{
    const struct cohort_totals *totals = &table->totals;
    unsigned kind = (unsigned)(cohort->id[0] - '0');
    struct comparison found = {{0, 0}, {0, 0}};
    struct rate all = {0, 0};
    REQUIRE(kind < COHORT_KIND_COUNT);
    if (cohort->generation == totals->generation) {
        all = rate_window_sum(&cohort->hours, COHORT_WINDOW_S, wall_us);
    }
    found.own = all;
    found.own.errors -= found.own.errors < OUTLIER_ERRORS ? found.own.errors : OUTLIER_ERRORS;
    if (totals->generations[kind] == totals->generation) {
        found.peers = rate_window_sum(&totals->hours[kind], COHORT_WINDOW_S, wall_us);
    }
    if (!stands(cohort)) {
        found.peers = rate_without(found.peers, all);
    }
    return found;
}

/* How many times the peers' rate, in per cent; one failure more of theirs than there were. */
static uint32_t ratio_of(const struct comparison *found)
{
    uint64_t ratio = found->own.errors * (found->peers.trials + 1) * 100 /
                     ((found->own.trials + 1) * (found->peers.errors + 1));
    return ratio > RATIO_MAX ? RATIO_MAX : (uint32_t)ratio;
}

/* However few terminals it has. */
static bool stands_out(const struct cohort_table *table, const struct cohort_state *cohort,
                       const struct watch_moment *moment)
{
    const struct watch_cohort_rule *rule = &moment->rules->cohort;
    struct comparison found = compare(table, cohort, moment->wall_us);
    return cohort->day == moment->day && cohort->failed_count >= COHORT_FAILED_MIN &&
           found.peers.trials >= PEER_TRIALS_MIN && ratio_of(&found) >= rule->times_percent &&
           rate_is_above(found.own, found.peers, rule->level_ppm);
}

static bool is_above(const struct cohort_table *table, const struct cohort_state *cohort,
                     const struct watch_moment *moment)
{
    return cohort->seen_count >= moment->rules->cohort.terminal_count_min &&
           stands_out(table, cohort, moment);
}

static void cohort_judge(struct cohort_table *table, uint32_t index,
                         const struct watch_moment *moment)
{
    struct cohort_state *cohort = watch_slab_item(&table->slab, index);
    bool is_on = moment->rules->cohort.is_on;
    bool is_out = is_on && is_above(table, cohort, moment);
    if (stands(cohort)) {
        if (is_out) {
            cohort->stands_until_us =
                moment->wall_us + (int64_t)moment->rules->cohort.quiet_s * US_PER_S;
        } else if (!is_on || cohort->stands_until_us <= moment->wall_us) {
            cohort->stands_until_us = 0;
            cohort->generation = table->totals.generation - 1;
            table->totals.standing_count--;
        }
        return;
    }
    struct comparison found = compare(table, cohort, moment->wall_us);
    uint32_t ratio = ratio_of(&found);
    if (is_out && ratio >= table->totals.best_ratio) {
        table->totals.best = index + 1;
        table->totals.best_ratio = ratio;
    }
}

/* --- a whole or its part -------------------------------------------------------------------------
 *
 * A brand and one of its models, a model and one of its versions of software: both stand out when
 * one does, and chance decides by how much. What decides between them is the rest of the whole:
 * where it is well, the fault is the part's. */

static struct rate rate_of(const struct cohort_table *table, const struct cohort_state *cohort,
                           int64_t wall_us)
{
    struct rate none = {0, 0};
    return cohort->generation == table->totals.generation
               ? rate_window_sum(&cohort->hours, COHORT_WINDOW_S, wall_us)
               : none;
}

static bool rest_fails(const struct cohort_table *table, const struct cohort_state *part,
                       const struct cohort_state *whole, int64_t wall_us)
{
    struct comparison of_part = compare(table, part, wall_us);
    struct comparison of_whole = compare(table, whole, wall_us);
    struct rate rest = rate_without(rate_of(table, whole, wall_us), rate_of(table, part, wall_us));
    return rate_is_above(rest, of_whole.peers, REST_LEVEL_PPM) &&
           !rate_is_above(of_part.own, rest, REST_LEVEL_PPM);
}

/* A model speaks where it is large enough to; software does by its model's size, since a new
 * version is loaded into a few terminals first. */
static bool part_speaks(const struct cohort_table *table, const struct cohort_state *part,
                        const struct watch_moment *moment)
{
    return !stands(part) && (part->id[0] - '0' == COHORT_FIRMWARE ? stands_out(table, part, moment)
                                                                  : is_above(table, part, moment));
}

/* The part to which its fault belongs, of those that speak the worst; itself where there is none.
 * Places in the slab. */
static uint32_t part_of(const struct cohort_table *table, uint32_t place,
                        const struct watch_moment *moment)
{
    const struct cohort_state *whole = watch_slab_item(&table->slab, place);
    uint32_t found = place, ratio_most = 0;
    for (uint32_t i = 0; i < table->slab.count; i++) {
        const struct cohort_state *part = watch_slab_item(&table->slab, i);
        if (part->whole != place + 1 || !part_speaks(table, part, moment) ||
            rest_fails(table, part, whole, moment->wall_us)) {
            continue;
        }
        struct comparison compared = compare(table, part, moment->wall_us);
        uint32_t ratio = ratio_of(&compared);
        if (ratio > ratio_most) {
            found = i;
            ratio_most = ratio;
        }
    }
    return found;
}

/* The whole to which its fault belongs; itself where the rest is well. */
static uint32_t whole_of(const struct cohort_table *table, uint32_t place,
                         const struct watch_moment *moment)
{
    const struct cohort_state *part = watch_slab_item(&table->slab, place);
    const struct cohort_state *whole = cohort_at(table, part->whole);
    bool is_whole = whole != NULL && !stands(whole) && is_above(table, whole, moment) &&
                    rest_fails(table, part, whole, moment->wall_us);
    return is_whole ? part->whole - 1 : place;
}

static uint32_t attribution(const struct cohort_table *table, uint32_t place,
                            const struct watch_moment *moment)
{
    place = whole_of(table, whole_of(table, place, moment), moment);
    return part_of(table, part_of(table, place, moment), moment);
}

static void evidence_fill(struct flag *flag, const struct cohort_state *cohort)
{
    for (uint32_t i = 0; i < FLAG_EVIDENCE_COUNT_MAX; i++) {
        uint64_t position =
            cohort->positions[(cohort->position_next + i) % FLAG_EVIDENCE_COUNT_MAX];
        if (position != 0) {
            flag->evidence[flag->evidence_count++] = position;
        }
    }
}

static void best_raise(struct cohort_table *table, const struct watch_moment *moment,
                       struct flag_sink *sink)
{
    struct cohort_state *cohort =
        watch_slab_item(&table->slab, attribution(table, table->totals.best - 1, moment));
    const struct watch_rule *rule = &moment->rules->items[SIGNAL_COHORT];
    struct comparison found = compare(table, cohort, moment->wall_us);
    REQUIRE(sink->count < sink->count_max);
    if (found.own.trials == 0) {
        return; /* rows ran far ahead of an hour that is judged in several steps */
    }
    struct flag *flag = &sink->flags[sink->count++];
    memset(flag, 0, sizeof(*flag));
    flag->signal = SIGNAL_COHORT;
    flag->rules_version = moment->rules->version;
    flag->subject = FLAG_OF_COHORT;
    flag->cohort = (enum cohort_kind)(cohort->id[0] - '0');
    memcpy(flag->subject_id, cohort->id + 1, sizeof(flag->subject_id) - 1);
    flag->severity = rule->severity;
    flag->is_watched_only = rule->is_watched_only;
    flag->window_begin_us = moment->wall_us - (int64_t)COHORT_WINDOW_S * US_PER_S;
    flag->window_end_us = moment->wall_us;
    flag->value = (int64_t)(found.own.errors * 1000 / found.own.trials);
    flag->threshold = (int64_t)((found.peers.errors + 1) * 10 *
                                moment->rules->cohort.times_percent / (found.peers.trials + 1));
    flag->position = moment->seen->position;
    flag->score =
        1000 - 1000 * 100 / (table->totals.best_ratio < 100 ? 100 : table->totals.best_ratio);
    evidence_fill(flag, cohort);
    cohort->flagged_us = moment->wall_us;
    cohort->stands_until_us = moment->wall_us + (int64_t)moment->rules->cohort.quiet_s * US_PER_S;
    table->totals.standing_count++;
    table->totals.generation++;
}

bool cohort_watch_hour(struct cohort_table *table, const struct watch_moment *moment,
                       uint32_t count, struct flag_sink *sink)
{
    struct cohort_totals *totals = &table->totals;
    for (; count > 0 && totals->walk_next < table->slab.count; count--) {
        cohort_judge(table, totals->walk_next++, moment);
    }
    if (totals->walk_next < table->slab.count) {
        return false;
    }
    if (totals->best != 0) {
        best_raise(table, moment, sink);
    }
    totals->walk_next = 0;
    totals->best = 0;
    totals->best_ratio = 0;
    return true;
}
