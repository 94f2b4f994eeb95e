/* See reject.h. */
#include "switch/terminal/reject.h"

#include "protocols/base/require.h"
#include "switch/net/lower_name.h"

static const struct {
    const char *name, *code, *text;
} ROWS[] = {
#define X(name, code, text) {#name, code, text},
    REJECT_MAP(X)
#undef X
};

const char *reject_name(enum reject reject)
{
    static char lowered[REJECT_COUNT][LOWER_NAME_SIZE];
    REQUIRE((unsigned)reject < REJECT_COUNT);
    return lower_name(lowered[reject], ROWS[reject].name);
}

const char *reject_text(enum reject reject)
{
    REQUIRE((unsigned)reject < REJECT_COUNT);
    return ROWS[reject].text;
}

const char *reject_code(enum reject reject)
{
    REQUIRE((unsigned)reject < REJECT_COUNT);
    return ROWS[reject].code;
}
