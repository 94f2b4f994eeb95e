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
#define SPEC_COUNT_MAX 9999 /* of one field */
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

/* Which bytes may stand in a text (an, ans). */
enum spec_characters {
    SPEC_CHARACTERS_ASCII, /* 20 to 7E */
    SPEC_CHARACTERS_GBK,   /* also 80 to FF: Chinese text, not looked into */
    SPEC_CHARACTERS_ANY    /* every byte: private content that nobody here reads */
};

/* How one field is walked: worked out by spec_compile, so that parse and build decide nothing
 * twice. X(name, what a wrong character is called) */
#define SPEC_ROW_MAP(X)                                                                            \
    X(ABSENT, "")                                                                                  \
    X(DIGITS, "a character that is no digit")                                                      \
    X(BCD, "a nibble that is no digit")                                                            \
    X(SIGNED, "a character that is no sign or digit")                                              \
    X(TRACK, "a character that no track holds")                                                    \
    X(TRACK_BCD, "")                                                                               \
    X(ALPHA, "a character that is no letter")                                                      \
    X(ALNUM, "a character that is no letter or digit")                                             \
    X(PRINT, "a character that cannot be printed")                                                 \
    X(LOCAL, "a control character")                                                                \
    X(BYTES, "")                                                                                   \
    X(HEX, "a character that is no hex digit")

enum spec_row_kind {
#define X(name, text) SPEC_ROW_##name,
    SPEC_ROW_MAP(X)
#undef X
};

struct spec_row {
    uint8_t kind;         /* enum spec_row_kind */
    uint8_t prefix_bytes; /* of the length; 0: fixed */
    bool prefix_is_bcd;
    bool prefix_counts_bytes; /* of BCD content */
    bool is_right;            /* BCD of an odd count: pad nibble in front */
    uint8_t grow, halve;      /* bytes = ((count << grow) + halve) >> halve */
    uint16_t count;           /* as in spec_field */
};

/* The most units of a field; where bytes are counted, an odd number of digits has one more. */
static inline uint32_t spec_row_count_max(const struct spec_row *row)
{
    return (uint32_t)row->count + (row->prefix_counts_bytes & row->count);
}

struct spec_field {
    char name[SPEC_NAME_SIZE]; /* empty: the dialect has no such field */
    enum spec_content content;
    enum spec_coding coding;
    enum spec_secrecy secrecy;
    enum spec_characters characters;
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
    uint8_t mac_field;       /* 64; 128 where there is a second bitmap; 0: none */
    struct spec_row rows[SPEC_FIELD_MAX + 1];     /* by number; 0 and 1 unused */
    struct spec_field fields[SPEC_FIELD_MAX + 1]; /* by number; 0 and 1 unused */
};

/* Where the MAC of a message stands: field 64 in a message without a second bitmap, else 128
 * (ISO 8583:1987, 4.3.17). 0: the dialect has none. */
static inline unsigned spec_mac_field(const struct spec *spec, bool has_secondary)
{
    return spec->mac_field == 128 && !has_secondary ? 64 : spec->mac_field;
}

/* Compiles the members `header`, `mti`, `bitmap`, `fields` … of a spec document; other members
 * (mapping, transactions) belong to dialect_compile. Faults go into the document. NULL: faulty or
 * no memory. */
struct spec *spec_compile(struct document *document);
void spec_destroy(struct spec *spec);
