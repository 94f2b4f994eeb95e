/* The plan of a day: phases one after the other, out of a profile file (loadtest/profiles/).
 *
 *   trade     all terminals together pay at a rate, kinds by weight
 *   errands   each terminal does these once: sign_on, ca_keys, aids, parameters, status, echo,
 *             settle, sign_off
 *   neither   nothing is begun; `cut_over` says that whoever watches the run may cut over the banks
 *
 * A phase ends when its time is over or its errands are done, and whatever is open has then come to
 * its end.
 *
 * Life:  day_load -> look at phases -> day_destroy
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

#include "loadtest/errand.h"
#include "loadtest/trade.h"

#define DAY_PHASE_COUNT_MAX 32
#define DAY_NAME_SIZE 32

struct day_phase {
    char name[DAY_NAME_SIZE];
    double seconds; /* of trade or rest; of errands: the longest they may take */
    double tps;     /* above 0: trade */
    struct trade trade;
    uint32_t errands;        /* bits of enum errand_kind */
    double mismatch_percent; /* of settlements that are wrong on purpose */
    bool is_cut_over;
};

struct day {
    uint32_t sign_on_weights[3]; /* 003, 004, 001 */
    uint32_t phase_count;
    struct day_phase phases[DAY_PHASE_COUNT_MAX];
};

/* Reads and checks the whole file. NULL: each fault is a line on `faults`, "file:line:column: what
 * is wrong and what was expected". */
struct day *day_load(const char *path, FILE *faults);
void day_destroy(struct day *day);
