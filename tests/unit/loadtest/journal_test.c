/* A terminal's batch: what may follow what, and what it adds up to. */
#include "tests/unit/unit_test.h"

#include <stdio.h>
#include <string.h>

#include "loadtest/journal.h"

static struct pos_request request_of(enum pos_kind kind, uint32_t stan, int64_t amount)
{
    struct pos_request request = {
        .kind = kind, .stan = stan, .amount = amount, .entry = POS_CHIP_PIN};
    snprintf(request.card.pan, sizeof request.card.pan, "6225000000000014");
    return request;
}

static struct pos_answer answer_of(uint32_t stan)
{
    struct pos_answer answer = {.amount = -1};
    snprintf(answer.rrn, sizeof answer.rrn, "%012u", (unsigned)stan);
    snprintf(answer.auth_code, sizeof answer.auth_code, "%06u", (unsigned)stan);
    snprintf(answer.local_date, sizeof answer.local_date, "1128");
    snprintf(answer.acquirer_id, sizeof answer.acquirer_id, "48021000");
    return answer;
}

static void add(struct journal *journal, struct pos_request request, uint32_t original)
{
    struct pos_answer answer = answer_of(request.stan);
    assert_int_equal(journal_add(journal, &request, &answer, original), STATUS_OK);
}

static uint32_t pick(const struct journal *journal, enum pos_kind kind)
{
    struct draw draw = draw_start(7);
    return journal_pick(journal, kind, &draw);
}

static void test_a_void_names_a_sale_of_the_open_batch_once(void **state)
{
    (void)state;
    struct journal journal = {0};
    journal_begin_batch(&journal, 1);
    assert_int_equal(pick(&journal, POS_VOID), JOURNAL_NO_ENTRY);
    add(&journal, request_of(POS_PURCHASE, 1, 1000), JOURNAL_NO_ENTRY);
    assert_int_equal(pick(&journal, POS_VOID), 0);
    assert_int_equal(pick(&journal, POS_INSTALMENT_VOID), JOURNAL_NO_ENTRY);
    assert_string_equal(journal.entries[0].as_original.rrn, "000000000001");
    assert_int_equal(journal.entries[0].as_original.batch, 1);
    add(&journal, request_of(POS_VOID, 2, 1000), 0);
    assert_int_equal(pick(&journal, POS_VOID), JOURNAL_NO_ENTRY);
    assert_int_equal(pick(&journal, POS_REFUND), JOURNAL_NO_ENTRY);
    add(&journal, request_of(POS_PURCHASE, 3, 500), JOURNAL_NO_ENTRY);
    journal_begin_batch(&journal, 2);
    assert_int_equal(pick(&journal, POS_VOID), JOURNAL_NO_ENTRY);
    journal_free(&journal);
}

static void test_refunds_go_over_batches_until_nothing_is_left(void **state)
{
    (void)state;
    struct journal journal = {0};
    journal_begin_batch(&journal, 1);
    add(&journal, request_of(POS_PURCHASE, 1, 1000), JOURNAL_NO_ENTRY);
    journal_begin_batch(&journal, 2);
    assert_int_equal(pick(&journal, POS_REFUND), 0);
    add(&journal, request_of(POS_REFUND, 2, 400), 0);
    assert_int_equal(journal.entries[0].refunded, 400);
    assert_int_equal(pick(&journal, POS_REFUND), 0);
    add(&journal, request_of(POS_REFUND, 3, 600), 0);
    assert_int_equal(pick(&journal, POS_REFUND), JOURNAL_NO_ENTRY);
    journal_free(&journal);
}

static void test_a_preauthorisation_grows_and_is_completed_once(void **state)
{
    (void)state;
    struct journal journal = {0};
    journal_begin_batch(&journal, 1);
    add(&journal, request_of(POS_PREAUTH, 1, 1000), JOURNAL_NO_ENTRY);
    add(&journal, request_of(POS_INCREMENT, 2, 300), 0);
    assert_int_equal(journal.entries[0].amount, 1300);
    assert_int_equal(pick(&journal, POS_CAPTURE), 0);
    assert_int_equal(pick(&journal, POS_PREAUTH_VOID), 0);
    add(&journal, request_of(POS_CAPTURE, 3, 1400), 0);
    assert_int_equal(pick(&journal, POS_CAPTURE_ADVICE), JOURNAL_NO_ENTRY);
    assert_int_equal(pick(&journal, POS_CAPTURE_VOID), 2);
    journal_free(&journal);
}

static void test_totals_count_debits_credits_and_foreign_cards_apart(void **state)
{
    (void)state;
    struct journal journal = {0};
    struct journal_totals totals, back;
    char digits[POS_TOTALS_DIGITS + 1], results[3];
    journal_begin_batch(&journal, 1);
    add(&journal, request_of(POS_PURCHASE, 9, 7777), JOURNAL_NO_ENTRY);
    journal_begin_batch(&journal, 2); /* what is above is settled */
    add(&journal, request_of(POS_PURCHASE, 1, 1000), JOURNAL_NO_ENTRY);
    add(&journal, request_of(POS_VOID, 2, 1000), 1);
    add(&journal, request_of(POS_PURCHASE, 3, 2000), JOURNAL_NO_ENTRY);
    add(&journal, request_of(POS_TIP, 4, 2200), 3); /* a new total, no transaction more */
    add(&journal, request_of(POS_PREAUTH, 5, 9000), JOURNAL_NO_ENTRY);
    struct pos_request foreign = request_of(POS_PURCHASE, 6, 50);
    foreign.card.is_foreign = true;
    add(&journal, foreign, JOURNAL_NO_ENTRY);
    journal_totals(&journal, &totals);
    journal_totals_format(&totals, digits);
    assert_string_equal(digits, "000000003200002000000001000001"
                                "0"
                                "000000000050001000000000000000"
                                "0");
    digits[30] = '1';
    digits[61] = '2';
    assert_int_equal(journal_totals_parse(&back, results, digits), STATUS_OK);
    char again[POS_TOTALS_DIGITS + 1];
    journal_totals_format(&back, again);
    assert_int_equal(back.debit[0].count, 2);
    assert_memory_equal(again, digits, 30);
    assert_memory_equal(again + 31, digits + 31, 30);
    assert_string_equal(results, "12");
    assert_int_equal(journal_totals_parse(&back, results, "123"), STATUS_MALFORMED);
    digits[5] = 'x';
    assert_int_equal(journal_totals_parse(&back, results, digits), STATUS_MALFORMED);
    journal_free(&journal);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_void_names_a_sale_of_the_open_batch_once),
        cmocka_unit_test(test_refunds_go_over_batches_until_nothing_is_left),
        cmocka_unit_test(test_a_preauthorisation_grows_and_is_completed_once),
        cmocka_unit_test(test_totals_count_debits_credits_and_foreign_cards_apart),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
