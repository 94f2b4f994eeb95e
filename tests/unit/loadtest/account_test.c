/* A bank's rules for what follows a posting. */
#include "tests/unit/unit_test.h"

#include "loadtest/account.h"

static void assert_says(const struct account *account, enum account_follow follow, int64_t amount,
                        const char *expected)
{
    assert_string_equal(account_check(account, follow, amount), expected);
}

static void test_a_void_is_of_the_whole_amount_and_once(void **state)
{
    (void)state;
    struct account account = {.in_force = 1000};
    assert_says(&account, ACCOUNT_VOID, 999, "64");
    assert_says(&account, ACCOUNT_VOID, 1000, "00");
    account_apply(&account, ACCOUNT_VOID, 1000, 1);
    assert_says(&account, ACCOUNT_VOID, 1000, "22");
    assert_says(&account, ACCOUNT_REFUND, 1, "22");
    account_apply(&account, ACCOUNT_VOID, 1000, -1); /* reversed: the sale stands again */
    assert_says(&account, ACCOUNT_REFUND, 1, "00");
}

static void test_refunds_in_parts_end_at_the_amount_in_force(void **state)
{
    (void)state;
    struct account account = {.in_force = 1000};
    account_apply(&account, ACCOUNT_REFUND, 400, 1);
    assert_says(&account, ACCOUNT_REFUND, 601, "64");
    assert_says(&account, ACCOUNT_REFUND, 600, "00");
    assert_says(&account, ACCOUNT_VOID, 1000, "22");
    assert_says(&account, ACCOUNT_CHANGE, 399, "64");
    account_apply(&account, ACCOUNT_CHANGE, 1100, 1);
    assert_says(&account, ACCOUNT_REFUND, 700, "00");
}

static void test_a_completion_is_bounded_by_what_is_held_and_comes_once(void **state)
{
    (void)state;
    struct account account = {.in_force = 1000};
    account_apply(&account, ACCOUNT_INCREMENT, 1000, 1);
    assert_says(&account, ACCOUNT_CAPTURE, 2301, "64");
    assert_says(&account, ACCOUNT_CAPTURE, 2300, "00");
    assert_says(&account, ACCOUNT_RELEASE, 1000, "64");
    assert_says(&account, ACCOUNT_RELEASE, 2000, "00");
    account_apply(&account, ACCOUNT_CAPTURE, 2300, 1);
    assert_says(&account, ACCOUNT_CAPTURE, 1, "22");
    assert_says(&account, ACCOUNT_RELEASE, 2000, "22");
    assert_says(&account, ACCOUNT_INCREMENT, 1, "22");
    account_apply(&account, ACCOUNT_CAPTURE, 2300, -1);
    assert_says(&account, ACCOUNT_RELEASE, 2000, "00");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_void_is_of_the_whole_amount_and_once),
        cmocka_unit_test(test_refunds_in_parts_end_at_the_amount_in_force),
        cmocka_unit_test(test_a_completion_is_bounded_by_what_is_held_and_comes_once),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
