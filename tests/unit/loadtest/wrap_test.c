/* What terminals of the load tool put around their messages, and take off again. */
#include "tests/unit/unit_test.h"

#include <string.h>

#include "loadtest/wrap.h"

static void test_framings_are_dealt_out_in_turn(void **state)
{
    (void)state;
    struct wrap_list list;
    char reason[160];
    assert_true(wrap_list_read(&list, "binary_2,stx,http", reason));
    assert_int_equal(list.count, 3);
    assert_int_equal(wrap_of(&list, 4)->length_kind, FRAME_STX);
    assert_non_null(wrap_of(&list, 5)->http_post_path);
    assert_false(wrap_list_read(&list, "binary_2,,stx", reason));
    assert_false(wrap_list_read(&list, "binary_2,tlv", reason));
    assert_non_null(strstr(reason, "not \"tlv\""));
}

static void test_a_wrapped_frame_is_what_a_listener_reads_and_back(void **state)
{
    (void)state;
    static const struct framing listener = {.length_kind = FRAME_ASCII_4,
                                            .other_kinds = 1U << FRAME_STX | 1U << FRAME_BINARY_4,
                                            .has_tpdu = true,
                                            .may_be_http = true,
                                            .length_max = FRAME_LENGTH_MAX};
    static const uint8_t bytes[] = {0, 8, 0x60, 0, 3, 0, 0, 'a', 'b', 'c'};
    struct byte_view frame = {bytes, sizeof(bytes)};
    struct wrap_list list;
    char reason[160];
    assert_true(wrap_list_read(&list, "ascii_4,stx,binary_4", reason));
    for (uint32_t i = 0; i < list.count; i++) {
        uint8_t room[WRAP_BYTES_MAX], back[WRAP_BYTES_MAX];
        struct byte_view sent = wrap_out(wrap_of(&list, i), frame, room);
        struct frame found;
        struct frame_fault fault;
        uint32_t consumed;
        assert_int_equal(frame_parse(&found, &consumed, &listener, sent, &fault), STATUS_OK);
        assert_memory_equal(found.message.bytes, "abc", 3);
        struct byte_view again;
        assert_int_equal(wrap_in(wrap_of(&list, i), sent, &consumed, back, &again, &fault),
                         STATUS_OK);
        assert_int_equal(consumed, sent.length);
        assert_int_equal(again.length, frame.length);
        assert_memory_equal(again.bytes, bytes, sizeof(bytes));
        struct byte_view half = {sent.bytes, sent.length - 1};
        assert_int_equal(wrap_in(wrap_of(&list, i), half, &consumed, back, &again, &fault),
                         STATUS_TRUNCATED);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_framings_are_dealt_out_in_turn),
        cmocka_unit_test(test_a_wrapped_frame_is_what_a_listener_reads_and_back),
    };
    return cmocka_run_group_tests_name("loadtest/wrap", tests, NULL, NULL);
}
