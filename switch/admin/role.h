/* Who may do what on the admin port. A role may do all that the ones before it may. */
#pragma once

/* X(name, word, sentence) */
#define ROLE_MAP(X)                                                                                \
    X(NOBODY, "nobody", "no token is needed")                                                      \
    X(VIEWER, "viewer", "may look at everything")                                                  \
    X(OPERATOR, "operator", "may also reload and drain")

enum role {
#define X(name, word, text) ROLE_##name,
    ROLE_MAP(X)
#undef X
};

const char *role_word(enum role role);
/* -1: no role that a token can have is called so. */
int role_find(const char *word);
