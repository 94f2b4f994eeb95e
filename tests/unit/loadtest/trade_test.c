/* What a terminal does next: by weight, within the scheme's rules, the same for the same seed. */
#include "tests/unit/unit_test.h"

#include <string.h>

#include "loadtest/trade.h"

static struct card_ranges ranges;

static void request_keep(struct journal *journal, struct pos_request *request, uint32_t original)
{
    static uint32_t stan;
    struct pos_answer answer = {.amount = -1, .rrn = "1", .acquirer_id = "48021000"};
    request->stan = ++stan;
    assert_int_equal(journal_add(journal, request, &answer, original), STATUS_OK);
}

static void test_follow_ups_keep_to_the_amounts_of_their_originals(void **state)
{
    (void)state;
    struct trade trade = {0};
    struct journal journal = {0};
    struct draw draw = draw_start(3);
    uint32_t seen[POS_KIND_COUNT] = {0};
    card_ranges_fallback(&ranges);
    journal_begin_batch(&journal, 1);
    for (unsigned kind = 0; kind < POS_KIND_COUNT; kind++) {
        trade.weights[kind] = 1;
    }
    for (unsigned i = 0; i < 3000; i++) {
        struct pos_request request;
        uint32_t original;
        trade_draw(&trade, &journal, &ranges, &draw, &request, &original);
        seen[request.kind]++;
        if (original != JOURNAL_NO_ENTRY) {
            const struct journal_entry *entry = &journal.entries[original];
            assert_string_equal(request.card.pan, entry->request.card.pan);
            assert_int_equal(request.original.stan, entry->request.stan);
            int64_t rest = entry->amount - entry->refunded;
            bool is_refund = request.kind == POS_REFUND;
            assert_true(!is_refund || (request.amount > 0 && request.amount <= rest));
            bool is_capture = request.kind == POS_CAPTURE || request.kind == POS_CAPTURE_ADVICE;
            assert_true(!is_capture || request.amount * 100 <= entry->amount * 115);
            assert_true(request.kind != POS_TIP || (request.amount > entry->amount &&
                                                    request.amount * 100 <= entry->amount * 120));
            assert_true(request.kind != POS_VOID || request.amount == entry->amount);
        }
        request_keep(&journal, &request, original);
        if (i % 500 == 499) {
            journal_begin_batch(&journal, 2 + i / 500);
        }
    }
    for (unsigned kind = 0; kind < POS_KIND_COUNT; kind++) {
        assert_true(seen[kind] > 0);
    }
    journal_free(&journal);
}

static void test_codes_are_of_their_kinds_and_only_voided_or_refunded(void **state)
{
    (void)state;
    struct trade trade = {.code_percent = 100};
    struct journal journal = {0};
    struct draw draw = draw_start(9);
    uint32_t seen[CODE_KIND_COUNT] = {0};
    card_ranges_fallback(&ranges);
    journal_begin_batch(&journal, 1);
    for (unsigned kind = 0; kind < POS_KIND_COUNT; kind++) {
        trade.weights[kind] = 1;
    }
    assert_int_equal(trade_codes_set(&trade, "alipay,visa"), STATUS_UNKNOWN);
    assert_int_equal(trade_codes_set(&trade, ""), STATUS_MISSING);
    assert_int_equal(trade_codes_set(&trade, "alipay,wechat,unionpay"), STATUS_OK);
    for (unsigned i = 0; i < 1000; i++) {
        struct pos_request request;
        uint32_t original;
        trade_draw(&trade, &journal, &ranges, &draw, &request, &original);
        bool is_by_code = pos_entry_is_code(request.entry);
        if (request.kind == POS_PURCHASE) {
            enum code_kind kind = code_kind_of(request.pay_code);
            assert_true(is_by_code);
            assert_true(kind < CODE_KIND_COUNT);
            assert_int_equal(strlen(request.pay_code), kind == CODE_UNIONPAY ? 19 : 18);
            assert_string_equal(request.card.pan, "");
            seen[kind]++;
        } else if (is_by_code) {
            assert_true(request.kind == POS_VOID || request.kind == POS_REFUND);
            assert_string_equal(request.pay_code, journal.entries[original].request.pay_code);
        }
        request_keep(&journal, &request, original);
    }
    for (unsigned kind = 0; kind < CODE_KIND_COUNT; kind++) {
        assert_true(seen[kind] > 0);
    }
    assert_int_equal(code_kind_of("9912345678"), CODE_KIND_COUNT);
    assert_int_equal(code_kind_of("1"), CODE_KIND_COUNT);
    journal_free(&journal);
}

static void test_the_same_seed_draws_the_same_trade(void **state)
{
    (void)state;
    struct trade trade;
    struct journal journal = {0};
    struct draw left = draw_start(9), right = draw_start(9);
    card_ranges_fallback(&ranges);
    trade_fallback(&trade);
    for (unsigned i = 0; i < 50; i++) {
        struct pos_request one, other;
        uint32_t original;
        memset(&one, 0, sizeof one);
        memset(&other, 0, sizeof other);
        trade_draw(&trade, &journal, &ranges, &left, &one, &original);
        trade_draw(&trade, &journal, &ranges, &right, &other, &original);
        assert_int_equal(one.kind, POS_PURCHASE);
        assert_int_equal(one.amount, other.amount);
        assert_string_equal(one.card.pan, other.card.pan);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_follow_ups_keep_to_the_amounts_of_their_originals),
        cmocka_unit_test(test_codes_are_of_their_kinds_and_only_voided_or_refunded),
        cmocka_unit_test(test_the_same_seed_draws_the_same_trade),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
