/* Words of observations. */
#include "switch/aftersales/observation.h"

#include <string.h>

#include "protocols/base/require.h"

static const char *const KINDS[OBSERVATION_KIND_COUNT] = {
#define X(name, text) [OBSERVATION_##name] = #name,
    OBSERVATION_MAP(X)
#undef X
};
static const char *const DETAILS[OBSERVED_COUNT] = {
#define X(name, text) [OBSERVED_##name] = #name,
    OBSERVATION_DETAIL_MAP(X)
#undef X
};

const char *observation_kind_name(enum observation_kind kind)
{
    REQUIRE((unsigned)kind < OBSERVATION_KIND_COUNT);
    return KINDS[kind];
}

const char *observation_detail_name(enum observation_detail detail)
{
    REQUIRE((unsigned)detail < OBSERVED_COUNT);
    return DETAILS[detail];
}

enum observation_kind observation_kind_from_name(const char *name)
{
    unsigned i = 0;
    while (i < OBSERVATION_KIND_COUNT && strcmp(KINDS[i], name) != 0) {
        i++;
    }
    return (enum observation_kind)i;
}

enum observation_detail observation_detail_from_name(const char *name)
{
    unsigned i = 0;
    while (i < OBSERVED_COUNT && strcmp(DETAILS[i], name) != 0) {
        i++;
    }
    return (enum observation_detail)i;
}
