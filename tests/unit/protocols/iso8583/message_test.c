/* Messages read: every byte accounted for, and nothing wrong let through. All messages are ours. */
#include "tests/unit/protocols/iso8583/message_stage.h"

static void test_a_chip_sale_is_read_to_the_last_byte(void **state)
{
    struct stage *stage = *state;
    assert_int_equal(parse_pos(stage, "0200702406C020C09A11"
                                      "166225000000000014"
                                      "000000"
                                      "000000012345"
                                      "000002"
                                      "3012"
                                      "0710"
                                      "0001"
                                      "00"
                                      "12"
                                      "376225000000000014D30122010000000000000"
                                      "0"
                                      "3130303030303139"
                                      "383938333130303539393930303031"
                                      "313536"
                                      "F44513C235B43E19"
                                      "2600000000000000"
                                      "00099F0206000000012345"
                                      "001422000001000500"
                                      "4439453134433543"),
                     STATUS_OK);
    const struct message *message = &stage->message;
    assert_string_equal(message->mti, "0200");
    assert_text(message, 2, PAN);
    assert_text(message, 3, "000000");
    assert_text(message, 4, "000000012345");
    assert_text(message, 22, "071");
    assert_text(message, 23, "001");
    assert_text(message, 35, "6225000000000014=30122010000000000000");
    assert_text(message, 41, "10000019");
    assert_text(message, 60, "22000001000500");
    assert_text(message, 64, "D9E14C5C");
    assert_int_equal(message->pad_fault_count, 0);
    assert_int_equal(message_header(message).length, 6);
    assert_memory_equal(message_raw(message, 55).bytes, "\x9F\x02\x06\0\0\0\x01\x23\x45", 9);
    assert_int_equal(message_raw(message, 5).length, 0);
    assert_int_equal(message_raw(message, 1).length, 0);
    uint64_t number = 0;
    assert_int_equal(message_number(message, 4, &number), STATUS_OK);
    assert_int_equal(number, 12345);
    assert_int_equal(message_number(message, 12, &number), STATUS_MISSING);
    assert_int_equal(message_number(message, 35, &number), STATUS_MALFORMED);
    assert_int_equal(message_number(message, 64, &number), STATUS_MALFORMED);
    const struct byte_view scope = message_mac_scope(message);
    assert_ptr_equal(scope.bytes, stage->bytes + 6);
    assert_int_equal(scope.length, stage->view.length - 6 - 8);
}

static void test_a_cut_message_never_reads_on(void **state)
{
    struct stage *stage = *state;
    static const char sale[] = "0200"
                               "7024000000000001"
                               "166225000000000014"
                               "000000"
                               "000000012345"
                               "000002"
                               "3012"
                               "4439453134433543";
    assert_int_equal(parse_pos(stage, sale), STATUS_OK);
    const uint32_t length = stage->view.length;
    for (uint32_t cut = 0; cut < length; cut++) {
        /* On the heap, so that the sanitizers see one byte too many. */
        uint8_t *exact = malloc(cut + 1);
        memcpy(exact, stage->bytes, cut);
        struct byte_view view = {exact, cut};
        assert_int_equal(message_parse(&stage->message, stage->pos, view, &stage->fault),
                         STATUS_TRUNCATED);
        assert_true(stage->fault.offset <= cut);
        free(exact);
    }
}

static void test_what_ends_too_early_says_how_much(void **state)
{
    struct stage *stage = *state;
    assert_int_equal(parse_pos(stage, "0200"
                                      "2020000000000200"
                                      "000000"
                                      "000002"
                                      "0012"
                                      "AABB"),
                     STATUS_TRUNCATED);
    assert_refused(stage, STATUS_TRUNCATED, 55,
                   "field 55 ends 10 bytes after the message: 12 needed at byte 24, 2 left");
    assert_int_equal(stage->fault.offset, 24);
    assert_true(stage->fault.is_answerable);
    assert_text(&stage->message, 11, "000002");
    assert_false(message_has(&stage->message, 55));
    parse_pos(stage, "0200"
                     "2000000000000200"
                     "000000"
                     "00");
    assert_refused(stage, STATUS_TRUNCATED, 55,
                   "field 55 ends 1 bytes after the message: 2 needed at byte 19, 1 left");
    assert_false(stage->fault.is_answerable);
    parse_pos(stage, "0200"
                     "20000000");
    assert_refused(stage, STATUS_TRUNCATED, 0,
                   "the message ends inside its bitmap, which needs 8 bytes at byte 8; 4 are left");
    parse_pos(stage, "02");
    assert_refused(
        stage, STATUS_TRUNCATED, 0,
        "the message ends inside its message type, which needs 2 bytes at byte 6; 1 are left");
    struct byte_view none = {NULL, 0};
    assert_int_equal(message_parse(&stage->message, stage->pos, none, &stage->fault),
                     STATUS_TRUNCATED);
    assert_refused(stage, STATUS_TRUNCATED, 0,
                   "the message ends inside its header, which needs 6 bytes at byte 0; 0 are left");
    parse_text(stage, stage->bank, "0200F23");
    assert_refused(
        stage, STATUS_TRUNCATED, 0,
        "the message ends inside its bitmap, which needs 16 bytes at byte 4; 3 are left");
    parse_text(stage, stage->bank, "0200A0000000000000000400");
    assert_refused(
        stage, STATUS_TRUNCATED, 0,
        "the message ends inside its bitmap, which needs 16 bytes at byte 20; 4 are left");
    assert_false(message_has(&stage->message, 3));
}

static void test_what_is_left_over_is_refused(void **state)
{
    struct stage *stage = *state;
    assert_int_equal(parse_pos(stage, "0200"
                                      "2020000000000000"
                                      "000000"
                                      "000002"
                                      "0012"),
                     STATUS_MALFORMED);
    assert_refused(stage, STATUS_MALFORMED, 0,
                   "2 bytes are left after field 11, the last in the bitmap");
    assert_int_equal(stage->fault.offset, 22);
    assert_true(stage->fault.is_answerable);
    assert_text(&stage->message, 3, "000000");
}

static void test_a_length_above_the_table_is_refused(void **state)
{
    struct stage *stage = *state;
    assert_int_equal(parse_pos(stage, "0200"
                                      "4000000000000000"
                                      "21"
                                      "6225000000000000000014"),
                     STATUS_BAD_VALUE);
    assert_refused(stage, STATUS_BAD_VALUE, 2, "field 2 is 21 digits long, 19 at most");
    assert_int_equal(stage->fault.offset, 16);
    parse_pos(stage, "0200"
                     "0000000000000200"
                     "0300");
    assert_refused(stage, STATUS_BAD_VALUE, 55, "field 55 is 300 bytes long, 255 at most");
    parse_pos(stage, "0200"
                     "0000000000100000"
                     "26");
    assert_refused(stage, STATUS_BAD_VALUE, 44, "field 44 is 26 characters long, 25 at most");
}

static void test_characters_are_judged_at_every_place(void **state)
{
    struct stage *stage = *state;
    parse_pos(stage, "0200"
                     "1000000000000000"
                     "00000001A345");
    assert_refused(stage, STATUS_MALFORMED, 4,
                   "field 4 holds a nibble that is no digit at byte 20");
    parse_pos(stage, "02F0"
                     "1000000000000000");
    assert_refused(stage, STATUS_MALFORMED, 0,
                   "the message type holds a nibble that is no digit at byte 7");
    assert_false(stage->fault.is_answerable);
    parse_pos(stage, "0200"
                     "4000000000000000"
                     "1A");
    assert_refused(stage, STATUS_MALFORMED, 2,
                   "the length of field 2 holds a nibble that is no digit at byte 16");
    parse_pos(stage, "0200"
                     "0000000008000000"
                     "303030303031303032303A3D");
    assert_refused(stage, STATUS_MALFORMED, 37,
                   "field 37 holds a character that is no letter or digit at byte 26");
    parse_pos(stage, "0200"
                     "0000000000800000"
                     "3130303030303119");
    assert_refused(stage, STATUS_MALFORMED, 41,
                   "field 41 holds a character that cannot be printed at byte 23");
    parse_text(stage, stage->bank,
               "02001000000000000000"
               "00000001x345");
    assert_refused(stage, STATUS_MALFORMED, 4,
                   "field 4 holds a character that is no digit at byte 28");
    parse_text(stage, stage->bank, "0200100000000000000g");
    assert_refused(stage, STATUS_MALFORMED, 0,
                   "the bitmap holds a character that is no hex digit at byte 19");
    parse_text(stage, stage->bank, "02o01000000000000000");
    assert_refused(stage, STATUS_MALFORMED, 0,
                   "the message type holds a character that is no digit at byte 2");
    parse_text(stage, stage->bank,
               "02004000000000000000"
               "1:");
    assert_refused(stage, STATUS_MALFORMED, 2,
                   "the length of field 2 holds a character that is no digit at byte 21");
    parse_text(stage, stage->bank,
               "02000000000000001000"
               "00112233445566zz");
    assert_refused(stage, STATUS_MALFORMED, 52,
                   "field 52 holds a character that is no hex digit at byte 34");
    parse_text(stage, stage->bank,
               "02000000000020000000"
               "04123-");
    assert_refused(stage, STATUS_MALFORMED, 35,
                   "field 35 holds a character that no track holds at byte 25");
    parse_text(stage, stage->bank,
               "02000000001000000000"
               "E00000100");
    assert_refused(stage, STATUS_MALFORMED, 28,
                   "field 28 holds a character that is no sign or digit at byte 20");
    parse_text(stage, stage->bank,
               "02000000001000000000"
               "C0000010D");
    assert_refused(stage, STATUS_MALFORMED, 28,
                   "field 28 holds a character that is no sign or digit at byte 28");
    parse_text(stage, stage->bank,
               "02000000000000000010"
               "003a\tb");
    assert_refused(stage, STATUS_MALFORMED, 60, "field 60 holds a control character at byte 24");
    parse_text(stage, stage->bank,
               "02000000000000000010"
               "003a\xB3\xC9");
    assert_int_equal(stage->fault.status, STATUS_OK);
}

/* Puts each byte at each place of runs of each length, against a plain judge. */
static void test_every_byte_at_every_place_is_judged_alike(void **state)
{
    (void)state;
    static const char text[] = "name: x\nmti: ascii\nbitmap: {coding: binary}\nfields:\n"
                               "  2: {name: n, format: n..20 LL}\n"
                               "  3: {name: a, format: a..20 LL}\n"
                               "  4: {name: an, format: an..20 LL}\n"
                               "  5: {name: ans, format: ans..20 LL}\n"
                               "  6: {name: gbk, format: ans..20 LL, characters: gbk}\n"
                               "  7: {name: any, format: ans..20 LL, characters: any}\n"
                               "  8: {name: z, format: z..20 LL}\n";
    struct spec *spec = compile(text);
    struct message message;
    struct message_fault fault;
    for (unsigned field = 2; field <= 8; field++) {
        for (unsigned length = 1; length <= 20; length++) {
            for (unsigned at = 0; at < length; at++) {
                for (unsigned byte = 0; byte < 256; byte++) {
                    uint8_t bytes[4 + 8 + 2 + 20] = "0200";
                    bytes[4] = (uint8_t)(128 >> (field - 1));
                    bytes[12] = (uint8_t)('0' + length / 10);
                    bytes[13] = (uint8_t)('0' + length % 10);
                    memset(bytes + 14, field == 3 ? 'q' : '5', length);
                    bytes[14 + at] = (uint8_t)byte;
                    const bool is_digit = byte >= '0' && byte <= '9';
                    const bool is_alpha =
                        (byte >= 'a' && byte <= 'z') || (byte >= 'A' && byte <= 'Z') || byte == ' ';
                    const bool is_print = byte >= 0x20 && byte <= 0x7E;
                    const bool is_good[] = {is_digit,
                                            is_alpha,
                                            is_digit || is_alpha,
                                            is_print,
                                            is_print || byte >= 0x80,
                                            true,
                                            (byte >= '0' && byte <= '?') ||
                                                (byte >= 'A' && byte <= 'F')};
                    enum status status = message_parse(
                        &message, spec, (struct byte_view){bytes, 14 + length}, &fault);
                    assert_int_equal(status, is_good[field - 2] ? STATUS_OK : STATUS_MALFORMED);
                    if (status != STATUS_OK) {
                        assert_int_equal(fault.offset, 14 + at);
                    }
                }
            }
        }
    }
    spec_destroy(spec);
}

static void test_a_field_the_dialect_lacks_is_refused(void **state)
{
    struct stage *stage = *state;
    assert_int_equal(parse_pos(stage, "0200"
                                      "2820000000000000"
                                      "000000"
                                      "000002"),
                     STATUS_UNKNOWN);
    assert_refused(stage, STATUS_UNKNOWN, 5,
                   "field 5 is set in the bitmap, but unionpay-pos has no such field");
    assert_true(message_has(&stage->message, 3));
    assert_false(message_has(&stage->message, 11));
    assert_false(stage->fault.is_answerable);
}

static void test_bit_1_is_refused_where_there_is_no_second_bitmap(void **state)
{
    struct stage *stage = *state;
    assert_int_equal(parse_pos(stage, "0200"
                                      "8000000000000000"
                                      "0000000000000000"),
                     STATUS_MALFORMED);
    assert_refused(stage, STATUS_MALFORMED, 0,
                   "bit 1 is set, but this dialect has no second bitmap: the first at byte 8");
}

static void test_a_message_too_long_for_its_offsets_is_refused(void **state)
{
    struct stage *stage = *state;
    uint8_t *bytes = calloc(1, 70000);
    assert_int_equal(
        message_parse(&stage->message, stage->pos, (struct byte_view){bytes, 70000}, &stage->fault),
        STATUS_BAD_VALUE);
    assert_refused(stage, STATUS_BAD_VALUE, 0, "the message has 70000 bytes, 65535 at most");
    free(bytes);
}

static void test_behind_a_bad_character_the_rest_can_still_be_read(void **state)
{
    struct stage *stage = *state;
    parse_pos(stage, "0200"
                     "3020000000000200" /* fields 3, 4, 11, 55 */
                     "000000"
                     "0000000A2345"
                     "000002"
                     "0002AABB");
    assert_refused(stage, STATUS_MALFORMED, 4,
                   "field 4 holds a nibble that is no digit at byte 22");
    assert_true(stage->fault.is_answerable);
    assert_text(&stage->message, 3, "000000");
    assert_text(&stage->message, 11, "000002");
    assert_false(message_has(&stage->message, 4));
    assert_true(message_has(&stage->message, 55));
    parse_pos(stage, "0200"
                     "3020000000000200"
                     "000000"
                     "0000000A2345"
                     "0B0002"
                     "0005AABB"); /* the second bad field is passed, the cut one ends it */
    assert_int_equal(stage->fault.field, 4);
    assert_false(stage->fault.is_answerable);
    assert_false(message_has(&stage->message, 11));
    assert_false(message_has(&stage->message, 55));
}

static void test_pad_nibbles_are_counted_not_refused(void **state)
{
    struct stage *stage = *state;
    assert_int_equal(parse_pos(stage, "0200"
                                      "0000060000000000"
                                      "021F"
                                      "F001"),
                     STATUS_OK);
    assert_int_equal(stage->message.pad_fault_count, 2);
    assert_text(&stage->message, 22, "021");
    assert_text(&stage->message, 23, "001");
    parse_pos(stage, "0200"
                     "0000020000000000"
                     "F0A1");
    assert_refused(stage, STATUS_MALFORMED, 23,
                   "field 23 holds a nibble that is no digit at byte 17");
    parse_pos(stage, "0200"
                     "0000020000000000"
                     "0A01");
    assert_refused(stage, STATUS_MALFORMED, 23,
                   "field 23 holds a nibble that is no digit at byte 16");
    assert_int_equal(parse_pos(stage, "0200"
                                      "0000000020000000"
                                      "05"
                                      "12D3AF"),
                     STATUS_OK);
    assert_text(&stage->message, 35, "12=3A");
    assert_int_equal(stage->message.pad_fault_count, 1);
}

static void test_a_second_bitmap_opens_fields_65_to_128(void **state)
{
    struct stage *stage = *state;
    assert_int_equal(parse_text(stage, stage->bank,
                                "0800"
                                "82200000000000000400000000000000"
                                "0115093102"
                                "000007"
                                "301"),
                     STATUS_OK);
    assert_text(&stage->message, 70, "301");
    assert_text(&stage->message, 7, "0115093102");
    assert_false(message_has(&stage->message, 1));
    assert_int_equal(message_mac_field(&stage->message), 128);
    assert_int_equal(message_mac_scope(&stage->message).length, 0);
    parse_text(stage, stage->bank,
               "0800"
               "80000000000000000600000000000000"
               "301"
               "00x0");
    assert_refused(stage, STATUS_MALFORMED, 71,
                   "field 71 holds a character that is no digit at byte 41");
    assert_true(message_has(&stage->message, 70));
    parse_text(stage, stage->bank,
               "0800"
               "80000000000000008000000000000000");
    assert_refused(stage, STATUS_UNKNOWN, 65,
                   "field 65 is set in the bitmap, but iso8583-1987-ascii has no such field");
}

static void test_empty_values_are_values(void **state)
{
    struct stage *stage = *state;
    assert_int_equal(parse_text(stage, stage->bank,
                                "0400"
                                "0000000100000000"
                                "00"),
                     STATUS_OK);
    assert_true(message_has(&stage->message, 32));
    assert_text(&stage->message, 32, "");
    assert_int_equal(parse_pos(stage, "0200"
                                      "0000000100000000"
                                      "00"),
                     STATUS_OK);
    assert_text(&stage->message, 32, "");
}

static void test_tracks_in_characters_name_their_separator(void **state)
{
    struct stage *stage = *state;
    parse_text(stage, stage->bank,
               "0200"
               "0000000020000000"
               "10123456D301");
    assert_text(&stage->message, 35, "123456=301");
    parse_text(stage, stage->bank,
               "0200"
               "0000000020000000"
               "10123456=3DA");
    assert_text(&stage->message, 35, "123456=3DA");
}

static void test_bytes_in_hex_are_read_either_case(void **state)
{
    struct stage *stage = *state;
    assert_int_equal(parse_text(stage, stage->bank,
                                "0200"
                                "0000000000001000"
                                "f44513C235b43e19"),
                     STATUS_OK);
    char text[9];
    assert_int_equal(message_text(&stage->message, 52, text, sizeof(text)), 8);
    assert_memory_equal(text, "\xF4\x45\x13\xC2\x35\xB4\x3E\x19", 8);
    expect_assert_failure(message_text(&stage->message, 52, text, 8));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        STORY(test_a_chip_sale_is_read_to_the_last_byte),
        STORY(test_a_cut_message_never_reads_on),
        STORY(test_what_ends_too_early_says_how_much),
        STORY(test_what_is_left_over_is_refused),
        STORY(test_a_length_above_the_table_is_refused),
        STORY(test_characters_are_judged_at_every_place),
        STORY(test_behind_a_bad_character_the_rest_can_still_be_read),
        cmocka_unit_test(test_every_byte_at_every_place_is_judged_alike),
        STORY(test_a_field_the_dialect_lacks_is_refused),
        STORY(test_bit_1_is_refused_where_there_is_no_second_bitmap),
        STORY(test_a_message_too_long_for_its_offsets_is_refused),
        STORY(test_pad_nibbles_are_counted_not_refused),
        STORY(test_a_second_bitmap_opens_fields_65_to_128),
        STORY(test_empty_values_are_values),
        STORY(test_tracks_in_characters_name_their_separator),
        STORY(test_bytes_in_hex_are_read_either_case),
    };
    return cmocka_run_group_tests_name("protocols/iso8583/message", tests, NULL, NULL);
}
