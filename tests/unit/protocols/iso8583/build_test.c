/* Messages built and described: to the very bytes, and without what must not be seen. */
#include "tests/unit/protocols/iso8583/message_stage.h"

static enum status build(struct stage *stage, const struct message_draft *draft, bool with_mac)
{
    struct byte_writer writer;
    struct byte_view scope;
    byte_writer_init(&writer, stage->bytes, sizeof(stage->bytes));
    stage->fault = (struct message_fault){0};
    enum status status = message_build(draft, &writer, with_mac ? &scope : NULL, &stage->fault);
    stage->view = (struct byte_view){stage->bytes, writer.position};
    if (status != STATUS_OK) {
        assert_int_equal(writer.position, 0);
    }
    return status;
}

static void assert_bytes(const struct stage *stage, const char *hex)
{
    char text[2 * MESSAGE_MAX + 1];
    bytes_to_hex(text, stage->view.bytes, stage->view.length);
    assert_string_equal(text, hex);
}

static void test_building_aligns_and_fills_as_the_dialect_says(void **state)
{
    struct stage *stage = *state;
    struct message_draft draft;
    message_draft_init(&draft, stage->pos, "0200");
    draft.header = (struct byte_view){(const uint8_t *)"\x60\x32\0\x31\0\0", 6};
    message_draft_set_text(&draft, 2, "6225000000000000148");
    message_draft_set_text(&draft, 4, "12345");
    message_draft_set_text(&draft, 22, "071");
    message_draft_set_text(&draft, 23, "1");
    message_draft_set_text(&draft, 35, "6225=3012A");
    message_draft_set_text(&draft, 38, "A12");
    message_draft_set(&draft, 55, "\x9F\x01", 2);
    message_draft_set_text(&draft, 60, "00000001003");
    assert_int_equal(build(stage, &draft, false), STATUS_OK);
    assert_bytes(stage, "603200310000"
                        "0200"
                        "5000060024000210"
                        "1962250000000000001480"
                        "000000012345"
                        "0710"
                        "0001"
                        "106225D3012A"
                        "413132202020"
                        "00029F01"
                        "0011000000010030");
}

static void test_building_in_characters_pads_both_ways(void **state)
{
    struct stage *stage = *state;
    struct message_draft draft;
    message_draft_init(&draft, stage->bank, "0420");
    message_draft_set_text(&draft, 4, "12345");
    message_draft_set_text(&draft, 35, "6225=3012");
    message_draft_set_text(&draft, 41, "T1");
    message_draft_set(&draft, 52, "\x01\x23\x45\x67\x89\xAB\xCD\xEF", 8);
    message_draft_set_text(&draft, 90, "0200");
    assert_int_equal(build(stage, &draft, false), STATUS_OK);
    char text[512];
    snprintf(text, sizeof(text), "%.*s", (int)stage->view.length, (const char *)stage->bytes);
    assert_string_equal(text, "0420"
                              "90000000208010000000004000000000"
                              "000000012345"
                              "096225=3012"
                              "T1      "
                              "0123456789ABCDEF"
                              "000000000000000000000000000000000000000200");
}

static void test_a_short_odd_number_is_filled_on_its_own_side(void **state)
{
    struct stage *stage = *state;
    struct spec *spec =
        compile("name: x\nmti: bcd\nbitmap: {coding: binary}\ncodings: {n: bcd}\nfields:\n"
                "  2: {name: left, format: n5}\n  3: {name: right, format: n5, align: right}\n"
                "  4: {name: long, format: n42}\n  5: {name: amount, format: xn9}\n");
    struct message_draft draft;
    message_draft_init(&draft, spec, "0200");
    message_draft_set_text(&draft, 2, "123");
    message_draft_set_text(&draft, 3, "12");
    message_draft_set_text(&draft, 4, "7");
    message_draft_set_text(&draft, 5, "D00000042");
    assert_int_equal(build(stage, &draft, false), STATUS_OK);
    assert_bytes(stage, "0200"
                        "7800000000000000"
                        "001230"
                        "000012"
                        "000000000000000000000000000000000000000007"
                        "4400000042");
    message_draft_set_text(&draft, 5, "D42");
    assert_int_equal(build(stage, &draft, false), STATUS_BAD_VALUE);
    assert_string_equal(stage->fault.reason, "field 5 was given 3 long, needed: 9");
    message_draft_set_text(&draft, 5, "X00000042");
    assert_int_equal(build(stage, &draft, false), STATUS_BAD_VALUE);
    assert_string_equal(stage->fault.reason,
                        "field 5 was given a character that is no sign or digit");
    spec_destroy(spec);
}

static void test_the_mac_comes_last_and_is_put_afterwards(void **state)
{
    struct stage *stage = *state;
    struct message_draft draft;
    struct byte_writer writer;
    struct byte_view scope;
    byte_writer_init(&writer, stage->bytes, sizeof(stage->bytes));
    byte_writer_text(&writer, "frame");
    message_draft_init(&draft, stage->pos, "0200");
    draft.header = (struct byte_view){(const uint8_t *)"\x60\x32\0\x31\0\0", 6};
    message_draft_set_text(&draft, 11, "000002");
    message_draft_set(&draft, 64, "replaced", 8);
    assert_int_equal(message_build(&draft, &writer, &scope, &stage->fault), STATUS_OK);
    assert_ptr_equal(scope.bytes, stage->bytes + 5 + 6);
    assert_int_equal(scope.length, 2 + 8 + 3);
    assert_memory_equal(stage->bytes + writer.position - 8, "\0\0\0\0\0\0\0\0", 8);
    message_put_mac(stage->pos, &writer, (const uint8_t *)"D9E14C5C");
    stage->view = (struct byte_view){stage->bytes + 5, writer.position - 5};
    assert_bytes(stage, "603200310000"
                        "0200"
                        "0020000000000001"
                        "000002"
                        "4439453134433543");
    assert_int_equal(message_parse(&stage->message, stage->pos, stage->view, &stage->fault),
                     STATUS_OK);
    assert_ptr_equal(message_mac_scope(&stage->message).bytes, scope.bytes);
    assert_int_equal(message_mac_scope(&stage->message).length, scope.length);
}

static void test_the_mac_of_a_dialect_in_hex_is_16_characters(void **state)
{
    struct stage *stage = *state;
    static const unsigned others[] = {3, 70};
    static const char *const messages[] = {"0800"
                                           "2000000000000001"
                                           "000301"
                                           "0123456789ABCDEF",
                                           "0800"
                                           "80000000000000000400000000000001"
                                           "301"
                                           "0123456789ABCDEF"};
    for (size_t i = 0; i < COUNT_OF(others); i++) {
        struct message_draft draft;
        struct byte_writer writer;
        struct byte_view scope;
        byte_writer_init(&writer, stage->bytes, sizeof(stage->bytes));
        message_draft_init(&draft, stage->bank, "0800");
        message_draft_set_text(&draft, others[i], "301");
        assert_int_equal(message_build(&draft, &writer, &scope, &stage->fault), STATUS_OK);
        assert_int_equal(scope.length, writer.position - 16);
        message_put_mac(stage->bank, &writer, (const uint8_t *)"\x01\x23\x45\x67\x89\xAB\xCD\xEF");
        assert_int_equal(writer.position, strlen(messages[i]));
        assert_memory_equal(stage->bytes, messages[i], writer.position);
    }
    struct spec *spec = compile("name: x\nmti: ascii\nbitmap: {coding: hex}\n"
                                "fields: {3: {name: p, format: n6}}\n");
    struct message_draft draft;
    struct byte_writer writer;
    struct byte_view scope = {stage->bytes, 9};
    byte_writer_init(&writer, stage->bytes, sizeof(stage->bytes));
    message_draft_init(&draft, spec, "0800");
    assert_int_equal(message_build(&draft, &writer, &scope, &stage->fault), STATUS_OK);
    assert_int_equal(scope.length, 0);
    spec_destroy(spec);
}

static void test_values_the_spec_does_not_allow_are_refused(void **state)
{
    struct stage *stage = *state;
    static const struct {
        unsigned field;
        const char *value;
        const char *reason;
    } cases[] = {
        {2, "62250000000000000014", "field 2 was given 20 long, at most 19"},
        {2, "6225x", "field 2 was given a character that is no digit"},
        {4, "1234567890123", "field 4 was given 13 long, at most 12"},
        {5, "1", "field 5 is not in unionpay-pos"},
        {35, "6225=30x2", "field 35 was given a character that no track holds"},
        {37, "a-b", "field 37 was given a character that is no letter or digit"},
        {52, "1234567", "field 52 was given 7 long, needed: 8"},
        {52, "123456789", "field 52 was given 9 long, at most 8"},
        {100, "1", "field 0 (the bitmap) has no second part in this dialect"},
    };
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        struct message_draft draft;
        message_draft_init(&draft, stage->pos, "0200");
        draft.header = (struct byte_view){(const uint8_t *)"\x60\x32\0\x31\0\0", 6};
        message_draft_set_text(&draft, cases[i].field, cases[i].value);
        assert_int_equal(build(stage, &draft, false), STATUS_BAD_VALUE);
        assert_string_equal(stage->fault.reason, cases[i].reason);
    }
    struct message_draft draft;
    message_draft_init(&draft, stage->pos, "0200");
    assert_int_equal(build(stage, &draft, false), STATUS_BAD_VALUE);
    assert_string_equal(stage->fault.reason,
                        "field 0 (the header) has another length than the dialect's");
    message_draft_init(&draft, stage->bank, "02x0");
    assert_int_equal(build(stage, &draft, false), STATUS_BAD_VALUE);
    assert_string_equal(stage->fault.reason, "field 0 (the message type) is not four digits");
    expect_assert_failure(message_draft_init(&draft, stage->bank, "020"));
    expect_assert_failure(message_draft_set_text(&draft, 1, "x"));
    expect_assert_failure(message_draft_set_text(&draft, 193, "x"));
}

static void test_a_writer_without_room_is_left_as_it_was(void **state)
{
    struct stage *stage = *state;
    struct message_draft draft;
    message_draft_init(&draft, stage->bank, "0800");
    message_draft_set_text(&draft, 11, "000002");
    message_draft_set_text(&draft, 70, "301");
    for (uint32_t room = 0; room < 4 + 32 + 6 + 3 + 16; room++) {
        struct byte_writer writer;
        struct byte_view scope;
        byte_writer_init(&writer, stage->bytes, room);
        assert_int_equal(message_build(&draft, &writer, &scope, &stage->fault), STATUS_NO_ROOM);
        assert_int_equal(writer.position, 0);
        assert_int_equal(stage->fault.status, STATUS_NO_ROOM);
    }
}

static void test_prefixes_that_count_bytes_come_back_even(void **state)
{
    struct stage *stage = *state;
    struct spec *spec =
        compile("name: x\nmti: bcd\nbitmap: {coding: binary}\ncodings: {n: bcd, length: bcd}\n"
                "fields: {2: {name: p, format: n..19 LL, length_counts: bytes}}\n");
    struct message_draft draft;
    message_draft_init(&draft, spec, "0200");
    message_draft_set_text(&draft, 2, "622500");
    assert_int_equal(build(stage, &draft, false), STATUS_OK);
    assert_bytes(stage, "0200"
                        "4000000000000000"
                        "03622500");
    assert_int_equal(message_parse(&stage->message, spec, stage->view, &stage->fault), STATUS_OK);
    assert_text(&stage->message, 2, "622500");
    message_draft_set_text(&draft, 2, "62250");
    assert_int_equal(build(stage, &draft, false), STATUS_BAD_VALUE);
    struct byte_writer writer;
    byte_writer_init(&writer, stage->bytes, sizeof(stage->bytes));
    assert_int_equal(bytes_from_hex(&writer, "020040000000000000001162250000000000000014", 42),
                     STATUS_OK);
    assert_int_equal(message_parse(&stage->message, spec,
                                   (struct byte_view){stage->bytes, writer.position},
                                   &stage->fault),
                     STATUS_BAD_VALUE);
    spec_destroy(spec);
}

static void test_a_description_shows_no_secret(void **state)
{
    struct stage *stage = *state;
    assert_int_equal(parse_pos(stage, "0200"
                                      "5024000022800111"
                                      "166225000000000014"
                                      "000000012345"
                                      "000002"
                                      "3012"
                                      "106225D30120"
                                      "3031"
                                      "3130303030303139"
                                      "000441B3C942"
                                      "001422000001000500"
                                      "4439453134433543"),
                     STATUS_OK);
    char text[1024];
    message_describe(&stage->message, text, sizeof(text));
    assert_string_equal(text, "   0 mti             0200\n"
                              "   2 pan             622500******0014\n"
                              "   4 amount          000000012345\n"
                              "  11 stan            000002\n"
                              "  14 expiry          (4 digits)\n"
                              "  35 track2          (10 characters)\n"
                              "  39 response_code   01\n"
                              "  41 terminal_id     10000019\n"
                              "  56 result_text     A..B\n"
                              "  60 custom_60       22000001000500\n"
                              "  64 mac             4439453134433543\n");
}

static void test_a_description_is_cut_to_its_room(void **state)
{
    struct stage *stage = *state;
    parse_pos(stage, "0200"
                     "0020000000000000"
                     "000002");
    char whole[200];
    message_describe(&stage->message, whole, sizeof(whole));
    for (uint32_t size = 1; size <= sizeof(whole); size++) {
        char text[200];
        memset(text, 'x', sizeof(text));
        message_describe(&stage->message, text, size);
        assert_true(strlen(text) < size);
        assert_memory_equal(text, whole, strlen(text));
    }
}

static void test_bytes_are_described_in_hex_and_short_cards_not_at_all(void **state)
{
    struct stage *stage = *state;
    struct spec *spec = compile("name: x\nmti: ascii\nbitmap: {coding: binary}\nfields:\n"
                                "  2: {name: pan, format: n..19 LL, show: masked}\n"
                                "  3: {name: bytes, format: b..99 LL}\n"
                                "  4: {name: any, format: ans..99 LL, characters: any}\n");
    struct message_draft draft;
    char bytes[99];
    char text[1024];
    memset(bytes, 0xA5, sizeof(bytes));
    message_draft_init(&draft, spec, "0200");
    message_draft_set_text(&draft, 2, "62250000014");
    message_draft_set(&draft, 3, bytes, 99);
    message_draft_set(&draft, 4, "a\nb", 3);
    assert_int_equal(build(stage, &draft, false), STATUS_OK);
    assert_int_equal(message_parse(&stage->message, spec, stage->view, &stage->fault), STATUS_OK);
    message_describe(&stage->message, text, sizeof(text));
    assert_non_null(strstr(text, "   2 pan             ***********\n"));
    assert_non_null(strstr(text, "   3 bytes           A5A5A5"));
    assert_non_null(strstr(text, "A5... (99 bytes)\n"));
    assert_non_null(strstr(text, "   4 any             a.b\n"));
    spec_destroy(spec);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        STORY(test_building_aligns_and_fills_as_the_dialect_says),
        STORY(test_building_in_characters_pads_both_ways),
        STORY(test_a_short_odd_number_is_filled_on_its_own_side),
        STORY(test_the_mac_comes_last_and_is_put_afterwards),
        STORY(test_the_mac_of_a_dialect_in_hex_is_16_characters),
        STORY(test_values_the_spec_does_not_allow_are_refused),
        STORY(test_a_writer_without_room_is_left_as_it_was),
        STORY(test_prefixes_that_count_bytes_come_back_even),
        STORY(test_a_description_shows_no_secret),
        STORY(test_a_description_is_cut_to_its_room),
        STORY(test_bytes_are_described_in_hex_and_short_cards_not_at_all),
    };
    return cmocka_run_group_tests_name("protocols/iso8583/build", tests, NULL, NULL);
}
