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
    assert_int_equal(endpoint_role(match.endpoint), ROLE_VIEWER);
    assert_false(endpoint_has_effect(match.endpoint));
    endpoint_find(&match, "GET", "/api/v1/transactions");
    assert_int_equal(match.endpoint, ENDPOINT_TXN_SEARCH);
    endpoint_find(&match, "GET", "/api/v1/transactions/100010000042");
    assert_int_equal(match.endpoint, ENDPOINT_TXN_SHOW);
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

static void test_each_effect_takes_an_operator_and_looking_does_not(void **state)
{
    (void)state;
    for (int i = 0; i < ENDPOINT_COUNT; i++) {
        enum endpoint endpoint = (enum endpoint)i;
        if (endpoint_has_effect(endpoint)) {
            assert_int_equal(endpoint_role(endpoint), ROLE_OPERATOR);
        } else {
            /* Messages pass with what merchants and customers do: not for every looker. A version
             * is tried with work of the switch's own. */
            bool is_operators =
                endpoint == ENDPOINT_TRACE_READ || endpoint == ENDPOINT_VERSION_CHECK;
            assert_true(endpoint_role(endpoint) < ROLE_OPERATOR || is_operators);
        }
    }
    assert_int_equal(endpoint_role(ENDPOINT_METRICS), ROLE_NOBODY);
    assert_int_equal(endpoint_role(ENDPOINT_TXN_SHOW), ROLE_VIEWER);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_path_with_a_parameter_gives_it),
        cmocka_unit_test(test_head_is_served_as_get),
        cmocka_unit_test(test_another_method_names_the_right_one),
        cmocka_unit_test(test_other_paths_are_not_there),
        cmocka_unit_test(test_each_effect_takes_an_operator_and_looking_does_not),
    };
    return cmocka_run_group_tests_name("switch/admin/endpoint", tests, NULL, NULL);
}
