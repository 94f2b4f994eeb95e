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

#define SPEC_FIELD_MAX 192
#define SPEC_WORD_COUNT 3   /* bitmaps: fields 1 to 64, 65 to 128, 129 to 192 */
#define SPEC_COUNT_MAX 9999 /* of one field */
#define SPEC_HEADER_BYTES_MAX 64
#define SPEC_HEADER_ITEM_COUNT_MAX 16
#define SPEC_NAME_SIZE 32
#define SPEC_PARTS_COUNT_MAX 32 /* fields of one spec that have parts */
#define SPEC_PART_COUNT_MAX 512 /* parts of all of them */
#define SPEC_LIST_COUNT_MAX 128 /* parts of one field */
#define SPEC_TAG_SIZE 9         /* "9F26", with a final 0 */
#define SPEC_TAG_LENGTH_EITHER 0
#define SPEC_PARTS_DEPTH_MAX 3

/* How characters stand on the wire. */
enum spec_coding {
    SPEC_ASCII,       /* one character a byte */
    SPEC_BCD,         /* two digits a byte */
    SPEC_BINARY,      /* raw bytes */
    SPEC_HEX_ASCII,   /* raw bytes, two hex characters each */
    SPEC_EBCDIC_037,  /* IBM code page 037 */
    SPEC_EBCDIC_1047, /* IBM code page 1047: other brackets and caret */
    SPEC_HEX_EBCDIC   /* raw bytes, two hex characters each, in EBCDIC */
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
    X(SIGNED_BCD, "a sign or nibble that is none")                                                 \
    X(TRACK, "a character that no track holds")                                                    \
    X(TRACK_BCD, "")                                                                               \
    X(ALPHA, "a character that is no letter")                                                      \
    X(ALNUM, "a character that is no letter or digit")                                             \
    X(PRINT, "a character that cannot be printed")                                                 \
    X(LOCAL, "a control character")                                                                \
    X(BYTES, "")                                                                                   \
    X(HEX, "a character that is no hex digit")                                                     \
    X(EBCDIC, "a character that does not belong there")

enum spec_row_kind {
#define X(name, text) SPEC_ROW_##name,
    SPEC_ROW_MAP(X)
#undef X
};

/* How the length in front of a value is walked: the two usual ways, and all others. */
enum spec_prefix { SPEC_PREFIX_ASCII, SPEC_PREFIX_BCD, SPEC_PREFIX_OTHER };

struct spec_row {
    uint8_t kind;             /* enum spec_row_kind */
    uint8_t inner;            /* of EBCDIC: the kind of the characters, once they are translated */
    uint8_t page;             /* of EBCDIC: enum spec_coding */
    uint8_t prefix_bytes;     /* of the length; 0: fixed */
    uint8_t prefix;           /* enum spec_prefix */
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
    bool is_left; /* BCD of an odd count: pad nibble at the end */
    bool is_variable;
    uint8_t length_digits; /* 2: LL; 3: LLL …; 0: fixed, or a part whose length stands elsewhere */
    enum spec_coding length_coding;
    bool length_counts_bytes; /* the bytes on the wire: of BCD instead of digits, of hex characters
                               */
    bool length_is_inclusive; /* the prefix counts itself too */
    uint32_t count;           /* fixed: units; variable: the most. Digits, characters or bytes. */
    uint8_t parts;            /* 1 + its place in spec.parts; 0: nothing is known of its inside */
};

static inline bool spec_field_is_hex(const struct spec_field *field)
{
    return field->coding == SPEC_HEX_ASCII || field->coding == SPEC_HEX_EBCDIC;
}

/* How the inside of a field is laid out. */
enum spec_style {
    SPEC_STYLE_TLV,   /* tag, length, value; tags and lengths of one size */
    SPEC_STYLE_BER,   /* tag, length, value as BER has them (EMV) */
    SPEC_STYLE_LIST,  /* one part behind the other, each as its format says */
    SPEC_STYLE_BITMAP /* a bitmap of its own tells which parts there are */
};

struct spec_part {
    char tag[SPEC_TAG_SIZE]; /* "A3"; in hex where tags are bytes; the number of a list or bitmap */
    uint8_t number;          /* in a list or bitmap */
    uint8_t parts;           /* 1 + the place in spec.parts of what it stands in */
    struct spec_field field;
    struct spec_row row; /* behind a tag its prefix is unused: the length stands there */
};

struct spec_parts {
    enum spec_style style;
    uint8_t skip_bytes; /* in front of it all */
    uint8_t tag_bytes;
    enum spec_coding tag_coding, length_coding, bitmap_coding;
    uint8_t length_digits; /* of an element, or bytes where it is a number; SPEC_TAG_LENGTH_EITHER:
                              3 where that ends exactly with the field, else 2 (unionpay section
                              10) */
    uint8_t bitmap_bytes;  /* on the wire as many, or twice as many hex characters */
    uint8_t depth;         /* 1: inside a field; 2: inside a part of one ... */
    uint16_t first, count; /* in spec.part */
};

/* What a part of the header before the message type is to us. */
enum spec_header_role {
    SPEC_HEADER_FREE,        /* anything; an answer repeats it */
    SPEC_HEADER_FIXED,       /* must be as written */
    SPEC_HEADER_LENGTH,      /* of header and message, as digits or as a number */
    SPEC_HEADER_DESTINATION, /* swapped with the source in an answer */
    SPEC_HEADER_SOURCE,
    SPEC_HEADER_REJECT /* other than written: the network did not deliver our message, and this is
                          its reason */
};

struct spec_header_item {
    char name[SPEC_NAME_SIZE];
    enum spec_header_role role;
    enum spec_coding coding; /* of a length; of what a fault may show */
    uint8_t offset, length;  /* bytes */
};

/* A MAC that is made over chosen fields, joined as text (`mac: {fields, join}`), and not over the
 * message as it stands. The order is the list's, since hosts prescribe theirs; fields of raw bytes
 * are refused, because a text of them could be made in more than one way. */
enum spec_mac_keep {
    SPEC_MAC_KEEP_ALL,
    SPEC_MAC_KEEP_X9_9 /* letters, digits, blanks, commas and points (ANSI X9.9, edited text) */
};

struct spec_mac_list {
    bool has_mti;                   /* the message type stands first */
    uint8_t count;                  /* 0: there is no such list */
    uint8_t fields[SPEC_FIELD_MAX]; /* in the order of the text, each once; an absent one is left
                                       out */
};

struct spec_mac {
    struct spec_mac_list list;              /* empty: the message from its type to the MAC field */
    struct spec_mac_list network;           /* of 08xx; empty: as `list` */
    uint64_t fields[SPEC_WORD_COUNT];       /* those of both; bits as in message.present */
    char separator[2];                      /* between two of them; empty: nothing */
    bool is_upper, is_trimmed, has_lengths; /* trimmed: no blanks around it, one at most inside */
    enum spec_mac_keep keep;
};

struct spec {
    char name[SPEC_NAME_SIZE];
    uint8_t header_bytes;      /* before the MTI: 6 for UnionPay terminals, 0 for bare ISO */
    uint8_t header_item_count; /* 0: nothing is known of the header but its length */
    struct spec_header_item header_items[SPEC_HEADER_ITEM_COUNT_MAX];
    uint8_t header[SPEC_HEADER_BYTES_MAX]; /* as we write it, lengths still 0 */
    enum spec_coding mti_coding, bitmap_coding;
    bool may_have_secondary; /* bit 1 opens fields 65 to 128; else bit 1 is refused */
    uint8_t third_bitmap; /* 65: behind the second, when bit 65 is set; 127, 128: behind field 126,
                             in place of field 128; 0: there is none */
    uint8_t word_count;   /* of bitmaps that there can be */
    uint8_t mac_field;    /* 64; 128 where there is a second bitmap; 0: none */
    struct spec_mac mac;
    struct spec_row rows[SPEC_FIELD_MAX + 1];     /* by number; 0 and 1 unused */
    struct spec_field fields[SPEC_FIELD_MAX + 1]; /* by number; 0 and 1 unused */
    struct spec_parts parts[SPEC_PARTS_COUNT_MAX];
    struct spec_part part[SPEC_PART_COUNT_MAX];
    uint32_t parts_count, part_count;
};

/* What is known of the inside of a field; NULL: nothing. */
static inline const struct spec_parts *spec_parts_of(const struct spec *spec, unsigned field)
{
    const uint8_t parts = spec->fields[field].parts;
    return parts == 0 ? (const struct spec_parts *)0 : &spec->parts[parts - 1];
}

/* Where the MAC of a message stands: field 64 in a message without a second bitmap, else 128
 * (ISO 8583:1987, 4.3.17). 0: the dialect has none. */
static inline unsigned spec_mac_field(const struct spec *spec, bool has_secondary)
{
    return spec->mac_field == 128 && !has_secondary ? 64 : spec->mac_field;
}

#define SPEC_FORMAT_SIZE 24

/* The format of a field as ISO 8583 and the spec's file write it, "n..19 LL". */
void spec_format(const struct spec_field *field, char text[SPEC_FORMAT_SIZE]);
/* The word that files have for a coding, "bcd". */
const char *spec_coding_name(enum spec_coding coding);

/* The first part of the header with that role; NULL: none. */
const struct spec_header_item *spec_header_find(const struct spec *spec,
                                                enum spec_header_role role);

/* Compiles the members `header`, `mti`, `bitmap`, `fields` … of a spec document; other members
 * (mapping, transactions) belong to dialect_compile. Faults go into the document. NULL: faulty or
 * no memory. */
struct spec *spec_compile(struct document *document);
void spec_destroy(struct spec *spec);
