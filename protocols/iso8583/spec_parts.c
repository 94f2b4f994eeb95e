/* The `parts` of fields and of parts: see spec.h and the head of config/specs/unionpay-pos.yaml. */
#include <stdio.h>
#include <string.h>

#include "protocols/base/digits.h"
#include "protocols/base/require.h"
#include "protocols/iso8583/spec_compile.h"

#define BITMAP_BYTES_MAX 16
#define TLV_LENGTH_DIGITS_MAX 6

_Static_assert(SPEC_PARTS_COUNT_MAX < UINT8_MAX, "a field keeps the place of its parts in a byte");
_Static_assert(SPEC_PART_COUNT_MAX <= UINT16_MAX, "parts are counted in 16 bits");
_Static_assert(8 * BITMAP_BYTES_MAX <= UINT8_MAX, "a part keeps its number in a byte");

static const char *const PARTS_WORDS[] = {"style",   "skip",          "tag",    "tag_coding",
                                          "length",  "length_coding", "bitmap", "bitmap_coding",
                                          "codings", "elements",      NULL};
static const char *const PART_WORDS[] = {
    "name",          "format",           "align", "characters", "show", "coding", "length_coding",
    "length_counts", "length_inclusive", "parts", NULL};

/* What waits to be compiled: the lists of a spec are laid out one behind the other, so that the
 * parts of one stand together. */
struct parts_pending {
    const struct document_node *node;
    char label[SPEC_LABEL_SIZE];
};

struct parts_compiler {
    struct spec_compiler *compiler;
    struct spec *spec;
    struct parts_pending pending[SPEC_PARTS_COUNT_MAX]; /* by place in spec.parts */
};

static bool is_tagged(const struct spec_parts *parts)
{
    return parts->style == SPEC_STYLE_TLV || parts->style == SPEC_STYLE_BER;
}

/* Queues the parts of a field; answers 1 + their place, 0 when there are too many. */
static uint8_t enqueue(struct parts_compiler *parts, const struct document_node *node,
                       const char *label, unsigned depth)
{
    struct spec *spec = parts->spec;
    if (spec->parts_count == SPEC_PARTS_COUNT_MAX || depth > SPEC_PARTS_DEPTH_MAX) {
        document_fault(
            parts->compiler->document, node,
            "%s cannot have parts: %d fields of a spec have, at most %d inside each other", label,
            SPEC_PARTS_COUNT_MAX, SPEC_PARTS_DEPTH_MAX);
        return 0;
    }
    struct parts_pending *pending = &parts->pending[spec->parts_count];
    pending->node = node;
    snprintf(pending->label, sizeof(pending->label), "%s", label);
    spec->parts[spec->parts_count] = (struct spec_parts){.depth = (uint8_t)depth};
    return (uint8_t)++spec->parts_count;
}

/* A tag as its characters, or as upper-case hex where tags are bytes. */
static bool take_tag(struct spec_part *part, const struct spec_parts *parts, const char *key)
{
    const size_t length = strlen(key);
    const bool is_hex = parts->style == SPEC_STYLE_BER || parts->tag_coding == SPEC_BINARY;
    const bool has_length = parts->style == SPEC_STYLE_BER
                                ? length >= 2 && length <= 6 && length % 2 == 0
                                : length == (size_t)parts->tag_bytes << is_hex;
    if (!has_length || length >= sizeof(part->tag) ||
        (is_hex && strspn(key, "0123456789ABCDEF") != length)) {
        return false;
    }
    memcpy(part->tag, key, length + 1);
    return true;
}

/* Parts of a list are numbered from 1 in their order; of a bitmap from 1 to its bits. */
static bool take_number(struct spec_part *part, const struct spec_parts *parts, const char *key)
{
    const bool is_list = parts->style == SPEC_STYLE_LIST;
    const uint64_t most = is_list ? parts->count + 1U : 8U * parts->bitmap_bytes;
    uint64_t number = 0;
    const uint64_t least = is_list ? most : parts->count == 0 ? 1 : (part - 1)->number + 1U;
    if (strlen(key) > 3 || digits_parse(&number, key, (uint32_t)strlen(key),
                                        (struct number_range){least, most}) != STATUS_OK) {
        return false;
    }
    part->number = (uint8_t)number;
    snprintf(part->tag, sizeof(part->tag), "%u", part->number);
    return true;
}

static void check_length(const struct spec_compiler *compiler, const struct spec_parts *parts,
                         const struct spec_field *field)
{
    if (is_tagged(parts) && field->length_digits != 0) {
        document_fault(compiler->document, compiler->member,
                       "%s: its length stands behind its tag, so its format has no L",
                       compiler->label);
    } else if (!is_tagged(parts) && field->is_variable && field->length_digits == 0) {
        document_fault(compiler->document, compiler->member,
                       "%s varies and needs the digits of its length, as in n..19 LL",
                       compiler->label);
    } else if (!spec_length_can_say(field)) {
        document_fault(compiler->document, compiler->member,
                       "a length of %u digits cannot say %u (%s)", field->length_digits,
                       field->count, compiler->label);
    }
}

static void compile_part(struct parts_compiler *own, struct spec_parts *parts, uint8_t place)
{
    struct spec_compiler *compiler = own->compiler;
    struct spec *spec = own->spec;
    const struct document_node *member = compiler->member;
    if (spec->part_count == SPEC_PART_COUNT_MAX || parts->count == SPEC_LIST_COUNT_MAX) {
        document_fault(compiler->document, member,
                       "more than %d parts in one spec, or %d of one field", SPEC_PART_COUNT_MAX,
                       SPEC_LIST_COUNT_MAX);
        return;
    }
    struct spec_part *part = &spec->part[spec->part_count];
    if (is_tagged(parts) ? !take_tag(part, parts, member->key)
                         : !take_number(part, parts, member->key)) {
        document_fault(compiler->document, member,
                       is_tagged(parts)
                           ? "\"%.20s\" is no tag here: %u characters were expected, or hex of "
                             "bytes in capitals"
                           : "\"%.20s\" is no number here: parts of a list are numbered from 1 in "
                             "their order, of a bitmap up to its bits and upwards",
                       member->key, parts->tag_bytes);
        return;
    }
    if (!spec_compile_form(compiler, &part->field)) {
        return;
    }
    document_refuse_unknown(compiler->document, member, PART_WORDS);
    check_length(compiler, parts, &part->field);
    part->row = spec_row_of(&part->field);
    part->parts = place;
    const struct document_node *inner = document_member(member, "parts");
    if (inner != NULL) {
        part->field.parts = enqueue(own, inner, compiler->label, parts->depth + 1U);
    }
    spec->part_count++;
    parts->count++;
}

static void compile_tlv(struct spec_compiler *compiler, struct spec_parts *parts,
                        const struct document_node *node)
{
    static const char *const LENGTHS[] = {"either", "1", "2", "3", "4", "5", "6", NULL};
    struct document *document = compiler->document;
    parts->tag_bytes =
        (uint8_t)document_integer(document, node, (struct document_want){"tag", true},
                                  (const int64_t[]){1, (SPEC_TAG_SIZE - 1) / 2, 2});
    parts->length_digits = (uint8_t)document_choice(
        document, node, (struct document_want){"length", true}, LENGTHS, SPEC_TAG_LENGTH_EITHER);
    if (parts->length_digits == SPEC_TAG_LENGTH_EITHER && parts->length_coding != SPEC_ASCII) {
        document_fault(document, node, "only a length in ASCII may be of either size");
    }
    if (parts->length_coding == SPEC_BINARY && parts->length_digits > 3) {
        document_fault(document, node, "a length as a number has 3 bytes at most");
    }
}

/* All but the parts themselves. */
static void compile_style(struct spec_compiler *compiler, struct spec_parts *parts,
                          const struct document_node *node)
{
    static const char *const STYLES[] = {"tlv", "ber", "list", "bitmap", NULL};
    static const char *const BITMAPS[] = {"binary", "hex", "hex-ebcdic", NULL};
    static const enum spec_coding BITMAP_CODINGS[] = {SPEC_BINARY, SPEC_HEX_ASCII, SPEC_HEX_EBCDIC};
    struct document *document = compiler->document;
    document_refuse_unknown(document, node, PARTS_WORDS);
    parts->style = (enum spec_style)document_choice(
        document, node, (struct document_want){"style", false}, STYLES, SPEC_STYLE_TLV);
    parts->skip_bytes = (uint8_t)document_integer(
        document, node, (struct document_want){"skip", false}, (const int64_t[]){0, UINT8_MAX, 0});
    parts->tag_coding = (enum spec_coding)document_choice(
        document, node, (struct document_want){"tag_coding", false}, SPEC_CODING_WORDS,
        (int)compiler->codings.text);
    parts->length_coding = (enum spec_coding)document_choice(
        document, node, (struct document_want){"length_coding", false}, SPEC_CODING_WORDS,
        (int)compiler->codings.length);
    parts->bitmap_coding = BITMAP_CODINGS[document_choice(
        document, node, (struct document_want){"bitmap_coding", false}, BITMAPS, 0)];
    parts->bitmap_bytes =
        (uint8_t)document_integer(document, node, (struct document_want){"bitmap", false},
                                  (const int64_t[]){1, BITMAP_BYTES_MAX, 8});
    if (parts->style == SPEC_STYLE_TLV) {
        compile_tlv(compiler, parts, node);
    }
}

static void compile_parts(struct parts_compiler *own, uint8_t place)
{
    struct spec_compiler *compiler = own->compiler;
    struct spec_parts *parts = &own->spec->parts[place - 1];
    const struct parts_pending *pending = &own->pending[place - 1];
    const struct document_node *node = pending->node;
    const struct document_node *elements = document_member(node, "elements");
    if (elements == NULL || elements->kind != DOCUMENT_MAPPING) {
        document_fault(compiler->document, node,
                       "\"parts\" has a style and \"elements\": tags or numbers and their formats");
        return;
    }
    const struct spec_codings outside = compiler->codings;
    spec_compile_codings(compiler, document_member(node, "codings"));
    parts->first = (uint16_t)own->spec->part_count;
    compile_style(compiler, parts, node);
    for (const struct document_node *child = elements->first_child; child != NULL;
         child = child->next) {
        compiler->member = child;
        snprintf(compiler->label, sizeof(compiler->label), "%.24s, part %.6s", pending->label,
                 child->key);
        compile_part(own, parts, place);
    }
    compiler->codings = outside;
}

void spec_compile_parts(struct spec_compiler *compiler, struct spec *spec, unsigned number,
                        const struct document_node *node)
{
    struct parts_compiler own = {.compiler = compiler, .spec = spec};
    struct spec_field *field = &spec->fields[number];
    const struct spec_codings outside = compiler->codings;
    char label[SPEC_LABEL_SIZE];
    REQUIRE(field->parts == 0);
    snprintf(label, sizeof(label), "field %u", number);
    const uint32_t first = spec->parts_count;
    field->parts = enqueue(&own, node, label, 1);
    /* Inside a field of characters, whatever page they stand in, all are characters; inside bytes,
     * what the spec says of all. */
    if (field->content != SPEC_B) {
        compiler->codings =
            (struct spec_codings){SPEC_ASCII, SPEC_ASCII, SPEC_HEX_ASCII, SPEC_ASCII, SPEC_ASCII};
    }
    for (uint32_t place = first; place < spec->parts_count; place++) {
        compile_parts(&own, (uint8_t)(place + 1));
    }
    compiler->codings = outside;
}
