/* dialect_read: message -> payment. The set bits of the bitmap pick ops out of a table; what kind
 * of transaction it is comes last, from the key that the ops have filled in.
 *
 * After the first fault the other fields are still read, so that a refusal can be addressed. */
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "protocols/base/digits.h"
#include "protocols/base/require.h"
#include "protocols/dialect/table.h"
#include "protocols/emv_tlv.h"
#include "protocols/iso8583/characters.h"
#include "protocols/iso8583/ebcdic.h"

#define COLD __attribute__((cold, noinline))
#define CARGO_TEXT_SIZE 1000 /* the longest field: LLL and a final 0 */
#define CURRENCY_DIGITS 3
#define EBCDIC_BLANK 0x40
#define TRACK3_FORMAT_DIGITS 2 /* before the card number (ISO/IEC 4909) */

_Static_assert(PAN_DIGITS_MAX < sizeof(((struct pan *)0)->digits), "a card number ends with 0");
_Static_assert(sizeof(((struct message *)0)->mti) > sizeof(uint32_t), "a message type is a word");
_Static_assert(CARGO_TEXT_SIZE < PAYMENT_CARGO_BYTES_MAX, "one long field fits the cargo");

struct reading {
    const struct dialect *dialect;
    const struct message *message;
    struct payment *payment;
    struct dialect_fault *fault;
    enum status status; /* of the first fault */
};

COLD __attribute__((format(printf, 4, 5))) static void
refuse(struct reading *reading, enum status status, unsigned field, const char *format, ...)
{
    if (reading->status != STATUS_OK) {
        return;
    }
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(reading->fault->reason, sizeof(reading->fault->reason), format, arguments);
    va_end(arguments);
    reading->fault->field = (uint16_t)field;
    reading->status = status;
}

static inline void *member(struct payment *payment, const struct dialect_op *op)
{
    return (uint8_t *)payment + op->offset;
}

/* Digits out of their nibbles; message_parse has seen that they are digits. */
static inline void unpack(char *to, const uint8_t *from, uint32_t count, bool is_right)
{
    uint32_t at = 0;
    if (is_right && count % 2 != 0) {
        to[at++] = (char)('0' + (*from++ & 15));
    }
    for (; at + 2 <= count; at += 2, from++) {
        to[at] = (char)('0' + (*from >> 4));
        to[at + 1] = (char)('0' + (*from & 15));
    }
    if (at < count) {
        to[at] = (char)('0' + (*from >> 4));
    }
}

/* The `count` characters of a field of digits, or of characters, without a final 0. */
static inline void copy_text(const struct reading *reading, unsigned field,
                             const struct dialect_op *op, char *to, uint32_t count)
{
    const uint8_t *from = reading->message->bytes.bytes + reading->message->fields[field].offset;
    if (op->coding == SPEC_BCD) {
        unpack(to, from, count, op->is_right);
    } else if (op->coding == SPEC_ASCII) {
        characters_copy((uint8_t *)to, from, count);
    } else {
        ebcdic_read(to, (enum spec_coding)op->coding, from, count);
    }
}

static inline uint8_t blank_of(const struct dialect_op *op)
{
    return op->coding == SPEC_ASCII ? ' ' : EBCDIC_BLANK;
}

/* The number that a field of digits spells; false when it has more than 18 of them. */
static inline bool number_of(const struct reading *reading, unsigned field,
                             const struct dialect_op *op, uint64_t *number)
{
    char digits[18];
    const uint32_t count = reading->message->fields[field].count;
    if (count > sizeof(digits)) {
        return false;
    }
    copy_text(reading, field, op, digits, count);
    *number = 0;
    for (uint32_t i = 0; i < count; i++) {
        *number = *number * 10 + (unsigned)(digits[i] - '0');
    }
    return true;
}

/* Blanks on the right are padding of a fixed text (unionpay section 2). */
static void read_text(struct reading *reading, unsigned field, const struct dialect_op *op)
{
    const struct message_field *at = &reading->message->fields[field];
    const uint8_t *from = reading->message->bytes.bytes + at->offset;
    uint32_t count = at->count;
    const uint8_t blank = blank_of(op);
    while (count > 0 && op->coding != SPEC_BCD && from[count - 1] == blank) {
        count--;
    }
    if (count >= op->size) {
        refuse(reading, STATUS_BAD_VALUE, field,
               "field %u is %u characters long, %u at most are used", field, count, op->size - 1U);
        return;
    }
    copy_text(reading, field, op, member(reading->payment, op), count);
}

static void read_number(struct reading *reading, unsigned field, const struct dialect_op *op)
{
    uint64_t number = 0;
    if (!number_of(reading, field, op, &number) || number > UINT32_MAX) {
        refuse(reading, STATUS_BAD_VALUE, field, "field %u is no number of at most 9 digits",
               field);
        return;
    }
    const uint32_t value = (uint32_t)number;
    memcpy(member(reading->payment, op), &value, sizeof(value));
}

static void read_amount(struct reading *reading, unsigned field, const struct dialect_op *op)
{
    uint64_t number = 0;
    if (!number_of(reading, field, op, &number) || number > MONEY_MINOR_MAX) {
        refuse(reading, STATUS_BAD_VALUE, field, "field %u is no amount of 12 digits", field);
        return;
    }
    reading->payment->amount.minor = (int64_t)number;
    reading->payment->amount.currency = reading->dialect->currency_fallback;
}

static void read_currency(struct reading *reading, unsigned field, const struct dialect_op *op)
{
    char digits[CURRENCY_DIGITS];
    uint64_t number = 0;
    copy_text(reading, field, op, digits, CURRENCY_DIGITS);
    if (digits_parse(&number, digits, CURRENCY_DIGITS, (struct number_range){1, 999}) !=
        STATUS_OK) {
        refuse(reading, STATUS_BAD_VALUE, field,
               "field %u is no numeric currency of ISO 4217, expected three digits such as 156",
               field);
        return;
    }
    reading->payment->amount.currency = (uint16_t)number;
}

static void read_pan(struct reading *reading, unsigned field, const struct dialect_op *op)
{
    const uint32_t count = reading->message->fields[field].count;
    if (count < PAN_DIGITS_MIN || count > PAN_DIGITS_MAX) {
        refuse(reading, STATUS_BAD_VALUE, field,
               "field %u has %u digits, a card number has %d to %d", field, count, PAN_DIGITS_MIN,
               PAN_DIGITS_MAX);
        return;
    }
    copy_text(reading, field, op, reading->payment->pan.digits, count);
    reading->payment->pan.digit_count = (uint8_t)count;
}

static void read_track(struct reading *reading, unsigned field, const struct dialect_op *op)
{
    const uint32_t count = reading->message->fields[field].count;
    const bool is_two = op->type == DIALECT_TRACK2;
    struct track2 *two = &reading->payment->track2;
    struct track3 *three = &reading->payment->track3;
    const uint32_t size = is_two ? sizeof(two->characters) : sizeof(three->characters);
    if (count == 0 || count >= size) {
        refuse(reading, STATUS_BAD_VALUE, field, "field %u has %u characters, a track 1 to %u",
               field, count, size - 1);
        return;
    }
    (void)message_text(reading->message, field, is_two ? two->characters : three->characters, size);
    *(is_two ? &two->count : &three->count) = (uint8_t)count;
}

static void read_pin(struct reading *reading, unsigned field, const struct dialect_op *op)
{
    (void)op;
    char bytes[PIN_BLOCK_BYTES_MAX + 1];
    struct pin_block *pin = &reading->payment->pin;
    uint32_t count = message_text(reading->message, field, bytes, sizeof(bytes));
    REQUIRE(count <= sizeof(pin->bytes));
    memcpy(pin->bytes, bytes, count);
    pin->length = (uint8_t)count;
    pin->format = reading->dialect->pin_format_fallback;
}

static void keep_cargo(struct reading *reading, unsigned field, const struct dialect_op *op,
                       struct byte_view value)
{
    if (payment_set_cargo(reading->payment, (enum payment_cargo)op->cargo, value) != STATUS_OK) {
        refuse(reading, STATUS_BAD_VALUE, field,
               "field %u of %u bytes does not fit: the long fields of one message may hold %d",
               field, value.length, PAYMENT_CARGO_BYTES_MAX);
    }
}

static void read_cargo(struct reading *reading, unsigned field, const struct dialect_op *op)
{
    char text[CARGO_TEXT_SIZE];
    struct byte_view value = message_raw(reading->message, field);
    if (op->coding != SPEC_ASCII && op->coding != SPEC_BINARY) {
        value.length = message_text(reading->message, field, text, sizeof(text));
        value.bytes = (const uint8_t *)text;
    }
    if (op->type == DIALECT_ICC) {
        char reason[EMV_TLV_REASON_SIZE];
        if (emv_tlv_check(value, reason) != STATUS_OK) {
            refuse(reading, STATUS_BAD_VALUE, field, "%s", reason);
        }
    }
    keep_cargo(reading, field, op, value);
}

static bool are_zeros(const char *digits, uint32_t count)
{
    for (uint32_t i = 0; i < count; i++) {
        if (digits[i] != '0') {
            return false;
        }
    }
    return true;
}

static void read_subfield(struct payment *payment, const struct dialect_subfield *subfield,
                          const char *digits, uint32_t count)
{
    REQUIRE(count <= subfield->digits);
    /* A message type that is a version and nothing else is none. */
    const uint32_t front = subfield->is_mti && count > 0;
    if (subfield->is_constant || subfield->is_written_only ||
        (subfield->are_zeros_absent && are_zeros(digits + front, count - front))) {
        return;
    }
    char *to = member(payment, &subfield->op);
    if (subfield->op.type == DIALECT_TEXT) {
        memcpy(to, digits, count);
        to[0] = subfield->is_mti && count > 0 ? '0' : to[0];
        return;
    }
    uint32_t value = 0;
    for (uint32_t i = 0; i < count; i++) {
        value = value * 10 + (unsigned)(digits[i] - '0');
    }
    memcpy(to, &value, sizeof(value));
}

/* The length that stands in front of a sub-field, which it moves *position behind; 100: none. */
static uint32_t take_prefix(const struct dialect_subfield *subfield, const char *text,
                            uint32_t *position, uint32_t count)
{
    uint64_t length = 0;
    const uint32_t digits = subfield->prefix_digits;
    if (count - *position < digits || digits_parse(&length, text + *position, digits,
                                                   (struct number_range){0, 99}) != STATUS_OK) {
        return 100;
    }
    *position += digits;
    return (uint32_t)length;
}

static void read_group(struct reading *reading, unsigned field, const struct dialect_op *op)
{
    char text[DIALECT_GROUP_DIGITS_MAX];
    const uint32_t count = reading->message->fields[field].count;
    REQUIRE(count <= sizeof(text));
    copy_text(reading, field, op, text, count);
    uint32_t position = 0;
    for (unsigned i = 0; i < op->count; i++) {
        const struct dialect_subfield *subfield = &reading->dialect->subfields[op->first + i];
        uint32_t left = count - position;
        uint32_t wanted = subfield->digits;
        if (left == 0 && subfield->is_optional) {
            return;
        }
        if (subfield->prefix_digits != 0) {
            wanted = take_prefix(subfield, text, &position, count);
            left = count - position;
        }
        uint32_t take = left < wanted ? left : wanted;
        if (wanted > subfield->digits || (take < wanted && !subfield->is_rest)) {
            refuse(reading, STATUS_BAD_VALUE, field,
                   "field %u ends after %u digits, %u inside its part %u of %u digits", field,
                   count, take, i + 1, wanted);
            return;
        }
        read_subfield(reading->payment, subfield, text + position, take);
        position += take;
    }
    if (position < count) {
        refuse(reading, STATUS_BAD_VALUE, field, "field %u has %u digits, its parts have %u", field,
               count, position);
    }
}

static void read_parts(struct reading *reading, unsigned field, const struct dialect_op *op)
{
    char reason[DIALECT_REASON_SIZE];
    enum status status =
        dialect_parts_read(reading->dialect, op, reading->message, field, reading->payment, reason);
    if (status != STATUS_OK) {
        refuse(reading, status, field, "%s", reason);
    }
}

/* The entry for a code on the wire; NULL: none. */
static const struct dialect_code *find_code(const struct dialect *dialect,
                                            const struct dialect_op *op, const char *wire)
{
    REQUIRE(op->first + op->count <= DIALECT_CODE_COUNT_MAX);
    for (unsigned i = 0; i < op->count; i++) {
        const struct dialect_code *code = &dialect->codes[op->first + i];
        if (strcmp(code->wire, wire) == 0) {
            return code;
        }
    }
    return op->unread == DIALECT_CODE_NONE ? NULL : &dialect->codes[op->unread];
}

static void read_coded(struct reading *reading, unsigned field, const struct dialect_op *op)
{
    char wire[DIALECT_WIRE_CODE_SIZE] = "";
    const uint32_t count = reading->message->fields[field].count;
    const struct dialect_code *code = NULL;
    if (count < sizeof(wire)) {
        copy_text(reading, field, op, wire, count);
        code = find_code(reading->dialect, op, wire);
    }
    if (code == NULL) {
        refuse(reading, STATUS_BAD_VALUE, field, "field %u (%s) has a code that is not in %s",
               field, reading->message->spec->fields[field].name, reading->dialect->spec->name);
        return;
    }
    memcpy(member(reading->payment, op), code->part, strlen(code->part) + 1);
}

/* Calls `read` for each field of one type that the message has. Inlined, so that `read` is known.
 */
__attribute__((always_inline)) static inline void
each(struct reading *reading, enum dialect_op_type type,
     void (*read)(struct reading *reading, unsigned field, const struct dialect_op *op))
{
    const enum payment_leg leg = reading->payment->leg;
    const uint64_t *mask = reading->dialect->type_bits[leg][type];
    const unsigned word_count = reading->dialect->spec->word_count;
    for (unsigned word = 0; word < word_count; word++) {
        for (uint64_t bits = reading->message->present[word] & mask[word]; bits != 0;) {
            const unsigned lead = (unsigned)__builtin_clzll(bits);
            const unsigned field = word * 64 + lead + 1;
            bits &= ~(UINT64_C(1) << 63 >> lead);
            read(reading, field, &reading->dialect->ops[leg][field]);
        }
    }
}

/* The amount before its currency: a currency that is there replaces the fallback. */
static void read_fields(struct reading *reading)
{
    each(reading, DIALECT_TEXT, read_text);
    each(reading, DIALECT_NUMBER, read_number);
    each(reading, DIALECT_AMOUNT, read_amount);
    each(reading, DIALECT_CURRENCY, read_currency);
    each(reading, DIALECT_PAN, read_pan);
    each(reading, DIALECT_TRACK2, read_track);
    each(reading, DIALECT_TRACK3, read_track);
    each(reading, DIALECT_PIN, read_pin);
    each(reading, DIALECT_GROUP, read_group);
    each(reading, DIALECT_ICC, read_cargo);
    each(reading, DIALECT_CARGO, read_cargo);
    each(reading, DIALECT_PARTS, read_parts);
    each(reading, DIALECT_CODED, read_coded);
}

/* The card number that `characters` begin with, up to the separator; none when there is none. */
static void pan_from_track(struct pan *pan, const char *characters, uint32_t count, uint32_t skip)
{
    REQUIRE(count <= TRACK3_CHARACTERS_MAX + 1);
    uint32_t end = skip;
    while (end < count && characters[end] != '=') {
        end++;
    }
    if (end > skip) {
        (void)!pan_parse(pan, characters + skip, end - skip);
    }
}

/* What depends on more than one field. An enciphered track (third digit of field 53, unionpay
 * section 14) tells no card number. */
static void finish(struct payment *payment, const struct dialect *dialect)
{
    const char first = payment->security_control[0];
    if (payment->pin.length != 0 && first >= '0' && first <= '9') {
        payment->pin.format = dialect->pin_formats[first - '0'];
    }
    const bool is_enciphered = first != '\0' && payment->security_control[2] == '1';
    if (payment->pan.digit_count == 0 && !is_enciphered) {
        pan_from_track(&payment->pan, payment->track2.characters, payment->track2.count, 0);
    }
    if (payment->pan.digit_count == 0 && !is_enciphered) {
        pan_from_track(&payment->pan, payment->track3.characters, payment->track3.count,
                       TRACK3_FORMAT_DIGITS);
    }
}

static const struct dialect_mti *find_mti(const struct dialect *dialect, const char mti[5])
{
    uint32_t wanted;
    memcpy(&wanted, mti, sizeof(wanted));
    for (uint32_t i = 0; i < dialect->mti_count; i++) {
        if (dialect->mtis[i].mti == wanted) {
            return &dialect->mtis[i];
        }
    }
    return NULL;
}

COLD static void refuse_missing(struct reading *reading, const struct dialect_row *row,
                                unsigned field)
{
    refuse(reading, STATUS_MISSING, field, "field %u (%s) is missing from the %s of a %s", field,
           reading->message->spec->fields[field].name,
           reading->payment->leg == PAYMENT_REQUEST ? "request" : "response",
           row == NULL ? "transaction" : row->name);
}

static const char *code_or_none(const char *code)
{
    return code[0] != 0 ? code : "none";
}

/* No row fits: either a part that every row asks for is missing, or the combination is unknown. */
COLD static void refuse_key(struct reading *reading, const struct dialect_mti *mti, uint64_t absent)
{
    static const uint64_t masks[DIALECT_KEY_COUNT] = {
#define X(name, digits, bit) ((UINT64_C(1) << (4 * (digits))) - 1) << (bit),
        DIALECT_KEY_MAP(X)
#undef X
    };
    for (unsigned part = 0; part < DIALECT_KEY_COUNT; part++) {
        unsigned field = reading->dialect->key_fields[part];
        if ((mti->required_mask & masks[part] & absent) != 0 && field != 0) {
            refuse_missing(reading, NULL, field);
            return;
        }
    }
    const struct payment *payment = reading->payment;
    refuse(reading, STATUS_UNKNOWN, 0,
           "no transaction has message type %.4s with processing code %.6s, condition %.2s, type "
           "%.2s, management %s, network %s",
           reading->message->mti, payment->processing_code, payment->condition_code,
           payment->type_code, code_or_none(payment->management_code),
           code_or_none(payment->network_code));
    reading->fault->is_unknown_kind = reading->status == STATUS_UNKNOWN;
}

/* Whether the fields that a transaction always has the same are so, where they are there. */
static bool fixed_fit(const struct reading *reading, const struct dialect_row *row)
{
    const struct message *message = reading->message;
    for (unsigned i = 0; i < row->fixed_count; i++) {
        const struct dialect_fixed *fixed = &reading->dialect->fixed[row->fixed_first + i];
        char text[DIALECT_WIRE_CODE_SIZE];
        if (!message_has(message, fixed->field)) {
            continue;
        }
        if (message->fields[fixed->field].count != fixed->length) {
            return false;
        }
        (void)message_text(message, fixed->field, text, sizeof(text));
        if (memcmp(text, fixed->text, fixed->length) != 0) {
            return false;
        }
    }
    return true;
}

static const struct dialect_row *find_row(struct reading *reading, const struct dialect_mti *mti)
{
    const struct dialect *dialect = reading->dialect;
    REQUIRE(mti->first + mti->count <= DIALECT_INDEX_COUNT_MAX);
    uint64_t absent;
    const uint64_t key = dialect_key(reading->payment, &absent);
    for (unsigned i = 0; i < mti->count; i++) {
        const struct dialect_row *row = &dialect->rows[dialect->mti_rows[mti->first + i]];
        if (((key ^ row->value) & row->mask) == 0 && (absent & row->mask) == 0 &&
            (row->fixed_count == 0 || fixed_fit(reading, row))) {
            return row;
        }
    }
    refuse_key(reading, mti, absent);
    return NULL;
}

/* A reversal carries the key of what it undoes (unionpay section 5), or the message type of it. */
static void find_original_kind(struct reading *reading)
{
    const struct dialect *dialect = reading->dialect;
    struct payment *payment = reading->payment;
    REQUIRE(payment->kind == PAYMENT_REVERSAL);
    uint64_t absent;
    const uint64_t key = dialect_key(payment, &absent);
    for (uint32_t i = 0; i < dialect->row_count; i++) {
        const struct dialect_row *row = &dialect->rows[i];
        const bool is_type = payment->original.mti[0] == '\0' ||
                             memcmp(payment->original.mti + 1, row->mti[PAYMENT_REQUEST][0] + 1,
                                    3) == 0; /* the version aside */
        if (payment_kind_is_reversible(row->kind) && is_type &&
            ((key ^ row->value) & row->mask) == 0 && (absent & row->mask) == 0) {
            payment->original_kind = row->kind;
            return;
        }
    }
    if (payment->leg == PAYMENT_REQUEST) {
        refuse(reading, STATUS_UNKNOWN, 0,
               "a reversal with processing code %.6s, condition %.2s, type %.2s names nothing that "
               "can be reversed",
               payment->processing_code, payment->condition_code, payment->type_code);
        reading->fault->is_unknown_kind = reading->status == STATUS_UNKNOWN;
    }
}

/* What the kind of transaction says of its key and no field does. */
static void fill_meaning(struct payment *payment, const struct dialect_row *row)
{
#define X(name, digits, bit)                                                                       \
    if ((row->means_mask >> (bit)&15) != 0 && payment->name[0] == '\0') {                          \
        memcpy(payment->name, row->constants[DIALECT_KEY_##name], (digits) + 1);                   \
    }
    DIALECT_KEY_MAP(X)
#undef X
}

static void check_layout(struct reading *reading, const struct dialect_row *row)
{
    REQUIRE(row->layouts[reading->payment->leg] < reading->dialect->layout_count);
    const struct dialect_layout *layout =
        &reading->dialect->layouts[row->layouts[reading->payment->leg]];
    const uint64_t *present = reading->message->present;
    const unsigned missing = dialect_first_missing(layout->required, present);
    if (missing != 0) {
        refuse_missing(reading, row, missing);
    }
    uint64_t wanted = 0, found = 0;
    for (unsigned word = 0; word < SPEC_WORD_COUNT; word++) {
        wanted |= layout->any_of[word];
        found |= layout->any_of[word] & present[word];
    }
    if (wanted != 0 && found == 0) {
        refuse(reading, STATUS_MISSING, dialect_first_field(layout->any_of),
               "none of the fields that may name the payer is in the %s of a %s; field %u is the "
               "first of them",
               reading->payment->leg == PAYMENT_REQUEST ? "request" : "response", row->name,
               dialect_first_field(layout->any_of));
    }
    unsigned mac_field = message_mac_field(reading->message);
    if (row->mac == DIALECT_MAC_REQUIRED && mac_field != 0 &&
        !message_has(reading->message, mac_field) &&
        dialect_has_mac(reading->dialect, reading->payment)) {
        refuse_missing(reading, row, mac_field);
    }
}

enum status dialect_read(const struct dialect *dialect, const struct message *message,
                         struct payment *payment, struct dialect_fault *fault)
{
    REQUIRE(message->spec == dialect->spec);
    struct reading reading = {dialect, message, payment, fault, STATUS_OK};
    payment_clear(payment);
    fault->field = 0;
    fault->is_unknown_kind = false;
    fault->reason[0] = '\0';
    const struct dialect_mti *mti = find_mti(dialect, message->mti);
    payment->leg = mti == NULL ? PAYMENT_REQUEST : (enum payment_leg)mti->leg;
    read_fields(&reading);
    finish(payment, dialect);
    if (mti == NULL) {
        refuse(&reading, STATUS_UNKNOWN, 0, "message type %.4s is not in %s", message->mti,
               dialect->spec->name);
        fault->is_unknown_kind = reading.status == STATUS_UNKNOWN;
        return reading.status;
    }
    payment->is_repeat = mti->is_repeat;
    const struct dialect_row *row = find_row(&reading, mti);
    if (row == NULL) {
        return reading.status;
    }
    payment->kind = row->kind;
    payment->answer_words =
        payment->leg == PAYMENT_REQUEST ? row->answer_words : PAYMENT_WORDS_NONE;
    if (row->means_mask != 0) {
        fill_meaning(payment, row);
    }
    check_layout(&reading, row);
    if (row->kind == PAYMENT_REVERSAL) {
        find_original_kind(&reading);
    }
    return reading.status;
}
