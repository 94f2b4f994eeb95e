/* Fixed texts, copied between fields of the same size only: nothing is cut and no end is lost. */
#pragma once

#include <string.h>

#define TEXT_COPY(to, from)                                                                        \
    do {                                                                                           \
        _Static_assert(sizeof(to) == sizeof(from), "both texts have the same size");               \
        memcpy((to), (from), sizeof(to));                                                          \
    } while (0)

/* A response code: two characters and their end. */
static inline void text_set_code(char to[3], const char *code)
{
    memcpy(to, code, 3);
}
