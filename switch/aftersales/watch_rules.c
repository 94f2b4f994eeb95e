/* The numbers that hold where anomalies.yaml says nothing. */
#include "switch/aftersales/watch_rules.h"

#include <string.h>

#include "protocols/base/require.h"

#define DAY_S 86400u
#define CHINA_UTC_OFFSET_S 28800

_Static_assert(SIGNAL_COUNT < 255, "a note keeps a signal, plus one, in a byte");
#define NUMBER(signal, slot, name, key, unit, fallback, least, most, text)                         \
    _Static_assert((slot) < WATCH_NUMBER_COUNT, key ": more numbers than a rule has");             \
    _Static_assert((fallback) >= (least) && (fallback) <= (most), key ": falls back out of "       \
                                                                      "range");
#include "switch/aftersales/signal_number.def"
#undef NUMBER

/* A day for most; money is never quiet (I31: each is a case of its own), and what only time ends is
 * not said again each day. */
static const struct {
    enum signal_code signal;
    uint32_t quiet_s;
} QUIETS[] = {
    {SIGNAL_LATE_APPROVAL, 0},
    {SIGNAL_ANSWER_DIFFERS, 0},
    {SIGNAL_REVERSAL_UNFOUND, 0},
    {SIGNAL_OTHER_CONTENT, 0},
    {SIGNAL_UNDELIVERED, 0},
    {SIGNAL_CARD_LISTED, 3600},
    {SIGNAL_OTHER_CARD, 3600},
    {SIGNAL_FIRMWARE_OLD, 7 * DAY_S},
    {SIGNAL_TURNOVER_JUMP, 7 * DAY_S},
    {SIGNAL_NEW_MERCHANT, 7 * DAY_S},
    {SIGNAL_IDLE, 30 * DAY_S},
    {SIGNAL_IDLE_LONG, 30 * DAY_S},
    {SIGNAL_OWN_CARD, 3600},
    {SIGNAL_CERTIFICATE_ENDS,
     6 * DAY_S}, /* each of its levels once: the last two are a week apart */
};

static const struct watch_number_form FORMS[SIGNAL_COUNT][WATCH_NUMBER_COUNT] = {
#define NUMBER(signal, slot, name, key, unit, fallback, least, most, text)                         \
    [SIGNAL_##signal][slot] = {key, text, WATCH_UNIT_##unit, (fallback), (least), (most)},
#include "switch/aftersales/signal_number.def"
#undef NUMBER
};

const struct watch_number_form *watch_number_form(enum signal_code signal, unsigned slot)
{
    REQUIRE((unsigned)signal < SIGNAL_COUNT);
    bool is_there = slot < WATCH_NUMBER_COUNT && FORMS[signal][slot].key != NULL;
    return is_there ? &FORMS[signal][slot] : NULL;
}

const char *watch_unit_text(enum watch_unit unit)
{
    static const char *const TEXTS[WATCH_UNIT_COUNT_ALL] = {
#define X(name, text) [WATCH_UNIT_##name] = (text),
        WATCH_UNIT_MAP(X)
#undef X
    };
    REQUIRE((unsigned)unit < WATCH_UNIT_COUNT_ALL);
    return TEXTS[unit];
}

void watch_rules_default(struct watch_rules *rules)
{
    memset(rules, 0, sizeof(*rules));
    rules->utc_offset_s = CHINA_UTC_OFFSET_S;
    for (unsigned i = 0; i < SIGNAL_COUNT; i++) {
        enum signal_code signal = (enum signal_code)i;
        rules->items[i].is_on = true;
        rules->items[i].severity = signal_severity(signal);
        rules->items[i].follow = signal_follow_up(signal);
        rules->items[i].quiet_s = DAY_S;
    }
    for (unsigned i = 0; i < sizeof(QUIETS) / sizeof(QUIETS[0]); i++) {
        rules->items[QUIETS[i].signal].quiet_s = QUIETS[i].quiet_s;
    }
    for (unsigned i = 0; i < SIGNAL_COUNT * WATCH_NUMBER_COUNT; i++) {
        rules->items[i / WATCH_NUMBER_COUNT].numbers[i % WATCH_NUMBER_COUNT] =
            FORMS[i / WATCH_NUMBER_COUNT][i % WATCH_NUMBER_COUNT].fallback;
    }
    rules->cohort.is_on = true;
    rules->cohort.terminal_count_min = 20;
    rules->cohort.times_percent = 300;
    rules->cohort.level_ppm = 100;
    rules->cohort.quiet_s = DAY_S;
}
