/* What the tests of outside vectors stand on: rows of a file as messages, compared field by field
 * and built anew. The folder of vectors is TILLWAY_VECTORS, or shared/vectors beside the source
 * tree; a test skips, saying so, when it is not there. */
#pragma once

#include "tests/unit/unit_test.h"

#include <iconv.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "config/file_text.h"
#include "config/yaml_file.h"
#include "protocols/iso8583/message.h"

#define FRAME_BYTES_MAX 2048

/* A row of a vector file, with its frame cut down to the message. */
struct vector {
    json_t *row;
    const char *id;
    uint8_t bytes[FRAME_BYTES_MAX];
    struct byte_view message;
};

static inline struct spec *compile_file(const char *path)
{
    struct document *document = file_text_load_yaml(path);
    struct spec *spec = spec_compile(document);
    for (uint32_t i = 0; i < document_fault_count(document); i++) {
        print_error("%s\n", document_fault_text(document, i));
    }
    document_destroy(document);
    assert_non_null(spec);
    return spec;
}

static inline struct spec *unionpay(void)
{
    return compile_file(TILLWAY_SOURCE_DIR "/config/specs/unionpay-pos.yaml");
}

static inline struct spec *ascii(void)
{
    return compile_file(TILLWAY_SOURCE_DIR "/config/specs/iso8583-1987-ascii.yaml");
}

static inline FILE *open_vectors(const char *name)
{
    const char *folder = getenv("TILLWAY_VECTORS");
    char path[512];
    snprintf(path, sizeof(path), "%s/%s",
             folder != NULL ? folder : TILLWAY_SOURCE_DIR "/../shared/vectors", name);
    FILE *file = fopen(path, "r");
    if (file == NULL) {
        print_message("no vectors at %s: skipped\n", path);
        skip();
    }
    return file;
}

static inline const char *text_of(const json_t *row, const char *key)
{
    const char *text = json_string_value(json_object_get(row, key));
    return text != NULL ? text : "";
}

/* The message of a UnionPay row: length and TPDU taken off, a header put before a bare one. */
static inline void cut_unionpay(struct vector *vector, struct byte_writer *writer)
{
    const char *framing = text_of(vector->row, "framing");
    uint32_t before = 5;
    if (strncmp(framing, "len", 3) == 0 || strncmp(framing, "2-byte", 6) == 0) {
        before = 7;
    }
    if (strcmp(framing, "bare") == 0) {
        memmove(vector->bytes + 6, vector->bytes, writer->position);
        memset(vector->bytes, 0, 6);
        vector->message = (struct byte_view){vector->bytes, writer->position + 6};
        return;
    }
    vector->message = (struct byte_view){vector->bytes + before, writer->position - before};
}

/* The next row that has a frame; false at the end of the file. */
static inline bool next_vector(FILE *file, struct vector *vector)
{
    static char line[32768];
    while (fgets(line, sizeof(line), file) != NULL) {
        json_decref(vector->row);
        vector->row = json_loads(line, JSON_ALLOW_NUL, NULL);
        assert_non_null(vector->row);
        vector->id = text_of(vector->row, "id");
        const char *hex = text_of(vector->row, "hex");
        struct byte_writer writer;
        byte_writer_init(&writer, vector->bytes, sizeof(vector->bytes) - 6);
        if (hex[0] == '\0') {
            continue;
        }
        assert_int_equal(bytes_from_hex(&writer, hex, (uint32_t)strlen(hex)), STATUS_OK);
        vector->message = (struct byte_view){vector->bytes, writer.position};
        if (strncmp(vector->id, "cup-", 4) == 0 || json_object_get(vector->row, "kind") != NULL) {
            cut_unionpay(vector, &writer);
        }
        return true;
    }
    json_decref(vector->row);
    vector->row = NULL;
    return false;
}

static inline void to_gbk(char *gbk, size_t size, const char *utf8)
{
    iconv_t converter = iconv_open("GBK", "UTF-8");
    assert_true(converter != (iconv_t)-1);
    char *from = (char *)(uintptr_t)utf8;
    size_t from_left = strlen(utf8);
    char *to = gbk;
    size_t to_left = size - 1;
    assert_true(iconv(converter, &from, &from_left, &to, &to_left) != (size_t)-1);
    *to = '\0';
    iconv_close(converter);
}

/* Whether the value of a field is what the row says, as text (D for =) or in hex. */
static inline bool value_matches(const struct message *message, unsigned field,
                                 const char *expected)
{
    static char text[FRAME_BYTES_MAX];
    static char hex[2 * FRAME_BYTES_MAX + 1];
    static char gbk[FRAME_BYTES_MAX];
    const uint32_t count = message_text(message, field, text, sizeof(text));
    bytes_to_hex(hex, text, count);
    if (strcmp(hex, expected) == 0 || strcmp(text, expected) == 0) {
        return true;
    }
    to_gbk(gbk, sizeof(gbk), expected);
    if (message->spec->fields[field].content == SPEC_Z) {
        for (char *at = strchr(gbk, 'D'); at != NULL; at = strchr(at, 'D')) {
            *at = '=';
        }
    }
    return strcmp(text, gbk) == 0 && strlen(gbk) == count;
}

static inline void compare_fields(const struct vector *vector, const struct message *message)
{
    const char *key;
    json_t *value;
    unsigned named = 0;
    json_object_foreach(json_object_get(vector->row, "fields"), key, value)
    {
        char *end;
        const unsigned field = (unsigned)strtoul(key, &end, 10);
        if (*end != '\0') {
            continue; /* TPDU, HEAD, bitmap, … */
        }
        if (field == 0) {
            assert_string_equal(message->mti, json_string_value(value));
        } else if (!message_has(message, field) ||
                   !value_matches(message, field, json_string_value(value))) {
            fail_msg("%s: field %u is not %s", vector->id, field, json_string_value(value));
        }
        named += field >= 2;
    }
    const unsigned present = (unsigned)(__builtin_popcountll(message->present[0]) +
                                        __builtin_popcountll(message->present[1]));
    if (present != named) {
        fail_msg("%s: %u fields, %u expected", vector->id, present, named);
    }
}

/* Builds the message anew from what was read. */
static inline void compare_rebuilt(const struct vector *vector, const struct message *message)
{
    static char values[2 * FRAME_BYTES_MAX];
    static uint8_t bytes[FRAME_BYTES_MAX];
    struct message_draft draft;
    uint32_t used = 0;
    message_draft_init(&draft, message->spec, message->mti);
    draft.header = message_header(message);
    for (unsigned field = 2; field <= SPEC_FIELD_MAX; field++) {
        if (message_has(message, field)) {
            const uint32_t count =
                message_text(message, field, values + used, (uint32_t)sizeof(values) - used);
            message_draft_set(&draft, field, values + used, count);
            used += count + 1;
        }
    }
    struct byte_writer writer;
    struct message_fault fault;
    byte_writer_init(&writer, bytes, sizeof(bytes));
    if (message_build(&draft, &writer, NULL, &fault) != STATUS_OK) {
        fail_msg("%s: %s", vector->id, fault.reason);
    }
    assert_int_equal(writer.position, vector->message.length);
    assert_memory_equal(bytes, vector->message.bytes, writer.position);
}

static inline void check_good(const struct vector *vector, const struct spec *spec)
{
    static struct message message;
    struct message_fault fault;
    if (message_parse(&message, spec, vector->message, &fault) != STATUS_OK) {
        fail_msg("%s: %s", vector->id, fault.reason);
    }
    compare_fields(vector, &message);
    if (message.pad_fault_count == 0) {
        compare_rebuilt(vector, &message);
    }
    static char text[16384];
    message_describe(&message, text, sizeof(text));
    assert_true(strlen(text) > 0);
}
