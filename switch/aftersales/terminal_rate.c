/* Shares of what a terminal asked: reversed, timed out, slow, declined (T4, T5, T14, T17).
 *
 * No share is judged alone: a count must be reached too, and chance must not explain it. */
#include "switch/aftersales/rate_test.h"
#include "switch/aftersales/terminal_watch.h"

#define US_PER_S 1000000
#define DAY_S 86400u
#define WHOLE 65536u            /* an average of 1 */
#define AVERAGE_PART 256        /* the newest one's weight in it */
#define ENDED_COUNT_MIN 200     /* so many, and the average is the terminal's own */
#define DECLINE_USUAL_PPM 50000 /* where neither its past nor its peers say */
#define TIMEOUT_USUAL_PPM 10000
#define PEER_TRIALS_MIN 20
#define SLOW_USUAL_PPM 10000 /* one answer in a hundred takes long, whoever waits for it */
#define SLOW_LEVEL_PPM 100

/* --- shares: T4, T5, T14, T17
 * ---------------------------------------------------------------------- */

/* Below so many requests a count, above it a share. */
static void reversals_judge(struct terminal_state *state, const struct watch_moment *moment,
                            struct flag_sink *sink)
{
    uint32_t window_s = (uint32_t)watch_number(moment, REVERSALS, WINDOW);
    if (moment->seen->kind == OBSERVATION_ASKED) {
        window_add(&state->requests, window_s, moment->wall_us, 1);
    }
    /* what the switch reverses by itself follows from silence, and that is T5 */
    if (moment->seen->kind != OBSERVATION_REVERSED ||
        moment->seen->detail != OBSERVED_BY_TERMINAL || moment->is_channel_ill) {
        return;
    }
    window_add(&state->reversals, window_s, moment->wall_us, 1);
    watch_note(&state->subject, SIGNAL_REVERSALS, moment->seen->position);
    int64_t reversals = window_sum(&state->reversals, window_s, moment->wall_us);
    int64_t requests = window_sum(&state->requests, window_s, moment->wall_us);
    bool is_share = requests >= watch_number(moment, REVERSALS, REQUEST_MIN);
    if (!is_share || reversals * 1000 > requests * watch_number(moment, REVERSALS, PER_MILLE)) {
        terminal_raise(state, moment, sink,
                       &(struct watch_count){SIGNAL_REVERSALS, reversals,
                                             watch_number(moment, REVERSALS, COUNT_MIN), window_s});
    }
}

static uint64_t ppm_of(struct rate rate, uint64_t fallback_ppm)
{
    return rate.trials < PEER_TRIALS_MIN ? fallback_ppm : rate.errors * RATE_PPM / rate.trials;
}

static void timeouts_judge(struct terminal_state *state, const struct channel_peers *peers,
                           const struct watch_moment *moment, struct flag_sink *sink)
{
    uint32_t window_s = (uint32_t)watch_number(moment, TIMEOUTS, WINDOW);
    struct rate own = {window_sum(&state->timeout_requests, window_s, moment->wall_us),
                       window_sum(&state->timeouts, window_s, moment->wall_us)};
    struct rate all =
        peers == NULL ? own : rate_window_sum(&peers->timeouts, window_s, moment->wall_us);
    uint64_t usual_ppm = ppm_of(rate_without(all, own), TIMEOUT_USUAL_PPM);
    usual_ppm = usual_ppm < 1000 ? 1000 : usual_ppm; /* none among a few is not never */
    watch_note(&state->subject, SIGNAL_TIMEOUTS, moment->seen->position);
    if (moment->is_channel_ill ||
        usual_ppm > (uint64_t)watch_number(moment, TIMEOUTS, PEER_PER_MILLE) * 1000 ||
        !rate_is_rare(own.errors, own.trials * usual_ppm,
                      (uint32_t)watch_number(moment, TIMEOUTS, LEVEL_PPM))) {
        return;
    }
    terminal_raise(state, moment, sink,
                   &(struct watch_count){SIGNAL_TIMEOUTS, (int64_t)own.errors,
                                         watch_number(moment, TIMEOUTS, COUNT_MIN), window_s});
}

/* The usual share of declines: its own past or its peers now, whichever is higher. */
static void declines_judge(struct terminal_state *state, const struct channel_peers *peers,
                           const struct watch_moment *moment, struct flag_sink *sink)
{
    uint32_t window_s = (uint32_t)watch_number(moment, DECLINES, WINDOW);
    struct rate own = {window_sum(&state->ended, window_s, moment->wall_us),
                       window_sum(&state->declines, window_s, moment->wall_us)};
    struct rate all =
        peers == NULL ? own : rate_window_sum(&peers->declines, window_s, moment->wall_us);
    uint64_t usual_ppm = ppm_of(rate_without(all, own), DECLINE_USUAL_PPM);
    uint64_t past_ppm = (uint64_t)state->decline_average * RATE_PPM / WHOLE;
    if (state->ended_count >= ENDED_COUNT_MIN && past_ppm > usual_ppm) {
        usual_ppm = past_ppm;
    }
    usual_ppm = usual_ppm < DECLINE_USUAL_PPM ? DECLINE_USUAL_PPM : usual_ppm;
    watch_note(&state->subject, SIGNAL_DECLINES, moment->seen->position);
    uint64_t times_percent = (uint64_t)watch_number(moment, DECLINES, TIMES_PERCENT);
    if (moment->is_channel_ill ||
        own.errors * RATE_PPM * 100 <= own.trials * usual_ppm * times_percent ||
        !rate_is_rare(own.errors, own.trials * usual_ppm,
                      (uint32_t)watch_number(moment, DECLINES, LEVEL_PPM))) {
        return;
    }
    terminal_raise(state, moment, sink,
                   &(struct watch_count){SIGNAL_DECLINES, (int64_t)own.errors,
                                         watch_number(moment, DECLINES, COUNT_MIN), window_s});
}

static void slow_judge(struct terminal_state *state, struct channel_peers *peers,
                       const struct watch_moment *moment, struct flag_sink *sink)
{
    const struct observation *seen = moment->seen;
    uint32_t window_s = (uint32_t)watch_number(moment, SLOW, WINDOW);
    if (peers == NULL || state->asked_us == 0 || state->asked_stan != seen->stan ||
        seen->detail == OBSERVED_UNKNOWN) {
        return;
    }
    int64_t took_us = seen->wall_us - state->asked_us;
    state->asked_us = 0;
    if (took_us < 0 || took_us > UINT32_MAX) {
        return;
    }
    bool is_slow =
        channel_peers_is_timed(peers) &&
        took_us * 100 > (int64_t)peers->usual_us * watch_number(moment, SLOW, TIMES_PERCENT);
    channel_peers_time(peers, (uint32_t)took_us);
    window_add(&state->timed, window_s, moment->wall_us, 1);
    if (!is_slow) {
        return;
    }
    window_add(&state->slow, window_s, moment->wall_us, 1);
    watch_note(&state->subject, SIGNAL_SLOW, seen->position);
    int64_t slow = window_sum(&state->slow, window_s, moment->wall_us);
    int64_t timed = window_sum(&state->timed, window_s, moment->wall_us);
    bool is_rare = rate_is_rare((uint64_t)slow, (uint64_t)timed * SLOW_USUAL_PPM, SLOW_LEVEL_PPM);
    if (is_rare && slow * 1000 > timed * watch_number(moment, SLOW, PER_MILLE)) {
        terminal_raise(state, moment, sink,
                       &(struct watch_count){SIGNAL_SLOW, slow,
                                             watch_number(moment, SLOW, COUNT_MIN), window_s});
    }
}

/* Counts an outcome for the terminal and its channel, then judges. */
static void ended_judge(struct terminal_state *state, struct channel_peers *peers,
                        const struct watch_moment *moment, struct flag_sink *sink)
{
    enum observation_detail detail = moment->seen->detail;
    int64_t wall_us = moment->wall_us;
    uint32_t timeout_s = (uint32_t)watch_number(moment, TIMEOUTS, WINDOW);
    uint32_t decline_s = (uint32_t)watch_number(moment, DECLINES, WINDOW);
    bool is_unknown = detail == OBSERVED_UNKNOWN, is_declined = detail == OBSERVED_DECLINED;
    if (!is_unknown && !is_declined && detail != OBSERVED_APPROVED) {
        return; /* never forwarded: neither the terminal's fault nor its channel's answer */
    }
    window_add(&state->timeout_requests, timeout_s, wall_us, 1);
    window_add(&state->timeouts, timeout_s, wall_us, is_unknown);
    window_add(&state->timeouts_day, DAY_S, wall_us, is_unknown);
    window_add(&state->ended, decline_s, wall_us, 1);
    window_add(&state->declines, decline_s, wall_us, is_declined);
    window_add(&state->declines_day, DAY_S, wall_us, is_declined);
    if (peers != NULL) {
        rate_window_add(&peers->timeouts, timeout_s, wall_us, (struct rate){1, is_unknown});
        rate_window_add(&peers->declines, decline_s, wall_us, (struct rate){1, is_declined});
    }
    slow_judge(state, peers, moment, sink);
    if (is_unknown) {
        timeouts_judge(state, peers, moment, sink);
    }
    if (is_declined) {
        declines_judge(state, peers, moment, sink);
    }
    uint32_t parts = state->decline_average * (AVERAGE_PART - 1) / AVERAGE_PART;
    state->decline_average = parts + (is_declined ? WHOLE / AVERAGE_PART : 0);
    state->ended_count += state->ended_count < ENDED_COUNT_MIN ? 1 : 0;
}

void terminal_rate_step(struct terminal_state *state, struct channel_peers *peers,
                        const struct watch_moment *moment, struct flag_sink *sink)
{
    reversals_judge(state, moment, sink);
    if (moment->seen->kind == OBSERVATION_ENDED) {
        ended_judge(state, peers, moment, sink);
    }
}
