/* See webhook_pause.h. */
#include "switch/admin/webhook_pause.h"

#include "protocols/base/require.h"

uint64_t webhook_pause_ms(const struct webhook_pause *pause)
{
    uint64_t whole = pause->min_ms;
    uint64_t asked_ms =
        (pause->asked_s < WEBHOOK_ASKED_S_MAX ? pause->asked_s : WEBHOOK_ASKED_S_MAX) * 1000;
    REQUIRE(pause->min_ms > 0 && pause->min_ms <= pause->max_ms && pause->attempts > 0);
    for (uint32_t i = 1; i < pause->attempts && whole < pause->max_ms; i++) {
        whole *= 2;
    }
    whole = whole < pause->max_ms ? whole : pause->max_ms;
    uint64_t drawn = whole - whole / 2 + (uint64_t)pause->random % (whole / 2 + 1);
    return drawn > asked_ms ? drawn : asked_ms;
}
