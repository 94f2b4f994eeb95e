/* See mark.h. */
#include "tests/sim/mark.h"

const char *sim_mark_name(enum sim_mark mark)
{
    static const char *const NAMES[] = {
#define X(name, text) #name,
#include "tests/sim/mark.def"
#undef X
    };
    return NAMES[mark];
}

const char *sim_mark_text(enum sim_mark mark)
{
    static const char *const TEXTS[] = {
#define X(name, text) text,
#include "tests/sim/mark.def"
#undef X
    };
    return TEXTS[mark];
}
