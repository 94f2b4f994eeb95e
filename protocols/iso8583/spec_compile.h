/* What compiling a spec shares between fields (spec.c) and the parts of a field (spec_parts.c).
 * Private to protocols/iso8583/. */
#pragma once

#include "protocols/iso8583/spec.h"

#define SPEC_LABEL_SIZE 40

/* What holds for every field that says nothing else. */
struct spec_codings {
    enum spec_coding n, z, b, text, length;
};

struct spec_compiler {
    struct document *document;          /* borrowed */
    const struct document_node *member; /* the field or part at hand */
    struct spec_codings codings;
    char label[SPEC_LABEL_SIZE]; /* "field 59, part A3": what faults call it */
};

extern const char *const SPEC_CODING_WORDS[]; /* by enum spec_coding; ends with NULL */

/* Reads all but `fields` and `mac`: the header, how message type and bitmaps stand, the codings. */
void spec_compile_head(struct spec_compiler *compiler, struct spec *spec,
                       const struct document_node *root);
/* Reads `codings` (NULL: nothing changes) over those that hold so far. */
void spec_compile_codings(struct spec_compiler *compiler, const struct document_node *codings);
/* Reads `mac`, once the fields are known. */
void spec_compile_mac(struct document *document, struct spec *spec,
                      const struct document_node *root);

/* Reads name, format and details of the member at hand. False: nothing more can be said of it. */
bool spec_compile_form(struct spec_compiler *compiler, struct spec_field *field);

/* Whether its prefix can say the length of all values. */
bool spec_length_can_say(const struct spec_field *field);

/* How a field is walked. */
struct spec_row spec_row_of(const struct spec_field *field);

/* Reads `parts` of a field whose form is known. */
void spec_compile_parts(struct spec_compiler *compiler, struct spec *spec, unsigned number,
                        const struct document_node *parts);
