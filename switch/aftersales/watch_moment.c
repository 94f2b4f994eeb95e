/* Notes and flags. See watch_moment.h. */
#include "switch/aftersales/watch_moment.h"

#include <string.h>

#include "protocols/base/require.h"

#define US_PER_S 1000000

/* A signal's place among those of its kind of subject, so that a terminal keeps no times of
 * merchants' signals. */
static uint32_t place_of(enum signal_code signal)
{
    uint32_t place = 0;
    enum flag_subject subject = signal_subject(signal);
    for (unsigned other = 0; other < (unsigned)signal; other++) {
        place += signal_subject((enum signal_code)other) == subject ? 1 : 0;
    }
    REQUIRE(place < WATCH_QUIET_COUNT);
    return place;
}

void watch_note(struct watch_subject *subject, enum signal_code signal, uint64_t position)
{
    REQUIRE((unsigned)signal < SIGNAL_COUNT);
    if (position == 0) {
        return; /* time is no evidence */
    }
    subject->positions[subject->next] = position;
    subject->signals[subject->next] = (uint8_t)(signal + 1);
    subject->next = (uint8_t)((subject->next + 1) % WATCH_NOTE_COUNT);
}

uint32_t watch_raised_s(const struct watch_subject *subject, enum signal_code signal)
{
    REQUIRE((unsigned)signal < SIGNAL_COUNT);
    return subject->raised_s[place_of(signal)];
}

static void evidence_fill(struct flag *flag, const struct watch_subject *subject)
{
    uint64_t newest_first[FLAG_EVIDENCE_COUNT_MAX] = {0};
    uint32_t count = 0;
    for (uint32_t age = 1; age <= WATCH_NOTE_COUNT && count < FLAG_EVIDENCE_COUNT_MAX; age++) {
        uint32_t place = (subject->next + WATCH_NOTE_COUNT - age) % WATCH_NOTE_COUNT;
        bool is_new = count == 0 || newest_first[count - 1] != subject->positions[place];
        if (subject->signals[place] == flag->signal + 1 && is_new) {
            newest_first[count++] = subject->positions[place];
        }
    }
    for (uint32_t i = 0; i < count; i++) {
        flag->evidence[i] = newest_first[count - 1 - i];
    }
    flag->evidence_count = count;
}

/* 500 at the threshold, towards 1000 above it. */
static uint32_t score_of(const struct watch_finding *finding)
{
    int64_t threshold = finding->threshold < 0 ? 0 : finding->threshold;
    if (finding->value <= threshold || finding->value > INT64_MAX / 500) {
        return finding->value <= threshold ? 500 : 1000;
    }
    return (uint32_t)(1000 - 500 * threshold / finding->value);
}

static void text_copy(char *target, size_t size, const char *text)
{
    size_t length = strnlen(text, size - 1);
    memcpy(target, text, length);
    target[length] = 0;
}

static void flag_fill(struct flag *flag, const struct watch_moment *moment,
                      const struct watch_finding *finding)
{
    const struct watch_rule *rule = &moment->rules->items[finding->signal];
    memset(flag, 0, sizeof(*flag));
    flag->signal = finding->signal;
    flag->rules_version = moment->rules->version;
    flag->subject = signal_subject(finding->signal);
    text_copy(flag->subject_id, sizeof(flag->subject_id),
              flag->subject == FLAG_OF_MERCHANT ? moment->merchant_id : moment->terminal_id);
    text_copy(flag->terminal_id, sizeof(flag->terminal_id), moment->terminal_id);
    text_copy(flag->merchant_id, sizeof(flag->merchant_id), moment->merchant_id);
    text_copy(flag->serial, sizeof(flag->serial), moment->serial);
    flag->severity = finding->severity > rule->severity ? finding->severity : rule->severity;
    flag->is_watched_only = rule->is_watched_only;
    flag->is_fleet_linked =
        moment->is_fleet_linked && signal_case_kind(finding->signal) == CASE_FAULT;
    flag->window_begin_us = finding->window_begin_us;
    flag->window_end_us = moment->wall_us;
    flag->value = finding->value;
    flag->threshold = finding->threshold;
    flag->position = moment->seen->position;
    flag->score = score_of(finding);
}

bool watch_raise(struct flag_sink *sink, const struct watch_moment *moment,
                 struct watch_subject *subject, const struct watch_finding *finding)
{
    REQUIRE((unsigned)finding->signal < SIGNAL_COUNT);
    REQUIRE(signal_subject(finding->signal) != FLAG_OF_COHORT);
    const struct watch_rule *rule = &moment->rules->items[finding->signal];
    uint32_t *raised_s = &subject->raised_s[place_of(finding->signal)];
    int64_t now_s = moment->wall_us / US_PER_S;
    if (!rule->is_on || (*raised_s != 0 && now_s - *raised_s < rule->quiet_s) ||
        sink->count >= sink->count_max) {
        return false;
    }
    watch_note(subject, finding->signal, moment->seen->position);
    struct flag *flag = &sink->flags[sink->count++];
    flag_fill(flag, moment, finding);
    evidence_fill(flag, subject);
    *raised_s = (uint32_t)now_s;
    return true;
}
