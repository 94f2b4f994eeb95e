/* `mac` of a spec: which field it is, and over what it is made. See spec_compile.h. */
#include <string.h>

#include "protocols/base/digits.h"
#include "protocols/base/document.h"
#include "protocols/base/require.h"
#include "protocols/iso8583/spec_compile.h"

static bool takes_field(const uint64_t fields[SPEC_WORD_COUNT], unsigned number)
{
    return (fields[(number - 1) / 64] >> (63 - (number - 1) % 64) & 1) != 0;
}

static void note_field(uint64_t fields[SPEC_WORD_COUNT], unsigned number)
{
    fields[(number - 1) / 64] |= UINT64_C(1) << (63 - (number - 1) % 64);
}

struct list_reader {
    struct document *document;
    struct spec *spec;
    const char *key;                /* of the list */
    struct spec_mac_list *list;     /* that is filled */
    uint64_t seen[SPEC_WORD_COUNT]; /* what it holds so far */
};

/* The MAC's text is made of characters. Raw bytes are none, and hosts differ on whether they stand
 * there as they are or as hex digits; those that the wire has in hex digits are characters. */
static bool is_text(const struct spec_field *field)
{
    return field->content != SPEC_B || spec_field_is_hex(field);
}

/* One item of a list: a field's number, or `mti` in its first place. */
static void take_item(struct list_reader *reader, const struct document_node *item)
{
    const struct spec *spec = reader->spec;
    uint64_t number = 0;
    const char *text = item->kind == DOCUMENT_SCALAR ? item->text : "";
    uint32_t length = (uint32_t)strlen(text);
    bool is_number =
        length > 0 && length <= 3 &&
        digits_parse(&number, text, length, (struct number_range){2, SPEC_FIELD_MAX}) == STATUS_OK;
    if (strcmp(text, "mti") == 0 && item->parent->first_child == item) {
        reader->list->has_mti = true;
    } else if (!is_number || spec->fields[number].name[0] == '\0' || number == 64 ||
               number == spec->mac_field) {
        document_fault(reader->document, item,
                       "mac: \"%.20s\" is no field of this dialect that a MAC is made over; "
                       "expected mti in the first place and numbers of fields",
                       text);
    } else if (takes_field(reader->seen, (unsigned)number)) {
        document_fault(reader->document, item, "mac: field %u stands there twice",
                       (unsigned)number);
    } else if (!is_text(&spec->fields[number])) {
        document_fault(reader->document, item,
                       "mac: field %u holds raw bytes, and the MAC of a list is made over text; "
                       "expected fields of characters, or bytes that stand there as hex digits",
                       (unsigned)number);
    } else {
        note_field(reader->seen, (unsigned)number);
        note_field(reader->spec->mac.fields, (unsigned)number);
        reader->list->fields[reader->list->count++] = (uint8_t)number;
    }
}

/* False: there is no such list, or it is none. */
static bool take_list(struct list_reader *reader, const struct document_node *mac)
{
    const struct document_node *list = document_member(mac, reader->key);
    if (list == NULL) {
        return false;
    }
    if (list->kind != DOCUMENT_SEQUENCE || list->child_count == 0) {
        document_fault(reader->document, list,
                       "mac.%s: expected a list of fields, [mti, 2, 3, 4 …]", reader->key);
        return false;
    }
    for (const struct document_node *item = list->first_child; item != NULL; item = item->next) {
        take_item(reader, item);
    }
    if (reader->list->has_mti && list->child_count == 1) {
        document_fault(reader->document, list,
                       "mac.%s: only mti stands there, and it is the same in every message of a "
                       "kind; expected numbers of fields behind it",
                       reader->key);
    }
    return true;
}

static void take_join(struct document *document, struct spec *spec,
                      const struct document_node *join)
{
    static const char *const known[] = {"separator", "case", "keep", "trim", "lengths", NULL};
    static const char *const cases[] = {"as_is", "upper", NULL};
    static const char *const keeps[] = {"all", "x9_9", NULL};
    struct spec_mac *mac = &spec->mac;
    if (join == NULL) {
        return;
    }
    document_refuse_unknown(document, join, known);
    const char *separator =
        document_text(document, join, (struct document_want){"separator", false}, "");
    if (strlen(separator) > 1) {
        document_fault(document, document_member(join, "separator"),
                       "mac.join.separator: expected one character or none, got \"%.20s\"",
                       separator);
    } else {
        memcpy(mac->separator, separator, strlen(separator) + 1);
    }
    mac->is_upper =
        document_choice(document, join, (struct document_want){"case", false}, cases, 0) == 1;
    mac->keep =
        document_choice(document, join, (struct document_want){"keep", false}, keeps, 0) == 1
            ? SPEC_MAC_KEEP_X9_9
            : SPEC_MAC_KEEP_ALL;
    mac->is_trimmed =
        document_boolean(document, join, (struct document_want){"trim", false}, false);
    mac->has_lengths =
        document_boolean(document, join, (struct document_want){"lengths", false}, false);
}

/* The section form: {field: 128, fields: [...], network_fields: [...], join: {...}}. */
static void take_section(struct document *document, struct spec *spec,
                         const struct document_node *node)
{
    static const char *const known[] = {"field", "fields", "network_fields", "join", NULL};
    document_refuse_unknown(document, node, known);
    struct list_reader list = {document, spec, "fields", &spec->mac.list, {0}};
    struct list_reader network = {document, spec, "network_fields", &spec->mac.network, {0}};
    bool has_list = take_list(&list, node);
    bool has_network_list = take_list(&network, node);
    take_join(document, spec, document_member(node, "join"));
    bool is_joined = has_network_list || document_member(node, "join") != NULL;
    if (!has_list && is_joined && document_member(node, "fields") == NULL) {
        document_fault(document, node,
                       "mac: join and network_fields need a list `fields` beside them; without one "
                       "the MAC is made over the message as it stands");
    }
}

/* The MAC is the last field there can be, and eight bytes long. */
void spec_compile_mac(struct document *document, struct spec *spec,
                      const struct document_node *root)
{
    const unsigned last = spec->may_have_secondary ? 128 : 64;
    const struct document_node *node = document_member(root, "mac");
    bool is_section = node != NULL && node->kind == DOCUMENT_MAPPING;
    const struct document_want want = {is_section ? "field" : "mac", is_section};
    int64_t number =
        document_integer(document, is_section ? node : root, want, (const int64_t[]){64, 128, 0});
    if (number == 0) {
        return;
    }
    if (spec->third_bitmap != 0) {
        document_fault(document, node, "a message with a third bitmap has no last field for a MAC");
        return;
    }
    spec->mac_field = (uint8_t)number;
    for (unsigned field = 64; field <= last; field += 64) {
        const struct spec_field *at = &spec->fields[field];
        if ((unsigned)number != last || at->content != SPEC_B || at->count != 8 ||
            at->length_digits != 0) {
            document_fault(document, node,
                           "the MAC must be field %u, and field %u of the format b8", last, field);
        }
    }
    if (is_section) {
        take_section(document, spec, node);
    }
}
