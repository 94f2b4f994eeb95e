/* See spec.h.
 *
 * What a field looks like is written as ISO 8583 itself writes it, "n..19 LL"; compiling turns that
 * into a row of shifts and a kind, so that the walk over a message is the same few steps for every
 * field of every dialect.
 */
#include "protocols/iso8583/spec.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "protocols/base/digits.h"
#include "protocols/base/require.h"

#define LENGTH_DIGITS_MAX 6
#define COUNT_DIGITS_MAX 5
#define FORMAT_EXAMPLE "n6 is six digits, n..19 LL at most nineteen behind a two-digit length"

static const char *const FIELD_WORDS[] = {"name",          "format",        "align",
                                          "characters",    "show",          "coding",
                                          "length_coding", "length_counts", NULL};
static const char *const CONTENT_WORDS[] = {"n", "a", "an", "ans", "b", "z", "xn", NULL};
static const char *const CODING_WORDS[] = {"ascii", "bcd", "binary", "hex", NULL};

#define WORD_COUNT(words) (sizeof(words) / sizeof((words)[0]) - 1)

_Static_assert(WORD_COUNT(CONTENT_WORDS) == SPEC_XN + 1, "a word for each content");
_Static_assert(WORD_COUNT(CODING_WORDS) == SPEC_HEX_ASCII + 1, "a word for each coding");
_Static_assert(SPEC_COUNT_MAX <= UINT16_MAX, "a row keeps the count in 16 bits");
_Static_assert(SPEC_FIELD_MAX <= UINT8_MAX, "the number of the MAC field fits");
_Static_assert(SPEC_HEADER_BYTES_MAX <= UINT8_MAX, "the length of a header fits");

/* What holds for every field that says nothing else. */
struct spec_codings {
    enum spec_coding n, z, b, length;
};

struct spec_compiler {
    struct document *document;          /* borrowed */
    const struct document_node *member; /* the field at hand */
    struct spec_codings codings;
};

/* Reads decimal digits at the front of *text and moves it behind them. 0: none, or too many. */
static uint32_t take_number(const char **text)
{
    const char *end = *text;
    while (*end >= '0' && *end <= '9') {
        end++;
    }
    uint64_t number = 0;
    uint32_t digit_count = (uint32_t)(end - *text);
    if (digit_count > COUNT_DIGITS_MAX ||
        digits_parse(&number, *text, digit_count, (struct number_range){1, SPEC_COUNT_MAX}) !=
            STATUS_OK) {
        return 0;
    }
    *text = end;
    return (uint32_t)number;
}

static bool take_content(enum spec_content *content, const char **text)
{
    size_t length = strspn(*text, "abnsxz");
    for (int i = 0; CONTENT_WORDS[i] != NULL; i++) {
        if (strlen(CONTENT_WORDS[i]) == length && strncmp(CONTENT_WORDS[i], *text, length) == 0) {
            *content = (enum spec_content)i;
            *text += length;
            return true;
        }
    }
    return false;
}

/* "n6", "n..19 LL". */
static bool format_parse(struct spec_field *field, const char *text)
{
    if (!take_content(&field->content, &text)) {
        return false;
    }
    const bool is_variable = strncmp(text, "..", 2) == 0;
    text += is_variable ? 2 : 0;
    field->count = take_number(&text);
    if (field->count == 0) {
        return false;
    }
    if (!is_variable) {
        return *text == '\0';
    }
    size_t length_digits = *text == ' ' ? strspn(text + 1, "L") : 0;
    field->length_digits = (uint8_t)length_digits;
    return length_digits >= 1 && length_digits <= LENGTH_DIGITS_MAX &&
           text[1 + length_digits] == '\0';
}

static bool length_can_say(const struct spec_field *field)
{
    uint32_t most = 1;
    REQUIRE(field->length_digits <= LENGTH_DIGITS_MAX);
    for (uint8_t i = 0; i < field->length_digits; i++) {
        most *= 10;
    }
    return field->length_digits == 0 || field->count < most;
}

static enum spec_coding coding_of_content(const struct spec_codings *codings,
                                          enum spec_content content)
{
    switch (content) {
    case SPEC_N:
        return codings->n;
    case SPEC_Z:
        return codings->z;
    case SPEC_B:
        return codings->b;
    case SPEC_A:
    case SPEC_AN:
    case SPEC_ANS:
    case SPEC_XN:
        break;
    }
    return SPEC_ASCII;
}

static enum spec_row_kind text_kind(const struct spec_field *field)
{
    if (field->characters != SPEC_CHARACTERS_ASCII) {
        return field->characters == SPEC_CHARACTERS_GBK ? SPEC_ROW_LOCAL : SPEC_ROW_BYTES;
    }
    if (field->content == SPEC_ANS) {
        return SPEC_ROW_PRINT;
    }
    return field->content == SPEC_AN ? SPEC_ROW_ALNUM : SPEC_ROW_ALPHA;
}

/* SPEC_ROW_ABSENT: this content does not go into that coding. */
static enum spec_row_kind row_kind(const struct spec_field *field)
{
    const bool is_ascii = field->coding == SPEC_ASCII;
    const bool is_bcd = field->coding == SPEC_BCD;
    switch (field->content) {
    case SPEC_N:
        return is_ascii ? SPEC_ROW_DIGITS : is_bcd ? SPEC_ROW_BCD : SPEC_ROW_ABSENT;
    case SPEC_Z:
        return is_ascii ? SPEC_ROW_TRACK : is_bcd ? SPEC_ROW_TRACK_BCD : SPEC_ROW_ABSENT;
    case SPEC_XN:
        return is_ascii && field->count > 1 ? SPEC_ROW_SIGNED : SPEC_ROW_ABSENT;
    case SPEC_B:
        return field->coding == SPEC_BINARY      ? SPEC_ROW_BYTES
               : field->coding == SPEC_HEX_ASCII ? SPEC_ROW_HEX
                                                 : SPEC_ROW_ABSENT;
    case SPEC_A:
    case SPEC_AN:
    case SPEC_ANS:
        return is_ascii ? text_kind(field) : SPEC_ROW_ABSENT;
    }
    return SPEC_ROW_ABSENT;
}

static struct spec_row row_of(const struct spec_field *field)
{
    const bool is_bcd = field->coding == SPEC_BCD;
    const bool prefix_is_bcd = field->length_coding == SPEC_BCD;
    REQUIRE(field->count > 0 && field->count <= SPEC_COUNT_MAX);
    return (struct spec_row){
        .kind = (uint8_t)row_kind(field),
        .prefix_bytes =
            (uint8_t)(prefix_is_bcd ? (field->length_digits + 1) / 2 : field->length_digits),
        .prefix_is_bcd = prefix_is_bcd,
        .prefix_counts_bytes = is_bcd && field->length_counts_bytes,
        .is_right = !field->is_left,
        .grow = field->coding == SPEC_HEX_ASCII,
        .halve = is_bcd,
        .count = (uint16_t)field->count};
}

/* The characters, alignment and prefix of a field, where it says more than its format. */
static void compile_details(struct spec_compiler *compiler, struct spec_field *field)
{
    static const char *const ALIGNS[] = {"left", "right", NULL};
    static const char *const CHARACTERS[] = {"ascii", "gbk", "any", NULL};
    static const char *const SHOWS[] = {"open", "masked", "hidden", NULL};
    static const char *const COUNTS[] = {"units", "bytes", NULL};
    struct document *document = compiler->document;
    const struct document_node *member = compiler->member;
    document_refuse_unknown(document, member, FIELD_WORDS);
    field->is_left =
        document_choice(document, member, (struct document_want){"align", false}, ALIGNS, 0) == 0;
    field->characters = (enum spec_characters)document_choice(
        document, member, (struct document_want){"characters", false}, CHARACTERS, 0);
    field->secrecy = (enum spec_secrecy)document_choice(
        document, member, (struct document_want){"show", false}, SHOWS, SPEC_OPEN);
    field->length_counts_bytes =
        document_choice(document, member, (struct document_want){"length_counts", false}, COUNTS,
                        0) == 1;
    field->coding = (enum spec_coding)document_choice(
        document, member, (struct document_want){"coding", false}, CODING_WORDS,
        (int)coding_of_content(&compiler->codings, field->content));
    field->length_coding = (enum spec_coding)document_choice(
        document, member, (struct document_want){"length_coding", false}, CODING_WORDS,
        (int)compiler->codings.length);
}

static void compile_name(struct spec_compiler *compiler, struct spec *spec, unsigned number)
{
    const char *name = document_text(compiler->document, compiler->member,
                                     (struct document_want){"name", true}, "?");
    if (strlen(name) >= SPEC_NAME_SIZE) {
        document_fault(compiler->document, compiler->member,
                       "the name of field %u is too long: %d characters at most", number,
                       SPEC_NAME_SIZE - 1);
        return;
    }
    for (unsigned i = 2; i <= SPEC_FIELD_MAX; i++) {
        if (i != number && strcmp(spec->fields[i].name, name) == 0 && name[0] != '?') {
            document_fault(compiler->document, compiler->member,
                           "field %u has the name \"%s\" already", i, name);
        }
    }
    snprintf(spec->fields[number].name, SPEC_NAME_SIZE, "%s", name);
}

static void compile_field(struct spec_compiler *compiler, struct spec *spec, unsigned number)
{
    struct spec_field *field = &spec->fields[number];
    struct document *document = compiler->document;
    const struct document_node *member = compiler->member;
    REQUIRE(number >= 2 && number <= SPEC_FIELD_MAX);
    if (member->kind != DOCUMENT_MAPPING) {
        document_fault(document, member, "field %u must be a mapping with name and format", number);
        return;
    }
    compile_name(compiler, spec, number);
    const char *format =
        document_text(document, member, (struct document_want){"format", true}, NULL);
    if (format == NULL) {
        return;
    }
    if (!format_parse(field, format)) {
        document_fault(document, member, "\"%.40s\" is no format of field %u: " FORMAT_EXAMPLE,
                       format, number);
        return;
    }
    compile_details(compiler, field);
    if (!length_can_say(field)) {
        document_fault(document, member, "a length of %u digits cannot say %u (field %u)",
                       field->length_digits, field->count, number);
    }
    if (field->length_coding != SPEC_ASCII && field->length_coding != SPEC_BCD) {
        document_fault(document, member, "the length of field %u is ascii or bcd", number);
    }
    spec->rows[number] = row_of(field);
    if (spec->rows[number].kind == SPEC_ROW_ABSENT) {
        document_fault(document, member, "field %u: %s cannot stand as %s", number,
                       CONTENT_WORDS[field->content], CODING_WORDS[field->coding]);
    }
}

static void compile_fields(struct spec_compiler *compiler, struct spec *spec,
                           const struct document_node *root)
{
    const struct document_node *fields = document_member(root, "fields");
    const unsigned most = spec->may_have_secondary ? SPEC_FIELD_MAX : 64;
    if (fields == NULL || fields->kind != DOCUMENT_MAPPING) {
        document_fault(compiler->document, fields != NULL ? fields : root,
                       "\"fields\" must map field numbers to their formats");
        return;
    }
    for (const struct document_node *child = fields->first_child; child != NULL;
         child = child->next) {
        uint64_t number;
        if (child->key[0] == '0' || digits_parse(&number, child->key, (uint32_t)strlen(child->key),
                                                 (struct number_range){2, most}) != STATUS_OK) {
            document_fault(compiler->document, child,
                           "\"%.20s\" is no field number; 2 to %u was expected", child->key, most);
            continue;
        }
        compiler->member = child;
        compile_field(compiler, spec, (unsigned)number);
    }
}

static void compile_codings(struct spec_compiler *compiler, const struct document_node *root)
{
    static const char *const KNOWN[] = {"n", "z", "b", "length", NULL};
    struct document *document = compiler->document;
    const struct document_node *codings = document_member(root, "codings");
    document_refuse_unknown(document, codings, KNOWN);
    compiler->codings.n = (enum spec_coding)document_choice(
        document, codings, (struct document_want){"n", false}, CODING_WORDS, SPEC_ASCII);
    compiler->codings.z = (enum spec_coding)document_choice(
        document, codings, (struct document_want){"z", false}, CODING_WORDS, SPEC_ASCII);
    compiler->codings.b = (enum spec_coding)document_choice(
        document, codings, (struct document_want){"b", false}, CODING_WORDS, SPEC_BINARY);
    compiler->codings.length = (enum spec_coding)document_choice(
        document, codings, (struct document_want){"length", false}, CODING_WORDS, SPEC_ASCII);
}

static void compile_bitmap(struct document *document, struct spec *spec,
                           const struct document_node *root)
{
    static const char *const KNOWN[] = {"coding", "secondary", NULL};
    static const char *const CODINGS[] = {"binary", "hex", NULL};
    const struct document_node *bitmap = document_member(root, "bitmap");
    if (bitmap == NULL) {
        document_fault(document, root, "\"bitmap\" is missing");
        return;
    }
    document_refuse_unknown(document, bitmap, KNOWN);
    spec->bitmap_coding =
        document_choice(document, bitmap, (struct document_want){"coding", true}, CODINGS, 0) == 1
            ? SPEC_HEX_ASCII
            : SPEC_BINARY;
    spec->may_have_secondary =
        document_boolean(document, bitmap, (struct document_want){"secondary", false}, false);
}

static void compile_head(struct document *document, struct spec *spec,
                         const struct document_node *root)
{
    static const char *const MTIS[] = {"ascii", "bcd", NULL};
    const char *name = document_text(document, root, (struct document_want){"name", true}, "?");
    if (strlen(name) >= SPEC_NAME_SIZE) {
        document_fault(document, document_member(root, "name"),
                       "the name is too long: %d characters at most", SPEC_NAME_SIZE - 1);
    }
    snprintf(spec->name, sizeof(spec->name), "%s", name);
    spec->header_bytes =
        (uint8_t)document_integer(document, root, (struct document_want){"header", false},
                                  (const int64_t[]){0, SPEC_HEADER_BYTES_MAX, 0});
    spec->mti_coding =
        document_choice(document, root, (struct document_want){"mti", true}, MTIS, 0) == 1
            ? SPEC_BCD
            : SPEC_ASCII;
    compile_bitmap(document, spec, root);
}

/* The MAC is the last field there can be, and eight bytes long. */
static void compile_mac(struct document *document, struct spec *spec,
                        const struct document_node *root)
{
    const unsigned last = spec->may_have_secondary ? 128 : 64;
    int64_t number = document_integer(document, root, (struct document_want){"mac", false},
                                      (const int64_t[]){64, 128, 0});
    if (number == 0) {
        return;
    }
    spec->mac_field = (uint8_t)number;
    for (unsigned field = 64; field <= last; field += 64) {
        const struct spec_field *at = &spec->fields[field];
        if ((unsigned)number != last || at->content != SPEC_B || at->count != 8 ||
            at->length_digits != 0) {
            document_fault(document, document_member(root, "mac"),
                           "the MAC must be field %u, and field %u of the format b8", last, field);
        }
    }
}

struct spec *spec_compile(struct document *document)
{
    REQUIRE(document != NULL);
    const uint32_t fault_count = document_fault_count(document);
    const struct document_node *root = document_root(document);
    if (root == NULL || root->kind != DOCUMENT_MAPPING) {
        document_fault(document, root, "a spec is a mapping with name, mti, bitmap and fields");
        return NULL;
    }
    struct spec *spec = calloc(1, sizeof(*spec));
    if (spec == NULL) {
        return NULL;
    }
    struct spec_compiler compiler = {.document = document};
    compile_head(document, spec, root);
    compile_codings(&compiler, root);
    compile_fields(&compiler, spec, root);
    compile_mac(document, spec, root);
    if (document_fault_count(document) != fault_count) {
        free(spec);
        return NULL;
    }
    return spec;
}

void spec_destroy(struct spec *spec)
{
    free(spec);
}
