/* See update_wave.h. */
#include "switch/aftersales/update_wave.h"

#include <stdio.h>
#include <string.h>

#include "protocols/base/digits.h"
#include "protocols/base/require.h"
#include "protocols/firmware_order.h"

/* --- waves ---------------------------------------------------------------------------------- */

bool update_waves_parse(struct update_waves *waves, const char *text)
{
    uint64_t last = 0;
    memset(waves, 0, sizeof(*waves));
    while (waves->count < UPDATE_WAVE_COUNT_MAX) {
        uint32_t length = (uint32_t)strspn(text, "0123456789");
        if (length == 0 || length > 3 ||
            digits_parse(&last, text, length, (struct number_range){last + 1, 100}) != STATUS_OK) {
            return false;
        }
        waves->percents[waves->count++] = (uint8_t)last;
        text += length;
        if (*text == '\0') {
            return last == 100;
        }
        if (*text != ' ' && *text != ',') {
            return false;
        }
        text++;
    }
    return false;
}

void update_waves_text(const struct update_waves *waves, char text[UPDATE_WAVES_TEXT_SIZE])
{
    int used = 0;
    _Static_assert(UPDATE_WAVES_TEXT_SIZE >= 4 * UPDATE_WAVE_COUNT_MAX, "room for all of them");
    REQUIRE(waves->count > 0 && waves->count <= UPDATE_WAVE_COUNT_MAX);
    for (uint32_t i = 0; i < waves->count && used < UPDATE_WAVES_TEXT_SIZE; i++) {
        used += snprintf(text + used, (size_t)(UPDATE_WAVES_TEXT_SIZE - used), "%s%u",
                         i == 0 ? "" : " ", waves->percents[i]);
    }
}

uint32_t update_wave_of(const struct update_waves *waves, uint32_t place, uint32_t total)
{
    uint32_t wave = 0;
    REQUIRE(waves->count > 0 && place < total);
    while (wave + 1 < waves->count &&
           place >= ((uint64_t)total * waves->percents[wave] + 99) / 100) {
        wave++;
    }
    return wave;
}

/* --- how far it is -------------------------------------------------------------------------- */

static const char *const WORDS[UPDATE_TARGET_COUNT] = {
#define X(name, word, text) [UPDATE_TARGET_##name] = (word),
    UPDATE_TARGET_MAP(X)
#undef X
};

const char *update_target_word(enum update_target target)
{
    REQUIRE((unsigned)target < UPDATE_TARGET_COUNT);
    return WORDS[target];
}

enum update_target update_target_from_word(const char *word)
{
    unsigned target = 0;
    while (target < UPDATE_TARGET_COUNT && strcmp(WORDS[target], word) != 0) {
        target++;
    }
    return (enum update_target)target;
}

enum update_verdict update_wave_judge(const struct update_progress *progress)
{
    const uint32_t *counts = progress->counts;
    uint64_t total = (uint64_t)counts[UPDATE_TARGET_WAITING] + counts[UPDATE_TARGET_ASKED] +
                     counts[UPDATE_TARGET_DONE] + counts[UPDATE_TARGET_FAILED];
    if (counts[UPDATE_TARGET_WAITING] > 0) {
        return UPDATE_ASK;
    }
    if (progress->quiet_us < progress->settle_us) {
        return UPDATE_WAIT;
    }
    if (progress->is_last) {
        return UPDATE_FINISH;
    }
    return counts[UPDATE_TARGET_DONE] * UINT64_C(100) >= total * UPDATE_DONE_PERCENT ? UPDATE_NEXT
                                                                                     : UPDATE_STOP;
}

/* --- what stops it -------------------------------------------------------------------------- */

/* By the names that cohort_watch.c gives: "PAX", "PAX A920", "PAX A920 1.2.0". */
static bool is_of_aim(const struct flag *flag, const struct update_aim *aim)
{
    char name[sizeof(flag->subject_id) + 2];
    if (flag->cohort == COHORT_BRAND) {
        return strcmp(flag->subject_id, aim->brand) == 0;
    }
    int length = snprintf(name, sizeof(name), "%s %s", aim->brand, aim->model);
    if (flag->cohort == COHORT_MODEL) {
        return strcmp(flag->subject_id, name) == 0;
    }
    return flag->cohort == COHORT_FIRMWARE && length > 0 && length < (int)sizeof(name) - 1 &&
           strncmp(flag->subject_id, name, (size_t)length) == 0 &&
           flag->subject_id[length] == ' ' &&
           firmware_order(flag->subject_id + length + 1, aim->firmware) >= 0;
}

bool update_flag_stops(const struct flag *flag, const struct update_aim *aim, int64_t since_us)
{
    return flag->signal == SIGNAL_COHORT && flag->subject == FLAG_OF_COHORT &&
           !flag->is_watched_only && flag->window_end_us > since_us && is_of_aim(flag, aim);
}
