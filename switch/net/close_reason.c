/* See close_reason.h. */
#include "switch/net/close_reason.h"

#include "protocols/base/require.h"
#include "switch/net/lower_name.h"

static const char *const TEXTS[] = {
#define X(name, text) text,
    CLOSE_REASON_MAP(X)
#undef X
};

static const char *const NAMES[] = {
#define X(name, text) #name,
    CLOSE_REASON_MAP(X)
#undef X
};

const char *close_reason_name(enum close_reason reason)
{
    static char lowered[CLOSE_REASON_COUNT][LOWER_NAME_SIZE];
    REQUIRE((unsigned)reason < CLOSE_REASON_COUNT);
    return lower_name(lowered[reason], NAMES[reason]);
}

const char *close_reason_text(enum close_reason reason)
{
    REQUIRE((unsigned)reason < CLOSE_REASON_COUNT);
    return TEXTS[reason];
}
