/* dialect_compile: `mapping` and `transactions` of a spec document become the tables of
 * table.h. Everything that could go wrong later is looked for here, with its line; see the
 * head of config/specs/unionpay-pos.yaml for the words. */
#include <stdlib.h>
#include <string.h>

#include "protocols/base/digits.h"
#include "protocols/base/require.h"
#include "protocols/dialect/table.h"

_Static_assert(DIALECT_ROW_COUNT_MAX <= UINT8_MAX, "rows are indexed by a byte");
_Static_assert(DIALECT_SUBFIELD_COUNT_MAX <= UINT8_MAX, "subfields are indexed by a byte");
_Static_assert(DIALECT_LAYOUT_COUNT_MAX <= UINT8_MAX, "layouts are indexed by a byte");

_Static_assert(SPEC_FIELD_MAX <= UINT8_MAX, "fields of a key are kept in a byte");
_Static_assert(DIALECT_GROUP_DIGITS_MAX <= UINT8_MAX, "digits of a group are counted in a byte");
_Static_assert(PAYMENT_CARGO_COUNT <= UINT8_MAX, "cargoes are named by a byte");
#define X(name, digits, bit) +(digits) /* NOLINT(bugprone-macro-parentheses): terms of a sum */
_Static_assert(0 DIALECT_KEY_MAP(X) == 16, "a key fills its sixteen nibbles");
#undef X

#define KIND_WORD_NEAR "a transaction kind such as purchase, reversal or signon"

static const char *const LEG_KEYS[DIALECT_LEG_COUNT] = {"request", "response"};

struct compile {
    struct document *document;
    struct dialect *dialect;
};

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

static const struct key_row {
    const char *name;
    uint8_t digits, bit;
} KEY_PARTS[DIALECT_KEY_COUNT] = {
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

static unsigned key_part_of(const char *name)
{
    unsigned part = 0;
    while (part < DIALECT_KEY_COUNT && strcmp(KEY_PARTS[part].name, name) != 0) {
        part++;
    }
    return part;
}

static const struct part_row *part_of(const struct compile *compile,
                                      const struct document_node *node)
{
    for (size_t i = 0; node->kind == DOCUMENT_SCALAR && i < PART_COUNT; i++) {
        if (strcmp(PARTS[i].name, node->text) == 0) {
            return &PARTS[i];
        }
    }
    document_fault(compile->document, node, "\"%.32s\" is no part of a payment",
                   node->kind == DOCUMENT_SCALAR ? node->text : "a list");
    return NULL;
}

static struct dialect_op op_of(const struct part_row *part)
{
    REQUIRE(part->offset + part->size <= offsetof(struct payment, cargo_bytes));
    struct dialect_op op = {.type = part->type,
                            .key_part = (uint8_t)key_part_of(part->name),
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
        return field->coding == SPEC_ASCII && field->length_digits == 0 && field->count == 3;
    case DIALECT_PIN:
        return field->content == SPEC_B && field->count <= PIN_BLOCK_BYTES_MAX;
    case DIALECT_TEXT:
        return field->coding == SPEC_ASCII || field->content == SPEC_N;
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

static void map_part(const struct compile *compile, const struct document_node *node,
                     unsigned field, struct dialect_op *op)
{
    const struct part_row *part = part_of(compile, node);
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
}

static void map_subfield(const struct compile *compile, const struct document_node *node,
                         unsigned field, struct dialect_subfield *subfield)
{
    static const char *const KNOWN[] = {"part",       "digits", "optional", "rest",
                                        "write_only", "zeros",  NULL};
    struct document *document = compile->document;
    const struct document_node *name = document_member(node, "part");
    if (name == NULL) {
        document_fault(document, node, "a sub-field needs \"part\" and \"digits\"");
        return;
    }
    document_refuse_unknown(document, node, KNOWN);
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
    if (subfield->op.key_part < DIALECT_KEY_COUNT) {
        compile->dialect->key_fields[subfield->op.key_part] = (uint8_t)field;
    }
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
        digits += subfield->is_rest ? 0 : subfield->digits;
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
static unsigned field_of(const struct compile *compile, const struct document_node *node,
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

static void map_field(const struct compile *compile, const struct document_node *node)
{
    struct dialect *dialect = compile->dialect;
    unsigned field = field_of(compile, node, node->key);
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
        for (int leg = 0; leg < DIALECT_LEG_COUNT; leg++) {
            const struct document_node *part = document_member(node, LEG_KEYS[leg]);
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
                        const char *key, uint64_t bits[2])
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
        unsigned field =
            field_of(compile, node, node->kind == DOCUMENT_SCALAR ? node->text : "a list");
        if (field == 0) {
            continue;
        }
        if (compile->dialect->ops[0][field].type == DIALECT_NONE &&
            compile->dialect->ops[1][field].type == DIALECT_NONE) {
            document_fault(compile->document, node, "no part of a payment is mapped to field %u",
                           field);
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

static void read_mapping(const struct compile *compile, const struct document_node *mapping)
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
        map_field(compile, node);
    }
    for (const struct document_node *node = layouts->first_child; node != NULL; node = node->next) {
        if (node->key == NULL) {
            document_fault(compile->document, layouts, "\"layouts\" is a mapping of names");
            return;
        }
        read_layout(compile, node);
    }
}

/* The digits of one part of a key; `x` is any digit, and 0 where the part has to be written. */
static void read_key_part(const struct compile *compile, const struct document_node *node,
                          struct dialect_row *row)
{
    unsigned part = node->key == NULL ? DIALECT_KEY_COUNT : key_part_of(node->key);
    if (part == DIALECT_KEY_COUNT || node->kind != DOCUMENT_SCALAR ||
        strlen(node->text) != KEY_PARTS[part].digits) {
        document_fault(compile->document, node,
                       "a key has processing_code (6), condition_code (2), type_code (2), "
                       "management_code (3) and network_code (3 characters)");
        return;
    }
    for (unsigned i = 0; i < KEY_PARTS[part].digits; i++) {
        char character = node->text[i];
        unsigned shift = KEY_PARTS[part].bit + 4 * (KEY_PARTS[part].digits - 1 - i);
        bool is_any = character == 'x';
        if (!is_any && (character < '0' || character > '9')) {
            document_fault(compile->document, node, "expected digits, or x for any, got \"%s\"",
                           node->text);
            return;
        }
        row->constants[part][i] = is_any ? '0' : character;
        if (!is_any) {
            row->mask |= UINT64_C(15) << shift;
            row->value |= (uint64_t)(character - '0') << shift;
        }
    }
}

static void read_mti_pair(const struct compile *compile, const struct document_node *node,
                          struct dialect_row *row, unsigned repeat)
{
    const struct document_node *list = document_member(node, repeat == 0 ? "mti" : "repeat");
    if (list == NULL && repeat != 0) {
        return;
    }
    const struct document_node *child = list == NULL ? NULL : list->first_child;
    if (list == NULL || list->child_count != DIALECT_LEG_COUNT) {
        document_fault(compile->document, list == NULL ? node : list,
                       "expected two message types, of the request and of the response");
        return;
    }
    for (unsigned leg = 0; leg < DIALECT_LEG_COUNT; leg++, child = child->next) {
        if (child->kind != DOCUMENT_SCALAR || strlen(child->text) != 4 ||
            !digits_are_decimal(child->text, 4)) {
            document_fault(compile->document, child, "a message type is four digits");
            return;
        }
        memcpy(row->mti[leg][repeat], child->text, 5);
    }
}

/* A field may be mapped for one leg only; a layout of the other could never fill it. */
static void refuse_unmapped(const struct compile *compile, const struct document_node *node,
                            const struct dialect_layout *layout, unsigned leg)
{
    for (unsigned field = 2; field <= SPEC_FIELD_MAX; field++) {
        const unsigned word = (field - 1) / 64;
        const uint64_t bits = layout->required[word] | layout->optional[word];
        if ((bits & dialect_bit(field)) != 0 &&
            compile->dialect->ops[leg][field].type == DIALECT_NONE) {
            document_fault(compile->document, node,
                           "layout %s holds field %u, which is not mapped for a %s", layout->name,
                           field, LEG_KEYS[leg]);
        }
    }
}

static void read_layout_names(const struct compile *compile, const struct document_node *node,
                              struct dialect_row *row)
{
    const struct dialect *dialect = compile->dialect;
    const struct document_node *list = document_member(node, "layouts");
    if (list == NULL || list->child_count != DIALECT_LEG_COUNT) {
        document_fault(compile->document, node,
                       "expected \"layouts\" with two names, of the request and of the response");
        return;
    }
    const struct document_node *child = list->first_child;
    for (unsigned leg = 0; leg < DIALECT_LEG_COUNT; leg++, child = child->next) {
        uint32_t i = 0;
        while (i < dialect->layout_count && (child->kind != DOCUMENT_SCALAR ||
                                             strcmp(dialect->layouts[i].name, child->text) != 0)) {
            i++;
        }
        if (i == dialect->layout_count) {
            document_fault(compile->document, child, "no layout is called \"%.32s\"",
                           child->kind == DOCUMENT_SCALAR ? child->text : "a list");
            return;
        }
        row->layouts[leg] = (uint8_t)i;
        refuse_unmapped(compile, child, &dialect->layouts[i], leg);
    }
}

static void read_row_words(const struct compile *compile, const struct document_node *node,
                           struct dialect_row *row)
{
    static const char *const MACS[] = {"never", "optional", "required"};
    struct document *document = compile->document;
    const char *kind = document_text(document, node, (struct document_want){"kind", true}, "");
    const char *name = document_text(document, node, (struct document_want){"name", false}, kind);
    const char *mac = document_text(document, node, (struct document_want){"mac", true}, "never");
    row->kind = payment_kind_from_name(kind);
    if (row->kind == PAYMENT_UNKNOWN && kind[0] != '\0') {
        document_fault(document, node, "\"%.32s\" is not %s", kind, KIND_WORD_NEAR);
    }
    size_t length = strlen(name);
    length = length < DIALECT_NAME_SIZE ? length : DIALECT_NAME_SIZE - 1;
    memcpy(row->name, name, length);
    unsigned word = 0;
    while (word < 3 && strcmp(MACS[word], mac) != 0) {
        word++;
    }
    if (word == 3) {
        document_fault(document, node, "\"mac\" is never, optional or required, got \"%.20s\"",
                       mac);
        word = DIALECT_MAC_REQUIRED;
    }
    REQUIRE(word <= DIALECT_MAC_REQUIRED);
    row->mac = (enum dialect_mac)word;
}

static void refuse_equal_keys(const struct compile *compile, const struct document_node *node,
                              const struct dialect_row *row)
{
    REQUIRE(row == &compile->dialect->rows[compile->dialect->row_count]);
    for (const struct dialect_row *other = compile->dialect->rows; other < row; other++) {
        if (other->mask == row->mask && other->value == row->value &&
            memcmp(other->mti[0][0], row->mti[0][0], 4) == 0) {
            document_fault(compile->document, node,
                           "%s has the message type and key of %s: two transactions with one key",
                           row->name, other->name);
        }
    }
}

static void read_transaction(const struct compile *compile, const struct document_node *node)
{
    static const char *const KNOWN[] = {"kind", "name", "mti",     "repeat",
                                        "key",  "mac",  "layouts", NULL};
    struct dialect *dialect = compile->dialect;
    if (dialect->row_count == DIALECT_ROW_COUNT_MAX || node->kind != DOCUMENT_MAPPING) {
        document_fault(compile->document, node,
                       "expected a transaction in braces, and %d of them at most",
                       DIALECT_ROW_COUNT_MAX);
        return;
    }
    struct dialect_row *row = &dialect->rows[dialect->row_count];
    document_refuse_unknown(compile->document, node, KNOWN);
    read_row_words(compile, node, row);
    read_mti_pair(compile, node, row, 0);
    read_mti_pair(compile, node, row, 1);
    const struct document_node *key = document_member(node, "key");
    const struct document_node *part = key == NULL ? NULL : key->first_child;
    for (; part != NULL; part = part->next) {
        read_key_part(compile, part, row);
    }
    read_layout_names(compile, node, row);
    refuse_equal_keys(compile, node, row);
    dialect->row_count++;
}

static struct dialect_mti *mti_entry(const struct compile *compile, const char *text, unsigned leg,
                                     unsigned repeat)
{
    REQUIRE(leg < DIALECT_LEG_COUNT && repeat < 2);
    struct dialect *dialect = compile->dialect;
    uint32_t mti;
    memcpy(&mti, text, sizeof(mti));
    for (uint32_t i = 0; i < dialect->mti_count; i++) {
        if (dialect->mtis[i].mti == mti) {
            struct dialect_mti *found = &dialect->mtis[i];
            if (found->leg != leg || found->is_repeat != repeat) {
                document_fault(compile->document, NULL,
                               "message type %s is used as request and response, or as first and "
                               "repeat",
                               text);
            }
            return found;
        }
    }
    if (dialect->mti_count == DIALECT_MTI_COUNT_MAX) {
        document_fault(compile->document, NULL, "more than %d message types",
                       DIALECT_MTI_COUNT_MAX);
        return NULL;
    }
    struct dialect_mti *entry = &dialect->mtis[dialect->mti_count++];
    *entry = (struct dialect_mti){
        .mti = mti, .leg = (uint8_t)leg, .is_repeat = (uint8_t)repeat, .required_mask = UINT64_MAX};
    return entry;
}

/* Rows by message type: count them, lay the runs out, fill them in the order of the file. */
static void index_mtis(const struct compile *compile)
{
    struct dialect *dialect = compile->dialect;
    uint16_t next = 0;
    for (unsigned pass = 0; pass < 2; pass++) {
        for (uint32_t i = 0; i < dialect->row_count * 4; i++) {
            const struct dialect_row *row = &dialect->rows[i / 4];
            const char *text = row->mti[i % 2][i / 2 % 2];
            struct dialect_mti *entry =
                text[0] == '\0' ? NULL : mti_entry(compile, text, i % 2, i / 2 % 2);
            if (entry == NULL) {
                continue;
            }
            if (pass == 1) {
                dialect->mti_rows[entry->first + entry->count] = (uint8_t)(i / 4);
            }
            entry->required_mask &= row->mask;
            entry->count++;
        }
        for (uint32_t i = 0; pass == 0 && i < dialect->mti_count; i++) {
            dialect->mtis[i].first = next;
            next = (uint16_t)(next + dialect->mtis[i].count);
            dialect->mtis[i].count = 0;
        }
    }
    REQUIRE(next <= DIALECT_INDEX_COUNT_MAX);
}

static void index_types(struct dialect *dialect)
{
    for (unsigned leg = 0; leg < DIALECT_LEG_COUNT; leg++) {
        for (unsigned field = 2; field <= SPEC_FIELD_MAX; field++) {
            const unsigned type = dialect->ops[leg][field].type;
            REQUIRE(type < DIALECT_TYPE_COUNT);
            dialect->type_bits[leg][type][(field - 1) / 64] |= dialect_bit(field);
        }
    }
}

static void index_kinds(struct dialect *dialect)
{
    uint16_t next = 0;
    for (unsigned kind = 0; kind < PAYMENT_KIND_COUNT; kind++) {
        dialect->kinds[kind].first = next;
        for (uint32_t i = 0; i < dialect->row_count; i++) {
            if (dialect->rows[i].kind == (enum payment_kind)kind) {
                dialect->kind_rows[next++] = (uint8_t)i;
            }
        }
        dialect->kinds[kind].count = (uint16_t)(next - dialect->kinds[kind].first);
    }
    REQUIRE(next == dialect->row_count);
}

struct dialect *dialect_compile(struct document *document)
{
    REQUIRE(document != NULL);
    struct dialect *dialect = calloc(1, sizeof(*dialect));
    if (dialect == NULL) {
        return NULL;
    }
    dialect->spec = spec_compile(document);
    if (dialect->spec == NULL) {
        dialect_destroy(dialect);
        return NULL;
    }
    const struct compile compile = {document, dialect};
    const struct document_node *root = document_root(document);
    const struct document_node *transactions = document_member(root, "transactions");
    read_mapping(&compile, document_member(root, "mapping"));
    if (transactions == NULL || transactions->child_count == 0) {
        document_fault(document, transactions, "a dialect needs \"transactions\"");
    } else if (document_fault_count(document) == 0) {
        for (const struct document_node *node = transactions->first_child; node != NULL;
             node = node->next) {
            read_transaction(&compile, node);
        }
    }
    if (document_fault_count(document) == 0) {
        index_mtis(&compile);
        index_kinds(dialect);
        index_types(dialect);
    }
    if (document_fault_count(document) != 0) {
        dialect_destroy(dialect);
        return NULL;
    }
    return dialect;
}

void dialect_destroy(struct dialect *dialect)
{
    if (dialect == NULL) {
        return;
    }
    if (dialect->spec != NULL) {
        spec_destroy(dialect->spec);
    }
    free(dialect);
}
