/* What the tests of messages stand on: the two dialects, a buffer, a message. */
#pragma once

#include "tests/unit/unit_test.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "config/file_text.h"
#include "config/yaml_file.h"
#include "protocols/iso8583/message.h"

#define PAN "6225000000000014"
#define MESSAGE_MAX 2048

/* What most tests stand on. */
struct stage {
    struct spec *pos;  /* unionpay-pos */
    struct spec *bank; /* iso8583-1987-ascii */
    uint8_t bytes[MESSAGE_MAX];
    struct byte_view view;
    struct message message;
    struct message_fault fault;
};

static inline struct spec *compile_file(const char *path)
{
    struct document *document = file_text_load_yaml(path);
    struct spec *spec = spec_compile(document);
    assert_non_null(spec);
    document_destroy(document);
    return spec;
}

static inline struct spec *compile(const char *text)
{
    struct document *document = yaml_file_parse("x", text, (uint32_t)strlen(text));
    struct spec *spec = spec_compile(document);
    for (uint32_t i = 0; i < document_fault_count(document); i++) {
        print_error("%s\n", document_fault_text(document, i));
    }
    assert_non_null(spec);
    document_destroy(document);
    return spec;
}

static inline int stage_open(void **state)
{
    struct stage *stage = calloc(1, sizeof(*stage));
    stage->pos = compile_file(TILLWAY_SOURCE_DIR "/config/specs/unionpay-pos.yaml");
    stage->bank = compile_file(TILLWAY_SOURCE_DIR "/config/specs/iso8583-1987-ascii.yaml");
    *state = stage;
    return 0;
}

static inline int stage_close(void **state)
{
    struct stage *stage = *state;
    spec_destroy(stage->pos);
    spec_destroy(stage->bank);
    free(stage);
    return 0;
}

/* Parses hex as a message of the POS dialect, behind a header of our own. */
static inline enum status parse_pos(struct stage *stage, const char *hex)
{
    struct byte_writer writer;
    byte_writer_init(&writer, stage->bytes, sizeof(stage->bytes));
    assert_int_equal(bytes_from_hex(&writer, "603200310000", 12), STATUS_OK);
    assert_int_equal(bytes_from_hex(&writer, hex, (uint32_t)strlen(hex)), STATUS_OK);
    stage->view = (struct byte_view){stage->bytes, writer.position};
    stage->fault = (struct message_fault){0};
    return message_parse(&stage->message, stage->pos, stage->view, &stage->fault);
}

static inline enum status parse_text(struct stage *stage, const struct spec *spec, const char *text)
{
    const uint32_t length = (uint32_t)strlen(text);
    memcpy(stage->bytes, text, length);
    stage->view = (struct byte_view){stage->bytes, length};
    stage->fault = (struct message_fault){0};
    return message_parse(&stage->message, spec, stage->view, &stage->fault);
}

static inline void assert_refused(const struct stage *stage, enum status status, unsigned field,
                                  const char *reason)
{
    assert_string_equal(stage->fault.reason, reason);
    assert_int_equal(stage->fault.status, status);
    assert_int_equal(stage->fault.field, field);
}

static inline void assert_text(const struct message *message, unsigned field, const char *expected)
{
    char text[SPEC_COUNT_MAX + 1];
    assert_true(message_has(message, field));
    assert_int_equal(message_text(message, field, text, sizeof(text)), strlen(expected));
    assert_string_equal(text, expected);
}

#define STORY(test) cmocka_unit_test_setup_teardown(test, stage_open, stage_close)
