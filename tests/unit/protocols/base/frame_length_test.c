/* Lengths in front of messages: names, sizes, and which kinds first bytes tell apart. */
#include "tests/unit/unit_test.h"

#include <string.h>

#include "protocols/base/frame_length.h"

static void test_every_kind_has_a_name_and_says_what_it_is_told(void **state)
{
    (void)state;
    static const uint32_t lengths[] = {0, 1, 511, 2048, 9999};
    for (unsigned i = 0; i < FRAME_LENGTH_KIND_COUNT; i++) {
        enum frame_length_kind kind = (enum frame_length_kind)i, found;
        assert_true(frame_length_from_name(&found, frame_length_name(kind)));
        assert_int_equal(found, kind);
        for (size_t j = 0; j < COUNT_OF(lengths); j++) {
            uint8_t prefix[FRAME_PREFIX_BYTES_MAX];
            frame_length_write(kind, prefix, lengths[j]);
            assert_int_equal(frame_length_read(kind, prefix), lengths[j]);
            assert_true(frame_length_may_begin(kind, 9999, prefix));
        }
    }
    enum frame_length_kind kind;
    assert_false(frame_length_from_name(&kind, "binary_3"));
}

static bool are_told_apart(enum frame_length_kind one, enum frame_length_kind other,
                           uint32_t length_max)
{
    char reason[FRAME_LENGTH_REASON_SIZE], again[FRAME_LENGTH_REASON_SIZE];
    bool answer = frame_lengths_are_told_apart(one, other, length_max, reason);
    assert_int_equal(frame_lengths_are_told_apart(other, one, length_max, again), answer);
    assert_int_equal(reason[0] == '\0', answer);
    return answer;
}

static void test_only_first_bytes_that_one_kind_has_tell_it_apart(void **state)
{
    (void)state;
    for (unsigned i = 0; i < FRAME_LENGTH_KIND_COUNT; i++) {
        enum frame_length_kind kind = (enum frame_length_kind)i;
        assert_int_equal(are_told_apart(FRAME_ASCII_4, kind, 2048), kind != FRAME_ASCII_4);
    }
    assert_false(are_told_apart(FRAME_BINARY_2, FRAME_BINARY_2_INCLUSIVE, 2048));
    assert_false(are_told_apart(FRAME_BINARY_2, FRAME_BCD_2, 2048));
    assert_false(are_told_apart(FRAME_BINARY_2, FRAME_BINARY_4, 2048)); /* 0000 keeps alive */
    assert_true(are_told_apart(FRAME_BINARY_2_INCLUSIVE, FRAME_BINARY_4, 2048));
    assert_true(are_told_apart(FRAME_STX, FRAME_BINARY_4, 2048));
    assert_false(are_told_apart(FRAME_STX, FRAME_BINARY_2, 512));
    assert_true(are_told_apart(FRAME_STX, FRAME_BINARY_2, 511));
    assert_false(are_told_apart(FRAME_STX, FRAME_BCD_2, 200));
    assert_true(are_told_apart(FRAME_STX, FRAME_BCD_2, 199));
}

/* Every pair that is said to be told apart is so, for every two bytes there are. */
static void test_no_two_bytes_begin_two_kinds_that_are_told_apart(void **state)
{
    (void)state;
    char reason[FRAME_LENGTH_REASON_SIZE];
    for (unsigned i = 0; i < FRAME_LENGTH_KIND_COUNT; i++) {
        for (unsigned j = 0; j < i; j++) {
            enum frame_length_kind one = (enum frame_length_kind)i;
            enum frame_length_kind other = (enum frame_length_kind)j;
            uint32_t both = 0;
            for (unsigned begin = 0; begin <= 0xFFFF; begin++) {
                const uint8_t first[2] = {(uint8_t)(begin >> 8), (uint8_t)begin};
                both += frame_length_may_begin(one, 2048, first) &&
                        frame_length_may_begin(other, 2048, first);
            }
            assert_int_equal(both == 0, frame_lengths_are_told_apart(one, other, 2048, reason));
        }
    }
}

static void test_the_reason_names_both_and_what_begins_either(void **state)
{
    (void)state;
    char reason[FRAME_LENGTH_REASON_SIZE];
    assert_false(frame_lengths_are_told_apart(FRAME_BINARY_2, FRAME_STX, 2048, reason));
    assert_string_equal(reason, "binary_2 and stx cannot be told apart: a message of either, of at "
                                "most 2048 bytes, may begin with 0200 to 02FF");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_every_kind_has_a_name_and_says_what_it_is_told),
        cmocka_unit_test(test_only_first_bytes_that_one_kind_has_tell_it_apart),
        cmocka_unit_test(test_no_two_bytes_begin_two_kinds_that_are_told_apart),
        cmocka_unit_test(test_the_reason_names_both_and_what_begins_either),
    };
    return cmocka_run_group_tests_name("protocols/base/frame_length", tests, NULL, NULL);
}
