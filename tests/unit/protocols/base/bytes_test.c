/* Bytes: cursors that stop at the first failure, and hex. */
#include "tests/unit/unit_test.h"

#include <string.h>

#include "protocols/base/bytes.h"

static void test_numbers_are_big_endian_both_ways(void **state)
{
    (void)state;
    uint8_t bytes[15];
    struct byte_writer writer;
    byte_writer_init(&writer, bytes, sizeof(bytes));
    byte_writer_u8(&writer, 0x01);
    byte_writer_u16(&writer, 0x0203);
    byte_writer_u32(&writer, 0x04050607);
    byte_writer_u64(&writer, UINT64_C(0x08090A0B0C0D0E0F));
    assert_int_equal(writer.status, STATUS_OK);
    for (uint8_t i = 0; i < sizeof(bytes); i++) {
        assert_int_equal(bytes[i], i + 1);
    }
    struct byte_reader reader;
    byte_reader_init(&reader, bytes, sizeof(bytes));
    assert_int_equal(byte_reader_u8(&reader), 0x01);
    assert_int_equal(byte_reader_u16(&reader), 0x0203);
    assert_int_equal(byte_reader_u32(&reader), 0x04050607);
    assert_int_equal(byte_reader_u64(&reader), UINT64_C(0x08090A0B0C0D0E0F));
    assert_int_equal(reader.status, STATUS_OK);
    assert_int_equal(byte_reader_left(&reader), 0);
}

static void test_a_reader_stops_at_the_first_failure(void **state)
{
    (void)state;
    const uint8_t bytes[3] = {1, 2, 3};
    struct byte_reader reader;
    byte_reader_init(&reader, bytes, sizeof(bytes));
    assert_int_equal(byte_reader_u16(&reader), 0x0102);
    assert_int_equal(byte_reader_u16(&reader), 0);
    assert_int_equal(reader.status, STATUS_TRUNCATED);
    assert_int_equal(reader.position, 2);
    assert_int_equal(byte_reader_u8(&reader), 0); /* one byte is there, but it is too late */
    assert_int_equal(reader.position, 2);
    assert_null(byte_reader_take(&reader, 0));
}

static void test_a_length_near_the_end_of_numbers_is_no_way_out(void **state)
{
    (void)state;
    uint8_t bytes[4] = {0};
    struct byte_reader reader;
    struct byte_writer writer;
    byte_reader_init(&reader, bytes, sizeof(bytes));
    assert_non_null(byte_reader_take(&reader, 2));
    assert_null(byte_reader_take(&reader, UINT32_MAX));
    byte_writer_init(&writer, bytes, sizeof(bytes));
    assert_non_null(byte_writer_take(&writer, 2));
    assert_null(byte_writer_take(&writer, UINT32_MAX - 1));
    assert_int_equal(writer.status, STATUS_NO_ROOM);
}

static void test_a_writer_stops_at_the_first_failure(void **state)
{
    (void)state;
    uint8_t bytes[4];
    struct byte_writer writer;
    byte_writer_init(&writer, bytes, sizeof(bytes));
    byte_writer_text(&writer, "ab");
    byte_writer_fill(&writer, 7, 1);
    assert_int_equal(byte_writer_room(&writer), 1);
    byte_writer_put(&writer, "cd", 2);
    assert_int_equal(writer.status, STATUS_NO_ROOM);
    byte_writer_u8(&writer, 1);
    byte_writer_fill(&writer, 7, 1);
    byte_writer_put(&writer, NULL, 0);
    assert_int_equal(writer.position, 3);
    assert_memory_equal(bytes, "ab\7", 3);
}

static void test_hex_goes_both_ways(void **state)
{
    (void)state;
    uint8_t bytes[4];
    char text[9];
    struct byte_writer writer;
    byte_writer_init(&writer, bytes, sizeof(bytes));
    assert_int_equal(bytes_from_hex(&writer, "00fFa9C3", 8), STATUS_OK);
    bytes_to_hex(text, bytes, sizeof(bytes));
    assert_string_equal(text, "00FFA9C3");
    bytes_to_hex(text, bytes, 0);
    assert_string_equal(text, "");
}

static void test_what_is_no_hex_is_refused(void **state)
{
    (void)state;
    static const char *const texts[] = {"0", "0g", "g0", "0 ", "/0", ":0", "@0", "G0", "`0"};
    for (size_t i = 0; i < COUNT_OF(texts); i++) {
        uint8_t bytes[4];
        struct byte_writer writer;
        byte_writer_init(&writer, bytes, sizeof(bytes));
        assert_int_equal(bytes_from_hex(&writer, texts[i], (uint32_t)strlen(texts[i])),
                         STATUS_BAD_VALUE);
    }
    uint8_t bytes[1];
    struct byte_writer writer;
    byte_writer_init(&writer, bytes, sizeof(bytes));
    assert_int_equal(bytes_from_hex(&writer, "0102", 4), STATUS_NO_ROOM);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_numbers_are_big_endian_both_ways),
        cmocka_unit_test(test_a_reader_stops_at_the_first_failure),
        cmocka_unit_test(test_a_length_near_the_end_of_numbers_is_no_way_out),
        cmocka_unit_test(test_a_writer_stops_at_the_first_failure),
        cmocka_unit_test(test_hex_goes_both_ways),
        cmocka_unit_test(test_what_is_no_hex_is_refused),
    };
    return cmocka_run_group_tests_name("protocols/base/bytes", tests, NULL, NULL);
}
