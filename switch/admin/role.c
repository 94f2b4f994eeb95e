/* See role.h. */
#include "switch/admin/role.h"

#include <string.h>

#include "protocols/base/require.h"

static const char *const WORDS[] = {
#define X(name, word, text) word,
    ROLE_MAP(X)
#undef X
};

static const uint32_t SETS[] = {
#define X(name, roles, text) roles,
    ROLE_SET_MAP(X)
#undef X
};

const char *role_word(enum role role)
{
    REQUIRE((unsigned)role < ROLE_COUNT);
    return WORDS[role];
}

int role_find(const char *word)
{
    for (int i = ROLE_VIEWER; i < ROLE_COUNT; i++) {
        if (strcmp(WORDS[i], word) == 0) {
            return i;
        }
    }
    return -1;
}

const char *role_set_words(enum role_set set)
{
    static const char *const SENTENCES[] = {
#define X(name, roles, text) text,
        ROLE_SET_MAP(X)
#undef X
    };
    REQUIRE((unsigned)set < ROLE_SET_COUNT);
    return SENTENCES[set];
}

bool role_may(enum role role, enum role_reach reach, enum role_set set)
{
    static const uint32_t NEEDED[] = {[ROLE_REACH_ALL] = 0,
                                      [ROLE_REACH_SCOPED] = ROLE_SET_SCOPED,
                                      [ROLE_REACH_POINT] = ROLE_SET_POINT};
    REQUIRE((unsigned)role < ROLE_COUNT && (unsigned)set < ROLE_SET_COUNT);
    if (set == ROLE_SET_OF_NOBODY) {
        return true;
    }
    REQUIRE((unsigned)reach <= ROLE_REACH_POINT);
    bool is_among = (SETS[set] >> role & 1) != 0;
    return is_among && (SETS[set] & NEEDED[reach]) == NEEDED[reach];
}
