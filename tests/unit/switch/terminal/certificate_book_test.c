/* Certificates near their end: at which level, and told once. */
#include "switch/terminal/certificate_book.h"

#include <stdio.h>
#include <string.h>

#include "tests/unit/unit_test.h"

#define NOW_S INT64_C(1800000000)
#define DAY_S INT64_C(86400)

static struct certificate_book book;

static int begin(void **state)
{
    (void)state;
    memset(&book, 0, sizeof(book));
    return 0;
}

/* One that the engine takes at once. */
static bool tell(struct certificate_book *into, const char *terminal_id, enum txn_reason reason)
{
    bool is_news = certificate_book_is_news(into, terminal_id, reason);
    if (is_news) {
        certificate_book_told(into, terminal_id, reason);
    }
    return is_news;
}

static void test_levels_are_thirty_fourteen_and_seven_days(void **state)
{
    (void)state;
    static const struct {
        int64_t left_s;
        enum txn_reason reason;
    } CASES[] = {
        {400 * DAY_S, TXN_REASON_NONE},          {30 * DAY_S + 1, TXN_REASON_NONE},
        {30 * DAY_S, TXN_REASON_CERTIFICATE_30}, {14 * DAY_S + 1, TXN_REASON_CERTIFICATE_30},
        {14 * DAY_S, TXN_REASON_CERTIFICATE_14}, {7 * DAY_S + 1, TXN_REASON_CERTIFICATE_14},
        {7 * DAY_S, TXN_REASON_CERTIFICATE_7},   {1, TXN_REASON_CERTIFICATE_7},
        {-DAY_S, TXN_REASON_CERTIFICATE_7}, /* it ended while the connection was open */
    };
    for (uint32_t i = 0; i < sizeof(CASES) / sizeof(CASES[0]); i++) {
        assert_int_equal(certificate_reason(NOW_S + CASES[i].left_s, NOW_S), CASES[i].reason);
    }
    assert_int_equal(certificate_reason(0, NOW_S), TXN_REASON_NONE);
}

static void test_each_level_is_told_once(void **state)
{
    (void)state;
    static const enum txn_reason LEVELS[] = {TXN_REASON_CERTIFICATE_30, TXN_REASON_CERTIFICATE_14,
                                             TXN_REASON_CERTIFICATE_7};
    for (uint32_t i = 0; i < 3; i++) {
        assert_true(tell(&book, "10000001", LEVELS[i]));
        assert_false(tell(&book, "10000001", LEVELS[i]));
    }
    assert_true(tell(&book, "10000002", TXN_REASON_CERTIFICATE_7));
    assert_false(tell(&book, "10000001", TXN_REASON_CERTIFICATE_7));
}

static void test_news_stay_news_until_they_are_told(void **state)
{
    (void)state;
    assert_true(certificate_book_is_news(&book, "10000001", TXN_REASON_CERTIFICATE_30));
    assert_true(certificate_book_is_news(&book, "10000001", TXN_REASON_CERTIFICATE_30));
    certificate_book_told(&book, "10000001", TXN_REASON_CERTIFICATE_30);
    assert_false(certificate_book_is_news(&book, "10000001", TXN_REASON_CERTIFICATE_30));
    assert_true(certificate_book_is_news(&book, "10000001", TXN_REASON_CERTIFICATE_14));
    assert_false(certificate_book_is_news(&book, "10000001", TXN_REASON_CERTIFICATE_30));
}

static void test_another_certificate_begins_anew(void **state)
{
    (void)state;
    assert_false(tell(&book, "10000001", TXN_REASON_NONE));
    assert_true(tell(&book, "10000001", TXN_REASON_CERTIFICATE_7));
    assert_false(tell(&book, "10000002", TXN_REASON_NONE));
    assert_false(tell(&book, "10000001", TXN_REASON_CERTIFICATE_7));
    assert_false(tell(&book, "10000001", TXN_REASON_NONE));
    assert_true(tell(&book, "10000001", TXN_REASON_CERTIFICATE_7));
}

/* Ten times as many as it has places: each is told, and the latest are known. */
static void test_more_terminals_than_places_are_told_again(void **state)
{
    (void)state;
    char name[9];
    for (uint32_t i = 0; i < 10 * CERTIFICATE_COUNT; i++) {
        snprintf(name, sizeof(name), "%08u", (unsigned)i % 100000000);
        assert_true(tell(&book, name, TXN_REASON_CERTIFICATE_30));
        assert_false(tell(&book, name, TXN_REASON_CERTIFICATE_30));
    }
    uint32_t again = 0;
    for (uint32_t i = 0; i < 100; i++) {
        snprintf(name, sizeof(name), "%08u", (unsigned)i);
        again += tell(&book, name, TXN_REASON_CERTIFICATE_30) ? 1 : 0;
    }
    assert_true(again > 90);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(test_levels_are_thirty_fourteen_and_seven_days, begin),
        cmocka_unit_test_setup(test_each_level_is_told_once, begin),
        cmocka_unit_test_setup(test_news_stay_news_until_they_are_told, begin),
        cmocka_unit_test_setup(test_another_certificate_begins_anew, begin),
        cmocka_unit_test_setup(test_more_terminals_than_places_are_told_again, begin),
    };
    return cmocka_run_group_tests_name("switch/terminal/certificate_book", tests, NULL, NULL);
}
