/* Downloads as conversations: the list in parts, each item, the end. */
#include "tests/unit/unit_test.h"

#include <stdio.h>
#include <string.h>

#include "loadtest/errand.h"
#include "loadtest/spec_file.h"

static struct spec *spec;
static struct pos_writer *writer;
static const struct pos_identity IDENTITY = {
    .terminal_id = "10000019", .merchant_id = "898310059990001", .batch = 3};

static int stage_make(void **state)
{
    (void)state;
    spec = spec_file_spec(TILLWAY_SOURCE_DIR "/config/specs/unionpay-pos.yaml", stderr);
    writer = spec == NULL ? NULL : pos_writer_create(spec);
    return writer == NULL ? -1 : 0;
}

static int stage_free(void **state)
{
    (void)state;
    pos_writer_destroy(writer);
    spec_destroy(spec);
    return 0;
}

/* Sends the next message and answers it with this field 62. `seen` gets "mti/code/field 62". */
static enum status exchange(struct errand *errand, const char *custom_62_hex, char seen[80])
{
    static uint8_t custom_62[128];
    struct pos_answer sent, answer = {.amount = -1};
    struct byte_writer bytes;
    char fault[160];
    bool is_stan_used;
    struct byte_view frame = errand_build(errand, writer, &IDENTITY, 5, &is_stan_used);
    assert_int_equal(pos_read(writer, &IDENTITY, frame, &sent, fault), STATUS_OK);
    char hex[64] = "";
    assert_true(sent.custom_62.length < 30);
    bytes_to_hex(hex, sent.custom_62.bytes, sent.custom_62.length);
    snprintf(seen, 80, "%s/%s/%s", sent.mti, sent.management_code,
             sent.custom_62.length == 0 ? "" : hex);
    snprintf(answer.mti, sizeof answer.mti, "%.2s%c0", sent.mti, sent.mti[2] + 1);
    memcpy(answer.management_code, sent.management_code, sizeof answer.management_code);
    answer.stan = sent.stan;
    assert_true(errand_is_answer(errand, &answer));
    snprintf(answer.response_code, sizeof answer.response_code, "00");
    byte_writer_init(&bytes, custom_62, sizeof custom_62);
    assert_int_equal(bytes_from_hex(&bytes, custom_62_hex, (uint32_t)strlen(custom_62_hex)),
                     STATUS_OK);
    answer.custom_62 = (struct byte_view){custom_62, bytes.position};
    return errand_take(errand, &answer);
}

#define KEY_1 "9F0605A0000003339F220101"
#define KEY_2 "9F0605A0000003339F220102"

static void test_ca_keys_are_listed_in_parts_fetched_one_by_one_and_ended(void **state)
{
    (void)state;
    struct errand errand;
    char seen[80];
    assert_int_equal(errand_begin(&errand, ERRAND_CA_KEYS, NULL, SETTLEMENT_NONE), STATUS_OK);
    assert_int_equal(exchange(&errand, "32" KEY_1 "DF05083230333031323331", seen), STATUS_OK);
    assert_string_equal(seen, "0820/372/313030");
    assert_int_equal(exchange(&errand, "31" KEY_2 "DF05083230333031323331", seen), STATUS_OK);
    assert_string_equal(seen, "0820/372/313031"); /* one is here: more, please */
    assert_int_equal(exchange(&errand, "31" KEY_1 "DF060101", seen), STATUS_OK);
    assert_string_equal(seen, "0800/370/" KEY_1);
    assert_int_equal(exchange(&errand, "31" KEY_1 "DF060101", seen), STATUS_MALFORMED);
    assert_string_equal(seen, "0800/370/" KEY_2);
    assert_int_equal(exchange(&errand, "31" KEY_2 "DF060101", seen), STATUS_OK);
    assert_int_equal(exchange(&errand, "", seen), STATUS_OK);
    assert_string_equal(seen, "0800/371/313032");
    assert_int_equal(errand.stage, ERRAND_OVER);
    errand_end(&errand);
}

static void test_an_empty_list_goes_straight_to_its_end(void **state)
{
    (void)state;
    struct errand errand;
    char seen[80];
    assert_int_equal(errand_begin(&errand, ERRAND_AIDS, NULL, SETTLEMENT_NONE), STATUS_OK);
    assert_int_equal(exchange(&errand, "30", seen), STATUS_OK);
    assert_string_equal(seen, "0820/382/313030");
    assert_int_equal(exchange(&errand, "", seen), STATUS_OK);
    assert_string_equal(seen, "0800/381/313030");
    assert_int_equal(errand.stage, ERRAND_OVER);
    errand_end(&errand);
}

static void test_a_list_that_breaks_off_or_repeats_nothing_is_malformed(void **state)
{
    (void)state;
    struct errand errand;
    char seen[80];
    assert_int_equal(errand_begin(&errand, ERRAND_AIDS, NULL, SETTLEMENT_NONE), STATUS_OK);
    assert_int_equal(exchange(&errand, "319F0608A000000333", seen), STATUS_MALFORMED);
    assert_int_equal(exchange(&errand, "32", seen), STATUS_MALFORMED);
    assert_int_equal(errand.refusals, 2);
    assert_int_equal(errand.stage, ERRAND_FIRST);
    errand_end(&errand);
}

static void test_parameters_and_single_messages_have_their_codes(void **state)
{
    (void)state;
    struct errand errand;
    char seen[80];
    assert_int_equal(errand_begin(&errand, ERRAND_PARAMETERS, NULL, SETTLEMENT_NONE), STATUS_OK);
    assert_int_equal(exchange(&errand, "3132", seen), STATUS_OK);
    assert_string_equal(seen, "0800/360/");
    assert_int_equal(exchange(&errand, "", seen), STATUS_OK);
    assert_string_equal(seen, "0800/361/");
    assert_int_equal(errand.stage, ERRAND_OVER);
    errand_end(&errand);
    assert_int_equal(errand_begin(&errand, ERRAND_ECHO, NULL, SETTLEMENT_NONE), STATUS_OK);
    assert_int_equal(exchange(&errand, "", seen), STATUS_OK);
    assert_string_equal(seen, "0820/301/");
    assert_int_equal(errand.stage, ERRAND_OVER);
    errand_end(&errand);
}

static void test_the_header_s_digit_names_an_errand(void **state)
{
    (void)state;
    static const enum errand_kind expected[] = {ERRAND_COUNT,   ERRAND_PARAMETERS, ERRAND_STATUS,
                                                ERRAND_SIGN_ON, ERRAND_CA_KEYS,    ERRAND_AIDS};
    for (uint8_t digit = 0; digit < 6; digit++) {
        assert_int_equal(errand_from_request(digit), expected[digit]);
    }
    assert_int_equal(errand_from_request(9), ERRAND_COUNT);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_ca_keys_are_listed_in_parts_fetched_one_by_one_and_ended),
        cmocka_unit_test(test_an_empty_list_goes_straight_to_its_end),
        cmocka_unit_test(test_a_list_that_breaks_off_or_repeats_nothing_is_malformed),
        cmocka_unit_test(test_parameters_and_single_messages_have_their_codes),
        cmocka_unit_test(test_the_header_s_digit_names_an_errand),
    };
    return cmocka_run_group_tests(tests, stage_make, stage_free);
}
