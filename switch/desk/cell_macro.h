/* How the .def files of this folder declare columns: a block a row kind, with ROW the struct.
 *
 *   #define ROW struct device_model
 *   BEGIN(device_model, "what a row is")
 *   TEXT(column, member, flags, "what it says") ...
 *   END(device_model)
 */
#pragma once

#include "switch/desk/cell_table.h"

#define CELL_PLACE(member) (uint32_t) offsetof(ROW, member), (uint32_t)sizeof(((ROW *)0)->member)

#define TEXT(column, member, flags, sentence)                                                      \
    {#column, CELL_TEXT, flags, CELL_PLACE(member), false, NULL, 0, 0, sentence},
#define NUMBER(column, member, flags, min, max, sentence)                                          \
    {#column, CELL_NUMBER, flags, CELL_PLACE(member), (min) < 0, NULL, min, max, sentence},
#define FLAG(column, member, sentence)                                                             \
    {#column, CELL_FLAG, CELL_PLAIN, CELL_PLACE(member), false, NULL, 0, 0, sentence},
#define DAY(column, member, flags, sentence)                                                       \
    {#column, CELL_DAY, flags, CELL_PLACE(member), true, NULL, 0, 0, sentence},
#define MINUTE(column, member, sentence)                                                           \
    {#column, CELL_MINUTE, CELL_PLAIN, CELL_PLACE(member), true, NULL, 0, 0, sentence},
#define WORD(column, member, flags, words, sentence)                                               \
    {#column, CELL_WORD, flags, CELL_PLACE(member), false, &words##_WORDS, 0, 0, sentence},
#define BITS(column, member, flags, words, sentence)                                               \
    {#column, CELL_BITS, flags, CELL_PLACE(member), false, &words##_WORDS, 0, 0, sentence},
#define LIST(column, member, sentence)                                                             \
    {#column, CELL_LIST, CELL_PLAIN, CELL_PLACE(member), false, NULL, 0, 0, sentence},
#define BEGIN(row, sentence) static const struct cell_column row##_columns[] = {
#define END(row)                                                                                   \
    }                                                                                              \
    ;

/* Words of an enum whose names a function gives. */
#define CELL_WORDS(name, type, function, words_count)                                              \
    static const char *name##_word(uint32_t value)                                                 \
    {                                                                                              \
        return function((type)value);                                                              \
    }                                                                                              \
    static const struct cell_words name##_WORDS = {name##_word, words_count};
/* Words that stand here. */
#define CELL_LITERAL_WORDS(name, ...)                                                              \
    static const char *name##_word(uint32_t value)                                                 \
    {                                                                                              \
        static const char *const WORDS[] = {__VA_ARGS__};                                          \
        REQUIRE(value < sizeof(WORDS) / sizeof(WORDS[0]));                                         \
        return WORDS[value];                                                                       \
    }                                                                                              \
    static const struct cell_words name##_WORDS = {                                                \
        name##_word, sizeof((const char *const[]){__VA_ARGS__}) / sizeof(const char *)};

#define CELL_TABLE(row, table_sentence)                                                            \
    {                                                                                              \
#row, table_sentence, row##_columns, sizeof(row##_columns) / sizeof(row##_columns[0]),     \
            sizeof(struct row)                                                                     \
    }
