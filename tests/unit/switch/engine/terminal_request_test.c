/* What a terminal is asked to do, in words; the order is told by tests/flow/download_test.c. */
#include "tests/unit/unit_test.h"

#include "switch/engine/terminal_request.h"

static void test_each_digit_has_its_sentence(void **state)
{
    (void)state;
    assert_string_equal(terminal_request_text(TERMINAL_REQUEST_NONE), "");
    assert_string_equal(terminal_request_text(1), "download parameters");
    assert_string_equal(terminal_request_text(2), "upload its status");
    assert_string_equal(terminal_request_text(3), "sign on again");
    assert_string_equal(terminal_request_text(4), "download CA public keys");
    assert_string_equal(terminal_request_text(5), "download chip application parameters");
    assert_string_equal(terminal_request_text(6), "update its software");
    assert_string_equal(terminal_request_text(7), "download the BIN blacklist");
    assert_string_equal(terminal_request_text(9), "");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_each_digit_has_its_sentence),
    };
    return cmocka_run_group_tests_name("engine/terminal_request", tests, NULL, NULL);
}
