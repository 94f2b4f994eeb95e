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
#include "protocols/iso8583/spec_compile.h"

#define LENGTH_DIGITS_MAX 6
#define COUNT_DIGITS_MAX 5
#define FORMAT_EXAMPLE "n6 is six digits, n..19 LL at most nineteen behind a two-digit length"

static const char *const FIELD_WORDS[] = {
    "name",          "format",           "align", "characters", "show", "coding", "length_coding",
    "length_counts", "length_inclusive", "parts", NULL};
static const char *const CONTENT_WORDS[] = {"n", "a", "an", "ans", "b", "z", "xn", NULL};
const char *const SPEC_CODING_WORDS[] = {"ascii",      "bcd",         "binary",     "hex",
                                         "ebcdic-037", "ebcdic-1047", "hex-ebcdic", NULL};

#define WORD_COUNT(words) (sizeof(words) / sizeof((words)[0]) - 1)
#define CODING_COUNT ((int)SPEC_HEX_EBCDIC + 1)

_Static_assert(WORD_COUNT(CONTENT_WORDS) == SPEC_XN + 1, "a word for each content");
_Static_assert(WORD_COUNT(SPEC_CODING_WORDS) == SPEC_HEX_EBCDIC + 1, "a word for each coding");
_Static_assert(SPEC_COUNT_MAX <= UINT16_MAX, "a row keeps the count in 16 bits");
_Static_assert(SPEC_FIELD_MAX <= UINT8_MAX, "the number of the MAC field fits");
_Static_assert(SPEC_HEADER_BYTES_MAX <= UINT8_MAX, "the length of a header fits");

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

/* "n6", "n..19 LL"; of a part, whose length stands elsewhere, "n..19". */
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
    field->is_variable = is_variable;
    if (*text == '\0') {
        return true;
    }
    size_t length_digits = *text == ' ' && is_variable ? strspn(text + 1, "L") : 0;
    field->length_digits = (uint8_t)length_digits;
    return length_digits >= 1 && length_digits <= LENGTH_DIGITS_MAX &&
           text[1 + length_digits] == '\0';
}

/* Bytes of the prefix: a digit each, or two digits each. A number has as many as BCD would. */
static uint32_t prefix_bytes(const struct spec_field *field)
{
    const bool is_packed = field->length_coding == SPEC_BCD || field->length_coding == SPEC_BINARY;
    return is_packed ? (field->length_digits + 1U) / 2 : field->length_digits;
}

/* The largest length that the prefix may have to say. */
static uint32_t longest_said(const struct spec_field *field)
{
    uint32_t said = field->count;
    if (field->length_counts_bytes) {
        const bool is_bcd = field->coding == SPEC_BCD;
        said = is_bcd ? (said + 1) / 2 : spec_field_is_hex(field) ? 2 * said : said;
    }
    return field->length_is_inclusive ? said + prefix_bytes(field) : said;
}

bool spec_length_can_say(const struct spec_field *field)
{
    const bool is_number = field->length_coding == SPEC_BINARY;
    const uint32_t places = is_number ? prefix_bytes(field) : field->length_digits;
    uint32_t most = 1;
    REQUIRE(field->length_digits <= LENGTH_DIGITS_MAX);
    for (uint32_t i = 0; i < places; i++) {
        most *= is_number ? 256 : 10;
    }
    return field->length_digits == 0 || longest_said(field) < most;
}

static enum spec_coding coding_of_content(const struct spec_codings *codings,
                                          enum spec_content content)
{
    switch (content) {
    case SPEC_N:
    case SPEC_XN:
        return codings->n;
    case SPEC_Z:
        return codings->z;
    case SPEC_B:
        return codings->b;
    case SPEC_A:
    case SPEC_AN:
    case SPEC_ANS:
        break;
    }
    return codings->text;
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

/* What the characters are, one a byte. */
static enum spec_row_kind character_kind(const struct spec_field *field)
{
    switch (field->content) {
    case SPEC_N:
        return SPEC_ROW_DIGITS;
    case SPEC_Z:
        return SPEC_ROW_TRACK;
    case SPEC_XN:
        return field->count > 1 ? SPEC_ROW_SIGNED : SPEC_ROW_ABSENT;
    case SPEC_B:
        return SPEC_ROW_ABSENT;
    case SPEC_A:
    case SPEC_AN:
    case SPEC_ANS:
        break;
    }
    return text_kind(field);
}

static enum spec_row_kind bcd_kind(const struct spec_field *field)
{
    if (field->content == SPEC_XN) { /* the sign is a byte of its own */
        return field->count > 1 && field->count % 2 != 0 && !field->is_variable
                   ? SPEC_ROW_SIGNED_BCD
                   : SPEC_ROW_ABSENT;
    }
    return field->content == SPEC_N   ? SPEC_ROW_BCD
           : field->content == SPEC_Z ? SPEC_ROW_TRACK_BCD
                                      : SPEC_ROW_ABSENT;
}

/* SPEC_ROW_ABSENT: this content does not go into that coding. */
static enum spec_row_kind row_kind(const struct spec_field *field)
{
    switch (field->coding) {
    case SPEC_ASCII:
        return character_kind(field);
    case SPEC_BCD:
        return bcd_kind(field);
    case SPEC_BINARY:
        return field->content == SPEC_B ? SPEC_ROW_BYTES : SPEC_ROW_ABSENT;
    case SPEC_HEX_ASCII:
        return field->content == SPEC_B ? SPEC_ROW_HEX : SPEC_ROW_ABSENT;
    case SPEC_HEX_EBCDIC:
        return field->content == SPEC_B ? SPEC_ROW_EBCDIC : SPEC_ROW_ABSENT;
    case SPEC_EBCDIC_037:
    case SPEC_EBCDIC_1047:
        break;
    }
    const enum spec_row_kind inner = character_kind(field);
    /* Bytes that nobody reads stay as they are; Chinese text has no place in these pages. */
    return inner == SPEC_ROW_BYTES                               ? SPEC_ROW_BYTES
           : inner == SPEC_ROW_ABSENT || inner == SPEC_ROW_LOCAL ? SPEC_ROW_ABSENT
                                                                 : SPEC_ROW_EBCDIC;
}

static enum spec_prefix prefix_kind(const struct spec_field *field)
{
    const bool counts_characters = field->length_counts_bytes && spec_field_is_hex(field);
    if (field->length_is_inclusive || counts_characters) {
        return SPEC_PREFIX_OTHER;
    }
    return field->length_coding == SPEC_BCD     ? SPEC_PREFIX_BCD
           : field->length_coding == SPEC_ASCII ? SPEC_PREFIX_ASCII
                                                : SPEC_PREFIX_OTHER;
}

struct spec_row spec_row_of(const struct spec_field *field)
{
    const bool is_bcd = field->coding == SPEC_BCD;
    REQUIRE(field->count > 0 && field->count <= SPEC_COUNT_MAX);
    return (struct spec_row){
        .kind = (uint8_t)row_kind(field),
        .inner = (uint8_t)(spec_field_is_hex(field) ? SPEC_ROW_HEX : character_kind(field)),
        .page = (uint8_t)(field->coding == SPEC_EBCDIC_1047 ? SPEC_EBCDIC_1047 : SPEC_EBCDIC_037),
        .prefix_bytes = (uint8_t)prefix_bytes(field),
        .prefix = (uint8_t)prefix_kind(field),
        .prefix_counts_bytes = is_bcd && field->length_counts_bytes,
        .is_right = !field->is_left,
        .grow = spec_field_is_hex(field),
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
        document, member, (struct document_want){"coding", false}, SPEC_CODING_WORDS,
        (int)coding_of_content(&compiler->codings, field->content));
    field->length_coding = (enum spec_coding)document_choice(
        document, member, (struct document_want){"length_coding", false}, SPEC_CODING_WORDS,
        (int)compiler->codings.length);
    field->length_is_inclusive = document_boolean(
        document, member, (struct document_want){"length_inclusive", false}, false);
}

/* Copies the name of the field or part at hand. */
static void compile_name(struct spec_compiler *compiler, char name[SPEC_NAME_SIZE])
{
    const char *text = document_text(compiler->document, compiler->member,
                                     (struct document_want){"name", true}, "?");
    if (strlen(text) >= SPEC_NAME_SIZE) {
        document_fault(compiler->document, compiler->member,
                       "the name of %s is too long: %d characters at most", compiler->label,
                       SPEC_NAME_SIZE - 1);
        return;
    }
    snprintf(name, SPEC_NAME_SIZE, "%s", text);
}

static void refuse_equal_names(struct spec_compiler *compiler, const struct spec *spec,
                               unsigned number)
{
    const char *name = spec->fields[number].name;
    for (unsigned i = 2; i <= SPEC_FIELD_MAX; i++) {
        if (i != number && strcmp(spec->fields[i].name, name) == 0 && name[0] != '?' &&
            name[0] != '\0') {
            document_fault(compiler->document, compiler->member,
                           "field %u has the name \"%s\" already", i, name);
        }
    }
}

bool spec_compile_form(struct spec_compiler *compiler, struct spec_field *field)
{
    struct document *document = compiler->document;
    const struct document_node *member = compiler->member;
    if (member->kind != DOCUMENT_MAPPING) {
        document_fault(document, member, "%s must be a mapping with name and format",
                       compiler->label);
        return false;
    }
    compile_name(compiler, field->name);
    const char *format =
        document_text(document, member, (struct document_want){"format", true}, NULL);
    if (format == NULL) {
        return false;
    }
    if (!format_parse(field, format)) {
        document_fault(document, member, "\"%.40s\" is no format of %s: " FORMAT_EXAMPLE, format,
                       compiler->label);
        return false;
    }
    compile_details(compiler, field);
    if (row_kind(field) == SPEC_ROW_ABSENT) {
        document_fault(document, member, "%s: %s cannot stand as %s", compiler->label,
                       CONTENT_WORDS[field->content], SPEC_CODING_WORDS[field->coding]);
    }
    return true;
}

static void compile_field(struct spec_compiler *compiler, struct spec *spec, unsigned number)
{
    struct spec_field *field = &spec->fields[number];
    const struct document_node *member = compiler->member;
    REQUIRE(number >= 2 && number <= SPEC_FIELD_MAX);
    snprintf(compiler->label, sizeof(compiler->label), "field %u", number);
    if (!spec_compile_form(compiler, field)) {
        return;
    }
    refuse_equal_names(compiler, spec, number);
    if (field->is_variable && field->length_digits == 0) {
        document_fault(compiler->document, member, "\"%.40s\" is no format of %s: " FORMAT_EXAMPLE,
                       document_member(member, "format")->text, compiler->label);
    }
    if (spec_field_is_hex(&(struct spec_field){.coding = field->length_coding})) {
        document_fault(compiler->document, member,
                       "the length of field %u is ascii, bcd, binary or ebcdic", number);
    }
    if (!spec_length_can_say(field)) {
        document_fault(compiler->document, member, "a length of %u digits cannot say %u (field %u)",
                       field->length_digits, field->count, number);
    }
    spec->rows[number] = spec_row_of(field);
    const struct document_node *parts = document_member(member, "parts");
    if (parts != NULL) {
        spec_compile_parts(compiler, spec, number, parts);
    }
}

static void compile_fields(struct spec_compiler *compiler, struct spec *spec,
                           const struct document_node *root)
{
    const struct document_node *fields = document_member(root, "fields");
    const unsigned most = 64U * spec->word_count;
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
        if (number == spec->third_bitmap || (number == 128 && spec->third_bitmap == 127)) {
            document_fault(compiler->document, child,
                           "field %u is no field where the third bitmap stands at %u",
                           (unsigned)number, spec->third_bitmap);
            continue;
        }
        compiler->member = child;
        compile_field(compiler, spec, (unsigned)number);
    }
}

void spec_format(const struct spec_field *field, char text[SPEC_FORMAT_SIZE])
{
    REQUIRE(field->length_digits <= LENGTH_DIGITS_MAX);
    snprintf(text, SPEC_FORMAT_SIZE, "%s%s%u%s%.*s", CONTENT_WORDS[field->content],
             field->is_variable ? ".." : "", field->count, field->length_digits > 0 ? " " : "",
             (int)field->length_digits, "LLLLLL");
}

const char *spec_coding_name(enum spec_coding coding)
{
    REQUIRE((unsigned)coding < CODING_COUNT);
    return SPEC_CODING_WORDS[coding];
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
    spec_compile_head(&compiler, spec, root);
    compile_fields(&compiler, spec, root);
    spec_compile_mac(document, spec, root);
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
