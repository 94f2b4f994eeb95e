/* dialect_compile: `mapping` and `transactions` of a spec document become the tables of
 * table.h. Everything that could go wrong later is looked for here, with its line; see the
 * head of config/specs/unionpay-pos.yaml for the words. */
#include <stdlib.h>
#include <string.h>

#include "protocols/base/digits.h"
#include "protocols/base/require.h"
#include "protocols/dialect/compile.h"

_Static_assert(DIALECT_ROW_COUNT_MAX <= UINT8_MAX, "rows are indexed by a byte");
_Static_assert(DIALECT_FIXED_COUNT_MAX <= UINT8_MAX, "fixed fields are indexed by a byte");
#define X(name, digits, bit) +(digits) /* NOLINT(bugprone-macro-parentheses): terms of a sum */
_Static_assert(0 DIALECT_KEY_MAP(X) == 16, "a key fills its sixteen nibbles");
#undef X

/* The digits of one part of a key; `x` is any digit, and 0 where the part has to be written. */
static void read_key_part(const struct compile *compile, const struct document_node *node,
                          struct dialect_row *row, bool is_meant)
{
    uint64_t *mask = is_meant ? &row->means_mask : &row->mask;
    uint64_t *value = is_meant ? &row->means_value : &row->value;
    unsigned part = node->key == NULL ? DIALECT_KEY_COUNT : dialect_compile_key_part(node->key);
    if (part == DIALECT_KEY_COUNT || node->kind != DOCUMENT_SCALAR ||
        strlen(node->text) != DIALECT_KEY_PARTS[part].digits) {
        document_fault(compile->document, node,
                       "a key has processing_code (6), condition_code (2), type_code (2), "
                       "management_code (3) and network_code (3 characters)");
        return;
    }
    for (unsigned i = 0; i < DIALECT_KEY_PARTS[part].digits; i++) {
        char character = node->text[i];
        unsigned shift = DIALECT_KEY_PARTS[part].bit + 4 * (DIALECT_KEY_PARTS[part].digits - 1 - i);
        bool is_any = character == 'x';
        if (!is_any && (character < '0' || character > '9')) {
            document_fault(compile->document, node, "expected digits, or x for any, got \"%s\"",
                           node->text);
            return;
        }
        row->constants[part][i] = is_any ? '0' : character;
        if (!is_any) {
            *mask |= UINT64_C(15) << shift;
            *value |= (uint64_t)(character - '0') << shift;
        }
    }
}

static void read_key(const struct compile *compile, const struct document_node *key,
                     struct dialect_row *row, bool is_meant)
{
    const struct document_node *part = key == NULL ? NULL : key->first_child;
    for (; part != NULL; part = part->next) {
        read_key_part(compile, part, row, is_meant);
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

static bool is_fixed(const struct dialect *dialect, const struct dialect_row *row, unsigned field)
{
    for (unsigned i = 0; i < row->fixed_count; i++) {
        if (dialect->fixed[row->fixed_first + i].field == field) {
            return true;
        }
    }
    return false;
}

/* A field may be mapped for one leg only; a layout of the other could never fill it. */
static void refuse_unmapped(const struct compile *compile, const struct document_node *node,
                            const struct dialect_row *row, unsigned leg)
{
    const struct dialect_layout *layout = &compile->dialect->layouts[row->layouts[leg]];
    for (unsigned field = 2; field <= SPEC_FIELD_MAX; field++) {
        const unsigned word = (field - 1) / 64;
        const uint64_t bits = layout->required[word] | layout->optional[word];
        if ((bits & dialect_bit(field)) != 0 &&
            compile->dialect->ops[leg][field].type == DIALECT_NONE &&
            !is_fixed(compile->dialect, row, field)) {
            document_fault(compile->document, node,
                           "layout %s holds field %u, which is not mapped for a %s", layout->name,
                           field, DIALECT_LEG_KEYS[leg]);
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
            const char *names[DIALECT_LAYOUT_COUNT_MAX + 1] = {NULL};
            char hint[DIALECT_HINT_SIZE];
            for (uint32_t k = 0; k < dialect->layout_count; k++) {
                names[k] = dialect->layouts[k].name;
            }
            document_fault(compile->document, child, "no layout is called \"%.32s\"%s",
                           child->kind == DOCUMENT_SCALAR ? child->text : "a list",
                           dialect_compile_hint(hint, child->text, names));
            return;
        }
        row->layouts[leg] = (uint8_t)i;
        refuse_unmapped(compile, child, row, leg);
    }
}

static const char *hint_of_kind(char hint[DIALECT_HINT_SIZE], const char *kind)
{
    const char *names[PAYMENT_KIND_COUNT + 1] = {NULL};
    for (unsigned i = 1; i < PAYMENT_KIND_COUNT; i++) {
        names[i - 1] = payment_kind_name((enum payment_kind)i);
    }
    return dialect_compile_hint(hint, kind, names);
}

static void read_row_words(const struct compile *compile, const struct document_node *node,
                           struct dialect_row *row)
{
    char hint[DIALECT_HINT_SIZE];
    static const char *const MACS[] = {"never", "optional", "required"};
    struct document *document = compile->document;
    const char *kind = document_text(document, node, (struct document_want){"kind", true}, "");
    const char *name = document_text(document, node, (struct document_want){"name", false}, kind);
    const char *mac = document_text(document, node, (struct document_want){"mac", true}, "never");
    row->kind = payment_kind_from_name(kind);
    if (row->kind == PAYMENT_UNKNOWN && kind[0] != '\0') {
        document_fault(document, node,
                       "\"%.32s\" is not a transaction kind such as purchase, "
                       "reversal or signon%s",
                       kind, hint_of_kind(hint, kind));
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

/* Fields that this transaction always has with the same value. */
static void read_fixed(const struct compile *compile, const struct document_node *list,
                       struct dialect_row *row)
{
    struct dialect *dialect = compile->dialect;
    row->fixed_first = (uint8_t)dialect->fixed_count;
    const struct document_node *node = list == NULL ? NULL : list->first_child;
    for (; node != NULL; node = node->next) {
        const unsigned field =
            node->key == NULL ? 0 : dialect_compile_field(compile, node, node->key);
        if (field == 0) {
            continue;
        }
        const struct spec_field *spec_field = &dialect->spec->fields[field];
        const size_t length = node->kind == DOCUMENT_SCALAR ? strlen(node->text) : 0;
        if (length == 0 || length >= DIALECT_WIRE_CODE_SIZE || length > spec_field->count ||
            (!spec_field->is_variable && length != spec_field->count) ||
            dialect->fixed_count == DIALECT_FIXED_COUNT_MAX) {
            document_fault(compile->document, node,
                           "field %u (%s) cannot always be that: a value of its length, at most %d "
                           "characters, was expected, and %d such fields in all",
                           field, spec_field->name, DIALECT_WIRE_CODE_SIZE - 1,
                           DIALECT_FIXED_COUNT_MAX);
            return;
        }
        struct dialect_fixed *fixed = &dialect->fixed[dialect->fixed_count++];
        *fixed = (struct dialect_fixed){.field = (uint8_t)field, .length = (uint8_t)length};
        memcpy(fixed->text, node->text, length + 1);
        row->fixed_count++;
    }
}

static void refuse_equal_keys(const struct compile *compile, const struct document_node *node,
                              const struct dialect_row *row)
{
    REQUIRE(row == &compile->dialect->rows[compile->dialect->row_count]);
    for (const struct dialect_row *other = compile->dialect->rows; other < row; other++) {
        if (other->mask == row->mask && other->value == row->value &&
            (other->fixed_count == 0 || row->fixed_count == 0) &&
            memcmp(other->mti[0][0], row->mti[0][0], 4) == 0) {
            document_fault(compile->document, node,
                           "%s has the message type and key of %s: two transactions with one key",
                           row->name, other->name);
        }
    }
}

/* What the response may tell the cashier: as much as its field for that can hold. */
static enum payment_words words_of(const struct dialect *dialect, const struct dialect_row *row)
{
    const struct dialect_layout *layout = &dialect->layouts[row->layouts[PAYMENT_RESPONSE]];
    for (unsigned field = 2; field <= SPEC_FIELD_MAX; field++) {
        const struct dialect_op *op = &dialect->ops[PAYMENT_RESPONSE][field];
        const struct spec_field *format = &dialect->spec->fields[field];
        const unsigned word = (field - 1) / 64;
        const uint64_t bits = layout->required[word] | layout->optional[word];
        if (op->type == DIALECT_CARGO && op->cargo == PAYMENT_CARGO_CUSTOM_63 &&
            (bits & dialect_bit(field)) != 0 && format->is_variable &&
            format->count >= PAYMENT_WORDS_AT + PAYMENT_WORDS_BYTES_MAX) {
            return format->characters == SPEC_CHARACTERS_ASCII ? PAYMENT_WORDS_PLAIN
                                                               : PAYMENT_WORDS_LOCAL;
        }
    }
    return PAYMENT_WORDS_NONE;
}

static void read_transaction(const struct compile *compile, const struct document_node *node)
{
    static const char *const KNOWN[] = {"kind", "name",  "mti",   "repeat",  "key",
                                        "mac",  "fixed", "means", "layouts", NULL};
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
    read_key(compile, document_member(node, "key"), row, false);
    read_key(compile, document_member(node, "means"), row, true);
    read_fixed(compile, document_member(node, "fixed"), row);
    read_layout_names(compile, node, row);
    row->answer_words = (uint8_t)words_of(dialect, row);
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
    dialect_compile_mapping(&compile, document_member(root, "mapping"));
    if (transactions == NULL || transactions->child_count == 0) {
        document_fault(document, transactions, "a dialect needs \"transactions\"");
    } else if (document_fault_count(document) == 0) {
        for (const struct document_node *node = transactions->first_child; node != NULL;
             node = node->next) {
            read_transaction(&compile, node);
        }
    }
    if (document_fault_count(document) == 0) {
        dialect->mti_version = dialect->rows[0].mti[PAYMENT_REQUEST][0][0];
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
