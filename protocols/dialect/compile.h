/* What compiling a dialect shares between its mapping (mapping.c) and its transactions (compile.c).
 * Private to protocols/dialect/. */
#pragma once

#include "protocols/dialect/table.h"

#define DIALECT_HINT_SIZE 64

struct compile {
    struct document *document; /* borrowed */
    struct dialect *dialect;   /* borrowed: the one under way, its spec compiled */
};

struct dialect_key_row {
    const char *name;
    uint8_t digits, bit;
};

extern const struct dialect_key_row DIALECT_KEY_PARTS[DIALECT_KEY_COUNT];
extern const char *const DIALECT_LEG_KEYS[DIALECT_LEG_COUNT];

/* The place in DIALECT_KEY_PARTS; DIALECT_KEY_COUNT: no part of a key is called so. */
unsigned dialect_compile_key_part(const char *name);

/* "; did you mean ...?" where a word of `known` (ends with NULL) is near, else nothing. */
const char *dialect_compile_hint(char hint[DIALECT_HINT_SIZE], const char *word,
                                 const char *const *known);

/* A field number that the spec knows; 0 and a fault otherwise. */
unsigned dialect_compile_field(const struct compile *compile, const struct document_node *node,
                               const char *text);

/* Reads `mapping`: fields, layouts, codes, PIN formats. */
void dialect_compile_mapping(const struct compile *compile, const struct document_node *mapping);
