/* Orders between the control protocol and plain structs. */
#include <stdio.h>
#include <string.h>

#include "switch/control/control_answer.h"
#include "tests/unit/unit_test.h"

static char *text(const char *characters)
{
    return (char *)(uintptr_t)characters;
}

static Control__OrderCall whole_call(void)
{
    Control__OrderCall call = CONTROL__ORDER_CALL__INIT;
    call.kind = text("tell");
    call.terminal_id = text("10000001");
    call.has_until_wall_us = call.has_case_id = call.has_times = true;
    call.until_wall_us = 1764057600000000;
    call.case_id = 77;
    call.times = 2;
    call.text_local = text("签到");
    return call;
}

static const char *take(struct control_order *asked, Control__OrderCall *call)
{
    Control__Request request = CONTROL__REQUEST__INIT;
    request.operator_ = text("ann");
    request.call_case = CONTROL__REQUEST__CALL_ORDER;
    request.order = call;
    return control_order_of(asked, &request);
}

static void test_an_order_comes_whole(void **state)
{
    (void)state;
    struct control_order asked;
    Control__OrderCall call = whole_call();
    assert_null(take(&asked, &call));
    assert_int_equal(asked.order.kind, ORDER_TELL);
    assert_string_equal(asked.order.terminal_id, "10000001");
    assert_string_equal(asked.order.merchant_id, "");
    assert_string_equal(asked.order.actor, "ann");
    assert_true(asked.order.until_us == 1764057600000000);
    assert_int_equal(asked.order.case_id, 77);
    assert_int_equal(asked.order.times, 2);
    assert_string_equal(asked.text_local, "签到");
    assert_null(asked.text_plain);
    call = (Control__OrderCall)CONTROL__ORDER_CALL__INIT;
    call.kind = text("limit");
    call.merchant_id = text("898290054110000");
    call.has_limit_minor = call.has_currency = true;
    call.limit_minor = 50000;
    call.currency = 156;
    assert_null(take(&asked, &call));
    assert_true(money_equals(asked.order.limit, (struct money){50000, 156}));
    assert_int_equal(asked.order.until_us, 0);
    assert_true(order_is_whole(&asked.order));
}

static void test_what_is_none_is_refused_in_words(void **state)
{
    (void)state;
    struct control_order asked;
    Control__OrderCall call = whole_call();
    call.times = ORDER_TIMES_MAX + 1;
    assert_non_null(strstr(take(&asked, &call), "1 to 9 times"));
    call.times = 0;
    assert_non_null(strstr(take(&asked, &call), "1 to 9 times"));
    call = whole_call();
    call.merchant_id = call.terminal_id;
    assert_non_null(strstr(take(&asked, &call), "one terminal"));
    call.terminal_id = call.merchant_id = NULL;
    assert_non_null(strstr(take(&asked, &call), "one terminal"));
    call.terminal_id = text("100000012");
    assert_non_null(strstr(take(&asked, &call), "8 characters"));
    call.terminal_id = NULL;
    call.merchant_id = text("8982900541100001");
    assert_non_null(strstr(take(&asked, &call), "at most 15"));
    call = whole_call();
    call.has_currency = true;
    call.currency = UINT16_MAX + 1;
    assert_non_null(strstr(take(&asked, &call), "ISO 4217"));
    call = whole_call();
    call.kind = text("sell");
    assert_non_null(strstr(take(&asked, &call), "of that kind"));
    Control__Request request = CONTROL__REQUEST__INIT;
    call = whole_call();
    request.order = &call;
    request.operator_ = text("a_name_of_more_than_thirty_two_letters");
    assert_non_null(strstr(control_order_of(&asked, &request), "operator"));
}

/* --- what is in force --------------------------------------------------------------------- */

/* A stop, a limit of a merchant and a text, again and again up to so many. */
static uint32_t on_orders(void *argument, uint32_t after, struct order_standing *standing,
                          char words[CONTROL_ORDER_TEXT_SIZE])
{
    static const enum order_kind KINDS[] = {ORDER_STOP, ORDER_LIMIT, ORDER_TELL};
    const uint32_t *count = argument;
    enum order_kind kind = KINDS[after % COUNT_OF(KINDS)];
    if (after == *count) {
        return 0;
    }
    *standing = (struct order_standing){.since_us = 17};
    standing->order = (struct order){.kind = kind, .actor = "ann"};
    snprintf(standing->order.merchant_id, sizeof(standing->order.merchant_id), "898290054110000");
    if (kind != ORDER_LIMIT) {
        snprintf(standing->order.terminal_id, sizeof(standing->order.terminal_id), "10000001");
    }
    standing->order.limit = (struct money){50000, 156};
    standing->order.times = 3;
    memset(standing->order.plain, 'w', ORDER_TEXT_BYTES_MAX);
    standing->order.plain_length = ORDER_TEXT_BYTES_MAX;
    snprintf(words, CONTROL_ORDER_TEXT_SIZE, "签到");
    return after + 1;
}

static size_t count_of(struct control_arena *arena, uint32_t count, const char *terminal,
                       const char *merchant)
{
    const struct control_rim rim = {.orders = on_orders, .argument = &count};
    Control__OrdersCall call = CONTROL__ORDERS_CALL__INIT;
    call.terminal_id = text(terminal);
    call.merchant_id = text(merchant);
    control_arena_reset(arena);
    const Control__Orders *told = control_answer_orders(arena, &rim, &call);
    assert_non_null(told);
    return told->n_orders;
}

static void test_each_order_tells_what_its_kind_has(void **state)
{
    (void)state;
    struct control_arena arena;
    uint32_t count = 3;
    const struct control_rim rim = {.orders = on_orders, .argument = &count};
    Control__OrdersCall call = CONTROL__ORDERS_CALL__INIT;
    assert_true(control_arena_create(&arena, 2097152));
    control_arena_reset(&arena);
    const Control__Orders *told = control_answer_orders(&arena, &rim, &call);
    assert_int_equal(told->n_orders, 3);
    assert_false(told->is_cut);
    const Control__Order *stop = told->orders[0];
    assert_string_equal(stop->kind, "stop");
    assert_string_equal(stop->terminal_id, "10000001");
    assert_int_equal(stop->since_wall_us, 17);
    assert_string_equal(stop->by, "ann");
    assert_false(stop->has_until_wall_us || stop->has_case_id || stop->has_limit_minor);
    assert_null(stop->text_local);
    const Control__Order *limit = told->orders[1];
    assert_null(limit->terminal_id);
    assert_string_equal(limit->merchant_id, "898290054110000");
    assert_int_equal(limit->limit_minor, 50000);
    assert_int_equal(limit->currency, 156);
    assert_null(limit->text_plain);
    const Control__Order *tell = told->orders[2];
    assert_string_equal(tell->text_local, "签到");
    assert_int_equal(strlen(tell->text_plain), ORDER_TEXT_BYTES_MAX);
    assert_int_equal(tell->times, 3);
    control_arena_destroy(&arena);
}

static void test_those_of_one_subject_may_be_asked_for(void **state)
{
    (void)state;
    struct control_arena arena;
    assert_true(control_arena_create(&arena, 2097152));
    assert_int_equal(count_of(&arena, 3, "10000001", NULL), 2);
    assert_int_equal(count_of(&arena, 3, NULL, "898290054110000"), 1);
    assert_int_equal(count_of(&arena, 3, "99999999", NULL), 0);
    assert_int_equal(count_of(&arena, 0, NULL, NULL), 0);
    control_arena_destroy(&arena);
}

static void test_too_many_are_cut_and_fit_the_memory_of_a_call(void **state)
{
    (void)state;
    struct control_arena arena;
    uint32_t count = 5000;
    const struct control_rim rim = {.orders = on_orders, .argument = &count};
    Control__OrdersCall call = CONTROL__ORDERS_CALL__INIT;
    assert_true(control_arena_create(&arena, 2097152));
    control_arena_reset(&arena);
    const Control__Orders *told = control_answer_orders(&arena, &rim, &call);
    assert_non_null(told);
    assert_int_equal(told->n_orders, 2000);
    assert_true(told->is_cut);
    assert_true(control__orders__get_packed_size(told) < 1048576);
    control_arena_destroy(&arena);
    assert_true(control_arena_create(&arena, 17000)); /* the list, and little of what is in it */
    control_arena_reset(&arena);
    assert_null(control_answer_orders(&arena, &rim, &call));
    control_arena_destroy(&arena);
}

/* --- where a payment would go ------------------------------------------------------------- */

static void on_explain(void *argument, const struct route_question *question, int64_t wall_us,
                       struct control_explanation *explanation)
{
    (void)question;
    (void)wall_us;
    explanation->channels = argument;
    explanation->engine.decision.answer = ROUTE_FOUND;
    explanation->engine.decision.channel_count = 1;
    explanation->engine.ordered = TXN_REASON_ORDER_STOP;
}

static void test_what_an_order_forbids_goes_nowhere_whatever_the_rules_say(void **state)
{
    (void)state;
    struct control_arena arena;
    struct channel_table *channels = channel_table_create();
    assert_int_equal(channel_table_add(channels, &(struct channel_row){.name = "bank_a"}),
                     STATUS_OK);
    const struct control_rim rim = {.explain = on_explain, .argument = channels};
    Control__ExplainCall call = CONTROL__EXPLAIN_CALL__INIT;
    call.terminal_id = text("10000001");
    call.kind = text("purchase");
    call.amount_minor = 1234;
    call.currency = 156;
    const char *fault = NULL;
    assert_true(control_arena_create(&arena, 2097152));
    control_arena_reset(&arena);
    const Control__Explanation *told = control_answer_explanation(&arena, &rim, &call, &fault);
    assert_non_null(told);
    assert_false(told->is_routed);
    assert_int_equal(told->n_channels, 0);
    assert_string_equal(told->response_code, "58");
    assert_non_null(strstr(told->reason, "order"));
    control_arena_destroy(&arena);
    channel_table_destroy(channels);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_an_order_comes_whole),
        cmocka_unit_test(test_what_is_none_is_refused_in_words),
        cmocka_unit_test(test_each_order_tells_what_its_kind_has),
        cmocka_unit_test(test_those_of_one_subject_may_be_asked_for),
        cmocka_unit_test(test_too_many_are_cut_and_fit_the_memory_of_a_call),
        cmocka_unit_test(test_what_an_order_forbids_goes_nowhere_whatever_the_rules_say),
    };
    return cmocka_run_group_tests_name("switch/control/control_order", tests, NULL, NULL);
}
