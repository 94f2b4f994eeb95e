/* `mac` of a spec: which field it is, and over what it is made. See spec_compile.h. */
#include <string.h>

#include "protocols/base/digits.h"
#include "protocols/base/document.h"
#include "protocols/base/require.h"
#include "protocols/iso8583/spec_compile.h"

/* One item of a list: a field's number, or `mti` in its first place. */
static void take_item(struct document *document, struct spec *spec,
                      const struct document_node *item, uint64_t fields[SPEC_WORD_COUNT])
{
    uint64_t number = 0;
    const char *text = item->kind == DOCUMENT_SCALAR ? item->text : "";
    uint32_t length = (uint32_t)strlen(text);
    bool is_number =
        length > 0 && length <= 3 &&
        digits_parse(&number, text, length, (struct number_range){2, SPEC_FIELD_MAX}) == STATUS_OK;
    if (strcmp(text, "mti") == 0 && item->parent->first_child == item) {
        bool is_network = fields == spec->mac.network_fields;
        *(is_network ? &spec->mac.has_network_mti : &spec->mac.has_mti) = true;
    } else if (!is_number || spec->fields[number].name[0] == '\0' || number == 64 ||
               number == spec->mac_field) {
        document_fault(document, item,
                       "mac: \"%.20s\" is no field of this dialect that a MAC is made over; "
                       "expected mti in the first place and numbers of fields",
                       text);
    } else if ((fields[(number - 1) / 64] >> (63 - (number - 1) % 64) & 1) != 0) {
        document_fault(document, item, "mac: field %u stands there twice", (unsigned)number);
    } else {
        fields[(number - 1) / 64] |= UINT64_C(1) << (63 - (number - 1) % 64);
    }
}

static bool take_list(struct document *document, struct spec *spec, const struct document_node *mac,
                      const char *key, uint64_t fields[SPEC_WORD_COUNT])
{
    const struct document_node *list = document_member(mac, key);
    if (list == NULL) {
        return false;
    }
    if (list->kind != DOCUMENT_SEQUENCE || list->child_count == 0) {
        document_fault(document, list, "mac.%s: expected a list of fields, [mti, 2, 3, 4 …]", key);
        return false;
    }
    for (const struct document_node *item = list->first_child; item != NULL; item = item->next) {
        take_item(document, spec, item, fields);
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
    spec->mac.is_chosen = take_list(document, spec, node, "fields", spec->mac.fields);
    spec->mac.has_network_list =
        take_list(document, spec, node, "network_fields", spec->mac.network_fields);
    take_join(document, spec, document_member(node, "join"));
    bool is_joined = spec->mac.has_network_list || document_member(node, "join") != NULL;
    if (!spec->mac.is_chosen && is_joined && document_member(node, "fields") == NULL) {
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
