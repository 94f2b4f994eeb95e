/* Specs: what a YAML file says of fields, and what is said of a faulty file. */
#include "tests/unit/unit_test.h"

#include <stdio.h>
#include <string.h>

#include "config/file_text.h"
#include "config/yaml_file.h"
#include "protocols/iso8583/spec.h"

#define HEAD "name: x\nmti: ascii\nbitmap: {coding: binary}\n"

static struct document *parse(const char *text)
{
    struct document *document = yaml_file_parse("x", text, (uint32_t)strlen(text));
    assert_non_null(document);
    return document;
}

static struct spec *compile(const char *text)
{
    struct document *document = parse(text);
    struct spec *spec = spec_compile(document);
    for (uint32_t i = 0; i < document_fault_count(document); i++) {
        print_error("%s\n", document_fault_text(document, i));
    }
    document_destroy(document);
    assert_non_null(spec);
    return spec;
}

static void assert_fault(const char *text, const char *fault)
{
    struct document *document = parse(text);
    assert_null(spec_compile(document));
    assert_true(document_fault_count(document) >= 1);
    assert_string_equal(document_fault_text(document, 0), fault);
    document_destroy(document);
}

static struct spec *compile_file(const char *path)
{
    struct document *document = file_text_load_yaml(path);
    struct spec *spec = spec_compile(document);
    assert_int_equal(document_fault_count(document), 0);
    document_destroy(document);
    return spec;
}

static void test_the_unionpay_file_says_how_fields_stand(void **state)
{
    (void)state;
    struct spec *spec = compile_file(TILLWAY_SOURCE_DIR "/config/specs/unionpay-pos.yaml");
    assert_string_equal(spec->name, "unionpay-pos");
    assert_int_equal(spec->header_bytes, 6);
    assert_int_equal(spec->mti_coding, SPEC_BCD);
    assert_int_equal(spec->bitmap_coding, SPEC_BINARY);
    assert_false(spec->may_have_secondary);
    assert_int_equal(spec_mac_field(spec, false), 64);
    assert_int_equal(spec->fields[22].coding, SPEC_BCD);
    assert_true(spec->fields[22].is_left);
    assert_false(spec->fields[23].is_left);
    assert_int_equal(spec->fields[35].length_digits, 2);
    assert_int_equal(spec->rows[35].prefix_bytes, 1);
    assert_int_equal(spec->rows[36].prefix_bytes, 2);
    assert_int_equal(spec->fields[62].content, SPEC_B);
    assert_int_equal(spec->fields[62].count, 512);
    assert_int_equal(spec->fields[2].secrecy, SPEC_MASKED);
    assert_int_equal(spec->fields[35].secrecy, SPEC_HIDDEN);
    assert_int_equal(spec->fields[56].characters, SPEC_CHARACTERS_GBK);
    assert_int_equal(spec->fields[5].name[0], '\0');
    assert_int_equal(spec->rows[5].kind, SPEC_ROW_ABSENT);
    spec_destroy(spec);
}

static void test_secrets_are_hidden_in_every_file(void **state)
{
    (void)state;
    static const char *const files[] = {"unionpay-pos", "iso8583-1987-ascii"};
    static const unsigned secrets[] = {14, 35, 36, 48, 52, 55, 62};
    for (size_t i = 0; i < COUNT_OF(files); i++) {
        char path[256];
        snprintf(path, sizeof(path), "%s/config/specs/%s.yaml", TILLWAY_SOURCE_DIR, files[i]);
        struct spec *spec = compile_file(path);
        for (size_t k = 0; k < COUNT_OF(secrets); k++) {
            assert_int_equal(spec->fields[secrets[k]].secrecy, SPEC_HIDDEN);
        }
        assert_int_equal(spec->fields[2].secrecy, SPEC_MASKED);
        spec_destroy(spec);
    }
}

static void test_the_mac_stands_last_with_and_without_second_bitmap(void **state)
{
    (void)state;
    struct spec *spec = compile_file(TILLWAY_SOURCE_DIR "/config/specs/iso8583-1987-ascii.yaml");
    assert_int_equal(spec_mac_field(spec, false), 64);
    assert_int_equal(spec_mac_field(spec, true), 128);
    spec_destroy(spec);
    spec = compile(HEAD "fields: {3: {name: p, format: n6}}\n");
    assert_int_equal(spec_mac_field(spec, false), 0);
    spec_destroy(spec);
}

static void test_formats_are_read_as_iso_writes_them(void **state)
{
    (void)state;
    struct spec *spec = compile(HEAD "codings: {b: hex, length: bcd}\n"
                                     "fields:\n"
                                     "  3: {name: a3, format: n6}\n"
                                     "  4: {name: a4, format: ans..999 LLL, length_coding: ascii}\n"
                                     "  5: {name: a5, format: b..16 LL}\n"
                                     "  6: {name: a6, format: xn9}\n"
                                     "  7: {name: a7, format: a4}\n"
                                     "  8: {name: a8, format: z..37 LL, coding: bcd}\n"
                                     "  9: {name: a9, format: b3, coding: binary}\n"
                                     "  10: {name: a10, format: n..9 L, coding: bcd,"
                                     " length_counts: bytes}\n"
                                     "  11: {name: a11, format: an..9999 LLLLLL}\n");
    const struct {
        unsigned number, kind, prefix_bytes, count;
    } rows[] = {
        {3, SPEC_ROW_DIGITS, 0, 6}, {4, SPEC_ROW_PRINT, 3, 999}, {5, SPEC_ROW_HEX, 1, 16},
        {6, SPEC_ROW_SIGNED, 0, 9}, {7, SPEC_ROW_ALPHA, 0, 4},   {8, SPEC_ROW_TRACK_BCD, 1, 37},
        {9, SPEC_ROW_BYTES, 0, 3},  {10, SPEC_ROW_BCD, 1, 9},    {11, SPEC_ROW_ALNUM, 3, 9999},
    };
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        const struct spec_row *row = &spec->rows[rows[i].number];
        assert_int_equal(row->kind, rows[i].kind);
        assert_int_equal(row->prefix_bytes, rows[i].prefix_bytes);
        assert_int_equal(row->count, rows[i].count);
    }
    assert_true(spec->rows[10].prefix_counts_bytes);
    assert_int_equal(spec->rows[4].prefix, SPEC_PREFIX_ASCII);
    spec_destroy(spec);
}

static void test_a_wrong_format_is_shown_a_right_one(void **state)
{
    (void)state;
    static const char *const formats[] = {
        "",          "6",     "m6",      "n",      "n0",  "n..19", "n..19 ",       "n..19 M",
        "n..19 LLX", "n6 LL", "n..19LL", "n10000", "na6", "n6x",   "n..9 LLLLLLL", "n123456"};
    for (size_t i = 0; i < COUNT_OF(formats); i++) {
        char text[256];
        char fault[256];
        snprintf(text, sizeof(text), HEAD "fields: {3: {name: p, format: \"%s\"}}\n", formats[i]);
        if (formats[i][0] == '\0') {
            assert_fault(text, "x:4:23: \"format\" is empty");
            continue;
        }
        snprintf(fault, sizeof(fault),
                 "x:4:10: \"%s\" is no format of field 3: n6 is six digits, n..19 LL at most "
                 "nineteen behind a two-digit length",
                 formats[i]);
        assert_fault(text, fault);
    }
}

static void test_faults_of_fields_have_their_place(void **state)
{
    (void)state;
    assert_fault(HEAD "fields: {1: {name: p, format: n6}}\n",
                 "x:4:10: \"1\" is no field number; 2 to 64 was expected");
    assert_fault(HEAD "fields: {65: {name: p, format: n6}}\n",
                 "x:4:10: \"65\" is no field number; 2 to 64 was expected");
    assert_fault(HEAD "fields: {03: {name: p, format: n6}}\n",
                 "x:4:10: \"03\" is no field number; 2 to 64 was expected");
    assert_fault(HEAD "fields: {3: n6}\n",
                 "x:4:10: field 3 must be a mapping with name and format");
    assert_fault(HEAD "fields: {3: {format: n6}}\n", "x:4:10: \"name\" is missing");
    assert_fault(HEAD "fields: {3: {name: p}}\n", "x:4:10: \"format\" is missing");
    assert_fault(HEAD "fields: {3: {name: p, format: n6}, 4: {name: p, format: n6}}\n",
                 "x:4:36: field 3 has the name \"p\" already");
    assert_fault(HEAD "fields: {3: {name: p, format: n6, aling: left}}\n",
                 "x:4:35: \"aling\" is not known here; did you mean \"align\"?");
    assert_fault(HEAD "fields: {3: {name: p, format: n..100 LL}}\n",
                 "x:4:10: a length of 2 digits cannot say 100 (field 3)");
    assert_fault(HEAD "fields: {3: {name: p, format: n6, coding: binary}}\n",
                 "x:4:10: field 3: n cannot stand as binary");
    assert_fault(HEAD "fields: {3: {name: p, format: z6, coding: hex}}\n",
                 "x:4:10: field 3: z cannot stand as hex");
    assert_fault(HEAD "fields: {3: {name: p, format: b6, coding: bcd}}\n",
                 "x:4:10: field 3: b cannot stand as bcd");
    assert_fault(HEAD "fields: {3: {name: p, format: ans6, coding: bcd}}\n",
                 "x:4:10: field 3: ans cannot stand as bcd");
    assert_fault(HEAD "fields: {3: {name: p, format: n..6 LL, length_coding: hex}}\n",
                 "x:4:10: the length of field 3 is ascii, bcd, binary or ebcdic");
    assert_fault(HEAD "fields: {3: {name: a-name-that-is-longer-than-31-bytes, format: n6}}\n",
                 "x:4:10: the name of field 3 is too long: 31 characters at most");
}

static void test_faults_of_the_head_have_their_place(void **state)
{
    (void)state;
    assert_fault("[1]\n", "x:1:1: a spec is a mapping with name, mti, bitmap and fields");
    assert_fault("mti: bcd\nbitmap: {coding: hex}\nfields: {3: {name: p, format: n6}}\n",
                 "x:1:1: \"name\" is missing");
    assert_fault("name: x\nbitmap: {coding: hex}\nfields: {3: {name: p, format: n6}}\n",
                 "x:1:1: \"mti\" is missing");
    assert_fault("name: x\nmti: bcd\nfields: {3: {name: p, format: n6}}\n",
                 "x:1:1: \"bitmap\" is missing");
    assert_fault("name: x\nmti: bcd\nbitmap: {coding: ascii}\nfields: {}\n",
                 "x:3:10: \"coding\" is \"ascii\"; one of binary, hex, hex-ebcdic was expected");
    assert_fault(HEAD, "x:1:1: \"fields\" must map field numbers to their formats");
    assert_fault(HEAD "fields: 3\n", "x:4:1: \"fields\" must map field numbers to their formats");
    assert_fault(HEAD "header: 65\nfields: {}\n",
                 "x:4:1: \"header\" is \"65\"; a whole number from 0 to 64 was expected");
    assert_fault(HEAD "mac: 64\nfields: {64: {name: mac, format: b16}}\n",
                 "x:4:1: the MAC must be field 64, and field 64 of the format b8");
    assert_fault(HEAD "mac: 128\nfields: {64: {name: mac, format: b8}}\n",
                 "x:4:1: the MAC must be field 64, and field 64 of the format b8");
    assert_fault("name: a-name-that-is-longer-than-31-bytes\nmti: bcd\n"
                 "bitmap: {coding: binary}\nfields: {}\n",
                 "x:1:1: the name is too long: 31 characters at most");
}

static void test_all_faults_of_a_file_are_gathered(void **state)
{
    (void)state;
    struct document *document =
        parse("name: x\nmti: asci\nbitmap: {coding: binary}\nfields:\n  2: {name: a, format: q1}\n"
              "  3: {name: b, format: n6, show: maskd}\n  4: {name: c}\n");
    assert_null(spec_compile(document));
    assert_int_equal(document_fault_count(document), 4);
    assert_non_null(strstr(document_fault_text(document, 2), "x:6:"));
    document_destroy(document);
    spec_destroy(NULL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_the_unionpay_file_says_how_fields_stand),
        cmocka_unit_test(test_secrets_are_hidden_in_every_file),
        cmocka_unit_test(test_the_mac_stands_last_with_and_without_second_bitmap),
        cmocka_unit_test(test_formats_are_read_as_iso_writes_them),
        cmocka_unit_test(test_a_wrong_format_is_shown_a_right_one),
        cmocka_unit_test(test_faults_of_fields_have_their_place),
        cmocka_unit_test(test_faults_of_the_head_have_their_place),
        cmocka_unit_test(test_all_faults_of_a_file_are_gathered),
    };
    return cmocka_run_group_tests_name("protocols/iso8583/spec", tests, NULL, NULL);
}
