/* Where a terminal is: its fence, its city, what its positions are worth, how fast it travels. */
#include "switch/aftersales/place.h"
#include "switch/aftersales/terminal_watch.h"

#define LAST_THREE 7u
#define LAST_TEN 1023u
#define PLACED_COUNT_MIN 10 /* so many positions: it can tell one, and where it does not is odd */
#define SEVERITY_STOP 4

static uint32_t bit_count(uint32_t bits)
{
    uint32_t count = 0;
    for (; bits != 0; bits &= bits - 1) {
        count++;
    }
    return count;
}

static bool has_position(const struct observation *seen)
{
    return (seen->device_flags & DEVICE_NOTE_HAS_POSITION) != 0 &&
           (seen->device_flags & DEVICE_NOTE_POSITION_ZERO) == 0;
}

static void fence_judge(struct terminal_state *state, const struct watch_moment *moment,
                        struct flag_sink *sink, int64_t distance_m)
{
    int64_t fence_m = moment->terminal->radius_m + watch_number(moment, OUTSIDE_FENCE, MARGIN_M);
    bool is_outside = moment->terminal->radius_m > 0 && distance_m > fence_m;
    state->outside_bits = (uint16_t)((state->outside_bits << 1 | (is_outside ? 1 : 0)));
    if (!is_outside) {
        return;
    }
    watch_note(&state->subject, SIGNAL_OUTSIDE_FENCE, moment->seen->position);
    if (bit_count(state->outside_bits & LAST_THREE) <
        watch_number(moment, OUTSIDE_FENCE, REPORT_MIN)) {
        return;
    }
    bool is_far = distance_m > watch_number(moment, OUTSIDE_FENCE, FAR_M);
    watch_raise(sink, moment, &state->subject,
                &(struct watch_finding){.signal = SIGNAL_OUTSIDE_FENCE,
                                        .severity = is_far ? SEVERITY_STOP : 0,
                                        .value = distance_m,
                                        .threshold = fence_m,
                                        .window_begin_us = moment->wall_us});
}

static void city_judge(struct terminal_state *state, const struct watch_moment *moment,
                       struct flag_sink *sink, int64_t distance_m)
{
    int64_t most_m = watch_number(moment, CITY_CHANGED, DISTANCE_M);
    if (distance_m <= most_m) {
        state->far_streak = 0;
        return;
    }
    if (state->far_streak < UINT16_MAX) {
        state->far_streak++;
    }
    watch_note(&state->subject, SIGNAL_CITY_CHANGED, moment->seen->position);
    if (state->far_streak >= watch_number(moment, CITY_CHANGED, REPORT_MIN)) {
        terminal_raise(state, moment, sink,
                       &(struct watch_count){SIGNAL_CITY_CHANGED, distance_m, most_m, 0});
    }
}

/* A neighbouring cell comes and goes; a long row of reports from cells never used before, and no
 * position to say where, is a move. */
static void cell_judge(struct terminal_state *state, const struct watch_moment *moment,
                       struct flag_sink *sink)
{
    uint32_t cell = moment->seen->cell, place = 0;
    while (place < TERMINAL_CELL_COUNT && state->cells[place] != cell) {
        place++;
    }
    bool is_usual = place < TERMINAL_CELL_COUNT || state->cells[TERMINAL_CELL_COUNT - 1] == 0;
    state->cell_streak = (uint16_t)(is_usual ? 0 : state->cell_streak + 1);
    bool is_settled_in = state->cell_streak >= watch_number(moment, CITY_CHANGED, CELL_MIN);
    if (is_settled_in && !has_position(moment->seen)) {
        watch_note(&state->subject, SIGNAL_CITY_CHANGED, moment->seen->position);
        terminal_raise(state, moment, sink,
                       &(struct watch_count){SIGNAL_CITY_CHANGED, state->cell_streak,
                                             watch_number(moment, CITY_CHANGED, CELL_MIN), 0});
    }
    if (is_usual || is_settled_in) {
        place = place < TERMINAL_CELL_COUNT ? place : TERMINAL_CELL_COUNT - 1;
        for (; place > 0; place--) {
            state->cells[place] = state->cells[place - 1];
        }
        state->cells[0] = cell;
        state->cell_streak = 0;
    }
}

static void travel_judge(struct terminal_state *state, const struct watch_moment *moment,
                         struct flag_sink *sink)
{
    const struct observation *seen = moment->seen;
    int64_t took_s = moment->wall_us / 1000000 - state->placed_s;
    if (state->placed_s == 0 || took_s > watch_number(moment, TRAVEL, WINDOW)) {
        return;
    }
    int64_t way_m = place_distance_m((struct place){state->latitude_e3, state->longitude_e3},
                                     (struct place){seen->latitude_e3, seen->longitude_e3});
    int64_t km_h = way_m * 36 / 10 / (took_s < 1 ? 1 : took_s);
    if (way_m >= watch_number(moment, TRAVEL, DISTANCE_M) &&
        km_h > watch_number(moment, TRAVEL, KM_H)) {
        terminal_raise(
            state, moment, sink,
            &(struct watch_count){SIGNAL_TRAVEL, km_h, watch_number(moment, TRAVEL, KM_H), took_s});
    }
}

/* L3, of payments: a terminal that never told a position may go on so. */
static void worth_judge(struct terminal_state *state, const struct watch_moment *moment,
                        struct flag_sink *sink)
{
    const struct observation *seen = moment->seen;
    const uint32_t bad_flags = DEVICE_NOTE_POSITION_ZERO | DEVICE_NOTE_POSITION_FROZEN;
    bool is_missing = (seen->device_flags & DEVICE_NOTE_HAS_POSITION) == 0;
    bool is_bad = (seen->device_flags & bad_flags) != 0 ||
                  (is_missing && state->placed_count >= PLACED_COUNT_MIN);
    state->bad_place_bits = (uint16_t)(state->bad_place_bits << 1 | (is_bad ? 1 : 0));
    if (!is_bad) {
        return;
    }
    watch_note(&state->subject, SIGNAL_POSITION_BAD, seen->position);
    terminal_raise(state, moment, sink,
                   &(struct watch_count){SIGNAL_POSITION_BAD,
                                         bit_count(state->bad_place_bits & LAST_TEN),
                                         watch_number(moment, POSITION_BAD, COUNT_MIN), 0});
}

void terminal_place_step(struct terminal_state *state, const struct watch_moment *moment,
                         struct flag_sink *sink)
{
    const struct observation *seen = moment->seen;
    if (seen->kind == OBSERVATION_ASKED) {
        worth_judge(state, moment, sink);
    }
    if (seen->cell != 0) {
        cell_judge(state, moment, sink);
    }
    if (!has_position(seen)) {
        return;
    }
    if (moment->terminal->has_place) {
        int64_t distance_m = place_distance_m(
            (struct place){moment->terminal->latitude_e3, moment->terminal->longitude_e3},
            (struct place){seen->latitude_e3, seen->longitude_e3});
        fence_judge(state, moment, sink, distance_m);
        city_judge(state, moment, sink, distance_m);
    }
    travel_judge(state, moment, sink);
    state->latitude_e3 = seen->latitude_e3;
    state->longitude_e3 = seen->longitude_e3;
    state->placed_s = (uint32_t)(moment->wall_us / 1000000);
    if (state->placed_count < PLACED_COUNT_MIN) {
        state->placed_count++;
    }
}
