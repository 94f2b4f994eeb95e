/* See kind.h. */
#include "tests/sim/kind.h"

#include <stddef.h>

#include "protocols/base/require.h"

#define OF(name) (UINT64_C(1) << PAYMENT_##name)

static const struct sim_kind ROWS[] = {
#define X(name, f3, f25, type, silence, side, mti, originals)                                      \
    {PAYMENT_##name, f3, f25, type, SILENCE_##silence, SIDE_##side, mti, originals},
#include "tests/sim/kind.def"
#undef X
};
_Static_assert(sizeof(ROWS) / sizeof(ROWS[0]) == SIM_KIND_ROW_COUNT, "as kind.h says");

const struct sim_kind *sim_kind_at(uint32_t row)
{
    REQUIRE(row < SIM_KIND_ROW_COUNT);
    return &ROWS[row];
}

const struct sim_kind *sim_kind_of(enum payment_kind kind)
{
    for (uint32_t i = 0; i < SIM_KIND_ROW_COUNT; i++) {
        if (ROWS[i].kind == kind) {
            return &ROWS[i];
        }
    }
    return NULL;
}

bool sim_kind_may_follow(enum payment_kind kind, enum payment_kind original)
{
    const struct sim_kind *row = sim_kind_of(kind);
    return row != NULL && (row->originals >> original & 1) != 0;
}
