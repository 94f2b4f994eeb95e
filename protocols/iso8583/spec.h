/* A message spec: how the fields of one ISO 8583 dialect stand on the wire.
 *
 * Written as YAML under config/specs/, compiled at load into a table that parse, build and describe
 * walk. Nothing in it is changed afterwards, so any thread may read it.
 *
 * Life:  spec_compile -> parse, build, describe ... -> spec_destroy
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "protocols/base/document.h"
#include "protocols/base/status.h"

#define SPEC_FIELD_MAX 128
#define SPEC_HEADER_BYTES_MAX 46
#define SPEC_NAME_SIZE 32

/* How characters stand on the wire. */
enum spec_coding {
    SPEC_ASCII,    /* one character a byte */
    SPEC_BCD,      /* two digits a byte */
    SPEC_BINARY,   /* raw bytes */
    SPEC_HEX_ASCII /* raw bytes, two hex characters each */
};

/* What characters may stand in a field (ISO 8583:1987 clause 4.1). */
enum spec_content { SPEC_N, SPEC_A, SPEC_AN, SPEC_ANS, SPEC_B, SPEC_Z, SPEC_XN };

enum spec_secrecy {
    SPEC_OPEN,   /* may be shown whole */
    SPEC_MASKED, /* first 6 and last 4 (a card number) */
    SPEC_HIDDEN  /* never shown: tracks, PIN block, keys */
};

struct spec_field {
    char name[SPEC_NAME_SIZE]; /* empty: the dialect has no such field */
    enum spec_content content;
    enum spec_coding coding;
    enum spec_secrecy secrecy;
    bool is_left;          /* BCD of an odd count: pad nibble at the end */
    uint8_t length_digits; /* 0: fixed; 2: LL; 3: LLL … */
    enum spec_coding length_coding;
    bool length_counts_bytes; /* for BCD content: bytes instead of digits */
    uint32_t count;           /* fixed: units; variable: the most. Digits, characters or bytes. */
};

struct spec {
    char name[SPEC_NAME_SIZE];
    uint8_t header_bytes; /* before the MTI: 6 for UnionPay terminals, 0 for bare ISO */
    enum spec_coding mti_coding, bitmap_coding;
    bool may_have_secondary; /* bit 1 opens fields 65 to 128; else bit 1 is refused */
    uint8_t mac_field;       /* 64 or 128; 0: none */
    struct spec_field fields[SPEC_FIELD_MAX + 1]; /* by number; 0 and 1 unused */
};

/* Compiles the members `header`, `mti`, `bitmap`, `fields` … of a spec document; other members
 * (mapping, transactions) belong to dialect_compile. Faults go into the document. NULL: faulty or
 * no memory. */
struct spec *spec_compile(struct document *document);
void spec_destroy(struct spec *spec);
