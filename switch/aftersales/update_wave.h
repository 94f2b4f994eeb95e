/* Waves of an update: a few terminals first, then more, in the end all, as long as all goes well.
 *
 * A wave is given by how much of the fleet is asked up to and with it, in percent. The next one
 * begins once the settling time is over since the last terminal was asked, and at least
 * UPDATE_DONE_PERCENT of all that were to be asked until then tell the wanted version; are there
 * fewer, it goes no further. T15 of the brand, the model or the wanted version (or a newer one)
 * stops it at any time. Plain values, nothing here waits or allocates.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "switch/aftersales/flag.h"

#define UPDATE_WAVE_COUNT_MAX 8
#define UPDATE_WAVES_TEXT_SIZE 32 /* "5 25 100" */
#define UPDATE_WAVES_FALLBACK "5 25 100"
#define UPDATE_DONE_PERCENT 80

struct update_waves {
    uint32_t count;
    uint8_t percents[UPDATE_WAVE_COUNT_MAX]; /* rising; the last is 100 */
};

/* "5 25 100", or with commas between. False: no numbers from 1 to 100 that rise and end with 100,
 * or more than UPDATE_WAVE_COUNT_MAX; `waves` is then undefined. */
bool update_waves_parse(struct update_waves *waves, const char *text);
void update_waves_text(const struct update_waves *waves, char text[UPDATE_WAVES_TEXT_SIZE]);
/* The wave, from 0, of the terminal at `place`, from 0, of `total`. A wave begins with a whole
 * terminal: of 10 terminals 5 % are one. */
uint32_t update_wave_of(const struct update_waves *waves, uint32_t place, uint32_t total);

/* X(NAME, word, sentence): how far a terminal is. */
#define UPDATE_TARGET_MAP(X)                                                                       \
    X(WAITING, "waiting", "not asked yet")                                                         \
    X(ASKED, "asked", "asked, and has time to tell the wanted version")                            \
    X(DONE, "done", "tells the wanted version, or a newer one")                                    \
    X(FAILED, "failed", "its time is over, and it has not told the wanted version")
enum update_target {
#define X(name, word, text) UPDATE_TARGET_##name,
    UPDATE_TARGET_MAP(X)
#undef X
        UPDATE_TARGET_COUNT
};
const char *update_target_word(enum update_target target);
/* UPDATE_TARGET_COUNT: no such word. */
enum update_target update_target_from_word(const char *word);

/* How far a campaign is. */
struct update_progress {
    uint32_t counts[UPDATE_TARGET_COUNT]; /* of the waves that have begun */
    bool is_last;                         /* no other wave follows */
    int64_t quiet_us,
        settle_us; /* since the last one was asked or the wave began; to wait so long */
};
enum update_verdict { UPDATE_ASK, UPDATE_WAIT, UPDATE_NEXT, UPDATE_STOP, UPDATE_FINISH };
enum update_verdict update_wave_judge(const struct update_progress *progress);

/* What is updated, to which version. */
struct update_aim {
    const char *brand, *model, *firmware;
};
/* Whether the flag says that what is updated fails more than others since then: T15, raised after
 * `since_us`, by a rule that is not in watch mode. One of older software is why it is updated. */
bool update_flag_stops(const struct flag *flag, const struct update_aim *aim, int64_t since_us);
