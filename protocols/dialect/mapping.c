/* `mapping` of a spec document becomes ops and layouts of table.h: which field carries which part
 * of a payment. See the head of config/specs/unionpay-pos.yaml for the words. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "protocols/base/digits.h"
#include "protocols/base/require.h"
#include "protocols/dialect/compile.h"
#include "protocols/iso8583/parts.h"

_Static_assert(DIALECT_SUBFIELD_COUNT_MAX <= UINT8_MAX, "subfields are indexed by a byte");
_Static_assert(DIALECT_LAYOUT_COUNT_MAX <= UINT8_MAX, "layouts are indexed by a byte");
_Static_assert(DIALECT_CODE_COUNT_MAX < DIALECT_CODE_NONE, "codes are indexed by a byte");
_Static_assert(SPEC_FIELD_MAX <= UINT8_MAX, "fields of a key are kept in a byte");
_Static_assert(DIALECT_GROUP_DIGITS_MAX <= UINT8_MAX, "digits of a group are counted in a byte");
_Static_assert(PAYMENT_CARGO_COUNT <= UINT8_MAX, "cargoes are named by a byte");

const char *const DIALECT_LEG_KEYS[DIALECT_LEG_COUNT] = {"request", "response"};

struct part_row {
    const char *name;
    uint8_t type;
    uint16_t offset, size;
};

static const struct part_row PARTS[] = {
#define X(name, type, member)                                                                      \
    {#name, DIALECT_##type, (uint16_t)offsetof(struct payment, member),                            \
     (uint16_t)sizeof(((struct payment *)0)->member)},
    DIALECT_PART_MAP(X)
#undef X
};

#define PART_COUNT (sizeof(PARTS) / sizeof(PARTS[0]))

const struct dialect_key_row DIALECT_KEY_PARTS[DIALECT_KEY_COUNT] = {
#define X(name, digits, bit) {#name, digits, bit},
    DIALECT_KEY_MAP(X)
#undef X
};

/* The number that stands there; `fallback`, with a fault, for anything outside `range`. */
static uint32_t number_of(const struct compile *compile, const struct document_node *node,
                          struct number_range range, uint32_t fallback)
{
    uint64_t value = fallback;
    size_t length = node->kind == DOCUMENT_SCALAR ? strlen(node->text) : 0;
    if (length == 0 || length > 9 ||
        digits_parse(&value, node->text, (uint32_t)length, range) != STATUS_OK) {
        document_fault(compile->document, node, "expected a number from %u to %u, got \"%.20s\"",
                       (unsigned)range.min, (unsigned)range.max,
                       node->kind == DOCUMENT_SCALAR ? node->text : "a list");
        return fallback;
    }
    return (uint32_t)value;
}

static uint32_t number_member(const struct compile *compile, const struct document_node *mapping,
                              const char *key, struct number_range range)
{
    const struct document_node *node = document_member(mapping, key);
    if (node == NULL) {
        document_fault(compile->document, mapping, "\"%s\" is missing", key);
        return (uint32_t)range.min;
    }
    return number_of(compile, node, range, (uint32_t)range.min);
}

unsigned dialect_compile_key_part(const char *name)
{
    unsigned part = 0;
    while (part < DIALECT_KEY_COUNT && strcmp(DIALECT_KEY_PARTS[part].name, name) != 0) {
        part++;
    }
    return part;
}

/* All names of parts, for "did you mean"; ends with NULL. */
static const char *const PART_NAMES[] = {
#define X(name, type, member) #name,
    DIALECT_PART_MAP(X)
#undef X
        NULL};

/* ", did you mean \"x\"?", or nothing. */
const char *dialect_compile_hint(char hint[DIALECT_HINT_SIZE], const char *word,
                                 const char *const *known)
{
    const char *nearest = word == NULL ? NULL : document_nearest(word, known);
    hint[0] = '\0';
    if (nearest != NULL) {
        snprintf(hint, DIALECT_HINT_SIZE, "; did you mean \"%.40s\"?", nearest);
    }
    return hint;
}

static const struct part_row *part_of(const struct compile *compile,
                                      const struct document_node *node)
{
    char hint[DIALECT_HINT_SIZE];
    for (size_t i = 0; node->kind == DOCUMENT_SCALAR && i < PART_COUNT; i++) {
        if (strcmp(PARTS[i].name, node->text) == 0) {
            return &PARTS[i];
        }
    }
    document_fault(compile->document, node, "\"%.32s\" is no part of a payment%s",
                   node->kind == DOCUMENT_SCALAR ? node->text : "a list",
                   dialect_compile_hint(hint, node->text, PART_NAMES));
    return NULL;
}

static struct dialect_op op_of(const struct part_row *part)
{
    REQUIRE(part->offset + part->size <= offsetof(struct payment, cargo_bytes));
    struct dialect_op op = {.type = part->type,
                            .key_part = (uint8_t)dialect_compile_key_part(part->name),
                            .offset = part->offset,
                            .size = part->size};
    if (part->type == DIALECT_CARGO || part->type == DIALECT_ICC) {
        op.cargo = (uint8_t)((part->offset - offsetof(struct payment, cargo)) /
                             sizeof(((struct payment *)0)->cargo[0]));
    }
    return op;
}

/* Whether a field of this content can carry that type; the rest is up to message_parse. */
static bool type_fits(uint8_t type, const struct spec_field *field)
{
    switch (type) {
    case DIALECT_NUMBER:
    case DIALECT_AMOUNT:
    case DIALECT_PAN:
        return field->content == SPEC_N;
    case DIALECT_CURRENCY:
        return field->content != SPEC_B && field->length_digits == 0 && field->count == 3;
    case DIALECT_PIN:
        return field->content == SPEC_B && field->count <= PIN_BLOCK_BYTES_MAX;
    case DIALECT_TEXT:
        return field->content != SPEC_B && field->content != SPEC_Z;
    case DIALECT_TRACK2:
    case DIALECT_TRACK3:
        return field->content != SPEC_B;
    default:
        return true;
    }
}

static void take_form(struct dialect_op *op, const struct spec_field *field,
                      const struct spec_row *row)
{
    REQUIRE(field->name[0] != '\0');
    const bool is_fixed = field->length_digits == 0 && field->count <= UINT8_MAX;
    op->coding = (uint8_t)field->coding;
    op->is_right = row->is_right;
    op->fixed_count = is_fixed ? (uint8_t)field->count : 0;
}

static void map_codes(const struct compile *compile, const struct document_node *node,
                      struct dialect_op *op);

/* A part by its name, or a mapping with `part` and `codes`. */
static void map_part(const struct compile *compile, const struct document_node *node,
                     unsigned field, struct dialect_op *op)
{
    const struct document_node *named = document_member(node, "part");
    const struct part_row *part = part_of(compile, named != NULL ? named : node);
    if (part == NULL) {
        return;
    }
    const struct spec_field *spec_field = &compile->dialect->spec->fields[field];
    *op = op_of(part);
    take_form(op, spec_field, &compile->dialect->spec->rows[field]);
    if (!type_fits(part->type, spec_field)) {
        document_fault(compile->document, node, "field %u (%s) cannot carry %s", field,
                       spec_field->name, part->name);
    }
    if (op->key_part < DIALECT_KEY_COUNT) {
        compile->dialect->key_fields[op->key_part] = (uint8_t)field;
    }
    if (named != NULL) {
        map_codes(compile, node, op);
    }
}

/* Digits that are always the same. */
static void map_constant(const struct compile *compile, const struct document_node *node,
                         struct dialect_subfield *subfield, const char *value)
{
    const uint32_t length = (uint32_t)strlen(value);
    subfield->is_constant = true;
    subfield->digits = (uint8_t)number_member(compile, node, "digits",
                                              (struct number_range){1, DIALECT_WIRE_CODE_SIZE - 1});
    subfield->op.key_part = DIALECT_KEY_COUNT;
    if (length != subfield->digits || !digits_are_decimal(value, length)) {
        document_fault(compile->document, node, "\"value\" must be %u digits", subfield->digits);
        return;
    }
    memcpy(subfield->value, value, length + 1);
}

static void map_subfield(const struct compile *compile, const struct document_node *node,
                         unsigned field, struct dialect_subfield *subfield)
{
    static const char *const KNOWN[] = {"part",  "digits", "optional", "rest", "write_only",
                                        "zeros", "value",  "length",   NULL};
    struct document *document = compile->document;
    const struct document_node *name = document_member(node, "part");
    const char *value = document_text(document, node, (struct document_want){"value", false}, "");
    if ((name == NULL) == (value[0] == '\0')) {
        document_fault(document, node,
                       "a sub-field needs \"digits\", and \"part\" or a constant \"value\"");
        return;
    }
    document_refuse_unknown(document, node, KNOWN);
    if (name == NULL) {
        map_constant(compile, node, subfield, value);
        return;
    }
    const struct part_row *part = part_of(compile, name);
    if (part == NULL) {
        return;
    }
    if (part->type != DIALECT_TEXT && part->type != DIALECT_NUMBER) {
        document_fault(document, name, "%s is neither text nor number: no sub-field", part->name);
        return;
    }
    uint32_t most = part->type == DIALECT_TEXT ? part->size - 1U : 9;
    const char *zeros = document_text(document, node, (struct document_want){"zeros", false}, "");
    if (zeros[0] != '\0' && strcmp(zeros, "absent") != 0) {
        document_fault(document, node, "\"zeros\" may only say \"absent\", got \"%.20s\"", zeros);
    }
    subfield->op = op_of(part);
    subfield->digits =
        (uint8_t)number_member(compile, node, "digits", (struct number_range){1, most});
    subfield->is_optional =
        document_boolean(document, node, (struct document_want){"optional", false}, false);
    subfield->is_rest =
        document_boolean(document, node, (struct document_want){"rest", false}, false);
    subfield->is_written_only =
        document_boolean(document, node, (struct document_want){"write_only", false}, false);
    subfield->are_zeros_absent = zeros[0] != '\0';
    subfield->is_mti = subfield->op.offset == offsetof(struct payment, original.mti);
    if (document_member(node, "length") != NULL) {
        subfield->prefix_digits =
            (uint8_t)number_member(compile, node, "length", (struct number_range){1, 2});
    }
    if (subfield->op.key_part < DIALECT_KEY_COUNT) {
        compile->dialect->key_fields[subfield->op.key_part] = (uint8_t)field;
    }
}

/* One entry of `codes`; answers its place. */
static uint8_t add_code(const struct compile *compile, const struct document_node *node,
                        const char *wire, const char *part, const struct dialect_op *op)
{
    struct dialect *dialect = compile->dialect;
    if (dialect->code_count == DIALECT_CODE_COUNT_MAX || strlen(wire) >= DIALECT_WIRE_CODE_SIZE ||
        strlen(part) >= op->size || strlen(part) >= DIALECT_WIRE_CODE_SIZE) {
        document_fault(compile->document, node,
                       "more than %d codes in one dialect, or one that is too long: \"%.20s\" for "
                       "\"%.20s\"",
                       DIALECT_CODE_COUNT_MAX, wire, part);
        return DIALECT_CODE_NONE;
    }
    struct dialect_code *code = &dialect->codes[dialect->code_count];
    memcpy(code->wire, wire, strlen(wire) + 1);
    memcpy(code->part, part, strlen(part) + 1);
    return (uint8_t)dialect->code_count++;
}

/* `codes`: what the wire says for what the payment says; `unread` and `unwritten` for all others.
 */
static void map_codes(const struct compile *compile, const struct document_node *node,
                      struct dialect_op *op)
{
    static const char *const KNOWN[] = {"part", "codes", "unread", "unwritten", NULL};
    struct document *document = compile->document;
    const struct document_node *codes = document_member(node, "codes");
    document_refuse_unknown(document, node, KNOWN);
    if (op->type != DIALECT_TEXT || codes == NULL || codes->kind != DOCUMENT_MAPPING) {
        document_fault(document, node, "\"codes\" maps codes on the wire to texts of a payment");
        return;
    }
    const char *unread =
        document_text(document, node, (struct document_want){"unread", false}, NULL);
    const char *unwritten =
        document_text(document, node, (struct document_want){"unwritten", false}, NULL);
    op->type = DIALECT_CODED;
    op->first = (uint8_t)compile->dialect->code_count;
    for (const struct document_node *code = codes->first_child; code != NULL; code = code->next) {
        if (code->kind != DOCUMENT_SCALAR ||
            add_code(compile, code, code->key, code->text, op) == DIALECT_CODE_NONE) {
            return;
        }
    }
    op->count = (uint8_t)(compile->dialect->code_count - op->first);
    op->unread = unread == NULL ? DIALECT_CODE_NONE : add_code(compile, node, "", unread, op);
    op->unwritten =
        unwritten == NULL ? DIALECT_CODE_NONE : add_code(compile, node, unwritten, "", op);
}

static void map_group(const struct compile *compile, const struct document_node *list,
                      unsigned field, struct dialect_op *op)
{
    struct dialect *dialect = compile->dialect;
    const struct spec_field *spec_field = &dialect->spec->fields[field];
    uint32_t digits = 0;
    *op = (struct dialect_op){.type = DIALECT_GROUP,
                              .key_part = DIALECT_KEY_COUNT,
                              .first = (uint8_t)dialect->subfield_count};
    take_form(op, spec_field, &dialect->spec->rows[field]);
    for (const struct document_node *node = list->first_child; node != NULL; node = node->next) {
        if (dialect->subfield_count == DIALECT_SUBFIELD_COUNT_MAX) {
            document_fault(compile->document, node, "more than %d sub-fields",
                           DIALECT_SUBFIELD_COUNT_MAX);
            return;
        }
        struct dialect_subfield *subfield = &dialect->subfields[dialect->subfield_count];
        map_subfield(compile, node, field, subfield);
        digits += subfield->is_rest ? 0 : subfield->digits + (uint32_t)subfield->prefix_digits;
        dialect->subfield_count++;
        op->count++;
    }
    if (op->count == 0 || digits > spec_field->count ||
        spec_field->count > DIALECT_GROUP_DIGITS_MAX || spec_field->content != SPEC_N) {
        document_fault(compile->document, list,
                       "the %u digits of these sub-fields do not fit field %u (%s): %u digits",
                       digits, field, spec_field->name, spec_field->count);
    }
    if (spec_field->length_digits == 0 && digits != spec_field->count) {
        document_fault(compile->document, list, "field %u has %u digits, its sub-fields %u", field,
                       spec_field->count, digits);
    }
}

/* A field number that the spec knows; 0 and a fault otherwise. */
unsigned dialect_compile_field(const struct compile *compile, const struct document_node *node,
                               const char *text)
{
    uint64_t field = 0;
    size_t length = strlen(text);
    if (length == 0 || length > 3 ||
        digits_parse(&field, text, (uint32_t)length, (struct number_range){2, SPEC_FIELD_MAX}) !=
            STATUS_OK) {
        document_fault(compile->document, node, "expected a field from 2 to %d, got \"%.20s\"",
                       SPEC_FIELD_MAX, text);
        return 0;
    }
    if (compile->dialect->spec->fields[field].name[0] == '\0') {
        document_fault(compile->document, node, "the spec has no field %u", (unsigned)field);
        return 0;
    }
    return (unsigned)field;
}

/* The field of a path such as "59.A3". */
static unsigned path_field(const struct compile *compile, const struct document_node *node)
{
    char number[4] = {0};
    const size_t length = (size_t)(strchr(node->key, '.') - node->key);
    memcpy(number, node->key, length < sizeof(number) ? length : sizeof(number) - 1);
    return dialect_compile_field(compile, node, number);
}

static void check_path(const struct compile *compile, const struct document_node *node)
{
    const unsigned field = path_field(compile, node);
    if (field != 0 && compile->dialect->spec->fields[field].parts == 0) {
        document_fault(compile->document, node, "field %u has no parts in this spec", field);
    }
    if (node->kind == DOCUMENT_MAPPING) {
        document_refuse_unknown(compile->document, node,
                                (const char *const[]){"request", "response", NULL});
    }
}

/* What an element of a field is mapped to on one leg; NULL: nothing. */
static const struct document_node *element_part(const struct document_node *node, unsigned leg)
{
    return node->kind == DOCUMENT_MAPPING ? document_member(node, DIALECT_LEG_KEYS[leg]) : node;
}

static void map_element(const struct compile *compile, const struct document_node *node,
                        unsigned field, unsigned leg)
{
    struct dialect *dialect = compile->dialect;
    struct spec *spec = dialect->spec;
    const struct document_node *name = element_part(node, leg);
    const struct part_row *row = name == NULL ? NULL : part_of(compile, name);
    const struct spec_parts *parts = spec_parts_of(spec, field);
    const char *tag = strchr(node->key, '.') + 1;
    const struct spec_part *part = parts == NULL ? NULL : parts_find(spec, parts, tag);
    if (part == NULL) {
        document_fault(compile->document, node, "the spec has no part \"%.8s\" of field %u", tag,
                       field);
        return;
    }
    if (row == NULL) {
        return;
    }
    if (row->type != DIALECT_TEXT || dialect->element_count == DIALECT_ELEMENT_COUNT_MAX) {
        document_fault(compile->document, name,
                       "%s is no text, or more than %d parts of fields are mapped", row->name,
                       DIALECT_ELEMENT_COUNT_MAX);
        return;
    }
    dialect->elements[dialect->element_count++] =
        (struct dialect_element){op_of(row), (uint16_t)(part - spec->part)};
}

/* The elements of one field stand together: the members "59.A3", "59.A4" of `fields`. */
static void map_elements(const struct compile *compile, const struct document_node *fields,
                         unsigned field, unsigned leg)
{
    struct dialect *dialect = compile->dialect;
    struct dialect_op *op = &dialect->ops[leg][field];
    const uint32_t first = dialect->element_count;
    for (const struct document_node *node = fields->first_child; node != NULL; node = node->next) {
        const char *dot = strchr(node->key, '.');
        if (dot != NULL && path_field(compile, node) == field) {
            map_element(compile, node, field, leg);
        }
    }
    if (dialect->element_count == first) {
        return;
    }
    if (op->type != DIALECT_NONE && op->type != DIALECT_CARGO) {
        document_fault(compile->document, fields,
                       "field %u has mapped parts, so the whole can only be kept as a long value",
                       field);
    }
    const bool keeps_rest = op->type == DIALECT_CARGO;
    *op = (struct dialect_op){.type = DIALECT_PARTS,
                              .key_part = DIALECT_KEY_COUNT,
                              .first = (uint8_t)first,
                              .count = (uint8_t)(dialect->element_count - first),
                              .cargo = keeps_rest ? op->cargo : PAYMENT_CARGO_COUNT};
}

static void map_field(const struct compile *compile, const struct document_node *node)
{
    struct dialect *dialect = compile->dialect;
    unsigned field = dialect_compile_field(compile, node, node->key);
    if (field == 0) {
        return;
    }
    struct dialect_op op = {.type = DIALECT_NONE};
    switch (node->kind) {
    case DOCUMENT_SCALAR:
        map_part(compile, node, field, &op);
        break;
    case DOCUMENT_SEQUENCE:
        map_group(compile, node, field, &op);
        break;
    case DOCUMENT_MAPPING:
        if (document_member(node, "part") != NULL) {
            map_part(compile, node, field, &op);
            break;
        }
        for (int leg = 0; leg < DIALECT_LEG_COUNT; leg++) {
            const struct document_node *part = document_member(node, DIALECT_LEG_KEYS[leg]);
            if (part != NULL) {
                map_part(compile, part, field, &dialect->ops[leg][field]);
            }
        }
        document_refuse_unknown(compile->document, node,
                                (const char *const[]){"request", "response", NULL});
        return;
    }
    dialect->ops[PAYMENT_REQUEST][field] = op;
    dialect->ops[PAYMENT_RESPONSE][field] = op;
}

/* A list of fields as bits. */
static void read_fields(const struct compile *compile, const struct document_node *layout,
                        const char *key, uint64_t bits[SPEC_WORD_COUNT])
{
    const struct document_node *list = document_member(layout, key);
    if (list == NULL) {
        return;
    }
    if (list->kind != DOCUMENT_SEQUENCE) {
        document_fault(compile->document, list, "\"%s\" is a list of fields", key);
        return;
    }
    for (const struct document_node *node = list->first_child; node != NULL; node = node->next) {
        unsigned field = dialect_compile_field(
            compile, node, node->kind == DOCUMENT_SCALAR ? node->text : "a list");
        if (field == 0) {
            continue;
        }
        bits[(field - 1) / 64] |= dialect_bit(field);
    }
}

static void read_layout(const struct compile *compile, const struct document_node *node)
{
    static const char *const KNOWN[] = {"required", "optional", "any_of", NULL};
    struct dialect *dialect = compile->dialect;
    if (dialect->layout_count == DIALECT_LAYOUT_COUNT_MAX ||
        strlen(node->key) >= DIALECT_NAME_SIZE) {
        document_fault(compile->document, node,
                       "more than %d layouts, or a name of more than %d characters",
                       DIALECT_LAYOUT_COUNT_MAX, DIALECT_NAME_SIZE - 1);
        return;
    }
    struct dialect_layout *layout = &dialect->layouts[dialect->layout_count++];
    memcpy(layout->name, node->key, strlen(node->key) + 1);
    document_refuse_unknown(compile->document, node, KNOWN);
    read_fields(compile, node, "required", layout->required);
    read_fields(compile, node, "optional", layout->optional);
    read_fields(compile, node, "any_of", layout->any_of);
}

static void read_mac_codes(const struct compile *compile, const struct document_node *mapping)
{
    struct dialect *dialect = compile->dialect;
    const struct document_node *list = document_member(mapping, "mac_response_codes");
    const struct document_node *node = list == NULL ? NULL : list->first_child;
    for (; node != NULL; node = node->next) {
        if (node->kind != DOCUMENT_SCALAR || strlen(node->text) != 2 ||
            dialect->mac_code_count == DIALECT_MAC_CODE_COUNT_MAX) {
            document_fault(compile->document, node,
                           "expected a response code of 2 characters, and %d of them at most",
                           DIALECT_MAC_CODE_COUNT_MAX);
            return;
        }
        memcpy(dialect->mac_codes[dialect->mac_code_count++], node->text, 3);
    }
}

static void read_pin_formats(const struct compile *compile, const struct document_node *mapping)
{
    static const struct number_range FORMATS = {0, 4};
    struct dialect *dialect = compile->dialect;
    memset(dialect->pin_formats, DIALECT_PIN_FORMAT_NONE, sizeof(dialect->pin_formats));
    const struct document_node *fallback = document_member(mapping, "pin_format");
    dialect->pin_format_fallback =
        fallback == NULL ? 0 : (uint8_t)number_of(compile, fallback, FORMATS, 0);
    const struct document_node *list = document_member(mapping, "pin_formats");
    const struct document_node *node = list == NULL ? NULL : list->first_child;
    for (; node != NULL; node = node->next) {
        if (node->key == NULL || node->key[0] < '0' || node->key[0] > '9' || node->key[1] != '\0') {
            document_fault(compile->document, node,
                           "expected the first digit of field 53 and an ISO 9564 format");
            continue;
        }
        dialect->pin_formats[node->key[0] - '0'] = (uint8_t)number_of(compile, node, FORMATS, 0);
    }
}

void dialect_compile_mapping(const struct compile *compile, const struct document_node *mapping)
{
    static const char *const KNOWN[] = {
        "currency", "mac_response_codes", "pin_formats", "pin_format", "fields", "layouts", NULL};
    const struct document_node *fields = document_member(mapping, "fields");
    const struct document_node *layouts = document_member(mapping, "layouts");
    if (mapping == NULL || fields == NULL || layouts == NULL) {
        document_fault(compile->document, mapping,
                       "a dialect needs \"mapping\" with \"fields\" and \"layouts\"");
        return;
    }
    document_refuse_unknown(compile->document, mapping, KNOWN);
    const struct document_node *currency = document_member(mapping, "currency");
    compile->dialect->currency_fallback =
        currency == NULL ? 0
                         : (uint16_t)number_of(compile, currency, (struct number_range){1, 999}, 0);
    read_mac_codes(compile, mapping);
    read_pin_formats(compile, mapping);
    for (const struct document_node *node = fields->first_child; node != NULL; node = node->next) {
        if (node->key == NULL) {
            document_fault(compile->document, fields, "\"fields\" is a mapping of field numbers");
            return;
        }
        if (strchr(node->key, '.') == NULL) {
            map_field(compile, node);
        } else {
            check_path(compile, node);
        }
    }
    for (unsigned field = 2; field <= SPEC_FIELD_MAX; field++) {
        if (compile->dialect->spec->fields[field].parts != 0) {
            map_elements(compile, fields, field, PAYMENT_REQUEST);
            map_elements(compile, fields, field, PAYMENT_RESPONSE);
        }
    }
    for (const struct document_node *node = layouts->first_child; node != NULL; node = node->next) {
        if (node->key == NULL) {
            document_fault(compile->document, layouts, "\"layouts\" is a mapping of names");
            return;
        }
        read_layout(compile, node);
    }
}
