/* See characters.h. */
#include "protocols/iso8583/characters.h"

#include "protocols/base/require.h"

const char *characters_fault(enum spec_row_kind kind)
{
    static const char *const TEXTS[] = {
#define X(name, text) text,
        SPEC_ROW_MAP(X)
#undef X
    };
    REQUIRE((unsigned)kind < sizeof(TEXTS) / sizeof(TEXTS[0]));
    return TEXTS[kind];
}

uint32_t characters_first_bad(enum spec_row_kind kind, const uint8_t *from, uint32_t count)
{
    for (uint32_t at = 0; at < count; at++) {
        /* The sign stands first; behind it all are digits. */
        const bool is_behind_sign = kind == SPEC_ROW_SIGNED && at > 0;
        const uint8_t pair[2] = {from[at], '0'};
        if (!characters_fit(is_behind_sign ? SPEC_ROW_DIGITS : kind, pair,
                            kind == SPEC_ROW_SIGNED && at == 0 ? 2 : 1)) {
            return at;
        }
    }
    return count;
}
