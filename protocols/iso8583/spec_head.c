/* What stands before the fields: header, message type, bitmaps, and the MAC that ends them. See
 * spec.h and the head of config/specs/unionpay-pos.yaml. */
#include <stdio.h>
#include <string.h>

#include "protocols/base/bytes.h"
#include "protocols/base/require.h"
#include "protocols/iso8583/spec_compile.h"

#define HEADER_LENGTH_DIGITS_MAX 6

_Static_assert(SPEC_HEADER_BYTES_MAX <= UINT8_MAX, "the length of a header fits");
_Static_assert(SPEC_FIELD_MAX == 64 * SPEC_WORD_COUNT, "a bitmap names 64 fields");

static const char *const MTI_WORDS[] = {"ascii", "bcd", "ebcdic-037", "ebcdic-1047", NULL};
static const enum spec_coding MTI_CODINGS[] = {SPEC_ASCII, SPEC_BCD, SPEC_EBCDIC_037,
                                               SPEC_EBCDIC_1047};
static const char *const BITMAP_WORDS[] = {"binary", "hex", "hex-ebcdic", NULL};
static const enum spec_coding BITMAP_CODINGS[] = {SPEC_BINARY, SPEC_HEX_ASCII, SPEC_HEX_EBCDIC};

static enum spec_coding choose_coding(struct spec_compiler *compiler,
                                      const struct document_node *codings, const char *key,
                                      enum spec_coding fallback)
{
    return (enum spec_coding)document_choice(compiler->document, codings,
                                             (struct document_want){key, false}, SPEC_CODING_WORDS,
                                             (int)fallback);
}

void spec_compile_codings(struct spec_compiler *compiler, const struct document_node *codings)
{
    static const char *const KNOWN[] = {"n", "z", "b", "text", "length", NULL};
    const struct spec_codings held = compiler->codings;
    document_refuse_unknown(compiler->document, codings, KNOWN);
    compiler->codings =
        (struct spec_codings){.n = choose_coding(compiler, codings, "n", held.n),
                              .z = choose_coding(compiler, codings, "z", held.z),
                              .b = choose_coding(compiler, codings, "b", held.b),
                              .text = choose_coding(compiler, codings, "text", held.text),
                              .length = choose_coding(compiler, codings, "length", held.length)};
}

static void compile_bitmap(struct document *document, struct spec *spec,
                           const struct document_node *root)
{
    static const char *const KNOWN[] = {"coding", "secondary", "third", NULL};
    static const char *const THIRDS[] = {"none", "65", "127", "128", NULL};
    static const uint8_t THIRD_FIELDS[] = {0, 65, 127, 128};
    const struct document_node *bitmap = document_member(root, "bitmap");
    spec->word_count = 1;
    if (bitmap == NULL) {
        document_fault(document, root, "\"bitmap\" is missing");
        return;
    }
    document_refuse_unknown(document, bitmap, KNOWN);
    spec->bitmap_coding = BITMAP_CODINGS[document_choice(
        document, bitmap, (struct document_want){"coding", true}, BITMAP_WORDS, 0)];
    spec->may_have_secondary =
        document_boolean(document, bitmap, (struct document_want){"secondary", false}, false);
    spec->third_bitmap = THIRD_FIELDS[document_choice(
        document, bitmap, (struct document_want){"third", false}, THIRDS, 0)];
    spec->word_count = spec->third_bitmap != 0 ? 3 : spec->may_have_secondary ? 2 : 1;
    if (spec->third_bitmap != 0 && !spec->may_have_secondary) {
        document_fault(document, bitmap, "a third bitmap needs \"secondary: true\"");
    }
}

/* The bytes of `text` or of `value` (hex) that we write; zeros where there is neither. */
static void compile_header_value(struct document *document, const struct document_node *node,
                                 const struct spec_header_item *item, uint8_t *to)
{
    const char *text = document_text(document, node, (struct document_want){"text", false}, NULL);
    const char *hex = document_text(document, node, (struct document_want){"value", false}, NULL);
    struct byte_writer writer;
    byte_writer_init(&writer, to, item->length);
    if (text != NULL && strlen(text) == item->length && hex == NULL) {
        byte_writer_text(&writer, text);
    } else if (text != NULL ||
               (hex != NULL && (bytes_from_hex(&writer, hex, (uint32_t)strlen(hex)) != STATUS_OK ||
                                writer.position != item->length))) {
        document_fault(document, node,
                       "\"%s\" is %u bytes: as many characters of \"text\", or hex of \"value\", "
                       "were expected",
                       item->name, item->length);
    }
}

static void compile_header_item(struct document *document, struct spec *spec,
                                const struct document_node *node)
{
    static const char *const KNOWN[] = {"name", "bytes", "text", "value", "role", "coding", NULL};
    static const char *const ROLES[] = {"free",   "fixed",  "length", "destination",
                                        "source", "reject", NULL};
    struct spec_header_item *item = &spec->header_items[spec->header_item_count];
    if (spec->header_item_count == SPEC_HEADER_ITEM_COUNT_MAX || node->kind != DOCUMENT_MAPPING) {
        document_fault(document, node, "expected a part of the header in braces, and %d at most",
                       SPEC_HEADER_ITEM_COUNT_MAX);
        return;
    }
    document_refuse_unknown(document, node, KNOWN);
    snprintf(item->name, sizeof(item->name), "%s",
             document_text(document, node, (struct document_want){"name", true}, "?"));
    const int64_t length =
        document_integer(document, node, (struct document_want){"bytes", true},
                         (const int64_t[]){1, SPEC_HEADER_BYTES_MAX - spec->header_bytes, 1});
    item->role = (enum spec_header_role)document_choice(
        document, node, (struct document_want){"role", false}, ROLES, SPEC_HEADER_FREE);
    item->coding = (enum spec_coding)document_choice(
        document, node, (struct document_want){"coding", false}, SPEC_CODING_WORDS, SPEC_ASCII);
    item->offset = spec->header_bytes;
    item->length = (uint8_t)length;
    compile_header_value(document, node, item, spec->header + item->offset);
    if (item->role == SPEC_HEADER_LENGTH &&
        (item->length > (item->coding == SPEC_BINARY ? 4 : HEADER_LENGTH_DIGITS_MAX) ||
         (item->coding != SPEC_ASCII && item->coding != SPEC_BINARY && item->coding != SPEC_BCD))) {
        document_fault(document, node,
                       "a length in the header is ascii or bcd, at most %d bytes, or binary, at "
                       "most 4",
                       HEADER_LENGTH_DIGITS_MAX);
    }
    spec->header_bytes = (uint8_t)(spec->header_bytes + item->length);
    spec->header_item_count++;
}

/* Source and destination change places in an answer. */
static void refuse_odd_pair(struct document *document, const struct spec *spec,
                            const struct document_node *header)
{
    const struct spec_header_item *source = spec_header_find(spec, SPEC_HEADER_SOURCE);
    const struct spec_header_item *destination = spec_header_find(spec, SPEC_HEADER_DESTINATION);
    if ((source == NULL) != (destination == NULL) ||
        (source != NULL && source->length != destination->length)) {
        document_fault(document, header,
                       "a header has a source and a destination of one length, or neither");
    }
}

/* A number of bytes, or a list of what stands in them. */
static void compile_header(struct document *document, struct spec *spec,
                           const struct document_node *root)
{
    const struct document_node *header = document_member(root, "header");
    if (header == NULL || header->kind != DOCUMENT_SEQUENCE) {
        spec->header_bytes =
            (uint8_t)document_integer(document, root, (struct document_want){"header", false},
                                      (const int64_t[]){0, SPEC_HEADER_BYTES_MAX, 0});
        return;
    }
    for (const struct document_node *node = header->first_child; node != NULL; node = node->next) {
        compile_header_item(document, spec, node);
    }
    refuse_odd_pair(document, spec, header);
}

void spec_compile_head(struct spec_compiler *compiler, struct spec *spec,
                       const struct document_node *root)
{
    struct document *document = compiler->document;
    const char *name = document_text(document, root, (struct document_want){"name", true}, "?");
    REQUIRE(root->kind == DOCUMENT_MAPPING);
    if (strlen(name) >= SPEC_NAME_SIZE) {
        document_fault(document, document_member(root, "name"),
                       "the name is too long: %d characters at most", SPEC_NAME_SIZE - 1);
    }
    snprintf(spec->name, sizeof(spec->name), "%s", name);
    compile_header(document, spec, root);
    spec->mti_coding = MTI_CODINGS[document_choice(
        document, root, (struct document_want){"mti", true}, MTI_WORDS, 0)];
    compile_bitmap(document, spec, root);
    compiler->codings =
        (struct spec_codings){SPEC_ASCII, SPEC_ASCII, SPEC_BINARY, SPEC_ASCII, SPEC_ASCII};
    spec_compile_codings(compiler, document_member(root, "codings"));
}

const struct spec_header_item *spec_header_find(const struct spec *spec, enum spec_header_role role)
{
    REQUIRE(spec->header_item_count <= SPEC_HEADER_ITEM_COUNT_MAX);
    for (unsigned i = 0; i < spec->header_item_count; i++) {
        if (spec->header_items[i].role == role) {
            return &spec->header_items[i];
        }
    }
    return NULL;
}
