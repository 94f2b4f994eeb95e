/* dialect_build: payment -> message. The layout of the transaction says which fields; each takes
 * its value from its part of the payment, or, where the payment leaves its key open, from the key
 * of the transaction. */
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "protocols/base/digits.h"
#include "protocols/base/require.h"
#include "protocols/dialect/table.h"

#define COLD __attribute__((cold, noinline))
/* Room for what is not text in the payment already: trace number 6, amount 12, currency 3, and
 * groups of at most DIALECT_GROUP_DIGITS_MAX digits (60, 61, 90). */
#define SCRATCH_BYTES (9 * 3 + 12 + 3 + 4 * DIALECT_GROUP_DIGITS_MAX)

struct building {
    const struct dialect *dialect;
    const struct payment *payment;
    const struct dialect_row *fill; /* gives the parts of the key that the payment leaves open */
    struct message_draft *draft;
    struct byte_writer scratch;
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
    message_draft_set(building->draft, field, value, length);
    return true;
}

/* The lowest number that `digit_count` digits cannot hold. */
static inline uint64_t limit_of(uint32_t digit_count)
{
    uint64_t limit = 1;
    for (uint32_t i = 0; i < digit_count; i++) {
        limit *= 10;
    }
    return limit;
}

/* A number as digits; false when it has more of them than the field. */
static bool set_number(struct building *building, unsigned field, uint64_t number,
                       uint32_t digit_count)
{
    if (number >= limit_of(digit_count)) {
        return false;
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
    return subfield->op.type == DIALECT_TEXT ? text_of(building, &subfield->op)[0] != '\0'
                                             : number_of(building, &subfield->op) != 0;
}

/* Writes one sub-field, zeros in front; a rest as long as it is. False: it does not fit. */
static bool put_subfield(struct building *building, const struct dialect_subfield *subfield)
{
    const char *text = "";
    uint32_t length = 0;
    char digits[10];
    if (subfield->op.type == DIALECT_TEXT) {
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
    if (!subfield->is_rest) {
        byte_writer_fill(&building->scratch, '0', subfield->digits - length);
    }
    byte_writer_put(&building->scratch, text, length);
    return true;
}

/* A group of which the payment knows nothing is not there, however many zeros would say so. */
static bool set_group(struct building *building, unsigned field, const struct dialect_op *op)
{
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
    const uint32_t start = building->scratch.position;
    for (unsigned i = 0; i < count; i++) {
        if (!put_subfield(building, &subfields[i])) {
            return false;
        }
    }
    REQUIRE(building->scratch.status == STATUS_OK);
    return set(building, field, building->scratch.bytes + start,
               building->scratch.position - start);
}

/* Sets the field from its part; false when the payment does not have it. */
static bool set_field(struct building *building, unsigned field, const struct dialect_op *op,
                      bool is_required)
{
    const struct payment *payment = building->payment;
    struct byte_view cargo;
    const char *text;
    switch ((enum dialect_op_type)op->type) {
    case DIALECT_TEXT:
        text = text_of(building, op);
        return set(building, field, text, (uint32_t)strlen(text));
    case DIALECT_NUMBER:
        return (is_required || number_of(building, op) != 0) &&
               set_number(building, field, number_of(building, op),
                          building->dialect->spec->fields[field].count);
    case DIALECT_AMOUNT:
        return payment->amount.currency != 0 && payment->amount.minor >= 0 &&
               set_number(building, field, (uint64_t)payment->amount.minor, 12);
    case DIALECT_CURRENCY:
        return payment->amount.currency != 0 &&
               set_number(building, field, payment->amount.currency, 3);
    case DIALECT_PAN:
        return set(building, field, payment->pan.digits, payment->pan.digit_count);
    case DIALECT_TRACK2:
        return set(building, field, payment->track2.characters, payment->track2.count);
    case DIALECT_TRACK3:
        return set(building, field, payment->track3.characters, payment->track3.count);
    case DIALECT_PIN:
        return set(building, field, payment->pin.bytes, payment->pin.length);
    case DIALECT_ICC:
    case DIALECT_CARGO:
        cargo = payment_cargo(payment, (enum payment_cargo)op->cargo);
        return set(building, field, cargo.bytes, cargo.length);
    case DIALECT_GROUP:
        return set_group(building, field, op);
    case DIALECT_NONE:
        break;
    }
    return false;
}

static enum status set_fields(struct building *building, const struct dialect_layout *layout,
                              struct dialect_fault *fault)
{
    const struct dialect_op *ops = building->dialect->ops[building->payment->leg];
    for (unsigned word = 0; word < 2; word++) {
        for (uint64_t bits = layout->required[word] | layout->optional[word]; bits != 0;) {
            const unsigned field = word * 64 + (unsigned)__builtin_clzll(bits) + 1;
            const bool is_required = (layout->required[word] & dialect_bit(field)) != 0;
            bits &= ~dialect_bit(field);
            if (!set_field(building, field, &ops[field], is_required) && is_required) {
                return refuse(fault, STATUS_MISSING, field,
                              "the payment has no value for field %u (%s), which %s needs", field,
                              building->dialect->spec->fields[field].name, layout->name);
            }
        }
    }
    return STATUS_OK;
}

/* The row that stands in for open parts of the key: of a reversal, that of its original. */
static const struct dialect_row *
fill_of(const struct dialect *dialect, const struct dialect_row *row, const struct payment *payment)
{
    if (row->kind != PAYMENT_REVERSAL || payment->original_kind == PAYMENT_UNKNOWN) {
        return row;
    }
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
    uint8_t scratch[SCRATCH_BYTES];
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
                                .fill = fill_of(dialect, row, payment),
                                .draft = &draft};
    byte_writer_init(&building.scratch, scratch, sizeof(scratch));
    message_draft_init(&draft, dialect->spec, mti[0] != '\0' ? mti : row->mti[payment->leg][0]);
    draft.header = how->header;
    status = set_fields(&building, &dialect->layouts[row->layouts[payment->leg]], fault);
    if (status != STATUS_OK) {
        return status;
    }
    status = message_build(&draft, writer, how->with_mac ? mac_scope : NULL, &message_fault);
    return status == STATUS_OK
               ? STATUS_OK
               : refuse(fault, status, message_fault.field, "%s", message_fault.reason);
}
