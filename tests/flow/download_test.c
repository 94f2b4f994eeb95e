/* Downloads: lists in parts, items by name, parameters, and what digit 6 of the header asks for. */
#include "tests/flow/stage.h"

#include <stdio.h>
#include <string.h>

static struct payment ask_for(enum payment_kind kind, const char *code, struct byte_view field_62)
{
    struct payment payment = stage_payment(kind, TERMINAL_A, 0);
    memcpy(payment.management_code, code, 4);
    assert_int_equal(payment_set_cargo(&payment, PAYMENT_CARGO_CUSTOM_62, field_62), STATUS_OK);
    return payment;
}

/* Asks and answers field 62 of the reply, which is 00 and asks for nothing but `digit`. */
static struct byte_view answer_to(struct stage *stage, enum payment_kind kind, const char *code,
                                  struct byte_view field_62, uint8_t digit)
{
    struct payment payment = ask_for(kind, code, field_62);
    uint32_t before = stage->reply_count;
    stage_ask(stage, &payment);
    stage_expect_reply(stage, before + 1, "00");
    assert_int_equal(stage_last_reply(stage)->effect.terminal_request, digit);
    return payment_cargo(&stage_last_reply(stage)->payment, PAYMENT_CARGO_CUSTOM_62);
}

static struct byte_view text(const char *characters)
{
    return (struct byte_view){(const uint8_t *)characters, (uint32_t)strlen(characters)};
}

#define NOTHING ((struct byte_view){NULL, 0})
#define KEY_NAME_BYTES 12
#define KEY_ENTRY_BYTES 23

/* 9F06 05 A000000333 9F22 01 <index> DF05 08 20301231, and a body of one tag. */
static void add_key(struct download_table *table, uint8_t index, uint8_t content)
{
    uint8_t bytes[KEY_ENTRY_BYTES + 4] = "\x9F\x06\x05\xA0\x00\x00\x03\x33\x9F\x22\x01\x00"
                                         "\xDF\x05\x08"
                                         "20301231"
                                         "\xDF\x02\x01";
    bytes[KEY_NAME_BYTES - 1] = index;
    bytes[KEY_ENTRY_BYTES + 3] = content;
    struct download_item item = {.class = DOWNLOAD_CA_KEYS,
                                 .line = index,
                                 .name_length = KEY_NAME_BYTES,
                                 .list_length = KEY_ENTRY_BYTES,
                                 .bytes = {bytes, sizeof(bytes)}};
    assert_int_equal(download_table_add(table, &item), STATUS_OK);
}

static void add_aid(struct download_table *table)
{
    static const uint8_t BYTES[] = "\x9F\x06\x08\xA0\x00\x00\x03\x33\x01\x01\x01\xDF\x01\x01\x00";
    struct download_item item = {.class = DOWNLOAD_AIDS,
                                 .line = 1,
                                 .name_length = 11,
                                 .list_length = 11,
                                 .bytes = {BYTES, sizeof(BYTES) - 1}};
    assert_int_equal(download_table_add(table, &item), STATUS_OK);
}

static void add_parameter(struct download_table *table, const char *holder, const char *value)
{
    struct download_parameter parameter = {.code = "12", .line = 1};
    snprintf(parameter.holder, sizeof(parameter.holder), "%s", holder);
    memcpy(parameter.value, value, strlen(value) + 1);
    assert_int_equal(download_table_set_parameter(table, &parameter), STATUS_OK);
}

static void use(struct stage *stage, struct download_table *table)
{
    struct download_fault fault;
    assert_int_equal(download_table_freeze(table, &fault), STATUS_OK);
    stage_use_downloads(stage, table);
}

static void use_keys(struct stage *stage, uint8_t count, uint8_t content)
{
    struct download_table *table = download_table_create(4, 64);
    assert_non_null(table);
    for (uint8_t index = 1; index <= count; index++) {
        add_key(table, index, content);
    }
    use(stage, table);
}

/* What the next answer to a terminal that asks for nothing wants of it. */
static uint8_t digit_now(struct stage *stage, const char *terminal)
{
    struct payment echo = stage_payment(PAYMENT_ECHO, terminal, 0);
    stage_ask(stage, &echo);
    return stage_last_reply(stage)->effect.terminal_request;
}

static void test_a_list_comes_in_parts_by_the_count_received(void **state)
{
    struct stage *stage = *state;
    use_keys(stage, 30, 7);
    struct byte_view list = answer_to(stage, PAYMENT_CA_KEY_LIST, "372", text("100"), 0);
    assert_int_equal(list.length, 1 + 22 * KEY_ENTRY_BYTES);
    assert_int_equal(list.bytes[0], '2');
    assert_int_equal(list.bytes[12], 1);
    list = answer_to(stage, PAYMENT_CA_KEY_LIST, "372", text("122"), 0);
    assert_int_equal(list.length, 1 + 8 * KEY_ENTRY_BYTES);
    assert_int_equal(list.bytes[0], '1');
    assert_int_equal(list.bytes[12], 23);
    list = answer_to(stage, PAYMENT_CA_KEY_LIST, "372", text("130"), 0);
    assert_int_equal(list.length, 1);
    assert_int_equal(list.bytes[0], '0');
}

static void test_one_item_comes_by_its_name(void **state)
{
    struct stage *stage = *state;
    use_keys(stage, 3, 9);
    static const uint8_t SECOND[] = "\x9F\x06\x05\xA0\x00\x00\x03\x33\x9F\x22\x01\x02";
    static const uint8_t TURNED[] = "\x9F\x22\x01\x02\x9F\x06\x05\xA0\x00\x00\x03\x33";
    struct byte_view key =
        answer_to(stage, PAYMENT_CA_KEY, "370", (struct byte_view){SECOND, KEY_NAME_BYTES}, 0);
    assert_int_equal(key.length, 1 + KEY_ENTRY_BYTES + 4);
    assert_int_equal(key.bytes[0], '1');
    assert_memory_equal(key.bytes + 1, SECOND, KEY_NAME_BYTES);
    key = answer_to(stage, PAYMENT_CA_KEY, "370", (struct byte_view){TURNED, KEY_NAME_BYTES}, 0);
    assert_int_equal(key.length, 1 + KEY_ENTRY_BYTES + 4);
    key = answer_to(stage, PAYMENT_CA_KEY, "370", (struct byte_view){SECOND, 8}, 0);
    assert_int_equal(key.length, 1);
    assert_int_equal(key.bytes[0], '0');
    key = answer_to(stage, PAYMENT_CA_KEY, "370", text("nonsense"), 0);
    assert_int_equal(key.bytes[0], '0');
}

static void test_a_count_that_is_none_is_refused(void **state)
{
    struct stage *stage = *state;
    use_keys(stage, 3, 9);
    struct payment payment = ask_for(PAYMENT_CA_KEY_LIST, "372", text("1x0"));
    stage_ask(stage, &payment);
    stage_expect_reply(stage, stage->reply_count, "30");
}

static void test_what_is_not_offered_is_an_empty_list(void **state)
{
    struct stage *stage = *state;
    assert_int_equal(answer_to(stage, PAYMENT_CA_KEY_LIST, "372", text("100"), 0).bytes[0], '0');
    assert_int_equal(answer_to(stage, PAYMENT_CA_KEY_LIST, "373", text("100"), 0).bytes[0], '0');
    assert_int_equal(answer_to(stage, PAYMENT_AID, "380", text("x"), 0).bytes[0], '0');
    assert_int_equal(answer_to(stage, PAYMENT_BIN_LIST, "390", NOTHING, 0).bytes[0], '0');
    assert_int_equal(answer_to(stage, PAYMENT_PARAMETER, "360", NOTHING, 0).length, 0);
    assert_int_equal(answer_to(stage, PAYMENT_PARAMETER, "364", NOTHING, 0).length, 0);
    assert_int_equal(answer_to(stage, PAYMENT_DOWNLOAD_END, "361", NOTHING, 0).length, 0);
    assert_int_equal(stage_count_records(stage, RECORD_STATUS), 0);
}

static void download_keys(struct stage *stage, uint8_t digit_after)
{
    answer_to(stage, PAYMENT_CA_KEY_LIST, "372", text("100"), 0);
    answer_to(stage, PAYMENT_DOWNLOAD_END, "371", text("103"), digit_after);
}

static void test_digit_6_asks_until_the_download_has_ended_and_after_a_change(void **state)
{
    struct stage *stage = *state;
    assert_int_equal(digit_now(stage, TERMINAL_A), 0);
    use_keys(stage, 3, 9);
    assert_int_equal(digit_now(stage, TERMINAL_A), 4);
    stage->is_prompt = false;
    struct payment list = ask_for(PAYMENT_CA_KEY_LIST, "372", text("100"));
    stage_ask(stage, &list);
    struct payment end = ask_for(PAYMENT_DOWNLOAD_END, "371", NOTHING);
    uint32_t before = stage->reply_count;
    stage_ask(stage, &end);
    assert_int_equal(stage->reply_count, before); /* durable first */
    stage_sync(stage);
    stage->is_prompt = true;
    stage_expect_reply(stage, before + 1, "00");
    assert_int_equal(digit_now(stage, TERMINAL_A), 0);
    assert_int_equal(digit_now(stage, TERMINAL_B), 4);
    stage_restart(stage);
    assert_int_equal(digit_now(stage, TERMINAL_A), 0);
    use_keys(stage, 3, 9); /* other rules, the same keys */
    assert_int_equal(digit_now(stage, TERMINAL_A), 0);
    use_keys(stage, 3, 8);
    assert_int_equal(digit_now(stage, TERMINAL_A), 4);
    download_keys(stage, 0);
    download_keys(stage, 0); /* nothing new: no second row */
    assert_int_equal(stage_count_records(stage, RECORD_STATUS), 2);
    stage_sign_on(stage, TERMINAL_A); /* the last row of the terminal tells all */
    const struct record *row = stage_last_record(stage, RECORD_SIGNON);
    assert_memory_equal(row->answer, "ca_keys=", 8);
}

static void test_rules_that_change_during_a_download_are_asked_for_again(void **state)
{
    struct stage *stage = *state;
    use_keys(stage, 3, 9);
    answer_to(stage, PAYMENT_CA_KEY_LIST, "372", text("100"), 0);
    use_keys(stage, 3, 8);
    answer_to(stage, PAYMENT_DOWNLOAD_END, "371", NOTHING, 4);
}

static void test_an_end_without_a_beginning_notes_nothing(void **state)
{
    struct stage *stage = *state;
    use_keys(stage, 3, 9);
    answer_to(stage, PAYMENT_DOWNLOAD_END, "371", NOTHING, 4);
    assert_int_equal(stage_count_records(stage, RECORD_STATUS), 0);
}

static void test_the_most_urgent_is_asked_for_first(void **state)
{
    struct stage *stage = *state;
    struct download_table *table = download_table_create(4, 4);
    assert_non_null(table);
    add_parameter(table, "", "60");
    add_parameter(table, TERMINAL_B, "45");
    add_key(table, 1, 1);
    add_aid(table);
    use(stage, table);
    struct payment signoff = stage_payment(PAYMENT_SIGNOFF, TERMINAL_A, 9);
    stage_ask(stage, &signoff);
    assert_int_equal(stage_last_reply(stage)->effect.terminal_request, 0);
    assert_int_equal(digit_now(stage, TERMINAL_A), 3);
    stage_sign_on(stage, TERMINAL_A);
    assert_int_equal(stage_last_reply(stage)->effect.terminal_request, 4);
    download_keys(stage, 5);
    assert_int_equal(answer_to(stage, PAYMENT_AID_LIST, "382", text("100"), 0).length, 12);
    answer_to(stage, PAYMENT_DOWNLOAD_END, "381", NOTHING, 1);
    struct byte_view parameters = answer_to(stage, PAYMENT_PARAMETER, "360", NOTHING, 0);
    assert_int_equal(parameters.length, 4);
    assert_memory_equal(parameters.bytes, "1260", 4);
    answer_to(stage, PAYMENT_DOWNLOAD_END, "361", NOTHING, 0);
    stage_restart(stage);
    assert_int_equal(digit_now(stage, TERMINAL_A), 0);
    struct payment purchase = stage_purchase(TERMINAL_A, 20);
    purchase.batch = 7;
    stage_ask(stage, &purchase);
    stage_expect_reply(stage, stage->reply_count, "77");
    assert_int_equal(stage_last_reply(stage)->effect.terminal_request, 3);
}

static void test_strangers_and_stopped_terminals_get_nothing(void **state)
{
    struct stage *stage = *state;
    use_keys(stage, 3, 9);
    struct payment payment = stage_payment(PAYMENT_CA_KEY_LIST, "19999999", 0);
    memcpy(payment.management_code, "372", 4);
    stage_ask(stage, &payment);
    stage_expect_reply(stage, stage->reply_count, "97");
    assert_int_equal(stage_last_reply(stage)->effect.terminal_request, 0);
    payment = stage_payment(PAYMENT_PARAMETER, TERMINAL_STOPPED, 0);
    memcpy(payment.management_code, "360", 4);
    stage_ask(stage, &payment);
    stage_expect_reply(stage, stage->reply_count, "58");
}

static void test_with_little_room_in_the_log_an_end_is_not_noted(void **state)
{
    struct stage *stage = *state;
    use_keys(stage, 3, 9);
    answer_to(stage, PAYMENT_CA_KEY_LIST, "372", text("100"), 0);
    stage->is_log_short = true;
    answer_to(stage, PAYMENT_DOWNLOAD_END, "371", NOTHING, 4);
    assert_int_equal(stage_count_records(stage, RECORD_STATUS), 0);
}

static void test_an_old_terminal_counts_without_the_leading_1(void **state)
{
    struct stage *stage = *state;
    use_keys(stage, 3, 9);
    struct byte_view list = answer_to(stage, PAYMENT_CA_KEY_LIST, "372", text("02"), 0);
    assert_int_equal(list.length, 1 + KEY_ENTRY_BYTES);
    list = answer_to(stage, PAYMENT_CA_KEY_LIST, "372", NOTHING, 0);
    assert_int_equal(list.length, 1 + 3 * KEY_ENTRY_BYTES);
    struct payment payment = ask_for(PAYMENT_CA_KEY_LIST, "372", text("1000000"));
    stage_ask(stage, &payment);
    stage_expect_reply(stage, stage->reply_count, "30");
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, stage_set_up, stage_tear_down)
    const struct CMUnitTest tests[] = {
        TEST(test_a_list_comes_in_parts_by_the_count_received),
        TEST(test_one_item_comes_by_its_name),
        TEST(test_a_count_that_is_none_is_refused),
        TEST(test_what_is_not_offered_is_an_empty_list),
        TEST(test_digit_6_asks_until_the_download_has_ended_and_after_a_change),
        TEST(test_rules_that_change_during_a_download_are_asked_for_again),
        TEST(test_an_end_without_a_beginning_notes_nothing),
        TEST(test_the_most_urgent_is_asked_for_first),
        TEST(test_with_little_room_in_the_log_an_end_is_not_noted),
        TEST(test_an_old_terminal_counts_without_the_leading_1),
        TEST(test_strangers_and_stopped_terminals_get_nothing),
    };
    return cmocka_run_group_tests_name("flow/download", tests, NULL, NULL);
}
