/* Outside judges of everything else a spec can say: 1987 and 1993 in characters and in bytes,
 * EBCDIC, third bitmaps, parts inside fields, single fields, and messages that are cut off or
 * mis-built. */
#include "tests/unit/protocols/iso8583/vectors_stage.h"

#include "protocols/frame.h"
#include "protocols/iso8583/parts.h"

/* Rows, the file or the text of their spec, and bytes of theirs before the message. */
static const struct {
    const char *id, *spec;
    uint32_t before;
} ROWS[] = {
    {"jpos-iso87b-full", "iso8583-1987-binary", 0},
    {"jpos-iso87b-f64", "iso8583-1987-binary", 0},
    {"jpos-iso93a-full", "iso8583-1993-ascii", 0},
    {"jpos-iso93b-full", "iso8583-1993-binary", 0},
    {"moov-dat-iso-reversal-message-advice", "iso8583-1987-ascii", 0},
    {"moov-third-bitmap",
     "{name: t, mti: ascii, bitmap: {coding: hex, secondary: true, third: 65}, "
     "fields: {130: {name: f130, format: n1}}}",
     0},
    {"nac-0200-emv-sg",
     "{name: nac, mti: bcd, bitmap: {coding: binary}, codings: {n: bcd, z: bcd, length: bcd}, "
     "fields: {3: {name: f3, format: n6}, 4: {name: f4, format: n12}, 11: {name: f11, format: n6}, "
     "22: {name: f22, format: n3, align: right}, 23: {name: f23, format: n3, align: right}, "
     "24: {name: f24, format: n3, align: right}, 25: {name: f25, format: n2}, "
     "35: {name: f35, format: z..37 LL}, 41: {name: f41, format: ans8}, "
     "42: {name: f42, format: ans15}, 55: {name: f55, format: b..255 LLL}, "
     "62: {name: f62, format: ans..99 LLL}}}",
     5},
    {"jpos-postilion-0620",
     "{name: postilion, mti: ascii, bitmap: {coding: binary, secondary: true}, fields: {"
     "3: {name: f3, format: n6}, 7: {name: f7, format: n10}, 11: {name: f11, format: n6}, "
     "12: {name: f12, format: n6}, 13: {name: f13, format: n4}, 41: {name: f41, format: ans8}, "
     "127: {name: f127, format: b..9999 LLLLLL, parts: {style: bitmap, bitmap: 8, elements: {"
     "2: {name: switch_key, format: ans..32 LL}, 25: {name: icc, format: ans..9999 LLLL}}}}}}",
     0},
    {"jpos-iso93-ebcdic-1100",
     "{name: ebcdic, header: 9, mti: ebcdic-037, bitmap: {coding: hex-ebcdic}, "
     "codings: {n: ebcdic-037, text: ebcdic-037, length: ebcdic-037, b: binary}, fields: {"
     "2: {name: f2, format: n..19 LL}, 3: {name: f3, format: n6}, 4: {name: f4, format: n12}, "
     "7: {name: f7, format: n10}, 11: {name: f11, format: n6}, 12: {name: f12, format: n12}, "
     "14: {name: f14, format: n4}, 20: {name: f20, format: n3}, 22: {name: f22, format: an12}, "
     "24: {name: f24, format: n3}, 26: {name: f26, format: n4}, 32: {name: f32, format: n..11 LL}, "
     "37: {name: f37, format: an12}, 41: {name: f41, format: ans8}, 42: {name: f42, format: "
     "ans15}, "
     "49: {name: f49, format: an3}, 55: {name: f55, format: b..255 LLL, parts: {style: bitmap, "
     "skip: 1, bitmap: 4, bitmap_coding: hex-ebcdic, elements: {1: {name: p1, format: b8}, "
     "2: {name: p2, format: b3}, 3: {name: p3, format: b1}, 4: {name: p4, format: b4}, "
     "5: {name: p5, format: b2}, 6: {name: p6, format: b5}, 8: {name: p8, format: b4}, "
     "9: {name: p9, format: n2}, 10: {name: p10, format: n3}, 12: {name: p12, format: n3}, "
     "13: {name: p13, format: n12}, 14: {name: p14, format: b8}, 17: {name: p17, format: n6}, "
     "18: {name: p18, format: n12}, 20: {name: p20, format: n1}, 22: {name: p22, format: b..32 LL}"
     "}}}}}",
     0},
    {"traderoute-0800-echo",
     "{name: traderoute, mti: ascii, bitmap: {coding: binary, secondary: true, third: 127}, "
     "fields: {"
     "7: {name: f7, format: n10}, 11: {name: f11, format: n6}, 12: {name: f12, format: n6}, "
     "13: {name: f13, format: n4}, 70: {name: f70, format: n3}, 138: {name: f138, format: n..9 "
     "LLL}, "
     "170: {name: f170, format: b..999 LLL, parts: {style: list, codings: {length: binary}, "
     "elements: "
     "{1: {name: name, format: b..999 LLL, parts: {style: list, codings: {length: binary}, "
     "elements: {1: {name: text, format: "
     "ans..99 LLL}}}}, 2: {name: rest, format: b..999 LLL}, 3: {name: end, format: an2}}}}}}",
     0},
};

/* The file of 1993 in characters, but for field 56: the row has letters there, against the book. */
static struct spec *compile_with_letters(void)
{
    static const char book[] = "name: original_elements, format: n..35 LL";
    static const char row[] = "name: original_elements, format: an..35 LL";
    static char text[65536];
    FILE *file = fopen(TILLWAY_SOURCE_DIR "/config/specs/iso8583-1993-ascii.yaml", "r");
    assert_non_null(file);
    const size_t length = fread(text, 1, sizeof(text) - 2, file);
    fclose(file);
    text[length] = '\0';
    char *at = strstr(text, book);
    assert_non_null(at);
    memmove(at + sizeof(row) - 1, at + sizeof(book) - 1,
            length - (size_t)(at - text) - sizeof(book) + 2);
    memcpy(at, row, sizeof(row) - 1);
    struct document *document = yaml_file_parse("letters", text, (uint32_t)strlen(text));
    struct spec *spec = spec_compile(document);
    assert_non_null(spec);
    document_destroy(document);
    return spec;
}

static struct spec *compile_row(const char *text)
{
    char path[512];
    if (strcmp(text, "iso8583-1993-ascii") == 0) {
        return compile_with_letters();
    }
    if (text[0] != '{') {
        snprintf(path, sizeof(path), TILLWAY_SOURCE_DIR "/config/specs/%s.yaml", text);
        return compile_file(path);
    }
    struct document *document = yaml_file_parse("inline", text, (uint32_t)strlen(text));
    assert_non_null(document);
    struct spec *spec = spec_compile(document);
    for (uint32_t i = 0; i < document_fault_count(document); i++) {
        print_error("%s\n", document_fault_text(document, i));
    }
    document_destroy(document);
    assert_non_null(spec);
    return spec;
}

/* The row called `id`, which there must be; its bytes without the first `before`. */
static void load_row(struct vector *vector, const char *id, uint32_t before)
{
    FILE *file = open_vectors("iso8583.jsonl");
    *vector = (struct vector){.row = NULL};
    while (next_vector(file, vector)) {
        if (strcmp(vector->id, id) == 0) {
            vector->message.bytes += before;
            vector->message.length -= before;
            fclose(file);
            return;
        }
    }
    fail_msg("no row %s", id);
}

/* Whether the row names parts as we do; one numbers them from 0 in lists of its own. */
static bool has_parts_named(const struct vector *vector)
{
    return strcmp(vector->id, "traderoute-0800-echo") != 0;
}

/* Compares the parts of a field with the members "55.1" of a row; answers how many there were. */
static unsigned compare_parts(const struct vector *vector, const struct spec *spec,
                              const struct message *message, unsigned field)
{
    const struct spec_parts *parts = spec_parts_of(spec, field);
    static char text[4096];
    struct parts_reader reader;
    struct parts_element element;
    struct parts_fault fault;
    unsigned count = 0;
    if (parts == NULL) {
        return 0;
    }
    if (!parts_open(&reader, spec, parts, message_raw(message, field))) {
        return 0; /* somebody else's content */
    }
    enum status status;
    while ((status = parts_next(&reader, &element, &fault)) == STATUS_OK) {
        char key[16], hex[1024];
        snprintf(key, sizeof(key), "%u.%s", field, element.tag);
        const uint32_t length = parts_text(&element, text, sizeof(text));
        bytes_to_hex(hex, text, length < 500 ? length : 500);
        const char *expected =
            has_parts_named(vector) ? text_of(json_object_get(vector->row, "fields"), key) : "";
        if (expected[0] != '\0' && strcmp(expected, text) != 0 && strcmp(expected, hex) != 0) {
            fail_msg("%s: %s is not %s", vector->id, key, expected);
        }
        count += expected[0] != '\0';
    }
    if (status != STATUS_NOT_FOUND) {
        fail_msg("%s: field %u %s", vector->id, field, fault.reason);
    }
    return count;
}

/* The fields of a row that are whole numbers, and those of its parts. */
static void compare_row(const struct vector *vector, const struct spec *spec,
                        const struct message *message)
{
    const char *key;
    json_t *value;
    unsigned wanted = 0, found = 0;
    json_object_foreach(json_object_get(vector->row, "fields"), key, value)
    {
        char *end;
        const unsigned field = (unsigned)strtoul(key, &end, 10);
        const bool is_odd = strcmp(vector->id, "jpos-iso93b-full") == 0 && field == 56;
        wanted += *end == '.' && strncmp(end, ".0", 2) != 0;
        if (*end != '\0' || field < 2 || is_odd) { /* its letters were packed as digits */
            continue;
        }
        const char *text = json_string_value(value);
        if (!message_has(message, field) || !value_matches(message, field, text)) {
            fail_msg("%s: field %u is not %s", vector->id, field, text);
        }
    }
    for (unsigned field = 2; field <= SPEC_FIELD_MAX; field++) {
        if (message_has(message, field)) {
            found += compare_parts(vector, spec, message, field);
        }
    }
    if (has_parts_named(vector)) {
        assert_int_equal(found, wanted);
    }
}

static void test_rows_of_all_kinds_are_read_and_rebuilt(void **state)
{
    (void)state;
    static struct message message;
    static char text[16384];
    for (size_t i = 0; i < COUNT_OF(ROWS); i++) {
        struct vector vector;
        struct message_fault fault = {.reason = ""};
        load_row(&vector, ROWS[i].id, ROWS[i].before);
        struct spec *spec = compile_row(ROWS[i].spec);
        if (message_parse(&message, spec, vector.message, &fault) != STATUS_OK) {
            fail_msg("%s: %s", vector.id, fault.reason);
        }
        compare_row(&vector, spec, &message);
        compare_rebuilt(&vector, &message);
        message_describe(&message, text, sizeof(text));
        assert_true(strlen(text) > 0);
        json_decref(vector.row);
        spec_destroy(spec);
    }
}

static void test_parts_inside_parts_are_read(void **state)
{
    (void)state;
    static struct message message;
    struct vector vector;
    struct message_fault fault;
    struct parts_reader reader;
    struct parts_element outer, inner;
    struct parts_fault parts_fault;
    char text[128];
    load_row(&vector, "traderoute-0800-echo", 0);
    struct spec *spec = compile_row(ROWS[COUNT_OF(ROWS) - 1].spec);
    const enum status parsed = message_parse(&message, spec, vector.message, &fault);
    assert_string_equal(parsed == STATUS_OK ? "" : fault.reason, "");
    assert_true(parts_open(&reader, spec, spec_parts_of(spec, 170), message_raw(&message, 170)));
    assert_int_equal(parts_next(&reader, &outer, &parts_fault), STATUS_OK);
    const struct spec_parts *below = &spec->parts[outer.part->field.parts - 1];
    assert_int_equal(below->depth, 2);
    assert_true(parts_open(&reader, spec, below, outer.value));
    assert_int_equal(parts_next(&reader, &inner, &parts_fault), STATUS_OK);
    parts_text(&inner, text, sizeof(text));
    assert_string_equal(text, "TraderootQA.PSP.Secure.EftSwitch");
    json_decref(vector.row);
    spec_destroy(spec);
}

static void test_single_tracks_name_their_separator(void **state)
{
    (void)state;
    static const char *const ids[] = {"moov-track2-0", "moov-track2-1"};
    struct spec *spec = compile_row("{name: track, mti: ascii, bitmap: {coding: binary}, fields: "
                                    "{35: {name: track2, format: z..37 LL}}}");
    for (size_t i = 0; i < COUNT_OF(ids); i++) {
        static const uint8_t head[] = {'0', '2', '0', '0', 0, 0, 0, 0, 0x20, 0, 0, 0};
        uint8_t bytes[128];
        struct vector vector;
        struct message message;
        struct message_fault fault;
        char track[64], expected[128];
        load_row(&vector, ids[i], 0);
        memcpy(bytes, head, sizeof(head));
        memcpy(bytes + sizeof(head), vector.message.bytes, vector.message.length);
        struct byte_view view = {bytes, (uint32_t)sizeof(head) + vector.message.length};
        assert_int_equal(message_parse(&message, spec, view, &fault), STATUS_OK);
        message_text(&message, 35, track, sizeof(track));
        const json_t *fields = json_object_get(vector.row, "fields");
        snprintf(expected, sizeof(expected), "%s=%s%s%s", text_of(fields, "35.pan"),
                 text_of(fields, "35.exp"), text_of(fields, "35.svc"), text_of(fields, "35.disc"));
        assert_string_equal(track, expected);
        json_decref(vector.row);
    }
    spec_destroy(spec);
}

static void test_chip_tags_are_walked_to_the_last_byte(void **state)
{
    (void)state;
    struct vector vector;
    struct parts_reader reader;
    struct parts_element element;
    struct parts_fault fault;
    unsigned count = 0;
    load_row(&vector, "moov-emv-de55", 0);
    struct spec *spec = compile_row(
        "{name: emv, mti: ascii, bitmap: {coding: binary}, fields: {55: {name: icc, format: b..999 "
        "LLL, parts: {style: ber, elements: {9F02: {name: amount, format: n12, coding: bcd}}}}}}");
    const json_t *fields = json_object_get(vector.row, "fields");
    assert_true(parts_open(&reader, spec, spec_parts_of(spec, 55), vector.message));
    enum status status;
    while ((status = parts_next(&reader, &element, &fault)) == STATUS_OK) {
        char hex[2048];
        bytes_to_hex(hex, element.value.bytes, element.value.length);
        const char *expected = text_of(fields, element.tag);
        if (expected[0] != '\0') {
            assert_string_equal(hex, expected);
            count++;
        }
        if (strcmp(element.tag, "9F02") == 0) {
            char amount[16];
            parts_text(&element, amount, sizeof(amount));
            assert_string_equal(amount, "000000000100");
        }
    }
    assert_string_equal(status == STATUS_NOT_FOUND ? "" : fault.reason, "");
    assert_true(count >= 25);
    json_decref(vector.row);
    spec_destroy(spec);
}

static void test_frames_that_are_cut_off_wait_for_the_rest(void **state)
{
    (void)state;
    static const char *const ids[] = {"cup-0800-download-aid", "zk-wrong-length-negative"};
    const struct framing framing = {
        .length_kind = FRAME_BINARY_2, .has_tpdu = true, .length_max = FRAME_LENGTH_MAX};
    for (size_t i = 0; i < COUNT_OF(ids); i++) {
        struct vector vector;
        struct frame frame;
        struct frame_fault fault;
        uint32_t used = 0;
        load_row(&vector, ids[i], 0);
        const struct byte_view whole = {vector.bytes,
                                        (uint32_t)strlen(text_of(vector.row, "hex")) / 2};
        assert_int_equal(frame_parse(&frame, &used, &framing, whole, &fault), STATUS_TRUNCATED);
        json_decref(vector.row);
    }
}

static void test_a_frame_in_http_is_unwrapped_and_read(void **state)
{
    (void)state;
    struct vector vector;
    struct frame frame;
    struct frame_fault fault;
    struct message_fault message_fault = {.reason = ""};
    static struct message message;
    uint32_t used = 0;
    const struct framing framing = {.length_kind = FRAME_BINARY_2,
                                    .has_tpdu = true,
                                    .may_be_http = true,
                                    .length_max = FRAME_LENGTH_MAX};
    load_row(&vector, "cup-http-wrapped-0800", 0);
    const struct byte_view whole = {vector.bytes, (uint32_t)strlen(text_of(vector.row, "hex")) / 2};
    assert_int_equal(frame_parse(&frame, &used, &framing, whole, &fault), STATUS_OK);
    assert_true(frame.is_http);
    assert_int_equal(used, whole.length);
    struct spec *spec = unionpay();
    const enum status status = message_parse(&message, spec, frame.message, &message_fault);
    assert_string_equal(message_fault.reason, "");
    assert_int_equal(status, STATUS_OK);
    assert_string_equal(message.mti, "0800");
    json_decref(vector.row);
    spec_destroy(spec);
}

static void test_misbuilt_rows_harm_nobody(void **state)
{
    (void)state;
    static const char *const ids[] = {"moov-dat-iso-reversal-message-response",
                                      "moov-dat-iso-reversal-repeat-message"};
    static struct message message;
    static char text[16384];
    struct spec *spec = ascii();
    for (size_t i = 0; i < COUNT_OF(ids); i++) {
        struct vector vector;
        struct message_fault fault = {.reason = ""};
        load_row(&vector, ids[i], 0);
        enum status status = message_parse(&message, spec, vector.message, &fault);
        assert_true(status >= STATUS_OK && (status == STATUS_OK) == (fault.reason[0] == '\0'));
        message_describe(&message, text, sizeof(text));
        json_decref(vector.row);
    }
    spec_destroy(spec);
}

static void test_a_pad_nibble_that_is_counted_is_still_a_message(void **state)
{
    (void)state;
    static struct message message;
    struct vector vector;
    struct message_fault fault = {.reason = ""};
    load_row(&vector, "cup-codetd-0200-emv", 0);
    struct spec *spec = unionpay();
    assert_int_equal(message_parse(&message, spec, vector.message, &fault), STATUS_OK);
    const json_t *fields = json_object_get(vector.row, "fields");
    assert_true(value_matches(&message, 59, text_of(fields, "59")));
    assert_true(value_matches(&message, 55, text_of(fields, "55")));
    json_decref(vector.row);
    spec_destroy(spec);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_rows_of_all_kinds_are_read_and_rebuilt),
        cmocka_unit_test(test_parts_inside_parts_are_read),
        cmocka_unit_test(test_single_tracks_name_their_separator),
        cmocka_unit_test(test_chip_tags_are_walked_to_the_last_byte),
        cmocka_unit_test(test_frames_that_are_cut_off_wait_for_the_rest),
        cmocka_unit_test(test_a_frame_in_http_is_unwrapped_and_read),
        cmocka_unit_test(test_misbuilt_rows_harm_nobody),
        cmocka_unit_test(test_a_pad_nibble_that_is_counted_is_still_a_message),
    };
    return cmocka_run_group_tests_name("protocols/iso8583/vectors_other", tests, NULL, NULL);
}
