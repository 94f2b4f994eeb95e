/* One draw decides an answer's fate, so that two fates never meet in one message. */
#include "loadtest/faults.h"

#include <string.h>

static const char *const NAMES[] = {
#define X(name, option, text) option,
    FAULT_MAP(X)
#undef X
};

enum fault fault_from_name(const char *name)
{
    for (unsigned i = 0; i < FAULT_COUNT; i++) {
        if (strcmp(NAMES[i], name) == 0) {
            return (enum fault)i;
        }
    }
    return FAULT_COUNT;
}

const char *fault_name(enum fault fault)
{
    return fault < FAULT_COUNT ? NAMES[fault] : "none";
}

enum status faults_check(const struct faults *faults)
{
    double fates = 0;
    for (unsigned i = 0; i < FAULT_COUNT; i++) {
        if (!(faults->percent[i] >= 0.0 && faults->percent[i] <= 100.0)) {
            return STATUS_BAD_VALUE;
        }
        fates += i <= FAULT_DROP ? faults->percent[i] : 0.0;
    }
    return fates > 100.0 ? STATUS_BAD_VALUE : STATUS_OK;
}

/* The fate whose band the draw falls into; FAULT_COUNT: none. */
static enum fault fate_draw(struct faults *faults)
{
    double at = (double)(draw_next(&faults->draw) >> 11) * (100.0 / 9007199254740992.0);
    for (unsigned i = 0; i <= FAULT_DROP; i++) {
        if (at < faults->percent[i]) {
            return (enum fault)i;
        }
        at -= faults->percent[i];
    }
    return FAULT_COUNT;
}

void faults_draw(struct faults *faults, struct fault_verdict *verdict)
{
    *verdict = (struct fault_verdict){.is_posted = true, .is_answered = true};
    enum fault fate = fate_draw(faults);
    bool is_coin_up = draw_next(&faults->draw) >> 63 != 0;
    bool is_declined = draw_hits(&faults->draw, faults->percent[FAULT_DECLINE]) != 0;
    bool is_slow = draw_hits(&faults->draw, faults->percent[FAULT_SLOW]) != 0;
    uint32_t pause_ms = (uint32_t)draw_below(&faults->draw, (uint64_t)faults->slow_ms + 1);
    if (faults->are_healed) {
        return;
    }
    verdict->is_declined = is_declined;
    verdict->delay_ms = is_slow ? pause_ms : 0;
    verdict->is_twice = fate == FAULT_DUPLICATE;
    verdict->is_dropped = fate == FAULT_DROP;
    verdict->is_late = fate == FAULT_LATE;
    verdict->is_posted = fate != FAULT_SILENT_BEFORE && (fate != FAULT_DROP || is_coin_up);
    verdict->is_answered =
        fate != FAULT_SILENT && fate != FAULT_SILENT_BEFORE && fate != FAULT_DROP;
    verdict->delay_ms = verdict->is_late ? faults->late_ms : verdict->delay_ms;
}
