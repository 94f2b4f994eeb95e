/* Every state and event of an order, and every row of what wallets answer, by its rules. */
#include "tests/unit/unit_test.h"

#include <stdio.h>
#include <string.h>

#include "protocols/wallet/wallet_result.h"
#include "switch/channel/wallet_order.h"

#define NS_PER_MS UINT64_C(1000000)

/* An order and the clock it lives by. */
struct stage {
    struct wallet_rules rules;
    struct wallet_order order;
    uint64_t now_ms;
    struct wallet_action last;
};

static struct stage stage_of(enum wallet_kind kind)
{
    struct stage stage = {.rules = wallet_rules_of(kind), .now_ms = 1000000};
    return stage;
}

static void give(struct stage *stage, struct wallet_event event)
{
    event.now_ns = stage->now_ms * NS_PER_MS;
    stage->last = wallet_order_step(&stage->order, &stage->rules, &event);
}

static void begin(struct stage *stage, enum wallet_event_kind kind)
{
    give(stage, (struct wallet_event){.kind = kind});
}

static void tell(struct stage *stage, enum wallet_event_kind kind, enum wallet_verdict verdict)
{
    give(stage, (struct wallet_event){.kind = kind, .verdict = verdict, .response_code = "57"});
}

static void answer(struct stage *stage, enum wallet_verdict verdict)
{
    tell(stage, WALLET_ANSWERED, verdict);
}

/* Lets the pause pass that was asked for. */
static void pass(struct stage *stage)
{
    assert_true(stage->last.pauses);
    stage->now_ms += stage->last.pause_ms;
    give(stage, (struct wallet_event){.kind = WALLET_DUE});
}

static void assert_asks(const struct stage *stage, enum wallet_ask ask, enum wallet_state state)
{
    assert_true(stage->last.asks);
    assert_int_equal(stage->last.ask, ask);
    assert_int_equal(stage->order.state, state);
}

static void assert_answer(const struct stage *stage, const char *code)
{
    assert_true(stage->last.is_over);
    assert_false(stage->last.asks);
    assert_string_equal(stage->last.response_code, code);
    assert_int_equal(stage->order.state, WALLET_IS_OVER);
}

static void assert_waits_on(const struct stage *stage)
{
    assert_false(stage->last.asks || stage->last.pauses || stage->last.is_over);
    assert_string_equal(stage->last.response_code, "");
}

/* --- payments ----------------------------------------------------------------------------- */

static void test_paid_is_approved(void **state)
{
    (void)state;
    struct stage stage = stage_of(WALLET_ALIPAY);
    begin(&stage, WALLET_BEGIN_PAY);
    assert_asks(&stage, WALLET_ASK_PAY, WALLET_IS_PAYING);
    answer(&stage, WALLET_PAID);
    assert_answer(&stage, "00");
}

static void test_failed_is_declined_with_its_code(void **state)
{
    (void)state;
    struct stage stage = stage_of(WALLET_ALIPAY);
    begin(&stage, WALLET_BEGIN_PAY);
    answer(&stage, WALLET_FAILED);
    assert_answer(&stage, "57");
}

static void test_what_never_left_is_declined_and_not_reversed(void **state)
{
    (void)state;
    struct stage stage = stage_of(WALLET_ALIPAY);
    begin(&stage, WALLET_BEGIN_PAY);
    give(&stage, (struct wallet_event){
                     .kind = WALLET_ANSWERED, .verdict = WALLET_UNKNOWN, .is_unsent = true});
    assert_answer(&stage, "96");
    stage = stage_of(WALLET_ALIPAY);
    begin(&stage, WALLET_BEGIN_PAY);
    answer(&stage, WALLET_UNKNOWN);
    pass(&stage);
    assert_asks(&stage, WALLET_ASK_QUERY, WALLET_IS_QUERYING);
    give(&stage, (struct wallet_event){
                     .kind = WALLET_ANSWERED, .verdict = WALLET_UNKNOWN, .is_unsent = true});
    assert_true(stage.last.pauses); /* the payment did leave */
}

/* Alipay: every 3 to 6 s for about 60 s. WeChat Pay: every 5 to 10 s for 45 s. */
static void test_open_payments_are_asked_for_as_the_wallet_says(void **state)
{
    (void)state;
    static const struct {
        enum wallet_kind kind;
        uint32_t min_ms, max_ms, life_ms;
    } wallets[] = {{WALLET_ALIPAY, 3000, 6000, 60000},
                   {WALLET_WECHAT_V3, 5000, 10000, 45000},
                   {WALLET_WECHAT_V2, 5000, 10000, 45000}};
    for (size_t i = 0; i < COUNT_OF(wallets); i++) {
        struct stage stage = stage_of(wallets[i].kind);
        uint64_t begun_ms = stage.now_ms;
        begin(&stage, WALLET_BEGIN_PAY);
        answer(&stage, WALLET_WAITING);
        uint32_t query_count = 0;
        while (stage.order.state == WALLET_IS_QUERY_PAUSED) {
            assert_in_range(stage.last.pause_ms, wallets[i].min_ms, wallets[i].max_ms);
            pass(&stage);
            assert_asks(&stage, WALLET_ASK_QUERY, WALLET_IS_QUERYING);
            query_count++;
            answer(&stage, query_count % 2 == 0 ? WALLET_ABSENT : WALLET_UNKNOWN);
        }
        assert_int_equal(stage.order.state, WALLET_IS_LEFT_OPEN);
        assert_in_range(stage.now_ms - begun_ms, wallets[i].life_ms - wallets[i].max_ms,
                        wallets[i].life_ms);
        assert_in_range(query_count, 4, 12);
        pass(&stage); /* it was never reversed: forgotten without a word */
        assert_answer(&stage, "");
    }
}

static void test_a_query_ends_it(void **state)
{
    (void)state;
    static const struct {
        enum wallet_verdict verdict;
        const char *code;
    } ends[] = {{WALLET_PAID, "00"}, {WALLET_FAILED, "57"}, {WALLET_UNDONE, "57"}};
    for (size_t i = 0; i < COUNT_OF(ends); i++) {
        struct stage stage = stage_of(WALLET_WECHAT_V2);
        begin(&stage, WALLET_BEGIN_PAY);
        answer(&stage, WALLET_UNKNOWN);
        pass(&stage);
        answer(&stage, ends[i].verdict);
        assert_answer(&stage, ends[i].code);
    }
}

static void test_a_notify_is_as_good_as_an_answer(void **state)
{
    (void)state;
    for (uint32_t steps = 0; steps < 3; steps++) {
        struct stage stage = stage_of(WALLET_ALIPAY);
        begin(&stage, WALLET_BEGIN_PAY);
        if (steps > 0) {
            answer(&stage, WALLET_UNKNOWN);
        }
        if (steps > 1) {
            pass(&stage);
        }
        tell(&stage, WALLET_NOTIFIED, WALLET_PAID);
        assert_answer(&stage, "00");
    }
    /* One that says "closed" is asked for rather than believed. */
    struct stage stage = stage_of(WALLET_ALIPAY);
    begin(&stage, WALLET_BEGIN_PAY);
    tell(&stage, WALLET_NOTIFIED, WALLET_UNDONE);
    assert_waits_on(&stage);
    answer(&stage, WALLET_WAITING);
    tell(&stage, WALLET_NOTIFIED, WALLET_UNDONE);
    assert_asks(&stage, WALLET_ASK_QUERY, WALLET_IS_QUERYING);
}

/* --- reversals ---------------------------------------------------------------------------- */

static void test_a_cancel_follows_its_query_without_a_gap(void **state)
{
    (void)state;
    static const enum wallet_verdict open[] = {WALLET_WAITING, WALLET_ABSENT, WALLET_UNKNOWN,
                                               WALLET_FAILED};
    for (size_t i = 0; i < COUNT_OF(open); i++) {
        struct stage stage = stage_of(WALLET_ALIPAY);
        begin(&stage, WALLET_BEGIN_UNDO);
        assert_asks(&stage, WALLET_ASK_QUERY, WALLET_IS_UNDO_QUERYING);
        answer(&stage, open[i]);
        assert_asks(&stage, WALLET_ASK_CANCEL, WALLET_IS_UNDOING);
        answer(&stage, WALLET_UNDONE);
        assert_answer(&stage, "00");
    }
}

static void test_paid_is_refunded_and_never_cancelled(void **state)
{
    (void)state;
    struct stage stage = stage_of(WALLET_ALIPAY);
    begin(&stage, WALLET_BEGIN_UNDO);
    answer(&stage, WALLET_PAID);
    assert_asks(&stage, WALLET_ASK_REFUND, WALLET_IS_REFUNDING);
    answer(&stage, WALLET_REFUNDED);
    assert_answer(&stage, "00");

    stage = stage_of(WALLET_ALIPAY);
    give(&stage, (struct wallet_event){.kind = WALLET_BEGIN_UNDO, .is_approved = true});
    assert_asks(&stage, WALLET_ASK_REFUND, WALLET_IS_REFUNDING);

    /* Paid in the moment of its cancel. */
    stage = stage_of(WALLET_ALIPAY);
    begin(&stage, WALLET_BEGIN_UNDO);
    answer(&stage, WALLET_WAITING);
    tell(&stage, WALLET_NOTIFIED, WALLET_PAID);
    assert_waits_on(&stage);
    answer(&stage, WALLET_AGAIN);
    assert_asks(&stage, WALLET_ASK_REFUND, WALLET_IS_REFUNDING);
}

static void test_what_is_closed_already_is_undone(void **state)
{
    (void)state;
    struct stage stage = stage_of(WALLET_WECHAT_V3);
    begin(&stage, WALLET_BEGIN_UNDO);
    answer(&stage, WALLET_UNDONE);
    assert_answer(&stage, "00");
}

static void test_an_order_nobody_knows_is_not_final(void **state)
{
    (void)state;
    struct stage stage = stage_of(WALLET_ALIPAY);
    begin(&stage, WALLET_BEGIN_UNDO);
    answer(&stage, WALLET_ABSENT);
    answer(&stage, WALLET_ABSENT);
    assert_answer(&stage, "25");
}

static void test_a_cancel_is_asked_for_again_with_growing_pauses(void **state)
{
    (void)state;
    static const enum wallet_verdict open[] = {WALLET_AGAIN, WALLET_UNKNOWN, WALLET_WAITING,
                                               WALLET_FAILED};
    for (size_t i = 0; i < COUNT_OF(open); i++) {
        struct stage stage = stage_of(WALLET_ALIPAY);
        uint32_t least_ms = stage.rules.retry_min_ms;
        begin(&stage, WALLET_BEGIN_UNDO);
        for (;;) {
            answer(&stage, WALLET_UNKNOWN);
            assert_asks(&stage, WALLET_ASK_CANCEL, WALLET_IS_UNDOING);
            answer(&stage, open[i]);
            assert_int_equal(stage.order.state, WALLET_IS_UNDO_PAUSED);
            assert_in_range(stage.last.pause_ms, least_ms, least_ms + least_ms / 4);
            least_ms =
                least_ms * 2 > stage.rules.retry_max_ms ? stage.rules.retry_max_ms : least_ms * 2;
            pass(&stage);
            if (stage.last.is_over) {
                break;
            }
            assert_asks(&stage, WALLET_ASK_QUERY, WALLET_IS_UNDO_QUERYING);
        }
        assert_answer(&stage, ""); /* whoever asked has given up, and asks again */
    }
}

static void test_wechat_is_not_reversed_before_fifteen_seconds(void **state)
{
    (void)state;
    struct stage stage = stage_of(WALLET_WECHAT_V2);
    begin(&stage, WALLET_BEGIN_PAY);
    stage.now_ms += 4000;
    begin(&stage, WALLET_BEGIN_UNDO);
    answer(&stage, WALLET_WAITING);
    assert_int_equal(stage.order.state, WALLET_IS_UNDO_PAUSED);
    assert_int_equal(stage.last.pause_ms, 11000);
    pass(&stage);
    assert_asks(&stage, WALLET_ASK_QUERY, WALLET_IS_UNDO_QUERYING);
    answer(&stage, WALLET_WAITING);
    assert_asks(&stage, WALLET_ASK_CANCEL, WALLET_IS_UNDOING);
}

static void test_a_reversal_overtakes_the_payment(void **state)
{
    (void)state;
    for (uint32_t steps = 0; steps < 4; steps++) {
        struct stage stage = stage_of(WALLET_ALIPAY);
        begin(&stage, WALLET_BEGIN_PAY);
        if (steps > 0) {
            answer(&stage, WALLET_UNKNOWN);
        }
        if (steps > 1) {
            pass(&stage);
        }
        if (steps > 2) {
            stage.now_ms += stage.rules.query_life_ms;
            answer(&stage, WALLET_WAITING);
            assert_int_equal(stage.order.state, WALLET_IS_LEFT_OPEN);
        }
        begin(&stage, WALLET_BEGIN_UNDO);
        assert_asks(&stage, WALLET_ASK_QUERY, WALLET_IS_UNDO_QUERYING);
        begin(&stage, WALLET_BEGIN_UNDO); /* asked again while it goes on */
        assert_waits_on(&stage);
        answer(&stage, WALLET_UNDONE);
        assert_answer(&stage, "00");
    }
}

static void test_paid_after_all_ends_a_pause_of_the_reversal(void **state)
{
    (void)state;
    struct stage stage = stage_of(WALLET_ALIPAY);
    begin(&stage, WALLET_BEGIN_UNDO);
    answer(&stage, WALLET_UNKNOWN);
    answer(&stage, WALLET_UNKNOWN);
    tell(&stage, WALLET_NOTIFIED, WALLET_PAID);
    assert_asks(&stage, WALLET_ASK_REFUND, WALLET_IS_REFUNDING);
}

static void test_a_refused_refund_of_a_reversal_is_looked_at_again(void **state)
{
    (void)state;
    static const enum wallet_verdict refusals[] = {WALLET_FAILED, WALLET_ABSENT};
    for (size_t i = 0; i < COUNT_OF(refusals); i++) {
        struct stage stage = stage_of(WALLET_ALIPAY);
        give(&stage, (struct wallet_event){.kind = WALLET_BEGIN_UNDO, .is_approved = true});
        answer(&stage, refusals[i]);
        assert_int_equal(stage.order.state, WALLET_IS_UNDO_PAUSED);
        pass(&stage);
        assert_asks(&stage, WALLET_ASK_QUERY, WALLET_IS_UNDO_QUERYING);
        answer(&stage, WALLET_UNDONE);
        assert_answer(&stage, "00");
    }
}

/* --- refunds ------------------------------------------------------------------------------ */

static void test_a_refund_in_doubt_is_asked_for_and_made_once(void **state)
{
    (void)state;
    static const enum wallet_verdict doubts[] = {WALLET_UNKNOWN, WALLET_WAITING, WALLET_AGAIN,
                                                 WALLET_PAID};
    for (size_t i = 0; i < COUNT_OF(doubts); i++) {
        struct stage stage = stage_of(WALLET_WECHAT_V3);
        begin(&stage, WALLET_BEGIN_REFUND);
        assert_asks(&stage, WALLET_ASK_REFUND, WALLET_IS_REFUNDING);
        answer(&stage, doubts[i]);
        assert_int_equal(stage.order.state, WALLET_IS_REFUND_PAUSED);
        pass(&stage);
        assert_asks(&stage, WALLET_ASK_REFUND_QUERY, WALLET_IS_REFUND_QUERYING);
        answer(&stage, WALLET_ABSENT); /* it did not come about */
        assert_asks(&stage, WALLET_ASK_REFUND, WALLET_IS_REFUNDING);
        answer(&stage, doubts[i]);
        pass(&stage);
        answer(&stage, WALLET_REFUNDED);
        assert_answer(&stage, "00");
    }
}

static void test_a_refused_refund_is_declined(void **state)
{
    (void)state;
    struct stage stage = stage_of(WALLET_ALIPAY);
    begin(&stage, WALLET_BEGIN_REFUND);
    answer(&stage, WALLET_FAILED);
    assert_answer(&stage, "57");
    stage = stage_of(WALLET_ALIPAY);
    begin(&stage, WALLET_BEGIN_REFUND);
    answer(&stage, WALLET_ABSENT);
    assert_answer(&stage, "25");
}

static void test_a_refund_refused_after_doubt_is_believed_by_its_query_alone(void **state)
{
    (void)state;
    static const struct {
        enum wallet_verdict verdict;
        const char *code;
    } ends[] = {{WALLET_REFUNDED, "00"}, {WALLET_ABSENT, "57"}, {WALLET_FAILED, "57"}};
    for (size_t i = 0; i < COUNT_OF(ends); i++) {
        struct stage stage = stage_of(WALLET_ALIPAY);
        give(&stage, (struct wallet_event){.kind = WALLET_BEGIN_REFUND, .is_repeat = true});
        answer(&stage, WALLET_FAILED);
        assert_asks(&stage, WALLET_ASK_REFUND_QUERY, WALLET_IS_REFUND_QUERYING);
        answer(&stage, ends[i].verdict);
        assert_answer(&stage, ends[i].code);
    }
}

static void test_a_refund_nobody_answers_is_given_up_without_a_word(void **state)
{
    (void)state;
    struct stage stage = stage_of(WALLET_ALIPAY);
    begin(&stage, WALLET_BEGIN_REFUND);
    answer(&stage, WALLET_UNKNOWN);
    while (stage.order.state == WALLET_IS_REFUND_PAUSED) {
        pass(&stage);
        if (!stage.last.is_over) {
            answer(&stage, WALLET_UNKNOWN);
        }
    }
    assert_answer(&stage, "");
}

/* --- everything at every time ------------------------------------------------------------- */

/* Whatever comes in whatever state: an answer is told at most once and only where it is known, an
 * order that is known to be paid is never cancelled, and each cancel follows a query. */
static void check_step(const struct stage *before, const struct stage *after,
                       const struct wallet_event *event)
{
    const struct wallet_action *action = &after->last;
    assert_true((action->asks ? 1 : 0) + (action->pauses ? 1 : 0) + (action->is_over ? 1 : 0) <= 1);
    assert_int_equal(action->is_over, after->order.state == WALLET_IS_OVER);
    assert_true(action->response_code[0] == '\0' || action->is_over);
    if (action->asks && action->ask == WALLET_ASK_CANCEL) {
        assert_int_equal(before->order.state, WALLET_IS_UNDO_QUERYING);
        assert_false(after->order.is_known_paid);
        assert_int_not_equal(event->verdict, WALLET_PAID);
    }
    if (action->asks && action->ask == WALLET_ASK_PAY) {
        assert_int_equal(before->order.state, WALLET_IS_NEW);
    }
    bool is_good = strcmp(action->response_code, "00") == 0;
    if (is_good && after->order.aim == WALLET_AIM_PAY) {
        assert_int_equal(event->verdict, WALLET_PAID);
    } else if (is_good) {
        assert_true(event->verdict == WALLET_UNDONE || event->verdict == WALLET_REFUNDED);
    }
    if (event->verdict == WALLET_UNKNOWN && event->kind != WALLET_DUE && !event->is_unsent) {
        assert_string_equal(action->response_code, ""); /* unknown is a state, not an answer */
    }
}

static void test_nothing_that_comes_breaks_a_rule(void **state)
{
    (void)state;
    uint32_t step_count = 0;
    for (uint32_t from = 0; from < WALLET_IS_OVER; from++) {
        for (uint32_t kind = WALLET_BEGIN_PAY; kind <= WALLET_DUE; kind++) {
            for (uint32_t choice = 0; choice < WALLET_VERDICT_COUNT * 16u; choice++) {
                struct stage before = stage_of((enum wallet_kind)(choice % 3));
                before.order.state = (enum wallet_state)from;
                before.order.aim = from < WALLET_IS_UNDO_QUERYING ? WALLET_AIM_PAY
                                   : from < WALLET_IS_REFUNDING || (choice & 1) != 0
                                       ? WALLET_AIM_UNDO
                                       : WALLET_AIM_REFUND;
                before.order.is_known_paid = (choice & 2) != 0;
                before.order.is_in_doubt = (choice & 4) != 0;
                if ((choice & 8) != 0 && before.order.is_in_doubt) {
                    memcpy(before.order.failed_code, "57", 3);
                }
                struct wallet_event event = {.kind = (enum wallet_event_kind)kind,
                                             .verdict = (enum wallet_verdict)(choice / 16),
                                             .response_code = "57"};
                bool is_begun = kind == WALLET_BEGIN_PAY || kind == WALLET_BEGIN_REFUND;
                bool is_refund = before.order.aim == WALLET_AIM_REFUND;
                if ((is_begun && from != WALLET_IS_NEW) ||
                    (kind == WALLET_BEGIN_UNDO && is_refund)) {
                    continue; /* the channel does not do that */
                }
                struct stage after = before;
                give(&after, event);
                check_step(&before, &after, &event);
                step_count++;
            }
        }
    }
    assert_true(step_count > 5000);
}

/* Each row of the tables, as answer to what it is said of: its code is told where it is final, and
 * all else leads to a question. */
static void test_every_row_of_the_tables_leads_on(void **state)
{
    (void)state;
    for (uint32_t i = 0; i < wallet_result_count(); i++) {
        const struct wallet_result_row *row = wallet_result_at(i);
        const char *code = row->result.response_code;
        assert_int_equal(row->result.verdict == WALLET_FAILED, code[0] != '\0');
        for (uint32_t ask = 0; ask < WALLET_ASK_COUNT; ask++) {
            if ((row->asks >> ask & 1) == 0) {
                continue;
            }
            char full[80];
            snprintf(full, sizeof(full), "ACQ.%s", row->code);
            struct wallet_result result =
                row->is_alipay ? wallet_result_alipay((enum wallet_ask)ask, "40004", full)
                               : wallet_result_wechat((enum wallet_ask)ask, row->code);
            assert_int_equal(result.verdict, row->result.verdict);
            if (ask != WALLET_ASK_PAY) {
                continue;
            }
            struct stage stage = stage_of(row->is_alipay ? WALLET_ALIPAY : WALLET_WECHAT_V2);
            begin(&stage, WALLET_BEGIN_PAY);
            give(&stage, (struct wallet_event){.kind = WALLET_ANSWERED,
                                               .verdict = result.verdict,
                                               .response_code = result.response_code});
            if (result.verdict == WALLET_FAILED) {
                assert_answer(&stage, code);
            } else if (result.verdict == WALLET_UNDONE) {
                assert_answer(&stage, "57");
            } else {
                pass(&stage);
                assert_asks(&stage, WALLET_ASK_QUERY, WALLET_IS_QUERYING);
            }
        }
    }
}

/* wallets 2 and 3: what the documents say of a payment, word for word. */
static void test_the_documented_codes_are_told_as_documented(void **state)
{
    (void)state;
    static const struct {
        const char *code, *sub_code, *told; /* told: "" asks on */
    } alipay[] = {
        {"10003", "", ""},
        {"20000", "ACQ.SYSTEM_ERROR", ""},
        {"20000", "isp.unknow-error", ""},
        {"40004", "ACQ.SYSTEM_ERROR", ""},
        {"40004", "ACQ.PAYMENT_AUTH_CODE_INVALID", "14"},
        {"40004", "ACQ.BUYER_BALANCE_NOT_ENOUGH", "51"},
        {"40004", "ACQ.NO_PAYMENT_INSTRUMENTS_AVAILABLE", "57"},
        {"40004", "ACQ.TOTAL_FEE_EXCEED", "61"},
        {"40004", "ACQ.SELLER_BEEN_BLOCKED", "03"},
        {"40004", "ACQ.ACCESS_FORBIDDEN", "96"},
        {"40004", "ACQ.TRADE_HAS_SUCCESS", ""},
        {"20001", "aop.invalid-auth-token", "96"},
        {"40001", "isv.missing-method", "96"},
        {"40002", "isv.invalid-signature", "96"},
        {"40006", "isv.insufficient-isv-permissions", "96"},
    };
    for (size_t i = 0; i < COUNT_OF(alipay); i++) {
        struct wallet_result result =
            wallet_result_alipay(WALLET_ASK_PAY, alipay[i].code, alipay[i].sub_code);
        assert_string_equal(result.response_code, alipay[i].told);
        assert_int_equal(result.is_alert, strcmp(alipay[i].told, "96") == 0);
    }
    static const struct {
        const char *code, *told;
    } wechat[] = {
        {"SYSTEMERROR", ""},         {"BANKERROR", ""},      {"USERPAYING", ""},
        {"ORDERPAID", ""},           {"NOTENOUGH", "51"},    {"AUTHCODEEXPIRE", "14"},
        {"AUTH_CODE_INVALID", "14"}, {"TRADE_ERROR", "57"},  {"NOAUTH", "96"},
        {"OUT_TRADE_NO_USED", "96"}, {"SIGN_ERROR", "96"},   {"RULE_LIMIT", "61"},
        {"FREQUENCY_LIMITED", ""},   {"NOT_IN_A_ROW", "96"},
    };
    for (size_t i = 0; i < COUNT_OF(wechat); i++) {
        struct wallet_result result = wallet_result_wechat(WALLET_ASK_PAY, wechat[i].code);
        assert_string_equal(result.response_code, wechat[i].told);
    }
    /* A query that is refused says nothing of the order. */
    assert_int_equal(wallet_result_alipay(WALLET_ASK_QUERY, "40006", "").verdict, WALLET_UNKNOWN);
    assert_int_equal(wallet_result_wechat(WALLET_ASK_QUERY, "NOAUTH").verdict, WALLET_UNKNOWN);
    assert_int_equal(wallet_result_alipay(WALLET_ASK_QUERY, "99999", "").verdict, WALLET_UNKNOWN);
    assert_int_equal(wallet_result_state("NO_SUCH_STATE").verdict, WALLET_UNKNOWN);
    assert_int_equal(wallet_result_refund("NO_SUCH_STATUS").verdict, WALLET_UNKNOWN);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_paid_is_approved),
        cmocka_unit_test(test_failed_is_declined_with_its_code),
        cmocka_unit_test(test_what_never_left_is_declined_and_not_reversed),
        cmocka_unit_test(test_open_payments_are_asked_for_as_the_wallet_says),
        cmocka_unit_test(test_a_query_ends_it),
        cmocka_unit_test(test_a_notify_is_as_good_as_an_answer),
        cmocka_unit_test(test_a_cancel_follows_its_query_without_a_gap),
        cmocka_unit_test(test_paid_is_refunded_and_never_cancelled),
        cmocka_unit_test(test_what_is_closed_already_is_undone),
        cmocka_unit_test(test_an_order_nobody_knows_is_not_final),
        cmocka_unit_test(test_a_cancel_is_asked_for_again_with_growing_pauses),
        cmocka_unit_test(test_wechat_is_not_reversed_before_fifteen_seconds),
        cmocka_unit_test(test_a_reversal_overtakes_the_payment),
        cmocka_unit_test(test_paid_after_all_ends_a_pause_of_the_reversal),
        cmocka_unit_test(test_a_refused_refund_of_a_reversal_is_looked_at_again),
        cmocka_unit_test(test_a_refund_in_doubt_is_asked_for_and_made_once),
        cmocka_unit_test(test_a_refused_refund_is_declined),
        cmocka_unit_test(test_a_refund_refused_after_doubt_is_believed_by_its_query_alone),
        cmocka_unit_test(test_a_refund_nobody_answers_is_given_up_without_a_word),
        cmocka_unit_test(test_nothing_that_comes_breaks_a_rule),
        cmocka_unit_test(test_every_row_of_the_tables_leads_on),
        cmocka_unit_test(test_the_documented_codes_are_told_as_documented),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
