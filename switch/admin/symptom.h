/* What the codes of a terminal's last answers point to, where no flag says anything: too few for a
 * signal, and yet what a person on the telephone would ask about first. Pure.
 */
#pragma once

#include <stdint.h>

#include "switch/aftersales/cause.h"

#define SYMPTOM_COUNT_MIN 2 /* one alone is nothing */

struct symptom {
    enum fault fault; /* FAULT_COUNT: none */
    uint32_t count;   /* answers that point to it */
    char code[3];     /* the newest of them */
};

/* `codes`: field 39, the newest first; NULL: no answer. */
void symptom_find(const char *const *codes, uint32_t count, struct symptom *symptom);
