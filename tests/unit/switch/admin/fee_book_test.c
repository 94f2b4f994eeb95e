/* Of priced transactions those stand that were approved, and neither reversed, voided nor adjusted.
 */
#include "tests/unit/unit_test.h"

#include "switch/admin/fee_book.h"

static struct fee_entry entry_of(uint32_t seq, enum payment_kind kind, uint32_t original)
{
    return (struct fee_entry){.txn = {1, seq},
                              .original = {original == 0 ? 0 : 1, original},
                              .kind = kind,
                              .amount = 100 * seq,
                              .is_priced = kind != PAYMENT_VOID};
}

static void enter(struct fee_book *book, uint32_t seq, enum payment_kind kind, uint32_t original)
{
    struct fee_entry entry = entry_of(seq, kind, original);
    assert_int_equal(fee_book_enter(book, &entry), STATUS_OK);
}

static struct fee_entry *find(struct fee_book *book, uint32_t seq)
{
    struct fee_entry *entry = fee_book_find(book, (struct txn_reference){1, seq});
    assert_non_null(entry);
    return entry;
}

static void test_what_was_approved_stands_and_what_was_not_does_not(void **state)
{
    (void)state;
    struct fee_book *book = fee_book_create();
    enter(book, 1, PAYMENT_PURCHASE, 0);
    enter(book, 2, PAYMENT_PURCHASE, 0);
    enter(book, 3, PAYMENT_PURCHASE, 0);
    enter(book, 4, PAYMENT_PREAUTH, 0);
    find(book, 1)->is_approved = true;
    find(book, 3)->is_approved = true;
    find(book, 3)->is_reversed = true;
    find(book, 4)->is_approved = true; /* moves no money */
    fee_book_close(book);
    assert_true(fee_entry_stands(find(book, 1)));
    assert_false(fee_entry_stands(find(book, 2)));
    assert_false(fee_entry_stands(find(book, 3)));
    assert_false(fee_entry_stands(find(book, 4)));
    fee_book_destroy(book);
}

static void test_a_void_that_stands_takes_its_original_away(void **state)
{
    (void)state;
    struct fee_book *book = fee_book_create();
    for (uint32_t seq = 1; seq <= 3; seq++) {
        enter(book, seq, PAYMENT_PURCHASE, 0);
        enter(book, seq + 10, PAYMENT_VOID, seq);
        find(book, seq)->is_approved = true;
    }
    find(book, 11)->is_approved = true;
    find(book, 12)->is_approved = true;
    find(book, 12)->is_reversed = true; /* so the purchase stands again */
    fee_book_close(book);
    assert_false(fee_entry_stands(find(book, 1)));
    assert_true(fee_entry_stands(find(book, 2)));
    assert_true(fee_entry_stands(find(book, 3))); /* its void was declined */
    assert_false(fee_entry_stands(find(book, 11)));
    fee_book_destroy(book);
}

static void test_the_last_adjustment_is_the_one_that_counts(void **state)
{
    (void)state;
    struct fee_book *book = fee_book_create();
    enter(book, 1, PAYMENT_PURCHASE, 0);
    enter(book, 2, PAYMENT_OFFLINE_ADVICE, 1);
    enter(book, 3, PAYMENT_OFFLINE_ADVICE, 1); /* of the same original */
    enter(book, 4, PAYMENT_PURCHASE, 0);
    enter(book, 5, PAYMENT_OFFLINE_ADVICE, 4);
    enter(book, 6, PAYMENT_OFFLINE_ADVICE, 5); /* of the one before */
    for (uint32_t seq = 1; seq <= 6; seq++) {
        find(book, seq)->is_approved = true;
    }
    fee_book_close(book);
    static const bool stands[] = {false, false, true, false, false, true};
    for (uint32_t seq = 1; seq <= 6; seq++) {
        assert_int_equal(fee_entry_stands(find(book, seq)), stands[seq - 1]);
    }
    fee_book_destroy(book);
}

static void test_many_are_found_in_the_order_they_came(void **state)
{
    (void)state;
    enum { MANY = 20000 };
    struct fee_book *book = fee_book_create();
    for (uint32_t seq = MANY; seq > 0; seq--) {
        enter(book, seq, PAYMENT_PURCHASE, 0);
    }
    enter(book, 7, PAYMENT_PURCHASE, 0); /* once more is once */
    assert_int_equal(fee_book_count(book), MANY);
    assert_int_equal(fee_book_at(book, 0)->txn.seq, MANY);
    for (uint32_t seq = 1; seq <= MANY; seq++) {
        assert_int_equal(find(book, seq)->amount, 100 * seq);
    }
    assert_null(fee_book_find(book, (struct txn_reference){2, 7}));
    fee_book_destroy(book);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_what_was_approved_stands_and_what_was_not_does_not),
        cmocka_unit_test(test_a_void_that_stands_takes_its_original_away),
        cmocka_unit_test(test_the_last_adjustment_is_the_one_that_counts),
        cmocka_unit_test(test_many_are_found_in_the_order_they_came),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
