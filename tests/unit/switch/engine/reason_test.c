/* Names, codes and sentences of reasons and records are those of the maps. */
#include "tests/unit/unit_test.h"

#include <ctype.h>
#include <string.h>

#include "switch/engine/engine.h"

static void expect_lower(const char *name, const char *upper)
{
    assert_non_null(name);
    assert_int_equal(strlen(name), strlen(upper));
    for (size_t at = 0; upper[at] != 0; at++) {
        assert_int_equal(name[at], tolower((unsigned char)upper[at]));
    }
}

static void test_reasons(void **state)
{
    (void)state;
#define X(name, code, text)                                                                        \
    expect_lower(txn_reason_name(TXN_REASON_##name), #name);                                       \
    assert_string_equal(txn_reason_code(TXN_REASON_##name), code);                                 \
    assert_string_equal(txn_reason_text(TXN_REASON_##name), text);                                 \
    assert_int_equal(strlen(code), 2);
    TXN_REASON_MAP(X)
#undef X
    expect_assert_failure(txn_reason_name(TXN_REASON_COUNT));
}

static void test_record_kinds(void **state)
{
    (void)state;
#define X(name, text) expect_lower(record_kind_name(RECORD_##name), #name);
    RECORD_KIND_MAP(X)
#undef X
    expect_assert_failure(record_kind_name(RECORD_KIND_COUNT));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_reasons),
        cmocka_unit_test(test_record_kinds),
    };
    return cmocka_run_group_tests_name("switch/engine/reason", tests, NULL, NULL);
}
