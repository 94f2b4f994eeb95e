/* One case of each kind, whole: from what is seen first at the terminal to what the cashier reads
 * there, to whoever comes, and back again when it returns.
 *
 *   kind          flag  cashier's text     warranty  service point  seen to work  again
 *   system fault  T1    sign on; leave it  decided   nearest        yes           opened again
 *   transaction   M1    do not repeat it   none      none           no            another case
 *   service       none  of the fault       none      nearest        yes           opened again
 *   fee           none  none               none      none           no            opened again
 *   risk          L5    leave it           none      none           no            another case
 *
 * What a kind does not have is looked for as well: it is refused, or it is not there.
 */
#include "tests/flow/aftersales_shop.h"

#include <stdio.h>
#include <string.h>

#include "switch/aftersales/fee_dispute.h"
#include "switch/aftersales/warranty.h"
#include "switch/desk/service_near.h"

#define RESTART_TEXT "请关机后重新开机,并重新签到"
#define KEYS_STALE_TEXT "密钥失效:请重新签到后再交易"
#define KEYS_LOST_TEXT "终端安全报警:请停用,勿拆机,等待更换"
#define RESUMED_TEXT "终端已恢复使用,请重新签到"
#define MONEY_TEXT "请勿重复扣款,账务核对中"
#define PRINTER_TEXT "打印异常:请检查纸张方向和机盖"
#define STOPPED_TEXT "终端异常:请停止使用并联系收单机构"

/* --- what several of them do --------------------------------------------------------------- */

static bool take_terms(void *argument, const void *row)
{
    memcpy(argument, row, sizeof(struct warranty));
    return true;
}

static struct warranty_answer decide(struct shop *shop, enum part_class part, enum damage damage)
{
    static struct warranty terms;
    struct terminal_registration terminal = {.terminal_id = TERMINAL_A};
    const struct registry_sink sink = {take_terms, &terms};
    struct desk *desk = shop->scene->desk;
    assert_int_equal(registry_find(desk, REGISTRY_TERMINAL, &terminal), STATUS_OK);
    assert_int_equal(registry_list(desk, REGISTRY_WARRANTY, &sink), STATUS_OK);
    struct warranty_question question = {
        .terminal = &terminal,
        .terms = &terms,
        .term_count = 1,
        .part = part,
        .damage = damage,
        .today = work_calendar_day(&shop->rules.calendar, shop_now_us(shop))};
    struct warranty_answer answer;
    warranty_decide(&question, &answer);
    return answer;
}

/* Sends for somebody from the nearest point that is registered. */
static void dispatch_from_nearest(struct shop *shop, uint64_t id, enum service_place place)
{
    struct service_near near;
    assert_int_equal(
        service_near_find(shop->scene->desk, TERMINAL_A, PART_WHOLE, shop_now_us(shop), &near),
        STATUS_OK);
    assert_int_equal(near.point_count, 2);
    assert_string_equal(near.points[0].point.point_id, "pudong");
    assert_int_equal(near.order.servers[0], SERVER_AGENT);
    struct case_event dispatch = shop_event(CASE_EVENT_DISPATCH, CASE_ROLE_STAFF);
    dispatch.place = place;
    snprintf(dispatch.point_id, sizeof(dispatch.point_id), "%s", near.points[0].point.point_id);
    shop_act(shop, id, dispatch);
    assert_string_equal(shop_case(shop, id).point_id, "pudong");
}

static void mend(struct shop *shop, uint64_t id)
{
    shop_do(shop, id, CASE_EVENT_ACCEPT, CASE_ROLE_ENGINEER);
    shop_do(shop, id, CASE_EVENT_ARRIVE, CASE_ROLE_ENGINEER);
    shop_do(shop, id, CASE_EVENT_FIX, CASE_ROLE_ENGINEER);
}

/* No price was asked, and no way to ask for a repair leads on from here. */
static void expect_no_warranty_and_nobody_sent(struct shop *shop, uint64_t id)
{
    struct service_case it = shop_case(shop, id);
    assert_int_equal(it.quote, CASE_QUOTE_NONE);
    assert_int_equal(it.cost_minor, 0);
    assert_string_equal(it.point_id, "");
    shop_refuse(shop, id, shop_event(CASE_EVENT_DISPATCH, CASE_ROLE_STAFF));
    shop_refuse(shop, id, shop_event(CASE_EVENT_FIX, CASE_ROLE_STAFF));
}

/* --- a system fault ------------------------------------------------------------------------ */

/* Wrong MACs long after the sign-on: stale keys, and one case. */
static uint64_t stale_keys(struct shop *shop)
{
    shop_sell(shop, "00");
    shop_expect_screen(shop, "00", "");
    shop_pass(shop, 2 * SHOP_HOUR_US);
    shop_send_wrong_macs(shop, 2);
    assert_int_equal(shop->flag_count, 0);
    shop_send_wrong_macs(shop, 1);
    assert_int_equal(shop_flags(shop, SIGNAL_MAC_FAILURES), 1);
    assert_int_equal(shop_flags(shop, SIGNAL_KEYS_LOST), 0);
    assert_int_equal(shop_case_count(shop), 1);
    struct service_case it = shop_case(shop, 1);
    assert_int_equal(it.kind, CASE_FAULT);
    assert_string_equal(it.fault, "K1");
    shop_expect_state(shop, 1, CASE_STATE_SELF_HELP);
    return 1;
}

/* First steps, warranty, the nearest point, the repair, and what the switch sees after it. */
static void repair(struct shop *shop, uint64_t id)
{
    shop_try(shop, id, 1, CASE_STEP_DONE);
    shop_sell(shop, "00");
    assert_int_equal(shop->screen.asked, '6'); /* the second first step: update */
    shop_try(shop, id, 2, CASE_STEP_IMPOSSIBLE);
    struct warranty_answer warranty = decide(shop, PART_WHOLE, DAMAGE_WEAR);
    assert_int_equal(warranty.verdict, WARRANTY_VERDICT_IN);
    assert_true(warranty.is_free && !warranty.needs_acceptance);
    assert_int_equal(warranty.way, REPAIR_WAY_REPAIR);
    dispatch_from_nearest(shop, id, SERVICE_SITE_CITY);
    mend(shop, id);
    shop_expect_state(shop, id, CASE_STATE_FIXED);
    shop_sell_with(shop, "05", SHOP_SERIAL); /* declined: that proves nothing */
    assert_int_equal(shop->screen.asked, '3');
    shop_refuse(shop, id, shop_event(CASE_EVENT_CONFIRM, CASE_ROLE_STAFF));
    shop_expect_state(shop, id, CASE_STATE_FIXED);
    shop_sign_on(shop, SHOP_SERIAL);
    shop_expect_state(shop, id, CASE_STATE_VERIFIED); /* by the switch alone */
    shop_close(shop, id, CASE_ROLE_STAFF, CASE_OUTCOME_CONFIRMED);
}

/* It comes back within the hour of a sign-on: the keys are lost. The same case, and the terminal is
 * stopped; a text that asks for a sign-on would be wrong now. */
static void lose_keys(struct shop *shop, uint64_t id)
{
    shop_pass(shop, 3 * SHOP_HOUR_US);
    shop_sign_on(shop, SHOP_SERIAL);
    shop_send_wrong_macs(shop, 3);
    assert_int_equal(shop_flags(shop, SIGNAL_KEYS_LOST), 1);
    assert_int_equal(shop_flags(shop, SIGNAL_MAC_FAILURES), 1); /* quiet for a day */
    assert_int_equal(shop_case_count(shop), 1);
    struct service_case it = shop_case(shop, id);
    assert_int_equal(it.reopen_count, 1);
    assert_string_equal(it.fault, "K2");
    assert_true(it.is_stopped);
    for (unsigned i = 0; i < 2; i++) {
        shop_sell(shop, "");
        shop_expect_screen(shop, "58", KEYS_LOST_TEXT);
    }
}

/* Another device stands there, bound by the clerk, and shows by itself that it works. */
static void swap(struct shop *shop, uint64_t id)
{
    assert_int_equal(decide(shop, PART_WHOLE, DAMAGE_TAMPER).way, REPAIR_WAY_SWAP);
    dispatch_from_nearest(shop, id, SERVICE_SWAP);
    struct case_event swapped = shop_event(CASE_EVENT_SWAP, CASE_ROLE_ENGINEER);
    snprintf(swapped.serial, sizeof(swapped.serial), "PAX-0002");
    shop_act(shop, id, swapped);
    struct registry_binding binding;
    assert_int_equal(registry_binding_in_force(shop->scene->desk, TERMINAL_A, &binding), STATUS_OK);
    assert_string_equal(binding.serial, "PAX-0002");
    shop_sell_with(shop, "05", "PAX-0002");
    shop_expect_screen(shop, "05", RESUMED_TEXT);
    shop_expect_state(shop, id, CASE_STATE_SWAPPED);
    shop_sign_on(shop, "PAX-0002");
    shop_expect_state(shop, id, CASE_STATE_VERIFIED);
    shop_close(shop, id, CASE_ROLE_STAFF, CASE_OUTCOME_CONFIRMED);
    shop_sell_with(shop, "00", "PAX-0002");
    shop_expect_screen(shop, "00", "");
}

static void test_a_system_fault_from_wrong_macs_to_another_device(void **state)
{
    struct shop *shop = *state;
    uint64_t id = stale_keys(shop);
    shop_sell(shop, "00");
    shop_expect_screen(shop, "00", KEYS_STALE_TEXT);
    assert_int_equal(shop->screen.asked, '3');
    shop_sign_on(shop, SHOP_SERIAL);
    shop_sell(shop, "00");
    shop_expect_screen(shop, "00", ""); /* it has done what it was told */
    repair(shop, id);
    lose_keys(shop, id);
    swap(shop, id);
    assert_int_equal(shop_case_count(shop), 1); /* one cause all the while */
}

/* The same rows count as wrong MACs and as keys that a sign-on did not bring back: one case, and
 * one word to the cashier. */
static void test_wrong_macs_after_a_signon_are_one_case(void **state)
{
    struct shop *shop = *state;
    shop_sign_on(shop, SHOP_SERIAL);
    shop_send_wrong_macs(shop, 3);
    assert_int_equal(shop_flags(shop, SIGNAL_MAC_FAILURES), 1);
    assert_int_equal(shop_flags(shop, SIGNAL_KEYS_LOST), 1);
    assert_int_equal(shop_case_count(shop), 1);
    struct service_case it = shop_case(shop, 1);
    assert_int_equal(it.flag_count, 2);
    assert_string_equal(it.fault, "K2");
    assert_int_equal(it.severity, 4);
    assert_true(it.is_stopped);
    shop_sell(shop, "");
    shop_expect_screen(shop, "58", KEYS_LOST_TEXT);
    shop_try(shop, 1, 1, CASE_STEP_IMPOSSIBLE); /* what comes next is said to people alone */
    shop_sell(shop, "");
    shop_expect_screen(shop, "58", KEYS_LOST_TEXT);
}

/* --- a transaction anomaly ----------------------------------------------------------------- */

/* Silence, 98, and an approval that comes too late. */
static void be_late(struct shop *shop)
{
    uint32_t forward = shop->stage->forward_count;
    shop_sell(shop, NULL);
    assert_string_equal(shop->screen.code, "98");
    struct payment late = stage_response(shop->stage, forward, "00");
    stage_give(shop->stage, shop->stage->forwards[forward].effect.channel, &late);
    shop_pass(shop, SHOP_MINUTE_US);
}

static void test_a_transaction_anomaly_from_a_late_approval_to_its_explanation(void **state)
{
    struct shop *shop = *state;
    be_late(shop);
    assert_int_equal(shop_flags(shop, SIGNAL_LATE_APPROVAL), 1);
    assert_int_equal(shop_case_count(shop), 1);
    struct service_case it = shop_case(shop, 1);
    assert_int_equal(it.kind, CASE_TRANSACTION);
    assert_int_equal(it.steps[1], CASE_STEP_DONE); /* the register answers for the merchant */
    shop_sell(shop, "00");
    shop_expect_screen(shop, "00", MONEY_TEXT);
    assert_int_equal(shop->screen.asked, '2'); /* the other first step: how is its network? */
    struct payment upload = stage_payment(PAYMENT_STATUS_UPLOAD, TERMINAL_A, 0);
    memcpy(upload.management_code, "362", 4);
    assert_int_equal(payment_set_cargo(&upload, PAYMENT_CARGO_CUSTOM_62,
                                       (struct byte_view){(const uint8_t *)"011021", 6}),
                     STATUS_OK);
    stage_ask(shop->stage, &upload);
    shop_pass(shop, SHOP_MINUTE_US);
    assert_int_equal(shop_case(shop, 1).steps[0], CASE_STEP_DONE); /* seen, by nobody's hand */
    expect_no_warranty_and_nobody_sent(shop, 1);
    shop_do(shop, 1, CASE_EVENT_INVESTIGATE, CASE_ROLE_STAFF);
    shop_sell(shop, "00"); /* that the terminal works verifies nothing here */
    shop_expect_state(shop, 1, CASE_STATE_INVESTIGATING);
    assert_int_equal(shop_case(shop, 1).verified_us, 0);
    shop_do(shop, 1, CASE_EVENT_CLEAR, CASE_ROLE_STAFF);
    shop_close(shop, 1, CASE_ROLE_STAFF, CASE_OUTCOME_BENIGN);
    be_late(shop); /* another row of money is another case; people may open the old one */
    assert_int_equal(shop_case_count(shop), 2);
    shop_expect_state(shop, 1, CASE_STATE_CLOSED);
    shop_do(shop, 1, CASE_EVENT_REOPEN, CASE_ROLE_STAFF);
    shop_expect_state(shop, 1, CASE_STATE_REOPENED);
}

/* --- a service request --------------------------------------------------------------------- */

static void test_a_service_request_from_a_call_to_paper_that_prints(void **state)
{
    struct shop *shop = *state;
    shop_sell(shop, "00");
    uint64_t id = shop_call(shop, CASE_SERVICE, "it prints nothing, and we have no more paper");
    assert_int_equal(shop->flag_count, 0); /* no row tells of it: people do */
    struct case_event triage = shop_event(CASE_EVENT_TRIAGE, CASE_ROLE_STAFF);
    snprintf(triage.fault, sizeof(triage.fault), "P1");
    triage.service_class = SERVICE_P2;
    shop_act(shop, id, triage);
    shop_sell(shop, "00");
    shop_expect_screen(shop, "00", PRINTER_TEXT);
    shop_refuse(shop, id, shop_event(CASE_EVENT_ADVISE, CASE_ROLE_STAFF));
    shop_try(shop, id, 1, CASE_STEP_DONE); /* the knowledge base */
    assert_int_equal(decide(shop, PART_CONSUMABLE, DAMAGE_WEAR).verdict,
                     WARRANTY_VERDICT_CONSUMABLE);
    assert_int_equal(shop_case(shop, id).quote, CASE_QUOTE_NONE);
    dispatch_from_nearest(shop, id, SERVICE_SITE_CITY);
    mend(shop, id);
    shop_sell(shop, "00");
    shop_expect_state(shop, id, CASE_STATE_VERIFIED);
    shop_close(shop, id, CASE_ROLE_STAFF, CASE_OUTCOME_CONFIRMED);
    assert_int_equal(shop_told(shop, CASE_EFFECT_ASK_SCORE), 1);
    shop_do(shop, id, CASE_EVENT_REOPEN, CASE_ROLE_MERCHANT); /* the roll is of the wrong side */
    shop_expect_state(shop, id, CASE_STATE_REOPENED);
    assert_int_equal(shop_case_count(shop), 1);
}

/* --- a fee dispute ------------------------------------------------------------------------- */

/* What the switch has written of the fee, as the dispute asks for it. */
static struct fee_dispute dispute_of(const struct record *record)
{
    struct fee_dispute dispute = {.date = "2025-11-25",
                                  .amount = record->amount,
                                  .scheme = "unionpay",
                                  .channel = "bank_a",
                                  .product = "ic",
                                  .mcc = "5311",
                                  .applied = {.plan = "plain", .version = "v7", .rule = "fees:4"},
                                  .charged_minor = record->merchant_fee,
                                  .complain = "95516"};
    snprintf(dispute.rrn, sizeof(dispute.rrn), "%s", record->rrn);
    dispute.applied.formula = (struct fee_formula){.rate_e8 = 600000, .cap = FEE_NO_CAP};
    return dispute;
}

static void test_a_fee_dispute_from_a_payment_to_its_explanation(void **state)
{
    struct shop *shop = *state;
    shop_sell(shop, "00");
    const struct record *record = stage_last_record(shop->stage, RECORD_RESULT);
    struct fee_dispute dispute = dispute_of(record);
    assert_int_equal(dispute.charged_minor, 74); /* 0.6 % of 123.45 */
    uint64_t id = shop_call(shop, CASE_FEE, "74 fen for one payment?");
    assert_int_equal(shop->flag_count, 0);
    shop_sell(shop, "00"); /* nothing to try, so nothing is told at the terminal */
    shop_expect_screen(shop, "00", "");
    assert_int_equal(shop->screen.asked, '0');
    assert_int_equal(stage_count_records(shop->stage, RECORD_ORDER), 0);
    char text[FEE_DISPUTE_TEXT_SIZE];
    fee_dispute_explain(&dispute, false, text, sizeof(text));
    assert_non_null(strstr(text, "123.45 CNY x 0.600000 %"));
    shop_try(shop, id, 1, CASE_STEP_DONE);
    shop_do(shop, id, CASE_EVENT_EXPLAIN, CASE_ROLE_STAFF);
    assert_int_equal(shop_told(shop, CASE_EFFECT_TELL_MERCHANT), 1);
    expect_no_warranty_and_nobody_sent(shop, id);
    shop_sell(shop, "00");
    shop_expect_state(shop, id, CASE_STATE_EXPLAINED); /* there is nothing to see working */
    shop_do(shop, id, CASE_EVENT_AGREE, CASE_ROLE_MERCHANT);
    shop_close(shop, id, CASE_ROLE_STAFF, CASE_OUTCOME_BENIGN);
    assert_int_equal(shop_case(shop, id).verified_us, 0);
    shop_do(shop, id, CASE_EVENT_REOPEN, CASE_ROLE_MERCHANT); /* the next slip looks the same */
    shop_do(shop, id, CASE_EVENT_DISPUTE, CASE_ROLE_MERCHANT);
    struct fee_judgement judgement;
    fee_dispute_judge(&dispute, &judgement);
    assert_int_equal(judgement.verdict, FEE_VERDICT_RIGHT);
    shop_do(shop, id, CASE_EVENT_REFUSE, CASE_ROLE_STAFF);
    shop_close(shop, id, CASE_ROLE_STAFF, CASE_OUTCOME_BENIGN);
    assert_int_equal(shop_case(shop, id).reopen_count, 1);
}

/* --- risk ---------------------------------------------------------------------------------- */

static void test_risk_from_another_serial_number_to_a_stop_that_is_lifted(void **state)
{
    struct shop *shop = *state;
    shop_sell_with(shop, "00", "PAX-9999");
    shop_expect_screen(shop, "00", "");
    assert_int_equal(shop_flags(shop, SIGNAL_SERIAL_DIFFERS), 1);
    assert_int_equal(shop_case_count(shop), 1);
    assert_int_equal(shop_case(shop, 1).kind, CASE_RISK);
    shop_expect_state(shop, 1, CASE_STATE_STOPPED);
    assert_true(shop_is_ordered(shop, ORDER_STOP));
    shop_sell(shop, ""); /* nothing to try: leave it, and call */
    shop_expect_screen(shop, "58", STOPPED_TEXT);
    expect_no_warranty_and_nobody_sent(shop, 1);
    shop_sign_on(shop, SHOP_SERIAL); /* a good sign-on verifies nothing, and lifts nothing */
    shop_expect_state(shop, 1, CASE_STATE_STOPPED);
    shop_sell(shop, "");
    assert_string_equal(shop->screen.code, "58");
    shop_do(shop, 1, CASE_EVENT_CLEAR, CASE_ROLE_STAFF); /* a swap that nobody had registered */
    assert_false(shop_is_ordered(shop, ORDER_STOP));
    shop_sell(shop, "00");
    shop_expect_screen(shop, "00", RESUMED_TEXT);
    shop_close(shop, 1, CASE_ROLE_STAFF, CASE_OUTCOME_BENIGN);
    assert_int_equal(shop_case(shop, 1).verified_us, 0);
    shop_pass(shop, SHOP_DAY_US);
    shop_sell_with(shop, "00", "PAX-9999"); /* severity 4 is never quiet: another case */
    assert_int_equal(shop_case_count(shop), 2);
    shop_expect_state(shop, 1, CASE_STATE_CLOSED);
    shop_expect_state(shop, 2, CASE_STATE_STOPPED);
    shop_do(shop, 1, CASE_EVENT_REOPEN, CASE_ROLE_MANAGER);
    shop_expect_state(shop, 1, CASE_STATE_REOPENED);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, shop_set, shop_strike)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_a_system_fault_from_wrong_macs_to_another_device),
        TEST(test_wrong_macs_after_a_signon_are_one_case),
        TEST(test_a_transaction_anomaly_from_a_late_approval_to_its_explanation),
        TEST(test_a_service_request_from_a_call_to_paper_that_prints),
        TEST(test_a_fee_dispute_from_a_payment_to_its_explanation),
        TEST(test_risk_from_another_serial_number_to_a_stop_that_is_lifted),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
