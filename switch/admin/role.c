/* See role.h. */
#include "switch/admin/role.h"

#include <string.h>

static const char *const words[] = {
#define X(name, word, text) word,
    ROLE_MAP(X)
#undef X
};
enum { ROLES = sizeof(words) / sizeof(words[0]) };

const char *role_word(enum role role)
{
    return words[role];
}

int role_find(const char *word)
{
    for (int i = ROLE_VIEWER; i < ROLES; i++) {
        if (strcmp(words[i], word) == 0) {
            return i;
        }
    }
    return -1;
}
