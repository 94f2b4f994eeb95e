/* What one observation says about its terminal. See terminal_watch.h.
 *
 * Each group of signals looks at the kinds and details that concern it; the order of the groups is
 * the order of the flags. */
#include "switch/aftersales/terminal_watch.h"

#include <string.h>

#include "protocols/firmware_order.h"
#include "switch/aftersales/rate_test.h"

#define US_PER_S 1000000
#define DAY_S 86400u
/* A bent chip, a card put in the wrong way: half of a per cent of all reads at a sound reader, and
 * more where cards are tapped and only the troublesome ones put in (C9). */
#define FALLBACK_USUAL_PPM 5000
#define FALLBACK_LEVEL_PPM 200
#define FALLBACK_PEER_READS_MIN 500 /* of the others, or their share says nothing */

bool terminal_speaks(enum observation_kind kind)
{
    return kind == OBSERVATION_ASKED || kind == OBSERVATION_REFUSED ||
           kind == OBSERVATION_SIGNED_ON || kind == OBSERVATION_STATUS;
}

bool terminal_raise(struct terminal_state *state, const struct watch_moment *moment,
                    struct flag_sink *sink, const struct watch_count *count)
{
    if (count->value < count->threshold) {
        return false;
    }
    return watch_raise(
        sink, moment, &state->subject,
        &(struct watch_finding){.signal = count->signal,
                                .value = count->value,
                                .threshold = count->threshold,
                                .window_begin_us = moment->wall_us - count->window_s * US_PER_S});
}

/* One more in `window`, noted; raised where there are enough. */
static void count_and_raise(struct terminal_state *state, const struct watch_moment *moment,
                            struct flag_sink *sink, struct window *window, struct watch_count count)
{
    uint32_t seconds = (uint32_t)count.window_s;
    window_add(window, seconds, moment->wall_us,
               moment->seen->count == 0 ? 1 : moment->seen->count);
    watch_note(&state->subject, count.signal, moment->seen->position);
    count.value = window_sum(window, seconds, moment->wall_us);
    terminal_raise(state, moment, sink, &count);
}

#define COUNT_OF(moment, signal)                                                                   \
    ((struct watch_count){SIGNAL_##signal, 0, watch_number(moment, signal, COUNT_MIN),             \
                          watch_number(moment, signal, WINDOW)})
#define COUNT_OF_DAY(moment, signal)                                                               \
    ((struct watch_count){SIGNAL_##signal, 0, watch_number(moment, signal, COUNT_MIN), DAY_S})

/* --- messages that never became requests: T1, T2, T10, T13, T18 ---------------------------------
 */

static bool says_keyless(const struct observation *seen)
{
    return strcmp(seen->response_code, "77") == 0 || strcmp(seen->response_code, "99") == 0 ||
           strcmp(seen->response_code, "A0") == 0;
}

/* A wrong key before a sign-on is cured by it; after one it is not. */
static void keys_judge(struct terminal_state *state, const struct watch_moment *moment,
                       struct flag_sink *sink)
{
    const struct observation *seen = moment->seen;
    int64_t since_s = moment->wall_us / US_PER_S - state->signon_s;
    bool is_after_signon =
        state->signon_s != 0 && since_s <= watch_number(moment, KEYS_LOST, WINDOW);
    bool is_wrong = seen->detail == OBSERVED_MAC_FAILED || says_keyless(seen);
    if (seen->detail == OBSERVED_KEYS_LOST || (is_wrong && is_after_signon)) {
        count_and_raise(state, moment, sink, &state->keyless, COUNT_OF(moment, KEYS_LOST));
    }
}

static void sighting_judge(struct terminal_state *state, const struct watch_moment *moment,
                           struct flag_sink *sink)
{
    enum observation_detail detail = moment->seen->detail;
    if (detail == OBSERVED_MAC_FAILED) {
        count_and_raise(state, moment, sink, &state->mac_failures, COUNT_OF(moment, MAC_FAILURES));
    } else if (detail == OBSERVED_MALFORMED) {
        count_and_raise(state, moment, sink, &state->malformed, COUNT_OF(moment, MALFORMED));
    } else if (detail == OBSERVED_TLS_FAILED) {
        count_and_raise(state, moment, sink, &state->tls_failures, COUNT_OF(moment, TLS_FAILURES));
    } else if (detail == OBSERVED_NOT_SIGNED_ON) {
        count_and_raise(state, moment, sink, &state->not_signed_on, COUNT_OF(moment, NO_SIGNON));
    }
    keys_judge(state, moment, sink);
}

/* Told once for each level; what is left is at most that. */
static void certificate_judge(struct terminal_state *state, const struct watch_moment *moment,
                              struct flag_sink *sink)
{
    enum observation_detail detail = moment->seen->detail;
    int64_t days_max = watch_number(moment, CERTIFICATE_ENDS, DAYS_MAX);
    int64_t days = detail == OBSERVED_CERTIFICATE_30   ? 30
                   : detail == OBSERVED_CERTIFICATE_14 ? 14
                   : detail == OBSERVED_CERTIFICATE_7  ? 7
                                                       : 0;
    if (days != 0 && days <= days_max) {
        watch_raise(sink, moment, &state->subject,
                    &(struct watch_finding){.signal = SIGNAL_CERTIFICATE_ENDS,
                                            .value = days,
                                            .threshold = days_max,
                                            .window_begin_us = moment->wall_us});
    }
}

/* --- money: M1 to M5, and L8
 * ---------------------------------------------------------------------- */

static const struct {
    enum observation_detail detail;
    enum signal_code signal;
} AT_ONCE[] = {
    {OBSERVED_LATE_APPROVAL, SIGNAL_LATE_APPROVAL},
    {OBSERVED_MISMATCH, SIGNAL_ANSWER_DIFFERS},
    {OBSERVED_REVERSAL_UNFOUND, SIGNAL_REVERSAL_UNFOUND},
    {OBSERVED_OTHER_CONTENT, SIGNAL_OTHER_CONTENT},
    {OBSERVED_UNDELIVERED, SIGNAL_UNDELIVERED},
    {OBSERVED_MERCHANT_MISMATCH, SIGNAL_MERCHANT_DIFFERS},
};

static void at_once_judge(struct terminal_state *state, const struct watch_moment *moment,
                          struct flag_sink *sink)
{
    for (unsigned i = 0; i < sizeof(AT_ONCE) / sizeof(AT_ONCE[0]); i++) {
        if (moment->seen->detail == AT_ONCE[i].detail) {
            terminal_raise(state, moment, sink, &(struct watch_count){AT_ONCE[i].signal, 1, 1, 0});
        }
    }
}

/* --- what the terminal tells of itself: L5, L6, T9, T11, T12
 * -------------------------------------- */

static void streak_judge(struct terminal_state *state, const struct watch_moment *moment,
                         struct flag_sink *sink, uint16_t *streak, struct watch_count count)
{
    *streak = (uint16_t)(count.value == 0 ? 0 : *streak + (*streak < UINT16_MAX ? 1 : 0));
    if (count.value != 0) {
        count.value = *streak;
        watch_note(&state->subject, count.signal, moment->seen->position);
        terminal_raise(state, moment, sink, &count);
    }
}

static void told_keep(char *target, const char *told, size_t size)
{
    if (told[0] != 0) {
        memset(target, 0, size);
        memcpy(target, told, strnlen(told, size - 1));
    }
}

/* Another device took its place, and the registry knows: its numbers begin anew. */
static void swap_note(struct terminal_state *state, const struct watch_moment *moment)
{
    const char *told = moment->seen->serial;
    if (told[0] != 0 && state->serial[0] != 0 && strcmp(told, state->serial) != 0 &&
        strcmp(told, moment->terminal->serial) == 0) {
        state->stan = 0;
        state->batch = 0;
        state->placed_s = 0;
    }
}

static void self_judge(struct terminal_state *state, const struct watch_moment *moment,
                       struct flag_sink *sink)
{
    const struct observation *seen = moment->seen;
    const struct terminal_facts *facts = moment->terminal;
    if (seen->serial[0] != 0 && facts->serial[0] != 0) {
        bool is_other = strcmp(seen->serial, facts->serial) != 0;
        streak_judge(state, moment, sink, &state->serial_streak,
                     (struct watch_count){SIGNAL_SERIAL_DIFFERS, is_other,
                                          watch_number(moment, SERIAL_DIFFERS, COUNT_MIN), 0});
    }
    if ((seen->device_flags & DEVICE_NOTE_RANDOM_WRONG) != 0) {
        count_and_raise(state, moment, sink, &state->unproven,
                        COUNT_OF_DAY(moment, SERIAL_UNPROVEN));
    }
    if (seen->firmware[0] != 0 && facts->firmware_min[0] != 0) {
        bool is_old = firmware_order(seen->firmware, facts->firmware_min) < 0;
        streak_judge(state, moment, sink, &state->firmware_streak,
                     (struct watch_count){SIGNAL_FIRMWARE_OLD, is_old,
                                          watch_number(moment, FIRMWARE_OLD, COUNT_MIN), 0});
    }
    if (seen->kind == OBSERVATION_STATUS) {
        state->faulty = seen->faulty;
        streak_judge(state, moment, sink, &state->faulty_streak,
                     (struct watch_count){SIGNAL_DEVICE_FAULTY, seen->faulty,
                                          watch_number(moment, DEVICE_FAULTY, COUNT_MIN), 0});
    }
}

static void clock_judge(struct terminal_state *state, const struct watch_moment *moment,
                        struct flag_sink *sink)
{
    int64_t ahead_s = moment->seen->clock_ahead_s;
    int64_t off_s = ahead_s < 0 ? -ahead_s : ahead_s;
    if (moment->seen->detail != OBSERVED_CLOCK_OFF) {
        return;
    }
    state->clock_ahead_s = moment->seen->clock_ahead_s;
    if (off_s > watch_number(moment, CLOCK_OFF, SECONDS_MAX)) {
        count_and_raise(state, moment, sink, &state->clock_off, COUNT_OF_DAY(moment, CLOCK_OFF));
    }
}

/* --- numbers that only move on: T3
 * ----------------------------------------------------------------- */

#define NUMBER_LAST 999999 /* of a batch, of a trace: then it begins anew */
#define NUMBER_NEAR 1000

static bool is_wrapped(uint32_t before, uint32_t now)
{
    return before > NUMBER_LAST - NUMBER_NEAR && now < NUMBER_NEAR;
}

/* A trace may begin anew with a batch. The same numbers again are a repeat, not a jump. */
static void trace_judge(struct terminal_state *state, const struct watch_moment *moment,
                        struct flag_sink *sink)
{
    const struct observation *seen = moment->seen;
    uint32_t batch = state->batch, stan = state->stan;
    if (seen->kind != OBSERVATION_ASKED || seen->stan == 0 ||
        seen->payment_kind == PAYMENT_REVERSAL) {
        return;
    }
    state->batch = seen->batch;
    state->stan = seen->stan;
    if (stan == 0 || (seen->batch == batch && seen->stan == stan)) {
        return;
    }
    int64_t jump_max = watch_number(moment, TRACE_JUMPS, JUMP_MAX);
    bool is_new_batch = seen->batch > batch || is_wrapped(batch, seen->batch);
    int64_t value = 0, threshold = 0;
    if (!is_new_batch && seen->batch < batch) {
        value = (int64_t)batch - seen->batch;
    } else if (seen->stan < stan && !is_new_batch && !is_wrapped(stan, seen->stan)) {
        value = (int64_t)stan - seen->stan;
    } else if (seen->stan > stan && seen->stan - stan > jump_max) {
        value = seen->stan - stan;
        threshold = jump_max;
    }
    if (value != 0) {
        watch_raise(sink, moment, &state->subject,
                    &(struct watch_finding){.signal = SIGNAL_TRACE_JUMPS,
                                            .value = value,
                                            .threshold = threshold,
                                            .window_begin_us = moment->wall_us});
    }
}

/* --- cards: C6, C9
 * --------------------------------------------------------------------------------- */

static bool is_wrong_pin(const char *response_code)
{
    return strcmp(response_code, "55") == 0 || strcmp(response_code, "38") == 0 ||
           strcmp(response_code, "75") == 0;
}

static uint32_t card_of(const struct pan_hash *hash)
{
    uint32_t card = 0;
    memcpy(&card, hash, sizeof(card));
    return card;
}

/* The last eight wrong PINs tell all: of one card, or of several. */
static void pins_judge(struct terminal_state *state, const struct watch_moment *moment,
                       struct flag_sink *sink)
{
    uint32_t now_s = (uint32_t)(moment->wall_us / US_PER_S);
    int64_t window_s = watch_number(moment, WRONG_PINS, WINDOW);
    uint32_t own = card_of(&moment->seen->pan_hash);
    state->pins[state->pin_next].card = own;
    state->pins[state->pin_next].at_s = now_s;
    state->pin_next = (uint8_t)((state->pin_next + 1) % TERMINAL_PIN_COUNT);
    int64_t same = 0, all = 0, cards = 0;
    for (uint32_t i = 0; i < TERMINAL_PIN_COUNT; i++) {
        if (state->pins[i].at_s == 0 || now_s - state->pins[i].at_s > window_s) {
            continue;
        }
        uint32_t first = 0;
        while (state->pins[first].card != state->pins[i].card || state->pins[first].at_s == 0 ||
               now_s - state->pins[first].at_s > window_s) {
            first++;
        }
        all++;
        cards += first == i ? 1 : 0;
        same += state->pins[i].card == own ? 1 : 0;
    }
    watch_note(&state->subject, SIGNAL_WRONG_PINS, moment->seen->position);
    bool is_many = cards >= watch_number(moment, WRONG_PINS, CARD_MIN);
    struct watch_count of_one = {SIGNAL_WRONG_PINS, same,
                                 watch_number(moment, WRONG_PINS, SAME_CARD_MIN), window_s};
    struct watch_count of_many = {SIGNAL_WRONG_PINS, all,
                                  watch_number(moment, WRONG_PINS, COUNT_MIN), window_s};
    if (!terminal_raise(state, moment, sink, &of_one) && is_many) {
        terminal_raise(state, moment, sink, &of_many);
    }
}

static bool begins_with(const char *text, const char *two)
{
    return text[0] == two[0] && text[1] == two[1];
}

/* Readings by contact: chip or stripe. */
static bool is_read(const char *entry_mode)
{
    return begins_with(entry_mode, "02") || begins_with(entry_mode, "05") ||
           begins_with(entry_mode, "80") || begins_with(entry_mode, "90") ||
           begins_with(entry_mode, "95");
}

/* What share of its peers' reads is by the stripe: how many of all cards are tapped, and how old
 * they are, is the same for all of them. */
static uint64_t fallback_usual_ppm(const struct channel_peers *peers, struct rate own,
                                   uint32_t window_s, int64_t wall_us)
{
    struct rate others = {0, 0};
    if (peers != NULL) {
        others = rate_without(rate_window_sum(&peers->fallbacks, window_s, wall_us), own);
    }
    uint64_t ppm = others.trials < FALLBACK_PEER_READS_MIN
                       ? FALLBACK_USUAL_PPM
                       : others.errors * RATE_PPM / others.trials;
    return ppm < FALLBACK_USUAL_PPM ? FALLBACK_USUAL_PPM : ppm;
}

/* A card was read by its stripe here: is the reader worn? */
static void fallback_judge(struct terminal_state *state, const struct channel_peers *peers,
                           const struct watch_moment *moment, struct flag_sink *sink)
{
    uint32_t window_s = (uint32_t)watch_number(moment, FALLBACK, WINDOW);
    struct rate own = {window_sum(&state->reads, window_s, moment->wall_us),
                       window_sum(&state->fallbacks, window_s, moment->wall_us)};
    uint64_t usual_ppm = fallback_usual_ppm(peers, own, window_s, moment->wall_us);
    watch_note(&state->subject, SIGNAL_FALLBACK, moment->seen->position);
    if (own.trials >= (uint64_t)watch_number(moment, FALLBACK, READ_MIN) &&
        own.errors * 1000 > own.trials * (uint64_t)watch_number(moment, FALLBACK, PER_MILLE) &&
        rate_is_rare(own.errors, own.trials * usual_ppm, FALLBACK_LEVEL_PPM)) {
        terminal_raise(state, moment, sink,
                       &(struct watch_count){SIGNAL_FALLBACK, (int64_t)own.errors,
                                             watch_number(moment, FALLBACK, COUNT_MIN), window_s});
    }
}

static void reader_judge(struct terminal_state *state, struct channel_peers *peers,
                         const struct watch_moment *moment, struct flag_sink *sink)
{
    const struct observation *seen = moment->seen;
    uint32_t window_s = (uint32_t)watch_number(moment, FALLBACK, WINDOW);
    bool is_fallback =
        (seen->device_flags & DEVICE_NOTE_FALLBACK) != 0 || begins_with(seen->entry_mode, "80");
    if (!is_fallback && !is_read(seen->entry_mode)) {
        return;
    }
    /* one card tried again, or its sale taken back, is one bent chip and no worn reader */
    uint32_t card = card_of(&seen->pan_hash);
    if (is_fallback && card != 0 && card == state->fallback_card) {
        return;
    }
    state->fallback_card = is_fallback ? card : state->fallback_card;
    window_add(&state->reads, window_s, moment->wall_us, 1);
    window_add(&state->fallbacks, window_s, moment->wall_us, is_fallback);
    if (peers != NULL) {
        rate_window_add(&peers->fallbacks, window_s, moment->wall_us,
                        (struct rate){1, is_fallback});
    }
    if (is_fallback && !moment->terminal->may_fallback) {
        fallback_judge(state, peers, moment, sink);
    }
}

/* --- one observation
 * -------------------------------------------------------------------------------- */

static void life_note(struct terminal_state *state, const struct watch_moment *moment)
{
    const struct observation *seen = moment->seen;
    uint32_t now_s = (uint32_t)(moment->wall_us / US_PER_S);
    bool is_paid = seen->kind == OBSERVATION_ENDED && seen->detail == OBSERVED_APPROVED;
    state->seen_s = now_s;
    state->known_s = state->known_s == 0 ? now_s : state->known_s;
    state->silent_hours = 0;
    state->silent_level = 0;
    state->is_seen_today = true;
    state->is_week_known = state->weekdays_known == TERMINAL_WEEKDAYS_ALL;
    if (seen->kind == OBSERVATION_SIGNED_ON) {
        state->signon_s = now_s;
    }
    if (is_paid) {
        state->paid_s = now_s;
        state->unsettled_s = state->unsettled_s == 0 ? now_s : state->unsettled_s;
        window_add(&state->payments_day, DAY_S, moment->wall_us, 1);
    }
    if (seen->kind == OBSERVATION_SETTLED || seen->kind == OBSERVATION_BATCH_ENDED) {
        state->settled_s = now_s;
        state->unsettled_s = 0;
    }
    if (seen->kind == OBSERVATION_ASKED) {
        state->asked_us = seen->wall_us;
        state->asked_stan = seen->stan;
    }
}

void terminal_watch_step(struct terminal_state *state, struct channel_peers *peers,
                         const struct watch_moment *moment, struct flag_sink *sink)
{
    const struct observation *seen = moment->seen;
    at_once_judge(state, moment, sink);
    sighting_judge(state, moment, sink);
    certificate_judge(state, moment, sink);
    clock_judge(state, moment, sink);
    if (terminal_speaks(seen->kind)) {
        swap_note(state, moment);
        self_judge(state, moment, sink);
        terminal_place_step(state, moment, sink);
        told_keep(state->serial, seen->serial, sizeof(state->serial));
        told_keep(state->firmware, seen->firmware, sizeof(state->firmware));
    }
    trace_judge(state, moment, sink);
    terminal_rate_step(state, peers, moment, sink);
    if (seen->kind == OBSERVATION_ASKED) {
        reader_judge(state, peers, moment, sink);
    }
    if (seen->kind == OBSERVATION_ENDED && seen->detail == OBSERVED_DECLINED &&
        is_wrong_pin(seen->response_code)) {
        pins_judge(state, moment, sink);
    }
    if (seen->kind == OBSERVATION_SETTLED) {
        bool is_other = seen->detail == OBSERVED_TOTALS_DIFFER;
        streak_judge(state, moment, sink, &state->totals_streak,
                     (struct watch_count){SIGNAL_TOTALS_DIFFER, is_other,
                                          watch_number(moment, TOTALS_DIFFER, COUNT_MIN), 0});
    }
    life_note(state, moment);
}
