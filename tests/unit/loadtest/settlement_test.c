/* A settlement from the first message to the end of the batch, with a centre that agrees, one that
 * does not, and terminals that are wrong on purpose. */
#include "tests/unit/unit_test.h"

#include <stdio.h>
#include <string.h>

#include "loadtest/settlement.h"
#include "loadtest/spec_file.h"

static struct spec *spec;
static struct pos_writer *writer;
static struct journal journal;
static const struct pos_identity IDENTITY = {
    .terminal_id = "10000019", .merchant_id = "898310059990001", .batch = 3};

static int stage_make(void **state)
{
    (void)state;
    spec = spec_file_spec(TILLWAY_SOURCE_DIR "/config/specs/unionpay-pos.yaml", stderr);
    writer = spec == NULL ? NULL : pos_writer_create(spec);
    return writer == NULL ? -1 : 0;
}

static int stage_free(void **state)
{
    (void)state;
    pos_writer_destroy(writer);
    spec_destroy(spec);
    return 0;
}

static struct pos_request request_of(uint32_t stan, enum pos_entry entry)
{
    struct pos_request request = {
        .kind = POS_PURCHASE, .stan = stan, .amount = 100 * (int64_t)stan, .entry = entry};
    snprintf(request.card.pan, sizeof request.card.pan, "6225000000000014");
    snprintf(request.card.sequence, sizeof request.card.sequence, "001");
    return request;
}

/* Ten magnetic sales, two chip ones, one of them first. */
static int batch_make(void **state)
{
    (void)state;
    struct pos_answer answer = {.amount = -1};
    journal_begin_batch(&journal, 3);
    for (uint32_t stan = 1; stan <= 12; stan++) {
        struct pos_request request =
            request_of(stan, stan == 1 || stan == 7 ? POS_CHIP : POS_MAGNETIC);
        if (journal_add(&journal, &request, &answer, JOURNAL_NO_ENTRY) != STATUS_OK) {
            return -1;
        }
    }
    return 0;
}

static int batch_free(void **state)
{
    (void)state;
    journal_free(&journal);
    return 0;
}

/* Builds the next message; answers it as a centre would, with these result digits. */
static void exchange(struct settlement *settlement, uint32_t stan, const char *mti,
                     const char *results, char code_seen[4])
{
    struct pos_answer sent, answer = {.amount = -1};
    char fault[160];
    struct byte_view frame = settlement_build(settlement, writer, &IDENTITY, stan);
    assert_int_equal(pos_read(writer, &IDENTITY, frame, &sent, fault), STATUS_OK);
    assert_string_equal(sent.mti, mti);
    assert_int_equal(sent.batch, 3);
    memcpy(code_seen, sent.management_code, 4);
    answer.stan = sent.stan + 1;
    snprintf(answer.mti, sizeof answer.mti, "%.2s%c0", mti, mti[2] + 1);
    assert_false(settlement_is_answer(settlement, &answer));
    answer.stan = sent.stan;
    assert_true(settlement_is_answer(settlement, &answer));
    snprintf(answer.response_code, sizeof answer.response_code, "00");
    if (strcmp(mti, "0500") == 0) {
        memcpy(answer.totals, sent.totals, sizeof answer.totals);
        answer.totals[30] = results[0];
        answer.totals[61] = results[1];
    }
    assert_int_equal(settlement_take(settlement, &answer), STATUS_OK);
}

static void test_equal_totals_end_the_batch_at_once(void **state)
{
    (void)state;
    struct settlement settlement;
    char code[4];
    assert_int_equal(settlement_begin(&settlement, &journal, SETTLEMENT_NONE), STATUS_OK);
    assert_int_equal(settlement.own.debit[0].minor, 7800);
    assert_int_equal(settlement.own.debit[0].count, 12);
    exchange(&settlement, 100, "0500", "11", code);
    assert_string_equal(code, "201");
    assert_true(settlement_is_equal(&settlement));
    exchange(&settlement, 101, "0320", "", code);
    assert_string_equal(code, "207");
    assert_int_equal(settlement.stage, SETTLEMENT_OVER);
    settlement_end(&settlement);
}

static void test_different_totals_upload_every_detail_before_the_end(void **state)
{
    (void)state;
    struct settlement settlement;
    char code[4], codes[64] = "";
    assert_int_equal(settlement_begin(&settlement, &journal, SETTLEMENT_NONE), STATUS_OK);
    exchange(&settlement, 100, "0500", "12", code);
    for (uint32_t stan = 101; settlement.stage != SETTLEMENT_OVER; stan++) {
        exchange(&settlement, stan, "0320", "", code);
        strncat(codes, code, sizeof codes - strlen(codes) - 1);
    }
    /* Eight magnetic ones, two more, two chip ones one by one, the end. */
    assert_string_equal(codes, "201201205205202");
    settlement_end(&settlement);
}

static void test_what_was_not_answered_is_sent_again_as_it_was(void **state)
{
    (void)state;
    struct settlement settlement;
    uint8_t first[POS_FRAME_BYTES_MAX];
    assert_int_equal(settlement_begin(&settlement, &journal, SETTLEMENT_NONE), STATUS_OK);
    struct byte_view frame = settlement_build(&settlement, writer, &IDENTITY, 100);
    uint32_t length = frame.length;
    memcpy(first, frame.bytes, length);
    frame = settlement_build_again(&settlement, writer, &IDENTITY);
    assert_int_equal(frame.length, length);
    assert_memory_equal(frame.bytes, first, length);
    settlement_end(&settlement);
}

static void test_a_terminal_may_forget_a_sale_on_purpose(void **state)
{
    (void)state;
    struct settlement settlement;
    assert_int_equal(settlement_begin(&settlement, &journal, SETTLEMENT_FORGOTTEN), STATUS_OK);
    assert_int_equal(settlement.deviation_stan, 12);
    assert_int_equal(settlement.own.debit[0].minor, 7800 - 1200);
    assert_int_equal(settlement.detail_count, 11);
    settlement_end(&settlement);
}

static void test_a_terminal_may_count_a_declined_one_on_purpose(void **state)
{
    (void)state;
    struct settlement settlement;
    journal.has_declined = true;
    journal.declined = request_of(50, POS_MAGNETIC);
    assert_int_equal(settlement_begin(&settlement, &journal, SETTLEMENT_DECLINED), STATUS_OK);
    assert_int_equal(settlement.deviation, SETTLEMENT_DECLINED);
    assert_int_equal(settlement.deviation_stan, 50);
    assert_int_equal(settlement.own.debit[0].minor, 7800 + 5000);
    assert_int_equal(settlement.own.debit[0].count, 13);
    settlement_end(&settlement);
}

static void test_a_result_that_is_neither_equal_nor_different_is_refused(void **state)
{
    (void)state;
    struct settlement settlement;
    struct pos_answer answer = {.amount = -1};
    assert_int_equal(settlement_begin(&settlement, &journal, SETTLEMENT_NONE), STATUS_OK);
    settlement_build(&settlement, writer, &IDENTITY, 100);
    journal_totals_format(&settlement.own, answer.totals);
    assert_int_equal(settlement_take(&settlement, &answer), STATUS_BAD_VALUE);
    assert_int_equal(settlement.stage, SETTLEMENT_TOTALS);
    answer.totals[0] = '\0';
    assert_int_equal(settlement_take(&settlement, &answer), STATUS_BAD_VALUE);
    settlement_end(&settlement);
}

int main(void)
{
#define STORY(name) cmocka_unit_test_setup_teardown(name, batch_make, batch_free)
    const struct CMUnitTest tests[] = {
        STORY(test_equal_totals_end_the_batch_at_once),
        STORY(test_different_totals_upload_every_detail_before_the_end),
        STORY(test_what_was_not_answered_is_sent_again_as_it_was),
        STORY(test_a_terminal_may_forget_a_sale_on_purpose),
        STORY(test_a_terminal_may_count_a_declined_one_on_purpose),
        STORY(test_a_result_that_is_neither_equal_nor_different_is_refused),
    };
    return cmocka_run_group_tests(tests, stage_make, stage_free);
}
