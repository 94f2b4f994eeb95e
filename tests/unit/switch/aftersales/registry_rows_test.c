/* Words of registered rows: each enumerator has one of its own and is found by it. */
#include "switch/aftersales/registry_rows.h"

#include "tests/unit/unit_test.h"

static void test_each_word_leads_back_to_its_enumerator(void **state)
{
    (void)state;
    for (unsigned i = 0; i < OBTAINED_COUNT; i++) {
        assert_int_equal(obtained_from_word(obtained_word((enum obtained)i)), i);
    }
    for (unsigned i = 0; i < PART_COUNT; i++) {
        assert_int_equal(part_from_word(part_word((enum part_class)i)), i);
    }
    for (unsigned i = 0; i < DAMAGE_COUNT; i++) {
        assert_int_equal(damage_from_word(damage_word((enum damage)i)), i);
    }
    for (unsigned i = 0; i < CHANNEL_KIND_COUNT; i++) {
        assert_int_equal(channel_kind_from_word(channel_kind_word((enum channel_kind)i)), i);
    }
    for (unsigned i = 0; i < TERMINAL_STATE_COUNT; i++) {
        assert_int_equal(terminal_state_from_word(terminal_state_word((enum terminal_state)i)), i);
    }
    for (unsigned i = 0; i < MERCHANT_STATE_COUNT; i++) {
        assert_int_equal(merchant_state_from_word(merchant_state_word((enum merchant_state)i)), i);
    }
    assert_int_equal(payer_from_word("maker"), PAYER_MAKER);
    assert_int_equal(warranty_from_from_word("installed"), WARRANTY_FROM_INSTALLED);
}

static void test_a_strange_word_is_none(void **state)
{
    (void)state;
    assert_int_equal(obtained_from_word("found"), OBTAINED_COUNT);
    assert_int_equal(part_from_word(""), PART_COUNT);
    assert_int_equal(payer_from_word("MAKER"), PAYER_COUNT);
}

static void test_texts_are_in_both_languages(void **state)
{
    (void)state;
    assert_string_equal(obtained_text(OBTAINED_BANK_COUNTER, true), "银行网点");
    assert_string_equal(part_text(PART_PRINTER, false), "printer");
    assert_string_equal(channel_kind_text(CHANNEL_KIND_HOTLINE, true), "服务热线");
    assert_string_equal(damage_text(DAMAGE_LIQUID, false), "liquid");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_each_word_leads_back_to_its_enumerator),
        cmocka_unit_test(test_a_strange_word_is_none),
        cmocka_unit_test(test_texts_are_in_both_languages),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
