/* EMV TLV: tags and lengths of one to three bytes, and sentences for what is cut off. */
#include "tests/unit/unit_test.h"

#include <stdbool.h>
#include <string.h>

#include "protocols/emv_tlv.h"

struct icc_bytes {
    uint8_t bytes[400];
    struct byte_view view;
};

static void icc_from_hex(struct icc_bytes *icc, const char *hex)
{
    struct byte_writer writer;
    byte_writer_init(&writer, icc->bytes, sizeof(icc->bytes));
    assert_int_equal(bytes_from_hex(&writer, hex, (uint32_t)strlen(hex)), STATUS_OK);
    icc->view = (struct byte_view){icc->bytes, writer.position};
}

static void test_items_come_in_order_with_their_offsets(void **state)
{
    (void)state;
    struct icc_bytes icc;
    icc_from_hex(&icc, "00FF8202"
                       "7C009F360200015F2A020156DF8101810155FF");
    static const struct {
        uint32_t tag, offset, length;
    } expected[] = {{0x82, 2, 2}, {0x9F36, 6, 2}, {0x5F2A, 11, 2}, {0xDF8101, 16, 1}};
    struct byte_reader reader;
    struct emv_tlv tlv;
    byte_reader_init(&reader, icc.view.bytes, icc.view.length);
    for (size_t i = 0; i < COUNT_OF(expected); i++) {
        assert_int_equal(emv_tlv_next(&reader, &tlv), STATUS_OK);
        assert_int_equal(tlv.tag, expected[i].tag);
        assert_int_equal(tlv.offset, expected[i].offset);
        assert_int_equal(tlv.value.length, expected[i].length);
    }
    assert_int_equal(emv_tlv_next(&reader, &tlv), STATUS_NOT_FOUND);
    assert_int_equal(emv_tlv_next(&reader, &tlv), STATUS_NOT_FOUND);
}

static void test_a_tag_is_found_by_its_number(void **state)
{
    (void)state;
    struct icc_bytes icc;
    icc_from_hex(&icc, "9F2701809F36020001");
    struct byte_view value = emv_tlv_find(icc.view, 0x9F36);
    assert_int_equal(value.length, 2);
    assert_int_equal(value.bytes[1], 1);
    assert_null(emv_tlv_find(icc.view, 0x9F26).bytes);
    assert_int_equal(emv_tlv_find(icc.view, 0x9F26).length, 0);
}

static void test_the_reason_names_tag_and_place(void **state)
{
    (void)state;
    static const struct {
        const char *hex, *reason;
        enum status status;
    } cases[] = {
        {"", "", STATUS_OK},
        {"9F3602000100", "", STATUS_OK},
        {"9F270180"
         "9F1013070103",
         "field 55 ends 3 bytes inside tag 9F10, which says 19 bytes (tag at offset 4)",
         STATUS_TRUNCATED},
        {"9F2701809F", "field 55 ends before the value of tag 9F (tag at offset 4)",
         STATUS_TRUNCATED},
        {"9F2701809F10", "field 55 ends before the value of tag 9F10 (tag at offset 4)",
         STATUS_TRUNCATED},
        {"9F1082", "field 55 ends before the value of tag 9F10 (tag at offset 0)",
         STATUS_TRUNCATED},
        {"9F108201", "field 55 ends 1 bytes inside tag 9F10, which says 0 bytes (tag at offset 0)",
         STATUS_TRUNCATED},
        {"9F1080",
         "field 55 has no tag or length of EMV at offset 0 (begins with 9F10); expected "
         "a tag of 1 to 3 bytes and a length of 1 to 3",
         STATUS_MALFORMED},
        {"9F818181",
         "field 55 has no tag or length of EMV at offset 0 (begins with 9F8181); "
         "expected a tag of 1 to 3 bytes and a length of 1 to 3",
         STATUS_MALFORMED},
        {"8283000001AA",
         "field 55 has no tag or length of EMV at offset 0 (begins with 82); "
         "expected a tag of 1 to 3 bytes and a length of 1 to 3",
         STATUS_MALFORMED},
    };
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        struct icc_bytes icc;
        char reason[EMV_TLV_REASON_SIZE];
        icc_from_hex(&icc, cases[i].hex);
        assert_int_equal(emv_tlv_check(icc.view, reason), cases[i].status);
        assert_string_equal(reason, cases[i].reason);
    }
}

static void test_put_writes_the_shortest_length(void **state)
{
    (void)state;
    static uint8_t value[300];
    uint8_t bytes[700];
    struct byte_writer writer;
    byte_writer_init(&writer, bytes, sizeof(bytes));
    emv_tlv_put(&writer, 0x95, (struct byte_view){value, 127});
    emv_tlv_put(&writer, 0x9F10, (struct byte_view){value, 128});
    emv_tlv_put(&writer, 0xDF8101, (struct byte_view){value, 256});
    assert_int_equal(writer.status, STATUS_OK);
    assert_memory_equal(bytes, "\x95\x7F", 2);
    assert_memory_equal(bytes + 129, "\x9F\x10\x81\x80", 4);
    assert_memory_equal(bytes + 129 + 132, "\xDF\x81\x01\x82\x01\x00", 6);
    char reason[EMV_TLV_REASON_SIZE];
    assert_int_equal(emv_tlv_check((struct byte_view){bytes, writer.position}, reason), STATUS_OK);
    static const struct byte_view one = {value, 1};
    expect_assert_failure(emv_tlv_put(&writer, 0, one));
}

static void test_strip_leaves_out_what_may_not_be_kept(void **state)
{
    (void)state;
    struct icc_bytes icc, expected;
    icc_from_hex(&icc, "9F270180"
                       "5713622122000000000000D30122010000000000"
                       "00" /* one more byte of 57 */
                       "5A08622122000000000F5F2003414243"
                       "7004"
                       "5A020102"
                       "71029F18"
                       "9F36020001");
    icc_from_hex(&expected, "9F27018071029F189F36020001");
    uint8_t bytes[100];
    struct byte_writer writer;
    byte_writer_init(&writer, bytes, sizeof(bytes));
    assert_int_equal(emv_tlv_strip(&writer, icc.view), STATUS_OK);
    assert_int_equal(writer.position, expected.view.length);
    assert_memory_equal(bytes, expected.bytes, writer.position);

    byte_writer_init(&writer, bytes, 5);
    assert_int_equal(emv_tlv_strip(&writer, icc.view), STATUS_NO_ROOM);
    icc_from_hex(&icc, "9F3605");
    byte_writer_init(&writer, bytes, sizeof(bytes));
    assert_int_equal(emv_tlv_strip(&writer, icc.view), STATUS_TRUNCATED);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_items_come_in_order_with_their_offsets),
        cmocka_unit_test(test_a_tag_is_found_by_its_number),
        cmocka_unit_test(test_the_reason_names_tag_and_place),
        cmocka_unit_test(test_put_writes_the_shortest_length),
        cmocka_unit_test(test_strip_leaves_out_what_may_not_be_kept),
    };
    return cmocka_run_group_tests_name("protocols/emv_tlv", tests, NULL, NULL);
}
