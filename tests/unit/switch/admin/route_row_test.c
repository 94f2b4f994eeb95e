/* A row of the log becomes the question that the rules were asked, as far as the log kept it. */
#include "tests/unit/unit_test.h"

#include <stdio.h>
#include <string.h>

#include "routing/pay_code.h"
#include "switch/admin/route_row.h"

/* What differs from a purchase by card 622202*********1234 that went to bank_a. */
struct told {
    const char *kind, *payment_kind, *pan, *entry_mode, *basis;
};

static enum route_row_answer read_row(struct route_row *row, const struct told *told)
{
    char sql[800];
    sqlite3 *database = NULL;
    sqlite3_stmt *from = NULL;
    snprintf(sql, sizeof(sql),
             "SELECT 17, 1789992000000000, '%s', '%s', 'none', 1, '10000001', '898290054110000', "
             "3, 44, 123456, 156, '%s', '%s', 'bank_a', '000010000009', 0, 5, 21, '%s'",
             told->kind, told->payment_kind, told->pan, told->entry_mode, told->basis);
    assert_int_equal(sqlite3_open(":memory:", &database), SQLITE_OK);
    assert_int_equal(sqlite3_prepare_v2(database, sql, -1, &from, NULL), SQLITE_OK);
    assert_int_equal(sqlite3_step(from), SQLITE_ROW);
    enum route_row_answer answer = route_row_read(row, from);
    sqlite3_finalize(from);
    sqlite3_close(database);
    return answer;
}

static void test_a_purchase_is_asked_as_it_was(void **state)
{
    (void)state;
    struct route_row row;
    const struct told told = {"intent", "purchase", "622202*********1234", "051",
                              "SP1 proportional unionpay credit standard ic 987600"};
    assert_int_equal(read_row(&row, &told), ROUTE_ROW_WHOLE);
    const struct route_question *question = &row.question;
    assert_int_equal(question->kind, PAYMENT_PURCHASE);
    assert_int_equal(question->amount.minor, 123456);
    assert_int_equal(question->amount.currency, 156);
    assert_string_equal(question->terminal_id, "10000001");
    assert_string_equal(question->merchant_id, "898290054110000");
    assert_string_equal(question->entry_mode, "051");
    assert_string_equal(question->card_first, "622202");
    assert_string_equal(question->card_last, "1234");
    assert_int_equal(question->card_digits, 19);
    assert_int_equal(question->batch, 3);
    assert_int_equal(question->stan, 44);
    assert_int_equal(row.month_minor, 987600);
    assert_int_equal(row.wall_us, 1789992000000000);
    assert_string_equal(row.channel, "bank_a");
    assert_int_equal(row.route_rule, 21);
    assert_false(row.has_original);
}

static void test_of_a_code_the_scheme_comes_back(void **state)
{
    (void)state;
    struct route_row row;
    enum card_scheme scheme;
    const struct told told = {"intent", "purchase", "", "031",
                              "SP1 proportional wechat - standard qr 0"};
    assert_int_equal(read_row(&row, &told), ROUTE_ROW_WHOLE);
    assert_true(pay_code_scheme(row.question.pay_code, &scheme));
    assert_int_equal(scheme, CARD_SCHEME_WECHAT);
    assert_string_equal(row.question.card_first, "");
}

static void test_a_refused_code_is_gone(void **state)
{
    (void)state;
    struct route_row row;
    assert_int_equal(read_row(&row, &(struct told){"refused", "purchase", "", "031", ""}),
                     ROUTE_ROW_CODE_GONE);
    /* A card's digits are there, refused or not. */
    assert_int_equal(
        read_row(&row, &(struct told){"refused", "purchase", "622202******1234", "051", ""}),
        ROUTE_ROW_WHOLE);
    assert_int_equal(row.question.card_digits, 16);
}

static void test_words_of_nobody_are_unreadable(void **state)
{
    (void)state;
    struct route_row row;
    assert_int_equal(read_row(&row, &(struct told){"intent", "gift", "", "051", ""}),
                     ROUTE_ROW_UNREADABLE);
    assert_int_equal(read_row(&row, &(struct told){"intent", "purchase", "", "051", "what"}),
                     ROUTE_ROW_UNREADABLE);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_purchase_is_asked_as_it_was),
        cmocka_unit_test(test_of_a_code_the_scheme_comes_back),
        cmocka_unit_test(test_a_refused_code_is_gone),
        cmocka_unit_test(test_words_of_nobody_are_unreadable),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
