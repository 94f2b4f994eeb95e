/* What befalls a call: header before script before amount before chance, and the same for the same
 * seed. */
#include "tests/unit/unit_test.h"

#include <string.h>

#include "loadtest/wallet/mischief.h"

static const struct occasion PAY = {WALLET_ALIPAY, OPERATION_PAY, "", 9002};

static void test_the_first_source_that_speaks_decides(void **state)
{
    struct mischief mischief = {.has_amounts = true, .draw = draw_start(1)};
    struct script script = {.wallet = WALLET_COUNT,
                            .operation = OPERATION_PAY,
                            .count = 2,
                            .is_acted = true,
                            .fate = FATE_CUT};
    struct occasion told = PAY;
    struct verdict verdict;
    (void)state;
    mischief.fate_percent[FATE_SKEW] = 100;
    told.header = "MICROPAY_PAYERROR";
    assert_int_equal(mischief_script(&mischief, &script), STATUS_OK);
    mischief_decide(&mischief, &told, &verdict);
    assert_string_equal(verdict.source, "header");
    assert_int_equal(verdict.fate, FATE_LATE);
    assert_true(verdict.moods[MOOD_PAYERROR]);
    for (unsigned i = 0; i < 2; i++) {
        mischief_decide(&mischief, &PAY, &verdict);
        assert_int_equal(verdict.fate, FATE_CUT);
    }
    mischief_decide(&mischief, &PAY, &verdict);
    assert_string_equal(verdict.source, "amount");
    assert_int_equal(verdict.fate, FATE_LATE);
    mischief.has_amounts = false;
    mischief_decide(&mischief, &PAY, &verdict);
    assert_string_equal(verdict.source, "rate");
    assert_int_equal(verdict.fate, FATE_SKEW);
    mischief.is_healed = true;
    mischief_decide(&mischief, &PAY, &verdict);
    assert_null(verdict.source);
    assert_true(verdict.is_acted);
}

static void test_a_script_lets_calls_pass_and_is_of_its_kind_alone(void **state)
{
    struct mischief mischief = {.draw = draw_start(1)};
    struct script script = {.wallet = WALLET_ALIPAY,
                            .operation = OPERATION_COUNT,
                            .skip = 1,
                            .count = 1,
                            .fate = FATE_DROP};
    struct occasion other = {WALLET_WECHAT, OPERATION_PAY, "", 0};
    struct occasion notify = {WALLET_ALIPAY, OPERATION_NOTIFY, "", 0};
    struct verdict verdict;
    (void)state;
    assert_int_equal(mischief_script(&mischief, &script), STATUS_OK);
    mischief_decide(&mischief, &other, &verdict);
    assert_int_equal(verdict.fate, FATE_COUNT);
    mischief_decide(&mischief, &notify, &verdict);
    assert_int_equal(verdict.fate, FATE_COUNT);
    mischief_decide(&mischief, &PAY, &verdict);
    assert_int_equal(verdict.fate, FATE_COUNT);
    mischief_decide(&mischief, &PAY, &verdict);
    assert_int_equal(verdict.fate, FATE_DROP);
    assert_false(verdict.is_acted);
    assert_int_equal(mischief.script_count, 0);
    for (unsigned i = 0; i < SCRIPT_COUNT_MAX; i++) {
        assert_int_equal(mischief_script(&mischief, &script), STATUS_OK);
    }
    assert_int_equal(mischief_script(&mischief, &script), STATUS_NO_ROOM);
}

static void test_a_seed_draws_the_same_again_healed_or_not(void **state)
{
    struct mischief left = {.draw = draw_start(7)}, right = {.draw = draw_start(7)};
    unsigned struck = 0;
    (void)state;
    left.fate_percent[FATE_LATE] = right.fate_percent[FATE_LATE] = 30;
    left.mood_percent[MOOD_DECLINE] = right.mood_percent[MOOD_DECLINE] = 30;
    for (unsigned i = 0; i < 500; i++) {
        struct verdict one, two;
        right.is_healed = i % 2 == 1;
        mischief_decide(&left, &PAY, &one);
        mischief_decide(&right, &PAY, &two);
        assert_true(right.is_healed || (one.fate == two.fate && one.refusal == two.refusal));
        struck += one.fate == FATE_LATE;
    }
    assert_true(struck > 100);
    assert_true(struck < 200);
    assert_int_equal(left.draw.state, right.draw.state);
    left.fate_percent[FATE_DROP] = 71;
    assert_int_equal(mischief_check(&left), STATUS_BAD_VALUE);
}

static void test_names_are_those_of_the_options(void **state)
{
    (void)state;
    assert_int_equal(fate_from_name("bad-signature"), FATE_BAD_SIGNATURE);
    assert_int_equal(mood_from_name("undo-again"), MOOD_UNDO_AGAIN);
    assert_int_equal(fate_from_name("undo-again"), FATE_COUNT);
    assert_int_equal(operation_from_word("refund_query"), OPERATION_REFUND_QUERY);
    assert_int_equal(operation_from_word("steal"), OPERATION_COUNT);
    assert_int_equal(refusal_from_word("limit"), REFUSAL_LIMIT);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_the_first_source_that_speaks_decides),
        cmocka_unit_test(test_a_script_lets_calls_pass_and_is_of_its_kind_alone),
        cmocka_unit_test(test_a_seed_draws_the_same_again_healed_or_not),
        cmocka_unit_test(test_names_are_those_of_the_options),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
