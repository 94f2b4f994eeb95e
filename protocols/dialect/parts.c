/* Elements inside a field <-> members of a payment: see table.h.
 *
 * What nobody maps is kept as it stands, so that it can be passed on; what is mapped is taken out
 * of it, since a payment code must not stay behind in a field that is kept or shown. */
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "protocols/base/require.h"
#include "protocols/dialect/table.h"
#include "protocols/iso8583/parts.h"

#define COLD __attribute__((cold, noinline))

_Static_assert(SPEC_PART_COUNT_MAX <= UINT16_MAX, "parts are indexed by 16 bits");
_Static_assert(DIALECT_ELEMENT_COUNT_MAX <= UINT8_MAX, "elements are indexed by a byte");

static inline char *member(struct payment *payment, const struct dialect_op *op)
{
    return (char *)payment + op->offset;
}

static inline const char *text_of(const struct payment *payment, const struct dialect_op *op)
{
    return (const char *)payment + op->offset;
}

/* What an element is mapped to; NULL: nothing. */
static const struct dialect_op *op_of(const struct dialect *dialect, const struct dialect_op *field,
                                      const struct spec_part *part)
{
    REQUIRE(field->first + field->count <= DIALECT_ELEMENT_COUNT_MAX);
    for (unsigned i = 0; part != NULL && i < field->count; i++) {
        const struct dialect_element *element = &dialect->elements[field->first + i];
        if (&dialect->spec->part[element->part] == part) {
            return &element->op;
        }
    }
    return NULL;
}

COLD __attribute__((format(printf, 2, 3))) static enum status
refuse(char reason[DIALECT_REASON_SIZE], const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(reason, DIALECT_REASON_SIZE, format, arguments);
    va_end(arguments);
    return STATUS_BAD_VALUE;
}

/* Blanks on the right are padding. */
static bool take_text(struct payment *payment, const struct dialect_op *op,
                      const struct parts_element *element)
{
    char text[SPEC_COUNT_MAX + 1];
    uint32_t count = parts_text(element, text, sizeof(text));
    while (count > 0 && text[count - 1] == ' ') {
        count--;
    }
    char *to = member(payment, op);
    if (count >= op->size || to[0] != '\0') {
        return false;
    }
    memcpy(to, text, count);
    return true;
}

static enum status keep(struct payment *payment, const struct dialect_op *op,
                        struct byte_view value)
{
    return op->cargo == PAYMENT_CARGO_COUNT
               ? STATUS_OK
               : payment_set_cargo(payment, (enum payment_cargo)op->cargo, value);
}

/* Elements with tags can stand anywhere, and are kept; parts that have their place cannot. */
static bool has_tags(const struct spec_parts *parts)
{
    return parts->style == SPEC_STYLE_TLV || parts->style == SPEC_STYLE_BER;
}

/* Whether a fault inside the field is of no matter: a terminal's private data, in a request whose
 * payer is told elsewhere, and in nothing that is mapped. The field is then left out whole, since
 * nobody knows what stands behind the fault. */
static bool may_leave_out(const struct payment *payment, const struct dialect_op *op,
                          const struct dialect_op *target)
{
    bool has_payer = payment->pan.digit_count > 0 || payment->track2.count > 0;
    bool is_taken = payment->pay_code[0] != '\0' || payment->voucher[0] != '\0';
    return op->cargo == PAYMENT_CARGO_PRIVATE_59 && payment->leg == PAYMENT_REQUEST && has_payer &&
           !is_taken && target == NULL;
}

enum status dialect_parts_read(const struct dialect *dialect, const struct dialect_op *op,
                               const struct message *message, unsigned field,
                               struct payment *payment, char reason[DIALECT_REASON_SIZE])
{
    const struct spec_parts *parts = spec_parts_of(dialect->spec, field);
    char text[SPEC_COUNT_MAX + 1];
    struct byte_view value = message_raw(message, field);
    const enum spec_coding coding = dialect->spec->fields[field].coding;
    if (coding != SPEC_ASCII && coding != SPEC_BINARY) {
        value.length = message_text(message, field, text, sizeof(text));
        value.bytes = (const uint8_t *)text;
    }
    struct parts_reader reader;
    struct parts_element element = {.part = NULL};
    struct parts_fault fault;
    uint8_t rest_bytes[PAYMENT_CARGO_BYTES_MAX];
    struct byte_writer rest;
    REQUIRE(parts != NULL);
    if (!parts_open(&reader, dialect->spec, parts, value)) {
        return keep(payment, op, value) == STATUS_OK
                   ? STATUS_OK
                   : refuse(reason, "field %u of %u bytes does not fit into the payment", field,
                            value.length);
    }
    byte_writer_init(&rest, rest_bytes, sizeof(rest_bytes));
    enum status status;
    while ((status = parts_next(&reader, &element, &fault)) == STATUS_OK) {
        const struct dialect_op *target = op_of(dialect, op, element.part);
        if (target == NULL && has_tags(parts)) {
            byte_writer_put(&rest, element.whole.bytes, element.whole.length);
        } else if (target != NULL && !take_text(payment, target, &element)) {
            return refuse(reason, "field %u has tag %s twice, or with more than %u characters",
                          field, element.part->tag, target->size - 1U);
        }
    }
    if (status != STATUS_NOT_FOUND &&
        may_leave_out(payment, op, op_of(dialect, op, element.part))) {
        return STATUS_OK;
    }
    if (status != STATUS_NOT_FOUND) {
        return refuse(reason, "field %u %s, at byte %u of the field", field, fault.reason,
                      fault.offset);
    }
    const struct byte_view kept = {rest_bytes, rest.position};
    return rest.status == STATUS_OK && keep(payment, op, kept) == STATUS_OK
               ? STATUS_OK
               : refuse(reason, "field %u of %u bytes does not fit into the payment", field,
                        value.length);
}

/* Whether the cargo is elements, beside which others can stand; *length_digits as it has them. */
static bool is_list(const struct dialect *dialect, const struct spec_parts *parts,
                    struct byte_view cargo, uint8_t *length_digits)
{
    struct parts_reader reader;
    struct parts_element element;
    struct parts_fault fault;
    enum status status = STATUS_OK;
    if (!parts_open(&reader, dialect->spec, parts, cargo)) {
        return false;
    }
    while (status == STATUS_OK) {
        status = parts_next(&reader, &element, &fault);
    }
    *length_digits = reader.length_digits;
    return status == STATUS_NOT_FOUND;
}

/* The values of the mapped parts, each in its place. False: the payment has none. */
static bool gather(const struct dialect *dialect, const struct dialect_op *op,
                   const struct spec_parts *parts, const struct payment *payment,
                   struct byte_view values[SPEC_LIST_COUNT_MAX])
{
    bool is_known = false;
    memset(values, 0, sizeof(values[0]) * parts->count);
    for (unsigned i = 0; i < op->count; i++) {
        const struct dialect_element *element = &dialect->elements[op->first + i];
        const char *text = text_of(payment, &element->op);
        const unsigned place = element->part - parts->first;
        REQUIRE(place < parts->count);
        values[place] = (struct byte_view){(const uint8_t *)text, (uint32_t)strlen(text)};
        is_known |= text[0] != '\0';
    }
    return is_known;
}

enum status dialect_parts_build(const struct dialect *dialect, const struct dialect_op *op,
                                const struct payment *payment, struct byte_writer *scratch,
                                struct byte_view *value)
{
    struct byte_view values[SPEC_LIST_COUNT_MAX];
    REQUIRE(op->count > 0 && op->first + op->count <= DIALECT_ELEMENT_COUNT_MAX);
    const struct spec_part *part = &dialect->spec->part[dialect->elements[op->first].part];
    const struct spec_parts *parts = &dialect->spec->parts[part->parts - 1];
    struct parts_draft draft = {.spec = dialect->spec, .parts = parts, .values = values};
    *value = op->cargo == PAYMENT_CARGO_COUNT
                 ? (struct byte_view){NULL, 0}
                 : payment_cargo(payment, (enum payment_cargo)op->cargo);
    if (!gather(dialect, op, parts, payment, values)) {
        return STATUS_OK;
    }
    uint8_t length_digits = 0;
    if (!is_list(dialect, parts, *value, &draft.length_digits)) {
        return STATUS_BAD_VALUE;
    }
    const uint32_t start = scratch->position;
    byte_writer_put(scratch, value->bytes, value->length);
    enum status status = parts_build(scratch, &draft);
    if (status != STATUS_OK) {
        return status;
    }
    *value = (struct byte_view){scratch->bytes + start, scratch->position - start};
    return is_list(dialect, parts, *value, &length_digits) && length_digits == draft.length_digits
               ? STATUS_OK
               : STATUS_BAD_VALUE;
}
