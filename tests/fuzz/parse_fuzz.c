/* Any bytes, through every dialect: what can be read can be described, built anew, and reads the
 * same again. What cannot be read is refused with a place inside the bytes. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "config/file_text.h"
#include "config/yaml_file.h"
#include "protocols/iso8583/message.h"
#include "tests/fuzz/fuzz.h"

#define INPUT_BYTES_MAX 4096
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

static const char *const FILES[] = {"unionpay-pos", "iso8583-1987-ascii"};
#define SPEC_COUNT 3

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
    for (unsigned i = 0; i < SPEC_COUNT - 1; i++) {
        char path[512];
        snprintf(path, sizeof(path), "%s/config/specs/%s.yaml", TILLWAY_SOURCE_DIR, FILES[i]);
        specs[i] = compile(file_text_load_yaml(path));
    }
    specs[SPEC_COUNT - 1] =
        compile(yaml_file_parse("oddities", ODDITIES, (uint32_t)strlen(ODDITIES)));
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
    CHECK(left->present[0] == right->present[0] && left->present[1] == right->present[1]);
    for (unsigned field = 2; field <= SPEC_FIELD_MAX; field++) {
        if (message_has(left, field)) {
            const uint32_t count = message_text(left, field, left_text, sizeof(left_text));
            CHECK(message_text(right, field, right_text, sizeof(right_text)) == count);
            CHECK(memcmp(left_text, right_text, count) == 0);
        }
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
        CHECK(built.position == message->bytes.length);
        CHECK(memcmp(built_bytes, message->bytes.bytes, built.position) == 0);
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
        } else {
            CHECK(fault.status == status && fault.reason[0] != '\0');
            CHECK(fault.offset <= length);
        }
    }
    return 0;
}
