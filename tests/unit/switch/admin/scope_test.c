/* Scopes of tokens: their text, their positions. */
#include <string.h>

#include "switch/admin/scope.h"
#include "tests/unit/unit_test.h"

static void test_a_scope_is_read_as_it_was_written(void **state)
{
    (void)state;
    struct scope scope, again;
    char text[SCOPE_TEXT_SIZE];
    assert_true(scope_parse(&scope, "agent=A17,merchant=898290054110000,point=P3,as=engineer"));
    assert_string_equal(scope.agent_id, "A17");
    assert_string_equal(scope.merchant_id, "898290054110000");
    assert_string_equal(scope.point_id, "P3");
    assert_int_equal(scope.position, SCOPE_POSITION_ENGINEER);
    assert_true(scope_is_narrow(&scope));
    scope_write(text, &scope);
    assert_true(scope_parse(&again, text));
    assert_memory_equal(again.point_id, scope.point_id, 3);
    assert_true(scope_parse(&scope, ""));
    assert_false(scope_is_narrow(&scope));
    scope_write(text, &scope);
    assert_string_equal(text, "");
    assert_true(scope_parse(&scope, "as=manager")); /* a position is no narrowing */
    assert_false(scope_is_narrow(&scope));
}

static void test_bad_members_are_named_with_what_was_expected(void **state)
{
    (void)state;
    static const char *const BAD[][3] = {
        {"agent", "", "agent: expected 1 to 11 letters"},
        {"agent", "A12345678901", "agent: expected 1 to 11 letters"},
        {"merchant", "a:b", "merchant: expected 1 to 15 letters"},
        {"point", "P,3", "got \"P,3\""},
        {"as", "switch", "as: expected staff, manager, engineer, agent or merchant"},
        {"city", "x", "city: expected agent, merchant, point or as"},
    };
    for (size_t i = 0; i < COUNT_OF(BAD); i++) {
        struct scope scope = {.position = SCOPE_POSITION_STAFF};
        char reason[SCOPE_REASON_SIZE] = "";
        assert_false(scope_put(&scope, BAD[i][0], BAD[i][1], reason));
        assert_non_null(strstr(reason, BAD[i][2]));
        assert_false(scope_is_narrow(&scope));
    }
}

static void test_the_longest_scope_fits_its_text(void **state)
{
    (void)state;
    struct scope scope;
    const char *text =
        "agent=A1234567890,merchant=123456789012345,point=P12345678901234,as=engineer";
    assert_true(strlen(text) < SCOPE_TEXT_SIZE);
    assert_true(scope_parse(&scope, text));
    assert_string_equal(scope.point_id, "P12345678901234");
}

/* Else nobody would be whom it says it is. */
static void test_who_acts_as_the_merchant_is_one_and_acts_as_nothing_else(void **state)
{
    (void)state;
    struct scope scope;
    char reason[SCOPE_REASON_SIZE] = "";
    assert_true(scope_parse(&scope, "merchant=M1,as=merchant"));
    assert_true(scope_is_narrow(&scope));
    assert_int_equal(scope_own_role(&scope), CASE_ROLE_MERCHANT);
    for (int role = 0; role < CASE_ROLE_COUNT; role++) {
        assert_int_equal(scope_may_act(&scope, (enum case_role)role), role == CASE_ROLE_MERCHANT);
    }
    assert_false(scope_parse(&scope, "as=merchant"));
    assert_false(scope_parse(&scope, "agent=A17,as=merchant"));
    assert_false(scope_is_whole(&scope, reason));
    assert_non_null(strstr(reason, "--merchant ID"));
}

/* Whatever position its token says. */
static void test_who_has_a_service_point_acts_as_its_engineer(void **state)
{
    (void)state;
    static const char *const TEXTS[] = {"point=P3", "point=P3,as=engineer", "point=P3,as=manager",
                                        "merchant=M1,point=P3,as=merchant"};
    for (size_t i = 0; i < COUNT_OF(TEXTS); i++) {
        struct scope scope;
        assert_true(scope_parse(&scope, TEXTS[i]));
        assert_true(scope_is_point(&scope));
        assert_int_equal(scope_reach(&scope), ROLE_REACH_POINT);
        assert_int_equal(scope_own_role(&scope), CASE_ROLE_ENGINEER);
        assert_string_equal(scope_roles_text(&scope), "engineer");
        for (int role = 0; role < CASE_ROLE_COUNT; role++) {
            assert_int_equal(scope_may_act(&scope, (enum case_role)role),
                             role == CASE_ROLE_ENGINEER);
        }
    }
    struct scope other;
    assert_true(scope_parse(&other, "agent=A17"));
    assert_int_equal(scope_reach(&other), ROLE_REACH_SCOPED);
    assert_true(scope_parse(&other, "as=engineer"));
    assert_int_equal(scope_reach(&other), ROLE_REACH_ALL);
}

static void test_nobody_acts_as_the_switch_and_only_a_manager_as_one(void **state)
{
    (void)state;
    for (int i = 0; i < SCOPE_POSITION_COUNT; i++) {
        const struct scope scope = {.position = (enum scope_position)i};
        assert_false(scope_may_act(&scope, CASE_ROLE_SWITCH));
        assert_int_equal(scope_may_act(&scope, CASE_ROLE_MANAGER), i == SCOPE_POSITION_MANAGER);
        assert_true(scope_may_act(&scope, scope_own_role(&scope)));
    }
    const struct scope engineer = {.position = SCOPE_POSITION_ENGINEER};
    assert_false(scope_may_act(&engineer, CASE_ROLE_MERCHANT)); /* takes no price for others */
    assert_string_equal(scope_roles_text(&engineer), "engineer");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_scope_is_read_as_it_was_written),
        cmocka_unit_test(test_bad_members_are_named_with_what_was_expected),
        cmocka_unit_test(test_the_longest_scope_fits_its_text),
        cmocka_unit_test(test_who_acts_as_the_merchant_is_one_and_acts_as_nothing_else),
        cmocka_unit_test(test_who_has_a_service_point_acts_as_its_engineer),
        cmocka_unit_test(test_nobody_acts_as_the_switch_and_only_a_manager_as_one),
    };
    return cmocka_run_group_tests_name("switch/admin/scope", tests, NULL, NULL);
}
