/* The rows of case_state.def and case_event.def, for service_case.c and the words. */
#pragma once

#include <stdint.h>

#include "switch/aftersales/service_case.h"

#define CASE_NEEDS_REASON 1u
#define CASE_NEEDS_STEPS 2u
#define CASE_NEEDS_OUTCOME 4u
#define CASE_NEEDS_TWO 8u
#define CASE_NEEDS_SERIAL 16u
#define CASE_NEEDS_FREE 32u

#define CASE_LIFE_SERVICE 1u
#define CASE_LIFE_REQUEST 2u
#define CASE_LIFE_RISK 4u
#define CASE_LIFE_FEE 8u

struct case_state_row {
    const char *name, *zh, *text;
    uint8_t lives;
    uint64_t enters;    /* bits of enum case_event_kind */
    uint32_t followers; /* bits of enum case_state */
};

struct case_event_row {
    const char *name, *text;
    uint8_t roles; /* bits of enum case_role */
    uint8_t needs;
};

/* REQUIRE that there is one. */
const struct case_state_row *case_state_row(enum case_state state);
const struct case_event_row *case_event_row(enum case_event_kind kind);
/* The life that a kind of case leads, one bit. */
uint8_t case_kind_life(enum case_kind kind);
/* The state that `kind` leads to from `from` in `life`; CASE_STATE_COUNT: none. */
enum case_state case_state_after(enum case_state from, enum case_event_kind kind, uint8_t life);
