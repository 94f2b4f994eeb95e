/* How long a webhook waits after an attempt that failed. Pure. */
#pragma once

#include <stdint.h>

#define WEBHOOK_ASKED_S_MAX 86400 /* of what the other side may ask for (Retry-After) */

struct webhook_pause {
    uint32_t min_ms, max_ms; /* of the pauses, as the options say */
    uint32_t attempts;       /* that failed in a row, this one included: from 1 */
    uint64_t asked_s;        /* Retry-After of the answer; 0: none */
    uint32_t random; /* any number: one half of a pause is drawn by it, so that many webhooks
                        do not come back at once */
};
/* The first pause is `min_ms`, each later one twice as long, `max_ms` at most; of each between one
 * half and the whole. Never shorter than what was asked for. */
uint64_t webhook_pause_ms(const struct webhook_pause *pause);
