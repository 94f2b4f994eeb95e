/* The table of calls: paths, methods, roles. */
#include "tests/unit/unit_test.h"

#include "switch/admin/endpoint.h"

static void test_a_path_with_a_parameter_gives_it(void **state)
{
    (void)state;
    struct endpoint_match match;
    endpoint_find(&match, "GET", "/api/v1/terminals/10000001");
    assert_int_equal(match.answer, ENDPOINT_FOUND);
    assert_int_equal(match.endpoint, ENDPOINT_TERMINAL);
    assert_string_equal(match.parameter, "10000001");
    endpoint_find(&match, "GET", "/api/v1/usage/merchant:898290054110000");
    assert_int_equal(match.endpoint, ENDPOINT_USAGE);
    assert_string_equal(match.parameter, "merchant:898290054110000");
    assert_int_equal(endpoint_roles(match.endpoint), ROLE_SET_OF_VIEWER);
    assert_false(endpoint_has_effect(match.endpoint));
    endpoint_find(&match, "GET", "/api/v1/transactions");
    assert_int_equal(match.endpoint, ENDPOINT_TXN_SEARCH);
    endpoint_find(&match, "GET", "/api/v1/transactions/100010000042");
    assert_int_equal(match.endpoint, ENDPOINT_TXN_SHOW);
}

static void test_a_path_with_two_parameters_gives_both(void **state)
{
    (void)state;
    struct endpoint_match match;
    endpoint_find(&match, "POST", "/api/v1/cases/17/TRIAGE");
    assert_int_equal(match.answer, ENDPOINT_FOUND);
    assert_int_equal(match.endpoint, ENDPOINT_CASE_STEP);
    assert_string_equal(match.parameter, "17");
    assert_string_equal(match.second, "TRIAGE");
    endpoint_find(&match, "POST", "/api/v1/cases/17/keep"); /* the row that says it stands first */
    assert_int_equal(match.endpoint, ENDPOINT_CASE_KEEP);
    assert_string_equal(match.parameter, "17");
    endpoint_find(&match, "DELETE", "/api/v1/cases/17/keep");
    assert_int_equal(match.endpoint, ENDPOINT_CASE_UNKEEP);
    endpoint_find(&match, "GET", "/api/v1/terminals/10000001/diagnosis");
    assert_int_equal(match.endpoint, ENDPOINT_DIAGNOSIS);
    assert_string_equal(match.parameter, "10000001");
    endpoint_find(&match, "GET", "/api/v1/terminals/10000001");
    assert_int_equal(match.endpoint, ENDPOINT_TERMINAL);
    endpoint_find(&match, "POST", "/api/v1/cases//TRIAGE");
    assert_int_equal(match.answer, ENDPOINT_NO_PATH);
    endpoint_find(&match, "GET", "/api/v1/cases/17/TRIAGE/1");
    assert_int_equal(match.answer, ENDPOINT_NO_PATH);
    assert_true(endpoint_takes_case(ENDPOINT_CASE_STEP));
    assert_false(endpoint_takes_case(ENDPOINT_CASE_SHOW));
}

static void test_head_is_served_as_get(void **state)
{
    (void)state;
    struct endpoint_match match;
    endpoint_find(&match, "HEAD", "/healthz");
    assert_int_equal(match.answer, ENDPOINT_FOUND);
}

static void test_another_method_names_the_right_one(void **state)
{
    (void)state;
    struct endpoint_match match;
    endpoint_find(&match, "GET", "/api/v1/reload");
    assert_int_equal(match.answer, ENDPOINT_NO_METHOD);
    assert_string_equal(match.allowed, "POST");
}

static void test_other_paths_are_not_there(void **state)
{
    (void)state;
    static const char *const paths[] = {
        "/",
        "",
        "/api/v1/terminals/",
        "/api/v1/terminals/1/2",
        "/healthz/",
        ("/api/v1/terminals/"
         "0123456789012345678901234567890123456789012345678901234567890123456789"),
    };
    for (size_t i = 0; i < COUNT_OF(paths); i++) {
        struct endpoint_match match;
        endpoint_find(&match, "GET", paths[i]);
        assert_int_equal(match.answer, ENDPOINT_NO_PATH);
    }
}

static void test_no_viewer_has_an_effect_and_each_other_role_its_own(void **state)
{
    (void)state;
    for (int i = 0; i < ENDPOINT_COUNT; i++) {
        enum role_set roles = endpoint_roles((enum endpoint)i);
        if (endpoint_has_effect((enum endpoint)i)) {
            assert_false(role_may(ROLE_NOBODY, ROLE_REACH_ALL, roles));
            assert_false(role_may(ROLE_VIEWER, ROLE_REACH_ALL, roles));
        }
    }
    assert_int_equal(endpoint_roles(ENDPOINT_METRICS), ROLE_SET_OF_NOBODY);
    assert_int_equal(endpoint_roles(ENDPOINT_TXN_SHOW), ROLE_SET_OF_VIEWER);
    /* Messages pass with what merchants and customers do: not for every looker. A version is tried
     * with work of the switch's own. */
    assert_int_equal(endpoint_roles(ENDPOINT_TRACE_READ), ROLE_SET_OF_OPERATOR);
    assert_int_equal(endpoint_roles(ENDPOINT_VERSION_CHECK), ROLE_SET_OF_OPERATOR);
}

static void test_roles_are_no_ladder(void **state)
{
    (void)state;
    assert_true(role_may(ROLE_NOBODY, ROLE_REACH_ALL, ROLE_SET_OF_NOBODY));
    assert_string_equal(role_set_words(ROLE_SET_OF_CASES), "after-sales, risk");
    assert_false(role_may(ROLE_NOBODY, ROLE_REACH_ALL, ROLE_SET_OF_ANYBODY));
    assert_true(role_may(ROLE_RISK, ROLE_REACH_ALL, ROLE_SET_OF_ANYBODY));
    assert_true(role_may(ROLE_OPERATOR, ROLE_REACH_ALL, ROLE_SET_OF_VIEWER));
    assert_false(role_may(ROLE_OPERATOR, ROLE_REACH_ALL, ROLE_SET_OF_CASES));
    assert_false(role_may(ROLE_AFTER_SALES, ROLE_REACH_ALL, ROLE_SET_OF_VIEWER));
    assert_false(role_may(ROLE_AFTER_SALES, ROLE_REACH_ALL, ROLE_SET_OF_OPERATOR));
    assert_false(role_may(ROLE_AFTER_SALES, ROLE_REACH_ALL, ROLE_SET_OF_RISK));
    assert_true(role_may(ROLE_RISK, ROLE_REACH_ALL, ROLE_SET_OF_CASES));
}

static void test_a_scoped_token_makes_only_calls_that_look_at_its_scope(void **state)
{
    (void)state;
    assert_true(role_may(ROLE_AFTER_SALES, ROLE_REACH_SCOPED, ROLE_SET_OF_CASES));
    assert_true(role_may(ROLE_AFTER_SALES, ROLE_REACH_SCOPED, ROLE_SET_OF_ANYBODY));
    assert_true(role_may(ROLE_AFTER_SALES, ROLE_REACH_ALL, ROLE_SET_OF_FOLLOW_UP));
    assert_false(role_may(ROLE_AFTER_SALES, ROLE_REACH_SCOPED, ROLE_SET_OF_FOLLOW_UP));
    assert_false(role_may(ROLE_RISK, ROLE_REACH_SCOPED, ROLE_SET_OF_DESK));
}

/* People of a third party: the cases that are with them, and no other call whatever the role. */
static void test_a_service_point_makes_three_calls(void **state)
{
    (void)state;
    for (int i = 0; i < ENDPOINT_COUNT; i++) {
        enum role_set roles = endpoint_roles((enum endpoint)i);
        bool is_its = i == ENDPOINT_CASE_LIST || i == ENDPOINT_CASE_SHOW || i == ENDPOINT_CASE_STEP;
        for (int role = ROLE_VIEWER; role < ROLE_COUNT; role++) {
            bool may_ever = role == ROLE_AFTER_SALES || role == ROLE_RISK;
            assert_int_equal(role_may((enum role)role, ROLE_REACH_POINT, roles),
                             roles == ROLE_SET_OF_NOBODY || (is_its && may_ever));
        }
        if (is_its) {
            assert_true(role_may(ROLE_AFTER_SALES, ROLE_REACH_SCOPED, roles));
            assert_false(role_may(ROLE_OPERATOR, ROLE_REACH_ALL, roles));
        }
    }
}

static void test_a_role_is_found_by_its_word(void **state)
{
    (void)state;
    assert_int_equal(role_find("after-sales"), ROLE_AFTER_SALES);
    assert_int_equal(role_find("risk"), ROLE_RISK);
    assert_int_equal(role_find("nobody"), -1);
    assert_int_equal(role_find("king"), -1);
    assert_string_equal(role_word(ROLE_AFTER_SALES), "after-sales");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_path_with_a_parameter_gives_it),
        cmocka_unit_test(test_a_path_with_two_parameters_gives_both),
        cmocka_unit_test(test_head_is_served_as_get),
        cmocka_unit_test(test_another_method_names_the_right_one),
        cmocka_unit_test(test_other_paths_are_not_there),
        cmocka_unit_test(test_no_viewer_has_an_effect_and_each_other_role_its_own),
        cmocka_unit_test(test_roles_are_no_ladder),
        cmocka_unit_test(test_a_scoped_token_makes_only_calls_that_look_at_its_scope),
        cmocka_unit_test(test_a_service_point_makes_three_calls),
        cmocka_unit_test(test_a_role_is_found_by_its_word),
    };
    return cmocka_run_group_tests_name("switch/admin/endpoint", tests, NULL, NULL);
}
