/* The first digits and the length of a customer's code name who pays; a code of each can be made.
 */
#include "tests/unit/unit_test.h"

#include <string.h>

#include "routing/pay_code.h"

static void test_prefix_and_length_name_the_scheme(void **state)
{
    (void)state;
    enum card_scheme scheme;
    assert_true(pay_code_scheme("280000000000000000", &scheme));
    assert_int_equal(scheme, CARD_SCHEME_ALIPAY);
    assert_true(pay_code_scheme("134567890123456789", &scheme));
    assert_int_equal(scheme, CARD_SCHEME_WECHAT);
    assert_true(pay_code_scheme("6212345678901234567", &scheme));
    assert_int_equal(scheme, CARD_SCHEME_UNIONPAY);
    assert_false(pay_code_scheme("13456789012345678", &scheme)); /* a digit short */
    assert_false(pay_code_scheme("990000000000000000", &scheme));
    assert_false(pay_code_scheme("2", &scheme));
}

static void test_a_sample_is_of_its_scheme(void **state)
{
    (void)state;
    static const enum card_scheme schemes[] = {CARD_SCHEME_ALIPAY, CARD_SCHEME_WECHAT,
                                               CARD_SCHEME_UNIONPAY};
    char code[PAY_CODE_SIZE];
    for (uint32_t i = 0; i < COUNT_OF(schemes); i++) {
        enum card_scheme scheme = CARD_SCHEME_OTHER;
        assert_true(pay_code_sample(schemes[i], code));
        assert_true(pay_code_scheme(code, &scheme));
        assert_int_equal(scheme, schemes[i]);
    }
    assert_false(pay_code_sample(CARD_SCHEME_VISA, code));
}

static void test_two_digits_make_a_code(void **state)
{
    (void)state;
    char code[PAY_CODE_SIZE];
    enum card_scheme scheme;
    assert_true(pay_code_begin("27", code));
    assert_memory_equal(code, "27", 2);
    assert_true(pay_code_scheme(code, &scheme));
    assert_true(pay_code_begin("13999", code));
    assert_int_equal(strlen(code), 18);
    assert_false(pay_code_begin("31", code));
    assert_false(pay_code_begin("x1", code));
    assert_false(pay_code_begin("1", code));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_prefix_and_length_name_the_scheme),
        cmocka_unit_test(test_a_sample_is_of_its_scheme),
        cmocka_unit_test(test_two_digits_make_a_code),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
