/* Characters in EBCDIC, both pages. */
#include "tests/unit/unit_test.h"

#include <string.h>

#include "protocols/iso8583/ebcdic.h"

static void test_every_printable_character_comes_back(void **state)
{
    (void)state;
    static const enum spec_coding pages[] = {SPEC_EBCDIC_037, SPEC_EBCDIC_1047};
    for (size_t page = 0; page < COUNT_OF(pages); page++) {
        uint32_t found = 0;
        for (int byte = 0; byte < 256; byte++) {
            char character = ebcdic_to_ascii(pages[page], (uint8_t)byte);
            found += character != '\0';
            assert_true(character == '\0' || ebcdic_from_ascii(pages[page], character) == byte);
        }
        assert_int_equal(found, '~' - ' ' + 1);
        assert_int_equal(ebcdic_from_ascii(pages[page], '\n'), 0);
        assert_int_equal(ebcdic_from_ascii(pages[page], (char)0xE9), 0);
    }
}

static void test_the_pages_differ_in_brackets_and_caret(void **state)
{
    (void)state;
    uint8_t bytes[8];
    ebcdic_write(bytes, SPEC_EBCDIC_037, "A1[]^\xE9", 6);
    assert_memory_equal(bytes, "\xC1\xF1\xBA\xBB\xB0\x6F", 6); /* what has no place is '?' */
    ebcdic_write(bytes, SPEC_EBCDIC_1047, "A1[]^", 5);
    assert_memory_equal(bytes, "\xC1\xF1\xAD\xBD\x5F", 5);
    char text[8] = "";
    ebcdic_read(text, SPEC_EBCDIC_1047, (const uint8_t *)"\xC1\xF1\xAD\xBD\x5F\x00", 6);
    assert_memory_equal(text, "A1[]^?", 6);
}

/* Runs are judged in pieces; the place is that of the first bad byte in any of them. */
static void test_the_first_bad_byte_is_named_wherever_it_stands(void **state)
{
    (void)state;
    static const struct spec_row digits = {.inner = SPEC_ROW_DIGITS, .page = SPEC_EBCDIC_037};
    static const struct spec_row sign = {.inner = SPEC_ROW_SIGNED, .page = SPEC_EBCDIC_037};
    uint8_t bytes[200];
    memset(bytes, 0xF7, sizeof(bytes));
    assert_int_equal(ebcdic_first_bad(&digits, bytes, sizeof(bytes)), sizeof(bytes));
    for (uint32_t at = 0; at < sizeof(bytes); at++) {
        bytes[at] = 0xC1; /* A */
        assert_int_equal(ebcdic_first_bad(&digits, bytes, sizeof(bytes)), at);
        bytes[at] = 0x00; /* no character */
        assert_int_equal(ebcdic_first_bad(&digits, bytes, sizeof(bytes)), at);
        bytes[at] = 0xF7;
    }
    bytes[0] = 0xC4; /* D */
    assert_int_equal(ebcdic_first_bad(&sign, bytes, sizeof(bytes)), sizeof(bytes));
    assert_int_equal(ebcdic_first_bad(&digits, bytes, 1), 0);
    bytes[100] = 0xC4;
    assert_int_equal(ebcdic_first_bad(&sign, bytes, sizeof(bytes)), 100);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_every_printable_character_comes_back),
        cmocka_unit_test(test_the_pages_differ_in_brackets_and_caret),
        cmocka_unit_test(test_the_first_bad_byte_is_named_wherever_it_stands),
    };
    return cmocka_run_group_tests_name("protocols/iso8583/ebcdic", tests, NULL, NULL);
}
