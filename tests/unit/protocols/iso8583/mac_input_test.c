/* A MAC over chosen fields, joined as a host's document says. */
#include "tests/unit/protocols/iso8583/message_stage.h"

#define HEAD                                                                                       \
    "name: x\nmti: ascii\nbitmap: {coding: binary, secondary: true}\n"                             \
    "codings: {n: ascii, z: ascii, b: binary, length: ascii}\n"
#define FIELDS                                                                                     \
    "fields: {2: {name: pan, format: n..19 LL}, 4: {name: amount, format: n12}, 11: {name: stan, " \
    "format: n6}, 41: {name: terminal, format: ans8}, 43: {name: merchant, format: ans40}, 52: "   \
    "{name: pin, format: b8}, 64: {name: mac, format: b8}, 70: {name: network, format: n3}, 128: " \
    "{name: mac_128, format: b8}}\n"

struct made {
    uint8_t bytes[512], room[MESSAGE_MAC_BYTES_MAX];
    struct byte_view whole, input;
};

/* Builds a message with what is given of fields 2, 4, 11, 41, 43 and 70. */
static void make(struct made *made, const struct spec *spec, const char *mti, const char *merchant,
                 const char *network)
{
    struct message_draft draft;
    struct message_fault fault;
    struct byte_writer writer;
    struct byte_view scope;
    message_draft_init(&draft, spec, mti);
    if (mti[1] != '8') {
        message_draft_set_text(&draft, 2, "6225000000000014");
        message_draft_set_text(&draft, 4, "000000012345");
    }
    message_draft_set_text(&draft, 11, "000007");
    message_draft_set_text(&draft, 41, "t1 ");
    message_draft_set_text(&draft, 43, merchant);
    if (network != NULL) {
        message_draft_set_text(&draft, 70, network);
    }
    byte_writer_init(&writer, made->bytes, sizeof(made->bytes));
    assert_int_equal(message_build(&draft, &writer, &scope, &fault), STATUS_OK);
    made->whole = (struct byte_view){made->bytes, writer.position};
    made->input = message_mac_input_built(spec, made->whole, scope, made->room);
}

static void assert_input(const struct made *made, const struct spec *spec, const char *expected)
{
    uint8_t room[MESSAGE_MAC_BYTES_MAX];
    struct message message;
    struct message_fault fault;
    assert_int_equal(made->input.length, strlen(expected));
    assert_memory_equal(made->input.bytes, expected, strlen(expected));
    /* who verifies makes the same of it */
    assert_int_equal(message_parse(&message, spec, made->whole, &fault), STATUS_OK);
    struct byte_view again = message_mac_input(&message, room);
    assert_int_equal(again.length, made->input.length);
    assert_memory_equal(again.bytes, expected, again.length);
}

static void test_chosen_fields_are_joined_as_x9_9_edits_text(void **state)
{
    (void)state;
    struct spec *spec =
        compile(HEAD FIELDS
                "mac: {field: 128, fields: [mti, 2, 4, 11, 41, 43, 70], network_fields: [mti, 11, "
                "70], join: {separator: \" \", case: upper, keep: x9_9, trim: true, lengths: "
                "true}}\n");
    struct made made;
    make(&made, spec, "0200", "  Caf*e   no.1, east/side ", NULL);
    assert_input(&made, spec, "0200 166225000000000014 000000012345 000007 T1 CAFE NO.1, EASTSIDE");
    make(&made, spec, "0820", "x", "301");
    assert_input(&made, spec, "0820 000007 301");
    spec_destroy(spec);
}

static void test_without_a_join_values_stand_as_they_are_in_the_order_of_the_list(void **state)
{
    (void)state;
    struct spec *spec = compile(HEAD FIELDS "mac: {field: 128, fields: [11, 2, 41]}\n");
    struct made made;
    make(&made, spec, "0200", "m", NULL);
    assert_input(&made, spec, "0000076225000000000014t1      ");
    spec_destroy(spec);
}

static void test_mti_stands_in_the_list_that_names_it(void **state)
{
    (void)state;
    struct spec *spec =
        compile(HEAD FIELDS "mac: {field: 128, fields: [4, 11], network_fields: [mti, 70, 11]}\n");
    struct made made;
    make(&made, spec, "0200", "m", NULL);
    assert_input(&made, spec, "000000012345000007");
    make(&made, spec, "0820", "m", "301");
    assert_input(&made, spec, "0820301000007");
    spec_destroy(spec);
    spec = compile(HEAD FIELDS "mac: {field: 128, fields: [mti, 4], network_fields: [70]}\n");
    make(&made, spec, "0200", "m", NULL);
    assert_input(&made, spec, "0200000000012345");
    make(&made, spec, "0820", "m", "301");
    assert_input(&made, spec, "301");
    spec_destroy(spec);
}

static void test_bytes_that_the_wire_has_in_hex_are_text(void **state)
{
    (void)state;
    struct spec *spec = compile("name: x\nmti: ascii\nbitmap: {coding: binary, secondary: true}\n"
                                "codings: {n: ascii, z: ascii, b: hex, length: ascii}\n" FIELDS
                                "mac: {field: 128, fields: [52, 2]}\n");
    assert_int_equal(spec->mac.list.count, 2);
    assert_int_equal(spec->mac.list.fields[0], 52);
    spec_destroy(spec);
}

static void test_without_a_list_the_message_is_covered_as_it_stands(void **state)
{
    (void)state;
    struct spec *spec = compile(HEAD FIELDS "mac: {field: 128}\n");
    struct made made;
    make(&made, spec, "0200", "m", NULL);
    assert_ptr_equal(made.input.bytes, made.bytes);
    assert_int_equal(made.input.length, made.whole.length - 8);
    spec_destroy(spec);
    spec = compile(HEAD FIELDS); /* no MAC at all */
    make(&made, spec, "0200", "m", NULL);
    assert_int_equal(made.input.length, 0);
    spec_destroy(spec);
}

static void test_a_wrong_rule_is_told_with_its_place(void **state)
{
    (void)state;
    static const struct {
        const char *mac, *fault;
    } cases[] = {
        {"mac: {field: 128, fields: [mti, 3]}\n",
         "x:6:33: mac: \"3\" is no field of this dialect that a MAC is made over; expected mti in "
         "the first place and numbers of fields"},
        {"mac: {field: 128, fields: [2, mti]}\n", "mac: \"mti\" is no field"},
        {"mac: {field: 128, fields: [2, 64]}\n", "mac: \"64\" is no field"},
        {"mac: {field: 128, fields: [2, 2]}\n", "mac: field 2 stands there twice"},
        {"mac: {field: 128, fields: [2], network_fields: [11, 70, 11]}\n",
         "x:6:57: mac: field 11 stands there twice"},
        {"mac: {field: 128, fields: [2, 52]}\n",
         "x:6:31: mac: field 52 holds raw bytes, and the MAC of a list is made over text; expected "
         "fields of characters"},
        {"mac: {field: 128, fields: [mti]}\n", "x:6:19: mac.fields: only mti stands there"},
        {"mac: {field: 128, fields: [2], network_fields: [mti]}\n",
         "mac.network_fields: only mti stands there"},
        {"mac: {field: 128, fields: 2}\n", "mac.fields: expected a list of fields"},
        {"mac: {fields: [2]}\n", "\"field\" is missing"},
        {"mac: {field: 128, join: {trim: true}}\n", "join and network_fields need a list"},
        {"mac: {field: 128, fields: [2], join: {keep: x9_8}}\n", "\"keep\" is \"x9_8\""},
        {"mac: {field: 128, fields: [2], join: {separator: ab}}\n",
         "mac.join.separator: expected one character or none, got \"ab\""},
        {"mac: {field: 64, fields: [2]}\n", "the MAC must be field 128"},
    };
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        char text[2048];
        snprintf(text, sizeof(text), "%s%s%s", HEAD, FIELDS, cases[i].mac);
        struct document *document = yaml_file_parse("x", text, (uint32_t)strlen(text));
        assert_null(spec_compile(document));
        if (strstr(document_fault_text(document, 0), cases[i].fault) == NULL) {
            fail_msg("expected \"%s\" in \"%s\"", cases[i].fault, document_fault_text(document, 0));
        }
        document_destroy(document);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_chosen_fields_are_joined_as_x9_9_edits_text),
        cmocka_unit_test(test_without_a_join_values_stand_as_they_are_in_the_order_of_the_list),
        cmocka_unit_test(test_mti_stands_in_the_list_that_names_it),
        cmocka_unit_test(test_bytes_that_the_wire_has_in_hex_are_text),
        cmocka_unit_test(test_without_a_list_the_message_is_covered_as_it_stands),
        cmocka_unit_test(test_a_wrong_rule_is_told_with_its_place),
    };
    return cmocka_run_group_tests_name("protocols/iso8583/mac_input", tests, NULL, NULL);
}
