/* Any bytes, through every dialect: what can be read can be described, built anew, and reads the
 * same again. What cannot be read is refused with a place inside the bytes. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "config/file_text.h"
#include "config/yaml_file.h"
#include "protocols/iso8583/message.h"
#include "protocols/iso8583/parts.h"
#include "tests/fuzz/fuzz.h"

#define INPUT_BYTES_MAX 4096
#define BITMAP_BYTES 8 /* of 64 fields */
#define CHECK(condition) ((condition) ? (void)0 : fail(#condition, __LINE__))

/* Every kind of field that the files below leave out. */
static const char ODDITIES[] =
    "name: oddities\nmti: bcd\nbitmap: {coding: hex, secondary: true}\nheader: 1\nfields:\n"
    "  2: {name: f2, format: n..19 LL, coding: bcd, length_counts: bytes, length_coding: bcd}\n"
    "  3: {name: f3, format: n..7 LLLLLL, coding: bcd, align: right}\n"
    "  4: {name: f4, format: z9, coding: bcd, align: right}\n"
    "  5: {name: f5, format: a5}\n"
    "  6: {name: f6, format: xn..9 L}\n"
    "  7: {name: f7, format: b..99 LL, coding: hex}\n"
    "  8: {name: f8, format: z..40 LL}\n"
    "  9: {name: f9, format: b3, coding: binary}\n"
    "  70: {name: f70, format: ans..9999 LLLL, characters: gbk, length_coding: bcd}\n"
    "  128: {name: f128, format: b8, coding: hex}\n";

/* A third bitmap, EBCDIC, and parts of every style inside each other. */
static const char NESTS[] =
    "name: nests\nmti: ebcdic-1047\nbitmap: {coding: binary, secondary: true, third: 65}\n"
    "codings: {n: ebcdic-1047, text: ebcdic-1047, length: binary, b: binary}\nfields:\n"
    "  2: {name: f2, format: n..19 LL, length_inclusive: true}\n"
    "  3: {name: f3, format: xn9, coding: bcd}\n"
    "  4: {name: f4, format: b..20 LL, coding: hex-ebcdic, length_counts: bytes}\n"
    "  5: {name: f5, format: ans..999 LLL, characters: any, parts: {tag: 2, length: either, "
    "elements: {A1: {name: a1, format: n..9}, A2: {name: a2, format: ans..99}}}}\n"
    "  6: {name: f6, format: b..999 LLL, parts: {style: ber, elements: {9F26: {name: c, format: "
    "b8}}}}\n"
    "  70: {name: f70, format: b..9999 LLLL, parts: {style: bitmap, bitmap: 8, elements: {"
    "1: {name: one, format: n3, coding: bcd}, 9: {name: nine, format: b..99 LL, parts: {style: "
    "list, elements: {1: {name: x, format: n2}, 2: {name: y, format: ans..9 L}}}}}}}\n"
    "  130: {name: f130, format: n1}\n";

static const char *const FILES[] = {
    "unionpay-pos",       "iso8583-1987-ascii",  "iso8583-1987-binary", "iso8583-1987-ebcdic",
    "iso8583-1993-ascii", "iso8583-1993-binary", "unionpay-host"};
enum { FILE_COUNT = sizeof(FILES) / sizeof(FILES[0]), SPEC_COUNT = FILE_COUNT + 2 };

static void fail(const char *condition, int line)
{
    fprintf(stderr, "parse_fuzz.c:%d: not so: %s\n", line, condition);
    abort();
}

static struct spec *compile(struct document *document)
{
    struct spec *spec = spec_compile(document);
    for (uint32_t i = 0; i < document_fault_count(document); i++) {
        fprintf(stderr, "%s\n", document_fault_text(document, i));
    }
    CHECK(spec != NULL);
    document_destroy(document);
    return spec;
}

static void load_specs(struct spec *specs[SPEC_COUNT])
{
    for (unsigned i = 0; i < FILE_COUNT; i++) {
        char path[512];
        snprintf(path, sizeof(path), "%s/config/specs/%s.yaml", TILLWAY_SOURCE_DIR, FILES[i]);
        specs[i] = compile(file_text_load_yaml(path));
    }
    specs[FILE_COUNT] = compile(yaml_file_parse("oddities", ODDITIES, (uint32_t)strlen(ODDITIES)));
    specs[FILE_COUNT + 1] = compile(yaml_file_parse("nests", NESTS, (uint32_t)strlen(NESTS)));
}

/* A draft of all that was read; the values lie in `values`. */
static void draft_of(struct message_draft *draft, const struct message *message,
                     struct byte_writer *values)
{
    message_draft_init(draft, message->spec, message->mti);
    draft->header = message_header(message);
    for (unsigned field = 2; field <= SPEC_FIELD_MAX; field++) {
        if (message_has(message, field)) {
            char *text = (char *)values->bytes + values->position;
            const uint32_t count = message_text(message, field, text, byte_writer_room(values));
            values->position += count + 1;
            message_draft_set(draft, field, text, count);
        }
    }
}

static void compare(const struct message *left, const struct message *right)
{
    static char left_text[SPEC_COUNT_MAX + 1], right_text[SPEC_COUNT_MAX + 1];
    CHECK(strcmp(left->mti, right->mti) == 0);
    CHECK(memcmp(left->present, right->present, sizeof(left->present)) == 0);
    for (unsigned field = 2; field <= SPEC_FIELD_MAX; field++) {
        if (message_has(left, field)) {
            const uint32_t count = message_text(left, field, left_text, sizeof(left_text));
            CHECK(message_text(right, field, right_text, sizeof(right_text)) == count);
            CHECK(memcmp(left_text, right_text, count) == 0);
        }
    }
}

/* Walks what stands inside the fields, one level deep: each element lies inside its field. */
static void walk_parts(const struct message *message)
{
    static char text[SPEC_COUNT_MAX + 1];
    for (unsigned field = 2; field <= SPEC_FIELD_MAX; field++) {
        const struct spec_parts *parts = spec_parts_of(message->spec, field);
        struct parts_reader reader;
        struct parts_element element;
        struct parts_fault fault = {.reason = ""};
        if (parts == NULL || !message_has(message, field)) {
            continue;
        }
        struct byte_view value = {(const uint8_t *)text,
                                  message_text(message, field, text, sizeof(text))};
        if (!parts_open(&reader, message->spec, parts, value)) {
            continue;
        }
        enum status status;
        while ((status = parts_next(&reader, &element, &fault)) == STATUS_OK) {
            CHECK(element.value.length <= value.length);
        }
        CHECK(status == STATUS_NOT_FOUND || fault.reason[0] != '\0');
        CHECK(fault.reason[0] == '\0' || fault.offset <= value.length);
    }
}

static void check_readable(const struct message *message)
{
    static uint8_t values_bytes[4 * INPUT_BYTES_MAX], built_bytes[4 * INPUT_BYTES_MAX];
    static struct message_draft draft;
    static struct message again;
    struct byte_writer values, built;
    struct message_fault fault;
    byte_writer_init(&values, values_bytes, sizeof(values_bytes));
    byte_writer_init(&built, built_bytes, sizeof(built_bytes));
    draft_of(&draft, message, &values);
    CHECK(message_build(&draft, &built, NULL, &fault) == STATUS_OK);
    CHECK(message_parse(&again, message->spec, (struct byte_view){built_bytes, built.position},
                        &fault) == STATUS_OK);
    compare(message, &again);
    CHECK(again.pad_fault_count == 0);
    if (message->pad_fault_count == 0 && message->spec->bitmap_coding == SPEC_BINARY) {
        /* A further bitmap that announces nothing is read, and not built. */
        const int empty = (message->present[1] == 0) + (message->present[2] == 0);
        const uint32_t spare = message->bytes.length - built.position;
        CHECK(built.position <= message->bytes.length);
        CHECK(spare % BITMAP_BYTES == 0 && (int)(spare / BITMAP_BYTES) <= empty);
        CHECK(spare > 0 || memcmp(built_bytes, message->bytes.bytes, built.position) == 0);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t length)
{
    static struct spec *specs[SPEC_COUNT];
    static struct message message;
    static char text[4 * INPUT_BYTES_MAX];
    if (specs[0] == NULL) {
        load_specs(specs);
    }
    if (length > INPUT_BYTES_MAX) {
        return 0;
    }
    for (unsigned i = 0; i < SPEC_COUNT; i++) {
        struct message_fault fault = {0};
        const struct byte_view view = {bytes, (uint32_t)length};
        enum status status = message_parse(&message, specs[i], view, &fault);
        message_describe(&message, text, (uint32_t)(length % sizeof(text)) + 1);
        message_describe(&message, text, sizeof(text));
        if (status == STATUS_OK) {
            check_readable(&message);
            walk_parts(&message);
        } else {
            CHECK(fault.status == status && fault.reason[0] != '\0');
            CHECK(fault.offset <= length);
        }
    }
    return 0;
}
