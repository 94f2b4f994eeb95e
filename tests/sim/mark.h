/* Marks: proof that a run walked the rare paths. See mark.def; mark_watch.c counts them. */
#pragma once

#include <stdint.h>

enum sim_mark {
#define X(name, text) MARK_##name,
#include "tests/sim/mark.def"
#undef X
    MARK_COUNT
};

const char *sim_mark_name(enum sim_mark mark);
const char *sim_mark_text(enum sim_mark mark);
