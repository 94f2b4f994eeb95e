/* What stands inside a field, or inside a part of one, as the spec's `parts` describe it: elements
 * behind tags, parts one behind the other, or parts under a bitmap of their own.
 *
 * Parsing a message leaves fields whole; whoever needs the inside walks it. Nothing is copied.
 *
 * Life:  parts_open -> parts_next ... (views into the field)      parts_build (into a writer)
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "protocols/base/bytes.h"
#include "protocols/iso8583/spec.h"

#define PARTS_REASON_SIZE 112

struct parts_reader {
    const struct spec *spec;        /* borrowed */
    const struct spec_parts *parts; /* borrowed */
    struct byte_reader reader;      /* over the field's value */
    uint8_t length_digits;          /* of each element's length, also where the spec says either */
    uint8_t next;                   /* list, bitmap: the number to look at next */
    bool is_begun;
    uint64_t bits[2]; /* of a bitmap; bit 63 of [0] is part 1 */
};

struct parts_element {
    const struct spec_part *part; /* NULL: a tag that the spec does not name */
    char tag[SPEC_TAG_SIZE];      /* as the spec writes it, also of an unknown one */
    struct byte_view whole;       /* with tag and length */
    struct byte_view value;
    uint32_t count; /* units of the value, as its format counts */
};

/* What is wrong inside a field; the caller names the field. No content. */
struct parts_fault {
    uint32_t offset;                /* in the field's value */
    char reason[PARTS_REASON_SIZE]; /* "ends 3 bytes inside tag A3" */
};

/* Begins to walk `value`, which is in the form that message_text gives: characters in ASCII, of a b
 * field its bytes. False: where the spec leaves the length open and neither reading ends
 * with the field, and its first tag is none of the spec's: no list, but something that nobody here
 * reads. */
bool parts_open(struct parts_reader *reader, const struct spec *spec,
                const struct spec_parts *parts, struct byte_view value);

/* The next element. STATUS_NOT_FOUND: the end. STATUS_TRUNCATED, STATUS_MALFORMED, STATUS_UNKNOWN
 * (a bit without a part), STATUS_BAD_VALUE (a value longer than its format, or not of its
 * characters): `fault` says what. */
MUST_CHECK enum status parts_next(struct parts_reader *reader, struct parts_element *element,
                                  struct parts_fault *fault);

/* The value of an element whose part is known, as message_text gives that of a field; answers the
 * character count. REQUIREs room for count + 1. */
uint32_t parts_text(const struct parts_element *element, char *text, uint32_t text_size);

/* What is to be written: the values of the parts of one list in the order of the spec, length 0
 * where a part is absent. */
struct parts_draft {
    const struct spec *spec;
    const struct spec_parts *parts;
    const struct byte_view *values; /* parts->count of them */
    uint8_t length_digits;          /* of a tlv's lengths; 0: as the spec says, or 3 */
};

/* Appends the parts that are there; of a list all up to the last that is there, those between
 * filled up. STATUS_BAD_VALUE: a value is not of its part's format. STATUS_NO_ROOM. */
MUST_CHECK enum status parts_build(struct byte_writer *writer, const struct parts_draft *draft);

/* The part with this tag or number; NULL: none. */
const struct spec_part *parts_find(const struct spec *spec, const struct spec_parts *parts,
                                   const char *tag);
