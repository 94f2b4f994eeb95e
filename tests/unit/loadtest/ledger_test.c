/* The bank's books: the rules that judge us, each on a file in a folder of its own. */
#include "tests/unit/unit_test.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "loadtest/faults.h"
#include "loadtest/ledger.h"

static char folder[64], path[96];

static int folder_make(void **state)
{
    (void)state;
    snprintf(folder, sizeof folder, "/tmp/tillway-ledger-XXXXXX");
    if (mkdtemp(folder) == NULL) {
        return -1;
    }
    snprintf(path, sizeof path, "%s/bank.db", folder);
    return 0;
}

static int folder_remove(void **state)
{
    (void)state;
    static const char *const endings[] = {"", "-wal", "-shm"};
    for (size_t i = 0; i < COUNT_OF(endings); i++) {
        char name[120];
        snprintf(name, sizeof name, "%s%s", path, endings[i]);
        unlink(name);
    }
    return rmdir(folder);
}

static struct ledger *ledger_at_path(bool has_tombstones)
{
    char reason[LEDGER_REASON_SIZE];
    struct ledger_setup setup = {path, has_tombstones, false};
    struct ledger *ledger = ledger_open(&setup, reason);
    assert_non_null(ledger);
    return ledger;
}

static struct ledger_request purchase(uint32_t stan, int64_t amount)
{
    return (struct ledger_request){.mti = "0200",
                                   .terminal_id = "10000001",
                                   .merchant_id = "898290054110000",
                                   .stan = stan,
                                   .sent_at = "1125101500",
                                   .rrn = "000010000007",
                                   .acquirer_id = "48021000",
                                   .amount = amount,
                                   .currency = 156,
                                   .pan_masked = "622500******0014",
                                   .arrived_us = 1};
}

static struct ledger_request reversal_of(const struct ledger_request *original)
{
    struct ledger_request reversal = *original;
    memcpy(reversal.mti, "0420", 5);
    reversal.original_stan = original->stan;
    memcpy(reversal.original_sent_at, original->sent_at, sizeof reversal.original_sent_at);
    reversal.stan = original->stan + 500000;
    return reversal;
}

static void assert_posts(struct ledger *ledger, const struct ledger_request *request,
                         const char *expected)
{
    struct ledger_answer answer;
    assert_int_equal(ledger_post(ledger, request, "00", &answer), STATUS_OK);
    assert_string_equal(answer.response_code, expected);
}

static void assert_reverses(struct ledger *ledger, const struct ledger_request *request,
                            const char *expected)
{
    struct ledger_answer answer;
    assert_int_equal(ledger_reverse(ledger, request, &answer), STATUS_OK);
    assert_string_equal(answer.response_code, expected);
}

static void test_the_same_request_gets_the_same_answer_and_one_posting(void **state)
{
    (void)state;
    struct ledger *ledger = ledger_at_path(true);
    struct ledger_request request = purchase(1, 100);
    struct ledger_answer first, again;
    assert_int_equal(ledger_post(ledger, &request, "00", &first), STATUS_OK);
    assert_int_equal(ledger_post(ledger, &request, "51", &again), STATUS_OK);
    assert_string_equal(again.response_code, "00");
    assert_string_equal(again.auth_code, first.auth_code);
    assert_true(again.is_known && !first.is_known);
    struct ledger_counts counts;
    ledger_count(ledger, &counts);
    assert_int_equal(counts.posted, 1);
    assert_int_equal(counts.repeats, 1);
    ledger_close(ledger);
}

static void test_other_content_under_the_same_key_is_refused(void **state)
{
    (void)state;
    struct ledger *ledger = ledger_at_path(true);
    struct ledger_request request = purchase(1, 100);
    assert_posts(ledger, &request, "00");
    request.amount = 101;
    assert_posts(ledger, &request, "94");
    ledger_close(ledger);
}

static void test_a_reversal_is_applied_once_and_always_acknowledged(void **state)
{
    (void)state;
    struct ledger *ledger = ledger_at_path(true);
    struct ledger_request request = purchase(1, 100);
    struct ledger_request reversal = reversal_of(&request);
    assert_posts(ledger, &request, "00");
    assert_reverses(ledger, &reversal, "00");
    assert_reverses(ledger, &reversal, "00");
    struct ledger_counts counts;
    ledger_count(ledger, &counts);
    assert_int_equal(counts.posted, 0);
    assert_int_equal(counts.reversed, 1);
    assert_int_equal(counts.reversal_repeats, 1);
    ledger_close(ledger);
}

static void test_a_reversal_of_another_amount_changes_nothing(void **state)
{
    (void)state;
    struct ledger *ledger = ledger_at_path(true);
    struct ledger_request request = purchase(1, 100);
    struct ledger_request reversal = reversal_of(&request);
    reversal.amount = 99;
    assert_posts(ledger, &request, "00");
    assert_reverses(ledger, &reversal, "64");
    struct ledger_counts counts;
    ledger_count(ledger, &counts);
    assert_int_equal(counts.posted, 1);
    ledger_close(ledger);
}

static void test_a_tombstone_blocks_the_original(void **state)
{
    (void)state;
    struct ledger *ledger = ledger_at_path(true);
    struct ledger_request request = purchase(1, 100);
    struct ledger_request reversal = reversal_of(&request);
    assert_reverses(ledger, &reversal, "25");
    assert_reverses(ledger, &reversal, "25");
    assert_posts(ledger, &request, "22");
    assert_reverses(ledger, &reversal, "00");
    struct ledger_counts counts;
    ledger_count(ledger, &counts);
    assert_int_equal(counts.posted, 0);
    assert_int_equal(counts.blocked, 1);
    ledger_close(ledger);
}

static void test_a_bank_without_tombstones_posts_the_late_original(void **state)
{
    (void)state;
    struct ledger *ledger = ledger_at_path(false);
    struct ledger_request request = purchase(1, 100);
    struct ledger_request reversal = reversal_of(&request);
    assert_reverses(ledger, &reversal, "25");
    assert_posts(ledger, &request, "00");
    ledger_close(ledger);
}

static void test_the_books_survive_a_restart(void **state)
{
    (void)state;
    struct ledger *ledger = ledger_at_path(true);
    struct ledger_request first = purchase(1, 100);
    struct ledger_request second = purchase(2, 200);
    struct ledger_request never_seen = purchase(3, 300);
    struct ledger_request reversal = reversal_of(&second);
    struct ledger_request early = reversal_of(&never_seen);
    assert_posts(ledger, &first, "00");
    assert_posts(ledger, &second, "00");
    assert_reverses(ledger, &reversal, "00");
    assert_reverses(ledger, &early, "25");
    assert_int_equal(ledger_commit(ledger), STATUS_OK);
    ledger_close(ledger);
    ledger = ledger_at_path(true);
    assert_posts(ledger, &first, "00");
    assert_posts(ledger, &never_seen, "22");
    struct ledger_counts counts;
    ledger_count(ledger, &counts);
    assert_int_equal(counts.posted, 1);
    assert_int_equal(counts.reversed, 1);
    ledger_close(ledger);
}

/* A request that follows `original`, with a trace number of its own. */
static struct ledger_request follow_up(const struct ledger_request *original, uint32_t stan,
                                       enum account_follow follow, int64_t amount)
{
    struct ledger_request request = *original;
    request.stan = stan;
    request.amount = amount;
    request.follow = follow;
    request.original_stan = original->stan;
    memcpy(request.original_sent_at, original->sent_at, sizeof request.original_sent_at);
    return request;
}

static void test_what_follows_is_held_against_its_original_over_a_restart(void **state)
{
    (void)state;
    struct ledger *ledger = ledger_at_path(true);
    struct ledger_request sale = purchase(1, 1000);
    struct ledger_request stranger = purchase(99, 1000);
    struct ledger_request early = follow_up(&stranger, 2, ACCOUNT_REFUND, 10);
    struct ledger_request part = follow_up(&sale, 3, ACCOUNT_REFUND, 700);
    memcpy(part.terminal_id, "10000002", sizeof part.terminal_id); /* another terminal may */
    assert_posts(ledger, &sale, "00");
    assert_posts(ledger, &early, "25");
    assert_posts(ledger, &part, "00");
    ledger_close(ledger);
    ledger = ledger_at_path(true);
    struct ledger_request more = follow_up(&sale, 4, ACCOUNT_REFUND, 301);
    struct ledger_request rest = follow_up(&sale, 5, ACCOUNT_REFUND, 300);
    assert_posts(ledger, &more, "64");
    assert_posts(ledger, &rest, "00");
    assert_posts(ledger, &rest, "00"); /* the same again: the stored answer */
    ledger_close(ledger);
}

static void test_a_reversed_void_gives_its_original_back(void **state)
{
    (void)state;
    struct ledger *ledger = ledger_at_path(true);
    struct ledger_request sale = purchase(1, 1000);
    struct ledger_request first = follow_up(&sale, 2, ACCOUNT_VOID, 1000);
    struct ledger_request second = follow_up(&sale, 3, ACCOUNT_VOID, 1000);
    struct ledger_request third = follow_up(&sale, 4, ACCOUNT_VOID, 1000);
    struct ledger_request undo = reversal_of(&first);
    assert_posts(ledger, &sale, "00");
    assert_posts(ledger, &first, "00");
    assert_posts(ledger, &second, "22");
    assert_reverses(ledger, &undo, "00");
    assert_posts(ledger, &third, "00");
    ledger_close(ledger);
}

static void test_a_voided_completion_sets_its_preauthorisation_free(void **state)
{
    (void)state;
    struct ledger *ledger = ledger_at_path(true);
    struct ledger_request hold = purchase(1, 1000);
    struct ledger_request capture = follow_up(&hold, 2, ACCOUNT_CAPTURE, 1150);
    struct ledger_request again = follow_up(&hold, 3, ACCOUNT_CAPTURE, 500);
    struct ledger_request undone = follow_up(&capture, 4, ACCOUNT_VOID, 1150);
    struct ledger_request later = follow_up(&hold, 5, ACCOUNT_CAPTURE, 500);
    assert_posts(ledger, &hold, "00");
    assert_posts(ledger, &capture, "00");
    assert_posts(ledger, &again, "22");
    assert_posts(ledger, &undone, "00");
    assert_posts(ledger, &later, "00");
    ledger_close(ledger);
}

static void test_fates_come_in_their_shares_and_end_when_healed(void **state)
{
    (void)state;
    struct faults faults = {.late_ms = 4000, .draw = draw_start(7)};
    faults.percent[FAULT_LATE] = 5;
    faults.percent[FAULT_SILENT] = 5;
    faults.percent[FAULT_DROP] = 90;
    assert_int_equal(faults_check(&faults), STATUS_OK);
    uint32_t late = 0, silent = 0, dropped = 0;
    struct fault_verdict verdict;
    for (int i = 0; i < 20000; i++) {
        faults_draw(&faults, &verdict);
        late += verdict.is_late;
        silent += verdict.is_posted && !verdict.is_answered && !verdict.is_dropped;
        dropped += verdict.is_dropped;
    }
    assert_in_range(late, 850, 1150);
    assert_in_range(silent, 850, 1150);
    assert_in_range(dropped, 17700, 18300);
    faults.are_healed = true;
    for (int i = 0; i < 1000; i++) {
        faults_draw(&faults, &verdict);
        assert_true(verdict.is_posted && verdict.is_answered && !verdict.is_dropped);
        assert_int_equal(verdict.delay_ms, 0);
    }
    faults.percent[FAULT_DUPLICATE] = 1;
    assert_int_equal(faults_check(&faults), STATUS_BAD_VALUE);
}

#define LEDGER_TEST(name) cmocka_unit_test_setup_teardown(name, folder_make, folder_remove)

int main(void)
{
    const struct CMUnitTest tests[] = {
        LEDGER_TEST(test_the_same_request_gets_the_same_answer_and_one_posting),
        LEDGER_TEST(test_other_content_under_the_same_key_is_refused),
        LEDGER_TEST(test_a_reversal_is_applied_once_and_always_acknowledged),
        LEDGER_TEST(test_a_reversal_of_another_amount_changes_nothing),
        LEDGER_TEST(test_a_tombstone_blocks_the_original),
        LEDGER_TEST(test_a_bank_without_tombstones_posts_the_late_original),
        LEDGER_TEST(test_the_books_survive_a_restart),
        LEDGER_TEST(test_what_follows_is_held_against_its_original_over_a_restart),
        LEDGER_TEST(test_a_reversed_void_gives_its_original_back),
        LEDGER_TEST(test_a_voided_completion_sets_its_preauthorisation_free),
        cmocka_unit_test(test_fates_come_in_their_shares_and_end_when_healed),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
