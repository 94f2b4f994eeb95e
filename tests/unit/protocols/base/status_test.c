/* Statuses: the sign says whom to blame, and each has words of its own. */
#include "tests/unit/unit_test.h"

#include <string.h>

#include "protocols/base/status.h"

static const enum status STATUSES[] = {
#define X(name, value, text) STATUS_##name,
    STATUS_MAP(X)
#undef X
};

static void test_every_status_has_words_of_its_own(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT_OF(STATUSES); i++) {
        for (size_t k = 0; k < i; k++) {
            assert_string_not_equal(status_text(STATUSES[i]), status_text(STATUSES[k]));
            assert_int_not_equal(STATUSES[i], STATUSES[k]);
        }
    }
    assert_string_equal(status_text((enum status)99), "status outside the map");
}

static void test_the_sign_says_whom_to_blame(void **state)
{
    (void)state;
    assert_true(STATUS_NO_MEMORY < 0 && STATUS_NO_ROOM < 0 && STATUS_BROKEN < 0);
    assert_true(STATUS_MALFORMED > 0 && STATUS_TRUNCATED > 0 && STATUS_DENIED > 0);
    assert_int_equal(STATUS_OK, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_every_status_has_words_of_its_own),
        cmocka_unit_test(test_the_sign_says_whom_to_blame),
    };
    return cmocka_run_group_tests_name("protocols/base/status", tests, NULL, NULL);
}
