/* See symptom.h. */
#include "switch/admin/symptom.h"

#include <stdio.h>
#include <string.h>

/* domain: faults K1, N2 and M1 by their codes. */
static const struct symptom_row {
    const char *code;
    enum fault fault;
} ROWS[] = {
    {"A0", FAULT_KEYS_STALE},   {"77", FAULT_KEYS_STALE}, {"99", FAULT_KEYS_STALE},
    {"98", FAULT_SLOW_NETWORK}, {"03", FAULT_MERCHANT},   {"58", FAULT_MERCHANT},
    {"97", FAULT_MERCHANT},
};

static enum fault fault_of(const char *code)
{
    for (size_t i = 0; code != NULL && i < sizeof(ROWS) / sizeof(ROWS[0]); i++) {
        if (strcmp(ROWS[i].code, code) == 0) {
            return ROWS[i].fault;
        }
    }
    return FAULT_COUNT;
}

void symptom_find(const char *const *codes, uint32_t count, struct symptom *symptom)
{
    struct symptom found[FAULT_COUNT] = {0};
    *symptom = (struct symptom){.fault = FAULT_COUNT};
    for (uint32_t i = 0; i < count; i++) {
        enum fault fault = fault_of(codes[i]);
        if (fault == FAULT_COUNT) {
            continue;
        }
        if (found[fault].count++ == 0) {
            snprintf(found[fault].code, sizeof(found[fault].code), "%s", codes[i]);
        }
    }
    for (unsigned fault = 0; fault < FAULT_COUNT; fault++) {
        if (found[fault].count >= SYMPTOM_COUNT_MIN && found[fault].count > symptom->count) {
            *symptom = found[fault];
            symptom->fault = (enum fault)fault;
        }
    }
}
