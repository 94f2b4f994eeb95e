/* The query of a search: each parameter, and what is refused. */
#include "tests/unit/unit_test.h"

#include <string.h>

#include "switch/admin/txn_query.h"

static void test_parameters_fill_the_query(void **state)
{
    (void)state;
    struct txn_query query;
    char reason[TXN_QUERY_REASON_SIZE] = "";
    txn_query_init(&query);
    assert_int_equal(query.stan, -1);
    assert_int_equal(query.limit, TXN_QUERY_LIMIT);
    assert_int_equal(txn_query_put(&query, "terminal", "10000001", reason), STATUS_OK);
    assert_int_equal(txn_query_put(&query, "stan", "000042", reason), STATUS_OK);
    assert_int_equal(txn_query_put(&query, "rrn", "100010000042", reason), STATUS_OK);
    assert_int_equal(txn_query_put(&query, "from", "2026-09-21", reason), STATUS_OK);
    assert_int_equal(txn_query_put(&query, "cursor", "59811", reason), STATUS_OK);
    assert_int_equal(txn_query_put(&query, "limit", "200", reason), STATUS_OK);
    assert_int_equal(txn_query_put(&query, "amount", "12345", reason), STATUS_OK);
    assert_int_equal(txn_query_put(&query, "card", "6222021234", reason), STATUS_OK);
    assert_string_equal(query.terminal_id, "10000001");
    assert_int_equal(query.stan, 42);
    assert_string_equal(query.rrn, "100010000042");
    assert_true(query.from_us == INT64_C(1789948800000000));
    assert_int_equal(query.before_position, 59811);
    assert_int_equal(query.limit, 200);
    assert_int_equal(query.amount_minor, 12345);
    assert_string_equal(query.card_first, "622202");
    assert_string_equal(query.card_last, "1234");
}

static void test_wrong_values_are_refused_by_name(void **state)
{
    (void)state;
    static const char *const wrong[][2] = {
        {"terminal", "1000000"}, {"stan", "1000000"},  {"stan", ""},
        {"stan", "-1"},          {"rrn", "12345"},     {"rrn", "12345678901;"},
        {"limit", "0"},          {"limit", "201"},     {"cursor", "99999999999999999999"},
        {"from", "yesterday"},   {"to", "2026-13-01"}, {"merchant", ""},
        {"amount", "1.00"},      {"card", "12345"},    {"card", "12345x"},
        {"outcome", "fine"},     {"code", "0"},        {"day", "2026-09-21"},
        {"day", "20261301"},     {"kind", "Purchase"}, {"kind", "sale"},
    };
    for (size_t i = 0; i < COUNT_OF(wrong); i++) {
        struct txn_query query;
        char reason[TXN_QUERY_REASON_SIZE] = "";
        txn_query_init(&query);
        assert_int_equal(txn_query_put(&query, wrong[i][0], wrong[i][1], reason), STATUS_BAD_VALUE);
        assert_ptr_equal(strstr(reason, wrong[i][0]), reason);
    }
    struct txn_query query;
    char reason[TXN_QUERY_REASON_SIZE] = "";
    txn_query_init(&query);
    assert_int_equal(txn_query_put(&query, "colour", "1", reason), STATUS_UNKNOWN);
}

static void test_times_are_read_with_fraction_and_offset(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        int64_t wall_us;
    } times[] = {
        {"1970-01-01", 0},
        {"1970-01-01T00:00:01Z", 1000000},
        {"2026-09-21T14:13:20Z", INT64_C(1790000000000000)},
        {"2026-09-21T14:13:20.000002Z", INT64_C(1790000000000002)},
        {"2026-09-21T22:13:20+08:00", INT64_C(1790000000000000)},
        {"2026-09-21T22:13:20 08:00", INT64_C(1790000000000000)},
        {"2026-09-21 09:13:20.5-05:00", INT64_C(1790000000500000)},
        {"2024-02-29", INT64_C(1709164800000000)},
        {"2024-03-01", INT64_C(1709251200000000)},
    };
    for (size_t i = 0; i < COUNT_OF(times); i++) {
        int64_t wall_us = -1;
        assert_int_equal(txn_query_time(times[i].text, &wall_us), STATUS_OK);
        assert_true(wall_us == times[i].wall_us);
    }
    static const char *const wrong[] = {"",
                                        "2026",
                                        "2026-09-21T",
                                        "2026-09-21T25:00:00Z",
                                        "2026-09-21Tx",
                                        "2026-09-21T14:13:20+8",
                                        "2026-00-21",
                                        "2026-09-21T14:13:20Zz"};
    for (size_t i = 0; i < COUNT_OF(wrong); i++) {
        int64_t wall_us;
        assert_int_not_equal(txn_query_time(wrong[i], &wall_us), STATUS_OK);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_parameters_fill_the_query),
        cmocka_unit_test(test_wrong_values_are_refused_by_name),
        cmocka_unit_test(test_times_are_read_with_fraction_and_offset),
    };
    return cmocka_run_group_tests_name("switch/admin/txn_query", tests, NULL, NULL);
}
