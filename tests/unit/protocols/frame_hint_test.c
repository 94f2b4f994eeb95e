/* Wrong settings of a port's framing are told by the name of the right one. */
#include "tests/unit/protocols/iso8583/message_stage.h"

#include <string.h>

#include "protocols/frame_hint.h"

#define TPDU "\x60\x00\x03\x00\x00"
#define TPDU_BYTES 5

/* An echo of a terminal, 0820: header, message type, bitmap, fields 11 41 42 60. */
static uint32_t echo_of(uint8_t *bytes)
{
    static const char HEX[] = "602200311001"
                              "0820"
                              "0020000000C00010"
                              "000017"
                              "3130303030303031"
                              "383938313130303538313230303031"
                              "0011"
                              "000000013010";
    struct byte_writer writer;
    byte_writer_init(&writer, bytes, 256);
    assert_int_equal(bytes_from_hex(&writer, HEX, sizeof(HEX) - 1), STATUS_OK);
    return writer.position;
}

static void expect_begun(enum frame_length_kind port, const uint8_t *bytes, uint32_t length,
                         const char *word)
{
    const struct framing framing = {.length_kind = port, .length_max = FRAME_LENGTH_MAX};
    char text[FRAME_HINT_SIZE], expected[FRAME_HINT_SIZE];
    struct byte_view view = {bytes, length};
    if (word == NULL) {
        assert_false(frame_hint_of_begun(text, &framing, view));
        return;
    }
    assert_true(frame_hint_of_begun(text, &framing, view));
    snprintf(expected, sizeof(expected),
             "they are one whole message where framing.length is %s: the peer writes its length so",
             word);
    assert_string_equal(text, expected);
}

static void test_another_length_that_fits_is_named(void **state)
{
    (void)state;
    uint8_t bytes[300] = {0};
    bytes[0] = 0x01; /* 100 in BCD, 256 in binary */
    expect_begun(FRAME_BINARY_2, bytes, 102, "bcd_2");
    bytes[0] = 0;
    bytes[1] = 0x64; /* 100 that count themselves: two more are waited for */
    expect_begun(FRAME_BINARY_2, bytes, 100, "binary_2_inclusive");
    expect_begun(FRAME_BINARY_2_INCLUSIVE, bytes, 102, "binary_2");
    memcpy(bytes, "0100", 4);
    expect_begun(FRAME_BINARY_4, bytes, 104, "ascii_4");
    memcpy(bytes, "\x00\x00\x00\x64", 4);
    expect_begun(FRAME_ASCII_4, bytes, 104, "binary_4");
    memcpy(bytes, "\x02\x01\x00\x00", 4);
    memcpy(bytes + 103, "\x03\x02", 2); /* ETX and the block check */
    expect_begun(FRAME_BINARY_2, bytes, 105, "stx");
}

static void test_half_a_message_of_the_right_length_has_no_hint(void **state)
{
    (void)state;
    uint8_t bytes[300] = {0x00, 0x64};
    expect_begun(FRAME_BINARY_2, bytes, 60, NULL);
    expect_begun(FRAME_BINARY_2, bytes, 1, NULL);
    expect_begun(FRAME_BINARY_2, bytes, 0, NULL);
}

struct port {
    enum frame_length_kind kind;
    bool has_tpdu;
};

static const char *hint_of(const struct stage *stage, struct port port, const void *bytes,
                           uint32_t length)
{
    static char text[FRAME_HINT_SIZE];
    const struct framing framing = {
        .length_kind = port.kind, .has_tpdu = port.has_tpdu, .length_max = FRAME_LENGTH_MAX};
    text[0] = '\0';
    bool is_found =
        frame_hint_of_body(text, &framing, stage->pos, (struct byte_view){bytes, length});
    assert_int_equal(is_found, text[0] != '\0');
    return text;
}

static void test_a_tpdu_too_many_or_missing_is_named(void **state)
{
    struct stage *stage = *state;
    uint8_t bytes[256] = TPDU;
    uint32_t length = echo_of(bytes + TPDU_BYTES);
    assert_string_equal(
        hint_of(stage, (struct port){FRAME_BINARY_2, true}, bytes + TPDU_BYTES, length),
        "without a TPDU it can be read: the peer sends none (framing.tpdu: false)");
    assert_string_equal(
        hint_of(stage, (struct port){FRAME_BINARY_2, false}, bytes, length + TPDU_BYTES),
        "behind five bytes more it can be read: the peer sends a TPDU (framing.tpdu: true)");
}

static void test_a_length_that_counts_itself_or_does_not_is_named(void **state)
{
    struct stage *stage = *state;
    uint8_t bytes[256] = TPDU;
    uint32_t length = TPDU_BYTES + echo_of(bytes + TPDU_BYTES);
    assert_string_equal(hint_of(stage, (struct port){FRAME_BINARY_2, true}, bytes, length + 2),
                        "without its last two bytes it can be read: does the peer's length count "
                        "itself (framing.length)?");
    assert_string_equal(
        hint_of(stage, (struct port){FRAME_BINARY_2_INCLUSIVE, true}, bytes, length - 2),
        "its last two bytes are missing: the peer's length does not count itself "
        "(framing.length)");
    assert_string_equal(hint_of(stage, (struct port){FRAME_BINARY_2, true}, bytes, length - 2), "");
}

static void test_what_no_setting_makes_right_has_no_hint(void **state)
{
    struct stage *stage = *state;
    uint8_t bytes[256] = TPDU;
    uint32_t length = TPDU_BYTES + echo_of(bytes + TPDU_BYTES);
    bytes[TPDU_BYTES + 6] = 0xFF; /* the message type */
    for (int has_tpdu = 0; has_tpdu <= 1; has_tpdu++) {
        assert_string_equal(
            hint_of(stage, (struct port){FRAME_BINARY_2, has_tpdu != 0}, bytes, length), "");
        assert_string_equal(hint_of(stage, (struct port){FRAME_BINARY_2, has_tpdu != 0}, bytes, 3),
                            "");
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_another_length_that_fits_is_named),
        cmocka_unit_test(test_half_a_message_of_the_right_length_has_no_hint),
        STORY(test_a_tpdu_too_many_or_missing_is_named),
        STORY(test_a_length_that_counts_itself_or_does_not_is_named),
        STORY(test_what_no_setting_makes_right_has_no_hint),
    };
    return cmocka_run_group_tests_name("protocols/frame_hint", tests, NULL, NULL);
}
