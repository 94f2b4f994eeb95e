/* See pos_kind.h. An answer's type is its request's plus ten. */
#include "loadtest/pos_kind.h"

#include <string.h>

#include "protocols/base/require.h"

static const struct pos_kind_row ROWS[POS_KIND_COUNT] = {
#define X(name_, word_, type_, mti_, processing_, condition_, code_, manner_, side_)               \
    [POS_##name_] = {.name = (word_),                                                              \
                     .type = (type_),                                                              \
                     .mti = (mti_),                                                                \
                     .answer_mti = {(mti_)[0], (mti_)[1], (char)((mti_)[2] + 1), '0', '\0'},       \
                     .processing_code = (processing_),                                             \
                     .condition_code = (condition_),                                               \
                     .type_code = (code_),                                                         \
                     .manner = POS_##manner_,                                                      \
                     .side = POS_##side_},
    POS_KIND_MAP(X)
#undef X
};

const struct pos_kind_row *pos_kind_row(enum pos_kind kind)
{
    REQUIRE((unsigned)kind < POS_KIND_COUNT);
    return &ROWS[kind];
}

enum pos_kind pos_kind_from_name(const char *name)
{
    unsigned kind = 0;
    while (kind < POS_KIND_COUNT && strcmp(ROWS[kind].name, name) != 0) {
        kind++;
    }
    return (enum pos_kind)kind;
}
