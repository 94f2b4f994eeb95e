/* dialect_build: payment -> message. The layout of the transaction says which fields; each takes
 * its value from its part of the payment, or, where the payment leaves its key open, from the key
 * of the transaction. */
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "protocols/base/digits.h"
#include "protocols/base/require.h"
#include "protocols/dialect/table.h"
#include "protocols/iso8583/header.h"

#define COLD __attribute__((cold, noinline))
/* Room for what is not text in the payment already: trace number 6, amount 12, currency 3, groups
 * of at most DIALECT_GROUP_DIGITS_MAX digits (60, 61, 90), and one field of elements. */
#define SCRATCH_BYTES (9 * 3 + 12 + 3 + 4 * DIALECT_GROUP_DIGITS_MAX + 999)

_Static_assert(SCRATCH_BYTES >= 12 + 3 + 6, "the numbers of a purchase have room");
_Static_assert(sizeof(((struct payment *)0)->stan) == sizeof(uint32_t), "numbers are copied whole");

struct building {
    const struct dialect *dialect;
    const struct payment *payment;
    const struct dialect_row *row;  /* the transaction */
    const struct dialect_row *fill; /* gives the parts of the key that the payment leaves open */
    const struct dialect_layout *layout;
    struct message_draft *draft;
    struct byte_writer scratch;
    unsigned unfit_field; /* has a part with more digits than its place; 0: none */
};

COLD __attribute__((format(printf, 4, 5))) static enum status
refuse(struct dialect_fault *fault, enum status status, unsigned field, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(fault->reason, sizeof(fault->reason), format, arguments);
    va_end(arguments);
    fault->field = (uint16_t)field;
    fault->is_unknown_kind = status == STATUS_UNKNOWN;
    return status;
}

static inline const void *member(const struct payment *payment, const struct dialect_op *op)
{
    return (const uint8_t *)payment + op->offset;
}

static inline const char *text_of(const struct building *building, const struct dialect_op *op)
{
    const char *text = member(building->payment, op);
    if (text[0] == '\0' && op->key_part < DIALECT_KEY_COUNT) {
        return building->fill->constants[op->key_part];
    }
    return text;
}

static inline uint32_t number_of(const struct building *building, const struct dialect_op *op)
{
    uint32_t number;
    memcpy(&number, member(building->payment, op), sizeof(number));
    return number;
}

static inline bool set(struct building *building, unsigned field, const void *value,
                       uint32_t length)
{
    if (length == 0) {
        return false;
    }
    building->draft->present[(field - 1) / 64] |= dialect_bit(field);
    building->draft->values[field] = (struct byte_view){value, length};
    return true;
}

/* The lowest number that `digit_count` digits cannot hold. */
static inline uint64_t limit_of(uint32_t digit_count)
{
    REQUIRE(digit_count <= 19);
    uint64_t limit = 1;
    for (uint32_t i = 0; i < digit_count; i++) {
        limit *= 10;
    }
    return limit;
}

COLD static bool note_unfit(struct building *building, unsigned field)
{
    REQUIRE(field != 0);
    building->unfit_field = field;
    return false;
}

/* A number as digits. */
static bool set_number(struct building *building, unsigned field, uint64_t number,
                       uint32_t digit_count)
{
    if (number >= limit_of(digit_count)) {
        return note_unfit(building, field);
    }
    char *digits = (char *)byte_writer_take(&building->scratch, digit_count);
    REQUIRE(digits != NULL);
    digits_format(digits, number, digit_count);
    return set(building, field, digits, digit_count);
}

/* Whether the payment knows anything of this sub-field. */
static bool subfield_is_known(const struct building *building,
                              const struct dialect_subfield *subfield)
{
    if (subfield->is_constant) {
        return false;
    }
    return subfield->op.type == DIALECT_TEXT ? text_of(building, &subfield->op)[0] != '\0'
                                             : number_of(building, &subfield->op) != 0;
}

/* Writes one sub-field, zeros in front; a rest as long as it is. False: it does not fit. */
static bool put_subfield(struct building *building, const struct dialect_subfield *subfield)
{
    const char *text = "";
    uint32_t length = 0;
    char digits[10];
    if (subfield->is_constant) {
        text = subfield->value;
        length = (uint32_t)strlen(text);
    } else if (subfield->op.type == DIALECT_TEXT) {
        text = text_of(building, &subfield->op);
        length = (uint32_t)strlen(text);
    } else if (number_of(building, &subfield->op) < limit_of(subfield->digits)) {
        length = subfield->digits;
        digits_format(digits, number_of(building, &subfield->op), length);
        text = digits;
    } else {
        return false;
    }
    if (length > subfield->digits) {
        return false;
    }
    REQUIRE(subfield->digits <= DIALECT_GROUP_DIGITS_MAX);
    if (subfield->prefix_digits != 0) {
        char *prefix = (char *)byte_writer_take(&building->scratch, subfield->prefix_digits);
        REQUIRE(prefix != NULL);
        digits_format(prefix, length, subfield->prefix_digits);
    } else if (!subfield->is_rest) {
        byte_writer_fill(&building->scratch, '0', subfield->digits - length);
    }
    if (subfield->is_mti && length > 0) {
        byte_writer_u8(&building->scratch, (uint8_t)building->dialect->mti_version);
        text++;
        length--;
    }
    byte_writer_put(&building->scratch, text, length);
    return true;
}

/* A group of which the payment knows nothing is not there, however many zeros would say so. */
static bool set_group(struct building *building, unsigned field, const struct dialect_op *op)
{
    REQUIRE(op->first + op->count <= DIALECT_SUBFIELD_COUNT_MAX);
    const struct dialect_subfield *subfields = &building->dialect->subfields[op->first];
    unsigned count = 0;
    bool is_known = false;
    for (unsigned i = 0; i < op->count; i++) {
        const bool has_part = subfield_is_known(building, &subfields[i]);
        is_known |= has_part && !subfields[i].is_written_only;
        if (has_part || !subfields[i].is_optional) {
            count = i + 1;
        }
    }
    if (!is_known) {
        return false;
    }
    while (count < op->count && subfields[count].is_constant && !subfields[count].is_optional) {
        count++;
    }
    const uint32_t start = building->scratch.position;
    for (unsigned i = 0; i < count; i++) {
        if (!put_subfield(building, &subfields[i])) {
            return note_unfit(building, field);
        }
    }
    REQUIRE(building->scratch.status == STATUS_OK);
    return set(building, field, building->scratch.bytes + start,
               building->scratch.position - start);
}

static bool set_text(struct building *building, unsigned field, const struct dialect_op *op)
{
    const char *text = text_of(building, op);
    const uint32_t fixed = op->fixed_count;
    if (fixed != 0 && fixed < op->size && text[fixed - 1] != '\0' && text[fixed] == '\0' &&
        text[0] != '\0') {
        return set(building, field, text, fixed); /* the usual case needs no counting */
    }
    return set(building, field, text, (uint32_t)strlen(text));
}

/* Zero is a trace number where one must be, and none where it may be. */
static bool set_trace(struct building *building, unsigned field, const struct dialect_op *op)
{
    const uint32_t number = number_of(building, op);
    const bool is_required =
        (building->layout->required[(field - 1) / 64] & dialect_bit(field)) != 0;
    return (number != 0 || is_required) &&
           set_number(building, field, number, building->dialect->spec->fields[field].count);
}

static bool set_amount(struct building *building, unsigned field, const struct dialect_op *op)
{
    (void)op;
    const struct money *amount = &building->payment->amount;
    /* A negative amount turns into one far too large, and is refused as such. */
    return amount->currency != 0 && set_number(building, field, (uint64_t)amount->minor, 12);
}

static bool set_currency(struct building *building, unsigned field, const struct dialect_op *op)
{
    (void)op;
    const uint16_t currency = building->payment->amount.currency;
    return currency != 0 && set_number(building, field, currency, 3);
}

static bool set_pan(struct building *building, unsigned field, const struct dialect_op *op)
{
    (void)op;
    return set(building, field, building->payment->pan.digits, building->payment->pan.digit_count);
}

static bool set_track2(struct building *building, unsigned field, const struct dialect_op *op)
{
    (void)op;
    const struct track2 *track = &building->payment->track2;
    return set(building, field, track->characters, track->count);
}

static bool set_track3(struct building *building, unsigned field, const struct dialect_op *op)
{
    (void)op;
    const struct track3 *track = &building->payment->track3;
    return set(building, field, track->characters, track->count);
}

static bool set_pin(struct building *building, unsigned field, const struct dialect_op *op)
{
    (void)op;
    return set(building, field, building->payment->pin.bytes, building->payment->pin.length);
}

static bool set_cargo(struct building *building, unsigned field, const struct dialect_op *op)
{
    struct byte_view cargo = payment_cargo(building->payment, (enum payment_cargo)op->cargo);
    return set(building, field, cargo.bytes, cargo.length);
}

static bool set_parts(struct building *building, unsigned field, const struct dialect_op *op)
{
    struct byte_view value;
    if (dialect_parts_build(building->dialect, op, building->payment, &building->scratch, &value) !=
        STATUS_OK) {
        return note_unfit(building, field);
    }
    return set(building, field, value.bytes, value.length);
}

static bool set_coded(struct building *building, unsigned field, const struct dialect_op *op)
{
    const char *text = text_of(building, op);
    REQUIRE(op->first + op->count <= DIALECT_CODE_COUNT_MAX);
    if (text[0] == '\0') {
        return false;
    }
    for (unsigned i = 0; i < op->count; i++) {
        const struct dialect_code *code = &building->dialect->codes[op->first + i];
        if (strcmp(code->part, text) == 0) {
            return set(building, field, code->wire, (uint32_t)strlen(code->wire));
        }
    }
    if (op->unwritten == DIALECT_CODE_NONE) {
        return note_unfit(building, field);
    }
    const char *wire = building->dialect->codes[op->unwritten].wire;
    return set(building, field, wire, (uint32_t)strlen(wire));
}

/* What this transaction says in every message, unless the payment has said it. */
static void set_fixed(struct building *building, const struct dialect_row *row)
{
    const struct dialect_layout *layout = building->layout;
    for (unsigned i = 0; i < row->fixed_count; i++) {
        const struct dialect_fixed *fixed = &building->dialect->fixed[row->fixed_first + i];
        const unsigned word = (fixed->field - 1U) / 64;
        const uint64_t bit = dialect_bit(fixed->field);
        if (((layout->required[word] | layout->optional[word]) & bit) != 0) {
            (void)set(building, fixed->field, fixed->text, fixed->length);
        }
    }
}

/* Calls `set_part` for each field of one type in the layout; it is false when the payment does not
 * have the part. Inlined, so that `set_part` is known. */
__attribute__((always_inline)) static inline void
each(struct building *building, enum dialect_op_type type,
     bool (*set_part)(struct building *building, unsigned field, const struct dialect_op *op))
{
    const enum payment_leg leg = building->payment->leg;
    const struct dialect_layout *layout = building->layout;
    const uint64_t *mask = building->dialect->type_bits[leg][type];
    const unsigned word_count = building->dialect->spec->word_count;
    for (unsigned word = 0; word < word_count; word++) {
        uint64_t bits = (layout->required[word] | layout->optional[word]) & mask[word];
        while (bits != 0) {
            const unsigned lead = (unsigned)__builtin_clzll(bits);
            const unsigned field = word * 64 + lead + 1;
            bits &= ~(UINT64_C(1) << 63 >> lead);
            (void)set_part(building, field, &building->dialect->ops[leg][field]);
        }
    }
}

static enum status set_fields(struct building *building, struct dialect_fault *fault)
{
    each(building, DIALECT_TEXT, set_text);
    each(building, DIALECT_NUMBER, set_trace);
    each(building, DIALECT_AMOUNT, set_amount);
    each(building, DIALECT_CURRENCY, set_currency);
    each(building, DIALECT_PAN, set_pan);
    each(building, DIALECT_TRACK2, set_track2);
    each(building, DIALECT_TRACK3, set_track3);
    each(building, DIALECT_PIN, set_pin);
    each(building, DIALECT_GROUP, set_group);
    each(building, DIALECT_ICC, set_cargo);
    each(building, DIALECT_CARGO, set_cargo);
    each(building, DIALECT_PARTS, set_parts);
    each(building, DIALECT_CODED, set_coded);
    set_fixed(building, building->row);
    const struct spec_field *fields = building->dialect->spec->fields;
    if (building->unfit_field != 0) {
        return refuse(fault, STATUS_BAD_VALUE, building->unfit_field,
                      "the payment's value for field %u (%s) is too long or not of its format",
                      building->unfit_field, fields[building->unfit_field].name);
    }
    const struct dialect_layout *layout = building->layout;
    const unsigned field = dialect_first_missing(layout->required, building->draft->present);
    if (field == 0) {
        return STATUS_OK;
    }
    return refuse(fault, STATUS_MISSING, field,
                  "the payment has no value for field %u (%s), which %s needs", field,
                  fields[field].name, layout->name);
}

/* The row that stands in for open parts of the key: of a reversal, that of its original. */
static const struct dialect_row *
fill_of(const struct dialect *dialect, const struct dialect_row *row, const struct payment *payment)
{
    if (row->kind != PAYMENT_REVERSAL || payment->original_kind == PAYMENT_UNKNOWN) {
        return row;
    }
    REQUIRE(payment->original_kind != PAYMENT_REVERSAL);
    const struct dialect_row *original = dialect_row_of(dialect, payment->original_kind, payment);
    return original != NULL ? original : row;
}

static enum status find_row(const struct dialect *dialect, const struct payment *payment,
                            const struct dialect_row **row, struct dialect_fault *fault)
{
    *row = dialect_row_of(dialect, payment->kind, payment);
    if (*row != NULL) {
        return STATUS_OK;
    }
    if (dialect->kinds[payment->kind].count == 0) {
        return refuse(fault, STATUS_UNKNOWN, 0, "%s is not in %s", payment_kind_text(payment->kind),
                      dialect->spec->name);
    }
    return refuse(fault, STATUS_BAD_VALUE, 0,
                  "%s does not go with processing code %.6s, condition %.2s, type %.2s, management "
                  "%.3s, network %.3s in %s",
                  payment_kind_text(payment->kind), payment->processing_code,
                  payment->condition_code, payment->type_code, payment->management_code,
                  payment->network_code, dialect->spec->name);
}

enum status dialect_build(const struct dialect *dialect, const struct payment *payment,
                          const struct dialect_build_how *how, struct byte_writer *writer,
                          struct byte_view *mac_scope, struct dialect_fault *fault)
{
    REQUIRE(payment->leg == PAYMENT_REQUEST || payment->leg == PAYMENT_RESPONSE);
    REQUIRE(!how->with_mac || mac_scope != NULL);
    struct message_draft draft;
    struct message_fault message_fault;
    uint8_t scratch[SCRATCH_BYTES], header[SPEC_HEADER_BYTES_MAX];
    const struct dialect_row *row;
    fault->field = 0;
    fault->is_unknown_kind = false;
    fault->reason[0] = '\0';
    enum status status = find_row(dialect, payment, &row, fault);
    if (status != STATUS_OK) {
        return status;
    }
    const char *const mti = row->mti[payment->leg][payment->is_repeat != 0];
    struct building building = {.dialect = dialect,
                                .payment = payment,
                                .row = row,
                                .fill = fill_of(dialect, row, payment),
                                .layout = &dialect->layouts[row->layouts[payment->leg]],
                                .draft = &draft};
    byte_writer_init(&building.scratch, scratch, sizeof(scratch));
    message_draft_init(&draft, dialect->spec, mti[0] != '\0' ? mti : row->mti[payment->leg][0]);
    draft.header = how->header;
    if (dialect->spec->header_item_count > 0) {
        header_fill(header, dialect->spec, how->header, payment->leg == PAYMENT_RESPONSE);
        draft.header = (struct byte_view){header, dialect->spec->header_bytes};
    }
    status = set_fields(&building, fault);
    if (status != STATUS_OK) {
        return status;
    }
    status = message_build(&draft, writer, how->with_mac ? mac_scope : NULL, &message_fault);
    return status == STATUS_OK
               ? STATUS_OK
               : refuse(fault, status, message_fault.field, "%s", message_fault.reason);
}
