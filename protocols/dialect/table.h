/* The tables that a dialect file is compiled into: what dialect_read and dialect_build walk.
 * Private to protocols/dialect/.
 *
 * part    one member of a payment, with a name that files use
 * op      what a field of a message does with a part (or, a group, with several)
 * row     one transaction: its key, its message types, its layouts
 * layout  which fields a leg of a transaction must hold and may hold
 * key     processing code 6, condition 2, type 2, management 3, network 3: sixteen digits as the
 *         nibbles of one number, so that a comparison with wildcards is one AND
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "protocols/dialect/dialect.h"

#define DIALECT_ROW_COUNT_MAX 120
#define DIALECT_LAYOUT_COUNT_MAX 64
#define DIALECT_MTI_COUNT_MAX 48
#define DIALECT_INDEX_COUNT_MAX (DIALECT_ROW_COUNT_MAX * 4)
#define DIALECT_SUBFIELD_COUNT_MAX 32
#define DIALECT_ELEMENT_COUNT_MAX 64
#define DIALECT_REASON_SIZE 160
#define DIALECT_CODE_COUNT_MAX 250
#define DIALECT_CODE_NONE UINT8_MAX
#define DIALECT_WIRE_CODE_SIZE 16
#define DIALECT_FIXED_COUNT_MAX 120
#define DIALECT_NAME_SIZE 32
#define DIALECT_MAC_CODE_COUNT_MAX 8
#define DIALECT_GROUP_DIGITS_MAX 64
#define DIALECT_LEG_COUNT 2
#define DIALECT_KEY_TEXT_SIZE 7
#define DIALECT_PIN_FORMAT_NONE 255 /* a format that no security module here translates */

_Static_assert(PAYMENT_REQUEST == 0 && PAYMENT_RESPONSE == 1, "legs index the tables");

/* X(name in files, type, member) */
#define DIALECT_PART_MAP(X)                                                                        \
    X(pan, PAN, pan)                                                                               \
    X(processing_code, TEXT, processing_code)                                                      \
    X(amount, AMOUNT, amount)                                                                      \
    X(currency, CURRENCY, amount)                                                                  \
    X(sent_at, TEXT, sent_at)                                                                      \
    X(stan, NUMBER, stan)                                                                          \
    X(batch, NUMBER, batch)                                                                        \
    X(local_time, TEXT, local_time)                                                                \
    X(local_date, TEXT, local_date)                                                                \
    X(local_year, TEXT, local_year)                                                                \
    X(expiry, TEXT, expiry)                                                                        \
    X(settlement_date, TEXT, settlement_date)                                                      \
    X(settlement_year, TEXT, settlement_year)                                                      \
    X(mcc, TEXT, mcc)                                                                              \
    X(entry_mode, TEXT, entry_mode)                                                                \
    X(card_sequence, TEXT, card_sequence)                                                          \
    X(condition_code, TEXT, condition_code)                                                        \
    X(pin_length_limit, TEXT, pin_length_limit)                                                    \
    X(acquirer_id, TEXT, acquirer_id)                                                              \
    X(forwarder_id, TEXT, forwarder_id)                                                            \
    X(track2, TRACK2, track2)                                                                      \
    X(track3, TRACK3, track3)                                                                      \
    X(rrn, TEXT, rrn)                                                                              \
    X(auth_code, TEXT, auth_code)                                                                  \
    X(response_code, TEXT, response_code)                                                          \
    X(reversal_reason, TEXT, reversal_reason)                                                      \
    X(terminal_id, TEXT, terminal_id)                                                              \
    X(merchant_id, TEXT, merchant_id)                                                              \
    X(pin, PIN, pin)                                                                               \
    X(security_control, TEXT, security_control)                                                    \
    X(network_code, TEXT, network_code)                                                            \
    X(type_code, TEXT, type_code)                                                                  \
    X(management_code, TEXT, management_code)                                                      \
    X(custom_60_rest, TEXT, custom_60_rest)                                                        \
    X(original_batch, NUMBER, original.batch)                                                      \
    X(original_stan, NUMBER, original.stan)                                                        \
    X(original_mti, TEXT, original.mti)                                                            \
    X(original_sent_at, TEXT, original.sent_at)                                                    \
    X(original_year, TEXT, original.sent_year)                                                     \
    X(original_date, TEXT, original.date)                                                          \
    X(original_rrn, TEXT, original.rrn)                                                            \
    X(original_auth_code, TEXT, original.auth_code)                                                \
    X(original_auth_mode, TEXT, original.auth_mode)                                                \
    X(original_institution, TEXT, original.institution)                                            \
    X(icc, ICC, cargo[PAYMENT_CARGO_ICC])                                                          \
    X(additional, CARGO, cargo[PAYMENT_CARGO_ADDITIONAL])                                          \
    X(balance, CARGO, cargo[PAYMENT_CARGO_BALANCE])                                                \
    X(institutions, CARGO, cargo[PAYMENT_CARGO_INSTITUTIONS])                                      \
    X(private_57, CARGO, cargo[PAYMENT_CARGO_PRIVATE_57])                                          \
    X(private_58, CARGO, cargo[PAYMENT_CARGO_PRIVATE_58])                                          \
    X(private_59, CARGO, cargo[PAYMENT_CARGO_PRIVATE_59])                                          \
    X(pay_code, TEXT, pay_code)                                                                    \
    X(voucher, TEXT, voucher)                                                                      \
    X(custom_62, CARGO, cargo[PAYMENT_CARGO_CUSTOM_62])                                            \
    X(custom_63, CARGO, cargo[PAYMENT_CARGO_CUSTOM_63])

enum dialect_op_type {
    DIALECT_NONE, /* the field means nothing here: accepted and left alone */
    DIALECT_TEXT,
    DIALECT_NUMBER,
    DIALECT_AMOUNT,
    DIALECT_CURRENCY,
    DIALECT_PAN,
    DIALECT_TRACK2,
    DIALECT_TRACK3,
    DIALECT_PIN,
    DIALECT_ICC,
    DIALECT_CARGO,
    DIALECT_GROUP,
    DIALECT_PARTS,
    DIALECT_CODED /* a text that the wire has codes of its own for */
};
#define DIALECT_TYPE_COUNT (DIALECT_CODED + 1)

/* X(name, digits, lowest bit): the parts of a key, each a TEXT of the payment. */
#define DIALECT_KEY_MAP(X)                                                                         \
    X(processing_code, 6, 40)                                                                      \
    X(condition_code, 2, 32)                                                                       \
    X(type_code, 2, 24)                                                                            \
    X(management_code, 3, 12)                                                                      \
    X(network_code, 3, 0)

enum dialect_key_part {
#define X(name, digits, bit) DIALECT_KEY_##name,
    DIALECT_KEY_MAP(X)
#undef X
        DIALECT_KEY_COUNT
};

struct dialect_op {
    uint8_t type;         /* enum dialect_op_type */
    uint8_t key_part;     /* enum dialect_key_part; DIALECT_KEY_COUNT: none */
    uint8_t first, count; /* of a group: its subfields; of parts: its elements; of codes: those */
    uint8_t unread, unwritten; /* of codes: the one for what the wire, or the payment, has and the
                                  list has not; DIALECT_CODE_NONE: that is a fault */
    uint8_t cargo;             /* enum payment_cargo; of parts: what keeps the elements that are not
                                  mapped, PAYMENT_CARGO_COUNT: nothing */
    uint8_t coding;            /* enum spec_coding of the field */
    bool is_right;             /* BCD of an odd count: pad nibble in front */
    uint8_t fixed_count;       /* characters of a fixed text; 0: it varies */
    uint16_t offset, size;     /* of the member in a payment */
};

struct dialect_subfield {
    struct dialect_op op; /* TEXT or NUMBER */
    uint8_t digits;
    bool is_optional;      /* may be left out, with all that follows */
    bool is_rest;          /* takes what is left, up to `digits` */
    bool is_written_only;  /* filled from the payment, not read back */
    bool are_zeros_absent; /* all zeros mean: not known */
    bool is_mti;           /* its first digit is the version, which a payment does not have */
    bool is_constant;      /* `value` is written, and what stands there is not read */
    uint8_t prefix_digits; /* of its length, in front of it; 0: none */
    char value[DIALECT_WIRE_CODE_SIZE];
};

/* What the wire says for what a payment says. */
struct dialect_code {
    char wire[DIALECT_WIRE_CODE_SIZE], part[DIALECT_WIRE_CODE_SIZE];
};

/* A field that a transaction always has with this value. */
struct dialect_fixed {
    uint8_t field, length;
    char text[DIALECT_WIRE_CODE_SIZE];
};

/* An element inside a field that carries a part of a payment. */
struct dialect_element {
    struct dialect_op op; /* TEXT */
    uint16_t part;        /* in spec.part */
};

enum dialect_mac { DIALECT_MAC_NEVER, DIALECT_MAC_OPTIONAL, DIALECT_MAC_REQUIRED };

struct dialect_layout {
    char name[DIALECT_NAME_SIZE];
    uint64_t required[SPEC_WORD_COUNT], optional[SPEC_WORD_COUNT],
        any_of[SPEC_WORD_COUNT]; /* bit 63 of [0] is field 1, as in a bitmap */
};

struct dialect_row {
    char name[DIALECT_NAME_SIZE];
    enum payment_kind kind;
    enum dialect_mac mac;
    uint64_t mask, value;             /* the key */
    uint64_t means_mask, means_value; /* parts of it that no field carries: a payment is built by
                                         them, and gets them when it is read */
    char constants[DIALECT_KEY_COUNT][DIALECT_KEY_TEXT_SIZE]; /* the key as texts */
    char mti[DIALECT_LEG_COUNT][2][5];                        /* by leg, then first and repeated */
    uint8_t layouts[DIALECT_LEG_COUNT];
    uint8_t answer_words; /* enum payment_words: what field 63 of its response may say */
    uint8_t fixed_first, fixed_count; /* in dialect.fixed */
};

struct dialect_mti {
    uint32_t mti; /* the four characters as they lie in memory */
    uint8_t leg, is_repeat;
    uint16_t first, count;  /* in dialect.mti_rows */
    uint64_t required_mask; /* key digits that every row of it looks at */
};

struct dialect_kind {
    uint16_t first, count; /* in dialect.kind_rows */
};

struct dialect {
    struct spec *spec; /* owner */
    struct dialect_op ops[DIALECT_LEG_COUNT][SPEC_FIELD_MAX + 1];
    /* The fields of each type, so that a message is walked type by type: twelve loops that a branch
     * predictor learns, where one switch a field cost more than all the copying. */
    uint64_t type_bits[DIALECT_LEG_COUNT][DIALECT_TYPE_COUNT][SPEC_WORD_COUNT];
    struct dialect_subfield subfields[DIALECT_SUBFIELD_COUNT_MAX];
    struct dialect_layout layouts[DIALECT_LAYOUT_COUNT_MAX];
    struct dialect_row rows[DIALECT_ROW_COUNT_MAX];
    struct dialect_mti mtis[DIALECT_MTI_COUNT_MAX];
    struct dialect_kind kinds[PAYMENT_KIND_COUNT];
    uint8_t mti_rows[DIALECT_INDEX_COUNT_MAX], kind_rows[DIALECT_ROW_COUNT_MAX];
    uint8_t key_fields[DIALECT_KEY_COUNT]; /* the field that carries it, for faults; 0: none */
    struct dialect_element elements[DIALECT_ELEMENT_COUNT_MAX];
    struct dialect_code codes[DIALECT_CODE_COUNT_MAX];
    struct dialect_fixed fixed[DIALECT_FIXED_COUNT_MAX];
    uint32_t element_count, code_count, fixed_count;
    char mti_version; /* first digit of its message types: 0 of 1987, 1 of 1993 */
    uint32_t subfield_count, layout_count, row_count, mti_count;
    char mac_codes[DIALECT_MAC_CODE_COUNT_MAX][3]; /* responses with a MAC; none named: all */
    uint32_t mac_code_count;
    uint8_t pin_formats[10], pin_format_fallback; /* by the first digit of field 53 */
    uint16_t currency_fallback;                   /* of an amount without field 49 */
};

/* The key of a payment; *absent has all bits set where the payment lacks a part. */
uint64_t dialect_key(const struct payment *payment, uint64_t *absent);

/* The row that a payment of this kind is built by: the first of its kind that its key allows.
 * NULL: none. */
const struct dialect_row *dialect_row_of(const struct dialect *dialect, enum payment_kind kind,
                                         const struct payment *payment);

/* What the elements inside a field say (parts.c). A mapped one goes into its member, the others are
 * kept together as the cargo of `op`; a value that is no list is kept whole. STATUS_BAD_VALUE, and
 * so on: `reason` says what is wrong inside which field. */
MUST_CHECK enum status dialect_parts_read(const struct dialect *dialect,
                                          const struct dialect_op *op,
                                          const struct message *message, unsigned field,
                                          struct payment *payment,
                                          char reason[DIALECT_REASON_SIZE]);

/* The field that says them, in room taken from `scratch`, or the cargo itself where nothing is to
 * be added; length 0: nothing to say. STATUS_BAD_VALUE: a member does not fit its element, or the
 * cargo is no list that it could stand in. */
MUST_CHECK enum status dialect_parts_build(const struct dialect *dialect,
                                           const struct dialect_op *op,
                                           const struct payment *payment,
                                           struct byte_writer *scratch, struct byte_view *value);

/* The first field of a bitmap that is not empty. */
static inline unsigned dialect_first_field(const uint64_t bits[SPEC_WORD_COUNT])
{
    unsigned word = 0;
    while (word + 1 < SPEC_WORD_COUNT && bits[word] == 0) {
        word++;
    }
    return word * 64 + (unsigned)__builtin_clzll(bits[word]) + 1;
}

/* The first field of a layout's list that is not in the message; 0: all are. */
static inline unsigned dialect_first_missing(const uint64_t wanted[SPEC_WORD_COUNT],
                                             const uint64_t present[SPEC_WORD_COUNT])
{
    uint64_t missing[SPEC_WORD_COUNT];
    uint64_t any = 0;
    for (unsigned word = 0; word < SPEC_WORD_COUNT; word++) {
        missing[word] = wanted[word] & ~present[word];
        any |= missing[word];
    }
    return any == 0 ? 0 : dialect_first_field(missing);
}

static inline uint64_t dialect_bit(unsigned field)
{
    return UINT64_C(1) << (63 - (field - 1) % 64);
}
