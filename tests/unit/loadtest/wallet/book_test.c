/* The wallets' rules for orders and refunds, and that the file has them all. */
#include "tests/unit/unit_test.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "loadtest/wallet/book.h"

static const int64_t GAPS_US[] = {1000, 2000};
static char folder[] = "/tmp/tillway-book-XXXXXX", path[64];
static struct book *book;

static void book_open_anew(void)
{
    char reason[BOOK_REASON_SIZE];
    struct book_setup setup = {path, false, GAPS_US, 2};
    book = book_open(&setup, reason);
    assert_non_null(book);
}

static int begin(void **state)
{
    (void)state;
    memcpy(folder, "/tmp/tillway-book-XXXXXX", sizeof folder);
    if (mkdtemp(folder) == NULL) {
        return -1;
    }
    snprintf(path, sizeof path, "%s/book.db", folder);
    book_open_anew();
    return 0;
}

static int end(void **state)
{
    static const char *const suffixes[] = {"", "-wal", "-shm"};
    (void)state;
    book_close(book);
    for (unsigned i = 0; i < COUNT_OF(suffixes); i++) {
        char file[80];
        snprintf(file, sizeof file, "%s%s", path, suffixes[i]);
        unlink(file);
    }
    rmdir(folder);
    return 0;
}

static void book_end_well(void)
{
    assert_int_equal(book_end(book), STATUS_OK);
}

static enum book_verdict pay(const char *number, const char *code, int64_t amount,
                             struct order **order)
{
    struct purchase purchase = {.wallet = WALLET_ALIPAY,
                                .number = number,
                                .code = code,
                                .notify_url = "https://localhost:1/n",
                                .amount = amount,
                                .state = ORDER_PAID,
                                .due_state = ORDER_PAID,
                                .notice_copies = 1};
    return book_pay(book, &purchase, order);
}

static void test_an_order_is_made_once_and_a_code_buys_once(void **state)
{
    struct order *order = NULL, *again = NULL;
    (void)state;
    book_begin(book, 1000000);
    assert_int_equal(pay("A1", "281", 500, &order), BOOK_NEW);
    assert_int_equal(pay("A1", "281", 500, &again), BOOK_SAME);
    assert_ptr_equal(order, again);
    assert_int_equal(pay("A1", "281", 501, &again), BOOK_CONFLICT);
    assert_int_equal(pay("A2", "281", 500, &again), BOOK_CODE_USED);
    assert_null(book_find(book, WALLET_ALIPAY, "A2"));
    assert_null(book_find(book, WALLET_WECHAT, "A1"));
    book_end_well();
}

static void test_refunds_end_at_what_was_paid_and_survive(void **state)
{
    struct order *order = NULL;
    const struct refund *refund = NULL;
    (void)state;
    book_begin(book, 1000000);
    assert_int_equal(pay("A1", "281", 500, &order), BOOK_NEW);
    assert_int_equal(book_refund(book, order, "R1", 200, &refund), BOOK_NEW);
    assert_int_equal(book_refund(book, order, "R1", 200, &refund), BOOK_SAME);
    assert_int_equal(book_refund(book, order, "R1", 201, &refund), BOOK_CONFLICT);
    assert_int_equal(book_refund(book, order, "R2", 301, &refund), BOOK_TOO_MUCH);
    book_end_well();
    book_close(book);
    book_open_anew();
    book_begin(book, 2000000);
    order = book_find(book, WALLET_ALIPAY, "A1");
    assert_non_null(order);
    assert_int_equal(order->refunded, 200);
    assert_non_null(book_refund_find(order, "R1"));
    assert_int_equal(book_refund(book, order, "R2", 300, &refund), BOOK_NEW);
    assert_int_equal(pay("A3", "281", 500, &order), BOOK_CODE_USED);
    book_end_well();
}

static void test_an_order_waits_until_its_buyer_ends_it(void **state)
{
    struct order *order = NULL;
    struct purchase purchase = {.wallet = WALLET_WECHAT,
                                .number = "W1",
                                .code = "131",
                                .amount = 100,
                                .state = ORDER_WAITING,
                                .due_state = ORDER_PAID,
                                .wait_us = 5000};
    (void)state;
    book_begin(book, 1000000);
    assert_int_equal(book_pay(book, &purchase, &order), BOOK_NEW);
    book_end_well();
    book_begin(book, 1004999);
    assert_int_equal(order->state, ORDER_WAITING);
    book_end_well();
    book_begin(book, 1005000);
    assert_int_equal(order->state, ORDER_PAID);
    assert_false(book_decide(book, order, ORDER_FAILED));
    assert_int_equal(book_undo(book, order), ORDER_REVERSED);
    assert_int_equal(book_undo(book, order), ORDER_REVERSED);
    book_end_well();
}

static void test_what_is_undone_while_it_waits_is_never_paid(void **state)
{
    struct order *order = NULL;
    struct purchase purchase = {.wallet = WALLET_WECHAT,
                                .number = "W1",
                                .code = "131",
                                .amount = 100,
                                .state = ORDER_WAITING,
                                .due_state = ORDER_PAID,
                                .wait_us = 5000,
                                .retries = 1};
    const struct refund *refund = NULL;
    (void)state;
    book_begin(book, 1000000);
    assert_int_equal(book_pay(book, &purchase, &order), BOOK_NEW);
    assert_true(book_undo_again(book, order));
    assert_false(book_undo_again(book, order));
    assert_int_equal(book_undo(book, order), ORDER_CLOSED);
    book_end_well();
    book_begin(book, 9000000);
    assert_int_equal(order->state, ORDER_CLOSED);
    assert_int_equal(book_refund(book, order, "R1", 100, &refund), BOOK_NOT_PAID);
    book_end_well();
}

static void test_a_notify_comes_again_after_each_gap_and_then_no_more(void **state)
{
    struct order *order = NULL;
    struct notice notice, other;
    int64_t now_us = 1000000;
    (void)state;
    book_begin(book, now_us);
    assert_int_equal(pay("A1", "281", 500, &order), BOOK_NEW);
    book_end_well();
    for (unsigned i = 0; i <= COUNT_OF(GAPS_US); i++) {
        book_begin(book, now_us);
        assert_true(book_notice_next(book, &notice));
        assert_int_equal(notice.attempts, i);
        assert_false(book_notice_next(book, &other));
        book_notice_end(book, &notice, false);
        now_us += i < COUNT_OF(GAPS_US) ? GAPS_US[i] : 1000000;
        book_end_well();
    }
    book_begin(book, now_us);
    assert_false(book_notice_next(book, &notice));
    book_end_well();
}

static void test_a_code_expires(void **state)
{
    struct order *order = NULL;
    char code[19];
    (void)state;
    book_begin(book, 1000000);
    book_issue_code(book, WALLET_ALIPAY, 1000, code);
    book_end_well();
    book_begin(book, 1001000);
    assert_int_equal(pay("A1", code, 500, &order), BOOK_CODE_OLD);
    assert_null(order);
    book_end_well();
}

static void test_a_file_that_cannot_be_made_is_told(void **state)
{
    char reason[BOOK_REASON_SIZE];
    struct book_setup setup = {"/nonexistent/book.db", false, NULL, 0};
    (void)state;
    assert_null(book_open(&setup, reason));
    assert_non_null(strstr(reason, "/nonexistent/book.db"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_an_order_is_made_once_and_a_code_buys_once, begin,
                                        end),
        cmocka_unit_test_setup_teardown(test_refunds_end_at_what_was_paid_and_survive, begin, end),
        cmocka_unit_test_setup_teardown(test_an_order_waits_until_its_buyer_ends_it, begin, end),
        cmocka_unit_test_setup_teardown(test_what_is_undone_while_it_waits_is_never_paid, begin,
                                        end),
        cmocka_unit_test_setup_teardown(test_a_notify_comes_again_after_each_gap_and_then_no_more,
                                        begin, end),
        cmocka_unit_test_setup_teardown(test_a_code_expires, begin, end),
        cmocka_unit_test(test_a_file_that_cannot_be_made_is_told),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
