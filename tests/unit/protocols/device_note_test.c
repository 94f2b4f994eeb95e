/* What terminals tell of themselves: the wire forms, what is kept of them, and the log's text. */
#include "tests/unit/unit_test.h"

#include <stdio.h>
#include <string.h>

#include "protocols/device_note.h"

static struct byte_view view(const char *text)
{
    return (struct byte_view){(const uint8_t *)text, (uint32_t)strlen(text)};
}

static struct device_note of_59(const char *field)
{
    struct device_note note = {.is_told = false};
    device_note_read_59(&note, view(field));
    return note;
}

/* As trace V03 has it. */
static void test_two_digit_lengths_tell_serial_software_and_position(void **state)
{
    (void)state;
    struct device_note note = of_59(
        "1220000000000000000000001311HFT1708030114142019083009343515020017"
        "22BD31.231449,121.473951A2600102020216000029021001570803060001130408042472920508H7062"
        "801");
    assert_true(note.is_told);
    assert_string_equal(note.serial, "0000290210015708");
    assert_string_equal(note.firmware, "H7062801");
    assert_string_equal(note.random_factor, "000113");
    assert_int_equal(note.latitude_e3, 31231);
    assert_int_equal(note.longitude_e3, 121474);
    assert_int_equal(note.flags, DEVICE_NOTE_HAS_POSITION);
    assert_int_not_equal(note.position_hash, 0);
}

static void test_three_digit_lengths_are_read_where_they_end_with_the_field(void **state)
{
    (void)state;
    struct device_note note = of_59("A2020"
                                    "0216PAX0000000000A92"
                                    "A1028"
                                    "0110-33.868000"
                                    "02100151.20930");
    assert_string_equal(note.serial, "PAX0000000000A92");
    assert_int_equal(note.latitude_e3, -33868);
    assert_int_equal(note.longitude_e3, 151209);
    assert_int_equal(note.flags, DEVICE_NOTE_HAS_POSITION);
}

static void test_software_of_the_terminal_set_goes_before_tag_13(void **state)
{
    (void)state;
    assert_string_equal(of_59("1306V1.2.3A2100506V9.9.9").firmware, "V9.9.9");
    assert_string_equal(of_59("1306V1.2.3").firmware, "V1.2.3");
    assert_string_equal(of_59("1311HFT17080301").firmware, "17080301");
}

static void test_zero_is_told_apart_from_no_position(void **state)
{
    (void)state;
    assert_int_equal(of_59("1722BD00.000000,000.000000").flags,
                     DEVICE_NOTE_HAS_POSITION | DEVICE_NOTE_POSITION_ZERO);
    assert_int_equal(of_59("1306V1.2.3").flags, 0);
}

static void test_two_positions_that_round_alike_have_other_hashes(void **state)
{
    (void)state;
    struct device_note one = of_59("1722BD31.231001,121.473000");
    struct device_note other = of_59("1722BD31.231002,121.473000");
    assert_int_equal(one.latitude_e3, other.latitude_e3);
    assert_int_not_equal(one.position_hash, other.position_hash);
    assert_int_equal(one.position_hash, of_59("1722BD31.231001,121.473000").position_hash);
}

static void test_what_is_not_understood_is_noted_and_the_rest_kept(void **state)
{
    (void)state;
    static const char *const FIELDS[] = {
        "17",                            /* ends inside a tag */
        "1799BD31",                      /* ends inside a value */
        "1705BD3,1A230",                 /* ends with neither length */
        "1709BD91.0,1.0",                /* beyond the pole */
        "1710BD1.0,181.0",               /* beyond the date line */
        "1710BD1.0;120.0",               /* no comma */
        "1711BD1..0,20.00",              /* two points */
        "1709BD,1.00000",                /* nothing before the comma */
        "1726BD99999999999999999,0.00",  /* too many digits */
        "1319BD9999999999999999 x",      /* a blank inside */
        "A20704021234567",               /* a cut terminal set, which tells nothing */
        "A21003061234567",               /* a random factor cut off */
        "A2080304123A",                  /* and one of four characters */
        "A2250221012345678901234567890", /* a serial number of 21 */
        "A1100102010202A",               /* one digit too few */
        "A10801010201021",               /* cut inside */
        "xx\xff\xff",
    };
    for (unsigned i = 0; i < sizeof(FIELDS) / sizeof(FIELDS[0]); i++) {
        struct device_note note = of_59(FIELDS[i]);
        if ((note.flags & DEVICE_NOTE_MALFORMED) == 0) {
            fail_msg("\"%s\" was understood", FIELDS[i]);
        }
        assert_int_equal(note.flags & DEVICE_NOTE_HAS_POSITION, 0);
        assert_string_equal(note.serial, "");
    }
    struct device_note note = of_59("A2200216000029021001570817021x");
    assert_string_equal(note.serial, "0000290210015708");
    assert_int_equal(note.flags, DEVICE_NOTE_MALFORMED);
}

/* As the message cup-pay-request has it. */
static void test_field_46_tells_the_same_with_lengths_in_hex(void **state)
{
    (void)state;
    struct device_note note = {.is_told = false};
    device_note_read_46(&note, view("PI0640402020514000024021068700000010606000069"
                                    "0708D3903F390808V0.0.3.0"));
    assert_string_equal(note.serial, "00002402106870000001");
    assert_string_equal(note.random_factor, "000069");
    assert_string_equal(note.firmware, "V0.0.3.0");
    assert_int_equal(note.flags, 0);
    device_note_read_46(&note, view("PI009050"));
    assert_int_equal(note.flags, DEVICE_NOTE_MALFORMED);
    assert_string_equal(note.serial, "00002402106870000001");
    struct device_note other = {.is_told = false};
    device_note_read_46(&other, view("XX003abc"));
    assert_false(other.is_told);
    device_note_read_46(&other, view("PI00405G2"));
    assert_int_equal(other.flags, DEVICE_NOTE_MALFORMED);
}

static void test_field_62_tells_the_radio_cell(void **state)
{
    (void)state;
    struct device_note note = {.is_told = false};
    const struct byte_view binary = {(const uint8_t *)"\xff\x02\x15"
                                                      "460|00|12345|12345678",
                                     24};
    const struct byte_view bcd = {(const uint8_t *)"\xff\x02\x21"
                                                   "460|00|12345|12345678",
                                  24};
    device_note_read_62(&note, binary);
    struct device_note same = {.is_told = false}, none = {.is_told = false};
    device_note_read_62(&same, bcd);
    assert_int_not_equal(note.cell, 0);
    assert_int_equal(note.cell, same.cell);
    assert_int_equal(note.flags, 0);
    device_note_read_62(&none, view("013101"));
    assert_false(none.is_told);
    device_note_read_62(&none, (struct byte_view){(const uint8_t *)"\xff\x02\xaa", 3});
    assert_int_equal(none.flags, DEVICE_NOTE_MALFORMED);
    device_note_read_62(&none, (struct byte_view){(const uint8_t *)"\xff\x02\x00", 3});
    assert_int_equal(none.cell, 0);
}

static void assert_text(const struct device_note *note, const char *wanted)
{
    char text[DEVICE_NOTE_TEXT_SIZE];
    struct device_note back;
    assert_int_equal(device_note_write(text, note), strlen(wanted));
    assert_string_equal(text, wanted);
    assert_true(device_note_from_text(&back, text));
    assert_int_equal(back.is_told, wanted[0] != '\0');
    assert_int_equal(back.flags, note->flags);
    assert_int_equal(back.latitude_e3, note->latitude_e3);
    assert_int_equal(back.longitude_e3, note->longitude_e3);
    assert_int_equal(back.cell, note->cell);
    assert_int_equal(back.clock_ahead_s, note->clock_ahead_s);
    assert_int_equal(back.count, note->count);
    assert_string_equal(back.serial, note->serial);
    assert_string_equal(back.firmware, note->firmware);
}

static void test_a_note_and_its_text_say_the_same(void **state)
{
    (void)state;
    struct device_note note = {.is_told = false};
    assert_text(&note, "");
    note = of_59("1722BD31.231449,121.473951A220021600002902100157081306V1.2.3");
    assert_text(&note, "sn=0000290210015708 v=V1.2.3 at=31.231,121.474");
    note = of_59("1722BD-0.000600,-00.000400");
    assert_text(&note, "at=-0.001,0.000");
    note = (struct device_note){.is_told = true, .clock_ahead_s = -312, .count = 17};
    assert_text(&note, "ahead=-312 n=17");
}

static void test_the_longest_text_has_room(void **state)
{
    (void)state;
    struct device_note note = {.is_told = true,
                               .flags = 0x3F,
                               .latitude_e3 = -90000,
                               .longitude_e3 = -180000,
                               .cell = UINT32_MAX,
                               .clock_ahead_s = INT32_MIN,
                               .count = UINT32_MAX,
                               .serial = "12345678901234567890",
                               .firmware = "12345678"};
    note.flags &= (uint8_t)~DEVICE_NOTE_POSITION_ZERO;
    assert_text(&note, "sn=12345678901234567890 v=12345678 at=-90.000,-180.000 cell=ffffffff f x r "
                       "m ahead=-2147483648 n=4294967295");
}

static void test_other_texts_are_refused(void **state)
{
    (void)state;
    static const char *const TEXTS[] = {"sn=",
                                        "sn=123456789012345678901",
                                        "v=a\tb",
                                        "at=1.000",
                                        "at=91.000,0.000",
                                        "cell=12",
                                        "cell=x2345678",
                                        "q",
                                        "zz",
                                        "n=",
                                        "n=-1",
                                        "n=99999999999",
                                        "ahead=x",
                                        "ahead=4000000000",
                                        "ahead=-"};
    for (unsigned i = 0; i < sizeof(TEXTS) / sizeof(TEXTS[0]); i++) {
        struct device_note note;
        if (device_note_from_text(&note, TEXTS[i])) {
            fail_msg("\"%s\" was taken", TEXTS[i]);
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_two_digit_lengths_tell_serial_software_and_position),
        cmocka_unit_test(test_three_digit_lengths_are_read_where_they_end_with_the_field),
        cmocka_unit_test(test_software_of_the_terminal_set_goes_before_tag_13),
        cmocka_unit_test(test_zero_is_told_apart_from_no_position),
        cmocka_unit_test(test_two_positions_that_round_alike_have_other_hashes),
        cmocka_unit_test(test_what_is_not_understood_is_noted_and_the_rest_kept),
        cmocka_unit_test(test_field_46_tells_the_same_with_lengths_in_hex),
        cmocka_unit_test(test_field_62_tells_the_radio_cell),
        cmocka_unit_test(test_a_note_and_its_text_say_the_same),
        cmocka_unit_test(test_the_longest_text_has_room),
        cmocka_unit_test(test_other_texts_are_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
